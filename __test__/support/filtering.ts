import fc from 'fast-check'
import type { Condition, Filter, RangeBounds } from '../..'

type Scalar = string | number | bigint | boolean
type Ordered = string | number | bigint
/** A value that a filter may compare with. */
type Operand = Scalar | null | Date
type Bounds = RangeBounds<number | bigint> | RangeBounds<string | Date>

type Each<Is extends string, Rest> = Is extends string ? { is: Is } & Rest : never

/** A filter independent of form, to be written in each of them. */
export type Tree =
  | Each<'equal' | 'unequal', { key: string; value: Operand }>
  | Each<'in' | 'not in' | 'except', { key: string; values: Operand[] }>
  | Each<'gt' | 'gte' | 'lt' | 'lte', { key: string; value: Ordered | Date }>
  | Each<'within', { key: string; bounds: Bounds }>
  | Each<'count', { key: string; bounds: RangeBounds<number> }>
  | Each<'missing' | 'empty' | 'null', { key: string }>
  | Each<'ids', { ids: string[] }>
  | Each<'all' | 'any' | 'none', { of: Tree[] }>

const DATE = /^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?)?$/

/** The instant of a string that is a date; UTC if it has no zone. */
function instant(text: string) {
  if (!DATE.test(text)) return undefined
  const zoned = text.length === 10 || /(Z|[+-]\d\d:\d\d)$/.test(text)
  const at = Date.parse(zoned ? text : `${text}Z`)
  return Number.isNaN(at) ? undefined : at
}

/** What a dotted path leads to: more than one thing if it leads through an array of objects. */
function thingsAt(value: unknown, path: string[]): unknown[] {
  const member = (one: unknown) => {
    if (typeof one !== 'object' || one === null || Array.isArray(one)) return []
    const found = (one as Record<string, unknown>)[path[0]]
    return found === undefined ? [] : [found]
  }
  if (path.length === 0) return [value]
  const found = Array.isArray(value) ? value.flatMap(member) : member(value)
  return found.flatMap((one) => thingsAt(one, path.slice(1)))
}

/** Compares by UTF-8 bytes. */
const order = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))

const isNumber = (value: unknown) => typeof value === 'number' || typeof value === 'bigint'

/** Less than, equal to or greater than 0 if two values can be compared, otherwise NaN. */
function compared(a: unknown, b: Operand): number {
  if (typeof a === 'string' && typeof b === 'string') {
    const [left, right] = [instant(a), instant(b)]
    return left !== undefined && right !== undefined ? left - right : order(a, b)
  }
  if (b instanceof Date) return typeof a === 'string' ? (instant(a) ?? Number.NaN) - b.getTime() : Number.NaN
  if (isNumber(a) && isNumber(b)) return a < b ? -1 : a > b ? 1 : 0
  return a === b ? 0 : Number.NaN
}

const holds = {
  gt: (comparison: number) => comparison > 0,
  gte: (comparison: number) => comparison >= 0,
  lt: (comparison: number) => comparison < 0,
  lte: (comparison: number) => comparison <= 0,
}

const isWithin = (value: unknown, bounds: object) =>
  Object.entries(bounds).every(([name, bound]) => holds[name as keyof typeof holds](compared(value, bound)))

/** Whether a vector with this metadata and id matches, according to the documentation. */
export function matches(tree: Tree, metadata: unknown, id = ''): boolean {
  if (tree.is === 'all') return tree.of.every((one) => matches(one, metadata, id))
  if (tree.is === 'any') return tree.of.some((one) => matches(one, metadata, id))
  if (tree.is === 'none') return !tree.of.some((one) => matches(one, metadata, id))
  if (tree.is === 'ids') return tree.ids.includes(id)
  const things = thingsAt(metadata, tree.key.split('.'))
  const counts = things.map((one) => (Array.isArray(one) ? one.length : one === null ? 0 : 1))
  if (tree.is === 'missing') return things.length === 0
  if (tree.is === 'empty') return counts.every((count) => count === 0)
  if (tree.is === 'count') return counts.some((count) => isWithin(count, tree.bounds))
  const values = things.flat(1).filter((one) => typeof one !== 'object' || one === null)
  const equal = (operand: Operand) => values.some((one) => compared(one, operand) === 0)
  if (tree.is === 'null') return equal(null)
  if (tree.is === 'equal') return equal(tree.value)
  if (tree.is === 'unequal') return !equal(tree.value)
  if (tree.is === 'in') return tree.values.some(equal)
  if (tree.is === 'not in') return !tree.values.some(equal)
  if (tree.is === 'except') {
    const others = values.filter((one) => tree.values.every((operand) => compared(one, operand) !== 0))
    return others.some((one) => one !== null)
  }
  const bounds = tree.is === 'within' ? tree.bounds : { [tree.is]: tree.value }
  return values.some((one) => isWithin(one, bounds))
}

/** The tree as fields and operators; parts that have no such form become clauses. */
export function asOperators(tree: Tree): Filter {
  if (tree.is === 'all') return { $and: tree.of.map(asOperators) }
  if (tree.is === 'any') return { $or: tree.of.map(asOperators) }
  if (tree.is === 'none') return { $not: { $or: tree.of.map(asOperators) } }
  if (tree.is === 'missing') return { [tree.key]: { $exists: false } }
  if (tree.is === 'in') return { [tree.key]: { $in: tree.values } }
  if (tree.is === 'not in') return { [tree.key]: { $nin: tree.values } }
  if (tree.is === 'equal') return { [tree.key]: { $eq: tree.value } }
  if (tree.is === 'unequal') return { [tree.key]: { $ne: tree.value } }
  if (tree.is === 'null') return { [tree.key]: null }
  if (['ids', 'count', 'empty', 'except', 'within'].includes(tree.is)) return asClauses(tree)
  const { key, is, value } = tree as Extract<Tree, { is: keyof typeof holds }>
  return { [key]: { [`$${is}`]: value } }
}

function asCondition(tree: Tree): Condition {
  if (tree.is === 'all') return { must: tree.of.map(asCondition) }
  if (tree.is === 'any') return { should: tree.of.map(asCondition) }
  if (tree.is === 'none') return { must_not: tree.of.map(asCondition) }
  if (tree.is === 'ids') return { has_id: tree.ids }
  const { key } = tree
  if (tree.is === 'missing') return { must_not: [{ key, values_count: { gte: 0 } }] }
  if (tree.is === 'empty') return { is_empty: { key } }
  if (tree.is === 'null') return { is_null: { key } }
  if (tree.is === 'count') return { key, values_count: tree.bounds }
  if (tree.is === 'in') return { key, match: { any: tree.values } }
  if (tree.is === 'not in') return { must_not: [{ key, match: { any: tree.values } }] }
  if (tree.is === 'except') return { key, match: { except: tree.values } }
  if (tree.is === 'within') return { key, range: tree.bounds }
  const { value } = tree
  if (tree.is === 'equal') return value === null ? { is_null: { key } } : { key, match: { value } }
  if (tree.is === 'unequal') return { must_not: [asCondition({ ...tree, is: 'equal' })] }
  return { key, range: { [tree.is]: value } as Bounds }
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

// The same, with more of what JSON and the grammar allow.

const wideNumber = fc.oneof(number, fc.constantFrom(0.1, 5e-324, 2 ** 53 - 1, 0.30000000000000004))
/** Integers beyond those that a number represents exactly. */
const integer = fc.constantFrom(
  2n ** 53n,
  2n ** 53n + 1n,
  1_234_567_890_123_456_789n,
  1_234_567_890_123_456_790n,
  2n ** 64n - 1n,
  -(2n ** 63n),
)
/** Numbers of that size, which keep their value in metadata and as bounds. */
const largeNumber = fc.constantFrom(2 ** 53, 2 ** 53 + 2, 2 ** 64, -(2 ** 63), -1e21, Number.MAX_VALUE)
const equalNumber = fc.oneof({ arbitrary: wideNumber, weight: 2 }, integer)
const anyNumber = fc.oneof({ arbitrary: equalNumber, weight: 4 }, largeNumber)
const wideText = fc.oneof(
  text,
  fc.constantFrom('"', "' or 1 == 1", '\\', '\0', '\n', '%', 'a%', '{x}', 'é', '\u{1f980}', '\uff5e', 'null'),
  fc.constantFrom('2024-13-01', '2024-01-01T', '0000-01-01', '9999-12-31T23:59:59.999Z', 'b'.repeat(300)),
)
const orNull = <T>(value: fc.Arbitrary<T>) =>
  fc.oneof({ arbitrary: value, weight: 9 }, { arbitrary: fc.constant(null), weight: 1 })
const wideScalar = fc.oneof(anyNumber, wideText, date, fc.boolean())
const nullable = orNull(wideScalar)
const instants = fc
  .constantFrom('2023-12-31T23:59:59Z', '2024-01-01T00:00:00Z', '2024-01-01T00:00:00.001Z')
  .map((at) => new Date(at))
const operand = fc.oneof(
  { arbitrary: orNull(fc.oneof(equalNumber, wideText, date, fc.boolean())), weight: 5 },
  { arbitrary: instants, weight: 1 },
)
const wideField = fc.oneof(
  nullable,
  fc.array(nullable, { maxLength: 3 }),
  fc.constantFrom<unknown>({}, [[1, 'a']], [{ a: 1 }]),
)

/** The names of fields; the last ones would have a different meaning inside an expression. */
const FIELDS = ['a', 'b', 'one', 'k"] or id != "', "it's", '{x}', '100%', 'é 🦀', '\\'] as const

export const wideMetadata = fc.record(
  {
    ...Object.fromEntries(FIELDS.map((name) => [name, wideField])),
    one: nullable,
    deep: fc.record({ a: wideField, b: wideField }, { requiredKeys: [] }),
    rows: fc.array(fc.oneof(fc.record({ a: wideField }), wideScalar), { maxLength: 3 }),
  },
  { requiredKeys: [] },
)

const wideKey = fc.oneof(key, fc.constantFrom(...FIELDS, 'deep', 'rows', 'rows.b'))

/** One or two bounds, of values that can be compared with each other. */
const boundsOf = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<RangeBounds<T>> =>
  fc
    .tuple(
      fc.constantFrom('gt', 'gte'),
      fc.constantFrom('lt', 'lte'),
      value,
      value,
      fc.integer({ min: 0, max: 3 }),
    )
    .map(([lower, upper, from, to, which]) => {
      const bounds = {
        ...(which === 1 ? {} : { [lower]: from }),
        ...(which === 2 ? {} : { [upper]: to }),
      }
      return bounds as RangeBounds<T>
    })

const wideTrees = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.record({ is: fc.constantFrom('equal', 'unequal'), key: wideKey, value: operand }),
    fc.record({
      is: fc.constantFrom('in', 'not in', 'except'),
      key: wideKey,
      values: fc.array(operand, { minLength: 1, maxLength: 3 }),
    }),
    fc.record({
      is: fc.constantFrom('gt', 'gte', 'lt', 'lte'),
      key: wideKey,
      value: fc.oneof(anyNumber, wideText, date, instants),
    }),
    fc.record({
      is: fc.constant('within'),
      // If there is at most one value, every engine can decide.
      key: fc.oneof({ arbitrary: fc.constant('one'), weight: 3 }, { arbitrary: wideKey, weight: 1 }),
      bounds: fc.oneof(boundsOf(anyNumber), boundsOf(fc.oneof(wideText, date, instants))),
    }),
    fc.record({
      is: fc.constant('count'),
      key: wideKey,
      bounds: boundsOf(fc.constantFrom(0, 1, 1.5, 2, 3)),
    }),
    fc.record({ is: fc.constantFrom('missing', 'empty', 'null'), key: wideKey }),
    fc.record({
      is: fc.constant('ids'),
      ids: fc.array(fc.constantFrom('0', '1', '2', 'nobody'), { minLength: 1 }),
    }),
    fc.record({
      is: fc.constantFrom('all', 'any', 'none'),
      of: fc.array(tie('tree'), { minLength: 1, maxLength: 3 }),
    }),
  ),
}))
export const wideTree = wideTrees.tree as fc.Arbitrary<Tree>
