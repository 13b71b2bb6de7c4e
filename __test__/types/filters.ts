// What a filter takes compiles, and what its shape alone makes the run time refuse does not: those
// of `support/refusals.ts`, line by line. Not seen by the compiler are what an array or an object
// lacks at run time (empty lists, the empty filter) and what a value is (NaN, an invalid date).
// Compiled, never run.
import type { Filter } from 'vectorizer-native'

declare const field: string
declare const names: string[]
declare const readonlyNames: readonly string[]
declare const when: Date
declare const known: Record<string, string>
const literal = { city: 'x', year: 3 }

export const accepted: Filter[] = [
  { year: 3 },
  { year: 3, city: ['a', 'b'], open: true, closed: null, since: when, large: 2n ** 60n },
  { year: { $gt: 3 } },
  { year: { $gte: 2020, $lt: 2030 }, city: { $in: names, $ne: 'x' }, lang: { $nin: readonlyNames } },
  { at: { $gt: when, $lte: '2030-01-01' }, price: { $exists: true }, tag: { $eq: null } },
  { 'author.name': 'Ada', $or: [{ a: 1 }, { b: { $lt: 2 } }], $not: { city: 'x' } },
  { $and: [{ a: 1 }, { $or: [{ b: 1 }, { must: [{ has_id: names }] }] }] },
  { größe: 1, Ärger: 2, _id: 'x', '0': 1, '@type': 'a', 'with blanks': true, must_have: 1, shoulder: 'x' },
  { [field]: 3 },
  { [field]: { $in: readonlyNames } },
  { ['名前' as string]: 'x' },
  known,
  literal,
  { $or: names.map((name) => ({ name })) },
  { must: names.map((name) => ({ key: 'name', match: { value: name } })) },
  {
    must: [
      { key: 'a', match: { value: 1 } },
      { key: 'a', match: { any: [1, 'b', null] } },
      { key: 'a', match: { except: readonlyNames } },
      { key: 'b', range: { gt: 1, lte: 2n ** 60n } },
      { key: 'c', range: { gt: when, lt: '2030-01-01' } },
      { key: 'd', values_count: { gte: 2 } },
      { type: 'match', key: 'a', match_value: true },
      { type: 'range', key: 'a', range: { gt: when } },
      { must_not: [{ is_null: { key: 'x' } }], should: [{ has_id: ['1'] }] },
    ],
    should: [{ is_empty: { key: 'a' } }, { is_null: { key: 'a' } }, { has_id: readonlyNames }],
    must_not: [{ key: 'a', match: { value: 1 } }],
  },
]

export const refused: Filter[] = [
  // @ts-expect-error: no such operator
  { year: { $gtt: 3 } },
  // @ts-expect-error: no such kind of match
  { must: [{ key: 'a', match: { valeu: 1 } }] },
  // @ts-expect-error: a field and a clause
  { must: [{ key: 'a', match: { value: 1 } }], tenant: 'a' },
  // @ts-expect-error: $or takes a list
  { $or: { a: 1 } },
  // @ts-expect-error: no such operator at the top
  { $nor: [{ a: 1 }] },
  // @ts-expect-error: no order of booleans
  { year: { $gt: true } },
  // @ts-expect-error: an object where a value belongs: a nested field is named by a dotted path
  { home: { city: 'x' } },
  // @ts-expect-error: undefined would widen the filter
  { n: undefined },
  // @ts-expect-error: no operator
  { n: {} },
  // @ts-expect-error: an empty condition
  { must: [{}] },
  // @ts-expect-error: an operator and the name of a field
  { n: { $gt: 1, lt: 2 } },
  // @ts-expect-error: a condition on its own
  { key: 'n', match: { value: 1 } },
  // @ts-expect-error: a must that is no list
  { must: { key: 'n', match: { value: 1 } } },
  // @ts-expect-error: $in takes a list
  { n: { $in: 1 } },
  // @ts-expect-error: a bound is no list
  { n: { $gt: [1] } },
  // @ts-expect-error: a list in a list
  { n: { $in: [[1]] } },
  // @ts-expect-error: an id is a string
  { must: [{ has_id: [1] }] },
  // @ts-expect-error: a function is no value
  { n: () => true },
  // @ts-expect-error: a symbol is no value
  { n: Symbol('a') },
  // @ts-expect-error: a RegExp is no value
  { s: /a/ },
  // @ts-expect-error: a Map is no value
  { s: new Map([['$eq', 'apple']]) },
  // @ts-expect-error: no such clause
  { must: [{ key: 'n', match: { value: 1 } }], must_no: [] },
  // @ts-expect-error: an operator and a clause
  { $or: [{ n: 1 }], must: [{ key: 'n', match: { value: 1 } }] },
  // @ts-expect-error: an empty range
  { must: [{ key: 'n', range: {} }] },
  // @ts-expect-error: no such kind of condition
  { must: [{ key: 'n', equals: 1 }] },
  // @ts-expect-error: a condition without a key
  { must: [{ match: { value: 1 } }] },
  // @ts-expect-error: no such tag
  { must: [{ type: 'like', key: 'n', match_value: 1 }] },
  // @ts-expect-error: operators in a list
  { year: [{ a: 1 }] },
  // @ts-expect-error: undefined beside a condition
  { n: 1, s: undefined },
  // @ts-expect-error: undefined as a clause
  { must: [{ key: 'n', match: { value: 1 } }], must_not: undefined },
  // @ts-expect-error: two kinds of match
  { must: [{ key: 'n', match: { value: 1, any: [1] } }] },
  // @ts-expect-error: two conditions in one
  { must: [{ key: 'n', match: { value: 1 }, range: { gt: 1 } }] },
  // @ts-expect-error: $not takes a filter
  { $not: [{ a: 1 }] },
  // @ts-expect-error: bounds of one range are of one kind
  { must: [{ key: 'a', range: { gt: 1, lt: 'b' } }] },
  // @ts-expect-error: is_empty takes a key
  { must: [{ is_empty: 'a' }] },
  // @ts-expect-error: null is matched by is_null
  { must: [{ key: 'a', match: { value: null } }] },
  // @ts-expect-error: $exists takes a boolean
  { n: { $exists: 'yes' } },
  // @ts-expect-error: an operator without a field
  { $gt: 1 },
  // @ts-expect-error: null has no order
  { n: { $gt: null } },
  // @ts-expect-error: clauses and a key
  { must: [{ must: [{ has_id: ['a'] }], key: 'a' }] },
  // @ts-expect-error: undefined in a list
  { n: [1, undefined] },
  // @ts-expect-error: an object is no operand
  { a: { $ne: {} } },
]
