// Vectors that expire: how that is told, what reads return afterwards, and what is left of them.
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { runInNewContext } from 'node:vm'
import {
  CollectionNotFoundError,
  type ExpiryInput,
  ValidationError,
  VectorizerClient,
  VectorNotFoundError,
} from '../..'
import { everything, holding, idsOf, client as opened, things } from '../support/collections'
import { directory, present, secret, store, traces } from '../support/disk'
import { seeded, vector } from '../support/random'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'

/** A time that no test will see. */
const LATER = Date.UTC(2100, 0, 1)
/** The last instant of a Date. */
const LAST = 8_640_000_000_000_000

/** A time that comes soon: whether it has come already is not for a test to say. */
const soon = () => Date.now() + 20

/** Waits until a time has passed. */
async function passed(at: number) {
  while (Date.now() <= at) await sleep(1)
}

/** Waits until nothing that has expired is left in a collection. */
async function erased(client: VectorizerClient, collection = 'things') {
  while ((await client.getCollectionInfo(collection)).expired > 0) await sleep(10)
}

const expiryOf = async (client: VectorizerClient, id = 'a') =>
  (await client.getVector('things', id)).expires_at

const places: Record<string, () => VectorizerClient> = {
  'in memory': () => opened(),
  'on disk': () => store().client,
}

/** A client whose collection `things` holds `a`, which stays, and `b`, which is about to expire. */
async function expiring(where: string) {
  const client = places[where]()
  await client.createCollection('things', { dimension: 2 })
  const at = soon()
  await client.insertVectors('things', [
    { id: 'a', data: [1, 0], metadata: { n: 1 }, text: 'one' },
    { id: 'b', data: [1, 1], metadata: { n: 1 }, text: 'other', expires_at: at },
  ])
  return { client, at }
}

/** Each way to say when a vector expires; resolves with the vector's id. */
const ways: [place: string, (client: VectorizerClient, expires_at: ExpiryInput) => Promise<string>][] = [
  [
    'vectors[0].expires_at',
    async (client, expires_at) => {
      const { ids } = await client.insertVectors('things', [{ data: [1, 2], expires_at }])
      return ids[0]
    },
  ],
  [
    'vectors.expires_at[1]',
    async (client, expires_at) => {
      const columns = { ids: ['x', 'y'], data: [1, 2, 3, 4], expires_at: [null, expires_at] }
      await client.insertVectors('things', columns)
      return 'y'
    },
  ],
  [
    'options.expires_at',
    async (client, expires_at) => {
      const { ids } = await client.insertVectors('things', [{ data: [1, 2] }], { expires_at })
      return ids[0]
    },
  ],
  [
    'options.expires_at',
    async (client, expires_at) => {
      await client.insertVectors('things', { ids: ['y'], data: [1, 2] }, { expires_at })
      return 'y'
    },
  ],
  [
    'options.expires_at',
    (client, expires_at) => client.insertText('things', 'a text', undefined, { expires_at }),
  ],
  [
    'options.expires_at',
    async (client, expires_at) => (await client.batchInsertText('things', ['text'], [], { expires_at }))[0],
  ],
  [
    'texts[0].expires_at',
    async (client, expires_at) => {
      await client.insertTexts('things', [{ id: 'y', text: 'a text', expires_at }])
      return 'y'
    },
  ],
  [
    'options.expires_at',
    async (client, expires_at) => {
      await client.insertTexts('things', [{ id: 'y', text: 'a text' }], { expires_at })
      return 'y'
    },
  ],
  [
    'update.expires_at',
    async (client, expires_at) => (await client.updateVector('things', 'a', { expires_at })).id,
  ],
  ['expiresAt', async (client, expires_at) => (await client.setVectorExpiry('things', 'a', expires_at)).id],
]

class Odd extends Date {
  getTime() {
    return 5
  }
  valueOf() {
    return 5
  }
  toISOString() {
    return 'odd'
  }
}

describe('a time', () => {
  const forms: [name: string, ExpiryInput, milliseconds: number][] = [
    ['a Date', new Date(LATER + 7), LATER + 7],
    ['a Date of another realm', runInNewContext(`new Date(${LATER})`), LATER],
    ['a Date whose methods say something else', new Odd(LATER), LATER],
    ['the last Date', new Date(LAST), LAST],
    ['a number', LATER + 1, LATER + 1],
    ['the last number', LAST, LAST],
    ['a text', '2100-01-01T00:00:00Z', LATER],
    ['a text with small letters', '2100-01-01t00:00:00z', LATER],
    ['a text with another offset', '2100-01-01T05:30:00+05:30', LATER],
    ['a text with an offset to the west', '2099-12-31T12:00:00-12:00', LATER],
    ['a text with tenths of a second', '2100-01-01T00:00:00.5Z', LATER + 500],
    ['a text with milliseconds', '2100-01-01T00:00:00.042Z', LATER + 42],
    ['a text finer than that, which is cut off', '2100-01-01T00:00:00.0019999999999Z', LATER + 1],
    ['a text of a leap day', '2104-02-29T00:00:00Z', Date.UTC(2104, 1, 29)],
    ['the last text', '9999-12-31T23:59:59.999Z', 253_402_300_799_999],
  ]

  test.each(forms)('may be %s', async (_, expires_at, milliseconds) => {
    for (const [, way] of ways) {
      const client = await holding('a')
      expect(await expiryOf(client, await way(client, expires_at))).toBe(milliseconds)
    }
  })

  const wrong: [name: string, unknown, message: string][] = [
    ['an invalid Date', new Date(Number.NaN), 'is an invalid Date'],
    ['a Date before 1970', new Date(-1), 'is before 1970'],
    ['a negative number', -1, `expected whole milliseconds since 1970, from 0 to ${LAST}, got -1`],
    ['a part of a millisecond', 1.5, `expected whole milliseconds since 1970, from 0 to ${LAST}, got 1.5`],
    [
      'a number beyond the last Date',
      LAST + 1,
      `expected whole milliseconds since 1970, from 0 to ${LAST}, got `,
    ],
    ['NaN', Number.NaN, `expected whole milliseconds since 1970, from 0 to ${LAST}, got NaN`],
    [
      'Infinity',
      Number.POSITIVE_INFINITY,
      `expected whole milliseconds since 1970, from 0 to ${LAST}, got Infinity`,
    ],
    ['no text', '', 'is no time in RFC 3339 with an offset, such as 2026-12-01T00:00:00Z'],
    ['a word', 'tomorrow', 'is no time in RFC 3339'],
    ['a number as a text', `${LATER}`, 'is no time in RFC 3339'],
    ['a day', '2100-01-01', 'is no time in RFC 3339'],
    ['a text without an offset', '2100-01-01T00:00:00', 'is no time in RFC 3339'],
    ['a text without a T', '2100-01-01 00:00:00Z', 'is no time in RFC 3339'],
    ['a text without seconds', '2100-01-01T00:00Z', 'is no time in RFC 3339'],
    ['an offset without a colon', '2100-01-01T00:00:00+0000', 'is no time in RFC 3339'],
    ['an empty fraction', '2100-01-01T00:00:00.Z', 'is no time in RFC 3339'],
    ['a year of more digits', '+012100-01-01T00:00:00Z', 'is no time in RFC 3339'],
    ['February 30th', '2100-02-30T00:00:00Z', 'is no time in RFC 3339'],
    ['February 29th of a common year', '2100-02-29T00:00:00Z', 'is no time in RFC 3339'],
    ['April 31st', '2100-04-31T00:00:00Z', 'is no time in RFC 3339'],
    ['a 13th month', '2100-13-01T00:00:00Z', 'is no time in RFC 3339'],
    ['a day 0', '2100-01-00T00:00:00Z', 'is no time in RFC 3339'],
    ['a 25th hour', '2100-01-01T24:00:00Z', 'is no time in RFC 3339'],
    ['a leap second', '2016-12-31T23:59:60Z', 'is no time in RFC 3339'],
    ['blanks around it', ' 2100-01-01T00:00:00Z ', 'is no time in RFC 3339'],
    ['a lone surrogate', '\ud800', 'is no time in RFC 3339'],
    ['a text of a time before 1970', '1969-12-31T23:59:59.9999Z', 'is before 1970'],
    ['a bigint', 5n, 'expected a Date, a time in RFC 3339, milliseconds since 1970, or null, got bigint'],
    ['a boolean', true, 'expected a Date, a time in RFC 3339'],
    ['a symbol', Symbol('a'), 'expected a Date, a time in RFC 3339'],
    ['a function', () => LATER, 'expected a Date, a time in RFC 3339'],
    ['a list', [LATER], 'expected a Date, a time in RFC 3339'],
    ['an object', {}, 'expected a Date, a time in RFC 3339'],
    ['what is like a Date', { getTime: () => LATER }, 'expected a Date, a time in RFC 3339'],
    ['what was made with the prototype of Date', Object.create(Date.prototype), 'expected a Date'],
    ['a proxy of a Date', new Proxy(new Date(LATER), {}), 'expected a Date, a time in RFC 3339'],
    ['an object of a number', Object(LATER), 'expected a Date, a time in RFC 3339'],
  ]

  test.each(wrong)('is not %s, which is refused by its place', async (_, value, message) => {
    const client = await holding('a', 'b')
    const before = await everything(client)
    for (const [place, way] of ways) {
      const error = await rejection(way(client, untyped(value)))
      expect(error).toBeInstanceOf(ValidationError)
      expect(error.message.slice(0, place.length + message.length + 2)).toBe(`${place}: ${message}`)
    }
    expect(await everything(client)).toStrictEqual(before)
  })

  test('that cannot be read is refused', async () => {
    const client = await holding('a')
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    const throwing = new Proxy(
      {},
      {
        get() {
          throw new Error('no time today')
        },
      },
    )
    for (const value of [proxy, throwing]) {
      for (const [, way] of ways)
        expect(await rejection(way(client, untyped(value)))).toBeInstanceOf(ValidationError)
    }
    expect(await idsOf(client)).toStrictEqual(['a'])
  })

  test('is read once', async () => {
    const client = await things()
    let asked = 0
    const row = {
      id: 'a',
      data: [1, 2],
      get expires_at() {
        asked += 1
        return asked === 1 ? LATER : untyped('tomorrow')
      },
    }
    await client.insertVectors('things', [row])
    expect([await expiryOf(client), asked]).toStrictEqual([LATER, 1])
  })

  test('is what it was when the call was made', async () => {
    const client = await holding('a')
    const date = new Date(LATER)
    const column = [date]
    const calls = [
      client.insertVectors('things', [{ id: 'b', data: [1, 2], expires_at: date }]),
      client.insertVectors('things', { ids: ['c'], data: [1, 2], expires_at: column }),
      client.setVectorExpiry('things', 'a', date),
    ]
    date.setTime(0)
    column[0] = new Date(0)
    await Promise.all(calls)
    const { vectors } = await client.listVectors('things')
    expect(vectors.map(({ id, expires_at }) => [id, expires_at])).toStrictEqual(
      ['a', 'b', 'c'].map((id) => [id, LATER]),
    )
  })

  test('in columns may be left out at the end, and must belong to an id', async () => {
    const client = await things()
    const columns = { ids: ['a', 'b', 'c'], data: [1, 2, 3, 4, 5, 6] }
    const holes = Object.assign(new Array<number>(2), { 1: LATER })
    await client.insertVectors('things', { ...columns, expires_at: holes })
    const { vectors } = await client.listVectors('things')
    expect(vectors).toStrictEqual([
      { id: 'a', data: Float32Array.of(1, 2) },
      { id: 'b', data: Float32Array.of(3, 4), expires_at: LATER },
      { id: 'c', data: Float32Array.of(5, 6) },
    ])
    for (const [expires_at, message] of [
      [[null, null, null, null], 'vectors.expires_at: longer than vectors.ids'],
      [LATER, `vectors.expires_at: expected an array, got ${LATER}`],
      [null, 'vectors.expires_at: expected an array, got null'],
    ]) {
      const error = await rejection(untyped(client).insertVectors('things', { ...columns, expires_at }))
      expect(error).toBeInstanceOf(ValidationError)
      expect(error.message).toBe(message)
    }
  })

  test('of the call is for those that have none of their own', async () => {
    const client = await things()
    const options = { expires_at: LATER }
    const own = { expires_at: LATER + 1 }
    const rows = [
      { id: 'a', data: [1, 1] },
      { id: 'b', data: [1, 2], ...own },
      { id: 'c', data: [1, 3], expires_at: null },
    ]
    await client.insertVectors('things', rows, options)
    const columns = { ids: ['d', 'e', 'f'], data: [1, 4, 1, 5, 1, 6], expires_at: [undefined, LATER + 1] }
    await client.insertVectors('things', columns, options)
    await client.insertTexts(
      'things',
      [
        { id: 'g', text: 'a' },
        { id: 'h', text: 'a', ...own },
      ],
      options,
    )
    const { vectors } = await client.listVectors('things')
    expect(vectors.map(({ id, expires_at }) => [id, expires_at])).toStrictEqual(
      Array.from('abcdefgh', (id) => [id, LATER + ('beh'.includes(id) ? 1 : 0)]),
    )
  })

  test('goes with texts that an embedder embeds', async () => {
    const client = opened({ embedder: async (texts) => texts.map(() => [1, 2]) })
    await client.createCollection('things', { dimension: 2 })
    const id = await client.insertText('things', 'a', null, { expires_at: LATER })
    const [second] = await client.batchInsertText('things', ['b'], [], { expires_at: LATER })
    await client.insertTexts('things', [{ id: 'c', text: 'c', expires_at: LATER }])
    for (const one of [id, second, 'c']) expect(await expiryOf(client, one)).toBe(LATER)
    const updated = await client.updateVector('things', 'c', { text: 'd', expires_at: null })
    expect(updated).toStrictEqual({ id: 'c', data: Float32Array.of(1, 2), text: 'd' })
  })
})

describe.each(Object.keys(places))('a vector that has expired, %s,', (where) => {
  test('is in no read', async () => {
    const { client, at } = await expiring(where)
    await passed(at)
    const all = { limit: 10 }
    expect(await rejection(client.getVector('things', 'b'))).toBeInstanceOf(VectorNotFoundError)
    expect(await client.listVectors('things')).toMatchObject({ vectors: [{ id: 'a' }], total: 1 })
    expect((await client.scanVectors('things')).vectors).toMatchObject([{ id: 'a' }])
    const scanned: string[] = []
    for await (const { id } of client.scan('things', { filter: { n: 1 } })) scanned.push(id)
    expect(scanned).toStrictEqual(['a'])
    expect([await client.count('things'), await client.count('things', { n: 1 })]).toStrictEqual([1, 1])
    expect(await client.count('things', { must: [{ has_id: ['b'] }] })).toBe(0)
    const found = [
      await client.search('things', [1, 1], all),
      await client.search('things', 'other', all),
      await client.search('things', '', { filter: { n: 1 } }),
      (await client.searchVectors('things', { query_vector: [1, 1], ...all })).results,
      (await client.searchText('things', { query: 'other', ...all })).results,
      ...(await client.searchBatch('things', [[1, 1], ''], all)),
    ]
    for (const results of found) expect(results.map(({ id }) => id)).toStrictEqual(['a'])
    expect(await client.deleteByFilter('things', { n: 1 }, { dryRun: true })).toMatchObject({
      scanned: 1,
      matched: 1,
    })
    expect((await client.getCollectionInfo('things')).vector_count).toBe(1)
    expect(await client.listCollections()).toMatchObject([{ vector_count: 1 }])
  })

  test('is in no backup', async () => {
    const { client, at } = await expiring(where)
    await passed(at)
    const [file, path] = [join(directory(), 'file.vecbak'), join(directory(), 'restored')]
    expect((await client.createBackup(file)).vectors).toBe(1)
    await VectorizerClient.restoreBackup(file, path)
    expect(await idsOf(opened({ path }))).toStrictEqual(['a'])
  })

  test('is to every call like one that does not exist', async () => {
    const { client, at } = await expiring(where)
    await passed(at)
    const calls = [
      client.deleteVector('things', 'b'),
      client.updateVector('things', 'b', { data: [1, 2] }),
      client.updateVector('things', 'b', { expires_at: null }),
      client.setVectorExpiry('things', 'b', LATER),
      client.setVectorExpiry('things', 'b', null),
    ]
    for (const error of await Promise.all(calls.map(rejection)))
      expect(error).toBeInstanceOf(VectorNotFoundError)
    expect(await client.batchDelete('things', ['b'])).toMatchObject({
      deleted: 0,
      failed: 1,
      results: [{ id: 'b', index: 0, status: 'error' }],
    })
    expect(await idsOf(client)).toStrictEqual(['a'])
  })

  test('leaves its id to a new one', async () => {
    const { client, at } = await expiring(where)
    await passed(at)
    await client.insertVectors('things', [{ id: 'b', data: [2, 3] }])
    const other = { id: 'b', data: Float32Array.of(2, 3) }
    expect(await client.getVector('things', 'b')).toStrictEqual(other)
    expect(await idsOf(client)).toStrictEqual(['a', 'b'])
    await erased(client)
    expect(await client.getVector('things', 'b')).toStrictEqual(other)
  })

  test('is missed by a scan that has begun before', async () => {
    const { client, at } = await expiring(where)
    const { vectors, cursor } = await client.scanVectors('things', { limit: 1 })
    expect(vectors.map(({ id }) => id)).toStrictEqual(['a'])
    await passed(at)
    const rest = cursor === undefined ? [] : (await client.scanVectors('things', { cursor })).vectors
    expect(rest).toStrictEqual([])
  })

  test('is erased, though nobody asks for it', async () => {
    const { client, at } = await expiring(where)
    await passed(at)
    await erased(client)
    expect(await client.getCollectionInfo('things')).toMatchObject({ vector_count: 1, expired: 0 })
    expect(await client.verifyErased('things', ['b'])).toStrictEqual({ verified: true, residues: [] })
    expect(await idsOf(client)).toStrictEqual(['a'])
  })

  test('may have expired before it was inserted', async () => {
    const client = places[where]()
    await client.createCollection('things', { dimension: 2 })
    await client.insertVectors('things', [
      { id: 'a', data: [1, 0], expires_at: 0 },
      { id: 'b', data: [1, 1], expires_at: new Date(Date.now() - 1) },
      { id: 'c', data: [1, 2] },
    ])
    await client.insertText('things', 'a text', null, { expires_at: '1970-01-01T00:00:00Z' })
    expect(await idsOf(client)).toStrictEqual(['c'])
    expect(await rejection(client.getVector('things', 'a'))).toBeInstanceOf(VectorNotFoundError)
    await client.insertVectors('things', [{ id: 'c', data: [1, 2], expires_at: 0 }])
    expect(await idsOf(client)).toStrictEqual([])
    await erased(client)
    expect(await client.verifyErased('things', ['a', 'b', 'c'])).toStrictEqual({
      verified: true,
      residues: [],
    })
  })

  test('may be one of thousands', async () => {
    const client = places[where]()
    await client.createCollection('things', { dimension: 4 })
    const ids = Array.from({ length: 5000 }, (_, i) => `${i}`)
    const expires_at = ids.map((_, i) => (i % 5 === 0 ? null : 0))
    await client.insertVectors('things', { ids, data: vector(seeded(1), 20_000), expires_at })
    const kept = ids.filter((_, i) => i % 5 === 0)
    expect(await idsOf(client)).toStrictEqual(kept)
    await erased(client)
    expect(await client.verifyErased('things', [])).toStrictEqual({ verified: true, residues: [] })
    await client.optimize('things')
    expect(await idsOf(client)).toStrictEqual(kept)
    expect((await client.search('things', [1, 2, 3, 4], { limit: 5000 })).length).toBe(1000)
  })
})

describe('when a vector expires', () => {
  test('is told by everything that reads it, and is absent from those that do not', async () => {
    const client = await things(2, 'euclidean')
    await client.insertVectors('things', [
      { id: 'a', data: [1, 2], metadata: { n: 1 }, text: 'a text', expires_at: LATER },
      { id: 'b', data: [5, 5] },
    ])
    const [whole, other] = [
      { id: 'a', data: Float32Array.of(1, 2), metadata: { n: 1 }, text: 'a text', expires_at: LATER },
      { id: 'b', data: Float32Array.of(5, 5) },
    ]
    const { data: _, ...bare } = whole
    expect(await client.getVector('things', 'a')).toStrictEqual(whole)
    expect((await client.listVectors('things')).vectors).toStrictEqual([whole, other])
    expect((await client.scanVectors('things')).vectors).toStrictEqual([bare, { id: 'b' }])
    const found = [
      { ...whole, score: expect.closeTo(1, 6) },
      { ...other, score: expect.any(Number) },
    ]
    const options = { with_vector: true, limit: 2 }
    expect(await client.search('things', [1, 2], options)).toStrictEqual(found)
    expect(await client.searchBatch('things', [[1, 2]], options)).toStrictEqual([found])
    const { results } = await client.searchVectors('things', { query_vector: [1, 2], ...options })
    expect(results).toStrictEqual(found)
    const { metadata: __, ...unlabelled } = bare
    const listed = await client.search('things', '', { include_metadata: false })
    expect(listed).toStrictEqual([
      { ...unlabelled, score: 0 },
      { id: 'b', score: 0 },
    ])
    const shown = await client.deleteByFilter('things', { n: 1 }, { dryRun: true, rows: 1 })
    expect(shown.rows).toStrictEqual([bare])
    expect(await client.updateVector('things', 'a', { metadata: { n: 2 } })).toStrictEqual({
      ...whole,
      metadata: { n: 2 },
    })
  })

  test('is told of the right one among many', async () => {
    const client = await things()
    const ids = Array.from({ length: 5000 }, (_, i) => `${i}`)
    const data = Float32Array.from({ length: 10_000 }, (_, i) => Math.cos(i))
    const expires_at = ids.map((_, i) => (i % 3 === 0 ? LATER + i : null))
    await client.insertVectors('things', { ids, data, expires_at })
    const lists = [
      (await client.listVectors('things', 0, 5000)).vectors,
      (await client.scanVectors('things', { limit: 5000 })).vectors,
      ...(await client.searchBatch('things', ['', [1, 2], ''], { limit: 5000 })),
    ]
    for (const list of lists) {
      expect(list).toHaveLength(5000)
      const wrong = list.filter(({ id, expires_at: at }) => (at ?? null) !== expires_at[Number(id)])
      expect(wrong).toStrictEqual([])
    }
  })

  test('can be set, moved and taken away by an update, which keeps it otherwise', async () => {
    const client = await holding('a')
    const whole = { id: 'a', data: Float32Array.of(1, 0), metadata: { place: 0, name: 'a' } }
    const updated = await client.updateVector('things', 'a', { expires_at: LATER })
    expect(updated).toStrictEqual({ ...whole, expires_at: LATER })
    await client.updateVector('things', 'a', { data: [2, 2] })
    await client.updateVector('things', 'a', { metadata: { n: 1 }, expires_at: undefined })
    expect(await expiryOf(client)).toBe(LATER)
    await client.updateVector('things', 'a', { data: [1, 0], expires_at: LATER + 1 })
    expect(await expiryOf(client)).toBe(LATER + 1)
    await client.updateVector('things', 'a', { metadata: whole.metadata, expires_at: null })
    expect(await client.getVector('things', 'a')).toStrictEqual(whole)
    expect(await client.updateVector('things', 'a', { expires_at: null })).toStrictEqual(whole)
    const none = untyped(client).updateVector('things', 'a', { expires_at: undefined })
    expect(await rejection(none)).toBeInstanceOf(ValidationError)
  })

  test('can be set and taken away on its own', async () => {
    const client = await holding('a', 'b')
    const report = { id: 'a', collection: 'things', status: 'updated' }
    expect(await client.setVectorExpiry('things', 'a', new Date(LATER))).toStrictEqual({
      ...report,
      expires_at: LATER,
    })
    expect([await expiryOf(client), await expiryOf(client, 'b')]).toStrictEqual([LATER, undefined])
    expect(await client.setVectorExpiry('things', 'a', null)).toStrictEqual({ ...report, expires_at: null })
    expect(await client.getVector('things', 'a')).not.toHaveProperty('expires_at')

    const handle = await client.collection('things')
    await handle.setVectorExpiry('b', LATER)
    expect(await expiryOf(client, 'b')).toBe(LATER)
    await handle.setVectorExpiry('b', 0)
    expect(await idsOf(client)).toStrictEqual(['a'])

    const nobody = await rejection(client.setVectorExpiry('things', 'nobody', LATER))
    expect(nobody).toBeInstanceOf(VectorNotFoundError)
    expect(nobody.message).toContain("'nobody'")
    const nowhere = client.setVectorExpiry('nowhere', 'a', LATER)
    expect(await rejection(nowhere)).toBeInstanceOf(CollectionNotFoundError)
    const left = untyped(client).setVectorExpiry('things', 'a')
    expect((await rejection(left)).message).toMatch(/^expiresAt: expected a Date, .* got undefined$/)
  })

  test('is replaced with everything else of the vector', async () => {
    const client = await things()
    await client.insertVectors('things', [{ id: 'a', data: [1, 2], expires_at: LATER }])
    await client.insertVectors('things', [{ id: 'a', data: [3, 4] }])
    expect(await client.getVector('things', 'a')).toStrictEqual({ id: 'a', data: Float32Array.of(3, 4) })
    const twice = [
      { id: 'a', data: [1, 2], expires_at: 0 },
      { id: 'a', data: [1, 2], expires_at: LATER },
    ]
    await client.insertVectors('things', twice)
    expect(await expiryOf(client)).toBe(LATER)
  })
})

describe('the TTL of a collection', () => {
  const HOUR = 3600

  /** Does something, and expects an expiry that is an hour after some moment of it. */
  async function expectAnHour(act: () => Promise<unknown>, read: () => Promise<number | undefined>) {
    const begin = Date.now()
    await act()
    const end = Date.now()
    const at = (await read()) ?? 0
    expect(at).toBeGreaterThanOrEqual(begin + HOUR * 1000)
    expect(at).toBeLessThanOrEqual(end + HOUR * 1000)
  }

  test('is for those that are there and those that come, unless they have their own', async () => {
    const client = await things()
    const insert = (id: string) => client.insertVectors('things', [{ id, data: [1, 2] }])
    await expectAnHour(
      async () => {
        await insert('a')
        await client.insertVectors('things', [{ id: 'own', data: [1, 2], expires_at: LATER }])
        expect(await client.setCollectionTtl('things', HOUR)).toStrictEqual({
          collection: 'things',
          ttl_secs: HOUR,
          status: 'updated',
        })
      },
      () => expiryOf(client, 'a'),
    )
    await expectAnHour(
      () => insert('b'),
      () => expiryOf(client, 'b'),
    )
    await client.insertVectors('things', [{ id: 'early', data: [1, 2], expires_at: 0 }])
    expect(await expiryOf(client, 'own')).toBe(LATER)
    expect(await idsOf(client)).toStrictEqual(['a', 'own', 'b'])
    expect(await client.getCollectionInfo('things')).toMatchObject({ ttl_secs: HOUR })

    const handle = await client.collection('things')
    expect(await handle.setCollectionTtl(null)).toStrictEqual({
      collection: 'things',
      ttl_secs: null,
      status: 'updated',
    })
    const { vectors } = await client.listVectors('things')
    expect(vectors.map(({ id, expires_at }) => [id, expires_at])).toStrictEqual([
      ['a', undefined],
      ['own', LATER],
      ['b', undefined],
    ])
    expect(await client.getCollectionInfo('things')).toMatchObject({ ttl_secs: null })
  })

  test('counts from the insert, which an update is not', async () => {
    const client = await holding('a')
    await client.setCollectionTtl('things', HOUR)
    const first = (await expiryOf(client)) ?? 0
    await passed(first - HOUR * 1000)
    await client.updateVector('things', 'a', { data: [1, 3], metadata: {} })
    expect(await expiryOf(client)).toBe(first)
    await client.setVectorExpiry('things', 'a', LATER)
    expect(await expiryOf(client)).toBe(LATER)
    expect((await client.setVectorExpiry('things', 'a', null)).expires_at).toBeNull()
    expect(await expiryOf(client)).toBe(first)
    await client.insertVectors('things', [{ id: 'a', data: [1, 4] }])
    expect(await expiryOf(client)).toBeGreaterThan(first)
  })

  test.each(Object.keys(places))('lets vectors expire, %s', async (where) => {
    const client = places[where]()
    await client.createCollection('things', { dimension: 2 })
    await client.insertVectors('things', [
      { id: 'a', data: [1, 0] },
      { id: 'b', data: [1, 1], expires_at: LATER },
    ])
    const inserted = Date.now()
    await client.setCollectionTtl('things', 1)
    await passed(inserted + 1000)
    expect(await idsOf(client)).toStrictEqual(['b'])
    await erased(client)
    expect(await client.verifyErased('things', ['a'])).toStrictEqual({ verified: true, residues: [] })
    await client.setCollectionTtl('things', null)
    expect(await idsOf(client)).toStrictEqual(['b'])
  })

  test('may be from a second to more than a century', async () => {
    const client = await things()
    for (const seconds of [1, 4_294_967_295]) {
      await client.setCollectionTtl('things', seconds)
      expect((await client.getCollectionInfo('things')).ttl_secs).toBe(seconds)
    }
    await client.insertVectors('things', [{ id: 'a', data: [1, 2] }])
    expect(await expiryOf(client)).toBeGreaterThan(LATER)
  })

  test.each<[string, unknown, string]>([
    ['0', 0, '0'],
    ['a negative number', -1, '-1'],
    ['half a second', 0.5, '0.5'],
    ['too large a number', 4_294_967_296, '4294967296'],
    ['NaN', Number.NaN, 'NaN'],
    ['a text', '60', 'string'],
    ['a bigint', 60n, 'bigint'],
    ['an object', { seconds: 60 }, 'object'],
    ['undefined', undefined, 'undefined'],
  ])('is not %s', async (_, seconds, got) => {
    const client = await things()
    await client.setCollectionTtl('things', HOUR)
    const error = await rejection(untyped(client).setCollectionTtl('things', seconds))
    expect(error).toBeInstanceOf(ValidationError)
    expect(error.message).toBe(`seconds: expected a whole number from 1 to 4294967295, got ${got}`)
    expect((await client.getCollectionInfo('things')).ttl_secs).toBe(HOUR)
  })

  test('of a collection that is not there rejects', async () => {
    const call = (await things()).setCollectionTtl('nowhere', null)
    expect(await rejection(call)).toBeInstanceOf(CollectionNotFoundError)
  })
})

describe('on the disk', () => {
  const DIMENSION = 16
  const random = seeded(5)
  /** Vectors of which every part is unlike that of any other. */
  const unlike = (count: number) =>
    Array.from({ length: count }, () => ({
      id: secret(random),
      data: vector(random, DIMENSION),
      metadata: { secret: secret(random) },
      text: secret(random),
    }))

  test('nothing can be read of what has expired, though nobody asks for it', async () => {
    const { client, path } = store()
    await client.createCollection('things', { dimension: DIMENSION })
    const [kept, gone] = [unlike(10), unlike(10)]
    const at = soon()
    await client.insertVectors('things', [...kept, ...gone.map((one) => ({ ...one, expires_at: at }))])
    await passed(at)
    await erased(client)
    expect(present(path, gone.flatMap(traces))).toStrictEqual([])
    expect(present(path, kept.flatMap(traces))).toHaveLength(4 * kept.length)
    const ids = gone.map(({ id }) => id)
    expect(await client.verifyErased('things', ids)).toStrictEqual({ verified: true, residues: [] })
  })

  test('what has expired while a store was closed is erased when it is opened', async () => {
    const { client, path } = store()
    await client.createCollection('things', { dimension: DIMENSION })
    const [kept, gone] = [unlike(10), unlike(10)]
    const at = soon()
    await client.insertVectors('things', [...kept, ...gone.map((one) => ({ ...one, expires_at: at }))])
    await client.close()
    await passed(at)
    const again = opened({ path })
    expect(await idsOf(again)).toStrictEqual(kept.map(({ id }) => id))
    expect((await again.getCollectionInfo('things')).expired).toBe(0)
    expect(present(path, gone.flatMap(traces))).toStrictEqual([])
    expect(await again.verifyErased('things', [])).toStrictEqual({ verified: true, residues: [] })
  })

  test('times and TTLs are what they were after a store was closed', async () => {
    const { client, path } = store()
    await client.createCollection('things', { dimension: 2 })
    await client.createCollection('others', { dimension: 2 })
    await client.insertVectors('things', [
      { id: 'a', data: [1, 2], expires_at: LATER },
      { id: 'b', data: [1, 2], expires_at: LAST },
      { id: 'c', data: [1, 2], expires_at: LATER },
      { id: 'd', data: [1, 2] },
    ])
    await client.setVectorExpiry('things', 'c', null)
    await client.setVectorExpiry('things', 'd', LATER + 1)
    await client.insertVectors('others', [{ id: 'e', data: [1, 2] }])
    await client.setCollectionTtl('others', 3600)
    const before = await everything(client)
    await client.close()

    const again = opened({ path })
    expect(await everything(again)).toStrictEqual(before)
    const { vectors } = await again.listVectors('things')
    expect(vectors.map(({ expires_at }) => expires_at)).toStrictEqual([LATER, LAST, undefined, LATER + 1])
    expect((await again.getCollectionInfo('others')).ttl_secs).toBe(3600)
    expect((await again.getCollectionInfo('things')).ttl_secs).toBeNull()
    await again.setCollectionTtl('others', null)
    await again.close()

    const third = opened({ path })
    expect((await third.getCollectionInfo('others')).ttl_secs).toBeNull()
    expect((await third.getVector('others', 'e')).expires_at).toBeUndefined()
  })

  test('times and TTLs are in a backup, and in a log that was rewritten', async () => {
    const { client } = store()
    await client.createCollection('things', { dimension: 2 })
    const pad = 'x'.repeat(20_000)
    const rows = Array.from({ length: 20 }, (_, i) => ({ id: `${i}`, data: [1, i], metadata: { pad } }))
    await client.insertVectors('things', rows)
    await client.insertVectors('things', [
      { id: 'a', data: [1, 2], expires_at: LATER },
      { id: 'b', data: [1, 2] },
    ])
    await client.setCollectionTtl('things', 3600)
    await client.deleteByFilter('things', { pad: { $exists: true } })
    const before = await everything(client)
    await client.optimize('things')
    expect(await everything(client)).toStrictEqual(before)

    const [file, path] = [join(directory(), 'file.vecbak'), join(directory(), 'restored')]
    await client.createBackup(file)
    await VectorizerClient.restoreBackup(file, path)
    const restored = opened({ path })
    expect((await restored.listVectors('things')).vectors).toStrictEqual(
      (await client.listVectors('things')).vectors,
    )
    expect((await restored.getCollectionInfo('things')).ttl_secs).toBe(3600)
  })

  test('what expires after one client was closed is erased for the others', async () => {
    const { client, path } = store()
    await client.createCollection('things', { dimension: 2 })
    const at = soon()
    await client.insertVectors('things', [{ id: 'a', data: [1, 2], expires_at: at }])
    const other = opened({ path })
    await client.close()
    await passed(at)
    expect(await idsOf(other)).toStrictEqual([])
    await erased(other)
    expect(await other.verifyErased('things', ['a'])).toStrictEqual({ verified: true, residues: [] })
  })
})

test('to resume where nothing is paused does nothing', async () => {
  const client = await holding('a')
  const before = await everything(client)
  expect(await client.resumeExpiry()).toBeUndefined()
  expect(await everything(client)).toStrictEqual(before)
})
