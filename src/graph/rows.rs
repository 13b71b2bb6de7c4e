//! A copy of a collection's codes, so that a graph can be changed while nothing is locked.

use hnsw_rs::prelude::Distance;

use super::{
    bulk::{Geometry, RowDistance, TAIL},
    search::Target,
};
use crate::vectors::{Terms, prefetch};

/// Codes by slot, with what their distances need.
pub struct Rows {
    geometry: Geometry,
    row_len: usize,
    rows: Vec<i8>,
}

impl Rows {
    /// Room for the codes of `slots` slots.
    pub fn new(dimension: usize, geometry: Geometry, slots: usize) -> Self {
        let row_len = dimension + TAIL;
        Self {
            geometry,
            row_len,
            rows: vec![0; slots * row_len],
        }
    }

    pub fn put(&mut self, slot: u32, code: &[i8], terms: Terms) {
        let at = slot as usize * self.row_len;
        self.geometry
            .write_row(code, terms, &mut self.rows[at..at + self.row_len]);
    }

    fn row(&self, slot: u32) -> &[i8] {
        &self.rows[slot as usize * self.row_len..][..self.row_len]
    }

    /// How far two rows are from each other: never negative.
    pub fn distance(&self, a: u32, b: u32) -> f32 {
        RowDistance.eval(self.row(a), self.row(b))
    }

    /// The row at `slot`, for a walk to look for.
    pub(super) fn target(&self, slot: u32) -> impl Target {
        Nearby { rows: self, slot }
    }
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
        prefetch(self.rows.row(slot));
    }
}
