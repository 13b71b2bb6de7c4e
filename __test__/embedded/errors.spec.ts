import {
  ClientClosedError,
  CollectionExistsError,
  CollectionNotFoundError,
  collection,
  DimensionMismatchError,
  deleteVector,
  EmbeddingError,
  migrate,
  SigningError,
  StorageError,
  StoreLockedError,
  TooManyMatchesError,
  ValidationError,
  VectorizerClient,
  VectorizerError,
  VectorNotFoundError,
} from '../..'
import { holding, client as opened } from '../support/collections'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'

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
  ['TooManyMatchesError', TooManyMatchesError, 'TOO_MANY_MATCHES'],
  ['SigningError', SigningError, 'SIGNING_ERROR'],
] as const

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

describe('a key that is not known is told with all that can be given there:', () => {
  const searching = 'limit, filter, similarity_threshold, threshold, ef_search, with_vector, include_metadata'
  const server =
    'host, port, apiKey, maxBodyBytes, maxBufferedBytes, maxConnections, headerTimeout, bodyTimeout, ' +
    'writeTimeout, shutdownTimeout, cors, allowedHosts, log, backups'
  const creation = 'dimension, metric, similarity_metric, hnsw, description'
  const given = { unkown: 1 }
  const row = [1, 2]
  const ofCalls: [string, unknown[], place: string, keys: string][] = [
    ['createCollection', ['new', given], 'options', creation],
    ['createCollection', [given], 'request', `name, ${creation}`],
    ['deleteCollection', ['things', given], 'options', 'receipt, reason, undo'],
    ['deleteVector', ['things', 'a', given], 'options', 'receipt, backup, reason, undo'],
    ['batchDelete', ['things', [], given], 'options', 'receipt, backup, atMost, expect, reason, undo'],
    [
      'deleteByFilter',
      ['things', { a: 1 }, given],
      'options',
      'dryRun, rows, receipt, backup, atMost, expect, reason, undo',
    ],
    ['insertVectors', ['things', [], given], 'options', 'onProgress, expires_at'],
    ['insertText', ['things', 'a', {}, given], 'options', 'expires_at'],
    ['batchInsertText', ['things', [], [], given], 'options', 'onProgress, expires_at'],
    ['insertTexts', ['things', [], given], 'options', 'onProgress, expires_at'],
    ['search', ['things', row, given], 'options', searching],
    ['searchVectors', ['things', { query_vector: row, ...given }], 'request', `query_vector, ${searching}`],
    ['searchText', ['things', { query: 'a', ...given }], 'request', `query, ${searching}`],
    ['searchBatch', ['things', [row], given], 'options', searching],
    ['batchUpdateVectors', ['things', [], given], 'options', 'onProgress'],
    ['bulkUpdateMetadata', ['things', { a: 1 }, {}, given], 'options', 'dryRun, atMost, expect, onProgress'],
    [
      'moveToCollection',
      ['things', 'others', [], given],
      'options',
      'overwrite, dryRun, receipt, atMost, expect, reason, onProgress',
    ],
    [
      'copyVectors',
      ['things', 'others', [], given],
      'options',
      'overwrite, dryRun, atMost, expect, onProgress',
    ],
    [
      'replace',
      ['things', { a: 1 }, [], given],
      'options',
      'dryRun, receipt, atMost, expect, reason, undo, expires_at, onProgress',
    ],
    ['forget', [{ ids: [] }, given], 'options', 'collections, dryRun, atMost, expect, reason, onProgress'],
    ['listDeleted', ['things', given], 'options', 'offset, limit'],
    ['undelete', ['things', [], given], 'options', 'onProgress'],
    ['purgeDeleted', ['things', [], given], 'options', 'receipt, reason'],
    ['reindexCollection', ['things', given], 'options', 'm, ef_construction, ef_search'],
    ['cleanupEmptyCollections', [given], 'options', 'dryRun'],
    ['optimize', ['things', given], 'options', 'onProgress'],
    ['createBackup', ['/nowhere/a.vecbak', given], 'options', 'keys, collections, onProgress'],
    ['rotateKeys', [given], 'options', 'key, onProgress'],
    ['serve', [given], 'options', server],
  ]
  test.each(ofCalls)('%s, %j', async (name, args, place, keys) => {
    const client = await holding('a')
    const error = await rejection(untyped(client)[name](...args))
    expect(error).toBeInstanceOf(ValidationError)
    expect(error.message).toBe(`${place}.unkown: unknown; use ${keys}, signal`)
    expect(await client.count('things')).toBe(1)
  })

  test('restoreBackup', async () => {
    const { restoreBackup } = VectorizerClient as never as { restoreBackup: (...args: unknown[]) => never }
    const error = await rejection(restoreBackup('/nowhere/a.vecbak', '/nowhere/restored', given))
    expect(error.message).toBe(
      'options.unkown: unknown; use keys, encryption, keysEncryption, ledger, onProgress, signal',
    )
  })

  test('migrate', async () => {
    const [source, target] = [opened(), opened()]
    const error = await rejection(migrate(source, target, untyped(given)))
    expect(error.message).toBe(
      'options.unkown: unknown; use collections, batchSize, prune, sample, ledger, onProgress, signal',
    )
  })

  test('the constructor, with what Rust never sees', async () => {
    const client = new VectorizerClient(untyped(given))
    const error = await rejection(client.ready())
    expect(error.message).toBe(
      'options.unkown: unknown; use path, fsync, shared, encryption, embedder, ledger',
    )
  })

  test('the graph of a collection', async () => {
    const call = untyped(opened()).createCollection('new', { dimension: 2, hnsw: { ef: 1 } })
    const { message } = await rejection(call)
    expect(message).toContain('options.hnsw')
    for (const key of ['m', 'ef_construction', 'ef_search']) expect(message).toContain(`\`${key}\``)
  })
})

describe('a vector that is refused is called what its caller calls it:', () => {
  const [short, wide, nan] = [Float32Array.of(1), Float32Array.of(1, 2, 3), Float32Array.of(1, Number.NaN)]
  const fine = Float32Array.of(1, 2)
  const laid = (...rows: Float32Array[]) => Float32Array.from(rows.flatMap((row) => [...row]))
  const many = 20_000
  const ids = Array.from({ length: many }, (_, i) => `${i}`)
  const zero = new Float32Array(2)
  const cases: [begin: string, name: string, args: unknown[]][] = [
    ['vectors[1].data has 3 dimensions', 'insertVectors', [[{ data: fine }, { data: wide }]]],
    ['vectors[1].data[1] is NaN', 'insertVectors', [[{ data: fine }, { data: nan }]]],
    ['vectors[1].data is all zeros', 'insertVectors', [[{ data: fine }, { data: zero }]]],
    ['vectors[1].id is empty', 'insertVectors', [[{ data: fine }, { id: '', data: fine }]]],
    ['vectors.data: row 0 has 3 dimensions', 'insertVectors', [{ ids: ['b', 'c'], data: laid(wide, wide) }]],
    ['vectors.data[3] is NaN', 'insertVectors', [{ ids: ['b', 'c'], data: laid(fine, nan) }]],
    ['vectors.data: row 1 is all zeros', 'insertVectors', [{ ids: ['b', 'c'], data: laid(fine, zero) }]],
    ['vectors.ids[1] is empty', 'insertVectors', [{ ids: ['b', ''], data: laid(fine, fine) }]],
    [
      'vectors.metadata[1].a: expected a finite number',
      'insertVectors',
      [{ ids: ['b', 'c'], data: laid(fine, fine), metadata: [null, { a: Number.NaN }] }],
    ],
    // What is much is compared before it is copied.
    ['vectors.data: row 0 has 3 dimensions', 'insertVectors', [{ ids, data: new Float32Array(3 * many) }]],
    ['vectors[0].data has 3 dimensions', 'insertVectors', [ids.map(() => ({ data: wide }))]],
    ['update.data has 3 dimensions', 'updateVector', ['a', { data: wide }]],
    ['update.data[1] is NaN', 'updateVector', ['a', { data: nan }]],
    ['update.data[1]: expected a number', 'updateVector', ['a', { data: [1, '2'] }]],
    ['query has 3 dimensions', 'search', [wide]],
    ['query[1] is NaN', 'search', [nan, { filter: { name: 'a' } }]],
    ['query_vector has 1 dimensions', 'searchVectors', [{ query_vector: short }]],
    ['query_vector[1] is NaN', 'searchVectors', [{ query_vector: nan }]],
    ['request.limit: ', 'searchVectors', [{ query_vector: fine, limit: 'a' }]],
    ['queries[2] has 3 dimensions', 'searchBatch', [[fine, 'text', wide]]],
    ['queries[1][1] is NaN', 'searchBatch', [[fine, nan]]],
    ['queries[3] is NaN', 'searchBatch', [laid(fine, nan)]],
    ['queries: row 1 is all zeros', 'searchBatch', [laid(fine, zero)]],
    ['queries: 3 values are no whole rows of 2', 'searchBatch', [wide]],
    ['text: is empty', 'insertText', ['']],
    ['metadata.a: expected a finite number', 'insertText', ['text', { a: Number.NaN }]],
    ['texts[1]: is empty', 'batchInsertText', [['text', '']]],
    ['metadatas[0].a: expected a finite number', 'batchInsertText', [['text'], [{ a: Number.NaN }]]],
    ['metadatas: more objects than texts', 'batchInsertText', [['text'], [{}, {}]]],
    ['texts[0].text: is empty', 'insertTexts', [[{ id: 'b', text: '' }]]],
    ['texts[0].id is empty', 'insertTexts', [[{ id: '', text: 'text' }]]],
    ['texts[0].id: expected a string', 'insertTexts', [[{ id: 5, text: 'text' }]]],
    ['texts[0].metadata.a: expected', 'insertTexts', [[{ id: 'b', text: 'text', metadata: { a: () => 1 } }]]],
  ]
  test.each(cases)('%s, of %s', async (begin, name, args) => {
    const client = await holding('a')
    const { message } = await rejection(untyped(client)[name]('things', ...args))
    expect(message.slice(0, begin.length)).toBe(begin)
    expect(await client.count('things')).toBe(1)
  })

  const texts = ['one', 'two']
  const rows = texts.map((text) => ({ id: text, text }))
  const embedded: [string, unknown[], place: string][] = [
    ['insertText', ['two'], 'text'],
    ['batchInsertText', [texts], 'texts[1]'],
    ['insertTexts', [rows], 'texts[1].text'],
    ['updateVector', ['a', { text: 'two' }], 'update.text'],
    ['search', ['two'], 'query'],
    ['search', ['two', { filter: { a: 1 } }], 'query'],
    ['searchText', [{ query: 'two' }], 'query'],
    ['searchBatch', [[[1, 2], 'one', '', 'two']], 'queries[3]'],
  ]
  const made: [unknown, (place: string) => string][] = [
    [[1, 2, 3], (place) => `what the embedder returned for ${place} has 3 dimensions`],
    [[], (place) => `what the embedder returned for ${place} has 0 dimensions`],
    [[1, Number.NaN], (place) => `value 1 of what the embedder returned for ${place} is NaN`],
    [[0, 0], (place) => `what the embedder returned for ${place} is all zeros`],
    [[1, '2'], (place) => `value 1 of what the embedder returned for ${place}: expected a number`],
    ['ab', (place) => `what the embedder returned for ${place}: expected an array of numbers`],
  ]
  test.each(embedded)('%s, %j, made by an embedder', async (name, args, place) => {
    for (const [row, begins] of made) {
      const embedder = async (given: string[]) => given.map((text) => untyped(text === 'two' ? row : [1, 2]))
      const client = opened({ embedder })
      await client.createCollection('things', { dimension: 2 })
      await client.insertVectors('things', [{ id: 'a', data: [1, 2] }])
      const { message } = await rejection(untyped(client)[name]('things', ...args))
      expect(message.slice(0, begins(place).length)).toBe(begins(place))
      expect(await client.count('things')).toBe(1)
    }
  })

  test('a text beside its vector does not make it the embedder’s', async () => {
    const client = opened({ embedder: async () => [[1, 2]] })
    await client.createCollection('things', { dimension: 2 })
    await client.insertVectors('things', [{ id: 'a', data: [1, 2] }])
    const update = client.updateVector('things', 'a', { data: [1, 2, 3], text: 'text' })
    expect((await rejection(update)).message).toMatch(/^update\.data has 3 dimensions/)
  })

  test('the third portion of texts goes on counting', async () => {
    const embedder = async (given: string[]) => given.map((text) => (text === '270' ? [1] : [1, 2]))
    const client = opened({ embedder })
    await client.createCollection('things', { dimension: 2 })
    const call = client.batchInsertText('things', ids.slice(0, 300))
    expect((await rejection(call)).message).toMatch(/^what the embedder returned for texts\[270\] has 1/)
  })
})

test('a path that is a file is refused by ready and by the first call, not by the constructor', async () => {
  const client = opened({ path: __filename })
  const ready = client.ready()
  // Jest must recognise it as an error too.
  await expect(ready).rejects.toThrow(StorageError)
  const error = await rejection(ready)
  expect(error).toBeInstanceOf(Error)
  expect(error).toBeInstanceOf(StorageError)
  const code = 'STORAGE_ERROR'
  expect(error).toMatchObject({ name: 'StorageError', code, errorCode: code })
  expect(error.message.length).toBeGreaterThan(10)
  expect(error.message).not.toMatch(/usize|serde|napi|undefined field|\bat line\b/)
  expect(error.stack).toContain('StorageError')
  await expect(client.listCollections()).rejects.toThrow(/errors\.spec\.ts is a file/)
})

test.each([
  ['an unknown option', { pth: 'x' }, 'pth'],
  ['a wrong type of path', { path: 5 }, 'options'],
  ['a wrong type of shared', { shared: {} }, 'options'],
  ['an empty shared', { shared: '' }, 'shared'],
  ['a wrong type of embedder', { embedder: 'model' }, 'embedder'],
  ['a wrong type of ledger', { path: 'x', ledger: 'yes' }, 'options.ledger: expected a boolean'],
  ['a ledger of null', { path: 'x', ledger: null }, 'options.ledger: expected a boolean'],
  ['a ledger that is a list', { path: 'x', ledger: [] }, 'options.ledger: expected a boolean'],
  ['a ledger that is not signed', { path: 'x', ledger: {} }, 'options.ledger.sign: expected a function'],
  [
    'a wrong type of sign',
    { path: 'x', ledger: { sign: 'key' } },
    'options.ledger.sign: expected a function',
  ],
  [
    'an unknown option of the ledger',
    { path: 'x', ledger: { key: 1 } },
    'options.ledger.key: unknown; use sign',
  ],
  ['a ledger of a store in memory', { ledger: true }, 'options.ledger: a store in memory has no ledger'],
  [
    'a ledger of a shared store',
    { shared: 'x', ledger: { sign: () => new Uint8Array(1) } },
    'options.ledger: ',
  ],
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
