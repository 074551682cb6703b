//! Lines for a file of a manager: shown, looked for, and added without a change to the others.

use std::fs;
use std::path::Path;

use super::script::{ended_before, with_first};
use super::{indented, text_of};
use crate::cli::Exit;
use crate::cli::error::CliError;
use crate::file::{Access, put};
use crate::migrate::listed::{has_key, with_items, with_lines};

/// Lines for a file of a manager.
pub(in crate::cli::hook) struct Change {
    /// Relative to the top of the working tree.
    pub(in crate::cli::hook) file: String,
    /// What is to be added.
    pub(super) lines: String,
    pub(super) how: How,
}

/// How lines are added.
pub(super) enum How {
    /// They become the file.
    NewFile,
    /// They go before the first command of a script.
    First,
    /// They go behind the others.
    Append,
    /// They go behind what is below these keys; without keys, behind the others.
    Below(Vec<&'static str>),
}

impl Change {
    /// The file, and where in it the lines go.
    pub(in crate::cli::hook) fn target(&self) -> String {
        match self.place() {
            place if place.is_empty() => self.file.clone(),
            place => format!("{}, {place}", self.file),
        }
    }

    fn place(&self) -> String {
        match &self.how {
            How::First => "before the first command".to_owned(),
            How::Below(keys) if !keys.is_empty() => {
                let keys: Vec<String> = keys.iter().map(|key| format!("`{key}:`")).collect();
                format!("below {}", keys.join(", "))
            }
            How::NewFile | How::Append | How::Below(_) => String::new(),
        }
    }

    /// The lines, indented as in a file of two columns for each key.
    pub(in crate::cli::hook) fn shown(&self) -> String {
        let depth = if let How::Below(keys) = &self.how { keys.len() } else { 0 };
        indented(&self.lines, 2 * depth)
    }

    /// Whether the file runs the same commands already.
    pub(in crate::cli::hook) fn is_there(&self, top: &Path) -> bool {
        let text = fs::read_to_string(top.join(&self.file)).unwrap_or_default();
        self.commands().all(|command| runs(&text, command) || self.is_of_pre_commit() && brings(&text, command))
    }

    fn is_of_pre_commit(&self) -> bool {
        matches!(&self.how, How::Append) || matches!(&self.how, How::Below(keys) if keys[..] == ["repos"])
    }

    /// The line of a script before which it ends, so that it never comes to ours.
    pub(in crate::cli::hook) fn ended_before(&self, top: &Path) -> Option<String> {
        if !matches!(self.how, How::First | How::NewFile) {
            return None;
        }
        let text = fs::read_to_string(top.join(&self.file)).unwrap_or_default();
        let command = self.commands().find(|command| runs(&text, command))?;
        ended_before(&text, command).map(|(number, line)| format!("line {number}, `{line}`"))
    }

    /// Adds the lines; gives whether there was anything to add.
    pub(in crate::cli::hook) fn write(&self, top: &Path) -> Result<bool, CliError> {
        if let Some(end) = self.ended_before(top) {
            let error = self.by_hand(&format!("its line for sopup is never reached, because the script ends before it ({end})"));
            return Err(error.with_hint(format!("move that line up, before {end}")));
        }
        if self.is_there(top) {
            return Ok(false);
        }
        let path = top.join(&self.file);
        let text = text_of(top, &self.file, "add the lines by hand")?.unwrap_or_default();
        let after = match &self.how {
            How::NewFile if !text.trim().is_empty() => {
                return Err(self.by_hand("its commands may read what sopup has to read; put the line before them"));
            }
            How::Append if text.contains("\nrepos = [") => return Err(self.by_hand("`repos` is written as one value")),
            How::First => with_first(&text, &self.lines),
            How::Below(keys) if has_key(&text, &[&keys[..], &["sopup"]].concat()) => {
                return Err(self.by_hand("it has something else called `sopup` there"));
            }
            How::Below(keys) if !keys.is_empty() => {
                with_items(&text, keys, &self.lines).map_err(|error| self.by_hand(&error.to_string()))?
            }
            How::NewFile | How::Append | How::Below(_) => with_lines(&text, &self.lines),
        };
        put(&path, after.as_bytes(), Access::KeptOrShared)?;
        Ok(true)
    }

    fn by_hand(&self, why: &str) -> CliError {
        let place = match self.place() {
            place if place.is_empty() => place,
            place => format!(" {place}"),
        };
        let shown = self.shown();
        let lines = shown.trim_matches('\n');
        CliError::new(format!("not added to {}: {why}", self.file), format!("add this by hand{place}:\n{lines}")).exiting(Exit::Refused)
    }

    /// The commands in the lines.
    fn commands(&self) -> impl Iterator<Item = &str> {
        self.lines.lines().filter_map(|line| {
            let command = &line[line.find("sopup hook run ")?..];
            Some(command.split(['"', '{']).next().unwrap_or(command).trim_end())
        })
    }
}

/// Whether a text runs a command, but for what its comments say.
pub(super) fn runs(text: &str, command: &str) -> bool {
    text.lines().any(|line| line.contains(command) && !line.trim_start().starts_with('#'))
}

/// Whether a configuration of pre-commit has a hook of sopup's own repository that does what a command does.
fn brings(text: &str, command: &str) -> bool {
    let id = match command.rsplit(' ').next() {
        Some("pre-commit") => "sopup",
        Some("commit-msg") => "sopup-message",
        Some("pre-push") => "sopup-push",
        _ => return false,
    };
    text.lines().any(|line| {
        let value = line.trim_start().trim_start_matches("- ").trim_start().strip_prefix("id").map(str::trim_start);
        let word = value.and_then(|value| value.strip_prefix([':', '='])).and_then(|value| value.split_whitespace().next());
        let kind = word.and_then(|word| word.trim_matches(['"', '\'']).strip_prefix(id));
        kind.is_some_and(|kind| ["", "-python", "-system"].contains(&kind))
    })
}
