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
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use hashbrown::HashMap;
use parking_lot::Mutex;
use roaring::RoaringBitmap;
use tokio::sync::oneshot;

use super::{Access, Collection, Info, OnProgress, Progress, State};
use crate::{
    error::{Error, Result},
    filter::Source,
    graph::{Builder, Geometry, Graph, Rows},
    vectors::{Slots, Vectors},
};

/// Below this many live vectors a scan is faster than a graph, and exact.
const GRAPH_FROM: usize = 1000;
/// The graph is brought up to date when more than this many vectors, and this share of all,
/// wait to be inserted: until then every search looks at each of them.
const PENDING: (usize, f64) = (500, 0.01);
/// ... or when this share of its nodes is dead.
const DEAD: f64 = 0.1;
/// An empty collection keeps this much of its memory for the next vectors.
const KEPT_BYTES: usize = 8 << 20;
/// Slots are renumbered when fewer than this share of them is alive.
const SPARSE: f64 = 0.5;
/// Vectors moved to other slots at a time: well under a millisecond.
const MOVED: usize = 64;
/// Codes handed to the builder at a time: about a tenth of a second of its work.
const BLOCK: usize = 512;
/// Codes copied at a time, under the lock that searches share.
const COPIED: usize = 1024;
/// Nodes inserted before the collection is looked at again.
const INSERTED: usize = 2048;
/// A graph that has more than doubled serves searches before it is complete, if it has
/// grown by more than this.
const INTERIM: u64 = 10_000;
/// Building with hnsw_rs takes this many times the work of inserting into the flat graph,
/// on 2 cores and 40,000 x 384: 8.2 s and 4.1 s.
const BULK_COST: f64 = 2.0;
/// The share of an insertion that one thread does alone, however many cores there are.
const SERIAL: f64 = 0.02;
/// Slots recycled at a time: well under a millisecond of zeroing.
const RECYCLED: u64 = 512;

#[derive(Default)]
pub(super) struct Upkeep {
    shared: Mutex<Shared>,
    cancelled: AtomicBool,
    /// Rewriting the log failed; it is tried again when somebody asks for it.
    gave_up: AtomicBool,
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

impl Waiting {
    fn tell(&self, info: &Info) {
        if let Some(on_progress) = &self.on_progress {
            let (done, total) = (info.indexed as u64, info.vectors as u64);
            on_progress("build", Progress { done, total });
        }
    }
}

impl Upkeep {
    pub(super) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
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
    /// Build the graph anew.
    Build,
}

/// Whether hnsw_rs, whose work spreads over any number of cores, is done sooner than the
/// insertion, of which one thread does a part alone (Amdahl's law).
fn bulk_is_faster(cores: usize) -> bool {
    BULK_COST / (cores as f64) < SERIAL + (1.0 - SERIAL) / cores as f64
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

/// Returns freed memory to the system. Building a graph takes and frees many small
/// pieces, which glibc's allocator would keep for the process.
fn give_memory_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: `malloc_trim` takes no pointer and may be called at any time, from any thread.
    unsafe {
        libc::malloc_trim(0);
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
                GRAPH_FROM.. => Some(Self::growth()),
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
        worth_it.then(|| if grows { Self::growth() } else { Work::Refresh })
    }

    /// How to make a graph of what is mostly not in one.
    fn growth() -> Work {
        match builders() {
            Some(pool) if bulk_is_faster(pool.current_num_threads()) => Work::Build,
            _ => Work::Refresh,
        }
    }

    fn is_worth_resetting(&self) -> bool {
        self.slots.is_empty() && self.vectors.memory_bytes() > KEPT_BYTES
    }

    /// So many slots are unused that it is worth renumbering the rest.
    fn is_sparse(&self) -> bool {
        let table = self.slots.table_len();
        self.vectors.memory_bytes() > KEPT_BYTES
            && (self.slots.len() as f64) < SPARSE * table as f64
    }

    pub(super) fn put_graph(&mut self, graph: Option<Arc<Graph>>) -> Option<Arc<Graph>> {
        self.pending = match graph.as_deref() {
            Some(graph) => self.slots.alive() - graph.members(),
            None => self.slots.alive().clone(),
        };
        std::mem::replace(&mut self.graph, graph)
    }

    /// Moves the vector at `slot` to a lower slot, if there is one. Returns where it is.
    fn lower(&mut self, slot: u32) -> u32 {
        self.fields
            .remove(&RoaringBitmap::from_iter([slot]), &self.slots);
        let at = self.slots.lower(slot).unwrap_or(slot);
        self.fields.insert(at, self.slots.metadata(at));
        if at != slot {
            self.vectors.relocate(slot, at);
            self.journal.relocate(slot, at);
            self.pending.remove(slot);
            self.pending.insert(at);
            if let Some(nodes) = &mut self.building
                && nodes.remove(slot)
            {
                nodes.insert(at);
            }
        }
        at
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
        if !self.has_work(&state) {
            return;
        }
        drop(state);
        let mut shared = self.upkeep.shared.lock();
        if !shared.failed {
            self.start(&mut shared);
        }
    }

    fn has_work(&self, state: &State) -> bool {
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
        if shared.running {
            return;
        }
        let this = self.clone();
        let thread = thread::Builder::new().name("vectorizer-upkeep".into());
        match thread.spawn(move || this.run_upkeep()) {
            Ok(_) => shared.running = true,
            // Dropping those who wait tells them; searches scan.
            Err(_) => {
                shared.failed = true;
                shared.waiting.clear();
            }
        }
    }

    fn run_upkeep(self: Arc<Self>) {
        loop {
            let waiting = std::mem::take(&mut self.upkeep.shared.lock().waiting);
            let thorough = !waiting.is_empty();
            self.tell(&waiting);
            let outcome = if self.upkeep.is_cancelled() {
                Err(Error::CollectionNotFound(self.name().to_owned()))
            } else {
                catch_unwind(AssertUnwindSafe(|| self.do_work(thorough)))
                    .unwrap_or_else(|_| Err(Error::Internal("building the index failed".into())))
            };
            if outcome.is_ok() {
                self.tell(&waiting);
            }
            for waiting in waiting {
                // Whoever asked may be gone.
                let _ = waiting.sender.send(outcome.clone());
            }
            let failed = outcome.err();
            if failed.is_some() {
                self.state.write().building = None;
                self.recycle_retired();
            }
            let mut shared = self.upkeep.shared.lock();
            // Between the look above and this lock somebody may have written, seen this
            // thread running, and left the work to it.
            let settled = shared.waiting.is_empty()
                && (failed.is_some()
                    || self
                        .state
                        .try_read()
                        .is_some_and(|state| !self.has_work(&state)));
            if settled {
                shared.running = false;
                shared.failed = failed.is_some();
                return;
            }
        }
    }

    fn tell(&self, waiting: &[Waiting]) {
        if let (false, Ok(info)) = (waiting.is_empty(), self.info(Access::Wait)) {
            waiting.iter().for_each(|waiting| waiting.tell(&info));
        }
    }

    fn do_work(&self, thorough: bool) -> Result<()> {
        let work = self.state.read().work(thorough);
        if let Some(work) = work {
            self.perform(work)?;
            self.save_graph();
        }
        let wasteful = self.state.read().is_wasteful(thorough);
        if wasteful && let Err(error) = self.rewrite() {
            self.upkeep.gave_up.store(true, Ordering::Release);
            if thorough {
                return Err(error);
            }
        }
        Ok(())
    }

    fn perform(&self, work: Work) -> Result<()> {
        match work {
            Work::Reset => self.reset(),
            Work::DropGraph => {
                self.drop_graph();
                self.compact();
                self.reset();
            }
            Work::Refresh => {
                self.refresh()?;
                self.compact_with_graph();
            }
            Work::Build => {
                if self.state.read().is_sparse() {
                    // What is left is few enough to be scanned until its graph is there.
                    self.drop_graph();
                    self.compact();
                }
                self.build()?;
            }
        }
        give_memory_back();
        Ok(())
    }

    fn drop_graph(&self) {
        let old = self.state.write().put_graph(None);
        drop(old);
        self.recycle_retired();
    }

    /// Moves the live vectors to the lowest slots, in their order, and gives the memory
    /// behind them back. There is no graph: it would lead to the old slots.
    fn compact(&self) -> HashMap<u32, u32> {
        let mut next = 0;
        let mut moved = HashMap::new();
        loop {
            let mut state = self.state.write();
            if !state.is_sparse() && next == 0 {
                return moved;
            }
            let live = state.slots.alive().range(next..);
            let portion: Vec<u32> = live.take(MOVED).collect();
            let Some(last) = portion.last() else {
                let len = state.slots.truncate();
                state.vectors.truncate(len);
                state.journal.truncate(len);
                return moved;
            };
            next = last + 1;
            for slot in portion {
                let at = state.lower(slot);
                if at != slot {
                    moved.insert(slot, at);
                }
            }
        }
    }

    /// Gives the memory of an empty collection back.
    fn reset(&self) {
        let mut state = self.state.write();
        if !state.is_worth_resetting() {
            return;
        }
        let vectors = Vectors::new(self.config.dimension, self.config.metric);
        let old = (
            std::mem::replace(&mut state.vectors, vectors),
            std::mem::replace(&mut state.slots, Slots::new()),
            state.put_graph(None),
        );
        state.journal.truncate(0);
        drop(state);
        drop(old);
    }

    /// Takes what is dead out of the graph, and inserts what is pending. Works on a copy of
    /// the graph and of the codes; what changes meanwhile is left for the next time.
    fn refresh(&self) -> Result<()> {
        let pool = builders().ok_or_else(|| {
            Error::Internal("there are no threads to build the index; searches scan".into())
        })?;
        let (base, alive) = {
            let mut state = self.state.write();
            let alive = state.slots.alive().clone();
            let mut nodes = alive.clone();
            if let Some(graph) = &state.graph {
                nodes |= graph.members();
            }
            // From here on none of these slots is used for another vector.
            state.building = Some(nodes);
            (state.graph.clone(), alive)
        };
        let Some(rows) = self.copy_codes(&alive) else {
            return Ok(());
        };
        let base = base.filter(|graph| graph.has_height(&alive));
        let mut graph = match &base {
            Some(base) => Graph::clone(base),
            None => Graph::empty(self.config.hnsw.m),
        };
        let pending: Vec<u32> = (&alive - graph.members()).iter().collect();
        let dead = graph.members() - &alive;
        pool.install(|| graph.remove(&dead, |a, b| rows.distance(a, b)));
        let mut published = graph.members().len();
        for part in pending.chunks(INSERTED) {
            if self.upkeep.is_cancelled() {
                return Ok(());
            }
            pool.install(|| graph.insert(part, self.config.hnsw.ef_construction, &rows));
            // Long loads: what there is so far serves searches while the rest is inserted.
            if graph.members().len() > 2 * published + INTERIM {
                published = graph.members().len();
                self.publish(Some(graph.clone()));
            }
        }
        graph.connect(|a, b| rows.distance(a, b).into());
        drop((rows, base));
        self.finish(Some(graph));
        Ok(())
    }

    /// Lets searches use a graph from here on. Its nodes' slots are still kept from other use.
    fn publish(&self, graph: Option<Graph>) {
        let graph = graph.filter(|graph| !graph.members().is_empty());
        let old = self.state.write().put_graph(graph.map(Arc::new));
        drop(old);
    }

    /// Puts a graph in place that is ready, and gives back what only the old one needed.
    fn finish(&self, graph: Option<Graph>) {
        let graph = graph.filter(|graph| !graph.members().is_empty());
        let old = {
            let mut state = self.state.write();
            state.building = None;
            state.put_graph(graph.map(Arc::new))
        };
        drop(old);
        self.recycle_retired();
    }

    /// Copies the codes of `slots`, which must not be used for other vectors meanwhile.
    /// `None` when the collection was dropped.
    fn copy_codes(&self, slots: &RoaringBitmap) -> Option<Rows> {
        self.choose_basis();
        let geometry = Geometry::of(&self.state.read().vectors, slots);
        let len = slots.max().map_or(0, |last| last as usize + 1);
        let mut rows = Rows::new(self.config.dimension, geometry, len);
        let mut slots = slots.iter().peekable();
        while slots.peek().is_some() {
            let state = self.state.read();
            if self.upkeep.is_cancelled() || state.dropped {
                return None;
            }
            for slot in slots.by_ref().take(COPIED) {
                rows.copy(&state.vectors, slot);
            }
        }
        Some(rows)
    }

    /// Moves the live vectors to the lowest slots, and the graph with them. Searches scan
    /// meanwhile: few are left.
    fn compact_with_graph(&self) {
        let graph = {
            let mut state = self.state.write();
            if !state.is_sparse() {
                return;
            }
            let graph = state.put_graph(None);
            state.building = graph.as_ref().map(|graph| graph.members().clone());
            graph
        };
        let moved = self.compact();
        let slot = |slot| moved.get(&slot).copied().unwrap_or(slot);
        self.finish(graph.map(|graph| graph.renumber(slot)));
    }

    /// Builds a graph of what is alive, catching up with what is inserted meanwhile.
    fn build(&self) -> Result<()> {
        let pool = builders().ok_or_else(|| {
            Error::Internal("there are no threads to build the index; searches scan".into())
        })?;
        self.choose_basis();
        let (expected, geometry) = {
            let state = self.state.read();
            let alive = state.slots.alive();
            (state.slots.len(), Geometry::of(&state.vectors, alive))
        };
        let mut builder = Builder::new(self.config.dimension, geometry, self.config.hnsw, expected);
        let mut published = 0;
        loop {
            let (todo, dead) = {
                let state = self.state.read();
                let alive = state.slots.alive();
                let dead = (builder.members() - alive).len();
                (alive - builder.members(), dead)
            };
            let done = builder.members().len();
            // What is inserted while the last block is built stays pending, and where
            // vectors come and go faster than they are built in, the next graph has to do
            // better: waiting for an end could take for ever, and keeps dead slots.
            if todo.len() <= done / 20 || dead > done / 2 {
                break;
            }
            if !self.insert_all(&mut builder, &todo, pool) {
                return Ok(());
            }
            // Long loads: what there is so far serves searches while the rest is built.
            let done = builder.members().len();
            let more = (self.state.read().slots.alive() - builder.members()).len() > done / 20;
            if more && done > 2 * published {
                published = done;
                self.publish(pool.install(|| builder.flatten()));
            }
        }
        let graph = pool.install(|| builder.flatten());
        drop(builder);
        self.finish(graph);
        Ok(())
    }

    /// Inserts what is still alive of `slots`. False when the collection was dropped.
    fn insert_all(
        &self,
        builder: &mut Builder,
        slots: &RoaringBitmap,
        pool: &rayon::ThreadPool,
    ) -> bool {
        let mut block = builder.block();
        let mut slots = slots.iter().peekable();
        while slots.peek().is_some() {
            block.clear();
            {
                let mut state = self.state.write();
                if self.upkeep.is_cancelled() {
                    return false;
                }
                for slot in slots.by_ref().take(BLOCK) {
                    if state.slots.alive().contains(slot) {
                        block.push(&state.vectors, slot);
                        // From here on the slot must not be used for another vector.
                        state.building.get_or_insert_default().insert(slot);
                    }
                }
            }
            pool.install(|| builder.insert(&block));
        }
        true
    }

    /// Recycles the deleted slots that the graph does not lead through, some at a time.
    fn recycle_retired(&self) {
        loop {
            let mut state = self.state.write();
            let mut free = state.unlinked(state.slots.retired());
            if let Some(end) = free.select(RECYCLED as u32) {
                free.remove_range(end..);
            }
            if free.is_empty() {
                return;
            }
            state.recycle(&free);
        }
    }
}
