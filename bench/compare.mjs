import { loadData } from './data.mjs'
import { inFolder, withFolder } from './folder.mjs'
import { writeJob } from './job.mjs'
import { exactScores, makePlan } from './plan.mjs'
import { run } from './process.mjs'
import { digits } from './table.mjs'

/**
 * Measures the engines with the same data, queries and deletes, each in a process of its own, as often as
 * there are rounds. An engine that fails says so in `missing`, and keeps the figures of other rounds.
 */
export async function compare(options, engines, say) {
  const missing = []
  const results = []
  for (const engine of engines)
    if (engine.error) missing.push(engine)
    else results.push({ ...engine, rounds: [] })
  for (const { name, error } of missing) say(`${name} cannot be measured: ${error}`)
  if (results.length === 0) throw new Error('there is no engine to measure')
  say('preparing the data and the exact answers')
  const data = loadData(options)
  const plan = makePlan(data, options.seed)
  await withFolder(async (folder) => {
    writeJob(folder, data, { plan, ...exactScores(data, plan.lifetimes) })
    for (let round = 0; round < options.rounds; round++) {
      // Another one begins each time, so that a machine that slows down slows all of them.
      for (let turn = 0; turn < results.length; turn++) {
        const result = results[(round + turn) % results.length]
        await measure(result, round, folder, options, missing, say)
      }
    }
  })
  return { data, plan, results, missing }
}

async function measure(result, round, shared, { ef, disk, ladder }, missing, say) {
  const { error, figures } = await inFolder(shared, (folder) => {
    const job = { engine: result.name, shared, folder, ef, disk, ladder }
    return run({ task: 'measure', engine: result.name, job })
  })
  if (figures) {
    result.rounds.push(figures)
    const { build, fresh } = figures
    say(`round ${round + 1}: ${result.name}: built in ${digits(build)} s, search ${digits(fresh.p50)} ms`)
  } else {
    missing.push({ name: result.name, error: `round ${round + 1}: ${error}` })
    say(`round ${round + 1}: ${result.name} failed: ${error}`)
  }
}
