import fc from 'fast-check'
import { type Filter, UnsupportedError, type Vectorizer } from '../..'
import { everything } from '../support/collections'
import { documents, meanings } from '../support/documents'
import { asClauses, asOperators, matches, wideMetadata, wideTree } from '../support/filtering'
import { nested, refused } from '../support/refusals'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'
import { type Engine, engines } from './engines'

/** A client with the documents in the collection `things`. */
async function documented(engine: Engine) {
  const client = await engine.things()
  const rows = Object.entries(documents).map(([id, one], i) => ({ id, data: [1, i], metadata: one }))
  await client.insertVectors('things', rows)
  return client
}

/** What each call that takes a filter says it matches. */
async function matched(engine: Engine, client: Vectorizer, filter: Filter) {
  const listed = await client.search('things', '', { filter, limit: 1000 })
  const ranked = await client.search('things', [1, 1], { filter, limit: 1000 })
  const dry = await client.deleteByFilter('things', filter, { dryRun: true })
  return {
    listed: engine.arranged(listed.map(({ id }) => id)),
    ranked: ranked.map(({ id }) => id).sort(),
    dry: engine.arranged(dry.results.map(({ id }) => id)),
    count: await client.count('things', filter),
  }
}

/** The other calls that take a filter, and what comes behind the collection. */
const asking = (filter: unknown): Record<string, unknown[]> => ({
  count: [filter],
  search: ['', { filter }],
  searchVectors: [{ query_vector: [1, 1], filter }],
  searchText: [{ query: 'a', filter }],
  searchBatch: [[[1, 1]], { filter }],
})

describe.each(engines)('filters of the client that is %s', (_, ready) => {
  const engine = ready()

  test.each(meanings)('%s', async (_, filter, expected) => {
    const client = await documented(engine)
    const ids = engine.arranged(expected.split(' ').filter(Boolean))
    const { listed, ranked, dry, count } = await matched(engine, client, filter)

    expect(listed).toStrictEqual(ids)
    expect(ranked).toStrictEqual([...ids].sort())
    expect(dry).toStrictEqual(ids)
    expect(count).toBe(ids.length)
    expect((await client.deleteByFilter('things', filter)).deleted).toBe(ids.length)
    const others = Object.keys(documents).filter((id) => !ids.includes(id))
    expect(await engine.idsOf(client)).toStrictEqual(engine.arranged(others))
  })

  test('filters that are not understood are refused by their path, by every call', async () => {
    const client = await documented(engine)
    const before = await everything(client)
    for (const [what, filter, path] of refused) {
      const error = await rejection(untyped(client).deleteByFilter('things', filter))
      expect([what, error.name]).toStrictEqual([what, 'ValidationError'])
      expect(error.message).toContain(path)
      expect(error.message.length).toBeLessThan(1000)
      for (const [name, args] of Object.entries(asking(filter))) {
        const other = await rejection(untyped(client)[name]('things', ...args))
        expect([what, name, other.name]).toStrictEqual([what, name, 'ValidationError'])
      }
    }
    expect(await everything(client)).toStrictEqual(before)
  })

  test('nesting of 60 is understood', async () => {
    const client = await documented(engine)
    expect(await client.count('things', nested(60))).toBe(4)
    expect(await client.count('things', nested(59))).toBe(1)
  })

  test('a filter sees metadata as it is after updates and deletes', async () => {
    const client = await documented(engine)
    expect(await client.count('things', { n: { $gte: 1 } })).toBe(3)
    await client.updateVector('things', 'one', { metadata: { n: -1 } })
    await client.insertVectors('things', [{ id: 'two', data: [1, 1] }])
    await client.deleteVector('things', 'three')
    await client.insertVectors('things', [{ id: 'five', data: [1, 1], metadata: { n: 5 } }])

    expect((await matched(engine, client, { n: { $gte: 1 } })).listed).toStrictEqual(['five'])
    expect(await client.count('things', { n: -1 })).toBe(1)
    expect(await client.count('things', { n: { $exists: false } })).toBe(2)
  })

  test('the same condition in three forms matches the same', async () => {
    const client = await documented(engine)
    const forms: Filter[][] = [
      [{ s: 'apple' }, { s: { $eq: 'apple' } }, { must: [{ key: 's', match: { value: 'apple' } }] }],
      [{ n: [1, 2] }, { n: { $in: [1, 2] } }, { must: [{ key: 'n', match: { any: [1, 2] } }] }],
      [
        { n: 1, s: 'apple' },
        { $and: [{ n: 1 }, { s: 'apple' }] },
        {
          must: [
            { key: 'n', match: { value: 1 } },
            { key: 's', match: { value: 'apple' } },
          ],
        },
      ],
    ]
    for (const same of forms) {
      const found = await Promise.all(same.map((filter) => client.search('things', '', { filter })))
      expect(found[0].length).toBeGreaterThan(0)
      expect(found[1]).toStrictEqual(found[0])
      expect(found[2]).toStrictEqual(found[0])
    }
  })

  test('a field may have any name that is no operator', async () => {
    const client = await engine.things()
    const names = ['key', 'filter', '__proto__', 'constructor', 'a b', 'é']
    for (const [i, name] of names.entries()) {
      const own = JSON.parse(JSON.stringify({ [name]: 'here', i }))
      await client.insertVectors('things', [{ id: `${i}`, data: [1, i], metadata: own }])
    }
    for (const [i, name] of names.entries()) {
      const filter = JSON.parse(`{${JSON.stringify(name)}: "here"}`)
      expect((await client.search('things', '', { filter })).map(({ id }) => id)).toStrictEqual([`${i}`])
    }
  })

  test('what a filter compares with may be of any length, and hold any character', async () => {
    const client = await engine.things()
    const texts = ['"', '\\', "'", '\n', '\0', '%', '_', '{x}', 'é', '🦀', 'x'.repeat(10_000)]
    const rows = texts.map((own, i) => ({ id: `${i}`, data: [1, i], metadata: { own, list: [own, 'all'] } }))
    await client.insertVectors('things', rows)
    for (const [i, own] of texts.entries()) {
      expect((await matched(engine, client, { own })).listed).toStrictEqual([`${i}`])
      expect((await matched(engine, client, { list: { $in: [own, 'none'] } })).listed).toStrictEqual([`${i}`])
      expect(await client.count('things', { own: { $ne: own } })).toBe(texts.length - 1)
    }
    expect(await client.count('things', { list: 'all' })).toBe(texts.length)
  })

  test('integers beyond 2^53 are told apart, and are read as they are', async () => {
    const client = await engine.things()
    const edges = [2n ** 53n, 2n ** 53n + 1n, 2n ** 53n + 2n, 2n ** 63n, 2n ** 64n - 1n, -(2n ** 63n)]
    const rows = edges.map((n, i) => ({
      id: `${i}`,
      data: [1, i],
      metadata: { n, list: [n, 'é"\\', { deep: `${n}` }], near: Number(n) },
    }))
    await client.insertVectors('things', rows)
    for (const { id, metadata } of rows) {
      expect((await client.getVector('things', id)).metadata).toStrictEqual(metadata)
      expect((await matched(engine, client, { n: metadata.n })).listed).toStrictEqual([id])
      expect((await matched(engine, client, { list: { $in: [metadata.n, 1n] } })).listed).toStrictEqual([id])
      const others = engine.arranged(rows.map((row) => row.id).filter((other) => other !== id))
      expect((await matched(engine, client, { n: { $ne: metadata.n } })).listed).toStrictEqual(others)
      const above = rows.filter((row) => row.metadata.n > metadata.n).map((row) => row.id)
      const found = await matched(engine, client, { n: { $gt: metadata.n } })
      expect(found.listed).toStrictEqual(engine.arranged(above))
    }
    const [found] = await client.search('things', '', { limit: 1 })
    expect(found.metadata).toStrictEqual(rows[0].metadata)
    const updated = await client.updateVector('things', '1', { metadata: { n: 2n ** 60n + 1n } })
    expect(updated.metadata).toStrictEqual({ n: 2n ** 60n + 1n })
    expect((await client.deleteByFilter('things', { n: 2n ** 53n + 2n })).results).toStrictEqual([
      { id: '2', status: 'deleted' },
    ])
  })

  test('any filter matches what its words say, or is refused as what cannot be exact', async () => {
    const client = await engine.things()
    const [all] = fc.sample(fc.array(wideMetadata, { minLength: 60, maxLength: 60, size: 'max' }), {
      seed: 5,
      numRuns: 1,
    })
    const rows = all.map((one, i) => ({ id: `${i}`, data: [1, i], metadata: one }))
    await client.insertVectors('things', rows)
    const asked = { filters: 0, matching: 0, refused: 0 }
    const ask = async (filter: Filter, expected: string[]) => {
      asked.filters += 1
      const found = await matched(engine, client, filter).catch((error: unknown) => error)
      if (found instanceof UnsupportedError) {
        asked.refused += 1
        return
      }
      if (found instanceof Error) throw found
      if (expected.length > 0 && expected.length < rows.length) asked.matching += 1
      const { ranked, ...lists } = found as Awaited<ReturnType<typeof matched>>
      expect(lists).toStrictEqual({ listed: expected, dry: expected, count: expected.length })
      expect(ranked).toStrictEqual([...expected].sort())
    }
    await fc.assert(
      fc.asyncProperty(wideTree, async (tree) => {
        const of = rows.filter((row) => matches(tree, row.metadata, row.id))
        const expected = engine.arranged(of.map(({ id }) => id))
        await ask(asOperators(tree), expected)
        await ask(asClauses(tree), expected)
      }),
      { seed: 6, numRuns: 150 },
    )
    // Embedded, no filter is refused; elsewhere few are. Most tell some rows from others.
    expect(asked.refused).toBeLessThanOrEqual(engine.isEmbedded ? 0 : asked.filters / 4)
    expect(asked.matching).toBeGreaterThan(asked.filters / 4)
  })
})
