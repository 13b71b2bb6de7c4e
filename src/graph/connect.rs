//! Makes sure that a walk can reach every node.
//!
//! A graph whose lists are all full of near neighbours can fall apart into islands, most easily
//! where a vector has more copies than a list has room for. A walk that starts on one island never
//! sees the others.
//!
//! The nodes reachable from the entry form a tree: each node has a parent, whose list links to it.
//! Any other link may be replaced without cutting anything off. The tree of `n` nodes uses `n - 1`
//! links, and the lists have room for many times as many, so there is always a node with room.

use super::{Graph, NONE};

/// How many nodes near an island are considered for a link to it.
const NEAR_CANDIDATES: usize = 32;
/// The approximate number of nodes that a walk to an island visits. There may be as many islands as
/// nodes.
const BUDGET: usize = 2048;

impl Graph {
    /// Links the nodes on the bottom layer that cannot be reached from the entry.
    pub fn connect(&mut self, distance: impl Fn(u32, u32) -> f64) {
        if self.entry == NONE {
            return;
        }
        let mut parents = vec![NONE; self.slots()];
        // All nodes with a parent, except for some at the end that have no room.
        let mut frontier = Vec::new();
        self.reach(self.entry, self.entry, &mut parents, &mut frontier);
        let nodes = self.members.iter();
        let lost: Vec<u32> = nodes
            .filter(|&slot| parents[slot as usize] == NONE)
            .collect();
        for lost in lost {
            if parents[lost as usize] != NONE {
                continue;
            }
            let usable = |&slot: &u32| {
                parents[slot as usize] != NONE && self.place(slot, &parents).is_some()
            };
            let own = self.neighbours(0, lost).iter().copied().find(usable);
            let near = own.or_else(|| {
                // On the bottom layer only, since the upper ones could lead into the island.
                let near = |slot| distance(lost, slot);
                let usable = |slot| usable(&slot);
                let found =
                    self.explore_within(BUDGET, 0, self.entry, &near, usable, NEAR_CANDIDATES);
                found.iter().min().map(|&(_, slot)| slot)
            });
            // If nothing nearby has room, fall back to the node reached last.
            while frontier
                .pop_if(|slot| self.place(*slot, &parents).is_none())
                .is_some()
            {}
            let Some(from) = near.or(frontier.last().copied()) else {
                return;
            };
            self.link(from, lost, &parents);
            self.link(lost, from, &parents);
            self.reach(from, lost, &mut parents, &mut frontier);
        }
    }

    /// The last position in a node's list that does not link to one of its children.
    fn place(&self, slot: u32, parents: &[u32]) -> Option<usize> {
        let list = self.neighbours(0, slot);
        if list.len() < 2 * self.m {
            return Some(list.len());
        }
        list.iter()
            .rposition(|&next| parents[next as usize] != slot)
    }

    /// Links one node to another, if its list has room.
    fn link(&mut self, from: u32, to: u32, parents: &[u32]) {
        if self.neighbours(0, from).contains(&to) {
            return;
        }
        if let Some(place) = self.place(from, parents) {
            self.layer0[from as usize * 2 * self.m + place] = to;
        }
    }

    /// Sets the parent of a node to `parent`, and visits everything reachable from it that has no
    /// parent yet.
    fn reach(&self, parent: u32, node: u32, parents: &mut [u32], reached: &mut Vec<u32>) {
        parents[node as usize] = parent;
        let mut queue = vec![node];
        while let Some(slot) = queue.pop() {
            reached.push(slot);
            for &next in self.neighbours(0, slot) {
                if parents[next as usize] == NONE {
                    parents[next as usize] = slot;
                    queue.push(next);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::{
        graph::{Geometry, Rows},
        vectors::{Codes, Metric, Vectors},
    };

    /// A connected graph in which each vector occurs `copies` times, and the number of distance
    /// computations per node that connecting it took.
    fn connected(count: u32, copies: u32) -> (Graph, f64) {
        const DIMENSION: usize = 64;
        let mut vectors = Vectors::new(DIMENSION, Metric::Cosine);
        let originals = count / copies;
        for slot in 0..count {
            let mut random = u64::from(slot % originals + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let row: Vec<f32> = (0..DIMENSION)
                .map(|_| {
                    random ^= random << 13;
                    random ^= random >> 7;
                    random ^= random << 17;
                    (random >> 40) as f32 / (1u32 << 24) as f32 - 0.5
                })
                .collect();
            let codes = Codes::of(&row, DIMENSION);
            let (code, terms) = codes.get(0);
            vectors.put(slot, &row, code, terms);
        }
        let slots: Vec<u32> = (0..count).collect();
        let alive = slots.iter().collect();
        let mut rows = Rows::new(DIMENSION, Geometry::of(&vectors, &alive), count as usize);
        for &slot in &slots {
            rows.copy(&vectors, slot);
        }
        let mut graph = Graph::empty(16);
        graph.insert(&slots, 100, &rows);
        let looks = Cell::new(0);
        graph.connect(|a, b| {
            looks.set(looks.get() + 1);
            rows.distance(a, b).into()
        });
        (graph, f64::from(looks.get()) / f64::from(count))
    }

    fn assert_connected(graph: &Graph, count: u32) {
        let mut parents = vec![NONE; graph.slots()];
        let mut reached = Vec::new();
        graph.reach(graph.entry, graph.entry, &mut parents, &mut reached);
        assert_eq!(reached.len(), count as usize);
    }

    #[test]
    fn copies_of_vectors_are_connected_at_a_cost_that_does_not_grow_with_their_number() {
        for count in [1000, 4000] {
            for copies in [1, 12, 40, 200] {
                let (graph, looks) = connected(count, copies);
                assert_connected(&graph, count);
                assert!(looks < 10.0, "{looks} for each of {count}");
            }
        }
    }

    #[test]
    fn islands_are_connected_however_many_there_are_and_however_full_their_lists() {
        let m = 4;
        for (islands, size) in [(1, 9), (2, 9), (3000, 1), (3000, 2), (3000, 5), (3000, 9)] {
            let count = islands * size;
            let list = |slot: u32| {
                let first = slot - slot % size;
                let others = (first..first + size).filter(move |&other| other != slot);
                others.chain(std::iter::repeat(NONE)).take(2 * m)
            };
            let mut graph = Graph {
                m,
                entry: 0,
                layer0: (0..count).flat_map(list).collect(),
                upper: Vec::new(),
                members: (0..count).collect(),
            };
            let looks = Cell::new(0);
            graph.connect(|a, b| {
                looks.set(looks.get() + 1);
                f64::from(a.abs_diff(b))
            });
            assert_connected(&graph, count);
            let max = islands * (BUDGET as u32 + NEAR_CANDIDATES as u32 + 2 * m as u32);
            assert!(looks.get() <= max, "{looks:?} for {islands} of {size}");
            for slot in 0..count {
                let list = graph.neighbours(0, slot);
                assert!(!list.contains(&slot));
                let mut distinct = list.to_vec();
                distinct.sort_unstable();
                distinct.dedup();
                assert_eq!(distinct.len(), list.len());
            }
        }
    }
}
