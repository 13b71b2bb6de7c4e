// Everything that crosses the boundary, repeatedly, in rounds that leave nothing behind: after each round,
// the same vectors exist as before it.
import assert from 'node:assert/strict'
import { mkdirSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'

/** Single calls of each kind in a round, and the batches of each kind in addition. */
export const SINGLE = 12_500
const BATCHES = 125
const PER_BATCH = 100
/** The number of inserts in a round, and also of searches and of deletes. */
export const ROUND = SINGLE + BATCHES * PER_BATCH

const DIMENSION = 8
/** Enough vectors for the collection to have a graph. */
const WALKED = 1_500

const row = (i) => Float32Array.from({ length: DIMENSION }, (_, at) => Math.sin(i * DIMENSION + at) + 0.01)
const rows = (from, count) => {
  const data = new Float32Array(count * DIMENSION)
  for (let i = 0; i < count; i++) data.set(row(from + i), i * DIMENSION)
  return data
}
const ids = (prefix, from, count) => Array.from({ length: count }, (_, i) => `${prefix}${from + i}`)
const columns = (prefix, from, count) => ({
  ids: ids(prefix, from, count),
  data: rows(from, count),
  metadata: Array.from({ length: count }, (_, i) => ({ part: i % 2, tags: ['a', `${i}`] })),
})

/** The arguments of the calls, created once so that their own memory does not count. */
const query = row(1)
const list = Array.from(query)
const queries = rows(0, PER_BATCH)
const batch = columns('b', 0, PER_BATCH)

/** One after another: each call is over before the next one begins. */
async function singles(client, each) {
  for (let i = 0; i < SINGLE; i++) {
    each()
    const id = `s${i % 7}`
    const metadata = { n: i % 10 }
    await client.insertVectors('few', [i % 2 ? { id, data: query, metadata } : { id, data: list }])
    await client.search('few', i % 2 ? query : list, { limit: 3, with_vector: i % 8 === 0 })
    await client.deleteVector('few', id)
  }
}

async function batches(client) {
  for (let i = 0; i < BATCHES; i++) {
    await client.insertVectors('few', batch)
    await client.searchBatch('few', queries, { limit: 3, with_vector: i % 8 === 0 })
    if (i % 2) await client.batchDelete('few', batch.ids, { receipt: i % 3 === 0 })
    else await client.deleteByFilter('few', { tags: { $in: ['a'] } }, { receipt: i % 4 === 0 })
  }
}

/** Many at a time, which wait for one another and for threads. */
async function together(client) {
  for (let i = 0; i < 20; i++) {
    const search = { limit: 20, with_vector: true, filter: { part: 1 } }
    await Promise.all([
      client.insertVectors('walked', columns('t', i * 50, 50)),
      ...Array.from({ length: 20 }, () => client.search('walked', query, search)),
      client.search('walked', query, { limit: WALKED, with_vector: true }),
      client.listVectors('walked', 0, 2 * WALKED),
    ])
    await client.batchDelete('walked', ids('t', i * 50, 50))
  }
  await client.optimize('walked', { onProgress() {} })
}

/** Texts, with the built-in embedder and with one in JavaScript; listeners; updates and reads. */
async function texts(client, embedding) {
  for (const each of [client, embedding]) {
    for (let i = 0; i < 20; i++) {
      const onProgress = () => {}
      const made = await each.batchInsertText('texts', ['one', 'two', 'three'], [{ a: 1 }], { onProgress })
      made.push(await each.insertText('texts', 'four', { b: [1, 2] }))
      await each.insertTexts('texts', [{ id: 'five', text: 'five' }], { onProgress })
      await each.updateVector('texts', 'five', { text: 'five and a half', metadata: { c: null } })
      await each.updateVector('texts', 'five', { data: list })
      await each.getVector('texts', 'five')
      const rows = ['six', 'seven', `${i}`].map((text, n) => ({ id: `r${n}`, text, metadata: { r: 1 } }))
      await each.replace('texts', { r: 1 }, rows.slice(i % 2), { receipt: i % 4 === 0, onProgress })
      await each.search('texts', 'three', { limit: 2, with_vector: true })
      await each.searchBatch('texts', ['one', query, ''], { limit: 2 })
      await each.count('texts', { a: 1 })
      await each.getCollectionInfo('texts')
      await each.listCollections()
      await each.replace('texts', { r: 1 }, [], { atMost: 3 })
      const { undo } = await each.batchDelete('texts', [...made, 'five'], { undo: '1h' })
      await each.listDeleted('texts')
      await each.undelete('texts', i % 2 ? undo.token : ['five'], { onProgress })
      await each.purgeDeleted('texts', { all: true }, { receipt: i % 4 === 0 })
      await each.batchDelete('texts', [...made, 'five'])
    }
  }
}

const fails = (promise, code) =>
  assert.rejects(promise, (error) => {
    assert.equal(error.code, code, error.message)
    return true
  })

/** Every way in which a call is refused: before the native side, in the call, on a thread. */
async function rejections(client, failing) {
  const closed = new client.constructor()
  await closed.close()
  const detached = row(2)
  structuredClone(detached, { transfer: [detached.buffer] })
  const cyclic = {}
  cyclic.self = cyclic
  const hostile = {
    get id() {
      throw new Error('a getter')
    },
  }
  for (let i = 0; i < 50; i++) {
    await fails(client.deleteVector('few', 'none'), 'VECTOR_NOT_FOUND')
    await fails(client.getVector('few', 'none'), 'VECTOR_NOT_FOUND')
    await fails(client.insertVectors('few', [{ id: 'x', data: [1, 2] }]), 'DIMENSION_MISMATCH')
    await fails(client.insertVectors('few', [{ id: '', data: list }]), 'VALIDATION_ERROR')
    await fails(client.insertVectors('few', [hostile]), 'VALIDATION_ERROR')
    await fails(client.insertVectors('few', [{ data: list, metadata: cyclic }]), 'VALIDATION_ERROR')
    await fails(client.search('few', detached), 'DIMENSION_MISMATCH')
    await fails(client.search('few', query, { filter: { a: { $near: 1 } } }), 'VALIDATION_ERROR')
    await fails(client.deleteByFilter('few', {}), 'VALIDATION_ERROR')
    await fails(client.deleteByFilter('few', { a: undefined }), 'VALIDATION_ERROR')
    await fails(client.searchBatch('few', queries.subarray(1)), 'VALIDATION_ERROR')
    await fails(client.createCollection('few', { dimension: 2 }), 'COLLECTION_EXISTS')
    await fails(client.count('none'), 'COLLECTION_NOT_FOUND')
    await fails(closed.count('few'), 'CLIENT_CLOSED')
    await fails(failing.insertText('texts', 'a'), 'EMBEDDING_ERROR')
    await fails(failing.batchInsertText('texts', ['a', 'b']), 'EMBEDDING_ERROR')
    await assert.rejects(
      client.insertVectors('few', columns('l', 0, 3), {
        onProgress() {
          throw new Error('a listener')
        },
      }),
      /a listener/,
    )
    await client.batchDelete('few', ids('l', 0, 3))
  }
}

/** Clients and collections that are created and closed, some of them with calls in progress. */
async function comings(client, shared) {
  for (let i = 0; i < 20; i++) {
    const isShared = i % 2 === 1
    const other = new client.constructor(isShared ? { shared } : {})
    await other.createCollection('passing', { dimension: DIMENSION, metric: 'euclidean' })
    await other.insertVectors('passing', batch)
    const calls = [other.search('passing', query), other.deleteByFilter('passing', { part: 1 })]
    if (isShared) calls.push(client.deleteCollection('passing'))
    if (i % 3 === 0) calls.push(other.close())
    await Promise.allSettled(calls)
    await other.close()
  }
}

/** A store on disk: written, deleted from, checked, backed up, restored, opened again. */
async function onDisk(Client, folder) {
  const path = join(folder, 'store')
  mkdirSync(folder)
  for (let time = 0; time < 2; time++) {
    const client = new Client({ path, fsync: 'no' })
    if (time === 0) await client.createCollection('kept', { dimension: DIMENSION })
    for (let i = 0; i < 20; i++) {
      await client.insertVectors('kept', columns('d', 0, PER_BATCH))
      await client.deleteVector('kept', 'd0')
      await client.deleteByFilter('kept', { part: 0 }, { receipt: true })
      await client.batchDelete('kept', ids('d', 0, PER_BATCH))
    }
    await client.insertVectors('kept', columns('d', 0, PER_BATCH))
    await client.verifyErased('kept', ['gone'])
    await client.flush()
    const file = join(folder, `${time}.vecbak`)
    await client.createBackup(file, { onProgress() {} })
    await fails(client.createBackup(file), 'STORAGE_ERROR')
    await Client.restoreBackup(file, join(folder, `restored ${time}`), { onProgress() {} })
    await client.close()
  }
  rmSync(folder, { recursive: true })
}

/** A single request on its own connection, which is closed afterwards. */
function ask(url, method, path, body) {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' }
    const asked = request(`${url}${path}`, { method, agent: false, headers }, (answer) => {
      answer.resume()
      answer.on('end', () => resolve(answer.statusCode))
    })
    asked.on('error', reject)
    asked.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

/** Servers that start and stop, and call the embedder. */
async function served(embedding) {
  for (let i = 0; i < 2; i++) {
    const server = await embedding.serve({ port: 0 })
    for (let n = 0; n < 10; n++) {
      const { url } = server
      assert.equal(await ask(url, 'POST', '/collections/texts/insert', { id: 'h', text: 'over HTTP' }), 200)
      assert.equal(await ask(url, 'POST', '/collections/texts/search', { query: 'over HTTP' }), 200)
      assert.equal(await ask(url, 'DELETE', '/collections/texts/vectors/h'), 200)
      assert.equal(await ask(url, 'DELETE', '/collections/texts/vectors/h'), 404)
      assert.equal(await ask(url, 'POST', '/collections/texts/delete_by_filter', { filter: {} }), 400)
    }
    await server.close()
  }
}

/** A worker thread that ends with calls in progress. */
async function worker(packagePath, shared) {
  const script = `
    const { parentPort, workerData } = require('node:worker_threads')
    const { VectorizerClient } = require(workerData.packagePath)
    const client = new VectorizerClient({ shared: workerData.shared })
    const query = new Float32Array(${DIMENSION}).fill(1)
    const onProgress = () => {}
    for (let i = 0; i < 20; i++) client.search('walked', query, { limit: 500, with_vector: true })
    client.optimize('walked', { onProgress }).catch(() => {})
    parentPort.postMessage('busy')
    setInterval(() => {}, 1000)
  `
  const one = new Worker(script, { eval: true, workerData: { packagePath, shared } })
  await new Promise((resolve, reject) => one.once('message', resolve).once('error', reject))
  await one.terminate()
}

/**
 * Everything that a round needs, and `round`, which runs it once. `each` is called next to every single
 * insert.
 */
export async function begin({ package: { VectorizerClient }, packagePath, folder, each = () => {} }) {
  const shared = 'memory'
  const client = new VectorizerClient({ shared })
  const embedding = new VectorizerClient({ shared, embedder: async (all) => all.map(() => list) })
  const failing = new VectorizerClient({
    shared,
    embedder: () => {
      throw new Error('no model')
    },
  })
  for (const name of ['few', 'walked', 'texts']) await client.createCollection(name, { dimension: DIMENSION })
  await client.insertVectors('walked', columns('w', 0, WALKED))
  await client.insertVectors('few', columns('f', 0, PER_BATCH))
  return {
    async round() {
      await singles(client, each)
      await batches(client)
      await client.insertVectors('few', columns('f', 0, PER_BATCH))
      await together(client)
      await texts(client, embedding)
      await rejections(client, failing)
      await comings(client, shared)
      await onDisk(VectorizerClient, join(folder, 'disk'))
      await served(embedding)
      await worker(packagePath, shared)
      for (const name of ['few', 'walked', 'texts']) await client.optimize(name)
    },
    async end() {
      await Promise.all([client, embedding, failing].map((one) => one.close()))
    },
  }
}
