//! Reports, or the parts of them, that both faces give in the same words.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    collection::{self, BatchDeletion, Collection, FilterDeletion, Info, Outcome},
    graph::GraphBuilder,
    storage::Restored,
};

/// RFC 3339 to the millisecond, as JavaScript's dates are.
pub fn timestamp(time: OffsetDateTime) -> String {
    let millisecond = time.nanosecond() / 1_000_000 * 1_000_000;
    let time = time.replace_nanosecond(millisecond).unwrap_or(time);
    time.format(&Rfc3339).unwrap_or_default()
}

/// The parameters of a collection's graph.
#[derive(Serialize, JsonSchema)]
pub struct Hnsw {
    /// Neighbours of a node on the upper layers; twice as many on the bottom one.
    pub m: usize,
    /// Candidates weighed for a new node's neighbours.
    pub ef_construction: usize,
    /// Candidates that a search keeps.
    pub ef_search: usize,
    /// How to build a graph of many vectors from nothing.
    pub builder: GraphBuilder,
}

/// The state of a collection's index.
#[derive(Serialize, JsonSchema)]
pub struct Index {
    /// Live vectors in the graph.
    pub indexed: usize,
    /// Live vectors that searches scan.
    pub pending: usize,
    /// Deleted vectors whose place in the graph has not been given back yet.
    pub deleted: usize,
}

/// What a collection says of itself beside its name, dimension, metric and count.
#[derive(Serialize, JsonSchema)]
pub struct Details {
    /// The last write, RFC 3339, UTC.
    pub updated_at: String,
    /// Memory held by the collection, an estimate in bytes.
    pub size_bytes: usize,
    /// The bytes of the collection's files. Absent in memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_bytes: Option<u64>,
    pub hnsw: Hnsw,
    pub index: Index,
}

impl Details {
    pub fn of(collection: &Collection, info: &Info) -> Self {
        let hnsw = collection.config().hnsw;
        Self {
            updated_at: timestamp(info.updated_at),
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
        }
    }
}

/// What was erased, and when, without keeping what was erased.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    pub collection: String,
    /// How many vectors.
    pub deleted: usize,
    /// The bytes of their rows, ids, metadata and texts.
    pub bytes_erased: u64,
    /// Counts the collection's writes: the number of this delete.
    pub log_sequence: u64,
    /// When the last byte was overwritten, on disk that of a key, and synced; RFC 3339, UTC.
    pub completed_at: String,
    /// Whether it is on the disk, so that no loss of power brings anything of it back. False in
    /// memory.
    pub durable: bool,
    /// SHA-256, in hexadecimal, of the JSON text `[logSequence,[id,…]]` without blanks, the
    /// deleted ids in the order of their UTF-8 bytes.
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

/// What a batch delete did, in all.
#[derive(Serialize, JsonSchema)]
pub struct BatchDeleted {
    pub collection: String,
    /// How many ids were given.
    pub count: usize,
    pub deleted: usize,
    pub failed: usize,
    /// Where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
}

impl BatchDeleted {
    pub fn of(collection: &str, deletion: &BatchDeletion) -> Self {
        let count = deletion.outcomes.len();
        let outcomes = deletion.outcomes.iter();
        let deleted = outcomes.filter(|&&o| o == Outcome::Deleted).count();
        let receipt = deletion.receipt.as_ref();
        Self {
            collection: collection.to_owned(),
            count,
            deleted,
            failed: count - deleted,
            receipt: receipt.map(|receipt| Receipt::of(collection, receipt)),
        }
    }
}

/// What a delete by filter did, or, as a dry run, would do, in all.
#[derive(Serialize, JsonSchema)]
pub struct FilterDeleted {
    /// The live vectors that were considered.
    pub scanned: usize,
    pub matched: usize,
    pub deleted: usize,
    /// The fields of the filter that none of the considered vectors has, where there are some.
    #[serde(rename = "unknownFields", skip_serializing_if = "Vec::is_empty")]
    pub unknown_fields: Vec<String>,
    /// Where it was asked for.
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
            deleted: if dry_run { 0 } else { matched },
            unknown_fields: deletion.unknown.clone(),
            receipt: receipt.map(|receipt| Receipt::of(collection, receipt)),
        }
    }
}

/// A backup, or a file of keys.
#[derive(Serialize, JsonSchema)]
pub struct BackupReport {
    /// The file.
    pub file: String,
    /// The file with its keys, where they are apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys: Option<String>,
    pub collections: u64,
    pub vectors: u64,
    /// The size of the file.
    pub bytes: u64,
    /// Unfinished backups of processes that have ended, which were removed.
    pub leftovers: Vec<String>,
}

impl BackupReport {
    /// `show` is what a caller sees of a path.
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

/// A store that was made of a backup.
#[derive(Serialize)]
pub struct RestoreReport {
    path: String,
    /// How many vectors of the backup are deleted by now, where its keys are apart.
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
