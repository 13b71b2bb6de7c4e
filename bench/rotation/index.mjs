// Rotating the keys of a store: how long it takes, and how long calls take in the meantime.
import { VectorizerClient } from '../../index.js'
import { COLLECTION, fill, row } from '../shared/fill.mjs'
import { withFolder } from '../shared/folder.mjs'
import { idOf } from '../shared/job.mjs'
import { digits, machine, publish, say, table } from '../shared/output.mjs'
import { Random } from '../shared/random.mjs'
import { median, quantile } from '../shared/statistics.mjs'

/** Calls of each kind before the rotation, per round; during it, calls are made for as long as it runs. */
const CALLS = 500

export default async function rotation(options) {
  const { n, dim, rounds: count, seed } = options
  const random = new Random(seed)
  const rounds = []
  await withFolder(async (folder) => {
    say(`inserting ${n} vectors`)
    const client = new VectorizerClient({ path: folder })
    await fill(client, n, dim, random)
    let next = n
    for (let round = 1; round <= count; round++) {
      say(`round ${round}`)
      const calls = {
        search: () => client.search(COLLECTION, row(dim, random), { limit: 10 }),
        insertVectors: () => client.insertVectors(COLLECTION, [{ id: idOf(next++), data: row(dim, random) }]),
        // The oldest vectors that are left.
        deleteVector: () => client.deleteVector(COLLECTION, idOf(next - n - 1)),
      }
      const before = await timed(calls, (done) => done < CALLS)
      let isOver = false
      const begun = performance.now()
      const rotating = client.rotateKeys().finally(() => {
        isOver = true
      })
      const during = await timed(calls, () => !isOver)
      await rotating
      rounds.push({ seconds: (performance.now() - begun) / 1_000, before, during })
    }
    await client.close()
  })
  publish('rotation.md', report(options, rounds))
}

/** The milliseconds of each call, made one after another in turn, while `goesOn`. */
async function timed(calls, goesOn) {
  const times = Object.fromEntries(Object.keys(calls).map((name) => [name, []]))
  for (let done = 0; goesOn(done); done++) {
    for (const [name, call] of Object.entries(calls)) {
      const begun = performance.now()
      await call()
      times[name].push(performance.now() - begun)
    }
  }
  return times
}

function report({ n, dim, seed }, rounds) {
  const of = (when, name, look) => digits(median(rounds.map((round) => look(round[when][name]))))
  const rows = ['search', 'insertVectors', 'deleteVector'].map((name) => [
    `\`${name}\``,
    of('before', name, median),
    of('before', name, (times) => quantile(times, 0.99)),
    of('during', name, median),
    of('during', name, (times) => quantile(times, 0.99)),
    of('during', name, (times) => quantile(times, 1)),
    of('during', name, (times) => times.length),
  ])
  const seconds = rounds.map((round) => round.seconds)
  return [
    '# Rotating keys',
    `${machine()}. ${n} generated vectors of ${dim} dimensions with metadata on disk; ${rounds.length} rounds, seed ${seed}; fsync everysec (its default).`,
    `\`rotateKeys()\` took ${digits(median(seconds))} s (${seconds.map(digits).join(', ')}): ${digits(n / median(seconds) / 1_000)} thousand keys a second. In the meantime, calls were made one after another:`,
    table(['milliseconds', 'before: p50', 'p99', 'during: p50', 'p99', 'longest', 'how many'], rows),
  ].join('\n\n')
}
