// What the disk costs: every delete of a store on disk beside the same delete in memory, call by call in turn, so
// that a machine that slows down slows both.
import { VectorizerClient } from '../index.js'
import { loadData } from './data.mjs'
import { inFolder, withFolder } from './folder.mjs'
import { Random } from './random.mjs'
import { median } from './statistics.mjs'
import { digits, machine, publish, table } from './table.mjs'

const COLLECTION = 'bench'
const INSERTED_AT_ONCE = 1_000
// Of each kind fewer than a tenth of all, with which the background begins at once.
const SINGLE = 1_000
const BATCHES = 5
const BATCH = 500
/** Each has as many rows as the others, and a filter deletes one of them. */
const LOTS = 40
const FILTERS = 3

export async function deletes(options, say) {
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

/** The times of each kind of delete, in µs for a vector: `[in memory, on disk]`. */
async function measure(data, folder, seed) {
  const clients = [new VectorizerClient(), new VectorizerClient({ path: folder })]
  for (const client of clients) await fill(client, data)
  const ids = shuffled(data.n, new Random(seed)).map((row) => `vec_${row}`)
  const take = (count) => ids.splice(0, count)
  const singles = take(SINGLE)
  const batches = Array.from({ length: BATCHES }, () => take(BATCH))
  const lots = Array.from({ length: FILTERS }, (_, lot) => lot)
  const figures = {
    deleteVector: await inTurn(clients, singles, async (client, id) => {
      await client.deleteVector(COLLECTION, id)
      return 1
    }),
    batchDelete: await inTurn(clients, batches, async (client, some) => {
      return (await client.batchDelete(COLLECTION, some)).deleted
    }),
    deleteByFilter: await inTurn(clients, lots, async (client, lot) => {
      return (await client.deleteByFilter(COLLECTION, { lot })).deleted
    }),
  }
  for (const client of clients) await client.close()
  return figures
}

async function fill(client, { n, dim, vectors, metadata }) {
  await client.createCollection(COLLECTION, { dimension: dim })
  for (let row = 0; row < n; row += INSERTED_AT_ONCE) {
    const rows = Array.from({ length: Math.min(INSERTED_AT_ONCE, n - row) }, (_, i) => row + i)
    await client.insertVectors(COLLECTION, {
      ids: rows.map((each) => `vec_${each}`),
      data: vectors.slice(row * dim, (row + rows.length) * dim),
      metadata: rows.map((each) => ({ ...metadata[each], lot: each % LOTS })),
    })
  }
  await client.optimize(COLLECTION)
  // The index of the field is there before anything is measured.
  await client.deleteByFilter(COLLECTION, { lot: LOTS }, { dryRun: true })
}

function shuffled(n, random) {
  const rows = Array.from({ length: n }, (_, row) => row)
  for (let i = n - 1; i > 0; i--) {
    const j = random.below(i + 1)
    ;[rows[i], rows[j]] = [rows[j], rows[i]]
  }
  return rows
}

/** The medians of the clients' times, each of which goes first every other time. The background is at rest. */
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
    `Microseconds for a vector, medians of ${SINGLE} single deletes, ${BATCHES} batches of ${BATCH} and ${FILTERS} filters that match ${Math.floor(n / LOTS)} vectors each, whose field has its index; all are awaited from JavaScript, call by call in turn, while the background is at rest.`,
    table(['', 'in memory', 'on disk', 'ratio', 'of each round'], rows),
  ].join('\n\n')
}
