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

/// Where refs lead: commits by number, with the refs by their place among all.
pub(super) struct Tips {
    commits: Vec<u32>,
    refs: Vec<Vec<usize>>,
    /// Branches first.
    names: Vec<String>,
}

impl Tips {
    pub(super) fn of(store: &ObjectStore, refs: &[Ref], graph: &CommitGraph) -> Self {
        let mut leading: Vec<(String, u32)> = refs
            .iter()
            .filter_map(|one| Some((String::from_utf8_lossy(&one.name).into_owned(), graph.behind(store, one.id?, TAGS)?)))
            .collect();
        // HEAD says less than the branch it stands on.
        let is_less = |name: &str| (!name.starts_with("refs/heads/"), !name.starts_with("refs/"));
        leading.sort_unstable_by(|(one, _), (other, _)| (is_less(one), one).cmp(&(is_less(other), other)));
        let mut tips: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (place, (_, commit)) in leading.iter().enumerate() {
            tips.entry(*commit).or_default().push(place);
        }
        let (commits, refs) = tips.into_iter().unzip();
        Self { commits, refs, names: leading.into_iter().map(|(name, _)| name).collect() }
    }

    /// For each set of commits the refs that lead to one of them; those that are named come first and in order.
    pub(super) fn leading(&self, graph: &CommitGraph, sets: &[Vec<u32>]) -> Vec<Vec<&str>> {
        let named = |tips: Vec<usize>| {
            let mut refs: Vec<usize> = tips.into_iter().flat_map(|tip| &self.refs[tip]).copied().collect();
            if refs.len() > NAMED {
                refs.select_nth_unstable(NAMED);
            }
            let named = refs.len().min(NAMED);
            refs[..named].sort_unstable();
            refs.into_iter().map(|place| self.names[place].as_str()).collect()
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
