//! git as a purge runs it: without anybody's configuration but the repository's, and without anything that one names to
//! be executed: no hooks, no filters, no monitor of files.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// git could not be started, or failed.
#[derive(Debug, thiserror::Error)]
#[error("`git {command}` failed: {message}")]
pub struct GitError {
    /// What it was to do.
    pub command: &'static str,
    /// What it said.
    pub message: String,
}

/// git on one repository.
pub(super) struct Git<'a> {
    dir: &'a Path,
    tree: Option<&'a Path>,
    /// Settings that take the place of those of the repository.
    settings: Vec<(String, &'static str)>,
}

impl<'a> Git<'a> {
    /// On a git directory.
    pub(super) fn at(dir: &'a Path) -> Self {
        let settings = [("core.fsmonitor", "false"), ("core.hooksPath", "/dev/null"), ("gc.auto", "0"), ("maintenance.auto", "false")];
        Self { dir, tree: None, settings: settings.map(|(name, value)| (name.to_owned(), value)).into() }
    }

    /// On a git directory and its working tree, without the filters that its configuration names.
    pub(super) fn with_tree(dir: &'a Path, tree: &'a Path) -> Result<Self, GitError> {
        let mut git = Self::at(dir);
        for name in git.settings_like(r"^filter\..*\.(clean|smudge|process|required)$")? {
            let value = if name.ends_with(".required") { "false" } else { "" };
            git.settings.push((name, value));
        }
        Ok(Self { tree: Some(tree), ..git })
    }

    /// With another setting.
    pub(super) fn set(mut self, name: &str, value: &'static str) -> Self {
        self.settings.push((name.to_owned(), value));
        self
    }

    /// The names of settings that match an expression.
    pub(super) fn settings_like(&self, expression: &str) -> Result<Vec<String>, GitError> {
        let args = ["--includes", "--name-only", "-z", "--get-regexp", expression];
        // It fails if there is none.
        let names = self.output("config", &args, b"")?.unwrap_or_default();
        Ok(names.split(|&byte| byte == 0).filter(|name| !name.is_empty()).map(|name| String::from_utf8_lossy(name).into_owned()).collect())
    }

    /// What it prints.
    pub(super) fn run(&self, command: &'static str, args: &[&str], input: &[u8]) -> Result<Vec<u8>, GitError> {
        self.output(command, args, input)?.map_err(|message| GitError { command, message })
    }

    /// What it prints, or what it says if it fails.
    pub(super) fn output(&self, command: &'static str, args: &[&str], input: &[u8]) -> Result<Result<Vec<u8>, String>, GitError> {
        let cannot = |error: std::io::Error| GitError { command, message: format!("it cannot be started: {error}") };
        let mut child = self.command(command, args).spawn().map_err(cannot)?;
        let mut to = child.stdin.take();
        let output = std::thread::scope(|scope| {
            // git may print before it has read everything, and end before that.
            scope.spawn(move || to.take().map(|mut to| to.write_all(input)));
            child.wait_with_output()
        });
        let output = output.map_err(cannot)?;
        Ok(if output.status.success() { Ok(output.stdout) } else { Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()) })
    }

    fn command(&self, command: &str, args: &[&str]) -> Command {
        let mut git = Command::new("git");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("GIT_") {
                git.env_remove(name);
            }
        }
        git.env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_OPTIONAL_LOCKS", "0");
        let dir = if self.tree.is_some() { self.dir } else { Path::new(".") };
        git.env("GIT_DIR", dir).env("GIT_CONFIG_COUNT", self.settings.len().to_string());
        for (number, (name, value)) in self.settings.iter().enumerate() {
            git.env(format!("GIT_CONFIG_KEY_{number}"), name).env(format!("GIT_CONFIG_VALUE_{number}"), value);
        }
        if let Some(tree) = self.tree {
            git.env("GIT_WORK_TREE", tree);
        }
        git.current_dir(self.tree.unwrap_or(self.dir)).arg("--literal-pathspecs").arg(command).args(args);
        git.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        git
    }
}

/// What `git fsck --full` has to say about a git directory; `None` if nothing.
///
/// # Errors
/// If git cannot be started.
pub fn fsck(dir: &Path) -> Result<Option<String>, GitError> {
    Ok(Git::at(dir).output("fsck", &["--full", "--no-progress", "--no-dangling"], b"")?.err())
}
