//! Where texts come from: the working tree, the index, standard input; the objects of a repository
//! (`object`, `pack`) and what its directory holds besides (`refs`), and what a range of commits adds (`range`). Sources hand over bytes with their origin and say what they could
//! not read; they know nothing of secrets.

mod added;
mod chunk;
mod index;
pub mod object;
pub mod pack;
pub mod range;
pub mod refs;
mod repository;
mod worktree;

pub use chunk::{Chunk, each_chunk};
pub use index::{IndexError, Staged, staged};
pub use repository::{Repository, RepositoryError};
pub use worktree::{Respect, Target, Walk, walk};

use std::fmt;

/// What sort of place a text came from; the codes of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceKind {
    /// A file of the working tree, or any file or symbolic link on disk.
    Worktree,
    /// A blob of the index.
    Index,
    /// Standard input.
    Stdin,
    /// The name of a file.
    Path,
}

impl SourceKind {
    /// The code used in reports.
    pub fn code(self) -> &'static str {
        match self {
            Self::Worktree => "worktree",
            Self::Index => "index",
            Self::Stdin => "stdin",
            Self::Path => "path",
        }
    }
}

/// Where a text came from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// Path relative to what was scanned, with `/` between its parts; bytes that are not UTF-8
    /// are replaced.
    pub path: String,
    /// The sort of place.
    pub source: SourceKind,
}

/// Something in scope that was not read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skip {
    /// Path or object.
    pub what: String,
    /// Why.
    pub reason: SkipReason,
}

/// Why something in scope was not read. Each makes a scan incomplete.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SkipReason {
    /// The system refused, in its words.
    Unreadable(String),
    /// A named pipe, socket or device.
    NotAFile,
    /// It changed or vanished while it was read.
    Changed,
    /// The object is not in the repository, as in a partial clone.
    Missing,
    /// The scanner failed on it: a bug.
    Panicked,
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(why) => f.write_str(why),
            Self::NotAFile => f.write_str("not a regular file"),
            Self::Changed => f.write_str("changed while it was read"),
            Self::Missing => f.write_str("object is not in the repository"),
            Self::Panicked => f.write_str("internal error while scanning it; please report this"),
        }
    }
}
