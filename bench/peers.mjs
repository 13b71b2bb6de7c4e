import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './process.mjs'

const PACKAGES = { zvec: '@zvec/zvec', hnswlib: 'hnswlib-node' }
const folder = import.meta.dirname

/**
 * Which of the engines can be used, with their versions, and why the others cannot. Missing peers are
 * installed into this folder.
 */
export async function findEngines(names, say) {
  const missing = names.filter((name) => PACKAGES[name] && !existsSync(installed(name)))
  let npm
  if (missing.length > 0) {
    const packages = missing.map((name) => PACKAGES[name]).join(' and ')
    say(`installing ${packages} into ${folder} (npm ci), to compare with`)
    npm = install()
    if (!missing.every((name) => existsSync(installed(name)))) process.stderr.write(npm.output)
  }
  return Promise.all(
    names.map(async (name) => {
      const engine = { name, ...(await run(name)) }
      if (!engine.error || !PACKAGES[name]) return engine
      const error = existsSync(installed(name))
        ? `${PACKAGES[name]} does not load: ${engine.error.split('\n')[0]}`
        : `${PACKAGES[name]} could not be installed: ${npm.cause}`
      return { ...engine, error }
    }),
  )
}

const installed = (name) => join(folder, 'node_modules', PACKAGES[name])

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
