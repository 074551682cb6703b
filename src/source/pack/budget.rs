//! The memory budget of a walk: how many bytes of bases are alive, and who
//! may go on when there are too many.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Counts the bytes that bases hold.
///
/// Up to `soft` bytes everybody works. Above, only the thread in the lane
/// does, and nobody gives work away, until enough bases are done; the thread
/// in the lane always can finish its own, so this cannot stand still. Above
/// `hard` no further object is taken in.
#[derive(Debug)]
pub(crate) struct Budget {
    live: AtomicU64,
    soft: u64,
    hard: u64,
    lane: Mutex<()>,
}

/// Bytes counted as alive until dropped.
#[derive(Debug)]
pub(crate) struct Charge<'b> {
    budget: &'b Budget,
    bytes: u64,
}

/// The right to work although the soft bound is passed.
pub(crate) type Lane<'b> = MutexGuard<'b, ()>;

impl Budget {
    /// A budget of this many bytes; the soft bound is half of it.
    pub(crate) fn new(bytes: u64) -> Self {
        Self { live: AtomicU64::new(0), soft: bytes / 2, hard: bytes, lane: Mutex::new(()) }
    }

    /// Whether there is room for more than one way at a time.
    pub(crate) fn roomy(&self) -> bool {
        self.live.load(Ordering::Relaxed) <= self.soft
    }

    /// Whether an object of this size may be taken in at all.
    pub(crate) fn admits(&self, size: u64) -> bool {
        self.live.load(Ordering::Relaxed).saturating_add(size) <= self.hard
    }

    /// Waits for the lane if the soft bound is passed. A thread keeps what it
    /// is given in `held` from object to object and gives it back when there
    /// is room again.
    pub(crate) fn wait<'b>(&'b self, held: &mut Option<Lane<'b>>) {
        if self.roomy() {
            *held = None;
        } else if held.is_none() {
            *held = Some(self.lane.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Counts a base's bytes.
    pub(crate) fn charge(&self, bytes: usize) -> Charge<'_> {
        let bytes = bytes as u64;
        self.live.fetch_add(bytes, Ordering::Relaxed);
        Charge { budget: self, bytes }
    }
}

impl Drop for Charge<'_> {
    fn drop(&mut self) {
        self.budget.live.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
