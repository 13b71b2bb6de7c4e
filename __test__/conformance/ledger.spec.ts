// Reasons, receipts and the ledger of erasures: the same of every engine, and over HTTP.
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type ErasureReceipt,
  type ForgetReceipt,
  TooManyMatchesError,
  UnsupportedError,
  ValidationError,
  type Vectorizer,
  verifyLedger,
  verifyReceipt,
} from '../..'
import { client as connected, everything } from '../support/collections'
import { digest } from '../support/digest'
import { directory } from '../support/disk'
import { asking } from '../support/http'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'
import { type Engine, engines } from './engines'

/** Options of a delete, with a reason that may be none. */
type Reasoned = Record<string, unknown>
type Delete = (client: Vectorizer, id: string, options: Reasoned) => Promise<any>

/** Each way to delete the vector with this id, whose metadata has it as a name. */
const OF_EACH: [string, Delete][] = [
  ['deleteVector', (client, id, options) => client.deleteVector('things', id, options)],
  ['batchDelete', (client, id, options) => client.batchDelete('things', [id], options)],
  ['deleteVectors', (client, id, options) => client.deleteVectors('things', [id], options)],
  ['deleteByFilter', (client, id, options) => client.deleteByFilter('things', { name: id }, options)],
]
/** Those that only embedded engines offer. There has to be a collection `others`. */
const OFFERED: [string, Delete][] = [
  ['replace', (client, id, options) => client.replace('things', { name: id }, [], options)],
  ['moveToCollection', (client, id, options) => client.moveToCollection('things', 'others', [id], options)],
  ['forget', (client, id, options) => client.forget({ ids: [id] }, options)],
]
const WITH_DRY_RUN = new Set(['deleteByFilter', 'replace', 'moveToCollection', 'forget'])

/** What is a reason: characters are counted, whatever the bytes or UTF-16 units of them. */
const REASONS = [
  'x',
  ' ',
  'x'.repeat(1000),
  'é'.repeat(1000),
  '😀'.repeat(1000),
  'e\u0301'.repeat(500),
  'a\u0000\u001f\n"\\\u2028\u007f</script>',
]

/** What is none, with the beginning of what is said of it. */
const NO_REASONS: [unknown, string][] = [
  ['', 'options.reason is empty'],
  ['x'.repeat(1001), 'options.reason is longer than 1000 characters'],
  ['é'.repeat(1001), 'options.reason is longer than 1000 characters'],
  ['😀'.repeat(1001), 'options.reason is longer than 1000 characters'],
  [`${'e\u0301'.repeat(500)}x`, 'options.reason is longer than 1000 characters'],
  ['x'.repeat(1_000_000), 'options.reason is longer than 1000 characters'],
  ['a \ud83d request', 'options.reason: a lone surrogate is not valid Unicode'],
  [null, 'options.reason: '],
  [7, 'options.reason: '],
  [true, 'options.reason: '],
  [['x'], 'options.reason: '],
  [{ text: 'x' }, 'options.reason: '],
  [Object('x'), 'options.reason: '],
  [Symbol('x'), 'options.reason: '],
  [() => 'x', 'options.reason: '],
]

async function holding(engine: Engine, ...ids: string[]) {
  const client = await engine.holding(...ids)
  if (engine.isEmbedded) await client.createCollection('others', { dimension: 2 })
  return client
}

describe.each(engines)('the reason of an erasure by the client that is %s', (_, ready) => {
  const engine = ready()
  const deletes = engine.isEmbedded ? [...OF_EACH, ...OFFERED] : OF_EACH

  test.each(deletes)('has 1 to 1,000 characters, with or without a receipt: %s', async (name, call) => {
    const ids = REASONS.map((_, i) => `${i}`)
    const client = await holding(engine, ...ids)
    for (const [i, reason] of REASONS.entries()) {
      const proved = engine.isEmbedded && name !== 'forget' && i % 2 === 0 ? { receipt: true } : {}
      const done = await call(client, ids[i], { reason, ...proved })
      if (engine.isEmbedded && (name === 'forget' || i % 2 === 0)) expect(done.receipt.reason).toBe(reason)
      else expect(done ?? {}).not.toHaveProperty('receipt')
    }
    expect(await engine.idsOf(client)).toStrictEqual([])
  })

  test('may be that of the delete of a collection', async () => {
    const client = await holding(engine, 'a')
    const [reason] = ['😀'.repeat(1000)]
    expect(await client.deleteCollection('things', { reason })).toBeUndefined()
    expect((await client.listCollections()).map(({ name }) => name)).not.toContain('things')
    if (!engine.isEmbedded) return
    const { receipt } = await client.deleteCollection('others', { reason, receipt: true })
    expect(receipt).toMatchObject({ collection: 'others', deleted: 0, reason })
  })

  test('that is none is refused in the same words by every call, and nothing is deleted', async () => {
    const client = await holding(engine, 'a', 'b')
    const before = await everything(client)
    const all: [string, (options: Reasoned) => Promise<unknown>][] = [
      ...deletes.map(([name, call]): [string, (options: Reasoned) => Promise<unknown>] => [
        name,
        (options) => call(client, 'a', options),
      ]),
      ['deleteCollection', (options) => untyped(client).deleteCollection('things', options)],
    ]
    for (const [reason, words] of NO_REASONS) {
      const said = new Set<string>()
      for (const [name, call] of all) {
        const ways = [{ reason }, ...(WITH_DRY_RUN.has(name) ? [{ reason, dryRun: true }] : [])]
        for (const options of ways) {
          const error = await rejection(call(options))
          expect([name, error.name]).toStrictEqual([name, 'ValidationError'])
          expect(error.message.slice(0, words.length)).toBe(words)
          said.add(error.message)
        }
      }
      expect([...said]).toHaveLength(1)
    }
    expect(await everything(client)).toStrictEqual(before)
  })

  test('that is undefined is none', async () => {
    const client = await holding(engine, 'a', 'b', 'c', 'd', 'e', 'f', 'g')
    for (const [i, [, call]] of deletes.entries()) await call(client, 'abcdefg'[i], { reason: undefined })
    expect(await client.count('things')).toBe(7 - deletes.length)
  })

  test.each(deletes.filter(([name]) => WITH_DRY_RUN.has(name)))(
    'changes nothing about a dry run: %s',
    async (_, call) => {
      const client = await holding(engine, 'a', 'b')
      const before = await everything(client)
      const plain = await call(client, 'a', { dryRun: true })
      expect(await call(client, 'a', { dryRun: true, reason: 'a look' })).toStrictEqual(plain)
      expect(plain).not.toHaveProperty('receipt')
      expect(await everything(client)).toStrictEqual(before)
      if (engine.hasLedger) expect((await client.getLedger())?.entries).toBe(0)
    },
  )

  test('is not in the report of a call that guards refuse, of which the ledger says nothing', async () => {
    const client = await holding(engine, 'a', 'b')
    const before = await everything(client)
    for (const [name, call] of deletes.filter(([name]) => name !== 'deleteVector')) {
      const error: any = await rejection(call(client, 'a', { reason: 'a request', atMost: 0 }))
      expect([name, error.name]).toStrictEqual([name, TooManyMatchesError.name])
      expect(JSON.stringify(error.report)).not.toContain('a request')
    }
    expect(await everything(client)).toStrictEqual(before)
    if (engine.hasLedger) expect((await client.getLedger())?.entries).toBe(0)
  })
})

describe.each(engines)('getLedger of the client that is %s', (_, ready) => {
  const engine = ready()

  test('tells of the ledger, if there is one', async () => {
    const client = await engine.holding('a', 'b')
    if (!engine.isEmbedded) {
      const error = await rejection(client.getLedger())
      expect(error).toBeInstanceOf(UnsupportedError)
      expect(error.message).toMatch(/^the engine behind this client does not offer a ledger of erasures: ./)
      return
    }
    if (!engine.hasLedger) {
      await client.deleteVector('things', 'a')
      expect(await client.getLedger()).toBeNull()
      return
    }
    const before = await client.getLedger()
    expect(before).toStrictEqual({
      path: expect.any(String),
      store: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/),
      entries: 0,
      head: { entry: 0, hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
    })
    await client.deleteVector('things', 'a')
    const after = await client.getLedger()
    expect(after).toStrictEqual({
      ...before,
      entries: 2,
      head: { entry: 2, hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
    })
    expect(after?.head.hash).not.toBe(before?.head.hash)
  })
})

/** The order of the members of a receipt. */
const MEMBERS = [
  ...['call', 'collection', 'collections', 'deleted', 'bytesErased', 'requested', 'filter', 'reason'],
  ...['logSequence', 'completedAt', 'durable', 'digest', 'store', 'entry', 'text'],
]

type Receipt = (ErasureReceipt | ForgetReceipt) & Record<string, any>

/** Each erasure that has a receipt: as a call, over HTTP, and what its receipt says. */
interface Erasure {
  call(client: Vectorizer): Promise<{ receipt?: unknown }>
  request: [method: string, path: string, body?: object]
  says: Record<string, unknown>
  /** The deleted ids, by collection. */
  of: [collection: string, ids: string[]][]
}

const REASON = 'request 7 of 31 January: "all of it" 😀'
const receipt = true
const things = '/collections/things'
const ERASURES: Erasure[] = [
  {
    call: (client) => client.deleteVector('things', 'id-a', { receipt, reason: REASON }),
    request: ['DELETE', `${things}/vectors/id-a?receipt=true&reason=${encodeURIComponent(REASON)}`],
    says: { call: 'deleteVector', requested: 1, reason: REASON },
    of: [['things', ['id-a']]],
  },
  {
    call: (client) => client.batchDelete('things', ['id-b', 'nobody', 'id-b'], { receipt }),
    request: ['POST', `${things}/batch_delete`, { ids: ['id-b', 'nobody', 'id-b'], receipt }],
    says: { call: 'batchDelete', requested: 3 },
    of: [['things', ['id-b']]],
  },
  {
    call: (client) => client.deleteVectors('things', ['id-é', 'id-😀'], { receipt, reason: 'x' }),
    request: [
      'POST',
      '/batch_delete',
      { collection: 'things', ids: ['id-é', 'id-😀'], receipt, reason: 'x' },
    ],
    says: { call: 'batchDelete', requested: 2, reason: 'x' },
    of: [['things', ['id-é', 'id-😀']]],
  },
  {
    call: (client) => client.deleteByFilter('things', { place: { $gte: 4, $lt: 6 } }, { receipt }),
    request: ['POST', `${things}/delete_by_filter`, { filter: { place: { $gte: 4, $lt: 6 } }, receipt }],
    says: { call: 'deleteByFilter', filter: { place: { $gte: 4, $lt: 6 } } },
    of: [['things', ['id-c', 'id-d']]],
  },
  {
    call: (client) => client.replace('things', { place: 6 }, [], { receipt, reason: REASON }),
    request: ['POST', `${things}/replace`, { filter: { place: 6 }, vectors: [], receipt, reason: REASON }],
    says: { call: 'replace', filter: { place: 6 }, reason: REASON },
    of: [['things', ['id-e']]],
  },
  {
    call: (client) =>
      client.moveToCollection('things', 'others', ['id-f', 'nobody'], { receipt, reason: 'x' }),
    request: [
      'POST',
      `${things}/vectors/move`,
      { destination: 'others', ids: ['id-f', 'nobody'], receipt, reason: 'x' },
    ],
    says: { call: 'moveToCollection', requested: 2, reason: 'x' },
    of: [['things', ['id-f']]],
  },
  {
    call: (client) => client.moveToCollection('things', 'others', { filter: { place: 8 } }, { receipt }),
    request: ['POST', `${things}/vectors/move`, { destination: 'others', filter: { place: 8 }, receipt }],
    says: { call: 'moveToCollection', filter: { place: 8 } },
    of: [['things', ['id-g']]],
  },
  {
    call: (client) => client.forget({ ids: ['id-f', 'id-h', 'nobody'] }, { reason: REASON }),
    request: ['POST', '/forget', { ids: ['id-f', 'id-h', 'nobody'], reason: REASON }],
    says: { call: 'forget', requested: 3, reason: REASON },
    of: [
      ['others', ['id-f']],
      ['things', ['id-h']],
    ],
  },
  {
    call: (client) => client.forget({ filter: { $or: [{ place: 10 }, { place: 8 }] } }),
    request: ['POST', '/forget', { filter: { $or: [{ place: 10 }, { place: 8 }] } }],
    says: { call: 'forget', filter: { $or: [{ place: 10 }, { place: 8 }] } },
    of: [
      ['others', ['id-g']],
      ['things', ['id-i']],
    ],
  },
  // Nothing is erased: there is no entry.
  {
    call: (client) => client.batchDelete('things', ['nobody'], { receipt, reason: 'x' }),
    request: ['POST', `${things}/batch_delete`, { ids: ['nobody'], receipt, reason: 'x' }],
    says: { call: 'batchDelete', requested: 1, reason: 'x' },
    of: [['things', []]],
  },
  {
    call: (client) => client.deleteByFilter('things', { place: -1 }, { receipt }),
    request: ['POST', `${things}/delete_by_filter`, { filter: { place: -1 }, receipt }],
    says: { call: 'deleteByFilter', filter: { place: -1 } },
    of: [['things', []]],
  },
  {
    call: (client) => client.forget({ ids: [] }, { reason: 'x' }),
    request: ['POST', '/forget', { ids: [], reason: 'x' }],
    says: { call: 'forget', requested: 0, reason: 'x' },
    of: [],
  },
  // Of a collection there is one, even if it is empty.
  {
    call: (client) => client.deleteCollection('things', { receipt, reason: REASON }),
    request: ['DELETE', `${things}?receipt=true&reason=${encodeURIComponent(REASON)}`],
    says: { call: 'deleteCollection', reason: REASON },
    of: [['things', ['id-j']]],
  },
  {
    call: (client) => client.deleteCollection('others', { receipt }),
    request: ['DELETE', '/collections/others?receipt=true'],
    says: { call: 'deleteCollection' },
    of: [['others', []]],
  },
]

const IDS = ['id-a', 'id-b', 'id-é', 'id-😀', 'id-c', 'id-d', 'id-e', 'id-f', 'id-g', 'id-h', 'id-i', 'id-j']

/** The digest of a receipt of forget, computed as documented. */
function digestOfAll(collections: { collection: string; logSequence: number }[], of: Erasure['of']) {
  const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
  const all = collections.map(({ collection, logSequence }, i) => [
    collection,
    logSequence,
    [...of[i][1]].sort(byBytes),
  ])
  return createHash('sha256').update(JSON.stringify(all)).digest('hex')
}

/** What the receipt of an erasure has to be, but for what the ledger adds. */
function expected({ says, of }: Erasure, given: Receipt, durable: boolean) {
  const deleted = of.reduce((sum, [, ids]) => sum + ids.length, 0)
  const bytes = (id: string) => 8 + Buffer.byteLength(id) + `{"place":${IDS.indexOf(id)}}`.length
  const shared = {
    ...says,
    deleted,
    bytesErased: of.flatMap(([, ids]) => ids).reduce((sum, id) => sum + bytes(id), 0),
    completedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/),
    durable,
    text: expect.any(String),
  }
  if (says.call !== 'forget') {
    const [[collection, ids]] = of
    const logSequence = given.logSequence as number
    expect(logSequence).toBeGreaterThanOrEqual(0)
    return { ...shared, collection, logSequence, digest: digest(logSequence, ids) }
  }
  const collections = of.map(([collection, ids]) => ({
    collection,
    deleted: ids.length,
    logSequence: expect.any(Number),
  }))
  return { ...shared, collections, digest: digestOfAll(given.collections as any, of) }
}

/** A receipt's collections, as the entry of the ledger has them. */
function collectionsOf(receipt: Receipt) {
  const { collection, logSequence: sequence, deleted } = receipt
  const all = receipt.call === 'forget' ? (receipt.collections as any[]) : [receipt]
  if (receipt.call !== 'forget') return [{ collection, id: expect.any(String), sequence, deleted }]
  return all.map((one) => ({
    collection: one.collection,
    id: expect.stringMatching(/^[0-9a-f]{32}$/),
    sequence: one.logSequence,
    deleted: one.deleted,
  }))
}

const stores: [string, () => { path?: string; ledger?: boolean }][] = [
  ['in memory', () => ({})],
  ['on disk', () => ({ path: directory() })],
  ['on disk with a ledger', () => ({ path: directory(), ledger: true })],
]

describe.each(stores)('receipts of a store %s', (_, optionsOf) => {
  async function opened() {
    const options = optionsOf()
    const client = connected(options)
    for (const name of ['things', 'others']) await client.createCollection(name, { dimension: 2 })
    const rows = IDS.map((id, place) => ({ id, data: [1, place], metadata: { place } }))
    await client.insertVectors('things', rows)
    return { client, path: options.path, hasLedger: options.ledger === true }
  }
  type Opened = Awaited<ReturnType<typeof opened>>

  /** Makes all erasures, and checks each of their receipts. */
  async function erased({ client, path, hasLedger }: Opened, erase: (one: Erasure) => Promise<Receipt>) {
    const receipts: Receipt[] = []
    const store = (await client.getLedger())?.store
    for (const one of ERASURES) {
      const given = await erase(one)
      const { store: of, entry, ...rest } = given
      expect(rest).toStrictEqual(expected(one, given, path !== undefined))
      expect(Object.keys(given)).toStrictEqual(MEMBERS.filter((name) => name in given))
      const hasEntry = hasLedger && (given.deleted > 0 || one.says.call === 'deleteCollection')
      expect([one.says.call, entry !== undefined]).toStrictEqual([one.says.call, hasEntry])
      expect(of).toBe(hasEntry ? store : undefined)
      if (hasEntry) {
        expect(JSON.parse(entry as string)).toMatchObject({
          kind: 'erased',
          call: one.says.call,
          collections: collectionsOf(given),
          deleted: given.deleted,
          bytes: given.bytesErased,
          digest: given.digest,
        })
        expect(JSON.parse(entry as string).reason).toBe(one.says.reason)
      }
      // What a person files says what the rest does, and not of whom.
      for (const part of [given.digest, given.completedAt, ...(given.reason ? [given.reason] : [])])
        expect(given.text).toContain(part)
      expect(`${given.text}${entry}`).not.toMatch(/id-|nobody/)
      expect(given.text.split('\n').length).toBeGreaterThan(4)
      receipts.push(given)
    }
    return receipts
  }

  test('are the same in process and over HTTP, but for when, and what was before', async () => {
    const here = await opened()
    const inProcess = await erased(here, async (one) => (await one.call(here.client)).receipt as Receipt)

    const there = await opened()
    const ask = asking((await there.client.serve({ port: 0 })).url)
    const overHttp = await erased(there, async ({ request: [method, path, body] }) => {
      const answer = await ask(method, path, body)
      expect([path, answer.status]).toStrictEqual([path, 200])
      return answer.json.receipt
    })
    expect(overHttp.map((one) => Object.keys(one))).toStrictEqual(inProcess.map((one) => Object.keys(one)))

    for (const [{ client, path, hasLedger }, receipts] of [
      [here, inProcess],
      [there, overHttp],
    ] as const) {
      for (const one of receipts) {
        // One without an entry says what has happened, and there is nothing to verify it by.
        const problems = one.entry === undefined ? [expect.stringContaining('has no entry')] : []
        const verified = problems.length === 0
        expect(await verifyReceipt(one as never)).toStrictEqual({ verified, problems })
      }
      if (!hasLedger) continue
      const withEntry = receipts.filter(({ entry }) => entry !== undefined)
      const report = await verifyLedger(path as string, { receipts: withEntry as never })
      const ledger = await client.getLedger()
      expect(report).toMatchObject({
        verified: true,
        problems: [],
        erasures: withEntry.length,
        deleted: withEntry.reduce((sum, { deleted }) => sum + deleted, 0),
        unfinished: 0,
        undone: 0,
        store: ledger?.store,
        head: ledger?.head,
      })
      const text = readFileSync(join(path as string, 'LEDGER'), 'utf8')
      expect(text).not.toMatch(/id-|nobody|"place"/)
      for (const { entry } of withEntry) expect(text).toContain(`\n${entry}\n`)
    }
  })

  test('that were changed are told', async () => {
    const { client, path, hasLedger } = await opened()
    const { receipt } = await client.deleteVector('things', 'id-a', { receipt: true, reason: REASON })
    if (!hasLedger) return
    const changes: [string, unknown][] = [
      ['deleted', 2],
      ['reason', 'another'],
      ['logSequence', (receipt.logSequence as number) + 1],
      ['digest', receipt.digest.replace(/^./, (one) => (one === '0' ? '1' : '0'))],
      ['bytesErased', 0],
      ['collection', 'others'],
      ['call', 'batchDelete'],
      ['entry', (receipt.entry as string).replace('"deleted":1', '"deleted":2')],
    ]
    for (const [name, value] of changes) {
      const changed: any = { ...receipt, [name]: value }
      const { verified, problems } = await verifyReceipt(changed, { ledger: path as string })
      expect([name, verified, problems.length > 0]).toStrictEqual([name, false, true])
    }
    const file = join(directory(), 'LEDGER')
    const lines = readFileSync(join(path as string, 'LEDGER'), 'utf8').split('\n')
    writeFileSync(file, `${lines.slice(0, -2).join('\n')}\n`)
    const cut = await verifyLedger(file, { receipts: [receipt] as never })
    expect(cut.verified).toBe(false)
  })
})

describe.each(engines.filter(([name]) => name.startsWith('embedded')))(
  'an erasure that is cancelled, by the client that is %s',
  (_, ready) => {
    const engine = ready()

    test('at any moment has happened or not, as it says, and as its ledger says', async () => {
      const client = await engine.things(1, 'euclidean')
      let erased = 0
      for (let round = 0; round < 30; round++) {
        const ids = Array.from({ length: 100 }, (_, i) => `${round} ${i}`)
        await client.insertVectors(
          'things',
          ids.map((id, i) => ({ id, data: [i] })),
        )
        const control = new AbortController()
        const options = { signal: control.signal, reason: `round ${round}` }
        const deleting =
          round % 2 === 0 ? client.batchDelete('things', ids, options) : client.forget({ ids }, options)
        const done = deleting.then(
          () => true,
          (error) => (error === control.signal.reason ? false : error),
        )
        for (let turn = 0; turn < round / 3; turn++) await new Promise(setImmediate)
        control.abort()
        const isDone = await done
        expect(await client.count('things')).toBe(isDone === true ? 0 : 100)
        if (isDone === true) erased += 1
        else await client.batchDelete('things', ids)
      }
      const ledger = await client.getLedger()
      if (!ledger) return
      const report = await verifyLedger(ledger.path)
      // Where it has not happened, it was begun and undone, or there is nothing about it.
      expect(report).toMatchObject({ verified: true, erasures: 30, deleted: 3000, unfinished: 0 })
      const told = readFileSync(ledger.path, 'utf8').match(/"kind":"erased"[^\n]*"reason":"round/g) ?? []
      expect(told).toHaveLength(erased)
    })
  },
)

test('a reason is no option of what deletes nothing of the caller', async () => {
  const client = connected()
  await client.createCollection('things', { dimension: 2 })
  const reason = 'a request'
  for (const call of [
    untyped(client).cleanupEmptyCollections({ reason }),
    untyped(client).copyVectors('things', 'others', ['a'], { reason }),
    untyped(client).bulkUpdateMetadata('things', { a: 1 }, { b: 1 }, { reason }),
    untyped(client).insertVectors('things', [], { reason }),
    untyped(client).optimize('things', { reason }),
  ]) {
    const error = await rejection(call)
    expect(error).toBeInstanceOf(ValidationError)
    expect(error.message).toMatch(/^options\.reason: unknown; use /)
  }
})
