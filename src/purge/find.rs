//! Which objects hold the values: every object once, of those stored as deltas only what is new.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::{Mutex, PoisonError};

use super::edit;
use crate::archive::{Form, each_member};
use crate::sought::{Heads, Hit, Sought};
use crate::source::each_chunk;
use crate::source::object::{HashKind, Large, ObjectId, ObjectInfo, ObjectKind, ObjectStore, Skip, Visitor};
use crate::source::pack::Delta;
use crate::text::is_plain;

/// What an object holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// What it is.
    pub kind: ObjectKind,
    /// The values, by number, and how often each stands in it.
    pub values: BTreeMap<usize, usize>,
}

/// Where values are.
#[derive(Debug, Default)]
pub struct Held {
    /// By object. Of trees the names of entries count.
    pub objects: BTreeMap<ObjectId, Hold>,
    /// Names of files and folders with a value in them.
    pub names: BTreeSet<Vec<u8>>,
    /// Blobs in which a value stands compressed, or that are too large to be held; they can only be replaced whole.
    pub sealed: BTreeMap<ObjectId, String>,
    /// What was not read.
    pub skipped: Vec<Skip>,
}

/// Looks at all objects of a repository.
pub fn find(store: &ObjectStore, sought: &Sought) -> Held {
    let finder = Finder { hash: store.hash_kind(), sought, held: Mutex::default() };
    store.visit(&finder);
    finder.held.into_inner().unwrap_or_else(PoisonError::into_inner)
}

struct Finder<'a> {
    hash: HashKind,
    sought: &'a Sought,
    held: Mutex<Held>,
}

impl Finder<'_> {
    fn look(&self, worker: &mut Held, object: &ObjectInfo<'_>, bytes: &[u8], heads: &Heads) {
        if object.kind == ObjectKind::Tree {
            if !self.sought.hits_at(bytes, heads).is_empty() {
                self.names(worker, object, bytes);
            }
            return;
        }
        let hits = if is_plain(bytes) { self.sought.hits_at(bytes, heads) } else { edit::hits(bytes, self.sought) };
        note(worker, object, &hits);
        if let Some(form) = Form::of(bytes).filter(|_| object.kind == ObjectKind::Blob) {
            // What cannot be read of an archive is told by scans.
            let _ = each_member(bytes, form, &mut |name, member| {
                let inside = edit::hits(member, self.sought);
                if !inside.is_empty() {
                    note(worker, object, &inside);
                    worker.sealed.entry(object.id).or_insert_with(|| format!("in its file {name}"));
                }
            });
        }
    }

    fn names(&self, worker: &mut Held, object: &ObjectInfo<'_>, bytes: &[u8]) {
        for entry in edit::entries(bytes, self.hash).unwrap_or_default() {
            let hits = self.sought.hits(&entry.name);
            if !hits.is_empty() {
                note(worker, object, &hits);
                worker.names.insert(entry.name);
            }
        }
    }
}

fn note(worker: &mut Held, object: &ObjectInfo<'_>, hits: &[Hit]) {
    for hit in hits {
        let hold = worker.objects.entry(object.id).or_insert_with(|| Hold { kind: object.kind, values: BTreeMap::new() });
        *hold.values.entry(hit.value).or_default() += 1;
    }
}

impl Visitor for Finder<'_> {
    type Node = Heads;
    type Worker = Held;

    fn worker(&self) -> Held {
        Held::default()
    }

    fn finish(&self, worker: Held) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.objects.extend(worker.objects);
        held.names.extend(worker.names);
        held.sealed.extend(worker.sealed);
    }

    fn wants(&self, _: ObjectKind) -> bool {
        true
    }

    fn whole(&self, worker: &mut Held, object: &ObjectInfo<'_>, bytes: &[u8]) -> Heads {
        let heads = self.sought.heads(bytes);
        self.look(worker, object, bytes, &heads);
        heads
    }

    fn delta(&self, worker: &mut Held, object: &ObjectInfo<'_>, delta: &Delta<'_>, base: &Heads) -> Heads {
        let heads = self.sought.heads_of_copy(delta.bytes(), base, &delta.copied());
        self.look(worker, object, delta.bytes(), &heads);
        heads
    }

    fn large(&self, worker: &mut Held, object: &ObjectInfo<'_>, bytes: &mut dyn Read) -> Large {
        // An error shows when the reader checks how much was read.
        let _ = each_chunk(bytes, &mut Vec::new(), |chunk| {
            let mut hits = edit::hits(chunk.bytes, self.sought);
            hits.retain(|hit| chunk.owned.contains(&hit.span.start));
            if !hits.is_empty() {
                note(worker, object, &hits);
                worker.sealed.insert(object.id, "and is too large to be held".to_owned());
            }
        });
        Large::Read
    }

    fn skipped(&self, skip: Skip) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).skipped.push(skip);
    }
}
