import { setTimeout as pause } from 'node:timers/promises'
import { VectorizerClient } from '../../index.js'

const COLLECTION = 'bench'
/** How long to wait for background work, and how long it must have changed nothing, in ms. */
const PATIENCE = 5_000
const STILL = 1_000

export async function open({ dim, folder, disk, reopen }) {
  const embeddings = new Map()
  const embedder = (texts) => texts.map((text) => embeddings.get(text))
  const client = new VectorizerClient({ embedder, ...(disk && { path: folder }) })
  if (!reopen) await client.createCollection(COLLECTION, { dimension: dim })
  const info = () => client.getCollectionInfo(COLLECTION)
  const { hnsw } = await info()
  const durability = disk ? ', fsync everysec (its default)' : ''
  return {
    settings: `M ${hnsw.m}, ef_construction ${hnsw.ef_construction}${durability}`,
    insert: (rows) => client.insertVectors(COLLECTION, rows),
    /** A text for each id; its vector is supplied in place of a model's. */
    async insertTexts({ ids, texts, data, metadata }) {
      for (const [i, text] of texts.entries()) embeddings.set(text, data.subarray(i * dim, (i + 1) * dim))
      const rows = ids.map((id, i) => ({ id, text: texts[i], metadata: metadata[i] }))
      await client.insertTexts(COLLECTION, rows)
      embeddings.clear()
    },
    index: () => client.optimize(COLLECTION),
    flush: () => client.flush(),
    async search(vector, limit, ef_search) {
      const found = await client.search(COLLECTION, vector, { limit, include_metadata: false, ef_search })
      return found.map((result) => result.id)
    },
    searchMany: (vectors, limit, ef_search) =>
      client.searchBatch(COLLECTION, vectors, { limit, include_metadata: false, ef_search }),
    deleteOne: (id) => client.deleteVector(COLLECTION, id),
    deleteMany: (ids) => client.batchDelete(COLLECTION, ids),
    deleteByFilter: ({ field, below }) => client.deleteByFilter(COLLECTION, { [field]: { $lt: below } }),
    get: (id) => client.getVector(COLLECTION, id),
    /** What is left of vectors with these ids. */
    residues: async (ids) => (await client.verifyErased(COLLECTION, ids)).residues.length,
    count: () => client.count(COLLECTION),
    cleanUp: () => client.optimize(COLLECTION),
    info,
    settle: () => settled(async () => (await info()).index),
    close: () => client.close(),
  }
}

/**
 * A few pending and deleted vectors may remain: background work starts only when there are enough.
 */
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
