//! Writing the changes and taking them back. Both walk the files of a journal, take each file as it is found (old,
//! new, or changed by somebody else) and can be broken off at any point and taken up again.

use std::collections::BTreeSet;
use std::io;
use std::ops::Range;
use std::path::Path;

use rayon::ThreadPoolBuilder;
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use super::change::{Change, Tools};
use super::file::folder_of;
use super::journal::{Journal, JournalError, Payload, State};
use super::store_check::{StoreFault, check};
use crate::file::{Access, Disk, FileError, Held, clear_drafts, create_on, read};

/// Files that are written at a time.
const THREADS: usize = 8;

/// Why files are not all as they should be. What to do next depends on the journal's state.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A folder cannot be made or removed.
    #[error("{path}: {source}")]
    Io {
        /// The folder.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody else changed files.
    #[error("changed by somebody else since, and left alone: {}", .0.join(", "))]
    Moved(Vec<String>),
    /// What refers to a store stays.
    #[error("files that stay as they are may refer to {}", .0.join(", "))]
    Referred(Vec<String>),
    /// A store does not read back.
    #[error("{path}: {source}")]
    Store {
        /// The store.
        path: String,
        /// Why.
        source: Box<StoreFault>,
    },
}

/// Which version of its files a journal goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goal {
    New,
    Old,
}

/// Makes the changes: the journal, then the stores, then the texts. If a file cannot be written, those written before are
/// put back.
///
/// # Errors
/// [`ApplyError`]; the journal's state tells whether something is left to be finished.
pub(super) fn apply(changes: &[Change], top: &Path, git_dir: &Path, tools: Tools<'_>, disk: &dyn Disk) -> Result<Journal, ApplyError> {
    let moved: Vec<String> = changes.iter().filter(|change| !is_as_planned(change, top, disk)).map(|change| change.path.clone()).collect();
    if !moved.is_empty() {
        return Err(ApplyError::Moved(moved));
    }
    clear(changes.iter().map(|change| change.path.as_str()), top, disk)?;
    let (mut journal, payload) = Journal::write(git_dir, changes, new_folders(changes, top), tools, disk)?;
    let result = forward(&mut journal, &payload, Some(changes), top, tools, disk);
    match result {
        Ok(()) => Ok(journal),
        Err(error) => {
            back(&mut journal, &payload, top, disk)?;
            Err(error)
        }
    }
}

fn is_as_planned(change: &Change, top: &Path, disk: &dyn Disk) -> bool {
    read(&top.join(&change.path), disk).is_ok_and(|found| found == change.before)
}

/// Finishes what a journal began: forward if it was being applied, back if it was being undone.
///
/// # Errors
/// [`ApplyError`].
pub fn resume(journal: &mut Journal, top: &Path, tools: Tools<'_>, disk: &dyn Disk) -> Result<(), ApplyError> {
    clear(journal.files().iter().map(|file| file.path.as_str()), top, disk)?;
    let payload = journal.payload(tools, disk)?;
    match journal.state() {
        State::Applying => forward(journal, &payload, None, top, tools, disk),
        State::Undoing => back(journal, &payload, top, disk),
        State::Applied | State::Undone => Ok(()),
    }
}

/// Takes a migration back.
///
/// # Errors
/// [`ApplyError`].
pub fn undo(journal: &mut Journal, top: &Path, tools: Tools<'_>, disk: &dyn Disk) -> Result<(), ApplyError> {
    clear(journal.files().iter().map(|file| file.path.as_str()), top, disk)?;
    let payload = journal.payload(tools, disk)?;
    back(journal, &payload, top, disk)
}

/// Puts some files of a migration back, which stays applied for the rest; how many there were. Stores stay unless all that
/// may refer to them goes back.
///
/// # Errors
/// [`ApplyError`]; files before the one it names are back.
pub fn undo_files(
    journal: &Journal,
    wanted: &dyn Fn(&str) -> bool,
    top: &Path,
    tools: Tools<'_>,
    disk: &dyn Disk,
) -> Result<usize, ApplyError> {
    let chosen: Vec<usize> = (0..journal.files().len()).filter(|index| wanted(&journal.files()[*index].path)).collect();
    clear(chosen.iter().map(|index| journal.files()[*index].path.as_str()), top, disk)?;
    let payload = journal.payload(tools, disk)?;
    let stores: Vec<String> =
        chosen.iter().filter(|index| payload.files()[**index].is_store()).map(|index| journal.files()[*index].path.clone()).collect();
    if !stores.is_empty() {
        return Err(ApplyError::Referred(stores));
    }
    let now = |index: usize| Ok::<_, FileError>(read(&top.join(&journal.files()[index].path), disk)?.map(|bytes| payload.mac(&bytes)));
    let mut moved = Vec::new();
    for &index in &chosen {
        let (file, found) = (&journal.files()[index], now(index)?);
        if found != file.before && found.as_ref() != Some(&file.after) {
            moved.push(file.path.clone());
        }
    }
    if !moved.is_empty() {
        return Err(ApplyError::Moved(moved));
    }
    chosen.iter().rev().try_for_each(|index| replace(journal, &payload, *index, Goal::Old, top, disk))?;
    Ok(chosen.len())
}

fn forward(
    journal: &mut Journal,
    payload: &Payload,
    changes: Option<&[Change]>,
    top: &Path,
    tools: Tools<'_>,
    disk: &dyn Disk,
) -> Result<(), ApplyError> {
    unmoved(journal, payload, top, disk)?;
    for folder in journal.folders() {
        disk.make_folder(&top.join(folder), Access::KeptOrShared).map_err(at(folder))?;
    }
    let one = |index: usize| {
        let path = &journal.files()[index].path;
        replace(journal, payload, index, Goal::New, top, disk)?;
        let Some(expected) = changes.and_then(|changes| changes[index].expected.as_ref()) else { return Ok(()) };
        let bytes = read(&top.join(path), disk)?.unwrap_or_default();
        check(path, &bytes, expected, tools.keyring).map_err(|source| ApplyError::Store { path: path.clone(), source: Box::new(source) })
    };
    let all = journal.files().len();
    match changes {
        // All stores are there and can be opened before the first text refers to one.
        Some(changes) => {
            let stores = changes.iter().take_while(|change| change.expected.is_some()).count();
            each(0..stores, one)?;
            each(stores..all, one)?;
        }
        None => (0..all).try_for_each(one)?,
    }
    Ok(journal.advance(State::Applied, disk)?)
}

/// Does something with several files at a time: most of it is waiting for the disk. Of several errors, the first file's.
fn each(files: Range<usize>, one: impl Fn(usize) -> Result<(), ApplyError> + Sync) -> Result<(), ApplyError> {
    match ThreadPoolBuilder::new().num_threads(THREADS).build() {
        Ok(pool) => pool.install(|| files.into_par_iter().find_map_first(|file| one(file).err())).map_or(Ok(()), Err),
        // Alone it takes longer.
        Err(_) => files.into_iter().try_for_each(one),
    }
}

fn back(journal: &mut Journal, payload: &Payload, top: &Path, disk: &dyn Disk) -> Result<(), ApplyError> {
    unmoved(journal, payload, top, disk)?;
    journal.advance(State::Undoing, disk)?;
    for index in (0..journal.files().len()).rev() {
        replace(journal, payload, index, Goal::Old, top, disk)?;
    }
    for folder in journal.folders().iter().rev() {
        disk.remove_folder(&top.join(folder)).map_err(at(folder))?;
    }
    Ok(journal.advance(State::Undone, disk)?)
}

/// Every file must be old or new: anything else is somebody's work.
fn unmoved(journal: &Journal, payload: &Payload, top: &Path, disk: &dyn Disk) -> Result<(), ApplyError> {
    let mut moved = Vec::new();
    for file in journal.files() {
        let found = read(&top.join(&file.path), disk)?.map(|bytes| payload.mac(&bytes));
        if found != file.before && found.as_ref() != Some(&file.after) {
            moved.push(file.path.clone());
        }
    }
    if moved.is_empty() { Ok(()) } else { Err(ApplyError::Moved(moved)) }
}

/// Removes what an interrupted run left beside the files.
fn clear<'p>(paths: impl Iterator<Item = &'p str>, top: &Path, disk: &dyn Disk) -> Result<(), FileError> {
    let folders: BTreeSet<&str> = paths.map(folder_of).collect();
    folders.into_iter().try_for_each(|folder| clear_drafts(&top.join(folder), disk))
}

/// Puts one version of a file in its place, if it is not there.
fn replace(journal: &Journal, payload: &Payload, index: usize, goal: Goal, top: &Path, disk: &dyn Disk) -> Result<(), ApplyError> {
    let (file, versions) = (&journal.files()[index], &payload.files()[index]);
    let target = top.join(&file.path);
    let (wanted, bytes) = match goal {
        Goal::New => (Some(&file.after), Some(&versions.after)),
        Goal::Old => (file.before.as_ref(), versions.before.as_ref()),
    };
    let Some(mut held) = Held::take_if_there(&target, disk)? else {
        return bytes.map_or(Ok(()), |bytes| Ok(create_on(&target, bytes, Access::KeptOrShared, disk)?));
    };
    let found = Some(payload.mac(&held.read(u64::MAX)?));
    if found.as_ref() == wanted {
        return Ok(held.sync()?);
    }
    if found != file.before && found.as_ref() != Some(&file.after) {
        return Err(ApplyError::Moved(vec![file.path.clone()]));
    }
    match (bytes, goal) {
        (None, _) => held.remove()?,
        // What is replaced holds secrets.
        (Some(bytes), Goal::New) => held.replace_plain_text(bytes, Access::KeptOrShared)?,
        (Some(bytes), Goal::Old) => held.replace(bytes, Access::KeptOrShared)?,
    }
    Ok(())
}

/// Folders that new files need, outermost first.
fn new_folders(changes: &[Change], top: &Path) -> Vec<String> {
    let mut folders = Vec::new();
    for change in changes {
        let mut missing = Vec::new();
        let mut folder = folder_of(&change.path).trim_end_matches('/');
        while !folder.is_empty() && std::fs::symlink_metadata(top.join(folder)).is_err() {
            missing.push(folder.to_owned());
            folder = folder_of(folder).trim_end_matches('/');
        }
        for folder in missing.into_iter().rev() {
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
    }
    folders
}

fn at(path: &str) -> impl Fn(io::Error) -> ApplyError + use<> {
    let path = path.to_owned();
    move |source| ApplyError::Io { path: path.clone(), source }
}
