//! Deleting. Every kind of delete, and the removal of the old row in every update, ends in
//! `State::delete` with a bitmap of slots.

use std::{path::PathBuf, sync::Arc};

use parking_lot::{RwLockUpgradableReadGuard, RwLockWriteGuard};
use roaring::RoaringBitmap;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::{Access, Collection, Item, State, Undo, bin::bytes_of_waiting, erasing::Cause};
use crate::{
    cancel,
    error::{Error, Result},
    filter::Filter,
    hexadecimal::hexadecimal,
    storage::{Commit, LedgerEntry, Sealed},
    wiped::{Id, Wiped},
};

/// How much of a text a dry run shows, in code points.
const TEXT_SHOWN: usize = 200;

/// The outcome for one id of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Deleted,
    /// The vector exists, and the guards of the delete have kept it.
    Kept,
    /// There was no such vector.
    Missing,
    /// The request had already named the id, at this index.
    Repeated(usize),
}

impl Outcome {
    /// What is wrong with the id; `None` if it is the first one of a vector that existed.
    pub fn error(self) -> Option<String> {
        match self {
            Outcome::Deleted | Outcome::Kept => None,
            Outcome::Missing => Some("vector not found".into()),
            Outcome::Repeated(first) => Some(format!("repeated: the same id as at index {first}")),
        }
    }
}

/// How to delete.
#[derive(Debug, Clone, Default)]
pub struct DeleteOptions {
    /// Report what would be deleted, without deleting it. Only for deletes by filter.
    pub dry_run: bool,
    /// Show this many of the vectors that match. Only for dry runs.
    pub rows: Option<usize>,
    /// Return a receipt for what was erased.
    pub receipt: bool,
    /// Write the vectors to this backup file before they are deleted. The delete happens only if
    /// that succeeds.
    pub backup: Option<PathBuf>,
    /// Only for deletes of many vectors.
    pub guards: Guards,
    /// Why, for the receipt and the ledger.
    pub reason: Option<String>,
    /// For how long what is deleted can be brought back, in milliseconds. The collection has a bin.
    pub undo: Option<i64>,
}

impl DeleteOptions {
    /// The period for which a bin is needed.
    pub fn bin(&self) -> Option<i64> {
        self.undo.filter(|_| !self.dry_run)
    }
}

/// How many vectors a delete may remove. If it would remove another number, it removes none.
#[derive(Debug, Clone, Copy, Default)]
pub struct Guards {
    pub at_most: Option<usize>,
    pub expect: Option<usize>,
}

impl Guards {
    /// The refusal of a delete of this many vectors.
    pub(super) fn refusal(self, count: usize) -> Option<Refusal> {
        let at_most = self.at_most.filter(|&most| count > most);
        let expect = self.expect.filter(|&expected| count != expected);
        let guard = at_most.map(Guard::AtMost).or(expect.map(Guard::Expect))?;
        Some(Refusal { count, guard })
    }
}

/// A guard that a delete does not meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    AtMost(usize),
    Expect(usize),
}

/// Why a delete removed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// How many vectors it would have removed.
    pub count: usize,
    pub guard: Guard,
}

/// The result of deleting many ids.
#[derive(Debug)]
pub struct BatchDeletion {
    /// For each id of the request.
    pub outcomes: Vec<Outcome>,
    /// Set if a guard was not met: nothing was deleted.
    pub refusal: Option<Refusal>,
    pub receipt: Option<Receipt>,
    /// Set if something was deleted for now.
    pub undo: Option<Undo>,
}

/// The result of a delete by filter or of its dry run.
#[derive(Debug)]
pub struct FilterDeletion {
    /// The number of live vectors considered.
    pub scanned: usize,
    /// The ids that matched, in insertion order.
    pub matched: Vec<Id>,
    /// What a dry run shows of the first of them, if it was asked to: metadata, and the beginnings
    /// of texts.
    pub rows: Option<Vec<Item>>,
    /// The fields of the filter that no live vector had; empty if there were no live vectors.
    pub unknown: Vec<String>,
    /// Set if a guard was not met: nothing was deleted.
    pub refusal: Option<Refusal>,
    pub receipt: Option<Receipt>,
    /// Set if something was deleted for now.
    pub undo: Option<Undo>,
}

/// How a delete ended.
pub(super) struct Ended<T> {
    /// What was found out about its vectors when they were selected.
    pub(super) selected: T,
    refusal: Option<Refusal>,
    pub(super) receipt: Option<Receipt>,
    undo: Option<Undo>,
}

/// Proves what was erased, and when, without retaining it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The call that erased it.
    pub call: &'static str,
    pub reason: Option<String>,
    /// Its entry in the store's ledger, if there is one.
    pub entry: Option<LedgerEntry>,
    pub deleted: usize,
    /// The bytes of the deleted vectors' rows, ids, metadata and texts.
    pub bytes_erased: u64,
    /// The sequence number of this delete among the collection's writes.
    pub log_sequence: u64,
    /// When the last byte was overwritten (on disk, the last byte of a key) and synced.
    pub completed_at: OffsetDateTime,
    /// Whether the delete is synced to disk, so that a power failure cannot bring anything back.
    /// False in memory.
    pub durable: bool,
    /// SHA-256, in hexadecimal, of the JSON text `[logSequence,[id,...]]` without whitespace, with
    /// the deleted ids sorted by their UTF-8 bytes.
    pub digest: String,
}

/// A receipt to be completed once the erasure is complete.
pub struct Drafted {
    pub(super) ids: Vec<Id>,
    pub(super) bytes: u64,
    pub(super) sequence: u64,
}

impl Collection {
    pub fn delete_one(
        self: &Arc<Self>,
        access: Access,
        id: &str,
        options: &DeleteOptions,
    ) -> Result<Option<Receipt>> {
        Ok(self.delete_id(access, id, options)?.receipt)
    }

    /// The same with `undo`.
    pub fn delete_one_for_now(
        self: &Arc<Self>,
        access: Access,
        id: &str,
        options: &DeleteOptions,
    ) -> Result<Undo> {
        let undo = self.delete_id(access, id, options)?.undo;
        undo.ok_or_else(|| Error::Internal("a vector was not deleted for now".into()))
    }

    fn delete_id(
        self: &Arc<Self>,
        access: Access,
        id: &str,
        options: &DeleteOptions,
    ) -> Result<Ended<()>> {
        let cause = Cause::new("deleteVector", options.reason.as_deref());
        self.delete_with(access, options, (cause, Guards::default()), |state| {
            let slot = state.slots.slot_of(id).ok_or_else(|| self.not_found(id))?;
            Ok((RoaringBitmap::from_iter([slot]), ()))
        })
    }

    /// Deletes those of `ids` that exist, all at once, and returns the outcome for each. If a guard
    /// is not met, it deletes none.
    pub fn delete_many(
        self: &Arc<Self>,
        access: Access,
        ids: &[String],
        options: &DeleteOptions,
    ) -> Result<BatchDeletion> {
        let cause = Cause::new("batchDelete", options.reason.as_deref());
        let ended = self.delete_with(access, options, (cause, options.guards), |state| {
            Ok(state.named(ids))
        })?;
        let mut outcomes = ended.selected;
        if ended.refusal.is_some() {
            for outcome in &mut outcomes {
                if *outcome == Outcome::Deleted {
                    *outcome = Outcome::Kept;
                }
            }
        }
        Ok(BatchDeletion {
            outcomes,
            refusal: ended.refusal,
            receipt: ended.receipt,
            undo: ended.undo,
        })
    }

    /// Deletes all vectors that match; a dry run only reports them. If a guard is not met, it
    /// deletes none.
    pub fn delete_matching(
        self: &Arc<Self>,
        filter: &Filter,
        options: &DeleteOptions,
    ) -> Result<FilterDeletion> {
        let report = |state: &State| {
            let slots = state.matching(filter);
            let ids = state.slots.in_insertion_order(&slots).into_iter();
            let matched: Vec<_> = ids
                .filter_map(|slot| state.slots.record(slot).map(|r| r.id.clone()))
                .collect();
            Ok((slots, (state.slots.len(), matched, state.unknown(filter))))
        };
        let mut rows = None;
        let ended = if options.dry_run {
            let state = self.read(Access::Wait)?;
            let (slots, selected) = report(&state)?;
            if let Some(limit) = options.rows {
                rows = Some(state.shown(&slots, limit)?);
            }
            Ended {
                selected,
                refusal: options.guards.refusal(slots.len() as usize),
                receipt: None,
                undo: None,
            }
        } else {
            {
                let state = self.read(Access::Wait)?;
                state
                    .fields
                    .prepare(filter, state.slots.alive(), &state.slots);
            }
            cancel::check()?;
            let cause = Cause::new("deleteByFilter", options.reason.as_deref());
            self.delete_with(Access::Wait, options, (cause, options.guards), report)?
        };
        let (scanned, matched, unknown) = ended.selected;
        Ok(FilterDeletion {
            scanned,
            matched,
            rows,
            unknown,
            refusal: ended.refusal,
            receipt: ended.receipt,
            undo: ended.undo,
        })
    }

    /// Deletes what `select` selects, if `guards` allow it. All of this happens under one lock, so
    /// nothing can change in between.
    pub(super) fn delete_with<T>(
        self: &Arc<Self>,
        access: Access,
        options: &DeleteOptions,
        (cause, guards): (Cause<'_>, Guards),
        select: impl Fn(&State) -> Result<(RoaringBitmap, T)>,
    ) -> Result<Ended<T>> {
        let refusal = |slots: &RoaringBitmap| guards.refusal(slots.len() as usize);
        if options.receipt && self.is_on_disk() && access != Access::Wait {
            return Err(Error::WouldBlock);
        }
        self.check_patient(access)?;
        let mut put = None;
        let state = match (&options.backup, options.undo) {
            (None, None) => self.write(access)?,
            _ if access != Access::Wait => return Err(Error::WouldBlock),
            (file, period) => self.write_after(|state| {
                let (slots, _) = select(state)?;
                if slots.is_empty() || refusal(&slots).is_some() {
                    return Ok(());
                }
                if let Some(file) = file {
                    self.back_up_some(file, state, &slots)?;
                }
                put = period
                    .map(|period| self.put_in_bin(state, &slots, period))
                    .transpose()?;
                Ok(())
            })?,
        };
        let (slots, selected) = select(&state)?;
        if let Some(refusal) = refusal(&slots) {
            drop(state);
            self.keep_up();
            return Ok(Ended {
                selected,
                refusal: Some(refusal),
                receipt: None,
                undo: None,
            });
        }
        state.check_little(access, &slots, 0)?;
        let is_empty = slots.is_empty();
        let (drafted, entry) = if is_empty {
            let drafted = options.receipt.then(|| state.draft(&slots));
            drop(state);
            self.keep_up();
            (drafted, None)
        } else {
            let drafted = options.receipt.then(|| state.draft_next(&slots));
            let all = (&slots, &slots);
            let what = (drafted.as_ref(), put.as_ref().map(|put| &**put.bin()));
            let begun = self.begin_erasure_beside_readers(state, all, cause, what);
            let (state, mut erasure) = begun?;
            let deleted = slots.len();
            let undone = |error| erasure.undone(error);
            let write = self.commit_or(state, slots, Vec::new(), &Sealed::default(), undone);
            let mut write = write?;
            write.state.erased.vectors += deleted;
            if let Some(put) = &mut put {
                put.keep();
            }
            (drafted, write.finish_erasing(erasure, options.receipt)?)
        };
        if drafted.is_some() {
            // The receipt must stay true whatever happens next.
            self.make_durable()?;
        }
        let on_disk = self.is_on_disk();
        let receipt = drafted.map(|drafted| drafted.complete(on_disk, cause, entry));
        Ok(Ended {
            selected,
            refusal: None,
            receipt,
            undo: put.filter(|_| !is_empty).map(|put| put.undo.clone()),
        })
    }

    /// Takes the exclusive lock after running `first` under a lock that excludes only other
    /// writers.
    fn write_after(
        &self,
        first: impl FnOnce(&mut RwLockUpgradableReadGuard<'_, State>) -> Result<()>,
    ) -> Result<RwLockWriteGuard<'_, State>> {
        let state = self.exclusive(Access::Wait)?;
        let mut state = RwLockWriteGuard::downgrade_to_upgradable(state);
        first(&mut state)?;
        let state = RwLockUpgradableReadGuard::upgrade(state);
        self.expired(Access::Wait, state)
    }
}

impl Drafted {
    pub(super) fn complete(
        self,
        durable: bool,
        cause: Cause<'_>,
        entry: Option<LedgerEntry>,
    ) -> Receipt {
        Receipt {
            call: cause.call,
            reason: cause.reason.map(str::to_owned),
            entry,
            deleted: self.ids.len(),
            bytes_erased: self.bytes,
            log_sequence: self.sequence,
            completed_at: OffsetDateTime::now_utc(),
            durable,
            digest: self.digest(),
        }
    }

    /// The digest of its receipt.
    pub(super) fn digest(&self) -> String {
        let mut ids: Vec<&str> = self.ids.iter().map(|id| &**id).collect();
        ids.sort_unstable();
        let mut digest = Sha256::new();
        // Numbers and strings always serialise to JSON, and writing to a digest cannot fail.
        let _ = serde_json::to_writer(&mut digest, &(self.sequence, &ids));
        hexadecimal(digest.finalize())
    }
}

impl State {
    /// The first `limit` of the live `slots` in insertion order, with the beginnings of their
    /// texts.
    fn shown(&self, slots: &RoaringBitmap, limit: usize) -> Result<Vec<Item>> {
        let order = self.slots.first_in_order(slots, limit).into_iter();
        let items = order.map(|slot| {
            cancel::check()?;
            self.item(Access::Wait, slot, None, false, true)
        });
        let items = items.filter_map(Result::transpose);
        items
            .map(|item| {
                let item = item?;
                // What is cut off must not remain in memory.
                let text = item.text.map(Wiped::<str>::from);
                Ok(Item {
                    text: text.map(|text| text.chars().take(TEXT_SHOWN).collect()),
                    ..item
                })
            })
            .collect()
    }

    /// The slots of those of `ids` that exist, and the outcome for each if they are deleted.
    pub(super) fn named(&self, ids: &[String]) -> (RoaringBitmap, Vec<Outcome>) {
        let mut slots = RoaringBitmap::new();
        let mut first = hashbrown::HashMap::with_capacity(ids.len());
        let mut outcomes = Vec::with_capacity(ids.len());
        for (index, id) in ids.iter().enumerate() {
            outcomes.push(match self.slots.slot_of(id) {
                None => Outcome::Missing,
                Some(slot) if slots.insert(slot) => {
                    first.insert(slot, index);
                    Outcome::Deleted
                }
                Some(slot) => Outcome::Repeated(first[&slot]),
            });
        }
        (slots, outcomes)
    }

    pub(super) fn draft(&self, slots: &RoaringBitmap) -> Drafted {
        let records = slots.iter().filter_map(|slot| self.slots.record(slot));
        let row = 4 * self.vectors.dimension();
        Drafted {
            ids: records.clone().map(|record| record.id.clone()).collect(),
            bytes: match self.is_bin {
                true => records.map(bytes_of_waiting).sum(),
                false => records.map(|r| (row + r.text_bytes()) as u64).sum(),
            },
            sequence: self.journal.sequence(),
        }
    }

    /// The draft receipt for the delete of everything, together with the collection.
    pub(super) fn draft_of_all(&self) -> Drafted {
        self.draft_next(self.slots.alive())
    }

    /// The single implementation of delete: after it, no read finds these `slots`, which are alive
    /// or have expired. Their values, texts, metadata and ids are gone. Slots that a graph leads
    /// through hold the code of a neighbour.
    ///
    /// The commit already records the delete; the keys on disk are destroyed when it is finished.
    pub(super) fn delete(&mut self, slots: &RoaringBitmap, commit: &mut Commit) {
        if slots.is_empty() {
            return;
        }
        let row = 4 * self.vectors.dimension();
        for slot in slots {
            let record = self.slots.record(slot);
            self.erased.bytes += record.map_or(0, |record| row + record.text_bytes()) as u64;
            if let Some(record) = record {
                self.expiries.remove(slot, record.times);
            }
            self.journal
                .take(commit, slot, record.map(|record| record.key));
        }
        commit.begin();
        self.fields.remove(slots, &self.slots);
        self.slots.release(slots);
        self.pending -= slots;
        let mut passages = Vec::new();
        for slot in slots {
            self.vectors.erase_row(slot);
            passages.append(&mut self.vectors.recall_code(slot));
        }
        let unlinked = self.unlinked(slots);
        passages.extend(slots - &unlinked);
        for slot in passages {
            self.stand_in(slot);
        }
        self.recycle(&unlinked);
    }

    /// Lets walks pass through a deleted vector's slot by giving it the code of a live neighbour.
    pub(super) fn stand_in(&mut self, slot: u32) {
        let graph = self.graph.as_ref();
        let near = graph.map_or(&[][..], |graph| graph.around(slot));
        let donor = near.iter().find(|&&near| self.slots.alive().contains(near));
        match donor {
            Some(&donor) => self.vectors.borrow_code(donor, slot),
            // No live neighbour can be reached through this slot.
            None => self.vectors.erase_code(slot),
        }
    }

    /// The slots among `slots` that no graph leads through, neither the current one nor the one
    /// under construction.
    pub(super) fn unlinked(&self, slots: &RoaringBitmap) -> RoaringBitmap {
        let mut unlinked = slots.clone();
        if let Some(graph) = &self.graph {
            unlinked -= graph.members();
        }
        if let Some(nodes) = &self.building {
            unlinked -= nodes;
        }
        unlinked
    }

    /// Makes retired `slots` available for reuse.
    pub(super) fn recycle(&mut self, slots: &RoaringBitmap) {
        for slot in slots {
            self.vectors.erase_code(slot);
        }
        self.slots.recycle(slots);
    }
}
