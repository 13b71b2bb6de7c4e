//! Walks the graph: greedy descent through the upper layers, then best-first search on the bottom
//! one (Malkov and Yashunin, algorithms 2 and 5), with two changes for graphs with many deleted or
//! filtered-out nodes:
//!
//! 1. Only allowed nodes enter the result queue, and only they move its bound. The walk passes
//!    through other nodes as far as necessary, but they do not take the place of results.
//! 2. The walk has a budget. If almost nothing near the query is allowed, it would visit most of
//!    the graph; instead it gives up, and the caller scans the allowed nodes directly.

use std::{cell::RefCell, cmp::Reverse, collections::BinaryHeap};

use ordered_float::OrderedFloat;

use super::Graph;
use crate::vectors::prefetch;

/// A slot with its distance from the target.
pub(super) type Near = (OrderedFloat<f64>, u32);

/// The target of a walk.
pub trait Target {
    /// The distance from the target to the vector at `slot`.
    fn distance(&self, slot: u32) -> f64;

    /// Prefetches the memory that `distance` is about to read.
    fn fetch(&self, _slot: u32) {}
}

impl<D: Fn(u32) -> f64> Target for D {
    fn distance(&self, slot: u32) -> f64 {
        self(slot)
    }
}

thread_local! {
    static VISITED: RefCell<Visited> = RefCell::default();
}

/// The slots a walk has visited: a mark per slot that is never cleared, only outdated.
#[derive(Default)]
struct Visited {
    marks: Vec<u32>,
    walk: u32,
    /// The neighbours of a node that had not been visited before.
    fresh: Vec<u32>,
}

impl Visited {
    fn begin(&mut self, slots: usize) {
        self.marks.resize(slots.max(self.marks.len()), 0);
        self.walk = self.walk.wrapping_add(1);
        if self.walk == 0 {
            self.marks.fill(0);
            self.walk = 1;
        }
    }

    /// Marks a slot as visited. True the first time.
    fn insert(&mut self, slot: u32) -> bool {
        let mark = &mut self.marks[slot as usize];
        let first = *mark != self.walk;
        *mark = self.walk;
        first
    }
}

impl Graph {
    /// Returns the nearest allowed nodes that the walk finds, at most `ef`, unordered. `None` if it
    /// had to visit more than `budget` nodes.
    pub fn search(
        &self,
        target: &impl Target,
        allowed: impl Fn(u32) -> bool,
        ef: usize,
        budget: usize,
    ) -> Option<Vec<u32>> {
        let entry = self.descend(target, 1);
        let (found, complete) = self.walk(0, entry, target, allowed, ef, budget);
        complete.then(|| found.into_iter().map(|(_, slot)| slot).collect())
    }

    /// Returns up to `ef` allowed nodes of a layer near the target, unordered, starting at `entry`.
    pub(super) fn explore(
        &self,
        layer: usize,
        entry: u32,
        target: &impl Target,
        allowed: impl Fn(u32) -> bool,
        ef: usize,
    ) -> BinaryHeap<Near> {
        self.explore_within(usize::MAX, layer, entry, target, allowed, ef)
    }

    /// Like `explore`, but stops after visiting more than `budget` nodes.
    pub(super) fn explore_within(
        &self,
        budget: usize,
        layer: usize,
        entry: u32,
        target: &impl Target,
        allowed: impl Fn(u32) -> bool,
        ef: usize,
    ) -> BinaryHeap<Near> {
        let entry = (OrderedFloat(target.distance(entry)), entry);
        self.walk(layer, entry, target, allowed, ef, budget).0
    }

    /// The nearest allowed nodes of a layer, and whether the budget was sufficient.
    fn walk(
        &self,
        layer: usize,
        entry: Near,
        target: &impl Target,
        allowed: impl Fn(u32) -> bool,
        ef: usize,
        budget: usize,
    ) -> (BinaryHeap<Near>, bool) {
        VISITED.with_borrow_mut(|visited| {
            visited.begin(self.slots());
            visited.insert(entry.1);
            let mut visits = 1;
            let mut queue = BinaryHeap::from([Reverse(entry)]);
            let mut found: BinaryHeap<Near> = BinaryHeap::with_capacity(ef + 1);
            if allowed(entry.1) {
                found.push(entry);
            }
            let mut fresh = std::mem::take(&mut visited.fresh);
            let mut bound = OrderedFloat(f64::INFINITY);
            while let Some(Reverse((near, slot))) = queue.pop() {
                if near > bound {
                    break;
                }
                fresh.clear();
                for &next in self.neighbours(layer, slot) {
                    if visited.insert(next) {
                        target.fetch(next);
                        fresh.push(next);
                    }
                }
                visits += fresh.len();
                for &next in &fresh {
                    let near = OrderedFloat(target.distance(next));
                    if near >= bound {
                        continue;
                    }
                    queue.push(Reverse((near, next)));
                    if allowed(next) {
                        found.push((near, next));
                        if found.len() > ef {
                            found.pop();
                        }
                        if found.len() == ef {
                            bound = found.peek().map_or(bound, |worst| worst.0);
                        }
                    }
                }
                if visits > budget {
                    break;
                }
                if let Some(Reverse((_, next))) = queue.peek()
                    && layer == 0
                {
                    prefetch(self.bottom(*next));
                }
            }
            visited.fresh = fresh;
            (found, visits <= budget)
        })
    }

    /// The node nearest to the target that a greedy walk finds from the topmost layer down to
    /// `lowest`. The graph must have at least one node.
    pub(super) fn descend(&self, target: &impl Target, lowest: usize) -> Near {
        let near = |slot| (OrderedFloat(target.distance(slot)), slot);
        let mut best = near(self.entry);
        for layer in (lowest..=self.upper.len()).rev() {
            loop {
                let from = best;
                let neighbours = self.neighbours(layer, from.1);
                for &next in neighbours {
                    target.fetch(next);
                }
                for &next in neighbours {
                    best = best.min(near(next));
                }
                if best == from {
                    break;
                }
            }
        }
        best
    }
}
