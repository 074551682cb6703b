//! The scan of a repository's history: names from trees, every object once, and for what was found
//! the paths and commits it was in.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::Ordering;

use memchr::memmem;

use super::groups::{Groups, Placed, Shown, located, sighted};
use super::known::{self, Copies, Known, Memory, Rest};
use super::shard::Parts;
use super::sweep::{Found, Sweep, Text};
use super::tips::{self, Tips};
use super::{ScanError, Scanner, parallel};
use crate::detect::{Hints, detect_name};
use crate::finding::Located;
use crate::rule::Confidence;
use crate::source::history::{Attribution, CommitGraph, EntryNames, Wanted, attribute, entry_names};
use crate::source::object::{self, Limits, ObjectId, ObjectKind, ObjectStore, OpenError};
use crate::source::pack::Share;
use crate::source::refs::{GitDir, Ref};
use crate::source::{EntryState, IndexEntry, Origin, Skip, SkipReason, SourceKind, read_index};

/// A repository whose objects are scanned, all of them.
#[derive(Debug)]
pub struct History {
    /// Where it is.
    pub git: GitDir,
    /// What reading may cost.
    pub limits: Limits,
    /// Where it is kept what need not be read again.
    pub memory: Option<Memory>,
    /// What machines found that searched it in shares; nothing is searched again then.
    pub parts: Option<Parts>,
}

/// Everything that is known before objects are read.
pub(super) struct Repository {
    pub(super) store: ObjectStore,
    pub(super) refs: Vec<Ref>,
    pub(super) names: EntryNames,
    /// By blob.
    pub(super) index: HashMap<ObjectId, Vec<String>>,
}

/// A repository before the names of its blobs are known.
pub(super) struct Opened {
    store: ObjectStore,
    refs: Vec<Ref>,
    entries: Vec<IndexEntry>,
}

impl Opened {
    /// Opens the objects and reads what leads to them; names what is wrong with that.
    pub(super) fn of(scanner: &Scanner<'_>, history: &History) -> Result<Self, OpenError> {
        let git = &history.git;
        let store = git.open_objects(history.limits.clone())?;
        let refs = git.refs();
        refs.skipped.iter().chain(git.skipped()).for_each(|skip| scanner.skip(Skip::from(skip)));
        let mut refs = refs.items;
        refs.extend(stashes(git));
        let entries = indexed(scanner, git);
        Ok(Self { store, refs, entries })
    }

    /// Stands for what it has, in whatever clone.
    pub(super) fn contents(&self, git: &GitDir) -> String {
        known::state(&self.store, git, (&self.refs, &self.entries), Copies::Same)
    }

    /// Reads all trees for the names of blobs.
    pub(super) fn with_names(self) -> Repository {
        let Self { store, refs, entries } = self;
        let mut names = entry_names(&store, |name| 1 << Hints::of_path(&String::from_utf8_lossy(name)).class());
        let mut index: HashMap<ObjectId, Vec<String>> = HashMap::new();
        for IndexEntry { path, id, .. } in entries {
            let path = String::from_utf8_lossy(&path).into_owned();
            *names.marks.entry(id).or_default() |= 1 << Hints::of_path(&path).class();
            index.entry(id).or_default().push(path);
        }
        Repository { store, refs, names, index }
    }
}

/// Scans all objects, refs and other texts of a repository. Gives how many blobs were read, and how many objects need
/// not be.
pub(super) fn scan(scanner: &Scanner<'_>, history: &History, least: Confidence) -> Result<(u64, u64), ScanError> {
    let git = &history.git;
    let opened = Opened::of(scanner, history)?;
    ref_names(scanner, &opened.refs);
    lost_roots(scanner, git, &opened.store, &opened.refs);
    let skips = scanner.skips();
    let rules = known::digest(scanner.rules, least);
    if let Some(parts) = &history.parts {
        parts.fit(&rules, &opened.contents(git))?;
    }
    let known = history.memory.as_ref().map(|memory| memory.recall(&rules)).unwrap_or_default();
    let state = known::state(&opened.store, git, (&opened.refs, &opened.entries), Copies::Differ);
    let state = format!("{state} {:?}", scanner.inline);
    if let Some(located) = known.places(&state).and_then(|places| all_located(scanner, &opened.store, places)) {
        located.into_iter().for_each(|located| scanner.add(located));
        known.gaps().skips().for_each(|skip| scanner.skip(skip));
        let counts = opened.store.counts();
        return Ok((0, counts.packed + counts.loose));
    }

    let repository = opened.with_names();
    repository.names.skipped.iter().for_each(|skip| scanner.skip(Skip::from(skip)));
    let (mut found, rest) = match &history.parts {
        Some(parts) => (gathered(scanner, &repository, parts, least), Rest::default()),
        None => swept(scanner, &repository, &known, least),
    };
    let (blobs, complete) = (found.blobs, found.complete && repository.names.skipped.is_empty());
    let mut gaps = std::mem::take(&mut found.gaps);
    gaps.missing.extend(repository.missing());
    if rest.packs.contains(&true) {
        gaps.take_over(known.gaps(), &repository.store);
    }
    gaps.skips().for_each(|skip| scanner.skip(skip));
    let lasting = gaps.skips().count();
    let memory = history.memory.as_ref().filter(|_| complete);
    let mut known = memory.map(|_| known.after(&repository.store, |id| repository.marks(id), &found.texts, gaps));
    let wanted = wanted(scanner, &repository, &found, least);
    let places = if found.texts.is_empty() && wanted.names.is_empty() {
        Some(Vec::new())
    } else {
        attributed(scanner, git, &repository, found, &wanted)
    };
    let places = places.filter(|_| scanner.skips() == skips + lasting);
    if let (Some(known), Some(places)) = (&mut known, places) {
        known.place(state, places);
    }
    if let (Some(memory), Some(known)) = (memory, &known) {
        memory.keep(known);
    }
    let of_known = repository.store.packs().zip(&rest.packs).filter(|(_, known)| **known);
    Ok((blobs, of_known.map(|(pack, _)| u64::from(pack.objects)).sum()))
}

/// What was found in a repository that is as it was; `None` if it cannot be shown again.
fn all_located(scanner: &Scanner<'_>, store: &ObjectStore, places: &[Placed]) -> Option<Vec<Vec<Located>>> {
    located(scanner, store, places).into_iter().map(|places| places.filter(|places| !places.is_empty())).collect()
}

/// Searches what is not known.
fn swept(scanner: &Scanner<'_>, repository: &Repository, known: &Known, least: Confidence) -> (Found, Rest) {
    let rest = known.rest(&repository.store, |id| repository.marks(id));
    match sweep(scanner, repository, least, &rest) {
        Some(found) => (found, rest),
        // What was streamed cannot be looked at again alone.
        None => (search(scanner, repository, least, Share::ALL), Rest::default()),
    }
}

/// What others found in their shares.
fn gathered(scanner: &Scanner<'_>, repository: &Repository, parts: &Parts, least: Confidence) -> Found {
    let sweep = Sweep::new(scanner.rules, least, repository, scanner.progress);
    if !sweep.again(&parts.again()) {
        return search(scanner, repository, least, Share::ALL);
    }
    parts.unread().for_each(|skip| scanner.skip(skip.clone()));
    let (blobs, bytes) = parts.seen();
    scanner.progress.bytes.fetch_add(bytes, Ordering::Relaxed);
    Found { blobs, gaps: parts.gaps(), commits: None, ..settled(scanner, sweep) }
}

/// Searches one share.
pub(super) fn search(scanner: &Scanner<'_>, repository: &Repository, least: Confidence, share: Share) -> Found {
    let sweep = Sweep::new(scanner.rules, least, repository, scanner.progress);
    repository.store.visit_share(&sweep, share);
    settled(scanner, sweep)
}

impl Repository {
    /// The same as bits, by their classes.
    fn marks(&self, blob: &ObjectId) -> u16 {
        self.names.marks.get(blob).copied().unwrap_or(1 << Hints::NONE.class())
    }

    /// What trees and indexes speak of but nobody stored.
    fn missing(&self) -> impl Iterator<Item = ObjectId> {
        let named: Vec<&ObjectId> = self.names.marks.keys().chain(&self.names.trees).collect();
        parallel::each(self.store.threads(), &named, |id| (!self.store.contains(id)).then_some(**id)).into_iter().flatten()
    }

    /// The ways to read a blob, from the names it has; at least one.
    pub(super) fn ways(&self, blob: &ObjectId) -> impl Iterator<Item = Hints> {
        let marks = self.marks(blob);
        (0..Hints::CLASSES).filter(move |class| marks >> class & 1 == 1).map(Hints::of_class)
    }
}

/// Searches all packs but known ones; `None` if something cannot be looked at again.
fn sweep(scanner: &Scanner<'_>, repository: &Repository, least: Confidence, rest: &Rest) -> Option<Found> {
    let sweep = Sweep::new(scanner.rules, least, repository, scanner.progress);
    if !sweep.again(&rest.again) {
        return None;
    }
    repository.store.visit_except(&sweep, |pack| rest.packs.get(pack).copied().unwrap_or(false));
    let mut found = settled(scanner, sweep);
    found.commits.take_if(|_| rest.packs.contains(&true));
    Some(found)
}

/// Names what was not read, and puts the rest in order.
fn settled(scanner: &Scanner<'_>, sweep: Sweep<'_>) -> Found {
    let mut found = sweep.into_found();
    found.complete = found.skipped.is_empty();
    for skip in found.skipped.drain(..) {
        scanner.skip(Skip::from(&skip));
    }
    let way = |text: &Text| (text.id, text.member.clone(), text.member.is_none().then(|| text.hints.class()));
    found.texts.sort_unstable_by_key(way);
    // What was known can lie in a new pack as well.
    found.texts.dedup_by(|a, b| way(a) == way(b));
    found
}

fn ref_names(scanner: &Scanner<'_>, refs: &[Ref]) {
    for one in refs {
        let name = String::from_utf8_lossy(&one.name).into_owned();
        let origin = Origin { path: name.clone(), source: SourceKind::Ref };
        let located = scanner.guarded(&name, || scanner.located_name(&name, &origin));
        scanner.add(located);
    }
}

/// Blobs with hits, and names that hold a secret; sorted.
fn wanted(scanner: &Scanner<'_>, repository: &Repository, found: &Found, least: Confidence) -> Wanted {
    let mut blobs: Vec<ObjectId> = found.texts.iter().filter(|text| text.kind == ObjectKind::Blob).map(|text| text.id).collect();
    blobs.dedup();
    let holds = |name: &[u8]| detect_name(name, scanner.rules).iter().any(|found| found.confidence >= least);
    let mut names: Vec<Box<[u8]>> = repository.names.names.iter().filter(|name| holds(name)).cloned().collect();
    names.sort_unstable();
    Wanted { blobs, names }
}

/// Works out where everything was and hands it on, one place for each value and path. Gives the places if they can be
/// shown again.
fn attributed(scanner: &Scanner<'_>, git: &GitDir, repository: &Repository, mut found: Found, wanted: &Wanted) -> Option<Vec<Placed>> {
    let store = &repository.store;
    let graph = found.commits.take().map_or_else(|| CommitGraph::read(store), CommitGraph::of);
    let head = tips::head(git, &repository.refs).and_then(|id| graph.number(&id));
    let attribution = attribute(store, &graph, head, wanted);
    graph.skipped.iter().chain(&attribution.skipped).for_each(|skip| scanner.skip(Skip::from(skip)));
    if attribution.truncated {
        let reason = SkipReason::Unreadable("too deep or too long to be attributed; some paths are not listed".to_owned());
        scanner.skip(Skip { what: "history".to_owned(), reason });
    }
    let tips = Tips::of(store, &repository.refs, &graph);
    let mut groups = Groups::new(scanner, repository, &graph, &tips, found);
    groups.add_blobs(wanted, &attribution);
    groups.add_messages();
    let mut again = wanted.names.is_empty();
    let mut places = Vec::new();
    for (place, shown) in groups.shown() {
        match shown {
            Shown::Again(located) => scanner.add(located),
            Shown::Once(located) => {
                again = false;
                scanner.add(vec![located]);
            }
            Shown::Nothing => scanner.skip(Skip { what: place.path.clone(), reason: SkipReason::Changed }),
        }
        places.push(place);
    }
    scanner.add(names_located(scanner, (store, &graph), wanted, &attribution));
    again.then_some(places)
}

/// Files of the index, and of those of other working trees.
fn indexed(scanner: &Scanner<'_>, git: &GitDir) -> Vec<IndexEntry> {
    let linked = git.worktrees();
    linked.skipped.iter().for_each(|skip| scanner.skip(Skip::from(skip)));
    let folders = linked.items.into_iter().map(|worktree| worktree.git_dir).chain([git.common().to_owned(), git.path().to_owned()]);
    let mut entries = Vec::new();
    for folder in folders.collect::<BTreeSet<_>>() {
        match read_index(&folder.join("index"), git.hash()) {
            Ok(more) => entries.extend(more),
            Err(skip) => scanner.skip(skip),
        }
    }
    // What is only announced has no content yet.
    entries.retain(|entry| entry.is_blob() && entry.state != EntryState::Announced);
    entries
}

/// Names what a repository should hold because something beside its objects leads to it, and does not:
/// refs, with those of all working trees, and reflogs. `FETCH_HEAD` and its kin may lead to what is gone.
fn lost_roots(scanner: &Scanner<'_>, git: &GitDir, store: &ObjectStore, refs: &[Ref]) {
    let lasting = |name: &[u8]| name.ends_with(b"HEAD") && !name.ends_with(b"_HEAD") || memmem::find(name, b"refs/").is_some();
    let lost = |name: &str, id: &ObjectId| {
        if !store.contains(id) {
            scanner.skip(Skip { what: format!("{name} leads to {id}"), reason: SkipReason::Missing });
        }
    };
    for one in refs.iter().filter(|one| lasting(&one.name)) {
        one.id.iter().for_each(|id| lost(&String::from_utf8_lossy(&one.name), id));
    }
    let unread = git.each_log_entry(&mut |entry| {
        let name = format!("the reflog of {}", String::from_utf8_lossy(entry.name));
        entry.old.iter().chain(&entry.new).for_each(|id| lost(&name, id));
    });
    // A line that is no entry is scanned as text all the same.
    let unread = unread.iter().filter(|skip| !matches!(skip.reason, object::SkipReason::Unusable(_)));
    unread.for_each(|skip| scanner.skip(Skip::from(skip)));
}

/// Stashes, the latest first. Only the latest has a ref; what is wrong with the log is named with [`lost_roots`].
fn stashes(git: &GitDir) -> Vec<Ref> {
    let mut commits = Vec::new();
    let _ = git.each_log_entry(&mut |entry| {
        if entry.name == b"refs/stash" {
            commits.push(entry.new);
        }
    });
    let named = |(number, id)| Ref { name: format!("refs/stash@{{{number}}}").into_bytes(), id, peeled: None, symbolic: None };
    commits.into_iter().rev().enumerate().map(named).collect()
}

/// Names of files and folders that hold a secret, at every path they had.
fn names_located(
    scanner: &Scanner<'_>,
    (store, graph): (&ObjectStore, &CommitGraph),
    wanted: &Wanted,
    attribution: &Attribution,
) -> Vec<Located> {
    let mut all = Vec::new();
    for (name, places) in wanted.names.iter().zip(&attribution.names) {
        if places.is_empty() {
            let name = String::from_utf8_lossy(name).into_owned();
            all.extend(scanner.located_name(&name, &Origin { path: name.clone(), source: SourceKind::Path }));
        }
        for place in places {
            let path = String::from_utf8_lossy(&place.path).into_owned();
            let origin = Origin { path: path.clone(), source: SourceKind::Path };
            let sighting = sighted(place, graph, store);
            all.extend(scanner.located_name(&path, &origin).into_iter().map(|mut located| {
                located.occurrence.sighting = Some(Box::new(sighting.clone()));
                located
            }));
        }
    }
    all
}
