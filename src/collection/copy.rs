//! Copying a collection while it is in use: into a new log that has no gaps, or into a
//! backup.
//!
//! Vectors are copied some at a time, under the lock that searches share; writes go on in
//! between. The copy follows them: what is deleted is erased from it at once, what is
//! inserted or changed is copied in the next round. The last few are copied under the
//! lock for writing, and at that moment the copy is the collection.

use std::{
    path::Path,
    sync::{Arc, atomic::Ordering},
};

use roaring::RoaringBitmap;
use zeroize::Zeroizing;

use super::{Access, Collection, State, insert::head};
use crate::{
    error::{Error, Result},
    storage::{
        Backup, Copy, File, Files, Follower, GRAPH, HEAD, Head, Kind, Place, RECORDS, Record,
        Restored, Writer, micros, push_part,
    },
};

/// Copied under the lock at a time: well under a millisecond.
const PORTION_BYTES: usize = 256 << 10;
/// So few are copied at the end, under the lock for writing.
const LAST: usize = 256;
/// After so many rounds the rest is the last, however many it is: others insert faster.
const ROUNDS: usize = 8;
/// A log with less than this in gaps is left alone.
const GAPS: u64 = 4 << 20;

/// How far a long work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub done: u64,
    pub total: u64,
}

/// Is told how far a work of several phases is.
pub type OnProgress = Box<dyn Fn(&'static str, Progress) + Send + Sync>;

impl State {
    /// The bytes of the log, and how many of them are neither a live vector's nor needed
    /// in any log.
    fn gaps(&self) -> Option<(u64, u64)> {
        let (live, end) = self.journal.log()?.size();
        let needed = live + RECORDS + (HEAD * self.slots.len()) as u64;
        Some((end, end.saturating_sub(needed)))
    }

    /// Whether rewriting the log is worth it. With `thorough`, as soon as it gains a tenth.
    pub(super) fn is_wasteful(&self, thorough: bool) -> bool {
        self.gaps().is_some_and(|(end, gaps)| match thorough {
            true => gaps * 10 > end,
            false => gaps > GAPS && gaps * 2 > end - gaps,
        })
    }

    pub(super) fn disk_bytes(&self) -> Option<u64> {
        let log = self.journal.log()?;
        let graph = std::fs::metadata(log.directory().join(GRAPH));
        Some(log.size().1 + graph.map_or(0, |metadata| metadata.len()))
    }

    /// Appends as many of the live `slots` as make a portion. Returns how many of `slots`
    /// it has looked at.
    fn copy_portion(&self, writer: &mut Writer, slots: &[u32]) -> Result<usize> {
        let dimension = self.vectors.dimension();
        let (mut heads, mut taken) = (Vec::new(), Vec::new());
        let (mut looked, mut bytes) = (0, 0);
        for &slot in slots {
            if bytes >= PORTION_BYTES {
                break;
            }
            looked += 1;
            let Some(record) = self.slots.record(slot) else {
                continue;
            };
            if writer.place(slot).is_some() {
                continue;
            }
            let (metadata, text) = (record.metadata.as_deref(), record.text.as_deref());
            let head = head(record, &record.id, metadata, text)?;
            bytes += head.part(dimension) as usize;
            heads.push(head);
            taken.push((slot, record));
        }
        if heads.is_empty() {
            return Ok(looked);
        }
        let mut parts = Zeroizing::new(Vec::with_capacity(bytes));
        for (slot, record) in &taken {
            let (metadata, text) = (record.metadata.as_deref(), record.text.as_deref());
            let row = self.vectors.row(*slot);
            push_part(&mut parts, row, &record.id, metadata, text);
        }
        let lengths: Vec<u64> = heads.iter().map(|head| head.part(dimension)).collect();
        let record = self.copied(Vec::new(), heads, parts.len());
        let mut offset = writer.append(&record, &parts)?;
        for ((slot, _), len) in taken.into_iter().zip(lengths) {
            let place = Place {
                offset,
                len: len as u32,
            };
            writer.put(slot, place);
            offset += len;
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
    /// Copies the collection to the follower, and calls `finish` at the moment when the
    /// copy is whole, with the lock for writing.
    fn copy_to<T>(
        &self,
        follower: &Arc<Follower>,
        progress: &mut dyn FnMut(Progress),
        finish: impl FnOnce(&mut State, &mut Copy) -> Result<T>,
    ) -> Result<T> {
        for _ in 0..ROUNDS {
            let missing = {
                let state = self.read(Access::Wait)?;
                state.missing(&follower.copy.lock().writer)
            };
            if missing.len() <= LAST {
                break;
            }
            let mut at = 0;
            while at < missing.len() {
                let state = self.read(Access::Wait)?;
                if self.upkeep_is_cancelled() {
                    return Err(Error::ClientClosed);
                }
                let mut copy = follower.copy.lock();
                at += state.copy_portion(&mut copy.writer, &missing[at..])?;
                drop(copy);
                let total = state.slots.len() as u64;
                drop(state);
                let done = total.saturating_sub((missing.len() - at) as u64);
                progress(Progress { done, total });
            }
        }
        // Most of it is on the disk before anybody has to wait for the rest.
        let file = follower.copy.lock().writer.file.clone();
        file.sync()?;
        let mut state = self.write(Access::Wait)?;
        if self.upkeep_is_cancelled() {
            return Err(Error::ClientClosed);
        }
        let mut copy = follower.copy.lock();
        let missing = state.missing(&copy.writer);
        let mut at = 0;
        while at < missing.len() {
            at += state.copy_portion(&mut copy.writer, &missing[at..])?;
        }
        // Also where nothing has died, or nothing is left: writes are counted on from here.
        let dead = std::mem::take(&mut copy.dead);
        let record = state.copied(dead, Vec::new(), 0);
        copy.writer.append(&record, &[])?;
        // What was deleted so far is overwritten in the copy before anybody relies on it.
        state.journal.wait_for_erasures();
        if follower.failed.load(Ordering::Acquire) {
            return Err(Error::Storage(
                "bytes that were deleted meanwhile could not be overwritten in the copy: check \
                 the disk and try again"
                    .into(),
            ));
        }
        let done = finish(&mut state, &mut copy)?;
        let total = state.slots.len() as u64;
        drop((copy, state));
        progress(Progress { done: total, total });
        Ok(done)
    }

    /// Replaces the log by one without gaps.
    pub(super) fn rewrite(&self, tell: &mut dyn FnMut(Progress)) -> Result<()> {
        let config = self.settings();
        // Both files stay open until one of them is wiped.
        let (follower, _open) = {
            let mut state = self.write(Access::Wait)?;
            let Some(log) = state.journal.log() else {
                return Ok(());
            };
            let health = log.sync().health().clone();
            health.check()?;
            self.check_place().map_err(|error| health.fail(error))?;
            let _open = log.file().hold()?;
            let successor = log.successor(&config)?;
            (state.journal.follow(successor, Some(health))?, _open)
        };
        let done = self.copy_to(&follower, tell, |state, copy| {
            self.check_place()?;
            let log = state.journal.log_mut();
            log.map_or(Ok(()), |log| log.exchange(&mut copy.writer))
        });
        // Now the follower's file is what is not needed: the old log, or an unfinished new
        // one. Deletes are erased from it until it is gone.
        let file = follower.copy.lock().writer.file.clone();
        let writing = self.writing.lock();
        let wiped = self.wipe(&file);
        self.state.write().journal.unfollow(&follower);
        drop(writing);
        done.and(wiped)
    }

    fn wipe(&self, file: &File) -> Result<()> {
        self.check_place()?;
        if file.is_gone() || !file.path().exists() {
            // The collection was deleted meanwhile, with all that was in it. Or it is not
            // known which name the file has: it may be the log.
            return Ok(());
        }
        file.wipe()
            .map_err(|error| match self.state.read().journal.log() {
                // Bytes may be left in it of vectors that are deleted next.
                Some(log) => log.sync().health().fail(error),
                None => error,
            })
    }

    /// Writes the collection as it is when this returns to a backup.
    pub fn back_up(&self, backup: &mut Backup, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        let follower = {
            let mut state = self.write(Access::Wait)?;
            let writer = backup.section(&self.settings())?;
            state.journal.follow(writer, None)?
        };
        let done = self.copy_to(&follower, progress, |state, copy| {
            state.journal.unfollow(&follower);
            Ok((copy.writer.end, state.slots.len() as u64))
        });
        match done {
            Ok((end, vectors)) => {
                backup.end_section(end, vectors);
                Ok(())
            }
            Err(error) => {
                self.state.write().journal.unfollow(&follower);
                // Zeros that come later would be written over the next section.
                follower.give_up(|| backup.drop_section())?;
                Err(error)
            }
        }
    }

    /// Writes the vectors at `slots` to a backup file of their own.
    pub(super) fn back_up_some(
        &self,
        files: &Files,
        path: &Path,
        state: &State,
        slots: &RoaringBitmap,
    ) -> Result<Restored> {
        let mut backup = Backup::create(files, path)?;
        let mut writer = backup.section(&self.settings())?;
        let order = state.slots.in_insertion_order(slots);
        let mut at = 0;
        while at < order.len() {
            at += state.copy_portion(&mut writer, &order[at..])?;
        }
        backup.end_section(writer.end, slots.len());
        backup.finish()
    }
}
