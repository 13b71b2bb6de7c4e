import { spawn } from 'node:child_process'
import { pathToFileURL } from 'node:url'

/** The package, as another process or thread imports it. */
export const packagePath = require.resolve('../..')
export const packageUrl = pathToFileURL(packagePath).href

/** Runs a script in a Node process of its own. */
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
