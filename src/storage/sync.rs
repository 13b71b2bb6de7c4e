//! When writes are made durable, and what happens if that fails.

use std::{
    io,
    sync::{Arc, OnceLock},
};

use parking_lot::{Condvar, Mutex};
use serde::Deserialize;

use super::{
    file::{File, is_full},
    header::Checkpoint,
    reserve::Reserve,
};
use crate::error::{Error, Result};

/// When a write is made safe from a power failure. With any of these, nothing is lost if the
/// process is killed, and changes to the structure of the store (a new collection, a rewritten log)
/// are always synced at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fsync {
    /// Before its promise resolves.
    Always,
    /// Within about a second.
    #[default]
    Everysec,
    /// When the operating system decides, and on `flush` and `close`.
    No,
}

/// Whether a store can still be written. After a write or sync has failed, perhaps half done, it is
/// unknown what is on disk. So nothing more is written until the store has been opened, and read,
/// again.
#[derive(Default)]
pub struct Health {
    failure: OnceLock<String>,
    reserve: Option<Reserve>,
}

impl Health {
    /// For a store that reserves space for deletes.
    pub fn with(reserve: Reserve) -> Self {
        Self {
            failure: OnceLock::new(),
            reserve: Some(reserve),
        }
    }

    /// Makes sure that space is reserved for deletes, before anything but a delete uses any.
    pub fn ensure_reserve(&self) -> Result<()> {
        self.reserve.as_ref().map_or(Ok(()), Reserve::refill)
    }

    /// Frees some of the reserved space for a delete. False if there is none left.
    pub fn release_reserve(&self) -> bool {
        self.reserve.as_ref().is_some_and(Reserve::release)
    }

    /// Runs an operation that frees space, using the reserved space if the disk is full.
    pub fn with_reserve<T>(&self, mut act: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        loop {
            match act() {
                Err(error) if is_full(&error) && self.release_reserve() => {}
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

    /// Rejects all further writes: the store is closed.
    pub fn close(&self) {
        let _ = self.failure.set("the store is closed".into());
    }

    /// Records a failure, and returns the error with its consequence.
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

/// Syncs one log for many threads at a time (group commit): the first one to arrive does it for all
/// that have written by then.
pub struct Syncer {
    fsync: Fsync,
    health: Arc<Health>,
    state: Mutex<State>,
    done: Condvar,
}

struct State {
    /// The key tables, then the log, whose records are valid only with their keys.
    files: Vec<Arc<File>>,
    /// The end of the log's last complete record.
    end: u64,
    /// The number of writes, including the destruction of keys; `synced` is the last one known to
    /// be durable.
    written: u64,
    synced: u64,
    /// The last write that a checkpoint covers which is durable itself.
    known: u64,
    busy: bool,
    /// The turn of the last checkpoint.
    turn: u64,
}

/// What a sync is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// What was written is durable.
    Durable,
    /// So is the checkpoint that says so. Otherwise, if a key is destroyed later and only that
    /// reaches the disk before the power fails, a record looks as if it had never been complete,
    /// and the log ends before it.
    Known,
    /// The same, and nothing is written any more.
    Closed,
}

impl Syncer {
    /// For files that are synced up to `end`. `checkpoint` is the last one, which is durable.
    pub fn new(
        fsync: Fsync,
        health: Arc<Health>,
        files: Vec<Arc<File>>,
        end: u64,
        checkpoint: &Checkpoint,
    ) -> Self {
        Self {
            fsync,
            health,
            state: Mutex::new(State {
                files,
                end,
                // One that the checkpoint does not cover.
                written: u64::from(checkpoint.end < end),
                synced: 0,
                known: 0,
                busy: false,
                turn: checkpoint.turn,
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

    /// Records that the log has been written up to `end`.
    pub fn appended(&self, end: u64) -> u64 {
        let mut state = self.state.lock();
        state.end = end;
        state.written += 1;
        state.written
    }

    /// Records that keys have been destroyed.
    pub fn erased(&self) -> u64 {
        let mut state = self.state.lock();
        state.written += 1;
        state.written
    }

    /// Records that the log is now in these files, which have been synced with this checkpoint.
    pub fn replace(&self, files: Vec<Arc<File>>, checkpoint: &Checkpoint) {
        let mut state = self.state.lock();
        state.files = files;
        state.end = checkpoint.end;
        state.turn = checkpoint.turn;
        state.written += 1;
        (state.synced, state.known) = (state.written, state.written);
    }

    /// Records that the log's keys are now in another file, which has been synced.
    pub fn exchange(&self, files: Vec<Arc<File>>) {
        self.state.lock().files = files;
    }

    /// Returns once a write is as durable as the caller was promised.
    pub fn wait_durable(&self, written: u64) -> Result<()> {
        match self.fsync {
            Fsync::Always => self.make_durable(written),
            Fsync::Everysec | Fsync::No => Ok(()),
        }
    }

    /// Returns once a write is durable, whatever the caller was promised.
    pub fn make_durable(&self, written: u64) -> Result<()> {
        self.sync(written, Purpose::Durable)
    }

    /// Returns once everything written so far is durable.
    pub fn make_all_durable(&self) -> Result<()> {
        let written = self.state.lock().written;
        self.make_durable(written)
    }

    /// Returns once everything written so far is durable, whatever is written from then on.
    pub fn flush(&self) -> Result<()> {
        let written = self.state.lock().written;
        self.sync(written, Purpose::Known)
    }

    /// Makes everything durable, and marks the log as closed cleanly: nothing may be written any
    /// more.
    pub fn close(&self) -> Result<()> {
        let written = self.erased();
        self.sync(written, Purpose::Closed)
    }

    fn sync(&self, until: u64, purpose: Purpose) -> Result<()> {
        let mut state = self.state.lock();
        loop {
            self.health.check()?;
            let reached = match purpose {
                Purpose::Durable => state.synced,
                Purpose::Known | Purpose::Closed => state.known,
            };
            if reached >= until {
                return Ok(());
            }
            if state.busy {
                self.done.wait(&mut state);
                continue;
            }
            state.busy = true;
            state.turn += 1;
            let files = state.files.clone();
            let checkpoint = Checkpoint {
                turn: state.turn,
                end: state.end,
                clean: purpose == Purpose::Closed,
            };
            let (written, before) = (state.written, state.synced);
            drop(state);
            // Without a handle nothing is attempted, so nothing has failed.
            let held: Result<Vec<_>> = files.iter().map(|file| file.hold()).collect();
            let sync = || -> Result<()> {
                files.iter().try_for_each(|file| file.sync())?;
                // The checkpoint states what is durable, so it is written afterwards. It is durable
                // itself after the next sync.
                let Some(log) = files.last() else {
                    return Ok(());
                };
                checkpoint.write(log)?;
                match purpose {
                    Purpose::Durable => Ok(()),
                    Purpose::Known | Purpose::Closed => log.sync(),
                }
            };
            let outcome = match &held {
                Ok(_) => sync(),
                Err(error) => Err(error.clone()),
            };
            state = self.state.lock();
            state.busy = false;
            if outcome.is_ok() {
                state.synced = state.synced.max(written);
                // The last checkpoint was written before these files were synced.
                state.known = state.known.max(match purpose {
                    Purpose::Durable => before,
                    Purpose::Known | Purpose::Closed => written,
                });
            }
            self.done.notify_all();
            match outcome {
                Err(_) if files.iter().any(|file| file.is_closed_for_good()) => {
                    let same = files.iter().zip(&state.files);
                    if same.into_iter().all(|(was, is)| Arc::ptr_eq(was, is)) {
                        // The collection has been deleted in the meantime, with everything in it.
                        return Ok(());
                    }
                    // Other files have taken their place, and were not synced by this.
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
        let checkpoint = Checkpoint {
            turn: 0,
            end: 0,
            clean: false,
        };
        let syncer = Syncer::new(Fsync::Always, Arc::default(), all, 0, &checkpoint);
        let syncer = Arc::new(syncer);
        let other = syncer.clone();
        let _ = rotated.set(Box::new(move || {
            old.close_for_good();
            other.exchange(vec![new.clone(), log.clone()]);
        }));
        let written = syncer.appended(12_288);
        syncer.wait_durable(written).unwrap();
        assert_eq!(*synced.lock(), ["old", "new", "log"]);
    }
}
