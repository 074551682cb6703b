//! [`readers`]: who can open what a plan encrypts, and where each of them is named. Whoever can change `.sops.yaml`
//! decides about that, so people are to see it before anything is encrypted.

use std::collections::{BTreeMap, BTreeSet};

use super::plan::{Action, Plan};
use super::policy::Policy;
use super::repo::Repo;
use crate::sops::metadata::Metadata;
use crate::sops::store::{Format, Limits, Style};

/// The file with the creation rules.
const RULES: &str = ".sops.yaml";

/// Where a recipient is named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Named {
    /// By whoever runs the migration.
    ByUser,
    /// In `.sops.yaml`, on these lines, from 1.
    InRules(Vec<usize>),
    /// In a SOPS file that is there already and takes more values.
    InStore(String),
}

/// Somebody who can open some files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// The public key, or the kind of a key that sopup cannot name.
    pub recipient: String,
    /// Where it is named.
    pub named: Named,
    /// What it opens, in order.
    pub files: Vec<String>,
}

/// Who can open what the chosen steps of a plan encrypt.
pub fn readers(plan: &Plan, repo: &Repo, policy: &Policy) -> Vec<Reader> {
    let rules = repo.read(RULES).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let mut found = BTreeMap::<(String, Named), Vec<String>>::new();
    for path in encrypted(plan) {
        for (recipient, named) in of_file(path, repo, policy, &rules) {
            found.entry((recipient, named)).or_default().push(path.to_owned());
        }
    }
    found.into_iter().map(|((recipient, named), files)| Reader { recipient, named, files }).collect()
}

/// The files that a run encrypts.
pub(super) fn encrypted(plan: &Plan) -> BTreeSet<&str> {
    let stores = plan.chosen().flat_map(|step| &step.entries).map(|id| plan.stores[id.store].path.as_str());
    let in_place = plan.chosen().flat_map(|step| &step.actions).filter_map(|action| match action {
        Action::Encrypt { file, .. } => Some(file.as_str()),
        _ => None,
    });
    stores.chain(in_place).collect()
}

fn of_file(path: &str, repo: &Repo, policy: &Policy, rules: &str) -> Vec<(String, Named)> {
    let named = |recipient: &str| match &policy.recipients {
        Some(_) => Named::ByUser,
        None => Named::InRules(lines_with(rules, recipient)),
    };
    if let Some(metadata) = metadata(path, repo) {
        let of_group = metadata.key_groups().iter().flat_map(|group| {
            group.age.iter().map(|key| key.recipient.clone()).chain(group.foreign.iter().map(|key| key.name.to_string()))
        });
        return of_group.map(|recipient| (recipient, Named::InStore(path.to_owned()))).collect();
    }
    let groups = policy.scheme(path).map(|scheme| scheme.audience.groups).unwrap_or_default();
    groups.iter().flatten().map(|recipient| (recipient.as_str().to_owned(), named(recipient.as_str()))).collect()
}

/// The metadata of a SOPS file that is there already.
fn metadata(path: &str, repo: &Repo) -> Option<Metadata> {
    let store = Format::from_path(path).store(Limits::default(), Style::default());
    Metadata::parse(store.read_encrypted(&repo.read(path)?).ok()?.metadata?).ok()
}

fn lines_with(text: &str, recipient: &str) -> Vec<usize> {
    text.lines().enumerate().filter(|(_, line)| line.contains(recipient)).map(|(at, _)| at + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_count_from_one() {
        assert_eq!(lines_with("creation_rules:\n  - age: age1a,age1b\n  - age: age1b\n", "age1b"), [2, 3]);
    }
}
