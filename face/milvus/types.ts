import type {
  BatchDeleteOptions,
  DeleteByFilterOptions,
  DeleteByFilterReport,
  DeleteReport,
  Embedder,
  Filter,
  Proof,
  Receipted,
  Vectorizer,
} from '../index.js'

/** Options for opening a client of the engine. */
export interface MilvusVectorizerClientOptions {
  /** Host and port, `localhost:19530`; prefix with `https://` for TLS. */
  address: string
  /** `user:password`, or an API key. */
  token?: string
  /** Default: the engine's default database. */
  database?: string
  /** Certificates, in the format of `@zilliz/milvus2-sdk-node`. */
  tls?: Record<string, unknown>
  /**
   * Embeds texts in place of the built-in embedder: receives an array of up to 128 texts and
   * returns a promise of one vector of the collection's dimension for each.
   */
  embedder?: Embedder
  /** The timeout of one request to the engine, in milliseconds. Default 30,000. */
  timeout?: number
  /**
   * How often a request is retried while the engine cannot be reached or reports that it is busy.
   * Default 8. Nothing else is retried.
   */
  maxRetries?: number
  /**
   * The pause before the first retry, in milliseconds; it doubles with each further retry, up to 5
   * s. Default 100.
   */
  retryDelay?: number
}

/** The progress of a delete. */
export interface DeleteProgress {
  /** `find`: matching vectors, out of all vectors. `delete`: vectors looked up and deleted. */
  phase: 'find' | 'delete'
  done: number
  total: number
}

interface Telling {
  /**
   * Called after each portion. An error it throws does not stop the work; the call rejects with
   * that error once the work is done.
   */
  onProgress?: (progress: DeleteProgress) => void
}

/**
 * The calls of `VectorizerClient` over a distributed engine, Milvus: the same arguments, filters,
 * reports and errors.
 *
 * Reads see every write that was acknowledged before they began. Anything the engine cannot do
 * (expiry, receipts, a ledger, deletes with `undo`, backups, `verifyErased`, `serve`, and what is to happen in one step:
 * `replace`, `bulkUpdateMetadata`, `batchUpdateVectors`, `moveToCollection`, `copyVectors`, `forget`,
 * `cleanupEmptyCollections`; another name, description or graph for a collection), and any filter it
 * could not evaluate exactly, rejects with `UnsupportedError` and changes nothing. The `reason` of a
 * delete is checked, and kept nowhere, as by an embedded client without a receipt and a ledger. Lists
 * are in an order determined by the engine, which is stable, instead of insertion order. If the engine
 * cannot be reached, calls reject with `StorageError`.
 *
 * Inserts and deletes of many vectors are many writes. If they are interrupted, they reject with
 * `PartialWriteError`, which says what was done; this includes interruption by a signal, whose
 * reason is then the `cause`. Repeating them completes them. When a delete resolves, no read finds
 * what was deleted; its bytes remain in the engine's files until it compacts them.
 */
export declare class MilvusVectorizerClient {
  /** Returns at once; calls reject if the options are invalid or the engine cannot be reached. */
  constructor(options: MilvusVectorizerClientOptions)
  /** Deletes many vectors, a portion at a time, and checks that they are gone. */
  batchDelete<R extends boolean = false>(
    collection: string,
    ids: readonly string[],
    options?: BatchDeleteOptions & Telling & Receipted<R>,
  ): Promise<DeleteReport & (R extends true ? Proof : unknown)>
  /** The SDK's name for `batchDelete`. */
  deleteVectors<R extends boolean = false>(
    collection: string,
    ids: readonly string[],
    options?: BatchDeleteOptions & Telling & Receipted<R>,
  ): Promise<DeleteReport & (R extends true ? Proof : unknown)>
  /**
   * Finds every vector that matches, checks each of them again with the exact evaluator, and then
   * deletes them, a portion at a time.
   */
  deleteByFilter<R extends boolean = false>(
    collection: string,
    filter: Filter,
    options?: DeleteByFilterOptions & Telling & Receipted<R>,
  ): Promise<DeleteByFilterReport & (R extends true ? Proof : unknown)>
}
export interface MilvusVectorizerClient extends Vectorizer {}
