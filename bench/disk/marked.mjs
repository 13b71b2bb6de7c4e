import { Random } from '../shared/random.mjs'

/** The smallest possible dimension: the first 64 bytes of a row are 16 values. */
export const MIN_DIM = 16
/** Values are integers divided by this, so that squares and their sums are exact in single precision. */
const SCALE = 4096

/**
 * Rows that can be told apart when found in a file: no two begin alike, and each has an id, a text and a
 * summary (in its metadata) that are random strings.
 */
export function markedRows({ n, dim, seed }) {
  const random = new Random(seed)
  const vectors = new Float32Array(n * dim)
  for (let row = 0; row < n; row++) vectors.set(unitRow(dim, random), row * dim)
  const strings = () => Array.from({ length: n }, () => token(random))
  const ids = strings()
  const texts = strings()
  const summaries = strings()
  const metadata = summaries.map((summary, row) => ({
    id: `package-${row}`,
    version: '1.0.0',
    created_at: '2024-01-01T00:00:00Z',
    summary,
    year: 2000 + random.below(25),
  }))
  return { n, dim, vectors, ids, texts, summaries, metadata }
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789'
const letters = [...ALPHABET]

const token = (random) => Array.from({ length: 32 }, () => random.pick(letters)).join('')

/**
 * A random direction whose length is one to the last bit, in whatever order the squares are summed: an engine
 * that normalises vectors then stores the same bytes. The last four values fill the length up to one, as a
 * sum of four squares (Lagrange's theorem).
 */
function unitRow(dim, random) {
  const row = random.normals(dim).fill(0, dim - 4)
  const length = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0))
  // Truncated, so that the squares cannot add up to more than one.
  for (let i = 0; i < dim - 4; i++) row[i] = Math.trunc((row[i] / length) * SCALE)
  const rest = SCALE * SCALE - row.reduce((sum, value) => sum + value * value, 0)
  row.set(fourSquares(rest), dim - 4)
  return row.map((value) => value / SCALE)
}

function fourSquares(sum) {
  for (let a = Math.floor(Math.sqrt(sum)); ; a--) {
    const pair = sum - a * a
    for (let b = Math.floor(Math.sqrt(pair)); b >= 0; b--) {
      const rest = pair - b * b
      for (let c = Math.floor(Math.sqrt(rest)); c * c * 2 >= rest; c--) {
        const d = Math.sqrt(rest - c * c)
        if (Number.isInteger(d)) return [a, b, c, d]
      }
    }
  }
}
