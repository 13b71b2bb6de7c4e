// The exact answers, by comparing with all rows.

/** The number of results a search asks for. */
export const K = 10

/**
 * The similarity of each query's nearest row and, for each level, of its k-th nearest live row. A row's
 * lifetime is the number of levels at which it is alive. A result counts as right if it is at least as near,
 * since an engine may return any of several equally near rows.
 */
export function exactScores({ vectors, queries, dim, n }, lifetimes = new Uint8Array(n).fill(1)) {
  const levels = lifetimes.reduce((max, lifetime) => Math.max(max, lifetime), 1)
  const nearest = []
  const limits = Array.from({ length: levels }, () => [])
  for (let q = 0; q < queries.length; q += dim) {
    const query = queries.subarray(q, q + dim)
    const best = limits.map(() => new Best())
    for (let row = 0; row < n; row++) {
      const score = dot(vectors, row * dim, query)
      for (let level = 0; level < lifetimes[row]; level++) best[level].offer(score)
    }
    nearest.push(best[0].scores[0])
    for (const [level, list] of limits.entries()) list.push(best[level].limit)
  }
  return { nearest, limits }
}

/** The k highest scores offered so far, highest first. */
export class Best {
  scores = new Float64Array(K).fill(-Infinity)
  limit = -Infinity

  offer(score) {
    if (score <= this.limit) return
    const { scores } = this
    let at = K - 1
    for (; at > 0 && scores[at - 1] < score; at--) scores[at] = scores[at - 1]
    scores[at] = score
    this.limit = scores[K - 1]
  }
}

/** Engines sum in another order than the exact search, so ties may differ in the last digits. */
export const isAsNear = (score, limit) => score >= limit - 1e-6

/** The inner product of a query with the row that begins at `at`. */
export function dot(vectors, at, query) {
  let a = 0
  let b = 0
  let i = 0
  // Two sums, so that the processor need not wait for one addition before the next.
  for (; i + 1 < query.length; i += 2) {
    a += vectors[at + i] * query[i]
    b += vectors[at + i + 1] * query[i + 1]
  }
  if (i < query.length) a += vectors[at + i] * query[i]
  return a + b
}
