//! What other scanners keep of secrets that are known: reports and lists of exceptions, read into [`Record`]s. Each format has
//! a file of its own; which one a text is in is told by its content.

mod betterleaks;
mod detect_secrets;
mod gitleaks;
mod kingfisher;
mod trufflehog;

use serde_json::Value;

use super::Verdict;
use crate::secret::Secret;

/// How another scanner writes what it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `.gitleaksignore`: a fingerprint `[COMMIT:]FILE:RULE:LINE` on each line.
    GitleaksIgnore,
    /// A JSON report of gitleaks, or of the first betterleaks.
    Gitleaks,
    /// A report of betterleaks: one document, or one finding a line.
    Betterleaks,
    /// `.secrets.baseline` of detect-secrets.
    DetectSecrets,
    /// Findings of trufflehog, one JSON object a line.
    Trufflehog,
    /// A JSON report of kingfisher: one document, or one finding a line.
    Kingfisher,
    /// A baseline of kingfisher, in YAML.
    KingfisherBaseline,
}

/// A secret that another scanner knows of.
#[derive(Debug)]
pub struct Record {
    /// The line or the number of the record in its file, from 1.
    pub number: usize,
    /// What the scanner calls its rule.
    pub rule: String,
    /// Where it is; `None` if the record does not say.
    pub place: Option<Place>,
    /// What the record tells of the value.
    pub value: Named,
    /// What somebody said about it.
    pub verdict: Option<Verdict>,
}

/// A place in a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// As the scanner names it: from the top of the repository, or of the scanned folder.
    pub path: String,
    /// From 1.
    pub line: usize,
    /// The commit whose version of the file is meant, in hexadecimal.
    pub commit: Option<String>,
}

/// What a record tells of a value.
pub enum Named {
    /// The value, or a text around it.
    Value(Secret),
    /// How it begins; the rest was masked.
    Start(Secret),
    /// The SHA-1 of it, or of a text around it.
    Sha1([u8; 20]),
    /// Nothing.
    Nothing,
}

/// Why a text cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ForeignError {
    /// No scanner writes like this.
    #[error("it is in no format that is known here")]
    Unknown,
    /// It is not what the format looks like.
    #[error("line {line}: {message}")]
    Syntax {
        /// From 1.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// A record lacks something.
    #[error("record {number}: {message}")]
    Record {
        /// From 1.
        number: usize,
        /// What is wrong with it.
        message: String,
    },
}

impl std::fmt::Debug for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Value(_) => "Value",
            Self::Start(_) => "Start",
            Self::Sha1(_) => "Sha1",
            Self::Nothing => "Nothing",
        })
    }
}

impl Format {
    /// The name of the scanner and of the format.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::GitleaksIgnore => ".gitleaksignore",
            Self::Gitleaks => "report of gitleaks",
            Self::Betterleaks => "report of betterleaks",
            Self::DetectSecrets => "baseline of detect-secrets",
            Self::Trufflehog => "report of trufflehog",
            Self::Kingfisher => "report of kingfisher",
            Self::KingfisherBaseline => "baseline of kingfisher",
        }
    }

    /// The format of a text, told by its content.
    ///
    /// # Errors
    /// [`ForeignError::Unknown`].
    pub fn of(text: &str) -> Result<Self, ForeignError> {
        let values = serde_json::Deserializer::from_str(text).into_iter::<Value>().map_while(Result::ok);
        let mut is_json = false;
        // Lines of a log may stand among the objects.
        let told = values.inspect(|value| is_json |= value.is_object() || value.is_array()).find_map(|value| match &value {
            Value::Array(all) => all.first().map_or(Some(Self::Gitleaks), Self::of_object),
            one => Self::of_object(one),
        });
        let found = match told {
            _ if is_json => told,
            _ if kingfisher::is_baseline(text) => Some(Self::KingfisherBaseline),
            _ if gitleaks::is_ignore_list(text) => Some(Self::GitleaksIgnore),
            _ => None,
        };
        found.ok_or(ForeignError::Unknown)
    }

    fn of_object(one: &Value) -> Option<Self> {
        let has = |key: &str| one.get(key).is_some();
        match () {
            () if has("RuleID") => Some(Self::Gitleaks),
            () if has("results") && has("plugins_used") => Some(Self::DetectSecrets),
            () if betterleaks::is_report(one) => Some(Self::Betterleaks),
            () if has("SourceMetadata") => Some(Self::Trufflehog),
            () if one.get("findings").is_some_and(Value::is_array) || has("rule") && has("finding") => Some(Self::Kingfisher),
            // The last line of kingfisher's report tells how much was scanned; alone it says that nothing was found.
            () if has("kingfisher") => Some(Self::Kingfisher),
            () => None,
        }
    }
}

/// Reads what a scanner wrote.
///
/// # Errors
/// [`ForeignError`].
pub fn read(text: &str, format: Format) -> Result<Vec<Record>, ForeignError> {
    match format {
        Format::GitleaksIgnore => gitleaks::ignore_list(text),
        Format::Gitleaks => gitleaks::report(&values(text)?),
        Format::Betterleaks => betterleaks::report(&values(text)?),
        Format::DetectSecrets => detect_secrets::baseline(&values(text)?),
        Format::Trufflehog => trufflehog::report(&values(text)?),
        Format::Kingfisher => kingfisher::report(&values(text)?),
        Format::KingfisherBaseline => kingfisher::baseline(text),
    }
}

/// The objects of a JSON text, of lists of them, or of lines with one each.
fn values(text: &str) -> Result<Vec<Value>, ForeignError> {
    let mut found = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        match value.map_err(|error| ForeignError::Syntax { line: error.line(), message: format!("not JSON: {}", what(&error)) })? {
            Value::Array(all) => found.extend(all),
            one => found.push(one),
        }
    }
    Ok(found)
}

/// What is wrong, and nothing that the text says.
fn what(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        _ => "a character that does not belong there",
    }
}

/// A field that a record must have.
fn needed<T>(number: usize, name: &str, found: Option<T>) -> Result<T, ForeignError> {
    found.ok_or_else(|| ForeignError::Record { number, message: format!("`{name}` is missing, or of another type") })
}

/// A text of an object; empty ones count as none.
fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key)?.as_str().filter(|text| !text.is_empty())
}

/// A line number, which counts from 1.
fn line(value: &Value, key: &str) -> Option<usize> {
    usize::try_from(value.get(key)?.as_u64()?).ok().filter(|line| *line > 0)
}

/// A value as a report has it: whole, masked in part, or masked.
fn named(value: Option<&str>) -> Named {
    match value {
        None => Named::Nothing,
        Some(text) => match text.strip_suffix("...") {
            Some(start) if !start.is_empty() => Named::Start(secret(start)),
            _ if text.chars().all(|character| character == '*') || text == "REDACTED" || text == "[REDACTED]" || text == "..." => {
                Named::Nothing
            }
            _ => Named::Value(secret(text)),
        },
    }
}

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_their_content() {
        for (text, format) in [
            ("# ours\nsrc/a.py:github-pat:3\n", Ok(Format::GitleaksIgnore)),
            ("[{\"RuleID\": \"a\"}]", Ok(Format::Gitleaks)),
            ("[]", Ok(Format::Gitleaks)),
            ("{\"schema_version\": \"1\", \"findings\": []}", Ok(Format::Betterleaks)),
            ("{\"schema_version\": \"1\", \"finding\": {}}\n", Ok(Format::Betterleaks)),
            ("{\"version\": \"1.5.0\", \"plugins_used\": [], \"results\": {}}", Ok(Format::DetectSecrets)),
            ("{\"SourceMetadata\": {}}\n{\"SourceMetadata\": {}}\n", Ok(Format::Trufflehog)),
            ("{\"findings\": []}", Ok(Format::Kingfisher)),
            ("{\"findings\": 0, \"kingfisher\": {}}", Ok(Format::Kingfisher)),
            ("version: 2\nrepositories:\n- id: x\n  findings: []\n", Ok(Format::KingfisherBaseline)),
            ("ExactFindings:\n  matches: []\n", Ok(Format::KingfisherBaseline)),
            ("hello: world\n", Err(ForeignError::Unknown)),
            ("", Err(ForeignError::Unknown)),
        ] {
            assert_eq!(Format::of(text), format, "{text}");
        }
    }

    #[test]
    fn masked_values_are_none() {
        assert!(matches!(named(Some("REDACTED")), Named::Nothing) && matches!(named(Some("...")), Named::Nothing));
        assert!(matches!(named(Some("****")), Named::Nothing) && matches!(named(None), Named::Nothing));
        assert!(matches!(named(Some("ghp_X0...")), Named::Start(_)) && matches!(named(Some("Walrus88")), Named::Value(_)));
    }
}
