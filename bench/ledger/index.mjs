// What a ledger of erasures costs: deletes with and without one, its size, and how long it takes to verify it
// and to restore with it.
import { generateKeyPairSync, sign } from 'node:crypto'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { VectorizerClient, verifyLedger } from '../../index.js'
import { engineOf, versionOf } from '../engines/index.mjs'
import { COLLECTION, row } from '../shared/fill.mjs'
import { inFolder, withFolder } from '../shared/folder.mjs'
import { batches, idsOf } from '../shared/job.mjs'
import { digits, MB, machine, publish, say, spread, table } from '../shared/output.mjs'
import { Random } from '../shared/random.mjs'
import { median, quantile } from '../shared/statistics.mjs'

const { publicKey, privateKey } = generateKeyPairSync('ed25519')
const signed = { sign: (entry) => sign(null, entry, privateKey) }

/** The options of a client, and those of its deletes. */
const WAYS = {
  'without a ledger': [{}, {}],
  'without a ledger, with receipts': [{}, { receipt: true }],
  'with a ledger': [{ ledger: true }, {}],
  'with a ledger, with receipts': [{ ledger: true }, { receipt: true }],
  'with a ledger, with signed receipts': [{ ledger: signed }, { receipt: true }],
}
/** How many vectors are deleted one by one, and how many at once, how often. */
const SINGLE = 500
const AT_ONCE = 1_000
const BATCHES = 20
/** How many deletes are in progress while the long ledger is made. */
const TOGETHER = 16

export default async function ledger(options) {
  const random = new Random(options.seed)
  const rounds = []
  let long
  await withFolder(async (folder) => {
    for (let round = 0; round < options.rounds; round++) {
      const figures = {}
      const names = Object.keys(WAYS)
      // They take turns at going first.
      for (const i of names.keys()) {
        const name = names[(i + round) % names.length]
        say(`round ${round + 1}: ${name}`)
        figures[name] = await inFolder(folder, (own) => deletes(options, own, random, WAYS[name]))
      }
      rounds.push(figures)
    }
    long = await inFolder(folder, (own) => entries(options, own, random))
  })
  publish('ledger.md', report(options, rounds, long))
}

async function fill(client, { n, dim }, random) {
  const ids = idsOf(n)
  await client.createCollection(COLLECTION, { dimension: dim, metric: 'euclidean' })
  const data = { dim, n, vectors: row(n * dim, random), ids, metadata: ids.map((_, i) => ({ lot: i % 100 })) }
  for (const batch of batches(data)) await client.insertVectors(COLLECTION, batch)
  return ids
}

/** The milliseconds of each delete, of one vector and of many. */
async function deletes({ dim }, path, random, [store, receipts]) {
  const client = new VectorizerClient({ path, ...store })
  const ids = await fill(client, { n: SINGLE + AT_ONCE * BATCHES, dim }, random)
  await client.optimize(COLLECTION)
  const [one, many] = [[], []]
  const timed = async (times, act) => {
    const begun = performance.now()
    await act()
    times.push(performance.now() - begun)
  }
  for (const id of ids.splice(0, SINGLE))
    await timed(one, () => client.deleteVector(COLLECTION, id, receipts))
  while (ids.length > 0) {
    const batch = ids.splice(0, AT_ONCE)
    await timed(many, () => client.batchDelete(COLLECTION, batch, receipts))
  }
  await client.close()
  return { one, many }
}

/** A ledger of as many entries as there are vectors: its size, and the seconds that its uses take. */
async function entries(options, path, random) {
  const store = join(path, 'store')
  const client = new VectorizerClient({ path: store, ledger: signed })
  const ids = await fill(client, { ...options, dim: 4 }, random)
  const { file } = await client.createBackup(join(path, 'all.vecbak'))
  say(`deleting ${ids.length} vectors, one by one`)
  const begun = performance.now()
  const deleting = async () => {
    for (let id = ids.pop(); id !== undefined; id = ids.pop()) {
      await client.deleteVector(COLLECTION, id)
      if (ids.length % 10_000 === 0) say(`${ids.length} are left`)
    }
  }
  await Promise.all(Array.from({ length: TOGETHER }, deleting))
  const made = (performance.now() - begun) / 1e3
  await client.insertVectors(COLLECTION, [{ id: 'last', data: [1, 2, 3, 4] }])
  const { receipt } = await client.deleteVector(COLLECTION, 'last', { receipt: true })
  await client.close()

  const written = join(store, 'LEDGER')
  const verify = await seconds(options, async () => {
    const report = await verifyLedger(written, { publicKey, receipts: [receipt] })
    if (!report.verified || report.deleted !== options.n + 1) throw new Error(JSON.stringify(report))
  })
  const opening = await seconds(options, async () => {
    const again = new VectorizerClient({ path: store })
    await again.listCollections()
    await again.close()
  })
  let restored = 0
  const restore = await seconds(options, async () => {
    const { vectors, leftOut } = await VectorizerClient.restoreBackup(
      file,
      join(path, `restored ${restored++}`),
      {
        ledger: written,
      },
    )
    if (vectors !== 0 || leftOut !== options.n) throw new Error(`${vectors} vectors are restored`)
  })
  return { bytes: statSync(written).size, made, verify, opening, restore }
}

async function seconds({ rounds }, act) {
  const times = []
  for (let round = 0; round < rounds; round++) {
    const begun = performance.now()
    await act()
    times.push((performance.now() - begun) / 1e3)
  }
  return times
}

function report({ n, dim, seed }, rounds, { bytes, made, verify, opening, restore }) {
  const rows = Object.keys(WAYS).map((name) => {
    const of = (which, look) => spread(rounds.map((figures) => look(figures[name][which])))
    const p99 = (times) => quantile(times, 0.99)
    return [name, of('one', median), of('one', p99), of('many', median)]
  })
  return [
    '# A ledger of erasures',
    `${machine()}. ${versionOf(engineOf('ours'))}, on disk, fsync everysec (its default). ${SINGLE + AT_ONCE * BATCHES} random rows of ${dim} dimensions, all in the graph; ${SINGLE} of them are deleted one by one, the others ${AT_ONCE} at once. Signatures are Ed25519, made in this process. ${rounds.length} rounds, seed ${seed}.`,
    `Milliseconds of a delete:`,
    table(['', 'of one vector, median', 'p99', `of ${AT_ONCE}, median`], rows),
    `Medians of the rounds, with their range. Without a ledger and a receipt, a delete does not wait for the disk.`,
    `**${n} erasures of one vector each**, ${TOGETHER} in progress at a time, took ${digits(made)} s, ${digits((made * 1e3) / n)} ms for each. The ledger has ${digits(bytes / MB)} MB, ${Math.round(bytes / n)} bytes for each erasure.`,
    table(
      ['seconds', ''],
      [
        ['`verifyLedger`, with the public key and a receipt', spread(verify)],
        [`\`restoreBackup\` of the ${n} vectors, all of which are left out`, spread(restore)],
        ['opening and closing the store, whose collection is empty', spread(opening)],
      ],
    ),
  ].join('\n\n')
}
