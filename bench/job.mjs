// What every worker needs and no engine decides, as files: made once, read by each process.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The data, and whatever else the work needs. */
export function writeJob(folder, { n, dim, metadata, vectors, queries }, others) {
  writeFileSync(join(folder, 'rows.f32'), vectors)
  writeFileSync(join(folder, 'queries.f32'), queries)
  writeFileSync(join(folder, 'job.json'), JSON.stringify({ n, dim, metadata, ...others }))
}

export function readJob(folder) {
  const floats = (name) => {
    const bytes = readFileSync(join(folder, `${name}.f32`))
    return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
  }
  const job = JSON.parse(readFileSync(join(folder, 'job.json'), 'utf8'))
  const { dim, n } = job
  const all = floats('queries')
  const queries = Array.from({ length: all.length / dim }, (_, q) => all.subarray(q * dim, (q + 1) * dim))
  const ids = Array.from({ length: n }, (_, row) => idOf(row))
  return { ...job, id: idOf, ids, queries, vectors: floats('rows') }
}

export const idOf = (row) => `vec_${row}`

/** The row that an id was made of. */
export const rowOf = (id) => Number(id.slice(4))
