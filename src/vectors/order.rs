//! The order in which ids were first inserted, for when slots are not in that order.

use std::collections::BTreeMap;

use roaring::RoaringTreemap;

/// The live slots by sequence number, with access to the n-th.
#[derive(Debug)]
pub(super) struct Order {
    slots: BTreeMap<u64, u32>,
    sequences: RoaringTreemap,
}

impl Order {
    /// From sequence numbers with their slots, without repetitions, in any order.
    pub fn of(pairs: impl Iterator<Item = (u64, u32)>) -> Self {
        let slots: BTreeMap<u64, u32> = pairs.collect();
        Self {
            sequences: slots.keys().copied().collect(),
            slots,
        }
    }

    /// Records that the vector with this sequence number is at `slot`.
    pub fn insert(&mut self, sequence: u64, slot: u32) {
        self.slots.insert(sequence, slot);
        self.sequences.insert(sequence);
    }

    /// Removes the vector with this sequence number, unless it is at another slot.
    pub fn remove(&mut self, sequence: u64, slot: u32) {
        if self.slots.get(&sequence) == Some(&slot) {
            self.slots.remove(&sequence);
            self.sequences.remove(sequence);
        }
    }

    /// The slots from position `offset` on.
    pub fn from(&self, offset: usize) -> impl Iterator<Item = u32> {
        let first = self.sequences.select(offset as u64);
        let slots = first.map(|first| self.slots.range(first..));
        slots.into_iter().flatten().map(|(_, &slot)| slot)
    }

    /// The slots from this sequence number on.
    pub fn starting_at(&self, sequence: u64) -> impl Iterator<Item = u32> {
        self.slots.range(sequence..).map(|(_, &slot)| slot)
    }

    pub fn memory_bytes(&self) -> usize {
        self.slots.len() * (size_of::<u64>() + size_of::<u32>()) + self.sequences.serialized_size()
    }
}
