//! Moves secrets from where they were found into SOPS files, and leaves references behind.
//!
//! [`run()`] is the story: `survey` reads the files that findings are in; `plan` asks the rewriters (`rewrite`) what would
//! take each secret's place and where it would go; a [`Person`] decides; `change` makes the new bytes and decrypts every
//! store again; `proof` scans the result before anything is written; `apply` writes it, journalled; `verify` scans what was
//! written. Only `apply` and `journal` write files.

mod apply;
#[cfg(test)]
mod apply_tests;
mod change;
mod cluster;
mod creation_rules;
mod dismiss;
mod draft;
mod file;
mod intact;
mod journal;
mod known;
mod layout;
pub mod listed;
mod manifests;
mod naming;
mod needle;
mod new_store;
mod outline;
pub mod plan;
mod plan_file;
mod policy;
mod preflight;
mod project;
mod proof;
mod readers;
mod render;
pub mod rendering;
mod repo;
mod rewrite;
mod run;
mod scalar;
mod scripts;
mod shared;
mod slugs;
mod store_check;
mod survey;
mod vault;
mod verdict;
mod whole;
mod wish;
mod yaml;

use std::collections::BTreeSet;

use crate::finding::FingerprintKey;
use crate::sops::keyring::Keyring;
pub use apply::{ApplyError, resume, undo, undo_files};
pub use change::{Change, ChangeError, Tools, preview};
pub use dismiss::{NotAList, allowed, entry_of};
use draft::Draft;
pub use file::{Site, SourceFile, SourceFiles};
pub use journal::{Journal, JournalError, State, all as journals};
pub use known::is_distinct;
pub use layout::Layout;
pub use new_store::{new_store, opens};
use plan::{Applicability, Plan};
pub use plan_file::{Decisions, PlanFileError};
pub use policy::{NoRecipients, OtherKeys, Policy, Scheme};
pub use preflight::Refusal;
pub use proof::Leftover;
pub use readers::{Named, Reader, readers};
pub use render::{Reference, RenderError, render};
pub use repo::{Repo, RepoError};
pub use run::{Applied, Consent, Drafts, End, Extent, Held, Helpers, MigrateError, News, Outcome, Person, Request, run};
use slugs::Slugs;
pub use store_check::{Expected, StoreFault};
use survey::Survey;
pub use wish::{Wish, WishError, Wishes};

/// What planning goes by.
struct Settings<'a> {
    /// Opens stores that exist.
    keyring: &'a Keyring,
    /// How encrypted Secrets reach the cluster.
    kubernetes: KubernetesStyle,
    /// In which folder the stores lie that any file may refer to.
    layout: Layout,
    /// Where people want values to go.
    wishes: &'a Wishes,
    /// Names values in wishes.
    key: &'a FingerprintKey,
    /// How far a run goes with steps that nobody decided about.
    upto: Applicability,
}

/// How encrypted Secrets reach the cluster.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum KubernetesStyle {
    /// As the repository does it already; in place if it does not.
    #[default]
    Auto,
    /// They stay among the resources, and what applies them decrypts them, as Flux does.
    InPlace,
    /// ksops generates them when kustomize builds.
    Ksops,
    /// An operator makes them of what a secret store holds.
    ExternalSecrets,
    /// An operator makes them of encrypted `SopsSecret`s.
    SopsSecretsOperator,
    /// The cluster itself decrypts them; only it has the key.
    Sealed,
}

/// What a migration of these files would do.
fn plan(survey: &Survey, repo: &Repo, settings: &Settings<'_>) -> Plan {
    let mut draft = Draft::new(repo, settings);
    draft.slugs = Slugs::new(survey.files.values().flat_map(|file| &file.sites).map(|site| &site.secret));
    rewrite::all(&survey.files, &mut draft);
    let mut plan = draft.finish();
    plan.upto = settings.upto;
    plan.leave_overlapping();
    shared::keep_apart(&mut plan, &survey.files);
    plan.steps.extend(survey.leftovers());
    plan.steps.sort_by(|a, b| (&a.file, a.places.first().map(|p| p.span)).cmp(&(&b.file, b.places.first().map(|p| p.span))));
    plan.notes.sort();
    plan.notes.dedup();
    plan
}

/// What there is to know about the keys of what a plan encrypts: rules that `.sops.yaml` gets, and what it does not say afterwards.
pub fn policy_notes(plan: &Plan, policy: &Policy, repo: &Repo) -> Vec<String> {
    let schemes = creation_rules::schemes(plan, policy);
    let added = creation_rules::cover(plan, &schemes, policy, repo);
    let has_rule = |path: &str| added.as_ref().is_some_and(|added| added.paths.contains(path));
    let uncovered: Vec<&str> = schemes.iter().filter(|(path, scheme)| !scheme.covered && !has_rule(path)).map(|(path, _)| *path).collect();
    let mut notes = Vec::new();
    if let Some(added) = &added {
        let files = if added.paths.len() == 1 { "1 SOPS file".to_owned() } else { format!("{} SOPS files", added.paths.len()) };
        notes.push(format!("{} gets creation rules for {files}, with the recipients of its first rule", creation_rules::FILE));
    }
    if !uncovered.is_empty() {
        let paths = uncovered.join(", ");
        notes
            .push(format!("no creation rule is for {paths}; they go to the recipients of the first rule. Add rules for `sops updatekeys`"));
    }
    let foreign: BTreeSet<String> = schemes.iter().flat_map(|(_, scheme)| &scheme.foreign).map(ToString::to_string).collect();
    if !foreign.is_empty() {
        let names = foreign.into_iter().collect::<Vec<_>>().join(", ");
        notes.push(match policy.other_keys {
            OtherKeys::Sops => format!("sops encrypts the new files for the other keys of the rule: {names}"),
            OtherKeys::User => format!(
                "sopup encrypts for age recipients alone; run `sops updatekeys` on the new files to add the other keys of the rule, or install sops 3.8 or newer before: {names}"
            ),
        });
    }
    notes
}
