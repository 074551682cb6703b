//! The end of a purge in place: the backup, the reflogs and the old objects go, and it is checked that they are gone.

use std::fs;
use std::path::PathBuf;

use super::{BACKUP, CREATED, FINISHING, Git, InPlaceError, PENDING, Place, REPLACED, file_of};
use crate::file::{Access, put};
use crate::purge::mirror::os;
use crate::source::object::{Limits, ObjectId};

/// Objects for which it is asked what holds them.
const ASKED: usize = 20;

/// What a purge ended with.
#[derive(Debug)]
pub struct Finished {
    /// How many objects were replaced.
    pub replaced: usize,
    /// Those that are still there.
    pub left: Vec<ObjectId>,
    /// What holds them, as far as it is known.
    pub holders: Vec<Holder>,
}

/// Something that keeps old objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// A pack that git was told to keep.
    Kept(PathBuf),
    /// A ref that leads there.
    Ref(String),
    /// The index of a working tree.
    Index,
    /// A linked working tree, which has refs, an index and reflogs of its own.
    Worktree(String),
}

impl Place {
    /// How many objects wait to be removed; `None` if no purge waits to be ended.
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub fn waiting(&self, limits: &Limits) -> Result<Option<usize>, InPlaceError> {
        let waits = self.folder().join(FINISHING).exists() || !self.backup()?.is_empty();
        waits.then(|| Ok(self.left(limits)?.len())).transpose()
    }

    /// Removes the old history. It may be called again after it was interrupted.
    ///
    /// # Errors
    /// [`InPlaceError`]
    pub fn finish(&self, limits: &Limits) -> Result<Finished, InPlaceError> {
        self.refuse_finish()?;
        let git = Git::at(self.git.common()).set("gc.bigPackThreshold", "0");
        let backup = self.backup()?;
        let deleted: Vec<u8> = backup.keys().flat_map(|name| [b"delete ", BACKUP, &name[5..], b"\0\0"].concat()).collect();
        let folder = self.folder();
        fs::create_dir_all(&folder).map_err(|source| InPlaceError::Io { path: folder.clone(), source })?;
        put(&folder.join(FINISHING), b"", Access::Private)?;
        // Logs of refs that have another name now are not expired with the others.
        for name in backup.keys() {
            if !self.has_ref(name)? {
                let log = file_of(&self.git, &[b"logs/", &name[..]].concat());
                let _ = fs::remove_file(log);
            }
        }
        git.run("update-ref", &["--stdin", "-z"], &deleted)?;
        for name in ["ORIG_HEAD", "FETCH_HEAD"] {
            let _ = fs::remove_file(self.git.path().join(name));
        }
        git.run("reflog", &["expire", "--expire=now", "--expire-unreachable=now", "--all"], b"")?;
        git.run("gc", &["--prune=now", "--quiet"], b"")?;
        let (replaced, left) = (self.list(REPLACED)?.len(), self.left(limits)?);
        let holders = if left.is_empty() { Vec::new() } else { self.holders(&git, &left)? };
        if left.is_empty() {
            for name in [REPLACED, CREATED, PENDING, FINISHING] {
                self.remove(name)?;
            }
        }
        Ok(Finished { replaced, left, holders })
    }

    /// Replaced objects that are still there.
    fn left(&self, limits: &Limits) -> Result<Vec<ObjectId>, InPlaceError> {
        let replaced = self.list(REPLACED)?;
        let store = self.git.open_objects(limits.clone()).map_err(|error| InPlaceError::Unread(error.to_string()))?;
        Ok(replaced.iter().filter_map(|line| ObjectId::from_hex(line)).filter(|id| store.contains(id)).collect())
    }

    fn holders(&self, git: &Git<'_>, left: &[ObjectId]) -> Result<Vec<Holder>, InPlaceError> {
        let packs = super::files_with(&self.git.objects().join("pack"), &["promisor", "keep"]);
        let mut all: Vec<Holder> = packs.into_iter().map(Holder::Kept).collect();
        for entry in fs::read_dir(self.git.common().join("worktrees")).into_iter().flatten().flatten() {
            all.push(Holder::Worktree(entry.file_name().to_string_lossy().into_owned()));
        }
        for id in left.iter().take(ASKED) {
            // It fails for what is no commit.
            let refs = git.output("for-each-ref", &["--format=%(refname)", "--contains", &id.to_string()], b"")?.unwrap_or_default();
            let names = refs.split(|&byte| byte == b'\n').filter(|name| !name.is_empty());
            for holder in names.map(|name| Holder::Ref(os(name).to_string_lossy().into_owned())) {
                if !all.contains(&holder) {
                    all.push(holder);
                }
            }
        }
        let indexed = git.output("ls-files", &["--stage"], b"")?.unwrap_or_default();
        let indexed = String::from_utf8_lossy(&indexed).into_owned();
        if left.iter().any(|id| indexed.contains(&id.to_string())) {
            all.push(Holder::Index);
        }
        Ok(all)
    }
}
