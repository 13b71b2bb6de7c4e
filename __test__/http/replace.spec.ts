// The route that replaces what a filter matches.
import fc from 'fast-check'
import { everything, idsOf } from '../support/collections'
import { digest } from '../support/digest'
import { store } from '../support/disk'
import { asking, refusal, serving, servingThings } from '../support/http'

const INVALID = { status: 400, code: 'VALIDATION_ERROR' }
const PATH = '/collections/things/replace'
const A = { source: 'a.md' }
const B = { source: 'b.md' }

/** A server with vectors of two documents. */
async function servingDocuments() {
  const served = await servingThings()
  await served.client.insertVectors('things', [
    { id: 'a:0', data: [1, 0], metadata: A, text: 'zero' },
    { id: 'b:0', data: [9, 9], metadata: B },
    { id: 'a:1', data: [1, 1], metadata: A },
    { id: 'a:2', data: [1, 2], metadata: A },
  ])
  return served
}

describe('replacing', () => {
  test('puts vectors in the place of what matches', async () => {
    const { client, ask } = await servingDocuments()
    const vectors = [
      { id: 'a:3', vector: [1, 3], metadata: A },
      { id: 'a:0', vector: [1, 0], metadata: A, text: 'zero' },
      { id: 'a:1', vector: [2, 1], metadata: A },
    ]
    const { status, json } = await ask('POST', PATH, { filter: A, vectors })
    expect({ status, json }).toStrictEqual({
      status: 200,
      json: {
        applied: true,
        inserted: 1,
        updated: 1,
        unchanged: 1,
        deleted: 1,
        ids: { inserted: ['a:3'], updated: ['a:1'], deleted: ['a:2'] },
      },
    })
    expect(await idsOf(client)).toStrictEqual(['a:0', 'b:0', 'a:1', 'a:3'])
  })

  test('reports and leaves what the same call in process does', async () => {
    const { client, ask } = await servingThings()
    await client.createCollection('here', { dimension: 2 })
    const row = fc.record(
      {
        id: fc.constantFrom('a', 'b', 'c', 'd', 'é'),
        place: fc.constantFrom(1, 2),
        source: fc.constantFrom('a', 'a', 'a', 'a', 'b'),
        text: fc.constantFrom('one', 'two'),
      },
      { requiredKeys: ['id', 'place', 'source'] },
    )
    type Row = { id: string; place: number; source: string; text?: string }
    const full = ({ id, place, source, text }: Row) => ({
      id,
      data: [1, place],
      metadata: { source },
      ...(text === undefined ? {} : { text }),
    })
    const before = fc.array(row)
    await fc.assert(
      fc.asyncProperty(before, fc.array(row), fc.boolean(), async (there, given, dryRun) => {
        for (const name of ['here', 'things']) await client.insertVectors(name, there.map(full))
        const rows = given.map(full)
        const vectors = rows.map(({ data, ...rest }) => ({ ...rest, vector: data }))
        const filter = { source: 'a' }
        const answer = await ask('POST', PATH, { filter, vectors, dry_run: dryRun })
        const report = await client.replace('here', filter, rows, { dryRun }).catch((error) => error.code)
        const outcome = answer.status === 200 ? answer.json : refusal(answer).code
        expect(outcome).toStrictEqual(report)
        const left = (await client.listVectors('things', 0, 100)).vectors
        expect(left).toStrictEqual((await client.listVectors('here', 0, 100)).vectors)
        const ids = left.map(({ id }) => id)
        for (const name of ['here', 'things']) await client.batchDelete(name, ids)
      }),
    )
  })

  test('tells in a dry run what it would do, and does nothing', async () => {
    const { client, ask } = await servingDocuments()
    const before = await everything(client)
    const body = { filter: A, texts: [{ id: 'a:9', text: 'nine', metadata: A }], dry_run: true }
    expect((await ask('POST', PATH, body)).json).toStrictEqual({
      applied: false,
      inserted: 1,
      updated: 0,
      unchanged: 0,
      deleted: 3,
      ids: { inserted: ['a:9'], updated: [], deleted: ['a:0', 'a:1', 'a:2'] },
    })
    expect(await everything(client)).toStrictEqual(before)
  })

  test('is refused with its report if another number of vectors would be deleted', async () => {
    const { client, ask } = await servingDocuments()
    const before = await everything(client)
    for (const [guard, text] of [
      [{ at_most: 1 }, 'body.at_most is 1'],
      [{ expect: 3 }, 'body.expect is 3'],
    ] as const) {
      const body = { filter: A, vectors: [{ id: 'a:0', vector: [5, 5], metadata: A }], ...guard }
      const answer = await ask('POST', PATH, body)
      const ids = { inserted: [], updated: ['a:0'], deleted: ['a:1', 'a:2'] }
      expect(refusal(answer)).toStrictEqual({
        status: 409,
        code: 'TOO_MANY_MATCHES',
        report: { applied: false, inserted: 0, updated: 1, unchanged: 0, deleted: 2, ids },
      })
      expect(answer.json.message).toContain(`the filter matches 2 vectors without a row, and ${text}`)
      expect(await everything(client)).toStrictEqual(before)
    }
    const body = { filter: A, vectors: [], at_most: 3, expect: 3 }
    expect((await ask('POST', PATH, body)).json).toMatchObject({ applied: true, deleted: 3 })
  })

  test('is proved where that is asked for', async () => {
    const { client } = store()
    await client.createCollection('things', { dimension: 2 })
    await client.insertVectors('things', [
      { id: 'a', data: [1, 1], metadata: A },
      { id: 'b', data: [1, 2], metadata: A },
      { id: 'c', data: [1, 3], metadata: A },
    ])
    const ask = asking((await client.serve({ port: 0 })).url)
    const vectors = [
      { id: 'a', vector: [1, 1], metadata: A },
      { id: 'b', vector: [2, 2], metadata: A },
    ]
    const { receipt } = (await ask('POST', PATH, { filter: A, vectors, receipt: true })).json
    expect(receipt).toMatchObject({ collection: 'things', deleted: 2, durable: true })
    expect(receipt.digest).toBe(digest(receipt.logSequence, ['b', 'c']))
  })

  test('gives rows an expiry of their own, or that of all', async () => {
    const { client, ask } = await servingDocuments()
    const [first, later] = [Date.UTC(2100, 0, 1), Date.UTC(2100, 0, 2)]
    await client.setVectorExpiry('things', 'a:1', first)
    const rows = [
      { id: 'a:0', vector: [1, 0], metadata: A, text: 'zero', expires_at: '2100-01-01T00:00:00Z' },
      { id: 'a:1', vector: [1, 1], metadata: A },
      { id: 'a:2', vector: [1, 2], metadata: A },
      { id: 'a:3', vector: [1, 3], metadata: A },
    ]
    const expiries = async () =>
      Promise.all(rows.map(async ({ id }) => (await client.getVector('things', id)).expires_at))
    const replace = async (vectors: object[], more = {}) =>
      (await ask('POST', PATH, { filter: A, vectors, ...more })).json
    // Without one, a new row has none, and another keeps its own.
    expect(await replace(rows)).toMatchObject({ inserted: 1, updated: 1, unchanged: 2, deleted: 0 })
    expect(await expiries()).toStrictEqual([first, first, undefined, undefined])
    expect(await replace(rows)).toMatchObject({ updated: 0, unchanged: 4 })
    // A row's own wins over that of all, null included.
    const own = rows.map((row) => (row.id === 'a:1' ? { ...row, expires_at: null } : row))
    expect(await replace(own, { expires_at: later })).toMatchObject({ updated: 3, unchanged: 1 })
    expect(await expiries()).toStrictEqual([first, undefined, later, later])
    expect(await replace(rows, { expires_at: null })).toMatchObject({ updated: 2, unchanged: 2 })
    expect(await expiries()).toStrictEqual([first, undefined, undefined, undefined])
  })

  const fine = { id: 'a:9', vector: [1, 9], metadata: A }
  const text = { id: 'a:9', text: 'nine', metadata: A }
  test.each<[string, unknown, RegExp]>([
    ['neither vectors nor texts', { filter: A }, /^body: give either vectors or texts/],
    ['both', { filter: A, vectors: [], texts: [] }, /^body: give either vectors or texts/],
    ['no filter', { vectors: [fine] }, /filter/],
    ['a filter without a condition', { filter: {}, vectors: [fine] }, /^filter: /],
    ['null for vectors', { filter: A, vectors: null }, /^body\.vectors: /],
    ['an id that occurs twice', { filter: A, vectors: [fine, fine] }, /^body\.vectors\[1\]\.id is the same/],
    ['no id', { filter: A, texts: [{ text: 'nine', metadata: A }] }, /^body\.texts\[0\]: .*id/],
    ['null for an id', { filter: A, texts: [{ ...text, id: null }] }, /^body\.texts\[0\]\.id: /],
    ['an empty id', { filter: A, texts: [{ ...text, id: '' }] }, /^body\.texts\[0\]\.id is empty/],
    ['an empty text', { filter: A, texts: [{ ...text, text: '' }] }, /^body\.texts\[0\]\.text is empty/],
    [
      'an empty text of a vector',
      { filter: A, vectors: [{ ...fine, text: '' }] },
      /^body\.vectors\[0\]\.text is empty/,
    ],
    ['zeros', { filter: A, vectors: [{ ...fine, vector: [0, 0] }] }, /^body\.vectors\[0\]\.vector is all/],
    [
      'metadata that do not match',
      { filter: A, texts: [text, { ...text, id: 'b:1', metadata: B }] },
      /^body\.texts\[1\]: its metadata do not match the filter/,
    ],
    [
      "another document's id",
      { filter: A, vectors: [{ ...fine, id: 'b:0' }] },
      /^body\.vectors\[0\]\.id is that of a vector that does not match the filter/,
    ],
    [
      'a vector among texts',
      { filter: A, texts: [{ ...text, vector: [1, 2] }] },
      /^body\.texts\[0\]\.vector: /,
    ],
    ['a misspelt option', { filter: A, vectors: [fine], dryRun: true }, /^body\.dryRun: /],
    [
      'a dry run with a receipt',
      { filter: A, vectors: [fine], dry_run: true, receipt: true },
      /^body\.dry_run changes nothing: leave out receipt/,
    ],
    ['a guard below zero', { filter: A, vectors: [fine], at_most: -1 }, /^body\.at_most: /],
    [
      'an expiry of a vector that is none',
      { filter: A, vectors: [{ ...fine, expires_at: 'soon' }] },
      /^body\.vectors\[0\]\.expires_at: invalid /,
    ],
    [
      'an expiry of a text that is none',
      { filter: A, texts: [{ ...text, expires_at: -1 }] },
      /^body\.texts\[0\]\.expires_at: invalid /,
    ],
    [
      'an expiry of all that is none',
      { filter: A, vectors: [fine], expires_at: true },
      /^body\.expires_at: invalid /,
    ],
  ])('with %s is refused, and nothing happens', async (_, body, message) => {
    const { client, ask } = await servingDocuments()
    const before = await everything(client)
    const answer = await ask('POST', PATH, body)
    expect(refusal(answer)).toStrictEqual(INVALID)
    expect(answer.json.message).toMatch(message)
    expect(await everything(client)).toStrictEqual(before)
  })

  test('with vectors of another length is refused', async () => {
    const { ask } = await servingDocuments()
    const answer = await ask('POST', PATH, { filter: A, vectors: [{ ...fine, vector: [1] }] })
    expect(refusal(answer)).toStrictEqual({ status: 400, code: 'DIMENSION_MISMATCH', expected: 2, got: 1 })
    expect(answer.json.message).toMatch(/^body\.vectors\[0\]\.vector has 1 dim/)
    const nowhere = await ask('POST', '/collections/nowhere/replace', { filter: A, vectors: [fine] })
    expect(refusal(nowhere)).toStrictEqual({ status: 404, code: 'COLLECTION_NOT_FOUND' })
  })
})

describe("a client's own embedder", () => {
  async function embedding() {
    const asked: string[][] = []
    const embedder = async (texts: string[]) => {
      asked.push([...texts])
      return texts.map((text) => [1, text.length])
    }
    const served = await serving({}, { embedder })
    await served.client.createCollection('things', { dimension: 2 })
    const replace = (texts: string[], more = {}) =>
      served.ask('POST', PATH, {
        filter: A,
        texts: texts.map((text, i) => ({ id: `${i}`, text, metadata: { ...A, ...more } })),
      })
    return { ...served, asked, replace }
  }

  test('is given only the texts that are not there', async () => {
    const { client, asked, replace } = await embedding()
    expect((await replace(['a', 'bb', 'ccc'])).json).toMatchObject({ inserted: 3 })
    expect((await replace(['a', 'bb', 'ccc'])).json).toMatchObject({ unchanged: 3 })
    expect((await replace(['a', 'four', 'ccc'])).json).toMatchObject({ updated: 1, unchanged: 2 })
    // Other metadata alone.
    expect((await replace(['a', 'four', 'ccc'], { page: 1 })).json).toMatchObject({ updated: 3 })
    expect((await replace(['a'], { page: 1 })).json).toMatchObject({ unchanged: 1, deleted: 2 })
    expect(asked).toStrictEqual([['a', 'bb', 'ccc'], ['four']])
    const { vectors } = await client.listVectors('things', 0, 10)
    expect(vectors.map(({ data, metadata }) => [...data, metadata])).toStrictEqual([
      [1, 1, { ...A, page: 1 }],
    ])
  })

  test('is given what a change makes necessary meanwhile', async () => {
    const asked: string[][] = []
    const { client, ask }: Awaited<ReturnType<typeof serving>> = await serving(
      {},
      {
        embedder: async (texts: string[]) => {
          asked.push([...texts])
          if (asked.length === 2) await client.deleteVector('things', 'a')
          return texts.map((text) => [1, text.length])
        },
      },
    )
    await client.createCollection('things', { dimension: 2 })
    await client.insertTexts('things', [{ id: 'a', text: 'a', metadata: A }])
    const texts = ['a', 'bb'].map((text) => ({ id: text, text, metadata: A }))
    const { json } = await ask('POST', PATH, { filter: A, texts })
    expect(json.ids).toStrictEqual({ inserted: ['a', 'bb'], updated: [], deleted: [] })
    expect(asked).toStrictEqual([['a'], ['bb'], ['a']])
  })

  test('that fails changes nothing', async () => {
    const { client, ask } = await serving(
      {},
      {
        embedder: async () => {
          throw new Error('no')
        },
      },
    )
    await client.createCollection('things', { dimension: 2 })
    await client.insertVectors('things', [{ id: 'a', data: [1, 2], metadata: A }])
    const texts = [{ id: 'b', text: 'b', metadata: A }]
    expect(refusal(await ask('POST', PATH, { filter: A, texts }))).toMatchObject({
      status: 502,
      code: 'EMBEDDING_ERROR',
    })
    expect(await idsOf(client)).toStrictEqual(['a'])
  })
})
