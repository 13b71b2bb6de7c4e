import {
  CollectionNotFoundError,
  type DeleteByFilterReport,
  type Filter,
  type RefusedDeleteReport,
  TooManyMatchesError,
  ValidationError,
  VectorizerError,
  VectorNotFoundError,
} from '../..'
import { everything } from '../support/collections'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'
import { engines } from './engines'

describe.each(engines)('deleteVector of the client that is %s', (_, ready) => {
  const engine = ready()

  test('a deleted vector is found by no read', async () => {
    const client = await engine.holding('a', 'b', 'c')
    expect(await client.deleteVector('things', 'b')).toBeUndefined()

    await expect(client.getVector('things', 'b')).rejects.toBeInstanceOf(VectorNotFoundError)
    expect((await client.search('things', [1, 1])).map(({ id }) => id)).toStrictEqual(['c', 'a'])
    expect((await client.searchBatch('things', [[1, 1]]))[0].map(({ id }) => id)).toStrictEqual(['c', 'a'])
    expect(await engine.idsOf(client)).toStrictEqual(['a', 'c'])
    expect((await client.listVectors('things')).total).toBe(2)
    expect(await client.count('things')).toBe(2)
    expect(await client.count('things', { name: 'b' })).toBe(0)
    expect((await client.getCollectionInfo('things')).vector_count).toBe(2)
  })

  test('what is not there rejects, also the second time, and by its name', async () => {
    const client = await engine.holding('a')
    const error = await rejection(client.deleteVector('things', 'nobody'))
    expect(error).toBeInstanceOf(VectorNotFoundError)
    expect(error.message).toContain("'nobody'")
    expect(error.message).toContain("'things'")
    await expect(client.deleteVector('things', '')).rejects.toBeInstanceOf(VectorNotFoundError)
    await client.deleteVector('things', 'a')
    await expect(client.deleteVector('things', 'a')).rejects.toBeInstanceOf(VectorNotFoundError)
    await expect(client.deleteVector('nowhere', 'a')).rejects.toBeInstanceOf(CollectionNotFoundError)
  })

  test('a deleted id can be inserted again', async () => {
    const client = await engine.holding('a', 'b', 'c')
    await client.deleteVector('things', 'a')
    await client.insertVectors('things', [{ id: 'a', data: [0, 1] }])
    expect(await client.getVector('things', 'a')).toStrictEqual({ id: 'a', data: Float32Array.of(0, 1) })
    expect(await engine.idsOf(client)).toStrictEqual(engine.arranged(['b', 'c', 'a']))
  })

  test('a collection can be emptied and filled over and over', async () => {
    const client = await engine.things()
    for (let round = 0; round < (engine.isEmbedded ? 50 : 10); round++) {
      await client.insertVectors('things', [
        { id: 'a', data: [1, round], metadata: { round } },
        { id: `b${round}`, data: [round, 1] },
      ])
      expect((await client.getVector('things', 'a')).metadata).toStrictEqual({ round })
      await client.deleteVector('things', 'a')
      await client.deleteVector('things', `b${round}`)
    }
    expect(await client.search('things', [1, 1])).toStrictEqual([])
    expect(await client.count('things')).toBe(0)
  })
})

describe.each(engines)('deletes of many with the client that is %s', (_, ready) => {
  const engine = ready()

  test.each(['batchDelete', 'deleteVectors'] as const)(
    'the report of %s has a row for each id in the order of the request',
    async (batchDelete) => {
      const client = await engine.holding('a', 'b', 'c', 'd')
      expect(await client[batchDelete]('things', ['c', 'nobody', 'a', 'c', 'a', 'nobody'])).toStrictEqual({
        collection: 'things',
        count: 6,
        deleted: 2,
        failed: 4,
        results: [
          { id: 'c', index: 0, status: 'ok' },
          { id: 'nobody', index: 1, status: 'error', error: expect.stringMatching(/not found/) },
          { id: 'a', index: 2, status: 'ok' },
          { id: 'c', index: 3, status: 'error', error: expect.stringMatching(/repeated.*\b0$/) },
          { id: 'a', index: 4, status: 'error', error: expect.stringMatching(/repeated.*\b2$/) },
          { id: 'nobody', index: 5, status: 'error', error: expect.stringMatching(/not found/) },
        ],
      })
      expect(await engine.idsOf(client)).toStrictEqual(['b', 'd'])
    },
  )

  test.each(['batchDelete', 'deleteVectors'] as const)(
    'an empty list of %s deletes nothing and resolves with zeros',
    async (batchDelete) => {
      const client = await engine.holding('a')
      const nothing = { collection: 'things', count: 0, deleted: 0, failed: 0, results: [] }
      expect(await client[batchDelete]('things', [])).toStrictEqual(nothing)
      expect(await client.count('things')).toBe(1)
      await expect(client[batchDelete]('nowhere', [])).rejects.toBeInstanceOf(CollectionNotFoundError)
    },
  )

  test.each(['batchDelete', 'deleteVectors'] as const)(
    'an id that no vector can have is missing like any other to %s, in the same words',
    async (batchDelete) => {
      const client = await engine.holding('a')
      const [, embedded] = engines[0]
      const same = await embedded().holding('a')
      const ids = ['', 'a', 'x'.repeat(2000), 'a', 'nobody', '']
      const report = await client[batchDelete]('things', ids)
      const statuses = ['error', 'ok', 'error', 'error', 'error', 'error']
      expect(report.results.map(({ status }) => status)).toStrictEqual(statuses)
      expect(report).toStrictEqual(await same[batchDelete]('things', ids))
    },
  )

  test.each(['batchDelete', 'deleteVectors'] as const)(
    'where an entry of %s is no string, its index is named and nothing is deleted',
    async (batchDelete) => {
      const client = await engine.holding('a', 'b', 'c')
      const before = await everything(client)
      for (const entry of [7, null, undefined, { id: 'a' }, ['a'], Object('a'), Symbol('a'), '\ud800']) {
        const error = await rejection(untyped(client)[batchDelete]('things', ['a', 'b', entry]))
        expect(error).toBeInstanceOf(ValidationError)
        expect(error.message).toContain('[2]')
      }
      const holed = ['a']
      holed[2] = 'b'
      expect((await rejection(client[batchDelete]('things', holed))).message).toContain('[1]')
      expect(await everything(client)).toStrictEqual(before)
    },
  )

  test.each(['batchDelete', 'deleteVectors'] as const)(
    'thousands are deleted in one call of %s, with a row for each',
    async (batchDelete) => {
      const client = await engine.things()
      const count = engine.isEmbedded ? 10_000 : 3000
      const ids = Array.from({ length: count }, (_, i) => `id ${i}`)
      await client.insertVectors('things', { ids, data: new Float32Array(2 * count).fill(1) })
      const odd = ids.filter((_, i) => i % 2 === 1)
      const report = await client[batchDelete]('things', odd)

      expect(report.deleted).toBe(count / 2)
      expect(report.results).toStrictEqual(odd.map((id, index) => ({ id, index, status: 'ok' })))
      const left = ids.filter((_, i) => i % 2 === 0)
      expect(await engine.idsOf(client)).toStrictEqual(engine.arranged(left))
    },
  )

  test('keep what the ids were when they were called', async () => {
    const client = await engine.holding('a', 'b')
    const ids = ['a']
    const deleting = client.batchDelete('things', ids)
    ids[0] = 'b'
    expect((await deleting).results).toStrictEqual([{ id: 'a', index: 0, status: 'ok' }])
    expect(await engine.idsOf(client)).toStrictEqual(['b'])
  })
})

describe.each(engines)('deleteByFilter of the client that is %s', (_, ready) => {
  const engine = ready()

  test('the report has what was considered and what matched', async () => {
    const client = await engine.holding('d', 'c', 'b', 'a')
    const { results, ...report } = await client.deleteByFilter('things', { place: { $gte: 1, $lt: 3 } })
    expect(report).toStrictEqual({ scanned: 4, matched: 2, deleted: 2 })
    expect(engine.arranged(results)).toStrictEqual(
      engine.arranged([
        { id: 'c', status: 'deleted' },
        { id: 'b', status: 'deleted' },
      ]),
    )
    expect(await engine.idsOf(client)).toStrictEqual(engine.arranged(['d', 'a']))
    expect(await client.count('things', { place: { $gte: 1, $lt: 3 } })).toBe(0)
  })

  test('a dry run reports the same with status "matched", and deletes nothing', async () => {
    const client = await engine.holding('a', 'b', 'c')
    const before = await everything(client)
    expect(await client.deleteByFilter('things', { name: ['a', 'c'] }, { dryRun: true })).toStrictEqual({
      scanned: 3,
      matched: 2,
      deleted: 0,
      results: [
        { id: 'a', status: 'matched' },
        { id: 'c', status: 'matched' },
      ],
    })
    expect(await everything(client)).toStrictEqual(before)
  })

  test('dryRun: false, or undefined, deletes', async () => {
    const client = await engine.holding('a', 'b', 'c')
    expect((await client.deleteByFilter('things', { name: 'a' }, { dryRun: false })).deleted).toBe(1)
    expect((await client.deleteByFilter('things', { name: 'b' }, { dryRun: undefined })).deleted).toBe(1)
    expect(await engine.idsOf(client)).toStrictEqual(['c'])
  })

  test('no match resolves with zeros', async () => {
    const client = await engine.holding('a', 'b')
    const report = { scanned: 2, matched: 0, deleted: 0, results: [] }
    expect(await client.deleteByFilter('things', { name: 'z' })).toStrictEqual(report)
    expect(await client.count('things')).toBe(2)
  })

  test('a field that no vector has is told where nothing matches, in a dry run too', async () => {
    const client = await engine.holding('a', 'b')
    const none = { scanned: 2, matched: 0, deleted: 0, results: [] }
    const filters: [Filter, string[]][] = [
      [{ nmae: 'a' }, ['nmae']],
      [{ name: 'a', nmae: 'a', 'place.x': { $gt: 1 } }, ['nmae', 'place.x']],
      [{ $or: [{ nmae: 'a' }, { name: 'z' }, { nmae: 'b' }] }, ['nmae']],
      [{ $not: { ages: { $exists: false } } }, ['ages']],
      [
        { must: [{ key: 'nmae', match: { value: 'a' } }], must_not: [{ is_empty: { key: 'plaec' } }] },
        ['nmae', 'plaec'],
      ],
      [{ name: 'z', place: { $lt: 0 } }, []],
      [{ must: [{ has_id: ['z'] }] }, []],
    ]
    for (const [filter, unknown] of filters) {
      const told = unknown.length > 0 ? { ...none, unknownFields: expect.anything() } : none
      for (const dryRun of [true, false]) {
        const report = await client.deleteByFilter('things', filter, { dryRun })
        expect(report).toStrictEqual(told)
        expect([...(report.unknownFields ?? [])].sort()).toStrictEqual(unknown)
      }
    }
    expect(await engine.idsOf(client)).toStrictEqual(['a', 'b'])
  })

  test('of no vectors, no field is said to be missing', async () => {
    const client = await engine.things()
    const none = { scanned: 0, matched: 0, deleted: 0, results: [] }
    expect(await client.deleteByFilter('things', { nmae: 'a' })).toStrictEqual(none)
  })

  test('a key of the options that is not known is told with all that can be given', async () => {
    const client = untyped(await engine.holding('a'))
    const telling = engine.isEmbedded ? '' : ', onProgress'
    const given = { unkown: 1 }
    for (const [call, keys] of [
      [client.batchDelete('things', ['a'], given), 'receipt, backup, atMost, expect, reason, undo, signal'],
      [client.deleteVectors('things', ['a'], given), 'receipt, backup, atMost, expect, reason, undo, signal'],
      [
        client.deleteByFilter('things', { name: 'a' }, given),
        'dryRun, rows, receipt, backup, atMost, expect, reason, undo, signal',
      ],
    ] as const) {
      expect((await rejection(call)).message).toBe(`options.unkown: unknown; use ${keys}${telling}`)
    }
    const one = client.deleteVector('things', 'a', given)
    expect((await rejection(one)).message).toBe(
      'options.unkown: unknown; use receipt, backup, reason, undo, signal',
    )
    const all = client.deleteCollection('things', given)
    expect((await rejection(all)).message).toBe('options.unkown: unknown; use receipt, reason, undo, signal')
  })

  test('what is no filter, or no option, is refused by name and deletes nothing', async () => {
    const client = await engine.holding('a', 'b')
    const before = await everything(client)
    for (const filter of [{}, null, undefined, [], 'name', 5]) {
      const deleting = untyped(client).deleteByFilter('things', filter)
      expect(await rejection(deleting)).toBeInstanceOf(ValidationError)
    }
    const options: [string, unknown][] = [
      ['dry_run', { dry_run: true }],
      ['dryrun', { dryrun: true }],
      ['limit', { dryRun: true, limit: 1 }],
      ['dryRun', { dryRun: 'yes' }],
      ['dryRun', { dryRun: 1 }],
      ['dryRun', { dryRun: null }],
      ['options.receipt', { receipt: null }],
      ['options.receipt', { receipt: 'yes' }],
      ['reciept', { reciept: true }],
      ['options.reason', { reason: null }],
      ['options.reason', { reason: '' }],
      ['options.reason', { dryRun: true, reason: 7 }],
      ['reasons', { reasons: 'a request' }],
      ['backup', { backup: null }],
      ['backup', { backup: 5 }],
      ['options.atMost', { atMost: null }],
      ['options.atMost', { atMost: -1 }],
      ['options.atMost', { atMost: 1.5 }],
      ['options.atMost', { atMost: '1' }],
      ['options.atMost', { atMost: Number.POSITIVE_INFINITY }],
      ['options.expect', { expect: null }],
      ['options.expect', { expect: true }],
      ['at_most', { at_most: 1 }],
      ['options.rows', { rows: 1 }],
      ['options.rows', { dryRun: false, rows: 1 }],
      ['options.rows', { dryRun: true, rows: 0 }],
      ['options.rows', { dryRun: true, rows: 1001 }],
      ['options.rows', { dryRun: true, rows: -1 }],
      ['options.rows', { dryRun: true, rows: 1.5 }],
      ['options.rows', { dryRun: true, rows: 1e300 }],
      ['options.rows', { dryRun: true, rows: Number.NaN }],
      ['options.rows', { dryRun: true, rows: '1' }],
      ['options.rows', { dryRun: true, rows: true }],
      ['options.rows', { dryRun: true, rows: null }],
      ['options', null],
      ['options', []],
    ]
    for (const [named, given] of options) {
      const error = await rejection(untyped(client).deleteByFilter('things', { name: 'a' }, given))
      expect(error).toBeInstanceOf(ValidationError)
      expect(error.message).toContain(named)
    }
    const nowhere = client.deleteByFilter('nowhere', { name: 'a' })
    await expect(nowhere).rejects.toBeInstanceOf(CollectionNotFoundError)
    expect(await everything(client)).toStrictEqual(before)
  })

  test('options of the other deletes that are not understood are refused too', async () => {
    const client = await engine.holding('a')
    for (const options of [
      { dryRun: true },
      { rows: 1 },
      { receipt: 'yes' },
      { receipt: null },
      { backup: 5 },
      { atMost: null },
      { atMost: -1 },
      { expect: 1e300 },
      { expect: [1] },
      null,
      'yes',
    ]) {
      const batch = untyped(client).batchDelete('things', ['a'], options)
      expect(await rejection(batch)).toBeInstanceOf(ValidationError)
    }
    for (const options of [{ dryRun: true }, { receipt: 'yes' }, { backup: 5 }, null, 'yes']) {
      const one = untyped(client).deleteVector('things', 'a', options)
      expect(await rejection(one)).toBeInstanceOf(ValidationError)
      const all = untyped(client).deleteCollection('things', options)
      expect(await rejection(all)).toBeInstanceOf(ValidationError)
    }
    for (const [call, args, named] of [
      ['deleteVector', ['things', 'a', { dryRun: true }], 'options.dryRun'],
      ['deleteVector', ['things', 'a', { receipt: 'yes' }], 'options.receipt'],
      ['deleteVector', ['things', 'a', { atMost: 1 }], 'options.atMost: unknown'],
      ['deleteVector', ['things', 'a', { expect: 1 }], 'options.expect: unknown'],
      ['deleteVector', ['things', 'a', { rows: 1 }], 'options.rows: unknown'],
      ['deleteCollection', ['things', { expect: 1 }], 'options.expect: unknown'],
      ['deleteCollection', ['things', { receipt: 'yes' }], 'options.receipt'],
      ['deleteCollection', ['things', { receipt: null }], 'options.receipt'],
      ['deleteCollection', ['things', { backup: 'x' }], 'options.backup'],
      ['deleteCollection', ['things', { reason: '' }], 'options.reason'],
      ['deleteVector', ['things', 'a', { reason: ['x'] }], 'options.reason'],
      ['deleteCollection', ['things', { reciept: true }], 'reciept'],
      ['deleteCollection', ['things', null], 'options'],
      ['deleteCollection', ['things', 'receipt'], 'options'],
      ['batchDelete', ['things', ['a'], { dryRun: true }], 'options.dryRun'],
      ['batchDelete', ['things', ['a'], 'receipt'], 'options'],
      ['batchDelete', ['things', ['a'], null], 'options'],
    ] as const) {
      const error = await rejection(untyped(client)[call](...args))
      expect(error).toBeInstanceOf(ValidationError)
      expect(error.message).toContain(named)
    }
    expect(await engine.idsOf(client)).toStrictEqual(['a'])
  })

  test('what was deleted by filter can be inserted again', async () => {
    const client = await engine.holding('a', 'b')
    await client.deleteByFilter('things', { name: 'a' })
    await client.insertVectors('things', [{ id: 'a', data: [3, 4], metadata: { name: 'new' } }])
    expect(await client.count('things', { name: 'a' })).toBe(0)
    expect(await client.count('things', { name: 'new' })).toBe(1)
  })

  test('deletes thousands, and only what matches', async () => {
    const client = await engine.things()
    const ids = Array.from({ length: 3000 }, (_, i) => `id ${i}`)
    const metadata = ids.map((_, i) => ({ third: i % 3 }))
    await client.insertVectors('things', { ids, data: new Float32Array(6000).fill(1), metadata })
    const { results, ...report } = await client.deleteByFilter('things', { third: { $gt: 0 } })
    expect(report).toStrictEqual({ scanned: 3000, matched: 2000, deleted: 2000 })
    expect(new Set(results.map(({ id }) => id)).size).toBe(2000)
    const left = ids.filter((_, i) => i % 3 === 0)
    expect(await engine.idsOf(client)).toStrictEqual(engine.arranged(left))
  })

  test('keeps what the filter was when it was called', async () => {
    const client = await engine.holding('a', 'b')
    const filter = { name: { $in: ['a'] } }
    const deleting = client.deleteByFilter('things', filter)
    filter.name.$in = ['b']
    expect((await deleting).results).toStrictEqual([{ id: 'a', status: 'deleted' }])
  })
})

describe.each(engines)('the rows of a dry run by the client that is %s', (_, ready) => {
  const engine = ready()
  const all = { name: { $exists: true } }

  test('are the first that match, each with the metadata and the text that it has', async () => {
    const client = await engine.things()
    const metadata = { name: 'a', tags: ['x', 'y'], nested: { deep: 1.5 }, large: 2n ** 60n + 1n }
    await client.insertVectors('things', [
      { id: 'a', data: [1, 0], metadata, text: 'of a' },
      { id: 'b', data: [1, 1] },
      { id: 'c', data: [1, 2], text: 'of c' },
      { id: 'd', data: [1, 3], metadata: { name: 'd' } },
    ])
    const before = await everything(client)
    const filter = { must: [{ has_id: ['d', 'c', 'b', 'a'] }] }
    expect(await client.deleteByFilter('things', filter, { dryRun: true, rows: 3 })).toStrictEqual({
      scanned: 4,
      matched: 4,
      deleted: 0,
      results: ['a', 'b', 'c', 'd'].map((id) => ({ id, status: 'matched' })),
      rows: [{ id: 'a', metadata, text: 'of a' }, { id: 'b' }, { id: 'c', text: 'of c' }],
    })
    expect(await everything(client)).toStrictEqual(before)
  })

  test('are in the order of the results', async () => {
    const client = await engine.holding('d', 'c', 'b', 'a')
    const filter = { place: { $gte: 1 } }
    const { results, rows } = await client.deleteByFilter('things', filter, { dryRun: true, rows: 2 })
    expect(rows?.map(({ id }) => id)).toStrictEqual(results.slice(0, 2).map(({ id }) => id))
    expect(rows).toStrictEqual(
      engine
        .arranged(['c', 'b', 'a'])
        .slice(0, 2)
        .map((id) => ({ id, metadata: { name: id, place: 'dcba'.indexOf(id) } })),
    )
  })

  test('are no more than match', async () => {
    const client = await engine.holding('a', 'b')
    const options = { dryRun: true, rows: 1000 }
    const one = await client.deleteByFilter('things', { name: 'b' }, options)
    expect(one.rows).toStrictEqual([{ id: 'b', metadata: { name: 'b', place: 1 } }])
    const none = await client.deleteByFilter('things', { name: 'z' }, options)
    expect(none).toStrictEqual({ scanned: 2, matched: 0, deleted: 0, results: [], rows: [] })
  })

  test('are not in a report that they were not asked for', async () => {
    const client = await engine.holding('a', 'b')
    const options = { dryRun: true, rows: undefined }
    expect(await client.deleteByFilter('things', { name: 'a' }, options)).not.toHaveProperty('rows')
    const done = await client.deleteByFilter('things', { name: 'a' }, { rows: undefined })
    expect(done).toStrictEqual({
      scanned: 2,
      matched: 1,
      deleted: 1,
      results: [{ id: 'a', status: 'deleted' }],
    })
  })

  test('have the first 200 code points of a text, each whole', async () => {
    const client = await engine.things()
    const texts = [
      'short',
      'é'.repeat(200),
      'é'.repeat(201),
      '😀'.repeat(200),
      '😀'.repeat(201),
      `x${'😀'.repeat(300)}`,
      `${'x'.repeat(199)}😀😀`,
      'x'.repeat(engine.limits.text),
    ]
    await client.insertVectors(
      'things',
      texts.map((text, i) => ({ id: `${i}`, data: [1, i], text, metadata: { name: text.length } })),
    )
    const { rows } = await client.deleteByFilter('things', all, { dryRun: true, rows: texts.length })
    expect(rows?.map(({ text }) => text)).toStrictEqual(
      texts.map((text) => Array.from(text).slice(0, 200).join('')),
    )
  })

  test('are in the report of a dry run that guards refuse', async () => {
    const client = await engine.holding('a', 'b', 'c')
    const dry = client.deleteByFilter('things', { name: ['a', 'c'] }, { dryRun: true, rows: 1, atMost: 1 })
    const error = await rejection(dry)
    expect(error).toBeInstanceOf(TooManyMatchesError)
    expect((error as TooManyMatchesError).report).toStrictEqual({
      scanned: 3,
      matched: 2,
      deleted: 0,
      results: [
        { id: 'a', status: 'matched' },
        { id: 'c', status: 'matched' },
      ],
      rows: [{ id: 'a', metadata: { name: 'a', place: 0 } }],
    })
  })

  test('of thousands are all there', async () => {
    const client = await engine.things()
    const ids = Array.from({ length: 3000 }, (_, i) => `id ${String(i).padStart(4, '0')}`)
    const metadata = ids.map((name) => ({ name, more: 'x'.repeat(200) }))
    const texts = ids.map((id) => `of ${id}`)
    await client.insertVectors('things', { ids, data: new Float32Array(6000).fill(1), metadata, texts })
    const { results, rows } = await client.deleteByFilter('things', all, { dryRun: true, rows: 1000 })
    expect(engine.arranged<{ id: string }>(results)).toStrictEqual(
      ids.map((id) => ({ id, status: 'matched' })),
    )
    expect(rows).toStrictEqual(
      ids.slice(0, 1000).map((id, i) => ({ id, metadata: metadata[i], text: texts[i] })),
    )
  })

  test.each([
    [{ rows: 1 }, 'options.rows is for a dry run only: set dryRun to true, or leave out rows'],
    [{ dryRun: true, rows: 0 }, 'options.rows is 0; it must be between 1 and 1000'],
    [{ dryRun: true, rows: 1001 }, 'options.rows is 1001; it must be between 1 and 1000'],
  ])('with %j are refused, and nothing is deleted', async (options, message) => {
    const client = await engine.holding('a')
    const error = await rejection(client.deleteByFilter('things', { name: 'a' }, options))
    expect(error).toBeInstanceOf(ValidationError)
    expect(error.message).toBe(message)
    expect(await engine.idsOf(client)).toStrictEqual(['a'])
  })
})

describe.each(engines)('guards of deletes by the client that is %s', (_, ready) => {
  const engine = ready()
  const filter = { name: ['a', 'c'] }
  const ids = ['c', 'nobody', 'a', 'c']
  const advice = (what: string, change: string) =>
    `nothing was deleted; see the error's report, and correct the ${what} or ${change}`

  /** The error of a delete that does not meet its guards. */
  type Refused = TooManyMatchesError & { report: RefusedDeleteReport | DeleteByFilterReport }

  async function refusal(call: Promise<unknown>): Promise<Refused> {
    const error = await rejection(call)
    expect(error).toBeInstanceOf(TooManyMatchesError)
    expect(error).toBeInstanceOf(VectorizerError)
    const code = 'TOO_MANY_MATCHES'
    expect(error).toMatchObject({ name: 'TooManyMatchesError', code, errorCode: code })
    return error as Refused
  }

  test.each([{ atMost: 2 }, { atMost: 3 }, { expect: 2 }, { atMost: 2, expect: 2 }])(
    'with %j a filter that matches two vectors deletes them',
    async (guards) => {
      const client = await engine.holding('a', 'b', 'c')
      const dry = await client.deleteByFilter('things', filter, { ...guards, dryRun: true })
      expect(dry).toMatchObject({ matched: 2, deleted: 0 })
      expect((await client.deleteByFilter('things', filter, guards)).deleted).toBe(2)
      expect(await engine.idsOf(client)).toStrictEqual(['b'])
    },
  )

  test.each([
    [{ atMost: 1 }, 'atMost is 1', 'raise atMost'],
    [{ atMost: 0 }, 'atMost is 0', 'raise atMost'],
    [{ expect: 1 }, 'expect is 1', 'change expect'],
    [{ expect: 3 }, 'expect is 3', 'change expect'],
    [{ atMost: 2, expect: 1 }, 'expect is 1', 'change expect'],
    [{ atMost: 1, expect: 2 }, 'atMost is 1', 'raise atMost'],
  ])(
    'with %j a filter that matches another number deletes nothing, and its dry run tells',
    async (guards, broken, change) => {
      const client = await engine.holding('a', 'b', 'c')
      const before = await everything(client)
      for (const dryRun of [false, true]) {
        const { message, report } = await refusal(
          client.deleteByFilter('things', filter, { ...guards, dryRun }),
        )
        expect(message).toBe(
          `the filter matches 2 vectors, and options.${broken}: ${advice('filter', change)}`,
        )
        expect(report).toStrictEqual({
          scanned: 3,
          matched: 2,
          deleted: 0,
          results: [
            { id: 'a', status: 'matched' },
            { id: 'c', status: 'matched' },
          ],
        })
      }
      expect(await everything(client)).toStrictEqual(before)
    },
  )

  test('a filter that matches nothing is refused where something is expected, with its unknown fields', async () => {
    const client = await engine.holding('a')
    const { message, report } = await refusal(client.deleteByFilter('things', { nmae: 'a' }, { expect: 1 }))
    expect(message).toMatch(/^the filter matches 0 vectors, and options\.expect is 1: /)
    expect(report).toStrictEqual({
      scanned: 1,
      matched: 0,
      deleted: 0,
      results: [],
      unknownFields: ['nmae'],
    })
    const none = await client.deleteByFilter('things', { nmae: 'a' }, { atMost: 0, expect: 0 })
    expect(none.deleted).toBe(0)
  })

  test.each([
    ['batchDelete', { atMost: 2 }],
    ['deleteVectors', { expect: 2 }],
    ['batchDelete', { atMost: 4, expect: 2 }],
  ] as const)('%s with %j counts the vectors that exist, each once', async (batchDelete, guards) => {
    const client = await engine.holding('a', 'b', 'c')
    expect(await client[batchDelete]('things', ids, guards)).toMatchObject({ deleted: 2, failed: 2 })
    expect(await engine.idsOf(client)).toStrictEqual(['b'])
  })

  test.each(['batchDelete', 'deleteVectors'] as const)(
    '%s of nothing is of no vector',
    async (batchDelete) => {
      const client = await engine.holding('a')
      const none = { deleted: 0, failed: 1 }
      expect(await client[batchDelete]('things', ['nobody'], { expect: 0 })).toMatchObject(none)
      expect((await client[batchDelete]('things', [], { atMost: 0 })).count).toBe(0)
    },
  )

  test.each([
    ['batchDelete', { atMost: 1 }, 'atMost is 1', 'raise atMost'],
    ['deleteVectors', { atMost: 0, expect: 2 }, 'atMost is 0', 'raise atMost'],
    ['batchDelete', { expect: 3 }, 'expect is 3', 'change expect'],
    ['deleteVectors', { expect: 4 }, 'expect is 4', 'change expect'],
  ] as const)(
    '%s with %j of another number deletes nothing, and reports on each id',
    async (batchDelete, guards, broken, change) => {
      const client = await engine.holding('a', 'b', 'c')
      const before = await everything(client)
      const { message, report } = await refusal(client[batchDelete]('things', ids, guards))
      expect(message).toBe(`the ids are those of 2 vectors, and options.${broken}: ${advice('ids', change)}`)
      expect(report).toStrictEqual({
        collection: 'things',
        count: 4,
        deleted: 0,
        failed: 2,
        results: [
          { id: 'c', index: 0, status: 'matched' },
          { id: 'nobody', index: 1, status: 'error', error: 'vector not found' },
          { id: 'a', index: 2, status: 'matched' },
          { id: 'c', index: 3, status: 'error', error: 'repeated: the same id as at index 0' },
        ],
      })
      expect(await everything(client)).toStrictEqual(before)
    },
  )

  test('a guard that is undefined guards nothing', async () => {
    const client = await engine.holding('a', 'b')
    const none = { atMost: undefined, expect: undefined }
    expect((await client.batchDelete('things', ['a'], none)).deleted).toBe(1)
    expect((await client.deleteByFilter('things', { name: 'b' }, none)).deleted).toBe(1)
  })

  test('the report of thousands is whole', async () => {
    const client = await engine.things()
    const many = Array.from({ length: 3000 }, (_, i) => `id ${String(i).padStart(4, '0')}`)
    const metadata = many.map(() => ({ all: true }))
    await client.insertVectors('things', { ids: many, data: new Float32Array(6000).fill(1), metadata })
    const matching = await refusal(client.deleteByFilter('things', { all: true }, { atMost: 2999 }))
    const rows = engine.arranged<{ id: string }>(matching.report.results)
    expect(rows).toStrictEqual(many.map((id) => ({ id, status: 'matched' })))
    const named = await refusal(client.batchDelete('things', many, { expect: 2999 }))
    expect(named.report.results).toStrictEqual(many.map((id, index) => ({ id, index, status: 'matched' })))
    expect(await client.count('things')).toBe(3000)
  })
})
