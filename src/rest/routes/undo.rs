//! Routes about what was deleted with `undo`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::rest::{
    Api,
    document::{names::InCollection, numbers::Whole},
    failure::Failure,
    request::{Answer, Answered, Anywhere, ApiRequest, JsonBody, NoBody, NoQuery},
};
use crate::{
    calls::{
        arguments::{LISTED, checked_reason, given, which},
        reports::{Asked, DeletedReport, PurgeReport, UndeleteReport},
    },
    collection::check_rows,
    error::Error,
};

/// Which part of what was deleted is listed.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    /// How many vectors are left out at the beginning. Default 0.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Whole", extend("default" = 0))]
    offset: Option<Whole>,
    /// The maximum number of vectors. Default 100.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Whole", range(min = 1, max = 1000), extend("default" = 100))]
    limit: Option<Whole>,
}

/// What is to be brought back: either vectors with these ids, or whatever one call has deleted.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["ids"] }, { "required": ["token"] }]))]
pub struct UndeleteRequest {
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Vec<String>")]
    ids: Option<Vec<String>>,
    /// The token that the call has given. If it has deleted the collection itself, that is brought
    /// back.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "String")]
    token: Option<String>,
}

/// What is to be erased: vectors with these ids, whatever one call has deleted, or all vectors of
/// the collection that wait.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    { "required": ["ids"] },
    { "required": ["token"] },
    { "required": ["all"] },
]))]
pub struct PurgeRequest {
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Vec<String>")]
    ids: Option<Vec<String>>,
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "String")]
    token: Option<String>,
    /// Only `true`: all vectors.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "bool", extend("const" = true))]
    all: Option<bool>,
    /// Add a proof of erasure to the report. Default false.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "bool", extend("default" = false))]
    receipt: Option<bool>,
    /// Why, for the receipt and the ledger.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "String", length(min = 1, max = 1000))]
    reason: Option<String>,
}

pub async fn list_all(
    api: Api,
    _: ApiRequest<Anywhere, NoQuery, NoBody>,
) -> Answered<DeletedReport> {
    api.once(|call| Answer::of(&DeletedReport::of(call.list_deleted(None, 0, 1)?)?))
        .await
}

pub async fn list(
    api: Api,
    request: ApiRequest<InCollection, ListQuery, NoBody>,
) -> Answered<DeletedReport> {
    let (name, query) = (request.at.collection, request.query);
    let offset = query.offset.map_or(0, |Whole(offset)| offset);
    let limit = query.limit.map_or(LISTED, |Whole(limit)| limit);
    check_rows("query.limit", limit)?;
    let share = api.reserve(&name, limit, false)?;
    let answer = api.once(move |call| {
        let list = call.list_deleted(Some(&name), offset, limit)?;
        Answer::of(&DeletedReport::of(list)?)
    });
    Ok(answer.await?.within(share))
}

pub async fn undelete(
    api: Api,
    request: ApiRequest<InCollection, NoQuery, JsonBody<UndeleteRequest>>,
) -> Answered<UndeleteReport> {
    let (name, JsonBody(body)) = (request.at.collection, request.body);
    let what = which(body.ids, body.token, "body")?;
    let what = what.ok_or_else(|| Error::Validation("body: give ids or a token".into()))?;
    api.once(move |call| {
        let undeleted = call.undelete(&name, what, None)?;
        Answer::of(&UndeleteReport::of(&name, undeleted)?)
    })
    .await
}

pub async fn purge(
    api: Api,
    request: ApiRequest<InCollection, NoQuery, JsonBody<PurgeRequest>>,
) -> Answered<PurgeReport> {
    let (name, JsonBody(body)) = (request.at.collection, request.body);
    let reason = checked_reason(body.reason, "body.reason")?;
    let (ids, receipt) = (body.ids.clone(), body.receipt.unwrap_or(false));
    let what = match (which(body.ids, body.token, "body")?, body.all) {
        (None, Some(true)) => None,
        (Some(what), None) => Some(what),
        _ => {
            return Err(Failure::Invalid(
                "body: give ids, a token, or all as true, and one of them".into(),
            ));
        }
    };
    api.once(move |call| {
        let asked = ids
            .as_ref()
            .map_or_else(Asked::default, |ids| Asked::ids(ids.len()));
        let purged = call.purge_deleted(&name, what, receipt, reason.as_deref())?;
        Answer::of(&PurgeReport::of(&name, ids, purged, asked))
    })
    .await
}
