import { ValidationError } from '../..'
import { client as opened } from '../support/collections'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'

const LONE_SURROGATE = '\ud800'

describe('collections', () => {
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
    const client = opened()
    const error = await rejection(client.createCollection(name, { dimension: 2 }))
    expect(error).toBeInstanceOf(ValidationError)
    expect(error.message).toContain('name')
    await expect(client.createCollection({ name, dimension: 2 })).rejects.toBeInstanceOf(ValidationError)
    expect(await client.listCollections()).toStrictEqual([])
  })

  test.each(['x'.repeat(255), 'é'.repeat(127), 'my collection', '__proto__', '日本語', '...'])(
    'a name may be %s',
    async (name) => {
      const client = opened()
      expect((await client.createCollection(name, { dimension: 2 })).name).toBe(name)
      expect((await client.getCollection(name)).name).toBe(name)
    },
  )

  test('options beside a request are refused, not ignored', async () => {
    const client = opened()
    const made = untyped(client).createCollection?.({ name: 'a', dimension: 2 }, { metric: 'euclidean' })
    expect((await rejection(made)).message).toContain('options')
    expect(await client.listCollections()).toStrictEqual([])
  })

  const options: [string, unknown, string][] = [
    ['dimension 0', { dimension: 0 }, 'dimension'],
    ['dimension 65,536', { dimension: 65_536 }, 'dimension'],
    ['dimension -1', { dimension: -1 }, 'dimension'],
    ['dimension 1.5', { dimension: 1.5 }, 'dimension'],
    ['dimension "2"', { dimension: '2' }, 'dimension'],
    ['dimension NaN', { dimension: Number.NaN }, 'dimension'],
    ['no dimension', {}, 'dimension'],
    ['an unknown metric', { dimension: 2, metric: 'manhattan' }, 'metric'],
    ['a metric in capitals', { dimension: 2, metric: 'Cosine' }, 'metric'],
    ['both spellings of metric', { dimension: 2, metric: 'cosine', similarity_metric: 'cosine' }, 'metric'],
    ['an unknown option', { dimension: 2, metrik: 'cosine' }, 'metrik'],
    ['an unknown hnsw option', { dimension: 2, hnsw: { efSearch: 9 } }, 'efSearch'],
    ['a list of hnsw options', { dimension: 2, hnsw: [16, 100, 80] }, 'hnsw: invalid type: sequence'],
    ['m 3', { dimension: 2, hnsw: { m: 3 } }, 'hnsw.m'],
    ['m 129', { dimension: 2, hnsw: { m: 129 } }, 'hnsw.m'],
    ['ef_construction 7', { dimension: 2, hnsw: { ef_construction: 7 } }, 'hnsw.ef_construction'],
    ['ef_construction 4,097', { dimension: 2, hnsw: { ef_construction: 4097 } }, 'hnsw.ef_construction'],
    ['ef_search 0', { dimension: 2, hnsw: { ef_search: 0 } }, 'hnsw.ef_search'],
    ['ef_search 4,097', { dimension: 2, hnsw: { ef_search: 4097 } }, 'hnsw.ef_search'],
  ]
  test.each(options)('%s is refused', async (_, given, named) => {
    const client = opened()
    const error = await rejection(untyped(client).createCollection('new', given))
    expect(error).toBeInstanceOf(ValidationError)
    expect(error.message).toContain(named)
    expect(await client.listCollections()).toStrictEqual([])
  })

  test('dimensions and parameters at their limits are fine', async () => {
    const client = opened()
    await client.createCollection('least', { dimension: 1, hnsw: { m: 4, ef_construction: 8, ef_search: 1 } })
    const hnsw = { m: 128, ef_construction: 4096, ef_search: 4096 }
    await client.createCollection('most', { dimension: 65_535, hnsw })
    await client.insertVectors('most', [{ id: 'a', data: new Float32Array(65_535).fill(1) }])

    expect(await client.getCollectionInfo('most')).toMatchObject({ dimension: 65_535, hnsw, vector_count: 1 })
    expect((await client.search('most', new Float32Array(65_535).fill(2)))[0].score).toBeCloseTo(1, 6)
  })
})
