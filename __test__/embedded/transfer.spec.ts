// Vectors that are moved or copied to another collection: all of them in one step.
import { setImmediate as turn } from 'node:timers/promises'
import {
  type ChangeProgress,
  CollectionNotFoundError,
  DimensionMismatchError,
  type ErasureReceipt,
  type SimilarityMetric,
  TooManyMatchesError,
  ValidationError,
  type VectorizerClient,
} from '../..'
import { cancelled } from '../support/cancelling'
import { everything, idsOf, client as opened } from '../support/collections'
import { digest } from '../support/digest'
import { present, store } from '../support/disk'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'

/** A time that no test will see. */
const LATER = Date.UTC(2100, 0, 1)
const DONE = { done: true }

const ROWS = [
  { id: 'a', data: [1, 0], metadata: { ...DONE, n: 1 }, text: 'one', expires_at: LATER },
  { id: 'b', data: [1, 1], metadata: { done: false } },
  { id: 'c', data: [1, 2], metadata: { ...DONE, user: 1234567890123456789n } },
  { id: 'd', data: [1, 3] },
]
const STORED = ROWS.map((row) => ({ ...row, data: Float32Array.from(row.data) }))
const [A, B, C, D] = STORED

const vectorsOf = async (client: VectorizerClient, collection: string) =>
  (await client.listVectors(collection, 0, 10_000)).vectors

describe.each(['in memory', 'on disk'])('%s:', (where) => {
  /** A client whose `things` are four vectors, and whose `others` are those with the given ids. */
  async function filled(others: string[] = [], metric: SimilarityMetric = 'euclidean') {
    const client = where === 'on disk' ? store().client : opened()
    await client.createCollection('things', { dimension: 2, metric: 'euclidean' })
    await client.createCollection('others', { dimension: 2, metric })
    await client.insertVectors('things', ROWS)
    await client.insertVectors(
      'others',
      others.map((id) => ({ id, data: [7, 7], metadata: { other: true } })),
    )
    return client
  }

  /** Many vectors in `things`; `old` is true of the first half. */
  async function many(count = 5000) {
    const client = await filled()
    await client.deleteByFilter('things', { must: [{ has_id: ROWS.map(({ id }) => id) }] })
    const ids = Array.from({ length: count }, (_, i) => `id ${i}`)
    const metadata = ids.map((_, i) => ({ i, old: i < count / 2 }))
    const data = Float32Array.from({ length: 2 * count }, (_, i) => i)
    await client.insertVectors('things', { ids, data, metadata })
    return { client, ids }
  }

  test('a move takes values, metadata, text and expiry along, in the order of the ids', async () => {
    const client = await filled(['x'])
    expect(await client.moveToCollection('things', 'others', ['c', 'a'])).toStrictEqual({
      src: 'things',
      dst: 'others',
      requested: 2,
      moved: 2,
      failed: 0,
      applied: true,
      results: [
        { id: 'c', status: 'ok' },
        { id: 'a', status: 'ok' },
      ],
    })
    expect(await vectorsOf(client, 'things')).toStrictEqual([B, D])
    expect((await vectorsOf(client, 'others')).slice(1)).toStrictEqual([C, A])
    expect(await idsOf(client, 'others')).toStrictEqual(['x', 'c', 'a'])
  })

  test('a move of what matches a filter is in insertion order', async () => {
    const client = await filled()
    const report = await client.moveToCollection('things', 'others', { filter: DONE })
    expect(report).toMatchObject({ requested: 2, moved: 2 })
    expect(report.results.map(({ id }) => id)).toStrictEqual(['a', 'c'])
    expect(await vectorsOf(client, 'others')).toStrictEqual([A, C])
    expect(await client.count('things', DONE)).toBe(0)
    expect(await client.count('others', DONE)).toBe(2)
    expect((await client.search('others', [1, 2], { limit: 1 }))[0].id).toBe('c')
  })

  test('a copy leaves the vectors where they are, and each is deleted on its own', async () => {
    const client = await filled(['x'])
    expect(await client.copyVectors('things', 'others', ['d', 'a'])).toStrictEqual({
      src: 'things',
      dst: 'others',
      requested: 2,
      copied: 2,
      failed: 0,
      applied: true,
      results: [
        { id: 'd', status: 'ok' },
        { id: 'a', status: 'ok' },
      ],
    })
    expect(await vectorsOf(client, 'things')).toStrictEqual(STORED)
    expect((await vectorsOf(client, 'others')).slice(1)).toStrictEqual([D, A])
    await client.deleteVector('things', 'a')
    expect(await client.getVector('others', 'a')).toStrictEqual(A)
    await client.deleteVector('others', 'd')
    expect(await client.getVector('things', 'd')).toStrictEqual(D)
  })

  describe.each(['moveToCollection', 'copyVectors'] as const)('%s', (call) => {
    const moves = call === 'moveToCollection'
    const counted = moves ? 'moved' : 'copied'

    test('reports what is not there, repeated or taken, and does the rest', async () => {
      const client = await filled(['b'])
      const report = await client[call]('things', 'others', ['nobody', 'a', 'b', 'a'])
      expect(report).toStrictEqual({
        src: 'things',
        dst: 'others',
        requested: 4,
        [counted]: 1,
        failed: 3,
        applied: true,
        results: [
          { id: 'nobody', status: 'missing_in_src' },
          { id: 'a', status: 'ok' },
          { id: 'b', status: 'dst_insert_failed', error: 'the destination has a vector with this id' },
          { id: 'a', status: 'dst_insert_failed', error: 'repeated: the same id as at index 1' },
        ],
      })
      expect(await idsOf(client)).toStrictEqual(moves ? ['b', 'c', 'd'] : ['a', 'b', 'c', 'd'])
      expect(await idsOf(client, 'others')).toStrictEqual(['b', 'a'])
      expect((await client.getVector('others', 'b')).metadata).toStrictEqual({ other: true })
    })

    test('with overwrite replaces what is taken', async () => {
      const client = await filled(['b', 'y'])
      const report = await client[call]('things', 'others', ['b', 'd'], { overwrite: true })
      expect(report).toMatchObject({ [counted]: 2, failed: 0 })
      const others = (await vectorsOf(client, 'others')).filter(({ id }) => id !== 'y')
      expect(others.map(({ id }) => id).sort()).toStrictEqual(['b', 'd'])
      expect(await client.getVector('others', 'b')).toStrictEqual(B)
      expect(await client.count('things')).toBe(moves ? 2 : 4)
    })

    test('of no ids, or where nothing matches, changes nothing', async () => {
      const client = await filled(['x'])
      const before = await everything(client)
      for (const selected of [[], { filter: { done: 'never' } }]) {
        expect(await client[call]('things', 'others', selected)).toStrictEqual({
          src: 'things',
          dst: 'others',
          requested: 0,
          [counted]: 0,
          failed: 0,
          applied: true,
          results: [],
        })
      }
      expect(await everything(client)).toStrictEqual(before)
    })

    test('a dry run reports the same and changes nothing', async () => {
      const client = await filled(['c'])
      const before = await everything(client)
      const selected = { filter: { must_not: [{ is_empty: { key: 'done' } }] } }
      const dry = await client[call]('things', 'others', selected, { dryRun: true })
      expect(dry).toMatchObject({ requested: 3, [counted]: 0, failed: 1, applied: false })
      expect(dry.results.map(({ id, status }) => [id, status])).toStrictEqual([
        ['a', 'ok'],
        ['b', 'ok'],
        ['c', 'dst_insert_failed'],
      ])
      expect(await everything(client)).toStrictEqual(before)
      const done = await client[call]('things', 'others', selected, { dryRun: false })
      expect(done).toStrictEqual({ ...dry, applied: true, [counted]: 2 })
    })

    test.each([
      [{ atMost: 1 }, 'options.atMost is 1'],
      [{ expect: 1 }, 'options.expect is 1'],
      [{ expect: 3 }, 'options.expect is 3'],
      [{ atMost: 1, dryRun: true }, 'options.atMost is 1'],
    ])('with %j takes no other number along, and changes nothing', async (options, named) => {
      const client = await filled(['c'])
      const before = await everything(client)
      const ids = ['a', 'b', 'c', 'nobody']
      const error = await rejection(client[call]('things', 'others', ids, options))
      expect(error).toBeInstanceOf(TooManyMatchesError)
      expect(error.message).toContain(named)
      expect(error.message).toContain(`has 2 vectors to ${moves ? 'move' : 'copy'}`)
      const dry = await client[call]('things', 'others', ids, { dryRun: true })
      expect((error as TooManyMatchesError).report).toStrictEqual(dry)
      expect(await everything(client)).toStrictEqual(before)
      const done = await client[call]('things', 'others', ids, { atMost: 2, expect: 2 })
      expect(done).toMatchObject({ [counted]: 2 })
    })

    test('another dimension, or a vector that the destination cannot rank, changes nothing', async () => {
      const client = await filled([], 'cosine')
      await client.createCollection('wide', { dimension: 3 })
      await client.insertVectors('things', [{ id: 'zero', data: [0, 0] }])
      const before = await everything(client)
      const wide = await rejection(client[call]('things', 'wide', ['a']))
      expect(wide).toBeInstanceOf(DimensionMismatchError)
      expect(wide.message).toContain("'wide'")
      const zero = await rejection(client[call]('things', 'others', ['a', 'zero']))
      expect(zero).toBeInstanceOf(ValidationError)
      expect(await everything(client)).toStrictEqual(before)
    })

    test('what is no collection, no selection or no option is refused by name', async () => {
      const client = await filled(['x'])
      const before = await everything(client)
      const act = (...args: unknown[]) => rejection(untyped(client)[call](...args))
      const itself = await act('things', 'things', ['a'])
      expect(itself).toBeInstanceOf(ValidationError)
      for (const [src, dst] of [
        ['nowhere', 'others'],
        ['things', 'nowhere'],
      ]) {
        const error = await act(src, dst, ['a'])
        expect(error).toBeInstanceOf(CollectionNotFoundError)
        expect(error.message).toContain("'nowhere'")
      }
      const refused: [unknown[], string][] = [
        [[undefined, 'others', ['a']], 'src: expected a string'],
        [['things', null, ['a']], 'dst: expected a string'],
        [['things', 'others', undefined], 'vectors: expected an array of ids, or an object with a filter'],
        [['things', 'others', 'a'], 'vectors: expected an array of ids'],
        [['things', 'others', ['a', 5]], 'ids[1]: expected a string'],
        [['things', 'others', { ids: ['a'] }], 'vectors.ids: unknown; use filter'],
        [['things', 'others', {}], 'filter'],
        [['things', 'others', { filter: {} }], 'filter'],
        [['things', 'others', { filter: { done: undefined } }], 'filter.done'],
      ]
      const [first, last] = moves ? ['receipt, ', 'reason, '] : ['', '']
      const keys = `overwrite, dryRun, ${first}atMost, expect, ${last}onProgress, signal`
      const options: [string, unknown][] = [
        [`options.unkown: unknown; use ${keys}`, { unkown: 1 }],
        ['options.dry_run: unknown', { dry_run: true }],
        ['options.dryRun', { dryRun: null }],
        ['options.overwrite', { overwrite: 'yes' }],
        ['options.overwrite', { overwrite: null }],
        ['options.atMost', { atMost: -1 }],
        ['options.expect', { expect: 1.5 }],
        ['options.onProgress: expected a function', { onProgress: true }],
        moves
          ? ['options.dryRun moves nothing: leave out receipt', { dryRun: true, receipt: true }]
          : ['options.receipt: unknown', { receipt: true }],
        ['options', null],
      ]
      for (const [named, given] of options) refused.push([['things', 'others', ['a'], given], named])
      for (const [args, named] of refused) {
        const error = await act(...args)
        expect(error).toBeInstanceOf(ValidationError)
        expect(error.message).toContain(named)
      }
      expect(await everything(client)).toStrictEqual(before)
    })

    test('of many is whole, and tells of its progress', async () => {
      const { client, ids } = await many()
      const seen: ChangeProgress[] = []
      const onProgress = (progress: ChangeProgress) => seen.push(progress)
      const selected = { filter: { old: true } }
      const report = await client[call]('things', 'others', selected, { onProgress })
      expect(report).toMatchObject({ requested: 2500, [counted]: 2500 })
      expect(report.results.map(({ id }) => id)).toStrictEqual(ids.slice(0, 2500))
      expect(await idsOf(client, 'others')).toStrictEqual(ids.slice(0, 2500))
      expect(await idsOf(client)).toStrictEqual(moves ? ids.slice(2500) : ids)
      expect(seen.length).toBeGreaterThan(0)
      expect(['prepare', 'insert']).toEqual(expect.arrayContaining(seen.map(({ phase }) => phase)))
      expect(seen.at(-1)).toStrictEqual({ phase: 'insert', done: 2500, total: 2500 })
      await client.optimize('others')
      expect((await client.search('others', [2000, 2001], { limit: 1 }))[0].id).toBe('id 1000')
    })

    test('rejects with what its listener throws, and is done', async () => {
      const client = await filled()
      const onProgress = () => {
        throw new RangeError('no more')
      }
      const done = client[call]('things', 'others', ['a'], { onProgress })
      expect((await done.catch((error) => error)).message).toBe('no more')
      expect(await idsOf(client, 'others')).toStrictEqual(['a'])
    })

    test('takes what the ids and the options were when it was called', async () => {
      const { client, ids } = await many()
      const [given, options] = [ids.slice(0, 100), { expect: 100 }]
      const moving = client[call]('things', 'others', given, options)
      given.fill('later')
      options.expect = 7
      expect(await moving).toMatchObject({ [counted]: 100 })
      expect(await idsOf(client, 'others')).toStrictEqual(ids.slice(0, 100))
    })

    test('one that is cancelled when it was made has changed nothing', async () => {
      let { client, ids } = await many(20_000)
      const selected = { filter: { i: { $gte: 0 } } }
      await cancelled(
        (signal) => client[call]('things', 'others', selected, { signal }),
        async () => {
          ;({ client, ids } = await many(20_000))
        },
      )
      // The next writes have waited for what it was doing.
      await client.insertVectors('others', [])
      await client.insertVectors('things', [])
      expect([await client.count('things'), await client.count('others')]).toStrictEqual([ids.length, 0])
    })

    test('of a handle does the same', async () => {
      const client = await filled()
      const things = await client.collection<{ done: boolean } | undefined>('things')
      const report = await things[call]('others', { filter: { done: true } }, { expect: 2 })
      expect(report).toMatchObject({ src: 'things', [counted]: 2 })
      expect(await idsOf(client, 'others')).toStrictEqual(['a', 'c'])
    })
  })

  test('reads find a vector that is moved in one of the two at any time', async () => {
    const { client, ids } = await many(200)
    let isDone = false
    const moving = (async () => {
      for (let i = 0; i < 200; i += 10)
        await client.moveToCollection('things', 'others', ids.slice(i, i + 10))
      isDone = true
    })()
    while (!isDone) {
      // What the first count no longer finds in the source, the second finds in the destination.
      const left = await client.count('things')
      expect(left + (await client.count('others'))).toBeGreaterThanOrEqual(200)
      await turn()
    }
    await moving
    expect([await client.count('things'), await idsOf(client, 'others')]).toStrictEqual([0, ids])
  })

  test('the TTL of the destination counts from the move, and their own expiry stays', async () => {
    const client = await filled()
    const begun = Date.now()
    await client.setCollectionTtl('others', 3600)
    await client.moveToCollection('things', 'others', ['a', 'b'])
    expect((await client.getVector('others', 'a')).expires_at).toBe(LATER)
    const { expires_at = 0 } = await client.getVector('others', 'b')
    expect(expires_at).toBeGreaterThanOrEqual(begun + 3_600_000)
    expect(expires_at).toBeLessThanOrEqual(Date.now() + 3_600_000)
  })

  test('a receipt covers what was erased in the source', async () => {
    const client = await filled(['b'])
    const { receipt } = await client.moveToCollection('things', 'others', ['c', 'b', 'a'], { receipt: true })
    expect(receipt).toStrictEqual({
      call: 'moveToCollection',
      requested: 3,
      text: expect.any(String),
      collection: 'things',
      deleted: 2,
      bytesErased: expect.any(Number),
      logSequence: expect.any(Number),
      completedAt: expect.any(String),
      durable: where === 'on disk',
      digest: digest((receipt as ErasureReceipt).logSequence, ['a', 'c']),
    })
    expect(receipt.bytesErased).toBeGreaterThan(0)
    expect(await client.verifyErased('things', ['a', 'c'])).toStrictEqual({ verified: true, residues: [] })
    const other = await client.moveToCollection('things', 'others', ['d'], { receipt: false })
    expect(other).not.toHaveProperty('receipt')
  })
})

test('after a move nothing is left in the files of the source, and the destination has all after reopening', async () => {
  const { client, path } = store({ fsync: 'always' })
  await client.createCollection('things', { dimension: 2 })
  await client.createCollection('others', { dimension: 2 })
  const text = 'the text of the vector that moves'
  await client.insertVectors('things', [
    { id: 'a', data: [1, 2], metadata: { n: 1 }, text, expires_at: LATER },
    { id: 'b', data: [1, 3] },
  ])
  await client.moveToCollection('things', 'others', ['a'])
  await client.deleteCollection('things')
  expect(present(path, [Buffer.from(text)])).toHaveLength(1)
  await client.close()
  const again = opened({ path })
  expect(await vectorsOf(again, 'others')).toStrictEqual([
    { id: 'a', data: Float32Array.of(1, 2), metadata: { n: 1 }, text, expires_at: LATER },
  ])
  await again.deleteVector('others', 'a')
  expect(present(path, [Buffer.from(text)])).toStrictEqual([])
})

test('two that move in opposite directions at the same time end', async () => {
  const client = opened()
  const names = ['one', 'two']
  for (const name of names) {
    await client.createCollection(name, { dimension: 1, metric: 'euclidean' })
    const rows = Array.from({ length: 100 }, (_, i) => ({ id: `${name} ${i}`, data: [i] }))
    await client.insertVectors(name, rows)
  }
  const all = (collection: string) => ({ filter: { must_not: [{ has_id: [`not ${collection}`] }] } })
  const moving = Array.from({ length: 20 }, (_, i) => {
    const [src, dst] = i % 2 === 0 ? names : names.toReversed()
    return client.moveToCollection(src, dst, all(src))
  })
  await Promise.all(moving)
  const counts = await Promise.all(names.map((name) => client.count(name)))
  expect(counts[0] + counts[1]).toBe(200)
})
