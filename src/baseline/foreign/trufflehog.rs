//! Findings of trufflehog, version 3 (<https://github.com/trufflesecurity/trufflehog>): `--json` writes one object a line. Where
//! a finding is depends on what was scanned; a file with a line is the same everywhere.

use serde_json::Value;

use super::{ForeignError, Place, Record, line, named, needed, text};

pub(super) fn report(values: &[Value]) -> Result<Vec<Record>, ForeignError> {
    // The program's own log may stand among them.
    let findings = (1..).zip(values).filter(|(_, value)| value.get("level").is_none());
    findings.map(|(number, value)| record(number, value)).collect()
}

fn record(number: usize, value: &Value) -> Result<Record, ForeignError> {
    let source = value.pointer("/SourceMetadata/Data").and_then(Value::as_object).and_then(|data| data.values().next());
    let source = source.unwrap_or(&Value::Null);
    let rule = needed(number, "DetectorName", text(value, "DetectorName"))?.to_owned();
    let place = text(source, "file").zip(line(source, "line"));
    let commit = text(source, "commit").map(str::to_owned);
    let place = place.map(|(path, line)| Place { path: path.to_owned(), line, commit });
    Ok(Record { number, rule, place, value: named(text(value, "Raw")), verdict: None })
}
