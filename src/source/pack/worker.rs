//! What one thread of a walk does: decode an entry, hand it over, go on with
//! what builds on it, and give work away when others have none.

use std::io::Read;
use std::mem;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::body::{Trust, body, header};
use super::budget::{Charge, Lane};
use super::delta::{Delta, DeltaOp, parse_ops};
use super::entry::{Base, Header};
use super::file::Window;
use super::inflate::{Inflater, inflating};
use super::pool::Pool;
use super::queue::Queue;
use super::tree::NONE;
use super::walk::{Job, Walk, Work};
use crate::source::object::{Damage, Large, Object, ObjectId, ObjectInfo, ObjectKind, SkipReason, Visitor};

/// An object that others build on.
pub(super) struct Parent<'w, N> {
    bytes: Vec<u8>,
    /// What the visitor keeps of it; nothing if it was not handed over here.
    node: Option<N>,
    kind: ObjectKind,
    _charge: Charge<'w>,
}

/// One entry that builds on an object.
pub(super) struct Child<'w, N> {
    entry: u32,
    parent: Arc<Parent<'w, N>>,
}

/// What still builds on an object: `next` and the siblings after it.
struct Frame<'w, N> {
    parent: Arc<Parent<'w, N>>,
    next: u32,
}

/// A child to decode, or something to begin with.
enum Step<'w, N> {
    Child(Child<'w, N>),
    Begin(Job),
}

/// One thread.
pub(super) struct Worker<'w, 'q, V: Visitor> {
    walk: &'w Walk<'w, V>,
    queue: &'q Queue<Child<'w, V::Node>>,
    work: &'q Work,
    jobs: Range<usize>,
    stack: Vec<Frame<'w, V::Node>>,
    lane: Option<Lane<'w>>,
    state: V::Worker,
    inflater: Inflater,
    window: Window,
    instructions: Vec<u8>,
    ops: Vec<DeltaOp>,
    pool: Pool,
}

/// Jobs taken at a time.
const JOBS: usize = 4;

impl<'w, 'q, V: Visitor> Worker<'w, 'q, V> {
    pub(super) fn new(walk: &'w Walk<'w, V>, queue: &'q Queue<Child<'w, V::Node>>, work: &'q Work) -> Self {
        Self {
            walk,
            queue,
            work,
            jobs: 0..0,
            stack: Vec::new(),
            lane: None,
            state: walk.visitor.worker(),
            inflater: Inflater::new(),
            window: Window::near(),
            instructions: Vec::new(),
            ops: Vec::new(),
            pool: Pool::default(),
        }
    }

    /// Works until there is nothing left to do for anybody.
    pub(super) fn run(mut self) {
        while let Some(step) = self.next_step() {
            if self.walk.cancelled() {
                self.stack.clear();
                self.jobs = 0..0;
                self.queue.clear();
                continue;
            }
            self.guarded(step);
            self.share();
        }
        self.walk.visitor.finish(self.state);
    }

    fn next_step(&mut self) -> Option<Step<'w, V::Node>> {
        loop {
            if !self.stack.is_empty() {
                let child = self.take_child(self.stack.len() - 1);
                return Some(Step::Child(child));
            }
            if self.jobs.is_empty() {
                self.jobs = self.queue.jobs(JOBS);
            }
            if let Some(number) = self.jobs.next() {
                if let Some(job) = self.walk.job(number, self.work) {
                    return Some(Step::Begin(job));
                }
                continue;
            }
            self.lane = None;
            return self.queue.wait().map(Step::Child);
        }
    }

    /// The next child of the frame at a depth. With its last child a frame is
    /// gone, and nothing but the child holds the parent.
    fn take_child(&mut self, depth: usize) -> Child<'w, V::Node> {
        let frame = &mut self.stack[depth];
        let entry = frame.next;
        frame.next = self.walk.tree.next_sibling(entry);
        let parent = if frame.next == NONE { self.stack.remove(depth).parent } else { Arc::clone(&frame.parent) };
        Child { entry, parent }
    }

    /// Gives the shallowest work away if somebody has none and some is left.
    fn share(&mut self) {
        let Some(frame) = self.stack.first() else {
            return;
        };
        if !self.queue.hungry() || !self.walk.budget.roomy() {
            return;
        }
        if self.stack.len() > 1 || self.walk.tree.next_sibling(frame.next) != NONE {
            let child = self.take_child(0);
            self.queue.give(child);
        }
    }

    /// Takes a step; a panic in it becomes a skip of its entry.
    fn guarded(&mut self, step: Step<'w, V::Node>) {
        let entry = match &step {
            Step::Child(Child { entry, .. }) | Step::Begin(Job::Root(entry) | Job::Adrift(entry, _) | Job::Broken(entry, _)) => *entry,
        };
        let depth = self.stack.len();
        let outcome = catch_unwind(AssertUnwindSafe(|| self.step(step)));
        let reason = match outcome {
            Ok(Ok(())) => return,
            Ok(Err(reason)) => reason,
            Err(_) => {
                self.inflater = Inflater::new();
                self.stack.truncate(depth);
                SkipReason::Panicked
            }
        };
        self.fail(entry, &reason);
    }

    fn step(&mut self, step: Step<'w, V::Node>) -> Result<(), SkipReason> {
        self.walk.budget.wait(&mut self.lane);
        match step {
            Step::Child(Child { entry, parent }) => self.delta(entry, parent),
            Step::Begin(Job::Root(entry)) => self.root(entry),
            Step::Begin(Job::Adrift(entry, base)) => {
                let object = self.walk.elsewhere.base(&base);
                let object = object.ok_or(SkipReason::MissingBase(base))?;
                if !self.work.kinds.contains(&object.kind) {
                    return Ok(());
                }
                let parent = self.parent(object.bytes, None, object.kind);
                self.delta(entry, Arc::new(parent))
            }
            Step::Begin(Job::Broken(_, reason)) => Err(reason),
        }
    }

    /// Decodes an entry that is stored whole.
    fn root(&mut self, entry: u32) -> Result<(), SkipReason> {
        let walk = self.walk;
        let header = header(walk, &mut self.window, entry)?;
        let Base::Whole(kind) = header.base else {
            return Err(Damage::Header.into());
        };
        let Ok(size) = self.admitted(header.size) else {
            return self.large(entry, kind, header);
        };
        let mut bytes = self.pool.take(size);
        let (input, trust) = body(walk, &mut self.window, entry, header)?;
        self.inflater.exact(input, size, &mut bytes).map_err(|error| error.of_entry(header.size))?;
        self.check(entry, trust, kind, || &bytes)?;
        let mut node = None;
        if let Some(id) = self.own(entry) {
            let info = self.info(entry, id, kind, header.size);
            node = Some(walk.visitor.whole(&mut self.state, &info, &bytes));
        }
        self.descend(entry, bytes, node, kind);
        Ok(())
    }

    /// Decodes a delta.
    fn delta(&mut self, entry: u32, parent: Arc<Parent<'w, V::Node>>) -> Result<(), SkipReason> {
        let walk = self.walk;
        let header = header(walk, &mut self.window, entry)?;
        let size = self.admitted(header.size)?;
        let (input, trust) = body(walk, &mut self.window, entry, header)?;
        let mut scratch = mem::take(&mut self.instructions);
        let data = self.inflater.scratch(input, size, &mut scratch).map_err(|error| error.of_entry(header.size))?;
        let largest = walk.limits.largest();
        let size = parse_ops(data, parent.bytes.len(), largest, &mut self.ops)?;
        self.admitted(size as u64)?;
        let delta = Delta::new((&parent.bytes, data), &self.ops, size, self.pool.take(size));
        self.check(entry, trust, parent.kind, || delta.bytes())?;
        let mut node = None;
        if let Some(id) = self.own(entry) {
            let info = self.info(entry, id, parent.kind, size as u64);
            node = Some(match &parent.node {
                Some(base) => walk.visitor.delta(&mut self.state, &info, &delta, base),
                None => walk.visitor.whole(&mut self.state, &info, delta.bytes()),
            });
        }
        if walk.tree.first_child(entry) != NONE {
            delta.bytes();
        }
        let bytes = delta.into_buffer();
        self.instructions = scratch;
        let kind = parent.kind;
        if let Some(parent) = Arc::into_inner(parent) {
            self.pool.put(parent.bytes);
        }
        self.descend(entry, bytes, node, kind);
        Ok(())
    }

    /// Hands over an object that is too large to hold, piece by piece.
    fn large(&mut self, entry: u32, kind: ObjectKind, header: Header) -> Result<(), SkipReason> {
        let size = header.size;
        if let Some(id) = self.own(entry) {
            let info = self.info(entry, id, kind, size);
            let pack = self.walk.pack;
            let mut range = self.walk.tree.range(entry, pack);
            range.start += header.len as u64;
            let stream = inflating(pack.stream(range));
            let mut stream = stream.take(size.saturating_add(1));
            if self.walk.visitor.large(&mut self.state, &info, &mut stream) == Large::Skipped {
                return Err(SkipReason::TooLarge { size });
            }
            let left = stream.limit();
            if !matches!(stream.read(&mut [0]), Ok(0)) || left != 1 {
                return Err(Damage::Size { declared: size }.into());
            }
        }
        self.fail_children(entry);
        Ok(())
    }

    /// Keeps an object for what builds on it, or its buffer for another.
    fn descend(&mut self, entry: u32, bytes: Vec<u8>, node: Option<V::Node>, kind: ObjectKind) {
        let next = self.walk.tree.first_child(entry);
        if next == NONE {
            self.pool.put(bytes);
            return;
        }
        let parent = Arc::new(self.parent(bytes, node, kind));
        self.stack.push(Frame { parent, next });
    }

    fn parent(&self, bytes: Vec<u8>, node: Option<V::Node>, kind: ObjectKind) -> Parent<'w, V::Node> {
        Parent { _charge: self.walk.budget.charge(bytes.capacity()), bytes, node, kind }
    }

    /// The size of something that may be held in memory.
    fn admitted(&self, size: u64) -> Result<usize, SkipReason> {
        if size > self.walk.limits.largest() as u64 {
            return Err(SkipReason::TooLarge { size });
        }
        if !self.walk.budget.admits(size) {
            return Err(SkipReason::OverBudget { size });
        }
        Ok(size as usize)
    }

    /// Hashes an object whose entry has a wrong checksum: only if its name is
    /// right nevertheless, it goes on.
    fn check<'b>(&self, entry: u32, trust: Trust, kind: ObjectKind, bytes: impl FnOnce() -> &'b [u8]) -> Result<(), SkipReason> {
        let index = self.walk.index;
        if trust == Trust::Doubtful {
            let id = index.id(self.walk.tree.position(entry));
            if index.hash().id_of(kind, bytes()) != id {
                return Err(Damage::Checksum.into());
            }
        }
        Ok(())
    }

    /// The entry's name, if it is handed over from this pack.
    fn own(&self, entry: u32) -> Option<ObjectId> {
        let position = self.walk.tree.position(entry);
        (!self.walk.leave.has(position)).then(|| self.walk.index.id(position))
    }

    fn info(&self, entry: u32, id: ObjectId, kind: ObjectKind, size: u64) -> ObjectInfo<'w> {
        let pack = self.walk.pack;
        ObjectInfo { id, kind, size, file: pack.path().as_path(), offset: self.walk.tree.range(entry, pack).start }
    }

    /// Gives up an entry and what builds on it.
    fn fail(&mut self, entry: u32, reason: &SkipReason) {
        self.fail_one(entry, reason);
        self.fail_children(entry);
    }

    fn fail_children(&mut self, entry: u32) {
        let tree = &self.walk.tree;
        let mut left = vec![tree.first_child(entry)];
        while let Some(entry) = left.pop() {
            if entry == NONE {
                continue;
            }
            self.fail_one(entry, &SkipReason::BaseSkipped);
            left.push(tree.next_sibling(entry));
            left.push(tree.first_child(entry));
        }
    }

    /// Looks for another copy of an object, else names it.
    fn fail_one(&mut self, entry: u32, reason: &SkipReason) {
        let walk = self.walk;
        let Some(id) = self.own(entry) else { return };
        if !matches!(reason, SkipReason::Panicked)
            && let Some(Object { kind, bytes }) = walk.elsewhere.copy(&id)
        {
            if !self.work.kinds.contains(&kind) {
                return;
            }
            let info = self.info(entry, id, kind, bytes.len() as u64);
            let visit = || walk.visitor.whole(&mut self.state, &info, &bytes);
            if catch_unwind(AssertUnwindSafe(visit)).is_ok() {
                return;
            }
        }
        let offset = walk.tree.range(entry, walk.pack).start;
        walk.skip(walk.tree.position(entry), offset, reason.clone());
    }
}
