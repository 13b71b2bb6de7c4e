import fc from 'fast-check'
import type { SimilarityMetric, VectorizerClient } from '../..'
import { things } from '../support/collections'
import { ranked, score } from '../support/ranking'

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
