import { setTimeout as pause } from 'node:timers/promises'
import { dot, isAsNear, K } from './exact.mjs'
import { rowOf } from './job.mjs'
import { median, quantile } from './statistics.mjs'

/** The `ef` of an engine is the smallest of its ladder that finds this share of the true neighbours. */
export const RECALL = 0.96

/**
 * Searches with all the queries, one after another: the times in ms, and the quality and number of the
 * results. A level consists of the lowest exact score for each query, and of which rows are alive. The data has
 * either the vectors or a `score` of a row for a query.
 */
export function searchMeter(store, { dim, queries, vectors, score: given }, ef) {
  const score = given ?? ((row, query) => dot(vectors, row * dim, query))
  const prepared = queries.map(store.query)

  async function search({ limits, alive = () => true }) {
    const times = []
    const found = []
    for (const query of prepared) {
      const start = performance.now()
      const ids = await store.search(query, K, ef)
      times.push(performance.now() - start)
      found.push(ids)
    }
    const rows = found.map((ids) => [...new Set(ids)].map(rowOf))
    let right = 0
    for (const [q, list] of rows.entries())
      for (const row of list) if (alive(row) && isAsNear(score(row, queries[q]), limits[q])) right++
    const all = rows.flat()
    return {
      ef,
      p50: median(times),
      p95: quantile(times, 0.95),
      p99: quantile(times, 0.99),
      perSecond: (times.length * 1e3) / times.reduce((sum, time) => sum + time),
      recall: right / (K * rows.length),
      stale: all.filter((row) => !alive(row)).length,
      short: K * rows.length - all.length,
    }
  }

  function blocking() {
    const times = prepared.map((query) => {
      const start = performance.now()
      store.searchSync(query, K, ef)
      return performance.now() - start
    })
    return median(times)
  }

  return { search, blocking }
}

/** The figures at each `ef` of an engine's ladder, from the narrowest search to the widest. */
export async function climb(store, data, level) {
  const steps = []
  for (const ef of store.efs) steps.push(await searchMeter(store, data, ef).search(level))
  return steps
}

/** The smallest `ef` that is good enough, or the largest if none is. */
export async function chooseEf(store, data, level) {
  let chosen
  for (chosen of store.efs) if ((await searchMeter(store, data, chosen).search(level)).recall >= RECALL) break
  return chosen
}

export async function seconds(work) {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1e3
}

/** The median time of the work for each entry, one after another, in seconds. */
export async function medianSeconds(list, work) {
  const times = []
  for (const each of list) times.push(await seconds(() => work(each)))
  return median(times)
}

/** Measures how much memory the process holds beyond what it holds now, in bytes. */
export async function memoryMeter() {
  const now = async () => {
    // Twice: finalisers of the first run free native memory, and threads need a moment to release it.
    for (let i = 0; i < 2; i++) {
      globalThis.gc()
      await pause(200)
    }
    return process.memoryUsage().rss
  }
  const before = await now()
  return async () => (await now()) - before
}
