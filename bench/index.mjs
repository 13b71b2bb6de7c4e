import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadData } from './data.mjs'
import { readOptions } from './options.mjs'
import { findEngines } from './peers.mjs'
import { exactLimits, makePlan } from './plan.mjs'
import { run } from './process.mjs'
import { report } from './report.mjs'
import { digits, publish } from './table.mjs'

const say = (line) => process.stderr.write(`${line}\n`)

try {
  const options = readOptions()
  if (options?.eventLoop) await (await import('./event-loop.mjs')).eventLoop(options, say)
  else if (options) await compare(options)
} catch (error) {
  say(error.message)
  process.exitCode = 1
}

async function compare(options) {
  const engines = await findEngines(options.engines, say)
  const missing = engines.filter((engine) => engine.error)
  for (const { name, error } of missing) say(`${name} cannot be measured: ${error}`)
  const results = engines.filter((engine) => !engine.error).map((engine) => ({ ...engine, rounds: [] }))
  if (results.length === 0) throw new Error('there is no engine to measure')

  const folder = mkdtempSync(join(tmpdir(), 'vectorizer-bench-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  process.once('SIGINT', () => {
    remove()
    process.exit(130)
  })
  try {
    say('preparing the data and the exact answers')
    const data = loadData(options)
    const plan = makePlan(data, options.seed)
    share(folder, data, plan)
    for (let round = 0; round < options.rounds; round++) {
      // Another one begins each time, so that a machine that slows down slows all of them.
      for (let turn = 0; turn < results.length; turn++)
        await measure(results[(round + turn) % results.length], round, folder, options, missing)
    }
    publish('memory.md', report(options, data, plan, results, missing))
  } finally {
    remove()
  }
}

async function measure(result, round, folder, { ef }, missing) {
  const own = join(folder, `${result.name}-${round}`)
  mkdirSync(own)
  const { error, figures } = await run(result.name, { shared: folder, folder: own, ef })
  rmSync(own, { recursive: true, force: true })
  if (figures) {
    result.rounds.push(figures)
    const { build, fresh } = figures
    say(`round ${round + 1}: ${result.name}: built in ${digits(build)} s, search ${digits(fresh.p50)} ms`)
  } else {
    missing.push({ name: result.name, error: `round ${round + 1}: ${error}` })
    say(`round ${round + 1}: ${result.name} failed: ${error}`)
  }
}

/** Everything that does not depend on the engine, as files for the workers. */
function share(folder, data, plan) {
  const { n, dim, metadata, vectors, queries } = data
  const limits = {
    fresh: exactLimits(
      data,
      Array.from({ length: n }, (_, row) => row),
    ),
    deleted: exactLimits(data, plan.survivors),
  }
  writeFileSync(join(folder, 'rows.f32'), vectors)
  writeFileSync(join(folder, 'queries.f32'), queries)
  writeFileSync(join(folder, 'job.json'), JSON.stringify({ n, dim, metadata, plan, limits }))
}
