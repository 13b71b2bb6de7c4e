// The essentials of the package, in a few seconds, on whatever runtime runs this file: it needs
// nothing but the installed package. It throws at the first error, and prints as JSON which parts
// passed. `--without PART` leaves one out (repeatable), for a runtime that cannot do it; a folder
// given as an argument is used in place of a temporary one, and not removed.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import vectorizer, {
  ClientClosedError,
  CollectionExistsError,
  CollectionNotFoundError,
  createCollection,
  DimensionMismatchError,
  deleteVector,
  EmbeddingError,
  insertVectors,
  ValidationError,
  VectorizerClient,
  VectorizerError,
  VectorNotFoundError,
} from 'vectorizer-native'

/** `count` vectors laid end to end: the same on every runtime. */
function rows(count, dimension, seed = 1) {
  let state = seed
  return Float32Array.from({ length: count * dimension }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  })
}
const names = (count) => Array.from({ length: count }, (_, i) => `v${i}`)
const ids = (results) => results.map(({ id }) => id)

/** A client with a collection of four vectors. */
async function small(options) {
  const client = new VectorizerClient(options)
  await client.createCollection('docs', { dimension: 3 })
  await client.insertVectors('docs', [
    { id: 'a', data: [1, 0, 0], metadata: { lang: 'en', year: 2019 } },
    { id: 'b', data: Float32Array.of(0.75, 0.5, 0), metadata: { lang: 'en', year: 2024 } },
    { id: 'c', data: [0, 1, 0], metadata: { lang: 'de', tags: ['x', 'y'] } },
    { id: 'd', data: [0, 0, 1] },
  ])
  return client
}

/** Collects garbage if the runtime allows programs to request it. */
const collect = () => globalThis.gc?.() ?? globalThis.Bun?.gc(true)

async function vectors() {
  const client = await small()
  const columns = { ids: names(200), data: rows(200, 3), metadata: names(200).map((name) => ({ name })) }
  assert.equal((await client.insertVectors('docs', columns)).inserted, 200)
  const [found] = await client.search('docs', [1, 0, 0], { limit: 1, with_vector: true })
  assert.deepEqual(
    { id: found.id, metadata: found.metadata },
    { id: 'a', metadata: { lang: 'en', year: 2019 } },
  )
  assert.ok(found.data instanceof Float32Array)
  assert.deepEqual(found.data, Float32Array.of(1, 0, 0))
  assert.ok(Math.abs(found.score - 1) < 1e-6)
  assert.deepEqual((await client.getVector('docs', 'b')).data, Float32Array.of(0.75, 0.5, 0))
  const filter = { $or: [{ tags: 'x' }, { year: { $lt: 2020 } }] }
  assert.deepEqual(ids(await client.search('docs', Float32Array.of(0, 1, 0), { filter })), ['c', 'a'])
  assert.equal(await client.count('docs', { must: [{ key: 'lang', match: { any: ['en', 'de'] } }] }), 3)
  const [first, second] = await client.searchBatch('docs', Float32Array.of(1, 0, 0, 0, 0, 1), { limit: 1 })
  assert.deepEqual([...ids(first), ...ids(second)], ['a', 'd'])
  assert.equal((await client.updateVector('docs', 'd', { metadata: { lang: 'fr' } })).metadata.lang, 'fr')
  const page = await client.listVectors('docs', 1, 3)
  assert.deepEqual([page.total, page.offset, ids(page.vectors)], [204, 3, ['d', 'v0', 'v1']])
  await client.close()
}

async function deletes() {
  const client = await small()
  assert.equal(await client.deleteVector('docs', 'a'), undefined)
  const report = await client.batchDelete('docs', ['b', 'nope'])
  assert.deepEqual(report, {
    collection: 'docs',
    count: 2,
    deleted: 1,
    failed: 1,
    results: [
      { id: 'b', index: 0, status: 'ok' },
      { id: 'nope', index: 1, status: 'error', error: 'vector not found' },
    ],
  })
  const dry = await client.deleteByFilter('docs', { lang: 'de' }, { dryRun: true })
  assert.deepEqual([dry.scanned, dry.matched, dry.deleted], [2, 1, 0])
  const done = await client.deleteByFilter('docs', { lang: 'de' })
  assert.deepEqual(done, { scanned: 2, matched: 1, deleted: 1, results: [{ id: 'c', status: 'deleted' }] })
  assert.deepEqual(ids(await client.search('docs', [1, 1, 1])), ['d'])
  const source = { source: 'a.md' }
  const row = (id) => ({ id, data: [1, 2, 3], metadata: source })
  await client.replace('docs', source, [row('e'), row('f')])
  const replaced = await client.replace('docs', source, [row('f'), row('g')])
  assert.deepEqual(replaced, {
    applied: true,
    inserted: 1,
    updated: 0,
    unchanged: 1,
    deleted: 1,
    ids: { inserted: ['g'], updated: [], deleted: ['e'] },
  })
  await client.deleteCollection('docs')
  assert.deepEqual(await client.listCollections(), [])
  await client.close()
}

async function errors() {
  assert.equal(vectorizer.ValidationError, ValidationError)
  const client = await small()
  const refused = [
    [() => client.deleteVector('docs', 'nope'), VectorNotFoundError, 'VECTOR_NOT_FOUND'],
    [() => client.count('nope'), CollectionNotFoundError, 'COLLECTION_NOT_FOUND'],
    [() => client.createCollection('docs', { dimension: 3 }), CollectionExistsError, 'COLLECTION_EXISTS'],
    [() => client.deleteByFilter('docs', {}), ValidationError, 'VALIDATION_ERROR'],
    [() => client.deleteByFilter('docs', { lang: undefined }), ValidationError, 'VALIDATION_ERROR'],
    [() => client.batchDelete('docs', 'a'), ValidationError, 'VALIDATION_ERROR'],
    [() => client.insertVectors('docs', [{ data: [NaN, 0, 0] }]), ValidationError, 'VALIDATION_ERROR'],
    [() => new VectorizerClient({ nope: 1 }).ready(), ValidationError, 'VALIDATION_ERROR'],
  ]
  for (const [call, Class, code] of refused) {
    await assert.rejects(call(), (error) => {
      assert.ok(error instanceof Class && error instanceof VectorizerError && error instanceof Error)
      assert.deepEqual([error.name, error.code], [Class.name, code])
      return true
    })
  }
  const mismatch = await client.search('docs', [1, 2]).catch((error) => error)
  assert.ok(mismatch instanceof DimensionMismatchError)
  assert.deepEqual([mismatch.expected, mismatch.got], [3, 2])
  assert.equal(await client.count('docs'), 4)
  await client.close()
  await assert.rejects(client.count('docs'), ClientClosedError)
}

async function texts() {
  const client = new VectorizerClient()
  await client.createCollection('notes', { dimension: 256 })
  const long = 'Unicode: \u{1F408} naïve, 猫, '.repeat(40)
  const [cat] = await client.batchInsertText('notes', [
    'The cat sleeps on the sofa',
    'Quarterly revenue grew',
  ])
  await client.insertText('notes', long, { kind: 'long' })
  const [found] = await client.search('notes', 'a sleeping cat', { limit: 1 })
  assert.deepEqual([found.id, found.text], [cat, 'The cat sleeps on the sofa'])
  const [listed] = await client.search('notes', '', { filter: { kind: 'long' } })
  assert.equal(listed.text, long)
  await client.close()
}

/** Embeds a text as its counts of three letters, in a later tick of the event loop. */
async function letters(given) {
  await new Promise((resolve) => setTimeout(resolve, 1))
  return given.map((text) => [...'abc'].map((letter) => text.split(letter).length - 1 + 0.01))
}

async function embedder() {
  const client = new VectorizerClient({ embedder: letters })
  await client.createCollection('notes', { dimension: 3 })
  await client.insertTexts('notes', [
    { id: 'a', text: 'aaa' },
    { id: 'b', text: 'bbb' },
  ])
  assert.deepEqual(ids(await client.search('notes', 'bb', { limit: 1 })), ['b'])
  await client.close()
  const failing = new VectorizerClient({ embedder: () => Promise.reject(new Error('no model')) })
  await failing.createCollection('notes', { dimension: 3 })
  await assert.rejects(failing.insertText('notes', 'a'), EmbeddingError)
  assert.equal(await failing.count('notes'), 0)
  await failing.close()
}

async function progress() {
  const client = await small()
  const told = []
  const onProgress = (event) => told.push(event)
  await client.insertVectors('docs', { ids: names(2000), data: rows(2000, 3) }, { onProgress })
  assert.deepEqual(told.at(-1), { phase: 'insert', done: 2000, total: 2000 })
  const failure = new Error('from the listener')
  const throwing = client.insertVectors(
    'docs',
    { ids: names(1), data: rows(1, 3) },
    {
      onProgress: () => {
        throw failure
      },
    },
  )
  assert.equal(await throwing.catch((error) => error.cause ?? error), failure)
  await client.close()
}

async function disk(folder) {
  const path = join(folder, 'store')
  const client = await small({ path, fsync: 'always' })
  const report = await client.batchDelete('docs', ['a', 'b'], {
    receipt: true,
    backup: join(folder, 'two.vecbak'),
  })
  assert.deepEqual([report.receipt.deleted, report.receipt.digest.length], [2, 64])
  assert.deepEqual(await client.verifyErased('docs', ['a', 'b']), { verified: true, residues: [] })
  await client.deleteByFilter('docs', { lang: 'de' })
  const phases = new Set()
  const onProgress = ({ phase }) => phases.add(phase)
  const backup = join(folder, 'all.vecbak')
  assert.equal((await client.createBackup(backup, { onProgress })).vectors, 1)
  await client.flush()
  await client.close()

  // Three of the four vectors have been deleted: a single key of 32 bytes is left after the first
  // page.
  const names = readdirSync(join(path, 'collection-1')).filter((name) => name.startsWith('keys.'))
  const tables = names.map((name) => readFileSync(join(path, 'collection-1', name)).subarray(4096))
  const offsets = tables.flatMap((table) => Array.from({ length: table.length / 32 }, (_, n) => 32 * n))
  const keys = offsets.filter((at) => tables[0].subarray(at, at + 32).some((byte) => byte !== 0))
  assert.deepEqual([tables.length, keys.length], [1, 1])

  const again = new VectorizerClient({ path })
  assert.deepEqual((await again.listVectors('docs')).vectors, [{ id: 'd', data: Float32Array.of(0, 0, 1) }])
  await again.deleteCollection('docs')
  await again.createCollection('docs', { dimension: 1 }) // it takes writes, and the name is free
  assert.ok(!existsSync(join(path, 'collection-1')))
  await again.close()
  await VectorizerClient.restoreBackup(join(folder, 'two.vecbak'), join(folder, 'restored'), { onProgress })
  const restored = new VectorizerClient({ path: join(folder, 'restored') })
  assert.deepEqual(ids(await restored.search('docs', [1, 0, 0])), ['a', 'b'])
  await restored.close()
  assert.deepEqual([...phases], ['backup', 'verify', 'restore'])
}

/** The next message of a worker thread; rejects with an error in the thread. */
function message(worker) {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
}
const thread = (task) => new Worker(fileURLToPath(import.meta.url), { workerData: task })

async function threads() {
  const shared = 'smoke'
  const client = await small({ shared })
  const worker = thread({ shared, endless: false })
  assert.equal(await message(worker), 4)
  assert.deepEqual(ids(await client.search('docs', [0, 0, 1], { limit: 2 })), ['d', 'e'])
  await worker.terminate()
  // In the middle of its calls, with a client that it has not closed.
  const busy = thread({ shared, endless: true })
  await message(busy)
  await busy.terminate()
  await client.insertVectors('docs', [{ id: 'f', data: [1, 1, 1] }])
  assert.equal((await client.getVector('docs', 'f')).id, 'f')
  await client.close()
}

async function terminated() {
  const shared = 'terminated'
  const client = await small({ shared })
  const busy = thread({ shared, endless: true })
  await message(busy)
  await busy.terminate()
  await client.deleteByFilter('docs', { endless: true })
  assert.equal(await client.count('docs'), 5)
  await client.close()
}

/**
 * The work of a worker thread: inserts, reports how many vectors there were before, and may
 * continue.
 */
async function inThread({ shared, endless }) {
  const client = new VectorizerClient({ shared })
  const seen = await client.count('docs')
  await client.insertVectors('docs', [{ id: 'e', data: [0, 0.1, 2] }])
  parentPort.postMessage(seen)
  while (endless) await client.insertVectors('docs', [{ data: [1, 2, 3], metadata: { endless } }])
  await client.close()
}

async function http() {
  const client = await small({ embedder: letters })
  const server = await client.serve({ port: 0 })
  const collection = `${server.url}/collections/docs`
  const gone = await fetch(`${collection}/vectors/a`, { method: 'DELETE' })
  assert.equal(gone.status, 200)
  assert.equal(await client.count('docs'), 3)
  const post = (route, body) =>
    fetch(`${collection}/${route}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const asked = await post('search', { query: 'bb', limit: 1 }) // asks the embedder
  assert.equal((await asked.json()).results[0].id, 'c')
  const refused = await post('delete_by_filter', { filter: {} })
  assert.equal(refused.status, 400)
  await server.close()
  await assert.rejects(fetch(server.url))
  await client.close()
}

async function graph() {
  const client = new VectorizerClient()
  await client.createCollection('many', { dimension: 16 })
  const data = rows(3000, 16)
  const metadata = names(3000).map((_, i) => ({ odd: i % 2 === 1 }))
  await client.insertVectors('many', { ids: names(3000), data, metadata })
  const phases = []
  await client.optimize('many', { onProgress: ({ phase }) => phases.push(phase) })
  assert.ok(phases.length > 0)
  assert.deepEqual((await client.getCollectionInfo('many')).index, { indexed: 3000, pending: 0, deleted: 0 })
  const query = data.slice(16, 32)
  assert.equal((await client.search('many', query))[0].id, 'v1')
  assert.equal((await client.deleteByFilter('many', { odd: true })).deleted, 1500)
  const found = await client.search('many', query, { limit: 50 })
  assert.equal(found.length, 50)
  assert.ok(found.every((result) => result.metadata.odd === false))
  await client.optimize('many')
  assert.deepEqual((await client.getCollectionInfo('many')).index, { indexed: 1500, pending: 0, deleted: 0 })
  await client.close()
}

async function garbage() {
  const kept = []
  for (let i = 0; i < 100; i++) {
    const client = await small() // never closed: what it holds goes with it
    kept.push(...(await client.search('docs', [1, 0, 0], { limit: 1, with_vector: true })))
    new Uint8Array(1e6).fill(i)
    if (i % 10 === 0) collect()
  }
  collect()
  for (const { data } of kept) assert.deepEqual(data, Float32Array.of(1, 0, 0))
}

/** The last part: clients that are left open do not keep the process running. */
async function ending(folder) {
  await createCollection('docs', { dimension: 1 })
  await insertVectors('docs', [{ id: 'a', data: [1] }])
  await deleteVector('docs', 'a')
  const client = await small({ path: join(folder, 'open') })
  await client.deleteVector('docs', 'a')
}

const parts = {
  ...{ vectors, deletes, errors, texts, embedder, progress, disk, threads, terminated },
  ...{ http, graph, garbage, ending },
}

/** On Windows the store that the last part leaves open is left to the system. */
function remove(folder) {
  try {
    rmSync(folder, { recursive: true, force: true })
  } catch (error) {
    if (process.platform !== 'win32') throw error
  }
}

async function smoke() {
  const options = { without: { type: 'string', multiple: true, default: [] } }
  const { values, positionals } = parseArgs({ options, allowPositionals: true })
  const folder = positionals[0] ?? mkdtempSync(join(tmpdir(), 'vectorizer-native-smoke-'))
  if (positionals.length === 0) process.on('exit', () => remove(folder))
  const passed = []
  for (const [name, part] of Object.entries(parts)) {
    if (values.without.includes(name)) continue
    await part(folder)
    passed.push(name)
  }
  console.log(JSON.stringify(passed))
}

await (isMainThread ? smoke() : inThread(workerData))
