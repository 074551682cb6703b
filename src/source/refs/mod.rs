//! What a git directory holds besides objects: refs, reflogs, linked working trees, and files that
//! can hold a secret like any other. Read without libgit2, so that SHA-256 repositories and hostile
//! configurations make no difference: nothing is executed, links are not followed, and what cannot
//! be read is named. Objects themselves are read by [`crate::source::object`].

mod config;
mod environment;
pub(super) mod files;
mod git_dir;
mod list;
mod person;
mod reflog;
mod reftable;
mod texts;
mod worktrees;

pub use environment::GitVariables;
pub use git_dir::{GitDir, GitDirError, RefStorage};
pub use list::Ref;
pub use person::person_in;
pub use reflog::LogEntry;
pub use texts::{Text, TextKind};
pub use worktrees::Worktree;

use super::object::Skip;

/// What was found, and what could not be read on the way.
#[derive(Debug)]
pub struct Found<T> {
    /// In an order that depends on names alone.
    pub items: Vec<T>,
    /// What was not read.
    pub skipped: Vec<Skip>,
}

impl<T> Default for Found<T> {
    fn default() -> Self {
        Self { items: Vec::new(), skipped: Vec::new() }
    }
}
