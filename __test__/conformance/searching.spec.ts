import fc from 'fast-check'
import {
  CollectionNotFoundError,
  DimensionMismatchError,
  type SearchResult,
  type SimilarityMetric,
  ValidationError,
  type Vectorizer,
} from '../..'
import { seeded, vector } from '../support/random'
import { ranked, score } from '../support/ranking'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'
import { engines } from './engines'

const metrics: SimilarityMetric[] = ['cosine', 'euclidean', 'dot_product']

async function filled(client: Vectorizer, rows: number[][]) {
  const vectors = rows.map((data, i) => ({ id: `${i}`, data }))
  await client.insertVectors('things', vectors)
  return vectors
}

/** Results to be like: the same in all but the last digits of the scores. */
const near = (results: SearchResult[]): SearchResult[] =>
  results.map((one) => ({ ...one, score: expect.closeTo(one.score, 4) }))

describe.each(engines)('searching with the client that is %s', (_, ready) => {
  const engine = ready()

  test.each(metrics)('by %s gives what brute force gives', async (metric) => {
    const client = await engine.things(4, metric)
    const random = seeded(7)
    const rows = Array.from({ length: 200 }, (_, i) => ({ id: `${i}`, data: vector(random, 4) }))
    await client.insertVectors('things', rows)
    const values = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 4, maxLength: 4 })
    const query = values.filter((data) => data.some((value) => value !== 0))
    await fc.assert(
      fc.asyncProperty(query, fc.integer({ min: 1, max: 250 }), async (data, limit) => {
        const best = ranked(metric, data, rows).slice(0, limit)
        const found = await client.search('things', data, { limit })

        expect(found).toHaveLength(best.length)
        expect(new Set(found.map(({ id }) => id)).size).toBe(best.length)
        for (const [i, one] of found.entries()) {
          expect(one.score).toBeCloseTo(score(metric, data, rows[Number(one.id)].data), 4)
          expect(one.score).toBeCloseTo(best[i].score, 4)
        }
      }),
      { seed: 2, numRuns: 25 },
    )
  })

  test('scores are the cosine, 1 / (1 + distance), and the dot product', async () => {
    const scores: number[] = []
    const client = await engine.open()
    for (const metric of metrics) {
      await client.createCollection(metric, { dimension: 2, metric })
      await client.insertVectors(metric, [{ data: [4, 3] }])
      scores.push(...(await client.search(metric, [3, 4])).map((found) => found.score))
    }
    expect(scores[0]).toBeCloseTo(24 / 25, engine.digits)
    expect(scores[1]).toBeCloseTo(1 / (1 + Math.SQRT2), engine.digits)
    expect(scores[2]).toBeCloseTo(24, engine.digits)
  })

  test.each(metrics)('the same and the opposite vector score at the ends by %s', async (metric) => {
    const client = await engine.things(2, metric)
    await filled(client, [
      [3, 4],
      [-3, -4],
    ])
    const found = await client.search('things', [3, 4])
    const expected = { cosine: [1, -1], euclidean: [1, 1 / 11], dot_product: [25, -25] }[metric]
    expect(found.map(({ id }) => id)).toStrictEqual(['0', '1'])
    for (const [i, one] of found.entries()) expect(one.score).toBeCloseTo(expected[i], 4)
  })

  test.each(['euclidean', 'dot_product'] as const)('a zero vector is fine by %s', async (metric) => {
    const client = await engine.things(2, metric)
    await client.insertVectors('things', [{ id: 'zero', data: [0, 0] }])
    expect(await client.search('things', [0, 0])).toStrictEqual([
      { id: 'zero', score: expect.closeTo(metric === 'euclidean' ? 1 : 0, engine.digits) },
    ])
  })

  test('by default gives ten results with metadata and without vectors', async () => {
    const ids = Array.from({ length: 12 }, (_, i) => `${i}`)
    const client = await engine.holding(...ids)
    const found = await client.search('things', [1, 0])
    expect(found[0]).toStrictEqual({
      id: '0',
      score: expect.closeTo(1, engine.digits),
      metadata: { place: 0, name: '0' },
    })
    expect(found.map(({ id }) => id)).toStrictEqual(ids.slice(0, 10))
  })

  test('with_vector adds vectors, include_metadata: false leaves metadata out', async () => {
    const client = await engine.holding('a')
    const near = expect.closeTo(1, engine.digits)
    const bare = { with_vector: true, include_metadata: false }
    expect(await client.search('things', [1, 0], bare)).toStrictEqual([
      { id: 'a', score: near, data: Float32Array.of(1, 0) },
    ])
    expect(await client.search('things', '', { with_vector: true })).toStrictEqual([
      { id: 'a', score: 0, data: Float32Array.of(1, 0), metadata: { place: 0, name: 'a' } },
    ])
    expect(await client.search('things', '', { include_metadata: false })).toStrictEqual([
      { id: 'a', score: 0 },
    ])
  })

  test('a vector without metadata has none in results, and a text is always there', async () => {
    const client = await engine.things()
    await client.insertVectors('things', [
      { id: 'none', data: [1, 0] },
      { id: 'empty', data: [1, 1], metadata: {}, text: 'a text' },
    ])
    expect(await client.search('things', [1, 0], { include_metadata: false })).toStrictEqual([
      { id: 'none', score: expect.closeTo(1, 4) },
      { id: 'empty', score: expect.closeTo(Math.SQRT1_2, 4), text: 'a text' },
    ])
    expect(await client.search('things', [1, 0])).toStrictEqual([
      { id: 'none', score: expect.closeTo(1, 4) },
      { id: 'empty', score: expect.closeTo(Math.SQRT1_2, 4), text: 'a text', metadata: {} },
    ])
  })

  test('a limit larger than the collection gives all of it', async () => {
    const client = await engine.holding('a', 'b', 'c')
    const limit = engine.isEmbedded ? Number.MAX_SAFE_INTEGER : 10_000
    expect(await client.search('things', [1, 9], { limit })).toHaveLength(3)
    expect(await client.search('things', '', { limit: Number.MAX_SAFE_INTEGER })).toHaveLength(3)
  })

  test('a threshold keeps only results with at least that score', async () => {
    const client = await engine.things(2, 'dot_product')
    await filled(client, [
      [1, 0],
      [2, 0],
      [3, 0],
      [-1, 0],
    ])
    const scores = async (similarity_threshold: number) =>
      (await client.search('things', [1, 0], { similarity_threshold })).map((one) => one.score)
    expect(await scores(2)).toStrictEqual([3, 2])
    expect(await scores(3.5)).toStrictEqual([])
    expect(await scores(-1)).toStrictEqual([3, 2, 1, -1])
    expect(await scores(0)).toStrictEqual([3, 2, 1])
    // By the SDK's name it is the same, and in the SDK's shape by either.
    for (const limits of [{ threshold: 2 }, { similarity_threshold: 2 }]) {
      const found = await client.search('things', [1, 0], limits)
      expect(found.map((one) => one.score)).toStrictEqual([3, 2])
      const { results } = await client.searchVectors('things', { query_vector: [1, 0], ...limits })
      expect(results).toStrictEqual(found)
      expect(await client.searchBatch('things', [[1, 0]], limits)).toStrictEqual([found])
    }
    // What is not ranked has no score to be below it.
    expect(await client.search('things', '', { similarity_threshold: 0.1 })).toHaveLength(4)
  })

  test('a filter is applied before the limit', async () => {
    const client = await engine.holding('a', 'b', 'c', 'd')
    const found = await client.search('things', [1, 0], { limit: 2, filter: { place: { $gte: 2 } } })
    expect(found.map(({ id }) => id)).toStrictEqual(['c', 'd'])
    expect(await client.search('things', [1, 0], { filter: { name: 'z' } })).toStrictEqual([])
    const listed = await client.search('things', '', { limit: 1, filter: { name: ['c', 'd'] } })
    expect(listed).toHaveLength(1)
  })

  test('ef_search leaves the number of results as it is', async () => {
    const client = await engine.holding(...Array.from({ length: 20 }, (_, i) => `${i}`))
    for (const ef_search of [1, 80, 4096]) {
      expect(await client.search('things', [1, 0], { ef_search, limit: 15 })).toHaveLength(15)
      const { total } = await client.searchVectors('things', { query_vector: [1, 0], ef_search, limit: 20 })
      expect(total).toBe(20)
      expect((await client.searchText('things', { query: '', ef_search, limit: 3 })).total).toBe(3)
    }
  })

  test('an option that is undefined is one that is left out', async () => {
    const client = await engine.holding('a', 'b')
    const options = {
      limit: undefined,
      filter: undefined,
      with_vector: undefined,
      include_metadata: undefined,
      similarity_threshold: undefined,
      ef_search: undefined,
    }
    const plain = await client.search('things', [1, 0])
    expect(plain).toHaveLength(2)
    expect(await client.search('things', [1, 0], options)).toStrictEqual(plain)
    expect(await client.search('things', [1, 0], undefined)).toStrictEqual(plain)
    const request = {
      query_vector: [1, 0],
      ...options,
      similarity_threshold: undefined,
      threshold: undefined,
    }
    const { similarity_threshold: _, ...asked } = request
    expect((await client.searchVectors('things', asked)).results).toStrictEqual(plain)
    expect(await client.searchBatch('things', [[1, 0]], options)).toStrictEqual([plain])
  })

  test('searchVectors has results and their number', async () => {
    const client = await engine.holding('a', 'b', 'c')
    expect(await client.searchVectors('things', { query_vector: [1, 0], limit: 2 })).toStrictEqual({
      results: [
        { id: 'a', score: expect.closeTo(1, engine.digits), metadata: { place: 0, name: 'a' } },
        { id: 'b', score: expect.closeTo(Math.SQRT1_2, engine.digits), metadata: { place: 1, name: 'b' } },
      ],
      total: 2,
    })
    const near = await client.searchVectors('things', {
      query_vector: Float32Array.of(1, 0),
      threshold: 0.9,
      with_vector: true,
      include_metadata: false,
    })
    expect(near).toStrictEqual({
      results: [{ id: 'a', score: expect.closeTo(1, engine.digits), data: Float32Array.of(1, 0) }],
      total: 1,
    })
    const filtered = await client.searchVectors('things', { query_vector: [1, 0], filter: { name: 'c' } })
    expect(filtered.results.map(({ id }) => id)).toStrictEqual(['c'])
  })

  test('searchBatch gives what the same queries give one by one, in their order', async () => {
    const client = await engine.things(4)
    const random = seeded(41)
    await client.batchInsertText(
      'things',
      Array.from({ length: 20 }, (_, i) => `text ${i} of ${i % 7}`),
      Array.from({ length: 20 }, (_, n) => ({ n })),
    )
    const rows = Array.from({ length: 60 }, (_, n) => ({ data: vector(random, 4), metadata: { n } }))
    await client.insertVectors('things', rows)
    const queries = ['', vector(random, 4), 'text 3', [1, 2, 3, 4], '', 'seven', vector(random, 4)]
    const all = [
      undefined,
      { limit: 3, with_vector: true },
      { filter: { n: { $lt: 9 } }, include_metadata: false },
      { similarity_threshold: 0.5, limit: 40 },
    ]
    for (const options of all) {
      const each = []
      for (const query of queries) each.push(near(await client.search('things', query, options)))
      expect(await client.searchBatch('things', queries, options)).toStrictEqual(each)
    }
  })

  test('searchBatch takes one array of many vectors, also more than one request holds', async () => {
    const client = await engine.things(3, 'euclidean')
    const random = seeded(42)
    const ids = Array.from({ length: 40 }, (_, i) => `id ${i}`)
    await client.insertVectors('things', { ids, data: vector(random, 120) })
    const data = vector(random, 3 * 130)
    const rows = Array.from({ length: 130 }, (_, i) => data.slice(3 * i, 3 * i + 3))
    const found = await client.searchBatch('things', data, { limit: 2 })
    expect(found).toHaveLength(130)
    expect(await client.searchBatch('things', rows, { limit: 2 })).toStrictEqual(found.map(near))
    for (const i of [0, 99, 100, 129]) {
      expect(await client.search('things', rows[i], { limit: 2 })).toStrictEqual(near(found[i]))
    }
  })

  test('searchBatch of one query, of none, and of what finds nothing', async () => {
    const client = await engine.holding('a')
    expect(await client.searchBatch('things', [])).toStrictEqual([])
    expect(await client.searchBatch('things', new Float32Array(0))).toStrictEqual([])
    expect(await client.searchBatch('things', [[1, 0]], { limit: 1, include_metadata: false })).toStrictEqual(
      [[{ id: 'a', score: expect.closeTo(1, 4) }]],
    )
    const filter = { name: 'b' }
    expect(await client.searchBatch('things', ['', [1, 0], [1, 1]], { filter })).toStrictEqual([[], [], []])
    await expect(client.searchBatch('nowhere', [])).rejects.toBeInstanceOf(CollectionNotFoundError)
  })

  test('the empty text lists with score 0, beyond what is ranked at most', async () => {
    const client = await engine.open()
    await client.createCollection('things', { dimension: 1, metric: 'euclidean' })
    const ids = Array.from({ length: 17_000 }, (_, i) => `id ${(i * 7919) % 17_000}`)
    await client.insertVectors('things', {
      ids,
      data: Float32Array.from(ids, (_, i) => i % 10),
      metadata: ids.map((_, i) => ({ tenth: i % 10 })),
    })
    const all = await client.search('things', '', { limit: 20_000 })
    expect(engine.arranged(all.map(({ id }) => id))).toStrictEqual(engine.arranged(ids))
    expect(all.every((one) => one.score === 0)).toBe(true)
    const most = await client.search('things', '', { limit: 16_385, include_metadata: false })
    expect(most.map(({ id }) => id)).toStrictEqual(all.slice(0, 16_385).map(({ id }) => id))
    const tenth = await client.search('things', '', { limit: 20_000, filter: { tenth: 3 } })
    const expected = ids.filter((_, i) => i % 10 === 3)
    expect(engine.arranged(tenth.map(({ id }) => id))).toStrictEqual(engine.arranged(expected))
    expect(await client.count('things', { tenth: { $gt: 3 } })).toBe(10_200)
    if (engine.isEmbedded) {
      const vectors = await client.search('things', '', { limit: 20_000, with_vector: true })
      expect(vectors.map(({ data }) => data?.[0])).toStrictEqual(ids.map((_, i) => i % 10))
    }
  })

  test('a query that is none is refused by its place', async () => {
    const client = untyped(await engine.holding('a'))
    for (const query of [[1, Number.NaN], [0, 0], [1, '2'], 5, null, undefined, { text: 'a' }, '\ud800']) {
      await expect(client.search('things', query)).rejects.toBeInstanceOf(ValidationError)
    }
    for (const [queries, named] of [
      ['text', 'queries'],
      [[1, 2], 'queries[0]'],
      [undefined, 'queries'],
      [[[1, 2], null], 'queries[1]'],
      [Object.assign([[1, 2]], { 2: [1, 2] }), 'queries[1]'],
      [
        [
          [1, 2],
          [3, 4],
          [5, Number.NaN],
        ],
        'queries[2]',
      ],
      [
        [
          [1, 2],
          ['3', 4],
        ],
        'queries[1][0]',
      ],
      [[[1, 2], Float32Array.of(0, 0)], 'queries[1]'],
      [['text', '\ud800'], 'queries[1]'],
      [new Float32Array(5).fill(1), 'queries'],
      [Float32Array.of(1, 2, 3, Number.POSITIVE_INFINITY), 'queries[3]'],
    ] as [unknown, string][]) {
      const error = await rejection(client.searchBatch('things', queries))
      expect(error).toBeInstanceOf(ValidationError)
      expect(error.message).toContain(named)
    }
  })

  test('a query of another dimension tells what was expected and what was given', async () => {
    const client = await engine.holding('a')
    const calls = [
      () => client.search('things', [1, 2, 3]),
      () => client.searchVectors('things', { query_vector: Float32Array.of(1, 2, 3) }),
      () => client.searchBatch('things', [[1, 2], '', [1, 2, 3]]),
    ]
    for (const call of calls) {
      const error = await rejection(call())
      expect(error).toBeInstanceOf(DimensionMismatchError)
      expect(error).toMatchObject({ expected: 2, got: 3 })
    }
    for (const wrong of [[1, 2, 3], [], Float32Array.of(1)]) {
      const error = await rejection(client.searchBatch('things', [[1, 2], '', 'a', wrong]))
      expect(error).toBeInstanceOf(DimensionMismatchError)
      expect(error).toMatchObject({ expected: 2, got: wrong.length })
      expect(error.message).toContain('queries[3]')
    }
  })

  test('options that are not understood are refused by name', async () => {
    const client = untyped(await engine.holding('a'))
    const limits = [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '10', 5n]
    const wrong: [string, unknown][] = [
      ...limits.map((limit): [string, unknown] => ['limit', { limit }]),
      ...[0, 4097, -1, 1.5, '80', Number.NaN].map((ef_search): [string, unknown] => [
        'ef_search',
        { ef_search },
      ]),
      ['limt', { limt: 3 }],
      ['filters', { filters: { name: 'a' } }],
      ['withVector', { withVector: true }],
      ['with_vector', { with_vector: 'yes' }],
      ['include_metadata', { include_metadata: 1 }],
      ['similarity_threshold', { similarity_threshold: '0.5' }],
      ['similarity_threshold', { similarity_threshold: Number.NaN }],
      ['filter', { filter: 'name' }],
      ['filter', { filter: null }],
    ]
    for (const [named, options] of wrong) {
      const given = { query_vector: [1, 1], ...(options as object) }
      for (const call of [
        () => client.search('things', [1, 1], options),
        () => client.search('things', '', options),
        () => client.searchBatch('things', [[1, 1]], options),
        () => client.searchVectors('things', given),
        () => client.searchText('things', { query: 'a', ...(options as object) }),
      ]) {
        const error = await rejection(call())
        expect(error).toBeInstanceOf(ValidationError)
        expect(error.message).toContain(named)
        expect(error.message).not.toContain('usize')
      }
    }
    for (const page of [-1, 0.5, Number.NaN, '0']) {
      const error = await rejection(client.listVectors('things', page, 10))
      expect(error).toBeInstanceOf(ValidationError)
      expect(error.message).toContain('page')
    }
    for (const limit of limits) {
      const error = await rejection(client.listVectors('things', 0, limit))
      expect(error).toBeInstanceOf(ValidationError)
      expect(error.message).toContain('limit')
      expect(error.message).not.toContain('usize')
    }
  })
})
