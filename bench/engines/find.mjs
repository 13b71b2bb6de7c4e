import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { say } from '../shared/output.mjs'
import { run } from '../shared/process.mjs'
import { engineOf, folderOf } from './index.mjs'

/**
 * The engines with these names, each with an `error` if it cannot be used. Missing packages are installed in
 * the benchmark's folder. Its lock file omits the packages with which LanceDB and vectra can embed and read
 * texts: they are large, and not used here.
 */
export async function findEngines(names) {
  const engines = names.map(engineOf)
  const missing = engines.filter((engine) => !isInstalled(engine))
  const cause = missing.length > 0 ? install(missing) : undefined
  return Promise.all(engines.map(async (engine) => ({ ...engine, error: await faultOf(engine, cause) })))
}

const isInstalled = ({ packages }) => packages.every((name) => existsSync(folderOf(name)))

/** Why an engine cannot be used. It is loaded in a separate process, since it may crash it. */
async function faultOf(engine, cause) {
  const packages = engine.packages.join(' with ')
  if (!isInstalled(engine)) return `${packages} could not be installed: ${cause}`
  try {
    await run({ engine: engine.name })
  } catch ({ message }) {
    say(message)
    return `${packages} does not load: ${message.split('\n')[0]}`
  }
}

/**
 * Installs missing packages, and returns npm's error message if that fails. The packages are optional
 * dependencies, so that one that cannot be built does not prevent the others; npm does not report such a
 * failure unless it is told to be verbose.
 */
function install(missing) {
  const folder = resolve(import.meta.dirname, '..')
  const packages = [...new Set(missing.flatMap((engine) => engine.packages))]
  say(`installing ${packages.join(', ')} into ${folder} (npm ci), to compare with`)
  const { error, stdout, stderr } = spawnSync('npm', ['ci', '--foreground-scripts', '--loglevel', 'http'], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    // On Windows npm is a script.
    shell: process.platform === 'win32',
  })
  if (error) return error.message
  if (!missing.every(isInstalled)) say(stdout + stderr)
  const telling = /ERR! .*Error:|npm error (?!code)\S|failed with/
  const line = stderr.split('\n').find((text) => telling.test(text)) ?? 'see what npm printed'
  return line.replace(/ ?https?:\S+/, '')
}
