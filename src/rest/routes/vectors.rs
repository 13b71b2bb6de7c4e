//! Routes for vectors: inserting, reading, updating.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::rest::{
    Api,
    document::{
        metadata::{Metadata, stored_metadata},
        names::{InCollection, OfVector},
        numbers::{Values, Whole},
    },
    failure::Failure,
    request::{Answer, Answered, ApiRequest, JsonBody, NoBody, NoQuery},
};
use crate::{
    calls::{
        Dispatch, Insert,
        arguments::{self, Object},
        dispatch::INLINE_EMBEDDED,
        expiry::{self, ExpiresAt},
    },
    collection::{Access, Batch, ExpiryChange, Item, Name, Names},
    embed::embed,
    error::{Error, Result},
    wiped::Id,
};

/// A vector to insert, by its values or by a text to embed.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("anyOf" = [
    { "required": ["text"], "properties": { "text": { "type": "string" } } },
    { "required": ["vector"], "properties": { "vector": { "type": "array" } } },
]))]
pub struct NewVector {
    /// 1 to 1,024 bytes. Default: a new UUID (version 7).
    #[schemars(length(min = 1, max = 1024))]
    pub id: Option<String>,
    /// A text, embedded unless `vector` is given as well; stored in either case.
    #[schemars(length(min = 1))]
    pub text: Option<Box<str>>,
    /// As many values as the collection has dimensions; stored as 32-bit floats.
    pub vector: Option<Values>,
    pub metadata: Option<Metadata>,
    /// When it expires: milliseconds since 1970, or a time as in RFC 3339. Default: never, or as
    /// the collection's TTL says.
    pub expires_at: Option<ExpiresAt>,
    /// The client's name for the values.
    #[serde(skip, default = "values_key")]
    pub key: &'static str,
}

fn values_key() -> &'static str {
    "vector"
}

impl NewVector {
    fn text_bytes(&self) -> usize {
        let length = |text: &Option<Box<str>>| text.as_ref().map_or(0, |text| text.len());
        let id = self.id.as_ref().map_or(0, String::len);
        id + length(&self.text) + self.metadata.as_ref().map_or(0, Metadata::bytes)
    }
}

/// Vectors to insert.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewVectors {
    /// Either all of them are inserted or none. If an id occurs twice, the last one wins.
    vectors: Vec<Object<NewVector>>,
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
pub struct Changes {
    /// A new text, embedded unless `vector` is given as well.
    #[schemars(length(min = 1))]
    pub text: Option<Box<str>>,
    pub vector: Option<Values>,
    /// Replaces the metadata completely.
    pub metadata: Option<Metadata>,
    /// When it expires: milliseconds since 1970, or a time as in RFC 3339. Null: never, or as the
    /// collection's TTL says.
    #[serde(default, deserialize_with = "expiry::change")]
    #[schemars(with = "Option<ExpiresAt>")]
    pub expires_at: ExpiryChange,
}

/// Which vectors to list.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pages {
    /// The most vectors to return. Default 10.
    #[schemars(range(min = 1))]
    limit: Option<Whole>,
    /// How many vectors to skip. Default 0.
    offset: Option<Whole>,
    /// List only these: ids, separated by commas. Ids that do not exist are left out.
    ids: Option<String>,
}

/// A vector that has been inserted.
#[derive(Serialize, JsonSchema)]
pub struct Inserted {
    id: Id,
    /// Always `inserted`; a vector with the same id has been replaced.
    status: &'static str,
}

/// The result of inserting vectors.
#[derive(Serialize, JsonSchema)]
pub struct InsertReport {
    /// How many were inserted or replaced.
    inserted: usize,
    /// Their ids in order, each once.
    ids: Vec<Id>,
}

/// A stored vector.
#[derive(Serialize, JsonSchema)]
pub struct StoredVector {
    id: Id,
    vector: Arc<[f32]>,
    /// The same as `vector`, under the SDKs' name. Absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Arc<[f32]>>,
    /// Absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Metadata>")]
    metadata: Option<Arc<RawValue>>,
    /// The same as `metadata`, under the SDKs' name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Metadata>")]
    payload: Option<Arc<RawValue>>,
    /// The text from which it was embedded. Absent if it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Box<str>>,
    /// When it expires, in milliseconds since 1970. Absent if it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
}

/// A page of the list of vectors, in insertion order.
#[derive(Serialize, JsonSchema)]
pub struct VectorPage {
    vectors: Vec<StoredVector>,
    /// The number of vectors on all pages.
    total: usize,
    limit: usize,
    offset: usize,
}

impl StoredVector {
    fn of(item: Item, in_list: bool) -> Result<Self> {
        let vector: Arc<[f32]> = item.data.unwrap_or_default().into();
        let metadata = stored_metadata(item.metadata)?;
        Ok(Self {
            id: item.id,
            data: (!in_list).then(|| vector.clone()),
            vector,
            payload: metadata.clone(),
            metadata,
            text: item.text,
            expires_at: item.expires_at,
        })
    }

    /// The response with a single vector.
    pub fn answer(item: Item) -> Result<Answer<Self>> {
        Answer::of(&Self::of(item, false)?)
    }
}

/// Inserts either all vectors or none, and responds with the result of `report` for the ids. `list`
/// is the name of the list they are in, for error messages.
pub async fn insert_all<A: Send + 'static>(
    api: &Api,
    collection: String,
    list: &'static str,
    vectors: Vec<NewVector>,
    report: impl FnOnce(Vec<Id>) -> Result<Answer<A>> + Send + 'static,
) -> Answered<A> {
    let place = move |at: usize, key: &str| match list {
        "" => format!("body.{key}"),
        list => format!("body.{list}[{at}].{key}"),
    };
    let mut texts = Vec::new();
    for (at, vector) in vectors.iter().enumerate() {
        match (&vector.vector, &vector.text) {
            (_, Some(text)) if text.is_empty() => {
                return Err(Failure::Invalid(format!("{} is empty", place(at, "text"))));
            }
            (None, None) => {
                return Err(Failure::Invalid(format!(
                    "{} is missing: give a vector or a text",
                    place(at, "vector")
                )));
            }
            (None, Some(text)) => texts.push(text.clone()),
            (Some(_), _) => {}
        }
    }
    let values = vectors.iter().filter_map(|vector| vector.vector.as_ref());
    let dispatch = match texts.is_empty() {
        true => Dispatch::of_rows(
            values.map(|values| values.0.len()).sum(),
            vectors.iter().map(NewVector::text_bytes).sum(),
        ),
        false => Dispatch::Blocking,
    };
    let embedded = api.embedded(&collection, texts).await?;
    let keys: Vec<_> = vectors
        .iter()
        .map(|vector| vector.vector.as_ref().map(|_| vector.key))
        .collect();
    let names = Names::new(
        move |at| match keys.get(at).copied().flatten() {
            Some(key) => Name::At(place(at, key).into()),
            None => Name::MadeOf(place(at, "text").into()),
        },
        move |at| place(at, "id"),
    );
    let batch = move |dimension| {
        Ok(Batch {
            names,
            ..batch(vectors, embedded, dimension)
        })
    };
    api.start(dispatch, Insert::new(collection, batch, report))
        .await
}

/// Converts `vectors` to columns. Texts get their vectors from `embedded`, in order, or from the
/// built-in embedder.
fn batch(vectors: Vec<NewVector>, embedded: Option<Vec<Vec<f32>>>, dimension: usize) -> Batch {
    let mut batch = Batch::default();
    let mut embedded = embedded.map(Vec::into_iter);
    for vector in vectors {
        let values = vector
            .vector
            .map(|Values(values)| values)
            .unwrap_or_else(|| {
                let text = vector.text.as_deref().unwrap_or_default();
                match &mut embedded {
                    Some(rows) => rows.next().unwrap_or_default(),
                    None => embed(text, dimension),
                }
            });
        batch.lengths.push(values.len() as u32);
        batch.data.extend(values);
        batch.ids.push(vector.id);
        batch
            .metadata
            .push(vector.metadata.map(Metadata::into_text));
        batch.texts.push(vector.text);
        batch.expires_at.push(vector.expires_at.map(|at| at.0));
    }
    batch
}

pub async fn insert(
    api: Api,
    request: ApiRequest<InCollection, NoQuery, JsonBody<NewVector>>,
) -> Answered<Inserted> {
    let JsonBody(vector) = request.body;
    insert_all(&api, request.at.collection, "", vec![vector], |ids| {
        Answer::of(&Inserted {
            id: ids.first().cloned().unwrap_or_default(),
            status: "inserted",
        })
    })
    .await
}

pub async fn batch_insert(
    api: Api,
    request: ApiRequest<InCollection, NoQuery, JsonBody<NewVectors>>,
) -> Answered<InsertReport> {
    let vectors = request.body.0.vectors.into_iter();
    let vectors = vectors.map(|Object(vector)| vector).collect();
    insert_all(&api, request.at.collection, "vectors", vectors, |ids| {
        Answer::of(&InsertReport {
            inserted: ids.len(),
            ids,
        })
    })
    .await
}

pub async fn get(
    api: Api,
    request: ApiRequest<OfVector, NoQuery, NoBody>,
) -> Answered<StoredVector> {
    let OfVector { collection, id } = request.at;
    let share = api.answers.reserve(0)?;
    let answer = api.run(Dispatch::Inline, move |call, access| {
        StoredVector::answer(call.collection(&collection)?.get(access, &id)?)
    });
    Ok(answer.await?.within(share))
}

pub async fn list(
    api: Api,
    request: ApiRequest<InCollection, Pages, NoBody>,
) -> Answered<VectorPage> {
    let (name, pages) = (request.at.collection, request.query);
    let limit = pages.limit.map_or(10, |limit| limit.0);
    let offset = pages.offset.map_or(0, |offset| offset.0);
    arguments::check_limit(limit)?;
    let share = api.reserve(&name, limit, true)?;
    let answer = api.once(move |call| {
        let collection = call.collection(&name)?;
        let (items, total) = match &pages.ids {
            None => {
                let page = collection.list(offset, limit)?;
                (page.vectors, page.total)
            }
            Some(ids) => {
                let (mut found, mut total) = (Vec::new(), 0);
                for id in ids.split(',') {
                    match collection.get(Access::Wait, id) {
                        Ok(item) => {
                            if total >= offset && found.len() < limit {
                                found.push(item);
                            }
                            total += 1;
                        }
                        Err(Error::VectorNotFound { .. }) => {}
                        Err(error) => return Err(error),
                    }
                }
                (found, total)
            }
        };
        let vectors: Result<_> = items
            .into_iter()
            .map(|item| StoredVector::of(item, true))
            .collect();
        Answer::of(&VectorPage {
            vectors: vectors?,
            total,
            limit,
            offset,
        })
    });
    Ok(answer.await?.within(share))
}

pub async fn update(
    api: Api,
    request: ApiRequest<OfVector, NoQuery, JsonBody<Changes>>,
) -> Answered<StoredVector> {
    let (OfVector { collection, id }, JsonBody(changes)) = (request.at, request.body);
    change(api, collection, id, changes, "body.vector").await
}

/// Replaces the given parts of a vector, and responds with the updated vector. `place` is the place
/// of its values, for error messages.
pub async fn change(
    api: Api,
    collection: String,
    id: String,
    changes: Changes,
    place: &'static str,
) -> Answered<StoredVector> {
    let mut name = Name::at(place);
    let Changes {
        text,
        mut vector,
        metadata,
        expires_at,
    } = changes;
    if let (None, Some(text)) = (&vector, &text)
        && !text.is_empty()
    {
        let rows = api.embedded(&collection, vec![text.clone()]).await?;
        vector = rows.and_then(|mut rows| rows.pop()).map(Values);
        name = Name::made_of("body.text");
    }
    let metadata = metadata.map(Metadata::into_text);
    let vector = vector.map(|Values(values)| values);
    let bytes = [&text, &metadata].map(|text| text.as_ref().map_or(0, |text| text.len()));
    let dispatch = Dispatch::of_update(vector.as_ref().map(Vec::len), bytes.iter().sum());
    api.run(dispatch, move |call, access| {
        let collection = call.collection(&collection)?;
        let dimension = collection.config().dimension;
        let embedded = |text: &str| embed(text, dimension);
        let embeds = text
            .as_ref()
            .is_some_and(|text| text.len() > INLINE_EMBEDDED);
        if access == Access::Now && vector.is_none() && embeds {
            return Err(Error::WouldBlock);
        }
        let (vector, text) = (vector.clone(), text.clone());
        let (name, metadata) = (name.clone(), metadata.clone());
        let update = arguments::update(vector, name, text, metadata, expires_at, embedded)?;
        StoredVector::answer(collection.update(access, &id, &update)?)
    })
    .await
}
