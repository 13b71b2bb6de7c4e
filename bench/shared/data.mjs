import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Random } from './random.mjs'

const REAL_DIM = 384
const DEFAULT_ROWS = 40_000
const CLUSTERS = 1_000
/** The number of directions in which generated rows vary; the rest is noise. */
const RANK = 48
/** The length of the noise that turns a real row, of length 1, into a new one. */
const NEARBY = 0.5

const folder =
  process.env.VECTORIZER_BENCH_DATA ?? resolve(import.meta.dirname, '..', '..', '..', 'shared', 'data')

/**
 * Rows to index, queries (never among the rows), and a description of them for the report's header.
 * Without `n`, as many as the real rows allow.
 */
export function loadData({ n, dim, queries, seed }) {
  const random = new Random(seed)
  const real = dim === REAL_DIM ? readReal() : undefined
  if (real && real.rows <= queries) throw new Error(`--queries must be less than ${real.rows}`)
  return real ? fromReal(real, n, queries, random) : generated(n ?? DEFAULT_ROWS, dim, queries, random)
}

function readReal() {
  const vectorsPath = join(folder, 'packages-40k.f32')
  const metadataPath = join(folder, 'packages-40k.jsonl')
  if (!existsSync(vectorsPath) || !existsSync(metadataPath)) return undefined
  const bytes = readFileSync(vectorsPath)
  const vectors = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
  const lines = readFileSync(metadataPath, 'utf8').trim().split('\n')
  return { vectors, metadata: lines.map((line) => JSON.parse(line)), rows: lines.length }
}

function fromReal(real, n, queries, random) {
  const dim = REAL_DIM
  const available = real.rows - queries
  const count = n ?? Math.min(DEFAULT_ROWS, available)
  const vectors = new Float32Array(count * dim)
  const metadata = real.metadata.slice(0, Math.min(count, available))
  const taken = metadata.length
  vectors.set(real.vectors.subarray(0, taken * dim))
  for (let row = taken; row < count; row++) {
    const source = random.below(available)
    const vector = vectors.subarray(row * dim, (row + 1) * dim)
    for (let i = 0; i < dim; i++)
      vector[i] = real.vectors[source * dim + i] + (random.normal() * NEARBY) / Math.sqrt(dim)
    normalise(vector)
    metadata.push({ ...real.metadata[source], id: `${real.metadata[source].id}-${row}` })
  }
  const grown =
    count > taken ? ` and ${count - taken} generated (a random real one and noise of length ${NEARBY})` : ''
  return {
    dim,
    n: count,
    vectors,
    metadata,
    queries: real.vectors.slice(available * dim),
    description: `${taken} real sentence embeddings${grown}; ${queries} real ones held out as queries`,
  }
}

/**
 * A mixture of Gaussians that vary in few directions, as embeddings do, with noise in all
 * dimensions.
 */
export function generated(n, dim, queries, random) {
  const rank = Math.min(RANK, dim)
  const directions = random.normals(rank * dim)
  const centres = Array.from({ length: CLUSTERS }, () => random.normals(rank))
  const all = new Float32Array((n + queries) * dim)
  const latent = new Float32Array(rank)
  for (let row = 0; row < n + queries; row++) {
    const centre = random.pick(centres)
    for (let r = 0; r < rank; r++) latent[r] = centre[r] + random.normal()
    const vector = all.subarray(row * dim, (row + 1) * dim)
    for (let i = 0; i < dim; i++) vector[i] = 2.5 * random.normal()
    for (let r = 0; r < rank; r++)
      for (let i = 0, at = r * dim; i < dim; i++, at++) vector[i] += latent[r] * directions[at]
    normalise(vector)
  }
  return {
    dim,
    n,
    vectors: all.slice(0, n * dim),
    metadata: Array.from({ length: n }, (_, row) => generatedMetadata(row, random)),
    queries: all.slice(n * dim),
    description: `generated: a mixture of ${CLUSTERS} Gaussians of rank ${rank}, and noise; ${queries} queries`,
  }
}

const WORDS =
  'a and async client data easy engine fast files for from graph images library model network of parser ' +
  'python server simple small text the tools type vectors web with'
const words = WORDS.split(' ')

/** In the same form as the real metadata: few old packages, many new ones, a rank now and then. */
function generatedMetadata(row, random) {
  const year = 2026 - Math.floor(21 * random.next() ** 2.2)
  const month = String(1 + random.below(12)).padStart(2, '0')
  const summary = Array.from({ length: 4 + random.below(10) }, () => random.pick(words)).join(' ')
  const metadata = {
    id: `${random.pick(words)}-${random.pick(words)}-${row}`,
    version: `${random.below(5)}.${random.below(20)}.${random.below(10)}`,
    created_at: `${year}-${month}-01T00:00:00Z`,
    summary,
    year,
  }
  if (random.next() < 0.02) metadata.rank = 1 + random.below(15_000)
  return metadata
}

/** A text for a row that no compression makes much shorter, in characters of one byte. */
export function textOf(row, length) {
  const hash = createHash('shake256', { outputLength: Math.ceil((length * 3) / 4) })
  return hash.update(String(row)).digest('base64').slice(0, length)
}

function normalise(vector) {
  let sum = 0
  for (const value of vector) sum += value * value
  const scale = 1 / Math.sqrt(sum)
  for (let i = 0; i < vector.length; i++) vector[i] *= scale
}
