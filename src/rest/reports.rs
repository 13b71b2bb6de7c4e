//! The reports of deletes and replacements. Those that were refused are part of errors.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use super::document::metadata::{Metadata, stored_metadata};
use crate::{
    calls::reports::{BatchDeleted, FilterDeleted, ReplacedCounts},
    collection::{BatchDeletion, FilterDeletion, Item, Outcome, Replaced},
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
    pub fn of(collection: &str, deletion: FilterDeletion, dry_run: bool) -> Result<Self> {
        let status = match dry_run || deletion.refusal.is_some() {
            true => "matched",
            false => "deleted",
        };
        let all = FilterDeleted::of(collection, &deletion, dry_run);
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
    pub fn of(collection: &str, replaced: Replaced) -> Self {
        Self {
            all: ReplacedCounts::of(collection, &replaced),
            ids: ReplacedIds {
                inserted: replaced.inserted,
                updated: replaced.updated,
                deleted: replaced.deleted,
            },
        }
    }
}

/// What a delete or a replacement that did not meet its guards would have answered, but that it changed nothing.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub enum RefusedReport {
    Ids(DeleteReport),
    Filter(DeleteByFilterReport),
    Rows(ReplaceReport),
}
