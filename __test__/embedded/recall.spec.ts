import { VectorizerClient } from '../..'
import { embeddings, generated } from '../support/embeddings'

const QUERIES = 100
const { dimension, rows, years } = embeddings()
const queries = rows.slice(-QUERIES)
const stored = rows.slice(0, -QUERIES)

/** The similarity of every stored row to every query. */
const similarity = queries.map((query) => {
  const all = new Float32Array(stored.length)
  for (const [i, row] of stored.entries()) {
    let sum = 0
    for (let k = 0; k < dimension; k++) sum += (query[k] as number) * (row[k] as number)
    all[i] = sum
  }
  return all
})

const live = new Set(stored.keys())
const name = (i: number) => `v${i}`
const client = new VectorizerClient()

/** The live rows most similar to a query, by looking at all of them. */
function nearest(query: number, limit: number): string[] {
  const scores = similarity[query] as Float32Array
  return [...live]
    .sort((a, b) => (scores[b] as number) - (scores[a] as number))
    .slice(0, limit)
    .map(name)
}

/** Recall at 10 over all queries, and what must hold for every single result. */
async function recall(): Promise<number> {
  let hits = 0
  let wanted = 0
  for (const [i, query] of queries.entries()) {
    const found = (await client.search('real', query)).map(({ id }) => id)
    const deleted = found.filter((id) => !live.has(Number(id.slice(1))))
    const expected = nearest(i, 10)
    expect(deleted).toEqual([])
    expect(new Set(found).size).toBe(Math.min(10, live.size))
    hits += expected.filter((id) => found.includes(id)).length
    wanted += expected.length
  }
  return hits / wanted
}

function forget(ids: string[]): void {
  for (const id of ids) live.delete(Number(id.slice(1)))
}

/** Every `step`th of the live rows. */
const some = (step: number, from = 0) => [...live].filter((_, i) => (i + from) % step === 0).map(name)

beforeAll(async () => {
  await client.createCollection('real', { dimension })
  for (let at = 0; at < stored.length; at += 500) {
    const part = stored.slice(at, at + 500)
    await client.insertVectors(
      'real',
      part.map((data, i) => ({ id: name(at + i), data, metadata: { year: years[at + i] } })),
    )
  }
  await client.optimize('real')
}, 300_000)
afterAll(() => client.close())

test('recall holds, results are full and nothing deleted is found, whatever is deleted and how', async () => {
  expect(await recall()).toBeGreaterThanOrEqual(0.95)

  for (const id of some(80)) {
    await client.deleteVector('real', id)
    forget([id])
  }
  expect((await client.batchDelete('real', some(4))).failed).toBe(0)
  forget(some(4))
  const old = { year: { $lt: 2018 } }
  const { results, deleted } = await client.deleteByFilter('real', old)
  expect(deleted).toBe(results.length)
  forget(results.map(({ id }) => id))
  expect(await client.count('real')).toBe(live.size)
  expect(await recall()).toBeGreaterThanOrEqual(0.95)

  // Everything around some of the queries, many times deeper than a search looks.
  const around = [...new Set([0, 20, 40, 60, 80].flatMap((query) => nearest(query, 1500)))]
  await client.batchDelete('real', around)
  forget(around)
  expect(await recall()).toBeGreaterThanOrEqual(0.95)

  const most = Math.floor(live.size / 10)
  while (live.size > most) {
    const half = some(2)
    await client.batchDelete('real', half)
    forget(half)
    expect(await recall()).toBeGreaterThanOrEqual(0.95)
  }

  const hundredth = [...live].slice(Math.floor(stored.length / 100)).map(name)
  await client.batchDelete('real', hundredth)
  forget(hundredth)
  expect(await recall()).toBe(1)

  await client.optimize('real')
  expect(await recall()).toBe(1)
}, 300_000)

test('the generated embeddings that stand in for real ones are unit vectors of the same shape', () => {
  const { rows } = generated(50, dimension)
  expect(rows.map((row) => row.length)).toEqual(Array(50).fill(dimension))
  for (const row of rows) expect(Math.hypot(...row)).toBeCloseTo(1, 4)
})
