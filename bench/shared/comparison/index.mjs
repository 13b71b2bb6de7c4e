import { loadData } from '../data.mjs'
import { exactScores } from '../exact.mjs'
import { inFolder, withFolder } from '../folder.mjs'
import { writeJob } from '../job.mjs'
import { digits, say } from '../output.mjs'
import { run } from '../process.mjs'
import { makePlan } from './plan.mjs'

/**
 * Measures the engines with the same data, queries and deletes, each in a separate process, once per round.
 * An engine that fails is listed in `missing`, and keeps the figures of its other rounds.
 */
export async function compare(options, engines) {
  const missing = engines.filter(({ error }) => error)
  const results = engines.filter(({ error }) => !error).map((engine) => ({ ...engine, rounds: [] }))
  for (const { name, error } of missing) say(`${name} cannot be measured: ${error}`)
  if (results.length === 0) throw new Error('there is no engine to measure')
  say('preparing the data and the exact answers')
  const data = loadData(options)
  const plan = makePlan(data, options.seed)
  await withFolder(async (folder) => {
    writeJob(folder, data, { plan, ...exactScores(data, plan.lifetimes) })
    for (let round = 0; round < options.rounds; round++) {
      // The engines take turns at going first, so that a machine that slows down slows all of them.
      for (let turn = 0; turn < results.length; turn++) {
        const result = results[(round + turn) % results.length]
        await measure(result, round, folder, options, missing)
      }
    }
  })
  return { data, plan, missing, results: results.filter(({ rounds }) => rounds.length > 0) }
}

async function measure({ name, rounds }, round, shared, { disk, ladder }, missing) {
  try {
    const figures = await inFolder(shared, (folder) =>
      run({ task: 'shared/comparison/measure', engine: name, job: { shared, folder, disk, ladder } }),
    )
    rounds.push(figures)
    const { build, fresh } = figures
    say(`round ${round + 1}: ${name}: built in ${digits(build)} s, search ${digits(fresh.p50)} ms`)
  } catch ({ message }) {
    missing.push({ name, error: `round ${round + 1}: ${message}` })
    say(`round ${round + 1}: ${name} failed: ${message}`)
  }
}
