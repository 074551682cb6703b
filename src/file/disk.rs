//! [`Disk`]: the few operations by which files change, so that tests can make each of them fail.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;

use zeroize::Zeroizing;

use super::Access;

/// Changes files. [`RealDisk`] does; tests have disks that break.
pub trait Disk: Sync {
    /// The bytes of an open file from its start, up to `limit`.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read(&self, file: &File, limit: u64) -> io::Result<Zeroizing<Vec<u8>>>;

    /// Makes a new file, for its owner alone unless `access` leaves that to the umask.
    ///
    /// # Errors
    /// When the name is taken or the system refuses.
    fn create(&self, path: &Path, access: Access) -> io::Result<File>;

    /// Writes bytes to an open file.
    ///
    /// # Errors
    /// When not all of them can be written.
    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<()>;

    /// Gives a file the owner and group of another and, unless it is to be private, its extended attributes and mode.
    ///
    /// # Errors
    /// [`Lost`] says what cannot be set.
    fn copy_attributes(&self, from: &File, to: &File, access: Access) -> Result<(), Lost>;

    /// Waits until an open file or folder is on the disk.
    ///
    /// # Errors
    /// When the system refuses.
    fn sync(&self, file: &File) -> io::Result<()>;

    /// Swaps two files in one step.
    ///
    /// # Errors
    /// When the system refuses. Not all systems and file systems can do it.
    fn exchange(&self, a: &Path, b: &Path) -> io::Result<()>;

    /// Puts a file in the place of another.
    ///
    /// # Errors
    /// When the system refuses.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Renames a file unless the new name is taken.
    ///
    /// # Errors
    /// When it is taken or the system refuses.
    fn rename_to_nothing(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file, if it is there.
    ///
    /// # Errors
    /// When the system refuses.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes a folder, if it is not there; for its owner alone if `access` says so, whatever the umask is.
    ///
    /// # Errors
    /// When the system refuses, or something else has the name.
    fn make_folder(&self, path: &Path, access: Access) -> io::Result<()>;

    /// Removes a folder, if it is there and empty.
    ///
    /// # Errors
    /// When the system refuses.
    fn remove_folder(&self, path: &Path) -> io::Result<()>;
}

/// An attribute that a file does not get, and why.
#[derive(Debug)]
pub struct Lost {
    /// What it is, such as "the owner".
    pub what: &'static str,
    /// What the system said.
    pub source: io::Error,
}

/// The file system.
#[derive(Debug, Clone, Copy)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn read(&self, mut file: &File, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
        file.rewind()?;
        let length = file.metadata()?.len().min(limit);
        let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1));
        file.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn create(&self, path: &Path, access: Access) -> io::Result<File> {
        let mut options = File::options();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        {
            let mode = if access == Access::KeptOrShared { 0o666 } else { 0o600 };
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
        }
        options.open(path)
    }

    fn write(&self, mut file: &File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    #[cfg(unix)]
    fn copy_attributes(&self, from: &File, to: &File, access: Access) -> Result<(), Lost> {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
        let lost = |what| move |source| Lost { what, source };
        let (was, is) = (from.metadata().map_err(lost("the mode"))?, to.metadata().map_err(lost("the mode"))?);
        if (was.uid(), was.gid()) != (is.uid(), is.gid()) {
            fchown(to, Some(was.uid()), Some(was.gid())).map_err(lost("the owner"))?;
        }
        if access == Access::Private {
            return Ok(());
        }
        copy_extended(from, to).map_err(lost("the extended attributes"))?;
        to.set_permissions(fs::Permissions::from_mode(was.mode() & 0o7777)).map_err(lost("the mode"))
    }

    #[cfg(not(unix))]
    fn copy_attributes(&self, _: &File, _: &File, _: Access) -> Result<(), Lost> {
        Ok(())
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    #[cfg(target_os = "linux")]
    fn exchange(&self, a: &Path, b: &Path) -> io::Result<()> {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        Ok(renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE)?)
    }

    #[cfg(not(target_os = "linux"))]
    fn exchange(&self, _: &Path, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn rename_to_nothing(&self, from: &Path, to: &Path) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::{CWD, RenameFlags, renameat_with};
            match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
                Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {}
                done => return Ok(done?),
            }
        }
        fs::hard_link(from, to)?;
        fs::remove_file(from)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        present(fs::remove_file(path))
    }

    fn make_folder(&self, path: &Path, access: Access) -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        if access != Access::KeptOrShared {
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        }
        match builder.create(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            made => made,
        }
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        match fs::remove_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
            removed => present(removed),
        }
    }
}

fn present(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if is_absent(&error) => Ok(()),
        result => result,
    }
}

/// Whether an error says that nothing is there.
pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Copies extended attributes, access control lists among them. What only the system may set is left to it.
#[cfg(any(target_os = "linux", target_os = "macos"))]
fn copy_extended(from: &File, to: &File) -> io::Result<()> {
    use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fsetxattr};
    use rustix::io::Errno;
    let mut names = vec![0u8; 64 << 10];
    let length = match flistxattr(from, names.as_mut_slice()) {
        Err(Errno::NOTSUP) => return Ok(()),
        length => length?,
    };
    let mut value = vec![0u8; 64 << 10];
    for name in names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let size = fgetxattr(from, name, value.as_mut_slice())?;
        match fsetxattr(to, name, &value[..size], XattrFlags::empty()) {
            Err(Errno::NOTSUP | Errno::PERM | Errno::ACCESS) if name.starts_with(b"security.") => {}
            set => set?,
        }
    }
    Ok(())
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "macos"))))]
fn copy_extended(_: &File, _: &File) -> io::Result<()> {
    Ok(())
}
