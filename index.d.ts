// Made by "npm run build" from the source in face/.

/**
 * A value that a filter compares with. Strings that are RFC 3339 dates compare as instants,
 * numbers by value. An integer beyond 2^53 is a `bigint`, of up to 64 bits: the number has been
 * rounded, and is refused but for bounds.
 */
export type FilterValue = string | number | bigint | boolean | null | Date
/** A value that a clause matches; for null there is `is_null`. */
export type MatchValue = string | number | bigint | boolean | Date
/** A value that others come before and after. */
export type FilterBound = string | number | bigint | Date
type AtLeastOne<T> = T &
  {
    [K in keyof T]-?: Required<Pick<T, K>>
  }[keyof T]
type Operators<Value = FilterValue, Bound = FilterBound> = {
  /** Equals this value; of a list in the metadata, one of its values. */
  $eq?: Value
  /** Does not equal this value. */
  $ne?: Value
  /** Is greater than, or later than. */
  $gt?: Bound
  /** Is greater or later, or the same. */
  $gte?: Bound
  /** Is less than, or earlier than. */
  $lt?: Bound
  /** Is less or earlier, or the same. */
  $lte?: Bound
  /** Equals one of these values. */
  $in?: readonly Value[]
  /** Equals none of these values. */
  $nin?: readonly Value[]
  /** Whether the field has a value that is not null. */
  $exists?: boolean
}
/** Conditions on one field, all of which must hold; at least one. */
export type FieldOperators = AtLeastOne<Operators>
interface DateLike {
  [Symbol.toPrimitive](hint: 'number'): number
}
/** What a filter says of one field: the value it equals, the values it equals one of, or operators. */
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
 * Fields (dotted paths into the metadata) with the value they equal, the values they
 * equal one of, or operators; and `$and`, `$or`, `$not` over further filters.
 */
export type FieldFilter<Meta = any> = FieldConditionsOf<Meta> &
  LogicalOperators<Meta> & {
    [K in keyof ClauseFilter]?: never
  }
/**
 * Which vectors are meant, by their metadata. At least one condition. Of `Meta`, the type of the
 * metadata, a filter has the paths and the types of their values.
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
      ? {
          metadata?: Meta | null
        }
      : {
          metadata: Meta
        }
/** The metadata of a vector that is stored, of the type `Meta`. */
export type StoredMetadata<Meta> =
  IsUntyped<Meta> extends true
    ? {
        /** Absent when none was given. */
        metadata?: Record<string, unknown>
      }
    : undefined extends Meta
      ? {
          metadata?: Exclude<Meta, undefined>
        }
      : {
          metadata: Meta
        }
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
export type BatchTextRequest<Meta = any> = {
  id: string
  text: string
} & InsertedMetadata<Meta>
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
/** The metadata of a result: unless `include_metadata` is false. */
export type FoundMetadata<M extends boolean, Meta> = [M] extends [false]
  ? {
      metadata?: undefined
    }
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
/**
 * What every client offers, whatever engine is behind it: `VectorizerClient`, which is
 * embedded, and `MilvusVectorizerClient` of `vectorizer-native/milvus`. Code that is written
 * against it runs with either. What an engine cannot do rejects with `UnsupportedError`.
 */
export interface Vectorizer {
  /** Resolves when the store is open. */
  ready(): Promise<void>
  /** Creates a collection. An existing name rejects with `CollectionExistsError`. */
  createCollection(name: string, options: CollectionOptions): Promise<CollectionSummary>
  /** Creates a collection. An existing name rejects with `CollectionExistsError`. */
  createCollection(request: CreateCollectionRequest): Promise<CollectionSummary>
  /** All collections, by name. */
  listCollections(): Promise<CollectionSummary[]>
  /** A collection's settings, counts and size. */
  getCollectionInfo(collection: string): Promise<CollectionInfo>
  /** The SDK's name for `getCollectionInfo`. */
  getCollection(collection: string): Promise<CollectionInfo>
  /**
   * A collection, with the calls that are about it: opens the one that there is, and with
   * `options` makes it first. Where the name is taken that rejects with `CollectionExistsError`,
   * unless `ifExists` says `'open'`: then one that has another dimension, metric or parameter
   * rejects with `DimensionMismatchError` or `ValidationError`.
   */
  collection<Meta = any>(name: string, options?: OpenCollectionOptions): Promise<Collection<Meta>>
  /** Deletes a collection with everything in it. */
  deleteCollection<R extends boolean = false>(
    collection: string,
    options?: DeleteCollectionOptions & Receipted<R>,
  ): Promise<R extends true ? Proof : void>
  /**
   * Inserts vectors, all of them or none; a vector whose id exists is replaced whole.
   * Where an id occurs twice, the last wins.
   *
   * Rejects with `DimensionMismatchError` or `ValidationError` (a value that is not
   * finite, a zero vector under cosine, an id that is empty or longer than 1,024
   * bytes, metadata that is no plain JSON object, an empty text).
   */
  insertVectors(
    collection: string,
    vectors: readonly CreateVectorRequest[] | VectorColumns,
    options?: InsertOptions,
  ): Promise<InsertReport>
  /** Embeds a text and inserts it under a new id, with which it resolves. */
  insertText(collection: string, text: string, metadata?: MetadataInput): Promise<string>
  /**
   * Embeds texts and inserts them under new ids, with which it resolves: all of them or
   * none.
   */
  batchInsertText(
    collection: string,
    texts: readonly string[],
    metadatas?: readonly MetadataInput[],
    options?: InsertOptions,
  ): Promise<string[]>
  /** Embeds texts and inserts them under the given ids: all of them or none. */
  insertTexts(
    collection: string,
    texts: readonly BatchTextRequest[],
    options?: InsertOptions,
  ): Promise<BatchResponse>
  /** One vector. Rejects with `VectorNotFoundError` when there is no such id. */
  getVector(collection: string, id: string): Promise<Vector>
  /**
   * A page of all vectors in insertion order; pages begin at 0. By default the first
   * 10.
   */
  listVectors(collection: string, page?: number, limit?: number): Promise<VectorPage>
  /** How many vectors there are, or match the filter. */
  count(collection: string, filter?: Filter): Promise<number>
  /**
   * Replaces what is given of a vector, and resolves with the vector as it is then.
   * Rejects with `VectorNotFoundError` when there is no such id.
   */
  updateVector(collection: string, id: string, update: UpdateVectorRequest): Promise<Vector>
  /**
   * The vectors most alike to a vector or a text, best first; equally good ones in
   * insertion order. As many as `limit` whenever that many live vectors match.
   *
   * The empty text ranks nothing: it lists what the filter matches, in insertion order.
   */
  search<V extends boolean = false, M extends boolean = true>(
    collection: string,
    query: string | VectorInput,
    options?: SearchOptions & Carried<V, M>,
  ): Promise<SearchResult<V, M>[]>
  /** `search` by vector in the SDK's shape. */
  searchVectors<V extends boolean = false, M extends boolean = true>(
    collection: string,
    request: SearchRequest & Carried<V, M>,
  ): Promise<SearchResponse<V, M>>
  /** `search` by text in the SDK's shape. */
  searchText<V extends boolean = false, M extends boolean = true>(
    collection: string,
    request: TextSearchRequest & Carried<V, M>,
  ): Promise<SearchResponse<V, M>>
  /**
   * `search` for each of many queries, in their order, on all cores: faster than one by
   * one. The queries are texts and vectors, or one array of vectors laid end to end.
   *
   * Each query sees one state of the collection. Writes come in between, so that of two
   * queries the later one may see a later state.
   */
  searchBatch<V extends boolean = false, M extends boolean = true>(
    collection: string,
    queries: readonly (string | VectorInput)[] | Float32Array,
    options?: SearchOptions & Carried<V, M>,
  ): Promise<SearchResult<V, M>[][]>
  /**
   * Deletes one vector. Rejects with `VectorNotFoundError` when there is no such id.
   *
   * When it resolves, no read on any thread finds the vector, and its row, text,
   * metadata and id are gone.
   */
  deleteVector<R extends boolean = false>(
    collection: string,
    id: string,
    options?: DeleteVectorOptions & Receipted<R>,
  ): Promise<R extends true ? Proof : void>
  /**
   * Deletes many vectors at once. A missing id is a row of the report with status
   * `error` and does not stop the others; a repeated id is `ok` the first time.
   *
   * All of them are deleted or, whatever interrupts it, none.
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
   * Deletes every vector that matches, at once. With `dryRun` it deletes nothing and
   * reports what it would delete.
   *
   * A filter that is not understood, or has no condition, rejects with
   * `ValidationError` and deletes nothing.
   */
  deleteByFilter<R extends boolean = false>(
    collection: string,
    filter: Filter,
    options?: DeleteByFilterOptions & Receipted<R>,
  ): Promise<DeleteByFilterReport & (R extends true ? Proof : unknown)>
  /**
   * Resolves when the index is at its best: every vector that was there when it was
   * called is in the graph, and the memory of deleted ones is given back. Searches are
   * right without it; it makes them fast.
   */
  optimize(collection: string, options?: OptimizeOptions): Promise<void>
  /**
   * Resolves when everything acknowledged before it is on the disk, safe from a loss of
   * power. In memory there is nothing to do.
   */
  flush(): Promise<void>
  /**
   * Reads the collection's files back from the disk, and what it holds in memory, and
   * looks for anything that is left of vectors with these ids, or of any deleted one.
   */
  verifyErased(collection: string, ids: readonly string[]): Promise<VerificationReport>
  /**
   * Writes all collections to one file, each as it is at one moment, while calls go on.
   * `target` is a new file, or a directory in which one is made. Unfinished backups in
   * the same directory whose processes have ended are removed: `leftovers` names them.
   *
   * Rejects with `StorageError` when the file exists or cannot be written; then nothing
   * of it is left.
   */
  createBackup(target: string, options?: BackupOptions): Promise<BackupReport>
  /**
   * Writes the keys of all that is stored now to one file: `target` is a new file, or a
   * directory in which one is made. With the newest of them, `restoreBackup` brings back
   * from a backup that has its keys apart what is not deleted by then.
   *
   * Rejects with `StorageError` when the file exists or cannot be written.
   */
  exportKeys(target: string): Promise<BackupReport>
  /**
   * Gives the store new keys, while calls go on; with `key`, also another key of the
   * user's, or the first: then the store is encrypted from here on. Copies of the keys
   * from before open nothing that is stored after it; what was stored before it, they open
   * where all of them were copied, the user's too. What is interrupted goes on at the next
   * opening.
   */
  rotateKeys(options?: RotateOptions): Promise<void>
  /**
   * Starts an HTTP server for this client: the documented REST routes, with the same
   * filters, reports and errors. Resolves when it listens; it keeps the process running
   * until it is closed. `close` of the client closes it as well.
   *
   * It listens on this machine only, unless `host` says otherwise and there is an
   * `apiKey`. Rejects with `ServerError` where the port cannot be had.
   */
  serve(options?: ServeOptions): Promise<HttpServer>
  /**
   * Ends this client: calls under way finish, those that wait for its embedder among
   * them, and later ones reject with `ClientClosedError`. The last client of a store
   * closes it: when this resolves, nothing of it is open, locked or running any more.
   * Closing twice is fine; both wait for the same end.
   *
   * Rejects with `StorageError` where what was written last could not be made to last, or
   * the store's directory was removed or moved meanwhile; the client is closed all the
   * same.
   */
  close(): Promise<void>
  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}
type MetadataArgument<Meta> =
  IsUntyped<Meta> extends true
    ? [metadata?: MetadataInput]
    : undefined extends Meta
      ? [metadata?: Meta | null]
      : [metadata: Meta]
type MetadatasArgument<Meta> =
  IsUntyped<Meta> extends true
    ? [metadatas?: readonly MetadataInput[], options?: InsertOptions]
    : undefined extends Meta
      ? [metadatas?: readonly (Meta | null)[], options?: InsertOptions]
      : [metadatas: readonly Meta[], options?: InsertOptions]
/**
 * One collection of a client: the calls that are about it, without their first argument. `Meta`
 * is the type of its vectors' metadata, as it is read back: dates are texts there. Filters know
 * its paths and the types of their values, and results carry it. With `Meta | undefined`, vectors
 * may be without metadata.
 *
 * What `Meta` says is not checked when the program runs.
 */
export interface Collection<Meta = any> {
  readonly name: string
  /** The collection's settings, counts and size. */
  getCollectionInfo(): Promise<CollectionInfo>
  /** The SDK's name for `getCollectionInfo`. */
  getCollection(): Promise<CollectionInfo>
  /** Deletes the collection with everything in it. */
  deleteCollection<R extends boolean = false>(
    options?: DeleteCollectionOptions & Receipted<R>,
  ): Promise<R extends true ? Proof : void>
  /** Inserts vectors, all of them or none; a vector whose id exists is replaced whole. */
  insertVectors(
    vectors: readonly CreateVectorRequest<Meta>[] | VectorColumns<Meta>,
    options?: InsertOptions,
  ): Promise<InsertReport>
  /** Embeds a text and inserts it under a new id, with which it resolves. */
  insertText(text: string, ...metadata: MetadataArgument<Meta>): Promise<string>
  /** Embeds texts and inserts them under new ids, with which it resolves: all or none. */
  batchInsertText(texts: readonly string[], ...more: MetadatasArgument<Meta>): Promise<string[]>
  /** Embeds texts and inserts them under the given ids: all of them or none. */
  insertTexts(texts: readonly BatchTextRequest<Meta>[], options?: InsertOptions): Promise<BatchResponse>
  /** One vector. Rejects with `VectorNotFoundError` when there is no such id. */
  getVector(id: string): Promise<Vector<Meta>>
  /** A page of all vectors in insertion order; pages begin at 0. By default the first 10. */
  listVectors(page?: number, limit?: number): Promise<VectorPage<Meta>>
  /** How many vectors there are, or match the filter. */
  count(filter?: Filter<Meta>): Promise<number>
  /** Replaces what is given of a vector, and resolves with the vector as it is then. */
  updateVector(id: string, update: UpdateVectorRequest<Meta>): Promise<Vector<Meta>>
  /** The vectors most alike to a vector or a text, best first. */
  search<V extends boolean = false, M extends boolean = true>(
    query: string | VectorInput,
    options?: SearchOptions<Meta> & Carried<V, M>,
  ): Promise<SearchResult<V, M, Meta>[]>
  /** `search` by vector in the SDK's shape. */
  searchVectors<V extends boolean = false, M extends boolean = true>(
    request: SearchRequest<Meta> & Carried<V, M>,
  ): Promise<SearchResponse<V, M, Meta>>
  /** `search` by text in the SDK's shape. */
  searchText<V extends boolean = false, M extends boolean = true>(
    request: TextSearchRequest<Meta> & Carried<V, M>,
  ): Promise<SearchResponse<V, M, Meta>>
  /** `search` for each of many queries, in their order, on all cores. */
  searchBatch<V extends boolean = false, M extends boolean = true>(
    queries: readonly (string | VectorInput)[] | Float32Array,
    options?: SearchOptions<Meta> & Carried<V, M>,
  ): Promise<SearchResult<V, M, Meta>[][]>
  /** Deletes one vector. Rejects with `VectorNotFoundError` when there is no such id. */
  deleteVector<R extends boolean = false>(
    id: string,
    options?: DeleteVectorOptions & Receipted<R>,
  ): Promise<R extends true ? Proof : void>
  /** Deletes many vectors at once; a missing id is a row of the report. */
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
  ): Promise<DeleteByFilterReport & (R extends true ? Proof : unknown)>
  /** Resolves when the index is at its best. */
  optimize(options?: OptimizeOptions): Promise<void>
  /** Looks for anything that is left of vectors with these ids, or of any deleted one. */
  verifyErased(ids: readonly string[]): Promise<VerificationReport>
}
declare const asyncDispose: typeof Symbol.asyncDispose
/**
 * A client of a store of vector collections.
 *
 * Every method that touches data returns a promise; what goes wrong rejects it with one
 * of the error classes of this module. Methods do not depend on each other's order
 * unless the first is awaited before the second is called.
 */
export declare class VectorizerClient {
  /** Returns at once; a store that cannot be opened rejects the first call. */
  constructor(options?: VectorizerClientOptions)
  collection<Meta = any>(name: string, options?: OpenCollectionOptions): Promise<Collection<Meta>>
  close(): Promise<void>
  /**
   * Makes a store of a backup, in a directory that is empty or does not exist. All of the
   * backup is verified before anything is written. Of a backup that has its keys apart
   * comes back what still has a key in `keys`; the rest is counted as `erased`.
   *
   * Rejects with `EncryptionError` where a key is missing, wrong, or older than the backup.
   */
  static restoreBackup(file: string, path: string, options?: RestoreOptions): Promise<RestoreReport>
  [asyncDispose](): Promise<void>
}
export interface VectorizerClient extends Vectorizer {}
/** What an error is, for programs. */
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
  | 'INTERNAL_ERROR'
/** What every rejection is. */
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
/** An argument is not of the documented form; nothing was changed. `VALIDATION_ERROR` */
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
/** There is no such collection. `COLLECTION_NOT_FOUND` */
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
/** The name is taken. `COLLECTION_EXISTS` */
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
/** A vector has not as many values as the collection has dimensions. `DIMENSION_MISMATCH` */
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
/** The client's embedder failed, or returned something else than vectors. `EMBEDDING_ERROR` */
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
  /** The owner's process id, where it can be told. */
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
 * A write that is not atomic on the engine behind a client was broken off in the middle.
 * Done again, it completes. `PARTIAL_WRITE`
 */
export declare class PartialWriteError extends VectorizerError {
  readonly code: 'PARTIAL_WRITE'
  readonly errorCode: 'PARTIAL_WRITE'
  /**
   * What was done before it was broken off, in the shape that the call resolves with: that of
   * `insertVectors` for every insert, that of `batchDelete` for `deleteVector`.
   */
  readonly report: InsertReport | DeleteReport | DeleteByFilterReport | MigrationReport
  /** The ids of which it is not known whether they were written: the engine did not answer. */
  readonly unknown: readonly string[]
  constructor(
    message: string,
    options?: {
      cause?: unknown
    },
  )
}
/**
 * Copies collections from one client to another, and makes sure that all is there: every
 * vector is compared with what the target holds and written where it differs, counts are
 * compared, and so are the results of searches for a sample. The source is only read.
 *
 * Where it is broken off, it rejects with `PartialWriteError`; called again it goes on with
 * what is missing. What was deleted from the source since is found, and deleted from the
 * target with `prune`.
 *
 * Rejects with `ValidationError` where a collection of the target has another dimension or
 * metric, and with `StorageError` where the target is not like the source in the end.
 */
export declare function migrate(
  source: Vectorizer,
  target: Vectorizer,
  options?: MigrationOptions,
): Promise<MigrationReport>
export declare const ready: Vectorizer['ready']
export declare const createCollection: Vectorizer['createCollection']
export declare const listCollections: Vectorizer['listCollections']
export declare const collection: Vectorizer['collection']
export declare const getCollectionInfo: Vectorizer['getCollectionInfo']
export declare const getCollection: Vectorizer['getCollection']
export declare const deleteCollection: Vectorizer['deleteCollection']
export declare const insertVectors: Vectorizer['insertVectors']
export declare const insertText: Vectorizer['insertText']
export declare const batchInsertText: Vectorizer['batchInsertText']
export declare const insertTexts: Vectorizer['insertTexts']
export declare const getVector: Vectorizer['getVector']
export declare const listVectors: Vectorizer['listVectors']
export declare const count: Vectorizer['count']
export declare const updateVector: Vectorizer['updateVector']
export declare const search: Vectorizer['search']
export declare const searchVectors: Vectorizer['searchVectors']
export declare const searchText: Vectorizer['searchText']
export declare const searchBatch: Vectorizer['searchBatch']
export declare const deleteVector: Vectorizer['deleteVector']
export declare const batchDelete: Vectorizer['batchDelete']
export declare const deleteVectors: Vectorizer['deleteVectors']
export declare const deleteByFilter: Vectorizer['deleteByFilter']
export declare const optimize: Vectorizer['optimize']
export declare const verifyErased: Vectorizer['verifyErased']
export declare const createBackup: Vectorizer['createBackup']
export declare const exportKeys: Vectorizer['exportKeys']
export declare const rotateKeys: Vectorizer['rotateKeys']
export declare const flush: Vectorizer['flush']
export declare const serve: Vectorizer['serve']
export declare const close: Vectorizer['close']
/** Which binary was loaded. */
export declare const __napiBindingTarget: 'native' | 'wasm32-wasi' | 'wasm32-wasip1'

export {}
