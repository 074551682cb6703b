//! Annotations of a GitHub workflow: commands on standard output that its runner reads.
//! <https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands>

use std::io::{self, Write};

use super::rows::{rows, unread};
use super::{Context, safe};
use crate::rule::Severity;
use crate::scan::Outcome;

pub(super) fn write(out: &mut dyn Write, outcome: &Outcome, context: &Context<'_>) -> io::Result<()> {
    for row in rows(outcome, context) {
        let rule = row.finding.rule;
        let command = match row.finding.severity {
            Severity::Critical | Severity::High => "error",
            Severity::Medium => "warning",
            Severity::Low => "notice",
        };
        let mut place = String::new();
        if row.is_file() {
            place = format!("file={},line={},", property(&row.path), row.line());
            if row.is_in_text() {
                place += &format!("col={},", row.place.at.start.column);
            }
        }
        let elsewhere = if row.is_file() { String::new() } else { format!("{}: ", row.path) };
        let message = data(&format!("{elsewhere}{}", row.message()));
        writeln!(out, "::{command} {place}title={}::{message}", property(&format!("{} ({})", rule.name, rule.id)))?;
    }
    for (what, reason) in unread(outcome) {
        writeln!(out, "::error title=not scanned::{}", data(&format!("{what}: {reason}")))?;
    }
    Ok(())
}

/// Text after the second `::`.
fn data(text: &str) -> String {
    safe::line(text).replace('%', "%25")
}

/// The value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
