//! The report for people: one block per secret with its line, then what was scanned, what was not,
//! and what to do next. Styled; whoever prints it takes the styles out where they do not belong.

use std::io::{self, Write};

use owo_colors::OwoColorize as _;
use unicode_width::UnicodeWidthStr as _;

use super::json::{confidence, severity};
use super::names::Names;
use super::places::{View, in_history, plural, position};
use super::{Context, Show, safe};
use crate::finding::{Excerpt, Finding, Occurrence};
use crate::rule::Severity;
use crate::scan::Outcome;

/// Other places listed by name below the first.
const OTHERS: usize = 5;
/// Skipped paths listed by name.
const SKIPPED: usize = 20;

/// Writes the whole report.
pub fn write(out: &mut impl Write, outcome: &Outcome, context: &Context<'_>) -> io::Result<()> {
    let view = &View { context, names: Names::of(outcome, context.secrets) };
    for finding in alone(outcome) {
        block(out, finding, view)?;
        let belongs = |other: &&Finding| other.identifies.as_ref() == Some(&finding.fingerprint);
        for identifier in outcome.findings.iter().filter(belongs) {
            identified(out, identifier, view)?;
        }
        writeln!(out, "   {} fingerprint {}\n", "=".blue().bold(), finding.fingerprint)?;
    }
    skipped(out, outcome, &view.names)?;
    allowlist(out, outcome)?;
    summary(out, outcome, context)
}

/// Findings but for identifiers that are shown with their secrets.
fn alone(outcome: &Outcome) -> impl Iterator<Item = &Finding> {
    outcome.findings.iter().filter(|finding| finding.identifies.is_none())
}

fn block(out: &mut impl Write, finding: &Finding, view: &View<'_>) -> io::Result<()> {
    let rule = finding.rule;
    let label = format!("{}[{}]", severity(rule.severity), rule.id);
    let label = match rule.severity {
        Severity::Critical | Severity::High => label.red().bold().to_string(),
        Severity::Medium => label.yellow().bold().to_string(),
        Severity::Low => label.cyan().bold().to_string(),
    };
    writeln!(out, "{label}{} {}", ":".bold(), format!("{} ({} confidence)", rule.name, confidence(finding.confidence)).bold())?;
    frame(out, finding, view)?;
    if let Some(sighting) = &finding.occurrences[0].sighting {
        writeln!(out, "   {} {}", "=".blue().bold(), in_history(sighting, &view.names))?;
    }
    others(out, &finding.occurrences[1..], view)
}

/// The identifier that stands beside a secret, on a line of its own.
fn identified(out: &mut impl Write, identifier: &Finding, view: &View<'_>) -> io::Result<()> {
    let first = &identifier.occurrences[0];
    let shown = Shown::of(first, identifier, view.context.secrets).secret;
    let (name, at) = (identifier.rule.name, position(first, view));
    writeln!(out, "   {} with {name} {shown} at {at}, fingerprint {}", "=".blue().bold(), identifier.fingerprint)
}

/// The first place: where it is, its line, and marks below the secret.
fn frame(out: &mut impl Write, finding: &Finding, view: &View<'_>) -> io::Result<()> {
    let first = &finding.occurrences[0];
    let shown = Shown::of(first, finding, view.context.secrets);
    let number = first.start.line.to_string();
    let gutter = " ".repeat(number.len());
    let bar = "|".blue().bold().to_string();
    writeln!(out, "{gutter}{} {}", "-->".blue().bold(), position(first, view))?;
    writeln!(out, "{gutter} {bar}")?;
    writeln!(out, "{} {bar} {}{}{}", number.blue().bold(), shown.before, shown.secret, shown.after)?;
    let marks = "^".repeat(shown.secret.width().max(1));
    let label = if shown.label.is_empty() { String::new() } else { format!(" {}", shown.label.red()) };
    writeln!(out, "{gutter} {bar} {}{}{label}", " ".repeat(shown.before.width()), marks.red().bold())
}

/// A line as it is shown: harmless, the secret masked unless it was asked for.
struct Shown {
    before: String,
    secret: String,
    after: String,
    label: String,
}

impl Shown {
    fn of(occurrence: &Occurrence, finding: &Finding, secrets: Show) -> Self {
        let Excerpt { text, mark } = &occurrence.excerpt;
        let lines = occurrence.end.line - occurrence.start.line + 1;
        Self {
            before: safe::line(&text[..mark.start]),
            secret: match secrets {
                Show::Masked => safe::line(&text[mark.clone()]),
                Show::InFull => safe::line(&finding.secret.expose_text()),
            },
            after: safe::line(&text[mark.end..]),
            label: if lines > 1 { format!("{lines} lines") } else { String::new() },
        }
    }
}

fn others(out: &mut impl Write, places: &[Occurrence], view: &View<'_>) -> io::Result<()> {
    for occurrence in places.iter().take(OTHERS) {
        let past = occurrence.sighting.as_deref().map(|sighting| format!(" {}", in_history(sighting, &view.names))).unwrap_or_default();
        writeln!(out, "   {} also {}{past}", "=".blue().bold(), position(occurrence, view))?;
    }
    if places.len() > OTHERS {
        writeln!(out, "   {} and {}", "=".blue().bold(), plural((places.len() - OTHERS) as u64, "more place", "more places"))?;
    }
    Ok(())
}

fn skipped(out: &mut impl Write, outcome: &Outcome, names: &Names<'_>) -> io::Result<()> {
    for skip in outcome.skipped.iter().take(SKIPPED) {
        writeln!(
            out,
            "{} {}: {}",
            "not scanned:".yellow().bold(),
            safe::line(&names.masked(&skip.what)),
            safe::line(&skip.reason.to_string())
        )?;
    }
    if outcome.skipped.len() > SKIPPED {
        writeln!(out, "{} {} more; `--format json` lists them all", "not scanned:".yellow().bold(), outcome.skipped.len() - SKIPPED)?;
    }
    Ok(())
}

fn allowlist(out: &mut impl Write, outcome: &Outcome) -> io::Result<()> {
    for entry in &outcome.suppressions {
        let label = format!("allow entry {} ({})", entry.entry, safe::line(&entry.reason));
        if let Some(day) = entry.expired {
            writeln!(out, "{} {label} expired on {day} and allows nothing any more", "note:".cyan().bold())?;
        } else if entry.used == 0 {
            writeln!(out, "{} {label} matched nothing in this scan", "note:".cyan().bold())?;
        }
    }
    Ok(())
}

fn summary(out: &mut impl Write, outcome: &Outcome, context: &Context<'_>) -> io::Result<()> {
    let scanned = format!("{} scanned in {}", quantity(outcome), duration(context.elapsed));
    let suppressed = outcome.allowed_inline + outcome.suppressions.iter().map(|entry| entry.used).sum::<usize>();
    let mut allowed = if suppressed > 0 { format!(", {} allowed", plural(suppressed as u64, "place", "places")) } else { String::new() };
    if outcome.left_out > 0 {
        allowed += &format!(", {} left out by .sopupignore", plural(outcome.left_out, "item", "items"));
    }
    match (alone(outcome).count(), outcome.is_complete()) {
        (0, true) => writeln!(out, "{} {scanned}{allowed}", "no secrets found:".green().bold()),
        (0, false) => writeln!(
            out,
            "{} no secrets in what could be read, but {} could not: {scanned}{allowed}",
            "incomplete:".yellow().bold(),
            plural(outcome.skipped.len() as u64, "item", "items")
        ),
        (count, complete) => {
            let places = plural(outcome.occurrences() as u64, "place", "places");
            let head = format!("{} in {places}", plural(count as u64, "secret", "secrets"));
            let rest = if complete {
                String::new()
            } else {
                format!("; incomplete: {} could not be read", plural(outcome.skipped.len() as u64, "item", "items"))
            };
            writeln!(out, "{} ({}): {scanned}{allowed}{rest}", head.red().bold(), by_severity(outcome))?;
            writeln!(
                out,
                "Next: `sopup rules show {}` tells how to replace the first. False alarm? End its line with `sopup:allow`,",
                outcome.findings[0].rule.id
            )?;
            writeln!(out, "or give it an entry under `allow:` in .sopup.yaml.")
        }
    }
}

fn by_severity(outcome: &Outcome) -> String {
    let count = |wanted: Severity| alone(outcome).filter(|finding| finding.rule.severity == wanted).count();
    let all = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low];
    let parts: Vec<String> =
        all.into_iter().filter(|&wanted| count(wanted) > 0).map(|wanted| format!("{} {}", count(wanted), severity(wanted))).collect();
    parts.join(", ")
}

fn quantity(outcome: &Outcome) -> String {
    let seen = outcome.seen;
    let files = plural(seen.files, "file", "files");
    let blobs = plural(seen.blobs, "blob", "blobs");
    let texts = match (seen.files, seen.blobs) {
        (_, 0) => files,
        (0, _) => blobs,
        _ => format!("{files} and {blobs}"),
    };
    let known = match seen.known {
        0 => String::new(),
        known => format!(", {} known from an earlier scan", plural(known, "object", "objects")),
    };
    format!("{texts}, {}{known}", size(seen.bytes))
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1000 => format!("{bytes} B"),
        1000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}

fn duration(elapsed: std::time::Duration) -> String {
    match elapsed.as_millis() {
        millis @ 0..1000 => format!("{millis} ms"),
        millis => format!("{:.1} s", millis as f64 / 1e3),
    }
}
