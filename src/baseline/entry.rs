//! [`Baseline`] and its entries, and which of two entries for the same value counts.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::{Map, Value};

use crate::finding::{Fingerprint, FingerprintKey};
use crate::secret::Secret;

/// The secrets that a team knows of.
#[derive(Debug, Clone)]
pub struct Baseline {
    entries: BTreeMap<Fingerprint, Entry>,
    /// Stands for the key that the fingerprints were made with.
    pub(super) key: Fingerprint,
}

/// A secret that a team knows of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Stands for the value.
    pub id: Fingerprint,
    /// Id of the rule that found it.
    pub rule: String,
    /// Where it was, for people who look for it; without secrets.
    pub place: String,
    /// What somebody who looked at it said.
    pub verdict: Option<Verdict>,
    /// Why it is accepted.
    pub reason: Option<String>,
    /// Who wrote the entry or looked at it last.
    pub by: String,
    /// When that was.
    pub date: Date,
    /// The last day on which the entry counts.
    pub expires: Option<Date>,
    /// Fields that this version does not know.
    pub(super) unknown: Map<String, Value>,
}

/// What somebody said who looked at a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// No secret.
    FalseAlarm,
    /// A secret.
    Real,
    /// A secret that is to be replaced.
    ToRotate,
}

impl Baseline {
    /// An empty one, for fingerprints of a key.
    pub fn new(key: &FingerprintKey) -> Self {
        Self::with_mark(key_mark(key))
    }

    pub(super) fn with_mark(key: Fingerprint) -> Self {
        Self { entries: BTreeMap::new(), key }
    }

    /// Whether its fingerprints were made with this key.
    pub fn is_keyed_with(&self, key: &FingerprintKey) -> bool {
        self.key == key_mark(key)
    }

    /// All entries, in order of id.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry of a value.
    pub fn get(&self, id: &Fingerprint) -> Option<&Entry> {
        self.entries.get(id)
    }

    /// The entry of a value for a change.
    pub fn get_mut(&mut self, id: &Fingerprint) -> Option<&mut Entry> {
        self.entries.get_mut(id)
    }

    /// Adds an entry. Of two for the same value the later one counts; of two of one day, the stricter.
    pub fn add(&mut self, entry: Entry) {
        match self.entries.get_mut(&entry.id) {
            Some(known) if known.rank() >= entry.rank() => {}
            Some(known) => *known = entry,
            None => _ = self.entries.insert(entry.id.clone(), entry),
        }
    }

    /// Removes the entry of a value.
    pub fn remove(&mut self, id: &Fingerprint) {
        self.entries.remove(id);
    }
}

impl Entry {
    /// An entry without a verdict, a reason and a last day.
    pub fn new(id: Fingerprint, rule: &str, place: String, by: &str, date: Date) -> Self {
        let by = by.to_owned();
        Self { id, rule: rule.to_owned(), place, verdict: None, reason: None, by, date, expires: None, unknown: Map::new() }
    }

    /// Whether its last day has passed.
    pub fn is_expired(&self, today: Date) -> bool {
        self.expires.is_some_and(|last| last < today)
    }

    /// The higher it is, the more the entry counts. Never equal for two entries that differ in what they say.
    fn rank(&self) -> impl Ord + use<'_> {
        let soonest = Reverse(self.expires.unwrap_or(Date::MAX));
        (self.date, soonest, self.verdict, &self.reason, &self.by, &self.place, &self.rule)
    }
}

impl Verdict {
    const ALL: [Self; 3] = [Self::FalseAlarm, Self::Real, Self::ToRotate];

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::FalseAlarm => "false-alarm",
            Self::Real => "real",
            Self::ToRotate => "to-rotate",
        }
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.word() == word)
    }
}

/// Stands for a key, so that a baseline made with another one is not taken for a list of unknown values.
fn key_mark(key: &FingerprintKey) -> Fingerprint {
    key.fingerprint(&Secret::new(b"the key of this baseline".to_vec()))
}
