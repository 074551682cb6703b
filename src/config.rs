//! `.sopup.yaml`: a team's own rules, what it switches off and what it allows.

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde::Deserialize;

use crate::finding::{AllowEntry, AllowError, Allowlist};
use crate::rule::{Confidence, LoadError, Rule, RuleSyntax, Severity, load_inline};
use crate::text::{SETTINGS, check_nesting};

/// The file's name.
pub const FILE_NAME: &str = ".sopup.yaml";

/// A configuration, ready to use.
#[derive(Debug, Default)]
pub struct Config {
    /// The team's rules.
    pub rules: Vec<&'static Rule>,
    /// Ids of rules to switch off.
    pub disable: Vec<String>,
    /// What is allowed.
    pub allow: Allowlist,
    /// What is less sure is not reported.
    pub min_confidence: Option<Confidence>,
    /// What is less severe does not fail a scan.
    pub fail_on: Option<Severity>,
    /// Keys fingerprints for everybody who has this file.
    pub fingerprint_key: Option<String>,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not what a configuration looks like.
    #[error("{path}:{line}: {message}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A rule in it cannot work.
    #[error(transparent)]
    Rule(#[from] LoadError),
    /// An entry of the allowlist cannot work.
    #[error("{path}: entry {entry} of `allow`: {source}")]
    Allow {
        /// The file.
        path: PathBuf,
        /// Its place in the list, from 1.
        entry: usize,
        /// What is wrong.
        source: AllowError,
    },
    /// Fingerprints without a key that everybody has.
    #[error("{0}: `allow` names fingerprints, but there is no `fingerprint_key`, so they differ from user to user")]
    NoKey(PathBuf),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ConfigSyntax {
    rules: Vec<RuleSyntax>,
    disable: Vec<String>,
    allow: Vec<AllowSyntax>,
    min_confidence: Option<Confidence>,
    fail_on: Option<Severity>,
    fingerprint_key: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct AllowSyntax {
    paths: Vec<String>,
    rules: Vec<String>,
    fingerprints: Vec<String>,
    value: Option<String>,
    reason: String,
    expires: Option<String>,
}

impl Config {
    /// Reads a configuration; `today` decides which of its entries have expired, `key_known` says
    /// that the key of fingerprints comes from elsewhere.
    pub fn read(path: &Path, today: Date, key_known: KeySource) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Io { path: path.to_path_buf(), source })?;
        Self::parse(&text, path, today, key_known)
    }

    /// As [`Config::read`], of a text that is to be in the file.
    pub fn parse(text: &str, path: &Path, today: Date, key_known: KeySource) -> Result<Self, ConfigError> {
        let syntax_error = |line, message| ConfigError::Syntax { path: path.to_path_buf(), line, message };
        check_nesting(text, SETTINGS).map_err(|(line, message)| syntax_error(line, message))?;
        let written: Option<ConfigSyntax> = serde_yaml::from_str(text)
            .map_err(|error| syntax_error(error.location().map_or(1, |location| location.line()), error.to_string()))?;
        let written = written.unwrap_or_default();
        let mut entries = Vec::new();
        for entry in written.allow {
            let last_day = |day: &String| {
                let line = 1 + text.lines().position(|line| line.contains("expires:") && line.contains(day.as_str())).unwrap_or(0);
                day.parse::<Date>().map_err(|_| syntax_error(line, format!("`expires: {day}` is not a date; write it as 2027-01-31")))
            };
            entries.push(AllowEntry {
                paths: entry.paths,
                rules: entry.rules,
                fingerprints: entry.fingerprints,
                value: entry.value,
                reason: entry.reason,
                expires: entry.expires.as_ref().map(last_day).transpose()?,
            });
        }
        let allow =
            Allowlist::new(entries, today).map_err(|(entry, source)| ConfigError::Allow { path: path.to_path_buf(), entry, source })?;
        if allow.needs_fingerprints() && written.fingerprint_key.is_none() && key_known == KeySource::Unknown {
            return Err(ConfigError::NoKey(path.to_path_buf()));
        }
        Ok(Self {
            rules: load_inline(written.rules, "This repository", text, &path.display().to_string())?,
            disable: written.disable,
            allow,
            min_confidence: written.min_confidence,
            fail_on: written.fail_on,
            fingerprint_key: written.fingerprint_key,
        })
    }
}

/// Whether the key of fingerprints is given outside the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeySource {
    /// By the environment.
    Environment,
    /// Not that one knows.
    Unknown,
}
