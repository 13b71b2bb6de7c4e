//! Routes that search.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::rest::{
    Api, INLINE,
    document::{
        filter::FilterText,
        metadata::{Metadata, stored_metadata},
        names::InCollection,
        numbers::{Values, Whole},
    },
    failure::Failure,
    request::{Answer, Answered, ApiRequest, JsonBody, NoQuery},
};
use crate::{
    calls::{
        Search, Wanted,
        arguments::{self, given},
    },
    collection::{Item, Name},
    error::Result,
    wiped::Id,
};

/// A search by vector or text.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    { "required": ["query"], "properties": { "query": { "type": "string" }, "vector": { "type": "null" } } },
    { "required": ["vector"], "properties": { "vector": { "type": "array" }, "query": { "type": "null" } } },
]))]
pub struct SearchRequest {
    /// A text, embedded in the same way as the vectors' texts. The empty text ranks nothing: it
    /// lists what the filter matches, in insertion order.
    pub query: Option<String>,
    /// The query's values, as many as the collection has dimensions.
    pub vector: Option<Values>,
    /// The most results to return. Default 10. There is no hidden limit.
    #[schemars(range(min = 1))]
    pub limit: Option<Whole>,
    /// Return only vectors that match.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "FilterText")]
    pub filter: Option<FilterText>,
    /// Return only results with at least this score. Also `threshold` and `score_threshold`.
    #[serde(alias = "threshold", alias = "score_threshold")]
    pub similarity_threshold: Option<f64>,
    /// Size of the candidate list in this search: larger is slower and finds more. Default: the
    /// collection's setting.
    #[schemars(range(min = 1, max = 4096))]
    pub ef_search: Option<Whole>,
    /// Whether results include their vectors. Default false.
    pub with_vector: Option<bool>,
    /// Whether results include their metadata. Default true.
    pub include_metadata: Option<bool>,
}

/// A search by text.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TextSearchRequest {
    /// A text, embedded in the same way as the vectors' texts. The empty text ranks nothing.
    query: String,
    /// The most results to return. Default 10.
    #[schemars(range(min = 1))]
    limit: Option<Whole>,
    /// Return only vectors that match.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "FilterText")]
    filter: Option<FilterText>,
    /// Return only results with at least this score. Also `similarity_threshold` and
    /// `score_threshold`.
    #[serde(alias = "similarity_threshold", alias = "score_threshold")]
    threshold: Option<f64>,
    #[schemars(range(min = 1, max = 4096))]
    ef_search: Option<Whole>,
    with_vector: Option<bool>,
    include_metadata: Option<bool>,
}

/// A vector found by a search.
#[derive(Serialize, JsonSchema)]
pub struct SearchResult {
    id: Id,
    /// Higher is more similar: the cosine (-1 to 1), the dot product, or
    /// `1 / (1 + Euclidean distance)`. 0 if nothing was ranked.
    score: f64,
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

/// The results of a search, best first; results with the same score in insertion order.
#[derive(Serialize, JsonSchema)]
pub struct Found {
    results: Vec<SearchResult>,
    /// The number of results.
    total: usize,
}

impl Found {
    fn answer(items: Vec<Item>) -> Result<Answer<Self>> {
        let results: Result<Vec<_>> = items.into_iter().map(SearchResult::of).collect();
        let results = results?;
        let total = results.len();
        Answer::of(&Self { results, total })
    }
}

impl SearchResult {
    fn of(item: Item) -> Result<Self> {
        Ok(Self {
            id: item.id,
            score: item.score.unwrap_or_default(),
            metadata: stored_metadata(item.metadata)?,
            text: item.text,
            expires_at: item.expires_at,
            vector: item.data,
        })
    }
}

impl From<TextSearchRequest> for SearchRequest {
    fn from(request: TextSearchRequest) -> Self {
        Self {
            query: Some(request.query),
            vector: None,
            limit: request.limit,
            filter: request.filter,
            similarity_threshold: request.threshold,
            ef_search: request.ef_search,
            with_vector: request.with_vector,
            include_metadata: request.include_metadata,
        }
    }
}

pub async fn search(
    api: Api,
    request: ApiRequest<InCollection, NoQuery, JsonBody<SearchRequest>>,
) -> Answered<Found> {
    find(api, request.at.collection, request.body.0).await
}

pub async fn search_text(
    api: Api,
    request: ApiRequest<InCollection, NoQuery, JsonBody<TextSearchRequest>>,
) -> Answered<Found> {
    find(api, request.at.collection, request.body.0.into()).await
}

pub async fn find(api: Api, collection: String, request: SearchRequest) -> Answered<Found> {
    let mut wanted = match (request.query, request.vector) {
        (Some(text), None) => Wanted::Text(text),
        (None, Some(Values(vector))) => Wanted::Vector(Name::at("body.vector"), vector),
        (None, None) => {
            return Err(Failure::Invalid("body: give a query or a vector".into()));
        }
        (Some(_), Some(_)) => {
            return Err(Failure::Invalid(
                "body: give a query or a vector, not both".into(),
            ));
        }
    };
    let fields = arguments::Search {
        limit: request.limit.map(|limit| limit.0),
        similarity_threshold: request.similarity_threshold,
        ef_search: request.ef_search.map(|ef| ef.0),
        with_vector: request.with_vector,
        include_metadata: request.include_metadata,
    };
    let options = fields.options(request.filter.as_ref().map(FilterText::text))?;
    if let Wanted::Text(text) = &wanted
        && !text.is_empty()
    {
        let rows = api
            .embedded(&collection, vec![text.as_str().into()])
            .await?;
        if let Some(row) = rows.and_then(|mut rows| rows.pop()) {
            wanted = Wanted::Vector(Name::made_of("body.query"), row);
        }
    }
    let share = api.reserve(&collection, options.limit, options.with_vector)?;
    let mut search = Search { collection, wanted };
    let dispatch = search.dispatch(options.filter.is_some());
    let answer = api.run(dispatch, move |call, access| {
        Found::answer(search.run(call, access, INLINE, &options)?)
    });
    Ok(answer.await?.within(share))
}
