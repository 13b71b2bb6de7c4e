import { CollectionNotFoundError, VectorNotFoundError } from '../..'
import { seeded, shuffled, vector } from '../support/random'
import { rejection } from '../support/rejection'
import { engines } from './engines'

describe.each(engines)('reading with the client that is %s', (_, ready) => {
  const engine = ready()

  test('pages have all vectors, each once, in an order that stays', async () => {
    const client = await engine.things()
    const ids = Array.from({ length: 25 }, (_, i) => `id ${i}`)
    await client.insertVectors(
      'things',
      ids.map((id, i) => ({ id, data: [1, i], metadata: { i } })),
    )
    const pages = await Promise.all([0, 1, 2, 3].map((page) => client.listVectors('things', page, 10)))
    const paged = pages.flatMap(({ vectors }) => vectors.map(({ id }) => id))

    expect(engine.arranged(paged)).toStrictEqual(engine.arranged(ids))
    expect(pages.map(({ vectors, ...rest }) => [vectors.length, rest])).toStrictEqual([
      [10, { total: 25, limit: 10, offset: 0 }],
      [10, { total: 25, limit: 10, offset: 10 }],
      [5, { total: 25, limit: 10, offset: 20 }],
      [0, { total: 25, limit: 10, offset: 30 }],
    ])
    expect(await client.listVectors('things')).toStrictEqual(pages[0])
    expect(await client.listVectors('things', 2, 10)).toStrictEqual(pages[2])
    expect((await client.listVectors('things', 2 ** 40, 2 ** 40)).vectors).toStrictEqual([])
    const listed = await client.search('things', '', { limit: 100 })
    expect(listed.map(({ id }) => id)).toStrictEqual(paged)
    expect((await client.search('things', '', { limit: 7 })).map(({ id }) => id)).toStrictEqual(
      paged.slice(0, 7),
    )
  })

  test('one page after another follows what is written in between', async () => {
    const client = await engine.holding(...Array.from({ length: 12 }, (_, i) => `${100 + i}`))
    const first = (await client.listVectors('things', 0, 4)).vectors.map(({ id }) => id)
    await client.batchDelete('things', first)
    const { vectors, total } = await client.listVectors('things', 0, 12)
    expect(total).toBe(8)
    expect(vectors).toHaveLength(8)
    const pages = [await client.listVectors('things', 0, 4), await client.listVectors('things', 1, 4)]
    expect(pages.flatMap((page) => page.vectors)).toStrictEqual(vectors)
    expect((await client.listVectors('things', 2, 4)).vectors).toStrictEqual([])
  })

  test('all that was written is read, whatever is updated, replaced and deleted', async () => {
    const client = await engine.things()
    const random = seeded(11)
    const order = Array.from({ length: engine.isEmbedded ? 300 : 60 }, (_, i) => `id ${i}`)
    const row = (id: string) => ({ id, data: vector(random, 2) })
    await client.insertVectors('things', order.map(row))
    for (const id of shuffled(random, order).slice(0, order.length / 2)) {
      const dice = random()
      if (dice < 0.3) await client.updateVector('things', id, { data: vector(random, 2) })
      else if (dice < 0.6) await client.insertVectors('things', [row(id)])
      else {
        await client.deleteVector('things', id)
        order.splice(order.indexOf(id), 1)
        if (dice > 0.8) {
          await client.insertVectors('things', [row(id)])
          order.push(id)
        }
      }
    }
    const ids = engine.arranged(order)
    expect(await engine.idsOf(client)).toStrictEqual(ids)
    expect((await engine.vectorsOf(client)).map(({ id }) => id)).toStrictEqual(ids)
    expect(await client.count('things')).toBe(ids.length)
    const found = await client.search('things', [1, 1], { limit: 1000 })
    expect(found.map(({ id }) => id).sort()).toStrictEqual([...ids].sort())
  })

  test('each result has a Float32Array of this realm, with a buffer of its own', async () => {
    const client = await engine.things(3)
    const rows = Array.from({ length: 20 }, (_, i) => ({ id: `${i}`, data: [1, 2, i] }))
    await client.insertVectors('things', rows)
    const listed = (await client.listVectors('things', 0, 20)).vectors
    const found = await client.search('things', [1, 2, 3], { limit: 20, with_vector: true })
    const arrays = [...listed, ...found, await client.getVector('things', '0')].map(({ data }) => data)

    for (const data of arrays) {
      expect(data).toBeInstanceOf(Float32Array)
      expect(data?.buffer.byteLength).toBe(12)
    }
    expect(new Set(arrays.map((data) => data?.buffer)).size).toBe(41)
  })

  test('what was read can be changed without changing what is stored', async () => {
    const client = await engine.holding('a')
    const read = await client.getVector('things', 'a')
    read.data.fill(9)
    Object.assign(read.metadata ?? {}, { name: 'changed' })
    expect(await client.getVector('things', 'a')).toStrictEqual({
      id: 'a',
      data: Float32Array.of(1, 0),
      metadata: { place: 0, name: 'a' },
    })
  })

  test('counts all, or what a filter matches', async () => {
    const client = await engine.holding('a', 'b', 'c')
    expect(await client.count('things')).toBe(3)
    expect(await client.count('things', { place: { $gte: 1 } })).toBe(2)
    expect(await client.count('things', { name: 'nobody' })).toBe(0)
  })

  test('an empty collection has nothing to read', async () => {
    const client = await engine.things()
    expect(await client.listVectors('things')).toStrictEqual({ vectors: [], total: 0, limit: 10, offset: 0 })
    expect(await client.search('things', '')).toStrictEqual([])
    expect(await client.search('things', [1, 0])).toStrictEqual([])
    expect(await client.search('things', 'a text')).toStrictEqual([])
    const none = { results: [], total: 0 }
    expect(await client.searchVectors('things', { query_vector: [1, 0] })).toStrictEqual(none)
    expect(await client.searchText('things', { query: 'a' })).toStrictEqual(none)
    expect(await client.searchBatch('things', [[1, 0], '', 'a'])).toStrictEqual([[], [], []])
    expect(await client.count('things')).toBe(0)
    expect(await client.count('things', { a: 1 })).toBe(0)
  })

  test('what is not there is named by its error', async () => {
    const client = await engine.holding('a')
    for (const id of ['nobody', '', 'x'.repeat(2000), 'A']) {
      const error = await rejection(client.getVector('things', id))
      expect(error).toBeInstanceOf(VectorNotFoundError)
      expect(error.message).toContain(`'${id}'`)
    }
    const nowhere = [
      () => client.getVector('nowhere', 'a'),
      () => client.listVectors('nowhere'),
      () => client.count('nowhere'),
      () => client.count('nowhere', { a: 1 }),
      () => client.getCollection('nowhere'),
      () => client.getCollectionInfo('nowhere'),
    ]
    for (const call of nowhere) {
      const error = await rejection(call())
      expect(error).toBeInstanceOf(CollectionNotFoundError)
      expect(error.message).toContain("'nowhere'")
    }
  })
})
