//! Deleting for now: what is deleted with `undo` waits in the collection's *bin* until it is brought
//! back, or erased.
//!
//! A bin is a collection of its own, which has no name and which no call reads. A vector that waits
//! in it keeps its id. Everything else about it is in one text, so that on disk none of it stays in
//! memory:
//!
//! | part of the text | |
//! | --- | --- |
//! | the first line | when it expires, -1 for never; when it was inserted; the lengths of its metadata and of its text in bytes, -1 for none: decimal, with commas between them |
//! | row | its values (f32, little-endian), in base64 |
//! | metadata, text | as they are |
//!
//! The bin's metadata are a [`Tag`]. What waits expires in the bin when it can no longer be brought
//! back, or by its own expiry if that is sooner, and is erased then as everything that expires.
//!
//! It is put in the bin first, on the disk, and deleted next. If that does not happen, the next
//! opening finds in the bin what is in the collection still, by the number of its entry, and erases
//! it from the bin. On the way back it is moved (`transfer.rs`).
//!
//! Whoever holds the locks of both has taken the collection's first.

use std::{convert::identity, sync::Arc};

use base64::{Engine, encoded_len, engine::general_purpose::STANDARD};
use hashbrown::{HashMap, HashSet};
use parking_lot::RwLockUpgradableReadGuard;
use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    Access, Collection, Config, DeleteOptions, Guards, Outcome, Receipt, Residue, Role, State,
    erasing::Cause, insert::Row, rounds::PORTION,
};
use crate::{
    cancel,
    clock::LATEST,
    error::{Error, Result},
    filter::{FieldIndexes, Filter, Source},
    graph::HnswParams,
    hexadecimal::bytes_of,
    storage::NAME,
    vectors::{Codes, Metric, Record, Slots, Times},
    wiped::{Id, Wiped},
};

/// The value of the only dimension of whatever is in a bin.
const VALUE: f32 = 1.0;

/// What was deleted for now, and until when it can be brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undo {
    /// Names what one call has deleted.
    pub token: String,
    /// In milliseconds since 1970.
    pub until: i64,
}

/// What a bin has in memory of a vector besides its id and its times.
#[derive(Serialize, Deserialize)]
struct Tag {
    /// Of the call that has deleted it.
    token: String,
    /// The number of its entry in the collection.
    number: u64,
    /// The bytes of its row, id, metadata and text.
    bytes: u64,
}

/// What a bin holds.
#[derive(Default)]
pub(super) struct InBin {
    pub(super) vectors: usize,
    pub(super) memory_bytes: usize,
    pub(super) disk_bytes: u64,
}

/// A vector that waits.
#[derive(Debug)]
pub struct Deleted {
    pub id: Id,
    pub metadata: Option<Wiped<str>>,
    pub token: String,
    /// In milliseconds since 1970, as the next.
    pub deleted_at: i64,
    pub until: i64,
}

/// What was purged.
#[derive(Debug)]
pub struct Purged {
    /// How many vectors.
    pub vectors: usize,
    /// What became of each of the ids that were given.
    pub outcomes: Vec<Outcome>,
    pub receipt: Option<Receipt>,
}

/// Everything about a vector that waits, but for its id.
pub(super) struct Waiting<'a> {
    pub(super) times: Times,
    pub(super) metadata: Option<&'a str>,
    pub(super) text: Option<&'a str>,
    row: &'a str,
}

/// As the first line has it.
fn length(text: Option<&str>) -> i64 {
    text.map_or(-1, |text| text.len() as i64)
}

/// The text of a vector in a bin.
fn written(record: &Record, row: &[f32], text: Option<&str>) -> Wiped<str> {
    let metadata = record.metadata.as_deref();
    let [expires_at, inserted_at] = record.times.write();
    let (of_metadata, of_text) = (length(metadata), length(text));
    let line = format!("{expires_at},{inserted_at},{of_metadata},{of_text}\n");
    let mut bytes = Zeroizing::new(Vec::with_capacity(4 * row.len()));
    bytes.extend(row.iter().flat_map(|value| value.to_le_bytes()));
    let parts = [metadata, text].map(Option::unwrap_or_default);
    let encoded = encoded_len(bytes.len(), true).unwrap_or(0);
    // Growing would leave copies behind.
    let size = line.len() + encoded + parts[0].len() + parts[1].len();
    let mut out = Zeroizing::new(String::with_capacity(size));
    out.push_str(&line);
    STANDARD.encode_string(&bytes[..], &mut out);
    for part in parts {
        out.push_str(part);
    }
    Wiped::from(&**out)
}

impl<'a> Waiting<'a> {
    /// What a text of a bin says; `None` if no vector is written so.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let (line, rest) = text.split_once('\n')?;
        let mut numbers = line.split(',').map(str::parse::<i64>);
        let mut next = || numbers.next()?.ok();
        let (expires_at, inserted_at) = (next()?, next()?);
        let lengths = [next()?, next()?];
        let times = Times::read(expires_at, inserted_at)?;
        let [metadata, text] = lengths.map(|len| usize::try_from(len).ok());
        let end = rest.len().checked_sub(text.unwrap_or(0))?;
        let begin = end.checked_sub(metadata.unwrap_or(0))?;
        let (before, of_text) = rest.split_at_checked(end)?;
        let (row, of_metadata) = before.split_at_checked(begin)?;
        Some(Self {
            times,
            metadata: metadata.map(|_| of_metadata),
            text: text.map(|_| of_text),
            row,
        })
    }

    /// The values of its row, if they are as many.
    pub(super) fn row(&self, dimension: usize) -> Option<Zeroizing<Vec<f32>>> {
        let mut bytes = Zeroizing::new(vec![0; 4 * dimension]);
        if encoded_len(bytes.len(), true)? != self.row.len() {
            return None;
        }
        let len = STANDARD.decode_slice(self.row, &mut bytes[..]).ok()?;
        let (values, _) = bytes.get(..len)?.as_chunks();
        let values = values.iter().map(|four| f32::from_le_bytes(*four));
        let row: Zeroizing<Vec<f32>> = Zeroizing::new(values.collect());
        (row.len() == dimension && row.iter().all(|value| value.is_finite())).then_some(row)
    }
}

/// The bytes of the row, id, metadata and text that a vector in a bin had.
pub(super) fn bytes_of_waiting(record: &Record) -> u64 {
    tag_of(record).map_or(0, |tag| tag.bytes)
}

fn tag_of(record: &Record) -> Option<Tag> {
    serde_json::from_str(record.metadata.as_deref()?).ok()
}

/// What has been put in a bin. Dropping this takes it out again, unless it is kept.
pub(super) struct Put {
    bin: Arc<Collection>,
    pub(super) undo: Undo,
    is_kept: bool,
}

impl Put {
    /// It is deleted now.
    pub(super) fn keep(&mut self) {
        self.is_kept = true;
    }

    pub(super) fn bin(&self) -> &Arc<Collection> {
        &self.bin
    }
}

impl Drop for Put {
    fn drop(&mut self) {
        if !self.is_kept {
            // If that fails, the next opening does it.
            let _ = self.bin.take_out(&self.undo.token);
        }
    }
}

impl State {
    /// The slots of what was deleted by the call with this token.
    fn tagged(&self, token: &str) -> RoaringBitmap {
        let is_tagged = |slot: &u32| {
            let record = self.slots.record(*slot);
            record
                .and_then(tag_of)
                .is_some_and(|tag| tag.token == token)
        };
        self.slots.alive().iter().filter(is_tagged).collect()
    }

    /// In a bin, what waits at this slot. `read` is given everything about it.
    pub(super) fn waiting<T>(
        &self,
        slot: u32,
        record: &Record,
        read: impl FnOnce(&Waiting<'_>) -> Option<T>,
    ) -> Result<T> {
        let values = self.values(Access::Wait, slot, record)?;
        let waiting = values.text().and_then(Waiting::read);
        waiting.as_ref().and_then(read).ok_or_else(|| {
            Error::Storage(format!(
                "what was deleted for now of the vector {:?} is damaged",
                record.id
            ))
        })
    }

    /// In a bin, which of the live vectors match, by the metadata that they had. They are read for it.
    pub(super) fn waiting_matching(&self, filter: &Filter) -> Result<RoaringBitmap> {
        let alive = self.slots.alive();
        let mut read = WaitingMetadata {
            metadata: HashMap::with_capacity(alive.len() as usize),
            slots: &self.slots,
        };
        for slot in alive {
            cancel::check()?;
            if let Some(record) = self.slots.record(slot) {
                let of = |waiting: &Waiting<'_>| Some(waiting.metadata.map(Wiped::from));
                read.metadata.insert(slot, self.waiting(slot, record, of)?);
            }
        }
        Ok(FieldIndexes::default().evaluate(filter, alive, &read))
    }
}

/// What vectors in a bin had as metadata, as filters access them.
struct WaitingMetadata<'a> {
    metadata: HashMap<u32, Option<Wiped<str>>>,
    slots: &'a Slots,
}

impl Source for WaitingMetadata<'_> {
    fn metadata(&self, slot: u32) -> Option<&str> {
        self.metadata.get(&slot)?.as_deref()
    }

    fn slot_of(&self, id: &str) -> Option<u32> {
        self.slots.slot_of(id)
    }
}

impl Collection {
    /// The settings of a bin of a collection with this name.
    pub fn settings_of_bin(name: String) -> Config {
        Config {
            name,
            dimension: 1,
            metric: Metric::Euclidean,
            hnsw: HnswParams::default(),
            description: None,
        }
    }

    /// Its bin, if it has one.
    pub fn bin(&self) -> Option<Arc<Self>> {
        self.bin.lock().clone()
    }

    /// Gives it a bin, unless it has one.
    pub fn set_bin(&self, bin: Arc<Self>) {
        self.bin.lock().get_or_insert(bin);
    }

    pub fn is_bin(&self) -> bool {
        matches!(*self.role.read(), Role::BinOf(_))
    }

    /// The random name of the collection of which it is the bin.
    pub fn bin_of(&self) -> Option<[u8; NAME]> {
        match &*self.role.read() {
            Role::BinOf(name) => bytes_of(name.as_bytes()),
            _ => None,
        }
    }

    pub(super) fn needs_bin(&self) -> Result<Arc<Self>> {
        let bin = self.bin();
        bin.ok_or_else(|| Error::Internal("a collection has no bin to delete to".into()))
    }

    /// What its bin holds, which is not locked afterwards.
    pub(super) fn in_bin(&self, access: Access) -> Result<InBin> {
        let Some(bin) = self.bin() else {
            return Ok(InBin::default());
        };
        match bin.read(access) {
            Err(Error::WouldBlock) => Err(Error::WouldBlock),
            // It is gone with the collection.
            Err(_) => Ok(InBin::default()),
            Ok(state) => Ok(InBin {
                vectors: state.slots.len(),
                memory_bytes: state.memory_bytes(),
                disk_bytes: state.disk_bytes().unwrap_or(0),
            }),
        }
    }

    /// Gives its bin the name that it has itself, so that nothing of a former one is left.
    pub fn name_bin(&self) -> Result<()> {
        let Some(bin) = self.bin().filter(|bin| bin.name() != self.name()) else {
            return Ok(());
        };
        bin.take_name_of(self)
    }

    /// Whether anything is in its bin, even if it has expired and is not erased yet.
    pub(super) fn has_waiting(&self) -> bool {
        let bin = self.bin();
        bin.is_some_and(|bin| !bin.state.read().is_empty())
    }

    /// Puts the vectors at these slots in the bin, where they can be brought back for `period`
    /// milliseconds. On disk, they are there whatever happens when this returns. Other writers to the
    /// collection wait.
    pub(super) fn put_in_bin(
        &self,
        state: &mut RwLockUpgradableReadGuard<'_, State>,
        slots: &RoaringBitmap,
        period: i64,
    ) -> Result<Put> {
        let bin = self.needs_bin()?;
        let deleted_at = self.clock().now();
        let until = deleted_at.saturating_add(period).min(LATEST);
        let token = Uuid::now_v7().to_string();
        let undo = Undo { token, until };
        let put = Put {
            bin: bin.clone(),
            undo,
            is_kept: false,
        };
        // The bin names entries by their numbers, which must never be given to others.
        if let Some(log) = state.journal.log() {
            log.sync().flush()?;
        }
        let order = state.slots.in_insertion_order(slots);
        let ids = order.iter().filter_map(|&slot| state.slots.record(slot));
        if bin.holds_any(ids.map(|record| &*record.id))? {
            // Their copies are replaced: if the call were cancelled afterwards, these would be gone.
            cancel::commit()?;
        }
        for slots in order.chunks(PORTION) {
            cancel::check()?;
            let mut rows = Vec::with_capacity(slots.len());
            for &slot in slots {
                let Some(record) = state.slots.record(slot) else {
                    continue;
                };
                let tag = Tag {
                    token: put.undo.token.clone(),
                    number: record.key,
                    bytes: (4 * self.dimension + record.text_bytes()) as u64,
                };
                let tag = serde_json::to_string(&tag).map_err(|error| {
                    Error::Internal(format!("a tag cannot be written: {error}"))
                })?;
                let values = state.values(Access::Wait, slot, record)?;
                let own = state.expiries.instant(record.times);
                let until = own.map_or(until, |own| own.min(until));
                rows.push(Row {
                    id: record.id.clone(),
                    at: rows.len(),
                    metadata: Some(Wiped::from(tag.as_str())),
                    text: Some(written(record, values.row(), values.text())),
                    times: Times::new(Some(until), deleted_at),
                });
            }
            let data = Zeroizing::new(vec![VALUE; rows.len()]);
            let codes = vec![Codes::of(&data, 1)];
            let mut prepared = bin.prepare_rows(rows, data, codes)?;
            let waiting = bin.write(Access::Wait)?;
            let put = bin.begin_insert(waiting, (Access::Wait, true), &mut prepared, identity);
            put?.0.finish()?;
            self.expire_held(state);
        }
        bin.make_durable()?;
        Ok(put)
    }

    /// Whether it has a vector with one of these ids.
    fn holds_any<'a>(&self, mut ids: impl Iterator<Item = &'a str>) -> Result<bool> {
        let state = self.read(Access::Wait)?;
        Ok(!state.slots.is_empty() && ids.any(|id| state.slots.slot_of(id).is_some()))
    }

    /// Takes out of a bin what was put there by the call with this token, and was not deleted.
    fn take_out(self: &Arc<Self>, token: &str) -> Result<()> {
        let state = self.exclusive(Access::Wait)?;
        let slots = state.tagged(token);
        if slots.is_empty() {
            return Ok(());
        }
        self.begin_removal(state, slots, identity)?.finish()
    }

    /// Takes out of its bin what is in the collection still: the call that put it there was
    /// interrupted before it was deleted.
    pub fn take_back_undeleted(self: &Arc<Self>) -> Result<()> {
        let Some(bin) = self.bin() else {
            return Ok(());
        };
        let here: HashSet<u64> = {
            let state = self.state.read();
            let recorded = state.slots.recorded();
            state.numbers(&recorded).collect()
        };
        let state = bin.exclusive(Access::Wait)?;
        let is_here = |slot: &u32| {
            let tag = state.slots.record(*slot).and_then(tag_of);
            tag.is_some_and(|tag| here.contains(&tag.number))
        };
        let slots: RoaringBitmap = state.slots.recorded().iter().filter(is_here).collect();
        if slots.is_empty() {
            return Ok(());
        }
        bin.begin_removal(state, slots, identity)?.finish_durably()
    }

    /// What waits in its bin, in the order in which it was deleted, from position `offset` on; and
    /// how much there is in all.
    pub fn list_deleted(&self, offset: usize, limit: usize) -> Result<(Vec<Deleted>, usize)> {
        drop(self.read(Access::Wait)?);
        let Some(bin) = self.bin() else {
            return Ok((Vec::new(), 0));
        };
        let state = bin.read(Access::Wait)?;
        let mut deleted = Vec::new();
        for slot in state.slots.page(offset, limit) {
            cancel::check()?;
            let Some(record) = state.slots.record(slot) else {
                continue;
            };
            let metadata = |waiting: &Waiting<'_>| Some(waiting.metadata.map(Wiped::from));
            deleted.push(Deleted {
                id: record.id.clone(),
                metadata: state.waiting(slot, record, metadata)?,
                token: tag_of(record).map_or_else(String::new, |tag| tag.token),
                deleted_at: record.times.inserted_at,
                until: record.times.expires_at().unwrap_or(LATEST),
            });
        }
        Ok((deleted, state.slots.len()))
    }

    /// The ids of what waits in its bin that was deleted by the call with this token.
    pub fn deleted_by(&self, token: &str) -> Result<Vec<String>> {
        let Some(bin) = self.bin() else {
            return Ok(Vec::new());
        };
        let state = bin.read(Access::Wait)?;
        let order = state
            .slots
            .in_insertion_order(&state.tagged(token))
            .into_iter();
        let ids = order.filter_map(|slot| Some(state.slots.record(slot)?.id.to_string()));
        Ok(ids.collect())
    }

    /// Erases what waits in its bin: all of it, or the vectors with these ids.
    pub fn purge(
        &self,
        ids: Option<&[String]>,
        receipt: bool,
        reason: Option<&str>,
    ) -> Result<Purged> {
        drop(self.read(Access::Wait)?);
        let bin = self.needs_bin()?;
        let options = DeleteOptions {
            receipt,
            ..DeleteOptions::default()
        };
        let cause = Cause::new("purgeDeleted", reason);
        let with = (cause, Guards::default());
        let ended = bin.delete_with(Access::Wait, &options, with, |state| {
            let Some(ids) = ids else {
                let all = state.slots.alive().clone();
                return Ok((all.clone(), (all.len() as usize, Vec::new())));
            };
            let (slots, outcomes) = state.named(ids);
            Ok((slots.clone(), (slots.len() as usize, outcomes)))
        })?;
        let (vectors, outcomes) = ended.selected;
        Ok(Purged {
            vectors,
            outcomes,
            receipt: ended.receipt,
        })
    }

    /// What is left in its bin of vectors with these ids, and of those that are erased there.
    pub(super) fn verify_bin(&self, ids: &[String]) -> Result<Vec<Residue>> {
        let Some(bin) = self.bin() else {
            return Ok(Vec::new());
        };
        let mut found = bin.verify_erased(ids)?;
        for residue in &mut found {
            if residue.file.is_none() && residue.id.is_some() {
                residue.reason =
                    "a vector with this id was deleted with undo, and can be undeleted";
            }
        }
        Ok(found)
    }
}
