// Moving collections from one client to another.
import { setTimeout as sleep } from 'node:timers/promises'
import * as vectorizer from '../..'
import {
  ClientClosedError,
  CollectionNotFoundError,
  DimensionMismatchError,
  type MigrationOptions,
  type MigrationProgress,
  type MigrationReport,
  migrate,
  PartialWriteError,
  type SearchResult,
  StorageError,
  UnsupportedError,
  ValidationError,
  type Vectorizer,
  VectorizerClient,
} from '../..'
import { everything, holding, client as opened, things } from '../support/collections'
import { store } from '../support/disk'
import {
  acting,
  contentsOf,
  expectToComplete,
  failing,
  recorded,
  vectorsOf,
  wrapped,
} from '../support/migration'
import { clustered, seeded, vector } from '../support/random'
import { rejection } from '../support/rejection'

const places = { 'in memory': () => opened(), 'on disk': () => store().client }
type Place = keyof typeof places
const ways: [Place, Place][] = [
  ['in memory', 'in memory'],
  ['in memory', 'on disk'],
  ['on disk', 'in memory'],
]

/** A time that no test will see. */
const LATER = Date.UTC(2100, 0, 1)

const letters = (count: number) => Array.from({ length: count }, (_, i) => String.fromCharCode(97 + i))

/** The error of a migration that is broken off. */
async function brokenOff(moving: Promise<unknown>) {
  const error = (await rejection(moving)) as PartialWriteError
  expect(error).toBeInstanceOf(PartialWriteError)
  return { error, report: error.report as MigrationReport, unknown: error.unknown }
}

const countsOf = ({ collections }: MigrationReport) =>
  collections.map(({ name, copied, unchanged, pruned }) => [name, copied, unchanged, pruned])

/** Returns when a write is seen by the time of the last one, which is told in milliseconds. */
async function later(client: Vectorizer) {
  const { updated_at } = await client.getCollectionInfo('things')
  while (Date.now() <= Date.parse(updated_at)) await sleep(1)
}

/** A source that does not say when it was last written to. */
const timeless = (client: Vectorizer) =>
  wrapped(client, async (call, next) => {
    const answer = await next()
    return call === 'getCollectionInfo' ? { ...(answer as object), updated_at: 'some time' } : answer
  })

describe.each(ways)('from %s to %s', (from, to) => {
  test('collections are the same in every part, and a second run writes nothing', async () => {
    const [source, target] = [places[from](), places[to]()]
    const hnsw = { m: 8, ef_construction: 50, ef_search: 33, builder: 'hnsw_rs' } as const
    await source.createCollection('a', { dimension: 2, metric: 'euclidean', hnsw })
    await source.createCollection('b ä', { dimension: 3, metric: 'dot_product' })
    await source.createCollection('empty', { dimension: 4 })
    const rows = [
      { id: 'zero', data: [0, -0] },
      { id: 'ä/"', data: [0.1, 1e-40], metadata: {} },
      { id: ' ', data: [1, 2], metadata: JSON.parse('{"__proto__":{"a":[1,null]},"b.c":1.5}'), text: 'ä\n"' },
      { id: 'text', data: [3e38, -1], text: 'a text' },
    ]
    await source.insertVectors('a', rows)
    await source.insertVectors('b ä', { ids: letters(20), data: new Float32Array(60).fill(1) })
    const before = await contentsOf(source)

    const report = await migrate(source, target, { batchSize: 3 })
    expect(report).toStrictEqual({
      collections: [
        { name: 'a', vectors: 4, copied: 4, unchanged: 0, pruned: 0, sampled: 4, agreement: 1 },
        { name: 'b ä', vectors: 20, copied: 20, unchanged: 0, pruned: 0, sampled: 20, agreement: 1 },
        { name: 'empty', vectors: 0, copied: 0, unchanged: 0, pruned: 0, sampled: 0, agreement: 1 },
      ],
      duration_ms: expect.any(Number),
    })
    expect(await contentsOf(target)).toStrictEqual(before)
    expect(await contentsOf(source)).toStrictEqual(before)

    const held = await everything(target)
    const [seen, calls] = recorded(target)
    expect(countsOf(await migrate(source, seen))).toStrictEqual([
      ['a', 0, 4, 0],
      ['b ä', 0, 20, 0],
      ['empty', 0, 0, 0],
    ])
    expect(await everything(target)).toStrictEqual(held)
    for (const call of ['createCollection', 'insertVectors', 'batchDelete', 'optimize', 'flush'])
      expect(calls).not.toContain(call)
  })

  test('wherever it is broken off, another run completes it and writes only what was missing', () =>
    expectToComplete(
      async () => [places[from](), places[to]()],
      async (clients) => {
        for (const client of clients) await client.close()
      },
      from === to ? 150 : 25,
    ))

  test('and back again, the contents are what they were', async () => {
    const [source, between, back] = [places[from](), places[to](), places[from]()]
    const random = seeded(3)
    await source.createCollection('things', { dimension: 8 })
    const rows = clustered(random, 300, 8, 4)
    await source.insertVectors(
      'things',
      rows.map((data, i) => ({
        id: `id ${i}`,
        data,
        metadata: { i },
        ...(i % 3 ? { text: `text ${i}` } : {}),
      })),
    )
    await migrate(source, between)
    await migrate(between, back)
    expect(await contentsOf(back)).toStrictEqual(await contentsOf(source))
  })
})

describe('what differs', () => {
  const changes = {
    values: { data: [2, 1] },
    'the length alone': { data: [2, 0] },
    'the sign of zero': { data: [1, -0] },
    metadata: { metadata: { place: 1 } },
    'a number in metadata that was a text': { metadata: { place: 0, name: 0 } },
    'the name of a key': { metadata: { place: 0, title: 'a' } },
    'metadata that are empty': { metadata: {} },
    'metadata that were not there': { metadata: undefined },
    'a text': { text: 'a text' },
    'an expiry': { expires_at: LATER },
  }

  test.each(Object.entries(changes))('in %s is written, and nothing else', async (_, change) => {
    const source = await holding('a', 'b', 'c')
    const target = opened()
    await migrate(source, target)
    const old = { id: 'a', data: [1, 0], metadata: { place: 0, name: 'a' } }
    await source.insertVectors('things', [{ ...old, ...change }])
    const written: unknown[] = []
    const watched = wrapped(target, (call, next, args) => {
      if (call === 'insertVectors') written.push(...(args[1] as { id: string }[]).map(({ id }) => id))
      return next()
    })
    expect(countsOf(await migrate(source, watched))).toStrictEqual([['things', 1, 2, 0]])
    expect(new Set(written)).toStrictEqual(new Set(['a']))
    expect(await contentsOf(target)).toStrictEqual(await contentsOf(source))
  })

  test.each([
    ['a list that was an object', '{"a":[]}', '{"a":{}}'],
    ['an object that was a list', '{"a":{}}', '{"a":[]}'],
    ['a key that every object has', '{"__proto__":{}}', '{"a":1}'],
    ['an object that was null', '{"a":{}}', '{"a":null}'],
    ['an order', '{"a":[1,2]}', '{"a":[2,1]}'],
  ])('in %s in the metadata is written', async (_, now, before) => {
    const [source, target] = [await things(), await things()]
    await source.insertVectors('things', [{ id: 'a', data: [1, 0], metadata: JSON.parse(now) }])
    await target.insertVectors('things', [{ id: 'a', data: [1, 0], metadata: JSON.parse(before) }])
    expect(countsOf(await migrate(source, target))).toStrictEqual([['things', 1, 0, 0]])
    expect(await contentsOf(target)).toStrictEqual(await contentsOf(source))
  })

  test('only in the order of keys does not differ', async () => {
    const [source, target] = [await things(), await things()]
    await source.insertVectors('things', [{ id: 'a', data: [1, 0], metadata: { a: 1, b: { c: 2, d: 3 } } }])
    await target.insertVectors('things', [{ id: 'a', data: [1, 0], metadata: { b: { d: 3, c: 2 }, a: 1 } }])
    expect(countsOf(await migrate(source, target))).toStrictEqual([['things', 0, 1, 0]])
  })

  test('only by what the target does to values is not written again', async () => {
    const source = await things(2)
    await source.insertVectors(
      'things',
      letters(10).map((id, i) => ({ id, data: [3, i + 1], metadata: { i } })),
    )
    const held = opened()
    const target = wrapped(held, async (call, next, args) => {
      if (call !== 'insertVectors') return next()
      const normalised = (args[1] as { data: Float32Array }[]).map(({ data, ...rest }) => ({
        ...rest,
        data: data.map((value) => value / Math.hypot(...data)),
      }))
      return held.insertVectors(args[0] as string, normalised)
    })
    const options = { batchSize: 4 }
    expect(countsOf(await migrate(source, target, options))).toStrictEqual([['things', 10, 0, 0]])
    // One is tried.
    expect(countsOf(await migrate(source, target, options))).toStrictEqual([['things', 1, 9, 0]])
    await source.updateVector('things', 'b', { metadata: {} })
    await source.updateVector('things', 'c', { data: [3, 3.1] })
    expect(countsOf(await migrate(source, target, options))).toStrictEqual([['things', 3, 7, 0]])
    expect((await held.getVector('things', 'b')).metadata).toStrictEqual({})
    // A target that keeps values as they are is given all that differ, however little.
    expect(countsOf(await migrate(source, held, options))).toStrictEqual([['things', 10, 0, 0]])
    expect(await contentsOf(held)).toStrictEqual(await contentsOf(source))
  })

  test('is not asked for where the target was empty', async () => {
    const [target, calls] = recorded(opened())
    const isLookUp = (call: string) => call === 'search'
    await migrate(await holding(...letters(9)), target, { batchSize: 2, sample: 0 })
    expect(calls.filter(isLookUp)).toStrictEqual([])
    await migrate(await holding(...letters(9)), target, { batchSize: 2, sample: 0 })
    expect(calls.filter(isLookUp)).toHaveLength(5)
  })
})

describe('vectors that expire', () => {
  const HOUR = 3600

  test('do so in the target when they do in the source, whose TTL is its own', async () => {
    const [source, target] = [await holding('a', 'b', 'c'), opened()]
    await source.setVectorExpiry('things', 'b', LATER)
    await source.setCollectionTtl('things', HOUR)
    await source.createCollection('empty', { dimension: 1 })
    await source.setCollectionTtl('empty', 1)
    const before = await contentsOf(source)
    await migrate(source, target)
    expect(await contentsOf(target)).toStrictEqual(before)

    const held = await everything(target)
    const [seen, calls] = recorded(target)
    expect(countsOf(await migrate(source, seen))).toStrictEqual([
      ['empty', 0, 0, 0],
      ['things', 0, 3, 0],
    ])
    expect(calls).not.toContain('setCollectionTtl')
    expect(await everything(target)).toStrictEqual(held)
  })

  test('and no longer do, or at another time, are written again', async () => {
    const [source, target] = [await holding('a', 'b', 'c'), opened()]
    for (const id of ['a', 'b', 'c']) await source.setVectorExpiry('things', id, LATER)
    await migrate(source, target)
    await source.setVectorExpiry('things', 'a', null)
    await source.setVectorExpiry('things', 'b', LATER + 1)
    expect(countsOf(await migrate(source, target))).toStrictEqual([['things', 2, 1, 0]])
    expect(await contentsOf(target)).toStrictEqual(await contentsOf(source))
  })

  test.each([
    ['empty', []],
    ['not empty', ['b']],
  ])('leave a target that is %s its own TTL, by which the others expire', async (_, ids) => {
    const [source, target] = [await holding('a', 'b'), await holding(...ids)]
    await source.setVectorExpiry('things', 'a', LATER)
    await target.setCollectionTtl('things', 2 * HOUR)
    await migrate(source, target, { prune: true })
    expect((await target.getCollectionInfo('things')).ttl_secs).toBe(2 * HOUR)
    const [a, b] = await vectorsOf(target, 'things')
    expect(a.expires_at).toBe(LATER)
    expect(b.expires_at).toBeLessThan(LATER)
    expect(countsOf(await migrate(source, target))).toStrictEqual([['things', 0, 2, 0]])
  })

  test('give no TTL to a target that holds something', async () => {
    const [source, target] = [await holding('a', 'b'), await holding('b')]
    await source.setCollectionTtl('things', HOUR)
    await migrate(source, target)
    expect((await target.getCollectionInfo('things')).ttl_secs).toBeNull()
    expect(await vectorsOf(target, 'things')).toStrictEqual(await vectorsOf(source, 'things'))
  })

  test.each([
    ['tells when it was written to', (client: Vectorizer) => client],
    ['does not', timeless],
  ])('while they are copied, from a source that %s, are in neither', async (_, of) => {
    const [held, target] = [await holding(...letters(9)), opened()]
    const at = Date.now() + 50
    for (const id of ['b', 'h']) await held.setVectorExpiry('things', id, at)
    const expired = async () => {
      while (Date.now() <= at) await sleep(1)
    }
    const source = acting(of(held), 'scanVectors', 2, expired)
    const { collections } = await migrate(source, target, { batchSize: 2 })
    expect(collections[0]).toMatchObject({ vectors: 7, copied: 7, pruned: 0 })
    expect(await contentsOf(target)).toStrictEqual(await contentsOf(held))
    expect(await target.count('things')).toBe(7)
  })

  test('are not moved to a target that cannot let them', async () => {
    const source = await holding('a')
    const cannot = new UnsupportedError('the engine does not offer expiry')
    const target = () => failing(opened(), cannot, 1, 'setCollectionTtl')
    await migrate(source, target())
    await source.setCollectionTtl('things', HOUR)
    const { error, unknown } = await brokenOff(migrate(source, target()))
    expect(error.cause).toBe(cannot)
    expect(unknown).toStrictEqual([])
  })
})

describe('which collections', () => {
  async function three() {
    const source = opened()
    for (const name of ['a', 'b', 'c']) {
      await source.createCollection(name, { dimension: 1 })
      await source.insertVectors(name, [{ id: name, data: [1] }])
    }
    return source
  }
  const namesOf = async (client: Vectorizer) => (await client.listCollections()).map(({ name }) => name)

  test('is for the caller to say, each once, or none', async () => {
    const [source, target] = [await three(), opened()]
    expect((await migrate(source, target, { collections: [] })).collections).toStrictEqual([])
    const { collections } = await migrate(source, target, { collections: ['c', 'a', 'c'] })
    expect(collections.map(({ name }) => name)).toStrictEqual(['c', 'a'])
    expect(await namesOf(target)).toStrictEqual(['a', 'c'])
  })

  test('one that the source does not have is refused before anything is written', async () => {
    const [source, target] = [await three(), opened()]
    const error = await rejection(migrate(source, target, { collections: ['a', 'nowhere'] }))
    expect(error).toBeInstanceOf(CollectionNotFoundError)
    expect(error.message).toContain("'nowhere'")
    expect(await namesOf(target)).toStrictEqual([])
  })

  test.each([
    ['dimension', { dimension: 2 }, "2 dimensions and the metric 'cosine' in the target"],
    ['metric', { dimension: 1, metric: 'euclidean' as const }, "1 dimensions and the metric 'euclidean' in"],
  ])('one with another %s is refused before anything is written', async (_, settings, message) => {
    const [source, target] = [await three(), opened()]
    await target.createCollection('c', settings)
    const error = await rejection(migrate(source, target))
    expect(error).toBeInstanceOf(ValidationError)
    expect(error.message).toContain("collection 'c'")
    expect(error.message).toContain(message)
    expect(await namesOf(target)).toStrictEqual(['c'])
  })

  test('others of the target are left alone', async () => {
    const [source, target] = [await three(), opened()]
    await target.createCollection('d', { dimension: 1 })
    await target.insertVectors('d', [{ id: 'd', data: [1] }])
    await migrate(source, target, { prune: true })
    expect(await namesOf(target)).toStrictEqual(['a', 'b', 'c', 'd'])
    expect(await target.count('d')).toBe(1)
  })
})

describe('what the target holds beside', () => {
  async function beside() {
    const [source, target] = [await holding('a', 'b', 'c'), opened()]
    await source.createCollection('zebra', { dimension: 1 })
    await source.insertVectors('zebra', [{ id: 'z', data: [1] }])
    await target.createCollection('things', { dimension: 2 })
    await target.insertVectors(
      'things',
      ['p', 'q', 'b', 'r', 's'].map((id) => ({ id, data: [1, 1] })),
    )
    return { source, target }
  }

  test('rejects the call when everything else is copied, and nothing of it is deleted', async () => {
    const { source, target } = await beside()
    const error = await rejection(migrate(source, target, { batchSize: 2 }))
    expect(error).toBeInstanceOf(StorageError)
    expect(error.message).toBe(
      "collection 'things': the target holds 4 vectors that the source does not ('p', 'q', 'r', …): " +
        'prune: true deletes them',
    )
    expect((await vectorsOf(target, 'things')).map(({ id }) => id)).toStrictEqual([...'abcpqrs'])
    expect((await vectorsOf(target, 'things')).slice(0, 3)).toStrictEqual(await vectorsOf(source, 'things'))
    expect(await vectorsOf(target, 'zebra')).toStrictEqual(await vectorsOf(source, 'zebra'))
  })

  test('is deleted with prune', async () => {
    const { source, target } = await beside()
    expect(countsOf(await migrate(source, target, { batchSize: 2, prune: true }))).toStrictEqual([
      ['things', 3, 0, 4],
      ['zebra', 1, 0, 0],
    ])
    expect(await contentsOf(target)).toStrictEqual(await contentsOf(source))
  })

  test('is deleted with prune where the source is empty', async () => {
    const target = await holding('a', 'b')
    expect(countsOf(await migrate(await things(), target, { prune: true }))).toStrictEqual([
      ['things', 0, 0, 2],
    ])
    expect(await target.count('things')).toBe(0)
  })

  test('and was deleted from the source since the last run is found where the counts are equal', async () => {
    const [source, target] = [await holding('a', 'b', 'c'), opened()]
    await migrate(source, target)
    await source.deleteVector('things', 'b')
    await source.insertVectors('things', [{ id: 'd', data: [1, 9] }])
    await expect(migrate(source, target)).rejects.toThrow("1 vectors that the source does not ('b')")
    expect(countsOf(await migrate(source, target, { prune: true }))).toStrictEqual([['things', 0, 3, 1]])
    expect(await contentsOf(target)).toStrictEqual(await contentsOf(source))
  })
})

describe('a source that changes meanwhile', () => {
  const COUNT = 9
  const kinds = {
    'that tells when it was written to': (client: Vectorizer) => client,
    'that does not': timeless,
  }
  /** What is done before the second batch is read, and whether it is seen in counts and ids. */
  const changes: [string, (source: Vectorizer) => Promise<unknown>, boolean][] = [
    ['one that was copied is deleted', (source) => source.deleteVector('things', 'a'), true],
    ['one that was not read yet is deleted', (source) => source.deleteVector('things', 'h'), true],
    ['all are deleted', (source) => source.batchDelete('things', letters(COUNT)), true],
    ['one is inserted', (source) => source.insertVectors('things', [{ id: 'new', data: [2, 1] }]), true],
    [
      'one that was copied is deleted, and another inserted',
      async (source) => {
        await source.deleteVector('things', 'a')
        await source.insertVectors('things', [{ id: 'new', data: [2, 1] }])
      },
      true,
    ],
    [
      'one that was copied is deleted and inserted again, behind the others',
      async (source) => {
        await source.deleteVector('things', 'b')
        await source.insertVectors('things', [{ id: 'b', data: [2, 1], text: 'anew' }])
      },
      false,
    ],
    [
      'one that was copied is updated',
      (source) => source.updateVector('things', 'a', { data: [3, 3] }),
      false,
    ],
  ]
  const cases = Object.entries(kinds).flatMap(([kind, of]) =>
    changes.flatMap(([what, change, isSeen]) =>
      isSeen || kind !== 'that does not' ? [{ kind, of, what, change }] : [],
    ),
  )

  test.each(cases)('($kind): $what, and the target is like it in the end', async ({ of, change }) => {
    const [held, target] = [await holding(...letters(COUNT)), opened()]
    await later(held)
    const source = acting(of(held), 'scanVectors', 2, () => change(held))
    const { collections } = await migrate(source, target, { batchSize: 2 })
    expect(await contentsOf(target)).toStrictEqual(await contentsOf(held))
    const [{ vectors, copied, unchanged }] = collections
    expect([vectors, copied, unchanged]).toStrictEqual([await held.count('things'), vectors, 0])
  })

  test.each(cases)('($kind): $what, and a target with something in it is like it', async ({ of, change }) => {
    const [held, target] = [await holding(...letters(COUNT)), await holding('c', 'h', 'other')]
    await later(held)
    const source = acting(of(held), 'scanVectors', 2, () => change(held))
    await migrate(source, target, { batchSize: 2, prune: true })
    expect(await contentsOf(target)).toStrictEqual(await contentsOf(held))
  })

  test('what this run has copied, and is deleted from the source then, is deleted without prune', async () => {
    const [held, target] = [await holding(...letters(COUNT)), await holding('i')]
    const source = acting(held, 'scanVectors', 3, () => held.batchDelete('things', ['a', 'b', 'c']))
    // Of the others, one was there before: it has the values of the first.
    expect(countsOf(await migrate(source, target, { batchSize: 2 }))).toStrictEqual([['things', 6, 0, 3]])
    expect(await contentsOf(target)).toStrictEqual(await contentsOf(held))
  })

  test('what was there before, and is deleted from the source then, needs prune', async () => {
    const moving = async (prune: boolean) => {
      const [held, target] = [await holding(...letters(COUNT)), opened()]
      await migrate(held, target)
      const source = acting(held, 'scanVectors', 3, () => held.deleteVector('things', 'a'))
      return migrate(source, target, { batchSize: 2, prune })
    }
    await expect(moving(false)).rejects.toThrow("1 vectors that the source does not ('a'): prune: true")
    expect(countsOf(await moving(true))).toStrictEqual([['things', 0, COUNT - 1, 1]])
  })

  test.each(Object.entries(kinds))(
    '(%s): one that never rests is given up after three passes',
    async (_, of) => {
      const [held, target] = [await holding(...letters(COUNT)), opened()]
      let inserted = 0
      const source = wrapped(of(held), async (call, next) => {
        const answer = await next()
        if (call === 'scanVectors')
          await held.insertVectors('things', [{ id: `new ${inserted++}`, data: [1, 1] }])
        return answer
      })
      const seen: MigrationProgress[] = []
      const error = await rejection(
        migrate(source, target, { onProgress: (progress) => seen.push(progress) }),
      )
      expect(error).toBeInstanceOf(StorageError)
      expect(error.message).toBe(
        "collection 'things': the source has changed in each of 3 passes: stop what writes to it",
      )
      expect(seen.filter(({ phase, done }) => phase === 'copy' && done === 0)).toHaveLength(3)
      expect(seen.some(({ phase }) => phase === 'verify')).toBe(false)
    },
  )

  /** A source, and a target that records in `passes` which ids each pass writes to it. */
  function watched(source: Vectorizer, target: Vectorizer) {
    const passes: string[][] = []
    const read = wrapped(source, (call, next, args) => {
      if (call === 'scanVectors' && !('cursor' in (args[1] as object))) passes.push([])
      return next()
    })
    const written = wrapped(target, (call, next, args) => {
      if (call === 'insertVectors') passes.at(-1)?.push(...(args[1] as { id: string }[]).map(({ id }) => id))
      return next()
    })
    return { read, written, passes }
  }

  test.each([
    { kind: 'that tells when it was written to', count: 2 },
    { kind: 'that does not', count: 1 },
  ] as const)(
    '($kind): whatever is deleted while it is read, no other vector is missed in that pass',
    async ({ kind, count }) => {
      const [held, target] = [await holding(...letters(COUNT)), opened()]
      await later(held)
      // Before the second batch and the next two: all that were copied last, so that others move up.
      const gone = [['a', 'b'], ['c'], ['e', 'f']]
      const source = wrapped(kinds[kind](held), async (call, next, args) => {
        const isLater = call === 'scanVectors' && 'cursor' in (args[1] as object)
        const ids = isLater ? gone.shift() : undefined
        if (ids) await held.batchDelete('things', ids)
        return next()
      })
      const { read, written, passes } = watched(source, target)
      const { collections } = await migrate(read, written, { batchSize: 2 })
      expect(gone).toStrictEqual([])
      // The first pass writes all of them, and where another is made, it finds nothing to write.
      expect(passes).toStrictEqual([letters(COUNT), []].slice(0, count))
      expect(collections[0]).toMatchObject({ vectors: COUNT - 5, copied: COUNT - 5, pruned: 5 })
      expect(await contentsOf(target)).toStrictEqual(await contentsOf(held))
    },
  )

  test('and rests at last is read once more', async () => {
    const [held, target] = [await holding(...letters(COUNT)), opened()]
    await later(held)
    const insert = (id: string) => held.insertVectors('things', [{ id, data: [1, 1] }])
    const source = acting(
      acting(held, 'scanVectors', 2, () => insert('new')),
      'scanVectors',
      7,
      () => insert('newer'),
    )
    const { read, written, passes } = watched(source, target)
    await migrate(read, written, { batchSize: 2 })
    expect(await contentsOf(target)).toStrictEqual(await contentsOf(held))
    // What was inserted meanwhile is all that later passes write.
    expect(passes).toStrictEqual([letters(COUNT), ['new'], ['newer']])
  })
})

describe('a target that does not do what it should', () => {
  test('and loses a vector is found out', async () => {
    const held = opened()
    const target = wrapped(held, async (call, next, args) => {
      const answer = await next()
      if (call === 'insertVectors') await held.batchDelete(args[0] as string, ['b'])
      return answer
    })
    const error = await rejection(migrate(await holding('a', 'b', 'c'), target))
    expect(error).toBeInstanceOf(StorageError)
    expect(error.message).toBe("collection 'things': all 3 vectors were written, but the target holds 2")
  })

  /** A client that answers searches by vector with something else. */
  const answering = (client: Vectorizer, change: (found: SearchResult[]) => SearchResult[]) =>
    wrapped(client, async (call, next, args) => {
      const found = await next()
      return call === 'search' && args[1] !== '' ? change(found as SearchResult[]) : found
    })

  test.each<[string, (found: SearchResult[]) => SearchResult[], string]>([
    ['nothing', () => [], '0.000'],
    ['half', (found) => found.slice(0, 5), '0.500'],
    [
      'others',
      (found) => found.map((one) => ({ ...one, id: `not ${one.id}`, score: one.score - 1 })),
      '0.000',
    ],
  ])('and finds %s of what the source finds is found out', async (_, change, figure) => {
    const source = await holding(...letters(20))
    const error = await rejection(migrate(source, answering(opened(), change), { sample: 7 }))
    expect(error).toBeInstanceOf(StorageError)
    expect(error.message).toBe(
      `collection 'things': of what the source finds for 7 vectors, the target finds ${figure}, where 0.9 is the least`,
    )
  })

  test('and finds nine of ten is good enough, which the report tells', async () => {
    const source = await holding(...letters(20))
    const target = answering(opened(), (found) => found.slice(0, 9))
    const { collections } = await migrate(source, target)
    expect(collections[0].agreement).toBe(0.9)
  })

  test('and finds others of those that are equally good does well', async () => {
    const source = await things()
    await source.insertVectors('things', { ids: letters(26), data: new Float32Array(52).fill(1) })
    const target = opened()
    const others = wrapped(target, async (call, next, args) => {
      if (call !== 'search' || args[1] === '') return next()
      const all = await target.search('things', args[1] as Float32Array, { limit: 26 })
      return all.reverse().slice(0, 10)
    })
    const { collections } = await migrate(source, others)
    expect(collections[0].agreement).toBe(1)
  })
})

describe('the sample', () => {
  test.each([
    [undefined, 20, 3000],
    [7, 7, 3000],
    [1, 1, 3000],
    [0, 0, 3000],
    [50, 26, 26],
  ])('of %s is %s of the vectors, spread evenly', async (sample, sampled, count) => {
    const source = await things()
    const data = Float32Array.from({ length: 2 * count }, (_, i) => Math.cos(i))
    await source.insertVectors('things', { ids: Array.from({ length: count }, (_, i) => `${i}`), data })
    const searched: number[] = []
    const target = wrapped(opened(), (call, next, args) => {
      if (call === 'search' && args[1] !== '') searched.push(data.indexOf((args[1] as Float32Array)[0]) / 2)
      return next()
    })
    const { collections } = await migrate(source, target, { sample })
    expect(collections[0]).toMatchObject({ sampled, agreement: 1 })
    expect(searched).toStrictEqual(
      Array.from({ length: sampled }, (_, i) => Math.floor((i * count) / sampled)),
    )
  })

  test('is searched for so well that graphs which find little agree', async () => {
    const source = opened()
    await source.createCollection('things', {
      dimension: 32,
      hnsw: { m: 4, ef_construction: 8, ef_search: 1 },
    })
    const random = seeded(8)
    const ids = Array.from({ length: 5000 }, (_, i) => `${i}`)
    await source.insertVectors('things', { ids, data: vector(random, 32 * ids.length) })
    await source.optimize('things')
    const { collections } = await migrate(source, opened())
    expect(collections[0].agreement).toBeGreaterThanOrEqual(0.99)
  })

  test('is searched for in the index that the target has then, and all is made durable', async () => {
    const random = seeded(5)
    const source = await things(8)
    const rows = clustered(random, 1500, 8, 9)
    await source.insertVectors(
      'things',
      rows.map((data, i) => ({ id: `${i}`, data })),
    )
    const target = store().client
    const [seen, calls] = recorded(target)
    const { collections } = await migrate(source, seen)
    expect(collections[0].agreement).toBeGreaterThanOrEqual(0.9)
    expect((await target.getCollectionInfo('things')).index).toMatchObject({ indexed: 1500, pending: 0 })
    expect(calls.indexOf('optimize')).toBeLessThan(calls.indexOf('search'))
    expect(calls.at(-1)).toBe('flush')
  })
})

describe('broken off', () => {
  const reason = new StorageError('the disk is on fire')

  test('before anything is written, it rejects with the error as it is', async () => {
    const source = await holding('a')
    for (const call of ['listCollections', 'getCollectionInfo'])
      expect(await rejection(migrate(failing(source, reason, 1, call), opened()))).toBe(reason)
    expect(await rejection(migrate(source, failing(opened(), reason, 1, 'createCollection')))).toBe(reason)
    const like = await holding('a')
    for (const call of ['scanVectors', 'search'])
      expect(await rejection(migrate(failing(source, reason, 1, call), like))).toBe(reason)
    expect(await rejection(migrate(source, failing(like, reason, 1, 'count')))).toBe(reason)
  })

  test('in a write, it says how far it was, and of which ids it knows nothing', async () => {
    const source = await holding(...letters(9))
    await source.createCollection('before', { dimension: 1 })
    await source.insertVectors('before', [{ id: 'x', data: [1] }])
    const target = failing(opened(), reason, 4, 'insertVectors', true)
    const { error, report, unknown } = await brokenOff(migrate(source, target, { batchSize: 2 }))
    expect(error.message).toBe(
      "broken off in collection 'things', in phase 'copy' at 4 of 9: the disk is on fire. Called again, it goes on.",
    )
    expect(error.cause).toBe(reason)
    expect(unknown).toStrictEqual(['e', 'f'])
    expect(report).toStrictEqual({
      collections: [
        { name: 'before', vectors: 1, copied: 1, unchanged: 0, pruned: 0, sampled: 1, agreement: 1 },
        { name: 'things', vectors: 4, copied: 4, unchanged: 0, pruned: 0, sampled: 0, agreement: 1 },
      ],
      duration_ms: expect.any(Number),
    })
  })

  test('in a write that is itself broken off, it takes over what is known of that', async () => {
    const report = { inserted: 1, ids: ['d'] }
    const partial = Object.assign(new PartialWriteError('half of it'), { report, unknown: ['e'] })
    const target = failing(opened(), partial, 2, 'insertVectors')
    const broken = await brokenOff(migrate(await holding(...letters(9)), target, { batchSize: 3 }))
    expect(broken.unknown).toStrictEqual(['e'])
    expect(countsOf(broken.report)).toStrictEqual([['things', 4, 0, 0]])
  })

  test('in a delete, the same', async () => {
    const source = await holding('a')
    const target = await holding('a', 'b', 'c', 'd')
    const options = { batchSize: 2, prune: true }
    const lost = await brokenOff(migrate(source, failing(target, reason, 1, 'batchDelete'), options))
    expect(lost.unknown).toStrictEqual(['b', 'c'])
    expect(countsOf(lost.report)).toStrictEqual([['things', 0, 1, 0]])
    const report = { collection: 'things', count: 2, deleted: 1, failed: 1, results: [] }
    const partial = Object.assign(new PartialWriteError('half of it'), { report, unknown: ['c'] })
    const half = await brokenOff(migrate(source, failing(target, partial, 1, 'batchDelete'), options))
    expect(half.unknown).toStrictEqual(['c'])
    expect(countsOf(half.report)).toStrictEqual([['things', 0, 1, 1]])
  })

  test.each([
    new UnsupportedError('too large'),
    new ValidationError('not right'),
    new DimensionMismatchError('not as many'),
    new ClientClosedError('closed'),
  ])('by a refusal ($code), it knows that nothing was written', async (refusal) => {
    const target = failing(opened(), refusal, 2, 'insertVectors')
    const { error, report, unknown } = await brokenOff(
      migrate(await holding('a', 'b', 'c'), target, { batchSize: 2 }),
    )
    expect(error.cause).toBe(refusal)
    expect(unknown).toStrictEqual([])
    expect(countsOf(report)).toStrictEqual([['things', 2, 0, 0]])
  })

  test.each<[string, 'source' | 'target', string, number, string]>([
    ['while the source is read', 'source', 'scanVectors', 2, "in phase 'copy' at 2 of 5"],
    ['while the source is asked what is gone', 'source', 'search', 2, "in phase 'prune' at 2 of 5"],
    ['while the index is made', 'target', 'optimize', 1, "in phase 'prune' at 5 of 5"],
    ['while searches are compared', 'target', 'search', 3, "in phase 'verify' at 2 of 5"],
    ['while it is made durable', 'target', 'flush', 1, "in phase 'verify' at 5 of 5"],
    ['when a collection was made', 'target', 'count', 1, 'at its beginning'],
  ])('%s, nothing is unknown', async (_, side, call, n, where) => {
    const [source, target] = [await holding(...letters(5)), opened()]
    const broken = (client: Vectorizer) => failing(client, reason, n, call)
    const { error, unknown } = await brokenOff(
      migrate(side === 'source' ? broken(source) : source, side === 'target' ? broken(target) : target, {
        batchSize: 2,
      }),
    )
    expect(error.message).toContain(`in collection 'things', ${where}: the disk is on fire`)
    expect(unknown).toStrictEqual([])
    await migrate(source, target)
    expect(await contentsOf(target)).toStrictEqual(await contentsOf(source))
  })

  test.each(['source', 'target'] as const)(
    'because the %s is closed, it goes on with another',
    async (side) => {
      const kept = store()
      const source = await holding(...letters(9))
      const closed = side === 'target' ? kept.client : source
      let inserts = 0
      const target = wrapped(kept.client, async (call, next) => {
        if (call === 'insertVectors' && ++inserts === 3) await closed.close()
        return next()
      })
      const { error } = await brokenOff(migrate(source, target, { batchSize: 2 }))
      expect(error.cause).toBeInstanceOf(ClientClosedError)
      await kept.client.close()
      const again = opened({ path: kept.path })
      const others = await holding(...letters(9))
      const written = side === 'target' ? 4 : 6
      expect(countsOf(await migrate(others, again))).toStrictEqual([['things', 9 - written, written, 0]])
    },
  )

  test('by an error that is none of ours, it rejects with ours all the same', async () => {
    const foreign = new RangeError('foreign')
    const source = await holding('a')
    const early = await rejection(migrate(failing(source, foreign, 1), opened()))
    expect([early.message, early.cause]).toStrictEqual(['foreign', foreign])
    const { error } = await brokenOff(migrate(source, failing(opened(), foreign, 1, 'insertVectors')))
    expect(error.cause).toBe(foreign)
    const { error: strange } = await brokenOff(migrate(source, failing(opened(), null, 1, 'insertVectors')))
    expect(strange.message).toContain(': null. Called again')
  })
})

describe('a listener', () => {
  const phases = (seen: MigrationProgress[], collection: string) =>
    seen
      .filter((progress) => progress.collection === collection)
      .map(({ phase, done, total }) => `${phase} ${done}/${total}`)

  test('is told of the beginning and end of each phase, and of each portion', async () => {
    const source = await holding(...letters(5))
    await source.createCollection('empty', { dimension: 1 })
    const seen: MigrationProgress[] = []
    const options: MigrationOptions = {
      batchSize: 2,
      sample: 2,
      onProgress: (progress) => seen.push(progress),
    }
    const target = opened()
    const expected = ['copy', 'prune'].flatMap((phase) => [0, 2, 4, 5].map((done) => `${phase} ${done}/5`))
    for (let run = 0; run < 2; run++) {
      await migrate(source, target, options)
      expect(phases(seen, 'empty')).toStrictEqual(['copy 0/0', 'prune 0/0', 'verify 0/0'])
      expect(phases(seen.splice(0), 'things')).toStrictEqual([
        ...expected,
        'verify 0/2',
        'verify 1/2',
        'verify 2/2',
      ])
    }
  })

  test('is told of an end where vectors are deleted before it', async () => {
    const held = await holding(...letters(8))
    const source = acting(held, 'scanVectors', 2, () => held.batchDelete('things', [...'defgh']))
    const seen: MigrationProgress[] = []
    await migrate(source, opened(), { batchSize: 2, onProgress: (progress) => seen.push(progress) })
    expect(phases(seen.splice(0), 'things').slice(0, 3)).toStrictEqual(['copy 0/8', 'copy 2/8', 'copy 3/3'])
    await held.insertVectors(
      'things',
      [...'defgh'].map((id, i) => ({ id, data: [1, i] })),
    )
    const emptied = acting(held, 'scanVectors', 3, () => held.batchDelete('things', [...'bcdefgh']))
    await migrate(emptied, opened(), { batchSize: 2, onProgress: (progress) => seen.push(progress) })
    expect(phases(seen, 'things').slice(0, 4)).toStrictEqual(['copy 0/8', 'copy 2/8', 'copy 4/8', 'copy 4/4'])
  })

  test('is told of an end where vectors are inserted after they were counted', async () => {
    const held = await holding(...letters(4))
    const insert = () => held.insertVectors('things', [{ id: 'new', data: [1, 1] }])
    const seen: MigrationProgress[] = []
    const options = { batchSize: 2, onProgress: (progress: MigrationProgress) => seen.push(progress) }
    await migrate(acting(held, 'scanVectors', 1, insert), opened(), options)
    const expected = ['copy 0/4', 'copy 2/4', 'copy 4/4', 'copy 5/5']
    expect(phases(seen, 'things').slice(0, 4)).toStrictEqual(expected)
  })

  test('that throws rejects the call when the work is done', async () => {
    const [source, target] = [await holding(...letters(5)), opened()]
    let told = 0
    const onProgress = () => {
      told += 1
      throw new RangeError(`thrown, time ${told}`)
    }
    const error = await rejection(migrate(source, target, { onProgress }))
    expect(error.message).toBe('thrown, time 1')
    expect(told).toBeGreaterThan(1)
    expect(await contentsOf(target)).toStrictEqual(await contentsOf(source))
  })
})

describe('what is refused', () => {
  test.each<[string, unknown, string]>([
    ['an unknown option', { batchsize: 1 }, 'options.batchsize: unknown; use collections, batchSize'],
    ['options that are no object', 5, 'options: expected a plain object, got 5'],
    ['null', null, 'options: expected a plain object, got null'],
    ['collections that are no list', { collections: 'a' }, 'options.collections: expected an array'],
    ['null as collections', { collections: null }, 'options.collections: expected an array, got null'],
    ['a name that is no text', { collections: ['a', 1] }, 'options.collections[1]: expected a string, got 1'],
    ['a hole', { collections: new Array(1) }, 'options.collections[0]: expected a string'],
    ['no batch', { batchSize: 0 }, 'options.batchSize: expected a whole number from 1 to 10000, got 0'],
    ['too large a batch', { batchSize: 10_001 }, 'options.batchSize: expected a whole number'],
    ['a part of a vector', { batchSize: 1.5 }, 'options.batchSize: expected a whole number'],
    ['a batch in words', { batchSize: '5' }, 'options.batchSize: expected a whole number'],
    ['a sample below 0', { sample: -1 }, 'options.sample: expected a whole number from 0 to 10000, got -1'],
    ['a sample of all', { sample: Number.POSITIVE_INFINITY }, 'options.sample: expected a whole number'],
    ['a prune in words', { prune: 'yes' }, 'options.prune: expected a boolean, got string'],
    ['no listener', { onProgress: 'me' }, 'options.onProgress: expected a function, got string'],
  ])('%s', async (_, options, message) => {
    const [source, calls] = recorded(await holding('a'))
    const error = await rejection(migrate(source, opened(), options as MigrationOptions))
    expect(error).toBeInstanceOf(ValidationError)
    expect(error.message).toContain(message)
    expect(calls).toStrictEqual([])
  })

  test('a client that cannot scan', async () => {
    const without = new Proxy(await holding('a'), {
      get: (client, name) => (name === 'scanVectors' ? undefined : Reflect.get(client, name)),
    })
    const message = (side: string) => `${side}.scanVectors: expected a function of a client, got undefined`
    expect((await rejection(migrate(without, opened()))).message).toBe(message('source'))
    expect((await rejection(migrate(opened(), without))).message).toBe(message('target'))
  })

  test.each<[string, unknown, unknown, string]>([
    ['no source', undefined, {}, 'source: expected a client, got undefined'],
    ['a path as source', './data', {}, 'source: expected a client, got string'],
    ['an object as source', {}, {}, 'source.listCollections: expected a function of a client, got undefined'],
    ['no target', vectorizer, null, 'target: expected a client, got null'],
    ['a class as target', vectorizer, VectorizerClient, 'target.listCollections: expected a function'],
  ])('%s', async (_, source, target, message) => {
    const error = await rejection(migrate(source as Vectorizer, target as Vectorizer))
    expect(error).toBeInstanceOf(ValidationError)
    expect(error.message).toContain(message)
  })

  test('one client as both', async () => {
    const client = await holding('a')
    const error = await rejection(migrate(client, client))
    expect(error).toBeInstanceOf(ValidationError)
    expect(error.message).toBe('target: is the source itself')
  })
})

test('options that are undefined are those left out', async () => {
  const none = { collections: undefined, batchSize: undefined, prune: undefined, sample: undefined }
  const given = { ...none, onProgress: undefined } as MigrationOptions
  expect(countsOf(await migrate(await holding('a'), opened(), given))).toStrictEqual([['things', 1, 0, 0]])
})

test('two clients of one store have nothing to move', async () => {
  const { client, path } = store()
  await client.createCollection('things', { dimension: 1 })
  await client.insertVectors('things', { ids: letters(9), data: new Float32Array(9).fill(1) })
  const before = await everything(client)
  const report = await migrate(client, opened({ path }), { prune: true })
  expect(countsOf(report)).toStrictEqual([['things', 0, 9, 0]])
  expect(await everything(client)).toStrictEqual(before)
})

test('the functions of the module are a client', async () => {
  const [source, target] = [await holding('a', 'b'), opened()]
  const module = vectorizer as unknown as Vectorizer
  try {
    await migrate(source, module)
    await migrate(module, target)
    expect(await contentsOf(target)).toStrictEqual(await contentsOf(source))
  } finally {
    await vectorizer.close()
  }
})
