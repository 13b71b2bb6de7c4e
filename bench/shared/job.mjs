// Data that every worker needs and that does not depend on the engine, as files: written once, read
// by each process.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** How many rows are inserted at once. */
export const BATCH = 500

/** Writes the data, and whatever else the work needs. */
export function writeJob(folder, { n, dim, metadata, vectors, queries }, others) {
  writeFileSync(join(folder, 'rows.f32'), vectors)
  writeFileSync(join(folder, 'queries.f32'), queries)
  writeFileSync(join(folder, 'job.json'), JSON.stringify({ n, dim, metadata, ...others }))
}

export function readJob(folder) {
  const job = readSmallJob(folder)
  return { ...job, ids: idsOf(job.n), vectors: floatsOf(folder, 'rows') }
}

/** The job without its rows. */
export function readSmallJob(folder) {
  const job = JSON.parse(readFileSync(join(folder, 'job.json'), 'utf8'))
  const { dim } = job
  const all = floatsOf(folder, 'queries')
  const queries = Array.from({ length: all.length / dim }, (_, q) => all.subarray(q * dim, (q + 1) * dim))
  return { ...job, queries }
}

function floatsOf(folder, name) {
  const bytes = readFileSync(join(folder, `${name}.f32`))
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
}

export const idOf = (row) => `vec_${row}`

export const idsOf = (n) => Array.from({ length: n }, (_, row) => idOf(row))

/** The row that an id belongs to. */
export const rowOf = (id) => Number(id.slice(4))

/** All rows in batches of columns, the form in which inserts take them. */
export function* batches({ ids, vectors, metadata, texts, n, dim }) {
  for (let row = 0; row < n; row += BATCH) {
    const end = Math.min(row + BATCH, n)
    yield {
      ids: ids.slice(row, end),
      data: vectors.subarray(row * dim, end * dim),
      metadata: metadata.slice(row, end),
      ...(texts && { texts: texts.slice(row, end) }),
    }
  }
}
