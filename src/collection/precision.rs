//! Whether searches compare by codes or by rows, measured on the collection's own vectors.

use super::{Access, Collection, Costs, State, values::Values};
use crate::vectors::{Basis, Probe};

/// Rows loaded from the disk at a time: well under a millisecond.
const LOADED: usize = 32;

impl Collection {
    /// Measures whether codes are accurate enough for this collection's rows and, if they are not,
    /// makes searches and the next graph build compare by rows. Takes some milliseconds; the lock
    /// is held for a fraction of that at a time. Returns true if comparisons have switched from
    /// codes to rows: links chosen by codes are then not worth keeping.
    pub(super) fn choose_basis(&self) -> bool {
        let mut probe = {
            let state = self.state.read();
            Probe::new(state.slots.alive(), |slot| state.measured(slot))
        };
        loop {
            let state = self.state.read();
            let row = |slot| state.measured(slot);
            if !probe.look(&state.vectors, state.slots.alive(), row) {
                break;
            }
        }
        let basis = probe.basis();
        loop {
            // Closing the collection waits for this.
            if self.upkeep.is_cancelled() {
                return false;
            }
            let mut state = self.state.write();
            let before = state.vectors.basis();
            if state.set_basis(basis) {
                return before == Basis::Codes && state.vectors.basis() == Basis::Rows;
            }
        }
    }
}

impl State {
    /// The row at `slot`; `None` if it cannot be read, of which the next search of it tells.
    fn measured(&self, slot: u32) -> Option<Values<'_>> {
        let record = self.slots.record(slot)?;
        self.values(Access::Wait, slot, record).ok()
    }

    /// Makes searches compare by codes or by rows. On disk, rows are loaded first, some in each
    /// call: returns false if there are more of them. If a row cannot be read, searches go on
    /// comparing by codes.
    pub(super) fn set_basis(&mut self, basis: Basis) -> bool {
        if self.vectors.basis() == basis && basis == Basis::Rows {
            return true;
        }
        if basis == Basis::Rows && !self.vectors.holds_rows() {
            let missing = self.vectors.missing_rows(self.slots.alive());
            for slot in missing.iter().take(LOADED) {
                let Some(Values::Read(stored)) = self.measured(slot) else {
                    self.vectors.release_rows();
                    return true;
                };
                self.vectors.hold(slot, stored.row());
            }
            if missing.len() > LOADED as u64 {
                return false;
            }
            self.vectors.hold_all();
        }
        if self.vectors.basis() != basis {
            self.vectors.set_basis(basis);
            self.costs = Costs::new(self.vectors.dimension(), basis);
        }
        if basis == Basis::Codes && self.is_on_disk {
            self.vectors.release_rows();
        }
        true
    }
}
