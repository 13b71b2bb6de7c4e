/*
 * The typings of the package. `npm run build` makes index.d.ts of this head, which is
 * src/bindings/header.d.ts, and of the Rust source.
 */

/** How the nearness of two vectors is measured. */
export type SimilarityMetric = 'cosine' | 'euclidean' | 'dot_product'

/**
 * A value that a filter compares with. Strings that are RFC 3339 dates compare as instants,
 * numbers by value. An integer beyond 2^53 is a `bigint`, of up to 64 bits: the number has been
 * rounded, and is refused but for bounds.
 */
export type FilterValue = string | number | bigint | boolean | null | Date

/** Conditions on one field, all of which must hold. */
export interface FieldOperators {
  $eq?: FilterValue
  $ne?: FilterValue
  $gt?: string | number | bigint | Date
  $gte?: string | number | bigint | Date
  $lt?: string | number | bigint | Date
  $lte?: string | number | bigint | Date
  $in?: readonly FilterValue[]
  $nin?: readonly FilterValue[]
  $exists?: boolean
}

/**
 * Fields (dotted paths into the metadata) with the value they equal, the values they
 * equal one of, or operators; and `$and`, `$or`, `$not` over further filters.
 */
export interface FieldFilter {
  [field: string]: FilterValue | readonly FilterValue[] | FieldOperators | Filter | readonly Filter[]
}

/** Bounds of a range. */
export interface RangeBounds<T> {
  gt?: T
  gte?: T
  lt?: T
  lte?: T
}

/** A condition of a clause. */
export type Condition =
  | {
      key: string
      match: { value: FilterValue } | { any: readonly FilterValue[] } | { except: readonly FilterValue[] }
    }
  | { key: string; range: RangeBounds<number | bigint> | RangeBounds<string | Date> }
  | { key: string; values_count: RangeBounds<number> }
  | { is_empty: { key: string } }
  | { is_null: { key: string } }
  | { has_id: readonly string[] }
  | { type: 'match'; key: string; match_value: FilterValue }
  | { type: 'range'; key: string; range: RangeBounds<number | bigint> | RangeBounds<string | Date> }
  | ClauseFilter

/** Lists of conditions: all of `must`, at least one of `should`, none of `must_not`. */
export interface ClauseFilter {
  must?: readonly Condition[]
  should?: readonly Condition[]
  must_not?: readonly Condition[]
}

/** Which vectors are meant, by their metadata. At least one condition. */
export type Filter = FieldFilter | ClauseFilter

/** What every rejection is. */
export declare class VectorizerError extends Error {
  constructor(message: string, code?: string, options?: { cause?: unknown })
  /** Stable, for programs: `VALIDATION_ERROR`, `COLLECTION_NOT_FOUND`, … */
  readonly code: string
  /** The same as `code`, by the SDK's name. */
  readonly errorCode: string
}
/** An argument is not of the documented form; nothing was changed. `VALIDATION_ERROR` */
export declare class ValidationError extends VectorizerError {
  constructor(message: string, options?: { cause?: unknown })
}
/** There is no such collection. `COLLECTION_NOT_FOUND` */
export declare class CollectionNotFoundError extends VectorizerError {
  constructor(message: string, options?: { cause?: unknown })
}
/** The name is taken. `COLLECTION_EXISTS` */
export declare class CollectionExistsError extends VectorizerError {
  constructor(message: string, options?: { cause?: unknown })
}
/** There is no vector with this id. `VECTOR_NOT_FOUND` */
export declare class VectorNotFoundError extends VectorizerError {
  constructor(message: string, options?: { cause?: unknown })
}
/** A vector has not as many values as the collection has dimensions. `DIMENSION_MISMATCH` */
export declare class DimensionMismatchError extends VectorizerError {
  constructor(message: string, options?: { cause?: unknown })
  readonly expected: number
  readonly got: number
}
/** The client's embedder failed, or returned something else than vectors. `EMBEDDING_ERROR` */
export declare class EmbeddingError extends VectorizerError {
  constructor(message: string, options?: { cause?: unknown })
}
/** The store could not be opened, read or written. `STORAGE_ERROR` */
export declare class StorageError extends VectorizerError {
  constructor(message: string, options?: { cause?: unknown })
}
/** A key is missing, or does not open the store or the backup. `ENCRYPTION_ERROR` */
export declare class EncryptionError extends VectorizerError {
  constructor(message: string, options?: { cause?: unknown })
}
/** Another process has the store open. `STORE_LOCKED` */
export declare class StoreLockedError extends VectorizerError {
  constructor(message: string, options?: { cause?: unknown })
  /** The owner's process id, where it can be told. */
  readonly pid?: number
}
/** The HTTP server could not be started. `SERVER_ERROR` */
export declare class ServerError extends VectorizerError {
  constructor(message: string, options?: { cause?: unknown })
}
/** The client was closed. `CLIENT_CLOSED` */
export declare class ClientClosedError extends VectorizerError {
  constructor(message: string, options?: { cause?: unknown })
}

/**
 * The engine behind a client cannot do what was asked, or cannot do it exactly; nothing was
 * changed. `UNSUPPORTED`
 */
export declare class UnsupportedError extends VectorizerError {
  constructor(message: string, options?: { cause?: unknown })
}
/**
 * A write that is not atomic on the engine behind a client was broken off in the middle.
 * Done again, it completes. `PARTIAL_WRITE`
 */
export declare class PartialWriteError extends VectorizerError {
  constructor(message: string, options?: { cause?: unknown })
  /**
   * What was done before it was broken off, in the shape that the call resolves with: that of
   * `insertVectors` for every insert, that of `batchDelete` for `deleteVector`.
   */
  readonly report: InsertReport | DeleteReport | DeleteByFilterReport | MigrationReport
  /** The ids of which it is not known whether they were written: the engine did not answer. */
  readonly unknown: readonly string[]
}

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
}

export interface VectorizerClient {
  /** Deletes a collection with everything in it, and proves what was erased. */
  deleteCollection(
    collection: string,
    options: DeleteCollectionOptions & { receipt: true },
  ): Promise<{ receipt: ErasureReceipt }>
  /** Deletes a collection with everything in it, and proves it where that is asked for. */
  deleteCollection(
    collection: string,
    options?: DeleteCollectionOptions,
  ): Promise<{ receipt: ErasureReceipt } | void>
  /** Deletes one vector, and proves what was erased. */
  deleteVector(
    collection: string,
    id: string,
    options: DeleteVectorOptions & { receipt: true },
  ): Promise<{ receipt: ErasureReceipt }>
  /** Deletes one vector, and proves it where that is asked for. */
  deleteVector(
    collection: string,
    id: string,
    options?: DeleteVectorOptions,
  ): Promise<{ receipt: ErasureReceipt } | void>
  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * What every client offers, whatever engine is behind it: `VectorizerClient`, which is
 * embedded, and `MilvusVectorizerClient` of `vectorizer-native/milvus`. Code that is written
 * against it runs with either. What an engine cannot do rejects with `UnsupportedError`.
 */
export interface Vectorizer
  extends Pick<
    VectorizerClient,
    | 'ready'
    | 'createCollection'
    | 'listCollections'
    | 'getCollectionInfo'
    | 'getCollection'
    | 'deleteCollection'
    | 'insertVectors'
    | 'insertText'
    | 'batchInsertText'
    | 'insertTexts'
    | 'getVector'
    | 'listVectors'
    | 'count'
    | 'updateVector'
    | 'search'
    | 'searchVectors'
    | 'searchText'
    | 'searchBatch'
    | 'deleteVector'
    | 'batchDelete'
    | 'deleteVectors'
    | 'deleteByFilter'
    | 'optimize'
    | 'flush'
    | 'verifyErased'
    | 'createBackup'
    | 'exportKeys'
    | 'rotateKeys'
    | 'serve'
    | 'close'
  > {
  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** How to move collections. */
export interface MigrationOptions {
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
   * Told now and then how far it is. What it throws rejects the call when the work is done.
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

/*
 * The client's methods as functions of the module. They share one client in memory, which
 * belongs to the importing JavaScript environment: two Jest test files or two worker
 * threads do not see each other's. `close` ends it; the next call begins a new one.
 */
export declare const ready: VectorizerClient['ready']
export declare const createCollection: VectorizerClient['createCollection']
export declare const listCollections: VectorizerClient['listCollections']
export declare const getCollectionInfo: VectorizerClient['getCollectionInfo']
export declare const getCollection: VectorizerClient['getCollection']
export declare const deleteCollection: VectorizerClient['deleteCollection']
export declare const insertVectors: VectorizerClient['insertVectors']
export declare const insertText: VectorizerClient['insertText']
export declare const batchInsertText: VectorizerClient['batchInsertText']
export declare const insertTexts: VectorizerClient['insertTexts']
export declare const getVector: VectorizerClient['getVector']
export declare const listVectors: VectorizerClient['listVectors']
export declare const count: VectorizerClient['count']
export declare const updateVector: VectorizerClient['updateVector']
export declare const search: VectorizerClient['search']
export declare const searchVectors: VectorizerClient['searchVectors']
export declare const searchText: VectorizerClient['searchText']
export declare const searchBatch: VectorizerClient['searchBatch']
export declare const deleteVector: VectorizerClient['deleteVector']
export declare const batchDelete: VectorizerClient['batchDelete']
export declare const deleteVectors: VectorizerClient['deleteVectors']
export declare const deleteByFilter: VectorizerClient['deleteByFilter']
export declare const optimize: VectorizerClient['optimize']
export declare const verifyErased: VectorizerClient['verifyErased']
export declare const createBackup: VectorizerClient['createBackup']
export declare const exportKeys: VectorizerClient['exportKeys']
export declare const rotateKeys: VectorizerClient['rotateKeys']
export declare const flush: VectorizerClient['flush']
export declare const serve: VectorizerClient['serve']
export declare const close: VectorizerClient['close']
