import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const { Index, MetricKind, ScalarKind } = require('usearch')

// Its package.json is not among its exports.
const main = require.resolve('usearch')
export const { version } = require(main.replace(/javascript.dist.*$/, 'package.json'))
export const label = 'usearch'
export const memoryOnly = true

/**
 * It knows numbers and vectors only, so ids and metadata are kept beside it, as its users have to. Its
 * calls block; what is awaited is only the promise around them.
 */
export async function open({ dim }) {
  const index = new Index({
    dimensions: dim,
    metric: MetricKind.Cos,
    quantization: ScalarKind.F32,
    connectivity: 16,
    expansion_add: 200,
    expansion_search: 10,
  })
  const keys = new Map()
  const ids = []
  // Keys are used again: of ever new ones, its table of keys fills up with those that were removed, and
  // an insert then never returns.
  const free = []
  const metadataOf = new Map()

  function remove(id) {
    index.remove(keys.get(id))
    forget(id)
  }

  function forget(id) {
    free.push(keys.get(id))
    keys.delete(id)
    metadataOf.delete(id)
  }

  /**
   * How many candidates a search keeps is fixed when the index is made, but never fewer than the results
   * that are asked for: this is how each search can have its own number.
   */
  const find = (vector, limit, ef) =>
    Array.from(index.search(vector, ef, 1).keys.subarray(0, limit), (key) => ids[Number(key)])

  return {
    settings: 'connectivity 16, expansion_add 200, f32',
    efs: [10, 16, 24, 32, 48, 64, 96, 128, 192],
    async insert(batch, data, metadata) {
      const given = batch.map(() => free.pop() ?? BigInt(ids.push(undefined) - 1))
      index.add(BigUint64Array.from(given), data)
      for (const [i, id] of batch.entries()) {
        keys.set(id, given[i])
        ids[Number(given[i])] = id
        // A copy, as an engine makes: the benchmark's own metadata are not the engine's memory.
        metadataOf.set(id, JSON.parse(JSON.stringify(metadata[i])))
      }
    },
    async index() {},
    query: (vector) => vector,
    search: async (vector, limit, ef) => find(vector, limit, ef),
    searchSync: find,
    async deleteOne(id) {
      remove(id)
    },
    async deleteMany(batch) {
      index.remove(BigUint64Array.from(batch, (id) => keys.get(id)))
      for (const id of batch) forget(id)
    },
    async deleteByFilter({ field, below }) {
      for (const [id, metadata] of metadataOf) if (metadata[field] < below) remove(id)
    },
    count: async () => keys.size,
    async close() {},
  }
}
