//! The route that replaces what a filter matches.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use super::deletes::{guards, refused};
use crate::rest::{
    Api,
    document::{
        filter::FilterText,
        metadata::Metadata,
        names::InCollection,
        numbers::{Values, Whole},
    },
    failure::{Failure, Handled},
    reports::{RefusedReport, ReplaceReport},
    request::{Answer, Answered, ApiRequest, JsonBody, NoQuery},
};
use crate::{
    calls::{
        arguments::{Object, check_replacing, checked_reason, given},
        expiry::{self, ExpiresAt},
        period::Period,
        reports::Selector,
    },
    collection::{
        Access, ExpiryChange, Origin, Places, ReplaceOptions, Replaced, Replacement, Replacing,
    },
    error::{Error, Result},
    filter,
};

/// A vector that is to be there.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VectorRow {
    /// 1 to 1,024 bytes.
    #[schemars(length(min = 1, max = 1024))]
    id: String,
    /// As many values as the collection has dimensions; stored as 32-bit floats.
    vector: Values,
    metadata: Option<Metadata>,
    /// A text to store with it.
    #[schemars(length(min = 1))]
    text: Option<Box<str>>,
    /// When it expires: milliseconds since 1970, or a time as in RFC 3339. Null: never, or as the
    /// collection's TTL says. Default: as the body says.
    #[serde(default, deserialize_with = "expiry::change")]
    #[schemars(with = "Option<ExpiresAt>")]
    expires_at: ExpiryChange,
}

/// A text that is to be there.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TextRow {
    /// 1 to 1,024 bytes.
    #[schemars(length(min = 1, max = 1024))]
    id: String,
    /// Embedded, unless the same text is there already.
    #[schemars(length(min = 1))]
    text: Box<str>,
    metadata: Option<Metadata>,
    /// When it expires: milliseconds since 1970, or a time as in RFC 3339. Null: never, or as the
    /// collection's TTL says. Default: as the body says.
    #[serde(default, deserialize_with = "expiry::change")]
    #[schemars(with = "Option<ExpiresAt>")]
    expires_at: ExpiryChange,
}

/// What is to be there of the vectors that match a filter: either vectors or texts.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "oneOf" = [{ "required": ["vectors"] }, { "required": ["texts"] }],
    "not" = { "anyOf": [
        {
            "required": ["dry_run", "receipt"],
            "properties": { "dry_run": { "const": true }, "receipt": { "const": true } },
        },
        { "required": ["undo", "receipt"], "properties": { "receipt": { "const": true } } },
    ] },
))]
pub struct ReplaceRequest {
    /// It must match every row, and no other vector that has the id of a row.
    filter: FilterText,
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Vec<VectorRow>")]
    vectors: Option<Vec<Object<VectorRow>>>,
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Vec<TextRow>")]
    texts: Option<Vec<Object<TextRow>>>,
    /// When the rows expire that do not say it themselves. Default: as before; what is new never
    /// expires, or as the collection's TTL says.
    #[serde(default, deserialize_with = "expiry::change")]
    #[schemars(with = "Option<ExpiresAt>")]
    expires_at: ExpiryChange,
    /// Change nothing; report what would be done. Default false.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "bool", extend("default" = false))]
    dry_run: Option<bool>,
    /// Add a proof of erasure to the report; not with `dry_run`. Default false.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "bool", extend("default" = false))]
    receipt: Option<bool>,
    /// Change nothing if more vectors than this would be deleted, which are those that match and
    /// have no row: the answer is then an error of the code `TOO_MANY_MATCHES`, with the report.
    /// This holds for a dry run too.
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
    /// For how long what is deleted can be undeleted; not with `receipt`. Without it, it is erased at
    /// once.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Period")]
    undo: Option<Period>,
}

/// What vectors and texts have in common.
#[derive(Default)]
struct Columns {
    ids: Vec<String>,
    metadata: Vec<Option<Box<str>>>,
    texts: Vec<Option<Box<str>>>,
    expires_at: Vec<ExpiryChange>,
    /// For rows without an expiry.
    expires_by_default: ExpiryChange,
}

impl Columns {
    fn new(expires_by_default: ExpiryChange) -> Self {
        Self {
            expires_by_default,
            ..Self::default()
        }
    }

    fn push(
        &mut self,
        id: String,
        metadata: Option<Metadata>,
        text: Option<Box<str>>,
        expires_at: ExpiryChange,
    ) {
        self.ids.push(id);
        self.metadata.push(metadata.map(Metadata::into_text));
        self.texts.push(text);
        self.expires_at.push(match expires_at {
            ExpiryChange::Keep => self.expires_by_default,
            own => own,
        });
    }

    fn check_texts(&self, list: &str) -> Handled<()> {
        let is_empty = |text: &Option<Box<str>>| text.as_deref() == Some("");
        match self.texts.iter().position(is_empty) {
            None => Ok(()),
            Some(at) => Err(Failure::Invalid(format!("{list}[{at}].text is empty"))),
        }
    }
}

const VECTORS: Places = Places {
    list: "body.vectors",
    vector: "vector",
};
const TEXTS: Places = Places {
    list: "body.texts",
    vector: "text",
};

pub async fn replace(
    api: Api,
    request: ApiRequest<InCollection, NoQuery, JsonBody<ReplaceRequest>>,
) -> Answered<ReplaceReport> {
    let (name, JsonBody(body)) = (request.at.collection, request.body);
    let options = ReplaceOptions {
        dry_run: body.dry_run.unwrap_or(false),
        receipt: body.receipt.unwrap_or(false),
        reason: checked_reason(body.reason, "body.reason")?,
        guards: guards(body.at_most, body.expect),
        undo: body.undo.map(|Period(period)| period),
    };
    let options = check_replacing(options, "body", "dry_run")?;
    let given = body.filter;
    let filter = filter::parse_text(given.text())?;
    let mut columns = Columns::new(body.expires_at);
    let mut replacement = Replacement {
        filter,
        ids: Vec::new(),
        metadata: Vec::new(),
        texts: Vec::new(),
        expires_at: Vec::new(),
        origin: Origin::Given,
        data: Vec::new(),
        lengths: Vec::new(),
        places: VECTORS,
        options,
        on_progress: None,
    };
    match (body.vectors, body.texts) {
        (Some(rows), None) => {
            for Object(row) in rows {
                let Values(values) = row.vector;
                replacement.lengths.push(values.len() as u32);
                replacement.data.extend(values);
                columns.push(row.id, row.metadata, row.text, row.expires_at);
            }
            columns.check_texts(VECTORS.list)?;
        }
        (None, Some(rows)) => {
            for Object(row) in rows {
                columns.push(row.id, row.metadata, Some(row.text), row.expires_at);
            }
            columns.check_texts(TEXTS.list)?;
            replacement.places = TEXTS;
            if api.embedder.is_some() {
                return embed(api, name, given, replacement, columns).await;
            }
            replacement.origin = Origin::BuiltIn;
        }
        _ => {
            return Err(Failure::Invalid(
                "body: give either vectors or texts, and not both".into(),
            ));
        }
    }
    replacement.ids = columns.ids;
    replacement.metadata = columns.metadata;
    replacement.texts = columns.texts;
    replacement.expires_at = columns.expires_at;
    api.once(move |call| {
        let collection = call.collection(&name)?;
        call.make_bin(Access::Wait, &collection, replacement.options.bin())?;
        match collection.replace(replacement)? {
            Replacing::Ended(replaced) => answer(&name, *replaced, &given),
            // Every row has a vector, or is given one.
            Replacing::Needs(_) => Err(Error::Internal("a row needs a vector that it has".into())),
        }
    })
    .await
}

fn answer(name: &str, replaced: Replaced, given: &FilterText) -> Result<Answer<ReplaceReport>> {
    let refusal = replaced.refusal;
    let report = ReplaceReport::of(name, replaced, given.text());
    match refusal {
        None => Answer::of(&report),
        Some(refusal) => refused(refusal, Selector::Rows, RefusedReport::Rows(report)),
    }
}

/// Replaces by texts that the client's own embedder embeds: only those that are not there already.
async fn embed(
    api: Api,
    name: String,
    given: FilterText,
    replacement: Replacement,
    columns: Columns,
) -> Answered<ReplaceReport> {
    let (filter, options) = (replacement.filter, replacement.options);
    let columns = Arc::new(columns);
    let mut vectors: Vec<Option<Vec<f32>>> = vec![None; columns.ids.len()];
    for round in 1.. {
        let having = vectors.iter().enumerate();
        let having = having.filter_map(|(at, vector)| Some((at, vector.as_deref()?)));
        let mut replacement = Replacement {
            filter: filter.clone(),
            origin: Origin::Embedded(having.clone().map(|(at, _)| at).collect()),
            lengths: having.clone().map(|(_, row)| row.len() as u32).collect(),
            data: having.flat_map(|(_, row)| row).copied().collect(),
            ids: Vec::new(),
            metadata: Vec::new(),
            texts: Vec::new(),
            expires_at: Vec::new(),
            places: TEXTS,
            options: options.clone(),
            on_progress: None,
        };
        let (collection, rows) = (name.clone(), columns.clone());
        let replaced = api.once(move |call| {
            let collection = call.collection(&collection)?;
            call.make_bin(Access::Wait, &collection, replacement.options.bin())?;
            replacement.ids.clone_from(&rows.ids);
            replacement.metadata.clone_from(&rows.metadata);
            replacement.texts.clone_from(&rows.texts);
            replacement.expires_at.clone_from(&rows.expires_at);
            collection.replace(replacement)
        });
        let mut needed = match replaced.await? {
            Replacing::Ended(replaced) => return Ok(answer(&name, *replaced, &given)?),
            Replacing::Needs(needed) => needed,
        };
        if round > 1 {
            // The collection changes meanwhile: whatever it will be, no vector is missing next time.
            needed = (0..vectors.len())
                .filter(|&at| vectors[at].is_none())
                .collect();
        }
        let texts = needed.iter().filter_map(|&at| columns.texts[at].clone());
        let rows = api.embed(texts.collect()).await?.unwrap_or_default();
        for (at, row) in needed.into_iter().zip(rows) {
            vectors[at] = Some(row);
        }
    }
    Err(Failure::Defect)
}
