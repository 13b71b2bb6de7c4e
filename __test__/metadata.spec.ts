import fc from 'fast-check'
import { ValidationError } from '..'
import { everything, holding, things } from './support/collections'
import { rejection } from './support/rejection'
import { untyped } from './support/untyped'

const LONE_SURROGATE = '\ud800'
const cyclic: Record<string, unknown> = {}
cyclic.self = cyclic
class Instance {
  a = 1
}

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
    ['a bigint', { a: 1n }, 'metadata.a'],
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

test('metadata of any JSON comes back exactly', async () => {
  const client = await things()
  const object = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 4 }))
  await fc.assert(
    fc.asyncProperty(object, async (metadata) => {
      const expected = JSON.parse(JSON.stringify(metadata))
      await client.insertVectors('things', [{ id: 'a', data: [1, 2], metadata }])
      expect((await client.getVector('things', 'a')).metadata).toStrictEqual(expected)
      const [found] = await client.search('things', '')
      expect(found.metadata).toStrictEqual(expected)
    }),
    { seed: 1, numRuns: 200 },
  )
})

test('metadata of numbers at the edges, deep nesting and great length comes back exactly', async () => {
  const client = await things()
  let deep: Record<string, unknown> = {}
  for (let i = 0; i < 100; i++) deep = { deep }
  const metadata = {
    numbers: [0, 5e-324, 1.7976931348623157e308, 9007199254740993, 0.1, -1e21, 123456789.12345679],
    deep,
    long: 'é"\\\n\u2028'.repeat(50_000),
  }
  await client.insertVectors('things', [{ id: 'a', data: [1, 2], metadata }])
  expect((await client.getVector('things', 'a')).metadata).toStrictEqual(metadata)
})
