import { diskBytes } from '../folder.mjs'
import { batches, idOf, readJob } from '../job.mjs'
import { chooseEf, climb, medianSeconds, memoryMeter, RECALL, searchMeter, seconds } from '../meter.mjs'
import { reopen } from '../reopen.mjs'

/** Everything that is measured of one engine in one round. */
export default async function measure(job, engine) {
  const data = readJob(job.shared)
  const { plan, dim, n } = data
  const levels = data.limits.map((limits, level) => ({ limits, alive: (row) => plan.lifetimes[row] > level }))
  const disk = job.disk && engine.storage !== 'memory'
  const memory = await memoryMeter()
  let store = await engine.open({ dim, capacity: n, folder: job.folder, disk })
  const { settings } = store
  const build = await seconds(async () => {
    for (const batch of batches(data)) await store.insert(batch)
    await store.index()
  })
  const ladders = job.ladder ? [await climb(store, data, levels[0])] : null
  const ef = job.ladder ? goodEnough(ladders[0]) : await chooseEf(store, data, levels[0])
  let meter = searchMeter(store, data, ef)
  const fresh = await meter.search(levels[0])
  const blocking = store.searchSync ? meter.blocking() : null
  const memoryFresh = await memory()

  let bytesFresh = null
  let reopened = null
  if (disk && !engine.cannotReopen) {
    const again = await reopen(engine, store, { ...job, dim, ef })
    bytesFresh = again.bytes
    reopened = again.reopened
    store = again.store
    meter = searchMeter(store, data, ef)
    // So that reading what opening has not read yet does not count as the time of a delete.
    await meter.search(levels[0])
  }

  const single = await medianSeconds(plan.single.map(idOf), (id) => store.deleteOne(id))
  const before = await store.count()
  const filter = await seconds(() => store.deleteByFilter(plan.filter))
  const filtered = before - (await store.count())
  const batch = plan.batch.map(idOf)
  const many = await seconds(() => store.deleteMany(batch))
  let deleted
  for (const [i, rest] of plan.rests.entries()) {
    const level = levels[i + 1]
    await store.deleteMany(rest.map(idOf))
    // Immediately: without a warm-up, and without time for background work.
    if (job.ladder || level === levels.at(-1)) deleted = await meter.search(level)
    ladders?.push(await climb(store, data, level))
  }
  const left = await store.count()
  const last = levels.at(-1)
  const cleanUp = store.cleanUp ? await seconds(store.cleanUp) : null
  if (store.cleanUp) await meter.search(last)
  const cleaned = store.cleanUp ? await meter.search(last) : null
  const memoryCleaned = await memory()
  await store.close()
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
    lost: left - plan.survivors,
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

const goodEnough = (steps) => (steps.find(({ recall }) => recall >= RECALL) ?? steps.at(-1)).ef
