// Numbers in metadata and filters: integers of 64 bits as they are, floats by value.
import fc from 'fast-check'
import { type Filter, migrate, type Vectorizer } from '../..'
import { client as opened, things } from '../support/collections'
import { store } from '../support/disk'
import { refusal, serving } from '../support/http'

const USERS = [1234567890123456788n, 1234567890123456789n, 1234567890123456790n]
const EDGES = [2n ** 53n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n, -(2n ** 53n), -(2n ** 63n)]

const idsOf = async (client: Vectorizer, filter: Filter) =>
  (await client.search('things', '', { filter, limit: 1000 })).map(({ id }) => id)

describe('integers beyond 2^53', () => {
  test('are told apart by every condition, and a delete takes the one that is meant', async () => {
    const client = await things()
    const rows = USERS.map((user, i) => ({ id: `${user}`, data: [1, i], metadata: { user, all: USERS } }))
    await client.insertVectors('things', [...rows, { id: '42', data: [1, 3], metadata: { user: 42 } }])
    const [before, one, after] = USERS
    const key = 'user'
    const alone: Filter[] = [
      { user: one },
      { user: [one, 7n] },
      { user: { $eq: one } },
      { user: { $in: [one] } },
      { user: { $nin: [before, after, 42n] } },
      { user: { $gt: before, $lt: after } },
      { user: { $gte: one, $lte: one } },
      { must: [{ key, match: { value: one } }] },
      { must: [{ key, match: { any: [one] } }] },
      { must: [{ key, match: { except: [before, after, 42] } }] },
      { must: [{ key, range: { gt: before, lt: after } }] },
      { must: [{ type: 'match', key, match_value: one }] },
      { must: [{ type: 'range', key, range: { gte: one, lte: one } }] },
      { must_not: [{ key, match: { any: [before, after, 42n] } }] },
    ]
    for (const filter of alone) expect(await idsOf(client, filter)).toStrictEqual([`${one}`])
    expect(await idsOf(client, { user: { $ne: one } })).toStrictEqual([`${before}`, `${after}`, '42'])
    expect(await idsOf(client, { all: one })).toStrictEqual(USERS.map(String))
    // A number is a bound by its value, which was rounded to one below all three.
    expect(await idsOf(client, { user: { $lt: Number(one) } })).toStrictEqual(['42'])

    const { deleted, results } = await client.deleteByFilter('things', { user: one })
    expect([deleted, results]).toStrictEqual([1, [{ id: `${one}`, status: 'deleted' }]])
  })

  test('are read as bigints by every call, and other numbers as numbers', async () => {
    const { client, path } = store()
    await client.createCollection('things', { dimension: 2 })
    const metadata = {
      edges: EDGES,
      floats: [2 ** 53, 2 ** 60, 2 ** 64, 1e300, -1e21, -(2 ** 63)],
      small: [0, 1.5, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER],
      texts: ['1234567890123456789', '=1', '"', ':9223372036854775807,', '\\"'],
      '9223372036854775807': { '"': [{ deep: 2n ** 63n }] },
    }
    await client.insertVectors('things', [
      { id: 'a', data: [1, 2], metadata, text: '1234567890123456789' },
      { id: 'b', data: [1, 2], metadata: { a: 1 } },
      { id: 'c', data: [1, 2] },
    ])
    const reopened = async () => {
      await client.close()
      return opened({ path })
    }
    for (const open of [() => client, reopened]) {
      const one = await open()
      expect((await one.getVector('things', 'a')).metadata).toStrictEqual(metadata)
      const { vectors } = await one.listVectors('things')
      const found = await one.search('things', '')
      const [batch] = await one.searchBatch('things', [''])
      const every = { must: [{ has_id: ['a', 'b', 'c'] }] }
      const { rows = [] } = await one.deleteByFilter('things', every, { dryRun: true, rows: 3 })
      for (const all of [vectors, found, batch, rows]) {
        expect(all.map((row) => row.metadata)).toStrictEqual([metadata, { a: 1 }, undefined])
      }
      const updated = await one.updateVector('things', 'a', { metadata: { ...metadata, more: EDGES[0] } })
      expect(updated.metadata).toStrictEqual({ ...metadata, more: EDGES[0] })
      await one.updateVector('things', 'a', { metadata })
    }
  })

  test('are moved to another client as they are', async () => {
    const [source, target] = [await things(), opened()]
    const rows = EDGES.map((edge, i) => ({
      id: `${i}`,
      data: [1, i],
      metadata: { edge, near: Number(edge) },
    }))
    await source.insertVectors('things', rows)
    const [moved] = (await migrate(source, target)).collections
    expect([moved.copied, moved.unchanged]).toStrictEqual([rows.length, 0])
    expect((await migrate(source, target)).collections[0].copied).toBe(0)
    for (const { id, metadata } of rows) {
      expect((await target.getVector('things', id)).metadata).toStrictEqual(metadata)
    }
    // One that differs in its last digit is another.
    await target.updateVector('things', '1', { metadata: { ...rows[1].metadata, edge: EDGES[1] + 1n } })
    expect((await migrate(source, target)).collections[0].copied).toBe(1)
  })

  test('are whatever other code has made of bigints', async () => {
    const prototype = BigInt.prototype as { toJSON?: () => string }
    prototype.toJSON = function (this: bigint) {
      return `${this}`
    }
    try {
      const client = await things()
      await client.insertVectors('things', [{ id: 'a', data: [1, 2], metadata: { edges: EDGES } }])
      expect((await client.getVector('things', 'a')).metadata).toStrictEqual({ edges: EDGES })
      expect(await client.count('things', { edges: EDGES[1] })).toBe(1)
    } finally {
      delete prototype.toJSON
    }
  })
})

test('the same number written otherwise is the same number', async () => {
  const client = await things()
  await client.insertVectors('things', [
    { id: 'one', data: [1, 1], metadata: { n: 1 } },
    { id: '2^60', data: [1, 2], metadata: { n: 2 ** 60 } },
    { id: '2^60 + 1', data: [1, 3], metadata: { n: 2n ** 60n + 1n } },
    { id: '2^64', data: [1, 4], metadata: { n: 2 ** 64 } },
  ])
  expect(await idsOf(client, { n: 1n })).toStrictEqual(['one'])
  expect(await idsOf(client, { n: 2n ** 60n })).toStrictEqual(['2^60'])
  expect(await idsOf(client, { n: { $gt: 2 ** 60 } })).toStrictEqual(['2^60 + 1', '2^64'])
  expect(await idsOf(client, { n: { $lte: 2 ** 60 } })).toStrictEqual(['one', '2^60'])
  expect(await idsOf(client, { n: { $gt: 2n ** 64n - 1n } })).toStrictEqual(['2^64'])
  expect(await idsOf(client, { n: { $lt: -0 } })).toStrictEqual([])
})

test('an option is no bigint', async () => {
  const client = await things()
  const wrong = { limit: 5n } as unknown as { limit: number }
  await expect(client.search('things', [1, 2], wrong)).rejects.toThrow('options.limit: expected a JSON value')
})

describe('over HTTP', () => {
  const post = async (ask: Awaited<ReturnType<typeof serving>>['ask'], path: string, body: string) =>
    ask('POST', `/collections/things/${path}`, body)

  test('integers are what their digits say, in process too', async () => {
    const { client, ask } = await serving()
    await client.createCollection('things', { dimension: 2 })
    for (const user of [...USERS, ...EDGES]) {
      await post(ask, 'insert', `{"id":"${user}","vector":[1,1],"metadata":{"user":${user}}}`)
      expect((await client.getVector('things', `${user}`)).metadata).toStrictEqual({ user })
    }
    for (const user of [...USERS, ...EDGES]) {
      const body = `{"filter":{"user":${user}}}`
      const { json } = await post(ask, 'delete_by_filter', body)
      expect(json.results).toStrictEqual([{ id: `${user}`, status: 'deleted' }])
    }
  })

  test('in the clauses, ranges and lists of a filter too', async () => {
    const { client, ask } = await serving()
    await client.createCollection('things', { dimension: 2 })
    const rows = USERS.map((user, i) => ({ id: `${i}`, data: [1, i], metadata: { user } }))
    await client.insertVectors('things', rows)
    const [before, one, after] = USERS
    for (const filter of [
      `{"user":[${one}]}`,
      `{"user":{"$gt":${before},"$lt":${after}}}`,
      `{"must":[{"key":"user","match":{"value":${one}}}]}`,
      `{"must":[{"key":"user","range":{"gte":${one},"lte":${one}}}]}`,
      `{"must_not":[{"key":"user","match":{"any":[${before},${after}]}}]}`,
    ]) {
      const { json } = await post(ask, 'delete_by_filter', `{"filter":${filter},"dry_run":true}`)
      expect(json.results).toStrictEqual([{ id: '1', status: 'matched' }])
    }
  })

  test.each([
    ['{"n":18446744073709551616}', 'filter.n: an integer of more than 64 bits'],
    ['{"$or":[{"n":1},{"n":{"$lt":-9223372036854775809}}]}', 'filter.$or[1].n.$lt: an integer of more'],
    [
      '{"must":[{"key":"n","match":{"any":[1,100000000000000000000]}}]}',
      'filter.must[0].match.any[1]: an integer',
    ],
  ])('a filter with an integer of more bits deletes nothing: %s', async (filter, message) => {
    const { client, ask } = await serving()
    await client.createCollection('things', { dimension: 2 })
    await client.insertVectors('things', [{ id: 'a', data: [1, 1], metadata: { n: 1 } }])
    const answer = await post(ask, 'delete_by_filter', `{"filter":${filter}}`)
    expect(refusal(answer)).toStrictEqual({ status: 400, code: 'VALIDATION_ERROR' })
    expect(answer.json.message).toContain(message)
    expect(await client.count('things')).toBe(1)
  })

  test('metadata that would be rounded are refused, and minus zero is zero', async () => {
    const { client, ask } = await serving()
    await client.createCollection('things', { dimension: 2 })
    const inserting = (n: string) => post(ask, 'insert', `{"id":"a","vector":[1,1],"metadata":{"n":${n}}}`)
    for (const n of ['18446744073709551617', '[-9223372036854775809]', '1e999']) {
      const answer = await inserting(n)
      expect(refusal(answer)).toStrictEqual({ status: 400, code: 'VALIDATION_ERROR' })
      expect(answer.json.message).toContain('body.metadata')
    }
    expect(await client.count('things')).toBe(0)
    for (const [n, value] of [
      ['-0.0', 0],
      ['100000000000000000000', 1e20],
      ['18446744073709551616', 2 ** 64],
    ]) {
      expect((await inserting(`${n}`)).status).toBe(200)
      const { metadata } = await client.getVector('things', 'a')
      expect(metadata).toStrictEqual({ n: value })
      await client.updateVector('things', 'a', { metadata })
    }
  })
})

const whole = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
  fc
    .tuple(fc.integer({ min: 50, max: 63 }), fc.integer({ min: -3, max: 3 }), fc.boolean())
    .map(([power, by, minus]) => {
      const value = 2n ** BigInt(power) + BigInt(by)
      return minus && value <= 2n ** 63n ? -value : value
    }),
)
const float = fc.oneof(
  whole.map(Number),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer({ min: -4, max: 4 }).map((halves) => halves / 2),
)
/** A number as metadata or a bound may have it: a bigint where it has to be one. */
const held = fc.oneof(
  whole.map(fitting),
  float.map((value) => value + 0),
)
/** A number to equal. */
const equal = held.filter((value) => typeof value === 'bigint' || !isRounded(value))
const comparison = fc.oneof(
  fc.tuple(fc.constantFrom('$eq' as const, '$ne' as const), equal),
  fc.tuple(fc.constantFrom('$gt' as const, '$gte' as const, '$lt' as const, '$lte' as const), held),
)

const isRounded = (value: number) => Number.isInteger(value) && !Number.isSafeInteger(value)

function fitting(value: bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value
}

/** JavaScript compares numbers and bigints by value. */
const holds = {
  // biome-ignore lint/suspicious/noDoubleEquals: a number may equal a bigint
  $eq: (a: number | bigint, b: number | bigint) => a == b,
  // biome-ignore lint/suspicious/noDoubleEquals: a number may equal a bigint
  $ne: (a: number | bigint, b: number | bigint) => a != b,
  $gt: (a: number | bigint, b: number | bigint) => a > b,
  $gte: (a: number | bigint, b: number | bigint) => a >= b,
  $lt: (a: number | bigint, b: number | bigint) => a < b,
  $lte: (a: number | bigint, b: number | bigint) => a <= b,
}

test('any two numbers compare by value', async () => {
  const client = await things()
  await fc.assert(
    fc.asyncProperty(
      fc.array(held, { minLength: 1, maxLength: 40 }),
      fc.array(comparison, { minLength: 1, maxLength: 10 }),
      async (numbers, comparisons) => {
        const rows = numbers.map((n, i) => ({ id: `${i}`, data: [1, i], metadata: { n } }))
        await client.insertVectors('things', rows)
        const operands = comparisons.concat(
          numbers.filter((n) => typeof n === 'bigint' || !isRounded(n)).map((n) => ['$eq', n]),
        )
        for (const [name, operand] of operands) {
          const expected = rows.filter(({ metadata }) => holds[name](metadata.n, operand)).map(({ id }) => id)
          expect(await idsOf(client, { n: { [name]: operand } } as Filter)).toStrictEqual(expected)
        }
        const read = (await client.listVectors('things', 0, 100)).vectors.map(({ metadata }) => metadata)
        expect(read).toStrictEqual(rows.map(({ metadata }) => metadata))
        await client.batchDelete(
          'things',
          rows.map(({ id }) => id),
        )
      },
    ),
    { seed: 7, numRuns: 300 },
  )
})
