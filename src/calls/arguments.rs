//! Structured arguments, which reach every API as JSON. Unknown keys are errors: a misspelt
//! `dry_run` must not delete anything, and a misspelt `filter` must not widen a search.

use std::{fmt, marker::PhantomData, path::PathBuf};

use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::{error::Category, value::RawValue};

use super::{expiry, period::Period, reports::Asked};
use crate::{
    client::{Encryption, Forgetting, ReindexOptions, Selection, Transfer, Which},
    collection::{
        Config, Cursor, DeleteOptions, ExpiryChange, Guards, Name, Patch, ReplaceOptions,
        ScanOptions, SearchOptions, Update, check_ef_search, check_rows,
    },
    error::{Error, Result},
    filter,
    graph::{GraphBuilder, HnswParams},
    vectors::Metric,
};

/// Reads a JSON argument; `what` names it in errors.
pub fn read<T: DeserializeOwned>(text: &str, what: &str) -> Result<T> {
    let mut json = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = match error.path().to_string() {
            path if path == "." => what.to_owned(),
            path if path.starts_with('[') => format!("{what}{path}"),
            path => format!("{what}.{path}"),
        };
        refused(&path, error.inner())
    })?;
    json.end().map_err(|error| refused(what, &error))?;
    Ok(value)
}

/// The options of a backup.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// The collections; `None` for all.
    pub collections: Option<Vec<String>>,
    keys: Option<Keys>,
}

/// Where a backup keeps its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Keys {
    /// In the backup file, which can be restored on its own.
    Within,
    /// In a separate file next to it.
    Apart,
}

impl Backup {
    pub fn is_apart(&self) -> bool {
        self.keys == Some(Keys::Apart)
    }
}

/// The options for inspecting a store from outside.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Inspect {
    pub ids: bool,
    pub verify: bool,
    pub encryption: Option<Encryption>,
}

/// The options for restoring a backup.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Restore {
    /// The file with the keys, for a backup that has them apart.
    pub keys: Option<String>,
    pub encryption: Option<Encryption>,
    /// The encryption of the keys, if it differs from the backup's.
    pub keys_encryption: Option<Encryption>,
    /// A ledger, or the directory of a store with one. What it says was erased after the backup is
    /// left out.
    pub ledger: Option<String>,
}

fn refused(path: &str, error: &serde_json::Error) -> Error {
    let message = error.to_string();
    // For a syntax error, the position in the text is useful; for other errors the path says where,
    // even to callers that never saw a text.
    let message = match error.classify() {
        Category::Syntax | Category::Eof => &message,
        _ => message.split(" at line ").next().unwrap_or_default(),
    };
    let message = message
        .replace("expected usize", "expected a whole number")
        .replace("expected f64", "expected a number");
    Error::Validation(format!("{path}: {message}"))
}

/// A JSON object, never an array: derived deserialisers also accept an array, by the order of the
/// fields, and would read `[filter, null]` as a delete without a dry run.
#[derive(JsonSchema)]
#[schemars(transparent)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let fields = deserializer.deserialize_map(Fields(PhantomData))?;
        Ok(Self(fields))
    }
}

struct Fields<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> std::result::Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

/// A field that may be omitted, but must not be null if it is present.
pub fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A collection to create.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Creation {
    pub name: String,
    pub dimension: usize,
    #[serde(alias = "similarity_metric")]
    pub metric: Option<String>,
    pub hnsw: Option<Object<Hnsw>>,
    #[serde(default, deserialize_with = "given")]
    pub description: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hnsw {
    pub m: Option<usize>,
    pub ef_construction: Option<usize>,
    pub ef_search: Option<usize>,
    pub builder: Option<GraphBuilder>,
}

impl Creation {
    pub fn config(self) -> Result<Config> {
        let metric = match self.metric.as_deref() {
            None => Metric::Cosine,
            Some(name) => Metric::from_name(name).ok_or_else(|| {
                Error::Validation(format!(
                    "metric is {name:?}; use \"cosine\", \"euclidean\" or \"dot_product\""
                ))
            })?,
        };
        let default = HnswParams::default();
        let hnsw = self.hnsw.map_or(default, |Object(given)| HnswParams {
            m: given.m.unwrap_or(default.m),
            ef_construction: given.ef_construction.unwrap_or(default.ef_construction),
            ef_search: given.ef_search.unwrap_or(default.ef_search),
            builder: given.builder.unwrap_or(default.builder),
        });
        Ok(Config {
            name: self.name,
            dimension: self.dimension,
            metric,
            hnsw,
            description: self.description,
        })
    }
}

/// The settings of a collection to change.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Null removes it.
    #[serde(deserialize_with = "expiry::required")]
    pub description: Option<String>,
}

/// The parameters of a graph to build anew.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reindex {
    #[serde(default, deserialize_with = "given")]
    m: Option<usize>,
    #[serde(default, deserialize_with = "given")]
    ef_construction: Option<usize>,
    #[serde(default, deserialize_with = "given")]
    ef_search: Option<usize>,
}

impl Reindex {
    pub fn options(self) -> ReindexOptions {
        ReindexOptions {
            m: self.m,
            ef_construction: self.ef_construction,
            ef_search: self.ef_search,
        }
    }
}

/// How to delete the collections without a vector.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cleanup {
    #[serde(default, deserialize_with = "given")]
    pub dry_run: Option<bool>,
}

/// The options of a search, without the filter.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    pub limit: Option<usize>,
    #[serde(alias = "threshold")]
    pub similarity_threshold: Option<f64>,
    pub ef_search: Option<usize>,
    pub with_vector: Option<bool>,
    pub include_metadata: Option<bool>,
}

impl Search {
    /// The options, with the filter parsed from its text if there is one.
    pub fn options(self, filter: Option<&str>) -> Result<SearchOptions> {
        let default = SearchOptions::default();
        let limit = self.limit.unwrap_or(default.limit);
        check_limit(limit)?;
        if let Some(ef) = self.ef_search {
            check_ef_search("ef_search", ef)?;
        }
        Ok(SearchOptions {
            limit,
            filter: filter.map(filter::parse_text).transpose()?,
            threshold: self.similarity_threshold,
            ef: self.ef_search,
            with_vector: self.with_vector.unwrap_or(default.with_vector),
            with_metadata: self.include_metadata.unwrap_or(default.with_metadata),
            ..default
        })
    }
}

/// How to read a batch of a scan, but for the filter.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scan {
    // Null is refused: a scan that lost its cursor must not begin again without end.
    #[serde(default, deserialize_with = "given")]
    pub cursor: Option<Cursor>,
    pub limit: Option<usize>,
    pub with_vector: Option<bool>,
    pub include_metadata: Option<bool>,
}

/// How many vectors a batch of a scan has, unless the caller says.
const SCANNED: usize = 1000;

impl Scan {
    /// With the text of the filter, where there is one.
    pub fn options(self, filter: Option<&str>) -> Result<ScanOptions> {
        let limit = self.limit.unwrap_or(SCANNED);
        check_limit(limit)?;
        Ok(ScanOptions {
            cursor: self.cursor,
            limit,
            filter: filter.map(filter::parse_text).transpose()?,
            with_vector: self.with_vector.unwrap_or(false),
            with_metadata: self.include_metadata.unwrap_or(true),
        })
    }
}

pub fn check_limit(limit: usize) -> Result<()> {
    if limit == 0 {
        return Err(Error::Validation(
            "limit is 0; it must be at least 1".into(),
        ));
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Deletion {
    // Nulls are refused: a `dryRun` that was read from a missing property must not delete anything.
    #[serde(default, deserialize_with = "given")]
    dry_run: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    rows: Option<usize>,
    #[serde(default, deserialize_with = "given")]
    receipt: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    backup: Option<PathBuf>,
    #[serde(default, deserialize_with = "given")]
    at_most: Option<usize>,
    #[serde(default, deserialize_with = "given")]
    expect: Option<usize>,
    #[serde(default, deserialize_with = "given")]
    reason: Option<String>,
    #[serde(default, deserialize_with = "given")]
    undo: Option<Period>,
}

/// The options of a delete. The APIs decide which options each kind of delete supports.
pub fn delete_options(text: Option<&str>) -> Result<DeleteOptions> {
    let Some(text) = text else {
        return Ok(DeleteOptions::default());
    };
    let Deletion {
        dry_run,
        rows,
        receipt,
        backup,
        at_most,
        expect,
        reason,
        undo,
    } = read::<Object<_>>(text, "options")?.0;
    if backup
        .as_ref()
        .is_some_and(|path| path.as_os_str().is_empty())
    {
        return Err(Error::Validation("options.backup is empty".into()));
    }
    let options = DeleteOptions {
        dry_run: dry_run.unwrap_or(false),
        rows,
        receipt: receipt.unwrap_or(false),
        backup,
        guards: Guards { at_most, expect },
        reason: checked_reason(reason, "options.reason")?,
        undo: undo.map(|Period(period)| period),
    };
    check_undo("options", &options)?;
    check_dry_run("options", "dryRun", &options)?;
    Ok(options)
}

/// What is only deleted for now is not erased, so that there is nothing to prove, and is saved
/// already.
pub fn check_undo(of: &str, options: &DeleteOptions) -> Result<()> {
    match options.undo {
        Some(_) if options.receipt || options.backup.is_some() => Err(Error::Validation(format!(
            "{of}.undo only puts aside what is deleted: leave out receipt and backup; \
             there is a receipt when it is purged"
        ))),
        _ => Ok(()),
    }
}

/// A dry run has nothing to prove and nothing to save, and nothing else shows what it matches. In
/// errors, the option is called `dry_run`, and the argument that has it `of`.
pub fn check_dry_run(of: &str, dry_run: &str, options: &DeleteOptions) -> Result<()> {
    if options.dry_run && (options.receipt || options.backup.is_some()) {
        return Err(Error::Validation(format!(
            "{of}.{dry_run} deletes nothing: leave out receipt and backup"
        )));
    }
    match options.rows {
        Some(_) if !options.dry_run => Err(Error::Validation(format!(
            "{of}.rows is for a dry run only: set {dry_run} to true, or leave out rows"
        ))),
        Some(rows) => check_rows(&format!("{of}.rows"), rows),
        None => Ok(()),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Replacement {
    #[serde(default, deserialize_with = "given")]
    dry_run: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    receipt: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    at_most: Option<usize>,
    #[serde(default, deserialize_with = "given")]
    expect: Option<usize>,
    #[serde(default, deserialize_with = "given")]
    reason: Option<String>,
    #[serde(default, deserialize_with = "given")]
    undo: Option<Period>,
}

/// The options of a replacement.
pub fn replace_options(text: &str) -> Result<ReplaceOptions> {
    let options: Replacement = read::<Object<_>>(text, "options")?.0;
    let guards = Guards {
        at_most: options.at_most,
        expect: options.expect,
    };
    let reason = checked_reason(options.reason, "options.reason")?;
    let options = ReplaceOptions {
        dry_run: options.dry_run.unwrap_or(false),
        receipt: options.receipt.unwrap_or(false),
        reason,
        guards,
        undo: options.undo.map(|Period(period)| period),
    };
    check_replacing(options, "options", "dryRun")
}

/// The options of a replacement, checked. A dry run has nothing to prove; in errors it is called
/// `dry_run`, and the argument that has it `of`.
pub fn check_replacing(options: ReplaceOptions, of: &str, dry_run: &str) -> Result<ReplaceOptions> {
    if options.dry_run && options.receipt {
        return Err(Error::Validation(format!(
            "{of}.{dry_run} changes nothing: leave out receipt"
        )));
    }
    if options.undo.is_some() && options.receipt {
        return Err(Error::Validation(format!(
            "{of}.undo only puts aside what is deleted: leave out receipt; there is \
             one when it is purged"
        )));
    }
    Ok(options)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Patching {
    #[serde(default, deserialize_with = "given")]
    dry_run: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    at_most: Option<usize>,
    #[serde(default, deserialize_with = "given")]
    expect: Option<usize>,
}

/// A patch, from the JSON texts of its parts.
pub fn patch(filter: &str, patch: &str, options: &str) -> Result<Patch> {
    let options: Patching = read::<Object<_>>(options, "options")?.0;
    Ok(Patch {
        filter: filter::parse_text(filter)?,
        patch: metadata(read(patch, "patch")?, || "patch".into())?,
        dry_run: options.dry_run.unwrap_or(false),
        guards: Guards {
            at_most: options.at_most,
            expect: options.expect,
        },
        on_progress: None,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Moving {
    #[serde(default, deserialize_with = "given")]
    overwrite: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    dry_run: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    at_most: Option<usize>,
    #[serde(default, deserialize_with = "given")]
    expect: Option<usize>,
    #[serde(default, deserialize_with = "given")]
    receipt: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    reason: Option<String>,
}

/// Vectors to move, from the JSON texts of its parts, and what was asked for.
pub fn moving(selection: &str, options: &str) -> Result<(Transfer, Asked)> {
    let options: Moving = read::<Object<_>>(options, "options")?.0;
    let dry_run = options.dry_run.unwrap_or(false);
    let receipt = options.receipt.unwrap_or(false);
    check_transfer(dry_run, receipt, "options.dryRun")?;
    let reason = checked_reason(options.reason, "options.reason")?;
    let (selection, asked) = selected(selection)?;
    let moving = Transfer {
        selection,
        moves: true,
        overwrite: options.overwrite.unwrap_or(false),
        dry_run,
        guards: Guards {
            at_most: options.at_most,
            expect: options.expect,
        },
        receipt,
        reason,
        on_progress: None,
    };
    Ok((moving, asked))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Copying {
    #[serde(default, deserialize_with = "given")]
    overwrite: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    dry_run: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    at_most: Option<usize>,
    #[serde(default, deserialize_with = "given")]
    expect: Option<usize>,
}

/// Vectors to copy, from the JSON texts of its parts.
pub fn copying(selection: &str, options: &str) -> Result<Transfer> {
    let options: Copying = read::<Object<_>>(options, "options")?.0;
    Ok(Transfer {
        selection: selected(selection)?.0,
        moves: false,
        overwrite: options.overwrite.unwrap_or(false),
        dry_run: options.dry_run.unwrap_or(false),
        guards: Guards {
            at_most: options.at_most,
            expect: options.expect,
        },
        receipt: false,
        reason: None,
        on_progress: None,
    })
}

/// A dry run of a move has nothing to prove; in errors it is called `name`.
pub fn check_transfer(dry_run: bool, receipt: bool, name: &str) -> Result<()> {
    if dry_run && receipt {
        return Err(Error::Validation(format!(
            "{name} moves nothing: leave out receipt"
        )));
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Forget {
    // Null is refused: names that were read from a missing property must not become all collections.
    #[serde(default, deserialize_with = "given")]
    collections: Option<Vec<String>>,
    #[serde(default, deserialize_with = "given")]
    dry_run: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    at_most: Option<usize>,
    #[serde(default, deserialize_with = "given")]
    expect: Option<usize>,
    #[serde(default, deserialize_with = "given")]
    reason: Option<String>,
}

/// What is to be forgotten, from the JSON texts of its parts, and what was asked for.
pub fn forgetting(selection: &str, options: &str) -> Result<(Forgetting, Asked)> {
    let options: Forget = read::<Object<_>>(options, "options")?.0;
    let reason = checked_reason(options.reason, "options.reason")?;
    if let Some(collections) = &options.collections {
        check_collections(collections, "options.collections")?;
    }
    let (selection, asked) = selected(selection)?;
    let forgetting = Forgetting {
        selection,
        collections: options.collections,
        dry_run: options.dry_run.unwrap_or(false),
        guards: Guards {
            at_most: options.at_most,
            expect: options.expect,
        },
        reason,
        on_progress: None,
    };
    Ok((forgetting, asked))
}

/// Checks that there are collections to look in. `name` is what the caller calls them.
pub fn check_collections(collections: &[String], name: &str) -> Result<()> {
    match collections.is_empty() {
        true => Err(Error::Validation(format!(
            "{name} is empty, so nothing would be looked in: leave it out to look in all"
        ))),
        false => Ok(()),
    }
}

/// The most characters of a reason.
pub const LONGEST_REASON: usize = 1000;

/// Why something is erased, if that was said, with its length checked. `name` is what the caller
/// calls it.
pub fn checked_reason(reason: Option<String>, name: &str) -> Result<Option<String>> {
    let Some(text) = &reason else {
        return Ok(None);
    };
    if text.is_empty() {
        return Err(Error::Validation(format!("{name} is empty")));
    }
    if text.chars().nth(LONGEST_REASON).is_some() {
        return Err(Error::Validation(format!(
            "{name} is longer than {LONGEST_REASON} characters"
        )));
    }
    Ok(reason)
}

/// The number of an entry of a ledger, from a JavaScript number.
pub fn entry(number: f64) -> Result<u64> {
    // Beyond this, numbers are not exact.
    const MOST: f64 = 9_007_199_254_740_991.0;
    match number.fract() == 0.0 && (1.0..=MOST).contains(&number) {
        true => Ok(number as u64),
        false => Err(Error::Validation(format!(
            "entry is {number}; it must be the number of an entry"
        ))),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Selected {
    #[serde(default, deserialize_with = "given")]
    ids: Option<Vec<String>>,
    #[serde(default, deserialize_with = "given")]
    filter: Option<Box<RawValue>>,
}

/// Which vectors a call is about, from its JSON text, and what was asked for.
fn selected(text: &str) -> Result<(Selection, Asked)> {
    let selected: Selected = read::<Object<_>>(text, "selection")?.0;
    let filter = selected.filter.as_deref().map(RawValue::get);
    let requested = selected.ids.as_ref().map(Vec::len);
    let selection = selection(selected.ids, filter, "selection")?;
    let asked = Asked {
        requested,
        filter: selected.filter,
    };
    Ok((selection, asked))
}

/// Which vectors a call is about: those with these ids, or those that the filter matches. In errors,
/// the argument that has them is called `of`.
pub fn selection(ids: Option<Vec<String>>, filter: Option<&str>, of: &str) -> Result<Selection> {
    match (ids, filter) {
        (Some(ids), None) => Ok(Selection::Ids(ids)),
        (None, Some(filter)) => Ok(Selection::Filter(filter::parse_text(filter)?)),
        _ => Err(Error::Validation(format!(
            "{of}: give either ids or filter, and not both"
        ))),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateFields {
    #[serde(default, deserialize_with = "given")]
    pub text: Option<Box<str>>,
    #[serde(default, deserialize_with = "given")]
    pub metadata: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "expiry::change")]
    pub expires_at: ExpiryChange,
}

/// The message about an update that changes nothing.
pub const NOTHING_TO_UPDATE: &str =
    "there is nothing to update: give a vector, text, metadata or expires_at";

/// Checks that an update changes something; a text without a vector is embedded with `embed`.
/// `name` is what the caller calls the vector.
pub fn update(
    data: Option<Vec<f32>>,
    name: Name,
    text: Option<Box<str>>,
    metadata: Option<Box<str>>,
    expires_at: ExpiryChange,
    embed: impl FnOnce(&str) -> Vec<f32>,
) -> Result<Update> {
    let keeps_expiry = matches!(expires_at, ExpiryChange::Keep);
    if data.is_none() && text.is_none() && metadata.is_none() && keeps_expiry {
        return Err(Error::Validation(NOTHING_TO_UPDATE.into()));
    }
    if text.as_ref().is_some_and(|text| text.is_empty()) {
        return Err(Error::Validation("text is empty".into()));
    }
    Ok(Update {
        data: data.or_else(|| text.as_deref().map(embed)),
        name,
        text,
        metadata,
        expires_at,
    })
}

/// Checks that a JSON text is an object, and keeps it as it is written.
pub fn metadata(raw: Box<RawValue>, what: impl FnOnce() -> String) -> Result<Box<str>> {
    if !raw.get().starts_with('{') {
        return Err(Error::Validation(format!(
            "{} must be a plain object",
            what()
        )));
    }
    Ok(raw.into())
}

/// An optional metadata object for each vector.
pub fn metadata_list(text: Option<&str>) -> Result<Vec<Option<Box<str>>>> {
    let Some(text) = text else {
        return Ok(Vec::new());
    };
    let list: Vec<Option<Box<RawValue>>> = read(text, "metadata")?;
    list.into_iter()
        .enumerate()
        .map(|(i, raw)| {
            raw.map(|raw| metadata(raw, || format!("metadata[{i}]")))
                .transpose()
        })
        .collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Purging {
    #[serde(default, deserialize_with = "given")]
    receipt: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    reason: Option<String>,
}

/// The options of a purge: whether it is to give a receipt, and why it is done.
pub fn purging(options: Option<&str>) -> Result<(bool, Option<String>)> {
    let options: Purging = read::<Object<_>>(options.unwrap_or("{}"), "options")?.0;
    let reason = checked_reason(options.reason, "options.reason")?;
    Ok((options.receipt.unwrap_or(false), reason))
}

/// What is to be brought back or purged: ids, or a token. `of` is what the caller calls what has
/// both.
pub fn which(ids: Option<Vec<String>>, token: Option<String>, of: &str) -> Result<Option<Which>> {
    match (ids, token) {
        (Some(_), Some(_)) => Err(Error::Validation(format!(
            "{of}: give either ids or a token, and not both"
        ))),
        (Some(ids), None) => Ok(Some(Which::Ids(ids))),
        (None, Some(token)) => Ok(Some(Which::Token(token))),
        (None, None) => Ok(None),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listing {
    #[serde(default, deserialize_with = "given")]
    offset: Option<usize>,
    #[serde(default, deserialize_with = "given")]
    limit: Option<usize>,
}

/// How many deleted vectors are listed by default.
pub const LISTED: usize = 100;

/// The position from which on what is deleted is listed, and how much.
pub fn listing(options: Option<&str>) -> Result<(usize, usize)> {
    let options: Listing = read::<Object<_>>(options.unwrap_or("{}"), "options")?.0;
    let limit = options.limit.unwrap_or(LISTED);
    check_rows("options.limit", limit)?;
    Ok((options.offset.unwrap_or(0), limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal<T>(result: Result<T>) -> String {
        result.map_or_else(|error| error.to_string(), |_| "none".into())
    }

    const IDS: &str = r#"{"ids":["a"]}"#;

    #[test]
    fn a_selection_is_either_ids_or_a_filter() {
        assert!(matches!(selected(IDS), Ok((Selection::Ids(ids), _)) if ids == ["a"]));
        let none = selected(r#"{"ids":[]}"#);
        assert!(matches!(none, Ok((Selection::Ids(ids), _)) if ids.is_empty()));
        let filter = selected(r#"{"filter":{"user":"u1"}}"#);
        assert!(matches!(filter, Ok((Selection::Filter(_), _))));
        for wrong in ["{}", r#"{"ids":["a"],"filter":{"a":1}}"#] {
            let expected = "selection: give either ids or filter, and not both";
            assert_eq!(refusal(selected(wrong)), expected);
        }
        for wrong in [
            "null",
            "[]",
            r#"["a"]"#,
            r#"{"ids":null}"#,
            r#"{"ids":["a"],"filter":null}"#,
            r#"{"ids":[1]}"#,
            r#"{"filter":null}"#,
            r#"{"filter":[]}"#,
            r#"{"filtr":{"a":1}}"#,
        ] {
            assert!(
                matches!(selected(wrong), Err(Error::Validation(_))),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_move_has_a_receipt_but_neither_a_dry_run_nor_a_copy_has() {
        let moved = moving(IDS, r#"{"receipt":true,"overwrite":true,"atMost":2}"#);
        let (moved, _) = moved.unwrap();
        assert!(moved.moves && moved.receipt && moved.overwrite && !moved.dry_run);
        assert_eq!(moved.guards.at_most, Some(2));
        assert_eq!(
            refusal(moving(IDS, r#"{"dryRun":true,"receipt":true}"#)),
            "options.dryRun moves nothing: leave out receipt"
        );
        let copied = copying(IDS, r#"{"dryRun":true,"expect":0}"#).unwrap();
        assert!(!copied.moves && !copied.receipt && copied.dry_run);
        assert_eq!(copied.guards.expect, Some(0));
        let message = refusal(copying(IDS, r#"{"receipt":true}"#));
        assert!(
            message.starts_with("options.receipt: unknown field"),
            "{message}"
        );
    }

    #[test]
    fn options_that_are_null_or_unknown_or_no_whole_numbers_are_refused() {
        const FILTER: &str = r#"{"a":1}"#;
        for wrong in [
            r#"{"dryRun":null}"#,
            r#"{"dry_run":true}"#,
            r#"{"dryRun":1}"#,
            r#"{"atMost":null}"#,
            r#"{"atMost":-1}"#,
            r#"{"expect":1.5}"#,
            r#"{"collections":null}"#,
            r#"{"collections":[]}"#,
            r#"{"reason":null}"#,
            r#"{"overwrite":null}"#,
            "[true]",
            "null",
        ] {
            let refusals = [
                refusal(patch(FILTER, "{}", wrong)),
                refusal(moving(IDS, wrong)),
                refusal(copying(IDS, wrong)),
                refusal(forgetting(IDS, wrong)),
            ];
            for message in refusals {
                assert!(message.starts_with("options"), "{wrong}: {message}");
            }
        }
    }

    #[test]
    fn a_patch_is_an_object() {
        let patch = |text| patch(r#"{"a":1}"#, text, "{}");
        let text = r#"{"a":null,"b":{"c":1.10}}"#;
        assert_eq!(patch(text).map(|patch| patch.patch), Ok(text.into()));
        for wrong in ["null", "[]", "1", r#""a""#] {
            assert_eq!(refusal(patch(wrong)), "patch must be a plain object");
        }
    }

    #[test]
    fn a_reason_has_1_to_1000_characters_whatever_it_is_for() {
        type Taken = fn(&str) -> Result<Option<String>>;
        let takers: [Taken; 4] = [
            |options| delete_options(Some(options)).map(|taken| taken.reason),
            |options| replace_options(options).map(|taken| taken.reason),
            |options| moving(IDS, options).map(|(taken, _)| taken.reason),
            |options| forgetting(IDS, options).map(|(taken, _)| taken.reason),
        ];
        for taken in takers {
            let reason = |text: &str| taken(&serde_json::json!({ "reason": text }).to_string());
            for text in ["A request of 2026-01-01", " ", "\n", &"é".repeat(1000)] {
                assert_eq!(reason(text), Ok(Some(text.to_owned())));
            }
            assert_eq!(refusal(reason("")), "options.reason is empty");
            let message = "options.reason is longer than 1000 characters";
            assert_eq!(refusal(reason(&"é".repeat(1001))), message);
            // A dry run has nothing to give a reason for, and does not mind one.
            let dry = r#"{"dryRun":true,"reason":"r"}"#;
            assert_eq!(taken(dry), Ok(Some("r".to_owned())));
            assert_eq!(taken("{}"), Ok(None));
            for wrong in [r#"{"reason":null}"#, r#"{"reason":1}"#, r#"{"Reason":"r"}"#] {
                let message = refusal(taken(wrong));
                assert!(message.starts_with("options."), "{wrong}: {message}");
            }
        }
        let message = refusal(copying(IDS, r#"{"reason":"r"}"#));
        assert!(
            message.starts_with("options.reason: unknown field"),
            "{message}"
        );
    }

    #[test]
    fn what_was_asked_for_is_a_number_of_ids_or_the_filter_as_it_was_given() {
        let (_, asked) = moving(r#"{"ids":["a","b","a"]}"#, "{}").unwrap();
        assert_eq!((asked.requested, asked.filter.is_none()), (Some(3), true));
        let filter = r#"{ "a" : 1.10 }"#;
        let selection = format!("{{\"filter\":{filter}}}");
        let (_, asked) = forgetting(&selection, "{}").unwrap();
        assert_eq!(asked.requested, None);
        assert_eq!(asked.filter.as_deref().map(RawValue::get), Some(filter));
    }

    #[test]
    fn the_number_of_an_entry_is_a_whole_number_from_1_on() {
        assert_eq!(entry(1.0), Ok(1));
        let most = 9_007_199_254_740_991.0;
        assert_eq!(entry(most), Ok(9_007_199_254_740_991));
        for wrong in [0.0, -1.0, 1.5, most + 1.0, f64::NAN, f64::INFINITY] {
            let message = refusal(entry(wrong));
            assert!(message.starts_with("entry is "), "{message}");
        }
    }
}
