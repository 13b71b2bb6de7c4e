import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { VectorizerClient } from '../../index.js'

const COLLECTION = 'bench'
/** How long background work is waited for, and how long it must have changed nothing, in ms. */
const PATIENCE = 5_000
const STILL = 1_000
/** What one search can be given in place of the collection's own setting. */
const EFS = [10, 16, 24, 32, 48, 64, 96, 128, 192]
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
  const efs = ef || reopen ? [null] : await ladder(client, dim)
  const own = efs.length === 1 ? `, ef_search ${info.hnsw.ef_search}` : ''
  return {
    settings: `${graph}${own}${disk ? ', fsync everysec (its default)' : ''}`,
    efs,
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
    async search(vector, limit, ef_search) {
      const options = { limit, include_metadata: false, ...(ef_search && { ef_search }) }
      const found = await client.search(COLLECTION, vector, options)
      return found.map((result) => result.id)
    },
    searchMany: (vectors, limit, ef_search) =>
      client.searchBatch(COLLECTION, vectors, { limit, include_metadata: false, ef_search }),
    deleteOne: (id) => client.deleteVector(COLLECTION, id),
    deleteMany: (ids) => client.batchDelete(COLLECTION, ids),
    deleteByFilter: ({ field, below }) => client.deleteByFilter(COLLECTION, { [field]: { $lt: below } }),
    count: () => client.count(COLLECTION),
    cleanUp: () => client.optimize(COLLECTION),
    info: () => client.getCollectionInfo(COLLECTION),
    settle: () => settled(async () => (await client.getCollectionInfo(COLLECTION)).index),
    close: () => client.close(),
  }
}

/** Where a search takes no `ef_search`, there is only the collection's own. */
async function ladder(client, dim) {
  try {
    await client.search(COLLECTION, new Float32Array(dim).fill(1), { ef_search: EFS[0] })
    return EFS
  } catch {
    return [null]
  }
}

/** A few pending and deleted vectors may stay: the background begins when they are many enough. */
async function settled(index) {
  const start = performance.now()
  let before = ''
  for (let since = start; performance.now() - start < PATIENCE; await pause(20)) {
    const { pending, deleted } = await index()
    if (pending + deleted === 0) return
    const now = `${pending} ${deleted}`
    if (now !== before) since = performance.now()
    else if (performance.now() - since > STILL) return
    before = now
  }
}
