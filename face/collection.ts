// One collection of a client, with the calls of the client that are about it.
import { fail, known, read } from './arguments.js'
import { callFor } from './caller.js'
import { type CallName, type Collection, calls, type Vectorizer } from './calls.js'
import { codeOf, DimensionMismatchError, ValidationError } from './errors.js'
import { keys } from './keys.js'
import type { CollectionInfo, OpenCollectionOptions } from './types.js'

/** The calls that are about no collection, or make one. */
const OTHERS: Record<Exclude<CallName, keyof Collection>, true> = {
  ready: true,
  createCollection: true,
  listCollections: true,
  flush: true,
  createBackup: true,
  exportKeys: true,
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

/** Refuses a collection that is not as it was asked for. */
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

/** A collection of a client, which is made where there is none and `options` are given. */
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
      // Where it was deleted meanwhile, it is made after all.
      if (codeOf(error) !== 'COLLECTION_NOT_FOUND') throw error
    }
  }
}
