//! Reports, or parts of them, that are the same in both APIs.

use std::{path::Path, time::Instant};

use schemars::JsonSchema;
use serde::Serialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    client::{self, Fate, Forgotten, ForgottenIn, Reindexing, Transferred},
    collection::{
        self, BatchDeletion, Collection, FilterDeletion, Guard, Info, Outcome, Patched, Refusal,
        Replaced,
    },
    error::Error,
    graph::GraphBuilder,
    storage::Restored,
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

/// A proof of what was erased and when, which does not contain the erased data.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    pub collection: String,
    /// How many vectors were deleted.
    pub deleted: usize,
    /// The size in bytes of their rows, ids, metadata and texts.
    pub bytes_erased: u64,
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
}

impl Receipt {
    pub fn of(collection: &str, receipt: &collection::Receipt) -> Self {
        Self {
            collection: collection.to_owned(),
            deleted: receipt.deleted,
            bytes_erased: receipt.bytes_erased,
            log_sequence: receipt.log_sequence,
            completed_at: timestamp(receipt.completed_at),
            durable: receipt.durable,
            digest: receipt.digest.clone(),
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
            receipt: receipt.map(|receipt| Receipt::of(collection, receipt)),
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
}

impl FilterDeleted {
    pub fn of(collection: &str, deletion: &FilterDeletion, dry_run: bool) -> Self {
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
            receipt: receipt.map(|receipt| Receipt::of(collection, receipt)),
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
}

impl ReplacedCounts {
    pub fn of(collection: &str, replaced: &Replaced) -> Self {
        let receipt = replaced.receipt.as_ref();
        Self {
            applied: replaced.applied,
            inserted: replaced.inserted.len(),
            updated: replaced.updated.len(),
            unchanged: replaced.unchanged,
            deleted: replaced.deleted.len(),
            receipt: receipt.map(|receipt| Receipt::of(collection, receipt)),
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
    pub fn of(src: &str, dst: &str, transferred: &Transferred) -> Self {
        let receipt = transferred.receipt.as_ref();
        Self {
            src: src.to_owned(),
            dst: dst.to_owned(),
            requested: transferred.results.len(),
            moved: done(transferred),
            failed: failed(transferred),
            applied: transferred.applied,
            receipt: receipt.map(|receipt| Receipt::of(src, receipt)),
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
    /// How many vectors were deleted.
    pub deleted: usize,
    /// The size in bytes of their rows, ids, metadata and texts.
    pub bytes_erased: u64,
    /// The collections in which there was something to delete, sorted by name.
    pub collections: Vec<ErasedIn>,
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
    pub fn of(receipt: &client::ForgetReceipt) -> Self {
        let collections = receipt.collections.iter();
        Self {
            deleted: receipt.deleted,
            bytes_erased: receipt.bytes_erased,
            collections: collections
                .map(|&(ref collection, deleted, log_sequence)| ErasedIn {
                    collection: collection.clone(),
                    deleted,
                    log_sequence,
                })
                .collect(),
            reason: receipt.reason.clone(),
            completed_at: timestamp(receipt.completed_at),
            durable: receipt.durable,
            digest: receipt.digest.clone(),
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
    pub fn of(forgotten: &Forgotten) -> Self {
        let matched = forgotten.collections.iter();
        let matched = matched.map(|within| within.matched.len()).sum();
        Self {
            applied: forgotten.applied,
            matched,
            deleted: match forgotten.applied {
                true => matched,
                false => 0,
            },
            receipt: forgotten.receipt.as_ref().map(ForgetReceipt::of),
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
}

impl ForgottenCountsIn {
    pub fn of(within: &ForgottenIn) -> Self {
        Self {
            collection: within.collection.clone(),
            scanned: within.scanned,
            matched: within.matched.len(),
            unknown_fields: within.unknown.clone(),
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
    collections: u64,
    vectors: u64,
    bytes: u64,
}

impl RestoreReport {
    pub fn of(restored: &Restored) -> Self {
        Self {
            path: restored.path.display().to_string(),
            erased: restored.erased,
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
}
