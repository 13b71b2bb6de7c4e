//! The reports of deletes and of changes to many vectors. Those that were refused are part of
//! errors.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use super::document::metadata::{Metadata, stored_metadata};
use crate::{
    calls::reports::{
        Asked, BatchDeleted, CopiedCounts, FilterDeleted, ForgottenCounts, ForgottenCountsIn,
        MovedCounts, PatchedCounts, ReplacedCounts, transfer_status,
    },
    client::{Fate, Forgotten, Transferred},
    collection::{BatchDeletion, FilterDeletion, Item, Outcome, Patched, Replaced},
    error::Result,
    wiped::Id,
};

/// The outcome for one id of a batch delete.
#[derive(Serialize, JsonSchema)]
struct DeleteResult {
    id: String,
    /// Its index in the request.
    index: usize,
    /// `matched` only in an error of the code `TOO_MANY_MATCHES`: the vector exists, and was not
    /// deleted.
    #[schemars(extend("enum" = ["ok", "error", "matched"]))]
    status: &'static str,
    /// The reason, if the status is `error`.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// The result of a batch delete, with one row for each id in the order of the request.
#[derive(Serialize, JsonSchema)]
pub struct DeleteReport {
    #[serde(flatten)]
    all: BatchDeleted,
    results: Vec<DeleteResult>,
}

impl DeleteReport {
    /// The report on a delete of these ids.
    pub fn of(collection: &str, ids: &[String], deletion: &BatchDeletion) -> Self {
        let outcomes = ids.iter().zip(&deletion.outcomes).enumerate();
        let results = outcomes.map(|(index, (id, outcome))| DeleteResult {
            id: id.clone(),
            index,
            status: match outcome {
                Outcome::Deleted => "ok",
                Outcome::Kept => "matched",
                Outcome::Missing | Outcome::Repeated(_) => "error",
            },
            error: outcome.error(),
        });
        Self {
            all: BatchDeleted::of(collection, deletion),
            results: results.collect(),
        }
    }
}

#[derive(Serialize, JsonSchema)]
struct FilterResult {
    id: Id,
    #[schemars(extend("enum" = ["deleted", "matched"]))]
    status: &'static str,
}

/// A vector that a dry run shows.
#[derive(Serialize, JsonSchema)]
struct ShownVector {
    id: Id,
    /// Absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Metadata>")]
    metadata: Option<Arc<RawValue>>,
    /// The first 200 code points of its text. Absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    text: Option<Box<str>>,
    /// When it expires, in milliseconds since 1970. Absent if it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
}

impl ShownVector {
    fn of(item: Item) -> Result<Self> {
        Ok(Self {
            id: item.id,
            metadata: stored_metadata(item.metadata)?,
            text: item.text,
            expires_at: item.expires_at,
        })
    }
}

/// The result of a delete by filter or, with `dry_run`, what it would delete.
#[derive(Serialize, JsonSchema)]
pub struct DeleteByFilterReport {
    #[serde(flatten)]
    all: FilterDeleted,
    /// In insertion order.
    results: Vec<FilterResult>,
    /// The first vectors that match, in insertion order. Present with `rows`.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<Vec<ShownVector>>,
}

impl DeleteByFilterReport {
    pub fn of(
        collection: &str,
        deletion: FilterDeletion,
        dry_run: bool,
        filter: &str,
    ) -> Result<Self> {
        let status = match dry_run || deletion.refusal.is_some() {
            true => "matched",
            false => "deleted",
        };
        let all = FilterDeleted::of(collection, &deletion, dry_run, filter);
        let results = deletion.matched.into_iter();
        let rows = deletion.rows.map(|rows| {
            let rows = rows.into_iter().map(ShownVector::of);
            rows.collect::<Result<_>>()
        });
        Ok(Self {
            all,
            results: results.map(|id| FilterResult { id, status }).collect(),
            rows: rows.transpose()?,
        })
    }
}

/// The ids of a replacement.
#[derive(Serialize, JsonSchema)]
struct ReplacedIds {
    /// In the order of the rows.
    inserted: Vec<Id>,
    /// In the order of the rows.
    updated: Vec<Id>,
    /// In insertion order.
    deleted: Vec<Id>,
}

/// The result of a replacement or, with `dry_run`, what it would do.
#[derive(Serialize, JsonSchema)]
pub struct ReplaceReport {
    #[serde(flatten)]
    all: ReplacedCounts,
    ids: ReplacedIds,
}

impl ReplaceReport {
    pub fn of(collection: &str, replaced: Replaced, filter: &str) -> Self {
        Self {
            all: ReplacedCounts::of(collection, &replaced, filter),
            ids: ReplacedIds {
                inserted: replaced.inserted,
                updated: replaced.updated,
                deleted: replaced.deleted,
            },
        }
    }
}

#[derive(Serialize, JsonSchema)]
struct PatchResult {
    id: Id,
    /// `unchanged` if the patch leaves the metadata as it is.
    #[schemars(extend("enum" = ["updated", "unchanged"]))]
    status: &'static str,
}

/// The result of a patch of metadata or, with `dry_run`, what it would do.
#[derive(Serialize, JsonSchema)]
pub struct PatchReport {
    #[serde(flatten)]
    all: PatchedCounts,
    /// In insertion order.
    results: Vec<PatchResult>,
}

impl PatchReport {
    pub fn of(patched: Patched) -> Self {
        let all = PatchedCounts::of(&patched);
        let results = patched.matched.into_iter();
        let results = results.map(|(id, is_changed)| PatchResult {
            id,
            status: match is_changed {
                true => "updated",
                false => "unchanged",
            },
        });
        Self {
            all,
            results: results.collect(),
        }
    }
}

/// What became of a vector that was to be moved or copied.
#[derive(Serialize, JsonSchema)]
struct TransferResult {
    id: Id,
    /// If nothing was done, `ok` is a vector that would have been moved or copied.
    #[schemars(extend("enum" = ["ok", "missing_in_src", "dst_insert_failed"]))]
    status: &'static str,
    /// The reason, if the status is `dst_insert_failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl TransferResult {
    fn all(results: Vec<(Id, Fate)>) -> Vec<Self> {
        let results = results.into_iter().map(|(id, fate)| {
            let (status, error) = transfer_status(fate);
            Self { id, status, error }
        });
        results.collect()
    }
}

/// The result of a move or, with `dry_run`, what it would do. The results are in the order of the
/// ids, or in the source's insertion order.
#[derive(Serialize, JsonSchema)]
pub struct MoveReport {
    #[serde(flatten)]
    all: MovedCounts,
    results: Vec<TransferResult>,
}

impl MoveReport {
    pub fn of(source: &str, destination: &str, transferred: Transferred, asked: Asked) -> Self {
        Self {
            all: MovedCounts::of(source, destination, &transferred, asked),
            results: TransferResult::all(transferred.results),
        }
    }
}

/// The result of a copy or, with `dry_run`, what it would do. The results are in the order of the
/// ids, or in the source's insertion order.
#[derive(Serialize, JsonSchema)]
pub struct CopyReport {
    #[serde(flatten)]
    all: CopiedCounts,
    results: Vec<TransferResult>,
}

impl CopyReport {
    pub fn of(source: &str, destination: &str, transferred: Transferred) -> Self {
        Self {
            all: CopiedCounts::of(source, destination, &transferred),
            results: TransferResult::all(transferred.results),
        }
    }
}

/// What was, or would be, forgotten in one collection.
#[derive(Serialize, JsonSchema)]
struct ForgottenVectors {
    #[serde(flatten)]
    all: ForgottenCountsIn,
    /// In insertion order.
    ids: Vec<Id>,
}

/// The result of forgetting or, with `dry_run`, what it would delete.
#[derive(Serialize, JsonSchema)]
pub struct ForgetReport {
    #[serde(flatten)]
    all: ForgottenCounts,
    /// All that were looked at, sorted by name.
    collections: Vec<ForgottenVectors>,
}

impl ForgetReport {
    pub fn of(forgotten: Forgotten, asked: Asked) -> Self {
        let all = ForgottenCounts::of(&forgotten, asked);
        let collections = forgotten.collections.into_iter();
        let collections = collections.map(|within| ForgottenVectors {
            all: ForgottenCountsIn::of(&within),
            ids: within.matched,
        });
        Self {
            all,
            collections: collections.collect(),
        }
    }
}

/// What a call that did not meet its guards would have answered, but that it changed nothing.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub enum RefusedReport {
    Ids(DeleteReport),
    Filter(DeleteByFilterReport),
    Rows(ReplaceReport),
    Patch(PatchReport),
    Move(MoveReport),
    Copy(CopyReport),
    Forget(ForgetReport),
}
