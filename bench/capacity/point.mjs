import { textOf } from '../shared/data.mjs'
import { K } from '../shared/exact.mjs'
import { BATCH, idOf, readJob, rowOf } from '../shared/job.mjs'
import { chooseEf, medianSeconds, memoryMeter, searchMeter, seconds } from '../shared/meter.mjs'
import { reopen } from '../shared/reopen.mjs'
import { batchesFrom } from '../shared/stream.mjs'

/** How many rows are inserted into another collection before memory is measured. */
const WARM_UP = 2 * BATCH
/** How often all queries are searched for in one call. */
const REPEATS = 5

/**
 * The size of such a collection, in bytes, and its speed, in seconds, in memory or on disk, with texts of
 * that length or without. The rows are read from a file as they are inserted, so that nothing else in this
 * process grows with them.
 */
export default async function capacityPoint({ shared, folder, n, dim, disk, text }, engine) {
  const insert = (store, batch) =>
    text === undefined
      ? store.insert(batch)
      : store.insertTexts({ ...batch, texts: batch.ids.map((id) => textOf(rowOf(id), text)) })

  // Threads, buffers and compiled code are created with the first collection, but belong to the process.
  const small = await engine.open({ dim })
  for await (const batch of batchesFrom({ shared, dim }, WARM_UP)) await insert(small, batch)
  await small.index()
  await small.close()

  const memory = await memoryMeter()
  const before = process.memoryUsage().rss
  let store = await engine.open({ dim, folder, disk })
  const build = await seconds(async () => {
    for await (const batch of batchesFrom({ shared, dim }, n)) {
      await insert(store, batch)
      // The benchmark's own garbage is not what is measured.
      globalThis.gc()
    }
    await store.index()
  })
  const peak = process.resourceUsage().maxRSS * 1024 - before
  const resident = await memory()
  const info = await store.info()
  if (info.index.indexed !== n) throw new Error(`${info.index.indexed} rows are in the graph, not ${n}`)

  // Memory is not measured from here on.
  const data = readJob(shared)
  const level = { limits: data.limits[0] }
  const ef = await chooseEf(store, data, level)
  const search = await searchMeter(store, data, ef).search(level)
  const together = await medianSeconds(Array(REPEATS), () => store.searchMany(data.queries, K, ef))

  let files = null
  let reopened = null
  if (disk) {
    const again = await reopen(engine, store, { shared, folder, dim, ef })
    files = again.bytes
    reopened = again.reopened
    store = again.store
    // So that reading what opening has not read yet does not count as the time of a delete.
    await searchMeter(store, data, ef).search(level)
  }

  const batch = data.batch.map(idOf)
  const deletion = await seconds(() => store.deleteMany(batch))
  const left = await store.count()
  await store.close()
  if (left !== n - batch.length) throw new Error(`${left} rows are left, not ${n - batch.length}`)
  return {
    before,
    resident,
    peak,
    reported: info.size_bytes,
    reportedFiles: info.disk_bytes ?? null,
    files,
    build,
    ...search,
    together: data.queries.length / together,
    reopened,
    deleted: batch.length / deletion,
  }
}
