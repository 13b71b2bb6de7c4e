// What embedded engines alone can do.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type HttpServer, UnsupportedError, type Vectorizer } from '../..'
import { everything } from '../support/collections'
import { directory } from '../support/disk'
import { rejection } from '../support/rejection'
import { engines } from './engines'

/** What is asked for, beside a directory for files, and what comes of it. */
const offered: [string, (client: Vectorizer, file: string) => Promise<unknown>, unknown][] = [
  [
    'a receipt of batchDelete',
    async (client) => (await client.batchDelete('things', ['a'], { receipt: true })).receipt,
    expect.objectContaining({ deleted: 1, digest: expect.any(String) }),
  ],
  [
    'a receipt of deleteVectors',
    async (client) => (await client.deleteVectors('things', ['a'], { receipt: true })).receipt,
    expect.objectContaining({ deleted: 1, digest: expect.any(String) }),
  ],
  [
    'a receipt of deleteByFilter',
    async (client) => (await client.deleteByFilter('things', { name: 'a' }, { receipt: true })).receipt,
    expect.objectContaining({ deleted: 1, digest: expect.any(String) }),
  ],
  [
    'a receipt of deleteVector',
    async (client) => (await client.deleteVector('things', 'a', { receipt: true })).receipt,
    expect.objectContaining({ deleted: 1, digest: expect.any(String) }),
  ],
  [
    'a receipt of deleteCollection',
    async (client) => (await client.deleteCollection('things', { receipt: true })).receipt,
    expect.objectContaining({ deleted: 2, digest: expect.any(String) }),
  ],
  [
    'a backup before deleteVector',
    async (client, file) => {
      await client.deleteVector('things', 'a', { backup: file })
      return existsSync(file)
    },
    true,
  ],
  [
    'a backup before batchDelete',
    async (client, file) => {
      await client.batchDelete('things', ['a'], { backup: file })
      return existsSync(file)
    },
    true,
  ],
  [
    'a backup before deleteByFilter',
    async (client, file) => {
      await client.deleteByFilter('things', { name: 'a' }, { backup: file })
      return existsSync(file)
    },
    true,
  ],
  ['verifyErased', (client) => client.verifyErased('things', ['nobody']), { verified: true, residues: [] }],
  [
    'createBackup',
    (client, file) => client.createBackup(file),
    expect.objectContaining({ collections: 1, vectors: 2 }),
  ],
  [
    'serve',
    async (client) => {
      const server: HttpServer = await client.serve({ port: 0 })
      await server.close()
      return server.port
    },
    expect.any(Number),
  ],
]

describe.each(engines)('of what the client that is %s offers', (_, ready) => {
  const engine = ready()

  test.each(offered)('%s is given, or is what it cannot do and changes nothing', async (_, call, outcome) => {
    const client = await engine.holding('a', 'b')
    const before = await everything(client)
    const file = join(directory(), 'file.vecbak')
    if (engine.isEmbedded) {
      expect(await call(client, file)).toStrictEqual(outcome)
      return
    }
    const error = await rejection(call(client, file))
    expect(error).toBeInstanceOf(UnsupportedError)
    expect(error).toMatchObject({ name: 'UnsupportedError', code: 'UNSUPPORTED' })
    expect(await everything(client)).toStrictEqual(before)
    expect(existsSync(file)).toBe(false)
  })

  test('options that ask for nothing special are taken', async () => {
    const client = await engine.holding('a', 'b', 'c')
    expect((await client.batchDelete('things', ['a'], { receipt: false })).deleted).toBe(1)
    expect((await client.deleteByFilter('things', { name: 'b' }, { receipt: false })).deleted).toBe(1)
    await client.deleteVector('things', 'c', { receipt: false })
    expect(await client.count('things')).toBe(0)
    await client.deleteCollection('things', { receipt: false })
    expect(await client.listCollections()).toStrictEqual([])
  })
})
