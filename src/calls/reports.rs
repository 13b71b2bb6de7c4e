//! Reports, or parts of them, that are the same in both APIs.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    collection::{
        self, BatchDeletion, Collection, FilterDeletion, Guard, Info, Outcome, Refusal, Replaced,
    },
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

/// What a delete of many vectors goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selector {
    Ids,
    Filter,
    /// The vectors that a filter matches, except those that rows replace.
    Rows,
}

/// What an API calls the guards of a delete.
#[derive(Debug, Clone, Copy)]
pub struct GuardNames {
    /// The argument that they belong to.
    pub of: &'static str,
    pub at_most: &'static str,
    pub expect: &'static str,
}

/// The message about a delete that did not meet its guards.
pub fn refusal_message(refusal: Refusal, selector: Selector, names: GuardNames) -> String {
    let (found, which, done, what) = match selector {
        Selector::Ids => ("the ids are those of", "", "deleted", "ids"),
        Selector::Filter => ("the filter matches", "", "deleted", "filter"),
        Selector::Rows => {
            let which = " without a row";
            ("the filter matches", which, "changed", "filter or the rows")
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
    }
}
