//! The report `sopup.report/v1`, as one JSON document or one finding per line. These structs are
//! the wire format; nothing else is serialised.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::Serialize;

use super::names::Names;
use super::{Context, Show, wire};
use crate::baseline::{Entry, Silenced};
use crate::finding::{Finding, Occurrence};
use crate::rule::{Confidence, Kind, Severity};
use crate::scan::Outcome;
use crate::source::{Sighting, Skip, SourceKind};

#[derive(Serialize)]
struct ReportV1<'a> {
    schema: &'static str,
    tool: Tool,
    target: TargetV1<'a>,
    summary: Summary<'a>,
    findings: Vec<FindingV1<'a>>,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct TargetV1<'a> {
    root: &'a str,
    scope: &'a str,
    head: Option<&'a str>,
}

#[derive(Serialize)]
struct Summary<'a> {
    secrets: usize,
    occurrences: usize,
    files: u64,
    blobs: u64,
    bytes: u64,
    known_objects: u64,
    elapsed_ms: u128,
    complete: bool,
    suppressed: usize,
    left_out: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<BaselineV1<'a>>,
    skipped: Vec<SkippedV1<'a>>,
}

/// What the baseline did.
#[derive(Serialize)]
struct BaselineV1<'a> {
    secrets: usize,
    occurrences: usize,
    expired: Vec<BaselineEntryV1<'a>>,
    /// Told only of scans that read everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    stale: Option<Vec<BaselineEntryV1<'a>>>,
}

#[derive(Serialize)]
struct BaselineEntryV1<'a> {
    fingerprint: String,
    rule: &'a str,
    place: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
}

#[derive(Serialize)]
struct SkippedV1<'a> {
    path: Cow<'a, str>,
    reason: String,
}

#[derive(Serialize)]
struct FindingV1<'a> {
    rule: &'a str,
    name: &'a str,
    severity: &'static str,
    confidence: &'static str,
    kind: &'static str,
    fingerprint: String,
    secret: SecretV1,
    reasons: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identifies: Option<String>,
    occurrences: Vec<OccurrenceV1<'a>>,
}

#[derive(Serialize)]
struct SecretV1 {
    redacted: String,
    length: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

#[derive(Serialize)]
struct OccurrenceV1<'a> {
    path: Cow<'a, str>,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: Option<usize>,
    byte_start: u64,
    byte_end: Option<u64>,
    source: &'static str,
    excerpt: &'a str,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    history: Option<HistoryV1<'a>>,
}

/// What the history says of a place that is not on disk.
#[derive(Serialize)]
struct HistoryV1<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    blob: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_commit: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_date: Option<String>,
    in_head: bool,
    versions: usize,
    refs: Vec<Cow<'a, str>>,
    ref_count: usize,
}

/// Writes one document.
pub(super) fn write_report(out: &mut dyn Write, outcome: &Outcome, context: &Context<'_>) -> io::Result<()> {
    let suppressed = outcome.allowed_inline + outcome.suppressions.iter().map(|entry| entry.used).sum::<usize>();
    let names = Names::of(outcome, context.secrets);
    let report = ReportV1 {
        schema: "sopup.report/v1",
        tool: Tool { name: "sopup", version: env!("CARGO_PKG_VERSION") },
        target: TargetV1 { root: context.root, scope: &context.covered.what, head: context.head },
        summary: Summary {
            secrets: outcome.findings.len(),
            occurrences: outcome.occurrences(),
            files: outcome.seen.files,
            blobs: outcome.seen.blobs,
            bytes: outcome.seen.bytes,
            known_objects: outcome.seen.known,
            elapsed_ms: context.elapsed.as_millis(),
            complete: outcome.is_complete(),
            suppressed,
            left_out: outcome.left_out,
            baseline: outcome.baseline.as_ref().map(baseline),
            skipped: outcome.skipped.iter().map(|skip| left_unread(skip, &names)).collect(),
        },
        findings: outcome.findings.iter().map(|finding| entry(finding, context.secrets, &names)).collect(),
    };
    wire::document(out, &report)
}

/// Writes one line per finding, then one with the summary's `complete` and `skipped`.
pub(super) fn write_lines(out: &mut dyn Write, outcome: &Outcome, context: &Context<'_>) -> io::Result<()> {
    let names = Names::of(outcome, context.secrets);
    for finding in &outcome.findings {
        wire::line(out, &entry(finding, context.secrets, &names))?;
    }
    for skip in &outcome.skipped {
        wire::line(out, &SkippedLine { skipped: left_unread(skip, &names) })?;
    }
    Ok(())
}

#[derive(Serialize)]
struct SkippedLine<'a> {
    skipped: SkippedV1<'a>,
}

fn left_unread<'a>(skip: &'a Skip, names: &'a Names<'_>) -> SkippedV1<'a> {
    SkippedV1 { path: names.masked(&skip.what), reason: skip.reason.to_string() }
}

fn baseline(silenced: &Silenced) -> BaselineV1<'_> {
    BaselineV1 {
        secrets: silenced.secrets,
        occurrences: silenced.places,
        expired: silenced.expired.iter().map(baseline_entry).collect(),
        stale: silenced.stale.as_ref().map(|stale| stale.iter().map(baseline_entry).collect()),
    }
}

fn baseline_entry(entry: &Entry) -> BaselineEntryV1<'_> {
    let expires = entry.expires.map(|day| day.to_string());
    BaselineEntryV1 { fingerprint: entry.id.to_string(), rule: &entry.rule, place: &entry.place, expires }
}

fn entry<'a>(finding: &'a Finding, secrets: Show, names: &'a Names<'_>) -> FindingV1<'a> {
    let length = finding.secret.length();
    let is_told = super::is_length_told(finding, secrets);
    FindingV1 {
        rule: finding.rule.id,
        name: finding.rule.name,
        severity: severity(finding.severity),
        confidence: confidence(finding.confidence),
        kind: kind(finding.rule.kind),
        fingerprint: finding.fingerprint.to_string(),
        secret: SecretV1 {
            redacted: finding.secret.redacted(),
            length: is_told.then_some(length),
            value: (secrets == Show::InFull).then(|| finding.secret.expose_text().to_string()),
        },
        reasons: finding.reasons.iter().map(|reason| reason.code()).collect(),
        occurrences: finding.occurrences.iter().map(|one| place(one, is_told, names)).collect(),
        identifies: finding.identifies.as_ref().map(ToString::to_string),
    }
}

/// Where it ends is left open where that would tell the length of a short secret.
fn place<'a>(occurrence: &'a Occurrence, is_length_told: bool, names: &'a Names<'_>) -> OccurrenceV1<'a> {
    OccurrenceV1 {
        path: names.masked(&occurrence.origin.path),
        line: occurrence.start.line,
        column: occurrence.start.column,
        end_line: occurrence.end.line,
        end_column: is_length_told.then_some(occurrence.end.column),
        byte_start: occurrence.bytes.start,
        byte_end: is_length_told.then_some(occurrence.bytes.end),
        source: occurrence.origin.source.code(),
        excerpt: &occurrence.excerpt.text,
        history: occurrence.sighting.as_deref().map(|sighting| history(occurrence, sighting, names)),
    }
}

fn history<'a>(occurrence: &Occurrence, sighting: &'a Sighting, names: &'a Names<'_>) -> HistoryV1<'a> {
    let (first, last) = (sighting.commit.as_ref(), sighting.last.as_ref());
    let is_blob = occurrence.origin.source != SourceKind::Message && !sighting.object.is_empty();
    HistoryV1 {
        blob: is_blob.then_some(&sighting.object),
        commit: first.map(|commit| commit.id.as_str()),
        author: first.map(|commit| names.masked(&commit.author)),
        date: first.map(|commit| date(commit.date)),
        last_commit: last.map(|commit| commit.id.as_str()),
        last_date: last.map(|commit| date(commit.date)),
        in_head: sighting.in_head,
        versions: sighting.versions,
        refs: sighting.refs.iter().map(|name| names.masked(name)).collect(),
        ref_count: sighting.ref_count,
    }
}

/// RFC 3339, in the zone it was written in.
pub(super) fn date((seconds, minutes): (i64, i32)) -> String {
    super::local(seconds, minutes).map(|time| time.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()).unwrap_or_default()
}

/// The code of a severity in reports and options.
pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

/// The code of a confidence in reports and options.
pub fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
    }
}

/// The code of a kind in reports.
pub fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Token => "token",
        Kind::Password => "password",
        Kind::PrivateKey => "private-key",
        Kind::ConnectionUrl => "connection-url",
        Kind::Identifier => "identifier",
        Kind::Hash => "hash",
    }
}
