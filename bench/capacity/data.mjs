import { createReadStream, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { generated } from '../shared/data.mjs'
import { exactScores } from '../shared/exact.mjs'
import { BATCH, idOf, writeJob } from '../shared/job.mjs'
import { Random, shuffledRows } from '../shared/random.mjs'

/** One row in this many is deleted, all of them as one batch. */
export const ONE_IN = 100

const METADATA = 'metadata.jsonl'

/**
 * Creates the job in a separate process, so that its memory does not count in another. The metadata is in a
 * separate file, with a line for each batch, so that the inserting process need not hold all of it.
 */
export default function capacityData({ shared, n, dim, queries, seed }) {
  const { metadata, ...data } = generated(n, dim, queries, new Random(seed))
  const batch = shuffledRows(n, seed).slice(0, Math.ceil(n / ONE_IN))
  writeJob(shared, { ...data, metadata: [] }, { ...exactScores(data), batch })
  const lines = []
  for (let row = 0; row < n; row += BATCH) lines.push(JSON.stringify(metadata.slice(row, row + BATCH)))
  writeFileSync(join(shared, METADATA), lines.map((line) => `${line}\n`).join(''))
  const bytes = metadata.reduce((sum, each) => sum + JSON.stringify(each).length, 0)
  return { description: data.description, metadataBytes: bytes / n }
}

/** The first rows of the job, read a batch at a time. Each batch replaces the previous one in memory. */
export async function* batchesFrom({ shared, dim }, n) {
  const values = new Float32Array(BATCH * dim)
  const rows = await open(join(shared, 'rows.f32'))
  const lines = createInterface({ input: createReadStream(join(shared, METADATA)) })
  let row = 0
  try {
    for await (const line of lines) {
      if (row >= n) break
      const metadata = JSON.parse(line).slice(0, n - row)
      const data = values.subarray(0, metadata.length * dim)
      await rows.read(data)
      yield { ids: metadata.map((_, i) => idOf(row + i)), data, metadata }
      row += metadata.length
    }
  } finally {
    await rows.close()
  }
}
