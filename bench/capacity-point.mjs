import { batches } from './capacity-data.mjs'
import { diskBytes } from './folder.mjs'
import { readJob } from './job.mjs'
import { BATCH, memoryMeter } from './measure.mjs'
import { chooseEf, searchMeter, seconds } from './meter.mjs'
import { K } from './plan.mjs'
import { run } from './process.mjs'
import { median } from './statistics.mjs'

/** How many rows are inserted into another collection before memory is looked at. */
const WARM_UP = 2 * BATCH
/** How often all queries are searched for in one call. */
const REPEATS = 5

/**
 * What a collection of this size takes, in bytes, and how fast it is, in seconds, in memory or on disk. The
 * rows are read from a file as they are inserted: nothing else in this process grows with them.
 */
export default async function capacityPoint({ shared, folder, n, dim, disk }, module) {
  // Threads, buffers and compiled code come with the first collection, and are the process's, not its.
  const small = await module.open({ dim })
  await insert(small, { shared, dim }, WARM_UP)
  await small.index()
  await small.close()

  const memory = await memoryMeter()
  const before = process.memoryUsage().rss
  let engine = await module.open({ dim, folder, disk })
  const build = await seconds(async () => {
    await insert(engine, { shared, dim }, n)
    await engine.index()
  })
  const peak = process.resourceUsage().maxRSS * 1024 - before
  const resident = await memory()
  const info = await engine.info()
  if (info.index.indexed !== n) throw new Error(`${info.index.indexed} rows are in the graph, not ${n}`)

  // From here on memory is not looked at any more.
  const data = readJob(shared)
  const level = { limits: data.limits[0], alive: () => true }
  const ef = await chooseEf(engine, engine.efs, data, level)
  const search = await searchMeter(engine, data, ef).search(level)
  const together = []
  for (let i = 0; i < REPEATS; i++) together.push(await seconds(() => engine.searchMany(data.queries, K, ef)))

  let files = null
  let reopened = null
  if (disk) {
    await engine.close()
    files = diskBytes(folder)
    const answer = await run({ task: 'reopen', engine: 'ours', job: { shared, folder, searchEf: ef } })
    if (answer.error) throw new Error(`reopening: ${answer.error}`)
    reopened = answer.figures
    engine = await module.open({ dim, folder, disk, reopen: true })
    // What opening has not read yet is not to count as the time of a delete.
    await searchMeter(engine, data, ef).search(level)
  }

  const batch = data.together.map(data.id)
  const deletion = await seconds(() => engine.deleteMany(batch))
  const left = await engine.count()
  await engine.close()
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
    together: data.queries.length / median(together),
    reopened,
    deleted: batch.length / deletion,
  }
}

async function insert(engine, job, n) {
  for await (const { ids, data, metadata } of batches(job, n)) await engine.insert(ids, data, metadata)
}
