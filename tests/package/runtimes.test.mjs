// The smoke test on other versions of Node.js and on other runtimes: on each one that
// runtimes/package.json installs.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { here, run, temporaryFolder } from './support.mjs'

const folder = join(here, 'runtimes')
const { optionalDependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
const work = temporaryFolder('runtimes')

/** Runtimes write their files to a temporary folder, and fetch nothing. */
const env = {
  ...process.env,
  HOME: work,
  TMPDIR: work,
  DENO_DIR: join(work, 'deno'),
  DENO_NO_UPDATE_CHECK: '1',
  NO_COLOR: '1',
}
const node = (name) => ({ file: join(name, 'bin', 'node'), flags: ['--expose-gc'], script: [] })
const modules = ['--cached-only', '--node-modules-dir=manual']
const bun = { file: '@oven/bun-linux-x64-baseline/bin/bun', flags: ['--no-install'], script: [] }
const deno = {
  file: '@deno/linux-x64-glibc/deno',
  flags: ['run', ...modules, '--v8-flags=--expose-gc', '--allow-all'],
  // See `a terminated worker of Deno runs on` below.
  script: ['--without', 'terminated'],
}
const runtimes = {
  '@deno/linux-x64-glibc': deno,
  '@oven/bun-linux-x64-baseline': bun,
  'node-22': node('node-22'),
  'node-24': node('node-24'),
  'node-26': node('node-26'),
}
const linux = process.platform === 'linux' && process.arch === 'x64'
const glibc = linux && process.report.getReport().header.glibcVersionRuntime
const skip = glibc ? false : 'the runtimes are installed on linux-x64 with glibc alone'

/** Runs a script on a runtime, and resolves with what it prints. */
async function on({ file, flags }, script, args = []) {
  const outcome = await run(join(folder, 'node_modules', file), [...flags, script, ...args], { env })
  assert.deepEqual({ ...outcome, stdout: '' }, { code: 0, signal: null, stdout: '', stderr: '' })
  return outcome.stdout
}

const smoke = join(here, 'smoke.mjs')
const whole = [
  ...['vectors', 'deletes', 'errors', 'texts', 'embedder', 'progress', 'disk', 'threads', 'terminated'],
  ...['http', 'graph', 'garbage', 'ending'],
]

test('the smoke test passes on this version of Node.js', async () => {
  const { stdout, ...outcome } = await run(process.execPath, ['--expose-gc', smoke], { env })
  assert.deepEqual(outcome, { code: 0, signal: null, stderr: '' })
  assert.deepEqual(JSON.parse(stdout), whole)
})

test('every runtime that is installed for tests is tested', () => {
  assert.deepEqual(Object.keys(runtimes).sort(), Object.keys(optionalDependencies).sort())
})

for (const [name, runtime] of Object.entries(runtimes)) {
  test(`the smoke test passes on ${name}`, { skip }, async () => {
    const passed = JSON.parse(await on(runtime, smoke, runtime.script))
    assert.deepEqual(
      passed,
      whole.filter((part) => !runtime.script.includes(part)),
    )
  })
}

// The reason why that part is left out: it is the same without the package. If this fails, include
// the part.
test('a terminated worker of Deno runs on', { skip }, async () => {
  const script = join(work, 'terminated.mjs')
  writeFileSync(
    script,
    `import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
    import { fileURLToPath } from 'node:url'
    if (isMainThread) {
      const turns = new Int32Array(new SharedArrayBuffer(4))
      const worker = new Worker(fileURLToPath(import.meta.url), { workerData: turns })
      await new Promise((resolve) => worker.once('message', resolve))
      await worker.terminate()
      const before = Atomics.load(turns, 0)
      await new Promise((resolve) => setTimeout(resolve, 100))
      console.log(Atomics.load(turns, 0) > before)
    } else {
      parentPort.postMessage('started')
      while (true) {
        await null
        Atomics.add(workerData, 0, 1)
      }
    }`,
  )
  assert.equal(await on(deno, script), 'true\n')
  assert.equal(await on(runtimes['node-26'], script), 'false\n')
  assert.equal(await on(bun, script), 'false\n')
})

/** A program in a separate folder, which opens a store there and listens. */
function program(name) {
  const cwd = join(work, name)
  mkdirSync(cwd)
  writeFileSync(
    join(cwd, 'main.mjs'),
    `import { VectorizerClient } from 'vectorizer-native'
    const client = new VectorizerClient({ path: './data' })
    await client.createCollection('docs', { dimension: 2 })
    const { port } = await client.serve({ port: 0 })
    console.log(await client.count('docs'), port > 0)
    await client.close()`,
  )
  return { cwd, env }
}

test('Deno needs permission for the addon, for reading and for the environment', { skip }, async () => {
  const options = program('deno-permissions')
  const permissions = ['--allow-ffi', '--allow-read', '--allow-env']
  const withThese = (given) =>
    run(
      join(folder, 'node_modules', deno.file),
      ['run', '--no-prompt', ...modules, ...given, 'main.mjs'],
      options,
    )
  const { stdout, stderr } = await withThese(permissions)
  assert.deepEqual({ stdout, stderr }, { stdout: '0 true\n', stderr: '' })
  const refused = await withThese(permissions.slice(1))
  assert.match(refused.stderr, /The binary cannot be loaded\..*Requires ffi access/)
})

test('Node.js with permissions needs that for addons, and for reading', { skip }, async () => {
  const options = program('node-permissions')
  const file = join(folder, 'node_modules', runtimes['node-26'].file)
  const permissions = ['--permission', `--allow-fs-read=${here}`]
  const { stdout } = await run(file, [...permissions, '--allow-addons', 'main.mjs'], options)
  assert.equal(stdout, '0 true\n')
  const refused = await run(file, [...permissions, 'main.mjs'], options)
  assert.match(refused.stderr, /The binary cannot be loaded\..*Cannot load native addon/)
})
