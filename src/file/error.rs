//! [`FileError`].

use std::io;
use std::path::{Path, PathBuf};

/// Why a file was not taken or written. Unless it says otherwise, nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system refused.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried: `open`, `write`, …
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A folder, pipe, socket or device.
    #[error("{0} is not a regular file")]
    NotAFile(PathBuf),
    /// A symbolic link where none is followed.
    #[error("{0} is a symbolic link")]
    Link(PathBuf),
    /// The file has further names, which would keep the old content.
    #[error("{path} has {names} names (hard links); the others would keep its old content")]
    HardLinks {
        /// The name given.
        path: PathBuf,
        /// How many there are.
        names: u64,
    },
    /// Another sopup has taken the file.
    #[error("another sopup is changing {0}")]
    Busy(PathBuf),
    /// It was written by somebody else after it was read here.
    #[error("{0} was changed by another program in the meantime")]
    Changed(PathBuf),
    /// There is a file already.
    #[error("{0} exists already")]
    Exists(PathBuf),
    /// Its owner, group or access rights cannot be given to the new file.
    #[error("cannot keep {what} of {path}: {source}")]
    Attributes {
        /// What would be lost.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file was written, but the old one is still there under another name.
    #[error("{path} was written, but its old form could not be removed: {source}; it is in {old}")]
    Left {
        /// The file.
        path: PathBuf,
        /// The old one.
        old: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file was changed, but a loss of power may bring its old form back.
    #[error("{path} was written, but the disk does not confirm it: {source}")]
    Unsynced {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is larger than the limit.
    #[error("{path} is larger than {limit} bytes")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
}

impl FileError {
    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_path_buf(), source }
    }
}
