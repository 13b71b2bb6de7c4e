//! Builds a graph of many vectors with hnsw_rs, on many threads. Its graph consists of
//! reference-counted points; the result is flattened into arrays.

use std::{slice, sync::Arc};

use hashbrown::HashMap;
use hnsw_rs::{
    hnsw::Point,
    prelude::{Distance, Hnsw},
};
use rayon::prelude::*;
use roaring::RoaringBitmap;

use super::{Graph, HnswParams, Layer, NONE, neighbours::select, rows::Rows};

/// hnsw_rs distributes nodes over at most this many layers.
const MAX_LAYERS: usize = 16;

/// The distance between two slots. A point in hnsw_rs is only a slot number, so the copies it makes
/// contain nothing of a vector.
struct SlotDistance(Arc<Rows>);

impl Distance<u32> for SlotDistance {
    fn eval(&self, a: &[u32], b: &[u32]) -> f32 {
        match (a, b) {
            (&[a], &[b]) => self.0.distance(a, b),
            _ => f32::MAX,
        }
    }
}

/// A graph under construction, of slots whose rows have been copied.
pub struct Builder {
    hnsw: Hnsw<'static, u32, SlotDistance>,
    rows: Arc<Rows>,
    m: usize,
    members: RoaringBitmap,
}

impl Builder {
    pub fn new(rows: Arc<Rows>, params: &HnswParams, expected: usize) -> Self {
        // Lists that hold only diverse neighbours leave room for the links of later nodes;
        // `flatten` fills them up. If they were filled from the start, it would be with near
        // neighbours, and clusters would become disconnected while the graph is built.
        let (m, ef) = (params.m, params.ef_construction);
        Self {
            hnsw: Hnsw::new(m, expected, MAX_LAYERS, ef, SlotDistance(rows.clone())),
            rows,
            m,
            members: RoaringBitmap::new(),
        }
    }

    /// Inserts slots on the threads of the current rayon pool.
    pub fn insert(&mut self, slots: &[u32]) {
        let points = slots
            .iter()
            .map(|slot| (slice::from_ref(slot), *slot as usize));
        self.hnsw.parallel_insert_slice(&points.collect());
        self.members.extend(slots);
    }

    /// The graph as flat arrays, with every node reachable. `None` if it has no nodes. Runs on the
    /// threads of the current rayon pool.
    pub fn flatten(&self) -> Option<Graph> {
        let m = self.m;
        let last = self.members.max()?;
        let mut layers: Vec<Lists> = Vec::new();
        let mut entry = (0, last);
        let points: Vec<_> = self.hnsw.get_point_indexation().into_iter().collect();
        for point in &points {
            let slot = point.get_origin_id() as u32;
            let level = usize::from(point.get_point_id().0);
            if level > entry.0 {
                entry = (level, slot);
            }
            add(&mut layers, slot, level, point);
        }
        let mut layers = layers.iter().enumerate().map(|(layer, lists)| {
            let width = if layer == 0 { 2 * m } else { m };
            (width, self.chosen(lists, width))
        });
        let mut layer0 = vec![NONE; (last as usize + 1) * 2 * m];
        for (slot, list) in layers.next()?.1 {
            layer0[slot as usize * 2 * m..][..list.len()].copy_from_slice(&list);
        }
        let upper = layers.map(|(width, lists)| {
            let mut layer = Layer::default();
            for (slot, list) in lists {
                let at = layer.links.len();
                layer.position.insert(slot, (at / width) as u32);
                layer.links.extend(list);
                layer.links.resize(at + width, NONE);
            }
            layer
        });
        let mut graph = Graph {
            m,
            entry: entry.1,
            layer0,
            upper: upper.collect(),
            members: self.members.clone(),
        };
        graph.connect(|a, b| self.rows.distance(a, b).into());
        Some(graph)
    }

    /// Each node's best `width` neighbours, in slot order.
    fn chosen(&self, lists: &Lists, width: usize) -> Vec<(u32, Vec<u32>)> {
        let distance = |a, b| self.rows.distance(a, b);
        let choose = |(&slot, list): (&u32, &Vec<u32>)| {
            let candidates = list.iter().map(|&other| (distance(slot, other), other));
            let mut candidates: Vec<(f32, u32)> = candidates.collect();
            candidates.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            candidates.dedup();
            (slot, select(&candidates, width, distance))
        };
        let mut chosen: Vec<_> = lists.par_iter().map(choose).collect();
        chosen.par_sort_unstable_by_key(|node| node.0);
        chosen
    }
}

/// The neighbour lists of one layer.
type Lists = HashMap<u32, Vec<u32>>;

/// Adds a node's links, in both directions.
///
/// When a list is full, hnsw_rs drops its farthest entry, which may be the only way out of a
/// cluster. The other end still has that link, and selecting again from the links of both ends
/// restores it.
fn add(layers: &mut Vec<Lists>, slot: u32, level: usize, point: &Point<'_, u32>) {
    if layers.len() <= level {
        layers.resize_with(level + 1, Lists::default);
    }
    // hnsw_rs also records entries for layers above the node's own; they are not neighbours.
    for (lists, found) in layers[..=level].iter_mut().zip(point.get_neighborhood_id()) {
        lists.entry(slot).or_default();
        for neighbour in found {
            let neighbour = neighbour.get_origin_id() as u32;
            if neighbour != slot {
                lists.entry(slot).or_default().push(neighbour);
                lists.entry(neighbour).or_default().push(slot);
            }
        }
    }
}
