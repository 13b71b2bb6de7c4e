import { loadData } from '../shared/data.mjs'
import { Best, dot } from '../shared/exact.mjs'
import { Random } from '../shared/random.mjs'

/** How many clusters the rows fall into, by the nearest of as many random centres. */
const CLUSTERS = 50
/** The share of the window that moves on in each round. */
const MOVED = 0.1

/**
 * Which rows are deleted and inserted in each round, and the exact answers after it. In the patterns `random`
 * and `clusters`, half of the rows are deleted and inserted again unchanged; in `window`, the oldest tenth is
 * replaced by rows that have not been inserted before.
 */
export function churnPlan(options, pattern) {
  const { n, rounds, seed } = options
  const moved = Math.round(n * MOVED)
  const data = loadData({ ...options, n: pattern === 'window' ? n + rounds * moved : n })
  const random = new Random(seed + 2)
  const deletes = { random: atRandom, clusters: wholeClusters }[pattern]?.(data, n, rounds, random)
  const steps = deletes
    ? deletes.map((rows) => ({ deleted: rows, inserted: rows, from: 0, to: n }))
    : Array.from({ length: rounds }, (_, round) => ({
        deleted: range(round * moved, (round + 1) * moved),
        inserted: range(n + round * moved, n + (round + 1) * moved),
        from: (round + 1) * moved,
        to: n + (round + 1) * moved,
      }))
  const windows = [{ from: 0, to: n }, ...steps]
  return { data, job: { first: n, steps, limits: limitsOf(data, windows) } }
}

const range = (start, end) => Array.from({ length: end - start }, (_, i) => start + i)

function atRandom(_, n, rounds, random) {
  const rows = range(0, n)
  return Array.from({ length: rounds }, () => random.shuffle(rows).slice(0, n >> 1))
}

/** Whole clusters, in another order in each round, until half of the rows are deleted. */
function wholeClusters({ vectors, dim }, n, rounds, random) {
  const centres = random
    .shuffle(range(0, n))
    .slice(0, CLUSTERS)
    .map((row) => vectors.subarray(row * dim, (row + 1) * dim))
  const clusters = centres.map(() => [])
  for (let row = 0; row < n; row++) {
    const scores = centres.map((centre) => dot(vectors, row * dim, centre))
    clusters[scores.indexOf(Math.max(...scores))].push(row)
  }
  return Array.from({ length: rounds }, () => {
    const rows = []
    for (const cluster of random.shuffle(clusters)) {
      if (rows.length >= n / 2) break
      rows.push(...cluster)
    }
    return rows
  })
}

/** For each window of rows, the score of each query's k-th nearest row in it. */
function limitsOf({ vectors, queries, dim, n }, windows) {
  const limits = windows.map(() => [])
  const scores = new Float64Array(n)
  for (let q = 0; q < queries.length; q += dim) {
    const query = queries.subarray(q, q + dim)
    for (let row = 0; row < n; row++) scores[row] = dot(vectors, row * dim, query)
    for (const [i, { from, to }] of windows.entries()) {
      const best = new Best()
      for (let row = from; row < to; row++) best.offer(scores[row])
      limits[i].push(best.limit)
    }
  }
  return limits
}
