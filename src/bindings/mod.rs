//! Node-API: arguments in, one call, a compact result out.
//!
//! A method that can complete synchronously does so and returns its result. If it would have to
//! wait for a lock, or work for more than a fraction of a millisecond, it returns a promise and
//! runs on the pool. From either result, `face/client.ts` makes promises, errors and objects of the
//! importing realm. What each method does is documented where users see it, in `face/calls.ts`.

mod changes;
pub mod engine;
pub mod load;
pub mod reply;
pub mod serve;
mod turn;
mod undo;

use std::{
    iter,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use napi::{
    Env, Status, Unknown,
    bindgen_prelude::{Float32ArraySlice, ToNapiValue, Uint32ArraySlice},
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::json;

use crate::{
    calls::{
        self, Dispatch, Insert, Search, Task, Wanted, arguments as args,
        dispatch::{Attempt, INLINE_EMBEDDED, INLINE_VALUES, Once, Repeated, Work},
        expiry::{self, CollectionTtl, ExpiresAt, VectorExpiry},
        reports::{
            self, Asked, BackupReport, BatchDeleted, Details, FilterDeleted, GuardNames,
            LedgerInfo, ReplacedCounts, Selector, refusal_message, timestamp,
        },
    },
    cancel::{self, Token},
    client::{self, Call, Client, Options},
    collection::{
        Access, Batch, Collection, DeleteOptions, Info, Item, Name, Names, OnProgress, Origin,
        Places, Progress, Receipt, Refusal, Replacement, Replacing, Undo,
    },
    embed::embed,
    error::{Error, Result, catch_panic},
    filter,
    hexadecimal::hexadecimal,
    storage::{Files, InspectOptions, LedgerEntry, Restored, Source, UserKey, inspect, wrapped},
    wiped::Id,
    workers,
};
use reply::{HeldRows, Reply, Rows, push_columns, push_string};

/// An error as JSON text in the message: `face/errors.ts` picks its class by the code.
fn thrown(error: Error) -> napi::Error {
    napi::Error::from_reason(error.to_json().to_string())
}

/// Resolves a path when the call is made: the working directory may have changed by the time the
/// work is done.
fn absolute(path: &str) -> napi::Result<PathBuf> {
    client::absolute(Path::new(path)).map_err(thrown)
}

/// The options of a delete, with the path of its backup resolved when the call is made.
fn delete_options(text: Option<&str>) -> napi::Result<DeleteOptions> {
    let mut options = args::delete_options(text).map_err(thrown)?;
    if let Some(path) = &mut options.backup {
        *path = client::absolute(path).map_err(thrown)?;
    }
    Ok(options)
}

const GUARDS: GuardNames = GuardNames {
    of: "options",
    at_most: "atMost",
    expect: "expect",
};

/// The result of a call that completed synchronously. In a tick whose time is used up, it is
/// delivered later: as an array of the reply, or of `undefined` and the error.
fn done<'env>(env: &'env Env, done: Result<Reply>) -> napi::Result<Unknown<'env>> {
    if let Ok(reply) = &done {
        turn::read_later(reply.json_bytes());
    }
    if !turn::left().is_zero() {
        return to_js(env, done.map_err(thrown)?);
    }
    let mut later = env.create_array(0)?;
    match done {
        Ok(reply) => later.insert(to_js(env, reply)?)?,
        Err(error) => {
            later.insert(())?;
            later.insert(error.to_json().to_string())?;
        }
    }
    later.into_unknown(env)
}

fn to_js<'env>(env: &'env Env, reply: Reply) -> napi::Result<Unknown<'env>> {
    match reply {
        Reply::Nothing => ().into_unknown(env),
        Reply::Count(count) => (count as f64).into_unknown(env),
        Reply::Text(text) => text.into_unknown(env),
        Reply::Rows(rows) => HeldRows::new(Mutex::new(rows)).into_unknown(env),
    }
}

/// Cancels one call before it has changed anything: `face/cancelling.ts` creates one for a call
/// with a signal.
#[napi]
pub struct Cancellation {
    token: Arc<Token>,
    /// The token of this thread before `enter`.
    outer: Option<Arc<Token>>,
}

#[napi]
impl Cancellation {
    #[napi(constructor)]
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self {
            token: Arc::default(),
            outer: None,
        }
    }

    /// The call that begins between `enter` and `leave` is the one that can be cancelled.
    #[napi]
    pub fn enter(&mut self) {
        self.outer = cancel::enter(Some(self.token.clone()));
    }

    #[napi]
    pub fn leave(&mut self) {
        cancel::enter(self.outer.take());
    }

    /// Cancels the call. Returns whether nothing was changed and nothing will be.
    #[napi]
    pub fn cancel(&self) -> bool {
        self.token.cancel()
    }

    /// Whether the call can no longer be cancelled and was not.
    #[napi]
    pub fn commit(&self) -> bool {
        self.token.commit().is_ok()
    }
}

/// A client of a store, as JavaScript holds it.
#[napi]
pub struct VectorizerClient {
    client: Arc<Client>,
}

impl VectorizerClient {
    /// Makes a call: as much as possible is done here, and the rest on other threads.
    fn start<'env>(
        &self,
        env: &'env Env,
        dispatch: Dispatch,
        work: impl Work<Output = Reply>,
    ) -> napi::Result<Unknown<'env>> {
        let task = Task::begin(&self.client, dispatch, work).map_err(thrown)?;
        let task = match turn::spend(|| task.inline(turn::left())) {
            Attempt::Done(answer) => return done(env, answer),
            Attempt::Busy(task) => task,
        };
        let future = async move { task.finish().await.map_err(thrown) };
        let turn = turn::number();
        let settled = move |env: &'env Env, reply| {
            turn::end(turn);
            to_js(env, reply)
        };
        env.spawn_future_with_callback(future, settled)?
            .into_unknown(env)
    }

    /// The same for work that starts from the beginning at each attempt.
    fn call<'env>(
        &self,
        env: &'env Env,
        dispatch: Dispatch,
        work: impl FnMut(&Call, Access) -> Result<Reply> + Send + 'static,
    ) -> napi::Result<Unknown<'env>> {
        self.start(env, dispatch, Repeated(work))
    }

    /// The same for work that is attempted only once, on a thread of its own.
    fn once<'env>(
        &self,
        env: &'env Env,
        work: impl FnOnce(&Call) -> Result<Reply> + Send + 'static,
    ) -> napi::Result<Unknown<'env>> {
        self.start(env, Dispatch::Blocking, Once(work))
    }

    /// Searches, and replies with the result of `report`. `given` is what the caller calls the
    /// options.
    #[allow(clippy::too_many_arguments)]
    fn find<'env>(
        &self,
        env: &'env Env,
        collection: String,
        wanted: Wanted,
        given: &'static str,
        options: String,
        filter: Option<String>,
        report: impl Fn(&[Item]) -> Reply + Send + 'static,
    ) -> napi::Result<Unknown<'env>> {
        let mut search = Search { collection, wanted };
        // The time that the search may take here.
        let left = turn::left();
        let dispatch = search.dispatch(filter.is_some());
        self.call(env, dispatch, move |call, access| {
            let options: args::Search = args::read(&options, given)?;
            let options = options.options(filter.as_deref())?;
            Ok(report(&search.run(call, access, left, &options)?))
        })
    }

    /// Lets `check` refuse a large number of values before they are copied. If the store is not
    /// open yet, they are checked later.
    fn check_first(
        &self,
        collection: &str,
        values: usize,
        check: impl FnOnce(&Collection) -> Result<()>,
    ) -> napi::Result<()> {
        if values <= INLINE_VALUES {
            return Ok(());
        }
        match self.client.begin() {
            Err(Error::WouldBlock) => Ok(()),
            begun => begun.and_then(|call| check(&*call.collection(collection)?)),
        }
        .map_err(thrown)
    }
}

fn collection_json(collection: &Collection, count: usize) -> serde_json::Value {
    let config = collection.config();
    let mut json = json!({
        "name": config.name,
        "dimension": config.dimension,
        "similarity_metric": config.metric.name(),
        "vector_count": count,
        "created_at": timestamp(collection.created_at()),
    });
    if let Some(description) = &config.description {
        json["description"] = description.as_str().into();
    }
    json
}

fn info_json(collection: &Collection, info: &Info) -> serde_json::Value {
    let mut json = collection_json(collection, info.vectors);
    let details = json!(Details::of(collection, info));
    if let (Some(json), serde_json::Value::Object(details)) = (json.as_object_mut(), details) {
        json.extend(details);
    }
    json
}

/// Runs work that belongs to no client, on a thread of its own.
fn blocking<'env>(
    env: &'env Env,
    work: impl FnOnce() -> Result<Reply> + Send + 'static,
) -> napi::Result<Unknown<'env>> {
    let token = cancel::current();
    let work = move || cancel::during(token, work);
    let future = async move { workers::run_blocking(work).await.map_err(thrown) };
    env.spawn_future_with_callback(future, to_js)?
        .into_unknown(env)
}

fn user_key(text: &str) -> Result<UserKey> {
    args::read::<client::Encryption>(text, "options.encryption")?.user_key()
}

/// The JSON text of a report. A filter in it stays as it was given.
fn report_text(report: &impl Serialize) -> Result<String> {
    serde_json::to_string(report)
        .map_err(|error| Error::Internal(format!("a report is no JSON: {error}")))
}

/// The reply to a delete that reports nothing except its receipt.
fn receipted(collection: &str, receipt: Option<&Receipt>, asked: Asked) -> Result<Reply> {
    let Some(receipt) = receipt else {
        return Ok(Reply::Nothing);
    };
    let receipt = report_text(&reports::Receipt::of(collection, receipt, asked))?;
    Ok(Reply::Text(format!("{{\"receipt\":{receipt}}}")))
}

/// The reply to a delete that reports nothing except until when it can be undone.
fn put_aside(undo: &Undo) -> Result<Reply> {
    let undo = report_text(&reports::Undo::from(undo))?;
    Ok(Reply::Text(format!("{{\"undo\":{undo}}}")))
}

/// Adds the outcome for one of many ids: the id, or a pair of the id and the error if there is one;
/// `face/calls.ts` builds the rows.
fn push_outcome(rows: &mut Rows, id: &str, error: Option<&str>) {
    rows.push(|out| {
        let Some(error) = error else {
            return push_string(out, id);
        };
        out.push('[');
        push_string(out, id);
        out.push(',');
        push_string(out, error);
        out.push(']');
    });
}

/// The report of a call about many vectors, without its rows. If it did not meet its guards,
/// `refused` is the message of the error that `face/client.ts` makes of the report.
fn guarded_head(
    report: impl Serialize,
    selector: Selector,
    refusal: Option<Refusal>,
) -> Result<String> {
    #[derive(Serialize)]
    struct Head<R> {
        #[serde(flatten)]
        report: R,
        #[serde(skip_serializing_if = "Option::is_none")]
        refused: Option<String>,
    }
    report_text(&Head {
        report,
        refused: refusal.map(|refusal| refusal_message(refusal, selector, GUARDS)),
    })
}

/// The report of a delete by filter, without its rows: `face/calls.ts` fills the list of those that
/// are shown.
#[derive(Serialize)]
struct FilterReport {
    #[serde(flatten)]
    counts: FilterDeleted,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<[(); 0]>,
}

/// Replaces, and replies with the report: its ids are one list, first the inserted ones, then the
/// updated, then the deleted. If vectors are missing, with the indexes of the rows that need one.
fn replace(call: &Call, collection: &str, replacement: Replacement, filter: &str) -> Result<Reply> {
    let found = call.collection(collection)?;
    call.make_bin(Access::Wait, &found, replacement.options.bin())?;
    let replaced = match found.replace(replacement)? {
        Replacing::Needs(rows) => return Ok(Reply::Text(json!({ "embed": rows }).to_string())),
        Replacing::Ended(replaced) => replaced,
    };
    let report = ReplacedCounts::of(collection, &replaced, filter);
    let head = guarded_head(report, Selector::Rows, replaced.refusal)?;
    let mut rows = Rows::new(head, Some("ids"));
    let ids = replaced.inserted.iter().chain(&replaced.updated);
    for id in ids.chain(&replaced.deleted) {
        rows.push(|out| push_string(out, id));
    }
    Ok(rows.reply())
}

fn backup_reply(backup: &Restored, keys: Option<&Path>) -> Reply {
    let report = BackupReport::of(backup, keys, |path| path.display().to_string());
    Reply::Text(json!(report).to_string())
}

/// A JavaScript function that is called with the progress of a long operation, as JSON text.
type Listener = ThreadsafeFunction<String, (), String, Status, false, true>;

fn listener(on_progress: Option<Listener>) -> Option<OnProgress> {
    let on_progress = on_progress?;
    Some(Box::new(move |phase, progress| {
        tell(Some(&on_progress), phase, progress);
    }))
}

fn tell(on_progress: Option<&Listener>, phase: &str, progress: Progress) {
    if let Some(on_progress) = on_progress {
        let Progress { done, total } = progress;
        let text = json!({ "phase": phase, "done": done, "total": total }).to_string();
        // The environment may be gone; then there is no listener either.
        on_progress.call(text, ThreadsafeFunctionCallMode::NonBlocking);
    }
}

fn items(head: String, key: Option<&'static str>, items: &[Item]) -> Reply {
    let mut rows = Rows::items(head, key);
    for item in items {
        rows.push_item(item);
    }
    rows.reply()
}

fn id_rows(head: String, key: Option<&'static str>, ids: &[Id]) -> Reply {
    let mut rows = Rows::new(head, key);
    for id in ids {
        rows.push(|out| push_string(out, id));
    }
    rows.reply()
}

/// Vectors that the client's own embedder made, one after another, and their lengths.
type Made = (Vec<f32>, Vec<u32>);

fn made(vectors: Option<Float32ArraySlice>, lengths: Option<Uint32ArraySlice>) -> Option<Made> {
    let lengths = lengths.map_or_else(Vec::new, |lengths| lengths.to_vec());
    Some((vectors?.to_vec(), lengths))
}

/// The vectors of texts by the built-in embedder.
fn embedded(texts: &[Box<str>], dimension: usize) -> Made {
    let rows = texts.iter().flat_map(|text| embed(text, dimension));
    (rows.collect(), vec![dimension as u32])
}

/// What the caller calls a text, by its index.
type TextNames = fn(usize) -> String;

/// Texts to insert, with the vectors that `face/embedder.ts` got from the client's embedder.
struct Texts {
    name: TextNames,
    texts: String,
    ids: Option<String>,
    metadata: Option<String>,
    made: Option<Made>,
    expires_at: Option<String>,
    on_progress: Option<OnProgress>,
}

impl Texts {
    fn batch(self, dimension: usize) -> Result<Batch> {
        let texts: Vec<Box<str>> = args::read(&self.texts, "texts")?;
        let ids = match &self.ids {
            Some(ids) => args::read(ids, "ids")?,
            None => vec![None; texts.len()],
        };
        let made = self.made.unwrap_or_else(|| embedded(&texts, dimension));
        let (data, lengths) = made;
        Ok(Batch {
            ids,
            data,
            lengths,
            metadata: args::metadata_list(self.metadata.as_deref())?,
            texts: texts.into_iter().map(Some).collect(),
            expires_at: expiry::list(self.expires_at.as_deref())?,
            names: Names::new(
                move |i| Name::MadeOf((self.name)(i).into()),
                |i| format!("texts[{i}].id"),
            ),
            on_progress: self.on_progress,
        })
    }
}

/// A vector for each query; `None` for the empty text.
type Vectors = Vec<Option<Vec<f32>>>;

/// The queries of a batch.
struct Queries {
    /// For each query its text or `null`.
    texts: Option<String>,
    /// The vectors of the queries without a text, one after another.
    data: Vec<f32>,
    /// How many values of `data` belong to each query; `None` if each has as many as the dimension.
    lengths: Option<Vec<u32>>,
    /// Whether `data` also contains the vectors of texts, made by the client's embedder.
    embedded: bool,
}

impl Queries {
    /// Splits the data into vectors, each with the caller's name for it.
    fn cut(self, dimension: usize) -> Result<(Vectors, Vec<Name>)> {
        let Some(lengths) = self.lengths else {
            check_whole(self.data.len(), dimension)?;
            let rows = self.data.chunks_exact(dimension);
            return Ok(rows
                .enumerate()
                .map(|(i, row)| (Some(row.to_vec()), Name::Row("queries", i)))
                .unzip());
        };
        let texts: Vec<Option<String>> = match &self.texts {
            Some(texts) => args::read(texts, "queries")?,
            None => Vec::new(),
        };
        let mut texts = texts.into_iter().chain(iter::repeat(None));
        let mut rest = self.data.into_iter();
        let queries = lengths.into_iter().enumerate().map(|(i, length)| {
            let place = format!("queries[{i}]").into();
            let mut given = || rest.by_ref().take(length as usize).collect();
            match texts.next().flatten() {
                None => (Some(given()), Name::At(place)),
                Some(text) if text.is_empty() => (None, Name::At(place)),
                Some(_) if self.embedded => (Some(given()), Name::MadeOf(place)),
                Some(text) => (Some(embed(&text, dimension)), Name::At(place)),
            }
        });
        Ok(queries.unzip())
    }
}

/// Checks that this many values make whole queries.
fn check_whole(values: usize, dimension: usize) -> Result<()> {
    if values.is_multiple_of(dimension) {
        return Ok(());
    }
    Err(Error::Validation(format!(
        "queries: {values} values are no whole rows of {dimension}"
    )))
}

/// What to search for: a text, a vector under this name, or both if the client's embedder made the
/// vector from the text.
fn wanted(name: &'static str, text: Option<String>, vector: Option<Float32ArraySlice>) -> Wanted {
    match (vector, text) {
        (Some(vector), None) => Wanted::Vector(Name::at(name), vector.to_vec()),
        (Some(vector), Some(_)) => Wanted::Vector(Name::made_of("query"), vector.to_vec()),
        (None, text) => Wanted::Text(text.unwrap_or_default()),
    }
}

#[napi]
impl VectorizerClient {
    #[napi(constructor)]
    pub fn new(options: String) -> napi::Result<Self> {
        let options: Options = args::read(&options, "options").map_err(thrown)?;
        Ok(Self {
            client: Arc::new(Client::open(options)),
        })
    }

    #[napi]
    pub fn ready<'env>(&self, env: &'env Env) -> napi::Result<Unknown<'env>> {
        self.call(env, Dispatch::Inline, |_, _| Ok(Reply::Nothing))
    }

    #[napi]
    pub fn create_collection<'env>(
        &self,
        env: &'env Env,
        request: String,
        given: String,
    ) -> napi::Result<Unknown<'env>> {
        self.call(env, Dispatch::Inline, move |call, access| {
            let creation: args::Creation = args::read(&request, &given)?;
            let collection = calls::create(call, access, creation.config()?)?;
            Ok(Reply::Text(collection_json(&collection, 0).to_string()))
        })
    }

    #[napi]
    pub fn list_collections<'env>(&self, env: &'env Env) -> napi::Result<Unknown<'env>> {
        self.call(env, Dispatch::Inline, |call, access| {
            let mut rows = Rows::new("[]".into(), None);
            for (collection, count) in calls::counted(call, access)? {
                rows.push(|out| out.push_str(&collection_json(&collection, count).to_string()));
            }
            Ok(rows.reply())
        })
    }

    #[napi]
    pub fn get_collection_info<'env>(
        &self,
        env: &'env Env,
        collection: String,
    ) -> napi::Result<Unknown<'env>> {
        self.call(env, Dispatch::Pool, move |call, access| {
            let collection = call.collection(&collection)?;
            let info = collection.info(access)?;
            Ok(Reply::Text(info_json(&collection, &info).to_string()))
        })
    }

    #[napi]
    pub fn get_collection<'env>(
        &self,
        env: &'env Env,
        collection: String,
    ) -> napi::Result<Unknown<'env>> {
        self.get_collection_info(env, collection)
    }

    #[napi]
    pub fn delete_collection<'env>(
        &self,
        env: &'env Env,
        collection: String,
        options: Option<String>,
    ) -> napi::Result<Unknown<'env>> {
        let options = delete_options(options.as_deref())?;
        self.call(env, Dispatch::Blocking, move |call, access| {
            let (receipt, reason) = (options.receipt, options.reason.clone());
            if let Some(period) = options.undo {
                if access != Access::Wait {
                    return Err(Error::WouldBlock);
                }
                let undo = call.delete_collection_for_now(&collection, period, reason)?;
                return put_aside(&undo);
            }
            let receipt = call.delete_collection(access, &collection, receipt, reason)?;
            receipted(&collection, receipt.as_ref(), Asked::default())
        })
    }

    #[napi]
    #[allow(clippy::too_many_arguments)]
    pub fn insert_vectors<'env>(
        &self,
        env: &'env Env,
        collection: String,
        ids: String,
        data: Float32ArraySlice,
        lengths: Uint32ArraySlice,
        metadata: Option<String>,
        texts: Option<String>,
        are_columns: bool,
        expires_at: Option<String>,
        on_progress: Option<Listener>,
    ) -> napi::Result<Unknown<'env>> {
        let names = move || match are_columns {
            true => Names::new(
                |i| Name::Row("vectors.data", i),
                |i| format!("vectors.ids[{i}]"),
            ),
            false => Names::default(),
        };
        self.check_first(&collection, data.len(), |collection| {
            collection.check_lengths(lengths.iter().copied(), names().vector)
        })?;
        let (data, lengths) = (data.to_vec(), lengths.to_vec());
        let length = |json: &Option<String>| json.as_ref().map_or(0, String::len);
        let text = ids.len() + length(&metadata) + length(&texts) + length(&expires_at);
        let dispatch = Dispatch::of_rows(data.len(), text);
        let batch = move |_| {
            Ok(Batch {
                ids: args::read(&ids, "ids")?,
                data,
                lengths,
                metadata: args::metadata_list(metadata.as_deref())?,
                texts: match &texts {
                    Some(texts) => args::read(texts, "texts")?,
                    None => Vec::new(),
                },
                expires_at: expiry::list(expires_at.as_deref())?,
                names: names(),
                on_progress: listener(on_progress),
            })
        };
        let report = |ids: Vec<Id>| {
            let head = json!({ "inserted": ids.len() }).to_string();
            Ok(id_rows(head, Some("ids"), &ids))
        };
        self.start(env, dispatch, Insert::new(collection, batch, report))
    }

    #[napi]
    #[allow(clippy::too_many_arguments)]
    pub fn insert_text<'env>(
        &self,
        env: &'env Env,
        collection: String,
        texts: String,
        ids: Option<String>,
        metadata: Option<String>,
        vectors: Option<Float32ArraySlice>,
        lengths: Option<Uint32ArraySlice>,
        expires_at: Option<String>,
    ) -> napi::Result<Unknown<'env>> {
        let metadata_bytes = metadata.as_ref().map_or(0, String::len);
        let dispatch = Dispatch::of_text(texts.len() + metadata_bytes);
        let texts = Texts {
            name: |_| "text".into(),
            texts,
            ids,
            metadata,
            made: made(vectors, lengths),
            expires_at,
            on_progress: None,
        };
        let batch = |dimension| texts.batch(dimension);
        let report = |ids: Vec<Id>| {
            let id = ids.first().map(|id| &**id).unwrap_or_default();
            Ok(Reply::Text(json!(id).to_string()))
        };
        self.start(env, dispatch, Insert::new(collection, batch, report))
    }

    #[napi]
    #[allow(clippy::too_many_arguments)]
    pub fn batch_insert_text<'env>(
        &self,
        env: &'env Env,
        collection: String,
        texts: String,
        ids: Option<String>,
        metadata: Option<String>,
        vectors: Option<Float32ArraySlice>,
        lengths: Option<Uint32ArraySlice>,
        expires_at: Option<String>,
        on_progress: Option<Listener>,
    ) -> napi::Result<Unknown<'env>> {
        let texts = Texts {
            name: |i| format!("texts[{i}]"),
            texts,
            ids,
            metadata,
            made: made(vectors, lengths),
            expires_at,
            on_progress: listener(on_progress),
        };
        let batch = |dimension| texts.batch(dimension);
        let report = |ids: Vec<Id>| Ok(id_rows("[]".into(), None, &ids));
        let insert = Insert::new(collection, batch, report);
        self.start(env, Dispatch::Blocking, insert)
    }

    #[napi]
    #[allow(clippy::too_many_arguments)]
    pub fn insert_texts<'env>(
        &self,
        env: &'env Env,
        collection: String,
        texts: String,
        ids: Option<String>,
        metadata: Option<String>,
        vectors: Option<Float32ArraySlice>,
        lengths: Option<Uint32ArraySlice>,
        expires_at: Option<String>,
        on_progress: Option<Listener>,
    ) -> napi::Result<Unknown<'env>> {
        let begun = Instant::now();
        let name = collection.clone();
        let texts = Texts {
            name: |i| format!("texts[{i}].text"),
            texts,
            ids,
            metadata,
            made: made(vectors, lengths),
            expires_at,
            on_progress: listener(on_progress),
        };
        let batch = |dimension| texts.batch(dimension);
        let report = move |ids: Vec<Id>| {
            let report = json!({
                "success": true,
                "collection": name,
                "operation": "insert_texts",
                "total_operations": ids.len(),
                "successful_operations": ids.len(),
                "failed_operations": 0,
                "duration_ms": begun.elapsed().as_secs_f64() * 1e3,
                "errors": [],
            });
            Ok(Reply::Text(report.to_string()))
        };
        let insert = Insert::new(collection, batch, report);
        self.start(env, Dispatch::Blocking, insert)
    }

    #[napi]
    pub fn get_vector<'env>(
        &self,
        env: &'env Env,
        collection: String,
        id: String,
    ) -> napi::Result<Unknown<'env>> {
        self.call(env, Dispatch::Inline, move |call, access| {
            let item = call.collection(&collection)?.get(access, &id)?;
            Ok(items("[]".into(), None, &[item]))
        })
    }

    #[napi]
    pub fn list_vectors<'env>(
        &self,
        env: &'env Env,
        collection: String,
        page: String,
    ) -> napi::Result<Unknown<'env>> {
        self.once(env, move |call| {
            let (page, limit): (Option<usize>, Option<usize>) = args::read(&page, "page, limit")?;
            let limit = limit.unwrap_or(10);
            args::check_limit(limit)?;
            let offset = page.unwrap_or(0).saturating_mul(limit);
            let list = call.collection(&collection)?.list(offset, limit)?;
            let head = json!({ "total": list.total, "limit": limit, "offset": offset });
            Ok(items(head.to_string(), Some("vectors"), &list.vectors))
        })
    }

    #[napi]
    pub fn scan_vectors<'env>(
        &self,
        env: &'env Env,
        collection: String,
        options: String,
        filter: Option<String>,
    ) -> napi::Result<Unknown<'env>> {
        self.once(env, move |call| {
            let options: args::Scan = args::read(&options, "options")?;
            let options = options.options(filter.as_deref())?;
            let batch = call.collection(&collection)?.scan(&options)?;
            let cursor = batch.cursor.map(|cursor| cursor.to_string());
            let head = match cursor {
                Some(cursor) => json!({ "cursor": cursor }),
                None => json!({}),
            };
            Ok(items(head.to_string(), Some("vectors"), &batch.vectors))
        })
    }

    #[napi]
    pub fn count<'env>(
        &self,
        env: &'env Env,
        collection: String,
        filter: Option<String>,
    ) -> napi::Result<Unknown<'env>> {
        let dispatch = Dispatch::of_filter(filter.is_some());
        self.call(env, dispatch, move |call, access| {
            let collection = call.collection(&collection)?;
            let filter = filter.as_deref().map(filter::parse_text).transpose()?;
            Ok(Reply::Count(collection.count(access, filter.as_ref())?))
        })
    }

    #[napi]
    pub fn update_vector<'env>(
        &self,
        env: &'env Env,
        collection: String,
        id: String,
        fields: String,
        data: Option<Float32ArraySlice>,
        is_embedded: bool,
    ) -> napi::Result<Unknown<'env>> {
        let data = data.map(|data| data.to_vec());
        let dispatch = Dispatch::of_update(data.as_ref().map(Vec::len), fields.len());
        self.call(env, dispatch, move |call, access| {
            let collection = call.collection(&collection)?;
            let fields: args::UpdateFields = args::read(&fields, "update")?;
            let text = fields.text.as_ref().filter(|_| data.is_none());
            if access == Access::Now && text.is_some_and(|text| text.len() > INLINE_EMBEDDED) {
                return Err(Error::WouldBlock);
            }
            let metadata = fields
                .metadata
                .map(|raw| args::metadata(raw, || "metadata".into()))
                .transpose()?;
            let dimension = collection.config().dimension;
            let embedded = |text: &str| embed(text, dimension);
            let name = match is_embedded {
                true => Name::made_of("update.text"),
                false => Name::at("update.data"),
            };
            let (text, expires_at) = (fields.text, fields.expires_at);
            let update = args::update(data.clone(), name, text, metadata, expires_at, embedded)?;
            let item = collection.update(access, &id, &update)?;
            Ok(items("[]".into(), None, &[item]))
        })
    }

    #[napi]
    pub fn set_vector_expiry<'env>(
        &self,
        env: &'env Env,
        collection: String,
        id: String,
        expires_at: Option<f64>,
    ) -> napi::Result<Unknown<'env>> {
        let dispatch = Dispatch::of_update(None, 0);
        self.call(env, dispatch, move |call, access| {
            let at = expires_at.map(|at| ExpiresAt::of(at, "expiresAt"));
            let at = at.transpose()?.map(|ExpiresAt(at)| at);
            call.collection(&collection)?.set_expiry(access, &id, at)?;
            let report = VectorExpiry::new(&collection, &id, at);
            Ok(Reply::Text(json!(report).to_string()))
        })
    }

    #[napi]
    pub fn set_collection_ttl<'env>(
        &self,
        env: &'env Env,
        collection: String,
        seconds: Option<f64>,
    ) -> napi::Result<Unknown<'env>> {
        // The expiry of every vector changes.
        self.call(env, Dispatch::Blocking, move |call, access| {
            let ttl = seconds.map(|seconds| expiry::ttl(seconds, "seconds"));
            let ttl = ttl.transpose()?;
            call.collection(&collection)?.set_ttl(access, ttl)?;
            let report = CollectionTtl::new(&collection, ttl);
            Ok(Reply::Text(json!(report).to_string()))
        })
    }

    #[napi]
    pub fn resume_expiry<'env>(&self, env: &'env Env) -> napi::Result<Unknown<'env>> {
        self.call(env, Dispatch::Inline, |call, _| {
            call.resume_expiry();
            Ok(Reply::Nothing)
        })
    }

    #[napi]
    pub fn search<'env>(
        &self,
        env: &'env Env,
        collection: String,
        text: Option<String>,
        vector: Option<Float32ArraySlice>,
        options: String,
        filter: Option<String>,
    ) -> napi::Result<Unknown<'env>> {
        let report = |found: &[Item]| items("[]".into(), None, found);
        self.find(
            env,
            collection,
            wanted("query", text, vector),
            "options",
            options,
            filter,
            report,
        )
    }

    #[napi]
    pub fn search_vectors<'env>(
        &self,
        env: &'env Env,
        collection: String,
        text: Option<String>,
        vector: Option<Float32ArraySlice>,
        options: String,
        filter: Option<String>,
    ) -> napi::Result<Unknown<'env>> {
        let report = |found: &[Item]| {
            let head = json!({ "total": found.len() }).to_string();
            items(head, Some("results"), found)
        };
        self.find(
            env,
            collection,
            wanted("query_vector", text, vector),
            "request",
            options,
            filter,
            report,
        )
    }

    #[napi]
    pub fn search_text<'env>(
        &self,
        env: &'env Env,
        collection: String,
        text: Option<String>,
        vector: Option<Float32ArraySlice>,
        options: String,
        filter: Option<String>,
    ) -> napi::Result<Unknown<'env>> {
        self.search_vectors(env, collection, text, vector, options, filter)
    }

    #[napi]
    #[allow(clippy::too_many_arguments)]
    pub fn search_batch<'env>(
        &self,
        env: &'env Env,
        collection: String,
        texts: Option<String>,
        data: Float32ArraySlice,
        lengths: Option<Uint32ArraySlice>,
        is_embedded: bool,
        options: String,
        filter: Option<String>,
    ) -> napi::Result<Unknown<'env>> {
        self.check_first(&collection, data.len(), |collection| match &lengths {
            None => check_whole(data.len(), collection.config().dimension),
            // It is not known yet which of them are texts.
            Some(_) if is_embedded => Ok(()),
            Some(lengths) => {
                // The length for a text is 0.
                let given = lengths
                    .iter()
                    .enumerate()
                    .filter(|&(_, &length)| length > 0);
                given.into_iter().try_for_each(|(i, &length)| {
                    let name = |_| Name::At(format!("queries[{i}]").into());
                    collection.check_lengths([length], name)
                })
            }
        })?;
        let queries = Queries {
            texts,
            data: data.to_vec(),
            lengths: lengths.map(|lengths| lengths.to_vec()),
            embedded: is_embedded,
        };
        self.once(env, move |call| {
            let options: args::Search = args::read(&options, "options")?;
            let options = options.options(filter.as_deref())?;
            let collection = call.collection(&collection)?;
            let (queries, names) = queries.cut(collection.config().dimension)?;
            let mut rows = Rows::lists();
            for found in collection.search_batch(queries, |i| names[i].clone(), &options)? {
                for item in &found {
                    rows.push_item(item);
                }
                rows.end_list();
            }
            Ok(rows.reply())
        })
    }

    #[napi]
    pub fn delete_vector<'env>(
        &self,
        env: &'env Env,
        collection: String,
        id: String,
        options: Option<String>,
    ) -> napi::Result<Unknown<'env>> {
        let options = delete_options(options.as_deref())?;
        self.call(env, Dispatch::Inline, move |call, access| {
            let found = call.collection(&collection)?;
            if options.undo.is_some() {
                call.make_bin(access, &found, options.undo)?;
                let undo = found.delete_one_for_now(access, &id, &options)?;
                return put_aside(&undo);
            }
            let receipt = found.delete_one(access, &id, &options)?;
            receipted(&collection, receipt.as_ref(), Asked::ids(1))
        })
    }

    #[napi]
    pub fn batch_delete<'env>(
        &self,
        env: &'env Env,
        collection: String,
        ids: String,
        count: u32,
        options: Option<String>,
    ) -> napi::Result<Unknown<'env>> {
        let options = delete_options(options.as_deref())?;
        let dispatch = Dispatch::of_ids(count as usize);
        self.call(env, dispatch, move |call, access| {
            let ids: Vec<String> = args::read(&ids, "ids")?;
            let found = call.collection(&collection)?;
            call.make_bin(access, &found, options.undo)?;
            let deletion = found.delete_many(access, &ids, &options)?;
            let report = BatchDeleted::of(&collection, &deletion);
            let head = guarded_head(report, Selector::Ids, deletion.refusal)?;
            let mut rows = Rows::new(head, Some("results"));
            for (id, outcome) in ids.iter().zip(&deletion.outcomes) {
                push_outcome(&mut rows, id, outcome.error().as_deref());
            }
            Ok(rows.reply())
        })
    }

    #[napi]
    pub fn delete_vectors<'env>(
        &self,
        env: &'env Env,
        collection: String,
        ids: String,
        count: u32,
        options: Option<String>,
    ) -> napi::Result<Unknown<'env>> {
        self.batch_delete(env, collection, ids, count, options)
    }

    #[napi]
    pub fn delete_by_filter<'env>(
        &self,
        env: &'env Env,
        collection: String,
        filter: String,
        options: String,
    ) -> napi::Result<Unknown<'env>> {
        let options = delete_options(Some(&options))?;
        self.once(env, move |call| {
            let parsed = filter::parse_text(&filter)?;
            let found = call.collection(&collection)?;
            call.make_bin(Access::Wait, &found, options.bin())?;
            let deletion = found.delete_matching(&parsed, &options)?;
            let report = FilterReport {
                counts: FilterDeleted::of(&collection, &deletion, options.dry_run, &filter),
                rows: deletion.rows.as_ref().map(|_| []),
            };
            let head = guarded_head(report, Selector::Filter, deletion.refusal)?;
            let mut rows = Rows::new(head, Some("results"));
            // The id, or a list of the id, the metadata and the text of a vector that is shown, and
            // of its expiry if it has one; `face/calls.ts` builds the rows of both lists.
            let shown = deletion.rows.as_deref().unwrap_or_default();
            for item in shown {
                rows.push(|out| {
                    out.push('[');
                    push_columns(out, item);
                    if let Some(at) = item.expires_at {
                        out.push(',');
                        out.push_str(&at.to_string());
                    }
                    out.push(']');
                });
            }
            for id in deletion.matched.iter().skip(shown.len()) {
                rows.push(|out| push_string(out, id));
            }
            Ok(rows.reply())
        })
    }

    #[napi]
    #[allow(clippy::too_many_arguments)]
    pub fn replace_vectors<'env>(
        &self,
        env: &'env Env,
        collection: String,
        filter: String,
        ids: String,
        data: Float32ArraySlice,
        lengths: Uint32ArraySlice,
        metadata: Option<String>,
        texts: Option<String>,
        options: String,
        expires_at: Option<String>,
        on_progress: Option<Listener>,
    ) -> napi::Result<Unknown<'env>> {
        let options = args::replace_options(&options).map_err(thrown)?;
        self.check_first(&collection, data.len(), |collection| {
            let name = |i| Name::At(format!("rows[{i}].data").into());
            collection.check_lengths(lengths.iter().copied(), name)
        })?;
        let (data, lengths) = (data.to_vec(), lengths.to_vec());
        self.once(env, move |call| {
            let replacement = Replacement {
                filter: filter::parse_text(&filter)?,
                ids: args::read(&ids, "ids")?,
                metadata: args::metadata_list(metadata.as_deref())?,
                texts: match &texts {
                    Some(texts) => args::read(texts, "texts")?,
                    None => Vec::new(),
                },
                expires_at: expiry::changes(expires_at.as_deref())?,
                origin: Origin::Given,
                data,
                lengths,
                places: Places::default(),
                options,
                on_progress: listener(on_progress),
            };
            replace(call, &collection, replacement, &filter)
        })
    }

    /// Without `given`, texts are embedded by the built-in embedder. With it, `vectors` has those of
    /// the rows with these indexes, by the client's own.
    #[napi]
    #[allow(clippy::too_many_arguments)]
    pub fn replace_texts<'env>(
        &self,
        env: &'env Env,
        collection: String,
        filter: String,
        ids: String,
        texts: String,
        metadata: Option<String>,
        options: String,
        given: Option<String>,
        vectors: Option<Float32ArraySlice>,
        lengths: Option<Uint32ArraySlice>,
        expires_at: Option<String>,
        on_progress: Option<Listener>,
    ) -> napi::Result<Unknown<'env>> {
        let options = args::replace_options(&options).map_err(thrown)?;
        let data = vectors.map_or_else(Vec::new, |vectors| vectors.to_vec());
        let lengths = lengths.map_or_else(Vec::new, |lengths| lengths.to_vec());
        self.once(env, move |call| {
            let replacement = Replacement {
                filter: filter::parse_text(&filter)?,
                ids: args::read(&ids, "ids")?,
                metadata: args::metadata_list(metadata.as_deref())?,
                texts: {
                    let texts: Vec<Box<str>> = args::read(&texts, "texts")?;
                    texts.into_iter().map(Some).collect()
                },
                expires_at: expiry::changes(expires_at.as_deref())?,
                origin: match given {
                    Some(given) => Origin::Embedded(args::read(&given, "given")?),
                    None => Origin::BuiltIn,
                },
                data,
                lengths,
                places: Places::default(),
                options,
                on_progress: listener(on_progress),
            };
            replace(call, &collection, replacement, &filter)
        })
    }

    #[napi]
    pub fn optimize<'env>(
        &self,
        env: &'env Env,
        collection: String,
        on_progress: Option<Listener>,
    ) -> napi::Result<Unknown<'env>> {
        let opening = self.client.begin_when_open();
        // While this waits, it must keep neither the client nor the collection with its files
        // alive.
        let client = Arc::downgrade(&self.client);
        let token = cancel::current();
        let future = async move {
            let done = {
                let call = opening.await.map_err(thrown)?;
                let collection = call.collection(&collection).map_err(thrown)?;
                // The call ends as soon as the work has begun, so that `close` stops the background
                // thread rather than wait for it.
                catch_panic(|| collection.optimize(listener(on_progress))).map_err(thrown)?
            };
            let outcome = match &token {
                None => done.await,
                // The background work continues at its own pace.
                Some(token) => tokio::select! {
                    outcome = done => outcome,
                    () = token.cancelled() => return Err(thrown(Error::Cancelled)),
                },
            };
            if !matches!(outcome, Ok(Ok(()))) {
                let client = client.upgrade().ok_or(Error::ClientClosed);
                let call = client.and_then(|client| client.begin()).map_err(thrown)?;
                if !matches!(outcome, Ok(Err(Error::Storage(_)))) {
                    // The store may have been given up.
                    call.check().map_err(thrown)?;
                }
            }
            let stopped = |_| Err(Error::Internal("the background stopped".into()));
            outcome.unwrap_or_else(stopped).map_err(thrown)
        };
        env.spawn_future(future)?.into_unknown(env)
    }

    #[napi]
    pub fn flush<'env>(&self, env: &'env Env) -> napi::Result<Unknown<'env>> {
        self.once(env, |call| {
            call.flush()?;
            Ok(Reply::Nothing)
        })
    }

    /// The ledger of the store, as JSON text: `path`, `store`, `entries` and `head`, and in
    /// `unsigned` the last erasure's `entry` and `line` unless it is signed. Null if there is none.
    #[napi]
    pub fn ledger<'env>(&self, env: &'env Env) -> napi::Result<Unknown<'env>> {
        self.once(env, |call| {
            let Some((path, head)) = call.ledger()? else {
                return Ok(Reply::Text("null".into()));
            };
            let unsigned = head.unsigned.clone();
            let mut report = json!({ "path": path.display().to_string() });
            let info = json!(LedgerInfo::of(head));
            if let (Some(report), serde_json::Value::Object(info)) = (report.as_object_mut(), info)
            {
                report.extend(info);
            }
            if let Some(LedgerEntry { entry, line, .. }) = unsigned {
                report["unsigned"] = json!({ "entry": entry, "line": line });
            }
            Ok(Reply::Text(report.to_string()))
        })
    }

    /// Adds a signature, in base64, of the erasure with this number to the ledger.
    #[napi]
    pub fn sign_entry<'env>(
        &self,
        env: &'env Env,
        entry: f64,
        signature: String,
    ) -> napi::Result<Unknown<'env>> {
        self.once(env, move |call| {
            call.sign_entry(args::entry(entry)?, &signature)?;
            Ok(Reply::Nothing)
        })
    }

    #[napi]
    pub fn verify_erased<'env>(
        &self,
        env: &'env Env,
        collection: String,
        ids: String,
    ) -> napi::Result<Unknown<'env>> {
        self.once(env, move |call| {
            let ids: Vec<String> = args::read(&ids, "ids")?;
            let residues = call.collection(&collection)?.verify_erased(&ids)?;
            let head = json!({ "verified": residues.is_empty() }).to_string();
            let mut rows = Rows::new(head, Some("residues"));
            for residue in &residues {
                rows.push(|out| out.push_str(&json!(residue).to_string()));
            }
            Ok(rows.reply())
        })
    }

    #[napi]
    pub fn create_backup<'env>(
        &self,
        env: &'env Env,
        target: String,
        options: String,
        on_progress: Option<Listener>,
    ) -> napi::Result<Unknown<'env>> {
        let target = absolute(&target)?;
        self.once(env, move |call| {
            let options: args::Backup = args::read(&options, "options")?;
            let (names, apart) = (options.collections.as_deref(), options.is_apart());
            let on_progress = on_progress.as_ref();
            let made = call.create_backup(&target, names, apart, &mut |progress| {
                tell(on_progress, "backup", progress);
            })?;
            Ok(backup_reply(&made.backup, made.keys.as_deref()))
        })
    }

    #[napi]
    pub fn export_keys<'env>(&self, env: &'env Env, target: String) -> napi::Result<Unknown<'env>> {
        let target = absolute(&target)?;
        self.once(env, move |call| {
            Ok(backup_reply(&call.export_keys(&target)?, None))
        })
    }

    #[napi]
    pub fn rotate_keys<'env>(
        &self,
        env: &'env Env,
        user: Option<String>,
        on_progress: Option<Listener>,
    ) -> napi::Result<Unknown<'env>> {
        self.once(env, move |call| {
            let user = user.as_deref().map(user_key).transpose()?;
            call.rotate_keys(user, &mut |progress| {
                tell(on_progress.as_ref(), "rotate", progress);
            })?;
            Ok(Reply::Nothing)
        })
    }

    #[napi]
    pub fn restore_backup<'env>(
        env: &'env Env,
        file: String,
        path: String,
        options: String,
        on_progress: Option<Listener>,
    ) -> napi::Result<Unknown<'env>> {
        let (file, path) = (absolute(&file)?, absolute(&path)?);
        let options: args::Restore = args::read(&options, "options").map_err(thrown)?;
        let keys = options.keys.as_deref().map(absolute).transpose()?;
        let ledger = options.ledger.as_deref().map(absolute).transpose()?;
        let user_key = |encryption: Option<client::Encryption>| {
            let user = encryption.map(|encryption| encryption.user_key());
            user.transpose().map_err(thrown)
        };
        let user = user_key(options.encryption)?;
        let keys_user = user_key(options.keys_encryption)?;
        let work = move || {
            let source = Source {
                user: user.as_ref(),
                keys: keys.as_deref(),
                keys_user: keys_user.as_ref(),
            };
            let tell = &mut |phase: &'static str, progress| {
                tell(on_progress.as_ref(), phase, progress);
            };
            let restored = client::restore_backup(&file, &path, source, ledger.as_deref(), tell)?;
            let report = reports::RestoreReport::of(&restored);
            Ok(Reply::Text(json!(report).to_string()))
        };
        blocking(env, work)
    }

    #[napi]
    pub fn serve<'env>(
        &self,
        env: &'env Env,
        options: String,
        embedder: Option<serve::Embed>,
    ) -> napi::Result<Unknown<'env>> {
        serve::start(env, self.client.clone(), options, embedder)
    }

    #[napi]
    pub fn close<'env>(&self, env: &'env Env) -> napi::Result<Unknown<'env>> {
        // No call can begin from here on, whenever the future runs.
        let closed = self.client.close();
        let future = async move { closed.await.map_err(thrown) };
        env.spawn_future(future)?.into_unknown(env)
    }
}

/// The key of a store, or of a backup, as wrapped by a key management service, in hexadecimal.
/// Undefined if there is no store yet.
#[napi]
pub fn wrapped_key<'env>(env: &'env Env, path: String) -> napi::Result<Unknown<'env>> {
    let path = absolute(&path)?;
    let work = move || {
        let wrapped = wrapped(&Files::default(), &path)?;
        Ok(wrapped.map_or(Reply::Nothing, |bytes| Reply::Text(hexadecimal(bytes))))
    };
    blocking(env, work)
}

/// Describes the contents of a store's files, as JSON text. Changes and locks nothing.
#[napi]
pub fn inspect_store<'env>(
    env: &'env Env,
    path: String,
    options: String,
    on_progress: Option<Listener>,
) -> napi::Result<Unknown<'env>> {
    let path = absolute(&path)?;
    let options: args::Inspect = args::read(&options, "options").map_err(thrown)?;
    let user = options.encryption.map(|encryption| encryption.user_key());
    let user = user.transpose().map_err(thrown)?;
    let options = InspectOptions {
        ids: options.ids,
        verify: options.verify,
    };
    let work = move || {
        let tell = |done, total| tell(on_progress.as_ref(), "verify", Progress { done, total });
        let found = inspect(&Files::default(), &path, user.as_ref(), options, tell)?;
        Ok(Reply::Text(json!(found).to_string()))
    };
    blocking(env, work)
}

/// Resolves in a later tick of the event loop.
#[napi(js_name = "turn")]
pub fn later_turn(env: &Env) -> napi::Result<Unknown<'_>> {
    let turn = turn::number();
    let begun = move |_: &Env, ()| {
        turn::end(turn);
        Ok(())
    };
    env.spawn_future_with_callback(async { Ok(()) }, begun)?
        .into_unknown(env)
}
