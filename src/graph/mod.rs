//! The HNSW graph over a collection's codes (Malkov and Yashunin, arXiv 1603.09320).
//!
//! hnsw_rs builds it on all cores (`bulk.rs`); it is then kept as flat arrays of slots,
//! which a search walks several times faster than a graph of reference-counted points
//! (`search.rs`). The graph knows nothing of which slots are alive: a walk passes
//! through dead nodes, and only allowed ones become results.

mod bulk;
mod cache;
mod connect;
mod neighbours;
mod search;

use hashbrown::HashMap;
use roaring::RoaringBitmap;

pub use bulk::{Builder, Geometry};

/// Ends a node's list of neighbours that is not full.
const NONE: u32 = u32::MAX;

/// How a graph is built and searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HnswParams {
    /// Neighbours per node on the upper layers; the bottom layer has twice as many.
    pub m: usize,
    /// How many candidates are weighed for a new node's neighbours.
    pub ef_construction: usize,
    /// How many candidates a search keeps; more is slower and finds more.
    pub ef_search: usize,
}

impl Default for HnswParams {
    fn default() -> Self {
        Self {
            m: 16,
            ef_construction: 100,
            ef_search: 80,
        }
    }
}

/// One of the layers above the bottom one: few nodes, so their lists are packed.
#[derive(Default)]
struct Layer {
    position: HashMap<u32, u32>,
    links: Vec<u32>,
}

/// The layers of the graph, as neighbour lists by slot.
pub struct Graph {
    m: usize,
    /// A node of the topmost layer.
    entry: u32,
    /// `2 * m` neighbours per slot.
    layer0: Vec<u32>,
    /// The layers above, lowest first; `m` neighbours per node.
    upper: Vec<Layer>,
    members: RoaringBitmap,
}

impl Graph {
    /// The slots that are nodes, dead or alive.
    pub fn members(&self) -> &RoaringBitmap {
        &self.members
    }

    fn neighbours(&self, layer: usize, slot: u32) -> &[u32] {
        let list = if layer == 0 {
            let width = 2 * self.m;
            &self.layer0[slot as usize * width..][..width]
        } else {
            let layer = &self.upper[layer - 1];
            match layer.position.get(&slot) {
                Some(&at) => &layer.links[at as usize * self.m..][..self.m],
                None => &[],
            }
        };
        let end = list.iter().position(|&n| n == NONE).unwrap_or(list.len());
        &list[..end]
    }

    pub fn memory_bytes(&self) -> usize {
        let upper: usize = self
            .upper
            .iter()
            .map(|l| l.links.len() * size_of::<u32>() + l.position.capacity() * 9)
            .sum();
        self.layer0.len() * size_of::<u32>() + upper + self.members.serialized_size()
    }
}
