//! What must hold before a file is changed. Everything that does not is named at once, and nothing is changed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::change::Change;
use super::file::folder_of;
use super::repo::Repo;

/// Why a migration is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Something else is going on in the repository.
    #[error("the repository is in the middle of {0}; finish or abort it first")]
    Operation(&'static str),
    /// Another git command holds the index.
    #[error("the index is locked; wait for the other git command to end, or remove .git/index.lock if there is none")]
    IndexLocked,
    /// The file differs from what is committed.
    #[error("{0} has changes that are not committed; commit or stash them first")]
    Dirty(String),
    /// The file is a symbolic link, or below one.
    #[error("{0} is a symbolic link, or below one; move what it points at by hand")]
    Link(String),
    /// The file has another name.
    #[error("{path} has {links} names (hard links); the secret would stay under the others")]
    HardLink {
        /// The file.
        path: String,
        /// How many names it has.
        links: u64,
    },
    /// Git would not add the store.
    #[error("{0} would be ignored by git and so be lost; change .gitignore, or name another store")]
    Ignored(String),
    /// The file cannot be replaced.
    #[error("{path} cannot be replaced: {reason}")]
    Unwritable {
        /// The file.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// A commit would take more along than the migration.
    #[error("something is staged already; commit it first, or leave out --commit")]
    Staged,
    /// A commit would need the filter, which is a program that the repository names.
    #[error("{0} passes a filter of .gitattributes, which sopup does not run; leave out --commit and commit with git")]
    Filtered(String),
    /// Nobody is known to have made the commit.
    #[error("git does not know who you are: set user.name and user.email, or leave out --commit")]
    Nobody,
    /// It is not a file.
    #[error("{0} is not a regular file")]
    NotAFile(String),
}

/// All reasons not to make these changes. Files that `is_own` knows are as an earlier migration left them; they may differ
/// from what is committed.
pub(super) fn refusals(changes: &[Change], repo: &Repo, is_own: &dyn Fn(&str) -> bool) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    refusals.extend(repo.operation().map(Refusal::Operation));
    if fs::symlink_metadata(repo.git_dir.join("index.lock")).is_ok() {
        refusals.push(Refusal::IndexLocked);
    }
    let mut dirty = repo.dirty(changes.iter().map(|change| change.path.as_str()));
    dirty.retain(|path| !is_own(path));
    for change in changes {
        refusals.extend(of_file(&change.path, repo, &dirty));
    }
    refusals.extend(ignored_stores(changes, repo).map(|path| Refusal::Ignored(path.to_owned())));
    refusals
}

/// New SOPS files that git would ignore.
pub(super) fn ignored_stores<'c>(changes: &'c [Change], repo: &'c Repo) -> impl Iterator<Item = &'c str> {
    let unignored = changes.iter().any(|change| change.path.ends_with(".gitignore"));
    let new = changes.iter().filter(move |change| !unignored && change.expected.is_some() && change.before.is_none());
    new.map(|change| change.path.as_str()).filter(|path| repo.is_ignored(path))
}

/// All reasons not to commit these changes.
pub(super) fn commit_refusals(changes: &[Change], repo: &Repo) -> Vec<Refusal> {
    let filtered = changes.iter().filter(|change| repo.is_filtered(&change.path)).map(|change| Refusal::Filtered(change.path.clone()));
    let staged = repo.has_staged().then_some(Refusal::Staged);
    let nobody = (!repo.has_committer()).then_some(Refusal::Nobody);
    staged.into_iter().chain(nobody).chain(filtered).collect()
}

fn of_file(path: &str, repo: &Repo, dirty: &BTreeSet<String>) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let place = repo.locate(path);
    let mut folder = folder_of(path).trim_end_matches('/');
    while !folder.is_empty() {
        if fs::symlink_metadata(repo.locate(folder)).is_ok_and(|metadata| metadata.is_symlink()) {
            return vec![Refusal::Link(path.to_owned())];
        }
        folder = folder_of(folder).trim_end_matches('/');
    }
    if let Ok(metadata) = fs::symlink_metadata(&place) {
        if metadata.is_symlink() {
            return vec![Refusal::Link(path.to_owned())];
        }
        if !metadata.is_file() {
            return vec![Refusal::NotAFile(path.to_owned())];
        }
        #[cfg(unix)]
        {
            let links = std::os::unix::fs::MetadataExt::nlink(&metadata);
            if links > 1 {
                refusals.push(Refusal::HardLink { path: path.to_owned(), links });
            }
        }
        if dirty.contains(path) {
            refusals.push(Refusal::Dirty(path.to_owned()));
        }
        if let Err(error) = fs::File::options().append(true).open(&place) {
            refusals.push(Refusal::Unwritable { path: path.to_owned(), reason: error.to_string() });
        }
    }
    refusals.extend(unwritable_folder(path, &place));
    refusals
}

/// Whether no draft can be made beside the file.
fn unwritable_folder(path: &str, place: &Path) -> Option<Refusal> {
    let folder = place.ancestors().skip(1).find(|folder| folder.is_dir())?;
    #[cfg(unix)]
    let denied = rustix::fs::access(folder, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK).err().map(std::io::Error::from);
    #[cfg(not(unix))]
    let denied = fs::metadata(folder).err();
    denied.map(|error| Refusal::Unwritable { path: path.to_owned(), reason: error.to_string() })
}
