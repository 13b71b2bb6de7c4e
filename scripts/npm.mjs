import { execFileSync } from 'node:child_process'

/** Runs npm and returns what it prints. */
export function npm(args, options = {}) {
  const settings = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], ...options }
  // npm tells its scripts which npm they run in. Its command is no program on Windows.
  const script = process.env.npm_execpath
  return script?.endsWith('.js')
    ? execFileSync(process.execPath, [script, ...args], settings)
    : execFileSync('npm', args, { ...settings, shell: process.platform === 'win32' })
}
