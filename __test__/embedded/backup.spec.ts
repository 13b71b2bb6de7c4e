// Backups: made while calls go on, checked before they are restored, or made of what a
// delete is about to delete.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type BackupProgress,
  CollectionNotFoundError,
  StorageError,
  TooManyMatchesError,
  ValidationError,
  VectorizerClient,
  VectorNotFoundError,
} from '../..'
import { everything, holding, idsOf, client as opened } from '../support/collections'
import { directory, files, present, secret, store, traces } from '../support/disk'
import { seeded, vector } from '../support/random'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'

/** A client of the store that a backup makes. */
async function restored(file: string) {
  const path = join(directory(), 'restored')
  await VectorizerClient.restoreBackup(file, path)
  return opened({ path })
}

/** A client, in memory or on disk, with two collections that hold all kinds of things. */
async function filled(where: string) {
  const client = where === 'on disk' ? store().client : opened()
  await client.createCollection('things', { dimension: 3, metric: 'euclidean', hnsw: { m: 7 } })
  await client.createCollection('texts 😀', { dimension: 8 })
  await client.insertVectors('things', [
    { id: 'a', data: [1, 2, 3], metadata: { deep: { é: [1, null] } } },
    { id: 'b', data: [-0, 1e-45, 3e38] },
    { id: 'c\n"', data: [4, 5, 6], metadata: {} },
  ])
  await client.insertTexts('texts 😀', [
    { id: '1', text: 'a text', metadata: { n: 1 } },
    { id: '2', text: 'another' },
  ])
  await client.deleteVector('things', 'b')
  await client.insertVectors('things', [{ id: 'b', data: [7, 8, 9] }])
  await client.updateVector('things', 'a', { metadata: { later: true } })
  return client
}

describe.each(['in memory', 'on disk'])('a backup of a client %s', (where) => {
  test('is made a store that holds the same', async () => {
    const client = await filled(where)
    const file = join(directory(), 'a backup.vecbak')
    const path = join(directory(), 'new', 'store')

    const report = await client.createBackup(file)
    const bytes = readFileSync(file).length
    expect(report).toStrictEqual({ file, collections: 2, vectors: 5, bytes, leftovers: [] })
    expect(await VectorizerClient.restoreBackup(file, path)).toStrictEqual({
      path,
      collections: 2,
      vectors: 5,
      bytes,
    })

    const again = opened({ path })
    expect(await everything(again)).toStrictEqual(await everything(client))
    expect((await again.getCollectionInfo('things')).hnsw).toStrictEqual(
      (await client.getCollectionInfo('things')).hnsw,
    )
    expect(await again.search('things', [1, 2, 4])).toStrictEqual(await client.search('things', [1, 2, 4]))
    // It is a store like any other, and what was restored can be deleted from it.
    await again.deleteVector('things', 'a')
    await again.insertVectors('things', [{ id: 'new', data: [0, 0, 1] }])
    await again.close()
    expect(await idsOf(opened({ path }))).toStrictEqual(['c\n"', 'b', 'new'])
  })

  test('in a directory gets a new name each time', async () => {
    const client = await filled(where)
    const path = directory()
    const made = [await client.createBackup(path)]
    made.push(...(await Promise.all(Array.from({ length: 20 }, () => client.createBackup(path)))))
    expect(new Set(made.map(({ file }) => file)).size).toBe(21)
    expect(files(path).sort()).toStrictEqual(made.map(({ file }) => file).sort())
    for (const { file } of made.slice(0, 3)) expect(await (await restored(file)).count('things')).toBe(3)
  })

  test('of no collections is a backup too', async () => {
    const client = where === 'on disk' ? store().client : opened()
    const seen: BackupProgress[] = []
    const { file, ...report } = await client.createBackup(directory(), {
      onProgress: (progress) => seen.push(progress),
    })
    expect(report).toMatchObject({ collections: 0, vectors: 0 })
    expect(seen.at(-1)).toStrictEqual({ phase: 'backup', done: 0, total: 0 })
    expect(await (await restored(file)).listCollections()).toStrictEqual([])
  })
})

describe('createBackup', () => {
  test('never overwrites anything, and leaves nothing of a backup that it cannot write', async () => {
    const client = await holding('a')
    const path = directory()
    writeFileSync(join(path, 'file'), 'mine')
    for (const target of [
      join(path, 'file'),
      join(path, 'no', 'such', 'directory'),
      join(path, 'file', 'below'),
    ]) {
      const error = await rejection(client.createBackup(target))
      expect(error).toBeInstanceOf(StorageError)
      expect(error.message).toContain(target.split('below')[0].replace(/\/$/, ''))
    }
    expect(readFileSync(join(path, 'file'), 'utf8')).toBe('mine')
    expect(readdirSync(path)).toStrictEqual(['file'])
  })

  test.each([
    ['no target', [undefined]],
    ['a number', [5]],
    ['an empty target', ['']],
    ['an unknown option', ['x', { progress: () => {} }]],
    ['a listener that is no function', ['x', { onProgress: 'yes' }]],
  ])('%s is a ValidationError', async (_, args) => {
    const client = await holding('a')
    await expect(untyped(client).createBackup(...args)).rejects.toBeInstanceOf(ValidationError)
    const restore = VectorizerClient.restoreBackup as (...args: unknown[]) => Promise<unknown>
    const [target, ...options] = args
    await expect(restore(target, 'x', ...options)).rejects.toBeInstanceOf(ValidationError)
    expect(existsSync('x')).toBe(false)
  })

  test('into a directory that does not exist, or from a file that does not, says so', async () => {
    const folder = directory()
    const client = opened()
    const missing = await rejection(client.createBackup(join(folder, 'missing/')))
    expect(missing).toBeInstanceOf(StorageError)
    expect(missing.message).toMatch(/^there is no directory .*missing\/: make it first, or name a file$/)
    // @ts-expect-error: there is no directory
    const nowhere = await rejection(VectorizerClient.restoreBackup(join(folder, 'nope')))
    expect(nowhere.message).toBe('path: expected the directory to make the store in, got undefined')
    const nope = await rejection(VectorizerClient.restoreBackup(join(folder, 'nope'), join(folder, 'to')))
    expect(nope.message).toMatch(/^there is no file .*nope: check the path of the backup$/)
    expect(readdirSync(folder)).toStrictEqual([])
  })

  test('tells how far it is, up to the end, also while collections grow and shrink', async () => {
    const { client } = store({ fsync: 'no' })
    const ids = Array.from({ length: 1000 }, (_, i) => `${i}`)
    const data = new Float32Array(4000).fill(1)
    const metadata = ids.map(() => ({ pad: 'x'.repeat(2000) }))
    for (const name of ['a', 'b', 'c', 'd']) {
      await client.createCollection(name, { dimension: 4 })
      await client.insertVectors(name, { ids: ids.slice(0, 500), data: data.slice(0, 2000), metadata: [] })
    }
    await client.insertVectors('a', { ids, data, metadata })
    const seen: BackupProgress[] = []
    const changes: Promise<unknown>[] = []
    const onProgress = (progress: BackupProgress) => {
      if (seen.push(progress) > 1) return
      changes.push(
        client.insertVectors('b', { ids, data, metadata }),
        client.batchDelete('c', ids),
        client.deleteCollection('d'),
      )
    }
    const { file, vectors } = await client.createBackup(directory(), { onProgress })
    await Promise.all(changes)

    expect(seen.length).toBeGreaterThan(1)
    for (const progress of seen) {
      expect(progress).toStrictEqual({
        phase: 'backup',
        done: expect.any(Number),
        total: expect.any(Number),
      })
      expect(progress.done).toBeLessThanOrEqual(progress.total)
    }
    expect(seen.at(-1)).toStrictEqual({ phase: 'backup', done: vectors, total: vectors })
    const counts = (await (await restored(file)).listCollections()).map((one) => one.vector_count)
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(vectors)
  })

  test('a listener that throws rejects when the work is done', async () => {
    const client = await filled('in memory')
    const path = directory()
    let told = 0
    const onProgress = () => {
      told += 1
      throw new RangeError(`thrown by the listener, time ${told}`)
    }
    const error = await rejection(client.createBackup(join(path, 'backup'), { onProgress }))
    expect(error.message).toBe('thrown by the listener, time 1')
    expect(error.cause).toBeInstanceOf(RangeError)
    expect(readdirSync(path)).toStrictEqual(['backup'])
    const target = join(path, 'restored')
    await expect(
      VectorizerClient.restoreBackup(join(path, 'backup'), target, { onProgress }),
    ).rejects.toThrow('thrown by the listener')
    expect(await opened({ path: target }).count('things')).toBe(3)
  })
})

test.each(['always', 'everysec', undefined] as const)(
  'each backup made during writes holds what there was at one moment (fsync %s)',
  async (fsync) => {
    const client = fsync ? store({ fsync }).client : opened()
    await client.createCollection('pairs', { dimension: 4 })
    const pad = 'x'.repeat(2000)
    const insert = (pair: number, generation: number) =>
      client.insertVectors(
        'pairs',
        ['left', 'right'].map((side) => ({
          id: `${pair} ${side}`,
          data: [1, pair, generation, 1],
          metadata: { pair, generation, pad },
        })),
      )
    const remove = (pair: number) => client.batchDelete('pairs', [`${pair} left`, `${pair} right`])
    await Promise.all(Array.from({ length: 400 }, (_, pair) => insert(pair, 0)))

    let busy = true
    const path = directory()
    const backingUp = (async () => {
      for (let i = 0; i < 4; i++) {
        const { file, vectors } = await client.createBackup(path)
        // At once: nothing of what was deleted by then is left to be erased in it.
        const all = await (await restored(file)).search('pairs', '', { limit: 10_000, with_vector: true })
        expect(all).toHaveLength(vectors)
        const generations = new Map(all.map(({ id, metadata }) => [id, metadata?.generation]))
        for (const { id, data, metadata } of all) {
          const { pair, generation } = metadata as { pair: number; generation: number }
          expect(generations.get(`${pair} ${id.endsWith('left') ? 'right' : 'left'}`)).toBe(generation)
          expect(data).toStrictEqual(Float32Array.of(1, pair, generation, 1))
        }
      }
    })().finally(() => {
      busy = false
    })
    for (let round = 1; busy; round++) {
      const pairs = Array.from({ length: 8 }, (_, i) => (round * 37 + i * 53) % 400)
      await Promise.all(pairs.map((pair, i) => (i % 2 === 0 ? remove(pair) : insert(pair, round))))
    }
    await backingUp
  },
)

test('what is deleted while a backup is made is erased in it before it is there', async () => {
  const { client } = store({ fsync: 'always' })
  await client.createCollection('things', { dimension: 4 })
  const ids = Array.from({ length: 700 }, (_, i) => `${i}`)
  const data = new Float32Array(2800).fill(1)
  const metadata = ids.map(() => ({ pad: 'x'.repeat(30_000) }))
  for (let round = 0; round < 6; round++) {
    await client.insertVectors('things', { ids, data, metadata })
    let deleting: Promise<unknown> | undefined
    const onProgress = ({ done, total }: BackupProgress) => {
      if (done > 0.3 * total) deleting ??= client.batchDelete('things', ids)
    }
    const { file, vectors } = await client.createBackup(directory(), { onProgress })
    const path = join(directory(), 'restored')
    expect(await VectorizerClient.restoreBackup(file, path)).toMatchObject({ vectors })
    expect([0, 700]).toContain(vectors)
    await deleting
  }
})

test('what a killed process has left of a backup is removed by the next one, which says so', async () => {
  const client = await filled('in memory')
  const path = directory()
  const { file } = await client.createBackup(join(path, 'first'))
  const left = join(path, 'killed.0190aaaabbbb7cccdddd0123456789ab.part')
  writeFileSync(left, readFileSync(file).subarray(0, 100))
  writeFileSync(join(path, 'film.part'), 'something else')

  const { leftovers } = await client.createBackup(join(path, 'second'))
  expect(leftovers).toStrictEqual([left])
  expect(readdirSync(path).sort()).toStrictEqual(['film.part', 'first', 'second'])
  expect((await client.createBackup(path)).leftovers).toStrictEqual([])
})

test('a backup that comes after a delete holds no byte of what was deleted', async () => {
  const random = seeded(3)
  const rows = Array.from({ length: 20 }, () => ({
    id: secret(random),
    data: vector(random, 16),
    metadata: { secret: secret(random) },
  }))
  const { client } = store()
  await client.createCollection('things', { dimension: 16 })
  await client.insertVectors('things', rows)
  const path = directory()
  await client.batchDelete(
    'things',
    rows.slice(0, 10).map(({ id }) => id),
  )
  await client.createBackup(path)
  expect(present(path, rows.flatMap(traces))).toStrictEqual(rows.slice(10).flatMap(traces))
})

describe('restoreBackup', () => {
  async function backup() {
    const path = directory()
    const file = join(path, 'backup')
    await (await filled('in memory')).createBackup(file)
    return { file, path, whole: readFileSync(file), target: join(path, 'target') }
  }

  test('tells how far it is: first it verifies, then it restores', async () => {
    const { file, whole, target } = await backup()
    const seen: BackupProgress[] = []
    await VectorizerClient.restoreBackup(file, target, { onProgress: (progress) => seen.push(progress) })
    const phases = seen.map(({ phase }) => phase)
    expect(phases).toStrictEqual([...phases].sort().reverse())
    for (const phase of ['verify', 'restore'] as const) {
      const last = seen.findLast((progress) => progress.phase === phase)
      expect(last).toStrictEqual({ phase, done: whole.length, total: whole.length })
    }
    for (const { done, total } of seen) expect(done).toBeLessThanOrEqual(total)
  })

  test('takes an empty directory, and refuses one that holds anything', async () => {
    const { file, target } = await backup()
    mkdirSync(target)
    await VectorizerClient.restoreBackup(file, target)
    const before = files(target).map((one) => [one, readFileSync(one)])
    const other = directory()
    writeFileSync(join(other, '.hidden'), '')
    for (const path of [target, other]) {
      const error = await rejection(VectorizerClient.restoreBackup(file, path))
      expect(error).toBeInstanceOf(StorageError)
      expect(error.message).toMatch(/is not empty/)
    }
    expect(files(target).map((one) => [one, readFileSync(one)])).toStrictEqual(before)
    expect(readdirSync(other)).toStrictEqual(['.hidden'])
  })

  async function refused(file: string, bytes: Buffer, target: string) {
    writeFileSync(file, bytes)
    const outcome = await VectorizerClient.restoreBackup(file, target).then(
      () => 'restored',
      (error) => (error instanceof StorageError ? 'refused' : `${error}`),
    )
    return existsSync(target) ? `${outcome}, and something was written` : outcome
  }

  test('refuses a backup of which any byte is changed, and writes nothing', async () => {
    const { file, whole, target } = await backup()
    const wrong: [number, string][] = []
    for (let at = 0; at < whole.length; at++) {
      const bytes = Buffer.from(whole)
      bytes[at] ^= 1 << (at % 8)
      const outcome = await refused(file, bytes, target)
      if (outcome !== 'refused') wrong.push([at, outcome])
    }
    expect(wrong).toStrictEqual([])
  })

  test('refuses a backup that is cut off anywhere, or goes on, and writes nothing', async () => {
    const { file, whole, target } = await backup()
    const wrong: [number, string][] = []
    for (let length = 0; length < whole.length; length++) {
      const outcome = await refused(file, whole.subarray(0, length), target)
      if (outcome !== 'refused') wrong.push([length, outcome])
    }
    expect(wrong).toStrictEqual([])
    for (const more of [Buffer.of(0), Buffer.alloc(4096), whole])
      expect(await refused(file, Buffer.concat([whole, more]), target)).toBe('refused')
    writeFileSync(file, whole)
    await VectorizerClient.restoreBackup(file, target)
  })

  test('what is no backup is refused with its name, and nothing is written', async () => {
    const { path, target } = await backup()
    const { client, path: other } = store()
    await client.createCollection('things', { dimension: 2 })
    for (const file of [join(path, 'missing'), path, __filename, join(other, 'collection-1', 'log.1')]) {
      const error = await rejection(VectorizerClient.restoreBackup(file, target))
      expect(error).toBeInstanceOf(StorageError)
      expect(error.message).toContain(file)
    }
    expect(existsSync(target)).toBe(false)
  })

  test('a backup that is opened as if it were a store says what to do', async () => {
    const { file } = await backup()
    const error = await rejection(opened({ path: file }).ready())
    expect(error).toBeInstanceOf(StorageError)
    expect(error.message).toMatch(/is a file.*restoreBackup/)
  })
})

describe.each(['in memory', 'on disk'])('what a delete backs up first, %s', (where) => {
  const deletes: Record<string, (client: VectorizerClient, backup: string) => Promise<unknown>> = {
    deleteVector: (client, backup) => client.deleteVector('things', 'b', { backup }),
    batchDelete: (client, backup) => client.batchDelete('things', ['nobody', 'b', 'b'], { backup }),
    deleteByFilter: (client, backup) =>
      client.deleteByFilter('things', { must: [{ has_id: ['b'] }] }, { backup }),
    'batchDelete with a receipt': (client, backup) =>
      client.batchDelete('things', ['b'], { backup, receipt: true }),
  }
  const names = Object.keys(deletes)

  test.each(names)('%s: exactly what it deletes', async (name) => {
    const client = await filled(where)
    const file = join(directory(), 'deleted')
    const old = await client.getVector('things', 'b')
    await deletes[name](client, file)
    expect(await idsOf(client)).toStrictEqual(['a', 'c\n"'])

    const again = await restored(file)
    expect(await again.listCollections()).toMatchObject([
      { name: 'things', dimension: 3, similarity_metric: 'euclidean', vector_count: 1 },
    ])
    expect((await again.listVectors('things')).vectors).toStrictEqual([old])
  })

  test.each(names)('%s deletes nothing when the backup cannot be written', async (name) => {
    const client = await filled(where)
    const before = await everything(client)
    const path = directory()
    writeFileSync(join(path, 'mine'), 'mine')
    for (const file of [join(path, 'mine'), join(path, 'no', 'directory'), path])
      await expect(deletes[name](client, file)).rejects.toBeInstanceOf(StorageError)
    for (const file of ['', 5 as unknown as string])
      await expect(deletes[name](client, file)).rejects.toBeInstanceOf(ValidationError)
    expect(await everything(client)).toStrictEqual(before)
    expect(readdirSync(path)).toStrictEqual(['mine'])
    expect(readFileSync(join(path, 'mine'), 'utf8')).toBe('mine')
  })

  test('there is no file where there is nothing to delete', async () => {
    const client = await filled(where)
    const path = directory()
    const backup = join(path, 'deleted')
    expect(await client.batchDelete('things', [], { backup })).toMatchObject({ deleted: 0 })
    expect(await client.batchDelete('things', ['nobody'], { backup })).toMatchObject({
      deleted: 0,
      failed: 1,
    })
    expect(await client.deleteByFilter('things', { no: 'such' }, { backup })).toMatchObject({ deleted: 0 })
    await expect(client.deleteVector('things', 'nobody', { backup })).rejects.toBeInstanceOf(
      VectorNotFoundError,
    )
    await expect(client.deleteVector('nowhere', 'a', { backup })).rejects.toBeInstanceOf(
      CollectionNotFoundError,
    )
    const dry = { dryRun: true, backup }
    await expect(client.deleteByFilter('things', { later: true }, dry)).rejects.toBeInstanceOf(
      ValidationError,
    )
    expect(readdirSync(path)).toStrictEqual([])
  })

  test('there is no file and no receipt where guards are not met', async () => {
    const client = await filled(where)
    const before = await everything(client)
    const path = directory()
    const backup = join(path, 'deleted')
    const filter = { must: [{ has_id: ['a', 'b'] }] }
    for (const guards of [{ atMost: 1 }, { expect: 3 }]) {
      const options = { ...guards, backup, receipt: true }
      for (const call of [
        client.batchDelete('things', ['b', 'nobody', 'a', 'b'], options),
        client.deleteByFilter('things', filter, options),
      ]) {
        const error = await rejection(call)
        expect(error).toBeInstanceOf(TooManyMatchesError)
        const { report } = error as TooManyMatchesError
        expect(report).toMatchObject({ deleted: 0 })
        expect(report).not.toHaveProperty('receipt')
      }
    }
    expect(readdirSync(path)).toStrictEqual([])
    expect(await everything(client)).toStrictEqual(before)
    const done = await client.deleteByFilter('things', filter, { expect: 2, backup, receipt: true })
    expect(done.receipt.deleted).toBe(2)
    expect((await idsOf(await restored(backup))).sort()).toStrictEqual(['a', 'b'])
  })

  test('deletes of one collection at the same time each back up their own', async () => {
    const client = await filled(where)
    const path = directory()
    const ids = ['a', 'b', 'c\n"']
    await Promise.all(ids.map((id, i) => client.deleteVector('things', id, { backup: join(path, `${i}`) })))
    expect(await client.count('things')).toBe(0)
    for (const [i, id] of ids.entries())
      expect(await idsOf(await restored(join(path, `${i}`)))).toStrictEqual([id])
  })
})
