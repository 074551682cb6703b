//! Which refs lead to a commit.

use std::collections::BTreeMap;

use crate::source::Commit;
use crate::source::history::{CommitGraph, CommitText};
use crate::source::object::{ObjectId, ObjectStore};
use crate::source::refs::{GitDir, Ref};

/// Refs that are named with a place.
pub(super) const NAMED: usize = 5;

/// Tags of tags are followed so far.
const TAGS: usize = 8;

/// Where refs lead: commits by number, with the names of the refs.
pub(super) struct Tips {
    commits: Vec<u32>,
    names: Vec<Vec<String>>,
}

impl Tips {
    pub(super) fn of(store: &ObjectStore, refs: &[Ref], graph: &CommitGraph) -> Self {
        let mut tips: BTreeMap<u32, Vec<String>> = BTreeMap::new();
        for one in refs {
            let name = String::from_utf8_lossy(&one.name);
            if let Some(commit) = one.id.and_then(|id| graph.behind(store, id, TAGS)) {
                tips.entry(commit).or_default().push(name.into_owned());
            }
        }
        let (commits, names) = tips.into_iter().unzip();
        Self { commits, names }
    }

    /// For each set of commits the refs that lead to one of them, branches first.
    pub(super) fn leading(&self, graph: &CommitGraph, sets: &[Vec<u32>]) -> Vec<Vec<&str>> {
        let named = |places: Vec<usize>| {
            let mut refs: Vec<&str> = places.into_iter().flat_map(|place| self.names[place].iter().map(String::as_str)).collect();
            // HEAD says less than the branch it stands on.
            refs.sort_unstable_by_key(|name| (!name.starts_with("refs/heads/"), !name.starts_with("refs/"), *name));
            refs
        };
        graph.reached(sets, &self.commits).into_iter().map(named).collect()
    }
}

/// The commit of this working tree's HEAD.
pub(super) fn head(git: &GitDir, refs: &[Ref]) -> Option<ObjectId> {
    let name = git.head_name();
    refs.iter().find(|one| one.name == name)?.id
}

/// A commit as reports name it.
pub(super) fn described(store: &ObjectStore, id: &ObjectId) -> Option<Commit> {
    let text = CommitText::parse(&store.read(id).ok()?.bytes)?;
    Some(Commit { id: id.to_string(), author: text.author, date: text.authored })
}
