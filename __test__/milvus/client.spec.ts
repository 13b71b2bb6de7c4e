// What is the client's own of Milvus: options, names, what others have written, what is repeated.
import { MilvusClient } from '@zilliz/milvus2-sdk-node'
import fc from 'fast-check'
import {
  ClientClosedError,
  CollectionExistsError,
  CollectionNotFoundError,
  type DeleteReport,
  StorageError,
  UnsupportedError,
  ValidationError,
  type Vectorizer,
} from '../..'
import { MilvusVectorizerClient, type MilvusVectorizerClientOptions } from '../../milvus'
import { atEnd } from '../support/ending'
import { milvusServer } from '../support/milvus'
import { rejection } from '../support/rejection'

const { collectionKey, idOf, keyOf } = require('../../lib/milvus/names.js')
const { written } = require('../../lib/milvus/expression.js')
const { milvusClient } = require('../../lib/milvus/client.js')

/** A value that the typings do not allow. */
const wrong = (value: unknown): any => value

const server = milvusServer()

async function opened(options: Partial<MilvusVectorizerClientOptions> = {}) {
  const database = await server.database()
  const client = new MilvusVectorizerClient({ address: server.address, database, ...options })
  atEnd(() => client.close())
  const engine = new MilvusClient({ address: server.address, database })
  atEnd(() => engine.closeConnection())
  return { client, engine }
}

describe('options', () => {
  test.each([
    ['none', undefined, /^options: /],
    ['no address', {}, /^options\.address: expected a string, got undefined$/],
    ['an empty address', { address: '' }, /^options\.address: is empty$/],
    ['an address that is no string', { address: 19530 }, /^options\.address: expected a string/],
    ['a token that is no string', { address: 'a:1', token: 1 }, /^options\.token: expected a string/],
    ['an unknown option', { address: 'a:1', path: './data' }, /^options\.path: unknown; use address/],
    ['a ledger', { address: 'a:1', ledger: true }, /^options\.ledger: unknown; use address/],
    ['a timeout of 0', { address: 'a:1', timeout: 0 }, /^options\.timeout: expected a whole number from 1/],
    ['retries that are no number', { address: 'a:1', maxRetries: '3' }, /^options\.maxRetries: /],
    ['a negative pause', { address: 'a:1', retryDelay: -1 }, /^options\.retryDelay: /],
    ['an embedder that is no function', { address: 'a:1', embedder: {} }, /^options\.embedder: /],
    ['certificates that are no object', { address: 'a:1', tls: 'x' }, /^options\.tls: /],
  ])('%s: every call is rejected', async (_, options, message) => {
    const client = new MilvusVectorizerClient(wrong(options))
    for (const call of [client.ready(), client.listCollections(), client.deleteVector('a', 'b')]) {
      const error = await rejection(call)
      expect(error).toBeInstanceOf(ValidationError)
      expect(error.message).toMatch(message)
    }
    await client.close()
  })

  test('a client may be closed twice, and not used again', async () => {
    const { client } = await opened()
    await client.ready()
    const last = client.listCollections()
    await Promise.all([client.close(), client.close()])
    expect(await last).toStrictEqual([])
    expect(await rejection(client.listCollections())).toBeInstanceOf(ClientClosedError)
  })
})

describe('names', () => {
  const odd = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string(),
    fc.constantFrom('_', '__2d', 'a_', '-', '%'),
  )

  test('an id is kept through its key, which needs no quoting', () => {
    fc.assert(
      fc.property(odd, (id) => {
        fc.pre(id.isWellFormed())
        expect(idOf(keyOf(id))).toBe(id)
        expect(keyOf(id)).toMatch(/^[A-Za-z0-9_.:/@%-]*$/)
      }),
    )
  })

  test('no two names of collections have the same key, and the engine takes each', () => {
    fc.assert(
      fc.property(fc.uniqueArray(odd, { minLength: 2, maxLength: 20 }), (names) => {
        const taken = names.filter((name) => name !== '' && name.isWellFormed() && name.length < 20)
        const keys = taken.map((name) => collectionKey(name))
        expect(new Set(keys).size).toBe(taken.length)
        for (const key of keys) expect(key).toMatch(/^[A-Za-z_][A-Za-z0-9_]*$/)
      }),
    )
    expect(['my_docs', 'a1', 'A_b_1'].map(collectionKey)).toStrictEqual(['my_docs', 'a1', 'A_b_1'])
  })

  test('one whose key would be too long for the engine is refused', async () => {
    const { client } = await opened()
    const long = 'ü'.repeat(60)
    for (const call of [client.createCollection(long, { dimension: 2 }), client.count(long)])
      expect(await rejection(call)).toBeInstanceOf(UnsupportedError)
    expect(await client.listCollections()).toStrictEqual([])
  })

  test('an expression is never made of a text that would need quoting', () => {
    for (const text of ['"', '\\', "'", ' ', 'é', '\n', '{a}'])
      expect(() => written({ any: [text] })).toThrow('quoting')
    expect(written({ ids: ['" or id != "'] })).toBe('id in ["%22%20or%20id%20%21%3d%20%22"]')
  })
})

describe('what others have written', () => {
  test('a collection of theirs is not listed, and not touched', async () => {
    const { client, engine } = await opened()
    const fields = [
      { name: 'id', data_type: 'VarChar' as const, is_primary_key: true, max_length: 10 },
      { name: 'vector', data_type: 'FloatVector' as const, dim: 2 },
    ]
    await engine.createCollection({ collection_name: 'theirs', fields })
    expect(await client.listCollections()).toStrictEqual([])
    for (const call of [client.count('theirs'), client.deleteCollection('theirs')]) {
      const error = await rejection(call)
      expect(error).toBeInstanceOf(CollectionNotFoundError)
      expect(error.message).toContain('not made by this client')
    }
    const error = await rejection(client.createCollection('theirs', { dimension: 2 }))
    expect(error.code).toBe('COLLECTION_EXISTS')
    expect((await engine.hasCollection({ collection_name: 'theirs' })).value).toBe(true)
  })

  test('a row of theirs that the filter does not match is not deleted, and neither is any other', async () => {
    const { client, engine } = await opened()
    await client.createCollection('things', { dimension: 2 })
    await client.insertVectors('things', [
      { id: 'mine', data: [1, 0], metadata: { lang: 'en' } },
      { id: 'other', data: [1, 1], metadata: { lang: 'de' } },
    ])
    const { data } = await engine.query({ collection_name: 'things', filter: 'id == "mine"' })
    const row = { ...data[0], id: 'theirs', metadata: { lang: 'fr' } } // with the terms of another
    await engine.upsert({ collection_name: 'things', data: [row] })

    const error = await rejection(client.deleteByFilter('things', { lang: 'en' }))
    expect(error).toBeInstanceOf(StorageError)
    expect(error.message).toMatch(
      /^the engine matched vector 'theirs', which the filter does not: nothing was/,
    )
    expect(await client.count('things')).toBe(3)
  })
})

describe('what the engine does not offer', () => {
  const calls: [string, (client: Vectorizer, collection: string) => Promise<unknown>][] = [
    ['replace', (client, name) => client.replace(name, { a: 1 }, [])],
    ['bulkUpdateMetadata', (client, name) => client.bulkUpdateMetadata(name, { a: 1 }, { b: 1 })],
    ['batchUpdateVectors', (client, name) => client.batchUpdateVectors(name, [{ id: 'a', data: [1] }])],
    ['moveToCollection', (client, name) => client.moveToCollection(name, 'others', ['a'])],
    ['moveToCollection to it', (client, name) => client.moveToCollection('others', name, ['a'])],
    ['copyVectors', (client, name) => client.copyVectors(name, 'others', { filter: { a: 1 } })],
    ['copyVectors to it', (client, name) => client.copyVectors('others', name, ['a'])],
    ['updateCollection', (client, name) => client.updateCollection(name, { description: null })],
    ['renameCollection', (client, name) => client.renameCollection(name, 'new')],
    ['reindexCollection', (client, name) => client.reindexCollection(name, { m: 8 })],
    ['deleteVector with undo', (client, name) => client.deleteVector(name, 'a', { undo: '1h' })],
    ['batchDelete with undo', (client, name) => client.batchDelete(name, ['a'], { undo: '1h' })],
    ['deleteByFilter with undo', (client, name) => client.deleteByFilter(name, { a: 1 }, { undo: '1h' })],
    ['deleteCollection with undo', (client, name) => client.deleteCollection(name, { undo: '1h' })],
    ['listDeleted', (client, name) => client.listDeleted(name)],
    ['undelete', (client, name) => client.undelete(name, ['a'])],
    ['purgeDeleted', (client, name) => client.purgeDeleted(name, { all: true })],
  ]

  test('is told with what to do instead, after a look whether the collection is there', async () => {
    const { client } = await opened()
    for (const name of ['things', 'others']) await client.createCollection(name, { dimension: 1 })
    const words = /^the engine behind this client does not offer .+: .+/
    for (const [what, call] of calls) {
      const error = await rejection(call(client, 'things'))
      expect([what, error.name]).toStrictEqual([what, 'UnsupportedError'])
      expect(error.message).toMatch(words)
      const nowhere = await rejection(call(client, 'nowhere'))
      expect([what, nowhere.name]).toStrictEqual([what, 'CollectionNotFoundError'])
    }
    const ofAll = [client.forget({ ids: ['a'] }), client.cleanupEmptyCollections({ dryRun: true })]
    for (const call of [...ofAll, client.getLedger(), client.listDeleted()]) {
      const error = await rejection(call)
      expect(error).toBeInstanceOf(UnsupportedError)
      expect(error.message).toMatch(words)
    }
    expect(await client.listEmptyCollections()).toStrictEqual(['others', 'things'])
  })

  test('is refused for its arguments first, before the engine is asked', async () => {
    const client = new MilvusVectorizerClient({ address: '127.0.0.1:1', maxRetries: 0 })
    const refused: [Promise<unknown>, RegExp][] = [
      [client.bulkUpdateMetadata('things', { a: 1 }, wrong([1])), /^patch: /],
      [client.batchUpdateVectors('things', wrong([{ id: 1, data: [1] }])), /^updates\[0\]\.id: /],
      [client.moveToCollection('things', 'others', wrong('a')), /^vectors: /],
      [client.copyVectors('things', 'others', [], wrong({ receipt: true })), /^options\.receipt: unknown/],
      [client.forget(wrong({ ids: 'a' })), /ids/],
      [client.updateCollection('things', wrong({})), /^settings\.description: /],
      [client.renameCollection('things', wrong(7)), /^newName: /],
      [client.reindexCollection('things', wrong({ efSearch: 7 })), /^options\.efSearch: unknown/],
      [client.cleanupEmptyCollections(wrong({ dry_run: true })), /^options\.dry_run: unknown/],
      [client.listDeleted(wrong(7)), /^collection: /],
      [client.undelete('things', wrong(7)), /^what: /],
      [client.purgeDeleted('things', ['a'], wrong({ dryRun: true })), /^options\.dryRun: unknown/],
    ]
    for (const [call, message] of refused) {
      const error = await rejection(call)
      expect(error).toBeInstanceOf(ValidationError)
      expect(error.message).toMatch(message)
    }
    await client.close()
  })
})

test('what is changed after it was matched, and is not meant any more, stays', async () => {
  const { client } = await opened()
  await client.createCollection('things', { dimension: 1 })
  await client.insertVectors('things', [
    { id: 'a', data: [1], metadata: { lang: 'en' } },
    { id: 'b', data: [1], metadata: { lang: 'en' } },
  ])
  const query = MilvusClient.prototype.query
  let isChanged = false
  const changing = jest.spyOn(MilvusClient.prototype, 'query').mockImplementation(async function (
    this: MilvusClient,
    request,
  ) {
    if (!isChanged && request.filter?.startsWith('id in')) {
      isChanged = true
      await client.updateVector('things', 'b', { metadata: { lang: 'de' } })
    }
    return query.call(this, request)
  })
  const report = await client.deleteByFilter('things', { lang: 'en' })
  changing.mockRestore()
  expect(report).toMatchObject({ scanned: 2, matched: 2, deleted: 1, results: [{ id: 'a' }] })
  expect((await client.listVectors('things')).vectors).toMatchObject([{ id: 'b', metadata: { lang: 'de' } }])
})

describe('arguments', () => {
  test('are what they were when the call was made', async () => {
    const { client } = await opened()
    await client.createCollection('things', { dimension: 2 })
    const rows = [{ id: 'a', data: new Float32Array([1, 0]), metadata: { list: [1] } }]
    const inserted = client.insertVectors('things', rows)
    rows[0].data[0] = 7
    rows[0].metadata.list.push(2)
    rows.push({ id: 'b', data: new Float32Array([1, 0]), metadata: { list: [] } })
    await inserted
    expect(await client.listVectors('things')).toMatchObject({
      total: 1,
      vectors: [{ id: 'a', data: new Float32Array([1, 0]), metadata: { list: [1] } }],
    })
    const ids = ['a']
    const deleted = client.batchDelete('things', ids)
    ids[0] = 'b'
    expect((await deleted).results).toStrictEqual([{ id: 'a', index: 0, status: 'ok' }])
  })

  test('that cannot be read are refused before the engine is asked', async () => {
    const client = new MilvusVectorizerClient({ address: '127.0.0.1:1', maxRetries: 0 })
    const reading = {
      get data(): number[] {
        throw new Error('on purpose')
      },
    } as { data: number[] }
    const calls: [Promise<unknown>, RegExp][] = [
      [client.insertVectors('things', [reading]), /^the arguments cannot be read: on purpose$/],
      [client.batchDelete('things', wrong(['a', 1])), /^ids\[1\]: expected a string, got 1$/],
      [client.deleteByFilter('things', wrong({ a: undefined })), /^filter\.a: expected a JSON value/],
      [client.batchDelete('things', ['a'], wrong({ onProgress: 1 })), /^options\.onProgress: expected/],
      [client.search(wrong(1), [1]), /^collection: expected a string/],
    ]
    for (const [call, message] of calls) {
      const error = await rejection(call)
      expect(error).toBeInstanceOf(ValidationError)
      expect(error.message).toMatch(message)
    }
    await client.close()
  })
})

describe('many vectors', () => {
  const COUNT = 2300

  test('are written, listed and deleted in portions, of which listeners are told', async () => {
    const { client } = await opened()
    await client.createCollection('things', { dimension: 3, metric: 'euclidean' })
    const ids = Array.from({ length: COUNT }, (_, i) => `${i}`)
    const data = Float32Array.from({ length: 3 * COUNT }, (_, i) => i % 97)
    const metadata = ids.map((_, i) => ({ i }))
    const told: [string, number, number][] = []
    const onProgress = (progress: { phase: string; done: number; total: number }) => {
      told.push([progress.phase, progress.done, progress.total])
    }
    await client.insertVectors('things', { ids, data, metadata }, { onProgress })
    const writes = [1000, 2000, COUNT].map((done) => ['insert', done, COUNT])
    expect(told.filter(([phase]) => phase === 'insert')).toStrictEqual(writes)

    const pages = []
    for (let page = 0; page < 4; page++) pages.push(await client.listVectors('things', page, 700))
    expect(pages.map(({ vectors }) => vectors.length)).toStrictEqual([700, 700, 700, 200])
    const listed = pages.flatMap(({ vectors }) => vectors.map(({ id }) => id))
    expect([...listed].sort()).toStrictEqual([...ids].sort())
    expect((await client.listVectors('things', 2, 700)).vectors).toStrictEqual(pages[2].vectors)
    expect((await client.listVectors('things', 4, 700)).vectors).toStrictEqual([])
    expect((await client.search('things', '', { limit: COUNT })).map(({ id }) => id)).toStrictEqual(listed)

    told.length = 0
    const half = { i: { $lt: 1500 } }
    const report = await client.deleteByFilter('things', half, { onProgress })
    expect(report).toMatchObject({ scanned: COUNT, matched: 1500, deleted: 1500 })
    expect(told).toStrictEqual([
      ['find', 1000, COUNT],
      ['find', 1500, COUNT],
      ['delete', 1000, 1500],
      ['delete', 1500, 1500],
    ])
    expect(await client.count('things')).toBe(COUNT - 1500)
  })

  test('what a listener throws rejects a delete when it is done', async () => {
    const { client } = await opened()
    await client.createCollection('things', { dimension: 1 })
    await client.insertVectors('things', [{ id: 'a', data: [1] }])
    const failure = new Error('on purpose')
    const onProgress = () => {
      throw failure
    }
    const error = await rejection(client.batchDelete('things', ['a'], { onProgress }))
    expect(error.cause).toBe(failure)
    expect(await client.count('things')).toBe(0)
  })
})

describe('what is repeated', () => {
  type Answer = Error | Record<string, unknown>
  const fine = { error_code: 'Success', code: 0, reason: '' }
  const refused = (fields: object) => ({
    status: { error_code: 'UnexpectedError', code: 1, reason: 'no', ...fields },
  })
  const broken = (code: number) => Object.assign(new Error(`gRPC ${code}`), { code, details: `gRPC ${code}` })

  /** A client whose engine answers `getVersion` with these, one after the other. */
  function answering(...answers: Answer[]) {
    let asked = 0
    class Fake {
      async getVersion() {
        const answer = answers[asked++] ?? { status: fine }
        if (answer instanceof Error) throw answer
        return answer
      }
      async closeConnection() {}
    }
    const Client = milvusClient(() => ({ MilvusClient: Fake }))
    const client: Vectorizer = new Client({ address: 'fake', maxRetries: 3, retryDelay: 0 })
    return { client, asked: () => asked }
  }

  test.each([
    ['an engine that cannot be reached', broken(14)],
    ['one that limits the rate', refused({ error_code: 'RateLimit', code: 8 })],
    ['one that says that it may be asked again', refused({ retriable: true })],
  ])('%s is asked again', async (_, failure) => {
    const { client, asked } = answering(failure, failure)
    await client.ready()
    expect(asked()).toBe(3)

    const hopeless = answering(failure, failure, failure, failure, failure)
    const error = await rejection(hopeless.client.ready())
    expect(error).toBeInstanceOf(StorageError)
    expect(error.message).toMatch(/\(tried 4 times\)$/)
    expect(hopeless.asked()).toBe(4)
  })

  test.each([
    ['a call that took too long', broken(4)],
    ['a wrong token', broken(16)],
    ['a call that the engine does not know', broken(12)],
    ['a refusal', refused({})],
    ['a failure without a name', new Error('nothing')],
  ])('%s is not', async (_, failure) => {
    const { client, asked } = answering(failure)
    const error = await rejection(client.ready())
    expect(error).toBeInstanceOf(StorageError)
    expect(error.message).not.toContain('tried')
    expect(asked()).toBe(1)
  })
})

describe('a call whose answer is lost', () => {
  type Method = 'createCollection' | 'dropCollection'

  /** The next call of a method is made, or not, and the connection is gone before its answer. */
  function losing(method: Method, isMade: boolean) {
    const call = MilvusClient.prototype[method] as (request: unknown) => Promise<unknown>
    const lost = async function (this: MilvusClient, request: unknown) {
      if (isMade) await call.call(this, request)
      throw Object.assign(new Error('lost'), { code: 14 })
    }
    const spy = jest.spyOn(MilvusClient.prototype, method).mockImplementationOnce(wrong(lost))
    atEnd(() => spy.mockRestore())
  }

  test('has made the collection, which is complete', async () => {
    const { client } = await opened()
    losing('createCollection', true)
    expect(await client.createCollection('things', { dimension: 1 })).toMatchObject({ name: 'things' })
    await client.insertVectors('things', [{ id: 'a', data: [1] }])
    expect(await client.search('things', [1])).toMatchObject([{ id: 'a', score: 1 }])
    expect(await client.getCollectionInfo('things')).toMatchObject({ dimension: 1, vector_count: 1 })
  })

  test('is that of another, which is not seen at once', async () => {
    const { client } = await opened()
    await client.createCollection('things', { dimension: 1 })
    const { hasCollection, describeCollection } = MilvusClient.prototype
    const unseen = jest.spyOn(MilvusClient.prototype, 'hasCollection')
    unseen.mockImplementationOnce(async function (this: MilvusClient, request) {
      return { ...(await hasCollection.call(this, request)), value: false }
    })
    const absent = jest.spyOn(MilvusClient.prototype, 'describeCollection')
    absent.mockResolvedValueOnce(wrong({ status: { error_code: 'CollectionNotExists', code: 100 } }))
    absent.mockImplementation(describeCollection)
    atEnd(() => [unseen, absent].map((spy) => spy.mockRestore()))
    const error = await rejection(client.createCollection('things', { dimension: 2 }))
    expect(error).toBeInstanceOf(CollectionExistsError)
    expect(await client.listCollections()).toMatchObject([{ name: 'things', dimension: 1 }])
  })

  test('or has not, which the error says', async () => {
    const { client } = await opened()
    losing('createCollection', false)
    const error = await rejection(client.createCollection('things', { dimension: 1 }))
    expect(error).toBeInstanceOf(StorageError)
    expect(error.message).toMatch(/gave no answer: lost$/)
    expect(await client.listCollections()).toStrictEqual([])
  })

  test('has dropped the collection', async () => {
    const { client } = await opened({ retryDelay: 1 })
    await client.createCollection('things', { dimension: 1 })
    losing('dropCollection', true)
    await client.deleteCollection('things')
    expect(await client.listCollections()).toStrictEqual([])
  })
})

test('an engine that says it has deleted what it still has is not believed', async () => {
  const { client } = await opened()
  await client.createCollection('things', { dimension: 1 })
  await client.insertVectors('things', [{ id: 'a', data: [1] }])
  const deceived = jest.spyOn(MilvusClient.prototype, 'deleteEntities').mockImplementation(async () => {
    return wrong({ status: { error_code: 'Success', code: 0 } })
  })
  const error = await rejection(client.batchDelete('things', ['a']))
  deceived.mockRestore()
  expect(error.code).toBe('PARTIAL_WRITE')
  expect(error.message).toContain('the engine still has 1 of 1 vectors')
  const { report } = error as unknown as { report: DeleteReport }
  expect(report).toMatchObject({ deleted: 0, failed: 1 })
})

test('what was deleted is not reported as left where the look at it is refused', async () => {
  const { client } = await opened()
  await client.createCollection('things', { dimension: 1 })
  await client.insertVectors('things', [{ id: 'a', data: [1] }])
  const query = MilvusClient.prototype.query
  let looks = 0
  const refusing = jest.spyOn(MilvusClient.prototype, 'query').mockImplementation(async function (
    this: MilvusClient,
    request,
  ) {
    looks += 1
    if (looks === 2) return wrong({ status: { error_code: 'UnexpectedError', code: 1, reason: 'no' } })
    return query.call(this, request)
  })
  const error = await rejection(client.batchDelete('things', ['a']))
  refusing.mockRestore()
  expect(error).toMatchObject({ code: 'PARTIAL_WRITE', unknown: ['a'] })
  const { report } = error as unknown as { report: DeleteReport }
  expect(report.results[0].error).toMatch(/^it is not known whether it was deleted/)
  expect(await client.count('things')).toBe(0)
})

test('an engine that lists in another order than that of keys is not trusted with a filter', async () => {
  const { client } = await opened()
  await client.createCollection('things', { dimension: 1 })
  await client.insertVectors('things', [
    { id: 'a', data: [1] },
    { id: 'b', data: [1] },
  ])
  const query = MilvusClient.prototype.query
  const shuffled = jest.spyOn(MilvusClient.prototype, 'query').mockImplementation(async function (
    this: MilvusClient,
    request,
  ) {
    const answer = await query.call(this, request)
    return { ...answer, data: answer.data.reverse() }
  })
  const error = await rejection(client.deleteByFilter('things', { x: { $exists: false } }))
  shuffled.mockRestore()
  expect(error.message).toContain('another order')
  expect(await client.count('things')).toBe(2)
})
