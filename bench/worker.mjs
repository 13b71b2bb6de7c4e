// One task with one engine in a process of its own. The parent sends a job; the answer goes back the same way.
const TASKS = [
  'measure',
  'reopen',
  'residue',
  'scan',
  'churn-rounds',
  'growth',
  'http-inside',
  'capacity-data',
  'capacity-point',
]

process.once('message', async ({ task, engine, job }) => {
  try {
    const module = engine && (await import(`./engines/${engine}.mjs`))
    if (task && !TASKS.includes(task)) throw new Error(`there is no task ${task}`)
    const { default: work } = task ? await import(`./${task}.mjs`) : {}
    const { version, label, memoryOnly } = module ?? {}
    process.send({ version, label, memoryOnly, figures: await work?.(job, module) })
  } catch (error) {
    process.send({ error: error.message })
  }
  process.disconnect()
})
