// How much fits on one machine: the size of a collection by dimension, and whether it is proportional to the
// rows.
import { getPriority, loadavg } from 'node:os'
import { inFolder, withFolder } from '../shared/folder.mjs'
import { digits, publish, say } from '../shared/output.mjs'
import { run } from '../shared/process.mjs'
import { capacityChart, capacityReport } from './report.mjs'

export default async function capacity(options) {
  // The other load on the machine in the last minute; on Windows it is unknown, and reported as 0.
  const beside = { load: loadavg()[0], nice: getPriority() }
  const points = []
  for (const { dim, n } of sizesOf(options)) {
    say(`dim ${dim}, ${n} rows: preparing the data and the exact answers`)
    points.push(await withFolder((shared) => measure({ ...options, shared, dim, n })))
  }
  publish('capacity.md', capacityReport(options, beside, points), {
    'capacity.svg': capacityChart(options, points),
  })
}

/** Each dimension with the same number of rows, and one of them with other numbers of rows too. */
function sizesOf({ dims, dim, n, sizes }) {
  const all = [...dims.map((each) => ({ dim: each, n })), ...sizes.map((size) => ({ dim, n: size }))]
  return [...new Map(all.map((point) => [`${point.dim} ${point.n}`, point])).values()].sort(
    (a, b) => a.dim - b.dim || a.n - b.n,
  )
}

/** The figures of one size, in memory, on disk, and on disk with texts, each in a separate process. */
async function measure({ shared, dim, n, queries, seed, text }) {
  const about = await run({ task: 'capacity/data', job: { shared, dim, n, queries, seed } })
  const point = { dim, n, ...about }
  for (const [place, job] of Object.entries({
    memory: {},
    disk: { disk: true },
    texts: { disk: true, text },
  })) {
    point[place] = await inFolder(shared, (folder) =>
      run({ task: 'capacity/point', engine: 'ours', job: { shared, folder, dim, n, ...job } }),
    )
    const { resident, peak, build } = point[place]
    say(
      `dim ${dim}, ${n} rows, ${place}: ${digits(resident / n)} bytes a vector, ${digits(peak / n)} at most, ` +
        `${digits(n / build)} vectors a second`,
    )
  }
  return point
}
