//! Routes that delete, and the one that verifies it.

use std::path::Path;

use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rest::{
    Api,
    document::{
        filter::FilterText,
        names::{InCollection, OfVector},
        numbers::Whole,
    },
    failure::ErrorBody,
    reports::{DeleteByFilterReport, DeleteReport, RefusedReport},
    request::{Answer, Answered, Anywhere, ApiRequest, JsonBody, NoBody, NoQuery},
    room::Share,
};
use crate::{
    calls::{
        Dispatch,
        arguments::{check_dry_run, check_undo, checked_reason, given},
        period::Period,
        reports::{Asked, GuardNames, LedgerInfo, Receipt, Selector, Undo, refusal_message},
    },
    collection::{self, Access, DeleteOptions, Guards, Refusal, Residue},
    error::Result,
    filter,
};

/// Vectors to delete.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("not" = {
    "required": ["undo", "receipt"],
    "properties": { "receipt": { "const": true } },
}))]
pub struct Ids {
    pub ids: Vec<String>,
    /// Add a proof of erasure to the report. Default false.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "bool", extend("default" = false))]
    pub receipt: Option<bool>,
    /// Delete nothing if more vectors than this would be deleted: the answer is then an error of
    /// the code `TOO_MANY_MATCHES`, with the report.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Whole")]
    pub at_most: Option<Whole>,
    /// The same if another number of vectors than this would be deleted.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Whole")]
    pub expect: Option<Whole>,
    /// Why, for the receipt and the ledger.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "String", length(min = 1, max = 1000))]
    pub reason: Option<String>,
    /// For how long what is deleted can be undeleted; not with `receipt`. Without it, it is erased at
    /// once.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Period")]
    pub undo: Option<Period>,
}

/// Which vectors to delete, by their metadata.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("not" = { "anyOf": [
    {
        "required": ["dry_run", "receipt"],
        "properties": { "dry_run": { "const": true }, "receipt": { "const": true } },
    },
    { "required": ["rows"], "properties": { "dry_run": { "const": false } } },
    { "required": ["undo", "receipt"], "properties": { "receipt": { "const": true } } },
] }))]
pub struct ByFilter {
    pub filter: FilterText,
    /// Delete nothing; report what would be deleted. Default false.
    // Nulls are refused: a `dry_run` that was read from a missing property must not delete
    // anything.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "bool", extend("default" = false))]
    pub dry_run: Option<bool>,
    /// Show this many of the vectors that match; only with `dry_run`.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Whole", range(min = 1, max = 1000))]
    pub rows: Option<Whole>,
    /// Add a proof of erasure to the report; not with `dry_run`. Default false.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "bool", extend("default" = false))]
    pub receipt: Option<bool>,
    /// Delete nothing if more vectors than this match: the answer is then an error of the code
    /// `TOO_MANY_MATCHES`, with the report. This holds for a dry run too.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Whole")]
    pub at_most: Option<Whole>,
    /// The same if another number of vectors than this matches.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Whole")]
    pub expect: Option<Whole>,
    /// Why, for the receipt and the ledger.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "String", length(min = 1, max = 1000))]
    pub reason: Option<String>,
    /// For how long what is deleted can be undeleted; not with `receipt`. Without it, it is erased at
    /// once.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Period")]
    pub undo: Option<Period>,
}

pub fn guards(at_most: Option<Whole>, expect: Option<Whole>) -> Guards {
    Guards {
        at_most: at_most.map(|Whole(most)| most),
        expect: expect.map(|Whole(expected)| expected),
    }
}

/// The query of a route that deletes one thing.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptQuery {
    /// Add a proof of erasure to the response. Default false.
    #[serde(default)]
    pub receipt: bool,
    /// Why, for the receipt and the ledger.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "String", length(min = 1, max = 1000))]
    reason: Option<String>,
    /// For how long what is deleted can be undeleted; not with `receipt`. Without it, it is erased at
    /// once.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Period")]
    undo: Option<Period>,
}

impl ReceiptQuery {
    /// The options, checked.
    pub fn options(self) -> Result<DeleteOptions> {
        let options = DeleteOptions {
            receipt: self.receipt,
            reason: checked_reason(self.reason, "query.reason")?,
            undo: self.undo.map(|Period(period)| period),
            ..DeleteOptions::default()
        };
        check_undo("query", &options)?;
        Ok(options)
    }
}

/// The result of a delete.
#[derive(Serialize, JsonSchema)]
pub struct Deleted {
    success: bool,
    message: String,
    /// Present if it was requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<Receipt>,
    /// Present if it was deleted with `undo`.
    #[serde(skip_serializing_if = "Option::is_none")]
    undo: Option<Undo>,
}

impl Deleted {
    pub fn for_now(message: String, undo: &collection::Undo) -> Self {
        Self {
            success: true,
            message,
            receipt: None,
            undo: Some(undo.into()),
        }
    }

    pub fn of(
        message: String,
        collection: &str,
        receipt: Option<&collection::Receipt>,
        asked: Asked,
    ) -> Self {
        Self {
            success: true,
            message,
            receipt: receipt.map(|receipt| Receipt::of(collection, receipt, asked)),
            undo: None,
        }
    }
}

/// Vectors to look for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Suspects {
    ids: Vec<String>,
}

/// Whether vectors are gone.
#[derive(Serialize, JsonSchema)]
pub struct VerificationReport {
    /// True if there are no residues.
    verified: bool,
    residues: Vec<Residue>,
}

/// The answer to a call that did not meet its guards.
pub fn refused<A>(
    refusal: Refusal,
    selector: Selector,
    report: RefusedReport,
) -> Result<Answer<A>> {
    let names = GuardNames {
        of: "body",
        at_most: "at_most",
        expect: "expect",
    };
    let message = refusal_message(refusal, selector, names);
    let body = ErrorBody::of_refusal(message, report);
    Answer::refused(StatusCode::CONFLICT, &body)
}

/// The ledger of the server's store.
#[derive(Serialize, JsonSchema)]
pub struct Ledger {
    /// Null if it keeps none.
    ledger: Option<LedgerInfo>,
}

pub async fn ledger(api: Api, _: ApiRequest<Anywhere, NoQuery, NoBody>) -> Answered<Ledger> {
    // Where it is on the server's disk is not told.
    api.once(|call| {
        let ledger = call.ledger()?.map(|(_, head)| LedgerInfo::of(head));
        Answer::of(&Ledger { ledger })
    })
    .await
}

pub async fn delete(
    api: Api,
    request: ApiRequest<OfVector, ReceiptQuery, NoBody>,
) -> Answered<Deleted> {
    let options = request.query.options()?;
    let OfVector { collection, id } = request.at;
    api.run(Dispatch::Inline, move |call, access| {
        let found = call.collection(&collection)?;
        let message = format!("vector '{id}' deleted from collection '{collection}'");
        if options.undo.is_some() {
            call.make_bin(access, &found, options.undo)?;
            let undo = found.delete_one_for_now(access, &id, &options)?;
            return Answer::of(&Deleted::for_now(message, &undo));
        }
        let receipt = found.delete_one(access, &id, &options)?;
        let asked = Asked::ids(1);
        Answer::of(&Deleted::of(message, &collection, receipt.as_ref(), asked))
    })
    .await
}

pub async fn batch_delete(
    api: Api,
    request: ApiRequest<InCollection, NoQuery, JsonBody<Ids>>,
) -> Answered<DeleteReport> {
    delete_many(api, request.at.collection, request.body.0).await
}

pub async fn delete_many(api: Api, name: String, request: Ids) -> Answered<DeleteReport> {
    let options = DeleteOptions {
        receipt: request.receipt.unwrap_or(false),
        guards: guards(request.at_most, request.expect),
        reason: checked_reason(request.reason, "body.reason")?,
        undo: request.undo.map(|Period(period)| period),
        ..DeleteOptions::default()
    };
    check_undo("body", &options)?;
    let ids = request.ids;
    api.run(Dispatch::of_ids(ids.len()), move |call, access| {
        let collection = call.collection(&name)?;
        call.make_bin(access, &collection, options.undo)?;
        let deletion = collection.delete_many(access, &ids, &options)?;
        let report = DeleteReport::of(&name, &ids, &deletion);
        match deletion.refusal {
            None => Answer::of(&report),
            Some(refusal) => refused(refusal, Selector::Ids, RefusedReport::Ids(report)),
        }
    })
    .await
}

pub async fn delete_by_filter(
    api: Api,
    request: ApiRequest<InCollection, NoQuery, JsonBody<ByFilter>>,
) -> Answered<DeleteByFilterReport> {
    delete_matching(api, request.at.collection, request.body.0).await
}

pub async fn delete_matching(
    api: Api,
    name: String,
    request: ByFilter,
) -> Answered<DeleteByFilterReport> {
    let options = DeleteOptions {
        dry_run: request.dry_run.unwrap_or(false),
        rows: request.rows.map(|Whole(rows)| rows),
        receipt: request.receipt.unwrap_or(false),
        backup: None,
        guards: guards(request.at_most, request.expect),
        reason: checked_reason(request.reason, "body.reason")?,
        undo: request.undo.map(|Period(period)| period),
    };
    check_undo("body", &options)?;
    check_dry_run("body", "dry_run", &options)?;
    let filter = filter::parse_text(request.filter.text())?;
    let share = match options.rows {
        Some(rows) => api.reserve(&name, rows, false)?,
        // The response to a delete is sent in any case.
        None => Share::default(),
    };
    let answer = api.once(move |call| {
        let collection = call.collection(&name)?;
        call.make_bin(Access::Wait, &collection, options.bin())?;
        let deletion = collection.delete_matching(&filter, &options)?;
        let refusal = deletion.refusal;
        let given = request.filter.text();
        let report = DeleteByFilterReport::of(&name, deletion, options.dry_run, given)?;
        match refusal {
            None => Answer::of(&report),
            Some(refusal) => refused(refusal, Selector::Filter, RefusedReport::Filter(report)),
        }
    });
    Ok(answer.await?.within(share))
}

pub async fn verify_erased(
    api: Api,
    request: ApiRequest<InCollection, NoQuery, JsonBody<Suspects>>,
) -> Answered<VerificationReport> {
    let (name, JsonBody(Suspects { ids })) = (request.at.collection, request.body);
    api.once(move |call| {
        let mut residues = call.collection(&name)?.verify_erased(&ids)?;
        for residue in &mut residues {
            // Clients must not learn where the store is on the server's disk.
            let name = residue
                .file
                .as_deref()
                .map(Path::new)
                .and_then(Path::file_name);
            residue.file = name.map(|name| name.to_string_lossy().into_owned());
        }
        Answer::of(&VerificationReport {
            verified: residues.is_empty(),
            residues,
        })
    })
    .await
}
