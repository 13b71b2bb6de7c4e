//! Writing anew what a collection's log is made of: the log without its gaps, and the table of
//! keys under another key. Calls go on meanwhile.

use super::{Access, Collection, Progress, State, copy::Form};
use crate::{
    error::{Error, Result},
    storage::{CopyTarget, HEAD, Log, RECORDS},
};

/// A log with less than this in gaps is left alone.
const GAPS: u64 = 4 << 20;
/// So many keys are copied under the lock at a time: well under a millisecond.
const KEYS: u32 = 1024;

impl State {
    /// Whether rewriting the log is worth it, for what neither is of a live vector nor needed in
    /// any log. With `thorough`, as soon as it gains a tenth.
    pub(super) fn is_wasteful(&self, thorough: bool) -> bool {
        let Some(log) = self.journal.log() else {
            return false;
        };
        let (live, end) = log.size();
        let needed = live + RECORDS + (HEAD * self.slots.len()) as u64;
        let gaps = end.saturating_sub(needed);
        match thorough {
            true => gaps * 10 > end,
            false => gaps > GAPS && gaps * 2 > end - gaps,
        }
    }
}

impl Collection {
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
        let (target, form, _open) = {
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
            (state.journal.attach(successor)?, form, open)
        };
        let done = self.copy_to(&target, &form, tell, |state, copy| {
            self.check_place()?;
            let log = state.journal.log_mut();
            log.map_or(Ok(()), |log| log.exchange(&mut copy.writer))
        });
        // Now the target's files are what is not needed: the old log and its keys, or
        // unfinished new ones. Keys are destroyed in them too until they are gone.
        let writing = self.writing.lock();
        let removed = self.remove_copy(&target);
        self.state.write().journal.detach(&target);
        drop(writing);
        done.and(removed)
    }

    /// Removes the files of a copy, the keys first: then the rest is noise.
    fn remove_copy(&self, target: &CopyTarget) -> Result<()> {
        let (keys, log) = {
            let writer = &target.copy.lock().writer;
            let keys = writer.keys().map(|keys| keys.file().clone());
            (keys, writer.file.clone())
        };
        self.check_place()?;
        if log.is_closed_for_good() || !log.path().exists() {
            // The collection was deleted meanwhile, with all that was in it. Or it is not
            // known which name the file has: it may be the log.
            return Ok(());
        }
        let wiped = keys.map_or(Ok(()), |keys| keys.wipe());
        let removed = wiped.and_then(|()| log.remove());
        removed.map_err(|error| self.failed_to_wipe(error))
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
            && !left.is_closed_for_good()
        {
            left.wipe().map_err(|error| self.failed_to_wipe(error))?;
        }
        copied?;
        // It was sealed with the key before.
        self.save_graph();
        Ok(())
    }

    fn copy_keys(&self, total: u32, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        for key_index in (0..total).step_by(KEYS as usize) {
            {
                let state = self.read(Access::Wait)?;
                self.check_open()?;
                let Some(log) = state.journal.log() else {
                    return Ok(());
                };
                let count = KEYS.min(total - key_index);
                let copy = || log.copy_keys(key_index, count);
                state.journal.without_erasures(copy)?;
            }
            let (done, total) = (key_index.into(), total.into());
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

    /// Lets nothing be written from here on: in a file that is left there may be keys of vectors
    /// that are deleted next.
    fn failed_to_wipe(&self, error: Error) -> Error {
        match self.state.read().journal.log() {
            Some(log) => log.sync().health().fail(error),
            None => error,
        }
    }
}
