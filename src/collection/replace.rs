//! Replacing what a filter matches: afterwards, of all vectors that it matches, exactly the given
//! rows are there. All of it is one commit.
//!
//! 1. The rows are checked, and whether the filter matches each of them.
//! 2. Each row is compared with the vector of its id, in portions under the shared lock. A vector
//!    that is as its row says is not written, and a text that is the same is not embedded again.
//!    A vector that is written keeps the expiry of its own that it has, unless its row gives one.
//! 3. The texts that need a vector are embedded, and all that is to be written is encoded and
//!    sealed, without a lock.
//! 4. Under the exclusive lock, what to delete is selected, and if nothing that the comparison
//!    relied on has changed in the meantime, all is committed. Otherwise it is compared again; at
//!    last while other writes wait.

use std::{iter, sync::Arc};

use hashbrown::{HashMap, hash_map::Entry};
use parking_lot::{RwLockUpgradableReadGuard, RwLockWriteGuard};
use roaring::RoaringBitmap;
use zeroize::Zeroizing;

use super::{
    Access, Collection, ExpiryChange, Guards, Name, OnProgress, Receipt, Refusal, State, Undo,
    bin::Put,
    check_expiry,
    erasing::{Cause, Erasure},
    insert::{BLOCK, Encoded, Row, check_id, tell},
    rounds::{LongWrite, Mark, PORTION, Reader, Ready},
    same::is_same,
};
use crate::{
    cancel,
    embed::embed,
    error::{Error, Result},
    filter::{FieldIndexes, Filter, Source},
    storage::{Head, Sealed},
    vectors::{Codes, Record, Text, Times},
    wiped::{Id, Wiped},
};

/// What is to be there of the vectors that a filter matches.
pub struct Replacement {
    pub filter: Filter,
    pub ids: Vec<String>,
    /// The metadata of each row, the text of a JSON object; may be shorter than `ids`.
    pub metadata: Vec<Option<Box<str>>>,
    /// The text of each row; may be shorter than `ids`.
    pub texts: Vec<Option<Box<str>>>,
    /// The expiry of its own that each row is given; may be shorter than `ids`. One that is given
    /// none keeps that of its vector.
    pub expires_at: Vec<ExpiryChange>,
    pub origin: Origin,
    /// The vectors that `origin` says are given, one after another.
    pub data: Vec<f32>,
    /// The length of each of these, or a single length for all.
    pub lengths: Vec<u32>,
    /// What the caller calls the rows, for error messages.
    pub places: Places,
    pub options: ReplaceOptions,
    /// Called with the phase, `prepare` or `insert`, and the number of rows compared, or written.
    pub on_progress: Option<OnProgress>,
}

/// Where the rows' vectors come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Each row is given one.
    Given,
    /// They are made of the texts by the built-in embedder.
    BuiltIn,
    /// They are made of the texts by the caller's embedder, and so far given for the rows with
    /// these indexes.
    Embedded(Vec<usize>),
}

/// What the caller calls its list of rows, and the vector of a row.
#[derive(Debug, Clone, Copy)]
pub struct Places {
    pub list: &'static str,
    pub vector: &'static str,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            list: "rows",
            vector: "data",
        }
    }
}

impl Places {
    fn row(self, at: usize) -> String {
        format!("{}[{at}]", self.list)
    }
}

/// How to replace.
#[derive(Debug, Clone, Default)]
pub struct ReplaceOptions {
    /// Report what would happen, and do nothing.
    pub dry_run: bool,
    /// Return a receipt for what was erased.
    pub receipt: bool,
    /// Why, for the receipt and the ledger.
    pub reason: Option<String>,
    /// How many vectors may be deleted, not counting those that are updated.
    pub guards: Guards,
    /// For how long what is deleted can be brought back, in milliseconds. The collection has a bin.
    pub undo: Option<i64>,
}

impl ReplaceOptions {
    /// The period for which a bin is needed.
    pub fn bin(&self) -> Option<i64> {
        self.undo.filter(|_| !self.dry_run)
    }
}

/// The answer to a replacement.
#[derive(Debug)]
pub enum Replacing {
    /// Nothing has been changed: the rows with these indexes need a vector of the caller's embedder.
    Needs(Vec<usize>),
    Ended(Box<Replaced>),
}

/// The result of a replacement, or of its dry run.
#[derive(Debug)]
pub struct Replaced {
    /// The ids of the rows that were not there, in the order of the rows.
    pub inserted: Vec<Id>,
    /// The ids of the rows that were there otherwise, in the order of the rows.
    pub updated: Vec<Id>,
    /// The number of rows that were there as they are.
    pub unchanged: usize,
    /// The ids of the vectors without a row, in insertion order.
    pub deleted: Vec<Id>,
    /// Whether it was done. It was not in a dry run, nor if a guard was not met.
    pub applied: bool,
    /// Set if a guard was not met: nothing was changed.
    pub refusal: Option<Refusal>,
    pub receipt: Option<Receipt>,
    /// Set if something was deleted for now.
    pub undo: Option<Undo>,
}

/// The checked rows of a replacement. Each id occurs once.
struct Rows {
    filter: Filter,
    rows: Vec<Row>,
    /// The expiry of its own that each row is given.
    expiries: Vec<ExpiryChange>,
    /// The index of each id.
    indexes: HashMap<Id, u32>,
    dimension: usize,
    /// Whether vectors are made of texts, and by the built-in embedder.
    of_texts: bool,
    embeds: bool,
    data: Zeroizing<Vec<f32>>,
    /// The place of each row's vector in `data`, if it has one.
    places: Vec<Option<usize>>,
    names: Places,
    options: ReplaceOptions,
    on_progress: Option<OnProgress>,
}

/// What to do with a row, as far as its id's vector decides it.
enum Plan {
    /// It is there as it is.
    Keep(Mark),
    /// Its text is there, with this vector. The rest is not.
    Reuse(Mark, Zeroizing<Vec<f32>>),
    /// It is written, with its own vector.
    Write,
}

/// What is written, as it is written. The columns have a value for each row that is.
struct Written {
    /// The indexes of the rows.
    rows: Vec<usize>,
    data: Zeroizing<Vec<f32>>,
    /// In blocks of `BLOCK` rows.
    codes: Vec<Codes>,
    sealed: Sealed,
    heads: Vec<Head>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Inserted,
    Updated,
    Unchanged,
}

/// What a replacement does to the collection in a certain state.
struct Decided {
    /// For each row.
    outcomes: Vec<Outcome>,
    /// The slots of the vectors that are updated, and of those without a row.
    updated: RoaringBitmap,
    deleted: RoaringBitmap,
    /// Whether a vector has changed since a row was compared with it.
    stale: bool,
    refusal: Option<Refusal>,
}

impl Rows {
    fn vector(&self, at: usize) -> Option<&[f32]> {
        let begin = self.places.get(at).copied().flatten()? * self.dimension;
        self.data.get(begin..begin + self.dimension)
    }

    fn tell(&self, phase: &'static str, done: usize, total: usize) {
        tell(self.on_progress.as_ref(), phase, done, total);
    }

    /// Checks that the filter matches every row: a replacement could not find it again otherwise.
    fn check_matching(&self) -> Result<()> {
        let count = u32::try_from(self.rows.len())
            .map_err(|_| Error::Validation(format!("{} has too many rows", self.names.list)))?;
        let all: RoaringBitmap = (0..count).collect();
        let matching = FieldIndexes::default().evaluate(&self.filter, &all, self);
        let Some(first) = (all - matching).min() else {
            return Ok(());
        };
        Err(Error::Validation(format!(
            "{}: its metadata do not match the filter, so that the next replacement would not find \
             it: correct the metadata or the filter",
            self.names.row(first as usize)
        )))
    }
}

impl Source for Rows {
    fn metadata(&self, slot: u32) -> Option<&str> {
        self.rows.get(slot as usize)?.metadata.as_deref()
    }

    fn slot_of(&self, id: &str) -> Option<u32> {
        self.indexes.get(id).copied()
    }
}

impl Written {
    fn vector(&self, n: usize, dimension: usize) -> &[f32] {
        &self.data[n * dimension..][..dimension]
    }
}

impl Collection {
    /// Replaces all vectors that the filter matches by the given rows, or does nothing.
    pub fn replace(self: &Arc<Self>, replacement: Replacement) -> Result<Replacing> {
        let mut rows = self.check_rows(replacement)?;
        rows.tell("prepare", 0, rows.rows.len());
        self.in_rounds(&mut rows)
    }

    fn check_rows(&self, replacement: Replacement) -> Result<Rows> {
        let Replacement {
            filter,
            ids,
            metadata,
            texts,
            expires_at,
            origin,
            data,
            lengths,
            places: names,
            options,
            on_progress,
        } = replacement;
        let (dimension, count) = (self.dimension, ids.len());
        let (of_texts, embeds) = (origin != Origin::Given, origin == Origin::BuiltIn);
        let given: Vec<usize> = match origin {
            Origin::Given => (0..count).collect(),
            Origin::BuiltIn => Vec::new(),
            Origin::Embedded(given) => given,
        };
        let name = |n: usize| {
            let row = names.row(given.get(n).copied().unwrap_or(n));
            match of_texts {
                true => Name::MadeOf(format!("{row}.text").into()),
                false => Name::At(format!("{row}.{}", names.vector).into()),
            }
        };
        let last = lengths.last().copied().unwrap_or(0);
        let lengths = lengths.into_iter().chain(iter::repeat(last));
        self.check_lengths(lengths.take(given.len()), name)?;
        if data.len() != given.len() * dimension {
            return Err(Error::Validation(format!(
                "{} values do not make {} rows of {dimension}",
                data.len(),
                given.len()
            )));
        }
        for (n, vector) in data.chunks_exact(dimension).enumerate() {
            if n % BLOCK == 0 {
                cancel::check()?;
            }
            self.check_values(vector, || name(n))?;
        }
        let mut places = vec![None; count];
        for (n, &at) in given.iter().enumerate() {
            let place = places.get_mut(at).ok_or_else(|| {
                Error::Validation(format!("a vector is given for {}", names.row(at)))
            })?;
            *place = Some(n);
        }
        let mut indexes = HashMap::with_capacity(count);
        let mut rows = Vec::with_capacity(count);
        let mut metadata = metadata.into_iter().chain(iter::repeat(None));
        let mut texts = texts.into_iter().chain(iter::repeat(None));
        let times = Times::new(None, self.clock().now());
        let mut expiries = expires_at;
        expiries.resize(count, ExpiryChange::Keep);
        for (at, id) in ids.into_iter().enumerate() {
            check_id(&id, || format!("{}.id", names.row(at)))?;
            if let ExpiryChange::At(instant) = expiries[at] {
                check_expiry(&format!("{}.expires_at", names.row(at)), instant)?;
            }
            let id = Id::from(&*id);
            match indexes.entry(id.clone()) {
                Entry::Vacant(new) => new.insert(at as u32),
                Entry::Occupied(first) => {
                    return Err(Error::Validation(format!(
                        "{}.id is the same as {}.id: give each row an id of its own",
                        names.row(at),
                        names.row(*first.get() as usize)
                    )));
                }
            };
            rows.push(Row {
                id,
                at,
                metadata: metadata.next().flatten().map(Wiped::from),
                text: texts.next().flatten().map(Wiped::from),
                times,
            });
        }
        let rows = Rows {
            filter,
            rows,
            expiries,
            indexes,
            dimension,
            of_texts,
            embeds,
            data: Zeroizing::new(data),
            places,
            names,
            options,
            on_progress,
        };
        rows.check_matching()?;
        Ok(rows)
    }

    /// Encodes and seals what is to be written.
    fn encode(&self, rows: &Rows, plans: &[Plan]) -> Result<Written> {
        let dimension = rows.dimension;
        let written = plans.iter().enumerate();
        let written = written.filter(|(_, plan)| !matches!(plan, Plan::Keep(_)));
        let (indexes, written): (Vec<usize>, Vec<&Plan>) = written.unzip();
        // Reserved in full, because growing would leave copies behind.
        let mut data = Zeroizing::new(Vec::with_capacity(indexes.len() * dimension));
        for (&at, plan) in indexes.iter().zip(written) {
            let vector = match plan {
                Plan::Reuse(_, vector) => Some(&vector[..]),
                _ => rows.vector(at),
            };
            data.extend_from_slice(
                vector.ok_or_else(|| {
                    Error::Internal(format!("{} has no vector", rows.names.row(at)))
                })?,
            );
        }
        let mut codes = Vec::with_capacity(indexes.len().div_ceil(BLOCK));
        for block in data.chunks(BLOCK * dimension) {
            cancel::check()?;
            codes.push(Codes::of(block, dimension));
        }
        let (sealed, heads) = self.seal(indexes.len(), |n| Encoded {
            row: &rows.rows[indexes[n]],
            data: &data[n * dimension..][..dimension],
            code: codes[n / BLOCK].get(n % BLOCK),
        })?;
        Ok(Written {
            rows: indexes,
            data,
            codes,
            sealed,
            heads,
        })
    }

    /// Commits what was decided in this state.
    fn put_rows(
        self: &Arc<Self>,
        mut state: RwLockWriteGuard<'_, State>,
        rows: &mut Rows,
        decided: &Decided,
        written: &Written,
    ) -> Result<Replacing> {
        let mut replaced = state.report(rows, decided);
        if decided.refusal.is_some() {
            return Ok(replaced.ended());
        }
        let total = written.rows.len();
        state.slots.check_room(total)?;
        if total == 0 {
            rows.tell("insert", 0, 0);
        }
        let mut removed = &decided.updated | &decided.deleted;
        let reason = rows.options.reason.clone();
        let cause = Cause::new("replace", reason.as_deref());
        let mut entry = None;
        let drafted = if removed.is_empty() && total == 0 {
            let drafted = rows.options.receipt.then(|| state.draft(&removed));
            drop(state);
            drafted
        } else {
            let drafted = rows.options.receipt.then(|| state.draft_next(&removed));
            let (mut erasure, mut put) = (Erasure::default(), None);
            if !decided.deleted.is_empty() {
                if let Some(period) = rows.options.undo {
                    let mut reading = RwLockWriteGuard::downgrade_to_upgradable(state);
                    let deleted = &decided.deleted;
                    put = Some(self.put_in_bin(&mut reading, deleted, period)?);
                    state = RwLockUpgradableReadGuard::upgrade(reading);
                }
                let what = (drafted.as_ref(), put.as_ref().map(|put: &Put| &**put.bin()));
                let parts = (&decided.deleted, &removed);
                (state, erasure) = self.begin_erasure_beside_readers(state, parts, cause, what)?;
            }
            let mut numbers = Vec::with_capacity(total);
            // An expired vector with one of the ids is erased at once: the log has no id twice.
            let expired = written.rows.iter().map(|&at| &rows.rows[at].id);
            let expired: RoaringBitmap = expired
                .filter_map(|id| state.slots.expired_slot_of(id))
                .collect();
            removed |= &expired;
            for &at in &written.rows {
                let order = match state.slots.slot_of(&rows.rows[at].id) {
                    Some(slot) => state.slots.sequence(slot),
                    None => state.take_sequence(),
                };
                numbers.push((state.journal.take_key(), order));
            }
            let heads = written.heads.iter().zip(&numbers);
            let heads = heads.map(|(&head, &(key, order))| Head { key, order, ..head });
            let undone = |error| erasure.undone(error);
            let write = self.commit_or(state, removed, heads.collect(), &written.sealed, undone);
            let mut write = write?;
            if let Some(put) = &mut put {
                put.keep();
                replaced.undo = Some(put.undo.clone());
            }
            write.state.erased.vectors += decided.deleted.len() + expired.len();
            for (n, (&at, (key, sequence))) in written.rows.iter().zip(numbers).enumerate() {
                let row = &mut rows.rows[at];
                let record = Record {
                    key,
                    id: row.id.clone(),
                    metadata: row.metadata.take(),
                    text: row.text.take().map(Text::Held),
                    times: row.times,
                    sequence,
                };
                let code = written.codes[n / BLOCK].get(n % BLOCK);
                write.put(record, written.vector(n, rows.dimension), code);
                if (n + 1) % BLOCK == 0 || n + 1 == total {
                    rows.tell("insert", n + 1, total);
                }
            }
            entry = write.finish_erasing(erasure, rows.options.receipt)?;
            drafted
        };
        if drafted.is_some() {
            // The receipt must stay true whatever happens next.
            self.make_durable()?;
        }
        replaced.applied = true;
        let on_disk = self.is_on_disk();
        replaced.receipt = drafted.map(|drafted| drafted.complete(on_disk, cause, entry));
        Ok(replaced.ended())
    }
}

impl LongWrite for Rows {
    type Plan = (Vec<Plan>, Written);
    type Done = Replacing;

    fn prepare(&mut self, reader: &Reader<'_>) -> Result<Ready<Self::Plan, Replacing>> {
        let count = self.rows.len();
        let mut plans = Vec::with_capacity(count);
        for begin in (0..count).step_by(PORTION) {
            let end = count.min(begin + PORTION);
            reader.read(|state| state.plan(self, begin..end, &mut plans))?;
            if reader.is_first {
                self.tell("prepare", end, count);
            }
        }
        if let Some(ended) = reader.read(|state| state.end_early(self, &plans))? {
            return Ok(Ready::Ended(ended));
        }
        let needed = self.embed(&plans)?;
        if !needed.is_empty() {
            return Ok(Ready::Ended(Replacing::Needs(needed)));
        }
        let written = reader.collection.encode(self, &plans)?;
        Ok(Ready::Commit((plans, written)))
    }

    fn commit(
        &mut self,
        collection: &Arc<Collection>,
        state: RwLockWriteGuard<'_, State>,
        (plans, written): Self::Plan,
    ) -> Result<Option<Replacing>> {
        let decided = state.decide(self, &plans)?;
        match decided.stale {
            true => Ok(None),
            false => {
                let replaced = collection.put_rows(state, self, &decided, &written);
                replaced.map(Some)
            }
        }
    }
}

impl Rows {
    /// Embeds the texts that need a vector and have none, or returns the indexes of these rows if
    /// the caller has to.
    fn embed(&mut self, plans: &[Plan]) -> Result<Vec<usize>> {
        let wanted = plans.iter().zip(&self.places).enumerate();
        let wanted =
            wanted.filter(|(_, (plan, place))| matches!(plan, Plan::Write) && place.is_none());
        let needed: Vec<usize> = wanted.map(|(at, _)| at).collect();
        if !self.embeds || needed.is_empty() {
            return Ok(needed);
        }
        // Allocated in full: growing would leave copies behind.
        let len = self.data.len() + needed.len() * self.dimension;
        let mut data = Zeroizing::new(Vec::with_capacity(len));
        data.extend_from_slice(&self.data);
        for at in needed {
            cancel::check()?;
            let text = self.rows[at].text.as_deref().unwrap_or_default();
            self.places[at] = Some(data.len() / self.dimension);
            data.extend_from_slice(&Zeroizing::new(embed(text, self.dimension)));
        }
        self.data = data;
        Ok(Vec::new())
    }
}

impl Replaced {
    fn ended(self) -> Replacing {
        Replacing::Ended(Box::new(self))
    }
}

impl State {
    /// Compares rows with the vectors of their ids, and gives them the expiry that these have,
    /// unless they are given one.
    fn plan(
        &self,
        rows: &mut Rows,
        indexes: std::ops::Range<usize>,
        plans: &mut Vec<Plan>,
    ) -> Result<()> {
        for at in indexes {
            let own = self.own_expiry(&rows.rows[at]);
            let times = rows.rows[at].times.expiring(own);
            rows.rows[at].times = rows.expiries[at].apply(times);
            plans.push(self.plan_row(rows, at)?);
        }
        Ok(())
    }

    /// The expiry of its own that the vector with a row's id has.
    fn own_expiry(&self, row: &Row) -> Option<i64> {
        let record = self.slots.record(self.slots.slot_of(&row.id)?);
        record?.times.expires_at()
    }

    fn plan_row(&self, rows: &Rows, at: usize) -> Result<Plan> {
        let row = &rows.rows[at];
        let found = self.slots.slot_of(&row.id);
        let found = found.and_then(|slot| Some((slot, self.slots.record(slot)?)));
        let Some((slot, record)) = found else {
            return Ok(Plan::Write);
        };
        let same_label = is_same(row.metadata.as_deref(), record.metadata.as_deref())
            && row.times.expires_at() == record.times.expires_at();
        let length = record.text.as_ref().map(Text::bytes);
        if length != row.text.as_ref().map(|text| text.len()) || (!rows.of_texts && !same_label) {
            return Ok(Plan::Write);
        }
        let values = match self.values(Access::Wait, slot, record) {
            Ok(values) => values,
            // What cannot be read is written anew.
            Err(Error::Storage(_)) => return Ok(Plan::Write),
            Err(error) => return Err(error),
        };
        let same_text = values.text() == row.text.as_deref();
        let same_values = rows.of_texts || rows.vector(at).is_some_and(|v| same(v, values.row()));
        if !same_text || !same_values {
            return Ok(Plan::Write);
        }
        let mark = self.mark(slot, record)?;
        Ok(match same_label {
            true => Plan::Keep(mark),
            false => Plan::Reuse(mark, Zeroizing::new(values.row().to_vec())),
        })
    }

    /// Whether the vector at `slot` is still the one with this mark, as far as its row relies on it.
    fn is_marked(&self, slot: u32, mark: &Mark, row: &Row, kept: bool) -> Result<bool> {
        let Some(record) = self.marked(slot, mark)? else {
            return Ok(false);
        };
        if mark.is_of_all() {
            return Ok(true);
        }
        let same_text = match (&record.text, &row.text) {
            (Some(Text::Held(text)), Some(expected)) => text == expected,
            (None, None) => true,
            _ => false,
        };
        let metadata = || is_same(row.metadata.as_deref(), record.metadata.as_deref());
        Ok(same_text && (!kept || metadata()))
    }

    /// Selects what is inserted, updated and deleted. Fails if a row has the id of a vector that is
    /// not replaced.
    fn decide(&self, rows: &Rows, plans: &[Plan]) -> Result<Decided> {
        let matching = self.matching(&rows.filter);
        let mut kept = RoaringBitmap::new();
        let mut decided = Decided {
            outcomes: Vec::with_capacity(plans.len()),
            updated: RoaringBitmap::new(),
            deleted: RoaringBitmap::new(),
            stale: false,
            refusal: None,
        };
        for ((row, plan), expiry) in rows.rows.iter().zip(plans).zip(&rows.expiries) {
            // One that is kept has the expiry that it has, or that it is given; one that is written
            // gets the former unless it is given one.
            let is_written = !matches!(plan, Plan::Keep(_));
            let is_given = *expiry != ExpiryChange::Keep;
            let relies_on_it = is_written != is_given;
            decided.stale |= relies_on_it && self.own_expiry(row) != row.times.expires_at();
            let Some(slot) = self.slots.slot_of(&row.id) else {
                decided.stale |= !matches!(plan, Plan::Write);
                decided.outcomes.push(Outcome::Inserted);
                continue;
            };
            if !matching.contains(slot) {
                return Err(Error::Validation(format!(
                    "{}.id is that of a vector that does not match the filter, and would overwrite \
                     it: choose another id, or correct the filter",
                    rows.names.row(row.at)
                )));
            }
            let (outcome, current) = match plan {
                Plan::Write => (Outcome::Updated, true),
                Plan::Reuse(mark, _) => (Outcome::Updated, self.is_marked(slot, mark, row, false)?),
                Plan::Keep(mark) => match self.is_marked(slot, mark, row, true)? {
                    true => (Outcome::Unchanged, true),
                    false => (Outcome::Updated, false),
                },
            };
            decided.stale |= !current;
            decided.outcomes.push(outcome);
            match outcome {
                Outcome::Unchanged => kept.insert(slot),
                _ => decided.updated.insert(slot),
            };
        }
        decided.deleted = matching - &kept - &decided.updated;
        let count = decided.deleted.len() as usize;
        decided.refusal = rows.options.guards.refusal(count);
        Ok(decided)
    }

    /// The end of a dry run, or of a replacement that does not meet its guards; `None` for any
    /// other.
    fn end_early(&self, rows: &Rows, plans: &[Plan]) -> Result<Option<Replacing>> {
        let decided = self.decide(rows, plans)?;
        let ends = rows.options.dry_run || decided.refusal.is_some();
        Ok(ends.then(|| self.report(rows, &decided).ended()))
    }

    /// The report of what was decided, before it is done.
    fn report(&self, rows: &Rows, decided: &Decided) -> Replaced {
        let outcomes = rows.rows.iter().zip(&decided.outcomes);
        let having = |wanted: Outcome| {
            let having = outcomes.clone().filter(|&(_, &outcome)| outcome == wanted);
            having.map(|(row, _)| row.id.clone()).collect()
        };
        let deleted = self.slots.in_insertion_order(&decided.deleted).into_iter();
        let unchanged = decided.outcomes.iter();
        Replaced {
            inserted: having(Outcome::Inserted),
            updated: having(Outcome::Updated),
            unchanged: unchanged.filter(|&&o| o == Outcome::Unchanged).count(),
            deleted: deleted
                .filter_map(|slot| self.slots.record(slot).map(|record| record.id.clone()))
                .collect(),
            applied: false,
            refusal: decided.refusal,
            receipt: None,
            undo: None,
        }
    }
}

/// Whether two vectors are the same bit for bit.
fn same(one: &[f32], other: &[f32]) -> bool {
    one.len() == other.len()
        && iter::zip(one, other).all(|(one, other)| one.to_bits() == other.to_bits())
}
