import fc from 'fast-check'
import { things } from '../support/collections'
import { asClauses, asOperators, matches, metadata, tree } from '../support/filtering'

test('any filter matches what its words say, in both forms', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(metadata, { minLength: 1, maxLength: 30 }),
      fc.array(tree, { minLength: 1, maxLength: 5 }),
      async (all, trees) => {
        const client = await things()
        const rows = all.map((one, i) => ({ id: `${i}`, data: [1, i], metadata: one }))
        await client.insertVectors('things', rows)
        for (const one of trees) {
          const expected = rows.filter((row) => matches(one, row.metadata)).map(({ id }) => id)
          for (const filter of [asOperators(one), asClauses(one)]) {
            const found = await client.search('things', '', { limit: 100, filter })
            expect(found.map(({ id }) => id)).toStrictEqual(expected)
          }
        }
        const filter = asOperators(trees[0])
        const gone = rows.filter((row) => matches(trees[0], row.metadata)).map(({ id }) => id)
        const { scanned, results } = await client.deleteByFilter('things', filter)
        expect(scanned).toBe(rows.length)
        expect(results.map(({ id }) => id)).toStrictEqual(gone)
        expect(await client.count('things')).toBe(rows.length - gone.length)
        expect(await client.count('things', filter)).toBe(0)
        await client.close()
      },
    ),
    { seed: 4, numRuns: 300 },
  )
})
