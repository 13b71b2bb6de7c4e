//! The background work of a collection: building its graph, replacing one that has aged,
//! giving deleted vectors' memory back.
//!
//! One thread per collection does it, for as long as there is something to do. It takes
//! the lock for moments: to copy a block of codes, to put a finished graph in place, to
//! recycle some slots. Building uses a pool of all cores at low priority.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use super::{
    Access, Collection, OnProgress, Progress, State, memory::give_memory_back, refresh::Tell,
};
use crate::{
    error::{Error, Result},
    graph::GraphBuilder,
};

/// Below this many live vectors a scan is faster than a graph, and exact.
const GRAPH_FROM: usize = 1000;
/// The graph is brought up to date when more than this many vectors, and this share of all,
/// wait to be inserted: until then every search looks at each of them.
const PENDING: (usize, f64) = (500, 0.01);
/// ... or when this share of its nodes is dead.
const DEAD: f64 = 0.1;
/// What is not worth doing at once is done this long after, and so many times as long after
/// as the last work of this kind took: a twentieth of the time at most.
const QUIET: Duration = Duration::from_secs(1);
const REST: u32 = 20;

#[derive(Default)]
pub(super) struct Upkeep {
    shared: Mutex<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Wakes the background while it waits for things to be quiet.
    wake: Condvar,
    cancelled: AtomicBool,
    /// Rewriting the log failed; it is tried again when somebody asks for it.
    gave_up: AtomicBool,
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

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    pub(super) fn background(&self) -> Background {
        Background {
            working: self.working.load(Ordering::Relaxed),
            worked: Duration::from_micros(self.worked.load(Ordering::Relaxed)),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    /// Nothing is left: give everything back.
    Reset,
    /// Too few are left for a graph.
    DropGraph,
    /// Take dead nodes out of the graph, and insert pending vectors.
    Refresh,
    /// Make a graph of what is mostly not in one, with the collection's builder.
    Grow,
}

/// The pool that graphs are built on. `None` where its threads cannot be had: then
/// searches scan.
pub(super) fn builders() -> Option<&'static rayon::ThreadPool> {
    static POOL: OnceLock<Option<rayon::ThreadPool>> = OnceLock::new();
    POOL.get_or_init(|| {
        rayon::ThreadPoolBuilder::new()
            .thread_name(|i| format!("vectorizer-build-{i}"))
            .start_handler(|_| yield_to_others())
            .build()
            .ok()
    })
    .as_ref()
}

/// Lowers the calling thread's priority where the system allows it; elsewhere the
/// scheduler's fairness has to do. Not to the lowest: on a busy machine a graph would
/// never be done. Only for threads that never hold a collection's lock: one that gets
/// little time would keep others waiting for it.
fn yield_to_others() {
    if let Ok(low) = thread_priority::ThreadPriorityValue::try_from(25u8) {
        let priority = thread_priority::ThreadPriority::Crossplatform(low);
        let _ = thread_priority::set_current_thread_priority(priority);
    }
}

impl State {
    /// What the background has to do. With `thorough`, everything that would make
    /// searches faster; else only what is worth it.
    fn work(&self, thorough: bool) -> Option<Work> {
        let live = self.slots.len();
        let Some(graph) = &self.graph else {
            return match live {
                0 if self.is_worth_resetting() => Some(Work::Reset),
                GRAPH_FROM.. => Some(Work::Grow),
                _ => None,
            };
        };
        if live < GRAPH_FROM {
            return Some(Work::DropGraph);
        }
        let pending = self.pending.len() as usize;
        let nodes = graph.members().len() as usize;
        let dead = nodes - (live - pending);
        let worth_it = if thorough {
            pending + dead > 0
        } else {
            pending as f64 > PENDING.0 as f64 + PENDING.1 * live as f64
                || dead as f64 > DEAD * nodes as f64
        };
        let grows = pending > nodes;
        worth_it.then_some(if grows { Work::Grow } else { Work::Refresh })
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

    pub(super) fn has_work(&self, state: &State) -> bool {
        let gave_up = self.upkeep.gave_up.load(Ordering::Acquire);
        state.work(false).is_some() || (!gave_up && state.is_wasteful(false))
    }

    pub(super) fn upkeep_is_cancelled(&self) -> bool {
        self.upkeep.is_cancelled()
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
                let work = || self.do_work(asked || quiet, asked, &waiting);
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

    /// With `thorough`, everything that makes searches faster, else what is worth it now; the
    /// log is rewritten for little only when somebody `asked`.
    fn do_work(&self, thorough: bool, asked: bool, waiting: &[Waiting]) -> Result<()> {
        let tell = |phase: &'static str, progress: Progress| {
            for waiting in waiting {
                if let Some(on_progress) = &waiting.on_progress {
                    on_progress(phase, progress);
                }
            }
        };
        self.tell_indexed(&tell)?;
        let work = self.state.read().work(thorough);
        if let Some(work) = work {
            self.perform(work, &tell)?;
            // While more is coming it would only be written again.
            if asked || !self.has_work(&self.state.read()) {
                self.save_graph();
            }
        }
        let wasteful = self.state.read().is_wasteful(asked);
        if wasteful && let Err(error) = self.rewrite(&mut |progress| tell("rewrite", progress)) {
            self.upkeep.gave_up.store(true, Ordering::Release);
            if asked {
                return Err(error);
            }
        }
        if wasteful {
            give_memory_back();
        }
        self.tell_indexed(&tell)
    }

    /// Tells how many of the live vectors are in the graph.
    fn tell_indexed(&self, tell: &Tell) -> Result<()> {
        let info = self.info(Access::Wait)?;
        let (done, total) = (info.indexed as u64, info.vectors as u64);
        tell("insert", Progress { done, total });
        Ok(())
    }

    fn perform(&self, work: Work, tell: &Tell) -> Result<()> {
        match work {
            Work::Reset => self.reset(),
            Work::DropGraph => self.scan_from_here_on(),
            Work::Grow if self.config.hnsw.builder == GraphBuilder::HnswRs => self.build(tell)?,
            Work::Refresh | Work::Grow => {
                self.refresh(tell)?;
                self.compact_with_graph();
            }
        }
        // Building a graph takes and frees many small pieces.
        give_memory_back();
        Ok(())
    }
}
