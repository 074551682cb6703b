//! What a reader of all objects is given, and what it must answer.

use std::io::Read;
use std::path::Path;

use super::{ObjectId, ObjectKind, Skip};
use crate::source::pack::Delta;

/// Looks at every object of a store, each once.
///
/// Calls come from several threads at a time, in no fixed order; the one
/// promise is that a delta's base was handed over before the delta.
pub trait Visitor: Sync {
    /// What is kept of an object while objects are decoded that are stored as
    /// a delta against it, for example what was found in it.
    type Node: Send + Sync;
    /// What each thread keeps for itself: buffers, counters, results.
    type Worker: Send;

    /// A thread begins.
    fn worker(&self) -> Self::Worker;

    /// A thread has no more objects to look at.
    fn finish(&self, worker: Self::Worker);

    /// Whether objects of this kind are looked at at all. Asked before they
    /// are decoded.
    fn wants(&self, kind: ObjectKind) -> bool;

    /// An object to look at as a whole.
    fn whole(&self, worker: &mut Self::Worker, object: &ObjectInfo<'_>, bytes: &[u8]) -> Self::Node;

    /// An object stored as a delta; `base` is the answer given for its base.
    fn delta(&self, worker: &mut Self::Worker, object: &ObjectInfo<'_>, delta: &Delta<'_>, base: &Self::Node) -> Self::Node;

    /// An object that is too large to hold. A visitor that reads it to its
    /// end answers [`Large::Read`]; by default it is skipped by name.
    fn large(&self, worker: &mut Self::Worker, object: &ObjectInfo<'_>, bytes: &mut dyn Read) -> Large {
        let _ = (worker, object, bytes);
        Large::Skipped
    }

    /// Something that was not handed over.
    fn skipped(&self, skip: Skip);

    /// Whether to stop; asked before each object. What is left is then named
    /// once per pack, and the visit ends soon.
    fn cancelled(&self) -> bool {
        false
    }
}

/// Whether an object too large to hold was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Large {
    /// All of it was read.
    Read,
    /// It was left alone; it will be named as skipped.
    Skipped,
}

/// An object that is handed over.
#[derive(Clone, Copy, Debug)]
pub struct ObjectInfo<'a> {
    /// Its name, as the index or the file name gives it; the contents are not
    /// hashed to check it.
    pub id: ObjectId,
    /// Its kind.
    pub kind: ObjectKind,
    /// Its size in bytes.
    pub size: u64,
    /// The file it lies in: a pack or a file of its own.
    pub file: &'a Path,
    /// Bytes from the start of the file to the entry's header; 0 for a file of
    /// its own.
    pub offset: u64,
}
