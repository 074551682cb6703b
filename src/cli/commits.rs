//! The options of `sopup scan` that name commits, and what git and pre-commit tell their hooks.

use std::io::{IsTerminal as _, Read as _};
use std::num::NonZeroUsize;

use super::error::CliError;
use crate::scan::{Asked, Selection};
use crate::source::range::{HookError, pre_push, pre_receive};

/// More is not what git gives to a hook, in bytes.
const LONGEST_INPUT: u64 = 64 << 20;

/// Which commits' additions are scanned in place of everything.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Commits: what they add (new lines, new names, messages) is scanned alone")]
pub(super) struct CommitArgs {
    /// Scan what the commits in A..B add; also A...B, and REV for a revision and all before it
    #[arg(long, value_name = "A..B", group = "scope")]
    range: Option<String>,

    /// Scan what the commits of this branch add
    #[arg(long, value_name = "NAME", group = "scope")]
    branch: Option<String>,

    /// Scan what HEAD adds since it parted from REV (for pull requests)
    #[arg(long, value_name = "REV", group = "scope")]
    merge_base: Option<String>,

    /// Scan what a push would send, as git tells its pre-push hook on standard input
    #[arg(long, group = "scope", conflicts_with_all = ["since", "max_depth"])]
    pre_push: bool,

    /// What is pushed to; what it has already is not scanned again [default: any remote]
    #[arg(long, value_name = "NAME", requires = "pre_push")]
    remote: Option<String>,

    /// Scan what is being received, as git tells its pre-receive hook on standard input
    #[arg(long, group = "scope", conflicts_with_all = ["since", "max_depth"])]
    pre_receive: bool,

    /// Only commits since a date (2026-01-31, `2 weeks ago`), or that REV does not have
    #[arg(long, value_name = "DATE|REV", conflicts_with_all = ["worktree", "history", "staged", "stdin"])]
    since: Option<String>,

    /// Only commits fewer steps than N before the newest; 1 is that alone
    #[arg(long, value_name = "N", conflicts_with_all = ["worktree", "history", "staged", "stdin"])]
    max_depth: Option<NonZeroUsize>,
}

impl CommitArgs {
    /// What was asked for; `None` if no commits were named.
    pub(super) fn selection(&self) -> Result<Option<Selection>, CliError> {
        if self.pre_push {
            return self.push().map(Some);
        }
        if self.pre_receive {
            let updates = pre_receive(&input("pre-receive")?)?;
            return Ok(Some(Selection::Updates(updates)));
        }
        let named =
            [(&self.range, Asked::Range as fn(String) -> Asked), (&self.branch, Asked::Branch), (&self.merge_base, Asked::MergeBase)];
        let commits = named.into_iter().find_map(|(value, asked)| value.clone().map(asked));
        if commits.is_none() && self.since.is_none() && self.max_depth.is_none() {
            return Ok(None);
        }
        Ok(Some(asked(commits.unwrap_or(Asked::All), self.since.clone(), self.max_depth)))
    }

    fn push(&self) -> Result<Selection, CliError> {
        // pre-commit has read standard input already and tells in variables what was there.
        let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
        if let (Some(from), Some(to)) = (variable("PRE_COMMIT_FROM_REF"), variable("PRE_COMMIT_TO_REF")) {
            return Ok(asked(Asked::Range(format!("{from}..{to}")), None, None));
        }
        if let Some(branch) = variable("PRE_COMMIT_LOCAL_BRANCH") {
            return Ok(asked(Asked::Range(branch), None, None));
        }
        Ok(Selection::Push { pushes: pre_push(&input("pre-push")?)?, remote: self.remote.clone() })
    }
}

fn asked(commits: Asked, since: Option<String>, max_depth: Option<NonZeroUsize>) -> Selection {
    Selection::Asked { commits, since, max_depth, now: jiff::Timestamp::now().as_second() }
}

/// What git writes to a hook.
fn input(hook: &str) -> Result<Vec<u8>, CliError> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        return Err(CliError::new(
            format!("`--{hook}` reads what git writes to its {hook} hook, and standard input is a terminal"),
            format!("put it into .git/hooks/{hook}; by hand, use `--range A..B`"),
        ));
    }
    let mut text = Vec::new();
    stdin
        .lock()
        .take(LONGEST_INPUT)
        .read_to_end(&mut text)
        .map_err(|error| CliError::new(format!("cannot read standard input: {error}"), format!("let git run this as its {hook} hook")))?;
    Ok(text)
}

impl From<HookError> for CliError {
    fn from(error: HookError) -> Self {
        Self::new(
            error.to_string(),
            "let git run this as its hook, without something that reads or changes standard input; by hand, use `--range A..B`",
        )
    }
}
