import { readFileSync } from 'node:fs'
import { VectorizerClient } from '../../index.js'

const COLLECTION = 'bench'
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

export { version }
export const label = 'vectorizer-native'

export async function open({ dim, ef, folder, disk, reopen }) {
  const embeddings = new Map()
  const embedder = (texts) => texts.map((text) => embeddings.get(text))
  const client = new VectorizerClient({ embedder, ...(disk && { path: folder }) })
  const hnsw = ef ? { ef_search: ef } : undefined
  if (!reopen) await client.createCollection(COLLECTION, { dimension: dim, hnsw })
  const info = await client.getCollectionInfo(COLLECTION)
  const graph = `M ${info.hnsw.m}, ef_construction ${info.hnsw.ef_construction}`
  return {
    settings: disk ? `${graph}, fsync everysec (its default)` : graph,
    // A collection's setting, not a search's: there is no ladder to climb.
    efs: [info.hnsw.ef_search],
    insert: (ids, data, metadata) => client.insertVectors(COLLECTION, { ids, data, metadata }),
    /** Under each id a text, its vector given in place of a model's. */
    async insertTexts(ids, texts, data, metadata) {
      for (const [i, text] of texts.entries()) embeddings.set(text, data.subarray(i * dim, (i + 1) * dim))
      const rows = ids.map((id, i) => ({ id, text: texts[i], metadata: metadata[i] }))
      await client.insertTexts(COLLECTION, rows)
      embeddings.clear()
    },
    index: () => client.optimize(COLLECTION),
    flush: () => client.flush(),
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
