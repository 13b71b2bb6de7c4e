// Expiry over HTTP: how it is told, what is answered, and which vectors are left.
import { setTimeout as sleep } from 'node:timers/promises'
import type { VectorizerClient } from '../..'
import { everything, idsOf } from '../support/collections'
import { type Ask, refusal, servingThings } from '../support/http'
import { parse, sampleOf } from '../support/openmetrics'

const INVALID = { status: 400, code: 'VALIDATION_ERROR' }
const MISSING = { status: 404, code: 'VECTOR_NOT_FOUND' }
const NOWHERE = { status: 404, code: 'COLLECTION_NOT_FOUND' }
const at = '/collections/things'

/** A time that no test will see, in both forms. */
const LATER = Date.UTC(2100, 0, 1)
const LATER_TEXT = '2100-01-01T00:00:00Z'

const expiryOf = async (client: VectorizerClient, id = 'a') =>
  (await client.getVector('things', id)).expires_at

/** Waits until nothing that has expired is left. */
async function erased(client: VectorizerClient) {
  while ((await client.getCollectionInfo('things')).expired > 0) await sleep(10)
}

/** Each route that inserts, with the place of the vector. */
const inserts: [
  way: string,
  place: string,
  insert: (ask: Ask, id: string, expires_at: unknown) => ReturnType<Ask>,
][] = [
  [
    'insert',
    'body',
    (ask, id, expires_at) => ask('POST', `${at}/insert`, { id, vector: [1, 2], expires_at }),
  ],
  [
    'insert of a text',
    'body',
    (ask, id, expires_at) => ask('POST', `${at}/insert`, { id, text: 'a text', expires_at }),
  ],
  [
    'batch_insert',
    'body.vectors[1]',
    (ask, id, expires_at) => {
      const vectors = [
        { id: 'other', text: 'a text' },
        { id, vector: [1, 2], expires_at },
      ]
      return ask('POST', `${at}/batch_insert`, { vectors })
    },
  ],
  [
    '/insert',
    'body',
    (ask, id, expires_at) => ask('POST', '/insert', { collection: 'things', id, text: 'a text', expires_at }),
  ],
  [
    '/insert_texts',
    'body.texts[0]',
    (ask, id, expires_at) =>
      ask('POST', '/insert_texts', { collection: 'things', texts: [{ id, text: 'a text', expires_at }] }),
  ],
  [
    '/insert_vectors',
    'body.vectors[0]',
    (ask, id, expires_at) =>
      ask('POST', '/insert_vectors', { collection: 'things', vectors: [{ id, data: [1, 2], expires_at }] }),
  ],
  [
    'points',
    'body.points[0]',
    (ask, id, expires_at) =>
      ask('PUT', '/qdrant/collections/things/points', { points: [{ id, vector: [1, 2], expires_at }] }),
  ],
]

/** Each route that changes the expiry of a vector. */
const changes: [string, (ask: Ask, id: string, expires_at: unknown) => ReturnType<Ask>][] = [
  ['PUT', (ask, id, expires_at) => ask('PUT', `${at}/vectors/${id}`, { expires_at })],
  ['PATCH', (ask, id, expires_at) => ask('PATCH', `${at}/vectors/${id}`, { expires_at })],
  ['POST /update', (ask, id, expires_at) => ask('POST', '/update', { collection: 'things', id, expires_at })],
  ['PATCH …/expiry', (ask, id, expires_at) => ask('PATCH', `${at}/vectors/${id}/expiry`, { expires_at })],
]

/** What is no expiry. */
const wrong = [
  ...[-1, 0.5, 8_640_000_000_000_001, true, [], {}, '', 'tomorrow', `${LATER}`],
  ...['2100-01-01', '2100-01-01T00:00:00', '2100-02-30T00:00:00Z', '1969-12-31T23:59:59Z'],
]

describe.each(inserts)('inserting what expires by %s', (_, place, insert) => {
  test.each<[unknown, number | undefined]>([
    [LATER, LATER],
    [LATER_TEXT, LATER],
    ['2100-01-01T01:30:00.1239+01:30', LATER + 123],
    [8_640_000_000_000_000, 8_640_000_000_000_000],
    [null, undefined],
    [undefined, undefined],
  ])('takes %j', async (expires_at, expected) => {
    const { client, ask } = await servingThings(['a'])
    await client.setVectorExpiry('things', 'a', Date.UTC(2099, 0, 1))
    expect((await insert(ask, 'a', expires_at)).status).toBe(200)
    // Replacing a vector replaces its expiry, also by none.
    expect(await expiryOf(client)).toBe(expected)
  })

  test('in the past inserts a vector that nobody finds', async () => {
    const { client, ask } = await servingThings(['a'])
    expect((await insert(ask, 'gone', 1)).status).toBe(200)
    expect(refusal(await ask('GET', `${at}/vectors/gone`))).toStrictEqual(MISSING)
    expect(await idsOf(client)).not.toContain('gone')
    await erased(client)
  })

  test.each(wrong)('refuses %j by its place, and inserts nothing', async (expires_at) => {
    const { client, ask } = await servingThings(['a'])
    const before = await everything(client)
    const answer = await insert(ask, 'b', expires_at)
    expect(refusal(answer)).toStrictEqual(INVALID)
    const begin = `${place}.expires_at: invalid `
    expect(answer.json.message.slice(0, begin.length)).toBe(begin)
    expect(answer.json.message).toMatch(/milliseconds since 1970.*RFC 3339/)
    expect(await everything(client)).toStrictEqual(before)
  })
})

describe.each(changes)('changing an expiry with %s', (_, change) => {
  test('sets it, also to one in the past, and lifts it', async () => {
    const { client, ask } = await servingThings(['a', 'b'])
    for (const [given, expected] of [
      [LATER, LATER],
      ['2100-01-01T00:00:00.001Z', LATER + 1],
      [null, undefined],
    ] as const) {
      expect((await change(ask, 'a', given)).status).toBe(200)
      expect(await expiryOf(client)).toBe(expected)
    }
    expect((await change(ask, 'a', 0)).json).toMatchObject({ id: 'a', expires_at: 0 })
    expect(await idsOf(client)).toStrictEqual(['b'])
    expect(refusal(await change(ask, 'a', null))).toStrictEqual(MISSING)
  })

  test.each(wrong)('refuses %j, and changes nothing', async (expires_at) => {
    const { client, ask } = await servingThings(['a'])
    await client.setVectorExpiry('things', 'a', LATER)
    const answer = await change(ask, 'a', expires_at)
    expect(refusal(answer)).toStrictEqual(INVALID)
    expect(answer.json.message).toMatch(/^body\.expires_at: invalid /)
    expect(await expiryOf(client)).toBe(LATER)
  })

  test('of a vector that does not exist fails', async () => {
    const { ask } = await servingThings(['a'])
    expect(refusal(await change(ask, 'nobody', LATER))).toStrictEqual(MISSING)
  })
})

test('an update without an expiry keeps it', async () => {
  const { client, ask } = await servingThings(['a'])
  await client.setVectorExpiry('things', 'a', LATER)
  for (const body of [{ metadata: { n: 1 } }, { vector: [5, 6] }, { text: 'a text' }]) {
    expect((await ask('PUT', `${at}/vectors/a`, body)).json.expires_at).toBe(LATER)
  }
  expect(await expiryOf(client)).toBe(LATER)
})

describe('the route for an expiry alone', () => {
  test('answers as the call in process', async () => {
    const { client, ask } = await servingThings(['a'])
    for (const expires_at of [LATER, null]) {
      const { status, json } = await ask('PATCH', `${at}/vectors/a/expiry`, { expires_at })
      expect(status).toBe(200)
      expect(json).toStrictEqual({ id: 'a', collection: 'things', expires_at, status: 'updated' })
      expect(await client.setVectorExpiry('things', 'a', expires_at)).toStrictEqual(json)
    }
  })

  test('has to be told one: nothing is lifted by mistake', async () => {
    const { client, ask } = await servingThings(['a'])
    await client.setVectorExpiry('things', 'a', LATER)
    for (const body of [{}, { expiresAt: null }, { expires_at: null, ttl_secs: 1 }, [null]]) {
      expect(refusal(await ask('PATCH', `${at}/vectors/a/expiry`, body))).toStrictEqual(INVALID)
    }
    expect(refusal(await ask('PATCH', '/collections/no/vectors/a/expiry', { expires_at: 1 }))).toStrictEqual(
      NOWHERE,
    )
    expect(await expiryOf(client)).toBe(LATER)
  })

  test('is for the vector whose id is like a route, too', async () => {
    const { client, ask } = await servingThings(['delete_by_filter', 'expiry', 'a/expiry', 'a'])
    for (const id of ['delete_by_filter', 'expiry', 'a/expiry']) {
      const path = `${at}/vectors/${encodeURIComponent(id)}`
      expect((await ask('PATCH', `${path}/expiry`, { expires_at: LATER })).json.id).toBe(id)
      expect((await ask('GET', path)).json.expires_at).toBe(LATER)
    }
    expect(await expiryOf(client)).toBeUndefined()
  })
})

test('every answer with a vector tells when it expires, and if it does not, nothing', async () => {
  const { client, ask } = await servingThings(['a', 'b'])
  await client.setVectorExpiry('things', 'a', LATER)
  const filter = { name: ['a', 'b'] }
  const answers: [string, string, unknown, string][] = [
    ['GET', `${at}/vectors`, undefined, 'vectors'],
    ['GET', `${at}/vectors?ids=a,b`, undefined, 'vectors'],
    ['POST', `${at}/scan`, {}, 'vectors'],
    ['POST', `${at}/scan`, { filter, with_vector: true }, 'vectors'],
    ['POST', `${at}/search`, { vector: [1, 0] }, 'results'],
    ['POST', `${at}/search`, { query: '', filter }, 'results'],
    ['POST', `${at}/search/text`, { query: 'a text', with_vector: true }, 'results'],
    ['POST', '/search', { collection: 'things', vector: [1, 0] }, 'results'],
    ['POST', `${at}/delete_by_filter`, { filter, dry_run: true, rows: 2 }, 'rows'],
  ]
  for (const [method, path, body, key] of answers) {
    const { status, json } = await ask(method, path, body)
    expect([path, status]).toStrictEqual([path, 200])
    const told = json[key].map((row: { id: string }) => ['expires_at' in row, row])
    expect(told.length).toBe(2)
    for (const [has, row] of told) {
      expect([path, row.id, has, row.expires_at]).toStrictEqual([
        path,
        row.id,
        row.id === 'a',
        row.id === 'a' ? LATER : undefined,
      ])
    }
  }
  expect((await ask('GET', `${at}/vectors/a`)).json.expires_at).toBe(LATER)
  expect((await ask('GET', `${at}/vectors/b`)).json).not.toHaveProperty('expires_at')
})

describe('the TTL of a collection', () => {
  test('is set and lifted as in process, and told of', async () => {
    const { client, ask } = await servingThings(['a'])
    const told = async () => (await ask('GET', at)).json
    expect(await told()).toMatchObject({ ttl_secs: null, expired: 0 })
    for (const ttl_secs of [4_294_967_295, 3600, null]) {
      const { status, json } = await ask('POST', `${at}/ttl`, { ttl_secs })
      expect(status).toBe(200)
      expect(json).toStrictEqual({ collection: 'things', ttl_secs, status: 'updated' })
      expect(await client.setCollectionTtl('things', ttl_secs)).toStrictEqual(json)
      expect(await told()).toMatchObject({ ttl_secs, expired: 0 })
      expect((await client.getCollectionInfo('things')).ttl_secs).toBe(ttl_secs)
      const { expires_at } = (await ask('GET', `${at}/vectors/a`)).json
      expect(typeof expires_at).toBe(ttl_secs === null ? 'undefined' : 'number')
    }
  })

  test.each([
    [{}],
    [{ ttl_secs: 0 }],
    [{ ttl_secs: -1 }],
    [{ ttl_secs: 1.5 }],
    [{ ttl_secs: 4_294_967_296 }],
    [{ ttl_secs: '3600' }],
    [{ ttl_secs: 3600, unit: 's' }],
    [{ ttl: 3600 }],
    [[3600]],
  ])('is not %j', async (body) => {
    const { client, ask } = await servingThings(['a'])
    await client.setCollectionTtl('things', 3600)
    const answer = await ask('POST', `${at}/ttl`, body)
    expect(refusal(answer)).toStrictEqual(INVALID)
    expect(answer.json.message).toMatch(/^body/)
    if (Object.keys(body).join() === 'ttl_secs') {
      expect(answer.json.message).toContain('a whole number of seconds from 1 to 4294967295')
    }
    expect((await client.getCollectionInfo('things')).ttl_secs).toBe(3600)
    expect(refusal(await ask('POST', '/collections/no/ttl', { ttl_secs: 1 }))).toStrictEqual(NOWHERE)
  })
})

test('a vector that expires is gone from every answer, and erased, and its id is free', async () => {
  const { client, ask } = await servingThings(['a', 'b'])
  const metric = async (name: string, labels = {}) =>
    sampleOf(parse((await ask('GET', '/metrics')).text), `vectorizer_${name}`, labels)
  await ask('PATCH', `${at}/vectors/b/expiry`, { expires_at: Date.now() + 20 })
  while ((await ask('GET', `${at}/vectors/b`)).status === 200) await sleep(1)
  expect((await ask('GET', at)).json.vector_count).toBe(1)
  expect((await ask('POST', `${at}/search`, { vector: [1, 1] })).json.total).toBe(1)
  expect((await ask('GET', `${at}/vectors?ids=a,b`)).json.total).toBe(1)
  expect((await ask('POST', `${at}/batch_delete`, { ids: ['b'] })).json).toMatchObject({
    deleted: 0,
    failed: 1,
  })
  expect(await metric('vectors', { collection: 'things' })).toBe(1)
  await erased(client)
  expect((await ask('GET', at)).json.expired).toBe(0)
  expect(await metric('expired_vectors', { collection: 'things' })).toBe(0)
  expect((await ask('POST', `${at}/insert`, { id: 'b', vector: [1, 2] })).status).toBe(200)
  expect(await idsOf(client)).toStrictEqual(['a', 'b'])
})

test('erasure that is not paused is resumed without effect', async () => {
  const { ask } = await servingThings(['a'])
  const { text } = await ask('GET', '/metrics')
  expect(sampleOf(parse(text), 'vectorizer_expiry_paused')).toBe(0)
  for (let i = 0; i < 2; i++) {
    const { status, json } = await ask('POST', '/expiry/resume')
    expect(status).toBe(200)
    expect(json).toStrictEqual({ success: true, message: 'expiry is not paused' })
  }
  expect(refusal(await ask('POST', '/expiry/resume?all=true'))).toStrictEqual(INVALID)
})

test('a time is read as in process, in every form', async () => {
  const { client, ask } = await servingThings(['a'])
  for (const text of [
    LATER_TEXT,
    '2100-01-01t00:00:00z',
    '2100-01-01T00:00:00.5Z',
    '2100-01-01T00:00:00.0019999999999Z',
    '2100-01-01T00:00:00.999999999999999999999Z',
    '2100-01-01T00:00:00-00:00',
    '2100-01-01T00:00:00+23:59',
    '2100-01-01T00:00:00-23:59',
    '9999-12-31T23:59:59Z',
    '1970-01-01T00:59:00+01:00',
    '1969-12-31T23:59:59.9999Z',
    '0000-01-01T00:00:00Z',
    '2100-01-01 00:00:00Z',
    '2100-01-01_00:00:00Z',
    '2100-01-01T00:00Z',
    '2100-01-01T00:00:00',
    '2100-01-01T00:00:00.Z',
    '2100-01-01T00:00:00,5Z',
    '2100-01-01T24:00:00Z',
    '2100-01-01T23:60:00Z',
    '2016-12-31T23:59:60Z',
    '2100-12-31T23:59:60Z',
    '2100-02-29T00:00:00Z',
    '2100-01-01T00:00:00+24:00',
    '2100-01-01T00:00:00+0100',
    '2100-01-01T00:00:00+01',
    '2100-01-01T00:00:00+01:60',
    ' 2100-01-01T00:00:00Z',
    '2100-01-01T00:00:00Z\n',
    '+002100-01-01T00:00:00Z',
    '２100-01-01T00:00:00Z',
  ]) {
    const set = (expires_at: unknown) => ask('PATCH', `${at}/vectors/a/expiry`, { expires_at })
    const answer = await set(text)
    const told = answer.status === 200 ? answer.json.expires_at : refusal(answer)
    const done = await client.setVectorExpiry('things', 'a', text).then(
      ({ expires_at }) => expires_at,
      () => INVALID,
    )
    expect([text, told]).toStrictEqual([text, done])
    await set(LATER)
  }
})
