//! Memory that threads of the pool reuse from task to task.

use std::sync::{Mutex, PoisonError};

/// One `S` per thread of the pool, and one for any other.
#[derive(Debug)]
pub(crate) struct PerThread<S> {
    slots: Vec<Mutex<S>>,
}

impl<S: Default> Default for PerThread<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Default> PerThread<S> {
    /// For the threads of the current pool.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self {
            slots: (0..=rayon::current_num_threads())
                .map(|_| Mutex::default())
                .collect(),
        }
    }

    /// Calls `f` with this thread's memory. `f` must not start parallel work itself: while it
    /// waited, another task of this thread would ask for the same memory.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut S) -> R) -> R {
        let last = self.slots.len() - 1;
        let slot = rayon::current_thread_index().unwrap_or(last).min(last);
        f(&mut self.slots[slot]
            .lock()
            .unwrap_or_else(PoisonError::into_inner))
    }
}
