// Half of a collection expires at one instant: how long searches take before it, until the last key is gone,
// and afterwards, and when that is.
import { setTimeout as pause } from 'node:timers/promises'
import { VectorizerClient } from '../../index.js'
import { engineOf, versionOf } from '../engines/index.mjs'
import { generated } from '../shared/data.mjs'
import { K } from '../shared/exact.mjs'
import { inFolder, withFolder } from '../shared/folder.mjs'
import { batches, idOf, idsOf, rowOf } from '../shared/job.mjs'
import { digits, machine, publish, say, table } from '../shared/output.mjs'
import { Random } from '../shared/random.mjs'
import { median, quantile } from '../shared/statistics.mjs'

const COLLECTION = 'bench'
const PLACES = ['in memory', 'on disk']
/**
 * How long building may take per row, in ms: the instant is given with each insert, before the build is done.
 * If it takes longer, it is repeated with twice that.
 */
const BUILDING = 0.6
/** How long searches are measured before the instant and after the last key is gone, in ms. */
const WINDOW = 5_000
/** Searches begin earlier by this, so that compiled code and caches are not what is measured. */
const WARM_UP = 1_000
/** After how long without an end the measuring fails, in ms. */
const PATIENCE = 300_000
/** How often `expired` is read, in ms. */
const POLL = 20
/** Of how many expired vectors it is verified that nothing is left. */
const SAMPLE = 200

/** Whether this row expires: every second one, so that no two of the keys lie next to each other. */
const expires = (row) => row % 2 === 1

export default async function expiry(options) {
  say('preparing the data')
  const data = prepared(options)
  const rounds = []
  await withFolder(async (folder) => {
    for (let round = 0; round < options.rounds; round++) {
      const figures = {}
      // They take turns at going first.
      for (const i of PLACES.keys()) {
        const place = PLACES[(i + round) % PLACES.length]
        say(`round ${round + 1}: ${place}`)
        figures[place] = await inFolder(folder, (own) => measure(data, place === 'on disk' && own))
      }
      rounds.push(figures)
    }
  })
  publish('expiry.md', report(options, data, rounds))
}

/** Twice `n` rows, half of which expire. */
function prepared({ n: expiring, dim, queries: count, seed }) {
  const { n, vectors, queries: all, description } = generated(2 * expiring, dim, count, new Random(seed))
  const queries = Array.from({ length: count }, (_, q) => all.subarray(q * dim, (q + 1) * dim))
  // Smaller than the generated ones, which stay in the heap: collecting garbage counts in the searches.
  const metadata = Array.from({ length: n }, (_, row) => ({ lot: row % 100 }))
  return { n, dim, ids: idsOf(n), vectors, metadata, queries, description, building: BUILDING * n }
}

async function measure(data, path) {
  const client = new VectorizerClient(path ? { path } : {})
  const instant = await build(client, data)
  await pause(instant - WINDOW - WARM_UP - Date.now())
  const figures = await searches(client, data.queries, instant)
  const live = data.ids.filter((_, row) => !expires(row)).length
  const left = await client.count(COLLECTION)
  if (left !== live) throw new Error(`${left} rows are left, not ${live}`)
  const sample = Array.from({ length: SAMPLE }, (_, i) => idOf(2 * i + 1))
  const { residues } = await client.verifyErased(COLLECTION, sample)
  if (residues.length > 0) throw new Error(`${residues.length} residues are left of ${SAMPLE} vectors`)
  await client.close()
  return figures
}

/** Returns the instant at which half of the rows expire; there is time left until the measuring begins. */
async function build(client, data) {
  for (;;) {
    const ready = Date.now() + data.building
    const instant = Math.round(ready + WARM_UP + WINDOW)
    await client.createCollection(COLLECTION, { dimension: data.dim })
    for (const batch of batches(data)) {
      const expires_at = batch.ids.map((id) => (expires(rowOf(id)) ? instant : null))
      await client.insertVectors(COLLECTION, { ...batch, expires_at })
    }
    await client.optimize(COLLECTION)
    const { index } = await client.getCollectionInfo(COLLECTION)
    if (Date.now() < ready) {
      if (index.indexed === data.n) return instant
      throw new Error(`${index.indexed} rows are in the graph, not ${data.n}`)
    }
    say(`building took more than ${digits(data.building / 1e3)} s: again, with twice that`)
    data.building *= 2
    await client.deleteCollection(COLLECTION)
  }
}

/**
 * The times of searches in ms, one after another, in the time before the instant, until the last key is gone,
 * and after that; `gone` is when that was seen, in ms after the instant, and `checked` how many searches were
 * begun at the instant or later.
 */
async function searches(client, queries, instant) {
  const times = { before: [], until: [], after: [] }
  let checked = 0
  let polled = 0
  let gone = Infinity
  for (let q = 0; Date.now() < gone + WINDOW; q++) {
    const asked = Date.now()
    if (gone === Infinity && asked > instant + PATIENCE)
      throw new Error(`keys are left ${digits(PATIENCE / 1e3)} s after the instant`)
    const begun = performance.now()
    const results = await client.search(COLLECTION, queries[q % queries.length], { limit: K })
    const time = performance.now() - begun
    if (results.length !== K) throw new Error(`a search returned ${results.length} results, not ${K}`)
    if (asked >= gone) times.after.push(time)
    // One that ends after the instant may have been the one that let the vectors expire.
    else if (Date.now() >= instant) times.until.push(time)
    else if (asked >= instant - WINDOW) times.before.push(time)
    if (asked >= instant) {
      checked++
      const expired = results.find(({ id }) => expires(rowOf(id)))
      if (expired) throw new Error(`${expired.id} was found ${asked - instant} ms after it had expired`)
    }
    // Throughout, so that it is the same before and after.
    if (performance.now() - polled < POLL) continue
    polled = performance.now()
    const isOver = Date.now() >= instant
    const { expired } = await client.getCollectionInfo(COLLECTION)
    if (isOver && expired === 0) gone = Math.min(gone, Date.now())
  }
  return { times, checked, gone: gone - instant }
}

function report({ n, seed }, { dim, description, n: all }, rounds) {
  const erased = PLACES.map((place) => {
    const gone = rounds.map((figures) => figures[place].gone)
    return [place, digits(median(gone)), gone.map(digits).join(', '), digits(n / median(gone))]
  })
  const windows = {
    before: `in the ${WINDOW / 1e3} s before the instant`,
    until: '… from the instant until the last key is gone',
    after: `… in the ${WINDOW / 1e3} s after that`,
  }
  const rows = PLACES.flatMap((place) =>
    Object.entries(windows).map(([window, title]) => {
      const times = rounds.map((figures) => figures[place].times[window])
      const of = (look) => digits(median(times.map(look)))
      return [
        window === 'before' ? `${place}, ${title}` : title,
        of(median),
        of((each) => quantile(each, 0.99)),
        digits(Math.max(...times.map((each) => quantile(each, 1)))),
        Math.round(median(times.map((each) => each.length))),
      ]
    }),
  )
  const checked = PLACES.flatMap((place) => rounds.map((figures) => figures[place].checked))
  return [
    '# Vectors that expire at once',
    `${machine()}. ${versionOf(engineOf('ours'))}. ${all} rows of ${dim} dimensions with metadata, all in the graph, ${description}. ${n} of the rows, every second one in the order of insertion, expire at the same instant, an \`expires_at\` that was given when they were inserted. ${rounds.length} rounds, seed ${seed}; on disk with fsync everysec (its default).`,
    '## Until the last key is gone',
    table(['', 'ms after the instant', 'of each round', 'thousand keys a second'], erased),
    `\`expired\` of \`getCollectionInfo\` was read between searches, whenever ${POLL} ms had passed: this is when it was seen to be 0. The clock is looked at every 250 ms, which counts as well. Afterwards \`verifyErased\` found nothing of ${SAMPLE} of them.`,
    '## Searches meanwhile',
    table(['milliseconds', 'p50', 'p99', 'longest', 'how many'], rows),
    `Searches for ${K}, awaited one after another on the main thread: medians of the rounds, and the longest of all rounds. None of the ${checked.reduce((sum, count) => sum + count)} that were begun at the instant or later returned a vector that had expired, and all returned ${K} results. The graph is repaired in the background as soon as a tenth of it is dead, so in the last two windows of each place.`,
  ].join('\n\n')
}
