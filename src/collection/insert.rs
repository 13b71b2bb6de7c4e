//! Inserting. Rows are checked and encoded before the lock is taken; then the whole batch is
//! inserted under it at once.

use std::{convert::identity, iter, sync::Arc};

use hashbrown::{HashMap, hash_map::Entry};
use parking_lot::RwLockWriteGuard;
use roaring::RoaringBitmap;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    Access, Collection, Name, Names, OnProgress, Progress, State, check_expiry, weight,
    write::{Write, head},
};
use crate::{
    cancel,
    error::{Error, Result},
    storage::{Head, Label, Sealed},
    vectors::{Codes, Metric, Record, Terms, Text, Times},
    wiped::{Id, Wiped},
};

const MAX_ID_BYTES: usize = 1024;

/// The number of rows checked and encoded, or stored, between two progress reports.
pub(super) const BLOCK: usize = 1024;

/// Vectors to insert, in columns.
#[derive(Default)]
pub struct Batch {
    /// One for each vector; `None` requests a generated id.
    pub ids: Vec<Option<String>>,
    /// The rows, one after another.
    pub data: Vec<f32>,
    /// The length of each row, or a single length for all.
    pub lengths: Vec<u32>,
    /// The metadata of each vector, the text of a JSON object; may be shorter than `ids`.
    pub metadata: Vec<Option<Box<str>>>,
    /// The embedded text of each vector; may be shorter than `ids`.
    pub texts: Vec<Option<Box<str>>>,
    /// When each vector expires, in milliseconds since 1970; may be shorter than `ids`.
    pub expires_at: Vec<Option<i64>>,
    /// What the caller calls the vectors, for error messages.
    pub names: Names,
    /// Called with the phase, `prepare` or `insert`, and the number of rows checked and encoded, or
    /// stored. The rows become visible when the insert returns, not before.
    pub on_progress: Option<OnProgress>,
}

/// A checked batch with its codes. Each id occurs once.
pub struct Prepared {
    dimension: usize,
    pub(super) rows: Vec<Row>,
    data: Zeroizing<Vec<f32>>,
    /// In blocks of `BLOCK` rows.
    codes: Vec<Codes>,
    /// The rows as they are written to disk; empty in memory.
    sealed: Sealed,
    /// The lengths of each entry in `sealed`.
    heads: Vec<Head>,
    pub(super) on_progress: Option<OnProgress>,
}

pub(super) fn tell(
    on_progress: Option<&OnProgress>,
    phase: &'static str,
    done: usize,
    total: usize,
) {
    if let Some(on_progress) = on_progress {
        let (done, total) = (done as u64, total as u64);
        on_progress(phase, Progress { done, total });
    }
}

pub(super) struct Row {
    pub(super) id: Id,
    /// The index of its row in the batch's data.
    pub(super) at: usize,
    pub(super) metadata: Option<Wiped<str>>,
    pub(super) text: Option<Wiped<str>>,
    /// It counts as inserted when it was prepared, because the time is sealed with it.
    pub(super) times: Times,
}

/// A row with its vector and code.
pub(super) struct Encoded<'a> {
    pub(super) row: &'a Row,
    pub(super) data: &'a [f32],
    pub(super) code: (&'a [i8], Terms),
}

impl Row {
    fn weight(&self, fields: usize) -> usize {
        let text = self.text.as_ref().map_or(0, |text| text.len());
        weight(self.metadata.as_deref(), text, fields)
    }
}

pub(super) fn check_id(id: &str, what: impl FnOnce() -> String) -> Result<()> {
    if id.is_empty() {
        return Err(Error::Validation(format!("{} is empty", what())));
    }
    if id.len() > MAX_ID_BYTES {
        return Err(Error::Validation(format!(
            "{} is {} bytes long; the limit is {MAX_ID_BYTES}",
            what(),
            id.len()
        )));
    }
    Ok(())
}

impl Collection {
    /// Checks the values of a row. The caller checks its length.
    pub(super) fn check_values(&self, row: &[f32], name: impl FnOnce() -> Name) -> Result<()> {
        if let Some(at) = row.iter().position(|x| !x.is_finite()) {
            return Err(Error::Validation(format!(
                "{} is {}: every value must be finite as a 32-bit float",
                name().value(at, row.len()),
                row[at]
            )));
        }
        if self.metric == Metric::Cosine && row.iter().all(|&x| x == 0.0) {
            return Err(Error::Validation(format!(
                "{} is all zeros, which has no direction: cosine similarity is undefined for it",
                name()
            )));
        }
        Ok(())
    }

    /// Checks one row: a vector's new data, or a query.
    pub fn check_row(&self, row: &[f32], name: &Name) -> Result<()> {
        self.check_length(row.len(), || name.clone())?;
        self.check_values(row, || name.clone())
    }

    /// Checks the lengths of rows.
    pub fn check_lengths(
        &self,
        lengths: impl IntoIterator<Item = u32>,
        name: impl Fn(usize) -> Name,
    ) -> Result<()> {
        let mut lengths = lengths.into_iter().enumerate();
        lengths.try_for_each(|(i, got)| self.check_length(got as usize, || name(i)))
    }

    fn check_length(&self, got: usize, name: impl FnOnce() -> Name) -> Result<()> {
        let expected = self.dimension;
        if got == expected {
            return Ok(());
        }
        Err(Error::DimensionMismatch {
            what: name().to_string(),
            expected,
            got,
        })
    }

    /// Checks and encodes a batch. If an id occurs more than once, the last row wins, and the first
    /// occurrence determines its place in the order, as if the vectors were upserted one by one.
    pub fn prepare(&self, batch: Batch) -> Result<Prepared> {
        let dimension = self.dimension;
        let count = batch.ids.len();
        let lengths = batch.lengths.iter().copied();
        let last = batch.lengths.last().copied().unwrap_or(0);
        let lengths = lengths.chain(iter::repeat(last)).take(count);
        let names = batch.names;
        self.check_lengths(lengths, &names.vector)?;
        if batch.data.len() != count * dimension {
            return Err(Error::Validation(format!(
                "{} values do not make {count} rows of {dimension}",
                batch.data.len()
            )));
        }
        let on_progress = batch.on_progress;
        let mut codes = Vec::with_capacity(count.div_ceil(BLOCK));
        tell(on_progress.as_ref(), "prepare", 0, count);
        for block in batch.data.chunks(BLOCK * dimension) {
            cancel::check()?;
            let begin = codes.len() * BLOCK;
            for (i, row) in block.chunks_exact(dimension).enumerate() {
                self.check_values(row, || (names.vector)(begin + i))?;
            }
            codes.push(Codes::of(block, dimension));
            let done = begin + block.len() / dimension;
            tell(on_progress.as_ref(), "prepare", done, count);
        }
        let mut rows: Vec<Row> = Vec::with_capacity(count);
        let mut place: HashMap<Id, usize> = HashMap::with_capacity(count);
        let mut metadata = batch.metadata.into_iter().chain(iter::repeat(None));
        let mut texts = batch.texts.into_iter().chain(iter::repeat(None));
        let mut expiries = batch.expires_at.into_iter().chain(iter::repeat(None));
        let inserted_at = self.clock().now();
        for (at, id) in batch.ids.into_iter().enumerate() {
            let id = match id {
                Some(id) => {
                    check_id(&id, || (names.id)(at))?;
                    Id::from(&*id)
                }
                None => Id::from(&*Uuid::now_v7().to_string()),
            };
            let expires_at = expiries.next().flatten();
            if let Some(instant) = expires_at {
                check_expiry(&names.expiry(at), instant)?;
            }
            let row = Row {
                id: id.clone(),
                at,
                metadata: metadata.next().flatten().map(Wiped::from),
                text: texts.next().flatten().map(Wiped::from),
                times: Times::new(expires_at, inserted_at),
            };
            match place.entry(id) {
                Entry::Occupied(first) => rows[*first.get()] = row,
                Entry::Vacant(new) => {
                    new.insert(rows.len());
                    rows.push(row);
                }
            }
        }
        let prepared = self.prepare_rows(rows, Zeroizing::new(batch.data), codes)?;
        Ok(Prepared {
            on_progress,
            ..prepared
        })
    }

    /// On disk, seals checked rows. Their codes are in blocks of `BLOCK` rows.
    pub(super) fn prepare_rows(
        &self,
        rows: Vec<Row>,
        data: Zeroizing<Vec<f32>>,
        codes: Vec<Codes>,
    ) -> Result<Prepared> {
        let dimension = self.dimension;
        let (sealed, heads) = self.seal(rows.len(), |i| {
            let row = &rows[i];
            Encoded {
                row,
                data: &data[row.at * dimension..][..dimension],
                code: codes[row.at / BLOCK].get(row.at % BLOCK),
            }
        })?;
        Ok(Prepared {
            dimension,
            rows,
            data,
            codes,
            sealed,
            heads,
            on_progress: None,
        })
    }

    /// On disk, seals rows as they are written, and returns them with the lengths of each.
    pub(super) fn seal<'a>(
        &self,
        count: usize,
        encoded: impl Fn(usize) -> Encoded<'a>,
    ) -> Result<(Sealed, Vec<Head>)> {
        let (mut sealed, mut heads) = (Sealed::default(), Vec::new());
        let Some(name) = self.sealed_for else {
            return Ok((sealed, heads));
        };
        for row in (0..count).map(|i| encoded(i).row) {
            let length = |text: &Option<Wiped<str>>| text.as_ref().map(|text| text.len());
            let (metadata, text) = (length(&row.metadata), length(&row.text));
            heads.push(head(row.id.len(), metadata, text)?);
        }
        sealed = Sealed::new(name, count)?;
        let dimension = self.dimension;
        sealed.reserve(heads.iter().map(|head| head.lengths(dimension)));
        for (i, head) in heads.iter().enumerate() {
            if i % BLOCK == 0 {
                cancel::check()?;
            }
            let Encoded { row, data, code } = encoded(i);
            let label = Label {
                times: row.times,
                id: &row.id,
                metadata: row.metadata.as_deref(),
            };
            sealed.push(head, data, code, &label, row.text.as_deref())?;
        }
        Ok((sealed, heads))
    }

    /// Inserts either all of a prepared batch or nothing, and completely replaces vectors with the
    /// same ids. Returns the ids in order, each once.
    ///
    /// The batch is emptied only if it was inserted, so that a call that found the collection busy
    /// can be retried.
    pub fn insert(self: &Arc<Self>, access: Access, batch: &mut Prepared) -> Result<Vec<Id>> {
        if batch.dimension != self.dimension {
            return Err(Error::DimensionMismatch {
                what: "a batch checked for another collection".into(),
                expected: self.dimension,
                got: batch.dimension,
            });
        }
        if let Some(name) = &self.sealed_for
            && batch.sealed.name() != name
        {
            return Err(Error::Validation(
                "the batch was checked for another collection".into(),
            ));
        }
        if batch.rows.is_empty() {
            drop(self.read(access)?);
            tell(batch.on_progress.as_ref(), "insert", 0, 0);
            return Ok(Vec::new());
        }
        let state = self.write(access)?;
        let (write, ids) = self.begin_insert(state, (access, false), batch, identity)?;
        write.finish()?;
        Ok(ids)
    }

    /// Begins the write of an insert, which is not made visible before it is finished. Vectors with
    /// the same ids keep their places in the order, unless all are put there `anew`. If this fails,
    /// `failed` is called as by `commit_or`.
    pub(super) fn begin_insert<'a>(
        self: &'a Arc<Self>,
        mut state: RwLockWriteGuard<'a, State>,
        (access, anew): (Access, bool),
        batch: &mut Prepared,
        failed: impl FnOnce(Error) -> Error,
    ) -> Result<(Write<'a>, Vec<Id>)> {
        let olds = batch.rows.iter().map(|row| state.slots.slot_of(&row.id));
        let olds: Vec<_> = olds.collect();
        // An expired vector with one of the ids is erased at once: the log has no id twice.
        let expired = batch.rows.iter();
        let expired = expired.filter_map(|row| state.slots.expired_slot_of(&row.id));
        let expired: RoaringBitmap = expired.collect();
        let replaced: RoaringBitmap = olds.iter().copied().flatten().chain(&expired).collect();
        let fields = state.fields.len();
        let weights = batch.rows.iter().map(|row| row.weight(fields));
        let copying = state.copying(batch.rows.len().min(state.slots.free_len()));
        let weight = weights.sum::<usize>() + copying;
        let checked = state.slots.check_room(batch.rows.len());
        let checked = checked.and_then(|()| state.check_little(access, &replaced, weight));
        if let Err(error) = checked {
            return Err(failed(error));
        }
        let mut numbers = Vec::with_capacity(batch.rows.len());
        for old in olds {
            let order = match old.filter(|_| !anew) {
                Some(slot) => state.slots.sequence(slot),
                None => state.take_sequence(),
            };
            numbers.push((state.journal.take_key(), order));
        }
        let heads = batch.heads.iter().zip(&numbers);
        let heads = heads.map(|(&head, &(key, order))| Head { key, order, ..head });
        let mut write = self.commit_or(state, replaced, heads.collect(), &batch.sealed, failed)?;
        write.state.erased.vectors += expired.len();
        let rows = std::mem::take(&mut batch.rows);
        let (on_progress, total) = (batch.on_progress.take(), rows.len());
        let mut ids = Vec::with_capacity(total);
        for (i, (row, (key, sequence))) in rows.into_iter().zip(numbers).enumerate() {
            ids.push(row.id.clone());
            let record = Record {
                key,
                id: row.id,
                metadata: row.metadata,
                text: row.text.map(Text::Held),
                times: row.times,
                sequence,
            };
            let data = &batch.data[row.at * batch.dimension..][..batch.dimension];
            let code = batch.codes[row.at / BLOCK].get(row.at % BLOCK);
            write.put(record, data, code);
            if (i + 1) % BLOCK == 0 || i + 1 == total {
                tell(on_progress.as_ref(), "insert", i + 1, total);
            }
        }
        Ok((write, ids))
    }
}

impl State {
    pub(super) fn take_sequence(&mut self) -> u64 {
        self.next_sequence += 1;
        self.next_sequence - 1
    }
}
