//! A copy of a repository without some values: `find` where they are, `rewrite` what leads to them, `mirror` the rest.
//! The repository itself is only read.

mod edit;
mod find;
mod mirror;
mod names;
mod rewrite;

pub use edit::REPLACEMENT;
pub use find::{Held, Hold, find};
pub use mirror::{Made, MirrorError, foresee, mirror};
pub use rewrite::{NewRef, RewriteError, Rewritten};

use crate::sought::Sought;
use crate::source::history::CommitGraph;
use crate::source::object::{ObjectId, ObjectStore};
use crate::source::refs::Ref;

/// A repository as a purge sees it.
#[derive(Debug)]
pub struct Repository<'a> {
    /// All its objects.
    pub store: &'a ObjectStore,
    /// All its commits.
    pub graph: &'a CommitGraph,
    /// Refs below `refs/`, and `HEAD`.
    pub refs: &'a [Ref],
    /// What is to be gone.
    pub sought: &'a Sought,
}

impl Repository<'_> {
    /// Refs that a mirror takes over.
    pub fn carried(&self) -> impl Iterator<Item = &Ref> {
        self.refs.iter().filter(|one| one.name.starts_with(b"refs/"))
    }

    /// Whether commits are reached, by their numbers: from refs that are notes, from other refs.
    fn reached(&self, notes: bool) -> Vec<bool> {
        let mut reached = vec![false; self.graph.len()];
        let of_kind = self.carried().filter(|one| one.name.starts_with(b"refs/notes/") == notes);
        let mut left: Vec<u32> = of_kind.filter_map(|one| self.graph.number(&self.peeled(one.id?)?)).collect();
        while let Some(commit) = left.pop() {
            if !std::mem::replace(&mut reached[commit as usize], true) {
                left.extend(self.graph.parents(commit));
            }
        }
        reached
    }

    /// What is behind annotated tags.
    fn peeled(&self, id: ObjectId) -> Option<ObjectId> {
        let mut id = id;
        // Tags of tags of tags are no more than a joke.
        for _ in 0..64 {
            let Some(target) = self.store.read(&id).ok().and_then(|object| edit::tag_target(&object)) else { return Some(id) };
            id = target;
        }
        None
    }
}
