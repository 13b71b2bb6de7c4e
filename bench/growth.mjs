import { readJob } from './job.mjs'
import { insertAll } from './measure.mjs'
import { climb, RECALL, searchMeter, seconds } from './meter.mjs'
import { median } from './statistics.mjs'

/** The time of each kind of call on an engine in memory, in µs: of inserts and deletes for each row. */
export default async function growth({ shared, ef }, module) {
  const data = readJob(shared)
  const { n, dim, limits, singly, together } = data
  const engine = await module.open({ dim, capacity: n, ef })
  const build = await seconds(async () => {
    await insertAll(engine, data)
    await engine.index()
  })
  const level = { limits: limits[0], alive: () => true }
  const steps = await climb(engine, engine.efs, data, level)
  const good = steps.find(({ recall }) => recall >= RECALL) ?? steps.at(-1)
  const search = await searchMeter(engine, data, good.ef).search(level)
  const singles = []
  for (const row of singly) singles.push(await seconds(() => engine.deleteOne(data.id(row))))
  const batch = together.map(data.id)
  const many = await seconds(() => engine.deleteMany(batch))
  await engine.close()
  return {
    ef: good.ef,
    recall: search.recall,
    insert: (build * 1e6) / n,
    search: search.p50 * 1e3,
    single: median(singles) * 1e6,
    many: (many * 1e6) / batch.length,
  }
}
