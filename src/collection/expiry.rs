//! Expiry: from its instant on, no read finds a vector, and soon afterwards it is erased.
//!
//! A vector that is due *expires* when a call takes the collection's lock: its slot is no longer
//! alive, which costs next to nothing and is all that reads look at. What is left of it is erased
//! later, in portions, in the way of every delete (`client/expiry.rs` decides when).
//!
//! The instant is the vector's own or, if it has none and the collection has a TTL, that long after
//! it was inserted. What is due next is known from an index of each, ordered by time.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use parking_lot::RwLockWriteGuard;
use roaring::RoaringBitmap;

use super::{
    Access, Collection, State,
    erasing::Cause,
    write::{Write, head_of, label_of},
};
use crate::{
    cancel,
    clock::{Clock, LATEST},
    error::{Error, Result},
    storage::Sealed,
    vectors::{Slots, Times},
};

/// How many vectors are erased at a time.
const PORTION: u32 = 1024;
/// How long a portion waits for the lock before the next collection has its turn.
const PATIENCE: Duration = Duration::from_millis(100);
/// The most vectors that the JavaScript thread lets expire, or looks at.
const LITTLE_DUE: u64 = 4096;
/// The memory of an instant and its slots, about.
const INSTANT_BYTES: usize = 128;

/// What an update does to a vector's own expiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExpiryChange {
    #[default]
    Keep,
    /// From now on it has none; the collection's TTL may apply.
    Never,
    /// In milliseconds since 1970.
    At(i64),
}

impl ExpiryChange {
    pub(super) fn apply(self, times: Times) -> Times {
        match self {
            ExpiryChange::Keep => times,
            ExpiryChange::Never => times.expiring(None),
            ExpiryChange::At(at) => times.expiring(Some(at)),
        }
    }
}

impl From<Option<i64>> for ExpiryChange {
    fn from(expires_at: Option<i64>) -> Self {
        expires_at.map_or(ExpiryChange::Never, ExpiryChange::At)
    }
}

/// Called when a collection has something that will expire, or that has expired.
pub type OnExpiring = Arc<dyn Fn() + Send + Sync>;

/// The clock by which the vectors of a collection expire, and who erases them.
#[derive(Clone, Default)]
pub struct Timer {
    pub clock: Clock,
    /// Told after writes that there is something to erase, now or later; it is told often. `None` if
    /// nobody erases it but the owner, with `erase_expired`.
    pub on_expiring: Option<OnExpiring>,
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Timer")
    }
}

impl From<Clock> for Timer {
    fn from(clock: Clock) -> Self {
        Self {
            clock,
            on_expiring: None,
        }
    }
}

/// Checks an instant at which a vector is to expire. `name` is what the caller calls it.
pub fn check_expiry(name: &str, at: i64) -> Result<()> {
    if (0..=LATEST).contains(&at) {
        return Ok(());
    }
    Err(Error::Validation(format!(
        "{name} is {at}; it must be a whole number of milliseconds since 1970, from 0 to {LATEST}"
    )))
}

/// Which live slots expire when.
pub(super) struct Expiries {
    /// The slots whose vectors have an expiry of their own, by that.
    own: BTreeMap<i64, RoaringBitmap>,
    /// The others by when they were inserted. Empty without a TTL: it is built when there is one.
    by_insertion: BTreeMap<i64, RoaringBitmap>,
    /// The TTL in milliseconds; 0 for none.
    ttl: i64,
    /// The first instant at which something expires; `i64::MAX` if there is none.
    next_due: i64,
}

impl Default for Expiries {
    fn default() -> Self {
        Self {
            own: BTreeMap::new(),
            by_insertion: BTreeMap::new(),
            ttl: 0,
            next_due: i64::MAX,
        }
    }
}

fn remove(from: &mut BTreeMap<i64, RoaringBitmap>, at: i64, slot: u32) {
    if let Some(slots) = from.get_mut(&at) {
        slots.remove(slot);
        if slots.is_empty() {
            from.remove(&at);
        }
    }
}

impl Expiries {
    /// When a vector with these times expires.
    pub(super) fn instant(&self, times: Times) -> Option<i64> {
        times
            .expires_at()
            .or_else(|| (self.ttl > 0).then(|| self.by_ttl(times.inserted_at)))
    }

    /// When a vector expires that was inserted then and has no expiry of its own.
    fn by_ttl(&self, inserted_at: i64) -> i64 {
        inserted_at.saturating_add(self.ttl).min(LATEST)
    }

    /// Adds a live slot.
    pub(super) fn insert(&mut self, slot: u32, times: Times) {
        let Some(instant) = self.instant(times) else {
            return;
        };
        let (map, at) = match times.expires_at() {
            Some(at) => (&mut self.own, at),
            None => (&mut self.by_insertion, times.inserted_at),
        };
        map.entry(at).or_default().insert(slot);
        self.next_due = self.next_due.min(instant);
    }

    /// Removes a slot, if it is there.
    pub(super) fn remove(&mut self, slot: u32, times: Times) {
        if self.is_empty() {
            return;
        }
        match times.expires_at() {
            Some(at) => remove(&mut self.own, at, slot),
            None => remove(&mut self.by_insertion, times.inserted_at, slot),
        }
        self.look_ahead();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.next_due == i64::MAX
    }

    /// The first instant at which something expires; `i64::MAX` if there is none.
    pub(super) fn next_due(&self) -> i64 {
        self.next_due
    }

    fn look_ahead(&mut self) {
        let first = |map: &BTreeMap<i64, RoaringBitmap>| Some(*map.first_key_value()?.0);
        let inserted = first(&self.by_insertion).map(|at| self.by_ttl(at));
        let next = first(&self.own).into_iter().chain(inserted).min();
        self.next_due = next.unwrap_or(i64::MAX);
    }

    /// Changes the TTL. Takes as long as looking at every vector.
    fn set_ttl(&mut self, seconds: u32, slots: &Slots) {
        let had = self.ttl > 0;
        self.ttl = i64::from(seconds) * 1000;
        if self.ttl == 0 {
            self.by_insertion.clear();
        } else if !had {
            for slot in slots.alive() {
                let times = slots.record(slot).map(|record| record.times);
                if let Some(times) = times.filter(|times| times.expires_at().is_none()) {
                    let slots = self.by_insertion.entry(times.inserted_at);
                    slots.or_default().insert(slot);
                }
            }
        }
        self.look_ahead();
    }

    /// Whether more than `most` slots are due.
    fn has_many(&self, now: i64, most: u64) -> bool {
        let own = self.own.iter().take_while(|(at, _)| **at <= now);
        let inserted = self.by_insertion.iter();
        let inserted = inserted.take_while(|(at, _)| self.by_ttl(**at) <= now);
        let mut sum = 0;
        own.chain(inserted).any(|(_, slots)| {
            sum += slots.len();
            sum > most
        })
    }

    /// Removes and returns the slots that are due.
    fn take_due(&mut self, now: i64) -> RoaringBitmap {
        // Gathered in a list: there may be as many sets as vectors.
        let mut due: Vec<u32> = Vec::new();
        while let Some(first) = self.own.first_entry().filter(|first| *first.key() <= now) {
            due.extend(first.remove());
        }
        while let Some(first) = self.by_insertion.first_key_value()
            && self.by_ttl(*first.0) <= now
        {
            let first = self.by_insertion.pop_first();
            due.extend(first.into_iter().flat_map(|(_, slots)| slots));
        }
        self.look_ahead();
        due.sort_unstable();
        due.into_iter().collect()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        (self.own.len() + self.by_insertion.len()) * INSTANT_BYTES
    }
}

impl State {
    /// The collection's TTL in seconds.
    pub(super) fn ttl(&self) -> Option<u32> {
        Some(self.journal.ttl()).filter(|&seconds| seconds > 0)
    }

    /// Brings the index of what expires when in line with the TTL in the journal.
    pub(super) fn apply_ttl(&mut self) {
        self.expiries.set_ttl(self.journal.ttl(), &self.slots);
    }

    /// Whether anything expires some time, or has expired and is not erased yet.
    pub(super) fn expires(&self) -> bool {
        !self.expiries.is_empty() || !self.slots.expired().is_empty()
    }

    /// Whether something has to expire before the state may be read. Where nothing ever expires, it
    /// is a single comparison.
    pub(super) fn is_due(&self, clock: &Clock) -> bool {
        !self.expiries.is_empty() && clock.now() >= self.expiries.next_due
    }

    /// Lets everything expire that is due. Returns `WouldBlock` if a thread that must not wait is
    /// asked for more than a little work.
    pub(super) fn expire(&mut self, access: Access, clock: &Clock) -> Result<()> {
        if !self.is_due(clock) {
            return Ok(());
        }
        let now = clock.now();
        if access != Access::Wait && self.expiries.has_many(now, LITTLE_DUE) {
            return Err(Error::WouldBlock);
        }
        let due = self.expiries.take_due(now);
        self.slots.expire(&due);
        self.pending -= &due;
        Ok(())
    }

    /// The vectors that have expired and are not erased yet, up to a portion.
    fn portion(&self) -> RoaringBitmap {
        let mut portion = self.slots.expired().clone();
        if let Some(end) = portion.select(PORTION) {
            portion.remove_range(end..);
        }
        portion
    }
}

impl Collection {
    /// Sets or removes a vector's own expiry, in milliseconds since 1970. Without one, the
    /// collection's TTL applies, if it has one.
    pub fn set_expiry(
        self: &Arc<Self>,
        access: Access,
        id: &str,
        expires_at: Option<i64>,
    ) -> Result<()> {
        if let Some(at) = expires_at {
            check_expiry("expires_at", at)?;
        }
        let state = self.write(access)?;
        let slot = state.slots.slot_of(id).ok_or_else(|| self.not_found(id))?;
        let fields = state.fields.len();
        state.check_little(access, &RoaringBitmap::from_iter([slot]), fields)?;
        let record = state.slots.record(slot);
        let mut record = record.cloned().ok_or_else(|| self.not_found(id))?;
        record.times = record.times.expiring(expires_at);
        let head = head_of(&record)?;
        let mut sealed = Sealed::default();
        if let Some(name) = self.sealed_for {
            let values = state.values(access, slot, &record)?;
            let code = state.vectors.coded(slot);
            sealed = Sealed::new(name, 1)?;
            sealed.push(&head, values.row(), code, &label_of(&record), values.text())?;
        }
        let mut write = self.commit(state, RoaringBitmap::new(), vec![head], &sealed)?;
        write.update_in_place(slot, record);
        write.finish()
    }

    /// Sets or removes the collection's TTL: the time in seconds after its insertion at which a
    /// vector without an expiry of its own expires.
    ///
    /// The first TTL takes as long as looking at every vector. With one, the vectors without an
    /// expiry of their own are in an index by the millisecond in which they were inserted, which
    /// takes a hundred bytes for each.
    pub fn set_ttl(self: &Arc<Self>, access: Access, seconds: Option<u32>) -> Result<()> {
        if seconds == Some(0) {
            return Err(Error::Validation(
                "a TTL of 0 seconds would leave nothing: give 1 second or more, or none at all"
                    .into(),
            ));
        }
        let mut state = self.write(access)?;
        // What has expired by the TTL until now would be there again at the next opening.
        while !state.slots.expired().is_empty() && !self.clock().is_paused() {
            if access != Access::Wait {
                return Err(Error::WouldBlock);
            }
            cancel::check()?;
            // Of a store that cannot be written any more, nothing is erased.
            let health = state.journal.log().map(|log| log.sync().health().clone());
            drop(state);
            health.map_or(Ok(()), |health| health.check())?;
            while self.erase_expired()? {}
            state = self.write(access)?;
        }
        let is_first = state.ttl().is_none() && seconds.is_some();
        if access == Access::Now && is_first && state.slots.alive().len() > LITTLE_DUE {
            return Err(Error::WouldBlock);
        }
        cancel::commit()?;
        let commit = state.journal.commit_ttl(seconds.unwrap_or(0))?;
        state.updated_at = commit.time;
        state.apply_ttl();
        Write::of_nothing(self, state, commit).finish()
    }

    /// Lets everything expire that is due, and erases some of what has expired, like a delete.
    /// Returns whether there is more that can be erased now: nothing while the clock is paused, or
    /// when the store cannot be written to any more.
    pub fn erase_expired(self: &Arc<Self>) -> Result<bool> {
        let has_expired = {
            let state = self.read(Access::Wait)?;
            !state.slots.expired().is_empty()
        };
        if !has_expired || self.clock().is_paused() {
            return Ok(false);
        }
        // Whoever holds the lock for long keeps nobody else's vectors from being erased.
        let Some(state) = self.state.try_write_for(PATIENCE) else {
            return Ok(true);
        };
        self.check(state.dropped)?;
        let state = self.expired(Access::Wait, state)?;
        let log = state.journal.log();
        let is_failed = log.is_some_and(|log| log.sync().health().is_failed());
        // The clock may have jumped while this waited: what has expired by that is kept.
        if is_failed || self.clock().is_paused() {
            return Ok(false);
        }
        let portion = state.portion();
        let erased = portion.len();
        if erased == 0 {
            return Ok(false);
        }
        let has_more = state.slots.expired().len() > erased;
        let updated_at = state.updated_at;
        let (all, cause) = ((&portion, &portion), Cause::EXPIRY);
        let begun = self.begin_erasure_beside_readers(state, all, cause, (None, None));
        let (state, mut erasure) = begun?;
        let undone = |error| erasure.undone(error);
        let write = self.commit_or(state, portion, Vec::new(), &Sealed::default(), undone);
        let mut write = write?;
        // Nobody has written anything: what no read finds any more is gone.
        write.state.updated_at = updated_at;
        write.state.erased.vectors += erased;
        write.finish_erasing(erasure, false)?;
        Ok(has_more)
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.timer.clock
    }

    /// Tells whoever erases what expires that there is something to erase, now or later.
    pub(super) fn tell_expiring(&self) {
        if let Some(on_expiring) = &self.timer.on_expiring {
            on_expiring();
        }
    }

    /// Lets everything expire that is due, under the exclusive lock.
    pub(super) fn expired<'a>(
        &self,
        access: Access,
        mut state: RwLockWriteGuard<'a, State>,
    ) -> Result<RwLockWriteGuard<'a, State>> {
        state.expire(access, self.clock())?;
        Ok(state)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::vectors::Record;

    #[derive(Debug, Clone)]
    enum Step {
        Insert(Option<i64>, i64),
        Remove(usize),
        Ttl(u32),
        Expire(i64),
    }

    fn step() -> impl Strategy<Value = Step> {
        let own = proptest::option::of(0..20_000i64);
        prop_oneof![
            6 => (own, 0..20_000i64).prop_map(|(own, at)| Step::Insert(own, at)),
            2 => any::<usize>().prop_map(Step::Remove),
            1 => (0..10u32).prop_map(Step::Ttl),
            2 => (0..30_000i64).prop_map(Step::Expire),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn exactly_those_are_due_whose_instant_has_come(
            steps in proptest::collection::vec(step(), 1..80),
        ) {
            let (mut slots, mut expiries) = (Slots::new(), Expiries::default());
            let mut ttl = 0;
            for (i, step) in (0..).zip(steps) {
                let of = |slots: &Slots, slot| slots.record(slot).unwrap().times;
                match step {
                    Step::Insert(own, at) => {
                        let times = Times::new(own, at);
                        let slot = slots.occupy(Record {
                            key: i,
                            id: i.to_string().as_str().into(),
                            metadata: None,
                            text: None,
                            times,
                            sequence: i,
                        });
                        expiries.insert(slot, times);
                    }
                    Step::Remove(at) if !slots.is_empty() => {
                        let at = (at % slots.len()) as u32;
                        let slot = slots.alive().select(at).unwrap();
                        expiries.remove(slot, of(&slots, slot));
                        slots.release(&RoaringBitmap::from_iter([slot]));
                    }
                    Step::Remove(_) => {}
                    Step::Ttl(seconds) => {
                        ttl = i64::from(seconds) * 1000;
                        expiries.set_ttl(seconds, &slots);
                    }
                    Step::Expire(now) => {
                        let many = expiries.has_many(now, 0);
                        let due = expiries.take_due(now);
                        prop_assert_eq!(many, !due.is_empty());
                        let instant = |slots: &Slots, slot| {
                            let times = of(slots, slot);
                            let by_ttl = (ttl > 0).then_some(times.inserted_at + ttl);
                            times.expires_at().or(by_ttl)
                        };
                        let is_due = |slot: &u32| instant(&slots, *slot).is_some_and(|at| at <= now);
                        let expected: RoaringBitmap = slots.alive().iter().filter(is_due).collect();
                        prop_assert_eq!(&due, &expected);
                        slots.expire(&due);
                        let left = slots.alive().iter();
                        let left = left.filter_map(|slot| instant(&slots, slot)).min();
                        prop_assert_eq!(expiries.next_due, left.unwrap_or(i64::MAX));
                    }
                }
            }
        }
    }

    #[test]
    fn an_instant_is_a_time_from_1970_on_that_a_date_can_have() {
        for at in [0, 1, LATEST] {
            check_expiry("x", at).unwrap();
        }
        for at in [-1, LATEST + 1, i64::MIN, i64::MAX] {
            let Err(Error::Validation(why)) = check_expiry("vectors[2].expires_at", at) else {
                panic!("{at} is accepted");
            };
            assert!(
                why.starts_with(&format!("vectors[2].expires_at is {at}; ")),
                "{why}"
            );
        }
    }
}
