import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Metadata } from './metadata.mjs'

const { VectorDb, JsDistanceMetric } = createRequire(import.meta.url)('@ruvector/core')

/** It stores vectors in a file but no metadata, so metadata is kept in JavaScript. */
export function open({ dim, capacity, folder }) {
  const database = new VectorDb({
    dimensions: dim,
    distanceMetric: JsDistanceMetric.Cosine,
    storagePath: join(folder, 'ruvector.db'),
    hnswConfig: { m: 16, efConstruction: 200, efSearch: 100, maxElements: capacity },
  })
  const metadata = new Metadata()

  async function deleteOne(id) {
    await database.delete(id)
    metadata.delete(id)
  }

  return {
    settings: 'M 16, ef_construction 200, a file',
    async insert({ ids, data, metadata: given }) {
      await database.insertBatch(ids.map((id, i) => ({ id, vector: data.slice(i * dim, (i + 1) * dim) })))
      metadata.insert(ids, given)
    },
    async search(vector, k, efSearch) {
      const found = await database.search({ vector, k, efSearch })
      return found.map((result) => result.id)
    },
    deleteOne,
    async deleteMany(batch) {
      for (const id of batch) await deleteOne(id)
    },
    async deleteByFilter(filter) {
      for (const id of metadata.matches(filter)) await deleteOne(id)
    },
    count: () => database.len(),
  }
}
