//! Walking the graph: greedy descent through the upper layers, then best-first search on
//! the bottom one (Malkov and Yashunin, algorithms 2 and 5), changed in two ways for
//! graphs with many deleted or filtered-out nodes:
//!
//! 1. Only allowed nodes enter the queue of results, and only they move its bound. The
//!    walk goes through the others, as far as it must, so they take nobody's place.
//! 2. The walk has a budget. Where almost nothing near the query is allowed it would
//!    visit most of the graph; it then gives up, and the caller looks at the allowed
//!    ones directly.

use std::{cell::RefCell, cmp::Reverse, collections::BinaryHeap};

use ordered_float::OrderedFloat;

use super::Graph;

/// A slot by its distance from the query.
type Near = (OrderedFloat<f64>, u32);

thread_local! {
    static VISITED: RefCell<Visited> = RefCell::default();
}

/// Which slots a walk has seen: a mark per slot that is never cleared, only outgrown.
#[derive(Default)]
struct Visited {
    marks: Vec<u32>,
    walk: u32,
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

    /// True the first time.
    fn insert(&mut self, slot: u32) -> bool {
        let mark = &mut self.marks[slot as usize];
        let first = *mark != self.walk;
        *mark = self.walk;
        first
    }
}

impl Graph {
    /// The nearest allowed nodes the walk finds, at most `ef`, in no order. `None` when
    /// it had to visit more than `budget` nodes.
    pub fn search(
        &self,
        distance: impl Fn(u32) -> f64,
        allowed: impl Fn(u32) -> bool,
        ef: usize,
        budget: usize,
    ) -> Option<Vec<u32>> {
        VISITED.with_borrow_mut(|visited| {
            visited.begin(self.layer0.len() / (2 * self.m));
            let distance = |slot| OrderedFloat(distance(slot));
            let entry = self.descend(&distance);
            visited.insert(entry.1);
            let mut visits = 1;
            let mut queue = BinaryHeap::from([Reverse(entry)]);
            let mut found: BinaryHeap<Near> = BinaryHeap::with_capacity(ef + 1);
            if allowed(entry.1) {
                found.push(entry);
            }
            while let Some(Reverse((near, slot))) = queue.pop() {
                let bound = |found: &BinaryHeap<Near>| match found.peek() {
                    Some(&(worst, _)) if found.len() >= ef => worst,
                    _ => OrderedFloat(f64::INFINITY),
                };
                if near > bound(&found) {
                    break;
                }
                for &next in self.neighbours(0, slot) {
                    if !visited.insert(next) {
                        continue;
                    }
                    visits += 1;
                    let near = distance(next);
                    if near >= bound(&found) {
                        continue;
                    }
                    queue.push(Reverse((near, next)));
                    if allowed(next) {
                        found.push((near, next));
                        if found.len() > ef {
                            found.pop();
                        }
                    }
                }
                if visits > budget {
                    return None;
                }
            }
            Some(found.into_iter().map(|(_, slot)| slot).collect())
        })
    }

    /// The node nearest to the query on the layer above the bottom, found greedily.
    fn descend(&self, distance: &impl Fn(u32) -> OrderedFloat<f64>) -> Near {
        let mut best = (distance(self.entry), self.entry);
        for layer in (1..=self.upper.len()).rev() {
            loop {
                let from = best;
                for &next in self.neighbours(layer, from.1) {
                    best = best.min((distance(next), next));
                }
                if best == from {
                    break;
                }
            }
        }
        best
    }
}
