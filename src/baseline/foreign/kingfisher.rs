//! kingfisher (<https://github.com/mongodb/kingfisher>): JSON reports, and baselines, which name values by a hash of its own;
//! of these only the place is of use.

use serde::Deserialize;
use serde_json::Value;

use super::{ForeignError, Named, Place, Record, line, named, needed, text};
use crate::text::{SETTINGS, check_nesting};

#[derive(Deserialize)]
struct BaselineSyntax {
    #[serde(default)]
    repositories: Vec<RepositorySyntax>,
    #[serde(default, rename = "ExactFindings")]
    exact: ExactSyntax,
}

#[derive(Deserialize)]
struct RepositorySyntax {
    findings: Vec<FindingSyntax>,
}

#[derive(Default, Deserialize)]
struct ExactSyntax {
    #[serde(default)]
    matches: Vec<FindingSyntax>,
}

#[derive(Deserialize)]
struct FindingSyntax {
    #[serde(alias = "filepath")]
    path: String,
    #[serde(alias = "linenum")]
    line: usize,
    #[serde(default)]
    rule_id: String,
}

pub(super) fn report(values: &[Value]) -> Result<Vec<Record>, ForeignError> {
    let mut found = Vec::new();
    for value in values {
        let findings = match value.get("findings").and_then(Value::as_array) {
            Some(findings) => findings.iter().collect(),
            None if value.get("finding").is_some() => vec![value],
            // How much was scanned.
            None => Vec::new(),
        };
        for finding in findings {
            found.push(record(found.len() + 1, finding)?);
        }
    }
    Ok(found)
}

fn record(number: usize, value: &Value) -> Result<Record, ForeignError> {
    let finding = needed(number, "finding", value.get("finding"))?;
    let rule = value.pointer("/rule/id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let commit = finding.pointer("/git_metadata/commit/id").and_then(Value::as_str).map(str::to_owned);
    let place = text(finding, "path").zip(line(finding, "line"));
    let place = place.map(|(path, line)| Place { path: path.to_owned(), line, commit });
    Ok(Record { number, rule, place, value: named(text(finding, "snippet")), verdict: None })
}

/// Whether a text looks like a baseline.
pub(super) fn is_baseline(text: &str) -> bool {
    text.lines()
        .any(|line| line.trim_end() == "repositories:" || line.trim_end() == "repositories: []" || line.starts_with("ExactFindings:"))
}

pub(super) fn baseline(text: &str) -> Result<Vec<Record>, ForeignError> {
    check_nesting(text, SETTINGS).map_err(|(line, message)| ForeignError::Syntax { line, message })?;
    let read: BaselineSyntax = serde_yaml::from_str(text).map_err(|error| {
        let line = error.location().map_or(1, |location| location.line());
        ForeignError::Syntax { line, message: "not a baseline of kingfisher".to_owned() }
    })?;
    let all = read.repositories.into_iter().flat_map(|one| one.findings).chain(read.exact.matches);
    let record = |(number, one): (usize, FindingSyntax)| Record {
        number,
        rule: one.rule_id,
        place: Some(Place { path: one.path, line: one.line, commit: None }),
        value: Named::Nothing,
        verdict: None,
    };
    Ok((1..).zip(all).map(record).collect())
}
