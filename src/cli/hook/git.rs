//! What git itself says about hooks: its configuration may come from anywhere, and git alone reads it completely.

use std::path::{Path, PathBuf};

use super::manager::Manager;
use crate::cli::environment::git_dir;
use crate::cli::error::CliError;
use crate::cli::git;

/// A repository, and where its hooks are.
#[derive(Debug)]
pub(super) struct Place {
    /// The top of the working tree; `None` in a bare repository.
    pub(super) top: Option<PathBuf>,
    /// The git directory that all working trees share.
    common: PathBuf,
    /// The folder in which git looks for hooks.
    pub(super) hooks: PathBuf,
}

impl Place {
    /// The repository that holds a folder.
    ///
    /// # Errors
    /// If there is none, or git does not say where its hooks are.
    pub(super) fn of(folder: &Path) -> Result<Self, CliError> {
        let git = git_dir(folder)?;
        let from = git.work_tree().unwrap_or(git.path());
        let hooks = ask(from, &["rev-parse", "--git-path", "hooks"])?.ok_or_else(|| {
            CliError::new(
                "git does not say where its hooks are",
                "`git rev-parse --git-path hooks` has to work here; git may want `safe.directory`",
            )
        })?;
        Ok(Self { top: git.work_tree().map(Path::to_path_buf), common: git.common().to_path_buf(), hooks: from.join(hooks) })
    }

    /// The repository's own folder of hooks, if git looks in another one.
    pub(super) fn passed_over(&self) -> Option<PathBuf> {
        let own = self.common.join("hooks");
        let real = own.canonicalize().ok()?;
        (self.hooks.canonicalize().ok() != Some(real)).then_some(own)
    }

    /// Whether a folder belongs to this repository alone.
    pub(super) fn is_inside(&self, folder: &Path) -> bool {
        // The folder may not be there yet; what is there of it tells.
        let real = folder.ancestors().find_map(|part| part.canonicalize().ok());
        let above = [Some(&self.common), self.top.as_ref()].into_iter().flatten().filter_map(|path| path.canonicalize().ok());
        real.is_some_and(|real| above.into_iter().any(|above| real.starts_with(above)))
    }

    /// What else runs the hooks.
    pub(super) fn manager(&self) -> Option<Manager> {
        Manager::of(self.top.as_deref()?, &self.hooks)
    }
}

/// What git prints, without the line end; `None` if it fails. Nothing that the repository names is executed by this.
///
/// # Errors
/// If git cannot be started.
pub(super) fn ask(folder: &Path, arguments: &[&str]) -> Result<Option<String>, CliError> {
    let text = git::ask(folder, arguments, b"")?.and_then(|bytes| String::from_utf8(bytes).ok());
    Ok(text.map(|text| text.strip_suffix('\n').unwrap_or(&text).to_owned()))
}
