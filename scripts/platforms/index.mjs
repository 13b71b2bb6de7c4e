// Builds the package for other platforms and tries it there, on a single Linux machine with x64: arm64 with
// qemu, musl with its own libraries, Windows with Wine.
//
//   npm run test:platforms -- [linux-arm64-gnu linux-arm64-musl linux-x64-musl win32-x64]
//
// Without a name, all of them. Needs root (mount namespaces), Debian's apt-get, Python with venv, and the
// registries of Debian, PyPI and npm. Changes nothing outside target/platforms, which takes 10 GB; what has
// been fetched and built there is reused.
//
// --all-specs  run every Jest spec that can run there, not only the chosen ones
// --built      build nothing, and try what was built the last time
// --only PART  one of load, smoke, job, kills, specs (repeatable)
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { binaryOf, build } from './build.mjs'
import { platforms } from './platforms.mjs'
import { cloneOf, install, makeClone, prepare, root, work } from './prepare.mjs'
import { run } from './run.mjs'

const options = {
  'all-specs': { type: 'boolean', default: false },
  built: { type: 'boolean', default: false },
  only: { type: 'string', multiple: true, default: [] },
}
const { values, positionals } = parseArgs({ options, allowPositionals: true })
const chosen = positionals.length > 0 ? positionals : Object.keys(platforms)
const unknown = chosen.filter((name) => !(name in platforms))
if (unknown.length > 0) {
  console.error(`Unknown: ${unknown.join(', ')}. There are ${Object.keys(platforms).join(', ')}.`)
  process.exit(2)
}
const MINUTE = 60_000

/** The specs to run on a platform, with their folders. Milvus Lite is not available there. */
function specsOf({ specs, without }) {
  const all = readdirSync(join(root, '__test__'), { recursive: true }).flatMap(
    (name) => /^((?!milvus\/).*)\.spec\.ts$/.exec(name)?.[1] ?? [],
  )
  return (values['all-specs'] ? all : specs).filter((name) => !(name in without))
}

/** The parts to run: in which folder, on which versions of Node.js, and how long they may take. */
function partsOf(name, platform, project) {
  const clone = cloneOf(name)
  const versions = Object.keys(platform.wheels)
  const newest = versions.slice(-1)
  const jest = ['node_modules/jest/bin/jest.js', '--maxWorkers=2', '--testTimeout=600000', '--runTestsByPath']
  const specs = specsOf(platform).map((spec) => `__test__/${spec}.spec.ts`)
  return {
    load: { args: ['-e', "require('vectorizer-native')"], cwd: project, versions, timeout: 2 * MINUTE },
    smoke: { args: ['--expose-gc', 'smoke.mjs'], cwd: project, versions, timeout: 10 * MINUTE },
    job: { args: ['examples/cleanup/index.mjs'], cwd: clone, versions, timeout: 10 * MINUTE },
    kills: {
      args: ['tests/memory/exit.mjs', '../../index.js'],
      cwd: clone,
      versions: newest,
      timeout: 40 * MINUTE,
    },
    specs: { args: [...jest, ...specs], cwd: clone, versions: newest, timeout: 60 * MINUTE },
  }
}

/** Tries a platform, and returns what passed, with a row for each version of Node.js. */
async function tryPlatform(name) {
  const platform = platforms[name]
  const binary = binaryOf(name)
  if (!values.built) {
    console.log(`\n${name}: what it needs`)
    prepare(name, platform)
    console.log(`\n${name}: build`)
    build(name, platform, binary)
  }
  const project = install(name, platform, binary)
  makeClone(name, platform, binary)
  const parts = Object.entries(partsOf(name, platform, project))
  const rows = Object.keys(platform.wheels).map((version) => ({ platform: name, 'Node.js': version }))
  for (const row of rows) {
    for (const [part, { args, cwd, versions, timeout }] of parts) {
      if (!versions.includes(row['Node.js'])) continue
      if (values.only.length > 0 && !values.only.includes(part)) continue
      const log = join(work, name, 'logs', `${part}-${row['Node.js']}.txt`)
      const begun = performance.now()
      const code = await run(name, row['Node.js'], args, { cwd, log, timeout })
      const seconds = Math.round((performance.now() - begun) / 1000)
      row[part] = code === 0 ? 'pass' : 'FAIL'
      console.log(`${name}, Node.js ${row['Node.js']}, ${part}: ${row[part]} (${seconds} s)`)
      if (code === 0) continue
      process.exitCode = 1
      console.log(`ended with ${code}; ${log} ends with\n${readFileSync(log, 'utf8').slice(-3000)}`)
    }
  }
  return rows
}

const table = []
for (const name of chosen) {
  try {
    table.push(...(await tryPlatform(name)))
  } catch (error) {
    console.error(error)
    table.push({ platform: name, build: 'FAIL' })
    process.exitCode = 1
  }
}
console.table(table)
