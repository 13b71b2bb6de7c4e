//! Erasing what has expired in the collections of a store.

use std::{
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::{store::Collections, ticker::Ticker};
use crate::{
    clock::Clock,
    collection::{OnExpiring, Timer},
    error::catch_panic,
};

/// How often the clock is looked at: so soon is erased what has expired.
const PAUSE: Duration = Duration::from_millis(250);
/// The least pause between two portions. It is at least as long as the last one took, so that other
/// calls have their turn.
const REST: Duration = Duration::from_millis(2);

/// The thread that erases what has expired in a store. There is none until a vector is going to
/// expire: most stores never need it.
pub(super) struct Expiry {
    pub(super) clock: Clock,
    collections: Arc<Collections>,
    thread: Mutex<Thread>,
}

enum Thread {
    None,
    Running(Ticker),
    /// The store is being closed.
    Stopped,
}

impl Expiry {
    pub(super) fn new(clock: Clock, collections: Arc<Collections>) -> Arc<Self> {
        Arc::new(Self {
            clock,
            collections,
            thread: Mutex::new(Thread::None),
        })
    }

    /// What a collection of the store expires by.
    pub(super) fn timer(self: &Arc<Self>) -> Timer {
        let this: Weak<Self> = Arc::downgrade(self);
        let begin: OnExpiring = Arc::new(move || {
            if let Some(this) = this.upgrade() {
                this.begin();
            }
        });
        Timer {
            clock: self.clock.clone(),
            on_expiring: Some(begin),
        }
    }

    /// Starts the thread, unless it runs. If the system has none, the next call tries again.
    pub(super) fn begin(&self) {
        let mut thread = self.thread.lock();
        if let Thread::None = *thread {
            let (collections, clock) = (self.collections.clone(), self.clock.clone());
            let erase = move || erase(&collections, &clock);
            let started = Ticker::start("vectorizer-expiry", PAUSE, erase);
            *thread = started.map_or(Thread::None, Thread::Running);
        }
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(*self.thread.lock(), Thread::Running(_))
    }

    /// Returns when the thread has ended; there will be no other.
    pub(super) fn stop(&self) {
        let thread = std::mem::replace(&mut *self.thread.lock(), Thread::Stopped);
        if let Thread::Running(ticker) = thread {
            ticker.stop();
        }
    }
}

/// Erases a portion of what has expired in each collection. Returns how long to wait for the next
/// call.
fn erase(collections: &Collections, clock: &Clock) -> Duration {
    let begin = Instant::now();
    let mut has_more = false;
    // What cannot be erased now is tried again.
    let _ = catch_panic(|| collections.shelf.erase_due(clock));
    for collection in collections.everything() {
        has_more |= catch_panic(|| collection.erase_expired()).unwrap_or(false);
    }
    match has_more {
        true => REST.max(begin.elapsed()),
        false => PAUSE,
    }
}
