//! Rows of one width by slot, which are overwritten before they are freed.
//!
//! Rows are stored in chunks, so that growth never copies them. The exception is the first chunk,
//! which grows with its rows, since most collections may be small.
//!
//! Tables can share chunks. A shared chunk is copied before it is changed, so that each table has
//! the rows that it had, and takes memory only for those that differ.

use std::sync::Arc;

use zeroize::DefaultIsZeroes;

use crate::wiped::Shared;

/// The size of a chunk of 32-bit values (at least one row). Narrower values have as many rows in a
/// chunk.
pub const CHUNK_BYTES: usize = 1 << 20;
/// The most rows in a chunk, however narrow.
pub const MOST_ROWS: usize = 4096;
/// The initial capacity in rows.
pub const FIRST_ROWS: usize = 4;

pub struct Chunks<T: DefaultIsZeroes> {
    width: usize,
    /// log2 of the number of rows in a chunk.
    shift: u32,
    chunks: Vec<Arc<Shared<[T]>>>,
}

impl<T: DefaultIsZeroes> Chunks<T> {
    pub fn new(width: usize) -> Self {
        let rows = (CHUNK_BYTES / 4 / width.max(1)).clamp(1, MOST_ROWS);
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
        Shared::make_mut(self.chunks.get_mut(chunk)?).get_mut(at..at + self.width)
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
            self.chunks.push(Shared::zeros(full));
        }
        &mut Shared::make_mut(&mut self.chunks[chunk])[at..at + self.width]
    }

    /// Enlarges the first chunk.
    fn grow(&mut self, len: usize) {
        let mut grown = Shared::zeros(len);
        match self.chunks.first_mut() {
            None => self.chunks.push(grown),
            Some(first) => {
                Shared::make_mut(&mut grown)[..first.len()].copy_from_slice(first);
                *first = grown;
            }
        }
    }

    /// Copies the row at `from` to `to`.
    pub fn copy(&mut self, from: u32, to: u32) {
        let (from, to) = (self.locate(from), self.locate(to));
        if from.0 == to.0 {
            let row = from.1..from.1 + self.width;
            Shared::make_mut(&mut self.chunks[to.0]).copy_within(row, to.1);
        } else if let Ok([from_chunk, to_chunk]) = self.chunks.get_disjoint_mut([from.0, to.0]) {
            let row = &from_chunk[from.1..][..self.width];
            Shared::make_mut(to_chunk)[to.1..][..self.width].copy_from_slice(row);
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

    /// Shares the chunk that has the row at `slot`, as it is now in another table of this width.
    pub fn share(&mut self, from: &Self, slot: u32) {
        let (chunk, _) = from.locate(slot);
        let Some(shared) = from.chunks.get(chunk) else {
            return;
        };
        if self.chunks.len() <= chunk {
            self.chunks.resize_with(chunk + 1, || Shared::zeros(0));
        }
        self.chunks[chunk] = shared.clone();
    }

    /// The size of a chunk in bytes.
    pub fn chunk_bytes(&self) -> usize {
        (self.width * size_of::<T>()) << self.shift
    }

    /// The first slot of the chunk behind the one that has this slot.
    pub fn chunk_end(&self, slot: u32) -> u64 {
        ((u64::from(slot) >> self.shift) + 1) << self.shift
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

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 100;
    const ROWS: u32 = 5000;

    fn table() -> Chunks<u8> {
        let mut table = Chunks::new(WIDTH);
        for slot in 0..ROWS {
            table.room(slot).fill(slot as u8);
        }
        table
    }

    #[test]
    fn tables_that_share_chunks_do_not_see_each_others_changes() {
        let mut table = table();
        let end = table.chunk_end(0) as u32;
        assert!(end < ROWS - 2);
        let mut other = Chunks::new(WIDTH);
        // The last chunk alone, and then all.
        other.share(&table, ROWS - 1);
        assert_eq!(other.get(0), None);
        assert_eq!(other.get(ROWS - 1), table.get(ROWS - 1));
        for slot in 0..ROWS {
            other.share(&table, slot);
        }
        table.erase(1);
        table.room(2).fill(7);
        table.copy(3, 4);
        table.copy(3, ROWS - 1);
        other.room(ROWS - 2).fill(9);
        table.room(2 * ROWS).fill(1);
        other.truncate(ROWS as usize);
        for slot in 0..ROWS {
            let here = match slot {
                1 => 0,
                2 => 7,
                4 => 3,
                _ if slot == ROWS - 1 => 3,
                _ => slot as u8,
            };
            let there = match slot {
                _ if slot == ROWS - 2 => 9,
                _ => slot as u8,
            };
            assert_eq!(table.get(slot), Some(&[here; WIDTH][..]), "{slot}");
            assert_eq!(other.get(slot), Some(&[there; WIDTH][..]), "{slot}");
        }
        // Nor does a chunk that grows take the other with it.
        let mut small = Chunks::new(WIDTH);
        small.room(0).fill(1);
        let mut other = Chunks::new(WIDTH);
        other.share(&small, 0);
        small.room(100).fill(2);
        small.erase(0);
        assert_eq!(other.get(0), Some(&[1; WIDTH][..]));
        assert_eq!(other.get(100), None);
        other.share(&small, 100);
        assert_eq!(other.get(100), Some(&[2; WIDTH][..]));
    }

    #[test]
    fn a_chunk_is_copied_once_and_only_as_long_as_it_is_shared() {
        let mut table = table();
        let end = table.chunk_end(0) as u32;
        assert_eq!(table.chunk_bytes(), WIDTH * end as usize);
        let mut other = Chunks::new(WIDTH);
        other.share(&table, 5);
        let place = |table: &Chunks<u8>, slot| table.get(slot).map(<[u8]>::as_ptr);
        assert_eq!(place(&table, 0), place(&other, 0));
        assert_eq!(place(&other, end), None);
        let before = place(&table, 0);
        table.erase(1);
        assert_eq!(place(&other, 0), before);
        let copied = place(&table, 0);
        assert_ne!(copied, before);
        table.erase(2);
        assert_eq!(place(&table, 0), copied);
        other.share(&table, 1);
        drop(other);
        table.erase(3);
        assert_eq!(place(&table, 0), copied);
    }
}
