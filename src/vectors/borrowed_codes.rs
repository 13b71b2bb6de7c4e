//! Tracks whose code is stored in the slot of a deleted vector.
//!
//! Until the graph is repaired, walks pass through deleted vectors and need a code there to guide
//! them. The code used is that of a live neighbour, the *donor*: the deleted vector's own code
//! would reveal the vector to within a hundredth. When the donor is itself deleted, its code must
//! be removed from every slot that borrowed it.

/// Which slots hold the code of which other slot.
///
/// A donor and the slots that hold its code form a ring: each entry is the next slot plus one; 0
/// for a slot that is in no ring. A slot that holds another's code is retired, and a donor is
/// alive, so no slot is in two rings.
#[derive(Default)]
pub struct BorrowedCodes {
    next: Vec<u32>,
}

impl BorrowedCodes {
    fn next(&self, slot: u32) -> Option<u32> {
        self.next.get(slot as usize)?.checked_sub(1)
    }

    fn set(&mut self, slot: u32, next: u32) {
        self.next[slot as usize] = next + 1;
    }

    fn leave(&mut self, slot: u32) {
        self.next[slot as usize] = 0;
    }

    /// The slot before this one in its ring.
    fn previous(&self, slot: u32) -> Option<u32> {
        let mut at = slot;
        while let Some(next) = self.next(at) {
            if next == slot {
                return Some(at);
            }
            at = next;
        }
        None
    }

    /// Records that `to` now holds the code of `donor`. There are `slots` slots.
    pub fn borrow(&mut self, donor: u32, to: u32, slots: usize) {
        if self.next.len() < slots {
            self.next.resize(slots, 0);
        }
        let second = self.next(donor).unwrap_or(donor);
        self.set(donor, to);
        self.set(to, second);
    }

    /// Returns the slots that hold the code of this one, which is about to be erased, and dissolves
    /// the ring.
    pub fn recall(&mut self, donor: u32) -> Vec<u32> {
        let mut holders = Vec::new();
        let mut at = donor;
        while let Some(next) = self.next(at) {
            self.leave(at);
            if next != donor {
                holders.push(next);
            }
            at = next;
        }
        holders
    }

    /// Records that the slot no longer holds another's code.
    pub fn give_back(&mut self, slot: u32) {
        let (Some(previous), Some(next)) = (self.previous(slot), self.next(slot)) else {
            return;
        };
        self.leave(slot);
        match previous == next {
            // Only the donor is left.
            true => self.leave(next),
            false => self.set(previous, next),
        }
    }

    /// Records that the donor at `from` has moved to `to`.
    pub fn relocate(&mut self, from: u32, to: u32) {
        if let (Some(previous), Some(next)) = (self.previous(from), self.next(from)) {
            self.leave(from);
            self.set(previous, to);
            self.set(to, next);
        }
    }

    /// The live slot whose code this slot holds, if it is a different one.
    pub fn donor(&self, slot: u32, is_alive: impl Fn(u32) -> bool) -> Option<u32> {
        let mut at = slot;
        while let Some(next) = self.next(at).filter(|&next| next != slot) {
            if is_alive(next) {
                return Some(next);
            }
            at = next;
        }
        None
    }

    pub fn truncate(&mut self, slots: usize) {
        self.next.truncate(slots);
        self.next.shrink_to(slots);
    }

    pub fn memory_bytes(&self) -> usize {
        self.next.capacity() * size_of::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    const SLOTS: u32 = 24;

    #[derive(Debug, Clone)]
    enum Step {
        Borrow(u32, u32),
        Recall(u32),
        GiveBack(u32),
        Relocate(u32, u32),
    }

    fn step() -> impl Strategy<Value = Step> {
        let two = || (0..SLOTS, 0..SLOTS);
        prop_oneof![
            4 => two().prop_map(|(donor, to)| Step::Borrow(donor, to)),
            1 => (0..SLOTS).prop_map(Step::Recall),
            2 => (0..SLOTS).prop_map(Step::GiveBack),
            1 => two().prop_map(|(from, to)| Step::Relocate(from, to)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn it_is_known_at_any_time_who_holds_whose_code(
            steps in proptest::collection::vec(step(), 1..80),
        ) {
            let mut borrowed = BorrowedCodes::default();
            // The donor of each slot that holds a code.
            let mut model: BTreeMap<u32, u32> = BTreeMap::new();
            for step in steps {
                let lenders: BTreeSet<u32> = model.values().copied().collect();
                match step {
                    Step::Borrow(donor, to) => {
                        let free = !model.contains_key(&to) && !lenders.contains(&to);
                        if donor != to && free && !model.contains_key(&donor) {
                            borrowed.borrow(donor, to, SLOTS as usize);
                            model.insert(to, donor);
                        }
                    }
                    Step::Recall(donor) if !model.contains_key(&donor) => {
                        let mut holders = borrowed.recall(donor);
                        holders.sort_unstable();
                        let of = |(&to, &from): (&u32, &u32)| (from == donor).then_some(to);
                        prop_assert_eq!(holders, model.iter().filter_map(of).collect::<Vec<_>>());
                        model.retain(|_, from| *from != donor);
                    }
                    Step::GiveBack(slot) if !lenders.contains(&slot) => {
                        borrowed.give_back(slot);
                        model.remove(&slot);
                    }
                    Step::Relocate(from, to) => {
                        let unused = !model.contains_key(&to) && !lenders.contains(&to);
                        if lenders.contains(&from) && unused {
                            borrowed.relocate(from, to);
                            model.values_mut().filter(|one| **one == from).for_each(|one| *one = to);
                        }
                    }
                    _ => {}
                }
                for slot in 0..SLOTS {
                    let donor = borrowed.donor(slot, |other| !model.contains_key(&other));
                    let expected = model.get(&slot).copied();
                    prop_assert_eq!(donor, expected);
                }
            }
        }
    }
}
