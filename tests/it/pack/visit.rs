//! A visitor that keeps everything it is given and checks the promises made
//! to visitors.

use std::io::Read;
use std::sync::Mutex;

use sopup::source::object::{Large, ObjectInfo, ObjectKind, ObjectStore, Skip, Visitor};
use sopup::source::pack::Delta;

use super::repo::Objects;

/// What a visit gave.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) objects: Objects,
    pub(super) skips: Vec<Skip>,
    /// Objects that came twice.
    pub(super) repeated: usize,
    /// Objects that came as a delta.
    pub(super) deltas: usize,
    /// Objects that came as a stream.
    pub(super) streamed: usize,
}

pub(super) fn see(store: &ObjectStore) -> Seen {
    see_kinds(store, &ObjectKind::ALL)
}

pub(super) fn see_kinds(store: &ObjectStore, kinds: &[ObjectKind]) -> Seen {
    let visitor = Keep { kinds: kinds.to_vec(), seen: Mutex::default() };
    store.visit(&visitor);
    visitor.seen.into_inner().expect("no panic")
}

struct Keep {
    kinds: Vec<ObjectKind>,
    seen: Mutex<Seen>,
}

impl Keep {
    fn keep(&self, object: &ObjectInfo<'_>, bytes: &[u8]) {
        assert_eq!(object.size, bytes.len() as u64);
        let mut seen = self.seen.lock().expect("no panic");
        let value = (object.kind, bytes.to_vec());
        if seen.objects.insert(object.id, value).is_some() {
            seen.repeated += 1;
        }
    }
}

impl Visitor for Keep {
    /// The object's contents, to compare with what its deltas get as base.
    type Node = Vec<u8>;
    type Worker = ();

    fn worker(&self) {}

    fn finish(&self, (): ()) {}

    fn wants(&self, kind: ObjectKind) -> bool {
        self.kinds.contains(&kind)
    }

    fn whole(&self, (): &mut (), object: &ObjectInfo<'_>, bytes: &[u8]) -> Vec<u8> {
        self.keep(object, bytes);
        bytes.to_vec()
    }

    fn delta(&self, (): &mut (), object: &ObjectInfo<'_>, delta: &Delta<'_>, base: &Vec<u8>) -> Vec<u8> {
        assert_eq!(delta.base(), &base[..]);
        let mut joined = Vec::new();
        for part in delta.parts() {
            assert_eq!(part.start, joined.len());
            if let Some(from) = part.copied_from {
                assert_eq!(part.bytes, &base[from..][..part.bytes.len()]);
            }
            joined.extend_from_slice(part.bytes);
        }
        assert_eq!(joined.len(), delta.size());
        // Some are left unasked, as a scanner would.
        if joined.len() % 2 == 0 {
            assert_eq!(joined, delta.bytes());
        }
        self.keep(object, &joined);
        self.seen.lock().expect("no panic").deltas += 1;
        joined
    }

    fn large(&self, (): &mut (), object: &ObjectInfo<'_>, bytes: &mut dyn Read) -> Large {
        let mut all = Vec::new();
        if bytes.read_to_end(&mut all).is_ok() && all.len() as u64 == object.size {
            self.keep(object, &all);
            self.seen.lock().expect("no panic").streamed += 1;
        }
        Large::Read
    }

    fn skipped(&self, skip: Skip) {
        self.seen.lock().expect("no panic").skips.push(skip);
    }
}
