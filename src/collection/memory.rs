//! Giving freed memory back to the system.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::State;

/// Less than this is not worth looking for what can be given back, which takes a while.
const WORTH_IT: usize = 1 << 20;
/// What a collection takes besides what it says of itself: about what an empty one does.
const BESIDES: usize = 4 << 10;

/// Returns freed memory to the system. glibc's allocator would keep it for the process.
pub(super) fn give_memory_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `malloc_trim` takes no pointer and may be called at any time, from any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Drops a collection's state, and gives its memory back: at once if it was large, else
/// together with that of others.
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

/// What was in a collection that is deleted.
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
