//! A history searched by several machines: each searches one share of the objects and says in which something was found; from
//! all parts together a scan of the repository knows where to look, and reports what one machine would have.
//!
//! A part holds no secret, only names of objects.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};

use super::history::{self, Opened};
use super::known::{self, Again, Gaps, KnownText};
use super::{Progress, Request, ScanError, Scanner, Scope};
use crate::source::Skip;
use crate::source::pack::Share;

const SCHEMA: &str = "sopup.shard/v1";

/// What one machine says of its share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    schema: String,
    share: Share,
    /// Stands for the rules and for how they are applied.
    rules: String,
    /// Stands for the repository as it was.
    repository: String,
    blobs: u64,
    bytes: u64,
    /// Objects in which something was found, and in which way of reading them.
    found: Vec<KnownText>,
    /// What the repository itself makes impossible to read.
    gaps: Gaps,
    /// What else was not read.
    unread: Vec<Skip>,
}

/// All parts of a history.
#[derive(Debug)]
pub struct Parts(Vec<Part>);

/// Why parts do not make a whole.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PartsError {
    /// None was given.
    #[error("no part is there")]
    None,
    /// Not of one repository, searched by the same rules in as many shares.
    #[error("parts {0} and {1} are not of one scan: the repository, the rules or the number of shares differ")]
    Mixed(u32, u32),
    /// Shares that nobody searched.
    #[error("of {of} parts these are missing: {}", numbers(first, *count))]
    Missing {
        /// How many there should be.
        of: u32,
        /// How many are not there.
        count: usize,
        /// The first of these.
        first: Vec<u32>,
    },
    /// The repository is another one by now, or another clone.
    #[error("the repository is not as it was when its parts were searched: objects, refs or index differ")]
    Repository,
    /// The rules are others.
    #[error("the parts were searched by other rules, with another `--min-confidence` or by another version of sopup")]
    Rules,
}

/// As many missing parts are named.
const NAMED: usize = 20;

fn numbers(first: &[u32], count: usize) -> String {
    let named: Vec<String> = first.iter().map(ToString::to_string).collect();
    let more = if count > first.len() { format!(" and {} more", count - first.len()) } else { String::new() };
    format!("{}{more}", named.join(", "))
}

impl Part {
    /// Whether everything in the share was read.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.unread.is_empty() && self.gaps == Gaps::default()
    }

    /// Objects in which something was found.
    #[must_use]
    pub fn objects(&self) -> usize {
        self.found.iter().map(KnownText::id).collect::<BTreeSet<_>>().len()
    }

    /// Blobs and bytes that were read.
    #[must_use]
    pub fn seen(&self) -> (u64, u64) {
        (self.blobs, self.bytes)
    }

    /// Its line in a file.
    #[must_use]
    pub fn written(&self) -> String {
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }

    /// Reads what [`written`](Self::written) gives.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn read(text: &str) -> Result<Self, String> {
        let part: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if part.schema == SCHEMA { Ok(part) } else { Err(format!("its schema is `{}`, and not `{SCHEMA}`", part.schema)) }
    }
}

impl Parts {
    /// Every share once. The same part twice counts once.
    ///
    /// # Errors
    /// [`PartsError`] if they are not the parts of one scan, or not all.
    pub fn of(parts: Vec<Part>) -> Result<Self, PartsError> {
        let mut parts_by = BTreeMap::new();
        for part in parts {
            parts_by.entry(part.share.number()).or_insert(part);
        }
        let one = parts_by.values().next().ok_or(PartsError::None)?;
        let scan = |part: &Part| (part.share.of(), part.rules.clone(), part.repository.clone());
        if let Some(other) = parts_by.values().find(|part| scan(part) != scan(one)) {
            return Err(PartsError::Mixed(one.share.number(), other.share.number()));
        }
        let of = one.share.of();
        // A part can claim to be one of millions.
        let first: Vec<u32> = (1..=of).filter(|number| !parts_by.contains_key(number)).take(NAMED).collect();
        let count = of as usize - parts_by.len();
        if count == 0 { Ok(Self(parts_by.into_values().collect())) } else { Err(PartsError::Missing { of, count, first }) }
    }

    /// Whether they are of this repository and these rules.
    pub(super) fn fit(&self, rules: &str, repository: &str) -> Result<(), PartsError> {
        match self.0.first() {
            Some(part) if part.repository != repository => Err(PartsError::Repository),
            Some(part) if part.rules != rules => Err(PartsError::Rules),
            _ => Ok(()),
        }
    }

    /// What is left to read: objects in which something was found.
    pub(super) fn again(&self) -> Again {
        known::again(self.0.iter().flat_map(|part| &part.found))
    }

    pub(super) fn gaps(&self) -> Gaps {
        let mut gaps = Gaps::default();
        for part in &self.0 {
            gaps.add(part.gaps.clone());
        }
        gaps
    }

    pub(super) fn unread(&self) -> impl Iterator<Item = &Skip> {
        self.0.iter().flat_map(|part| &part.unread)
    }

    /// Blobs and bytes that were read.
    pub(super) fn seen(&self) -> (u64, u64) {
        self.0.iter().fold((0, 0), |(blobs, bytes), part| (blobs + part.blobs, bytes + part.bytes))
    }
}

/// Searches one share of the objects of a repository.
///
/// # Errors
/// [`ScanError`] if the repository cannot be read at all, or the request is not of a history.
pub fn scan_share(request: &Request, share: Share, progress: &Progress) -> Result<Part, ScanError> {
    let Scope::Repository { history, .. } = &request.scope else { return Err(ScanError::NoHistory) };
    let scanner = Scanner::new(request, progress);
    let opened = Opened::of(&scanner, history)?;
    let repository = opened.contents(&history.git);
    // What is not read here, each part would say again: merging reads it too.
    drop(scanner.take_skips());
    let found = history::search(&scanner, &opened.with_names(), request.min_confidence, share);
    Ok(Part {
        schema: SCHEMA.to_owned(),
        share,
        rules: known::digest(&request.rules, request.min_confidence),
        repository,
        blobs: found.blobs,
        bytes: progress.bytes.load(Ordering::Relaxed),
        found: found.texts.iter().map(KnownText::of).collect(),
        gaps: found.gaps,
        unread: scanner.take_skips(),
    })
}
