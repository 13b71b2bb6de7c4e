// What the HTTP server adds to a call: load on a server in its own process, beside the same calls in process.

import { loadData } from './data.mjs'
import { inFolder, withFolder } from './folder.mjs'
import { CONNECTIONS, countOf, SEQUENCES, WARM_UP, writeRequests } from './http-calls.mjs'
import { findWrk, load } from './http-load.mjs'
import { httpReport } from './http-report.mjs'
import { fill, info, withServer } from './http-server.mjs'
import { readJob, writeJob } from './job.mjs'
import { run } from './process.mjs'
import { Random } from './random.mjs'
import { SECONDS, withSlowClients } from './slow-clients.mjs'
import { digits, publish } from './table.mjs'

const PLACES = [
  { disk: false, title: 'in memory' },
  { disk: true, title: 'with --data' },
]
const SLOW = 1_000
/** Enough to see slow clients given up, which takes the server some seconds. */
const SEARCHES_BESIDE = 100_000

export async function http(options, say) {
  const wrk = findWrk()
  say('preparing the data and the requests')
  const data = loadData(options)
  const order = new Random(options.seed + 1).shuffle(Array.from({ length: data.n }, (_, row) => row))
  const settings = PLACES.flatMap((place) => CONNECTIONS.map((connections) => ({ ...place, connections })))
  const measured = settings.map((setting) => ({ ...setting, outside: [], inside: [] }))
  const slow = []
  let engine
  let searchBytes
  await withFolder(async (shared) => {
    writeJob(shared, data, { order })
    const job = readJob(shared)
    const requests = writeRequests(shared, job)
    searchBytes = requests.searchBytes
    const bench = { shared, job, files: requests.files, ef: options.ef }
    for (let round = 0; round < options.rounds; round++) {
      for (const setting of measured) {
        // The other one begins each time, so that a machine that slows down slows both.
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
    engine = await run({ engine: 'ours' })
  })
  if (engine.error) throw new Error(engine.error)
  const about = {
    wrk,
    version: engine.version,
    data,
    searchBytes,
    slow: SLOW,
    every: SECONDS,
    beside: SEARCHES_BESIDE,
  }
  publish('http.md', httpReport(options, about, measured, slow))
}

/** The figures of each kind of call over HTTP. */
async function outside({ shared, job, files, ef }, { disk, connections }) {
  const figures = {}
  for (const sequence of SEQUENCES)
    await inFolder(shared, (folder) =>
      withServer(disk && folder, async (server) => {
        await fill(server.url, job, ef)
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

/** An answer that nothing was deleted takes other work than a delete: its time is not the time of one. */
function check({ failed, errors }, { vector_count: left }) {
  if (failed > 0) throw new Error(`deletes failed, so that their figures are void: ${JSON.stringify(errors)}`)
  if (left > 0) throw new Error(`${left} rows are left, so that the figures of their deletes are void`)
}

/** In a process of its own as well, so that neither side has the memory of this one. */
async function inside({ shared, ef }, { disk, connections }) {
  return inFolder(shared, async (folder) => {
    const job = { shared, folder, disk, connections, ef }
    const { error, figures } = await run({ task: 'http-inside', job })
    if (error) throw new Error(`in process: ${error}`)
    return figures
  })
}

/** One fast client that searches, with the slow ones and without them. */
function besideSlowClients({ job, files, ef }, round) {
  return withServer(undefined, async (server) => {
    await fill(server.url, job, ef)
    const search = (requests) => load({ ...server, file: files.search, requests, connections: 1 })
    await search(WARM_UP)
    const figures = {}
    const ways = {
      without: () => search(SEARCHES_BESIDE),
      with: () => withSlowClients(server.url, SLOW, () => search(SEARCHES_BESIDE)),
    }
    const names = Object.keys(ways)
    for (const name of round % 2 === 0 ? names : names.reverse()) figures[name] = await ways[name]()
    return figures
  })
}
