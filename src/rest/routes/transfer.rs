//! Routes that move and copy vectors to another collection.

use schemars::JsonSchema;
use serde::Deserialize;

use super::deletes::{guards, refused};
use crate::rest::{
    Api,
    document::{
        filter::FilterText,
        names::{InCollection, Name},
        numbers::Whole,
    },
    reports::{CopyReport, MoveReport, RefusedReport},
    request::{Answer, Answered, ApiRequest, JsonBody, NoQuery},
};
use crate::{
    calls::{
        arguments::{check_transfer, checked_reason, given, selection},
        reports::{Asked, Selector},
    },
    client::Transfer,
};

/// Vectors to move to another collection: either those with the ids, or those that match.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "oneOf" = [{ "required": ["ids"] }, { "required": ["filter"] }],
    "not" = {
        "required": ["dry_run", "receipt"],
        "properties": { "dry_run": { "const": true }, "receipt": { "const": true } },
    },
))]
pub struct MoveRequest {
    /// The name of the collection that they are moved to.
    #[schemars(with = "Name")]
    destination: String,
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Vec<String>")]
    ids: Option<Vec<String>>,
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "FilterText")]
    filter: Option<FilterText>,
    /// Replace vectors of the destination that have the same ids. Default false.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "bool", extend("default" = false))]
    overwrite: Option<bool>,
    /// Change nothing; report what would be moved. Default false.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "bool", extend("default" = false))]
    dry_run: Option<bool>,
    /// Change nothing if more vectors than this would be moved: the answer is then an error of the
    /// code `TOO_MANY_MATCHES`, with the report. This holds for a dry run too.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Whole")]
    at_most: Option<Whole>,
    /// The same if another number of vectors than this would be moved.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Whole")]
    expect: Option<Whole>,
    /// Add a proof of what was erased in the source to the report; not with `dry_run`. Default
    /// false.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "bool", extend("default" = false))]
    receipt: Option<bool>,
    /// Why, for the receipt and the ledger.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "String", length(min = 1, max = 1000))]
    reason: Option<String>,
}

/// Vectors to copy to another collection: either those with the ids, or those that match.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["ids"] }, { "required": ["filter"] }]))]
pub struct CopyRequest {
    /// The name of the collection that they are copied to.
    #[schemars(with = "Name")]
    destination: String,
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Vec<String>")]
    ids: Option<Vec<String>>,
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "FilterText")]
    filter: Option<FilterText>,
    /// Replace vectors of the destination that have the same ids. Default false.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "bool", extend("default" = false))]
    overwrite: Option<bool>,
    /// Change nothing; report what would be copied. Default false.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "bool", extend("default" = false))]
    dry_run: Option<bool>,
    /// Change nothing if more vectors than this would be copied: the answer is then an error of
    /// the code `TOO_MANY_MATCHES`, with the report. This holds for a dry run too.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Whole")]
    at_most: Option<Whole>,
    /// The same if another number of vectors than this would be copied.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Whole")]
    expect: Option<Whole>,
}

pub async fn move_vectors(
    api: Api,
    request: ApiRequest<InCollection, NoQuery, JsonBody<MoveRequest>>,
) -> Answered<MoveReport> {
    let (source, JsonBody(body)) = (request.at.collection, request.body);
    let destination = body.destination;
    let (dry_run, receipt) = (body.dry_run.unwrap_or(false), body.receipt.unwrap_or(false));
    check_transfer(dry_run, receipt, "body.dry_run")?;
    let reason = checked_reason(body.reason, "body.reason")?;
    let filter = body.filter.as_ref().map(FilterText::text);
    let requested = body.ids.as_ref().map(Vec::len);
    let transfer = Transfer {
        selection: selection(body.ids, filter, "body")?,
        moves: true,
        overwrite: body.overwrite.unwrap_or(false),
        dry_run,
        guards: guards(body.at_most, body.expect),
        receipt,
        reason,
        on_progress: None,
    };
    let asked = Asked {
        requested,
        filter: body.filter.map(FilterText::into_raw),
    };
    api.once(move |call| {
        let moved = call.transfer(&source, &destination, transfer)?;
        let refusal = moved.refusal;
        let report = MoveReport::of(&source, &destination, moved, asked);
        match refusal {
            None => Answer::of(&report),
            Some(refusal) => refused(refusal, Selector::Moved, RefusedReport::Move(report)),
        }
    })
    .await
}

pub async fn copy_vectors(
    api: Api,
    request: ApiRequest<InCollection, NoQuery, JsonBody<CopyRequest>>,
) -> Answered<CopyReport> {
    let (source, JsonBody(body)) = (request.at.collection, request.body);
    let destination = body.destination;
    let filter = body.filter.as_ref().map(FilterText::text);
    let transfer = Transfer {
        selection: selection(body.ids, filter, "body")?,
        moves: false,
        overwrite: body.overwrite.unwrap_or(false),
        dry_run: body.dry_run.unwrap_or(false),
        guards: guards(body.at_most, body.expect),
        receipt: false,
        reason: None,
        on_progress: None,
    };
    api.once(move |call| {
        let copied = call.transfer(&source, &destination, transfer)?;
        let refusal = copied.refusal;
        let report = CopyReport::of(&source, &destination, copied);
        match refusal {
            None => Answer::of(&report),
            Some(refusal) => refused(refusal, Selector::Copied, RefusedReport::Copy(report)),
        }
    })
    .await
}
