import { DimensionMismatchError, UnsupportedError, ValidationError } from '../..'
import { everything } from '../support/collections'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'
import { engines } from './engines'

const LONE_SURROGATE = '\ud800'
const cyclic: Record<string, unknown> = {}
cyclic.self = cyclic
class Instance {
  a = 1
}
const hidden = (object: object, key: string, value: unknown) => Object.defineProperty(object, key, { value })
/** An object that inherits from one that inherits from nothing. */
const inheriting = (from: object) => Object.create(Object.assign(Object.create(null), from))

const noData: [unknown, typeof ValidationError | typeof DimensionMismatchError, string][] = [
  [[1], DimensionMismatchError, 'vectors[1].data'],
  [[1, 2, 3], DimensionMismatchError, 'vectors[1].data'],
  [[], DimensionMismatchError, 'vectors[1].data'],
  [[1, Number.NaN], ValidationError, 'vectors[1].data[1]'],
  [[Number.POSITIVE_INFINITY, 1], ValidationError, 'vectors[1].data[0]'],
  [Float32Array.of(1, Number.NEGATIVE_INFINITY), ValidationError, 'vectors[1].data[1]'],
  [[1, 1e39], ValidationError, 'vectors[1].data[1]'],
  [[0, -0], ValidationError, 'vectors[1].data'],
  [[1e-60, 0], ValidationError, 'vectors[1].data'],
  [[1, '2'], ValidationError, 'vectors[1].data[1]'],
  [[null, 1], ValidationError, 'vectors[1].data[0]'],
  [[1, 2n], ValidationError, 'vectors[1].data[1]'],
  // biome-ignore lint/suspicious/noSparseArray: the hole is what is tested
  [[1, ,], ValidationError, 'vectors[1].data[1]'],
  ['ab', ValidationError, 'vectors[1].data'],
  [Float64Array.of(1, 2), ValidationError, 'vectors[1].data'],
  [undefined, ValidationError, 'vectors[1].data'],
]

const noMetadata: [unknown, string][] = [
  [[1], 'metadata'],
  ['a', 'metadata'],
  [1, 'metadata'],
  [new Instance(), 'metadata'],
  [new Map(), 'metadata'],
  [new Date(0), 'metadata'],
  [() => 1, 'metadata'],
  [{ a: { b: [1, () => 1] } }, 'metadata.a.b[1]'],
  [{ a: new Instance() }, 'metadata.a'],
  [{ a: new Set() }, 'metadata.a'],
  [{ a: new Uint8Array(1) }, 'metadata.a'],
  [{ a: Number.NaN }, 'metadata.a'],
  [{ a: [Number.POSITIVE_INFINITY] }, 'metadata.a[0]'],
  [{ a: 1n }, 'metadata.a: 1n would be read back as the number 1'],
  [{ a: -(2n ** 53n) + 1n }, 'metadata.a: -9007199254740991n would be read back'],
  [{ a: 2n ** 64n }, 'metadata.a: a bigint must fit 64 bits'],
  [{ a: [-(2n ** 63n) - 1n] }, 'metadata.a[0]: a bigint must fit'],
  [{ a: { b: [-0] } }, 'metadata.a.b[0]: -0 would be read back as 0'],
  [{ a: Object.assign([1], { toJSON: () => [2] }) }, 'metadata.a: keys of'],
  [{ a: 'abc'.match(/(?<x>b)/) }, 'metadata.a: keys of a list'],
  [{ a: Object.assign([1], { [Symbol('a')]: 1 }) }, 'metadata.a: keys of a list'],
  [{ a: Object.assign(new Date(0), { toJSON: () => 0 }) }, 'metadata.a: keys'],
  [hidden({ a: 1 }, 'toJSON', () => ({})), 'metadata: keys that are symbols'],
  [{ a: hidden({}, 'b', 1) }, 'metadata.a: keys that are symbols or not enumerable'],
  [{ [Symbol('a')]: 1, a: 1 }, 'metadata: keys that are symbols'],
  [Object.assign(inheriting({ b: 1 }), { a: 1 }), 'metadata'],
  [{ a: inheriting({ b: 1 }) }, 'metadata.a'],
  [{ a: Symbol('a') }, 'metadata.a'],
  [{ a: [undefined] }, 'metadata.a[0]'],
  [{ a: new Date(Number.NaN) }, 'metadata.a'],
  [{ a: LONE_SURROGATE }, 'metadata.a'],
  [{ [LONE_SURROGATE]: 1 }, 'metadata'],
  [cyclic, 'metadata.self.self'],
]

const noId: [unknown, string][] = [
  ['', 'empty'],
  ['x'.repeat(1025), '1,025 bytes long'],
  ['é'.repeat(513), '513 characters of two bytes'],
  [LONE_SURROGATE, 'a lone surrogate'],
  [null, 'null'],
  [1, 'a number'],
]

describe.each(engines)('input that is refused by the client that is %s', (_, ready) => {
  const engine = ready()

  test('values that are no vector, by their place, with everything beside them', async () => {
    const client = await engine.holding('a')
    const before = await everything(client)
    for (const [data, Class, place] of noData) {
      const rows = [{ id: 'new', data: [1, 2] }, { id: 'a', data }, { data: [3, 4] }]
      const error = await rejection(untyped(client).insertVectors('things', rows))
      expect(error).toBeInstanceOf(Class)
      expect(error.message).toContain(place)
      const update = untyped(client).updateVector('things', 'a', { data: data ?? null })
      expect(await rejection(update)).toBeInstanceOf(Class)
      const search = untyped(client).searchVectors('things', { query_vector: data })
      expect(await rejection(search)).toBeInstanceOf(Class)
    }
    expect(await everything(client)).toStrictEqual(before)
  })

  test('metadata that is no plain JSON object, by its place', async () => {
    const client = await engine.holding('a')
    const before = await everything(client)
    for (const [metadata, place] of noMetadata) {
      const rows = [{ data: [1, 2] }, { id: 'a', data: [1, 2], metadata }]
      const error = await rejection(untyped(client).insertVectors('things', rows))
      expect(error).toBeInstanceOf(ValidationError)
      expect(error.message).toContain(`vectors[1].${place}`)
      const update = await rejection(untyped(client).updateVector('things', 'a', { metadata }))
      expect(update).toBeInstanceOf(ValidationError)
      expect(update.message).toContain(place)
      const text = untyped(client).insertText('things', 'text', metadata)
      expect(await rejection(text)).toBeInstanceOf(ValidationError)
    }
    expect(await everything(client)).toStrictEqual(before)
  })

  test('ids that are none, by their place', async () => {
    const client = await engine.holding('a')
    for (const [id, what] of noId) {
      const rows = [
        { id: 'new', data: [1, 2] },
        { id, data: [1, 2] },
      ]
      const error = await rejection(untyped(client).insertVectors('things', rows))
      expect([what, error.name]).toStrictEqual([what, 'ValidationError'])
      expect(error.message).toContain('vectors[1].id')
      const texts = rows.map((row) => ({ id: row.id, text: 'text' }))
      expect(await rejection(untyped(client).insertTexts('things', texts))).toBeInstanceOf(ValidationError)
    }
    expect(await engine.idsOf(client)).toStrictEqual(['a'])
  })

  test('texts beside vectors that are none, by their place', async () => {
    const client = await engine.things()
    const column = { ids: ['a'], data: Float32Array.of(1, 2) }
    const given: [unknown, string][] = [
      [[{ data: [1, 2], text: '' }], 'vectors[0].text: is empty'],
      [[{ data: [1, 2] }, { data: [1, 2], text: 7 }], 'vectors[1].text: expected a string, got 7'],
      [[{ data: [1, 2], text: LONE_SURROGATE }], 'vectors[0].text: a lone surrogate'],
      [{ ...column, texts: [''] }, 'vectors.texts[0]: is empty'],
      [{ ...column, texts: 'a' }, 'vectors.texts: expected an array'],
      [{ ...column, texts: ['a', 'b'] }, 'vectors.texts: longer than'],
    ]
    for (const [vectors, begin] of given) {
      const error = await rejection(untyped(client).insertVectors('things', vectors))
      expect(error).toBeInstanceOf(ValidationError)
      expect(error.message).toContain(begin)
    }
    expect(await client.count('things')).toBe(0)
  })

  test('columns whose lengths do not fit', async () => {
    const client = await engine.holding('a')
    const data = Float32Array.of(1, 2, 3)
    const two = Float32Array.of(1, 2)
    const columns: [object, string][] = [
      [{ ids: ['b', 'c'], data }, 'vectors.data'],
      [{ ids: [], data }, '3 values'],
      [{ ids: ['b'], data: two, metadata: [{}, {}] }, 'vectors.metadata'],
      [{ ids: [7], data: two }, 'vectors.ids[0]'],
      [{ vectors: [] }, 'vectors'],
    ]
    for (const [given, place] of columns) {
      const error = await rejection(untyped(client).insertVectors('things', given))
      expect(error).toBeInstanceOf(ValidationError)
      expect(error.message).toContain(place)
    }
    const tooMany = await rejection(client.insertVectors('things', { ids: ['b'], data }))
    expect(tooMany).toBeInstanceOf(DimensionMismatchError)
    expect(await engine.idsOf(client)).toStrictEqual(['a'])
  })

  test('fields that are not known, by name', async () => {
    const client = await engine.holding('a')
    const before = await everything(client)
    const unknown: [string, () => Promise<unknown>][] = [
      ['vector', () => untyped(client).insertVectors('things', [{ id: 'b', vector: [1, 2] }])],
      ['payload', () => untyped(client).insertVectors('things', [{ id: 'b', data: [1, 2], payload: {} }])],
      ['meta', () => untyped(client).insertTexts('things', [{ id: 'b', text: 'b', meta: {} }])],
      ['vector', () => untyped(client).updateVector('things', 'a', { vector: [1, 2] })],
      ['onProgres', () => untyped(client).insertVectors('things', [], { onProgres: () => {} })],
      ['onProgress', () => untyped(client).insertVectors('things', [], { onProgress: 5 })],
    ]
    for (const [named, call] of unknown) {
      const error = await rejection(call())
      expect(error).toBeInstanceOf(ValidationError)
      expect(error.message).toContain(named)
    }
    expect(await everything(client)).toStrictEqual(before)
  })

  test('options of what tells how far it is, in every such call', async () => {
    const client = await engine.holding('a')
    const before = await everything(client)
    for (const options of [{ progress: () => {} }, { onProgress: 'yes' }, null]) {
      for (const call of [
        untyped(client).insertVectors('things', [{ data: [1, 2] }], options),
        untyped(client).batchInsertText('things', ['a'], [], options),
        untyped(client).insertTexts('things', [{ id: 'b', text: 'b' }], options),
        untyped(client).optimize('things', options),
      ]) {
        expect(await rejection(call)).toBeInstanceOf(ValidationError)
      }
    }
    expect(await everything(client)).toStrictEqual(before)
  })

  test('what is beyond the limits of the engine alone, with everything beside it', async () => {
    const client = await engine.holding('a')
    const before = await everything(client)
    const tooLong = 'x'.repeat(70_000)
    const row = { id: 'a', data: [1, 2] }
    const calls: [string, () => Promise<unknown>][] = [
      ['metadata', () => client.insertVectors('things', [row, { data: [1, 2], metadata: { tooLong } }])],
      ['metadata', () => client.updateVector('things', 'a', { metadata: { tooLong } })],
      ['text', () => client.insertVectors('things', [row, { data: [1, 2], text: tooLong }])],
      ['text', () => client.insertText('things', tooLong)],
      ['text', () => client.batchInsertText('things', ['a', tooLong])],
      ['dimension', () => client.createCollection('wide', { dimension: 40_000 })],
      ['limit', () => client.search('things', [1, 2], { limit: 20_000 })],
      ['limit', () => client.searchVectors('things', { query_vector: [1, 2], limit: 20_000 })],
      ['limit', () => client.searchBatch('things', [[1, 2]], { limit: 20_000 })],
    ]
    for (const [named, call] of calls) {
      if (engine.isEmbedded) {
        expect(await call()).toBeDefined()
      } else {
        const error = await rejection(call())
        expect(error).toBeInstanceOf(UnsupportedError)
        expect(error.message).toContain(named)
      }
    }
    if (!engine.isEmbedded) expect(await everything(client)).toStrictEqual(before)
  })

  test('what is at the limits is taken', async () => {
    const client = await engine.holding('a')
    const { metadata, text, results } = engine.limits
    const long = (bytes: number, around: number) => 'x'.repeat(bytes - around)
    const row = {
      id: 'b',
      data: Float32Array.of(1, 2),
      metadata: { long: long(metadata, '{"long":""}'.length) },
      text: long(text, 0),
    }
    await client.insertVectors('things', [row])
    expect(await client.getVector('things', 'b')).toStrictEqual(row)
    expect(await client.count('things', { long: row.metadata.long })).toBe(1)
    expect(await client.search('things', [1, 2], { limit: results })).toHaveLength(2)
  })
})
