//! Changing many vectors in one commit: a patch of the metadata that a filter matches, and updates
//! of many ids.
//!
//! On disk, a vector is sealed as a whole, so that whatever changes of it, its values are read and
//! sealed again: in portions, before the exclusive lock is taken (`rounds.rs`). In memory, only what
//! a patch makes of the metadata is prepared.

use std::sync::Arc;

use hashbrown::{HashMap, hash_map::Entry};
use parking_lot::RwLockWriteGuard;
use roaring::RoaringBitmap;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::{
    Access, Collection, ExpiryChange, Guards, OnProgress, Refusal, State, Update, check_expiry,
    insert::{BLOCK, tell},
    merge::{MergePatch, Merged},
    rounds::{LongWrite, Mark, PORTION, Reader, Ready},
    write::head,
};
use crate::{
    cancel,
    error::{Error, Result},
    filter::Filter,
    storage::{Head, Label, Sealed},
    vectors::{Codes, Record, Text, Times},
    wiped::{Id, Wiped},
};

/// The largest patch: whatever it adds, it may add to every vector.
pub const MAX_PATCH_BYTES: usize = 1 << 20;

/// A change to the metadata of all vectors that match a filter.
pub struct Patch {
    pub filter: Filter,
    /// A JSON merge patch (RFC 7396), the text of a JSON object, of at most [`MAX_PATCH_BYTES`].
    pub patch: Box<str>,
    /// Change nothing, and report what would be changed.
    pub dry_run: bool,
    /// They count the vectors that match.
    pub guards: Guards,
    /// Called with the phase, `patch`, and the number of vectors whose metadata have been merged.
    pub on_progress: Option<OnProgress>,
}

/// The outcome of a patch.
#[derive(Debug)]
pub struct Patched {
    /// How many live vectors were checked.
    pub scanned: usize,
    /// The ids that matched, in insertion order, and whether the patch changes their metadata.
    pub matched: Vec<(Id, bool)>,
    /// The fields of the filter that no live vector had; empty if there were no live vectors.
    pub unknown: Vec<String>,
    /// Whether it was done. It was not in a dry run, nor if a guard was not met.
    pub applied: bool,
    /// Set if a guard was not met: nothing was changed.
    pub refusal: Option<Refusal>,
}

/// The update of one of many vectors.
pub struct UpdateOf {
    pub id: String,
    pub update: Update,
}

/// What becomes of a vector: the parts to replace.
#[derive(Default)]
struct Change {
    values: Option<NewValues>,
    metadata: Option<Wiped<str>>,
    text: Option<Wiped<str>>,
    expires_at: ExpiryChange,
}

/// A vector's new row, with its code.
struct NewValues {
    row: Zeroizing<Vec<f32>>,
    codes: Codes,
}

/// A vector as it will be, to be sealed: what stays of it, besides its change.
struct Rest {
    head: Head,
    id: Id,
    times: Times,
    metadata: Option<Wiped<str>>,
    row: Option<Zeroizing<Vec<f32>>>,
    text: Option<Wiped<str>>,
}

impl Change {
    /// The head of the vector's log entry after the change. Its key is that of the record.
    fn head(&self, record: &Record) -> Result<Head> {
        let metadata = self.metadata.as_ref().or(record.metadata.as_ref());
        let text = match &self.text {
            Some(text) => Some(text.len()),
            None => record.text.as_ref().map(Text::bytes),
        };
        let (key, order) = (record.key, record.sequence);
        let head = head(record.id.len(), metadata.map(|text| text.len()), text)?;
        Ok(Head { key, order, ..head })
    }

    /// The record after the change of a vector that has this one and this text.
    fn apply(&mut self, record: &Record, text: Option<Text>, key: u64) -> Record {
        Record {
            key,
            id: record.id.clone(),
            metadata: self.metadata.take().or_else(|| record.metadata.clone()),
            text: self.text.take().map(Text::Held).or(text),
            times: self.expires_at.apply(record.times),
            sequence: record.sequence,
        }
    }

    /// Seals the vector's log entry.
    fn seal(&self, rest: &Rest, dimension: usize, sealed: &mut Sealed) -> Result<()> {
        let kept = rest.row.as_ref().map(|row| Codes::of(row, dimension));
        let (row, codes) = match (&self.values, &rest.row, &kept) {
            (Some(values), _, _) => (&values.row, &values.codes),
            (None, Some(row), Some(codes)) => (row, codes),
            _ => return Err(Error::Internal("a vector to seal has no values".into())),
        };
        let label = Label {
            times: rest.times,
            id: &rest.id,
            metadata: self.metadata.as_deref().or(rest.metadata.as_deref()),
        };
        let text = self.text.as_deref().or(rest.text.as_deref());
        sealed.push(&rest.head, row, codes.get(0), &label, text)
    }
}

impl State {
    /// What stays of the vector at `slot`, to be sealed.
    fn rest(&self, slot: u32, record: &Record, change: &Change) -> Result<Rest> {
        let keeps_row = change.values.is_none();
        let keeps_text = change.text.is_none() && record.text.is_some();
        let (mut row, mut text) = (None, None);
        if keeps_row || keeps_text {
            let values = self.values(Access::Wait, slot, record)?;
            row = keeps_row.then(|| Zeroizing::new(values.row().to_vec()));
            text = values.text().filter(|_| keeps_text).map(Wiped::from);
        }
        let metadata = record.metadata.as_ref();
        Ok(Rest {
            head: change.head(record)?,
            id: record.id.clone(),
            times: change.expires_at.apply(record.times),
            metadata: metadata.filter(|_| change.metadata.is_none()).cloned(),
            row,
            text,
        })
    }
}

impl Collection {
    /// Commits changes to the vectors at these slots, each of which occurs once. On disk, `sealed`
    /// has their entries in this order. `told` is called with how many are done.
    fn change(
        self: &Arc<Self>,
        mut state: RwLockWriteGuard<'_, State>,
        mut changes: Vec<(u32, &mut Change)>,
        sealed: &Sealed,
        told: impl Fn(usize),
    ) -> Result<()> {
        if changes.is_empty() {
            drop(state);
            told(0);
            return Ok(());
        }
        // Vectors with new values move to other slots: a code in use is never changed, because a
        // graph may lead through it.
        let moving = changes.iter().filter(|(_, change)| change.values.is_some());
        let removed: RoaringBitmap = moving.map(|&(slot, _)| slot).collect();
        state.slots.check_room(removed.len() as usize)?;
        let mut heads = Vec::with_capacity(changes.len());
        for &(slot, ref change) in &changes {
            let record = state.slots.record(slot);
            let record = record.ok_or_else(|| Error::Internal("a vector is gone".into()))?;
            let mut head = change.head(record)?;
            if change.values.is_some() {
                head.key = state.journal.take_key();
            }
            heads.push(head);
        }
        let keys: Vec<u64> = heads.iter().map(|head| head.key).collect();
        let total = changes.len();
        let mut write = self.commit(state, removed, heads, sealed)?;
        for (n, ((slot, change), key)) in changes.iter_mut().zip(keys).enumerate() {
            // From here on, nothing may fail.
            // Under the exclusive lock, texts that stay are not copied where they can be moved.
            let text = match change.values {
                Some(_) => write
                    .state
                    .slots
                    .record(*slot)
                    .and_then(|old| old.text.clone()),
                None => write.state.slots.take_text(*slot),
            };
            if let Some(record) = write.state.slots.record(*slot) {
                let record = change.apply(record, text, key);
                match &change.values {
                    Some(values) => write.put(record, &values.row, values.codes.get(0)),
                    None => write.update_in_place(*slot, record),
                };
            }
            if (n + 1) % BLOCK == 0 || n + 1 == total {
                told(n + 1);
            }
        }
        write.finish()
    }
}

/// A patch of the metadata that match a filter.
struct Patching<'p> {
    filter: Filter,
    patch: MergePatch<'p>,
    dry_run: bool,
    guards: Guards,
    on_progress: Option<OnProgress>,
}

/// What a patch does to the collection in a certain state.
struct PatchPlan {
    matching: RoaringBitmap,
    /// In insertion order.
    vectors: Vec<PatchOf>,
    /// On disk, the entries of those that change.
    sealed: Sealed,
}

/// What a patch does to a vector.
struct PatchOf {
    slot: u32,
    mark: Mark,
    /// In memory, the metadata that were merged.
    before: Option<Wiped<str>>,
    /// Whether the patch changes it.
    changes: bool,
    /// What becomes of it, if the patch changes it and is to be committed.
    change: Option<Change>,
}

impl Collection {
    /// Patches the metadata of all vectors that match, in one commit.
    pub fn patch_metadata(self: &Arc<Self>, patch: Patch) -> Result<Patched> {
        let text = Wiped::from(patch.patch);
        if text.len() > MAX_PATCH_BYTES {
            return Err(Error::Validation(format!(
                "patch is {} bytes long; the limit is {MAX_PATCH_BYTES}",
                text.len()
            )));
        }
        let raw: &RawValue = serde_json::from_str(&text)
            .map_err(|_| Error::Validation("patch is not valid JSON".into()))?;
        let merge = MergePatch::read(raw.get());
        let merge =
            merge.ok_or_else(|| Error::Validation("patch must be a plain object".into()))?;
        self.in_rounds(&mut Patching {
            filter: patch.filter,
            patch: merge,
            dry_run: patch.dry_run,
            guards: patch.guards,
            on_progress: patch.on_progress,
        })
    }
}

impl Patching<'_> {
    /// What the patch does to the vector at `slot`, and what is to be sealed of it. If nothing is
    /// going to be committed, because the call `ends` before, nothing of it is kept.
    fn plan(
        &self,
        state: &State,
        (slot, record): (u32, &Record),
        ends: bool,
        seals: bool,
    ) -> Result<(PatchOf, Option<Rest>)> {
        let mark = state.mark(slot, record)?;
        let merged = self.patch.merged(record.metadata.as_deref());
        let merged = merged.ok_or_else(|| {
            Error::Internal(format!("the metadata of {:?} are not an object", record.id))
        })?;
        let (changes, change) = match merged {
            Merged::Unchanged => (false, None),
            Merged::Changed(_) if ends => (true, None),
            Merged::Changed(new) => {
                let metadata = Some(new);
                let change = Change {
                    metadata,
                    ..Change::default()
                };
                (true, Some(change))
            }
        };
        let sealing = change.as_ref().filter(|_| seals);
        let rest = sealing.map(|change| state.rest(slot, record, change));
        let rest = rest.transpose()?;
        let before = match mark.is_of_all() {
            true => None,
            false => record.metadata.clone(),
        };
        let patched = PatchOf {
            slot,
            mark,
            before,
            changes,
            change,
        };
        Ok((patched, rest))
    }

    /// Whether the plan is what the patch does to the collection in this state.
    fn is_current(&self, state: &State, plan: &PatchPlan) -> Result<bool> {
        if state.matching(&self.filter) != plan.matching {
            return Ok(false);
        }
        for vector in &plan.vectors {
            let Some(record) = state.marked(vector.slot, &vector.mark)? else {
                return Ok(false);
            };
            if !vector.mark.is_of_all() && record.metadata != vector.before {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn refusal(&self, plan: &PatchPlan) -> Option<Refusal> {
        self.guards.refusal(plan.vectors.len())
    }

    /// The report of what was planned, before it is done.
    fn report(&self, state: &State, plan: &PatchPlan) -> Patched {
        let matched = plan.vectors.iter().filter_map(|vector| {
            let record = state.slots.record(vector.slot)?;
            Some((record.id.clone(), vector.changes))
        });
        let refusal = self.refusal(plan);
        Patched {
            scanned: state.slots.len(),
            matched: matched.collect(),
            unknown: state.unknown(&self.filter),
            applied: refusal.is_none() && !self.dry_run,
            refusal,
        }
    }

    fn tell(&self, done: usize, total: usize) {
        tell(self.on_progress.as_ref(), "patch", done, total);
    }
}

impl LongWrite for Patching<'_> {
    type Plan = PatchPlan;
    type Done = Patched;

    fn prepare(&mut self, reader: &Reader<'_>) -> Result<Ready<PatchPlan, Patched>> {
        let (matching, vectors) = reader.read(|state| {
            let matching = state.matching(&self.filter);
            let order = state.slots.in_insertion_order(&matching).into_iter();
            let keyed = order.filter_map(|slot| Some((slot, state.slots.record(slot)?.key)));
            let keyed: Vec<_> = keyed.collect();
            Ok((matching, keyed))
        })?;
        let total = vectors.len();
        let ends = self.dry_run || self.guards.refusal(total).is_some();
        let seals = reader.collection.sealed_for.filter(|_| !ends);
        let mut plan = PatchPlan {
            matching,
            vectors: Vec::with_capacity(total),
            sealed: match seals {
                Some(name) => Sealed::new(name, total)?,
                None => Sealed::default(),
            },
        };
        if reader.is_first {
            self.tell(0, total);
        }
        for portion in vectors.chunks(PORTION) {
            let begin = plan.vectors.len();
            let mut rests = Vec::with_capacity(portion.len());
            let is_current = reader.read(|state| {
                for &(slot, key) in portion {
                    cancel::check()?;
                    let record = state.slots.record(slot);
                    let Some(record) = record.filter(|record| record.key == key) else {
                        return Ok(false);
                    };
                    let (patched, rest) =
                        self.plan(state, (slot, record), ends, seals.is_some())?;
                    plan.vectors.push(patched);
                    rests.extend(rest);
                }
                Ok(true)
            })?;
            if !is_current {
                return Ok(Ready::Stale);
            }
            let changes = plan.vectors[begin..].iter();
            let changes = changes.filter_map(|vector| vector.change.as_ref());
            let dimension = reader.collection.dimension;
            for (change, rest) in changes.zip(&rests) {
                change.seal(rest, dimension, &mut plan.sealed)?;
            }
            if reader.is_first {
                self.tell(plan.vectors.len(), total);
            }
        }
        if plan.vectors.iter().any(|vector| vector.change.is_some()) {
            return Ok(Ready::Commit(plan));
        }
        reader.read(|state| {
            Ok(match self.is_current(state, &plan)? {
                true => Ready::Ended(self.report(state, &plan)),
                false => Ready::Stale,
            })
        })
    }

    fn commit(
        &mut self,
        collection: &Arc<Collection>,
        state: RwLockWriteGuard<'_, State>,
        mut plan: PatchPlan,
    ) -> Result<Option<Patched>> {
        if !self.is_current(&state, &plan)? {
            return Ok(None);
        }
        let patched = self.report(&state, &plan);
        let changes = plan.vectors.iter_mut();
        let changes = changes.filter_map(|vector| Some((vector.slot, vector.change.as_mut()?)));
        let changes = changes.collect();
        collection.change(state, changes, &plan.sealed, |_| ())?;
        Ok(Some(patched))
    }
}

/// The checked updates of many vectors.
struct Updating {
    /// Each id occurs once.
    updates: Vec<(Id, Change)>,
    on_progress: Option<OnProgress>,
}

/// What updates do to the collection in a certain state.
#[derive(Default)]
struct UpdatePlan {
    /// On disk, the mark of the vector of each update, if it is there.
    marks: Vec<Option<Mark>>,
    /// On disk, the entries of those that are.
    sealed: Sealed,
}

impl Collection {
    /// Updates those of the vectors that are there, in one commit, and returns for each whether it
    /// was there.
    ///
    /// Progress is told by the phase, `prepare` or `insert`, and the number of updates looked at, or
    /// of vectors updated.
    pub fn update_many(
        self: &Arc<Self>,
        updates: Vec<UpdateOf>,
        on_progress: Option<OnProgress>,
    ) -> Result<Vec<bool>> {
        let updates = self.check_updates(updates)?;
        self.in_rounds(&mut Updating {
            updates,
            on_progress,
        })
    }

    fn check_updates(&self, updates: Vec<UpdateOf>) -> Result<Vec<(Id, Change)>> {
        let mut checked = Vec::with_capacity(updates.len());
        let mut indexes = HashMap::with_capacity(updates.len());
        for (at, UpdateOf { id, update }) in updates.into_iter().enumerate() {
            if at % BLOCK == 0 {
                cancel::check()?;
            }
            let id = Id::from(&*id);
            match indexes.entry(id.clone()) {
                Entry::Vacant(new) => new.insert(at),
                Entry::Occupied(first) => {
                    return Err(Error::Validation(format!(
                        "updates[{at}].id is that of updates[{}] too: give one update for each \
                         vector",
                        first.get()
                    )));
                }
            };
            if let Some(row) = &update.data {
                self.check_row(row, &update.name)?;
            }
            if let ExpiryChange::At(instant) = update.expires_at {
                check_expiry(&format!("updates[{at}].expires_at"), instant)?;
            }
            let values = update.data.map(|row| NewValues {
                codes: Codes::of(&row, self.dimension),
                row: Zeroizing::new(row),
            });
            let change = Change {
                values,
                metadata: update.metadata.map(Wiped::from),
                text: update.text.map(Wiped::from),
                expires_at: update.expires_at,
            };
            checked.push((id, change));
        }
        Ok(checked)
    }
}

impl LongWrite for Updating {
    type Plan = UpdatePlan;
    type Done = Vec<bool>;

    fn prepare(&mut self, reader: &Reader<'_>) -> Result<Ready<UpdatePlan, Vec<bool>>> {
        let total = self.updates.len();
        let Some(name) = reader.collection.sealed_for else {
            // Updates do not depend on what is there.
            self.tell("prepare", total, total);
            return Ok(Ready::Commit(UpdatePlan::default()));
        };
        let mut plan = UpdatePlan {
            marks: Vec::with_capacity(total),
            sealed: Sealed::new(name, total)?,
        };
        if reader.is_first {
            self.tell("prepare", 0, total);
        }
        for portion in self.updates.chunks(PORTION) {
            let mut rests = Vec::with_capacity(portion.len());
            reader.read(|state| {
                for (id, change) in portion {
                    let slot = state.slots.slot_of(id);
                    let found = slot.and_then(|slot| Some((slot, state.slots.record(slot)?)));
                    let Some((slot, record)) = found else {
                        plan.marks.push(None);
                        continue;
                    };
                    plan.marks.push(Some(state.mark(slot, record)?));
                    rests.push((change, state.rest(slot, record, change)?));
                }
                Ok(())
            })?;
            let dimension = reader.collection.dimension;
            for (change, rest) in &rests {
                change.seal(rest, dimension, &mut plan.sealed)?;
            }
            if reader.is_first {
                self.tell("prepare", plan.marks.len(), total);
            }
        }
        Ok(Ready::Commit(plan))
    }

    fn commit(
        &mut self,
        collection: &Arc<Collection>,
        state: RwLockWriteGuard<'_, State>,
        plan: UpdatePlan,
    ) -> Result<Option<Vec<bool>>> {
        let slots = self.updates.iter();
        let slots = slots.map(|(id, _)| state.slots.slot_of(id));
        let slots: Vec<Option<u32>> = slots.collect();
        for (slot, mark) in slots.iter().zip(&plan.marks) {
            let is_current = match (slot, mark) {
                (Some(slot), Some(mark)) => state.marked(*slot, mark)?.is_some(),
                (None, None) => true,
                _ => false,
            };
            if !is_current {
                return Ok(None);
            }
        }
        let changes = slots.iter().zip(&mut self.updates);
        let changes = changes.filter_map(|(slot, (_, change))| Some(((*slot)?, change)));
        let changes: Vec<_> = changes.collect();
        let (on_progress, total) = (self.on_progress.as_ref(), changes.len());
        let told = |done| tell(on_progress, "insert", done, total);
        collection.change(state, changes, &plan.sealed, told)?;
        Ok(Some(slots.iter().map(Option::is_some).collect()))
    }
}

impl Updating {
    fn tell(&self, phase: &'static str, done: usize, total: usize) {
        tell(self.on_progress.as_ref(), phase, done, total);
    }
}
