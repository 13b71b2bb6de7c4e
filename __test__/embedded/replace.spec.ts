// `replace`: afterwards, of all vectors that a filter matches, exactly the given rows are there.
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import {
  CollectionNotFoundError,
  DimensionMismatchError,
  EmbeddingError,
  type ErasureReceipt,
  type InsertProgress,
  TooManyMatchesError,
  ValidationError,
  type VectorizerClient,
  type VectorizerClientOptions,
} from '../..'
import { cancelled } from '../support/cancelling'
import { everything, idsOf, client as opened } from '../support/collections'
import { digest } from '../support/digest'
import { present, store } from '../support/disk'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'

const A = { source: 'a.md' }
const B = { source: 'b.md' }
const vectorsOf = async (client: VectorizerClient) => (await client.listVectors('things', 0, 1000)).vectors

/** The texts of a document as rows. */
const document = (source: string, ...texts: string[]) =>
  texts.map((text, n) => ({ id: `${source}:${n}`, text, metadata: { source } }))

/** An embedder that records the texts that it is given, and makes vectors of their lengths. */
function recorder() {
  const asked: string[][] = []
  const embedder = (texts: string[]) => {
    asked.push(texts)
    return texts.map((text) => [1, text.length])
  }
  return { asked, embedder }
}

describe.each(['in memory', 'on disk'])('replace (%s)', (where) => {
  const open = (options: VectorizerClientOptions = {}) =>
    where === 'on disk' ? store(options).client : opened(options)

  async function things(options: VectorizerClientOptions = {}) {
    const client = open(options)
    await client.createCollection('things', { dimension: 2, metric: 'euclidean' })
    return client
  }

  /** Two documents: one of three vectors, and one of one. */
  async function filled(options: VectorizerClientOptions = {}) {
    const client = await things(options)
    await client.insertVectors('things', [
      { id: 'a:0', data: [1, 0], metadata: A, text: 'zero' },
      { id: 'b:0', data: [9, 9], metadata: B },
      { id: 'a:1', data: [1, 1], metadata: { ...A, page: 1 } },
      { id: 'a:2', data: [1, 2], metadata: A },
    ])
    return client
  }

  test('leaves exactly the rows of what matches, and all else as it was', async () => {
    const client = await filled()
    const report = await client.replace('things', A, [
      { id: 'a:3', data: [1, 3], metadata: A },
      { id: 'a:1', data: [1, 1], metadata: { page: 1, ...A } },
      { id: 'a:0', data: [1, 0], metadata: A, text: 'naught' },
    ])
    expect(report).toStrictEqual({
      applied: true,
      inserted: 1,
      updated: 1,
      unchanged: 1,
      deleted: 1,
      ids: { inserted: ['a:3'], updated: ['a:0'], deleted: ['a:2'] },
    })
    // What is updated keeps its place, as what is inserted under the same id does.
    expect(await vectorsOf(client)).toStrictEqual([
      { id: 'a:0', data: Float32Array.of(1, 0), metadata: A, text: 'naught' },
      { id: 'b:0', data: Float32Array.of(9, 9), metadata: B },
      { id: 'a:1', data: Float32Array.of(1, 1), metadata: { ...A, page: 1 } },
      { id: 'a:3', data: Float32Array.of(1, 3), metadata: A },
    ])
  })

  test('by no rows deletes all that matches, as a list of vectors and of texts', async () => {
    const client = await filled()
    expect(await client.replace('things', A, [])).toStrictEqual({
      applied: true,
      inserted: 0,
      updated: 0,
      unchanged: 0,
      deleted: 3,
      ids: { inserted: [], updated: [], deleted: ['a:0', 'a:1', 'a:2'] },
    })
    expect(await idsOf(client)).toStrictEqual(['b:0'])
    expect((await client.replace('things', A, [])).deleted).toBe(0)
  })

  test('where nothing matches inserts all rows', async () => {
    const client = await things()
    const rows = [
      { id: 'y', data: [1, 2], metadata: A },
      { id: 'x', data: [3, 4], metadata: A },
    ]
    const { inserted, ids } = await client.replace('things', A, rows)
    expect([inserted, ids.inserted]).toStrictEqual([2, ['y', 'x']])
    expect(await idsOf(client)).toStrictEqual(['y', 'x'])
  })

  test.each<[string, object, boolean]>([
    ['the same', {}, false],
    ['other values', { data: [1, 2.5] }, true],
    ['values that are the same as 32-bit floats', { data: [1, Math.fround(2.1)] }, false],
    ['another text', { text: 'other' }, true],
    ['no text', { text: undefined }, true],
    ['metadata in another order', { metadata: { deep: { y: [1, 2], x: null }, source: 'a.md' } }, false],
    ['a list in another order', { metadata: { ...A, deep: { x: null, y: [2, 1] } } }, true],
    ['one member more', { metadata: { ...A, deep: { x: null, y: [1, 2] }, more: false } }, true],
    ['one member less', { metadata: A }, true],
  ])('takes a row with %s for changed, or not', async (_, change, isChanged) => {
    const client = await things()
    const metadata = { ...A, deep: { x: null, y: [1, 2] } }
    const row = { id: 'a', data: [1, 2.1], metadata, text: 'text' }
    await client.insertVectors('things', [row])
    const { updated, unchanged } = await client.replace('things', A, [{ ...row, ...change }])
    expect([updated, unchanged]).toStrictEqual(isChanged ? [1, 0] : [0, 1])
  })

  test('integers beyond 2^53 that differ are not taken for the same', async () => {
    const client = await things()
    const row = (user: bigint) => ({ id: 'a', data: [1, 2], metadata: { ...A, user } })
    await client.insertVectors('things', [row(1234567890123456789n)])
    expect((await client.replace('things', A, [row(1234567890123456789n)])).unchanged).toBe(1)
    expect((await client.replace('things', A, [row(1234567890123456788n)])).updated).toBe(1)
  })

  test('takes texts, and embeds only those that are new', async () => {
    const { asked, embedder } = recorder()
    const client = await things({ embedder })
    await client.replace('things', A, document('a.md', 'one', 'two', 'three'))
    const report = await client.replace('things', A, document('a.md', 'one', 'other'))
    expect(report).toMatchObject({ inserted: 0, updated: 1, unchanged: 1, deleted: 1 })
    expect(asked).toStrictEqual([['one', 'two', 'three'], ['other']])
    expect(await vectorsOf(client)).toStrictEqual([
      { id: 'a.md:0', data: Float32Array.of(1, 3), metadata: A, text: 'one' },
      { id: 'a.md:1', data: Float32Array.of(1, 5), metadata: A, text: 'other' },
    ])
  })

  test('of a text that is the same with other metadata embeds nothing', async () => {
    const { asked, embedder } = recorder()
    const client = await things({ embedder })
    await client.replace('things', A, [{ id: 'a', text: 'one', metadata: A }])
    const metadata = { ...A, page: 2 }
    expect((await client.replace('things', A, [{ id: 'a', text: 'one', metadata }])).updated).toBe(1)
    expect(asked).toStrictEqual([['one']])
    expect(await client.getVector('things', 'a')).toStrictEqual({
      id: 'a',
      data: Float32Array.of(1, 3),
      metadata,
      text: 'one',
    })
  })

  test('embeds with the built-in embedder as inserts do', async () => {
    const client = open()
    await client.createCollection('things', { dimension: 64 })
    await client.createCollection('others', { dimension: 64 })
    const rows = document('a.md', 'red apples', 'green pears')
    await client.insertTexts('others', rows)
    await client.replace('things', A, document('a.md', 'red apples', 'blue cars', 'more'))
    await client.replace('things', A, rows)
    expect(await vectorsOf(client)).toStrictEqual((await client.listVectors('others')).vectors)
  })

  test('a dry run reports the same, embeds nothing and changes nothing', async () => {
    const { asked, embedder } = recorder()
    const client = await things({ embedder })
    await client.replace('things', A, document('a.md', 'one', 'two'))
    const before = await everything(client)
    const rows = [...document('a.md', 'one'), { id: 'new', text: 'new', metadata: A }]
    const dry = await client.replace('things', A, rows, { dryRun: true })
    expect(dry).toStrictEqual({
      applied: false,
      inserted: 1,
      updated: 0,
      unchanged: 1,
      deleted: 1,
      ids: { inserted: ['new'], updated: [], deleted: ['a.md:1'] },
    })
    expect(await everything(client)).toStrictEqual(before)
    expect(asked).toStrictEqual([['one', 'two']])
    const done = await client.replace('things', A, rows, { dryRun: false })
    expect(done).toStrictEqual({ ...dry, applied: true })
  })

  test.each([
    [{ atMost: 1 }, 'options.atMost is 1'],
    [{ expect: 1 }, 'options.expect is 1'],
    [{ expect: 3 }, 'options.expect is 3'],
    [{ atMost: 1, dryRun: true }, 'options.atMost is 1'],
    [{ atMost: 1, receipt: true }, 'options.atMost is 1'],
  ])('with %j deletes no other number, and changes nothing', async (options, named) => {
    const { asked, embedder } = recorder()
    const client = await things({ embedder })
    await client.replace('things', A, document('a.md', 'one', 'two', 'three'))
    const before = await everything(client)
    const error = await rejection(client.replace('things', A, document('a.md', 'other'), options))
    expect(error).toBeInstanceOf(TooManyMatchesError)
    expect(error.message).toContain(named)
    expect((error as TooManyMatchesError).report).toStrictEqual({
      applied: false,
      inserted: 0,
      updated: 1,
      unchanged: 0,
      deleted: 2,
      ids: { inserted: [], updated: ['a.md:0'], deleted: ['a.md:1', 'a.md:2'] },
    })
    expect(await everything(client)).toStrictEqual(before)
    expect(asked).toHaveLength(1)
  })

  test('guards count what is deleted, and not what is updated', async () => {
    const client = await filled()
    const rows = ['a:0', 'a:1', 'a:2'].map((id) => ({ id, data: [5, 5], metadata: A }))
    expect((await client.replace('things', A, rows, { atMost: 0, expect: 0 })).updated).toBe(3)
    expect((await client.replace('things', A, rows.slice(1), { atMost: 1, expect: 1 })).deleted).toBe(1)
  })

  test('a row that is not found again, or would take the place of another, changes nothing', async () => {
    const client = await filled()
    const before = await everything(client)
    const row = (id: string, metadata?: object) => ({ id, data: [1, 1], metadata })
    const refused: [object[], RegExp][] = [
      [[row('x', A), row('y', A), row('x', A)], /^rows\[2\]/],
      [[row('x', A), row('y', B)], /^rows\[1\]/],
      [[row('x', A), row('y')], /^rows\[1\]/],
      [[row('x', A), row('b:0', A)], /^rows\[1\]/],
      [[row('x', A), { id: 'y', data: [1, 2, 3], metadata: A }], /rows\[1\]\.data/],
      [[{ id: '', data: [1, 2], metadata: A }], /^rows\[0\]\.id/],
      [[{ data: [1, 2], metadata: A }], /^rows\[0\]\.id/],
      [[row('x', A), { id: 'y', text: 'a text', metadata: A }], /^rows\[1\]\.data: expected an array/],
      [
        [
          { id: 'y', text: 'a text', metadata: A },
          { id: 'x', metadata: A },
        ],
        /^rows\[1\]\.text: expected a string/,
      ],
      [[{ id: 'y', text: '', metadata: A }], /^rows\[0\]\.text: is empty/],
      [
        [{ ...row('x', A), vector: [1, 2] }],
        /^rows\[0\]\.vector: unknown; use id, data, metadata, text, expires_at$/,
      ],
    ]
    for (const [rows, message] of refused) {
      for (const dryRun of [false, true]) {
        const error = await rejection(untyped(client).replace('things', A, rows, { dryRun }))
        expect(['VALIDATION_ERROR', 'DIMENSION_MISMATCH']).toContain(error.code)
        expect(error.message).toMatch(message)
      }
    }
    expect(await everything(client)).toStrictEqual(before)
  })

  test('what is no filter, no list or no option is refused by name', async () => {
    const client = await filled()
    const before = await everything(client)
    const replace = (...args: unknown[]) => rejection(untyped(client).replace(...args))
    for (const filter of [{}, null, undefined, [], 'a.md', { source: [] }, { source: undefined }]) {
      const error = await replace('things', filter, [])
      expect(error).toBeInstanceOf(ValidationError)
      expect(error.message).toMatch(/^filter/)
    }
    for (const rows of [null, undefined, {}, 'rows', 5, new Set()]) {
      expect((await replace('things', A, rows)).message).toMatch(/^rows: expected an array/)
    }
    const options: [string, unknown][] = [
      [
        'options.unkown: unknown; use dryRun, receipt, atMost, expect, reason, undo, expires_at, onProgress, signal',
        { unkown: 1 },
      ],
      ['options.dry_run', { dry_run: true }],
      ['options.rows', { dryRun: true, rows: 1 }],
      ['options.backup', { backup: 'a.vecbak' }],
      ['options.dryRun', { dryRun: 'yes' }],
      ['options.dryRun', { dryRun: null }],
      ['options.receipt', { receipt: null }],
      ['options.dryRun changes nothing: leave out receipt', { dryRun: true, receipt: true }],
      ['options.atMost', { atMost: -1 }],
      ['options.expect', { expect: 1.5 }],
      ['options.onProgress', { onProgress: true }],
      ['options', null],
    ]
    for (const [named, given] of options) {
      const error = await replace('things', A, [], given)
      expect(error).toBeInstanceOf(ValidationError)
      expect(error.message).toContain(named)
    }
    expect(await replace('nowhere', A, [])).toBeInstanceOf(CollectionNotFoundError)
    expect(await everything(client)).toStrictEqual(before)
  })

  test('a receipt covers what was deleted, and what was updated', async () => {
    const client = await filled()
    const rows = [
      { id: 'a:0', data: [7, 7], metadata: A },
      { id: 'a:1', data: [1, 1], metadata: { ...A, page: 1 } },
      { id: 'new', data: [1, 1], metadata: A },
    ]
    const { receipt, ...report } = await client.replace('things', A, rows, { receipt: true })
    expect(report).toMatchObject({ inserted: 1, updated: 1, unchanged: 1, deleted: 1 })
    expect(receipt).toMatchObject({
      call: 'replace',
      filter: A,
      collection: 'things',
      deleted: 2,
      bytesErased: expect.any(Number),
      durable: where === 'on disk',
      digest: digest((receipt as ErasureReceipt).logSequence, ['a:0', 'a:2']),
    })
    expect(await client.verifyErased('things', ['a:2'])).toStrictEqual({ verified: true, residues: [] })
    expect(await client.replace('things', A, rows)).not.toHaveProperty('receipt')
  })

  test('that of many is whole', async () => {
    const client = await things()
    const ids = Array.from({ length: 5000 }, (_, i) => `id ${i}`)
    const row = (id: string, n: number) => ({ id, data: [1, n], metadata: { ...A, n } })
    await client.insertVectors('things', ids.slice(0, 3000).map(row))
    // Of the old ones 1,000 go and 1,000 change, and 2,000 are new.
    const rows = ids.slice(1000).map((id, i) => row(id, i < 1000 ? -1 : 1000 + i))
    const { ids: lists, ...report } = await client.replace('things', A, rows)
    expect(report).toStrictEqual({
      applied: true,
      inserted: 2000,
      updated: 1000,
      unchanged: 1000,
      deleted: 1000,
    })
    expect(lists).toStrictEqual({
      inserted: ids.slice(3000),
      updated: ids.slice(1000, 2000),
      deleted: ids.slice(0, 1000),
    })
    expect(await idsOf(client)).toStrictEqual(ids.slice(1000))
  })

  test('is seen as a whole: no list has some rows of one version and some of another', async () => {
    const client = await things()
    const version = (v: number) =>
      Array.from({ length: 20 }, (_, i) => ({ id: `${v % 3} ${i}`, data: [v, i], metadata: { ...A, v } }))
    await client.replace('things', A, version(0))
    let isDone = false
    const writing = (async () => {
      for (let v = 1; v <= 30; v++) await client.replace('things', A, version(v))
      isDone = true
    })()
    while (!isDone) {
      const vectors = await vectorsOf(client)
      expect(vectors).toHaveLength(20)
      expect(new Set(vectors.map(({ metadata }) => metadata?.v)).size).toBe(1)
      await turn()
    }
    await writing
  })

  test('of two at the same time the last wins, whole', async () => {
    const client = await things({ embedder: recorder().embedder })
    const versions = Array.from({ length: 10 }, (_, v) =>
      Array.from({ length: 1 + v }, (_, i) => ({ id: `${i}`, text: `${v} ${i}`, metadata: A })),
    )
    await Promise.all(versions.map((rows) => client.replace('things', A, rows)))
    const texts = (await vectorsOf(client)).map(({ text }) => text)
    const v = Number(texts[0]?.split(' ')[0])
    expect(texts.toSorted()).toStrictEqual(versions[v].map(({ text }) => text).toSorted())
  })

  test('takes what the rows, the filter and the options were when it was called', async () => {
    const { embedder } = recorder()
    const client = await things({ embedder })
    await client.replace('things', A, document('a.md', 'old', 'older'))
    const rows = document('a.md', 'new')
    const filter = { source: 'a.md' }
    const options = { expect: 1 }
    const replacing = client.replace('things', filter, rows, options)
    rows[0].text = 'changed'
    rows.push({ id: 'later', text: 'later', metadata: A })
    filter.source = 'b.md'
    options.expect = 5
    expect((await replacing).ids).toStrictEqual({ inserted: [], updated: ['a.md:0'], deleted: ['a.md:1'] })
    expect((await vectorsOf(client)).map(({ text }) => text)).toStrictEqual(['new'])
  })

  test('tells of its progress', async () => {
    const { embedder } = recorder()
    const client = await things({ embedder })
    await client.replace('things', A, document('a.md', 'one'))
    const seen: InsertProgress[] = []
    const onProgress = (progress: InsertProgress) => seen.push(progress)
    await client.replace('things', A, document('a.md', 'one', 'two', 'three'), { onProgress })
    expect(seen).toContainEqual({ phase: 'embed', done: 2, total: 2 })
    expect(seen.at(-1)).toStrictEqual({ phase: 'insert', done: 2, total: 2 })
    const failing = () => {
      throw new RangeError('no more')
    }
    const done = client.replace('things', A, document('a.md', 'four'), { onProgress: failing })
    expect((await done.catch((error) => error)).message).toBe('no more')
    expect((await vectorsOf(client)).map(({ text }) => text)).toStrictEqual(['four'])
  })

  test('a collection that changes while texts are embedded has the rest embedded too', async () => {
    const asked: string[][] = []
    let during: () => Promise<unknown> = async () => {}
    const client = await things({
      embedder: async (texts) => {
        asked.push(texts)
        await during()
        return texts.map((text) => [1, text.length])
      },
    })
    const rows = document('a.md', 'one', 'two', 'three')
    await client.replace('things', A, document('a.md', 'one', 'two', '3'))
    asked.length = 0
    // Whatever it is asked for, another of the texts is gone by the time that it answers.
    const ids = ['a.md:0', 'a.md:1']
    during = async () => {
      const id = ids.shift()
      if (id) await client.deleteVector('things', id)
    }
    const report = await client.replace('things', A, rows)
    expect(asked).toStrictEqual([['three'], ['one', 'two']])
    expect(report).toMatchObject({ inserted: 2, updated: 1, unchanged: 0, deleted: 0 })
    expect((await vectorsOf(client)).map(({ text }) => text).toSorted()).toStrictEqual([
      'one',
      'three',
      'two',
    ])
  })

  test('an embedder that fails, or makes what cannot be kept, changes nothing', async () => {
    let answer: (texts: string[]) => number[][] = (texts) => texts.map(() => [1, 2])
    const client = await things({ embedder: (texts) => answer(texts) })
    await client.replace('things', A, document('a.md', 'one', 'two'))
    const before = await everything(client)
    const replace = () => rejection(client.replace('things', A, document('a.md', 'one', 'other')))
    answer = () => {
      throw new Error('no model')
    }
    const failed = await replace()
    expect(failed).toBeInstanceOf(EmbeddingError)
    expect(failed.message).toContain('no model')
    answer = () => [[1, 2, 3]]
    const wrong = await replace()
    expect(wrong).toBeInstanceOf(DimensionMismatchError)
    expect(wrong.message).toContain('what the embedder returned for rows[1].text has 3 dimensions')
    answer = untyped(() => [['1', '2']])
    expect((await replace()).message).toContain('what the embedder returned for rows[1].text')
    expect(await everything(client)).toStrictEqual(before)
  })

  test('close waits for one that is being embedded', async () => {
    let isAsked = () => {}
    const asked = new Promise<void>((resolve) => {
      isAsked = resolve
    })
    let answer = () => {}
    const client = await things({
      embedder: (texts) => {
        isAsked()
        return new Promise((resolve) => {
          answer = () => resolve(texts.map(() => [1, 2]))
        })
      },
    })
    const replacing = client.replace('things', A, document('a.md', 'one'))
    await asked
    const closing = client.close()
    answer()
    expect((await replacing).inserted).toBe(1)
    await closing
  })

  test('one that is cancelled while it is embedded changes nothing', async () => {
    const control = new AbortController()
    let asked = 0
    const client = await things({
      embedder: async (texts) => {
        if (++asked === 2) control.abort()
        return texts.map(() => [1, 2])
      },
    })
    await client.replace('things', A, document('a.md', 'one', 'two'))
    const before = await everything(client)
    const rows = document('a.md', ...Array.from({ length: 300 }, (_, i) => `text ${i}`))
    const done = client.replace('things', A, rows, { signal: control.signal })
    expect(await done.catch((error) => error)).toBe(control.signal.reason)
    expect(await everything(client)).toStrictEqual(before)
    expect(asked).toBe(2)
  })

  test('one that is cancelled when it was made has changed nothing', async () => {
    let client = await filled()
    let before = await everything(client)
    const data = Float32Array.of(1, 2)
    const rows = Array.from({ length: 20_000 }, (_, i) => ({ id: `${i}`, data, metadata: A }))
    await cancelled(
      (signal) => client.replace('things', A, rows, { signal }),
      async () => {
        client = await filled()
        before = await everything(client)
      },
    )
    // The next write has waited for what it was doing.
    await client.insertVectors('things', [])
    expect(await everything(client)).toStrictEqual(before)
  })
})

test('what is unchanged is not written, and what was there before is in no file', async () => {
  const { client, path } = store({ fsync: 'always' })
  await client.createCollection('things', { dimension: 64 })
  const logs = () =>
    readdirSync(join(path, 'collection-1'))
      .filter((name) => name.startsWith('log.'))
      .map((name) => statSync(join(path, 'collection-1', name)).size)
  const rows = document('a.md', 'the first of the texts', 'a text that changes', 'the last one of them')
  await client.replace('things', A, rows)
  const before = logs()
  expect((await client.replace('things', A, rows)).unchanged).toBe(3)
  expect(logs()).toStrictEqual(before)

  const old = [rows[1].text, rows[2].text].map((text) => Buffer.from(text))
  const first = Buffer.from(rows[0].text)
  expect(present(path, [...old, first])).toStrictEqual([...old, first])
  await client.replace('things', A, [rows[0], { ...rows[1], text: 'something else' }])
  expect(present(path, [...old, first])).toStrictEqual([first])
  await client.close()
  expect(present(path, [...old, first])).toStrictEqual([first])
  const again = opened({ path })
  expect((await vectorsOf(again)).map(({ text }) => text)).toStrictEqual([first.toString(), 'something else'])
})
