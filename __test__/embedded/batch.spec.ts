// Many searches in one call.
import fc from 'fast-check'
import {
  ClientClosedError,
  CollectionNotFoundError,
  DimensionMismatchError,
  EmbeddingError,
  type SearchOptions,
  ValidationError,
  type VectorizerClient,
} from '../..'
import { holding, client as opened, things } from '../support/collections'
import { seeded, vector, whole } from '../support/random'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'

type Query = string | number[] | Float32Array

const oneByOne = async (client: VectorizerClient, queries: Query[], options?: SearchOptions) => {
  const found = []
  for (const query of queries) found.push(await client.search('things', query, options))
  return found
}

test('gives what the same queries give one by one, in their order', async () => {
  const client = await things(4)
  const random = seeded(41)
  const texts = Array.from({ length: 60 }, (_, i) => `text ${i} of ${i % 7}`)
  await client.batchInsertText(
    'things',
    texts,
    texts.map((_, n) => ({ n })),
  )
  await client.insertVectors(
    'things',
    Array.from({ length: 140 }, (_, n) => ({ data: vector(random, 4), metadata: { n } })),
  )
  const values = fc.array(fc.float({ min: -9, max: 9, noNaN: true }), { minLength: 4, maxLength: 4 })
  const row = values.filter((data) => data.some((value) => value !== 0))
  const query = fc.oneof(
    row,
    row.map((data) => Float32Array.from(data)),
    fc.constantFrom('text 3', 'seven', ''),
  )
  const options = fc.record(
    {
      limit: fc.integer({ min: 1, max: 250 }),
      filter: fc.integer({ min: 0, max: 150 }).map((n) => ({ n: { $lt: n } })),
      similarity_threshold: fc.double({ min: -1, max: 1, noNaN: true }),
      with_vector: fc.boolean(),
      include_metadata: fc.boolean(),
      ef_search: fc.integer({ min: 1, max: 4096 }),
    },
    { requiredKeys: [] },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(query, { maxLength: 20 }), options, async (queries, given) => {
      const found = await client.searchBatch('things', queries, given)
      expect(found).toStrictEqual(await oneByOne(client, queries, given))
    }),
    { seed: 4, numRuns: 150 },
  )
})

test('a thousand queries are answered in one call, also from one array and with vectors', async () => {
  const client = await things(8, 'euclidean')
  const random = seeded(42)
  const ids = Array.from({ length: 3000 }, (_, i) => `id ${i}`)
  await client.insertVectors('things', { ids, data: vector(random, 8 * ids.length) })
  await client.optimize('things')
  const data = vector(random, 8000)
  const rows = Array.from({ length: 1000 }, (_, i) => data.slice(8 * i, 8 * i + 8))
  const options = { limit: 7, with_vector: true }
  const found = await client.searchBatch('things', rows, options)

  expect(found).toStrictEqual(await oneByOne(client, rows, options))
  expect(await client.searchBatch('things', data, options)).toStrictEqual(found)
})

test('no query has nothing to find', async () => {
  const client = await holding('a')
  expect(await client.searchBatch('things', [])).toStrictEqual([])
  expect(await client.searchBatch('things', new Float32Array(0))).toStrictEqual([])
  expect(await client.searchBatch('things', [''], { filter: { name: 'b' } })).toStrictEqual([[]])
  await expect(client.searchBatch('nowhere', [])).rejects.toBeInstanceOf(CollectionNotFoundError)
})

test('lists of any length are told apart', async () => {
  const ids = Array.from({ length: 2500 }, (_, i) => `id ${i}`)
  const client = await holding(...ids)
  const found = await client.searchBatch('things', ['', [1, 0], ''], { limit: 2500 })
  expect(found.map((list) => list.length)).toStrictEqual([2500, 2500, 2500])
  expect(found[2].map(({ id }) => id)).toStrictEqual(ids)
})

describe('what is no batch of queries', () => {
  test.each<[string, unknown, string]>([
    ['a text', 'text', 'queries'],
    ['nothing', undefined, 'queries'],
    ['a list of numbers', [1, 2], 'queries[0]'],
    ['null among vectors', [[1, 2], null], 'queries[1]'],
    ['a hole', Object.assign([[1, 2]], { 2: [1, 2] }), 'queries[1]'],
    [
      'no finite value',
      [
        [1, 2],
        [3, 4],
        [5, Number.NaN],
      ],
      'queries[2]',
    ],
    [
      'no number',
      [
        [1, 2],
        ['3', 4],
      ],
      'queries[1][0]',
    ],
    ['a zero vector', [[1, 2], Float32Array.of(0, 0)], 'queries[1]'],
    ['a lone surrogate', ['text', '\ud800'], 'queries[1]'],
    ['values that are no whole rows', new Float32Array(5).fill(1), 'queries'],
    ['no finite value in a row', Float32Array.of(1, 2, 3, Number.POSITIVE_INFINITY), 'queries[3]'],
  ])('%s is a ValidationError that names it', async (_, queries, named) => {
    const client = await holding('a')
    const error = await rejection(untyped(client).searchBatch('things', queries))
    expect(error).toBeInstanceOf(ValidationError)
    expect(error.message).toContain(named)
  })

  test('a wrong dimension names the query', async () => {
    const client = await holding('a')
    for (const wrong of [[1, 2, 3], [], Float32Array.of(1)]) {
      const error = await rejection(client.searchBatch('things', [[1, 2], '', 'a', wrong]))
      expect(error).toBeInstanceOf(DimensionMismatchError)
      expect(error).toMatchObject({ expected: 2, got: wrong.length })
      expect(error.message).toContain('queries[3]')
    }
  })

  test.each([{ limit: 0 }, { ef_search: 5000 }, { top: 3 }, { filter: {} }, { filter: { name: undefined } }])(
    'options %p are refused',
    async (options) => {
      const client = await holding('a')
      await expect(untyped(client).searchBatch('things', [[1, 2]], options)).rejects.toBeInstanceOf(
        ValidationError,
      )
    },
  )

  test('a closed client answers nothing', async () => {
    const client = await holding('a')
    await client.close()
    await expect(client.searchBatch('things', [[1, 2]])).rejects.toBeInstanceOf(ClientClosedError)
  })
})

describe('texts with an embedder', () => {
  test('are embedded together; vectors and the empty text are left alone', async () => {
    const calls: string[][] = []
    const client = opened({
      embedder: async (texts) => {
        calls.push([...texts])
        return texts.map((text) => [1, text.length])
      },
    })
    await client.createCollection('things', { dimension: 2 })
    await client.insertVectors('things', [
      { id: 'short', data: [1, 1] },
      { id: 'long', data: [1, 9] },
    ])
    const reused = Float32Array.of(1, 9)
    const searching = client.searchBatch('things', ['a', reused, '', 'aaaaaaaaa'], { limit: 1 })
    reused.set([1, 1])
    const found = await searching

    expect(found.map(([{ id }]) => id)).toStrictEqual(['short', 'long', 'short', 'long'])
    await client.searchBatch('things', [[1, 2], ''])
    expect(calls).toStrictEqual([['a', 'aaaaaaaaa']])
  })

  test('fail as a whole', async () => {
    const client = opened({ embedder: () => Promise.reject(new Error('no model')) })
    await client.createCollection('things', { dimension: 2 })
    await expect(client.searchBatch('things', [[1, 2], 'a'])).rejects.toBeInstanceOf(EmbeddingError)
  })
})

test('a vector is in the results of no query that begins after its delete', async () => {
  const client = await things(8)
  const random = seeded(43)
  const ids = Array.from({ length: 1500 }, (_, i) => `id ${i}`)
  await client.insertVectors('things', { ids, data: vector(random, 8 * ids.length) })
  const queries = vector(random, 8 * 300)
  const gone = new Set<string>()
  let busy = true
  const deleting = (async () => {
    while (busy && gone.size < 1000) {
      const some = Array.from({ length: 10 }, () => ids[whole(random, ids.length)]).filter(
        (id, i, all) => !gone.has(id) && all.indexOf(id) === i,
      )
      await client.batchDelete('things', some)
      for (const id of some) gone.add(id)
    }
  })()
  for (let round = 0; round < 10; round++) {
    const before = new Set(gone)
    const found = (await client.searchBatch('things', queries)).flat()
    expect(found).toHaveLength(3000)
    expect(found.filter(({ id }) => before.has(id))).toStrictEqual([])
  }
  busy = false
  await deleting
})
