//! Removes deleted nodes from the graph (the consolidation of Singh et al., "FreshDiskANN", arXiv
//! 2105.09613, algorithm 4, on every layer of an HNSW graph).
//!
//! Every live node with dead neighbours selects its neighbours again, from its live neighbours and
//! the neighbours of its dead ones. If those are dead as well, their neighbours follow in turn.

use hashbrown::HashSet;
use rayon::prelude::*;
use roaring::RoaringBitmap;

use super::{Graph, Layer, NONE, insert::choose};

/// The maximum number of dead nodes followed to live ones, beyond a node's own neighbours.
const ASKED: usize = 256;
/// Live nodes processed between two progress reports: some tenths of a second.
const PART: usize = 16_384;

impl Graph {
    /// Removes the `dead` nodes; `distance` is called for live nodes only. `go_on` is called from
    /// time to time with the number of live nodes processed and their total. If it returns false,
    /// the graph is left unusable, and the result is false. Runs on the threads of the current
    /// rayon pool.
    pub fn remove(
        &mut self,
        dead: &RoaringBitmap,
        distance: impl Fn(u32, u32) -> f32 + Sync,
        mut go_on: impl FnMut(usize, usize) -> bool,
    ) -> bool {
        let dead = dead & &self.members;
        if dead.is_empty() {
            return true;
        }
        let mut is_dead = vec![false; self.slots()];
        for slot in &dead {
            is_dead[slot as usize] = true;
        }
        for layer in (0..=self.upper.len()).rev() {
            let live = self.layer(layer).filter(|&slot| !is_dead[slot as usize]);
            let live: Vec<u32> = live.collect();
            let mut chosen = Vec::new();
            for (i, part) in live.chunks(PART).enumerate() {
                // The layers above are small; they need no progress reports.
                if layer == 0 && !go_on(i * PART, live.len()) {
                    return false;
                }
                chosen.extend(self.bypass_dead(layer, part, &is_dead, &distance));
            }
            self.relink(layer, chosen, &distance);
        }
        self.members -= &dead;
        let width = self.width(0);
        for slot in &dead {
            self.layer0[slot as usize * width..][..width].fill(NONE);
        }
        let end = self.members.max().map_or(0, |slot| slot as usize + 1);
        self.layer0.truncate(end * width);
        for layer in &mut self.upper {
            layer.remove(&is_dead, self.m);
        }
        while self.upper.last().is_some_and(|top| top.position.is_empty()) {
            self.upper.pop();
        }
        if is_dead[self.entry as usize] {
            let top = self.upper.last();
            let highest = match top {
                // The lowest slot, so that the result is deterministic.
                Some(top) => top.position.keys().min().copied(),
                None => self.members.min(),
            };
            self.entry = highest.unwrap_or(NONE);
        }
        true
    }

    /// New lists for the `live` nodes of a layer that have dead neighbours.
    fn bypass_dead(
        &self,
        layer: usize,
        live: &[u32],
        is_dead: &[bool],
        distance: impl Fn(u32, u32) -> f32 + Sync,
    ) -> Vec<(u32, Vec<u32>)> {
        let choose = |&slot: &u32| {
            let list = self.neighbours(layer, slot);
            let affected = list.iter().any(|&n| is_dead[n as usize]);
            affected.then(|| {
                let candidates = self.candidates(layer, slot, is_dead);
                let list = choose(slot, &candidates, self.width(layer), &distance);
                (slot, list)
            })
        };
        live.par_iter().filter_map(choose).collect()
    }

    /// Installs new lists, and adds the nodes that have them to the lists of their new neighbours.
    fn relink(
        &mut self,
        layer: usize,
        lists: Vec<(u32, Vec<u32>)>,
        distance: impl Fn(u32, u32) -> f32 + Sync,
    ) {
        let mut offers = Vec::new();
        for (slot, list) in lists {
            let old = self.neighbours(layer, slot);
            let new = list.iter().take(self.m).filter(|n| !old.contains(n));
            offers.extend(new.map(|&n| (n, slot)));
            self.set_neighbours(layer, slot, &list);
        }
        self.offer(layer, offers, distance);
    }

    /// A node's live neighbours, and the live nodes reached through its dead ones.
    fn candidates(&self, layer: usize, slot: u32, is_dead: &[bool]) -> Vec<u32> {
        let mut live = Vec::new();
        let mut seen: HashSet<u32> = HashSet::from_iter([slot]);
        let mut look = |node: u32, live: &mut Vec<u32>, dead: &mut Vec<u32>| {
            for &next in self.neighbours(layer, node) {
                if seen.insert(next) {
                    let kind = if is_dead[next as usize] {
                        &mut *dead
                    } else {
                        &mut *live
                    };
                    kind.push(next);
                }
            }
        };
        let mut dead = Vec::new();
        look(slot, &mut live, &mut dead);
        let own = dead.len();
        let mut at = 0;
        // Dead nodes farther away are followed only if the near ones do not fill the list.
        while at < own || (live.len() < self.width(layer) && at < ASKED) {
            let Some(&node) = dead.get(at) else {
                break;
            };
            look(node, &mut live, &mut dead);
            at += 1;
        }
        live
    }
}

impl Layer {
    fn remove(&mut self, is_dead: &[bool], m: usize) {
        let mut nodes: Vec<(u32, u32)> = self.position.iter().map(|(&s, &at)| (s, at)).collect();
        nodes.sort_unstable();
        let old = std::mem::take(self);
        for (slot, at) in nodes.into_iter().filter(|n| !is_dead[n.0 as usize]) {
            self.push(slot, &old.links[at as usize * m..][..m]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        graph::{Geometry, Rows},
        vectors::{Codes, Metric, Vectors},
    };

    const DIMENSION: usize = 16;
    const EF: usize = 100;

    /// Rows in clusters; the same in every run.
    fn rows(count: usize, clusters: usize) -> Rows {
        let mut seed = 7u64;
        let mut unit = move || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        };
        let centres: Vec<f32> = (0..clusters * DIMENSION).map(|_| unit()).collect();
        let mut vectors = Vectors::new(DIMENSION, Metric::Euclidean);
        for slot in 0..count {
            let centre = &centres[slot % clusters * DIMENSION..][..DIMENSION];
            let row: Vec<f32> = centre.iter().map(|c| c + 0.3 * unit()).collect();
            let codes = Codes::of(&row, DIMENSION);
            let (code, terms) = codes.get(0);
            vectors.put(slot as u32, &row, code, terms);
        }
        let slots: RoaringBitmap = (0..count as u32).collect();
        let mut rows = Rows::new(DIMENSION, Geometry::of(&vectors, &slots), count);
        for slot in slots {
            rows.copy(&vectors, slot);
        }
        rows
    }

    fn built(slots: &[u32], rows: &Rows) -> Graph {
        let mut graph = Graph::empty(8);
        graph.insert(slots, EF, rows);
        graph.connect(|a, b| rows.distance(a, b).into());
        graph
    }

    fn remove(graph: &mut Graph, dead: &[u32], rows: &Rows) {
        graph.remove(
            &dead.iter().collect(),
            |a, b| rows.distance(a, b),
            |_, _| true,
        );
        graph.connect(|a, b| rows.distance(a, b).into());
    }

    /// The nodes for which a search finds neither their own row nor one as near.
    fn lost(graph: &Graph, rows: &Rows) -> Vec<u32> {
        let found = |&slot: &u32| {
            let near = graph.search(&rows.target(slot), |_| true, 64, usize::MAX);
            let near = near.unwrap_or_default().into_iter();
            near.map(|other| rows.distance(slot, other))
                .any(|distance| distance <= rows.distance(slot, slot))
        };
        graph.members.iter().filter(|slot| !found(slot)).collect()
    }

    /// The invariants of every graph: its lists link nodes of a layer to nodes of the same layer,
    /// and every node can be reached from the entry.
    fn check(graph: &Graph, expected: &RoaringBitmap) -> Result<(), TestCaseError> {
        prop_assert_eq!(&graph.members, expected);
        if expected.is_empty() {
            return Ok(());
        }
        prop_assert!(expected.contains(graph.entry));
        prop_assert_eq!(graph.level_of(graph.entry), graph.upper.len());
        for (layer, slot) in graph.nodes() {
            prop_assert!(layer <= graph.level_of(slot));
            let list = graph.neighbours(layer, slot);
            let distinct: HashSet<&u32> = list.iter().collect();
            prop_assert_eq!(distinct.len(), list.len(), "{} has one twice", slot);
            for &other in list {
                prop_assert!(other != slot && expected.contains(other));
                prop_assert!(graph.level_of(other) >= layer);
            }
        }
        let mut reached = RoaringBitmap::from_iter([graph.entry]);
        let mut queue = vec![graph.entry];
        while let Some(slot) = queue.pop() {
            let next = graph.neighbours(0, slot).iter().copied();
            queue.extend(next.filter(|&next| reached.insert(next)));
        }
        prop_assert_eq!(&reached, expected);
        Ok(())
    }

    #[test]
    fn every_live_node_finds_itself_after_any_kind_of_deletes() {
        let count = 4000u32;
        let rows = rows(count as usize, 40);
        let all: Vec<u32> = (0..count).collect();
        let fresh = built(&all, &rows);
        let mut linked = vec![0; count as usize];
        for slot in 0..count {
            fresh
                .neighbours(0, slot)
                .iter()
                .for_each(|&n| linked[n as usize] += 1);
        }
        let order = |key: &dyn Fn(u32) -> u64| {
            let mut order = all.clone();
            order.sort_by_key(|&slot| key(slot));
            order
        };
        let scattered = |slot: u32| u64::from(slot).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        let kinds = [
            ("at random", order(&scattered)),
            ("by cluster", order(&|slot| u64::from(slot % 40))),
            ("oldest first", all.clone()),
            (
                "hubs first",
                order(&|slot| u64::MAX - linked[slot as usize]),
            ),
            (
                "the upper layers first",
                order(&|slot| 99 - fresh.level_of(slot) as u64),
            ),
        ];
        for (kind, order) in kinds {
            let mut graph = fresh.clone();
            let mut gone = 0;
            for percent in [0, 50, 90, 99] {
                let until = order.len() * percent / 100;
                remove(&mut graph, &order[gone..until], &rows);
                gone = until;
                check(&graph, &order[until..].iter().collect()).unwrap();
                assert_eq!(lost(&graph, &rows), [0; 0], "{percent} % deleted {kind}");
            }
            // All at once as well.
            let mut graph = fresh.clone();
            remove(&mut graph, &order[..order.len() * 9 / 10], &rows);
            assert_eq!(lost(&graph, &rows), [0; 0], "90 % deleted {kind} at once");
        }
    }

    #[test]
    fn a_graph_with_nothing_left_is_empty_and_starts_afresh() {
        let rows = rows(300, 3);
        let slots: Vec<u32> = (0..300).collect();
        let mut graph = built(&slots, &rows);
        remove(&mut graph, &slots, &rows);
        assert!(graph.members.is_empty() && graph.upper.is_empty() && graph.layer0.is_empty());
        graph.insert(&slots[100..], EF, &rows);
        graph.connect(|a, b| rows.distance(a, b).into());
        check(&graph, &slots[100..].iter().collect()).unwrap();
        assert_eq!(lost(&graph, &rows), [0; 0]);
    }

    #[test]
    fn renumbered_nodes_keep_their_neighbours() {
        let rows = rows(400, 5);
        let slots: Vec<u32> = (0..400).collect();
        let mut graph = built(&slots, &rows);
        remove(&mut graph, &slots[..200], &rows);
        let moved = graph.renumber(|slot| slot - 200);
        check(&moved, &slots[..200].iter().collect()).unwrap();
        for (layer, slot) in graph.nodes() {
            let old: Vec<u32> = graph
                .neighbours(layer, slot)
                .iter()
                .map(|n| n - 200)
                .collect();
            assert_eq!(moved.neighbours(layer, slot - 200), old);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            cases: 48,
            ..Default::default()
        })]

        #[test]
        fn a_graph_stays_whole_whatever_is_inserted_and_removed(
            clusters in 1usize..20,
            steps in proptest::collection::vec((0u32..600, 1u32..300, any::<bool>()), 1..12),
        ) {
            let rows = rows(900, clusters);
            let mut graph = Graph::empty(4);
            let mut expected = RoaringBitmap::new();
            for (from, count, add) in steps {
                let range: RoaringBitmap = (from..from + count).collect();
                if add {
                    let new: Vec<u32> = (&range - &expected).iter().collect();
                    graph.insert(&new, 40, &rows);
                    expected |= range;
                } else {
                    graph.remove(&range, |a, b| rows.distance(a, b), |_, _| true);
                    expected -= range;
                }
                graph.connect(|a, b| rows.distance(a, b).into());
                check(&graph, &expected)?;
            }
        }
    }
}
