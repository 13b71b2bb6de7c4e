// A handle to one collection: the client's calls that concern a collection.
import { fail, known, read } from './arguments.js'
import { callFor } from './caller.js'
import { type CallName, type Collection, calls, type Vectorizer } from './calls.js'
import { codeOf, DimensionMismatchError, ValidationError } from './errors.js'
import { keys } from './keys.js'
import { scanOf } from './scan.js'
import type { CollectionInfo, OpenCollectionOptions } from './types.js'

/** The calls that concern no collection, or create or rename one. */
const OTHERS: Record<Exclude<CallName, keyof Collection>, true> = {
  ready: true,
  createCollection: true,
  listCollections: true,
  listEmptyCollections: true,
  cleanupEmptyCollections: true,
  renameCollection: true,
  forget: true,
  flush: true,
  createBackup: true,
  exportKeys: true,
  getLedger: true,
  resumeExpiry: true,
  rotateKeys: true,
  serve: true,
}

class NamedCollection {
  readonly name: string
  readonly #client: any

  constructor(client: Vectorizer, name: string) {
    this.#client = client
    this.name = name
  }

  scan(options?: unknown) {
    return scanOf(this.#client, this.name, options, this.scan)
  }

  static {
    for (const name of Object.keys(calls).filter((name) => !Object.hasOwn(OTHERS, name))) {
      const method = {
        async [name](this: NamedCollection, ...args: unknown[]) {
          return await callFor(method[name], () => this.#client[name](this.name, ...args))
        },
      }
      const value = method[name]
      Object.defineProperty(NamedCollection.prototype, name, { value, writable: true, configurable: true })
    }
  }
}

/** Throws if a collection differs from the options it was requested with. */
function check({ name, dimension, similarity_metric, hnsw }: CollectionInfo, wanted: OpenCollectionOptions) {
  const has = (what: string, there: unknown, given: unknown) =>
    `collection '${name}' exists and has ${what} ${there}, not ${given}`
  if (dimension !== wanted.dimension) {
    const error = new DimensionMismatchError(has('dimension', dimension, wanted.dimension))
    throw Object.assign(error, { expected: dimension, got: wanted.dimension })
  }
  const metric = wanted.metric ?? wanted.similarity_metric ?? similarity_metric
  if (metric !== similarity_metric) throw new ValidationError(has('metric', similarity_metric, metric))
  for (const [key, given] of Object.entries(wanted.hnsw ?? {})) {
    const there = hnsw[key as keyof typeof hnsw]
    if (there !== given) throw new ValidationError(has(`hnsw.${key}`, there, given))
  }
}

/** A handle to a collection, which is created if it does not exist and `options` are given. */
export async function collectionOf(
  client: Vectorizer,
  name: string,
  options: unknown,
): Promise<Collection<any>> {
  const collection = () => new NamedCollection(client, name) as unknown as Collection
  if (options === undefined) {
    await client.getCollectionInfo(name)
    return collection()
  }
  const { ifExists = 'error', ...wanted } = read(() =>
    known(options, 'options', keys.collection),
  ) as OpenCollectionOptions
  if (ifExists !== 'error' && ifExists !== 'open') fail('options.ifExists', "'error' or 'open'", ifExists)
  for (;;) {
    try {
      await client.createCollection(name, wanted)
      return collection()
    } catch (error) {
      if (ifExists === 'error' || codeOf(error) !== 'COLLECTION_EXISTS') throw error
    }
    try {
      check(await client.getCollectionInfo(name), wanted)
      return collection()
    } catch (error) {
      // If it has been deleted in the meantime, try to create it again.
      if (codeOf(error) !== 'COLLECTION_NOT_FOUND') throw error
    }
  }
}
