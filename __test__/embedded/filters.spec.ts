import fc from 'fast-check'
import type { Filter } from '../..'
import { things } from '../support/collections'
import { documented, documents, meanings } from '../support/documents'
import { asClauses, asOperators, matches, metadata, tree } from '../support/filtering'

test.each(meanings)('%s', async (_, filter, expected) => {
  const client = await documented()
  const ids = expected.split(' ').filter(Boolean)

  expect((await client.search('things', '', { filter })).map(({ id }) => id)).toStrictEqual(ids)
  expect(await client.count('things', filter)).toBe(ids.length)
  const ranked = await client.search('things', [1, 1], { filter })
  expect(ranked.map(({ id }) => id).sort()).toStrictEqual([...ids].sort())
  const dry = await client.deleteByFilter('things', filter, { dryRun: true })
  expect(dry.results.map(({ id }) => id)).toStrictEqual(ids)
  expect((await client.deleteByFilter('things', filter)).deleted).toBe(ids.length)
  const left = (await client.search('things', '')).map(({ id }) => id)
  expect(left).toStrictEqual(Object.keys(documents).filter((id) => !ids.includes(id)))
})

test('match except matches present values other than those', async () => {
  const client = await documented()
  const found = await client.search('things', '', {
    filter: { must: [{ key: 'n', match: { except: [1, 3] } }] },
  })
  expect(found.map(({ id }) => id)).toEqual(expect.arrayContaining(['two', 'four']))
  expect(found.map(({ id }) => id)).not.toEqual(expect.arrayContaining(['one']))
  expect(found.map(({ id }) => id)).not.toEqual(expect.arrayContaining(['three']))
})

test('the same condition in three forms matches the same', async () => {
  const client = await documented()
  const forms: Filter[][] = [
    [{ s: 'apple' }, { s: { $eq: 'apple' } }, { must: [{ key: 's', match: { value: 'apple' } }] }],
    [{ n: [1, 2] }, { n: { $in: [1, 2] } }, { must: [{ key: 'n', match: { any: [1, 2] } }] }],
    [
      { n: 1, s: 'apple' },
      { $and: [{ n: 1 }, { s: 'apple' }] },
      {
        must: [
          { key: 'n', match: { value: 1 } },
          { key: 's', match: { value: 'apple' } },
        ],
      },
    ],
  ]
  for (const same of forms) {
    const found = await Promise.all(same.map((filter) => client.search('things', '', { filter })))
    expect(found[0].length).toBeGreaterThan(0)
    expect(found[1]).toStrictEqual(found[0])
    expect(found[2]).toStrictEqual(found[0])
  }
})

test('a filter sees metadata as it is after updates and deletes', async () => {
  const client = await documented()
  expect(await client.count('things', { n: { $gte: 1 } })).toBe(3)
  await client.updateVector('things', 'one', { metadata: { n: -1 } })
  await client.insertVectors('things', [{ id: 'two', data: [1, 1] }])
  await client.deleteVector('things', 'three')
  await client.insertVectors('things', [{ id: 'five', data: [1, 1], metadata: { n: 5 } }])

  expect(
    (await client.search('things', '', { filter: { n: { $gte: 1 } } })).map(({ id }) => id),
  ).toStrictEqual(['five'])
  expect(await client.count('things', { n: -1 })).toBe(1)
  expect(await client.count('things', { n: { $exists: false } })).toBe(2)
})

test('a field may have any name that is no operator', async () => {
  const client = await things()
  const names = ['key', 'filter', '__proto__', 'constructor', 'a b', 'é']
  for (const [i, name] of names.entries()) {
    const own = JSON.parse(JSON.stringify({ [name]: 'here', i }))
    await client.insertVectors('things', [{ id: `${i}`, data: [1, i], metadata: own }])
  }
  for (const [i, name] of names.entries()) {
    const filter = JSON.parse(`{${JSON.stringify(name)}: "here"}`)
    expect((await client.search('things', '', { filter })).map(({ id }) => id)).toStrictEqual([`${i}`])
  }
})

test('a field filtered by a Date object that is metadata as a Date is found', async () => {
  const client = await things()
  const at = new Date('2024-05-05T05:05:05.005Z')
  await client.insertVectors('things', [{ id: 'a', data: [1, 1], metadata: { at } }])
  expect(await client.count('things', { at })).toBe(1)
  expect(await client.count('things', { at: { $gt: at } })).toBe(0)
  expect(await client.count('things', { at: { $lt: new Date(at.getTime() + 1) } })).toBe(1)
})

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
