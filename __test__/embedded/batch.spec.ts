// Many searches in one call.
import fc from 'fast-check'
import type { SearchOptions, VectorizerClient } from '../..'
import { holding, things } from '../support/collections'
import { seeded, vector, whole } from '../support/random'

type Query = string | number[] | Float32Array

const oneByOne = async (client: VectorizerClient, queries: Query[], options?: SearchOptions) => {
  const found = []
  for (const query of queries) found.push(await client.search('things', query, options))
  return found
}

test('gives what the same queries give one by one, in their order', async () => {
  const client = await things(4)
  const random = seeded(41)
  const texts = Array.from({ length: 60 }, (_, i) => `text ${i} of ${i % 7}`)
  await client.batchInsertText(
    'things',
    texts,
    texts.map((_, n) => ({ n })),
  )
  await client.insertVectors(
    'things',
    Array.from({ length: 140 }, (_, n) => ({ data: vector(random, 4), metadata: { n } })),
  )
  const values = fc.array(fc.float({ min: -9, max: 9, noNaN: true }), { minLength: 4, maxLength: 4 })
  const row = values.filter((data) => data.some((value) => value !== 0))
  const query = fc.oneof(
    row,
    row.map((data) => Float32Array.from(data)),
    fc.constantFrom('text 3', 'seven', ''),
  )
  const options = fc.record(
    {
      limit: fc.integer({ min: 1, max: 250 }),
      filter: fc.integer({ min: 0, max: 150 }).map((n) => ({ n: { $lt: n } })),
      similarity_threshold: fc.double({ min: -1, max: 1, noNaN: true }),
      with_vector: fc.boolean(),
      include_metadata: fc.boolean(),
      ef_search: fc.integer({ min: 1, max: 4096 }),
    },
    { requiredKeys: [] },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(query, { maxLength: 20 }), options, async (queries, given) => {
      const found = await client.searchBatch('things', queries, given)
      expect(found).toStrictEqual(await oneByOne(client, queries, given))
    }),
    { seed: 4, numRuns: 150 },
  )
})

test('a thousand queries are answered in one call, also from one array and with vectors', async () => {
  const client = await things(8, 'euclidean')
  const random = seeded(42)
  const ids = Array.from({ length: 3000 }, (_, i) => `id ${i}`)
  await client.insertVectors('things', { ids, data: vector(random, 8 * ids.length) })
  await client.optimize('things')
  const data = vector(random, 8000)
  const rows = Array.from({ length: 1000 }, (_, i) => data.slice(8 * i, 8 * i + 8))
  const options = { limit: 7, with_vector: true }
  const found = await client.searchBatch('things', rows, options)

  expect(found).toStrictEqual(await oneByOne(client, rows, options))
  expect(await client.searchBatch('things', data, options)).toStrictEqual(found)
})

test('lists of any length are told apart', async () => {
  const ids = Array.from({ length: 2500 }, (_, i) => `id ${i}`)
  const client = await holding(...ids)
  const found = await client.searchBatch('things', ['', [1, 0], ''], { limit: 2500 })
  expect(found.map((list) => list.length)).toStrictEqual([2500, 2500, 2500])
  expect(found[2].map(({ id }) => id)).toStrictEqual(ids)
})

test('a vector is in the results of no query that begins after its delete', async () => {
  const client = await things(8)
  const random = seeded(43)
  const ids = Array.from({ length: 1500 }, (_, i) => `id ${i}`)
  await client.insertVectors('things', { ids, data: vector(random, 8 * ids.length) })
  const queries = vector(random, 8 * 300)
  const gone = new Set<string>()
  let busy = true
  const deleting = (async () => {
    while (busy && gone.size < 1000) {
      const some = Array.from({ length: 10 }, () => ids[whole(random, ids.length)]).filter(
        (id, i, all) => !gone.has(id) && all.indexOf(id) === i,
      )
      await client.batchDelete('things', some)
      for (const id of some) gone.add(id)
    }
  })()
  for (let round = 0; round < 10; round++) {
    const before = new Set(gone)
    const found = (await client.searchBatch('things', queries)).flat()
    expect(found).toHaveLength(3000)
    expect(found.filter(({ id }) => before.has(id))).toStrictEqual([])
  }
  busy = false
  await deleting
})
