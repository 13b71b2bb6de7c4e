// What embedded engines alone can do.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import {
  CollectionNotFoundError,
  type HttpServer,
  UnsupportedError,
  ValidationError,
  type Vectorizer,
} from '../..'
import { everything } from '../support/collections'
import { directory } from '../support/disk'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'
import { engines } from './engines'

/** A time that no test will see. */
const LATER = Date.UTC(2100, 0, 1)

/** When a vector expires. */
const expiryOf = async (client: Vectorizer, id: string) => (await client.getVector('things', id)).expires_at

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
    'a reason in a receipt',
    async (client) => {
      const options = { receipt: true, reason: 'a request' } as const
      return (await client.deleteByFilter('things', { name: 'a' }, options)).receipt.reason
    },
    'a request',
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
  [
    'an expiry of insertVectors',
    async (client) => {
      await client.insertVectors('things', [{ id: 'c', data: [1, 2], expires_at: LATER }])
      return expiryOf(client, 'c')
    },
    LATER,
  ],
  [
    'an expiry of insertVectors in columns',
    async (client) => {
      await client.insertVectors('things', { ids: ['c'], data: [1, 2], expires_at: [new Date(LATER)] })
      return expiryOf(client, 'c')
    },
    LATER,
  ],
  [
    'an expiry of all that insertVectors inserts',
    async (client) => {
      await client.insertVectors('things', [{ id: 'c', data: [1, 2] }], { expires_at: LATER })
      return expiryOf(client, 'c')
    },
    LATER,
  ],
  [
    'an expiry that has passed',
    async (client) => {
      await client.insertVectors('things', [{ id: 'c', data: [1, 2], expires_at: 0 }])
      return client.count('things')
    },
    2,
  ],
  [
    'an expiry of insertText',
    async (client) =>
      expiryOf(client, await client.insertText('things', 'a text', undefined, { expires_at: LATER })),
    LATER,
  ],
  [
    'an expiry of batchInsertText',
    async (client) => {
      const [id] = await client.batchInsertText('things', ['a text'], [], { expires_at: LATER })
      return expiryOf(client, id)
    },
    LATER,
  ],
  [
    'an expiry of insertTexts',
    async (client) => {
      await client.insertTexts('things', [{ id: 'c', text: 'a text', expires_at: '2100-01-01T00:00:00Z' }])
      return expiryOf(client, 'c')
    },
    LATER,
  ],
  [
    'an expiry of updateVector',
    async (client) => (await client.updateVector('things', 'a', { expires_at: LATER })).expires_at,
    LATER,
  ],
  [
    'setVectorExpiry',
    (client) => client.setVectorExpiry('things', 'a', LATER),
    { id: 'a', collection: 'things', expires_at: LATER, status: 'updated' },
  ],
  [
    'setCollectionTtl',
    (client) => client.setCollectionTtl('things', 3600),
    { collection: 'things', ttl_secs: 3600, status: 'updated' },
  ],
  ['resumeExpiry', (client) => client.resumeExpiry(), undefined],
  [
    'replace',
    async (client) => {
      const rows = [{ id: 'c', data: [1, 2], metadata: { name: 'a' } }]
      return (await client.replace('things', { name: 'a' }, rows)).ids
    },
    { inserted: ['c'], updated: [], deleted: ['a'] },
  ],
  [
    'an expiry of replace',
    async (client) => {
      const rows = [{ id: 'c', data: [1, 2], metadata: { name: 'a' }, expires_at: LATER }]
      await client.replace('things', { name: 'a' }, rows)
      return expiryOf(client, 'c')
    },
    LATER,
  ],
  [
    'bulkUpdateMetadata',
    (client) => client.bulkUpdateMetadata('things', { name: 'a' }, { seen: true }),
    {
      applied: true,
      scanned: 2,
      matched: 1,
      updated: 1,
      unchanged: 0,
      results: [{ id: 'a', status: 'updated' }],
    },
  ],
  [
    'batchUpdateVectors',
    async (client) =>
      (await client.batchUpdateVectors('things', [{ id: 'a', metadata: { name: 'z' } }])).results,
    [{ id: 'a', index: 0, status: 'ok' }],
  ],
  [
    'forget',
    async (client) => (await client.forget({ ids: ['a', 'nobody'] })).receipt,
    expect.objectContaining({ deleted: 1, digest: expect.any(String) }),
  ],
  [
    'undo of deleteVector',
    async (client) => {
      const { undo } = await client.deleteVector('things', 'a', { undo: '1h' })
      return (await client.undelete('things', undo.token)).results
    },
    [{ id: 'a', status: 'undeleted' }],
  ],
  [
    'undo of batchDelete',
    async (client) => (await client.batchDelete('things', ['a'], { undo: 3_600_000 })).undo,
    { token: expect.any(String), until: expect.any(Number) },
  ],
  [
    'undo of deleteByFilter',
    async (client) => (await client.deleteByFilter('things', { name: 'a' }, { undo: '7d' })).undo,
    { token: expect.any(String), until: expect.any(Number) },
  ],
  [
    'undo of replace',
    async (client) => (await client.replace('things', { name: 'a' }, [], { undo: '7d' })).undo,
    { token: expect.any(String), until: expect.any(Number) },
  ],
  [
    'undo of deleteCollection',
    async (client) => {
      const { undo } = await client.deleteCollection('things', { undo: '1h' })
      return client.undelete('things', undo.token)
    },
    { collection: 'things', undeleted: 2, results: [] },
  ],
  ['listDeleted', (client) => client.listDeleted('things'), { collections: [], vectors: [], total: 0 }],
  [
    'undelete',
    (client) => client.undelete('things', ['a']),
    { collection: 'things', undeleted: 0, results: [{ id: 'a', status: 'not_found' }] },
  ],
  [
    'purgeDeleted',
    (client) => client.purgeDeleted('things', ['a']),
    { collection: 'things', purged: 0, results: [{ id: 'a', status: 'not_found' }] },
  ],
  [
    'renameCollection',
    (client) => client.renameCollection('things', 'others'),
    { old_name: 'things', new_name: 'others', status: 'renamed' },
  ],
  [
    'updateCollection',
    async (client) => (await client.updateCollection('things', { description: 'a text' })).description,
    'a text',
  ],
  [
    'reindexCollection',
    async (client) => (await client.reindexCollection('things', { m: 8 })).params,
    { m: 8, ef_construction: 100, ef_search: 80 },
  ],
  [
    'cleanupEmptyCollections',
    (client) => client.cleanupEmptyCollections(),
    { collections: [], applied: true },
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

  test.each<[string, (client: Vectorizer, destination: string) => Promise<object>]>([
    ['moveToCollection', (client, destination) => client.moveToCollection('things', destination, ['a'])],
    ['copyVectors', (client, destination) => client.copyVectors('things', destination, ['a'])],
  ])('%s does it all, or is what it cannot do and changes nothing', async (name, call) => {
    const client = await engine.holding('a', 'b')
    await client.createCollection('others', { dimension: 2 })
    const before = await everything(client)
    const nowhere = await rejection(call(client, 'nowhere'))
    expect(nowhere).toBeInstanceOf(CollectionNotFoundError)
    expect(nowhere.message).toContain("'nowhere'")
    if (!engine.isEmbedded) {
      expect(await rejection(call(client, 'others'))).toBeInstanceOf(UnsupportedError)
      expect(await everything(client)).toStrictEqual(before)
      return
    }
    expect(await everything(client)).toStrictEqual(before)
    const [one] = await engine.vectorsOf(client)
    expect(await call(client, 'others')).toMatchObject({
      src: 'things',
      dst: 'others',
      applied: true,
      results: [{ id: 'a', status: 'ok' }],
    })
    expect(await engine.vectorsOf(client, 'others')).toStrictEqual([one])
    expect(await engine.idsOf(client)).toStrictEqual(name === 'copyVectors' ? ['a', 'b'] : ['b'])
  })

  test('an expiry of null is none', async () => {
    const client = await engine.holding('a')
    const [none, options] = [{ expires_at: null }, { expires_at: null }]
    await client.insertVectors('things', [{ id: 'b', data: [1, 2], ...none }], options)
    await client.insertVectors('things', { ids: ['c'], data: [1, 2], expires_at: [null] }, options)
    const id = await client.insertText('things', 'a text', null, options)
    const ids = await client.batchInsertText('things', ['a text'], [null], options)
    await client.insertTexts('things', [{ id: 'd', text: 'a text', ...none }], options)
    expect(await client.updateVector('things', 'a', none)).toStrictEqual({
      id: 'a',
      data: Float32Array.of(1, 0),
      metadata: { place: 0, name: 'a' },
    })
    expect(await client.setCollectionTtl('things', null)).toStrictEqual({
      collection: 'things',
      ttl_secs: null,
      status: 'updated',
    })
    expect(await engine.idsOf(client)).toStrictEqual(engine.arranged(['a', 'b', 'c', id, ...ids, 'd']))
    for (const one of await engine.vectorsOf(client)) expect(one).not.toHaveProperty('expires_at')
    expect(await client.getCollectionInfo('things')).toMatchObject({ ttl_secs: null, expired: 0 })
  })

  test('an expiry that is no time is refused by its place, and nothing is changed', async () => {
    const client = await engine.holding('a')
    const before = await everything(client)
    const calls = untyped(client)
    const row = { id: 'b', data: [1, 2] }
    const wrong = { expires_at: 'tomorrow' }
    const refused: [string, Promise<unknown>][] = [
      ['vectors[1].expires_at', calls.insertVectors('things', [row, { ...row, ...wrong }])],
      ['options.expires_at', calls.insertVectors('things', [row], wrong)],
      ['options.expires_at', calls.insertText('things', 'a text', {}, wrong)],
      ['texts[0].expires_at', calls.insertTexts('things', [{ id: 'b', text: 'a', ...wrong }])],
      ['update.expires_at', calls.updateVector('things', 'a', wrong)],
      ['expiresAt', calls.setVectorExpiry('things', 'a', 'tomorrow')],
      ['seconds', calls.setCollectionTtl('things', 0)],
      ['rows[0].expires_at', calls.replace('things', { name: 'a' }, [{ ...row, ...wrong }])],
      ['options.expires_at', calls.replace('things', { name: 'a' }, [row], wrong)],
      ['updates[0].expires_at', calls.batchUpdateVectors('things', [{ id: 'a', ...wrong }])],
    ]
    for (const [place, call] of refused) {
      const error = await rejection(call)
      expect(error).toBeInstanceOf(ValidationError)
      expect(error.message.slice(0, place.length + 2)).toBe(`${place}: `)
    }
    expect(await everything(client)).toStrictEqual(before)
  })

  test('options that ask for nothing special are taken', async () => {
    const client = await engine.holding('a', 'b', 'c')
    const [reason, undo] = [undefined, undefined]
    expect((await client.batchDelete('things', ['a'], { receipt: false, reason, undo })).deleted).toBe(1)
    expect((await client.deleteByFilter('things', { name: 'b' }, { receipt: false })).deleted).toBe(1)
    await client.deleteVector('things', 'c', { receipt: false })
    expect(await client.count('things')).toBe(0)
    await client.deleteCollection('things', { receipt: false, undo })
    expect(await client.listCollections()).toStrictEqual([])
  })
})
