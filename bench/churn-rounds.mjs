import { diskBytes } from './folder.mjs'
import { readJob } from './job.mjs'
import { BATCH, memoryMeter } from './measure.mjs'
import { chooseEf, searchMeter, seconds } from './meter.mjs'

/**
 * The figures of one engine after each round of deletes and inserts: right after, and when what it does
 * behind the scenes is done, or the clean-up that it documents.
 */
export default async function churnRounds({ shared, folder, disk, cleanUp, replaceDeleted }, module) {
  const data = readJob(shared)
  const { dim, first, steps, limits } = data
  const memory = await memoryMeter()
  const engine = await module.open({ dim, capacity: first, folder, disk, replaceDeleted })
  await insert(
    engine,
    data,
    Array.from({ length: first }, (_, row) => row),
  )
  await engine.index()
  let alive = (row) => row < first
  const ef = await chooseEf(engine, engine.efs, data, { limits: limits[0], alive })
  const meter = searchMeter(engine, data, ef)
  const look = async (round) => ({
    ...(await meter.search({ limits: limits[round], alive })),
    memory: await memory(),
    bytes: disk ? diskBytes(folder) : null,
  })
  const rounds = [{ ...(await look(0)), round: 0 }]
  for (const [i, { deleted, inserted, from, to }] of steps.entries()) {
    const work = await seconds(async () => {
      await engine.deleteMany(deleted.map(data.id))
      await insert(engine, data, inserted)
    })
    alive = (row) => row >= from && row < to
    const { p50, recall } = await meter.search({ limits: limits[i + 1], alive })
    const settling = await seconds(async () => {
      if (cleanUp) await engine.cleanUp()
      else await engine.settle?.()
    })
    rounds.push({ ...(await look(i + 1)), round: i + 1, atOnce: { p50, recall }, work, settling })
  }
  const left = await engine.count()
  await engine.close()
  if (left !== steps.at(-1).to - steps.at(-1).from) throw new Error(`${left} rows are left`)
  return { settings: engine.settings, ef, rounds }
}

/** Rows in the order they are given in. */
async function insert(engine, { ids, vectors, metadata, dim }, rows) {
  for (let start = 0; start < rows.length; start += BATCH) {
    const batch = rows.slice(start, start + BATCH)
    const values = new Float32Array(batch.length * dim)
    for (const [i, row] of batch.entries()) values.set(vectors.subarray(row * dim, (row + 1) * dim), i * dim)
    const given = (list) => batch.map((row) => list[row])
    await engine.insert(given(ids), values, given(metadata))
  }
}
