// Inserting, reading and updating over HTTP, beside the same calls in process.
import fc from 'fast-check'
import type { VectorizerClient } from '../..'
import { everything } from '../support/collections'
import { type Ask, refusal, serving, servingThings } from '../support/http'

const INVALID = { status: 400, code: 'VALIDATION_ERROR' }
const at = '/collections/things'

/** A vector in process, as it is told over HTTP. */
async function told(client: VectorizerClient, id: string) {
  const { data, metadata, ...rest } = await client.getVector('things', id)
  return { ...rest, vector: data, data, ...(metadata && { metadata, payload: metadata }) }
}

/** The same of an answer. JSON has the shortest number that is the same in 32 bits. */
const read = ({ vector, data, ...rest }: { vector: number[]; data?: number[] }) => ({
  ...rest,
  vector: Float32Array.from(vector),
  ...(data && { data: Float32Array.from(data) }),
})

describe('inserting', () => {
  const ways: [string, (ask: Ask, id: string, metadata?: object) => Promise<unknown>][] = [
    ['insert', (ask, id, metadata) => ask('POST', `${at}/insert`, { id, vector: [1, 2], metadata })],
    [
      'batch_insert',
      (ask, id, metadata) =>
        ask('POST', `${at}/batch_insert`, { vectors: [{ id, vector: [1, 2], metadata }] }),
    ],
    ...['embedding', 'vector', 'data'].flatMap((values) =>
      ['payload', 'metadata'].map((name): (typeof ways)[0] => [
        `insert_vectors with ${values} and ${name}`,
        (ask, id, metadata) =>
          ask('POST', '/insert_vectors', {
            collection: 'things',
            vectors: [{ id, [values]: [1, 2], [name]: metadata }],
          }),
      ]),
    ),
    [
      'points',
      (ask, id, metadata) =>
        ask('PUT', '/qdrant/collections/things/points', {
          points: [{ id, vector: [1, 2], payload: metadata }],
        }),
    ],
  ]
  test.each(ways)(
    'by %s stores what the same call in process does, and replaces what is there',
    async (_, insert) => {
      const { client, ask } = await servingThings(['a'])
      const metadata = { deep: { list: [1, null, 'é'] }, '': true }
      for (const [id, one] of [
        ['a', undefined],
        ['b', metadata],
        ['c', {}],
      ] as const) {
        expect(await insert(ask, id, one)).toMatchObject({ status: 200 })
        const expected = { id, data: Float32Array.of(1, 2), ...(one && { metadata: one }) }
        expect(await client.getVector('things', id)).toStrictEqual(expected)
        expect(read((await ask('GET', `${at}/vectors/${id}`)).json)).toStrictEqual(await told(client, id))
      }
    },
  )

  test('makes ids where none are given, and takes null for what is left out', async () => {
    const { client, ask } = await servingThings()
    const { json } = await ask('POST', `${at}/batch_insert`, {
      vectors: [
        { vector: [1, 2] },
        { id: null, vector: [3, 4], text: null, metadata: null },
        { text: 'a text' },
      ],
    })
    expect(json).toStrictEqual({ inserted: 3, ids: expect.any(Array) })
    expect(new Set(json.ids).size).toBe(3)
    expect((await client.listVectors('things')).vectors.map(({ id }) => id)).toStrictEqual(json.ids)
    expect((await client.getVector('things', json.ids[2])).text).toBe('a text')
    const one = await ask('POST', '/insert', { collection: 'things', text: 'another' })
    expect(one.json).toMatchObject({ status: 'inserted', vectors_created: 1, vector_ids: [one.json.id] })
  })

  test('keeps numbers as they are in 32 bits', async () => {
    const { client, ask } = await serving()
    const float = fc.float({ noDefaultInfinity: true, noNaN: true })
    await client.createCollection('things', { dimension: 3, metric: 'euclidean' })
    await fc.assert(
      fc.asyncProperty(fc.tuple(float, float, float), async (vector) => {
        await ask('POST', `${at}/insert`, { id: 'a', vector })
        const { data } = await client.getVector('things', 'a')
        // JSON has no -0 here: `JSON.stringify` drops its sign.
        expect([...data]).toStrictEqual(vector.map((value) => value + 0))
        expect(read((await ask('GET', `${at}/vectors/a`)).json).vector).toStrictEqual(data)
      }),
    )
  })

  test.each<[string, unknown, string]>([
    ['neither a vector nor a text', { id: 'x' }, 'vector'],
    ['an empty text', { text: '' }, 'text'],
    ['a vector of texts', { vector: ['1', '2'] }, 'vector'],
    ['a vector with null', { vector: [1, null] }, 'vector'],
    ['a vector of zeros', { vector: [0, 0] }, 'vector'],
    ['metadata that is a list', { vector: [1, 2], metadata: [] }, 'metadata'],
    ['metadata that is a text', { vector: [1, 2], metadata: '{}' }, 'metadata'],
    ['an id that is a number', { id: 1, vector: [1, 2] }, 'id'],
    ['a misspelt key', { vector: [1, 2], metdata: {} }, 'metdata'],
  ])('with %s among others is refused by its place, and inserts none', async (_, wrong, key) => {
    const { client, ask } = await servingThings(['a'])
    const before = await everything(client)
    const single = await ask('POST', `${at}/insert`, wrong)
    expect(refusal(single)).toStrictEqual(INVALID)
    const vectors = [{ id: 'b', vector: [1, 2] }, wrong]
    const batch = await ask('POST', `${at}/batch_insert`, { vectors })
    expect(refusal(batch)).toStrictEqual(INVALID)
    expect(batch.json.message).toContain('vectors[1]')
    expect(batch.json.message).toContain(key)
    expect(await everything(client)).toStrictEqual(before)
  })

  test('a vector of a wrong length tells both lengths', async () => {
    const { client, ask } = await servingThings(['a'])
    const vectors = [{ vector: [1, 2] }, { vector: [1, 2, 3] }]
    for (const answer of [
      await ask('POST', `${at}/batch_insert`, { vectors }),
      await ask('PUT', `${at}/vectors/a`, { vector: [1, 2, 3] }),
      await ask('POST', `${at}/search`, { vector: [1, 2, 3] }),
    ]) {
      expect(refusal(answer)).toStrictEqual({ status: 400, code: 'DIMENSION_MISMATCH', expected: 2, got: 3 })
    }
    expect(await client.count('things')).toBe(1)
  })

  const wide = [1, 2, 3]
  const one = { vector: [1, 2] }
  const things = { collection: 'things' }
  test.each<[string, string, object, string]>([
    ['POST', `${at}/insert`, { vector: wide }, 'body.vector has 3 dimensions'],
    ['POST', `${at}/insert`, { vector: [1, 1e39] }, 'body.vector[1]: number out of range'],
    ['POST', `${at}/insert`, { ...one, id: '' }, 'body.id is empty'],
    ['POST', `${at}/batch_insert`, { vectors: [one, { vector: wide }] }, 'body.vectors[1].vector has 3'],
    [
      'POST',
      `${at}/batch_insert`,
      { vectors: [one, { vector: [1, 1e39] }] },
      'body.vectors[1].vector[1]: number out of range',
    ],
    ['POST', `${at}/batch_insert`, { vectors: [one, { ...one, id: '' }] }, 'body.vectors[1].id is empty'],
    [
      'POST',
      '/insert_vectors',
      { ...things, vectors: [{ embedding: wide }] },
      'body.vectors[0].embedding has 3',
    ],
    ['POST', '/insert_vectors', { ...things, vectors: [{ vector: wide }] }, 'body.vectors[0].vector has 3'],
    [
      'POST',
      '/insert_vectors',
      { ...things, vectors: [{ data: [0, 0] }] },
      'body.vectors[0].data is all zeros',
    ],
    ['POST', '/insert_vectors', { ...things, vectors: [{}] }, 'body.vectors[0]: give the values once'],
    [
      'POST',
      '/insert_vectors',
      { ...things, vectors: [{ data: [1, 2], vector: [1, 2] }] },
      'body.vectors[0]: give the values once',
    ],
    [
      'PUT',
      '/qdrant/collections/things/points',
      { points: [{ id: 1, vector: wide }] },
      'body.points[0].vector has 3 dimensions',
    ],
    ['PUT', `${at}/vectors/a`, { vector: wide }, 'body.vector has 3 dimensions'],
    ['POST', '/update', { ...things, id: 'a', vector: wide }, 'body.vector has 3 dimensions'],
    ['POST', '/update', { ...things, id: 'a', data: wide }, 'body.data has 3 dimensions'],
    ['POST', '/update', { ...things, id: 'a', data: [1, 2], vector: [1, 2] }, 'body: give the values once'],
    ['POST', `${at}/search`, { vector: wide }, 'body.vector has 3 dimensions'],
    [
      'POST',
      `${at}/search`,
      { vector: [1, 1e39], filter: { name: 'a' } },
      'body.vector[1]: number out of range',
    ],
    ['POST', '/search', { ...things, vector: wide }, 'body.vector has 3 dimensions'],
  ])(
    'a vector that is refused is called what the body calls it: %s %s %j',
    async (method, path, body, begin) => {
      const { client, ask } = await servingThings(['a'])
      const answer = await ask(method, path, body)
      expect(refusal(answer)).toMatchObject({ status: 400 })
      expect(answer.json.message.slice(0, begin.length)).toBe(begin)
      expect(await client.count('things')).toBe(1)
    },
  )
})

describe.each(['PUT', 'PATCH', 'POST'])('updating with %s', (method) => {
  const update = (ask: Ask, id: string, body: object) =>
    method === 'POST'
      ? ask('POST', '/update', { collection: 'things', id, ...body })
      : ask(method, `${at}/vectors/${id}`, body)

  test('replaces what is given, and answers with what is there then', async () => {
    const { client, ask } = await servingThings(['a'])
    for (const body of [
      { vector: [5, 6] },
      { metadata: { only: 'this' } },
      { text: 'a text' },
      { vector: [7, 8], text: 'another', metadata: null },
      { metadata: {} },
    ]) {
      const before = await told(client, 'a')
      const { status, json } = await update(ask, 'a', body)
      expect(status).toBe(200)
      expect(read(json)).toStrictEqual(await told(client, 'a'))
      if (!('metadata' in body && body.metadata)) expect(json.metadata).toStrictEqual(before.metadata)
      if (!('vector' in body || 'text' in body)) expect(read(json).vector).toStrictEqual(before.vector)
    }
    expect(await client.getVector('things', 'a')).toStrictEqual({
      id: 'a',
      data: Float32Array.of(7, 8),
      metadata: {},
      text: 'another',
    })
  })

  test('refuses what is none, and changes nothing', async () => {
    const { client, ask } = await servingThings(['a'])
    const before = await everything(client)
    for (const body of [
      {},
      { text: '' },
      { metadata: [] },
      { vector: [] },
      { id: 'b', x: 1 },
      { vector: null },
    ]) {
      expect(refusal(await update(ask, 'a', body)).status).toBe(400)
    }
    expect(refusal(await update(ask, 'nobody', { metadata: {} }))).toStrictEqual({
      status: 404,
      code: 'VECTOR_NOT_FOUND',
    })
    expect(await everything(client)).toStrictEqual(before)
  })
})

test('pages are those of the list in process, and ids are looked up in the order they are asked for', async () => {
  const ids = Array.from({ length: 25 }, (_, i) => `${i}`)
  const { client, ask } = await servingThings(ids)
  const page = async (query: string) => (await ask('GET', `${at}/vectors${query}`)).json
  const idsOf = ({ vectors }: { vectors: { id: string }[] }) => vectors.map(({ id }) => id)
  expect(await page('')).toMatchObject({ total: 25, limit: 10, offset: 0 })
  for (const [query, from, to] of [
    ['', 0, 10],
    ['?limit=7', 0, 7],
    ['?offset=20', 20, 25],
    ['?limit=3&offset=4', 4, 7],
    ['?limit=1000000', 0, 25],
    ['?offset=1000000', 25, 25],
    [`?limit=${Number.MAX_SAFE_INTEGER}&offset=${Number.MAX_SAFE_INTEGER}`, 25, 25],
  ] as const) {
    const listed = await page(query)
    expect(idsOf(listed)).toStrictEqual(ids.slice(from, to))
    for (const vector of listed.vectors) {
      const { data: _, ...rest } = await told(client, vector.id)
      expect(read(vector)).toStrictEqual(rest)
    }
  }
  expect(idsOf(await page('?ids=7,nobody,3,20'))).toStrictEqual(['7', '3', '20'])
  expect(await page('?ids=7,3,20&limit=1&offset=1')).toMatchObject({ total: 3, limit: 1, offset: 1 })
  expect(refusal(await ask('GET', `${at}/vectors?page=1`))).toStrictEqual(INVALID)
})

test('collections are made, told of and deleted as in process', async () => {
  const { client, ask } = await serving()
  const summaries: { name: string }[] = []
  const hnsw = { m: 8, ef_construction: 50, ef_search: 20, builder: 'hnsw_rs' }
  for (const [name, more] of [
    ['plain', {}],
    ['far', { metric: 'euclidean' }],
    ['sdk', { similarity_metric: 'dot_product' }],
    ['tuned', { hnsw, metric: null }],
  ] as const) {
    const { status, json } = await ask('POST', '/collections', { name, dimension: 3, ...more })
    expect(status).toBe(201)
    const { similarity_metric: metric, ...info } = await client.getCollectionInfo(name)
    const bytes = expect.any(Number)
    const { json: details } = await ask('GET', `/collections/${name}`)
    expect(details).toStrictEqual({ ...info, metric, size_bytes: bytes })
    const { dimension, vector_count, created_at } = info
    const summary = { name, dimension, metric, vector_count, created_at }
    summaries.push(summary)
    expect(json).toStrictEqual({ ...summary, collection: name, message: `collection '${name}' created` })
    expect(refusal(await ask('POST', '/collections', { name, dimension: 3 }))).toMatchObject({ status: 409 })
  }
  const { json } = await ask('GET', '/collections')
  expect(json).toStrictEqual({ collections: summaries.sort((a, b) => (a.name < b.name ? -1 : 1)), total: 4 })
  expect((await ask('POST', '/collections/tuned/optimize')).json).toMatchObject({ success: true })
  expect((await ask('DELETE', '/collections/plain')).json).toMatchObject({ success: true })
  expect(refusal(await ask('DELETE', '/collections/plain'))).toMatchObject({ code: 'COLLECTION_NOT_FOUND' })
  for (const wrong of [
    { dimension: 0 },
    { dimension: 65_536 },
    { dimension: 2.5 },
    { metric: 'manhattan' },
    { hnsw: { m: 3 } },
  ]) {
    const answer = await ask('POST', '/collections', { name: 'new', dimension: 2, ...wrong })
    expect(refusal(answer)).toStrictEqual(INVALID)
  }
  expect(await client.listCollections()).toHaveLength(3)
})
