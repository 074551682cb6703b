//! A range of commits and what it adds: which files differ from every parent, which of their lines
//! are new, which names and messages. Commits and trees are read through the object store, so that
//! grafts and replace refs change nothing; libgit2 is asked only for revisions in git's shorthand.

mod change;
mod commit;
mod date;
mod hook;
mod resolve;
mod rev;
mod tree;
mod walk;

use std::num::NonZeroUsize;

use thiserror::Error;

pub use change::{BlobChange, Change, Changes};
pub use hook::{HookError, Push, Update, pre_push, pre_receive};
pub use resolve::{Ask, Commits};
pub(super) use tree::{Changed, TreeError, compare};
pub(super) use walk::tree_of;

use super::object::{Object, ObjectId, ReadError};
use super::refs::GitDir;

/// Commits that can be reached from some and not from others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Range {
    /// These and what they descend from. Tags are followed; tags that point at trees and blobs add
    /// those.
    pub include: Vec<ObjectId>,
    /// Except these and what they descend from.
    pub exclude: Vec<ObjectId>,
    /// `A...B`: what only one of the two leads to, in place of `include`.
    pub symmetric: Option<(ObjectId, ObjectId)>,
    /// Only commits made at this time or later, in seconds since 1970, by their committers' clocks.
    pub since: Option<i64>,
    /// Only commits fewer steps than this away from those included; 1 is those alone.
    pub max_depth: Option<NonZeroUsize>,
}

/// A repository whose ranges are read.
pub struct Ranges<'a> {
    /// Its directory.
    pub git: &'a GitDir,
    /// Reads one object, mostly [`ObjectStore::read`](super::object::ObjectStore::read).
    pub read: &'a (dyn Fn(&ObjectId) -> Result<Object, ReadError> + Sync),
    /// Threads that compare commits.
    pub threads: NonZeroUsize,
}

/// Why a range cannot be worked out.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RangeError {
    /// Nothing has this name.
    #[error("there is no commit `{0}`")]
    Unknown(String),
    /// No branch has this name.
    #[error("there is no branch `{0}`")]
    NoBranch(String),
    /// Neither a date nor a commit.
    #[error("`{0}` is neither a date nor a commit")]
    NoStart(String),
    /// HEAD names a branch without a commit.
    #[error("HEAD has no commit yet")]
    Unborn,
    /// Two commits have no history in common.
    #[error("`{0}` and `{1}` have no common ancestor")]
    Unrelated(String, String),
    /// The commit is known, but it cannot be read.
    #[error("commit {0} cannot be read: {1}")]
    Unreadable(ObjectId, ReadError),
    /// The name fits several objects.
    #[error("`{0}` stands for more than one object")]
    Ambiguous(String),
    /// Git's shorthand in a repository that libgit2 cannot open.
    #[error("`{what}` cannot be looked up: {message}")]
    Shorthand {
        /// What was asked for.
        what: String,
        /// Why libgit2 cannot open the repository.
        message: String,
    },
}

impl RangeError {
    /// What to try.
    #[must_use]
    pub fn hint(&self, git: &GitDir) -> String {
        let cut = !git.shallow().is_empty();
        match self {
            Self::Unknown(_) | Self::Unreadable(..) | Self::Unrelated(..) if cut => {
                "this is a shallow clone; `git fetch --unshallow` gets the rest (in CI: check out with full depth)".to_owned()
            }
            Self::Unknown(what) | Self::NoBranch(what) => {
                let (remote, branch) = what.split_once('/').unwrap_or(("origin", what));
                format!("`git branch --all` lists branches; one of the server's comes with `git fetch {remote} {branch}`")
            }
            Self::NoStart(_) => {
                "write a date as 2026-01-31, 2026-01-31T12:00:00Z or `2 weeks ago`, a commit as an id, branch or tag".to_owned()
            }
            Self::Unborn => "make a first commit, or scan the working tree alone".to_owned(),
            Self::Unreadable(..) => "`git fsck` tells whether the repository is sound".to_owned(),
            Self::Unrelated(..) => "name a branch that this one started from".to_owned(),
            Self::Ambiguous(_) => "write more of its digits".to_owned(),
            Self::Shorthand { .. } => "write a full id, or the name of a branch or tag, perhaps with ~N or ^N".to_owned(),
        }
    }
}
