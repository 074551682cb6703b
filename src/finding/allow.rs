//! What a team has decided to live with: entries that name paths, rules, values or fingerprints,
//! each with a reason and perhaps a last day.

use std::sync::atomic::{AtomicUsize, Ordering};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use jiff::civil::Date;
use regex::bytes::{Regex, RegexBuilder};

use super::{Exemption, Fingerprint, Located};

/// An entry as written.
#[derive(Debug, Clone, Default)]
pub struct AllowEntry {
    /// Globs over paths relative to the folder of the configuration.
    pub paths: Vec<String>,
    /// Rule ids.
    pub rules: Vec<String>,
    /// Fingerprints of values.
    pub fingerprints: Vec<String>,
    /// A regular expression over the whole value.
    pub value: Option<String>,
    /// Why it is allowed.
    pub reason: String,
    /// The last day on which it is.
    pub expires: Option<Date>,
}

/// Why an entry cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AllowError {
    /// Nothing narrows it down.
    #[error("it would allow everything; add `paths`, `rules`, `fingerprints` or `value`")]
    Everything,
    /// Nothing narrows an entry about severity down.
    #[error("it would change every finding; add `rules` or `paths`")]
    EverySeverity,
    /// No reason was given.
    #[error("add a `reason`, so that the next reader knows why this is allowed")]
    NoReason,
    /// A glob that cannot be parsed.
    #[error("`{glob}` is not a glob: {message}")]
    Glob {
        /// As written.
        glob: String,
        /// What is wrong with it.
        message: String,
    },
    /// A regular expression that cannot be parsed.
    #[error("`value` is not a regular expression: {0}")]
    Value(String),
    /// Something that is not a fingerprint.
    #[error("`{0}` is not a fingerprint; copy one from a report, 24 hexadecimal digits")]
    Fingerprint(String),
}

/// Entries in force, with a count of what each allowed.
#[derive(Debug, Default)]
pub struct Allowlist {
    entries: Vec<Entry>,
    exemptions: Vec<(Exemption, AtomicUsize)>,
    prefix: String,
}

#[derive(Debug)]
struct Entry {
    paths: Option<GlobSet>,
    rules: Vec<String>,
    fingerprints: Vec<Fingerprint>,
    value: Option<Regex>,
    reason: String,
    expired: Option<Date>,
    used: AtomicUsize,
}

/// What an entry did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// Its place in the list, from 1; 0 for what another scanner's configuration allows.
    pub entry: usize,
    /// Its reason.
    pub reason: String,
    /// How many places it allowed.
    pub used: usize,
    /// Its last day, if that has passed: it allows nothing any more.
    pub expired: Option<Date>,
}

impl AllowEntry {
    /// Its last day, if that has passed.
    pub fn expired(&self, today: Date) -> Option<Date> {
        self.expires.filter(|&last| last < today)
    }
}

impl Allowlist {
    /// Checks the entries; `today` decides which have expired. Errors name the entry from 1.
    pub fn new(entries: Vec<AllowEntry>, today: Date) -> Result<Self, (usize, AllowError)> {
        let checked = entries.into_iter().enumerate().map(|(at, entry)| Entry::new(entry, today).map_err(|error| (at + 1, error)));
        Ok(Self { entries: checked.collect::<Result<_, _>>()?, ..Self::default() })
    }

    /// The same with what another scanner's configuration allows.
    #[must_use]
    pub fn with(mut self, exemptions: Vec<Exemption>) -> Self {
        self.exemptions.extend(exemptions.into_iter().map(|one| (one, AtomicUsize::new(0))));
        self
    }

    /// Where the scanned root lies below the folder that globs are relative to: empty, or ending
    /// in `/`.
    #[must_use]
    pub fn below(self, prefix: String) -> Self {
        Self { prefix, ..self }
    }

    /// How many entries there are.
    pub fn count(&self) -> usize {
        self.entries.len()
    }

    /// Whether any entry needs the fingerprint of a value.
    pub fn needs_fingerprints(&self) -> bool {
        self.entries.iter().any(|entry| !entry.fingerprints.is_empty())
    }

    /// Whether an entry in force allows this value wherever it is.
    pub fn names(&self, fingerprint: &Fingerprint) -> bool {
        self.entries.iter().any(|entry| {
            let everywhere = entry.paths.is_none() && entry.rules.is_empty() && entry.value.is_none();
            everywhere && entry.expired.is_none() && entry.fingerprints.contains(fingerprint)
        })
    }

    /// Whether an entry allows this place; counts every entry that does.
    pub fn allows(&self, located: &Located, fingerprint: impl FnOnce() -> Fingerprint) -> bool {
        self.allows_at(&format!("{}{}", self.prefix, located.occurrence.origin.path), located, fingerprint)
    }

    /// The same of a place whose path globs are held against is another than the one that reports name.
    pub fn allows_at(&self, path: &str, located: &Located, fingerprint: impl FnOnce() -> Fingerprint) -> bool {
        let fingerprint = self.needs_fingerprints().then(fingerprint);
        let mut allowed = false;
        for entry in &self.entries {
            if entry.allows(located, path, fingerprint.as_ref()) {
                entry.used.fetch_add(1, Ordering::Relaxed);
                allowed = true;
            }
        }
        for (exemption, used) in &self.exemptions {
            if exemption.allows(located, path) {
                used.fetch_add(1, Ordering::Relaxed);
                allowed = true;
            }
        }
        allowed
    }

    /// What each entry did so far, and what else allowed something.
    pub fn report(&self) -> Vec<Suppression> {
        let one = |(at, entry): (usize, &Entry)| Suppression {
            entry: at + 1,
            reason: entry.reason.clone(),
            used: entry.used.load(Ordering::Relaxed),
            expired: entry.expired,
        };
        let exempted = self.exemptions.iter().filter_map(|(exemption, used)| {
            let used = used.load(Ordering::Relaxed);
            (used > 0).then(|| Suppression { entry: 0, reason: exemption.reason.clone(), used, expired: None })
        });
        self.entries.iter().enumerate().map(one).chain(exempted).collect()
    }
}

impl Entry {
    fn new(entry: AllowEntry, today: Date) -> Result<Self, AllowError> {
        if entry.paths.is_empty() && entry.rules.is_empty() && entry.fingerprints.is_empty() && entry.value.is_none() {
            return Err(AllowError::Everything);
        }
        if entry.reason.trim().is_empty() {
            return Err(AllowError::NoReason);
        }
        let expired = entry.expired(today);
        let fingerprint = |text: &String| Fingerprint::parse(text).ok_or_else(|| AllowError::Fingerprint(text.clone()));
        let value = |source: &String| {
            RegexBuilder::new(&format!("^(?:{source})$"))
                .unicode(false)
                .size_limit(1 << 20)
                .build()
                .map_err(|error| AllowError::Value(error.to_string()))
        };
        Ok(Self {
            paths: if entry.paths.is_empty() { None } else { Some(globs(&entry.paths)?) },
            fingerprints: entry.fingerprints.iter().map(fingerprint).collect::<Result<_, _>>()?,
            value: entry.value.as_ref().map(value).transpose()?,
            rules: entry.rules,
            reason: entry.reason,
            expired,
            used: AtomicUsize::new(0),
        })
    }

    fn allows(&self, located: &Located, path: &str, fingerprint: Option<&Fingerprint>) -> bool {
        self.expired.is_none()
            && self.paths.as_ref().is_none_or(|paths| paths.is_match(path))
            && (self.rules.is_empty() || self.rules.iter().any(|rule| rule == located.rule.id))
            && self.value.as_ref().is_none_or(|value| value.is_match(located.secret.expose()))
            && (self.fingerprints.is_empty() || fingerprint.is_some_and(|fingerprint| self.fingerprints.contains(fingerprint)))
    }
}

pub(super) fn globs(sources: &[String]) -> Result<GlobSet, AllowError> {
    let mut set = GlobSetBuilder::new();
    for source in sources {
        let error = |error: globset::Error| AllowError::Glob { glob: source.clone(), message: error.kind().to_string() };
        set.add(GlobBuilder::new(source).literal_separator(true).build().map_err(error)?);
    }
    set.build().map_err(|error| AllowError::Glob { glob: sources.join(", "), message: error.to_string() })
}
