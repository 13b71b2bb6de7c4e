//! Moving and copying vectors to another collection, all in one step.
//!
//! 1. The vectors are selected.
//! 2. They are read, in portions under the shared lock, and encoded and sealed for the destination,
//!    without a lock.
//! 3. With other writes to both collections waiting, they are selected again. If these are the
//!    vectors that were read, and they have not changed since, all is committed: to the destination
//!    first and, if they are moved, when they are on disk there, to the source. Otherwise they are
//!    read again; at last while other writes wait.
//!
//! What is undeleted is moved here from the collection's bin, and is then as it was when it was
//! deleted (`bin.rs`).
//!
//! Nothing but the two commits excludes readers, one collection at a time: for a moment they find a
//! vector in both, and never in neither. If the process ends between the two commits, the second
//! one is made at the next opening (`storage/pending.rs`).

use std::{convert::identity, sync::Arc};

use hashbrown::HashMap;
use parking_lot::{RwLockUpgradableReadGuard, RwLockWriteGuard};
use roaring::RoaringBitmap;
use zeroize::Zeroizing;

use super::{
    Access, Collection, Guards, OnProgress, Prepared, Receipt, Refusal, State,
    erasing::{Cause, Erasure},
    insert::{BLOCK, Row, tell},
    rounds::{Mark, PORTION},
    write::Write,
};
use crate::{
    cancel,
    error::{Error, Result},
    filter::Filter,
    storage::{Condition, NAME, Numbers, Pending, PendingFile, Removal, Sealed},
    vectors::{Codes, Metric, Text, Times},
    wiped::{Id, Wiped},
};

/// Which vectors a call is about.
pub enum Selection {
    Ids(Vec<String>),
    Filter(Filter),
}

/// Vectors to move or copy to another collection.
// Each is an option of the call.
#[allow(clippy::struct_excessive_bools)]
pub struct Transfer {
    pub selection: Selection,
    /// Whether they are deleted where they were.
    pub moves: bool,
    /// Replace vectors of the destination that have the same ids. As in an insert, these keep their
    /// places in the insertion order.
    pub overwrite: bool,
    /// Change nothing, and report what would be done.
    pub dry_run: bool,
    /// They count the vectors that are moved or copied.
    pub guards: Guards,
    /// Return a receipt for what was erased in the source. Only for moves.
    pub receipt: bool,
    /// Why, for the receipt and the ledger. Only for moves.
    pub reason: Option<String>,
    /// Called with the phase, `prepare` or `insert`, and the number of vectors read and encoded, or
    /// written.
    pub on_progress: Option<OnProgress>,
}

/// What became of one of the vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is moved or copied; in a dry run, it would be.
    Done,
    /// It was to be moved or copied, and the guards have prevented it.
    Kept,
    /// The source has no such vector.
    Missing,
    /// The destination has a vector with this id, which is not to be overwritten.
    Taken,
    /// The request had already named the id, at this index.
    Repeated(usize),
}

/// The outcome of a move or copy.
#[derive(Debug)]
pub struct Transferred {
    /// For each id of the request, or for each vector that matched in insertion order.
    pub results: Vec<(Id, Fate)>,
    pub applied: bool,
    pub refusal: Option<Refusal>,
    pub receipt: Option<Receipt>,
}

/// A move or copy in progress.
pub struct Moving {
    source: Arc<Collection>,
    destination: Arc<Collection>,
    /// Whether the source is the bin of the destination.
    from_bin: bool,
    transfer: Transfer,
    /// What was selected last.
    selected: Selected,
    read: Option<Read>,
    /// Whether the progress of reading has been told.
    is_told: bool,
}

/// The vectors of a transfer.
#[derive(Default)]
struct Selected {
    results: Vec<(Id, Fate)>,
    /// The slots in the source of those that are moved or copied, in the order of `results`.
    slots: Vec<u32>,
    refusal: Option<Refusal>,
}

/// Vectors as they were when they were read, encoded and sealed for the destination.
struct Read {
    prepared: Prepared,
    /// One for each.
    marks: Vec<Mark>,
}

/// The columns of vectors that are being read.
struct Columns {
    rows: Vec<Row>,
    marks: Vec<Mark>,
    data: Zeroizing<Vec<f32>>,
    dimension: usize,
    /// It counts as the time at which they are inserted. `None` if they come back from a bin.
    now: Option<i64>,
}

impl Columns {
    /// Reserved in full, because growing would leave copies behind.
    fn new(count: usize, dimension: usize, now: Option<i64>) -> Self {
        Self {
            dimension,
            rows: Vec::with_capacity(count),
            marks: Vec::with_capacity(count),
            data: Zeroizing::new(Vec::with_capacity(count * dimension)),
            now,
        }
    }
}

impl Selected {
    /// The ids of those that are moved or copied, in order.
    fn ids(&self) -> impl Iterator<Item = &Id> {
        let done = self.results.iter().filter(|(_, fate)| *fate == Fate::Done);
        done.map(|(id, _)| id)
    }

    fn ended(mut self, applied: bool, receipt: Option<Receipt>) -> Transferred {
        if self.refusal.is_some() {
            let done = self.results.iter_mut();
            for (_, fate) in done.filter(|(_, fate)| *fate == Fate::Done) {
                *fate = Fate::Kept;
            }
        }
        Transferred {
            results: self.results,
            applied,
            refusal: self.refusal,
            receipt,
        }
    }
}

impl Moving {
    /// Checks that the vectors of one collection can be put in the other.
    pub fn new(
        source: Arc<Collection>,
        destination: Arc<Collection>,
        transfer: Transfer,
    ) -> Result<Self> {
        if Arc::ptr_eq(&source, &destination) {
            return Err(Error::Validation(format!(
                "source and destination are the same collection '{}': name two collections",
                source.name()
            )));
        }
        if source.dimension != destination.dimension {
            return Err(Error::DimensionMismatch {
                what: format!(
                    "every vector for '{}' from '{}'",
                    destination.name(),
                    source.name()
                ),
                expected: destination.dimension,
                got: source.dimension,
            });
        }
        Ok(Self {
            source,
            destination,
            from_bin: false,
            transfer,
            selected: Selected::default(),
            read: None,
            is_told: false,
        })
    }

    /// Moves vectors out of a collection's bin.
    pub fn out_of_bin(collection: Arc<Collection>, transfer: Transfer) -> Result<Self> {
        Ok(Self {
            source: collection.needs_bin()?,
            destination: collection,
            from_bin: true,
            transfer,
            selected: Selected::default(),
            read: None,
            is_told: false,
        })
    }

    /// Selects the vectors. Returns the report of a dry run, or of a transfer that does not meet
    /// its guards. The caller has the turn for a step over several collections.
    pub fn select(&mut self) -> Result<Option<Transferred>> {
        let (first, second) = self.in_order();
        let (first, second) = (first.read(Access::Wait)?, second.read(Access::Wait)?);
        let (source, destination) = match self.from_bin {
            true => (second, first),
            false => (first, second),
        };
        let selected = self.look(&source, &destination)?;
        drop((source, destination));
        if self.transfer.dry_run || selected.refusal.is_some() {
            return Ok(Some(selected.ended(false, None)));
        }
        self.selected = selected;
        Ok(None)
    }

    /// Reads what was selected, and encodes and seals it for the destination.
    pub fn prepare(&mut self) -> Result<()> {
        let count = self.selected.slots.len();
        let is_first = !std::mem::replace(&mut self.is_told, true);
        let ids: Vec<&Id> = self.selected.ids().collect();
        let mut columns = self.columns(count);
        if is_first {
            self.tell("prepare", 0, count);
        }
        for begin in (0..count).step_by(PORTION) {
            cancel::check()?;
            let end = count.min(begin + PORTION);
            let state = self.source.read(Access::Wait)?;
            for id in &ids[begin..end] {
                // One that is gone will not be selected again.
                if let Some(slot) = state.slots.slot_of(id) {
                    state.read_into(slot, &mut columns)?;
                }
            }
            drop(state);
            if is_first {
                self.tell("prepare", end, count);
            }
        }
        self.read = Some(self.encode(columns, || ())?);
        Ok(())
    }

    /// Commits what was read, if it is what is selected now. Returns `None` if it is not; it must
    /// then be read again. The caller has the turn for a step over several collections, and on disk
    /// the file for it.
    pub fn commit(&mut self, file: Option<PendingFile<'_>>) -> Result<Option<Transferred>> {
        self.with_both(|moving, source, destination| {
            let selected = moving.look(&source, &destination)?;
            if selected.refusal.is_some() {
                return Ok(Some(selected.ended(false, None)));
            }
            let read = moving.read.take();
            let Some(read) = read.filter(|read| read.is_current(&source, &selected)) else {
                moving.selected = selected;
                return Ok(None);
            };
            moving
                .apply(source, destination, selected, read, file)
                .map(Some)
        })
    }

    /// Reads and commits while other writes wait. The caller has the turn for a step over several
    /// collections, and on disk the file for it.
    pub fn commit_at_last(&mut self, file: Option<PendingFile<'_>>) -> Result<Transferred> {
        self.with_both(|moving, mut source, mut destination| {
            let selected = moving.look(&source, &destination)?;
            if selected.refusal.is_some() {
                return Ok(selected.ended(false, None));
            }
            // What expires while this takes its time is moved all the same: it was there when it
            // was selected, and its record stays.
            let expire = |source: &mut _, destination: &mut _| {
                moving.source.expire_held(source);
                moving.destination.expire_held(destination);
            };
            let mut columns = moving.columns(selected.slots.len());
            for (at, &slot) in selected.slots.iter().enumerate() {
                if at % PORTION == 0 {
                    cancel::check()?;
                    expire(&mut source, &mut destination);
                }
                source.read_into(slot, &mut columns)?;
            }
            let read = moving.encode(columns, || expire(&mut source, &mut destination))?;
            moving.apply(source, destination, selected, read, file)
        })
    }

    /// Runs `act` with both collections locked for other writers. What is due has expired.
    fn with_both<T>(
        &mut self,
        act: impl FnOnce(
            &mut Self,
            RwLockUpgradableReadGuard<'_, State>,
            RwLockUpgradableReadGuard<'_, State>,
        ) -> Result<T>,
    ) -> Result<T> {
        let (source, destination) = (self.source.clone(), self.destination.clone());
        let (first, second) = match self.from_bin {
            true => (&destination, &source),
            false => (&source, &destination),
        };
        let done = first.hold().and_then(|first| {
            let second = second.hold()?;
            match self.from_bin {
                true => act(self, second, first),
                false => act(self, first, second),
            }
        });
        // Whatever became of it, it has held the locks.
        source.keep_up();
        destination.keep_up();
        done
    }

    /// In the order in which their locks are taken.
    fn in_order(&self) -> (&Collection, &Collection) {
        match self.from_bin {
            true => (&self.destination, &self.source),
            false => (&self.source, &self.destination),
        }
    }

    fn tell(&self, phase: &'static str, done: usize, total: usize) {
        tell(self.transfer.on_progress.as_ref(), phase, done, total);
    }

    fn columns(&self, count: usize) -> Columns {
        let now = (!self.from_bin).then(|| self.destination.clock().now());
        Columns::new(count, self.destination.dimension, now)
    }

    /// Encodes and seals what was read. Calls `between` now and then.
    fn encode(&self, columns: Columns, mut between: impl FnMut()) -> Result<Read> {
        let dimension = self.destination.dimension;
        let Columns {
            rows, marks, data, ..
        } = columns;
        let mut codes = Vec::with_capacity(rows.len().div_ceil(BLOCK));
        for block in data.chunks(BLOCK * dimension) {
            cancel::check()?;
            between();
            codes.push(Codes::of(block, dimension));
        }
        between();
        let prepared = self.destination.prepare_rows(rows, data, codes)?;
        between();
        Ok(Read { prepared, marks })
    }

    /// What is to be done in these states.
    fn look(&self, source: &State, destination: &State) -> Result<Selected> {
        let mut selected = Selected::default();
        let fate = |id: &str| match destination.slots.slot_of(id) {
            Some(_) if !self.transfer.overwrite => Fate::Taken,
            _ => Fate::Done,
        };
        match &self.transfer.selection {
            Selection::Ids(ids) => {
                let mut first = HashMap::with_capacity(ids.len());
                for (at, id) in ids.iter().enumerate() {
                    let slot = source.slots.slot_of(id);
                    let fate = match slot {
                        None => Fate::Missing,
                        Some(slot) => match first.get(&slot) {
                            Some(&first) => Fate::Repeated(first),
                            None => {
                                first.insert(slot, at);
                                fate(id)
                            }
                        },
                    };
                    selected.results.push((Id::from(&**id), fate));
                    let done = slot.filter(|_| fate == Fate::Done);
                    selected.slots.extend(done);
                }
            }
            Selection::Filter(filter) => {
                let matching = source.matching(filter);
                for slot in source.slots.in_insertion_order(&matching) {
                    let Some(record) = source.slots.record(slot) else {
                        continue;
                    };
                    let fate = fate(&record.id);
                    selected.results.push((record.id.clone(), fate));
                    if fate == Fate::Done {
                        selected.slots.push(slot);
                    }
                }
            }
        }
        self.check_directions(source, &selected)?;
        selected.refusal = self.transfer.guards.refusal(selected.slots.len());
        Ok(selected)
    }

    /// Checks that the destination's metric is defined for what is selected.
    fn check_directions(&self, source: &State, selected: &Selected) -> Result<()> {
        if self.destination.metric != Metric::Cosine
            || self.source.metric == Metric::Cosine
            || self.from_bin
        {
            return Ok(());
        }
        let is_zero = |&slot: &u32| source.vectors.terms(slot).norm == 0.0;
        let Some(at) = selected.slots.iter().position(is_zero) else {
            return Ok(());
        };
        let id = selected.ids().nth(at).map_or("", |id| id);
        Err(Error::Validation(format!(
            "vector '{id}' of collection '{}' is all zeros, which has no direction: cosine \
             similarity, by which '{}' compares, is undefined for it",
            self.source.name(),
            self.destination.name()
        )))
    }

    /// Puts what was read in the destination, and removes it from the source if it is moved.
    fn apply(
        &mut self,
        source: RwLockUpgradableReadGuard<'_, State>,
        destination: RwLockUpgradableReadGuard<'_, State>,
        selected: Selected,
        read: Read,
        file: Option<PendingFile<'_>>,
    ) -> Result<Transferred> {
        let slots: RoaringBitmap = selected.slots.iter().copied().collect();
        let moves = self.transfer.moves;
        let wants = self.transfer.receipt && moves;
        let is_recorded = moves && self.source.ledger.is_some();
        let drafted = (wants || is_recorded).then(|| match slots.is_empty() {
            true => source.draft(&slots),
            false => source.draft_next(&slots),
        });
        let reason = self.transfer.reason.take();
        let call = match self.from_bin {
            true => "undelete",
            false => "moveToCollection",
        };
        let cause = Cause::new(call, reason.as_deref());
        let mut erasure = Erasure::default();
        let file = file.filter(|_| moves);
        let mut prepared = read.prepared;
        if slots.is_empty() {
            drop((source, destination));
            self.tell("insert", 0, 0);
        } else {
            destination.slots.check_room(selected.slots.len())?;
            cancel::commit()?;
            if moves {
                source.make_durable()?;
            }
            if let Some(drafted) = drafted.as_ref().filter(|_| is_recorded) {
                let what = (drafted, Some(&*self.destination));
                let begun = self.source.begin_erasure(&source, &slots, cause, what);
                erasure = begun?;
            }
            // Before anybody else can delete from the source.
            let mut undone = |error| erasure.undone(error);
            let mut condition = None;
            if let Some(file) = &file {
                let pending = self.pending(&source, &destination, &slots);
                condition = pending.condition;
                file.begin(&pending).map_err(&mut undone)?;
            }
            prepared.on_progress = self.transfer.on_progress.take();
            let put = self.put(destination, &mut prepared, file, condition);
            // If it is unknown whether it has happened, nothing more is written, not even this.
            put.map_err(undone)?;
            if moves {
                self.remove(source, slots, file)?;
            }
            if let Some(file) = file {
                file.end();
            }
        }
        let drafted = drafted.filter(|_| wants);
        if drafted.is_some() {
            // The receipt must stay true whatever happens next.
            self.source.make_durable()?;
        }
        let entry = erasure.end(wants)?;
        let on_disk = self.source.is_on_disk();
        let receipt = drafted.map(|drafted| drafted.complete(on_disk, cause, entry));
        Ok(selected.ended(true, receipt))
    }

    /// What the next opening does if the process ends before the move is complete.
    fn pending(&self, source: &State, destination: &State, slots: &RoaringBitmap) -> Pending {
        let [from, to] = [&self.source, &self.destination].map(|one| one.sealed_for);
        Pending {
            condition: Some(Condition {
                name: to.unwrap_or_default(),
                number: destination.journal.next_key(),
            }),
            removals: vec![Removal {
                name: from.unwrap_or_default(),
                numbers: source.numbers(slots).collect(),
            }],
        }
    }

    /// Commits to the destination. For a move on disk, it is durable when this returns.
    fn put(
        &self,
        state: RwLockUpgradableReadGuard<'_, State>,
        prepared: &mut Prepared,
        file: Option<PendingFile<'_>>,
        condition: Option<Condition>,
    ) -> Result<()> {
        let state = RwLockUpgradableReadGuard::upgrade(state);
        // Whoever writes to the destination next meets the condition.
        let failed = |error: Error| match file {
            None => error,
            // It may be in the log nevertheless. If so, the move has happened.
            Some(file) if file.is_failed() => file.interrupted(&error),
            Some(file) => file.undo(condition, error),
        };
        let begun = self
            .destination
            .begin_insert(state, (Access::Wait, false), prepared, failed);
        let (write, _) = begun?;
        match file {
            None => write.finish(),
            Some(file) => write
                .finish_durably()
                .map_err(|error| file.interrupted(&error)),
        }
    }

    /// Commits to the source what was moved.
    fn remove(
        &self,
        state: RwLockUpgradableReadGuard<'_, State>,
        slots: RoaringBitmap,
        file: Option<PendingFile<'_>>,
    ) -> Result<()> {
        let state = RwLockUpgradableReadGuard::upgrade(state);
        // What is left to the next opening must not be changed any more.
        let failed = |error: Error| match file {
            Some(file) => file.interrupted(&error),
            None => error,
        };
        let write = self.source.begin_removal(state, slots, failed)?;
        write.finish_durably().map_err(failed)
    }
}

impl Read {
    /// Whether these are the selected vectors as they are in this state.
    fn is_current(&self, source: &State, selected: &Selected) -> bool {
        let rows = &self.prepared.rows;
        if rows.len() != selected.slots.len() {
            return false;
        }
        let mut vectors = rows.iter().zip(&self.marks).zip(&selected.slots);
        vectors.all(|((row, mark), &slot)| source.is_as_read(slot, row, mark))
    }
}

impl State {
    /// Appends the vector at `slot`.
    fn read_into(&self, slot: u32, columns: &mut Columns) -> Result<()> {
        let Some(record) = self.slots.record(slot) else {
            return Ok(());
        };
        let (metadata, text, times);
        if let Some(now) = columns.now {
            let values = self.values(Access::Wait, slot, record)?;
            columns.data.extend_from_slice(values.row());
            (metadata, text) = (record.metadata.clone(), values.text().map(Wiped::from));
            times = Times::new(record.times.expires_at(), now);
        } else {
            let dimension = columns.dimension;
            (metadata, text, times) = self.waiting(slot, record, |waiting| {
                columns.data.extend_from_slice(&waiting.row(dimension)?);
                let [metadata, text] = [waiting.metadata, waiting.text];
                Some((
                    metadata.map(Wiped::from),
                    text.map(Wiped::from),
                    waiting.times,
                ))
            })?;
        }
        columns.rows.push(Row {
            id: record.id.clone(),
            at: columns.rows.len(),
            metadata,
            text,
            times,
        });
        columns.marks.push(self.mark(slot, record)?);
        Ok(())
    }

    /// Whether the vector at `slot` is still the one that was read, with the same contents.
    fn is_as_read(&self, slot: u32, row: &Row, mark: &Mark) -> bool {
        let Ok(Some(record)) = self.marked(slot, mark) else {
            return false;
        };
        if mark.is_of_all() {
            return true;
        }
        let same_text = match (&record.text, &row.text) {
            (Some(Text::Held(text)), Some(read)) => text == read,
            (None, None) => true,
            _ => false,
        };
        same_text
            && record.metadata == row.metadata
            && record.times.expires_at() == row.times.expires_at()
    }

    /// The numbers of the entries at these slots.
    pub(super) fn numbers(&self, slots: &RoaringBitmap) -> impl Iterator<Item = u64> {
        let records = slots.iter().filter_map(|slot| self.slots.record(slot));
        records.map(|record| record.key)
    }
}

impl Collection {
    /// Takes the lock that excludes other writers and nobody else. Nothing in the state has expired
    /// by now.
    pub(super) fn hold(&self) -> Result<RwLockUpgradableReadGuard<'_, State>> {
        let state = self.exclusive(Access::Wait)?;
        Ok(RwLockWriteGuard::downgrade_to_upgradable(state))
    }

    /// Lets everything expire that is due, in a state that is held for long: reads that find
    /// something due wait for the exclusive lock.
    pub(super) fn expire_held(&self, state: &mut RwLockUpgradableReadGuard<'_, State>) {
        if state.is_due(self.clock()) {
            // Only who must not wait is refused.
            let _ = state.with_upgraded(|state| state.expire(Access::Wait, self.clock()));
        }
    }

    /// Begins the delete of the vectors at these slots, alive or expired, as part of a step over
    /// several collections. If this fails, `failed` is called as by `commit_or`.
    pub(super) fn begin_removal<'a>(
        self: &'a Arc<Self>,
        state: RwLockWriteGuard<'a, State>,
        slots: RoaringBitmap,
        failed: impl FnOnce(Error) -> Error,
    ) -> Result<Write<'a>> {
        let count = slots.len();
        let mut write = self.commit_or(state, slots, Vec::new(), &Sealed::default(), failed)?;
        write.state.erased.vectors += count;
        Ok(write)
    }

    /// On disk, its random name.
    pub fn sealed_for(&self) -> Option<[u8; NAME]> {
        self.sealed_for
    }

    /// Whether the log says that an entry with this number, or a later one, has been in it.
    pub fn has_put(&self, number: u64) -> bool {
        self.state.read().journal.next_key() > number
    }

    /// Deletes the entries with these numbers that are still there: the rest of a step that was
    /// interrupted. They are gone for good when this returns.
    pub fn remove_numbered(self: &Arc<Self>, numbers: &Numbers) -> Result<()> {
        let state = self.exclusive(Access::Wait)?;
        let is_meant = |slot: &u32| {
            let record = state.slots.record(*slot);
            record.is_some_and(|record| numbers.contains(record.key))
        };
        let recorded = state.slots.recorded();
        let slots: RoaringBitmap = recorded.into_iter().filter(is_meant).collect();
        if slots.is_empty() {
            return Ok(());
        }
        self.begin_removal(state, slots, identity)?.finish_durably()
    }
}
