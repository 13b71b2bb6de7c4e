import { holding, idsOf, client as opened, things } from '../support/collections'
import { seeded, shuffled, vector } from '../support/random'

describe('reading', () => {
  test('pages have all vectors in insertion order, each once', async () => {
    const client = await things()
    const ids = Array.from({ length: 25 }, (_, i) => `id ${i}`)
    await client.insertVectors(
      'things',
      ids.map((id, i) => ({ id, data: [1, i] })),
    )
    const pages = await Promise.all([0, 1, 2, 3].map((page) => client.listVectors('things', page, 10)))

    expect(pages.flatMap(({ vectors }) => vectors.map(({ id }) => id))).toStrictEqual(ids)
    expect(pages.map(({ vectors, ...rest }) => [vectors.length, rest])).toStrictEqual([
      [10, { total: 25, limit: 10, offset: 0 }],
      [10, { total: 25, limit: 10, offset: 10 }],
      [5, { total: 25, limit: 10, offset: 20 }],
      [0, { total: 25, limit: 10, offset: 30 }],
    ])
    expect(await client.listVectors('things')).toStrictEqual(pages[0])
    expect((await client.listVectors('things', 2 ** 40, 2 ** 40)).vectors).toStrictEqual([])
  })

  test('the order is that of insertion, whatever is updated, replaced and deleted', async () => {
    const client = await things()
    const random = seeded(11)
    const order = Array.from({ length: 300 }, (_, i) => `id ${i}`)
    const row = (id: string) => ({ id, data: vector(random, 2) })
    await client.insertVectors('things', order.map(row))
    for (const id of shuffled(random, order).slice(0, 150)) {
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
    expect(await idsOf(client)).toStrictEqual(order)
    expect((await client.listVectors('things', 0, 300)).vectors.map(({ id }) => id)).toStrictEqual(order)
  })

  test('each result has a Float32Array of this realm, with a buffer of its own', async () => {
    const client = await things(3)
    const rows = Array.from({ length: 20 }, (_, i) => ({ id: `${i}`, data: [1, 2, i] }))
    await client.insertVectors('things', rows)
    const listed = (await client.listVectors('things', 0, 20)).vectors
    const found = await client.search('things', [1, 2, 3], { limit: 20, with_vector: true })
    const arrays = [...listed, ...found].map(({ data }) => data)

    for (const data of arrays) {
      expect(data).toBeInstanceOf(Float32Array)
      expect(data?.byteOffset).toBe(0)
      expect(data?.buffer.byteLength).toBe(12)
    }
    expect(new Set(arrays.map((data) => data?.buffer)).size).toBe(40)
  })

  test('what was read can be changed without changing what is stored', async () => {
    const client = await holding('a')
    const read = await client.getVector('things', 'a')
    read.data.fill(9)
    Object.assign(read.metadata ?? {}, { name: 'changed' })
    expect(await client.getVector('things', 'a')).toStrictEqual({
      id: 'a',
      data: Float32Array.of(1, 0),
      metadata: { place: 0, name: 'a' },
    })
  })

  test('a collection tells its settings and counts', async () => {
    const client = opened()
    const made = await client.createCollection({ name: 'b', dimension: 2, similarity_metric: 'euclidean' })
    await client.createCollection('a', { dimension: 3, hnsw: { m: 8 } })
    await client.insertVectors('b', [{ data: [1, 2] }, { data: [3, 4] }])
    const created_at = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)

    expect(made).toStrictEqual({
      name: 'b',
      dimension: 2,
      similarity_metric: 'euclidean',
      vector_count: 0,
      created_at,
    })
    expect(await client.listCollections()).toStrictEqual([
      { name: 'a', dimension: 3, similarity_metric: 'cosine', vector_count: 0, created_at },
      { ...made, vector_count: 2 },
    ])
    expect(await client.getCollection('b')).toStrictEqual({
      ...made,
      vector_count: 2,
      updated_at: created_at,
      size_bytes: expect.any(Number),
      hnsw: { m: 16, ef_construction: 100, ef_search: 80, builder: 'own' },
      index: { indexed: 0, pending: 2, deleted: 0 },
    })
  })
})
