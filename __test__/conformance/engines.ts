// The clients that one suite is written for: what is promised of all of them is tested with each.
import {
  ClientClosedError,
  type SimilarityMetric,
  type Vectorizer,
  type VectorizerClientOptions,
} from '../..'
import { MilvusVectorizerClient } from '../../milvus'
import { client, idsOf } from '../support/collections'
import { directory } from '../support/disk'
import { atEnd } from '../support/ending'
import { isInstalled, milvusServer } from '../support/milvus'

type Options = Pick<VectorizerClientOptions, 'embedder'>
type Listed = string | { id: string }

const nameOf = (one: Listed) => (typeof one === 'string' ? one : one.id)
const byId = (a: Listed, b: Listed) => (nameOf(a) < nameOf(b) ? -1 : 1)

/** A client of an empty store. It is of no use any more after the test. */
type Open = (options: Options) => Vectorizer | Promise<Vectorizer>

export class Engine {
  /** Embedded engines keep the order of insertion: in lists, and among equal scores. */
  readonly isEmbedded: boolean
  /** Whether its stores have a ledger of erasures. */
  readonly hasLedger: boolean
  readonly #open: Open

  constructor(isEmbedded: boolean, open: Open, hasLedger = false) {
    this.isEmbedded = isEmbedded
    this.hasLedger = hasLedger
    this.#open = open
  }

  /** What is taken: all that the engine takes at most, or, where it has no limit, more. */
  get limits() {
    return this.isEmbedded
      ? { dimension: 65_535, metadata: 100_000, text: 100_000, results: 20_000 }
      : { dimension: 32_768, metadata: 65_536, text: 65_535, results: 16_384 }
  }

  /** To how many digits after the point scores are exact. */
  get digits() {
    return this.isEmbedded ? 9 : 4
  }

  /** A client of an empty store. */
  async open(options: Options = {}) {
    return this.#open(options)
  }

  /** A client with an empty collection `things`. */
  async things(dimension = 2, metric: SimilarityMetric = 'cosine', options: Options = {}) {
    const client = await this.open(options)
    await client.createCollection('things', { dimension, metric })
    return client
  }

  /** A client whose collection `things` holds a vector for each id, all different. */
  async holding(...ids: string[]) {
    const client = await this.things()
    const rows = ids.map((id, i) => ({ id, data: [1, i], metadata: { place: i, name: id } }))
    await client.insertVectors('things', rows)
    return client
  }

  /** A list of vectors or ids, to compare with another: by id, where no order is promised. */
  arranged<T extends Listed>(list: readonly T[]): T[] {
    return this.isEmbedded ? [...list] : [...list].sort(byId)
  }

  /** The ids of all of a collection. */
  async idsOf(client: Vectorizer, collection = 'things') {
    return this.arranged(await idsOf(client, collection))
  }

  /** All vectors of a collection. */
  async vectorsOf(client: Vectorizer, collection = 'things') {
    const { vectors } = await client.listVectors(collection, 0, 1_000_000)
    return this.arranged(vectors)
  }
}

/** Each engine by name, with what makes it ready within a `describe`. */
export const engines: [name: string, ready: () => Engine][] = [
  ['embedded, in memory', () => new Engine(true, client)],
  ['embedded, on disk', () => new Engine(true, (options) => client({ path: directory(), ...options }))],
  [
    'embedded, on disk with a ledger',
    () => new Engine(true, (options) => client({ path: directory(), ledger: true, ...options }), true),
  ],
]

if (isInstalled) engines.push(['Milvus', () => new Engine(false, milvus())])

function milvus(): Open {
  const server = milvusServer()
  const connected = async (options: Options) =>
    new MilvusVectorizerClient({ address: server.address, database: await server.database(), ...options })

  // To make a client takes long. One without options serves the next test as well, if it can.
  let kept: Vectorizer | undefined
  const emptied = async (used: Vectorizer) => {
    try {
      for (const { name } of await used.listCollections()) await used.deleteCollection(name)
    } catch (error) {
      if (!(error instanceof ClientClosedError)) throw error
      kept = undefined
    }
  }
  afterAll(() => kept?.close())

  return async (options) => {
    if (options.embedder) {
      const own = await connected(options)
      atEnd(() => own.close())
      return own
    }
    kept ??= await connected({})
    const opened = kept
    atEnd(() => emptied(opened))
    return opened
  }
}
