import { parse } from 'node:querystring'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { ValidationError } from '../..'
import { everything, holding, things } from '../support/collections'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'

const LONE_SURROGATE = '\ud800'
const cyclic: Record<string, unknown> = {}
cyclic.self = cyclic
class Instance {
  a = 1
}
const hidden = (object: object, key: string, value: unknown) => Object.defineProperty(object, key, { value })
/** An object that inherits from one that inherits from nothing. */
const inheriting = (from: object) => Object.create(Object.assign(Object.create(null), from))

const withoutMinusZero = (value: unknown) => JSON.parse(JSON.stringify(value))

describe('metadata', () => {
  const refused: [string, unknown, string][] = [
    ['an array', [1], 'metadata'],
    ['a string', 'a', 'metadata'],
    ['a number', 1, 'metadata'],
    ['a class instance', new Instance(), 'metadata'],
    ['a Map', new Map(), 'metadata'],
    ['a Date', new Date(0), 'metadata'],
    ['a function', () => 1, 'metadata'],
    ['a function inside', { a: { b: [1, () => 1] } }, 'metadata.a.b[1]'],
    ['a class instance inside', { a: new Instance() }, 'metadata.a'],
    ['a Set inside', { a: new Set() }, 'metadata.a'],
    ['a typed array inside', { a: new Uint8Array(1) }, 'metadata.a'],
    ['NaN', { a: Number.NaN }, 'metadata.a'],
    ['infinity', { a: [Number.POSITIVE_INFINITY] }, 'metadata.a[0]'],
    ['a bigint that a number is', { a: 1n }, 'metadata.a: 1n would be read back as the number 1'],
    ['the largest of them', { a: -(2n ** 53n) + 1n }, 'metadata.a: -9007199254740991n would be read back'],
    ['a bigint beyond 64 bits', { a: 2n ** 64n }, 'metadata.a: a bigint must fit 64 bits'],
    ['a negative bigint beyond 64 bits', { a: [-(2n ** 63n) - 1n] }, 'metadata.a[0]: a bigint must fit'],
    ['minus zero', { a: { b: [-0] } }, 'metadata.a.b[0]: -0 would be read back as 0'],
    [
      'a list with a toJSON of its own',
      { a: Object.assign([1], { toJSON: () => [2] }) },
      'metadata.a: keys of',
    ],
    ['a list with a key', { a: 'abc'.match(/(?<x>b)/) }, 'metadata.a: keys of a list'],
    ['a list with a symbol', { a: Object.assign([1], { [Symbol('a')]: 1 }) }, 'metadata.a: keys of a list'],
    [
      'a Date with a toJSON of its own',
      { a: Object.assign(new Date(0), { toJSON: () => 0 }) },
      'metadata.a: keys',
    ],
    ['a hidden toJSON', hidden({ a: 1 }, 'toJSON', () => ({})), 'metadata: keys that are symbols'],
    ['a hidden key', { a: hidden({}, 'b', 1) }, 'metadata.a: keys that are symbols or not enumerable'],
    ['a symbol for a key', { [Symbol('a')]: 1, a: 1 }, 'metadata: keys that are symbols'],
    ['a key that it inherits', Object.assign(inheriting({ b: 1 }), { a: 1 }), 'metadata'],
    ['a key that is inherited inside', { a: inheriting({ b: 1 }) }, 'metadata.a'],
    ['a symbol', { a: Symbol('a') }, 'metadata.a'],
    ['undefined in an array', { a: [undefined] }, 'metadata.a[0]'],
    ['an invalid Date', { a: new Date(Number.NaN) }, 'metadata.a'],
    ['a lone surrogate', { a: LONE_SURROGATE }, 'metadata.a'],
    ['a cycle', cyclic, 'metadata.self.self'],
  ]
  test.each(refused)('that is or holds %s is refused by its place', async (_, metadata, place) => {
    const client = await holding('a')
    const before = await everything(client)
    const rows = [{ data: [1, 2] }, { id: 'a', data: [1, 2], metadata }]
    const error = await rejection(untyped(client).insertVectors('things', rows))

    expect(error).toBeInstanceOf(ValidationError)
    expect(error.message).toContain(`vectors[1].${place}`)
    const update = await rejection(untyped(client).updateVector('things', 'a', { metadata }))
    expect(update).toBeInstanceOf(ValidationError)
    expect(update.message).toContain(place)
    await expect(untyped(client).insertText('things', 'text', metadata)).rejects.toBeInstanceOf(
      ValidationError,
    )
    expect(await everything(client)).toStrictEqual(before)
  })

  test('a lone surrogate in a key is refused too', async () => {
    const client = await holding('a')
    const rows = [{ data: [1, 2], metadata: { [LONE_SURROGATE]: 1 } }]
    await expect(client.insertVectors('things', rows)).rejects.toBeInstanceOf(ValidationError)
    expect(await client.count('things')).toBe(1)
  })

  test('dates become ISO strings, undefined fields are left out', async () => {
    const client = await things()
    const metadata = { at: new Date(0), none: undefined, deep: { none: undefined, list: [new Date(1)] } }
    await client.insertVectors('things', [{ id: 'a', data: [1, 2], metadata }])

    expect((await client.getVector('things', 'a')).metadata).toStrictEqual({
      at: '1970-01-01T00:00:00.000Z',
      deep: { list: ['1970-01-01T00:00:00.001Z'] },
    })
  })

  test('a key __proto__ is a key like any other', async () => {
    const client = await things()
    const metadata = JSON.parse('{"__proto__":{"polluted":true},"constructor":1,"toJSON":"x"}')
    await client.insertVectors('things', [{ id: 'a', data: [1, 2], metadata }])
    const stored = (await client.getVector('things', 'a')).metadata

    expect(JSON.stringify(stored)).toBe(JSON.stringify(metadata))
    expect(Object.getPrototypeOf(stored)).toBe(Object.prototype)
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })

  test('an object without a prototype is a plain object', async () => {
    const client = await things()
    const metadata = Object.assign(Object.create(null), { a: 1 })
    await client.insertVectors('things', [{ id: 'a', data: [1, 2], metadata }])
    expect((await client.getVector('things', 'a')).metadata).toStrictEqual({ a: 1 })
  })
})

test('what a getter says is read once', async () => {
  const client = await things()
  let asked = 0
  const metadata = {
    get a() {
      asked += 1
      return asked === 1 ? { b: 'first' } : undefined
    },
  }
  await client.insertVectors('things', [{ id: 'a', data: [1, 2], metadata }])
  expect((await client.getVector('things', 'a')).metadata).toStrictEqual({ a: { b: 'first' } })
  expect(asked).toBe(1)
})

test('a date is kept as its instant, whatever its class says', async () => {
  class Odd extends Date {
    toISOString() {
      return 'odd'
    }
    toJSON() {
      return 'odder'
    }
  }
  const client = await things()
  await client.insertVectors('things', [{ id: 'a', data: [1, 2], metadata: { at: new Odd(0) } }])
  expect((await client.getVector('things', 'a')).metadata).toStrictEqual({ at: '1970-01-01T00:00:00.000Z' })
  expect(await client.count('things', { at: new Odd(0) })).toBe(1)
})

test('objects of other realms, and those of a parsed query, are plain objects', async () => {
  const client = await things()
  const strange = runInNewContext('({ a: [{ b: 1 }], at: new Date(0) })')
  const rows = [
    { id: 'a', data: [1, 2], metadata: strange },
    { id: 'b', data: [1, 2], metadata: parse('a=1&b=2') },
  ]
  await client.insertVectors('things', rows)
  expect((await client.getVector('things', 'a')).metadata).toStrictEqual({
    a: [{ b: 1 }],
    at: '1970-01-01T00:00:00.000Z',
  })
  expect(await client.count('things', parse('a=1'))).toBe(1)
})

test('metadata of any JSON comes back exactly', async () => {
  const client = await things()
  const value = fc.jsonValue({ maxDepth: 4 }).map(withoutMinusZero)
  const object = fc.dictionary(fc.string({ unit: 'grapheme' }), value)
  await fc.assert(
    fc.asyncProperty(object, async (metadata) => {
      const expected = JSON.parse(JSON.stringify(metadata))
      await client.insertVectors('things', [{ id: 'a', data: [1, 2], metadata }])
      expect((await client.getVector('things', 'a')).metadata).toStrictEqual(expected)
      const [found] = await client.search('things', '')
      expect(found.metadata).toStrictEqual(expected)
      // They are read in another way beside a bigint.
      const large = { large: [2n ** 63n] }
      await client.updateVector('things', 'a', { metadata: { ...metadata, ...large } })
      expect((await client.getVector('things', 'a')).metadata).toStrictEqual({ ...expected, ...large })
    }),
    { seed: 1, numRuns: 200 },
  )
})

test('metadata of numbers at the edges, deep nesting and great length comes back exactly', async () => {
  const client = await things()
  let deep: Record<string, unknown> = {}
  for (let i = 0; i < 100; i++) deep = { deep }
  const metadata = {
    // biome-ignore lint/correctness/noPrecisionLoss: what is lost here must be lost nowhere else
    numbers: [0, 5e-324, 1.7976931348623157e308, 9007199254740993, 0.1, -1e21, 123456789.12345679],
    deep,
    long: 'é"\\\n\u2028'.repeat(50_000),
  }
  await client.insertVectors('things', [{ id: 'a', data: [1, 2], metadata }])
  expect((await client.getVector('things', 'a')).metadata).toStrictEqual(metadata)
})
