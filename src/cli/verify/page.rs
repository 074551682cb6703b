//! The page of `sopup verify`, for people, for programs as `sopup.verify/v1`, and for pull requests.

use std::io::{self, Write};
use std::time::Duration;

use clap::ValueEnum as _;
use owo_colors::OwoColorize as _;
use serde::Serialize;

use super::Check;
use crate::cli::Exit;
use crate::report::{cell, plural, safe};

/// Evidence that is shown to people, for each line.
const SHOWN: usize = 20;

/// All lines.
pub(super) struct Page<'a> {
    pub(super) root: &'a str,
    pub(super) head: Option<&'a str>,
    pub(super) lines: Vec<Line>,
    pub(super) elapsed: Duration,
}

/// What one check says.
pub(super) struct Line {
    pub(super) check: Check,
    pub(super) state: State,
    pub(super) summary: String,
    pub(super) evidence: Vec<Evidence>,
    /// What to do about it.
    pub(super) mend: Option<String>,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum State {
    /// It is so.
    Holds,
    /// It is not.
    Fails,
    /// It could not be told.
    Unchecked,
    /// It could not be told, and was not asked.
    LeftOut,
}

/// What a check saw.
#[derive(Debug, Serialize)]
pub(super) struct Evidence {
    pub(super) place: String,
    pub(super) text: String,
}

impl State {
    pub(super) fn of(holds: bool) -> Self {
        if holds { Self::Holds } else { Self::Fails }
    }
}

impl Check {
    fn title(self) -> &'static str {
        match self {
            Self::Secrets => "No plain secret",
            Self::Known => "No known value",
            Self::Stores => "Every SOPS file sound",
            Self::Encrypted => "Encrypted what should be",
            Self::Rotated => "Every leak rotated",
            Self::Complete => "Everything read",
        }
    }

    fn id(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

impl Page<'_> {
    fn has(&self, state: State) -> bool {
        self.lines.iter().any(|line| line.state == state)
    }

    pub(super) fn exit(&self) -> Exit {
        if self.has(State::Unchecked) {
            Exit::Incomplete
        } else if self.has(State::Fails) {
            Exit::Findings
        } else {
            Exit::Clean
        }
    }

    fn verdict(&self) -> &'static str {
        match (self.has(State::Fails), self.has(State::Unchecked), self.has(State::LeftOut)) {
            (true, _, _) => "not clean",
            (false, true, _) => "not proven",
            (false, false, true) => "clean as far as it shows without keys",
            (false, false, false) => "clean",
        }
    }

    pub(super) fn human(&self, out: &mut impl Write) -> io::Result<()> {
        for line in &self.lines {
            let title = format!("{:<26}", line.check.title());
            match line.state {
                State::Holds => write!(out, "{} {}", "✓".green().bold(), title.bold())?,
                State::Fails => write!(out, "{} {}", "✗".red().bold(), title.red().bold())?,
                State::Unchecked => write!(out, "{} {}", "?".yellow().bold(), title.yellow().bold())?,
                State::LeftOut => write!(out, "{} {}", "-".cyan().bold(), title.bold())?,
            }
            writeln!(out, "{}", safe::line(&line.summary))?;
            for one in line.evidence.iter().take(SHOWN) {
                writeln!(out, "    {}: {}", safe::line(&one.place), safe::line(&one.text))?;
            }
            if line.evidence.len() > SHOWN {
                writeln!(out, "    and {} more; `--format json` lists them all", line.evidence.len() - SHOWN)?;
            }
            if let Some(mend) = &line.mend {
                writeln!(out, "    {} {mend}", "mend:".cyan().bold())?;
            }
        }
        let head = self.head.map(|head| format!(" at {}", &head[..head.len().min(10)])).unwrap_or_default();
        let verdict = format!("{}:", self.verdict());
        let verdict = match self.exit() {
            Exit::Clean => verdict.green().bold().to_string(),
            Exit::Findings => verdict.red().bold().to_string(),
            _ => verdict.yellow().bold().to_string(),
        };
        writeln!(out, "{verdict} {}{head}, {:.1} s", safe::line(self.root), self.elapsed.as_secs_f64())
    }

    pub(super) fn markdown(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "### sopup verify: {}\n\n| | check | |\n| --- | --- | --- |", self.verdict())?;
        for line in &self.lines {
            let mark = match line.state {
                State::Holds => "✅",
                State::Fails => "❌",
                State::Unchecked => "❔",
                State::LeftOut => "➖",
            };
            writeln!(out, "| {mark} | {} | {} |", line.check.title(), cell(&line.summary))?;
        }
        for line in self.lines.iter().filter(|line| !line.evidence.is_empty()) {
            let count = plural(line.evidence.len() as u64, "place", "places");
            writeln!(out, "\n<details><summary>{}: {count}</summary>\n", line.check.title())?;
            for one in &line.evidence {
                writeln!(out, "- {}: {}", cell(&one.place), cell(&one.text))?;
            }
            if let Some(mend) = &line.mend {
                writeln!(out, "\nTo mend it: {}", cell(mend))?;
            }
            writeln!(out, "\n</details>")?;
        }
        Ok(())
    }

    pub(super) fn json(&self, out: &mut impl Write) -> io::Result<()> {
        let lines = self.lines.iter().map(|line| Wire {
            id: line.check.id(),
            title: line.check.title(),
            state: line.state,
            summary: &line.summary,
            evidence: &line.evidence,
            mend: line.mend.as_deref(),
        });
        let report = WirePage {
            schema: "sopup.verify/v1",
            root: self.root,
            head: self.head,
            clean: self.exit() == Exit::Clean,
            complete: !self.has(State::Unchecked) && !self.has(State::LeftOut),
            lines: lines.collect(),
        };
        serde_json::to_writer_pretty(&mut *out, &report)?;
        writeln!(out)
    }
}

/// The page as it is written.
#[derive(Serialize)]
struct WirePage<'a> {
    schema: &'static str,
    root: &'a str,
    head: Option<&'a str>,
    clean: bool,
    complete: bool,
    lines: Vec<Wire<'a>>,
}

#[derive(Serialize)]
struct Wire<'a> {
    id: String,
    title: &'static str,
    state: State,
    summary: &'a str,
    evidence: &'a [Evidence],
    mend: Option<&'a str>,
}
