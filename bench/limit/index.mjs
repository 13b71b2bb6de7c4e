// A store larger than the memory that its process may use, which includes the page cache.
import { statfsSync } from 'node:fs'
import { findEngines } from '../engines/find.mjs'
import { inFolder, withFolder } from '../shared/folder.mjs'
import { digits, MB, publish, say } from '../shared/output.mjs'
import { run } from '../shared/process.mjs'
import { withLimit } from './cgroup.mjs'
import { limitReport } from './report.mjs'

/** The types of file systems that are in memory: tmpfs and ramfs. */
const IN_MEMORY = [0x01021994, 0x858458f6]

export default async function limit(options) {
  // Before anything that takes time: whether there can be a limit at all.
  await withLimit(1024 * MB, async () => {})
  const engines = await findEngines(options.engines)
  const missing = engines.filter(({ error }) => error)
  const results = []
  let about
  await withFolder(async (shared) => {
    if (IN_MEMORY.includes(statfsSync(shared).type))
      throw new Error(`${shared} is in memory: set TMPDIR to a folder on a disk`)
    const { n, dim, queries, seed } = options
    say(`${n} rows: preparing the data and the exact answers`)
    about = await run({ task: 'limit/data', job: { shared, n, dim, queries, seed } })
    for (const engine of engines.filter(({ error }) => !error)) {
      try {
        results.push(await measure(engine, shared, options))
      } catch ({ message }) {
        missing.push({ ...engine, error: message })
        say(`${engine.name} failed: ${message}`)
      }
    }
  })
  if (results.length === 0) throw new Error('no engine could be measured')
  publish('limit.md', limitReport(options, about, results, missing))
}

/** The same without a limit, which says how large the files are, and with one. */
async function measure(engine, shared, { n, dim, text, part }) {
  const job = { shared, n, dim, text }
  say(`${engine.name}: without a limit`)
  const free = await both(engine, job, (work) => work())
  const failed = free.fill.error ?? free.reopen.error
  if (failed) throw new Error(failed)
  const { files, ef, resident } = free.fill
  const bytes = Math.floor(files / part)
  say(`${engine.name}: limited to ${digits(bytes / MB)} MB`)
  if (resident > bytes)
    say(`${engine.name} had ${digits(resident / MB)} MB resident without a limit: the limit may be too small`)
  const limited = await both(engine, { ...job, ef }, (work) => withLimit(bytes, work))
  for (const [task, { error, kills }] of Object.entries(limited))
    if (error) say(`${engine.name}, ${task}: ${error}${kills ? ', killed for lack of memory' : ''}`)
  return { ...engine, files, bytes, free, limited }
}

/** Two processes, one after the other, with the same store; the second only if the first did not fail. */
const both = (engine, job, within) =>
  inFolder(job.shared, async (folder) => {
    const start = (task, ef) =>
      within((members) =>
        run({ task: `limit/${task}`, engine: engine.name, job: { ...job, folder, ef }, members }),
      ).catch(({ message }) => ({ error: message }))
    const fill = await start('fill', job.ef)
    return { fill, reopen: fill.error ? { skipped: true } : await start('reopen', fill.ef) }
  })
