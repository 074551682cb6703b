//! `.sopup.yaml`: a team's own rules, what it switches off, what it allows, and how severe it takes things to be.
//! `syntax` is the file as written, `outline` its lines.

mod gitleaks;
mod go_regex;
mod outline;
mod syntax;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use crate::finding::{AllowEntry, AllowError, Allowlist, FingerprintKey, Severities, SeverityEntry};
use crate::rule::{Confidence, LoadError, Rule, RuleSet, Severity, builtin, load_inline};

pub use gitleaks::PROVIDER as GITLEAKS;
use outline::{Outline, Step};
use syntax::{AllowSyntax, ConfigSyntax};

/// The file's name.
pub const FILE_NAME: &str = ".sopup.yaml";

/// The JSON schema of the file.
pub const SCHEMA: &str = include_str!("../../schemas/sopup.config.v1.json");

/// A configuration, ready to use.
#[derive(Debug, Default)]
pub struct Config {
    /// The team's rules.
    pub rules: Vec<&'static Rule>,
    /// Ids of rules to switch off.
    pub disable: Vec<String>,
    /// What is allowed.
    pub allow: Allowlist,
    /// Entries of `allow` whose last day has passed.
    pub expired: Vec<Problem>,
    /// How severe findings are.
    pub severity: Severities,
    /// What is less sure is not reported.
    pub min_confidence: Option<Confidence>,
    /// What is less severe does not fail a scan.
    pub fail_on: Option<Severity>,
    /// Keys fingerprints for everybody who has this file.
    pub fingerprint_key: Option<String>,
    /// The configuration of gitleaks that counts as well, relative to this file.
    pub gitleaks_config: Option<String>,
    /// Rules from there.
    pub foreign_rules: Vec<&'static Rule>,
    /// What of it has no counterpart: its name, and where.
    pub unsupported: Option<(String, Vec<Problem>)>,
    /// Ids of rules, and the field and line that name them.
    named: Vec<Named>,
    /// The keys that it has, and their lines.
    lines: Vec<(&'static str, usize)>,
    /// The rules by id, and their lines.
    rule_lines: Vec<(String, usize)>,
}

/// Keys of the file, as the schema has them.
pub const KEYS: [&str; 8] = ["rules", "disable", "severity", "allow", "min_confidence", "fail_on", "fingerprint_key", "gitleaks_config"];

#[derive(Debug)]
struct Named {
    field: &'static str,
    id: String,
    line: usize,
}

/// Something wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong, and what may have been meant.
    pub message: String,
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
    /// It is not what a configuration looks like, or something in it cannot work.
    #[error("{}", told(path, problems))]
    Wrong {
        /// The file.
        path: PathBuf,
        /// At least one, in order of line.
        problems: Vec<Problem>,
    },
    /// A configuration of gitleaks that is not TOML.
    #[error("{}:{}: {}", path.display(), problem.line, problem.message)]
    Gitleaks {
        /// The file.
        path: PathBuf,
        /// Where and why.
        problem: Problem,
    },
    /// Fingerprints without a key that everybody has.
    #[error("{0}: `allow` names fingerprints, but there is no `fingerprint_key`, so they differ from user to user")]
    NoKey(PathBuf),
}

/// The first problem, and how many more there are.
fn told(path: &Path, problems: &[Problem]) -> String {
    let mut told = problems.first().map_or_else(String::new, |first| format!("{}:{}: {}", path.display(), first.line, first.message));
    if problems.len() > 1 {
        let _ = write!(told, " (and {} more: `sopup config check`)", problems.len() - 1);
    }
    told
}

impl Config {
    /// Reads a configuration; `today` decides which of its entries have expired, `key_known` says
    /// that the key of fingerprints comes from elsewhere.
    ///
    /// # Errors
    /// [`ConfigError`] with everything that is wrong.
    pub fn read(path: &Path, today: Date, key_known: KeySource) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Io { path: path.to_path_buf(), source })?;
        Self::parse(&text, path, today, key_known)
    }

    /// As [`Config::read`], of a text that is to be in the file.
    ///
    /// # Errors
    /// [`ConfigError`] with everything that is wrong.
    pub fn parse(text: &str, path: &Path, today: Date, key_known: KeySource) -> Result<Self, ConfigError> {
        let (config, problems) = Self::parse_parts(text, path, today);
        if !problems.is_empty() {
            return Err(ConfigError::Wrong { path: path.to_path_buf(), problems });
        }
        if config.lacks_key(key_known) {
            return Err(ConfigError::NoKey(path.to_path_buf()));
        }
        Ok(config)
    }

    /// What of a text can be used, and what is wrong with the rest, in order of line.
    pub fn parse_parts(text: &str, path: &Path, today: Date) -> (Self, Vec<Problem>) {
        let (written, outline, mut problems) = syntax::read(text);
        let lines = KEYS.iter().filter_map(|key| outline.line_of_key(key).map(|line| (*key, line)));
        let mut config = Self { lines: lines.collect(), named: names(&written, &outline), ..Self::default() };
        let ConfigSyntax { rules, disable, severity, allow, min_confidence, fail_on, fingerprint_key, gitleaks_config } = written;
        let at = |key: &str, item: usize, field: &str| {
            outline.line_of(&[Step::Key(key.to_owned()), Step::Item(item), Step::Key(field.to_owned())])
        };
        let mut entries = Vec::new();
        for (item, entry) in allow.into_iter().enumerate() {
            match usable(entry, today) {
                Ok(entry) => {
                    if let Some(day) = entry.expired(today) {
                        let message = format!("entry {} of `allow` allows nothing any more: {day} was its last day", item + 1);
                        config.expired.push(Problem { line: at("allow", item, "expires"), message });
                    }
                    entries.push(entry);
                }
                Err((field, message)) => {
                    problems.push(Problem { line: at("allow", item, field), message: format!("entry {} of `allow`: {message}", item + 1) });
                }
            }
        }
        config.allow = Allowlist::new(entries, today).expect("each entry was tried");
        let mut severities = Vec::new();
        for (item, entry) in severity.into_iter().enumerate() {
            let entry = SeverityEntry { paths: entry.paths, rules: entry.rules, severity: entry.severity };
            match Severities::new(vec![entry.clone()]) {
                Ok(_) => severities.push(entry),
                Err((_, error)) => {
                    let message = format!("entry {} of `severity`: {error}", item + 1);
                    problems.push(Problem { line: at("severity", item, field_of(&error)), message });
                }
            }
        }
        config.severity = Severities::new(severities).expect("each entry was tried");
        for (item, rule) in rules.into_iter().enumerate() {
            config.rule_lines.push((rule.id.clone(), at("rules", item, "id")));
            match load_inline(vec![rule], "This repository", text, &path.display().to_string()) {
                Ok(rules) => config.rules.extend(rules),
                Err(LoadError::Rule { line, message, .. }) => problems.push(Problem { line, message }),
                Err(error) => problems.push(Problem { line: 1, message: error.to_string() }),
            }
        }
        let is_short = fingerprint_key.as_ref().is_some_and(|key| FingerprintKey::new(key.clone().into_bytes()).is_none());
        if is_short {
            let line = config.line_of("fingerprint_key").unwrap_or(1);
            let message = "the key of fingerprints is shorter than 16 characters; use a random one".to_owned();
            problems.push(Problem { line, message });
        }
        problems.sort_by_key(|problem| problem.line);
        (Self { disable, min_confidence, fail_on, fingerprint_key, gitleaks_config, ..config }, problems)
    }

    /// The same with what a configuration of gitleaks says.
    ///
    /// # Errors
    /// [`ConfigError`] if that is not TOML.
    pub fn with_gitleaks(mut self, text: &str, path: &Path) -> Result<Self, ConfigError> {
        let name = path.display().to_string();
        let wrong = |problem| ConfigError::Gitleaks { path: path.to_path_buf(), problem };
        let read = gitleaks::read(text, &name, &builtin()).map_err(wrong)?;
        let is_new = |rule: &&Rule| self.rules.iter().all(|own| own.id != rule.id);
        self.foreign_rules = read.rules.into_iter().filter(is_new).collect();
        self.disable.extend(read.disable);
        self.allow = self.allow.with(read.allow);
        self.unsupported = Some((name, read.unsupported));
        Ok(self)
    }

    /// Whether it names fingerprints that differ from user to user.
    pub fn lacks_key(&self, key_known: KeySource) -> bool {
        self.allow.needs_fingerprints() && self.fingerprint_key.is_none() && key_known == KeySource::Unknown
    }

    /// The line of a key that the file has.
    pub fn line_of(&self, key: &str) -> Option<usize> {
        self.lines.iter().find(|(known, _)| *known == key).map(|(_, line)| *line)
    }

    /// The line of one of its rules.
    pub fn line_of_rule(&self, id: &str) -> usize {
        self.rule_lines.iter().find(|(known, _)| known == id).map_or(1, |(_, line)| *line)
    }

    /// Ids of rules that are named and that no rule has. Only in `allow` may one stand for a rule that was there once.
    pub fn unknown_rules(&self, rules: &RuleSet) -> Vec<UnknownRule> {
        let unknown = self.named.iter().filter(|named| rules.by_id(&named.id).is_none());
        let told = |named: &Named| {
            let similar = rules.similar(&named.id);
            let proposal = if similar.is_empty() { String::new() } else { format!("; did you mean {}?", similar.join(", ")) };
            let message = format!("`{}` names the rule `{}`, which does not exist{proposal}", named.field, named.id);
            UnknownRule { problem: Problem { line: named.line, message }, is_error: named.field != "allow" }
        };
        unknown.map(told).collect()
    }
}

/// A rule that is named and does not exist.
#[derive(Debug)]
pub struct UnknownRule {
    /// Where, and what may have been meant.
    pub problem: Problem,
    /// Whether a scan ends for it.
    pub is_error: bool,
}

/// All ids of rules in a configuration.
fn names(written: &ConfigSyntax, outline: &Outline) -> Vec<Named> {
    let key = |key: &str| Step::Key(key.to_owned());
    let named = |field, ids: &[String], before: &[Step]| -> Vec<Named> {
        let line = |at| outline.line_of(&[before, &[Step::Item(at)]].concat());
        ids.iter().enumerate().map(|(at, id)| Named { field, id: id.clone(), line: line(at) }).collect()
    };
    let mut names = named("disable", &written.disable, &[key("disable")]);
    for (item, entry) in written.severity.iter().enumerate() {
        names.extend(named("severity", &entry.rules, &[key("severity"), Step::Item(item), key("rules")]));
    }
    for (item, entry) in written.allow.iter().enumerate() {
        names.extend(named("allow", &entry.rules, &[key("allow"), Step::Item(item), key("rules")]));
    }
    names
}

/// An entry that can be used, or the field that is wrong and why.
fn usable(entry: AllowSyntax, today: Date) -> Result<AllowEntry, (&'static str, String)> {
    let last_day =
        |day: &String| day.parse::<Date>().map_err(|_| ("expires", format!("`expires: {day}` is not a date; write it as 2027-01-31")));
    let expires = entry.expires.as_ref().map(last_day).transpose()?;
    let AllowSyntax { paths, rules, fingerprints, value, reason, .. } = entry;
    let entry = AllowEntry { paths, rules, fingerprints, value, reason, expires };
    match Allowlist::new(vec![entry.clone()], today) {
        Ok(_) => Ok(entry),
        Err((_, error)) => Err((field_of(&error), error.to_string())),
    }
}

fn field_of(error: &AllowError) -> &'static str {
    match error {
        AllowError::Everything | AllowError::EverySeverity | AllowError::NoReason => "",
        AllowError::Glob { .. } => "paths",
        AllowError::Value(_) => "value",
        AllowError::Fingerprint(_) => "fingerprints",
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
