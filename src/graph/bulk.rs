//! Bulk construction: hnsw_rs inserts codes, or rows where codes are too coarse, on many
//! threads, and the result is flattened.

use hashbrown::HashMap;
use hnsw_rs::{
    hnsw::Point,
    prelude::{Distance, Hnsw},
};
use rayon::prelude::*;
use roaring::RoaringBitmap;

use super::{
    Graph, HnswParams, Layer, NONE,
    geometry::{Geometry, RowDistance, TAIL},
    neighbours::select,
};
use crate::vectors::{Basis, Vectors};

/// hnsw_rs distributes nodes over at most this many layers.
const MAX_LAYERS: usize = 16;

/// A graph under construction. It copies the codes or rows it is given, so nothing needs
/// to be locked while it works.
pub struct Builder {
    hnsw: Construction,
    geometry: Geometry,
    params: HnswParams,
    members: RoaringBitmap,
    dimension: usize,
}

enum Construction {
    Codes(Hnsw<'static, i8, RowDistance>),
    Rows(Hnsw<'static, f32, RowDistance>),
}

impl Builder {
    pub fn new(dimension: usize, geometry: Geometry, params: HnswParams, expected: usize) -> Self {
        // Lists that only hold what leads in different directions have room for the links
        // of later nodes; `flatten` fills them. Filled from the beginning, they are full
        // of near neighbours, and clusters come apart while the graph is built.
        let (m, ef) = (params.m, params.ef_construction);
        let hnsw = match geometry.basis() {
            Basis::Codes => {
                Construction::Codes(Hnsw::new(m, expected, MAX_LAYERS, ef, RowDistance))
            }
            Basis::Rows => Construction::Rows(Hnsw::new(m, expected, MAX_LAYERS, ef, RowDistance)),
        };
        Self {
            hnsw,
            geometry,
            params,
            members: RoaringBitmap::new(),
            dimension,
        }
    }

    /// The slots inserted so far.
    pub fn members(&self) -> &RoaringBitmap {
        &self.members
    }

    /// A block of vectors to insert, filled under the owner's lock and handed to `insert`.
    pub fn block(&self) -> Block {
        Block {
            geometry: self.geometry,
            codes: Vec::new(),
            rows: Vec::new(),
            slots: Vec::new(),
        }
    }

    /// Inserts a block on the threads of the current rayon pool.
    pub fn insert(&mut self, block: &Block) {
        let slots = block.slots.iter().map(|&slot| slot as usize);
        match &self.hnsw {
            Construction::Codes(hnsw) => {
                let codes = block.codes.chunks_exact(self.dimension + TAIL);
                hnsw.parallel_insert_slice(&codes.zip(slots).collect());
            }
            Construction::Rows(hnsw) => {
                let rows = block.rows.chunks_exact(self.dimension + 1);
                hnsw.parallel_insert_slice(&rows.zip(slots).collect());
            }
        }
        self.members.extend(block.slots.iter());
    }

    /// The graph so far, in flat arrays, with all nodes within reach. `None` while it has
    /// no node. Works on the threads of the current rayon pool.
    pub fn flatten(&self) -> Option<Graph> {
        match &self.hnsw {
            Construction::Codes(hnsw) => self.flatten_from(hnsw),
            Construction::Rows(hnsw) => self.flatten_from(hnsw),
        }
    }

    fn flatten_from<T: Value>(&self, hnsw: &Hnsw<'static, T, RowDistance>) -> Option<Graph>
    where
        RowDistance: Distance<T>,
    {
        let m = self.params.m;
        let last = self.members.max()?;
        let mut links = Links {
            rows: vec![&[]; last as usize + 1],
            layers: Vec::new(),
        };
        let mut entry = (0, last);
        let points: Vec<_> = hnsw.get_point_indexation().into_iter().collect();
        for point in &points {
            let slot = point.get_origin_id() as u32;
            let level = usize::from(point.get_point_id().0);
            if level > entry.0 {
                entry = (level, slot);
            }
            links.add(slot, level, point);
        }
        let mut layers = links.layers.iter().enumerate().map(|(layer, lists)| {
            let width = if layer == 0 { 2 * m } else { m };
            (width, links.chosen(lists, width))
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
        graph.connect(|a, b| f64::from(links.distance(a, b)));
        Some(graph)
    }
}

/// The lists of neighbours of one layer.
type Lists = HashMap<u32, Vec<u32>>;

/// What codes and rows consist of.
trait Value: Clone + Send + Sync + 'static {}
impl Value for i8 {}
impl Value for f32 {}

/// What hnsw_rs has made: the codes or rows by slot, and who is linked to whom.
struct Links<'a, T> {
    rows: Vec<&'a [T]>,
    layers: Vec<Lists>,
}

impl<'a, T: Value> Links<'a, T>
where
    RowDistance: Distance<T>,
{
    /// Takes a node's links over, in both directions.
    ///
    /// Where a list is full, hnsw_rs drops its farthest entry, which may be the only way
    /// out of a cluster. The other end still has that link, and choosing again from both
    /// ends' links brings it back.
    fn add(&mut self, slot: u32, level: usize, point: &'a Point<'_, T>) {
        self.rows[slot as usize] = point.get_v();
        if self.layers.len() <= level {
            self.layers.resize_with(level + 1, Lists::default);
        }
        // hnsw_rs keeps notes for layers above the node's own: not neighbours.
        for (lists, found) in self.layers[..=level]
            .iter_mut()
            .zip(point.get_neighborhood_id())
        {
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

    fn distance(&self, a: u32, b: u32) -> f32 {
        RowDistance.eval(self.rows[a as usize], self.rows[b as usize])
    }

    /// Each node's best `width` neighbours, in the order of the slots.
    fn chosen(&self, lists: &Lists, width: usize) -> Vec<(u32, Vec<u32>)> {
        let choose = |(&slot, list): (&u32, &Vec<u32>)| {
            let mut candidates: Vec<(f32, u32)> = list
                .iter()
                .map(|&other| (self.distance(slot, other), other))
                .collect();
            candidates.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            candidates.dedup();
            let list = select(&candidates, width, |a, b| self.distance(a, b));
            (slot, list)
        };
        let mut chosen: Vec<_> = lists.par_iter().map(choose).collect();
        chosen.par_sort_unstable_by_key(|node| node.0);
        chosen
    }
}

/// Codes or rows on their way into a builder.
pub struct Block {
    geometry: Geometry,
    codes: Vec<i8>,
    rows: Vec<f32>,
    slots: Vec<u32>,
}

impl Block {
    /// Copies the code or row at `slot`.
    pub fn push(&mut self, vectors: &Vectors, slot: u32) {
        match self.geometry.basis() {
            Basis::Codes => {
                let at = self.codes.len();
                self.codes.resize(at + vectors.dimension() + TAIL, 0);
                self.geometry
                    .write_code(vectors, slot, &mut self.codes[at..]);
            }
            Basis::Rows => {
                let at = self.rows.len();
                self.rows.resize(at + vectors.dimension() + 1, 0.0);
                self.geometry.write_row(vectors, slot, &mut self.rows[at..]);
            }
        }
        self.slots.push(slot);
    }

    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn clear(&mut self) {
        self.codes.clear();
        self.rows.clear();
        self.slots.clear();
    }
}
