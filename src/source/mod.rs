//! Where texts come from: the working tree, the index, standard input; the objects of a repository
//! (`object`, `pack`), what its directory holds besides (`refs`), what a range of commits adds
//! (`range`) and where something was (`history`). Sources hand over bytes with their origin and say
//! what they could not read; they know nothing of secrets.

mod added;
mod chunk;
pub mod history;
mod ignores;
mod index;
pub mod object;
pub mod pack;
pub mod range;
pub mod refs;
mod repository;
mod threads;
mod worktree;

pub use chunk::{Chunk, each_chunk};
pub use ignores::Ignores;
pub use index::{EntryState, IndexEntry, Staged, StagedFiles, read_index, staged};
pub use repository::{Repository, RepositoryError};
pub use threads::startable;
pub use worktree::{Respect, Target, Walk, Walked, walk};

use std::fmt;

use serde::{Deserialize, Serialize};

/// What sort of place a text came from; the codes of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SourceKind {
    /// A file of the working tree, or any file or symbolic link on disk.
    Worktree,
    /// A file inside an archive on disk.
    Archive,
    /// A blob of the index.
    Index,
    /// Standard input.
    Stdin,
    /// The name of a file.
    Path,
    /// A blob of the history.
    History,
    /// The message, author or committer of a commit, or the text of a tag.
    Message,
    /// A git note.
    Note,
    /// A stash.
    Stash,
    /// The name of a ref.
    Ref,
    /// A file of the git directory.
    Git,
}

impl SourceKind {
    /// The code used in reports.
    pub fn code(self) -> &'static str {
        match self {
            Self::Worktree => "worktree",
            Self::Archive => "archive",
            Self::Index => "index",
            Self::Stdin => "stdin",
            Self::Path => "path",
            Self::History => "history",
            Self::Message => "message",
            Self::Note => "note",
            Self::Stash => "stash",
            Self::Ref => "ref",
            Self::Git => "git",
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

/// What the history says about a place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// The object that was read, in hexadecimal.
    pub object: String,
    /// The commit that first had it at this path.
    pub commit: Option<Commit>,
    /// The newest commit that has it there, unless HEAD does.
    pub last: Option<Commit>,
    /// Whether HEAD has it there.
    pub in_head: bool,
    /// Versions of the file that have it.
    pub versions: usize,
    /// Refs that lead to it, some by name.
    pub refs: Vec<String>,
    /// How many refs lead to it.
    pub ref_count: usize,
}

/// A commit as reports name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// Its id in hexadecimal.
    pub id: String,
    /// Name and address of its author.
    pub author: String,
    /// When it was written: seconds since 1970 and minutes east of UTC.
    pub date: (i64, i32),
}

/// Something in scope that was not read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Skip {
    /// Path or object.
    pub what: String,
    /// Why.
    pub reason: SkipReason,
}

impl From<&object::Skip> for Skip {
    fn from(skip: &object::Skip) -> Self {
        let what = match &skip.id {
            Some(id) => format!("object {id}"),
            None => skip.place.to_string(),
        };
        let reason = match &skip.reason {
            object::SkipReason::Panicked => SkipReason::Panicked,
            object::SkipReason::Missing => SkipReason::Missing,
            object::SkipReason::NotAFile => SkipReason::NotAFile,
            other => SkipReason::Unreadable(other.to_string()),
        };
        Self { what, reason }
    }
}

/// Why something in scope was not read. Each makes a scan incomplete.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
