// Python for tests that need it, in separate environments.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The name of a Python that is at least 3.11 and can create environments. */
export function findPython() {
  const isNewEnough = 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'
  const works = (name) => {
    try {
      execFileSync(name, ['-c', isNewEnough], { stdio: 'ignore' })
      return true
    } catch {
      return false
    }
  }
  return ['python3', 'python'].find(works)
}

/** The Python of an environment. */
export const pythonOf = (environment) =>
  join(environment, process.platform === 'win32' ? 'Scripts' : 'bin', 'python')

/**
 * Creates an environment and runs pip with the given arguments in `folder`, unless that has been
 * done: `files` are the ones that list the requirements.
 */
export function prepare(python, { environment, folder, files, install }) {
  const wanted = files.map((name) => readFileSync(join(folder, name), 'utf8')).join('')
  const stamp = join(environment, 'installed.txt')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  const run = (file, ...args) => execFileSync(file, args, { cwd: folder, stdio: 'inherit' })
  run(python, '-m', 'venv', '--clear', environment)
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
  run(pythonOf(environment), ...pip, ...install)
  writeFileSync(stamp, wanted)
}
