//! Keeping the graph as if nothing had ever been deleted: what is pending is inserted, what
//! is dead is taken out, and slots that nobody uses are given back.
//!
//! All of it works on copies. The lock is taken for moments: to copy some codes, to put a
//! finished graph in place, to move or recycle some slots.

use std::sync::Arc;

use hashbrown::HashMap;
use roaring::RoaringBitmap;

use super::{Collection, Progress, State, maintain::builders};
use crate::{
    error::{Error, Result},
    filter::Source,
    graph::{Builder, Geometry, Graph, Rows},
    vectors::{Slots, Vectors},
};

/// An empty collection keeps this much of its memory for the next vectors.
const KEPT_BYTES: usize = 8 << 20;
/// Slots are renumbered when fewer than this share of them is alive.
const SPARSE: f64 = 0.5;
/// Vectors moved to other slots at a time: well under a millisecond.
const MOVED: usize = 64;
/// Codes copied at a time, under the lock that searches share.
const COPIED: usize = 1024;
/// Nodes inserted before the collection is looked at again: closing it waits for them.
const INSERTED: usize = 512;
/// A graph that has more than doubled serves searches before it is complete, if it has
/// grown by more than this.
const INTERIM: u64 = 10_000;
/// Slots recycled at a time: well under a millisecond of zeroing.
const RECYCLED: u64 = 512;

/// Is told how far the work is, in vectors.
pub(super) type Tell<'a> = dyn Fn(&'static str, Progress) + Sync + 'a;

fn tell(listener: &Tell, phase: &'static str, done: u64, total: u64) {
    listener(phase, Progress { done, total });
}

fn pool() -> Result<&'static rayon::ThreadPool> {
    builders().ok_or_else(|| {
        Error::Internal("there are no threads to build the index; searches scan".into())
    })
}

impl State {
    pub(super) fn is_worth_resetting(&self) -> bool {
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
    /// Gives the graph up, for searches to scan what is left.
    pub(super) fn scan_from_here_on(&self) {
        self.drop_graph();
        self.compact();
        self.reset();
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
    pub(super) fn reset(&self) {
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
    pub(super) fn refresh(&self, listener: &Tell) -> Result<()> {
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
                tell(listener, "repair", done as u64, total as u64);
                !self.upkeep_is_cancelled()
            })
        });
        if !repaired {
            return Ok(());
        }
        let mut published = graph.members().len();
        for part in pending.chunks(INSERTED) {
            if self.upkeep_is_cancelled() {
                return Ok(());
            }
            tell(listener, "insert", graph.members().len(), alive.len());
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
            if self.upkeep_is_cancelled() || state.dropped {
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
    pub(super) fn build(&self, listener: &Tell) -> Result<()> {
        if self.state.read().is_sparse() {
            // What is left is few enough to be scanned until its graph is there.
            self.drop_graph();
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
            if self.upkeep_is_cancelled() {
                return Ok(());
            }
            tell(listener, "build", (i * INSERTED) as u64, slots.len());
            pool.install(|| builder.insert(block));
        }
        let graph = pool.install(|| builder.flatten());
        drop(builder);
        self.finish(graph);
        Ok(())
    }

    /// Recycles the deleted slots that the graph does not lead through, some at a time.
    pub(super) fn recycle_retired(&self) {
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
