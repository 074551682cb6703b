//! [`Held`]: one file locked, read and replaced.

use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::draft::{Draft, Swap};
use super::{Access, FileError};

/// How long a file that another sopup changes is waited for.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A file taken for a change. Until it is dropped, other sopups wait; other programs know nothing of the lock, so
/// [`Held::replace`] looks whether they wrote.
///
/// Symbolic links are followed: the file they lead to is changed, the links stay.
#[derive(Debug)]
pub struct Held {
    path: PathBuf,
    file: File,
    /// The digest of what was read, if it was.
    seen: Option<[u8; 32]>,
}

impl Held {
    /// Locks the file; waits up to `patience` for another sopup.
    ///
    /// # Errors
    /// [`FileError`]; a file that cannot be written or has several names is refused here.
    pub fn take(path: &Path, patience: Duration) -> Result<Self, FileError> {
        let end = Instant::now() + patience;
        loop {
            let real = fs::canonicalize(path).map_err(|source| FileError::io("open", path, source))?;
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
                super::draft::clear_stale(&real);
                return Ok(Self { path: real, file, seen: None });
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
        let bytes = read(&mut self.file, limit).map_err(|source| FileError::io("read", &self.path, source))?;
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
            Swap::Before => is_at(&self.file, &self.path) && self.is_as_read(old),
            Swap::After => is_at(&self.file, old) && self.is_as_read(old),
        })
    }

    /// Like [`Held::replace`], for a file whose old content must not be left behind, not even by a process that is killed: the
    /// old file never gets another name. In exchange, what another program puts in its place in the very moment between the
    /// last look and the step is lost.
    ///
    /// # Errors
    /// [`FileError::Changed`] if the file is not the one that was read; it then has what was written into it meanwhile.
    pub fn replace_plain_text(mut self, content: &[u8], access: Access) -> Result<(), FileError> {
        self.draft(content, access)?.rename(|| is_at(&self.file, &self.path) && self.is_as_read(&self.path))?;
        // Whoever had the old file open may have written to it until the step.
        let Some(seen) = self.seen else { return Ok(()) };
        let length = self.file.metadata().map_err(|source| FileError::io("read", &self.path, source))?.len();
        let late = read(&mut self.file, length).map_err(|source| FileError::io("read", &self.path, source))?;
        if <[u8; 32]>::from(Sha256::digest(&late)) == seen {
            return Ok(());
        }
        self.draft(&late, access)?.rename(|| true)?;
        Err(FileError::Changed(self.path))
    }

    /// The new form of the file, beside it.
    fn draft(&self, content: &[u8], access: Access) -> Result<Draft, FileError> {
        let draft = Draft::beside(&self.path, Access::Private)?;
        draft.fill(content)?;
        draft.take_attributes(&self.file, access)?;
        Ok(draft)
    }

    fn is_as_read(&self, at: &Path) -> bool {
        let Some(seen) = self.seen else { return true };
        let now = File::open(at).and_then(|mut file| {
            let length = file.metadata()?.len();
            read(&mut file, length)
        });
        now.is_ok_and(|bytes| <[u8; 32]>::from(Sha256::digest(&bytes)) == seen)
    }
}

/// Open for reading and writing, so that a file which the user made read-only is not replaced behind their back.
fn open(real: &Path) -> Result<File, FileError> {
    let mut options = File::options();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NOFOLLOW | libc::O_NONBLOCK);
    if fs::metadata(real).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(FileError::NotAFile(real.to_path_buf()));
    }
    let file = options.open(real).map_err(|source| FileError::io("change", real, source))?;
    let metadata = file.metadata().map_err(|source| FileError::io("open", real, source))?;
    if !metadata.is_file() {
        return Err(FileError::NotAFile(real.to_path_buf()));
    }
    #[cfg(unix)]
    {
        let names = std::os::unix::fs::MetadataExt::nlink(&metadata);
        if names > 1 {
            return Err(FileError::HardLinks { path: real.to_path_buf(), names });
        }
    }
    Ok(file)
}

fn read(file: &mut File, limit: u64) -> std::io::Result<Zeroizing<Vec<u8>>> {
    file.rewind()?;
    let length = file.metadata()?.len().min(limit);
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1));
    file.take(limit + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether the path leads to the open file.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let id = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    file.metadata().ok().map(id).is_some_and(|here| fs::symlink_metadata(path).ok().map(id) == Some(here))
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.is_file()
}
