//! Whether searches compare by codes or by rows, measured on the collection's own vectors.

use super::{Collection, Costs, State};
use crate::vectors::{Basis, Probe};

impl Collection {
    /// Measures whether codes are accurate enough for this collection's rows and, if they are not,
    /// makes searches and the next graph build compare by rows. Takes some milliseconds; the lock
    /// is held for a fraction of that at a time. Returns true if comparisons have switched from
    /// codes to rows: links chosen by codes are then not worth keeping.
    pub(super) fn choose_basis(&self) -> bool {
        let mut probe = {
            let state = self.state.read();
            Probe::new(&state.vectors, state.slots.alive())
        };
        loop {
            let state = self.state.read();
            if !probe.look(&state.vectors, state.slots.alive()) {
                break;
            }
        }
        let mut state = self.state.write();
        let before = state.vectors.basis();
        state.set_basis(probe.basis());
        before == Basis::Codes && state.vectors.basis() == Basis::Rows
    }
}

impl State {
    /// The same for a collection that no other thread can access yet.
    pub(super) fn choose_basis(&mut self) {
        let mut probe = Probe::new(&self.vectors, self.slots.alive());
        while probe.look(&self.vectors, self.slots.alive()) {}
        self.set_basis(probe.basis());
    }

    fn set_basis(&mut self, basis: Basis) {
        if self.vectors.basis() != basis {
            self.vectors.set_basis(basis);
            self.costs = Costs::new(self.vectors.dimension(), basis);
        }
    }
}
