import type { DateLike, Filter, IsUntyped } from './filter.js'

/** How the similarity of two vectors is measured. */
export type SimilarityMetric = 'cosine' | 'euclidean' | 'dot_product'

/** The values of a vector. */
export type VectorInput = readonly number[] | Float32Array

/** The metadata of a vector: a plain JSON object, or nothing. */
export type MetadataInput = object | null | undefined

/**
 * When a vector expires: a Date, a time in RFC 3339 with an offset (`2026-12-01T00:00:00Z`, cut off
 * to milliseconds), or whole milliseconds since 1970, not seconds: a time in seconds lies in January
 * 1970, and the vector is erased. `null` if it does not, by itself: the TTL of the collection
 * applies, if it has one.
 *
 * From that instant on no read returns the vector, and its id is free. An instant that has passed is
 * allowed: the vector has expired already.
 */
export type ExpiryInput = Date | string | number | null

/**
 * Embeds texts. Receives up to 128 texts and returns one vector of the collection's dimension for
 * each, or a promise of them.
 */
export type Embedder = (texts: string[]) => Promise<ArrayLike<number>[]> | ArrayLike<number>[]

/** An HTTP server started by a client. */
export interface HttpServer {
  /** The address it listens on. */
  readonly address: string
  readonly port: number
  /** The full URL: `http://`, the address and the port. */
  readonly url: string
  /** Resolves when the server has stopped, whoever stopped it. */
  readonly closed: Promise<void>
  /** Stops accepting connections, and resolves when the requests in progress have been answered. */
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

/** Options common to all calls. */
export interface CallOptions {
  /**
   * Cancels the call. If the signal is aborted before the call has committed, nothing has changed
   * and nothing will: the promise rejects with the signal's reason. If it is aborted later, the
   * call completes.
   */
  signal?: AbortSignal
}

/** The metadata of a vector to insert: of type `Meta`, if one is given. */
export type InsertedMetadata<Meta> =
  IsUntyped<Meta> extends true
    ? {
        /** A plain JSON object. */
        metadata?: MetadataInput
      }
    : undefined extends Meta
      ? { metadata?: Meta | null }
      : { metadata: Meta }

/** The metadata of a stored vector, of type `Meta`. */
export type StoredMetadata<Meta> =
  IsUntyped<Meta> extends true
    ? {
        /** Absent if the vector has none. */
        metadata?: Record<string, unknown>
      }
    : undefined extends Meta
      ? { metadata?: Exclude<Meta, undefined> }
      : { metadata: Meta }

/** Options for migrating collections. */
export interface MigrationOptions extends CallOptions {
  /** The names of the collections to migrate. Default: all collections of the source. */
  collections?: readonly string[]
  /** How many vectors are migrated at a time, 1 to 10,000. Default 500. */
  batchSize?: number
  /**
   * Delete vectors from the target that the source does not have. Without it, the call rejects if
   * the target has any such vectors, after everything has been copied.
   */
  prune?: boolean
  /**
   * How many vectors of each collection are searched for in both stores to compare the results, 0
   * to 10,000. Default 20.
   */
  sample?: number
  /**
   * The ledger of a store, its file or the directory of the store: what it says was erased is left
   * out, as if the source did not have it. For a source that is an older copy of that store.
   *
   * A vector is left out if one with its id was erased from the collection of this name, or from one
   * that had the name before or was given it later, whenever that was; a collection, if it was deleted
   * after it was created in the source. What was moved to another collection was not erased, unless it
   * was erased from there later, and what was deleted with `undo` was not before its time was over. The
   * ledger is verified before anything is written.
   */
  ledger?: string
  /**
   * Called from time to time with the progress so far. An error it throws does not stop the work;
   * the call rejects with that error once the work is done.
   */
  onProgress?: (progress: MigrationProgress) => void
}

/** The progress of a migration. */
export interface MigrationProgress {
  collection: string
  /**
   * `copy`: vectors of the source that have been compared and copied, or left out. `prune`: vectors of the
   * target that have been looked up in the source. `verify`: searches that have been compared.
   */
  phase: 'copy' | 'prune' | 'verify'
  done: number
  total: number
}

/** The result for one migrated collection. */
export interface MigratedCollection {
  name: string
  /** How many vectors both stores hold. */
  vectors: number
  /** How many vectors were written to the target. */
  copied: number
  /** How many vectors were already in the target and identical in every part. */
  unchanged: number
  /** How many vectors were deleted from the target. */
  pruned: number
  /** How many vectors were searched for in both stores. */
  sampled: number
  /** The fraction of the source's results that the target also found, 0 to 1. */
  agreement: number
}

/** The result of a migration. */
export interface MigrationReport {
  collections: MigratedCollection[]
  /**
   * How many vectors of the source were left out because the ledger says that they were erased, those
   * of collections that were deleted included. Present if a ledger was given.
   */
  leftOut?: number
  duration_ms: number
}

/** Options for creating a backup. */
export interface BackupOptions extends CallOptions {
  /** The names of the collections to back up. Default: all. */
  collections?: readonly string[]
  /**
   * `within`: the backup file contains the keys and can be restored on its own. `apart`: the keys
   * are written to a separate file, of which only the newest export needs to be kept; vectors
   * deleted before that export cannot be restored with it.
   */
  keys?: 'within' | 'apart'
  /**
   * Called from time to time with the progress so far. An error it throws does not stop the work;
   * the call rejects with that error once the work is done.
   */
  onProgress?: (progress: BackupProgress) => void
}

/** The progress of a backup. */
export interface BackupProgress {
  phase: 'backup' | 'verify' | 'restore'
  /** Vectors while a backup is created; bytes while it is verified or restored. */
  done: number
  total: number
}

/** The result of creating a backup. */
export interface BackupReport {
  file: string
  /** The key file, if the keys are in a separate one. */
  keys?: string
  collections: number
  vectors: number
  /** The size of the file in bytes. */
  bytes: number
  /**
   * Unfinished backups found in the directory, left by processes that ended while writing them.
   * They have been removed.
   */
  leftovers: string[]
}

/** Options for deleting many vectors. */
export interface BatchDeleteOptions extends CallOptions {
  /** Add a proof of erasure to the report. */
  receipt?: boolean
  /**
   * Write the vectors about to be deleted to this new backup file first, and delete them only if
   * that succeeds. If there is nothing to delete, no file is written.
   */
  backup?: string
  /**
   * Delete nothing if more vectors than this have one of the ids: the call rejects with
   * `TooManyMatchesError`. An id that is repeated counts once, and one that does not exist does not.
   */
  atMost?: number
  /** The same if the number of vectors that have one of the ids is not this one. */
  expect?: number
  /**
   * Why, for the receipt and the ledger of the store: 1 to 1,000 characters. The ledger keeps it, so
   * say nothing in it that has to be erased as well.
   */
  reason?: string
  /**
   * Only put aside what is deleted, for this long: until then `undelete` brings it back. Cannot be
   * combined with `receipt` or `backup`.
   */
  undo?: UndoPeriod
}

/** The result of inserting texts, in the SDK's format. Either all texts are inserted or none. */
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
export type BatchTextRequest<Meta = any> = {
  id: string
  text: string
  /** Default: the `expires_at` of the call. */
  expires_at?: ExpiryInput
} & InsertedMetadata<Meta>

/** Options for updating many vectors. */
export interface BatchUpdateOptions extends CallOptions {
  /**
   * Called from time to time with the progress so far. An error it throws does not stop the work;
   * the call rejects with that error once the vectors are updated.
   */
  onProgress?: (progress: InsertProgress) => void
}

/** Many updates, in the SDK's format. */
export interface BatchUpdateRequest<Meta = any> {
  updates: readonly VectorUpdate<Meta>[]
}

/**
 * The result of updating many vectors, with one row for each update in the order of the request. The
 * counts are those of the rows.
 */
export interface BatchUpdateReport extends BatchResponse {
  results: BatchUpdateResult[]
}

/** The result for one update of many. */
export interface BatchUpdateResult {
  id: string
  /** The position of the update in the request. */
  index: number
  /** `error`: there is no vector with this id. */
  status: 'ok' | 'error'
  /** The reason, if the status is `error`. */
  error?: string
}

/** The progress of a call that patches, moves, copies, undeletes or forgets vectors. */
export interface ChangeProgress {
  /**
   * `patch`: vectors whose metadata has been changed. `prepare`: vectors to move, copy or undelete that
   * have been read and encoded. `insert`: those that have been stored in the destination. `forget`:
   * vectors that have been deleted.
   */
  phase: 'patch' | 'prepare' | 'insert' | 'forget'
  /** Vectors. */
  done: number
  total: number
}

/** Options for deleting the collections that are empty. */
export interface CleanupOptions extends CallOptions {
  /** Delete nothing; report which collections are empty. */
  dryRun?: boolean
}

/** The result of deleting the collections that are empty. */
export interface CleanupReport {
  /** The names of the collections that were deleted or, in a dry run, would be; sorted. */
  collections: string[]
  /** False in a dry run. */
  applied: boolean
}

/** A collection as it appears in a list. */
export interface CollectionSummary {
  name: string
  /** What it is for, in the words of whoever described it. Absent if nobody has. */
  description?: string
  dimension: number
  similarity_metric: SimilarityMetric
  /** The number of live vectors. */
  vector_count: number
  /** RFC 3339, UTC. */
  created_at: string
}

/** All the information about a collection. */
export interface CollectionInfo extends CollectionSummary {
  /** The time of the last write, RFC 3339, UTC. */
  updated_at: string
  /** The memory used by the collection, an estimate in bytes. */
  size_bytes: number
  /** The size of the collection's files in bytes. Absent for a store in memory. */
  disk_bytes?: number
  hnsw: Required<HnswOptions>
  index: IndexInfo
  /**
   * How long after they were inserted vectors expire, in seconds, unless they have an expiry of
   * their own. `null` if the collection has no TTL.
   */
  ttl_secs: number | null
  /**
   * How many vectors have expired, so that no read returns them, and have not been erased yet. They
   * are erased within a second, unless erasure is paused (see `resumeExpiry`).
   */
  expired: number
  /** How many vectors were deleted with `undo` and can be undeleted. */
  undoable: number
  /** Absent for a store in memory. */
  scrub?: ScrubInfo
}

/**
 * What has been found in a collection's files since the store was opened. Once a day the background reads the
 * values and the text of every vector, about 1 MB a second.
 */
export interface ScrubInfo {
  /** When it last reached the end of the collection, RFC 3339, UTC. Absent until then. */
  finished_at?: string
  /** The number of vectors whose values or text cannot be read. They can be deleted or inserted again. */
  damaged: number
  /** The ids of those vectors, at most 100. */
  damaged_ids: string[]
}

/** The result of setting the TTL of a collection. */
export interface CollectionTtl {
  collection: string
  /** `null` if it has none. */
  ttl_secs: number | null
  status: 'updated'
}

/** The settings of a new collection. */
export interface CollectionOptions extends CallOptions {
  /** How many values each vector has, 1 to 65,535. */
  dimension: number
  /** Default `cosine`. */
  metric?: SimilarityMetric
  /** The SDK's name for `metric`. */
  similarity_metric?: SimilarityMetric
  hnsw?: HnswOptions
  /**
   * What the collection is for: 1 to 1,024 bytes, without control characters other than newlines and
   * tabs. `updateCollection` changes it.
   */
  description?: string
}

/** Options for opening a collection, creating it if necessary. */
export interface OpenCollectionOptions extends CollectionOptions {
  /**
   * What to do if the name is taken. `error`, the default, rejects with `CollectionExistsError`;
   * `open` opens the existing collection, provided its dimension, metric and parameters are the
   * ones given. Its description may be another one, and stays.
   */
  ifExists?: 'error' | 'open'
}

/** A new collection, in the format of the TypeScript SDK. */
export interface CreateCollectionRequest extends CollectionOptions {
  /** At most 255 bytes; no path separators or control characters. */
  name: string
}

/** Options for copying vectors to another collection. */
export interface CopyOptions extends CallOptions {
  /** Replace vectors of the destination that have the same ids. Without it, those are not copied. */
  overwrite?: boolean
  /** Copy nothing; report what would be copied. */
  dryRun?: boolean
  /**
   * Copy nothing if more vectors than this would be copied: the call rejects with
   * `TooManyMatchesError`, as does a dry run.
   */
  atMost?: number
  /** The same if the number of vectors that would be copied is not this one. */
  expect?: number
  /**
   * Called from time to time with the progress so far. An error it throws does not stop the work;
   * the call rejects with that error once the work is done.
   */
  onProgress?: (progress: ChangeProgress) => void
}

/** The result of copying vectors to another collection, with a row for each of them. */
export interface CopyReport {
  src: string
  dst: string
  /** How many ids the request contained, or how many vectors matched its filter. */
  requested: number
  /** 0 in a dry run, and in the report of a `TooManyMatchesError`. */
  copied: number
  /** How many rows have another status than `ok`. */
  failed: number
  /**
   * Whether it was done. In a dry run, and in the report of a `TooManyMatchesError`, it was not, and
   * the status of a row says what would have been.
   */
  applied: boolean
  /** In the order of the ids or, with a filter, in insertion order. */
  results: TransferResult[]
}

/** A vector to insert. */
export type CreateVectorRequest<Meta = any> = {
  /** 1 to 1,024 bytes. Default: a new UUID (version 7). */
  id?: string
  /** As many finite values as the collection has dimensions; stored as 32-bit floats. */
  data: VectorInput
  /** The text the vector was made from. It is stored, not embedded. */
  text?: string | null
  /** Default: the `expires_at` of the call. */
  expires_at?: ExpiryInput
} & InsertedMetadata<Meta>

/** Options for deleting by filter. */
export interface DeleteByFilterOptions extends CallOptions {
  /**
   * Delete nothing; report what would be deleted. Cannot be combined with `receipt` or `backup`.
   */
  dryRun?: boolean
  /**
   * Show this many of the vectors that match, 1 to 1,000, in the report's `rows`. Only with
   * `dryRun`.
   */
  rows?: number
  /** Add a proof of erasure to the report. */
  receipt?: boolean
  /**
   * Write the vectors about to be deleted to this new backup file first, and delete them only if
   * that succeeds. If there is nothing to delete, no file is written.
   */
  backup?: string
  /**
   * Delete nothing if more vectors than this match: the call rejects with `TooManyMatchesError`, as
   * does a dry run.
   */
  atMost?: number
  /** The same if the number of vectors that match is not this one. */
  expect?: number
  /**
   * Why, for the receipt and the ledger of the store: 1 to 1,000 characters. The ledger keeps it, so
   * say nothing in it that has to be erased as well.
   */
  reason?: string
  /**
   * Only put aside what is deleted, for this long: until then `undelete` brings it back. Cannot be
   * combined with `receipt` or `backup`.
   */
  undo?: UndoPeriod
}

/** The result of a delete by filter. */
export interface DeleteByFilterReport<Meta = any> {
  /** How many live vectors were checked. */
  scanned: number
  matched: number
  /** 0 in a dry run, and in the report of a `TooManyMatchesError`. */
  deleted: number
  /** In insertion order. */
  results: FilterMatch[]
  /** The first vectors that match, in the same order. Present if the option `rows` was given. */
  rows?: ShownVector<Meta>[]
  /**
   * The fields of the filter, as dotted paths, that none of the checked vectors had, including
   * those in `$not` and `must_not`. Absent if there are none, or if no vectors were checked. With
   * `MilvusVectorizerClient`, present only if nothing matched, because it takes one more request to
   * the engine for each field.
   */
  unknownFields?: string[]
  /** Present if it was requested. */
  receipt?: ErasureReceipt
  /** Present if the option `undo` was given and something was deleted. */
  undo?: Undo
}

/** Options for deleting a collection. */
export interface DeleteCollectionOptions extends CallOptions {
  /** Resolve with a proof of erasure. */
  receipt?: boolean
  /**
   * Why, for the receipt and the ledger of the store: 1 to 1,000 characters. The ledger keeps it, so
   * say nothing in it that has to be erased as well.
   */
  reason?: string
  /**
   * Only put aside what is deleted, for this long: until then `undelete` brings it back. Cannot be
   * combined with `receipt`.
   */
  undo?: UndoPeriod
}

/** The result of a batch delete, with one row for each id in the order of the request. */
export interface DeleteReport {
  collection: string
  /** How many ids the request contained. */
  count: number
  deleted: number
  failed: number
  results: DeleteResult[]
  /** Present if it was requested. */
  receipt?: ErasureReceipt
  /** Present if the option `undo` was given and something was deleted. */
  undo?: Undo
}

/** The result for one id of a batch delete. */
export interface DeleteResult {
  id: string
  /** The position of the id in the request. */
  index: number
  status: 'ok' | 'error'
  /** The reason, if the status is `error`. */
  error?: string
}

/** The report of a batch delete that rejects with `TooManyMatchesError`: nothing was deleted. */
export interface RefusedDeleteReport {
  collection: string
  /** How many ids the request contained. */
  count: number
  /** Always 0. */
  deleted: number
  /** How many ids have the status `error`. */
  failed: number
  results: RefusedDeleteResult[]
}

/** The result for one id of a batch delete that rejects with `TooManyMatchesError`. */
export interface RefusedDeleteResult {
  id: string
  /** The position of the id in the request. */
  index: number
  /** `matched`: the vector exists, and was not deleted. */
  status: 'matched' | 'error'
  /** The reason, if the status is `error`. */
  error?: string
}

/** Options for deleting one vector. */
export interface DeleteVectorOptions extends CallOptions {
  /** Resolve with a proof of erasure. */
  receipt?: boolean
  /** Write the vector to this new backup file first, and delete it only if that succeeds. */
  backup?: string
  /**
   * Why, for the receipt and the ledger of the store: 1 to 1,000 characters. The ledger keeps it, so
   * say nothing in it that has to be erased as well.
   */
  reason?: string
  /**
   * Only put aside what is deleted, for this long: until then `undelete` brings it back. Cannot be
   * combined with `receipt` or `backup`.
   */
  undo?: UndoPeriod
}

/** What can be undeleted. */
export interface DeletedList<Meta = any> {
  /**
   * Collections that were deleted, in the order in which they were: all of the store or, if a
   * collection was named, those that had its name.
   */
  collections: DeletedCollection[]
  /** Vectors of the collection that was named, in the order in which they were deleted. */
  vectors: DeletedVector<Meta>[]
  /** How many vectors of that collection can be undeleted in all. */
  total: number
}

/** A collection that was deleted with `undo`. Times are in milliseconds since 1970. */
export interface DeletedCollection {
  /** The name that it had. */
  collection: string
  /** That of the call that has deleted it. */
  token: string
  deleted_at: number
  /** Until when it can be undeleted. */
  until: number
  /** How many vectors it has. */
  vectors: number
}

/** A vector that was deleted with `undo`. Times are in milliseconds since 1970. */
export type DeletedVector<Meta = any> = {
  id: string
  /** That of the call that has deleted it. */
  token: string
  deleted_at: number
  /** Until when it can be undeleted: sooner than the period said, if it expires by itself before. */
  until: number
} & StoredMetadata<Meta>

/** The key that encrypts a store's files or a backup. */
export interface EncryptionKey {
  /** 32 bytes, or 32 bytes encoded as base64. */
  key: Uint8Array | string
}

/** The result of a delete for which a receipt was requested. */
export interface Proof {
  receipt: ErasureReceipt
}

/** What a delete of one vector or of a collection resolves with, by its options `receipt` and `undo`. */
export type Deletion<R extends boolean, U extends UndoPeriod | undefined> = U extends undefined
  ? R extends true
    ? Proof
    : void
  : Undoable

/** The result of a delete with the option `undo`. */
export interface Undoable {
  undo: Undo
}

/** Options of a delete; `U` is the option `undo`, or `undefined` without it. */
export interface WithUndo<U extends UndoPeriod | undefined> {
  /** Only put aside what is deleted, for this long: until then `undelete` brings it back. */
  undo?: U
}

/** Options of a delete; `R` says whether a receipt is requested. */
export interface Receipted<R extends boolean> {
  /** Add a proof of erasure to the result. */
  receipt?: R
}

/** A proof of what was erased and when, which does not contain the erased data. */
export interface ErasureReceipt {
  /** The call that erased it. `deleteVectors` is reported as `batchDelete`. */
  call:
    | 'deleteVector'
    | 'batchDelete'
    | 'deleteByFilter'
    | 'deleteCollection'
    | 'replace'
    | 'moveToCollection'
    | 'purgeDeleted'
  collection: string
  /** How many vectors were deleted. */
  deleted: number
  /** The size in bytes of their rows, ids, metadata and texts. */
  bytesErased: number
  /** How many ids the call named. Absent if it named none. */
  requested?: number
  /** The filter of the call. Absent if it had none. It is in the receipt alone, and stored nowhere. */
  filter?: Filter
  /** Present if one was given. */
  reason?: string
  /** The sequence number of this delete among the collection's writes. */
  logSequence: number
  /**
   * When the last byte was overwritten (on disk, the last byte of a key) and synced; RFC 3339, UTC.
   */
  completedAt: string
  /**
   * Whether the delete is on disk, so that no power failure can bring any of it back. False for a
   * store in memory.
   */
  durable: boolean
  /**
   * SHA-256, in hexadecimal, of the JSON text `[logSequence,[id,…]]` without whitespace, the
   * deleted ids being sorted by their UTF-8 bytes.
   */
  digest: string
  /** The random id of the store whose ledger has the entry, a UUID. Present if `entry` is. */
  store?: string
  /**
   * Its entry in the store's ledger, exactly as it is written there: a line of JSON, without its line
   * feed. Present if the store has a ledger, and there was something to delete.
   */
  entry?: string
  /** The signature of the UTF-8 bytes of `entry`, in base64, by a client with `ledger: { sign }`. */
  signature?: string
  /**
   * All of this in plain English, for a person to read and to file; the signature is not in it. It is
   * for information: no verification looks at it.
   */
  text: string
}

/** A receipt as it is kept: it may lack members that do not belong where it is. */
export type FiledReceipt =
  | { [Name in keyof ErasureReceipt]?: ErasureReceipt[Name] | undefined }
  | { [Name in keyof ForgetReceipt]?: ForgetReceipt[Name] | undefined }

/** A vector that matched a filter. */
export interface FilterMatch {
  id: string
  /** `matched` in a dry run, and in the report of a `TooManyMatchesError`. */
  status: 'deleted' | 'matched'
}

/** A vector that a dry run shows. */
export type ShownVector<Meta = any> = {
  id: string
  /** The beginning of its text: at most 200 code points. Absent if it has none. */
  text?: string
  /** When it expires, in milliseconds since 1970. Absent if it does not. */
  expires_at?: number
} & StoredMetadata<Meta>

/** What to forget: what a filter matches in each of the collections, or what has one of the ids. */
export type ForgetSelection =
  | { filter: Filter; ids?: undefined }
  | { ids: readonly string[]; filter?: undefined }

/** Options for forgetting. */
export interface ForgetOptions extends CallOptions {
  /** The names of the collections to look in. Default: all. */
  collections?: readonly string[]
  /** Delete nothing; report what would be deleted. */
  dryRun?: boolean
  /**
   * Delete nothing if more vectors than this are found in all collections together: the call rejects
   * with `TooManyMatchesError`, as does a dry run.
   */
  atMost?: number
  /** The same if the number of vectors that are found is not this one. */
  expect?: number
  /**
   * Why, for the receipt and the ledger of the store: 1 to 1,000 characters. The ledger keeps it, so
   * say nothing in it that has to be forgotten as well.
   */
  reason?: string
  /**
   * Called from time to time with the progress so far. An error it throws does not stop the work;
   * the call rejects with that error once the work is done.
   */
  onProgress?: (progress: ChangeProgress) => void
}

/** The result of forgetting. */
export interface ForgetReport {
  /** False in a dry run, and in the report of a `TooManyMatchesError`. */
  applied: boolean
  /** How many vectors were found in all collections together. */
  matched: number
  /** The same if it was applied, and otherwise 0. */
  deleted: number
  /** Each collection that was looked in, sorted by name. */
  collections: ForgottenVectors[]
  /** Present if it was applied, even if nothing was found. */
  receipt?: ForgetReceipt
}

/** What was found in one collection to be forgotten. */
export interface ForgottenVectors {
  collection: string
  /** How many live vectors were checked. */
  scanned: number
  matched: number
  /** In insertion order. */
  ids: string[]
  /**
   * The fields of the filter, as dotted paths, that none of the checked vectors had, including
   * those in `$not` and `must_not`. Absent if there are none, or if no vectors were checked.
   */
  unknownFields?: string[]
  /**
   * Present if these had been deleted with `undo`, by themselves or with their collection, and could
   * have been undeleted. A collection can have one such row beside its own, and one for each collection
   * of its name that was deleted.
   */
  undoable?: true
}

/**
 * A proof of what was erased in all collections and when, which does not contain the erased data.
 */
export interface ForgetReceipt {
  /** The call that erased it. */
  call: 'forget'
  /** Each collection in which something was deleted, sorted by name. */
  collections: ForgottenCount[]
  /** How many vectors were deleted. */
  deleted: number
  /** The size in bytes of their rows, ids, metadata and texts. */
  bytesErased: number
  /** How many ids the call named. Absent if it named none. */
  requested?: number
  /** The filter of the call. Absent if it had none. It is in the receipt alone, and stored nowhere. */
  filter?: Filter
  /** Present if one was given. */
  reason?: string
  /**
   * When the last byte was overwritten (on disk, the last byte of a key) and synced; RFC 3339, UTC.
   */
  completedAt: string
  /**
   * Whether it is on disk, so that no power failure can bring any of it back. False for a store in
   * memory.
   */
  durable: boolean
  /**
   * SHA-256, in hexadecimal, of the JSON text `[[collection,logSequence,[id,…]],…]` without
   * whitespace, for each of the `collections` in their order, the deleted ids being sorted by their
   * UTF-8 bytes.
   */
  digest: string
  /** The random id of the store whose ledger has the entry, a UUID. Present if `entry` is. */
  store?: string
  /**
   * Its entry in the store's ledger, exactly as it is written there: a line of JSON, without its line
   * feed. Present if the store has a ledger, and there was something to delete.
   */
  entry?: string
  /** The signature of the UTF-8 bytes of `entry`, in base64, by a client with `ledger: { sign }`. */
  signature?: string
  /**
   * All of this in plain English, for a person to read and to file; the signature is not in it. It is
   * for information: no verification looks at it.
   */
  text: string
}

/** How many vectors were deleted in one collection. */
export interface ForgottenCount {
  collection: string
  deleted: number
  /** The sequence number of the delete among the collection's writes. */
  logSequence: number
}

/** The parameters of the HNSW graph. */
export interface HnswOptions {
  /**
   * Neighbours of a node on the upper layers, 4 to 128; the bottom layer has twice as many. Default
   * 16.
   */
  m?: number
  /** Size of the candidate list when a node is inserted, 8 to 4,096. Default 100. */
  ef_construction?: number
  /**
   * Size of the candidate list in a search, 1 to 4,096: larger is slower and finds more. Default
   * 80.
   */
  ef_search?: number
  /**
   * How a graph is built for many vectors that are in none yet: by our own insertion (`own`, the
   * default) or with the crate hnsw_rs. A distributed engine has its own builder.
   */
  builder?: 'own' | 'hnsw_rs'
}

/** The state of a collection's index. */
export interface IndexInfo {
  /** Live vectors in the graph. */
  indexed: number
  /**
   * Live vectors that searches scan, because there are few of them or they are not in the graph
   * yet.
   */
  pending: number
  /**
   * Deleted vectors whose slot in the graph has not been reclaimed yet. Nothing is left of them but
   * an anonymous code.
   */
  deleted: number
}

/** Options for inserting one text. */
export interface InsertTextOptions extends CallOptions {
  /** When those of the vectors expire that have no `expires_at` of their own. */
  expires_at?: ExpiryInput
}

/** Options for inserting. */
export interface InsertOptions extends InsertTextOptions {
  /**
   * Called from time to time with the progress so far. An error it throws does not stop the work;
   * the call rejects with that error once the vectors are inserted.
   */
  onProgress?: (progress: InsertProgress) => void
}

/**
 * The progress of an insert. The insert is atomic all the same: none of it is visible before the
 * last vector is stored, and if it fails nothing of it remains.
 */
export interface InsertProgress {
  /**
   * `embed`: texts that the client's embedder has processed. `prepare`: vectors that have been
   * checked and encoded. `insert`: vectors that have been stored, each id counted once.
   */
  phase: 'embed' | 'prepare' | 'insert'
  /** Texts or vectors. */
  done: number
  total: number
}

/** The result of an insert. */
export interface InsertReport {
  /** How many vectors were inserted or replaced. */
  inserted: number
  /** Their ids in order, without repetitions. */
  ids: string[]
}

/**
 * A service that holds a key and wraps other keys with it. It is called when a store is opened,
 * created or restored, and when keys are rotated; never for individual vectors.
 */
export interface KeyService {
  /** Wraps a key of 32 bytes. The result, up to 64 kB, is stored next to the data. */
  wrap: (key: Uint8Array) => Promise<Uint8Array> | Uint8Array
  /** Returns the key that was passed to `wrap`. */
  unwrap: (wrapped: Uint8Array) => Promise<Uint8Array> | Uint8Array
}

/** The end of a ledger. Kept elsewhere, it shows later that nothing before it is missing. */
export interface LedgerHead {
  /** The number of the last entry; 0 if there is none. */
  entry: number
  /** SHA-256 of its line without the line feed, in hexadecimal. */
  hash: string
}

/** What there is to know about the ledger of a store. */
export interface LedgerInfo {
  /** The file. */
  path: string
  /** The random id of the ledger's store, a UUID. */
  store: string
  /** How many entries there are. An erasure has several: that it begins, that it has happened, a signature. */
  entries: number
  head: LedgerHead
}

/** Something in a ledger that is not as it was written. */
export interface LedgerProblem {
  /** The number of the line, from 1; 0 if it concerns no line. */
  line: number
  problem: string
}

/** The result of verifying a ledger. */
export interface LedgerReport {
  /** True if there are no problems. */
  verified: boolean
  /** At most 100, sorted by line. */
  problems: LedgerProblem[]
  /** The random id of the ledger's store, a UUID. `null` if the first line cannot be understood. */
  store: string | null
  /** How many entries there are: all lines but the first. */
  entries: number
  /** How many erasures have happened. */
  erasures: number
  /** How many vectors they have deleted. */
  deleted: number
  /**
   * How many erasures have begun of which it is not written down whether they have happened: those in
   * progress, or in progress when the process ended. The next opening of the store writes it down.
   */
  unfinished: number
  /** How many erasures have begun and did not happen. */
  undone: number
  /** How many signatures there are. They are verified only if a public key is given. */
  signatures: number
  /**
   * The number of the last entry that is signed, or `null`. A signature covers all entries before it
   * as well; what comes after it anybody can have written who can write the file.
   */
  signedEntry: number | null
  /** `null` if there is no whole line. */
  head: LedgerHead | null
  /** When the ledger was begun, RFC 3339, UTC. `null` if the first line cannot be understood. */
  firstAt: string | null
  /** When its last entry was written, or it was begun if there is none, RFC 3339, UTC. */
  lastAt: string | null
}

/** How the entries of a ledger are signed. */
export interface LedgerSigning {
  /**
   * Signs the entry of a receipt: returns the signature of these bytes, 1 to 12,288 bytes. With
   * Ed25519 from `node:crypto`:
   *
   * ```js
   * const ledger = { sign: (entry) => crypto.sign(null, entry, privateKey) }
   * ```
   *
   * It is called after each call of this client that resolves with a receipt that has an `entry`, once
   * the erasure has happened. The signature is appended to the ledger and becomes `receipt.signature`.
   * Because each entry has the hash of the one before, it covers all erasures before it as well, also
   * those without a receipt. `close` calls it for the last erasure, if that is not signed, and waits
   * for it.
   *
   * If it throws, rejects or returns no bytes, the call rejects with `SigningError`.
   */
  sign: (entry: Uint8Array) => Uint8Array | Promise<Uint8Array>
}

/**
 * A change of metadata, as a JSON merge patch (RFC 7396): `null` removes a member, an object changes
 * the members of the one that is there, and anything else replaces what is there; members that are
 * not named stay. A list is replaced as a whole. If `Meta`, the type of the metadata, is given, it is
 * checked against that.
 */
export type MetadataPatch<Meta = any> =
  IsUntyped<Meta> extends true ? object : MembersPatch<NonNullable<Meta>>

/** A change of some members of an object. */
export type MembersPatch<T> = { [Key in keyof T]?: MemberPatch<T[Key]> | null }

/** A change of a member whose values are of type `T`. */
export type MemberPatch<T> = T extends string | number | bigint | boolean | DateLike | readonly unknown[]
  ? T
  : T extends object
    ? MembersPatch<T>
    : Exclude<T, undefined>

/** Options for listing what was deleted with `undo`. */
export interface ListDeletedOptions extends CallOptions {
  /** How many vectors to leave out at the beginning. Default 0. */
  offset?: number
  /** The maximum number of vectors, 1 to 1,000. Default 100. Collections are listed all. */
  limit?: number
}

/** Options for moving vectors to another collection. */
export interface MoveOptions extends CallOptions {
  /** Replace vectors of the destination that have the same ids. Without it, those are not moved. */
  overwrite?: boolean
  /** Move nothing; report what would be moved. Cannot be combined with `receipt`. */
  dryRun?: boolean
  /** Add a proof to the report of what was erased in the source. */
  receipt?: boolean
  /**
   * Move nothing if more vectors than this would be moved: the call rejects with
   * `TooManyMatchesError`, as does a dry run.
   */
  atMost?: number
  /** The same if the number of vectors that would be moved is not this one. */
  expect?: number
  /**
   * Why, for the receipt and the ledger of the store: 1 to 1,000 characters. The ledger keeps it, so
   * say nothing in it that has to be erased as well.
   */
  reason?: string
  /**
   * Called from time to time with the progress so far. An error it throws does not stop the work;
   * the call rejects with that error once the work is done.
   */
  onProgress?: (progress: ChangeProgress) => void
}

/** The result of moving vectors to another collection, with a row for each of them. */
export interface MoveReport {
  src: string
  dst: string
  /** How many ids the request contained, or how many vectors matched its filter. */
  requested: number
  /** 0 in a dry run, and in the report of a `TooManyMatchesError`. */
  moved: number
  /** How many rows have another status than `ok`. */
  failed: number
  /**
   * Whether it was done. In a dry run, and in the report of a `TooManyMatchesError`, it was not, and
   * the status of a row says what would have been.
   */
  applied: boolean
  /** In the order of the ids or, with a filter, in insertion order. */
  results: TransferResult[]
  /** Present if it was requested. Covers what was erased in the source. */
  receipt?: ErasureReceipt
}

/** Options for optimizing. */
export interface OptimizeOptions extends CallOptions {
  /**
   * Called from time to time with the progress so far, at least at the beginning and at the end. An
   * error it throws does not stop the work; the call rejects with that error once the work is done.
   */
  onProgress?: (progress: OptimizeProgress) => void
}

/** The progress of the work on the index. */
export interface OptimizeProgress {
  phase: 'repair' | 'insert' | 'build' | 'rewrite'
  /** Vectors. */
  done: number
  total: number
}

/** Options for patching the metadata of what a filter matches. */
export interface PatchOptions extends CallOptions {
  /** Change nothing; report what would be changed. */
  dryRun?: boolean
  /**
   * Change nothing if more vectors than this match: the call rejects with `TooManyMatchesError`, as
   * does a dry run.
   */
  atMost?: number
  /** The same if the number of vectors that match is not this one. */
  expect?: number
  /**
   * Called from time to time with the progress so far. An error it throws does not stop the work;
   * the call rejects with that error once the work is done.
   */
  onProgress?: (progress: ChangeProgress) => void
}

/** The result of patching the metadata of what a filter matches. */
export interface PatchReport {
  /**
   * Whether it was done. In a dry run, and in the report of a `TooManyMatchesError`, it was not, and
   * the rest of the report says what would have been.
   */
  applied: boolean
  /** How many live vectors were checked. */
  scanned: number
  matched: number
  /** How many of those have other metadata than before. */
  updated: number
  /** How many of those have the metadata that they had. Nothing was written for them. */
  unchanged: number
  /** In insertion order. */
  results: PatchResult[]
  /**
   * The fields of the filter, as dotted paths, that none of the checked vectors had, including
   * those in `$not` and `must_not`. Absent if there are none, or if no vectors were checked.
   */
  unknownFields?: string[]
}

/** A vector whose metadata a patch was for. */
export interface PatchResult {
  id: string
  /** `unchanged`: the patch leaves its metadata as it is. */
  status: 'updated' | 'unchanged'
}

/**
 * A public key: PEM text, DER bytes (SubjectPublicKeyInfo) or a `KeyObject` of `node:crypto`. Ed25519,
 * or another kind whose signatures `crypto.verify` checks without being told an algorithm.
 */
export type PublicKey = string | Uint8Array | PublicKeyObject

/** A `KeyObject` of `node:crypto`. */
export interface PublicKeyObject {
  readonly type: string
  readonly asymmetricKeyType?: string | undefined
}

/** Options for erasing what was deleted with `undo`. */
export interface PurgeOptions extends CallOptions {
  /** Add a proof of erasure to the report. */
  receipt?: boolean
  /**
   * Why, for the receipt and the ledger of the store: 1 to 1,000 characters. The ledger keeps it, so
   * say nothing in it that has to be erased as well.
   */
  reason?: string
}

/** The result of erasing what was deleted with `undo`. */
export interface PurgeReport {
  collection: string
  /** How many vectors were erased: if a collection itself was, as many as it had. */
  purged: number
  /** A row for each id that was given. Empty if none was. */
  results: PurgeResult[]
  /** Present if it was requested. */
  receipt?: ErasureReceipt
}

/** The result for one id that was to be purged. */
export interface PurgeResult {
  id: string
  /**
   * `not_found`: no vector with this id could be undeleted. `repeated`: the request has named the id
   * before.
   */
  status: 'purged' | 'not_found' | 'repeated'
}

/** Options for building the graph of a collection anew: the parameters to change. */
export interface ReindexOptions extends CallOptions {
  /**
   * Neighbours of a node on the upper layers, 4 to 128; the bottom layer has twice as many. Default:
   * as it is.
   */
  m?: number
  /** Size of the candidate list when a node is inserted, 8 to 4,096. Default: as it is. */
  ef_construction?: number
  /**
   * Size of the candidate list in a search, 1 to 4,096. Default: as it is. If only this one changes,
   * no graph has to be built.
   */
  ef_search?: number
}

/** A graph that is being built anew in the background. */
export interface ReindexJob {
  job_id: string
  collection: string
  /** `completed` if nothing had to be built. `optimize` resolves when a running one is completed. */
  state: 'running' | 'completed'
  /** 0 to 1. */
  progress: number
  /** The parameters that the collection has from now on. */
  params: {
    m: number
    ef_construction: number
    ef_search: number
  }
}

/** The result of giving a collection another name. */
export interface RenameReport {
  old_name: string
  new_name: string
  /** `unchanged` if both are the same. */
  status: 'renamed' | 'unchanged'
}

/** A remnant of a deleted vector. */
export interface Residue {
  /** The vector's id, if it can be determined. */
  id: string | null
  /** The file that contains it; `null` in memory. */
  file: string | null
  /** The offset in the file, in bytes. */
  offset: number
  length: number
  reason: string
}

/** Options for replacing what a filter matches. */
export interface ReplaceOptions extends CallOptions {
  /** Change nothing, and embed nothing; report what would be changed. Cannot be combined with `receipt`. */
  dryRun?: boolean
  /**
   * Add a proof of erasure to the report: of what was deleted, and of what was there before of what
   * was updated.
   */
  receipt?: boolean
  /**
   * Change nothing if more vectors than this would be deleted, which are those that match and have
   * no row: the call rejects with `TooManyMatchesError`, as does a dry run.
   */
  atMost?: number
  /** The same if the number of vectors that would be deleted is not this one. */
  expect?: number
  /**
   * Why, for the receipt and the ledger of the store: 1 to 1,000 characters. The ledger keeps it, so
   * say nothing in it that has to be erased as well.
   */
  reason?: string
  /**
   * Only put aside what is deleted, for this long: until then `undelete` brings it back. What was
   * there before of what is updated is erased at once. Cannot be combined with `receipt`.
   */
  undo?: UndoPeriod
  /**
   * When the vectors of those rows expire that have no `expires_at` of their own; with `null`, not by
   * themselves. Without it, what is updated keeps its expiry, and what is new has none.
   */
  expires_at?: ExpiryInput
  /**
   * Called from time to time with the progress of embedding and writing the rows that are not there
   * as they are. An error it throws does not stop the work; the call rejects with that error once
   * the work is done.
   */
  onProgress?: (progress: InsertProgress) => void
}

/** The result of replacing what a filter matches. */
export interface ReplaceReport {
  /**
   * Whether it was done. In a dry run, and in the report of a `TooManyMatchesError`, it was not, and
   * the rest of the report says what would have been.
   */
  applied: boolean
  /** How many rows had an id that did not exist. */
  inserted: number
  /** How many rows differed from the vector with their id, or gave it another expiry. */
  updated: number
  /** How many rows were there as they are. Nothing was written for them. */
  unchanged: number
  /** How many vectors matched and had no row. */
  deleted: number
  /** The ids of all but the unchanged ones. */
  ids: {
    /** In the order of the rows. */
    inserted: string[]
    /** In the order of the rows. */
    updated: string[]
    /** In insertion order. */
    deleted: string[]
  }
  /** Present if it was requested. Covers what was deleted, and what was there before of what was updated. */
  receipt?: ErasureReceipt
  /** Present if the option `undo` was given and something was deleted. */
  undo?: Undo
}

/** A vector of those that replace what a filter matches. */
export type ReplacementVector<Meta = any> = {
  /** 1 to 1,024 bytes. */
  id: string
  /** As many finite values as the collection has dimensions; stored as 32-bit floats. */
  data: VectorInput
  /** The text the vector was made from. It is stored, not embedded. */
  text?: string | null
  /** With `null`, it does not expire by itself. Default: the `expires_at` of the call. */
  expires_at?: ExpiryInput
} & InsertedMetadata<Meta>

/** A text of those that replace what a filter matches. */
export type ReplacementText<Meta = any> = {
  /** 1 to 1,024 bytes. */
  id: string
  /** Embedded, unless it is there as it is. */
  text: string
  /** With `null`, it does not expire by itself. Default: the `expires_at` of the call. */
  expires_at?: ExpiryInput
} & InsertedMetadata<Meta>

/** Options for restoring a backup. */
export interface RestoreOptions extends CallOptions {
  /**
   * For a backup with separate keys: the newest file written by `exportKeys`, or the directory of
   * the store.
   */
  keys?: string
  /** For a backup of an encrypted store. The restored store has the same key. */
  encryption?: EncryptionKey | KeyService
  /**
   * For keys encrypted with a different key from the backup's, which is the case if the key of the
   * store has changed since. The restored store then has this key.
   */
  keysEncryption?: EncryptionKey | KeyService
  /**
   * The ledger of the store, its file or the directory of the store: what it says was erased after the
   * backup was made is not restored, be it vectors or whole collections.
   */
  ledger?: string
  /**
   * Called from time to time with the progress so far. An error it throws does not stop the work;
   * the call rejects with that error once the work is done.
   */
  onProgress?: (progress: BackupProgress) => void
}

/** The result of restoring a backup. */
export interface RestoreReport {
  path: string
  collections: number
  vectors: number
  /**
   * For a backup with separate keys: how many vectors no longer have a key, because they have been
   * deleted or changed since.
   */
  erased?: number
  /**
   * How many vectors were left out because the ledger says that they were erased after the backup was
   * made, those of collections that were deleted included. Present if a ledger was given.
   */
  leftOut?: number
  /** The size of the backup in bytes. */
  bytes: number
}

/** Options for rotating keys. */
export interface RotateOptions extends CallOptions {
  /**
   * The key that opens the store from now on. Default: the current key or, with a key service, a
   * new key wrapped by that service.
   */
  key?: Uint8Array | string
  /**
   * Called from time to time with the number of keys rotated so far. An error it throws does not
   * stop the work; the call rejects with that error once the work is done.
   */
  onProgress?: (progress: RotateProgress) => void
}

/** The progress of a key rotation. */
export interface RotateProgress {
  phase: 'rotate'
  done: number
  total: number
}

/** Options for searching. */
export interface SearchOptions<Meta = any> extends CallOptions {
  /** The maximum number of results. Default 10. There is no hidden cap. */
  limit?: number
  /** Search only vectors that match this filter. */
  filter?: Filter<Meta>
  /** Return only results with at least this score. */
  similarity_threshold?: number
  /** The SDK's name for `similarity_threshold`. */
  threshold?: number
  /**
   * Size of the candidate list in this search, 1 to 4,096: larger is slower and finds more.
   * Default: the collection's `hnsw.ef_search`.
   */
  ef_search?: number
  /** Whether results include their vectors. Default false. */
  with_vector?: boolean
  /** Whether results include their metadata. Default true. */
  include_metadata?: boolean
}

/** A search by vector, in the SDK's format. */
export interface SearchRequest<Meta = any> extends SearchOptions<Meta> {
  query_vector: VectorInput
}

/** Search results, in the SDK's format. */
export interface SearchResponse<V extends boolean = boolean, M extends boolean = boolean, Meta = any> {
  /** Best first; results with equal scores are in insertion order. */
  results: SearchResult<V, M, Meta>[]
  /** The number of results. */
  total: number
}

/** What results include: their vectors (`V`) and their metadata (`M`). */
export interface Carried<V extends boolean, M extends boolean> {
  /** Whether results include their vectors. Default false. */
  with_vector?: V
  /** Whether results include their metadata. Default true. */
  include_metadata?: M
}

/** What every search result has. */
export interface Found {
  id: string
  /**
   * Higher is more similar: the cosine (-1 to 1), the dot product, or
   * `1 / (1 + Euclidean distance)`. 0 if the results were not ranked.
   */
  score: number
  /** The text that was embedded, or that was inserted with the vector. */
  text?: string
  /** When it expires, in milliseconds since 1970. Absent if it does not. */
  expires_at?: number
}

/** The values of a result, with `with_vector`. */
export type FoundData<V extends boolean> = [V] extends [true]
  ? { data: Float32Array }
  : [V] extends [false]
    ? { data?: undefined }
    : { data?: Float32Array }

/** The metadata of a result, unless `include_metadata` is false. */
export type FoundMetadata<M extends boolean, Meta> = [M] extends [false]
  ? { metadata?: undefined }
  : [M] extends [true]
    ? StoredMetadata<Meta>
    : Partial<StoredMetadata<Meta>>

/**
 * A vector found by a search. `V` says whether the result includes its vector, and `M` whether it
 * includes its metadata, which is of type `Meta`. By default, either may be present.
 */
export type SearchResult<V extends boolean = boolean, M extends boolean = boolean, Meta = any> = Found &
  FoundData<V> &
  FoundMetadata<M, Meta>

/** Options for reading one batch of a scan. */
export interface ScanVectorsOptions<Meta = any> extends CallOptions {
  /** The cursor of the batch before. Without one, the scan begins. */
  cursor?: string
  /** The most vectors in the batch, at least 1. Default 1,000. */
  limit?: number
  /** Only vectors that match. */
  filter?: Filter<Meta>
}

/** Options for reading all vectors, or those that match a filter. */
export interface ScanOptions<Meta = any> extends CallOptions {
  /** Only vectors that match. */
  filter?: Filter<Meta>
  /** How many vectors are read at a time, at least 1. Default 1,000. */
  batchSize?: number
}

/** What every vector of a scan has. */
export interface Scanned {
  id: string
  /** The text that was embedded, or that was inserted with the vector. */
  text?: string
  /** When it expires, in milliseconds since 1970. Absent if it does not. */
  expires_at?: number
}

/** A vector of a scan; its type parameters are those of `SearchResult`. */
export type ScannedVector<V extends boolean = boolean, M extends boolean = boolean, Meta = any> = Scanned &
  FoundData<V> &
  FoundMetadata<M, Meta>

/** One batch of a scan. */
export interface ScanBatch<V extends boolean = boolean, M extends boolean = boolean, Meta = any> {
  vectors: ScannedVector<V, M, Meta>[]
  /** Pass it with the same options to read the next batch. Absent in the last one. */
  cursor?: string
}

/** Options for starting a server. Times are in milliseconds. */
export interface ServeOptions extends CallOptions {
  /**
   * A hostname or address of this machine. Default `127.0.0.1`. An address that other machines can
   * reach requires an `apiKey`.
   */
  host?: string
  /** Default 15002; 0 picks any free port. */
  port?: number
  /**
   * The key clients must send, as `Authorization: Bearer KEY` or `X-API-Key: KEY`. Without one, the
   * server answers only requests whose `Host` is this machine.
   */
  apiKey?: string
  /** The maximum size of a request body in bytes. Default 64 MiB. */
  maxBodyBytes?: number
  /**
   * The memory for all request bodies being read or handled, and again as much for all responses
   * over 64 KiB. Default 256 MiB, or the maximum body size if that is larger.
   */
  maxBufferedBytes?: number
  /** The maximum number of connections; further ones wait. Default 4,096. */
  maxConnections?: number
  /** The time limit for reading request headers, and for idle connections. Default 15,000. */
  headerTimeout?: number
  /** The time limit for reading a request body. Default 60,000. */
  bodyTimeout?: number
  /** How long a client may go without reading any of its response. Default 30,000. */
  writeTimeout?: number
  /** How long requests may continue once the server is being closed. Default 10,000. */
  shutdownTimeout?: number
  /** Origins whose pages may send requests from a browser; `*` allows any. Default none. */
  cors?: readonly string[]
  /** Hosts, besides this machine, for which a server without a key answers. */
  allowedHosts?: readonly string[]
  /**
   * Write one line per request to standard error, with its method, route, status and time, and
   * nothing of its content. Default: no log.
   */
  log?: 'text' | 'json'
  /**
   * The directory for backups that clients request with `POST /backups`. Without it, such requests
   * are answered with 501.
   */
  backups?: string
}

/** A search by text, in the SDK's format. */
export interface TextSearchRequest<Meta = any> extends SearchOptions<Meta> {
  query: string
}

/** What became of one vector that was to be moved or copied to another collection. */
export interface TransferResult {
  id: string
  /**
   * `ok`: it was, or would be, moved or copied. `missing_in_src`: the source has no vector with this
   * id. `dst_insert_failed`: the destination has a vector with this id, or the request has named it
   * before.
   */
  status: 'ok' | 'missing_in_src' | 'dst_insert_failed'
  /** The reason, if the status is `dst_insert_failed`. */
  error?: string
}

/** What one call has deleted with `undo`. */
export interface Undo {
  /** Names what the call has deleted, for `undelete` and `purgeDeleted`. */
  token: string
  /** Until when it can be undeleted, in milliseconds since 1970. */
  until: number
}

/**
 * How long what is deleted can be undeleted, from one second to 3,653 days: whole milliseconds, or a
 * whole number with a unit as in `'24h'`, which is `ms`, `s`, `m`, `h` or `d`.
 */
export type UndoPeriod = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

/** What to purge: vectors with these ids, what a token stands for, or all vectors that wait. */
export type Purgeable = readonly string[] | string | { all: true }

/** Options for undeleting. */
export interface UndeleteOptions extends CallOptions {
  /**
   * Called from time to time with the progress so far, but not if a collection is undeleted. An error
   * it throws does not stop the work; the call rejects with that error once the work is done.
   */
  onProgress?: (progress: ChangeProgress) => void
}

/** The result of undeleting. */
export interface UndeleteReport {
  collection: string
  /** How many vectors were undeleted: if a collection was, as many as it has. */
  undeleted: number
  /**
   * A row for each id: those that were given, or those that the token names. Empty if a collection was
   * undeleted.
   */
  results: UndeleteResult[]
}

/** The result for one id that was to be undeleted. */
export interface UndeleteResult {
  id: string
  /**
   * `not_found`: no vector with this id could be undeleted. `id_in_use`: the collection has a vector
   * with this id, which is not overwritten; the deleted one can be undeleted still. `repeated`: the
   * request has named the id before.
   */
  status: 'undeleted' | 'not_found' | 'id_in_use' | 'repeated'
}

/** What to change about a collection. */
export interface UpdateCollectionRequest {
  /**
   * What the collection is for: 1 to 1,024 bytes, without control characters other than newlines and
   * tabs. `null` removes it.
   */
  description: string | null
}

/** The parts of a vector to replace; parts left out stay as they are. At least one is required. */
export interface UpdateVectorRequest<Meta = any> {
  data?: VectorInput
  /** Embedded again, unless `data` is given as well. */
  text?: string
  /** Replaces all of the metadata. */
  metadata?: IsUntyped<Meta> extends true ? object : Exclude<Meta, undefined>
  /** `null`: it does not expire by itself any more. */
  expires_at?: ExpiryInput
}

/** The parts to replace of one vector of many. */
export interface VectorUpdate<Meta = any> extends UpdateVectorRequest<Meta> {
  id: string
}

/** Some vectors of a collection: those with these ids, or those that a filter matches. */
export type VectorSelection<Meta = any> = readonly string[] | { filter: Filter<Meta> }

/** A stored vector. */
export type Vector<Meta = any> = {
  id: string
  data: Float32Array
  /** The text that was embedded, or that was inserted with the vector. */
  text?: string
  /**
   * When it expires, by itself or by the TTL of the collection, in milliseconds since 1970. Absent if
   * it does not.
   */
  expires_at?: number
} & StoredMetadata<Meta>

/** Vectors to insert, as columns: the fastest form for many vectors. */
export type VectorColumns<Meta = any> = {
  ids: readonly string[]
  /** The vectors' values, concatenated in the order of `ids`. */
  data: VectorInput
  /** One text, or nothing, for each id. Stored, not embedded. */
  texts?: readonly (string | null | undefined)[]
  /** When each expires. Where there is nothing: the `expires_at` of the call. */
  expires_at?: readonly (ExpiryInput | undefined)[]
} & ColumnOfMetadata<Meta>

/** One object, or nothing, for each id. */
export type ColumnOfMetadata<Meta> =
  IsUntyped<Meta> extends true
    ? { metadata?: readonly MetadataInput[] }
    : undefined extends Meta
      ? { metadata?: readonly (Meta | null)[] }
      : { metadata: readonly Meta[] }

/** The result of setting when a vector expires. */
export interface VectorExpiry {
  id: string
  collection: string
  /** In milliseconds since 1970; `null` if it does not expire by itself. */
  expires_at: number | null
  status: 'updated'
}

/** Options for opening a client. */
export interface VectorizerClientOptions {
  /**
   * The directory of a store on disk, created if it does not exist. A relative path is resolved
   * against the current working directory. Clients in one process that name the same directory
   * share one store. Without it, the store is in memory.
   */
  path?: string
  /**
   * When a write on disk becomes safe from a power failure: before its promise resolves (`always`),
   * within about a second (`everysec`, the default), or whenever the operating system writes it
   * (`no`). If the process is killed, nothing is lost with any of them.
   */
  fsync?: 'always' | 'everysec' | 'no'
  /**
   * Clients in one process that give the same name share one store in memory, across worker threads
   * and JavaScript realms. The store is gone when the last of them is closed.
   */
  shared?: string
  /**
   * The key that encrypts the files, or the service that holds it. A new store is encrypted from
   * the start; an existing unencrypted store is encrypted by `rotateKeys({ key })`. A wrong or
   * missing key rejects with `EncryptionError`. Without encryption, the store's keys are next to
   * the data: deletes are just as certain, but the data is not secret.
   */
  encryption?: EncryptionKey | KeyService
  /**
   * Keep a ledger of erasures in the store's directory: a text file, `LEDGER`, that is only ever
   * appended to, with an entry for each erasure that says when it was, by which call, from which
   * collections, of how many vectors and for what reason, and salted digests of their ids. Each entry
   * has the hash of the one before, so that none can be changed or removed unnoticed. Nothing of what
   * was erased can be read from it.
   *
   * Once a store has a ledger, every later opening keeps it, whatever this option is. With a ledger
   * every erasure is on disk when its promise resolves, whatever `fsync` is.
   *
   * With `sign`, the entries of receipts are signed as well (see `LedgerSigning`).
   */
  ledger?: boolean | LedgerSigning
  /**
   * Embeds texts in place of the built-in embedder: receives an array of up to 128 texts and
   * returns a promise of one vector of the collection's dimension for each. `close` waits for
   * requests already made to it.
   */
  embedder?: Embedder
}

/** One page of a list of all vectors. */
export interface VectorPage<Meta = any> {
  vectors: Vector<Meta>[]
  /** How many vectors the collection has. */
  total: number
  limit: number
  /** How many vectors come before this page. */
  offset: number
}

/** The result of checking that vectors are gone. */
export interface VerificationReport {
  /** True if there are no residues. */
  verified: boolean
  residues: Residue[]
}

/** Options for verifying a ledger. */
export interface VerifyLedgerOptions extends CallOptions {
  /**
   * The key that belongs to the one that the entries are signed with; several, if that has changed.
   * Every signature in the ledger is verified, and those of `receipts`. A ledger with erasures of which
   * none is signed has a problem then.
   */
  publicKey?: PublicKey | readonly PublicKey[]
  /**
   * Receipts whose entries must be in the ledger. Only these and `head` can show that entries are
   * missing at its end. Of a receipt only `entry` is needed; what else it has is compared.
   */
  receipts?: readonly FiledReceipt[]
  /** An earlier head of the ledger, from `getLedger` or `verifyLedger`, which must be in it. */
  head?: LedgerHead
}

/** Options for verifying a receipt. */
export interface VerifyReceiptOptions extends CallOptions {
  /**
   * The key that belongs to the one that the entries are signed with; several, if that has changed.
   * With it, a receipt without a signature is a problem.
   */
  publicKey?: PublicKey | readonly PublicKey[]
  /** The ledger, its file or the directory of the store: it is verified, and the entry must be in it. */
  ledger?: string
}

/** The result of verifying a receipt. */
export interface ReceiptReport {
  /** True if there are no problems. */
  verified: boolean
  problems: string[]
}
