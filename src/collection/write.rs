//! A write: the steps that every insert, update and delete takes, in this order.
//!
//! The commit is appended to the log first; from then on, the write has happened. Then memory is
//! changed, the lock is released, and the keys of the removed entries are destroyed.

use std::{convert::identity, sync::Arc, vec};

use parking_lot::RwLockWriteGuard;
use roaring::RoaringBitmap;

use super::{Collection, State, erasing::Erasure};
use crate::{
    cancel,
    error::{Error, Result},
    filter::Source,
    storage::{Commit, Head, Label, LedgerEntry, Lengths, Sealed, length},
    vectors::{Record, Terms, Text},
};

/// A write whose commit is in the log. It holds the collection's lock until it is finished.
#[must_use]
pub(super) struct Write<'a> {
    collection: &'a Arc<Collection>,
    pub(super) state: RwLockWriteGuard<'a, State>,
    pub(super) commit: Commit,
    removed: RoaringBitmap,
    /// On disk, the lengths of the entries that have not been put yet.
    lengths: vec::IntoIter<Lengths>,
}

impl Collection {
    /// Begins a write that removes slots, alive or expired, and puts `entries`, whose parts are in
    /// `sealed`. Fails if the call was cancelled. If this fails, nothing has happened.
    pub(super) fn commit<'a>(
        self: &'a Arc<Self>,
        state: RwLockWriteGuard<'a, State>,
        removed: RoaringBitmap,
        entries: Vec<Head>,
        sealed: &Sealed,
    ) -> Result<Write<'a>> {
        self.commit_or(state, removed, entries, sealed, identity)
    }

    /// The same. If it fails, `failed` is called with the error and returns the one to report,
    /// before the lock is released: nobody has written to the collection in between.
    pub(super) fn commit_or<'a>(
        self: &'a Arc<Self>,
        mut state: RwLockWriteGuard<'a, State>,
        removed: RoaringBitmap,
        entries: Vec<Head>,
        sealed: &Sealed,
        failed: impl FnOnce(Error) -> Error,
    ) -> Result<Write<'a>> {
        let (mut keys, mut lengths) = (Vec::new(), Vec::new());
        if state.journal.log().is_some() {
            let records = removed.iter().filter_map(|slot| state.slots.record(slot));
            keys.extend(records.map(|record| record.key));
            let dimension = self.dimension;
            lengths.extend(entries.iter().map(|head| head.lengths(dimension)));
        }
        let committed = cancel::commit();
        let committed = committed.and_then(|()| state.journal.commit(keys, entries, sealed));
        let commit = committed.map_err(failed)?;
        state.updated_at = commit.time;
        Ok(Write {
            collection: self,
            state,
            commit,
            removed,
            lengths: lengths.into_iter(),
        })
    }
}

impl<'a> Write<'a> {
    /// One that neither removes nor puts anything.
    pub(super) fn of_nothing(
        collection: &'a Arc<Collection>,
        state: RwLockWriteGuard<'a, State>,
        commit: Commit,
    ) -> Self {
        Self {
            collection,
            state,
            commit,
            removed: RoaringBitmap::new(),
            lengths: Vec::new().into_iter(),
        }
    }

    /// Puts the next entry in a free slot, and returns the slot.
    pub(super) fn put(&mut self, record: Record, row: &[f32], code: (&[i8], Terms)) -> u32 {
        let slot = self.state.occupy(record, row, code);
        self.note(slot)
    }

    /// Puts the next entry in the vector's own slot, with the record's metadata, text and times.
    pub(super) fn update_in_place(&mut self, slot: u32, record: Record) -> u32 {
        let state = &mut *self.state;
        let text = state.kept(record.text);
        let one = RoaringBitmap::from_iter([slot]);
        state.fields.remove(&one, &state.slots);
        if let Some(old) = state.slots.record(slot) {
            state.expiries.remove(slot, old.times);
        }
        let times = record.times;
        state
            .slots
            .update_record(slot, record.metadata, text, times);
        state.expiries.insert(slot, times);
        state.fields.insert(slot, state.slots.metadata(slot));
        state.journal.take(&mut self.commit, slot, None);
        self.note(slot)
    }

    /// As `finish`, but the commit is durable before any key is destroyed, and so is their
    /// destruction when this returns.
    pub(super) fn finish_durably(mut self) -> Result<()> {
        self.commit.is_synced = true;
        self.finish()
    }

    /// As `finish`, or as `finish_durably` if the erasure is in a ledger, where it then ends. Returns
    /// its entry, which is on disk if `sync` says so.
    pub(super) fn finish_erasing(
        self,
        erasure: Erasure,
        sync: bool,
    ) -> Result<Option<LedgerEntry>> {
        match erasure.is_recorded() {
            true => self.finish_durably()?,
            false => self.finish()?,
        }
        erasure.end(sync)
    }

    /// Records the slot of the next entry in the journal.
    fn note(&mut self, slot: u32) -> u32 {
        if let Some(lengths) = self.lengths.next() {
            self.state.journal.put(&mut self.commit, slot, lengths);
        }
        slot
    }

    /// Deletes the removed slots, releases the lock, and returns when the commit is as durable as
    /// promised and the keys of the removed entries are destroyed.
    pub(super) fn finish(mut self) -> Result<()> {
        self.state.delete(&self.removed, &mut self.commit);
        let expires = self.state.expires();
        drop(self.state);
        let done = self.commit.finish();
        self.collection.keep_up();
        if expires {
            self.collection.tell_expiring();
        }
        done
    }
}

impl State {
    /// What is kept in memory of a text that has been written.
    fn kept(&self, text: Option<Text>) -> Option<Text> {
        match text {
            Some(text) if self.is_on_disk => Some(Text::OnDisk(text.bytes() as u32)),
            text => text,
        }
    }

    /// Puts a vector in a free slot. On disk, `row` may be empty.
    pub(super) fn occupy(
        &mut self,
        mut record: Record,
        row: &[f32],
        (code, terms): (&[i8], Terms),
    ) -> u32 {
        record.text = self.kept(record.text);
        let times = record.times;
        let slot = self.slots.occupy(record);
        self.expiries.insert(slot, times);
        self.vectors.put(slot, row, code, terms);
        self.fields.insert(slot, self.slots.metadata(slot));
        self.pending.insert(slot);
        slot
    }
}

/// The head of a log entry with texts of these lengths in bytes.
pub(super) fn head(id: usize, metadata: Option<usize>, text: Option<usize>) -> Result<Head> {
    let length = |bytes: usize| {
        length(bytes).ok_or_else(|| {
            Error::Validation(format!("{bytes} bytes of text are too many for a vector"))
        })
    };
    Ok(Head {
        key: 0,
        order: 0,
        id: length(id)?,
        metadata: metadata.map(length).transpose()?,
        text: text.map(length).transpose()?,
    })
}

/// The head of a log entry for this record.
pub(super) fn head_of(record: &Record) -> Result<Head> {
    let metadata = record.metadata.as_ref().map(|metadata| metadata.len());
    let text = record.text.as_ref().map(Text::bytes);
    let (key, order) = (record.key, record.sequence);
    let head = head(record.id.len(), metadata, text)?;
    Ok(Head { key, order, ..head })
}

/// What the log has of this record besides its code, its row and its text.
pub(super) fn label_of(record: &Record) -> Label<'_> {
    Label {
        times: record.times,
        id: &record.id,
        metadata: record.metadata.as_deref(),
    }
}
