// A job whose rows and metadata are read a batch at a time, so that they do not take memory in the process
// that is measured.
import { createReadStream, openSync, readSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { dot } from './exact.mjs'
import { BATCH, idOf, readSmallJob, writeJob } from './job.mjs'

const METADATA = 'metadata.jsonl'

/**
 * Writes the job with the metadata in a separate file, which has a line for each batch. Returns how many bytes
 * of JSON a row's metadata has on average.
 */
export function writeStream(shared, { metadata, ...data }, others) {
  writeJob(shared, { ...data, metadata: [] }, others)
  const lines = []
  for (let row = 0; row < data.n; row += BATCH) lines.push(JSON.stringify(metadata.slice(row, row + BATCH)))
  writeFileSync(join(shared, METADATA), lines.map((line) => `${line}\n`).join(''))
  return metadata.reduce((sum, each) => sum + JSON.stringify(each).length, 0) / data.n
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

/** The job with a `score` that reads a row from the file whenever one is compared. */
export function readStream(shared) {
  const job = readSmallJob(shared)
  const file = openSync(join(shared, 'rows.f32'))
  const values = new Float32Array(job.dim)
  const score = (row, query) => {
    readSync(file, values, 0, values.byteLength, row * values.byteLength)
    return dot(values, 0, query)
  }
  return { ...job, score }
}
