//! Writing files so that nobody is harmed: a file is there in its old or its new form, never in between, and of two
//! writers neither overwrites unseen what the other wrote.
//!
//! [`Held`] is a file taken for a change: locked against other sopups, read, replaced. [`put`] and [`create`] write
//! where nothing was read before. [`PrivateDir`] keeps plain text for as long as an editor or a program needs it.
//! What stands in the files is no concern of this room.

mod draft;
mod error;
mod held;
mod private;

pub use error::FileError;
pub use held::{Held, PATIENCE};
pub use private::PrivateDir;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use draft::Draft;

/// Who may read a file that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Its owner alone, whoever could read it before.
    Private,
    /// Whoever could before; a new file, its owner alone.
    KeptOrPrivate,
    /// Whoever could before; a new file, whoever the process lets (its umask).
    KeptOrShared,
}

/// Puts `content` in the place of a file or into a new one; returns the file that was written, which is another
/// than `path` if that is a symbolic link. What is no regular file, such as `/dev/stdout`, is written to as it is.
///
/// # Errors
/// [`FileError`].
pub fn put(path: &Path, content: &[u8], access: Access) -> Result<PathBuf, FileError> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Err(FileError::NotAFile(path.to_path_buf())),
        Ok(metadata) if !metadata.is_file() => {
            let written = fs::File::options().write(true).open(path).and_then(|mut file| file.write_all(content));
            written.map(|()| path.to_path_buf()).map_err(|source| FileError::io("write to", path, source))
        }
        Ok(_) => {
            let held = Held::take(path, PATIENCE)?;
            let written = held.path().to_path_buf();
            held.replace(content, access)?;
            Ok(written)
        }
        Err(_) => create(path, content, access).map(|()| path.to_path_buf()),
    }
}

/// Makes a file that is not there yet. If two do so at once, one of them fails and the other's file is whole.
///
/// # Errors
/// [`FileError::Exists`] if there is one, even a symbolic link that leads nowhere.
pub fn create(path: &Path, content: &[u8], access: Access) -> Result<(), FileError> {
    let draft = Draft::beside(path, access)?;
    draft.fill(content)?;
    draft.appear()
}

/// Gives a file the owner, the group, the mode and the extended attributes of another.
///
/// # Errors
/// What the system says if one of them cannot be set.
pub fn dress(path: &Path, like: &Path) -> std::io::Result<()> {
    let (new, old) = (fs::File::open(path)?, fs::File::open(like)?);
    let metadata = old.metadata()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt as _, fchown};
        let own = new.metadata()?;
        if (own.uid(), own.gid()) != (metadata.uid(), metadata.gid()) {
            fchown(&new, Some(metadata.uid()), Some(metadata.gid()))?;
        }
        draft::copy_extended(&old, &new)?;
    }
    new.set_permissions(metadata.permissions())
}
