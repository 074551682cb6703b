//! `.secrets.baseline` of detect-secrets (<https://github.com/Yelp/detect-secrets>): SHA-1 of values by file and line, and what
//! its audit said.

use serde_json::Value;

use super::{ForeignError, Named, Place, Record, line, needed, text};
use crate::baseline::Verdict;

pub(super) fn baseline(values: &[Value]) -> Result<Vec<Record>, ForeignError> {
    let mut found = Vec::new();
    for document in values {
        let files = needed(1, "results", document.get("results").and_then(Value::as_object))?;
        for (path, secrets) in files {
            for secret in needed(found.len() + 1, "results", secrets.as_array())? {
                found.push(record(found.len() + 1, path, secret)?);
            }
        }
    }
    Ok(found)
}

fn record(number: usize, path: &str, value: &Value) -> Result<Record, ForeignError> {
    let hash = text(value, "hashed_secret").and_then(sha1);
    let verdict = value.get("is_secret").and_then(Value::as_bool);
    Ok(Record {
        number,
        rule: text(value, "type").unwrap_or_default().to_owned(),
        place: line(value, "line_number").map(|line| Place { path: path.to_owned(), line, commit: None }),
        value: Named::Sha1(needed(number, "hashed_secret", hash)?),
        verdict: verdict.map(|is_secret| if is_secret { Verdict::Real } else { Verdict::FalseAlarm }),
    })
}

fn sha1(hexadecimal: &str) -> Option<[u8; 20]> {
    let mut bytes = [0; 20];
    if hexadecimal.len() != 40 || !hexadecimal.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hexadecimal[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}
