//! Filters for an engine that stores the rows itself; used only by `face/milvus`.

use std::collections::HashMap;

use napi::{Env, Unknown, bindgen_prelude::ToNapiValue};
use napi_derive::napi;
use roaring::RoaringBitmap;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{args, thrown};
use crate::{
    error::{Error, Result},
    filter::{
        FieldIndexes, Filter, Source, parse_text,
        terms::{Expression, Plan, RowTerms},
    },
    workers,
};

/// Runs `work` on a thread of its own, and resolves with its result as JSON text.
fn blocking<'env, T: Serialize>(
    env: &'env Env,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> napi::Result<Unknown<'env>> {
    let work = move || {
        let made = work()?;
        serde_json::to_string(&made).map_err(|error| Error::Internal(error.to_string()))
    };
    let future = async move { workers::run_blocking(work).await.map_err(thrown) };
    env.spawn_future(future)?.into_unknown(env)
}

/// A filter's plan, with an expression for each of its fields that finds the rows that have it.
#[derive(Serialize)]
struct Planned {
    #[serde(flatten)]
    plan: Plan,
    fields: Vec<FieldPlan>,
}

#[derive(Serialize)]
struct FieldPlan {
    path: String,
    expression: Expression,
}

/// The plan of a filter: `{ expression, guards, fields }`.
#[napi]
pub fn filter_plan(env: &Env, filter: String) -> napi::Result<Unknown<'_>> {
    blocking(env, move || {
        let filter = parse_text(&filter)?;
        let fields = filter.paths().into_iter().map(|path| {
            let Plan { expression, .. } = Plan::of(&Filter::having(path))?;
            let path = path.as_str().to_owned();
            Ok(FieldPlan { path, expression })
        });
        Ok(Planned {
            fields: fields.collect::<Result<_>>()?,
            plan: Plan::of(&filter)?,
        })
    })
}

/// Returns `{ terms, ranges }` for each entry of a list of metadata.
#[napi]
pub fn row_terms(env: &Env, metadatas: String) -> napi::Result<Unknown<'_>> {
    blocking(env, move || {
        let metadatas = Metadatas::read(&metadatas)?;
        let rows = metadatas.0.iter().enumerate().map(|(i, metadata)| {
            RowTerms::of(metadata.as_deref().map(RawValue::get)).map_err(|error| match error {
                Error::Unsupported(why) => {
                    Error::Unsupported(format!("vectors[{i}].metadata: {why}"))
                }
                error => error,
            })
        });
        rows.collect::<Result<Vec<_>>>()
    })
}

/// Returns the rows that a filter matches, as positions in a list of ids and a list of metadata.
#[napi]
pub fn matching(
    env: &Env,
    filter: String,
    ids: String,
    metadatas: String,
) -> napi::Result<Unknown<'_>> {
    blocking(env, move || {
        let filter = parse_text(&filter)?;
        let ids: Vec<String> = args::read(&ids, "ids")?;
        let metadatas = Metadatas::read(&metadatas)?;
        if ids.len() != metadatas.0.len() {
            return Err(Error::Validation(format!(
                "ids: {} for {} rows",
                ids.len(),
                metadatas.0.len()
            )));
        }
        let rows = Rows {
            slots: (0..).zip(ids).map(|(slot, id)| (id, slot)).collect(),
            metadatas,
        };
        let all: RoaringBitmap = (0..rows.metadatas.0.len() as u32).collect();
        let matching = FieldIndexes::default().evaluate(&filter, &all, &rows);
        Ok(matching.into_iter().collect::<Vec<u32>>())
    })
}

/// The metadata of each row, if it has any, as it is written.
struct Metadatas(Vec<Option<Box<RawValue>>>);

impl Metadatas {
    fn read(text: &str) -> Result<Self> {
        args::read(text, "metadata").map(Self)
    }
}

/// The rows to evaluate a filter on.
struct Rows {
    slots: HashMap<String, u32>,
    metadatas: Metadatas,
}

impl Source for Rows {
    fn metadata(&self, slot: u32) -> Option<&str> {
        let metadata = self.metadatas.0.get(slot as usize)?;
        metadata.as_deref().map(RawValue::get)
    }

    fn slot_of(&self, id: &str) -> Option<u32> {
        self.slots.get(id).copied()
    }
}
