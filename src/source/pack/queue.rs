//! Work between threads: numbered jobs that each is done once, and tasks that
//! busy threads give to idle ones.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The work of a fixed number of threads.
#[derive(Debug)]
pub(super) struct Queue<T> {
    next_job: AtomicUsize,
    jobs: usize,
    /// Threads that wait and for whom nothing was given yet.
    hungry: AtomicUsize,
    given: Mutex<Given<T>>,
    wake: Condvar,
}

#[derive(Debug)]
struct Given<T> {
    tasks: Vec<T>,
    threads: usize,
    waiting: usize,
    over: bool,
}

impl<T> Queue<T> {
    /// Jobs `0..jobs` for this many threads, each of which must call
    /// [`wait`](Self::wait) until it gives `None`.
    pub(super) fn new(jobs: usize, threads: usize) -> Self {
        Self {
            next_job: AtomicUsize::new(0),
            jobs,
            hungry: AtomicUsize::new(0),
            given: Mutex::new(Given { tasks: Vec::new(), threads, waiting: 0, over: false }),
            wake: Condvar::new(),
        }
    }

    /// Jobs that nobody has taken yet, up to `most` of them.
    pub(super) fn jobs(&self, most: usize) -> Range<usize> {
        let start = self.next_job.fetch_add(most, Ordering::Relaxed).min(self.jobs);
        start..self.jobs.min(start + most)
    }

    /// Whether a thread waits for a task.
    pub(super) fn hungry(&self) -> bool {
        self.hungry.load(Ordering::Relaxed) > 0
    }

    /// Gives a task to a waiting thread.
    pub(super) fn give(&self, task: T) {
        let mut given = self.lock();
        let fewer = |hungry: usize| hungry.checked_sub(1);
        let _ = self.hungry.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer);
        given.tasks.push(task);
        drop(given);
        self.wake.notify_one();
    }

    /// Waits for a task; `None` when all threads wait and none is left.
    pub(super) fn wait(&self) -> Option<T> {
        let mut given = self.lock();
        given.waiting += 1;
        loop {
            if let Some(task) = given.tasks.pop() {
                given.waiting -= 1;
                return Some(task);
            }
            if given.over || given.waiting == given.threads {
                given.over = true;
                self.wake.notify_all();
                return None;
            }
            self.hungry.fetch_add(1, Ordering::Relaxed);
            given = self.wake.wait(given).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// One thread fewer takes part: it could not be started.
    pub(super) fn without_one(&self) {
        let mut given = self.lock();
        given.threads -= 1;
        drop(given);
        self.wake.notify_all();
    }

    /// Takes all jobs and tasks that are left out of the queue.
    pub(super) fn clear(&self) -> bool {
        let left = self.next_job.fetch_max(self.jobs, Ordering::Relaxed) < self.jobs;
        let mut given = self.lock();
        let tasks = std::mem::take(&mut given.tasks);
        left || !tasks.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Given<T>> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
