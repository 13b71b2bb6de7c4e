//! The vectors of one collection: their f32 rows, the int8 codes of those rows, and distances on
//! both. A collection on disk need not have its rows in memory.
//!
//! A vector is addressed by its *slot*, a `u32`. The f32 row is authoritative and gives every score
//! that a caller sees. The code is a quarter of its size; scans and walks read codes and select the
//! few rows worth an exact computation. Each code comes with the length of its quantisation error,
//! so a distance by code has an error bound, and a scan can prove that it has missed nothing.
//!
//! If the codes are too coarse for the rows of a collection (`probe.rs`), rows are used instead:
//! `approximate` uses whichever is suitable.

mod borrowed_codes;
mod codes;
mod distance;
mod order;
mod prefetch;
mod probe;
mod slots;

pub use codes::{Codes, Terms};
pub use distance::{Metric, distance_squared, dot_codes};
pub use prefetch::prefetch;
pub use probe::Probe;
pub use slots::{Record, Slots, Text, Times};

use roaring::RoaringBitmap;

use crate::{chunks::Chunks, wiped::Wiped};
use borrowed_codes::BorrowedCodes;
use codes::encode_into;

/// A distance by code, and how far the exact one may be from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    pub distance: f64,
    pub error: f64,
}

impl Estimate {
    /// A lower bound on the exact distance.
    pub fn lower(&self) -> f64 {
        self.distance - self.error
    }

    /// An upper bound on the exact distance.
    pub fn upper(&self) -> f64 {
        self.distance + self.error
    }
}

/// How many standard deviations the error of a distance by code is taken to be at most, where it
/// need not be proved.
const DEVIATIONS: f64 = 6.0;

impl Estimate {
    /// The same with an error that is almost never exceeded, in place of a bound. The bound is
    /// reached if a row is rounded exactly along the query. But the errors of its values are
    /// independent, so that their direction is random, and the cosine of a random direction and a
    /// given one has the variance `1 / dimension`.
    pub fn likely(self, dimension: usize) -> Self {
        let share = DEVIATIONS / (dimension as f64).sqrt();
        Self {
            error: self.error * share.min(1.0),
            ..self
        }
    }
}

/// What distances are computed from while searching for candidates. Candidates are always ranked by
/// their rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Basis {
    /// The int8 codes: a quarter of the bytes to read.
    #[default]
    Codes,
    /// The f32 rows, if the codes are too coarse.
    Rows,
}

/// A query vector, with its own code.
pub struct Query {
    row: Wiped<[f32]>,
    code: Wiped<[i8]>,
    terms: Terms,
}

impl Query {
    pub fn new(row: Vec<f32>) -> Self {
        let row = Wiped::from(row.into_boxed_slice());
        let mut code = Wiped::from(vec![0; row.len()].into_boxed_slice());
        let terms = encode_into(&row, &mut code);
        Self { row, code, terms }
    }
}

/// Which rows are in memory.
enum Held {
    All,
    None,
    /// Those at these slots: the others are being loaded.
    Some(RoaringBitmap),
}

/// Rows and codes by slot.
pub struct Vectors {
    dimension: usize,
    metric: Metric,
    basis: Basis,
    rows: Chunks<f32>,
    held: Held,
    codes: Chunks<i8>,
    terms: Vec<Terms>,
    borrowed: BorrowedCodes,
}

impl Vectors {
    pub fn new(dimension: usize, metric: Metric) -> Self {
        Self {
            dimension,
            metric,
            basis: Basis::default(),
            rows: Chunks::new(dimension),
            held: Held::All,
            codes: Chunks::new(dimension),
            terms: Vec::new(),
            borrowed: BorrowedCodes::default(),
        }
    }

    pub fn dimension(&self) -> usize {
        self.dimension
    }

    pub fn metric(&self) -> Metric {
        self.metric
    }

    /// What `approximate` uses.
    pub fn basis(&self) -> Basis {
        self.basis
    }

    pub fn set_basis(&mut self, basis: Basis) {
        self.basis = basis;
    }

    /// Whether all rows are in memory.
    pub fn holds_rows(&self) -> bool {
        matches!(self.held, Held::All)
    }

    /// Drops the rows, which from now on are not in memory. They must be on disk.
    pub fn release_rows(&mut self) {
        self.rows.truncate(0);
        self.held = Held::None;
        self.basis = Basis::Codes;
    }

    /// The rows of `slots` that are not in memory. New rows are held from now on; `hold` adds the
    /// others.
    pub fn missing_rows(&mut self, slots: &RoaringBitmap) -> RoaringBitmap {
        if let Held::None = self.held {
            self.held = Held::Some(RoaringBitmap::new());
        }
        match &self.held {
            Held::Some(held) => slots - held,
            _ => RoaringBitmap::new(),
        }
    }

    /// Adds a row that was missing.
    pub fn hold(&mut self, slot: u32, row: &[f32]) {
        self.rows.room(slot).copy_from_slice(row);
        if let Held::Some(held) = &mut self.held {
            held.insert(slot);
        }
    }

    /// Records that no row is missing any more.
    pub fn hold_all(&mut self) {
        self.held = Held::All;
    }

    /// Stores a row, if rows are held, and its code at `slot`, growing the chunks as needed.
    pub fn put(&mut self, slot: u32, row: &[f32], code: &[i8], terms: Terms) {
        if !matches!(self.held, Held::None) {
            self.hold(slot, row);
        }
        self.put_code(slot, code, terms);
    }

    fn put_code(&mut self, slot: u32, code: &[i8], terms: Terms) {
        self.codes.room(slot).copy_from_slice(code);
        if self.terms.len() <= slot as usize {
            self.terms.resize(slot as usize + 1, Terms::default());
        }
        self.terms[slot as usize] = terms;
    }

    /// Reserves memory for the terms of that many more vectors.
    pub fn reserve(&mut self, count: usize) {
        self.terms.reserve_exact(count);
    }

    /// Makes room for the codes of that many slots; new ones are zero.
    pub fn grow(&mut self, slots: usize) {
        if self.terms.len() < slots {
            self.codes.room(slots as u32 - 1);
            self.terms.resize(slots, Terms::default());
        }
    }

    /// Zeroes the exact row: the step that makes a delete final.
    pub fn erase_row(&mut self, slot: u32) {
        self.rows.erase(slot);
        if let Held::Some(held) = &mut self.held {
            held.remove(slot);
        }
    }

    /// Zeroes the code. The slot may be reused afterwards.
    pub fn erase_code(&mut self, slot: u32) {
        self.borrowed.give_back(slot);
        self.codes.erase(slot);
        self.terms[slot as usize] = Terms::default();
    }

    /// Stores the code of a live `donor` in a slot that the graph still leads through.
    pub fn borrow_code(&mut self, donor: u32, slot: u32) {
        self.codes.copy(donor, slot);
        self.terms[slot as usize] = self.terms[donor as usize];
        self.borrowed.borrow(donor, slot, self.terms.len());
    }

    /// Returns the slots that hold the code of this one, which is about to be erased. They need
    /// another code.
    pub fn recall_code(&mut self, slot: u32) -> Vec<u32> {
        self.borrowed.recall(slot)
    }

    /// Whether a slot that is not alive contains nothing of the deleted vector.
    pub fn is_erased(&self, slot: u32, is_alive: impl Fn(u32) -> bool) -> bool {
        let no_row = self
            .row(slot)
            .is_none_or(|row| row.iter().all(|x| x.to_bits() == 0));
        no_row
            && match self.borrowed.donor(slot, is_alive) {
                Some(donor) => self.code(slot) == self.code(donor),
                None => self.code(slot).iter().all(|&x| x == 0),
            }
    }

    /// Moves the vector at `from` to `to`, a slot that has been used before, and zeroes `from`.
    pub fn relocate(&mut self, from: u32, to: u32) {
        let row = self.row(from).map(Wiped::from);
        let code = Wiped::from(self.code(from));
        self.put_code(to, &code, self.terms(from));
        if let Some(row) = row {
            self.hold(to, &row);
        }
        self.borrowed.relocate(from, to);
        self.erase_row(from);
        self.erase_code(from);
    }

    /// Frees the memory of all slots from `len` onwards.
    pub fn truncate(&mut self, len: usize) {
        self.rows.truncate(len);
        self.codes.truncate(len);
        self.terms.truncate(len);
        self.terms.shrink_to(len);
        self.borrowed.truncate(len);
    }

    /// The row at `slot`, if it is in memory.
    pub fn row(&self, slot: u32) -> Option<&[f32]> {
        match &self.held {
            Held::All => {}
            Held::Some(held) if held.contains(slot) => {}
            _ => return None,
        }
        self.rows.get(slot)
    }

    pub fn code(&self, slot: u32) -> &[i8] {
        self.codes.get(slot).unwrap_or_default()
    }

    /// Shares the codes of the chunk that has this slot.
    pub fn share_codes(&self, slot: u32, codes: &mut Chunks<i8>) {
        codes.share(&self.codes, slot);
    }

    /// The size of a chunk of codes in bytes.
    pub fn chunk_bytes(&self) -> usize {
        self.codes.chunk_bytes()
    }

    /// The first slot of the chunk of codes behind the one that has this slot.
    pub fn chunk_end(&self, slot: u32) -> u64 {
        self.codes.chunk_end(slot)
    }

    /// The code at `slot`, and its terms.
    pub fn coded(&self, slot: u32) -> (&[i8], Terms) {
        (self.code(slot), self.terms(slot))
    }

    pub fn terms(&self, slot: u32) -> Terms {
        self.terms[slot as usize]
    }

    /// The distance from the query to the code at `slot`, with its error bound.
    pub fn estimate(&self, query: &Query, slot: u32) -> Estimate {
        let dot = dot_codes(&query.code, self.code(slot));
        self.metric
            .estimate(&query.terms, &self.terms[slot as usize], dot)
    }

    /// Prefetches what `approximate` is about to read.
    pub fn fetch(&self, slot: u32) {
        prefetch(&self.terms[slot as usize..][..1]);
        match self.basis {
            Basis::Codes => prefetch(self.code(slot)),
            Basis::Rows => prefetch(self.row(slot).unwrap_or_default()),
        }
    }

    /// The distance from the query to the vector at `slot`, by code or by row.
    pub fn approximate(&self, query: &Query, slot: u32) -> Estimate {
        match self.basis {
            // A deleted row is zero; walks may still use the code in its slot.
            Basis::Rows => match self.row(slot).filter(|row| row.iter().any(|&x| x != 0.0)) {
                Some(row) => self.by_row(query, slot, row),
                None => self.estimate(query, slot),
            },
            Basis::Codes => self.estimate(query, slot),
        }
    }

    /// The distance from the query to the vector at `slot`, whose row is `row`.
    fn by_row(&self, query: &Query, slot: u32, row: &[f32]) -> Estimate {
        let norm = self.terms[slot as usize].norm;
        self.metric.by_row(&query.row, query.terms.norm, row, norm)
    }

    /// The exact distance from the query to a row.
    pub fn exact(&self, query: &Query, row: &[f32]) -> f64 {
        self.metric.exact(&query.row, row)
    }

    pub fn memory_bytes(&self) -> usize {
        self.rows.memory_bytes()
            + self.codes.memory_bytes()
            + self.terms.capacity() * size_of::<Terms>()
            + self.borrowed.memory_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunks::{CHUNK_BYTES, FIRST_ROWS};
    use proptest::prelude::*;

    /// Rows that quantise badly: offsets, heavy tails, tiny and huge values.
    fn row(dimension: usize) -> impl Strategy<Value = Vec<f32>> {
        let value = prop_oneof![
            4 => -1.0f32..1.0,
            1 => 99.0f32..101.0,
            1 => Just(0.0f32),
            1 => -1e-3f32..1e-3,
            1 => Just(3e38f32),
            1 => Just(1e-42f32),
        ];
        proptest::collection::vec(value, dimension)
    }

    fn rows() -> impl Strategy<Value = (Vec<f32>, Vec<Vec<f32>>)> {
        (1usize..40).prop_flat_map(|d| (row(d), proptest::collection::vec(row(d), 1..20)))
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn the_exact_distance_lies_within_the_error_of_the_estimate((query, rows) in rows()) {
            for metric in [Metric::Cosine, Metric::Euclidean, Metric::DotProduct] {
                let nonzero = |r: &Vec<f32>| r.iter().any(|&x| x != 0.0);
                if metric == Metric::Cosine && !(nonzero(&query) && rows.iter().all(nonzero)) {
                    continue;
                }
                let mut vectors = Vectors::new(query.len(), metric);
                let codes = Codes::of(&rows.concat(), query.len());
                for (i, row) in rows.iter().enumerate() {
                    let (code, terms) = codes.get(i);
                    vectors.put(i as u32, row, code, terms);
                }
                let query = Query::new(query.clone());
                for basis in [Basis::Codes, Basis::Rows] {
                    vectors.set_basis(basis);
                    for slot in 0..rows.len() as u32 {
                        let estimate = vectors.approximate(&query, slot);
                        let exact = vectors.exact(&query, vectors.row(slot).unwrap());
                        prop_assert!(
                            estimate.lower() <= exact && exact <= estimate.upper(),
                            "{metric:?}: {exact} is not within {estimate:?} by {basis:?}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn the_likely_error_is_not_exceeded_by_rows_of_any_shape_and_is_much_smaller_than_the_bound() {
        const DIMENSION: usize = 384;
        let mut state = 1u64;
        let mut unit = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        };
        // Uniform, with heavy tails, and with a few values that are all that counts.
        let shapes = [|x: f32| x, |x: f32| x.powi(5), |x: f32| x.powi(51)];
        for metric in [Metric::Cosine, Metric::Euclidean, Metric::DotProduct] {
            for shape in shapes {
                let mut vectors = Vectors::new(DIMENSION, metric);
                let mut row = || -> Vec<f32> { (0..DIMENSION).map(|_| shape(unit())).collect() };
                for slot in 0..200 {
                    let row = row();
                    let codes = Codes::of(&row, DIMENSION);
                    let (code, terms) = codes.get(0);
                    vectors.put(slot, &row, code, terms);
                }
                for _ in 0..50 {
                    let query = Query::new(row());
                    for slot in 0..200 {
                        let estimate = vectors.estimate(&query, slot);
                        let likely = estimate.likely(DIMENSION);
                        assert!(likely.error < estimate.error / 3.0);
                        let exact = vectors.exact(&query, vectors.row(slot).unwrap());
                        assert!(
                            likely.lower() <= exact && exact <= likely.upper(),
                            "{metric:?}: {exact} is not within {likely:?}"
                        );
                    }
                }
            }
        }
        // With few dimensions, the bound is all that is known.
        let estimate = Estimate {
            distance: 1.0,
            error: 0.5,
        };
        assert_eq!(estimate.likely(4), estimate);
    }

    #[test]
    fn a_collection_takes_the_memory_of_its_rows_from_the_first_one_on() {
        for dimension in [1, 4, 384, 65_535] {
            let mut vectors = Vectors::new(dimension, Metric::Euclidean);
            let row = vec![1.0; dimension];
            let codes = Codes::of(&row, dimension);
            let (code, terms) = codes.get(0);
            let mut before = 0;
            for slot in 0..(CHUNK_BYTES / 2 / dimension) as u32 {
                vectors.put(slot, &row, code, terms);
                let bytes = vectors.memory_bytes();
                let rows = (slot as usize + 1).max(FIRST_ROWS);
                let each = dimension * 5 + 2 * size_of::<Terms>();
                let first = 1 << (CHUNK_BYTES / 4 / dimension).max(1).ilog2();
                let last = if rows <= first { 0 } else { 2 * CHUNK_BYTES };
                assert!(
                    bytes <= 2 * rows * each + last,
                    "{dimension}: {slot} takes {bytes}"
                );
                assert!(bytes >= before);
                before = bytes;
            }
            let last = (CHUNK_BYTES / 2 / dimension) as u32 - 1;
            assert!(
                (0..=last)
                    .all(|slot| vectors.row(slot) == Some(&row[..]) && vectors.code(slot) == code)
            );
        }
    }

    #[test]
    fn rows_come_back_as_they_were_put_and_erased_ones_are_zero() {
        let mut vectors = Vectors::new(3, Metric::Euclidean);
        let rows: Vec<f32> = (0..300_000).map(|i| i as f32).collect();
        let codes = Codes::of(&rows, 3);
        for (i, row) in rows.chunks_exact(3).enumerate() {
            let (code, terms) = codes.get(i);
            vectors.put(i as u32, row, code, terms);
        }
        assert_eq!(
            vectors.row(99_999).unwrap(),
            &[299_997.0, 299_998.0, 299_999.0]
        );
        vectors.erase_row(99_999);
        vectors.erase_code(99_999);
        assert_eq!(vectors.row(99_999).unwrap(), &[0.0; 3]);
        assert_eq!(vectors.code(99_999), &[0; 3]);
        assert_eq!(
            vectors.row(99_998).unwrap(),
            &[299_994.0, 299_995.0, 299_996.0]
        );
    }
}
