//! Which refs lead to a commit.

use std::collections::BTreeMap;

use crate::source::Commit;
use crate::source::history::{CommitGraph, CommitText};
use crate::source::object::{ObjectId, ObjectKind, ObjectStore};
use crate::source::refs::{GitDir, Ref};

/// Refs that are named with a place.
pub(super) const NAMED: usize = 5;

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
            let Some(mut id) = one.id else { continue };
            // A tag leads on.
            for _ in 0..8 {
                if let Some(commit) = graph.number(&id) {
                    tips.entry(commit).or_default().push(name.into_owned());
                    break;
                }
                let Some(object) = store.read(&id).ok().filter(|object| object.kind == ObjectKind::Tag) else { break };
                let target = object.bytes.split(|&byte| byte == b'\n').next().and_then(|line| line.strip_prefix(b"object "));
                let Some(next) = target.and_then(ObjectId::from_hex) else { break };
                id = next;
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
