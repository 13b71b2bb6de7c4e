import fc from 'fast-check'
import { type SimilarityMetric, ValidationError, type VectorizerClient } from '../..'
import { holding, client as opened, things } from '../support/collections'
import { ranked, score } from '../support/ranking'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'

const metrics: SimilarityMetric[] = ['cosine', 'euclidean', 'dot_product']

async function filled(client: VectorizerClient, rows: number[][]) {
  const vectors = rows.map((data, i) => ({ id: `${i}`, data }))
  await client.insertVectors('things', vectors)
  return vectors
}

describe.each(metrics)('searching by %s', (metric) => {
  const rows = (value: fc.Arbitrary<number>) =>
    fc.integer({ min: 1, max: 9 }).chain((dimension) => {
      const row = fc
        .array(value, { minLength: dimension, maxLength: dimension })
        .filter((data) => metric !== 'cosine' || data.some((x) => x !== 0))
      return fc.tuple(row, fc.array(row, { minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 50 }))
    })

  test('gives what brute force gives, equally near ones in insertion order', async () => {
    // Small whole numbers: every sum is exact, so that ties are ties.
    const awkward = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom(0, 1, 100, -0.5, 0.25))
    await fc.assert(
      fc.asyncProperty(rows(awkward), async ([query, all, limit]) => {
        const client = await things(query.length, metric)
        const best = ranked(metric, query, await filled(client, all)).slice(0, limit)
        const found = await client.search('things', query, { limit })
        await client.close()

        expect(found.map(({ id }) => id)).toStrictEqual(best.map(({ id }) => id))
        for (const [i, one] of found.entries()) expect(one.score).toBeCloseTo(best[i].score, 9)
      }),
      { seed: 2, numRuns: 150 },
    )
  })

  test('scores by the formula and misses nothing better, for any finite values', async () => {
    const awkward = fc.oneof(
      fc.float({ min: -10, max: 10, noNaN: true }),
      fc.constantFrom(0, 1e-42, 1e-20, 3e38, -3e38, 99.5, 100, 1e6).map(Math.fround),
    )
    const near = (a: number, b: number) => Math.abs(a - b) <= 1e-5 * Math.max(1, Math.abs(a), Math.abs(b))
    await fc.assert(
      fc.asyncProperty(rows(awkward), async ([query, all, limit]) => {
        const client = await things(query.length, metric)
        const vectors = await filled(client, all)
        const found = await client.search('things', query, { limit })
        await client.close()
        const best = ranked(metric, query, vectors)

        expect(found).toHaveLength(Math.min(limit, all.length))
        const product = (at: number) => all[at].reduce((sum, x, i) => sum + Math.abs(x * query[i]), 1)
        for (const [i, one] of found.entries()) {
          const exact = score(metric, query, all[Number(one.id)])
          // A dot product is exact to its terms, which can cancel out.
          const size = metric === 'dot_product' ? product(Number(one.id)) + product(Number(best[i].id)) : 1
          expect(near(one.score / size, exact / size)).toBe(true)
          expect(near(one.score / size, best[i].score / size)).toBe(true)
        }
      }),
      { seed: 3, numRuns: 150 },
    )
  })
})

test('scores are the cosine, 1 / (1 + distance), and the dot product', async () => {
  const scores = await Promise.all(
    metrics.map(async (metric) => {
      const client = await things(2, metric)
      await filled(client, [[4, 3]])
      const [found] = await client.search('things', [3, 4])
      return found.score
    }),
  )
  expect(scores[0]).toBeCloseTo(24 / 25, 9)
  expect(scores[1]).toBeCloseTo(1 / (1 + Math.SQRT2), 9)
  expect(scores[2]).toBeCloseTo(24, 9)
})

describe('options', () => {
  test('by default ten results with metadata and without vectors', async () => {
    const client = await holding(...Array.from({ length: 12 }, (_, i) => `${i}`))
    const found = await client.search('things', [1, 0])

    expect(found).toHaveLength(10)
    expect(found[0]).toStrictEqual({ id: '0', score: 1, metadata: { place: 0, name: '0' } })
    expect(found.map(({ id }) => id)).toStrictEqual(Array.from({ length: 10 }, (_, i) => `${i}`))
  })

  test('with_vector adds vectors, include_metadata: false leaves metadata out', async () => {
    const client = await holding('a')
    expect(
      await client.search('things', [1, 0], { with_vector: true, include_metadata: false }),
    ).toStrictEqual([{ id: 'a', score: 1, data: Float32Array.of(1, 0) }])
    expect(await client.search('things', '', { with_vector: true })).toStrictEqual([
      { id: 'a', score: 0, data: Float32Array.of(1, 0), metadata: { place: 0, name: 'a' } },
    ])
  })

  test('a limit larger than the collection gives all of it', async () => {
    const client = await holding('a', 'b', 'c')
    expect(await client.search('things', [1, 9], { limit: 1_000_000 })).toHaveLength(3)
    expect(await client.search('things', [1, 9], { limit: Number.MAX_SAFE_INTEGER })).toHaveLength(3)
  })

  test('a threshold keeps only results with at least that score', async () => {
    const client = await things(2, 'dot_product')
    await filled(client, [
      [1, 0],
      [2, 0],
      [3, 0],
      [-1, 0],
    ])
    const found = await client.search('things', [1, 0], { similarity_threshold: 2 })
    expect(found.map(({ score: one }) => one)).toStrictEqual([3, 2])
    expect(await client.search('things', [1, 0], { similarity_threshold: 3.5 })).toStrictEqual([])
    expect(await client.search('things', [1, 0], { similarity_threshold: -1 })).toHaveLength(4)
    expect((await client.search('things', [1, 0], { similarity_threshold: 0 })).at(-1)?.score).toBe(1)
  })

  test.each([
    ['0', 0],
    ['4097', 4097],
    ['-1', -1],
    ['a fraction', 1.5],
    ['a text', '80'],
    ['NaN', Number.NaN],
  ])('an ef_search of %s is a ValidationError', async (_, ef_search) => {
    const client = untyped(await holding('a', 'b'))
    const calls = [
      client.search('things', [1, 0], { ef_search }),
      client.searchVectors('things', { query_vector: [1, 0], ef_search }),
      client.searchText('things', { query: 'a', ef_search }),
    ]
    for (const error of await Promise.all(calls.map(rejection))) {
      expect(error).toBeInstanceOf(ValidationError)
      expect(error.message).toContain('ef_search')
    }
  })

  test.each([1, 80, 4096])('an ef_search of %i leaves the number of results as it is', async (ef_search) => {
    const client = await holding(...Array.from({ length: 20 }, (_, i) => `${i}`))
    expect(await client.search('things', [1, 0], { ef_search })).toHaveLength(10)
    const { total } = await client.searchVectors('things', { query_vector: [1, 0], ef_search, limit: 20 })
    expect(total).toBe(20)
    expect((await client.searchText('things', { query: '', ef_search, limit: 3 })).total).toBe(3)
  })

  test('a filter is applied before the limit', async () => {
    const client = await holding('a', 'b', 'c', 'd')
    const found = await client.search('things', [1, 0], { limit: 2, filter: { place: { $gte: 2 } } })
    expect(found.map(({ id }) => id)).toStrictEqual(['c', 'd'])
    expect(await client.search('things', [1, 0], { filter: { name: 'z' } })).toStrictEqual([])
  })

  test('an option that is undefined is one that is left out', async () => {
    const client = await holding('a')
    const options = { limit: undefined, filter: undefined, with_vector: undefined }
    expect(await client.search('things', [1, 0], options)).toStrictEqual(
      await client.search('things', [1, 0]),
    )
  })
})

describe('the empty text', () => {
  test('lists all in insertion order with score 0, and no hidden cap', async () => {
    const client = opened()
    await client.createCollection('things', { dimension: 1, metric: 'euclidean' })
    const ids = Array.from({ length: 10_500 }, (_, i) => `id ${(i * 7919) % 10_500}`)
    await client.insertVectors('things', {
      ids,
      data: Float32Array.from(ids, (_, i) => i % 10),
      metadata: ids.map((_, i) => ({ even: i % 2 === 0 })),
    })
    const all = await client.search('things', '', { limit: 20_000 })

    expect(all.map(({ id }) => id)).toStrictEqual(ids)
    expect(all.every((one) => one.score === 0)).toBe(true)
    expect((await client.search('things', '', { limit: 10_001 })).map(({ id }) => id)).toStrictEqual(
      ids.slice(0, 10_001),
    )
    const even = await client.search('things', '', { limit: 20_000, filter: { even: true } })
    expect(even.map(({ id }) => id)).toStrictEqual(ids.filter((_, i) => i % 2 === 0))
    const vectors = await client.search('things', '', { limit: 20_000, with_vector: true })
    expect(vectors.map(({ data }) => data?.[0])).toStrictEqual(ids.map((_, i) => i % 10))
  })
})

describe("the SDK's shapes", () => {
  test('searchVectors has results and their number', async () => {
    const client = await holding('a', 'b', 'c')
    expect(await client.searchVectors('things', { query_vector: [1, 0], limit: 2 })).toStrictEqual({
      results: [
        { id: 'a', score: 1, metadata: { place: 0, name: 'a' } },
        { id: 'b', score: expect.closeTo(Math.SQRT1_2, 9), metadata: { place: 1, name: 'b' } },
      ],
      total: 2,
    })
    const query_vector = Float32Array.of(1, 0)
    const near = await client.searchVectors('things', {
      query_vector,
      threshold: 0.9,
      with_vector: true,
      include_metadata: false,
    })
    expect(near).toStrictEqual({ results: [{ id: 'a', score: 1, data: Float32Array.of(1, 0) }], total: 1 })
    const filtered = await client.searchVectors('things', { query_vector, filter: { name: 'c' } })
    expect(filtered.results.map(({ id }) => id)).toStrictEqual(['c'])
  })

  test('searchText finds what search finds', async () => {
    const client = await things(64)
    await client.batchInsertText('things', ['delete a vector', 'onion soup'], [{ n: 1 }, { n: 2 }])
    const { results, total } = await client.searchText('things', { query: 'deleting vectors', limit: 1 })

    expect(total).toBe(1)
    expect(results).toStrictEqual(await client.search('things', 'deleting vectors', { limit: 1 }))
    expect(results[0]).toMatchObject({ text: 'delete a vector', metadata: { n: 1 } })
    expect(await client.searchText('things', { query: 'soup', threshold: 0.99 })).toStrictEqual({
      results: [],
      total: 0,
    })
  })

  test('an empty collection has no results', async () => {
    const client = await things()
    expect(await client.search('things', [1, 0])).toStrictEqual([])
    expect(await client.searchVectors('things', { query_vector: [1, 0] })).toStrictEqual({
      results: [],
      total: 0,
    })
    expect(await client.searchText('things', { query: 'a' })).toStrictEqual({ results: [], total: 0 })
    expect(await client.listVectors('things')).toStrictEqual({ vectors: [], total: 0, limit: 10, offset: 0 })
  })
})
