//! Whether searches go by codes or by rows, measured on what the collection holds.

use super::{Collection, Costs, State};
use crate::vectors::{Basis, Probe};

impl Collection {
    /// Measures whether codes are good enough for this collection's rows, and lets searches
    /// and the graph that is built next go by rows if they are not. Some milliseconds, of
    /// which the lock is held for a fraction at a time. True when they go by rows from here
    /// on: links that were chosen by codes are not worth keeping.
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
    /// The same for a collection that nobody else knows of yet.
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
