//! How the report ends: what was not scanned, what is allowed, what was in scope, and what to do next.

use std::io::{self, Write};

use owo_colors::OwoColorize as _;

use super::{MANY, is_alone};
use crate::finding::Finding;
use crate::report::json::severity;
use crate::report::names::Names;
use crate::report::places::{View, plural, position, secrets_in_places};
use crate::report::rows::places;
use crate::report::{Context, safe};
use crate::rule::{Confidence, PLAIN_SOPS_FILE, Severity, builtin};
use crate::scan::Outcome;
use crate::source::{SkipReason, SourceKind};
use crate::text::shell_word;

/// Skipped paths listed by name.
const SKIPPED: usize = 20;
/// Entries of the baseline that expired, listed by name.
const EXPIRED: usize = 20;

/// The last lines alone: how much was found and scanned, and what is not complete.
///
/// # Errors
/// What `out` says.
pub fn summary(out: &mut dyn Write, outcome: &Outcome, context: &Context<'_>) -> io::Result<()> {
    let (scanned, allowed) = (scanned(outcome, context), allowed(outcome));
    let unread = plural(outcome.skipped.len() as u64, "item", "items");
    match (outcome.findings.len(), outcome.is_complete()) {
        (0, true) => writeln!(out, "{} {scanned}{allowed}", "no secrets found:".green().bold()),
        (0, false) => {
            let incomplete = "incomplete:".yellow().bold().to_string();
            writeln!(out, "{incomplete} no secrets in what could be read, but {unread} could not: {scanned}{allowed}")
        }
        (count, complete) => {
            let found: usize = outcome.findings.iter().map(|finding| places(finding).len()).sum();
            let head = secrets_in_places(count as u64, found as u64);
            let rest = if complete { String::new() } else { format!("; incomplete: {unread} could not be read") };
            writeln!(out, "{} ({}): {scanned}{allowed}{rest}", head.red().bold(), by_severity(&outcome.findings))
        }
    }
}

/// The last lines, and what to do next.
pub(super) fn write(out: &mut dyn Write, outcome: &Outcome, context: &Context<'_>) -> io::Result<()> {
    summary(out, outcome, context)?;
    if let Some(missing) = &context.covered.missing {
        writeln!(out, "{} {}", "note:".cyan().bold(), safe::line(missing))?;
    }
    if outcome.seen.files + outcome.seen.blobs + outcome.seen.known == 0 {
        writeln!(out, "{} there was nothing to scan", "note:".cyan().bold())?;
    }
    let lacks = outcome.skipped.iter().any(|skip| skip.reason == SkipReason::Missing);
    if context.covered.is_shallow && lacks {
        let hint = "this is a shallow clone; `git fetch --unshallow` gets the rest (in CI: check out with full depth)";
        writeln!(out, "{} {hint}", "hint:".cyan().bold())?;
    } else if lacks {
        let hint = "the repository lacks objects: `git fsck` lists them; a new clone, or `git fetch --refetch`, may bring them";
        writeln!(out, "{} {hint}", "hint:".cyan().bold())?;
    }
    if outcome.findings.iter().any(is_alone) { next(out, outcome, context) } else { Ok(()) }
}

fn next(out: &mut dyn Write, outcome: &Outcome, context: &Context<'_>) -> io::Result<()> {
    let all = || {
        outcome
            .findings
            .iter()
            .filter(|finding| is_alone(finding))
            .flat_map(|finding| places(finding).into_iter().map(move |place| (finding, place)))
    };
    let in_file = |source| matches!(source, SourceKind::Worktree | SourceKind::Index);
    let mut steps = Vec::new();
    if let Some((finding, place)) = all().find(|(finding, _)| finding.rule.is_of_file()) {
        steps.extend(steps_for_file(finding, &safe::line(&Names::of(outcome, context.secrets).masked(&place.at.origin.path))));
    }
    let all = || all().filter(|(finding, _)| !finding.rule.is_of_file());
    let Some((first, _)) = all().next() else { return told(out, &steps) };
    if builtin().rules().any(|rule| rule.id == first.rule.id) {
        steps.push(format!("`sopup rules show {}` tells how to replace the first", first.rule.id));
    }
    if all().any(|(_, place)| place.at.sighting.is_none() && in_file(place.at.origin.source)) {
        steps.push("`sopup migrate --dry-run` shows how the files would change when secrets move to SOPS files".to_owned());
    } else if all().any(|(_, place)| place.is_gone()) {
        steps.push("`sopup purge plan` shows what it takes to get them out of the history".to_owned());
    }
    let doubtful = all().filter(|(_, place)| place.at.sighting.is_none() && place.at.origin.source == SourceKind::Worktree);
    let doubtful = doubtful.min_by_key(|(finding, _)| finding.confidence != Confidence::Medium).map(|(_, place)| {
        let view = View { context, names: Names::of(outcome, context.secrets) };
        let at = position(place.at, &view);
        shell_word(at.rsplit_once(':').map_or(at.as_str(), |(line, _)| line))
    });
    if let Some(line) = &doubtful {
        steps.push(format!("`sopup explain {line}` tells why it was reported"));
    }
    let allowed = doubtful.unwrap_or_else(|| first.fingerprint.to_string());
    steps.push(format!("false alarm? End its line with `sopup:allow`, or run `sopup allow {allowed} --reason TEXT`"));
    if outcome.baseline.is_none() && outcome.findings.len() > MANY {
        steps.push("`sopup baseline create` takes these as known, and scans report only new ones".to_owned());
    }
    told(out, &steps)
}

/// What mends a file that should be one of SOPS, and how it is accepted as it is.
fn steps_for_file(finding: &Finding, path: &str) -> [String; 2] {
    let file = shell_word(path);
    let mend = if finding.rule.id == PLAIN_SOPS_FILE.id {
        format!("`sopup encrypt --in-place {file}` encrypts it")
    } else {
        format!("`sopup doctor {file}` says what is wrong and what mends it")
    };
    let entry = format!("- {{rules: [{}], paths: ['{}'], reason: TEXT}}", finding.rule.id, path.replace('\'', "''"));
    let accept = format!("meant to be so? Write `{entry}` below `allow:` in .sopup.yaml");
    [mend, accept]
}

fn told(out: &mut dyn Write, steps: &[String]) -> io::Result<()> {
    for (number, step) in steps.iter().enumerate() {
        writeln!(out, "{}{step}", if number == 0 { "Next: " } else { "      " })?;
    }
    Ok(())
}

pub(super) fn skipped(out: &mut dyn Write, outcome: &Outcome, view: &View<'_>) -> io::Result<()> {
    for skip in outcome.skipped.iter().take(SKIPPED) {
        let (what, reason) = (safe::line(&view.names.masked(&skip.what)), safe::line(&skip.reason.to_string()));
        writeln!(out, "{} {what}: {reason}", "not scanned:".yellow().bold())?;
    }
    if outcome.skipped.len() > SKIPPED {
        let more = outcome.skipped.len() - SKIPPED;
        writeln!(out, "{} {more} more; `--format json` lists them all", "not scanned:".yellow().bold())?;
    }
    Ok(())
}

pub(super) fn allowlist(out: &mut dyn Write, outcome: &Outcome, is_whole: bool) -> io::Result<()> {
    for entry in &outcome.suppressions {
        let label = format!("allow entry {} ({})", entry.entry, safe::line(&entry.reason));
        if let Some(day) = entry.expired {
            writeln!(out, "{} {label} expired on {day} and allows nothing any more", "note:".cyan().bold())?;
        } else if entry.used == 0 && is_whole {
            writeln!(out, "{} {label} matched nothing in this scan", "note:".cyan().bold())?;
        }
    }
    Ok(())
}

/// Entries of the baseline that no longer do what they were made for.
pub(super) fn baseline(out: &mut dyn Write, outcome: &Outcome) -> io::Result<()> {
    let Some(baseline) = &outcome.baseline else { return Ok(()) };
    let note = "note:".cyan().bold().to_string();
    for entry in baseline.expired.iter().take(EXPIRED) {
        let (place, day) = (safe::line(&entry.place), entry.expires.map(|day| day.to_string()).unwrap_or_default());
        writeln!(out, "{note} the baseline's entry {} ({}, {place}) expired on {day} and counts no more", entry.id, entry.rule)?;
    }
    if baseline.expired.len() > EXPIRED {
        let more = plural((baseline.expired.len() - EXPIRED) as u64, "more entry", "more entries");
        writeln!(out, "{note} {more} of the baseline expired; `sopup baseline list --expired` shows them")?;
    }
    let stale = baseline.stale.as_ref().map_or(0, Vec::len);
    if stale > 0 {
        let entries = plural(stale as u64, "entry", "entries");
        writeln!(out, "{note} {entries} of the baseline matched nothing: `sopup baseline list --stale`, `sopup baseline prune`")?;
    }
    Ok(())
}

fn scanned(outcome: &Outcome, context: &Context<'_>) -> String {
    let what = &context.covered.what;
    let what = if what.is_empty() { String::new() } else { format!(" ({})", safe::line(what)) };
    format!("{} scanned in {}{what}", quantity(outcome), duration(context.elapsed))
}

fn allowed(outcome: &Outcome) -> String {
    let suppressed = outcome.allowed_inline + outcome.suppressions.iter().map(|entry| entry.used).sum::<usize>();
    let mut allowed = if suppressed > 0 { format!(", {} allowed", plural(suppressed as u64, "place", "places")) } else { String::new() };
    allowed += &in_baseline(outcome);
    if outcome.left_out > 0 {
        allowed += &format!(", {} left out by .sopupignore", plural(outcome.left_out, "item", "items"));
    }
    allowed
}

/// What the baseline silenced, to be added to a list; empty if it is nothing.
pub(in crate::report) fn in_baseline(outcome: &Outcome) -> String {
    match &outcome.baseline {
        Some(baseline) if baseline.secrets > 0 => {
            format!(", {} known from the baseline", plural(baseline.secrets as u64, "secret", "secrets"))
        }
        _ => String::new(),
    }
}

/// How many there are of each severity.
pub(in crate::report) fn by_severity<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> String {
    let mut counts = [0_u64; 4];
    findings.into_iter().for_each(|finding| counts[finding.severity as usize] += 1);
    let all = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low];
    let parts = all.into_iter().filter(|&one| counts[one as usize] > 0);
    parts.map(|one| plural(counts[one as usize], severity(one), severity(one))).collect::<Vec<_>>().join(", ")
}

/// How much was read.
pub(in crate::report) fn quantity(outcome: &Outcome) -> String {
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
