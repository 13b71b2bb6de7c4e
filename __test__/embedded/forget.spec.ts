// `forget`: what belongs to a person or a tenant is deleted in all collections of a store at once.
import { createHash } from 'node:crypto'
import {
  type ChangeProgress,
  CollectionNotFoundError,
  type ForgetReceipt,
  TooManyMatchesError,
  ValidationError,
  type VectorizerClientOptions,
} from '../..'
import { cancelled } from '../support/cancelling'
import { everything, idsOf, client as opened } from '../support/collections'
import { present, store } from '../support/disk'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'

const U1 = { user: 'u1' }
const U2 = { user: 'u2' }

/** The digest of a receipt, computed as documented, of the ids of each collection. */
function digestOf({ collections }: ForgetReceipt, ids: Record<string, string[]>) {
  const sorted = (name: string) =>
    [...ids[name]].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  const parts = collections.map(({ collection, logSequence }) => [
    collection,
    logSequence,
    sorted(collection),
  ])
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

describe.each(['in memory', 'on disk'])('forget (%s)', (where) => {
  /** Three collections, of which `docs` and `chats` hold something of both users. */
  async function filled(options: VectorizerClientOptions = {}) {
    const client = where === 'on disk' ? store(options).client : opened(options)
    await client.createCollection('docs', { dimension: 2, metric: 'euclidean' })
    await client.createCollection('chats', { dimension: 3 })
    await client.createCollection('empty', { dimension: 1 })
    await client.insertVectors('docs', [
      { id: 'z', data: [1, 0], metadata: U1, text: 'zero' },
      { id: 'b', data: [1, 1], metadata: U2 },
      { id: 'a', data: [1, 2], metadata: U1 },
      { id: 'é', data: [1, 3], metadata: { ...U1, n: 1 } },
    ])
    await client.insertVectors('chats', [
      { id: 'a', data: [1, 0, 0], metadata: U2 },
      { id: 'c', data: [1, 1, 0], metadata: U1 },
      { id: 'none', data: [1, 1, 1] },
    ])
    return client
  }

  test('deletes what a filter matches in all collections, and proves it', async () => {
    const client = await filled()
    const begun = Date.now()
    const { receipt, ...report } = await client.forget({ filter: U1 })
    expect(report).toStrictEqual({
      applied: true,
      matched: 4,
      deleted: 4,
      collections: [
        { collection: 'chats', scanned: 3, matched: 1, ids: ['c'] },
        { collection: 'docs', scanned: 4, matched: 3, ids: ['z', 'a', 'é'] },
        { collection: 'empty', scanned: 0, matched: 0, ids: [] },
      ],
    })
    expect(receipt).toStrictEqual({
      call: 'forget',
      filter: U1,
      text: expect.any(String),
      deleted: 4,
      bytesErased: expect.any(Number),
      collections: [
        { collection: 'chats', deleted: 1, logSequence: expect.any(Number) },
        { collection: 'docs', deleted: 3, logSequence: expect.any(Number) },
      ],
      completedAt: expect.any(String),
      durable: where === 'on disk',
      digest: digestOf(receipt as ForgetReceipt, { chats: ['c'], docs: ['z', 'a', 'é'] }),
    })
    expect(receipt?.bytesErased).toBeGreaterThan(0)
    expect(Date.parse(receipt?.completedAt as string)).toBeGreaterThanOrEqual(begun)
    expect([await idsOf(client, 'docs'), await idsOf(client, 'chats')]).toStrictEqual([['b'], ['a', 'none']])
    for (const [collection, ids] of Object.entries({ docs: ['z', 'a', 'é'], chats: ['c'] }))
      expect(await client.verifyErased(collection, ids)).toStrictEqual({ verified: true, residues: [] })
    expect((await client.listCollections()).map(({ name }) => name)).toStrictEqual(['chats', 'docs', 'empty'])
  })

  test('deletes what has one of the ids, wherever it is', async () => {
    const client = await filled()
    const { receipt, ...report } = await client.forget({ ids: ['nobody', 'é', 'a', 'a', 'none'] })
    expect(report).toStrictEqual({
      applied: true,
      matched: 4,
      deleted: 4,
      collections: [
        { collection: 'chats', scanned: expect.any(Number), matched: 2, ids: ['a', 'none'] },
        { collection: 'docs', scanned: expect.any(Number), matched: 2, ids: ['a', 'é'] },
        { collection: 'empty', scanned: expect.any(Number), matched: 0, ids: [] },
      ],
    })
    expect(receipt?.digest).toBe(
      digestOf(receipt as ForgetReceipt, { chats: ['a', 'none'], docs: ['a', 'é'] }),
    )
    expect([await idsOf(client, 'docs'), await idsOf(client, 'chats')]).toStrictEqual([['z', 'b'], ['c']])
  })

  test('looks in the named collections only, each once', async () => {
    const client = await filled()
    const report = await client.forget({ filter: U1 }, { collections: ['docs', 'empty', 'docs'] })
    expect(report.collections.map(({ collection }) => collection)).toStrictEqual(['docs', 'empty'])
    expect([report.deleted, await client.count('chats', U1)]).toStrictEqual([3, 1])
    // A list that came out empty by mistake must not lead to a receipt.
    const none = await rejection(client.forget({ filter: U1 }, { collections: [] }))
    expect(none).toBeInstanceOf(ValidationError)
    expect(none.message).toMatch(/^options\.collections is empty/)
    expect(await client.count('chats', U1)).toBe(1)
  })

  test('proves that there was nothing, too', async () => {
    const client = await filled()
    const before = await everything(client)
    for (const selection of [{ ids: [] }, { ids: ['nobody'] }, { filter: { user: 'u3' } }]) {
      const { applied, matched, deleted, receipt } = await client.forget(selection)
      expect([applied, matched, deleted]).toStrictEqual([true, 0, 0])
      expect(receipt).toMatchObject({ deleted: 0, bytesErased: 0, collections: [] })
      expect(receipt?.digest).toBe(digestOf(receipt as ForgetReceipt, {}))
    }
    expect(await everything(client)).toStrictEqual(before)
  })

  test('names the fields that no vector of a collection has', async () => {
    const client = await filled()
    const { collections } = await client.forget({ filter: { n: 1, ...U1 } }, { dryRun: true })
    expect(collections.map(({ unknownFields }) => unknownFields)).toStrictEqual([['n'], undefined, undefined])
  })

  test('the receipt has the reason', async () => {
    const client = await filled()
    const reasons = ['request 4711', 'é\n😀'.repeat(250)]
    for (const reason of reasons) {
      const { receipt } = await client.forget({ filter: U1 }, { reason })
      expect(receipt?.reason).toBe(reason)
    }
  })

  test('a dry run reports the same, has no receipt and deletes nothing', async () => {
    const client = await filled()
    const before = await everything(client)
    const dry = await client.forget({ filter: U1 }, { dryRun: true, reason: 'a look' })
    expect(dry).toStrictEqual({
      applied: false,
      matched: 4,
      deleted: 0,
      collections: [
        { collection: 'chats', scanned: 3, matched: 1, ids: ['c'] },
        { collection: 'docs', scanned: 4, matched: 3, ids: ['z', 'a', 'é'] },
        { collection: 'empty', scanned: 0, matched: 0, ids: [] },
      ],
    })
    expect(await everything(client)).toStrictEqual(before)
    const { receipt, ...done } = await client.forget({ filter: U1 }, { dryRun: false })
    expect(done).toStrictEqual({ ...dry, applied: true, deleted: 4 })
  })

  test.each([
    [{ atMost: 3 }, 'options.atMost is 3'],
    [{ expect: 3 }, 'options.expect is 3'],
    [{ expect: 5 }, 'options.expect is 5'],
    [{ atMost: 3, dryRun: true }, 'options.atMost is 3'],
  ])('with %j deletes no other number in all, and changes nothing', async (options, named) => {
    const client = await filled()
    const before = await everything(client)
    const error = await rejection(client.forget({ filter: U1 }, options))
    expect(error).toBeInstanceOf(TooManyMatchesError)
    expect(error.message).toContain(named)
    expect(error.message).toContain('4 vectors in all the collections')
    const dry = await client.forget({ filter: U1 }, { dryRun: true })
    expect((error as TooManyMatchesError).report).toStrictEqual(dry)
    expect(await everything(client)).toStrictEqual(before)
    expect((await client.forget({ filter: U1 }, { atMost: 4, expect: 4 })).deleted).toBe(4)
  })

  test('what is no selection or no option is refused by name', async () => {
    const client = await filled()
    const before = await everything(client)
    const refused: [unknown[], string][] = [
      [[], 'selection: expected a plain object, got undefined'],
      [[null], 'selection: expected a plain object, got null'],
      [[['a']], 'selection: expected a plain object, got an array'],
      [['u1'], 'selection: expected a plain object, got string'],
      [[{}], 'selection: give a filter or ids'],
      [[{ filter: undefined }], 'selection: give a filter or ids'],
      [[{ filter: U1, ids: ['a'] }], 'selection: give a filter or ids'],
      [[U1], 'selection.user: unknown; use filter, ids'],
      [[{ filter: {} }], 'filter'],
      [[{ filter: null }], 'filter: expected a plain object, got null'],
      [[{ filter: { user: undefined } }], 'filter.user'],
      [[{ ids: 'a' }], 'ids: expected an array, got string'],
      [[{ ids: ['a', null] }], 'ids[1]: expected a string, got null'],
    ]
    const keys = 'collections, dryRun, atMost, expect, reason, onProgress, signal'
    const options: [string, unknown][] = [
      [`options.unkown: unknown; use ${keys}`, { unkown: 1 }],
      ['options.dry_run: unknown', { dry_run: true }],
      ['options.receipt: unknown', { receipt: true }],
      ['options.dryRun', { dryRun: null }],
      ['options.collections', { collections: null }],
      ['options.collections', { collections: 'docs' }],
      ['options.collections', { collections: [5] }],
      ['options.atMost', { atMost: -1 }],
      ['options.expect', { expect: 1.5 }],
      ['options.reason is empty', { reason: '' }],
      ['options.reason is longer than 1000 characters', { reason: 'é'.repeat(1001) }],
      ['options.reason', { reason: null }],
      ['options.onProgress: expected a function', { onProgress: true }],
      ['options', null],
    ]
    for (const [named, given] of options) refused.push([[{ filter: U1 }, given], named])
    for (const [args, named] of refused) {
      const error = await rejection(untyped(client).forget(...args))
      expect(error).toBeInstanceOf(ValidationError)
      expect(error.message).toContain(named)
    }
    const nowhere = await rejection(client.forget({ filter: U1 }, { collections: ['docs', 'nowhere'] }))
    expect(nowhere).toBeInstanceOf(CollectionNotFoundError)
    expect(nowhere.message).toContain("'nowhere'")
    expect(await everything(client)).toStrictEqual(before)
  })

  test('that of many is whole, and tells of its progress', async () => {
    const client = await filled()
    const ids = Array.from({ length: 3000 }, (_, i) => `id ${i}`)
    const metadata = ids.map((_, i) => ({ user: i % 2 === 0 ? 'even' : 'odd' }))
    await client.insertVectors('docs', { ids, data: new Float32Array(6000).fill(1), metadata })
    await client.insertVectors('chats', { ids, data: new Float32Array(9000).fill(1), metadata })
    const seen: ChangeProgress[] = []
    const onProgress = (progress: ChangeProgress) => seen.push(progress)
    const report = await client.forget({ filter: { user: 'even' } }, { onProgress })
    const even = ids.filter((_, i) => i % 2 === 0)
    expect(report.deleted).toBe(3000)
    expect(report.collections.map((part) => part.ids)).toStrictEqual([even, even, []])
    expect(report.receipt?.digest).toBe(
      digestOf(report.receipt as ForgetReceipt, { docs: even, chats: even }),
    )
    expect(new Set(seen.map(({ phase }) => phase))).toStrictEqual(new Set(['forget']))
    expect(seen.at(-1)).toStrictEqual({ phase: 'forget', done: 3000, total: 3000 })
    expect(await client.count('docs')).toBe(1504)
    await client.optimize('docs')
    expect(await client.count('docs', { user: 'odd' })).toBe(1500)
  })

  test('rejects with what its listener throws, and is done', async () => {
    const client = await filled()
    const onProgress = () => {
      throw new RangeError('no more')
    }
    const done = client.forget({ filter: U1 }, { onProgress })
    expect((await done.catch((error) => error)).message).toBe('no more')
    expect(await client.count('docs', U1)).toBe(0)
  })

  test('takes what the selection and the options were when it was called', async () => {
    const client = await filled()
    const [ids, collections] = [['a'], ['docs']]
    const forgetting = client.forget({ ids }, { collections })
    ids.push('b')
    collections.push('chats')
    expect((await forgetting).deleted).toBe(1)
    expect(await client.count('chats')).toBe(3)
  })

  test('one that is cancelled when it was made has changed nothing', async () => {
    const client = await filled()
    const ids = Array.from({ length: 20_000 }, (_, i) => `id ${i}`)
    const metadata = ids.map(() => ({ user: 'many' }))
    const data = new Float32Array(40_000).fill(1)
    const insert = () => client.insertVectors('docs', { ids, data, metadata })
    await insert()
    await cancelled((signal) => client.forget({ filter: { user: 'many' } }, { signal }), insert)
    // The next write has waited for what it was doing.
    await client.insertVectors('docs', [])
    expect(await client.count('docs', { user: 'many' })).toBe(20_000)
  })
})

test.each(['always', 'everysec', 'no'] as const)(
  'with fsync %s it is durable, and nothing of what was forgotten is in any file',
  async (fsync) => {
    const { client, path } = store({ fsync })
    const texts = ['what one of them has said', 'what the other has said']
    for (const name of ['docs', 'chats']) {
      await client.createCollection(name, { dimension: 64 })
      await client.insertTexts(
        name,
        texts.map((text, i) => ({ id: `${i}`, text, metadata: { user: `u${i}` } })),
      )
    }
    const wanted = texts.map((text) => Buffer.from(text))
    expect(present(path, wanted)).toStrictEqual(wanted)
    const { receipt } = await client.forget({ filter: { user: 'u0' } })
    expect(receipt?.durable).toBe(true)
    expect(present(path, wanted)).toStrictEqual(wanted.slice(1))
    await client.close()
    const again = opened({ path })
    expect([await idsOf(again, 'docs'), await idsOf(again, 'chats')]).toStrictEqual([['1'], ['1']])
    // The numbers go on from those of the receipt.
    const next = await again.forget({ ids: ['1'] })
    for (const [i, { logSequence }] of (next.receipt?.collections ?? []).entries())
      expect(logSequence).toBeGreaterThan(receipt?.collections[i].logSequence as number)
  },
)
