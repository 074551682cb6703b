//! Issues as Code Climate defines them, in one array, as GitLab's code quality widget reads them.
//! <https://github.com/codeclimate/platform/blob/master/spec/analyzers/SPEC.md>

use std::io::{self, Write};

use serde::Serialize;

use super::rows::{Row, rows};
use super::{Context, wire};
use crate::rule::Severity;
use crate::scan::Outcome;

#[derive(Serialize)]
struct Issue {
    r#type: &'static str,
    check_name: &'static str,
    description: String,
    categories: [&'static str; 1],
    severity: &'static str,
    fingerprint: String,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: usize,
}

pub(super) fn write(out: &mut dyn Write, outcome: &Outcome, context: &Context<'_>) -> io::Result<()> {
    wire::document(out, &rows(outcome, context).into_iter().map(issue).collect::<Vec<_>>())
}

fn issue(row: Row<'_>) -> Issue {
    Issue {
        r#type: "issue",
        check_name: row.finding.rule.id,
        description: row.message(),
        categories: ["Security"],
        severity: match row.finding.severity {
            Severity::Critical => "blocker",
            Severity::High => "critical",
            Severity::Medium => "major",
            Severity::Low => "minor",
        },
        location: Location { lines: Lines { begin: row.line() }, path: row.path },
        fingerprint: row.id,
    }
}
