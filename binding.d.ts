/* Made by "npm run build" from the Rust source. What methods answer is in face/native.ts. */
import type { Embed, HeldRows, HeldServer, Listener } from './face/native.js'


/**
 * Which binding artifact the generated loader actually loaded: `'native'` for
 * a native addon, otherwise the `platformArchABI` of the WASI flavor. Every
 * flavor napi-rs can build is listed, because `NAPI_RS_NATIVE_LIBRARY_PATH`
 * can point the loader at a WASI artifact this package does not build itself.
 */
export declare const __napiBindingTarget: 'native' | 'wasm32-wasi' | 'wasm32-wasip1'

/**
 * Cancels one call before it has changed anything: `face/cancelling.ts` creates one for a call
 * with a signal.
 */
export declare class Cancellation {
  constructor()
  /** The call that begins between `enter` and `leave` is the one that can be cancelled. */
  enter(): void
  leave(): void
  /** Cancels the call. Returns whether nothing was changed and nothing will be. */
  cancel(): boolean
  /** Whether the call can no longer be cancelled and was not. */
  commit(): boolean
}

/** A client of a store, as JavaScript holds it. */
export declare class VectorizerClient {
  bulkUpdateMetadata(collection: string, filter: string, patch: string, options: string, onProgress?: Listener | undefined | null): unknown
  /**
   * `data` has the vectors of the updates with the indexes `places`, one after another. Other
   * texts are embedded by the built-in embedder.
   */
  batchUpdateVectors(collection: string, ids: string, fields: string, places: string, embedded: string, data?: Float32Array | undefined | null, lengths?: Uint32Array | undefined | null, onProgress?: Listener | undefined | null): unknown
  moveToCollection(src: string, dst: string, selection: string, options: string, onProgress?: Listener | undefined | null): unknown
  copyVectors(src: string, dst: string, selection: string, options: string, onProgress?: Listener | undefined | null): unknown
  forget(selection: string, options: string, onProgress?: Listener | undefined | null): unknown
  renameCollection(collection: string, newName: string): unknown
  updateCollection(collection: string, settings: string): unknown
  reindexCollection(collection: string, options?: string | undefined | null): unknown
  listEmptyCollections(): unknown
  cleanupEmptyCollections(options?: string | undefined | null): unknown
  listDeleted(collection?: string | undefined | null, options?: string | undefined | null): unknown
  undelete(collection: string, what: string, onProgress?: Listener | undefined | null): unknown
  purgeDeleted(collection: string, what?: string | undefined | null, options?: string | undefined | null): unknown
  constructor(options: string)
  ready(): unknown
  createCollection(request: string, given: string): unknown
  listCollections(): unknown
  getCollectionInfo(collection: string): unknown
  getCollection(collection: string): unknown
  deleteCollection(collection: string, options?: string | undefined | null): unknown
  insertVectors(collection: string, ids: string, data: Float32Array, lengths: Uint32Array, metadata: string | undefined | null, texts: string | undefined | null, areColumns: boolean, expiresAt?: string | undefined | null, onProgress?: Listener | undefined | null): unknown
  insertText(collection: string, texts: string, ids?: string | undefined | null, metadata?: string | undefined | null, vectors?: Float32Array | undefined | null, lengths?: Uint32Array | undefined | null, expiresAt?: string | undefined | null): unknown
  batchInsertText(collection: string, texts: string, ids?: string | undefined | null, metadata?: string | undefined | null, vectors?: Float32Array | undefined | null, lengths?: Uint32Array | undefined | null, expiresAt?: string | undefined | null, onProgress?: Listener | undefined | null): unknown
  insertTexts(collection: string, texts: string, ids?: string | undefined | null, metadata?: string | undefined | null, vectors?: Float32Array | undefined | null, lengths?: Uint32Array | undefined | null, expiresAt?: string | undefined | null, onProgress?: Listener | undefined | null): unknown
  getVector(collection: string, id: string): unknown
  listVectors(collection: string, page: string): unknown
  scanVectors(collection: string, options: string, filter?: string | undefined | null): unknown
  count(collection: string, filter?: string | undefined | null): unknown
  updateVector(collection: string, id: string, fields: string, data: Float32Array | undefined | null, isEmbedded: boolean): unknown
  setVectorExpiry(collection: string, id: string, expiresAt?: number | undefined | null): unknown
  setCollectionTtl(collection: string, seconds?: number | undefined | null): unknown
  resumeExpiry(): unknown
  search(collection: string, text: string | undefined | null, vector: Float32Array | undefined | null, options: string, filter?: string | undefined | null): unknown
  searchVectors(collection: string, text: string | undefined | null, vector: Float32Array | undefined | null, options: string, filter?: string | undefined | null): unknown
  searchText(collection: string, text: string | undefined | null, vector: Float32Array | undefined | null, options: string, filter?: string | undefined | null): unknown
  searchBatch(collection: string, texts: string | undefined | null, data: Float32Array, lengths: Uint32Array | undefined | null, isEmbedded: boolean, options: string, filter?: string | undefined | null): unknown
  deleteVector(collection: string, id: string, options?: string | undefined | null): unknown
  batchDelete(collection: string, ids: string, count: number, options?: string | undefined | null): unknown
  deleteVectors(collection: string, ids: string, count: number, options?: string | undefined | null): unknown
  deleteByFilter(collection: string, filter: string, options: string): unknown
  replaceVectors(collection: string, filter: string, ids: string, data: Float32Array, lengths: Uint32Array, metadata: string | undefined | null, texts: string | undefined | null, options: string, expiresAt?: string | undefined | null, onProgress?: Listener | undefined | null): unknown
  /**
   * Without `given`, texts are embedded by the built-in embedder. With it, `vectors` has those of
   * the rows with these indexes, by the client's own.
   */
  replaceTexts(collection: string, filter: string, ids: string, texts: string, metadata: string | undefined | null, options: string, given?: string | undefined | null, vectors?: Float32Array | undefined | null, lengths?: Uint32Array | undefined | null, expiresAt?: string | undefined | null, onProgress?: Listener | undefined | null): unknown
  optimize(collection: string, onProgress?: Listener | undefined | null): unknown
  flush(): unknown
  /**
   * The ledger of the store, as JSON text: `path`, `store`, `entries` and `head`, and in
   * `unsigned` the last erasure's `entry` and `line` unless it is signed. Null if there is none.
   */
  ledger(): unknown
  /** Adds a signature, in base64, of the erasure with this number to the ledger. */
  signEntry(entry: number, signature: string): unknown
  verifyErased(collection: string, ids: string): unknown
  createBackup(target: string, options: string, onProgress?: Listener | undefined | null): unknown
  exportKeys(target: string): unknown
  rotateKeys(user?: string | undefined | null, onProgress?: Listener | undefined | null): unknown
  static restoreBackup(file: string, path: string, options: string, onProgress?: Listener | undefined | null): unknown
  serve(options: string, embedder?: Embed | undefined | null): unknown
  close(): unknown
}

/** The plan of a filter: `{ expression, guards, fields }`. */
export declare function filterPlan(filter: string): unknown

/** Describes the contents of a store's files, as JSON text. Changes and locks nothing. */
export declare function inspectStore(path: string, options: string, onProgress?: Listener | undefined | null): unknown

/** Returns the rows that a filter matches, as positions in a list of ids and a list of metadata. */
export declare function matching(filter: string, ids: string, metadatas: string): unknown

/** The values of the next portion's vectors, one after another. */
export declare function rowsData(rows: HeldRows): Float32Array | null

/**
 * When each of the next portion's vectors expires, in milliseconds since 1970; NaN for one that
 * does not.
 */
export declare function rowsExpiries(rows: HeldRows): Float64Array | null

/**
 * Describes the rows, as JSON text: `head` is the report without them, `key` the field they belong
 * in (`null` if the rows are the report), `portions` the number of portions, `items` and `lists`
 * their form (see `Form`), `scored` whether there are scores, `expiring` whether any vector
 * expires, and `dimension` the length of each vector.
 */
export declare function rowsHead(rows: HeldRows): string

/** The next portion's JSON text, an array. Null when all have been taken. */
export declare function rowsNext(rows: HeldRows): string | null

/** The scores of the next portion's vectors. */
export declare function rowsScores(rows: HeldRows): Float64Array | null

/** Returns `{ terms, ranges }` for each entry of a list of metadata. */
export declare function rowTerms(metadatas: string): unknown

/** The address a server listens on, as JSON text. */
export declare function serverAddress(server: HeldServer): string

/**
 * Resolves when a server has ended. Until then, the server and the process keep running, even if
 * nothing refers to the server any more.
 */
export declare function serverEnded(server: HeldServer): unknown

/** Stops a server; requests in progress are answered first. */
export declare function serverStop(server: HeldServer): void

/** Resolves in a later tick of the event loop. */
export declare function turn(): unknown

/**
 * The key of a store, or of a backup, as wrapped by a key management service, in hexadecimal.
 * Undefined if there is no store yet.
 */
export declare function wrappedKey(path: string): unknown
