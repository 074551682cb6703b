//! [`Draft`]: the new form of a file, written beside it, and the step in which it takes the file's place.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::disk::Disk;
use super::held::is_at;
use super::{Access, FileError};

/// How names of drafts end; what is before it names the file and a random part.
const SUFFIX: &str = ".sopup-draft";

/// So many bytes of a file's name stand in the name of its draft: names have 255 at most.
const NAMED: usize = 200;

/// A file beside another one. It is removed on drop unless it has taken the other's place. It is locked until then, so
/// that who takes the new file waits until the old one is gone.
pub(super) struct Draft<'d> {
    path: PathBuf,
    target: PathBuf,
    file: File,
    disk: &'d dyn Disk,
}

/// When [`Draft::swap`] asks whether the old file is the expected one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Swap {
    /// Before the draft takes its place, where the two cannot be exchanged.
    Before,
    /// After they were exchanged; if it is not, they are exchanged again.
    After,
}

impl<'d> Draft<'d> {
    /// An empty draft, for its owner alone unless `access` lets the process decide.
    pub(super) fn beside(target: &Path, access: Access, disk: &'d dyn Disk) -> Result<Self, FileError> {
        let wrong = |source| FileError::io("write", target, source);
        let name = prefix(target).ok_or_else(|| wrong(io::Error::new(io::ErrorKind::InvalidInput, "it has no file name")))?;
        loop {
            let mut random = [0; 8];
            getrandom::fill(&mut random).map_err(|error| wrong(io::Error::other(error)))?;
            let path = folder(target).join(format!("{name}{:016x}{SUFFIX}", u64::from_le_bytes(random)));
            let file = disk.create(&path, access).map_err(wrong)?;
            let draft = Self { path, target: target.to_path_buf(), file, disk };
            draft.file.lock().map_err(wrong)?;
            // Until it was locked, another sopup could take it for one that was left behind.
            if is_at(&draft.file, &draft.path) {
                return Ok(draft);
            }
        }
    }

    /// Writes the content and waits until it is on the disk. The attributes are those of the `old` file, if there is one.
    pub(super) fn fill(&self, content: &[u8], old: Option<(&File, Access)>) -> Result<(), FileError> {
        let wrong = |source| FileError::io("write", &self.target, source);
        self.disk.write(&self.file, content).map_err(wrong)?;
        if let Some((old, access)) = old {
            let lost = |lost: super::disk::Lost| FileError::Attributes { what: lost.what, path: self.target.clone(), source: lost.source };
            self.disk.copy_attributes(old, &self.file, access).map_err(lost)?;
        }
        self.disk.sync(&self.file).map_err(wrong)?;
        let written = self.disk.read(&self.file, u64::MAX).map_err(wrong)?;
        if written.as_slice() == content { Ok(()) } else { Err(wrong(io::Error::other("what was written does not read back"))) }
    }

    /// Takes the place of nothing.
    pub(super) fn appear(self) -> Result<(), FileError> {
        self.disk.rename_to_nothing(&self.path, &self.target).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => FileError::Exists(self.target.clone()),
            _ => FileError::io("write", &self.target, source),
        })?;
        sync_folder(&self.target, self.disk)
    }

    /// Takes the place of the old file if `expected` says it is the right one. It is asked about a path that leads to
    /// the old file.
    pub(super) fn swap(self, expected: impl Fn(Swap, &Path) -> bool) -> Result<(), FileError> {
        let io = |source| FileError::io("replace", &self.target, source);
        if self.disk.exchange(&self.path, &self.target).is_err() {
            return self.rename(|| expected(Swap::Before, &self.target));
        }
        if !expected(Swap::After, &self.path) {
            self.disk.exchange(&self.path, &self.target).map_err(io)?;
            return Err(FileError::Changed(self.target.clone()));
        }
        // A second attempt is made on drop.
        let removed = self.disk.remove(&self.path);
        sync_folder(&self.target, self.disk)?;
        removed.map_err(|source| FileError::Left { path: self.target.clone(), old: self.path.clone(), source })
    }

    /// Takes the place of the old file, which is gone with the same step, if `expected` says that it is the right one.
    pub(super) fn rename(&self, expected: impl Fn() -> bool) -> Result<(), FileError> {
        if !expected() {
            return Err(FileError::Changed(self.target.clone()));
        }
        self.disk.rename(&self.path, &self.target).map_err(|source| FileError::io("replace", &self.target, source))?;
        sync_folder(&self.target, self.disk)
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        // After it took its place, there is no file of this name.
        let _ = self.disk.remove(&self.path);
    }
}

/// Waits until the name of a file, or that it is gone, is on the disk.
pub(super) fn sync_folder(target: &Path, disk: &dyn Disk) -> Result<(), FileError> {
    #[cfg(unix)]
    File::open(folder(target))
        .and_then(|folder| disk.sync(&folder))
        .map_err(|source| FileError::Unsynced { path: target.to_path_buf(), source })?;
    let _ = (target, disk);
    Ok(())
}

/// Removes the drafts of a file that an interrupted sopup left: those that nobody has locked.
pub(super) fn clear_stale(target: &Path, disk: &dyn Disk) -> Result<(), FileError> {
    prefix(target).map_or(Ok(()), |name| clear(folder(target), |found| found == name, disk))
}

/// Removes the drafts of all files of a folder that an interrupted sopup left.
///
/// # Errors
/// When one cannot be removed.
pub fn clear_drafts(folder: &Path, disk: &dyn Disk) -> Result<(), FileError> {
    clear(folder, |name| name.starts_with('.'), disk)
}

fn clear(folder: &Path, wanted: impl Fn(&str) -> bool, disk: &dyn Disk) -> Result<(), FileError> {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let found = entry.file_name();
        let Some(stem) = found.to_str().and_then(|found| found.strip_suffix(SUFFIX)) else { continue };
        let Some((name, random)) = stem.len().checked_sub(16).and_then(|at| stem.split_at_checked(at)) else { continue };
        if !random.bytes().all(|byte| byte.is_ascii_hexdigit()) || !name.ends_with('.') || !wanted(name) {
            continue;
        }
        if is_free(&entry.path()) {
            disk.remove(&entry.path()).map_err(|source| FileError::io("remove", &entry.path(), source))?;
        }
    }
    Ok(())
}

/// Whether nobody works with a draft. A program that is just being started may hold the lock of the one that starts it for a moment.
fn is_free(draft: &Path) -> bool {
    const TRIES: u32 = 4;
    const PAUSE: std::time::Duration = std::time::Duration::from_millis(10);
    (0..TRIES).any(|attempt| {
        if attempt > 0 {
            std::thread::sleep(PAUSE);
        }
        File::open(draft).is_ok_and(|file| file.try_lock().is_ok())
    })
}

/// How the names of a file's drafts begin.
fn prefix(target: &Path) -> Option<String> {
    let name = target.file_name()?.to_string_lossy().into_owned();
    let end = (0..=NAMED.min(name.len())).rev().find(|end| name.is_char_boundary(*end))?;
    Some(format!(".{}.", &name[..end]))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
