//! betterleaks: version 2 writes one JSON document, or a line for each finding
//! (<https://github.com/betterleaks/betterleaks>); version 1 wrote what gitleaks does.

use serde_json::Value;

use super::{ForeignError, Place, Record, gitleaks, line, named, needed, text};

/// Whether an object is a report of version 2, or a line of one.
pub(super) fn is_report(one: &Value) -> bool {
    one.get("schema_version").is_some() && (one.get("findings").is_some_and(Value::is_array) || one.get("finding").is_some())
}

pub(super) fn report(values: &[Value]) -> Result<Vec<Record>, ForeignError> {
    let findings = values.iter().flat_map(|value| match (value.get("findings").and_then(Value::as_array), value.get("finding")) {
        (Some(all), _) => all.iter().collect(),
        (None, Some(one)) => vec![one],
        // The last line tells how much was scanned.
        (None, None) if value.get("schema_version").is_some() => Vec::new(),
        (None, None) => vec![value],
    });
    (1..).zip(findings).map(|(number, value)| record(number, value)).collect()
}

fn record(number: usize, value: &Value) -> Result<Record, ForeignError> {
    if value.get("RuleID").is_some() {
        return gitleaks::record(number, value);
    }
    let location = needed(number, "location", value.get("location"))?;
    let place = Place {
        path: needed(number, "location.path", text(location, "path"))?.to_owned(),
        line: needed(number, "location.start_line", line(location, "start_line"))?,
        commit: value.get("attributes").and_then(|attributes| text(attributes, "git.sha")).map(str::to_owned),
    };
    let rule = needed(number, "rule_id", text(value, "rule_id"))?.to_owned();
    let value = named(value.get("match").and_then(|found| text(found, "value")));
    Ok(Record { number, rule, place: Some(place), value, verdict: None })
}
