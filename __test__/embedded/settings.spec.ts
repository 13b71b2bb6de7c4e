// What can be changed about a collection: its name, its description and its graph; and collections
// that are empty.
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CollectionExistsError,
  CollectionNotFoundError,
  type InsertReport,
  migrate,
  ValidationError,
  VectorizerClient,
} from '../..'
import { everything, holding, idsOf, client as opened, things } from '../support/collections'
import { directory, present, store } from '../support/disk'
import { clustered, seeded } from '../support/random'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'

/** Names that no collection can have. */
const NAMES = ['', 'a/b', 'a\\b', 'a\nb', '.', '..', 'é'.repeat(128)]
const TEXT = 'Manuals of all products.\n\tEmbedded with the model of 2026.'

describe.each(['in memory', 'on disk'])('%s:', (where) => {
  const open = () => (where === 'on disk' ? store().client : opened())

  /** A client whose collection `things` holds two vectors. */
  async function filled() {
    const client = open()
    await client.createCollection('things', { dimension: 2, metric: 'euclidean', hnsw: { m: 7 } })
    await client.insertVectors('things', [
      { id: 'a', data: [1, 2], metadata: { n: 1 }, text: 'one' },
      { id: 'b', data: [3, 4], expires_at: Date.UTC(2100, 0, 1) },
    ])
    return client
  }

  describe('renameCollection', () => {
    test('keeps everything but the name', async () => {
      const client = await filled()
      await client.setCollectionTtl('things', 4_000_000_000)
      await client.updateCollection('things', { description: TEXT })
      const [{ page, ...summary }] = await everything(client)
      const { updated_at, ...info } = await client.getCollectionInfo('things')
      expect(await client.renameCollection('things', 'manuals')).toStrictEqual({
        old_name: 'things',
        new_name: 'manuals',
        status: 'renamed',
      })
      expect(await everything(client)).toStrictEqual([{ ...summary, name: 'manuals', page }])
      const sizes = { size_bytes: expect.any(Number) }
      const disk = where === 'on disk' ? { disk_bytes: expect.any(Number) } : {}
      expect(await client.getCollectionInfo('manuals')).toMatchObject({
        ...info,
        ...sizes,
        ...disk,
        name: 'manuals',
      })
      expect((await client.search('manuals', [3, 4], { limit: 1 }))[0].id).toBe('b')
      await client.insertVectors('manuals', [{ id: 'c', data: [5, 6] }])
      expect(await idsOf(client, 'manuals')).toStrictEqual(['a', 'b', 'c'])
    })

    test('frees the old name, of which handles know no more', async () => {
      const client = await filled()
      const handle = await client.collection('things')
      await client.renameCollection('things', 'manuals')
      const calls = [
        handle.count(),
        handle.getVector('a'),
        handle.getCollectionInfo(),
        client.count('things'),
      ]
      for (const error of await Promise.all(calls.map(rejection)))
        expect(error).toBeInstanceOf(CollectionNotFoundError)
      await client.createCollection('things', { dimension: 1 })
      expect([await handle.count(), await client.count('manuals')]).toStrictEqual([0, 2])
    })

    test('lets calls in progress go on', async () => {
      const client = await filled()
      const data = new Float32Array(20_000).fill(1)
      const ids = Array.from({ length: 10_000 }, (_, i) => `${i}`)
      let inserting: Promise<InsertReport> | undefined
      // Once it has begun: a call that has not finds the collection by its name.
      await new Promise<unknown>((begun) => {
        inserting = client.insertVectors('things', { ids, data }, { onProgress: begun })
        inserting.then(begun, begun)
      })
      await client.renameCollection('things', 'manuals')
      expect((await inserting)?.inserted).toBe(10_000)
      expect(await client.count('manuals')).toBe(10_002)
    })

    test('to the same name does nothing', async () => {
      const client = await filled()
      const before = await everything(client)
      expect(await client.renameCollection('things', 'things')).toStrictEqual({
        old_name: 'things',
        new_name: 'things',
        status: 'unchanged',
      })
      expect(await everything(client)).toStrictEqual(before)
    })

    test('to a name that is taken, or that none can have, changes nothing', async () => {
      const client = await filled()
      await client.createCollection('others', { dimension: 1 })
      const before = await everything(client)
      const taken = await rejection(client.renameCollection('things', 'others'))
      expect(taken).toBeInstanceOf(CollectionExistsError)
      expect(taken.message).toContain("'others'")
      const nowhere = await rejection(client.renameCollection('nowhere', 'new'))
      expect(nowhere).toBeInstanceOf(CollectionNotFoundError)
      for (const name of NAMES) {
        const created = await rejection(client.createCollection(name, { dimension: 1 }))
        const renamed = await rejection(client.renameCollection('things', name))
        expect(renamed).toBeInstanceOf(ValidationError)
        expect(created).toBeInstanceOf(ValidationError)
      }
      for (const name of [undefined, null, 5, {}, '\ud800']) {
        const error = await rejection(untyped(client).renameCollection('things', name))
        expect(error.message).toMatch(/^newName: /)
      }
      expect(await everything(client)).toStrictEqual(before)
    })

    test('of two at the same time to one name, one is done', async () => {
      const client = open()
      for (const name of ['a', 'b']) await client.createCollection(name, { dimension: 1 })
      const outcomes = await Promise.allSettled(['a', 'b'].map((name) => client.renameCollection(name, 'c')))
      expect(outcomes.map(({ status }) => status).sort()).toStrictEqual(['fulfilled', 'rejected'])
      const names = (await client.listCollections()).map(({ name }) => name)
      expect(names).toHaveLength(2)
      expect(names).toContain('c')
    })
  })

  describe('a description', () => {
    test('is given to a new collection, in each form, and told', async () => {
      const client = open()
      await client.createCollection('one', { dimension: 1, description: TEXT })
      await client.createCollection({ name: 'two', dimension: 1, description: 'é'.repeat(512) })
      await client.collection('three', { dimension: 1, description: 'x' })
      await client.createCollection('none', { dimension: 1 })
      const told = await Promise.all(
        ['one', 'two', 'three'].map(async (name) => (await client.getCollectionInfo(name)).description),
      )
      expect(told).toStrictEqual([TEXT, 'é'.repeat(512), 'x'])
      expect((await client.getCollection('one')).description).toBe(TEXT)
      expect(await client.getCollectionInfo('none')).not.toHaveProperty('description')
    })

    test('is set, changed and removed', async () => {
      const client = await filled()
      const info = await client.updateCollection('things', { description: TEXT })
      const sizes = { size_bytes: 0, disk_bytes: 0 }
      const told = await client.getCollectionInfo('things')
      expect({ ...info, ...sizes }).toStrictEqual({ ...told, ...sizes })
      expect(info).toMatchObject({ name: 'things', vector_count: 2, description: TEXT })
      const handle = await client.collection('things')
      expect((await handle.updateCollection({ description: 'another' })).description).toBe('another')
      expect((await client.getCollectionInfo('things')).description).toBe('another')
      expect(await client.updateCollection('things', { description: null })).not.toHaveProperty('description')
      expect(await client.updateCollection('things', { description: null })).not.toHaveProperty('description')
      expect(await client.getCollectionInfo('things')).not.toHaveProperty('description')
      expect(await idsOf(client)).toStrictEqual(['a', 'b'])
    })

    test('that is none is refused, of new collections too, and changes nothing', async () => {
      const client = await filled()
      await client.updateCollection('things', { description: TEXT })
      const before = [await client.getCollectionInfo('things'), await client.listCollections()]
      for (const description of [
        '',
        'é'.repeat(513),
        'a\u0000b',
        'a\rb',
        'a\u007fb',
        'a\u0085b',
        5,
        {},
        '\ud800',
      ]) {
        const calls = [
          untyped(client).updateCollection('things', { description }),
          untyped(client).createCollection('new', { dimension: 1, description }),
          untyped(client).createCollection({ name: 'new', dimension: 1, description }),
        ]
        for (const error of await Promise.all(calls.map(rejection))) {
          expect(error).toBeInstanceOf(ValidationError)
          expect(error.message).toContain('description')
        }
      }
      expect([await client.getCollectionInfo('things'), await client.listCollections()]).toStrictEqual(before)
    })

    test('is all that can be updated, and has to be given', async () => {
      const client = await filled()
      const update = (...args: unknown[]) => rejection(untyped(client).updateCollection(...args))
      const refused: [unknown, string][] = [
        [undefined, 'settings: expected a plain object, got undefined'],
        [null, 'settings: expected a plain object, got null'],
        ['text', 'settings: expected a plain object, got string'],
        [{}, 'settings.description: expected a string, got undefined'],
        [{ description: undefined }, 'settings.description: expected a string, got undefined'],
        [{ description: 'x', metric: 'cosine' }, 'settings.metric: unknown; use description'],
        [{ name: 'other' }, 'settings.name: unknown; use description'],
      ]
      for (const [settings, named] of refused) {
        const error = await update('things', settings)
        expect(error).toBeInstanceOf(ValidationError)
        expect(error.message).toContain(named)
      }
      expect(await update('nowhere', { description: 'x' })).toBeInstanceOf(CollectionNotFoundError)
      expect(await client.getCollectionInfo('things')).not.toHaveProperty('description')
    })

    test('is not compared where a collection is opened that exists', async () => {
      const client = await filled()
      await client.updateCollection('things', { description: TEXT })
      const options = { dimension: 2, metric: 'euclidean', ifExists: 'open', description: 'other' } as const
      const handle = await client.collection('things', options)
      expect((await handle.getCollectionInfo()).description).toBe(TEXT)
    })

    test('is migrated to a collection that is created, and not to one that exists', async () => {
      const [source, target, held] = [await filled(), opened(), opened()]
      await source.updateCollection('things', { description: TEXT })
      await migrate(source, target)
      expect((await target.getCollectionInfo('things')).description).toBe(TEXT)
      await held.createCollection('things', { dimension: 2, metric: 'euclidean' })
      await migrate(source, held)
      expect(await held.getCollectionInfo('things')).not.toHaveProperty('description')
    })
  })

  describe('reindexCollection', () => {
    const rows = clustered(seeded(7), 3000, 16, 20)
    async function graphed() {
      const client = open()
      await client.createCollection('things', { dimension: 16, hnsw: { m: 8, builder: 'own' } })
      const ids = rows.map((_, i) => `${i}`)
      await client.insertVectors('things', { ids, data: Float32Array.from(rows.flatMap((row) => [...row])) })
      await client.optimize('things')
      return client
    }

    test('builds the graph anew with the given parameters, while searches go on', async () => {
      const client = await graphed()
      const { created_at } = await client.getCollectionInfo('things')
      const job = await client.reindexCollection('things', { m: 24, ef_construction: 200 })
      expect(job).toStrictEqual({
        job_id: expect.any(String),
        collection: 'things',
        state: expect.stringMatching(/^(running|completed)$/),
        progress: expect.any(Number),
        params: { m: 24, ef_construction: 200, ef_search: 80 },
      })
      expect(job.job_id).not.toBe('')
      expect(job.progress).toBeGreaterThanOrEqual(0)
      expect(job.progress).toBeLessThanOrEqual(1)
      for (let i = 0; i < 50; i++)
        expect((await client.search('things', rows[i], { limit: 1 }))[0].id).toBe(`${i}`)
      await client.optimize('things')
      const info = await client.getCollectionInfo('things')
      expect(info.hnsw).toStrictEqual({ m: 24, ef_construction: 200, ef_search: 80, builder: 'own' })
      expect(info.index).toMatchObject({ indexed: 3000, pending: 0 })
      expect(info.created_at).toBe(created_at)
      for (let i = 0; i < 50; i++)
        expect((await client.search('things', rows[i], { limit: 1 }))[0].id).toBe(`${i}`)
    })

    test('of ef_search alone is complete at once, and of nothing has the parameters that are there', async () => {
      const client = await graphed()
      const job = await client.reindexCollection('things', { ef_search: 200 })
      expect(job).toMatchObject({ state: 'completed', progress: 1, params: { m: 8, ef_search: 200 } })
      expect((await client.getCollectionInfo('things')).hnsw.ef_search).toBe(200)
      const handle = await client.collection('things')
      const params = { m: 8, ef_construction: 100, ef_search: 200 }
      expect(await handle.reindexCollection()).toMatchObject({ collection: 'things', params })
      await handle.optimize()
      expect((await client.getCollectionInfo('things')).index.indexed).toBe(3000)
    })

    test('takes writes meanwhile, and what is deleted is gone', async () => {
      const client = await graphed()
      await client.reindexCollection('things', { m: 12 })
      await client.deleteVector('things', '0')
      await client.insertVectors('things', [{ id: 'new', data: rows[1] }])
      await client.optimize('things')
      expect(await client.verifyErased('things', ['0'])).toStrictEqual({ verified: true, residues: [] })
      const found = await client.search('things', rows[1], { limit: 2 })
      expect(found.map(({ id }) => id)).toStrictEqual(['1', 'new'])
      expect((await client.getCollectionInfo('things')).index).toStrictEqual({
        indexed: 3000,
        pending: 0,
        deleted: 0,
      })
    })

    test('beyond the limits of new collections is refused, and changes nothing', async () => {
      const client = await graphed()
      const before = (await client.getCollectionInfo('things')).hnsw
      const refused: [unknown, string][] = [
        [{ m: 3 }, 'm'],
        [{ m: 129 }, 'm'],
        [{ ef_construction: 7 }, 'ef_construction'],
        [{ ef_construction: 4097 }, 'ef_construction'],
        [{ ef_search: 0 }, 'ef_search'],
        [{ ef_search: 4097 }, 'ef_search'],
        [{ m: 1.5 }, 'options.m'],
        [{ m: '8' }, 'options.m'],
        [{ m: null }, 'options.m'],
        [{ builder: 'own' }, 'options.builder: unknown; use m, ef_construction, ef_search, signal'],
        [{ efSearch: 80 }, 'options.efSearch: unknown'],
        [null, 'options: expected a plain object, got null'],
        [8, 'options: expected a plain object, got 8'],
      ]
      for (const [options, named] of refused) {
        const error = await rejection(untyped(client).reindexCollection('things', options))
        expect(error).toBeInstanceOf(ValidationError)
        expect(error.message).toContain(named)
      }
      const nowhere = await rejection(client.reindexCollection('nowhere', { m: 8 }))
      expect(nowhere).toBeInstanceOf(CollectionNotFoundError)
      expect((await client.getCollectionInfo('things')).hnsw).toStrictEqual(before)
    })
  })

  describe('collections that are empty', () => {
    async function some() {
      const client = open()
      for (const name of ['b', 'a', 'held', 'emptied', 'expired'])
        await client.createCollection(name, { dimension: 2 })
      for (const name of ['held', 'emptied']) await client.insertVectors(name, [{ id: 'x', data: [1, 2] }])
      await client.insertVectors('expired', [{ id: 'x', data: [1, 2], expires_at: 0 }])
      await client.deleteVector('emptied', 'x')
      // Until what has expired is erased, the collection is not empty.
      while ((await client.getCollectionInfo('expired')).expired > 0) await sleep(10)
      return client
    }
    const empty = ['a', 'b', 'emptied', 'expired']

    test('are listed by name', async () => {
      const client = await some()
      expect(await client.listEmptyCollections()).toStrictEqual(empty)
      await client.insertVectors('a', [{ id: 'x', data: [1, 2] }])
      expect(await client.listEmptyCollections()).toStrictEqual(empty.slice(1))
      expect(await open().listEmptyCollections()).toStrictEqual([])
    })

    test('are deleted, and no others', async () => {
      const client = await some()
      const before = await everything(client)
      const dry = await client.cleanupEmptyCollections({ dryRun: true })
      expect(dry).toStrictEqual({ collections: empty, applied: false })
      expect(await everything(client)).toStrictEqual(before)
      expect(await client.cleanupEmptyCollections()).toStrictEqual({ collections: empty, applied: true })
      expect((await client.listCollections()).map(({ name }) => name)).toStrictEqual(['held'])
      expect(await client.cleanupEmptyCollections({ dryRun: false })).toStrictEqual({
        collections: [],
        applied: true,
      })
    })

    test('are kept if they get a vector meanwhile', async () => {
      const client = open()
      const names = Array.from({ length: 20 }, (_, i) => `c${10 + i}`)
      for (const name of names) await client.createCollection(name, { dimension: 1 })
      const inserting = names.map((name) => client.insertVectors(name, [{ id: 'x', data: [1] }]))
      const { collections } = await client.cleanupEmptyCollections()
      const outcomes = await Promise.allSettled(inserting)
      for (const [i, { status }] of outcomes.entries()) {
        // Either it was deleted before the vector came, or it has the vector.
        expect(status).toBe(collections.includes(names[i]) ? 'rejected' : 'fulfilled')
        if (status === 'fulfilled') expect(await client.count(names[i])).toBe(1)
      }
    })

    test('what is no option is refused by name', async () => {
      const client = await some()
      const refused: [unknown, string][] = [
        [{ unkown: 1 }, 'options.unkown: unknown; use dryRun, signal'],
        [{ dry_run: true }, 'options.dry_run: unknown'],
        [{ dryRun: null }, 'options.dryRun'],
        [{ dryRun: 'yes' }, 'options.dryRun'],
        [true, 'options: expected a plain object'],
        [null, 'options: expected a plain object'],
      ]
      for (const [options, named] of refused) {
        const error = await rejection(untyped(client).cleanupEmptyCollections(options))
        expect(error).toBeInstanceOf(ValidationError)
        expect(error.message).toContain(named)
      }
      const reason = new Error('enough')
      const done = client.cleanupEmptyCollections({ signal: AbortSignal.abort(reason) })
      expect(await done.catch((error) => error)).toBe(reason)
      expect(await client.listEmptyCollections()).toStrictEqual(empty)
    })
  })
})

describe('a store on disk', () => {
  test('keeps name, description and parameters when it is opened again, rotated, backed up and restored', async () => {
    const { client, path } = store()
    await client.createCollection('things', { dimension: 2 })
    await client.insertVectors('things', [{ id: 'a', data: [1, 2] }])
    await client.updateCollection('things', { description: TEXT })
    await client.renameCollection('things', 'manuals')
    await client.reindexCollection('manuals', { m: 24, ef_search: 33 })
    const expected = {
      name: 'manuals',
      vector_count: 1,
      description: TEXT,
      hnsw: { m: 24, ef_construction: 100, ef_search: 33, builder: 'own' },
    }
    const expectKept = async (one: VectorizerClient) => {
      expect((await one.listCollections()).map(({ name }) => name)).toStrictEqual(['manuals'])
      expect(await one.getCollectionInfo('manuals')).toMatchObject(expected)
    }
    await expectKept(client)
    await client.rotateKeys()
    await expectKept(client)
    const { file } = await client.createBackup(directory())
    await client.close()
    await expectKept(opened({ path }))
    const restored = `${directory()}/store`
    await VectorizerClient.restoreBackup(file, restored)
    await expectKept(opened({ path: restored }))
  })

  test('has the new name only, in all of its files', async () => {
    const { client, path } = store({ fsync: 'always' })
    const [old, later] = ['the former name of it', 'the name from now on'].map((name) => Buffer.from(name))
    await client.createCollection(`${old}`, { dimension: 2 })
    await client.insertVectors(`${old}`, [{ id: 'a', data: [1, 2] }])
    expect(present(path, [old, later])).toStrictEqual([old])
    await client.renameCollection(`${old}`, `${later}`)
    expect(present(path, [old, later])).toStrictEqual([later])
    await client.close()
    expect(present(path, [old, later])).toStrictEqual([later])
    const again = opened({ path })
    expect(await idsOf(again, `${later}`)).toStrictEqual(['a'])
    expect(await rejection(again.count(`${old}`))).toBeInstanceOf(CollectionNotFoundError)
  })

  test('has a graph with the new parameters after it was closed while that was built', async () => {
    const { client, path } = store()
    await client.createCollection('things', { dimension: 16 })
    const rows = clustered(seeded(9), 3000, 16, 20)
    const ids = rows.map((_, i) => `${i}`)
    await client.insertVectors('things', { ids, data: Float32Array.from(rows.flatMap((row) => [...row])) })
    await client.optimize('things')
    await client.reindexCollection('things', { m: 5 })
    await client.close()
    const again = opened({ path })
    await again.optimize('things')
    const { hnsw, index } = await again.getCollectionInfo('things')
    expect([hnsw.m, index]).toStrictEqual([5, { indexed: 3000, pending: 0, deleted: 0 }])
    expect((await again.search('things', rows[5], { limit: 1 }))[0].id).toBe('5')
  })
})

test('a store in memory that several clients share has a name for all of them', async () => {
  const [one, other] = [opened({ shared: 'renamed' }), opened({ shared: 'renamed' })]
  await one.createCollection('things', { dimension: 1 })
  const handle = await other.collection('things')
  await one.renameCollection('things', 'manuals')
  expect((await other.listCollections()).map(({ name }) => name)).toStrictEqual(['manuals'])
  expect(await rejection(handle.count())).toBeInstanceOf(CollectionNotFoundError)
})

test('a handle has none of the calls that concern a whole store, or that give its collection another name', async () => {
  const handle = await (await holding('a')).collection('things')
  for (const name of ['renameCollection', 'listEmptyCollections', 'cleanupEmptyCollections', 'forget'])
    expect([name, name in handle]).toStrictEqual([name, false])
  expect(await (await things()).listEmptyCollections()).toStrictEqual(['things'])
})
