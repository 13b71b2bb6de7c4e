import { type Collection, ValidationError, type Vectorizer } from '../..'
import { everything } from '../support/collections'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'
import { engines } from './engines'

const rows = [{ id: 'x', data: [1, 2] }]

/** Each call that takes options, with a signal among them. */
const CALLS: Record<
  string,
  (things: Collection, signal: AbortSignal, client: Vectorizer) => Promise<unknown>
> = {
  createCollection: (_, signal, client) => client.createCollection('new', { dimension: 2, signal }),
  'createCollection with a request': (_, signal, client) =>
    client.createCollection({ name: 'new', dimension: 2, signal }),
  collection: (_, signal, client) => client.collection('new', { dimension: 2, ifExists: 'open', signal }),
  insertVectors: (things, signal) => things.insertVectors(rows, { signal }),
  insertText: (things, signal) => things.insertText('a', null, { signal }),
  batchInsertText: (things, signal) => things.batchInsertText(['a'], [], { signal }),
  insertTexts: (things, signal) => things.insertTexts([{ id: 'x', text: 'a' }], { signal }),
  scan: async (things, signal) => {
    for await (const _ of things.scan({ signal }));
  },
  scanVectors: (things, signal) => things.scanVectors({ signal }),
  search: (things, signal) => things.search([1, 2], { signal }),
  searchVectors: (things, signal) => things.searchVectors({ query_vector: [1, 2], signal }),
  searchText: (things, signal) => things.searchText({ query: 'a', signal }),
  searchBatch: (things, signal) => things.searchBatch([[1, 2]], { signal }),
  deleteVector: (things, signal) => things.deleteVector('a', { signal }),
  batchDelete: (things, signal) => things.batchDelete(['a'], { signal }),
  deleteVectors: (things, signal) => things.deleteVectors(['a'], { signal }),
  deleteByFilter: (things, signal) => things.deleteByFilter({ name: 'a' }, { signal }),
  'deleteByFilter, a dry run with rows': (things, signal) =>
    things.deleteByFilter({ name: 'a' }, { dryRun: true, rows: 2, signal }),
  replace: (things, signal) => things.replace({ name: 'a' }, [], { signal }),
  'deleteVector with undo': (things, signal) => things.deleteVector('a', { undo: '1h', signal }),
  'batchDelete with undo': (things, signal) => things.batchDelete(['a'], { undo: '1h', signal }),
  'deleteByFilter with undo': (things, signal) =>
    things.deleteByFilter({ name: 'a' }, { undo: '1h', signal }),
  'replace with undo': (things, signal) => things.replace({ name: 'a' }, [], { undo: '1h', signal }),
  'deleteCollection with undo': (things, signal) => things.deleteCollection({ undo: '1h', signal }),
  listDeleted: (_, signal, client) => client.listDeleted(undefined, { signal }),
  'listDeleted of a collection': (things, signal) => things.listDeleted({ signal }),
  undelete: (things, signal) => things.undelete(['a'], { signal }),
  purgeDeleted: (things, signal) => things.purgeDeleted({ all: true }, { signal }),
  bulkUpdateMetadata: (things, signal) =>
    things.bulkUpdateMetadata({ name: 'a' }, { seen: true }, { signal }),
  batchUpdateVectors: (things, signal) =>
    things.batchUpdateVectors([{ id: 'a', metadata: { name: 'z' } }], { signal }),
  moveToCollection: (things, signal) => things.moveToCollection('others', ['a'], { signal }),
  copyVectors: (things, signal) => things.copyVectors('others', { filter: { name: 'a' } }, { signal }),
  forget: (_, signal, client) => client.forget({ ids: ['a'] }, { signal }),
  updateCollection: (things, signal) => things.updateCollection({ description: 'Things' }, { signal }),
  renameCollection: (_, signal, client) => client.renameCollection('things', 'renamed', { signal }),
  reindexCollection: (things, signal) => things.reindexCollection({ m: 8, signal }),
  cleanupEmptyCollections: (_, signal, client) => client.cleanupEmptyCollections({ signal }),
  deleteCollection: (things, signal) => things.deleteCollection({ signal }),
  optimize: (things, signal) => things.optimize({ signal }),
}

/** Those that only embedded engines offer. */
const OFFERED = new Set([
  'replace',
  'bulkUpdateMetadata',
  'batchUpdateVectors',
  'moveToCollection',
  'copyVectors',
  'forget',
  'updateCollection',
  'renameCollection',
  'reindexCollection',
  'cleanupEmptyCollections',
  'deleteVector with undo',
  'batchDelete with undo',
  'deleteByFilter with undo',
  'replace with undo',
  'deleteCollection with undo',
  'listDeleted',
  'listDeleted of a collection',
  'undelete',
  'purgeDeleted',
])

/** A signal that counts who listens to it. */
class Listened extends EventTarget {
  aborted = false
  reason: unknown
  listeners = 0
  override addEventListener(...args: Parameters<EventTarget['addEventListener']>) {
    this.listeners++
    super.addEventListener(...args)
  }
  override removeEventListener(...args: Parameters<EventTarget['removeEventListener']>) {
    this.listeners--
    super.removeEventListener(...args)
  }
}

describe.each(engines)('a call with a signal, of the client that is %s', (_, ready) => {
  const engine = ready()
  const names = Object.keys(CALLS).filter((name) => engine.isEmbedded || !OFFERED.has(name))

  /** A client with two vectors, and an empty collection where there are calls that need one. */
  async function holding() {
    const client = await engine.holding('a', 'b')
    if (engine.isEmbedded) await client.createCollection('others', { dimension: 2 })
    return client
  }

  test.each(names)('%s does nothing where it is aborted before', async (name) => {
    const client = await holding()
    const things = await client.collection('things')
    const before = await everything(client)
    for (const reason of [undefined, new Error('enough'), 'a text', null, 0]) {
      const signal = AbortSignal.abort(reason)
      const thrown = await CALLS[name](things, signal, client).catch((error) => ({ error }))
      expect(thrown).toStrictEqual({ error: signal.reason })
    }
    expect(await everything(client)).toStrictEqual(before)
  })

  test.each(names)('%s does all, and lets go of it, where it is not aborted', async (name) => {
    const client = await holding()
    const things = await client.collection('things')
    const signal = new Listened()
    await CALLS[name](things, signal as unknown as AbortSignal, client)
    expect(signal.listeners).toBe(0)
  })

  test.each(names)('%s refuses what is no signal', async (name) => {
    const client = await holding()
    const things = await client.collection('things')
    const before = await everything(client)
    for (const wrong of [null, {}, 'now', new AbortController(), { aborted: true }]) {
      const error = await rejection(CALLS[name](things, untyped(wrong), client))
      expect(error).toBeInstanceOf(ValidationError)
      expect(error.message).toMatch(/^options\.signal: expected an AbortSignal, got /)
    }
    expect(await everything(client)).toStrictEqual(before)
  })

  test('that is aborted at any moment has done all or nothing, as it says', async () => {
    const client = await engine.things(1, 'euclidean')
    for (let round = 0; round < 20; round++) {
      const control = new AbortController()
      const vectors = Array.from({ length: 300 }, (_, i) => ({ id: `${round} ${i}`, data: [i] }))
      const done = client.insertVectors('things', vectors, { signal: control.signal }).then(
        () => 300,
        (error) => (error === control.signal.reason ? 0 : error),
      )
      for (let turn = 0; turn < round / 2; turn++) await new Promise(setImmediate)
      control.abort()
      const count = await done
      expect(await client.count('things')).toBe(count)
      if (count > 0)
        await client.batchDelete(
          'things',
          vectors.map(({ id }) => id),
        )
    }
  })
})
