// `serve` of a client: the server as an object of this realm.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as module from '../..'
import {
  ClientClosedError,
  type HttpServer,
  ServerError,
  StorageError,
  StoreLockedError,
  ValidationError,
} from '../..'
import { idsOf, client as opened } from '../support/collections'
import { directory, store } from '../support/disk'
import { ask, ended, serving, servingThings } from '../support/http'
import { packagePath, run } from '../support/processes'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'

describe('a server', () => {
  test('is a plain object of this realm that tells where it listens', async () => {
    const { server, ask } = await serving()
    const { address, port, url, closed, close, [Symbol.asyncDispose]: dispose, ...rest } = server
    expect(Object.getPrototypeOf(server)).toBe(Object.prototype)
    expect({ address, url }).toStrictEqual({ address: '127.0.0.1', url: `http://127.0.0.1:${port}` })
    expect(port).toBeGreaterThan(0)
    expect(closed).toBeInstanceOf(Promise)
    const closing = close()
    expect(closing).toBeInstanceOf(Promise)
    await closing
    expect(dispose).toBe(close)
    expect(rest).toStrictEqual({})
    await expect(ask('GET', '/health')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('answers from when its promise resolves', async () => {
    for (let i = 0; i < 20; i++) {
      const { ask } = await serving()
      expect(await ask('GET', '/health')).toMatchObject({ status: 200, json: { status: 'ok' } })
    }
  })

  test('has an address of another kind where the host has', async () => {
    const client = opened()
    const server: HttpServer | ServerError = await client
      .serve({ host: '::1', port: 0 })
      .catch((error) => error)
    // Not every machine has IPv6.
    if (server instanceof ServerError) return
    expect(server.url).toBe(`http://[::1]:${server.port}`)
    expect(
      (await ask(server.url, 'GET', '/health', undefined, { host: `[::1]:${server.port}` })).status,
    ).toBe(200)
  })

  test('is closed once, however often it is told to', async () => {
    const { server, client } = await serving()
    let closed = false
    server.closed.then(() => {
      closed = true
    })
    expect(await Promise.all([server.close(), server.close(), server.closed])).toStrictEqual(
      Array(3).fill(undefined),
    )
    expect(closed).toBe(true)
    expect(await server.close()).toBeUndefined()
    await server[Symbol.asyncDispose]()
    await ended(server.url)
    expect(await client.listCollections()).toStrictEqual([])
  })
})

describe('a client', () => {
  test('shares its data with its servers, both ways', async () => {
    const { client, ask } = await servingThings(['a', 'b'])
    expect((await ask('GET', '/collections/things/vectors/a')).json).toStrictEqual({
      id: 'a',
      vector: [1, 0],
      data: [1, 0],
      metadata: { place: 0, name: 'a' },
      payload: { place: 0, name: 'a' },
    })
    await ask('POST', '/collections/things/insert', { id: 'c', vector: [0.1, 3], metadata: { é: ['ü'] } })
    expect(await client.getVector('things', 'c')).toStrictEqual({
      id: 'c',
      data: Float32Array.of(0.1, 3),
      metadata: { é: ['ü'] },
    })
    await client.deleteVector('things', 'a')
    expect((await ask('GET', '/collections/things/vectors/a')).status).toBe(404)
    await ask('DELETE', '/collections/things/vectors/b')
    expect(await idsOf(client)).toStrictEqual(['c'])
    const found = await ask('POST', '/collections/things/search', { vector: [0, 1], with_vector: true })
    const [{ data, ...rest }] = await client.search('things', [0, 1], { with_vector: true })
    expect(found.json).toStrictEqual({ results: [{ ...rest, vector: [0.1, 3] }], total: 1 })
    expect(data).toStrictEqual(Float32Array.of(0.1, 3))
  })

  test('has several servers, which close one by one or with it', async () => {
    const { client, server } = await servingThings(['a'])
    const [second, third] = await Promise.all([client.serve({ port: 0 }), client.serve({ port: 0 })])
    expect(new Set([server.port, second.port, third.port]).size).toBe(3)
    await second.close()
    await ended(second.url)
    expect((await ask(third.url, 'DELETE', '/collections/things/vectors/a')).status).toBe(200)
    expect((await ask(server.url, 'DELETE', '/collections/things/vectors/a')).status).toBe(404)

    await client.close()
    await Promise.all([server.closed, third.closed])
    await Promise.all([ended(server.url), ended(third.url)])
    await expect(client.listCollections()).rejects.toBeInstanceOf(ClientClosedError)
    await expect(client.serve({ port: 0 })).rejects.toBeInstanceOf(ClientClosedError)
  })

  test('that is closed while a server starts leaves none behind', async () => {
    const client = opened()
    const starting = client.serve({ port: 0 }).catch((error) => error)
    await client.close()
    const outcome = await starting
    if (outcome instanceof Error) expect(outcome).toBeInstanceOf(ClientClosedError)
    else {
      await outcome.closed
      await ended(outcome.url)
    }
  })

  test('of another store goes on when one is closed', async () => {
    const [one, other] = [await servingThings(['a']), await servingThings(['b'])]
    await one.client.close()
    expect((await other.ask('GET', '/collections/things/vectors/b')).status).toBe(200)
  })
})

test('the module serves its default client', async () => {
  await module.createCollection('things', { dimension: 2 })
  const server = await module.serve({ port: 0 })
  await ask(server.url, 'POST', '/collections/things/insert', { id: 'a', vector: [1, 2] })
  expect(await module.count('things')).toBe(1)
  await module.close()
  await ended(server.url)
})

describe('serve rejects', () => {
  test('with ServerError where the port is in use', async () => {
    const { client, server } = await serving()
    const error = await rejection(client.serve({ port: server.port }))
    expect(error).toBeInstanceOf(ServerError)
    expect(error).toMatchObject({ name: 'ServerError', code: 'SERVER_ERROR', errorCode: 'SERVER_ERROR' })
    expect(error.message).toContain(`${server.port}`)
    expect(error.message).toContain('another port')
    await server.close()
    await client.serve({ port: server.port })
  })

  test('with ServerError where the host is not of this machine, or no host', async () => {
    // 192.0.2.0/24 is for documentation: no machine has it. `.invalid` is never a name.
    for (const host of ['192.0.2.1', 'vectorizer.invalid', '']) {
      const error = await rejection(opened().serve({ host, port: 0, apiKey: 'key' }))
      expect(error).toBeInstanceOf(ServerError)
    }
  })

  test.each<[string, Record<string, unknown>, RegExp]>([
    ['an unknown option', { prot: 80 }, /prot/],
    ['an option in the wrong case', { api_key: 'a' }, /api_key/],
    ['a port that is none', { port: 70_000 }, /options\.port/],
    ['a port that is negative', { port: -1 }, /options\.port/],
    ['a port that is a text', { port: '80' }, /options\.port/],
    ['a host that is no text', { host: 5 }, /options\.host/],
    ['an empty key', { apiKey: '' }, /options\.apiKey/],
    ['a key that is no text', { apiKey: 5 }, /options\.apiKey/],
    ['no room for a body', { maxBodyBytes: 0 }, /options\.maxBodyBytes/],
    ['no room for bodies', { maxBufferedBytes: 0 }, /options\.maxBufferedBytes/],
    ['no connections', { maxConnections: 0 }, /options\.maxConnections/],
    ['more connections than can be counted', { maxConnections: 2 ** 53 }, /options\..*maxConnections/],
    ['no time for a head', { headerTimeout: 0 }, /options\.headerTimeout/],
    ['no time for a body', { bodyTimeout: 0 }, /options\.bodyTimeout/],
    ['no time to take an answer', { writeTimeout: 0 }, /options\.writeTimeout/],
    ['a time that is negative', { shutdownTimeout: -1 }, /options\.shutdownTimeout/],
    ['less room for all bodies than for one', { maxBufferedBytes: 10 }, /options\.maxBufferedBytes/],
    ['an origin that is none', { cors: ['\n'] }, /options\.cors/],
    ['origins that are no list', { cors: 'https://example.org' }, /options\.cors/],
    ['an unknown kind of log', { log: 'xml' }, /options\.log/],
    ['a host that others reach without a key', { host: '0.0.0.0' }, /options\.host.*key/],
  ])('with ValidationError for %s', async (_, options, message) => {
    const client = opened()
    const error = await rejection(untyped(client).serve({ port: 0, ...options }))
    expect(error).toBeInstanceOf(ValidationError)
    expect(error.message).toMatch(message)
    expect(await client.listCollections()).toStrictEqual([])
  })

  test.each([[null], ['15002'], [15_002], [[]]])(
    'with ValidationError for options that are %j',
    async (options) => {
      await expect(untyped(opened()).serve(options)).rejects.toBeInstanceOf(ValidationError)
    },
  )

  test('where the store cannot be opened', async () => {
    const file = join(directory(), 'file')
    writeFileSync(file, 'no directory')
    await expect(opened({ path: join(file, 'store') }).serve({ port: 0 })).rejects.toBeInstanceOf(
      StorageError,
    )

    const { client, path } = store()
    await client.ready()
    const { stdout } = await run(`
      const { VectorizerClient } = require(${JSON.stringify(packagePath)})
      new VectorizerClient(${JSON.stringify({ path })}).serve({ port: 0 }).catch(({ name }) => console.log(name))
    `)
    expect(stdout).toBe(`${StoreLockedError.name}\n`)
  })
})
