import { fork } from 'node:child_process'
import { join } from 'node:path'

/**
 * The worker's answer: the version of the engine, where it has one, and the figures of the task, where
 * there is one; or its error. A worker that needs longer than it is given is ended.
 */
export function run({ task, engine, job, minutes = 120 }) {
  return new Promise((resolve) => {
    const child = fork(join(import.meta.dirname, 'worker.mjs'), {
      execArgv: ['--expose-gc'],
      // Native code may print; only the table belongs on the standard output.
      stdio: ['ignore', 2, 2, 'ipc'],
    })
    let answer
    child.on('message', (message) => {
      answer = message
    })
    child.on('error', (error) => resolve({ error: error.message }))
    const late = setTimeout(() => {
      answer = { error: `it did not end in ${minutes} minutes` }
      child.kill('SIGKILL')
    }, minutes * 60_000)
    child.on('exit', (code, signal) => {
      clearTimeout(late)
      resolve(answer ?? { error: `its process ended with ${signal ?? `code ${code}`}` })
    })
    child.send({ task, engine, job })
  })
}
