// The tests of the Python client, in a separate environment. Without Python 3.11 they are skipped
// with a message; in CI that is a failure. `--install` runs none, but installs what they need.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findPython, prepare, pythonOf } from './python.mjs'

const folder = fileURLToPath(new URL('../clients/python', import.meta.url))
const environment = join(folder, '.venv')

const python = findPython()
if (python) {
  prepare(python, {
    environment,
    folder,
    files: ['pyproject.toml', 'requirements-dev.txt'],
    install: ['--requirement', 'requirements-dev.txt', '--editable', '.'],
  })
  const checks = [['ruff', 'format', '--check', '.'], ['ruff', 'check', '.'], ['mypy'], ['pytest', '--quiet']]
  for (const check of process.argv.includes('--install') ? [] : checks) {
    execFileSync(pythonOf(environment), ['-m', ...check], { cwd: folder, stdio: 'inherit' })
  }
} else {
  console.error('There is no Python 3.11 or newer with venv: the tests of the Python client are left out.')
  if (process.env.CI) process.exitCode = 1
}
