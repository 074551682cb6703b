//! Rewriters: each knows one family of files, where its values can live and what takes their place there. They edit
//! nothing; they hand [`Step`](super::plan::Step)s to the [`Draft`].

mod account;
mod ansible;
mod check;
mod ci;
mod compose;
mod compose_secret;
mod config;
mod configmap;
mod container;
mod dockerfile;
mod dotenv;
mod dotnet;
mod expression;
mod external;
mod extract;
mod hcl;
mod helm;
mod helm_release;
mod helm_templates;
mod ksops;
mod kubernetes;
mod kustomize;
mod language;
mod made;
mod makefile;
mod markdown;
mod operator;
mod page;
mod page_commands;
mod quote;
mod rails;
mod shell;
mod source_code;
mod terraform;
mod words;

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::draft::{Draft, Verdict};
use super::file::{Site, SourceFile, SourceFiles};
use super::naming;
use super::plan::{Action, Step};
use crate::detect::Hints;
use crate::rule::Kind;
use crate::rule::lexicon::EXAMPLE_PHRASES;

/// Plans for one family of files.
trait Rewriter {
    /// Its name in plans.
    fn id(&self) -> &'static str;

    /// Whether a file is of its family.
    fn takes(&self, file: &SourceFile) -> bool;

    /// Plans steps for these places, all of this file. Places left out are reported as having no edit.
    fn rewrite(&self, file: &SourceFile, sites: &[&Site], draft: &mut Draft<'_>);

    /// Whether values stay with the file, so that others can refer to them: such files come first.
    fn anchors(&self) -> Anchors {
        Anchors::Elsewhere
    }
}

/// Where a family's values live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Anchors {
    /// In stores of the file's own.
    Here,
    /// Wherever the value is already, else in a shared store.
    Elsewhere,
}

/// In order: the first that takes a file plans it.
const REWRITERS: &[&dyn Rewriter] = &[
    &dotenv::Dotenv,
    &compose::Compose,
    &dockerfile::Dockerfile,
    &kustomize::Kustomize,
    &kubernetes::Kubernetes,
    &helm::HelmValues,
    &terraform::Terraform,
    &ci::Pipeline,
    &makefile::Makefile,
    &shell::Shell,
    &ansible::Ansible,
    &rails::Rails,
    &dotnet::DotNet,
    &source_code::SourceCode,
    &markdown::Markdown,
    &config::Config,
];

/// Plans all files.
pub(super) fn all(files: &SourceFiles, draft: &mut Draft<'_>) {
    let accounts = account::Accounts::of(files);
    for anchors in [Anchors::Here, Anchors::Elsewhere] {
        for file in files.values() {
            let rewriter = REWRITERS.iter().find(|rewriter| rewriter.takes(file)).expect("the last takes every file");
            if rewriter.anchors() == anchors {
                guarded(file, draft, |draft| one(*rewriter, file, &accounts, draft));
            }
        }
    }
}

/// Plans a file; one that a rewriter fails on is left to people.
fn guarded(file: &SourceFile, draft: &mut Draft<'_>, plan: impl FnOnce(&mut Draft<'_>)) {
    let before = draft.plan.steps.len();
    if catch_unwind(AssertUnwindSafe(|| plan(draft))).is_err() {
        draft.plan.steps.truncate(before);
        let sites: Vec<&Site> = file.sites.iter().collect();
        draft.manual("internal-error", file, &sites, "sopup failed on this file, which is an error of sopup; please report it");
    }
}

/// What a file is in which nothing can take the place of a value, and what to do instead.
fn takes_nothing(file: &SourceFile) -> Option<(&'static str, &'static str)> {
    match file.name() {
        ".sops.yaml" => Some(("sops-config", "sops itself reads this file and resolves no references in it")),
        name if name.ends_with(".patch") || name.ends_with(".diff") => {
            Some(("patch", "a patch, which has to fit what it is for: make it anew from what it changes"))
        }
        _ if file.is_binary() => Some(("binary", "a binary file: make it anew without the value, from what it is built of")),
        _ => None,
    }
}

fn one(rewriter: &dyn Rewriter, file: &SourceFile, accounts: &account::Accounts, draft: &mut Draft<'_>) {
    if let Some((kind, reason)) = takes_nothing(file) {
        let sites: Vec<&Site> = file.sites.iter().collect();
        return draft.manual(kind, file, &sites, reason);
    }
    if matches!(rewriter.id(), "kubernetes" | "config") && is_in_chart(file, draft) {
        let sites: Vec<&Site> = file.sites.iter().collect();
        return draft.manual(
            "helm",
            file,
            &sites,
            "a template of a Helm chart: take the value from `.Values` or from a Secret that is there already",
        );
    }
    let (hashes, rest): (Vec<&Site>, Vec<&Site>) = file.sites.iter().partition(|site| site.is_hash());
    if !hashes.is_empty() {
        draft.manual("hash", file, &hashes, "a hash: the program that checks it reads it from this file; choose a new password instead");
    }
    let (parts, rest): (Vec<&Site>, Vec<&Site>) = rest.into_iter().partition(|site| is_part_of_key(site));
    if !parts.is_empty() {
        draft.manual("key-part", file, &parts, "one of several numbers that make up a private key: move the file with all of them by hand");
    }
    let accounts_too = match rewriter.id() {
        "dotenv" | "helm" => true,
        "terraform" => terraform::is_variables(file),
        "kubernetes" => kubernetes::is_all_secrets(file),
        _ => false,
    };
    let (mut accounts_here, secrets): (Vec<&Site>, Vec<&Site>) = rest.into_iter().partition(|site| site.is_account() && !accounts_too);
    let before = draft.plan.steps.len();
    if !secrets.is_empty() {
        rewriter.rewrite(file, &secrets, draft);
    }
    let planned = |draft: &Draft<'_>, site: &&Site| {
        draft.plan.steps[before..].iter().any(|step| step.places.iter().any(|place| place.span == site.span))
    };
    let missed: Vec<&Site> = secrets.iter().copied().filter(|site| !planned(draft, site)).collect();
    for site in missed {
        match () {
            () if site.is_account() => accounts_here.push(site),
            () if is_in_comment(file, site) => comment(rewriter, file, site, draft),
            () => draft.manual(rewriter.id(), file, &[site], "sopup knows no edit that keeps this place working"),
        }
    }
    account::rewrite(file, &accounts_here, accounts, draft);
    draft.plan.steps[before..].iter_mut().for_each(|step| check::check(step, file));
    if let Some((ids, why)) = doubt(file) {
        draft.plan.steps[before..].iter_mut().for_each(|step| cast(step, ids, why));
    }
    if let Some(why) = used_elsewhere(rewriter.id(), file, draft) {
        draft.plan.steps[before..].iter_mut().for_each(|step| cast(step, &[rewriter.id(), "account"], &why));
    }
}

/// Whether Helm renders a file, and all that lies beside it.
fn is_in_chart(file: &SourceFile, draft: &Draft<'_>) -> bool {
    let mut above = file.folder().match_indices("templates/").filter(|(at, _)| *at == 0 || file.folder()[..*at].ends_with('/'));
    above.any(|(at, _)| draft.repo.exists(&format!("{}Chart.yaml", &file.folder()[..at])))
}

/// Whether a private key is found by one of its numbers, whose others would stay.
fn is_part_of_key(site: &Site) -> bool {
    site.rule.id.starts_with("jwk-private-key") || site.rule.id == "identityserver-signing-key"
}

/// Why steps of a file may not be wanted although they keep it valid: the rewriters in question (all if none are
/// named) and the reason.
fn doubt(file: &SourceFile) -> Option<(&'static [&'static str], &'static str)> {
    let is_test = Hints::of_path(&file.path).test;
    let example = "an example, and readers would see ciphertext; if the value is invented, it is a false alarm";
    match () {
        () if is_test => Some((&[], "a test, which may want the file as it is; if the value is invented, it is a false alarm")),
        () if is_applied_once(file) => Some((&[], "a migration of a database: where it has run, a changed text is refused")),
        () if naming::is_for_readers(&file.path) => Some((&["kubernetes", "configmap", "kustomize", "helm"], example)),
        () => None,
    }
}

/// Whether a tool keeps the checksum of a file that it has run: `V1__users.sql` of Flyway, changes of Liquibase.
fn is_applied_once(file: &SourceFile) -> bool {
    let version = file.name().strip_prefix('V').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let of_flyway = file.name().ends_with(".sql") && version.is_some_and(|rest| rest.contains("__"));
    of_flyway || file.text().is_some_and(|text| text.contains("databaseChangeLog") || text.contains("--liquibase formatted sql"))
}

/// Why steps of a file may not be wanted for what else uses it.
fn used_elsewhere(rewriter: &str, file: &SourceFile, draft: &Draft<'_>) -> Option<String> {
    let (scripts, manifests) = (|| draft.repo.scripts(), || draft.repo.manifests());
    match rewriter {
        "shell" | "config" | "source-code" => {
            let copied = || {
                scripts().image_with(&file.path).map(|image| format!("{image} copies it into an image: give its containers the variable"))
            };
            let generated = || {
                manifests().generating(&file.path).map(|path| format!("{path} makes a ConfigMap of it: give its containers the variable"))
            };
            let used = || {
                manifests()
                    .using(&file.path)
                    .filter(|_| rewriter != "config")
                    .map(|path| format!("{path} uses it: give it the variable there"))
            };
            let run = || scripts().running(&file.path).map(|other| format!("{other} runs it and goes on where it stops"));
            copied().or_else(generated).or_else(used).or_else(run)
        }
        "compose" => scripts().calling_compose(file.folder()).map(|(script, way)| format!("{script} {way}")),
        "kubernetes" => {
            let script = scripts().reading(&file.path)?;
            Some(format!("{script} reads the file itself, and would take what is encrypted for the value"))
        }
        _ => None,
    }
}

fn cast(step: &mut Step, ids: &[&str], why: &str) {
    if !ids.is_empty() && !ids.contains(&step.rewriter) {
        return;
    }
    step.doubt(why);
}

/// Whether a place is in a comment of a configuration: nothing reads it.
fn is_in_comment(file: &SourceFile, site: &Site) -> bool {
    let marked =
        |text: &str| ["#", ";", "//"].iter().any(|mark| text[file.line_at(site.span.start).range()].trim_start().starts_with(mark));
    let on_line = || file.text().is_some_and(marked) && site.span.end <= file.line_at(site.span.start).end;
    on_line() || source_code::is_in_block(file, site)
}

fn comment(rewriter: &dyn Rewriter, file: &SourceFile, site: &Site, draft: &mut Draft<'_>) {
    let name = words::name(file.text().unwrap_or_default(), site);
    let id = draft.shared(file, &[&words::of_file(file), &name], &site.value());
    let actions = vec![Action::Splice { file: file.path.clone(), span: site.span, text: draft.uri(id) }];
    draft.step(rewriter.id(), file, &[site], of_comment(file, site), actions, vec![id]);
}

/// What becomes of a comment matters to nobody but its readers, unless it is a setting, a command or code that waits to be used.
fn of_comment(file: &SourceFile, site: &Site) -> Verdict {
    let line = file.line_at(site.span.start);
    let before = file
        .text()
        .map_or("", |text| text[line.start..site.span.start.max(line.start)].trim_start_matches(['#', ';', '/', '*', ' ', '\t', '-']));
    let name = before.trim_end_matches(['"', '\'', ' ']).strip_suffix([':', '=']).map(str::trim_end);
    let is_setting = name.is_some_and(|name| !name.is_empty() && !name.contains(char::is_whitespace));
    let is_code = before.contains(" -") || before.contains(['=', '{']) || before.starts_with('@');
    let text = file.text().unwrap_or_default();
    let shown = || {
        let mut above = text[..line.end].lines().rev().take(3).map(str::to_lowercase);
        let says = |line: String| EXAMPLE_PHRASES.iter().any(|phrase| line.contains(phrase));
        file.is_sample() || above.any(says)
    };
    if shown() {
        return Verdict::review("a comment that shows an example; if the value is invented, it is a false alarm");
    }
    match is_setting || is_code || site.rule.kind == Kind::PrivateKey {
        true => Verdict::review("a setting that is commented out: whoever takes it in again must resolve the reference"),
        false => Verdict::safe(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::FingerprintKey;
    use crate::migrate::plan::Applicability;
    use crate::migrate::repo::Repo;
    use crate::migrate::wish::Wishes;
    use crate::migrate::{KubernetesStyle, Layout, Settings};
    use crate::rule::RuleSet;
    use crate::secret::Secret;
    use crate::sops::keyring::Keyring;
    use crate::text::Span;

    #[test]
    fn a_file_that_a_rewriter_fails_on_is_left_to_people() {
        let top = tempfile::tempdir().expect("a folder");
        git2::Repository::init(top.path()).expect("a repository");
        let repo = Repo::open(top.path()).expect("opens");
        let (keyring, wishes, key) = (Keyring::new(), Wishes::default(), FingerprintKey::new(vec![7; 32]).expect("a key"));
        let settings = Settings {
            keyring: &keyring,
            kubernetes: KubernetesStyle::Auto,
            layout: Layout::Central,
            wishes: &wishes,
            key: &key,
            upto: Applicability::Safe,
        };
        let mut draft = Draft::new(&repo, &settings);
        let file = |path: &str| {
            let secret = Secret::new(b"Zq9wLm2xTr7pKd".to_vec());
            let fingerprint = key.fingerprint(&secret);
            let rule = RuleSet::builtin().rules().next().expect("a rule");
            let site = Site { span: Span::new(0, 14), line: 1, secret, fingerprint, rule, confidence: crate::rule::Confidence::High };
            SourceFile::new(path.to_owned(), b"Zq9wLm2xTr7pKd\n".to_vec(), vec![site])
        };
        let (bad, good) = (file("bad.md"), file("good.md"));
        guarded(&bad, &mut draft, |draft| {
            draft.manual("first", &bad, &[&bad.sites[0]], "half done");
            panic!("as a rewriter may");
        });
        guarded(&good, &mut draft, |draft| draft.manual("second", &good, &[&good.sites[0]], "by hand"));
        let steps: Vec<_> = draft.plan.steps.iter().map(|step| (step.file.as_str(), step.rewriter, step.places.len())).collect();
        assert_eq!(steps, [("bad.md", "internal-error", 1), ("good.md", "second", 1)]);
    }
}
