//! Every blob, commit and tag of a repository, searched once. Of an object that is stored as a
//! delta only what is new is searched; the rest is known from its base.

use std::collections::HashMap;
use std::io::Read;
use std::ops::Range;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::history::Repository;
use super::known::Gaps;
use super::{Progress, archived, parallel};
use crate::archive::{Form, Unread, each_member};
use crate::detect::{Hints, Match, Reason, Trace, detect_bytes};
use crate::finding::outside_metadata;
use crate::rule::{Confidence, RuleIndex, RuleSet};
use crate::secret::Secret;
use crate::sought::Heads;
use crate::source::each_chunk;
use crate::source::history::{Commit, CommitText};
use crate::source::object::{Large, ObjectId, ObjectInfo, ObjectKind, Skip, Visitor};
use crate::source::pack::Delta;
use crate::text::is_plain;

/// What was found in one object, read in one way.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) id: ObjectId,
    pub(super) kind: ObjectKind,
    /// How it was read, without what its bytes say.
    pub(super) hints: Hints,
    /// The file of an archive that was read, if the object is one.
    pub(super) member: Option<String>,
    /// By place.
    pub(super) hits: Vec<Hit>,
}

/// A secret in an object.
#[derive(Debug, Clone)]
pub(super) struct Hit {
    pub(super) rule: RuleIndex,
    /// Its number among the distinct values.
    pub(super) value: u32,
    /// Where it is in the object.
    pub(super) bytes: Range<u64>,
    pub(super) confidence: Confidence,
    pub(super) reasons: Vec<Reason>,
}

/// What a sweep found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) texts: Vec<Text>,
    /// The distinct values, by number.
    pub(super) values: Vec<Secret>,
    pub(super) skipped: Vec<Skip>,
    /// Archives that were not read to their ends, and objects that commits speak of but nobody stored.
    pub(super) gaps: Gaps,
    pub(super) blobs: u64,
    /// All commits, if all were read.
    pub(super) commits: Option<Vec<Commit>>,
    /// Everything was read that can be.
    pub(super) complete: bool,
}

/// An object by its name.
#[derive(Debug, Clone, Copy)]
struct Named {
    id: ObjectId,
    kind: ObjectKind,
}

impl Named {
    fn of(object: &ObjectInfo<'_>) -> Self {
        Self { id: object.id, kind: object.kind }
    }
}

/// A text, or a part of one that is read in parts.
struct Piece<'a> {
    bytes: &'a [u8],
    offset: u64,
    /// What starts here belongs to this piece.
    owned: Range<usize>,
}

impl<'a> Piece<'a> {
    fn whole(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0, owned: 0..bytes.len() }
    }
}

/// Looks for secrets in every object it is handed.
pub(super) struct Sweep<'a> {
    rules: &'a RuleSet,
    least: Confidence,
    repository: &'a Repository,
    progress: &'a Progress,
    values: Mutex<HashMap<Secret, u32>>,
    found: Mutex<Found>,
}

/// What is known of a text that others may build on.
#[derive(Debug)]
pub(super) struct Node {
    trace: Trace,
    /// Where values that are sought may begin.
    heads: Heads,
}

/// What a thread keeps to itself.
#[derive(Default)]
pub(super) struct Worker {
    texts: Vec<Text>,
    gaps: Gaps,
    blobs: u64,
    commits: Vec<Commit>,
}

impl<'a> Sweep<'a> {
    pub(super) fn new(rules: &'a RuleSet, least: Confidence, repository: &'a Repository, progress: &'a Progress) -> Self {
        Self { rules, least, repository, progress, values: Mutex::default(), found: Mutex::default() }
    }

    /// What was found, once every object was visited.
    pub(super) fn into_found(self) -> Found {
        let mut found = self.found.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut values: Vec<(Secret, u32)> = self.values.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().collect();
        values.sort_unstable_by_key(|(_, number)| *number);
        found.values = values.into_iter().map(|(value, _)| value).collect();
        found
    }

    /// Searches objects again in which an earlier scan found something, or which have new names; whether all could be read.
    pub(super) fn again(&self, objects: &[(ObjectId, ObjectKind, Vec<Hints>)]) -> bool {
        let read = |(id, kind, ways): &(ObjectId, ObjectKind, Vec<Hints>)| {
            let Ok(object) = self.repository.store.read(id) else { return false };
            let mut worker = self.worker();
            let named = Named { id: *id, kind: *kind };
            for &hints in ways {
                self.search(&mut worker, named, hints, &Piece::whole(&object.bytes));
            }
            self.members(&mut worker, named, ways.first().copied().unwrap_or(Hints::NONE), &object.bytes);
            self.finish(worker);
            true
        };
        parallel::each(self.repository.store.threads(), objects, read).into_iter().all(|read| read)
    }

    fn begin(&self, worker: &mut Worker, object: &ObjectInfo<'_>, bytes: &[u8]) {
        self.progress.texts.fetch_add(1, Ordering::Relaxed);
        self.progress.bytes.fetch_add(object.size, Ordering::Relaxed);
        worker.blobs += u64::from(object.kind == ObjectKind::Blob);
        if object.kind == ObjectKind::Commit
            && let Some(commit) = CommitText::parse(bytes).and_then(|text| Commit::new(object.id, text))
        {
            worker.gaps.missing.extend(commit.names().filter(|id| !self.repository.store.contains(id)));
            worker.commits.push(commit);
        }
    }

    /// The ways to read an object: the first is followed along deltas, the others are rare.
    fn ways(&self, object: &ObjectInfo<'_>) -> (Hints, Vec<Hints>) {
        if object.kind != ObjectKind::Blob {
            return (Hints::NONE, Vec::new());
        }
        let mut ways = self.repository.ways(&object.id);
        let first = ways.next().unwrap_or(Hints::NONE);
        (first, ways.collect())
    }

    /// Searches all of a text, or a piece of it, in one way.
    fn search(&self, worker: &mut Worker, object: Named, hints: Hints, piece: &Piece<'_>) {
        let matches = self.matches(piece.bytes, hints);
        let found = matches.into_iter().filter(|(_, found)| piece.owned.contains(&found.span.start));
        self.keep(worker, object, (hints, None), piece.offset, found);
    }

    /// Matches with their values and their places in the bytes.
    fn matches(&self, bytes: &[u8], hints: Hints) -> Vec<(Vec<u8>, Match)> {
        let mut all = Vec::new();
        for (decoded, matches) in detect_bytes(bytes, hints, self.rules) {
            all.extend(outside_metadata(&decoded.text, matches).into_iter().map(|found| {
                let value = decoded.text[found.span.range()].to_vec();
                (value, Match { span: decoded.in_file(bytes, found.span), ..found })
            }));
        }
        all
    }

    /// Searches the files of a blob that is an archive. What is found in its bytes as well is shown inside alone.
    fn members(&self, worker: &mut Worker, object: Named, hints: Hints, bytes: &[u8]) {
        let Some(form) = Form::of(bytes).filter(|_| object.kind == ObjectKind::Blob) else { return };
        let before = worker.texts.len();
        let visited = each_member(bytes, form, &mut |name, bytes| {
            let matches = self.matches(bytes, archived::hints(name));
            self.keep(worker, object, (hints, Some(name)), 0, matches.into_iter());
        });
        if let Err(why) = visited {
            worker.gaps.archives.insert(object.id, why);
        }
        let (outside, inside) = worker.texts.split_at_mut(before);
        let known = |value: u32| inside.iter().any(|text| text.hits.iter().any(|hit| hit.value == value));
        for text in outside.iter_mut().rev().take_while(|text| text.id == object.id) {
            text.hits.retain(|hit| !known(hit.value));
        }
        worker.texts.retain(|text| !text.hits.is_empty());
    }

    /// Takes what is known of a text, and searches it in the other ways.
    fn conclude(&self, worker: &mut Worker, object: &ObjectInfo<'_>, bytes: &[u8], node: &Node, (first, others): (Hints, Vec<Hints>)) {
        let mut matches = if node.trace.is_empty() { Vec::new() } else { node.trace.matches(bytes, self.rules) };
        if let Some((sought, rule)) = self.rules.sought() {
            matches.extend(sought.hits_at(bytes, &node.heads).into_iter().map(|hit| Match::known(hit, rule)));
        }
        let matches = outside_metadata(bytes, matches);
        let with_value = |found: Match| (bytes[found.span.range()].to_vec(), found);
        self.keep(worker, Named::of(object), (first, None), 0, matches.into_iter().map(with_value));
        for hints in others {
            self.search(worker, Named::of(object), hints, &Piece::whole(bytes));
        }
        self.members(worker, Named::of(object), first, bytes);
    }

    fn keep(
        &self,
        worker: &mut Worker,
        object: Named,
        (hints, member): (Hints, Option<&str>),
        offset: u64,
        found: impl Iterator<Item = (Vec<u8>, Match)>,
    ) {
        let hits: Vec<Hit> = found
            .filter(|(_, found)| found.confidence >= self.least)
            .map(|(value, found)| Hit {
                rule: found.rule,
                value: self.number(Secret::new(value)),
                bytes: offset + found.span.start as u64..offset + found.span.end as u64,
                confidence: found.confidence,
                reasons: found.reasons,
            })
            .collect();
        if hits.is_empty() {
            return;
        }
        let same = |text: &&mut Text| text.hints == hints && text.member.as_deref() == member;
        match worker.texts.iter_mut().rev().take_while(|text| text.id == object.id).find(same) {
            // The next piece of a large text.
            Some(text) => text.hits.extend(hits),
            None => worker.texts.push(Text { id: object.id, kind: object.kind, hints, member: member.map(str::to_owned), hits }),
        }
    }

    fn number(&self, value: Secret) -> u32 {
        let mut values = lock(&self.values);
        let next = u32::try_from(values.len()).unwrap_or(u32::MAX);
        *values.entry(value).or_insert(next)
    }
}

impl Visitor for Sweep<'_> {
    /// Nothing of a text that had to be decoded.
    type Node = Option<Node>;
    type Worker = Worker;

    fn worker(&self) -> Worker {
        Worker::default()
    }

    fn finish(&self, worker: Worker) {
        let mut found = lock(&self.found);
        found.texts.extend(worker.texts);
        found.gaps.add(worker.gaps);
        found.blobs += worker.blobs;
        found.commits.get_or_insert_default().extend(worker.commits);
    }

    fn wants(&self, kind: ObjectKind) -> bool {
        kind != ObjectKind::Tree
    }

    fn whole(&self, worker: &mut Worker, object: &ObjectInfo<'_>, bytes: &[u8]) -> Self::Node {
        self.begin(worker, object, bytes);
        let (first, others) = self.ways(object);
        if !is_plain(bytes) {
            for hints in std::iter::once(first).chain(others) {
                self.search(worker, Named::of(object), hints, &Piece::whole(bytes));
            }
            self.members(worker, Named::of(object), first, bytes);
            return None;
        }
        let trace = Trace::read(bytes, first.and_bytes(bytes), self.rules);
        let heads = self.rules.sought().map(|(sought, _)| sought.heads(bytes)).unwrap_or_default();
        let node = Node { trace, heads };
        self.conclude(worker, object, bytes, &node, (first, others));
        Some(node)
    }

    fn delta(&self, worker: &mut Worker, object: &ObjectInfo<'_>, delta: &Delta<'_>, base: &Self::Node) -> Self::Node {
        let bytes = delta.bytes();
        let Some(base) = base.as_ref().filter(|_| is_plain(bytes)) else {
            return self.whole(worker, object, bytes);
        };
        self.begin(worker, object, bytes);
        let (first, others) = self.ways(object);
        let copied = delta.copied();
        let trace = Trace::reread(bytes, first.and_bytes(bytes), self.rules, &base.trace, &copied);
        let heads = self.rules.sought().map(|(sought, _)| sought.heads_of_copy(bytes, &base.heads, &copied)).unwrap_or_default();
        let node = Node { trace, heads };
        self.conclude(worker, object, bytes, &node, (first, others));
        Some(node)
    }

    fn large(&self, worker: &mut Worker, object: &ObjectInfo<'_>, bytes: &mut dyn Read) -> Large {
        self.begin(worker, object, &[]);
        let (first, others) = self.ways(object);
        // An error shows when the reader checks how much was read.
        let _ = each_chunk(bytes, &mut Vec::new(), |chunk| {
            if chunk.offset == 0 && Form::of(chunk.bytes).is_some() {
                worker.gaps.archives.insert(object.id, Unread::Large);
            }
            let piece = Piece { bytes: chunk.bytes, offset: chunk.offset, owned: chunk.owned };
            for &hints in std::iter::once(&first).chain(&others) {
                self.search(worker, Named::of(object), hints, &piece);
            }
        });
        Large::Read
    }

    fn skipped(&self, skip: Skip) {
        lock(&self.found).skipped.push(skip);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
