// Deletes that can be undone: the same of every engine that offers them.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CollectionExistsError,
  CollectionNotFoundError,
  type Purgeable,
  TooManyMatchesError,
  type Undo,
  type UndoPeriod,
  UnsupportedError,
  ValidationError,
  type Vectorizer,
  VectorNotFoundError,
} from '../..'
import { everything as alive } from '../support/collections'
import { digest } from '../support/digest'
import { directory } from '../support/disk'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'
import { type Engine, engines } from './engines'

const SECOND = 1000
const HOUR = 3600 * SECOND
const DAY = 24 * HOUR

const TOKEN = expect.stringMatching(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/)
const UNDO = { token: TOKEN, until: expect.any(Number) }

type Delete = (client: Vectorizer, id: string, options: any) => Promise<any>

/** Each way to delete the vector with this id, whose metadata has it as a name. */
const DELETES: [string, Delete][] = [
  ['deleteVector', (client, id, options) => client.deleteVector('things', id, options)],
  ['batchDelete', (client, id, options) => client.batchDelete('things', [id], options)],
  ['deleteVectors', (client, id, options) => client.deleteVectors('things', [id], options)],
  ['deleteByFilter', (client, id, options) => client.deleteByFilter('things', { name: id }, options)],
  ['replace', (client, id, options) => client.replace('things', { name: id }, [], options)],
]

/** What is a period, with its milliseconds. */
const PERIODS: [UndoPeriod, number][] = [
  [1000, SECOND],
  [1001, SECOND + 1],
  [3653 * DAY, 3653 * DAY],
  ['1000ms', SECOND],
  ['1s', SECOND],
  ['01s', SECOND],
  ['90m', 90 * 60 * SECOND],
  ['24h', DAY],
  ['7d', 7 * DAY],
  ['3653d', 3653 * DAY],
]

/** What is none, but of its type. */
const NO_PERIODS = [
  ...[0, -0, 999, 1000.5, -1000, 3653 * DAY + 1, 2 ** 53, 1e300, 'a', '', 'h', '0h', '999ms', '-1h', '1.5h'],
  ...['1e3s', '24 h', ' 24h', '24h ', '24H', '24hours', '1w', '1y', '1h30m', '3654d', '9'.repeat(30)],
  ...['9h'.padStart(30, '9'), '\uff19h', '٣h', 'PT24H', '0x10h', 'Infinity', 'null'],
]

const WORDS =
  'options.undo: it must be a whole number of milliseconds, or one with a unit as in "24h" ' +
  '(ms, s, m, h or d), from a second to ten years'

/** Waits until a time has passed. */
async function passed(at: number) {
  while (Date.now() <= at) await sleep(5)
}

/** Everything there is in a store, and everything that can be undeleted. */
async function everything(client: Vectorizer, ...names: string[]) {
  const all = await alive(client)
  const waiting = [...all.map(({ name }) => name), ...names].map(async (name) => client.listDeleted(name))
  return { all, deleted: await client.listDeleted(), waiting: await Promise.all(waiting) }
}

const waitingIds = async (client: Vectorizer, collection = 'things') =>
  (await client.listDeleted(collection)).vectors.map(({ id }) => id)

/** A client with vectors of every kind. */
async function varied(engine: Engine, metric: 'cosine' | 'euclidean' | 'dot_product' = 'euclidean') {
  const client = await engine.things(3, metric)
  const metadata = { name: 'b', 'ä"\n\u0000': { list: [1, null, 'ü', { deep: true }] }, big: 2n ** 62n }
  await client.insertVectors('things', [
    { id: 'a', data: [1, 2, 3] },
    { id: 'b', data: [0.1, -1e-20, 1e20], metadata, text: 'line\nä 😀 \u0000,"' },
    { id: 'ü 😀\n"', data: [-1, 0.5, 7], metadata: {}, expires_at: Date.UTC(2100, 0, 1) },
    { id: 'd', data: [1, 1, 1], text: ' ', metadata: { name: 'd' } },
    { id: 'e', data: [3, 2, 1], metadata: { name: 'e' } },
  ])
  return client
}

describe.each(engines)('a delete with undo by the client that is %s', (_, ready) => {
  const engine = ready()
  const embedded = engine.isEmbedded ? describe : describe.skip

  test('is taken, or is what it cannot do and changes nothing', async () => {
    const client = await engine.holding('a', 'b')
    if (engine.isEmbedded) {
      expect(await client.deleteVector('things', 'a', { undo: '1h' })).toStrictEqual({ undo: UNDO })
      return
    }
    const before = await alive(client)
    const undo = '24h'
    const calls: [string, () => Promise<unknown>][] = [
      ...DELETES.map(([name, call]): [string, () => Promise<unknown>] => [
        name,
        () => call(client, 'a', { undo }),
      ]),
      ['deleteCollection', () => client.deleteCollection('things', { undo })],
      ['listDeleted', () => client.listDeleted()],
      ['listDeleted of a collection', () => client.listDeleted('things')],
      ['undelete', () => client.undelete('things', ['a'])],
      ['purgeDeleted', () => client.purgeDeleted('things', { all: true })],
    ]
    for (const [name, call] of calls) {
      const error = await rejection(call())
      expect([name, error.name]).toStrictEqual([name, UnsupportedError.name])
      if (name !== 'replace') expect(error.message).toContain('deletes that can be undone')
    }
    const wrong = [
      client.listDeleted('nowhere'),
      client.undelete('nowhere', ['a']),
      client.purgeDeleted('nowhere', { all: true }),
    ]
    for (const call of wrong) expect(await rejection(call)).toBeInstanceOf(CollectionNotFoundError)
    const invalid = await rejection(client.deleteVector('things', 'a', untyped({ undo: 'tomorrow' })))
    expect([invalid.name, invalid.message]).toStrictEqual([ValidationError.name, WORDS])
    expect((await client.getCollectionInfo('things')).undoable).toBe(0)
    expect(await alive(client)).toStrictEqual(before)
  })

  embedded('of vectors', () => {
    test.each(DELETES)('takes them out of every read, and says until when: %s', async (name, call) => {
      const client = await engine.holding('a', 'b')
      await client.createCollection('others', { dimension: 2 })
      const before = Date.now()
      const done = await call(client, 'a', { undo: '24h', reason: 'a request' })
      const after = Date.now()
      expect(done.undo).toStrictEqual(UNDO)
      expect(done.undo.until - DAY).toBeGreaterThanOrEqual(before)
      expect(done.undo.until - DAY).toBeLessThanOrEqual(after)
      if (name === 'deleteVector') expect(Object.keys(done)).toStrictEqual(['undo'])
      else expect(done).toMatchObject({ deleted: 1 })

      expect(await rejection(client.getVector('things', 'a'))).toBeInstanceOf(VectorNotFoundError)
      const update = client.updateVector('things', 'a', { metadata: {} })
      expect(await rejection(update)).toBeInstanceOf(VectorNotFoundError)
      expect(await rejection(client.deleteVector('things', 'a'))).toBeInstanceOf(VectorNotFoundError)
      expect(await rejection(client.setVectorExpiry('things', 'a', null))).toBeInstanceOf(VectorNotFoundError)
      expect(await client.count('things')).toBe(1)
      expect(await client.count('things', { name: 'a' })).toBe(0)
      expect(await engine.idsOf(client)).toStrictEqual(['b'])
      expect((await engine.vectorsOf(client)).map(({ id }) => id)).toStrictEqual(['b'])
      const scanned: string[] = []
      for await (const { id } of client.scan('things')) scanned.push(id)
      expect(scanned).toStrictEqual(['b'])
      expect((await client.search('things', [1, 0])).map(({ id }) => id)).toStrictEqual(['b'])
      const [batch] = await client.searchBatch('things', [[1, 0]])
      expect(batch.map(({ id }) => id)).toStrictEqual(['b'])
      expect((await client.deleteByFilter('things', { name: 'a' }, { dryRun: true })).matched).toBe(0)
      const copied = await client.copyVectors('things', 'others', ['a'])
      expect(copied.results).toStrictEqual([{ id: 'a', status: 'missing_in_src' }])
      expect(await client.getCollectionInfo('things')).toMatchObject({ vector_count: 1, undoable: 1 })
      expect(await waitingIds(client)).toStrictEqual(['a'])
    })

    test.each(DELETES)('is undone by its token or by the ids, all as it was: %s', async (_, call) => {
      for (const by of ['token', 'ids']) {
        const client = await engine.holding('a', 'b', 'c')
        const [a, b, c] = await engine.vectorsOf(client)
        const found = await client.search('things', [1, 0.3], { with_vector: true })
        const { undo } = await call(client, 'b', { undo: HOUR })
        expect(await client.undelete('things', by === 'token' ? undo.token : ['b'])).toStrictEqual({
          collection: 'things',
          undeleted: 1,
          results: [{ id: 'b', status: 'undeleted' }],
        })
        // It comes last.
        expect(await engine.vectorsOf(client)).toStrictEqual([a, c, b])
        expect(await client.search('things', [1, 0.3], { with_vector: true })).toStrictEqual(found)
        expect(await client.listDeleted('things')).toStrictEqual({ collections: [], vectors: [], total: 0 })
        expect((await client.getCollectionInfo('things')).undoable).toBe(0)
        const again = await client.undelete('things', ['b'])
        expect(again.results).toStrictEqual([{ id: 'b', status: 'not_found' }])
      }
    })

    test.each(['cosine', 'euclidean', 'dot_product'] as const)(
      'brings back every value, text, expiry and integer as it was, in a collection of the metric %s',
      async (metric) => {
        const client = await varied(engine, metric)
        const before = await engine.vectorsOf(client)
        const found = await client.search('things', [1, 2, 2], { with_vector: true })
        const ids = before.map(({ id }) => id)
        const { undo } = await client.batchDelete('things', ids, { undo: '2d' })
        const { vectors } = await client.listDeleted('things')
        expect(vectors.map(({ id, metadata }) => ({ id, metadata }))).toStrictEqual(
          before.map(({ id, metadata }) => ({ id, metadata })),
        )
        expect((await client.undelete('things', undo?.token ?? '')).undeleted).toBe(5)
        expect(await engine.vectorsOf(client)).toStrictEqual(before)
        expect(await client.search('things', [1, 2, 2], { with_vector: true })).toStrictEqual(found)
      },
    )

    test.each(PERIODS)('of %p lasts as many milliseconds as that is', async (undo, milliseconds) => {
      const client = await engine.holding('a', 'b')
      const deletes = [
        () => client.deleteVector('things', 'a', { undo }),
        () => client.deleteCollection('things', { undo }),
      ]
      for (const call of deletes) {
        const before = Date.now()
        const { until } = (await call()).undo
        const after = Date.now()
        expect(until - milliseconds).toBeGreaterThanOrEqual(before)
        expect(until - milliseconds).toBeLessThanOrEqual(after)
      }
    })

    test('of no period is refused in the same words by every call, and nothing is deleted', async () => {
      const client = await engine.holding('a', 'b')
      const before = await everything(client)
      const calls: [string, Delete][] = [
        ...DELETES,
        ['deleteCollection', (client, _, options) => untyped(client).deleteCollection('things', options)],
      ]
      for (const undo of [...NO_PERIODS, true, null, [], {}, ['1h'], { h: 1 }]) {
        for (const [name, call] of calls) {
          const error = await rejection(call(client, 'a', { undo }))
          expect([name, undo, error.name, error.message]).toStrictEqual([
            name,
            undo,
            ValidationError.name,
            WORDS,
          ])
        }
      }
      for (const undo of [Number.NaN, Number.POSITIVE_INFINITY, 24n, Symbol('1h'), () => '1h', new Date()]) {
        for (const [, call] of calls) {
          const error = await rejection(call(client, 'a', { undo }))
          expect(error).toBeInstanceOf(ValidationError)
          expect(error.message).toMatch(/^options\.undo: /)
        }
      }
      expect(await everything(client)).toStrictEqual(before)
      // What is undefined is left out.
      expect(await client.deleteVector('things', 'a', { undo: undefined })).toBeUndefined()
      expect(await waitingIds(client)).toStrictEqual([])
    })

    test('goes with no receipt and no backup, and nothing is deleted', async () => {
      const client = await engine.holding('a')
      const before = await everything(client)
      const file = join(directory(), 'file.vecbak')
      for (const [, call] of DELETES) {
        const error = await rejection(call(client, 'a', { undo: '1h', receipt: true }))
        expect(error).toBeInstanceOf(ValidationError)
        expect(error.message).toMatch(/^options\.undo only puts aside what is deleted: leave out receipt/)
      }
      for (const [, call] of DELETES.filter(([name]) => name !== 'replace'))
        expect(await rejection(call(client, 'a', { undo: '1h', backup: file }))).toBeInstanceOf(
          ValidationError,
        )
      const whole = client.deleteCollection('things', { undo: '1h', receipt: true })
      expect(await rejection(whole)).toBeInstanceOf(ValidationError)
      expect(existsSync(file)).toBe(false)
      expect(await everything(client)).toStrictEqual(before)
      expect(await client.batchDelete('things', ['a'], { undo: '1h', receipt: false })).toMatchObject({
        deleted: 1,
        undo: UNDO,
      })
    })

    test('that deletes nothing has nothing to undo', async () => {
      const client = await engine.holding('a')
      const before = await everything(client)
      const undo = '1h'
      const missing = await rejection(client.deleteVector('things', 'nobody', { undo }))
      expect(missing).toBeInstanceOf(VectorNotFoundError)
      const dry = { undo, dryRun: true } as const
      const reports = [
        await client.batchDelete('things', ['nobody'], { undo }),
        await client.batchDelete('things', [], { undo }),
        await client.deleteByFilter('things', { name: 'nobody' }, { undo }),
        await client.deleteByFilter('things', { name: 'a' }, dry),
        await client.replace('things', { name: 'nobody' }, [], { undo }),
        await client.replace('things', { name: 'a' }, [], dry),
      ]
      for (const report of reports) expect(report).not.toHaveProperty('undo')
      for (const [, call] of DELETES.slice(1)) {
        const error: any = await rejection(call(client, 'a', { undo, atMost: 0 }))
        expect(error).toBeInstanceOf(TooManyMatchesError)
        expect(error.report).not.toHaveProperty('undo')
      }
      expect(await everything(client)).toStrictEqual(before)
    })

    test('by replace puts aside what is deleted, and not what is updated', async () => {
      const client = await engine.things()
      const row = (id: string, place: number) => ({ id, data: [1, place], metadata: { source: 's', place } })
      await client.insertVectors('things', [row('a', 0), row('b', 1), row('c', 2)])
      const [, , c] = await engine.vectorsOf(client)
      const rows = [row('a', 0), row('b', 9), row('d', 3)]
      const report = await client.replace('things', { source: 's' }, rows, { undo: '1h' })
      expect(report).toMatchObject({ updated: 1, inserted: 1, deleted: 1, undo: UNDO })
      expect(await waitingIds(client)).toStrictEqual(['c'])
      await client.undelete('things', report.undo?.token ?? '')
      expect(await client.getVector('things', 'c')).toStrictEqual(c)
      expect((await client.getVector('things', 'b')).metadata).toStrictEqual({ source: 's', place: 9 })
    })

    test('of an id that waits already erases the copy that waited', async () => {
      const client = await engine.holding('a', 'b')
      const first = await client.batchDelete('things', ['a', 'b'], { undo: '1h' })
      await client.insertVectors('things', [{ id: 'a', data: [5, 5], metadata: { name: 'second' } }])
      const second = await client.deleteVector('things', 'a', { undo: '2h' })
      const { vectors, total } = await client.listDeleted('things')
      expect(total).toBe(2)
      expect(vectors.map(({ id, metadata, token }) => [id, metadata?.name, token])).toStrictEqual([
        ['b', 'b', first.undo?.token],
        ['a', 'second', second.undo.token],
      ])
      const undeleted = await client.undelete('things', first.undo?.token ?? '')
      expect(undeleted.results).toStrictEqual([{ id: 'b', status: 'undeleted' }])
      await client.undelete('things', ['a'])
      expect((await client.getVector('things', 'a')).metadata).toStrictEqual({ name: 'second' })
      expect((await client.getCollectionInfo('things')).undoable).toBe(0)
    })

    test('is over when the vector expires by itself, if that is sooner', async () => {
      const client = await engine.holding('a', 'b')
      const own = Date.now() + HOUR
      await client.setVectorExpiry('things', 'a', own)
      const { undo } = await client.batchDelete('things', ['a', 'b'], { undo: '2h' })
      const { vectors } = await client.listDeleted('things')
      expect(vectors.map(({ until }) => until)).toStrictEqual([own, undo?.until])
      await client.undelete('things', ['a', 'b'])
      const back = await engine.vectorsOf(client)
      expect(back.map(({ expires_at }) => expires_at)).toStrictEqual([own, undefined])
    })

    test('is over when its time is over', async () => {
      const client = await engine.holding('a', 'b', 'c', 'd')
      const own = Date.now() + 20
      await client.setVectorExpiry('things', 'b', own)
      await client.batchDelete('things', ['b', 'c'], { undo: '1h' })
      const { undo } = await client.deleteVector('things', 'a', { undo: 1000 })
      await passed(Math.max(undo.until, own))
      expect(await waitingIds(client)).toStrictEqual(['c'])
      expect((await client.getCollectionInfo('things')).undoable).toBe(1)
      expect(await rejection(client.undelete('things', undo.token))).toBeInstanceOf(ValidationError)
      expect(await client.undelete('things', ['a', 'b', 'c'])).toStrictEqual({
        collection: 'things',
        undeleted: 1,
        results: [
          { id: 'a', status: 'not_found' },
          { id: 'b', status: 'not_found' },
          { id: 'c', status: 'undeleted' },
        ],
      })
      // It is erased within a second, by whoever does that.
      while (!(await client.verifyErased('things', ['a', 'b'])).verified) await sleep(20)
      expect(await engine.idsOf(client)).toStrictEqual(['d', 'c'])
    })
  })

  embedded('that is undone', () => {
    test('reports each id, and never overwrites one that is in use again', async () => {
      const client = await engine.holding('a', 'b', 'c')
      await client.batchDelete('things', ['a', 'b'], { undo: '1h' })
      await client.insertVectors('things', [{ id: 'a', data: [7, 7] }])
      const used = await client.getVector('things', 'a')
      const ids = ['nobody', 'a', 'b', 'b', 'a', 'c']
      expect(await client.undelete('things', ids)).toStrictEqual({
        collection: 'things',
        undeleted: 1,
        results: [
          { id: 'nobody', status: 'not_found' },
          { id: 'a', status: 'id_in_use' },
          { id: 'b', status: 'undeleted' },
          { id: 'b', status: 'repeated' },
          { id: 'a', status: 'repeated' },
          { id: 'c', status: 'not_found' },
        ],
      })
      expect(await client.getVector('things', 'a')).toStrictEqual(used)
      // It waits on.
      expect(await waitingIds(client)).toStrictEqual(['a'])
      await client.deleteVector('things', 'a')
      expect((await client.undelete('things', ['a'])).undeleted).toBe(1)
      expect((await client.getVector('things', 'a')).metadata).toStrictEqual({ place: 0, name: 'a' })
      expect(await client.undelete('things', [])).toStrictEqual({
        collection: 'things',
        undeleted: 0,
        results: [],
      })
    })

    test('by a token or in a collection that is unknown is refused, and nothing is changed', async () => {
      const client = await engine.holding('a', 'b')
      await client.createCollection('others', { dimension: 2 })
      const { undo } = await client.deleteVector('things', 'a', { undo: '1h' })
      const before = await everything(client)
      const error = await rejection(client.undelete('others', undo.token))
      expect(error).toBeInstanceOf(ValidationError)
      expect(error.message).toContain(undo.token)
      expect(error.message).toContain("'others'")
      for (const token of ['x', '[', '["a"]', '{}', '"', 'ä\n', undo.token.toUpperCase(), `${undo.token} `]) {
        expect(await rejection(client.undelete('things', token))).toBeInstanceOf(ValidationError)
        expect(await rejection(client.purgeDeleted('things', token))).toBeInstanceOf(ValidationError)
      }
      for (const call of [
        client.undelete('nowhere', ['a']),
        client.undelete('nowhere', undo.token),
        client.purgeDeleted('nowhere', { all: true }),
        client.purgeDeleted('nowhere', ['a']),
        client.purgeDeleted('nowhere', undo.token),
        client.listDeleted('nowhere'),
      ]) {
        const error = await rejection(call)
        expect(error).toBeInstanceOf(CollectionNotFoundError)
        expect(error.message).toContain("'nowhere'")
      }
      expect(await everything(client)).toStrictEqual(before)
    })

    test('refuses what is neither ids nor a token', async () => {
      const client = await engine.holding('a')
      await client.deleteVector('things', 'a', { undo: '1h' })
      const before = await everything(client)
      const { undelete, purgeDeleted } = untyped(client)
      const wrong: [unknown, RegExp][] = [
        ['', /^what: is empty$/],
        [null, /^what: expected an array of ids, or the token of a delete, got null$/],
        [7, /^what: expected an array of ids, or the token of a delete, got 7$/],
        [['a', 7], /^what\[1\]: expected a string, got 7$/],
        [['\ud83d'], /^what\[0\]: a lone surrogate/],
        ['\ud83d', /^what: a lone surrogate/],
      ]
      for (const [what, words] of wrong) {
        for (const method of [undelete, purgeDeleted]) {
          const error = await rejection(method.call(client, 'things', what))
          expect(error).toBeInstanceOf(ValidationError)
          expect(error.message).toMatch(words)
        }
      }
      for (const method of [undelete, purgeDeleted])
        expect((await rejection(method.call(client, 'things'))).message).toMatch(/^what: expected an array/)
      for (const [call, words] of [
        [undelete.call(client, 'things', { all: true }), /^what: expected an array of ids, or the token/],
        [purgeDeleted.call(client, 'things', {}), /^what\.all: expected true, got undefined$/],
        [purgeDeleted.call(client, 'things', { all: false }), /^what\.all: expected true, got boolean$/],
        [purgeDeleted.call(client, 'things', { ids: ['a'] }), /^what\.ids: unknown; use all$/],
      ] as [Promise<unknown>, RegExp][])
        expect((await rejection(call)).message).toMatch(words)
      for (const [call, words] of [
        [undelete.call(client, 'things', ['a'], { receipt: true }), /^options\.receipt: unknown; use onPr/],
        [undelete.call(client, 'things', ['a'], { onProgress: 1 }), /^options\.onProgress: expected a func/],
        [purgeDeleted.call(client, 'things', ['a'], { dryRun: true }), /^options\.dryRun: unknown; use rec/],
        [purgeDeleted.call(client, 'things', ['a'], { receipt: 1 }), /^options\.receipt: /],
        [purgeDeleted.call(client, 'things', ['a'], { reason: '' }), /^options\.reason is empty/],
      ] as [Promise<unknown>, RegExp][]) {
        const error = await rejection(call)
        expect(error).toBeInstanceOf(ValidationError)
        expect(error.message).toMatch(words)
      }
      expect(await everything(client)).toStrictEqual(before)
    })

    test('at the same time by many is undone once', async () => {
      const ids = Array.from({ length: 50 }, (_, i) => `${i}`)
      const client = await engine.holding(...ids)
      const { undo } = await client.batchDelete('things', ids, { undo: '1h' })
      const by = (i: number) => (i % 2 === 0 ? ids : (undo?.token ?? ''))
      const calls = Array.from({ length: 6 }, (_, i) => client.undelete('things', by(i)))
      const done = await Promise.allSettled(calls)
      const counts = done.map((one) => (one.status === 'fulfilled' ? one.value.undeleted : 0))
      expect(counts.reduce((sum, count) => sum + count)).toBe(50)
      for (const one of done)
        if (one.status === 'rejected') expect(one.reason).toBeInstanceOf(ValidationError)
      expect(await engine.idsOf(client)).toStrictEqual(ids)
      expect((await client.getCollectionInfo('things')).undoable).toBe(0)
    })

    test('tells its progress', async () => {
      const ids = Array.from({ length: 3000 }, (_, i) => `${i}`)
      const client = await engine.holding(...ids)
      await client.batchDelete('things', ids, { undo: '1h' })
      const told: { phase: string; done: number; total: number }[] = []
      const onProgress = (progress: (typeof told)[number]) => told.push(progress)
      expect((await client.undelete('things', ids, { onProgress })).undeleted).toBe(3000)
      expect(told.at(-1)).toStrictEqual({ phase: 'insert', done: 3000, total: 3000 })
      expect(new Set(told.map(({ phase }) => phase))).toStrictEqual(new Set(['prepare', 'insert']))
      await client.batchDelete('things', ['1'], { undo: '1h' })
      const listener = () => {
        throw new Error('not now')
      }
      const error = client.undelete('things', ['1'], { onProgress: listener })
      await expect(error).rejects.toThrow('not now')
      expect(await client.count('things')).toBe(3000)
    })

    test('with a signal is undone or not, as it says', async () => {
      const ids = Array.from({ length: 300 }, (_, i) => `${i}`)
      const client = await engine.holding(...ids)
      const before = AbortSignal.abort('no')
      const { undo } = await client.batchDelete('things', ids, { undo: '1h' })
      for (const call of [
        client.undelete('things', ids, { signal: before }),
        client.purgeDeleted('things', ids, { signal: before }),
        client.purgeDeleted('things', { all: true }, { signal: before }),
        client.listDeleted('things', { signal: before }),
        client.deleteCollection('things', { undo: '1h', signal: before }),
      ])
        await expect(call).rejects.toBe('no')
      expect((await client.listDeleted('things')).vectors[0]?.token).toBe(undo?.token)
      for (let round = 0; round < 20; round++) {
        const control = new AbortController()
        const { signal } = control
        const isBack = (await client.count('things')) > 0
        const call = isBack
          ? client.batchDelete('things', ids, { undo: '1h', signal })
          : client.undelete('things', ids, { signal })
        const outcome = call.then(
          () => true,
          (reason) => reason !== signal.reason && reason,
        )
        for (let turn = 0; turn < round / 2; turn++) await new Promise(setImmediate)
        control.abort()
        const isDone = await outcome
        expect(typeof isDone).toBe('boolean')
        const count = isBack === isDone ? 0 : 300
        expect(await client.count('things')).toBe(count)
        expect((await client.listDeleted('things')).total).toBe(300 - count)
      }
    })
  })

  embedded('of a collection', () => {
    test('hides it until it is undone, with everything in it', async () => {
      const client = await varied(engine)
      await client.updateCollection('things', { description: 'Things' })
      await client.setCollectionTtl('things', 4_000_000)
      await client.deleteVector('things', 'a', { undo: '1d' })
      const before = await alive(client)
      const { scrub: _, disk_bytes: __, size_bytes: ___, ...info } = await client.getCollectionInfo('things')
      const { vectors } = await client.listDeleted('things')

      const done = await client.deleteCollection('things', { undo: '7d', reason: 'a request' })
      expect(done).toStrictEqual({ undo: UNDO })
      expect(await client.listCollections()).toStrictEqual([])
      expect(await client.listEmptyCollections()).toStrictEqual([])
      for (const call of [
        client.count('things'),
        client.getCollectionInfo('things'),
        client.collection('things'),
        client.search('things', [1, 2, 3]),
        client.insertVectors('things', []),
        client.verifyErased('things', []),
        client.renameCollection('things', 'others'),
        client.deleteCollection('things'),
        client.undelete('things', ['b']),
        client.purgeDeleted('things', { all: true }),
      ])
        expect(await rejection(call)).toBeInstanceOf(CollectionNotFoundError)
      const deleted = {
        collection: 'things',
        token: done.undo.token,
        deleted_at: done.undo.until - 7 * DAY,
        until: done.undo.until,
        vectors: 4,
      }
      const list = { collections: [deleted], vectors: [], total: 0 }
      expect(await client.listDeleted()).toStrictEqual(list)
      expect(await client.listDeleted('things')).toStrictEqual(list)

      expect(await client.undelete('things', done.undo.token)).toStrictEqual({
        collection: 'things',
        undeleted: 4,
        results: [],
      })
      expect(await alive(client)).toStrictEqual(before)
      expect(await client.getCollectionInfo('things')).toMatchObject({
        ...info,
        updated_at: expect.anything(),
      })
      expect(await client.listDeleted('things')).toStrictEqual({ collections: [], vectors, total: 1 })
      expect((await client.undelete('things', ['a'])).undeleted).toBe(1)
      expect(await rejection(client.undelete('things', done.undo.token))).toBeInstanceOf(ValidationError)
    })

    test('frees its name, and is not undone while that is in use', async () => {
      const client = await engine.holding('a')
      const tokens: string[] = []
      for (const id of ['b', 'c']) {
        tokens.push((await client.deleteCollection('things', { undo: '1h' })).undo.token)
        await client.createCollection('things', { dimension: 3 })
        await client.insertVectors('things', [{ id, data: [1, 2, 3] }])
      }
      const before = await everything(client)
      expect(before.deleted.collections.map(({ token }) => token)).toStrictEqual(tokens)
      for (const token of tokens) {
        const error = await rejection(client.undelete('things', token))
        expect(error).toBeInstanceOf(CollectionExistsError)
        expect(error.message).toContain("'things'")
      }
      expect(await everything(client)).toStrictEqual(before)
      await client.renameCollection('things', 'third')
      await client.undelete('things', tokens[0])
      await client.renameCollection('things', 'first')
      await client.undelete('things', tokens[1])
      expect(await engine.idsOf(client, 'first')).toStrictEqual(['a'])
      expect(await engine.idsOf(client)).toStrictEqual(['b'])
      expect(await engine.idsOf(client, 'third')).toStrictEqual(['c'])
      expect((await client.listDeleted()).collections).toStrictEqual([])
    })

    test('is over when its time is over', async () => {
      const client = await engine.holding('a')
      const { undo } = await client.deleteCollection('things', { undo: '1s' })
      await passed(undo.until)
      expect(await client.listDeleted()).toStrictEqual({ collections: [], vectors: [], total: 0 })
      expect(await rejection(client.listDeleted('things'))).toBeInstanceOf(CollectionNotFoundError)
      expect(await rejection(client.undelete('things', undo.token))).toBeInstanceOf(CollectionNotFoundError)
      await client.createCollection('things', { dimension: 2 })
      expect(await rejection(client.undelete('things', undo.token))).toBeInstanceOf(ValidationError)
      expect(await client.count('things')).toBe(0)
    })

    test('that is final erases what waited in it', async () => {
      const client = await engine.holding('a', 'b')
      const { undo } = await client.deleteVector('things', 'a', { undo: '1h' })
      await client.deleteCollection('things')
      expect(await rejection(client.listDeleted('things'))).toBeInstanceOf(CollectionNotFoundError)
      await client.createCollection('things', { dimension: 2 })
      expect(await waitingIds(client)).toStrictEqual([])
      expect((await client.undelete('things', ['a'])).undeleted).toBe(0)
      expect(await rejection(client.undelete('things', undo.token))).toBeInstanceOf(ValidationError)
    })

    test('by another name keeps what waited in it, and one that is not empty of it is not empty', async () => {
      const client = await engine.holding('a')
      const [a] = await engine.vectorsOf(client)
      const { undo } = await client.deleteVector('things', 'a', { undo: '1h' })
      await client.renameCollection('things', 'others')
      expect(await waitingIds(client, 'others')).toStrictEqual(['a'])
      expect(await client.cleanupEmptyCollections()).toStrictEqual({ collections: [], applied: true })
      expect((await client.undelete('others', undo.token)).undeleted).toBe(1)
      expect(await engine.vectorsOf(client, 'others')).toStrictEqual([a])
      await client.deleteVector('others', 'a', { undo: '1h' })
      await client.purgeDeleted('others', { all: true })
      expect((await client.cleanupEmptyCollections()).collections).toStrictEqual(['others'])
    })
  })

  embedded('is listed', () => {
    test('in the order of the deletes, a part at a time', async () => {
      const ids = Array.from({ length: 150 }, (_, i) => `${i}`)
      const client = await engine.holding(...ids)
      await client.batchDelete('things', ids.slice(100), { undo: '1h' })
      await client.batchDelete('things', ids.slice(0, 100), { undo: '2h' })
      const order = [...ids.slice(100), ...ids.slice(0, 100)]
      const page = async (options?: object) => {
        const { vectors, total, collections } = await client.listDeleted('things', options)
        expect([total, collections]).toStrictEqual([150, []])
        return vectors.map(({ id }) => id)
      }
      expect(await page()).toStrictEqual(order.slice(0, 100))
      expect(await page({})).toStrictEqual(order.slice(0, 100))
      expect(await page({ limit: 1000 })).toStrictEqual(order)
      expect(await page({ offset: 140 })).toStrictEqual(order.slice(140))
      expect(await page({ offset: 49, limit: 3 })).toStrictEqual(order.slice(49, 52))
      expect(await page({ offset: 150 })).toStrictEqual([])
      expect(await page({ offset: 1_000_000 })).toStrictEqual([])
      expect(await page({ offset: 0, limit: undefined, signal: undefined })).toStrictEqual(
        order.slice(0, 100),
      )
      // Without a collection, no vectors are listed.
      expect(await client.listDeleted(undefined, { limit: 1 })).toStrictEqual({
        collections: [],
        vectors: [],
        total: 0,
      })
    })

    test('with whole numbers within limits only', async () => {
      const client = await engine.holding('a')
      const wrong: [object, RegExp][] = [
        [{ limit: 0 }, /^options\.limit is 0; it must be between 1 and 1000/],
        [{ limit: 1001 }, /^options\.limit is 1001; it must be between 1 and 1000/],
        [{ limit: -1 }, /^options\.limit: /],
        [{ limit: 1.5 }, /^options\.limit: /],
        [{ limit: '1' }, /^options\.limit: /],
        [{ limit: null }, /^options\.limit: /],
        [{ offset: -1 }, /^options\.offset: /],
        [{ offset: 0.5 }, /^options\.offset: /],
        [{ page: 1 }, /^options\.page: unknown; use offset, limit, signal/],
      ]
      for (const [options, words] of wrong) {
        const error = await rejection(untyped(client).listDeleted('things', options))
        expect(error).toBeInstanceOf(ValidationError)
        expect(error.message).toMatch(words)
      }
      for (const collection of [null, 7, {}, ['things'], ''])
        expect(await rejection(untyped(client).listDeleted(collection))).toBeInstanceOf(ValidationError)
    })
  })

  embedded('is purged', () => {
    /** A collection with `c`, from which `a`, and `b` after it, were deleted with undo. */
    async function waiting() {
      const client = await engine.holding('a', 'b', 'c')
      const undos: Undo[] = []
      for (const id of ['a', 'b']) undos.push((await client.deleteVector('things', id, { undo: '1h' })).undo)
      return { client, undos }
    }

    test('by ids, by a token or as a whole, and nothing is left of it', async () => {
      const ways: [(undos: Undo[]) => Purgeable, object, string[]][] = [
        [
          () => ['nobody', 'a', 'c', 'a', 'nobody'],
          {
            purged: 1,
            results: [
              { id: 'nobody', status: 'not_found' },
              { id: 'a', status: 'purged' },
              { id: 'c', status: 'not_found' },
              { id: 'a', status: 'repeated' },
              { id: 'nobody', status: 'not_found' },
            ],
          },
          ['b'],
        ],
        [([, { token }]) => token, { purged: 1, results: [] }, ['a']],
        [() => ({ all: true }), { purged: 2, results: [] }, []],
        [() => [], { purged: 0, results: [] }, ['a', 'b']],
      ]
      for (const [what, report, left] of ways) {
        const { client, undos } = await waiting()
        expect(await client.purgeDeleted('things', what(undos))).toStrictEqual({
          collection: 'things',
          ...report,
        })
        expect(await waitingIds(client)).toStrictEqual(left)
        const gone = ['a', 'b'].filter((id) => !left.includes(id))
        expect(await client.verifyErased('things', gone)).toStrictEqual({ verified: true, residues: [] })
        expect((await client.undelete('things', gone)).undeleted).toBe(0)
        expect(await engine.idsOf(client)).toStrictEqual(['c'])
      }
    })

    test('with a receipt, which a delete with undo has not', async () => {
      const { client } = await waiting()
      const options = { receipt: true, reason: 'request 4711' } as const
      const { receipt } = await client.purgeDeleted('things', ['a', 'nobody'], options)
      expect(receipt).toMatchObject({
        call: 'purgeDeleted',
        collection: 'things',
        deleted: 1,
        requested: 2,
        reason: 'request 4711',
        digest: digest(receipt.logSequence, ['a']),
      })
      const final = await (await engine.holding('a')).deleteVector('things', 'a', { receipt: true })
      expect(receipt.bytesErased).toBe(final.receipt.bytesErased)
      expect(receipt.text).toContain('Call: purgeDeleted')
      expect(receipt.entry !== undefined).toBe(engine.hasLedger)
      const { undo } = await client.deleteCollection('things', { undo: '1h' })
      const whole = await client.purgeDeleted('things', undo.token, options)
      expect(whole).toMatchObject({ purged: 1, results: [] })
      expect(whole.receipt).toMatchObject({ call: 'purgeDeleted', deleted: 1, reason: 'request 4711' })
      expect(await client.listDeleted()).toStrictEqual({ collections: [], vectors: [], total: 0 })
      expect(await rejection(client.purgeDeleted('things', undo.token))).toBeInstanceOf(
        CollectionNotFoundError,
      )
    })

    test('where nothing was ever deleted with undo, too', async () => {
      const client = await engine.holding('a')
      const nothing = { collection: 'things', purged: 0 }
      expect(await client.purgeDeleted('things', { all: true })).toStrictEqual({ ...nothing, results: [] })
      expect(await client.purgeDeleted('things', ['a'])).toStrictEqual({
        ...nothing,
        results: [{ id: 'a', status: 'not_found' }],
      })
      const { receipt } = await client.purgeDeleted('things', { all: true }, { receipt: true })
      expect(receipt).toMatchObject({ deleted: 0, call: 'purgeDeleted' })
      expect(await client.undelete('things', ['a', 'a'])).toMatchObject({ undeleted: 0 })
    })

    test('until then it is a residue, with a reason', async () => {
      const { client } = await waiting()
      const { verified, residues } = await client.verifyErased('things', ['a', 'nobody'])
      expect(verified).toBe(false)
      expect(residues).toStrictEqual([
        expect.objectContaining({
          id: 'a',
          reason: 'a vector with this id was deleted with undo, and can be undeleted',
        }),
      ])
    })
  })

  embedded('is forgotten', () => {
    test('with its collection or by itself, whatever it is found by', async () => {
      for (const selection of [{ ids: ['a'] }, { filter: { name: 'a' } }]) {
        const client = await engine.holding('a', 'b', 'c')
        const { undo } = await client.deleteCollection('things', { undo: '1h' })
        await client.createCollection('things', { dimension: 2 })
        const row = { id: 'a', data: [2, 2], metadata: { name: 'a' } }
        await client.insertVectors('things', [row, { id: 'd', data: [3, 3], metadata: { name: 'd' } }])
        await client.batchDelete('things', ['a', 'd'], { undo: '1h' })
        await client.insertVectors('things', [row])

        const before = await everything(client)
        const dry = await client.forget(selection, { dryRun: true })
        const rows = dry.collections.map(({ collection, ids, undoable }) => ({ collection, ids, undoable }))
        expect(rows).toHaveLength(3)
        for (const isWaiting of [undefined, true, true])
          expect(rows).toContainEqual({ collection: 'things', ids: ['a'], undoable: isWaiting })
        expect(rows.filter(({ undoable }) => undoable)).toHaveLength(2)
        expect([dry.matched, dry.deleted]).toStrictEqual([3, 0])
        expect(await everything(client)).toStrictEqual(before)

        const done = await client.forget(selection, { reason: 'request 4711' })
        expect([done.matched, done.deleted, done.receipt?.deleted]).toStrictEqual([3, 3, 3])
        expect(await engine.idsOf(client)).toStrictEqual([])
        expect(await waitingIds(client)).toStrictEqual(['d'])
        expect(await client.verifyErased('things', ['a'])).toStrictEqual({ verified: true, residues: [] })
        await client.renameCollection('things', 'others')
        expect((await client.undelete('things', undo.token)).undeleted).toBe(2)
        expect(await engine.idsOf(client)).toStrictEqual(['b', 'c'])
      }
    })
  })

  embedded('by the handle of a collection', () => {
    test('is that of the client', async () => {
      const client = await engine.holding('a', 'b', 'c')
      const things = await client.collection<{ name: string; place: number }>('things')
      const { undo } = await things.deleteVector('a', { undo: '1h' })
      await things.batchDelete(['b'], { undo: '1h' })
      expect(await things.listDeleted()).toStrictEqual(await client.listDeleted('things'))
      const { vectors } = await things.listDeleted({ limit: 1 })
      expect(vectors[0]?.metadata.name).toBe('a')
      expect((await things.undelete(undo.token)).undeleted).toBe(1)
      expect((await things.purgeDeleted(['b'], { receipt: true })).receipt.deleted).toBe(1)
      expect((await things.purgeDeleted({ all: true })).purged).toBe(0)
      const whole = await things.deleteCollection({ undo: '1h' })
      expect((await things.listDeleted()).collections).toHaveLength(1)
      expect((await things.undelete(whole.undo.token)).undeleted).toBe(2)
      expect(await things.count()).toBe(2)
    })
  })
})
