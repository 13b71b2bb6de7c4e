import fc from 'fast-check'
import type { Filter } from '..'
import { things } from './support/collections'
import { documented, documents } from './support/documents'
import { asClauses, asOperators, matches, metadata, tree } from './support/filtering'

/** Filters with the documents that they match. */
const meanings: [string, Filter, string][] = [
  ['equal number', { n: 1 }, 'one'],
  ['equal string', { s: '3' }, 'three'],
  ['equal boolean', { yes: false }, 'two'],
  ['equal null: only null itself, nothing that is missing', { yes: null }, 'three'],
  ['all fields of a plain filter', { n: 2, s: 'banana' }, 'two'],
  ['all fields of a plain filter, not some', { n: 2, s: 'apple' }, ''],
  ['a list means any of', { s: ['apple', '3', 'pear'] }, 'one three'],
  ['any element of an array', { tags: 'red' }, 'one four'],
  ['any element of an array, with a list', { tags: ['old', 'yellow'] }, 'one two'],
  ['a dotted path', { 'author.name': 'Ada' }, 'one'],
  ['a longer dotted path', { 'author.born.year': 1815 }, 'one'],
  ['a dotted path into an array of objects', { 'parts.n': 5 }, 'two'],
  ['a path that is nowhere', { 'author.born.month': 1 }, ''],
  ['different types are never equal', { n: '1' }, 'four'],

  ['$eq', { n: { $eq: 1 } }, 'one'],
  ['$ne: also what is missing', { s: { $ne: 'apple' } }, 'two three four none'],
  ['$gt', { n: { $gt: 1 } }, 'two three'],
  ['$gte', { n: { $gte: 2 } }, 'two three'],
  ['$lt', { n: { $lt: 2 } }, 'one'],
  ['$lte', { n: { $lte: 2 } }, 'one two'],
  ['two bounds', { n: { $gt: 1, $lt: 3 } }, 'two'],
  ['strings compare with strings', { s: { $gt: 'apple' } }, 'two'],
  ['strings compare with strings only', { n: { $gte: '0' } }, 'four'],
  ['$in', { n: { $in: [1, 3, '1'] } }, 'one three four'],
  ['$nin: also what is missing', { n: { $nin: [1, 3] } }, 'two four none'],
  ['$exists: true', { yes: { $exists: true } }, 'one two three'],
  ['$exists: false', { yes: { $exists: false } }, 'four none'],
  ['$and', { $and: [{ n: { $gt: 1 } }, { tags: 'yellow' }] }, 'two'],
  ['$or', { $or: [{ n: 1 }, { s: { $in: ['3'] } }] }, 'one three'],
  ['$not', { $not: { n: { $gt: 1 } } }, 'one four none'],
  ['a field beside $or', { tags: 'red', $or: [{ n: 1 }, { n: 2 }] }, 'one'],
  ['$not within $and within $or', { $or: [{ $and: [{ n: 2 }, { $not: { s: 'apple' } }] }] }, 'two'],
  ['clauses within $and', { $and: [{ must: [{ key: 'n', match: { value: 2 } }] }, { s: 'banana' }] }, 'two'],

  ['dates as instants', { at: { $lt: '2024-01-01T12:00:00.000Z' } }, 'one'],
  ['dates with a zone', { at: { $gt: '2024-01-01T12:00:00Z' } }, 'three four'],
  ['a date-time without zone is UTC', { at: { $gte: '2024-01-01T12:00:00' } }, 'two three four'],
  ['equal instants in different spellings', { at: '2024-01-01T13:00:00+01:00' }, 'two'],
  ['a Date', { at: { $lte: new Date('2024-01-01T12:00:00Z') } }, 'one two'],
  ['a Date is equal to its instant', { at: new Date('2024-01-01T23:00:00Z') }, 'three'],
  ['a Date in a list', { at: { $in: [new Date('2024-01-01')] } }, 'one'],
  ['a string that is no date compares as a string', { at: { $gt: 'nn' } }, 'four'],
  ['a Date compares with dates only', { at: { $gt: new Date('2024-01-01T12:00:00Z') } }, 'three'],

  ['must', { must: [{ key: 'n', match: { value: 2 } }] }, 'two'],
  [
    'must is all of',
    {
      must: [
        { key: 'tags', match: { value: 'red' } },
        { key: 'n', match: { value: 1 } },
      ],
    },
    'one',
  ],
  [
    'should is any of',
    {
      should: [
        { key: 'n', match: { value: 1 } },
        { key: 'n', match: { value: 3 } },
      ],
    },
    'one three',
  ],
  ['must_not is none of', { must_not: [{ key: 'tags', match: { value: 'red' } }] }, 'two three none'],
  [
    'must with should and must_not',
    {
      must: [{ key: 'n', range: { gte: 1 } }],
      should: [
        { key: 's', match: { value: 'apple' } },
        { key: 's', match: { value: 'banana' } },
      ],
      must_not: [{ key: 'yes', match: { value: false } }],
    },
    'one',
  ],
  ['match any', { must: [{ key: 'n', match: { any: [1, 2] } }] }, 'one two'],
  ['range of numbers', { must: [{ key: 'n', range: { gt: 1, lte: 3 } }] }, 'two three'],
  [
    'range of dates',
    { must: [{ key: 'at', range: { gte: '2024-01-01', lt: '2024-01-02' } }] },
    'one two three',
  ],
  ['range of Dates', { must: [{ key: 'at', range: { lt: new Date('2024-01-01T00:00:00.001Z') } }] }, 'one'],
  ['is_empty: missing, null or an empty array', { must: [{ is_empty: { key: 'tags' } }] }, 'three none'],
  ['is_null: null itself', { must: [{ is_null: { key: 'yes' } }] }, 'three'],
  ['has_id', { must: [{ has_id: ['two', 'nobody', 'none'] }] }, 'two none'],
  ['not has_id', { must_not: [{ has_id: ['one', 'two', 'three'] }] }, 'four none'],
  ['values_count', { must: [{ key: 'tags', values_count: { gte: 2 } }] }, 'one'],
  ['a nested clause filter', { must: [{ should: [{ key: 'n', match: { value: 2 } }] }] }, 'two'],
  ['the tagged match', { must: [{ type: 'match', key: 's', match_value: 'apple' }] }, 'one'],
  ['the tagged range', { must: [{ type: 'range', key: 'n', range: { gte: 2 } }] }, 'two three'],
]

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
