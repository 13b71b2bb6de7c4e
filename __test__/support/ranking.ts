import type { SimilarityMetric } from '../..'

export interface Row {
  id: string
  data: ArrayLike<number>
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>) {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i]
  return sum
}

/** The documented score of two vectors of 32-bit floats, computed in 64-bit arithmetic. */
export function score(metric: SimilarityMetric, a: ArrayLike<number>, b: ArrayLike<number>) {
  if (metric === 'dot_product') return dot(a, b)
  if (metric === 'cosine') return dot(a, b) / (Math.sqrt(dot(a, a)) * Math.sqrt(dot(b, b)))
  let squares = 0
  for (let i = 0; i < a.length; i++) squares += (a[i] - b[i]) ** 2
  return 1 / (1 + Math.sqrt(squares))
}

/** The cosine score of many rows for one query, reading each row only once. */
function cosine(query: ArrayLike<number>) {
  const length = Math.sqrt(dot(query, query))
  return (row: ArrayLike<number>) => {
    let product = 0
    let squares = 0
    for (let i = 0; i < query.length; i++) {
      product += query[i] * row[i]
      squares += row[i] * row[i]
    }
    return product / (length * Math.sqrt(squares))
  }
}

/** All rows ranked by brute force, best first; ties stay in the given order. */
export function ranked(metric: SimilarityMetric, query: ArrayLike<number>, rows: readonly Row[]) {
  const scoring = metric === 'cosine' ? cosine(query) : (row: ArrayLike<number>) => score(metric, query, row)
  const scored = rows.map(({ id, data }) => ({ id, score: scoring(data) }))
  return scored.sort((a, b) => b.score - a.score)
}

/** The fraction of the true best `limit` that was found, over several queries. */
export class Recall {
  #found = 0
  #wanted = 0

  add(best: readonly { id: string }[], found: readonly { id: string }[]) {
    const ids = new Set(found.map(({ id }) => id))
    this.#found += best.filter(({ id }) => ids.has(id)).length
    this.#wanted += best.length
  }

  get share() {
    return this.#found / this.#wanted
  }
}
