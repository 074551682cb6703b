//! What a visit promises to visitors that fail, stop or look the other way.

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use sopup::source::object::{HashKind, Limits, ObjectId, ObjectInfo, ObjectKind, ObjectStore, Skip, SkipReason, Visitor};
use sopup::source::pack::Delta;

use super::repo::Repo;
use super::writer::{Entry, PackWriter};

/// Counts objects and asks `on_object` about each.
struct Count<F> {
    on_object: F,
    cancelled_after: usize,
    objects: AtomicUsize,
    finished: AtomicUsize,
    skips: Mutex<Vec<Skip>>,
}

impl<F: Fn(&ObjectInfo<'_>) + Sync> Count<F> {
    fn new(on_object: F) -> Self {
        Self {
            on_object,
            cancelled_after: usize::MAX,
            objects: AtomicUsize::new(0),
            finished: AtomicUsize::new(0),
            skips: Mutex::default(),
        }
    }
}

impl<F: Fn(&ObjectInfo<'_>) + Sync> Visitor for Count<F> {
    type Node = ObjectId;
    type Worker = usize;

    fn worker(&self) -> usize {
        0
    }

    fn finish(&self, worker: usize) {
        self.finished.fetch_add(worker, Ordering::Relaxed);
    }

    fn wants(&self, _: ObjectKind) -> bool {
        true
    }

    fn whole(&self, worker: &mut usize, object: &ObjectInfo<'_>, _: &[u8]) -> ObjectId {
        (self.on_object)(object);
        *worker += 1;
        self.objects.fetch_add(1, Ordering::Relaxed);
        object.id
    }

    fn delta(&self, worker: &mut usize, object: &ObjectInfo<'_>, delta: &Delta<'_>, base: &ObjectId) -> ObjectId {
        assert_ne!(*base, object.id);
        assert_eq!(delta.size() as u64, object.size);
        self.whole(worker, object, &[])
    }

    fn skipped(&self, skip: Skip) {
        self.skips.lock().expect("no panic").push(skip);
    }

    fn cancelled(&self) -> bool {
        self.objects.load(Ordering::Relaxed) >= self.cancelled_after
    }
}

fn grown() -> Repo {
    let repo = Repo::new();
    repo.grow(150);
    repo.repack(&[]);
    repo.git_with(&["hash-object", "-w", "--stdin"], b"loose");
    repo
}

fn threads(number: usize) -> Limits {
    Limits { threads: NonZeroUsize::new(number).expect("not zero"), ..Limits::default() }
}

#[test]
fn a_panic_costs_one_object_and_what_builds_on_it() {
    let repo = grown();
    let all = repo.objects();
    let unlucky: Vec<_> = all.keys().step_by(25).copied().collect();
    for number in [1, 3] {
        let visitor = Count::new(|object: &ObjectInfo<'_>| {
            assert!(!unlucky.contains(&object.id), "a failure on purpose");
        });
        repo.store(threads(number)).visit(&visitor);
        let skips = visitor.skips.into_inner().expect("no panic");
        assert_eq!(visitor.objects.into_inner() + skips.len(), all.len());
        let panicked = |skip: &&Skip| skip.reason == SkipReason::Panicked;
        let panicked = skips.iter().filter(panicked).count();
        assert!(panicked > 0 && panicked <= unlucky.len());
    }
}

#[test]
fn a_cancelled_visit_ends_soon_and_says_so() {
    let repo = grown();
    for number in [1, 3] {
        let mut visitor = Count::new(|_: &ObjectInfo<'_>| {});
        visitor.cancelled_after = 40;
        repo.store(threads(number)).visit(&visitor);
        let skips = visitor.skips.into_inner().expect("no panic");
        assert!(visitor.objects.into_inner() < 40 + number);
        assert!(skips.iter().all(|skip| skip.reason == SkipReason::Cancelled));
        assert_eq!(skips.len(), 2, "the pack, and the loose object");
    }
}

#[test]
fn every_worker_is_finished() {
    let repo = grown();
    for number in 1..=8 {
        let visitor = Count::new(|_: &ObjectInfo<'_>| {});
        repo.store(threads(number)).visit(&visitor);
        let all = repo.objects().len();
        assert_eq!(visitor.objects.into_inner(), all);
        assert_eq!(visitor.finished.into_inner(), all);
    }
}

#[test]
fn a_tree_of_large_objects_keeps_within_its_budget() {
    let mut pack = PackWriter::new(HashKind::Sha1);
    let mut level = vec![pack.add(Entry::Blob(&vec![b'.'; 1 << 20]))];
    // The size of base and result, then sixteen copies of 64 KiB.
    let delta = [[0x80, 0x80, 0x40].repeat(2), vec![0x80; 16]].concat();
    for _ in 0..5 {
        let children = level.iter().flat_map(|&base| [base; 3]);
        let children: Vec<_> = children.collect();
        level = children.into_iter().map(|base| pack.add(Entry::Before(base, &delta))).collect();
    }
    let dir = pack.write(&pack.names(&[]));
    for number in [1, 4] {
        let limits = Limits { memory: 16 << 20, ..threads(number) };
        let store = ObjectStore::open(dir.path(), HashKind::Sha1, limits).expect("opens");
        let visitor = Count::new(|_: &ObjectInfo<'_>| {});
        store.visit(&visitor);
        assert_eq!(visitor.skips.into_inner().expect("no panic"), []);
        assert_eq!(visitor.objects.into_inner(), 1 + 3 + 9 + 27 + 81 + 243);
    }
}
