//! The distance between vectors that decides which nodes are linked.

use roaring::RoaringBitmap;
use zeroize::DefaultIsZeroes;

use crate::{
    vectors::{Basis, Metric, Vectors, distance_squared, dot_codes},
    wiped::Wiped,
};

/// Rounding error in the squared distance of two copies, relative to their squared lengths; far
/// below the effect of one unit of a code.
const ROUNDING: f64 = 1e-12;

/// What a distance needs besides the code.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CodeTerms {
    /// The value of one unit of the code.
    scale: f64,
    /// The row's squared length, including the extra coordinate.
    square: f64,
    /// An additional coordinate of the row, which is not in the code.
    extra: f64,
}

impl DefaultIsZeroes for CodeTerms {}

/// The number of rows a geometry is measured on.
const SAMPLE: u64 = 1024;
/// The spread of the logarithms of lengths relative to that of the directions. Measured on eight
/// kinds of 3,000 rows: with 0.2, rows around a common offset lose a tenth of their nearest
/// neighbours; with 1, rows with heavy-tailed lengths do.
const LENGTHS: f64 = 0.5;
/// An upper limit on the weight, so that differences in length that are only rounding do not count.
const LARGEST_WEIGHT: f64 = 16.0;

/// Maps rows to a space in which Euclidean distance makes neighbours of rows that a walk by the
/// metric passes between. A graph built with a true distance is better connected than one built
/// with dot products.
#[derive(Debug, Clone, Copy)]
pub struct Geometry {
    metric: Metric,
    basis: Basis,
    /// For the dot product: the mean logarithm of a row's length, and the weight of a difference in
    /// logarithms relative to one in direction.
    usual: f64,
    weight: f64,
}

impl Geometry {
    /// The geometry for a graph of the rows at `alive`, measured on a sample of them.
    ///
    /// For the dot product, which is not a distance, neighbours are rows of similar direction and
    /// similar length. A walk then climbs step by step to the longer rows in the query's direction.
    /// Extending all rows to the same length with an extra coordinate (Bachrach et al., "Speeding
    /// up the Xbox recommender system", RecSys 2014) preserves the order of dot products, but moves
    /// the longest rows, which are the ones searches look for, far away from all others: where
    /// lengths differ, up to half of the nearest neighbours were lost.
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

    pub(super) fn basis(&self) -> Basis {
        self.basis
    }

    fn measure(&mut self, vectors: &Vectors, alive: &RoaringBitmap) {
        let every = alive.len().div_ceil(SAMPLE).max(1) as usize;
        let mut logarithms = Vec::new();
        let mut direction = vec![0.0; vectors.dimension()];
        for slot in alive.iter().step_by(every) {
            let norm = vectors.terms(slot).norm;
            if norm > 0.0 {
                logarithms.push(norm.ln());
                let mut add = |unit: f64, values: &mut dyn Iterator<Item = f64>| {
                    for (sum, x) in direction.iter_mut().zip(values) {
                        *sum += x * unit;
                    }
                };
                // Where codes would be too coarse for this, rows are in memory.
                match vectors.row(slot) {
                    Some(row) => add(1.0 / norm, &mut row.iter().map(|&x| x.into())),
                    None => {
                        let unit = f64::from(vectors.terms(slot).scale) / norm;
                        add(unit, &mut vectors.code(slot).iter().map(|&x| x.into()));
                    }
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
        // The variance of unit rows is 1 minus the squared length of their mean.
        let mean = direction.iter().map(|&sum| square(sum / count));
        let directions = (1.0 - mean.sum::<f64>()).max(0.0).sqrt();
        self.weight = (LENGTHS * directions / spread).min(LARGEST_WEIGHT);
    }

    /// What distances need besides the code at `slot`.
    pub(super) fn code_terms(&self, vectors: &Vectors, slot: u32) -> CodeTerms {
        let code = vectors.code(slot);
        let square = f64::from(dot_codes(code, code));
        let terms = vectors.terms(slot);
        let scale = f64::from(terms.scale);
        if self.metric == Metric::Euclidean {
            return CodeTerms {
                scale,
                square: square * scale * scale,
                extra: 0.0,
            };
        }
        let extra = self.extra(terms.norm);
        CodeTerms {
            scale: if square > 0.0 {
                1.0 / square.sqrt()
            } else {
                0.0
            },
            square: 1.0 + extra * extra,
            extra,
        }
    }

    /// The distance between the vectors at two slots; never negative.
    pub fn distance(&self, vectors: &Vectors, a: u32, b: u32) -> f32 {
        match self.basis {
            Basis::Codes => {
                let (of_a, of_b) = (self.code_terms(vectors, a), self.code_terms(vectors, b));
                code_distance((vectors.code(a), &of_a), (vectors.code(b), &of_b))
            }
            Basis::Rows => {
                let row = |slot| {
                    let mut row =
                        Wiped::from(vec![0.0; vectors.dimension() + 1].into_boxed_slice());
                    self.write_row(vectors, slot, &mut row);
                    row
                };
                row_distance(&row(a), &row(b))
            }
        }
    }

    /// Writes the mapped row at `slot` to `out`: one value more than the row has.
    pub(super) fn write_row(&self, vectors: &Vectors, slot: u32, out: &mut [f32]) {
        let norm = vectors.terms(slot).norm;
        let (scale, extra) = match self.metric {
            Metric::Cosine | Metric::DotProduct if norm > 0.0 => (1.0 / norm, self.extra(norm)),
            Metric::Cosine | Metric::DotProduct => (0.0, self.extra(norm)),
            Metric::Euclidean => (1.0, 0.0),
        };
        let row = vectors.row(slot).unwrap_or_default();
        let values = row.iter().map(|&x| f64::from(x) * scale);
        for (value, out) in values.chain([extra]).zip(out) {
            *out = value as f32;
        }
    }

    /// The extra coordinate of a row of this length.
    fn extra(&self, norm: f64) -> f64 {
        // A row of zeros has no logarithm; it counts as very short.
        self.weight * (norm.max(f64::MIN_POSITIVE).ln() - self.usual)
    }
}

/// Squared Euclidean distance of two codes with their terms.
pub(super) fn code_distance((a, of_a): (&[i8], &CodeTerms), (b, of_b): (&[i8], &CodeTerms)) -> f32 {
    let dot = f64::from(dot_codes(a, b));
    let product = dot * of_a.scale * of_b.scale + of_a.extra * of_b.extra;
    let squares = of_a.square + of_b.square;
    let distance = squares - 2.0 * product;
    // Copies must be at distance 0, which rounding could otherwise prevent.
    if distance <= squares * ROUNDING {
        return 0.0;
    }
    distance.min(f64::from(f32::MAX)) as f32
}

/// Squared Euclidean distance of two rows mapped by `Geometry`.
pub(super) fn row_distance(a: &[f32], b: &[f32]) -> f32 {
    distance_squared(a, b).min(f64::from(f32::MAX)) as f32
}
