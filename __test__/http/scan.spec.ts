// Scanning over HTTP, beside the same scan in process.
import type { ScanOptions, VectorizerClient } from '../..'
import { type Ask, asking, refusal, serving, servingThings } from '../support/http'
import { seeded, shuffled } from '../support/random'

const INVALID = { status: 400, code: 'VALIDATION_ERROR' }
const MISSING = { status: 404, code: 'COLLECTION_NOT_FOUND' }
const at = '/collections/things'

interface Options extends ScanOptions {
  with_vector?: boolean
  include_metadata?: boolean
}

interface Batch {
  vectors: { id: string; metadata?: object; text?: string; vector?: number[] }[]
  cursor?: string
}

/** The batches of a scan. Between two of them, whoever reads them may ask for something else. */
async function* batches(ask: Ask, body: object = {}): AsyncGenerator<Batch> {
  let cursor: string | undefined
  do {
    const { status, json } = await ask('POST', `${at}/scan`, { ...body, cursor })
    expect([status, json]).toStrictEqual([200, json])
    yield json
    cursor = json.cursor
  } while (cursor !== undefined)
}

async function read(ask: Ask, body?: object) {
  const all: Batch['vectors'] = []
  for await (const { vectors } of batches(ask, body)) all.push(...vectors)
  return all
}

/** What a scan in process reads, as it is told over HTTP. */
async function inProcess(client: VectorizerClient, options: Options = {}) {
  const all: Batch['vectors'] = []
  for await (const { data, ...rest } of client.scan('things', options))
    all.push({ ...rest, ...(data && { vector: [...data] }) })
  return all
}

const ids = (vectors: { id: string }[]) => vectors.map(({ id }) => id)
const numbered = (count: number) => Array.from({ length: count }, (_, i) => `id ${100 + i}`)

describe('a scan', () => {
  test.each([1, 3, 7, 12, 13])(
    'in batches of %i reads each vector once, in insertion order',
    async (limit) => {
      const { client, ask } = await servingThings(numbered(12))
      expect(await read(ask, { limit })).toStrictEqual(await inProcess(client))
      expect(ids(await read(ask, { limit }))).toStrictEqual(numbered(12))
      const sizes: number[] = []
      for await (const { vectors } of batches(ask, { limit })) sizes.push(vectors.length)
      expect(sizes.slice(0, -1)).toStrictEqual(Array(Math.ceil(12 / limit) - 1).fill(limit))
    },
  )

  test('has 1,000 vectors in a batch by default, and as many as are asked for', async () => {
    const { client, ask } = await servingThings(numbered(1001))
    const sizes = async (body: object) => {
      const all: number[] = []
      for await (const { vectors } of batches(ask, body)) all.push(vectors.length)
      return all
    }
    expect(await sizes({})).toStrictEqual([1000, 1])
    expect(await sizes({ limit: 5000 })).toStrictEqual([1001])
    expect(await sizes({ limit: Number.MAX_SAFE_INTEGER })).toStrictEqual([1001])
    expect((await client.scanVectors('things')).vectors).toHaveLength(1000)
  })

  test('reads what is asked for: metadata, texts, and values only with with_vector', async () => {
    const { client, ask } = await servingThings()
    await client.insertVectors('things', [
      { id: 'a', data: [1, 2], metadata: { n: 1 }, text: 'one' },
      { id: 'b', data: [3, 4] },
    ])
    expect(await read(ask)).toStrictEqual([{ id: 'a', metadata: { n: 1 }, text: 'one' }, { id: 'b' }])
    const every: Options[] = [
      { with_vector: true },
      { include_metadata: false },
      { with_vector: true, include_metadata: false },
    ]
    for (const options of every)
      expect(await read(ask, options)).toStrictEqual(await inProcess(client, options))
    // As in a search, null is what is left out.
    const nothing = { with_vector: null, include_metadata: null, limit: null }
    expect(await read(ask, nothing)).toStrictEqual(await read(ask))
  })

  test('of an empty collection is one batch without a cursor', async () => {
    const { ask } = await servingThings()
    expect((await ask('POST', `${at}/scan`, {})).json).toStrictEqual({ vectors: [] })
  })

  test('with a filter reads what matches', async () => {
    const { client, ask } = await servingThings(numbered(20))
    for (const filter of [
      { place: { $gte: 5, $lt: 15 } },
      { name: numbered(20).filter((_, i) => i % 3 === 0) },
      { must: [{ has_id: numbered(20).slice(3, 9) }] },
      { place: 99 },
    ]) {
      const expected = await inProcess(client, { filter })
      for (const limit of [1, 4, 100]) expect(await read(ask, { filter, limit })).toStrictEqual(expected)
    }
    expect(ids(await read(ask, { filter: { place: { $gte: 18 } }, limit: 1 }))).toStrictEqual([
      'id 118',
      'id 119',
    ])
  })

  test('is not disturbed by what is deleted, updated, replaced and inserted between its batches', async () => {
    const all = numbered(90)
    const { ask } = await servingThings(all)
    const random = seeded(41)
    const unread = new Set(all)
    const [deleted, changed] = [new Set<string>(), new Set<string>()]
    const seen: string[] = []
    for await (const { vectors } of batches(ask, { limit: 3 })) {
      for (const { id, metadata } of vectors) {
        seen.push(id)
        unread.delete(id)
        expect([id, metadata]).toStrictEqual([
          id,
          changed.has(id) ? { changed: true } : { place: all.indexOf(id), name: id },
        ])
      }
      const [gone, updated, replaced] = shuffled(random, [...unread])
      const asked = [
        ['POST', `${at}/insert`, { id: `new ${seen.length}`, vector: [1, 2] }],
        ['POST', `${at}/batch_delete`, { ids: [seen[0], ...(gone ? [gone] : [])] }],
        ...(updated
          ? [['PATCH', `${at}/vectors/${encodeURIComponent(updated)}`, { metadata: { changed: true } }]]
          : []),
        ...(replaced
          ? [['POST', `${at}/insert`, { id: replaced, vector: [3, 4], metadata: { changed: true } }]]
          : []),
      ] as [string, string, object][]
      for (const [method, path, body] of asked) expect((await ask(method, path, body)).status).toBe(200)
      for (const id of [updated, replaced]) if (id) changed.add(id)
      if (!gone) continue
      unread.delete(gone)
      deleted.add(gone)
    }
    expect(deleted.size).toBeGreaterThan(10)
    expect(seen).toStrictEqual(all.filter((id) => !deleted.has(id)))
  })

  test('goes on by its cursor alone: again, at another server, and in process', async () => {
    const { client, ask } = await servingThings(numbered(7))
    const other = asking((await client.serve({ port: 0 })).url)
    const { cursor } = (await ask('POST', `${at}/scan`, { limit: 3 })).json
    const second = (await ask('POST', `${at}/scan`, { limit: 3, cursor })).json
    expect(ids(second.vectors)).toStrictEqual(numbered(7).slice(3, 6))
    for (const again of [ask, other])
      expect((await again('POST', `${at}/scan`, { limit: 3, cursor })).json).toStrictEqual(second)
    expect(await client.scanVectors('things', { limit: 3, cursor })).toStrictEqual(second)
  })

  test('ends with the collection, even if another one has its name', async () => {
    const { ask } = await servingThings(numbered(5))
    const { cursor } = (await ask('POST', `${at}/scan`, { limit: 2 })).json
    expect((await ask('DELETE', at)).status).toBe(200)
    expect(refusal(await ask('POST', `${at}/scan`, { limit: 2, cursor }))).toStrictEqual(MISSING)
    expect((await ask('POST', '/collections', { name: 'things', dimension: 2 })).status).toBe(201)
    expect((await ask('POST', `${at}/insert`, { id: 'other', vector: [1, 2] })).status).toBe(200)
    expect(refusal(await ask('POST', `${at}/scan`, { limit: 2, cursor }))).toStrictEqual(MISSING)
    expect(ids(await read(ask))).toStrictEqual(['other'])
  })

  test.each<[string, object, RegExp]>([
    ['an empty cursor', { cursor: '' }, /^body\.cursor: not the cursor of a scan/],
    ['a cursor that is another text', { cursor: 'x' }, /^body\.cursor: not the cursor of a scan/],
    ['a cursor of two parts', { cursor: '1-2' }, /^body\.cursor: not the cursor of a scan/],
    ['a cursor of four parts', { cursor: '1-2-3-4' }, /^body\.cursor: not the cursor of a scan/],
    ['a cursor that is too large', { cursor: 'fffffffffffffffff-0-0' }, /^body\.cursor: not the cursor/],
    ['a cursor that is a number', { cursor: 7 }, /^body\.cursor: invalid type/],
    ['a cursor that is null', { cursor: null }, /^body\.cursor: invalid type: null/],
    ['a limit of 0', { limit: 0 }, /limit is 0/],
    ['a limit that is a fraction', { limit: 1.5 }, /^body\.limit: /],
    ['a limit that is negative', { limit: -1 }, /^body\.limit: /],
    ['a limit that is a text', { limit: '5' }, /^body\.limit: /],
    ['with_vector that is a text', { with_vector: 'yes' }, /^body\.with_vector: /],
    ['include_metadata that is a number', { include_metadata: 1 }, /^body\.include_metadata: /],
    ['an option of another name', { batchSize: 5 }, /^body\.batchSize: unknown field `batchSize`/],
    ['an empty filter', { filter: {} }, /^filter/],
    ['a filter that is null', { filter: null }, /^filter/],
    ['a filter that is not understood', { filter: { a: { $gtt: 1 } } }, /^filter\.a\.\$gtt/],
  ])('with %s is refused', async (_, body, message) => {
    const { ask } = await servingThings(['a'])
    const answer = await ask('POST', `${at}/scan`, body)
    expect(refusal(answer)).toStrictEqual(INVALID)
    expect(answer.json.message).toMatch(message)
  })

  test('of what does not exist is refused, as are another method and a query', async () => {
    const { ask } = await serving()
    expect(refusal(await ask('POST', `${at}/scan`, {}))).toStrictEqual(MISSING)
    expect(refusal(await ask('POST', `${at}/scan`, { cursor: '1-2-3' }))).toStrictEqual(MISSING)
    expect(refusal(await ask('GET', `${at}/scan`))).toMatchObject({ code: 'METHOD_NOT_ALLOWED' })
    expect(refusal(await ask('POST', `${at}/scan?limit=1`, {}))).toStrictEqual(INVALID)
  })
})

test('the document has the cursor as a string, which is never null', async () => {
  const { ask } = await serving()
  const { schemas } = (await ask('GET', '/openapi.json')).json.components
  const { properties, required = [] } = schemas.ScanRequest
  expect(Object.keys(properties).sort()).toStrictEqual(
    ['cursor', 'filter', 'include_metadata', 'limit', 'with_vector'].sort(),
  )
  expect(required).toStrictEqual([])
  expect(properties.cursor).toMatchObject({ type: 'string' })
  expect(properties.cursor).not.toHaveProperty('default')
})
