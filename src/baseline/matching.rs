//! What a record of another scanner means among sopup's own findings. A record that tells something of the value matches only
//! where that holds: a value that took the place of another is not taken for it.

use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;

use memchr::memmem::find;
use sha1::{Digest as _, Sha1};

use super::foreign::{Named, Place, Record};
use crate::finding::{Finding, Occurrence};
use crate::rule::Confidence;
use crate::source::SourceKind;

/// How far a hashed text reaches beyond a value on either side, and how long a value is whose parts are hashed, in bytes.
const AROUND: usize = 128;
/// Shorter values stand in longer texts by chance, in bytes.
const TELLING: usize = 8;

/// Why a record matches nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// It says nothing that can be looked up.
    #[error("it names neither a place nor a value")]
    Nameless,
    /// The version of the file that it names is not there.
    #[error("the repository has no such file in that commit")]
    NoVersion,
    /// No finding is at the place.
    #[error("sopup takes nothing there for a secret")]
    NothingThere,
    /// Something else is at the place.
    #[error("another value stands there now")]
    AnotherValue,
    /// No finding has the value.
    #[error("the value is nowhere in files and history, or sopup does not take it for a secret")]
    NowhereFound,
    /// The record could mean any of several values.
    #[error("several values stand there, and it does not say which is meant")]
    Several,
    /// A scan would not report it.
    #[error("`sopup scan` does not report it: it is not sure that this is a secret")]
    Unsure,
}

/// The lines where findings are.
type Lines = Vec<(RangeInclusive<usize>, usize)>;

/// Findings by what records name.
pub struct Matcher<'f> {
    findings: &'f [Finding],
    threshold: Confidence,
    top: String,
    by_value: HashMap<&'f [u8], usize>,
    by_sha1: HashMap<[u8; 20], usize>,
    spots: HashMap<&'f str, Vec<Spot<'f>>>,
    /// Findings by line, in files as commits have them; `None` if there is no such file.
    versions: HashMap<(String, String), Option<Lines>>,
}

/// A place of a finding.
struct Spot<'f> {
    finding: usize,
    lines: RangeInclusive<usize>,
    is_on_disk: bool,
    /// The commit that brought it, for what is not on disk.
    commit: Option<&'f str>,
}

impl<'f> Matcher<'f> {
    /// Over the findings of a whole repository, doubtful ones too. What is less sure than `threshold` a scan does not report;
    /// `top` is the folder that paths of findings start from.
    pub fn new(findings: &'f [Finding], threshold: Confidence, top: &str) -> Self {
        let (mut by_value, mut by_sha1) = (HashMap::new(), HashMap::new());
        let mut spots: HashMap<&str, Vec<Spot<'_>>> = HashMap::new();
        for (number, finding) in findings.iter().enumerate() {
            by_value.insert(finding.secret.expose(), number);
            by_sha1.insert(Sha1::digest(finding.secret.expose()).into(), number);
            for place in finding.occurrences.iter().filter(|place| is_in_file(place)) {
                spots.entry(place.origin.path.as_str()).or_default().push(Spot::of(place, number));
            }
        }
        let top = format!("{}/", top.trim_end_matches('/'));
        Self { findings, threshold, top, by_value, by_sha1, spots, versions: HashMap::new() }
    }

    /// The version of a file, by commit and path, that has to be searched before a record can be told.
    pub fn wants(&self, record: &Record) -> Option<(String, String)> {
        let place = record.place.as_ref()?;
        let version = (place.commit.clone()?, self.path(place).to_owned());
        let is_known = self.exact(record).is_some() || !self.at(place).is_empty() || self.versions.contains_key(&version);
        (!is_known).then_some(version)
    }

    /// Learns what was found in a version of a file; `None` if there is no such file.
    pub fn learn(&mut self, version: (String, String), found: Option<&[Finding]>) {
        let known = |finding: &Finding| self.by_value.get(finding.secret.expose()).copied();
        let lines = found.map(|findings| {
            let spots = findings.iter().filter_map(|finding| Some((finding, known(finding)?)));
            spots.flat_map(|(finding, number)| finding.occurrences.iter().map(move |place| (lines(place), number))).collect()
        });
        self.versions.insert(version, lines);
    }

    /// The findings that a record means; `line_of` gives a line of a file on disk.
    ///
    /// # Errors
    /// [`Mismatch`], if there is none, or if it is not sure which.
    pub fn find(&self, record: &Record, line_of: impl Fn(&str, usize) -> Option<Vec<u8>>) -> Result<Vec<&'f Finding>, Mismatch> {
        if let Some(exact) = self.exact(record) {
            return self.reported([exact].into());
        }
        let Some(place) = &record.place else {
            return Err(if matches!(record.value, Named::Nothing) { Mismatch::Nameless } else { Mismatch::NowhereFound });
        };
        let path = self.path(place);
        let there = self.at(place);
        let is_meant = |&number: &usize| self.is_meant(number, &record.value, || line_of(path, place.line));
        let meant: BTreeSet<usize> = there.iter().copied().filter(is_meant).collect();
        if !meant.is_empty() {
            return match self.reported(meant)? {
                several if several.len() > 1 && matches!(record.value, Named::Nothing) => Err(Mismatch::Several),
                found => Ok(found),
            };
        }
        let elsewhere = self.elsewhere(path, &record.value);
        if !elsewhere.is_empty() {
            return self.reported(elsewhere);
        }
        let is_gone = place.commit.as_ref().is_some_and(|commit| self.versions.get(&(commit.clone(), path.to_owned())) == Some(&None));
        Err(match &record.value {
            _ if is_gone => Mismatch::NoVersion,
            _ if !there.is_empty() => Mismatch::AnotherValue,
            Named::Value(_) => Mismatch::NowhereFound,
            _ => Mismatch::NothingThere,
        })
    }

    /// The path as findings have it.
    fn path<'p>(&self, place: &'p Place) -> &'p str {
        let path = place.path.strip_prefix(&self.top).unwrap_or(&place.path);
        path.trim_start_matches("./")
    }

    /// The finding with the very value.
    fn exact(&self, record: &Record) -> Option<usize> {
        match &record.value {
            Named::Value(value) => self.by_value.get(value.expose()).copied(),
            Named::Sha1(hash) => self.by_sha1.get(hash).copied(),
            Named::Start(_) | Named::Nothing => None,
        }
    }

    /// The findings at a place: in the version that it names; else on disk, else in any version.
    fn at(&self, place: &Place) -> BTreeSet<usize> {
        let path = self.path(place);
        let spots = || self.spots.get(path).into_iter().flatten().filter(|spot| spot.lines.contains(&place.line));
        let Some(commit) = &place.commit else {
            let on_disk: BTreeSet<usize> = spots().filter(|spot| spot.is_on_disk).map(|spot| spot.finding).collect();
            return if on_disk.is_empty() { spots().map(|spot| spot.finding).collect() } else { on_disk };
        };
        let known = self.versions.get(&(commit.clone(), path.to_owned())).and_then(Option::as_ref).into_iter().flatten();
        let found = known.filter(|(lines, _)| lines.contains(&place.line)).map(|(_, number)| *number);
        spots().filter(|spot| spot.commit == Some(commit)).map(|spot| spot.finding).chain(found).collect()
    }

    /// The findings in a file, at any line, whose value is a part of the one that is told, or the other way round.
    fn elsewhere(&self, path: &str, value: &Named) -> BTreeSet<usize> {
        let Named::Value(_) = value else { return BTreeSet::new() };
        let spots = self.spots.get(path).into_iter().flatten().map(|spot| spot.finding);
        spots.filter(|&number| self.findings[number].secret.expose().len() >= TELLING && self.is_meant(number, value, || None)).collect()
    }

    /// Whether what is told of a value holds for a finding.
    fn is_meant(&self, number: usize, value: &Named, line: impl FnOnce() -> Option<Vec<u8>>) -> bool {
        let found = self.findings[number].secret.expose();
        match value {
            Named::Nothing => true,
            Named::Value(told) => find(told.expose(), found).is_some() || find(found, told.expose()).is_some(),
            Named::Start(told) => find(found, told.expose()).is_some() || find(told.expose(), found).is_some(),
            Named::Sha1(hash) => is_part_hashed(found, hash) || line().is_some_and(|line| is_more_hashed(&line, found, hash)),
        }
    }

    /// Those that a scan reports.
    fn reported(&self, numbers: BTreeSet<usize>) -> Result<Vec<&'f Finding>, Mismatch> {
        let all = numbers.into_iter().map(|number| &self.findings[number]);
        let sure: Vec<&Finding> = all.filter(|finding| finding.confidence >= self.threshold).collect();
        if sure.is_empty() { Err(Mismatch::Unsure) } else { Ok(sure) }
    }
}

impl<'f> Spot<'f> {
    fn of(place: &'f Occurrence, finding: usize) -> Self {
        let sighting = place.sighting.as_deref();
        let commit = sighting.and_then(|sighting| sighting.commit.as_ref()).map(|commit| commit.id.as_str());
        Self { finding, lines: lines(place), is_on_disk: sighting.is_none(), commit }
    }
}

fn lines(place: &Occurrence) -> RangeInclusive<usize> {
    place.start.line..=place.end.line
}

/// Whether lines of a place count in a file.
fn is_in_file(place: &Occurrence) -> bool {
    use SourceKind::{History, Index, Stash, Worktree};
    matches!(place.origin.source, Worktree | Index | History | Stash)
}

/// Whether a part of a value has this hash.
fn is_part_hashed(value: &[u8], hash: &[u8; 20]) -> bool {
    let value = &value[..value.len().min(AROUND)];
    (0..value.len()).any(|start| (start + 1..=value.len()).any(|end| sha1(&value[start..end]) == *hash))
}

/// Whether a text with this hash stands on a line and has the value in it.
fn is_more_hashed(line: &[u8], value: &[u8], hash: &[u8; 20]) -> bool {
    let Some(at) = find(line, value) else { return false };
    let end = at + value.len();
    let (first, last) = (at.saturating_sub(AROUND), line.len().min(end + AROUND));
    (first..=at).any(|start| (end..=last).any(|end| sha1(&line[start..end]) == *hash))
}

fn sha1(bytes: &[u8]) -> [u8; 20] {
    Sha1::digest(bytes).into()
}
