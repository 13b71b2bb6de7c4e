//! Routes for collections.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::deletes::{Deleted, ReceiptQuery};
use crate::rest::{
    Api,
    document::{
        names::{Description, InCollection, Name},
        numbers::Whole,
    },
    request::{Answer, Answered, Anywhere, ApiRequest, JsonBody, NoBody, NoQuery},
};
use crate::{
    calls::{
        self, Dispatch,
        arguments::{self, Object},
        reports::{Asked, Details, timestamp},
    },
    client::Call,
    collection::{Access, Collection, DeleteOptions},
    error::{Error, Result},
    graph::GraphBuilder,
};

/// A collection to create.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCollection {
    /// At most 255 bytes; no path separators or control characters.
    #[schemars(with = "Name")]
    name: String,
    /// The number of values in each vector.
    #[schemars(range(min = 1, max = 65535))]
    dimension: Whole,
    /// How the similarity of two vectors is measured; `cosine` by default. SDK clients call it
    /// `similarity_metric`.
    #[serde(alias = "similarity_metric")]
    #[schemars(extend("enum" = ["cosine", "euclidean", "dot_product", null]))]
    metric: Option<String>,
    hnsw: Option<Object<HnswOptions>>,
    /// What the collection is for: 1 to 1,024 bytes without control characters, except line breaks
    /// and tabs.
    #[schemars(with = "Option<Description>")]
    description: Option<String>,
}

/// The parameters of the graph.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct HnswOptions {
    /// Neighbours of a node on the upper layers; the bottom layer has twice as many. Default 16.
    #[schemars(range(min = 4, max = 128))]
    m: Option<Whole>,
    /// Size of the candidate list when a node is inserted. Default 100.
    #[schemars(range(min = 8, max = 4096))]
    ef_construction: Option<Whole>,
    /// Size of the candidate list in a search. Default 80.
    #[schemars(range(min = 1, max = 4096))]
    ef_search: Option<Whole>,
    /// How a graph is built for many vectors that are in none yet. Default `own`.
    builder: Option<GraphBuilder>,
}

/// A collection as it appears in a list.
#[derive(Serialize, JsonSchema)]
pub struct CollectionSummary {
    name: String,
    dimension: usize,
    metric: &'static str,
    /// The number of live vectors.
    vector_count: usize,
    /// RFC 3339, UTC.
    created_at: String,
    /// Absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

impl CollectionSummary {
    fn of(collection: &Collection, count: usize) -> Self {
        let config = collection.config();
        Self {
            name: config.name.clone(),
            dimension: config.dimension,
            metric: config.metric.name(),
            vector_count: count,
            created_at: timestamp(collection.created_at()),
            description: config.description.clone(),
        }
    }
}

/// A collection that has been created.
#[derive(Serialize, JsonSchema)]
pub struct CreatedCollection {
    message: String,
    /// The same as `name`.
    collection: String,
    #[serde(flatten)]
    summary: CollectionSummary,
}

#[derive(Serialize, JsonSchema)]
pub struct CollectionList {
    /// Sorted by name.
    collections: Vec<CollectionSummary>,
    total: usize,
}

/// A collection with all its details.
#[derive(Serialize, JsonSchema)]
pub struct CollectionDetails {
    #[serde(flatten)]
    summary: CollectionSummary,
    #[serde(flatten)]
    details: Details,
}

impl CollectionDetails {
    pub fn of(collection: &Collection, access: Access) -> Result<Self> {
        let info = collection.info(access)?;
        Ok(Self {
            summary: CollectionSummary::of(collection, info.vectors),
            details: Details::of(collection, &info),
        })
    }
}

/// The request has been carried out.
#[derive(Serialize, JsonSchema)]
pub struct Done {
    pub success: bool,
    pub message: String,
}

impl Done {
    pub fn new(message: String) -> Result<Answer<Self>> {
        Answer::of(&Self {
            success: true,
            message,
        })
    }
}

pub async fn create(
    api: Api,
    request: ApiRequest<Anywhere, NoQuery, JsonBody<NewCollection>>,
) -> Answered<CreatedCollection> {
    let JsonBody(new) = request.body;
    let creation = arguments::Creation {
        name: new.name,
        dimension: new.dimension.0,
        metric: new.metric,
        hnsw: new.hnsw.map(|Object(hnsw)| {
            Object(arguments::Hnsw {
                m: hnsw.m.map(|m| m.0),
                ef_construction: hnsw.ef_construction.map(|ef| ef.0),
                ef_search: hnsw.ef_search.map(|ef| ef.0),
                builder: hnsw.builder,
            })
        }),
        description: new.description,
    };
    let config = creation.config()?;
    api.run(Dispatch::Inline, move |call, access| {
        let collection = calls::create(call, access, config.clone())?;
        let summary = CollectionSummary::of(&collection, 0);
        Answer::of(&CreatedCollection {
            message: format!("collection '{}' created", summary.name),
            collection: summary.name.clone(),
            summary,
        })
    })
    .await
}

pub async fn list(api: Api, _: ApiRequest<Anywhere, NoQuery, NoBody>) -> Answered<CollectionList> {
    api.run(Dispatch::Inline, |call, access| {
        let counted = calls::counted(call, access)?;
        let collections: Vec<_> = counted
            .iter()
            .map(|(collection, count)| CollectionSummary::of(collection, *count))
            .collect();
        let total = collections.len();
        Answer::of(&CollectionList { collections, total })
    })
    .await
}

pub async fn get(
    api: Api,
    request: ApiRequest<InCollection, NoQuery, NoBody>,
) -> Answered<CollectionDetails> {
    let name = request.at.collection;
    api.run(Dispatch::Pool, move |call, access| {
        let collection = call.collection(&name)?;
        Answer::of(&CollectionDetails::of(&collection, access)?)
    })
    .await
}

pub async fn delete(
    api: Api,
    request: ApiRequest<InCollection, ReceiptQuery, NoBody>,
) -> Answered<Deleted> {
    let (name, options) = (request.at.collection, request.query.options()?);
    api.run(Dispatch::Blocking, move |call, access| {
        Answer::of(&delete_named(call, access, &name, &options)?)
    })
    .await
}

pub fn delete_named(
    call: &Call,
    access: Access,
    name: &str,
    options: &DeleteOptions,
) -> Result<Deleted> {
    let message = format!("collection '{name}' deleted");
    let reason = options.reason.clone();
    if let Some(period) = options.undo {
        if access != Access::Wait {
            return Err(Error::WouldBlock);
        }
        let undo = call.delete_collection_for_now(name, period, reason)?;
        return Ok(Deleted::for_now(message, &undo));
    }
    let receipt = call.delete_collection(access, name, options.receipt, reason)?;
    let asked = Asked::default();
    Ok(Deleted::of(message, name, receipt.as_ref(), asked))
}

pub async fn optimize(
    api: Api,
    request: ApiRequest<InCollection, NoQuery, NoBody>,
) -> Answered<Done> {
    let name = request.at.collection;
    let started = {
        let name = name.clone();
        api.once(move |call| call.collection(&name)?.optimize(None))
            .await?
    };
    // The call has ended, so closing the store stops the background thread rather than wait for it.
    let stopped = |_| Err(Error::Internal("the background stopped".into()));
    started.await.unwrap_or_else(stopped)?;
    Ok(Done::new(format!("the index of '{name}' is at its best"))?)
}
