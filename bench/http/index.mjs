// What the HTTP server adds to a call: load on a server in a separate process, next to the same calls in
// process.
import { loadData } from '../shared/data.mjs'
import { inFolder, withFolder } from '../shared/folder.mjs'
import { readJob, writeJob } from '../shared/job.mjs'
import { digits, publish, say } from '../shared/output.mjs'
import { run } from '../shared/process.mjs'
import { shuffledRows } from '../shared/random.mjs'
import { CONNECTIONS, countOf, SEARCHES_BESIDE, SEQUENCES, WARM_UP, writeRequests } from './calls.mjs'
import { findWrk, load } from './load.mjs'
import { httpReport } from './report.mjs'
import { fill, info, withServer } from './server.mjs'
import { SLOW, withSlowClients } from './slow-clients.mjs'

const PLACES = [
  { disk: false, title: 'in memory' },
  { disk: true, title: 'with --data' },
]

export default async function http(options) {
  const wrk = findWrk()
  say('preparing the data and the requests')
  const data = loadData(options)
  const settings = PLACES.flatMap((place) => CONNECTIONS.map((connections) => ({ ...place, connections })))
  const measured = settings.map((setting) => ({ ...setting, outside: [], inside: [] }))
  const slow = []
  const searchBytes = await withFolder(async (shared) => {
    writeJob(shared, data, { order: shuffledRows(data.n, options.seed) })
    const job = readJob(shared)
    const requests = writeRequests(shared, job)
    const bench = { shared, job, files: requests.files }
    for (let round = 0; round < options.rounds; round++) {
      for (const setting of measured) {
        // The sides take turns at going first, so that a machine that slows down slows both.
        const sides = round % 2 === 0 ? [outside, inside] : [inside, outside]
        for (const side of sides) setting[side.name].push(await side(bench, setting))
        const { connections, title } = setting
        const of = (side) => digits(setting[side].at(-1).search.perSecond)
        say(
          `round ${round + 1}: ${title}, ${connections} at a time: ` +
            `${of('outside')} searches a second over HTTP, ${of('inside')} in process`,
        )
      }
      slow.push(await besideSlowClients(bench, round))
      say(
        `round ${round + 1}: search p50 ${digits(slow.at(-1).with.p50)} ms with ${SLOW} slow clients, ` +
          `${digits(slow.at(-1).without.p50)} ms without`,
      )
    }
    return requests.searchBytes
  })
  publish('http.md', httpReport(options, { wrk, data, searchBytes }, measured, slow))
}

/** The figures of each kind of call over HTTP. */
async function outside({ shared, job, files }, { disk, connections }) {
  const figures = {}
  for (const sequence of SEQUENCES)
    await inFolder(shared, (folder) =>
      withServer(disk && folder, async (server) => {
        await fill(server.url, job)
        await load({ ...server, file: files.search, requests: WARM_UP, connections })
        for (const call of sequence) {
          const requests = countOf(call, job)
          figures[call] = await load({ ...server, file: files[call], requests, connections })
          if (call !== 'search') check(figures[call], await info(server.url))
        }
      }),
    )
  return figures
}

/**
 * A request that finds nothing to delete does other work than a delete, so its time does not count as one.
 */
function check({ failed, errors }, { vector_count: left }) {
  if (failed > 0) throw new Error(`deletes failed, so that their figures are void: ${JSON.stringify(errors)}`)
  if (left > 0) throw new Error(`${left} rows are left, so that the figures of their deletes are void`)
}

/** In a separate process as well, so that neither side has this process's memory. */
function inside({ shared }, { disk, connections }) {
  return inFolder(shared, (folder) =>
    run({ task: 'http/inside', job: { shared, folder, disk, connections } }),
  )
}

/** One fast client that searches, with the slow clients and without them. */
function besideSlowClients({ job, files }, round) {
  return withServer(undefined, async (server) => {
    await fill(server.url, job)
    const search = (requests) => load({ ...server, file: files.search, requests, connections: 1 })
    await search(WARM_UP)
    const figures = {}
    const ways = {
      without: () => search(SEARCHES_BESIDE),
      with: () => withSlowClients(server.url, () => search(SEARCHES_BESIDE)),
    }
    const names = Object.keys(ways)
    for (const name of round % 2 === 0 ? names : names.reverse()) figures[name] = await ways[name]()
    return figures
  })
}
