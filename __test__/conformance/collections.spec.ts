import {
  CollectionExistsError,
  CollectionNotFoundError,
  type SimilarityMetric,
  UnsupportedError,
  ValidationError,
} from '../..'
import { everything } from '../support/collections'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'
import { engines } from './engines'

const created_at = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
const LONE_SURROGATE = '\ud800'

describe.each(engines)('collections of the client that is %s', (_, ready) => {
  const engine = ready()

  test('are made in both ways, and tell what they are', async () => {
    const client = await engine.open()
    expect(await client.ready()).toBeUndefined()
    expect(await client.listCollections()).toStrictEqual([])
    const made = await client.createCollection({ name: 'b', dimension: 2, similarity_metric: 'euclidean' })
    await client.createCollection('a', { dimension: 3, hnsw: { m: 8 } })
    await client.insertVectors('b', [{ data: [1, 2] }, { data: [3, 4] }])

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
  })

  test.each(['getCollection', 'getCollectionInfo'] as const)('%s tells all of one', async (call) => {
    const client = await engine.open()
    const hnsw = { m: 8, ef_construction: 50, ef_search: 40, builder: 'own' } as const
    const made = await client.createCollection('things', { dimension: 2, metric: 'dot_product', hnsw })
    await client.insertVectors('things', [{ data: [1, 2] }, { data: [3, 4] }, { data: [5, 6] }])
    const { disk_bytes: _, scrub: __, ...info } = await client[call]('things')

    expect(info).toStrictEqual({
      ...made,
      vector_count: 3,
      updated_at: created_at,
      size_bytes: expect.any(Number),
      hnsw,
      index: { indexed: expect.any(Number), pending: expect.any(Number), deleted: 0 },
      ttl_secs: null,
      expired: 0,
      undoable: 0,
    })
    expect(info.index.indexed + info.index.pending).toBe(3)
    // So few vectors are not put into a graph.
    if (engine.isEmbedded) expect(info.index.pending).toBe(3)
  })

  test('what is left out of the settings has its default', async () => {
    const client = await engine.open()
    await client.createCollection('things', { dimension: 2, hnsw: { ef_search: 7 } })
    await client.createCollection('others', { dimension: 2 })
    const hnsw = { m: 16, ef_construction: 100, ef_search: 7, builder: 'own' }
    expect(await client.getCollectionInfo('things')).toMatchObject({ similarity_metric: 'cosine', hnsw })
    const { hnsw: byDefault } = await client.getCollectionInfo('others')
    expect(byDefault).toStrictEqual({ ...hnsw, ef_search: 80 })
  })

  test.each(['a', 'One\n\tand "two"\\, é 😀 {}', 'x'.repeat(1024), 'é'.repeat(512), '\n'.repeat(1024)])(
    'a description is kept as it is: %j',
    async (description) => {
      const client = await engine.open()
      const made = await client.createCollection('things', { dimension: 2, description })
      expect(made).toMatchObject({ name: 'things', description })
      expect(await client.listCollections()).toStrictEqual([made])
      await client.createCollection({ name: 'others', dimension: 2, description: 'of others' })
      const plain = await client.collection('plain', { dimension: 2 })
      expect(await client.getCollectionInfo('things')).toMatchObject(made)
      expect(await client.getCollection('others')).toMatchObject({ description: 'of others' })
      expect(await plain.getCollectionInfo()).not.toHaveProperty('description')
      // An existing collection is opened whatever its description is.
      const options = { dimension: 2, description: 'another', ifExists: 'open' } as const
      const things = await client.collection('things', options)
      expect((await things.getCollectionInfo()).description).toBe(description)
    },
  )

  test('those without a vector are listed by name', async () => {
    const client = await engine.holding('a', 'b')
    expect(await client.listEmptyCollections()).toStrictEqual([])
    await client.createCollection('void', { dimension: 2 })
    await client.createCollection('bare', { dimension: 2 })
    expect(await client.listEmptyCollections()).toStrictEqual(['bare', 'void'])
    await client.insertVectors('bare', [{ id: 'a', data: [1, 2] }])
    await client.deleteByFilter('things', { place: { $gte: 0 } })
    expect(await client.listEmptyCollections()).toStrictEqual(['things', 'void'])
    expect((await client.listCollections()).map(({ name }) => name)).toStrictEqual(['bare', 'things', 'void'])
  })

  test.each<SimilarityMetric>(['cosine', 'euclidean', 'dot_product'])(
    'a metric may be %s',
    async (metric) => {
      const client = await engine.things(3, metric)
      expect((await client.getCollection('things')).similarity_metric).toBe(metric)
    },
  )

  test('a name that is taken is an error, and what is there stays', async () => {
    const client = await engine.holding('a', 'b')
    const before = await everything(client)
    const again = client.createCollection('things', { dimension: 5 })
    await expect(again).rejects.toBeInstanceOf(CollectionExistsError)
    await expect(again).rejects.toThrow("'things'")
    const request = client.createCollection({ name: 'things', dimension: 2 })
    await expect(request).rejects.toBeInstanceOf(CollectionExistsError)
    expect(await everything(client)).toStrictEqual(before)
  })

  test('one of two that are made at once under a name is an error', async () => {
    const client = await engine.open()
    const both = [2, 3].map((dimension) => client.createCollection('things', { dimension }))
    const outcomes = await Promise.allSettled(both)
    const refused = outcomes.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
    expect(refused.map(({ reason }) => reason)).toStrictEqual([expect.any(CollectionExistsError)])
    const [{ dimension }] = await client.listCollections()
    await client.insertVectors('things', [{ data: new Float32Array(dimension).fill(1) }])
    expect(await client.count('things')).toBe(1)
  })

  test('a deleted collection is gone, and its name is free', async () => {
    const client = await engine.holding('a')
    expect(await client.deleteCollection('things')).toBeUndefined()
    await expect(client.count('things')).rejects.toThrow("'things' does not exist")
    await expect(client.deleteCollection('things')).rejects.toBeInstanceOf(CollectionNotFoundError)
    expect(await client.listCollections()).toStrictEqual([])

    await client.createCollection('things', { dimension: 3, metric: 'euclidean' })
    expect(await client.count('things')).toBe(0)
    await client.insertVectors('things', [{ id: 'new', data: [1, 2, 3] }])
    expect(await engine.idsOf(client)).toStrictEqual(['new'])
  })

  test('a write to one leaves the same id in another', async () => {
    const client = await engine.holding('a')
    await client.createCollection('others', { dimension: 2 })
    await client.insertVectors('others', [{ id: 'a', data: [1, 1] }])
    await client.deleteVector('things', 'a')

    expect(await engine.idsOf(client, 'others')).toStrictEqual(['a'])
    await client.deleteCollection('things')
    expect((await client.listCollections()).map(({ name }) => name)).toStrictEqual(['others'])
  })

  test.each([
    'x'.repeat(63),
    'my collection',
    '__proto__',
    '日本語',
    '...',
    'a.b',
    'A',
    '0',
    '%41',
    '_',
    "it's",
  ])('a name may be %s', async (name) => {
    const client = await engine.open()
    await client.createCollection(name, { dimension: 2 })
    await client.insertVectors(name, [{ id: 'a', data: [1, 2] }])
    expect((await client.getCollection(name)).name).toBe(name)
    expect(await client.listCollections()).toMatchObject([{ name, vector_count: 1 }])
    expect((await client.batchDelete(name, ['a'])).collection).toBe(name)
    await client.deleteCollection(name)
    expect(await client.listCollections()).toStrictEqual([])
  })

  test('names that look alike are those of different collections', async () => {
    const client = await engine.open()
    const names = ['a', 'A', 'é', 'e\u0301', 'a b', 'a_b', 'a__20b', 'a%20b', 'a-b', 'a.b', '_a', '__a']
    for (const name of names) await client.createCollection(name, { dimension: 1 })
    for (const name of names) await client.insertVectors(name, [{ id: name, data: [1] }])

    const listed = await client.listCollections()
    expect(listed.map(({ name }) => name).sort()).toStrictEqual([...names].sort())
    for (const name of names) expect(await engine.idsOf(client, name)).toStrictEqual([name])
  })

  test('a name at the limit is taken, or is what the engine cannot do', async () => {
    const client = await engine.open()
    for (const name of ['x'.repeat(255), 'é'.repeat(127)]) {
      const made = await client.createCollection(name, { dimension: 2 }).catch((error: unknown) => error)
      if (made instanceof UnsupportedError && !engine.isEmbedded) continue
      expect(made).toMatchObject({ name })
      expect((await client.getCollection(name)).name).toBe(name)
    }
  })

  test.each([
    ['empty', ''],
    ['256 bytes long', 'x'.repeat(256)],
    ['128 characters of two bytes', 'é'.repeat(128)],
    ['a path', 'a/b'],
    ['a Windows path', 'a\\b'],
    ['the parent folder', '..'],
    ['the folder', '.'],
    ['of control characters', 'a\nb'],
    ['of a null character', 'a\0'],
    ['a lone surrogate', LONE_SURROGATE],
  ])('a name that is %s is refused', async (_, name) => {
    const client = await engine.open()
    const error = await rejection(client.createCollection(name, { dimension: 2 }))
    expect(error).toBeInstanceOf(ValidationError)
    expect(error.message).toContain('name')
    await expect(client.createCollection({ name, dimension: 2 })).rejects.toBeInstanceOf(ValidationError)
    expect(await client.listCollections()).toStrictEqual([])
  })

  test('settings that are not understood are refused by name, and nothing is made', async () => {
    const client = await engine.open()
    const wrong: [string, unknown][] = [
      ['dimension', { dimension: 0 }],
      ['dimension', { dimension: 65_536 }],
      ['dimension', { dimension: -1 }],
      ['dimension', { dimension: 1.5 }],
      ['dimension', { dimension: '2' }],
      ['dimension', { dimension: Number.NaN }],
      ['dimension', {}],
      ['metric', { dimension: 2, metric: 'manhattan' }],
      ['metric', { dimension: 2, metric: 'Cosine' }],
      ['metric', { dimension: 2, metric: 'cosine', similarity_metric: 'cosine' }],
      ['metrik', { dimension: 2, metrik: 'cosine' }],
      ['efSearch', { dimension: 2, hnsw: { efSearch: 9 } }],
      ['hnsw: invalid type: sequence', { dimension: 2, hnsw: [16, 100, 80] }],
      ['hnsw.m', { dimension: 2, hnsw: { m: 3 } }],
      ['hnsw.m', { dimension: 2, hnsw: { m: 129 } }],
      ['hnsw.ef_construction', { dimension: 2, hnsw: { ef_construction: 7 } }],
      ['hnsw.ef_construction', { dimension: 2, hnsw: { ef_construction: 4097 } }],
      ['hnsw.ef_search', { dimension: 2, hnsw: { ef_search: 0 } }],
      ['hnsw.ef_search', { dimension: 2, hnsw: { ef_search: 4097 } }],
      ['hnsw.builder', { dimension: 2, hnsw: { builder: 'other' } }],
      ['description', { dimension: 2, description: '' }],
      ['description', { dimension: 2, description: 'x'.repeat(1025) }],
      ['description', { dimension: 2, description: 'é'.repeat(513) }],
      ['description', { dimension: 2, description: 'a\r\nb' }],
      ['description', { dimension: 2, description: 'a\0' }],
      ['description', { dimension: 2, description: '\u0085' }],
      ['description', { dimension: 2, description: LONE_SURROGATE }],
      ['description', { dimension: 2, description: 7 }],
      ['description', { dimension: 2, description: ['a'] }],
    ]
    for (const [named, options] of wrong) {
      const error = await rejection(untyped(client).createCollection('new', options))
      expect(error).toBeInstanceOf(ValidationError)
      expect(error.message).toContain(named)
    }
    const beside = untyped(client).createCollection({ name: 'a', dimension: 2 }, { metric: 'euclidean' })
    expect((await rejection(beside)).message).toContain('options')
    expect(await client.listCollections()).toStrictEqual([])
  })

  test.each(['own', 'hnsw_rs'] as const)(
    'with the builder %s find what is nearest, and nothing that is deleted',
    async (builder) => {
      const client = await engine.open()
      const options = { dimension: 2, metric: 'euclidean', hnsw: { builder } } as const
      const things = await client.collection('things', options)
      const count = 2000
      const row = (i: number) => ({ id: `${i}`, data: [Math.floor(i / 50), i % 50] })
      await things.insertVectors(Array.from({ length: count }, (_, i) => row(i)))
      await things.optimize()
      const { hnsw, index } = await things.getCollectionInfo()
      expect([hnsw.builder, index.pending]).toStrictEqual([builder, 0])
      for (let i = 0; i < count; i += 97) {
        const ids = async () => (await things.search(row(i).data, { limit: 1 })).map(({ id }) => id)
        expect(await ids()).toStrictEqual([`${i}`])
        await things.deleteVector(`${i}`)
        expect(await ids()).not.toContain(`${i}`)
      }
    },
  )

  test('settings at their limits are taken', async () => {
    const client = await engine.open()
    await client.createCollection('least', { dimension: 1, hnsw: { m: 4, ef_construction: 8, ef_search: 1 } })
    const hnsw = { m: 128, ef_construction: 4096, ef_search: 4096 }
    const data = new Float32Array(engine.limits.dimension).fill(1)
    await client.createCollection('most', { dimension: data.length, hnsw })
    await client.insertVectors('most', [{ id: 'a', data }])

    expect(await client.getCollectionInfo('most')).toMatchObject({
      dimension: data.length,
      hnsw,
      vector_count: 1,
    })
    const [{ score }] = await client.search('most', data.fill(2))
    expect(score).toBeCloseTo(1, engine.isEmbedded ? 6 : 4)
  })

  test('optimize and flush leave what is there', async () => {
    const client = await engine.holding('a', 'b', 'c')
    await client.deleteVector('things', 'b')
    const before = await everything(client)
    expect(await client.flush()).toBeUndefined()
    const told: unknown[] = []
    const onProgress = (progress: unknown) => told.push(progress)
    expect(await client.optimize('things', { onProgress })).toBeUndefined()

    const progress = { phase: expect.any(String), done: expect.any(Number), total: expect.any(Number) }
    expect(told.length).toBeGreaterThan(0)
    for (const one of told) expect(one).toStrictEqual(progress)
    expect(await everything(client)).toStrictEqual(before)
    const { index } = await client.getCollectionInfo('things')
    expect(index).toStrictEqual({ indexed: expect.any(Number), pending: expect.any(Number), deleted: 0 })
  })

  test('what a listener of optimize throws rejects the call when the work is done', async () => {
    const client = await engine.holding('a')
    const onProgress = () => {
      throw new Error('listener')
    }
    await expect(client.optimize('things', { onProgress })).rejects.toThrow('listener')
    expect(await client.count('things')).toBe(1)
  })
})
