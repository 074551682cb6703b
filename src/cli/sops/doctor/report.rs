//! What the doctor found, for people and as `sopup.doctor/v1`.

use std::collections::BTreeMap;
use std::io::{self, Write};

use owo_colors::OwoColorize as _;
use serde::Serialize;

use crate::report::safe;
use crate::sops::doctor::{Problem, State, Weight};

/// As many files are listed one by one.
const LISTED: usize = 10;

/// As many names stand for a folder.
const EXAMPLES: usize = 3;

/// Everything that was found.
#[derive(Default)]
pub(in crate::cli) struct Report {
    pub(in crate::cli) files: Vec<Found>,
    /// About `.sops.yaml` files: path, weight, what is wrong.
    pub(in crate::cli) advice: Vec<(String, Weight, String)>,
    /// What could not be read, and why.
    pub(in crate::cli) skipped: Vec<(String, String)>,
}

/// One file.
pub(in crate::cli) struct Found {
    pub(in crate::cli) path: String,
    pub(in crate::cli) state: State,
    pub(in crate::cli) problems: Vec<Problem>,
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
        of_files + self.advice.iter().filter(|(_, found, _)| *found == weight).count()
    }

    pub(in crate::cli) fn encrypted(&self) -> usize {
        self.files.iter().filter(|file| file.state != State::Plain).count()
    }

    pub(in crate::cli) fn count_in(&self, state: State) -> usize {
        self.files.iter().filter(|file| file.state == state).count()
    }

    pub(super) fn human(&self, with_keys: bool, out: &mut impl Write) -> io::Result<()> {
        for file in &self.files {
            for problem in &file.problems {
                line(out, &file.path, problem.weight(), &problem.to_string())?;
            }
        }
        for (path, weight, text) in &self.advice {
            line(out, path, *weight, text)?;
        }
        for (path, reason) in &self.skipped {
            writeln!(out, "{} {}: {}", "not read:".yellow().bold(), safe::line(path), safe::line(reason))?;
        }
        let (errors, warnings) = (self.count(Weight::Error), self.count(Weight::Warning));
        writeln!(out, "{}: {}, {}", number(self.encrypted(), "SOPS file"), number(errors, "error"), number(warnings, "warning"))?;
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

    pub(super) fn json(&self, out: &mut impl Write) -> io::Result<()> {
        let file = |file: &Found| wire::File {
            path: file.path.clone(),
            encrypted: file.state != State::Plain,
            opened: file.state == State::Opened,
            problems: file.problems.iter().map(|problem| wire::problem(problem.code(), problem.weight(), problem.to_string())).collect(),
        };
        let rules = |(path, weight, text): &(String, Weight, String)| wire::Rules {
            path: path.clone(),
            problem: wire::problem("rules", *weight, text.clone()),
        };
        let report = wire::Report {
            schema: "sopup.doctor/v1",
            files: self.files.iter().map(file).collect(),
            rules: self.advice.iter().map(rules).collect(),
            skipped: self.skipped.iter().map(|(path, reason)| wire::Skipped { path: path.clone(), reason: reason.clone() }).collect(),
            summary: wire::Summary {
                files: self.encrypted(),
                errors: self.count(Weight::Error),
                warnings: self.count(Weight::Warning),
                unopened: self.count_in(State::Closed),
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
    use super::{Serialize, Weight};

    #[derive(Serialize)]
    pub(in crate::cli) struct Report {
        pub(super) schema: &'static str,
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
        pub(super) problems: Vec<Problem>,
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
    }

    pub(super) fn problem(code: &'static str, weight: Weight, message: String) -> Problem {
        let level = if weight == Weight::Error { "error" } else { "warning" };
        Problem { code, level, message }
    }
}
