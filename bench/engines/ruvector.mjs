import { createRequire } from 'node:module'
import { join } from 'node:path'

const require = createRequire(import.meta.url)
const { VectorDb, JsDistanceMetric } = require('@ruvector/core')

export const { version } = require('@ruvector/core/package.json')
export const label = '@ruvector/core'
/** Its file stays locked until its process ends. */
export const cannotClose = true

/** It keeps vectors in a file and no metadata, so those are kept beside it, as its users have to. */
export async function open({ dim, capacity, folder }) {
  const database = new VectorDb({
    dimensions: dim,
    distanceMetric: JsDistanceMetric.Cosine,
    storagePath: join(folder, 'ruvector.db'),
    hnswConfig: { m: 16, efConstruction: 200, efSearch: 100, maxElements: capacity },
  })
  const metadataOf = new Map()

  async function remove(id) {
    await database.delete(id)
    metadataOf.delete(id)
  }

  return {
    settings: 'M 16, ef_construction 200, a file',
    efs: [10, 16, 24, 32, 48, 64, 96, 128, 192],
    async insert(batch, data, metadata) {
      await database.insertBatch(batch.map((id, i) => ({ id, vector: data.slice(i * dim, (i + 1) * dim) })))
      // A copy, as an engine makes: the benchmark's own metadata are not the engine's memory.
      for (const [i, id] of batch.entries()) metadataOf.set(id, JSON.parse(JSON.stringify(metadata[i])))
    },
    async index() {},
    query: (vector) => vector,
    async search(vector, k, efSearch) {
      const found = await database.search({ vector, k, efSearch })
      return found.map((result) => result.id)
    },
    deleteOne: remove,
    async deleteMany(batch) {
      for (const id of batch) await remove(id)
    },
    async deleteByFilter({ field, below }) {
      for (const [id, metadata] of metadataOf) if (metadata[field] < below) await remove(id)
    },
    count: () => database.len(),
    async close() {},
  }
}
