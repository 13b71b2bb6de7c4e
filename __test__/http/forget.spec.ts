// The route that deletes what belongs to somebody in all collections.
import { createHash } from 'node:crypto'
import { everything, idsOf } from '../support/collections'
import { store } from '../support/disk'
import { asking, refusal, serving } from '../support/http'

const INVALID = { status: 400, code: 'VALIDATION_ERROR' }
const NOWHERE = { status: 404, code: 'COLLECTION_NOT_FOUND' }
const REFUSED = { status: 409, code: 'TOO_MANY_MATCHES' }
const U1 = { user: 'u1' }

interface Receipt {
  collections: { collection: string; logSequence: number }[]
  digest: string
}

/** The digest of such a receipt, computed as documented, for the ids of each of its collections. */
function digest({ collections }: Receipt, ids: Record<string, string[]>) {
  const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
  const all = collections.map(({ collection, logSequence }) => [
    collection,
    logSequence,
    [...ids[collection]].sort(byBytes),
  ])
  return createHash('sha256').update(JSON.stringify(all)).digest('hex')
}

/** Vectors of several users in three collections; one of them has nothing to do with users. */
const COLLECTIONS = {
  notes: [
    { id: 'n1', data: [1, 1], metadata: { user: 'u1' } },
    { id: 'n2', data: [1, 2], metadata: { user: 'u2' } },
    { id: 'é', data: [1, 3], metadata: { user: 'u1', shared: true } },
  ],
  mails: [{ id: 'm1', data: [1, 1], metadata: { user: 'u1' } }],
  public: [{ id: 'n1', data: [1, 1], metadata: { about: 'all' } }],
}

async function servingUsers(options?: { path: string }) {
  const served = await serving({}, options)
  for (const [name, rows] of Object.entries(COLLECTIONS)) {
    await served.client.createCollection(name, { dimension: 2 })
    await served.client.insertVectors(name, rows)
  }
  return served
}

const OF_FILTER = [
  { collection: 'mails', scanned: 1, matched: 1, ids: ['m1'] },
  { collection: 'notes', scanned: 3, matched: 2, ids: ['n1', 'é'] },
  { collection: 'public', scanned: 1, matched: 0, ids: [], unknownFields: ['user'] },
]

describe('forgetting', () => {
  test('deletes what matches in all collections, and proves it', async () => {
    const { client, ask } = await servingUsers()
    const { status, json } = await ask('POST', '/forget', { filter: U1, reason: 'request 7 of "u1"' })
    expect({ status, json }).toStrictEqual({
      status: 200,
      json: {
        applied: true,
        matched: 3,
        deleted: 3,
        collections: OF_FILTER,
        receipt: {
          call: 'forget',
          deleted: 3,
          bytesErased: expect.any(Number),
          collections: [
            { collection: 'mails', deleted: 1, logSequence: expect.any(Number) },
            { collection: 'notes', deleted: 2, logSequence: expect.any(Number) },
          ],
          filter: U1,
          reason: 'request 7 of "u1"',
          completedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/),
          durable: false,
          digest: digest(json.receipt, { mails: ['m1'], notes: ['n1', 'é'] }),
          text: expect.stringMatching(/\n/),
        },
      },
    })
    expect(json.receipt.bytesErased).toBeGreaterThan(0)
    expect(await idsOf(client, 'notes')).toStrictEqual(['n2'])
    expect(await idsOf(client, 'mails')).toStrictEqual([])
    expect(await idsOf(client, 'public')).toStrictEqual(['n1'])
  })

  test('deletes what has one of the ids, wherever it is', async () => {
    const { client, ask } = await servingUsers()
    const { json } = await ask('POST', '/forget', { ids: ['n1', 'nobody', 'n1', 'm1'] })
    expect(json).toMatchObject({ applied: true, matched: 3, deleted: 3 })
    const found = json.collections.map(({ collection, matched, ids }: (typeof OF_FILTER)[0]) => [
      collection,
      matched,
      ids,
    ])
    expect(found).toStrictEqual([
      ['mails', 1, ['m1']],
      ['notes', 1, ['n1']],
      ['public', 1, ['n1']],
    ])
    expect(json.receipt).not.toHaveProperty('reason')
    expect(json.receipt.digest).toBe(digest(json.receipt, { mails: ['m1'], notes: ['n1'], public: ['n1'] }))
    expect(await idsOf(client, 'notes')).toStrictEqual(['n2', 'é'])
  })

  test('is proved even if there is nothing to forget', async () => {
    const { client, ask } = await servingUsers()
    const before = await everything(client)
    for (const body of [{ ids: [] }, { ids: ['nobody'] }, { filter: { user: 'u9' } }]) {
      const { json } = await ask('POST', '/forget', body)
      expect(json).toMatchObject({ applied: true, matched: 0, deleted: 0 })
      expect(json.receipt).toMatchObject({ deleted: 0, bytesErased: 0, collections: [] })
      expect(json.receipt.digest).toBe(digest(json.receipt, {}))
    }
    expect(await everything(client)).toStrictEqual(before)
  })

  test('is limited to the named collections, each once', async () => {
    const { client, ask } = await servingUsers()
    const { json } = await ask('POST', '/forget', { filter: U1, collections: ['public', 'notes', 'notes'] })
    expect(json).toMatchObject({ applied: true, deleted: 2, collections: OF_FILTER.slice(1) })
    expect(json.collections).toHaveLength(2)
    expect(json.receipt.collections).toMatchObject([{ collection: 'notes', deleted: 2 }])
    expect(await idsOf(client, 'mails')).toStrictEqual(['m1'])
    const before = await everything(client)
    const unknown = await ask('POST', '/forget', { filter: U1, collections: ['mails', 'nowhere'] })
    expect(refusal(unknown)).toStrictEqual(NOWHERE)
    expect(unknown.json.message).toContain("'nowhere'")
    const none = refusal(await ask('POST', '/forget', { filter: U1, collections: [] }))
    expect(none).toMatchObject({ status: 400, code: 'VALIDATION_ERROR' })
    expect(await everything(client)).toStrictEqual(before)
  })

  test('tells in a dry run what it would do, and does nothing', async () => {
    const { client, ask } = await servingUsers()
    const before = await everything(client)
    const body = { filter: U1, dry_run: true, reason: 'a look' }
    expect((await ask('POST', '/forget', body)).json).toStrictEqual({
      applied: false,
      matched: 3,
      deleted: 0,
      collections: OF_FILTER,
    })
    expect(await everything(client)).toStrictEqual(before)
  })

  test('is refused with its report if another number matches in all collections together', async () => {
    const { client, ask } = await servingUsers()
    const before = await everything(client)
    for (const guards of [{ at_most: 2 }, { expect: 2 }, { at_most: 3, expect: 4 }]) {
      for (const more of [{}, { dry_run: true }]) {
        const answer = await ask('POST', '/forget', { filter: U1, ...guards, ...more })
        expect(answer.json.message).toMatch(/3 vectors.*, and body\.(at_most|expect) is \d: nothing was del/)
        const report = { applied: false, matched: 3, deleted: 0, collections: OF_FILTER }
        expect(refusal(answer)).toStrictEqual({ ...REFUSED, report })
      }
    }
    expect(await everything(client)).toStrictEqual(before)
    const { status, json } = await ask('POST', '/forget', { filter: U1, at_most: 3, expect: 3 })
    expect([status, json.deleted]).toStrictEqual([200, 3])
  })

  test('is on disk when it is answered, and nothing is left of it', async () => {
    const { path, client } = store({ fsync: 'no' })
    await client.createCollection('notes', { dimension: 2 })
    await client.createCollection('mails', { dimension: 2 })
    await client.insertVectors('notes', COLLECTIONS.notes)
    await client.insertVectors('mails', COLLECTIONS.mails)
    const ask = asking((await client.serve({ port: 0 })).url)
    const { text, json } = await ask('POST', '/forget', { filter: U1 })
    expect(json.receipt).toMatchObject({ deleted: 3, durable: true })
    expect(text).not.toContain(path)
    for (const [name, ids] of [
      ['notes', ['n1', 'é']],
      ['mails', ['m1']],
    ] as const) {
      const verified = await ask('POST', `/collections/${name}/verify_erased`, { ids })
      expect(verified.json).toStrictEqual({ verified: true, residues: [] })
    }
    expect(await idsOf(client, 'notes')).toStrictEqual(['n2'])
  })

  test('has a reason of up to 1,000 characters', async () => {
    const { ask } = await servingUsers()
    for (const reason of ['x', '😀'.repeat(1000), ' \n"\\']) {
      const { status, json } = await ask('POST', '/forget', { ids: ['nobody'], reason })
      expect([status, json.receipt.reason]).toStrictEqual([200, reason])
    }
  })

  const ids = ['n1']
  test.each<[string, unknown, RegExp]>([
    ['neither ids nor a filter', {}, /^body: give either ids or filter/],
    ['nothing but a reason', { reason: 'x' }, /^body: give either ids or filter/],
    ['both', { ids, filter: U1 }, /^body: give either ids or filter/],
    ['a filter without a condition', { filter: {} }, /^filter: /],
    ['null for a filter', { filter: null }, /^filter\b/],
    ['null for ids', { ids: null }, /^body\.ids: /],
    ['a text for ids', { ids: 'n1' }, /^body\.ids: /],
    ['null among ids', { ids: ['n1', null] }, /^body\.ids\[1\]: /],
    ['null for collections', { ids, collections: null }, /^body\.collections: /],
    ['a text for collections', { ids, collections: 'notes' }, /^body\.collections: /],
    ['a collection', { ids, collection: 'notes' }, /^body\.collection: /],
    ['an empty reason', { ids, reason: '' }, /^body\.reason\b/],
    ['a reason that is too long', { ids, reason: 'x'.repeat(1001) }, /^body\.reason\b/],
    ['null for a reason', { ids, reason: null }, /^body\.reason: /],
    ['a number for a reason', { ids, reason: 7 }, /^body\.reason: /],
    ['an option that it always has', { ids, receipt: true }, /^body\.receipt: /],
    ['a misspelt option', { ids, dryRun: true }, /^body\.dryRun: /],
    ['null for a dry run', { ids, dry_run: null }, /^body\.dry_run: /],
    ['a guard below zero', { ids, at_most: -1 }, /^body\.at_most: /],
    ['null for a guard', { ids, expect: null }, /^body\.expect: /],
  ])('with %s is refused, and deletes nothing', async (_, body, message) => {
    const { client, ask } = await servingUsers()
    const before = await everything(client)
    const answer = await ask('POST', '/forget', body)
    expect(refusal(answer)).toStrictEqual(INVALID)
    expect(answer.json.message).toMatch(message)
    expect(await everything(client)).toStrictEqual(before)
  })
})
