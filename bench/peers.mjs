import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './process.mjs'

const PACKAGES = {
  zvec: ['@zvec/zvec'],
  hnswlib: ['hnswlib-node'],
  lancedb: ['@lancedb/lancedb', 'apache-arrow'],
  'sqlite-vec': ['sqlite-vec', 'better-sqlite3'],
  usearch: ['usearch'],
  ruvector: ['@ruvector/core'],
  pglite: ['@electric-sql/pglite', '@electric-sql/pglite-pgvector'],
  vectra: ['vectra'],
}
const folder = import.meta.dirname

/**
 * Which of the engines can be used, with their versions, and why the others cannot. Missing peers are
 * installed into this folder. Its lock file leaves out the packages by which LanceDB and vectra can embed
 * and read texts: they are large, and not used here.
 */
export async function findEngines(names, say) {
  const missing = names.filter((name) => PACKAGES[name] && !installed(name))
  let npm
  if (missing.length > 0) {
    const packages = missing.flatMap((name) => PACKAGES[name]).join(', ')
    say(`installing ${packages} into ${folder} (npm ci), to compare with`)
    npm = install()
    if (!missing.every(installed)) process.stderr.write(npm.output)
  }
  return Promise.all(
    names.map(async (name) => {
      const engine = { name, ...(await run({ engine: name })) }
      if (!engine.error || !PACKAGES[name]) return engine
      const packages = PACKAGES[name].join(' with ')
      const error = installed(name)
        ? `${packages} does not load: ${engine.error.split('\n')[0]}`
        : `${packages} could not be installed: ${npm.cause}`
      return { ...engine, error }
    }),
  )
}

const installed = (name) => PACKAGES[name].every((path) => existsSync(join(folder, 'node_modules', path)))

/**
 * What npm printed, and what of it tells what went wrong. The peers are optional dependencies, so that one
 * that cannot be built does not keep the other out; npm is silent about such a failure unless it is asked
 * to be loud.
 */
function install() {
  const { error, stdout, stderr } = spawnSync('npm', ['ci', '--foreground-scripts', '--loglevel', 'http'], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    // On Windows npm is a script.
    shell: process.platform === 'win32',
  })
  if (error) return { output: '', cause: error.message }
  const telling = /ERR! .*Error:|npm error (?!code)\S|failed with/
  const line = stderr.split('\n').find((text) => telling.test(text)) ?? 'see what npm printed'
  return { output: stdout + stderr, cause: line.replace(/ ?https?:\S+/, '') }
}
