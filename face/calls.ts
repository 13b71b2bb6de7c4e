// The calls of a client: their parameters and results in TypeScript and, in the table below, how
// arguments are converted for the native method of the same name and how its reply is converted
// back.
import { resolve } from 'node:path'
import { types } from 'node:util'
import type { VectorizerClient as Native } from '../binding.js'
import {
  columnsOf,
  concatenated,
  expiriesJson,
  expiry,
  expiryChangesJson,
  fail,
  filled,
  filterJson,
  floats,
  instant,
  isPlain,
  json,
  known,
  list,
  metadataJson,
  read,
  selectionJson,
  string,
  strings,
  vectorRows,
  vectors,
  whole,
} from './arguments.js'
import type { Cancelling } from './cancelling.js'
import { embedded, embeddedPart, type TextPlace } from './embedder.js'
import { encryptionOptions, type Key, newWrappedKey, parseKey, unwrapped } from './encryption.js'
import { ValidationError } from './errors.js'
import type { Filter, IsUntyped } from './filter.js'
import { keys } from './keys.js'
import type { Listener } from './native.js'
import { addContents, type Row } from './replies.js'
import { embedding } from './server.js'
import type {
  BackupOptions,
  BackupReport,
  BatchDeleteOptions,
  BatchResponse,
  BatchTextRequest,
  BatchUpdateOptions,
  BatchUpdateReport,
  BatchUpdateRequest,
  CallOptions,
  Carried,
  CleanupOptions,
  CleanupReport,
  CollectionInfo,
  CollectionOptions,
  CollectionSummary,
  CollectionTtl,
  CopyOptions,
  CopyReport,
  CreateCollectionRequest,
  CreateVectorRequest,
  DeleteByFilterOptions,
  DeleteByFilterReport,
  DeleteCollectionOptions,
  DeletedList,
  DeleteReport,
  DeleteVectorOptions,
  Deletion,
  Embedder,
  ExpiryInput,
  ForgetOptions,
  ForgetReport,
  ForgetSelection,
  HttpServer,
  InsertOptions,
  InsertReport,
  InsertTextOptions,
  KeyService,
  LedgerInfo,
  ListDeletedOptions,
  MetadataInput,
  MetadataPatch,
  MoveOptions,
  MoveReport,
  OpenCollectionOptions,
  OptimizeOptions,
  PatchOptions,
  PatchReport,
  Proof,
  Purgeable,
  PurgeOptions,
  PurgeReport,
  Receipted,
  ReindexJob,
  ReindexOptions,
  RenameReport,
  ReplacementText,
  ReplacementVector,
  ReplaceOptions,
  ReplaceReport,
  RotateOptions,
  ScanBatch,
  ScannedVector,
  ScanOptions,
  ScanVectorsOptions,
  SearchOptions,
  SearchRequest,
  SearchResponse,
  SearchResult,
  ServeOptions,
  TextSearchRequest,
  UndeleteOptions,
  UndeleteReport,
  UndoPeriod,
  UpdateCollectionRequest,
  UpdateVectorRequest,
  Vector,
  VectorColumns,
  VectorExpiry,
  VectorInput,
  VectorPage,
  VectorSelection,
  VectorUpdate,
  VerificationReport,
  WithUndo,
} from './types.js'

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

/** The arguments after one text, and below after many. */
export type MetadataArgument<Meta> =
  IsUntyped<Meta> extends true
    ? [metadata?: MetadataInput, options?: InsertTextOptions]
    : undefined extends Meta
      ? [metadata?: Meta | null, options?: InsertTextOptions]
      : [metadata: Meta, options?: InsertTextOptions]
export type MetadatasArgument<Meta> =
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

/** The parts of a client that its calls use. */
export interface Context {
  readonly native: Native
  readonly embedder?: Embedder | undefined
  readonly service?: KeyService | undefined
  /** The cancellation of this call, if it can be cancelled. */
  readonly cancelling?: Cancelling | undefined
}

/** The calls that have other native methods than one of the same name. */
interface Methods {
  replace: 'replaceVectors' | 'replaceTexts'
  getLedger: 'ledger'
}

/** The arguments of a call's native method. */
type Arguments<Name extends CallName> = Parameters<
  Native[Name extends keyof Methods ? Methods[Name] : Name & keyof Native]
>

/** Arguments, available at once or after an embedder or a key service has answered. */
type Packed<A extends unknown[]> = A | Promise<A>

/** A listener in the form the native side calls, and the error it threw. */
interface ProgressListener extends Listener {
  failure?: { error: unknown }
}

/** The longest TTL of a collection, in seconds. */
const LONGEST_TTL = 4_294_967_295

const isText = (one: unknown): one is string => typeof one === 'string'
const hasEmbedder = (client: Context): client is Context & { embedder: Embedder } =>
  client.embedder !== undefined

/** Texts to insert. */
interface Texts extends Insertion {
  values: unknown[]
  /** A JSON list of their ids, if they have any. */
  ids?: string
  metadatas: unknown[]
  /** When they expire, those of them that say it. */
  expiries?: unknown[]
}

/** How errors refer to a text, and the path to its metadata. */
interface TextPlaces {
  text: TextPlace
  metadata: (i: number) => [string, ...(string | number)[]]
  expiry?: (i: number) => string
}

/** Arguments for texts, with their vectors if the client has an embedder. */
function texts(
  client: Context,
  collection: string,
  { values, ids, metadatas, expiries = [], others, listener }: Texts,
  places: TextPlaces,
): Packed<Arguments<'insertText'>> {
  const all = Array.from(values, (value, i) => filled(value, places.text(i)))
  const metadata = metadataJson(Array.from(metadatas), places.metadata)
  const own = all.map((_, i) => expiries[i])
  const expiresAt = expiriesJson(own, others, places.expiry ?? places.text)
  const sent = JSON.stringify(all)
  if (!hasEmbedder(client)) return [collection, sent, ids, metadata, null, null, expiresAt]
  return embedded(client, collection, all, places.text, listener).then((rows) =>
    read(() => [collection, sent, ids, metadata, ...concatenated(rows), expiresAt]),
  )
}

/** The arguments common to all searches: options and a filter. */
type Common = [options: string, filter: string | null]

/** Appends a listener to arguments. */
const withListener = <A extends unknown[]>(listener: ProgressListener | null, packed: Packed<A>) =>
  packed instanceof Promise
    ? packed.then((args): [...A, ProgressListener | null] => [...args, listener])
    : ([...packed, listener] satisfies [...A, ProgressListener | null])

/** The common arguments of a search; `place` is the name of the options in errors. */
const common = ({ filter, ...rest }: Record<string, unknown>, place = 'options'): Common => [
  json(rest, place),
  filter === undefined ? null : filterJson(filter),
]

/** Arguments for a search: a text or a vector, options and a filter. */
function query(
  client: Context,
  collection: string,
  wanted: unknown,
  common: Common,
): Packed<Arguments<'search'>> {
  if (typeof wanted !== 'string') return [collection, null, floats(wanted, 'query'), ...common]
  const text = string(wanted, 'query')
  if (!hasEmbedder(client) || text === '') return [collection, text, null, ...common]
  // The text is passed along so that errors can say what the vector was made from.
  return embedded(client, collection, [text], () => 'query').then(([row]) => [
    collection,
    text,
    row,
    ...common,
  ])
}

/** Arguments for a batch of searches: a list of texts and vectors, or concatenated vectors. */
function queries(
  client: Context,
  collection: string,
  wanted: unknown,
  options: unknown,
): Packed<Arguments<'searchBatch'>> {
  const rest = common(known(options, 'options', keys.search))
  if (types.isFloat32Array(wanted)) {
    return [collection, null, floats(wanted, 'queries', Number.POSITIVE_INFINITY), null, false, ...rest]
  }
  const place = (i: number) => `queries[${i}]`
  const all = Array.from(list(wanted, 'queries'), (one, i) =>
    isText(one) ? string(one, place(i)) : floats(one, place(i)),
  )
  const texts = all.some(isText) ? JSON.stringify(all.map((one) => (isText(one) ? one : null))) : null
  const args = (given: (string | Float32Array)[], isEmbedded: boolean): Arguments<'searchBatch'> => {
    const rows = given.map((one) => (isText(one) ? [] : one))
    return [collection, texts, ...concatenated(rows), isEmbedded, ...rest]
  }
  const places = all.flatMap((one, i) => (isText(one) && one !== '' ? [i] : []))
  if (!hasEmbedder(client) || places.length === 0) return args(all, false)
  // The caller may modify vectors while texts are being embedded.
  const copies: (string | Float32Array)[] = all.map((one) => (isText(one) ? one : one.slice()))
  const asked = places.map((i) => all[i] as string)
  return embedded(client, collection, asked, (i) => place(places[i])).then((rows) => {
    for (const [i, row] of rows.entries()) copies[places[i]] = row
    return args(copies, true)
  })
}

const none = (): [] => []
const name = (_: Context, collection: unknown): [string] => [string(collection, 'collection')]
const nameAndId = (_: Context, collection: unknown, id: unknown): [string, string] => [
  string(collection, 'collection'),
  string(id, 'id'),
]
const nameAndIds = (_: Context, collection: unknown, ids: unknown): [string, string] => [
  string(collection, 'collection'),
  strings(ids, 'ids'),
]
/** Options in the form the native side expects, if there are any. */
const optional = (options: unknown, keys: readonly string[]) =>
  options === undefined ? null : json(known(options, 'options', keys), 'options')

/** A listener in the form the native side calls: with a JSON text. */
function listenerOf(options: unknown, keys: readonly string[]): ProgressListener | null {
  return progressListener(known(options, 'options', keys).onProgress)
}

/** The options of an insert. */
interface Insertion {
  listener: ProgressListener | null
  /** When those vectors expire that do not say it themselves. */
  others: number | null
}

function insertion(options: unknown, keys: readonly string[]): Insertion {
  const { onProgress, expires_at } = known(options, 'options', keys)
  return { listener: progressListener(onProgress), others: expiry(expires_at, 'options.expires_at') }
}

function progressListener(onProgress: unknown): ProgressListener | null {
  if (onProgress === undefined) return null
  if (typeof onProgress !== 'function') fail('options.onProgress', 'a function', onProgress)
  const listener: ProgressListener = (text) => {
    try {
      onProgress(JSON.parse(text))
    } catch (error) {
      listener.failure ??= { error }
    }
  }
  return listener
}

/** Options in the form the native side expects, and the listener among them. */
function withoutListener(
  options: unknown,
  keys: readonly string[],
): [sent: string, listener: ProgressListener | null] {
  const { onProgress, ...rest } = known(options, 'options', keys)
  return [json(rest, 'options'), progressListener(onProgress)]
}

/** One of the numbers that `listVectors` takes instead of options. */
function pageNumber(value: unknown, path: string, least: number): number | null {
  if (value === null) return null
  if (typeof value === 'object') fail(path, 'a number, as in listVectors(collection, page, limit)', value)
  return whole(value, path, least)
}

const deletion = (_: Context, collection: unknown, ids: any, options: unknown): Arguments<'batchDelete'> => [
  ...nameAndIds(_, collection, ids),
  ids.length,
  optional(options, keys.batchDelete),
]

/** Vectors to move or copy: a list of ids, or an object with a filter. */
function selected(vectors: unknown): string {
  if (Array.isArray(vectors)) return selectionJson({ ids: vectors })
  if (!isPlain(vectors)) fail('vectors', 'an array of ids, or an object with a filter', vectors)
  return selectionJson({ filter: known(vectors, 'vectors', ['filter']).filter })
}

const transfer =
  (keys: readonly string[]) =>
  (
    _: Context,
    src: unknown,
    dst: unknown,
    vectors: unknown,
    options: unknown = {},
  ): Arguments<'moveToCollection'> => [
    string(src, 'src'),
    string(dst, 'dst'),
    selected(vectors),
    ...withoutListener(options, keys),
  ]

/** Vectors by their position in a list, one after another. */
function placed(
  vectors: Map<number, ArrayLike<number>>,
): [places: string, data: Float32Array, lengths: Uint32Array] {
  const all = [...vectors].sort(([a], [b]) => a - b)
  return [JSON.stringify(all.map(([place]) => place)), ...concatenated(all.map(([, row]) => row))]
}

/** Updates of many vectors, with the vectors of their texts if the client has an embedder. */
function updates(
  client: Context,
  collection: string,
  given: unknown,
  listener: ProgressListener | null,
): Packed<Arguments<'batchUpdateVectors'>> {
  const place = (i: number) => `updates[${i}]`
  const rows = Array.from(list(given, 'updates'), (row, i) => known(row, place(i), keys.update))
  const vectors = new Map<number, Float32Array>()
  const texts = new Map<number, string>()
  const fields = rows.map(({ data, text, metadata, expires_at }, i) => {
    if (data !== undefined) vectors.set(i, floats(data, `${place(i)}.data`))
    if (text !== undefined) filled(text, `${place(i)}.text`)
    if (text !== undefined && data === undefined) texts.set(i, text)
    if (expires_at !== undefined) expires_at = expiry(expires_at, `${place(i)}.expires_at`)
    return json({ text, metadata, expires_at }, place(i), 'metadata')
  })
  const ids = JSON.stringify(rows.map(({ id }, i) => string(id, `${place(i)}.id`)))
  const args = (embedded: number[]): Arguments<'batchUpdateVectors'> => {
    const [places, ...columns] = placed(vectors)
    return [collection, ids, `[${fields}]`, places, JSON.stringify(embedded), ...columns, listener]
  }
  if (!hasEmbedder(client) || texts.size === 0) return args([])
  // The addon refuses it as well, but only after the texts have been embedded.
  const first = new Map<string, number>()
  for (const [i, { id }] of rows.entries()) {
    const other = first.get(id)
    const why = `is that of ${place(other ?? i)} too: give one update for each vector`
    if (other !== undefined) throw new ValidationError(`${place(i)}.id ${why}`)
    first.set(id, i)
  }
  // The caller may modify vectors while texts are being embedded.
  for (const [i, row] of vectors) vectors.set(i, row.slice())
  const places = [...texts.keys()]
  const asked = [...texts.values()]
  return embedded(client, collection, asked, (i) => `${place(places[i])}.text`, listener).then((made) => {
    for (const [i, row] of made.entries()) vectors.set(places[i], row)
    return read(() => args(places))
  })
}

/** The texts of a `replace`, which embeds only those that the collection does not have. */
type Replacement = Parameters<Native['replaceTexts']>

/** The vectors that the arguments of a replacement have, by the index of their text. */
function givenVectors([, , , , , , given, data, lengths]: Replacement): Map<number, Float32Array> {
  const places: number[] = JSON.parse(given as string)
  let at = 0
  return new Map(
    places.map((place, i) => {
      const begin = at
      at += lengths?.[i] ?? 0
      return [place, (data as Float32Array).subarray(begin, at)]
    }),
  )
}

/**
 * The arguments of a replacement with the vectors that it lacks: `wanted` are the indexes of their
 * texts. If it has been given some before, the collection has changed since, and may do so again: it
 * gets the vectors of all texts.
 */
async function withVectors(
  client: Context & { embedder: Embedder },
  args: Replacement,
  wanted: number[],
): Promise<Replacement> {
  const [collection, filter, ids, sent, metadata, options, , , , expiries, listener] = args
  const texts: string[] = JSON.parse(sent)
  const had = givenVectors(args)
  const places = had.size > 0 ? [...texts.keys()].filter((i) => !had.has(i)) : wanted
  const asked = places.map((i) => texts[i])
  const rows = await embedded(client, collection, asked, (i) => `rows[${places[i]}].text`, listener)
  for (const [i, row] of rows.entries()) had.set(places[i], row)
  const given = read(() => placed(had))
  return [collection, filter, ids, sent, metadata, options, ...given, expiries, listener]
}

/** What to undelete or to purge: a list of ids, or the token of a delete. */
function waiting(what: unknown): string {
  if (Array.isArray(what)) return strings(what, 'what')
  if (typeof what !== 'string') fail('what', 'an array of ids, or the token of a delete', what)
  return JSON.stringify(filled(what, 'what'))
}

/** What to purge; null for all vectors, which nobody asks for by a variable that has no value. */
function purgeable(what: unknown): string | null {
  if (!isPlain(what)) return waiting(what)
  const { all } = known(what, 'what', ['all'])
  if (all !== true) fail('what.all', 'true', all)
  return null
}

/** A call: how its arguments are converted for the native method of the same name. */
export interface Call<A extends unknown[] = unknown[]> {
  pack(client: Context, ...args: any[]): Packed<A>
  /** The name of the native method for these arguments, if it is another one. */
  method?(args: A): string
  /** The arguments to call it with once more, if its report says that it lacks something. */
  again?(client: Context, args: A, report: any): Promise<A> | undefined
  /** Converts its report. */
  report?(sent: any): unknown
  /** The JSON text of its filter, if its receipt has one. */
  filter?(args: A): string
  /** Expands a row of its report, if rows are sent in a short form. */
  row?: Row
  /** Whether its report may say that the call was refused, after it had found what it is about. */
  isGuarded?: true
  /** Whether its report has metadata, whose integers may be beyond 2^53. */
  isExact?: true
  /** Whether its result is the only row of a list. */
  isRow?: true
  /** The positions in which its options may be passed. */
  options?: readonly number[]
}

/** Delete results are sent in a short form: the id, with an error if there was one. */
const outcome: Row = (sent, index, { refused }) =>
  typeof sent === 'string'
    ? { id: sent, index, status: refused === undefined ? 'ok' : 'matched' }
    : { id: sent[0], index, status: 'error', error: sent[1] }
/** A match is sent as its id or, if the report's `rows` show it, with its metadata and text. */
const match: Row = (sent, _, { deleted, rows }) => {
  const status = deleted > 0 ? 'deleted' : 'matched'
  if (typeof sent === 'string') return { id: sent, status }
  const [id, metadata, text, expires_at] = sent
  const shown: Record<string, unknown> = { id }
  addContents(shown, metadata, text)
  if (expires_at !== undefined) shown.expires_at = expires_at
  rows.push(shown)
  return { id, status }
}

/** The ids of a replacement are sent in one list: of what was inserted, updated and deleted. */
function replaced({ ids, ...report }: any) {
  const [first, second] = [report.inserted, report.inserted + report.updated]
  const parts = {
    inserted: ids.slice(0, first),
    updated: ids.slice(first, second),
    deleted: ids.slice(second),
  }
  return { ...report, ids: parts }
}

/** What a patch was for is sent in a short form: the id, in a list if it is unchanged. */
const patched: Row = (sent) =>
  typeof sent === 'string' ? { id: sent, status: 'updated' } : { id: sent[0], status: 'unchanged' }
/** What was moved or copied is sent as its id, what was not with its status and the reason. */
const transferred: Row = (sent) => {
  if (typeof sent === 'string') return { id: sent, status: 'ok' }
  const [id, status, error] = sent
  return error === undefined ? { id, status } : { id, status, error }
}

/** What was forgotten is sent in one list of ids, collection after collection. */
function forgotten({ ids, collections, ...report }: any) {
  let at = 0
  const parts = collections.map((part: { matched: number }) => {
    const begin = at
    at += part.matched
    return { ...part, ids: ids.slice(begin, at) }
  })
  return { ...report, collections: parts }
}

/** The filter in the JSON text of a selection. */
const filterIn = (selection: string) => selection.slice('{"filter":'.length, -1)

/** What there is to know about a ledger, without its last entry, which is only for signing it. */
function withoutUnsigned(sent: (LedgerInfo & { unsigned?: unknown }) | null): LedgerInfo | null {
  if (sent === null) return null
  const { unsigned: _, ...info } = sent
  return info
}

/** The name of a call that every client has. */
export type CallName = Exclude<keyof Vectorizer, 'close' | 'collection' | 'scan' | typeof Symbol.asyncDispose>

/** The calls that every client has. */
export const calls: { readonly [Name in CallName]: Call<Arguments<Name>> } = {
  ready: { pack: none },
  createCollection: {
    options: [1, 0],
    pack: (_, given, options) => {
      if (!isPlain(given)) {
        const settings = known(options, 'options', keys.createCollection)
        return [json({ ...settings, name: string(given, 'name') }, 'options'), 'options']
      }
      if (options !== undefined) fail('options', 'nothing beside a request', options)
      return [json(known(given, 'request', keys.createCollectionRequest), 'request'), 'request']
    },
  },
  listCollections: { pack: none },
  getCollectionInfo: { pack: name },
  getCollection: { pack: name },
  updateCollection: {
    options: [2],
    pack: (_, collection, settings, options = {}) => {
      known(options, 'options', keys.call)
      const { description } = known(settings, 'settings', keys.updateCollection)
      if (description !== null) string(description, 'settings.description')
      return [string(collection, 'collection'), JSON.stringify({ description })]
    },
  },
  renameCollection: {
    options: [2],
    pack: (_, collection, newName, options = {}) => {
      known(options, 'options', keys.call)
      return [string(collection, 'collection'), string(newName, 'newName')]
    },
  },
  reindexCollection: {
    options: [1],
    pack: (_, collection, options) => [...name(_, collection), optional(options, keys.reindexCollection)],
  },
  listEmptyCollections: { pack: none },
  cleanupEmptyCollections: {
    options: [0],
    pack: (_, options) => [optional(options, keys.cleanupEmptyCollections)],
  },
  deleteCollection: {
    options: [1],
    pack: (_, collection, options) => [...name(_, collection), optional(options, keys.deleteCollection)],
  },
  insertVectors: {
    options: [2],
    pack: (_, collection, given, options = {}) => {
      const name = string(collection, 'collection')
      const { listener, others } = insertion(options, keys.insert)
      return [name, ...vectors(given, others), listener]
    },
  },
  insertText: {
    options: [3],
    pack: (client, collection, text, metadata, options = {}) => {
      const name = string(collection, 'collection')
      const rows = { values: [text], metadatas: [metadata], ...insertion(options, keys.insertText) }
      return texts(client, name, rows, { text: () => 'text', metadata: () => ['metadata'] })
    },
  },
  batchInsertText: {
    options: [3],
    pack: (client, collection, given, metadatas = [], options = {}) => {
      const name = string(collection, 'collection')
      const all = list(metadatas, 'metadatas')
      const how = insertion(options, keys.insert)
      const values = list(given, 'texts')
      if (all.length > values.length) throw new ValidationError('metadatas: more objects than texts')
      const places: TextPlaces = { text: (i) => `texts[${i}]`, metadata: (i) => ['metadatas', i] }
      return withListener(how.listener, texts(client, name, { values, metadatas: all, ...how }, places))
    },
  },
  insertTexts: {
    options: [2],
    pack: (client, collection, given, options = {}) => {
      const parts = ['id', 'text', 'metadata', 'expires_at']
      const rows = Array.from(list(given, 'texts'), (row, i) => known(row, `texts[${i}]`, parts))
      const column = (key: string) => rows.map((row) => row[key])
      const name = string(collection, 'collection')
      const ids = JSON.stringify(column('id').map((id, i) => string(id, `texts[${i}].id`)))
      const how = insertion(options, keys.insert)
      const places: TextPlaces = {
        text: (i) => `texts[${i}].text`,
        metadata: (i) => ['texts', i, 'metadata'],
        expiry: (i) => `texts[${i}].expires_at`,
      }
      const [values, metadatas, expiries] = ['text', 'metadata', 'expires_at'].map(column)
      return withListener(
        how.listener,
        texts(client, name, { values, ids, metadatas, expiries, ...how }, places),
      )
    },
  },
  getVector: { pack: nameAndId, isRow: true },
  listVectors: {
    pack: (_, collection, page = 0, limit = 10) => [
      string(collection, 'collection'),
      JSON.stringify([pageNumber(page, 'page', 0), pageNumber(limit, 'limit', 1)]),
    ],
  },
  scanVectors: {
    options: [1],
    pack: (_, collection, options = {}) => [
      string(collection, 'collection'),
      ...common(known(options, 'options', keys.scanVectors)),
    ],
  },
  count: {
    pack: (_, collection, filter) => [
      string(collection, 'collection'),
      filter === undefined ? null : filterJson(filter),
    ],
  },
  updateVector: {
    isRow: true,
    pack: (client, collection, id, update) => {
      const { data, expires_at, ...fields } = known(update, 'update', keys.updateVector)
      if (expires_at !== undefined) fields.expires_at = expiry(expires_at, 'update.expires_at')
      const vector = data === undefined ? null : floats(data, 'update.data')
      const args = [...nameAndId(client, collection, id), json(fields, 'update', 'metadata')] as const
      if (vector || !hasEmbedder(client) || fields.text === undefined) return [...args, vector, false]
      const text = string(fields.text, 'update.text')
      return embedded(client, collection, [text], () => 'update.text').then(([row]) => [...args, row, true])
    },
  },
  batchUpdateVectors: {
    options: [2],
    row: outcome,
    pack: (client, collection, given, options = {}) => {
      const name = string(collection, 'collection')
      const listener = listenerOf(options, keys.batchUpdateVectors)
      const all = isPlain(given) ? known(given, 'updates', ['updates']).updates : given
      return updates(client, name, all, listener)
    },
  },
  bulkUpdateMetadata: {
    options: [3],
    row: patched,
    isGuarded: true,
    pack: (_, collection, filter, patch, options = {}) => [
      string(collection, 'collection'),
      filterJson(filter),
      json(patch, 'patch', 'patch'),
      ...withoutListener(options, keys.bulkUpdateMetadata),
    ],
  },
  moveToCollection: {
    options: [3],
    row: transferred,
    isGuarded: true,
    filter: ([, , selection]) => filterIn(selection),
    pack: transfer(keys.moveToCollection),
  },
  copyVectors: { options: [3], row: transferred, isGuarded: true, pack: transfer(keys.copyVectors) },
  setVectorExpiry: {
    pack: (_, collection, id, expiresAt) => [
      ...nameAndId(_, collection, id),
      expiresAt === null ? null : instant(expiresAt, 'expiresAt'),
    ],
  },
  setCollectionTtl: {
    pack: (_, collection, seconds) => [
      string(collection, 'collection'),
      seconds === null ? null : whole(seconds, 'seconds', 1, LONGEST_TTL),
    ],
  },
  resumeExpiry: { pack: none },
  search: {
    options: [2],
    pack: (client, collection, wanted, options = {}) =>
      query(client, string(collection, 'collection'), wanted, common(known(options, 'options', keys.search))),
  },
  searchVectors: {
    options: [1],
    pack: (client, collection, request) => {
      const { query_vector, ...options } = known(request, 'request', keys.searchVectors)
      const vector = floats(query_vector, 'query_vector')
      return query(client, string(collection, 'collection'), vector, common(options, 'request'))
    },
  },
  searchText: {
    options: [1],
    pack: (client, collection, request) => {
      const { query: text, ...options } = known(request, 'request', keys.searchText)
      const wanted = string(text, 'query')
      return query(client, string(collection, 'collection'), wanted, common(options, 'request'))
    },
  },
  searchBatch: {
    options: [2],
    pack: (client, collection, wanted, options = {}) =>
      queries(client, string(collection, 'collection'), wanted, options),
  },
  deleteVector: {
    options: [2],
    pack: (_, collection, id, options) => [
      ...nameAndId(_, collection, id),
      optional(options, keys.deleteVector),
    ],
  },
  batchDelete: { options: [2], pack: deletion, row: outcome, isGuarded: true },
  deleteVectors: { options: [2], pack: deletion, row: outcome, isGuarded: true },
  deleteByFilter: {
    options: [2],
    row: match,
    isGuarded: true,
    filter: ([, filter]) => filter,
    pack: (_, collection, filter, options = {}) => [
      string(collection, 'collection'),
      filterJson(filter),
      json(known(options, 'options', keys.deleteByFilter), 'options'),
    ],
  },
  replace: {
    options: [3],
    isGuarded: true,
    method: ([, , , third]) => (isText(third) ? 'replaceTexts' : 'replaceVectors'),
    again: (client, args, { embed }) =>
      embed && hasEmbedder(client) ? withVectors(client, args as Replacement, embed) : undefined,
    report: replaced,
    filter: ([, filter]) => filter,
    pack: (client, collection, filter, given, options = {}) => {
      const name = string(collection, 'collection')
      const matching = filterJson(filter)
      const rows = vectorRows(given, 'rows')
      const ids = JSON.stringify(rows.map(({ id }, i) => string(id, `rows[${i}].id`)))
      const { onProgress, expires_at, ...rest } = known(options, 'options', keys.replace)
      const [sent, listener] = [json(rest, 'options'), progressListener(onProgress)]
      const expiries = expiryChangesJson(
        rows.map((row) => row.expires_at),
        expires_at === undefined ? false : expiry(expires_at, 'options.expires_at'),
        (i) => `rows[${i}].expires_at`,
      )
      if (rows.some(({ data }) => data !== undefined))
        return [name, matching, ids, ...columnsOf(rows, 'rows'), sent, expiries, listener]
      const texts = JSON.stringify(rows.map(({ text }, i) => filled(text, `rows[${i}].text`)))
      const metadata = metadataJson(
        rows.map((row) => row.metadata),
        (i) => ['rows', i, 'metadata'],
      )
      // With an embedder of the client, none of the vectors is given until it is known which are lacking.
      const had = hasEmbedder(client) ? '[]' : null
      return [name, matching, ids, texts, metadata, sent, had, null, null, expiries, listener]
    },
  },
  forget: {
    options: [1],
    isGuarded: true,
    report: forgotten,
    filter: ([selection]) => filterIn(selection),
    pack: (_, selection, options = {}) => {
      // Each is read once.
      const { filter, ids } = known(selection, 'selection', ['filter', 'ids'])
      if ((ids === undefined) === (filter === undefined)) {
        throw new ValidationError(
          ids === undefined ? 'selection: give a filter or ids' : 'selection: give a filter or ids, not both',
        )
      }
      return [selectionJson({ filter, ids }), ...withoutListener(options, keys.forget)]
    },
  },
  listDeleted: {
    options: [1],
    isExact: true,
    pack: (_, collection, options) => [
      collection === undefined ? null : string(collection, 'collection'),
      optional(options, keys.listDeleted),
    ],
  },
  undelete: {
    options: [2],
    pack: (_, collection, what, options = {}) => [
      string(collection, 'collection'),
      waiting(what),
      listenerOf(options, keys.undelete),
    ],
  },
  purgeDeleted: {
    options: [2],
    pack: (_, collection, what, options) => [
      string(collection, 'collection'),
      purgeable(what),
      optional(options, keys.purgeDeleted),
    ],
  },
  optimize: {
    options: [1],
    pack: (_, collection, options = {}) => [
      string(collection, 'collection'),
      listenerOf(options, keys.optimize),
    ],
  },
  flush: { pack: none },
  verifyErased: { pack: nameAndIds },
  createBackup: {
    options: [1],
    pack: (_, target, options = {}) => {
      const { onProgress, ...rest } = known(options, 'options', keys.createBackup)
      return [string(target, 'target'), json(rest, 'options'), progressListener(onProgress)]
    },
  },
  exportKeys: { pack: (_, target) => [string(target, 'target')] },
  getLedger: {
    method: () => 'ledger',
    report: withoutUnsigned,
    pack: none,
  },
  rotateKeys: {
    options: [0],
    pack: (client, options = {}) => {
      const { key, onProgress } = known(options, 'options', keys.rotateKeys)
      const user =
        key === undefined ? client.service && newWrappedKey(client.service) : parseKey(key, 'options.key')
      const args = (given: Key | undefined): Arguments<'rotateKeys'> => [
        given === undefined ? null : JSON.stringify(given),
        progressListener(onProgress),
      ]
      return user instanceof Promise ? user.then(args) : args(user)
    },
  },
  serve: {
    options: [0],
    pack: ({ embedder }, options = {}) => [
      json(known(options, 'options', keys.serve), 'options'),
      embedder ? embedding((texts) => embeddedPart(embedder, texts)) : null,
    ],
  },
}

/** The key of a store or a backup: at once if it was given, otherwise as a promise. */
function keyFor(
  encryption: unknown,
  place: string,
  path: string,
): Key | Promise<Key | undefined> | undefined {
  if (encryption === undefined) return undefined
  const { key, service } = encryptionOptions(encryption, place)
  return key ?? (service && unwrapped(service, path))
}

/** The static method `restoreBackup`. */
export const restoreBackup: Call<Parameters<typeof Native.restoreBackup>> = {
  options: [2],
  pack: (_, file, path, options = {}) => {
    string(file, 'file')
    if (path === undefined) fail('path', 'the directory to make the store in', path)
    string(path, 'path')
    const given = known(options, 'options', keys.restoreBackup)
    const { encryption, keysEncryption = encryption, onProgress, ...rest } = given
    const { keys: apart } = rest
    const kept = [keyFor(encryption, 'options.encryption', file)]
    if (apart !== undefined)
      kept.push(keyFor(keysEncryption, 'options.keysEncryption', string(apart, 'options.keys')))
    if (rest.ledger !== undefined) filled(rest.ledger, 'options.ledger')
    // The working directory may have changed by the time a service answers.
    const isLater = kept.some((key) => key instanceof Promise)
    const here = (path: string) => (isLater && path ? resolve(path) : path)
    const [from, to] = [here(file), here(path)]
    const args = ([encryption, keysEncryption]: unknown[]): Parameters<typeof Native.restoreBackup> => {
      const read = { ...rest, keys: here(apart), ledger: here(rest.ledger), encryption, keysEncryption }
      return [from, to, json(read, 'options'), progressListener(onProgress)]
    }
    return isLater ? Promise.all(kept).then(args) : args(kept)
  },
}
