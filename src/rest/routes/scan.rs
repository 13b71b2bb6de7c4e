//! The route that reads all vectors, one batch at a time.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::rest::{
    Api,
    document::{
        filter::FilterText,
        metadata::{Metadata, stored_metadata},
        names::InCollection,
        numbers::Whole,
    },
    request::{Answer, Answered, ApiRequest, JsonBody, NoQuery},
};
use crate::{
    calls::arguments::{self, given},
    collection::{Cursor, Item},
    error::Result,
    wiped::Id,
};

/// Which vectors to read, and where to go on.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScanRequest {
    /// Read only vectors that match.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "FilterText")]
    filter: Option<FilterText>,
    /// Whether the vectors include their values. Default false.
    with_vector: Option<bool>,
    /// Whether the vectors include their metadata. Default true.
    include_metadata: Option<bool>,
    /// The most vectors to return. Default 1,000. There is no hidden limit.
    #[schemars(range(min = 1))]
    limit: Option<Whole>,
    /// The cursor of the last batch. Without one, the scan begins.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "String")]
    cursor: Option<Cursor>,
}

/// A vector of a scan.
#[derive(Serialize, JsonSchema)]
struct ScannedVector {
    id: Id,
    /// Absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Metadata>")]
    metadata: Option<Arc<RawValue>>,
    /// The text from which it was embedded. Absent if it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Box<str>>,
    /// When it expires, in milliseconds since 1970. Absent if it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
    /// Present with `with_vector`.
    #[serde(skip_serializing_if = "Option::is_none")]
    vector: Option<Vec<f32>>,
}

/// A batch of a scan, in insertion order.
#[derive(Serialize, JsonSchema)]
pub struct ScanBatch {
    vectors: Vec<ScannedVector>,
    /// Where the next batch begins. Absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

impl ScannedVector {
    fn of(item: Item) -> Result<Self> {
        Ok(Self {
            id: item.id,
            metadata: stored_metadata(item.metadata)?,
            text: item.text,
            expires_at: item.expires_at,
            vector: item.data,
        })
    }
}

pub async fn scan(
    api: Api,
    request: ApiRequest<InCollection, NoQuery, JsonBody<ScanRequest>>,
) -> Answered<ScanBatch> {
    let (name, JsonBody(request)) = (request.at.collection, request.body);
    let fields = arguments::Scan {
        cursor: request.cursor,
        limit: request.limit.map(|limit| limit.0),
        with_vector: request.with_vector,
        include_metadata: request.include_metadata,
    };
    let options = fields.options(request.filter.as_ref().map(FilterText::text))?;
    let share = api.reserve(&name, options.limit, options.with_vector)?;
    let answer = api.once(move |call| {
        let batch = call.collection(&name)?.scan(&options)?;
        let vectors: Result<_> = batch.vectors.into_iter().map(ScannedVector::of).collect();
        Answer::of(&ScanBatch {
            vectors: vectors?,
            cursor: batch.cursor.map(|cursor| cursor.to_string()),
        })
    });
    Ok(answer.await?.within(share))
}
