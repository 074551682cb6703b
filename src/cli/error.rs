//! Errors as a person reads them: what happened, why, and what to try.

use std::error::Error;
use std::fmt;

use super::Exit;
use crate::config::ConfigError;
use crate::file::FileError;
use crate::migrate::RepoError;
use crate::rule::{LoadError, PrefilterError};
use crate::scan::{PartsError, ScanError};
use crate::source::RepositoryError;
use crate::source::refs::GitDirError;

/// Ends a command.
#[derive(Debug)]
pub(super) struct CliError {
    message: String,
    hint: Option<String>,
    exit: Exit,
}

impl CliError {
    pub(super) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()), exit: Exit::Usage }
    }

    /// The same error with another exit code.
    pub(super) fn exiting(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }

    /// The same, about one of several files.
    pub(super) fn about(self, path: &std::path::Path) -> Self {
        self.of(&path.display().to_string())
    }

    /// The same with another advice.
    pub(super) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    pub(super) fn exit(&self) -> Exit {
        self.exit
    }

    /// The same, about one of several things.
    pub(super) fn of(self, what: &str) -> Self {
        Self { message: format!("{what}: {}", self.message), ..self }
    }

    /// Both of two errors.
    pub(super) fn and(self, other: Self) -> Self {
        let hints = [self.hint, other.hint].into_iter().flatten().collect::<Vec<_>>();
        Self { message: format!("{}\n{}", self.message, other.message), hint: Some(hints.join("\n")), exit: self.exit }
    }

    pub(super) fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    fn from_error(error: &dyn Error, hint: impl Into<String>) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let cause_says = cause.to_string();
            // Some errors quote their cause.
            if !message.ends_with(&cause_says) {
                message = format!("{message}: {cause_says}");
            }
            source = cause.source();
        }
        Self::new(message, hint)
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<FileError> for CliError {
    fn from(error: FileError) -> Self {
        let hint = match &error {
            FileError::Io { .. } => "name a file that you can read, in a folder that you can write to",
            FileError::NotAFile(_) => "name a regular file",
            FileError::Link(_) => "name the file that it leads to",
            FileError::Left { .. } => "remove that file by hand",
            FileError::Unsynced { .. } => "look at the file, and at the disk",
            FileError::HardLinks { .. } => "copy the file to a new name and change the copy, or remove the other names",
            FileError::Busy(_) => "wait until that one has ended and try again",
            FileError::Changed(_) => "nothing was written; look at the file and try again",
            FileError::Exists(_) => "choose another name, or remove the file",
            FileError::Attributes { .. } => "nothing was written; let the owner of the file do this",
            FileError::TooLarge { .. } => "split the file",
        };
        // `FileError` tells its cause itself.
        Self::new(error.to_string(), hint)
    }
}

impl From<RepositoryError> for CliError {
    fn from(error: RepositoryError) -> Self {
        let hint = match &error {
            RepositoryError::NotFound(_) => "run it inside a repository, or scan files with `sopup scan PATH`",
            RepositoryError::Includes(_) => "move the settings into it, or take out `include.path` for as long as sopup runs",
            RepositoryError::Open { .. } => {
                "`git fsck` tells whether the repository is sound; plain files can still be scanned with `sopup scan --worktree PATH`"
            }
        };
        Self::from_error(&error, hint)
    }
}

impl From<RepoError> for CliError {
    fn from(error: RepoError) -> Self {
        match error {
            RepoError::Repository(error @ (RepositoryError::Includes(_) | RepositoryError::Open { .. })) => error.into(),
            RepoError::Git { .. } => Self::from_error(&error, "`git fsck` tells whether the repository is sound"),
            RepoError::Bare(_) | RepoError::Repository(_) => Self::from_error(&error, "run it inside a git repository with a working tree"),
        }
    }
}

impl From<GitDirError> for CliError {
    fn from(error: GitDirError) -> Self {
        let hint = match &error {
            GitDirError::NotFound(_) => "run it inside a repository, or scan files with `sopup scan PATH`",
            GitDirError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => "name a folder that exists",
            GitDirError::NotAGitDir(_) | GitDirError::Unclear(_) | GitDirError::Io { .. } | GitDirError::Skip(_) => {
                "`git fsck` tells whether the repository is sound; plain files can still be scanned with `sopup scan --worktree --no-ignore PATH`"
            }
            GitDirError::OneSided { .. } => "plain files can still be scanned with `sopup scan --worktree --no-ignore PATH`",
        };
        // `GitDirError` tells its cause itself.
        Self::new(error.to_string(), hint)
    }
}

impl From<ScanError> for CliError {
    fn from(error: ScanError) -> Self {
        let hint = match &error {
            // `ScanError::Range` tells its cause itself.
            ScanError::Range { hint, .. } => return Self::new(error.to_string(), hint),
            ScanError::Parts(PartsError::Repository) => {
                "search all shares again, or give `--repository` the clone that they were searched in"
            }
            ScanError::Parts(_) => "search all shares again with the same options, rules and version",
            ScanError::NoHistory => "run it in a repository, with `--history`",
            ScanError::Objects(_) => "`git fsck` tells whether the repository is sound; `sopup scan --worktree` scans the files themselves",
        };
        Self::from_error(&error, hint)
    }
}

impl From<LoadError> for CliError {
    fn from(error: LoadError) -> Self {
        let hint = match &error {
            LoadError::Io { .. } | LoadError::Empty(_) => {
                "`--rules` takes a folder of rule files in the syntax of docs/src/writing-rules.md of sopup"
            }
            LoadError::Rule { .. } => "correct that line; `sopup rules check --rules DIR` proves a whole folder of rules",
        };
        Self::from_error(&error, hint)
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::NoKey(_) => Self::from_error(
                &error,
                format!(
                    "add `fingerprint_key: {}` to it (made for you just now), scan again and copy the fingerprints of that report",
                    super::environment::new_key()
                ),
            ),
            ConfigError::Gitleaks { .. } => Self::from_error(&error, "correct that line, or do not name the file with `gitleaks_config`"),
            ConfigError::Io { .. } => Self::from_error(&error, "name a readable file with `--config`, or leave the option out"),
            _ => Self::from_error(
                &error,
                "`sopup config check` lists all that is wrong; docs/src/configuration.md of sopup lists the keys of .sopup.yaml",
            ),
        }
    }
}

impl From<PrefilterError> for CliError {
    fn from(error: PrefilterError) -> Self {
        Self::from_error(&error, "use fewer or shorter keywords in your own rules")
    }
}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        Self::from_error(&error, "the report could not be written; is the disk full, or the pipe closed?")
    }
}
