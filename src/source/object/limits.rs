//! What reading a repository may cost and where it may look.

use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Bounds for reading one object store.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of decoded objects held at a time, all threads together. Tables that grow with the number of objects (about 50 bytes
    /// each) and what a visitor keeps come on top.
    pub memory: u64,
    /// Bytes of the largest object that is held in memory; what is larger is
    /// streamed or named as skipped. At most 2 GiB, whatever is asked for.
    pub object: u64,
    /// Threads that decode.
    pub threads: NonZeroUsize,
    /// What to do with `objects/info/alternates`.
    pub alternates: Alternates,
}

impl Default for Limits {
    /// 1 GiB of memory, objects up to 128 MiB, as many threads as there are
    /// processors, no alternates.
    fn default() -> Self {
        Self {
            memory: 1 << 30,
            object: 128 << 20,
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            alternates: Alternates::Refuse,
        }
    }
}

impl Limits {
    /// The largest object held in memory, in bytes: `object`, but never more
    /// than an eighth of `memory` nor than what 31 bits can count.
    #[must_use]
    pub fn largest(&self) -> usize {
        let bytes = self.object.min(self.memory / 8).min(i32::MAX as u64);
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }
}

/// Whether other object directories, named by the repository itself, are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alternates {
    /// Name them as skipped.
    Refuse,
    /// Read those whose real path lies in one of these directories, name the others.
    Within(Vec<PathBuf>),
}
