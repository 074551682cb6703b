//! A git repository opened for reading: nothing that its configuration names is executed, and who
//! owns it does not matter. libgit2 would follow the configuration and lists of other object
//! directories anywhere, and wait for pipes: a repository with such things is refused.

use std::path::{Path, PathBuf};
use std::sync::Once;

use super::refs::{GitDir, GitDirError};

/// A repository.
pub struct Repository {
    pub(super) git: git2::Repository,
}

/// Why there is no repository to read.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// Neither the folder nor one above it holds a repository.
    #[error("{0} is not inside a git repository")]
    NotFound(PathBuf),
    /// Its configuration leads to other files, which libgit2 would read.
    #[error("{} includes other files, which sopup does not follow", .0.display())]
    Includes(PathBuf),
    /// There is one that cannot be opened.
    #[error("cannot open the git repository at {path}: {message}")]
    Open {
        /// Where.
        path: PathBuf,
        /// What libgit2 said.
        message: String,
    },
}

impl Repository {
    /// Opens the repository that holds `path`.
    pub fn discover(path: &Path) -> Result<Self, RepositoryError> {
        trust_any_owner();
        let wrong = |message: String| RepositoryError::Open { path: path.to_path_buf(), message };
        let found = match GitDir::discover(path) {
            Ok(git) => git,
            Err(GitDirError::NotFound(_)) => return Err(RepositoryError::NotFound(path.to_path_buf())),
            Err(error) => return Err(wrong(error.to_string())),
        };
        if let Some(file) = found.includes().map_err(|skip| wrong(skip.to_string()))? {
            return Err(RepositoryError::Includes(file));
        }
        found.safe_for_libgit2().map_err(|skip| wrong(skip.to_string()))?;
        match git2::Repository::open_ext(path, git2::RepositoryOpenFlags::empty(), std::iter::empty::<&Path>()) {
            Ok(git) => Ok(Self { git }),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Err(RepositoryError::NotFound(path.to_path_buf())),
            Err(error) => Err(wrong(error.message().to_owned())),
        }
    }

    /// The repository as libgit2 has it.
    pub fn into_libgit2(self) -> git2::Repository {
        self.git
    }

    /// The top of its working tree; `None` if it is bare.
    pub fn workdir(&self) -> Option<&Path> {
        self.git.workdir()
    }

    /// The commit that HEAD points at, in hexadecimal; `None` before the first commit.
    pub fn head(&self) -> Option<String> {
        self.git.head().ok()?.target().map(|id| id.to_string())
    }
}

/// A repository owned by somebody else is as safe to read as any: sopup runs nothing in it.
fn trust_any_owner() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        #[expect(unsafe_code, reason = "libgit2 keeps this option in a global; it is set once, before any repository is opened")]
        // SAFETY: `Once` keeps this from running twice at a time, and no repository is open yet.
        let set = unsafe { git2::opts::set_verify_owner_validation(false) };
        debug_assert!(set.is_ok(), "libgit2 knows this option");
    });
}
