//! Deleting from several collections in one step.
//!
//! With other writes to all of them waiting, what is to be deleted is selected in each. What is
//! written down then (`storage/pending.rs`) is deleted, whatever happens next: in one collection
//! after the other, or at the next opening. If only one collection has anything to delete, its
//! commit is enough.
//!
//! What is selected and has expired without being erased yet is erased with it. No report counts it:
//! for every read, it is gone already.

use std::sync::Arc;

use parking_lot::RwLockUpgradableReadGuard;
use roaring::RoaringBitmap;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::{
    Access, Collection, Drafted, Guards, OnProgress, Refusal, Role, Selection, State,
    erasing::{Cause, Erasure},
    insert::tell,
};
use crate::{
    cancel,
    error::{Error, Result},
    filter::{FieldIndexes, Source},
    hexadecimal::hexadecimal,
    storage::{Erasing, LedgerEntry, Pending, PendingFile, Removal},
    vectors::Slots,
    wiped::Id,
};

/// What is to be deleted in several collections.
pub struct Forget<'a> {
    pub selection: &'a Selection,
    /// Delete nothing, and report what would be deleted.
    pub dry_run: bool,
    /// They count the vectors of all collections together.
    pub guards: Guards,
    /// Why, for the receipt and the ledger.
    pub reason: Option<&'a str>,
    /// Called with the phase, `forget`, and how many of the vectors are deleted.
    pub on_progress: Option<&'a OnProgress>,
}

/// What was, or would be, deleted.
#[derive(Debug)]
pub struct ForgottenFrom {
    /// For each of the collections.
    pub collections: Vec<ForgottenIn>,
    pub refusal: Option<Refusal>,
    /// Present if it was done.
    pub receipt: Option<ForgetReceipt>,
}

/// What was, or would be, forgotten in one collection.
#[derive(Debug)]
pub struct ForgottenIn {
    pub collection: String,
    /// How many live vectors were checked.
    pub scanned: usize,
    /// The ids that matched, in insertion order.
    pub matched: Vec<Id>,
    /// The fields of the filter that no live vector of the collection had; empty if there were no
    /// live vectors.
    pub unknown: Vec<String>,
    /// Whether these had been deleted for now, and could have been undeleted.
    pub undoable: bool,
}

/// Proves what was erased in several collections, without retaining it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForgetReceipt {
    pub deleted: usize,
    /// The bytes of the deleted vectors' rows, ids, metadata and texts.
    pub bytes_erased: u64,
    /// For each collection in which something was deleted, sorted by name: the name, how many, and
    /// the sequence number of the delete among the collection's writes.
    pub collections: Vec<(String, usize, u64)>,
    pub reason: Option<String>,
    /// Its entry in the store's ledger, if there is one.
    pub entry: Option<LedgerEntry>,
    /// When the last byte was overwritten and synced.
    pub completed_at: OffsetDateTime,
    /// Whether all of it is synced to disk. False in memory.
    pub durable: bool,
    /// SHA-256, in hexadecimal, of the JSON text `[[collection,logSequence,[id,...]],...]` without
    /// whitespace, in the order of `collections`, with the deleted ids sorted by their UTF-8 bytes.
    pub digest: String,
}

/// A collection with its name, and its state while other writers wait.
struct Held<'a> {
    name: &'a str,
    collection: &'a Arc<Collection>,
    state: RwLockUpgradableReadGuard<'a, State>,
}

/// What is to be deleted in one collection.
struct Part<'a> {
    held: Held<'a>,
    /// Those that were alive when they were selected.
    slots: RoaringBitmap,
    expired: RoaringBitmap,
    /// The draft receipt for those that were alive.
    drafted: Drafted,
}

/// What was done, before the receipt can be completed.
struct Deleted {
    /// For each collection in which something was deleted, its name and the draft receipt.
    drafts: Vec<(String, Drafted)>,
    begun: Begun,
}

/// What has begun in the ledger.
#[derive(Default)]
struct Begun {
    forgotten: Erasure,
    /// What was erased with it because it had expired.
    expired: Vec<Erasure>,
}

impl Begun {
    /// It has not happened, because of this error.
    fn undone(&mut self, error: Error) -> Error {
        let expired = self.expired.iter_mut().rev();
        let error = expired.fold(error, |error, one| one.undone(error));
        self.forgotten.undone(error)
    }

    /// It has happened. Returns the entry of what no report leaves out.
    fn end(self) -> Result<Option<LedgerEntry>> {
        for one in self.expired {
            one.end(false)?;
        }
        self.forgotten.end(true)
    }
}

/// The vectors that have expired, as filters access them.
struct Expired<'a>(&'a Slots);

impl Source for Expired<'_> {
    fn metadata(&self, slot: u32) -> Option<&str> {
        self.0.metadata(slot)
    }

    fn slot_of(&self, id: &str) -> Option<u32> {
        self.0.expired_slot_of(id)
    }
}

impl Part<'_> {
    fn all(&self) -> RoaringBitmap {
        &self.slots | &self.expired
    }
}

impl Forget<'_> {
    /// Builds the field indexes that the filter needs, before other writers have to wait.
    pub fn prepare(&self, all: &[(String, Arc<Collection>)]) -> Result<()> {
        let Selection::Filter(filter) = self.selection else {
            return Ok(());
        };
        for (_, collection) in all {
            cancel::check()?;
            if collection.is_bin() {
                continue;
            }
            let state = match collection.read(Access::Wait) {
                // It has been deleted since the list was taken.
                Err(Error::CollectionNotFound(_)) => continue,
                state => state?,
            };
            let (alive, slots) = (state.slots.alive(), &state.slots);
            state.fields.prepare(filter, alive, slots);
        }
        Ok(())
    }

    /// Deletes what is selected in these collections, which are sorted by their names. One that has
    /// been deleted is an error. The caller has the turn for a step over several collections, and
    /// on disk the file for it.
    pub fn forget(
        &self,
        all: &[(String, Arc<Collection>)],
        file: Option<PendingFile<'_>>,
    ) -> Result<ForgottenFrom> {
        if self.dry_run {
            return self.look(all);
        }
        let done = self.try_forget(all, file);
        // Whatever became of it, it has held the locks.
        for (_, collection) in all {
            collection.keep_up();
        }
        let (forgotten, deleted) = done?;
        let Some(Deleted { drafts, begun }) = deleted else {
            return Ok(forgotten);
        };
        // The receipt must stay true whatever happens next.
        for (_, collection) in all {
            collection.make_durable()?;
        }
        let entry = begun.end()?;
        let receipt = receipt(&drafts, file.is_some());
        Ok(ForgottenFrom {
            receipt: Some(ForgetReceipt {
                reason: self.reason.map(str::to_owned),
                entry,
                ..receipt
            }),
            ..forgotten
        })
    }

    fn look(&self, all: &[(String, Arc<Collection>)]) -> Result<ForgottenFrom> {
        let states = all.iter().map(|(_, one)| one.read(Access::Wait));
        let states = states.collect::<Result<Vec<_>>>()?;
        let selected = all.iter().zip(&states).map(|((name, one), state)| {
            let (_, forgotten) = one.select(state, self.selection, name)?;
            Ok(forgotten)
        });
        Ok(self.report(selected.collect::<Result<_>>()?))
    }

    fn report(&self, collections: Vec<ForgottenIn>) -> ForgottenFrom {
        let matched = collections.iter().map(|one| one.matched.len());
        ForgottenFrom {
            refusal: self.guards.refusal(matched.sum()),
            collections,
            receipt: None,
        }
    }

    /// Returns what was deleted, unless the guards have prevented it.
    fn try_forget(
        &self,
        all: &[(String, Arc<Collection>)],
        file: Option<PendingFile<'_>>,
    ) -> Result<(ForgottenFrom, Option<Deleted>)> {
        let held = all.iter().map(|(name, collection)| {
            cancel::check()?;
            let state = collection.hold()?;
            Ok(Held {
                name,
                collection,
                state,
            })
        });
        let held = held.collect::<Result<Vec<_>>>()?;
        let selected = held
            .iter()
            .map(|one| one.collection.select(&one.state, self.selection, one.name))
            .collect::<Result<Vec<_>>>()?;
        let (slots, reports): (Vec<_>, Vec<_>) = selected.into_iter().unzip();
        let forgotten = self.report(reports);
        if forgotten.refusal.is_some() {
            return Ok((forgotten, None));
        }
        let parts = held.into_iter().zip(slots).map(|(held, slots)| Part {
            expired: held.state.expired_of(self.selection),
            drafted: held.state.draft_next(&slots),
            held,
            slots,
        });
        // A collection in which nothing is selected needs no write.
        let is_empty = |part: &Part<'_>| part.slots.is_empty() && part.expired.is_empty();
        let parts: Vec<_> = parts.filter(|part| !is_empty(part)).collect();
        cancel::commit()?;
        for part in &parts {
            part.held.state.make_durable()?;
        }
        let mut begun = Begun::default();
        if let Err(error) = self.begin(&parts, &mut begun) {
            return Err(begun.undone(error));
        }
        let drafts = self.delete(parts, file, &mut begun)?;
        Ok((forgotten, Some(Deleted { drafts, begun })))
    }

    /// Begins in the ledger what is about to be deleted.
    fn begin(&self, all: &[Part<'_>], begun: &mut Begun) -> Result<()> {
        let ledger = all
            .iter()
            .find_map(|part| part.held.collection.ledger.as_ref());
        let Some(ledger) = ledger else {
            return Ok(());
        };
        let drafts = all.iter().filter(|part| !part.slots.is_empty());
        if { drafts.clone() }.next().is_some() {
            let collections = drafts.clone().map(|part| {
                let Held {
                    name,
                    collection,
                    state,
                } = &part.held;
                collection.erasing_in(name, state, &part.slots, &part.drafted.ids)
            });
            let told = drafts.clone().map(|part| (part.held.name, &part.drafted));
            let erasing = Erasing {
                call: "forget",
                reason: self.reason,
                collections: collections.collect(),
                bytes: drafts.map(|part| part.drafted.bytes).sum(),
                digest: digest(told),
            };
            begun.forgotten = Erasure::begin(ledger, &erasing)?;
        }
        for Part { held, expired, .. } in all.iter().filter(|part| !part.expired.is_empty()) {
            let drafted = held.state.draft_next(expired);
            let (collection, cause) = (held.collection, Cause::EXPIRY);
            let one = collection.begin_erasure(&held.state, expired, cause, (&drafted, None))?;
            begun.expired.push(one);
        }
        Ok(())
    }

    /// Deletes these parts, and returns the draft receipts.
    fn delete(
        &self,
        all: Vec<Part<'_>>,
        file: Option<PendingFile<'_>>,
        begun: &mut Begun,
    ) -> Result<Vec<(String, Drafted)>> {
        let file = file.filter(|_| all.len() > 1);
        let total = all.iter().map(|part| part.slots.len() as usize).sum();
        tell(self.on_progress, "forget", 0, total);
        if let Some(file) = &file {
            let removals = all.iter().map(|part| Removal {
                name: part.held.collection.sealed_for.unwrap_or_default(),
                numbers: part.held.state.numbers(&part.all()).collect(),
            });
            let written = file.begin(&Pending {
                condition: None,
                removals: removals.collect(),
            });
            written.map_err(|error| begun.undone(error))?;
        }
        let mut drafts = Vec::with_capacity(all.len());
        let (mut done, mut is_begun) = (0, false);
        let mut parts = all.into_iter();
        loop {
            // What expires while the others are written is deleted in its turn: its record stays.
            for Part { held, .. } in parts.as_mut_slice() {
                held.collection.expire_held(&mut held.state);
            }
            let Some(part) = parts.next() else {
                break;
            };
            let (count, removed) = (part.slots.len() as usize, part.all());
            let Held {
                name,
                collection,
                state,
            } = part.held;
            let updated_at = state.updated_at;
            let state = RwLockUpgradableReadGuard::upgrade(state);
            // Before anybody else can change what is left to the next opening.
            let failed = |error: Error| match file {
                None => begun.undone(error),
                Some(file) if is_begun || file.is_failed() => file.interrupted(&error),
                // Nothing has been deleted yet.
                Some(file) => begun.undone(file.undo(None, error)),
            };
            let mut write = collection.begin_removal(state, removed, failed)?;
            if count == 0 {
                // Nobody has written anything: what no read finds any more is gone.
                write.state.updated_at = updated_at;
            }
            is_begun = true;
            write.finish_durably().map_err(|error| match file {
                Some(file) => file.interrupted(&error),
                None => error,
            })?;
            if count > 0 {
                drafts.push((name.to_owned(), part.drafted));
                done += count;
                tell(self.on_progress, "forget", done, total);
            }
        }
        if let Some(file) = file {
            file.end();
        }
        Ok(drafts)
    }
}

/// The receipt for deletes that are complete.
fn receipt(drafts: &[(String, Drafted)], durable: bool) -> ForgetReceipt {
    let told = drafts.iter().map(|(name, drafted)| (&**name, drafted));
    ForgetReceipt {
        deleted: drafts.iter().map(|(_, drafted)| drafted.ids.len()).sum(),
        bytes_erased: drafts.iter().map(|(_, drafted)| drafted.bytes).sum(),
        collections: drafts
            .iter()
            .map(|(name, drafted)| (name.clone(), drafted.ids.len(), drafted.sequence))
            .collect(),
        reason: None,
        entry: None,
        completed_at: OffsetDateTime::now_utc(),
        durable,
        digest: digest(told),
    }
}

/// The digest of a receipt for what was deleted in collections with these names.
fn digest<'a>(drafts: impl Iterator<Item = (&'a str, &'a Drafted)>) -> String {
    let told = drafts.map(|(name, drafted)| {
        let mut ids: Vec<&str> = drafted.ids.iter().map(|id| &**id).collect();
        ids.sort_unstable();
        (name, drafted.sequence, ids)
    });
    let mut digest = Sha256::new();
    // Numbers and strings always serialise to JSON, and writing to a digest cannot fail.
    let _ = serde_json::to_writer(&mut digest, &told.collect::<Vec<_>>());
    hexadecimal(digest.finalize())
}

impl Collection {
    /// The slots of what is selected, and what to say about it.
    fn select(
        &self,
        state: &State,
        selection: &Selection,
        name: &str,
    ) -> Result<(RoaringBitmap, ForgottenIn)> {
        let (slots, unknown) = match selection {
            Selection::Filter(filter) if state.is_bin => {
                (state.waiting_matching(filter)?, Vec::new())
            }
            Selection::Filter(filter) => (state.matching(filter), state.unknown(filter)),
            Selection::Ids(ids) => {
                let slots = ids.iter().filter_map(|id| state.slots.slot_of(id));
                (slots.collect(), Vec::new())
            }
        };
        let order = state.slots.in_insertion_order(&slots).into_iter();
        let forgotten = ForgottenIn {
            collection: name.to_owned(),
            scanned: state.slots.len(),
            matched: order
                .filter_map(|slot| state.slots.record(slot).map(|record| record.id.clone()))
                .collect(),
            unknown,
            undoable: self.role() != Role::Named,
        };
        Ok((slots, forgotten))
    }
}

impl State {
    /// The slots of what is selected and has expired, and is not erased yet.
    fn expired_of(&self, selection: &Selection) -> RoaringBitmap {
        let expired = self.slots.expired();
        if expired.is_empty() {
            return RoaringBitmap::new();
        }
        match selection {
            // All of it is about to be erased in any case.
            Selection::Filter(_) if self.is_bin => expired.clone(),
            // The collection's own indexes have only those that were alive when they were built.
            Selection::Filter(filter) => {
                FieldIndexes::default().evaluate(filter, expired, &Expired(&self.slots))
            }
            Selection::Ids(ids) => {
                let slots = ids.iter().filter_map(|id| self.slots.expired_slot_of(id));
                slots.collect()
            }
        }
    }
}
