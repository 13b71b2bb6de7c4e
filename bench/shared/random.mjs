/**
 * Seeded random numbers: the same seed gives the same data, queries and deletes on every machine.
 */
export class Random {
  #state
  #spare

  constructor(seed) {
    this.#state = seed >>> 0
  }

  /** Uniform in [0, 1): mulberry32. */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }

  below(limit) {
    return Math.floor(this.next() * limit)
  }

  pick(list) {
    return list[this.below(list.length)]
  }

  /** Standard normal: the Box–Muller method produces two at a time. */
  normal() {
    if (this.#spare !== undefined) {
      const spare = this.#spare
      this.#spare = undefined
      return spare
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()))
    const angle = 2 * Math.PI * this.next()
    this.#spare = radius * Math.sin(angle)
    return radius * Math.cos(angle)
  }

  normals(length) {
    return Float32Array.from({ length }, () => this.normal())
  }

  /** Shuffles in place. */
  shuffle(list) {
    for (let i = list.length - 1; i > 0; i--) {
      const j = this.below(i + 1)
      const swapped = list[i]
      list[i] = list[j]
      list[j] = swapped
    }
    return list
  }
}

/** The numbers of all rows in random order, for deletes; the seed differs from that of the data. */
export function shuffledRows(n, seed) {
  const rows = Array.from({ length: n }, (_, row) => row)
  return new Random(seed + 1).shuffle(rows)
}
