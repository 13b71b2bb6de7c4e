//! Routes that delete, and the one that verifies it.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rest::{
    Api,
    document::{
        filter::FilterText,
        names::{InCollection, OfVector},
    },
    request::{Answer, Answered, ApiRequest, JsonBody, NoBody, NoQuery},
};
use crate::{
    calls::{
        Dispatch,
        arguments::{check_dry_run, given},
        reports::{BatchDeleted, FilterDeleted, Receipt},
    },
    collection::{self, DeleteOptions, Residue},
    error::Result,
    filter,
    wiped::Id,
};

/// Vectors to delete.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ids {
    pub ids: Vec<String>,
    /// Add a proof of erasure to the report. Default false.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "bool", extend("default" = false))]
    pub receipt: Option<bool>,
}

/// Which vectors to delete, by their metadata.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("not" = {
    "required": ["dry_run", "receipt"],
    "properties": { "dry_run": { "const": true }, "receipt": { "const": true } },
}))]
pub struct ByFilter {
    pub filter: FilterText,
    /// Delete nothing; report what would be deleted. Default false.
    // Nulls are refused: a `dry_run` that was read from a missing property must not delete
    // anything.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "bool", extend("default" = false))]
    pub dry_run: Option<bool>,
    /// Add a proof of erasure to the report; not with `dry_run`. Default false.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "bool", extend("default" = false))]
    pub receipt: Option<bool>,
}

/// The query of a route that deletes one thing.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptQuery {
    /// Add a proof of erasure to the response. Default false.
    #[serde(default)]
    pub receipt: bool,
}

/// The result of a delete.
#[derive(Serialize, JsonSchema)]
pub struct Deleted {
    success: bool,
    message: String,
    /// Present if it was requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<Receipt>,
}

impl Deleted {
    pub fn new(
        message: String,
        collection: &str,
        receipt: Option<&collection::Receipt>,
    ) -> Result<Answer<Self>> {
        Answer::of(&Self {
            success: true,
            message,
            receipt: receipt.map(|receipt| Receipt::of(collection, receipt)),
        })
    }
}

/// Vectors to look for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Suspects {
    ids: Vec<String>,
}

/// The outcome for one id of a batch delete.
#[derive(Serialize, JsonSchema)]
struct DeleteResult {
    id: String,
    /// Its index in the request.
    index: usize,
    #[schemars(extend("enum" = ["ok", "error"]))]
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

#[derive(Serialize, JsonSchema)]
struct FilterResult {
    id: Id,
    #[schemars(extend("enum" = ["deleted", "matched"]))]
    status: &'static str,
}

/// The result of a delete by filter or, with `dry_run`, what it would delete.
#[derive(Serialize, JsonSchema)]
pub struct DeleteByFilterReport {
    #[serde(flatten)]
    all: FilterDeleted,
    /// In insertion order.
    results: Vec<FilterResult>,
}

/// Whether vectors are gone.
#[derive(Serialize, JsonSchema)]
pub struct VerificationReport {
    /// True if there are no residues.
    verified: bool,
    residues: Vec<Residue>,
}

pub async fn delete(
    api: Api,
    request: ApiRequest<OfVector, ReceiptQuery, NoBody>,
) -> Answered<Deleted> {
    let OfVector { collection, id } = request.at;
    let options = DeleteOptions {
        receipt: request.query.receipt,
        ..DeleteOptions::default()
    };
    api.run(Dispatch::Inline, move |call, access| {
        let receipt = call
            .collection(&collection)?
            .delete_one(access, &id, &options)?;
        let message = format!("vector '{id}' deleted from collection '{collection}'");
        Deleted::new(message, &collection, receipt.as_ref())
    })
    .await
}

pub async fn batch_delete(
    api: Api,
    request: ApiRequest<InCollection, NoQuery, JsonBody<Ids>>,
) -> Answered<DeleteReport> {
    delete_many(api, request.at.collection, request.body.0).await
}

pub async fn delete_many(
    api: Api,
    name: String,
    Ids { ids, receipt }: Ids,
) -> Answered<DeleteReport> {
    let options = DeleteOptions {
        receipt: receipt.unwrap_or(false),
        ..DeleteOptions::default()
    };
    api.run(Dispatch::of_ids(ids.len()), move |call, access| {
        let collection = call.collection(&name)?;
        let deletion = collection.delete_many(access, &ids, &options)?;
        let outcomes = deletion.outcomes.iter().enumerate();
        let results = outcomes.map(|(index, outcome)| {
            let error = outcome.error();
            DeleteResult {
                id: ids[index].clone(),
                index,
                status: if error.is_none() { "ok" } else { "error" },
                error,
            }
        });
        Answer::of(&DeleteReport {
            all: BatchDeleted::of(&name, &deletion),
            results: results.collect(),
        })
    })
    .await
}

pub async fn delete_by_filter(
    api: Api,
    request: ApiRequest<InCollection, NoQuery, JsonBody<ByFilter>>,
) -> Answered<DeleteByFilterReport> {
    delete_matching(api, request.at.collection, request.body.0).await
}

pub async fn delete_matching(
    api: Api,
    name: String,
    request: ByFilter,
) -> Answered<DeleteByFilterReport> {
    let options = DeleteOptions {
        dry_run: request.dry_run.unwrap_or(false),
        receipt: request.receipt.unwrap_or(false),
        backup: None,
    };
    check_dry_run("body.dry_run", &options)?;
    let filter = filter::parse_text(request.filter.text())?;
    api.once(move |call| {
        let deletion = call.collection(&name)?.delete_matching(&filter, &options)?;
        let status = match options.dry_run {
            true => "matched",
            false => "deleted",
        };
        let all = FilterDeleted::of(&name, &deletion, options.dry_run);
        let results = deletion.matched.into_iter();
        Answer::of(&DeleteByFilterReport {
            all,
            results: results.map(|id| FilterResult { id, status }).collect(),
        })
    })
    .await
}

pub async fn verify_erased(
    api: Api,
    request: ApiRequest<InCollection, NoQuery, JsonBody<Suspects>>,
) -> Answered<VerificationReport> {
    let (name, JsonBody(Suspects { ids })) = (request.at.collection, request.body);
    api.once(move |call| {
        let mut residues = call.collection(&name)?.verify_erased(&ids)?;
        for residue in &mut residues {
            // Clients must not learn where the store is on the server's disk.
            let name = residue
                .file
                .as_deref()
                .map(Path::new)
                .and_then(Path::file_name);
            residue.file = name.map(|name| name.to_string_lossy().into_owned());
        }
        Answer::of(&VerificationReport {
            verified: residues.is_empty(),
            residues,
        })
    })
    .await
}
