//! [`Ledger`] and its entries, and how two accounts of one credential become one.

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::Date;
use serde_json::{Map, Value};

use crate::finding::Fingerprint;
use crate::sops::path::TreePath;

/// Places of a credential that are kept; the rest is counted.
pub const MOST_PLACES: usize = 20;

/// All credentials that are known to have leaked.
#[derive(Debug, Default)]
pub struct Ledger {
    entries: BTreeMap<Fingerprint, Entry>,
    /// Fields of the file that this version does not know.
    pub(super) unknown: Map<String, Value>,
}

/// A credential that leaked.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Stands for the leaked value.
    pub id: Fingerprint,
    /// Id of the rule that found it.
    pub rule: String,
    /// What sort of thing it is.
    pub kind: String,
    /// How far it is.
    pub state: State,
    /// Who answers for the files it was found in.
    pub owner: Option<String>,
    /// Some of the files it was found in, without secrets in their names.
    pub places: Vec<String>,
    /// How many files it was found in.
    pub place_count: usize,
    /// Where the value lives now, as far as known.
    pub stores: Vec<StorePlace>,
    /// The oldest commit that has it.
    pub first: Option<Seen>,
    /// The newest commit that has it; `None` if HEAD does, or no commit.
    pub last: Option<Seen>,
    /// What happened, oldest first.
    pub log: Vec<LogEntry>,
    /// Fields that this version does not know.
    pub(super) unknown: Map<String, Value>,
}

/// How far a credential is on its way to be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Others may know it, and it works.
    Exposed,
    /// Whoever can replace it was asked to.
    Requested,
    /// A new one is in use.
    Rotated,
    /// The old one no longer works.
    Revoked,
    /// Somebody made sure of that.
    Verified,
}

/// A place in a SOPS file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorePlace {
    /// Relative to the top of the working tree.
    pub file: String,
    /// The value; `None` if it stands where no path leads, such as in a second document.
    pub key: Option<TreePath>,
    /// Stands for what the place held when the credential leaked. That may be more than the credential, such as a URL.
    pub held: Option<Fingerprint>,
}

/// A commit that has a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// In hexadecimal.
    pub commit: String,
    /// When it was written.
    pub date: Date,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// The state that it led to.
    pub state: State,
    /// When.
    pub date: Date,
    /// Who says so.
    pub who: String,
    /// How one knows.
    pub evidence: Option<String>,
    /// Fields that this version does not know.
    pub(super) unknown: Map<String, Value>,
}

impl Ledger {
    /// All entries, in order of id.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry of a value.
    pub fn get(&self, id: &Fingerprint) -> Option<&Entry> {
        self.entries.get(id)
    }

    /// The entries whose ids begin so.
    pub fn beginning(&self, prefix: &str) -> Vec<&Fingerprint> {
        self.entries.keys().filter(|id| !prefix.is_empty() && id.to_string().starts_with(prefix)).collect()
    }

    /// The entry of a value for a change.
    pub fn get_mut(&mut self, id: &Fingerprint) -> Option<&mut Entry> {
        self.entries.get_mut(id)
    }

    /// Adds an entry, or what it tells beyond the one that is there; whether it is new.
    pub fn add(&mut self, entry: Entry) -> bool {
        match self.entries.get_mut(&entry.id) {
            Some(known) => {
                known.join(entry);
                false
            }
            None => {
                self.entries.insert(entry.id.clone(), entry);
                true
            }
        }
    }
}

impl Entry {
    /// An entry for a value that was just found.
    pub fn new(id: Fingerprint, rule: &str, kind: &str) -> Self {
        Self {
            id,
            rule: rule.to_owned(),
            kind: kind.to_owned(),
            state: State::Exposed,
            owner: None,
            places: Vec::new(),
            place_count: 0,
            stores: Vec::new(),
            first: None,
            last: None,
            log: Vec::new(),
            unknown: Map::new(),
        }
    }

    /// Goes over to a state, or tells more about the one it is in; told twice, it is told once.
    pub fn advance(&mut self, log: LogEntry) {
        self.state = log.state;
        if self.log.last() != Some(&log) {
            self.log.push(log);
        }
    }

    /// What leaked: the value itself, and what stood in its places.
    pub fn leaked(&self) -> impl Iterator<Item = &Fingerprint> {
        std::iter::once(&self.id).chain(self.stores.iter().filter_map(|store| store.held.as_ref()))
    }

    /// When it came into the ledger; `None` if nobody wrote that down.
    pub fn since(&self) -> Option<Date> {
        self.log.iter().map(|log| log.date).min()
    }

    /// Takes over what another account of the same credential tells: the furthest state, and everything else that is known.
    fn join(&mut self, other: Self) {
        self.state = self.state.max(other.state);
        self.owner = self.owner.take().or(other.owner);
        self.place_count = self.place_count.max(other.place_count);
        for place in other.places {
            if !self.places.contains(&place) && self.places.len() < MOST_PLACES {
                self.places.push(place);
            }
        }
        self.place_count = self.place_count.max(self.places.len());
        for store in other.stores {
            match self.stores.iter_mut().find(|known| (&known.file, &known.key) == (&store.file, &store.key)) {
                Some(known) => known.held = known.held.take().or(store.held),
                None => self.stores.push(store),
            }
        }
        self.first = earliest(self.first.take(), other.first);
        // A later commit that has it is known only if both accounts know one.
        self.last = self.last.take().zip(other.last).map(|(a, b)| if b.date > a.date { b } else { a });
        for log in other.log {
            if !self.log.contains(&log) {
                self.log.push(log);
            }
        }
        self.log.sort_by_key(|log| (log.date, log.state));
        for (field, value) in other.unknown {
            self.unknown.entry(field).or_insert(value);
        }
    }
}

fn earliest(a: Option<Seen>, b: Option<Seen>) -> Option<Seen> {
    [a, b].into_iter().flatten().min_by_key(|seen| seen.date)
}

impl LogEntry {
    /// Something that happens now.
    pub fn new(state: State, date: Date, who: &str, evidence: Option<String>) -> Self {
        Self { state, date, who: who.to_owned(), evidence, unknown: Map::new() }
    }
}

impl State {
    /// All, in the order in which they follow each other.
    pub const ALL: [Self; 5] = [Self::Exposed, Self::Requested, Self::Rotated, Self::Revoked, Self::Verified];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Exposed => "exposed",
            Self::Requested => "requested",
            Self::Rotated => "rotated",
            Self::Revoked => "revoked",
            Self::Verified => "verified",
        }
    }

    /// The state of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Whether a new credential is in use.
    pub fn is_rotated(self) -> bool {
        self >= Self::Rotated
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl fmt::Display for StorePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        self.key.as_ref().map_or(Ok(()), |key| write!(f, " {key}"))
    }
}
