import { Random } from './random.mjs'

export const K = 10

/** What share of the rows is deleted when the searches are measured again. */
export const SHARES = [0.3, 0.5, 0.9]

/**
 * Which rows are deleted, by which call, until a tenth is left; the same for every engine. The filter
 * comes after the single deletes, so `filter.matches` is what is then left of its matches. `rests` are
 * the rows that lead to each of the shares. A row's lifetime is how many of the levels it is alive at:
 * fresh, and each of the shares.
 */
export function makePlan({ n, metadata }, seed) {
  const order = new Random(seed + 1).shuffle(Uint32Array.from({ length: n }, (_, row) => row))
  const single = order.slice(0, Math.min(1_000, Math.floor(n / 40)))
  const below = yearOfATenth(metadata)
  const others = order.slice(single.length)
  const kept = others.filter((row) => metadata[row].year >= below)
  const untilKept = n - kept.length
  const target = (share) => Math.max(0, Math.round(n * share) - untilKept)
  const batch = kept.slice(0, Math.min(10_000, target(SHARES[0])))
  const lifetimes = new Uint8Array(n).fill(1)
  const rests = SHARES.map((share, i) => {
    const start = i === 0 ? batch.length : target(SHARES[i - 1])
    const end = target(share)
    for (const row of kept.subarray(end)) lifetimes[row]++
    return [...kept.slice(start, end)]
  })
  return {
    single: [...single],
    filter: { field: 'year', below, matches: others.length - kept.length },
    batch: [...batch],
    rests,
    survivors: [...kept.slice(target(SHARES.at(-1)))],
    lifetimes: [...lifetimes],
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
 * The similarity of each query's nearest row, and for each level of its k-th nearest of those that are
 * alive, by comparing with all rows. A result counts as right when it is at least as near: of equally near
 * rows an engine may return any.
 */
export function exactScores({ vectors, queries, dim }, lifetimes) {
  const levels = lifetimes.reduce((most, lifetime) => Math.max(most, lifetime), 1)
  const nearest = []
  const limits = Array.from({ length: levels }, () => [])
  for (let q = 0; q < queries.length; q += dim) {
    const query = queries.subarray(q, q + dim)
    const best = limits.map(() => new Best())
    for (let row = 0; row < lifetimes.length; row++) {
      const score = dot(vectors, row * dim, query)
      for (let level = 0; level < lifetimes[row]; level++) best[level].offer(score)
    }
    nearest.push(best[0].scores[0])
    for (const [level, list] of limits.entries()) list.push(best[level].limit)
  }
  return { nearest, limits }
}

/** The k highest scores that were offered, the highest first. */
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
