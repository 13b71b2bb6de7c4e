import { textOf } from '../shared/data.mjs'
import { isAsNear } from '../shared/exact.mjs'
import { idOf } from '../shared/job.mjs'
import { searchMeter, seconds } from '../shared/meter.mjs'
import { untilNearest } from '../shared/reopen.mjs'
import { readStream } from '../shared/stream.mjs'

/** Opens the store of another process, searches it, and reads some vectors; times in seconds. */
export default async function reopen({ shared, folder, n, dim, text, ef }, engine) {
  const data = readStream(shared)
  let store
  const opening = await seconds(async () => {
    store = await engine.open({ dim, folder, disk: true, reopen: true, texts: true })
    await untilNearest(store, data, ef)
  })
  const count = await store.count()
  if (count !== n - data.filter.matches)
    throw new Error(`${count} rows are there, not ${n - data.filter.matches}`)
  const alive = (row) => data.lifetimes[row] > 1
  const search = await searchMeter(store, data, ef).search({ limits: data.limits[1], alive })
  let intact = 0
  for (const row of data.samples.left) {
    const found = await store.get(idOf(row))
    // The inner product of two vectors of length 1 is 1 if they are the same.
    if (found.text === textOf(row, text) && isAsNear(data.score(row, found.data), 1)) intact++
  }
  await store.close()
  const resident = process.resourceUsage().maxRSS * 1024
  return { opening, search, intact, sample: data.samples.left.length, resident }
}
