//! Diagnostics for reviewdog, which comments on the lines of a pull request.
//! <https://github.com/reviewdog/reviewdog/tree/master/proto/rdf>

use std::io::{self, Write};

use serde::Serialize;

use super::rows::{Row, rows};
use super::{Context, HOME, wire};
use crate::rule::Severity;
use crate::scan::Outcome;

#[derive(Serialize)]
struct Diagnostics {
    source: Source,
    diagnostics: Vec<Diagnostic>,
}

#[derive(Serialize)]
struct Source {
    name: &'static str,
    url: &'static str,
}

#[derive(Serialize)]
struct Diagnostic {
    message: String,
    location: Location,
    severity: &'static str,
    code: Code,
}

#[derive(Serialize)]
struct Location {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<Range>,
}

#[derive(Serialize)]
struct Range {
    start: Position,
}

#[derive(Serialize)]
struct Position {
    line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
}

#[derive(Serialize)]
struct Code {
    value: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'static str>,
}

pub(super) fn write(out: &mut dyn Write, outcome: &Outcome, context: &Context<'_>) -> io::Result<()> {
    let diagnostics = rows(outcome, context).into_iter().map(diagnostic).collect();
    wire::document(out, &Diagnostics { source: Source { name: "sopup", url: HOME }, diagnostics })
}

fn diagnostic(row: Row<'_>) -> Diagnostic {
    let start = Position { line: row.line(), column: column(&row) };
    Diagnostic {
        message: row.message(),
        severity: match row.finding.severity {
            Severity::Critical | Severity::High => "ERROR",
            Severity::Medium => "WARNING",
            Severity::Low => "INFO",
        },
        code: Code { value: row.finding.rule.id, url: row.url() },
        location: Location { range: row.is_in_text().then_some(Range { start }), path: row.path },
    }
}

/// Columns count bytes of UTF-8 here. They are known where the excerpt begins with its line.
fn column(row: &Row<'_>) -> Option<usize> {
    let (at, excerpt) = (row.place.at, &row.place.at.excerpt);
    let before = excerpt.text.get(..excerpt.mark.start)?;
    (before.chars().count() + 1 == at.start.column).then_some(before.len() + 1)
}
