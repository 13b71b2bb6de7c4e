import { setTimeout as pause } from 'node:timers/promises'
import { diskBytes } from './folder.mjs'
import { readJob } from './job.mjs'
import { chooseEf, climb, RECALL, searchMeter, seconds } from './meter.mjs'
import { run } from './process.mjs'
import { median } from './statistics.mjs'

export const BATCH = 500

/** All that is measured of one engine in one round. */
export default async function measure(job, module) {
  const data = readJob(job.shared)
  const { plan, dim, n } = data
  const levels = data.limits.map((limits, level) => ({ limits, alive: (row) => plan.lifetimes[row] > level }))
  const disk = job.disk && !module.memoryOnly
  const memory = await memoryMeter()
  const place = { dim, capacity: n, folder: job.folder, ef: job.ef, disk }
  let engine = await module.open(place)
  const { settings, efs } = engine
  const build = await seconds(async () => {
    await insertAll(engine, data)
    await engine.index()
  })
  const ladders = job.ladder ? [await climb(engine, efs, data, levels[0])] : null
  const ef = job.ladder ? goodEnough(ladders[0]) : await chooseEf(engine, efs, data, levels[0])
  let meter = searchMeter(engine, data, ef)
  const fresh = await meter.search(levels[0])
  const blocking = engine.searchSync ? meter.blocking() : null
  const memoryFresh = await memory()

  let bytesFresh = null
  let reopened = null
  if (disk && !module.cannotClose) {
    await engine.close()
    bytesFresh = diskBytes(job.folder)
    const answer = await run({ task: 'reopen', engine: job.engine, job: { ...job, searchEf: ef } })
    if (answer.error) throw new Error(`reopening: ${answer.error}`)
    reopened = answer.figures
    engine = await module.open({ ...place, reopen: true })
    meter = searchMeter(engine, data, ef)
    // What opening has not read yet is not to count as the time of a delete.
    await meter.search(levels[0])
  }

  const single = await deleteSingly(engine, plan.single.map(data.id))
  const before = await engine.count()
  const filter = await seconds(() => engine.deleteByFilter(plan.filter))
  const filtered = before - (await engine.count())
  const batch = plan.batch.map(data.id)
  const many = await seconds(() => engine.deleteMany(batch))
  let deleted
  for (const [i, rest] of plan.rests.entries()) {
    const level = levels[i + 1]
    await engine.deleteMany(rest.map(data.id))
    // At once: no warm-up, and no time for work behind the scenes.
    if (job.ladder || level === levels.at(-1)) deleted = await meter.search(level)
    ladders?.push(await climb(engine, efs, data, level))
  }
  const left = await engine.count()
  const last = levels.at(-1)
  const cleanUp = engine.cleanUp ? await seconds(engine.cleanUp) : null
  if (engine.cleanUp) await meter.search(last)
  const cleaned = engine.cleanUp ? await meter.search(last) : null
  const memoryCleaned = await memory()
  await engine.close()
  const bytesCleaned = disk ? diskBytes(job.folder) : null
  return {
    settings,
    ef,
    ladders,
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

export async function insertAll(engine, { ids, vectors, metadata, n, dim }) {
  for (let row = 0; row < n; row += BATCH) {
    const end = Math.min(row + BATCH, n)
    await engine.insert(ids.slice(row, end), vectors.subarray(row * dim, end * dim), metadata.slice(row, end))
  }
}

const goodEnough = (steps) => (steps.find((step) => step.recall >= RECALL) ?? steps.at(-1)).ef

async function deleteSingly(engine, ids) {
  const times = []
  for (const id of ids) times.push(await seconds(() => engine.deleteOne(id)))
  return median(times)
}

/** What the process holds beyond what it held now, in bytes. */
export async function memoryMeter() {
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
