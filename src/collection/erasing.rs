//! What is erased, in the ledger of the store.
//!
//! An erasure is in the ledger twice. It begins there before it happens, on disk, under a lock that
//! excludes other writers and nobody else: so exactly what has begun is erased, and readers go on
//! while the disk is waited for. And it ends there once it is complete and on disk. What was
//! interrupted in between is decided by the next opening, which finds what it was about or not
//! (`client/store.rs`).
//!
//! Without a ledger, none of this costs anything.

use std::sync::Arc;

use parking_lot::{RwLockUpgradableReadGuard, RwLockWriteGuard};
use roaring::RoaringBitmap;

use super::{Access, Collection, Contents, Drafted, Receipt, State};
use crate::{
    cancel,
    error::{Error, Result},
    storage::{Begun, ErasedPart, Erasing, ErasingIn, Ledger, LedgerEntry, Numbers},
    wiped::Id,
};

/// Which call erases, and why.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cause<'a> {
    pub(super) call: &'static str,
    pub(super) reason: Option<&'a str>,
}

impl<'a> Cause<'a> {
    /// What has expired is erased.
    pub(super) const EXPIRY: Self = Self::new("expiry", None);

    pub(super) const fn new(call: &'static str, reason: Option<&'a str>) -> Self {
        Self { call, reason }
    }
}

/// An erasure that has begun in the ledger; nothing if there is no ledger. Dropping it leaves it to
/// the next opening whether it has happened.
#[must_use]
#[derive(Default)]
pub(super) struct Erasure(Option<(Arc<Ledger>, Begun)>);

impl Erasure {
    /// Begins an erasure in the ledger.
    pub(super) fn begin(ledger: &Arc<Ledger>, erasing: &Erasing<'_>) -> Result<Self> {
        let begun = ledger.begin(erasing)?;
        Ok(Self(Some((ledger.clone(), begun))))
    }

    /// Whether there is a ledger: the erasure must be on disk before it ends.
    pub(super) fn is_recorded(&self) -> bool {
        self.0.is_some()
    }

    /// It has not happened, because of this error. Called before anybody else can erase the same.
    pub(super) fn undone(&mut self, error: Error) -> Error {
        if let Some((ledger, begun)) = self.0.take() {
            ledger.undo(begun);
        }
        error
    }

    /// It has happened, and that is on disk. Returns its entry, which is on disk if `sync` says so.
    pub(super) fn end(self, sync: bool) -> Result<Option<LedgerEntry>> {
        let Some((ledger, begun)) = self.0 else {
            return Ok(None);
        };
        ledger.end(begun, sync).map(Some)
    }
}

/// A collection that has been deleted, with what remains to be done.
pub struct Dropped {
    pub(super) contents: Contents,
    /// The draft receipt, if one is wanted.
    pub(super) drafted: Option<Drafted>,
    pub(super) erasure: Erasure,
    pub(super) call: &'static str,
    pub(super) reason: Option<String>,
}

impl Dropped {
    /// Closes the collection's files, whose directory is about to be removed.
    pub fn leave_files(&self) {
        self.contents.leave_files();
    }

    /// Drops the contents, which takes time. On disk, the files are gone by now. Returns the receipt
    /// if one was wanted.
    pub fn end(self, on_disk: bool) -> Result<Option<Receipt>> {
        drop(self.contents);
        let entry = self.erasure.end(self.drafted.is_some())?;
        let cause = Cause::new(self.call, self.reason.as_deref());
        let complete = |drafted: Drafted| drafted.complete(on_disk, cause, entry);
        Ok(self.drafted.map(complete))
    }
}

/// Begins an erasure in one collection.
fn begin(
    ledger: &Arc<Ledger>,
    cause: Cause<'_>,
    part: ErasingIn<'_>,
    drafted: &Drafted,
) -> Result<Erasure> {
    let erasing = Erasing {
        call: cause.call,
        reason: cause.reason,
        collections: vec![part],
        bytes: drafted.bytes,
        digest: drafted.digest(),
    };
    Erasure::begin(ledger, &erasing)
}

impl State {
    /// Syncs everything written so far, under the caller's lock. What names entries by their numbers,
    /// outside of the log, is on disk only after these: a power failure takes what is not on disk,
    /// and the numbers are given to others.
    pub(super) fn make_durable(&self) -> Result<()> {
        let log = self.journal.log();
        log.map_or(Ok(()), |log| log.sync().make_all_durable())
    }

    /// The draft receipt for what the next write removes at these slots.
    pub(super) fn draft_next(&self, slots: &RoaringBitmap) -> Drafted {
        let drafted = self.draft(slots);
        Drafted {
            sequence: drafted.sequence + 1,
            ..drafted
        }
    }
}

impl Collection {
    /// With a ledger, nothing is erased by a thread that must not wait.
    pub(super) fn check_patient(&self, access: Access) -> Result<()> {
        match self.ledger.is_some() && access != Access::Wait {
            true => Err(Error::WouldBlock),
            false => Ok(()),
        }
    }

    /// What the next write erases at these slots, as the ledger has it.
    pub(super) fn erasing_in<'a>(
        &self,
        name: &'a str,
        state: &State,
        slots: &RoaringBitmap,
        ids: &'a [Id],
    ) -> ErasingIn<'a> {
        let numbers: Numbers = state.numbers(slots).collect();
        ErasingIn {
            collection: name,
            id: self.sealed_for.unwrap_or_default(),
            sequence: state.journal.sequence() + 1,
            erased: ErasedPart::Vectors { ids, numbers },
            to: None,
        }
    }

    /// Begins in the ledger the erasure of the vectors at these slots, alive or expired, by the next
    /// write. With them goes the draft of its receipt, which may be about more than these, and if they
    /// are moved, the collection that has them from then on, or the bin. The caller keeps other
    /// writers out until then, and the call can no longer be cancelled.
    pub(super) fn begin_erasure(
        &self,
        state: &State,
        slots: &RoaringBitmap,
        cause: Cause<'_>,
        (drafted, to): (&Drafted, Option<&Self>),
    ) -> Result<Erasure> {
        let Some(ledger) = &self.ledger else {
            return Ok(Erasure::default());
        };
        let records = slots.iter().filter_map(|slot| state.slots.record(slot));
        let ids: Vec<Id> = records.map(|record| record.id.clone()).collect();
        // Whoever gives it another name needs the lock.
        let name = self.name();
        state.make_durable()?;
        let part = ErasingIn {
            to: to.and_then(|to| to.sealed_for),
            ..self.erasing_in(&name, state, slots, &ids)
        };
        begin(ledger, cause, part, drafted)
    }

    /// The same under the exclusive lock, which is given up for readers meanwhile: other writers
    /// still wait. The write removes `removed`, of which `gone` has no successor; `to` is as above.
    /// The call cannot be cancelled afterwards.
    pub(super) fn begin_erasure_beside_readers<'a>(
        &self,
        state: RwLockWriteGuard<'a, State>,
        (gone, removed): (&RoaringBitmap, &RoaringBitmap),
        cause: Cause<'_>,
        (drafted, to): (Option<&Drafted>, Option<&Self>),
    ) -> Result<(RwLockWriteGuard<'a, State>, Erasure)> {
        self.beside_readers(state, |state| match drafted {
            Some(drafted) => self.begin_erasure(state, gone, cause, (drafted, to)),
            None => self.begin_erasure(state, gone, cause, (&state.draft_next(removed), to)),
        })
    }

    /// Begins in the ledger the erasure of the collection as a whole.
    pub(super) fn begin_erasure_of_all<'a>(
        &self,
        state: RwLockWriteGuard<'a, State>,
        cause: Cause<'_>,
    ) -> Result<(RwLockWriteGuard<'a, State>, Erasure)> {
        self.beside_readers(state, |state| {
            let Some(ledger) = &self.ledger else {
                return Ok(Erasure::default());
            };
            let (drafted, name) = (state.draft_of_all(), self.name());
            let part = ErasingIn {
                collection: &name,
                id: self.sealed_for.unwrap_or_default(),
                sequence: drafted.sequence,
                erased: ErasedPart::All {
                    deleted: drafted.ids.len(),
                },
                to: None,
            };
            begin(ledger, cause, part, &drafted)
        })
    }

    /// Calls `begin` if there is a ledger. Readers go on meanwhile, and nobody else writes.
    fn beside_readers<'a>(
        &self,
        state: RwLockWriteGuard<'a, State>,
        begin: impl FnOnce(&State) -> Result<Erasure>,
    ) -> Result<(RwLockWriteGuard<'a, State>, Erasure)> {
        if self.ledger.is_none() {
            return Ok((state, Erasure::default()));
        }
        // A call that is cancelled begins nothing.
        cancel::commit()?;
        let state = RwLockWriteGuard::downgrade_to_upgradable(state);
        let erasure = begin(&state)?;
        Ok((RwLockUpgradableReadGuard::upgrade(state), erasure))
    }

    /// Whether an entry with one of these numbers is still there, alive or expired.
    pub fn has_any(&self, numbers: &Numbers) -> bool {
        let state = self.state.read();
        let recorded = state.slots.recorded();
        let mut records = recorded.iter().filter_map(|slot| state.slots.record(slot));
        records.any(|record| numbers.contains(record.key))
    }
}
