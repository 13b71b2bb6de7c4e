import { shuffledRows } from '../random.mjs'

/** The shares of deleted rows at which the searches are measured again. */
export const SHARES = [0.3, 0.5, 0.9]

/**
 * Which rows are deleted, by which call, until a tenth is left; the same for every engine. The filter runs
 * after the single deletes, so `filter.matches` counts the matches that are then left. `rests` are the rows
 * that lead to each of the shares. A row's lifetime is the number of levels at which it is alive: fresh, and
 * each of the shares.
 */
export function makePlan({ n, metadata }, seed) {
  const order = shuffledRows(n, seed)
  const single = order.slice(0, Math.min(1_000, Math.floor(n / 40)))
  const below = yearOfATenth(metadata)
  const others = order.slice(single.length)
  const kept = others.filter((row) => metadata[row].year >= below)
  const untilKept = n - kept.length
  const target = (share) => Math.max(0, Math.round(n * share) - untilKept)
  const batch = kept.slice(0, Math.min(10_000, target(SHARES[0])))
  const lifetimes = Array(n).fill(1)
  const rests = SHARES.map((share, i) => {
    const start = i === 0 ? batch.length : target(SHARES[i - 1])
    const end = target(share)
    for (const row of kept.slice(end)) lifetimes[row]++
    return kept.slice(start, end)
  })
  return {
    single,
    filter: { field: 'year', below, matches: others.length - kept.length },
    batch,
    rests,
    survivors: kept.length - target(SHARES.at(-1)),
    lifetimes,
  }
}

/** The year for which the share of rows before it is nearest to a tenth. */
export function yearOfATenth(metadata) {
  const years = metadata.map((row) => row.year).sort((a, b) => a - b)
  const share = (year) => years.findIndex((other) => other >= year) / years.length
  return [...new Set(years)].reduce((best, year) =>
    Math.abs(share(year) - 0.1) < Math.abs(share(best) - 0.1) ? year : best,
  )
}
