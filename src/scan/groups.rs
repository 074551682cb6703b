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
use crate::secret::{MASK, Secret};
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
        let (reached, allowed) = (self.reached(), self.allowed_in_newest());
        let groups: Vec<(&Key, &Group)> = self.groups.iter().collect();
        let places = parallel::each(self.repository.store.threads(), &groups, |(key, group)| Placed {
            allowed: allowed.contains(key),
            ..self.place(key, group, &reached[key])
        });
        let located = located(self.scanner, &self.repository.store, &places);
        let shown = places.into_iter().zip(located).zip(groups).map(|((place, located), (key, group))| {
            let shown = match located {
                Some(located) if located.is_empty() => Shown::Nothing,
                Some(located) => Shown::Again(located),
                None => Shown::Once(self.unseen(self.hit(key, group), &place)),
            };
            (place, shown)
        });
        shown.collect()
    }

    /// The place of a group in its oldest version.
    fn place(&self, key: &Key, group: &Group, refs: &[&str]) -> Placed {
        let text = self.oldest(group);
        let mut sighting = self.sighting(text, group);
        sighting.ref_count = refs.len();
        sighting.refs = refs.iter().take(NAMED).map(|&name| name.to_owned()).collect();
        Placed {
            object: text.id,
            blob: text.kind == ObjectKind::Blob,
            class: text.hints.class(),
            member: text.member.clone(),
            bytes: self.hit(key, group).bytes.clone(),
            path: key.1.clone(),
            read_as: key.2,
            source: source_of(key.2, refs),
            allowed: false,
            sighting,
        }
    }

    fn oldest(&self, group: &Group) -> &Text {
        &self.found.texts[group.first.expect("a group has a version").1]
    }

    fn hit(&self, key: &Key, group: &Group) -> &Hit {
        self.oldest(group).hits.iter().find(|hit| hit.value == key.0).expect("a group is of a value of the text")
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

    /// The groups whose values the newest version of their file marks as accepted.
    fn allowed_in_newest(&self) -> BTreeSet<&Key> {
        let mut files: BTreeMap<(usize, &str), Vec<&Key>> = BTreeMap::new();
        for (key, group) in &self.groups {
            if let Some((_, at)) = group.newest.filter(|newest| Some(newest.1) != group.first.map(|first| first.1)) {
                files.entry((at, &key.1)).or_default().push(key);
            }
        }
        let files: Vec<((usize, &str), Vec<&Key>)> = files.into_iter().collect();
        let allowed = parallel::each(self.repository.store.threads(), &files, |((at, path), keys)| {
            let accepted = self.accepted(&self.found.texts[*at], path);
            let is = |key: &&Key| accepted.get(&self.found.values[key.0 as usize]) == Some(&true);
            keys.iter().copied().filter(is).collect::<Vec<&Key>>()
        });
        allowed.into_iter().flatten().collect()
    }

    /// The values in a text, and whether all their places are marked as accepted.
    fn accepted(&self, text: &Text, path: &str) -> BTreeMap<Secret, bool> {
        let mut accepted = BTreeMap::new();
        let Ok(object) = self.repository.store.read(&text.id) else { return accepted };
        if memchr::memmem::find(&object.bytes, b"sopup:allow").is_none() {
            return accepted;
        }
        let origin = Origin { path: path.to_owned(), source: SourceKind::History };
        for one in in_text(self.scanner, (text.hints, text.kind == ObjectKind::Blob), &object.bytes, &origin) {
            *accepted.entry(one.secret).or_insert(true) &= one.allowed_inline;
        }
        accepted
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

/// The places of values in their objects, each of which is read once: none where the value is no more, and `None` where an
/// object cannot be read.
pub(super) fn located(scanner: &Scanner<'_>, store: &ObjectStore, places: &[Placed]) -> Vec<Option<Vec<Located>>> {
    let mut texts: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (at, place) in places.iter().enumerate() {
        texts.entry((place.object, &place.member, place.class, place.blob, &place.path, place.read_as)).or_default().push(at);
    }
    let texts: Vec<Vec<usize>> = texts.into_values().collect();
    let found = parallel::each(store.threads(), &texts, |text| {
        let object = store.read(&places[text[0]].object).ok()?;
        let mut all = Values::of(places[text[0]].all_in(scanner, &object.bytes));
        Some(text.iter().map(|&at| (at, places[at].taken_from(&mut all))).collect::<Vec<_>>())
    });
    let mut located: Vec<Option<Vec<Located>>> = places.iter().map(|_| None).collect();
    for (at, one) in found.into_iter().flatten().flatten() {
        located[at] = Some(one);
    }
    located
}

/// What was found in a text, by value.
struct Values {
    by_bytes: BTreeMap<(u64, u64), Secret>,
    by_value: BTreeMap<Secret, Vec<Located>>,
}

impl Values {
    fn of(located: Vec<Located>) -> Self {
        let mut values = Self { by_bytes: BTreeMap::new(), by_value: BTreeMap::new() };
        for one in located {
            let bytes = &one.occurrence.bytes;
            values.by_bytes.entry((bytes.start, bytes.end)).or_insert_with(|| one.secret.clone());
            values.by_value.entry(one.secret.clone()).or_default().push(one);
        }
        values
    }
}

impl Placed {
    /// All that is found in the object, or in the file of it.
    fn all_in(&self, scanner: &Scanner<'_>, bytes: &[u8]) -> Vec<Located> {
        let origin = Origin { path: self.path.clone(), source: self.read_as };
        match &self.member {
            None => in_text(scanner, (Hints::of_class(self.class), self.blob), bytes, &origin),
            Some(member) => in_member(scanner, member, bytes, &origin),
        }
    }

    /// The places of the value, which no other place of the text has.
    fn taken_from(&self, all: &mut Values) -> Vec<Located> {
        let secret = all.by_bytes.get(&(self.bytes.start, self.bytes.end));
        let mut located = secret.and_then(|secret| all.by_value.remove(secret)).unwrap_or_default();
        for one in &mut located {
            one.allowed_inline |= self.allowed;
            one.occurrence.origin.source = self.source;
            one.occurrence.sighting = Some(Box::new(self.sighting.clone()));
        }
        located
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
