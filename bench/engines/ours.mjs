import { readFileSync } from 'node:fs'
import { VectorizerClient } from '../../index.js'

const COLLECTION = 'bench'
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

export { version }
export const label = 'vectorizer-native'

export async function open({ dim, ef }) {
  const client = new VectorizerClient()
  await client.createCollection(COLLECTION, { dimension: dim, hnsw: ef ? { ef_search: ef } : undefined })
  const { hnsw } = await client.getCollectionInfo(COLLECTION)
  return {
    settings: `M ${hnsw.m}, ef_construction ${hnsw.ef_construction}`,
    // A collection's setting, not a search's: there is no ladder to climb.
    efs: [hnsw.ef_search],
    insert: (ids, data, metadata) => client.insertVectors(COLLECTION, { ids, data, metadata }),
    index: () => client.optimize(COLLECTION),
    query: (vector) => vector,
    async search(vector, limit) {
      const found = await client.search(COLLECTION, vector, { limit, include_metadata: false })
      return found.map((result) => result.id)
    },
    deleteOne: (id) => client.deleteVector(COLLECTION, id),
    deleteMany: (ids) => client.batchDelete(COLLECTION, ids),
    deleteByFilter: ({ field, below }) => client.deleteByFilter(COLLECTION, { [field]: { $lt: below } }),
    count: () => client.count(COLLECTION),
    cleanUp: () => client.optimize(COLLECTION),
    close: () => client.close(),
  }
}
