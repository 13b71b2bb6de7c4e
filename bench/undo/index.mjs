// What deleting with undo costs: beside a delete that is final, and what waiting takes of memory and disk.
import { VectorizerClient } from '../../index.js'
import { engineOf, versionOf } from '../engines/index.mjs'
import { COLLECTION, row } from '../shared/fill.mjs'
import { inFolder, withFolder } from '../shared/folder.mjs'
import { batches, idsOf } from '../shared/job.mjs'
import { MB, machine, publish, say, spread, table } from '../shared/output.mjs'
import { Random } from '../shared/random.mjs'
import { median, quantile } from '../shared/statistics.mjs'

const WAYS = { final: {}, 'with undo': { undo: '24h' } }
/** How many vectors are deleted one by one, and how many at once, how often. */
const SINGLE = 500
const AT_ONCE = 1_000
const BATCHES = 20

export default async function undo(options) {
  const random = new Random(options.seed)
  const rounds = []
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
      say(`round ${round + 1}: a collection`)
      figures.whole = await inFolder(folder, (own) => whole(options, own, random))
      rounds.push(figures)
    }
  })
  publish('undo.md', report(options, rounds))
}

async function fill(client, { n, dim }, random) {
  const ids = idsOf(n)
  await client.createCollection(COLLECTION, { dimension: dim, metric: 'euclidean' })
  const metadata = ids.map((_, i) => ({ lot: i % 100, title: `The title of document ${i}` }))
  const data = { dim, n, vectors: row(n * dim, random), ids, metadata }
  for (const batch of batches(data)) await client.insertVectors(COLLECTION, batch)
  await client.optimize(COLLECTION)
  return ids
}

async function timed(times, act) {
  const begun = performance.now()
  const result = await act()
  times.push(performance.now() - begun)
  return result
}

/** The milliseconds of each delete, of one vector and of many, and of bringing many back. */
async function deletes({ dim }, path, random, how) {
  const client = new VectorizerClient({ path })
  const ids = await fill(client, { n: SINGLE + AT_ONCE * BATCHES, dim }, random)
  const [one, many, back] = [[], [], []]
  for (const id of ids.splice(0, SINGLE)) await timed(one, () => client.deleteVector(COLLECTION, id, how))
  const tokens = []
  while (ids.length > 0) {
    const batch = ids.splice(0, AT_ONCE)
    const { undo } = await timed(many, () => client.batchDelete(COLLECTION, batch, how))
    if (undo !== undefined) tokens.push(undo.token)
  }
  const waiting = await client.getCollectionInfo(COLLECTION)
  for (const token of tokens) {
    const { undeleted } = await timed(back, () => client.undelete(COLLECTION, token))
    if (undeleted !== AT_ONCE) throw new Error(`${undeleted} vectors came back`)
  }
  await client.close()
  return { one, many, back, memory: waiting.size_bytes / (SINGLE + AT_ONCE * BATCHES) }
}

/** Deleting a large collection with undo, and bringing it back: milliseconds, and megabytes. */
async function whole(options, path, random) {
  const client = new VectorizerClient({ path })
  await fill(client, options, random)
  const [before] = [process.memoryUsage.rss()]
  const [gone, back] = [[], []]
  const { undo } = await timed(gone, () => client.deleteCollection(COLLECTION, { undo: '24h' }))
  const waiting = process.memoryUsage.rss()
  const { undeleted } = await timed(back, () => client.undelete(COLLECTION, undo.token))
  if (undeleted !== options.n) throw new Error(`${undeleted} vectors came back`)
  await client.close()
  return { gone, back, freed: (before - waiting) / MB }
}

function report({ n, dim, seed }, rounds) {
  const of = (look) => spread(rounds.map(look))
  const rows = Object.keys(WAYS).map((name) => [
    name,
    of((figures) => median(figures[name].one)),
    of((figures) => quantile(figures[name].one, 0.99)),
    of((figures) => median(figures[name].many)),
  ])
  return [
    '# Undo',
    `${machine()}. ${versionOf(engineOf('ours'))}, on disk, fsync everysec (its default). ${SINGLE + AT_ONCE * BATCHES} random rows of ${dim} dimensions with metadata, all in the graph; ${SINGLE} of them are deleted one by one, the others ${AT_ONCE} at once. ${rounds.length} rounds, seed ${seed}.`,
    'Milliseconds of a delete:',
    table(['', 'of one vector, median', 'p99', `of ${AT_ONCE}, median`], rows),
    `Bringing ${AT_ONCE} back by the token of their delete: ${of((figures) => median(figures['with undo'].back))} ms. When all wait, the collection takes ${of((figures) => figures['with undo'].memory)} bytes of memory for each by its own count, and ${of((figures) => figures.final.memory)} if all are deleted for good. Medians of the rounds, with their range.`,
    `**A collection of ${n} vectors**: deleting it with undo ${of((figures) => figures.whole.gone[0])} ms, which takes ${of((figures) => figures.whole.freed)} MB off the process's memory; bringing it back ${of((figures) => figures.whole.back[0])} ms.`,
  ].join('\n\n')
}
