// What a thief can read who has the files of a store: they are read by scripts/read-store.mjs,
// which was written from docs/format.md and knows nothing of the package.
import { execFile } from 'node:child_process'
import { createCipheriv, randomBytes } from 'node:crypto'
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type BackupProgress, type Vector, VectorizerClient } from '../..'
import { client as opened } from '../support/collections'
import { directory, pieces, plain, present, reader, secret, store, taken, traces } from '../support/disk'
import { packagePath, run as script } from '../support/processes'
import { type Random, seeded, vector } from '../support/random'

const DIMENSION = 16
// On Windows files that are locked cannot be copied, and those that are copied not renamed.
const posix = process.platform === 'win32' ? test.skip : test

interface Entry {
  number: number
  order: number
  live: boolean
  id: string
  metadata: string | null
  text: string | null
  row: number[]
  log: string
}

interface Collection {
  name: string | null
  path: string
  entries: Entry[]
  total: number
  withoutKey: number
  unopened: number
}

const run = (...args: string[]) =>
  promisify(execFile)(process.execPath, [reader, ...args], { maxBuffer: 1 << 30 })

/** What can be opened of a store or a backup, by collection. Nothing may be left that it does not understand. */
async function stolen(path: string, keys?: string): Promise<Collection[]> {
  const { stdout, stderr } = await run(path, '--json', ...(keys === undefined ? [] : ['--keys', keys]))
  expect(stderr).toBe('')
  return JSON.parse(stdout)
}

/** The only collection of a store or a backup. */
async function only(path: string, keys?: string): Promise<Collection> {
  const collections = await stolen(path, keys)
  expect(collections).toHaveLength(1)
  return collections[0]
}

const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1)

/** Entries, as far as they are vectors. */
const asVectors = (entries: Entry[]) =>
  entries
    .map(({ id, metadata, text, row }) => ({
      id,
      data: row,
      metadata: metadata === null ? null : JSON.parse(metadata),
      text,
    }))
    .sort(byId)

/** Vectors in the same form. */
const asEntries = (vectors: Vector[]) =>
  vectors
    .map(({ id, data, metadata, text }) => ({
      id,
      data: Array.from(data),
      metadata: metadata ?? null,
      text: text ?? null,
    }))
    .sort(byId)

const vectorsOf = async (client: VectorizerClient, collection = 'things') =>
  (await client.listVectors(collection, 0, 100_000)).vectors

/** A vector of which every part is unlike that of any other. */
function unique(random: Random, metadata: Record<string, unknown> = {}): Vector {
  return {
    id: secret(random),
    data: vector(random, DIMENSION),
    metadata: { secret: secret(random), ...metadata },
  }
}

/** The code of a vector's row: each value in units of which 127 are the largest. */
function codeOf({ data }: Vector) {
  const unit = Math.max(...Array.from(data, Math.abs)) / 127
  return Buffer.from(Int8Array.from(data, (value) => Math.round(value / unit)).buffer)
}

/** Puts 20 vectors into a new collection, the last 5 of which have texts. */
async function fill(client: VectorizerClient, random: Random, collection = 'things') {
  await client.createCollection(collection, { dimension: DIMENSION })
  for (let i = 0; i < 3; i++) {
    const rows = Array.from({ length: 5 }, (_, n) => unique(random, { doomed: n % 2 === 0 }))
    await client.insertVectors(collection, rows)
  }
  const texts = Array.from({ length: 5 }, (_, n) => ({
    id: secret(random),
    text: secret(random),
    metadata: { secret: secret(random), doomed: n % 2 === 0 },
  }))
  await client.insertTexts(collection, texts)
  return vectorsOf(client, collection)
}

async function filled() {
  const { client, path } = store({ fsync: 'no' })
  const random = seeded(7)
  const vectors = await fill(client, random)
  return { client, path, random, vectors }
}

const doomed = ({ metadata }: Vector) => metadata?.doomed === true
const DOOMED = 12

/** That the files give up the vectors of the client, and nothing else. */
async function expectOnlyTheLiving(client: VectorizerClient, path: string, dead: number, keys?: string) {
  const vectors = await vectorsOf(client)
  const { entries, ...counts } = await only(path, keys)
  expect(asVectors(entries)).toStrictEqual(asEntries(vectors))
  expect(counts).toMatchObject({
    name: 'things',
    total: vectors.length + dead,
    withoutKey: dead,
    unopened: 0,
  })
}

describe('whoever has the files of a store', () => {
  test('opens every vector before it is deleted: id, values, metadata and text, exactly', async () => {
    const { client, path, vectors } = await filled()
    const odd: Vector[] = [
      { id: 'ü\n"\u0000😀', data: Float32Array.from({ length: DIMENSION }, () => 1e-45), metadata: {} },
      { id: ' ', data: Float32Array.from({ length: DIMENSION }, (_, i) => 3e38 - i) },
      {
        id: 'deep',
        data: Float32Array.from({ length: DIMENSION }, (_, i) => 1 / (i + 1)),
        metadata: { a: [1, null, { 'b\u2028': 'é' }], c: -0.1, d: true },
      },
    ]
    await client.insertVectors('things', odd)
    await client.insertTexts('things', [{ id: 'text', text: 'Straße 😀\n' }])

    const { entries, ...counts } = await only(path)
    expect(asVectors(entries)).toStrictEqual(asEntries(await vectorsOf(client)))
    expect(asVectors(entries)).toStrictEqual(expect.arrayContaining(asEntries([...vectors, ...odd])))
    expect(entries.map(({ live }) => live)).toStrictEqual(Array(24).fill(true))
    expect(entries.map(({ number }) => number)).toStrictEqual(Array.from({ length: 24 }, (_, i) => i + 1))
    expect(counts).toStrictEqual({
      name: 'things',
      path: join(path, 'collection-1'),
      total: 24,
      withoutKey: 0,
      unopened: 0,
    })

    await client.close()
    expect((await only(path)).entries).toStrictEqual(entries)
  })

  const deletes: Record<string, (client: VectorizerClient, ids: string[]) => Promise<unknown>> = {
    'deleteVector, one after the other': async (client, ids) => {
      for (const id of ids) await client.deleteVector('things', id)
    },
    'deleteVector, all at once': (client, ids) =>
      Promise.all(ids.map((id) => client.deleteVector('things', id))),
    batchDelete: (client, ids) => client.batchDelete('things', ids),
    deleteByFilter: (client) => client.deleteByFilter('things', { doomed: true }),
    'replace, by nothing': (client) => client.replace('things', { doomed: true }, []),
    'a batch with a receipt': (client, ids) => client.batchDelete('things', ids, { receipt: true }),
  }
  test.each(Object.keys(deletes))('opens only the living after %s', async (name) => {
    const { client, path, vectors } = await filled()
    const ids = vectors.filter(doomed).map(({ id }) => id)
    expect(ids).toHaveLength(DOOMED)
    expect((await only(path)).entries).toHaveLength(20)

    await deletes[name](client, ids)
    await expectOnlyTheLiving(client, path, DOOMED)
    expect(asEntries(await vectorsOf(client))).toStrictEqual(asEntries(vectors.filter((one) => !doomed(one))))

    await client.close()
    await expectOnlyTheLiving(opened({ path }), path, DOOMED)
  })

  const replaces: Record<string, (client: VectorizerClient, id: string, by: Vector) => Promise<unknown>> = {
    'an update of the numbers': (client, id, { data }) => client.updateVector('things', id, { data }),
    'an update of the metadata': (client, id, { metadata }) =>
      client.updateVector('things', id, { metadata }),
    'an update of the text': (client, id) => client.updateVector('things', id, { text: 'another' }),
    'an update of everything': (client, id, { data, metadata }) =>
      client.updateVector('things', id, { data, metadata, text: 'another' }),
    'an insert under the same id': (client, id, by) => client.insertVectors('things', [{ ...by, id }]),
    'a text under the same id': (client, id) => client.insertTexts('things', [{ id, text: 'another' }]),
  }
  test.each(Object.keys(replaces))('opens only the new version after %s', async (name) => {
    const { client, path, random, vectors } = await filled()
    const { id } = vectors[17]
    const before = asEntries(vectors)

    // The second replaces what the first has put.
    for (const dead of [1, 2]) {
      await replaces[name](client, id, unique(random))
      await expectOnlyTheLiving(client, path, dead)
    }
    const { entries } = await only(path)
    const own = entries.filter((entry) => entry.id === id)
    expect(own).toHaveLength(1)
    expect(before).not.toContainEqual(asVectors(own)[0])
    const others = entries.filter((entry) => entry.id !== id)
    expect(asVectors(others)).toStrictEqual(before.filter((one) => one.id !== id))
  })

  test('opens nothing of a deleted vector whose id was inserted again', async () => {
    const { client, path, random, vectors } = await filled()
    const { id } = vectors[3]
    await client.deleteVector('things', id)
    const again = { ...unique(random), id }
    await client.insertVectors('things', [again])
    await expectOnlyTheLiving(client, path, 1)
    const own = (await only(path)).entries.filter((entry) => entry.id === id)
    expect(asVectors(own)).toStrictEqual(asEntries([again]))
  })

  test('finds nothing of a deleted collection, its name included', async () => {
    const { client, path, random } = await filled()
    const others = await fill(client, random, 'others')
    expect((await stolen(path)).map(({ name }) => name)).toStrictEqual(['things', 'others'])

    await client.deleteCollection('things')
    const left = await only(path)
    expect(left).toMatchObject({ name: 'others', total: 20, withoutKey: 0, unopened: 0 })
    expect(asVectors(left.entries)).toStrictEqual(asEntries(others))

    // One of the same name has nothing of it either.
    await client.createCollection('things', { dimension: DIMENSION })
    const [kept, made] = await stolen(path)
    expect(kept).toStrictEqual(left)
    expect(made).toMatchObject({ name: 'things', entries: [], total: 0 })
  })

  test('opens only the living after optimize, whose new log has no entry of the dead', async () => {
    const { client, path, vectors } = await filled()
    await client.deleteByFilter('things', { doomed: true })
    await client.optimize('things')
    const names = readdirSync(join(path, 'collection-1'))
    expect(names.filter((name) => /^(?:log|keys)/.test(name)).sort()).toStrictEqual(['keys.2', 'log.2'])
    await expectOnlyTheLiving(client, path, 0)

    await client.deleteVector('things', vectors.filter((one) => !doomed(one))[0].id)
    await expectOnlyTheLiving(client, path, 1)
  })

  /**
   * A store whose log a process rewrote while it deleted four of 750 vectors: the first two, which were in the
   * new log already, and the last two. Then it was killed, or went on to the end.
   */
  async function rewritten(isKilled: boolean) {
    for (;;) {
      const path = join(directory(), 'store')
      const newLog = join(path, 'collection-1', 'log.2.new')
      const { stdout, ...ended } = await script(`
        const { existsSync, writeSync } = require('node:fs')
        const { VectorizerClient } = require(${JSON.stringify(packagePath)})
        ;(async () => {
          const client = new VectorizerClient(${JSON.stringify({ path, fsync: 'no' })})
          await client.createCollection('things', { dimension: ${DIMENSION} })
          const ids = Array.from({ length: 900 }, (_, i) => 'id ' + i)
          const data = Float32Array.from({ length: 900 * ${DIMENSION} }, (_, i) => Math.sin(i * i))
          const metadata = ids.map((_, i) => ({ i, pad: 'x'.repeat(10_000) }))
          await client.insertVectors('things', { ids, data, metadata })
          await client.deleteByFilter('things', { i: { $gte: 750 } })
          let optimizing
          await new Promise((resolve) => {
            const onProgress = ({ phase, done }) => phase === 'rewrite' && done > 0 && resolve()
            optimizing = client.optimize('things', { onProgress }).finally(resolve)
          })
          for (const i of ${JSON.stringify(GONE)}) await client.deleteVector('things', ids[i])
          if (existsSync(${JSON.stringify(newLog)})) {
            writeSync(1, 'in time')
            if (${isKilled}) process.kill(process.pid, 'SIGKILL')
          }
          await optimizing
          await client.close()
        })()
      `)
      const isInTime = stdout === 'in time'
      const end = isInTime && isKilled ? { code: null, signal: 'SIGKILL' } : { code: 0, signal: null }
      expect(ended).toStrictEqual({ ...end, stderr: '' })
      // Otherwise the log was rewritten before all of them were deleted.
      if (isInTime && existsSync(newLog) === isKilled) return path
    }
  }
  const GONE = [0, 749, 1, 748]
  const LEFT = Array.from({ length: 750 }, (_, i) => i).filter((i) => !GONE.includes(i))

  /** The vectors that are left, in the order of their entries. */
  const numbersOf = (entries: Entry[]) => entries.map(({ metadata }) => JSON.parse(metadata as string).i)

  posix(
    'opens nothing of what is deleted while the log is rewritten, in the old log or the new',
    async () => {
      const path = await rewritten(true)
      // The last record of the new log may be cut off, which is said.
      const [{ entries, withoutKey }]: Collection[] = JSON.parse((await run(path, '--json')).stdout)
      const [old, made] = ['log.1', 'log.2.new'].map((name) => entries.filter(({ log }) => log === name))
      expect(numbersOf(old)).toStrictEqual(LEFT)
      expect(made).not.toHaveLength(0)
      expect(numbersOf(made)).toStrictEqual(LEFT.slice(0, made.length))
      expect(entries).toHaveLength(old.length + made.length)
      // Those of the old log, and at least the first two in the new one.
      expect(withoutKey).toBeGreaterThanOrEqual(150 + 4 + 2)

      const client = opened({ path })
      expect(asVectors(old)).toStrictEqual(asEntries(await vectorsOf(client)))
      await expectOnlyTheLiving(client, path, 154)
    },
  )

  posix('opens only the living where vectors were deleted while the log was rewritten', async () => {
    const path = await rewritten(false)
    const { entries, withoutKey, unopened } = await only(path)
    expect(new Set(entries.map(({ log }) => log))).toStrictEqual(new Set(['log.2']))
    expect(numbersOf(entries)).toStrictEqual(LEFT)
    expect([2, 3, 4]).toContain(withoutKey)
    expect(unopened).toBe(0)
    await expectOnlyTheLiving(opened({ path }), path, withoutKey)
  })
})

describe('whoever has a copy of the store from before a delete', () => {
  /** A store with the copy that was made of it, the vectors in that, and those that were left. */
  async function copied() {
    const { client, path, random, vectors } = await filled()
    await client.close()
    const copy = taken(path)
    const again = opened({ path, fsync: 'no' })
    await again.deleteByFilter('things', { doomed: true })
    const left = vectors.filter((one) => !doomed(one))
    return { client: again, path, copy, random, vectors, left }
  }

  test('opens with the keys of after only the living', async () => {
    const { path, copy, left } = await copied()
    const { entries, ...counts } = await only(copy, path)
    expect(asVectors(entries)).toStrictEqual(asEntries(left))
    expect(counts).toMatchObject({ name: 'things', total: 20, withoutKey: DOOMED, unopened: 0 })
  })

  test('opens with the keys of after nothing of what was updated or inserted again', async () => {
    const { client, path, copy, random, left } = await copied()
    const [updated, amended, inserted, ...others] = left
    await client.updateVector('things', updated.id, { data: vector(random, DIMENSION) })
    await client.updateVector('things', amended.id, { metadata: { secret: 'new' } })
    await client.insertVectors('things', [{ ...unique(random), id: inserted.id }])
    const { entries, ...counts } = await only(copy, path)
    expect(asVectors(entries)).toStrictEqual(asEntries(others))
    expect(counts).toMatchObject({ total: 20, withoutKey: DOOMED + 3, unopened: 0 })
  })

  test('opens with the keys of after a rewrite of the log only the living, whose keys have other indices', async () => {
    const { client, path, copy, left } = await copied()
    await client.optimize('things')
    expect(existsSync(join(path, 'collection-1', 'keys.1'))).toBe(false)
    const [last, ...others] = left.toReversed()
    await client.deleteVector('things', last.id)
    const { stdout, stderr } = await run(copy, '--keys', path, '--json')
    expect(stderr).toMatch(/log\.1: there is no table of its keys/)
    const [{ entries, ...counts }]: Collection[] = JSON.parse(stdout)
    expect(asVectors(entries)).toStrictEqual(asEntries(others))
    expect(counts).toMatchObject({ name: 'things', total: 20, withoutKey: DOOMED + 1, unopened: 0 })
  })

  test('opens nothing when the collection was deleted, and does not learn its name', async () => {
    const { client, path, copy } = await copied()
    await client.deleteCollection('things')
    const { stdout } = await run(copy, '--keys', path, '--json')
    expect(JSON.parse(stdout)).toMatchObject([
      { name: null, entries: [], total: 20, withoutKey: 20, unopened: 0 },
    ])
  })

  test('opens all of it with the keys that were copied as well: no delete reaches those', async () => {
    const { copy, vectors } = await copied()
    const { entries, ...counts } = await only(copy)
    expect(asVectors(entries)).toStrictEqual(asEntries(vectors))
    expect(counts).toMatchObject({ total: 20, withoutKey: 0, unopened: 0 })
  })

  test('opens nothing of it without a keyring, or without its tables', async () => {
    const { copy } = await copied()
    const empty = directory()
    const none = { name: null, entries: [], total: 20, withoutKey: 20, unopened: 0 }
    expect(JSON.parse((await run(copy, '--keys', empty, '--json')).stdout)).toMatchObject([none])
    // That of another store is of no use.
    const other = await filled()
    await other.client.close()
    cpSync(join(other.path, 'KEYRING'), join(copy, 'KEYRING'))
    expect(JSON.parse((await run(copy, '--json')).stdout)).toMatchObject([none])
    // The name is that of the other's collection.
    expect(JSON.parse((await run(copy, '--keys', other.path, '--json')).stdout)).toMatchObject([
      { name: 'things', entries: [], total: 20, withoutKey: 0, unopened: 20 },
    ])
  })
})

describe('whoever has a backup', () => {
  test('opens exactly the vectors that there were at its end', async () => {
    const { client, random, vectors } = await filled()
    const others = await fill(client, random, 'others')
    await client.createCollection('empty', { dimension: 2 })
    await client.deleteByFilter('things', { doomed: true })
    await client.updateVector('others', others[0].id, { metadata: { later: true } })
    const { file, bytes } = await client.createBackup(directory())
    expect(bytes).toBe(readFileSync(file).length)

    const left = vectors.filter((one) => !doomed(one))
    const found = await stolen(file)
    expect(found).toHaveLength(3)
    for (const [name, expected] of Object.entries({
      things: left,
      others: await vectorsOf(client, 'others'),
      empty: [],
    })) {
      const { entries, ...counts } = found.find((one) => one.name === name) as Collection
      expect(asVectors(entries)).toStrictEqual(asEntries(expected))
      expect(entries.every(({ live }) => live)).toBe(true)
      expect(counts).toStrictEqual({ name, path: file, total: expected.length, withoutKey: 0, unopened: 0 })
    }

    // It goes on to, whatever is deleted afterwards.
    await client.deleteCollection('things')
    expect(await stolen(file)).toStrictEqual(found)
  })

  test('opens nothing of what was deleted or replaced while it was made', async () => {
    const { client } = store({ fsync: 'no' })
    const random = seeded(13)
    await client.createCollection('things', { dimension: DIMENSION })
    const pad = 'x'.repeat(20_000)
    let interfered = false
    while (!interfered) {
      const rows = Array.from({ length: 500 }, () => unique(random, { pad }))
      await client.insertVectors('things', rows)
      let busy = true
      let begin = () => {}
      const begun = new Promise<void>((resolve) => {
        begin = resolve
      })
      const onProgress = ({ done }: BackupProgress) => done > 0 && begin()
      const making = client.createBackup(directory(), { onProgress }).finally(() => {
        busy = false
        begin()
      })
      // The first of them are in the backup then.
      await begun
      for (let i = 0; i < 200 && busy; i++) {
        if (i % 2 === 0) await client.deleteVector('things', rows[i].id)
        else await client.updateVector('things', rows[i].id, { metadata: { i } })
      }
      const { file, vectors } = await making
      const path = join(directory(), 'restored')
      await VectorizerClient.restoreBackup(file, path)
      const restored = opened({ path })
      const { entries, total, withoutKey, unopened } = await only(file)
      expect(asVectors(entries)).toStrictEqual(asEntries(await vectorsOf(restored)))
      expect(entries.every(({ live }) => live)).toBe(true)
      expect({ opened: entries.length, withoutKey, unopened }).toStrictEqual({
        opened: vectors,
        withoutKey: total - vectors,
        unopened: 0,
      })
      interfered = withoutKey > 0
      await restored.close()
      await client.batchDelete(
        'things',
        rows.map(({ id }) => id),
      )
    }
  })

  test('of what is about to be deleted opens exactly that', async () => {
    const { client, path, vectors } = await filled()
    const backup = join(directory(), 'backup')
    const ids = vectors.filter(doomed).map(({ id }) => id)
    await client.batchDelete('things', ids, { backup })
    expect(asVectors((await only(backup)).entries)).toStrictEqual(asEntries(vectors.filter(doomed)))
    await expectOnlyTheLiving(client, path, DOOMED)
  })

  test('opens nothing before its key is in it', async () => {
    const { client } = await filled()
    const path = directory()
    const { file } = await client.createBackup(path)
    expect((await only(file)).entries).toHaveLength(20)
    const bytes = readFileSync(file)
    bytes.fill(0, 24, 156)
    const part = `${file}.0190aaaabbbb7cccdddd0123456789ab.part`
    writeFileSync(part, bytes)
    const { stdout, stderr } = await run(part, '--json')
    expect(stderr).toMatch(/there is no key in it/)
    expect(JSON.parse(stdout)).toMatchObject([
      { name: null, entries: [], total: 20, withoutKey: 20, unopened: 0 },
    ])
  })

  posix('opens nothing of what is taken away while it is made', async () => {
    const { client } = store({ fsync: 'no' })
    const random = seeded(17)
    await client.createCollection('things', { dimension: DIMENSION })
    const rows = Array.from({ length: 600 }, () => unique(random, { pad: 'x'.repeat(30_000) }))
    await client.insertVectors('things', rows)
    let taken: Buffer | undefined
    while (taken === undefined) {
      const path = directory()
      let seen: { part: Buffer; size: number } | undefined
      const onProgress = ({ done }: BackupProgress) => {
        const name = readdirSync(path).find((one) => one.endsWith('.part'))
        if (done === 0 || seen !== undefined || name === undefined) return
        try {
          seen = { part: readFileSync(join(path, name)), size: statSync(join(path, name)).size }
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
        }
      }
      const { bytes } = await client.createBackup(path, { onProgress })
      // One that had all its bytes when it had been read may have had its key.
      if (seen !== undefined && seen.size < bytes) taken = seen.part
    }
    const part = join(directory(), 'stolen')
    writeFileSync(part, taken)
    const [{ name, entries, total, withoutKey }] = JSON.parse((await run(part, '--json')).stdout)
    expect({ name, entries }).toStrictEqual({ name: null, entries: [] })
    expect(total).toBeGreaterThan(0)
    expect(withoutKey).toBe(total)
  })
})

describe('whoever has a backup with its keys apart', () => {
  /** A store with two collections, and such a backup of it, with the keys of its day. */
  async function backedUp(key?: Uint8Array) {
    const { client, path } = store({ fsync: 'no', ...(key && { encryption: { key } }) })
    const random = seeded(23)
    const vectors = await fill(client, random)
    const others = await fill(client, random, 'others')
    const { file, keys } = await client.createBackup(directory(), { keys: 'apart' })
    return { client, path, random, vectors, others, file, keys: keys as string }
  }

  /** What is left of the backup, by collection: the vectors, and how many have no key. */
  async function expectLeft(file: string, keys: string, left: Record<string, Vector[]>, ...args: string[]) {
    const { stdout, stderr } = await run(file, '--json', '--keys', keys, ...args)
    expect(stderr).toBe('')
    const found: Collection[] = JSON.parse(stdout)
    expect(found.map(({ name }) => name).sort()).toStrictEqual(Object.keys(left).sort())
    for (const { name, entries, ...counts } of found) {
      const expected = left[name as string]
      expect(asVectors(entries)).toStrictEqual(asEntries(expected))
      expect(counts).toStrictEqual({ path: file, total: 20, withoutKey: 20 - expected.length, unopened: 0 })
    }
  }

  test('opens nothing with it alone but the names of its collections', async () => {
    const { file, keys, vectors, others } = await backedUp()
    const { stdout, stderr } = await run(file, '--json')
    expect(stderr).toMatch(/its keys are apart, and none were given/)
    const sealed = ['things', 'others'].map((name) => ({
      name,
      path: file,
      entries: [],
      total: 20,
      withoutKey: 20,
      unopened: 0,
    }))
    const byName = (a: { name: string | null }, b: { name: string | null }) =>
      String(a.name) < String(b.name) ? -1 : 1
    expect(JSON.parse(stdout).sort(byName)).toStrictEqual(sealed.sort(byName))
    expect(present(file, [...vectors, ...others].flatMap(traces))).toStrictEqual([])

    // Nor with what is no key of it: those of another store.
    const other = await backedUp()
    for (const strange of [other.keys, other.path])
      await expectLeft(file, strange, { things: [], others: [] })
    await expectLeft(file, keys, { things: vectors, others })
  })

  test('opens with the keys of its day all of it, whatever is deleted afterwards', async () => {
    const { client, path, file, keys, vectors, others } = await backedUp()
    await expectLeft(file, path, { things: vectors, others })
    await client.deleteByFilter('things', { doomed: true })
    await client.deleteCollection('others')
    await expectLeft(file, keys, { things: vectors, others })
  })

  test('opens with the keys of after only what is neither deleted nor changed', async () => {
    const { client, path, random, file, vectors, others } = await backedUp()
    await client.deleteByFilter('things', { doomed: true })
    const [updated, amended, inserted, ...left] = vectors.filter((one) => !doomed(one))
    await client.updateVector('things', updated.id, { data: vector(random, DIMENSION) })
    await client.updateVector('things', amended.id, { metadata: { secret: 'new' } })
    await client.insertVectors('things', [{ ...unique(random), id: inserted.id }, unique(random)])
    const expectOnlyThese = async (these: Record<string, Vector[]>) => {
      const { file: newest } = await client.exportKeys(directory())
      await expectLeft(file, newest, these)
      await expectLeft(file, path, these)
    }
    await expectOnlyThese({ things: left, others })

    // The same when keys have other indices, or other masks.
    await client.optimize('things')
    await expectOnlyThese({ things: left, others })
    await client.rotateKeys()
    await expectOnlyThese({ things: left, others })

    // One of the same name has none of these keys.
    await client.deleteCollection('others')
    await fill(client, random, 'others')
    await client.deleteVector('things', left[0].id)
    await expectOnlyThese({ things: left.slice(1), others: [] })
    await client.close()
    await expectLeft(file, path, { things: left.slice(1), others: [] })
  })

  test('needs the key of the keys, where they are encrypted, and for names that of the backup', async () => {
    const [user, next] = [randomBytes(32), randomBytes(32)]
    const { client, path, file, keys, vectors, others } = await backedUp(user)
    const [first, second] = [user, next].map((key) => {
      const kept = join(directory(), 'key')
      writeFileSync(kept, key)
      return kept
    })
    await expectLeft(file, keys, { things: vectors, others }, '--key-file', first)
    await client.rotateKeys({ key: next })
    await client.deleteByFilter('things', { doomed: true })
    const { file: newest } = await client.exportKeys(directory())
    const left = vectors.filter((one) => !doomed(one))
    for (const from of [newest, path]) {
      const both = ['--key-file', first, '--keys-key-file', second]
      await expectLeft(file, from, { things: left, others }, ...both)

      const without = await run(file, '--json', '--keys', from, '--key-file', first)
      expect(without.stderr).toMatch(/the key that was given does not open it/)
      const names = JSON.parse(without.stdout).map(({ name, entries }: Collection) => [name, entries.length])
      expect(Object.fromEntries(names)).toStrictEqual({ things: 0, others: 0 })

      // The names are under the key of the backup, and the vectors are not.
      const { stdout, stderr } = await run(file, '--json', '--keys', from, '--keys-key-file', second)
      expect(stderr).toMatch(/it is encrypted, and no key was given/)
      const found: Collection[] = JSON.parse(stdout)
      expect(found.map(({ name }) => name)).toStrictEqual([null, null])
      const entries = found.flatMap((one) => one.entries)
      expect(asVectors(entries)).toStrictEqual(asEntries([...left, ...others]))
    }
  })

  test('opens of one that was never finished, with keys, what they open, and nothing without', async () => {
    const { client, path, file, vectors, others } = await backedUp()
    await client.deleteByFilter('things', { doomed: true })
    const left = [...vectors.filter((one) => !doomed(one)), ...others]
    const bytes = readFileSync(file)
    bytes.fill(0, 20, 156)
    const part = `${file}.0190aaaabbbb7cccdddd0123456789ab.part`
    writeFileSync(part, bytes)
    const entriesWith = async (...args: string[]) => {
      const { stdout, stderr } = await run(part, '--json', ...args)
      expect(stderr).toMatch(/there is no key in it/)
      return JSON.parse(stdout).flatMap(({ entries }: Collection) => entries)
    }
    expect(await entriesWith()).toStrictEqual([])
    expect(asVectors(await entriesWith('--keys', path))).toStrictEqual(asEntries(left))
  })

  test('opens nothing with keys that are not all there yet', async () => {
    const { file, keys } = await backedUp()
    const bytes = readFileSync(keys)
    bytes.fill(0, 20, 156)
    const part = join(directory(), 'keys.0190aaaabbbb7cccdddd0123456789ab.part')
    writeFileSync(part, bytes)
    const { stdout, stderr } = await run(file, '--json', '--keys', part)
    expect(stderr).toMatch(/\.part: there is no key in it/)
    expect(JSON.parse(stdout).flatMap(({ entries }: Collection) => entries)).toStrictEqual([])
  })
})

test('no file holds in plain an id, values, metadata, a text, or the name of a collection', async () => {
  const { client, path } = store({ fsync: 'no' })
  const random = seeded(19)
  const name = secret(random)
  // So many that there is a graph.
  const rows = Array.from({ length: 1600 }, () => unique(random))
  await client.createCollection(name, { dimension: DIMENSION })
  await client.insertVectors(name, rows)
  await client.insertTexts(name, [
    { id: secret(random), text: secret(random), metadata: { page: 'seventeen' } },
  ])
  const all = await vectorsOf(client, name)
  const few = [...all.slice(0, 10), ...all.slice(-10)]
  const parts = few.flatMap((one) => [...traces(one), Buffer.from(JSON.stringify(one.metadata))])
  // The embedding of a text has zeros, which are everywhere.
  const isSomething = (piece: Buffer) => piece.some((byte) => byte !== 0)
  const values = [Buffer.from(name), ...parts].flatMap(pieces).filter(isSomething)
  // Codes are nearly as good as values. That of the text has zeros.
  const codes = all.slice(0, 10).map(codeOf)
  const needles = [...values, ...codes.flatMap(pieces)]

  // They would be found, and are where the keys are used.
  const control = directory()
  writeFileSync(join(control, 'plain'), Buffer.concat([Buffer.from(name), ...parts, ...codes]))
  expect(plain(control, needles)).toStrictEqual(needles)
  expect(present(path, values)).toStrictEqual(values)

  const backups = directory()
  const nowhere = () => {
    expect(plain(path, needles)).toStrictEqual([])
    expect(plain(backups, needles)).toStrictEqual([])
  }
  nowhere()
  await client.createBackup(backups)
  await client.deleteVector(name, few[3].id)
  await client.updateVector(name, few[4].id, { data: few[5].data, metadata: few[6].metadata })
  nowhere()
  await client.batchDelete(
    name,
    all.slice(20, 400).map(({ id }) => id),
    { backup: join(backups, 'deleted') },
  )
  await client.optimize(name)
  const names = readdirSync(join(path, 'collection-1'))
  expect(names).toEqual(expect.arrayContaining(['graph', 'keys.2', 'log.2']))
  nowhere()
  await client.close()
  nowhere()
})

describe('the reader', () => {
  /** Seals the keys in a keyring, or at the beginning of a backup, under a key, as docs/format.md says. */
  function encrypt(file: string, user: Buffer, wrapped = Buffer.alloc(0)) {
    const bytes = readFileSync(file)
    bytes[20] = 1
    bytes.writeUInt32LE(wrapped.length, 144)
    for (const at of [24, 84]) {
      const key = bytes.subarray(at + 12, at + 44)
      if (key.every((byte) => byte === 0)) continue
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', user, nonce).setAAD(bytes.subarray(0, 24))
      bytes.set([...nonce, ...cipher.update(key), ...cipher.final(), ...cipher.getAuthTag()], at)
    }
    writeFileSync(file, Buffer.concat([bytes.subarray(0, 148), wrapped, bytes.subarray(148)]))
  }

  test('opens what is encrypted with its key alone, in every form that a key is kept in', async () => {
    const { client, path, vectors } = await filled()
    const { file } = await client.createBackup(directory())
    await client.close()
    const user = randomBytes(32)
    encrypt(join(path, 'KEYRING'), user)
    encrypt(file, user, Buffer.from('what a key service made of it'))
    const kept = join(directory(), 'key')
    const forms = [
      user,
      user.toString('hex'),
      `${user.toString('hex').toUpperCase()}\n`,
      user.toString('base64'),
      `${user.toString('base64url')}\n`,
    ]
    for (const form of forms) {
      writeFileSync(kept, form)
      for (const target of [path, file]) {
        const { stdout, stderr } = await run(target, '--json', '--key-file', kept)
        expect(stderr).toBe('')
        const [{ name, entries }]: Collection[] = JSON.parse(stdout)
        expect(name).toBe('things')
        expect(asVectors(entries)).toStrictEqual(asEntries(vectors))
      }
    }

    const nothing = [{ name: null, entries: [], total: 20, withoutKey: 20, unopened: 0 }]
    for (const target of [path, file]) {
      const without = await run(target, '--json')
      expect(JSON.parse(without.stdout)).toMatchObject(nothing)
      expect(without.stderr).toMatch(/it is encrypted, and no key was given/)
      writeFileSync(kept, randomBytes(32))
      const wrong = await run(target, '--json', '--key-file', kept)
      expect(JSON.parse(wrong.stdout)).toMatchObject(nothing)
      expect(wrong.stderr).toMatch(/the key that was given does not open it/)
    }
    writeFileSync(kept, 'no key')
    await expect(run(path, '--key-file', kept)).rejects.toThrow(/a key is 32 bytes, or/)
  })

  test('opens what is under any key of any keyring, in any table, as while keys are rotated', async () => {
    const { client, path, vectors } = await filled()
    await client.close()
    const ring = join(path, 'KEYRING')
    const keys = join(path, 'collection-1', 'keys.1')
    const expectAll = async () =>
      expect(asVectors((await only(path)).entries)).toStrictEqual(asEntries(vectors))

    // The store has another key now, and the one before is kept.
    const bytes = readFileSync(ring)
    bytes.copy(bytes, 84, 24, 84)
    randomBytes(32).copy(bytes, 36)
    writeFileSync(ring, bytes)
    await expectAll()
    // Another keyring has the name, or will have it.
    bytes.fill(0, 84, 144)
    for (const name of ['KEYRING.old', 'KEYRING.new']) {
      renameSync(ring, join(path, name))
      writeFileSync(ring, bytes)
      await expectAll()
      renameSync(join(path, name), ring)
    }

    // Some keys are in one table, and all in the other.
    const table = readFileSync(keys)
    for (const name of ['keys.1.new', 'keys.1.old']) {
      const other = join(path, 'collection-1', name)
      renameSync(keys, other)
      await expectAll()
      writeFileSync(keys, table.fill(0, 4096 + 32 * 7))
      await expectAll()
      renameSync(other, keys)
    }
    writeFileSync(keys, table)
    expect(await only(path)).toMatchObject({ total: 20, withoutKey: 13, unopened: 0 })
  })

  test('opens all stores and backups that are below a directory', async () => {
    const path = directory()
    const client = opened({ path: join(path, 'a', 'store'), fsync: 'no' })
    const vectors = await fill(client, seeded(7), 'one')
    await client.createBackup(join(path, 'whatever'))
    const second = opened({ path: join(path, 'b'), fsync: 'no' })
    const others = await fill(second, seeded(8), 'two')
    const found = await stolen(path)
    expect(found.map(({ name }) => name)).toStrictEqual(['one', 'two', 'one'])
    for (const [i, expected] of [vectors, others, vectors].entries())
      expect(asVectors(found[i].entries)).toStrictEqual(asEntries(expected))
    // What is below is found by those who look for bytes, and nothing else is.
    const all = [...vectors, ...others].flatMap(traces)
    expect(present(path, all)).toStrictEqual(all)
    expect(present(join(path, 'whatever'), all)).toStrictEqual(vectors.flatMap(traces))
    expect(present(path, [Buffer.from('one'), Buffer.from('three')])).toStrictEqual([Buffer.from('one')])
  })

  test('prints what it opens, and a summary of each collection', async () => {
    const { client, path } = store({ fsync: 'no' })
    await client.createCollection('docs', { dimension: 5 })
    await client.insertVectors('docs', [
      { id: 'first', data: [1, 2, 3, 4, 5], metadata: { page: 7 } },
      { id: 'second', data: [5, 4, 3, 2, 1] },
    ])
    await client.deleteVector('docs', 'second')
    const { stdout, stderr } = await run(path)
    const where = `${join(path, 'collection-1')}, "docs"`
    expect(stdout.trimEnd().split('\n')).toStrictEqual([
      `${where}:`,
      '  "first" (number 1, order 0, live, in log.1)',
      '    metadata {"page":7}',
      expect.stringMatching(/^ {4}inserted at \d{4}-\d\d-\d\dT[\d:.]+Z$/),
      '    row [1, 2, 3, 4, … 5 values]',
      `${where}: 2 entries, 1 opened, 1 without key, 0 not openable`,
    ])
    expect(stderr).toBe('')
  })

  test('opens what has a key although the log says that it is dead, as after an interrupted delete', async () => {
    const { client, path, vectors } = await filled()
    const keys = join(path, 'collection-1', 'keys.1')
    const before = readFileSync(keys)
    await client.deleteByFilter('things', { doomed: true })
    await client.close()
    writeFileSync(keys, before)
    const { entries } = await only(path)
    expect(asVectors(entries)).toStrictEqual(asEntries(vectors))
    expect(asVectors(entries.filter(({ live }) => !live))).toStrictEqual(asEntries(vectors.filter(doomed)))

    // The next opening destroys the keys.
    await expectOnlyTheLiving(opened({ path }), path, DOOMED)
  })

  test('opens what is in logs and collections that are being made, or were left over', async () => {
    const { client, path, random, vectors } = await filled()
    const others = await fill(client, random, 'others')
    await client.close()
    const at = (...names: string[]) => join(path, ...names)
    renameSync(at('collection-1', 'log.1'), at('collection-1', 'log.1.new'))
    renameSync(at('collection-2'), at('collection-2.dropped'))
    const [one, two] = await stolen(path)
    expect(asVectors(one.entries)).toStrictEqual(asEntries(vectors))
    expect(new Set(one.entries.map(({ log }) => log))).toStrictEqual(new Set(['log.1.new']))
    expect(two).toMatchObject({ name: 'others', path: at('collection-2.dropped') })
    expect(asVectors(two.entries)).toStrictEqual(asEntries(others))
  })

  test('reads of damaged and torn files what is whole, and says what it could not read', async () => {
    const { client, path, vectors } = await filled()
    await client.close()
    const log = join(path, 'collection-1', 'log.1')
    const keys = join(path, 'collection-1', 'keys.1')
    const [records, table] = [readFileSync(log), readFileSync(keys)]

    truncateSync(log, records.length - 1)
    const torn = await run(path, '--json')
    expect(torn.stderr).toMatch(/log\.1: at byte \d+: a record is cut off; \d+ bytes were not read/)
    const [{ entries }]: Collection[] = JSON.parse(torn.stdout)
    expect(asVectors(entries)).toStrictEqual(asEntries(vectors.slice(0, 15)))

    // A byte of the first key, one of the outline of the second entry, and one of the values of the last.
    const flipped = (bytes: Uint8Array, at: number) => bytes.with(at, bytes[at] ^ 1)
    const [{ id, metadata }] = vectors
    const outline = 32 + DIMENSION + id.length + JSON.stringify(metadata).length + 16
    const second = 12_288 + 64 + 28 * 5 + outline
    writeFileSync(log, flipped(flipped(records, records.length - 30), second))
    writeFileSync(keys, flipped(table, 4096))
    const damaged = await only(path)
    expect(damaged).toMatchObject({ total: 20, withoutKey: 0, unopened: 3 })
    expect(asVectors(damaged.entries)).toStrictEqual(asEntries(vectors.slice(2, 19)))

    const noise = Buffer.from(Array.from({ length: 20_000 }, (_, i) => (i * 7919) % 251))
    for (const file of [log, keys, join(path, 'KEYRING')]) {
      writeFileSync(file, noise)
      const { stdout, stderr } = await run(path, '--json')
      expect(JSON.parse(stdout)).toMatchObject([{ entries: [] }])
      expect(stderr).toContain(file)
    }
    const backup = await run(log, '--json')
    expect(JSON.parse(backup.stdout)).toStrictEqual([])
    expect(backup.stderr).toContain(log)
  })
})
