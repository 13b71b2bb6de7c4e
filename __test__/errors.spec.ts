import {
  ClientClosedError,
  CollectionExistsError,
  CollectionNotFoundError,
  collection,
  DimensionMismatchError,
  deleteVector,
  EmbeddingError,
  StorageError,
  StoreLockedError,
  ValidationError,
  VectorizerClient,
  VectorizerError,
  VectorNotFoundError,
} from '..'
import { everything, holding, client as opened } from './support/collections'
import { allowed, calls, wrong } from './support/misuse'
import { rejection } from './support/rejection'
import { untyped } from './support/untyped'

const classes = [
  ['ValidationError', ValidationError, 'VALIDATION_ERROR'],
  ['CollectionNotFoundError', CollectionNotFoundError, 'COLLECTION_NOT_FOUND'],
  ['CollectionExistsError', CollectionExistsError, 'COLLECTION_EXISTS'],
  ['VectorNotFoundError', VectorNotFoundError, 'VECTOR_NOT_FOUND'],
  ['DimensionMismatchError', DimensionMismatchError, 'DIMENSION_MISMATCH'],
  ['EmbeddingError', EmbeddingError, 'EMBEDDING_ERROR'],
  ['StorageError', StorageError, 'STORAGE_ERROR'],
  ['StoreLockedError', StoreLockedError, 'STORE_LOCKED'],
  ['ClientClosedError', ClientClosedError, 'CLIENT_CLOSED'],
] as const

const failing: Record<string, (client: VectorizerClient) => Promise<unknown>> = {
  ValidationError: (client) => client.insertVectors('things', [{ id: '', data: [1, 0] }]),
  CollectionNotFoundError: (client) => client.count('nowhere'),
  CollectionExistsError: (client) => client.createCollection('things', { dimension: 2 }),
  VectorNotFoundError: (client) => client.getVector('things', 'nobody'),
  DimensionMismatchError: (client) => client.search('things', [1, 0, 0]),
  EmbeddingError: () => withEmbedder(() => Promise.reject(new Error('no model'))),
  StorageError: () => opened({ path: __filename }).ready(),
  ClientClosedError: (client) => client.close().then(() => client.count('things')),
}

async function withEmbedder(embedder: () => Promise<number[][]>) {
  const client = opened({ embedder })
  await client.createCollection('texts', { dimension: 2 })
  return client.insertText('texts', 'hello')
}

describe.each(classes)('%s', (name, Class, code) => {
  test('is an Error, a VectorizerError and itself, with name and code', () => {
    const cause = new Error('why')
    const error = new Class('a message', { cause })

    expect(error).toBeInstanceOf(Error)
    expect(error).toBeInstanceOf(VectorizerError)
    expect(error).toBeInstanceOf(Class)
    expect(error).toMatchObject({ name, code, errorCode: code, message: 'a message', cause })
    expect(String(error)).toBe(`${name}: a message`)
    const others = classes.filter(([, Other]) => (Other as unknown) !== Class)
    for (const [, Other] of others) expect(error).not.toBeInstanceOf(Other)
  })
})

describe.each(Object.entries(failing))('what rejects with %s', (name, call) => {
  const [, Class, code] = classes.find((entry) => entry[0] === name) ?? classes[0]

  test('rejects with an error of this realm that Jest recognises', async () => {
    const client = await holding('a')
    await expect(call(client)).rejects.toBeInstanceOf(Error)
    await expect(call(await holding('a'))).rejects.toBeInstanceOf(VectorizerError)
    await expect(call(await holding('a'))).rejects.toBeInstanceOf(Class)
    await expect(call(await holding('a'))).rejects.toThrow(Class)
    await expect(call(await holding('a'))).rejects.toMatchObject({ name, code, errorCode: code })
  })

  test('says what is wrong, and has a stack', async () => {
    const error = await rejection(call(await holding('a')))
    expect(error.message.length).toBeGreaterThan(10)
    expect(error.message).not.toMatch(/usize|serde|napi|undefined field|\bat line\b/)
    expect(error.stack).toContain(name)
  })
})

test('a wrong dimension tells what was expected and what was given', async () => {
  const client = await holding('a')
  const calls = [
    client.search('things', [1, 2, 3]),
    client.insertVectors('things', [{ data: [1, 2] }, { data: [1, 2, 3] }]),
    client.updateVector('things', 'a', { data: [1, 2, 3] }),
    client.searchVectors('things', { query_vector: Float32Array.of(1, 2, 3) }),
  ]
  for (const call of calls) {
    const error = await rejection(call)
    expect(error).toBeInstanceOf(DimensionMismatchError)
    expect(error).toMatchObject({ expected: 2, got: 3 })
  }
})

test('the collection and the id that are missing are named', async () => {
  const client = await holding('a')
  expect((await rejection(client.getVector('nowhere', 'a'))).message).toContain("'nowhere'")
  const error = await rejection(client.deleteVector('things', 'nobody'))
  expect(error.message).toContain("'nobody'")
  expect(error.message).toContain("'things'")
})

const table = Object.entries(calls).flatMap(([name, args]) =>
  args.flatMap((_, at) =>
    Object.keys(wrong)
      .filter((kind) => !allowed.has(`${name} ${at} ${kind}`))
      .map((kind) => [name, at, kind] as const),
  ),
)

test('no argument of a wrong type is taken, thrown at, or changes anything', async () => {
  const client = await holding('a', 'b')
  const before = await everything(client)
  const taken: string[] = []
  for (const [name, at, kind] of table) {
    const args = calls[name].with(at, wrong[kind])
    const promise = untyped(client)[name](...args) // a throw here fails the test
    expect(promise).toBeInstanceOf(Promise)
    const reason = await promise.then(
      () => 'taken',
      (error: unknown) => error,
    )
    const fine = reason instanceof VectorizerError && reason.code !== 'INTERNAL_ERROR'
    if (!fine) taken.push(`${name}, argument ${at}, ${kind}: ${reason}`)
  }
  expect(taken).toStrictEqual([])
  expect(await everything(client)).toStrictEqual(before)
})

test('calls without arguments reject', async () => {
  const client = await holding('a')
  for (const name of Object.keys(calls)) {
    await expect(untyped(client)[name]()).rejects.toBeInstanceOf(ValidationError)
  }
})

test('an object whose properties throw rejects the call', async () => {
  const client = await holding('a')
  const trap = {
    get data(): number[] {
      throw new Error('trap')
    },
  }
  await expect(client.insertVectors('things', [trap])).rejects.toThrow('trap')
  expect(await client.count('things')).toBe(1)
})

test('every call after close rejects with ClientClosedError', async () => {
  const client = await holding('a')
  await client.close()
  for (const [name, args] of Object.entries({ ...calls, ready: [], listCollections: [] })) {
    await expect(untyped(client)[name](...args)).rejects.toBeInstanceOf(ClientClosedError)
  }
})

test('closing twice is fine', async () => {
  const client = await holding('a')
  await Promise.all([client.close(), client.close()])
  expect(await client.close()).toBeUndefined()
})

test('a path that is a file is refused by ready and by the first call, not by the constructor', async () => {
  const client = opened({ path: __filename })
  await expect(client.ready()).rejects.toBeInstanceOf(StorageError)
  await expect(client.listCollections()).rejects.toThrow(/errors\.spec\.ts is a file/)
})

test.each([
  ['an unknown option', { pth: 'x' }, 'pth'],
  ['a wrong type of path', { path: 5 }, 'options'],
  ['a wrong type of shared', { shared: {} }, 'options'],
  ['an empty shared', { shared: '' }, 'shared'],
  ['a wrong type of embedder', { embedder: 'model' }, 'embedder'],
  ['null', null, 'options'],
  ['a string', 'data', 'options'],
  ['a list', [], 'options'],
])('%s rejects the first call, not the constructor', async (_, options, named) => {
  const client = new VectorizerClient(options as object)
  const error = await rejection(client.count('things'))
  expect(error).toBeInstanceOf(ValidationError)
  expect(error.message).toContain(named)
  await expect(client.ready()).rejects.toBeInstanceOf(ValidationError)
  await client.close()
})

describe('the stack of an error of arguments begins where the call was made', () => {
  /** The first place in a stack. */
  const placeOf = ({ stack }: Error) => stack?.split('\n').find((line) => line.startsWith('    at '))

  test('of a method', async () => {
    const error = await rejection(untyped(opened()).batchDelete('things', 'a'))
    expect(placeOf(error)).toContain('errors.spec.ts')
  })

  test('of a function of the module', async () => {
    const error = await rejection(deleteVector('things', untyped(1)))
    expect(placeOf(error)).toContain('errors.spec.ts')
  })

  test('of a collection, and of what opens one', async () => {
    const client = opened()
    const things = await client.collection('things', { dimension: 2 })
    for (const call of [
      things.batchDelete(untyped('a')),
      things.search([1, 2], { signal: untyped(1) }),
      client.collection(untyped(1), { dimension: 2 }),
      collection(untyped(1)),
    ]) {
      expect(placeOf(await rejection(call))).toContain('errors.spec.ts')
    }
  })

  test('of a client that is closed', async () => {
    const client = opened()
    await client.close()
    expect(placeOf(await rejection(client.ready()))).toContain('errors.spec.ts')
  })
})
