import { LEAST_DIM, markedRows } from './marked.mjs'
import { BATCH } from './measure.mjs'
import { run } from './process.mjs'
import { Random } from './random.mjs'

const ROWS = 5_000
/** One in so many is deleted, half of them one by one and half as a batch. */
const ONE_IN = 10

/**
 * What can still be read of deleted rows in an engine's files: before the deletes, when they have resolved,
 * after its documented clean-up, and after it was closed.
 */
export default async function residue({ folder, n: wanted = ROWS, dim: wantedDim, seed }, module) {
  const n = Math.min(wanted, ROWS)
  const dim = Math.max(wantedDim, LEAST_DIM)
  const rows = markedRows({ n, dim, seed })
  const order = new Random(seed + 1).shuffle(Uint32Array.from({ length: n }, (_, row) => row))
  const deleted = [...order.slice(0, Math.floor(n / ONE_IN))]
  const half = deleted.length >> 1

  const scan = async () => {
    const { error, figures } = await run({ task: 'scan', job: { folder, n, dim, seed, deleted } })
    if (error) throw new Error(`searching the files: ${error}`)
    return figures
  }
  const engine = await module.open({ dim, capacity: n, folder, disk: true })
  await insert(engine, rows, n, dim)
  await engine.index()
  await engine.flush?.()
  const stages = { before: await scan() }
  for (const row of deleted.slice(0, half)) await engine.deleteOne(rows.ids[row])
  await engine.deleteMany(deleted.slice(half).map((row) => rows.ids[row]))
  stages.deleted = await scan()
  const left = await engine.count()
  if (left !== n - deleted.length) throw new Error(`${left} rows are left, not ${n - deleted.length}`)
  await engine.cleanUp()
  stages.cleaned = await scan()
  await engine.close()
  stages.closed = await scan()
  return { n, dim, deleted: deleted.length, texts: Boolean(engine.insertTexts), stages }
}

async function insert(engine, { vectors, ids, texts, metadata }, n, dim) {
  for (let row = 0; row < n; row += BATCH) {
    const end = Math.min(row + BATCH, n)
    const part = (list) => list.slice(row, end)
    const data = vectors.subarray(row * dim, end * dim)
    if (engine.insertTexts) await engine.insertTexts(part(ids), part(texts), data, part(metadata))
    else await engine.insert(part(ids), data, part(metadata))
  }
}
