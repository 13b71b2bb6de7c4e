//! Reclaiming unused memory: slots of deleted vectors, and the memory behind the last used slot.
//!
//! The lock is held only briefly: to recycle some slots, or to move some vectors to lower ones.

use hashbrown::HashMap;
use roaring::RoaringBitmap;

use super::{Collection, State};
use crate::{
    filter::Source,
    vectors::{Slots, Vectors},
};

/// An empty collection keeps this much of its memory for the next vectors.
const KEPT_BYTES: usize = 8 << 20;
/// Slots are renumbered when less than this share of them is in use.
const SPARSE: f64 = 0.5;
/// Vectors moved to other slots at a time: well under a millisecond.
const MOVED: usize = 64;
/// Slots recycled at a time: well under a millisecond of zeroing.
const RECYCLED: u64 = 512;

impl State {
    pub(super) fn is_worth_resetting(&self) -> bool {
        let is_empty = self.slots.is_empty() && self.slots.expired().is_empty();
        is_empty && self.vectors.memory_bytes() > KEPT_BYTES
    }

    /// Whether so many slots are unused that renumbering the rest is worthwhile.
    pub(super) fn is_sparse(&self) -> bool {
        let table = self.slots.table_len();
        // Expired vectors are not moved: they are about to be erased.
        let used = self.slots.len() as u64 + self.slots.expired().len();
        self.vectors.memory_bytes() > KEPT_BYTES && (used as f64) < SPARSE * table as f64
    }

    /// Moves the vector at `slot` to a lower slot if one is free. Returns its slot afterwards.
    fn move_down(&mut self, slot: u32) -> u32 {
        self.fields
            .remove(&RoaringBitmap::from_iter([slot]), &self.slots);
        let at = self.slots.move_down(slot).unwrap_or(slot);
        self.fields.insert(at, self.slots.metadata(at));
        if at != slot {
            if let Some(record) = self.slots.record(at) {
                self.expiries.remove(slot, record.times);
                self.expiries.insert(at, record.times);
            }
            self.vectors.relocate(slot, at);
            self.journal.relocate(slot, at);
            self.pending.remove(slot);
            self.pending.insert(at);
            if let Some(nodes) = &mut self.building
                && nodes.remove(slot)
            {
                nodes.insert(at);
            }
        }
        at
    }
}

impl Collection {
    /// Moves the live vectors to the lowest slots, keeping their order, and frees the memory behind
    /// them. There must be no graph: it would refer to the old slots.
    pub(super) fn compact(&self) -> HashMap<u32, u32> {
        let mut next = 0;
        let mut moved = HashMap::new();
        loop {
            let mut state = self.state.write();
            if !state.is_sparse() && next == 0 {
                return moved;
            }
            let live = state.slots.alive().range(next..);
            let portion: Vec<u32> = live.take(MOVED).collect();
            let Some(last) = portion.last() else {
                let len = state.slots.truncate();
                state.vectors.truncate(len);
                state.journal.truncate(len);
                return moved;
            };
            next = last + 1;
            for slot in portion {
                let at = state.move_down(slot);
                if at != slot {
                    moved.insert(slot, at);
                    self.scrub.moved(slot, at);
                }
            }
        }
    }

    /// Frees the memory of an empty collection.
    pub(super) fn reset(&self) {
        let mut state = self.state.write();
        if !state.is_worth_resetting() {
            return;
        }
        let mut vectors = Vectors::new(self.dimension, self.metric);
        if state.is_on_disk {
            vectors.release_rows();
        }
        let old = (
            std::mem::replace(&mut state.vectors, vectors),
            std::mem::replace(&mut state.slots, Slots::new()),
            state.put_graph(None),
        );
        state.journal.truncate(0);
        drop(state);
        drop(old);
    }

    /// Recycles deleted slots that no graph leads through, some at a time.
    pub(super) fn recycle_retired(&self) {
        loop {
            let mut state = self.state.write();
            let mut free = state.unlinked(state.slots.retired());
            if let Some(end) = free.select(RECYCLED as u32) {
                free.remove_range(end..);
            }
            if free.is_empty() {
                return;
            }
            state.recycle(&free);
        }
    }
}
