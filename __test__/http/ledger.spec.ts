// The ledger of erasures over HTTP: reasons in bodies and queries, receipts with their entries, and
// what is left of them when the server is ended or killed.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { verifyLedger, verifyReceipt } from '../..'
import { everything, idsOf } from '../support/collections'
import { directory } from '../support/disk'
import { type Ask, command, commandServing, refusal, serving, servingThings } from '../support/http'
import { seeded, whole } from '../support/random'

const INVALID = { status: 400, code: 'VALIDATION_ERROR' }
const REASON = 'request 7 of "u1", 31 January\n😀'

/** A server of a new store on disk with a ledger, with vectors in `things` and an empty `others`. */
async function servingLedger(ids: string[]) {
  const path = join(directory(), 'store')
  const served = await serving({}, { path, ledger: true })
  for (const name of ['things', 'others']) await served.client.createCollection(name, { dimension: 2 })
  await fill(served.ask, ids)
  return { ...served, path }
}

const fill = (ask: Ask, ids: string[]) => {
  const vectors = ids.map((id, i) => ({ id, vector: [1, i], metadata: { name: id } }))
  return ask('POST', '/collections/things/batch_insert', { vectors })
}

const ledgerOf = async (ask: Ask) => (await ask('GET', '/ledger')).json.ledger

/** The lines of a ledger. */
const linesOf = (path: string) => readFileSync(join(path, 'LEDGER'), 'utf8').split('\n').slice(0, -1)
const hashOf = (line: string) => createHash('sha256').update(line).digest('hex')
/** The reasons of the erasures in a ledger. */
const reasonsOf = (path: string) =>
  linesOf(path)
    .map((line) => JSON.parse(line))
    .flatMap(({ kind, reason }) => (kind === 'erased' ? [reason] : []))

const at = '/collections/things'
/** Every way to erase the vector with this id, or all, with what else a body or a query says. */
const BODIES: [string, (id: string) => object][] = [
  [`${at}/batch_delete`, (id) => ({ ids: [id] })],
  ['/batch_delete', (id) => ({ collection: 'things', ids: [id] })],
  [`${at}/delete_by_filter`, (id) => ({ filter: { name: id } })],
  [`${at}/vectors/delete_by_filter`, (id) => ({ filter: { name: id } })],
  [`${at}/replace`, (id) => ({ filter: { name: id }, vectors: [] })],
  [`${at}/replace`, (id) => ({ filter: { name: id }, texts: [] })],
  [`${at}/vectors/move`, (id) => ({ destination: 'others', ids: [id] })],
  [`${at}/vectors/move`, (id) => ({ destination: 'others', filter: { name: id } })],
  ['/forget', (id) => ({ ids: [id], collections: ['things'] })],
  ['/forget', (id) => ({ filter: { name: id }, collections: ['things'] })],
]
const QUERIES = [`${at}/vectors/a`, at]

describe('GET /ledger', () => {
  test('tells that there is none, in memory and on disk', async () => {
    for (const options of [{}, { path: directory() }]) {
      const { ask } = await serving({}, options)
      const { status, json } = await ask('GET', '/ledger')
      expect({ status, json }).toStrictEqual({ status: 200, json: { ledger: null } })
    }
  })

  test('tells whose it is and where it ends, and not which file it is', async () => {
    const { client, ask, path } = await servingLedger(['a', 'b'])
    const tell = async () => {
      const { status, text, json } = await ask('GET', '/ledger')
      expect(status).toBe(200)
      expect(text).not.toContain(path)
      const lines = linesOf(path)
      const { store } = JSON.parse(lines[0])
      expect(json).toStrictEqual({
        ledger: {
          store,
          entries: lines.length - 1,
          head: { entry: lines.length - 1, hash: hashOf(lines.at(-1) as string) },
        },
      })
      const { path: file, ...info } = (await client.getLedger()) as { path: string }
      expect(file).toBe(join(path, 'LEDGER'))
      expect(json.ledger).toStrictEqual(info)
      return json.ledger.entries
    }
    expect(await tell()).toBe(0)
    await ask('DELETE', `${at}/vectors/a`)
    expect(await tell()).toBe(2)
    await ask('POST', `${at}/batch_delete`, { ids: ['nobody'] })
    await ask('POST', `${at}/delete_by_filter`, { filter: { name: 'b' }, dry_run: true })
    await ask('POST', '/forget', { ids: ['nobody'] })
    await ask('POST', `${at}/insert`, { id: 'b', vector: [3, 4] })
    expect(await tell()).toBe(2)
    await ask('DELETE', at)
    expect(await tell()).toBe(4)
  })

  test.each(['?x', '?entries=1', '?collection=things'])('with the query %s is refused', async (query) => {
    const { ask } = await serving()
    expect(refusal(await ask('GET', `/ledger${query}`))).toStrictEqual(INVALID)
  })
})

describe('a reason', () => {
  test.each(BODIES)('in the body of %s is in the receipt and the ledger', async (route, body) => {
    const { ask, path } = await servingLedger(['a', 'b', 'c'])
    const proved = route === '/forget' ? {} : { receipt: true }
    const { status, json } = await ask('POST', route, { ...body('a'), ...proved, reason: REASON })
    expect([status, json.receipt?.reason]).toStrictEqual([200, REASON])
    const without = await ask('POST', route, { ...body('b'), ...proved })
    expect(without.json.receipt).not.toHaveProperty('reason')
    if (route !== '/forget') {
      expect((await ask('POST', route, { ...body('c'), reason: 'no receipt' })).json).not.toHaveProperty(
        'receipt',
      )
    } else await ask('POST', route, { ...body('c'), reason: 'no receipt' })
    expect(reasonsOf(path)).toStrictEqual([REASON, undefined, 'no receipt'])
    expect(JSON.parse(json.receipt.entry).reason).toBe(REASON)
  })

  test('in the query of a delete is in the receipt and the ledger', async () => {
    const { ask, path } = await servingLedger(['a', 'b'])
    const query = `?reason=${encodeURIComponent(REASON)}`
    const one = await ask('DELETE', `${at}/vectors/a${query}&receipt=true`)
    expect([one.status, one.json.receipt?.reason]).toStrictEqual([200, REASON])
    expect((await ask('DELETE', `${at}/vectors/b?reason=a+request`)).json).not.toHaveProperty('receipt')
    const all = await ask('DELETE', `${at}?receipt=true&reason=${encodeURIComponent('+%&= ?')}`)
    expect([all.status, all.json.receipt?.reason]).toStrictEqual([200, '+%&= ?'])
    expect(reasonsOf(path)).toStrictEqual([REASON, 'a request', '+%&= ?'])
  })

  test('is taken where there is neither a receipt nor a ledger', async () => {
    for (const [route, body] of BODIES) {
      const { client, ask } = await servingThings(['a', 'b'])
      await client.createCollection('others', { dimension: 2 })
      expect((await ask('POST', route, { ...body('a'), reason: REASON })).status).toBe(200)
      expect(await idsOf(client)).toStrictEqual(['b'])
    }
    for (const path of QUERIES) {
      const { ask } = await servingThings(['a', 'b'])
      const answer = await ask('DELETE', `${path}?reason=x`)
      expect([answer.status, Object.keys(answer.json)]).toStrictEqual([200, ['success', 'message']])
    }
  })

  test('has 1 to 1,000 characters, in a query as well', async () => {
    const { ask, path } = await servingLedger(['a', 'b', 'c'])
    const reasons = ['x', '😀'.repeat(1000), '\u0000']
    for (const [i, reason] of reasons.entries()) {
      const query = `?receipt=true&reason=${encodeURIComponent(reason)}`
      const { status, json } = await ask('DELETE', `${at}/vectors/${'abc'[i]}${query}`)
      expect([status, json.receipt?.reason]).toStrictEqual([200, reason])
    }
    expect(reasonsOf(path)).toStrictEqual(reasons)
  })

  const wrong: [string, unknown, RegExp][] = [
    ['empty', '', /^body\.reason is empty$/],
    ['too long', 'x'.repeat(1001), /^body\.reason is longer than 1000 characters$/],
    ['too long, in characters of four bytes', '😀'.repeat(1001), /^body\.reason is longer than 1000/],
    ['null', null, /^body\.reason: invalid type: null/],
    ['a number', 7, /^body\.reason: /],
    ['a list', ['x'], /^body\.reason: /],
    ['an object', { text: 'x' }, /^body\.reason: /],
  ]
  test.each(wrong)('that is %s is refused everywhere, and nothing is erased', async (_, reason, message) => {
    const { client, ask, path } = await servingLedger(['a', 'b'])
    const before = [await everything(client), linesOf(path)]
    for (const [route, body] of BODIES) {
      const dry = /filter|replace|move|forget/.test(route) ? [{ dry_run: true }] : []
      for (const more of [{}, ...dry]) {
        const answer = await ask('POST', route, { ...body('a'), ...more, reason })
        expect([route, refusal(answer)]).toStrictEqual([route, INVALID])
        expect(answer.json.message).toMatch(message)
      }
    }
    expect([await everything(client), linesOf(path)]).toStrictEqual(before)
  })

  test.each([
    ['no value', 'reason'],
    ['an empty value', 'reason='],
    ['two values', 'reason=x&reason=y'],
    ['a capital', 'Reason=x'],
    ['too many characters', `reason=${'x'.repeat(1001)}`],
    ['a byte that is not UTF-8', 'reason=a%ffb'],
    ['a surrogate', 'reason=%ed%a0%80'],
    ['a dry run', 'reason=x&dry_run=true'],
  ])('in a query with %s is refused, and nothing is erased', async (_, query) => {
    const { client, ask, path } = await servingLedger(['a', 'b'])
    const before = [await everything(client), linesOf(path)]
    for (const route of QUERIES)
      expect(refusal(await ask('DELETE', `${route}?${query}`))).toStrictEqual(INVALID)
    expect([await everything(client), linesOf(path)]).toStrictEqual(before)
  })

  test('is unknown to what erases nothing that the caller names, and to points', async () => {
    const { client, ask, path } = await servingLedger(['a', 'b'])
    const before = [await everything(client), linesOf(path)]
    const reason = 'x'
    const refused: [string, string, object?][] = [
      ['POST', `${at}/vectors/copy`, { destination: 'others', ids: ['a'], reason }],
      ['POST', `${at}/insert`, { id: 'c', vector: [1, 2], reason }],
      ['POST', `${at}/vectors/bulk_update_metadata`, { filter: { name: 'a' }, patch: {}, reason }],
      ['POST', '/qdrant/collections/things/points/delete', { points: ['a'], reason }],
      ['POST', `${at}/batch_delete?reason=x`, { ids: ['a'] }],
      ['GET', `${at}/vectors/a?reason=x`],
    ]
    for (const [method, route, body] of refused)
      expect([route, refusal(await ask(method, route, body))]).toStrictEqual([route, INVALID])
    expect([await everything(client), linesOf(path)]).toStrictEqual(before)
  })

  test('changes nothing about a dry run', async () => {
    const { ask, path } = await servingLedger(['a', 'b'])
    for (const [route, body] of BODIES.filter(([route]) => !route.endsWith('batch_delete'))) {
      const dry = { ...body('a'), dry_run: true }
      const plain = await ask('POST', route, dry)
      expect((await ask('POST', route, { ...dry, reason: 'a look' })).json).toStrictEqual(plain.json)
      expect([plain.status, plain.json.receipt]).toStrictEqual([200, undefined])
    }
    expect(linesOf(path)).toHaveLength(1)
  })

  test('is described where it can be given', async () => {
    const { ask } = await serving()
    const { paths, components } = (await ask('GET', '/openapi.json')).json
    const one = '/collections/{collection}'
    for (const { delete: operation } of [paths[one], paths[`${one}/vectors/{id}`]]) {
      const reason = operation.parameters.find(({ name }: { name: string }) => name === 'reason')
      expect(reason).toMatchObject({
        in: 'query',
        required: false,
        schema: { type: 'string', minLength: 1, maxLength: 1000 },
      })
    }
    const described = Object.entries<{ properties?: object }>(components.schemas)
      .filter(([, { properties = {} }]) => 'reason' in properties)
      .map(([name]) => name)
    const requests = ['ByFilter', 'ForgetRequest', 'Ids', 'IdsOfCollection', 'MoveRequest', 'ReplaceRequest']
    expect(described).toStrictEqual(expect.arrayContaining(requests))
  })
})

const stopped = async ({ running }: Awaited<ReturnType<typeof commandServing>>) => {
  running.child.kill('SIGTERM')
  expect(await running.ended).toMatchObject({ code: 0, signal: null })
}

describe('serve --ledger', () => {
  test('keeps a ledger, which every later server keeps, whatever its options are', async () => {
    const data = join(directory(), 'store')
    const receipts: any[] = []
    const stores = new Set<string>()
    const names = 'abcdefgh'
    let entries = 0
    for (const [round, options] of [['--ledger'], [], ['--ledger', '--fsync', 'no'], []].entries()) {
      const served = await commandServing(['--data', data, ...options])
      const { ask } = served
      if (round === 0) {
        await ask('POST', '/collections', { name: 'things', dimension: 2 })
        await fill(ask, [...names])
      }
      const before = await ledgerOf(ask)
      expect(before.entries).toBe(entries)
      const [one, other] = names.slice(2 * round)
      const path = `${at}/vectors/${one}?receipt=true&reason=round%20${round}`
      receipts.push((await ask('DELETE', path)).json.receipt)
      receipts.push((await ask('POST', '/forget', { filter: { name: other } })).json.receipt)
      const { store, entries: now, head } = await ledgerOf(ask)
      stores.add(store)
      entries = now
      expect(now).toBe(before.entries + 4)
      // While the server has it open.
      const report = await verifyLedger(data, { receipts, head })
      expect(report).toMatchObject({ verified: true, problems: [], erasures: 2 * round + 2 })
      await stopped(served)
    }
    expect(stores.size).toBe(1)
    const report = await verifyLedger(data, { receipts })
    expect(report).toMatchObject({
      verified: true,
      problems: [],
      store: [...stores][0],
      entries,
      erasures: 8,
      deleted: 8,
      unfinished: 0,
      undone: 0,
    })
    for (const receipt of receipts) {
      expect(receipt).toMatchObject({ durable: true, store: [...stores][0], deleted: 1 })
      const verified = { verified: true, problems: [] }
      expect(await verifyReceipt(receipt)).toStrictEqual(verified)
      expect(await verifyReceipt(receipt, { ledger: data })).toStrictEqual(verified)
    }
    // One that another store has given is in no line of it.
    const elsewhere = await servingLedger(['a'])
    const strange = (await elsewhere.ask('DELETE', `${at}/vectors/a?receipt=true`)).json.receipt
    expect((await verifyLedger(data, { receipts: [...receipts, strange] })).verified).toBe(false)
    expect((await verifyReceipt(strange, { ledger: data })).verified).toBe(false)
    expect(readFileSync(join(data, 'LEDGER'), 'utf8')).not.toMatch(/"name"|"filter"/)
  })

  test('begins a ledger in a store that has had none', async () => {
    const data = join(directory(), 'store')
    const first = await commandServing(['--data', data])
    await first.ask('POST', '/collections', { name: 'things', dimension: 2 })
    await fill(first.ask, ['a', 'b'])
    await first.ask('DELETE', `${at}/vectors/a`)
    expect(await ledgerOf(first.ask)).toBeNull()
    await stopped(first)
    expect(existsSync(join(data, 'LEDGER'))).toBe(false)
    const second = await commandServing(['--data', data, '--ledger'])
    expect(await ledgerOf(second.ask)).toMatchObject({ entries: 0 })
    await second.ask('DELETE', at)
    await stopped(second)
    expect(await verifyLedger(data)).toMatchObject({ verified: true, erasures: 1, deleted: 1 })
  })

  test('needs a directory', async () => {
    const { code, stdout, stderr } = await command(['serve', '--port', '0', '--ledger']).ended
    expect({ code, stdout }).toStrictEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/--ledger needs --data/)
  })

  test('has no hole if the server is killed under load, and every receipt is in it', async () => {
    const data = join(directory(), 'store')
    const random = seeded(7)
    const receipts: any[] = []
    const ids = Array.from({ length: 600 }, (_, i) => `${i}`)
    for (let round = 0; round < 6; round++) {
      const { running, ask } = await commandServing(['--data', data, '--ledger', '--fsync', 'no'])
      if (round === 0) {
        await ask('POST', '/collections', { name: 'things', dimension: 2 })
        await fill(ask, ids)
      }
      const all = await ask('POST', `${at}/search`, { query: '', limit: 1000 })
      const left: string[] = all.json.results.map(({ id }: { id: string }) => id)
      // What is gone is in the ledger, and nothing else, whenever the server was killed.
      const report = await verifyLedger(data, { receipts })
      expect(report).toMatchObject({
        verified: true,
        problems: [],
        deleted: 600 - left.length,
        unfinished: 0,
      })
      let answers = 5 + whole(random, 40)
      const take = async () => {
        for (;;) {
          const [one, two, three] = left.splice(0, 3)
          if (three === undefined) return
          const deletes: [string, string, object?][] = [
            ['DELETE', `${at}/vectors/${one}?receipt=true`],
            ['POST', `${at}/batch_delete`, { ids: [two], receipt: true, reason: 'x' }],
            ['POST', '/forget', { filter: { name: three } }],
          ]
          for (const request of deletes) {
            const answer = await ask(...request).catch(() => undefined)
            if (answer === undefined) return
            expect(answer.status).toBe(200)
            receipts.push(answer.json.receipt)
            answers -= 1
            if (answers === 0) running.child.kill('SIGKILL')
          }
        }
      }
      await Promise.all([take(), take(), take(), take()])
      expect(await running.ended).toMatchObject({ signal: 'SIGKILL' })
    }
    const served = await commandServing(['--data', data])
    const { json } = await served.ask('GET', at)
    const report = await verifyLedger(data, {
      receipts,
      head: await ledgerOf(served.ask).then(({ head }) => head),
    })
    expect(report).toMatchObject({ verified: true, problems: [], deleted: 600 - json.vector_count })
    expect(report.erasures).toBeGreaterThanOrEqual(receipts.length)
    await stopped(served)
  })
})
