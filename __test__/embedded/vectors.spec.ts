import { ValidationError } from '../..'
import { everything, holding, idsOf, things } from '../support/collections'
import { untyped } from '../support/untyped'

describe('inserting', () => {
  test('takes arrays and typed arrays, with and without ids and metadata', async () => {
    const client = await things(3)
    const report = await client.insertVectors('things', [
      { id: 'array', data: [1, 2, 3] },
      { id: 'typed', data: Float32Array.of(4, 5, 6), metadata: {} },
      { data: [7, 8, 9.1], metadata: { tag: 'x' } },
    ])
    const id = report.ids[2]

    expect(report).toStrictEqual({ inserted: 3, ids: ['array', 'typed', id] })
    expect((await client.listVectors('things')).vectors).toStrictEqual([
      { id: 'array', data: Float32Array.of(1, 2, 3) },
      { id: 'typed', data: Float32Array.of(4, 5, 6), metadata: {} },
      { id, data: Float32Array.of(7, 8, 9.1), metadata: { tag: 'x' } },
    ])
  })

  test('takes columns', async () => {
    const client = await things(2)
    const all = new Float32Array(8).map((_, i) => i)
    const report = await client.insertVectors('things', {
      ids: ['a', 'b', 'c'],
      data: all.subarray(1, 7), // a view in the middle of a buffer
      metadata: [{ n: 1 }, undefined],
    })

    expect(report).toStrictEqual({ inserted: 3, ids: ['a', 'b', 'c'] })
    expect((await client.listVectors('things')).vectors).toStrictEqual([
      { id: 'a', data: Float32Array.of(1, 2), metadata: { n: 1 } },
      { id: 'b', data: Float32Array.of(3, 4) },
      { id: 'c', data: Float32Array.of(5, 6) },
    ])
  })

  test('keeps texts with vectors as they are, in rows and in columns', async () => {
    const client = await things(2)
    const text = ' \0 ü🦀\n'
    await client.insertVectors('things', [
      { id: 'a', data: [1, 2], text, metadata: { text: 'mine' } },
      { id: 'b', data: [3, 4], text: undefined },
    ])
    const columns = { ids: ['c', 'd', 'e'], data: Float32Array.of(5, 6, 7, 8, 9, 10) }
    await client.insertVectors('things', { ...columns, texts: [null, text] })

    expect((await client.listVectors('things')).vectors).toStrictEqual([
      { id: 'a', data: Float32Array.of(1, 2), metadata: { text: 'mine' }, text },
      { id: 'b', data: Float32Array.of(3, 4) },
      { id: 'c', data: Float32Array.of(5, 6) },
      { id: 'd', data: Float32Array.of(7, 8), text },
      { id: 'e', data: Float32Array.of(9, 10) },
    ])
    await client.insertVectors('things', [{ id: 'a', data: [1, 2] }])
    expect(await client.getVector('things', 'a')).toStrictEqual({ id: 'a', data: Float32Array.of(1, 2) })
  })

  test.each([
    [[{ data: [1, 2], text: '' }], /vectors\[0\]\.text: is empty/],
    [[{ data: [1, 2] }, { data: [1, 2], text: 7 }], /vectors\[1\]\.text: expected a string, got 7/],
    [[{ data: [1, 2], text: '\ud800' }], /vectors\[0\]\.text: a lone surrogate/],
    [{ ids: ['a'], data: Float32Array.of(1, 2), texts: [''] }, /vectors\.texts\[0\]: is empty/],
    [{ ids: ['a'], data: Float32Array.of(1, 2), texts: 'a' }, /vectors\.texts: expected an array/],
    [{ ids: ['a'], data: Float32Array.of(1, 2), texts: ['a', 'b'] }, /vectors\.texts: longer than/],
  ])('refuses a text that is none (case %#)', async (vectors, message) => {
    const client = await things(2)
    const inserting = untyped(client).insertVectors('things', vectors)
    await expect(inserting).rejects.toBeInstanceOf(ValidationError)
    await expect(inserting).rejects.toThrow(message)
    expect(await client.count('things')).toBe(0)
  })

  test('takes values from shared memory', async () => {
    const client = await things(2)
    const data = new Float32Array(new SharedArrayBuffer(8))
    data.set([3, 4])
    await client.insertVectors('things', [{ id: 'row', data }])
    await client.insertVectors('things', { ids: ['column'], data })
    expect((await client.search('things', data)).map(({ id }) => id)).toStrictEqual(['row', 'column'])
  })

  test('of nothing inserts nothing', async () => {
    const client = await things()
    const nothing = { inserted: 0, ids: [] }
    expect(await client.insertVectors('things', [])).toStrictEqual(nothing)
    expect(await client.insertVectors('things', { ids: [], data: new Float32Array(0) })).toStrictEqual(
      nothing,
    )
  })

  test('replaces a vector of the same id whole', async () => {
    const client = await holding('a', 'b')
    await client.insertVectors('things', [{ id: 'a', data: [5, 6] }])

    expect(await client.getVector('things', 'a')).toStrictEqual({ id: 'a', data: Float32Array.of(5, 6) })
    expect(await idsOf(client)).toStrictEqual(['a', 'b'])
    expect(await client.count('things')).toBe(2)
  })

  test('generates ids that are version 7 UUIDs, all different', async () => {
    const client = await things()
    const rows = Array.from({ length: 1000 }, () => ({ data: [1, 2] }))
    const { ids } = await client.insertVectors('things', rows)
    const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

    expect(ids.filter((id) => !uuid.test(id))).toStrictEqual([])
    expect(new Set(ids).size).toBe(1000)
    expect(await idsOf(client)).toStrictEqual(ids)
  })

  test('keeps what the arguments were when it was called', async () => {
    const client = await things()
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

    const stored = (await client.listVectors('things')).vectors
    expect(stored).toHaveLength(5)
    for (const one of stored) {
      expect(one.metadata).toStrictEqual({ list: [1], name: 'before' })
      if (one.text === undefined) expect(one.data).toStrictEqual(Float32Array.of(1, 2))
      else expect(one.text).toBe('before')
    }
  })

  test('a large insert keeps what the arguments were when it was called', async () => {
    const client = await things(64)
    const data = new Float32Array(64 * 2000).fill(1)
    const ids = Array.from({ length: 2000 }, (_, i) => `id ${i}`)
    const inserting = client.insertVectors('things', { ids, data })
    data.fill(2)
    ids.fill('after')
    await inserting

    const { vectors } = await client.listVectors('things', 0, 2000)
    expect(vectors.filter((one) => one.data.some((value) => value !== 1))).toStrictEqual([])
    expect(vectors.map(({ id }) => id)).toStrictEqual(Array.from({ length: 2000 }, (_, i) => `id ${i}`))
  })
})

describe('updating', () => {
  test('replaces only what is given, and resolves with the vector as it is then', async () => {
    const client = await holding('a', 'b')
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
    expect(await idsOf(client)).toStrictEqual(['a', 'b'])
  })

  test('with nothing to replace, or what is no vector, is refused', async () => {
    const client = await holding('a')
    const before = await everything(client)
    for (const update of [{}, { text: '' }, { text: 5 }, { metadata: [] }, { data: [] }, { data: [0, 0] }]) {
      await expect(untyped(client).updateVector('things', 'a', update)).rejects.toThrow()
    }
    await expect(client.updateVector('things', 'b', { data: [1, 1] })).rejects.toThrow("'b'")
    expect(await everything(client)).toStrictEqual(before)
  })

  test('metadata that is null is refused, not left as it was', async () => {
    const client = await holding('a')
    const update = { data: [1, 1], metadata: null }
    await expect(untyped(client).updateVector('things', 'a', update)).rejects.toBeInstanceOf(ValidationError)
  })

  test('keeps what the arguments were when it was called', async () => {
    const client = await holding('a')
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
