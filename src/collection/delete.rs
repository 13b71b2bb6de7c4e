//! Deleting. Every way to delete, and the old row of every update, ends in
//! `State::delete` with a bitmap of slots.

use std::sync::Arc;

use roaring::RoaringBitmap;
use time::OffsetDateTime;

use super::{Access, Collection, State};
use crate::{error::Result, filter::Filter};

/// What became of one id of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Deleted,
    /// There was no such vector.
    Missing,
    /// The request named it before, at this index.
    Repeated(usize),
}

/// What a delete by filter did, or would do.
#[derive(Debug)]
pub struct FilterDeletion {
    /// The live vectors it considered.
    pub scanned: usize,
    /// The ids that matched, in insertion order.
    pub matched: Vec<Arc<str>>,
}

impl Collection {
    pub fn delete_one(self: &Arc<Self>, access: Access, id: &str) -> Result<()> {
        {
            let mut state = self.write(access)?;
            let slot = state.slots.slot_of(id).ok_or_else(|| self.not_found(id))?;
            state.delete(&RoaringBitmap::from_iter([slot]));
        }
        self.keep_up();
        Ok(())
    }

    /// Deletes what exists of `ids`, all at once, and tells for each what became of it.
    pub fn delete_many(self: &Arc<Self>, access: Access, ids: &[String]) -> Result<Vec<Outcome>> {
        let outcomes = {
            let mut state = self.write(access)?;
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
            state.delete(&slots);
            outcomes
        };
        self.keep_up();
        Ok(outcomes)
    }

    /// Deletes all that matches; a dry run only tells what would be deleted.
    pub fn delete_matching(
        self: &Arc<Self>,
        filter: &Filter,
        dry_run: bool,
    ) -> Result<FilterDeletion> {
        let report = |state: &State| {
            let slots = state.matching(filter);
            let ids = state.slots.in_insertion_order(&slots).into_iter();
            let matched = ids
                .filter_map(|slot| state.slots.record(slot).map(|r| r.id.clone()))
                .collect();
            let scanned = state.slots.len();
            (slots, FilterDeletion { scanned, matched })
        };
        if dry_run {
            return Ok(report(&*self.read(Access::Wait)?).1);
        }
        {
            let state = self.read(Access::Wait)?;
            state
                .fields
                .prepare(filter, state.slots.alive(), &state.slots);
        }
        // Matching and deleting under one lock: nothing comes between what was matched
        // and what is deleted.
        let deletion = {
            let mut state = self.write(Access::Wait)?;
            let (slots, deletion) = report(&state);
            state.delete(&slots);
            deletion
        };
        self.keep_up();
        Ok(deletion)
    }
}

impl State {
    /// The one delete: from here on no read finds these live `slots`. Their rows, texts,
    /// metadata and ids are gone; a code stays, nameless, while a graph leads through it.
    pub(super) fn delete(&mut self, slots: &RoaringBitmap) {
        if slots.is_empty() {
            return;
        }
        self.fields.remove(slots, &self.slots);
        self.slots.release(slots);
        self.pending -= slots;
        for slot in slots {
            self.vectors.erase_row(slot);
        }
        self.recycle(&self.unlinked(slots));
        self.updated_at = OffsetDateTime::now_utc();
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
