// The calls of a client: what each takes and answers in TypeScript, and in the table below how its
// arguments become those of the native method of the same name, and what its reply becomes.
import { resolve } from 'node:path'
import { types } from 'node:util'
import type { VectorizerClient as Native } from '../binding.js'
import {
  fail,
  filled,
  filterJson,
  floats,
  isPlain,
  json,
  known,
  laidOut,
  list,
  metadataJson,
  read,
  string,
  strings,
  vectors,
  whole,
} from './arguments.js'
import type { Cancelling } from './cancelling.js'
import { embedded, embeddedPart, type TextPlace } from './embedder.js'
import { anew, type Key, keyOnly, protection, unwrapped } from './encryption.js'
import { ValidationError } from './errors.js'
import type { Filter, IsUntyped } from './filter.js'
import { keys } from './keys.js'
import type { Listener } from './native.js'
import type { Row } from './replies.js'
import { embedding } from './server.js'
import type {
  BackupOptions,
  BackupReport,
  BatchDeleteOptions,
  BatchResponse,
  BatchTextRequest,
  Carried,
  CollectionInfo,
  CollectionOptions,
  CollectionSummary,
  CreateCollectionRequest,
  CreateVectorRequest,
  DeleteByFilterOptions,
  DeleteByFilterReport,
  DeleteCollectionOptions,
  DeleteReport,
  DeleteVectorOptions,
  Embedder,
  HttpServer,
  InsertOptions,
  InsertReport,
  KeyService,
  MetadataInput,
  OpenCollectionOptions,
  OptimizeOptions,
  Proof,
  Receipted,
  RotateOptions,
  SearchOptions,
  SearchRequest,
  SearchResponse,
  SearchResult,
  ServeOptions,
  TextSearchRequest,
  UpdateVectorRequest,
  Vector,
  VectorColumns,
  VectorInput,
  VectorPage,
  VerificationReport,
} from './types.js'

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

/** The metadata of one text, as an argument, and that of many. */
export type MetadataArgument<Meta> =
  IsUntyped<Meta> extends true
    ? [metadata?: MetadataInput]
    : undefined extends Meta
      ? [metadata?: Meta | null]
      : [metadata: Meta]
export type MetadatasArgument<Meta> =
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

/** What a client is for its calls. */
export interface Context {
  readonly native: Native
  readonly embedder?: Embedder | undefined
  readonly service?: KeyService | undefined
  /** That of the call, where it can be cancelled. */
  readonly cancelling?: Cancelling | undefined
}

/** The arguments of the native method of a call. */
type Arguments<Name extends CallName> = Parameters<Native[Name]>

/** Arguments, at once or when an embedder or a key service has answered. */
type Packed<A extends unknown[]> = A | Promise<A>

/** A listener as the native side calls it, and what it threw. */
interface Hearing extends Listener {
  failure?: { error: unknown }
}

const isText = (one: unknown): one is string => typeof one === 'string'
const hasEmbedder = (client: Context): client is Context & { embedder: Embedder } =>
  client.embedder !== undefined

/** What the caller calls a text, and what leads to its metadata. */
interface TextPlaces {
  text: TextPlace
  metadata: (i: number) => [string, ...(string | number)[]]
}

/** Arguments for texts; where the client has an embedder, with their vectors. */
function texts(
  client: Context,
  collection: string,
  values: unknown[],
  ids: string | null,
  metadatas: unknown[],
  places: TextPlaces,
  listening: Listener | null = null,
): Packed<Arguments<'insertText'>> {
  const all = Array.from(values, (value, i) => filled(value, places.text(i)))
  const metadata = metadataJson(Array.from(metadatas), places.metadata)
  const sent = JSON.stringify(all)
  if (!hasEmbedder(client)) return [collection, sent, ids, metadata, null, null]
  return embedded(client, collection, all, places.text, listening).then((rows) =>
    read(() => [collection, sent, ids, metadata, ...laidOut(rows)]),
  )
}

/** What all searches take: options and a filter. */
type Common = [options: string, filter: string | null]

/** Arguments with a listener behind them. */
const heardBy = <A extends unknown[]>(hearing: Hearing | null, packed: Packed<A>) =>
  packed instanceof Promise
    ? packed.then((args): [...A, Hearing | null] => [...args, hearing])
    : ([...packed, hearing] satisfies [...A, Hearing | null])

/** What all searches take, of options that `place` names. */
const common = ({ filter, ...rest }: Record<string, unknown>, place = 'options'): Common => [
  json(rest, place),
  filter === undefined ? null : filterJson(filter),
]

/** Arguments for a search: a text or a vector, options, a filter. */
function query(
  client: Context,
  collection: string,
  wanted: unknown,
  common: Common,
): Packed<Arguments<'search'>> {
  if (typeof wanted !== 'string') return [collection, null, floats(wanted, 'query'), ...common]
  const text = string(wanted, 'query')
  if (!hasEmbedder(client) || text === '') return [collection, text, null, ...common]
  // With the text beside it: errors say what the vector was made of.
  return embedded(client, collection, [text], () => 'query').then(([row]) => [
    collection,
    text,
    row,
    ...common,
  ])
}

/** Arguments for a batch of searches: a list of texts and vectors, or vectors end to end. */
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
    return [collection, texts, ...laidOut(rows), isEmbedded, ...rest]
  }
  const places = all.flatMap((one, i) => (isText(one) && one !== '' ? [i] : []))
  if (!hasEmbedder(client) || places.length === 0) return args(all, false)
  // The caller may change vectors while texts are embedded.
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
/** Options as the native side takes them, where there are some. */
const optional = (options: unknown, keys: readonly string[]) =>
  options === undefined ? null : json(known(options, 'options', keys), 'options')

/** A listener as the native side calls it, with a JSON text. */
function listener(options: unknown, keys: readonly string[]): Hearing | null {
  return heard(known(options, 'options', keys).onProgress)
}

function heard(onProgress: unknown): Hearing | null {
  if (onProgress === undefined) return null
  if (typeof onProgress !== 'function') fail('options.onProgress', 'a function', onProgress)
  const listening: Hearing = (text) => {
    try {
      onProgress(JSON.parse(text))
    } catch (error) {
      listening.failure ??= { error }
    }
  }
  return listening
}

/** One of the numbers that `listVectors` takes, in place of options. */
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

/** A call: how what it is given becomes the arguments of the native method of the same name. */
export interface Call<A extends unknown[] = unknown[]> {
  pack(client: Context, ...args: any[]): Packed<A>
  /** Makes a row of its report, where rows are sent in short. */
  row?: Row
  /** Its result is the one row of a list. */
  isRow?: true
  /** Which of its arguments may be its options. */
  options?: readonly number[]
}

/** Rows of deletes are sent in short: as ids, with an error where there was one. */
const outcome: Row = (sent, index) =>
  typeof sent === 'string'
    ? { id: sent, index, status: 'ok' }
    : { id: sent[0], index, status: 'error', error: sent[1] }
const match: Row = (id, _, { deleted }) => ({ id, status: deleted > 0 ? 'deleted' : 'matched' })

/** The name of a call that every client has. */
export type CallName = Exclude<keyof Vectorizer, 'close' | 'collection' | typeof Symbol.asyncDispose>

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
  deleteCollection: {
    options: [1],
    pack: (_, collection, options) => [...name(_, collection), optional(options, keys.deleteCollection)],
  },
  insertVectors: {
    options: [2],
    pack: (_, collection, given, options = {}) => [
      string(collection, 'collection'),
      ...vectors(given),
      listener(options, keys.insert),
    ],
  },
  insertText: {
    pack: (client, collection, text, metadata) =>
      texts(client, string(collection, 'collection'), [text], null, [metadata], {
        text: () => 'text',
        metadata: () => ['metadata'],
      }),
  },
  batchInsertText: {
    options: [3],
    pack: (client, collection, given, metadatas = [], options = {}) => {
      const name = string(collection, 'collection')
      const all = list(metadatas, 'metadatas')
      const hearing = listener(options, keys.insert)
      const values = list(given, 'texts')
      if (all.length > values.length) throw new ValidationError('metadatas: more objects than texts')
      const places: TextPlaces = { text: (i) => `texts[${i}]`, metadata: (i) => ['metadatas', i] }
      return heardBy(hearing, texts(client, name, values, null, all, places, hearing))
    },
  },
  insertTexts: {
    options: [2],
    pack: (client, collection, given, options = {}) => {
      const parts = ['id', 'text', 'metadata']
      const rows = Array.from(list(given, 'texts'), (row, i) => known(row, `texts[${i}]`, parts))
      const column = (key: string) => rows.map((row) => row[key])
      const name = string(collection, 'collection')
      const ids = JSON.stringify(column('id').map((id, i) => string(id, `texts[${i}].id`)))
      const hearing = listener(options, keys.insert)
      const places: TextPlaces = {
        text: (i) => `texts[${i}].text`,
        metadata: (i) => ['texts', i, 'metadata'],
      }
      return heardBy(hearing, texts(client, name, column('text'), ids, column('metadata'), places, hearing))
    },
  },
  getVector: { pack: nameAndId, isRow: true },
  listVectors: {
    pack: (_, collection, page = 0, limit = 10) => [
      string(collection, 'collection'),
      JSON.stringify([pageNumber(page, 'page', 0), pageNumber(limit, 'limit', 1)]),
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
      const { data, ...fields } = known(update, 'update', ['data', 'text', 'metadata'])
      const vector = data === undefined ? null : floats(data, 'update.data')
      const args = [...nameAndId(client, collection, id), json(fields, 'update', 'metadata')] as const
      if (vector || !hasEmbedder(client) || fields.text === undefined) return [...args, vector, false]
      const text = string(fields.text, 'update.text')
      return embedded(client, collection, [text], () => 'update.text').then(([row]) => [...args, row, true])
    },
  },
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
  batchDelete: { options: [2], pack: deletion, row: outcome },
  deleteVectors: { options: [2], pack: deletion, row: outcome },
  deleteByFilter: {
    options: [2],
    row: match,
    pack: (_, collection, filter, options = {}) => [
      string(collection, 'collection'),
      filterJson(filter),
      json(known(options, 'options', keys.deleteByFilter), 'options'),
    ],
  },
  optimize: {
    options: [1],
    pack: (_, collection, options = {}) => [
      string(collection, 'collection'),
      listener(options, keys.optimize),
    ],
  },
  flush: { pack: none },
  verifyErased: { pack: nameAndIds },
  createBackup: {
    options: [1],
    pack: (_, target, options = {}) => {
      const { onProgress, ...rest } = known(options, 'options', keys.createBackup)
      return [string(target, 'target'), json(rest, 'options'), heard(onProgress)]
    },
  },
  exportKeys: { pack: (_, target) => [string(target, 'target')] },
  rotateKeys: {
    options: [0],
    pack: (client, options = {}) => {
      const { key, onProgress } = known(options, 'options', keys.rotateKeys)
      const user = key === undefined ? client.service && anew(client.service) : keyOnly(key, 'options.key')
      const args = (given: Key | undefined): Arguments<'rotateKeys'> => [
        given === undefined ? null : JSON.stringify(given),
        heard(onProgress),
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

/** The key of a store or a backup: at once where it was given, or as a promise. */
function keyFor(
  encryption: unknown,
  place: string,
  path: string,
): Key | Promise<Key | undefined> | undefined {
  if (encryption === undefined) return undefined
  const { key, service } = protection(encryption, place)
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
    // The working directory may be another one when a service has answered.
    const isLater = kept.some((key) => key instanceof Promise)
    const here = (path: string) => (isLater && path ? resolve(path) : path)
    const [from, to] = [here(file), here(path)]
    const args = ([encryption, keysEncryption]: unknown[]): Parameters<typeof Native.restoreBackup> => {
      const read = { ...rest, keys: here(apart), encryption, keysEncryption }
      return [from, to, json(read, 'options'), heard(onProgress)]
    }
    return isLater ? Promise.all(kept).then(args) : args(kept)
  },
}
