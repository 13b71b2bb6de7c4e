import fc from 'fast-check'
import { CollectionNotFoundError, ValidationError, VectorNotFoundError } from '../..'
import { everything } from '../support/collections'
import { seeded, vector } from '../support/random'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'
import { engines } from './engines'

const UUID_7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe.each(engines)('inserting with the client that is %s', (_, ready) => {
  const engine = ready()

  test('takes arrays and typed arrays, with and without ids and metadata', async () => {
    const client = await engine.things(3)
    const report = await client.insertVectors('things', [
      { id: 'array', data: [1, 2, 3] },
      { id: 'typed', data: Float32Array.of(4, 5, 6), metadata: {} },
      { data: [7, 8, 9.1], metadata: { tag: 'x' } },
    ])
    const id = report.ids[2]

    expect(report).toStrictEqual({ inserted: 3, ids: ['array', 'typed', id] })
    expect(await engine.vectorsOf(client)).toStrictEqual(
      engine.arranged([
        { id: 'array', data: Float32Array.of(1, 2, 3) },
        { id: 'typed', data: Float32Array.of(4, 5, 6), metadata: {} },
        { id, data: Float32Array.of(7, 8, 9.1), metadata: { tag: 'x' } },
      ]),
    )
  })

  test('takes columns', async () => {
    const client = await engine.things()
    const all = new Float32Array(8).map((_, i) => i)
    const report = await client.insertVectors('things', {
      ids: ['a', 'b', 'c'],
      data: all.subarray(1, 7), // a view in the middle of a buffer
      metadata: [{ n: 1 }, undefined],
      texts: [null, 'a text'],
    })

    expect(report).toStrictEqual({ inserted: 3, ids: ['a', 'b', 'c'] })
    expect(await engine.vectorsOf(client)).toStrictEqual([
      { id: 'a', data: Float32Array.of(1, 2), metadata: { n: 1 } },
      { id: 'b', data: Float32Array.of(3, 4), text: 'a text' },
      { id: 'c', data: Float32Array.of(5, 6) },
    ])
  })

  test('takes values from shared memory', async () => {
    const client = await engine.things()
    const data = new Float32Array(new SharedArrayBuffer(8))
    data.set([3, 4])
    await client.insertVectors('things', [{ id: 'row', data }])
    await client.insertVectors('things', { ids: ['column'], data })
    expect((await client.search('things', data)).map(({ id }) => id).sort()).toStrictEqual(['column', 'row'])
    expect((await client.getVector('things', 'column')).data).toStrictEqual(Float32Array.of(3, 4))
  })

  test('of nothing inserts nothing', async () => {
    const client = await engine.things()
    const nothing = { inserted: 0, ids: [] }
    expect(await client.insertVectors('things', [])).toStrictEqual(nothing)
    const columns = { ids: [], data: new Float32Array(0) }
    expect(await client.insertVectors('things', columns)).toStrictEqual(nothing)
    expect(await client.count('things')).toBe(0)
  })

  test('keeps texts with vectors as they are, in rows and in columns', async () => {
    const client = await engine.things()
    const text = ' \0 ü🦀\n"\\'
    await client.insertVectors('things', [
      { id: 'a', data: [1, 2], text, metadata: { text: 'mine' } },
      { id: 'b', data: [3, 4], text: undefined },
    ])
    await client.insertVectors('things', { ids: ['c'], data: Float32Array.of(5, 6), texts: [text] })

    expect(await engine.vectorsOf(client)).toStrictEqual([
      { id: 'a', data: Float32Array.of(1, 2), metadata: { text: 'mine' }, text },
      { id: 'b', data: Float32Array.of(3, 4) },
      { id: 'c', data: Float32Array.of(5, 6), text },
    ])
  })

  test('replaces a vector of the same id whole', async () => {
    const client = await engine.holding('a', 'b')
    await client.insertVectors('things', [{ id: 'a', data: [5, 6], text: 'a text', metadata: { n: 1 } }])
    await client.insertVectors('things', [{ id: 'a', data: [7, 8] }])

    expect(await client.getVector('things', 'a')).toStrictEqual({ id: 'a', data: Float32Array.of(7, 8) })
    expect(await engine.idsOf(client)).toStrictEqual(['a', 'b'])
    expect(await client.count('things')).toBe(2)
  })

  test('of duplicates in one insert takes the last, counted once', async () => {
    const client = await engine.things()
    const report = await client.insertVectors('things', [
      { id: 'a', data: [1, 0], metadata: { first: true } },
      { id: 'b', data: [1, 1] },
      { id: 'a', data: [0, 1], metadata: { last: true } },
    ])
    const columns = { ids: ['c', 'c'], data: Float32Array.of(1, 2, 3, 4) }

    expect(report).toStrictEqual({ inserted: 2, ids: ['a', 'b'] })
    expect(await client.insertVectors('things', columns)).toStrictEqual({ inserted: 1, ids: ['c'] })
    expect(await engine.idsOf(client)).toStrictEqual(['a', 'b', 'c'])
    expect(await engine.vectorsOf(client)).toStrictEqual([
      { id: 'a', data: Float32Array.of(0, 1), metadata: { last: true } },
      { id: 'b', data: Float32Array.of(1, 1) },
      { id: 'c', data: Float32Array.of(3, 4) },
    ])
  })

  test('generates ids that are version 7 UUIDs, all different', async () => {
    const client = await engine.things()
    const rows = Array.from({ length: 1000 }, () => ({ data: [1, 2] }))
    const { ids } = await client.insertVectors('things', rows)

    expect(ids.filter((id) => !UUID_7.test(id))).toStrictEqual([])
    expect(new Set(ids).size).toBe(1000)
    expect(await engine.idsOf(client)).toStrictEqual(engine.arranged(ids))
  })

  test('takes many vectors in one call, and tells how far it is', async () => {
    const client = await engine.things(4)
    const ids = Array.from({ length: 2500 }, (_, i) => `id ${i}`)
    const data = vector(seeded(3), 4 * ids.length)
    const told: { phase: string; done: number; total: number }[] = []
    const onProgress = (progress: (typeof told)[number]) => told.push(progress)
    const report = await client.insertVectors('things', { ids, data }, { onProgress })

    expect(report).toStrictEqual({ inserted: 2500, ids })
    expect(told.at(-1)).toStrictEqual({ phase: 'insert', done: 2500, total: 2500 })
    const vectors = await engine.vectorsOf(client)
    expect(vectors.map(({ id }) => id)).toStrictEqual(engine.arranged(ids))
    const at = new Map(ids.map((id, i) => [id, 4 * i]))
    const wrong = vectors.filter((one) =>
      one.data.some((value, i) => value !== data[(at.get(one.id) ?? 0) + i]),
    )
    expect(wrong).toStrictEqual([])
  })

  test('what a listener throws rejects the call when the vectors are inserted', async () => {
    const client = await engine.things()
    const onProgress = () => {
      throw new Error('listener')
    }
    const inserting = client.insertVectors('things', [{ id: 'a', data: [1, 2] }], { onProgress })
    await expect(inserting).rejects.toThrow('listener')
    expect(await engine.idsOf(client)).toStrictEqual(['a'])
  })

  test('keeps what the arguments were when it was called', async () => {
    const client = await engine.things()
    const data = [1, 2]
    const typed = Float32Array.of(1, 2)
    const columns = Float32Array.of(1, 2)
    const metadata = { list: [1], name: 'before' }
    const texts = ['before']
    const calls = [
      client.insertVectors('things', [{ id: 'array', data, metadata }]),
      client.insertVectors('things', [{ id: 'typed', data: typed, metadata }]),
      client.insertVectors('things', { ids: ['column'], data: columns, metadata: [metadata] }),
      client.insertText('things', 'before', metadata),
      client.batchInsertText('things', texts, [metadata]),
    ]
    data[0] = 9
    typed[0] = 9
    columns[0] = 9
    texts[0] = 'after'
    metadata.name = 'after'
    metadata.list.push(2)
    await Promise.all(calls)

    const stored = await engine.vectorsOf(client)
    expect(stored).toHaveLength(5)
    for (const one of stored) {
      expect(one.metadata).toStrictEqual({ list: [1], name: 'before' })
      if (one.text === undefined) expect(one.data).toStrictEqual(Float32Array.of(1, 2))
      else expect(one.text).toBe('before')
    }
  })

  test.each([
    ['1,024 bytes', 'x'.repeat(1024)],
    ['1,024 bytes of two-byte characters', 'é'.repeat(512)],
    ['1,024 bytes of emoji', '🦀'.repeat(256)],
    ['quotes, backslashes and line ends', '"\'\\\n\r\t\u2028'],
    ['all control characters', String.fromCharCode(...Array.from({ length: 32 }, (_, i) => i), 127)],
    ['a null character', '\0'],
    ['a path', '../../x'],
    ['a name of Object', '__proto__'],
    ['a space', ' '],
    ['what looks encoded', '%41%zz%'],
    ['a number', '12345678901234567890'],
  ])('an id may be of %s', async (_, id) => {
    const client = await engine.holding('a')
    const report = await client.insertVectors('things', [{ id, data: [3, 4], metadata: { id } }])
    expect(report).toStrictEqual({ inserted: 1, ids: [id] })
    expect(await client.getVector('things', id)).toStrictEqual({
      id,
      data: Float32Array.of(3, 4),
      metadata: { id },
    })
    expect(await engine.idsOf(client)).toStrictEqual(engine.arranged(['a', id]))
    expect((await client.search('things', [3, 4], { limit: 1 }))[0].id).toBe(id)
    expect(await client.count('things', { must: [{ has_id: [id] }] })).toBe(1)
    const { results } = await client.batchDelete('things', [id])
    expect(results).toStrictEqual([{ id, index: 0, status: 'ok' }])
    expect(await engine.idsOf(client)).toStrictEqual(['a'])
  })

  test('strings that look alike are different ids', async () => {
    const client = await engine.things()
    const ids = ['é', 'e\u0301', 'É', 'a', 'A', 'a ', ' a', '1', '01', '1.0', '%31', '%25', '%', '%2531']
    await client.insertVectors(
      'things',
      ids.map((id, i) => ({ id, data: [1, i] })),
    )
    expect(await engine.idsOf(client)).toStrictEqual(engine.arranged(ids))
    for (const [i, id] of ids.entries()) {
      expect((await client.getVector('things', id)).data[1]).toBe(i)
    }
  })

  test('metadata of any JSON comes back exactly', async () => {
    const client = await engine.things()
    const object = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 4 }))
    await fc.assert(
      fc.asyncProperty(fc.array(object, { minLength: 5, maxLength: 20 }), async (all) => {
        const rows = all.map((metadata, i) => ({ id: `${i}`, data: [1, i], metadata }))
        await client.insertVectors('things', rows)
        const found = await client.search('things', '', { limit: 100 })
        const byId = new Map(found.map(({ id, metadata }) => [id, metadata]))
        for (const { id, metadata } of rows) {
          expect(byId.get(id)).toStrictEqual(JSON.parse(JSON.stringify(metadata)))
        }
      }),
      { seed: 1, numRuns: 25 },
    )
  })

  test('metadata of numbers at the edges, deep nesting, odd keys and great length comes back exactly', async () => {
    const client = await engine.things()
    let deep: Record<string, unknown> = {}
    for (let i = 0; i < 50; i++) deep = { deep }
    const metadata = {
      numbers: [0, 5e-324, Number.MAX_VALUE, 2 ** 53 + 2, 0.1, -1e21, 1e21, 123456789.12345679, -5, 1.0],
      booleans: [true, false, null],
      empty: [{}, [], '', null],
      deep,
      long: 'é"\\\n\u2028'.repeat(5000),
      ...JSON.parse('{"__proto__":{"polluted":true},"constructor":1,"toJSON":"x","":0}'),
      'a.b': 1,
      $eq: 'no operator',
      'k"] or id != "': "it's",
    }
    await client.insertVectors('things', [{ id: 'a', data: [1, 2], metadata }])
    const read = (await client.getVector('things', 'a')).metadata
    expect(read).toStrictEqual(metadata)
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype)
    expect((await client.search('things', [1, 2]))[0].metadata).toStrictEqual(metadata)
  })

  test('dates become ISO strings, undefined fields are left out', async () => {
    const client = await engine.things()
    const metadata = { at: new Date(0), none: undefined, deep: { none: undefined, list: [new Date(1)] } }
    await client.insertVectors('things', [{ id: 'a', data: [1, 2], metadata }])

    expect((await client.getVector('things', 'a')).metadata).toStrictEqual({
      at: '1970-01-01T00:00:00.000Z',
      deep: { list: ['1970-01-01T00:00:00.001Z'] },
    })
    expect(await client.count('things', { at: new Date(0) })).toBe(1)
    expect(await client.count('things', { at: { $gt: new Date(0) } })).toBe(0)
    expect(await client.count('things', { at: { $lt: new Date(1) } })).toBe(1)
  })

  test('values are kept as 32-bit floats, to the bit', async () => {
    const client = await engine.things(6, 'euclidean')
    const data = Float32Array.of(0.1, 1 / 3, 1e-30, 3e30, -0.5, 16777217)
    await client.insertVectors('things', [{ id: 'a', data }])
    expect((await client.getVector('things', 'a')).data).toStrictEqual(data)
    const [found] = await client.search('things', '', { with_vector: true })
    expect(found.data).toStrictEqual(data)
  })
})

describe.each(engines)('updating with the client that is %s', (_, ready) => {
  const engine = ready()

  test('replaces only what is given, and resolves with the vector as it is then', async () => {
    const client = await engine.holding('a', 'b')
    const first = await client.updateVector('things', 'a', { data: [7, 8] })
    expect(first).toStrictEqual({ id: 'a', data: Float32Array.of(7, 8), metadata: { place: 0, name: 'a' } })

    const second = await client.updateVector('things', 'a', { metadata: { only: true } })
    expect(second).toStrictEqual({ id: 'a', data: Float32Array.of(7, 8), metadata: { only: true } })

    const third = await client.updateVector('things', 'a', { text: 'a text' })
    expect(third).toMatchObject({ text: 'a text', metadata: { only: true } })
    expect(third.data).not.toStrictEqual(second.data)
    expect(await client.getVector('things', 'a')).toStrictEqual(third)
    expect((await client.search('things', 'a text'))[0]).toMatchObject({ id: 'a' })

    const fourth = await client.updateVector('things', 'a', { text: 'other words', data: [1, 1] })
    expect(fourth).toMatchObject({ text: 'other words', data: Float32Array.of(1, 1) })
    expect(await client.getVector('things', 'a')).toStrictEqual(fourth)
    expect(await engine.idsOf(client)).toStrictEqual(['a', 'b'])
    expect(await client.count('things', { place: 0 })).toBe(0)
    expect(await client.count('things', { only: true })).toBe(1)
  })

  test('with nothing to replace, or what is no vector, is refused', async () => {
    const client = await engine.holding('a')
    const before = await everything(client)
    const updates = [
      {},
      { text: '' },
      { text: 5 },
      { metadata: [] },
      { metadata: null },
      { data: [] },
      { data: [0, 0] },
    ]
    for (const update of updates) {
      await expect(untyped(client).updateVector('things', 'a', update)).rejects.toThrow()
    }
    const beside = untyped(client).updateVector('things', 'a', { data: [1, 1], metadata: null })
    await expect(beside).rejects.toBeInstanceOf(ValidationError)
    const nobody = await rejection(client.updateVector('things', 'b', { data: [1, 1] }))
    expect(nobody).toBeInstanceOf(VectorNotFoundError)
    expect(nobody.message).toContain("'b'")
    const nowhere = client.updateVector('nowhere', 'a', { data: [1, 1] })
    await expect(nowhere).rejects.toBeInstanceOf(CollectionNotFoundError)
    expect(await everything(client)).toStrictEqual(before)
  })

  test('keeps what the arguments were when it was called', async () => {
    const client = await engine.holding('a')
    const data = Float32Array.of(3, 4)
    const metadata = { name: 'before' }
    const updating = client.updateVector('things', 'a', { data, metadata })
    data[0] = 9
    metadata.name = 'after'
    expect(await updating).toStrictEqual({
      id: 'a',
      data: Float32Array.of(3, 4),
      metadata: { name: 'before' },
    })
  })
})
