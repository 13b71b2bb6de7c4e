import type { Filter } from '../..'

/** Filters nested to the given depth. */
export function nested(depth: number): Filter {
  let filter: Filter = { n: 1 }
  for (let i = 1; i < depth; i++) filter = { $not: filter }
  return filter
}

/** An object that inherits from one that inherits from nothing. */
const inheriting = (from: object) => Object.create(Object.assign(Object.create(null), from))

/** Filters that compare with a number that may have been rounded: possible only in JavaScript. */
export const rounded: [string, unknown, string][] = [
  ['a number that was rounded', { n: 2 ** 53 }, 'n: 9007199254740992 is beyond 2^53'],
  ['a number that was rounded in a list', { n: [1, -1e300] }, 'n[1]: -1e+300 is beyond 2^53'],
  ['a number that was rounded in $eq', { n: { $eq: 2 ** 53 } }, 'n.$eq: 9007199254740992 is beyond'],
  ['a number that was rounded in $ne', { n: { $ne: 2 ** 53 } }, 'n.$ne: 9007199254740992 is beyond'],
  ['a number that was rounded in $in', { n: { $in: [2 ** 53] } }, 'n.$in[0]: 9007199254740992 is beyond'],
  ['a number that was rounded in $nin', { n: { $nin: [2 ** 53] } }, 'n.$nin[0]: 9007199254740992 is beyond'],
  [
    'a number that was rounded in a match',
    { must: [{ key: 'n', match: { value: 2 ** 53 } }] },
    'must[0].match.value: 9007199254740992 is beyond',
  ],
  [
    'a number that was rounded in match any',
    { must: [{ key: 'n', match: { any: [2 ** 53] } }] },
    'must[0].match.any[0]: 9007199254740992 is beyond',
  ],
  [
    'a number that was rounded in match except',
    { must_not: [{ key: 'n', match: { except: [2 ** 53] } }] },
    'must_not[0].match.except[0]: 9007199254740992 is beyond',
  ],
  [
    'a number that was rounded in a tagged match',
    { must: [{ type: 'match', key: 'n', match_value: 2 ** 53 }] },
    'must[0].match_value: 9007199254740992 is beyond',
  ],
  ['a number that was rounded for a field gt', { gt: 2 ** 53 }, 'gt: 9007199254740992 is beyond 2^53'],
]

/** Filters that are rejected: the problem, the filter, and a part of its path. */
export const refused: [string, unknown, string][] = [
  ['no condition', {}, 'filter'],
  ['undefined', { n: undefined }, 'n'],
  ['undefined beside a condition', { n: 1, s: undefined }, 's'],
  ['undefined in an operator', { n: { $lt: undefined } }, '$lt'],
  ['undefined in a list', { n: [1, undefined] }, 'n[1]'],
  ['undefined in $in', { n: { $in: [undefined] } }, '$in[0]'],
  ['undefined in $or', { $or: [{ n: 1 }, undefined] }, '$or[1]'],
  ['undefined in a clause', { must: [{ key: 'n', match: { value: undefined } }] }, 'must[0].match.value'],
  ['undefined as a clause', { must: [{ key: 'n', match: { value: 1 } }], must_not: undefined }, 'must_not'],
  ['an empty list', { n: [] }, 'n'],
  ['an empty $in', { n: { $in: [] } }, '$in'],
  ['an empty $nin', { n: { $nin: [] } }, '$nin'],
  ['an empty $and', { $and: [] }, '$and'],
  ['an empty $or', { $or: [] }, '$or'],
  ['an empty $not', { $not: {} }, '$not'],
  ['an empty filter in $and', { $and: [{ n: 1 }, {}] }, '$and[1]'],
  ['no operator', { n: {} }, 'n'],
  ['an empty must', { must: [] }, 'must'],
  ['an empty should beside a must', { must: [{ key: 'n', match: { value: 1 } }], should: [] }, 'should'],
  ['an empty match any', { must: [{ key: 'n', match: { any: [] } }] }, 'any'],
  ['an empty match', { must: [{ key: 'n', match: {} }] }, 'match'],
  ['an empty range', { must: [{ key: 'n', range: {} }] }, 'range'],
  ['an empty has_id', { must: [{ has_id: [] }] }, 'has_id'],
  ['an empty condition', { must: [{}] }, 'must[0]'],
  ['a field and a clause', { n: 1, must: [{ key: 'n', match: { value: 1 } }] }, 'must'],
  ['an operator and a clause', { $or: [{ n: 1 }], must: [{ key: 'n', match: { value: 1 } }] }, 'must'],
  ['an operator and a field name', { n: { $gt: 1, lt: 2 } }, 'lt'],
  ['an unknown operator', { n: { $regex: 'a' } }, '$regex'],
  ['an unknown operator at the top', { $nor: [{ n: 1 }] }, '$nor'],
  ['a misspelt operator', { n: { $GT: 1 } }, '$GT'],
  ['an object where a value belongs', { author: { name: 'Ada' } }, 'author'],
  ['an unknown kind of match', { must: [{ key: 'n', match: { text: 'a' } }] }, 'text'],
  ['an unknown bound', { must: [{ key: 'n', range: { above: 1 } }] }, 'above'],
  ['an unknown kind of condition', { must: [{ key: 'n', equals: 1 }] }, 'equals'],
  ['an unknown clause', { must: [{ key: 'n', match: { value: 1 } }], must_no: [] }, 'must_no'],
  ['an unknown tag', { must: [{ type: 'like', key: 'n', match_value: 1 }] }, 'must[0].type'],
  ['a condition without a key', { must: [{ match: { value: 1 } }] }, 'must[0]'],
  ['a condition on its own', { key: 'n', match: { value: 1 } }, 'match'],
  ['a must that is no list', { must: { key: 'n', match: { value: 1 } } }, 'must'],
  ['an $or that is no list', { $or: { n: 1 } }, '$or'],
  ['an $in that is no list', { n: { $in: 1 } }, '$in'],
  ['an $exists that is no boolean', { n: { $exists: 'yes' } }, '$exists'],
  ['a bound that is an object', { n: { $gt: { a: 1 } } }, '$gt'],
  ['a bound that is a list', { n: { $gt: [1] } }, '$gt'],
  ['a list in a list', { n: { $in: [[1]] } }, '$in[0]'],
  ['an id that is no string', { must: [{ has_id: [1] }] }, 'has_id[0]'],
  ['NaN', { n: Number.NaN }, 'n'],
  ['infinity', { n: { $lt: Number.POSITIVE_INFINITY } }, '$lt'],
  ['a function', { n: () => true }, 'n'],
  ['a symbol', { n: Symbol('a') }, 'n'],
  ['a key that is a symbol', { n: 1, [Symbol('a')]: 1 }, 'filter'],
  ['a key that is not enumerable', Object.defineProperty({ n: 1 }, 's', { value: 'a' }), 'filter: keys'],
  ['a bigint beyond 64 bits', { n: 2n ** 64n }, 'n: a bigint must fit 64 bits'],
  ['a negative bigint beyond 64 bits', { n: { $gt: -(2n ** 63n) - 1n } }, 'n.$gt: a bigint must fit 64 bits'],
  ...rounded,
  ['a condition that is inherited', Object.assign(inheriting({ s: 'apple' }), { n: 1 }), 'a plain object'],
  ['operators that are inherited', { n: Object.assign(inheriting({ $gt: 1 }), { $lt: 3 }) }, 'filter.n'],
  ['an inherited list of values', { n: { $in: Object.create([1]) } }, '$in'],
  ['a list with a key of its own', { n: { $in: Object.assign([1], { more: 2 }) } }, '$in: keys of a list'],
  ['a Date with a key of its own', { at: Object.assign(new Date(0), { toJSON: () => 0 }) }, 'at: keys'],
  ['a RegExp', { s: /a/ }, 's'],
  ['a Map', { s: new Map([['$eq', 'apple']]) }, 's'],
  ['an invalid Date', { at: { $lt: new Date(Number.NaN) } }, '$lt'],
  [
    'a Date after the year 9999',
    { at: { $lt: new Date(8.64e15) } },
    'at.$lt: a date must be of the years 0 to 9999',
  ],
  ['a Date before the year 0', { at: { $lt: new Date(-8.64e15) } }, 'at.$lt: a date must be'],
  ['nesting of 66', nested(66), '$not'],
  ['nesting of 10,000', nested(10_000), '$not'],
]
