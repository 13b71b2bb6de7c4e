//! The methods that change many vectors at once, move them, forget them, or change a collection.

use std::{iter, time::Instant};

use napi::{
    Env, Unknown,
    bindgen_prelude::{Float32ArraySlice, Uint32ArraySlice},
};
use napi_derive::napi;
use serde::Serialize;
use serde_json::json;

use super::{
    Listener, Made, VectorizerClient, guarded_head, info_json, listener, made, push_outcome,
    reply::{Reply, Rows, push_string},
    thrown,
};
use crate::{
    calls::{
        arguments::{self as args, Object},
        reports::{
            Asked, BatchUpdated, Cleanup, CopiedCounts, ForgottenCounts, ForgottenCountsIn,
            MovedCounts, PatchedCounts, ReindexJob, Renamed, Selector, transfer_status,
        },
        updates::{UpdateRow, check_updates, updates},
    },
    client::{Call, Transfer},
    collection::{Access, Name, Places},
    embed::embed,
    error::{Error, Result},
};

const UPDATES: Places = Places {
    list: "updates",
    vector: "data",
};

/// The updates of a batch, as they are sent.
struct Updates {
    ids: String,
    /// For each id the parts to replace, except the vector.
    fields: String,
    /// The indexes of the updates with a vector in `made`.
    places: Vec<usize>,
    /// Those of them whose vector the client's embedder made.
    embedded: String,
    made: Option<Made>,
}

impl Updates {
    fn rows(self) -> Result<Vec<UpdateRow>> {
        let wrong = |why: &str| Error::Validation(format!("updates: {why}"));
        let ids: Vec<String> = args::read(&self.ids, "ids")?;
        let fields: Vec<Object<args::UpdateFields>> = args::read(&self.fields, "updates")?;
        let embedded: Vec<usize> = args::read(&self.embedded, "embedded")?;
        if ids.len() != fields.len() {
            return Err(wrong("not each has an id"));
        }
        let (data, lengths) = self.made.unwrap_or_default();
        let last = lengths.last().copied().unwrap_or(0);
        let lengths = lengths.into_iter().chain(iter::repeat(last));
        let mut vectors: Vec<Option<Vec<f32>>> = vec![None; ids.len()];
        let mut rest = &data[..];
        for (&place, length) in self.places.iter().zip(lengths) {
            let row = rest.split_at_checked(length as usize);
            let (Some(vector), Some((row, behind))) = (vectors.get_mut(place), row) else {
                return Err(wrong("the vectors are not those of the updates"));
            };
            *vector = Some(row.to_vec());
            rest = behind;
        }
        if !rest.is_empty() {
            return Err(wrong("there are more vectors than updates with one"));
        }
        let mut made_of_text = vec![false; ids.len()];
        for place in embedded {
            if let Some(made) = made_of_text.get_mut(place) {
                *made = true;
            }
        }
        let parts = ids
            .into_iter()
            .zip(fields)
            .zip(vectors.into_iter().zip(made_of_text));
        let rows = parts
            .enumerate()
            .map(|(at, ((id, fields), (data, is_embedded)))| {
                let Object(fields) = fields;
                let metadata = fields.metadata;
                let name = || format!("updates[{at}].metadata");
                Ok(UpdateRow {
                    id,
                    data,
                    is_embedded,
                    text: fields.text,
                    metadata: metadata.map(|raw| args::metadata(raw, name)).transpose()?,
                    expires_at: fields.expires_at,
                })
            });
        rows.collect()
    }
}

/// Moves or copies, and replies with the report. Its rows are ids or, of vectors that have another
/// status than `ok`, lists of the id, the status and the error if there is one; `face/calls.ts`
/// builds the rows.
fn transfer(call: &Call, src: &str, dst: &str, transfer: Transfer, asked: Asked) -> Result<Reply> {
    let moves = transfer.moves;
    let transferred = call.transfer(src, dst, transfer)?;
    let refusal = transferred.refusal;
    let head = match moves {
        true => {
            let report = MovedCounts::of(src, dst, &transferred, asked);
            guarded_head(report, Selector::Moved, refusal)
        }
        false => {
            let report = CopiedCounts::of(src, dst, &transferred);
            guarded_head(report, Selector::Copied, refusal)
        }
    }?;
    let mut rows = Rows::new(head, Some("results"));
    for &(ref id, fate) in &transferred.results {
        rows.push(|out| match transfer_status(fate) {
            ("ok", _) => push_string(out, id),
            (status, error) => {
                out.push('[');
                push_string(out, id);
                for part in iter::once(status).chain(error.as_deref()) {
                    out.push(',');
                    push_string(out, part);
                }
                out.push(']');
            }
        });
    }
    Ok(rows.reply())
}

/// The report of forgetting, without the ids.
#[derive(Serialize)]
struct ForgetReport {
    #[serde(flatten)]
    counts: ForgottenCounts,
    collections: Vec<ForgottenCountsIn>,
}

#[napi]
impl VectorizerClient {
    #[napi]
    pub fn bulk_update_metadata<'env>(
        &self,
        env: &'env Env,
        collection: String,
        filter: String,
        patch: String,
        options: String,
        on_progress: Option<Listener>,
    ) -> napi::Result<Unknown<'env>> {
        self.once(env, move |call| {
            let mut patch = args::patch(&filter, &patch, &options)?;
            patch.on_progress = listener(on_progress);
            let patched = call.collection(&collection)?.patch_metadata(patch)?;
            let report = PatchedCounts::of(&patched);
            let head = guarded_head(report, Selector::Patched, patched.refusal)?;
            let mut rows = Rows::new(head, Some("results"));
            // The id, or a list of the id if the patch leaves the vector as it is; `face/calls.ts`
            // builds the rows.
            for &(ref id, changes) in &patched.matched {
                rows.push(|out| {
                    if changes {
                        return push_string(out, id);
                    }
                    out.push('[');
                    push_string(out, id);
                    out.push(']');
                });
            }
            Ok(rows.reply())
        })
    }

    /// `data` has the vectors of the updates with the indexes `places`, one after another. Other
    /// texts are embedded by the built-in embedder.
    #[napi]
    #[allow(clippy::too_many_arguments)]
    pub fn batch_update_vectors<'env>(
        &self,
        env: &'env Env,
        collection: String,
        ids: String,
        fields: String,
        places: String,
        embedded: String,
        data: Option<Float32ArraySlice>,
        lengths: Option<Uint32ArraySlice>,
        on_progress: Option<Listener>,
    ) -> napi::Result<Unknown<'env>> {
        let begun = Instant::now();
        let places: Vec<usize> = args::read(&places, "places").map_err(thrown)?;
        if let (Some(data), Some(lengths), "[]") = (&data, &lengths, &embedded[..]) {
            self.check_first(&collection, data.len(), |collection| {
                let name = |i: usize| {
                    let place = places.get(i).copied().unwrap_or(i);
                    Name::At(format!("updates[{place}].data").into())
                };
                collection.check_lengths(lengths.iter().copied(), name)
            })?;
        }
        let sent = Updates {
            ids,
            fields,
            places,
            embedded,
            made: made(data, lengths),
        };
        self.once(env, move |call| {
            let name = collection;
            let collection = call.collection(&name)?;
            let dimension = collection.config().dimension;
            let rows = sent.rows()?;
            check_updates(&rows, UPDATES)?;
            let updates = updates(rows, UPDATES, |text| embed(text, dimension))?;
            let ids: Vec<String> = updates.iter().map(|update| update.id.clone()).collect();
            let found = collection.update_many(updates, listener(on_progress))?;
            let head = json!(BatchUpdated::of(&name, &ids, &found, begun)).to_string();
            let mut rows = Rows::new(head, Some("results"));
            for (id, &found) in ids.iter().zip(&found) {
                push_outcome(&mut rows, id, BatchUpdated::error(found).as_deref());
            }
            Ok(rows.reply())
        })
    }

    #[napi]
    pub fn move_to_collection<'env>(
        &self,
        env: &'env Env,
        src: String,
        dst: String,
        selection: String,
        options: String,
        on_progress: Option<Listener>,
    ) -> napi::Result<Unknown<'env>> {
        self.once(env, move |call| {
            let (mut moving, asked) = args::moving(&selection, &options)?;
            moving.on_progress = listener(on_progress);
            transfer(call, &src, &dst, moving, asked)
        })
    }

    #[napi]
    pub fn copy_vectors<'env>(
        &self,
        env: &'env Env,
        src: String,
        dst: String,
        selection: String,
        options: String,
        on_progress: Option<Listener>,
    ) -> napi::Result<Unknown<'env>> {
        self.once(env, move |call| {
            let mut copying = args::copying(&selection, &options)?;
            copying.on_progress = listener(on_progress);
            transfer(call, &src, &dst, copying, Asked::default())
        })
    }

    #[napi]
    pub fn forget<'env>(
        &self,
        env: &'env Env,
        selection: String,
        options: String,
        on_progress: Option<Listener>,
    ) -> napi::Result<Unknown<'env>> {
        self.once(env, move |call| {
            let (mut forgetting, asked) = args::forgetting(&selection, &options)?;
            forgetting.on_progress = listener(on_progress);
            let forgotten = call.forget(forgetting)?;
            let collections = forgotten.collections.iter().map(ForgottenCountsIn::of);
            let report = ForgetReport {
                collections: collections.collect(),
                counts: ForgottenCounts::of(&forgotten, asked),
            };
            let head = guarded_head(report, Selector::Forgotten, forgotten.refusal)?;
            // The ids of all collections, which `face/calls.ts` divides.
            let mut rows = Rows::new(head, Some("ids"));
            for id in forgotten
                .collections
                .iter()
                .flat_map(|within| &within.matched)
            {
                rows.push(|out| push_string(out, id));
            }
            Ok(rows.reply())
        })
    }

    #[napi]
    pub fn rename_collection<'env>(
        &self,
        env: &'env Env,
        collection: String,
        new_name: String,
    ) -> napi::Result<Unknown<'env>> {
        self.once(env, move |call| {
            call.rename_collection(&collection, &new_name)?;
            let report = Renamed::new(&collection, &new_name);
            Ok(Reply::Text(json!(report).to_string()))
        })
    }

    #[napi]
    pub fn update_collection<'env>(
        &self,
        env: &'env Env,
        collection: String,
        settings: String,
    ) -> napi::Result<Unknown<'env>> {
        self.once(env, move |call| {
            let Object(settings): Object<args::Settings> = args::read(&settings, "settings")?;
            let collection = call.describe_collection(&collection, settings.description)?;
            let info = collection.info(Access::Wait)?;
            Ok(Reply::Text(info_json(&collection, &info).to_string()))
        })
    }

    #[napi]
    pub fn reindex_collection<'env>(
        &self,
        env: &'env Env,
        collection: String,
        options: Option<String>,
    ) -> napi::Result<Unknown<'env>> {
        self.once(env, move |call| {
            let options = options.as_deref().unwrap_or("{}");
            let Object(options): Object<args::Reindex> = args::read(options, "options")?;
            let reindexing = call.reindex_collection(&collection, options.options())?;
            let report = ReindexJob::of(&collection, &reindexing);
            Ok(Reply::Text(json!(report).to_string()))
        })
    }

    #[napi]
    pub fn list_empty_collections<'env>(&self, env: &'env Env) -> napi::Result<Unknown<'env>> {
        self.once(env, |call| {
            Ok(Reply::Text(json!(call.empty_collections()?).to_string()))
        })
    }

    #[napi]
    pub fn cleanup_empty_collections<'env>(
        &self,
        env: &'env Env,
        options: Option<String>,
    ) -> napi::Result<Unknown<'env>> {
        self.once(env, move |call| {
            let options = options.as_deref().unwrap_or("{}");
            let Object(options): Object<args::Cleanup> = args::read(options, "options")?;
            let dry_run = options.dry_run.unwrap_or(false);
            let collections = call.delete_empty_collections(dry_run)?;
            let report = Cleanup::new(collections, dry_run);
            Ok(Reply::Text(json!(report).to_string()))
        })
    }
}
