// Deletes that can be undone, on disk: what waits when a store is opened again, and what is left of it
// in the files. conformance/undo.spec.ts has what every engine promises.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CollectionNotFoundError,
  close,
  createCollection,
  deleteVector,
  insertVectors,
  listDeleted,
  migrate,
  purgeDeleted,
  SigningError,
  type Undo,
  undelete,
  ValidationError,
  type Vector,
  VectorizerClient,
  VectorNotFoundError,
  verifyLedger,
  verifyReceipt,
} from '../..'
import { idsOf, client as opened } from '../support/collections'
import { bytes, directory, MODES, present, secret, store, traces } from '../support/disk'
import { signer } from '../support/ledger'
import { kill, packagePath, run, start } from '../support/processes'
import { seeded, vector } from '../support/random'
import { rejection } from '../support/rejection'

const DIMENSION = 8

async function reopened(client: VectorizerClient, path: string, options = {}) {
  await client.close()
  return opened({ path, ...options })
}

const waitingIds = async (client: VectorizerClient, collection = 'things') =>
  (await client.listDeleted(collection)).vectors.map(({ id }) => id)

/** Waits until a time has passed. */
async function passed(at: number) {
  while (Date.now() <= at) await sleep(5)
}

/** Everything that is written to disk about a vector, be it alive or waiting. */
const written = (one: Vector) => [...traces(one), Buffer.from(bytes(one.data).toString('base64'))]

/** Random vectors that nothing else contains anything of. */
function secrets(count: number): Vector[] {
  const random = seeded(7)
  return Array.from({ length: count }, () => ({
    id: secret(random),
    data: Float32Array.from(vector(random, DIMENSION)),
    metadata: { secret: secret(random) },
    text: secret(random),
  }))
}

/** A new store whose collection `things` holds random vectors. */
async function holding(count: number, options = {}) {
  const { client, path } = store(options)
  const all = secrets(count)
  await client.createCollection('things', { dimension: DIMENSION, metric: 'euclidean' })
  await client.insertVectors('things', all)
  return { client, path, all, ids: all.map(({ id }) => id) }
}

/** How many of the vectors anything can be found of in the files of a store. */
const found = (path: string, all: Vector[]) =>
  all.filter((one) => present(path, written(one)).length > 0).length

describe.each(MODES)('a store on disk with fsync %s', (fsync) => {
  test('that is opened again has what waits, and can undo it', async () => {
    const { client, path, all, ids } = await holding(6, { fsync })
    const { vectors } = await client.listVectors('things')
    await client.setVectorExpiry('things', ids[1], Date.UTC(2100, 0, 1))
    const [first, second] = [
      (await client.batchDelete('things', ids.slice(0, 3), { undo: '1h' })).undo as Undo,
      (await client.deleteVector('things', ids[3], { undo: '3653d' })).undo,
    ]
    await client.createCollection('others', { dimension: 2, description: 'Others' })
    await client.insertVectors('others', [{ id: 'a', data: [1, 2], text: 'a text' }])
    const whole = await client.deleteCollection('others', { undo: '7d', reason: 'a request' })
    const before = [await client.listDeleted('things'), await client.listDeleted()]
    expect(before[0].total).toBe(4)

    let again = await reopened(client, path, { fsync })
    expect([await again.listDeleted('things'), await again.listDeleted()]).toStrictEqual(before)
    expect(await again.count('things')).toBe(2)
    expect((await again.getCollectionInfo('things')).undoable).toBe(4)
    expect((await again.listCollections()).map(({ name }) => name)).toStrictEqual(['things'])
    expect((await again.undelete('things', first.token)).undeleted).toBe(3)
    expect((await again.undelete('others', whole.undo.token)).undeleted).toBe(1)
    expect(await again.getVector('things', ids[0])).toStrictEqual(vectors[0])
    expect(await again.getVector('things', ids[1])).toStrictEqual({
      ...vectors[1],
      expires_at: Date.UTC(2100, 0, 1),
    })

    again = await reopened(again, path, { fsync })
    expect(await idsOf(again)).toStrictEqual([ids[4], ids[5], ids[0], ids[1], ids[2]])
    expect(await waitingIds(again)).toStrictEqual([ids[3]])
    expect((await again.getCollectionInfo('others')).description).toBe('Others')
    expect((await again.getVector('others', 'a')).text).toBe('a text')
    expect((await again.undelete('things', second.token)).undeleted).toBe(1)
    expect(await again.listDeleted()).toStrictEqual({ collections: [], vectors: [], total: 0 })
    expect((await again.listVectors('things')).vectors.map(({ data }) => data)).toStrictEqual(
      [4, 5, 0, 1, 2, 3].map((i) => all[i].data),
    )
  })
})

test('what waits longer than a store is closed is there, and what does not is gone before the first read', async () => {
  const { client, path, all, ids } = await holding(4)
  await client.createCollection('others', { dimension: DIMENSION })
  const [other] = [{ ...all[0], id: `other ${ids[0]}` }]
  await client.insertVectors('others', [other])
  await client.deleteVector('things', ids[0], { undo: '1h' })
  const { undo } = await client.batchDelete('things', ids.slice(1, 3), { undo: '1s' })
  const whole = await client.deleteCollection('others', { undo: '1s' })
  await client.close()
  await passed(Math.max(undo?.until ?? 0, whole.undo.until))

  const again = opened({ path })
  expect(await again.listDeleted()).toStrictEqual({ collections: [], vectors: [], total: 0 })
  expect(await waitingIds(again)).toStrictEqual([ids[0]])
  expect(await rejection(again.undelete('things', undo?.token ?? ''))).toBeInstanceOf(ValidationError)
  const gone = again.undelete('others', whole.undo.token)
  expect(await rejection(gone)).toBeInstanceOf(CollectionNotFoundError)
  expect(await again.verifyErased('things', ids.slice(1, 3))).toStrictEqual({ verified: true, residues: [] })
  await again.close()
  expect(found(path, all.slice(1, 3))).toBe(0)
  expect(present(path, [Buffer.from(other.id)])).toStrictEqual([])
  expect(found(path, [all[0], all[3]])).toBe(2)
})

describe('in the files of a store', () => {
  type Erase = (client: VectorizerClient, ids: string[], undo: Undo) => Promise<unknown>
  const ways: [string, Erase][] = [
    ['purgeDeleted by ids', (client, ids) => client.purgeDeleted('things', ids)],
    ['purgeDeleted by its token', (client, _, { token }) => client.purgeDeleted('things', token)],
    ['purgeDeleted of all', (client) => client.purgeDeleted('things', { all: true })],
    ['forget by ids', (client, ids) => client.forget({ ids })],
    [
      'a final delete after undelete',
      async (client, ids, { token }) => {
        await client.undelete('things', token)
        await client.batchDelete('things', ids)
      },
    ],
    [
      'a final delete of another copy, and a purge',
      async (client, ids) => {
        await client.insertVectors('things', { ids, data: new Float32Array(ids.length * DIMENSION) })
        await client.batchDelete('things', ids, { undo: '1h' })
        await client.purgeDeleted('things', { all: true })
      },
    ],
    ['a final delete of the collection', (client) => client.deleteCollection('things')],
    [
      'a purge of the collection',
      async (client) => {
        const { undo } = await client.deleteCollection('things', { undo: '1h' })
        await client.purgeDeleted('things', undo.token)
      },
    ],
  ]

  test.each(ways)('nothing is left of what was deleted with undo after %s', async (way, erase) => {
    const { client, path, all, ids } = await holding(12)
    const [gone, left] = [all.slice(0, 6), all.slice(6)]
    const { undo } = await client.batchDelete('things', ids.slice(0, 6), { undo: '1h' })
    await client.flush()
    // It is there, and can be read by whoever has the keys: it is only put aside.
    expect(found(path, gone)).toBe(6)
    await erase(client, ids.slice(0, 6), undo as Undo)
    expect(found(path, gone)).toBe(0)
    const isWhole = /the collection$/.test(way)
    if (!isWhole) {
      const report = await client.verifyErased('things', ids.slice(0, 6))
      expect(report).toStrictEqual({ verified: true, residues: [] })
    }
    await client.close()
    expect(found(path, gone)).toBe(0)
    expect(found(path, left)).toBe(isWhole ? 0 : 6)
    const again = opened({ path })
    expect(await again.listDeleted()).toStrictEqual({ collections: [], vectors: [], total: 0 })
  })

  test('nothing is left of what was deleted with undo when its time is over', async () => {
    const { client, path, all, ids } = await holding(6)
    await client.batchDelete('things', ids.slice(0, 3), { undo: '1s' })
    // Erased within a second, by nobody's call.
    while (found(path, all.slice(0, 3)) > 0) await sleep(50)
    await client.deleteCollection('things', { undo: '1s' })
    while (found(path, all) > 0) await sleep(50)
    expect(await client.listDeleted()).toStrictEqual({ collections: [], vectors: [], total: 0 })
  })

  test('nothing is left where it was while it waits', async () => {
    const { client, path, all, ids } = await holding(6)
    await client.batchDelete('things', ids.slice(0, 3), { undo: '1h' })
    await client.close()
    // The bin has the form of the row that no collection has.
    const raw = all.slice(0, 3).map(({ data }) => bytes(data))
    expect(present(path, raw)).toStrictEqual([])
    expect(found(path, all.slice(0, 3))).toBe(3)
    expect(
      present(
        path,
        all.slice(3).map(({ data }) => bytes(data)),
      ),
    ).toHaveLength(3)
  })

  test('an encrypted one shows nothing of what waits, and rotated keys open it', async () => {
    const encryption = { key: new Uint8Array(32).fill(1) }
    const next = { key: new Uint8Array(32).fill(2) }
    const { client, path, all, ids } = await holding(6, { encryption })
    const { undo } = await client.batchDelete('things', ids.slice(0, 3), { undo: '1h' })
    await client.createCollection('others', { dimension: DIMENSION })
    await client.insertVectors('others', all.slice(0, 1))
    const whole = await client.deleteCollection('others', { undo: '1h' })
    expect(present(path, all.flatMap(written))).toStrictEqual([])
    await client.rotateKeys(next)
    const again = await reopened(client, path, { encryption: next })
    expect(present(path, all.flatMap(written))).toStrictEqual([])
    expect((await again.undelete('things', undo?.token ?? '')).undeleted).toBe(3)
    expect((await again.undelete('others', whole.undo.token)).undeleted).toBe(1)
    expect((await again.getVector('others', ids[0])).data).toStrictEqual(all[0].data)
  })

  test('a backup and a copy have none of it', async () => {
    const { client, all, ids } = await holding(6)
    await client.createCollection('others', { dimension: DIMENSION })
    await client.insertVectors('others', [{ ...all[0], id: 'other' }])
    await client.batchDelete('things', ids.slice(0, 3), { undo: '1h' })
    await client.deleteCollection('others', { undo: '1h' })
    const { file, vectors, collections } = await client.createBackup(directory())
    expect([vectors, collections]).toStrictEqual([3, 1])
    const path = join(directory(), 'restored')
    await VectorizerClient.restoreBackup(file, path)
    const target = opened()
    await migrate(client, target)
    for (const one of [opened({ path }), target]) {
      expect(await one.listDeleted()).toStrictEqual({ collections: [], vectors: [], total: 0 })
      expect(await waitingIds(one)).toStrictEqual([])
      expect(await idsOf(one)).toStrictEqual(ids.slice(3))
    }
    expect(found(path, all.slice(0, 3))).toBe(0)
  })
})

describe('a process', () => {
  const script = (path: string, body: string) => `
    const { VectorizerClient } = require(${JSON.stringify(packagePath)})
    const { writeSync } = require('node:fs')
    const client = new VectorizerClient(${JSON.stringify({ path })})
    const ids = Array.from({ length: 40 }, (_, i) => 'id ' + i)
    ;(async () => {
      await client.createCollection('things', { dimension: 2 })
      await client.insertVectors('things', ids.map((id, i) => ({ id, data: [1, i], metadata: { i } })))
      ${body}
    })()
  `
  const ids = Array.from({ length: 40 }, (_, i) => `id ${i}`)

  test('that is killed after deletes with undo has put aside what it said', async () => {
    const path = join(directory(), 'store')
    const { stdout, stderr, signal } = await run(
      script(
        path,
        `
        await client.createCollection('others', { dimension: 2 })
        await client.insertVectors('others', [{ id: 'a', data: [3, 4] }])
        const undos = [
          await client.batchDelete('things', ids.slice(0, 10), { undo: '1h' }),
          await client.deleteByFilter('things', { i: 10 }, { undo: '1h' }),
          await client.deleteVector('things', 'id 11', { undo: '1h' }),
          await client.replace('things', { i: 12 }, [], { undo: '1h' }),
          await client.deleteCollection('others', { undo: '1h' }),
        ]
        await client.undelete('things', ['id 3'])
        await client.purgeDeleted('things', ['id 4'])
        writeSync(1, JSON.stringify(undos.map(({ undo }) => undo.token)))
        process.kill(process.pid, 'SIGKILL')
        `,
      ),
    )
    expect([stderr, signal]).toStrictEqual(['', 'SIGKILL'])
    const tokens: string[] = JSON.parse(stdout)

    const client = opened({ path })
    const { vectors } = await client.listDeleted('things')
    const left = ids.slice(0, 13).filter((id) => !['id 3', 'id 4'].includes(id))
    expect(vectors.map(({ id }) => id)).toStrictEqual(left)
    expect(new Set(vectors.map(({ token }) => token))).toStrictEqual(new Set(tokens.slice(0, 4)))
    expect(await idsOf(client)).toStrictEqual([...ids.slice(13), 'id 3'])
    const counts: number[] = []
    for (const token of tokens.slice(0, 4)) counts.push((await client.undelete('things', token)).undeleted)
    expect(counts).toStrictEqual([8, 1, 1, 1])
    expect((await client.undelete('others', tokens[4])).undeleted).toBe(1)
    expect((await client.getVector('others', 'a')).data).toStrictEqual(Float32Array.of(3, 4))
    expect(await rejection(client.getVector('things', 'id 4'))).toBeInstanceOf(VectorNotFoundError)
  })

  test('that is killed at any moment has each vector either in the collection or waiting', async () => {
    for (let round = 0; round < 6; round++) {
      const path = join(directory(), 'store')
      const child = await start(
        script(
          path,
          `
          writeSync(1, 'begun')
          for (;;) {
            const { undo } = await client.batchDelete('things', ids, { undo: '1h' })
            await client.undelete('things', undo.token)
          }
          `,
        ),
      )
      await sleep(15 * round)
      await kill(child)
      const client = opened({ path })
      const { vectors, total } = await client.listDeleted('things')
      expect([0, 40]).toContain(total)
      const waiting = vectors.map(({ id }) => id)
      expect(new Set(vectors.map(({ token }) => token)).size).toBe(total / 40)
      expect([...waiting, ...(await idsOf(client))]).toStrictEqual(ids)
      if (total > 0) await client.undelete('things', vectors[0].token)
      expect(
        (await client.listVectors('things', 0, 40)).vectors.map(({ metadata }) => metadata?.i),
      ).toStrictEqual(ids.map((_, i) => i))
      await client.close()
    }
  })

  test('ends by itself while something waits, which another one can undo', async () => {
    const path = join(directory(), 'store')
    const body = `await client.batchDelete('things', ids, { undo: '1h' })`
    expect(await run(script(path, body))).toMatchObject({ code: 0, stderr: '' })
    const client = opened({ path })
    expect((await client.undelete('things', ids)).undeleted).toBe(40)
  })
})

describe('the ledger', () => {
  const linesOf = (file: string) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .slice(1, -1)
      .map((line) => JSON.parse(line))

  test('tells deletes with undo from erasures, and is verified', async () => {
    const { client, path, ids } = await holding(6, { ledger: true })
    const reason = 'request 4711'
    await client.batchDelete('things', ids.slice(0, 3), { undo: '1h', reason })
    await client.undelete('things', [ids[0]])
    const { receipt } = await client.purgeDeleted('things', [ids[1]], { receipt: true, reason })
    await client.deleteCollection('things', { undo: '1h', reason: 'a tidy' })
    const [{ token }] = (await client.listDeleted()).collections
    const whole = await client.purgeDeleted('things', token, { receipt: true })

    const begun = linesOf(join(path, 'LEDGER')).filter(({ kind }) => kind === 'begin')
    const told = begun.map(({ call, deleted, reason, collections: [{ to, all }] }) => ({
      call,
      deleted,
      reason,
      isMoved: to !== undefined,
      isWhole: all === true,
    }))
    const plain = { isMoved: false, isWhole: false }
    expect(told.slice(0, 4)).toStrictEqual([
      { call: 'batchDelete', deleted: 3, reason, ...plain, isMoved: true },
      { call: 'undelete', deleted: 1, reason: undefined, ...plain, isMoved: true },
      { call: 'purgeDeleted', deleted: 1, reason, ...plain },
      { call: 'purgeDeleted', deleted: 4, reason: 'a tidy', ...plain, isWhole: true },
    ])
    const report = await verifyLedger(path, { receipts: [receipt, whole.receipt] })
    expect(report).toMatchObject({ verified: true, problems: [], unfinished: 0, undone: 0 })
    for (const one of [receipt, whole.receipt])
      expect(await verifyReceipt(one, { ledger: path })).toStrictEqual({ verified: true, problems: [] })
  })

  test('and a receipt say the name that the collection has', async () => {
    const { client, path, ids } = await holding(3, { ledger: true })
    await client.batchDelete('things', ids.slice(0, 2), { undo: '1h' })
    await client.renameCollection('things', 'others')
    const { receipt } = await client.purgeDeleted('others', [ids[0]], { receipt: true })
    expect(receipt.collection).toBe('others')
    const { receipt: forgotten } = await client.forget({ ids: [ids[1]] })
    for (const one of [receipt, forgotten ?? {}])
      expect(await verifyReceipt(one, { ledger: path })).toStrictEqual({ verified: true, problems: [] })
    expect((await verifyLedger(path)).verified).toBe(true)
  })

  test('keeps out of a restored backup what was erased, and not what waits or was undeleted', async () => {
    const { client, path, ids } = await holding(6, { ledger: true })
    const { file } = await client.createBackup(directory())
    await client.batchDelete('things', ids.slice(0, 4), { undo: '1h' })
    await client.undelete('things', [ids[0]])
    await client.purgeDeleted('things', [ids[1], ids[2]])
    await client.deleteVector('things', ids[5])
    const target = join(directory(), 'restored')
    const { leftOut } = await VectorizerClient.restoreBackup(file, target, { ledger: path })
    expect(leftOut).toBe(3)
    const source = join(directory(), 'source')
    await VectorizerClient.restoreBackup(file, source)
    const migrated = opened()
    const report = await migrate(opened({ path: source }), migrated, { ledger: path })
    expect(report.leftOut).toBe(3)
    for (const one of [opened({ path: target }), migrated]) {
      expect(await idsOf(one)).toStrictEqual([ids[0], ids[3], ids[4]])
      expect(await waitingIds(one)).toStrictEqual([])
    }
  })

  test('keeps out nothing that was undeleted or waits for what was erased elsewhere', async () => {
    const { client, path } = await holding(0, { ledger: true })
    for (const name of ['docs', 'notes']) {
      await client.createCollection(name, { dimension: 2 })
      const rows = ['a', 'b', 'c'].map((id) => ({ id, data: [1, 2] }))
      await client.insertVectors(name, rows)
    }
    const { file } = await client.createBackup(directory())
    await client.batchDelete('docs', ['a', 'b'], { undo: '1h' })
    await client.undelete('docs', ['a'])
    await client.batchDelete('notes', ['a', 'b'])
    const target = join(directory(), 'restored')
    expect((await VectorizerClient.restoreBackup(file, target, { ledger: path })).leftOut).toBe(2)
    const source = join(directory(), 'source')
    await VectorizerClient.restoreBackup(file, source)
    const migrated = opened()
    await migrate(opened({ path: source }), migrated, { ledger: path })
    for (const one of [opened({ path: target }), migrated]) {
      expect(await idsOf(one, 'docs')).toStrictEqual(['a', 'b', 'c'])
      expect(await idsOf(one, 'notes')).toStrictEqual(['c'])
    }
  })

  test('keeps out a collection only once it is erased', async () => {
    const { client, path } = await holding(2, { ledger: true })
    const { file } = await client.createBackup(directory())
    const restored = async () => {
      const target = join(directory(), 'restored')
      await VectorizerClient.restoreBackup(file, target, { ledger: path })
      return (await opened({ path: target }).listCollections()).map(({ name }) => name)
    }
    const { undo } = await client.deleteCollection('things', { undo: '1h' })
    expect(await restored()).toStrictEqual(['things'])
    await client.undelete('things', undo.token)
    expect(await restored()).toStrictEqual(['things'])
    const again = await client.deleteCollection('things', { undo: '1h' })
    await client.purgeDeleted('things', again.undo.token)
    expect(await restored()).toStrictEqual([])
  })

  test('has the signature of a purge, which fails as that of any erasure does', async () => {
    const { publicKey, sign } = signer()
    let isBroken = false
    const signing = (entry: Uint8Array) => {
      if (isBroken) throw new Error('no key')
      return sign(entry)
    }
    const { client, path, ids } = await holding(4, { ledger: { sign: signing } })
    const { undo } = await client.batchDelete('things', ids.slice(0, 2), { undo: '1h' })
    const { receipt } = await client.purgeDeleted('things', [ids[0]], { receipt: true })
    expect(await verifyReceipt(receipt, { publicKey, ledger: path })).toStrictEqual({
      verified: true,
      problems: [],
    })
    isBroken = true
    const error = await rejection(client.purgeDeleted('things', undo?.token ?? '', { receipt: true }))
    expect(error).toBeInstanceOf(SigningError)
    expect((error as SigningError).report).toMatchObject({ purged: 1, receipt: { call: 'purgeDeleted' } })
    expect(await waitingIds(client)).toStrictEqual([])
    isBroken = false
  })
})

test('clients of one store undo what another one has deleted', async () => {
  for (const options of [{ shared: 'undo.spec' }, { path: directory() }]) {
    const [one, other] = [opened(options), opened(options)]
    await one.createCollection('things', { dimension: 2 })
    await one.insertVectors('things', [{ id: 'a', data: [1, 2] }])
    const { undo } = await one.deleteVector('things', 'a', { undo: '1h' })
    await one.close()
    expect((await other.undelete('things', undo.token)).undeleted).toBe(1)
    const whole = await other.deleteCollection('things', { undo: '1h' })
    expect((await opened(options).undelete('things', whole.undo.token)).undeleted).toBe(1)
    await other.deleteCollection('things')
    await other.close()
  }
})

test('texts come back without being embedded again', async () => {
  const asked: string[] = []
  const embedder = (texts: string[]) => {
    asked.push(...texts)
    return texts.map((text) => [text.length, 1])
  }
  const client = opened({ embedder })
  await client.createCollection('texts', { dimension: 2 })
  const rows = [
    { id: 'a', text: 'one', metadata: { source: 's' } },
    { id: 'b', text: 'three', metadata: { source: 's' } },
  ]
  await client.insertTexts('texts', rows)
  const { vectors } = await client.listVectors('texts')
  const changed = [{ id: 'c', text: 'other words', metadata: { source: 's' } }]
  const { undo } = await client.replace('texts', { source: 's' }, changed, { undo: '1h' })
  expect(asked).toStrictEqual(['one', 'three', 'other words'])
  expect((await client.undelete('texts', undo?.token ?? '')).undeleted).toBe(2)
  expect(asked).toHaveLength(3)
  expect((await client.listVectors('texts')).vectors.slice(1)).toStrictEqual(vectors)
})

test("the module's functions undo as a client does", async () => {
  await createCollection('things', { dimension: 2 })
  await insertVectors('things', [{ id: 'a', data: [1, 2] }])
  const { undo } = await deleteVector('things', 'a', { undo: '1h' })
  expect((await listDeleted('things')).vectors).toMatchObject([{ id: 'a', token: undo.token }])
  expect((await undelete('things', undo.token)).undeleted).toBe(1)
  expect((await purgeDeleted('things', { all: true })).purged).toBe(0)
  await close()
})
