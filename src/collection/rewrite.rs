//! Rewriting the parts of a collection's log: the log itself, without its gaps, and the key table,
//! under another key or with other settings. Other calls continue in the meantime.

use std::time::Duration;

use super::{Access, Collection, Progress, State, copy::Form};
use crate::{
    error::{Error, Result},
    storage::{CopyTarget, HEAD, Log, RECORDS},
};

/// A log with less than this in gaps is left alone.
const GAPS: u64 = 4 << 20;
/// How long it may take to notice that the collection is being closed.
const PATIENCE: Duration = Duration::from_millis(50);
/// How many keys are copied under the lock at a time: well under a millisecond.
const KEYS: u32 = 1024;

impl State {
    /// Whether the log is worth rewriting to drop the bytes that belong to no live vector and that
    /// no log needs. With `thorough`, a saving of a tenth is enough.
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
    /// The log, if there is one, for operations that create files next to it. Fails unless the
    /// store is writable and in place.
    fn log_in_place<'a>(&self, state: &'a mut State) -> Result<Option<&'a mut Log>> {
        if let Some(log) = state.journal.log() {
            let health = log.sync().health();
            health.check()?;
            self.check_place().map_err(|error| health.fail(error))?;
        }
        Ok(state.journal.log_mut())
    }

    /// Replaces the log with one without gaps.
    pub(super) fn rewrite(&self, tell: &mut dyn FnMut(Progress)) -> Result<()> {
        // Whoever has the lock may be waiting for somebody who waits for the end of this thread.
        let _one = loop {
            self.check_open()?;
            if let Some(one) = self.rekeying.try_lock_for(PATIENCE) {
                break one;
            }
        };
        // Keeps the files open until two of them have been removed.
        let (target, form, _open) = {
            let mut state = self.write(Access::Wait)?;
            let Some(log) = self.log_in_place(&mut state)? else {
                return Ok(());
            };
            let open = log.writer().hold()?;
            let form = Form {
                name: *log.name(),
                as_it_is: true,
                with_expired: true,
            };
            let successor = log.successor()?;
            (state.journal.attach(successor)?, form, open)
        };
        let done = self.copy_to(&target, &form, tell, |state, copy| {
            self.check_place()?;
            let log = state.journal.log_mut();
            log.map_or(Ok(()), |log| log.exchange(&mut copy.writer))
        });
        // The target's files are now the ones that are not needed: the old log and its keys or, on
        // failure, the unfinished new ones. Keys are destroyed in them too until they are removed.
        let writing = self.writing.lock();
        let removed = self.remove_copy(&target);
        self.state.write().journal.detach(&target);
        drop(writing);
        done.and(removed)
    }

    /// Removes the files of a copy, the keys first, so that the rest is noise.
    fn remove_copy(&self, target: &CopyTarget) -> Result<()> {
        let (keys, log) = {
            let writer = &target.copy.lock().writer;
            let keys = writer.keys().map(|keys| keys.file().clone());
            (keys, writer.file.clone())
        };
        self.check_place()?;
        if log.is_closed_for_good() || !log.path().exists() {
            // The collection has been deleted in the meantime with all its files. Or it is unknown
            // which name the file has, and it may be the log.
            return Ok(());
        }
        let wiped = keys.map_or(Ok(()), |keys| keys.wipe());
        self.check_wiped(wiped.and_then(|()| log.remove()))
    }

    /// Re-encrypts the log's key table, and every file that is sealed with its key, with a new key
    /// under the store's current one. Other calls continue in the meantime.
    pub fn rotate_keys(&self, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        let Some(keys) = &self.keys else {
            return Ok(());
        };
        let _one = self.rekeying.lock();
        let begin = |log: &mut Log| log.begin_rotation(&keys.keyring());
        self.exchange_table(begin, progress, || Ok(()), |(), _| ())?;
        // The saved graph was sealed with the previous key.
        self.save_graph();
        Ok(())
    }

    /// Replaces the log's key table by the one that `begin` creates, once all keys have been copied
    /// to it. `prepare` is called before the last step; `put` is called at the moment when the new
    /// table is in place, under the exclusive lock. If this fails after that, only the old table is
    /// left over. The caller holds `rekeying`.
    pub(super) fn exchange_table<T>(
        &self,
        begin: impl FnOnce(&mut Log) -> Result<u32>,
        progress: &mut dyn FnMut(Progress),
        prepare: impl FnOnce() -> Result<T>,
        put: impl FnOnce(T, &mut State),
    ) -> Result<()> {
        let total = {
            let mut state = self.write(Access::Wait)?;
            let Some(log) = self.log_in_place(&mut state)? else {
                return Err(Error::CollectionNotFound(self.name()));
            };
            begin(log)?
        };
        let copied = self.copy_keys(total, progress);
        let prepared = copied.and_then(|()| prepare());
        let (left, done) = {
            let mut state = self.state.write();
            state.journal.wait_for_erasures();
            let dropped = self.check(state.dropped);
            match (state.journal.log_mut(), prepared, dropped) {
                (Some(log), Ok(prepared), Ok(())) => {
                    let left = log.end_rotation()?;
                    put(prepared, &mut state);
                    (left, Ok(()))
                }
                (Some(log), Err(error), _) => (log.give_up_rotation(), Err(error)),
                (_, _, dropped) => (None, dropped),
            }
        };
        let Some(left) = left else {
            return done;
        };
        // If the collection has been deleted in the meantime, its files were wiped with it.
        let wiped = match left.is_closed_for_good() {
            true => Ok(()),
            false => left.wipe(),
        };
        // If it could not be wiped, nothing more is written.
        if wiped.is_ok()
            && let Some(log) = self.state.write().journal.log_mut()
        {
            log.end_wiping();
        }
        let wiped = wiped.map_err(|error| match &done {
            Ok(()) => Error::Storage(format!(
                "the change is made, but the key table that it replaced could not be overwritten, \
                 which is done when the store is opened again: {error}"
            )),
            Err(_) => error,
        });
        self.check_wiped(wiped)?;
        done
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
        // Most of the table is synced to disk here, before writers have to wait for the rest.
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

    /// Stops all further writing if a file could not be wiped: it may hold the keys of vectors that
    /// are deleted next. If the collection has been deleted in the meantime, all of its files were
    /// wiped with it.
    fn check_wiped(&self, wiped: Result<()>) -> Result<()> {
        match (wiped, self.state.read().journal.log()) {
            (Err(error), Some(log)) => Err(log.sync().health().fail(error)),
            _ => Ok(()),
        }
    }
}
