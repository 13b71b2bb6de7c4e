// A single process that ends in the middle of something. Its argument, a JSON text, says what it does, how it
// ends and when. It reports each acknowledged write on standard output, line by line and immediately, so that
// it is known whatever happens to the process.
import { mkdirSync, writeSync } from 'node:fs'
import { request } from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

const asked = isMainThread ? JSON.parse(process.argv[2]) : workerData
const { packagePath, activity, ending, delay, folder, prepared, dimension } = asked
const { VectorizerClient } = createRequire(import.meta.url)(packagePath)

const say = (...words) => writeSync(1, `${words.join(' ')}\n`)
/** Calls that may be interrupted by the end of the client, or of the thread that owns the store. */
const interrupted = (error) => {
  if (error.code !== 'CLIENT_CLOSED') throw error
}
const row = (i) => Float32Array.from({ length: dimension }, (_, at) => Math.cos(i * dimension + at) + 0.01)
const columns = (prefix, from, count) => {
  const data = new Float32Array(count * dimension)
  for (let i = 0; i < count; i++) data.set(row(from + i), i * dimension)
  return { ids: Array.from({ length: count }, (_, i) => `${prefix}${from + i}`), data }
}
const always = () => new VectorizerClient({ path: join(folder, 'store'), fsync: 'always' })
let isOver = false
/** Runs `lanes` sequences of steps concurrently, so that some calls are always in progress. */
function endlessly(lanes, step) {
  const lane = async (n) => {
    for (let i = 0; !isOver; i++) await step(i * lanes + n)
  }
  for (let n = 0; n < lanes; n++) lane(n).catch(interrupted)
}

function ask(url, path, body) {
  return new Promise((resolve) => {
    const headers = { 'content-type': 'application/json' }
    const sent = request(`${url}${path}`, { method: 'POST', agent: false, headers }, (answer) => {
      answer.resume()
      answer.on('end', resolve).on('error', resolve)
    })
    sent.on('error', resolve)
    sent.end(JSON.stringify(body))
  })
}

/**
 * Each starts what is to be interrupted, and resolves when it is in progress, with its server if it has one.
 */
const activities = {
  async inserts() {
    const client = always()
    await client.ready()
    endlessly(4, async (i) => {
      const report = await client.insertVectors(
        'kept',
        i % 3 ? columns('n', i, 1) : columns(`m${i} `, 0, 200),
      )
      say('inserted', JSON.stringify(report.ids))
    })
  },
  async deletes() {
    const client = always()
    await client.ready()
    endlessly(3, async (i) => {
      const ids = [`k${2 * i}`, `k${2 * i + 1}`]
      if (i % 3 === 0) await client.batchDelete('kept', ids, { receipt: true })
      else if (i % 3 === 1) await client.deleteByFilter('kept', { must: [{ has_id: ids }] })
      else for (const id of ids) await client.deleteVector('kept', id)
      say('deleted', JSON.stringify(ids))
      if (i > 400) isOver = true
    })
  },
  async updates() {
    const client = always()
    await client.ready()
    endlessly(4, async (i) => {
      const { id } = await client.updateVector('kept', `k${i % 50}`, { data: row(i), metadata: { i } })
      say('inserted', JSON.stringify([id]))
    })
  },
  async searches() {
    const client = new VectorizerClient({ path: join(folder, 'store') })
    await client.ready()
    const options = { limit: 1000, with_vector: true }
    endlessly(8, (i) => client.search('kept', row(i), i % 2 ? options : { ...options, filter: { part: 1 } }))
    const all = columns('', 0, 200)
    endlessly(2, () => client.searchBatch('kept', all.data, { limit: 50, with_vector: true }))
    endlessly(2, () => client.listVectors('kept', 0, 3000))
  },
  async optimize() {
    const client = new VectorizerClient()
    await client.createCollection('kept', { dimension: 64 })
    const ids = Array.from({ length: 5000 }, (_, i) => `${i}`)
    const data = Float32Array.from({ length: 5000 * 64 }, (_, i) => Math.sin(i * i))
    const onProgress = () => {}
    await client.insertVectors('kept', { ids, data }, { onProgress })
    endlessly(2, async () => {
      await client.optimize('kept', { onProgress })
      await client.batchDelete('kept', ids.slice(0, 1000))
      await client.insertVectors('kept', { ids, data }, { onProgress })
    })
  },
  async backup() {
    const client = new VectorizerClient({ path: join(folder, 'store') })
    await client.ready()
    let files = 0
    endlessly(2, () => client.createBackup(join(folder, `${files++}.vecbak`), { onProgress() {} }))
  },
  async restore() {
    let times = 0
    const restore = () =>
      VectorizerClient.restoreBackup(prepared, join(folder, `restored${times++}`), { onProgress() {} })
    endlessly(2, restore)
  },
  async serve() {
    const client = always()
    const server = await client.serve({ port: 0, shutdownTimeout: 100 })
    endlessly(6, (i) => {
      if (i % 2)
        return ask(server.url, '/collections/kept/search', { vector: Array.from(row(i)), limit: 500 })
      return ask(server.url, '/collections/kept/batch_delete', { ids: [`k${i}`] })
    })
    return server
  },
  async 'serve with an embedder'() {
    const embedder = async (texts) => texts.map(() => row(1))
    const client = new VectorizerClient({ path: join(folder, 'store'), embedder })
    const server = await client.serve({ port: 0, shutdownTimeout: 100 })
    endlessly(20, (i) => ask(server.url, '/collections/kept/insert', { id: `t${i}`, text: `text ${i}` }))
    return server
  },
  async embedder() {
    const embedder = (texts) =>
      new Promise((resolve) => setTimeout(() => resolve(texts.map(() => row(1))), texts.length % 5))
    const client = new VectorizerClient({ path: join(folder, 'store'), embedder })
    await client.ready()
    const texts = Array.from({ length: 300 }, (_, i) => `text ${i}`)
    endlessly(3, () => client.batchInsertText('kept', texts, [], { onProgress() {} }))
    endlessly(3, () => client.search('kept', 'text'))
  },
  async 'an embedder that never answers'() {
    const client = new VectorizerClient({ shared: 'one', embedder: () => new Promise(() => {}) })
    await client.createCollection('kept', { dimension })
    client.insertText('kept', 'text')
    client.search('kept', 'text')
    const server = await client.serve({ port: 0, shutdownTimeout: 100 })
    ask(server.url, '/embed', { text: 'a' })
    return server
  },
  async listeners() {
    const client = new VectorizerClient({ path: join(folder, 'store') })
    await client.ready()
    const all = columns('p', 0, 3000)
    const onProgress = () => {
      for (const until = performance.now() + 2; performance.now() < until; );
    }
    endlessly(2, () => client.insertVectors('kept', all, { onProgress }))
  },
  async opening() {
    endlessly(2, async (i) => {
      const client = new VectorizerClient({ path: join(folder, 'store') })
      await Promise.all([client.count('kept'), client.search('kept', row(i))])
      await client.close()
    })
  },
  async closing() {
    endlessly(1, async (i) => {
      const [client, other] = [always(), always()]
      await client.ready()
      const calls = Array.from({ length: 20 }, (_, n) => [
        client.insertVectors('kept', columns(`c${n} `, i, 20)),
        other.search('kept', row(n), { limit: 500 }),
      ]).flat()
      calls.push(client.close(), other.close())
      await Promise.all(calls.map((call) => call.catch(interrupted)))
    })
  },
  async collections() {
    const client = always()
    await client.ready()
    endlessly(3, async (i) => {
      await client.createCollection(`c${i}`, { dimension })
      await client.insertVectors(`c${i}`, columns('', 0, 50))
      if (i % 2) await client.deleteCollection(`c${i}`)
    })
  },
}

/**
 * Runs `then` at a moment: now, in a microtask, in the next tick of the event loop, or some milliseconds
 * later.
 */
function at(moment, then) {
  if (moment === 'now') then()
  else if (moment === 'microtask') queueMicrotask(then)
  else if (moment === 'turn') setImmediate(then)
  else setTimeout(then, moment)
}

const fail = () => {
  throw new Error('the end')
}
/** How the process ends once the activity is in progress. */
const endings = {
  exit: () => at(delay, () => process.exit(7)),
  throw: () => at(delay, fail),
  reject: () => at(delay, () => Promise.reject(new Error('the end'))),
  // Nothing new is started; work in progress keeps the process alive until it is done.
  nothing: (server) =>
    at(delay, () => {
      isOver = true
      server?.close()
    }),
  // The parent sends the signal.
  signal: () => say('ready'),
  'exit in a worker': () => at(delay, () => process.exit(5)),
  'throw in a worker': () => at(delay, fail),
  'terminated worker': () => parentPort.postMessage('ready'),
  'exit beside a worker': () => parentPort.postMessage('ready'),
}

/** Runs the activity in a worker, and ends in the requested way. */
function inWorker() {
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: asked })
  worker.on('message', () => {
    if (ending === 'terminated worker') at(delay, () => worker.terminate())
    else at(delay, () => process.exit(7))
  })
  worker.on('error', (error) => say('error', error.message))
  worker.on('exit', (code) => say('worker', code))
}

mkdirSync(folder, { recursive: true })
if (isMainThread && ending.includes('worker')) inWorker()
else activities[activity]().then(endings[ending])
