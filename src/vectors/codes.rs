//! Scalar quantisation to int8, with one scale per row.
//!
//! A single scale for all rows would be simpler, but loses the order of neighbours as soon as the
//! rows' lengths differ; a scale from the row's own largest magnitude always fits.

use crate::wiped::Wiped;

/// What is needed to convert a code back to distances.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Terms {
    /// The Euclidean length of the f32 row.
    pub norm: f64,
    /// The length of the quantisation error: `|row - scale * code|`, rounded up.
    pub residual: f32,
    /// The value of one unit of the code.
    pub scale: f32,
}

impl Terms {
    /// Whether a row can have these terms.
    pub fn is_possible(&self) -> bool {
        let is_length = |value: f64| value.is_finite() && value >= 0.0;
        is_length(self.norm) && is_length(self.residual.into()) && is_length(self.scale.into())
    }
}

/// The codes of many rows, concatenated; computed before a lock is taken.
pub struct Codes {
    dimension: usize,
    codes: Wiped<[i8]>,
    terms: Vec<Terms>,
}

impl Codes {
    /// Encodes `rows`, a whole number of rows of `dimension` values.
    pub fn of(rows: &[f32], dimension: usize) -> Self {
        let mut codes = Wiped::from(vec![0; rows.len()].into_boxed_slice());
        let terms = rows
            .chunks_exact(dimension)
            .zip(codes.chunks_exact_mut(dimension))
            .map(|(row, code)| encode_into(row, code))
            .collect();
        Self {
            dimension,
            codes,
            terms,
        }
    }

    pub fn get(&self, row: usize) -> (&[i8], Terms) {
        let at = row * self.dimension;
        (&self.codes[at..at + self.dimension], self.terms[row])
    }
}

/// Adding this to a small float leaves its nearest integer in the low bits; unlike `round`, it
/// compiles to vector instructions on every target.
const ROUND: f32 = 12_582_912.0;

/// Writes the code of `row` and returns its terms. `row` must be finite.
pub(super) fn encode_into(row: &[f32], code: &mut [i8]) -> Terms {
    let largest = row.iter().fold(0.0f32, |m, &x| m.max(x.abs()));
    let scale = largest / 127.0;
    // A row of subnormal values has no usable scale: its code is zero and its residual is the whole
    // row, so its exact distance is always computed.
    let inverse = 1.0 / scale;
    let scale = if inverse.is_finite() { scale } else { 0.0 };
    let inverse = if scale > 0.0 { inverse } else { 0.0 };
    let mut norm = [0.0f64; 8];
    let mut lost = [0.0f64; 8];
    for (row, code) in row.chunks(8).zip(code.chunks_mut(8)) {
        for (i, (&x, c)) in row.iter().zip(code).enumerate() {
            *c =
                ((x * inverse + ROUND).to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32) as i8;
            let x = f64::from(x);
            let rest = x - f64::from(scale) * f64::from(*c);
            norm[i] += x * x;
            lost[i] += rest * rest;
        }
    }
    Terms {
        norm: norm.iter().sum::<f64>().sqrt(),
        residual: ((lost.iter().sum::<f64>().sqrt() * (1.0 + 1e-6)) as f32).min(f32::MAX),
        scale,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_value_takes_the_largest_code_and_the_rest_round_to_nearest() {
        let mut code = [0; 4];
        let terms = encode_into(&[2.54, -2.54, 0.029, -0.0101], &mut code);
        assert_eq!(code, [127, -127, 1, -1]);
        assert!((terms.scale - 0.02).abs() < 1e-6);
    }

    #[test]
    fn a_row_without_a_usable_scale_is_all_residual() {
        let mut code = [1; 3];
        let terms = encode_into(&[1e-44, 0.0, -1e-44], &mut code);
        assert_eq!(code, [0; 3]);
        assert_eq!(terms.scale, 0.0);
        assert!(f64::from(terms.residual) >= terms.norm * 0.99);
        assert_eq!(encode_into(&[0.0; 3], &mut code), Terms::default());
    }
}
