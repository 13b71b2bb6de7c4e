//! Copying a collection while it is in use: into a new log that has no gaps, or into a
//! backup.
//!
//! Vectors are copied some at a time, under the lock that searches share; writes go on in
//! between. A log, and a backup with its keys apart, gets them as they are sealed; another
//! backup has them under keys of its own. The copy is told of them: the key of what is deleted
//! is destroyed there too, what is inserted or changed is copied in the next round. The last
//! few are copied under the lock for writing, and at that moment the copy is the collection.

use std::{path::Path, sync::Arc};

use roaring::RoaringBitmap;

use super::{Access, Collection, State, write::head_of};
use crate::{
    cancel,
    error::{Error, Result},
    storage::{
        Backup, Copy, Exported, Files, Follower, GRAPH, HEAD, Head, KEY, Kind, Log, NAME, RECORDS,
        Record, SEATS, Sealed, Writer, micros,
    },
};

/// Copied under the lock at a time: well under a millisecond.
const PORTION_BYTES: usize = 256 << 10;
/// So few are copied at the end, under the lock for writing.
const LAST: usize = 256;
/// After so many rounds the rest is the last, however many it is: others insert faster.
const ROUNDS: usize = 8;
/// So many keys are copied under the lock at a time: well under a millisecond.
const KEYS: u32 = 1024;
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

/// How entries are copied.
struct Form {
    /// What they are sealed for.
    name: [u8; NAME],
    /// As they are in the log, with their keys; else they are sealed anew.
    as_it_is: bool,
}

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
        let keys = SEATS + KEY as u64 * u64::from(log.seats());
        Some(log.size().1 + keys + graph.map_or(0, |metadata| metadata.len()))
    }

    /// Appends as many of the live `slots` as make a portion. Returns how many of `slots` it
    /// has looked at.
    fn copy_portion(&self, writer: &mut Writer, form: &Form, slots: &[u32]) -> Result<usize> {
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
            next.seat += 1;
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
        form: &Form,
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
                cancel::check()?;
                let state = self.read(Access::Wait)?;
                if self.upkeep.is_cancelled() {
                    return Err(Error::ClientClosed);
                }
                let mut copy = follower.copy.lock();
                at += state.copy_portion(&mut copy.writer, form, &missing[at..])?;
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
        if self.upkeep.is_cancelled() {
            return Err(Error::ClientClosed);
        }
        let mut copy = follower.copy.lock();
        let missing = state.missing(&copy.writer);
        let mut at = 0;
        while at < missing.len() {
            at += state.copy_portion(&mut copy.writer, form, &missing[at..])?;
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

    /// The log, if there is one, for what makes files beside it: in a store that can be written,
    /// and in its place.
    fn log_in_place<'a>(&self, state: &'a mut State) -> Result<Option<&'a mut Log>> {
        if let Some(log) = state.journal.log() {
            let health = log.sync().health();
            health.check()?;
            self.check_place().map_err(|error| health.fail(error))?;
        }
        Ok(state.journal.log_mut())
    }

    /// Replaces the log by one without gaps.
    pub(super) fn rewrite(&self, tell: &mut dyn FnMut(Progress)) -> Result<()> {
        let _one = self.rekeying.lock();
        // The files stay open until two of them are gone.
        let (follower, form, _open) = {
            let mut state = self.write(Access::Wait)?;
            let Some(log) = self.log_in_place(&mut state)? else {
                return Ok(());
            };
            let open = log.writer().hold()?;
            let form = Form {
                name: *log.name(),
                as_it_is: true,
            };
            let successor = log.successor()?;
            (state.journal.follow(successor)?, form, open)
        };
        let done = self.copy_to(&follower, &form, tell, |state, copy| {
            self.check_place()?;
            let log = state.journal.log_mut();
            log.map_or(Ok(()), |log| log.exchange(&mut copy.writer))
        });
        // Now the follower's files are what is not needed: the old log and its keys, or
        // unfinished new ones. Keys are destroyed in them too until they are gone.
        let writing = self.writing.lock();
        let removed = self.remove_copy(&follower);
        self.state.write().journal.unfollow(&follower);
        drop(writing);
        done.and(removed)
    }

    /// Gives the log's table of keys a new key, under the store's present one, and every file
    /// that is sealed with it. Calls go on meanwhile.
    pub fn rotate_keys(&self, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        let Some(keys) = &self.keys else {
            return Ok(());
        };
        let _one = self.rekeying.lock();
        let total = {
            let mut state = self.write(Access::Wait)?;
            let Some(log) = self.log_in_place(&mut state)? else {
                return Ok(());
            };
            log.begin_rotation(&keys.keyring())?
        };
        let copied = self.copy_keys(total, progress);
        let left = {
            let mut state = self.state.write();
            state.journal.wait_for_erasures();
            let log = state.journal.log_mut();
            match (log, &copied) {
                (None, _) => Ok(None),
                (Some(log), Ok(())) => log.end_rotation(),
                (Some(log), Err(_)) => Ok(log.give_up_rotation()),
            }
        };
        if let Some(left) = left?
            && !left.is_gone()
        {
            let wiped = left.wipe();
            wiped.map_err(|error| match self.state.read().journal.log() {
                // Keys may be left in it of vectors that are deleted next.
                Some(log) => log.sync().health().fail(error),
                None => error,
            })?;
        }
        copied?;
        // It was sealed with the key before.
        self.save_graph();
        Ok(())
    }

    fn copy_keys(&self, total: u32, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        for seat in (0..total).step_by(KEYS as usize) {
            {
                let state = self.read(Access::Wait)?;
                if self.upkeep.is_cancelled() {
                    return Err(Error::ClientClosed);
                }
                let Some(log) = state.journal.log() else {
                    return Ok(());
                };
                let count = KEYS.min(total - seat);
                let copy = || log.copy_keys(seat, count);
                state.journal.without_erasures(copy)?;
            }
            let (done, total) = (seat.into(), total.into());
            progress(Progress { done, total });
        }
        // Most of it is on the disk before anybody has to wait for the rest.
        let next = self
            .read(Access::Wait)?
            .journal
            .log()
            .and_then(Log::next_keys);
        next.map_or(Ok(()), |file| file.sync())?;
        let (done, total) = (total.into(), total.into());
        progress(Progress { done, total });
        Ok(())
    }

    /// Removes the files of a copy, the keys first: then the rest is noise.
    fn remove_copy(&self, follower: &Follower) -> Result<()> {
        let (keys, log) = {
            let writer = &follower.copy.lock().writer;
            let keys = writer.keys().map(|keys| keys.file().clone());
            (keys, writer.file.clone())
        };
        self.check_place()?;
        if log.is_gone() || !log.path().exists() {
            // The collection was deleted meanwhile, with all that was in it. Or it is not
            // known which name the file has: it may be the log.
            return Ok(());
        }
        let wiped = keys.map_or(Ok(()), |keys| keys.wipe());
        let removed = wiped.and_then(|()| log.remove());
        removed.map_err(|error| match self.state.read().journal.log() {
            // Keys may be left in it of vectors that are deleted next.
            Some(log) => log.sync().health().fail(error),
            None => error,
        })
    }

    /// Writes the collection as it is when this returns to a backup.
    pub fn back_up(&self, backup: &mut Backup, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        let (follower, form) = {
            let mut state = self.write(Access::Wait)?;
            let (writer, name) = backup.section(&self.settings())?;
            let form = match state.journal.log().filter(|_| backup.is_apart()) {
                Some(log) => Form {
                    name: *log.name(),
                    as_it_is: true,
                },
                None => Form {
                    name,
                    as_it_is: false,
                },
            };
            (state.journal.follow(writer)?, form)
        };
        let done = self.copy_to(&follower, &form, progress, |state, _| {
            state.journal.unfollow(&follower);
            Ok(state.slots.len() as u64)
        });
        match done {
            Ok(vectors) => {
                let section = &mut follower.copy.lock().writer;
                backup.end_section(section, &form.name, vectors)
            }
            Err(error) => {
                self.state.write().journal.unfollow(&follower);
                backup.drop_section()?;
                Err(error)
            }
        }
    }

    /// Appends the keys of all there is, as it is at one moment.
    pub fn export_keys(&self, exported: &mut Exported) -> Result<()> {
        let (name, sequence, keys) = {
            let state = self.read(Access::Wait)?;
            let Some(log) = state.journal.log() else {
                return Ok(());
            };
            let mut keys = Vec::with_capacity(state.slots.len());
            for slot in state.slots.alive() {
                if let Some(record) = state.slots.record(slot) {
                    keys.push((record.key, log.key(slot)?));
                }
            }
            (*log.name(), state.journal.sequence(), keys)
        };
        exported.append(&name, sequence, &keys)
    }

    /// Writes the vectors at `slots` to a backup file of their own.
    pub(super) fn back_up_some(
        &self,
        path: &Path,
        state: &State,
        slots: &RoaringBitmap,
    ) -> Result<()> {
        let user = self.keys.as_ref().and_then(|keys| keys.user());
        let mut backup = Backup::create(&Files::default(), path, user, false)?;
        let (mut writer, name) = backup.section(&self.settings())?;
        let as_it_is = false;
        let form = Form { name, as_it_is };
        let order = state.slots.in_insertion_order(slots);
        let mut at = 0;
        while at < order.len() {
            cancel::check()?;
            at += state.copy_portion(&mut writer, &form, &order[at..])?;
        }
        backup.end_section(&mut writer, &name, slots.len())?;
        // What is deleted next is in a file, or there is no file.
        cancel::commit()?;
        backup.finish().map(drop)
    }
}
