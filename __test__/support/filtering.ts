import fc from 'fast-check'
import type { Condition, Filter } from '../..'

type Scalar = string | number | boolean
type Ordered = string | number

type Each<Is extends string, Rest> = Is extends string ? { is: Is } & Rest : never

/** A filter in no form, to be written in each. */
export type Tree =
  | Each<'equal' | 'unequal', { key: string; value: Scalar }>
  | Each<'in' | 'not in', { key: string; values: Scalar[] }>
  | Each<'gt' | 'gte' | 'lt' | 'lte', { key: string; value: Ordered }>
  | Each<'missing', { key: string }>
  | Each<'all' | 'any' | 'none', { of: Tree[] }>

const DATE = /^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?)?$/

/** The instant of a text that is a date; without zone it is in UTC. */
function instant(text: string) {
  if (!DATE.test(text)) return undefined
  const zoned = text.length === 10 || /(Z|[+-]\d\d:\d\d)$/.test(text)
  return Date.parse(zoned ? text : `${text}Z`)
}

/** All values that a dotted path leads to: those of an array count one by one. */
function valuesAt(value: unknown, path: string[]): unknown[] {
  if (Array.isArray(value)) return value.flatMap((element) => valuesAt(element, path))
  if (path.length === 0) return value === undefined ? [] : [value]
  if (typeof value !== 'object' || value === null) return []
  return valuesAt((value as Record<string, unknown>)[path[0]], path.slice(1))
}

function compares(a: unknown, b: unknown, by: (a: Ordered, b: Ordered) => boolean) {
  if (typeof a === 'string' && typeof b === 'string') {
    const [left, right] = [instant(a), instant(b)]
    return left !== undefined && right !== undefined ? by(left, right) : by(a, b)
  }
  if (typeof a !== typeof b || typeof a === 'object') return false
  return by(a as Ordered, b as Ordered)
}

const by = {
  equal: (a: Ordered, b: Ordered) => a === b,
  gt: (a: Ordered, b: Ordered) => a > b,
  gte: (a: Ordered, b: Ordered) => a >= b,
  lt: (a: Ordered, b: Ordered) => a < b,
  lte: (a: Ordered, b: Ordered) => a <= b,
}

/** Whether metadata matches, by the words of the documentation. */
export function matches(tree: Tree, metadata: unknown): boolean {
  if (tree.is === 'all') return tree.of.every((one) => matches(one, metadata))
  if (tree.is === 'any') return tree.of.some((one) => matches(one, metadata))
  if (tree.is === 'none') return !tree.of.some((one) => matches(one, metadata))
  const found = valuesAt(metadata, tree.key.split('.'))
  if (tree.is === 'missing') return found.length === 0
  const equal = (value: Scalar) => found.some((one) => compares(one, value, by.equal))
  if (tree.is === 'equal') return equal(tree.value)
  if (tree.is === 'unequal') return !equal(tree.value)
  if (tree.is === 'in') return tree.values.some(equal)
  if (tree.is === 'not in') return !tree.values.some(equal)
  const { is, value } = tree
  return found.some((one) => compares(one, value, by[is]))
}

/** The tree as fields and operators. */
export function asOperators(tree: Tree): Filter {
  if (tree.is === 'all') return { $and: tree.of.map(asOperators) }
  if (tree.is === 'any') return { $or: tree.of.map(asOperators) }
  if (tree.is === 'none') return { $not: { $or: tree.of.map(asOperators) } }
  if (tree.is === 'missing') return { [tree.key]: { $exists: false } }
  if (tree.is === 'in') return { [tree.key]: { $in: tree.values } }
  if (tree.is === 'not in') return { [tree.key]: { $nin: tree.values } }
  if (tree.is === 'equal') return { [tree.key]: { $eq: tree.value } }
  if (tree.is === 'unequal') return { [tree.key]: { $ne: tree.value } }
  return { [tree.key]: { [`$${tree.is}`]: tree.value } }
}

function asCondition(tree: Tree): Condition {
  if (tree.is === 'all') return { must: tree.of.map(asCondition) }
  if (tree.is === 'any') return { should: tree.of.map(asCondition) }
  if (tree.is === 'none') return { must_not: tree.of.map(asCondition) }
  if (tree.is === 'missing') return { is_empty: { key: tree.key } }
  if (tree.is === 'in') return { key: tree.key, match: { any: tree.values } }
  if (tree.is === 'not in') return { must_not: [{ key: tree.key, match: { any: tree.values } }] }
  if (tree.is === 'equal') return { key: tree.key, match: { value: tree.value } }
  if (tree.is === 'unequal') return { must_not: [{ key: tree.key, match: { value: tree.value } }] }
  return { key: tree.key, range: { [tree.is]: tree.value } }
}

/** The tree as clauses. */
export const asClauses = (tree: Tree): Filter => ({ must: [asCondition(tree)] })

const number = fc.constantFrom(-1.5, 0, 1, 2, 3, 1e9)
const text = fc.constantFrom('', 'a', 'b', 'aa', 'Z', '1', '2024')
const date = fc.constantFrom(
  '2024-01-01',
  '2024-01-01T00:00:00Z',
  '2024-01-01T02:00:00+02:00',
  '2024-01-01T00:00:00.001',
  '2023-12-31T23:59:59',
  '2024-06-01T12:00:00-05:00',
)
const scalar = fc.oneof(number, text, date, fc.boolean())
const field = fc.oneof(scalar, fc.array(scalar, { minLength: 1, maxLength: 3 }))

export const metadata = fc.record(
  {
    a: field,
    b: field,
    deep: fc.record({ a: field, b: field }, { requiredKeys: [] }),
    rows: fc.array(fc.record({ a: scalar }), { minLength: 1, maxLength: 2 }),
  },
  { requiredKeys: [] },
)

const key = fc.constantFrom('a', 'b', 'deep.a', 'deep.b', 'rows.a', 'nowhere')

const trees = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.record({ is: fc.constantFrom('equal', 'unequal'), key, value: scalar }),
    fc.record({
      is: fc.constantFrom('in', 'not in'),
      key,
      values: fc.array(scalar, { minLength: 1, maxLength: 3 }),
    }),
    fc.record({
      is: fc.constantFrom('gt', 'gte', 'lt', 'lte'),
      key,
      value: fc.oneof(number, text, date),
    }),
    fc.record({ is: fc.constant('missing'), key }),
    fc.record({
      is: fc.constantFrom('all', 'any', 'none'),
      of: fc.array(tie('tree'), { minLength: 1, maxLength: 3 }),
    }),
  ),
}))
export const tree = trees.tree as fc.Arbitrary<Tree>
