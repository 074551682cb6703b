//! Proof that a migration does what it says, on the new bytes, before they are written: what was moved is not there
//! any more in any encoding, a scan finds nothing where it was, and nothing but the planned bytes changed.

use std::collections::{BTreeSet, HashSet};

use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use super::change::{Change, splice_of};
use super::file::{Site, SourceFile, SourceFiles};
use super::intact::is_intact;
use super::needle::Needles;
use super::plan::Plan;
use super::slugs::Slugs;
use crate::detect::{Hints, detect};
use crate::rule::{Confidence, RuleSet};
use crate::secret::Secret;
use crate::sought::spelled_whole;
use crate::text::{LineIndex, decode};

/// Something that a migration would leave behind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Leftover {
    /// A value still stands in a file at a place that it was to be moved from.
    #[error("{path}: a value that is moved would still stand in it{}, first in line {line}", times_over(*.times))]
    Value {
        /// The file.
        path: String,
        /// How often.
        times: usize,
        /// Line of the first in the new text, from 1.
        line: usize,
    },
    /// A name in a file would show a value.
    #[error("{path}: a name would show a secret")]
    Name {
        /// The file.
        path: String,
    },
    /// A value that was moved stands where nothing says that it is the secret, and may be there by chance.
    #[error("{path}: a value that is moved also stands where nothing says that it is a secret{}", times_over(*.times))]
    Doubtful {
        /// The file.
        path: String,
        /// How often.
        times: usize,
    },
    /// The new text is not read like the old one outside of what is replaced.
    #[error("{path}: what it holds besides the moved values would be read differently, or not at all")]
    Broken {
        /// The file.
        path: String,
    },
    /// A scan of the new bytes finds something that it did not find before.
    #[error("{path}:{line}: a scan would report `{rule}` in the new text")]
    Finding {
        /// The file.
        path: String,
        /// Line of the new text, from 1.
        line: usize,
        /// The rule.
        rule: &'static str,
    },
}

/// How often, unless it is once.
fn times_over(times: usize) -> String {
    if times == 1 { String::new() } else { format!(" ({times} times)") }
}

impl Leftover {
    /// The file.
    pub fn path(&self) -> &str {
        match self {
            Self::Value { path, .. }
            | Self::Name { path }
            | Self::Doubtful { path, .. }
            | Self::Finding { path, .. }
            | Self::Broken { path } => path,
        }
    }

    /// Whether only a person can tell if it is one.
    pub fn is_doubtful(&self) -> bool {
        matches!(self, Self::Doubtful { .. })
    }
}

/// What decides about findings.
#[derive(Clone, Copy)]
pub(super) struct Judge<'a> {
    /// What to look for.
    pub rules: &'a RuleSet,
    /// What is less sure does not count.
    pub min_confidence: Confidence,
}

/// What the changes would leave behind. Places of steps that are not chosen may stay.
pub(super) fn prove(plan: &Plan, files: &SourceFiles, changes: &[Change], judge: Judge<'_>) -> Vec<Leftover> {
    let staying = staying(plan, files);
    let moved = moved(plan, files, &staying);
    let needles = Needles::new(moved.iter().filter(|secret| !is_word(secret)).flat_map(|secret| spelled_whole(secret)).collect());
    let count = |bytes: &[u8]| needles.hits(bytes).count();
    let slugs = Slugs::new(files.values().flat_map(|file| &file.sites).map(|site| &site.secret));
    let one = |change: &Change| {
        let mut left = Vec::new();
        let known = change.before.as_deref().map_or_else(|| 0, |bytes| slugs.count(bytes) + slugs.count(change.path.as_bytes()));
        if slugs.count(&change.after) + slugs.count(change.path.as_bytes()) > known {
            left.push(Leftover::Name { path: change.path.clone() });
        }
        let (before, after) = (count(change.before.as_deref().map_or(&[], Vec::as_slice)), count(&change.after));
        let planned = files.get(&change.path).map_or(0, |file| places_of(file, plan, &moved));
        let (path, times) = (change.path.clone(), after);
        match after {
            0 => {}
            _ if after > before.saturating_sub(planned) => {
                let first = needles.hits(&change.after).map(|(span, _)| span.start).min().unwrap_or(0);
                let line = LineIndex::new(&change.after).position(&change.after, first).line;
                left.push(Leftover::Value { path, times, line });
            }
            _ => left.push(Leftover::Doubtful { path, times }),
        }
        // What is encrypted was checked value by value; a scan of ciphertext would only meet chance.
        if change.expected.is_some() {
            return left;
        }
        if !is_read_as_before(plan, change) {
            left.push(Leftover::Broken { path: change.path.clone() });
        }
        left.extend(findings(change, files.get(&change.path), &staying, judge));
        left
    };
    changes.par_iter().flat_map_iter(one).collect()
}

/// Letters that hardly stand together by chance.
const LETTERS: usize = 16;

/// Whether a value is a word like `postgres`, which names of entries and paths of stores have too. That its places are
/// gone is known from a scan of the new text.
fn is_word(secret: &Secret) -> bool {
    secret.expose().len() < LETTERS && secret.expose().iter().all(u8::is_ascii_alphabetic)
}

/// Whether the edits of a text leave the rest of it as it is for whoever reads it.
fn is_read_as_before(plan: &Plan, change: &Change) -> bool {
    let mut actions = plan.chosen().flat_map(|step| &step.actions).filter(|action| action.file() == change.path).peekable();
    // No step changes the creation rules, which are read as soon as they are made.
    if actions.peek().is_none() {
        return true;
    }
    let Some(before) = change.before.as_deref().and_then(|bytes| std::str::from_utf8(bytes).ok()) else { return true };
    let Ok(after) = std::str::from_utf8(&change.after) else { return true };
    // A file that is put together anew has no places to compare.
    let Some(splices) = actions.map(splice_of).collect::<Option<BTreeSet<_>>>() else { return true };
    is_intact(&change.path, before, after, &splices)
}

/// How many places of a file are to lose one of these values.
fn places_of(file: &SourceFile, plan: &Plan, moved: &[&Secret]) -> usize {
    let steps = plan.chosen().filter(|step| step.file == file.path);
    let chosen: BTreeSet<_> = steps.flat_map(|step| step.places.iter().map(|place| place.span)).collect();
    let counts = |site: &&Site| chosen.contains(&site.span) && moved.binary_search(&&site.secret).is_ok() && !is_word(&site.secret);
    file.sites.iter().filter(counts).count()
}

/// Values that stay somewhere because no chosen step moves them.
fn staying<'f>(plan: &Plan, files: &'f SourceFiles) -> Vec<&'f Secret> {
    let steps = plan.chosen().flat_map(|step| step.places.iter().map(|place| (step.file.as_str(), place.span.start)));
    let chosen: HashSet<(&str, usize)> = steps.collect();
    let places = files.values().flat_map(|file| file.sites.iter().map(move |site| (file, site)));
    let mut staying: Vec<&Secret> =
        places.filter(|(file, site)| !chosen.contains(&(file.path.as_str(), site.span.start))).map(|(_, site)| &site.secret).collect();
    staying.sort();
    staying.dedup();
    staying
}

/// The places that the chosen steps are about.
pub(super) fn chosen_sites<'f>(plan: &Plan, files: &'f SourceFiles) -> impl Iterator<Item = &'f Site> {
    let with_files = plan.chosen().filter_map(|step| Some((step, files.get(&step.file)?)));
    with_files.flat_map(|(step, file)| file.sites.iter().filter(|site| step.places.iter().any(|place| place.span == site.span)))
}

/// Values that no place keeps.
fn moved<'f>(plan: &Plan, files: &'f SourceFiles, staying: &[&Secret]) -> Vec<&'f Secret> {
    let secrets = chosen_sites(plan, files).map(|site| &site.secret);
    let mut moved: Vec<&Secret> = secrets.filter(|secret| !staying.contains(secret)).collect();
    moved.sort();
    moved.dedup();
    moved
}

/// Findings of the new text with values that the old one did not have, or that were to be moved.
fn findings(change: &Change, file: Option<&SourceFile>, staying: &[&Secret], judge: Judge<'_>) -> Vec<Leftover> {
    let decoded = decode(&change.after);
    let text = decoded.text.as_ref();
    let mut left = Vec::new();
    for found in detect(text, Hints::of_path(&change.path).and_bytes(text), judge.rules) {
        let value = Secret::new(text[found.span.range()].to_vec());
        let known = file.is_some_and(|file| staying.binary_search(&&value).is_ok() || is_below(file, &value));
        if found.confidence >= judge.min_confidence && !known {
            let line = 1 + memchr::memchr_iter(b'\n', &text[..found.span.start]).count();
            left.push(Leftover::Finding { path: change.path.clone(), line, rule: judge.rules.rule(found.rule).id });
        }
    }
    left
}

/// Whether the old text has the value where no finding is: it was allowed there.
fn is_below(file: &SourceFile, value: &Secret) -> bool {
    let decoded = decode(&file.bytes);
    let allowed = file.sites.iter().all(|site| site.secret != *value);
    allowed && memchr::memmem::find(&decoded.text, value.expose()).is_some()
}
