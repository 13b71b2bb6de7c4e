//! A write: what every insert, update and delete does, in this order.
//!
//! The commit goes to the log first, and from there on it has happened. Then memory is changed,
//! the lock is given back, and the keys of what is removed are destroyed.

use std::{sync::Arc, vec};

use parking_lot::RwLockWriteGuard;
use roaring::RoaringBitmap;

use super::{Collection, State};
use crate::{
    cancel,
    error::{Error, Result},
    filter::Source,
    storage::{Commit, Head, Sealed, length},
    vectors::{Record, Terms},
};

/// A write whose commit is in the log. It has the collection's lock until it is finished.
#[must_use]
pub(super) struct Write<'a> {
    collection: &'a Arc<Collection>,
    pub(super) state: RwLockWriteGuard<'a, State>,
    pub(super) commit: Commit,
    removed: RoaringBitmap,
    /// On disk, how long the entries are that are still to be put.
    parts: vec::IntoIter<u64>,
}

impl Collection {
    /// Begins a write that removes live slots and puts `entries`, whose parts are in `sealed`,
    /// unless the call was cancelled. When this fails nothing has happened.
    pub(super) fn commit<'a>(
        self: &'a Arc<Self>,
        mut state: RwLockWriteGuard<'a, State>,
        removed: RoaringBitmap,
        entries: Vec<Head>,
        sealed: &Sealed,
    ) -> Result<Write<'a>> {
        let (mut keys, mut parts) = (Vec::new(), Vec::new());
        if state.journal.log().is_some() {
            let records = removed.iter().filter_map(|slot| state.slots.record(slot));
            keys.extend(records.map(|record| record.key));
            let dimension = self.config.dimension;
            parts.extend(entries.iter().map(|head| head.part(dimension)));
        }
        cancel::commit()?;
        let commit = state.journal.commit(keys, entries, sealed)?;
        state.updated_at = commit.time;
        Ok(Write {
            collection: self,
            state,
            commit,
            removed,
            parts: parts.into_iter(),
        })
    }
}

impl Write<'_> {
    /// Puts the next entry in a free slot, and returns which.
    pub(super) fn put(&mut self, record: Record, row: &[f32], code: (&[i8], Terms)) -> u32 {
        let slot = self.state.occupy(record, row, code);
        self.note(slot)
    }

    /// Puts the next entry where it is, with other metadata and another text.
    pub(super) fn update_in_place(&mut self, slot: u32, record: Record) -> u32 {
        let state = &mut *self.state;
        let one = RoaringBitmap::from_iter([slot]);
        state.fields.remove(&one, &state.slots);
        state
            .slots
            .update_record(slot, record.metadata, record.text);
        state.fields.insert(slot, state.slots.metadata(slot));
        state.journal.take(&mut self.commit, slot, None);
        self.note(slot)
    }

    /// Tells the journal where the next entry is.
    fn note(&mut self, slot: u32) -> u32 {
        if let Some(part) = self.parts.next() {
            self.state.journal.put(&mut self.commit, slot, part);
        }
        slot
    }

    /// Deletes what is removed, gives the lock back, and returns when the commit is as safe as
    /// was promised, and no key of what is removed is left.
    pub(super) fn finish(mut self) -> Result<()> {
        self.state.delete(&self.removed, &mut self.commit);
        drop(self.state);
        let done = self.commit.finish();
        self.collection.keep_up();
        done
    }
}

impl State {
    /// Puts a vector in a free slot.
    pub(super) fn occupy(
        &mut self,
        record: Record,
        row: &[f32],
        (code, terms): (&[i8], Terms),
    ) -> u32 {
        let slot = self.slots.occupy(record);
        self.vectors.put(slot, row, code, terms);
        self.fields.insert(slot, self.slots.metadata(slot));
        self.pending.insert(slot);
        slot
    }
}

/// What a log says of a record of these texts.
pub(super) fn head(id: &str, metadata: Option<&str>, text: Option<&str>) -> Result<Head> {
    let length = |text: &str| {
        length(text).ok_or_else(|| {
            Error::Validation(format!(
                "{} bytes of text are too many for a vector",
                text.len()
            ))
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

/// What it says of this one.
pub(super) fn head_of(record: &Record) -> Result<Head> {
    let (metadata, text) = (record.metadata.as_deref(), record.text.as_deref());
    let (key, order) = (record.key, record.sequence);
    let head = head(&record.id, metadata, text)?;
    Ok(Head { key, order, ..head })
}
