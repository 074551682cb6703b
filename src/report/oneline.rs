//! One place per line, `path:line:column: severity rule value`, as compilers write; editors and `grep` read it.

use std::io::{self, Write};

use super::json::severity;
use super::names::Names;
use super::places::{View, position};
use super::rows::{Place, masked, places, unread};
use super::{Context, Show, safe};
use crate::finding::Finding;
use crate::scan::Outcome;

pub(super) fn write(out: &mut dyn Write, outcome: &Outcome, context: &Context<'_>) -> io::Result<()> {
    let view = View { context, names: Names::of(outcome, context.secrets) };
    for finding in &outcome.findings {
        for place in places(finding) {
            writeln!(out, "{}", line(finding, place, &view))?;
        }
    }
    for (what, reason) in unread(outcome) {
        writeln!(out, "{what}: not scanned: {reason}")?;
    }
    Ok(())
}

fn line(finding: &Finding, place: Place<'_>, view: &View<'_>) -> String {
    let value = match view.context.secrets {
        Show::InFull if !finding.rule.is_of_file() => safe::line(&finding.secret.expose_text()),
        Show::Masked | Show::InFull => masked(finding, place),
    };
    let past = if place.is_gone() { " (in history)" } else { "" };
    let rule = finding.rule;
    format!("{}: {} {} {}{past}", position(place.at, view), severity(finding.severity), rule.id, value)
}
