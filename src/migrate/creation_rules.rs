//! Rules in `.sops.yaml` for the files that a plan makes and no rule is for, so that sops edits and updates them as it does
//! others. They are copies of the rule that lends its recipients, behind all others.

use std::collections::BTreeSet;

use super::outline::{Outline, Part};
use super::plan::{Action, Plan, Shape};
use super::policy::{Policy, SECRET_SELECTOR, Scheme};
use super::readers::encrypted;
use super::repo::Repo;
use crate::sops::creation_rule::Config;
use crate::sops::ops::Audience;
use crate::text::Span;

/// The file with the rules.
pub(super) const FILE: &str = ".sops.yaml";

/// What of a rule says who can open files.
const KEPT: [&str; 8] = ["age", "pgp", "kms", "gcp_kms", "azure_keyvault", "hc_vault_transit_uri", "key_groups", "shamir_threshold"];

/// Files that a plan encrypts and no rule is for, by what of them is encrypted.
#[derive(Debug, Default)]
struct Uncovered<'p> {
    whole: BTreeSet<&'p str>,
    manifests: BTreeSet<&'p str>,
}

impl<'p> Uncovered<'p> {
    fn of(plan: &'p Plan, schemes: &[(&'p str, Scheme)]) -> Self {
        let mut found = Self::default();
        for (path, _) in schemes.iter().filter(|(_, scheme)| !scheme.covered) {
            let store = plan.stores.iter().find(|store| store.path == *path);
            match store.map(|store| &store.shape) {
                Some(Shape::Keys) => _ = found.whole.insert(path),
                Some(Shape::KubernetesSecret { .. }) | None => _ = found.manifests.insert(path),
                // The operator's own file has its values elsewhere.
                Some(Shape::SopsSecret { .. }) => {}
            }
        }
        found
    }
}

/// The edit that adds rules.
pub(super) struct Added<'p> {
    /// What it does.
    pub(super) action: Action,
    /// The paths that have one then.
    pub(super) paths: BTreeSet<&'p str>,
}

/// How each file is made that a run encrypts.
pub(super) fn schemes<'p>(plan: &'p Plan, policy: &Policy) -> Vec<(&'p str, Scheme)> {
    encrypted(plan).into_iter().filter_map(|path| Some((path, policy.scheme(path).ok()?))).collect()
}

/// The rules that are missing, if `.sops.yaml` can take them.
pub(super) fn cover<'p>(plan: &'p Plan, schemes: &[(&'p str, Scheme)], policy: &Policy, repo: &Repo) -> Option<Added<'p>> {
    if policy.recipients.is_some() {
        return None;
    }
    let text = String::from_utf8(repo.read(FILE)?).ok()?;
    let uncovered = Uncovered::of(plan, schemes);
    let paths: BTreeSet<&str> = uncovered.whole.union(&uncovered.manifests).copied().collect();
    let (at, rules) = rules(&text, &uncovered).filter(|_| !paths.is_empty())?;
    // As sops will read it.
    let config = Config::parse(format!("{}{rules}{}", &text[..at], &text[at..]).as_bytes()).ok()?;
    let is_lent = |(path, scheme): &(&str, Scheme)| {
        let rule = config.rule_for(path).ok().flatten();
        rule.is_some_and(|rule| recipients(&rule.audience) == recipients(&scheme.audience))
    };
    let sound = schemes.iter().filter(|(path, _)| paths.contains(path)).all(is_lent);
    sound.then(|| Added { action: Action::Splice { file: FILE.to_owned(), span: Span::new(at, at), text: rules }, paths })
}

fn recipients(audience: &Audience) -> Vec<Vec<&str>> {
    audience.groups.iter().map(|group| group.iter().map(|recipient| recipient.as_str()).collect()).collect()
}

/// Where the rules go, and their text.
fn rules(text: &str, uncovered: &Uncovered<'_>) -> Option<(usize, String)> {
    let outline = Outline::new(text);
    let list = [Part::Key("creation_rules".to_owned())];
    let items: Vec<_> = outline.children(0, &list).collect();
    let lends = |path: &[Part]| outline.children(0, path).any(|child| matches!(child.name(), Some("age" | "key_groups")));
    let lender = items.iter().find(|item| lends(&item.path))?;
    let last = items.last()?;
    let kept = outline.children(0, &lender.path).filter(|child| child.name().is_some_and(|name| KEPT.contains(&name)));
    let column = lender.column + 2;
    let keys: String = kept
        .map(|child| {
            let own = &text[child.start..child.end];
            format!("{}{}", " ".repeat(column), if own.ends_with('\n') { own.to_owned() } else { format!("{own}\n") })
        })
        .collect();
    // A second definition of an anchor would change what the first one's aliases mean to readers.
    if keys.is_empty() || keys.contains('&') {
        return None;
    }
    let dash = format!("{}- ", " ".repeat(lender.column));
    let rule = |paths: &BTreeSet<&str>, selector: Option<&str>| {
        let selector = selector.map(|regex| format!("{}encrypted_regex: '{regex}'\n", " ".repeat(column))).unwrap_or_default();
        if paths.is_empty() { String::new() } else { format!("{dash}path_regex: '{}'\n{selector}{keys}", regex(paths)) }
    };
    let both = format!("{}{}", rule(&uncovered.manifests, Some(SECRET_SELECTOR)), rule(&uncovered.whole, None));
    let gap = if text[..last.end].ends_with('\n') { "" } else { "\n" };
    Some((last.end, format!("{gap}{both}")))
}

/// A regular expression for paths, as it stands between single quotes: all `*.sops.env` at once, the others one by one.
fn regex(paths: &BTreeSet<&str>) -> String {
    let is_environment = |path: &&&str| path.ends_with(".sops.env");
    let environments = paths.iter().any(|path| is_environment(&path)).then(|| r"\.sops\.env$".to_owned());
    let others = paths.iter().filter(|path| !is_environment(path)).map(|path| format!("^{}$", escaped(path)));
    environments.into_iter().chain(others).collect::<Vec<_>>().join("|").replace('\'', "''")
}

fn escaped(path: &str) -> String {
    let mut out = String::new();
    for character in path.chars() {
        if character.is_ascii_punctuation() && !"/_-".contains(character) {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_copies_of_the_one_that_lends_its_recipients() {
        let text = "keys: []\ncreation_rules:\n  - path_regex: ^a$\n    pgp: X\n  - path_regex: ^b$\n    encrypted_regex: ^c$\n    \
                    key_groups:\n      - age:\n          - age1x\nstores: {}\n";
        let uncovered = Uncovered { whole: ["d.sops.env", "it's/e.yaml"].into(), manifests: ["k8s/f.yaml"].into() };
        let (at, added) = rules(text, &uncovered).expect("rules");
        assert_eq!(&text[at..], "stores: {}\n");
        let wanted = "  - path_regex: '^k8s/f\\.yaml$'\n    encrypted_regex: '^(data|stringData)$'\n    key_groups:\n      - age:\n          - \
                      age1x\n  - path_regex: '\\.sops\\.env$|^it\\''s/e\\.yaml$'\n    key_groups:\n      - age:\n          - age1x\n";
        assert_eq!(added, wanted);
        assert!(rules("creation_rules: [{age: x}]\n", &uncovered).is_none());
        assert!(rules("creation_rules:\n  - age: &team age1x\n", &uncovered).is_none());
    }
}
