//! What a team says how severe findings are: by rule, by path.

use globset::GlobSet;

use super::allow::globs;
use super::{AllowError, Located};
use crate::rule::Severity;

/// An entry as written.
#[derive(Debug, Clone)]
pub struct SeverityEntry {
    /// Globs over paths relative to the folder of the configuration; all paths if there are none.
    pub paths: Vec<String>,
    /// Rule ids; all rules if there are none.
    pub rules: Vec<String>,
    /// What counts in place of the rule's.
    pub severity: Severity,
}

/// Entries in order; of several that apply the last one counts.
#[derive(Debug, Default)]
pub struct Severities {
    entries: Vec<Entry>,
    prefix: String,
}

#[derive(Debug)]
struct Entry {
    paths: Option<GlobSet>,
    rules: Vec<String>,
    severity: Severity,
}

impl Severities {
    /// Checks the entries.
    ///
    /// # Errors
    /// The entry, from 1, and the glob in it that cannot be parsed, or that nothing narrows it down.
    pub fn new(entries: Vec<SeverityEntry>) -> Result<Self, (usize, AllowError)> {
        let checked = entries.into_iter().enumerate().map(|(at, entry)| Entry::new(entry).map_err(|error| (at + 1, error)));
        Ok(Self { entries: checked.collect::<Result<_, _>>()?, prefix: String::new() })
    }

    /// How many entries there are.
    pub fn count(&self) -> usize {
        self.entries.len()
    }

    /// Where the scanned root lies below the folder that globs are relative to: empty, or ending in `/`.
    #[must_use]
    pub fn below(self, prefix: String) -> Self {
        Self { prefix, ..self }
    }

    /// How severe a place is.
    pub(super) fn of(&self, located: &Located) -> Severity {
        if self.entries.is_empty() {
            return located.rule.severity;
        }
        let path = format!("{}{}", self.prefix, located.occurrence.origin.path);
        let last = self.entries.iter().rev().find(|entry| entry.applies(located.rule.id, &path));
        last.map_or(located.rule.severity, |entry| entry.severity)
    }
}

impl Entry {
    fn new(entry: SeverityEntry) -> Result<Self, AllowError> {
        if entry.paths.is_empty() && entry.rules.is_empty() {
            return Err(AllowError::EverySeverity);
        }
        let paths = if entry.paths.is_empty() { None } else { Some(globs(&entry.paths)?) };
        Ok(Self { paths, rules: entry.rules, severity: entry.severity })
    }

    fn applies(&self, rule: &str, path: &str) -> bool {
        let has_rule = self.rules.is_empty() || self.rules.iter().any(|one| one == rule);
        has_rule && self.paths.as_ref().is_none_or(|paths| paths.is_match(path))
    }
}
