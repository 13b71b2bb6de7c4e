//! Inserts nodes into the graph (Malkov and Yashunin, algorithm 1), many at a time.
//!
//! Nodes are inserted in batches. All nodes of a batch search for their neighbours in the graph as
//! it was before, on all cores, and among each other; then they are added to their neighbours'
//! lists, again on all cores. No locks are needed, and the result is the same on any number of
//! cores.

use ordered_float::OrderedFloat;
use rayon::prelude::*;

use super::{Graph, Layer, NONE, neighbours::select, rows::Rows};

/// The minimum and maximum size of a batch. A batch is small compared with the graph, so that the
/// graph grows almost as if the nodes came one by one. Each node is compared with all others of its
/// batch, which is cheap up to this size.
const BATCH: (usize, usize) = (64, 512);
/// A batch is at most 1/`SHARE` of the graph.
const SHARE: usize = 16;
/// The maximum number of layers above the bottom one.
const MAX_LEVEL: usize = 15;

/// How many times the usual number of nodes may be visited to get past a node's copies.
const BEYOND: usize = 16;

/// A node to insert, and its neighbours on each of its layers.
struct Plan {
    slot: u32,
    lists: Vec<Vec<u32>>,
}

impl Graph {
    /// A graph without nodes.
    pub fn empty(m: usize) -> Self {
        Self {
            m,
            entry: NONE,
            layer0: Vec::new(),
            upper: Vec::new(),
            members: Default::default(),
        }
    }

    /// Inserts nodes that are not in the graph yet, with a candidate list of size `ef`. Runs on the
    /// threads of the current rayon pool.
    pub fn insert(&mut self, mut slots: &[u32], ef: usize, rows: &Rows) {
        while !slots.is_empty() {
            let size = (self.members.len() as usize / SHARE).clamp(BATCH.0, BATCH.1);
            let (batch, rest) = slots.split_at(size.min(slots.len()));
            self.insert_batch(batch, ef, rows);
            slots = rest;
        }
    }

    fn insert_batch(&mut self, batch: &[u32], ef: usize, rows: &Rows) {
        let batch: Vec<(u32, usize)> = batch.iter().map(|&s| (s, self.level(s))).collect();
        let plans: Vec<Plan> = batch
            .par_iter()
            .map(|&(slot, level)| self.plan(slot, level, &batch, ef, rows))
            .collect();
        for plan in &plans {
            self.add(plan);
        }
        let top = batch.iter().map(|&(_, level)| level).max().unwrap_or(0);
        for layer in 0..=top {
            let offers = plans.iter().flat_map(|plan| {
                let list = plan.lists.get(layer).map_or(&[][..], |list| list);
                list.iter().take(self.m).map(|&to| (to, plan.slot))
            });
            let offers = offers.collect();
            self.offer(layer, offers, |a, b| rows.distance(a, b));
        }
    }

    /// The highest layer of the node at `slot`: geometrically distributed, and always the same for
    /// a given slot.
    fn level(&self, slot: u32) -> usize {
        // SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
        let mut z = (u64::from(slot) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let uniform = ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64;
        let level = -(1.0 - uniform).ln() / (self.m.max(2) as f64).ln();
        (level as usize).min(MAX_LEVEL)
    }

    /// Selects a node's neighbours among the graph's nodes and the rest of its batch.
    fn plan(
        &self,
        slot: u32,
        level: usize,
        batch: &[(u32, usize)],
        ef: usize,
        rows: &Rows,
    ) -> Plan {
        let target = rows.target(slot);
        let others: Vec<(f32, u32, usize)> = batch
            .iter()
            .filter(|other| other.0 != slot)
            .map(|&(other, level)| (rows.distance(slot, other), other, level))
            .collect();
        let mut lists = vec![Vec::new(); level + 1];
        let mut entry = (!self.members.is_empty()).then(|| self.descend(&target, level + 1));
        for layer in (0..=level).rev() {
            let on_layer = others.iter().filter(|other| other.2 >= layer);
            let mut candidates: Vec<(f32, u32)> = on_layer.map(|o| (o.0, o.1)).collect();
            if let Some((_, from)) = entry
                && layer <= self.upper.len()
            {
                let mut found = self.explore(layer, from, &target, |_| true, ef).into_vec();
                entry = found.iter().min().copied().or(entry);
                let copies = found.iter().filter(|node| node.0.0 <= 0.0).count();
                if copies >= self.width(layer) {
                    // If the lists contained only copies, the copies would become an island.
                    let differs = |other| rows.distance(slot, other) > 0.0;
                    found.extend(self.explore_within(
                        BEYOND * ef,
                        layer,
                        from,
                        &target,
                        differs,
                        ef,
                    ));
                }
                candidates.extend(found.into_iter().map(|(near, s)| (near.0 as f32, s)));
            }
            sort(&mut candidates);
            lists[layer] = select(&candidates, self.width(layer), |a, b| rows.distance(a, b));
        }
        Plan { slot, lists }
    }

    /// Adds a planned node to the graph. Nothing links to it yet.
    fn add(&mut self, plan: &Plan) {
        let level = plan.lists.len() - 1;
        if self.members.is_empty() || level > self.level_of(self.entry) {
            self.entry = plan.slot;
        }
        self.members.insert(plan.slot);
        let end = (plan.slot as usize + 1) * self.width(0);
        if self.layer0.len() < end {
            self.layer0.resize(end, NONE);
        }
        if self.upper.len() < level {
            self.upper.resize_with(level, Layer::default);
        }
        let none = vec![NONE; self.m];
        for layer in &mut self.upper[..level] {
            layer.push(plan.slot, &none);
        }
        for (layer, list) in plan.lists.iter().enumerate() {
            self.set_neighbours(layer, plan.slot, list);
        }
    }

    /// Adds new neighbours to nodes of a layer, given as pairs of a node and its new neighbour. A
    /// node whose list has no room for all of them selects its neighbours again.
    pub(super) fn offer(
        &mut self,
        layer: usize,
        mut offers: Vec<(u32, u32)>,
        distance: impl Fn(u32, u32) -> f32 + Sync,
    ) {
        offers.par_sort_unstable();
        let groups: Vec<&[(u32, u32)]> = offers.chunk_by(|a, b| a.0 == b.0).collect();
        let changed: Vec<(u32, Vec<u32>)> = groups
            .into_par_iter()
            .map(|offers| {
                let slot = offers[0].0;
                let mut list = self.neighbours(layer, slot).to_vec();
                for &(_, other) in offers {
                    if !list.contains(&other) && other != slot {
                        list.push(other);
                    }
                }
                let width = self.width(layer);
                if list.len() > width {
                    list = choose(slot, &list, width, &distance);
                }
                (slot, list)
            })
            .collect();
        for (slot, list) in changed {
            self.set_neighbours(layer, slot, &list);
        }
    }
}

/// Selects the best `width` of the candidates for a node's neighbour list.
pub(super) fn choose(
    slot: u32,
    candidates: &[u32],
    width: usize,
    distance: impl Fn(u32, u32) -> f32,
) -> Vec<u32> {
    let near = |&other: &u32| (distance(slot, other), other);
    let mut candidates: Vec<(f32, u32)> = candidates.iter().map(near).collect();
    sort(&mut candidates);
    select(&candidates, width, distance)
}

/// Sorts candidates by distance and removes duplicates.
fn sort(candidates: &mut Vec<(f32, u32)>) {
    candidates.sort_unstable_by_key(|&(near, slot)| (OrderedFloat(near), slot));
    candidates.dedup();
}
