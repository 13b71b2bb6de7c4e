//! The slot table: which vector is in which slot, and which slots are alive, in use by the graph,
//! or free.

use std::{hash::BuildHasher, sync::OnceLock};

use hashbrown::{DefaultHashBuilder, HashTable};
use roaring::RoaringBitmap;

use super::order::Order;
use crate::{
    clock::LATEST,
    error::{Error, Result},
    wiped::{Id, Wiped},
};

/// The data of a vector besides its values.
#[derive(Debug, Clone)]
pub struct Record {
    /// Identifies this vector as it was inserted. Changing the metadata does not change the key,
    /// and keys are never reused.
    pub key: u64,
    pub id: Id,
    /// The metadata as the caller wrote it: the text of one JSON object.
    pub metadata: Option<Wiped<str>>,
    /// The text the vector was embedded from, if any.
    pub text: Option<Text>,
    pub times: Times,
    /// A number that increases with every new id; an update keeps it. Lists are in this order.
    pub sequence: u64,
}

/// What stands for no expiry.
const NEVER: i64 = -1;

/// When a vector was inserted, and when it expires, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// -1 if it has no expiry of its own: this is one of millions in memory.
    expires_at: i64,
    pub inserted_at: i64,
}

impl Times {
    pub fn new(expires_at: Option<i64>, inserted_at: i64) -> Self {
        Self {
            expires_at: expires_at.unwrap_or(NEVER),
            inserted_at,
        }
    }

    /// Those in a file; `None` if no vector has such times.
    pub fn read(expires_at: i64, inserted_at: i64) -> Option<Self> {
        let is_possible = |time| (0..=LATEST).contains(&time);
        let is_valid = expires_at == NEVER || is_possible(expires_at);
        (is_valid && is_possible(inserted_at)).then_some(Self {
            expires_at,
            inserted_at,
        })
    }

    /// The expiry of its own, if it has one.
    pub fn expires_at(&self) -> Option<i64> {
        Some(self.expires_at).filter(|&at| at != NEVER)
    }

    /// The same with another expiry of its own.
    pub fn expiring(self, expires_at: Option<i64>) -> Self {
        Self::new(expires_at, self.inserted_at)
    }

    /// As in a file: -1 for none, and when it was inserted.
    pub fn write(&self) -> [i64; 2] {
        [self.expires_at, self.inserted_at]
    }
}

impl Default for Times {
    fn default() -> Self {
        Self::new(None, 0)
    }
}

/// A vector's text.
#[derive(Debug, Clone)]
pub enum Text {
    Held(Wiped<str>),
    /// Only in the log; its length in bytes.
    OnDisk(u32),
}

/// Maps ids to slots and back. A slot is in exactly one of four states: *alive* (it has a record),
/// *expired* (it still has its record, until it is erased, but nobody finds it), *retired* (deleted,
/// but a graph may still lead through it, so it must not be reused for another vector) or *free*.
#[derive(Default)]
pub struct Slots {
    records: Vec<Option<Record>>,
    /// The slot of each id, alive or expired. The ids themselves are in the records.
    ids: HashTable<u32>,
    hasher: DefaultHashBuilder,
    alive: RoaringBitmap,
    expired: RoaringBitmap,
    retired: RoaringBitmap,
    free: RoaringBitmap,
    /// Whether slots have been assigned in sequence order so far.
    in_sequence: bool,
    last_sequence: u64,
    /// The order of the live slots, if the slots are not in sequence order. It is built when a list
    /// is first requested, and maintained from then on: sorting for every page would take
    /// milliseconds.
    order: OnceLock<Order>,
    /// The total size of all ids, metadata and texts in bytes.
    text_bytes: usize,
    /// How much of that is in memory.
    held_bytes: usize,
}

impl Record {
    /// The size of its id, metadata and text in bytes.
    pub fn text_bytes(&self) -> usize {
        self.id.len()
            + self.metadata.as_ref().map_or(0, |text| text.len())
            + self.text.as_ref().map_or(0, Text::bytes)
    }

    /// How much of that is in memory.
    fn held_bytes(&self) -> usize {
        match self.text {
            Some(Text::OnDisk(len)) => self.text_bytes() - len as usize,
            _ => self.text_bytes(),
        }
    }
}

impl Text {
    /// Its length in bytes.
    pub fn bytes(&self) -> usize {
        match self {
            Text::Held(text) => text.len(),
            Text::OnDisk(len) => *len as usize,
        }
    }
}

/// Up to this many slots are changed one by one. The operators on whole sets rewrite every
/// container they touch, in which the slot of a single delete is one of thousands.
const FEW: u64 = 16;
/// If more than 1/`MANY` of the slots are removed at once, the order is rebuilt.
const MANY: u64 = 8;

/// `from -= slots`, also fast if there are few slots.
fn remove_all(from: &mut RoaringBitmap, slots: &RoaringBitmap) {
    if slots.len() > FEW {
        *from -= slots;
        return;
    }
    for slot in slots {
        from.remove(slot);
    }
}

/// `to |= slots`, also fast if there are few slots.
fn insert_all(to: &mut RoaringBitmap, slots: &RoaringBitmap) {
    if slots.len() > FEW {
        *to |= slots;
        return;
    }
    for slot in slots {
        to.insert(slot);
    }
}

/// The hash of the id at a slot that has a record.
fn hash_of<'a>(
    records: &'a [Option<Record>],
    hasher: &'a DefaultHashBuilder,
) -> impl Fn(&u32) -> u64 + 'a {
    |&slot| {
        let record = records[slot as usize].as_ref();
        hasher.hash_one(record.map_or("", |record| &*record.id))
    }
}

impl Slots {
    pub fn new() -> Self {
        Self {
            in_sequence: true,
            ..Self::default()
        }
    }

    /// The single source of truth for whether a slot exists.
    pub fn alive(&self) -> &RoaringBitmap {
        &self.alive
    }

    /// The slots of vectors that have expired and are not erased yet.
    pub fn expired(&self) -> &RoaringBitmap {
        &self.expired
    }

    pub fn retired(&self) -> &RoaringBitmap {
        &self.retired
    }

    /// All slots with a record.
    pub fn recorded(&self) -> RoaringBitmap {
        &self.alive | &self.expired
    }

    pub fn len(&self) -> usize {
        self.alive.len() as usize
    }

    pub fn is_empty(&self) -> bool {
        self.alive.is_empty()
    }

    /// The number of different ids, those of expired vectors included.
    pub fn id_count(&self) -> usize {
        self.ids.len()
    }

    pub fn slot_of(&self, id: &str) -> Option<u32> {
        let is_alive = |&slot: &u32| self.expired.is_empty() || !self.expired.contains(slot);
        self.recorded_slot_of(id).filter(is_alive)
    }

    /// The slot of an expired vector that has the id and is not erased yet.
    pub fn expired_slot_of(&self, id: &str) -> Option<u32> {
        if self.expired.is_empty() {
            return None;
        }
        let is_expired = |&slot: &u32| self.expired.contains(slot);
        self.recorded_slot_of(id).filter(is_expired)
    }

    fn recorded_slot_of(&self, id: &str) -> Option<u32> {
        let is_it = |&slot: &u32| self.record(slot).is_some_and(|record| *record.id == *id);
        self.ids.find(self.hasher.hash_one(id), is_it).copied()
    }

    pub fn record(&self, slot: u32) -> Option<&Record> {
        self.records.get(slot as usize)?.as_ref()
    }

    /// Checks that there is room for `count` more vectors.
    pub fn check_room(&self, count: usize) -> Result<()> {
        let taken = self.records.len() as u64 - self.free.len();
        if taken + count as u64 > u64::from(u32::MAX) {
            return Err(Error::Validation(format!(
                "a collection holds at most {} vectors",
                u32::MAX
            )));
        }
        Ok(())
    }

    /// Reserves memory for that many more vectors.
    pub fn reserve(&mut self, count: usize) {
        self.records.reserve_exact(count);
        let (records, hasher) = (&self.records, &self.hasher);
        self.ids.reserve(count, hash_of(records, hasher));
    }

    /// Assigns a slot to the record; its id now refers to that slot. A slot the id had before stays
    /// as it is until it is released: the caller does both under one lock.
    pub fn occupy(&mut self, record: Record) -> u32 {
        let slot = match self.free.min() {
            Some(slot) => {
                self.free.remove(slot);
                slot
            }
            None => {
                self.records.push(None);
                (self.records.len() - 1) as u32
            }
        };
        let is_last = slot as usize + 1 == self.records.len()
            || self.alive.max().is_none_or(|last| last < slot);
        self.in_sequence &= is_last && record.sequence >= self.last_sequence;
        self.last_sequence = record.sequence;
        self.text_bytes += record.text_bytes();
        self.held_bytes += record.held_bytes();
        self.alive.insert(slot);
        if let Some(order) = self.order.get_mut() {
            order.insert(record.sequence, slot);
        }
        let hash = self.hasher.hash_one(&*record.id);
        let (records, hasher) = (&self.records, &self.hasher);
        let is_it = |&other: &u32| {
            let other = records[other as usize].as_ref();
            other.is_some_and(|other| other.id == record.id)
        };
        let entry = self.ids.entry(hash, is_it, hash_of(records, hasher));
        entry.and_modify(|other| *other = slot).or_insert(slot);
        self.records[slot as usize] = Some(record);
        slot
    }

    /// Replaces the metadata, text and times of a live slot; its id stays.
    pub fn update_record(
        &mut self,
        slot: u32,
        metadata: Option<Wiped<str>>,
        text: Option<Text>,
        times: Times,
    ) {
        if let Some(record) = self.records.get_mut(slot as usize).and_then(Option::as_mut) {
            self.text_bytes -= record.text_bytes();
            self.held_bytes -= record.held_bytes();
            record.metadata = metadata;
            record.text = text;
            record.times = times;
            self.text_bytes += record.text_bytes();
            self.held_bytes += record.held_bytes();
        }
    }

    /// Takes the text of a live slot out of its record, which is about to be replaced.
    pub fn take_text(&mut self, slot: u32) -> Option<Text> {
        let record = self.records.get_mut(slot as usize)?.as_mut()?;
        self.text_bytes -= record.text_bytes();
        self.held_bytes -= record.held_bytes();
        let text = record.text.take();
        self.text_bytes += record.text_bytes();
        self.held_bytes += record.held_bytes();
        text
    }

    /// Records that the vectors at the live `slots` have expired. Their records stay until they are
    /// released.
    pub fn expire(&mut self, slots: &RoaringBitmap) {
        self.thin_out(slots);
        if self.order.get().is_some() {
            for slot in slots {
                let sequence = self.sequence(slot);
                if let Some(order) = self.order.get_mut() {
                    order.remove(sequence, slot);
                }
            }
        }
        remove_all(&mut self.alive, slots);
        insert_all(&mut self.expired, slots);
    }

    /// Drops the order if it is faster to build it again than to remove these slots from it.
    fn thin_out(&mut self, slots: &RoaringBitmap) {
        if slots.len() > self.alive.len() / MANY {
            self.order.take();
        }
    }

    /// Drops the records of the live or expired `slots`, which become retired.
    pub fn release(&mut self, slots: &RoaringBitmap) {
        self.thin_out(slots);
        for slot in slots {
            if let Some(record) = self.records[slot as usize].take() {
                self.text_bytes -= record.text_bytes();
                self.held_bytes -= record.held_bytes();
                if let Some(order) = self.order.get_mut() {
                    order.remove(record.sequence, slot);
                }
                let hash = self.hasher.hash_one(&*record.id);
                // The id may be that of another slot by now.
                if let Ok(entry) = self.ids.find_entry(hash, |&other| other == slot) {
                    entry.remove();
                }
            }
        }
        remove_all(&mut self.alive, slots);
        remove_all(&mut self.expired, slots);
        insert_all(&mut self.retired, slots);
    }

    /// Adds that many retired slots behind all others.
    pub fn retire_more(&mut self, count: usize) {
        let end = self.records.len();
        self.records.reserve_exact(count);
        self.records.resize_with(end + count, || None);
        self.retired.insert_range(end as u32..(end + count) as u32);
    }

    /// Frees retired `slots` that no graph leads through any more.
    pub fn recycle(&mut self, slots: &RoaringBitmap) {
        remove_all(&mut self.retired, slots);
        insert_all(&mut self.free, slots);
    }

    /// Moves a live vector to the lowest free slot, if that is below its own. If vectors are moved
    /// one after the other from the lowest on, they keep their order.
    pub fn move_down(&mut self, slot: u32) -> Option<u32> {
        let free = self.free.min().filter(|&free| free < slot)?;
        let record = self.records[slot as usize].take()?;
        let hash = self.hasher.hash_one(&*record.id);
        if let Some(at) = self.ids.find_mut(hash, |&other| other == slot) {
            *at = free;
        }
        if let Some(order) = self.order.get_mut() {
            order.insert(record.sequence, free);
        }
        self.records[free as usize] = Some(record);
        self.alive.remove(slot);
        self.alive.insert(free);
        self.free.remove(free);
        self.free.insert(slot);
        Some(free)
    }

    /// Drops the free slots above the highest one in use. Returns how many slots are left.
    pub fn truncate(&mut self) -> usize {
        let kept = [&self.alive, &self.expired, &self.retired];
        let highest = kept.into_iter().filter_map(RoaringBitmap::max).max();
        let len = highest.map_or(0, |slot| slot as usize + 1);
        self.records.truncate(len);
        self.records.shrink_to(len);
        self.free.remove_range(len as u32..);
        let (records, hasher) = (&self.records, &self.hasher);
        self.ids.shrink_to_fit(hash_of(records, hasher));
        if len == 0 {
            self.in_sequence = true;
            self.order.take();
        }
        len
    }

    /// The number of slots that the next vectors get before new ones are added.
    pub fn free_len(&self) -> usize {
        self.free.len() as usize
    }

    /// The number of all slots: alive, expired, retired and free.
    pub fn table_len(&self) -> usize {
        self.records.len()
    }

    /// Sorts live `slots` by the order in which their ids were first inserted.
    pub fn in_insertion_order(&self, slots: &RoaringBitmap) -> Vec<u32> {
        self.first_in_order(slots, usize::MAX)
    }

    /// The first `limit` of the live `slots` in that order.
    pub fn first_in_order(&self, slots: &RoaringBitmap, limit: usize) -> Vec<u32> {
        if self.in_sequence {
            return slots.iter().take(limit).collect();
        }
        let mut order: Vec<u32> = slots.iter().collect();
        if limit < order.len() {
            order.select_nth_unstable_by_key(limit, |&slot| self.sequence(slot));
            order.truncate(limit);
        }
        order.sort_unstable_by_key(|&slot| self.sequence(slot));
        order
    }

    /// At most `limit` of all live slots in that order, from position `offset` on.
    pub fn page(&self, offset: usize, limit: usize) -> Vec<u32> {
        if !self.in_sequence {
            return self.order().from(offset).take(limit).collect();
        }
        let offset = u32::try_from(offset).ok();
        let Some(first) = offset.and_then(|offset| self.alive.select(offset)) else {
            return Vec::new();
        };
        self.alive.range(first..).take(limit).collect()
    }

    /// Those of the live `slots` that have this sequence number or a later one, in that order.
    pub fn starting_at<'a>(
        &'a self,
        slots: &'a RoaringBitmap,
        sequence: u64,
    ) -> Box<dyn Iterator<Item = u32> + 'a> {
        if !self.in_sequence {
            let later = self.order().starting_at(sequence);
            return Box::new(later.filter(|&slot| slots.contains(slot)));
        }
        // The slots are in the order of their sequence numbers: the first one is found by halving.
        let (mut from, mut to) = (0, slots.len() as u32);
        while from < to {
            let middle = from + (to - from) / 2;
            let is_before = |slot| self.sequence(slot) < sequence;
            if slots.select(middle).is_some_and(is_before) {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        match slots.select(from) {
            Some(first) => Box::new(slots.range(first..)),
            None => Box::new(std::iter::empty()),
        }
    }

    fn order(&self) -> &Order {
        let pairs = self.alive.iter().map(|slot| (self.sequence(slot), slot));
        self.order.get_or_init(|| Order::of(pairs))
    }

    pub fn sequence(&self, slot: u32) -> u64 {
        self.record(slot).map_or(u64::MAX, |record| record.sequence)
    }

    /// The total size of all ids, metadata and texts in bytes.
    pub fn text_bytes(&self) -> usize {
        self.text_bytes
    }

    pub fn memory_bytes(&self) -> usize {
        self.held_bytes
            + self.records.capacity() * size_of::<Option<Record>>()
            + self.ids.allocation_size()
            + self.alive.serialized_size()
            + self.expired.serialized_size()
            + self.retired.serialized_size()
            + self.free.serialized_size()
            + self.order.get().map_or(0, Order::memory_bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(id: &str, sequence: u64) -> Record {
        Record {
            key: sequence,
            id: id.into(),
            metadata: None,
            text: None,
            times: Times::default(),
            sequence,
        }
    }

    fn one(slot: u32) -> RoaringBitmap {
        RoaringBitmap::from_iter([slot])
    }

    #[test]
    fn a_slot_is_used_again_only_after_it_was_recycled() {
        let mut slots = Slots::new();
        assert_eq!(slots.occupy(record("a", 0)), 0);
        assert_eq!(slots.occupy(record("b", 1)), 1);
        slots.release(&one(0));
        assert_eq!(slots.occupy(record("c", 2)), 2);
        slots.recycle(&one(0));
        assert_eq!(slots.occupy(record("d", 3)), 0);
        assert_eq!(slots.slot_of("a"), None);
        assert_eq!(slots.slot_of("d"), Some(0));
        assert_eq!(slots.in_insertion_order(slots.alive()), [1, 2, 0]);
    }

    #[test]
    fn lowered_vectors_keep_their_order_and_leave_the_end_free() {
        let mut slots = Slots::new();
        for (i, id) in ["a", "b", "c", "d", "e", "f"].iter().enumerate() {
            slots.occupy(record(id, i as u64));
        }
        let gone = RoaringBitmap::from_iter([0, 2, 3]);
        slots.release(&gone);
        slots.recycle(&gone);
        let moved: Vec<_> = [1, 4, 5].map(|slot| slots.move_down(slot)).to_vec();
        assert_eq!(moved, [Some(0), Some(1), Some(2)]);
        assert_eq!(slots.truncate(), 3);
        let ids = slots.in_insertion_order(slots.alive());
        let ids: Vec<&str> = ids.iter().map(|&s| &*slots.record(s).unwrap().id).collect();
        assert_eq!(ids, ["b", "e", "f"]);
        assert_eq!(slots.slot_of("f"), Some(2));
        assert_eq!(slots.move_down(2), None);
        assert_eq!(slots.occupy(record("g", 6)), 3);
    }

    #[derive(Debug, Clone)]
    enum Step {
        /// Inserts the id, or replaces its vector.
        Put(u8),
        Delete(Vec<u8>),
        /// Makes deleted slots usable again.
        Recycle,
        /// Moves what is alive to the lowest slots.
        Compact,
        /// Looks at a page.
        Page(usize, usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            8 => (0..40u8).prop_map(Step::Put),
            3 => proptest::collection::vec(0..40u8, 1..4).prop_map(Step::Delete),
            1 => Just(Step::Delete((0..40).collect())),
            2 => Just(Step::Recycle),
            1 => Just(Step::Compact),
            4 => (0..50usize, 0..20usize).prop_map(|(offset, limit)| Step::Page(offset, limit)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn every_page_is_part_of_the_list_in_which_ids_were_first_inserted(
            steps in proptest::collection::vec(step(), 1..120),
        ) {
            let mut slots = Slots::new();
            let mut model: Vec<u8> = Vec::new();
            let mut sequence = 0;
            for step in steps {
                match step {
                    Step::Put(id) => {
                        let old = slots.slot_of(&id.to_string());
                        let kept = old.map(|slot| slots.sequence(slot));
                        let at = kept.unwrap_or(sequence);
                        slots.occupy(record(&id.to_string(), at));
                        match old {
                            Some(slot) => slots.release(&one(slot)),
                            None => {
                                sequence += 1;
                                model.push(id);
                            }
                        }
                    }
                    Step::Delete(ids) => {
                        let gone = ids.iter().filter_map(|id| slots.slot_of(&id.to_string()));
                        let gone: RoaringBitmap = gone.collect();
                        slots.release(&gone);
                        model.retain(|id| !ids.contains(id));
                    }
                    Step::Recycle => {
                        let retired = slots.retired().clone();
                        slots.recycle(&retired);
                    }
                    Step::Compact => {
                        for slot in slots.alive().clone() {
                            slots.move_down(slot);
                        }
                        slots.truncate();
                    }
                    Step::Page(offset, limit) => {
                        let ids = |order: Vec<u32>| -> Vec<u8> {
                            let record = |slot| slots.record(slot).unwrap();
                            order.into_iter().map(|s| record(s).id.parse().unwrap()).collect()
                        };
                        let page = model.iter().copied().skip(offset).take(limit);
                        prop_assert_eq!(ids(slots.page(offset, limit)), page.collect::<Vec<_>>());
                        let first = slots.first_in_order(slots.alive(), limit);
                        prop_assert_eq!(ids(first), &model[..limit.min(model.len())]);
                        let even = slots.alive().iter().filter(|slot| slot % 2 == 0).collect();
                        for some in [slots.alive(), &even] {
                            let later = slots.starting_at(some, offset as u64).collect();
                            let mut all = slots.in_insertion_order(some);
                            all.retain(|&slot| slots.sequence(slot) >= offset as u64);
                            prop_assert_eq!(ids(later), ids(all));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn after_a_replaced_vector_pages_go_by_an_order_that_later_writes_keep_up() {
        let mut slots = Slots::new();
        for i in 0..100 {
            slots.occupy(record(&i.to_string(), i));
        }
        assert!(slots.page(0, 10).into_iter().eq(0..10));
        assert!(slots.order.get().is_none());
        let moved = slots.occupy(record("3", 3));
        slots.release(&one(3));
        assert_eq!(slots.page(2, 3), [2, moved, 4]);
        slots.release(&one(4));
        slots.occupy(record("new", 100));
        assert!(slots.order.get().is_some());
        assert_eq!(slots.page(2, 3), [2, moved, 5]);
        assert_eq!(slots.page(98, 3), [99, 101]);
    }

    #[test]
    fn vectors_in_slots_that_are_used_again_behind_all_others_keep_the_order() {
        let mut slots = Slots::new();
        slots.occupy(record("a", 0));
        slots.retire_more(3);
        assert_eq!((slots.table_len(), slots.len()), (4, 1));
        assert_eq!(*slots.retired(), (1..4).collect());
        let retired = slots.retired().clone();
        slots.recycle(&retired);
        for (i, id) in (1..).zip(["b", "c", "d", "e"]) {
            slots.occupy(record(id, i));
        }
        assert!(slots.in_sequence);
        assert!(slots.page(0, 9).into_iter().eq(0..5));
    }

    #[test]
    fn an_updated_vector_keeps_its_place_in_lists() {
        let mut slots = Slots::new();
        slots.occupy(record("a", 0));
        slots.occupy(record("b", 1));
        let slot = slots.occupy(record("a", 0));
        slots.release(&one(0));
        assert_eq!(slots.slot_of("a"), Some(slot));
        assert_eq!(slots.len(), 2);
        assert_eq!(slots.in_insertion_order(slots.alive()), [slot, 1]);
    }
}
