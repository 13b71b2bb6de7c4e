//! Keeping the graph as if nothing had ever been deleted: pending vectors are inserted, and dead
//! nodes are removed. Graphs are built on a thread pool with all cores, at low priority.
//!
//! All of this works on codes that it shares with the collection, which copies what it changes
//! meanwhile. The lock is held only briefly: to take some codes, or to put a finished graph in place.

use std::sync::{Arc, OnceLock};

use roaring::RoaringBitmap;

use super::{Collection, Progress, State, maintain::Tell};
use crate::{
    error::{Error, Result},
    graph::{Builder, Geometry, Graph, GraphBuilder, Rows},
};

/// Nodes inserted between checks for cancellation: closing the collection waits for them.
const INSERTED: usize = 512;
/// A graph that has more than doubled in size, and grown by more than this, serves searches before
/// it is complete.
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

/// Lowers the calling thread's priority where the system allows it; elsewhere fairness is left to
/// the scheduler. The priority is not the lowest: on a busy machine a graph would never be
/// finished. Only for threads that never hold a collection's lock: one that gets little CPU time
/// would keep others waiting for it.
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
    /// Drops the graph, so that searches scan what is left.
    pub(super) fn scan_from_here_on(&self) {
        self.finish(None, None);
        self.compact();
        self.reset();
    }

    /// Removes dead nodes from the graph, and inserts pending vectors. Works on a copy of the graph,
    /// or builds one from nothing if the parameters have changed; changes made in the meantime are
    /// left for the next refresh. Returns false if the parameters changed in the meantime: then
    /// nothing is finished.
    pub(super) fn refresh(&self, tell: &Tell) -> Result<bool> {
        let pool = pool()?;
        let (base, alive, params, wanted, replaces) = {
            let mut state = self.state.write();
            // Parameters change under the lock, together with the graph that is wanted.
            let (params, wanted) = (self.config().hnsw, state.wanted_graph);
            let replaces = state.is_outdated();
            if replaces && params.builder == GraphBuilder::HnswRs {
                return Ok(false);
            }
            let alive = state.slots.alive().clone();
            let mut nodes = alive.clone();
            if let Some(graph) = &state.graph {
                nodes |= graph.members();
            }
            // From here on, none of these slots is reused for another vector.
            state.building = Some(nodes);
            let base = state.graph.clone().filter(|_| !replaces);
            (base, alive, params, wanted, replaces)
        };
        let by_rows_now = self.choose_basis();
        let Some(rows) = self.take_codes(&alive) else {
            return Ok(true);
        };
        let base = base.filter(|graph| !by_rows_now && graph.has_height(&alive));
        let mut graph = match base {
            Some(base) => Graph::clone(&base),
            None => Graph::empty(params.m),
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
            return Ok(true);
        }
        let mut published = graph.members().len();
        for part in pending.chunks(INSERTED) {
            if self.upkeep.is_cancelled() {
                return Ok(true);
            }
            if self.state.read().wanted_graph != wanted {
                return Ok(false);
            }
            let (done, total) = (graph.members().len(), alive.len());
            tell("insert", Progress { done, total });
            pool.install(|| graph.insert(part, params.ef_construction, &rows));
            // During long loads, the graph so far serves searches while the rest is inserted. A
            // graph that is to be replaced serves them better.
            if !replaces && graph.members().len() > 2 * published + INTERIM {
                published = graph.members().len();
                // It may be saved.
                graph.connect(|a, b| rows.distance(a, b).into());
                self.publish(Some(graph.clone()), wanted);
            }
        }
        graph.connect(|a, b| rows.distance(a, b).into());
        drop(rows);
        self.finish(Some(graph), Some(wanted));
        Ok(true)
    }

    /// Makes searches use a graph from here on. The slots of its nodes are still kept from being
    /// reused.
    fn publish(&self, graph: Option<Graph>, built: u64) {
        let graph = graph.filter(|graph| !graph.members().is_empty());
        let old = {
            let mut state = self.state.write();
            state.built_graph = built;
            state.put_graph(graph.map(Arc::new))
        };
        drop(old);
    }

    /// Puts the finished graph in place, and recycles the slots that only the old one needed.
    /// `built` says which of the graphs that were wanted it is, if it is another one than before.
    fn finish(&self, graph: Option<Graph>, built: Option<u64>) {
        let graph = graph.filter(|graph| !graph.members().is_empty());
        let old = {
            let mut state = self.state.write();
            state.building = None;
            state.built_graph = built.unwrap_or(state.built_graph);
            state.put_graph(graph.map(Arc::new))
        };
        drop(old);
        self.recycle_retired();
    }

    /// Gives up the graph under construction, and recycles the slots that only it needed.
    pub(super) fn give_up_building(&self) {
        self.state.write().building = None;
        self.recycle_retired();
    }

    /// The codes of `slots`, which must not be reused for other vectors in the meantime. `None` if
    /// the collection has been dropped.
    fn take_codes(&self, slots: &RoaringBitmap) -> Option<Rows> {
        let geometry = Geometry::of(&self.state.read().vectors, slots);
        let len = slots.max().map_or(0, |last| last as usize + 1);
        let mut rows = Rows::new(self.dimension, geometry, len);
        let mut slots = slots.iter().peekable();
        while let Some(&first) = slots.peek() {
            let state = self.state.read();
            if self.upkeep.is_cancelled() || state.dropped {
                return None;
            }
            let end = state.vectors.chunk_end(first);
            while let Some(slot) = slots.next_if(|&slot| u64::from(slot) < end) {
                rows.copy(&state.vectors, slot);
            }
        }
        Some(rows)
    }

    /// Moves the live vectors to the lowest slots, and updates the graph to match. Searches scan in
    /// the meantime, since few vectors are left.
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
        self.finish(graph.map(|graph| graph.renumber(slot)), None);
    }

    /// Builds a graph of the live vectors with hnsw_rs. Vectors added in the meantime are inserted
    /// afterwards. Returns false if the parameters changed in the meantime: then nothing is
    /// finished.
    pub(super) fn build(&self, tell: &Tell) -> Result<bool> {
        let is_sparse = {
            let state = self.state.read();
            state.is_sparse() && !state.is_outdated()
        };
        if is_sparse {
            // Few enough vectors are left to be scanned until their graph is ready.
            self.finish(None, None);
            self.compact();
        }
        let pool = pool()?;
        self.choose_basis();
        let (slots, params, wanted) = {
            let mut state = self.state.write();
            let slots = state.slots.alive().clone();
            // From here on, none of these slots is reused for another vector.
            state.building = Some(slots.clone());
            (slots, self.config().hnsw, state.wanted_graph)
        };
        let Some(rows) = self.take_codes(&slots) else {
            return Ok(true);
        };
        let mut builder = Builder::new(Arc::new(rows), &params, slots.len() as usize);
        let all: Vec<u32> = slots.iter().collect();
        for (i, block) in all.chunks(INSERTED).enumerate() {
            if self.upkeep.is_cancelled() {
                return Ok(true);
            }
            if self.state.read().wanted_graph != wanted {
                return Ok(false);
            }
            let (done, total) = ((i * INSERTED) as u64, slots.len());
            tell("build", Progress { done, total });
            pool.install(|| builder.insert(block));
        }
        let graph = pool.install(|| builder.flatten());
        drop(builder);
        self.finish(graph, Some(wanted));
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        collection::{Access, Batch, Config, DeleteOptions},
        error::Error,
        graph::HnswParams,
        vectors::Metric,
    };

    #[test]
    fn deletes_leave_the_codes_of_a_graph_in_progress_alone_and_many_of_them_are_no_little_work() {
        const DIMENSION: usize = 384;
        let collection = Collection::new(Config {
            name: "c".into(),
            dimension: DIMENSION,
            metric: Metric::Euclidean,
            hnsw: HnswParams::default(),
            description: None,
        });
        // Nothing else shares codes.
        collection.stop_upkeep();
        let count = 2000;
        let batch = Batch {
            ids: (0..count).map(|i| Some(i.to_string())).collect(),
            data: (0..count * DIMENSION).map(|i| (i % 7919) as f32).collect(),
            lengths: vec![DIMENSION as u32],
            ..Batch::default()
        };
        let mut prepared = collection.prepare(batch).unwrap();
        collection.insert(Access::Wait, &mut prepared).unwrap();
        let slots: RoaringBitmap = (0..count as u32).collect();
        let rows = {
            let state = collection.state.read();
            let geometry = Geometry::of(&state.vectors, &slots);
            let mut rows = Rows::new(DIMENSION, geometry, count);
            slots
                .iter()
                .for_each(|slot| rows.copy(&state.vectors, slot));
            rows
        };
        let before = rows.distance(0, 1);
        assert!(before > 0.0);
        let delete = |ids: &[usize]| {
            let ids: Vec<String> = ids.iter().map(usize::to_string).collect();
            collection.delete_many(Access::Now, &ids, &DeleteOptions::default())
        };
        let many: Vec<usize> = (10..20).collect();
        collection.state.write().building = Some(slots);
        assert!(matches!(delete(&many), Err(Error::WouldBlock)));
        delete(&[0]).unwrap();
        assert_eq!(rows.distance(0, 1), before);
        assert_eq!(collection.state.read().vectors.code(0), [0; DIMENSION]);
        collection.state.write().building = None;
        delete(&many).unwrap();
    }
}
