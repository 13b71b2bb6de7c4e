//! The route that deletes what belongs to somebody in all collections.

use schemars::JsonSchema;
use serde::Deserialize;

use super::deletes::{guards, refused};
use crate::rest::{
    Api,
    document::{filter::FilterText, names::Name, numbers::Whole},
    reports::{ForgetReport, RefusedReport},
    request::{Answer, Answered, Anywhere, ApiRequest, JsonBody, NoQuery},
};
use crate::{
    calls::{
        arguments::{check_collections, checked_reason, given, selection},
        reports::{Asked, Selector},
    },
    client::Forgetting,
};

/// What to forget: either the vectors that match or those with the ids.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["ids"] }, { "required": ["filter"] }]))]
pub struct ForgetRequest {
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "FilterText")]
    filter: Option<FilterText>,
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Vec<String>")]
    ids: Option<Vec<String>>,
    /// The names of the collections. Default: all.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Vec<Name>", length(min = 1))]
    collections: Option<Vec<String>>,
    /// Delete nothing; report what would be deleted. Default false.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "bool", extend("default" = false))]
    dry_run: Option<bool>,
    /// Delete nothing if more vectors than this match in all the collections together: the answer
    /// is then an error of the code `TOO_MANY_MATCHES`, with the report. This holds for a dry run
    /// too.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Whole")]
    at_most: Option<Whole>,
    /// The same if another number of vectors than this matches.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Whole")]
    expect: Option<Whole>,
    /// Why, for the receipt and the ledger.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "String", length(min = 1, max = 1000))]
    reason: Option<String>,
}

pub async fn forget(
    api: Api,
    request: ApiRequest<Anywhere, NoQuery, JsonBody<ForgetRequest>>,
) -> Answered<ForgetReport> {
    let JsonBody(body) = request.body;
    let reason = checked_reason(body.reason, "body.reason")?;
    if let Some(collections) = &body.collections {
        check_collections(collections, "body.collections")?;
    }
    let filter = body.filter.as_ref().map(FilterText::text);
    let requested = body.ids.as_ref().map(Vec::len);
    let selection = selection(body.ids, filter, "body")?;
    let asked = Asked {
        requested,
        filter: body.filter.map(FilterText::into_raw),
    };
    let forgetting = Forgetting {
        selection,
        collections: body.collections,
        dry_run: body.dry_run.unwrap_or(false),
        guards: guards(body.at_most, body.expect),
        reason,
        on_progress: None,
    };
    api.once(move |call| {
        let forgotten = call.forget(forgetting)?;
        let refusal = forgotten.refusal;
        let report = ForgetReport::of(forgotten, asked);
        match refusal {
            None => Answer::of(&report),
            Some(refusal) => refused(refusal, Selector::Forgotten, RefusedReport::Forget(report)),
        }
    })
    .await
}
