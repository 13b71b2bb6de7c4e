// Rows deleted and inserted again and again: whether an index stays as good, as fast and as small.
import { churnPlan } from './churn-plan.mjs'
import { churnChart, churnReport } from './churn-report.mjs'
import { loadData } from './data.mjs'
import { inFolder, withFolder } from './folder.mjs'
import { writeJob } from './job.mjs'
import { findEngines } from './peers.mjs'
import { run } from './process.mjs'
import { digits, publish } from './table.mjs'

/** What is measured, by which engine, and how it is opened. */
const VARIANTS = {
  ours: { engine: 'ours', title: 'ours, in memory' },
  'ours-optimized': { engine: 'ours', title: 'ours, in memory, optimize() each round', cleanUp: true },
  'ours-disk': { engine: 'ours', title: 'ours, on disk', disk: true },
  zvec: { engine: 'zvec', title: 'zvec, optimize() each round', disk: true, cleanUp: true },
  usearch: { engine: 'usearch', title: 'usearch' },
  hnswlib: { engine: 'hnswlib', title: 'hnswlib-node, new points' },
  'hnswlib-replacing': { engine: 'hnswlib', title: 'hnswlib-node, replacing', replaceDeleted: true },
}

/** An engine may come to a standstill, and the others are still to be measured. */
const MINUTES = 30

export async function churn(options, say) {
  const variants = options.engines.map((name) => VARIANTS[name])
  const found = await findEngines([...new Set(variants.map(({ engine }) => engine))], say)
  const of = (variant) => found.find(({ name }) => name === variant.engine)
  const missing = found.filter(({ error }) => error)
  const results = []
  let data
  for (const pattern of options.patterns) {
    say(`${pattern}: preparing the data and the exact answers`)
    const plan = churnPlan(options, pattern, loadData)
    data = plan.data
    await withFolder(async (shared) => {
      writeJob(shared, data, plan.job)
      for (const variant of variants.filter((each) => !of(each).error)) {
        const { engine, title, ...how } = variant
        const { error, figures } = await inFolder(shared, (folder) =>
          run({ task: 'churn-rounds', engine, job: { shared, folder, ...how }, minutes: MINUTES }),
        )
        const name = `${title}, ${pattern}`
        if (figures) results.push({ pattern, title, ...figures })
        else missing.push({ name, error })
        say(error ? `${name} failed: ${error}` : `${name}: ${summary(figures.rounds)}`)
      }
    })
  }
  if (results.length === 0) throw new Error('no engine could be measured')
  const versions = found.filter(({ error }) => !error).map(({ label, version }) => `${label} ${version}`)
  const text = churnReport(options, { versions, data, results, missing })
  publish('churn.md', text, { 'churn.svg': churnChart(options, results) })
}

const summary = (rounds) =>
  [rounds[0], rounds.at(-1)].map(({ p50, recall }) => `${digits(p50)} ms (${recall.toFixed(3)})`).join(' → ')
