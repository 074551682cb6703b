//! What a commit would add: the files of the index that HEAD has not, read from the object database
//! and not from the disk, and which of their lines are new.
//!
//! The index is made into the trees that a commit of it would have; comparing them with those of
//! HEAD is then the same as for any commit (`range`).

mod file;
mod split;
mod trees;

pub use file::{EntryState, IndexEntry, read_index};

use std::collections::BTreeSet;

use super::added::added_lines;
use super::object::{Limits, Object, ObjectId, ObjectKind, ObjectStore, OpenError, ReadError};
use super::range::{Changed, TreeError, compare, tree_of};
use super::refs::GitDir;
use super::{Skip, SkipReason};

/// A path that a commit would add or change.
#[derive(Debug)]
pub struct Staged {
    /// Relative to the top of the working tree; bytes that are not UTF-8 are replaced.
    pub path: String,
    /// Whether no parent has the path.
    pub is_new: bool,
    /// Its content; `None` for a submodule, and if it only moved.
    pub content: Option<Vec<u8>>,
    parents: Vec<Vec<u8>>,
}

/// What a commit of an index would add.
#[derive(Debug, Default)]
pub struct StagedFiles {
    /// By path.
    pub files: Vec<Staged>,
    /// What could not be read or compared.
    pub skipped: Vec<Skip>,
}

/// The files that the index adds to or changes from HEAD. During a merge a file counts only if it
/// differs from every parent: what comes with a branch was committed there.
///
/// # Errors
/// When there are no objects to be read.
pub fn staged(git: &GitDir, limits: &Limits) -> Result<StagedFiles, OpenError> {
    let store = git.open_objects(limits.clone())?;
    let mut skipped: BTreeSet<Skip> = git.skipped().iter().map(Skip::from).collect();
    let entries =
        git.staged_index().map_err(|skip| Skip::from(&skip)).and_then(|file| read_index(&file, git.hash())).unwrap_or_else(|skip| {
            skipped.insert(skip);
            Vec::new()
        });
    let trees = trees::of(git.hash(), entries);
    let read = |id: &ObjectId| match trees.get(id) {
        Some(bytes) => Ok(Object { kind: ObjectKind::Tree, bytes: bytes.to_vec() }),
        None => store.read(id),
    };
    let mut parents = Vec::new();
    for tip in tips(git, &mut skipped) {
        match tree_of(&read, git.hash(), &tip) {
            Ok(tree) => parents.push(tree),
            Err(error) => _ = skipped.insert(unread(error)),
        }
    }
    let mut changed = Vec::new();
    let errors = compare(git.hash(), &read, (trees.top(), &parents), &mut |one| changed.push(one));
    skipped.extend(errors.into_iter().map(|error| match error {
        TreeError::Read(error) => unread(error),
        TreeError::Damaged(id) => unreadable(id, "not a tree"),
        TreeError::TooLarge(id) => unreadable(id, "a tree too deep or too large"),
    }));
    let mut files = Vec::new();
    for one in changed {
        match file(&store, &one) {
            Ok(file) => files.push(file),
            Err(skip) => _ = skipped.insert(skip),
        }
    }
    // What could not be opened matters only if something was not found.
    if !skipped.is_empty() {
        skipped.extend(store.skipped().iter().map(Skip::from));
    }
    Ok(StagedFiles { files, skipped: skipped.into_iter().collect() })
}

/// HEAD, and during a merge what is merged into it.
fn tips(git: &GitDir, skipped: &mut BTreeSet<Skip>) -> Vec<ObjectId> {
    let mut tips = Vec::new();
    for found in [git.head().map(|head| head.into_iter().collect()), git.merge_heads()] {
        match found {
            Ok(ids) => tips.extend(ids),
            Err(skip) => _ = skipped.insert(Skip::from(&skip)),
        }
    }
    tips
}

fn file(store: &ObjectStore, change: &Changed) -> Result<Staged, Skip> {
    let path = String::from_utf8_lossy(&change.path).into_owned();
    let content = match change.blob.map(|id| store.read(&id)).transpose() {
        Ok(object) => object.map(|object| object.bytes),
        Err(error) => return Err(Skip { what: path, ..unread(error) }),
    };
    let parents = change.old.iter().filter_map(|id| store.read(id).ok()).map(|object| object.bytes).collect();
    Ok(Staged { path, is_new: change.old.is_empty(), content, parents })
}

fn unread(error: ReadError) -> Skip {
    match error {
        ReadError::Missing(id) => Skip { what: format!("object {id}"), reason: SkipReason::Missing },
        ReadError::Unreadable { id, source } => unreadable(id, &source.to_string()),
    }
}

fn unreadable(id: ObjectId, why: &str) -> Skip {
    Skip { what: format!("object {id}"), reason: SkipReason::Unreadable(why.to_owned()) }
}

impl Staged {
    /// The lines (from 1) that the commit adds, as a test for a range of lines. Without a parent
    /// that has the file, all of them.
    pub fn added_lines(&self) -> impl Fn(usize, usize) -> bool + use<> {
        added_lines(&self.parents, self.content.as_deref().unwrap_or_default())
    }
}
