//! Copying a collection while it is in use: into a new log that has no gaps, or into a
//! backup.
//!
//! Vectors are copied some at a time, under the lock that searches share; writes go on in
//! between. A log, and a backup with its keys apart, gets them as they are sealed; another
//! backup has them under keys of its own. The copy is told of them: the key of what is deleted
//! is destroyed there too, what is inserted or changed is copied in the next round. The last
//! few are copied under the lock for writing, and at that moment the copy is the collection.

use std::sync::Arc;

use super::{Access, Collection, State, write::head_of};
use crate::{
    cancel,
    error::{Error, Result},
    storage::{Copy, CopyTarget, Head, Kind, NAME, Record, Sealed, Writer, micros},
};

/// Copied under the lock at a time: well under a millisecond.
const BATCH_BYTES: usize = 256 << 10;
/// So few are copied at the end, under the lock for writing.
const LAST: usize = 256;
/// After so many rounds the rest is the last, however many it is: others insert faster.
const ROUNDS: usize = 8;

/// How far a long work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub done: u64,
    pub total: u64,
}

/// Is told how far a work of several phases is.
pub type OnProgress = Box<dyn Fn(&'static str, Progress) + Send + Sync>;

/// How entries are copied.
pub(super) struct Form {
    /// What they are sealed for.
    pub(super) name: [u8; NAME],
    /// As they are in the log, with their keys; else they are sealed anew.
    pub(super) as_it_is: bool,
}

impl State {
    /// Appends as many of the live `slots` as make a batch. Returns how many of `slots` it
    /// has looked at.
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
            let Some(record) = self.slots.record(slot) else {
                continue;
            };
            if writer.place(slot).is_some() {
                continue;
            }
            let head = head_of(record)?;
            bytes += head.part(dimension) as usize;
            heads.push(head);
            taken.push((slot, record));
        }
        if heads.is_empty() {
            return Ok(looked);
        }
        let mut sealed = Sealed::new(form.name, heads.len(), bytes)?;
        for (head, (slot, record)) in heads.iter().zip(&taken) {
            if let (true, Some(log)) = (form.as_it_is, self.journal.log()) {
                log.read(*slot, &mut sealed)?;
                continue;
            }
            let (metadata, text) = (record.metadata.as_deref(), record.text.as_deref());
            let row = self.vectors.row(*slot);
            sealed.push(head, row, &record.id, metadata, text)?;
        }
        let lengths: Vec<u64> = heads.iter().map(|head| head.part(dimension)).collect();
        let record = self.copied(Vec::new(), heads, sealed.parts().len());
        let mut next = writer.append(&record, &sealed)?;
        for ((slot, _), len) in taken.into_iter().zip(lengths) {
            next.len = len as u32;
            writer.put(slot, next);
            next.offset += len;
            next.key_index += 1;
        }
        Ok(looked)
    }

    fn copied(&self, removed: Vec<u64>, entries: Vec<Head>, data: usize) -> Record {
        Record {
            kind: Kind::Commit,
            sequence: self.journal.sequence(),
            next_key: self.journal.next_key(),
            time: micros(self.updated_at),
            removed,
            entries,
            data: data as u64,
        }
    }

    /// The live vectors that the copy has not, in insertion order.
    fn missing(&self, writer: &Writer) -> Vec<u32> {
        let mut order = self.slots.in_insertion_order(self.slots.alive());
        order.retain(|&slot| writer.place(slot).is_none());
        order
    }
}

impl Collection {
    /// Copies the collection to the target, and calls `finish` at the moment when the
    /// copy is whole, with the lock for writing.
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
                state.missing(&target.copy.lock().writer)
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
        // Most of it is on the disk before anybody has to wait for the rest.
        let file = target.copy.lock().writer.file.clone();
        file.sync()?;
        let mut state = self.write(Access::Wait)?;
        self.check_open()?;
        let mut copy = target.copy.lock();
        let missing = state.missing(&copy.writer);
        let mut at = 0;
        while at < missing.len() {
            at += state.copy_batch(&mut copy.writer, form, &missing[at..])?;
        }
        // Also where nothing has died, or nothing is left: writes are counted on from here.
        let dead = std::mem::take(&mut copy.dead);
        let record = state.copied(dead, Vec::new(), 0);
        copy.writer.append(&record, &Sealed::default())?;
        // What was deleted so far has no key in the copy before anybody relies on it.
        state.journal.wait_for_erasures();
        let done = finish(&mut state, &mut copy)?;
        let total = state.slots.len() as u64;
        drop((copy, state));
        progress(Progress { done: total, total });
        Ok(done)
    }

    /// Fails where the collection is being closed, or deleted.
    pub(super) fn check_open(&self) -> Result<()> {
        match self.upkeep.is_cancelled() {
            true => Err(Error::ClientClosed),
            false => Ok(()),
        }
    }
}
