// One engine in a process of its own. The parent sends a job; the figures go back the same way.
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { dot, K } from './plan.mjs'
import { median } from './statistics.mjs'

const BATCH = 500
/** A peer's `ef` is the smallest of its ladder that finds this share of the true neighbours. */
const RECALL = 0.96

process.once('message', async ({ engine, job }) => {
  try {
    const module = await import(`./engines/${engine}.mjs`)
    process.send({
      version: module.version,
      label: module.label,
      figures: job && (await measure(module, job)),
    })
  } catch (error) {
    process.send({ error: error.message })
  }
  process.disconnect()
})

async function measure(module, job) {
  const data = readJob(job)
  const { plan, dim, n } = data
  const memory = await memoryMeter()
  const engine = await module.open({ dim, capacity: n, folder: job.folder, ef: job.ef })
  const build = await seconds(async () => {
    for (let row = 0; row < n; row += BATCH) {
      const end = Math.min(row + BATCH, n)
      const rows = data.vectors.subarray(row * dim, end * dim)
      await engine.insert(data.ids.slice(row, end), rows, data.metadata.slice(row, end))
    }
    await engine.index()
  })
  const meter = await searchMeter(engine, data)
  const fresh = await meter.search(data.limits.fresh)
  const blocking = engine.searchSync ? meter.blocking() : null
  const memoryFresh = await memory()

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
  return {
    settings,
    ef: meter.ef,
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
  }
}

function readJob(job) {
  const floats = (name) => {
    const bytes = readFileSync(`${job.shared}/${name}.f32`)
    return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
  }
  const { dim, n, metadata, plan, limits } = JSON.parse(readFileSync(`${job.shared}/job.json`, 'utf8'))
  const id = (row) => `vec_${row}`
  const ids = Array.from({ length: n }, (_, row) => id(row))
  const survivors = new Set(plan.survivors)
  const queries = floats('queries')
  return { dim, n, metadata, plan, limits, id, ids, survivors, queries, vectors: floats('rows') }
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

/** Searches with all the queries: the median time, and how good and how many the results are. */
async function searchMeter(engine, { dim, queries, vectors, survivors, limits }) {
  const raw = Array.from({ length: queries.length / dim }, (_, q) => queries.subarray(q * dim, (q + 1) * dim))
  const prepared = raw.map(engine.query)
  let ef

  async function search(limit) {
    const times = []
    const found = []
    for (const query of prepared) {
      const start = performance.now()
      const ids = await engine.search(query, K, ef)
      times.push(performance.now() - start)
      found.push(ids)
    }
    const rows = found.map((ids) => [...new Set(ids)].map((id) => Number(id.slice(4))))
    let right = 0
    for (const [q, list] of rows.entries())
      for (const row of list) {
        const gone = limit === limits.deleted && !survivors.has(row)
        // Engines sum in another order than the exact search, so a tie may differ in the last digits.
        if (!gone && dot(vectors, row * dim, raw[q]) >= limit[q] - 1e-6) right++
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

  for (ef of engine.efs) if ((await search(limits.fresh)).recall >= RECALL) break
  return { search, blocking, ef }
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
