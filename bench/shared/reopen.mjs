import { dot, isAsNear, K } from './exact.mjs'
import { diskBytes } from './folder.mjs'
import { readJob, rowOf } from './job.mjs'
import { memoryMeter } from './meter.mjs'
import { run } from './process.mjs'

/**
 * Closes a store on disk, has a new process open it, and opens it again. `bytes` is the size of its files
 * while it is closed.
 */
export async function reopen(engine, store, { shared, folder, dim, ef }) {
  await store.close()
  const bytes = diskBytes(folder)
  const reopened = await run({ task: 'shared/reopen', engine: engine.name, job: { shared, folder, ef } })
  return { bytes, reopened, store: await engine.open({ dim, folder, disk: true, reopen: true }) }
}

/**
 * How long a process that has never opened the store needs, from opening it until the first search whose best
 * result is the exact nearest row, and the memory that it then holds beyond what it held before, in bytes. An
 * approximate search may miss the nearest row, so further queries follow until one finds it.
 */
export default async function reopenAndSearch({ shared, folder, ef }, engine) {
  const { dim, n, queries, vectors, nearest } = readJob(shared)
  const memory = await memoryMeter()
  const start = performance.now()
  const store = await engine.open({ dim, folder, disk: true, reopen: true })
  const score = (row, query) => dot(vectors, row * dim, query)
  const searches = await untilNearest(store, { queries, nearest, score }, ef)
  const seconds = (performance.now() - start) / 1e3
  const resident = await memory()
  const count = await store.count()
  await store.close()
  if (count !== n) throw new Error(`${count} rows are there, not ${n}`)
  return { seconds, searches, resident }
}

/** Searches until the best result is the exact nearest row, and returns after how many searches it was. */
export async function untilNearest(store, { queries, nearest, score }, ef) {
  for (const [q, query] of queries.entries()) {
    const [best] = await store.search(store.query(query), K, ef)
    if (best !== undefined && isAsNear(score(rowOf(best), query), nearest[q])) return q + 1
  }
  throw new Error('no search found the nearest row')
}
