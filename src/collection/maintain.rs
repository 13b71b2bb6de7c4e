//! When the background of a collection works: one thread for each, for as long as there is
//! something to do. What that is, `work.rs` tells.

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

/// What is not worth doing at once is done this long after, and so many times as long after
/// as the last work of this kind took: a twentieth of the time at most.
const QUIET: Duration = Duration::from_secs(1);
const REST: u32 = 20;

/// Is told how far the work is, in vectors.
pub(super) type Tell<'a> = dyn Fn(&'static str, Progress) + Sync + 'a;

#[derive(Default)]
pub(super) struct Upkeep {
    shared: Mutex<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Wakes the background while it waits for things to be quiet.
    wake: Condvar,
    cancelled: AtomicBool,
    /// Rewriting the log failed; it is tried again when somebody asks for it.
    pub(super) gave_up: AtomicBool,
    working: AtomicBool,
    /// How long the background has worked, in microseconds.
    worked: AtomicU64,
}

/// What the background of a collection does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Background {
    /// Whether it works right now, and is not waiting for things to be quiet.
    pub working: bool,
    /// How long it has worked since the collection was opened.
    pub worked: Duration,
}

#[derive(Default)]
struct Shared {
    running: bool,
    /// Building failed, and searches scan; it is tried again when somebody asks for it.
    failed: bool,
    /// Calls of `optimize`, answered when there is nothing left to do.
    waiting: Vec<Waiting>,
}

/// A call of `optimize`.
struct Waiting {
    sender: oneshot::Sender<Result<()>>,
    on_progress: Option<OnProgress>,
}

impl Upkeep {
    pub(super) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        // Under its lock, or the background could be about to wait, and miss it.
        let _shared = self.shared.lock();
        self.wake.notify_all();
    }

    /// Returns when the background, which is cancelled, has ended.
    pub(super) fn join(&self) {
        // Others wait here meanwhile.
        let mut thread = self.thread.lock();
        if let Some(thread) = thread.take() {
            // A panic of its own is contained, and no reason to stop here.
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
    /// Starts the background if there is something for it to do. Called after every
    /// write, without the lock. Never waits.
    pub(super) fn keep_up(self: &Arc<Self>) {
        // Where the lock is taken, its owner calls this after us.
        let Some(state) = self.state.try_read() else {
            return;
        };
        let urgent = self.has_work(&state);
        if !urgent && state.work(true).is_none() {
            return;
        }
        drop(state);
        let mut shared = self.upkeep.shared.lock();
        // What is not urgent waits until it is quiet.
        if !shared.failed && (urgent || !shared.running) {
            self.start(&mut shared);
        }
    }

    /// Brings the index to its best, and answers when it is: every vector in the graph,
    /// no deleted one left in it. `on_progress` is told how many vectors are in the graph.
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
            // Dropping those who wait tells them.
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
                // It has nothing left to do but to end.
                last.map(JoinHandle::join);
            }
            // Dropping those who wait tells them; searches scan.
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
                Err(Error::CollectionNotFound(self.name().to_owned()))
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
                // Whoever asked may be gone.
                let _ = waiting.sender.send(outcome.clone());
            }
            // Work that was asked for or urgent does not make what is left over wait.
            if quiet {
                pause = QUIET.max(begin.elapsed() * REST);
            }
            let failed = outcome.err();
            if failed.is_some() {
                self.state.write().building = None;
                self.recycle_retired();
            }
            let mut shared = self.upkeep.shared.lock();
            quiet = false;
            // Between the look above and this lock somebody may have written, seen this
            // thread running, and left the work to it.
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

    /// Whether there is something that is not worth doing at once, but will be when nothing
    /// else happens. What cannot be told for now is asked again later.
    fn has_leftovers(&self) -> bool {
        let state = self.state.try_read();
        state.is_none_or(|state| state.work(true).is_some())
    }
}
