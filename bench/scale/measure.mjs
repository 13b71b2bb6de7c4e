import { batches, idOf, readJob } from '../shared/job.mjs'
import { chooseEf, medianSeconds, searchMeter, seconds } from '../shared/meter.mjs'

/** The time of each kind of call on an engine in memory, in µs; for inserts and deletes, per row. */
export default async function measure({ shared }, engine) {
  const data = readJob(shared)
  const { n, dim } = data
  const store = await engine.open({ dim })
  const build = await seconds(async () => {
    for (const batch of batches(data)) await store.insert(batch)
    await store.index()
  })
  const level = { limits: data.limits[0] }
  const ef = await chooseEf(store, data, level)
  const { p50, recall } = await searchMeter(store, data, ef).search(level)
  const single = await medianSeconds(data.single.map(idOf), (id) => store.deleteOne(id))
  const batch = data.batch.map(idOf)
  const many = await seconds(() => store.deleteMany(batch))
  await store.close()
  return {
    ef,
    recall,
    insert: (build * 1e6) / n,
    search: p50 * 1e3,
    single: single * 1e6,
    many: (many * 1e6) / batch.length,
  }
}
