//! [`Disk`]: the few operations by which users' files change, so that tests can make each of them fail.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

/// Changes files.
pub trait Disk: Sync {
    /// The bytes of a regular file that is no link; `None` if nothing is there.
    ///
    /// # Errors
    /// When something else stands there, or it cannot be read.
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>>;

    /// Makes a new file that its owner alone may read, and writes it. Not yet synced.
    ///
    /// # Errors
    /// When it exists or cannot be written.
    fn create(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Gives a file the owner, mode and extended attributes of another.
    ///
    /// # Errors
    /// When they cannot be set.
    fn dress(&self, path: &Path, like: &Path) -> io::Result<()>;

    /// Lets everybody read a file, as far as the umask does: a new file that holds no secret.
    ///
    /// # Errors
    /// When the mode cannot be set.
    fn share(&self, path: &Path) -> io::Result<()>;

    /// Waits until a file or folder is on the disk.
    ///
    /// # Errors
    /// When the system refuses.
    fn sync(&self, path: &Path) -> io::Result<()>;

    /// Puts a file in the place of another.
    ///
    /// # Errors
    /// When the system refuses.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file, if it is there.
    ///
    /// # Errors
    /// When the system refuses.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes a folder, if it is not there.
    ///
    /// # Errors
    /// When the system refuses.
    fn make_folder(&self, path: &Path) -> io::Result<()>;

    /// Removes a folder, if it is there and empty.
    ///
    /// # Errors
    /// When the system refuses.
    fn remove_folder(&self, path: &Path) -> io::Result<()>;
}

/// The file system.
#[derive(Debug, Clone, Copy)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        let metadata = match fs::symlink_metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        fs::read(path).map(Some)
    }

    fn create(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut options = fs::File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path)?.write_all(bytes)
    }

    fn dress(&self, path: &Path, like: &Path) -> io::Result<()> {
        crate::file::dress(path, like)
    }

    fn share(&self, path: &Path) -> io::Result<()> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(path, fs::Permissions::from_mode(0o644))?;
        }
        let _ = path;
        Ok(())
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        fs::File::open(path)?.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        present(fs::remove_file(path))
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        match fs::create_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            result => result,
        }
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        match fs::remove_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
            result => present(result),
        }
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn present(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if is_absent(&error) => Ok(()),
        result => result,
    }
}
