//! Returning freed memory to the operating system.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::State;

/// The least amount of freed memory worth returning: looking for it takes a while.
const WORTH_IT: usize = 1 << 20;
/// The memory of a collection that its own estimate leaves out: about the size of an empty one.
const BESIDES: usize = 4 << 10;

/// Returns freed memory to the system. glibc's allocator would keep it for the process.
pub(super) fn give_memory_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `malloc_trim` takes no pointer and may be called at any time, from any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Drops a collection's state and returns its memory to the system: at once if it was large,
/// otherwise together with that of other collections.
pub(super) fn discard(state: State) {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    let bytes = state.memory_bytes() + BESIDES;
    drop(state);
    let sum = DROPPED.fetch_add(bytes, Relaxed).saturating_add(bytes);
    if sum >= WORTH_IT {
        DROPPED.store(0, Relaxed);
        give_memory_back();
    }
}

/// The contents of a deleted collection.
pub struct Contents(Option<State>);

impl From<State> for Contents {
    fn from(state: State) -> Self {
        Self(Some(state))
    }
}

impl Contents {
    /// Closes the collection's files, whose directory is about to be removed.
    pub fn leave_files(&self) {
        if let Some(state) = &self.0 {
            state.journal.close_for_good();
        }
    }
}

impl Drop for Contents {
    fn drop(&mut self) {
        if let Some(state) = self.0.take() {
            discard(state);
        }
    }
}
