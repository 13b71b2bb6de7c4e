/**
 * A seeded random number generator from 0 to 1 (mulberry32): the same seed gives the same tests.
 */
export type Random = () => number

export function seeded(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/** A whole number from 0 to `below` - 1. */
export const whole = (random: Random, below: number) => Math.floor(random() * below)

export function shuffled<T>(random: Random, values: readonly T[]): T[] {
  const copy = [...values]
  for (let i = copy.length - 1; i > 0; i--) {
    const j = whole(random, i + 1)
    ;[copy[i], copy[j]] = [copy[j], copy[i]]
  }
  return copy
}

/** Approximately normally distributed. */
const normal = (random: Random) => random() + random() + random() + random() - 2

export const vector = (random: Random, dimension: number) =>
  Float32Array.from({ length: dimension }, () => normal(random))

/** Vectors around `clusters` centres, as embeddings are; row i belongs to cluster i % clusters. */
export function clustered(random: Random, count: number, dimension: number, clusters: number) {
  const centres = Array.from({ length: clusters }, () => vector(random, dimension))
  return Array.from({ length: count }, (_, i) =>
    centres[i % clusters].map((value) => value + 0.4 * normal(random)),
  )
}

/** Rows with many values but few degrees of freedom, as those of a model. */
export function projected(random: Random, rows: Float32Array[], dimension: number) {
  const axes = Array.from(rows[0], () => vector(random, dimension))
  return rows.map((row) =>
    Float32Array.from({ length: dimension }, (_, i) =>
      row.reduce((sum, value, axis) => sum + value * axes[axis][i], 0),
    ),
  )
}
