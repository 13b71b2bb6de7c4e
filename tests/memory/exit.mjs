// Processes and threads that end in the middle of everything, at moments chosen by a seed: none of
// them crashes or prints anything unexpected, and the store opens afterwards with everything that
// was acknowledged.
//
// Run it with `node scripts/test-memory.mjs exit`; a seed as the last argument repeats a run.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const [packagePath, seed = '1'] = process.argv.slice(2)
const { VectorizerClient } = createRequire(import.meta.url)(packagePath)
const child = fileURLToPath(new URL('exit-child.mjs', import.meta.url))
const dimension = 16
const KEPT = 1500

const activities = [
  'inserts',
  'deletes',
  'updates',
  'searches',
  'optimize',
  'backup',
  'restore',
  'serve',
  'serve with an embedder',
  'embedder',
  'an embedder that never answers',
  'listeners',
  'opening',
  'closing',
  'collections',
]
const thrown = {
  code: 1,
  signal: null,
  stderr: /^\S+:\d+\n.*\n +\^\n\nError: the end\n( {4}at .*\n)+\nNode\.js v.*\n$/s,
}
const clean = { signal: null, stderr: /^$/ }
/** The visible outcome of each ending; `worker` is the exit code of a thread that ends. */
const endings = {
  exit: { ...clean, code: 7 },
  nothing: { ...clean, code: 0 },
  throw: thrown,
  reject: thrown,
  signal: { ...clean, code: null, signal: 'SIGTERM' },
  'exit in a worker': { ...clean, code: 0, worker: 5 },
  'throw in a worker': { ...clean, code: 0, worker: 1 },
  'terminated worker': { ...clean, code: 0, worker: 1 },
  'exit beside a worker': { ...clean, code: 7 },
}

let state = Number(seed)
/** A number below the bound, by mulberry32: the same sequence for the same seed. */
function random(below) {
  state = (state + 0x6d2b79f5) | 0
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) % below
}
const moment = () => ['now', 'microtask', 'turn', 0, random(5), random(20), random(60), random(60)][random(8)]

/** A store with vectors in a graph, and a backup of it. */
async function prepare(folder) {
  const client = new VectorizerClient({ path: join(folder, 'store') })
  await client.createCollection('kept', { dimension })
  const ids = Array.from({ length: KEPT }, (_, i) => `k${i}`)
  const data = Float32Array.from({ length: KEPT * dimension }, (_, i) => Math.sin(i * i))
  await client.insertVectors('kept', { ids, data, metadata: ids.map((_, i) => ({ part: i % 2 })) })
  await client.optimize('kept')
  await client.createBackup(join(folder, 'all.vecbak'))
  await client.close()
}

/** Runs one child to its end, and returns its output. */
function run(asked) {
  const process_ = spawn(process.execPath, [child, JSON.stringify(asked)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  })
  let stderr = ''
  process_.stderr.on('data', (part) => {
    stderr += part
  })
  const lines = []
  createInterface({ input: process_.stdout }).on('line', (line) => {
    if (line === 'ready') setTimeout(() => process_.kill(), Number(asked.delay) || 0)
    else lines.push(line)
  })
  return new Promise((resolve, reject) => {
    process_.on('error', reject)
    process_.on('close', (code, signal) => {
      // Windows ends lines with CR LF.
      resolve({ code, signal, stderr: stderr.replaceAll('\r\n', '\n'), lines })
    })
  })
}

/**
 * The ids that were acknowledged in lines `inserted [ids]` and `deleted [ids]`. The last line may
 * be cut off.
 */
function acknowledged(lines, word) {
  const complete = lines.filter((line) => line.startsWith(`${word} `) && line.endsWith(']'))
  return complete.flatMap((line) => JSON.parse(line.slice(word.length)))
}

/**
 * Checks that the store opens, and contains what was acknowledged and nothing of what was deleted.
 */
async function check({ folder, activity }, lines) {
  const client = new VectorizerClient({ path: join(folder, 'store') })
  try {
    const there = new Set((await client.search('kept', '', { limit: 1_000_000 })).map(({ id }) => id))
    const lost = acknowledged(lines, 'inserted').filter((id) => !there.has(id))
    assert.deepEqual(lost, [], 'inserted, acknowledged and lost')
    const deleted = acknowledged(lines, 'deleted')
    assert.deepEqual(
      deleted.filter((id) => there.has(id)),
      [],
      'deleted, acknowledged and there',
    )
    const { verified, residues } = await client.verifyErased('kept', deleted.slice(0, 200))
    assert.ok(verified, `residues: ${JSON.stringify(residues.slice(0, 3))}`)
    if (!['deletes', 'serve'].includes(activity)) {
      for (let i = 0; i < KEPT; i++) assert.ok(there.has(`k${i}`), `k${i} is lost`)
    }
    for (const { name } of await client.listCollections()) await client.search(name, '', { limit: 5 })
  } finally {
    await client.close()
  }
}

/** How many writes were acknowledged in total. */
const told = { inserted: 0, deleted: 0 }

async function one(asked, template) {
  cpSync(join(template, 'store'), join(asked.folder, 'store'), { recursive: true })
  const { code, signal, stderr, lines } = await run(asked)
  const expected = endings[asked.ending]
  assert.deepEqual({ code, signal }, { code: expected.code, signal: expected.signal }, stderr)
  assert.match(stderr, expected.stderr)
  const worker = lines.find((line) => line.startsWith('worker '))
  if (expected.worker !== undefined) assert.equal(worker, `worker ${expected.worker}`)
  await check(asked, lines)
  rmSync(asked.folder, { recursive: true })
  for (const word of Object.keys(told)) told[word] += acknowledged(lines, word).length
}

const root = mkdtempSync(join(tmpdir(), 'vectorizer-exit-'))
const template = join(root, 'template')
await prepare(template)
const all = activities.flatMap((activity) =>
  Object.keys(endings).map((ending) => ({ activity, ending, delay: moment() })),
)
const queue = all.map((asked, i) => ({
  ...asked,
  packagePath,
  dimension,
  folder: join(root, `${i}`),
  prepared: join(template, 'all.vecbak'),
}))
const failures = []
async function lane() {
  for (let asked = queue.shift(); asked; asked = queue.shift()) {
    const { activity, ending, delay } = asked
    await one(asked, template).catch((error) => {
      failures.push(`${activity}, ${ending}, ${delay}: ${error.message}`)
      rmSync(asked.folder, { recursive: true, force: true })
    })
  }
}
await Promise.all(Array.from({ length: availableParallelism() }, lane))
assert.deepEqual(readdirSync(root), ['template'])
rmSync(root, { recursive: true })

console.log(
  `${all.length} processes: ${activities.length} things under way, ${Object.keys(endings).length} ways to end ` +
    `(${Object.keys(endings).join(', ')}); seed ${seed}`,
)
for (const failure of failures) console.log(`FAIL ${failure}`)
if (failures.length === 0) {
  console.log(
    `ok   all ended as they should; of ${told.inserted} inserts and ${told.deleted} deletes that were ` +
      'acknowledged all are in the stores',
  )
}
process.exitCode = failures.length > 0 ? 1 : 0
