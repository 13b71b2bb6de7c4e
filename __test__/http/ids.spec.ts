// Ids in paths: whatever an id is, a request means that one and no other.
import fc from 'fast-check'
import { idsOf } from '../support/collections'
import { refusal, serving, servingThings } from '../support/http'
import { jsonLines, lines, Wire } from '../support/wire'

const path = (id: string) => `/collections/things/vectors/${encodeURIComponent(id)}`

const hostile = [
  'a/b',
  '/',
  '//',
  '../a',
  '..',
  '.',
  '%',
  '%2F',
  '%2e%2e',
  '%zz',
  'a%00',
  'a?b',
  '?',
  'a#b',
  'a b',
  ' ',
  'a+b',
  'a;b=c',
  'a,b',
  '{id}',
  '{collection}',
  '*',
  ':id',
  '\\',
  '"',
  "'",
  '<script>',
  '\u0000',
  '\n',
  '\r\nX: y',
  '\t',
  '\u007f',
  '\u0085',
  'é',
  'e\u0301',
  'ß',
  '😀',
  '\u202e',
  '\ufeff',
  '\uffff',
  'delete_by_filter',
  'bulk_update_metadata',
  'move',
  'copy',
  'vectors',
  'search',
  'null',
  '0',
  '-1',
  'A',
  'x'.repeat(1024),
  '😀'.repeat(256),
  '%'.repeat(1024),
]

describe('the id', () => {
  test.each(hostile)('%j is that of one vector', async (id) => {
    const others = [
      `${id}x`,
      'a',
      'b',
      decode(id),
      encodeURIComponent(id),
      id.normalize(),
      id.toLowerCase(),
    ].filter((other) => other !== id && other !== '' && Buffer.byteLength(other) <= 1024)
    const { client, ask } = await servingThings([...new Set(others)])
    expect(refusal(await ask('GET', path(id)))).toMatchObject({ status: 404, code: 'VECTOR_NOT_FOUND' })
    expect(refusal(await ask('DELETE', path(id)))).toMatchObject({ status: 404, code: 'VECTOR_NOT_FOUND' })

    const inserted = await ask('POST', '/collections/things/insert', { id, vector: [1, 2] })
    expect(inserted.json).toStrictEqual({ id, status: 'inserted' })
    expect((await ask('GET', path(id))).json).toStrictEqual({ id, vector: [1, 2], data: [1, 2] })
    expect((await ask('PUT', path(id), { vector: [2, 3] })).json).toMatchObject({ id, vector: [2, 3] })
    expect((await ask('PATCH', path(id), { metadata: { n: 1 } })).json).toMatchObject({
      id,
      metadata: { n: 1 },
    })
    expect((await client.getVector('things', id)).metadata).toStrictEqual({ n: 1 })
    const expires_at = Date.UTC(2100, 0, 1)
    expect((await ask('PATCH', `${path(id)}/expiry`, { expires_at })).json).toMatchObject({ id, expires_at })
    expect((await client.getVector('things', id)).expires_at).toBe(expires_at)

    expect((await ask('DELETE', path(id))).json).toMatchObject({ success: true })
    expect(await idsOf(client)).toStrictEqual([...new Set(others)])
    expect((await ask('DELETE', path(id))).status).toBe(404)
  })

  test('is any text of up to 1,024 bytes, and a delete of it leaves all others', async () => {
    const { client, ask } = await serving()
    await client.createCollection('things', { dimension: 2 })
    const id = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(id, { minLength: 1, maxLength: 6 }), async ([first, ...others]) => {
        const vectors = [first, ...others].map((id, i) => ({ id, vector: [1, i] }))
        const { json } = await ask('POST', '/collections/things/batch_insert', { vectors })
        expect(json.ids).toStrictEqual([first, ...others])
        expect((await ask('GET', path(first))).json.id).toBe(first)
        expect((await ask('DELETE', path(first))).status).toBe(200)
        expect((await ask('DELETE', path(first))).status).toBe(404)
        expect(await idsOf(client)).toStrictEqual(others)
        const report = await ask('POST', '/collections/things/batch_delete', { ids: others })
        expect(report.json).toMatchObject({ deleted: others.length, failed: 0 })
      }),
      { numRuns: 200 },
    )
  })

  test('may be escaped more than it has to be', async () => {
    const { client, ask } = await servingThings(['abc', '%61bc', '..'])
    expect((await ask('DELETE', '/collections/%74hings/vectors/%61%62%63')).status).toBe(200)
    expect(await idsOf(client)).toStrictEqual(['%61bc', '..'])
    expect((await ask('DELETE', '/collections/things/vectors/%2e%2E')).status).toBe(200)
    expect((await ask('DELETE', '/collections/things/vectors/%2561bc')).status).toBe(200)
    expect(await idsOf(client)).toStrictEqual([])
  })

  test.each([0, 1025, 4096])('of %d bytes cannot be inserted', async (length) => {
    const { client, ask } = await servingThings(['a'])
    const id = 'x'.repeat(length)
    for (const [route, body] of [
      ['/collections/things/insert', { id, vector: [1, 2] }],
      [
        '/collections/things/batch_insert',
        {
          vectors: [
            { id: 'b', vector: [1, 2] },
            { id, vector: [1, 2] },
          ],
        },
      ],
      ['/insert_vectors', { collection: 'things', vectors: [{ id, data: [1, 2] }] }],
      ['/insert_texts', { collection: 'things', texts: [{ id, text: 'a' }] }],
      ['/insert', { collection: 'things', id, text: 'a' }],
    ] as const) {
      expect(refusal(await ask('POST', route, body))).toStrictEqual({ status: 400, code: 'VALIDATION_ERROR' })
    }
    const qdrant = await ask('PUT', '/qdrant/collections/things/points', { points: [{ id, vector: [1, 2] }] })
    expect(refusal(qdrant)).toStrictEqual({ status: 400, code: 'VALIDATION_ERROR' })
    expect(await idsOf(client)).toStrictEqual(['a'])
  })
})

/** What the id would be, were it escaped. */
function decode(id: string) {
  try {
    return decodeURIComponent(id)
  } catch {
    return id
  }
}

describe('a path that is', () => {
  test.each([
    ['without an id', 'DELETE', '/collections/things/vectors/', 404],
    ['without an id and a slash', 'DELETE', '/collections/things/vectors', 405],
    ['without a collection', 'DELETE', '/collections/', 404],
    ['without a collection and a slash', 'DELETE', '/collections', 405],
    ['with an empty collection', 'DELETE', '/collections//vectors/a', 400],
    ['with a slash behind', 'DELETE', '/collections/things/vectors/a/', 404],
    ['with a slash before', 'DELETE', '//collections/things/vectors/a', 404],
    ['with a slash in the id', 'DELETE', '/collections/things/vectors/a/b', 404],
    ['of the expiry of a vector', 'DELETE', '/collections/things/vectors/a/expiry', 405],
    ['with steps', 'DELETE', '/collections/things/vectors/../vectors/a', 404],
    ['with escaped slashes', 'DELETE', '/collections/things%2Fvectors%2Fa', 400],
    ['with steps as a collection', 'DELETE', '/collections/..', 400],
    ['with escaped steps as a collection', 'DELETE', '/collections/%2e%2e/vectors/a', 400],
    ['in capitals', 'DELETE', '/Collections/things/vectors/a', 404],
    ['of a collection in capitals', 'DELETE', '/collections/THINGS/vectors/a', 404],
    ['not of UTF-8', 'DELETE', '/collections/things/vectors/%FF', 400],
    ['of half a character', 'DELETE', '/collections/things/vectors/a%C3', 400],
    ['of a surrogate', 'DELETE', '/collections/things/vectors/%ED%A0%80', 400],
    ['of an overlong slash', 'DELETE', '/collections/things/vectors/a%C0%AFb', 400],
    ['not escaped right', 'DELETE', '/collections/things/vectors/a%', 404],
    ['not escaped in hexadecimal', 'DELETE', '/collections/things/vectors/%6', 404],
    ['with a space', 'DELETE', '/collections/things/vectors/a%20', 404],
    ['of another method', 'POST', '/collections/things/vectors/a', 405],
    ['of a method that does not exist', 'PURGE', '/collections/things', 405],
  ])('%s deletes nothing', async (_, method, path, status) => {
    const { client, ask } = await servingThings(['a', 'b'])
    expect(refusal(await ask(method, path))).toMatchObject({ status })
    expect(await idsOf(client)).toStrictEqual(['a', 'b'])
  })

  test.each([
    ['a space', '/collections/things/vectors/a b'],
    ['a space at the end', '/collections/things/vectors/a '],
    ['a tab', '/collections/things/vectors/a\tb'],
    ['a null', '/collections/things/vectors/a\u0000'],
    ['no slash', 'collections/things/vectors/a'],
    ['nothing', ''],
    ['a scheme', 'file:///collections/things/vectors/a'],
  ])('written with %s where it cannot stand deletes nothing', async (_, path) => {
    const { client, server } = await servingThings(['a', 'b'])
    const wire = await Wire.to(server)
    wire.say(...lines('DELETE', path))
    expect((await wire.answer())?.status).toBe(400)
    expect(await idsOf(client)).toStrictEqual(['a', 'b'])
  })

  test('written in UTF-8 means what it says', async () => {
    const { client, server } = await servingThings(['a', 'é', '😀'])
    for (const id of ['é', '😀']) {
      const wire = await Wire.to(server)
      wire.say(...lines('DELETE', `/collections/things/vectors/${id}`))
      expect((await wire.answer())?.status).toBe(200)
    }
    expect(await idsOf(client)).toStrictEqual(['a'])
  })
})

test('a collection named like a route, or like nothing else, is one', async () => {
  const { client, ask, server } = await serving()
  for (const name of [
    'vectors',
    'search',
    'empty',
    'cleanup',
    'a b',
    'é "q" <>',
    '%2F',
    '%',
    '?',
    '#',
    '...',
    '😀',
    'x'.repeat(255),
  ]) {
    const at = `/collections/${encodeURIComponent(name)}`
    expect((await ask('POST', '/collections', { name, dimension: 2 })).json).toMatchObject({
      name,
      collection: name,
    })
    await ask('POST', `${at}/insert`, { id: 'a', vector: [1, 2] })
    expect((await ask('DELETE', `${at}/vectors/a`)).json).toMatchObject({ success: true })
    expect((await ask('GET', at)).json).toMatchObject({ name, vector_count: 0 })
    expect((await ask('DELETE', at)).json).toMatchObject({ success: true })
  }
  for (const name of ['', '.', '..', 'a/b', 'a\\b', 'a\nb', '\u0000', '\u0085', 'é'.repeat(128)]) {
    const wire = await Wire.to(server)
    wire.say(...jsonLines('POST', '/collections', { name, dimension: 2 }))
    expect((await wire.answer())?.json.error.code).toBe('VALIDATION_ERROR')
  }
  expect(await client.listCollections()).toStrictEqual([])
})
