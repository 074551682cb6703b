//! From hits in versions of files to places that a person can go to: one for each value and path,
//! shown as in the oldest version that has it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::history::Repository;
use super::sweep::{Found, Hit, Text};
use super::tips::{NAMED, Tips, described};
use super::{Scanner, archived, parallel};
use crate::archive::{Form, each_member, path_inside};
use crate::detect::{Hints, detect_bytes};
use crate::finding::{Base, Excerpt, Located, Occurrence, locate};
use crate::secret::MASK;
use crate::source::history::{Attribution, CommitGraph, Place, Wanted};
use crate::source::object::{ObjectId, ObjectKind, ObjectStore};
use crate::source::{Origin, Sighting, SourceKind};
use crate::text::Position;

/// A value by its number, its path and its source.
type Key = (u32, String, SourceKind);

/// A value at a path, in all its versions.
#[derive(Debug, Default)]
struct Group {
    /// The oldest version: when it came, and its number among the texts.
    first: Option<(u32, usize)>,
    /// The newest version, likewise.
    newest: Option<(u32, usize)>,
    introduced: BTreeSet<u32>,
    last: Option<u32>,
    in_head: bool,
    versions: BTreeSet<usize>,
}

/// All of them.
pub(super) struct Groups<'a> {
    scanner: &'a Scanner<'a>,
    repository: &'a Repository,
    graph: &'a CommitGraph,
    tips: &'a Tips,
    found: Found,
    groups: BTreeMap<Key, Group>,
}

impl<'a> Groups<'a> {
    pub(super) fn new(scanner: &'a Scanner<'a>, repository: &'a Repository, graph: &'a CommitGraph, tips: &'a Tips, found: Found) -> Self {
        Self { scanner, repository, graph, tips, found, groups: BTreeMap::new() }
    }

    /// Groups the hits in blobs by the paths the blobs had.
    pub(super) fn add_blobs(&mut self, wanted: &Wanted, attribution: &Attribution) {
        for at in 0..self.found.texts.len() {
            let text = &self.found.texts[at];
            if text.kind != ObjectKind::Blob {
                continue;
            }
            let id = text.id;
            let class = text.hints.class();
            let places = &attribution.blobs[wanted.blobs.binary_search(&id).expect("every blob with hits is wanted")];
            let member = text.member.clone();
            let fits = |path: &str| member.is_some() || Hints::of_path(path).class() == class;
            let inside = |path: &str| member.as_ref().map_or_else(|| path.to_owned(), |member| path_inside(path, member));
            let mut placed = false;
            for place in places {
                let path = String::from_utf8_lossy(&place.path).into_owned();
                if fits(&path) {
                    placed = true;
                    self.add(at, &inside(&path), SourceKind::History, Some(place));
                }
            }
            for path in self.repository.index.get(&id).into_iter().flatten().filter(|path| fits(path) && places.is_empty()) {
                placed = true;
                self.add(at, &inside(path), SourceKind::Index, None);
            }
            if !placed && places.is_empty() {
                self.add(at, &inside(&format!("blob {id}")), SourceKind::History, None);
            }
        }
    }

    /// Groups the hits in commits and tags.
    pub(super) fn add_messages(&mut self) {
        for at in 0..self.found.texts.len() {
            let (kind, id) = (self.found.texts[at].kind, self.found.texts[at].id);
            match kind {
                ObjectKind::Commit => {
                    let commit = self.graph.number(&id);
                    let place = Place { path: Vec::new(), introduced: commit.into_iter().collect(), last: None, in_head: false };
                    self.add(at, &format!("commit {id}"), SourceKind::Message, Some(&place));
                }
                ObjectKind::Tag => self.add(at, &format!("tag {id}"), SourceKind::Message, None),
                _ => {}
            }
        }
    }

    fn add(&mut self, at: usize, path: &str, source: SourceKind, place: Option<&Place>) {
        let values: BTreeSet<u32> = self.found.texts[at].hits.iter().map(|hit| hit.value).collect();
        for value in values {
            let group = self.groups.entry((value, path.to_owned(), source)).or_default();
            let came = place.and_then(|place| place.introduced.first().copied()).unwrap_or(u32::MAX);
            group.first = Some(group.first.map_or((came, at), |first| first.min((came, at))));
            let newest = place.and_then(|place| place.introduced.last().copied()).unwrap_or(0);
            group.newest = group.newest.max(Some((newest, at)));
            group.versions.insert(at);
            if let Some(place) = place {
                group.introduced.extend(&place.introduced);
                group.in_head |= place.in_head;
                group.last = group.last.into_iter().chain(place.last).max_by_key(|&commit| (self.graph.time(commit), commit));
            }
        }
    }

    /// Every group as a place, with what it shows.
    pub(super) fn shown(&self) -> Vec<(Placed, Shown)> {
        let reached = self.reached();
        let groups: Vec<(&Key, &Group)> = self.groups.iter().collect();
        parallel::each(self.repository.store.threads(), &groups, |(key, group)| self.show(key, group, &reached[key]))
    }

    fn show(&self, key: &Key, group: &Group, refs: &[&str]) -> (Placed, Shown) {
        let store = &self.repository.store;
        let (_, at) = group.first.expect("a group has a version");
        let text = &self.found.texts[at];
        let mut sighting = self.sighting(text, group);
        sighting.ref_count = refs.len();
        sighting.refs = refs.iter().take(NAMED).map(|&name| name.to_owned()).collect();
        let hit = text.hits.iter().find(|hit| hit.value == key.0).expect("a group is of a value of the text");
        let place = Placed {
            object: text.id,
            blob: text.kind == ObjectKind::Blob,
            class: text.hints.class(),
            member: text.member.clone(),
            bytes: hit.bytes.clone(),
            path: key.1.clone(),
            read_as: key.2,
            source: source_of(key.2, refs),
            allowed: self.allowed_in_newest(group, key.0, &key.1),
            sighting,
        };
        let shown = match store.read(&text.id) {
            Ok(object) => place.located_in(self.scanner, &object.bytes).map_or(Shown::Nothing, Shown::Again),
            Err(_) => Shown::Once(self.unseen(hit, &place)),
        };
        (place, shown)
    }

    /// Refs that lead to each group.
    fn reached(&self) -> BTreeMap<&Key, Vec<&str>> {
        let sets: Vec<Vec<u32>> = self.groups.values().map(|group| group.introduced.iter().copied().collect()).collect();
        self.groups.keys().zip(self.tips.leading(self.graph, &sets)).collect()
    }

    fn sighting(&self, text: &Text, group: &Group) -> Sighting {
        let first = group.introduced.first().map(|&commit| self.graph.id(commit));
        let last = group.last.filter(|_| !group.in_head).map(|commit| self.graph.id(commit));
        let commit = |id: Option<ObjectId>| id.and_then(|id| described(&self.repository.store, &id));
        Sighting {
            object: text.id.to_string(),
            commit: commit(first),
            last: commit(last),
            in_head: group.in_head,
            versions: group.versions.len(),
            refs: Vec::new(),
            ref_count: 0,
        }
    }

    /// The place of a value in an object that is too large to hold.
    fn unseen(&self, hit: &Hit, place: &Placed) -> Located {
        let start = Position { line: 1, column: 1 };
        Located {
            rule: self.scanner.rules.rule(hit.rule),
            secret: self.found.values[hit.value as usize].clone(),
            confidence: hit.confidence,
            reasons: hit.reasons.clone(),
            occurrence: Occurrence {
                origin: Origin { path: place.path.clone(), source: place.source },
                start,
                end: start,
                bytes: place.bytes.clone(),
                excerpt: Excerpt { text: MASK.to_owned(), mark: 0..MASK.len() },
                sighting: Some(Box::new(place.sighting.clone())),
            },
            allowed_inline: false,
        }
    }

    /// Whether the newest version of the file marks the value as accepted.
    fn allowed_in_newest(&self, group: &Group, value: u32, path: &str) -> bool {
        let Some((_, at)) = group.newest.filter(|newest| Some(newest.1) != group.first.map(|first| first.1)) else { return false };
        let text = &self.found.texts[at];
        let Ok(object) = self.repository.store.read(&text.id) else { return false };
        if memchr::memmem::find(&object.bytes, b"sopup:allow").is_none() {
            return false;
        }
        let origin = Origin { path: path.to_owned(), source: SourceKind::History };
        let secret = &self.found.values[value as usize];
        let mut located = in_text(self.scanner, (text.hints, text.kind == ObjectKind::Blob), &object.bytes, &origin);
        located.retain(|one| one.secret == *secret);
        !located.is_empty() && located.iter().all(|one| one.allowed_inline)
    }
}

/// What a group shows of its value.
pub(super) enum Shown {
    /// Its places in the object, which can be read again.
    Again(Vec<Located>),
    /// That it is in an object too large to be held.
    Once(Located),
    /// It was not there again.
    Nothing,
}

/// A value at a path, without the value: what has to be read again to show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Placed {
    object: ObjectId,
    blob: bool,
    class: u8,
    /// The file of the archive that the object is.
    member: Option<String>,
    /// Where the value is in the object, or in that file.
    bytes: Range<u64>,
    pub(super) path: String,
    read_as: SourceKind,
    source: SourceKind,
    /// Accepted by a mark in a later version.
    allowed: bool,
    sighting: Sighting,
}

impl Placed {
    /// The places of the value in the object; `None` if they are not there.
    pub(super) fn located(&self, scanner: &Scanner<'_>, store: &ObjectStore) -> Option<Vec<Located>> {
        self.located_in(scanner, &store.read(&self.object).ok()?.bytes)
    }

    fn located_in(&self, scanner: &Scanner<'_>, bytes: &[u8]) -> Option<Vec<Located>> {
        let origin = Origin { path: self.path.clone(), source: self.read_as };
        let mut located = match &self.member {
            None => in_text(scanner, (Hints::of_class(self.class), self.blob), bytes, &origin),
            Some(member) => in_member(scanner, member, bytes, &origin),
        };
        let secret = located.iter().find(|one| one.occurrence.bytes == self.bytes)?.secret.clone();
        located.retain(|one| one.secret == secret);
        for one in &mut located {
            one.allowed_inline |= self.allowed;
            one.occurrence.origin.source = self.source;
            one.occurrence.sighting = Some(Box::new(self.sighting.clone()));
        }
        Some(located)
    }
}

/// What is found in a file of an archive.
fn in_member(scanner: &Scanner<'_>, member: &str, archive: &[u8], origin: &Origin) -> Vec<Located> {
    let mut located = Vec::new();
    let Some(form) = Form::of(archive) else { return located };
    // A bound was reported when the archive was searched.
    let _ = each_member(archive, form, &mut |name, bytes| {
        if name == member {
            located.extend(in_text(scanner, (archived::hints(name), true), bytes, origin));
        }
    });
    located
}

/// What is found in an object, read in a way, at a path.
fn in_text(scanner: &Scanner<'_>, (hints, blob): (Hints, bool), bytes: &[u8], origin: &Origin) -> Vec<Located> {
    let test = blob && Hints::of_path(&origin.path).test;
    let readings = detect_bytes(bytes, hints, scanner.rules).into_iter();
    let located = readings.flat_map(|(decoded, matches)| {
        let matches = if test { matches.into_iter().map(|found| found.in_test(scanner.rules)).collect() } else { matches };
        locate(bytes, &decoded, matches, scanner.rules, origin, Base::START, scanner.inline)
    });
    located.collect()
}

/// What the history says about a path of something that is not a text.
pub(super) fn sighted(place: &Place, graph: &CommitGraph, store: &ObjectStore) -> Sighting {
    let named = |number: Option<u32>| number.and_then(|number| described(store, &graph.id(number)));
    Sighting {
        commit: named(place.introduced.first().copied()),
        last: named(place.last.filter(|_| !place.in_head)),
        in_head: place.in_head,
        ..Sighting::default()
    }
}

/// Notes and stashes are commits of their own refs.
pub(super) fn source_of(source: SourceKind, refs: &[&str]) -> SourceKind {
    let all = |prefix: &str| !refs.is_empty() && refs.iter().all(|name| name.starts_with(prefix));
    match source {
        SourceKind::History if all("refs/notes/") => SourceKind::Note,
        SourceKind::History if all("refs/stash") => SourceKind::Stash,
        other => other,
    }
}
