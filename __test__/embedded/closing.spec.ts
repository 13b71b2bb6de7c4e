// The end of a client: everything that it has begun ends first, all who wait for it wait for the
// same end, and then nothing of its store is open, locked, listening or running.
import { existsSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import {
  ClientClosedError,
  close,
  createCollection,
  type HttpServer,
  insertVectors,
  VectorizerClient,
} from '../..'
import { idsOf, client as opened } from '../support/collections'
import { directory, MODES, store } from '../support/disk'
import { ended } from '../support/http'
import { packagePath, run } from '../support/processes'
import { rejection } from '../support/rejection'

const DIMENSION = 64
const columns = (count: number) => ({
  ids: Array.from({ length: count }, (_, i) => `${i}`),
  data: Float32Array.from({ length: count * DIMENSION }, (_, i) => Math.sin(i * i)),
})

/** A client of a new store, with so many vectors in the collection `things`. */
async function filled(count: number, fsync?: (typeof MODES)[number]) {
  const { client, path } = store({ fsync })
  await client.createCollection('things', { dimension: DIMENSION })
  await client.insertVectors('things', columns(count))
  return { client, path }
}

/** What this process has open of a directory, where the system tells. */
function open(path: string) {
  if (process.platform !== 'linux') return []
  const targets = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return '' // of the reading itself
    }
  })
  return targets.filter((target) => target.startsWith(path))
}

describe('when close has resolved', () => {
  test.each(MODES)('nothing of the store is open, whatever was under way, with fsync %s', async (fsync) => {
    const { client, path } = await filled(3000, fsync)
    expect(process.platform !== 'linux' || open(path).length > 0).toBe(true)
    // The background builds a graph and rewrites the log.
    const optimized = client.optimize('things').catch(({ code }) => code)
    const inserting = client.insertVectors('things', columns(1000))
    const deleting = client.batchDelete('things', columns(900).ids)
    await client.close()
    expect(open(path)).toStrictEqual([])
    rmSync(path, { recursive: true })
    expect([undefined, 'CLIENT_CLOSED']).toContain(await optimized)
    await Promise.all([inserting, deleting])
  })

  test('the background has ended, and left no file of what it was making', async () => {
    for (let round = 0; round < 8; round++) {
      const { client, path } = await filled(2000)
      await client.batchDelete('things', columns(1500).ids)
      const rewriting = client.optimize('things').catch(() => {})
      await new Promise((resolve) => setTimeout(resolve, 2 * round))
      await client.close()
      const names = readdirSync(join(path, 'collection-1'))
      expect(names.filter((name) => !/^((log|keys)\.\d+|graph)$/.test(name))).toStrictEqual([])
      const logs = names.filter((name) => name.startsWith('log.'))
      expect(logs).toHaveLength(1)
      const keys = names.filter((name) => name.startsWith('keys.'))
      expect(keys).toStrictEqual([logs[0].replace('log', 'keys')])
      await rewriting
    }
  })
})

describe('all who close', () => {
  test('a client twice wait for the same end', async () => {
    for (let round = 0; round < 10; round++) {
      const { client, path } = await filled(2000)
      const ends: string[] = []
      const first = client.close().then(() => ends.push('first'))
      await client.close()
      expect(open(path)).toStrictEqual([])
      rmSync(path, { recursive: true })
      await first
      expect(existsSync(path)).toBe(false)
    }
  })

  test('the default client twice wait for the same end', async () => {
    await createCollection('things', { dimension: DIMENSION })
    const inserting = insertVectors('things', columns(5000))
    const ends: string[] = []
    close().then(() => ends.push('first'))
    await close()
    expect(ends).toStrictEqual(['first'])
    await inserting
  })

  test('a client while its store is opened: its directory does not come back', async () => {
    for (let round = 0; round < 30; round++) {
      const path = join(directory(), 'store')
      const client = new VectorizerClient({ path })
      const first = client.close()
      await client.close()
      rmSync(path, { recursive: true, force: true })
      await first
      expect(existsSync(path)).toBe(false)
    }
  })

  test('many clients of a store find it free when all of them are closed, whichever is the last', async () => {
    for (let round = 0; round < 10; round++) {
      const { client, path } = await filled(500)
      const others = Array.from({ length: 4 }, () => opened({ path }))
      await Promise.all(others.map((one) => one.ready()))
      await Promise.all([client, ...others].map((one) => one.close()))
      expect(open(path)).toStrictEqual([])
    }
  })
})

describe('calls that wait for the client’s own embedder', () => {
  /** An embedder that answers when it is told to. */
  function patient() {
    const waiting: (() => void)[] = []
    const embedder = (texts: string[]) =>
      new Promise<number[][]>((resolve) => {
        waiting.push(() => resolve(texts.map((text) => [text.length, 1])))
      })
    const asked = async (count: number) => {
      while (waiting.length < count) await new Promise(setImmediate)
    }
    const answer = () => {
      for (const one of waiting.splice(0)) one()
    }
    return { embedder, asked, answer }
  }

  test.each(['in memory', 'on disk'])('finish %s, and close waits for them', async (where) => {
    const { embedder, asked, answer } = patient()
    const path = where === 'on disk' ? join(directory(), 'store') : undefined
    const client = opened({ embedder, path })
    await client.createCollection('things', { dimension: 2 })
    await client.insertVectors('things', [{ id: 'a', data: [1, 2] }])
    const calls = [
      client.insertText('things', 'one'),
      client.batchInsertText('things', ['two']),
      client.insertTexts('things', [{ id: 'b', text: 'three' }]),
      client.updateVector('things', 'a', { text: 'four' }),
      client.search('things', 'five'),
      client.searchBatch('things', ['six']),
    ]
    let isClosed = false
    const closing = client.close().then(() => {
      isClosed = true
    })
    const later = rejection(client.count('things'))
    await asked(calls.length)
    expect(await later).toBeInstanceOf(ClientClosedError)
    expect(isClosed).toBe(false)
    answer()
    await Promise.all(calls)
    await closing
    if (path) expect(await opened({ path }).count('things')).toBe(4)
  })

  test('fail as they would have, and the client closes', async () => {
    const client = opened({ embedder: () => Promise.reject(new Error('no model')) })
    await client.createCollection('things', { dimension: 2 })
    const inserting = rejection(client.insertText('things', 'one'))
    await client.close()
    expect((await inserting).code).toBe('EMBEDDING_ERROR')
  })
})

test('a server that is being started when its client is closed has ended when that is', async () => {
  for (let round = 0; round < 10; round++) {
    const { client, path } = store()
    const serving: Promise<HttpServer | undefined>[] = [0, 0].map((port) =>
      client.serve({ port }).catch(() => undefined),
    )
    await client.close()
    expect(open(path)).toStrictEqual([])
    for (const server of await Promise.all(serving)) if (server) await ended(server.url)
    await client.close()
  }
})

describe('worker threads of a process whose main thread has not loaded the addon', () => {
  /** Runs a script in one worker after the other, each time with `during` beside it, and `after`. */
  const rounds = (count: number, path: string, script: string, during = '', after = '') =>
    run(`
      const { execFileSync } = require('node:child_process')
      const { readdirSync, readFileSync } = require('node:fs')
      const { Worker } = require('node:worker_threads')
      const path = ${JSON.stringify(path)}
      const code = ${JSON.stringify(`
        const { workerData: { path, round }, parentPort } = require('node:worker_threads')
        const { VectorizerClient } = require(${JSON.stringify(packagePath)})
        const say = (...words) => parentPort.postMessage(words.join(' '))
        ;(async () => { ${script} })().catch((error) => say(error.code, error.message))
      `)}
      const pause = (time) => new Promise((resolve) => setTimeout(resolve, time))
      ;(async () => {
        for (let round = 0; round < ${count}; round++) {
          const worker = new Worker(code, { eval: true, workerData: { path, round } })
          worker.on('message', (said) => console.log(said))
          const ended = new Promise((resolve) => worker.on('exit', resolve))
          ${during}
          await ended
        }
        ${after}
        console.log('done')
      })()
    `)
  const quiet = { code: 0, signal: null, stderr: '' }

  test('that exit while the log is rewritten, after a close, leave the store in order', async () => {
    const path = join(directory(), 'store')
    const script = `
      const client = new VectorizerClient({ path, fsync: 'no' })
      const ids = Array.from({ length: 3000 }, (_, i) => 'v' + i)
      if (round === 0) await client.createCollection('things', { dimension: 256 })
      else if (await client.count('things') !== 1500) say(await client.count('things'))
      await client.insertVectors('things', { ids, data: new Float32Array(3000 * 256).fill(1) })
      await client.batchDelete('things', ids.slice(1500))
      const end = () => {
        client.close()
        process.exit()
      }
      const onProgress = ({ phase }) => phase === 'rewrite' && setTimeout(end, round % 4)
      client.optimize('things', { onProgress }).then(end, () => {})
    `
    expect(await rounds(10, path, script)).toStrictEqual({ ...quiet, stdout: 'done\n' })
    expect(await idsOf(opened({ path }))).toHaveLength(1500)
  })

  test('that are terminated while servers are started leave none, no thread, and the store free', async () => {
    const path = join(directory(), 'store')
    const script = `
      const client = new VectorizerClient({ path })
      await client.ready()
      for (let i = 0; i < 3; i++) client.serve({ port: 0 }).catch(() => {})
      say('up')
    `
    const during = `
      await new Promise((resolve) => worker.once('message', resolve))
      await pause(round % 4)
      await worker.terminate()
    `
    const elsewhere = `
      const { VectorizerClient } = require(${JSON.stringify(packagePath)})
      const client = new VectorizerClient(${JSON.stringify({ path })})
      client.ready().then(() => console.log('free'), ({ code }) => console.log(code)).then(() => client.close())
    `
    // A server that is left is left for good: then this does not end.
    const after = `
      const elsewhere = () => execFileSync(process.execPath, ['-e', ${JSON.stringify(elsewhere)}]).toString()
      while (elsewhere() !== 'free\\n') await pause(20)
      if (process.platform === 'linux') {
        const named = (task) => {
          try {
            return readFileSync('/proc/self/task/' + task + '/comm', 'utf8')
          } catch {
            return ''
          }
        }
        while (readdirSync('/proc/self/task').some((task) => named(task).startsWith('vectorizer-http'))) await pause(20)
      }
    `
    const stdout = `${'up\n'.repeat(16)}done\n`
    expect(await rounds(16, path, script, during, after)).toStrictEqual({ ...quiet, stdout })
  })
})
