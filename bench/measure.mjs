import { setTimeout as pause } from 'node:timers/promises'
import { diskBytes } from './folder.mjs'
import { readJob, rowOf } from './job.mjs'
import { dot, isAsNear, K } from './plan.mjs'
import { run } from './process.mjs'
import { median } from './statistics.mjs'

export const BATCH = 500
/** A peer's `ef` is the smallest of its ladder that finds this share of the true neighbours. */
const RECALL = 0.96

/** All that is measured of one engine in one round. */
export default async function measure(job, module) {
  const data = readJob(job.shared)
  const { plan, dim, n } = data
  const memory = await memoryMeter()
  const place = { dim, capacity: n, folder: job.folder, ef: job.ef, disk: job.disk }
  let engine = await module.open(place)
  const build = await seconds(async () => {
    for (let row = 0; row < n; row += BATCH) {
      const end = Math.min(row + BATCH, n)
      const rows = data.vectors.subarray(row * dim, end * dim)
      await engine.insert(data.ids.slice(row, end), rows, data.metadata.slice(row, end))
    }
    await engine.index()
  })
  const ef = await chooseEf(engine, data)
  let meter = searchMeter(engine, data, ef)
  const fresh = await meter.search(data.limits.fresh)
  const blocking = engine.searchSync ? meter.blocking() : null
  const memoryFresh = await memory()

  let bytesFresh = null
  let reopened = null
  if (job.disk) {
    await engine.close()
    bytesFresh = diskBytes(job.folder)
    const answer = await run({ task: 'reopen', engine: job.engine, job: { ...job, searchEf: ef } })
    if (answer.error) throw new Error(`reopening: ${answer.error}`)
    reopened = answer.figures
    engine = await module.open({ ...place, reopen: true })
    meter = searchMeter(engine, data, ef)
    // What opening has not read yet is not to count as the time of a delete.
    await meter.search(data.limits.fresh)
  }

  const single = await deleteSingly(engine, plan.single.map(data.id))
  const before = await engine.count()
  const filter = await seconds(() => engine.deleteByFilter(plan.filter))
  const filtered = before - (await engine.count())
  const batch = plan.batch.map(data.id)
  const many = await seconds(() => engine.deleteMany(batch))
  const rest = plan.rest.map(data.id)
  await engine.deleteMany(rest)
  // At once: no warm-up, and no time for work behind the scenes.
  const deleted = await meter.search(data.limits.deleted)
  const left = await engine.count()
  const cleanUp = engine.cleanUp ? await seconds(engine.cleanUp) : null
  if (engine.cleanUp) await meter.search(data.limits.deleted)
  const cleaned = engine.cleanUp ? await meter.search(data.limits.deleted) : null
  const memoryCleaned = await memory()
  const { settings } = engine
  await engine.close()
  const bytesCleaned = job.disk ? diskBytes(job.folder) : null
  return {
    settings,
    ef,
    build,
    fresh,
    blocking,
    single: single * 1e6,
    many: (many * 1e6) / batch.length,
    filter: filter * 1e3,
    wrong: filtered === plan.filter.matches ? null : `filter deleted ${filtered}, not ${plan.filter.matches}`,
    lost: left - plan.survivors.length,
    deleted,
    cleanUp,
    cleaned,
    memoryFresh,
    memoryCleaned,
    bytesFresh,
    bytesCleaned,
    reopened,
  }
}

async function seconds(work) {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1e3
}

async function deleteSingly(engine, ids) {
  const times = []
  for (const id of ids) times.push(await seconds(() => engine.deleteOne(id)))
  return median(times)
}

async function chooseEf(engine, data) {
  let chosen
  for (chosen of engine.efs)
    if ((await searchMeter(engine, data, chosen).search(data.limits.fresh)).recall >= RECALL) break
  return chosen
}

/** Searches with all the queries: the median time, and how good and how many the results are. */
function searchMeter(engine, { dim, queries, vectors, survivors, limits }, ef) {
  const prepared = queries.map(engine.query)

  async function search(limit) {
    const times = []
    const found = []
    for (const query of prepared) {
      const start = performance.now()
      const ids = await engine.search(query, K, ef)
      times.push(performance.now() - start)
      found.push(ids)
    }
    const rows = found.map((ids) => [...new Set(ids)].map(rowOf))
    let right = 0
    for (const [q, list] of rows.entries())
      for (const row of list) {
        const gone = limit === limits.deleted && !survivors.has(row)
        if (!gone && isAsNear(dot(vectors, row * dim, queries[q]), limit[q])) right++
      }
    const all = rows.flat()
    return {
      p50: median(times),
      recall: right / (K * rows.length),
      stale: limit === limits.deleted ? all.filter((row) => !survivors.has(row)).length : 0,
      short: K * rows.length - all.length,
    }
  }

  function blocking() {
    const times = prepared.map((query) => {
      const start = performance.now()
      engine.searchSync(query, K, ef)
      return performance.now() - start
    })
    return median(times)
  }

  return { search, blocking }
}

/** What the process holds beyond what it held now, in bytes. */
async function memoryMeter() {
  const now = async () => {
    // Twice: finalisers of the first run free native memory, and threads need a moment to give it back.
    for (let i = 0; i < 2; i++) {
      globalThis.gc()
      await pause(200)
    }
    return process.memoryUsage().rss
  }
  const before = await now()
  return async () => (await now()) - before
}
