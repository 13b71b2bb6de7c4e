// One collection of the engine: its settings, and operations on its rows, in portions that the
// engine accepts. All reads are strongly consistent.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { CollectionExistsError, CollectionNotFoundError, StorageError } from '../errors.js'
import type { HnswOptions, OptimizeProgress, SimilarityMetric, VectorInput } from '../types.js'
import { type Engine, withUnknownOutcome } from './engine.js'
import { after, EVERY, withKeys } from './expression.js'
import { collectionKey } from './names.js'
import { fieldsOf, KEYS_AT_ONCE, portions, type ReadRow, ROWS_AT_ONCE, type Row } from './rows.js'

/** The property that marks a collection as ours in the engine. */
const MARK = 'vectorizer-native'
const METRICS: Record<SimilarityMetric, string> = { cosine: 'COSINE', euclidean: 'L2', dot_product: 'IP' }
/** How often to look for a collection that may be about to be created, and the pause in between. */
const LOOKS = 10
const PAUSE = 100
/** The engine's code for strong consistency. */
const STRONG = 0

/** The settings of a collection. */
export interface Settings {
  name: string
  description: string | undefined
  dimension: number
  metric: SimilarityMetric
  hnsw: Required<HnswOptions>
  created_at: string
}

/**
 * Settings as they are stored with a collection, and a mark that identifies this creation of it.
 */
interface Marked extends Omit<Settings, 'dimension'> {
  made: string
}

/** Which rows to read, and which of their fields. */
interface Walk {
  expression?: string | undefined
  keys?: string[] | undefined
  fields?: string[]
  /** The key of the row before the first. */
  from?: string
}

/** The settings in the engine's description of a collection, if it is one of ours. */
function settingsOf({ properties, schema }: any): Marked | undefined {
  const property = properties.find(({ key }: { key: string }) => key === MARK)
  try {
    return JSON.parse(property?.value ?? schema.description)[MARK]
  } catch {
    return undefined
  }
}

function exists(name: string): CollectionExistsError {
  const advice = 'choose another name, or delete it first'
  return new CollectionExistsError(`collection '${name}' already exists: ${advice}`)
}

const isAscending = (keys: string[]) => keys.every((key, i) => i === 0 || key > keys[i - 1])

export class EngineCollection {
  readonly #engine: Engine
  readonly key: string
  declare readonly name: string
  declare readonly description: string | undefined
  declare readonly dimension: number
  declare readonly metric: SimilarityMetric
  declare readonly hnsw: Required<HnswOptions>
  declare readonly created_at: string
  declare readonly made: string

  constructor(engine: Engine, key: string, settings: Settings & Marked) {
    this.#engine = engine
    this.key = key
    Object.assign(this, settings)
  }

  /** Finds a collection by name; `undefined` if the engine has one that is not ours. */
  static async find(
    engine: Engine,
    name: string,
    key = collectionKey(name),
  ): Promise<EngineCollection | undefined> {
    const answer = await engine.call('describeCollection', { collection_name: key }, { collection: name })
    const settings = settingsOf(answer)
    if (!settings) return undefined
    const { dim } = answer.schema.fields.find((field: any) => field.name === 'vector')
    return new EngineCollection(engine, key, { ...settings, dimension: Number(dim) })
  }

  static async open(engine: Engine, name: string): Promise<EngineCollection> {
    const found = await EngineCollection.find(engine, name)
    if (found) return found
    const message = `collection '${name}' is in the engine, but was not made by this client: choose another name`
    throw new CollectionNotFoundError(message)
  }

  /** All collections that are ours, by name. */
  static async all(engine: Engine): Promise<EngineCollection[]> {
    const { data } = await engine.call('showCollections')
    const found: (EngineCollection | undefined)[] = await Promise.all(
      data.map(async ({ name }: { name: string }) => {
        try {
          return await EngineCollection.find(engine, name, name)
        } catch (error) {
          if (error instanceof CollectionNotFoundError) return undefined // dropped in the meantime
          throw error
        }
      }),
    )
    return found.filter((one) => one !== undefined).sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** Creates a collection with these settings, and its indexes. */
  static async create(engine: Engine, { name, dimension, ...settings }: Settings): Promise<EngineCollection> {
    const key = collectionKey(name)
    const of = { collection_name: key }
    if ((await engine.call('hasCollection', of)).value) throw exists(name)
    const made: Marked = { name, made: randomUUID(), ...settings }
    const mark = JSON.stringify({ [MARK]: made })
    const request = {
      ...of,
      // Not every engine stores both.
      description: mark,
      properties: { [MARK]: mark },
      consistency_level: 'Strong',
      fields: fieldsOf(engine.types, dimension),
    }
    try {
      await engine.call('createCollection', request, { once: true })
    } catch (error) {
      await EngineCollection.#confirm(engine, key, made, error)
    }
    try {
      await engine.call('createIndex', {
        ...of,
        field_name: 'vector',
        index_name: 'vector',
        index_type: 'HNSW',
        metric_type: METRICS[made.metric],
        params: { M: made.hnsw.m, efConstruction: made.hnsw.ef_construction },
      })
      const terms = { field_name: 'terms', index_name: 'terms', index_type: 'INVERTED' }
      await engine.call('createIndex', { ...of, ...terms }, { optional: true })
      await engine.load(key)
    } catch (error) {
      await engine.call('dropCollection', of).catch(() => {}) // the first error is the one that matters
      throw error
    }
    return new EngineCollection(engine, key, { ...made, dimension })
  }

  /** Checks that a collection was created in spite of an error: the answer may have been lost. */
  static async #confirm(engine: Engine, key: string, { name, made }: Marked, error: unknown): Promise<void> {
    const found = await EngineCollection.#appearing(engine, name, key, error)
    if (found?.made !== made) throw exists(name) // another one was created in the meantime
  }

  /** Waits for a collection that may be about to be created and is not visible until it is. */
  static async #appearing(
    engine: Engine,
    name: string,
    key: string,
    error: unknown,
  ): Promise<EngineCollection | undefined> {
    for (let looks = 1; ; looks++) {
      try {
        return await EngineCollection.find(engine, name, key)
      } catch (failure) {
        if (!(failure instanceof CollectionNotFoundError)) throw failure
        if (looks === LOOKS) throw error
        await sleep(PAUSE)
      }
    }
  }

  call(method: string, request?: object): Promise<any> {
    return this.#engine.call(method, { collection_name: this.key, ...request }, { collection: this.name })
  }

  async drop(): Promise<void> {
    try {
      await this.call('dropCollection')
    } catch (error) {
      // It did exist: an answer was lost, or another client has dropped it.
      if (!(error instanceof CollectionNotFoundError)) throw error
    }
  }

  async query(request: object): Promise<any[]> {
    const { data } = await this.call('query', { consistency_level: STRONG, ...request })
    return data
  }

  /** How many rows there are, or how many match an expression. */
  async count(expression = ''): Promise<number> {
    const [row] = await this.query({ filter: expression, output_fields: ['count(*)'] })
    return Number(row['count(*)'])
  }

  /** The rows with these keys that exist. */
  async withKeys(keys: string[], fields = ['id']): Promise<ReadRow[]> {
    const read: ReadRow[] = []
    for (const part of portions(keys)) {
      // Without a limit, engines may apply one of their own.
      read.push(...(await this.query({ filter: withKeys(part), output_fields: fields, limit: part.length })))
    }
    return read
  }

  /**
   * Rows in the order of their keys, after a given one, in portions: those that match an
   * expression, or those with the given `keys`, which the engine finds without a scan.
   */
  async *walk({ expression, keys, fields = ['id'], from = '' }: Walk): AsyncGenerator<ReadRow[]> {
    if (keys) {
      for (const part of portions([...new Set(keys)].sort())) {
        const read = await this.withKeys(part, fields)
        yield read.sort((a, b) => (a.id < b.id ? -1 : 1))
      }
      return
    }
    const limit = fields.length > 1 ? ROWS_AT_ONCE : KEYS_AT_ONCE
    for (let last = from; ; ) {
      const read: ReadRow[] = await this.query({
        filter: last === '' ? (expression ?? EVERY) : after(last, expression),
        output_fields: fields,
        limit,
        params: { iterator: 'True' }, // in the order of keys
      })
      const end = read.at(-1)
      if (end === undefined) return
      // Rows in a different order would be skipped silently.
      if (!isAscending([last, ...read.map(({ id }) => id)])) {
        throw new StorageError('the engine lists rows in another order than that of their keys')
      }
      yield read
      last = end.id
    }
  }

  /** The key of the row before position `at` in key order; `null` past the end. */
  async keyBefore(at: number): Promise<string | null> {
    if (at === 0) return ''
    let before = 0
    for await (const part of this.walk({})) {
      if (at <= before + part.length) return part[at - before - 1].id
      before += part.length
    }
    return null
  }

  /** The first rows that match, in the order of their keys. */
  async first({ limit, ...walk }: Walk & { limit: number }): Promise<ReadRow[]> {
    const read: ReadRow[] = []
    for await (const part of this.walk(walk)) {
      read.push(...part.slice(0, limit - read.length))
      if (read.length >= limit) break
    }
    return read
  }

  /** Writes rows, at most one portion. */
  async upsert(rows: Row[]): Promise<void> {
    await this.call('upsert', { data: rows })
  }

  /** Deletes the rows with these keys, at most one portion, and checks that they are gone. */
  async remove(keys: string[]): Promise<void> {
    await this.call('deleteEntities', { filter: withKeys(keys) })
    const left = await this.withKeys(keys).catch((error) => {
      throw withUnknownOutcome(error) // they may be gone all the same
    })
    if (left.length === 0) return
    const message = `the engine still has ${left.length} of ${keys.length} vectors that it deleted`
    throw withUnknownOutcome(new StorageError(message))
  }

  /** How many vectors are in the engine's graph, and how many are not yet. */
  async indexed(): Promise<{ indexed: number; pending: number }> {
    const { index_descriptions: all } = await this.call('describeIndex', { field_name: 'vector' })
    const index = all.find(({ field_name }: any) => field_name === 'vector')
    if (index.state === 'Failed') {
      throw new StorageError(`the engine could not build its index: ${index.index_state_fail_reason}`)
    }
    return { indexed: Number(index.indexed_rows), pending: Number(index.pending_index_rows) }
  }

  /** How many rows the engine stores, including deleted ones. */
  async stored(): Promise<number> {
    const { data } = await this.call('getCollectionStatistics')
    return Number(data.row_count)
  }

  async flush(): Promise<void> {
    await this.#engine.call('flushSync', { collection_names: [this.key] }, { collection: this.name })
  }

  /** Makes the engine compact deleted rows out of its files, and waits for its graph. */
  async compact(
    pause: () => Promise<unknown>,
    reportProgress: (progress: OptimizeProgress) => void,
  ): Promise<void> {
    await this.flush()
    const { compactionID } = await this.call('compact')
    const rewrite = (done: number) => reportProgress({ phase: 'rewrite', done, total: 1 })
    rewrite(0)
    // An engine that compacts by itself has no compaction to wait for.
    while (Number(compactionID) > 0) {
      const { state } = await this.#engine.call('getCompactionState', { compactionID })
      if (state !== 'Executing') break
      await pause()
    }
    rewrite(1)
    for (let pending = 1; pending > 0; ) {
      const index = await this.indexed()
      pending = index.pending
      reportProgress({ phase: 'build', done: index.indexed, total: index.indexed + pending })
      if (pending > 0) await pause()
    }
  }

  /** Ranks rows by each of the given vectors. */
  async search(vectors: VectorInput[], request: object): Promise<any[][]> {
    const { results } = await this.call('search', {
      data: vectors,
      anns_field: 'vector',
      metric_type: METRICS[this.metric],
      consistency_level: STRONG,
      ...request,
    })
    // For a single query, the engine's client unwraps the list of results.
    return vectors.length === 1 ? [results] : results.length > 0 ? results : vectors.map(() => [])
  }
}
