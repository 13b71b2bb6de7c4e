// Migrating an older copy of a store with the store's ledger: what was erased since does not come
// back. The ledgers are written by the test.
import {
  type MigrationOptions,
  type MigrationProgress,
  migrate,
  StorageError,
  ValidationError,
  type VectorizerClient,
} from '../..'
import { idsOf, client as opened } from '../support/collections'
import { part, small, Written } from '../support/ledger'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'

const IDS = ['a', 'b', 'c', 'd', 'é']

async function source(...names: string[]) {
  const client = opened()
  for (const name of names) {
    await client.createCollection(name, { dimension: 2, metric: 'euclidean' })
    await client.insertVectors(
      name,
      IDS.map((id, i) => ({ id, data: [1, i], metadata: { i } })),
    )
  }
  return client
}

/** A ledger that begins before the collections of this test are created, or long after. */
function ledger(at: 'before' | 'after', write: (written: Written) => unknown) {
  const written = new Written()
  written.at = Date.now() + (at === 'before' ? -1 : 1) * 86_400_000
  write(written)
  return written.file()
}

/** What each collection of a new target holds, and how many vectors were left out. */
async function migrated(from: VectorizerClient, file: string, options: MigrationOptions = {}) {
  const target = opened()
  const { leftOut, collections } = await migrate(from, target, { ...options, ledger: file })
  const held: Record<string, string[]> = {}
  for (const { name } of await target.listCollections()) held[name] = await idsOf(target, name)
  expect(collections.map(({ name }) => name).sort()).toStrictEqual(Object.keys(held))
  return { leftOut, held }
}

const without = (...gone: string[]) => IDS.filter((id) => !gone.includes(id))

describe.each(['before', 'after'] as const)('of entries from %s the collection was created', (when) => {
  test('what was erased from the collection of this name is left out, by whatever call', async () => {
    const file = ledger(when, (written) => {
      written.erase('batchDelete', [part('docs', ['a', 'nobody'])], 'a reason')
      written.erase('expiry', [part('docs', ['é'], '1', 2)])
      written.erase('forget', [part('docs', ['c'], '1', 3), part('notes', ['d'], '2')])
      written.erase('deleteVector', [part('others', ['b'], '3')])
    })
    expect(await migrated(await source('docs', 'notes'), file)).toStrictEqual({
      leftOut: 4,
      held: { docs: without('a', 'c', 'é'), notes: without('d') },
    })
  })

  test('what has not happened is not, and what is unfinished is', async () => {
    const file = ledger(when, (written) => {
      written.undo(written.begin('batchDelete', [part('docs', ['a'])]))
      written.begin('batchDelete', [part('docs', ['b'])])
    })
    expect(await migrated(await source('docs'), file)).toStrictEqual({
      leftOut: 1,
      held: { docs: without('b') },
    })
  })

  test('what was moved is not, unless it was erased later', async () => {
    const file = ledger(when, (written) => {
      written.erase('deleteVector', [part('archive', ['d'], '2')])
      written.erase('moveToCollection', [{ ...part('docs', ['a', 'b', 'd']), to: '2'.repeat(32) }])
      written.erase('forget', [part('archive', ['b'], '2', 2)])
    })
    expect(await migrated(await source('docs'), file)).toStrictEqual({
      leftOut: 1,
      held: { docs: without('b') },
    })
  })

  test('what was moved is followed to where it is, whatever was erased elsewhere', async () => {
    const move = (from: string, id: string, ids: string[], to: string, sequence = 1) => ({
      ...part(from, ids, id, sequence),
      to: to.repeat(32),
    })
    const file = ledger(when, (written) => {
      // There and back again.
      written.erase('batchDelete', [move('docs', '1', ['a', 'b', 'c', 'd'], '2')])
      written.erase('undelete', [move('docs', '2', ['a', 'b', 'c'], '1')])
      written.erase('deleteVector', [part('notes', ['a', 'd'], '3')])
      written.erase('moveToCollection', [move('docs', '1', ['b', 'c'], '4', 2)])
      written.erase('moveToCollection', [move('archive', '4', ['b', 'c'], '5', 2)])
      written.erase('deleteVector', [part('archive', ['c'], '4', 3)])
      written.erase('deleteVector', [part('attic', ['b'], '5', 2)])
    })
    expect(await migrated(await source('docs'), file)).toStrictEqual({
      leftOut: 1,
      held: { docs: without('b') },
    })
  })

  test('what was moved was erased with the collection that it was moved to', async () => {
    const to = (id: string) => ({ to: id.repeat(32) })
    const file = ledger(when, (written) => {
      written.erase('moveToCollection', [{ ...part('docs', ['a', 'b']), ...to('2') }])
      // One of them moves on.
      written.erase('moveToCollection', [{ ...part('archive', ['b'], '2', 2), ...to('3') }])
      written.erase('deleteCollection', [{ ...part('archive', ['a'], '2', 3), all: true }])
      written.erase('deleteCollection', [{ ...part('others', ['x'], '4'), all: true }])
    })
    expect(await migrated(await source('docs'), file)).toStrictEqual({
      leftOut: 1,
      held: { docs: without('a') },
    })
  })

  test('what was erased before the collection was given its name is left out', async () => {
    const file = ledger(when, (written) => {
      written.erase('deleteVector', [part('drafts', ['a'])])
      written.rename('drafts', 'papers', '1'.repeat(32))
      written.erase('deleteVector', [part('papers', ['b'])])
      written.rename('papers', 'docs', '1'.repeat(32))
      written.erase('deleteVector', [part('docs', ['c'])])
    })
    expect((await migrated(await source('docs'), file)).held).toStrictEqual({ docs: without('a', 'b', 'c') })
  })
})

test('a collection that had the name when the source was copied has lost what it lost under another', async () => {
  const write = (written: Written) => {
    written.erase('deleteVector', [part('docs', ['a'])])
    written.rename('docs', 'papers', '1'.repeat(32))
    written.erase('deleteVector', [part('papers', ['b'])])
  }
  const from = await source('docs')
  expect((await migrated(from, ledger('after', write))).held).toStrictEqual({ docs: without('a', 'b') })
  // That one had the name no longer when this one was created.
  expect((await migrated(from, ledger('before', write))).held).toStrictEqual({ docs: without('a') })
})

test('a collection that was deleted is left out as a whole, unless it was created after that', async () => {
  const write = (written: Written) => {
    written.erase('deleteCollection', [{ ...part('docs', ['x', 'y']), all: true }])
    written.erase('batchDelete', [part('notes', ['a'], '2')])
  }
  const from = await source('docs', 'notes')
  expect(await migrated(from, ledger('after', write))).toStrictEqual({
    leftOut: IDS.length + 1,
    held: { notes: without('a') },
  })
  expect(await migrated(from, ledger('before', write))).toStrictEqual({
    leftOut: 1,
    held: { docs: IDS, notes: without('a') },
  })
})

test('a delete of a collection that has not happened leaves nothing out', async () => {
  const file = ledger('after', (written) =>
    written.undo(written.begin('deleteCollection', [{ ...part('docs', ['x']), all: true }])),
  )
  expect(await migrated(await source('docs'), file)).toStrictEqual({ leftOut: 0, held: { docs: IDS } })
})

describe('it is as if the source did not have it:', () => {
  const erased = (...ids: string[]) =>
    ledger('after', (written) => written.erase('batchDelete', [part('docs', ids)]))

  test('the target must not have it either, and with prune it is deleted', async () => {
    const [from, target] = [await source('docs'), await source('docs')]
    const file = erased('a', 'c')
    const error = await rejection(migrate(from, target, { ledger: file }))
    expect(error).toBeInstanceOf(StorageError)
    expect(error.message).toBe(
      "collection 'docs': the target holds 2 vectors that the source does not ('a', 'c'): prune: true deletes them",
    )
    const report = await migrate(from, target, { ledger: file, prune: true })
    expect(report).toMatchObject({
      leftOut: 2,
      collections: [{ vectors: 3, copied: 0, unchanged: 3, pruned: 2 }],
    })
    expect(await idsOf(target, 'docs')).toStrictEqual(without('a', 'c'))
  })

  test('searches are compared without it, however much of it there is', async () => {
    const from = opened()
    await from.createCollection('docs', { dimension: 2, metric: 'euclidean' })
    const ids = Array.from({ length: 1000 }, (_, i) => `${i}`)
    await from.insertVectors(
      'docs',
      ids.map((id, i) => ({ id, data: [1, i] })),
    )
    // What is left is far apart, and what is gone is nearer to it.
    const left = new Set(ids.filter((_, i) => i % 100 === 0))
    const target = opened()
    const report = await migrate(from, target, { ledger: erased(...ids.filter((id) => !left.has(id))) })
    expect(report).toMatchObject({ leftOut: 990, collections: [{ vectors: 10, sampled: 10, agreement: 1 }] })
  })

  test('everything may be gone, and the collection is there', async () => {
    expect(await migrated(await source('docs'), erased(...IDS))).toStrictEqual({
      leftOut: 5,
      held: { docs: [] },
    })
  })

  test('progress counts it', async () => {
    const told: MigrationProgress[] = []
    const onProgress = (progress: MigrationProgress) => told.push(progress)
    await migrated(await source('docs'), erased('a', 'b'), { onProgress, batchSize: 2 })
    const copy = told.filter(({ phase }) => phase === 'copy')
    expect(copy.map(({ done, total }) => [done, total])).toStrictEqual([
      [0, 5],
      [2, 5],
      [4, 5],
      [5, 5],
    ])
  })

  test('run again, it finds nothing to do', async () => {
    const [from, target, file] = [await source('docs'), opened(), erased('a')]
    await migrate(from, target, { ledger: file })
    const report = await migrate(from, target, { ledger: file })
    expect(report).toMatchObject({ leftOut: 1, collections: [{ vectors: 4, copied: 0, unchanged: 4 }] })
  })

  test('one that is deleted from the source meanwhile does not count twice', async () => {
    const from = await source('docs')
    const deleting = new Proxy(from, {
      get: (_, name: keyof VectorizerClient) => {
        if (name !== 'scanVectors') return (from[name] as () => unknown).bind(from)
        return async (...args: Parameters<VectorizerClient['scanVectors']>) => {
          const batch = await from.scanVectors(...args)
          await from.batchDelete('docs', ['a', 'b'])
          return batch
        }
      },
    })
    const target = opened()
    const report = await migrate(deleting, target, { ledger: erased('a') })
    expect(report.collections).toMatchObject([{ vectors: 3 }])
    expect(await idsOf(target, 'docs')).toStrictEqual(without('a', 'b'))
  })
})

test('without a ledger the report says nothing of it', async () => {
  expect(await migrate(await source('docs'), opened())).not.toHaveProperty('leftOut')
})

test('a ledger that is not as it was written rejects before anything is written', async () => {
  const { written } = small()
  const target = opened()
  const from = await source('docs')
  for (const lines of [written.lines.toSpliced(2, 1), [...written.lines.slice(0, 3), '']]) {
    const file = written.file(lines.map((line) => `${line}\n`).join(''))
    const error = await rejection(migrate(from, target, { ledger: file }))
    expect(error).toBeInstanceOf(StorageError)
    expect(error.message).toMatch(new RegExp(`^${file} is not as it was written: line [34]: `))
  }
  for (const gone of [`${written.file()}x`, written.file().replace('LEDGER', 'nowhere')])
    expect(await rejection(migrate(from, target, { ledger: gone }))).toBeInstanceOf(StorageError)
  expect(await target.listCollections()).toStrictEqual([])
})

test.each<[string, unknown, string]>([
  ['an empty path', '', 'options.ledger: is empty'],
  ['no path', 5, 'options.ledger: expected a string, got 5'],
  ['a boolean', true, 'options.ledger: expected a string, got boolean'],
])('a ledger that is %s is refused', async (_, given, message) => {
  const error = await rejection(migrate(opened(), opened(), { ledger: untyped(given) }))
  expect(error).toBeInstanceOf(ValidationError)
  expect(error.message).toBe(message)
})

test('a signal ends the reading of the ledger, and nothing was written', async () => {
  const controller = new AbortController()
  const reason = new Error('enough')
  const target = opened()
  const options = { ledger: small().written.file(), signal: controller.signal }
  const migrating = migrate(await source('docs'), target, options)
  controller.abort(reason)
  await expect(migrating).rejects.toBe(reason)
  expect(await target.listCollections()).toStrictEqual([])
})
