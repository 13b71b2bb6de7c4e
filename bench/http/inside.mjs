import { join } from 'node:path'
import { VectorizerClient } from '../../index.js'
import { K } from '../shared/exact.mjs'
import { batches, idOf, readJob } from '../shared/job.mjs'
import { quantile } from '../shared/statistics.mjs'
import { batchesOf, countOf, SEQUENCES, WARM_UP } from './calls.mjs'
import { COLLECTION } from './server.mjs'

/** The figures of each kind of call in this process: awaited, by as many callers as there are connections. */
export default async function inside({ shared, folder, disk, connections }) {
  const data = readJob(shared)
  const lists = batchesOf(data)
  const figures = {}
  for (const [i, sequence] of SEQUENCES.entries()) {
    const client = new VectorizerClient(disk ? { path: join(folder, String(i)) } : {})
    await fill(client, data)
    const calls = {
      search: (at) => client.search(COLLECTION, data.queries[at % data.queries.length], { limit: K }),
      single: (at) => client.deleteVector(COLLECTION, idOf(data.order[at])),
      batch: (at) => client.batchDelete(COLLECTION, lists[at]),
    }
    await time(calls.search, WARM_UP, connections)
    for (const call of sequence) figures[call] = await time(calls[call], countOf(call, data), connections)
    const left = await client.count(COLLECTION)
    if (left !== 0) throw new Error(`${left} rows are left in process`)
    await client.close()
  }
  return figures
}

async function fill(client, data) {
  await client.createCollection(COLLECTION, { dimension: data.dim })
  for (const batch of batches(data)) await client.insertVectors(COLLECTION, batch)
  await client.optimize(COLLECTION)
}

/** Times in ms, and the processor time of the process per call in µs. */
async function time(call, count, callers) {
  const times = new Float64Array(count)
  let next = 0
  async function caller() {
    while (next < count) {
      const at = next++
      const start = performance.now()
      await call(at)
      times[at] = performance.now() - start
    }
  }
  const before = process.cpuUsage()
  const start = performance.now()
  await Promise.all(Array.from({ length: callers }, caller))
  const seconds = (performance.now() - start) / 1e3
  const { user, system } = process.cpuUsage(before)
  const used = (user + system) / 1e6
  return {
    perSecond: count / seconds,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    processor: (used * 1e6) / count,
    cores: used / seconds,
  }
}
