//! Routes about the server itself and its embedder.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::rest::{
    Api, Dispatch,
    document::numbers::Whole,
    failure::{Failure, Handled},
    request::{Answer, Answered, Anywhere, ApiRequest, JsonBody, NoBody, NoQuery},
};
use crate::{calls::reports::timestamp, collection::Access, embed::embed, error::Error, workers};

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The names of the embedders.
const BUILT_IN: &str = "hashed-ngrams";
const CUSTOM: &str = "custom";
/// The default dimension of a built-in embedding.
const DIMENSION: usize = 512;

#[derive(Serialize, JsonSchema)]
pub struct Health {
    /// `ok` if the store is open and accepts writes.
    status: &'static str,
    version: &'static str,
    /// The current time; RFC 3339, UTC.
    timestamp: String,
    /// Seconds since the server was started.
    uptime: u64,
}

pub async fn health(api: Api, _: ApiRequest<Anywhere, NoQuery, NoBody>) -> Answered<Health> {
    let uptime = api.started.elapsed().as_secs();
    api.run(Dispatch::Inline, move |call, _| {
        call.check()?;
        Answer::of(&Health {
            status: "ok",
            version: VERSION,
            timestamp: timestamp(OffsetDateTime::now_utc()),
            uptime,
        })
    })
    .await
}

/// Figures for all collections together.
#[derive(Serialize, JsonSchema)]
pub struct Stats {
    collections: usize,
    /// The number of live vectors.
    total_vectors: u64,
    uptime_seconds: u64,
    version: &'static str,
    /// Estimated memory use of the collections, in bytes.
    memory_bytes: u64,
    /// The size of the collections' files, in bytes. Absent in memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    disk_bytes: Option<u64>,
    /// Vectors deleted since the store was opened, from collections that still exist.
    deleted_vectors: u64,
    /// Bytes of deleted and replaced vectors that have been erased since the store was opened.
    erased_bytes: u64,
}

pub async fn stats(api: Api, _: ApiRequest<Anywhere, NoQuery, NoBody>) -> Answered<Stats> {
    let uptime_seconds = api.started.elapsed().as_secs();
    api.once(move |call| {
        let mut stats = Stats {
            collections: 0,
            total_vectors: 0,
            uptime_seconds,
            version: VERSION,
            memory_bytes: 0,
            disk_bytes: call.fsync().map(|_| 0),
            deleted_vectors: 0,
            erased_bytes: 0,
        };
        for collection in call.collections() {
            let info = match collection.info(Access::Wait) {
                Ok(info) => info,
                // It has been deleted since the list was taken.
                Err(Error::CollectionNotFound(_)) => continue,
                Err(error) => return Err(error),
            };
            stats.collections += 1;
            stats.total_vectors += info.vectors as u64;
            stats.memory_bytes += info.memory_bytes as u64;
            if let (Some(sum), Some(bytes)) = (&mut stats.disk_bytes, info.disk_bytes) {
                *sum += bytes;
            }
            stats.deleted_vectors += info.erased.vectors;
            stats.erased_bytes += info.erased.bytes;
        }
        Answer::of(&stats)
    })
    .await
}

/// A text to embed.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmbeddingRequest {
    #[schemars(length(min = 1))]
    text: String,
    /// The embedder's name, to make sure that it is the expected one.
    #[schemars(extend("enum" = ["hashed-ngrams", null]))]
    model: Option<String>,
    /// The dimension of the vector, for the built-in embedder. Default 512.
    #[schemars(range(min = 1, max = 65535))]
    dimension: Option<Whole>,
}

#[derive(Serialize, JsonSchema)]
pub struct Embedding {
    embedding: Vec<f32>,
    /// `hashed-ngrams` for the built-in embedder, `custom` for the client's own.
    model: &'static str,
    text: String,
    dimension: usize,
    provider: &'static str,
}

pub async fn embedding(
    api: Api,
    request: ApiRequest<Anywhere, NoQuery, JsonBody<EmbeddingRequest>>,
) -> Answered<Embedding> {
    let JsonBody(EmbeddingRequest {
        text,
        model,
        dimension,
    }) = request.body;
    if text.is_empty() {
        return Err(Failure::Invalid("body.text is empty".into()));
    }
    let name = if api.embedder.is_some() {
        CUSTOM
    } else {
        BUILT_IN
    };
    if let Some(model) = model
        && model != name
    {
        let what = format!("body.model: there is no {model:?}; the embedder here is {name:?}");
        return Err(Failure::Invalid(what));
    }
    let length = dimension.map_or(DIMENSION, |dimension| dimension.0);
    if !(1..=65_535).contains(&length) {
        let what = format!("body.dimension is {length}; it must be between 1 and 65535");
        return Err(Failure::Invalid(what));
    }
    let rows = api.embed(vec![text.as_str().into()]).await?;
    let embedding = match rows.and_then(|mut rows| rows.pop()) {
        Some(row) => row,
        None => {
            let text = text.clone();
            api.once(move |_| Ok(embed(&text, length))).await?
        }
    };
    Ok(Answer::of(&Embedding {
        dimension: embedding.len(),
        embedding,
        model: name,
        text,
        provider: "vectorizer-native",
    })?)
}

pub async fn metrics(api: Api) -> Handled<String> {
    // Collections may be busy, so this runs on another thread.
    Ok(workers::run_blocking(move || api.metrics.text()).await?)
}

pub async fn document(api: Api) -> Handled<String> {
    Ok(api.document.clone())
}
