import { ClientClosedError, VectorizerClient, VectorNotFoundError } from '../..'
import { everything, idsOf, client as opened, things } from '../support/collections'
import { seeded, shuffled, vector, whole } from '../support/random'

const DIMENSION = 64

/** A batch large enough to be inserted on another thread. */
function group(name: string, round: number, size = 500) {
  const ids = Array.from({ length: size }, (_, i) => `${name} ${i}`)
  const data = new Float32Array(size * DIMENSION).fill(round + 1)
  return { ids, data, metadata: ids.map(() => ({ name, round })) }
}

test('interleaved calls on different ids leave exactly what each of them did', async () => {
  const client = await things(4)
  const model = new Map<string, number>()
  const life = async (id: string, seed: number) => {
    const random = seeded(seed)
    for (let step = 0; step < 25; step++) {
      const dice = random()
      const known = model.has(id)
      if (dice < 0.3) {
        await client.insertVectors('things', [{ id, data: vector(random, 4), metadata: { step } }])
        model.set(id, step)
      } else if (dice < 0.5 && known) {
        await client.updateVector('things', id, { metadata: { step } })
        model.set(id, step)
      } else if (dice < 0.6 && known) {
        await client.deleteVector('things', id)
        model.delete(id)
      } else if (dice < 0.7) {
        const { deleted } = await client.batchDelete('things', [id, 'nobody'])
        expect(deleted).toBe(known ? 1 : 0)
        model.delete(id)
      } else if (dice < 0.8) {
        const { deleted } = await client.deleteByFilter('things', { id })
        expect(deleted).toBe(0)
      } else {
        const found = await client.search('things', vector(random, 4), { limit: 5 })
        expect(new Set(found.map((one) => one.id)).size).toBe(found.length)
      }
      if (model.has(id)) {
        expect((await client.getVector('things', id)).metadata).toStrictEqual({ step: model.get(id) })
      } else {
        await expect(client.getVector('things', id)).rejects.toBeInstanceOf(VectorNotFoundError)
      }
    }
  }
  await Promise.all(Array.from({ length: 200 }, (_, i) => life(`id ${i}`, i)))

  const all = await client.search('things', '', { limit: 1000 })
  expect(new Map(all.map(({ id, metadata }) => [id, metadata?.step]))).toStrictEqual(model)
  expect(await client.count('things')).toBe(model.size)
})

test('calls on one id at the same time end in what one of them did', async () => {
  const client = await things(2)
  const random = seeded(32)
  for (let round = 0; round < 100; round++) {
    const id = 'contended'
    await client.insertVectors('things', [{ id, data: [1, 1], metadata: { by: -1 } }])
    const calls = shuffled(random, [
      ...Array.from(
        { length: 5 },
        (_, by) => () => client.insertVectors('things', [{ id, data: [1, by], metadata: { by } }]),
      ),
      () => client.deleteVector('things', id),
      () => client.batchDelete('things', [id]),
      () => client.search('things', [1, 1]),
    ])
    await Promise.allSettled(calls.map((call) => call()))

    const { vectors, total } = await client.listVectors('things')
    expect(vectors).toHaveLength(total)
    expect(total).toBeLessThanOrEqual(1)
    for (const { data, metadata } of vectors) {
      const by = metadata?.by as number
      expect(data).toStrictEqual(Float32Array.of(1, by === -1 ? 1 : by))
    }
  }
})

test('of many deletes of one id at the same time exactly one succeeds', async () => {
  const client = await things(2)
  for (let round = 0; round < 20; round++) {
    await client.insertVectors('things', [{ id: 'a', data: [1, 1] }])
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, () => client.deleteVector('things', 'a')),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  }
  await client.insertVectors('things', [{ id: 'a', data: [1, 1], metadata: { n: 1 } }])
  const reports = await Promise.all(
    Array.from({ length: 20 }, () => client.deleteByFilter('things', { n: 1 })),
  )
  expect(reports.map(({ deleted }) => deleted).sort()).toStrictEqual([...Array(19).fill(0), 1])
})

test('of many creations of one collection at the same time exactly one succeeds', async () => {
  const client = opened()
  const outcomes = await Promise.allSettled(
    Array.from({ length: 20 }, () => client.createCollection('things', { dimension: 2 })),
  )
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
})

test('an insert of many is all there or not at all, to lists, counts and searches beside it', async () => {
  const client = await things(DIMENSION)
  let writing = true
  const writer = async () => {
    for (let round = 0; round < 15; round++) {
      await client.insertVectors('things', group('a', round))
      await client.insertVectors('things', group('b', round))
      const { ids } = group('b', round)
      const report = await client.batchDelete('things', ids)
      expect(report.deleted).toBe(500)
    }
    writing = false
  }
  const torn: string[] = []
  const reader = async () => {
    while (writing) {
      const [count, page, found] = await Promise.all([
        client.count('things'),
        client.listVectors('things', 0, 1000),
        client.search('things', '', { limit: 1000 }),
      ])
      if (count % 500 !== 0) torn.push(`count of ${count}`)
      for (const seen of [page.vectors, found]) {
        const rounds = new Set(seen.map(({ metadata }) => `${metadata?.name} ${metadata?.round}`))
        if (seen.length % 500 !== 0) torn.push(`list of ${seen.length}`)
        if (rounds.size !== seen.length / 500) torn.push([...rounds].join())
      }
      const mixed = page.vectors.find(({ data, metadata }) => data[63] !== (metadata?.round as number) + 1)
      if (mixed !== undefined) torn.push(`data of another round: ${mixed.id}`)
    }
  }
  await Promise.all([writer(), reader(), reader()])
  expect(torn).toStrictEqual([])
  expect(await client.count('things')).toBe(500)
})

test('a delete by filter is all done or not at all, to counts beside it', async () => {
  const client = await things(DIMENSION)
  const seen = new Set<number>()
  for (let round = 0; round < 10; round++) {
    await client.insertVectors('things', group('a', round))
    const counts: Promise<number>[] = []
    const deleting = client.deleteByFilter('things', { round })
    for (let i = 0; i < 20; i++) counts.push(client.count('things'))
    expect((await deleting).deleted).toBe(500)
    for (const count of await Promise.all(counts)) seen.add(count)
  }
  expect([...seen].filter((count) => count !== 0 && count !== 500)).toStrictEqual([])
  expect(await idsOf(client)).toStrictEqual([])
})

test('thousands of calls at once are all answered', async () => {
  const client = await things(8)
  const random = seeded(33)
  const calls = Array.from({ length: 6000 }, (_, i): Promise<unknown> => {
    const id = `id ${whole(random, 500)}`
    const kind = i % 6
    if (kind < 2) return client.insertVectors('things', [{ id, data: vector(random, 8) }])
    if (kind === 2) return client.search('things', vector(random, 8))
    if (kind === 3) return client.batchDelete('things', [id, `id ${whole(random, 500)}`])
    if (kind === 4) return client.insertText('things', `text ${i}`, { i })
    return client.listVectors('things', 0, 3)
  })
  await Promise.all(calls)

  const all = await client.search('things', '', { limit: 10_000 })
  expect(all.filter(({ text }) => text !== undefined)).toHaveLength(1000)
  expect(all).toHaveLength(await client.count('things'))
  expect(new Set(all.map(({ id }) => id)).size).toBe(all.length)
})

describe('closing while calls are under way', () => {
  const begin = (client: VectorizerClient): Promise<unknown>[] => [
    ...Array.from({ length: 20 }, (_, i) => client.insertVectors('things', group(`${i}`, i, 300))),
    ...Array.from({ length: 20 }, () => client.search('things', new Float32Array(DIMENSION).fill(1))),
    ...Array.from({ length: 20 }, (_, i) => client.batchDelete('things', group(`${i}`, i, 300).ids)),
    client.optimize('things'),
    client.deleteByFilter('things', { round: 3 }),
    client.listVectors('things', 0, 10_000),
  ]

  test('settles every promise: resolved, or ClientClosedError', async () => {
    for (let round = 0; round < 5; round++) {
      const client = new VectorizerClient()
      await client.createCollection('things', { dimension: DIMENSION })
      await client.insertVectors('things', group('first', 0, 2000))
      const calls = begin(client)
      const closing = client.close()
      const outcomes = await Promise.allSettled(calls)
      await closing

      const failures = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
      expect(failures.filter((reason) => !(reason instanceof ClientClosedError))).toStrictEqual([])
    }
  })

  test('refuses calls from the moment that close is called', async () => {
    const taken: number[] = []
    for (let round = 0; round < 50; round++) {
      const client = new VectorizerClient()
      await client.createCollection('things', { dimension: 2 })
      const closing = client.close()
      await client.count('things').then(
        (count) => taken.push(count),
        () => {},
      )
      await closing
    }
    expect(taken).toStrictEqual([])
  })

  test('does not end the calls of another client of the same store', async () => {
    const shared = 'concurrency.spec closing'
    const [one, other] = [opened({ shared }), opened({ shared })]
    await one.createCollection('things', { dimension: DIMENSION })
    const calls = begin(other)
    await one.close()
    await Promise.all(calls)
    await other.insertVectors('things', group('last', 1))
    expect((await everything(other))[0].page.vectors.at(-1)?.id).toBe('last 499')
  })
})

test('a collection deleted under calls settles them, and they do not bring it back', async () => {
  const client = await things(DIMENSION)
  const calls = Array.from({ length: 20 }, (_, i) => client.insertVectors('things', group(`${i}`, i)))
  const deleting = client.deleteCollection('things')
  const outcomes = await Promise.allSettled(calls)
  await deleting

  for (const one of outcomes) {
    if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'COLLECTION_NOT_FOUND' })
  }
  expect(await client.listCollections()).toStrictEqual([])
})
