//! The slots of each value of a field, ordered by value.

use std::collections::{BTreeMap, btree_map::Entry};

use roaring::RoaringBitmap;

use super::number::Number;
use crate::wiped::Wiped;

/// The memory that a map entry takes besides its key and its posting: its share of the nodes, which
/// are not full.
const ENTRY_OVERHEAD: usize = 16;

/// The slots of each key, in the order of the keys.
pub(super) struct Postings<K> {
    pub map: BTreeMap<K, Posting>,
    /// The memory that keys and postings hold outside the map. It is tracked because there may be
    /// millions of them.
    outside: usize,
}

impl<K> Default for Postings<K> {
    fn default() -> Self {
        Self {
            map: BTreeMap::new(),
            outside: 0,
        }
    }
}

impl<K: Key> Postings<K> {
    pub fn insert(&mut self, key: K, slot: u32) {
        match self.map.entry(key) {
            Entry::Vacant(vacant) => {
                self.outside += vacant.key().heap_bytes();
                vacant.insert(Posting::One(slot));
            }
            Entry::Occupied(mut occupied) => {
                let posting = occupied.get_mut();
                let before = posting.heap_bytes();
                posting.insert(slot);
                self.outside = self.outside + posting.heap_bytes() - before;
            }
        }
    }

    pub fn remove(&mut self, key: K, slot: u32) {
        // A row may hold a value twice; the second time it has already been removed.
        if let Entry::Occupied(mut occupied) = self.map.entry(key) {
            let posting = occupied.get_mut();
            self.outside -= posting.heap_bytes();
            if posting.remove(slot) {
                self.outside += posting.heap_bytes();
            } else {
                self.outside -= occupied.key().heap_bytes();
                occupied.remove();
            }
        }
    }

    pub fn sweep(&mut self, slots: &RoaringBitmap) {
        let outside = &mut self.outside;
        self.map.retain(|key, posting| {
            *outside -= posting.heap_bytes();
            let remains = posting.sweep(slots);
            if remains {
                *outside += posting.heap_bytes();
            } else {
                *outside -= key.heap_bytes();
            }
            remains
        });
    }

    /// Whether all slots are among these.
    pub fn is_within(&self, slots: &RoaringBitmap) -> bool {
        self.map.values().all(|posting| match posting {
            Posting::One(slot) => slots.contains(*slot),
            Posting::Many(set) => set.is_subset(slots),
        })
    }

    /// Whether any slot is among these.
    pub fn has_any(&self, slots: &RoaringBitmap) -> bool {
        self.map.values().any(|posting| match posting {
            Posting::One(slot) => slots.contains(*slot),
            Posting::Many(set) => !set.is_disjoint(slots),
        })
    }

    /// The number of slots, counted once for each of their keys.
    pub fn len(&self) -> u64 {
        self.map.values().map(Posting::len).sum()
    }

    pub fn heap_bytes(&self) -> usize {
        self.map.len() * (size_of::<(K, Posting)>() + ENTRY_OVERHEAD) + self.outside
    }
}

/// A key of an index.
pub(super) trait Key: Ord {
    fn heap_bytes(&self) -> usize {
        0
    }
}

impl Key for usize {}

impl Key for Number {}

impl Key for Wiped<[u8]> {
    fn heap_bytes(&self) -> usize {
        self.len()
    }
}

impl Key for (i128, Wiped<[u8]>) {
    fn heap_bytes(&self) -> usize {
        self.1.len()
    }
}

/// The slots of one key. In a field of unique values most keys have a single slot, for which a
/// bitmap would take a hundred bytes.
pub(super) enum Posting {
    One(u32),
    Many(RoaringBitmap),
}

impl Posting {
    fn insert(&mut self, slot: u32) {
        match self {
            Posting::One(only) if *only == slot => {}
            Posting::One(only) => *self = Posting::Many(RoaringBitmap::from_iter([*only, slot])),
            Posting::Many(slots) => drop(slots.insert(slot)),
        }
    }

    /// Returns whether any slot remains.
    fn remove(&mut self, slot: u32) -> bool {
        match self {
            Posting::One(only) => *only != slot,
            Posting::Many(slots) => {
                slots.remove(slot);
                !slots.is_empty()
            }
        }
    }

    /// Returns whether any slot remains.
    fn sweep(&mut self, gone: &RoaringBitmap) -> bool {
        match self {
            Posting::One(only) => !gone.contains(*only),
            Posting::Many(slots) => {
                *slots -= gone;
                !slots.is_empty()
            }
        }
    }

    pub fn add_to(&self, set: &mut RoaringBitmap) {
        match self {
            Posting::One(slot) => drop(set.insert(*slot)),
            Posting::Many(slots) => *set |= slots,
        }
    }

    fn len(&self) -> u64 {
        match self {
            Posting::One(_) => 1,
            Posting::Many(slots) => slots.len(),
        }
    }

    fn heap_bytes(&self) -> usize {
        match self {
            Posting::One(_) => 0,
            Posting::Many(slots) => slots.serialized_size(),
        }
    }
}
