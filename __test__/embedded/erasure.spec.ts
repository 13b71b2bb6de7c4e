// Deleted means deleted: the files of a store, read from outside at the moment when a call's
// promise resolves.
import { closeSync, openSync, readFileSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { CollectionNotFoundError, ValidationError, type Vector, type VectorizerClient } from '../..'
import { holding, idsOf, client as opened } from '../support/collections'
import {
  bytes,
  directory,
  files,
  MODES,
  pieces,
  plain,
  present,
  secret,
  store,
  taken,
  traces,
} from '../support/disk'
import { type Random, seeded, vector } from '../support/random'
import { untyped } from '../support/untyped'

const DIMENSION = 16

/** A vector of which every part is unlike that of any other. */
function unique(random: Random, metadata: Record<string, unknown> = {}): Vector {
  return {
    id: secret(random),
    data: vector(random, DIMENSION),
    metadata: { secret: secret(random), ...metadata },
  }
}

/** A store whose collection `things` holds 20 vectors, the last 5 of which have texts. */
async function unlike(fsync: (typeof MODES)[number]) {
  const { client, path } = store({ fsync })
  const random = seeded(7)
  await client.createCollection('things', { dimension: DIMENSION })
  for (let i = 0; i < 3; i++) {
    const rows = Array.from({ length: 5 }, (_, n) => unique(random, { doomed: n % 2 === 0 }))
    await client.insertVectors('things', rows)
  }
  const texts = Array.from({ length: 5 }, (_, n) => ({
    id: secret(random),
    text: secret(random),
    metadata: { secret: secret(random), doomed: n % 2 === 0 },
  }))
  await client.insertTexts('things', texts)
  const { vectors } = await client.listVectors('things', 0, 100)
  return { client, path, random, vectors }
}

const doomed = ({ metadata }: Vector) => metadata?.doomed === true

describe.each(MODES)('with fsync %s', (fsync) => {
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
  test.each(Object.keys(deletes))('%s leaves no byte of what it deletes', async (name) => {
    const { client, path, vectors } = await unlike(fsync)
    const gone = vectors.filter(doomed).flatMap(traces)
    const kept = vectors.filter((one) => !doomed(one)).flatMap(traces)
    expect(present(path, gone)).toStrictEqual(gone)

    await deletes[name](
      client,
      vectors.filter(doomed).map(({ id }) => id),
    )
    expect(present(path, gone.flatMap(pieces))).toStrictEqual([])
    expect(present(path, kept)).toStrictEqual(kept)

    await client.close()
    expect(present(path, gone.flatMap(pieces))).toStrictEqual([])
    expect(await opened({ path }).count('things')).toBe(8)
  })

  const replaces: Record<
    string,
    [(client: VectorizerClient, id: string, by: Vector) => Promise<unknown>, ('data' | 'metadata' | 'text')[]]
  > = {
    'an update of the numbers': [
      (client, id, { data }) => client.updateVector('things', id, { data }),
      ['data'],
    ],
    'an update of the metadata': [
      (client, id, { metadata }) => client.updateVector('things', id, { metadata }),
      ['metadata'],
    ],
    'an update of the text': [
      (client, id) => client.updateVector('things', id, { text: 'another' }),
      ['text', 'data'],
    ],
    'an update of everything': [
      (client, id, { data, metadata }) =>
        client.updateVector('things', id, { data, metadata, text: 'another' }),
      ['data', 'metadata', 'text'],
    ],
    'an insert under the same id': [
      (client, id, by) => client.insertVectors('things', [{ ...by, id }]),
      ['data', 'metadata', 'text'],
    ],
    'a text under the same id': [
      (client, id) => client.insertTexts('things', [{ id, text: 'another' }]),
      ['data', 'metadata', 'text'],
    ],
  }
  test.each(Object.keys(replaces))('%s leaves no byte of what it replaces', async (name) => {
    const { client, path, random, vectors } = await unlike(fsync)
    const [replace, parts] = replaces[name]
    const old = vectors[17]
    const all = {
      data: bytes(old.data),
      metadata: Buffer.from(old.metadata?.secret as string),
      text: Buffer.from(old.text as string),
    }
    const gone = parts.map((part) => all[part])
    const others = vectors.filter((one) => one !== old).flatMap(traces)
    const kept = [
      ...others,
      Buffer.from(old.id),
      ...Object.entries(all).flatMap(([part, value]) => (parts.includes(part as 'data') ? [] : [value])),
    ]
    expect(present(path, [...gone, ...kept])).toStrictEqual([...gone, ...kept])

    await replace(client, old.id, unique(random))
    expect(present(path, gone.flatMap(pieces))).toStrictEqual([])
    expect(present(path, kept)).toStrictEqual(kept)
  })

  test.each(['a rewrite of the log', 'a backup'])('deletes leave no byte while %s is made', async (what) => {
    const { client, path } = store({ fsync })
    const random = seeded(11)
    const backups = directory()
    await client.createCollection('things', { dimension: DIMENSION })
    const pad = 'x'.repeat(4000)
    let expected = new Set<string>()
    for (let round = 0; round < 3; round++) {
      await client.deleteByFilter('things', { round: { $exists: true } })
      const rows = Array.from({ length: 800 }, () => unique(random, { round, pad }))
      await client.insertVectors('things', rows)
      expected = new Set(rows.map(({ id }) => id))
      let busy = true
      const working = what === 'a backup' ? client.createBackup(backups) : client.optimize('things')
      const ended = working.finally(() => {
        busy = false
      })
      const deleted: Vector[] = []
      const looks: { copy: string; gone: Buffer[] }[] = []
      // Some of the first, which are copied first, and some of the last.
      for (let i = 0; i < 20 && (busy || i < 4); i++) {
        const gone = i % 2 === 0 ? rows[i] : rows[rows.length - i]
        await client.deleteVector('things', gone.id)
        expected.delete(gone.id)
        deleted.push(gone)
        // To look takes longer than the work that is to be looked at.
        if (i < 3 || i % 4 === 0) looks.push({ copy: taken(path), gone: deleted.flatMap(traces) })
      }
      await ended
      for (const { copy, gone } of looks) expect(present(copy, gone)).toStrictEqual([])
      const gone = rows.filter(({ id }) => !expected.has(id)).flatMap(traces)
      expect(present(path, gone)).toStrictEqual([])
      const kept = [...rows.slice(20, 25), ...rows.slice(400, 405)].flatMap(traces)
      expect(present(path, kept)).toStrictEqual(kept)
    }
    expect(await client.verifyErased('things', [])).toStrictEqual({ verified: true, residues: [] })
    expect(new Set(await idsOf(client))).toStrictEqual(expected)
    await client.close()
    expect(new Set(await idsOf(opened({ path })))).toStrictEqual(expected)
  })
})

describe('space', () => {
  /** The bytes of a store's files, but for the room that it keeps for deletes. */
  const size = (path: string) =>
    files(path)
      .filter((file) => !file.endsWith('RESERVE'))
      .reduce((sum, file) => sum + statSync(file).size, 0)

  test('when nine of ten are deleted, optimize makes the store as small as one of what is left', async () => {
    const rows = Array.from({ length: 2000 }, (_, i) => ({
      id: `${i}`,
      data: vector(seeded(i), 32),
      metadata: { keep: i % 10 === 0, i, name: 'something about this vector' },
    }))
    const { client, path } = store()
    await client.createCollection('things', { dimension: 32 })
    await client.insertVectors('things', rows)
    await client.optimize('things')
    const full = size(path)
    await client.deleteByFilter('things', { keep: false })
    await client.optimize('things')

    const fresh = store()
    await fresh.client.createCollection('things', { dimension: 32 })
    await fresh.client.insertVectors(
      'things',
      rows.filter(({ metadata }) => metadata.keep),
    )
    expect(size(path)).toBeLessThanOrEqual(1.3 * size(fresh.path))
    expect(size(path)).toBeLessThan(0.3 * full)
    expect((await client.getCollectionInfo('things')).disk_bytes).toBeLessThanOrEqual(size(path))
    expect(await client.count('things')).toBe(200)
  })

  test('deleting and inserting over and over does not fill the disk', async () => {
    const { client } = store({ fsync: 'no' })
    await client.createCollection('things', { dimension: 4 })
    const ids = Array.from({ length: 100 }, (_, i) => `${i}`)
    const data = new Float32Array(400).fill(1)
    const metadata = ids.map((i) => ({ i, pad: 'x'.repeat(5000) }))
    for (let round = 0; round < 60; round++) {
      await client.insertVectors('things', { ids, data, metadata })
      await client.batchDelete('things', round % 2 === 0 ? ids : ids.slice(50))
    }
    // 30 MB were written. Nobody asks for it: the background gives the space back.
    const small = async () => ((await client.getCollectionInfo('things')).disk_bytes as number) < 8_000_000
    while (!(await small())) await new Promise((resolve) => setTimeout(resolve, 20))
    await client.optimize('things')
    expect((await client.getCollectionInfo('things')).disk_bytes).toBeLessThan(400_000)
  })

  test('a delete is numbered on and a collection is as old after its log was rewritten', async () => {
    const { client, path } = store()
    await client.createCollection('things', { dimension: 2 })
    for (let i = 0; i < 5; i++)
      await client.insertVectors('things', [
        { id: `${i}`, data: [1, i], metadata: { pad: 'x'.repeat(20_000) } },
      ])
    const { receipt } = await client.deleteByFilter('things', { pad: { $exists: true } }, { receipt: true })
    const before = await client.getCollectionInfo('things')
    await client.optimize('things')
    expect((await client.getCollectionInfo('things')).disk_bytes).toBeLessThan(20_000)
    await client.close()

    const again = opened({ path })
    const { created_at, updated_at } = await again.getCollectionInfo('things')
    expect({ created_at, updated_at }).toStrictEqual({
      created_at: before.created_at,
      updated_at: before.updated_at,
    })
    const none = await again.batchDelete('things', [], { receipt: true })
    expect(none.receipt?.logSequence).toBe(receipt?.logSequence)
  })
})

describe('verifyErased', () => {
  /** Where the values of an entry are in a log whose records do not remove any. */
  function valuesOf(log: Buffer, keyIndex: number) {
    let [record, left] = [12_288, keyIndex]
    for (;;) {
      const heads = Array.from({ length: log.readUInt32LE(record + 8) }, (_, i) => {
        const head = record + 64 + 28 * i
        // What is not there counts as 0.
        const [id, metadata, text] = [16, 20, 24].map((at) => log.readUInt32LE(head + at) % 0xffffffff)
        return { outline: 32 + DIMENSION + id + metadata + 16, length: 4 * DIMENSION + text + 16 }
      })
      // The outlines of all entries come first.
      let offset = heads.reduce((sum, { outline }) => sum + outline, record + 64 + 28 * heads.length)
      for (const { length } of heads) {
        if (left-- === 0) return { offset, length }
        offset += length
      }
      record = offset
    }
  }

  const KEY_INDEX = 6
  const KEY = 32
  /** A store of which one vector is deleted, where its values are, and its key before that. */
  async function erased() {
    const { client, path, vectors } = await unlike('everysec')
    const [log, keys] = ['log.1', 'keys.1'].map((name) => join(path, 'collection-1', name))
    const keyOf = (keyIndex: number) =>
      readFileSync(keys)
        .subarray(4096 + KEY * keyIndex)
        .subarray(0, KEY)
    const records = readFileSync(log)
    const { offset, length } = valuesOf(records, KEY_INDEX)
    const gone = vectors[KEY_INDEX]
    expect(length).toBe(4 * DIMENSION + 16)
    const key = keyOf(KEY_INDEX)
    await client.deleteVector('things', gone.id)
    expect(keyOf(KEY_INDEX)).toStrictEqual(Buffer.alloc(KEY))
    // What was written stays, and what is appended is the record of the delete.
    expect(readFileSync(log).subarray(0, records.length)).toStrictEqual(records)
    const restore = (bytes: Buffer, at = 0, keyIndex = KEY_INDEX) => {
      const file = openSync(keys, 'r+')
      writeSync(file, bytes, 0, bytes.length, 4096 + KEY * keyIndex + at)
      closeSync(file)
    }
    return { client, path, log, gone, vectors, offset, length, key, keyOf, records, restore }
  }

  test('is true for what was deleted, replaced, or never there', async () => {
    const { client, gone, vectors } = await erased()
    await client.updateVector('things', vectors[0].id, { metadata: { secret: 'new' } })
    await client.insertVectors('things', [{ ...vectors[1], metadata: {} }])
    expect(await client.verifyErased('things', [gone.id, 'never there', ''])).toStrictEqual({
      verified: true,
      residues: [],
    })
    expect(await client.verifyErased('things', [])).toStrictEqual({ verified: true, residues: [] })
  })

  test('names the ids that are stored', async () => {
    const { client, gone, vectors } = await erased()
    const report = await client.verifyErased('things', [vectors[0].id, gone.id, vectors[19].id])
    expect(report.verified).toBe(false)
    const residue = { file: null, offset: 0, length: 0, reason: expect.stringMatching(/has a vector/) }
    expect(report.residues).toHaveLength(2)
    expect(report.residues).toContainEqual({ ...residue, id: vectors[0].id })
    expect(report.residues).toContainEqual({ ...residue, id: vectors[19].id })
  })

  test('finds the erased key again when it is put back', async () => {
    const { client, path, log, gone, offset, length, key, restore } = await erased()
    expect(present(path, traces(gone).flatMap(pieces))).toStrictEqual([])
    restore(key)
    // With it, everything can be read again.
    expect(present(path, traces(gone))).toStrictEqual(traces(gone))
    expect(plain(path, traces(gone))).toStrictEqual([])
    const residue = { id: gone.id, file: log, offset, length, reason: 'the key of a deleted vector' }
    // Also when nobody asks for this id.
    for (const ids of [[gone.id], []])
      expect(await client.verifyErased('things', ids)).toStrictEqual({ verified: false, residues: [residue] })

    // The next opening erases it again.
    await client.close()
    const again = opened({ path })
    expect(await again.verifyErased('things', [gone.id])).toStrictEqual({ verified: true, residues: [] })
    expect(present(path, traces(gone).flatMap(pieces))).toStrictEqual([])
    expect(await again.count('things')).toBe(19)
  })

  test.each([
    ['the first byte of a key', 0, 1],
    ['a byte of it', 13, 14],
    ['the last byte', KEY - 1, KEY],
    ['half of it', 0, KEY / 2],
  ])('finds %s', async (_, from, to) => {
    const { client, log, gone, offset, length, key, restore } = await erased()
    // A byte that was zero is so still.
    restore(key.subarray(from, to).map((byte) => byte || 1) as Buffer, from)
    const reason = 'the key of a deleted vector'
    expect(await client.verifyErased('things', [gone.id])).toStrictEqual({
      verified: false,
      residues: [{ id: null, file: log, offset, length, reason }],
    })
  })

  test('finds a vector that its key does not open', async () => {
    const { client, log, vectors, keyOf, records, restore } = await erased()
    const keyIndex = KEY_INDEX + 1
    restore(keyOf(keyIndex).map((byte) => ~byte) as Buffer, 0, keyIndex)
    const residue = {
      id: null,
      file: log,
      ...valuesOf(records, keyIndex),
      reason: expect.stringMatching(/does not open/),
    }
    expect(await client.verifyErased('things', [vectors[keyIndex].id])).toStrictEqual({
      verified: false,
      residues: [expect.objectContaining({ id: vectors[keyIndex].id, file: null }), residue],
    })
  })

  test('can be asked at any time, also while the log is rewritten', async () => {
    const { client } = store({ fsync: 'no' })
    await client.createCollection('things', { dimension: 4 })
    const ids = Array.from({ length: 900 }, (_, i) => `${i}`)
    const data = new Float32Array(3600).fill(1)
    const metadata = ids.map((i) => ({ i, pad: 'x'.repeat(3000) }))
    for (let round = 0; round < 6; round++) {
      await client.insertVectors('things', { ids, data, metadata })
      await client.batchDelete('things', ids.slice(0, 300))
      let busy = true
      const optimizing = client.optimize('things').finally(() => {
        busy = false
      })
      while (busy) {
        expect(await client.verifyErased('things', ids.slice(0, 300))).toStrictEqual({
          verified: true,
          residues: [],
        })
      }
      await optimizing
    }
  })

  test('in memory is true for what was deleted, and names the ids that are stored', async () => {
    const client = await holding('a', 'b', 'c')
    await client.deleteVector('things', 'a')
    await client.updateVector('things', 'b', { data: [5, 5], metadata: {} })
    expect(await client.verifyErased('things', ['a'])).toStrictEqual({ verified: true, residues: [] })
    expect(await client.verifyErased('things', ['a', 'b'])).toStrictEqual({
      verified: false,
      residues: [{ id: 'b', file: null, offset: 0, length: 0, reason: expect.any(String) }],
    })
  })

  test('of a collection that is not there, or of what are no ids, rejects', async () => {
    const client = await holding('a')
    await expect(client.verifyErased('nowhere', [])).rejects.toBeInstanceOf(CollectionNotFoundError)
    for (const ids of [undefined, null, 'a', ['a', 5], [undefined]])
      await expect(untyped(client).verifyErased('things', ids)).rejects.toBeInstanceOf(ValidationError)
  })
})
