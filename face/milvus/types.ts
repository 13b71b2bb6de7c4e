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

/** How a client of the engine is opened. */
export interface MilvusVectorizerClientOptions {
  /** Host and port, `localhost:19530`; with `https://` in front, over TLS. */
  address: string
  /** `user:password`, or an API key. */
  token?: string
  /** Default: the engine's default database. */
  database?: string
  /** Certificates, in the form that `@zilliz/milvus2-sdk-node` takes them. */
  tls?: Record<string, unknown>
  /**
   * Embeds texts in place of the built-in embedder: an array of texts in, a promise of
   * as many vectors of the collection's dimension out. Called with up to 128 texts.
   */
  embedder?: Embedder
  /** How long one call of the engine may take, in milliseconds. Default 30,000. */
  timeout?: number
  /**
   * How often a call is repeated while the engine cannot be reached or says that it is busy.
   * Default 8. Nothing else is repeated.
   */
  maxRetries?: number
  /**
   * The pause before the first repetition, in milliseconds; each further one is twice as long,
   * up to 5 s. Default 100.
   */
  retryDelay?: number
}

/** How far a delete is. */
export interface DeleteProgress {
  /** `find`: the vectors that match, out of all. `delete`: those that are looked up and gone. */
  phase: 'find' | 'delete'
  done: number
  total: number
}

interface Telling {
  /** Told after each portion. What it throws stops nothing: the call rejects with it when the work is done. */
  onProgress?: (progress: DeleteProgress) => void
}

/**
 * The calls of `VectorizerClient` over a distributed engine, Milvus: the same arguments,
 * filters, reports and errors.
 *
 * Reads see every write that was acknowledged before they began. What the engine cannot do
 * (receipts, backups, `verifyErased`, `serve`), and a filter that it could not evaluate exactly,
 * reject with `UnsupportedError`, and change nothing. Lists come in an order of the engine's,
 * which stays the same, in place of the order of insertion. An engine that cannot be reached
 * rejects with `StorageError`.
 *
 * Inserts and deletes of many vectors are many writes: broken off in the middle they reject with
 * `PartialWriteError`, which says what was done; so do those that a signal breaks off there, with
 * its reason as `cause`. Done again, they complete. When a delete
 * resolves, no read finds what was deleted; its bytes are in the engine's files until it compacts
 * them.
 */
export declare class MilvusVectorizerClient {
  /** Returns at once; options that are not right, or an engine that is not there, reject calls. */
  constructor(options: MilvusVectorizerClientOptions)
  /** Deletes many vectors, a portion at a time, and makes sure that they are gone. */
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
   * Finds every vector that matches, has the exact evaluator judge each of them again, and then
   * deletes them, a portion at a time.
   */
  deleteByFilter<R extends boolean = false>(
    collection: string,
    filter: Filter,
    options?: DeleteByFilterOptions & Telling & Receipted<R>,
  ): Promise<DeleteByFilterReport & (R extends true ? Proof : unknown)>
}
export interface MilvusVectorizerClient extends Vectorizer {}
