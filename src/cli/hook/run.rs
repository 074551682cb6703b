//! What a hook does: a scan of what git tells it, and a word on how to go on if that stops git.

use std::ffi::OsString;
use std::path::Path;

use clap::Parser;

use super::Name;
use super::git::ask;
use super::message::{Cleanup, kept};
use crate::cli::Exit;
use crate::cli::error::CliError;
use crate::cli::scan;
use crate::cli::ui::Ui;

/// A command line of `scan`.
#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    scan: scan::Args,
}

pub(super) fn run(hook: Name, arguments: &[OsString], ui: &Ui) -> Result<Exit, CliError> {
    let first = arguments.first();
    let mut scan = match (hook, first) {
        (Name::PreCommit | Name::PreMergeCommit, _) => scan_of(&["--staged".into()])?,
        (Name::CommitMsg, _) => scan_of(&["--stdin".into(), "--stdin-name".into(), "COMMIT_EDITMSG".into()])?,
        (Name::PrePush, None) => scan_of(&["--pre-push".into()])?,
        (Name::PrePush, Some(remote)) => scan_of(&["--pre-push".into(), with_value("--remote=", remote)])?,
        (Name::PreReceive, _) => scan_of(&["--pre-receive".into()])?,
    };
    if hook == Name::CommitMsg {
        scan.text = Some(message(first.map(Path::new))?);
    }
    let ended = scan::run(&scan, ui).map_err(|error| {
        let hint = error.hint().unwrap_or_default().to_owned();
        error.with_hint(format!("{}; {hint}", hook.stopped()))
    })?;
    match ended {
        Exit::Findings => ui.note(&found(hook, first.map(Path::new))),
        Exit::Incomplete => ui.note(&format!("{}, because not everything could be read; see above", hook.stopped())),
        _ => {}
    }
    Ok(ended)
}

fn with_value(option: &str, value: &OsString) -> OsString {
    let mut word = OsString::from(option);
    word.push(value);
    word
}

fn scan_of(words: &[OsString]) -> Result<scan::Args, CliError> {
    let line = [OsString::from("sopup")].into_iter().chain(words.iter().cloned());
    Line::try_parse_from(line).map(|line| line.scan).map_err(|error| CliError::new(error.to_string(), "see `sopup scan --help`"))
}

/// The message that git gives to its hook, without what will not become part of the commit.
fn message(file: Option<&Path>) -> Result<Vec<u8>, CliError> {
    let hint = "let git run this as its commit-msg hook, which gets the file of the message";
    let file = file.ok_or_else(|| CliError::new("no message was given", hint))?;
    let message =
        std::fs::read(file).map_err(|error| CliError::new(format!("cannot read the message {}: {error}", file.display()), hint))?;
    let here = Path::new(".");
    let setting = |name| ask(here, &["config", "--get", name]);
    let mode = setting("commit.cleanup")?;
    let comment = match setting("core.commentString")? {
        None => setting("core.commentChar")?,
        string => string,
    };
    let comment = comment.unwrap_or_else(|| "#".to_owned());
    let comment = Some(comment.as_str()).filter(|&comment| comment != "auto");
    // Git tells its hooks so that it opens no editor.
    let is_edited = std::env::var_os("GIT_EDITOR").is_none_or(|editor| editor != ":");
    Ok(kept(&message, &Cleanup { is_edited, mode: mode.as_deref(), comment }))
}

/// What to do about a finding.
fn found(hook: Name, message: Option<&Path>) -> String {
    let again = message.map_or_else(String::new, |file| format!(" --file={}", file.display()));
    let stays = "`--no-verify` is not recommended: the secret would be in the history, from where it is hard to remove.";
    let how = match hook {
        Name::PreCommit => format!(
            "Put a reference in place of the secret (a variable, or `sopup migrate`), stage that and commit again.\n\
             If it is no secret: `sopup explain FILE:LINE` says why it is taken for one; `sopup allow FILE:LINE --reason TEXT`\n\
             accepts it.\n{stays}"
        ),
        Name::PreMergeCommit => {
            "What is merged brings the secret. `git merge --abort` undoes the merge: take the secret out of that branch\n\
             (`git rebase --interactive`, `sopup purge`) and merge again. `git commit` completes the merge as it is.\n\
             If it is no secret: `sopup allow FILE:LINE --reason TEXT`."
                .to_owned()
        }
        Name::CommitMsg => {
            format!("Take the secret out of the message: `git commit --edit{again}` opens it again.\n{stays}")
        }
        Name::PrePush => "The commits are still yours alone: take the secret out of them (`git commit --amend`, `git rebase\n\
             --interactive`, `sopup purge`) and push again. If it is no secret: `sopup allow FINGERPRINT --reason TEXT`.\n\
             `--no-verify` is not recommended: what was pushed has to be rotated."
            .to_owned(),
        Name::PreReceive => "Take the secret out of the commits (`git commit --amend`, `git rebase --interactive`) and push again.\n\
             If it is no secret, allow it in the configuration that this server uses."
            .to_owned(),
    };
    format!("{}.\n{how}", hook.stopped())
}
