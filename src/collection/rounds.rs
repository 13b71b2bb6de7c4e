//! Writes that depend on what is there, and that take long to prepare.
//!
//! They are prepared under the shared lock, in portions, and without a lock. Under the exclusive
//! lock, they are committed if nothing that the preparation relied on has changed in the meantime.
//! Otherwise they are prepared again; at last while other writes wait.

use std::sync::Arc;

use parking_lot::{RwLockUpgradableReadGuard, RwLockWriteGuard};

use super::{Access, Collection, State};
use crate::{
    cancel,
    error::{Error, Result},
    vectors::Record,
};

/// How often a write is prepared without keeping other writes out.
const ROUNDS: usize = 2;
/// The number of vectors read without releasing the lock: each may be on the disk.
pub(super) const PORTION: usize = 128;

/// A write that is prepared before it is committed.
pub(super) trait LongWrite {
    type Plan;
    type Done;

    fn prepare(&mut self, reader: &Reader<'_>) -> Result<Ready<Self::Plan, Self::Done>>;

    /// Commits what was prepared; `None` if a vector has changed since.
    fn commit(
        &mut self,
        collection: &Arc<Collection>,
        state: RwLockWriteGuard<'_, State>,
        plan: Self::Plan,
    ) -> Result<Option<Self::Done>>;
}

/// The end of a preparation.
pub(super) enum Ready<P, D> {
    Commit(P),
    /// There is nothing to commit.
    Ended(D),
    /// A vector has changed during the preparation.
    Stale,
}

/// What a preparation reads.
pub(super) struct Reader<'a> {
    pub(super) collection: &'a Collection,
    /// The state while other writes wait.
    held: Option<&'a State>,
    /// Whether this is the first time.
    pub(super) is_first: bool,
}

impl Reader<'_> {
    /// Reads the state at this moment. Nothing slow may happen in `read`.
    pub(super) fn read<T>(&self, read: impl FnOnce(&State) -> Result<T>) -> Result<T> {
        cancel::check()?;
        match self.held {
            Some(state) => read(state),
            None => read(&*self.collection.read(Access::Wait)?),
        }
    }
}

impl Collection {
    /// Prepares and commits a write.
    pub(super) fn in_rounds<W: LongWrite>(self: &Arc<Self>, write: &mut W) -> Result<W::Done> {
        let done = self.try_rounds(write);
        // Whatever became of it, it may have held the lock.
        self.keep_up();
        done
    }

    fn try_rounds<W: LongWrite>(self: &Arc<Self>, write: &mut W) -> Result<W::Done> {
        for round in 0..ROUNDS {
            let ready = write.prepare(&Reader {
                collection: self,
                held: None,
                is_first: round == 0,
            })?;
            let done = match ready {
                Ready::Commit(plan) => write.commit(self, self.write(Access::Wait)?, plan)?,
                Ready::Ended(done) => Some(done),
                Ready::Stale => None,
            };
            if let Some(done) = done {
                return Ok(done);
            }
        }
        // What is due expires before, so that all of this sees the same.
        let state = RwLockWriteGuard::downgrade_to_upgradable(self.exclusive(Access::Wait)?);
        let ready = write.prepare(&Reader {
            collection: self,
            held: Some(&state),
            is_first: false,
        })?;
        let done = match ready {
            Ready::Commit(plan) => {
                write.commit(self, RwLockUpgradableReadGuard::upgrade(state), plan)?
            }
            Ready::Ended(done) => Some(done),
            Ready::Stale => None,
        };
        done.ok_or_else(|| Error::Internal("a vector has changed while other writes waited".into()))
    }
}

/// Identifies the contents of a vector that a preparation has read.
#[derive(PartialEq, Eq)]
pub(super) struct Mark {
    key: u64,
    /// On disk, its entry. In memory, its metadata, text and times may change without it.
    entry: Option<[u8; 32]>,
}

impl Mark {
    /// Whether nothing can change without it.
    pub(super) fn is_of_all(&self) -> bool {
        self.entry.is_some()
    }
}

impl State {
    pub(super) fn mark(&self, slot: u32, record: &Record) -> Result<Mark> {
        let entry = self.journal.log().map(|log| log.mark(slot)).transpose()?;
        let key = record.key;
        Ok(Mark { key, entry })
    }

    /// The vector at `slot`, if it still has this mark.
    pub(super) fn marked(&self, slot: u32, mark: &Mark) -> Result<Option<&Record>> {
        match self.slots.record(slot) {
            Some(record) if self.mark(slot, record)? == *mark => Ok(Some(record)),
            _ => Ok(None),
        }
    }
}
