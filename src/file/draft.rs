//! [`Draft`]: the new form of a file, written beside it, and the step in which it takes the file's place.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::{Access, FileError};

/// How names of drafts end; what is before it names the file and a random part.
const SUFFIX: &str = ".sopup-draft";

/// A file beside another one. It is removed on drop unless it has taken the other's place. It is locked until then, so
/// that who takes the new file waits until the old one is gone.
#[derive(Debug)]
pub(super) struct Draft {
    path: PathBuf,
    target: PathBuf,
    file: File,
}

/// When [`Draft::swap`] asks whether the old file is the expected one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Swap {
    /// Before the draft takes its place, where the two cannot be exchanged.
    Before,
    /// After they were exchanged; if it is not, they are exchanged again.
    After,
}

impl Draft {
    /// An empty draft, for its owner alone unless `access` lets the process decide.
    pub(super) fn beside(target: &Path, access: Access) -> Result<Self, FileError> {
        let wrong = |source| FileError::io("write", target, source);
        let name = target.file_name().ok_or_else(|| wrong(io::Error::new(io::ErrorKind::InvalidInput, "it has no file name")))?;
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| wrong(io::Error::other(error)))?;
        let path = folder(target).join(format!(".{}.{:016x}{SUFFIX}", name.to_string_lossy(), u64::from_le_bytes(random)));
        let mut options = File::options();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        {
            let mode = if access == Access::KeptOrShared { 0o666 } else { 0o600 };
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
        }
        let file = options.open(&path).map_err(wrong)?;
        file.lock().map_err(wrong)?;
        Ok(Self { path, target: target.to_path_buf(), file })
    }

    pub(super) fn fill(&self, content: &[u8]) -> Result<(), FileError> {
        let written = (&self.file).write_all(content).and_then(|()| self.file.sync_all());
        written.map_err(|source| FileError::io("write", &self.target, source))
    }

    /// Takes the place of nothing.
    pub(super) fn appear(self) -> Result<(), FileError> {
        rename_to_nothing(&self.path, &self.target).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => FileError::Exists(self.target.clone()),
            _ => FileError::io("write", &self.target, source),
        })?;
        self.sync_folder()
    }

    /// Takes the place of the old file if `expected` says it is the right one. It is asked about a path that leads to
    /// the old file.
    pub(super) fn swap(self, expected: impl Fn(Swap, &Path) -> bool) -> Result<(), FileError> {
        let io = |source| FileError::io("replace", &self.target, source);
        if exchange(&self.path, &self.target).is_ok() {
            if !expected(Swap::After, &self.path) {
                exchange(&self.path, &self.target).map_err(io)?;
                return Err(FileError::Changed(self.target.clone()));
            }
            fs::remove_file(&self.path).map_err(io)?;
        } else {
            if !expected(Swap::Before, &self.target) {
                return Err(FileError::Changed(self.target.clone()));
            }
            fs::rename(&self.path, &self.target).map_err(io)?;
        }
        self.sync_folder()
    }

    /// Takes the place of the old file, which is gone with the same step, if `expected` says that it is the right one.
    pub(super) fn rename(self, expected: impl Fn() -> bool) -> Result<(), FileError> {
        if !expected() {
            return Err(FileError::Changed(self.target.clone()));
        }
        fs::rename(&self.path, &self.target).map_err(|source| FileError::io("replace", &self.target, source))?;
        self.sync_folder()
    }

    fn sync_folder(&self) -> Result<(), FileError> {
        #[cfg(unix)]
        File::open(folder(&self.target))
            .and_then(|folder| folder.sync_all())
            .map_err(|source| FileError::io("sync", &self.target, source))?;
        Ok(())
    }

    /// Gives the draft the owner, the group, the extended attributes and the mode of the old file.
    #[cfg(unix)]
    pub(super) fn take_attributes(&self, old: &File, access: Access) -> Result<(), FileError> {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
        let lost = |what| move |source| FileError::Attributes { what, path: self.target.clone(), source };
        let (was, is) = (old.metadata().map_err(lost("the mode"))?, self.file.metadata().map_err(lost("the mode"))?);
        if (was.uid(), was.gid()) != (is.uid(), is.gid()) {
            fchown(&self.file, Some(was.uid()), Some(was.gid())).map_err(lost("the owner"))?;
        }
        if access != Access::Private {
            copy_extended(old, &self.file).map_err(lost("the extended attributes"))?;
            let mode = fs::Permissions::from_mode(was.mode() & 0o7777);
            self.file.set_permissions(mode).map_err(lost("the mode"))?;
        }
        self.file.sync_all().map_err(|source| FileError::io("write", &self.target, source))
    }

    #[cfg(not(unix))]
    pub(super) fn take_attributes(&self, _: &File, _: Access) -> Result<(), FileError> {
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After it took its place, there is no file of this name.
        let _ = fs::remove_file(&self.path);
    }
}

/// Removes the drafts of a file that an interrupted sopup left: those that nobody has locked.
pub(super) fn clear_stale(target: &Path) {
    let Some(name) = target.file_name().map(|name| format!(".{}.", name.to_string_lossy())) else { return };
    for entry in fs::read_dir(folder(target)).into_iter().flatten().flatten() {
        let found = entry.file_name();
        let random = found.to_str().and_then(|found| found.strip_prefix(&name)?.strip_suffix(SUFFIX));
        let is_draft = random.is_some_and(|random| random.len() == 16 && random.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if is_draft && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Swaps two files in one step. Not all systems and file systems can.
#[cfg(target_os = "linux")]
fn exchange(a: &Path, b: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE)?)
}

#[cfg(not(target_os = "linux"))]
fn exchange(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Renames a file unless the new name is taken.
fn rename_to_nothing(from: &Path, to: &Path) -> io::Result<()> {
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

/// Copies extended attributes, access control lists among them. What only the system may set is left to it.
#[cfg(any(target_os = "linux", target_os = "macos"))]
pub(super) fn copy_extended(from: &File, to: &File) -> io::Result<()> {
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
pub(super) fn copy_extended(_: &File, _: &File) -> io::Result<()> {
    Ok(())
}
