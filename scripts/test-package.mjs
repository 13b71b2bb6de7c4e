// Tests of the package as its users install it: packs it, installs the tarballs next to what the
// tests need, and runs tests/package. `npm run test:package -- jest docs` runs only the files with
// these names; `-- --install` runs none, but installs what they need.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import './milvus-lite.mjs'
import { npm } from './npm.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(root, 'tests', 'package')
const tarballs = join(folder, 'tarballs')

/** Installs what a folder's lock file lists, unless it is installed already. */
function install(folder) {
  const stamp = join(folder, 'node_modules', '.installed.json')
  const wanted = readFileSync(join(folder, 'package-lock.json'), 'utf8')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  npm(['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder })
  writeFileSync(stamp, wanted)
}

/**
 * Installs the tarballs where the tests find them. npm installs them into an empty project first:
 * in this folder it would ask the registry, or its cache, for every other package as well.
 */
function installPackage() {
  npm(['run', '--silent', 'pack', '--', '--out', tarballs], { cwd: root, stdio: 'inherit' })
  const packed = readdirSync(tarballs).map((name) => join(tarballs, name))
  const isOurs = (name) => name.startsWith('vectorizer-native')
  const modules = join(folder, 'node_modules')
  const project = mkdtempSync(join(tmpdir(), 'vectorizer-native-installed-'))
  try {
    writeFileSync(join(project, 'package.json'), '{ "private": true }')
    npm(['install', '--offline', '--no-audit', '--no-fund', '--loglevel=error', ...packed], { cwd: project })
    for (const part of [modules, join(modules, '.bin')]) {
      const installed = join(project, relative(folder, part))
      for (const name of readdirSync(part).filter(isOurs))
        rmSync(join(part, name), { recursive: true, force: true })
      for (const name of readdirSync(installed).filter(isOurs))
        cpSync(join(installed, name), join(part, name), { recursive: true, verbatimSymlinks: true })
    }
  } finally {
    rmSync(project, { recursive: true, force: true })
  }
}

install(folder)
install(join(folder, 'runtimes'))
const chosen = process.argv.slice(2)
if (chosen.includes('--install')) process.exit()
installPackage()
const tests = readdirSync(folder)
  .filter((name) => name.endsWith('.test.mjs'))
  .filter((name) => chosen.length === 0 || chosen.includes(name.replace('.test.mjs', '')))
const runner = ['--test', '--test-reporter=spec', `--test-concurrency=${availableParallelism()}`]
const { status } = spawnSync(process.execPath, [...runner, ...tests], { cwd: folder, stdio: 'inherit' })
process.exitCode = status ?? 1
