import { constants } from 'node:buffer'
import { DimensionMismatchError, ValidationError } from '../..'
import { everything, holding, idsOf, client as opened, things } from '../support/collections'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'

const LONE_SURROGATE = '\ud800'

describe('vectors that are refused, with everything inserted beside them', () => {
  const data: [string, unknown, typeof ValidationError | typeof DimensionMismatchError, string][] = [
    ['too few values', [1], DimensionMismatchError, 'vectors[1].data'],
    ['too many values', [1, 2, 3], DimensionMismatchError, 'vectors[1].data'],
    ['no values', [], DimensionMismatchError, 'vectors[1].data'],
    ['NaN', [1, Number.NaN], ValidationError, 'vectors[1].data[1]'],
    ['infinity', [Number.POSITIVE_INFINITY, 1], ValidationError, 'vectors[1].data[0]'],
    ['minus infinity', Float32Array.of(1, Number.NEGATIVE_INFINITY), ValidationError, 'vectors[1].data[1]'],
    ['what is infinite in 32 bits', [1, 1e39], ValidationError, 'vectors[1].data[1]'],
    ['zeros under cosine', [0, -0], ValidationError, 'vectors[1].data'],
    ['what is zero in 32 bits', [1e-60, 0], ValidationError, 'vectors[1].data'],
    ['a numeric string', [1, '2'], ValidationError, 'vectors[1].data[1]'],
    ['null', [null, 1], ValidationError, 'vectors[1].data[0]'],
    ['a bigint', [1, 2n], ValidationError, 'vectors[1].data[1]'],
    // biome-ignore lint/suspicious/noSparseArray: the hole is what is tested
    ['a hole', [1, ,], ValidationError, 'vectors[1].data[1]'],
    ['no array', 'ab', ValidationError, 'vectors[1].data'],
    ['a 64-bit typed array', Float64Array.of(1, 2), ValidationError, 'vectors[1].data'],
    ['nothing', undefined, ValidationError, 'vectors[1].data'],
  ]
  test.each(data)('%s', async (_, row, Class, place) => {
    const client = await holding('a')
    const before = await everything(client)
    const rows = [{ id: 'new', data: [1, 2] }, { id: 'a', data: row }, { data: [3, 4] }]
    const error = await rejection(untyped(client).insertVectors('things', rows))

    expect(error).toBeInstanceOf(Class)
    expect(error.message).toContain(place)
    expect(await everything(client)).toStrictEqual(before)
    await expect(untyped(client).updateVector('things', 'a', { data: row ?? null })).rejects.toBeInstanceOf(
      Class,
    )
    await expect(untyped(client).searchVectors('things', { query_vector: row })).rejects.toBeInstanceOf(Class)
    expect(await everything(client)).toStrictEqual(before)
  })

  test.each(['euclidean', 'dot_product'] as const)('a zero vector is fine under %s', async (metric) => {
    const client = await things(2, metric)
    await client.insertVectors('things', [{ id: 'zero', data: [0, 0] }])
    expect(await client.search('things', [0, 0])).toStrictEqual([
      { id: 'zero', score: metric === 'euclidean' ? 1 : 0 },
    ])
  })

  test('the largest and smallest 32-bit floats are fine', async () => {
    const client = await things()
    const data = Float32Array.of(3.4028234663852886e38, 1e-45)
    await client.insertVectors('things', [{ id: 'a', data }])
    expect((await client.getVector('things', 'a')).data).toStrictEqual(data)
    expect((await client.search('things', data))[0].score).toBeCloseTo(1, 6)
  })

  test('columns whose lengths do not fit', async () => {
    const client = await holding('a')
    const data = Float32Array.of(1, 2, 3)
    await expect(client.insertVectors('things', { ids: ['b', 'c'], data })).rejects.toThrow(/vectors\.data/)
    const tooMany = client.insertVectors('things', { ids: ['b'], data })
    await expect(tooMany).rejects.toBeInstanceOf(DimensionMismatchError)
    const values = client.insertVectors('things', { ids: [], data })
    await expect(values).rejects.toBeInstanceOf(ValidationError)
    const metadata = [{}, {}]
    const objects = client.insertVectors('things', { ids: ['b'], data: Float32Array.of(1, 2), metadata })
    await expect(objects).rejects.toThrow(/vectors\.metadata/)
    expect(await idsOf(client)).toStrictEqual(['a'])
  })
})

describe('lengths are compared before anything is copied', () => {
  const endless = (...first: unknown[]) => Object.assign(first, { length: 2 ** 32 - 1 })
  const long = new Float32Array(65_536).fill(1)

  test('a vector that no collection could hold is refused in the call', async () => {
    const client = untyped(await holding('a'))
    for (const data of [long, Array.from(long), endless(1, 2)]) {
      const { length } = data as unknown[]
      const calls = [
        client.insertVectors('things', [{ id: 'b', data }]),
        client.insertVectors('things', { ids: ['b'], data }),
        client.updateVector('things', 'a', { data }),
        client.search('things', data),
        client.searchVectors('things', { query_vector: data }),
        client.searchBatch('things', [data]),
      ]
      for (const error of await Promise.all(calls.map(rejection))) {
        expect(error).toBeInstanceOf(ValidationError)
        expect(error.message).toContain(`: ${length} values, where`)
      }
    }
    expect(await idsOf(client as never)).toStrictEqual(['a'])
  })

  test('lists without end are refused', async () => {
    const client = untyped(await holding('a'))
    const data = Float32Array.of(1, 2)
    const row = { id: 'b', data }
    const calls: Record<string, () => Promise<unknown>> = {
      rows: () => client.insertVectors('things', endless(row)),
      'ids of columns': () => client.insertVectors('things', { ids: endless('b'), data }),
      'metadata of columns': () =>
        client.insertVectors('things', { ids: ['b'], data, metadata: endless({}) }),
      'texts of columns': () => client.insertVectors('things', { ids: ['b'], data, texts: endless('b') }),
      texts: () => client.batchInsertText('things', endless('text')),
      'metadata of texts': () => client.batchInsertText('things', ['text'], endless({})),
      'texts with ids': () => client.insertTexts('things', endless({ id: 'b', text: 'text' })),
      'no texts with ids': () => client.insertTexts('things', endless()),
      queries: () => client.searchBatch('things', endless('text')),
      ids: () => client.batchDelete('things', endless('a')),
      'ids of a look': () => client.verifyErased('things', endless('a')),
      'a filter': () => client.deleteByFilter('things', { name: endless('a') }),
      metadata: () => client.insertVectors('things', [{ ...row, metadata: { list: endless(1) } }]),
    }
    for (const [name, call] of Object.entries(calls)) {
      const error = await rejection(call())
      expect([name, error.code]).toStrictEqual([name, 'VALIDATION_ERROR'])
    }
    expect(await idsOf(client as never)).toStrictEqual(['a'])
  })
})

test('what is beyond the longest string is refused by its limit, before a model is asked', async () => {
  let asked = 0
  const client = opened({
    embedder: (texts) => {
      asked += texts.length
      return texts.map(() => [1, 2])
    },
  })
  await client.createCollection('things', { dimension: 2 })
  const long = 'x'.repeat(constants.MAX_STRING_LENGTH >> 5)
  const error = await rejection(client.batchInsertText('things', Array(33).fill(long)))
  expect(error).toBeInstanceOf(ValidationError)
  expect(error.message).toMatch(/^too much for one call: .* 536870888 characters .*; give less at a time$/)
  expect([asked, await client.count('things')]).toStrictEqual([0, 0])
})

describe('ids', () => {
  test.each([
    ['empty', ''],
    ['1,025 bytes long', 'x'.repeat(1025)],
    ['513 characters of two bytes', 'é'.repeat(513)],
    ['a lone surrogate', LONE_SURROGATE],
    ['null', null],
    ['a number', 1],
  ])('one that is %s is refused by its place', async (_, id) => {
    const client = await holding('a')
    const rows = [
      { id: 'new', data: [1, 2] },
      { id, data: [1, 2] },
    ]
    const error = await rejection(untyped(client).insertVectors('things', rows))

    expect(error).toBeInstanceOf(ValidationError)
    expect(error.message).toContain('vectors[1].id')
    const texts = rows.map((row) => ({ id: row.id, text: 'text' }))
    await expect(untyped(client).insertTexts('things', texts)).rejects.toBeInstanceOf(ValidationError)
    expect(await idsOf(client)).toStrictEqual(['a'])
  })

  test.each([
    ['1,024 bytes', 'x'.repeat(1024)],
    ['1,024 bytes of two-byte characters', 'é'.repeat(512)],
    ['1,024 bytes of emoji', '🦀'.repeat(256)],
    ['quotes, backslashes and line ends', '"\\\n\r\t\u2028'],
    ['a null character', '\0'],
    ['a path', '../../x'],
    ['a name of Object', '__proto__'],
    ['a space', ' '],
  ])('one of %s is an id like any other', async (_, id) => {
    const client = await holding('a')
    expect(await client.insertVectors('things', [{ id, data: [3, 4] }])).toStrictEqual({
      inserted: 1,
      ids: [id],
    })
    expect((await client.getVector('things', id)).id).toBe(id)
    expect(await idsOf(client)).toStrictEqual(['a', id])
    const report = await client.batchDelete('things', [id])
    expect(report.results).toStrictEqual([{ id, index: 0, status: 'ok' }])
    expect(await idsOf(client)).toStrictEqual(['a'])
  })

  test('strings that look alike are different ids', async () => {
    const client = await things()
    const ids = ['é', 'e\u0301', 'É', 'a', 'A', 'a ', '1', '01', '1.0']
    await client.insertVectors(
      'things',
      ids.map((id) => ({ id, data: [1, 1] })),
    )
    expect(await idsOf(client)).toStrictEqual(ids)
  })

  test('of duplicates in one insert the last wins, at the place of the first, counted once', async () => {
    const client = await things()
    const report = await client.insertVectors('things', [
      { id: 'a', data: [1, 0], metadata: { first: true } },
      { id: 'b', data: [1, 1] },
      { id: 'a', data: [0, 1], metadata: { last: true } },
    ])

    expect(report).toStrictEqual({ inserted: 2, ids: ['a', 'b'] })
    expect(await idsOf(client)).toStrictEqual(['a', 'b'])
    expect(await client.getVector('things', 'a')).toStrictEqual({
      id: 'a',
      data: Float32Array.of(0, 1),
      metadata: { last: true },
    })
  })
})

describe('options of reads', () => {
  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '10', 5n])(
    'a limit of %p is refused by name',
    async (limit) => {
      const client = untyped(await holding('a'))
      const calls = [
        () => client.search('things', [1, 1], { limit }),
        () => client.search('things', '', { limit }),
        () => client.searchVectors('things', { query_vector: [1, 1], limit }),
        () => client.searchText('things', { query: 'a', limit }),
        () => client.listVectors('things', 0, limit),
      ]
      for (const call of calls) {
        const error = await rejection(call())
        expect(error).toBeInstanceOf(ValidationError)
        expect(error.message).toContain('limit')
        expect(error.message).not.toContain('usize')
      }
    },
  )

  test.each([-1, 0.5, Number.NaN, '0'])('a page of %p is refused by name', async (page) => {
    const client = untyped(await holding('a'))
    const error = await rejection(client.listVectors('things', page, 10))
    expect(error).toBeInstanceOf(ValidationError)
    expect(error.message).toContain('page')
  })

  test('options in place of the number of a page are told from one', async () => {
    const client = untyped(await holding('a'))
    const error = await rejection(client.listVectors('things', { limit: 5 }))
    expect(error).toBeInstanceOf(ValidationError)
    expect(error.message).toBe(
      'page: expected a number, as in listVectors(collection, page, limit), got object',
    )
  })

  test.each([
    ['limt', { limt: 3 }],
    ['filters', { filters: { name: 'a' } }],
    ['withVector', { withVector: true }],
    ['with_vector', { with_vector: 'yes' }],
    ['include_metadata', { include_metadata: 1 }],
    ['similarity_threshold', { similarity_threshold: '0.5' }],
    ['similarity_threshold', { similarity_threshold: Number.NaN }],
    ['filter', { filter: 'name' }],
    ['filter', { filter: null }],
  ])('%s that is not understood is named', async (named, options) => {
    const client = untyped(await holding('a'))
    const error = await rejection(client.search('things', [1, 1], options))
    expect(error).toBeInstanceOf(ValidationError)
    expect(error.message).toContain(named)
  })

  test('an unknown field of a vector, a text or an update is named', async () => {
    const client = await holding('a')
    const before = await everything(client)
    const calls: [string, () => Promise<unknown>][] = [
      ['vector', () => untyped(client).insertVectors('things', [{ id: 'b', vector: [1, 2] }])],
      ['payload', () => untyped(client).insertVectors('things', [{ id: 'b', data: [1, 2], payload: {} }])],
      ['vectors', () => untyped(client).insertVectors('things', { vectors: [] })],
      ['meta', () => untyped(client).insertTexts('things', [{ id: 'b', text: 'b', meta: {} }])],
      ['vector', () => untyped(client).updateVector('things', 'a', { vector: [1, 2] })],
    ]
    for (const [named, call] of calls) {
      const error = await rejection(call())
      expect(error).toBeInstanceOf(ValidationError)
      expect(error.message).toContain(named)
    }
    expect(await everything(client)).toStrictEqual(before)
  })
})

describe('arguments that throw when they are read', () => {
  const detached = new Float32Array(2)
  structuredClone(detached.buffer, { transfer: [detached.buffer] })
  const throwing = {
    get data(): number[] {
      throw new TypeError('no data today')
    },
  }
  const refuse = () => {
    throw new Error('no keys today')
  }
  const proxy = new Proxy({}, { ownKeys: refuse })

  test.each([
    ['a detached buffer', [{ data: detached }], 'detached'],
    ['a getter', [throwing], 'no data today'],
    ['a proxy', [{ data: [1, 2], metadata: proxy }], 'no keys today'],
  ])('%s is a ValidationError, and nothing is inserted', async (_, rows, named) => {
    const client = await things()
    const error = await rejection(client.insertVectors('things', rows))
    expect(error).toBeInstanceOf(ValidationError)
    expect(error.message).toContain(named)
    expect(await client.count('things')).toBe(0)
  })
})
