//! Walking a pack: every entry is inflated once, bases before what builds on
//! them, on all threads. This file says what a walk is made of and hands out
//! its work; what a thread does with an entry is in `worker`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::budget::Budget;
use super::file::PackFile;
use super::index::PackIndex;
use super::marks::Marks;
use super::queue::Queue;
use super::share::{Portion, Share};
use super::tree::Tree;
use super::worker::Worker;
use crate::source::object::{Limits, Object, ObjectId, ObjectKind, Place, Skip, SkipReason, Visitor};

/// What a pack does not hold itself.
pub(crate) trait Elsewhere: Sync {
    /// An object that entries of this pack build on but that lies in another
    /// place.
    fn base(&self, id: &ObjectId) -> Option<Object>;

    /// Another copy of an object whose copy in this pack is damaged.
    fn copy(&self, id: &ObjectId) -> Option<Object>;
}

/// One pack, and who looks at it.
pub(crate) struct Walk<'a, V> {
    pub(super) pack: &'a PackFile,
    pub(super) index: &'a PackIndex,
    pub(super) leave: &'a Marks,
    pub(super) tree: &'a Tree,
    pub(super) visitor: &'a V,
    pub(super) elsewhere: &'a dyn Elsewhere,
    pub(super) limits: &'a Limits,
    pub(super) budget: Budget,
    cancelled: AtomicBool,
}

/// A piece of work that depends on no other.
pub(super) enum Job {
    /// Decode an entry that is stored whole, and what builds on it.
    Root(u32),
    /// Decode a delta whose base lies elsewhere.
    Adrift(u32, ObjectId),
    /// Name an entry that cannot be decoded.
    Broken(u32, SkipReason),
}

/// Which jobs are to be done.
pub(super) struct Work {
    jobs: Jobs,
    /// The kinds that the visitor wants.
    pub(super) kinds: Vec<ObjectKind>,
}

enum Jobs {
    /// So many.
    All(usize),
    /// Those of these numbers.
    Some(Vec<u32>),
}

impl Jobs {
    fn len(&self) -> usize {
        match self {
            Self::All(count) => *count,
            Self::Some(numbers) => numbers.len(),
        }
    }

    fn number(&self, at: usize) -> Option<usize> {
        match self {
            Self::All(count) => (at < *count).then_some(at),
            Self::Some(numbers) => numbers.get(at).map(|&number| number as usize),
        }
    }
}

/// Packs of fewer jobs are not worth a second thread.
const FEW: usize = 32;

impl<'a, V: Visitor> Walk<'a, V> {
    /// Objects at index positions that `leave` marks are not handed over.
    pub(crate) fn new(
        (pack, index, tree): (&'a PackFile, &'a PackIndex, &'a Tree),
        leave: &'a Marks,
        visitor: &'a V,
        elsewhere: &'a dyn Elsewhere,
        limits: &'a Limits,
    ) -> Self {
        Self { budget: Budget::new(limits.memory), pack, index, leave, tree, visitor, elsewhere, limits, cancelled: AtomicBool::new(false) }
    }

    /// Hands every object of a portion to the visitor.
    pub(crate) fn run(&self, portion: Portion) {
        if portion.share.has(0) {
            for &(position, offset, damage) in &self.tree.unplaced {
                if !self.leave.has(position) {
                    self.skip(position, offset, damage.into());
                }
            }
        }
        let kinds: Vec<_> = ObjectKind::ALL.into_iter().filter(|&kind| self.visitor.wants(kind)).collect();
        let roots: usize = kinds.iter().map(|&kind| self.tree.roots(kind).len()).sum();
        let all = roots + self.tree.adrift.len() + self.tree.broken.len();
        let jobs = match portion.share {
            Share::ALL => Jobs::All(all),
            _ => Jobs::Some(self.tree.jobs_of(portion, self.pack, &kinds)),
        };
        let work = Work { jobs, kinds };
        let jobs = work.jobs.len();
        let threads = if jobs < FEW { 1 } else { self.limits.threads.get() };
        let queue = Queue::new(jobs, threads);
        thread::scope(|scope| {
            for _ in 1..threads {
                let started = thread::Builder::new().spawn_scoped(scope, || Worker::new(self, &queue, &work).run());
                if started.is_err() {
                    queue.without_one();
                }
            }
            Worker::new(self, &queue, &work).run();
        });
    }

    /// The job of a number below that of all jobs.
    pub(super) fn job(&self, number: usize, work: &Work) -> Option<Job> {
        let mut number = work.jobs.number(number)?;
        for &kind in &work.kinds {
            let roots = self.tree.roots(kind);
            match roots.get(number) {
                Some(&root) => return Some(Job::Root(root)),
                None => number -= roots.len(),
            }
        }
        if let Some((entry, base)) = self.tree.adrift.get(number) {
            return Some(Job::Adrift(*entry, *base));
        }
        let (entry, reason) = self.tree.broken.get(number - self.tree.adrift.len())?;
        Some(Job::Broken(*entry, reason.clone()))
    }

    /// Whether to stop; the first time, says so for the pack.
    pub(super) fn cancelled(&self) -> bool {
        if !self.visitor.cancelled() {
            return false;
        }
        if !self.cancelled.swap(true, Ordering::Relaxed) {
            self.visitor.skipped(Skip { id: None, place: Place::File(Arc::clone(self.pack.path())), reason: SkipReason::Cancelled });
        }
        true
    }

    /// Names an object as skipped.
    pub(super) fn skip(&self, position: u32, offset: u64, reason: SkipReason) {
        self.visitor.skipped(Skip {
            id: Some(self.index.id(position)),
            place: Place::Packed { pack: Arc::clone(self.pack.path()), offset },
            reason,
        });
    }
}
