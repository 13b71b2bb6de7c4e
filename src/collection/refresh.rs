//! Keeping the graph as if nothing had ever been deleted: what is pending is inserted, and
//! what is dead is taken out. Graphs are made on a pool of all cores, at low priority.
//!
//! All of it works on copies. The lock is taken for moments: to copy some codes, to put a
//! finished graph in place.

use std::sync::{Arc, OnceLock};

use roaring::RoaringBitmap;

use super::{Collection, Progress, State, maintain::Tell};
use crate::{
    error::{Error, Result},
    graph::{Builder, Geometry, Graph, Rows},
};

/// Codes copied at a time, under the lock that searches share.
const COPIED: usize = 1024;
/// Nodes inserted before the collection is looked at again: closing it waits for them.
const INSERTED: usize = 512;
/// A graph that has more than doubled serves searches before it is complete, if it has
/// grown by more than this.
const INTERIM: u64 = 10_000;

/// The pool that graphs are built on.
fn pool() -> Result<&'static rayon::ThreadPool> {
    static POOL: OnceLock<Option<rayon::ThreadPool>> = OnceLock::new();
    let pool = POOL.get_or_init(|| {
        rayon::ThreadPoolBuilder::new()
            .thread_name(|i| format!("vectorizer-build-{i}"))
            .start_handler(|_| yield_to_others())
            .build()
            .ok()
    });
    pool.as_ref().ok_or_else(|| {
        Error::Internal("there are no threads to build the index; searches scan".into())
    })
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
    pub(super) fn put_graph(&mut self, graph: Option<Arc<Graph>>) -> Option<Arc<Graph>> {
        self.pending = match graph.as_deref() {
            Some(graph) => self.slots.alive() - graph.members(),
            None => self.slots.alive().clone(),
        };
        std::mem::replace(&mut self.graph, graph)
    }
}

impl Collection {
    /// Gives the graph up, for searches to scan what is left.
    pub(super) fn scan_from_here_on(&self) {
        self.finish(None);
        self.compact();
        self.reset();
    }

    /// Takes what is dead out of the graph, and inserts what is pending. Works on a copy of
    /// the graph and of the codes; what changes meanwhile is left for the next time.
    pub(super) fn refresh(&self, tell: &Tell) -> Result<()> {
        let pool = pool()?;
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
        let by_rows_now = self.choose_basis();
        let Some(rows) = self.copy_codes(&alive) else {
            return Ok(());
        };
        let base = base.filter(|graph| !by_rows_now && graph.has_height(&alive));
        let mut graph = match &base {
            Some(base) => Graph::clone(base),
            None => Graph::empty(self.config.hnsw.m),
        };
        let pending: Vec<u32> = (&alive - graph.members()).iter().collect();
        let dead = graph.members() - &alive;
        let repaired = pool.install(|| {
            let between = |a, b| rows.distance(a, b);
            graph.remove(&dead, between, |done, total| {
                let (done, total) = (done as u64, total as u64);
                tell("repair", Progress { done, total });
                !self.upkeep.is_cancelled()
            })
        });
        if !repaired {
            return Ok(());
        }
        let mut published = graph.members().len();
        for part in pending.chunks(INSERTED) {
            if self.upkeep.is_cancelled() {
                return Ok(());
            }
            let (done, total) = (graph.members().len(), alive.len());
            tell("insert", Progress { done, total });
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
    pub(super) fn compact_with_graph(&self) {
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

    /// Builds a graph of what is alive with hnsw_rs. What comes meanwhile is inserted afterwards.
    pub(super) fn build(&self, tell: &Tell) -> Result<()> {
        if self.state.read().is_sparse() {
            // What is left is few enough to be scanned until its graph is there.
            self.finish(None);
            self.compact();
        }
        let pool = pool()?;
        self.choose_basis();
        let slots = {
            let mut state = self.state.write();
            let slots = state.slots.alive().clone();
            // From here on none of them is used for another vector.
            state.building = Some(slots.clone());
            slots
        };
        let Some(rows) = self.copy_codes(&slots) else {
            return Ok(());
        };
        let mut builder = Builder::new(Arc::new(rows), &self.config.hnsw, slots.len() as usize);
        let all: Vec<u32> = slots.iter().collect();
        for (i, block) in all.chunks(INSERTED).enumerate() {
            if self.upkeep.is_cancelled() {
                return Ok(());
            }
            let (done, total) = ((i * INSERTED) as u64, slots.len());
            tell("build", Progress { done, total });
            pool.install(|| builder.insert(block));
        }
        let graph = pool.install(|| builder.flatten());
        drop(builder);
        self.finish(graph);
        Ok(())
    }
}
