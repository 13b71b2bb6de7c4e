import { shuffledRows } from '../random.mjs'

/** What share of the rows is deleted when the searches are measured again. */
export const SHARES = [0.3, 0.5, 0.9]

/**
 * Which rows are deleted, by which call, until a tenth is left; the same for every engine. The filter
 * comes after the single deletes, so `filter.matches` is what is then left of its matches. `rests` are
 * the rows that lead to each of the shares. A row's lifetime is how many of the levels it is alive at:
 * fresh, and each of the shares.
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

/** The year below which the share of the rows is nearest to a tenth. */
function yearOfATenth(metadata) {
  const years = metadata.map((row) => row.year).sort((a, b) => a - b)
  const share = (year) => years.findIndex((other) => other >= year) / years.length
  return [...new Set(years)].reduce((best, year) =>
    Math.abs(share(year) - 0.1) < Math.abs(share(best) - 0.1) ? year : best,
  )
}
