// Changing many vectors at once: `bulkUpdateMetadata`, a patch of what a filter matches, and
// `batchUpdateVectors`, updates of many ids.
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import {
  type ChangeProgress,
  CollectionNotFoundError,
  DimensionMismatchError,
  EmbeddingError,
  type InsertProgress,
  TooManyMatchesError,
  ValidationError,
  type VectorizerClient,
  type VectorizerClientOptions,
} from '../..'
import { cancelled } from '../support/cancelling'
import { everything, idsOf, client as opened } from '../support/collections'
import { present, store } from '../support/disk'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'

/** A time that no test will see. */
const LATER = Date.UTC(2100, 0, 1)
const A = { source: 'a.md' }
const B = { source: 'b.md' }
const vectorsOf = async (client: VectorizerClient) => (await client.listVectors('things', 0, 10_000)).vectors

/** An embedder that records the texts that it is given, and makes vectors of their lengths. */
function recorder() {
  const asked: string[][] = []
  const embedder = (texts: string[]) => {
    asked.push(texts)
    return texts.map((text) => [1, text.length])
  }
  return { asked, embedder }
}

const failing = () => {
  throw new RangeError('no more')
}

describe.each(['in memory', 'on disk'])('%s:', (where) => {
  const open = (options: VectorizerClientOptions = {}) =>
    where === 'on disk' ? store(options).client : opened(options)

  async function things(options: VectorizerClientOptions = {}) {
    const client = open(options)
    await client.createCollection('things', { dimension: 2, metric: 'euclidean' })
    return client
  }

  /** Three vectors of one document, and between them one of another and one without metadata. */
  async function filled(options: VectorizerClientOptions = {}) {
    const client = await things(options)
    await client.insertVectors('things', [
      { id: 'a:0', data: [1, 0], metadata: A, text: 'zero', expires_at: LATER },
      { id: 'b:0', data: [9, 9], metadata: B },
      { id: 'a:1', data: [1, 1], metadata: { ...A, page: 1, deep: { x: 1, y: [1, 2] } } },
      { id: 'none', data: [5, 5] },
      { id: 'a:2', data: [1, 2], metadata: { ...A, page: 2 } },
    ])
    return client
  }

  /** Many vectors: `old` is true of the first half. */
  async function many(count = 5000) {
    const client = await things()
    const ids = Array.from({ length: count }, (_, i) => `id ${i}`)
    const metadata = ids.map((_, i) => ({ i, old: i < count / 2 }))
    const data = new Float32Array(2 * count).fill(1)
    await client.insertVectors('things', { ids, data, metadata })
    return { client, ids }
  }

  describe('bulkUpdateMetadata', () => {
    test('changes the members that the patch names of all that matches, and nothing else', async () => {
      const { asked, embedder } = recorder()
      const client = await filled({ embedder })
      const report = await client.bulkUpdateMetadata('things', A, {
        page: 1,
        owner: 'ann',
        deep: { x: null, z: { new: true } },
      })
      expect(report).toStrictEqual({
        applied: true,
        scanned: 5,
        matched: 3,
        updated: 3,
        unchanged: 0,
        results: ['a:0', 'a:1', 'a:2'].map((id) => ({ id, status: 'updated' })),
      })
      const patched = { ...A, page: 1, owner: 'ann', deep: { z: { new: true } } }
      expect(await vectorsOf(client)).toStrictEqual([
        { id: 'a:0', data: Float32Array.of(1, 0), metadata: patched, text: 'zero', expires_at: LATER },
        { id: 'b:0', data: Float32Array.of(9, 9), metadata: B },
        {
          id: 'a:1',
          data: Float32Array.of(1, 1),
          metadata: { ...patched, deep: { y: [1, 2], z: { new: true } } },
        },
        { id: 'none', data: Float32Array.of(5, 5) },
        { id: 'a:2', data: Float32Array.of(1, 2), metadata: patched },
      ])
      expect(asked).toStrictEqual([])
    })

    // The examples of RFC 7396, as far as they are of objects.
    test.each<[before: object | undefined, patch: object, after: object | undefined]>([
      [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
      [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
      [{ a: 'b' }, { a: null }, {}],
      [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
      [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
      [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
      [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
      [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
      [{ e: null }, { a: 1 }, { e: null, a: 1 }],
      [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
      [{ a: 'text' }, { a: { b: 1, c: null } }, { a: { b: 1 } }],
      [{ a: [1] }, { a: { b: 1 } }, { a: { b: 1 } }],
      [{ a: { b: 1 } }, { a: [null, { c: null }] }, { a: [null, { c: null }] }],
      [undefined, { a: 1, b: null }, { a: 1 }],
      [undefined, { a: { b: null } }, { a: {} }],
      [undefined, { a: null }, undefined],
      [undefined, {}, undefined],
    ])('of %j by %j makes %j', async (metadata, patch, after) => {
      const client = await things()
      await client.insertVectors('things', [{ id: 'x', data: [1, 2], metadata }])
      const filter = { must: [{ has_id: ['x'] }] }
      const { updated } = await client.bulkUpdateMetadata('things', filter, patch)
      expect(updated).toBe(JSON.stringify(after) === JSON.stringify(metadata) ? 0 : 1)
      expect((await client.getVector('things', 'x')).metadata).toStrictEqual(after)
    })

    test('numbers and texts that it does not name are what they were, whatever their size', async () => {
      const client = await things()
      const metadata = {
        ...A,
        user: 1234567890123456789n,
        deep: { large: -9223372036854775808n, small: 1e-7, x: 1, float: 1e300 },
        text: 'é\u0000"\\ 😀',
      }
      await client.insertVectors('things', [{ id: 'x', data: [1, 2], metadata }])
      await client.bulkUpdateMetadata('things', A, { deep: { x: 18446744073709551615n } })
      const deep = { ...metadata.deep, x: 18446744073709551615n }
      expect((await client.getVector('things', 'x')).metadata).toStrictEqual({ ...metadata, deep })
      const same = { user: 1234567890123456789n }
      expect((await client.bulkUpdateMetadata('things', A, same)).unchanged).toBe(1)
      const next = { user: 1234567890123456788n }
      expect((await client.bulkUpdateMetadata('things', A, next)).updated).toBe(1)
    })

    test('takes dates as they are stored, and members of any name', async () => {
      const client = await filled()
      const patch = JSON.parse('{ "__proto__": { "x": 1 }, "": 1, "a.b": 2, "constructor": null }')
      patch.at = new Date(0)
      await client.bulkUpdateMetadata('things', { page: 2 }, patch)
      const { metadata } = await client.getVector('things', 'a:2')
      const expected = JSON.parse('{ "source": "a.md", "page": 2, "__proto__": { "x": 1 }, "": 1, "a.b": 2 }')
      expected.at = '1970-01-01T00:00:00.000Z'
      expect(Object.entries(metadata ?? {}).sort()).toStrictEqual(Object.entries(expected).sort())
    })

    test('a vector that stays as it is is told as unchanged', async () => {
      const client = await filled()
      const patch = { page: 2, deep: null, missing: null }
      const report = await client.bulkUpdateMetadata('things', { page: { $exists: true } }, patch)
      expect(report).toMatchObject({ matched: 2, updated: 1, unchanged: 1 })
      expect(report.results).toStrictEqual([
        { id: 'a:1', status: 'updated' },
        { id: 'a:2', status: 'unchanged' },
      ])
      const again = await client.bulkUpdateMetadata('things', { page: { $exists: true } }, patch)
      expect(again).toMatchObject({ applied: true, updated: 0, unchanged: 2 })
      expect((await client.bulkUpdateMetadata('things', A, {})).unchanged).toBe(3)
    })

    test('where nothing matches, changes nothing and names the fields that no vector has', async () => {
      const client = await filled()
      const before = await everything(client)
      expect(await client.bulkUpdateMetadata('things', { sourc: 'a.md' }, { page: 9 })).toStrictEqual({
        applied: true,
        scanned: 5,
        matched: 0,
        updated: 0,
        unchanged: 0,
        results: [],
        unknownFields: ['sourc'],
      })
      expect(await everything(client)).toStrictEqual(before)
    })

    test('filters, searches and counts go by the new metadata at once', async () => {
      const client = await filled()
      expect([await client.count('things', A), await client.count('things', B)]).toStrictEqual([3, 1])
      await client.bulkUpdateMetadata('things', { page: 1 }, B)
      expect([await client.count('things', A), await client.count('things', B)]).toStrictEqual([2, 2])
      const found = await client.search('things', [1, 1], { filter: B })
      expect(found.map(({ id }) => id)).toStrictEqual(['a:1', 'b:0'])
      await client.optimize('things')
      expect(await client.count('things', { page: 1 })).toBe(1)
    })

    test('a dry run reports the same and changes nothing', async () => {
      const client = await filled()
      const before = await everything(client)
      const dry = await client.bulkUpdateMetadata('things', A, { page: 1 }, { dryRun: true })
      expect(dry).toStrictEqual({
        applied: false,
        scanned: 5,
        matched: 3,
        updated: 2,
        unchanged: 1,
        results: [
          { id: 'a:0', status: 'updated' },
          { id: 'a:1', status: 'unchanged' },
          { id: 'a:2', status: 'updated' },
        ],
      })
      expect(await everything(client)).toStrictEqual(before)
      const done = await client.bulkUpdateMetadata('things', A, { page: 1 }, { dryRun: false })
      expect(done).toStrictEqual({ ...dry, applied: true })
    })

    test.each([
      [{ atMost: 2 }, 'options.atMost is 2'],
      [{ expect: 2 }, 'options.expect is 2'],
      [{ expect: 4 }, 'options.expect is 4'],
      [{ atMost: 2, dryRun: true }, 'options.atMost is 2'],
    ])('with %j changes no other number, and changes nothing', async (options, named) => {
      const client = await filled()
      const before = await everything(client)
      const error = await rejection(client.bulkUpdateMetadata('things', A, { page: 1 }, options))
      expect(error).toBeInstanceOf(TooManyMatchesError)
      expect(error.message).toContain(named)
      expect(error.message).toContain('the filter matches 3 vectors')
      expect((error as TooManyMatchesError).report).toStrictEqual(
        await client.bulkUpdateMetadata('things', A, { page: 1 }, { dryRun: true }),
      )
      expect(await everything(client)).toStrictEqual(before)
    })

    test('guards count what matches, and not what changes', async () => {
      const client = await filled()
      const options = { atMost: 3, expect: 3 }
      expect((await client.bulkUpdateMetadata('things', A, { page: 1 }, options)).updated).toBe(2)
      expect((await client.bulkUpdateMetadata('things', A, { page: 1 }, options)).updated).toBe(0)
    })

    test('what is no filter, no patch or no option is refused by name', async () => {
      const client = await filled()
      const before = await everything(client)
      const patch = (...args: unknown[]) => rejection(untyped(client).bulkUpdateMetadata('things', ...args))
      for (const filter of [{}, null, undefined, [], 'a.md', { source: [] }, { source: undefined }]) {
        const error = await patch(filter, { page: 1 })
        expect(error).toBeInstanceOf(ValidationError)
        expect(error.message).toMatch(/^filter/)
      }
      const patches: [unknown, string][] = [
        [undefined, 'patch: expected a plain object, got undefined'],
        [null, 'patch: expected a plain object, got null'],
        [[], 'patch: expected a plain object, got an array'],
        ['text', 'patch: expected a plain object, got string'],
        [new Map(), 'patch: expected a plain object, got Map'],
        [{ page: undefined }, 'patch.page: undefined would change nothing: give null to remove it'],
        [{ deep: { x: undefined } }, 'patch.deep.x: undefined would change nothing'],
        [{ deep: [undefined] }, 'patch.deep[0]: expected a JSON value, got undefined'],
        [{ page: Number.NaN }, 'patch.page: expected a finite number'],
        [{ page: -0 }, 'patch.page: -0 would be read back as 0'],
        [{ page: 5n }, 'patch.page: 5n would be read back as the number 5'],
        [{ page: () => 1 }, 'patch.page: expected a JSON value'],
        [{ page: new Set() }, 'patch.page: expected a plain object'],
        [{ [Symbol('page')]: 1 }, 'patch: keys'],
        [{ page: '\ud800' }, 'patch.page: a lone surrogate'],
        [{ page: 'x'.repeat(2 ** 20) }, 'patch is 1048587 bytes long; the limit is 1048576'],
      ]
      for (const [given, named] of patches) {
        const error = await patch(A, given)
        expect(error).toBeInstanceOf(ValidationError)
        expect(error.message).toContain(named)
      }
      const options: [string, unknown][] = [
        ['options.unkown: unknown; use dryRun, atMost, expect, onProgress, signal', { unkown: 1 }],
        ['options.dry_run: unknown', { dry_run: true }],
        ['options.receipt: unknown', { receipt: true }],
        ['options.dryRun', { dryRun: null }],
        ['options.dryRun', { dryRun: 'yes' }],
        ['options.atMost', { atMost: -1 }],
        ['options.expect', { expect: 1.5 }],
        ['options.onProgress', { onProgress: true }],
        ['options', null],
      ]
      for (const [named, given] of options) {
        const error = await patch(A, { page: 1 }, given)
        expect(error).toBeInstanceOf(ValidationError)
        expect(error.message).toContain(named)
      }
      const nowhere = await rejection(client.bulkUpdateMetadata('nowhere', A, { page: 1 }))
      expect(nowhere).toBeInstanceOf(CollectionNotFoundError)
      expect(await everything(client)).toStrictEqual(before)
    })

    test('that of many is whole, and in insertion order', async () => {
      const { client, ids } = await many()
      const report = await client.bulkUpdateMetadata('things', { old: true }, { old: null, was: 'old' })
      expect(report).toMatchObject({ scanned: 5000, matched: 2500, updated: 2500 })
      expect(report.results.map(({ id }) => id)).toStrictEqual(ids.slice(0, 2500))
      expect(await client.count('things', { was: 'old' })).toBe(2500)
      expect(await client.count('things', { old: { $exists: true } })).toBe(2500)
      expect(await idsOf(client)).toStrictEqual(ids)
    })

    test('is seen as a whole: no list has some of the old metadata and some of the new', async () => {
      const client = await things()
      const data = Float32Array.of(1, 2)
      const rows = Array.from({ length: 20 }, (_, i) => ({ id: `${i}`, data, metadata: { ...A, v: 0 } }))
      await client.insertVectors('things', rows)
      let isDone = false
      const writing = (async () => {
        for (let v = 1; v <= 30; v++) await client.bulkUpdateMetadata('things', A, { v })
        isDone = true
      })()
      while (!isDone) {
        expect(new Set((await vectorsOf(client)).map(({ metadata }) => metadata?.v)).size).toBe(1)
        await turn()
      }
      await writing
    })

    test('takes what the filter, the patch and the options were when it was called', async () => {
      const { client } = await many()
      const [filter, patch, options] = [{ old: true }, { deep: { v: 1 } }, { expect: 2500 }]
      const patching = client.bulkUpdateMetadata('things', filter, patch, options)
      filter.old = false
      patch.deep.v = 2
      options.expect = 7
      expect((await patching).updated).toBe(2500)
      expect(await client.count('things', { old: true, 'deep.v': 1 })).toBe(2500)
    })

    test('tells of its progress, and rejects with what its listener throws', async () => {
      const { client } = await many()
      const seen: ChangeProgress[] = []
      const onProgress = (progress: ChangeProgress) => seen.push(progress)
      await client.bulkUpdateMetadata('things', { old: true }, { v: 1 }, { onProgress })
      expect(seen.length).toBeGreaterThan(0)
      expect(new Set(seen.map(({ phase }) => phase))).toStrictEqual(new Set(['patch']))
      expect(seen.at(-1)).toStrictEqual({ phase: 'patch', done: 2500, total: 2500 })
      const done = client.bulkUpdateMetadata('things', { old: true }, { v: 2 }, { onProgress: failing })
      expect((await done.catch((error) => error)).message).toBe('no more')
      expect(await client.count('things', { v: 2 })).toBe(2500)
    })

    test('one that is cancelled when it was made has changed nothing', async () => {
      const { client } = await many(20_000)
      const all = { i: { $gte: 0 } }
      await cancelled(
        (signal) => client.bulkUpdateMetadata('things', all, { v: 1 }, { signal }),
        () => client.bulkUpdateMetadata('things', all, { v: null }),
      )
      // The next write has waited for what it was doing.
      await client.insertVectors('things', [])
      expect(await client.count('things', { v: 1 })).toBe(0)
    })

    test('of a handle is checked by the type of its metadata, and does the same', async () => {
      const client = await filled()
      const docs = await client.collection<{ source: string; page?: number }>('things')
      expect((await docs.bulkUpdateMetadata({ page: 2 }, { page: null })).updated).toBe(1)
      expect((await docs.getVector('a:2')).metadata).toStrictEqual(A)
    })
  })

  describe('batchUpdateVectors', () => {
    test('replaces the given parts of all that exists, and reports what does not', async () => {
      const client = await filled()
      const report = await client.batchUpdateVectors('things', [
        { id: 'a:2', metadata: { new: true } },
        { id: 'nobody', metadata: {} },
        { id: 'a:0', expires_at: null },
        { id: 'none', data: [7, 7], text: 'seven', expires_at: new Date(LATER) },
      ])
      const error = 'vector not found'
      expect(report).toStrictEqual({
        success: false,
        collection: 'things',
        operation: 'batch_update_vectors',
        total_operations: 4,
        successful_operations: 3,
        failed_operations: 1,
        duration_ms: expect.any(Number),
        errors: ["there is no vector 'nobody' in collection 'things'"],
        results: [
          { id: 'a:2', index: 0, status: 'ok' },
          { id: 'nobody', index: 1, status: 'error', error },
          { id: 'a:0', index: 2, status: 'ok' },
          { id: 'none', index: 3, status: 'ok' },
        ],
      })
      expect(await vectorsOf(client)).toStrictEqual([
        { id: 'a:0', data: Float32Array.of(1, 0), metadata: A, text: 'zero' },
        { id: 'b:0', data: Float32Array.of(9, 9), metadata: B },
        {
          id: 'a:1',
          data: Float32Array.of(1, 1),
          metadata: { ...A, page: 1, deep: { x: 1, y: [1, 2] } },
        },
        { id: 'none', data: Float32Array.of(7, 7), text: 'seven', expires_at: LATER },
        { id: 'a:2', data: Float32Array.of(1, 2), metadata: { new: true } },
      ])
    })

    test('does what as many calls of updateVector do', async () => {
      const [one, other] = [await filled(), await filled()]
      const updates = [
        { id: 'b:0', text: 'a text', data: [3, 4] },
        { id: 'a:1', metadata: { x: [1, { y: null }] }, data: Float32Array.of(1, 5) },
        { id: 'a:0', text: 'nought', metadata: {}, data: [0, 0] },
        { id: 'none', expires_at: '2099-12-31T23:00:00-01:00' },
      ]
      const { success, errors } = await one.batchUpdateVectors('things', { updates })
      expect([success, errors]).toStrictEqual([true, []])
      for (const { id, ...update } of updates) await other.updateVector('things', id, update)
      expect(await vectorsOf(one)).toStrictEqual(await vectorsOf(other))
    })

    test('embeds the texts that come without values, in one call', async () => {
      const { asked, embedder } = recorder()
      const client = await filled({ embedder })
      await client.batchUpdateVectors('things', [
        { id: 'a:1', text: 'one' },
        { id: 'b:0', text: 'given', data: [4, 4] },
        { id: 'none', metadata: A },
        { id: 'a:0', text: 'three' },
      ])
      expect(asked).toStrictEqual([['one', 'three']])
      const rows = (await vectorsOf(client)).map(({ id, data, text }) => [id, [...data], text])
      expect(rows).toStrictEqual([
        ['a:0', [1, 5], 'three'],
        ['b:0', [4, 4], 'given'],
        ['a:1', [1, 3], 'one'],
        ['none', [5, 5], undefined],
        ['a:2', [1, 2], undefined],
      ])
    })

    test('embeds with the built-in embedder as inserts do', async () => {
      const client = open()
      await client.createCollection('things', { dimension: 64 })
      await client.createCollection('others', { dimension: 64 })
      const texts = ['red apples', 'green pears'].map((text, i) => ({ id: `${i}`, text }))
      await client.insertTexts('others', texts)
      await client.insertTexts('things', [
        { id: '0', text: 'x' },
        { id: '1', text: 'y' },
      ])
      await client.batchUpdateVectors('things', texts)
      expect(await vectorsOf(client)).toStrictEqual((await client.listVectors('others')).vectors)
    })

    test('of no updates changes nothing', async () => {
      const client = await filled()
      const before = await everything(client)
      expect(await client.batchUpdateVectors('things', [])).toMatchObject({
        success: true,
        total_operations: 0,
        results: [],
      })
      expect(await everything(client)).toStrictEqual(before)
    })

    test('one that is wrong is refused by its place, and none is done', async () => {
      const { asked, embedder } = recorder()
      for (const client of [await filled(), await filled({ embedder })]) {
        const before = await everything(client)
        const fine = { id: 'a:0', metadata: { fine: true } }
        const refused: [unknown, string][] = [
          [{ id: 'a:1' }, 'updates[1]: there is nothing to update'],
          [{ metadata: {} }, 'updates[1].id: expected a string, got undefined'],
          [{ id: 5, metadata: {} }, 'updates[1].id: expected a string, got 5'],
          [{ id: 'a:0', metadata: {} }, 'updates[1].id is that of updates[0] too'],
          [{ id: 'a:0', text: 'a' }, 'updates[1].id is that of updates[0] too'],
          [
            { id: 'a:1', vector: [1, 2] },
            'updates[1].vector: unknown; use id, data, text, metadata, expires_at',
          ],
          [{ id: 'a:1', data: [1, 2, 3] }, 'updates[1].data has 3 dimensions'],
          [{ id: 'a:1', data: ['1', 2] }, 'updates[1].data[0]: expected a number'],
          [{ id: 'a:1', data: [1, Number.NaN] }, 'updates[1].data[1] is NaN'],
          [{ id: 'a:1', data: null }, 'updates[1].data: expected an array'],
          [{ id: 'a:1', text: '' }, 'updates[1].text: is empty'],
          [{ id: 'a:1', text: null }, 'updates[1].text: expected a string, got null'],
          [{ id: 'a:1', metadata: null }, 'updates[1].metadata'],
          [{ id: 'a:1', metadata: [] }, 'updates[1].metadata'],
          [{ id: 'a:1', metadata: { n: Number.NaN } }, 'updates[1].metadata.n: expected a finite number'],
          [{ id: 'a:1', expires_at: 'soon' }, 'updates[1].expires_at: is no time'],
          [{ id: 'a:1', expires_at: -1 }, 'updates[1].expires_at'],
          [null, 'updates[1]: expected a plain object'],
        ]
        for (const [update, named] of refused) {
          const error = await rejection(untyped(client).batchUpdateVectors('things', [fine, update]))
          expect(['VALIDATION_ERROR', 'DIMENSION_MISMATCH']).toContain(error.code)
          expect(error.message).toContain(named)
        }
        expect(await everything(client)).toStrictEqual(before)
      }
      expect(asked).toStrictEqual([])
    })

    test('what is no list or no option is refused by name', async () => {
      const client = untyped(await filled())
      for (const updates of [null, undefined, 'updates', 5, new Set(), {}, { updates: null }]) {
        const { message } = await rejection(client.batchUpdateVectors('things', updates))
        expect(message).toMatch(/^updates: expected an array/)
      }
      const strange = await rejection(client.batchUpdateVectors('things', { updates: [], options: {} }))
      expect(strange.message).toBe('updates.options: unknown; use updates')
      const options: [string, unknown][] = [
        ['options.unkown: unknown; use onProgress, signal', { unkown: 1 }],
        ['options.dryRun: unknown', { dryRun: true }],
        ['options.onProgress: expected a function', { onProgress: true }],
        ['options', null],
      ]
      for (const [named, given] of options) {
        const error = await rejection(client.batchUpdateVectors('things', [], given))
        expect(error).toBeInstanceOf(ValidationError)
        expect(error.message).toContain(named)
      }
      const nowhere = await rejection(client.batchUpdateVectors('nowhere', []))
      expect(nowhere).toBeInstanceOf(CollectionNotFoundError)
    })

    test('an embedder that fails, or makes what cannot be kept, changes nothing', async () => {
      let answer: (texts: string[]) => number[][] = (texts) => texts.map(() => [1, 2])
      const client = await filled({ embedder: (texts) => answer(texts) })
      const before = await everything(client)
      const update = () => {
        const updates = [
          { id: 'a:0', metadata: {} },
          { id: 'a:1', text: 'text' },
        ]
        return rejection(client.batchUpdateVectors('things', updates))
      }
      answer = () => {
        throw new Error('no model')
      }
      const failed = await update()
      expect(failed).toBeInstanceOf(EmbeddingError)
      expect(failed.message).toContain('no model')
      answer = () => [[1, 2, 3]]
      const wrong = await update()
      expect(wrong).toBeInstanceOf(DimensionMismatchError)
      expect(wrong.message).toContain('what the embedder returned for updates[1].text has 3 dimensions')
      answer = untyped(() => [['1', '2']])
      expect((await update()).message).toContain('what the embedder returned for updates[1].text')
      expect(await everything(client)).toStrictEqual(before)
    })

    test('takes what the updates were when it was called', async () => {
      const { embedder } = recorder()
      const client = await filled({ embedder })
      const data = Float32Array.of(2, 2)
      const updates = [
        { id: 'a:0', data, metadata: { v: 1 } },
        { id: 'a:1', text: 'one' },
      ]
      const updating = client.batchUpdateVectors('things', updates)
      data.fill(9)
      updates[0].metadata = { v: 9 }
      updates[1].text = 'changed'
      updates.pop()
      expect((await updating).successful_operations).toBe(2)
      const [a0, , a1] = await vectorsOf(client)
      expect(a0).toMatchObject({ data: Float32Array.of(2, 2), metadata: { v: 1 } })
      expect(a1).toMatchObject({ data: Float32Array.of(1, 3), text: 'one' })
    })

    test('tells of its progress, and rejects with what its listener throws', async () => {
      const { embedder } = recorder()
      const client = await filled({ embedder })
      const updates = [
        { id: 'a:0', text: 'one' },
        { id: 'a:1', text: 'two' },
        { id: 'a:2', data: [1, 1] },
      ]
      const seen: InsertProgress[] = []
      await client.batchUpdateVectors('things', updates, { onProgress: (progress) => seen.push(progress) })
      expect(seen).toContainEqual({ phase: 'embed', done: 2, total: 2 })
      expect(seen.at(-1)).toStrictEqual({ phase: 'insert', done: 3, total: 3 })
      const done = client.batchUpdateVectors('things', [{ id: 'b:0', data: [8, 8] }], { onProgress: failing })
      expect((await done.catch((error) => error)).message).toBe('no more')
      expect((await client.getVector('things', 'b:0')).data).toStrictEqual(Float32Array.of(8, 8))
    })

    test('one that is cancelled while it is embedded changes nothing, and close waits for one', async () => {
      let answer: (() => void) | undefined
      const client = await filled({
        embedder: (texts) =>
          new Promise((resolve) => {
            answer = () => resolve(texts.map(() => [1, 2]))
          }),
      })
      const before = await everything(client)
      const control = new AbortController()
      const update = [{ id: 'a:0', text: 'one' }]
      const cancelled = client.batchUpdateVectors('things', update, { signal: control.signal })
      const ended = cancelled.catch((error) => error)
      while (!answer) await turn()
      control.abort()
      expect(await ended).toBe(control.signal.reason)
      ;(answer as () => void)()
      expect(await everything(client)).toStrictEqual(before)

      answer = undefined
      const updating = client.batchUpdateVectors('things', update)
      while (!answer) await turn()
      const closing = client.close()
      ;(answer as () => void)()
      expect((await updating).success).toBe(true)
      await closing
    })

    test('that of many is whole', async () => {
      const { client, ids } = await many()
      const updates = ids.map((id, i) => ({ id: i % 10 === 0 ? `no ${id}` : id, data: [i, i] }))
      const report = await client.batchUpdateVectors('things', updates)
      expect(report).toMatchObject({ success: false, successful_operations: 4500, failed_operations: 500 })
      expect(report.results.filter(({ status }) => status === 'ok')).toHaveLength(4500)
      const rows = await vectorsOf(client)
      expect(rows.map(({ id }) => id)).toStrictEqual(ids)
      expect(rows.every(({ data }, i) => data[0] === (i % 10 === 0 ? 1 : i))).toBe(true)
      await client.optimize('things')
      expect((await client.search('things', [4321, 4321], { limit: 1 }))[0].id).toBe('id 4321')
    })

    test('of a handle does the same', async () => {
      const client = await filled()
      const docs = await client.collection<{ source: string } | undefined>('things')
      const { success } = await docs.batchUpdateVectors([{ id: 'none', metadata: B }])
      expect([success, (await docs.getVector('none')).metadata]).toStrictEqual([true, B])
    })
  })

  describe('replace', () => {
    const expiries = async (client: VectorizerClient) =>
      (await vectorsOf(client)).map(({ id, expires_at }) => [id, expires_at])
    const row = (id: string, expires_at?: Date | number | null) => ({
      id,
      data: [1, Number(id.at(-1))],
      metadata: A,
      ...(expires_at === undefined ? {} : { expires_at }),
    })

    test('gives rows the expiry that they say, or else the one of the call', async () => {
      const client = await things()
      const rows = [row('a:0', new Date(LATER)), row('a:1'), row('a:2', null)]
      const first = await client.replace('things', A, rows)
      expect([first.inserted, await expiries(client)]).toStrictEqual([
        3,
        [
          ['a:0', LATER],
          ['a:1', undefined],
          ['a:2', undefined],
        ],
      ])
      const again = await client.replace('things', A, rows, { expires_at: LATER + 1 })
      expect(again).toMatchObject({ updated: 1, unchanged: 2, ids: { updated: ['a:1'] } })
      expect(await expiries(client)).toStrictEqual([
        ['a:0', LATER],
        ['a:1', LATER + 1],
        ['a:2', undefined],
      ])
    })

    test('without one leaves what is there its own, and with null takes it away', async () => {
      const client = await things()
      const rows = ['a:0', 'a:1'].map((id) => row(id))
      await client.replace('things', A, rows, { expires_at: LATER })
      expect(await client.replace('things', A, rows)).toMatchObject({ unchanged: 2 })
      const changed = rows.map((one) => ({ ...one, text: 'new' }))
      expect(await client.replace('things', A, changed)).toMatchObject({ updated: 2 })
      expect((await expiries(client)).map(([, at]) => at)).toStrictEqual([LATER, LATER])
      expect(await client.replace('things', A, changed, { expires_at: null })).toMatchObject({ updated: 2 })
      expect((await expiries(client)).map(([, at]) => at)).toStrictEqual([undefined, undefined])
    })

    test('embeds no text again whose expiry alone has changed', async () => {
      const { asked, embedder } = recorder()
      const client = await things({ embedder })
      const text = (id: string, expires_at?: number) => ({ id, text: `text ${id}`, metadata: A, expires_at })
      await client.replace('things', A, [text('a'), text('b')])
      const dry = await client.replace('things', A, [text('a', LATER), text('b')], { dryRun: true })
      expect(dry).toMatchObject({ updated: 1, unchanged: 1 })
      expect(await client.replace('things', A, [text('a', LATER), text('b')])).toMatchObject({ updated: 1 })
      expect(asked).toStrictEqual([['text a', 'text b']])
      expect(await expiries(client)).toStrictEqual([
        ['a', LATER],
        ['b', undefined],
      ])
    })

    test('refuses what is no time, by its place', async () => {
      const client = untyped(await things())
      const data = [1, 2]
      const refused: [unknown[], string][] = [
        [
          [[row('a:0'), { id: 'b', data, metadata: A, expires_at: 'soon' }]],
          'rows[1].expires_at: is no time',
        ],
        [[[{ id: 'b', text: 'b', metadata: A, expires_at: -1 }]], 'rows[0].expires_at'],
        [[[], { expires_at: true }], 'options.expires_at: expected a Date'],
      ]
      for (const [args, named] of refused) {
        const error = await rejection(client.replace('things', A, ...args))
        expect(error).toBeInstanceOf(ValidationError)
        expect(error.message).toContain(named)
      }
    })
  })
})

/** The sizes of a collection's logs. */
const logsOf = (path: string) =>
  readdirSync(join(path, 'collection-1'))
    .filter((name) => name.startsWith('log.'))
    .map((name) => statSync(join(path, 'collection-1', name)).size)

test('nothing is written for what is unchanged, and of the metadata before nothing is left in any file', async () => {
  const { client, path } = store({ fsync: 'always' })
  await client.createCollection('things', { dimension: 2 })
  const old = 'the former owner of it'
  const [kept, added] = ['what stays as it is', 'the owner from now on']
  const rows = Array.from({ length: 3 }, (_, i) => ({
    id: `${i}`,
    data: [1, i],
    metadata: { ...A, owner: old, kept },
  }))
  await client.insertVectors('things', rows)
  const before = logsOf(path)
  await client.bulkUpdateMetadata('things', A, { owner: old })
  await client.bulkUpdateMetadata('things', A, { owner: added }, { dryRun: true })
  expect(logsOf(path)).toStrictEqual(before)

  const texts = [old, kept, added].map((text) => Buffer.from(text))
  expect(present(path, texts)).toStrictEqual(texts.slice(0, 2))
  await client.bulkUpdateMetadata('things', A, { owner: added })
  expect(present(path, texts)).toStrictEqual(texts.slice(1))
  expect(await client.verifyErased('things', [])).toStrictEqual({ verified: true, residues: [] })
  await client.batchUpdateVectors(
    'things',
    rows.map(({ id }) => ({ id, metadata: { ...A, owner: added } })),
  )
  expect(present(path, texts)).toStrictEqual(texts.slice(2))
  await client.close()
  expect(present(path, texts)).toStrictEqual(texts.slice(2))
  const again = opened({ path })
  const held = (await vectorsOf(again)).map(({ metadata }) => metadata)
  expect(held).toStrictEqual(Array(3).fill({ ...A, owner: added }))
})
