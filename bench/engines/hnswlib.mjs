import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const { HierarchicalNSW } = require('hnswlib-node')

export const { version } = require('hnswlib-node/package.json')
export const label = 'hnswlib-node'
export const memoryOnly = true

/**
 * It knows numbers and vectors only, so ids and metadata are kept beside it, as its users have to. Its
 * calls block; what is awaited is only the promise around them.
 */
export async function open({ dim, capacity, replaceDeleted = false }) {
  const index = new HierarchicalNSW('cosine', dim)
  const allowReplaceDeleted = replaceDeleted
  index.initIndex({ maxElements: capacity, m: 16, efConstruction: 200, allowReplaceDeleted })
  const labels = new Map()
  const ids = []
  const metadataOf = new Map()

  function remove(id) {
    index.markDelete(labels.get(id))
    labels.delete(id)
    metadataOf.delete(id)
  }

  /** Room is never given back where deleted points are not replaced. */
  function makeRoom(points) {
    const needed = index.getCurrentCount() + points
    const room = index.getMaxElements()
    if (needed > room) index.resizeIndex(Math.max(needed, Math.ceil(room * 1.5)))
  }

  function find(vector, limit, ef) {
    if (index.getEf() !== ef) index.setEf(ef)
    return index.searchKnn(vector, limit).neighbors.map((label) => ids[label])
  }

  return {
    settings: 'M 16, ef_construction 200',
    efs: [10, 16, 24, 32, 48, 64, 96, 128, 192],
    async insert(batch, data, metadata) {
      if (!replaceDeleted) makeRoom(batch.length)
      for (const [i, id] of batch.entries()) {
        index.addPoint(Array.from(data.subarray(i * dim, (i + 1) * dim)), ids.length, replaceDeleted)
        labels.set(id, ids.length)
        // A copy, as an engine makes: the benchmark's own metadata are not the engine's memory.
        metadataOf.set(id, JSON.parse(JSON.stringify(metadata[i])))
        ids.push(id)
      }
    },
    async index() {},
    query: (vector) => Array.from(vector),
    search: async (vector, limit, ef) => find(vector, limit, ef),
    searchSync: find,
    async deleteOne(id) {
      remove(id)
    },
    async deleteMany(batch) {
      for (const id of batch) remove(id)
    },
    async deleteByFilter({ field, below }) {
      for (const [id, metadata] of metadataOf) if (metadata[field] < below) remove(id)
    },
    count: async () => labels.size,
    async close() {},
  }
}
