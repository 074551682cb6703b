//! What the doctor found, for people and as `sopup.doctor/v1`.

use std::collections::BTreeMap;
use std::io::{self, Write};

use owo_colors::OwoColorize as _;
use serde::Serialize;

use super::together::told;
use crate::report::safe;
use crate::sops::doctor::{Left, Problem, Remedy, Repair, State, Weight};

/// As many files are listed one by one.
const LISTED: usize = 10;

/// As many names stand for a folder.
const EXAMPLES: usize = 3;

/// Everything that was found.
#[derive(Default)]
pub(in crate::cli) struct Report {
    pub(in crate::cli) files: Vec<Found>,
    /// About `.sops.yaml` files, and about many files at once.
    pub(in crate::cli) advice: Vec<Advice>,
    /// What could not be read, and why.
    pub(in crate::cli) skipped: Vec<(String, String)>,
    pub(super) mode: Mode,
}

/// What was done besides looking.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(in crate::cli) enum Mode {
    /// Nothing.
    #[default]
    Look,
    /// What could be mended was mended.
    Fix,
    /// It was only worked out.
    DryRun,
}

/// Something wrong that is not about one file alone.
#[derive(Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(in crate::cli) struct Advice {
    pub(in crate::cli) path: String,
    pub(in crate::cli) weight: Weight,
    pub(in crate::cli) text: String,
    /// Why it stays.
    pub(super) left: Option<Left>,
}

impl Advice {
    pub(super) fn on_rules(path: &str, weight: Weight, text: String) -> Self {
        let left = Left::new("what the rules are to say is not known", "correct .sops.yaml; `sopup doctor --fix` then follows it");
        Self { path: path.to_owned(), weight, text, left: Some(left) }
    }
}

/// One file.
pub(in crate::cli) struct Found {
    pub(in crate::cli) path: String,
    pub(in crate::cli) state: State,
    pub(in crate::cli) problems: Vec<Problem>,
    /// What was mended, and how.
    pub(super) fixed: Vec<(Repair, String)>,
    /// Why repairs were not made.
    pub(super) failed: BTreeMap<Repair, Left>,
}

impl Found {
    /// Why a problem stays.
    fn left(&self, problem: &Problem) -> Option<Left> {
        match problem.remedy() {
            Remedy::None(left) => Some(left),
            Remedy::By(repair) => self.failed.get(&repair).cloned(),
        }
    }
}

impl Report {
    /// Leaves what has nothing to tell out and puts the rest in order.
    pub(super) fn sort(&mut self) {
        self.files.retain(|file| file.state != State::Plain || !file.problems.is_empty());
        self.files.sort_by(|a, b| a.path.cmp(&b.path));
        self.files.iter_mut().for_each(|file| file.problems.sort_by_key(|problem| std::cmp::Reverse(problem.weight())));
        self.advice.sort();
        self.skipped.sort();
    }

    pub(super) fn count(&self, weight: Weight) -> usize {
        let of_files = self.files.iter().flat_map(|file| &file.problems).filter(|problem| problem.weight() == weight).count();
        of_files + self.advice.iter().filter(|advice| advice.weight == weight).count()
    }

    pub(in crate::cli) fn encrypted(&self) -> usize {
        self.files.iter().filter(|file| file.state != State::Plain).count()
    }

    pub(in crate::cli) fn count_in(&self, state: State) -> usize {
        self.files.iter().filter(|file| file.state == state).count()
    }

    pub(super) fn human(&self, with_keys: bool, out: &mut impl Write) -> io::Result<()> {
        let done = if self.mode == Mode::DryRun { "would fix:" } else { "fixed:" };
        for file in self.fixed() {
            let how: Vec<&str> = file.fixed.iter().map(|(_, how)| how.as_str()).collect();
            writeln!(out, "{} {}: {}", done.green().bold(), safe::line(&file.path), safe::line(&how.join("; ")))?;
        }
        for file in &self.files {
            let mut rest = file.problems.as_slice();
            while let Some(problem) = rest.first() {
                let (text, count) = told(rest);
                rest = &rest[count..];
                line(out, &file.path, problem.weight(), &text)?;
                let left = file.left(problem);
                // What holds for several in a row is said once.
                if rest.first().is_none_or(|next| file.left(next) != left) {
                    self.why(left.as_ref(), out)?;
                }
            }
        }
        for advice in &self.advice {
            line(out, &advice.path, advice.weight, &advice.text)?;
            self.why(advice.left.as_ref(), out)?;
        }
        for (path, reason) in &self.skipped {
            writeln!(out, "{} {}: {}", "not read:".yellow().bold(), safe::line(path), safe::line(reason))?;
        }
        let (errors, warnings) = (self.count(Weight::Error), self.count(Weight::Warning));
        write!(out, "{}: {}, {}", number(self.encrypted(), "SOPS file"), number(errors, "error"), number(warnings, "warning"))?;
        match self.mode {
            Mode::Look => writeln!(out)?,
            Mode::Fix => writeln!(out, "; {} fixed", self.fixed().count())?,
            Mode::DryRun => writeln!(out, "; {} would be fixed, nothing was written", self.fixed().count())?,
        }
        if !with_keys {
            writeln!(out, "Nothing was decrypted, so MACs, comments and digests were not checked.")?;
        } else if self.count_in(State::Closed) > 0 {
            writeln!(
                out,
                "{} could not be opened, so MACs, comments and digests were not checked there:",
                number(self.count_in(State::Closed), "file")
            )?;
            let closed = self.files.iter().filter(|file| file.state == State::Closed);
            for text in listed(&closed.map(|file| file.path.as_str()).collect::<Vec<_>>()) {
                writeln!(out, "  {}", safe::line(&text))?;
            }
        }
        out.flush()
    }

    fn fixed(&self) -> impl Iterator<Item = &Found> {
        self.files.iter().filter(|file| !file.fixed.is_empty())
    }

    /// Says why something stays, if it was tried to mend it.
    fn why(&self, left: Option<&Left>, out: &mut impl Write) -> io::Result<()> {
        let Some(Left { reason, attempt }) = left.filter(|_| self.mode != Mode::Look) else { return Ok(()) };
        writeln!(out, "  left: {}; try: {}", safe::line(reason), safe::line(attempt))
    }

    pub(super) fn json(&self, out: &mut impl Write) -> io::Result<()> {
        let mends = self.mode != Mode::Look;
        let left = |left: Option<Left>| left.filter(|_| mends);
        let problem = |file: &Found, problem: &Problem| {
            wire::problem(problem.code(), problem.weight(), problem.to_string(), left(file.left(problem)))
        };
        let fixed = |(repair, how): &(Repair, String)| wire::Fixed { repair: repair.code(), message: how.clone() };
        let file = |file: &Found| wire::File {
            path: file.path.clone(),
            encrypted: file.state != State::Plain,
            opened: file.state == State::Opened,
            fixed: mends.then(|| file.fixed.iter().map(fixed).collect()),
            problems: file.problems.iter().map(|found| problem(file, found)).collect(),
        };
        let rules = |advice: &Advice| wire::Rules {
            path: advice.path.clone(),
            problem: wire::problem("rules", advice.weight, advice.text.clone(), left(advice.left.clone())),
        };
        let report = wire::Report {
            schema: "sopup.doctor/v1",
            dry_run: mends.then_some(self.mode == Mode::DryRun),
            files: self.files.iter().map(file).collect(),
            rules: self.advice.iter().map(rules).collect(),
            skipped: self.skipped.iter().map(|(path, reason)| wire::Skipped { path: path.clone(), reason: reason.clone() }).collect(),
            summary: wire::Summary {
                files: self.encrypted(),
                errors: self.count(Weight::Error),
                warnings: self.count(Weight::Warning),
                unopened: self.count_in(State::Closed),
                fixed: mends.then(|| self.fixed().count()),
            },
        };
        serde_json::to_writer_pretty(&mut *out, &report)?;
        writeln!(out)?;
        out.flush()
    }
}

/// Names of files; many of them are counted by their topmost folders, with a few names.
fn listed(paths: &[&str]) -> Vec<String> {
    if paths.len() <= LISTED {
        return paths.iter().map(|path| (*path).to_owned()).collect();
    }
    let mut folders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for path in paths {
        folders.entry(path.split_once('/').map_or(".", |(folder, _)| folder)).or_default().push(path);
    }
    let told = folders.iter().map(|(folder, paths)| match paths.as_slice() {
        few if few.len() <= EXAMPLES => few.join(", "),
        many => format!("{folder}: {} files, among them {}", many.len(), many[..EXAMPLES].join(", ")),
    });
    told.collect()
}

fn line(out: &mut impl Write, path: &str, weight: Weight, text: &str) -> io::Result<()> {
    match weight {
        Weight::Error => write!(out, "{}", "error: ".red().bold())?,
        Weight::Warning => write!(out, "{}", "warning: ".yellow().bold())?,
    }
    writeln!(out, "{}: {}", safe::line(path), safe::line(text))
}

fn number(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// The report as it is written; nothing else in sopup has this form.
mod wire {
    use super::{Left, Serialize, Weight};

    #[derive(Serialize)]
    pub(in crate::cli) struct Report {
        pub(super) schema: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        pub(super) dry_run: Option<bool>,
        pub(super) files: Vec<File>,
        pub(super) rules: Vec<Rules>,
        pub(super) skipped: Vec<Skipped>,
        pub(super) summary: Summary,
    }

    #[derive(Serialize)]
    pub(super) struct File {
        pub(super) path: String,
        pub(super) encrypted: bool,
        pub(super) opened: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        pub(super) fixed: Option<Vec<Fixed>>,
        pub(super) problems: Vec<Problem>,
    }

    #[derive(Serialize)]
    pub(super) struct Fixed {
        pub(super) repair: &'static str,
        pub(super) message: String,
    }

    #[derive(Serialize)]
    pub(super) struct Rules {
        pub(super) path: String,
        #[serde(flatten)]
        pub(super) problem: Problem,
    }

    #[derive(Serialize)]
    pub(super) struct Problem {
        code: &'static str,
        level: &'static str,
        message: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        left: Option<Reason>,
    }

    #[derive(Serialize)]
    struct Reason {
        reason: String,
        #[serde(rename = "try")]
        attempt: String,
    }

    #[derive(Serialize)]
    pub(super) struct Skipped {
        pub(super) path: String,
        pub(super) reason: String,
    }

    #[derive(Serialize)]
    pub(super) struct Summary {
        pub(super) files: usize,
        pub(super) errors: usize,
        pub(super) warnings: usize,
        pub(super) unopened: usize,
        #[serde(skip_serializing_if = "Option::is_none")]
        pub(super) fixed: Option<usize>,
    }

    pub(super) fn problem(code: &'static str, weight: Weight, message: String, left: Option<Left>) -> Problem {
        let level = if weight == Weight::Error { "error" } else { "warning" };
        let left = left.map(|Left { reason, attempt }| Reason { reason: reason.into_owned(), attempt: attempt.into_owned() });
        Problem { code, level, message, left }
    }
}
