//! [`PrivateDir`]: a folder for plain text that others need for a moment: in memory where there is such a place, for
//! its owner alone, wiped in the end.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::FileError;

/// How its name begins; a random number follows.
const NAME: &str = "sopup-";

/// A folder of its own. On drop its files are overwritten and removed, also those that others put there. It is locked until
/// then: what a killed sopup left is not, and goes when the next folder is made.
#[derive(Debug)]
pub struct PrivateDir {
    path: PathBuf,
    in_memory: bool,
    _lock: Option<File>,
}

impl PrivateDir {
    /// Makes the folder in the first of the `places` that is in memory and can be written, else in `otherwise`.
    ///
    /// # Errors
    /// [`FileError::Io`] if it can be made nowhere.
    pub fn create(places: &[PathBuf], otherwise: &Path) -> Result<Self, FileError> {
        let in_memory = places.iter().filter(|place| is_in_memory(place));
        in_memory.clone().map(PathBuf::as_path).chain([otherwise]).for_each(clear_left);
        for place in in_memory {
            if let Ok(made) = Self::make(place) {
                return Ok(made);
            }
        }
        Self::make(otherwise).map_err(|source| FileError::io("make a folder below", otherwise, source))
    }

    fn make(place: &Path) -> io::Result<Self> {
        loop {
            let mut random = [0; 8];
            getrandom::fill(&mut random).map_err(io::Error::other)?;
            let path = place.join(format!("{NAME}{:016x}", u64::from_le_bytes(random)));
            private().create(&path)?;
            let made = Self { _lock: lock(&path), in_memory: is_in_memory(place), path };
            // Until it was locked, another sopup could take it for one that was left.
            if made.path.is_dir() {
                return Ok(made);
            }
        }
    }

    /// Whether its files are only in memory (they may still be swapped out).
    #[must_use]
    pub const fn is_in_memory(&self) -> bool {
        self.in_memory
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a new file, readable and writable by its owner alone, and the folders that its name has.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub fn write(&self, name: &str, content: &[u8]) -> Result<PathBuf, FileError> {
        let path = self.path.join(name);
        if let Some(folder) = path.parent() {
            private_folder(folder).map_err(|source| FileError::io("make", folder, source))?;
        }
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(&path).and_then(|mut file| file.write_all(content));
        written.map_err(|source| FileError::io("write", &path, source))?;
        Ok(path)
    }
}

impl Drop for PrivateDir {
    fn drop(&mut self) {
        wipe_below(&self.path);
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[cfg(unix)]
fn lock(folder: &Path) -> Option<File> {
    File::open(folder).ok().filter(|file| file.lock().is_ok())
}

#[cfg(not(unix))]
fn lock(_: &Path) -> Option<File> {
    None
}

/// Wipes the folders of this user that a killed sopup left in a place: those that nobody has locked.
#[cfg(unix)]
fn clear_left(place: &Path) {
    use std::os::unix::fs::MetadataExt as _;
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let random = name.to_str().and_then(|name| name.strip_prefix(NAME));
        let is_named = random.is_some_and(|random| random.len() == 16 && random.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let is_own = entry.metadata().is_ok_and(|found| found.is_dir() && found.uid() == rustix::process::geteuid().as_raw());
        if is_named && is_own && File::open(entry.path()).is_ok_and(|folder| folder.try_lock().is_ok()) {
            wipe_below(&entry.path());
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(not(unix))]
fn clear_left(_: &Path) {}

/// Makes a folder and those above it, each for its owner alone, unless they are there.
///
/// # Errors
/// When the system refuses.
pub fn private_folder(path: &Path) -> io::Result<()> {
    private().recursive(true).create(path)
}

fn private() -> DirBuilder {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Overwrites all files with zeros. On disks and file systems that write elsewhere this erases nothing, which is why a
/// place in memory comes first.
fn wipe_below(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            wipe_below(&entry.path());
        } else if kind.is_file() {
            let _ = wipe(&entry.path());
        }
    }
}

fn wipe(path: &Path) -> io::Result<()> {
    let mut file = File::options().write(true).open(path)?;
    let mut left = file.metadata()?.len();
    let zeros = [0; 8192];
    while left > 0 {
        let part = left.min(zeros.len() as u64);
        file.write_all(&zeros[..usize::try_from(part).unwrap_or(zeros.len())])?;
        left -= part;
    }
    file.sync_data()
}

#[cfg(target_os = "linux")]
fn is_in_memory(path: &Path) -> bool {
    const TMPFS: i128 = 0x0102_1994;
    const RAMFS: i128 = 0x8584_58f6;
    rustix::fs::statfs(path).is_ok_and(|stat| [TMPFS, RAMFS].contains(&i128::from(stat.f_type)))
}

#[cfg(not(target_os = "linux"))]
fn is_in_memory(_: &Path) -> bool {
    false
}
