//! AWS account IDs are no secrets: they give way to a named parameter, the same for each ID everywhere. The real ones
//! go to an encrypted `accounts.sops.env`.

use std::collections::{BTreeMap, BTreeSet};

use super::markdown::{self, Setting, is_prose};
use super::page::Page;
use super::quote::{exec_env, expand, run_with, script, told};
use super::{Rewriter as _, ci, compose, dotenv, is_in_comment, shell, source_code, terraform, words};
use crate::migrate::draft::{Draft, Verdict};
use crate::migrate::file::{Site, SourceFile, SourceFiles};
use crate::migrate::naming;
use crate::migrate::plan::{Action, Shape};
use crate::secret::Secret;
use crate::text::shell_word;

/// What an account is called that nothing tells whose it is. Many systems have one of that name in the environment.
const UNQUALIFIED: &str = "AWS_ACCOUNT_ID";

/// The parameter of each account ID.
pub(super) struct Accounts(BTreeMap<Secret, String>);

impl Accounts {
    /// Names all account IDs: by the environment that a quarter of their places speak of, else by what settings call them.
    pub(super) fn of(files: &SourceFiles) -> Self {
        let mut votes = BTreeMap::<&Secret, Votes>::new();
        for file in files.values() {
            for site in file.sites.iter().filter(|site| site.is_account()) {
                let line = file.line_at(site.span.start);
                let around = String::from_utf8_lossy(&file.bytes[line.range()]);
                let stage = naming::stage(&file.path).or_else(|| naming::stage(&around));
                let of_id = votes.entry(&site.secret).or_default();
                of_id.places += 1;
                if let Some(stage) = stage {
                    *of_id.stages.entry(stage).or_default() += 1;
                }
                if let Some(owner) = file.text().and_then(|text| owner(words::assigned(text, site.span)?)) {
                    *of_id.owners.entry(owner).or_default() += 1;
                }
            }
        }
        let mut names = BTreeMap::<Secret, String>::new();
        for (id, votes) in votes {
            let base = votes.best().map_or(UNQUALIFIED.to_owned(), |whose| format!("{UNQUALIFIED}_{whose}"));
            let free = |n: &usize| if *n == 1 { base.clone() } else { format!("{base}_{n}") };
            let name = (1..).find(|n| !names.values().any(|known| *known == free(n))).map_or(base.clone(), |n| free(&n));
            names.insert(id.clone(), name);
        }
        Self(names)
    }
}

/// Whose an account may be.
#[derive(Default)]
struct Votes {
    places: usize,
    stages: BTreeMap<&'static str, usize>,
    owners: BTreeMap<String, usize>,
}

impl Votes {
    /// The word for whose it is, as names of variables have it.
    fn best(&self) -> Option<String> {
        let stage = self.stages.iter().max_by_key(|(_, count)| **count).filter(|(_, count)| **count * 4 >= self.places);
        let owner = || self.owners.iter().max_by_key(|(_, count)| **count).map(|(owner, _)| owner.clone());
        stage.map(|(stage, _)| stage.to_ascii_uppercase()).or_else(owner)
    }
}

/// `CSOC` of `csoc_account_id`: what the name of a setting says besides that it is an account.
fn owner(name: &str) -> Option<String> {
    const SAYS_NOTHING: [&str; 11] = ["AWS", "ACCOUNT", "ACCOUNTS", "ACCT", "ID", "IDS", "NUMBER", "NO", "ACCOUNTID", "DEFAULT", "OWNER"];
    let name = naming::variable(name.rsplit(['.', ':', '/']).next().unwrap_or_default());
    let words: Vec<&str> = name.split('_').filter(|word| !SAYS_NOTHING.contains(word)).collect();
    let says = name.contains("ACC") && matches!(words.len(), 1 | 2) && words.iter().all(|word| word.len() > 1);
    says.then(|| words.join("_"))
}

/// Plans the account IDs of a file.
pub(super) fn rewrite(file: &SourceFile, sites: &[&Site], accounts: &Accounts, draft: &mut Draft<'_>) {
    let folder = draft.shared_folder();
    let page = file.text().filter(|_| is_prose(file)).map(Page::new);
    // `envsubst` fills in everything that looks like a variable, unless it is told which are some.
    let names: BTreeSet<String> = sites.iter().filter_map(|site| Some(format!("${}", accounts.0.get(&site.secret)?))).collect();
    let names = names.into_iter().collect::<Vec<_>>().join(" ");
    let envsubst = format!("envsubst '{names}' < {}", shell_word(&file.path));
    for &site in sites {
        let Some(name) = accounts.0.get(&site.secret) else { continue };
        if file.name().ends_with(".tf") && !is_in_comment(file, site) {
            terraform::account(file, site, name, draft);
            continue;
        }
        let Some((span, text, verdict)) = replacement(file, page.as_ref(), site, name, (&format!("{folder}/accounts.sops.env"), &envsubst))
        else {
            draft.manual("account", file, &[site], "an AWS account ID in program text: read it from the configuration or from STS");
            continue;
        };
        let store = store(draft);
        let id = draft.put(store, &[name], &site.secret);
        let mut actions = vec![Action::Splice { file: file.path.clone(), span, text }];
        actions.extend(dotenv::companions(draft, store));
        draft.step("account", file, &[site], verdict, actions, vec![id]);
    }
}

/// The store of the IDs.
pub(super) fn store(draft: &mut Draft<'_>) -> usize {
    let folder = draft.shared_folder();
    draft.store(&format!("{folder}/accounts"), ".sops.env", &Shape::Keys, "accounts")
}

fn replacement(
    file: &SourceFile,
    page: Option<&Page<'_>>,
    site: &Site,
    name: &str,
    (accounts, envsubst): (&str, &str),
) -> Option<(crate::text::Span, String, Verdict)> {
    let variable = format!("${{{name}}}");
    let required = format!("${{{name}:?{}}}", told(accounts));
    let rendered = Verdict::review(format!(
        "substitute it where the file is used: Flux `postBuild`, or `{}`",
        exec_env(accounts, &shell_word(envsubst))
    ));
    let Some(text) = file.text() else { return Some((site.span, format!("<{name}>"), Verdict::safe(""))) };
    let line = file.line_at(site.span.start);
    if let Some(page) = page {
        let pasted = Verdict::review(format!("whoever pastes it needs {name}, which `{}` sets", exec_env(accounts, "COMMAND")));
        return Some(match markdown::setting(page, line, site.span) {
            Setting::ShellBlock => (site.span, format!("${{{name}:?}}"), pasted),
            Setting::Command | Setting::Block => (site.span, format!("<{name}>"), pasted),
            Setting::WholeCode | Setting::Inside | Setting::Word => (site.span, format!("<{name}>"), Verdict::safe("")),
        });
    }
    if is_in_comment(file, site) {
        let of_program = source_code::SourceCode.takes(file);
        let verdict =
            if of_program { Verdict::review("a comment of a program, whose tools may read it as markup") } else { Verdict::safe("") };
        return Some((site.span, format!("<{name}>"), verdict));
    }
    if shell::Shell.takes(file) && !file.name().ends_with(".ps1") {
        let heredoc = shell::heredoc(&text[..line.start]);
        let quote = shell::quote_in(heredoc, &text[line.range()], site.span.start - line.start)?;
        let run = format!("run with `{}`", run_with(file, accounts, &script(&file.path)));
        let verdict = match shell::doubt(text, line, site, (heredoc.is_some(), false)) {
            Some(why) => Verdict::review(format!("{why}; {run}")),
            None if name == UNQUALIFIED => Verdict::review(format!("another account may be in {name} where it runs; {run}")),
            None => Verdict::safe(run),
        };
        return Some((site.span, expand(&required, quote), verdict));
    }
    if compose::Compose.takes(file) {
        return Some((
            site.span,
            required,
            Verdict::safe(format!("started with `{}`", run_with(file, accounts, &compose::up(&file.path)))),
        ));
    }
    if let Some(system) = ci::system(file) {
        let text = match system {
            ci::System::GitHub => format!("${{{{ vars.{name} }}}}"),
            ci::System::GitLab => format!("${name}"),
            ci::System::Azure => format!("$({name})"),
            ci::System::Bitbucket => format!("${name}"),
            ci::System::Jenkins | ci::System::CircleCi | ci::System::Drone => return None,
        };
        return Some((site.span, text, Verdict::review(format!("set {name} as a variable of the CI system first"))));
    }
    if terraform::is_variables(file) {
        return Some((site.span, variable, rendered));
    }
    if source_code::SourceCode.takes(file) {
        return None;
    }
    Some((site.span, variable, rendered))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_settings_say_whose_an_account_is() {
        assert_eq!(owner("csoc_account_id"), Some("CSOC".to_owned()));
        assert_eq!(owner("aws.childAccountId"), Some("CHILD".to_owned()));
        assert_eq!(owner("aws_account_id"), None);
        assert_eq!(owner("bucket"), None);
    }
}
