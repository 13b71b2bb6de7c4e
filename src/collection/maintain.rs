//! The schedule of a collection's background work: one thread per collection, which runs as long as
//! there is something to do. `work.rs` decides what to do.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use super::{Access, Collection, OnProgress, Progress};
use crate::error::{Error, Result};

/// Work that is not urgent is started after this pause, or after this many times the duration of
/// the last such work if that is longer, so that it takes at most a twentieth of the time.
const QUIET: Duration = Duration::from_secs(1);
const REST: u32 = 20;

/// A callback for the progress of the work, in vectors.
pub(super) type Tell<'a> = dyn Fn(&'static str, Progress) + Sync + 'a;

#[derive(Default)]
pub(super) struct Upkeep {
    shared: Mutex<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Wakes the background thread while it waits for a quiet moment.
    wake: Condvar,
    cancelled: AtomicBool,
    /// Rewriting the log failed; it is retried only by a call of `optimize`.
    pub(super) gave_up: AtomicBool,
    working: AtomicBool,
    /// The total time the background thread has worked, in microseconds.
    worked: AtomicU64,
}

/// The background work of a collection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Background {
    /// Whether it is working right now, rather than waiting for a quiet moment.
    pub working: bool,
    /// How long it has worked since the collection was opened.
    pub worked: Duration,
}

#[derive(Default)]
struct Shared {
    running: bool,
    /// Building the graph failed, so searches scan; it is retried only by a call of `optimize`.
    failed: bool,
    /// Pending calls of `optimize`, answered when there is nothing left to do.
    waiting: Vec<Waiting>,
}

/// A pending call of `optimize`.
struct Waiting {
    sender: oneshot::Sender<Result<()>>,
    on_progress: Option<OnProgress>,
}

impl Upkeep {
    pub(super) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        // The lock is needed: otherwise the background thread could be about to wait and miss the
        // wake-up.
        let _shared = self.shared.lock();
        self.wake.notify_all();
    }

    /// Waits for the background thread, which has been cancelled, to end.
    pub(super) fn join(&self) {
        // The lock is held while joining, so concurrent callers wait too.
        let mut thread = self.thread.lock();
        if let Some(thread) = thread.take() {
            // A panic in the thread has already been handled, and must not stop the caller.
            let _ = thread.join();
        }
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    pub(super) fn background(&self) -> Background {
        Background {
            working: self.working.load(Ordering::Relaxed),
            worked: Duration::from_micros(self.worked.load(Ordering::Relaxed)),
        }
    }
}

impl Collection {
    /// Starts the background thread if there is work for it. Called after every write, without the
    /// lock. Never blocks.
    pub(super) fn keep_up(self: &Arc<Self>) {
        // If the lock is taken, its holder calls this method afterwards.
        let Some(state) = self.state.try_read() else {
            return;
        };
        let urgent = self.has_work(&state);
        if !urgent && state.work(true).is_none() {
            return;
        }
        drop(state);
        let mut shared = self.upkeep.shared.lock();
        // Work that is not urgent waits for a quiet moment.
        if !shared.failed && (urgent || !shared.running) {
            self.start(&mut shared);
        }
    }

    /// Starts the background thread, also if its last work failed.
    pub(super) fn keep_up_again(self: &Arc<Self>) {
        let mut shared = self.upkeep.shared.lock();
        shared.failed = false;
        self.start(&mut shared);
    }

    /// Brings the index into its best state: every vector is in the graph, and no deleted one is
    /// left in it. The receiver gets the outcome when that is done. `on_progress` is called with
    /// the number of vectors in the graph.
    pub fn optimize(
        self: &Arc<Self>,
        on_progress: Option<OnProgress>,
    ) -> Result<oneshot::Receiver<Result<()>>> {
        drop(self.read(Access::Wait)?);
        let (sender, receiver) = oneshot::channel();
        let mut shared = self.upkeep.shared.lock();
        shared.failed = false;
        self.upkeep.gave_up.store(false, Ordering::Release);
        shared.waiting.push(Waiting {
            sender,
            on_progress,
        });
        self.start(&mut shared);
        Ok(receiver)
    }

    fn start(self: &Arc<Self>, shared: &mut Shared) {
        if self.upkeep.is_cancelled() {
            // Dropping the senders notifies the callers.
            shared.waiting.clear();
            return;
        }
        if shared.running {
            self.upkeep.wake.notify_all();
            return;
        }
        let this = self.clone();
        let thread = thread::Builder::new().name("vectorizer-upkeep".into());
        match thread.spawn(move || this.run_upkeep()) {
            Ok(thread) => {
                shared.running = true;
                let last = self.upkeep.thread.lock().replace(thread);
                // The old thread has nothing left to do but exit.
                last.map(JoinHandle::join);
            }
            // Dropping the senders notifies the callers; searches scan.
            Err(_) => {
                shared.failed = true;
                shared.waiting.clear();
            }
        }
    }

    fn run_upkeep(self: Arc<Self>) {
        let mut quiet = false;
        let mut pause = QUIET;
        loop {
            let waiting = std::mem::take(&mut self.upkeep.shared.lock().waiting);
            let asked = !waiting.is_empty();
            let begin = Instant::now();
            let outcome = if self.upkeep.is_cancelled() {
                Err(Error::CollectionNotFound(self.name()))
            } else {
                let tell = |phase: &'static str, progress: Progress| {
                    let listeners = waiting.iter().filter_map(|call| call.on_progress.as_ref());
                    listeners.for_each(|on_progress| on_progress(phase, progress));
                };
                let work = || self.do_work(asked || quiet, asked, &tell);
                self.upkeep.working.store(true, Ordering::Relaxed);
                let outcome = catch_unwind(AssertUnwindSafe(work))
                    .unwrap_or_else(|_| Err(Error::Internal("building the index failed".into())));
                self.upkeep.working.store(false, Ordering::Relaxed);
                let took = begin.elapsed().as_micros() as u64;
                self.upkeep.worked.fetch_add(took, Ordering::Relaxed);
                outcome
            };
            for waiting in waiting {
                // The caller may no longer be waiting.
                let _ = waiting.sender.send(outcome.clone());
            }
            // Only quiet work sets the pause: requested or urgent work must not delay what is left
            // over.
            if quiet {
                pause = QUIET.max(begin.elapsed() * REST);
            }
            let failed = outcome.err();
            if failed.is_some() {
                self.give_up_building();
            }
            let mut shared = self.upkeep.shared.lock();
            quiet = false;
            // Between checking for work above and taking this lock, another thread may have
            // written, seen this thread running, and left the work to it.
            let settled = shared.waiting.is_empty()
                && (failed.is_some()
                    || self
                        .state
                        .try_read()
                        .is_some_and(|state| !self.has_work(&state)));
            if !settled {
                continue;
            }
            if failed.is_some() || self.upkeep.is_cancelled() || !self.has_leftovers() {
                shared.running = false;
                shared.failed = failed.is_some();
                return;
            }
            quiet = self.upkeep.wake.wait_for(&mut shared, pause).timed_out();
        }
    }

    /// Whether there is work that is not urgent but worth doing when nothing else happens. True
    /// also if that cannot be determined now; it is checked again later.
    fn has_leftovers(&self) -> bool {
        let state = self.state.try_read();
        state.is_none_or(|state| state.work(true).is_some())
    }
}
