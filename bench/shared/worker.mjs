// Runs one task with one engine in a separate process. The parent sends a job; the result is sent back the
// same way.
import { load } from '../engines/index.mjs'

process.once('message', async ({ task, engine, job }) => {
  try {
    const loaded = engine && (await load(engine))
    const { default: work } = task ? await import(`../${task}.mjs`) : {}
    process.send({ figures: await work?.(job, loaded) })
  } catch (error) {
    process.send({ error: error.message })
  }
  process.disconnect()
})
