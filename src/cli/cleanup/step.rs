//! The steps of a clean-up: what each is for, how far it is by the facts, and which command does it.

use std::path::Path;

use clap::ValueEnum;

use super::facts::{Facts, Ledger};
use crate::report::plural;

/// A step, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Step {
    /// Look at what is found
    Scan,
    /// Move what files hold into SOPS files
    Migrate,
    /// See what a purge of the history would change
    Plan,
    /// Record what leaked, and replace it
    Rotate,
    /// Take it out of the history
    Purge,
    /// Prove that the repository is clean
    Verify,
}

/// How far a step is.
pub(super) struct Progress {
    pub(super) step: Step,
    pub(super) is_done: bool,
    /// Whether another one comes first.
    pub(super) waits: bool,
    pub(super) summary: String,
    /// What is to be done next, without the name of the program.
    pub(super) next: Vec<&'static str>,
}

impl Step {
    pub(super) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Two sentences.
    pub(super) fn explanation(self) -> &'static str {
        match self {
            Self::Scan => {
                "Shows every secret in the files and in the history. Look at each: `sopup explain` says why it was found, and \
                 `sopup allow` accepts what is none."
            }
            Self::Migrate => {
                "Moves what the files hold into SOPS files and leaves references that keep things working. It shows the plan and asks \
                 before it changes a file; commit the result."
            }
            Self::Plan => {
                "Shows which values a purge would take out of the history, and which commits and refs would get new names. Nothing is \
                 written; tell your team before you go on."
            }
            Self::Rotate => {
                "Writes what leaked into a ledger and keeps track of it until each credential is replaced. Do that before the history \
                 changes: whoever has a clone has the values, and a history without them can no longer be recorded."
            }
            Self::Purge => {
                "Rewrites the history of this repository without the values, and keeps the old one until you remove it. What is rewritten \
                 has to be pushed with force, and every other clone has to be cleaned."
            }
            Self::Verify => {
                "Searches the files, the history and the git directory once more, also for the values of SOPS files. One page says whether \
                 the repository is clean, with evidence for each line."
            }
        }
    }

    /// Whether it cannot be taken back without more.
    pub(super) fn is_destructive(self) -> bool {
        self == Self::Purge
    }

    pub(super) fn progress(self, facts: &Facts) -> Progress {
        let (is_done, summary, next) = match self {
            Self::Scan => scan(facts),
            Self::Migrate => migrate(facts),
            Self::Plan => plan(facts),
            Self::Rotate => rotate(facts),
            Self::Purge => purge(facts),
            Self::Verify => (false, String::new(), vec!["verify"]),
        };
        Progress { step: self, is_done, waits: false, summary, next }
    }
}

type Judged = (bool, String, Vec<&'static str>);

fn secrets(count: usize) -> String {
    plural(count as u64, "secret", "secrets")
}

fn scan(facts: &Facts) -> Judged {
    let found = format!("{} in files, {} in the history", secrets(facts.in_files), facts.in_history);
    let unseen = if facts.unseen > 0 { format!("; {} not looked at", facts.unseen) } else { String::new() };
    (facts.unseen == 0, found + &unseen, vec!["cleanup", "--step", "scan"])
}

fn migrate(facts: &Facts) -> Judged {
    if facts.in_files == 0 {
        return (true, "no file holds a secret".to_owned(), Vec::new());
    }
    let next = if facts.has_recipients { "migrate" } else { "init" };
    (false, format!("{} in files", secrets(facts.in_files)), vec![next])
}

fn plan(facts: &Facts) -> Judged {
    if facts.in_history == 0 {
        return (true, "the history holds no secret".to_owned(), Vec::new());
    }
    let summary = match facts.unplanned {
        0 => format!("{} in the history, seen in a plan", secrets(facts.in_history)),
        count => format!("{count} of {} in the history not in a plan yet", secrets(facts.in_history)),
    };
    (facts.unplanned == 0, summary, vec!["cleanup", "--step", "plan"])
}

fn rotate(facts: &Facts) -> Judged {
    match facts.ledger {
        Ledger::Missing if facts.all.is_empty() => (true, "there is nothing to record".to_owned(), Vec::new()),
        Ledger::Missing => (false, "there is no ledger".to_owned(), vec!["rotate", "record"]),
        Ledger::There { lacking: Some(lacking), .. } if lacking > 0 => {
            (false, format!("the ledger lacks {}", secrets(lacking)), vec!["rotate", "record"])
        }
        Ledger::There { entries, open, lacking } => {
            let entries = plural(entries as u64, "credential", "credentials");
            let closed = if lacking.is_none() { "; its key is not opened, so it is not known whether it is complete" } else { "" };
            let summary = if open > 0 { format!("{open} of {entries} not replaced") } else { format!("{entries} replaced") };
            (open == 0, summary + closed, vec!["rotate", "list"])
        }
    }
}

fn purge(facts: &Facts) -> Judged {
    let too_short = match facts.too_short {
        0 => String::new(),
        count => format!("; {} too short to be taken out: accept with `sopup allow`", plural(count as u64, "is", "are")),
    };
    if facts.is_purged {
        let summary = "rewritten; push it (.git/sopup/purge/push.sh), then remove the old history".to_owned();
        return (false, summary, vec!["purge", "finish"]);
    }
    if facts.in_history == 0 {
        return (true, "the history holds no secret".to_owned(), Vec::new());
    }
    let in_files = match facts.in_files {
        0 => String::new(),
        count => format!("; what files hold of them is replaced by REMOVED there, too ({count} not migrated)"),
    };
    let summary = format!("{} in the history{too_short}{in_files}", secrets(facts.in_history));
    if facts.too_short == facts.in_history {
        return (false, summary, vec!["scan", "--history"]);
    }
    let identifiers = facts.identifiers.then_some("--identifiers");
    (false, summary, ["purge", "run", "--in-place"].into_iter().chain(identifiers).collect())
}

/// The words of a command line, with the repository if that is not the one here.
pub(super) fn words(step: Step, next: &[&'static str], path: &Path) -> Vec<String> {
    let mut words: Vec<String> = next.iter().map(|&word| word.to_owned()).collect();
    if path != Path::new(".") {
        // Lists of the ledger take an option.
        if step == Step::Rotate && next.contains(&"list") {
            words.push("--repo".to_owned());
        }
        words.push(path.display().to_string());
    }
    words
}
