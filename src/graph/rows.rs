//! A collection's codes, shared with it, or a copy of its rows if the codes are too coarse, so that a
//! graph can be changed without holding a lock.

use zeroize::DefaultIsZeroes;

use super::{
    geometry::{CodeTerms, Geometry, code_distance, row_distance},
    search::Target,
};
use crate::{
    chunks::Chunks,
    vectors::{Basis, Vectors, prefetch},
    wiped::Wiped,
};

/// Codes or rows by slot, mapped by a geometry.
pub struct Rows {
    geometry: Geometry,
    values: Values,
}

enum Values {
    /// Each code with its terms.
    Codes(Chunks<i8>, Table<CodeTerms>),
    Rows(Table<f32>),
}

struct Table<T: DefaultIsZeroes> {
    width: usize,
    /// Wiped, so that vectors deleted in the meantime do not survive in freed memory.
    values: Wiped<[T]>,
}

impl<T: DefaultIsZeroes> Table<T> {
    fn new(slots: usize, width: usize) -> Self {
        Self {
            width,
            values: vec![T::default(); slots * width].into_boxed_slice().into(),
        }
    }

    fn row(&self, slot: u32) -> &[T] {
        &self.values[slot as usize * self.width..][..self.width]
    }

    fn row_mut(&mut self, slot: u32) -> &mut [T] {
        &mut self.values[slot as usize * self.width..][..self.width]
    }
}

impl Rows {
    /// Allocates room for `slots` slots.
    pub fn new(dimension: usize, geometry: Geometry, slots: usize) -> Self {
        let values = match geometry.basis() {
            Basis::Codes => Values::Codes(Chunks::new(dimension), Table::new(slots, 1)),
            Basis::Rows => Values::Rows(Table::new(slots, dimension + 1)),
        };
        Self { geometry, values }
    }

    /// Takes the vector at `slot`. Those in the same chunk of codes must be taken before any of them
    /// is changed.
    pub fn copy(&mut self, vectors: &Vectors, slot: u32) {
        match &mut self.values {
            Values::Codes(codes, terms) => {
                vectors.share_codes(slot, codes);
                terms.row_mut(slot)[0] = self.geometry.code_terms(vectors, slot);
            }
            Values::Rows(rows) => self.geometry.write_row(vectors, slot, rows.row_mut(slot)),
        }
    }

    /// The distance between the vectors at two slots; never negative.
    pub fn distance(&self, a: u32, b: u32) -> f32 {
        match &self.values {
            Values::Codes(codes, terms) => {
                let at = |slot| (code(codes, slot), &terms.row(slot)[0]);
                code_distance(at(a), at(b))
            }
            Values::Rows(rows) => row_distance(rows.row(a), rows.row(b)),
        }
    }

    /// The vector at `slot`, as the target of a walk.
    pub(super) fn target(&self, slot: u32) -> impl Target {
        Nearby { rows: self, slot }
    }
}

fn code(codes: &Chunks<i8>, slot: u32) -> &[i8] {
    codes.get(slot).unwrap_or_default()
}

struct Nearby<'a> {
    rows: &'a Rows,
    slot: u32,
}

impl Target for Nearby<'_> {
    fn distance(&self, slot: u32) -> f64 {
        self.rows.distance(self.slot, slot).into()
    }

    fn fetch(&self, slot: u32) {
        match &self.rows.values {
            Values::Codes(codes, terms) => {
                prefetch(code(codes, slot));
                prefetch(terms.row(slot));
            }
            Values::Rows(rows) => prefetch(rows.row(slot)),
        }
    }
}
