//! Structured arguments, which arrive as JSON texts. Unknown keys are errors: a
//! misspelt `dry_run` must not delete, nor a misspelt `filter` widen a search.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::{
    collection::{Config, DeleteOptions, SearchOptions, check_ef_search},
    error::{Error, Result},
    filter,
    graph::HnswParams,
    vectors::Metric,
};

/// Reads a JSON argument; `what` names it in errors.
pub fn read<T: DeserializeOwned>(text: &str, what: &str) -> Result<T> {
    let mut json = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = match error.path().to_string() {
            path if path == "." => what.to_owned(),
            path => format!("{what}.{path}"),
        };
        let message = error.inner().to_string();
        // The place in a text that the caller never saw says nothing.
        let message = message.split(" at line ").next().unwrap_or_default();
        let message = message
            .replace("expected usize", "expected a whole number")
            .replace("expected f64", "expected a number");
        Error::Validation(format!("{path}: {message}"))
    })
}

/// A field that may be left out, but is no null when it is given.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Creation {
    name: String,
    dimension: usize,
    #[serde(alias = "similarity_metric")]
    metric: Option<String>,
    hnsw: Option<Hnsw>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hnsw {
    m: Option<usize>,
    ef_construction: Option<usize>,
    ef_search: Option<usize>,
}

pub fn config(text: &str) -> Result<Config> {
    let Creation {
        name,
        dimension,
        metric,
        hnsw,
    } = read(text, "createCollection")?;
    let metric = match metric.as_deref() {
        None => Metric::Cosine,
        Some(name) => Metric::from_name(name).ok_or_else(|| {
            Error::Validation(format!(
                "metric is {name:?}; use \"cosine\", \"euclidean\" or \"dot_product\""
            ))
        })?,
    };
    let default = HnswParams::default();
    let hnsw = hnsw.map_or(default, |given| HnswParams {
        m: given.m.unwrap_or(default.m),
        ef_construction: given.ef_construction.unwrap_or(default.ef_construction),
        ef_search: given.ef_search.unwrap_or(default.ef_search),
    });
    Ok(Config {
        name,
        dimension,
        metric,
        hnsw,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Search {
    limit: Option<usize>,
    #[serde(alias = "threshold")]
    similarity_threshold: Option<f64>,
    ef_search: Option<usize>,
    with_vector: Option<bool>,
    include_metadata: Option<bool>,
}

/// Search options; the filter comes as a text of its own.
pub fn search_options(text: &str, filter: Option<&str>) -> Result<SearchOptions> {
    let Search {
        limit,
        similarity_threshold,
        ef_search,
        with_vector,
        include_metadata,
    } = read(text, "options")?;
    let default = SearchOptions::default();
    let limit = limit.unwrap_or(default.limit);
    if limit == 0 {
        return Err(Error::Validation(
            "limit is 0; it must be at least 1".into(),
        ));
    }
    if let Some(ef) = ef_search {
        check_ef_search("ef_search", ef)?;
    }
    Ok(SearchOptions {
        limit,
        filter: filter.map(filter::parse_text).transpose()?,
        threshold: similarity_threshold,
        ef: ef_search,
        with_vector: with_vector.unwrap_or(default.with_vector),
        with_metadata: include_metadata.unwrap_or(default.with_metadata),
        ..default
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Deletion {
    dry_run: Option<bool>,
    receipt: Option<bool>,
    backup: Option<PathBuf>,
}

/// The options of a delete; `allowed` names those that this kind of delete has.
pub fn delete_options(text: Option<&str>, allowed: &[&str]) -> Result<DeleteOptions> {
    let Some(text) = text else {
        return Ok(DeleteOptions::default());
    };
    let Deletion {
        dry_run,
        receipt,
        backup,
    } = read(text, "options")?;
    let given = [
        ("dryRun", dry_run.is_some()),
        ("receipt", receipt.is_some()),
        ("backup", backup.is_some()),
    ];
    let stranger = given
        .iter()
        .find(|(name, is)| *is && !allowed.contains(name));
    if let Some((name, _)) = stranger {
        return Err(Error::Validation(format!(
            "options.{name}: unknown; use {}",
            allowed.join(", ")
        )));
    }
    if backup
        .as_ref()
        .is_some_and(|path| path.as_os_str().is_empty())
    {
        return Err(Error::Validation("options.backup is empty".into()));
    }
    let options = DeleteOptions {
        dry_run: dry_run.unwrap_or(false),
        receipt: receipt.unwrap_or(false),
        backup,
    };
    if options.dry_run && (options.receipt || options.backup.is_some()) {
        return Err(Error::Validation(
            "options.dryRun deletes nothing: leave out receipt and backup".into(),
        ));
    }
    Ok(options)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateFields {
    #[serde(default, deserialize_with = "given")]
    pub text: Option<Box<str>>,
    #[serde(default, deserialize_with = "given")]
    pub metadata: Option<Box<RawValue>>,
}

/// Checks that a JSON text is an object and keeps it as it is written.
pub fn metadata(raw: Box<RawValue>, what: impl FnOnce() -> String) -> Result<Box<str>> {
    if !raw.get().starts_with('{') {
        return Err(Error::Validation(format!(
            "{} must be a plain object",
            what()
        )));
    }
    Ok(raw.into())
}

/// One optional metadata object for each vector.
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
