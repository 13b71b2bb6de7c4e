//! Routes that change many vectors in one commit.

use std::time::Instant;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::deletes::{guards, refused};
use crate::rest::{
    Api,
    document::{
        filter::FilterText,
        metadata::Metadata,
        names::InCollection,
        numbers::{Values, Whole},
    },
    reports::{PatchReport, RefusedReport},
    request::{Answer, Answered, ApiRequest, JsonBody, NoQuery},
};
use crate::{
    calls::{
        arguments::{Object, given},
        expiry::{self, ExpiresAt},
        reports::{BatchUpdated, Selector},
        updates::{UpdateRow, check_updates, updates},
    },
    collection::{ExpiryChange, Patch, Places},
    embed::embed,
    filter,
};

/// A change to the metadata of every vector that matches.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchRequest {
    filter: FilterText,
    /// A JSON merge patch (RFC 7396), of at most 1,048,576 bytes: null removes a member, objects are
    /// merged, and anything else replaces what is there.
    patch: Metadata,
    /// Change nothing; report what would be changed. Default false.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "bool", extend("default" = false))]
    dry_run: Option<bool>,
    /// Change nothing if more vectors than this match: the answer is then an error of the code
    /// `TOO_MANY_MATCHES`, with the report. This holds for a dry run too.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Whole")]
    at_most: Option<Whole>,
    /// The same if another number of vectors than this matches.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Whole")]
    expect: Option<Whole>,
}

pub async fn patch_metadata(
    api: Api,
    request: ApiRequest<InCollection, NoQuery, JsonBody<PatchRequest>>,
) -> Answered<PatchReport> {
    let (name, JsonBody(body)) = (request.at.collection, request.body);
    let patch = Patch {
        filter: filter::parse_text(body.filter.text())?,
        patch: body.patch.into_text(),
        dry_run: body.dry_run.unwrap_or(false),
        guards: guards(body.at_most, body.expect),
        on_progress: None,
    };
    api.once(move |call| {
        let patched = call.collection(&name)?.patch_metadata(patch)?;
        let refusal = patched.refusal;
        let report = PatchReport::of(patched);
        match refusal {
            None => Answer::of(&report),
            Some(refusal) => refused(refusal, Selector::Patched, RefusedReport::Patch(report)),
        }
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
struct ChangesOf {
    id: String,
    /// A new text, embedded unless `vector` is given as well.
    #[schemars(length(min = 1))]
    text: Option<Box<str>>,
    vector: Option<Values>,
    /// Replaces the metadata completely.
    metadata: Option<Metadata>,
    /// When it expires: milliseconds since 1970, or a time as in RFC 3339. Null: never, or as the
    /// collection's TTL says.
    #[serde(default, deserialize_with = "expiry::change")]
    #[schemars(with = "Option<ExpiresAt>")]
    expires_at: ExpiryChange,
}

/// Vectors to update.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateRequest {
    /// Each id at most once. Those that exist are updated, all of them or none.
    updates: Vec<Object<ChangesOf>>,
}

/// What became of one of the updates.
#[derive(Serialize, JsonSchema)]
struct UpdateResult {
    id: String,
    /// Its index in the request.
    index: usize,
    #[schemars(extend("enum" = ["ok", "error"]))]
    status: &'static str,
    /// The reason, if the status is `error`.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// The result of updating many vectors, with one row for each in the order of the request.
#[derive(Serialize, JsonSchema)]
pub struct BatchUpdateReport {
    #[serde(flatten)]
    all: BatchUpdated,
    results: Vec<UpdateResult>,
}

impl BatchUpdateReport {
    /// The report on updates of these ids, of which `found` says whether they were there.
    fn of(collection: &str, ids: Vec<String>, found: &[bool], begun: Instant) -> Self {
        let all = BatchUpdated::of(collection, &ids, found, begun);
        let results = ids.into_iter().zip(found).enumerate();
        let results = results.map(|(index, (id, &found))| UpdateResult {
            id,
            index,
            status: match found {
                true => "ok",
                false => "error",
            },
            error: BatchUpdated::error(found),
        });
        Self {
            all,
            results: results.collect(),
        }
    }
}

/// The text of an update from which its vector is to be made.
fn text_to_embed(row: &UpdateRow) -> Option<&str> {
    row.text.as_deref().filter(|_| row.data.is_none())
}

const UPDATES: Places = Places {
    list: "body.updates",
    vector: "vector",
};

pub async fn batch_update(
    api: Api,
    request: ApiRequest<InCollection, NoQuery, JsonBody<UpdateRequest>>,
) -> Answered<BatchUpdateReport> {
    let begun = Instant::now();
    let (name, JsonBody(body)) = (request.at.collection, request.body);
    let rows = body.updates.into_iter().map(|Object(row)| UpdateRow {
        id: row.id,
        data: row.vector.map(|Values(values)| values),
        is_embedded: false,
        text: row.text,
        metadata: row.metadata.map(Metadata::into_text),
        expires_at: row.expires_at,
    });
    let mut rows: Vec<UpdateRow> = rows.collect();
    check_updates(&rows, UPDATES)?;
    let texts = rows.iter().filter_map(text_to_embed).map(Box::from);
    if let Some(made) = api.embedded(&name, texts.collect()).await? {
        let embedded = rows.iter_mut().filter(|row| text_to_embed(row).is_some());
        for (row, values) in embedded.zip(made) {
            row.data = Some(values);
            row.is_embedded = true;
        }
    }
    api.once(move |call| {
        let collection = call.collection(&name)?;
        let dimension = collection.config().dimension;
        let ids = rows.iter().map(|row| row.id.clone()).collect();
        let updates = updates(rows, UPDATES, |text| embed(text, dimension))?;
        let found = collection.update_many(updates, None)?;
        Answer::of(&BatchUpdateReport::of(&name, ids, &found, begun))
    })
    .await
}
