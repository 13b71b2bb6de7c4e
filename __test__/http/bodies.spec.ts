// Bodies that the document refuses are refused, and change nothing.
import { everything, idsOf } from '../support/collections'
import { refusal, serving, servingThings } from '../support/http'

const INVALID = { status: 400, code: 'VALIDATION_ERROR' }

test.each<[string, unknown]>([
  ['delete_by_filter', [{ name: 'a' }, null, null]],
  ['delete_by_filter', [{ name: 'a' }, false, false]],
  ['vectors/delete_by_filter', [{ name: 'a' }, null, null]],
  ['batch_delete', [['a'], null]],
  ['verify_erased', [['a']]],
  ['insert', ['new', null, [1, 2], null]],
  ['batch_insert', [[{ id: 'new', vector: [1, 2] }]]],
  ['batch_insert', { vectors: [['new', null, [1, 2], null]] }],
  ['search', ['text', null, 1, { name: 'a' }, null, null, null, null]],
  ['search/text', ['text', 1, { name: 'a' }, null, null, null, null]],
  ['scan', [{ name: 'a' }, null, null, 1, null]],
  ['ttl', [1]],
  ['replace', [{ name: 'a' }, [], null, null, null, null, null]],
  ['replace', { filter: { name: 'a' }, vectors: [['a', [1, 2], { name: 'a' }, null]] }],
  ['replace', { filter: { name: 'a' }, texts: [['a', 'text', { name: 'a' }]] }],
  ['batch_update', [[{ id: 'a', metadata: {} }]]],
  ['batch_update', { updates: [['a', null, [1, 2], null, null]] }],
  ['vectors/bulk_update_metadata', [{ name: 'a' }, { n: 1 }, null, null, null]],
  ['vectors/move', ['others', ['a'], null, null, null, null, null, null]],
  ['vectors/copy', ['others', ['a'], null, null, null, null, null]],
  ['undelete', [['a'], null]],
  ['purge', [null, null, true, null, null]],
  ['rename', ['new']],
  ['reindex', [8, 50, 40]],
])('a list in place of an object is refused by %s: %j', async (route, body) => {
  const { client, ask } = await servingThings(['a', 'b'])
  const before = await everything(client)
  const answer = await ask('POST', `/collections/things/${route}`, body)
  expect(refusal(answer)).toStrictEqual(INVALID)
  expect(answer.json.message).toMatch(/^body.*: invalid type: sequence, expected an object$/)
  expect(await everything(client)).toStrictEqual(before)
})

test.each<[string, string, unknown]>([
  ['POST', '/batch_delete', ['things', ['a'], null]],
  ['POST', '/insert_texts', { collection: 'things', texts: [['new', 'text', null]] }],
  ['POST', '/insert_vectors', { collection: 'things', vectors: [['new', [1, 2], null]] }],
  ['POST', '/update', ['things', 'a', null, [3, 4], null]],
  ['PUT', '/collections/things/vectors/a', [null, [3, 4], null]],
  ['PATCH', '/collections/things/vectors/a/expiry', [1]],
  ['PUT', '/qdrant/collections/things/points', { points: [[1, [1, 2], null]] }],
  ['POST', '/qdrant/collections/things/points/delete', [['a'], null, null]],
  ['POST', '/collections', { name: 'new', dimension: 2, hnsw: [16, 100, 80] }],
  ['POST', '/embed', ['text', null, 2]],
  ['POST', '/forget', [{ name: 'a' }, null, null, null, null, null, null]],
  ['PUT', '/collections/things', ['a text']],
])('a list in place of an object is refused by %s %s: %j', async (method, path, body) => {
  const { client, ask } = await servingThings(['a', 'b'])
  const before = await everything(client)
  expect(refusal(await ask(method, path, body))).toStrictEqual(INVALID)
  expect(await everything(client)).toStrictEqual(before)
})

test.each<[string, unknown]>([
  ['/collections/things/delete_by_filter', { filter: { name: 'a' }, dry_run: null }],
  ['/collections/things/delete_by_filter', { filter: { name: 'a' }, receipt: null }],
  ['/collections/things/vectors/delete_by_filter', { filter: { name: 'a' }, dry_run: null }],
  ['/collections/things/batch_delete', { ids: ['a'], receipt: null }],
  ['/batch_delete', { collection: 'things', ids: ['a'], receipt: null }],
  ['/collections/things/delete_by_filter', { filter: { name: 'a' }, at_most: null }],
  ['/collections/things/batch_delete', { ids: ['a'], expect: null }],
  ['/batch_delete', { collection: 'things', ids: ['a'], at_most: null }],
  ['/collections/things/delete_by_filter', { filter: { name: 'a' }, dry_run: true, rows: null }],
  ['/collections/things/replace', { filter: { name: 'a' }, vectors: [], dry_run: null }],
  ['/collections/things/replace', { filter: { name: 'a' }, vectors: [], receipt: null }],
  ['/collections/things/replace', { filter: { name: 'a' }, texts: [], at_most: null }],
  ['/collections/things/replace', { filter: { name: 'a' }, texts: [], expect: null }],
  ['/collections/things/vectors/bulk_update_metadata', { filter: { name: 'a' }, patch: {}, dry_run: null }],
  ['/collections/things/vectors/bulk_update_metadata', { filter: { name: 'a' }, patch: {}, at_most: null }],
  ['/collections/things/vectors/move', { destination: 'others', ids: ['a'], dry_run: null }],
  ['/collections/things/vectors/move', { destination: 'others', ids: ['a'], receipt: null }],
  ['/collections/things/vectors/move', { destination: 'others', ids: ['a'], expect: null }],
  ['/collections/things/vectors/copy', { destination: 'others', ids: ['a'], dry_run: null }],
  ['/collections/things/vectors/copy', { destination: 'others', ids: ['a'], at_most: null }],
  ['/forget', { ids: ['a'], dry_run: null }],
  ['/forget', { filter: { name: 'a' }, expect: null }],
  ['/forget', { ids: ['a'], reason: null }],
  ['/batch_delete', { collection: 'things', ids: ['a'], reason: null }],
  ['/collections/things/batch_delete', { ids: ['a'], reason: null }],
  ['/collections/things/delete_by_filter', { filter: { name: 'a' }, reason: null }],
  ['/collections/things/vectors/delete_by_filter', { filter: { name: 'a' }, reason: null }],
  ['/collections/things/replace', { filter: { name: 'a' }, vectors: [], reason: null }],
  ['/collections/things/vectors/move', { destination: 'others', ids: ['a'], reason: null }],
  ['/collections/things/delete_by_filter', { filter: { name: 'a' }, undo: null }],
  ['/collections/things/vectors/delete_by_filter', { filter: { name: 'a' }, undo: null }],
  ['/collections/things/batch_delete', { ids: ['a'], undo: null }],
  ['/collections/things/replace', { filter: { name: 'a' }, vectors: [], undo: null }],
  ['/collections/things/purge', { all: true, receipt: null }],
  ['/collections/things/purge', { all: true, reason: null }],
])('null is no option of a delete or of a change by %s: %j', async (path, body) => {
  const { client, ask } = await servingThings(['a', 'b'])
  const answer = await ask('POST', path, body)
  expect(refusal(answer)).toStrictEqual(INVALID)
  expect(answer.json.message).toMatch(
    /^body\.((dry_run|rows|receipt|reason|at_most|expect): invalid type: null|undo: it must be a whole)/,
  )
  expect(await idsOf(client)).toStrictEqual(['a', 'b'])
})

test('the document allows null where it is taken, and nowhere else', async () => {
  const { ask } = await serving()
  const { schemas } = (await ask('GET', '/openapi.json')).json.components
  const deletes = ['ByFilter', 'Ids', 'IdsOfCollection', 'ReplaceRequest', 'ForgetRequest', 'PurgeRequest']
  for (const name of [...deletes, 'PatchRequest', 'MoveRequest', 'CopyRequest']) {
    const { properties, required = [] } = schemas[name]
    for (const option of ['dry_run', 'receipt', 'overwrite'].filter((option) => option in properties)) {
      expect(properties[option]).toMatchObject({ type: 'boolean', default: false })
      expect(required).not.toContain(option)
    }
    if (name.startsWith('Patch') || name.startsWith('Copy')) continue
    expect(properties.reason).toMatchObject({ type: 'string', minLength: 1, maxLength: 1000 })
    expect(required).not.toContain('reason')
  }
})

describe("how Qdrant's clients say that a write is to be waited for", () => {
  const point = { points: [{ id: 'new', vector: [1, 2] }] }

  test.each(['wait=true', 'wait=false', 'ordering=weak', 'ordering=strong&wait=true'])(
    '?%s changes nothing',
    async (query) => {
      const { client, ask } = await servingThings(['a'])
      const points = '/qdrant/collections/things/points'
      expect((await ask('PUT', `${points}?${query}`, point)).status).toBe(200)
      expect(await idsOf(client)).toStrictEqual(['a', 'new'])
      const done = await ask('POST', `${points}/delete?${query}`, { points: ['a'] })
      expect(done.json).toMatchObject({ result: { status: 'completed' }, status: 'ok' })
      expect(await idsOf(client)).toStrictEqual(['new'])
    },
  )

  test.each(['wait=yes', 'ordering=soon', 'wait=true&b', 'wait=true&wait=true'])(
    '?%s is refused, and nothing happens',
    async (query) => {
      const { client, ask } = await servingThings(['a'])
      const points = '/qdrant/collections/things/points'
      for (const [method, path, body] of [
        ['PUT', points, point],
        ['POST', `${points}/delete`, { points: ['a'] }],
      ] as const) {
        expect(refusal(await ask(method, `${path}?${query}`, body))).toStrictEqual(INVALID)
      }
      expect(await idsOf(client)).toStrictEqual(['a'])
    },
  )

  test('is unknown to every other route', async () => {
    const { client, ask } = await servingThings(['a'])
    for (const [method, path, body] of [
      ['DELETE', '/collections/things/vectors/a', undefined],
      ['POST', '/collections/things/batch_delete', { ids: ['a'] }],
      ['POST', '/collections/things/insert', { id: 'b', vector: [1, 2] }],
    ] as const) {
      expect(refusal(await ask(method, `${path}?wait=true`, body))).toStrictEqual(INVALID)
    }
    expect(await idsOf(client)).toStrictEqual(['a'])
  })
})
