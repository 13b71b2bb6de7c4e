// Who may use a store on disk: any number of clients and threads of one process.
import { once } from 'node:events'
import { readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { ClientClosedError, StoreLockedError, ValidationError, VectorNotFoundError } from '../..'
import { idsOf, client as opened } from '../support/collections'
import { directory, store } from '../support/disk'
import { answer, kill, packagePath, run, start, work } from '../support/processes'
import { rejection } from '../support/rejection'

/** A process that has the store open, with the collection `things`, until it ends. */
const owner = (path: string) =>
  start(`
    const { VectorizerClient } = require(${JSON.stringify(packagePath)})
    globalThis.client = new VectorizerClient(${JSON.stringify({ path })})
    client.createCollection('things', { dimension: 2 }).then(() => console.log('open'))
    process.stdin.once('data', () => client.close().then(() => console.log('closed')))
  `)

/** What a process finds that opens the store: the collections' names, or an error. */
async function elsewhere(path: string) {
  const { stdout } = await run(`
    const { VectorizerClient } = require(${JSON.stringify(packagePath)})
    const client = new VectorizerClient(${JSON.stringify({ path })})
    client.listCollections().then(
      (all) => console.log(JSON.stringify(all.map(({ name }) => name))),
      ({ name, code, pid }) => console.log(JSON.stringify({ name, code, pid })),
    )
  `)
  return JSON.parse(stdout)
}

describe('another process', () => {
  test('is told at once who has the store, and opens it when the owner was killed', async () => {
    const path = join(directory(), 'store')
    const child = await owner(path)
    for (const call of ['ready', 'listCollections', 'ready'] as const) {
      const error = await rejection(opened({ path })[call]())
      expect(error).toBeInstanceOf(StoreLockedError)
      expect(error).toMatchObject({ name: 'StoreLockedError', code: 'STORE_LOCKED', pid: child.pid })
      expect(error.message).toContain(path)
      expect(error.message).toContain(`${child.pid}`)
    }

    await kill(child)
    const client = opened({ path })
    expect(await client.count('things')).toBe(0)
    expect(readFileSync(join(path, 'LOCK'), 'utf8')).toBe(`${process.pid}\n`)
  })

  test('opens the store when the owner has closed it, though the owner lives on', async () => {
    const path = join(directory(), 'store')
    const child = await owner(path)
    await expect(opened({ path }).ready()).rejects.toBeInstanceOf(StoreLockedError)
    child.stdin?.write('close\n')
    await once(child.stdout as NodeJS.ReadableStream, 'data')
    expect(await opened({ path }).count('things')).toBe(0)
    expect(child.exitCode).toBeNull()
  })

  test('opens the store only after the last client of this one', async () => {
    const { client, path } = store()
    await client.createCollection('things', { dimension: 2 })
    const second = opened({ path })
    await second.ready()
    const locked = { name: 'StoreLockedError', code: 'STORE_LOCKED', pid: process.pid }
    expect(await elsewhere(path)).toStrictEqual(locked)
    await client.close()
    expect(await elsewhere(path)).toStrictEqual(locked)
    await second.close()
    expect(await elsewhere(path)).toStrictEqual(['things'])
  })

  test('that is refused leaves the store as it was', async () => {
    const { client, path } = store()
    await client.createCollection('things', { dimension: 2 })
    await client.insertVectors('things', [{ id: 'a', data: [1, 2] }])
    await elsewhere(path)
    await client.insertVectors('things', [{ id: 'b', data: [1, 2] }])
    await client.close()
    expect(await idsOf(opened({ path }))).toStrictEqual(['a', 'b'])
  })
})

describe('clients of one process', () => {
  test('share one store, whatever they call it, and see each other’s writes at once', async () => {
    const { client, path } = store()
    const link = join(directory(), 'link')
    await client.createCollection('things', { dimension: 2 })
    symlinkSync(path, link)
    const others = [path, `${path}/.`, join(path, '..', 'store'), link].map((one) => opened({ path: one }))
    for (const [i, other] of others.entries()) {
      await client.insertVectors('things', [{ id: `${i}`, data: [1, i] }])
      expect((await other.getVector('things', `${i}`)).id).toBe(`${i}`)
      await other.deleteVector('things', `${i}`)
      await expect(client.getVector('things', `${i}`)).rejects.toBeInstanceOf(VectorNotFoundError)
    }
  })

  test('go on when one of them is closed, and when one was closed twice', async () => {
    const { client, path } = store()
    await client.createCollection('things', { dimension: 2 })
    const [second, third] = [opened({ path }), opened({ path })]
    await Promise.all([second.ready(), third.ready()])
    await client.close()
    await client.close()
    await expect(client.count('things')).rejects.toBeInstanceOf(ClientClosedError)
    await second.insertVectors('things', [{ id: 'a', data: [1, 2] }])
    await second.close()
    await third.insertVectors('things', [{ id: 'b', data: [1, 2] }])
    expect(await idsOf(third)).toStrictEqual(['a', 'b'])
  })

  test('open one path at the same time, any number of them', async () => {
    const path = join(directory(), 'store')
    const clients = Array.from({ length: 20 }, () => opened({ path }))
    const creating = clients.map((one, i) => one.createCollection(`things${i}`, { dimension: 2 }))
    await Promise.all(creating)
    for (const one of clients) expect(await one.listCollections()).toHaveLength(20)
    await Promise.all(clients.map((one) => one.close()))
    expect(await elsewhere(path)).toHaveLength(20)
  })

  test('open the store again right after it was closed, and while it is being closed', async () => {
    const { client, path } = store()
    await client.createCollection('things', { dimension: 2 })
    let last = client
    for (let i = 0; i < 30; i++) {
      const closing = last.close()
      if (i % 2 === 0) await closing
      last = opened({ path })
      await last.insertVectors('things', [{ id: `${i}`, data: [1, i] }])
      await closing
    }
    expect(await last.count('things')).toBe(30)
    await last.close()
    expect(await opened({ path }).count('things')).toBe(30)
  })

  test('cannot want another fsync than the store has', async () => {
    const { client, path } = store({ fsync: 'always' })
    await client.createCollection('things', { dimension: 2 })
    const error = await rejection(opened({ path, fsync: 'no' }).ready())
    expect(error).toBeInstanceOf(ValidationError)
    expect(error.message).toMatch(/options\.fsync.*always/)
    expect(await opened({ path, fsync: 'always' }).count('things')).toBe(0)
    expect(await opened({ path }).count('things')).toBe(0)
  })

  test('that were refused do not keep the store open', async () => {
    const { client, path } = store({ fsync: 'always' })
    await client.ready()
    await expect(opened({ path, fsync: 'no' }).ready()).rejects.toBeInstanceOf(ValidationError)
    await client.close()
    await opened({ path, fsync: 'no' }).ready()
  })
})

describe('worker threads', () => {
  test('share one store with each other, and keep it when one of them closes', async () => {
    const { client, path } = store()
    await client.createCollection('things', { dimension: 2 })
    const script = `
      const client = new vectorizer.VectorizerClient({ path: workerData.path })
      for (let i = 0; i < 50; i++) {
        const id = workerData.me + ' ' + i
        await client.insertVectors('things', [{ id, data: [1, i] }])
        if (i % 2 === 0) await client.deleteVector('things', id)
      }
      const own = (await client.search('things', '', { limit: 1000 })).filter(({ id }) => id.startsWith(workerData.me))
      await client.close()
      parentPort.postMessage(own.length)
    `
    const workers = ['a', 'b', 'c', 'd'].map((me) => answer(work(script, { path, me })))
    expect(await Promise.all(workers)).toStrictEqual([25, 25, 25, 25])
    expect(await client.count('things')).toBe(100)
    await client.close()
    expect(await opened({ path }).count('things')).toBe(100)
  })

  test('see a delete of this thread at once', async () => {
    const { client, path } = store()
    await client.createCollection('things', { dimension: 2 })
    const worker = work(
      `
      const client = new vectorizer.VectorizerClient({ path: workerData })
      parentPort.on('message', async (id) => {
        if (id === 'end') return parentPort.close()
        parentPort.postMessage([await client.count('things'), (await client.search('things', [1, 1])).length])
      })
    `,
      path,
    )
    for (let i = 0; i < 50; i++) {
      await client.insertVectors('things', [{ id: `${i}`, data: [1, i] }])
      worker.postMessage(i)
      expect(await once(worker, 'message')).toStrictEqual([[1, 1]])
      await client.deleteVector('things', `${i}`)
      worker.postMessage(i)
      expect(await once(worker, 'message')).toStrictEqual([[0, 0]])
    }
    const exited = once(worker, 'exit')
    worker.postMessage('end')
    await exited
  })

  test('that end without closing do not keep the store', async () => {
    const path = join(directory(), 'store')
    const begin = `
      const client = new vectorizer.VectorizerClient({ path: workerData })
      await client.createCollection('things' + Math.random(), { dimension: 2 })
    `
    await answer(work(`${begin}; parentPort.postMessage('ends')`, path))
    const worker = work(`${begin}; parentPort.postMessage('busy'); setInterval(() => {}, 1000)`, path)
    await once(worker, 'message')
    await worker.terminate()

    const client = opened({ path })
    expect(await client.listCollections()).toHaveLength(2)
    await client.close()
    // What a thread had open is given back beside it.
    let found = await elsewhere(path)
    while (!Array.isArray(found)) found = await elsewhere(path)
    expect(found).toHaveLength(2)
  })
})
