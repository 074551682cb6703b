//! Writing files so that nobody is harmed: a file is there in its old or its new form, never in between, and of two
//! writers neither overwrites unseen what the other wrote.
//!
//! [`Held`] is a file taken for a change: locked against other sopups, read, replaced. [`put`] and [`create`] write
//! where nothing was read before. [`PrivateDir`] keeps plain text for as long as an editor or a program needs it.
//! [`lock`] lets one process at a time do something. Whatever is written goes through a [`Disk`].
//! What stands in the files is no concern of this room.

mod disk;
mod draft;
mod error;
mod held;
mod private;

pub use disk::{Disk, Lost, RealDisk};
pub use draft::clear_drafts;
pub use error::FileError;
pub use held::{Held, PATIENCE, is_at, read};
pub use private::{PrivateDir, private_folder};

use std::fs::{self, File, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use draft::{Draft, clear_stale};

/// Who may read a file or a folder that is written.
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
            let written = File::options().write(true).open(path).and_then(|mut file| file.write_all(content));
            written.map(|()| path.to_path_buf()).map_err(|source| FileError::io("write to", path, source))
        }
        Ok(_) => {
            let held = Held::take(path, PATIENCE)?;
            let written = held.path().to_path_buf();
            held.replace_plain_text(content, access)?;
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
    clear_stale(path, &RealDisk)?;
    create_on(path, content, access, &RealDisk)
}

/// Like [`create`], on a given disk. Drafts that an interrupted sopup left stay.
///
/// # Errors
/// As for [`create`].
pub fn create_on(path: &Path, content: &[u8], access: Access, disk: &dyn Disk) -> Result<(), FileError> {
    let draft = Draft::beside(path, access, disk)?;
    draft.fill(content, None)?;
    draft.appear()
}

/// Like [`put`], on a given disk: no link is followed, drafts that an interrupted sopup left stay, and the old file never gets
/// another name.
///
/// # Errors
/// [`FileError`].
pub fn put_on(path: &Path, content: &[u8], access: Access, disk: &dyn Disk) -> Result<(), FileError> {
    match Held::take_if_there(path, disk)? {
        Some(held) => held.replace_plain_text(content, access),
        None => create_on(path, content, access, disk),
    }
}

/// Changes a file, or makes one. `change` is given what is there, and gives what is to be there and something to tell; what is
/// the same is not written. No link is followed, and of two sopups one waits.
///
/// # Errors
/// [`FileError`], and what `change` refuses.
pub fn change<T, E: From<FileError>>(
    path: &Path,
    limit: u64,
    access: Access,
    change: impl FnOnce(Option<&[u8]>) -> Result<(Vec<u8>, T), E>,
) -> Result<T, E> {
    let mut held = Held::take_if_there(path, &RealDisk)?;
    let before = held.as_mut().map(|held| held.read(limit)).transpose()?;
    let before = before.as_ref().map(|bytes| bytes.as_slice());
    let (after, told) = change(before)?;
    match held {
        Some(_) if before == Some(after.as_slice()) => {}
        Some(held) => held.replace_plain_text(&after, access)?,
        None => create(path, &after, access)?,
    }
    Ok(told)
}

/// Takes the lock that a file stands for; the file and the folders above it are made for their owner alone. The system
/// releases the lock when the process ends, however it ends.
///
/// # Errors
/// [`FileError::Busy`] if another process has it.
pub fn lock(path: &Path) -> Result<File, FileError> {
    let io = |source| FileError::io("lock", path, source);
    private_folder(path.parent().unwrap_or(Path::new("."))).map_err(io)?;
    let mut options = File::options();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    }
    let file = options.open(path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(FileError::Busy(path.to_path_buf())),
        Err(TryLockError::Error(source)) => Err(io(source)),
    }
}
