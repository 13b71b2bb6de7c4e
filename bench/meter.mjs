import { rowOf } from './job.mjs'
import { dot, isAsNear, K } from './plan.mjs'
import { median, quantile } from './statistics.mjs'

/** The `ef` of an engine is the smallest of its ladder that finds this share of the true neighbours. */
export const RECALL = 0.96

/**
 * Searches with all the queries, one after the other: times in ms, and how good and how many the results
 * are. A level is the exact answers' worst score for each query, and which rows are alive.
 */
export function searchMeter(engine, { dim, queries, vectors }, ef) {
  const prepared = queries.map(engine.query)

  async function search({ limits, alive }) {
    const times = []
    const found = []
    for (const query of prepared) {
      const start = performance.now()
      const ids = await engine.search(query, K, ef)
      times.push(performance.now() - start)
      found.push(ids)
    }
    const rows = found.map((ids) => [...new Set(ids)].map(rowOf))
    let right = 0
    for (const [q, list] of rows.entries())
      for (const row of list)
        if (alive(row) && isAsNear(dot(vectors, row * dim, queries[q]), limits[q])) right++
    const all = rows.flat()
    return {
      ef,
      p50: median(times),
      p95: quantile(times, 0.95),
      perSecond: (times.length * 1e3) / times.reduce((sum, time) => sum + time),
      recall: right / (K * rows.length),
      stale: all.filter((row) => !alive(row)).length,
      short: K * rows.length - all.length,
    }
  }

  function blocking() {
    const times = prepared.map((query) => {
      const start = performance.now()
      engine.searchSync(query, K, ef)
      return performance.now() - start
    })
    return median(times)
  }

  return { search, blocking }
}

/** The figures at each `ef` of an engine's ladder, from the narrowest search to the widest. */
export async function climb(engine, efs, data, level) {
  const steps = []
  for (const ef of efs) steps.push(await searchMeter(engine, data, ef).search(level))
  return steps
}

/** The smallest `ef` that is good enough, or else the largest. */
export async function chooseEf(engine, efs, data, level) {
  let chosen
  for (chosen of efs) if ((await searchMeter(engine, data, chosen).search(level)).recall >= RECALL) break
  return chosen
}

export async function seconds(work) {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1e3
}
