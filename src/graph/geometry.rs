//! How near two vectors are to each other, for the graph's links.

use roaring::RoaringBitmap;
use zeroize::DefaultIsZeroes;

use crate::vectors::{Basis, Metric, Vectors, distance_squared, dot_codes};

/// What rounding adds to the squared distance of two copies, beside their squared lengths;
/// far below what a unit of a code makes.
const ROUNDING: f64 = 1e-12;

/// What a distance needs besides the code.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CodeTerms {
    /// What a unit of the code is worth.
    scale: f64,
    /// The row's squared length, the extra coordinate included.
    square: f64,
    /// One more coordinate of the row, not in the code.
    extra: f64,
}

impl DefaultIsZeroes for CodeTerms {}

/// Rows that a geometry is measured on.
const SAMPLE: u64 = 1024;
/// How wide the logarithms of the lengths are beside the directions. Measured on eight kinds
/// of 3,000 rows: with 0.2, those around a common offset lose a tenth of their nearest; with
/// 1, those of heavy-tailed lengths do.
const LENGTHS: f64 = 0.5;
/// No difference of lengths that is only rounding counts.
const LARGEST_WEIGHT: f64 = 16.0;

/// How rows are laid out so that Euclidean distance makes neighbours of those that a walk
/// by the metric goes between: a graph that is built with a real distance is better connected
/// than one built with dot products.
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

    /// Writes the row at `slot` to `out`, as it is laid out: one more value than it has.
    pub(super) fn write_row(&self, vectors: &Vectors, slot: u32, out: &mut [f32]) {
        let norm = vectors.terms(slot).norm;
        let (scale, extra) = match self.metric {
            Metric::Cosine | Metric::DotProduct if norm > 0.0 => (1.0 / norm, self.extra(norm)),
            Metric::Cosine | Metric::DotProduct => (0.0, self.extra(norm)),
            Metric::Euclidean => (1.0, 0.0),
        };
        let values = vectors.row(slot).iter().map(|&x| f64::from(x) * scale);
        for (value, out) in values.chain([extra]).zip(out) {
            *out = value as f32;
        }
    }

    /// The extra coordinate of a row of this length.
    fn extra(&self, norm: f64) -> f64 {
        // A row of zeros has no logarithm: it is very short.
        self.weight * (norm.max(f64::MIN_POSITIVE).ln() - self.usual)
    }
}

/// Squared Euclidean distance of two codes with their terms.
pub(super) fn code_distance((a, of_a): (&[i8], &CodeTerms), (b, of_b): (&[i8], &CodeTerms)) -> f32 {
    let dot = f64::from(dot_codes(a, b));
    let product = dot * of_a.scale * of_b.scale + of_a.extra * of_b.extra;
    let squares = of_a.square + of_b.square;
    let distance = squares - 2.0 * product;
    // Copies are to be at no distance, which rounding could take from them.
    if distance <= squares * ROUNDING {
        return 0.0;
    }
    distance.min(f64::from(f32::MAX)) as f32
}

/// Squared Euclidean distance of two rows as `Geometry` lays them out.
pub(super) fn row_distance(a: &[f32], b: &[f32]) -> f32 {
    distance_squared(a, b).min(f64::from(f32::MAX)) as f32
}
