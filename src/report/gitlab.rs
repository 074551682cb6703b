//! GitLab's report of secret detection, in the form of its schema 15.0.7.
//! <https://gitlab.com/gitlab-org/security-products/security-report-schemas>

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Value, json};

use super::rows::{Row, rows, unread};
use super::{Context, HOME, VERSION, wire};
use crate::rule::Severity;
use crate::scan::Outcome;

/// What GitLab's own analyzer gives for what no commit has.
const NO_COMMIT: &str = "0000000";

#[derive(Serialize)]
struct Report<'a> {
    version: &'static str,
    scan: Value,
    vulnerabilities: Vec<Vulnerability<'a>>,
}

#[derive(Serialize)]
struct Vulnerability<'a> {
    id: String,
    category: &'static str,
    name: &'static str,
    description: String,
    severity: &'static str,
    solution: String,
    identifiers: [Identifier<'a>; 2],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<Value>,
    location: Value,
    tracking: Value,
}

#[derive(Serialize)]
struct Identifier<'a> {
    r#type: &'static str,
    name: String,
    value: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'static str>,
}

pub(super) fn write(out: &mut dyn Write, outcome: &Outcome, context: &Context<'_>) -> io::Result<()> {
    let time = |time: jiff::Timestamp| time.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let tool = json!({"id": "sopup", "name": "sopup", "url": HOME, "version": VERSION, "vendor": {"name": "sopup"}});
    let messages: Vec<Value> = unread(outcome)
        .into_iter()
        .map(|(what, reason)| json!({"level": "warn", "value": format!("{what}: not scanned: {reason}")}))
        .collect();
    let report = Report {
        version: "15.0.7",
        scan: json!({
            "analyzer": tool,
            "scanner": tool,
            "type": "secret_detection",
            "start_time": time(context.begun),
            "end_time": time(context.ended()),
            "status": if outcome.is_complete() { "success" } else { "failure" },
            "messages": messages,
        }),
        vulnerabilities: rows(outcome, context).iter().map(|row| vulnerability(row, context)).collect(),
    };
    wire::document(out, &report)
}

fn vulnerability<'a>(row: &Row<'a>, context: &Context<'_>) -> Vulnerability<'a> {
    let rule = row.finding.rule;
    Vulnerability {
        id: uuid(&row.id),
        category: "secret_detection",
        name: rule.name,
        description: row.message(),
        severity: match row.finding.severity {
            Severity::Critical => "Critical",
            Severity::High => "High",
            Severity::Medium => "Medium",
            Severity::Low => "Low",
        },
        solution: rule.rotate_steps.join(" ").chars().take(7000).collect(),
        identifiers: [
            Identifier { r#type: "sopup_rule_id", name: format!("sopup rule {}", rule.id), value: rule.id, url: None },
            Identifier {
                r#type: "cwe",
                name: "CWE-798".to_owned(),
                value: "798",
                url: Some("https://cwe.mitre.org/data/definitions/798.html"),
            },
        ],
        links: row.url().map(|url| json!({"name": "How to replace it", "url": url})).into_iter().collect(),
        location: location(row, context),
        tracking: json!({
            "type": "source",
            "items": [{
                "file": row.path,
                "start_line": row.line(),
                "end_line": row.line(),
                "signatures": [{"algorithm": "scope_offset", "value": row.id}],
            }],
        }),
    }
}

fn location(row: &Row<'_>, context: &Context<'_>) -> Value {
    let mut commit = json!({"sha": row.commit().or(context.head).unwrap_or(NO_COMMIT)});
    if let Some(date) = row.date() {
        commit["date"] = date.into();
        commit["author"] = row.author.clone().into();
    }
    let mut location = json!({"commit": commit});
    if row.is_file() {
        location["file"] = row.path.clone().into();
        location["start_line"] = row.line().into();
        location["end_line"] = row.end().map_or(row.line(), |(line, _)| line).into();
    }
    location
}

/// An id in the shape that GitLab recommends, made of one that stays the same.
fn uuid(id: &str) -> String {
    format!("{}-{}-8{}-8{}-{}", &id[..8], &id[8..12], &id[13..16], &id[17..20], &id[20..32])
}
