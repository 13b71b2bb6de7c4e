//! Reports, or parts of them, that are the same in both APIs.

use std::{borrow::Cow, fmt::Write, path::Path, time::Instant};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    client::{self, DeletedList, Fate, Forgotten, ForgottenIn, Reindexing, Transferred, Undeleted},
    collection::{
        self, Access, BatchDeletion, Collection, FilterDeletion, Guard, Info, Outcome, Patched,
        Purged, Refusal, Replaced,
    },
    error::Error,
    graph::GraphBuilder,
    storage::{LedgerEntry, LedgerHead, Restored},
    wiped::{Id, Wiped},
};

/// RFC 3339 to the millisecond, the precision of JavaScript dates.
pub fn timestamp(time: OffsetDateTime) -> String {
    let millisecond = time.nanosecond() / 1_000_000 * 1_000_000;
    let time = time.replace_nanosecond(millisecond).unwrap_or(time);
    time.format(&Rfc3339).unwrap_or_default()
}

/// The parameters of a collection's graph.
#[derive(Serialize, JsonSchema)]
pub struct Hnsw {
    /// Neighbours of a node on the upper layers; the bottom layer has twice as many.
    pub m: usize,
    /// Size of the candidate list when a node is inserted.
    pub ef_construction: usize,
    /// Size of the candidate list in a search.
    pub ef_search: usize,
    /// How a graph is built for many vectors that are in none yet.
    pub builder: GraphBuilder,
}

/// The state of a collection's index.
#[derive(Serialize, JsonSchema)]
pub struct Index {
    /// Live vectors in the graph.
    pub indexed: usize,
    /// Live vectors that searches scan.
    pub pending: usize,
    /// Deleted vectors whose slot in the graph has not been reclaimed yet.
    pub deleted: usize,
}

/// What the background has found in a collection's files since the store was opened. Once a day it
/// reads the values and the text of every vector.
#[derive(Serialize, JsonSchema)]
pub struct Scrub {
    /// When it last reached the end of the collection; RFC 3339, UTC. Absent until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
    /// The number of live vectors whose values or text cannot be read.
    pub damaged: usize,
    /// The ids of those, at most 100.
    pub damaged_ids: Vec<String>,
}

/// The details of a collection besides its name, dimension, metric and vector count.
#[derive(Serialize, JsonSchema)]
pub struct Details {
    /// The time of the last write; RFC 3339, UTC.
    pub updated_at: String,
    /// After how many seconds vectors without an expiry of their own expire. Null if they do not.
    pub ttl_secs: Option<u32>,
    /// Vectors that have expired, so that no read finds them, and whose data is not erased yet.
    pub expired: usize,
    /// Vectors that were deleted with `undo` and can be undeleted.
    pub undoable: usize,
    /// Estimated memory use of the collection, in bytes.
    pub size_bytes: usize,
    /// The size of the collection's files, in bytes. Absent in memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_bytes: Option<u64>,
    pub hnsw: Hnsw,
    pub index: Index,
    /// Absent in memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scrub: Option<Scrub>,
}

impl Details {
    pub fn of(collection: &Collection, info: &Info) -> Self {
        let hnsw = collection.config().hnsw;
        Self {
            updated_at: timestamp(info.updated_at),
            ttl_secs: info.ttl,
            expired: info.expired,
            undoable: info.undoable,
            size_bytes: info.memory_bytes,
            disk_bytes: info.disk_bytes,
            hnsw: Hnsw {
                m: hnsw.m,
                ef_construction: hnsw.ef_construction,
                ef_search: hnsw.ef_search,
                builder: hnsw.builder,
            },
            index: Index {
                indexed: info.indexed,
                pending: info.pending,
                deleted: info.deleted,
            },
            scrub: info.scrub.as_ref().map(|scrubbed| Scrub {
                finished_at: scrubbed.finished_at.map(timestamp),
                damaged: scrubbed.damaged,
                damaged_ids: scrubbed
                    .damaged_ids
                    .iter()
                    .map(|id| id.to_string())
                    .collect(),
            }),
        }
    }
}

/// What a call asked for, as its receipt says it.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// How many ids it named; `None` if it did not go by ids.
    pub requested: Option<usize>,
    /// Its filter as it was given; `None` if it did not go by one.
    pub filter: Option<Box<RawValue>>,
}

impl Asked {
    pub fn ids(count: usize) -> Self {
        Self {
            requested: Some(count),
            filter: None,
        }
    }

    /// For the text of a filter.
    pub fn filter(text: &str) -> Self {
        Self {
            requested: None,
            filter: RawValue::from_string(text.to_owned()).ok(),
        }
    }
}

/// A proof of what was erased and when, which does not contain the erased data.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// The call that erased it.
    #[schemars(extend("enum" = [
        "deleteVector",
        "batchDelete",
        "deleteByFilter",
        "deleteCollection",
        "replace",
        "moveToCollection",
        "purgeDeleted",
    ]))]
    pub call: &'static str,
    pub collection: String,
    /// How many vectors were deleted.
    pub deleted: usize,
    /// The size in bytes of their rows, ids, metadata and texts.
    pub bytes_erased: u64,
    /// How many ids the call named. Absent if it did not go by ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested: Option<usize>,
    /// The filter as it was given, which is stored nowhere. Absent if the call did not go by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Map<String, Value>")]
    pub filter: Option<Box<RawValue>>,
    /// Why, as it was given. Absent if it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The sequence number of this delete among the collection's writes.
    pub log_sequence: u64,
    /// When the last byte was overwritten (on disk, the last byte of a key) and synced; RFC 3339,
    /// UTC.
    pub completed_at: String,
    /// Whether the delete is on disk, so that no power failure can bring any of it back. False in
    /// memory.
    pub durable: bool,
    /// SHA-256, in hexadecimal, of the JSON text `[logSequence,[id,…]]` without whitespace, the
    /// deleted ids being sorted by their UTF-8 bytes.
    pub digest: String,
    /// The random id of the store whose ledger has an entry of it, a UUID. Absent without a ledger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// That entry: exactly the text of its line in the ledger, without the line feed. Absent without
    /// a ledger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// The same in plain English, one line for each fact, to be filed.
    pub text: String,
}

impl Receipt {
    pub fn of(collection: &str, receipt: &collection::Receipt, asked: Asked) -> Self {
        let completed_at = timestamp(receipt.completed_at);
        let text = Told {
            call: receipt.call,
            erased: ErasedFrom::One(collection, receipt.log_sequence),
            deleted: receipt.deleted,
            bytes: receipt.bytes_erased,
            asked: &asked,
            reason: receipt.reason.as_deref(),
            completed_at: &completed_at,
            durable: receipt.durable,
            digest: &receipt.digest,
            entry: receipt.entry.as_ref(),
        };
        Self {
            text: text.text(),
            call: receipt.call,
            collection: collection.to_owned(),
            deleted: receipt.deleted,
            bytes_erased: receipt.bytes_erased,
            requested: asked.requested,
            filter: asked.filter,
            reason: receipt.reason.clone(),
            log_sequence: receipt.log_sequence,
            completed_at,
            durable: receipt.durable,
            digest: receipt.digest.clone(),
            store: store(receipt.entry.as_ref()),
            entry: line(receipt.entry.as_ref()),
        }
    }
}

fn store(entry: Option<&LedgerEntry>) -> Option<String> {
    entry.map(|entry| entry.store.clone())
}

fn line(entry: Option<&LedgerEntry>) -> Option<String> {
    entry.map(|entry| entry.line.clone())
}

/// From what a receipt's text says that something was erased.
enum ErasedFrom<'a> {
    /// From one collection, by its write with this sequence number.
    One(&'a str, u64),
    /// From several: the name of each, the number of vectors, and the same sequence number.
    Several(&'a [(String, usize, u64)]),
}

/// What a receipt's text says.
struct Told<'a> {
    call: &'static str,
    erased: ErasedFrom<'a>,
    deleted: usize,
    bytes: u64,
    asked: &'a Asked,
    reason: Option<&'a str>,
    completed_at: &'a str,
    durable: bool,
    digest: &'a str,
    entry: Option<&'a LedgerEntry>,
}

/// The most characters of a filter in a receipt's text, and the most of its collections.
const LONGEST_FILTER: usize = 1000;
const MOST_COLLECTIONS: usize = 20;

impl Told<'_> {
    /// One line for each fact. What the caller chose cannot begin a line of its own, nor change how
    /// the others are read.
    fn text(&self) -> String {
        let mut lines = vec!["Receipt for an erasure".to_owned(), String::new()];
        let count = |count: u64, of: &str| match count {
            1 => format!("1 {of}"),
            _ => format!("{} {of}s", grouped(count)),
        };
        if let ErasedFrom::One(name, _) = self.erased {
            lines.push(format!("Collection: {}", plain(name)));
        }
        lines.push(format!("Call: {}", self.call));
        if let Some(requested) = self.asked.requested {
            lines.push(format!("Requested: {}", count(requested as u64, "id")));
        }
        if let Some(filter) = &self.asked.filter {
            lines.push(format!("Filter: {}", compact(filter.get())));
        }
        let mut erased = format!(
            "Vectors erased: {} ({})",
            grouped(self.deleted as u64),
            count(self.bytes, "byte")
        );
        // The receipt is about one collection, and the vectors live on in another.
        if self.call == "moveToCollection" {
            erased += ", moved to another collection";
        }
        lines.push(erased);
        if let ErasedFrom::Several(collections) = self.erased {
            lines.push(format!(
                "Collections: {}",
                grouped(collections.len() as u64)
            ));
            for (name, deleted, sequence) in collections.iter().take(MOST_COLLECTIONS) {
                let vectors = count(*deleted as u64, "vector");
                lines.push(format!("  {vectors}, sequence {sequence}: {}", plain(name)));
            }
            if collections.len() > MOST_COLLECTIONS {
                let more = (collections.len() - MOST_COLLECTIONS) as u64;
                lines.push(format!("  and {}", count(more, "more collection")));
            }
        }
        if let Some(reason) = self.reason {
            lines.push(format!("Reason: {}", plain(reason)));
        }
        lines.push(format!("Completed: {}", self.completed_at));
        lines.push(match self.durable {
            true => "Durable: yes, on disk, synced".into(),
            false => "Durable: no, the store is in memory".into(),
        });
        if let ErasedFrom::One(_, sequence) = self.erased {
            lines.push(format!("Sequence: {sequence}"));
        }
        lines.push(format!("Digest of the ids (SHA-256): {}", self.digest));
        if let Some(LedgerEntry { store, entry, .. }) = self.entry {
            lines.push(format!("Ledger of store: {store}, entry {entry}"));
        }
        lines.join("\n") + "\n"
    }
}

/// A number with its thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Whether a character ends a line, hides, or changes the order in which others are shown.
fn is_deceptive(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{ad}'
                | '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
        )
}

/// Adds a character of a JSON string, escaped if it is deceptive.
fn push_letter(text: &mut String, letter: char) {
    if !is_deceptive(letter) {
        return text.push(letter);
    }
    match letter {
        '\n' => text.push_str("\\n"),
        '\r' => text.push_str("\\r"),
        '\t' => text.push_str("\\t"),
        // All of these have at most four digits. A string takes everything.
        _ => _ = write!(text, "\\u{:04x}", u32::from(letter)),
    }
}

/// What a caller chose, as it is; or, if that could be taken for something else, as a JSON string.
fn plain(text: &str) -> Cow<'_, str> {
    let is_plain = text.trim() == text
        && !text.is_empty()
        && !text.starts_with('"')
        && !text.contains(is_deceptive);
    if is_plain {
        return Cow::Borrowed(text);
    }
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        if matches!(letter, '"' | '\\') {
            quoted.push('\\');
        }
        push_letter(&mut quoted, letter);
    }
    quoted.push('"');
    Cow::Owned(quoted)
}

/// A JSON text without the whitespace around its values, as far as there is space for it.
fn compact(json: &str) -> String {
    let mut text = String::new();
    let (mut in_string, mut is_escaped) = (false, false);
    let mut length = 0;
    for letter in json.chars() {
        if !in_string && letter.is_ascii_whitespace() {
            continue;
        }
        if length == LONGEST_FILTER {
            text.push('…');
            break;
        }
        length += 1;
        push_letter(&mut text, letter);
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = in_string,
            '"' => in_string = !in_string,
            _ => {}
        }
    }
    text
}

/// The ledger of a store.
#[derive(Serialize, JsonSchema)]
pub struct LedgerInfo {
    /// The random id of the store, a UUID.
    pub store: String,
    /// How many entries it has.
    pub entries: u64,
    pub head: LedgerEnd,
}

/// The end of a ledger. Kept elsewhere, it proves later that nothing before it was changed or cut
/// off.
#[derive(Serialize, JsonSchema)]
pub struct LedgerEnd {
    /// The number of the last entry; 0 if there is none.
    pub entry: u64,
    /// SHA-256, in hexadecimal, of the last line without its line feed.
    pub hash: String,
}

impl LedgerInfo {
    pub fn of(head: LedgerHead) -> Self {
        Self {
            store: head.store,
            entries: head.entries,
            head: LedgerEnd {
                entry: head.entries,
                hash: head.hash,
            },
        }
    }
}

/// The result of a batch delete, without its rows.
#[derive(Serialize, JsonSchema)]
pub struct BatchDeleted {
    pub collection: String,
    /// How many ids the request contained.
    pub count: usize,
    pub deleted: usize,
    /// How many ids have the status `error`.
    pub failed: usize,
    /// Present if it was requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
    /// Present if something was deleted with `undo`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undo: Option<Undo>,
}

impl BatchDeleted {
    pub fn of(collection: &str, deletion: &BatchDeletion) -> Self {
        let count = deletion.outcomes.len();
        let having = |outcome: Outcome| deletion.outcomes.iter().filter(|&&o| o == outcome).count();
        let deleted = having(Outcome::Deleted);
        let receipt = deletion.receipt.as_ref();
        Self {
            collection: collection.to_owned(),
            count,
            deleted,
            failed: count - deleted - having(Outcome::Kept),
            receipt: receipt.map(|receipt| Receipt::of(collection, receipt, Asked::ids(count))),
            undo: deletion.undo.as_ref().map(Undo::from),
        }
    }
}

/// What was deleted with `undo`.
#[derive(Serialize, JsonSchema)]
pub struct Undo {
    /// Names what this call has deleted.
    pub token: String,
    /// Until when it can be undeleted, in milliseconds since 1970.
    pub until: i64,
}

impl From<&collection::Undo> for Undo {
    fn from(undo: &collection::Undo) -> Self {
        Self {
            token: undo.token.clone(),
            until: undo.until,
        }
    }
}

/// A collection that was deleted with `undo`.
#[derive(Serialize, JsonSchema)]
pub struct DeletedCollection {
    /// The name that it had.
    pub collection: String,
    pub token: String,
    /// When it was deleted, in milliseconds since 1970.
    pub deleted_at: i64,
    /// Until when it can be undeleted, in milliseconds since 1970.
    pub until: i64,
    /// How many vectors it has.
    pub vectors: usize,
}

impl From<&client::DeletedCollection> for DeletedCollection {
    fn from(deleted: &client::DeletedCollection) -> Self {
        Self {
            collection: deleted.name.clone(),
            token: deleted.token.clone(),
            deleted_at: deleted.deleted_at,
            until: deleted.until,
            vectors: deleted.vectors,
        }
    }
}

/// A vector that was deleted with `undo`.
#[derive(Serialize, JsonSchema)]
pub struct DeletedVector {
    pub id: Id,
    /// Absent if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Map<String, Value>>")]
    pub metadata: Option<Box<RawValue>>,
    /// Names what the call has deleted that deleted this.
    pub token: String,
    /// When it was deleted, in milliseconds since 1970.
    pub deleted_at: i64,
    /// Until when it can be undeleted, in milliseconds since 1970.
    pub until: i64,
}

/// What can be undeleted.
#[derive(Serialize, JsonSchema)]
pub struct DeletedReport {
    /// Collections that were deleted themselves, in the order in which they were.
    pub collections: Vec<DeletedCollection>,
    /// Vectors of the collection, in the order in which they were deleted.
    pub vectors: Vec<DeletedVector>,
    /// How many vectors of the collection there are in all.
    pub total: usize,
}

impl DeletedReport {
    pub fn of(list: DeletedList) -> Result<Self, Error> {
        let vectors = list.vectors.into_iter().map(|deleted| {
            let raw = |text: Wiped<str>| RawValue::from_string(text.into_inner().into());
            let metadata = deleted.metadata.map(raw).transpose();
            Ok(DeletedVector {
                id: deleted.id,
                metadata: metadata.map_err(|_| Error::Internal("metadata are no JSON".into()))?,
                token: deleted.token,
                deleted_at: deleted.deleted_at,
                until: deleted.until,
            })
        });
        Ok(Self {
            vectors: vectors.collect::<Result<_, Error>>()?,
            collections: list
                .collections
                .iter()
                .map(DeletedCollection::from)
                .collect(),
            total: list.total,
        })
    }
}

/// What became of an id that was to be undeleted or purged.
#[derive(Serialize, JsonSchema)]
pub struct UndoResult {
    pub id: Id,
    /// `not_found` if nothing waits with this id, `id_in_use` if the collection has another vector
    /// with it, which is not overwritten, `repeated` if the request had named it already.
    #[schemars(extend("enum" = ["undeleted", "purged", "not_found", "id_in_use", "repeated"]))]
    pub status: &'static str,
}

/// What was brought back.
#[derive(Serialize, JsonSchema)]
pub struct UndeleteReport {
    pub collection: String,
    /// How many vectors were brought back: all of the collection, if that was deleted itself.
    pub undeleted: usize,
    /// For each id. Empty if the collection itself was brought back.
    pub results: Vec<UndoResult>,
}

impl UndeleteReport {
    pub fn of(collection: &str, undeleted: Undeleted) -> Result<Self, Error> {
        let transferred = match undeleted {
            Undeleted::Vectors(transferred) => *transferred,
            Undeleted::Collection(found) => {
                return Ok(Self {
                    collection: collection.to_owned(),
                    undeleted: found.count(Access::Wait, None)?,
                    results: Vec::new(),
                });
            }
        };
        let results = transferred.results.into_iter();
        let results = results.map(|(id, fate)| UndoResult {
            id,
            status: match fate {
                Fate::Done | Fate::Kept => "undeleted",
                Fate::Missing => "not_found",
                Fate::Taken => "id_in_use",
                Fate::Repeated(_) => "repeated",
            },
        });
        let results: Vec<_> = results.collect();
        let undeleted = results.iter().filter(|one| one.status == "undeleted");
        Ok(Self {
            collection: collection.to_owned(),
            undeleted: undeleted.count(),
            results,
        })
    }
}

/// What was erased before its time was over.
#[derive(Serialize, JsonSchema)]
pub struct PurgeReport {
    pub collection: String,
    /// How many vectors were erased.
    pub purged: usize,
    /// For each id that was given.
    pub results: Vec<UndoResult>,
    /// Present if it was requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
}

impl PurgeReport {
    /// The report on what was purged by these ids, if ids were given.
    pub fn of(collection: &str, ids: Option<Vec<String>>, purged: Purged, asked: Asked) -> Self {
        let Purged {
            vectors,
            outcomes,
            receipt,
        } = purged;
        let results = ids.unwrap_or_default().into_iter().zip(outcomes);
        let results = results.map(|(id, outcome)| UndoResult {
            id: Id::from(&*id),
            status: match outcome {
                Outcome::Deleted | Outcome::Kept => "purged",
                Outcome::Missing => "not_found",
                Outcome::Repeated(_) => "repeated",
            },
        });
        Self {
            collection: collection.to_owned(),
            purged: vectors,
            results: results.collect(),
            receipt: receipt.map(|receipt| Receipt::of(collection, &receipt, asked)),
        }
    }
}

/// The result of a delete by filter or of its dry run, without its rows.
#[derive(Serialize, JsonSchema)]
pub struct FilterDeleted {
    /// How many live vectors were checked.
    pub scanned: usize,
    pub matched: usize,
    pub deleted: usize,
    /// The fields of the filter that none of the checked vectors had. Absent if there are none.
    #[serde(rename = "unknownFields", skip_serializing_if = "Vec::is_empty")]
    pub unknown_fields: Vec<String>,
    /// Present if it was requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
    /// Present if something was deleted with `undo`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undo: Option<Undo>,
}

impl FilterDeleted {
    pub fn of(collection: &str, deletion: &FilterDeletion, dry_run: bool, filter: &str) -> Self {
        let matched = deletion.matched.len();
        let receipt = deletion.receipt.as_ref();
        Self {
            scanned: deletion.scanned,
            matched,
            deleted: match dry_run || deletion.refusal.is_some() {
                true => 0,
                false => matched,
            },
            unknown_fields: deletion.unknown.clone(),
            receipt: receipt.map(|receipt| Receipt::of(collection, receipt, Asked::filter(filter))),
            undo: deletion.undo.as_ref().map(Undo::from),
        }
    }
}

/// The result of a replacement or of its dry run, without the ids.
#[derive(Serialize, JsonSchema)]
pub struct ReplacedCounts {
    /// Whether it was done. If not, the rest says what would have been done.
    pub applied: bool,
    /// How many rows were not there.
    pub inserted: usize,
    /// How many rows were there with another text, other metadata or another vector.
    pub updated: usize,
    /// How many rows were there as they are. They are not written.
    pub unchanged: usize,
    /// How many vectors matched and had no row.
    pub deleted: usize,
    /// Present if it was requested. It covers the deleted vectors, and what the updated ones were
    /// before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
    /// Present if something was deleted with `undo`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undo: Option<Undo>,
}

impl ReplacedCounts {
    pub fn of(collection: &str, replaced: &Replaced, filter: &str) -> Self {
        let receipt = replaced.receipt.as_ref();
        Self {
            applied: replaced.applied,
            inserted: replaced.inserted.len(),
            updated: replaced.updated.len(),
            unchanged: replaced.unchanged,
            deleted: replaced.deleted.len(),
            receipt: receipt.map(|receipt| Receipt::of(collection, receipt, Asked::filter(filter))),
            undo: replaced.undo.as_ref().map(Undo::from),
        }
    }
}

/// The result of a patch or of its dry run, without its rows.
#[derive(Serialize, JsonSchema)]
pub struct PatchedCounts {
    /// Whether it was done. If not, the rest says what would have been done.
    pub applied: bool,
    /// How many live vectors were checked.
    pub scanned: usize,
    pub matched: usize,
    /// How many of those that match had other metadata.
    pub updated: usize,
    /// How many of them had the metadata already. They are not written.
    pub unchanged: usize,
    /// The fields of the filter that none of the checked vectors had. Absent if there are none.
    #[serde(rename = "unknownFields", skip_serializing_if = "Vec::is_empty")]
    pub unknown_fields: Vec<String>,
}

impl PatchedCounts {
    pub fn of(patched: &Patched) -> Self {
        let matched = patched.matched.len();
        let changes = patched.matched.iter().filter(|&&(_, changes)| changes);
        let updated = changes.count();
        Self {
            applied: patched.applied,
            scanned: patched.scanned,
            matched,
            updated,
            unchanged: matched - updated,
            unknown_fields: patched.unknown.clone(),
        }
    }
}

/// The result of updating many vectors, without its rows.
#[derive(Serialize, JsonSchema)]
pub struct BatchUpdated {
    /// Whether none failed.
    pub success: bool,
    pub collection: String,
    /// Always `batch_update_vectors`.
    #[schemars(extend("enum" = ["batch_update_vectors"]))]
    pub operation: &'static str,
    /// How many updates the request contained.
    pub total_operations: usize,
    pub successful_operations: usize,
    pub failed_operations: usize,
    pub duration_ms: f64,
    /// Why each of those that failed did.
    pub errors: Vec<String>,
}

impl BatchUpdated {
    /// `found` says of each of these ids whether its vector was there.
    pub fn of(collection: &str, ids: &[String], found: &[bool], begun: Instant) -> Self {
        let missing = ids.iter().zip(found).filter(|&(_, &found)| !found);
        let errors: Vec<String> = missing
            .map(|(id, _)| {
                let error = Error::VectorNotFound {
                    collection: collection.to_owned(),
                    id: id.clone(),
                };
                error.to_string()
            })
            .collect();
        Self {
            success: errors.is_empty(),
            collection: collection.to_owned(),
            operation: "batch_update_vectors",
            total_operations: ids.len(),
            successful_operations: ids.len() - errors.len(),
            failed_operations: errors.len(),
            duration_ms: begun.elapsed().as_secs_f64() * 1e3,
            errors,
        }
    }

    /// What became of the update of a vector, as far as it failed.
    pub fn error(found: bool) -> Option<String> {
        match found {
            true => None,
            false => Outcome::Missing.error(),
        }
    }
}

/// How many vectors of a move or copy are not part of it.
fn failed(transferred: &Transferred) -> usize {
    let failed = |fate| !matches!(fate, Fate::Done | Fate::Kept);
    let results = transferred.results.iter();
    results.filter(|&&(_, fate)| failed(fate)).count()
}

/// How many were moved or copied.
fn done(transferred: &Transferred) -> usize {
    match transferred.applied {
        true => transferred.results.len() - failed(transferred),
        false => 0,
    }
}

/// The result of a move or of its dry run, without its rows.
#[derive(Serialize, JsonSchema)]
pub struct MovedCounts {
    /// The collection that the vectors were in.
    pub src: String,
    /// The collection that they are in now.
    pub dst: String,
    /// How many vectors the request was about.
    pub requested: usize,
    /// 0 if it was not done.
    pub moved: usize,
    /// How many vectors have another status than `ok`.
    pub failed: usize,
    /// Whether it was done. If not, the rows say what would have been done.
    pub applied: bool,
    /// Present if it was requested. It covers what was erased in the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
}

impl MovedCounts {
    pub fn of(src: &str, dst: &str, transferred: &Transferred, asked: Asked) -> Self {
        let receipt = transferred.receipt.as_ref();
        Self {
            src: src.to_owned(),
            dst: dst.to_owned(),
            requested: transferred.results.len(),
            moved: done(transferred),
            failed: failed(transferred),
            applied: transferred.applied,
            receipt: receipt.map(|receipt| Receipt::of(src, receipt, asked)),
        }
    }
}

/// The result of a copy or of its dry run, without its rows.
#[derive(Serialize, JsonSchema)]
pub struct CopiedCounts {
    /// The collection with the vectors.
    pub src: String,
    /// The collection that now has them too.
    pub dst: String,
    /// How many vectors the request was about.
    pub requested: usize,
    /// 0 if it was not done.
    pub copied: usize,
    /// How many vectors have another status than `ok`.
    pub failed: usize,
    /// Whether it was done. If not, the rows say what would have been done.
    pub applied: bool,
}

impl CopiedCounts {
    pub fn of(src: &str, dst: &str, transferred: &Transferred) -> Self {
        Self {
            src: src.to_owned(),
            dst: dst.to_owned(),
            requested: transferred.results.len(),
            copied: done(transferred),
            failed: failed(transferred),
            applied: transferred.applied,
        }
    }
}

/// The status of a vector in the report of a move or copy, and the error if there is one.
pub fn transfer_status(fate: Fate) -> (&'static str, Option<String>) {
    const TAKEN: &str = "the destination has a vector with this id";
    match fate {
        Fate::Done | Fate::Kept => ("ok", None),
        Fate::Missing => ("missing_in_src", None),
        Fate::Taken => ("dst_insert_failed", Some(TAKEN.into())),
        Fate::Repeated(first) => ("dst_insert_failed", Outcome::Repeated(first).error()),
    }
}

/// A proof of what was erased in several collections and when, which does not contain the erased
/// data.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForgetReceipt {
    /// The call that erased it.
    #[schemars(extend("enum" = ["forget"]))]
    pub call: &'static str,
    /// The collections in which there was something to delete, sorted by name.
    pub collections: Vec<ErasedIn>,
    /// How many vectors were deleted.
    pub deleted: usize,
    /// The size in bytes of their rows, ids, metadata and texts.
    pub bytes_erased: u64,
    /// How many ids the call named. Absent if it did not go by ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested: Option<usize>,
    /// The filter as it was given, which is stored nowhere. Absent if the call did not go by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Map<String, Value>")]
    pub filter: Option<Box<RawValue>>,
    /// Why, as it was given. Absent if it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When the last byte was overwritten (on disk, the last byte of a key) and synced; RFC 3339,
    /// UTC.
    pub completed_at: String,
    /// Whether the deletes are on disk, so that no power failure can bring any of it back. False in
    /// memory.
    pub durable: bool,
    /// SHA-256, in hexadecimal, of the JSON text `[[collection,logSequence,[id,…]],…]` without
    /// whitespace, in the order of `collections`, the deleted ids of each being sorted by their
    /// UTF-8 bytes.
    pub digest: String,
    /// The random id of the store whose ledger has an entry of it, a UUID. Absent without a ledger,
    /// and if nothing was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// That entry: exactly the text of its line in the ledger, without the line feed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// The same in plain English, one line for each fact, to be filed.
    pub text: String,
}

/// What was erased in one of the collections.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErasedIn {
    pub collection: String,
    /// How many vectors were deleted.
    pub deleted: usize,
    /// The sequence number of this delete among the collection's writes.
    pub log_sequence: u64,
}

impl ForgetReceipt {
    pub fn of(receipt: &client::ForgetReceipt, asked: Asked) -> Self {
        const CALL: &str = "forget";
        let completed_at = timestamp(receipt.completed_at);
        let text = Told {
            call: CALL,
            erased: ErasedFrom::Several(&receipt.collections),
            deleted: receipt.deleted,
            bytes: receipt.bytes_erased,
            asked: &asked,
            reason: receipt.reason.as_deref(),
            completed_at: &completed_at,
            durable: receipt.durable,
            digest: &receipt.digest,
            entry: receipt.entry.as_ref(),
        };
        let collections = receipt.collections.iter();
        Self {
            text: text.text(),
            call: CALL,
            collections: collections
                .map(|&(ref collection, deleted, log_sequence)| ErasedIn {
                    collection: collection.clone(),
                    deleted,
                    log_sequence,
                })
                .collect(),
            deleted: receipt.deleted,
            bytes_erased: receipt.bytes_erased,
            requested: asked.requested,
            filter: asked.filter,
            reason: receipt.reason.clone(),
            completed_at,
            durable: receipt.durable,
            digest: receipt.digest.clone(),
            store: store(receipt.entry.as_ref()),
            entry: line(receipt.entry.as_ref()),
        }
    }
}

/// The result of forgetting or of its dry run, without the collections.
#[derive(Serialize, JsonSchema)]
pub struct ForgottenCounts {
    /// Whether it was done. If not, the rest says what would have been done.
    pub applied: bool,
    /// How many vectors matched in all the collections.
    pub matched: usize,
    /// 0 if it was not done.
    pub deleted: usize,
    /// Present if it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<ForgetReceipt>,
}

impl ForgottenCounts {
    pub fn of(forgotten: &Forgotten, asked: Asked) -> Self {
        let matched = forgotten.collections.iter();
        let matched = matched.map(|within| within.matched.len()).sum();
        let receipt = forgotten.receipt.as_ref();
        Self {
            applied: forgotten.applied,
            matched,
            deleted: match forgotten.applied {
                true => matched,
                false => 0,
            },
            receipt: receipt.map(|receipt| ForgetReceipt::of(receipt, asked)),
        }
    }
}

/// What was, or would be, forgotten in one of the collections, without the ids.
#[derive(Serialize, JsonSchema)]
pub struct ForgottenCountsIn {
    pub collection: String,
    /// How many live vectors were checked.
    pub scanned: usize,
    pub matched: usize,
    /// The fields of the filter that none of the checked vectors had. Absent if there are none.
    #[serde(rename = "unknownFields", skip_serializing_if = "Vec::is_empty")]
    pub unknown_fields: Vec<String>,
    /// Whether these had been deleted with `undo` already, they or their collection, and could have
    /// been undeleted. Absent if not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub undoable: bool,
}

impl ForgottenCountsIn {
    pub fn of(within: &ForgottenIn) -> Self {
        Self {
            collection: within.collection.clone(),
            scanned: within.scanned,
            matched: within.matched.len(),
            unknown_fields: within.unknown.clone(),
            undoable: within.undoable,
        }
    }
}

/// A collection has another name.
#[derive(Serialize, JsonSchema)]
pub struct Renamed {
    old_name: String,
    new_name: String,
    /// `unchanged` if this was its name.
    #[schemars(extend("enum" = ["renamed", "unchanged"]))]
    status: &'static str,
}

impl Renamed {
    pub fn new(old_name: &str, new_name: &str) -> Self {
        Self {
            old_name: old_name.to_owned(),
            new_name: new_name.to_owned(),
            status: match old_name == new_name {
                true => "unchanged",
                false => "renamed",
            },
        }
    }
}

/// The parameters that a graph is built and searched with.
#[derive(Serialize, JsonSchema)]
pub struct ReindexParams {
    /// Neighbours of a node on the upper layers; the bottom layer has twice as many.
    pub m: usize,
    /// Size of the candidate list when a node is inserted.
    pub ef_construction: usize,
    /// Size of the candidate list in a search.
    pub ef_search: usize,
}

/// A collection's graph is being built anew.
#[derive(Serialize, JsonSchema)]
pub struct ReindexJob {
    pub job_id: String,
    pub collection: String,
    /// `completed` if there was nothing to build.
    #[schemars(extend("enum" = ["running", "completed"]))]
    pub state: &'static str,
    /// From 0 to 1.
    #[schemars(range(min = 0, max = 1))]
    pub progress: f64,
    pub params: ReindexParams,
}

impl ReindexJob {
    pub fn of(collection: &str, reindexing: &Reindexing) -> Self {
        let (state, progress) = match reindexing.is_complete {
            true => ("completed", 1.0),
            false => ("running", 0.0),
        };
        let params = reindexing.params;
        Self {
            job_id: reindexing.job_id.clone(),
            collection: collection.to_owned(),
            state,
            progress,
            params: ReindexParams {
                m: params.m,
                ef_construction: params.ef_construction,
                ef_search: params.ef_search,
            },
        }
    }
}

/// The collections without a vector have been deleted or, in a dry run, found.
#[derive(Serialize, JsonSchema)]
pub struct Cleanup {
    /// Their names, sorted.
    pub collections: Vec<String>,
    /// Whether they have been deleted.
    pub applied: bool,
}

impl Cleanup {
    pub fn new(collections: Vec<String>, dry_run: bool) -> Self {
        Self {
            collections,
            applied: !dry_run,
        }
    }
}

/// What a call about many vectors goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selector {
    Ids,
    Filter,
    /// The vectors that a filter matches, except those that rows replace.
    Rows,
    /// The vectors whose metadata a patch is for.
    Patched,
    /// The vectors that can be moved, or copied.
    Moved,
    Copied,
    /// The vectors of all the collections together.
    Forgotten,
}

/// What an API calls the guards of a call.
#[derive(Debug, Clone, Copy)]
pub struct GuardNames {
    /// The argument that they belong to.
    pub of: &'static str,
    pub at_most: &'static str,
    pub expect: &'static str,
}

/// The message about a call that did not meet its guards.
pub fn refusal_message(refusal: Refusal, selector: Selector, names: GuardNames) -> String {
    let (found, which, done, what) = match selector {
        Selector::Ids => ("the ids are those of", "", "deleted", "ids"),
        Selector::Filter => ("the filter matches", "", "deleted", "filter"),
        Selector::Rows => {
            let which = " without a row";
            ("the filter matches", which, "changed", "filter or the rows")
        }
        Selector::Patched => ("the filter matches", "", "changed", "filter"),
        Selector::Moved => ("the selection has", " to move", "moved", "selection"),
        Selector::Copied => ("the selection has", " to copy", "copied", "selection"),
        Selector::Forgotten => {
            let which = " in all the collections";
            ("the selection has", which, "deleted", "selection")
        }
    };
    let (name, bound, change) = match refusal.guard {
        Guard::AtMost(most) => (names.at_most, most, "raise"),
        Guard::Expect(expected) => (names.expect, expected, "change"),
    };
    let vectors = match refusal.count {
        1 => "vector",
        _ => "vectors",
    };
    format!(
        "{found} {} {vectors}{which}, and {}.{name} is {bound}: nothing was {done}; see the \
         error's report, and correct the {what} or {change} {name}",
        refusal.count, names.of
    )
}

/// The result of a backup or of a key export.
#[derive(Serialize, JsonSchema)]
pub struct BackupReport {
    /// The file.
    pub file: String,
    /// The file with the backup's keys, if they are apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys: Option<String>,
    pub collections: u64,
    pub vectors: u64,
    /// The size of the file, in bytes.
    pub bytes: u64,
    /// Unfinished backups of processes that have ended, which have been removed.
    pub leftovers: Vec<String>,
}

impl BackupReport {
    /// `show` converts a path to what the caller sees of it.
    pub fn of(backup: &Restored, keys: Option<&Path>, show: fn(&Path) -> String) -> Self {
        Self {
            file: show(&backup.path),
            keys: keys.map(show),
            collections: backup.collections,
            vectors: backup.vectors,
            bytes: backup.bytes,
            leftovers: backup.leftovers.iter().map(|path| show(path)).collect(),
        }
    }
}

/// The result of restoring a backup.
#[derive(Serialize)]
pub struct RestoreReport {
    path: String,
    /// How many vectors of the backup have been deleted since, if its keys are apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    erased: Option<u64>,
    /// How many vectors were left out because a ledger says that they were erased after the backup.
    /// Absent without a ledger.
    #[serde(rename = "leftOut", skip_serializing_if = "Option::is_none")]
    left_out: Option<u64>,
    collections: u64,
    vectors: u64,
    bytes: u64,
}

impl RestoreReport {
    pub fn of(restored: &Restored) -> Self {
        Self {
            path: restored.path.display().to_string(),
            erased: restored.erased,
            left_out: restored.left_out,
            collections: restored.collections,
            vectors: restored.vectors,
            bytes: restored.bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_was_found_which_guard_it_does_not_meet_and_what_to_do() {
        let names = GuardNames {
            of: "options",
            at_most: "atMost",
            expect: "expect",
        };
        let message = |count, guard, selector| {
            let refusal = Refusal { count, guard };
            refusal_message(refusal, selector, names)
        };
        assert_eq!(
            message(1200, Guard::AtMost(100), Selector::Filter),
            "the filter matches 1200 vectors, and options.atMost is 100: nothing was deleted; see \
             the error's report, and correct the filter or raise atMost"
        );
        assert_eq!(
            message(1, Guard::Expect(2), Selector::Ids),
            "the ids are those of 1 vector, and options.expect is 2: nothing was deleted; see the \
             error's report, and correct the ids or change expect"
        );
        assert_eq!(
            message(3, Guard::AtMost(2), Selector::Rows),
            "the filter matches 3 vectors without a row, and options.atMost is 2: nothing was \
             changed; see the error's report, and correct the filter or the rows or raise atMost"
        );
        assert_eq!(
            message(3, Guard::AtMost(2), Selector::Patched),
            "the filter matches 3 vectors, and options.atMost is 2: nothing was changed; see the \
             error's report, and correct the filter or raise atMost"
        );
        assert_eq!(
            message(1, Guard::Expect(2), Selector::Moved),
            "the selection has 1 vector to move, and options.expect is 2: nothing was moved; see \
             the error's report, and correct the selection or change expect"
        );
        assert_eq!(
            message(3, Guard::AtMost(2), Selector::Copied),
            "the selection has 3 vectors to copy, and options.atMost is 2: nothing was copied; see \
             the error's report, and correct the selection or raise atMost"
        );
        assert_eq!(
            message(3, Guard::AtMost(2), Selector::Forgotten),
            "the selection has 3 vectors in all the collections, and options.atMost is 2: nothing \
             was deleted; see the error's report, and correct the selection or raise atMost"
        );
    }

    fn receipt(call: &'static str, reason: Option<&str>) -> collection::Receipt {
        collection::Receipt {
            call,
            reason: reason.map(str::to_owned),
            entry: None,
            deleted: 3,
            bytes_erased: 1_234_567,
            log_sequence: 7,
            completed_at: OffsetDateTime::UNIX_EPOCH,
            durable: false,
            digest: "d1".into(),
        }
    }

    fn entry() -> LedgerEntry {
        LedgerEntry {
            store: "s1".into(),
            entry: 12,
            line: r#"{"entry":12}"#.into(),
        }
    }

    #[test]
    fn the_text_of_a_receipt_says_what_the_receipt_says_in_a_line_for_each_fact() {
        let of = collection::Receipt {
            durable: true,
            entry: Some(entry()),
            ..receipt("deleteByFilter", Some("request of 31 January"))
        };
        let filter = "{ \"user\" : \"u 1\",\n\t\"n\": [1.10, 2] }";
        assert_eq!(
            Receipt::of("docs", &of, Asked::filter(filter)).text,
            "Receipt for an erasure\n\
             \n\
             Collection: docs\n\
             Call: deleteByFilter\n\
             Filter: {\"user\":\"u 1\",\"n\":[1.10,2]}\n\
             Vectors erased: 3 (1,234,567 bytes)\n\
             Reason: request of 31 January\n\
             Completed: 1970-01-01T00:00:00Z\n\
             Durable: yes, on disk, synced\n\
             Sequence: 7\n\
             Digest of the ids (SHA-256): d1\n\
             Ledger of store: s1, entry 12\n"
        );
        let of = collection::Receipt {
            deleted: 1,
            bytes_erased: 1,
            ..receipt("moveToCollection", None)
        };
        assert_eq!(
            Receipt::of("docs", &of, Asked::ids(1)).text,
            "Receipt for an erasure\n\
             \n\
             Collection: docs\n\
             Call: moveToCollection\n\
             Requested: 1 id\n\
             Vectors erased: 1 (1 byte), moved to another collection\n\
             Completed: 1970-01-01T00:00:00Z\n\
             Durable: no, the store is in memory\n\
             Sequence: 7\n\
             Digest of the ids (SHA-256): d1\n"
        );
    }

    fn forgotten(collections: Vec<(String, usize, u64)>) -> client::ForgetReceipt {
        client::ForgetReceipt {
            deleted: 1003,
            bytes_erased: 52,
            collections,
            reason: None,
            entry: Some(entry()),
            completed_at: OffsetDateTime::UNIX_EPOCH,
            durable: true,
            digest: "d2".into(),
        }
    }

    #[test]
    fn the_text_about_several_collections_names_the_first_of_them() {
        let of = forgotten(vec![("a: b".into(), 1, 5), ("c\n".into(), 1002, 9)]);
        let text = ForgetReceipt::of(&of, Asked::ids(1200)).text;
        assert_eq!(
            text,
            "Receipt for an erasure\n\
             \n\
             Call: forget\n\
             Requested: 1,200 ids\n\
             Vectors erased: 1,003 (52 bytes)\n\
             Collections: 2\n  1 vector, sequence 5: a: b\n  1,002 vectors, sequence 9: \"c\\n\"\n\
             Completed: 1970-01-01T00:00:00Z\n\
             Durable: yes, on disk, synced\n\
             Digest of the ids (SHA-256): d2\n\
             Ledger of store: s1, entry 12\n"
        );
        let many = |count: usize| {
            let all = (0..count).map(|at| (format!("c{at}"), 1, 1)).collect();
            ForgetReceipt::of(&forgotten(all), Asked::default()).text
        };
        assert!(many(20).contains("\n  1 vector, sequence 1: c19\nCompleted"));
        assert!(many(21).contains("\n  1 vector, sequence 1: c19\n  and 1 more collection\n"));
        assert!(many(1030).contains("Collections: 1,030\n"));
        assert!(many(1030).contains("\n  and 1,010 more collections\n"));
    }

    /// The texts of receipts in which everything that a caller chooses is this.
    fn texts(chosen: &str) -> [String; 2] {
        let filter = serde_json::json!({ chosen: chosen }).to_string();
        let of = receipt("deleteByFilter", Some(chosen));
        let one = Receipt::of(chosen, &of, Asked::filter(&filter));
        let mut of = forgotten(vec![(chosen.into(), 1, 1)]);
        of.reason = Some(chosen.into());
        let several = ForgetReceipt::of(&of, Asked::filter(&filter));
        [one.text, several.text]
    }

    /// The beginnings of the lines, up to what a caller may have chosen.
    fn labels(text: &str) -> Vec<&str> {
        let label = |line: &'_ str| line.find(": ").map_or(line.len(), |at| at + 2);
        text.split('\n').map(|line| &line[..label(line)]).collect()
    }

    fn check_text(chosen: &str) {
        for (text, expected) in texts(chosen).iter().zip(texts("harmless")) {
            assert_eq!(labels(text), labels(&expected), "{chosen:?}");
            let mut lines = text.split('\n');
            assert!(lines.all(|line| line.trim_end() == line), "{text:?}");
            let shown = text.replace('\n', "");
            assert!(!shown.contains(is_deceptive), "{text:?}");
        }
    }

    #[test]
    fn nothing_that_a_caller_chooses_is_taken_for_a_line_of_the_text() {
        for chosen in [
            "a\nDurable: yes, on disk, synced",
            "a\r\nDurable: yes",
            "a\u{2028}Durable: yes",
            "a\u{2029}\u{85}\u{b}\u{c}Durable: yes",
            "a\u{202e}sey :elbaruD",
            "\u{2066}a\u{2069}\u{feff}\u{200b}\u{ad}",
            " a ",
            "a\u{3000}",
            "\"a\"",
            "\"",
            "\\",
            "\\n",
            "\0\u{1b}[2J",
            "",
        ] {
            check_text(chosen);
        }
        proptest::proptest!(|(chosen in "(?s).{0,40}")| check_text(&chosen));
    }

    #[test]
    fn different_reasons_are_different_in_the_text() {
        assert_eq!(plain("a \"b\" \\ c"), "a \"b\" \\ c");
        assert_eq!(plain("a\nb"), r#""a\nb""#);
        assert_eq!(plain(r#""a\nb""#), r#""\"a\\nb\"""#);
        assert_eq!(plain("a\\nb"), "a\\nb");
        assert_eq!(plain("\u{2028}\u{7f}\t"), r#""\u2028\u007f\t""#);
        assert_eq!(plain(""), r#""""#);
        proptest::proptest!(|(text in "(?s).{0,40}")| {
            let shown = plain(&text);
            let read = match shown.starts_with('"') {
                true => serde_json::from_str::<String>(&shown).unwrap(),
                false => shown.to_string(),
            };
            assert_eq!(read, text);
        });
    }

    #[test]
    fn a_filter_in_the_text_is_the_same_filter_and_a_long_one_is_cut_off() {
        for (filter, shown) in [
            ("{ \"a b\" : [ 1 , true ] }", r#"{"a b":[1,true]}"#),
            (r#"{"\" a": "\\" , "b": 1}"#, r#"{"\" a":"\\","b":1}"#),
            ("{\"a\u{2028}\":\"\u{7f}\"}", r#"{"a\u2028":"\u007f"}"#),
        ] {
            assert_eq!(compact(filter), shown);
            let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
            assert_eq!(read(filter), read(shown));
        }
        let filter = |length: usize| format!("{{\"a\":\"{}\"}}", "é".repeat(length - 8));
        assert_eq!(compact(&filter(1000)), filter(1000));
        let cut = compact(&filter(1001));
        assert_eq!(cut.chars().count(), 1001);
        assert!(cut.ends_with("é\"…"), "{cut}");
        assert!(compact(&filter(100_000)).ends_with("é…"));
    }

    #[test]
    fn the_members_of_a_receipt_have_an_order_and_a_filter_is_as_it_was_given() {
        let of = collection::Receipt {
            entry: Some(entry()),
            ..receipt("deleteByFilter", Some("r"))
        };
        let filter = "{\"b\": 1.10, \"a\": 123456789012345678901234567890}";
        let one = serde_json::to_string(&Receipt::of("docs", &of, Asked::filter(filter))).unwrap();
        let expected = format!(
            r#"{{"call":"deleteByFilter","collection":"docs","deleted":3,"bytesErased":1234567,"filter":{filter},"reason":"r","logSequence":7,"completedAt":"1970-01-01T00:00:00Z","durable":false,"digest":"d1","store":"s1","entry":"{{\"entry\":12}}","text":"#
        );
        assert!(one.starts_with(&expected), "{one}");
        let of = forgotten(vec![("docs".into(), 1, 5)]);
        let several = serde_json::to_string(&ForgetReceipt::of(&of, Asked::ids(2))).unwrap();
        let expected = r#"{"call":"forget","collections":[{"collection":"docs","deleted":1,"logSequence":5}],"deleted":1003,"bytesErased":52,"requested":2,"completedAt":"1970-01-01T00:00:00Z","durable":true,"digest":"d2","store":"s1","entry":"{\"entry\":12}","text":"#;
        assert!(several.starts_with(expected), "{several}");
        let of = receipt("deleteCollection", None);
        let none = serde_json::to_value(Receipt::of("docs", &of, Asked::default())).unwrap();
        for member in ["requested", "filter", "reason", "store", "entry"] {
            assert!(none.get(member).is_none(), "{member}");
        }
    }
}
