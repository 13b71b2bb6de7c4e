// Collections large enough for a graph. Scores and order are exact at any size; what a graph
// may miss is bounded here by recall against brute force.
import type { SearchOptions, VectorizerClient } from '../..'
import { idsOf, client as opened } from '../support/collections'
import { clustered, projected, type Random, seeded, shuffled, whole } from '../support/random'
import { Recall, type Row, ranked } from '../support/ranking'

// Graphs are built at a lower priority than other work, which takes long on a busy machine.
jest.setTimeout(300_000)

const DIMENSION = 32
const CLUSTERS = 20
const COUNT = 4000

async function load(client: VectorizerClient, rows: Row[], dimension = DIMENSION) {
  const data = new Float32Array(rows.length * dimension)
  for (const [i, row] of rows.entries()) data.set(row.data, i * dimension)
  return client.insertVectors('things', { ids: rows.map(({ id }) => id), data })
}

function made(random: Random, count = COUNT): Row[] {
  return clustered(random, count, DIMENSION, CLUSTERS).map((data, i) => ({ id: `id ${i}`, data }))
}

/** Searches for vectors near to rows, and checks each result but for what was missed. */
async function recall(
  client: VectorizerClient,
  random: Random,
  live: Row[],
  queries: Row[],
  limit = 10,
  options: SearchOptions = {},
) {
  const recalled = new Recall()
  const alive = new Set(live.map(({ id }) => id))
  for (const { data } of queries) {
    const query = Float32Array.from(data, (value) => value + 0.1 * (random() - 0.5))
    const best = ranked('cosine', query, live).slice(0, limit)
    const found = await client.search('things', query, { limit, ...options })

    expect(found.filter(({ id }) => !alive.has(id))).toStrictEqual([])
    expect(new Set(found.map(({ id }) => id)).size).toBe(Math.min(limit, live.length))
    const scores = found.map(({ score }) => score)
    expect(scores).toStrictEqual([...scores].sort((a, b) => b - a))
    recalled.add(best, found)
  }
  return recalled.share
}

const some = (random: Random, rows: Row[], count: number) =>
  Array.from({ length: count }, () => rows[whole(random, rows.length)])

test('after optimize all vectors are in the graph, which finds at least 95 % of the nearest', async () => {
  const random = seeded(21)
  const client = opened()
  await client.createCollection('things', { dimension: DIMENSION })
  const rows = made(random)
  await load(client, rows)
  await client.optimize('things')

  const { index } = await client.getCollectionInfo('things')
  expect(index).toStrictEqual({ indexed: COUNT, pending: 0, deleted: 0 })
  expect(await recall(client, random, rows, some(random, rows, 40))).toBeGreaterThanOrEqual(0.95)
  expect(await recall(client, random, rows, some(random, rows, 3), 1000)).toBeGreaterThanOrEqual(0.95)
  expect(await client.search('things', rows[0].data as Float32Array, { limit: COUNT })).toHaveLength(COUNT)
})

test('a collection tells how many are live, indexed, pending and deleted, and what they take', async () => {
  const random = seeded(44)
  const client = opened()
  await client.createCollection('things', { dimension: DIMENSION })
  const info = () => client.getCollectionInfo('things')
  const empty = (await info()).size_bytes
  const rows = made(random)
  await load(client, rows)
  await client.optimize('things')
  const full = await info()
  expect(full).toMatchObject({ vector_count: COUNT, index: { indexed: COUNT, pending: 0, deleted: 0 } })
  expect(full.size_bytes - empty).toBeGreaterThan(COUNT * DIMENSION * 4)

  let changed = full
  let [gone, left] = [0, COUNT]
  // So few that the background leaves the graph as it is for a second. If that has passed, more are changed.
  while (changed.index.deleted === 0) {
    await client.optimize('things')
    const ids = rows.slice(gone, gone + 150).map(({ id }) => id)
    const added = made(random, 100).map((row) => ({ ...row, id: `after ${gone}: ${row.id}` }))
    await client.batchDelete('things', ids)
    await load(client, added)
    gone += ids.length
    left += added.length - ids.length
    changed = await info()
  }
  const index = { indexed: left - 100, pending: 100, deleted: 150 }
  expect(changed).toMatchObject({ vector_count: left, index })

  await client.optimize('things')
  expect(await info()).toMatchObject({
    vector_count: left,
    index: { indexed: left, pending: 0, deleted: 0 },
  })
})

/** Rows of few degrees of freedom among so many values that a walk costs less than a scan. */
function walked(random: Random, clusters: number, dimension: number): Row[] {
  const latent = clustered(random, 9000, 12, clusters)
  return projected(random, latent, dimension).map((data, i) => ({ id: `id ${i}`, data }))
}

test('a graph that is walked finds at least 95 % of the nearest, and no deleted one', async () => {
  const random = seeded(22)
  const client = opened()
  await client.createCollection('things', { dimension: 256, hnsw: { ef_search: 32 } })
  const rows = walked(random, 1, 256)
  await load(client, rows, 256)
  await client.optimize('things')
  expect(await recall(client, random, rows, some(random, rows, 40))).toBeGreaterThanOrEqual(0.95)

  // A search with an ef of its own: the widest is dearer than a scan, which is exact.
  const many = some(random, rows, 100)
  const wide = await recall(client, random, rows, many, 1, { ef_search: 4096 })
  expect(wide).toBe(1)
  expect(await recall(client, random, rows, many, 1, { ef_search: 1 })).toBeGreaterThan(0.5)

  // So few that the graph stays as it is, for a second.
  const gone = new Set(shuffled(random, rows).slice(0, 900))
  await client.batchDelete(
    'things',
    [...gone].map(({ id }) => id),
  )
  expect([900, 0]).toContain((await client.getCollectionInfo('things')).index.deleted)
  const live = rows.filter((row) => !gone.has(row))
  expect(await recall(client, random, live, some(random, live, 40))).toBeGreaterThanOrEqual(0.95)
  expect(await recall(client, random, live, some(random, [...gone], 40))).toBeGreaterThanOrEqual(0.95)
})

test('a graph that is walked finds its way between clusters far from each other', async () => {
  const random = seeded(30)
  const client = opened()
  await client.createCollection('things', { dimension: 768 })
  const rows = walked(random, 20, 768)
  await load(client, rows, 768)
  await client.optimize('things')
  expect(await recall(client, random, rows, some(random, rows, 40))).toBeGreaterThanOrEqual(0.95)

  // A search that is lost in another cluster does not even find the row that it asks for.
  let lost = 0
  for (const { id, data } of some(random, rows, 500)) {
    const found = await client.search('things', data as Float32Array)
    if (!found.some((one) => one.id === id)) lost += 1
  }
  expect(lost).toBeLessThanOrEqual(5)
})

test.each([50, 90, 99])(
  'after deleting %i %% at random the rest is found, without optimize',
  async (share) => {
    const random = seeded(share)
    const client = opened()
    await client.createCollection('things', { dimension: DIMENSION })
    const rows = shuffled(random, made(random))
    await load(client, rows)
    await client.optimize('things')
    const cut = (COUNT * share) / 100
    await client.batchDelete(
      'things',
      rows.slice(0, cut).map(({ id }) => id),
    )
    const live = rows.slice(cut)

    expect(await recall(client, random, live, some(random, rows, 40))).toBeGreaterThanOrEqual(0.95)
    await client.optimize('things')
    expect(await recall(client, random, live, some(random, rows, 20))).toBeGreaterThanOrEqual(0.95)
    const { index, vector_count } = await client.getCollectionInfo('things')
    expect(vector_count).toBe(live.length)
    expect(index.indexed + index.pending).toBe(live.length)
    expect(index.deleted).toBe(0)
  },
)

test('after deleting the whole cluster around the query the next ones are found', async () => {
  const random = seeded(23)
  const client = opened()
  await client.createCollection('things', { dimension: DIMENSION })
  const rows = made(random)
  await load(client, rows)
  await client.optimize('things')
  const cluster = rows.filter((_, i) => i % CLUSTERS === 7)
  await client.batchDelete(
    'things',
    cluster.map(({ id }) => id),
  )
  const live = rows.filter((_, i) => i % CLUSTERS !== 7)

  expect(await recall(client, random, live, some(random, cluster, 40))).toBeGreaterThanOrEqual(0.95)
})

test('a deleted vector is never returned while its neighbours are searched', async () => {
  const random = seeded(24)
  const client = opened()
  await client.createCollection('things', { dimension: DIMENSION })
  const rows = made(random, 3000)
  await load(client, rows)
  const gone = new Set<string>()
  const returned: string[] = []
  for (const { id, data } of shuffled(random, rows).slice(0, 300)) {
    // Searches under way may return it; those that begin after the delete may not.
    const during = client.search('things', data as Float32Array)
    await client.deleteVector('things', id)
    gone.add(id)
    const found = await client.search('things', data as Float32Array, { limit: 20 })
    returned.push(...found.map((one) => one.id).filter((one) => gone.has(one)))
    expect(found).toHaveLength(20)
    await during
  }
  expect(returned).toStrictEqual([])
})

test('inserts are found at once while the background builds', async () => {
  const random = seeded(25)
  const client = opened()
  await client.createCollection('things', { dimension: DIMENSION })
  const rows = made(random, 5000)
  const missed: string[] = []
  for (let at = 0; at < rows.length; at += 100) {
    await load(client, rows.slice(at, at + 100))
    for (const { id, data } of some(random, rows.slice(at, at + 100), 3)) {
      const [best] = await client.search('things', data as Float32Array, { limit: 1 })
      if (best.id !== id) missed.push(id)
    }
    const { index, vector_count } = await client.getCollectionInfo('things')
    expect(vector_count).toBe(at + 100)
    expect(index.indexed + index.pending).toBe(at + 100)
  }
  expect(missed).toStrictEqual([])
  expect(await idsOf(client)).toStrictEqual(rows.map(({ id }) => id))
})

test('a replaced vector is found where it is now, not where it was', async () => {
  const random = seeded(26)
  const client = opened()
  await client.createCollection('things', { dimension: DIMENSION })
  const rows = made(random, 3000)
  await load(client, rows)
  await client.optimize('things')
  const moved = some(random, rows, 50)
  for (const { id, data } of moved) {
    const opposite = Float32Array.from(data, (value) => -value)
    await client.insertVectors('things', [{ id, data: opposite }])
    expect((await client.search('things', opposite, { limit: 1 }))[0].id).toBe(id)
    const found = await client.search('things', data as Float32Array, { limit: 20 })
    expect(found.map((one) => one.id)).not.toContain(id)
  }
  expect(await client.count('things')).toBe(3000)
})

test('a collection that was emptied is as good as a new one', async () => {
  const random = seeded(27)
  const client = opened()
  await client.createCollection('things', { dimension: DIMENSION })
  const rows = made(random, 3000)
  for (let round = 0; round < 2; round++) {
    await load(client, rows)
    await client.optimize('things')
    expect(await recall(client, random, rows, some(random, rows, 10))).toBeGreaterThanOrEqual(0.95)
    await client.batchDelete(
      'things',
      rows.map(({ id }) => id),
    )
    expect(await client.search('things', rows[0].data as Float32Array)).toStrictEqual([])
    await client.optimize('things')
    const { index } = await client.getCollectionInfo('things')
    expect(index).toStrictEqual({ indexed: 0, pending: 0, deleted: 0 })
  }
})

test.each(['euclidean', 'dot_product'] as const)('a graph by %s finds the nearest', async (metric) => {
  const random = seeded(28)
  const client = opened()
  await client.createCollection('things', { dimension: DIMENSION, metric })
  const rows = made(random, 3000)
  await load(client, rows)
  await client.optimize('things')
  const recalled = new Recall()
  for (const { data } of some(random, rows, 30)) {
    const best = ranked(metric, data, rows).slice(0, 10)
    recalled.add(best, await client.search('things', data as Float32Array))
  }
  expect(recalled.share).toBeGreaterThanOrEqual(0.95)
})

test('deleting a collection while its index is built ends the building', async () => {
  const random = seeded(29)
  const client = opened()
  await client.createCollection('things', { dimension: DIMENSION })
  await load(client, made(random, 5000))
  const optimizing = client.optimize('things').catch((error: Error) => error)
  await client.deleteCollection('things')

  await optimizing // settles, whichever was first
  expect(await client.listCollections()).toStrictEqual([])
  await client.createCollection('things', { dimension: DIMENSION })
  await client.optimize('things')
  expect(await client.count('things')).toBe(0)
})
