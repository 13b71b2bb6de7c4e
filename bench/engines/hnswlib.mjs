import { createRequire } from 'node:module'
import { Metadata } from './metadata.mjs'

const { HierarchicalNSW } = createRequire(import.meta.url)('hnswlib-node')

/**
 * It knows only numbers and vectors, so ids and metadata are kept in JavaScript. Its calls are synchronous;
 * only the promise around them is awaited.
 */
export function open({ dim, capacity, replaceDeleted = false }) {
  const index = new HierarchicalNSW('cosine', dim)
  const allowReplaceDeleted = replaceDeleted
  index.initIndex({ maxElements: capacity, m: 16, efConstruction: 200, allowReplaceDeleted })
  const labels = new Map()
  const ids = []
  const metadata = new Metadata()

  function remove(id) {
    index.markDelete(labels.get(id))
    labels.delete(id)
    metadata.delete(id)
  }

  /** The capacity never shrinks if deleted points are not replaced. */
  function makeRoom(points) {
    const needed = index.getCurrentCount() + points
    const room = index.getMaxElements()
    if (needed > room) index.resizeIndex(Math.max(needed, Math.ceil(room * 1.5)))
  }

  function searchSync(vector, limit, ef) {
    if (index.getEf() !== ef) index.setEf(ef)
    return index.searchKnn(vector, limit).neighbors.map((label) => ids[label])
  }

  return {
    settings: 'M 16, ef_construction 200',
    async insert(rows) {
      if (!replaceDeleted) makeRoom(rows.ids.length)
      for (const [i, id] of rows.ids.entries()) {
        const vector = rows.data.subarray(i * dim, (i + 1) * dim)
        index.addPoint(Array.from(vector), ids.length, replaceDeleted)
        labels.set(id, ids.length)
        ids.push(id)
      }
      metadata.insert(rows.ids, rows.metadata)
    },
    query: (vector) => Array.from(vector),
    search: async (vector, limit, ef) => searchSync(vector, limit, ef),
    searchSync,
    async deleteOne(id) {
      remove(id)
    },
    async deleteMany(batch) {
      for (const id of batch) remove(id)
    },
    async deleteByFilter(filter) {
      for (const id of metadata.matches(filter)) remove(id)
    },
    count: async () => labels.size,
  }
}
