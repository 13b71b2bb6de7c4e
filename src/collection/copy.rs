//! Copying a collection while it is in use: into a new log without gaps, or into a backup.
//!
//! Vectors are copied in batches under the shared lock; writes go on in between. A log, and a
//! backup with its keys apart, gets the entries as they are sealed; in any other backup they are
//! sealed again with new keys. The copy is notified of writes: keys of deleted entries are
//! destroyed there too, and inserted or changed entries are copied in the next round. The last few
//! entries are copied under the exclusive lock; at that moment the copy equals the collection.

use std::sync::Arc;

use super::{
    Access, Collection, State,
    write::{head_of, label_of},
};
use crate::{
    cancel,
    error::{Error, Result},
    storage::{Copy, CopyTarget, Head, Kind, NAME, Record, Sealed, Writer},
};

/// Bytes copied under the lock at a time: well under a millisecond.
const BATCH_BYTES: usize = 256 << 10;
/// The number of remaining entries that may be copied at the end, under the exclusive lock.
const LAST: usize = 256;
/// After this many rounds, whatever is left is copied at the end: inserts are faster than the copy.
const ROUNDS: usize = 8;

/// The progress of a long operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub done: u64,
    pub total: u64,
}

/// A callback for the progress of an operation with several phases.
pub type OnProgress = Box<dyn Fn(&'static str, Progress) + Send + Sync>;

/// How entries are copied.
pub(super) struct Form {
    /// The random name that they are sealed with.
    pub(super) name: [u8; NAME],
    /// Copied as they are in the log, with their keys; otherwise they are sealed again.
    pub(super) as_it_is: bool,
    /// What has expired and is not erased yet is copied too: nothing else erases it.
    pub(super) with_expired: bool,
}

impl State {
    /// Appends the first of `slots`, up to the size of a batch. Returns how many of `slots` were
    /// processed.
    pub(super) fn copy_batch(
        &self,
        writer: &mut Writer,
        form: &Form,
        slots: &[u32],
    ) -> Result<usize> {
        let dimension = self.vectors.dimension();
        let (mut heads, mut taken) = (Vec::new(), Vec::new());
        let (mut looked, mut bytes) = (0, 0);
        for &slot in slots {
            if bytes >= BATCH_BYTES {
                break;
            }
            looked += 1;
            let is_copied = form.with_expired || self.slots.alive().contains(slot);
            let Some(record) = self.slots.record(slot).filter(|_| is_copied) else {
                continue;
            };
            if writer.place(slot).is_some() {
                continue;
            }
            let head = head_of(record)?;
            bytes += head.lengths(dimension).total() as usize;
            heads.push(head);
            taken.push((slot, record));
        }
        if heads.is_empty() {
            return Ok(looked);
        }
        let mut sealed = Sealed::new(form.name, heads.len())?;
        let lengths: Vec<_> = heads.iter().map(|head| head.lengths(dimension)).collect();
        sealed.reserve(lengths.iter().copied());
        for (head, (slot, record)) in heads.iter().zip(&taken) {
            let (code, label) = (self.vectors.coded(*slot), label_of(record));
            if let (true, Some(log)) = (form.as_it_is, self.journal.log()) {
                log.read(*slot, head, code, &label, &mut sealed)?;
                continue;
            }
            let values = self.values(Access::Wait, *slot, record)?;
            let (row, text) = (values.row(), values.text());
            sealed.push(head, row, code, &label, text)?;
        }
        let record = self.copied(Vec::new(), heads, sealed.size());
        let mut next = writer.append(&record, &sealed)?;
        for ((slot, _), lengths) in taken.into_iter().zip(lengths) {
            writer.put(slot, next.advance(lengths));
        }
        Ok(looked)
    }

    fn copied(&self, removed: Vec<u64>, entries: Vec<Head>, data: usize) -> Record {
        Record {
            kind: Kind::Commit,
            ttl: self.journal.ttl(),
            sequence: self.journal.sequence(),
            next_key: self.journal.next_key(),
            time: self.journal.time(),
            removed,
            entries,
            data: data as u64,
        }
    }

    /// The vectors that are not in the copy yet, in insertion order; expired ones last.
    fn missing(&self, writer: &Writer, form: &Form) -> Vec<u32> {
        let mut order = self.slots.in_insertion_order(self.slots.alive());
        if form.with_expired {
            order.extend(self.slots.expired());
        }
        order.retain(|&slot| writer.place(slot).is_none());
        order
    }

    /// Removes from a copy what has expired since it was copied. Its number is listed even if the
    /// copy has no place for it: the entry may have been replaced after it was copied, so that its
    /// key is gone already, while the copy still lists it.
    fn leave_out_expired(&self, copy: &mut Copy) {
        for slot in self.slots.expired() {
            let _ = copy.writer.take(slot);
            copy.dead
                .extend(self.slots.record(slot).map(|record| record.key));
        }
    }
}

impl Collection {
    /// Copies the collection to the target, and calls `finish` under the exclusive lock at the
    /// moment when the copy is complete.
    pub(super) fn copy_to<T>(
        &self,
        target: &Arc<CopyTarget>,
        form: &Form,
        progress: &mut dyn FnMut(Progress),
        finish: impl FnOnce(&mut State, &mut Copy) -> Result<T>,
    ) -> Result<T> {
        for _ in 0..ROUNDS {
            let missing = {
                let state = self.read(Access::Wait)?;
                state.missing(&target.copy.lock().writer, form)
            };
            if missing.len() <= LAST {
                break;
            }
            let mut at = 0;
            while at < missing.len() {
                cancel::check()?;
                let state = self.read(Access::Wait)?;
                self.check_open()?;
                let mut copy = target.copy.lock();
                at += state.copy_batch(&mut copy.writer, form, &missing[at..])?;
                drop(copy);
                let total = state.slots.len() as u64;
                drop(state);
                let done = total.saturating_sub((missing.len() - at) as u64);
                progress(Progress { done, total });
            }
        }
        // Most of the copy is synced to disk here, before writers have to wait for the rest.
        let file = target.copy.lock().writer.file.clone();
        file.sync()?;
        let mut state = self.write(Access::Wait)?;
        self.check_open()?;
        let mut copy = target.copy.lock();
        if !form.with_expired {
            state.leave_out_expired(&mut copy);
        }
        let missing = state.missing(&copy.writer, form);
        let mut at = 0;
        while at < missing.len() {
            at += state.copy_batch(&mut copy.writer, form, &missing[at..])?;
        }
        // Appended even if nothing was removed or the collection is empty: the record holds the
        // sequence number that later writes continue from.
        let dead = std::mem::take(&mut copy.dead);
        let record = state.copied(dead, Vec::new(), 0);
        copy.writer.append(&record, &Sealed::default())?;
        // The keys of everything deleted so far must be gone from the copy before it is relied on.
        state.journal.wait_for_erasures();
        let done = finish(&mut state, &mut copy)?;
        let total = state.slots.len() as u64;
        drop((copy, state));
        progress(Progress { done: total, total });
        Ok(done)
    }

    /// Fails if the collection is being closed or deleted.
    pub(super) fn check_open(&self) -> Result<()> {
        match self.upkeep.is_cancelled() {
            true => Err(Error::ClientClosed),
            false => Ok(()),
        }
    }
}
