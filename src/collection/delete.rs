//! Deleting. Every way to delete, and the old row of every update, ends in
//! `State::delete` with a bitmap of slots.

use std::{path::PathBuf, sync::Arc};

use parking_lot::{RwLockUpgradableReadGuard, RwLockWriteGuard};
use roaring::RoaringBitmap;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::{Access, Collection, State};
use crate::{
    cancel,
    error::{Error, Result},
    filter::Filter,
    storage::{Commit, Sealed},
    wiped::Id,
};

/// What became of one id of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Deleted,
    /// There was no such vector.
    Missing,
    /// The request named it before, at this index.
    Repeated(usize),
}

impl Outcome {
    /// Why nothing was deleted, where nothing was.
    pub fn error(self) -> Option<String> {
        match self {
            Outcome::Deleted => None,
            Outcome::Missing => Some("vector not found".into()),
            Outcome::Repeated(first) => Some(format!("repeated: the same id as at index {first}")),
        }
    }
}

/// How to delete.
#[derive(Debug, Clone, Default)]
pub struct DeleteOptions {
    /// Tell what would be deleted, and delete nothing. Only for deletes by filter.
    pub dry_run: bool,
    /// Prove what was erased.
    pub receipt: bool,
    /// Write what is about to be deleted to this backup file first. The delete happens
    /// only if that succeeds.
    pub backup: Option<PathBuf>,
}

/// What a delete of many ids did.
#[derive(Debug)]
pub struct BatchDeletion {
    /// For each id of the request.
    pub outcomes: Vec<Outcome>,
    pub receipt: Option<Receipt>,
}

/// What a delete by filter did, or would do.
#[derive(Debug)]
pub struct FilterDeletion {
    /// The live vectors it considered.
    pub scanned: usize,
    /// The ids that matched, in insertion order.
    pub matched: Vec<Id>,
    /// The fields of the filter that none of those live vectors had; where there were none,
    /// nothing is said.
    pub unknown: Vec<String>,
    pub receipt: Option<Receipt>,
}

/// Proves what was erased, and when, without keeping it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub deleted: usize,
    /// The bytes of the deleted vectors' rows, ids, metadata and texts.
    pub bytes_erased: u64,
    /// Counts the collection's writes; this delete is the one with this number.
    pub log_sequence: u64,
    /// When the last byte was overwritten, on disk that of a key, and synced.
    pub completed_at: OffsetDateTime,
    /// Whether it is on the disk: no loss of power brings anything of it back. False in
    /// memory.
    pub durable: bool,
    /// SHA-256, in hexadecimal, of the JSON text `[logSequence,[id,...]]` without blanks,
    /// the deleted ids in the order of their UTF-8 bytes.
    pub digest: String,
}

/// A receipt that waits for the erasure to be complete.
pub struct Drafted {
    ids: Vec<Id>,
    bytes: u64,
    sequence: u64,
}

impl Collection {
    pub fn delete_one(
        self: &Arc<Self>,
        access: Access,
        id: &str,
        options: &DeleteOptions,
    ) -> Result<Option<Receipt>> {
        let ((), receipt) = self.delete_with(access, options, |state| {
            let slot = state.slots.slot_of(id).ok_or_else(|| self.not_found(id))?;
            Ok((RoaringBitmap::from_iter([slot]), ()))
        })?;
        Ok(receipt)
    }

    /// Deletes what exists of `ids`, all at once, and tells for each what became of it.
    pub fn delete_many(
        self: &Arc<Self>,
        access: Access,
        ids: &[String],
        options: &DeleteOptions,
    ) -> Result<BatchDeletion> {
        let (outcomes, receipt) = self.delete_with(access, options, |state| {
            let mut slots = RoaringBitmap::new();
            let mut first = hashbrown::HashMap::with_capacity(ids.len());
            let mut outcomes = Vec::with_capacity(ids.len());
            for (index, id) in ids.iter().enumerate() {
                outcomes.push(match state.slots.slot_of(id) {
                    None => Outcome::Missing,
                    Some(slot) if slots.insert(slot) => {
                        first.insert(slot, index);
                        Outcome::Deleted
                    }
                    Some(slot) => Outcome::Repeated(first[&slot]),
                });
            }
            Ok((slots, outcomes))
        })?;
        Ok(BatchDeletion { outcomes, receipt })
    }

    /// Deletes all that matches; a dry run only tells what would be deleted.
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
        let ((scanned, matched, unknown), receipt) = if options.dry_run {
            (report(&*self.read(Access::Wait)?)?.1, None)
        } else {
            {
                let state = self.read(Access::Wait)?;
                state
                    .fields
                    .prepare(filter, state.slots.alive(), &state.slots);
            }
            cancel::check()?;
            self.delete_with(Access::Wait, options, report)?
        };
        Ok(FilterDeletion {
            scanned,
            matched,
            unknown,
            receipt,
        })
    }

    /// Deletes what `select` selects. Selecting and deleting happen under one lock:
    /// nothing comes between what was selected and what is deleted.
    fn delete_with<T>(
        self: &Arc<Self>,
        access: Access,
        options: &DeleteOptions,
        select: impl Fn(&State) -> Result<(RoaringBitmap, T)>,
    ) -> Result<(T, Option<Receipt>)> {
        if options.receipt && self.is_on_disk() && access != Access::Wait {
            return Err(Error::WouldBlock);
        }
        let state = match &options.backup {
            None => self.write(access)?,
            Some(_) if access != Access::Wait => return Err(Error::WouldBlock),
            Some(file) => self.write_after(|state| {
                let (slots, _) = select(state)?;
                match slots.is_empty() {
                    true => Ok(()),
                    false => self.back_up_some(file, state, &slots),
                }
            })?,
        };
        let (slots, selected) = select(&state)?;
        state.check_little(access, &slots, 0)?;
        let mut drafted = options.receipt.then(|| state.draft(&slots));
        if slots.is_empty() {
            drop(state);
            self.keep_up();
        } else {
            let deleted = slots.len();
            let mut write = self.commit(state, slots, Vec::new(), &Sealed::default())?;
            write.state.erased.vectors += deleted;
            if let Some(drafted) = &mut drafted {
                drafted.sequence = write.commit.sequence;
            }
            write.finish()?;
        }
        if drafted.is_some() {
            // What is said of it must hold whatever happens next.
            self.flush()?;
        }
        let receipt = drafted.map(|drafted| drafted.complete(self.is_on_disk()));
        Ok((selected, receipt))
    }

    /// Takes the lock for writing after something was done under it that only keeps other
    /// writers out.
    fn write_after(
        &self,
        first: impl FnOnce(&State) -> Result<()>,
    ) -> Result<RwLockWriteGuard<'_, State>> {
        let state = self.state.upgradable_read();
        self.check(state.dropped)?;
        first(&state)?;
        Ok(RwLockUpgradableReadGuard::upgrade(state))
    }
}

impl Drafted {
    pub fn complete(mut self, durable: bool) -> Receipt {
        self.ids.sort_unstable();
        let ids: Vec<&str> = self.ids.iter().map(|id| &**id).collect();
        let mut digest = Sha256::new();
        // Numbers and texts can be written as JSON, and a digest takes everything.
        let _ = serde_json::to_writer(&mut digest, &(self.sequence, &ids));
        Receipt {
            deleted: ids.len(),
            bytes_erased: self.bytes,
            log_sequence: self.sequence,
            completed_at: OffsetDateTime::now_utc(),
            durable,
            digest: digest
                .finalize()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        }
    }
}

impl State {
    fn draft(&self, slots: &RoaringBitmap) -> Drafted {
        let records = slots.iter().filter_map(|slot| self.slots.record(slot));
        let row = 4 * self.vectors.dimension();
        Drafted {
            ids: records.clone().map(|record| record.id.clone()).collect(),
            bytes: records.map(|r| (row + r.text_bytes()) as u64).sum(),
            sequence: self.journal.sequence(),
        }
    }

    /// That of the delete of everything, with the collection.
    pub(super) fn draft_of_all(&self) -> Drafted {
        let drafted = self.draft(self.slots.alive());
        Drafted {
            sequence: drafted.sequence + 1,
            ..drafted
        }
    }

    /// The one delete: from here on no read finds these live `slots`. Their values, texts,
    /// metadata and ids are gone. Where a graph leads through, there is a neighbour's code.
    ///
    /// The commit says so already; the keys on disk are destroyed when it is finished.
    pub(super) fn delete(&mut self, slots: &RoaringBitmap, commit: &mut Commit) {
        if slots.is_empty() {
            return;
        }
        let row = 4 * self.vectors.dimension();
        for slot in slots {
            let record = self.slots.record(slot);
            self.erased.bytes += record.map_or(0, |record| row + record.text_bytes()) as u64;
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

    /// Lets walks pass where a vector was deleted, by the code of a live neighbour.
    fn stand_in(&mut self, slot: u32) {
        let graph = self.graph.as_ref();
        let near = graph.map_or(&[][..], |graph| graph.around(slot));
        let donor = near.iter().find(|&&near| self.slots.alive().contains(near));
        match donor {
            Some(&donor) => self.vectors.borrow_code(donor, slot),
            // Whoever comes here would find nothing behind it.
            None => self.vectors.erase_code(slot),
        }
    }

    /// Those of `slots` that no graph leads through, neither the one there is nor the one
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

    /// Makes retired `slots` usable again.
    pub(super) fn recycle(&mut self, slots: &RoaringBitmap) {
        for slot in slots {
            self.vectors.erase_code(slot);
        }
        self.slots.recycle(slots);
    }
}
