// The cost of the disk: every delete of a store on disk next to the same delete in memory, alternating call
// by call, so that a machine that slows down slows both.
import { VectorizerClient } from '../../index.js'
import { loadData } from '../shared/data.mjs'
import { inFolder, withFolder } from '../shared/folder.mjs'
import { batches, idOf, idsOf } from '../shared/job.mjs'
import { digits, machine, publish, say, table } from '../shared/output.mjs'
import { shuffledRows } from '../shared/random.mjs'
import { median } from '../shared/statistics.mjs'

const COLLECTION = 'bench'
// The deletes of each kind stay below a tenth of the rows, from which background work starts at once.
const SINGLES = 1_000
const BATCHES = 5
const BATCH = 500
/** All lots have the same number of rows; a filter deletes one lot. */
const LOTS = 40
const FILTERS = 3

export default async function deletes(options) {
  say('preparing the data')
  const data = loadData(options)
  const rounds = []
  await withFolder(async (folder) => {
    for (let round = 1; round <= options.rounds; round++) {
      say(`round ${round}`)
      rounds.push(await inFolder(folder, (own) => measure(data, own, options.seed)))
    }
  })
  publish('deletes.md', report(options, data, rounds))
}

/** The times of each kind of delete, in µs per vector: `[in memory, on disk]`. */
async function measure(data, folder, seed) {
  const clients = [new VectorizerClient(), new VectorizerClient({ path: folder })]
  for (const client of clients) await fill(client, data)
  const ids = shuffledRows(data.n, seed).map(idOf)
  const take = (count) => ids.splice(0, count)
  const singles = take(SINGLES)
  const lists = Array.from({ length: BATCHES }, () => take(BATCH))
  const lots = [...Array(FILTERS).keys()]
  const figures = {
    deleteVector: await inTurn(clients, singles, async (client, id) => {
      await client.deleteVector(COLLECTION, id)
      return 1
    }),
    batchDelete: await inTurn(clients, lists, async (client, list) => {
      return (await client.batchDelete(COLLECTION, list)).deleted
    }),
    deleteByFilter: await inTurn(clients, lots, async (client, lot) => {
      return (await client.deleteByFilter(COLLECTION, { lot })).deleted
    }),
  }
  for (const client of clients) await client.close()
  return figures
}

async function fill(client, data) {
  await client.createCollection(COLLECTION, { dimension: data.dim })
  const metadata = data.metadata.map((each, row) => ({ ...each, lot: row % LOTS }))
  for (const batch of batches({ ...data, ids: idsOf(data.n), metadata }))
    await client.insertVectors(COLLECTION, batch)
  await client.optimize(COLLECTION)
  // This builds the index of the field before anything is measured.
  await client.deleteByFilter(COLLECTION, { lot: LOTS }, { dryRun: true })
}

/** The medians of the clients' times; they take turns at going first. No background work is running. */
async function inTurn(clients, all, act) {
  for (const client of clients) await client.optimize(COLLECTION)
  const times = clients.map(() => [])
  for (const [i, what] of all.entries()) {
    for (let turn = 0; turn < clients.length; turn++) {
      const at = (i + turn) % clients.length
      const begun = performance.now()
      const count = await act(clients[at], what)
      times[at].push(((performance.now() - begun) * 1_000) / count)
    }
  }
  return times.map(median)
}

function report({ rounds: count, seed }, { n, dim, description }, rounds) {
  const names = Object.keys(rounds[0])
  const rows = names.map((name) => {
    const of = (at) => median(rounds.map((figures) => figures[name][at]))
    const ratios = rounds.map((figures) => figures[name][1] / figures[name][0])
    return [
      `\`${name}\``,
      digits(of(0)),
      digits(of(1)),
      digits(median(ratios)),
      ratios.map(digits).join(', '),
    ]
  })
  return [
    '# Deletes on disk beside the same in memory',
    `${machine()}. ${n} rows of ${dim} dimensions with metadata: ${description}. ${count} rounds, seed ${seed}; fsync everysec (its default).`,
    `Microseconds per vector, medians of ${SINGLES} single deletes, ${BATCHES} batches of ${BATCH} and ${FILTERS} filters that match ${Math.floor(n / LOTS)} vectors each and whose field is indexed; all are awaited from JavaScript, alternating call by call, while no background work is running.`,
    table(['', 'in memory', 'on disk', 'ratio', 'of each round'], rows),
  ].join('\n\n')
}
