//! When what was written is made to last, and what happens when that fails.

use std::{
    io,
    sync::{Arc, OnceLock},
};

use parking_lot::{Condvar, Mutex};
use serde::Deserialize;

use super::{
    file::{File, is_full},
    header::Mark,
    reserve::Reserve,
};
use crate::error::{Error, Result};

/// When a write is made to survive a loss of power. A killed process loses nothing with
/// any of them, and what gives the store its shape (a new collection, a rewritten log) is
/// always synced at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fsync {
    /// Before its promise resolves.
    Always,
    /// Within about a second.
    #[default]
    Everysec,
    /// When the system sees fit, and on `flush` and `close`.
    No,
}

/// Whether a store can still be written. After a write or sync that failed, and may be half
/// done, nobody knows what is on the disk, so nothing more is written until the store is
/// opened, and read, again.
#[derive(Default)]
pub struct Health {
    failure: OnceLock<String>,
    reserve: Option<Reserve>,
}

impl Health {
    /// Of a store that keeps room for deletes.
    pub fn with(reserve: Reserve) -> Self {
        Self {
            failure: OnceLock::new(),
            reserve: Some(reserve),
        }
    }

    /// Sees to it that there is room for deletes, before what is no delete takes any.
    pub fn keep_room(&self) -> Result<()> {
        self.reserve.as_ref().map_or(Ok(()), Reserve::keep)
    }

    /// Gives room to whoever deletes. False when there is none left.
    pub fn give_room(&self) -> bool {
        self.reserve.as_ref().is_some_and(Reserve::give)
    }

    /// Does what makes room, in the room that is kept for it where there is no other.
    pub fn making_room<T>(&self, mut act: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        loop {
            match act() {
                Err(error) if is_full(&error) && self.give_room() => {}
                done => return done,
            }
        }
    }

    pub fn check(&self) -> Result<()> {
        match self.failure.get() {
            None => Ok(()),
            Some(first) => Err(Error::Storage(format!("an earlier write failed: {first}"))),
        }
    }

    pub fn is_failed(&self) -> bool {
        self.failure.get().is_some()
    }

    /// Nothing may be written any more: the store is closed.
    pub fn close(&self) {
        let _ = self.failure.set("the store is closed".into());
    }

    /// Notes a failure, and returns it with its consequence.
    pub fn fail(&self, error: Error) -> Error {
        if self.is_failed() {
            return error;
        }
        let text = format!(
            "{error}; the store is read-only until all its clients are closed and it is opened again"
        );
        let _ = self.failure.set(text.clone());
        Error::Storage(text)
    }
}

/// Syncs one log, for many threads at a time: whoever comes first does it for all that
/// have written by then.
pub struct Syncer {
    fsync: Fsync,
    health: Arc<Health>,
    state: Mutex<State>,
    done: Condvar,
}

struct State {
    /// The keys, and the log, whose records count only with them.
    files: Vec<Arc<File>>,
    /// The end of the log's last whole record.
    end: u64,
    /// Counts writes, the destruction of keys included; `synced` is the last that is known to last.
    written: u64,
    synced: u64,
    busy: bool,
    /// The turn of the last mark.
    turn: u64,
}

impl Syncer {
    pub fn new(
        fsync: Fsync,
        health: Arc<Health>,
        files: Vec<Arc<File>>,
        end: u64,
        turn: u64,
    ) -> Self {
        Self {
            fsync,
            health,
            state: Mutex::new(State {
                files,
                end,
                written: 0,
                synced: 0,
                busy: false,
                turn,
            }),
            done: Condvar::new(),
        }
    }

    pub fn fsync(&self) -> Fsync {
        self.fsync
    }

    pub fn health(&self) -> &Arc<Health> {
        &self.health
    }

    /// Notes that the log was written to `end`.
    pub fn appended(&self, end: u64) -> u64 {
        let mut state = self.state.lock();
        state.end = end;
        state.written += 1;
        state.written
    }

    /// Notes that keys were destroyed.
    pub fn erased(&self) -> u64 {
        let mut state = self.state.lock();
        state.written += 1;
        state.written
    }

    /// From here on the log is in these files, which are synced.
    pub fn replace(&self, files: Vec<Arc<File>>, end: u64, turn: u64) {
        let mut state = self.state.lock();
        state.files = files;
        state.end = end;
        state.turn = turn;
        state.written += 1;
        state.synced = state.written;
    }

    /// From here on the log's keys are in another file, which is synced.
    pub fn exchange(&self, files: Vec<Arc<File>>) {
        self.state.lock().files = files;
    }

    /// Returns when a write is as safe as the caller was promised.
    pub fn settle(&self, written: u64) -> Result<()> {
        match self.fsync {
            Fsync::Always => self.sync(written, false),
            Fsync::Everysec | Fsync::No => Ok(()),
        }
    }

    /// Returns when everything written so far is safe.
    pub fn flush(&self) -> Result<()> {
        let written = self.state.lock().written;
        self.sync(written, false)
    }

    /// Makes everything last, and notes that the log was left in order: nothing may be
    /// written any more.
    pub fn close(&self) -> Result<()> {
        let written = self.erased();
        self.sync(written, true)
    }

    fn sync(&self, until: u64, clean: bool) -> Result<()> {
        let mut state = self.state.lock();
        loop {
            self.health.check()?;
            if state.synced >= until {
                return Ok(());
            }
            if state.busy {
                self.done.wait(&mut state);
                continue;
            }
            state.busy = true;
            state.turn += 1;
            let files = state.files.clone();
            let mark = Mark {
                turn: state.turn,
                end: state.end,
                clean,
            };
            let written = state.written;
            drop(state);
            // Without a handle nothing is tried, and nothing has failed.
            let held: Result<Vec<_>> = files.iter().map(|file| file.hold()).collect();
            let sync = || -> Result<()> {
                files.iter().try_for_each(|file| file.sync())?;
                // The mark says what is known to last, so it comes after; it may itself be lost.
                files.last().map_or(Ok(()), |log| mark.write(log))
            };
            let outcome = match &held {
                Ok(_) => sync(),
                Err(error) => Err(error.clone()),
            };
            state = self.state.lock();
            state.busy = false;
            if outcome.is_ok() {
                state.synced = state.synced.max(written);
            }
            self.done.notify_all();
            match outcome {
                Err(_) if files.iter().any(|file| file.is_gone()) => {
                    let same = files.iter().zip(&state.files);
                    if same.into_iter().all(|(was, is)| Arc::ptr_eq(was, is)) {
                        // The collection was deleted meanwhile, with all that was in it.
                        return Ok(());
                    }
                    // Others have taken their place, and are not synced by this.
                }
                Err(error) if held.is_ok() => return Err(self.health.fail(error)),
                outcome => return outcome,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::file::{Files, Interruption, Operation},
        *,
    };

    #[test]
    fn a_log_is_synced_also_where_its_keys_get_another_file_meanwhile() {
        let directory = tempfile::tempdir().unwrap();
        let place = |name: &str| directory.path().join(name);
        let synced: Arc<Mutex<Vec<String>>> = Arc::default();
        let rotated: Arc<OnceLock<Box<dyn Fn() + Send + Sync>>> = Arc::default();
        let (noted, act) = (synced.clone(), rotated.clone());
        let files = Files::interrupted_by(move |operation| {
            let Operation::Sync(path) = operation else {
                return None;
            };
            let name = path.file_name()?.to_str()?.to_owned();
            let is_old = name == "old";
            noted.lock().push(name);
            if is_old && let Some(act) = act.get() {
                act();
            }
            is_old.then_some(Interruption::Before(5))
        });
        let [old, new, log] =
            ["old", "new", "log"].map(|name| Arc::new(files.create(&place(name)).unwrap()));
        let all = vec![old.clone(), log.clone()];
        let syncer = Arc::new(Syncer::new(Fsync::Always, Arc::default(), all, 0, 0));
        let other = syncer.clone();
        let _ = rotated.set(Box::new(move || {
            old.leave();
            other.exchange(vec![new.clone(), log.clone()]);
        }));
        let written = syncer.appended(12_288);
        syncer.settle(written).unwrap();
        assert_eq!(*synced.lock(), ["old", "new", "log"]);
    }
}
