import { parse } from 'node:querystring'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { things } from '../support/collections'

const withoutMinusZero = (value: unknown) => JSON.parse(JSON.stringify(value))

describe('metadata', () => {
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
