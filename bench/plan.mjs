import { Random } from './random.mjs'

export const K = 10

/**
 * Which rows are deleted, by which call, until a tenth is left; the same for every engine. The filter
 * comes after the single deletes, so `filter.matches` is what is then left of its matches.
 */
export function makePlan({ n, metadata }, seed) {
  const order = new Random(seed + 1).shuffle(Uint32Array.from({ length: n }, (_, row) => row))
  const single = order.slice(0, Math.min(1_000, Math.floor(n / 40)))
  const below = yearOfATenth(metadata)
  const others = order.slice(single.length)
  const kept = others.filter((row) => metadata[row].year >= below)
  const batch = kept.slice(0, Math.min(10_000, Math.floor(n / 4)))
  const survivors = kept.slice(kept.length - Math.round(n / 10))
  const rest = kept.slice(batch.length, kept.length - survivors.length)
  return {
    single: [...single],
    filter: { field: 'year', below, matches: others.length - kept.length },
    batch: [...batch],
    rest: [...rest],
    survivors: [...survivors],
  }
}

/** The year below which the share of the rows is nearest to a tenth. */
function yearOfATenth(metadata) {
  const years = metadata.map((row) => row.year).sort((a, b) => a - b)
  const share = (year) => years.findIndex((other) => other >= year) / years.length
  return [...new Set(years)].reduce((best, year) =>
    Math.abs(share(year) - 0.1) < Math.abs(share(best) - 0.1) ? year : best,
  )
}

/**
 * The similarity of each query's nearest row, and of its k-th nearest, by comparing with all of them. A
 * result counts as right when it is at least as near: of equally near rows an engine may return any.
 */
export function exactScores({ vectors, queries, dim }, rows) {
  const nearest = []
  const limits = []
  for (let q = 0; q < queries.length; q += dim) {
    const query = queries.subarray(q, q + dim)
    const best = new Float64Array(K).fill(-Infinity)
    for (const row of rows) {
      const score = dot(vectors, row * dim, query)
      if (score <= best[K - 1]) continue
      let at = K - 1
      for (; at > 0 && best[at - 1] < score; at--) best[at] = best[at - 1]
      best[at] = score
    }
    nearest.push(best[0])
    limits.push(best[K - 1])
  }
  return { nearest, limits }
}

/** Engines sum in another order than the exact search, so a tie may differ in the last digits. */
export const isAsNear = (score, limit) => score >= limit - 1e-6

/** The inner product of a query with the row that begins at `at`. */
export function dot(vectors, at, query) {
  let a = 0
  let b = 0
  let i = 0
  // Two sums: the processor need not wait for one addition before the next.
  for (; i + 1 < query.length; i += 2) {
    a += vectors[at + i] * query[i]
    b += vectors[at + i + 1] * query[i + 1]
  }
  if (i < query.length) a += vectors[at + i] * query[i]
  return a + b
}
