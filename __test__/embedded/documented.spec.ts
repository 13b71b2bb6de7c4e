// The calls of the documentation page "Deleting Vectors", as they are written there.
import * as module from '../..'
import { client as opened } from '../support/collections'

const DAY = 24 * 60 * 60 * 1000
const NOW = Date.UTC(2024, 5, 15, 12)
const daysAgo = (days: number) => new Date(NOW - days * DAY).toISOString()

/** The calls that the page uses, which a client and the module both have. */
type Calls = Pick<
  module.VectorizerClient,
  | 'createCollection'
  | 'insertVectors'
  | 'deleteVector'
  | 'batchDelete'
  | 'deleteByFilter'
  | 'search'
  | 'count'
  | 'listVectors'
>

describe.each<[string, () => Calls]>([
  ['a client', () => opened()],
  ['the module', () => module],
])('the documented calls of %s', (_, begin) => {
  let client: Calls

  beforeEach(async () => {
    client = begin()
    await client.createCollection('my_collection', { dimension: 4 })
    await client.insertVectors(
      'my_collection',
      Array.from({ length: 9 }, (_, i) => ({
        id: `vec_00${i + 1}`,
        data: [1, i, i * i, 1],
        metadata: {
          category: i % 3 === 0 ? 'old_docs' : 'docs',
          created_at: daysAgo(i * 10),
        },
      })),
    )
  })
  afterEach(() => module.close())

  const left = async () => (await client.listVectors('my_collection', 0, 100)).vectors.map(({ id }) => id)

  test('delete a single vector', async () => {
    await client.deleteVector('my_collection', 'vec_001')

    expect(await left()).toStrictEqual([2, 3, 4, 5, 6, 7, 8, 9].map((n) => `vec_00${n}`))
  })

  test('delete multiple vectors', async () => {
    const idsToDelete = ['vec_001', 'vec_002', 'vec_003']
    await client.batchDelete('my_collection', idsToDelete)

    expect(await left()).toStrictEqual([4, 5, 6, 7, 8, 9].map((n) => `vec_00${n}`))
  })

  test('delete by filter', async () => {
    await client.deleteByFilter('my_collection', { category: 'old_docs' })

    expect(await left()).toStrictEqual([2, 3, 5, 6, 8, 9].map((n) => `vec_00${n}`))
  })

  test('clean up old documents: search by age, then a batch delete', async () => {
    async function cleanupOldDocuments(collectionName: string, olderThanDays = 30) {
      const cutoff = daysAgo(olderThanDays)
      const results = await client.search(collectionName, '', {
        limit: 10000,
        filter: { created_at: { $lt: cutoff } },
      })
      const idsToDelete = results.map((r) => r.id)
      if (idsToDelete.length > 0) await client.batchDelete(collectionName, idsToDelete)
      return idsToDelete
    }

    expect(await cleanupOldDocuments('my_collection')).toStrictEqual([5, 6, 7, 8, 9].map((n) => `vec_00${n}`))
    expect(await left()).toStrictEqual([1, 2, 3, 4].map((n) => `vec_00${n}`))
    expect(await cleanupOldDocuments('my_collection')).toStrictEqual([])
  })

  test('delete by category', async () => {
    async function deleteByCategory(collectionName: string, category: string) {
      await client.deleteByFilter(collectionName, { category })
    }
    await deleteByCategory('my_collection', 'docs')

    expect(await left()).toStrictEqual([1, 4, 7].map((n) => `vec_00${n}`))
    expect(await client.count('my_collection', { category: 'docs' })).toBe(0)
  })

  test('verify before delete: a dry run tells what would be deleted', async () => {
    const seen = await client.deleteByFilter('my_collection', { category: 'old_docs' }, { dryRun: true })
    expect(await client.count('my_collection')).toBe(9)

    const done = await client.deleteByFilter('my_collection', { category: 'old_docs' })
    expect(done.results.map(({ id }) => id)).toStrictEqual(seen.results.map(({ id }) => id))
  })
})

test('the calls return promises that resolve with what the SDK documents', async () => {
  const client = opened()
  await client.createCollection({ name: 'my_collection', dimension: 2, similarity_metric: 'cosine' })
  await client.insertVectors('my_collection', [{ id: 'vec_001', data: [1, 0] }])

  const deleting = client.deleteVector('my_collection', 'vec_001')
  expect(deleting).toBeInstanceOf(Promise)
  expect(await deleting).toBeUndefined()
})
