import { execFileSync } from 'node:child_process'

/** Runs npm and returns its output. */
export function npm(args, options = {}) {
  const settings = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], ...options }
  // npm tells its scripts which npm they run in. On Windows its command is not an executable.
  const script = process.env.npm_execpath
  return script?.endsWith('.js')
    ? execFileSync(process.execPath, [script, ...args], settings)
    : execFileSync('npm', args, { ...settings, shell: process.platform === 'win32' })
}
