//! Routes that existing SDK clients call, in addition to the documented ones. They take the
//! collection from the body, or follow Qdrant's API; the work is done by the other handlers.

use std::time::Instant;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    deletes::{self, ByFilter, Ids},
    search::{self, Found, SearchRequest},
    vectors::{self, Changes, NewVector, StoredVector},
};
use crate::rest::{
    Api,
    document::{
        filter::FilterText,
        metadata::Metadata,
        names::{InCollection, Name},
        numbers::{NewPointId, PointId, Values, Whole},
    },
    failure::{Failure, Handled},
    reports::DeleteReport,
    request::{Answer, Answered, Anywhere, ApiRequest, JsonBody, NoQuery},
};
use crate::{
    calls::{
        arguments::{Object, given},
        expiry::{self, ExpiresAt},
    },
    collection::ExpiryChange,
    wiped::Id,
};

/// Vectors to delete from a collection.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdsOfCollection {
    #[schemars(with = "Name")]
    collection: String,
    ids: Vec<String>,
    /// Add a proof of erasure to the report. Default false.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "bool", extend("default" = false))]
    receipt: Option<bool>,
    /// Delete nothing if more vectors than this would be deleted: the answer is then an error of
    /// the code `TOO_MANY_MATCHES`, with the report.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Whole")]
    at_most: Option<Whole>,
    /// The same if another number of vectors than this would be deleted.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Whole")]
    expect: Option<Whole>,
    /// Why, for the receipt and the ledger.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "String", length(min = 1, max = 1000))]
    reason: Option<String>,
}

pub async fn batch_delete(
    api: Api,
    request: ApiRequest<Anywhere, NoQuery, JsonBody<IdsOfCollection>>,
) -> Answered<DeleteReport> {
    let JsonBody(IdsOfCollection {
        collection,
        ids,
        receipt,
        at_most,
        expect,
        reason,
    }) = request.body;
    let ids = Ids {
        ids,
        receipt,
        at_most,
        expect,
        reason,
        undo: None,
    };
    deletes::delete_many(api, collection, ids).await
}

/// A search of a collection.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    { "required": ["query"], "properties": { "query": { "type": "string" }, "vector": { "type": "null" } } },
    { "required": ["vector"], "properties": { "vector": { "type": "array" }, "query": { "type": "null" } } },
]))]
pub struct SearchOfCollection {
    #[schemars(with = "Name")]
    collection: String,
    vector: Option<Values>,
    query: Option<String>,
    /// The most results to return. Default 10.
    #[schemars(range(min = 1))]
    limit: Option<Whole>,
    /// Return only results with at least this score. Also `similarity_threshold` and
    /// `score_threshold`.
    #[serde(alias = "similarity_threshold", alias = "score_threshold")]
    threshold: Option<f64>,
    /// Return only vectors that match.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "FilterText")]
    filter: Option<FilterText>,
    #[schemars(range(min = 1, max = 4096))]
    ef_search: Option<Whole>,
    with_vector: Option<bool>,
    include_metadata: Option<bool>,
}

pub async fn search(
    api: Api,
    request: ApiRequest<Anywhere, NoQuery, JsonBody<SearchOfCollection>>,
) -> Answered<Found> {
    let JsonBody(sent) = request.body;
    let request = SearchRequest {
        query: sent.query,
        vector: sent.vector,
        limit: sent.limit,
        filter: sent.filter,
        similarity_threshold: sent.threshold,
        ef_search: sent.ef_search,
        with_vector: sent.with_vector,
        include_metadata: sent.include_metadata,
    };
    search::find(api, sent.collection, request).await
}

/// A text to insert.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TextOfCollection {
    #[schemars(with = "Name")]
    collection: String,
    /// Default: a new UUID (version 7).
    #[schemars(length(min = 1, max = 1024))]
    id: Option<String>,
    #[schemars(length(min = 1))]
    text: Box<str>,
    metadata: Option<Metadata>,
    /// When it expires: milliseconds since 1970, or a time as in RFC 3339. Default: never, or as
    /// the collection's TTL says.
    expires_at: Option<ExpiresAt>,
}

/// A text that has been inserted.
#[derive(Serialize, JsonSchema)]
pub struct InsertedText {
    id: Id,
    /// Always `inserted`.
    status: &'static str,
    message: &'static str,
    collection: String,
    vectors_created: usize,
    vector_ids: Vec<Id>,
    /// Always false: a text is never split.
    chunked: bool,
}

pub async fn insert(
    api: Api,
    request: ApiRequest<Anywhere, NoQuery, JsonBody<TextOfCollection>>,
) -> Answered<InsertedText> {
    let JsonBody(sent) = request.body;
    let name = sent.collection.clone();
    let vector = NewVector {
        id: sent.id,
        text: Some(sent.text),
        vector: None,
        metadata: sent.metadata,
        expires_at: sent.expires_at,
        key: "",
    };
    vectors::insert_all(&api, sent.collection, "", vec![vector], move |ids| {
        Answer::of(&InsertedText {
            id: ids.first().cloned().unwrap_or_default(),
            status: "inserted",
            message: "text inserted",
            collection: name.clone(),
            vectors_created: ids.len(),
            vector_ids: ids,
            chunked: false,
        })
    })
    .await
}

/// Texts to insert.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TextsOfCollection {
    #[schemars(with = "Name")]
    collection: String,
    /// Either all of them are inserted or none.
    texts: Vec<Object<TextWithId>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TextWithId {
    #[schemars(length(min = 1, max = 1024))]
    id: String,
    #[schemars(length(min = 1))]
    text: Box<str>,
    metadata: Option<Metadata>,
    /// When it expires: milliseconds since 1970, or a time as in RFC 3339. Default: never, or as
    /// the collection's TTL says.
    expires_at: Option<ExpiresAt>,
}

/// The result of inserting texts. Either all texts are inserted or none.
#[derive(Serialize, JsonSchema)]
pub struct BatchResponse {
    success: bool,
    collection: String,
    operation: &'static str,
    total_operations: usize,
    successful_operations: usize,
    failed_operations: usize,
    duration_ms: u64,
    errors: Vec<String>,
}

pub async fn insert_texts(
    api: Api,
    request: ApiRequest<Anywhere, NoQuery, JsonBody<TextsOfCollection>>,
) -> Answered<BatchResponse> {
    let begun = Instant::now();
    let JsonBody(sent) = request.body;
    let name = sent.collection.clone();
    let texts = sent.texts.into_iter().map(|Object(text)| NewVector {
        id: Some(text.id),
        text: Some(text.text),
        vector: None,
        metadata: text.metadata,
        expires_at: text.expires_at,
        key: "",
    });
    vectors::insert_all(
        &api,
        sent.collection,
        "texts",
        texts.collect(),
        move |ids| {
            Answer::of(&BatchResponse {
                success: true,
                collection: name.clone(),
                operation: "insert_texts",
                total_operations: ids.len(),
                successful_operations: ids.len(),
                failed_operations: 0,
                duration_ms: begun.elapsed().as_millis() as u64,
                errors: Vec::new(),
            })
        },
    )
    .await
}

/// Vectors to insert.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VectorsOfCollection {
    #[schemars(with = "Name")]
    collection: String,
    /// Either all of them are inserted or none.
    vectors: Vec<Object<Embedded>>,
}

/// A vector, with any of the names that clients use for its parts.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("required" = ["embedding"]))]
struct Embedded {
    /// Default: a new UUID (version 7).
    #[schemars(length(min = 1, max = 1024))]
    id: Option<String>,
    /// The values. Also `vector` and `data`.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Values")]
    embedding: Option<Values>,
    #[serde(default, deserialize_with = "given")]
    #[schemars(skip)]
    vector: Option<Values>,
    #[serde(default, deserialize_with = "given")]
    #[schemars(skip)]
    data: Option<Values>,
    /// The metadata. Also `metadata`, but not both.
    #[serde(alias = "metadata")]
    payload: Option<Metadata>,
    /// When it expires: milliseconds since 1970, or a time as in RFC 3339. Default: never, or as
    /// the collection's TTL says.
    expires_at: Option<ExpiresAt>,
}

impl Embedded {
    /// Converts the vector at an index in the list.
    fn into_new(self, at: usize) -> Handled<NewVector> {
        let (key, values) = match (self.embedding, self.vector, self.data) {
            (Some(values), None, None) => ("embedding", values),
            (None, Some(values), None) => ("vector", values),
            (None, None, Some(values)) => ("data", values),
            _ => {
                return Err(Failure::Invalid(format!(
                    "body.vectors[{at}]: give the values once, as embedding, vector or data"
                )));
            }
        };
        Ok(NewVector {
            id: self.id,
            text: None,
            vector: Some(values),
            metadata: self.payload,
            expires_at: self.expires_at,
            key,
        })
    }
}

/// The result of inserting vectors. Either all vectors are inserted or none.
#[derive(Serialize, JsonSchema)]
pub struct BatchInsertReport {
    collection: String,
    inserted: usize,
    failed: usize,
    count: usize,
    /// The ids in order, each once.
    ids: Vec<Id>,
}

pub async fn insert_vectors(
    api: Api,
    request: ApiRequest<Anywhere, NoQuery, JsonBody<VectorsOfCollection>>,
) -> Answered<BatchInsertReport> {
    let JsonBody(sent) = request.body;
    let name = sent.collection.clone();
    let all = sent.vectors.into_iter().enumerate();
    let all: Handled<_> = all
        .map(|(at, Object(vector))| vector.into_new(at))
        .collect();
    vectors::insert_all(&api, sent.collection, "vectors", all?, move |ids| {
        Answer::of(&BatchInsertReport {
            collection: name.clone(),
            inserted: ids.len(),
            failed: 0,
            count: ids.len(),
            ids,
        })
    })
    .await
}

/// The parts of a vector to replace; omitted parts stay as they are. At least one is required.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("anyOf" = [
    { "required": ["text"], "properties": { "text": { "type": "string" } } },
    { "required": ["vector"], "properties": { "vector": { "type": "array" } } },
    { "required": ["metadata"], "properties": { "metadata": { "type": "object" } } },
    { "required": ["expires_at"] },
]))]
pub struct ChangesOfCollection {
    #[schemars(with = "Name")]
    collection: String,
    id: String,
    #[schemars(length(min = 1))]
    text: Option<Box<str>>,
    /// Also `data`.
    vector: Option<Values>,
    #[schemars(skip)]
    data: Option<Values>,
    /// Replaces the metadata completely. Also `payload`.
    #[serde(alias = "payload")]
    metadata: Option<Metadata>,
    /// When it expires: milliseconds since 1970, or a time as in RFC 3339. Null: never, or as the
    /// collection's TTL says.
    #[serde(default, deserialize_with = "expiry::change")]
    #[schemars(with = "Option<ExpiresAt>")]
    expires_at: ExpiryChange,
}

pub async fn update(
    api: Api,
    request: ApiRequest<Anywhere, NoQuery, JsonBody<ChangesOfCollection>>,
) -> Answered<StoredVector> {
    let JsonBody(sent) = request.body;
    let (place, vector) = match (sent.vector, sent.data) {
        (Some(_), Some(_)) => {
            return Err(Failure::Invalid(
                "body: give the values once, as vector or data".into(),
            ));
        }
        (None, Some(data)) => ("body.data", Some(data)),
        (vector, None) => ("body.vector", vector),
    };
    let changes = Changes {
        text: sent.text,
        vector,
        metadata: sent.metadata,
        expires_at: sent.expires_at,
    };
    vectors::change(api, sent.collection, sent.id, changes, place).await
}

/// Options of a write, as Qdrant's clients send them in the query.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Writing {
    /// Has no effect: every write is complete when the response is sent.
    #[serde(rename = "wait")]
    _wait: Option<bool>,
    /// Has no effect: writes are executed one after another.
    #[serde(rename = "ordering")]
    _ordering: Option<Ordering>,
}

/// Qdrant's orderings.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Ordering {
    Weak,
    Medium,
    Strong,
}

/// Points to insert or replace.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Points {
    /// Either all of them are inserted or none.
    points: Vec<Object<Point>>,
    /// Has no effect: every write is complete when the response is sent.
    #[serde(rename = "wait")]
    _wait: Option<bool>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Point {
    #[schemars(with = "NewPointId")]
    id: PointId,
    vector: Values,
    payload: Option<Metadata>,
    /// When it expires: milliseconds since 1970, or a time as in RFC 3339. Default: never, or as
    /// the collection's TTL says.
    expires_at: Option<ExpiresAt>,
}

/// Points to delete, by id or by filter.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    { "required": ["points"], "properties": { "points": { "type": "array" } } },
    { "required": ["filter"] },
]))]
pub struct PointsToDelete {
    points: Option<Vec<PointId>>,
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "FilterText")]
    filter: Option<FilterText>,
    /// Has no effect: every delete is complete when the response is sent.
    #[serde(rename = "wait")]
    _wait: Option<bool>,
}

/// The result of an operation on points.
#[derive(Serialize, JsonSchema)]
pub struct PointsAnswer {
    result: PointsResult,
    /// Always `ok`.
    status: &'static str,
    /// In seconds.
    time: f64,
}

#[derive(Serialize, JsonSchema)]
struct PointsResult {
    operation_id: u64,
    /// Always `completed`.
    status: &'static str,
}

impl PointsAnswer {
    fn new(begun: Instant) -> Self {
        Self {
            result: PointsResult {
                operation_id: 0,
                status: "completed",
            },
            status: "ok",
            time: begun.elapsed().as_secs_f64(),
        }
    }
}

pub async fn upsert_points(
    api: Api,
    request: ApiRequest<InCollection, Writing, JsonBody<Points>>,
) -> Answered<PointsAnswer> {
    let begun = Instant::now();
    let JsonBody(Points { points, .. }) = request.body;
    let all = points.into_iter().map(|Object(point)| NewVector {
        id: Some(point.id.0),
        text: None,
        vector: Some(point.vector),
        metadata: point.payload,
        expires_at: point.expires_at,
        key: "vector",
    });
    let report = move |_| Answer::of(&PointsAnswer::new(begun));
    vectors::insert_all(&api, request.at.collection, "points", all.collect(), report).await
}

pub async fn delete_points(
    api: Api,
    request: ApiRequest<InCollection, Writing, JsonBody<PointsToDelete>>,
) -> Answered<PointsAnswer> {
    let begun = Instant::now();
    let (collection, JsonBody(sent)) = (request.at.collection, request.body);
    match (sent.points, sent.filter) {
        (Some(points), None) => {
            let ids = Ids {
                ids: points.into_iter().map(|PointId(id)| id).collect(),
                receipt: None,
                at_most: None,
                expect: None,
                reason: None,
                undo: None,
            };
            deletes::delete_many(api, collection, ids).await?;
        }
        (None, Some(filter)) => {
            let request = ByFilter {
                filter,
                dry_run: None,
                rows: None,
                receipt: None,
                at_most: None,
                expect: None,
                reason: None,
                undo: None,
            };
            deletes::delete_matching(api, collection, request).await?;
        }
        _ => {
            return Err(Failure::Invalid(
                "body: give either points or a filter".into(),
            ));
        }
    }
    Ok(Answer::of(&PointsAnswer::new(begun))?)
}
