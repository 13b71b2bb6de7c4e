// The engine goes away in the middle of what it was asked for, and comes back.
import {
  type DeleteByFilterReport,
  type DeleteReport,
  type InsertReport,
  migrate,
  PartialWriteError,
  StorageError,
  type Vectorizer,
  VectorizerClient,
} from '../..'
import { MilvusVectorizerClient, type MilvusVectorizerClientOptions } from '../../milvus'
import { atEnd } from '../support/ending'
import { contentsOf, vectorsOf } from '../support/migration'
import { milvusProxy, milvusServer } from '../support/milvus'
import { rejection } from '../support/rejection'

const server = milvusServer()
const proxy = milvusProxy(server)

const COUNT = 2500
const ids = Array.from({ length: COUNT }, (_, i) => `id ${i}`)
const rows = ids.map((id, i) => ({ id, data: [1, i], metadata: { half: i % 2 } }))
const impatient = { maxRetries: 1, retryDelay: 1 }

/** A client that goes through the proxy. It waits long for a server that is started again. */
async function opened(
  database: string,
  options: Partial<MilvusVectorizerClientOptions> = { maxRetries: 30 },
) {
  const client = new MilvusVectorizerClient({ address: proxy.address, database, ...options })
  atEnd(() => client.close())
  return client
}

/** A patient and an impatient client of one collection `things` with all rows. */
async function pair() {
  const database = await server.database()
  const patient = await opened(database)
  await patient.createCollection('things', { dimension: 2 })
  await patient.insertVectors('things', rows)
  return { patient, hasty: await opened(database, impatient) }
}

async function brokenOff<Report>(call: Promise<unknown>) {
  const error = await rejection(call)
  if (!(error instanceof PartialWriteError)) throw error
  return { report: error.report as Report, unknown: error.unknown, message: error.message }
}

const idsIn = async (client: Vectorizer) => new Set((await vectorsOf(client, 'things')).map(({ id }) => id))

/** Ends the server when a call has told of progress for the first time. */
const killing = () => {
  let stopped: Promise<void> | undefined
  return {
    onProgress: ({ phase }: { phase: string }) => {
      if (phase === 'delete' || phase === 'insert') stopped ??= server.stop('SIGKILL')
    },
    restart: async () => {
      await stopped
      await server.start()
    },
  }
}

/** What a report says of each id is so; those that are not known may be either. */
async function expectTrue(client: Vectorizer, { results }: DeleteReport, unknown: readonly string[]) {
  const there = await idsIn(client)
  const open = new Set(unknown)
  const wrong = results.filter(({ id, status, error = '' }) => {
    if (status === 'ok') return there.has(id)
    if (open.has(id)) return !error.startsWith('it is not known whether it was deleted')
    return !error.startsWith('not deleted: ') || !there.has(id)
  })
  expect(wrong).toStrictEqual([])
}

/** All that a client holds, as a text: thousands of vectors are compared at once. */
const everything = async (client: Vectorizer) => JSON.stringify(await contentsOf(client))

test('a batch delete whose server is killed says what it did, and done again is complete', async () => {
  const { patient, hasty } = await pair()
  const { onProgress, restart } = killing()
  const { report, unknown, message } = await brokenOff<DeleteReport>(
    hasty.batchDelete('things', ids, { onProgress }),
  )
  await restart()

  expect(report).toMatchObject({ collection: 'things', count: COUNT })
  expect(report.results.map(({ id }) => id)).toStrictEqual(ids)
  expect(report.deleted).toBe(report.results.filter(({ status }) => status === 'ok').length)
  expect(report.deleted).toBeGreaterThan(0)
  expect(report.deleted).toBeLessThan(COUNT)
  expect(report.failed).toBe(COUNT - report.deleted)
  expect(message).toContain(`${report.deleted} of ${COUNT} vectors were deleted`)
  await expectTrue(patient, report, unknown)

  const left = (await idsIn(patient)).size
  const second = await patient.batchDelete('things', ids)
  expect(second.deleted).toBe(left)
  expect(await patient.count('things')).toBe(0)
})

test.each([
  ['has not seen', 'request', 1000],
  ['has done', 'answer', 2000],
] as const)('what the engine %s of a batch delete is not known', async (_, moment, gone) => {
  const { patient, hasty } = await pair()
  // The collection; of the first portion the look, the delete, the look; the look at the second.
  proxy.refuseAfter(5, moment)
  const { report, unknown } = await brokenOff<DeleteReport>(hasty.batchDelete('things', ids))
  proxy.restore()

  expect(report.deleted).toBe(1000)
  expect(unknown).toHaveLength(1000)
  await expectTrue(patient, report, unknown)
  expect(await patient.count('things')).toBe(COUNT - gone)
  expect((await patient.batchDelete('things', ids)).deleted).toBe(COUNT - gone)
  expect(await patient.count('things')).toBe(0)
})

test('a patient batch delete outlives a restart, and reports as if there had been none', async () => {
  const { patient } = await pair()
  let restarted: Promise<void> | undefined
  const restart = async () => {
    await server.stop('SIGKILL')
    await server.start()
  }
  const onProgress = () => {
    restarted ??= restart()
  }
  const report = await patient.batchDelete('things', [...ids, 'nobody'], { onProgress })
  await restarted

  expect(report).toMatchObject({ count: COUNT + 1, deleted: COUNT, failed: 1 })
  expect(report.results.at(-1)).toMatchObject({ id: 'nobody', status: 'error', error: 'vector not found' })
  expect(await patient.count('things')).toBe(0)
})

test('a delete by filter whose server is killed says what it did, and done again is complete', async () => {
  const { patient, hasty } = await pair()
  const { onProgress, restart } = killing()
  const { report, unknown } = await brokenOff<DeleteByFilterReport>(
    hasty.deleteByFilter('things', { half: 1 }, { onProgress }),
  )
  await restart()

  expect(report).toMatchObject({ scanned: COUNT, matched: COUNT / 2, deleted: report.results.length })
  expect(report.deleted).toBeGreaterThan(0)
  const left = await patient.count('things', { half: 1 })
  expect(left).toBeLessThanOrEqual(COUNT / 2 - report.deleted)
  expect(left).toBeGreaterThanOrEqual(COUNT / 2 - report.deleted - unknown.length)
  const there = await idsIn(patient)
  expect(report.results.filter(({ id }) => there.has(id))).toStrictEqual([])

  const second = await patient.deleteByFilter('things', { half: 1 })
  expect(second).toMatchObject({ matched: left, deleted: left })
  expect(await patient.count('things')).toBe(COUNT / 2)
})

test('an insert whose server is killed says what it did, and done again is complete', async () => {
  const database = await server.database()
  const hasty = await opened(database, impatient)
  const patient = await opened(database)
  await hasty.createCollection('things', { dimension: 2 })
  const { onProgress, restart } = killing()
  const { report, unknown } = await brokenOff<InsertReport>(
    hasty.insertVectors('things', rows, { onProgress }),
  )
  await restart()

  expect(report.inserted).toBe(report.ids.length)
  expect(report.inserted).toBeGreaterThan(0)
  const there = await idsIn(patient)
  expect(report.ids.filter((id) => !there.has(id))).toStrictEqual([])
  const told = new Set([...report.ids, ...unknown])
  expect([...there].filter((id) => !told.has(id))).toStrictEqual([])
  expect(await patient.insertVectors('things', rows)).toMatchObject({ inserted: COUNT })
  expect(await patient.count('things')).toBe(COUNT)
})

test('one vector that was on its way to be deleted is told of as well', async () => {
  const { patient, hasty } = await pair()
  proxy.refuseAfter(2, 'answer')
  const { report, unknown } = await brokenOff<DeleteReport>(hasty.deleteVector('things', 'id 7'))
  proxy.restore()

  expect(report).toMatchObject({ count: 1, deleted: 0, failed: 1 })
  expect(unknown).toStrictEqual(['id 7'])
  expect(await patient.count('things')).toBe(COUNT - 1)
})

test('where nothing was begun, the error says that the engine is not there', async () => {
  const { patient, hasty } = await pair()
  proxy.refuse()
  for (const call of [
    hasty.batchDelete('things', ids),
    hasty.deleteByFilter('things', { half: 1 }),
    hasty.insertVectors('things', rows),
    hasty.count('things'),
  ]) {
    const error = await rejection(call)
    expect(error).toBeInstanceOf(StorageError)
    expect(error).not.toBeInstanceOf(PartialWriteError)
    expect(error.message).toMatch(/gave no answer: .*\(tried 2 times\)$/)
  }
  proxy.restore()
  expect(await patient.count('things')).toBe(COUNT)
})

test('what the engine refuses is not asked again', async () => {
  const client = await opened('no such database')
  const error = await rejection(client.listCollections())
  expect(error).toBeInstanceOf(StorageError)
  expect(error.message).toMatch(/refused the call/)
  expect(error.message).not.toMatch(/tried/)
})

describe('a migration', () => {
  async function embedded() {
    const client = new VectorizerClient()
    atEnd(() => client.close())
    return client
  }

  test.each(['there', 'back'])('on its way %s goes on after the engine was restarted', async (way) => {
    const database = await server.database()
    const local = await embedded()
    const patient = await opened(database)
    const hasty = await opened(database, impatient)
    const between = (distributed: Vectorizer): [Vectorizer, Vectorizer] =>
      way === 'there' ? [local, distributed] : [distributed, local]
    const [source, target] = between(patient)
    await source.createCollection('first', { dimension: 2, metric: 'euclidean' })
    await source.insertVectors('first', rows.slice(0, 10))
    await source.createCollection('things', { dimension: 2 })
    await source.insertVectors('things', rows)
    const before = await everything(source)

    let stopped: Promise<void> | undefined
    const broken = migrate(...between(hasty), {
      onProgress: ({ collection, done }) => {
        if (collection === 'things' && done >= 1000) stopped ??= server.stop('SIGKILL')
      },
    })
    const { report, message } = await brokenOff<Awaited<ReturnType<typeof migrate>>>(broken)
    await stopped
    await server.start()

    expect(message).toMatch(/^broken off in collection 'things', in phase 'copy' at \d+ of 2500: /)
    const [first, second] = report.collections
    expect(first).toMatchObject({ name: 'first', vectors: 10, copied: 10, agreement: 1 })
    expect(second.name).toBe('things')
    expect(second.copied).toBeGreaterThanOrEqual(1000)
    const held = await target.count('things')
    expect(held).toBeGreaterThanOrEqual(second.copied)

    const again = await migrate(source, target)
    expect(again.collections).toMatchObject([
      { name: 'first', copied: 0, unchanged: 10 },
      { name: 'things', vectors: COUNT, copied: COUNT - held, unchanged: held, pruned: 0 },
    ])
    expect((await everything(target)) === before).toBe(true)
  })
})

describe('a signal', () => {
  /** A signal that is aborted when a call has written its first portion. */
  const aborting = (reason: unknown) => {
    const control = new AbortController()
    const onProgress = ({ phase, done }: { phase: string; done: number }) => {
      if ((phase === 'delete' || phase === 'insert') && done > 0) control.abort(reason)
    }
    return { signal: control.signal, onProgress }
  }

  test('breaks a write of many off, which says what it did, and done again is complete', async () => {
    const { patient: client } = await pair()
    const enough = new Error('enough')
    const deleting = await rejection(client.batchDelete('things', ids, aborting(enough)))
    expect(deleting).toBeInstanceOf(PartialWriteError)
    expect(deleting.cause).toBe(enough)
    const { report, unknown } = deleting as PartialWriteError
    const { deleted } = report as DeleteReport
    expect(deleted).toBeGreaterThan(0)
    expect(deleted).toBeLessThan(COUNT)
    expect(unknown).toStrictEqual([])
    expect(await client.count('things')).toBe(COUNT - deleted)
    expect((await client.batchDelete('things', ids)).deleted).toBe(COUNT - deleted)

    const inserting = await rejection(client.insertVectors('things', rows, aborting(enough)))
    expect(inserting.cause).toBe(enough)
    const { inserted } = (inserting as PartialWriteError).report as InsertReport
    expect(await client.count('things')).toBe(inserted)
  })

  test('ends the patience with an engine that is not there', async () => {
    const { patient: client } = await pair()
    await server.stop('SIGKILL')
    const control = new AbortController()
    const done = client.deleteByFilter('things', { half: 1 }, { signal: control.signal })
    await new Promise((resolve) => setTimeout(resolve, 50))
    control.abort('enough')
    expect(await done.catch((error: unknown) => error)).toBe('enough')
    await server.start()
    expect(await client.count('things')).toBe(COUNT)
  })
})
