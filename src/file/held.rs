//! [`Held`]: one file locked, read and replaced.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::disk::{Disk, RealDisk, is_absent};
use super::draft::{Draft, Swap, clear_stale, sync_folder};
use super::{Access, FileError};

/// How long a file that another sopup changes is waited for.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A file taken for a change. Until it is dropped, other sopups wait; other programs know nothing of the lock, so
/// [`Held::replace`] looks whether they wrote.
pub struct Held<'d> {
    path: PathBuf,
    file: File,
    /// The digest of what was read, if it was.
    seen: Option<[u8; 32]>,
    disk: &'d dyn Disk,
}

impl Held<'static> {
    /// Locks the file; waits up to `patience` for another sopup. Symbolic links are followed: the file they lead to is
    /// changed, the links stay. Drafts that an interrupted sopup left beside it are removed.
    ///
    /// # Errors
    /// [`FileError`]; a file that cannot be written or has several names is refused here.
    pub fn take(path: &Path, patience: Duration) -> Result<Self, FileError> {
        let real = || fs::canonicalize(path).map_err(|source| FileError::io("open", path, source));
        let held = Held::lock(path, real, patience, &RealDisk)?;
        clear_stale(&held.path, held.disk)?;
        Ok(held)
    }
}

impl<'d> Held<'d> {
    /// Like [`Held::take`], but no link is followed, and drafts stay. `None` if nothing is there.
    ///
    /// # Errors
    /// [`FileError::Link`] for a symbolic link; else as for [`Held::take`].
    pub fn take_if_there(path: &Path, disk: &'d dyn Disk) -> Result<Option<Self>, FileError> {
        match fs::symlink_metadata(path) {
            Err(error) if is_absent(&error) => Ok(None),
            _ => Self::lock(path, || Ok(path.to_path_buf()), PATIENCE, disk).map(Some),
        }
    }

    fn lock(path: &Path, real: impl Fn() -> Result<PathBuf, FileError>, patience: Duration, disk: &'d dyn Disk) -> Result<Self, FileError> {
        let end = Instant::now() + patience;
        loop {
            let real = real()?;
            let file = open(&real)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) if Instant::now() < end => {
                    std::thread::sleep(Duration::from_millis(5));
                    continue;
                }
                Err(TryLockError::WouldBlock) => return Err(FileError::Busy(path.to_path_buf())),
                Err(TryLockError::Error(source)) => return Err(FileError::io("lock", path, source)),
            }
            // While this process waited, the other one put a new file in the place of the one that is locked now.
            if is_at(&file, &real) {
                return Ok(Self { path: real, file, seen: None, disk });
            }
        }
    }

    /// The file itself, links resolved.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the whole file.
    ///
    /// # Errors
    /// [`FileError::TooLarge`] above `limit` bytes.
    pub fn read(&mut self, limit: u64) -> Result<Zeroizing<Vec<u8>>, FileError> {
        let bytes = self.bytes(limit.saturating_add(1))?;
        if bytes.len() as u64 > limit {
            return Err(FileError::TooLarge { path: self.path.clone(), limit });
        }
        self.seen = Some(Sha256::digest(&bytes).into());
        Ok(bytes)
    }

    /// Puts `content` in the place of the file. Owner, group, mode and extended attributes are kept.
    ///
    /// # Errors
    /// [`FileError::Changed`] if the file is not the one that was read; it is then left as it is.
    pub fn replace(self, content: &[u8], access: Access) -> Result<(), FileError> {
        self.draft(content, access)?.swap(|swap, old| match swap {
            Swap::Before => self.is_as_read(),
            Swap::After => is_at(&self.file, old) && self.is_unchanged(),
        })
    }

    /// Like [`Held::replace`], for a file whose old content must not be left behind, not even by a process that is killed: the
    /// old file never gets another name. In exchange, what another program puts in its place in the very moment between the
    /// last look and the step is lost.
    ///
    /// # Errors
    /// [`FileError::Changed`] if the file is not the one that was read; it then has what was written into it meanwhile.
    pub fn replace_plain_text(self, content: &[u8], access: Access) -> Result<(), FileError> {
        self.draft(content, access)?.rename(|| self.is_as_read())?;
        // Whoever had the old file open may have written to it until the step.
        if self.is_unchanged() {
            return Ok(());
        }
        let late = self.bytes(u64::MAX)?;
        self.draft(&late, access)?.rename(|| true)?;
        Err(FileError::Changed(self.path))
    }

    /// Removes the file.
    ///
    /// # Errors
    /// [`FileError::Changed`] if the file is not the one that was read; it is then left as it is.
    pub fn remove(self) -> Result<(), FileError> {
        if !self.is_as_read() {
            return Err(FileError::Changed(self.path));
        }
        self.disk.remove(&self.path).map_err(|source| FileError::io("remove", &self.path, source))?;
        self.sync()
    }

    /// Waits until the file and its name are on the disk, for one that an interrupted run may have put there.
    ///
    /// # Errors
    /// [`FileError::Unsynced`].
    pub fn sync(&self) -> Result<(), FileError> {
        sync_folder(&self.path, self.disk)
    }

    /// The new form of the file, beside it.
    fn draft(&self, content: &[u8], access: Access) -> Result<Draft<'d>, FileError> {
        let draft = Draft::beside(&self.path, Access::Private, self.disk)?;
        draft.fill(content, Some((&self.file, access)))?;
        Ok(draft)
    }

    fn bytes(&self, limit: u64) -> Result<Zeroizing<Vec<u8>>, FileError> {
        self.disk.read(&self.file, limit).map_err(|source| FileError::io("read", &self.path, source))
    }

    /// Whether the path leads to the file that was taken, and it holds what was read.
    fn is_as_read(&self) -> bool {
        is_at(&self.file, &self.path) && self.is_unchanged()
    }

    fn is_unchanged(&self) -> bool {
        let Some(seen) = self.seen else { return true };
        self.bytes(u64::MAX).is_ok_and(|bytes| <[u8; 32]>::from(Sha256::digest(&bytes)) == seen)
    }
}

/// The bytes of a regular file; no link is followed. `None` if nothing is there.
///
/// # Errors
/// [`FileError`] when something else stands there, or it cannot be read.
pub fn read(path: &Path, disk: &dyn Disk) -> Result<Option<Zeroizing<Vec<u8>>>, FileError> {
    match open_as(path, File::options().read(true), "read") {
        Err(FileError::Io { source, .. }) if is_absent(&source) => Ok(None),
        opened => disk.read(&opened?, u64::MAX).map(Some).map_err(|source| FileError::io("read", path, source)),
    }
}

/// Open for reading and writing, so that a file which the user made read-only is not replaced behind their back.
fn open(real: &Path) -> Result<File, FileError> {
    let file = open_as(real, File::options().read(true).write(true), "change")?;
    #[cfg(unix)]
    {
        let metadata = file.metadata().map_err(|source| FileError::io("change", real, source))?;
        let names = std::os::unix::fs::MetadataExt::nlink(&metadata);
        if names > 1 {
            return Err(FileError::HardLinks { path: real.to_path_buf(), names });
        }
    }
    Ok(file)
}

/// Opens a regular file, without following links and without waiting for pipes.
fn open_as(path: &Path, options: &mut fs::OpenOptions, action: &'static str) -> Result<File, FileError> {
    let io = |source: io::Error| FileError::io(action, path, source);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, libc::O_NOFOLLOW | libc::O_NONBLOCK);
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => return Err(FileError::Link(path.to_path_buf())),
        Ok(metadata) if !metadata.is_file() => return Err(FileError::NotAFile(path.to_path_buf())),
        _ => {}
    }
    let file = options.open(path).map_err(io)?;
    if !file.metadata().map_err(io)?.is_file() {
        return Err(FileError::NotAFile(path.to_path_buf()));
    }
    Ok(file)
}

/// Whether the path leads to the open file.
#[cfg(unix)]
#[must_use]
pub fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let id = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    file.metadata().ok().map(id).is_some_and(|here| fs::symlink_metadata(path).ok().map(id) == Some(here))
}

/// Whether the path leads to the open file.
#[cfg(not(unix))]
#[must_use]
pub fn is_at(_: &File, path: &Path) -> bool {
    path.is_file()
}
