//! How many threads the system lets this process start; containers limit that.

use std::sync::{Mutex, PoisonError};
use std::thread;

/// How many of so many threads can run beside this one, by starting them.
#[must_use]
pub fn startable(wanted: usize) -> usize {
    let gate = Mutex::new(());
    let pass = || drop(gate.lock().unwrap_or_else(PoisonError::into_inner));
    thread::scope(|scope| {
        let closed = gate.lock().unwrap_or_else(PoisonError::into_inner);
        let started = (0..wanted).take_while(|_| thread::Builder::new().spawn_scoped(scope, pass).is_ok()).count();
        drop(closed);
        started
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_few_threads_can_be_started() {
        assert_eq!((super::startable(0), super::startable(4)), (0, 4));
    }
}
