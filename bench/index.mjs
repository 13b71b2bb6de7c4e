import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadData } from './data.mjs'
import { writeJob } from './job.mjs'
import { readOptions } from './options.mjs'
import { findEngines } from './peers.mjs'
import { makePlan } from './plan.mjs'
import { run } from './process.mjs'
import { report } from './report.mjs'
import { residueReport } from './residue-report.mjs'
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
    writeJob(folder, data, plan)
    for (let round = 0; round < options.rounds; round++) {
      // Another one begins each time, so that a machine that slows down slows all of them.
      for (let turn = 0; turn < results.length; turn++)
        await measure(results[(round + turn) % results.length], round, folder, options, missing)
    }
    const parts = [report(options, data, plan, results, missing)]
    if (options.disk) parts.push(await searchFiles(results, folder, { ...options, n: data.n }))
    publish(options.disk ? 'disk.md' : 'memory.md', parts.join('\n\n'))
  } finally {
    remove()
  }
}

async function measure(result, round, folder, options, missing) {
  const { error, figures } = await inFolder(folder, (own) => {
    const { ef, disk } = options
    const job = { engine: result.name, shared: folder, folder: own, ef, disk }
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

/** What deletes leave in the engines' files: the same in every round, so once is enough. */
async function searchFiles(results, folder, { n, dim, seed }) {
  const searched = []
  const lines = []
  for (const { name, label } of results) {
    say(`searching the files of ${name} for what it deleted`)
    const { error, figures } = await inFolder(folder, (own) =>
      run({ task: 'residue', engine: name, job: { folder: own, n, dim, seed } }),
    )
    if (figures) searched.push({ label, residue: figures })
    else lines.push('', `**Files not searched: ${name}: ${error}**`)
  }
  return [...(searched.length > 0 ? [residueReport(searched)] : []), ...lines].join('\n')
}

/** Gives the work a folder of its own, empty, which is removed when it is done. */
async function inFolder(parent, work) {
  const own = mkdtempSync(join(parent, 'engine-'))
  try {
    return await work(own)
  } finally {
    rmSync(own, { recursive: true, force: true })
  }
}
