import { batches } from '../shared/job.mjs'
import { run } from '../shared/process.mjs'
import { shuffledRows } from '../shared/random.mjs'
import { MIN_DIM, markedRows } from './marked.mjs'

const ROWS = 5_000
/** One row in this many is deleted, half of them one by one and half as a batch. */
const ONE_IN = 10

/**
 * What can still be read of deleted rows in an engine's files: before the deletes, when they have resolved,
 * after the engine's documented clean-up, and after it has been closed.
 */
export default async function residue({ folder, n: wanted = ROWS, dim: wantedDim, seed }, engine) {
  const n = Math.min(wanted, ROWS)
  const dim = Math.max(wantedDim, MIN_DIM)
  const rows = markedRows({ n, dim, seed })
  const deleted = shuffledRows(n, seed).slice(0, Math.floor(n / ONE_IN))
  const half = deleted.length >> 1

  const scan = () => run({ task: 'disk/scan', job: { folder, n, dim, seed, deleted } })
  const store = await engine.open({ dim, capacity: n, folder, disk: true })
  for (const batch of batches(rows)) await (store.insertTexts ?? store.insert)(batch)
  await store.index()
  await store.flush?.()
  const stages = { before: await scan() }
  for (const row of deleted.slice(0, half)) await store.deleteOne(rows.ids[row])
  await store.deleteMany(deleted.slice(half).map((row) => rows.ids[row]))
  stages.deleted = await scan()
  const left = await store.count()
  if (left !== n - deleted.length) throw new Error(`${left} rows are left, not ${n - deleted.length}`)
  await store.cleanUp()
  stages.cleaned = await scan()
  await store.close()
  stages.closed = await scan()
  return { n, dim, deleted: deleted.length, texts: Boolean(store.insertTexts), stages }
}
