//! What could not be read, and why: each with its place, so that nothing is
//! taken for clean that nobody looked at.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

use super::ObjectId;

/// An object, or a whole file of objects, that was not handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skip {
    /// The object, where its name is known.
    pub id: Option<ObjectId>,
    /// Where it is.
    pub place: Place,
    /// Why it was not read.
    pub reason: SkipReason,
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.id {
            Some(id) => write!(f, "{id} ({}): {}", self.place, self.reason),
            None => write!(f, "{}: {}", self.place, self.reason),
        }
    }
}

/// Where an object lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a pack.
    Packed {
        /// The pack file.
        pack: Arc<PathBuf>,
        /// Bytes from the start of the pack to the entry's header.
        offset: u64,
    },
    /// In a file of its own, or a file or directory as a whole.
    File(Arc<PathBuf>),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Packed { pack, offset } => write!(f, "{} at {offset}", pack.display()),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Why something was not read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SkipReason {
    /// Larger than [`Limits::largest`](super::Limits::largest), and not streamed.
    #[error("larger than the limit ({size} bytes)")]
    TooLarge {
        /// The size it declares, in bytes.
        size: u64,
    },
    /// Holding it as well would break [`Limits::memory`](super::Limits::memory).
    #[error("over the memory budget ({size} bytes more)")]
    OverBudget {
        /// Its own size in bytes.
        size: u64,
    },
    /// Its bytes make no sense.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// It is a delta against an object that is nowhere to be found.
    #[error("its delta base {0} is missing")]
    MissingBase(ObjectId),
    /// It is a delta against an object that was itself not read.
    #[error("its delta base could not be read")]
    BaseSkipped,
    /// Following its delta bases never ends.
    #[error("its delta bases form a cycle")]
    Cycle,
    /// The file could not be read.
    #[error("cannot be read: {0}")]
    Io(io::ErrorKind),
    /// A symbolic link, device or other thing where a file must be.
    #[error("not a regular file")]
    NotAFile,
    /// Lies outside what may be read.
    #[error("lies outside the repository and was not followed")]
    Outside,
    /// An index or a pack as a whole is unusable.
    #[error("{0}")]
    Unusable(String),
    /// Something names it, and it is not stored, as in a shallow or partial clone.
    #[error("not in the repository")]
    Missing,
    /// The visitor panicked on it.
    #[error("scanning it failed")]
    Panicked,
    /// The visit was cancelled before it was reached.
    #[error("cancelled")]
    Cancelled,
}

impl From<io::Error> for SkipReason {
    fn from(error: io::Error) -> Self {
        Self::Io(error.kind())
    }
}

/// How the bytes of an object contradict its format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Damage {
    /// The entry header is cut off or its numbers overflow.
    #[error("damaged entry header")]
    Header,
    /// The entry has one of the two type numbers that mean nothing.
    #[error("unknown entry type {0}")]
    UnknownType(u8),
    /// The base offset is not that of another entry.
    #[error("delta base offset points at no entry")]
    BaseOffset,
    /// Two names for one place in the pack.
    #[error("the index gives this place two names")]
    SamePlace,
    /// The offset lies outside the pack.
    #[error("the index points outside the pack")]
    OutsidePack,
    /// The entry has not the checksum that the index names, and its contents
    /// are not those its name stands for.
    #[error("checksum and contents differ from what the index names")]
    Checksum,
    /// The zlib stream is damaged or its checksum differs.
    #[error("damaged zlib stream")]
    Zlib,
    /// The zlib stream ends early.
    #[error("truncated zlib stream")]
    Truncated,
    /// The contents have another size than the header says.
    #[error("not of the declared size ({declared} bytes)")]
    Size {
        /// What the header says, in bytes.
        declared: u64,
    },
    /// The delta's instructions are cut off or reach outside base or result.
    #[error("damaged delta")]
    Delta,
    /// The delta is made for a base of another size.
    #[error("delta is for another base")]
    DeltaBase,
}
