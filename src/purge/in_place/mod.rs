//! A purge of the repository itself. New objects come first, then all refs change in one step, then the working tree; the old
//! values of the refs stay below `refs/sopup/backup/` until `finish` removes them or `restore` puts them back.
//!
//! What is interrupted before the step leaves the old refs, and after it the new ones; the working tree then follows with
//! the next command (`Place::settle`).

mod finish;
mod refusal;
mod step;
mod tree;

pub use finish::{Finished, Holder};
pub use refusal::Refusal;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::find::Held;
use super::git::{Git, GitError};
use super::maps::write_maps;
use super::mirror::{MirrorError, os};
use super::rewrite::Rewritten;
use super::writer::{BORROWED, check_clean, rewrite_into};
use super::{NewRef, Repository};
use crate::file::{self, Access, FileError, put};
use crate::source::object::ObjectId;
use crate::source::refs::{GitDir, Ref};
use step::{Change, clear_locks, step};
use tree::Tree;

/// Where the old values of refs are kept.
pub(super) const BACKUP: &[u8] = b"refs/sopup/backup/";
/// What a purge leaves, in the folder of sopup.
const FOLDER: &str = "purge";
/// Where new objects and that folder are made.
const DRAFT: &str = "purge.part";
/// The objects that were replaced, one a line.
const REPLACED: &str = "replaced";
/// Refs that were not there before, one a line.
const CREATED: &str = "created";
/// The commits between which the working tree is to change.
const PENDING: &str = "pending";
/// There while the old history is removed.
const FINISHING: &str = "finishing";

/// Why a purge in place did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum InPlaceError {
    /// Something has to be done first.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Refused(Vec<Refusal>),
    /// New objects could not be made.
    #[error(transparent)]
    Objects(#[from] MirrorError),
    /// git failed.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A file could not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The disk or the system refused.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// What was to be written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something of the repository cannot be read.
    #[error("cannot read {0}")]
    Unread(String),
    /// Somebody changes the same ref.
    #[error("{0} is being changed by somebody else, or was changed meanwhile")]
    Moved(String),
    /// Refs changed; files of the working tree did not.
    #[error("the history is rewritten, but these files of the working tree were changed meanwhile and are left as they are: {}", .0.join(", "))]
    Edited(Vec<String>),
}

/// A repository taken for a purge; other sopups that change it wait or are refused.
pub struct Place {
    git: GitDir,
    sopup: PathBuf,
    _lock: File,
}

/// A history that was rewritten where it is.
#[derive(Debug)]
pub struct Done {
    /// What was rewritten.
    pub rewritten: Rewritten,
    /// Files of the working tree that have another content now.
    pub files: Vec<String>,
}

impl Place {
    /// Takes the repository, and clears what an interrupted purge left.
    ///
    /// # Errors
    /// [`InPlaceError::File`] with [`FileError::Busy`] if another sopup has it.
    pub fn take(git: &GitDir) -> Result<Self, InPlaceError> {
        let sopup = git.common().join("sopup");
        let lock = file::lock(&sopup.join("lock"))?;
        let place = Self { git: git.clone(), sopup, _lock: lock };
        clear_locks(&place.git)?;
        place.clear_draft()?;
        Ok(place)
    }

    /// Where the maps and scripts of a purge are.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.sopup.join(FOLDER)
    }

    /// The old values of refs, by the names they had.
    ///
    /// # Errors
    /// If refs cannot be read.
    pub fn backup(&self) -> Result<BTreeMap<Vec<u8>, ObjectId>, InPlaceError> {
        let kept = self.refs()?.into_iter().filter_map(|one| Some(([b"refs/", one.name.strip_prefix(BACKUP)?].concat(), one.id?)));
        Ok(kept.collect())
    }

    /// Brings the working tree of an interrupted command to its end. Gives whether there was one.
    ///
    /// # Errors
    /// [`InPlaceError`]
    pub fn settle(&self) -> Result<bool, InPlaceError> {
        let settled = self.settle_tree()?;
        let has = |name: &str| self.folder().join(name).exists();
        if has(REPLACED) && !has(FINISHING) && self.backup()?.is_empty() {
            // The refs did not change, or are back.
            self.clear(&self.folder())?;
        }
        Ok(settled)
    }

    fn settle_tree(&self) -> Result<bool, InPlaceError> {
        let pending = self.folder().join(PENDING);
        let Ok(text) = fs::read(&pending) else { return Ok(false) };
        let ids: Vec<ObjectId> = text.split(|&byte| byte == b'\n').filter_map(ObjectId::from_hex).collect();
        let head = self.git.head().map_err(|skip| InPlaceError::Unread(skip.to_string()))?;
        // If refs are as before, nothing happened. If somebody has committed since, that was seen to.
        let is_open = matches!(ids[..], [_, new] if head == Some(new));
        if let ([old, new], Some(tree)) = (&ids[..], self.tree()?.filter(|_| is_open)) {
            self.follow(&tree, old, new)?;
        }
        self.remove(PENDING)?;
        Ok(is_open)
    }

    /// Rewrites the repository. `also` puts more into the folder of maps before any ref changes.
    ///
    /// # Errors
    /// [`InPlaceError`]; but for [`InPlaceError::Edited`], refs are as before.
    pub fn rewrite(
        &self,
        repository: &Repository<'_>,
        held: &Held,
        also: impl FnOnce(&Path, &Rewritten) -> Result<(), FileError>,
    ) -> Result<Done, InPlaceError> {
        let draft = self.sopup.join(DRAFT);
        let rewritten = rewrite_into(&draft, &self.git, repository, held)?;
        let wrong = |path: &Path| {
            let path = path.to_path_buf();
            move |source| InPlaceError::Io { path, source }
        };
        fs::remove_file(draft.join(BORROWED)).map_err(wrong(&draft))?;
        check_clean(&draft, repository)?;
        self.refuse_refs(repository.refs, &rewritten)?;
        let tree = self.tree()?;
        let heads = self.heads(repository.refs, &rewritten);
        self.take_over(&draft.join("objects/pack")).map_err(wrong(&draft))?;
        self.check_connected(&rewritten)?;
        let files = match (&tree, heads) {
            (Some(tree), Some((old, new))) => tree.foresee(&old, &new)?,
            _ => Vec::new(),
        };
        let maps = draft.join(FOLDER);
        let written = fs::create_dir_all(&maps).and_then(|()| write_maps(&maps, repository, &rewritten));
        written.and_then(|()| write_lists(&maps, &rewritten)).map_err(wrong(&maps))?;
        also(&maps, &rewritten)?;
        let folder = self.folder();
        self.clear(&folder)?;
        fs::rename(&maps, &folder).map_err(wrong(&folder))?;
        if let Some(tree) = &tree {
            // It may have been a while.
            tree.refuse_dirty()?;
        }
        if let Err(error) = self.change(&changes(&rewritten), heads) {
            self.settle()?;
            return Err(error);
        }
        self.clear_draft()?;
        Ok(Done { rewritten, files })
    }

    /// Puts the refs of the backup back. Gives how many.
    ///
    /// # Errors
    /// [`InPlaceError`]; but for [`InPlaceError::Edited`], refs are as before.
    pub fn restore(&self) -> Result<usize, InPlaceError> {
        let (backup, refs) = (self.backup()?, self.refs()?);
        self.refuse_restore(&backup, &refs)?;
        let now = |name: &[u8]| refs.iter().find(|one| one.name == name && one.symbolic.is_none()).and_then(|one| one.id);
        let mut all: Vec<Change> = Vec::new();
        for (name, old) in &backup {
            all.push(Change { name: name.clone(), old: now(name), new: Some(*old) });
            all.push(Change { name: backup_of(name), old: Some(*old), new: None });
        }
        let created = self.list(CREATED)?.into_iter().filter(|name| !backup.contains_key(name));
        all.extend(created.filter_map(|name| Some(Change { old: Some(now(&name)?), new: None, name })));
        let head = refs.iter().find(|one| one.name == self.git.head_name());
        let heads = head.and_then(|head| Some((head.id?, *backup.get(head.symbolic.as_ref()?)?)));
        let folder = self.folder();
        self.change(&all, heads)?;
        self.clear(&folder)?;
        Ok(backup.len())
    }

    /// Changes refs in one step, and then the working tree, if `HEAD` moves between these commits.
    fn change(&self, changes: &[Change], heads: Option<(ObjectId, ObjectId)>) -> Result<(), InPlaceError> {
        let tree = self.tree()?;
        if let (Some(_), Some((old, new))) = (&tree, heads) {
            put(&self.folder().join(PENDING), format!("{old}\n{new}\n").as_bytes(), Access::Private)?;
        }
        self.sync()?;
        step(&self.git, changes)?;
        if let (Some(tree), Some((old, new))) = (tree, heads) {
            self.follow(&tree, &old, &new)?;
        }
        Ok(())
    }

    /// What a person edited is told once; what fails otherwise is tried again by the next command.
    fn follow(&self, tree: &Tree<'_>, old: &ObjectId, new: &ObjectId) -> Result<(), InPlaceError> {
        let followed = tree.follow(old, new);
        if matches!(followed, Ok(()) | Err(InPlaceError::Edited(_))) {
            self.remove(PENDING)?;
        }
        followed
    }

    /// The commits of `HEAD` before and after, if it moves.
    fn heads(&self, refs: &[Ref], rewritten: &Rewritten) -> Option<(ObjectId, ObjectId)> {
        let head = refs.iter().find(|one| one.name == self.git.head_name())?;
        let branch = rewritten.refs.iter().find(|one| Some(&one.old_name) == head.symbolic.as_ref())?;
        Some((branch.old, branch.new)).filter(|(old, new)| old != new)
    }

    /// Moves packs into the repository. A pack counts only when its index is there, which comes last.
    fn take_over(&self, from: &Path) -> io::Result<()> {
        let to = self.git.objects().join("pack");
        fs::create_dir_all(&to)?;
        for index in files_with(from, &["idx"]) {
            for file in [index.with_extension("pack"), index] {
                fs::rename(&file, to.join(file.file_name().unwrap_or_default()))?;
            }
        }
        Ok(())
    }

    /// Whether all that the new refs lead to is there.
    fn check_connected(&self, rewritten: &Rewritten) -> Result<(), GitError> {
        let changed: Vec<&NewRef> = rewritten.refs.iter().filter(|one| one.is_change()).collect();
        let mut tips: String = changed.iter().map(|one| format!("{}\n", one.new)).collect();
        tips.extend(changed.iter().map(|one| format!("^{}\n", one.old)));
        Git::at(self.git.common()).run("rev-list", &["--objects", "--quiet", "--stdin"], tips.as_bytes()).map(drop)
    }

    fn tree(&self) -> Result<Option<Tree<'_>>, InPlaceError> {
        self.git.work_tree().map(|top| Ok(Tree { git: Git::with_tree(self.git.path(), top)?, top })).transpose()
    }

    fn refs(&self) -> Result<Vec<Ref>, InPlaceError> {
        let found = self.git.refs();
        match found.skipped.first() {
            Some(skip) => Err(InPlaceError::Unread(skip.to_string())),
            None => Ok(found.items),
        }
    }

    /// The lines of a file of the folder; none if there is no such file.
    fn list(&self, name: &str) -> Result<Vec<Vec<u8>>, InPlaceError> {
        let bytes = file::read(&self.folder().join(name), &file::RealDisk)?.unwrap_or_default();
        Ok(bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect())
    }

    fn remove(&self, name: &str) -> Result<(), InPlaceError> {
        let path = self.folder().join(name);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(InPlaceError::Io { path, source }),
            _ => Ok(()),
        }
    }

    /// A pack without its index, which an interrupted purge was about to move, goes as well.
    fn clear_draft(&self) -> Result<(), InPlaceError> {
        let draft = self.sopup.join(DRAFT);
        for index in files_with(&draft.join("objects/pack"), &["idx"]) {
            let pack = index.with_extension("pack");
            let moved = self.git.objects().join("pack").join(pack.file_name().unwrap_or_default());
            if !pack.exists() && !moved.with_extension("idx").exists() {
                let _ = fs::remove_file(moved);
            }
        }
        self.clear(&draft)
    }

    fn clear(&self, folder: &Path) -> Result<(), InPlaceError> {
        match fs::remove_dir_all(folder) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(InPlaceError::Io { path: folder.to_path_buf(), source }),
            _ => Ok(()),
        }
    }

    fn sync(&self) -> Result<(), InPlaceError> {
        let wrong = |source| InPlaceError::Io { path: self.sopup.clone(), source };
        rustix::fs::syncfs(File::open(&self.sopup).map_err(wrong)?).map_err(|error| wrong(error.into()))
    }
}

/// The files of a folder whose names end so; none if it cannot be read.
fn files_with(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    files.filter(|path| extensions.iter().any(|one| path.extension().is_some_and(|extension| extension == *one))).collect()
}

/// Where the old value of a ref is kept.
fn backup_of(name: &[u8]) -> Vec<u8> {
    [BACKUP, name.strip_prefix(b"refs/").unwrap_or(name)].concat()
}

/// All refs that change, with a backup of each. Symbolic ones lead on to others.
fn changes(rewritten: &Rewritten) -> Vec<Change> {
    let mut all: BTreeMap<Vec<u8>, Change> = BTreeMap::new();
    let changed = || rewritten.refs.iter().filter(|one| one.symbolic.is_none() && one.is_change());
    for one in changed() {
        let backup = backup_of(&one.old_name);
        all.insert(backup.clone(), Change { name: backup, old: None, new: Some(one.old) });
        all.insert(one.old_name.clone(), Change { name: one.old_name.clone(), old: Some(one.old), new: None });
    }
    for one in changed() {
        let change = all.entry(one.name.clone()).or_insert_with(|| Change { name: one.name.clone(), old: None, new: None });
        change.new = Some(one.new);
    }
    all.into_values().collect()
}

fn write_lists(folder: &Path, rewritten: &Rewritten) -> io::Result<()> {
    let mut replaced = io::BufWriter::new(File::create(folder.join(REPLACED))?);
    for id in &rewritten.replaced {
        writeln!(replaced, "{id}")?;
    }
    replaced.flush()?;
    let created = rewritten.refs.iter().filter(|one| one.symbolic.is_none() && one.name != one.old_name);
    let lines: Vec<u8> = created.flat_map(|one| [&one.name[..], b"\n"].concat()).collect();
    fs::write(folder.join(CREATED), lines)
}

/// A ref below the shared git directory.
fn file_of(git: &GitDir, name: &[u8]) -> PathBuf {
    git.common().join(os(name))
}
