// Whatever is thrown by what a caller gives, be it no error at all, rejects with one of ours.
import {
  EmbeddingError,
  migrate,
  ValidationError,
  type Vectorizer,
  VectorizerClient,
  VectorizerError,
} from '../..'
import { holding, client as opened, things } from '../support/collections'
import { serving } from '../support/http'
import { untyped } from '../support/untyped'

const revoked = Proxy.revocable({}, {})
revoked.revoke()
const hostile = new Proxy(
  {},
  {
    get() {
      throw hostile
    },
    getPrototypeOf() {
      throw hostile
    },
  },
)
const mute = Object.defineProperty(new Error('hidden'), 'message', {
  get() {
    throw mute
  },
})

/** What a promise rejects with, which is an error of ours. Jest could not show what is none. */
async function rejection(promise: Promise<unknown>): Promise<VectorizerError> {
  const reason: unknown = await promise.then(
    () => undefined,
    (given) => given,
  )
  try {
    if (reason instanceof VectorizerError) return reason
  } catch {}
  throw new Error('rejected with a foreign error, or not at all')
}

const thrown: [string, unknown][] = [
  ['a symbol', Symbol('thrown')],
  ['an object without a prototype', Object.create(null)],
  ['a revoked proxy', revoked.proxy],
  ['a proxy that throws itself', hostile],
  ['an error whose message throws', mute],
  ['an error whose message is JSON', new Error('5')],
  ['an error whose message is a symbol', Object.assign(new Error('no'), { message: Symbol('message') })],
  ['an object with a code', { code: 'VALIDATION_ERROR', message: { toString: null } }],
  ['undefined', undefined],
  ['null', null],
  ['a function', () => {}],
  ['a bigint', 5n],
]

describe.each(thrown)('%s', (_, value) => {
  const throwing = (): never => {
    throw value
  }

  test('of a getter or a proxy among arguments', async () => {
    const client = untyped(await holding('a'))
    const trap = { get: throwing, enumerable: true }
    const row = Object.defineProperty({}, 'data', trap)
    const calls = [
      client.insertVectors('things', [row]),
      client.insertVectors('things', [{ data: [1, 2], metadata: Object.defineProperty({}, 'a', trap) }]),
      client.insertTexts('things', [Object.defineProperty({}, 'text', trap)]),
      client.insertVectors('things', [Object.defineProperty({ data: [1, 2] }, 'expires_at', trap)]),
      client.insertText('things', 'a', {}, Object.defineProperty({}, 'expires_at', trap)),
      client.updateVector('things', 'a', Object.defineProperty({}, 'expires_at', trap)),
      client.setVectorExpiry('things', 'a', new Proxy({}, { get: throwing, getPrototypeOf: throwing })),
      client.deleteByFilter('things', Object.defineProperty({}, 'name', trap)),
      client.deleteByFilter('things', new Proxy({}, { ownKeys: throwing })),
      client.search('things', [1, 2], Object.defineProperty({}, 'limit', trap)),
      client.optimize('things', Object.defineProperty({}, 'onProgress', trap)),
      new VectorizerClient(Object.defineProperty({}, 'path', trap)).ready(),
      migrate(client as never, opened(), Object.defineProperty({}, 'prune', trap)),
    ]
    for (const error of await Promise.all(calls.map(rejection))) {
      expect(error).toBeInstanceOf(ValidationError)
    }
    expect(await client.count('things')).toBe(1)
  })

  test('of a listener', async () => {
    const client = await things()
    const onProgress = throwing
    await rejection(client.insertVectors('things', [{ id: 'a', data: [1, 2] }], { onProgress }))
    await rejection(client.optimize('things', { onProgress }))
    await rejection(migrate(client, opened(), { onProgress }))
    expect(await client.count('things')).toBe(1)
  })

  test.each<[string, () => unknown]>([
    ['an embedder throws', throwing],
    ['an embedder rejects with', () => Promise.reject(value)],
    ['reading the rows throws', () => new Proxy([], { get: throwing })],
    ['reading a row throws', () => [Object.defineProperty({}, 'length', { get: throwing })]],
    ['reading a value throws', () => [new Proxy([1, 2], { get: throwing })]],
  ])('that %s', async (_, embedder) => {
    const client = opened({ embedder: embedder as never })
    await client.createCollection('things', { dimension: 2 })
    const calls = [client.insertText('things', 'a'), client.search('things', 'a')]
    for (const error of await Promise.all(calls.map(rejection))) {
      expect(error).toBeInstanceOf(EmbeddingError)
    }
    expect(await client.count('things')).toBe(0)
  })

  test('of an embedder that a server asks', async () => {
    const { ask } = await serving({}, { embedder: throwing })
    expect((await ask('POST', '/embed', { text: 'a' })).status).toBe(502)
  })

  test('of another client that migrate is given', async () => {
    const source = await holding('a')
    const failing = (name: string) =>
      new Proxy(opened(), {
        get: (client, key) => {
          const call = client[key as keyof VectorizerClient] as () => unknown
          return key === name ? async () => throwing() : call.bind(client)
        },
      }) as Vectorizer
    await rejection(migrate(source, failing('listCollections')))
    const error = await rejection(migrate(source, failing('insertVectors')))
    expect(error.code).toBe('PARTIAL_WRITE')
  })
})
