// A store in a directory: what is there again when it is opened again.
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import {
  ClientClosedError,
  CollectionExistsError,
  CollectionNotFoundError,
  StorageError,
  ValidationError,
  VectorizerClient,
} from '../..'
import { everything, idsOf, client as opened } from '../support/collections'
import { bytes, directory, files, MODES, present, store } from '../support/disk'
import { packagePath, run } from '../support/processes'
import { clustered, seeded, vector } from '../support/random'
import { rejection } from '../support/rejection'

/** All that can be known of a client's collections, but how much memory they take. */
async function known(client: VectorizerClient) {
  const collections = await everything(client)
  return Promise.all(
    collections.map(async (collection) => {
      const { size_bytes, index, scrub, ...info } = await client.getCollectionInfo(collection.name)
      const query = vector(seeded(collection.dimension), collection.dimension)
      const found = await client.search(collection.name, query, { limit: 20, with_vector: true })
      return { ...collection, info, found, ordered: await idsOf(client, collection.name) }
    }),
  )
}

async function reopened(client: VectorizerClient, path: string) {
  await client.close()
  return opened({ path })
}

const long = `${'ü'.repeat(127)}x`

describe.each(MODES)('with fsync %s', (fsync) => {
  test('everything is there again after close', async () => {
    const { client, path } = store({ fsync })
    await client.createCollection('things', { dimension: 3 })
    await client.createCollection('far', {
      dimension: 2,
      metric: 'euclidean',
      hnsw: { m: 5, ef_construction: 33, ef_search: 44, builder: 'hnsw_rs' },
    })
    await client.createCollection('texts', { dimension: 16, metric: 'dot_product' })
    for (const name of [long, '😀 .. C: "x"', '.hidden', '集合']) {
      await client.createCollection(name, { dimension: 1 })
      await client.insertVectors(name, [{ id: name, data: [1] }])
    }
    await client.createCollection('empty', { dimension: 65_535 })
    await client.insertVectors('things', [
      { id: 'a', data: [1, 2, 3], metadata: { tags: ['x', 1, null], deep: { '': 'é\n' } } },
      { id: 'b', data: [0, 0, 1] },
      { id: '\u0000"😀', data: [1, 0, 0], metadata: {} },
      { id: 'x'.repeat(1024), data: [-0, 1e-45, 3e38] },
      { id: 'gone', data: [5, 5, 5], metadata: { gone: true } },
    ])
    await client.insertVectors('things', [{ id: 'a', data: [3, 2, 1], metadata: { replaced: 1 } }])
    await client.updateVector('things', 'b', { data: [7, 8, 9] })
    await client.updateVector('things', 'x'.repeat(1024), { metadata: { later: true } })
    await client.deleteVector('things', 'gone')
    await client.insertVectors('far', [{ id: 'a', data: [1, 1] }])
    await client.batchDelete('far', ['a'])
    await client.insertTexts('texts', [
      { id: '1', text: 'the first text', metadata: { n: 1 } },
      { id: '2', text: 'another \u0000 "text" 😀' },
    ])
    await client.updateVector('texts', '1', { text: 'another first text' })
    const before = await known(client)

    const again = await reopened(client, path)
    expect(await known(again)).toStrictEqual(before)
    expect(await known(await reopened(again, path))).toStrictEqual(before)
  })

  test.each([
    ['ends in the middle of its work', 'process.exit(0)'],
    ['is killed', "process.kill(process.pid, 'SIGKILL')"],
    ['comes to its end', ''],
  ])('a process that %s without closing loses nothing that was acknowledged', async (_, end) => {
    const path = join(directory(), 'store')
    const script = `
      const { VectorizerClient } = require(${JSON.stringify(packagePath)})
      const client = new VectorizerClient(${JSON.stringify({ path, fsync })})
      ;(async () => {
        await client.createCollection('dropped', { dimension: 2 })
        await client.createCollection('things', { dimension: 2 })
        await client.insertVectors('things', ['a', 'b', 'c', 'd', 'e'].map((id) => ({ id, data: [1, 2] })))
        await client.deleteCollection('dropped')
        await client.updateVector('things', 'a', { data: [3, 4], metadata: { updated: true } })
        await client.insertVectors('things', [{ id: 'b', data: [5, 6] }])
        await client.deleteVector('things', 'c')
        await client.batchDelete('things', ['d'])
        await client.insertTexts('things', [{ id: 'text', text: 'hello' }])
        ${end}
      })()
    `
    const { stderr } = await run(script)
    expect(stderr).toBe('')

    const client = opened({ path })
    expect((await client.listCollections()).map(({ name }) => name)).toStrictEqual(['things'])
    const { vectors } = await client.listVectors('things')
    expect(vectors.map(({ data, ...rest }) => ({ ...rest, data: rest.text ? [] : [...data] }))).toStrictEqual(
      [
        { id: 'a', data: [3, 4], metadata: { updated: true } },
        { id: 'b', data: [5, 6] },
        { id: 'e', data: [1, 2] },
        { id: 'text', data: [], text: 'hello' },
      ],
    )
  })
})

test('the index of many vectors is there as soon as the store is open again', async () => {
  const { client, path } = store()
  const rows = clustered(seeded(1), 1500, 16, 10)
  const ids = rows.map((_, i) => `${i}`)
  await client.createCollection('things', { dimension: 16 })
  await client.insertVectors(
    'things',
    rows.map((data, i) => ({ id: ids[i], data })),
  )
  await client.optimize('things')
  const searches = (one: VectorizerClient) =>
    Promise.all(rows.slice(0, 20).map((row) => one.search('things', row, { limit: 10 })))
  const before = await searches(client)

  const again = await reopened(client, path)
  expect((await again.getCollectionInfo('things')).index).toMatchObject({ indexed: 1500, pending: 0 })
  expect(await searches(again)).toStrictEqual(before)

  // A graph that is older than the last deletes and inserts is still of use.
  await again.batchDelete('things', ids.slice(0, 100))
  await again.insertVectors('things', [{ id: 'new', data: rows[0] }])
  const third = await reopened(again, path)
  expect((await third.getCollectionInfo('things')).index.indexed).toBeGreaterThanOrEqual(1400)
  const [nearest, ...others] = await third.search('things', rows[0], { limit: 1401 })
  expect(nearest.id).toBe('new')
  expect(others.map(({ id }) => id).sort()).toStrictEqual(ids.slice(100).sort())
})

test('a deleted collection leaves nothing in the directory, and its name can be used again', async () => {
  const { client, path } = store()
  const row = vector(seeded(2), 8)
  const traces = [Buffer.from('an id of its own'), Buffer.from('a secret'), bytes(row), Buffer.from('things')]
  await client.createCollection('things', { dimension: 8 })
  await client.insertVectors('things', [{ id: 'an id of its own', data: row, metadata: { s: 'a secret' } }])
  expect(present(path, traces)).toStrictEqual(traces)

  await client.deleteCollection('things')
  expect(present(path, traces)).toStrictEqual([])
  expect(readdirSync(path).sort()).toStrictEqual(['KEYRING', 'LOCK', 'RESERVE', 'STORE'])
  await client.createCollection('things', { dimension: 2, metric: 'euclidean' })

  const again = await reopened(client, path)
  expect(await again.getCollectionInfo('things')).toMatchObject({
    dimension: 2,
    similarity_metric: 'euclidean',
    vector_count: 0,
  })
  await again.deleteCollection('things')
  const third = await reopened(again, path)
  expect(await third.listCollections()).toStrictEqual([])
  await expect(third.count('things')).rejects.toBeInstanceOf(CollectionNotFoundError)
})

test('a name that exists is refused, also by many at once', async () => {
  const { client } = store()
  const names = Array.from({ length: 8 }, () => client.createCollection('things', { dimension: 2 }))
  const outcomes = await Promise.allSettled(names)
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  for (const outcome of outcomes)
    if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(CollectionExistsError)
})

test('disk_bytes is the size of the files, and absent in memory', async () => {
  const { client, path } = store()
  await client.createCollection('things', { dimension: 2 })
  const named = () => files(join(path, 'collection-1'))
  const size = async () => {
    const { disk_bytes } = await client.getCollectionInfo('things')
    expect(disk_bytes).toBe(named().reduce((sum, file) => sum + statSync(file).size, 0))
    return disk_bytes as number
  }
  const empty = await size()
  await client.insertVectors('things', [{ id: 'a', data: [1, 2], metadata: { pad: 'x'.repeat(10_000) } }])
  expect((await size()) - empty).toBeGreaterThan(10_000)
  expect((await size()) - empty).toBeLessThan(10_500)
  expect(present(path, [Buffer.alloc(10_000, 'x')])).toHaveLength(1)
  expect(
    named()
      .map((file) => basename(file))
      .sort(),
  ).toStrictEqual(['keys.1', 'log.1'])

  const memory = opened()
  await memory.createCollection('things', { dimension: 2 })
  expect(await memory.getCollectionInfo('things')).not.toHaveProperty('disk_bytes')
})

describe('damage in a log', () => {
  const IDS = ['a', 'b', 'c']
  /** The sizes of what the log ends with: first the outlines of the three vectors, then their values. */
  const [OUTLINE, VALUES] = [32 + 4 + 1 + 8 + 16, 4 * 4 + 4 + 16]

  /** A closed store with three vectors. */
  async function closed() {
    const { client, path } = store()
    await client.createCollection('things', { dimension: 4 })
    const rows = IDS.map((id, i) => ({ id, data: [1, i, 2, 3], metadata: { of: i }, text: 'text' }))
    await client.insertVectors('things', rows)
    const { vectors } = await client.listVectors('things')
    await client.close()
    const log = join(path, 'collection-1', 'log.1')
    const whole = readFileSync(log)
    /** Changes a bit, so many bytes before the end. */
    const flip = (back: number) => {
      const bytes = Buffer.from(whole)
      bytes[bytes.length - back] ^= 4
      writeFileSync(log, bytes)
      return bytes
    }
    return { path, log, flip, vectors }
  }

  async function refused(call: Promise<unknown>, log: string) {
    const error = await rejection(call)
    expect(error).toBeInstanceOf(StorageError)
    expect(error.message).toContain(log)
    expect(error.message).toContain('damaged')
  }

  test('in the outline of a vector is noticed by the opening, which changes nothing', async () => {
    const { path, log, flip } = await closed()
    for (const i of IDS.keys()) {
      // The terms of the code, the code, the id, the metadata, the tag.
      for (const at of [0, 16, 20, 21, 29, OUTLINE - 1]) {
        const bytes = flip(3 * VALUES + (3 - i) * OUTLINE - at)
        const client = opened({ path })
        await refused(client.ready(), log)
        await client.close()
        expect(readFileSync(log)).toStrictEqual(bytes)
      }
    }
  })

  test('in the values of a vector is noticed by the calls that read them, and by no other', async () => {
    const { path, log, flip, vectors } = await closed()
    for (const [i, id] of IDS.entries()) {
      // The row, the text, the tag.
      for (const at of [0, 15, 16, 19, 20, VALUES - 1]) {
        flip((3 - i) * VALUES - at)
        const client = opened({ path })
        await client.ready()
        expect(await client.count('things')).toBe(3)
        expect(await client.count('things', { of: i })).toBe(1)
        for (const vector of vectors) {
          const got = client.getVector('things', vector.id)
          if (vector.id === id) await refused(got, log)
          else expect(await got).toStrictEqual(vector)
        }
        await refused(client.search('things', [1, 1, 2, 3]), log)
        await refused(client.listVectors('things'), log)
        const shown = { dryRun: true, rows: 1 }
        await refused(client.deleteByFilter('things', { of: i }, shown), log)
        const whole = await client.deleteByFilter('things', { of: { $ne: i } }, shown)
        const [first] = vectors.filter((vector) => vector.id !== id)
        expect(whole.rows).toStrictEqual([{ id: first.id, metadata: first.metadata, text: 'text' }])
        expect((await client.deleteByFilter('things', { of: i }, { dryRun: true })).matched).toBe(1)
        const { residues } = await client.verifyErased('things', [])
        const reason = expect.stringMatching(/does not open/)
        expect(residues).toStrictEqual([expect.objectContaining({ id: null, file: log, reason })])
        await client.close()
      }
    }

    // A vector that cannot be read can be deleted, and everything else is as it was.
    flip(1)
    const client = opened({ path })
    await client.deleteVector('things', 'c')
    expect((await client.listVectors('things')).vectors).toStrictEqual(vectors.slice(0, 2))
    expect(await client.verifyErased('things', ['c'])).toStrictEqual({ verified: true, residues: [] })
    await client.close()
    expect(await idsOf(opened({ path }))).toStrictEqual(['a', 'b'])
  })

  test('in the values of a vector is found without being asked for, and named', async () => {
    const { path, flip } = await closed()
    flip(VALUES + 1)
    const client = opened({ path })
    const scrubbed = async () => (await client.getCollectionInfo('things')).scrub
    while ((await scrubbed())?.finished_at === undefined) await sleep(20)
    const finished_at = expect.stringMatching(/^\d{4}-.*Z$/)
    expect(await scrubbed()).toStrictEqual({ finished_at, damaged: 1, damaged_ids: ['b'] })
    await client.deleteVector('things', 'b')
    expect(await scrubbed()).toStrictEqual({ finished_at, damaged: 0, damaged_ids: [] })

    const memory = opened()
    await memory.createCollection('things', { dimension: 2 })
    expect(await memory.getCollectionInfo('things')).not.toHaveProperty('scrub')
  })
})

describe('what cannot be opened rejects ready and the first call, never the constructor', () => {
  const wrong: [string, (path: string) => object, new (...args: never[]) => Error, RegExp][] = [
    ['a path that is a file', (path) => ({ path: join(path, 'file') }), StorageError, /file is a file/],
    ['a path below a file', (path) => ({ path: join(path, 'file', 'x') }), StorageError, /file/],
    [
      'a directory that holds something else',
      (path) => ({ path }),
      StorageError,
      /is no store: it holds file/,
    ],
    ['an empty path', () => ({ path: '' }), ValidationError, /options\.path is empty/],
    ['a path of a wrong type', () => ({ path: 5 }), ValidationError, /options\.path/],
    ['a path with a zero byte', (path) => ({ path: `${path}\0` }), StorageError, /cannot create/],
    [
      'a wrong fsync',
      (path) => ({ path: `${path}/new`, fsync: 'never' }),
      ValidationError,
      /options\.fsync.*never/,
    ],
    [
      'fsync of a wrong type',
      (path) => ({ path: `${path}/new`, fsync: true }),
      ValidationError,
      /options\.fsync/,
    ],
    ['fsync without a path', () => ({ fsync: 'always' }), ValidationError, /options\.fsync.*path/],
    [
      'path with shared',
      (path) => ({ path: `${path}/new`, shared: 'x' }),
      ValidationError,
      /options\.shared/,
    ],
  ]
  test.each(wrong)('%s', async (_, options, Class, message) => {
    const path = directory()
    writeFileSync(join(path, 'file'), 'not ours')
    for (const call of ['ready', 'listCollections'] as const) {
      const client = opened(options(path))
      const error = await rejection(client[call]())
      expect(error).toBeInstanceOf(Class)
      expect(error.message).toMatch(message)
      await expect(client.count('things')).rejects.toThrow(message)
      await client.close()
    }
    // Whoever else uses the directory finds nothing new in it.
    expect(readdirSync(path)).toStrictEqual(['file'])
  })

  test('a marker of another version, and one that is no marker', async () => {
    const path = directory()
    for (const [text, message] of [
      ['vectorizer-native store, format version 2\n', /version 2,/],
      ['vectorizer-native store, format version 99\n', /version 99,/],
      ['something', /STORE is damaged/],
    ] as const) {
      writeFileSync(join(path, 'STORE'), text)
      const error = await rejection(opened({ path }).ready())
      expect(error).toBeInstanceOf(StorageError)
      expect(error.message).toMatch(message)
    }
  })

  const unprivileged = process.getuid?.() === 0 ? test.skip : test
  unprivileged('a directory that cannot be written', async () => {
    const path = join(directory(), 'fixed')
    mkdirSync(path, { mode: 0o555 })
    const error = await rejection(opened({ path }).ready())
    expect(error).toBeInstanceOf(StorageError)
    expect(error.message).toMatch(/let this process read and write/)
  })
})

test.each([
  ['lost+found', mkdirSync],
  ['System Volume Information', mkdirSync],
  ['$RECYCLE.BIN', mkdirSync],
  ['.Trashes', mkdirSync],
  ['.DS_Store', (path: string) => writeFileSync(path, 'x')],
  ['Thumbs.db', (path: string) => writeFileSync(path, 'x')],
  ['desktop.ini', (path: string) => writeFileSync(path, 'x')],
])('a volume that holds nothing but %s is empty', async (name, make) => {
  for (const restores of [false, true]) {
    const path = directory()
    make(join(path, name))
    if (restores) {
      const { client } = store()
      const { file } = await client.createBackup(directory())
      await VectorizerClient.restoreBackup(file, path)
    }
    const client = opened({ path })
    await client.createCollection('things', { dimension: 2 })
    await client.close()
    expect(readdirSync(path)).toContain(name)
  }
})

/** Runs a script that may have few files open, and says what `left` it. */
const withFewFiles = (script: string) =>
  promisify(execFile)('sh', [
    '-c',
    'ulimit -n 200 && exec "$0" -e "$1"',
    process.execPath,
    `const fs = require('node:fs')
    const { VectorizerClient } = require(${JSON.stringify(packagePath)})
    /** Opens files until so many more can be opened. */
    const fill = (leave) => {
      const open = []
      try {
        for (;;) open.push(fs.openSync('/dev/null'))
      } catch {}
      for (let i = 0; i < leave; i++) fs.closeSync(open.pop())
      return () => open.forEach((file) => fs.closeSync(file))
    }
    const outcome = (promise) => promise.then(() => 'done', (error) => error.code + ' ' + error.message)
    ;(async () => { ${script} })()`,
  ])

const onUnix = process.platform === 'win32' ? test.skip : test

onUnix('a call for which there is no free file descriptor is refused alone', async () => {
  const { client, path } = store()
  await client.createCollection('things', { dimension: 1 })
  await client.insertVectors(
    'things',
    ['a', 'b', 'c'].map((id) => ({ id, data: [1] })),
  )
  await client.close()
  const backups = directory()
  const { stdout } = await withFewFiles(`
    const client = new VectorizerClient({ path: ${JSON.stringify(path)} })
    await client.ready()
    const outcomes = []
    for (let left = 0; left < 6; left++) {
      const backup = ${JSON.stringify(backups)} + '/' + left
      let free = fill(left)
      const made = await outcome(client.createBackup(backup))
      free()
      outcomes.push([made, fs.existsSync(backup)])
      free = fill(left)
      const created = await outcome(client.createCollection('new' + left, { dimension: 1 }))
      free()
      outcomes.push([created, await outcome(client.count('new' + left)).then((text) => text === 'done')])
      outcomes.push([await outcome(client.insertVectors('things', [{ id: 'new' + left, data: [1] }])), true])
    }
    outcomes.push([await outcome(client.deleteVector('things', 'a')), true])
    await client.close()
    console.log(JSON.stringify(outcomes))
  `)
  const outcomes: [string, boolean][] = JSON.parse(stdout)
  for (const [outcome, there] of outcomes) expect(outcome).toMatch(there ? /^done$/ : /^STORAGE_ERROR /)
  expect(
    outcomes.filter(([outcome]) => /os error 24\).*let this process open more/.test(outcome)),
  ).not.toHaveLength(0)
  const names = outcomes.flatMap(([, there], at) =>
    at % 3 === 0 && there && at < 18 ? [String(at / 3)] : [],
  )
  expect(readdirSync(backups).sort()).toStrictEqual(names)
  const again = opened({ path })
  expect(await again.count('things')).toBe(8)
  const made = outcomes.filter(([, there], at) => at % 3 === 1 && there)
  expect(await again.listCollections()).toHaveLength(1 + made.length)
})

onUnix('a store may have more collections than the process may have files open', async () => {
  const path = join(directory(), 'store')
  const { stdout } = await withFewFiles(`
    const client = new VectorizerClient({ path: ${JSON.stringify(path)} })
    const names = Array.from({ length: 300 }, (_, i) => 'c' + i)
    for (const name of names) {
      await client.createCollection(name, { dimension: 1 })
      await client.insertVectors(name, [{ id: 'a', data: [1] }, { id: 'b', data: [1] }])
    }
    for (const name of names) await client.deleteVector(name, 'a')
    await client.deleteCollection('c0')
    await client.close()
    console.log('done')
  `)
  expect(stdout).toBe('done\n')
  const again = opened({ path })
  for (let i = 1; i < 300; i += 50) expect(await idsOf(again, `c${i}`)).toStrictEqual(['b'])
  expect(await again.listCollections()).toHaveLength(299)
})

test('an empty directory, missing ones above it, and a relative path are fine', async () => {
  const path = directory()
  for (const given of [path, join(path, 'a', 'b', 'ü')]) {
    const client = opened({ path: given })
    await client.createCollection('things', { dimension: 2 })
    await client.close()
    const again = opened({ path: relative(process.cwd(), given) })
    expect((await again.listCollections()).map(({ name }) => name)).toStrictEqual(['things'])
  }
})

test('calls may be made before the store is open', async () => {
  const { client } = store()
  const creating = ['a', 'b', 'c'].map((name) => client.createCollection(name, { dimension: 2 }))
  const ready = client.ready()
  expect(await ready).toBeUndefined()
  expect((await Promise.all(creating)).map(({ name }) => name)).toStrictEqual(['a', 'b', 'c'])
})

test('calls made before the store is open are settled by close like any others', async () => {
  const { client, path } = store()
  const creating = client.createCollection('things', { dimension: 2 })
  const closing = client.close()
  expect((await creating).name).toBe('things')
  expect(await closing).toBeUndefined()
  expect(await opened({ path }).count('things')).toBe(0)
})

test('close settles what is under way, can be repeated, and ends the client', async () => {
  const { client, path } = store()
  await client.createCollection('things', { dimension: 2 })
  const rows = Array.from({ length: 50 }, (_, i) => ({ id: `${i}`, data: [1, i] }))
  const inserting = rows.map((row) => client.insertVectors('things', [row]))
  const closing = [client.close(), client.close()]
  expect(await Promise.all(inserting)).toHaveLength(50)
  expect(await Promise.all(closing)).toStrictEqual([undefined, undefined])
  expect(await client.close()).toBeUndefined()
  for (const call of [() => client.ready(), () => client.count('things'), () => client.flush()])
    await expect(call()).rejects.toBeInstanceOf(ClientClosedError)

  expect(await idsOf(opened({ path }))).toHaveLength(50)
})

test('a client that is closed before its store is open leaves it closed', async () => {
  const path = join(directory(), 'store')
  for (let i = 0; i < 20; i++) {
    const client = opened({ path })
    await client.close()
    await expect(client.ready()).rejects.toBeInstanceOf(ClientClosedError)
  }
  const failing = opened({ path: __filename })
  expect(await failing.close()).toBeUndefined()
  await opened({ path }).ready()
})

test('a client on disk is disposed of as "await using" does it', async () => {
  const { client, path } = store()
  await client.createCollection('things', { dimension: 2 })
  const dispose = Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')
  expect(await (client as unknown as Record<symbol, () => Promise<void>>)[dispose]()).toBeUndefined()
  await expect(client.ready()).rejects.toBeInstanceOf(ClientClosedError)
  expect(await opened({ path }).count('things')).toBe(0)
})

test.each(MODES)('flush resolves after any number of writes with fsync %s, and in memory', async (fsync) => {
  const { client } = store({ fsync })
  expect(await client.flush()).toBeUndefined()
  await client.createCollection('things', { dimension: 2 })
  const writing = Array.from({ length: 20 }, (_, i) => client.insertVectors('things', [{ data: [1, i] }]))
  const flushing = Array.from({ length: 5 }, () => client.flush())
  expect(await Promise.all(flushing)).toStrictEqual(Array(5).fill(undefined))
  await Promise.all(writing)
  await client.flush()
  expect(await opened().flush()).toBeUndefined()
})

test('opening and closing leaves no file behind that was not there', async () => {
  const { client, path } = store()
  await client.createCollection('things', { dimension: 2 })
  const again = await reopened(client, path)
  await again.ready()
  await again.close()
  const names = files(path).map((file) => relative(path, file))
  expect(names.sort()).toStrictEqual([
    'KEYRING',
    'LOCK',
    'STORE',
    join('collection-1', 'keys.1'),
    join('collection-1', 'log.1'),
  ])
  expect(existsSync(join(path, 'STORE.new'))).toBe(false)
})
