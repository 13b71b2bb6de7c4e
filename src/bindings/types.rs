//! The shapes of the JavaScript API, for the generated typings. Nothing here is built at
//! run time: results cross the boundary as JSON texts and typed arrays (`reply.rs`).

use napi::bindgen_prelude::Float32Array;
use napi_derive::napi;

/// How a client is opened.
#[napi(object, object_from_js = false)]
pub struct VectorizerClientOptions {
    /// The directory of a store on disk, made where there is none; relative to the working
    /// directory of now. Clients of one process that give the same directory share one
    /// store. Left out: in memory.
    pub path: Option<String>,
    /// When a write on disk survives a loss of power: before its promise resolves, within
    /// about a second (the default), or when the system sees fit. A killed process loses
    /// nothing with any of them.
    #[napi(ts_type = "'always' | 'everysec' | 'no'")]
    pub fsync: Option<String>,
    /// Clients of one process that give the same name share one store in memory, across
    /// worker threads and JavaScript realms. It goes with the last of them.
    pub shared: Option<String>,
    /// The key that the files are encrypted with, or the service that keeps it. A new store is
    /// encrypted from the beginning; one that is not yet is by `rotateKeys({ key })`. A wrong or
    /// missing key rejects with `EncryptionError`. Left out: the store's keys are beside the
    /// data, and deletes are as certain, but there is no secrecy.
    #[napi(ts_type = "EncryptionKey | KeyService")]
    pub encryption: Option<()>,
    /// Embeds texts in place of the built-in embedder: an array of texts in, a promise of
    /// as many vectors of the collection's dimension out. Called with up to 128 texts.
    /// `close` waits for what it was asked before.
    #[napi(ts_type = "(texts: string[]) => Promise<ArrayLike<number>[]> | ArrayLike<number>[]")]
    pub embedder: Option<()>,
}

/// The parameters of the HNSW graph.
#[napi(object, object_from_js = false)]
pub struct HnswOptions {
    /// Neighbours of a node on the upper layers, 4 to 128; twice as many on the bottom
    /// one. Default 16.
    pub m: Option<u32>,
    /// Candidates weighed for a new node's neighbours, 8 to 4,096. Default 100.
    #[napi(js_name = "ef_construction")]
    pub ef_construction: Option<u32>,
    /// Candidates a search keeps, 1 to 4,096: more is slower and finds more. Default 80.
    #[napi(js_name = "ef_search")]
    pub ef_search: Option<u32>,
}

/// What a new collection is like.
#[napi(object, object_from_js = false)]
pub struct CollectionOptions {
    /// How many values each vector has, 1 to 65,535.
    pub dimension: u32,
    /// Default `cosine`.
    #[napi(ts_type = "SimilarityMetric")]
    pub metric: Option<String>,
    pub hnsw: Option<HnswOptions>,
}

/// A new collection, as the TypeScript SDK asks for it.
#[napi(object, object_from_js = false)]
pub struct CreateCollectionRequest {
    /// At most 255 bytes; no path separators or control characters.
    pub name: String,
    /// How many values each vector has, 1 to 65,535.
    pub dimension: u32,
    /// Default `cosine`.
    #[napi(js_name = "similarity_metric", ts_type = "SimilarityMetric")]
    pub similarity_metric: Option<String>,
    pub hnsw: Option<HnswOptions>,
}

/// A collection in a list.
#[napi(object, object_from_js = false)]
pub struct Collection {
    pub name: String,
    pub dimension: u32,
    #[napi(js_name = "similarity_metric", ts_type = "SimilarityMetric")]
    pub similarity_metric: String,
    /// Live vectors.
    #[napi(js_name = "vector_count")]
    pub vector_count: u32,
    /// RFC 3339, UTC.
    #[napi(js_name = "created_at")]
    pub created_at: String,
}

/// A collection in full.
#[napi(object, object_from_js = false)]
pub struct CollectionInfo {
    pub name: String,
    pub dimension: u32,
    #[napi(js_name = "similarity_metric", ts_type = "SimilarityMetric")]
    pub similarity_metric: String,
    /// Live vectors.
    #[napi(js_name = "vector_count")]
    pub vector_count: u32,
    /// RFC 3339, UTC.
    #[napi(js_name = "created_at")]
    pub created_at: String,
    /// The last write, RFC 3339, UTC.
    #[napi(js_name = "updated_at")]
    pub updated_at: String,
    /// Memory held by the collection, an estimate in bytes.
    #[napi(js_name = "size_bytes")]
    pub size_bytes: u32,
    /// The bytes of the collection's files. Absent in memory.
    #[napi(js_name = "disk_bytes")]
    pub disk_bytes: Option<u32>,
    #[napi(ts_type = "Required<HnswOptions>")]
    pub hnsw: HnswOptions,
    pub index: IndexInfo,
}

/// The state of a collection's index.
#[napi(object, object_from_js = false)]
pub struct IndexInfo {
    /// Live vectors in the graph.
    pub indexed: u32,
    /// Live vectors that searches scan, because they are few or not in the graph yet.
    pub pending: u32,
    /// Deleted vectors whose place in the graph has not been given back yet. Nothing of
    /// them but a nameless code is left.
    pub deleted: u32,
}

/// A vector to insert.
#[napi(object, object_from_js = false)]
pub struct CreateVectorRequest {
    /// 1 to 1,024 bytes. Left out: a new UUID (version 7).
    pub id: Option<String>,
    /// As many finite values as the collection has dimensions; kept as 32-bit floats.
    #[napi(ts_type = "number[] | Float32Array")]
    pub data: Float32Array,
    /// A plain JSON object.
    #[napi(ts_type = "Record<string, unknown>")]
    pub metadata: Option<()>,
    /// What the vector was made of. Kept, not embedded.
    pub text: Option<String>,
}

/// Vectors to insert, as columns: the fastest form for many.
#[napi(object, object_from_js = false)]
pub struct VectorColumns {
    pub ids: Vec<String>,
    /// The vectors laid end to end, in the order of `ids`.
    pub data: Float32Array,
    /// One object, or nothing, for each id.
    #[napi(ts_type = "Array<Record<string, unknown> | null | undefined>")]
    pub metadata: Option<()>,
    /// One text, or nothing, for each id. Kept, not embedded.
    #[napi(ts_type = "Array<string | null | undefined>")]
    pub texts: Option<()>,
}

/// What an insert did.
#[napi(object, object_from_js = false)]
pub struct InsertReport {
    /// How many vectors were inserted or replaced.
    pub inserted: u32,
    /// Their ids in order, each once.
    pub ids: Vec<String>,
}

/// A text to insert.
#[napi(object, object_from_js = false)]
pub struct BatchTextRequest {
    pub id: String,
    pub text: String,
    /// A plain JSON object.
    #[napi(ts_type = "Record<string, unknown>")]
    pub metadata: Option<()>,
}

/// What inserting texts did, in the SDK's shape. It happens as a whole or not at all.
#[napi(object, object_from_js = false)]
pub struct BatchResponse {
    pub success: bool,
    pub collection: String,
    pub operation: String,
    #[napi(js_name = "total_operations")]
    pub total_operations: u32,
    #[napi(js_name = "successful_operations")]
    pub successful_operations: u32,
    #[napi(js_name = "failed_operations")]
    pub failed_operations: u32,
    #[napi(js_name = "duration_ms")]
    pub duration_ms: f64,
    pub errors: Vec<String>,
}

/// A stored vector.
#[napi(object, object_from_js = false)]
pub struct Vector {
    pub id: String,
    pub data: Float32Array,
    /// Absent when none was given.
    #[napi(ts_type = "Record<string, unknown>")]
    pub metadata: Option<()>,
    /// The text it was embedded from, or was inserted with.
    pub text: Option<String>,
}

/// Part of a list of all vectors.
#[napi(object, object_from_js = false)]
pub struct VectorPage {
    pub vectors: Vec<Vector>,
    /// All vectors of the collection.
    pub total: u32,
    pub limit: u32,
    /// How many vectors come before this page.
    pub offset: u32,
}

/// What to replace of a vector; what is left out stays. At least one is given.
#[napi(object, object_from_js = false)]
pub struct UpdateVectorRequest {
    #[napi(ts_type = "number[] | Float32Array")]
    pub data: Option<Float32Array>,
    /// Embedded anew, unless `data` is given as well.
    pub text: Option<String>,
    /// Replaces the metadata as a whole.
    #[napi(ts_type = "Record<string, unknown>")]
    pub metadata: Option<()>,
}

/// How to search.
#[napi(object, object_from_js = false)]
pub struct SearchOptions {
    /// The most results to return. Default 10. There is no hidden cap.
    pub limit: Option<u32>,
    /// Only vectors that match.
    #[napi(ts_type = "Filter")]
    pub filter: Option<()>,
    /// Only results with at least this score.
    #[napi(js_name = "similarity_threshold")]
    pub similarity_threshold: Option<f64>,
    /// Candidates this search keeps, 1 to 4,096: more is slower and finds more. Default:
    /// the collection's `hnsw.ef_search`.
    #[napi(js_name = "ef_search")]
    pub ef_search: Option<u32>,
    /// Whether results carry their vectors. Default false.
    #[napi(js_name = "with_vector")]
    pub with_vector: Option<bool>,
    /// Whether results carry their metadata. Default true.
    #[napi(js_name = "include_metadata")]
    pub include_metadata: Option<bool>,
}

/// A search by vector, in the SDK's shape.
#[napi(object, object_from_js = false)]
pub struct SearchRequest {
    #[napi(js_name = "query_vector", ts_type = "number[] | Float32Array")]
    pub query_vector: Float32Array,
    /// The most results to return. Default 10.
    pub limit: Option<u32>,
    /// Only results with at least this score.
    pub threshold: Option<f64>,
    /// Candidates this search keeps, 1 to 4,096: more is slower and finds more. Default:
    /// the collection's `hnsw.ef_search`.
    #[napi(js_name = "ef_search")]
    pub ef_search: Option<u32>,
    /// Whether results carry their metadata. Default true.
    #[napi(js_name = "include_metadata")]
    pub include_metadata: Option<bool>,
    /// Whether results carry their vectors. Default false.
    #[napi(js_name = "with_vector")]
    pub with_vector: Option<bool>,
    /// Only vectors that match.
    #[napi(ts_type = "Filter")]
    pub filter: Option<()>,
}

/// A search by text, in the SDK's shape.
#[napi(object, object_from_js = false)]
pub struct TextSearchRequest {
    pub query: String,
    /// The most results to return. Default 10.
    pub limit: Option<u32>,
    /// Only results with at least this score.
    pub threshold: Option<f64>,
    /// Candidates this search keeps, 1 to 4,096: more is slower and finds more. Default:
    /// the collection's `hnsw.ef_search`.
    #[napi(js_name = "ef_search")]
    pub ef_search: Option<u32>,
    /// Whether results carry their metadata. Default true.
    #[napi(js_name = "include_metadata")]
    pub include_metadata: Option<bool>,
    /// Whether results carry their vectors. Default false.
    #[napi(js_name = "with_vector")]
    pub with_vector: Option<bool>,
    /// Only vectors that match.
    #[napi(ts_type = "Filter")]
    pub filter: Option<()>,
}

/// A vector that a search found.
#[napi(object, object_from_js = false)]
pub struct SearchResult {
    pub id: String,
    /// Higher is more alike: the cosine (-1 to 1), the dot product, or
    /// `1 / (1 + Euclidean distance)`. 0 where nothing was ranked.
    pub score: f64,
    /// With `with_vector`.
    pub data: Option<Float32Array>,
    /// Absent when none was given.
    #[napi(ts_type = "Record<string, unknown>")]
    pub metadata: Option<()>,
    /// The text it was embedded from, or was inserted with.
    pub text: Option<String>,
}

/// Search results, in the SDK's shape.
#[napi(object, object_from_js = false)]
pub struct SearchResponse {
    /// Nearest first; equally near ones in insertion order.
    pub results: Vec<SearchResult>,
    /// How many results there are.
    pub total: u32,
}

/// What became of one id of a batch delete.
#[napi(object, object_from_js = false)]
pub struct DeleteResult {
    pub id: String,
    /// Its place in the request.
    pub index: u32,
    #[napi(ts_type = "'ok' | 'error'")]
    pub status: String,
    /// Why, where the status is `error`.
    pub error: Option<String>,
}

/// What a batch delete did, row by row in the order of the request.
#[napi(object, object_from_js = false)]
pub struct DeleteReport {
    pub collection: String,
    /// How many ids were given.
    pub count: u32,
    pub deleted: u32,
    pub failed: u32,
    pub results: Vec<DeleteResult>,
    /// Where it was asked for.
    pub receipt: Option<ErasureReceipt>,
}

/// How to delete a collection.
#[napi(object, object_from_js = false)]
pub struct DeleteCollectionOptions {
    /// Resolve with a proof of what was erased.
    pub receipt: Option<bool>,
}

/// How to delete one vector.
#[napi(object, object_from_js = false)]
pub struct DeleteVectorOptions {
    /// Resolve with a proof of what was erased.
    pub receipt: Option<bool>,
    /// Write the vector to this new backup file first, and delete it only if that succeeds.
    pub backup: Option<String>,
}

/// How to delete many vectors.
#[napi(object, object_from_js = false)]
pub struct BatchDeleteOptions {
    /// Add a proof of what was erased.
    pub receipt: Option<bool>,
    /// Write what is about to be deleted to this new backup file first, and delete it only
    /// if that succeeds. Where nothing is to be deleted there is no file.
    pub backup: Option<String>,
}

/// How to delete by filter.
#[napi(object, object_from_js = false)]
pub struct DeleteByFilterOptions {
    /// Delete nothing; report what would be deleted. Not together with `receipt` or
    /// `backup`.
    pub dry_run: Option<bool>,
    /// Add a proof of what was erased.
    pub receipt: Option<bool>,
    /// Write what is about to be deleted to this new backup file first, and delete it only
    /// if that succeeds. Where nothing is to be deleted there is no file.
    pub backup: Option<String>,
}

/// What was erased, and when, without keeping what was erased.
#[napi(object, object_from_js = false)]
pub struct ErasureReceipt {
    pub collection: String,
    /// How many vectors.
    pub deleted: u32,
    /// The bytes of their rows, ids, metadata and texts.
    pub bytes_erased: u32,
    /// Counts the collection's writes: the number of this delete.
    pub log_sequence: u32,
    /// When the last byte was overwritten, on disk that of a key, and synced; RFC 3339, UTC.
    pub completed_at: String,
    /// Whether it is on the disk, so that no loss of power brings anything of it back. False in
    /// memory.
    pub durable: bool,
    /// SHA-256, in hexadecimal, of the JSON text `[logSequence,[id,…]]` without blanks, the
    /// deleted ids in the order of their UTF-8 bytes.
    pub digest: String,
}

/// Something of a deleted vector that is still there.
#[napi(object, object_from_js = false)]
pub struct Residue {
    /// The vector's id, where it can be told.
    #[napi(ts_type = "string | null")]
    pub id: String,
    /// The file it is in; `null` in memory.
    #[napi(ts_type = "string | null")]
    pub file: String,
    /// Where in the file, in bytes.
    pub offset: u32,
    pub length: u32,
    pub reason: String,
}

/// Whether vectors are gone.
#[napi(object, object_from_js = false)]
pub struct VerificationReport {
    /// There is no residue.
    pub verified: bool,
    pub residues: Vec<Residue>,
}

/// How to insert.
#[napi(object, object_from_js = false)]
pub struct InsertOptions {
    /// Told now and then how far it is. What it throws rejects the call when the vectors
    /// are inserted.
    #[napi(ts_type = "(progress: InsertProgress) => void")]
    pub on_progress: Option<()>,
}

/// How far an insert is. It happens as a whole all the same: nothing of it is visible
/// before the last vector is stored, and where it fails nothing is left of it.
#[napi(object, object_from_js = false)]
pub struct InsertProgress {
    /// `embed`: the texts that the client's embedder has done. `prepare`: the vectors that
    /// are checked and encoded. `insert`: those that are stored, each id once.
    #[napi(ts_type = "'embed' | 'prepare' | 'insert'")]
    pub phase: String,
    /// Texts or vectors.
    pub done: u32,
    pub total: u32,
}

/// How to optimize.
#[napi(object, object_from_js = false)]
pub struct OptimizeOptions {
    /// Told now and then how far it is, at least at the beginning and at the end. What it
    /// throws rejects the call when the work is done.
    #[napi(ts_type = "(progress: OptimizeProgress) => void")]
    pub on_progress: Option<()>,
}

/// How far the work on the index is.
#[napi(object, object_from_js = false)]
pub struct OptimizeProgress {
    #[napi(ts_type = "'repair' | 'insert' | 'build' | 'rewrite'")]
    pub phase: String,
    /// Vectors.
    pub done: u32,
    pub total: u32,
}

/// The key that a store's files, or a backup, are encrypted with.
#[napi(object, object_from_js = false)]
pub struct EncryptionKey {
    /// 32 bytes, or the base64 text of 32 bytes.
    #[napi(ts_type = "Uint8Array | string")]
    pub key: String,
}

/// A service that keeps a key, and wraps others with it. Called when a store is opened, made or
/// restored, and when keys are rotated; never for a vector.
#[napi(object, object_from_js = false)]
pub struct KeyService {
    /// Wraps a key of 32 bytes. What it returns, up to 64 kB, is kept beside the data.
    #[napi(ts_type = "(key: Uint8Array) => Promise<Uint8Array> | Uint8Array")]
    pub wrap: (),
    /// Returns the key that `wrap` was given.
    #[napi(ts_type = "(wrapped: Uint8Array) => Promise<Uint8Array> | Uint8Array")]
    pub unwrap: (),
}

/// How to rotate keys.
#[napi(object, object_from_js = false)]
pub struct RotateOptions {
    /// The key that opens the store from here on. Left out: the same; with a key service, a
    /// new one that it has wrapped.
    #[napi(ts_type = "Uint8Array | string")]
    pub key: Option<String>,
    /// Told now and then how many keys are rotated. What it throws rejects the call when the
    /// work is done.
    #[napi(ts_type = "(progress: RotateProgress) => void")]
    pub on_progress: Option<()>,
}

/// How far a rotation is.
#[napi(object, object_from_js = false)]
pub struct RotateProgress {
    #[napi(ts_type = "'rotate'")]
    pub phase: String,
    pub done: u32,
    pub total: u32,
}

/// How to restore a backup.
#[napi(object, object_from_js = false)]
pub struct RestoreOptions {
    /// For a backup that has its keys apart: the newest file of `exportKeys`, or the directory
    /// of the store.
    pub keys: Option<String>,
    /// For a backup of an encrypted store. The store that is made has the same key.
    #[napi(ts_type = "EncryptionKey | KeyService")]
    pub encryption: Option<()>,
    /// For keys that are encrypted with another key than the backup: those of a store whose key
    /// has changed since. The store that is made has this one then.
    #[napi(ts_type = "EncryptionKey | KeyService")]
    pub keys_encryption: Option<()>,
    /// Told now and then how far it is. What it throws rejects the call when the work is
    /// done.
    #[napi(ts_type = "(progress: BackupProgress) => void")]
    pub on_progress: Option<()>,
}

/// How to make a backup.
#[napi(object, object_from_js = false)]
pub struct BackupOptions {
    /// The collections. Left out: all.
    #[napi(ts_type = "readonly string[]")]
    pub collections: Option<Vec<String>>,
    /// `within`: the file restores alone. `apart`: the keys are in a file beside it, and of
    /// keys only the newest need be kept: what is deleted later does not come back from it.
    #[napi(ts_type = "'within' | 'apart'")]
    pub keys: Option<String>,
    /// Told now and then how far it is. What it throws rejects the call when the work is
    /// done.
    #[napi(ts_type = "(progress: BackupProgress) => void")]
    pub on_progress: Option<()>,
}

/// How far a backup is.
#[napi(object, object_from_js = false)]
pub struct BackupProgress {
    #[napi(ts_type = "'backup' | 'verify' | 'restore'")]
    pub phase: String,
    /// Vectors while a backup is made, bytes of it while it is verified and restored.
    pub done: u32,
    pub total: u32,
}

/// A backup that was made.
#[napi(object, object_from_js = false)]
pub struct BackupReport {
    pub file: String,
    /// Where the keys are, if they are apart.
    pub keys: Option<String>,
    pub collections: u32,
    pub vectors: u32,
    /// The size of the file.
    pub bytes: u32,
    /// Unfinished backups that were in the directory, of processes that ended while they
    /// wrote them. They were removed.
    pub leftovers: Vec<String>,
}

/// A store that was made of a backup.
#[napi(object, object_from_js = false)]
pub struct RestoreReport {
    pub path: String,
    pub collections: u32,
    pub vectors: u32,
    /// Of a backup that has its keys apart: how many vectors have no key any more, as they were
    /// deleted or changed since.
    pub erased: Option<u32>,
    /// The size of the backup.
    pub bytes: u32,
}

/// A vector that a filter matched.
#[napi(object, object_from_js = false)]
pub struct FilterMatch {
    pub id: String,
    /// `matched` in a dry run.
    #[napi(ts_type = "'deleted' | 'matched'")]
    pub status: String,
}

/// What a delete by filter did.
#[napi(object, object_from_js = false)]
pub struct DeleteByFilterReport {
    /// The live vectors that were considered.
    pub scanned: u32,
    pub matched: u32,
    /// 0 in a dry run.
    pub deleted: u32,
    /// In insertion order.
    pub results: Vec<FilterMatch>,
    /// Where it was asked for.
    pub receipt: Option<ErasureReceipt>,
}

/// How a server is started. Times are in milliseconds.
#[napi(object, object_from_js = false)]
pub struct ServeOptions {
    /// A name or an address of this machine. Default `127.0.0.1`. One that other machines
    /// reach needs an `apiKey`.
    pub host: Option<String>,
    /// Default 15002; 0 is any port that is free.
    pub port: Option<u32>,
    /// What clients must send, as `Authorization: Bearer KEY` or `X-API-Key: KEY`. Without
    /// one the server answers only requests whose `Host` is this machine.
    pub api_key: Option<String>,
    /// The largest body. Default 64 MiB.
    pub max_body_bytes: Option<u32>,
    /// The space for all bodies that are being read or handled, and as much again for all
    /// answers of more than 64 KiB. Default 256 MiB, or as much as the largest body takes.
    pub max_buffered_bytes: Option<u32>,
    /// Connections at a time; further ones wait. Default 4,096.
    pub max_connections: Option<u32>,
    /// How long the head of a request may take, and a connection be idle. Default 15,000.
    pub header_timeout: Option<u32>,
    /// How long a body may take. Default 60,000.
    pub body_timeout: Option<u32>,
    /// How long a client may take no part of its answer. Default 30,000.
    pub write_timeout: Option<u32>,
    /// How long requests may go on when the server is closed. Default 10,000.
    pub shutdown_timeout: Option<u32>,
    /// Origins whose pages may ask from a browser; `*` is any. Default none.
    pub cors: Option<Vec<String>>,
    /// Hosts that a server without a key answers for beside this machine.
    pub allowed_hosts: Option<Vec<String>>,
    /// A line for each request to the standard error output, with its method, route, status
    /// and time, and nothing of what is in it. Default none.
    #[napi(ts_type = "'text' | 'json'")]
    pub log: Option<String>,
    /// The directory for backups that clients ask for with `POST /backups`. Without one they
    /// are answered 501.
    pub backups: Option<String>,
}
