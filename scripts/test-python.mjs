// The tests of the Python client, in an environment of its own. Where there is no Python 3.11
// they are left out, and that is said; in CI it is a failure.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../clients/python', import.meta.url))
const environment = join(folder, '.venv')
const bin = join(environment, process.platform === 'win32' ? 'Scripts' : 'bin')
const run = (file, ...args) => execFileSync(file, args, { cwd: folder, stdio: 'inherit' })

function findPython() {
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

/** Installs what the tests need, unless it is there. */
function prepare(python) {
  const wanted = ['pyproject.toml', 'requirements-dev.txt'].map((name) =>
    readFileSync(join(folder, name), 'utf8'),
  )
  const stamp = join(environment, 'installed.txt')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted.join('')) return
  run(python, '-m', 'venv', '--clear', environment)
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
  run(join(bin, 'python'), ...pip, '--requirement', 'requirements-dev.txt', '--editable', '.')
  writeFileSync(stamp, wanted.join(''))
}

const python = findPython()
if (python) {
  prepare(python)
  for (const check of [
    ['ruff', 'format', '--check', '.'],
    ['ruff', 'check', '.'],
    ['mypy'],
    ['pytest', '--quiet'],
  ]) {
    run(join(bin, 'python'), '-m', ...check)
  }
} else {
  console.error('There is no Python 3.11 or newer with venv: the tests of the Python client are left out.')
  if (process.env.CI) process.exitCode = 1
}
