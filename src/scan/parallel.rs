//! Work on many things at a time.

use std::num::NonZero;

use rayon::ThreadPoolBuilder;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

/// What `of` gives for each item, in order.
pub(super) fn each<T: Sync, R: Send>(threads: NonZero<usize>, items: &[T], of: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let pool = (threads.get() > 1 && items.len() > 1).then(|| ThreadPoolBuilder::new().num_threads(threads.get()).build());
    match pool {
        Some(Ok(pool)) => pool.install(|| items.par_iter().map(&of).collect()),
        // Alone it takes longer.
        None | Some(Err(_)) => items.iter().map(of).collect(),
    }
}
