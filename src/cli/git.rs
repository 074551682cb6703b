//! What git itself says. Nothing that the repository names is executed by asking.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::error::CliError;

/// What git prints in a folder; `None` if it fails.
///
/// # Errors
/// If git cannot be started.
pub(super) fn ask<S: AsRef<OsStr>>(folder: &Path, words: impl IntoIterator<Item = S>, input: &[u8]) -> Result<Option<Vec<u8>>, CliError> {
    let failed = |error: std::io::Error| CliError::new(format!("cannot start git: {error}"), "install git, or put it on PATH");
    let mut git = Command::new("git");
    git.args(["-c", "core.fsmonitor=false"]).args(words).current_dir(folder);
    let mut child = git.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(failed)?;
    let mut to = child.stdin.take();
    let output = std::thread::scope(|scope| {
        // git may end before it has read everything.
        scope.spawn(move || to.take().map(|mut to| to.write_all(input)));
        child.wait_with_output()
    });
    let output = output.map_err(failed)?;
    Ok(output.status.success().then_some(output.stdout))
}
