//! Distances. Whatever the metric, a smaller distance is nearer:
//!
//! | metric | distance | score shown to callers |
//! | --- | --- | --- |
//! | cosine | minus the cosine | the cosine, -1 to 1 |
//! | dot product | minus the dot product | the dot product |
//! | Euclidean | the squared distance | 1 / (1 + distance), 0 to 1 |

use numkong::{Dot, Euclidean};

use super::{Estimate, codes::Terms};

/// How the similarity of two vectors is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    Cosine,
    Euclidean,
    DotProduct,
}

/// The dot product of two codes of equal length.
pub fn dot_codes(a: &[i8], b: &[i8]) -> i32 {
    i8::dot(a, b).unwrap_or(0)
}

fn dot_rows(a: &[f32], b: &[f32]) -> f64 {
    f32::dot(a, b).unwrap_or(0.0)
}

/// The squared Euclidean distance of two rows of equal length.
pub fn distance_squared(a: &[f32], b: &[f32]) -> f64 {
    f32::sqeuclidean(a, b).unwrap_or(f64::INFINITY)
}

impl Metric {
    /// The metric's name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Metric::Cosine => "cosine",
            Metric::Euclidean => "euclidean",
            Metric::DotProduct => "dot_product",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        [Metric::Cosine, Metric::Euclidean, Metric::DotProduct]
            .into_iter()
            .find(|metric| metric.name() == name)
    }

    /// The exact distance of two rows of equal length.
    pub(super) fn exact(self, query: &[f32], row: &[f32]) -> f64 {
        match self {
            Metric::DotProduct => -dot_rows(query, row),
            Metric::Euclidean => distance_squared(query, row),
            Metric::Cosine => {
                // Two roots rather than the root of a product, which could overflow.
                let norms = dot_rows(query, query).sqrt() * dot_rows(row, row).sqrt();
                if norms > 0.0 {
                    -dot_rows(query, row) / norms
                } else {
                    0.0
                }
            }
        }
    }

    /// The distance of two rows whose lengths are known: exact up to the rounding of those lengths.
    pub(super) fn by_row(
        self,
        query: &[f32],
        query_norm: f64,
        row: &[f32],
        row_norm: f64,
    ) -> Estimate {
        let norms = query_norm * row_norm;
        match self {
            // `exact` computes both lengths from the rows each time, which is twice the work.
            Metric::Cosine if norms > 0.0 => Estimate {
                distance: -dot_rows(query, row) / norms,
                // Sums of at most 65,535 products of f64, each off by at most 2^-53 of the total.
                error: 1e-10,
            },
            _ => Estimate {
                distance: self.exact(query, row),
                error: 0.0,
            },
        }
    }

    /// The distance by code, given `dot`, the dot product of the two codes.
    ///
    /// With a row `x = x̂ + e` and a query `q = q̂ + f` (code and residual),
    /// `q·x - q̂·x̂ = q·e + f·x̂`, so by Cauchy-Schwarz the error of the dot product is at most
    /// `|q||e| + |f|(|x| + |e|)`. The other metrics are derived from it by scaling.
    pub(super) fn estimate(self, query: &Terms, row: &Terms, dot: i32) -> Estimate {
        let product = f64::from(dot) * f64::from(query.scale) * f64::from(row.scale);
        let (lost, query_lost) = (f64::from(row.residual), f64::from(query.residual));
        let error = query.norm * lost + query_lost * (row.norm + lost);
        let (distance, error, size) = match self {
            Metric::DotProduct => (-product, error, query.norm * row.norm),
            Metric::Euclidean => {
                let norms = query.norm * query.norm + row.norm * row.norm;
                (norms - 2.0 * product, 2.0 * error, norms)
            }
            Metric::Cosine => {
                let norms = query.norm * row.norm;
                if norms > 0.0 {
                    (-product / norms, error / norms, 1.0)
                } else {
                    (0.0, 0.0, 1.0)
                }
            }
        };
        Estimate {
            distance,
            // In addition to the bound, the error of the arithmetic itself.
            error: error + size * 1e-7,
        }
    }

    /// The score shown to callers for a distance: higher is more similar.
    pub fn score(self, distance: f64) -> f64 {
        match self {
            Metric::Cosine => (-distance).clamp(-1.0, 1.0),
            // Not `-distance`: the dot product of orthogonal vectors is 0, not -0.
            Metric::DotProduct => 0.0 - distance,
            Metric::Euclidean => 1.0 / (1.0 + distance.max(0.0).sqrt()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_scores_by_its_formula() {
        let (q, r) = ([3.0, 4.0], [4.0, 3.0]);
        let score = |m: Metric| m.score(m.exact(&q, &r));
        assert!((score(Metric::Cosine) - 0.96).abs() < 1e-6);
        assert!((score(Metric::DotProduct) - 24.0).abs() < 1e-6);
        assert!((score(Metric::Euclidean) - 1.0 / (1.0 + 2f64.sqrt())).abs() < 1e-6);
    }

    #[test]
    fn a_vector_is_exactly_itself() {
        let q = [0.1, 0.7, -0.3];
        assert!((Metric::Cosine.score(Metric::Cosine.exact(&q, &q)) - 1.0).abs() < 1e-9);
        assert_eq!(
            Metric::Euclidean.score(Metric::Euclidean.exact(&q, &q)),
            1.0
        );
    }

    #[test]
    fn metrics_are_found_by_their_name_only() {
        assert_eq!(Metric::from_name("dot_product"), Some(Metric::DotProduct));
        assert_eq!(Metric::from_name("Cosine"), None);
    }
}
