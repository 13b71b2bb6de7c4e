// Deletes over HTTP that can be undone, and the routes about what waits.
import { join } from 'node:path'
import { verifyReceipt } from '../..'
import { everything, idsOf } from '../support/collections'
import { directory } from '../support/disk'
import { type Ask, commandServing, refusal, serving, servingThings } from '../support/http'

const INVALID = { status: 400, code: 'VALIDATION_ERROR' }
const NOWHERE = { status: 404, code: 'COLLECTION_NOT_FOUND' }
const TAKEN = { status: 409, code: 'COLLECTION_EXISTS' }

const at = '/collections/things'
const DAY = 24 * 3_600_000
const UNDO = { token: expect.stringMatching(/./), until: expect.any(Number) }

type Call = (ask: Ask, undo: string | number) => ReturnType<Ask>
const inQuery = (undo: string | number) => `undo=${encodeURIComponent(undo)}`
/** Every way to delete the vector `b`, and no other one. */
const DELETES: [string, Call][] = [
  ['DELETE .../vectors/b', (ask, undo) => ask('DELETE', `${at}/vectors/b?${inQuery(undo)}`)],
  ...(
    [
      [`${at}/batch_delete`, { ids: ['b', 'nobody'] }],
      [`${at}/delete_by_filter`, { filter: { name: 'b' } }],
      [`${at}/vectors/delete_by_filter`, { filter: { name: 'b' } }],
      [`${at}/replace`, { filter: { name: 'b' }, vectors: [] }],
      [`${at}/replace`, { filter: { name: 'b' }, texts: [] }],
    ] as const
  ).map(([path, body]): [string, Call] => [
    `POST ${path} ${JSON.stringify(body)}`,
    (ask, undo) => ask('POST', path, { ...body, undo }),
  ]),
]
const OF_COLLECTION: [string, Call] = [
  'DELETE /collections/things',
  (ask, undo) => ask('DELETE', `${at}?${inQuery(undo)}`),
]

/** The JSON of an answer that is a success. */
async function told(asked: ReturnType<Ask>) {
  const { status, json } = await asked
  expect({ status, json }).toStrictEqual({ status: 200, json })
  return json
}

const listed = (ask: Ask, query = '') => told(ask('GET', `${at}/deleted${query}`))
const undelete = (ask: Ask, body: object) => ask('POST', `${at}/undelete`, body)
const purge = (ask: Ask, body: object) => ask('POST', `${at}/purge`, body)
const statuses = ({ results }: { results: { id: string; status: string }[] }) =>
  results.map(({ id, status }) => `${id}: ${status}`)
const idsIn = ({ vectors }: { vectors: { id: string }[] }) => vectors.map(({ id }) => id)

const NOTHING = { collections: [], vectors: [], total: 0 }

describe('a delete with undo', () => {
  test.each(DELETES)('hides what it deletes, until it is undone: %s', async (_, call) => {
    const { client, ask } = await servingThings(['a', 'b', 'c'])
    const vector = await told(ask('GET', `${at}/vectors/b`))
    const before = Date.now()
    const { undo, receipt } = await told(call(ask, '24h'))
    const after = Date.now()
    expect(undo).toStrictEqual(UNDO)
    expect(receipt).toBeUndefined()
    expect(undo.until).toBeGreaterThanOrEqual(before + DAY)
    expect(undo.until).toBeLessThanOrEqual(after + DAY)

    expect((await ask('GET', `${at}/vectors/b`)).status).toBe(404)
    expect(await idsOf(client)).toStrictEqual(['a', 'c'])
    expect(await told(ask('GET', at))).toMatchObject({ vector_count: 2, undoable: 1 })
    expect(await listed(ask)).toStrictEqual({
      collections: [],
      vectors: [{ id: 'b', metadata: { place: 1, name: 'b' }, ...undo, deleted_at: undo.until - DAY }],
      total: 1,
    })
    const check = await told(ask('POST', `${at}/verify_erased`, { ids: ['b'] }))
    const reason = expect.stringContaining('can be undeleted')
    expect(check).toMatchObject({ verified: false, residues: [{ id: 'b', file: null, reason }] })

    expect(await told(undelete(ask, { token: undo.token }))).toStrictEqual({
      collection: 'things',
      undeleted: 1,
      results: [{ id: 'b', status: 'undeleted' }],
    })
    expect(await told(ask('GET', `${at}/vectors/b`))).toStrictEqual(vector)
    expect(await told(ask('GET', at))).toMatchObject({ vector_count: 3, undoable: 0 })
    expect(await listed(ask)).toStrictEqual(NOTHING)
  })

  test.each(DELETES)('is undone by the id as well, once: %s', async (_, call) => {
    const { client, ask } = await servingThings(['a', 'b', 'c'])
    await told(call(ask, 60_000))
    expect(statuses(await told(undelete(ask, { ids: ['b', 'a', 'b'] })))).toStrictEqual([
      'b: undeleted',
      'a: not_found',
      'b: repeated',
    ])
    expect((await idsOf(client)).sort()).toStrictEqual(['a', 'b', 'c'])
    expect(statuses(await told(undelete(ask, { ids: ['b'] })))).toStrictEqual(['b: not_found'])
  })

  test.each([...DELETES, OF_COLLECTION])('takes periods, and no others: %s', async (_, call) => {
    const { client, ask } = await servingThings(['a', 'b', 'c'])
    const before = await everything(client)
    for (const wrong of [
      '',
      'h',
      '24 h',
      '24H',
      '1.5h',
      '-1h',
      '999',
      '999ms',
      '0d',
      '3654d',
      '9'.repeat(30),
    ]) {
      const answer = await call(ask, wrong)
      expect([wrong, refusal(answer)]).toStrictEqual([wrong, INVALID])
      expect(answer.json.message).toMatch(/^(body|query)\.undo: it must be a whole number of milliseconds/)
    }
    expect(await everything(client)).toStrictEqual(before)
    expect(await listed(ask)).toStrictEqual(NOTHING)
    const periods = { '1s': 1000, '1500ms': 1500, '90m': 90 * 60_000, '7d': 7 * DAY, '3653d': 3653 * DAY }
    for (const [undo, milliseconds] of [...Object.entries(periods), [5000, 5000]] as [string, number][]) {
      const from = Date.now()
      const { until, token } = (await told(call(ask, undo))).undo
      expect(until).toBeGreaterThanOrEqual(from + milliseconds)
      expect(until).toBeLessThanOrEqual(Date.now() + milliseconds)
      // What waits for a second may be gone already.
      if (milliseconds > 2000) await told(undelete(ask, { token }))
      else await ask('POST', '/collections', { name: 'things', dimension: 2 })
      await ask('POST', `${at}/insert`, { id: 'b', vector: [1, 1], metadata: { name: 'b' } })
    }
  })

  test('is no text, list, or null in a body, and no two in a query', async () => {
    const { client, ask } = await servingThings(['a', 'b'])
    for (const undo of [null, true, 999, 1000.5, -1, 1e300, ['24h'], { hours: 1 }]) {
      const answer = await ask('POST', `${at}/batch_delete`, { ids: ['b'], undo })
      expect([undo, refusal(answer)]).toStrictEqual([undo, INVALID])
      expect(answer.json.message).toMatch(/^body\.undo: /)
    }
    for (const path of [at, `${at}/vectors/b`]) {
      for (const query of ['undo', 'undo=24h&undo=24h', 'Undo=24h']) {
        expect(refusal(await ask('DELETE', `${path}?${query}`))).toStrictEqual(INVALID)
      }
    }
    expect(await idsOf(client)).toStrictEqual(['a', 'b'])
  })

  test('is not taken by the routes for other clients, nor by those that do not delete', async () => {
    const { client, ask } = await servingThings(['a', 'b'])
    await client.createCollection('others', { dimension: 2 })
    const undo = '24h'
    const bodies: [string, object][] = [
      ['/batch_delete', { collection: 'things', ids: ['b'] }],
      ['/qdrant/collections/things/points/delete', { points: ['b'] }],
      [`${at}/vectors/move`, { destination: 'others', ids: ['b'] }],
      [`${at}/vectors/copy`, { destination: 'others', ids: ['b'] }],
      ['/forget', { ids: ['b'] }],
      [`${at}/undelete`, { ids: ['b'] }],
      [`${at}/purge`, { ids: ['b'] }],
    ]
    for (const [path, body] of bodies) {
      const answer = await ask('POST', path, { ...body, undo })
      expect([path, refusal(answer)]).toStrictEqual([path, INVALID])
      const inQuery = await ask('POST', `${path}?undo=24h`, body)
      expect([path, refusal(inQuery)]).toStrictEqual([path, INVALID])
    }
    const cleanup = await ask('DELETE', '/collections/cleanup?dry_run=false&undo=24h')
    expect(refusal(cleanup)).toStrictEqual(INVALID)
    expect(await idsOf(client)).toStrictEqual(['a', 'b'])
    expect(await client.listCollections()).toHaveLength(2)
  })

  test('goes with no receipt', async () => {
    const { client, ask } = await servingThings(['a', 'b'])
    const posts: [string, object][] = [
      [`${at}/batch_delete`, { ids: ['b'] }],
      [`${at}/delete_by_filter`, { filter: { name: 'b' } }],
      [`${at}/vectors/delete_by_filter`, { filter: { name: 'b' } }],
      [`${at}/replace`, { filter: { name: 'b' }, vectors: [] }],
    ]
    const answers = [
      ...posts.map(([path, body]) => ask('POST', path, { ...body, undo: '1h', receipt: true })),
      ...[at, `${at}/vectors/b`].map((path) => ask('DELETE', `${path}?undo=1h&receipt=true`)),
    ]
    for (const answer of await Promise.all(answers)) {
      expect(refusal(answer)).toStrictEqual(INVALID)
      expect(answer.json.message).toMatch(/^(body|query)\.undo .*receipt/)
    }
    expect(await idsOf(client)).toStrictEqual(['a', 'b'])
    await told(ask('DELETE', `${at}/vectors/b?undo=1h&receipt=false`))
  })

  test('that deletes nothing has nothing to undo', async () => {
    const { ask } = await servingThings(['a', 'b'])
    const by = `${at}/delete_by_filter`
    const undo = '1h'
    for (const answer of [
      await told(ask('POST', `${at}/batch_delete`, { ids: ['nobody'], undo })),
      await told(ask('POST', by, { filter: { name: 'nobody' }, undo })),
      await told(ask('POST', by, { filter: { name: 'b' }, undo, dry_run: true })),
      await told(ask('POST', `${at}/replace`, { filter: { name: 'nobody' }, vectors: [], undo })),
    ]) {
      expect(answer).not.toHaveProperty('undo')
    }
    const refused = await ask('POST', by, { filter: { name: ['a', 'b'] }, undo, at_most: 1 })
    expect(refusal(refused)).toMatchObject({ status: 409, code: 'TOO_MANY_MATCHES' })
    expect((await ask('DELETE', `${at}/vectors/nobody?undo=1h`)).status).toBe(404)
    expect(refusal(await ask('DELETE', '/collections/nowhere?undo=1h'))).toStrictEqual(NOWHERE)
    expect(await listed(ask)).toStrictEqual(NOTHING)
  })

  test('is over when its time is over', async () => {
    const { ask } = await servingThings(['a', 'b'])
    const { undo } = await told(ask('DELETE', `${at}/vectors/b?undo=1s`))
    while ((await listed(ask)).total > 0);
    expect(Date.now()).toBeGreaterThanOrEqual(undo.until)
    expect(refusal(await undelete(ask, { token: undo.token }))).toStrictEqual(INVALID)
    expect(statuses(await told(undelete(ask, { ids: ['b'] })))).toStrictEqual(['b: not_found'])
  })

  test('is found by forget, which is final', async () => {
    const { ask } = await servingThings(['a', 'b'])
    const { undo } = await told(ask('DELETE', `${at}/vectors/b?undo=1h`))
    const { deleted, collections } = await told(ask('POST', '/forget', { ids: ['b'] }))
    expect({ deleted, collections }).toMatchObject({
      deleted: 1,
      collections: expect.arrayContaining([
        expect.objectContaining({ collection: 'things', matched: 1, ids: ['b'], undoable: true }),
      ]),
    })
    expect(refusal(await undelete(ask, { token: undo.token }))).toStrictEqual(INVALID)
    expect(await listed(ask)).toStrictEqual(NOTHING)
  })
})

describe('what waits', () => {
  test('is listed in the order of the deletes, a part at a time', async () => {
    const ids = Array.from({ length: 105 }, (_, i) => `v${i}`)
    const { ask } = await servingThings(ids)
    const tokens: string[] = []
    for (const id of ['v3', 'v1', 'v2']) {
      tokens.push((await told(ask('DELETE', `${at}/vectors/${id}?undo=1h`))).undo.token)
    }
    const rest = ids.filter((id) => !['v1', 'v2', 'v3'].includes(id))
    const { undo } = await told(ask('POST', `${at}/batch_delete`, { ids: rest, undo: '2h' }))
    const order = ['v3', 'v1', 'v2', ...rest]
    const all = await listed(ask, '?limit=1000')
    expect(idsIn(all)).toStrictEqual(order)
    expect(all.vectors.map(({ token }: { token: string }) => token)).toStrictEqual([
      ...tokens,
      ...rest.map(() => undo.token),
    ])
    expect(new Set([...tokens, undo.token]).size).toBe(4)
    expect(idsIn(await listed(ask))).toStrictEqual(order.slice(0, 100))
    for (const [query, from, to] of [
      ['?offset=2', 2, 102],
      ['?offset=2&limit=1', 2, 3],
      ['?limit=4', 0, 4],
      ['?offset=104&limit=50', 104, 105],
      ['?offset=105', 105, 105],
      [`?offset=${Number.MAX_SAFE_INTEGER}`, 105, 105],
    ] as const) {
      const part = await listed(ask, query)
      expect([query, idsIn(part), part.total]).toStrictEqual([query, order.slice(from, to), 105])
    }
    // Without a collection, only collections are listed.
    expect(await told(ask('GET', '/deleted'))).toStrictEqual(NOTHING)
  })

  test.each([
    '?limit=0',
    '?limit=1001',
    '?limit=-1',
    '?limit=1.5',
    '?limit=',
    '?limit=x',
    '?offset=-1',
    '?offset=x',
    '?offset=1&offset=1',
    '?ids=a',
    '?x',
  ])('is not listed with the query %s', async (query) => {
    const { ask } = await servingThings(['a'])
    expect(refusal(await ask('GET', `${at}/deleted${query}`))).toStrictEqual(INVALID)
    expect(refusal(await ask('GET', `/deleted${query}`))).toStrictEqual(INVALID)
  })

  test('is not overwritten, and does not overwrite', async () => {
    const { ask } = await servingThings(['a', 'b'])
    const undo = '1h'
    const { token } = (await told(ask('POST', `${at}/batch_delete`, { ids: ['a', 'b'], undo }))).undo
    await told(ask('POST', `${at}/insert`, { id: 'a', vector: [9, 9], metadata: { name: 'new' } }))
    expect(await told(undelete(ask, { token }))).toStrictEqual({
      collection: 'things',
      undeleted: 1,
      results: [
        { id: 'a', status: 'id_in_use' },
        { id: 'b', status: 'undeleted' },
      ],
    })
    expect((await told(ask('GET', `${at}/vectors/a`))).metadata).toStrictEqual({ name: 'new' })
    expect(idsIn(await listed(ask))).toStrictEqual(['a'])
    await told(ask('DELETE', `${at}/vectors/a`))
    expect(statuses(await told(undelete(ask, { ids: ['a'] })))).toStrictEqual(['a: undeleted'])
    expect((await told(ask('GET', `${at}/vectors/a`))).metadata).toStrictEqual({ name: 'a', place: 0 })
  })

  test.each<[string, unknown]>([
    ['nothing', {}],
    ['ids and a token', { ids: ['b'], token: 't' }],
    ['null ids', { ids: null }],
    ['a null token', { token: null }],
    ['null ids and a token', { ids: null, token: 't' }],
    ['one id', { ids: 'b' }],
    ['numbers', { ids: [1] }],
    ['a list of tokens', { token: ['t'] }],
    ['an unknown token', { token: '019b2f10-8a4e-7c30-9d2a-6f1e0c5b7a42' }],
    ['an empty token', { token: '' }],
    ['something unknown', { ids: ['b'], x: 1 }],
    ['a list', ['b']],
    ['all as false', { all: false }],
    ['all and ids', { all: true, ids: ['b'] }],
    ['all and a token', { all: true, token: 't' }],
    ['null for all', { all: null }],
  ])('is neither undeleted nor purged by %s', async (_, body) => {
    const { ask } = await servingThings(['a', 'b'])
    await told(ask('DELETE', `${at}/vectors/b?undo=1h`))
    for (const route of ['undelete', 'purge']) {
      const answer = await ask('POST', `${at}/${route}`, body)
      expect(refusal(answer)).toStrictEqual(INVALID)
    }
    expect(idsIn(await listed(ask))).toStrictEqual(['b'])
  })

  test('is of its collection: a token of another one is unknown', async () => {
    const { client, ask } = await servingThings(['a'])
    await client.createCollection('others', { dimension: 2 })
    const { token } = (await told(ask('DELETE', `${at}/vectors/a?undo=1h`))).undo
    for (const route of ['undelete', 'purge']) {
      const other = await ask('POST', `/collections/others/${route}`, { token })
      expect(refusal(other)).toStrictEqual(INVALID)
      for (const body of [{ token }, { ids: ['a'] }]) {
        const nowhere = await ask('POST', `/collections/nowhere/${route}`, body)
        expect(refusal(nowhere)).toStrictEqual(NOWHERE)
      }
    }
    expect(refusal(await ask('GET', '/collections/nowhere/deleted'))).toStrictEqual(NOWHERE)
    await told(undelete(ask, { token }))
  })
})

describe('a purge', () => {
  test('erases by ids, by a token, or all, and nothing is left of it', async () => {
    const { ask } = await servingThings(['a', 'b', 'c', 'd', 'e'])
    const undo = '1h'
    await told(ask('POST', `${at}/batch_delete`, { ids: ['a', 'b'], undo }))
    const { token } = (await told(ask('DELETE', `${at}/vectors/c?undo=1h`))).undo
    await told(ask('DELETE', `${at}/vectors/d?undo=1h`))
    expect(await told(purge(ask, { ids: ['a', 'e', 'a'] }))).toStrictEqual({
      collection: 'things',
      purged: 1,
      results: [
        { id: 'a', status: 'purged' },
        { id: 'e', status: 'not_found' },
        { id: 'a', status: 'repeated' },
      ],
    })
    expect(idsIn(await listed(ask))).toStrictEqual(['b', 'c', 'd'])
    expect(await told(purge(ask, { token }))).toMatchObject({ purged: 1, results: [] })
    expect(idsIn(await listed(ask))).toStrictEqual(['b', 'd'])
    expect(refusal(await purge(ask, { token }))).toStrictEqual(INVALID)
    expect(await told(purge(ask, { all: true }))).toStrictEqual({
      collection: 'things',
      purged: 2,
      results: [],
    })
    expect(await listed(ask)).toStrictEqual(NOTHING)
    expect(await told(purge(ask, { all: true }))).toMatchObject({ purged: 0 })
    const ids = ['a', 'b', 'c', 'd']
    expect(await told(ask('POST', `${at}/verify_erased`, { ids }))).toMatchObject({
      verified: true,
      residues: [],
    })
    expect(await told(ask('GET', at))).toMatchObject({ vector_count: 1, undoable: 0 })
  })

  test('gives a receipt that is in the ledger, with the reason', async () => {
    const path = join(directory(), 'store')
    const { client, ask } = await serving({}, { path, ledger: true })
    await client.createCollection('things', { dimension: 2 })
    const vectors = ['a', 'b', 'c'].map((id) => ({ id, vector: [1, 2], metadata: { name: id } }))
    await told(ask('POST', `${at}/batch_insert`, { vectors }))
    await told(ask('POST', `${at}/batch_delete`, { ids: ['a', 'b'], undo: '1h', reason: 'a clean-up' }))
    const reason = 'request 7 of "u1"\n😀'
    const one = (await told(purge(ask, { ids: ['a', 'nobody'], receipt: true, reason }))).receipt
    expect(one).toMatchObject({
      call: 'purgeDeleted',
      collection: 'things',
      requested: 2,
      deleted: 1,
      durable: true,
      reason,
    })
    const all = (await told(purge(ask, { all: true, receipt: true }))).receipt
    expect(all).toMatchObject({ call: 'purgeDeleted', collection: 'things', deleted: 1 })
    await told(ask('DELETE', `${at}?undo=1h`))
    const { collections } = await listed(ask)
    const body = { token: collections[0].token, receipt: true }
    const whole = (await told(purge(ask, body))).receipt
    expect(whole).toMatchObject({ call: 'purgeDeleted', collection: 'things', deleted: 1 })
    for (const receipt of [one, all, whole]) {
      const verified = { verified: true, problems: [] }
      expect(await verifyReceipt(receipt, { ledger: path })).toStrictEqual(verified)
    }
  })

  test.each(['', 'x'.repeat(1001), 7, null])('has no reason like %p', async (reason) => {
    const { ask } = await servingThings(['a'])
    await told(ask('DELETE', `${at}/vectors/a?undo=1h`))
    const answer = await purge(ask, { all: true, reason })
    expect(refusal(answer)).toStrictEqual(INVALID)
    expect(answer.json.message).toMatch(/^body\.reason/)
    expect(idsIn(await listed(ask))).toStrictEqual(['a'])
  })
})

describe('a collection that was deleted with undo', () => {
  test('is gone, is listed, and comes back as it was', async () => {
    const { client, ask } = await servingThings(['a', 'b', 'c'])
    await told(ask('DELETE', `${at}/vectors/c?undo=1h`))
    const before = await everything(client)
    const info = await told(ask('GET', at))
    const { undo, success } = await told(ask('DELETE', `${at}?undo=24h&reason=a%20clean-up`))
    expect({ undo, success }).toStrictEqual({ undo: UNDO, success: true })
    expect(refusal(await ask('GET', at))).toStrictEqual(NOWHERE)
    expect((await told(ask('GET', '/collections'))).collections).toStrictEqual([])
    const waiting = {
      collections: [{ collection: 'things', ...undo, deleted_at: undo.until - DAY, vectors: 2 }],
      vectors: [],
      total: 0,
    }
    expect(await told(ask('GET', '/deleted'))).toStrictEqual(waiting)
    expect(await listed(ask)).toStrictEqual(waiting)
    expect(refusal(await undelete(ask, { ids: ['a'] }))).toStrictEqual(NOWHERE)

    expect(await told(undelete(ask, { token: undo.token }))).toStrictEqual({
      collection: 'things',
      undeleted: 2,
      results: [],
    })
    expect(await everything(client)).toStrictEqual(before)
    expect(await told(ask('GET', at))).toMatchObject({ ...info, updated_at: expect.anything() })
    expect(idsIn(await listed(ask))).toStrictEqual(['c'])
    expect(await told(ask('GET', '/deleted'))).toStrictEqual(NOTHING)
    expect(refusal(await undelete(ask, { token: undo.token }))).toStrictEqual(INVALID)
  })

  test('does not come back while its name is taken', async () => {
    const { client, ask } = await servingThings(['a'])
    const { token } = (await told(ask('DELETE', `${at}?undo=1h`))).undo
    await client.createCollection('things', { dimension: 3 })
    const answer = await undelete(ask, { token })
    expect(refusal(answer)).toStrictEqual(TAKEN)
    expect(answer.json.message).toContain("'things'")
    // By the name there are now two: one that waits, and one that is there.
    const { token: other } = (await told(ask('DELETE', `${at}?undo=1h`))).undo
    const { collections } = await listed(ask)
    expect(collections.map((one: { token: string }) => one.token)).toStrictEqual([token, other])
    await told(undelete(ask, { token }))
    expect(await idsOf(client)).toStrictEqual(['a'])
    expect(refusal(await undelete(ask, { token: other }))).toStrictEqual(TAKEN)
    expect(await told(purge(ask, { token: other }))).toMatchObject({ purged: 0, results: [] })
    expect(await told(ask('GET', '/deleted'))).toStrictEqual(NOTHING)
    expect(await idsOf(client)).toStrictEqual(['a'])
  })

  test('is erased by a purge, and is no more', async () => {
    const { ask } = await servingThings(['a', 'b'])
    const { token } = (await told(ask('DELETE', `${at}?undo=1h`))).undo
    const { purged, receipt } = await told(purge(ask, { token, receipt: true, reason: 'done with' }))
    expect(purged).toBe(2)
    expect(receipt).toMatchObject({ call: 'purgeDeleted', deleted: 2, reason: 'done with' })
    expect(await told(ask('GET', '/deleted'))).toStrictEqual(NOTHING)
    expect(refusal(await undelete(ask, { token }))).toStrictEqual(NOWHERE)
    expect(refusal(await ask('GET', `${at}/deleted`))).toStrictEqual(NOWHERE)
  })

  test('takes what waited in it along when it is deleted for good', async () => {
    const { client, ask } = await servingThings(['a', 'b'])
    const { token } = (await told(ask('DELETE', `${at}/vectors/b?undo=1h`))).undo
    await told(ask('DELETE', at))
    await client.createCollection('things', { dimension: 2 })
    expect(await listed(ask)).toStrictEqual(NOTHING)
    expect(refusal(await undelete(ask, { token }))).toStrictEqual(INVALID)
  })

  test.each(['empty', 'cleanup'])('may be called %s', async (name) => {
    const { client, ask } = await serving()
    await client.createCollection(name, { dimension: 2 })
    const { token } = (await told(ask('DELETE', `/collections/${name}?undo=1h`))).undo
    expect((await told(ask('GET', '/deleted'))).collections).toMatchObject([{ collection: name, token }])
    expect(await told(ask('POST', `/collections/${name}/undelete`, { token }))).toMatchObject({
      undeleted: 0,
    })
    expect(await client.listCollections()).toHaveLength(1)
  })
})

describe('the routes about what waits', () => {
  const ROUTES: [string, string, unknown?][] = [
    ['GET', '/deleted'],
    ['GET', `${at}/deleted`],
    ['POST', `${at}/undelete`, { ids: ['b'] }],
    ['POST', `${at}/purge`, { all: true }],
  ]

  test.each(ROUTES)('have one method: %s %s', async (method, path) => {
    const { ask } = await servingThings(['a'])
    for (const other of ['DELETE', 'PUT', 'PATCH', method === 'GET' ? 'POST' : 'GET']) {
      const answer = await ask(other, path)
      expect(refusal(answer)).toStrictEqual({ status: 405, code: 'METHOD_NOT_ALLOWED' })
      expect(answer.headers.allow).toBe(method === 'GET' ? 'GET,HEAD' : 'POST')
    }
  })

  test('need the key, and a host that is answered for', async () => {
    const apiKey = 'correct horse battery staple'
    const locked = await servingThings(['a', 'b'], { apiKey })
    const open = await servingThings(['a', 'b'])
    const query = `${at}/vectors/b?undo=1h`
    await told(locked.ask('DELETE', query, undefined, { 'x-api-key': apiKey }))
    await told(open.ask('DELETE', query))
    for (const [method, path, body] of [...ROUTES, ['DELETE', `${at}/vectors/a?undo=1h`] as const]) {
      const without = await locked.ask(method, path, body)
      expect(refusal(without)).toStrictEqual({ status: 401, code: 'UNAUTHORIZED' })
      const elsewhere = await open.ask(method, path, body, { host: 'evil.example' })
      expect(refusal(elsewhere)).toStrictEqual({ status: 403, code: 'FORBIDDEN' })
    }
    for (const { client } of [locked, open]) {
      expect(await idsOf(client)).toStrictEqual(['a'])
      expect((await client.listDeleted('things')).total).toBe(1)
    }
  })

  test.each([
    ['undelete', ['ids', null]],
    ['undelete', [['b']]],
    ['purge', [null, null, true, null, null]],
    ['purge', 'all'],
  ])('refuse what is no object: %s %j', async (route, body) => {
    const { ask } = await servingThings(['a', 'b'])
    await told(ask('DELETE', `${at}/vectors/b?undo=1h`))
    const answer = await ask('POST', `${at}/${route}`, JSON.stringify(body))
    expect(refusal(answer)).toStrictEqual(INVALID)
    expect(answer.json.message).toMatch(/^body: invalid type: .*, expected an object$/)
    expect(idsIn(await listed(ask))).toStrictEqual(['b'])
  })

  test('answer HEAD as GET, without a body', async () => {
    const { ask } = await servingThings(['a', 'b'])
    await told(ask('DELETE', `${at}/vectors/b?undo=1h`))
    for (const path of ['/deleted', `${at}/deleted`, '/collections/nowhere/deleted']) {
      const [head, get] = [await ask('HEAD', path), await ask('GET', path)]
      expect([head.status, head.text]).toStrictEqual([get.status, ''])
      expect(head.headers['content-length']).toBe(get.headers['content-length'])
    }
  })

  test('tell of mistakes in short, and name no call of JavaScript', async () => {
    const { client, ask } = await servingThings(['a'])
    await told(ask('DELETE', `${at}/vectors/a?undo=1h`))
    const long = 'x'.repeat(100_000)
    const answers = [
      ...['undelete', 'purge'].flatMap((route) =>
        [{}, { token: long }, { [long]: 1 }, { ids: long }, { ids: ['a'], token: 't' }].flatMap((body) =>
          ['things', 'nowhere'].map((name) => ask('POST', `/collections/${name}/${route}`, body)),
        ),
      ),
      purge(ask, { all: true, reason: long }),
      ask('POST', `${at}/batch_delete`, { ids: ['a'], undo: long }),
      ask('POST', `${at}/batch_delete`, { ids: ['a'], undo: '1h', receipt: true }),
      ask('DELETE', `${at}?undo=1h&receipt=true`),
      ask('GET', `${at}/deleted?limit=0`),
      ask('GET', '/collections/nowhere/deleted'),
    ]
    const offered = Object.getOwnPropertyNames(Object.getPrototypeOf(client))
    const names = new RegExp(`\\b(${offered.filter((name) => /[A-Z]/.test(name)).join('|')})\\b|options\\.`)
    for (const answer of await Promise.all(answers)) {
      refusal(answer)
      expect(answer.json.message).not.toMatch(names)
      expect(answer.json.message.length).toBeLessThan(1000)
    }
  })
})

describe('a server that is killed', () => {
  test('has what waits when it is started again, whatever it was', async () => {
    const data = join(directory(), 'store')
    const first = await commandServing(['--data', data])
    for (const name of ['things', 'others']) {
      await first.ask('POST', '/collections', { name, dimension: 2 })
      const vectors = ['a', 'b', 'c'].map((id) => ({ id, vector: [1, 2], metadata: { name: id } }))
      await told(first.ask('POST', `/collections/${name}/batch_insert`, { vectors }))
    }
    const before = await told(first.ask('GET', `${at}/vectors/b`))
    const one = (await told(first.ask('DELETE', `${at}/vectors/b?undo=1h`))).undo
    const filter = { name: 'c' }
    await told(first.ask('POST', `${at}/delete_by_filter`, { filter, undo: '1h' }))
    const other = (await told(first.ask('DELETE', '/collections/others?undo=1h'))).undo
    const lists = [await listed(first.ask), await told(first.ask('GET', '/deleted'))]
    first.running.child.kill('SIGKILL')
    await first.running.ended

    const { ask } = await commandServing(['--data', data])
    expect([await listed(ask), await told(ask('GET', '/deleted'))]).toStrictEqual(lists)
    expect(await told(ask('GET', '/stats'))).toMatchObject({ collections: 1 })
    await told(undelete(ask, { token: one.token }))
    expect(await told(ask('GET', `${at}/vectors/b`))).toStrictEqual(before)
    const body = { token: other.token }
    expect(await told(ask('POST', '/collections/others/undelete', body))).toMatchObject({ undeleted: 3 })
    expect(statuses(await told(undelete(ask, { ids: ['c'] })))).toStrictEqual(['c: undeleted'])
  })
})
