// The calls of the embedded client, implemented over rows stored in the engine.
import { filterJson } from '../arguments.js'
import type { CallName } from '../calls.js'
import type { VectorizerClient } from '../client.js'
import type { TextPlace } from '../embedder.js'
import {
  CollectionNotFoundError,
  StorageError,
  UnsupportedError,
  ValidationError,
  VectorizerError,
  VectorNotFoundError,
} from '../errors.js'
import type { Filter } from '../filter.js'
import { listening } from '../listening.js'
import { native } from '../native.js'
import type {
  BatchResponse,
  BatchTextRequest,
  CollectionInfo,
  CollectionOptions,
  CollectionSummary,
  CollectionTtl,
  CreateCollectionRequest,
  CreateVectorRequest,
  DeleteByFilterOptions,
  DeleteByFilterReport,
  DeleteCollectionOptions,
  DeleteReport,
  DeleteVectorOptions,
  Embedder,
  InsertOptions,
  InsertProgress,
  InsertReport,
  InsertTextOptions,
  MetadataInput,
  OptimizeOptions,
  ScanBatch,
  ScanVectorsOptions,
  SearchOptions,
  SearchRequest,
  SearchResponse,
  SearchResult,
  ShownVector,
  SimilarityMetric,
  TextSearchRequest,
  UpdateVectorRequest,
  Vector,
  VectorColumns,
  VectorInput,
  VectorPage,
} from '../types.js'
import { EngineCollection } from './collection.js'
import type { Engine } from './engine.js'
import { withTerms, written } from './expression.js'
import { checkCount } from './guards.js'
import { idOf, keyOf } from './names.js'
import { LARGEST_DIMENSION, metadataText, type ReadRow, rowsOf, vectorOf } from './rows.js'
import { withScratchClient } from './scratch.js'
import type { DeleteProgress } from './types.js'
import { deleteIds, deleteMatches, insertRows, type ProgressCallback } from './writing.js'

/** The engine's limits: results per search, and queries per request. */
const MOST_RESULTS = 16_384
const QUERIES_AT_ONCE = 100
/** The pause between polls while the engine is working, in milliseconds. */
const PAUSE = 200

/** How many vectors a batch of a scan has by default. */
const SCANNED = 1000

/** The fields of a complete vector. */
const WHOLE = ['id', 'vector', 'metadata', 'text']

/** How much of a text a dry run shows, in code points. The same as in `src/collection/delete.rs`. */
const TEXT_SHOWN = 200

/** What the engine cannot do, and the alternatives. */
const NOT_OFFERED = {
  receipt: 'receipts: it erases when it compacts, and does not tell when (optimize asks it to compact)',
  backup: "a backup before a delete: 'migrate' copies collections to an embedded client",
  undo: 'deletes that can be undone: keep in the metadata that a vector is deleted, and filter by that',
  expiry: 'expiry: keep the time in the metadata, and delete by filter',
  replace: 'an atomic replacement: delete by filter and insert, which are two steps there',
  changes: 'atomic changes of many vectors: scan for them and update each, which are many steps there',
  transfer: 'an atomic move or copy: scan, insert and delete, which are several steps there',
  ledger: 'a ledger of erasures: it erases when it compacts, and an embedded client with a path has one',
  forget: 'an atomic delete in several collections: delete by filter in each, which are many steps there',
  rename: "another name for a collection: create one of that name, and insert what 'scan' reads",
  description: 'another description of a collection: createCollection takes one, which is kept',
  reindex: "another graph for a collection: create one with other parameters, and insert what 'scan' reads",
  cleanup: 'a delete of collections only while they are empty: list the empty ones, and delete each',
  verifyErased: 'a look into its files: optimize asks it to compact, deleteCollection drops all',
  createBackup: "backups: it has tools of its own, and 'migrate' copies collections to an embedded client",
  exportKeys: 'keys of its own for what is stored: it does not seal it',
  rotateKeys: 'keys of its own for what is stored: it does not seal it',
  serve: 'an HTTP server: an embedded client does',
}

function refuse(what: keyof typeof NOT_OFFERED): never {
  throw new UnsupportedError(`the engine behind this client does not offer ${NOT_OFFERED[what]}`)
}

/** Refuses times at which vectors would expire. */
function refuseExpiry(given: readonly unknown[]) {
  if (given.some((one) => one !== undefined && one !== null)) refuse('expiry')
}

/** Refuses a delete that is to be undone, once its options are known to be valid. */
function refuseUndo(options: DeleteCollectionOptions | undefined) {
  if (options?.undo !== undefined) refuse('undo')
}

/** The options of a delete of many vectors. */
interface DeletionOptions extends DeleteByFilterOptions {
  onProgress?: (progress: DeleteProgress) => void
}

/** The delete options that the embedded client knows, and the listener. */
function deletion(options: DeletionOptions = {}) {
  const { onProgress, ...rest } = options
  if (rest.receipt === true) refuse('receipt')
  if (typeof rest.backup === 'string') refuse('backup')
  return { rest, ...listening({ onProgress }) }
}

/** Converts the engine's distance to a score: higher is more similar. */
function scoreOf(distance: number, metric: SimilarityMetric): number {
  if (metric === 'euclidean') return 1 / (1 + Math.sqrt(Math.max(0, distance)))
  return metric === 'cosine' ? Math.min(1, Math.max(-1, distance)) : distance
}

/** A filter, translated for the engine. */
interface Matching {
  expression?: string
  keys?: string[] | undefined
  /** Expressions that find rows which have a field of the filter. */
  fields?: { path: string; expression: string }[]
}

/** Which parts of a result are requested. */
interface Contents {
  include_metadata: boolean
  with_vector: boolean
}

/** A search with its options, defaults filled in. */
interface Wanted extends Contents, Matching {
  limit: number
  similarity_threshold?: number
  ef_search?: number
}

/** A query; an empty text ranks nothing. */
type Query = string | VectorInput
type EmbeddedQuery = '' | VectorInput

/** Translates a filter to an `expression`; if it consists only of ids, to their `keys` as well. */
async function translated(collection: EngineCollection, filterText: string | null): Promise<Matching> {
  if (filterText === null) return {}
  const { expression, guards, fields } = JSON.parse(await native.filterPlan(filterText))
  for (const { terms, path } of guards) {
    const count = await collection.count(withTerms(terms))
    if (count === 0) continue
    const message =
      `filter.${path}: ${count} vectors have several values there, and the engine cannot tell ` +
      'whether one of them meets the whole condition'
    throw new UnsupportedError(message)
  }
  return {
    expression: written(expression),
    keys: expression.ids?.map(keyOf),
    fields: fields.map((field: any) => ({ path: field.path, expression: written(field.expression) })),
  }
}

/** The fields of a filter that no row has, for a report. */
async function unknownFields(
  collection: EngineCollection,
  { fields = [] }: Matching,
): Promise<Pick<DeleteByFilterReport, 'unknownFields'>> {
  const counts = await Promise.all(fields.map(({ expression }) => collection.count(expression)))
  const unknown = fields.filter((_, i) => counts[i] === 0).map(({ path }) => path)
  return unknown.length > 0 ? { unknownFields: unknown } : {}
}

/** What a dry run shows of the first rows that a filter matched. One that is gone by now is left out. */
async function shownRows(
  collection: EngineCollection,
  matched: string[],
  limit: number,
): Promise<ShownVector[]> {
  const fields = ['id', 'metadata', 'text']
  const rows = await collection.first({ fields, keys: matched.slice(0, limit), limit })
  return rows.map((row) => {
    const { text, ...vector } = vectorOf(row)
    if (text === undefined) return vector
    // A code point has at most two units.
    const beginning = Array.from(text.slice(0, 2 * TEXT_SHOWN))
    return { ...vector, text: beginning.slice(0, TEXT_SHOWN).join('') }
  })
}

/** The fields needed to evaluate a filter. */
const FILTER_FIELDS = ['id', 'metadata']

/** The keys of the rows that match a filter, and the first key that does not. */
async function recheck(rows: ReadRow[], filterText: string) {
  const ids = JSON.stringify(rows.map(({ id }) => idOf(id)))
  const metadata = `[${rows.map((row) => metadataText(row.metadata)).join()}]`
  const places = new Set<number>(JSON.parse(await native.matching(filterText, ids, metadata)))
  const right = rows.filter((_, i) => places.has(i)).map(({ id }) => id)
  return { right, wrong: rows.find((_, i) => !places.has(i))?.id }
}

/** Ignores that the scratch client, which has no vectors, finds guards not met. */
const ofOtherThanGuards = (error: VectorizerError) => {
  if (error.code !== 'TOO_MANY_MATCHES') throw error
}

const filterTextOf = (filter: Filter | undefined) => (filter === undefined ? null : filterJson(filter))

const missing = ({ name }: EngineCollection, id: string) =>
  new VectorNotFoundError(`there is no vector '${id}' in collection '${name}'`)

export class Calls implements Record<CallName, (...args: any[]) => Promise<unknown>> {
  readonly #engine: Engine
  readonly #embedder: Embedder | undefined
  /** For each collection, where the page after the last one read begins. */
  readonly #pages: Map<string, { at: number; key: string }>

  constructor(engine: Engine, embedder: Embedder | undefined, pages = new Map()) {
    this.#engine = engine
    this.#embedder = embedder
    this.#pages = pages
  }

  /** These calls, until the signal is aborted. */
  until(signal: AbortSignal): Calls {
    return new Calls(this.#engine.until(signal), this.#embedder, this.#pages)
  }

  /** Calls `work` with an embedded client that has a collection like the given one. */
  #scratch<T>(
    collection: EngineCollection | null,
    work: (scratch: VectorizerClient) => Promise<T>,
  ): Promise<T> {
    return withScratchClient(this.#embedder, collection, work)
  }

  async #open(name: string): Promise<EngineCollection> {
    try {
      return await EngineCollection.open(this.#engine, name)
    } catch (error) {
      // An invalid name is reported in the embedded client's words, not the engine's.
      await this.#scratch(null, (scratch) => scratch.getCollectionInfo(name)).catch((refusal) => {
        if (refusal.code === 'VALIDATION_ERROR') throw refusal
      })
      throw error
    }
  }

  async ready(): Promise<void> {
    await this.#engine.call('getVersion')
  }

  async createCollection(
    ...args: [name: string, options: CollectionOptions] | [request: CreateCollectionRequest]
  ): Promise<CollectionSummary> {
    const info = await this.#scratch(null, async (scratch) => {
      const { name } = await scratch.createCollection(...(args as [string, CollectionOptions]))
      return scratch.getCollectionInfo(name)
    })
    const { name, description, dimension, similarity_metric: metric, hnsw, created_at } = info
    if (dimension > LARGEST_DIMENSION) {
      const limit = `the engine takes at most ${LARGEST_DIMENSION}`
      throw new UnsupportedError(`dimension is ${dimension}; ${limit}`)
    }
    // A description that is undefined is not stored.
    const settings = { name, description, dimension, metric, hnsw, created_at }
    return this.#brief(await EngineCollection.create(this.#engine, settings))
  }

  async #brief(collection: EngineCollection): Promise<CollectionSummary> {
    const { name, description, dimension, metric, created_at } = collection
    const vector_count = await collection.count()
    const said = description === undefined ? {} : { description }
    return { name, ...said, dimension, similarity_metric: metric, vector_count, created_at }
  }

  async listCollections(): Promise<CollectionSummary[]> {
    const all = await EngineCollection.all(this.#engine)
    return Promise.all(all.map((collection) => this.#brief(collection)))
  }

  async getCollectionInfo(name: string): Promise<CollectionInfo> {
    const collection = await this.#open(name)
    const brief = await this.#brief(collection)
    const { indexed, pending } = await collection.indexed()
    return {
      ...brief,
      updated_at: brief.created_at, // the engine stores no other time
      size_bytes: brief.vector_count * brief.dimension * Float32Array.BYTES_PER_ELEMENT,
      hnsw: collection.hnsw,
      index: { indexed, pending, deleted: Math.max(0, (await collection.stored()) - brief.vector_count) },
      ttl_secs: null,
      expired: 0,
      undoable: 0,
    }
  }

  getCollection(name: string): Promise<CollectionInfo> {
    return this.getCollectionInfo(name)
  }

  async updateCollection(name: string): Promise<never> {
    await this.#open(name)
    refuse('description')
  }

  async renameCollection(name: string): Promise<never> {
    await this.#open(name)
    refuse('rename')
  }

  async reindexCollection(name: string): Promise<never> {
    await this.#open(name)
    refuse('reindex')
  }

  async listEmptyCollections(): Promise<string[]> {
    const all = await this.listCollections()
    return all.filter((one) => one.vector_count === 0).map(({ name }) => name)
  }

  async cleanupEmptyCollections(): Promise<never> {
    refuse('cleanup')
  }

  async deleteCollection(name: string, options?: DeleteCollectionOptions): Promise<void> {
    if (options?.receipt === true) refuse('receipt')
    const collection = await this.#open(name)
    await this.#scratch(collection, (scratch) => scratch.deleteCollection(name, options))
    refuseUndo(options)
    await collection.drop()
    this.#pages.delete(name)
  }

  /**
   * Writes the vectors that `insert` puts into an embedded collection like this one. The listener
   * is called with the progress of the preparation there, and then of the writing. `expiries`: when
   * the caller wants vectors to expire.
   */
  async #insert<T>(
    name: string,
    options: InsertOptions,
    expiries: readonly unknown[],
    insert: (scratch: VectorizerClient, listener: InsertOptions) => Promise<T>,
  ): Promise<T> {
    refuseExpiry([options.expires_at])
    refuseExpiry(expiries)
    const collection = await this.#open(name)
    const { reportProgress, finish } = listening(options)
    const onProgress = (progress: InsertProgress) => {
      if (progress.phase !== 'insert') reportProgress(progress)
    }
    const { report, vectors } = await this.#scratch(collection, async (scratch) => {
      const made = await insert(scratch, { onProgress })
      return { report: made, vectors: await stored(scratch, name) }
    })
    this.#pages.delete(name)
    const total = vectors.length
    await insertRows(collection, await rowsOf(vectors), (done) =>
      reportProgress({ phase: 'insert', done, total }),
    )
    return finish(report)
  }

  insertVectors(
    name: string,
    vectors: readonly CreateVectorRequest[] | VectorColumns,
    options: InsertOptions = {},
  ): Promise<InsertReport> {
    const expiries = Array.isArray(vectors)
      ? vectors.map((one) => one.expires_at)
      : ((vectors as VectorColumns).expires_at ?? [])
    return this.#insert(name, options, expiries, (scratch, listener) =>
      scratch.insertVectors(name, vectors, listener),
    )
  }

  insertText(
    name: string,
    text: string,
    metadata?: MetadataInput,
    options: InsertTextOptions = {},
  ): Promise<string> {
    return this.#insert(name, options, [], (scratch) => scratch.insertText(name, text, metadata))
  }

  batchInsertText(
    name: string,
    texts: readonly string[],
    metadatas?: readonly MetadataInput[],
    options: InsertOptions = {},
  ): Promise<string[]> {
    return this.#insert(name, options, [], (scratch, listener) =>
      scratch.batchInsertText(name, texts, metadatas, listener),
    )
  }

  async insertTexts(
    name: string,
    texts: readonly BatchTextRequest[],
    options: InsertOptions = {},
  ): Promise<BatchResponse> {
    const begin = performance.now()
    const expiries = texts.map((one) => one.expires_at)
    const report = await this.#insert(name, options, expiries, (scratch, listener) =>
      scratch.insertTexts(name, texts, listener),
    )
    return { ...report, duration_ms: performance.now() - begin }
  }

  async #vector(collection: EngineCollection, id: string): Promise<Vector> {
    const [row] = await collection.withKeys([keyOf(id)], WHOLE)
    if (row) return vectorOf(row)
    throw missing(collection, id)
  }

  async getVector(name: string, id: string): Promise<Vector> {
    return this.#vector(await this.#open(name), id)
  }

  async updateVector(name: string, id: string, update: UpdateVectorRequest): Promise<Vector> {
    refuseExpiry([update.expires_at])
    const collection = await this.#open(name)
    const old = await this.#vector(collection, id)
    const vector = await this.#scratch(collection, async (scratch) => {
      await scratch.insertVectors(name, [old])
      return scratch.updateVector(name, id, update)
    })
    await insertRows(collection, await rowsOf([vector]), () => {})
    return vector
  }

  async setVectorExpiry(name: string): Promise<never> {
    await this.#open(name)
    refuse('expiry')
  }

  async setCollectionTtl(name: string, seconds: number | null): Promise<CollectionTtl> {
    await this.#open(name)
    refuseExpiry([seconds])
    return { collection: name, ttl_secs: null, status: 'updated' }
  }

  async resumeExpiry(): Promise<never> {
    refuse('expiry')
  }

  async listVectors(name: string, page = 0, limit = 10): Promise<VectorPage> {
    const collection = await this.#open(name)
    const { offset } = await this.#scratch(collection, (scratch) => scratch.listVectors(name, page, limit))
    const total = await collection.count()
    const known = this.#pages.get(name)
    const from = known?.at === offset ? known.key : await collection.keyBefore(offset)
    const rows = from === null ? [] : await collection.first({ fields: WHOLE, from, limit })
    // Remembered so that reading page after page does not start over each time.
    const last = rows.at(-1)
    if (last) this.#pages.set(name, { at: offset + rows.length, key: last.id })
    return { vectors: rows.map(vectorOf), total, limit, offset }
  }

  async scanVectors(name: string, options: ScanVectorsOptions & Partial<Contents> = {}): Promise<ScanBatch> {
    const collection = await this.#open(name)
    const { cursor, ...rest } = options
    // Cursors are the engine's own; anything else is for the embedded client to refuse.
    const checked = typeof cursor === 'string' ? rest : options
    await this.#scratch(collection, (scratch) => scratch.scanVectors(name, checked))
    const { limit = SCANNED, include_metadata = true, with_vector = false, filter } = givenOf(rest)
    const [made, from] = cursor === undefined ? [collection.made, ''] : scanned(cursor)
    if (made !== collection.made) throw new CollectionNotFoundError(`collection '${name}' is another one now`)
    const { expression, keys } = await translated(collection, filterTextOf(filter))
    const rows = await collection.first({
      fields: resultFields({ include_metadata, with_vector }),
      from,
      expression,
      keys: keys?.filter((key) => key > from),
      limit: limit + 1, // to see whether there are more
    })
    const vectors = rows.slice(0, limit).map(vectorOf)
    const last = rows.length > limit ? rows[limit - 1] : undefined
    return last ? { vectors, cursor: JSON.stringify([made, last.id]) } : { vectors }
  }

  async count(name: string, filter?: Filter): Promise<number> {
    const collection = await this.#open(name)
    const { expression } = await translated(collection, filterTextOf(filter))
    return collection.count(expression)
  }

  /**
   * Replaces the texts among the queries with their embeddings, except for empty ones. `place` says
   * how errors refer to each query.
   */
  async #embedded(
    collection: EngineCollection,
    scratch: VectorizerClient,
    queries: Query[],
    place: TextPlace,
  ): Promise<EmbeddedQuery[]> {
    const isEmbedded = (query: Query): query is string => typeof query === 'string' && query !== ''
    const texts = queries.filter(isEmbedded)
    const ids = await scratch.batchInsertText(collection.name, texts).catch((error) => {
      const places = queries.flatMap((query, i) => (isEmbedded(query) ? [place(i)] : []))
      throw aboutTexts(error, (i) => places[i])
    })
    const vectors = await Promise.all(ids.map((id) => scratch.getVector(collection.name, id)))
    return queries.map((query) =>
      typeof query !== 'string' || query === '' ? query : (vectors.shift() as Vector).data,
    )
  }

  /**
   * The results for each query. First `check` passes the queries, with their texts embedded, to the
   * embedded client, which validates them.
   */
  async #found(
    name: string,
    queries: Query[],
    options: SearchOptions,
    check: (scratch: VectorizerClient, embedded: EmbeddedQuery[]) => Promise<unknown>,
    place: TextPlace = () => 'query',
  ): Promise<SearchResult[][]> {
    const collection = await this.#open(name)
    const vectors = await this.#scratch(collection, async (scratch) => {
      const embedded = await this.#embedded(collection, scratch, queries, place)
      await check(scratch, embedded)
      return embedded
    })
    const matching = await translated(collection, filterTextOf(options.filter))
    const defaults = { limit: 10, include_metadata: true, with_vector: false }
    const { threshold, similarity_threshold = threshold, ...rest } = givenOf(options)
    const wanted: Wanted = { ...defaults, ...rest, similarity_threshold, ...matching }
    const ranked = await this.#ranked(
      collection,
      vectors.filter((vector) => vector !== ''),
      wanted,
    )
    const lists = vectors.map((vector) =>
      vector === '' ? this.#listed(collection, wanted) : (ranked.shift() as SearchResult[]),
    )
    return Promise.all(lists)
  }

  async #listed(
    collection: EngineCollection,
    { limit, expression, keys, ...wanted }: Wanted,
  ): Promise<SearchResult[]> {
    const rows = await collection.first({ fields: resultFields(wanted), expression, keys, limit })
    return rows.map((row) => ({ id: idOf(row.id), score: 0, ...contents(row) }))
  }

  async #ranked(
    collection: EngineCollection,
    vectors: VectorInput[],
    { limit, expression, ef_search, ...wanted }: Wanted,
  ): Promise<SearchResult[][]> {
    if (vectors.length > 0 && limit > MOST_RESULTS) {
      const advice = 'only the empty text, which ranks nothing, lists more'
      throw new UnsupportedError(`limit is ${limit}; the engine ranks at most ${MOST_RESULTS}: ${advice}`)
    }
    const lists: SearchResult[][] = []
    for (let at = 0; at < vectors.length; at += QUERIES_AT_ONCE) {
      const found = await collection.search(vectors.slice(at, at + QUERIES_AT_ONCE), {
        filter: expression,
        limit,
        output_fields: resultFields(wanted),
        params: { ef: Math.max(limit, ef_search ?? collection.hnsw.ef_search) },
      })
      const results = found.map((rows) =>
        rows
          .map(({ score, ...row }) => ({
            id: idOf(row.id),
            score: scoreOf(score, collection.metric),
            ...contents(row),
          }))
          .filter(isAbove(wanted)),
      )
      lists.push(...results)
    }
    return lists
  }

  async search(name: string, query: Query, options: SearchOptions = {}): Promise<SearchResult[]> {
    const [found] = await this.#found(name, [query], options, (scratch, [given]) =>
      scratch.search(name, given, options),
    )
    return found
  }

  searchVectors(name: string, { query_vector, ...options }: SearchRequest): Promise<SearchResponse> {
    return this.#response(name, query_vector, options)
  }

  searchText(name: string, { query, ...options }: TextSearchRequest): Promise<SearchResponse> {
    return this.#response(name, query, options)
  }

  async #response(
    name: string,
    query: Query,
    options: Omit<SearchRequest, 'query_vector'>,
  ): Promise<SearchResponse> {
    const [results] = await this.#found(name, [query], options, (scratch, [given]) =>
      given === ''
        ? scratch.searchText(name, { query: given, ...options })
        : scratch.searchVectors(name, { query_vector: given, ...options }),
    )
    return { results, total: results.length }
  }

  async searchBatch(
    name: string,
    queries: Query[] | Float32Array,
    options: SearchOptions = {},
  ): Promise<SearchResult[][]> {
    const check = (scratch: VectorizerClient, given: Query[] | Float32Array) =>
      scratch.searchBatch(name, given, options)
    if (Array.isArray(queries)) return this.#found(name, queries, options, check, (i) => `queries[${i}]`)
    const { dimension } = await this.#open(name)
    const count = Math.floor(queries.length / dimension)
    const rows = Array.from({ length: count }, (_, i) => queries.subarray(i * dimension, (i + 1) * dimension))
    return this.#found(name, rows, options, (scratch) => check(scratch, queries))
  }

  async deleteVector(name: string, id: string, options?: DeleteVectorOptions): Promise<void> {
    if (options?.receipt === true) refuse('receipt')
    if (typeof options?.backup === 'string') refuse('backup')
    const collection = await this.#open(name)
    await this.#scratch(collection, async (scratch) => {
      await scratch.deleteVector(name, id, options).catch((error) => {
        if (error.code !== 'VECTOR_NOT_FOUND') throw error
      })
    })
    refuseUndo(options)
    this.#pages.delete(name)
    const { deleted } = await deleteIds(collection, [id], () => {})
    if (deleted === 0) throw missing(collection, id)
  }

  async batchDelete(name: string, ids: readonly string[], options?: DeletionOptions): Promise<DeleteReport> {
    const { rest, reportProgress, finish } = deletion(options)
    const collection = await this.#open(name)
    await this.#scratch(collection, async (scratch) => {
      await scratch.batchDelete(name, ids, rest).catch(ofOtherThanGuards)
    })
    refuseUndo(rest)
    this.#pages.delete(name)
    const total = ids.length
    const done = (count: number) => reportProgress({ phase: 'delete', done: count, total })
    return finish(await deleteIds(collection, ids, done, rest))
  }

  deleteVectors(name: string, ids: readonly string[], options?: DeletionOptions): Promise<DeleteReport> {
    return this.batchDelete(name, ids, options)
  }

  async deleteByFilter(
    name: string,
    filter: Filter,
    options?: DeletionOptions,
  ): Promise<DeleteByFilterReport> {
    const { rest, reportProgress, finish } = deletion(options)
    const collection = await this.#open(name)
    await this.#scratch(collection, async (scratch) => {
      await scratch.deleteByFilter(name, filter, rest).catch(ofOtherThanGuards)
    })
    refuseUndo(rest)
    const filterText = filterJson(filter)
    const matching = await translated(collection, filterText)
    const scanned = await collection.count()
    const find = (done: number) => reportProgress({ phase: 'find', done, total: scanned })
    const keys = await this.#matches(collection, filterText, matching, find)
    const isVain = keys.length === 0 && scanned > 0
    const unknown = isVain ? await unknownFields(collection, matching) : {}
    const shown = rest.rows === undefined ? {} : { rows: await shownRows(collection, keys, rest.rows) }
    const found = (): DeleteByFilterReport => {
      const results = keys.map((key) => ({ id: idOf(key), status: 'matched' as const }))
      return { scanned, matched: keys.length, deleted: 0, results, ...shown, ...unknown }
    }
    checkCount(rest, keys.length, 'filter', found)
    if (rest.dryRun) return finish(found())
    this.#pages.delete(name)
    const total = keys.length
    const done = (count: number) => reportProgress({ phase: 'delete', done: count, total })
    // A row that has changed since and no longer matches is kept.
    const look = async (part: string[]) =>
      (await recheck(await collection.withKeys(part, FILTER_FIELDS), filterText)).right
    return finish({ ...(await deleteMatches(collection, keys, scanned, done, look)), ...unknown })
  }

  /**
   * The keys of all rows that match a filter. Every row is read and checked again by the exact
   * evaluator, because a row that the engine matches by mistake would otherwise be deleted.
   */
  async #matches(
    collection: EngineCollection,
    filterText: string,
    matching: Matching,
    reportProgress: ProgressCallback,
  ): Promise<string[]> {
    const keys: string[] = []
    for await (const rows of collection.walk({ ...matching, fields: FILTER_FIELDS })) {
      const { right, wrong } = await recheck(rows, filterText)
      if (wrong !== undefined) {
        const message =
          `the engine matched vector '${idOf(wrong)}', which the filter does not: nothing was deleted. ` +
          'Was it written by something else than this client?'
        throw new StorageError(message)
      }
      keys.push(...right)
      reportProgress(keys.length)
    }
    return keys
  }

  async replace(name: string): Promise<never> {
    await this.#open(name)
    refuse('replace')
  }

  async bulkUpdateMetadata(name: string): Promise<never> {
    await this.#open(name)
    refuse('changes')
  }

  async batchUpdateVectors(name: string): Promise<never> {
    await this.#open(name)
    refuse('changes')
  }

  async moveToCollection(source: string, destination: string): Promise<never> {
    return this.#transfer(source, destination)
  }

  async copyVectors(source: string, destination: string): Promise<never> {
    return this.#transfer(source, destination)
  }

  async #transfer(source: string, destination: string): Promise<never> {
    await this.#open(source)
    await this.#open(destination)
    refuse('transfer')
  }

  async forget(): Promise<never> {
    refuse('forget')
  }

  async listDeleted(name?: string): Promise<never> {
    if (name !== undefined) await this.#open(name)
    refuse('undo')
  }

  async undelete(name: string): Promise<never> {
    await this.#open(name)
    refuse('undo')
  }

  async purgeDeleted(name: string): Promise<never> {
    await this.#open(name)
    refuse('undo')
  }

  async getLedger(): Promise<never> {
    refuse('ledger')
  }

  async optimize(name: string, options: OptimizeOptions = {}): Promise<void> {
    const { reportProgress, finish } = listening(options)
    const collection = await this.#open(name)
    await collection.compact(() => new Promise((resolve) => setTimeout(resolve, PAUSE)), reportProgress)
    return finish(undefined)
  }

  async flush(): Promise<void> {
    const all = await EngineCollection.all(this.#engine)
    for (const collection of all) await collection.flush()
  }

  async verifyErased(): Promise<never> {
    refuse('verifyErased')
  }

  async createBackup(): Promise<never> {
    refuse('createBackup')
  }

  async exportKeys(): Promise<never> {
    refuse('exportKeys')
  }

  async rotateKeys(): Promise<never> {
    refuse('rotateKeys')
  }

  async serve(): Promise<never> {
    refuse('serve')
  }
}

/** Rewrites an error about texts that the caller passed under another name. */
function aboutTexts(error: unknown, place: TextPlace): unknown {
  if (!(error instanceof VectorizerError)) return error
  const { message } = error
  error.message = message.replace(/\btexts\[(\d+)\]/, (_, i) => place(Number(i)))
  error.stack = error.stack?.replace(message, () => error.message)
  return error
}

/** All vectors of an embedded collection. */
async function stored(scratch: VectorizerClient, name: string): Promise<Vector[]> {
  const total = await scratch.count(name)
  return total === 0 ? [] : (await scratch.listVectors(name, 0, total)).vectors
}

/** The fields to read for results. */
const resultFields = ({ include_metadata, with_vector }: Contents) => [
  'id',
  'text',
  ...(include_metadata ? ['metadata'] : []),
  ...(with_vector ? ['vector'] : []),
]

/** A result without its id and score. */
function contents(row: ReadRow): Omit<Vector, 'id'> {
  const { id, ...rest } = vectorOf(row)
  return rest
}

/** The options that have a value. */
const givenOf = <T extends object>(options: T): Partial<T> & Record<string, any> =>
  Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined && value !== null),
  ) as any

/** The creation of a collection and the key of the last row that a cursor of a scan names. */
function scanned(cursor: string): [made: string, key: string] {
  try {
    const parts = JSON.parse(cursor)
    if (Array.isArray(parts) && parts.length === 2 && parts.every((part) => typeof part === 'string'))
      return parts as [string, string]
  } catch {
    // Another text.
  }
  const advice = 'pass the one of the last batch'
  throw new ValidationError(`options.cursor is not the cursor of a scan: ${advice}`)
}

const isAbove =
  ({ similarity_threshold: least }: { similarity_threshold?: number }) =>
  ({ score }: { score: number }) =>
    least === undefined || score >= least
