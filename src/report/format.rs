//! The table of formats: what each is called, what it is for, and what writes it.

use std::io::{self, Write};

use super::{Context, codeclimate, csv, github, gitlab, html, human, json, junit, markdown, oneline, rdjson, sarif};
use crate::scan::Outcome;

/// A form of the report.
#[derive(Debug)]
pub struct Format {
    /// As it is asked for.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    write: fn(&mut dyn Write, &Outcome, &Context<'_>) -> io::Result<()>,
}

/// All forms; the first is the usual one.
pub const FORMATS: &[Format] = &[
    Format { name: "human", about: "For people", write: human::write },
    Format { name: "oneline", about: "One place per line, for editors and grep", write: oneline::write },
    Format { name: "json", about: "One document, `sopup.report/v1`", write: json::write_report },
    Format { name: "jsonl", about: "One finding per line, as in `json`", write: json::write_lines },
    Format { name: "sarif", about: "SARIF 2.1.0, for GitHub code scanning and other dashboards", write: sarif::write },
    Format { name: "github", about: "Annotations of a GitHub workflow", write: github::write },
    Format { name: "gitlab", about: "GitLab's secret detection report", write: gitlab::write },
    Format { name: "codeclimate", about: "Code Climate issues, for GitLab's code quality widget", write: codeclimate::write },
    Format { name: "junit", about: "JUnit XML, for what shows test results", write: junit::write },
    Format { name: "rdjson", about: "Diagnostics for reviewdog", write: rdjson::write },
    Format { name: "csv", about: "One place per record, for spreadsheets", write: csv::write },
    Format { name: "markdown", about: "A summary for a pull request or $GITHUB_STEP_SUMMARY", write: markdown::write },
    Format { name: "html", about: "One page to read, filter and pass on, without anything from outside", write: html::write },
];

impl Format {
    /// The one with this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.name == name)
    }

    /// Whether people read it on a terminal.
    pub fn is_for_people(&self) -> bool {
        self.name == FORMATS[0].name
    }

    /// Writes a report.
    ///
    /// # Errors
    /// What `out` says.
    pub fn write(&self, out: &mut dyn Write, outcome: &Outcome, context: &Context<'_>) -> io::Result<()> {
        (self.write)(out, outcome, context)
    }
}
