import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { atEnd } from './ending'

/** The package, as another process or thread imports it. */
export const packagePath = require.resolve('../..')
export const packageUrl = pathToFileURL(packagePath).href

/** Runs a script in a separate Node.js process. */
export function run(script: string, type: 'commonjs' | 'module' = 'commonjs') {
  const child = spawn(process.execPath, [`--input-type=${type}`, '-e', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 50_000,
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (part) => {
    stdout += part
  })
  child.stderr.on('data', (part) => {
    stderr += part
  })
  return new Promise<{ code: number | null; signal: string | null; stdout: string; stderr: string }>(
    (resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
    },
  )
}

/** Kills a process without a chance to clean up. */
export async function kill(child: ChildProcess) {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

/**
 * Starts a script in a Node.js process that keeps running, and returns once it has printed
 * something.
 */
export async function start(script: string) {
  const child = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] })
  atEnd(() => kill(child))
  await once(child.stdout, 'data')
  return child
}

/** Starts a worker thread with a script in which `vectorizer` is the package. */
export function work(script: string, workerData: unknown = null) {
  const code = `
    const { parentPort, workerData } = require('node:worker_threads')
    const vectorizer = require(${JSON.stringify(packagePath)})
    ;(async () => { ${script} })()
  `
  return new Worker(code, { eval: true, workerData })
}

/** The message a worker thread sends before it ends. */
export async function answer(worker: Worker) {
  const exited = once(worker, 'exit')
  const [message] = await once(worker, 'message')
  await exited
  return message
}
