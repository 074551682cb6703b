//! SARIF 2.1.0 as GitHub's code scanning reads it, which also takes `security-severity` and `primaryLocationLineHash`.
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>,
//! <https://docs.github.com/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning>

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Value, json};

use super::json::{confidence, kind};
use super::rows::{Row, link, rows, unread};
use super::{Context, HOME, VERSION, safe, wire};
use crate::rule::{Rule, Severity};
use crate::scan::Outcome;

/// GitHub takes no file with more results in a run.
const MOST: usize = 25_000;
/// What paths are relative to.
const ROOT: &str = "%SRCROOT%";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Tool,
    automation_details: Value,
    invocations: [Value; 1],
    original_uri_base_ids: Value,
    column_kind: &'static str,
    results: Vec<SarifResult<'a>>,
    properties: Value,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    version: &'static str,
    semantic_version: &'static str,
    information_uri: &'static str,
    rules: Vec<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult<'a> {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: Message,
    locations: [Value; 1],
    partial_fingerprints: Fingerprints,
    properties: Properties<'a>,
}

#[derive(Serialize)]
struct Message {
    text: String,
}

#[derive(Serialize)]
struct Fingerprints {
    #[serde(rename = "primaryLocationLineHash")]
    place: String,
    #[serde(rename = "sopup/v1")]
    value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Properties<'a> {
    confidence: &'static str,
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_head: Option<bool>,
}

pub(super) fn write(out: &mut dyn Write, outcome: &Outcome, context: &Context<'_>) -> io::Result<()> {
    let rows = rows(outcome, context);
    let rules: BTreeMap<&str, &'static Rule> = rows.iter().map(|row| (row.finding.rule.id, row.finding.rule)).collect();
    let number: BTreeMap<&str, usize> = rules.keys().enumerate().map(|(number, &id)| (id, number)).collect();
    let run = Run {
        tool: Tool {
            driver: Driver {
                name: "sopup",
                version: VERSION,
                semantic_version: VERSION,
                information_uri: HOME,
                rules: rules.values().map(|rule| descriptor(rule)).collect(),
            },
        },
        automation_details: json!({"id": "sopup/"}),
        invocations: [invocation(outcome, context, rows.len())],
        original_uri_base_ids: json!({ROOT: {"description": {"text": "The top of the repository, or the scanned folder."}}}),
        column_kind: "unicodeCodePoints",
        results: rows.iter().take(MOST).map(|row| result(row, number[row.finding.rule.id])).collect(),
        properties: json!({
            "revision": context.head,
            "allowedByComment": outcome.allowed_inline,
            "allowedByConfiguration": outcome.suppressions.iter().map(|entry| entry.used).sum::<usize>(),
            "inBaseline": outcome.baseline.as_ref().map_or(0, |baseline| baseline.places),
        }),
    };
    let schema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json";
    wire::document(out, &Log { schema, version: "2.1.0", runs: [run] })
}

fn descriptor(rule: &Rule) -> Value {
    let steps: Vec<String> = rule.rotate_steps.iter().enumerate().map(|(at, step)| format!("{}. {step}", at + 1)).collect();
    let page = link(rule).map(|url| format!("\n\n{url}")).unwrap_or_default();
    let text = format!("Replace it where it was issued; whoever has read it keeps it.\n\n{}{page}", steps.join("\n"));
    let mut descriptor = json!({
        "id": rule.id,
        "name": pascal_case(rule.id),
        "shortDescription": {"text": rule.name},
        "fullDescription": {"text": format!("{} in a file or in the history of the repository.", rule.name)},
        "help": {"text": text, "markdown": text},
        "defaultConfiguration": {"level": level(rule.severity)},
        "properties": {
            "security-severity": security_severity(rule.severity),
            "precision": precision(rule),
            "tags": ["security", "secret", kind(rule.kind), "external/cwe/cwe-798"],
        },
    });
    if let Some(url) = link(rule) {
        descriptor["helpUri"] = url.into();
    }
    descriptor
}

fn result<'a>(row: &Row<'a>, rule_index: usize) -> SarifResult<'a> {
    SarifResult {
        rule_id: row.finding.rule.id,
        rule_index,
        level: level(row.finding.severity),
        message: Message { text: plain(&row.message()) },
        locations: [location(row)],
        partial_fingerprints: Fingerprints { place: format!("{}:1", &row.id[..32]), value: row.finding.fingerprint.to_string() },
        properties: Properties {
            confidence: confidence(row.finding.confidence),
            source: row.place.at.origin.source.code(),
            commit: row.commit(),
            date: row.date(),
            in_head: row.place.past.map(|past| past.in_head),
        },
    }
}

/// GitHub shows nothing without a file and a line, so what has none is named as if it had.
fn location(row: &Row<'_>) -> Value {
    let mut region = json!({"startLine": row.line()});
    if row.is_in_text() {
        region["startColumn"] = row.place.at.start.column.into();
    }
    if let Some((line, column)) = row.end() {
        region["endLine"] = line.into();
        region["endColumn"] = column.into();
    }
    let mut location = json!({
        "physicalLocation": {"artifactLocation": {"uri": safe::uri(&row.path), "uriBaseId": ROOT}, "region": region},
    });
    if !row.is_file() {
        location["logicalLocations"] = json!([{"fullyQualifiedName": row.path, "kind": row.place.at.origin.source.code()}]);
    }
    location
}

fn invocation(outcome: &Outcome, context: &Context<'_>, places: usize) -> Value {
    let mut notes: Vec<Value> = unread(outcome)
        .into_iter()
        .map(|(what, reason)| notification("error", "not-scanned", &format!("{what}: not scanned: {reason}")))
        .collect();
    if places > MOST {
        let text = format!("{} places of the least severe secrets are left out: a file holds {MOST} results", places - MOST);
        notes.push(notification("warning", "too-many-results", &text));
    }
    json!({
        "executionSuccessful": outcome.is_complete(),
        "startTimeUtc": time(context.begun),
        "endTimeUtc": time(context.ended()),
        "toolExecutionNotifications": notes,
    })
}

fn notification(level: &str, id: &str, text: &str) -> Value {
    json!({"level": level, "descriptor": {"id": id}, "message": {"text": plain(text)}})
}

fn time(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Text in which neither links nor placeholders are seen (3.11.5, 3.11.6).
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '[' | ']' | '\\' => out.push('\\'),
            '{' | '}' => out.push(character),
            _ => (),
        }
        out.push(character);
    }
    out
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    }
}

/// GitHub's bounds: above 9.0 critical, from 7.0 high, from 4.0 medium.
fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
    }
}

fn precision(rule: &Rule) -> &'static str {
    match confidence(rule.confidence) {
        "high" => "very-high",
        "medium" => "medium",
        _ => "low",
    }
}

fn pascal_case(id: &str) -> String {
    let capital = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    id.split(|character: char| !character.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).map(capital).collect()
}
