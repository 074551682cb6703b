//! Many refs changed in one step. git itself changes one file for each ref, and what ends it in between leaves a mixture. So
//! all refs are packed first, and then one file, `packed-refs`, takes the place of another. Locks of git keep others out.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::{BACKUP, Git, InPlaceError, file_of};
use crate::file::{Access, put};
use crate::source::object::ObjectId;
use crate::source::refs::GitDir;

/// Stands in locks that sopup took.
const MARK: &[u8] = b"taken by sopup purge\n";

/// What one ref is, and what it is to be; `None` if it is not there.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) name: Vec<u8>,
    pub(super) old: Option<ObjectId>,
    pub(super) new: Option<ObjectId>,
}

/// Makes all changes or, if one ref is not what it is said to be, none.
pub(super) fn step(git: &GitDir, changes: &[Change]) -> Result<(), InPlaceError> {
    Git::at(git.common()).run("pack-refs", &["--all", "--prune"], b"")?;
    let mut locks = Locks::new(git.common())?;
    // Nobody but sopup changes the backup.
    for change in changes.iter().filter(|change| !change.name.starts_with(BACKUP)) {
        locks.take(&file_of(git, &change.name))?;
    }
    let packed = git.common().join("packed-refs");
    locks.take(&git.common().join("HEAD"))?;
    locks.take(&packed)?;
    let before = fs::read(&packed).or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(Vec::new()) } else { Err(error) });
    let before = before.map_err(|error| InPlaceError::Unread(format!("{}: {error}", packed.display())))?;
    let mut refs = parse(&before);
    for change in changes {
        let is_loose = fs::symlink_metadata(file_of(git, &change.name)).is_ok_and(|about| !about.is_dir());
        if is_loose || refs.get(&change.name).map(|kept| kept.id.as_str()) != change.old.map(|id| id.to_string()).as_deref() {
            return Err(InPlaceError::Moved(String::from_utf8_lossy(&change.name).into_owned()));
        }
        match change.new {
            Some(id) => _ = refs.insert(change.name.clone(), Packed { id: id.to_string(), peeled: None }),
            None => _ = refs.remove(&change.name),
        }
    }
    put(&packed, &print(&refs), Access::KeptOrShared)?;
    Ok(())
}

/// Removes locks that an interrupted sopup left.
pub(super) fn clear_locks(git: &GitDir) -> Result<(), InPlaceError> {
    let mut folders = vec![git.common().join("refs")];
    let mut left = ["packed-refs", "HEAD"].map(|name| lock_of(&git.common().join(name))).to_vec();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(path),
                Ok(kind) if kind.is_file() && path.extension().is_some_and(|extension| extension == "lock") => left.push(path),
                _ => {}
            }
        }
    }
    for path in left {
        // One that was just made may have no mark yet.
        let is_ours = fs::symlink_metadata(&path).is_ok_and(|about| about.is_file() && about.len() == MARK.len() as u64);
        if is_ours && fs::read(&path).is_ok_and(|text| text == MARK) {
            fs::remove_file(&path).map_err(|source| InPlaceError::Io { path, source })?;
        }
    }
    Ok(())
}

/// Locks that go when this does. Each appears with its mark, so that it is known whose it is.
struct Locks<'a> {
    top: &'a Path,
    /// A file with the mark, which gets the names of the locks.
    marked: PathBuf,
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

impl<'a> Locks<'a> {
    fn new(top: &'a Path) -> Result<Self, InPlaceError> {
        let marked = top.join("sopup/purge.mark");
        let written = File::create(&marked).and_then(|mut file| file.write_all(MARK));
        written.map_err(|source| InPlaceError::Io { path: marked.clone(), source })?;
        Ok(Self { top, marked, files: Vec::new(), folders: Vec::new() })
    }

    fn take(&mut self, file: &Path) -> Result<(), InPlaceError> {
        let lock = lock_of(file);
        let missing = lock.ancestors().skip(1).take_while(|folder| *folder != self.top && !folder.exists());
        self.folders.extend(missing.map(Path::to_path_buf));
        fs::create_dir_all(lock.parent().unwrap_or(self.top)).map_err(|source| InPlaceError::Io { path: lock.clone(), source })?;
        let made = fs::hard_link(&self.marked, &lock).or_else(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Err(error),
            // Not every file system has links, or so many.
            _ => File::create_new(&lock).and_then(|mut file| file.write_all(MARK)),
        });
        match made {
            Ok(()) => self.files.push(lock),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let name = file.strip_prefix(self.top).unwrap_or(file);
                return Err(InPlaceError::Moved(name.display().to_string()));
            }
            Err(source) => return Err(InPlaceError::Io { path: lock, source }),
        }
        Ok(())
    }
}

impl Drop for Locks<'_> {
    fn drop(&mut self) {
        for file in self.files.iter().rev().chain([&self.marked]) {
            let _ = fs::remove_file(file);
        }
        // Folders that are in use stay.
        self.folders.sort_by_key(|folder| std::cmp::Reverse(folder.as_os_str().len()));
        for folder in &self.folders {
            let _ = fs::remove_dir(folder);
        }
    }
}

fn lock_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

/// A line of `packed-refs`, perhaps with what is behind the tag.
struct Packed {
    id: String,
    peeled: Option<String>,
}

/// By name.
type Refs = BTreeMap<Vec<u8>, Packed>;

fn parse(text: &[u8]) -> Refs {
    let mut refs = Refs::new();
    let mut last = Vec::new();
    let word = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    for line in text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty() && !line.starts_with(b"#")) {
        if let Some(peeled) = line.strip_prefix(b"^") {
            refs.entry(std::mem::take(&mut last)).and_modify(|kept| kept.peeled = Some(word(peeled)));
        } else if let Some(space) = line.iter().position(|&byte| byte == b' ') {
            last = line[space + 1..].to_vec();
            refs.insert(last.clone(), Packed { id: word(&line[..space]), peeled: None });
        }
    }
    refs
}

/// The head says no more than holds: not all tags say what is behind them.
fn print(refs: &Refs) -> Vec<u8> {
    let mut text = b"# pack-refs with: sorted \n".to_vec();
    for (name, kept) in refs {
        text.extend_from_slice(kept.id.as_bytes());
        text.push(b' ');
        text.extend_from_slice(name);
        text.push(b'\n');
        if let Some(peeled) = &kept.peeled {
            text.extend_from_slice(format!("^{peeled}\n").as_bytes());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_refs_are_read_and_written() {
        let text = b"# pack-refs with: peeled fully-peeled sorted \n11 refs/heads/a b\n22 refs/tags/v1\n^33\n";
        assert_eq!(print(&parse(text)), b"# pack-refs with: sorted \n11 refs/heads/a b\n22 refs/tags/v1\n^33\n");
    }
}
