//! Files as commits have them.

use std::path::Path;

use super::environment::git_dir;
use super::error::CliError;
use crate::scan::ScanError;
use crate::source::object::{Limits, ObjectId, ObjectStore};
use crate::source::range::{Ask, Commits, Ranges};
use crate::source::refs::GitDir;

/// The commits of a repository.
pub(super) struct Versions {
    pub(super) git: GitDir,
    limits: Limits,
    store: ObjectStore,
}

impl Versions {
    /// Of the repository that holds a folder.
    pub(super) fn open(folder: &Path) -> Result<Self, CliError> {
        let (git, limits) = (git_dir(folder)?, Limits::default());
        let store = git.open_objects(limits.clone()).map_err(ScanError::from)?;
        Ok(Self { git, limits, store })
    }

    /// A file, by its path from the top, as a commit has it; `None` if that has none.
    pub(super) fn file(&self, commit: &str, path: &str) -> Result<Option<Vec<u8>>, CliError> {
        let read = |id: &ObjectId| self.store.read(id);
        let ranges = Ranges { git: &self.git, read: &read, threads: self.limits.threads };
        let ask = Ask { commits: Commits::Range(commit), since: None, max_depth: None };
        let range =
            ranges.resolve(&ask, 0).map_err(|source| ScanError::Range { hint: source.hint(&self.git), source: Box::new(source) })?;
        Ok(match (&range.include[..], &range.exclude[..]) {
            ([id], []) => ranges.content(id, path.as_bytes()),
            _ => None,
        })
    }
}
