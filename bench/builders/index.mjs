// Both graph builders: how long each takes for the same rows, alternating, and how good the graph is.
import { VectorizerClient } from '../../index.js'
import { loadData } from '../shared/data.mjs'
import { exactScores, isAsNear, K } from '../shared/exact.mjs'
import { idsOf } from '../shared/job.mjs'
import { digits, machine, publish, say, table } from '../shared/output.mjs'
import { median } from '../shared/statistics.mjs'

const COLLECTION = 'bench'
const BUILDERS = ['own', 'hnsw_rs']

export default async function builders(options) {
  say('preparing the data')
  const data = loadData(options)
  const limits = exactScores(data).limits[0]
  const rounds = []
  for (let round = 0; round < options.rounds; round++) {
    say(`round ${round + 1}`)
    const figures = {}
    // They take turns at going first.
    for (const i of BUILDERS.keys()) {
      const builder = BUILDERS[(i + round) % BUILDERS.length]
      figures[builder] = await measure(data, limits, builder)
    }
    rounds.push(figures)
  }
  publish('builders.md', report(options, data, rounds))
}

/** The seconds until all rows are in the graph, the recall, and the median milliseconds of a search. */
async function measure(data, limits, builder) {
  const client = new VectorizerClient()
  await client.createCollection(COLLECTION, { dimension: data.dim, hnsw: { builder } })
  const begun = performance.now()
  // Inserted in one call, so that none of the rows is in a graph yet.
  await client.insertVectors(COLLECTION, { ids: idsOf(data.n), data: data.vectors })
  await client.optimize(COLLECTION)
  const seconds = (performance.now() - begun) / 1_000
  const times = []
  let right = 0
  for (const [q, limit] of limits.entries()) {
    const query = data.queries.subarray(q * data.dim, (q + 1) * data.dim)
    const before = performance.now()
    const results = await client.search(COLLECTION, query, { limit: K })
    times.push(performance.now() - before)
    right += results.filter(({ score }) => isAsNear(score, limit)).length
  }
  await client.close()
  return { seconds, recall: right / (K * limits.length), search: median(times) }
}

function report({ seed }, data, rounds) {
  const rows = BUILDERS.map((builder) => {
    const all = rounds.map((round) => round[builder])
    const seconds = all.map((each) => each.seconds)
    return [
      `\`${builder}\``,
      `${digits(median(seconds))} (${seconds.map(digits).join(', ')})`,
      median(all.map((each) => each.recall)).toFixed(3),
      digits(median(all.map((each) => each.search))),
    ]
  })
  const ratios = rounds.map((round) => round.hnsw_rs.seconds / round.own.seconds)
  return [
    '# Builders of the graph',
    `${machine()}. ${data.n} rows of ${data.dim} dimensions: ${data.description}. Inserted in one call, in memory, with the default parameters; ${rounds.length} rounds, seed ${seed}.`,
    `\`hnsw_rs\` takes ${digits(median(ratios))} times as long as \`own\` (${ratios.map(digits).join(', ')}).`,
    table(['builder', 'insert and build, s', `recall at ${K}`, 'search p50, ms'], rows),
  ].join('\n\n')
}
