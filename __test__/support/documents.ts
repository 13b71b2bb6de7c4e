import type { Filter } from '../..'

/** Metadata in which the documents differ in everything that a filter can test. */
export const documents: Record<string, Record<string, unknown> | undefined> = {
  one: {
    n: 1,
    s: 'apple',
    yes: true,
    tags: ['red', 'old'],
    at: '2024-01-01',
    author: { name: 'Ada', born: { year: 1815 } },
  },
  two: {
    n: 2,
    s: 'banana',
    yes: false,
    tags: ['yellow'],
    at: '2024-01-01T12:00:00Z',
    author: { name: 'Bob' },
    parts: [{ n: 1 }, { n: 5 }],
  },
  three: { n: 3, s: '3', yes: null, tags: [], at: '2024-01-02T01:00:00+02:00', author: 'Cy' },
  four: { n: '1', s: 'Apple', tags: 'red', at: 'no date' },
  none: undefined,
}

/** Filters with the documents they match: a description, the filter, and the ids. */
export const meanings: [string, Filter, string][] = [
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
  [
    'match except: present values other than those',
    { must: [{ key: 'n', match: { except: [1, 3] } }] },
    'two four',
  ],
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
