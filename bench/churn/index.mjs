// Rows are deleted and inserted repeatedly: does an index stay as good, as fast and as small?
import { findEngines } from '../engines/find.mjs'
import { inFolder, withFolder } from '../shared/folder.mjs'
import { writeJob } from '../shared/job.mjs'
import { publish, say, searches } from '../shared/output.mjs'
import { run } from '../shared/process.mjs'
import { churnPlan } from './plan.mjs'
import { churnChart, churnReport } from './report.mjs'

/** An engine may hang, and the others must still be measured. */
const MINUTES = 30

export default async function churn(options) {
  const engines = await findEngines(options.engines)
  const missing = engines.filter(({ error }) => error)
  const usable = engines.filter(({ error }) => !error)
  const results = []
  let data
  for (const pattern of options.patterns) {
    say(`${pattern}: preparing the data and the exact answers`)
    const plan = churnPlan(options, pattern)
    data = plan.data
    await withFolder(async (shared) => {
      writeJob(shared, data, plan.job)
      for (const engine of usable) {
        const name = `${engine.name}, ${pattern}`
        try {
          const figures = await inFolder(shared, (folder) =>
            run({ task: 'churn/rounds', engine: engine.name, job: { shared, folder }, minutes: MINUTES }),
          )
          results.push({ ...engine, pattern, ...figures })
          const [first, last] = [figures.rounds[0], figures.rounds.at(-1)].map(searches)
          say(`${name}: ${first} → ${last} ms`)
        } catch ({ message }) {
          missing.push({ name, error: message })
          say(`${name} failed: ${message}`)
        }
      }
    })
  }
  if (results.length === 0) throw new Error('no engine could be measured')
  const text = churnReport(options, data, results, missing)
  publish('churn.md', text, { 'churn.svg': churnChart(options, results) })
}
