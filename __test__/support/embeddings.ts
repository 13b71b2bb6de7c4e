import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Embeddings {
  dimension: number
  rows: Float32Array[]
  years: number[]
}

const folder = join(__dirname, '..', '..', '..', 'shared', 'data')

/** Real sentence embeddings if they are available, otherwise generated ones of the same shape. */
export function embeddings(): Embeddings {
  const dimension = 384
  const file = join(folder, 'packages-40k.f32')
  if (!existsSync(file)) return generated(40_000, dimension)
  const bytes = readFileSync(file)
  const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
  const rows = Array.from({ length: values.length / dimension }, (_, i) =>
    values.subarray(i * dimension, (i + 1) * dimension),
  )
  const lines = readFileSync(join(folder, 'packages-40k.jsonl'), 'utf8').trimEnd().split('\n')
  return { dimension, rows, years: lines.map((line) => JSON.parse(line).year ?? 0) }
}

/** Unit vectors around a thousand centres in a space of few dimensions, as topics are. */
export function generated(count: number, dimension: number): Embeddings {
  let state = 1
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32 - 0.5
  }
  const normal = () => uniform() + uniform() + uniform() + uniform()
  const vector = (length: number) => Float32Array.from({ length }, normal)
  const latent = 32
  const basis = Array.from({ length: latent }, () => vector(dimension))
  const centres = Array.from({ length: 1000 }, () => vector(latent))
  const rows = Array.from({ length: count }, () => {
    const centre = centres[Math.floor((uniform() + 0.5) * centres.length)] as Float32Array
    const row = new Float32Array(dimension)
    basis.forEach((direction, i) => {
      const weight = (centre[i] as number) + 0.6 * normal()
      for (let k = 0; k < dimension; k++) row[k] = (row[k] as number) + weight * (direction[k] as number)
    })
    for (let k = 0; k < dimension; k++) row[k] = (row[k] as number) + 0.3 * normal()
    const norm = Math.hypot(...row)
    return row.map((x) => x / norm)
  })
  return { dimension, rows, years: rows.map((_, i) => 2010 + (i % 16)) }
}
