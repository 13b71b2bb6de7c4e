// What every answer has, errors above all.
import * as module from '../..'
import { directory } from '../support/disk'
import { refusal, serving, servingThings } from '../support/http'

const INSERT = '/collections/things/insert'
const A = '/collections/things/vectors/a'

/** What JavaScript is offered, by name. */
const offered = [...Object.keys(module), ...Object.getOwnPropertyNames(module.VectorizerClient.prototype)]

describe('an answer', () => {
  test.each([
    ['a route that does not exist', 'GET', '/', 404, 'NOT_FOUND'],
    ['a route that does not exist, below one', 'POST', '/collections/things/delete', 404, 'NOT_FOUND'],
    ['a collection that does not exist', 'GET', '/collections/nowhere', 404, 'COLLECTION_NOT_FOUND'],
    ['a vector that does not exist', 'GET', '/collections/things/vectors/none', 404, 'VECTOR_NOT_FOUND'],
    ['a parameter that does not exist', 'GET', '/health?x', 400, 'VALIDATION_ERROR'],
    ['a parameter that is wrong', 'GET', '/collections/things/vectors?limit=0', 400, 'VALIDATION_ERROR'],
    ['a parameter that is no number', 'GET', '/collections/things/vectors?limit=x', 400, 'VALIDATION_ERROR'],
    ['a parameter that is negative', 'GET', '/collections/things/vectors?offset=-1', 400, 'VALIDATION_ERROR'],
    [
      'a parameter that is there twice',
      'GET',
      '/collections/things/vectors?limit=1&limit=2',
      400,
      'VALIDATION_ERROR',
    ],
    ['a body that is missing', 'POST', INSERT, 415, 'UNSUPPORTED_MEDIA_TYPE'],
  ])('to %s is an error in JSON', async (_, method, path, status, code) => {
    const { ask } = await servingThings(['a'])
    expect(refusal(await ask(method, path))).toStrictEqual({ status, code })
  })

  test.each([
    ['DELETE', '/health', 'GET,HEAD'],
    ['DELETE', '/collections', 'GET,HEAD,POST'],
    ['POST', '/collections/things', 'DELETE,GET,HEAD,PUT'],
    ['POST', '/collections/empty', 'DELETE,GET,HEAD,PUT'],
    ['PATCH', '/collections/cleanup', 'DELETE,GET,HEAD,PUT'],
    ['BREW', '/collections/things/vectors/move', 'DELETE,GET,HEAD,PATCH,POST,PUT'],
    ['GET', '/collections/things/rename', 'POST'],
    ['DELETE', '/forget', 'POST'],
    ['POST', '/ledger', 'GET,HEAD'],
    ['DELETE', '/deleted', 'GET,HEAD'],
    ['POST', '/collections/things/deleted', 'GET,HEAD'],
    ['GET', '/collections/things/undelete', 'POST'],
    ['DELETE', '/collections/things/purge', 'POST'],
    ['POST', A, 'DELETE,GET,HEAD,PATCH,PUT'],
    ['PUT', `${A}/expiry`, 'PATCH'],
    ['GET', '/collections/things/ttl', 'POST'],
    ['GET', '/collections/things/batch_delete', 'POST'],
    ['GET', '/search', 'POST'],
    ['OPTIONS', '/collections/things/delete_by_filter', 'POST'],
    ['TRACE', '/stats', 'GET,HEAD'],
    ['BREW', '/metrics', 'GET,HEAD'],
  ])('to %s %s tells which methods there are', async (method, path, allowed) => {
    const { ask } = await servingThings(['a'])
    const answer = await ask(method, path)
    expect(refusal(answer)).toStrictEqual({ status: 405, code: 'METHOD_NOT_ALLOWED' })
    expect(answer.headers.allow?.split(/, ?/).sort().join()).toBe(allowed)
  })

  const long = 'x'.repeat(100_000)
  test.each<[string, string, unknown]>([
    ['an unknown key', '/collections/things/batch_delete', { [long]: 1 }],
    ['a value of the wrong kind', '/collections/things/batch_delete', { ids: long }],
    ['a collection’s name', '/collections', { name: long, dimension: 2 }],
    ['a metric', '/collections', { name: 'a', dimension: 2, metric: long }],
    ['an id', INSERT, { id: long, vector: [1, 2] }],
    ['a time', INSERT, { vector: [1, 2], expires_at: long }],
    ['a model', '/embed', { text: 'a', model: long }],
    ['a field of a filter', '/collections/things/delete_by_filter', { filter: { [long]: {} } }],
    ['an operator', '/collections/things/delete_by_filter', { filter: { [`$${long}`]: 1 } }],
    ['a description', '/collections', { name: 'a', dimension: 2, description: long }],
    ['a new name', '/collections/things/rename', { new_name: long }],
    ['a reason', '/forget', { ids: ['a'], reason: long }],
    ['a reason of another delete', '/collections/things/batch_delete', { ids: ['a'], reason: long }],
    ['a period', '/collections/things/batch_delete', { ids: ['a'], undo: long }],
    ['a token', '/collections/things/undelete', { token: long }],
    ['a key of an update', '/collections/things/batch_update', { updates: [{ id: 'a', [long]: 1 }] }],
    ['a patch', '/collections/things/vectors/bulk_update_metadata', { filter: { a: 1 }, patch: long }],
  ])('to %s that is wrong at length is short', async (_, path, body) => {
    const { ask } = await servingThings()
    const answer = await ask('POST', path, body)
    expect(refusal(answer)).toStrictEqual({ status: 400, code: 'VALIDATION_ERROR' })
    expect(answer.json.message.length).toBeLessThan(1000)
  })

  test('that tells of a mistake names no call of JavaScript', async () => {
    const { client, ask } = await servingThings(['a'])
    const { ask: askOther } = await serving({ backups: directory() })
    const filters = [
      ...[
        {},
        [],
        { a: {} },
        { a: [] },
        { a: { b: 1 } },
        { $nor: [] },
        { a: { $gt: null } },
        { a: { $lte2: 1 } },
      ],
      ...[{ must: [] }, { must: [{}] }, { must: [{ key: 'a' }] }, { a: { $date: 'x' } }, { 'a..b': 1 }],
      ...[{ must: [{ key: 'a', range: { gt: true } }] }, { a: { $exists: 1 } }, { a: 1, must: [] }],
    ]
    const nowhere = '/collections/nowhere'
    const answers = await Promise.all([
      ...filters.map((filter) => ask('POST', '/collections/things/delete_by_filter', { filter })),
      ...['', '/vectors', '/vectors/a'].map((path) => ask('GET', nowhere + path)),
      ...['', '/vectors/a'].map((path) => ask('DELETE', nowhere + path)),
      ask('POST', `${nowhere}/insert`, { vector: [1] }),
      ask('POST', `${nowhere}/search`, { vector: [1] }),
      ask('POST', `${nowhere}/delete_by_filter`, { filter: { a: 1 } }),
      ask('POST', `${nowhere}/batch_delete`, { ids: ['a'] }),
      ask('POST', `${nowhere}/optimize`),
      ask('GET', '/collections/things/vectors/nobody'),
      ask('GET', '/collections/things/vectors?limit=0'),
      ask('POST', '/collections', { name: 'things', dimension: 2 }),
      ask('POST', '/collections', { name: '', dimension: 2 }),
      ask('POST', '/collections', { name: 'new', dimension: 0 }),
      ask('POST', '/collections', { name: 'new', dimension: 2, metric: 'far' }),
      ask('POST', '/collections', { name: 'new', dimension: 2, hnsw: { m: 1 } }),
      ask('POST', INSERT, { vector: [1, 2, 3] }),
      ask('POST', INSERT, { vector: [0, 0] }),
      ask('POST', INSERT, { vector: [1, 1e39] }),
      ask('POST', INSERT, { vector: [1, 2], unknown: 1 }),
      ask('POST', INSERT, { id: '', vector: [1, 2] }),
      ask('POST', '/collections/things/search', { vector: [1, 2], limit: 0 }),
      ask('POST', '/collections/things/search', { vector: [1, 2], ef_search: 0 }),
      ask('POST', '/collections/things/search', { vector: [1, 2], embedder: 1 }),
      ask('POST', '/collections/things/scan', { cursor: 'x' }),
      ask('POST', '/collections/things/scan', { limit: 0 }),
      ask('POST', `${nowhere}/scan`, {}),
      ask('PUT', A, {}),
      ask('PUT', A, { expires_at: -1 }),
      ask('PATCH', `${A}/expiry`, { expires_at: 'soon' }),
      ask('PATCH', `${A}/expiry`, {}),
      ask('PATCH', '/collections/things/vectors/nobody/expiry', { expires_at: 1 }),
      ask('PATCH', `${nowhere}/vectors/a/expiry`, { expires_at: 1 }),
      ask('POST', '/collections/things/ttl', { ttl_secs: 0 }),
      ask('POST', `${nowhere}/ttl`, { ttl_secs: 1 }),
      ask('POST', '/expiry/resume?x'),
      ask('POST', '/collections/things/batch_update', { updates: [{ id: 'a' }] }),
      ask('POST', '/collections/things/batch_update', { updates: [{ id: 'a', vector: [1] }] }),
      ask('POST', `${nowhere}/batch_update`, { updates: [{ id: 'a', metadata: {} }] }),
      ask('POST', '/collections/things/vectors/bulk_update_metadata', { filter: {}, patch: {} }),
      ask('POST', '/collections/things/vectors/bulk_update_metadata', { filter: { a: 1 }, patch: [] }),
      ask('POST', `${nowhere}/vectors/bulk_update_metadata`, { filter: { a: 1 }, patch: {} }),
      ...['move', 'copy'].flatMap((route) => [
        ask('POST', `/collections/things/vectors/${route}`, { destination: 'things', ids: ['a'] }),
        ask('POST', `/collections/things/vectors/${route}`, { destination: 'nowhere', ids: ['a'] }),
        ask('POST', `/collections/things/vectors/${route}`, { destination: 'nowhere' }),
        ask('POST', `${nowhere}/vectors/${route}`, { destination: 'things', ids: ['a'] }),
      ]),
      ask('POST', '/forget', {}),
      ask('POST', '/forget', { ids: ['a'], reason: '' }),
      ask('POST', '/forget', { ids: ['a'], collections: ['nowhere'] }),
      ask('GET', '/ledger?x'),
      ask('POST', '/collections/things/batch_delete', { ids: ['a'], reason: '' }),
      ask('POST', '/collections/things/vectors/move', { destination: 'x', ids: ['a'], reason: 7 }),
      ...['', '/vectors/a'].map((path) => ask('DELETE', `/collections/things${path}?reason=`)),
      ask('DELETE', `${A}?reason=${'x'.repeat(1001)}`),
      ask('POST', '/collections/things/batch_delete', { ids: ['a'], undo: '1h', receipt: true }),
      ask('POST', '/collections/things/batch_delete', { ids: ['a'], undo: '0h' }),
      ask('DELETE', `${A}?undo=1h&receipt=true`),
      ask('DELETE', '/collections/things?undo=x'),
      ask('GET', '/deleted?x'),
      ask('GET', '/collections/things/deleted?limit=0'),
      ask('GET', `${nowhere}/deleted`),
      ...['undelete', 'purge'].flatMap((route) => [
        ask('POST', `/collections/things/${route}`, {}),
        ask('POST', `/collections/things/${route}`, { ids: ['a'], token: 'x' }),
        ask('POST', `/collections/things/${route}`, { token: 'x' }),
        ask('POST', `${nowhere}/${route}`, { ids: ['a'] }),
      ]),
      ask('POST', '/collections/things/purge', { all: false }),
      ask('PUT', '/collections/things', {}),
      ask('PUT', '/collections/things', { description: '' }),
      ask('PUT', nowhere, { description: 'a text' }),
      ask('POST', '/collections/things/rename', { new_name: '' }),
      ask('POST', `${nowhere}/rename`, { new_name: 'new' }),
      ask('POST', '/collections/things/reindex', { m: 1 }),
      ask('POST', `${nowhere}/reindex`, {}),
      ask('DELETE', '/collections/cleanup'),
      ask('DELETE', '/collections/cleanup?dry_run=false&receipt=true'),
      ask('POST', '/backups', {}),
      ask('POST', '/backups/keys'),
      ask('POST', '/keys/rotate'),
      askOther('POST', '/backups', { keys: 'apart' }),
      askOther('POST', '/backups', { collections: ['nowhere'] }),
      askOther('POST', '/backups/keys'),
    ])
    await client.deleteCollection('things')
    const messages = answers.map((answer) => {
      refusal(answer)
      return answer.json.message
    })
    const names = new RegExp(
      `\\b(${offered.filter((name) => /[A-Z]/.test(name)).join('|')})\\b|\\w\\(|options\\.`,
    )
    expect(messages.filter((message) => names.test(message))).toStrictEqual([])
    expect(messages).toContain("collection 'nowhere' does not exist: create it first, or check the name")
    const strange = messages.find((message) => message.includes('`embedder`')) as string
    expect(strange).toMatch(
      /^body\.embedder: unknown field `embedder`, expected one of `query`, `vector`, `limit`, `filter`/,
    )
    expect(strange.match(/`embedder`|`signal`|`onProgress`/g)).toHaveLength(1)
  })

  test('to HEAD is that to GET without its body', async () => {
    const { ask } = await servingThings(['a'])
    const paths = [
      '/collections/things',
      A,
      '/collections/things/vectors/none',
      '/ledger',
      '/deleted',
      '/openapi.json',
    ]
    for (const path of paths) {
      const [head, get] = [await ask('HEAD', path), await ask('GET', path)]
      expect(head.status).toBe(get.status)
      expect(head.headers).toMatchObject({
        'content-type': get.headers['content-type'],
        'content-length': get.headers['content-length'],
      })
      expect(head.text).toBe('')
    }
  })

  test('tells its length, its time and its kind, and nothing of what serves it', async () => {
    const { ask } = await servingThings(['a'])
    const { headers, text } = await ask('GET', A)
    const { connection: _, ...rest } = headers
    expect(rest).toStrictEqual({
      'cache-control': 'no-store',
      'content-type': 'application/json',
      'content-length': `${text.length}`,
      date: expect.any(String),
    })
  })
})
