//! Bulk construction: hnsw_rs inserts codes on many threads, and the result is
//! flattened.

use hashbrown::HashMap;
use hnsw_rs::{
    hnsw::Point,
    prelude::{Distance, Hnsw},
};
use rayon::prelude::*;
use roaring::RoaringBitmap;

use super::{Graph, HnswParams, Layer, NONE, neighbours::select};
use crate::vectors::{Metric, Terms, dot_codes};

/// hnsw_rs distributes nodes over at most this many layers.
const MAX_LAYERS: usize = 16;

/// What rounding adds to the squared distance of two copies, beside their squared lengths;
/// far below what a unit of a code makes.
const ROUNDING: f64 = 1e-12;

/// What a distance needs besides the code, appended to each row's bytes: hnsw_rs shows
/// a distance nothing else.
///
/// | bytes | value |
/// | --- | --- |
/// | 0..8 | `scale`: what a unit of the code is worth |
/// | 8..16 | `square`: the row's squared length, the extra coordinate included |
/// | 16..24 | `extra`: one more coordinate of the row, not in the code |
pub(super) const TAIL: usize = 24;

/// How rows of a metric are laid out so that Euclidean distance orders them as the
/// metric does. hnsw_rs wants a distance that is never negative, and a graph built with
/// a real distance is better connected than one built with dot products.
#[derive(Debug, Clone, Copy)]
pub struct Geometry {
    metric: Metric,
    /// For the dot product: the squared length that every row is brought up to by its
    /// extra coordinate (Bachrach et al., "Speeding up the Xbox recommender system",
    /// RecSys 2014). Rows that are longer get none.
    square: f64,
}

impl Geometry {
    /// `longest` is the largest length among the rows.
    pub fn new(metric: Metric, longest: f64) -> Self {
        Self {
            metric,
            square: longest * longest,
        }
    }

    /// Writes the row for a code to `out`, which is as long as one.
    pub(super) fn write_row(&self, code: &[i8], terms: Terms, out: &mut [i8]) {
        let square = f64::from(dot_codes(code, code));
        let scale = f64::from(terms.scale);
        let (scale, square, extra) = match self.metric {
            Metric::Cosine if square > 0.0 => (1.0 / square.sqrt(), 1.0, 0.0),
            Metric::Cosine => (0.0, 1.0, 0.0),
            Metric::Euclidean => (scale, square * scale * scale, 0.0),
            Metric::DotProduct => {
                let square = square * scale * scale;
                let missing = (self.square - square).max(0.0);
                (scale, square + missing, missing.sqrt())
            }
        };
        let (row, tail) = out.split_at_mut(code.len());
        row.copy_from_slice(code);
        for (value, out) in [scale, square, extra].iter().zip(tail.chunks_exact_mut(8)) {
            out.copy_from_slice(&value.to_le_bytes().map(|byte| byte as i8));
        }
    }
}

/// Squared Euclidean distance of two rows as `Geometry` lays them out.
pub(super) struct RowDistance;

impl RowDistance {
    fn value(row: &[i8], at: usize) -> f64 {
        let mut bytes = [0; 8];
        for (byte, &part) in bytes.iter_mut().zip(&row[row.len() - TAIL + at..]) {
            *byte = part as u8;
        }
        f64::from_le_bytes(bytes)
    }
}

impl Distance<i8> for RowDistance {
    fn eval(&self, a: &[i8], b: &[i8]) -> f32 {
        let dot = dot_codes(&a[..a.len() - TAIL], &b[..b.len() - TAIL]);
        let product = f64::from(dot) * Self::value(a, 0) * Self::value(b, 0)
            + Self::value(a, 16) * Self::value(b, 16);
        let squares = Self::value(a, 8) + Self::value(b, 8);
        let distance = squares - 2.0 * product;
        // Copies are to be at no distance, which rounding could take from them.
        if distance <= squares * ROUNDING {
            return 0.0;
        }
        distance.min(f64::from(f32::MAX)) as f32
    }
}

/// A graph under construction. It copies the codes it is given, so nothing needs to be
/// locked while it works.
pub struct Builder {
    hnsw: Hnsw<'static, i8, RowDistance>,
    geometry: Geometry,
    params: HnswParams,
    members: RoaringBitmap,
    row_len: usize,
}

impl Builder {
    pub fn new(dimension: usize, geometry: Geometry, params: HnswParams, expected: usize) -> Self {
        // Lists that only hold what leads in different directions have room for the links
        // of later nodes; `flatten` fills them. Filled from the beginning, they are full
        // of near neighbours, and clusters come apart while the graph is built.
        let hnsw = Hnsw::new(
            params.m,
            expected,
            MAX_LAYERS,
            params.ef_construction,
            RowDistance,
        );
        Self {
            hnsw,
            geometry,
            params,
            members: RoaringBitmap::new(),
            row_len: dimension + TAIL,
        }
    }

    /// The slots inserted so far.
    pub fn members(&self) -> &RoaringBitmap {
        &self.members
    }

    /// A block of rows to insert, filled under the owner's lock and handed to `insert`.
    pub fn block(&self) -> Block {
        Block {
            geometry: self.geometry,
            rows: Vec::new(),
            slots: Vec::new(),
        }
    }

    /// Inserts a block on the threads of the current rayon pool.
    pub fn insert(&mut self, block: &Block) {
        let rows = block
            .rows
            .chunks_exact(self.row_len)
            .zip(block.slots.iter().map(|&slot| slot as usize))
            .collect();
        self.hnsw.parallel_insert_slice(&rows);
        self.members.extend(block.slots.iter());
    }

    /// The graph so far, in flat arrays, with all nodes within reach. `None` while it has
    /// no node. Works on the threads of the current rayon pool.
    pub fn flatten(&self) -> Option<Graph> {
        let m = self.params.m;
        let last = self.members.max()?;
        let mut links = Links {
            rows: vec![&[]; last as usize + 1],
            layers: Vec::new(),
        };
        let mut entry = (0, last);
        let points: Vec<_> = self.hnsw.get_point_indexation().into_iter().collect();
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

/// What hnsw_rs has made: the rows by slot, and who is linked to whom.
struct Links<'a> {
    rows: Vec<&'a [i8]>,
    layers: Vec<Lists>,
}

impl<'a> Links<'a> {
    /// Takes a node's links over, in both directions.
    ///
    /// Where a list is full, hnsw_rs drops its farthest entry, which may be the only way
    /// out of a cluster. The other end still has that link, and choosing again from both
    /// ends' links brings it back.
    fn add(&mut self, slot: u32, level: usize, point: &'a Point<'_, i8>) {
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

/// Codes on their way into a builder.
pub struct Block {
    geometry: Geometry,
    rows: Vec<i8>,
    slots: Vec<u32>,
}

impl Block {
    pub fn push(&mut self, slot: u32, code: &[i8], terms: Terms) {
        let at = self.rows.len();
        self.rows.resize(at + code.len() + TAIL, 0);
        self.geometry.write_row(code, terms, &mut self.rows[at..]);
        self.slots.push(slot);
    }

    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn clear(&mut self) {
        self.rows.clear();
        self.slots.clear();
    }
}
