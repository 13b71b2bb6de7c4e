import { type Filter, ValidationError } from '..'
import { everything } from './support/collections'
import { documented } from './support/documents'
import { rejection } from './support/rejection'
import { untyped } from './support/untyped'

function nested(depth: number): Filter {
  let filter: Filter = { n: 1 }
  for (let i = 1; i < depth; i++) filter = { $not: filter }
  return filter
}

const refused: [string, unknown, string][] = [
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
  ['a bigint', { n: 1n }, 'n'],
  ['a RegExp', { s: /a/ }, 's'],
  ['a Map', { s: new Map([['$eq', 'apple']]) }, 's'],
  ['an invalid Date', { at: { $lt: new Date(Number.NaN) } }, '$lt'],
  ['nesting of 66', nested(66), '$not'],
  ['nesting of 10,000', nested(10_000), '$not'],
]

test.each(refused)('%s is refused by its path, and deletes nothing', async (_, filter, path) => {
  const client = await documented()
  const before = await everything(client)
  const error = await rejection(untyped(client).deleteByFilter('things', filter))

  expect(error).toBeInstanceOf(ValidationError)
  expect(error.message).toContain(path)
  expect(error.message.length).toBeLessThan(1000)
  expect(await everything(client)).toStrictEqual(before)
  await expect(untyped(client).search('things', [1, 1], { filter })).rejects.toBeInstanceOf(ValidationError)
  await expect(untyped(client).count('things', filter)).rejects.toBeInstanceOf(ValidationError)
})

test('nesting of 60 is understood', async () => {
  const client = await documented()
  expect(await client.count('things', nested(60))).toBe(4)
  expect(await client.count('things', nested(59))).toBe(1)
})
