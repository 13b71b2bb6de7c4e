import { textOf } from '../shared/data.mjs'
import { diskBytes } from '../shared/folder.mjs'
import { idOf, rowOf } from '../shared/job.mjs'
import { chooseEf, searchMeter, seconds } from '../shared/meter.mjs'
import { batchesFrom, readStream } from '../shared/stream.mjs'

/** Fills a store, searches it, and deletes a tenth; times in seconds. Without an `ef`, one is chosen. */
export default async function fill({ shared, folder, n, dim, text, ef: given }, engine) {
  const store = await engine.open({ dim, capacity: n, folder, disk: true, texts: true })
  const insert = await seconds(async () => {
    for await (const batch of batchesFrom({ shared, dim }, n)) {
      await store.insert({ ...batch, texts: batch.ids.map((id) => textOf(rowOf(id), text)) })
      // The benchmark's own garbage is not what is measured.
      globalThis.gc()
    }
  })
  const index = await seconds(() => store.index())
  await store.flush?.()
  const files = diskBytes(folder)
  const data = readStream(shared)
  const level = { limits: data.limits[0] }
  const ef = given ?? (await chooseEf(store, data, level))
  const search = await searchMeter(store, data, ef).search(level)
  const deletion = await seconds(() => store.deleteByFilter(data.filter))
  const deleted = n - (await store.count())
  if (deleted !== data.filter.matches)
    throw new Error(`the filter deleted ${deleted}, not ${data.filter.matches}`)
  let residues = null
  const verification = await seconds(async () => {
    residues = (await store.residues?.(data.samples.gone.map(idOf))) ?? null
  })
  const close = await seconds(() => store.close())
  const resident = process.resourceUsage().maxRSS * 1024
  return { insert, index, files, ef, search, deletion, verification, residues, close, resident }
}
