//! What a commit would add: the blobs of the index that differ from HEAD, read from the object
//! database and not from the disk, and which of their lines are new.

use git2::{Delta, DiffFindOptions, DiffOptions, Oid};

use super::Repository;
use super::added::added_lines;

/// A staged file.
pub struct Staged {
    /// Relative to the top of the working tree.
    pub path: String,
    /// Its content, or why it cannot be read.
    pub content: Result<Vec<u8>, String>,
    parents: Vec<Option<Vec<u8>>>,
}

/// Why the index cannot be compared.
#[derive(Debug, thiserror::Error)]
#[error("cannot compare the index with HEAD: {0}")]
pub struct IndexError(String);

impl From<git2::Error> for IndexError {
    fn from(error: git2::Error) -> Self {
        Self(error.message().to_owned())
    }
}

/// The files that the index adds to or changes from HEAD. During a merge a file counts only if it
/// differs from every parent: what comes with a branch was committed there.
pub fn staged(repository: &Repository) -> Result<Vec<Staged>, IndexError> {
    let git = &repository.git;
    let mut parents = Vec::new();
    if let Ok(head) = git.head() {
        parents.push(head.peel_to_tree()?);
    }
    for other in merge_heads(git) {
        parents.push(git.find_commit(other)?.tree()?);
    }
    let mut changed = changes(git, parents.first())?;
    for parent in parents.iter().skip(1) {
        let against = changes(git, Some(parent))?;
        changed.retain_mut(|change| match against.iter().find(|other| other.path == change.path) {
            Some(other) => {
                change.old.extend(&other.old);
                true
            }
            None => false,
        });
    }
    let read = |id: Oid| git.find_blob(id).map(|blob| blob.content().to_vec());
    let file = |change: Change| Staged {
        path: String::from_utf8_lossy(&change.path).into_owned(),
        content: read(change.new).map_err(|error| error.message().to_owned()),
        parents: change.old.into_iter().map(|old| old.and_then(|id| read(id).ok())).collect(),
    };
    Ok(changed.into_iter().map(file).collect())
}

struct Change {
    path: Vec<u8>,
    new: Oid,
    /// The blob in each parent; `None` where the file is new.
    old: Vec<Option<Oid>>,
}

fn changes(git: &git2::Repository, parent: Option<&git2::Tree<'_>>) -> Result<Vec<Change>, IndexError> {
    let mut options = DiffOptions::new();
    options.ignore_submodules(true).include_typechange(true).force_text(true);
    let mut diff = git.diff_tree_to_index(parent, None, Some(&mut options))?;
    if diff.deltas().any(|delta| delta.status() == Delta::Deleted) {
        // A file that only moved adds no line.
        diff.find_similar(Some(DiffFindOptions::new().renames(true).exact_match_only(true)))?;
    }
    let deltas = diff
        .deltas()
        .filter(|delta| matches!(delta.status(), Delta::Added | Delta::Modified | Delta::Typechange | Delta::Renamed | Delta::Copied));
    Ok(deltas
        .filter(|delta| delta.new_file().mode() != git2::FileMode::Commit)
        .filter_map(|delta| {
            let file = delta.new_file();
            let old = Some(delta.old_file().id()).filter(|id| !id.is_zero());
            Some(Change { path: file.path_bytes()?.to_vec(), new: file.id(), old: vec![old] })
        })
        .collect())
}

fn merge_heads(git: &git2::Repository) -> Vec<Oid> {
    let text = std::fs::read_to_string(git.path().join("MERGE_HEAD")).unwrap_or_default();
    text.lines().filter_map(|line| Oid::from_str(line.trim()).ok()).collect()
}

impl Staged {
    /// The lines (from 1) that the commit adds, as a test for a range of lines. Without a parent
    /// that has the file, all of them.
    pub fn added_lines(&self) -> impl Fn(usize, usize) -> bool + use<'_> {
        let content = self.content.as_deref().unwrap_or_default();
        let old: Vec<&Vec<u8>> = self.parents.iter().flatten().collect();
        added_lines(&old, content)
    }
}
