//! A repository without some values: `find` where they are, `rewrite` what leads to them. `mirror` makes a copy and only reads
//! the repository; `in_place` changes it, and keeps the old history until it is told to remove it.

mod edit;
mod find;
mod git;
pub mod in_place;
mod maps;
mod mirror;
mod names;
mod rewrite;
mod writer;

pub use edit::REPLACEMENT;
pub use find::{Held, Hold, find};
pub use git::{GitError, fsck};
pub use mirror::{Made, MirrorError, foresee, mirror};
pub use rewrite::{NewRef, RewriteError, Rewritten};

use crate::sought::Sought;
use crate::source::history::CommitGraph;
use crate::source::object::ObjectStore;
use crate::source::refs::Ref;

/// Tags of tags are followed so far.
const TAGS: usize = 64;

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
    /// Refs that are taken over: all but the backup of a purge in place.
    pub fn carried(&self) -> impl Iterator<Item = &Ref> {
        self.refs.iter().filter(|one| one.name.starts_with(b"refs/") && !one.name.starts_with(in_place::BACKUP))
    }

    /// Whether commits are reached, by their numbers: from refs that are notes, from other refs.
    fn reached(&self, notes: bool) -> Vec<bool> {
        let mut reached = vec![false; self.graph.len()];
        let of_kind = self.carried().filter(|one| one.name.starts_with(b"refs/notes/") == notes);
        let mut left: Vec<u32> = of_kind.filter_map(|one| self.graph.behind(self.store, one.id?, TAGS)).collect();
        while let Some(commit) = left.pop() {
            if !std::mem::replace(&mut reached[commit as usize], true) {
                left.extend(self.graph.parents(commit));
            }
        }
        reached
    }
}
