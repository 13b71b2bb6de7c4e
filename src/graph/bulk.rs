//! Bulk construction: hnsw_rs inserts codes, or rows where codes are too coarse, on many
//! threads, and the result is flattened.

use hashbrown::HashMap;
use hnsw_rs::{
    hnsw::Point,
    prelude::{Distance, Hnsw},
};
use rayon::prelude::*;
use roaring::RoaringBitmap;

use super::{Graph, HnswParams, Layer, NONE, neighbours::select};
use crate::vectors::{Basis, Metric, Vectors, distance_squared, dot_codes};

/// hnsw_rs distributes nodes over at most this many layers.
const MAX_LAYERS: usize = 16;

/// What a distance needs besides the code, appended to each code's bytes: hnsw_rs shows
/// a distance nothing else. A row of f32 has its extra coordinate appended.
///
/// | bytes | value |
/// | --- | --- |
/// | 0..8 | `scale`: what a unit of the code is worth |
/// | 8..16 | `square`: the row's squared length, the extra coordinate included |
/// | 16..24 | `extra`: one more coordinate of the row, not in the code |
const TAIL: usize = 24;

/// Rows that a geometry is measured on.
const SAMPLE: u64 = 1024;
/// How wide the logarithms of the lengths are beside the directions. Measured on eight kinds
/// of 3,000 rows: with 0.2, those around a common offset lose a tenth of their nearest; with
/// 1, those of heavy-tailed lengths do.
const LENGTHS: f64 = 0.5;
/// No difference of lengths that is only rounding counts.
const LARGEST_WEIGHT: f64 = 16.0;

/// How rows are laid out so that Euclidean distance makes neighbours of those that a walk
/// by the metric goes between. hnsw_rs wants a distance that is never negative, and a graph
/// built with a real distance is better connected than one built with dot products.
#[derive(Debug, Clone, Copy)]
pub struct Geometry {
    metric: Metric,
    basis: Basis,
    /// For the dot product: the usual logarithm of a row's length, and what a difference of
    /// logarithms counts beside one of directions.
    usual: f64,
    weight: f64,
}

impl Geometry {
    /// For the graph of the rows at `alive`, measured on a sample of them.
    ///
    /// For the dot product, which is no distance, neighbours are rows of about the same
    /// direction and about the same length. A walk then climbs to the longer rows in the
    /// query's direction step by step. Bringing all rows to one length with an extra
    /// coordinate (Bachrach et al., "Speeding up the Xbox recommender system", RecSys 2014)
    /// keeps the order of dot products, but puts the longest rows, which are what is searched
    /// for, far from all others: where lengths differ, up to half of the nearest were lost.
    pub fn of(vectors: &Vectors, alive: &RoaringBitmap) -> Self {
        let mut geometry = Self {
            metric: vectors.metric(),
            basis: vectors.basis(),
            usual: 0.0,
            weight: 0.0,
        };
        if geometry.metric == Metric::DotProduct {
            geometry.measure(vectors, alive);
        }
        geometry
    }

    fn measure(&mut self, vectors: &Vectors, alive: &RoaringBitmap) {
        let every = alive.len().div_ceil(SAMPLE).max(1) as usize;
        let mut logarithms = Vec::new();
        let mut direction = vec![0.0; vectors.dimension()];
        for slot in alive.iter().step_by(every) {
            let norm = vectors.terms(slot).norm;
            if norm > 0.0 {
                logarithms.push(norm.ln());
                for (sum, &x) in direction.iter_mut().zip(vectors.row(slot)) {
                    *sum += f64::from(x) / norm;
                }
            }
        }
        if logarithms.is_empty() {
            return;
        }
        let count = logarithms.len() as f64;
        self.usual = logarithms.iter().sum::<f64>() / count;
        let square = |x: f64| x * x;
        let spread = logarithms.iter().map(|&x| square(x - self.usual));
        let spread = (spread.sum::<f64>() / count).sqrt();
        // The variance of unit rows is what their mean lacks of a unit's length.
        let mean = direction.iter().map(|&sum| square(sum / count));
        let directions = (1.0 - mean.sum::<f64>()).max(0.0).sqrt();
        self.weight = (LENGTHS * directions / spread).min(LARGEST_WEIGHT);
    }

    /// Appends the code at `slot` to `out`, as it is laid out.
    fn push_code(&self, vectors: &Vectors, slot: u32, out: &mut Vec<i8>) {
        let code = vectors.code(slot);
        let square = f64::from(dot_codes(code, code));
        let scale = f64::from(vectors.terms(slot).scale);
        let (scale, square, extra) = match self.metric {
            Metric::Euclidean => (scale, square * scale * scale, 0.0),
            Metric::Cosine | Metric::DotProduct => {
                let extra = self.extra(vectors.terms(slot).norm);
                match square > 0.0 {
                    true => (1.0 / square.sqrt(), 1.0 + extra * extra, extra),
                    false => (0.0, 1.0 + extra * extra, extra),
                }
            }
        };
        out.extend_from_slice(code);
        for value in [scale, square, extra] {
            out.extend(value.to_le_bytes().map(|byte| byte as i8));
        }
    }

    /// Appends the row at `slot` to `out`, as it is laid out.
    fn push_row(&self, vectors: &Vectors, slot: u32, out: &mut Vec<f32>) {
        let norm = vectors.terms(slot).norm;
        let (scale, extra) = match self.metric {
            Metric::Cosine | Metric::DotProduct if norm > 0.0 => (1.0 / norm, self.extra(norm)),
            Metric::Cosine | Metric::DotProduct => (0.0, self.extra(norm)),
            Metric::Euclidean => (1.0, 0.0),
        };
        let row = vectors.row(slot).iter();
        out.extend(row.map(|&x| (f64::from(x) * scale) as f32));
        out.push(extra as f32);
    }

    /// The extra coordinate of a row of this length.
    fn extra(&self, norm: f64) -> f64 {
        // A row of zeros has no logarithm: it is very short.
        self.weight * (norm.max(f64::MIN_POSITIVE).ln() - self.usual)
    }
}

/// Squared Euclidean distance of two rows as `Geometry` lays them out.
struct RowDistance;

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
        let distance = Self::value(a, 8) + Self::value(b, 8) - 2.0 * product;
        // Rounding can take it a little below zero, and huge rows beyond f32.
        distance.clamp(0.0, f64::from(f32::MAX)) as f32
    }
}

impl Distance<f32> for RowDistance {
    fn eval(&self, a: &[f32], b: &[f32]) -> f32 {
        distance_squared(a, b).min(f64::from(f32::MAX)) as f32
    }
}

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
        let hnsw = match geometry.basis {
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
        match self.geometry.basis {
            Basis::Codes => self.geometry.push_code(vectors, slot, &mut self.codes),
            Basis::Rows => self.geometry.push_row(vectors, slot, &mut self.rows),
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
