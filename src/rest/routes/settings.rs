//! Routes that change what a collection was created with, and those for empty collections.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    collections::{CollectionDetails, delete_named},
    deletes::Deleted,
};
use crate::rest::{
    Api,
    document::{
        names::{Description, InCollection, Name},
        numbers::Whole,
    },
    failure::Failure,
    request::{Answer, Answered, ApiRequest, JsonBody, NoBody, NoQuery},
};
use crate::{
    calls::{
        arguments::{check_undo, checked_reason, given},
        expiry::required,
        period::Period,
        reports::{Cleanup, ReindexJob, Renamed},
    },
    client::ReindexOptions,
    collection::{Access, DeleteOptions},
    error::Error,
};

/// A collection's new description.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("required" = ["description"]))]
pub struct NewSettings {
    /// 1 to 1,024 bytes without control characters, except line breaks and tabs. Null removes it.
    #[serde(deserialize_with = "required")]
    #[schemars(with = "Option<Description>")]
    description: Option<String>,
}

/// A collection's new name.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewName {
    /// At most 255 bytes; no path separators or control characters.
    #[schemars(with = "Name")]
    new_name: String,
}

/// The graph parameters to change; the others stay as they are.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewParameters {
    /// Neighbours of a node on the upper layers; the bottom layer has twice as many.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Whole", range(min = 4, max = 128))]
    m: Option<Whole>,
    /// Size of the candidate list when a node is inserted.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Whole", range(min = 8, max = 4096))]
    ef_construction: Option<Whole>,
    /// Size of the candidate list in a search.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Whole", range(min = 1, max = 4096))]
    ef_search: Option<Whole>,
}

/// Collections without a vector, alive or expired and not erased yet.
#[derive(Serialize, JsonSchema)]
pub struct EmptyCollections {
    /// Sorted.
    collections: Vec<String>,
}

/// The collection named `empty` if there is one; otherwise the collections that are empty.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub enum EmptyOrNamed {
    Empty(EmptyCollections),
    Named(Box<CollectionDetails>),
}

/// Whether to delete the empty collections, or the collection named `cleanup`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CleanupQuery {
    /// True: only say which collections are empty. False: delete them. Without it, the collection
    /// named `cleanup` is deleted.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "bool")]
    dry_run: Option<bool>,
    /// Only without `dry_run`: add a proof of erasure to the response. Default false.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "bool", extend("default" = false))]
    receipt: Option<bool>,
    /// Only without `dry_run`: why, for the receipt and the ledger.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "String", length(min = 1, max = 1000))]
    reason: Option<String>,
    /// Only without `dry_run`: for how long it can be undeleted; not with `receipt`.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Period")]
    undo: Option<Period>,
}

/// The empty collections with `dry_run`; without it, the collection named `cleanup` is deleted.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub enum CleanedOrDeleted {
    Cleaned(Cleanup),
    Deleted(Box<Deleted>),
}

pub async fn update(
    api: Api,
    request: ApiRequest<InCollection, NoQuery, JsonBody<NewSettings>>,
) -> Answered<CollectionDetails> {
    let (name, JsonBody(body)) = (request.at.collection, request.body);
    api.once(move |call| {
        let collection = call.describe_collection(&name, body.description)?;
        Answer::of(&CollectionDetails::of(&collection, Access::Wait)?)
    })
    .await
}

pub async fn rename(
    api: Api,
    request: ApiRequest<InCollection, NoQuery, JsonBody<NewName>>,
) -> Answered<Renamed> {
    let (name, JsonBody(NewName { new_name })) = (request.at.collection, request.body);
    api.once(move |call| {
        call.rename_collection(&name, &new_name)?;
        Answer::of(&Renamed::new(&name, &new_name))
    })
    .await
}

pub async fn reindex(
    api: Api,
    request: ApiRequest<InCollection, NoQuery, JsonBody<NewParameters>>,
) -> Answered<ReindexJob> {
    let (name, JsonBody(body)) = (request.at.collection, request.body);
    let options = ReindexOptions {
        m: body.m.map(|Whole(m)| m),
        ef_construction: body.ef_construction.map(|Whole(ef)| ef),
        ef_search: body.ef_search.map(|Whole(ef)| ef),
    };
    api.once(move |call| {
        let job = call.reindex_collection(&name, options)?;
        Answer::of(&ReindexJob::of(&name, &job))
    })
    .await
}

pub async fn list_empty(
    api: Api,
    request: ApiRequest<InCollection, NoQuery, NoBody>,
) -> Answered<EmptyOrNamed> {
    let name = request.at.collection;
    api.once(move |call| {
        let details = call.collection(&name);
        let details = details.and_then(|named| CollectionDetails::of(&named, Access::Wait));
        Answer::of(&match details {
            Ok(details) => EmptyOrNamed::Named(Box::new(details)),
            Err(Error::CollectionNotFound(_)) => EmptyOrNamed::Empty(EmptyCollections {
                collections: call.empty_collections()?,
            }),
            Err(error) => return Err(error),
        })
    })
    .await
}

pub async fn clean_up(
    api: Api,
    request: ApiRequest<InCollection, CleanupQuery, NoBody>,
) -> Answered<CleanedOrDeleted> {
    let (name, query) = (request.at.collection, request.query);
    let receipt = query.receipt;
    let reason = checked_reason(query.reason, "query.reason")?;
    let undo = query.undo.map(|Period(period)| period);
    if query.dry_run.is_some() && (receipt.is_some() || reason.is_some() || undo.is_some()) {
        let given = match (receipt, undo) {
            (Some(_), _) => "receipt",
            (None, Some(_)) => "undo",
            (None, None) => "reason",
        };
        return Err(Failure::Invalid(format!(
            "query.{given} is for the collection named 'cleanup', and dry_run for the empty \
             collections: leave out one of them"
        )));
    }
    api.once(move |call| {
        let Some(dry_run) = query.dry_run else {
            let receipt = receipt.unwrap_or(false);
            let options = DeleteOptions {
                receipt,
                reason,
                undo,
                ..DeleteOptions::default()
            };
            check_undo("query", &options)?;
            let deleted = delete_named(call, Access::Wait, &name, &options)?;
            return Answer::of(&CleanedOrDeleted::Deleted(Box::new(deleted)));
        };
        let collections = call.delete_empty_collections(dry_run)?;
        Answer::of(&CleanedOrDeleted::Cleaned(Cleanup::new(
            collections,
            dry_run,
        )))
    })
    .await
}
