//! [`RepoResult`]: what came of one repository. A task's results are a line each, compressed.

use std::io::Read as _;

use serde::{Deserialize, Serialize};
use serde_json::Value;

const SCHEMA: &str = "sopup.fleet-result/v1";
/// The largest file of results that is read, decompressed.
const LARGEST: u64 = 8 << 30;

/// What came of one repository.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RepoResult {
    schema: String,
    /// As in the plan.
    pub id: String,
    /// Whether it was scanned.
    pub status: Status,
    /// Why it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What its refs led to, the version of sopup, and the options: as long as it is the same, nothing is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// What objects there were, if these are why not all was read: as long as they are the same, no more can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objects: Option<String>,
    /// Stands for the key of the fingerprints: only results with one key can be compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The report of `sopup scan --format json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Value>,
    /// Which share of its history it is of, as in the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// In place of a report what `sopup scan --shard` wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Value>,
}

/// Whether a repository was scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// There is a report.
    Scanned,
    /// There is a reason why not.
    Failed,
}

/// Why results cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ResultError {
    /// Not compressed as it should be.
    #[error("not a file of results: {0}")]
    Compressed(String),
    /// A line is none of a result.
    #[error("line {line}: not a result of this version of sopup: {message}")]
    Line {
        /// From 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
}

impl RepoResult {
    /// A repository with a report.
    pub fn scanned(id: &str, state: Option<String>, key: Option<String>, report: Value) -> Self {
        let (schema, id) = (SCHEMA.to_owned(), id.to_owned());
        Self { schema, id, status: Status::Scanned, error: None, state, objects: None, key, report: Some(report), shard: None, part: None }
    }

    /// A share of one.
    pub fn searched(id: &str, state: Option<String>, key: Option<String>, shard: &str, part: Value) -> Self {
        let (shard, part) = (Some(shard.to_owned()), Some(part));
        Self { report: None, shard, part, ..Self::scanned(id, state, key, Value::Null) }
    }

    /// The same of a share that could not be searched.
    #[must_use]
    pub fn of_shard(mut self, shard: Option<String>) -> Self {
        self.shard = shard;
        self
    }

    /// A repository without one.
    pub fn failed(id: &str, error: String) -> Self {
        let (schema, id) = (SCHEMA.to_owned(), id.to_owned());
        Self {
            schema,
            id,
            status: Status::Failed,
            error: Some(error),
            state: None,
            objects: None,
            key: None,
            report: None,
            shard: None,
            part: None,
        }
    }
}

/// The results of a file.
///
/// # Errors
/// [`ResultError`].
pub fn read(bytes: &[u8]) -> Result<Vec<RepoResult>, ResultError> {
    let wrong = |error: &dyn std::fmt::Display| ResultError::Compressed(error.to_string());
    let decoder = ruzstd::decoding::StreamingDecoder::new(bytes).map_err(|error| wrong(&error))?;
    let mut text = String::new();
    decoder.take(LARGEST).read_to_string(&mut text).map_err(|error| wrong(&error))?;
    let line = |(at, line): (usize, &str)| {
        let wrong = |message: String| ResultError::Line { line: at + 1, message };
        let result: RepoResult = serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
        if result.schema == SCHEMA { Ok(result) } else { Err(wrong(format!("its schema is `{}`", result.schema))) }
    };
    text.lines().enumerate().map(line).collect()
}

/// A file of results.
pub fn written(results: &[RepoResult]) -> Vec<u8> {
    let lines: String = results.iter().map(|result| format!("{}\n", serde_json::to_string(result).unwrap_or_default())).collect();
    ruzstd::encoding::compress_to_vec(lines.as_bytes(), ruzstd::encoding::CompressionLevel::Fastest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_read_as_they_were_written() {
        let report = serde_json::json!({"z": 1, "findings": [{"fingerprint": "x"}], "a": "ü"});
        let results = [
            RepoResult::scanned("a", Some("s".to_owned()), Some("k".to_owned()), report),
            RepoResult::failed("b", "it is gone".to_owned()),
        ];
        let bytes = written(&results);
        assert_eq!(read(&bytes).expect("reads"), results);
        assert!(matches!(read(b"no"), Err(ResultError::Compressed(_))));
        assert!(read(&bytes[..bytes.len() - 4]).is_err(), "a cut file is no file");
    }
}
