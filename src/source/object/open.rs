//! Finding the packs and loose objects of a repository. Whatever is there but
//! unusable is named, not passed over.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use thiserror::Error;

use super::alternates::{may_enter, object_dirs};
use super::store::{LooseDir, Others, Pack};
use super::{HashKind, Limits, ObjectId, ObjectStore, Place, Skip, SkipReason, open_regular};
use crate::source::pack::{PackFile, PackIndex, rebuild};

/// Why there is no object store to read.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The directory is not there or not readable.
    #[error("cannot read the object directory {}", dir.display())]
    Directory {
        /// The directory.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// What stands beside a pack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PackFlags {
    /// `.promisor`: objects may be missing, for a server promised them.
    pub promisor: Beside,
    /// `.mtimes`: it holds unreachable objects.
    pub cruft: Beside,
    /// `.keep`: it is not repacked.
    pub keep: Beside,
}

/// Whether a file stands beside a pack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Beside {
    /// It is there.
    Present,
    /// It is not.
    #[default]
    Absent,
}

impl ObjectStore {
    /// Finds everything in an object directory (`.git/objects`).
    ///
    /// # Errors
    /// Only when the directory itself cannot be read. What is unusable in it
    /// is named by [`skipped`](Self::skipped) and by every visit.
    pub fn open(objects_dir: &Path, hash: HashKind, limits: Limits) -> Result<Self, OpenError> {
        Self::open_all(&[objects_dir], hash, limits)
    }

    /// Finds everything in several object directories, which are read as one.
    ///
    /// # Errors
    /// Only when one of the directories cannot be read.
    pub fn open_all(objects_dirs: &[&Path], hash: HashKind, limits: Limits) -> Result<Self, OpenError> {
        let mut store = Self::new(hash, limits);
        let mut dirs = Vec::new();
        for &dir in objects_dirs {
            fs::read_dir(dir).map_err(|source| OpenError::Directory { dir: dir.to_owned(), source })?;
            if let Err(reason) = may_enter(dir, &store.limits.alternates) {
                store.skip(dir.to_owned(), reason);
                continue;
            }
            dirs.extend(object_dirs(dir, &store.limits.alternates, &mut store.skipped));
        }
        dirs.sort();
        dirs.dedup();
        let mut without_index = Vec::new();
        for dir in dirs {
            store.find_packs(&dir.join("pack"), &mut without_index);
            store.find_loose(dir);
        }
        for pack in without_index {
            store.add_without_index(pack);
        }
        store.packs.sort_by_key(|pack| std::cmp::Reverse(pack.file.end()));
        Ok(store)
    }

    fn find_packs(&mut self, dir: &Path, without_index: &mut Vec<PackFile>) {
        let Some(mut names) = self.list(dir) else {
            return;
        };
        names.sort();
        for path in &names {
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("pack") => {
                    if let Err(reason) = self.add_pack(path, &names, without_index) {
                        self.skip(path.clone(), reason);
                    }
                }
                Some("idx") if names.binary_search(&path.with_extension("pack")).is_err() => {
                    let missing = SkipReason::Io(io::ErrorKind::NotFound);
                    self.skip(path.with_extension("pack"), missing);
                }
                _ => {}
            }
        }
    }

    /// Opens a pack with its index; one without a usable index is put aside.
    fn add_pack(&mut self, path: &Path, names: &[PathBuf], without_index: &mut Vec<PackFile>) -> Result<(), SkipReason> {
        let file = PackFile::open(path, self.hash)?;
        let beside = |extension: &str| names.binary_search(&path.with_extension(extension)).is_ok();
        if !beside("idx") {
            without_index.push(file);
            return Ok(());
        }
        let index = match self.read_index(&path.with_extension("idx")) {
            Ok(index) if index.count() == file.count() => index,
            Ok(_) => {
                let reason = "index and pack count different numbers of objects";
                self.skip(path.with_extension("idx"), SkipReason::Unusable(reason.to_owned()));
                without_index.push(file);
                return Ok(());
            }
            Err(reason) => {
                self.skip(path.with_extension("idx"), reason);
                without_index.push(file);
                return Ok(());
            }
        };
        if index.pack_checksum() != file.checksum(self.hash)? {
            let reason = "the pack does not end with the checksum its index names";
            self.skip(path.to_owned(), SkipReason::Unusable(reason.to_owned()));
        }
        let flag = |extension| {
            if beside(extension) { Beside::Present } else { Beside::Absent }
        };
        let flags = PackFlags { promisor: flag("promisor"), cruft: flag("mtimes"), keep: flag("keep") };
        self.packs.push(Pack { file, index, flags, tree: OnceLock::new() });
        Ok(())
    }

    fn read_index(&self, path: &Path) -> Result<PackIndex, SkipReason> {
        let (file, len) = open_regular(path)?;
        if len > self.limits.memory {
            return Err(SkipReason::TooLarge { size: len });
        }
        let mut bytes = Vec::with_capacity(len as usize);
        file.take(len).read_to_end(&mut bytes)?;
        PackIndex::parse(bytes, self.hash).map_err(|error| SkipReason::Unusable(error.to_string()))
    }

    fn add_without_index(&mut self, file: PackFile) {
        let others = Others { store: self, number: usize::MAX };
        let rebuilt = rebuild(&file, self.hash, &others, &self.limits);
        self.skipped.extend(rebuilt.skipped);
        self.packs.push(Pack { file, index: rebuilt.index, flags: PackFlags::default(), tree: OnceLock::new() });
    }

    fn find_loose(&mut self, dir: PathBuf) {
        let mut ids = Vec::new();
        for first in 0..=255u8 {
            let prefix = format!("{first:02x}");
            for path in self.list(&dir.join(&prefix)).unwrap_or_default() {
                let name = path.file_name().unwrap_or_default();
                let hex = [prefix.as_bytes(), name.as_encoded_bytes()].concat();
                if let Some(id) = ObjectId::from_hex(&hex)
                    && id.hash() == self.hash
                {
                    ids.push(id);
                }
            }
        }
        ids.sort_unstable();
        self.loose.push(LooseDir { dir, ids });
    }

    /// What is in a directory; nothing if it is not there.
    fn list(&mut self, dir: &Path) -> Option<Vec<PathBuf>> {
        let read = || -> Result<Vec<PathBuf>, SkipReason> {
            may_enter(dir, &self.limits.alternates)?;
            let entries = fs::read_dir(dir)?;
            Ok(entries.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?)
        };
        match read() {
            Ok(names) => Some(names),
            Err(SkipReason::Io(io::ErrorKind::NotFound)) => None,
            Err(reason) => {
                self.skip(dir.to_owned(), reason);
                None
            }
        }
    }

    fn skip(&mut self, path: PathBuf, reason: SkipReason) {
        self.skipped.push(Skip { id: None, place: Place::File(Arc::new(path)), reason });
    }
}
