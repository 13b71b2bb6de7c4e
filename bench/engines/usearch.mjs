import { createRequire } from 'node:module'
import { Metadata } from './metadata.mjs'

const { Index, MetricKind, ScalarKind } = createRequire(import.meta.url)('usearch')

/**
 * It knows only numbers and vectors, so ids and metadata are kept in JavaScript. Its calls are synchronous;
 * only the promise around them is awaited.
 */
export function open({ dim }) {
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
  // Keys are reused: with ever new keys, its key table fills up with removed ones, and then an insert never
  // returns.
  const free = []
  const metadata = new Metadata()

  function remove(id) {
    index.remove(keys.get(id))
    forget(id)
  }

  function forget(id) {
    free.push(keys.get(id))
    keys.delete(id)
    metadata.delete(id)
  }

  /**
   * The size of the candidate list is fixed when the index is created, but it is never smaller than the
   * number of requested results, which lets each search choose its own.
   */
  const searchSync = (vector, limit, ef) =>
    Array.from(index.search(vector, ef, 1).keys.subarray(0, limit), (key) => ids[Number(key)])

  return {
    settings: 'connectivity 16, expansion_add 200, f32',
    async insert(rows) {
      const given = rows.ids.map(() => free.pop() ?? BigInt(ids.push(undefined) - 1))
      index.add(BigUint64Array.from(given), rows.data)
      for (const [i, id] of rows.ids.entries()) {
        keys.set(id, given[i])
        ids[Number(given[i])] = id
      }
      metadata.insert(rows.ids, rows.metadata)
    },
    search: async (vector, limit, ef) => searchSync(vector, limit, ef),
    searchSync,
    async deleteOne(id) {
      remove(id)
    },
    async deleteMany(batch) {
      index.remove(BigUint64Array.from(batch, (id) => keys.get(id)))
      for (const id of batch) forget(id)
    },
    async deleteByFilter(filter) {
      for (const id of metadata.matches(filter)) remove(id)
    },
    count: async () => keys.size,
  }
}
