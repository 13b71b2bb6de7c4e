//! Decides whether a collection's codes are precise enough for walks.
//!
//! A code has 8 bits for the range from a row's largest coordinate to zero. Rows with a large
//! common offset, with one coordinate that is much wider than the others, or that are almost copies
//! of each other leave too few of these bits for what distinguishes neighbours. No property of
//! single rows shows this: what counts is the error relative to the distance of the neighbours. So
//! it is measured: for some of the rows, are their nearest neighbours in a sample also near by
//! code?
//!
//! With 32 queries and 2,048 rows this takes 65,536 distances of either kind: about 10 ms with 384
//! dimensions on two busy cores, once per graph, which takes minutes to build from 100,000 rows and
//! half a second from 2,000.

use roaring::RoaringBitmap;

use super::{Basis, Query, Vectors};

/// Rows whose neighbours are checked.
const QUERIES: usize = 32;
/// Rows among which the neighbours are searched.
const SAMPLE: usize = 2048;
/// Rows checked in one batch: well under a millisecond.
const BATCH: usize = 32;
/// How many nearest neighbours by row are searched for.
const NEAREST: usize = 10;
/// Among how many nearest by code they must be. A walk keeps more (`ef_search`), but a collection
/// larger than the sample has nearer neighbours.
const KEPT: usize = 20;
/// The fraction of them that must be found.
const ENOUGH: f64 = 0.99;

/// The measurement, done in batches.
pub struct Probe {
    sample: Vec<u32>,
    next: usize,
    queries: Vec<ProbedRow>,
}

/// A row whose neighbours are checked.
struct ProbedRow {
    slot: u32,
    query: Query,
    /// The distances to the rows of the sample: by code, and by row.
    found: Vec<(f64, f64)>,
}

impl Probe {
    /// Chooses the sample from `alive`: evenly spread, at irregular intervals, and the same every
    /// time. `row` returns the row at a slot, unless it cannot be read.
    pub fn new<R: AsRef<[f32]>>(alive: &RoaringBitmap, row: impl Fn(u32) -> Option<R>) -> Self {
        let live = alive.len();
        let count = live.min(SAMPLE as u64);
        let slot = |i: u64| {
            let (from, to) = (i * live / count, (i + 1) * live / count);
            // Fibonacci hashing, so that the sample does not follow any periodicity of the rows.
            let at = from + (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) % (to - from);
            alive.select(at as u32)
        };
        let sample: Vec<u32> = (0..count).filter_map(slot).collect();
        let each = sample.len().div_ceil(QUERIES).max(1);
        let queries = sample.iter().step_by(each).filter_map(|&slot| {
            Some(ProbedRow {
                slot,
                query: Query::new(row(slot)?.as_ref().to_vec()),
                found: Vec::with_capacity(sample.len()),
            })
        });
        Self {
            next: 0,
            queries: queries.collect(),
            sample,
        }
    }

    /// Checks some more rows, skipping those no longer `alive`. False if there are none left.
    pub fn look<R: AsRef<[f32]>>(
        &mut self,
        vectors: &Vectors,
        alive: &RoaringBitmap,
        row: impl Fn(u32) -> Option<R>,
    ) -> bool {
        let end = (self.next + BATCH).min(self.sample.len());
        for &slot in &self.sample[self.next..end] {
            if !alive.contains(slot) {
                continue;
            }
            let Some(row) = row(slot) else {
                continue;
            };
            for asked in self.queries.iter_mut().filter(|asked| asked.slot != slot) {
                let by_code = vectors.estimate(&asked.query, slot).distance;
                let by_row = vectors.by_row(&asked.query, slot, row.as_ref()).distance;
                asked.found.push((by_code, by_row));
            }
        }
        self.next = end;
        end < self.sample.len()
    }

    /// What walks should use, according to the measurement.
    pub fn basis(mut self) -> Basis {
        let (mut hits, mut wanted) = (0, 0);
        for ProbedRow { found, .. } in &mut self.queries {
            if found.len() <= KEPT {
                continue;
            }
            let (_, &mut (_, farthest), _) =
                found.select_nth_unstable_by(NEAREST - 1, |a, b| a.1.total_cmp(&b.1));
            found.select_nth_unstable_by(KEPT - 1, |a, b| a.0.total_cmp(&b.0));
            // Several rows may tie for tenth place; any of them will do.
            let near = found[..KEPT].iter().filter(|(_, row)| *row <= farthest);
            hits += near.count().min(NEAREST);
            wanted += NEAREST;
        }
        if (hits as f64) < ENOUGH * wanted as f64 {
            Basis::Rows
        } else {
            Basis::Codes
        }
    }
}
