import {
  ClientClosedError,
  CollectionExistsError,
  CollectionNotFoundError,
  DimensionMismatchError,
  EmbeddingError,
  TooManyMatchesError,
  UnsupportedError,
  ValidationError,
  type Vectorizer,
  VectorizerError,
  VectorNotFoundError,
} from '../..'
import { everything } from '../support/collections'
import { allowed, calls, wrong } from '../support/misuse'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'
import { type Engine, engines } from './engines'

const failing: [
  name: string,
  code: string,
  new (...args: never[]) => Error,
  call: (client: Vectorizer, engine: Engine) => Promise<unknown>,
][] = [
  [
    'ValidationError',
    'VALIDATION_ERROR',
    ValidationError,
    (client) => client.insertVectors('things', [{ id: '', data: [1, 0] }]),
  ],
  [
    'CollectionNotFoundError',
    'COLLECTION_NOT_FOUND',
    CollectionNotFoundError,
    (client) => client.count('nowhere'),
  ],
  [
    'CollectionExistsError',
    'COLLECTION_EXISTS',
    CollectionExistsError,
    (client) => client.createCollection('things', { dimension: 2 }),
  ],
  [
    'VectorNotFoundError',
    'VECTOR_NOT_FOUND',
    VectorNotFoundError,
    (client) => client.getVector('things', 'nobody'),
  ],
  [
    'DimensionMismatchError',
    'DIMENSION_MISMATCH',
    DimensionMismatchError,
    (client) => client.search('things', [1, 0, 0]),
  ],
  [
    'EmbeddingError',
    'EMBEDDING_ERROR',
    EmbeddingError,
    async (_, engine) => {
      const embedder = () => Promise.reject(new Error('no model'))
      const client = await engine.things(2, 'cosine', { embedder })
      return client.insertText('things', 'hello')
    },
  ],
  [
    'TooManyMatchesError',
    'TOO_MANY_MATCHES',
    TooManyMatchesError,
    (client) => client.deleteByFilter('things', { name: 'a' }, { atMost: 0 }),
  ],
  [
    'ClientClosedError',
    'CLIENT_CLOSED',
    ClientClosedError,
    (client) => client.close().then(() => client.count('things')),
  ],
]

describe.each(engines)('errors of the client that is %s', (_, ready) => {
  const engine = ready()

  test.each(failing)(
    '%s has its class, code and name, and says what is wrong',
    async (name, code, Class, call) => {
      const rejected = call(await engine.holding('a'), engine)
      // Jest must recognise it as an error too.
      await expect(rejected).rejects.toThrow(Class)
      const error = await rejection(rejected)
      expect(error).toBeInstanceOf(Error)
      expect(error).toBeInstanceOf(Class)
      expect(error).toMatchObject({ name, code, errorCode: code })
      expect(error.message.length).toBeGreaterThan(10)
      expect(error.message).not.toMatch(/usize|serde|napi|grpc|undefined field|\bat line\b/)
      expect(error.stack).toContain(name)
    },
  )

  test('a wrong dimension tells what was expected and what was given', async () => {
    const client = await engine.holding('a')
    const wrongly = [
      () => client.insertVectors('things', [{ data: [1, 2] }, { data: [1, 2, 3] }]),
      () => client.updateVector('things', 'a', { data: [1, 2, 3] }),
    ]
    for (const call of wrongly) {
      const error = await rejection(call())
      expect(error).toBeInstanceOf(DimensionMismatchError)
      expect(error).toMatchObject({ expected: 2, got: 3 })
    }
  })

  test('every call on a collection that is not there says so', async () => {
    const client = await engine.holding('a')
    for (const [name, [, ...args]] of Object.entries(calls)) {
      if (name === 'createCollection') continue
      const error = await rejection(untyped(client)[name]('nowhere', ...args))
      expect([name, error.name]).toStrictEqual([name, 'CollectionNotFoundError'])
      expect(error.message).toContain("'nowhere'")
    }
  })

  test('no argument of a wrong type is taken, thrown at, or changes anything', async () => {
    const client = await engine.holding('a', 'b')
    const before = await everything(client)
    const taken: string[] = []
    for (const [name, args] of Object.entries(calls)) {
      for (const at of args.keys()) {
        for (const kind of Object.keys(wrong)) {
          if (allowed.has(`${name} ${at} ${kind}`)) continue
          const promise = untyped(client)[name](...args.with(at, wrong[kind])) // a throw fails the test
          expect(promise).toBeInstanceOf(Promise)
          const reason = await promise.then(
            () => 'taken',
            (error: unknown) => error,
          )
          const fine = reason instanceof VectorizerError && reason.code !== 'INTERNAL_ERROR'
          if (!fine) taken.push(`${name}, argument ${at}, ${kind}: ${reason}`)
        }
      }
    }
    expect(taken).toStrictEqual([])
    expect(await everything(client)).toStrictEqual(before)
  })

  test('calls without arguments reject', async () => {
    const client = await engine.holding('a')
    for (const name of Object.keys(calls)) {
      const error = await rejection(untyped(client)[name]())
      expect([name, error.name]).toStrictEqual([name, 'ValidationError'])
    }
  })

  test('arguments that throw when they are read reject the call, and nothing is inserted', async () => {
    const client = await engine.things()
    const detached = new Float32Array(2)
    structuredClone(detached.buffer, { transfer: [detached.buffer] })
    const throwing = {
      get data(): number[] {
        throw new TypeError('no data today')
      },
    }
    const refuse = () => {
      throw new Error('no keys today')
    }
    const metadata = new Proxy({}, { ownKeys: refuse })
    const given: [unknown, string][] = [
      [[{ data: detached }], 'detached'],
      [[throwing], 'no data today'],
      [[{ data: [1, 2], metadata }], 'no keys today'],
    ]
    for (const [rows, named] of given) {
      const error = await rejection(untyped(client).insertVectors('things', rows))
      expect(error).toBeInstanceOf(ValidationError)
      expect(error.message).toContain(named)
    }
    expect(await client.count('things')).toBe(0)
  })

  test('every call after close rejects with ClientClosedError, and closing again is fine', async () => {
    const client = await engine.holding('a')
    await Promise.all([client.close(), client.close()])
    const others = {
      ready: [],
      listCollections: [],
      flush: [],
      verifyErased: ['things', ['a']],
      resumeExpiry: [],
      listEmptyCollections: [],
      cleanupEmptyCollections: [],
      forget: [{ ids: ['a'] }],
      getLedger: [],
      listDeleted: ['things'],
    }
    for (const [name, args] of Object.entries({ ...calls, ...others })) {
      const error = await rejection(untyped(client)[name](...args))
      expect([name, error.name]).toStrictEqual([name, 'ClientClosedError'])
    }
    expect(await client.close()).toBeUndefined()
    expect(await client[Symbol.asyncDispose]()).toBeUndefined()
  })

  test('close lets the calls under way finish', async () => {
    const client = await engine.holding('a', 'b')
    const reading = client.count('things')
    const deleting = client.batchDelete('things', ['a'])
    await client.close()
    expect(await reading).toBeGreaterThanOrEqual(1)
    expect((await deleting).deleted).toBe(1)
  })
})

test('errors of what an engine cannot do have a class of their own', () => {
  const error = new UnsupportedError('a message')
  expect(error).toBeInstanceOf(VectorizerError)
  expect(error).toMatchObject({ name: 'UnsupportedError', code: 'UNSUPPORTED', errorCode: 'UNSUPPORTED' })
})
