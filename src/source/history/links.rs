//! The entries of all trees that lead to other trees or to something wanted, from one pass over the
//! trees. Of a tree that is stored as a delta is kept what it takes over from its base and what is
//! new, so that a tree costs as much as its changes.

use std::ops::Range;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use foldhash::HashMap;

use super::Wanted;
use super::trees::{Entry, EntryKind, Starts, Step};
use crate::source::object::{HashKind, ObjectId, ObjectInfo, ObjectKind, ObjectStore, Skip, Visitor};
use crate::source::pack::Delta;

/// No list.
const NONE: u32 = u32::MAX;

/// Something wanted, by its place in the list of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Leaf {
    Blob(u32),
    Name(u32),
}

/// What an entry of a tree leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Child {
    Leaf(Leaf),
    /// A tree, by the number of its list.
    Tree(u32),
}

/// A part of a list of links.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    /// Links of the base: the number of the first, and how many.
    Taken(u32, u32),
    /// A link of this name.
    New(u32, Child),
}

/// For each tree the entries that lead on. Trees with the same entries share a list; a tree without
/// such entries has none.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// Names of entries, sorted.
    pub(super) names: Vec<Box<[u8]>>,
    /// The list of each tree.
    pub(super) of_tree: HashMap<ObjectId, u32>,
    lists: Vec<List>,
    parts: Vec<Part>,
    /// There were more parts than are kept.
    pub(super) truncated: bool,
    /// Trees that could not be read.
    pub(super) skipped: Vec<Skip>,
}

#[derive(Debug, Clone, Default)]
struct List {
    base: u32,
    parts: Range<usize>,
}

impl Links {
    /// Reads all trees, keeping `most` parts of lists.
    pub(super) fn read(store: &ObjectStore, wanted: &Wanted, most: usize) -> Self {
        let blobs = wanted.blobs.iter().zip(0..).map(|(id, number)| (*id, Leaf::Blob(number)));
        let names = wanted.names.iter().zip(0..).map(|(name, number)| (name.as_ref(), Leaf::Name(number)));
        let reader = Reader {
            hash: store.hash_kind(),
            likely: Likely::of(&wanted.blobs),
            blobs: blobs.collect(),
            names: names.collect(),
            lists: AtomicU32::new(0),
            room: AtomicUsize::new(most),
            found: Mutex::default(),
            skipped: Mutex::default(),
        };
        store.visit(&reader);
        let truncated = reader.room.into_inner() == 0;
        let found = reader.found.into_inner().unwrap_or_else(PoisonError::into_inner);
        let skipped = reader.skipped.into_inner().unwrap_or_else(PoisonError::into_inner);
        Self { truncated, skipped, ..Self::joined(found, reader.lists.into_inner()) }
    }

    /// How many lists there are.
    pub(super) fn len(&self) -> u32 {
        self.lists.len() as u32
    }

    /// The parts of a list, and the base they take from, whose number is lower.
    pub(super) fn list(&self, number: u32) -> (u32, &[Part]) {
        let list = &self.lists[number as usize];
        (list.base, &self.parts[list.parts.clone()])
    }

    /// One table of what each thread has found.
    fn joined(found: Vec<Found>, lists: u32) -> Self {
        let mut links = Self { lists: vec![List::default(); lists as usize], ..Self::default() };
        links.names = found.iter().flat_map(|found| found.names.keys().cloned()).collect();
        links.names.sort_unstable();
        links.names.dedup();
        links.of_tree = found.iter().flat_map(|found| found.trees.iter().copied()).collect();
        for found in found {
            let mut names = vec![0; found.names.len()];
            for (name, local) in &found.names {
                names[*local as usize] = links.names.binary_search(name).expect("all names are there") as u32;
            }
            let mut targets = vec![NONE; found.targets.len()];
            for (id, local) in &found.targets {
                targets[*local as usize] = links.of_tree.get(id).copied().unwrap_or(NONE);
            }
            let start = links.parts.len();
            links.parts.extend(found.parts.into_iter().map(|part| match part {
                Part::New(name, Child::Tree(target)) => Part::New(names[name as usize], Child::Tree(targets[target as usize])),
                Part::New(name, leaf) => Part::New(names[name as usize], leaf),
                taken @ Part::Taken(..) => taken,
            }));
            for (number, base, parts) in found.lists {
                links.lists[number as usize] = List { base, parts: start + parts.start..start + parts.end };
            }
        }
        links
    }
}

struct Reader<'a> {
    hash: HashKind,
    likely: Likely,
    blobs: HashMap<ObjectId, Leaf>,
    names: HashMap<&'a [u8], Leaf>,
    lists: AtomicU32,
    /// Parts that may still be kept.
    room: AtomicUsize,
    found: Mutex<Vec<Found>>,
    skipped: Mutex<Vec<Skip>>,
}

/// How ids begin, to tell quickly most of those that are not wanted.
struct Likely(Vec<bool>);

impl Likely {
    fn of(ids: &[ObjectId]) -> Self {
        let mut likely = Self(vec![false; 1 << 16]);
        ids.iter().for_each(|id| likely.0[Self::start(id)] = true);
        likely
    }

    fn has(&self, id: &ObjectId) -> bool {
        self.0[Self::start(id)]
    }

    fn start(id: &ObjectId) -> usize {
        let bytes = id.as_bytes();
        usize::from(bytes[0]) << 8 | usize::from(bytes[1])
    }
}

/// What one thread has found; names and trees by its own numbers.
#[derive(Default)]
struct Found {
    names: HashMap<Box<[u8]>, u32>,
    targets: HashMap<ObjectId, u32>,
    trees: Vec<(ObjectId, u32)>,
    /// The number of a list, that of its base, and its parts.
    lists: Vec<(u32, u32, Range<usize>)>,
    parts: Vec<Part>,
}

/// A tree that others may be stored against.
struct Known {
    starts: Starts,
    list: u32,
    /// Where the entries of its links start.
    links: Vec<u32>,
}

impl Found {
    fn name(&mut self, name: &[u8]) -> u32 {
        if let Some(&number) = self.names.get(name) {
            return number;
        }
        let number = self.names.len() as u32;
        self.names.insert(name.into(), number);
        number
    }

    fn target(&mut self, tree: ObjectId) -> u32 {
        let next = self.targets.len() as u32;
        *self.targets.entry(tree).or_insert(next)
    }
}

impl Reader<'_> {
    /// Notes an entry if it leads on.
    fn note(&self, found: &mut Found, links: &mut Vec<u32>, start: u32, entry: Entry<'_>) {
        let blob = entry.kind != EntryKind::Gitlink && self.likely.has(&entry.id);
        let leaf = if blob { self.blobs.get(&entry.id) } else { None };
        let tree = (entry.kind == EntryKind::Tree).then_some(entry.id);
        let named = if self.names.is_empty() { None } else { self.names.get(entry.name) };
        for &leaf in leaf.into_iter().chain(named) {
            let name = found.name(entry.name);
            found.parts.push(Part::New(name, Child::Leaf(leaf)));
            links.push(start);
        }
        if let Some(tree) = tree {
            let (name, tree) = (found.name(entry.name), found.target(tree));
            found.parts.push(Part::New(name, Child::Tree(tree)));
            links.push(start);
        }
    }

    /// Gives a tree its list: a new one if it has links that its base has not.
    fn list(&self, found: &mut Found, id: ObjectId, first: usize, links: &[u32], base: Option<&Known>) -> u32 {
        if links.is_empty() {
            found.parts.truncate(first);
            return NONE;
        }
        let own = &found.parts[first..];
        let same = base.filter(|base| matches!(own, [Part::Taken(0, count)] if *count as usize == base.links.len()));
        let number = match same {
            Some(base) => {
                found.parts.truncate(first);
                base.list
            }
            None => {
                let number = self.lists.fetch_add(1, Ordering::Relaxed);
                found.lists.push((number, base.map_or(NONE, |base| base.list), first..found.parts.len()));
                number
            }
        };
        found.trees.push((id, number));
        number
    }

    /// Whether parts may be kept, `used` of which were just added.
    fn has_room(&self, used: usize) -> bool {
        let less = |room: usize| Some(room.saturating_sub(used));
        self.room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok_and(|room| room > used)
    }

    /// Lets `read` note the links of a tree, and gives it its list.
    fn tree(
        &self,
        found: &mut Found,
        object: &ObjectInfo<'_>,
        base: Option<&Known>,
        read: impl FnOnce(&mut Found, &mut Vec<u32>) -> Option<Starts>,
    ) -> Option<Known> {
        let first = found.parts.len();
        let mut links = Vec::new();
        let starts = read(found, &mut links).filter(|_| self.has_room(found.parts.len() - first));
        let Some(starts) = starts else {
            found.parts.truncate(first);
            return None;
        };
        let list = self.list(found, object.id, first, &links, base);
        Some(Known { starts, list, links })
    }
}

impl Visitor for Reader<'_> {
    /// Nothing of a tree that makes no sense or for which there was no room.
    type Node = Option<Known>;
    type Worker = Found;

    fn worker(&self) -> Found {
        Found::default()
    }

    fn finish(&self, worker: Found) {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
    }

    fn wants(&self, kind: ObjectKind) -> bool {
        kind == ObjectKind::Tree
    }

    fn whole(&self, found: &mut Found, object: &ObjectInfo<'_>, bytes: &[u8]) -> Self::Node {
        self.tree(found, object, None, |found, links| {
            Starts::read(bytes, self.hash, &mut |start, entry| self.note(found, links, start, entry)).ok()
        })
    }

    fn delta(&self, found: &mut Found, object: &ObjectInfo<'_>, delta: &Delta<'_>, base: &Self::Node) -> Self::Node {
        let Some(base) = base else { return self.whole(found, object, delta.bytes()) };
        self.tree(found, object, Some(base), |found, links| {
            let first = found.parts.len();
            let step = &mut |step: Step<'_>| match step {
                Step::Parsed(start, entry) => self.note(found, links, start, entry),
                Step::Taken(entries, to) => {
                    let from = base.starts.start(entries.start);
                    let number = |entry| base.links.partition_point(|&link| link < base.starts.start(entry));
                    let taken = number(entries.start)..number(entries.end);
                    links.extend(base.links[taken.clone()].iter().map(|link| link - from + to));
                    take(&mut found.parts, first, taken);
                }
            };
            base.starts.follow(delta, self.hash, step).ok()
        })
    }

    fn skipped(&self, skip: Skip) {
        self.skipped.lock().unwrap_or_else(PoisonError::into_inner).push(skip);
    }
}

/// Adds links of the base to the parts from `first` on.
fn take(parts: &mut Vec<Part>, first: usize, taken: Range<usize>) {
    let (from, count) = (taken.start as u32, taken.len() as u32);
    match parts[first..].last_mut() {
        _ if count == 0 => {}
        Some(Part::Taken(start, length)) if *start + *length == from => *length += count,
        _ => parts.push(Part::Taken(from, count)),
    }
}
