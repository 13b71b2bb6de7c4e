// Changes of many vectors in one step, beside the loops that they replace, on disk.
import { VectorizerClient } from '../../index.js'
import { engineOf, versionOf } from '../engines/index.mjs'
import { COLLECTION, row } from '../shared/fill.mjs'
import { inFolder, withFolder } from '../shared/folder.mjs'
import { batches, idsOf } from '../shared/job.mjs'
import { digits, machine, publish, say, spread, table } from '../shared/output.mjs'
import { Random } from '../shared/random.mjs'
import { median } from '../shared/statistics.mjs'

/** Each change is about one lot. */
const LOTS = 100
const REPEATS = 3
const ARCHIVE = 'archive'
/** The collections that everything about a user is forgotten from, and its vectors in each. */
const SHELVES = Array.from({ length: 10 }, (_, i) => `shelf ${i}`)
const OF_USER = 10

/** For each call: the call, and the loop in its place. Each gets the client and a lot of its own. */
const CHANGES = {
  bulkUpdateMetadata: [
    (client, lot) => client.bulkUpdateMetadata(COLLECTION, { lot }, { state: 'closed' }),
    async (client, lot) => {
      for (const { id, metadata } of await all(client, { filter: { lot } }))
        await client.updateVector(COLLECTION, id, { metadata: { ...metadata, state: 'closed' } })
    },
  ],
  batchUpdateVectors: [
    async (client, lot) => client.batchUpdateVectors(COLLECTION, updates(client.ids, lot)),
    async (client, lot) => {
      for (const { id, metadata } of updates(client.ids, lot))
        await client.updateVector(COLLECTION, id, { metadata })
    },
  ],
  moveToCollection: [
    (client, lot) => client.moveToCollection(COLLECTION, ARCHIVE, { filter: { lot } }),
    async (client, lot) => {
      const rows = await all(client, { filter: { lot }, with_vector: true })
      await client.insertVectors(ARCHIVE, rows)
      await client.batchDelete(
        COLLECTION,
        rows.map(({ id }) => id),
      )
    },
  ],
  forget: [
    (client, user) => client.forget({ filter: { user } }, { collections: SHELVES }),
    async (client, user) => {
      for (const name of SHELVES) await client.deleteByFilter(name, { user })
    },
  ],
}

export default async function changes(options) {
  const rounds = []
  await withFolder(async (folder) => {
    for (let round = 0; round < options.rounds; round++) {
      say(`round ${round + 1}`)
      rounds.push(await inFolder(folder, (own) => measure(options, own, round)))
    }
  })
  publish('changes.md', report(options, rounds))
}

/** The milliseconds of each change: `[the call, the loop]`. */
async function measure(options, path, round) {
  const client = new VectorizerClient({ path })
  await fill(client, options)
  const figures = {}
  let lot = 0
  for (const [name, ways] of Object.entries(CHANGES)) {
    const times = [[], []]
    for (let i = 0; i < REPEATS; i++) {
      // They take turns at going first.
      for (let turn = 0; turn < ways.length; turn++) {
        const at = (round + i + turn) % ways.length
        // No background work is running.
        for (const { name } of await client.listCollections()) await client.optimize(name)
        const begun = performance.now()
        await ways[at](client, lot++)
        times[at].push(performance.now() - begun)
      }
    }
    figures[name] = times.map(median)
  }
  await check(client, options)
  await client.close()
  return figures
}

async function fill(client, { n, dim, seed }) {
  const random = new Random(seed)
  client.ids = idsOf(n)
  const create = (name) => client.createCollection(name, { dimension: dim, metric: 'euclidean' })
  const insert = async (name, count, metadata) => {
    const data = { dim, n: count, vectors: row(count * dim, random), ids: client.ids.slice(0, count) }
    for (const batch of batches({ ...data, metadata })) await client.insertVectors(name, batch)
  }
  for (const name of [COLLECTION, ARCHIVE, ...SHELVES]) await create(name)
  say('inserting')
  await insert(
    COLLECTION,
    n,
    client.ids.map((_, i) => ({ lot: i % LOTS, state: 'open' })),
  )
  const users = client.ids.slice(0, LOTS * OF_USER).map((_, i) => ({ user: i % LOTS }))
  for (const name of SHELVES) await insert(name, users.length, users)
  say('building the graph')
  await client.optimize(COLLECTION)
  // This builds the indexes of the fields before anything is measured.
  await client.count(COLLECTION, { lot: 0 })
  for (const name of SHELVES) await client.count(name, { user: 0 })
}

const updates = (ids, lot) =>
  ids.filter((_, i) => i % LOTS === lot).map((id) => ({ id, metadata: { lot, state: 'closed' } }))

async function all(client, options) {
  const rows = []
  for await (const row of client.scan(COLLECTION, options)) rows.push(row)
  return rows
}

/** Throws unless everything was done. */
async function check(client, { n }) {
  const size = n / LOTS
  const changed = await client.count(COLLECTION, { state: 'closed' })
  const [moved, left] = [await client.count(ARCHIVE), await client.count(COLLECTION)]
  const shelved = await Promise.all(SHELVES.map((name) => client.count(name)))
  const each = 2 * REPEATS
  const expected = [2 * each * size, each * size, n - each * size, (LOTS - each) * OF_USER]
  const found = [changed, moved, left, ...new Set(shelved)]
  if (String(found) !== String(expected)) throw new Error(`found ${found}, not ${expected}`)
}

function report({ n, dim, seed }, rounds) {
  const rows = Object.keys(CHANGES).map((name) => {
    const of = (at) => spread(rounds.map((figures) => figures[name][at]))
    const ratios = rounds.map((figures) => figures[name][1] / figures[name][0])
    return [`\`${name}\``, of(0), of(1), digits(median(ratios))]
  })
  return [
    '# Changes in one step beside loops',
    `${machine()}. ${versionOf(engineOf('ours'))}, on disk, fsync everysec (its default). ${n} random rows of ${dim} dimensions with two fields of metadata, all in the graph. ${rounds.length} rounds of ${REPEATS} each, seed ${seed}; the call and the loop in turn, each on vectors of its own.`,
    `Milliseconds for ${n / LOTS} vectors, of which there are ${OF_USER} in each of ${SHELVES.length} collections for \`forget\` (${OF_USER * SHELVES.length} together):`,
    table(['', 'in one step', 'the loop', 'ratio'], rows),
    `Medians, with the range of the rounds. The loops are: \`scan\` and \`updateVector\` for each; \`updateVector\` for each; \`scan\`, \`insertVectors\` and \`batchDelete\`; \`deleteByFilter\` in each collection. A loop that is interrupted leaves half of it, and a call does not: \`moveToCollection\` and \`forget\` wait until the disk has everything, which the loops do not. The fields of the filters are indexed, and no background work is running.`,
  ].join('\n\n')
}
