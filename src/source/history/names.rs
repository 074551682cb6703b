//! The names that blobs have anywhere in the history, from one pass over all trees.

use std::sync::{Mutex, PoisonError};

use foldhash::{HashMap, HashSet};

use super::recent::Recent;
use super::trees::{Entry, EntryKind, Starts, Step};
use crate::source::object::{HashKind, ObjectId, ObjectInfo, ObjectKind, ObjectStore, Place, Skip, SkipReason, Visitor};
use crate::source::pack::Delta;

/// What all trees say about names.
#[derive(Debug, Default)]
pub struct EntryNames {
    /// For each blob what its names are marked with, together.
    pub marks: HashMap<ObjectId, u16>,
    /// Every tree that is an entry of another.
    pub trees: HashSet<ObjectId>,
    /// Every name of a file or folder, without folders.
    pub names: HashSet<Box<[u8]>>,
    /// Trees that could not be read, and objects that could not be told.
    pub skipped: Vec<Skip>,
}

/// Reads all trees; `mark` turns a blob's name into bits.
pub fn entry_names(store: &ObjectStore, mark: impl Fn(&[u8]) -> u16 + Sync) -> EntryNames {
    let visitor = Names { hash: store.hash_kind(), mark, all: Mutex::default() };
    store.visit(&visitor);
    visitor.all.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// What one thread has found.
#[derive(Default)]
struct Worker {
    found: EntryNames,
    recent: Recent,
}

struct Names<F> {
    hash: HashKind,
    mark: F,
    all: Mutex<EntryNames>,
}

impl<F: Fn(&[u8]) -> u16 + Sync> Names<F> {
    fn note(&self, Worker { found, recent }: &mut Worker, entry: Entry<'_>) {
        if recent.repeated(entry.raw) {
            return;
        }
        if !found.names.contains(entry.name) {
            found.names.insert(entry.name.into());
        }
        match entry.kind {
            EntryKind::Blob => *found.marks.entry(entry.id).or_default() |= (self.mark)(entry.name),
            EntryKind::Tree => _ = found.trees.insert(entry.id),
            EntryKind::Gitlink => {}
        }
    }

    fn malformed(worker: &mut Worker, object: &ObjectInfo<'_>) {
        let reason = SkipReason::Unusable("its entries make no sense".to_owned());
        worker.found.skipped.push(Skip { id: Some(object.id), place: Place::File(std::sync::Arc::new(object.file.to_path_buf())), reason });
    }
}

impl<F: Fn(&[u8]) -> u16 + Sync> Visitor for Names<F> {
    type Node = Option<Starts>;
    type Worker = Worker;

    fn worker(&self) -> Worker {
        Worker::default()
    }

    fn finish(&self, Worker { found, .. }: Worker) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if all.marks.is_empty() && all.names.is_empty() {
            let skipped = std::mem::take(&mut all.skipped);
            *all = found;
            all.skipped.extend(skipped);
            return;
        }
        for (id, marks) in found.marks {
            *all.marks.entry(id).or_default() |= marks;
        }
        all.trees.extend(found.trees);
        all.names.extend(found.names);
        all.skipped.extend(found.skipped);
    }

    fn wants(&self, kind: ObjectKind) -> bool {
        kind == ObjectKind::Tree
    }

    fn whole(&self, worker: &mut Worker, object: &ObjectInfo<'_>, bytes: &[u8]) -> Self::Node {
        let starts = Starts::read(bytes, self.hash, &mut |_, entry| self.note(worker, entry));
        starts.map_err(|_| Self::malformed(worker, object)).ok()
    }

    fn delta(&self, worker: &mut Worker, object: &ObjectInfo<'_>, delta: &Delta<'_>, base: &Self::Node) -> Self::Node {
        let Some(base) = base else { return self.whole(worker, object, delta.bytes()) };
        let starts = base.follow(delta, self.hash, &mut |step| {
            if let Step::Parsed(_, entry) = step {
                self.note(worker, entry);
            }
        });
        starts.map_err(|_| Self::malformed(worker, object)).ok()
    }

    fn skipped(&self, skip: Skip) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).skipped.push(skip);
    }
}
