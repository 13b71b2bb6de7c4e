import { diskBytes } from '../shared/folder.mjs'
import { BATCH, idOf, readJob } from '../shared/job.mjs'
import { chooseEf, memoryMeter, searchMeter, seconds } from '../shared/meter.mjs'

/**
 * The figures of one engine after each round of deletes and inserts: immediately, and again when its
 * background work is done or, if it has none, after its documented clean-up.
 */
export default async function churnRounds({ shared, folder }, engine) {
  const data = readJob(shared)
  const { dim, first, steps, limits } = data
  const disk = engine.storage === 'disk'
  const memory = await memoryMeter()
  const store = await engine.open({ dim, capacity: first, folder, disk })
  await insert(store, data, [...Array(first).keys()])
  await store.index()
  let alive = (row) => row < first
  const ef = await chooseEf(store, data, { limits: limits[0], alive })
  const meter = searchMeter(store, data, ef)
  const look = async (round) => ({
    ...(await meter.search({ limits: limits[round], alive })),
    memory: await memory(),
    bytes: disk ? diskBytes(folder) : null,
  })
  const rounds = [{ ...(await look(0)), round: 0 }]
  for (const [i, { deleted, inserted, from, to }] of steps.entries()) {
    const work = await seconds(async () => {
      await store.deleteMany(deleted.map(idOf))
      await insert(store, data, inserted)
    })
    alive = (row) => row >= from && row < to
    const { p50, recall } = await meter.search({ limits: limits[i + 1], alive })
    const settling = await seconds(async () => (store.settle ?? store.cleanUp)?.())
    rounds.push({ ...(await look(i + 1)), round: i + 1, atOnce: { p50, recall }, work, settling })
  }
  const left = await store.count()
  await store.close()
  if (left !== steps.at(-1).to - steps.at(-1).from) throw new Error(`${left} rows are left`)
  return { ef, rounds }
}

/** Inserts rows in the given order. */
async function insert(store, { ids, vectors, metadata, dim }, rows) {
  for (let start = 0; start < rows.length; start += BATCH) {
    const batch = rows.slice(start, start + BATCH)
    const values = new Float32Array(batch.length * dim)
    for (const [i, row] of batch.entries()) values.set(vectors.subarray(row * dim, (row + 1) * dim), i * dim)
    const given = (list) => batch.map((row) => list[row])
    await store.insert({ ids: given(ids), data: values, metadata: given(metadata) })
  }
}
