//! Where a scan's texts come from.

use std::path::{Path, PathBuf};

use super::{Added, History, Memory, Parts};
use crate::source::object::Limits;
use crate::source::refs::GitDir;
use crate::source::{Respect, Walk};

/// Where texts come from.
pub enum Scope {
    /// Files below folders, and single files.
    Worktree(Vec<Walk>),
    /// All that a repository stores, and the files of its working tree.
    Repository {
        /// Files below the top of the working tree, if they are scanned too.
        files: Option<Walk>,
        /// The rest.
        history: History,
        /// Those inside it.
        submodules: Submodules,
    },
    /// What some commits add.
    Added(Added),
    /// What the next commit of a repository adds.
    Staged {
        /// The repository.
        git: GitDir,
        /// What reading may cost.
        limits: Limits,
    },
    /// Standard input, with the name it should have.
    Stdin {
        /// Decides how the text is read; may be empty.
        name: String,
    },
    /// A text that is no file, such as the message of a commit that is being made.
    Text {
        /// What it is called.
        name: String,
        /// What it is.
        bytes: Vec<u8>,
    },
}

/// Whether the repositories of submodules are scanned as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Submodules {
    /// They are.
    Scanned,
    /// They are not.
    Not,
}

impl Scope {
    /// Whether it is all that a repository has: what is not met here is nowhere.
    pub(super) fn is_everything(&self) -> bool {
        matches!(self, Self::Repository { files, history, .. } if files.is_some() || history.git.work_tree().is_none())
    }

    /// Files below a root, by the usual rules.
    pub fn worktree(root: PathBuf, respect_gitignore: Respect, threads: usize) -> Self {
        Self::Worktree(vec![Walk { root, named: String::new(), respect_gitignore, threads }])
    }

    /// A repository with its working tree, if it has one and `files` says so.
    pub fn repository(git: GitDir, limits: Limits, memory: Option<Memory>, files: Option<Respect>, submodules: Submodules) -> Self {
        let threads = limits.threads.get();
        let top = git.work_tree().map(Path::to_path_buf);
        let files = files.zip(top).map(|(respect_gitignore, root)| Walk { root, named: String::new(), respect_gitignore, threads });
        Self::Repository { files, history: History { git, limits, memory, parts: None }, submodules }
    }

    /// A history that was searched in shares.
    pub fn searched(git: GitDir, limits: Limits, parts: Parts) -> Self {
        let history = History { git, limits, memory: None, parts: Some(parts) };
        Self::Repository { files: None, history, submodules: Submodules::Not }
    }
}
