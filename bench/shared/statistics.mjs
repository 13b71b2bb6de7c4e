export function median(values) {
  const sorted = sort(values)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

/** The smallest value that is at least as large as the given share of the values. */
export function quantile(values, share) {
  return sort(values)[Math.max(0, Math.ceil(values.length * share) - 1)]
}

/** The same for values with counts, in ascending order. */
export function weightedQuantile(counts, share) {
  const all = counts.reduce((sum, [, count]) => sum + count, 0)
  let left = Math.max(1, Math.ceil(all * share))
  for (const [value, count] of counts) {
    left -= count
    if (left <= 0) return value
  }
  return Number.NaN
}

const sort = (values) => [...values].sort((a, b) => a - b)
