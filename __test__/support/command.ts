// Runs the package's command, and checks what it says.
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { Worker } from 'node:worker_threads'
import { commandPath } from './http'

/** Runs the command in a thread, which starts faster than a process; serve.spec.ts starts processes. */
export async function run(args: string[], env: NodeJS.ProcessEnv = {}) {
  const { VECTORIZER_API_KEY: _, VECTORIZER_KEY: __, ...inherited } = process.env
  const options = { argv: args, env: { ...inherited, ...env }, stdout: true, stderr: true }
  const worker = new Worker(commandPath, options)
  const said = [worker.stdout, worker.stderr].map((stream) => text(stream))
  const [[code], stdout, stderr] = await Promise.all([once(worker, 'exit'), ...said])
  return { code, stdout, stderr }
}

/** What a command prints that does what it is asked, and says nothing else. */
export async function printed(args: string[], env?: NodeJS.ProcessEnv) {
  const { stdout, ...rest } = await run(args, env)
  expect(rest).toStrictEqual({ code: 0, stderr: '' })
  return stdout
}

/** What is said by a command that exits with `code`, and prints nothing. */
export async function refused(code: number, args: string[], env?: NodeJS.ProcessEnv) {
  const { stderr, ...rest } = await run(args, env)
  expect(rest).toStrictEqual({ code, stdout: '' })
  const [, message] = /^vectorizer-native: (.+)\n$/s.exec(stderr) ?? []
  expect(message).toBeDefined()
  return message as string
}
