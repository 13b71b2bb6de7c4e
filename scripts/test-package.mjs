// Tests of the package as its users install it: packs it, installs the tarballs beside what
// the tests need, and runs tests/package. `npm run test:package -- jest docs` runs those alone
// whose files are so named.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import './milvus-lite.mjs'
import { npm } from './npm.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(root, 'tests', 'package')
const tarballs = join(folder, 'tarballs')

/** Installs what a folder's lock file says, unless that is what is there. */
function install(folder) {
  const stamp = join(folder, 'node_modules', '.installed.json')
  const wanted = readFileSync(join(folder, 'package-lock.json'), 'utf8')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  npm(['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder })
  writeFileSync(stamp, wanted)
}

/** Puts the tarballs where the tests' code finds them, as npm does. */
function installPackage() {
  npm(['run', '--silent', 'pack', '--', '--out', tarballs], { cwd: root, stdio: 'inherit' })
  const packed = readdirSync(tarballs).map((name) => join(tarballs, name))
  for (const name of readdirSync(join(folder, 'node_modules'))) {
    if (name.startsWith('vectorizer-native'))
      rmSync(join(folder, 'node_modules', name), { recursive: true, force: true })
  }
  const quiet = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--loglevel=error']
  npm(['install', '--offline', '--ignore-scripts', ...quiet, ...packed], { cwd: folder })
}

install(folder)
install(join(folder, 'runtimes'))
installPackage()
const chosen = process.argv.slice(2)
const tests = readdirSync(folder)
  .filter((name) => name.endsWith('.test.mjs'))
  .filter((name) => chosen.length === 0 || chosen.includes(name.replace('.test.mjs', '')))
const runner = ['--test', '--test-reporter=spec', `--test-concurrency=${availableParallelism()}`]
const { status } = spawnSync(process.execPath, [...runner, ...tests], { cwd: folder, stdio: 'inherit' })
process.exitCode = status ?? 1
