import type { Filter, IsUntyped } from './filter.js'

/** How the nearness of two vectors is measured. */
export type SimilarityMetric = 'cosine' | 'euclidean' | 'dot_product'

/** The values of a vector. */
export type VectorInput = readonly number[] | Float32Array

/** What belongs to a vector: a plain JSON object, or nothing. */
export type MetadataInput = object | null | undefined

/**
 * Embeds texts: up to 128 of them in, as many vectors of the collection's dimension out, or a
 * promise of them.
 */
export type Embedder = (texts: string[]) => Promise<ArrayLike<number>[]> | ArrayLike<number>[]

/** An HTTP server that a client has started. */
export interface HttpServer {
  /** The address it listens on. */
  readonly address: string
  readonly port: number
  /** `http://` with both. */
  readonly url: string
  /** Resolves when it has ended, whoever ended it. */
  readonly closed: Promise<void>
  /** Takes no new connection, and resolves when requests under way are answered. */
  close(): Promise<void>
  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

declare global {
  interface SymbolConstructor {
    readonly asyncDispose: unique symbol
  }
  interface AbortSignal {}
}

/** What every call takes among its options. */
export interface CallOptions {
  /**
   * Cancels the call. Aborted before the call has committed, nothing has changed and nothing
   * will: its promise rejects with the signal's reason. Aborted later, it completes.
   */
  signal?: AbortSignal
}

/** The metadata of a vector that is inserted: of the type `Meta`, if there is one. */
export type InsertedMetadata<Meta> =
  IsUntyped<Meta> extends true
    ? {
        /** A plain JSON object. */
        metadata?: MetadataInput
      }
    : undefined extends Meta
      ? { metadata?: Meta | null }
      : { metadata: Meta }

/** The metadata of a vector that is stored, of the type `Meta`. */
export type StoredMetadata<Meta> =
  IsUntyped<Meta> extends true
    ? {
        /** Absent when none was given. */
        metadata?: Record<string, unknown>
      }
    : undefined extends Meta
      ? { metadata?: Exclude<Meta, undefined> }
      : { metadata: Meta }

/** How to move collections. */
export interface MigrationOptions extends CallOptions {
  /** The collections to move, by name. Left out: all of the source. */
  collections?: readonly string[]
  /** How many vectors are moved at a time, 1 to 10,000. Default 500. */
  batchSize?: number
  /**
   * Delete from the target what the source does not hold. Left out: what is there beside
   * rejects the call, when everything is copied.
   */
  prune?: boolean
  /**
   * How many vectors of each collection are searched for in both, to compare, 0 to 10,000.
   * Default 20.
   */
  sample?: number
  /**
   * Told now and then how far it is. What it throws stops nothing: the call rejects with it
   * when the work is done.
   */
  onProgress?: (progress: MigrationProgress) => void
}

/** How far a migration is. */
export interface MigrationProgress {
  collection: string
  /**
   * `copy`: the source's vectors that are compared and copied. `prune`: the target's that are
   * looked up in the source. `verify`: searches that are compared.
   */
  phase: 'copy' | 'prune' | 'verify'
  done: number
  total: number
}

/** A collection that was moved. */
export interface MigratedCollection {
  name: string
  /** How many vectors both hold. */
  vectors: number
  /** How many were written to the target. */
  copied: number
  /** How many were there already, the same in every part. */
  unchanged: number
  /** How many were deleted from the target. */
  pruned: number
  /** How many vectors were searched for in both. */
  sampled: number
  /** The share of the source's results that the target found as well, 0 to 1. */
  agreement: number
}

/** What a migration did. */
export interface MigrationReport {
  collections: MigratedCollection[]
  duration_ms: number
}

/** How to make a backup. */
export interface BackupOptions extends CallOptions {
  /** The collections. Left out: all. */
  collections?: readonly string[]
  /**
   * `within`: the file restores alone. `apart`: the keys are in a file beside it, and of
   * keys only the newest need be kept: what is deleted later does not come back from it.
   */
  keys?: 'within' | 'apart'
  /**
   * Told now and then how far it is. What it throws stops nothing: the call rejects with it
   * when the work is done.
   */
  onProgress?: (progress: BackupProgress) => void
}

/** How far a backup is. */
export interface BackupProgress {
  phase: 'backup' | 'verify' | 'restore'
  /** Vectors while a backup is made, bytes of it while it is verified and restored. */
  done: number
  total: number
}

/** A backup that was made. */
export interface BackupReport {
  file: string
  /** Where the keys are, if they are apart. */
  keys?: string
  collections: number
  vectors: number
  /** The size of the file. */
  bytes: number
  /**
   * Unfinished backups that were in the directory, of processes that ended while they
   * wrote them. They were removed.
   */
  leftovers: string[]
}

/** How to delete many vectors. */
export interface BatchDeleteOptions extends CallOptions {
  /** Add a proof of what was erased. */
  receipt?: boolean
  /**
   * Write what is about to be deleted to this new backup file first, and delete it only
   * if that succeeds. Where nothing is to be deleted there is no file.
   */
  backup?: string
}

/** What inserting texts did, in the SDK's shape. It happens as a whole or not at all. */
export interface BatchResponse {
  success: boolean
  collection: string
  operation: string
  total_operations: number
  successful_operations: number
  failed_operations: number
  duration_ms: number
  errors: string[]
}

/** A text to insert. */
export type BatchTextRequest<Meta = any> = { id: string; text: string } & InsertedMetadata<Meta>

/** A collection in a list. */
export interface CollectionSummary {
  name: string
  dimension: number
  similarity_metric: SimilarityMetric
  /** Live vectors. */
  vector_count: number
  /** RFC 3339, UTC. */
  created_at: string
}

/** A collection in full. */
export interface CollectionInfo extends CollectionSummary {
  /** The last write, RFC 3339, UTC. */
  updated_at: string
  /** Memory held by the collection, an estimate in bytes. */
  size_bytes: number
  /** The bytes of the collection's files. Absent in memory. */
  disk_bytes?: number
  hnsw: Required<HnswOptions>
  index: IndexInfo
}

/** What a new collection is like. */
export interface CollectionOptions extends CallOptions {
  /** How many values each vector has, 1 to 65,535. */
  dimension: number
  /** Default `cosine`. */
  metric?: SimilarityMetric
  /** The SDK's name for `metric`. */
  similarity_metric?: SimilarityMetric
  hnsw?: HnswOptions
}

/** How a collection is opened that may have to be made. */
export interface OpenCollectionOptions extends CollectionOptions {
  /**
   * What is done where the name is taken: `error`, the default, rejects with
   * `CollectionExistsError`; `open` opens the collection that there is, if it has the dimension,
   * the metric and the parameters that are given.
   */
  ifExists?: 'error' | 'open'
}

/** A new collection, as the TypeScript SDK asks for it. */
export interface CreateCollectionRequest extends CollectionOptions {
  /** At most 255 bytes; no path separators or control characters. */
  name: string
}

/** A vector to insert. */
export type CreateVectorRequest<Meta = any> = {
  /** 1 to 1,024 bytes. Left out: a new UUID (version 7). */
  id?: string
  /** As many finite values as the collection has dimensions; kept as 32-bit floats. */
  data: VectorInput
  /** What the vector was made of. Kept, not embedded. */
  text?: string | null
} & InsertedMetadata<Meta>

/** How to delete by filter. */
export interface DeleteByFilterOptions extends CallOptions {
  /**
   * Delete nothing; report what would be deleted. Not together with `receipt` or
   * `backup`.
   */
  dryRun?: boolean
  /** Add a proof of what was erased. */
  receipt?: boolean
  /**
   * Write what is about to be deleted to this new backup file first, and delete it only
   * if that succeeds. Where nothing is to be deleted there is no file.
   */
  backup?: string
}

/** What a delete by filter did. */
export interface DeleteByFilterReport {
  /** The live vectors that were considered. */
  scanned: number
  matched: number
  /** 0 in a dry run. */
  deleted: number
  /** In insertion order. */
  results: FilterMatch[]
  /**
   * The fields of the filter, as dotted paths, that none of the considered vectors had, those in
   * `$not` and `must_not` among them. Absent where there are none, and where no vectors were
   * considered. With `MilvusVectorizerClient` only where nothing matched: it asks the engine
   * once more for each field.
   */
  unknownFields?: string[]
  /** Where it was asked for. */
  receipt?: ErasureReceipt
}

/** How to delete a collection. */
export interface DeleteCollectionOptions extends CallOptions {
  /** Resolve with a proof of what was erased. */
  receipt?: boolean
}

/** What a batch delete did, row by row in the order of the request. */
export interface DeleteReport {
  collection: string
  /** How many ids were given. */
  count: number
  deleted: number
  failed: number
  results: DeleteResult[]
  /** Where it was asked for. */
  receipt?: ErasureReceipt
}

/** What became of one id of a batch delete. */
export interface DeleteResult {
  id: string
  /** Its place in the request. */
  index: number
  status: 'ok' | 'error'
  /** Why, where the status is `error`. */
  error?: string
}

/** How to delete one vector. */
export interface DeleteVectorOptions extends CallOptions {
  /** Resolve with a proof of what was erased. */
  receipt?: boolean
  /** Write the vector to this new backup file first, and delete it only if that succeeds. */
  backup?: string
}

/** The key that a store's files, or a backup, are encrypted with. */
export interface EncryptionKey {
  /** 32 bytes, or the base64 text of 32 bytes. */
  key: Uint8Array | string
}

/** What a delete resolves with that was asked for a receipt. */
export interface Proof {
  receipt: ErasureReceipt
}

/** What a delete was asked for: `R` whether it is a receipt. */
export interface Receipted<R extends boolean> {
  /** Add a proof of what was erased. */
  receipt?: R
}

/** What was erased, and when, without keeping what was erased. */
export interface ErasureReceipt {
  collection: string
  /** How many vectors. */
  deleted: number
  /** The bytes of their rows, ids, metadata and texts. */
  bytesErased: number
  /** Counts the collection's writes: the number of this delete. */
  logSequence: number
  /** When the last byte was overwritten, on disk that of a key, and synced; RFC 3339, UTC. */
  completedAt: string
  /**
   * Whether it is on the disk, so that no loss of power brings anything of it back. False in
   * memory.
   */
  durable: boolean
  /**
   * SHA-256, in hexadecimal, of the JSON text `[logSequence,[id,…]]` without blanks, the
   * deleted ids in the order of their UTF-8 bytes.
   */
  digest: string
}

/** A vector that a filter matched. */
export interface FilterMatch {
  id: string
  /** `matched` in a dry run. */
  status: 'deleted' | 'matched'
}

/** The parameters of the HNSW graph. */
export interface HnswOptions {
  /**
   * Neighbours of a node on the upper layers, 4 to 128; twice as many on the bottom
   * one. Default 16.
   */
  m?: number
  /** Candidates weighed for a new node's neighbours, 8 to 4,096. Default 100. */
  ef_construction?: number
  /** Candidates a search keeps, 1 to 4,096: more is slower and finds more. Default 80. */
  ef_search?: number
  /**
   * What makes a graph of many vectors that are in none: insertion into the graph, `own`, the
   * default, or the crate hnsw_rs. A distributed engine has a builder of its own.
   */
  builder?: 'own' | 'hnsw_rs'
}

/** The state of a collection's index. */
export interface IndexInfo {
  /** Live vectors in the graph. */
  indexed: number
  /** Live vectors that searches scan, because they are few or not in the graph yet. */
  pending: number
  /**
   * Deleted vectors whose place in the graph has not been given back yet. Nothing of
   * them but a nameless code is left.
   */
  deleted: number
}

/** How to insert. */
export interface InsertOptions extends CallOptions {
  /**
   * Told now and then how far it is. What it throws stops nothing: the call rejects with it
   * when the vectors are inserted.
   */
  onProgress?: (progress: InsertProgress) => void
}

/**
 * How far an insert is. It happens as a whole all the same: nothing of it is visible
 * before the last vector is stored, and where it fails nothing is left of it.
 */
export interface InsertProgress {
  /**
   * `embed`: the texts that the client's embedder has done. `prepare`: the vectors that
   * are checked and encoded. `insert`: those that are stored, each id once.
   */
  phase: 'embed' | 'prepare' | 'insert'
  /** Texts or vectors. */
  done: number
  total: number
}

/** What an insert did. */
export interface InsertReport {
  /** How many vectors were inserted or replaced. */
  inserted: number
  /** Their ids in order, each once. */
  ids: string[]
}

/**
 * A service that keeps a key, and wraps others with it. Called when a store is opened, made or
 * restored, and when keys are rotated; never for a vector.
 */
export interface KeyService {
  /** Wraps a key of 32 bytes. What it returns, up to 64 kB, is kept beside the data. */
  wrap: (key: Uint8Array) => Promise<Uint8Array> | Uint8Array
  /** Returns the key that `wrap` was given. */
  unwrap: (wrapped: Uint8Array) => Promise<Uint8Array> | Uint8Array
}

/** How to optimize. */
export interface OptimizeOptions extends CallOptions {
  /**
   * Told now and then how far it is, at least at the beginning and at the end. What it
   * throws stops nothing: the call rejects with it when the work is done.
   */
  onProgress?: (progress: OptimizeProgress) => void
}

/** How far the work on the index is. */
export interface OptimizeProgress {
  phase: 'repair' | 'insert' | 'build' | 'rewrite'
  /** Vectors. */
  done: number
  total: number
}

/** Something of a deleted vector that is still there. */
export interface Residue {
  /** The vector's id, where it can be told. */
  id: string | null
  /** The file it is in; `null` in memory. */
  file: string | null
  /** Where in the file, in bytes. */
  offset: number
  length: number
  reason: string
}

/** How to restore a backup. */
export interface RestoreOptions extends CallOptions {
  /**
   * For a backup that has its keys apart: the newest file of `exportKeys`, or the directory
   * of the store.
   */
  keys?: string
  /** For a backup of an encrypted store. The store that is made has the same key. */
  encryption?: EncryptionKey | KeyService
  /**
   * For keys that are encrypted with another key than the backup: those of a store whose key
   * has changed since. The store that is made has this one then.
   */
  keysEncryption?: EncryptionKey | KeyService
  /**
   * Told now and then how far it is. What it throws stops nothing: the call rejects with it
   * when the work is done.
   */
  onProgress?: (progress: BackupProgress) => void
}

/** A store that was made of a backup. */
export interface RestoreReport {
  path: string
  collections: number
  vectors: number
  /**
   * Of a backup that has its keys apart: how many vectors have no key any more, as they were
   * deleted or changed since.
   */
  erased?: number
  /** The size of the backup. */
  bytes: number
}

/** How to rotate keys. */
export interface RotateOptions extends CallOptions {
  /**
   * The key that opens the store from here on. Left out: the same; with a key service, a
   * new one that it has wrapped.
   */
  key?: Uint8Array | string
  /**
   * Told now and then how many keys are rotated. What it throws stops nothing: the call
   * rejects with it when the work is done.
   */
  onProgress?: (progress: RotateProgress) => void
}

/** How far a rotation is. */
export interface RotateProgress {
  phase: 'rotate'
  done: number
  total: number
}

/** How to search. */
export interface SearchOptions<Meta = any> extends CallOptions {
  /** The most results to return. Default 10. There is no hidden cap. */
  limit?: number
  /** Only vectors that match. */
  filter?: Filter<Meta>
  /** Only results with at least this score. */
  similarity_threshold?: number
  /** The SDK's name for `similarity_threshold`. */
  threshold?: number
  /**
   * Candidates this search keeps, 1 to 4,096: more is slower and finds more. Default:
   * the collection's `hnsw.ef_search`.
   */
  ef_search?: number
  /** Whether results carry their vectors. Default false. */
  with_vector?: boolean
  /** Whether results carry their metadata. Default true. */
  include_metadata?: boolean
}

/** A search by vector, in the SDK's shape. */
export interface SearchRequest<Meta = any> extends SearchOptions<Meta> {
  query_vector: VectorInput
}

/** Search results, in the SDK's shape. */
export interface SearchResponse<V extends boolean = boolean, M extends boolean = boolean, Meta = any> {
  /** Nearest first; equally near ones in insertion order. */
  results: SearchResult<V, M, Meta>[]
  /** How many results there are. */
  total: number
}

/** What results carry: `V` whether their vectors, `M` whether their metadata. */
export interface Carried<V extends boolean, M extends boolean> {
  /** Whether results carry their vectors. Default false. */
  with_vector?: V
  /** Whether results carry their metadata. Default true. */
  include_metadata?: M
}

/** What every vector has that a search found. */
export interface Found {
  id: string
  /**
   * Higher is more alike: the cosine (-1 to 1), the dot product, or
   * `1 / (1 + Euclidean distance)`. 0 where nothing was ranked.
   */
  score: number
  /** The text it was embedded from, or was inserted with. */
  text?: string
}

/** The values of a result: with `with_vector`. */
export type FoundData<V extends boolean> = [V] extends [true]
  ? { data: Float32Array }
  : [V] extends [false]
    ? { data?: undefined }
    : { data?: Float32Array }

/** The metadata of a result: unless `include_metadata` is false. */
export type FoundMetadata<M extends boolean, Meta> = [M] extends [false]
  ? { metadata?: undefined }
  : [M] extends [true]
    ? StoredMetadata<Meta>
    : Partial<StoredMetadata<Meta>>

/**
 * A vector that a search found. `V` says whether it carries its vector, `M` whether its
 * metadata, which is of the type `Meta`; by default, either may be.
 */
export type SearchResult<V extends boolean = boolean, M extends boolean = boolean, Meta = any> = Found &
  FoundData<V> &
  FoundMetadata<M, Meta>

/** How a server is started. Times are in milliseconds. */
export interface ServeOptions extends CallOptions {
  /**
   * A name or an address of this machine. Default `127.0.0.1`. One that other machines
   * reach needs an `apiKey`.
   */
  host?: string
  /** Default 15002; 0 is any port that is free. */
  port?: number
  /**
   * What clients must send, as `Authorization: Bearer KEY` or `X-API-Key: KEY`. Without
   * one the server answers only requests whose `Host` is this machine.
   */
  apiKey?: string
  /** The largest body. Default 64 MiB. */
  maxBodyBytes?: number
  /**
   * The space for all bodies that are being read or handled, and as much again for all
   * answers of more than 64 KiB. Default 256 MiB, or as much as the largest body takes.
   */
  maxBufferedBytes?: number
  /** Connections at a time; further ones wait. Default 4,096. */
  maxConnections?: number
  /** How long the head of a request may take, and a connection be idle. Default 15,000. */
  headerTimeout?: number
  /** How long a body may take. Default 60,000. */
  bodyTimeout?: number
  /** How long a client may take no part of its answer. Default 30,000. */
  writeTimeout?: number
  /** How long requests may go on when the server is closed. Default 10,000. */
  shutdownTimeout?: number
  /** Origins whose pages may ask from a browser; `*` is any. Default none. */
  cors?: readonly string[]
  /** Hosts that a server without a key answers for beside this machine. */
  allowedHosts?: readonly string[]
  /**
   * A line for each request to the standard error output, with its method, route, status
   * and time, and nothing of what is in it. Default none.
   */
  log?: 'text' | 'json'
  /**
   * The directory for backups that clients ask for with `POST /backups`. Without one they
   * are answered 501.
   */
  backups?: string
}

/** A search by text, in the SDK's shape. */
export interface TextSearchRequest<Meta = any> extends SearchOptions<Meta> {
  query: string
}

/** What to replace of a vector; what is left out stays. At least one is given. */
export interface UpdateVectorRequest<Meta = any> {
  data?: VectorInput
  /** Embedded anew, unless `data` is given as well. */
  text?: string
  /** Replaces the metadata as a whole. */
  metadata?: IsUntyped<Meta> extends true ? object : Exclude<Meta, undefined>
}

/** A stored vector. */
export type Vector<Meta = any> = {
  id: string
  data: Float32Array
  /** The text it was embedded from, or was inserted with. */
  text?: string
} & StoredMetadata<Meta>

/** Vectors to insert, as columns: the fastest form for many. */
export type VectorColumns<Meta = any> = {
  ids: readonly string[]
  /** The vectors laid end to end, in the order of `ids`. */
  data: VectorInput
  /** One text, or nothing, for each id. Kept, not embedded. */
  texts?: readonly (string | null | undefined)[]
} & ColumnOfMetadata<Meta>

/** One object, or nothing, for each id. */
export type ColumnOfMetadata<Meta> =
  IsUntyped<Meta> extends true
    ? { metadata?: readonly MetadataInput[] }
    : undefined extends Meta
      ? { metadata?: readonly (Meta | null)[] }
      : { metadata: readonly Meta[] }

/** How a client is opened. */
export interface VectorizerClientOptions {
  /**
   * The directory of a store on disk, made where there is none; relative to the working
   * directory of now. Clients of one process that give the same directory share one
   * store. Left out: in memory.
   */
  path?: string
  /**
   * When a write on disk survives a loss of power: before its promise resolves, within
   * about a second (the default), or when the system sees fit. A killed process loses
   * nothing with any of them.
   */
  fsync?: 'always' | 'everysec' | 'no'
  /**
   * Clients of one process that give the same name share one store in memory, across
   * worker threads and JavaScript realms. It goes with the last of them.
   */
  shared?: string
  /**
   * The key that the files are encrypted with, or the service that keeps it. A new store is
   * encrypted from the beginning; one that is not yet is by `rotateKeys({ key })`. A wrong or
   * missing key rejects with `EncryptionError`. Left out: the store's keys are beside the
   * data, and deletes are as certain, but there is no secrecy.
   */
  encryption?: EncryptionKey | KeyService
  /**
   * Embeds texts in place of the built-in embedder: an array of texts in, a promise of
   * as many vectors of the collection's dimension out. Called with up to 128 texts.
   * `close` waits for what it was asked before.
   */
  embedder?: Embedder
}

/** Part of a list of all vectors. */
export interface VectorPage<Meta = any> {
  vectors: Vector<Meta>[]
  /** All vectors of the collection. */
  total: number
  limit: number
  /** How many vectors come before this page. */
  offset: number
}

/** Whether vectors are gone. */
export interface VerificationReport {
  /** There is no residue. */
  verified: boolean
  residues: Residue[]
}
