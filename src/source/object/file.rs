//! Opening files that a repository's author put there: regular files only,
//! never through a symbolic link, never blocking on a pipe.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use thiserror::Error;

use super::SkipReason;

/// Why a file was not opened.
#[derive(Debug, Error)]
pub(crate) enum FileError {
    /// A link, directory, device, pipe or socket.
    #[error("not a regular file")]
    NotAFile,
    /// The system said no.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<FileError> for SkipReason {
    fn from(error: FileError) -> Self {
        match error {
            FileError::NotAFile => Self::NotAFile,
            FileError::Io(error) => error.into(),
        }
    }
}

/// Whether an error of the system says that there is nothing of a name. No other error means that: what may not be looked
/// at can be there.
pub(crate) fn is_absent(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Opens a regular file for reading and gives its length in bytes.
///
/// # Errors
/// When it is something else, or is replaced while it is opened.
pub(crate) fn open_regular(path: &Path) -> Result<(File, u64), FileError> {
    let named = fs::symlink_metadata(path)?;
    if !named.file_type().is_file() {
        return Err(FileError::NotAFile);
    }
    // It may be another one meanwhile.
    let file = File::options().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)?;
    let opened = file.metadata()?;
    if !opened.is_file() || (named.dev(), named.ino()) != (opened.dev(), opened.ino()) {
        return Err(FileError::NotAFile);
    }
    Ok((file, opened.len()))
}
