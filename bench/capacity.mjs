// How much fits on one machine: what a collection takes by dimension, and whether that grows with its rows.
import { getPriority, loadavg } from 'node:os'
import { capacityChart, capacityReport } from './capacity-report.mjs'
import { inFolder, withFolder } from './folder.mjs'
import { run } from './process.mjs'
import { digits, publish } from './table.mjs'

export async function capacity(options, say) {
  // What else the machine had to do in the last minute; Windows does not tell, and says 0.
  const beside = { load: loadavg()[0], nice: getPriority() }
  const points = []
  for (const { dim, n } of wanted(options)) {
    say(`dim ${dim}, ${n} rows: preparing the data and the exact answers`)
    points.push(await withFolder((shared) => measured({ ...options, shared, dim, n }, say)))
  }
  publish('capacity.md', capacityReport(options, beside, points), {
    'capacity.svg': capacityChart(options, points),
  })
}

/** Each dimension with the same number of rows, and one of them with others. */
function wanted({ dims, dim, n, sizes }) {
  const all = [...dims.map((each) => ({ dim: each, n })), ...sizes.map((size) => ({ dim, n: size }))]
  return [...new Map(all.map((point) => [`${point.dim} ${point.n}`, point])).values()].sort(
    (a, b) => a.dim - b.dim || a.n - b.n,
  )
}

/** The figures of one size, in memory and on disk, each in a process of its own. */
async function measured({ shared, dim, n, queries, seed }, say) {
  const { figures: about } = await succeeded({
    task: 'capacity-data',
    job: { shared, dim, n, queries, seed },
  })
  const point = { dim, n, ...about }
  for (const place of ['memory', 'disk']) {
    const { version, figures } = await inFolder(shared, (folder) =>
      succeeded({
        task: 'capacity-point',
        engine: 'ours',
        job: { shared, folder, dim, n, disk: place === 'disk' },
      }),
    )
    point.version = version
    point[place] = figures
    const { resident, peak, build } = figures
    say(
      `dim ${dim}, ${n} rows, ${place}: ${digits(resident / n)} bytes a vector, ${digits(peak / n)} at most, ` +
        `${digits(n / build)} vectors a second`,
    )
  }
  return point
}

async function succeeded(work) {
  const answer = await run(work)
  if (answer.error) throw new Error(`${work.job.n} rows of dim ${work.job.dim}: ${answer.error}`)
  return answer
}
