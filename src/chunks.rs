//! Rows of one width by slot, which are overwritten before they are freed.
//!
//! Rows are stored in chunks, so that growth never copies them. The exception is the first chunk,
//! which grows with its rows, since most collections may be small.

use zeroize::DefaultIsZeroes;

use crate::wiped::Wiped;

/// The size of a chunk of 32-bit values (at least one row). Narrower values have as many rows in a
/// chunk.
pub const CHUNK_BYTES: usize = 1 << 20;
/// The initial capacity in rows.
pub const FIRST_ROWS: usize = 4;

pub struct Chunks<T: DefaultIsZeroes> {
    width: usize,
    /// log2 of the number of rows in a chunk.
    shift: u32,
    chunks: Vec<Wiped<[T]>>,
}

impl<T: DefaultIsZeroes> Chunks<T> {
    pub fn new(width: usize) -> Self {
        let rows = (CHUNK_BYTES / 4 / width.max(1)).max(1);
        Self {
            width,
            shift: rows.ilog2(),
            chunks: Vec::new(),
        }
    }

    /// The row at `slot`, if there is room for it.
    pub fn get(&self, slot: u32) -> Option<&[T]> {
        let (chunk, at) = self.locate(slot);
        self.chunks.get(chunk)?.get(at..at + self.width)
    }

    fn get_mut(&mut self, slot: u32) -> Option<&mut [T]> {
        let (chunk, at) = self.locate(slot);
        self.chunks.get_mut(chunk)?.get_mut(at..at + self.width)
    }

    /// The row at `slot`, growing the chunks as needed.
    pub fn room(&mut self, slot: u32) -> &mut [T] {
        let (chunk, at) = self.locate(slot);
        let full = self.width << self.shift;
        let first = match chunk {
            0 => (at / self.width.max(1) + 1)
                .max(FIRST_ROWS)
                .next_power_of_two()
                .saturating_mul(self.width)
                .min(full),
            _ => full,
        };
        if self.chunks.first().map_or(0, |chunk| chunk.len()) < first {
            self.grow(first);
        }
        while self.chunks.len() <= chunk {
            self.chunks.push(zeros(full));
        }
        &mut self.chunks[chunk][at..at + self.width]
    }

    /// Enlarges the first chunk.
    fn grow(&mut self, len: usize) {
        let mut grown = zeros(len);
        match self.chunks.first_mut() {
            None => self.chunks.push(grown),
            Some(first) => {
                grown[..first.len()].copy_from_slice(first);
                *first = grown;
            }
        }
    }

    /// Copies the row at `from` to `to`.
    pub fn copy(&mut self, from: u32, to: u32) {
        let (from, to) = (self.locate(from), self.locate(to));
        if from.0 == to.0 {
            let row = from.1..from.1 + self.width;
            self.chunks[to.0].copy_within(row, to.1);
        } else if let Ok([from_chunk, to_chunk]) = self.chunks.get_disjoint_mut([from.0, to.0]) {
            let row = &from_chunk[from.1..][..self.width];
            to_chunk[to.1..][..self.width].copy_from_slice(row);
        }
    }

    /// Zeroes the row at `slot`.
    pub fn erase(&mut self, slot: u32) {
        if let Some(row) = self.get_mut(slot) {
            row.fill(T::default());
        }
    }

    /// Frees the memory of all slots from `len` onwards.
    pub fn truncate(&mut self, len: usize) {
        self.chunks.truncate(len.div_ceil(1 << self.shift));
    }

    pub fn memory_bytes(&self) -> usize {
        let values: usize = self.chunks.iter().map(|chunk| chunk.len()).sum();
        values * size_of::<T>()
    }

    fn locate(&self, slot: u32) -> (usize, usize) {
        let within = slot & ((1 << self.shift) - 1);
        ((slot >> self.shift) as usize, within as usize * self.width)
    }
}

fn zeros<T: DefaultIsZeroes>(len: usize) -> Wiped<[T]> {
    vec![T::default(); len].into_boxed_slice().into()
}
