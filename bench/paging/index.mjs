// Reading all vectors of a collection a page at a time: does the last page take longer than the first, also
// after vectors have been replaced and deleted?
import { VectorizerClient } from '../../index.js'
import { engineOf, versionOf } from '../engines/index.mjs'
import { COLLECTION, fill, row } from '../shared/fill.mjs'
import { idOf } from '../shared/job.mjs'
import { digits, machine, publish, say, table } from '../shared/output.mjs'
import { Random, shuffledRows } from '../shared/random.mjs'
import { median } from '../shared/statistics.mjs'

const PAGE = 1_000
/** How often each page is read. */
const REPEATS = 25
const REPLACED = 0.01
const DELETED = 0.1

export default async function paging(options) {
  const { n, dim, seed } = options
  if (n < 20 * PAGE) throw new Error(`--n must be at least ${20 * PAGE}, so that there are pages to compare`)
  const random = new Random(seed)
  const client = new VectorizerClient()
  const measured = []
  const measure = async (state) => {
    say(`reading: ${state}`)
    measured.push({ state, listed: await listed(client), scanned: await scanned(client) })
  }
  say(`inserting ${n} vectors`)
  await fill(client, n, dim, random)
  // So that compiled code is not what differs between the first page and the others.
  await scanned(client)
  await measure('all in the graph')

  const order = shuffledRows(n, seed)
  const replaced = order.slice(0, Math.round(n * REPLACED)).map(idOf)
  await client.insertVectors(COLLECTION, { ids: replaced, data: row(replaced.length * dim, random) })
  await measure(`${100 * REPLACED} % replaced`)
  await client.optimize(COLLECTION)
  await measure('… after `optimize`')

  const deleted = shuffledRows(n, seed + 1).slice(0, Math.round(n * DELETED))
  await client.batchDelete(COLLECTION, deleted.map(idOf))
  await measure(`then ${100 * DELETED} % deleted`)
  await client.optimize(COLLECTION)
  await measure('… after `optimize`')
  await client.close()
  publish('paging.md', report(options, measured))
}

/** The median time of the first page, the middle one and the last that is full, in µs. */
async function listed(client) {
  const pages = Math.floor((await client.count(COLLECTION)) / PAGE)
  const places = [0, pages >> 1, pages - 1]
  const times = places.map(() => [])
  // In turn, so that whatever else the machine does slows down all of them alike.
  for (let i = 0; i < REPEATS; i++) {
    for (const [p, page] of places.entries()) {
      const start = performance.now()
      const { vectors } = await client.listVectors(COLLECTION, page, PAGE)
      times[p].push((performance.now() - start) * 1e3)
      if (vectors.length !== PAGE) throw new Error(`page ${page} has ${vectors.length} vectors`)
    }
  }
  return times.map(median)
}

/** The median time of a batch in the first tenth of a scan, the middle one and the last, in µs. */
async function scanned(client) {
  const times = []
  let read = 0
  let start = performance.now()
  for await (const _ of client.scan(COLLECTION, { batchSize: PAGE, with_vector: true })) {
    if (++read % PAGE !== 0) continue
    const now = performance.now()
    times.push((now - start) * 1e3)
    start = now
  }
  const count = await client.count(COLLECTION)
  if (read !== count) throw new Error(`the scan read ${read} vectors, not ${count}`)
  const tenth = Math.floor(times.length / 10)
  const middle = (times.length - tenth) >> 1
  return [times.slice(0, tenth), times.slice(middle, middle + tenth), times.slice(-tenth)].map(median)
}

function report({ n, dim, seed }, measured) {
  const times = (name) =>
    table(
      ['microseconds', 'first', 'middle', 'last', 'last / first'],
      measured.map((each) => {
        const [first, middle, last] = each[name]
        return [each.state, ...[first, middle, last, last / first].map(digits)]
      }),
    )
  return [
    '# Paging',
    `${machine()}. ${versionOf(engineOf('ours'))}, in memory. ${n} generated vectors of ${dim} dimensions with metadata, seed ${seed}.`,
    `## \`listVectors\`, a page of ${PAGE}`,
    times('listed'),
    `Medians of ${REPEATS} calls for each page, in turn; the last page is the last that is full.`,
    `## \`scan\`, a batch of ${PAGE}`,
    times('scanned'),
    'Medians of the batches in the first tenth of one scan with values and metadata, the middle tenth and the ' +
      'last, from the last vector of one batch to the last of the next, as a `for await` receives them. ' +
      'Where it does not say `optimize`, background work may still be running. The vectors that are ' +
      'replaced and deleted are chosen at random; those replaced are inserted under the same ids.',
  ].join('\n\n')
}
