// A store's directory that is removed, moved or replaced while the store is open.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { StorageError, VectorizerClient } from '../..'
import { idsOf, client as opened } from '../support/collections'
import { directory, files, MODES } from '../support/disk'
import { atEnd } from '../support/ending'
import { packagePath, run } from '../support/processes'
import { rejection } from '../support/rejection'

// Elsewhere the system keeps what is open where it is.
const posix = process.platform === 'win32' ? describe.skip : describe

async function filled(fsync?: (typeof MODES)[number]) {
  const path = join(directory(), 'store')
  const client = new VectorizerClient({ path, fsync })
  // Its end may tell what happened to the directory.
  atEnd(() => client.close().catch(() => {}))
  await client.createCollection('things', { dimension: 2 })
  await client.insertVectors('things', [{ id: 'old', data: [1, 2] }])
  return { client, path }
}

/** The call rejects with an error that says what has happened. */
async function refused(call: Promise<unknown>) {
  const error = await rejection(call)
  expect(error).toBeInstanceOf(StorageError)
  expect(error.message).toMatch(/removed, moved or replaced/)
}

const writes: [string, (client: VectorizerClient) => Promise<unknown>][] = [
  ['insertVectors', (client) => client.insertVectors('things', [{ id: 'new', data: [1, 2] }])],
  ['updateVector', (client) => client.updateVector('things', 'old', { data: [2, 1] })],
  ['deleteVector', (client) => client.deleteVector('things', 'old')],
  ['batchDelete', (client) => client.batchDelete('things', ['old'])],
  ['deleteByFilter', (client) => client.deleteByFilter('things', { must: [{ has_id: ['old'] }] })],
  [
    'replace',
    (client) => client.replace('things', { a: 1 }, [{ id: 'new', data: [1, 2], metadata: { a: 1 } }]),
  ],
  ['createCollection', (client) => client.createCollection('others', { dimension: 2 })],
  ['deleteCollection', (client) => client.deleteCollection('things')],
  ['flush', (client) => client.flush()],
]

posix('a directory that was removed', () => {
  test.each(MODES)('is a new store where it is opened again, with fsync %s', async (fsync) => {
    const { client, path } = await filled(fsync)
    const second = opened({ path })
    await second.ready()
    rmSync(path, { recursive: true })

    const next = opened({ path, fsync: 'no' })
    expect(await next.listCollections()).toStrictEqual([])
    await next.createCollection('things', { dimension: 2 })
    await next.insertVectors('things', [{ id: 'new', data: [1, 2] }])
    await next.flush()
    // Those of before write nothing any more, and nothing of theirs is done to the new store.
    for (const old of [client, second]) {
      for (const [, write] of writes) await refused(write(old))
      expect(await idsOf(old)).toStrictEqual(['old'])
      expect(await old.close()).toBeUndefined()
    }
    expect(await idsOf(next)).toStrictEqual(['new'])
    await next.close()
    expect(await idsOf(opened({ path }))).toStrictEqual(['new'])
  })

  test('rejects flush, and every write from then on', async () => {
    const { client, path } = await filled()
    rmSync(path, { recursive: true })
    await refused(client.flush())
    for (const [, write] of writes) await refused(write(client))
    expect(await idsOf(client)).toStrictEqual(['old'])
    await client.close()
    expect(existsSync(path)).toBe(false)
  })

  test.each(writes.slice(-3))('rejects %s', async (_, write) => {
    const { client, path } = await filled()
    rmSync(path, { recursive: true })
    await refused(write(client))
    expect(existsSync(path)).toBe(false)
  })

  test('is told by close, which closes all the same', async () => {
    const { client, path } = await filled()
    rmSync(path, { recursive: true })
    await refused(client.close())
    await refused(client.close())
    const next = opened({ path })
    expect(await next.listCollections()).toStrictEqual([])
  })
})

posix('a directory that was moved', () => {
  test('has all that was written, once its store is closed', async () => {
    const { client, path } = await filled()
    const elsewhere = join(directory(), 'elsewhere')
    renameSync(path, elsewhere)
    await client.insertVectors('things', [{ id: 'later', data: [1, 2] }])
    const second = opened({ path: elsewhere })
    expect((await rejection(second.ready())).code).toBe('STORE_LOCKED')
    await refused(client.close())
    expect(await idsOf(opened({ path: elsewhere }))).toStrictEqual(['old', 'later'])
  })
})

posix('another store in the place of an open one', () => {
  test('is left as it is by deletes, the background and closing', async () => {
    const { client, path } = await filled()
    const gone = join(directory(), 'gone')
    const count = 1500
    const ids = Array.from({ length: count }, (_, i) => `${i}`)
    const data = Float32Array.from({ length: 2 * count }, (_, i) => Math.sin(i * i) + 2)
    await client.insertVectors('things', { ids, data })
    renameSync(path, gone)
    mkdirSync(path)
    // By another process, so that this one is not asked.
    const { stdout } = await run(`
      const { VectorizerClient } = require(${JSON.stringify(packagePath)})
      const client = new VectorizerClient(${JSON.stringify({ path })})
      client.createCollection('things', { dimension: 2 })
        .then(() => client.insertVectors('things', [{ id: 'theirs', data: [1, 2] }]))
        .then(() => client.close())
        .then(() => console.log('made'))
    `)
    expect(stdout).toBe('made\n')
    const before = files(path)

    await client.batchDelete('things', ids.slice(100))
    await rejection(client.optimize('things'))
    await refused(client.deleteCollection('things'))
    await client.close()
    expect(files(path)).toStrictEqual(before)
    expect(readdirSync(join(path, 'collection-1'))).toStrictEqual(['keys.1', 'log.1'])
    expect(await idsOf(opened({ path }))).toStrictEqual(['theirs'])
  })

  test('whose lock alone was removed, is told by flush', async () => {
    const { client, path } = await filled()
    rmSync(join(path, 'LOCK'))
    await refused(client.flush())
  })
})
