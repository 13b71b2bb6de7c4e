import { idOf } from './job.mjs'
import { say } from './output.mjs'

export const COLLECTION = 'bench'
const INSERTED_AT_ONCE = 10_000

/** Creates a collection of random vectors, for benchmarks of other calls than searches. */
export async function fill(client, n, dim, random) {
  // A coarse graph: its quality does not matter here, and a good one takes long to build.
  const hnsw = { m: 4, ef_construction: 8 }
  await client.createCollection(COLLECTION, { dimension: dim, metric: 'euclidean', hnsw })
  for (let at = 0; at < n; at += INSERTED_AT_ONCE) {
    const ids = Array.from({ length: Math.min(INSERTED_AT_ONCE, n - at) }, (_, i) => idOf(at + i))
    const metadata = ids.map((_, i) => ({ lot: i % 100 }))
    await client.insertVectors(COLLECTION, { ids, data: row(ids.length * dim, random), metadata })
  }
  say('building the graph')
  await client.optimize(COLLECTION)
}

export const row = (length, random) => Float32Array.from({ length }, () => random.next() - 0.5)
