// Made by "npm run build" from the source in face/.

/**
 * A value to compare with. Strings that are RFC 3339 dates are compared as instants, numbers by
 * value. An integer beyond 2^53 must be a `bigint`, of up to 64 bits: as a number it would already
 * have been rounded, and is rejected except as a bound.
 */
export type FilterValue = string | number | bigint | boolean | null | Date
/** A value to match in a clause; for null, use `is_null`. */
export type MatchValue = string | number | bigint | boolean | Date
/** A value of an ordered type, for bounds. */
export type FilterBound = string | number | bigint | Date
type AtLeastOne<T> = T &
  {
    [K in keyof T]-?: Required<Pick<T, K>>
  }[keyof T]
type Operators<Value = FilterValue, Bound = FilterBound> = {
  /** Equals this value; for a list in the metadata, any of its items does. */
  $eq?: Value
  /** Does not equal this value. */
  $ne?: Value
  /** Is greater than, or later than. */
  $gt?: Bound
  /** Is greater than, later than or equal to this value. */
  $gte?: Bound
  /** Is less than, or earlier than. */
  $lt?: Bound
  /** Is less than, earlier than or equal to this value. */
  $lte?: Bound
  /** Equals one of these values. */
  $in?: readonly Value[]
  /** Equals none of these values. */
  $nin?: readonly Value[]
  /** Whether the field has a value that is not null. */
  $exists?: boolean
}
/** Conditions on one field, at least one; all of them must hold. */
export type FieldOperators = AtLeastOne<Operators>
interface DateLike {
  [Symbol.toPrimitive](hint: 'number'): number
}
/** A condition on one field: a value it equals, values one of which it equals, or operators. */
export type FieldCondition =
  | string
  | number
  | bigint
  | boolean
  | null
  | DateLike
  | readonly FilterValue[]
  | FieldOperators
type Letter =
  | ('a' | 'b' | 'c' | 'd' | 'e' | 'f' | 'g' | 'h' | 'i' | 'j' | 'k' | 'l' | 'm')
  | ('n' | 'o' | 'p' | 'q' | 'r' | 's' | 't' | 'u' | 'v' | 'w' | 'x' | 'y' | 'z')
  | (
      | '\u00E0'
      | '\u00E1'
      | '\u00E2'
      | '\u00E3'
      | '\u00E4'
      | '\u00E5'
      | '\u00E6'
      | '\u00E7'
      | '\u00E8'
      | '\u00E9'
      | '\u00EA'
      | '\u00EB'
      | '\u00EC'
      | '\u00ED'
      | '\u00EE'
      | '\u00EF'
    )
  | (
      | '\u00F1'
      | '\u00F2'
      | '\u00F3'
      | '\u00F4'
      | '\u00F5'
      | '\u00F6'
      | '\u00F8'
      | '\u0153'
      | '\u00F9'
      | '\u00FA'
      | '\u00FB'
      | '\u00FC'
      | '\u00FD'
      | '\u00FE'
      | '\u0161'
      | '\u017E'
    )
type Digit = '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9'
type Sign =
  | (' ' | '!' | '"' | '#' | '%' | '&' | "'" | '(' | ')' | '*' | '+' | ',' | '-' | '/' | ':' | ';')
  | ('<' | '=' | '>' | '?' | '@' | '[' | '\\' | ']' | '^' | '_' | '`' | '{' | '|' | '}' | '~')
type FieldStart = Letter | Uppercase<Letter> | Digit | Sign
type FieldConditions = {
  readonly [Path in `${FieldStart}${string}`]: FieldCondition
}
type LogicalOperators<Meta = any> = {
  /** All of these hold. */
  $and?: readonly Filter<Meta>[]
  /** At least one of these holds. */
  $or?: readonly Filter<Meta>[]
  /** This does not hold. */
  $not?: Filter<Meta>
}
/** Bounds of a range, at least one. */
export type RangeBounds<T> = AtLeastOne<{
  gt?: T
  gte?: T
  lt?: T
  lte?: T
}>
type Range = RangeBounds<number | bigint> | RangeBounds<string | Date>
type Only<T> = T & {
  [K in Exclude<ConditionKey, keyof T>]?: never
}
type ConditionKey =
  | ('type' | 'key' | 'match' | 'match_value' | 'range' | 'values_count')
  | ('is_empty' | 'is_null' | 'has_id' | 'must' | 'should' | 'must_not')
type KeyCondition<Key, Value, Member, Bounds> =
  | Only<{
      key: Key
      match:
        | {
            value: Value
            any?: never
            except?: never
          }
        | {
            any: readonly Member[]
            value?: never
            except?: never
          }
        | {
            except: readonly Member[]
            value?: never
            any?: never
          }
    }>
  | Only<{
      key: Key
      range: Bounds
    }>
  | Only<{
      type: 'match'
      key: Key
      match_value: Value
    }>
  | Only<{
      type: 'range'
      key: Key
      range: Bounds
    }>
type KeyConditions<Meta> =
  IsUntyped<Meta> extends true
    ? KeyCondition<string, MatchValue, FilterValue, Range>
    : {
        [Path in MetadataPath<Meta>]: KeyCondition<
          Path,
          Compared<ValueAt<Meta, Path>>,
          Compared<ValueAt<Meta, Path>> | null,
          RangeBounds<Bound<ValueAt<Meta, Path>>>
        >
      }[MetadataPath<Meta>]
/** A condition of a clause. */
export type Condition<Meta = any> =
  | KeyConditions<Meta>
  | Only<{
      key: MetadataPath<Meta>
      values_count: RangeBounds<number>
    }>
  | Only<{
      is_empty: {
        key: MetadataPath<Meta>
      }
    }>
  | Only<{
      is_null: {
        key: MetadataPath<Meta>
      }
    }>
  | Only<{
      has_id: readonly string[]
    }>
  | AtLeastOne<ClauseFilter<Meta>>
/** Lists of conditions: all of `must`, at least one of `should`, none of `must_not`. */
export type ClauseFilter<Meta = any> = {
  /** All of these hold. */
  must?: readonly Condition<Meta>[]
  /** At least one of these holds. */
  should?: readonly Condition<Meta>[]
  /** None of these holds. */
  must_not?: readonly Condition<Meta>[]
}
/**
 * Fields (dotted paths into the metadata) with a value they equal, values one of which they equal,
 * or operators; and `$and`, `$or`, `$not` over further filters.
 */
export type FieldFilter<Meta = any> = FieldConditionsOf<Meta> &
  LogicalOperators<Meta> & {
    [K in keyof ClauseFilter]?: never
  }
/**
 * Selects vectors by their metadata. A filter needs at least one condition. If `Meta`, the type of
 * the metadata, is given, paths and the types of their values are checked against it.
 */
export type Filter<Meta = any> = FieldFilter<Meta> | ClauseFilter<Meta>
type IsUntyped<Meta> = 0 extends 1 & Meta ? true : false
type Depth = 5
type Shallower = [never, 0, 1, 2, 3, 4]
type Items<T> = NonNullable<T> extends readonly (infer Item)[] ? NonNullable<Item> : NonNullable<T>
type Plain = string | number | bigint | boolean | DateLike | readonly unknown[]
type KeysOf<T> = Extract<keyof T, string>
/** The dotted paths into metadata of the type `Meta`. */
export type MetadataPath<Meta> = IsUntyped<Meta> extends true ? string : PathsOf<NonNullable<Meta>, Depth>
type PathsOf<T, D extends number> = T extends Plain
  ? never
  : {
      [K in KeysOf<T>]: K | `${K}.${PathsBehind<T[K], D>}`
    }[KeysOf<T>]
type PathsBehind<T, D extends number> =
  IsUntyped<T> extends true ? string : D extends 0 ? never : PathsOf<Items<T>, Shallower[D]>
type ValueAt<T, Path> = T extends Plain
  ? never
  : Path extends keyof T
    ? T[Path]
    : Path extends `${infer Key}.${infer Rest}`
      ? Key extends keyof T
        ? IsUntyped<T[Key]> extends true
          ? any
          : ValueAt<Items<T[Key]>, Rest>
        : never
      : never
type Compared<T> = unknown extends T ? MatchValue : ComparedItem<Items<T>>
type ComparedItem<T> = T extends DateLike
  ? Date | string
  : T extends string
    ? string extends T
      ? string | Date
      : T
    : T extends number | bigint
      ? T | bigint
      : T extends boolean
        ? T
        : never
type Bound<T> = unknown extends T ? FilterBound : BoundOfItem<Items<T>>
type BoundOfItem<T> = T extends DateLike | string
  ? string | Date
  : T extends number | bigint
    ? number | bigint
    : never
type OperatorsOf<Value, Bound> = Pick<
  Operators<Value | null, Bound>,
  Exclude<keyof Operators, [Bound] extends [never] ? '$gt' | '$gte' | '$lt' | '$lte' : never>
>
type ConditionOn<T> =
  | Compared<T>
  | null
  | readonly (Compared<T> | null)[]
  | AtLeastOne<OperatorsOf<Compared<T>, Bound<T>>>
type FieldConditionsOf<Meta> =
  IsUntyped<Meta> extends true
    ? FieldConditions
    : string extends KeysOf<NonNullable<Meta>>
      ? FieldConditions
      : {
          readonly [Path in MetadataPath<Meta>]?: ConditionOn<ValueAt<NonNullable<Meta>, Path>>
        }
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
      ? {
          metadata?: Meta | null
        }
      : {
          metadata: Meta
        }
/** The metadata of a stored vector, of type `Meta`. */
export type StoredMetadata<Meta> =
  IsUntyped<Meta> extends true
    ? {
        /** Absent if the vector has none. */
        metadata?: Record<string, unknown>
      }
    : undefined extends Meta
      ? {
          metadata?: Exclude<Meta, undefined>
        }
      : {
          metadata: Meta
        }
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
  | {
      [Name in keyof ErasureReceipt]?: ErasureReceipt[Name] | undefined
    }
  | {
      [Name in keyof ForgetReceipt]?: ForgetReceipt[Name] | undefined
    }
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
  | {
      filter: Filter
      ids?: undefined
    }
  | {
      ids: readonly string[]
      filter?: undefined
    }
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
export type MembersPatch<T> = {
  [Key in keyof T]?: MemberPatch<T[Key]> | null
}
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
  ? {
      data: Float32Array
    }
  : [V] extends [false]
    ? {
        data?: undefined
      }
    : {
        data?: Float32Array
      }
/** The metadata of a result, unless `include_metadata` is false. */
export type FoundMetadata<M extends boolean, Meta> = [M] extends [false]
  ? {
      metadata?: undefined
    }
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
export type Purgeable =
  | readonly string[]
  | string
  | {
      all: true
    }
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
export type VectorSelection<Meta = any> =
  | readonly string[]
  | {
      filter: Filter<Meta>
    }
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
    ? {
        metadata?: readonly MetadataInput[]
      }
    : undefined extends Meta
      ? {
          metadata?: readonly (Meta | null)[]
        }
      : {
          metadata: readonly Meta[]
        }
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
/**
 * The calls that every client offers, whatever engine is behind it: the embedded
 * `VectorizerClient`, and `MilvusVectorizerClient` from `vectorizer-native/milvus`. Code written
 * against this interface runs with either. Anything an engine cannot do rejects with
 * `UnsupportedError`.
 */
export interface Vectorizer {
  /** Resolves when the store is open. */
  ready(): Promise<void>
  /** Creates a collection. If the name is taken, rejects with `CollectionExistsError`. */
  createCollection(name: string, options: CollectionOptions): Promise<CollectionSummary>
  /** Creates a collection. If the name is taken, rejects with `CollectionExistsError`. */
  createCollection(request: CreateCollectionRequest): Promise<CollectionSummary>
  /** Lists all collections by name. */
  listCollections(): Promise<CollectionSummary[]>
  /** Returns a collection's settings, counts and size. */
  getCollectionInfo(collection: string): Promise<CollectionInfo>
  /** The SDK's name for `getCollectionInfo`. */
  getCollection(collection: string): Promise<CollectionInfo>
  /**
   * Returns a handle to a collection, with the calls that concern it. Without `options` the
   * collection must exist; with `options` it is created first. If the name is then taken, it
   * rejects with `CollectionExistsError`, unless `ifExists` is `'open'`: in that case, an existing
   * collection with a different dimension, metric or parameter rejects with
   * `DimensionMismatchError` or `ValidationError`.
   */
  collection<Meta = any>(name: string, options?: OpenCollectionOptions): Promise<Collection<Meta>>
  /**
   * Sets or removes the description of a collection. Nothing else about it can be changed here.
   *
   * Rejects with `ValidationError` if it is no such text.
   */
  updateCollection(
    collection: string,
    settings: UpdateCollectionRequest,
    options?: CallOptions,
  ): Promise<CollectionInfo>
  /**
   * Gives a collection another name, and keeps everything in it. Writes in progress go on. Whatever
   * looks up the old name from then on rejects with `CollectionNotFoundError`, or finds the collection
   * that has got the name: handles, scans, and calls whose texts are still being embedded. When it
   * resolves, nothing of the old name is left in the files.
   *
   * If the new name is taken, it rejects with `CollectionExistsError`, and with `ValidationError` if
   * no collection could be created with it. If it is the same name, nothing happens.
   */
  renameCollection(collection: string, newName: string, options?: CallOptions): Promise<RenameReport>
  /**
   * Builds the graph of a collection anew with the given parameters; the others stay as they are. It
   * happens in the background, and `optimize` waits for it: searches use the graph that is there
   * meanwhile. If the process ends before it is done, the next opening builds it.
   *
   * Rejects with `ValidationError` if a parameter is beyond its limits.
   */
  reindexCollection(collection: string, options?: ReindexOptions): Promise<ReindexJob>
  /** Returns the names of the collections without any vectors, sorted. */
  listEmptyCollections(): Promise<string[]>
  /**
   * Deletes the collections without any vectors. One that gets a vector meanwhile is kept. With
   * `dryRun` it deletes nothing and reports what it would delete.
   */
  cleanupEmptyCollections(options?: CleanupOptions): Promise<CleanupReport>
  /**
   * Deletes a collection and everything in it. With `undo` it is put aside as it is: no call finds it,
   * and it takes no memory on disk. Without it, what was deleted from the collection with `undo` is
   * erased as well.
   */
  deleteCollection<R extends boolean = false, U extends UndoPeriod | undefined = undefined>(
    collection: string,
    options?: DeleteCollectionOptions & Receipted<R> & WithUndo<U>,
  ): Promise<Deletion<R, U>>
  /**
   * Inserts vectors, either all of them or none. A vector with an existing id is replaced entirely,
   * its expiry included. If an id occurs more than once, the last one wins.
   *
   * Rejects with `DimensionMismatchError` or `ValidationError` (a value that is not finite, a zero
   * vector with the cosine metric, an id that is empty or longer than 1,024 bytes, metadata that is
   * not a plain JSON object, an empty text, an `expires_at` that is no time).
   */
  insertVectors(
    collection: string,
    vectors: readonly CreateVectorRequest[] | VectorColumns,
    options?: InsertOptions,
  ): Promise<InsertReport>
  /** Embeds a text and inserts it under a new id. Resolves with the id. */
  insertText(
    collection: string,
    text: string,
    metadata?: MetadataInput,
    options?: InsertTextOptions,
  ): Promise<string>
  /**
   * Embeds texts and inserts them under new ids, either all of them or none. Resolves with the ids.
   */
  batchInsertText(
    collection: string,
    texts: readonly string[],
    metadatas?: readonly MetadataInput[],
    options?: InsertOptions,
  ): Promise<string[]>
  /** Embeds texts and inserts them under the given ids, either all of them or none. */
  insertTexts(
    collection: string,
    texts: readonly BatchTextRequest[],
    options?: InsertOptions,
  ): Promise<BatchResponse>
  /** Returns one vector. Rejects with `VectorNotFoundError` if the id does not exist. */
  getVector(collection: string, id: string): Promise<Vector>
  /**
   * Returns one page of all vectors, in insertion order. Pages are numbered from 0. By default, the
   * first 10 vectors.
   */
  listVectors(collection: string, page?: number, limit?: number): Promise<VectorPage>
  /**
   * Reads all vectors, or those that match a filter, in insertion order: those that exist when the
   * scan begins and have not been deleted by the time they are read, each once. Vectors that are
   * inserted meanwhile are not among them. Deletes, updates and inserts in between are allowed.
   *
   * ```js
   * for await (const { id, metadata } of client.scan('docs', { filter: { lang: 'en' } })) …
   * ```
   */
  scan<V extends boolean = false, M extends boolean = true>(
    collection: string,
    options?: ScanOptions & Carried<V, M>,
  ): AsyncGenerator<ScannedVector<V, M>, void, undefined>
  /**
   * Reads one batch of a scan, for a caller who cannot keep an iterator: pass the batch's `cursor`
   * with the same options to read the next one.
   */
  scanVectors<V extends boolean = false, M extends boolean = true>(
    collection: string,
    options?: ScanVectorsOptions & Carried<V, M>,
  ): Promise<ScanBatch<V, M>>
  /** Counts all vectors, or those that match the filter. */
  count(collection: string, filter?: Filter): Promise<number>
  /**
   * Replaces the given parts of a vector, and resolves with the updated vector. Rejects with
   * `VectorNotFoundError` if the id does not exist.
   */
  updateVector(collection: string, id: string, update: UpdateVectorRequest): Promise<Vector>
  /**
   * Replaces the given parts of many vectors at once. Each update has an id and what `updateVector`
   * takes. An id that does not exist is reported with status `error` and does not stop the others.
   *
   * The update is atomic: whatever interrupts it, either all of the vectors that exist are updated or
   * none. Rejects with `ValidationError` and updates none if an id occurs twice, or if an update has
   * nothing in it.
   */
  batchUpdateVectors(
    collection: string,
    updates: readonly VectorUpdate[] | BatchUpdateRequest,
    options?: BatchUpdateOptions,
  ): Promise<BatchUpdateReport>
  /**
   * Changes the metadata of every vector that matches, at once, by a JSON merge patch (RFC 7396):
   * `null` removes a member, an object changes the members of the one that is there, and anything else
   * replaces what is there. Whatever the patch does not name stays: other metadata, values, texts,
   * which are not embedded again, and expiries.
   *
   * ```js
   * await client.bulkUpdateMetadata('docs', { owner: 'ann' }, { owner: 'bob', draft: null })
   * ```
   *
   * Nothing is written for a vector whose metadata stays as it is. With `dryRun` it changes nothing
   * and reports what it would change.
   *
   * Rejects with `ValidationError` and changes nothing if the patch is not an object, has a member that
   * is `undefined`, or is longer than 1,048,576 bytes of JSON, and if the filter is invalid or has no
   * condition. With `atMost` or `expect`, it rejects with `TooManyMatchesError` and changes nothing if
   * another number of vectors matches.
   */
  bulkUpdateMetadata(
    collection: string,
    filter: Filter,
    patch: MetadataPatch,
    options?: PatchOptions,
  ): Promise<PatchReport>
  /**
   * Moves vectors to another collection of the same dimension, by their ids or all that match a
   * filter, with their metadata, texts and expiries. They come last there, and its TTL counts from
   * now. An id that the destination has is not moved, unless `overwrite` is set.
   *
   * ```js
   * await client.moveToCollection('inbox', 'archive', { filter: { done: true } })
   * ```
   *
   * The move is atomic: whatever interrupts it, either all of them are in the destination or all in
   * the source, and none is lost. For a moment, reads may find a vector in both. With `dryRun` it
   * moves nothing and reports what it would move.
   *
   * Rejects with `DimensionMismatchError` if the destination has another dimension, and with
   * `ValidationError` if it is the source itself, if its metric cannot rank one of the vectors, and
   * if the filter is invalid or has no condition; nothing is moved. With `atMost` or `expect`, it
   * rejects with `TooManyMatchesError` and moves nothing if it would move another number of vectors.
   */
  moveToCollection<R extends boolean = false>(
    src: string,
    dst: string,
    vectors: VectorSelection,
    options?: MoveOptions & Receipted<R>,
  ): Promise<MoveReport & (R extends true ? Proof : unknown)>
  /**
   * Copies vectors to another collection of the same dimension, as `moveToCollection` moves them, and
   * leaves them where they are. The copies belong to the destination: what deletes one vector does
   * not delete the other.
   */
  copyVectors(src: string, dst: string, vectors: VectorSelection, options?: CopyOptions): Promise<CopyReport>
  /**
   * Sets when a vector expires, whatever the collection's TTL. With `null` it does not expire by
   * itself: the TTL applies, if there is one.
   *
   * From that instant on no read returns the vector, and an insert of its id inserts a new one.
   * Within a second after it, and before the first read if the store is opened after it, the vector
   * is erased like one that was deleted. An instant that has passed is allowed.
   *
   * Rejects with `VectorNotFoundError` if the id does not exist or has expired, and with
   * `ValidationError` if `expiresAt` is no time from 1970 on.
   */
  setVectorExpiry(collection: string, id: string, expiresAt: ExpiryInput): Promise<VectorExpiry>
  /**
   * Sets the TTL of a collection in whole seconds, 1 to 4,294,967,295; `null` removes it. It gives
   * every vector without an expiry of its own one that long after it was inserted: those in the
   * collection, so that some may expire at once, and those to come. Updating a vector does not
   * postpone it; inserting it again does. What has expired is erased first, so that a longer TTL
   * brings nothing back, unless erasure is paused (see `resumeExpiry`).
   *
   * Rejects with `ValidationError` if it is no such number.
   */
  setCollectionTtl(collection: string, seconds: number | null): Promise<CollectionTtl>
  /**
   * Continues to erase what has expired, in the whole store. That is paused if the system's clock
   * jumps forward by more than a day, or if it is more than a day behind the last write of a store
   * that is opened, because the clock may be wrong: what has expired is not returned, but it is not
   * erased until this is called, or until an hour has passed without another jump. If nothing is
   * paused, it does nothing.
   */
  resumeExpiry(): Promise<void>
  /**
   * Finds the vectors most similar to a vector or a text, best first; results with equal scores are
   * in insertion order. Returns `limit` results whenever that many live vectors match.
   *
   * An empty text ranks nothing: it lists the vectors that match the filter, in insertion order.
   */
  search<V extends boolean = false, M extends boolean = true>(
    collection: string,
    query: string | VectorInput,
    options?: SearchOptions & Carried<V, M>,
  ): Promise<SearchResult<V, M>[]>
  /** `search` by vector, in the SDK's format. */
  searchVectors<V extends boolean = false, M extends boolean = true>(
    collection: string,
    request: SearchRequest & Carried<V, M>,
  ): Promise<SearchResponse<V, M>>
  /** `search` by text, in the SDK's format. */
  searchText<V extends boolean = false, M extends boolean = true>(
    collection: string,
    request: TextSearchRequest & Carried<V, M>,
  ): Promise<SearchResponse<V, M>>
  /**
   * Runs `search` for many queries on all cores, which is faster than one call per query. Results
   * are in the order of the queries. The queries are texts and vectors, or one array of
   * concatenated vectors.
   *
   * Each query sees one consistent state of the collection. Writes may happen between queries, so a
   * later query may see a later state.
   */
  searchBatch<V extends boolean = false, M extends boolean = true>(
    collection: string,
    queries: readonly (string | VectorInput)[] | Float32Array,
    options?: SearchOptions & Carried<V, M>,
  ): Promise<SearchResult<V, M>[][]>
  /**
   * Deletes one vector. Rejects with `VectorNotFoundError` if the id does not exist.
   *
   * When it resolves, no read on any thread finds the vector, and its row, text, metadata and id
   * are gone. With `undo` they are put aside, where only `undelete` reaches them, and are gone when
   * the time is over.
   *
   * ```js
   * const { undo } = await client.deleteVector('docs', 'a', { undo: '24h' })
   * await client.undelete('docs', undo.token)
   * ```
   *
   * Rejects with `ValidationError` and deletes nothing if `undo` is no such period, or is given with
   * `receipt` or `backup`.
   */
  deleteVector<R extends boolean = false, U extends UndoPeriod | undefined = undefined>(
    collection: string,
    id: string,
    options?: DeleteVectorOptions & Receipted<R> & WithUndo<U>,
  ): Promise<Deletion<R, U>>
  /**
   * Deletes many vectors at once. An id that does not exist is reported with status `error` and
   * does not stop the others; a repeated id is `ok` the first time.
   *
   * The delete is atomic: whatever interrupts it, either all of them are deleted or none. With
   * `atMost` or `expect`, it rejects with `TooManyMatchesError` and deletes nothing if it would
   * delete another number of vectors. With `undo` they are put aside, as by `deleteVector`.
   */
  batchDelete<R extends boolean = false>(
    collection: string,
    ids: readonly string[],
    options?: BatchDeleteOptions & Receipted<R>,
  ): Promise<DeleteReport & (R extends true ? Proof : unknown)>
  /** The SDK's name for `batchDelete`. */
  deleteVectors<R extends boolean = false>(
    collection: string,
    ids: readonly string[],
    options?: BatchDeleteOptions & Receipted<R>,
  ): Promise<DeleteReport & (R extends true ? Proof : unknown)>
  /**
   * Deletes every vector that matches, at once. With `dryRun` it deletes nothing and reports what
   * it would delete; `rows` shows some of it.
   *
   * A filter that is invalid, or has no condition, rejects with `ValidationError` and deletes
   * nothing. With `atMost` or `expect`, it rejects with `TooManyMatchesError` and deletes nothing if
   * another number of vectors matches. With `undo` they are put aside, as by `deleteVector`.
   */
  deleteByFilter<R extends boolean = false>(
    collection: string,
    filter: Filter,
    options?: DeleteByFilterOptions & Receipted<R>,
  ): Promise<DeleteByFilterReport & (R extends true ? Proof : unknown)>
  /**
   * Puts rows in the place of every vector that matches, at once: afterwards exactly these rows are
   * there of all that the filter matches. For what a changed document is made of:
   *
   * ```js
   * await client.replace('docs', { source: 'a.md' }, chunks)
   * ```
   *
   * The rows are all vectors or all texts, which are embedded. A row that is there as it is, with
   * the same metadata, text and values, is not written, and its text not embedded again. Where
   * neither a row nor the call has an `expires_at`, a new vector has no expiry of its own, and one
   * that is updated keeps its own. With `dryRun` it changes nothing and reports what it would change.
   * With `undo`, what is deleted is put aside, as by `deleteVector`; of what is updated nothing is.
   *
   * Rejects with `ValidationError` and changes nothing if an id occurs twice, if a row would not
   * match the filter, if the id of a row is that of a vector that does not match it, and if the
   * filter is invalid or has no condition. With `atMost` or `expect`, it rejects with
   * `TooManyMatchesError` and changes nothing if it would delete another number of vectors.
   */
  replace<R extends boolean = false>(
    collection: string,
    filter: Filter,
    rows: readonly ReplacementVector[] | readonly ReplacementText[],
    options?: ReplaceOptions & Receipted<R>,
  ): Promise<ReplaceReport & (R extends true ? Proof : unknown)>
  /**
   * Deletes, in all collections or those named, every vector that matches a filter or has one of the
   * ids. For a request to erase whatever there is about somebody:
   *
   * ```js
   * const { receipt } = await client.forget({ filter: { user: 'u1' } }, { reason: 'request 4711' })
   * ```
   *
   * It is one delete: whatever interrupts it, either all of them are deleted or none. When it
   * resolves, it is on disk, whatever `fsync` is, and the receipt proves what was erased. What was
   * deleted with `undo` is forgotten as well. With `dryRun` it deletes nothing and reports what it would
   * delete.
   *
   * Rejects with `CollectionNotFoundError` if a collection that is named does not exist, and with
   * `ValidationError` if the filter is invalid or has no condition; nothing is deleted. With `atMost`
   * or `expect`, it rejects with `TooManyMatchesError` and deletes nothing if it would delete another
   * number of vectors in all.
   */
  forget(selection: ForgetSelection, options?: ForgetOptions): Promise<ForgetReport>
  /**
   * Lists what can be undeleted: all collections that were deleted with `undo` or, with a collection,
   * those that had its name, and vectors that were deleted from it with `undo`. Nothing else reads
   * these vectors; their values and texts are not shown.
   *
   * Rejects with `CollectionNotFoundError` if there is no collection of this name, not even one that
   * can be undeleted.
   */
  listDeleted(collection?: string, options?: ListDeletedOptions): Promise<DeletedList>
  /**
   * Brings back what was deleted with `undo`: vectors with these ids, or whatever the call has deleted
   * that resolved with this token, be it vectors or the collection itself.
   *
   * ```js
   * const { undo } = await client.deleteByFilter('docs', { lang: 'en' }, { undo: '7d' })
   * if (undo) await client.undelete('docs', undo.token)
   * ```
   *
   * Vectors come back as they were, with their texts and expiries, and last in the order of insertion.
   * It is one step: whatever interrupts it, either all of them are back or none. An id that is in use
   * again, or that cannot be undeleted, is reported and does not stop the others.
   *
   * Rejects with `ValidationError` if nothing can be undeleted that has this token, with
   * `CollectionExistsError` if the name of the collection is in use again, and with
   * `CollectionNotFoundError` if there is no collection of this name.
   */
  undelete(
    collection: string,
    what: readonly string[] | string,
    options?: UndeleteOptions,
  ): Promise<UndeleteReport>
  /**
   * Erases what was deleted with `undo` before the time is over: vectors with these ids, whatever the
   * call has deleted that resolved with this token, or all vectors of the collection that can be
   * undeleted. When it resolves, nothing of it is left.
   *
   * ```js
   * await client.purgeDeleted('docs', ['a'], { receipt: true, reason: 'request 4711' })
   * await client.purgeDeleted('docs', { all: true })
   * ```
   *
   * Rejects with `ValidationError` if nothing can be undeleted that has this token, and with
   * `CollectionNotFoundError` if there is no collection of this name.
   */
  purgeDeleted<R extends boolean = false>(
    collection: string,
    what: Purgeable,
    options?: PurgeOptions & Receipted<R>,
  ): Promise<PurgeReport & (R extends true ? Proof : unknown)>
  /**
   * Resolves when the index is fully optimized: every vector that existed at the time of the call
   * is in the graph, and the memory of deleted vectors has been reclaimed. Searches are correct
   * without it; it makes them fast.
   */
  optimize(collection: string, options?: OptimizeOptions): Promise<void>
  /**
   * Resolves when everything acknowledged before the call is on disk, safe from a power failure.
   * For a store in memory there is nothing to do.
   */
  flush(): Promise<void>
  /**
   * Reads the collection's files back from disk, along with its memory, and looks for any remnant
   * of vectors with these ids, or of any other deleted vector. A vector with one of these ids that can
   * be undeleted is one.
   */
  verifyErased(collection: string, ids: readonly string[]): Promise<VerificationReport>
  /**
   * Writes all collections to one file, each as of a single moment, while other calls continue.
   * `target` is a new file, or a directory in which one is created. Unfinished backups in the same
   * directory whose processes have ended are removed and listed in `leftovers`.
   *
   * Rejects with `StorageError` if the file exists or cannot be written; no partial file is left
   * behind.
   */
  createBackup(target: string, options?: BackupOptions): Promise<BackupReport>
  /**
   * Writes the keys of everything currently stored to one file. `target` is a new file, or a
   * directory in which one is created. Given a backup with separate keys and the newest such file,
   * `restoreBackup` restores everything that had not been deleted when the file was written.
   *
   * Rejects with `StorageError` if the file exists or cannot be written.
   */
  exportKeys(target: string): Promise<BackupReport>
  /**
   * Returns where the ledger of the store is and what its last entry is, or `null` if the store has
   * none. Its `head`, kept elsewhere, shows later that nothing was removed from the ledger:
   * `verifyLedger` takes it.
   */
  getLedger(): Promise<LedgerInfo | null>
  /**
   * Gives the store new keys while other calls continue. With `key`, it also changes the user's key
   * or sets the first one, from which point the store is encrypted. Copies of the old keys open
   * nothing stored after the rotation; they open what was stored before it only if all of them were
   * copied, including the user's. A rotation that is interrupted continues the next time the store
   * is opened.
   */
  rotateKeys(options?: RotateOptions): Promise<void>
  /**
   * Starts an HTTP server for this client: the documented REST routes, with the same filters,
   * reports and errors. Resolves when the server is listening. It keeps the process running until
   * it is closed; closing the client closes it as well.
   *
   * It listens on this machine only, unless `host` says otherwise and there is an `apiKey`. Rejects
   * with `ServerError` if the port is not available.
   */
  serve(options?: ServeOptions): Promise<HttpServer>
  /**
   * Closes this client: calls in progress finish, including those waiting for its embedder, and
   * later ones reject with `ClientClosedError`. The last client of a store closes the store: when
   * this resolves, nothing of it is open, locked or running any more. Closing twice is harmless;
   * both calls wait for the same close.
   *
   * Rejects with `StorageError` if the last writes could not be made durable, or if the store's
   * directory has been removed or moved, and with `SigningError` if the last erasure was to be signed
   * and is not; the client is closed even so.
   */
  close(): Promise<void>
  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}
type MetadataArgument<Meta> =
  IsUntyped<Meta> extends true
    ? [metadata?: MetadataInput, options?: InsertTextOptions]
    : undefined extends Meta
      ? [metadata?: Meta | null, options?: InsertTextOptions]
      : [metadata: Meta, options?: InsertTextOptions]
type MetadatasArgument<Meta> =
  IsUntyped<Meta> extends true
    ? [metadatas?: readonly MetadataInput[], options?: InsertOptions]
    : undefined extends Meta
      ? [metadatas?: readonly (Meta | null)[], options?: InsertOptions]
      : [metadatas: readonly Meta[], options?: InsertOptions]
/**
 * One collection of a client: the calls that concern it, without their first argument. `Meta` is
 * the type of its vectors' metadata as it is read back, so dates are strings. Filters are checked
 * against its paths and value types, and results have it. With `Meta | undefined`, vectors may have
 * no metadata.
 *
 * `Meta` is not checked at run time.
 */
export interface Collection<Meta = any> {
  readonly name: string
  /** Returns the collection's settings, counts and size. */
  getCollectionInfo(): Promise<CollectionInfo>
  /** The SDK's name for `getCollectionInfo`. */
  getCollection(): Promise<CollectionInfo>
  /** Sets or removes the collection's description. */
  updateCollection(settings: UpdateCollectionRequest, options?: CallOptions): Promise<CollectionInfo>
  /** Builds the graph anew with the given parameters, in the background. */
  reindexCollection(options?: ReindexOptions): Promise<ReindexJob>
  /** Deletes the collection and everything in it. */
  deleteCollection<R extends boolean = false, U extends UndoPeriod | undefined = undefined>(
    options?: DeleteCollectionOptions & Receipted<R> & WithUndo<U>,
  ): Promise<Deletion<R, U>>
  /** Inserts vectors, either all or none. A vector with an existing id is replaced entirely. */
  insertVectors(
    vectors: readonly CreateVectorRequest<Meta>[] | VectorColumns<Meta>,
    options?: InsertOptions,
  ): Promise<InsertReport>
  /** Embeds a text and inserts it under a new id. Resolves with the id. */
  insertText(text: string, ...more: MetadataArgument<Meta>): Promise<string>
  /** Embeds texts and inserts them under new ids, either all or none. Resolves with the ids. */
  batchInsertText(texts: readonly string[], ...more: MetadatasArgument<Meta>): Promise<string[]>
  /** Embeds texts and inserts them under the given ids, either all of them or none. */
  insertTexts(texts: readonly BatchTextRequest<Meta>[], options?: InsertOptions): Promise<BatchResponse>
  /** Returns one vector. Rejects with `VectorNotFoundError` if the id does not exist. */
  getVector(id: string): Promise<Vector<Meta>>
  /**
   * Returns one page of all vectors, in insertion order. Pages are numbered from 0. By default, the
   * first 10 vectors.
   */
  listVectors(page?: number, limit?: number): Promise<VectorPage<Meta>>
  /**
   * Reads all vectors, or those that match a filter, in insertion order: those that exist when the
   * scan begins and have not been deleted by the time they are read, each once. Vectors that are
   * inserted meanwhile are not among them. Deletes, updates and inserts in between are allowed.
   *
   * ```js
   * for await (const { id, metadata } of docs.scan({ filter: { lang: 'en' } })) …
   * ```
   */
  scan<V extends boolean = false, M extends boolean = true>(
    options?: ScanOptions<Meta> & Carried<V, M>,
  ): AsyncGenerator<ScannedVector<V, M, Meta>, void, undefined>
  /**
   * Reads one batch of a scan, for a caller who cannot keep an iterator: pass the batch's `cursor`
   * with the same options to read the next one.
   */
  scanVectors<V extends boolean = false, M extends boolean = true>(
    options?: ScanVectorsOptions<Meta> & Carried<V, M>,
  ): Promise<ScanBatch<V, M, Meta>>
  /** Counts all vectors, or those that match the filter. */
  count(filter?: Filter<Meta>): Promise<number>
  /** Replaces the given parts of a vector, and resolves with the updated vector. */
  updateVector(id: string, update: UpdateVectorRequest<Meta>): Promise<Vector<Meta>>
  /** Replaces the given parts of many vectors at once; an id that does not exist is a row of the report. */
  batchUpdateVectors(
    updates: readonly VectorUpdate<Meta>[] | BatchUpdateRequest<Meta>,
    options?: BatchUpdateOptions,
  ): Promise<BatchUpdateReport>
  /**
   * Changes the metadata of every vector that matches, at once: `null` removes a member, an object
   * changes the members of the one that is there, anything else replaces what is there.
   */
  bulkUpdateMetadata(
    filter: Filter<Meta>,
    patch: MetadataPatch<Meta>,
    options?: PatchOptions,
  ): Promise<PatchReport>
  /** Moves vectors to another collection of the same dimension, all at once. */
  moveToCollection<R extends boolean = false>(
    dst: string,
    vectors: VectorSelection<Meta>,
    options?: MoveOptions & Receipted<R>,
  ): Promise<MoveReport & (R extends true ? Proof : unknown)>
  /** Copies vectors to another collection of the same dimension, all at once. */
  copyVectors(dst: string, vectors: VectorSelection<Meta>, options?: CopyOptions): Promise<CopyReport>
  /** Sets when a vector expires; with `null` the collection's TTL applies, if there is one. */
  setVectorExpiry(id: string, expiresAt: ExpiryInput): Promise<VectorExpiry>
  /** Sets after how many seconds vectors without an expiry of their own expire; `null`: never. */
  setCollectionTtl(seconds: number | null): Promise<CollectionTtl>
  /** Finds the vectors most similar to a vector or a text, best first. */
  search<V extends boolean = false, M extends boolean = true>(
    query: string | VectorInput,
    options?: SearchOptions<Meta> & Carried<V, M>,
  ): Promise<SearchResult<V, M, Meta>[]>
  /** `search` by vector, in the SDK's format. */
  searchVectors<V extends boolean = false, M extends boolean = true>(
    request: SearchRequest<Meta> & Carried<V, M>,
  ): Promise<SearchResponse<V, M, Meta>>
  /** `search` by text, in the SDK's format. */
  searchText<V extends boolean = false, M extends boolean = true>(
    request: TextSearchRequest<Meta> & Carried<V, M>,
  ): Promise<SearchResponse<V, M, Meta>>
  /** Runs `search` for many queries on all cores. Results are in the order of the queries. */
  searchBatch<V extends boolean = false, M extends boolean = true>(
    queries: readonly (string | VectorInput)[] | Float32Array,
    options?: SearchOptions<Meta> & Carried<V, M>,
  ): Promise<SearchResult<V, M, Meta>[][]>
  /** Deletes one vector. Rejects with `VectorNotFoundError` if the id does not exist. */
  deleteVector<R extends boolean = false, U extends UndoPeriod | undefined = undefined>(
    id: string,
    options?: DeleteVectorOptions & Receipted<R> & WithUndo<U>,
  ): Promise<Deletion<R, U>>
  /** Deletes many vectors at once; an id that does not exist is a row of the report. */
  batchDelete<R extends boolean = false>(
    ids: readonly string[],
    options?: BatchDeleteOptions & Receipted<R>,
  ): Promise<DeleteReport & (R extends true ? Proof : unknown)>
  /** The SDK's name for `batchDelete`. */
  deleteVectors<R extends boolean = false>(
    ids: readonly string[],
    options?: BatchDeleteOptions & Receipted<R>,
  ): Promise<DeleteReport & (R extends true ? Proof : unknown)>
  /** Deletes every vector that matches, at once. With `dryRun` it only reports. */
  deleteByFilter<R extends boolean = false>(
    filter: Filter<Meta>,
    options?: DeleteByFilterOptions & Receipted<R>,
  ): Promise<DeleteByFilterReport<Meta> & (R extends true ? Proof : unknown)>
  /** Puts rows in the place of every vector that matches, at once. With `dryRun` it only reports. */
  replace<R extends boolean = false>(
    filter: Filter<Meta>,
    rows: readonly ReplacementVector<Meta>[] | readonly ReplacementText<Meta>[],
    options?: ReplaceOptions & Receipted<R>,
  ): Promise<ReplaceReport & (R extends true ? Proof : unknown)>
  /** Lists what was deleted with `undo`: vectors of the collection, and collections that had its name. */
  listDeleted(options?: ListDeletedOptions): Promise<DeletedList<Meta>>
  /** Brings back vectors that were deleted with `undo`, or the collection itself. */
  undelete(what: readonly string[] | string, options?: UndeleteOptions): Promise<UndeleteReport>
  /** Erases what was deleted with `undo` before the time is over. */
  purgeDeleted<R extends boolean = false>(
    what: Purgeable,
    options?: PurgeOptions & Receipted<R>,
  ): Promise<PurgeReport & (R extends true ? Proof : unknown)>
  /** Resolves when the index is fully optimized. */
  optimize(options?: OptimizeOptions): Promise<void>
  /** Looks for any remnant of vectors with these ids, or of any other deleted vector. */
  verifyErased(ids: readonly string[]): Promise<VerificationReport>
}
declare const asyncDispose: typeof Symbol.asyncDispose
/**
 * A client of a store of vector collections.
 *
 * Every method that touches data returns a promise; on failure it rejects with one of the error
 * classes of this module. Calls are not ordered relative to each other unless one is awaited before
 * the next is made.
 */
export declare class VectorizerClient {
  /** Returns at once; if the store cannot be opened, the first call rejects. */
  constructor(options?: VectorizerClientOptions)
  collection<Meta = any>(name: string, options?: OpenCollectionOptions): Promise<Collection<Meta>>
  scan<V extends boolean = false, M extends boolean = true>(
    collection: string,
    options?: ScanOptions & Carried<V, M>,
  ): AsyncGenerator<ScannedVector<V, M>, void, undefined>
  close(): Promise<void>
  /**
   * Restores a backup into a new store, in a directory that is empty or does not exist. The whole
   * backup is verified before anything is written. From a backup with separate keys, only vectors
   * that still have a key in `keys` are restored; the others are counted as `erased`.
   *
   * Rejects with `EncryptionError` if a key is missing, wrong, or older than the backup.
   */
  static restoreBackup(file: string, path: string, options?: RestoreOptions): Promise<RestoreReport>
  [asyncDispose](): Promise<void>
}
export interface VectorizerClient extends Vectorizer {}
/** Error codes, for programs to test. */
export type ErrorCode =
  | 'VALIDATION_ERROR'
  | 'COLLECTION_NOT_FOUND'
  | 'COLLECTION_EXISTS'
  | 'VECTOR_NOT_FOUND'
  | 'DIMENSION_MISMATCH'
  | 'EMBEDDING_ERROR'
  | 'STORAGE_ERROR'
  | 'ENCRYPTION_ERROR'
  | 'STORE_LOCKED'
  | 'SERVER_ERROR'
  | 'CLIENT_CLOSED'
  | 'UNSUPPORTED'
  | 'PARTIAL_WRITE'
  | 'TOO_MANY_MATCHES'
  | 'SIGNING_ERROR'
  | 'INTERNAL_ERROR'
/** The base class of every rejection. */
export declare class VectorizerError extends Error {
  /** Stable, for programs: `VALIDATION_ERROR`, `COLLECTION_NOT_FOUND`, … */
  readonly code: ErrorCode
  /** The same as `code`, by the SDK's name. */
  readonly errorCode: ErrorCode
  constructor(
    message: string,
    code?: ErrorCode,
    options?: {
      cause?: unknown
    },
  )
}
/** An argument does not have the documented form; nothing was changed. `VALIDATION_ERROR` */
export declare class ValidationError extends VectorizerError {
  readonly code: 'VALIDATION_ERROR'
  readonly errorCode: 'VALIDATION_ERROR'
  constructor(
    message: string,
    options?: {
      cause?: unknown
    },
  )
}
/** The collection does not exist. `COLLECTION_NOT_FOUND` */
export declare class CollectionNotFoundError extends VectorizerError {
  readonly code: 'COLLECTION_NOT_FOUND'
  readonly errorCode: 'COLLECTION_NOT_FOUND'
  constructor(
    message: string,
    options?: {
      cause?: unknown
    },
  )
}
/** A collection with this name already exists. `COLLECTION_EXISTS` */
export declare class CollectionExistsError extends VectorizerError {
  readonly code: 'COLLECTION_EXISTS'
  readonly errorCode: 'COLLECTION_EXISTS'
  constructor(
    message: string,
    options?: {
      cause?: unknown
    },
  )
}
/** There is no vector with this id. `VECTOR_NOT_FOUND` */
export declare class VectorNotFoundError extends VectorizerError {
  readonly code: 'VECTOR_NOT_FOUND'
  readonly errorCode: 'VECTOR_NOT_FOUND'
  constructor(
    message: string,
    options?: {
      cause?: unknown
    },
  )
}
/** The number of values differs from the collection's dimension. `DIMENSION_MISMATCH` */
export declare class DimensionMismatchError extends VectorizerError {
  readonly code: 'DIMENSION_MISMATCH'
  readonly errorCode: 'DIMENSION_MISMATCH'
  readonly expected: number
  readonly got: number
  constructor(
    message: string,
    options?: {
      cause?: unknown
    },
  )
}
/** The client's embedder failed, or returned something other than vectors. `EMBEDDING_ERROR` */
export declare class EmbeddingError extends VectorizerError {
  readonly code: 'EMBEDDING_ERROR'
  readonly errorCode: 'EMBEDDING_ERROR'
  constructor(
    message: string,
    options?: {
      cause?: unknown
    },
  )
}
/** The store could not be opened, read or written. `STORAGE_ERROR` */
export declare class StorageError extends VectorizerError {
  readonly code: 'STORAGE_ERROR'
  readonly errorCode: 'STORAGE_ERROR'
  constructor(
    message: string,
    options?: {
      cause?: unknown
    },
  )
}
/** A key is missing, or does not open the store or the backup. `ENCRYPTION_ERROR` */
export declare class EncryptionError extends VectorizerError {
  readonly code: 'ENCRYPTION_ERROR'
  readonly errorCode: 'ENCRYPTION_ERROR'
  constructor(
    message: string,
    options?: {
      cause?: unknown
    },
  )
}
/** Another process has the store open. `STORE_LOCKED` */
export declare class StoreLockedError extends VectorizerError {
  readonly code: 'STORE_LOCKED'
  readonly errorCode: 'STORE_LOCKED'
  /** The process id of the owner, if it can be determined. */
  readonly pid?: number
  constructor(
    message: string,
    options?: {
      cause?: unknown
    },
  )
}
/** The HTTP server could not be started. `SERVER_ERROR` */
export declare class ServerError extends VectorizerError {
  readonly code: 'SERVER_ERROR'
  readonly errorCode: 'SERVER_ERROR'
  constructor(
    message: string,
    options?: {
      cause?: unknown
    },
  )
}
/** The client was closed. `CLIENT_CLOSED` */
export declare class ClientClosedError extends VectorizerError {
  readonly code: 'CLIENT_CLOSED'
  readonly errorCode: 'CLIENT_CLOSED'
  constructor(
    message: string,
    options?: {
      cause?: unknown
    },
  )
}
/**
 * The engine behind a client cannot do what was asked, or cannot do it exactly; nothing was
 * changed. `UNSUPPORTED`
 */
export declare class UnsupportedError extends VectorizerError {
  readonly code: 'UNSUPPORTED'
  readonly errorCode: 'UNSUPPORTED'
  constructor(
    message: string,
    options?: {
      cause?: unknown
    },
  )
}
/**
 * A write that is not atomic on the engine behind a client was interrupted. Repeating it completes
 * it. `PARTIAL_WRITE`
 */
export declare class PartialWriteError extends VectorizerError {
  readonly code: 'PARTIAL_WRITE'
  readonly errorCode: 'PARTIAL_WRITE'
  /**
   * What was done before the interruption, in the format the call resolves with: that of
   * `insertVectors` for every insert, and that of `batchDelete` for `deleteVector`.
   */
  readonly report: InsertReport | DeleteReport | DeleteByFilterReport | MigrationReport
  /** The ids for which it is unknown whether they were written: the engine did not answer. */
  readonly unknown: readonly string[]
  constructor(
    message: string,
    options?: {
      cause?: unknown
    },
  )
}
/**
 * A delete, a change, a move or a copy would have been one of more vectors than its option `atMost`,
 * or of another number than its option `expect`; nothing was changed. `TOO_MANY_MATCHES`
 */
export declare class TooManyMatchesError extends VectorizerError {
  readonly code: 'TOO_MANY_MATCHES'
  readonly errorCode: 'TOO_MANY_MATCHES'
  /**
   * What the call would have resolved with, except that nothing was deleted: `deleted` is 0, and the
   * vectors that it found have the status `matched`. There is no receipt. Of a call whose report says
   * whether it was `applied`, it is the report of a dry run.
   */
  readonly report:
    | RefusedDeleteReport
    | DeleteByFilterReport
    | ReplaceReport
    | PatchReport
    | MoveReport
    | CopyReport
    | ForgetReport
  constructor(
    message: string,
    options?: {
      cause?: unknown
    },
  )
}
/**
 * An erasure has happened, and is in the ledger, but its entry could not be signed: the client's `sign`
 * failed or returned no bytes, or the signature could not be written. The next signature covers the
 * entry as well. `SIGNING_ERROR`
 */
export declare class SigningError extends VectorizerError {
  readonly code: 'SIGNING_ERROR'
  readonly errorCode: 'SIGNING_ERROR'
  /** What the call would have resolved with. Absent if it was `close`. */
  readonly report?:
    | Proof
    | DeleteReport
    | DeleteByFilterReport
    | ReplaceReport
    | MoveReport
    | ForgetReport
    | PurgeReport
  constructor(
    message: string,
    options?: {
      cause?: unknown
    },
  )
}
/**
 * Copies collections from one client to another and verifies the copy: every vector is compared
 * with the one in the target and written if it differs, then the counts are compared, and the
 * results of searches for a sample. The source is only read.
 *
 * A collection that the target does not have is created there, with its description. Vectors expire
 * in the target when they do in the source. A target that is empty and has no TTL is
 * given the source's; any other keeps its own, which applies to vectors that do not expire in the
 * source. One that cannot let vectors expire rejects with `UnsupportedError`.
 *
 * With `ledger`, what was erased since the source was copied from another store is left out.
 *
 * If it is interrupted, it rejects with `PartialWriteError`; when called again, it continues with
 * what is missing. Vectors that have been deleted from the source since are detected, and deleted
 * from the target with `prune`.
 *
 * Rejects with `ValidationError` if a collection of the target has a different dimension or metric,
 * and with `StorageError` if the target differs from the source at the end, or if the ledger is not what
 * was written.
 */
export declare function migrate(
  source: Vectorizer,
  target: Vectorizer,
  options?: MigrationOptions,
): Promise<MigrationReport>
/**
 * Verifies the ledger of a store: `file` is the ledger, or the directory of the store, which may be
 * open meanwhile, by any process. It reads the whole file once, and needs nothing but `node:crypto`;
 * docs/format.md has the format for those who would rather write it themselves.
 *
 * It finds lines that were changed, removed, inserted, repeated or put in another order, and erasures
 * that do not add up. Without the key of somebody else's signatures, it cannot find a ledger that was
 * written anew as a whole; and lines that are missing at the end, only if a receipt or an earlier head
 * is given that they had.
 *
 * Resolves with what it has found, whatever that is. Rejects with `ValidationError` if an option is not
 * what it must be, and with `StorageError` if there is no ledger or it cannot be read.
 */
export declare function verifyLedger(file: string, options?: VerifyLedgerOptions): Promise<LedgerReport>
/**
 * Verifies a receipt of an erasure: that its members are what its entry in the ledger says, with a
 * `publicKey` that the entry is signed, and with a `ledger` that the entry is in it and that the ledger
 * is what was written. The receipt may lack members that do not belong where it is filed: only `entry`
 * is needed. Its `text`, `requested`, `filter`, `completedAt` and `durable` are in no entry, and are not
 * verified.
 *
 * Resolves with what it has found, whatever that is. Rejects with `ValidationError` if an argument is
 * not what it must be, and with `StorageError` if there is no ledger or it cannot be read.
 */
export declare function verifyReceipt(
  receipt: FiledReceipt,
  options?: VerifyReceiptOptions,
): Promise<ReceiptReport>
export declare const ready: Vectorizer['ready']
export declare const createCollection: Vectorizer['createCollection']
export declare const listCollections: Vectorizer['listCollections']
export declare const collection: Vectorizer['collection']
export declare const getCollectionInfo: Vectorizer['getCollectionInfo']
export declare const getCollection: Vectorizer['getCollection']
export declare const updateCollection: Vectorizer['updateCollection']
export declare const renameCollection: Vectorizer['renameCollection']
export declare const reindexCollection: Vectorizer['reindexCollection']
export declare const listEmptyCollections: Vectorizer['listEmptyCollections']
export declare const cleanupEmptyCollections: Vectorizer['cleanupEmptyCollections']
export declare const deleteCollection: Vectorizer['deleteCollection']
export declare const insertVectors: Vectorizer['insertVectors']
export declare const insertText: Vectorizer['insertText']
export declare const batchInsertText: Vectorizer['batchInsertText']
export declare const insertTexts: Vectorizer['insertTexts']
export declare const getVector: Vectorizer['getVector']
export declare const listVectors: Vectorizer['listVectors']
export declare const scan: Vectorizer['scan']
export declare const scanVectors: Vectorizer['scanVectors']
export declare const count: Vectorizer['count']
export declare const updateVector: Vectorizer['updateVector']
export declare const batchUpdateVectors: Vectorizer['batchUpdateVectors']
export declare const bulkUpdateMetadata: Vectorizer['bulkUpdateMetadata']
export declare const moveToCollection: Vectorizer['moveToCollection']
export declare const copyVectors: Vectorizer['copyVectors']
export declare const setVectorExpiry: Vectorizer['setVectorExpiry']
export declare const setCollectionTtl: Vectorizer['setCollectionTtl']
export declare const resumeExpiry: Vectorizer['resumeExpiry']
export declare const search: Vectorizer['search']
export declare const searchVectors: Vectorizer['searchVectors']
export declare const searchText: Vectorizer['searchText']
export declare const searchBatch: Vectorizer['searchBatch']
export declare const deleteVector: Vectorizer['deleteVector']
export declare const batchDelete: Vectorizer['batchDelete']
export declare const deleteVectors: Vectorizer['deleteVectors']
export declare const deleteByFilter: Vectorizer['deleteByFilter']
export declare const replace: Vectorizer['replace']
export declare const forget: Vectorizer['forget']
export declare const listDeleted: Vectorizer['listDeleted']
export declare const undelete: Vectorizer['undelete']
export declare const purgeDeleted: Vectorizer['purgeDeleted']
export declare const optimize: Vectorizer['optimize']
export declare const verifyErased: Vectorizer['verifyErased']
export declare const createBackup: Vectorizer['createBackup']
export declare const exportKeys: Vectorizer['exportKeys']
export declare const getLedger: Vectorizer['getLedger']
export declare const rotateKeys: Vectorizer['rotateKeys']
export declare const flush: Vectorizer['flush']
export declare const serve: Vectorizer['serve']
export declare const close: Vectorizer['close']
/** Which binary was loaded. */
export declare const __napiBindingTarget: 'native' | 'wasm32-wasi' | 'wasm32-wasip1'

export {}
