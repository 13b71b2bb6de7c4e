import { fork } from 'node:child_process'
import { join } from 'node:path'

/** A shell that joins a cgroup, given as the file of its members, and becomes the process that follows. */
const JOINING = ['-c', 'echo $$ > "$0" && exec "$@"']

/**
 * Runs a task in a separate process and resolves with its figures, or rejects with its error. A task is the
 * path of a module of the benchmark, without its extension; a task that exceeds its time is killed. Without a
 * task, the engine is only loaded. `members` is the file of a cgroup which the process joins before it starts.
 */
export function run({ task, engine, job, minutes = 120, members }) {
  return new Promise((resolve, reject) => {
    const child = fork(join(import.meta.dirname, 'worker.mjs'), {
      ...(members && { execPath: '/bin/sh' }),
      execArgv: [...(members ? [...JOINING, members, process.execPath] : []), '--expose-gc'],
      // Native code may print, and only the table belongs on standard output.
      stdio: ['ignore', 2, 2, 'ipc'],
    })
    let answer
    child.on('message', (message) => {
      answer = message
    })
    child.on('error', reject)
    const late = setTimeout(() => {
      answer = { error: `it did not end in ${minutes} minutes` }
      child.kill('SIGKILL')
    }, minutes * 60_000)
    child.on('exit', (code, signal) => {
      clearTimeout(late)
      const { error, figures } = answer ?? { error: `its process ended with ${signal ?? `code ${code}`}` }
      if (error === undefined) resolve(figures)
      else reject(new Error(error))
    })
    child.send({ task, engine, job })
  })
}
