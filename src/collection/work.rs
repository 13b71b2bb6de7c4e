//! The background work of a collection: what there is to do, and doing it.

use std::sync::atomic::Ordering;

use super::{Access, Collection, Progress, State, maintain::Tell, memory::give_memory_back};
use crate::{error::Result, graph::GraphBuilder};

/// With fewer live vectors than this, a scan is faster than a graph, and exact.
const GRAPH_FROM: usize = 1000;
/// The graph is updated when more than this many vectors plus this share of all live ones are
/// pending; until then, every search scans each of them.
const PENDING: (usize, f64) = (500, 0.01);
/// It is also updated when more than this share of its nodes is dead.
const DEAD: f64 = 0.1;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// The collection is empty: free its memory.
    Reset,
    /// Too few vectors are left for a graph.
    DropGraph,
    /// Remove dead nodes from the graph, and insert pending vectors.
    Refresh,
    /// Build a graph, with the collection's builder, because most vectors are not in one.
    Grow,
    /// Build a graph, with the collection's builder, to replace one that was built with other
    /// parameters.
    Rebuild,
}

impl State {
    /// Whether there are so many vectors that a graph is faster than a scan.
    pub(super) fn is_worth_a_graph(&self) -> bool {
        self.slots.len() >= GRAPH_FROM
    }

    /// Whether the graph has to be replaced by one that is built anew.
    pub(super) fn is_outdated(&self) -> bool {
        self.graph.is_some() && self.built_graph != self.wanted_graph
    }

    /// The work for the background thread. With `thorough`, anything that makes searches faster;
    /// otherwise only what is worthwhile now.
    pub(super) fn work(&self, thorough: bool) -> Option<Work> {
        let live = match self.is_bin {
            // It needs no graph, however many there are.
            true => self.slots.len().min(1),
            false => self.slots.len(),
        };
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
        if self.is_outdated() {
            return Some(Work::Rebuild);
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
    /// Whether there is work that is worth doing at once.
    pub(super) fn has_work(&self, state: &State) -> bool {
        let gave_up = self.upkeep.gave_up.load(Ordering::Acquire);
        state.work(false).is_some() || (!gave_up && state.is_wasteful(false))
    }

    /// With `thorough`, does everything that makes searches faster, otherwise only what is
    /// worthwhile now. The log is rewritten for a small gain only if a caller `asked`.
    pub(super) fn do_work(&self, thorough: bool, asked: bool, tell: &Tell) -> Result<()> {
        self.tell_indexed(tell)?;
        let mut work = self.state.read().work(thorough);
        let worked = work.is_some();
        while let Some(next) = work {
            let is_done = self.perform(next, tell)?;
            if !is_done {
                self.give_up_building();
            }
            // If the parameters have changed meanwhile, whoever asked waits for that graph too. It
            // may need another builder.
            let next = self.state.read().work(thorough);
            let goes_on = !is_done || next == Some(Work::Rebuild);
            work = next.filter(|_| goes_on && !self.upkeep.is_cancelled());
        }
        if worked {
            // If more work on it is coming, the graph would only have to be saved again.
            if asked || self.state.read().work(false).is_none() {
                self.save_graph();
            }
        }
        let wasteful = self.state.read().is_wasteful(asked);
        if wasteful {
            let rewritten = self.rewrite(&mut |progress| tell("rewrite", progress));
            if rewritten.is_err() {
                self.upkeep.gave_up.store(true, Ordering::Release);
                if asked {
                    return rewritten;
                }
            }
        }
        if worked || wasteful {
            // All of this allocates and frees many small blocks.
            give_memory_back();
        }
        self.tell_indexed(tell)
    }

    /// Reports how many of the live vectors are in the graph.
    fn tell_indexed(&self, tell: &Tell) -> Result<()> {
        let info = self.info(Access::Wait)?;
        let (done, total) = (info.indexed as u64, info.vectors as u64);
        tell("insert", Progress { done, total });
        Ok(())
    }

    /// Returns false if the parameters of the graph changed in the meantime, so that there is other
    /// work instead.
    fn perform(&self, work: Work, tell: &Tell) -> Result<bool> {
        let has_other_builder = self.config().hnsw.builder == GraphBuilder::HnswRs;
        match work {
            Work::Reset => self.reset(),
            Work::DropGraph => self.scan_from_here_on(),
            Work::Grow | Work::Rebuild if has_other_builder => {
                if !self.build(tell)? {
                    return Ok(false);
                }
                if work == Work::Rebuild {
                    self.compact_with_graph();
                }
            }
            Work::Refresh | Work::Grow | Work::Rebuild => {
                if !self.refresh(tell)? {
                    return Ok(false);
                }
                self.compact_with_graph();
            }
        }
        Ok(true)
    }
}
