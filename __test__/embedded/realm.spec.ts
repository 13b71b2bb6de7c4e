// Another file of tests, realm-other.spec.ts, has a collection of the same name at the same time.
import * as module from '../..'
import { client as opened, things } from '../support/collections'
import { packagePath, run } from '../support/processes'

const NAME = 'in both files'

describe('the default client', () => {
  afterEach(() => module.close())

  test('belongs to this file', async () => {
    await module.createCollection(NAME, { dimension: 2 })
    for (let i = 0; i < 100; i++) {
      await module.insertVectors(NAME, [{ id: `here ${i}`, data: [1, i] }])
      const { vectors } = await module.listVectors(NAME, 0, 1000)
      expect(vectors.map(({ id }) => id)).toStrictEqual(Array.from({ length: i + 1 }, (_, n) => `here ${n}`))
    }
    expect((await module.listCollections()).map(({ name }) => name)).toStrictEqual([NAME])
  })

  test('is another one after close', async () => {
    await module.createCollection(NAME, { dimension: 2 })
    await module.close()
    expect(await module.listCollections()).toStrictEqual([])
    await module.close()
    expect(await module.close()).toBeUndefined()
    await expect(module.count(NAME)).rejects.toBeInstanceOf(module.CollectionNotFoundError)
  })

  test('is not that of new VectorizerClient()', async () => {
    await module.createCollection(NAME, { dimension: 2 })
    expect(await opened().listCollections()).toStrictEqual([])
  })

  test('has each method of a client as a function', () => {
    const methods = Object.getOwnPropertyNames(module.VectorizerClient.prototype)
    const functions = Object.keys(module).filter(
      (key) => !/Error$|^VectorizerClient$|^migrate$|^verifyLedger$|^verifyReceipt$|^default$|^__/.test(key),
    )
    expect(functions.sort()).toStrictEqual(methods.filter((name) => name !== 'constructor').sort())
  })

  test('is separate where the module is loaded again', async () => {
    await module.createCollection(NAME, { dimension: 2 })
    const others: (typeof module)[] = []
    jest.isolateModules(() => {
      others.push(require('../..'))
    })
    jest.resetModules()
    others.push(require('../..'))
    for (const other of others) {
      expect(await other.listCollections()).toStrictEqual([])
      await other.createCollection(NAME, { dimension: 3 })
      await expect(other.count('nowhere')).rejects.toBeInstanceOf(other.CollectionNotFoundError)
      await other.close()
    }
    expect(await module.listCollections()).toMatchObject([{ name: NAME, dimension: 2 }])
  })
})

describe('results', () => {
  test('are plain objects and arrays of this realm', async () => {
    const client = await things()
    await client.insertVectors('things', [{ id: 'a', data: [1, 0], metadata: { list: [{}] } }])
    const results = [
      await client.search('things', [1, 0]),
      await client.listVectors('things'),
      await client.batchDelete('things', []),
      await client.listCollections(),
    ]
    const prototypes = new Set<unknown>()
    const walk = (value: unknown) => {
      if (typeof value !== 'object' || value === null) return
      prototypes.add(Object.getPrototypeOf(value))
      if (!ArrayBuffer.isView(value)) Object.values(value).forEach(walk)
    }
    results.forEach(walk)
    expect([...prototypes]).toHaveLength(3)
    for (const own of [Object.prototype, Array.prototype, Float32Array.prototype]) {
      expect(prototypes.has(own)).toBe(true)
    }
  })

  test('are promised by promises of this realm, also where the call is wrong', async () => {
    const client = await things()
    const calls = [
      client.count('things'),
      client.search('things', [1, 0]),
      client.optimize('things'),
      client.ready(),
      client.close(),
      module.close(),
      module.listCollections(),
    ]
    for (const call of calls) expect(call).toBeInstanceOf(Promise)
    await Promise.allSettled(calls)
    const wrong = client.getVector('things', 'a')
    expect(wrong).toBeInstanceOf(Promise)
    await expect(wrong).rejects.toBeInstanceOf(Error)
    await expect(client.search('things', [1])).rejects.toBeInstanceOf(module.VectorizerError)
  })

  test('values of another realm are arguments like any other', async () => {
    const { runInNewContext } = await import('node:vm')
    const rows = runInNewContext(
      "[{ id: 'a', data: [1, 2], metadata: { at: new Date(0) } }, { id: 'b', data: Float32Array.of(3, 4) }]",
    )
    const client = await things()
    await client.insertVectors('things', rows)
    expect((await client.getVector('things', 'a')).metadata).toStrictEqual({ at: '1970-01-01T00:00:00.000Z' })
    await client.batchDelete('things', runInNewContext("['a']"))
    expect(await client.count('things')).toBe(1)
  })
})

describe('clients that share a store by name', () => {
  test('see the same collections, until the last of them is closed', async () => {
    const shared = 'realm.spec'
    const [one, other] = [opened({ shared }), opened({ shared })]
    await one.createCollection('things', { dimension: 2 })
    await other.insertVectors('things', [{ id: 'a', data: [1, 2] }])
    expect(await one.count('things')).toBe(1)
    expect(await opened({ shared: `${shared} other` }).listCollections()).toStrictEqual([])

    await one.close()
    await expect(one.count('things')).rejects.toBeInstanceOf(module.ClientClosedError)
    expect(await other.count('things')).toBe(1)
    await other.close()
    expect(await opened({ shared }).listCollections()).toStrictEqual([])
  })
})

test('a client that is never closed does not keep the process alive', async () => {
  const script = `
    const { VectorizerClient, createCollection, insertText } = require(${JSON.stringify(packagePath)})
    const client = globalThis.client = new VectorizerClient()
    ;(async () => {
      await client.createCollection('things', { dimension: 8 })
      const ids = Array.from({ length: 3000 }, (_, i) => String(i))
      await client.insertVectors('things', { ids, data: Float32Array.from({ length: 24000 }, Math.random) })
      await createCollection('texts', { dimension: 8 })
      await insertText('texts', 'text')
      console.log('done')
    })()
  `
  expect(await run(script)).toStrictEqual({ code: 0, signal: null, stdout: 'done\n', stderr: '' })
})
