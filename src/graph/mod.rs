//! The HNSW graph over a collection's codes (Malkov and Yashunin, arXiv 1603.09320).
//!
//! It is stored in flat arrays indexed by slot, which a search walks several times faster than a
//! graph of reference-counted points (`search.rs`). The graph does not know which slots are alive:
//! a walk passes through dead nodes, and only allowed nodes become results. Deleted nodes are
//! removed by `repair.rs`, and new ones inserted by `insert.rs`.

mod bulk;
mod cache;
mod connect;
mod geometry;
mod insert;
mod neighbours;
mod repair;
mod rows;
mod search;

use hashbrown::HashMap;
use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};

pub use bulk::Builder;
pub use cache::SavedGraph;
pub use geometry::Geometry;
pub use rows::Rows;
pub use search::Target;

/// Terminates a neighbour list that is not full.
const NONE: u32 = u32::MAX;

/// How to build a graph of many vectors from nothing.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
pub enum GraphBuilder {
    /// This package's own insertion, the same as for vectors that come later.
    #[default]
    #[serde(rename = "own")]
    Own,
    /// The crate hnsw_rs.
    #[serde(rename = "hnsw_rs")]
    HnswRs,
}

/// The parameters for building and searching a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HnswParams {
    /// Neighbours per node on the upper layers; the bottom layer has twice as many.
    pub m: usize,
    /// The size of the candidate list when a node is inserted.
    pub ef_construction: usize,
    /// The size of the candidate list in a search; larger is slower and finds more.
    pub ef_search: usize,
    pub builder: GraphBuilder,
}

impl Default for HnswParams {
    fn default() -> Self {
        Self {
            m: 16,
            ef_construction: 100,
            ef_search: 80,
            builder: GraphBuilder::default(),
        }
    }
}

/// A layer above the bottom one. It has few nodes, so their lists are packed.
#[derive(Clone, Default)]
struct Layer {
    position: HashMap<u32, u32>,
    links: Vec<u32>,
}

impl Layer {
    /// Adds a node with its list, padded with `NONE`.
    fn push(&mut self, slot: u32, list: &[u32]) {
        let at = self.links.len() / list.len();
        self.position.insert(slot, at as u32);
        self.links.extend(list);
    }
}

/// The layers of the graph, as neighbour lists by slot.
#[derive(Clone)]
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

    /// The maximum number of neighbours of a node on a layer.
    fn width(&self, layer: usize) -> usize {
        if layer == 0 { 2 * self.m } else { self.m }
    }

    /// The number of slots for which the bottom layer has room.
    fn slots(&self) -> usize {
        self.layer0.len() / self.width(0)
    }

    /// The highest layer of a node.
    fn level_of(&self, slot: u32) -> usize {
        let upper = self.upper.iter();
        let above = upper.take_while(|layer| layer.position.contains_key(&slot));
        above.count()
    }

    /// A node's whole list on the bottom layer, including padding.
    fn bottom(&self, slot: u32) -> &[u32] {
        let width = self.width(0);
        &self.layer0[slot as usize * width..][..width]
    }

    /// The neighbours of a slot on the bottom layer; none if it is not a node.
    pub fn around(&self, slot: u32) -> &[u32] {
        match self.members.contains(slot) {
            true => self.neighbours(0, slot),
            false => &[],
        }
    }

    fn neighbours(&self, layer: usize, slot: u32) -> &[u32] {
        let list = if layer == 0 {
            self.bottom(slot)
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

    /// Replaces a node's neighbours on one of its layers.
    fn set_neighbours(&mut self, layer: usize, slot: u32, neighbours: &[u32]) {
        let width = self.width(layer);
        let (links, at) = match layer {
            0 => (&mut self.layer0, slot as usize),
            _ => {
                let layer = &mut self.upper[layer - 1];
                match layer.position.get(&slot) {
                    Some(&at) => (&mut layer.links, at as usize),
                    None => return,
                }
            }
        };
        let list = &mut links[at * width..][..width];
        list[..neighbours.len()].copy_from_slice(neighbours);
        list[neighbours.len()..].fill(NONE);
    }

    /// Moves nodes to other slots. `slot` returns the new slot of a node; no two nodes may have the
    /// same one.
    pub fn renumber(&self, slot: impl Fn(u32) -> u32) -> Self {
        let members: RoaringBitmap = self.members.iter().map(&slot).collect();
        let end = members.max().map_or(0, |last| last as usize + 1);
        let mut graph = Self {
            m: self.m,
            entry: slot(self.entry),
            layer0: vec![NONE; end * self.width(0)],
            upper: Vec::with_capacity(self.upper.len()),
            members,
        };
        for layer in &self.upper {
            let position = layer.position.iter().map(|(&s, &at)| (slot(s), at));
            graph.upper.push(Layer {
                position: position.collect(),
                links: vec![NONE; layer.links.len()],
            });
        }
        let mut list = Vec::new();
        for (layer, node) in self.nodes() {
            list.clear();
            list.extend(self.neighbours(layer, node).iter().map(|&n| slot(n)));
            graph.set_neighbours(layer, slot(node), &list);
        }
        graph
    }

    /// Whether enough live nodes are on the layer above the bottom one for searches to find their
    /// way: about one in `m` is, unless exactly those have been deleted.
    pub fn has_height(&self, alive: &RoaringBitmap) -> bool {
        let nodes = self.members.intersection_len(alive) as usize;
        let above = self.upper.first().map_or(0, |layer| {
            let on_layer = layer.position.keys();
            on_layer.filter(|&&slot| alive.contains(slot)).count()
        });
        4 * self.m * (above + 1) >= nodes
    }

    /// The nodes of a layer.
    fn layer(&self, layer: usize) -> Box<dyn Iterator<Item = u32> + '_> {
        match layer.checked_sub(1) {
            None => Box::new(self.members.iter()),
            Some(above) => Box::new(self.upper[above].position.keys().copied()),
        }
    }

    /// All nodes, each with every layer it is on.
    fn nodes(&self) -> impl Iterator<Item = (usize, u32)> {
        let layers = 0..=self.upper.len();
        layers.flat_map(|layer| self.layer(layer).map(move |slot| (layer, slot)))
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
