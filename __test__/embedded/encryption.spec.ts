// Encryption at rest: with a key, or with a service that keeps one; the rotation of keys; and
// backups that forget.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import {
  CollectionNotFoundError,
  EncryptionError,
  type EncryptionKey,
  type KeyService,
  type RestoreOptions,
  type RotateProgress,
  StorageError,
  ValidationError,
  type Vector,
  VectorizerClient,
} from '../..'
import { idsOf, client as opened } from '../support/collections'
import { directory, files, plain, present, secret, store, traces } from '../support/disk'
import { seeded, vector } from '../support/random'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'

const random = seeded(15)

/** Vectors of which every part is unlike that of any other. */
const secrets = (count: number): Vector[] =>
  Array.from({ length: count }, () => ({
    id: secret(random),
    data: vector(random, 8),
    metadata: { [secret(random)]: secret(random) },
  }))

/** A store whose collection holds so many vectors. */
async function filled(count: number, options = {}) {
  const { client, path } = store(options)
  const vectors = secrets(count)
  await client.createCollection('a secret name', { dimension: 8, metric: 'euclidean' })
  await client.insertVectors('a secret name', vectors)
  return { client, path, vectors }
}

/** A service that keeps a key of its own, and counts what it is asked. */
function service() {
  const kept = randomBytes(32)
  const asked = { wrap: 0, unwrap: 0 }
  const encryption: KeyService = {
    wrap: async (key) => {
      asked.wrap++
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', kept, nonce)
      return Buffer.concat([nonce, cipher.update(key), cipher.final(), cipher.getAuthTag()])
    },
    unwrap: (wrapped) => {
      asked.unwrap++
      const cipher = createDecipheriv('aes-256-gcm', kept, wrapped.subarray(0, 12))
      cipher.setAuthTag(wrapped.subarray(-16))
      return Buffer.concat([cipher.update(wrapped.subarray(12, -16)), cipher.final()])
    },
  }
  return { encryption, asked }
}

describe('a store with a key', () => {
  test('shows nothing of what is in it, nor do its backups, without the key', async () => {
    const { client, path, vectors } = await filled(20, { encryption: { key: randomBytes(32) } })
    const backups = directory()
    await client.createBackup(join(backups, 'one'))
    await client.createBackup(join(backups, 'two'), { keys: 'apart' })
    await client.optimize('a secret name')
    await client.close()
    const all = [...vectors.flatMap(traces), Buffer.from('a secret name'), Buffer.from('euclidean')]
    for (const place of [path, backups]) expect(present(place, all)).toStrictEqual([])
  })

  test('is opened with it again, as bytes or as base64', async () => {
    const key = randomBytes(32)
    const { client, path, vectors } = await filled(3, { encryption: { key } })
    await client.close()
    for (const form of [key, new Uint8Array(key), key.toString('base64')]) {
      const again = opened({ path, encryption: { key: form } })
      expect(await idsOf(again, 'a secret name')).toStrictEqual(vectors.map(({ id }) => id))
      await again.close()
    }
  })

  test('is refused with another, with none, and with a service that has wrapped none', async () => {
    const { client, path } = await filled(3, { encryption: { key: randomBytes(32) } })
    const others = [undefined, { key: randomBytes(32) }, service().encryption]
    for (const encryption of others) {
      const error = await rejection(opened({ path, encryption }).ready())
      expect(error).toBeInstanceOf(EncryptionError)
      expect(error).toMatchObject({ name: 'EncryptionError', code: 'ENCRYPTION_ERROR' })
      expect(error.message).toContain(path)
    }
    await client.close()
    for (const encryption of others)
      expect(await rejection(opened({ path, encryption }).ready())).toBeInstanceOf(EncryptionError)
  })

  test('a key that is none is refused before anything is made', async () => {
    const path = join(directory(), 'store')
    const wrong: unknown[] = [
      {},
      { key: randomBytes(31) },
      { key: 'not base64 of 32 bytes' },
      { key: 7 },
      { key: randomBytes(32), wrap: () => 1, unwrap: () => 1 },
      { wrap: () => 1 },
      { kye: randomBytes(32) },
      'a key',
      null,
    ]
    for (const encryption of wrong) {
      const error = await rejection(opened(untyped({ path, encryption })).ready())
      expect(error).toBeInstanceOf(ValidationError)
      expect(error.message).toMatch(/^options\.encryption/)
    }
    for (const encryption of [{ key: randomBytes(32) }, service().encryption]) {
      const error = await rejection(opened({ encryption }).ready())
      expect(error).toBeInstanceOf(ValidationError)
    }
    expect(existsSync(path)).toBe(false)
  })
})

describe('a store with a key service', () => {
  test('asks it once when it is made, and once when it is opened', async () => {
    const { encryption, asked } = service()
    const { client, path, vectors } = await filled(20, { encryption })
    expect(asked).toStrictEqual({ wrap: 1, unwrap: 0 })
    await client.close()
    expect(present(path, vectors.flatMap(traces))).toStrictEqual([])
    const again = opened({ path, encryption })
    expect(await again.count('a secret name')).toBe(20)
    expect(asked).toStrictEqual({ wrap: 1, unwrap: 1 })
    await again.createBackup(join(path, '..', 'backup'))
    const to = join(path, '..', 'restored')
    await VectorizerClient.restoreBackup(join(path, '..', 'backup'), to, { encryption })
    expect(await opened({ path: to, encryption }).count('a secret name')).toBe(20)
    await again.rotateKeys()
    expect(asked).toStrictEqual({ wrap: 2, unwrap: 3 })
    await again.close()
    expect(await opened({ path, encryption }).count('a secret name')).toBe(20)
  })

  test('that fails, or answers with something else than a key, is an error that says so', async () => {
    const { encryption } = service()
    const { client, path } = await filled(1, { encryption })
    await client.close()
    const broken: [Partial<KeyService>, RegExp][] = [
      [{ unwrap: () => Promise.reject(new Error('no network')) }, /unwrap failed: no network/],
      [{ unwrap: () => untyped('a text') }, /unwrap must return a Uint8Array/],
      [{ unwrap: () => new Uint8Array(31) }, /unwrap returned 31 bytes/],
      [{ unwrap: () => new Uint8Array(32) }, /KEYRING/],
    ]
    for (const [part, message] of broken) {
      const client = opened({ path, encryption: { ...encryption, ...part } })
      const error = await rejection(client.ready())
      expect(error).toBeInstanceOf(EncryptionError)
      expect(error.message).toMatch(message)
      expect(await rejection(client.count('a secret name'))).toEqual(error)
    }
    const made = join(directory(), 'store')
    const empty = opened({ path: made, encryption: { ...encryption, wrap: () => new Uint8Array(0) } })
    expect((await rejection(empty.ready())).message).toMatch(/wrap returned 0 bytes/)
    expect(existsSync(made)).toBe(false)
  })

  test('that answers when the working directory is another one opens what was meant', async () => {
    const { encryption } = service()
    const [here, there] = [directory(), directory()]
    const before = process.cwd()
    // Jest's workers have one for all of a file; it is put back.
    process.chdir(here)
    try {
      const client = opened({ path: 'store', encryption })
      process.chdir(there)
      await client.createCollection('things', { dimension: 2 })
      await client.createBackup(join(here, 'backup'))
      process.chdir(here)
      const restoring = VectorizerClient.restoreBackup('backup', 'restored', { encryption })
      process.chdir(there)
      await restoring
    } finally {
      process.chdir(before)
    }
    expect(existsSync(join(here, 'store', 'KEYRING'))).toBe(true)
    expect(existsSync(join(here, 'restored', 'KEYRING'))).toBe(true)
    expect(files(there)).toStrictEqual([])
  })

  test('that has not answered yet keeps neither the first calls nor close from being right', async () => {
    const { encryption } = service()
    const path = join(directory(), 'store')
    const client = opened({ path, encryption })
    const made = client.createCollection('things', { dimension: 2 })
    await made
    await client.close()
    const leaving = opened({ path, encryption })
    const counted = leaving.count('things')
    await leaving.close()
    expect(await counted).toBe(0)
    const again = opened({ path, encryption })
    await again.close()
    await expect(again.count('things')).rejects.toMatchObject({ code: 'CLIENT_CLOSED' })
  })
})

describe('rotateKeys', () => {
  test('gives a store another key, while calls go on', async () => {
    const [first, second] = [randomBytes(32), randomBytes(32)]
    const { client, path, vectors } = await filled(3000, { encryption: { key: first } })
    const heard: RotateProgress[] = []
    const rotating = client.rotateKeys({ key: second, onProgress: (progress) => heard.push(progress) })
    const [doomed] = vectors
    await client.deleteVector('a secret name', doomed.id)
    await rotating
    expect(heard.at(-1)).toMatchObject({ phase: 'rotate', done: heard.at(-1)?.total })
    await client.close()
    expect(await rejection(opened({ path, encryption: { key: first } }).ready())).toBeInstanceOf(
      EncryptionError,
    )
    const again = opened({ path, encryption: { key: second } })
    expect(await again.count('a secret name')).toBe(2999)
    expect(await again.verifyErased('a secret name', [doomed.id])).toStrictEqual({
      verified: true,
      residues: [],
    })
  })

  test('encrypts a store that was not', async () => {
    const { client, path, vectors } = await filled(20)
    const traced = vectors.flatMap(traces)
    expect(present(path, traced)).toHaveLength(traced.length)
    const key = randomBytes(32)
    await client.rotateKeys({ key })
    expect(present(path, traced)).toStrictEqual([])
    await client.close()
    expect(await opened({ path, encryption: { key } }).count('a secret name')).toBe(20)
  })

  test('makes copies of the keys from before useless for what is stored after it', async () => {
    const { client, path, vectors } = await filled(20)
    const old = join(directory(), 'old')
    cpSync(path, old, { recursive: true })
    await client.rotateKeys()
    const later = secrets(5)
    await client.insertVectors('a secret name', later)
    await client.deleteVector('a secret name', later[0].id)
    await client.close()
    // The files as they are now, with the keys of before.
    const isKey = (file: string) => /KEYRING|keys\.\d+$/.test(file)
    for (const file of files(path).filter(isKey)) rmSync(file)
    for (const file of files(old).filter(isKey))
      writeFileSync(join(path, relative(old, file)), readFileSync(file))
    expect(present(path, later.flatMap(traces))).toStrictEqual([])
    expect(present(path, vectors.flatMap(traces)).length).toBeGreaterThan(0)
  })

  test('of a store in memory, or with a key that is none, is refused', async () => {
    expect(await rejection(opened().rotateKeys())).toBeInstanceOf(ValidationError)
    const { client } = store()
    const error = await rejection(client.rotateKeys({ key: randomBytes(16) }))
    expect(error).toBeInstanceOf(ValidationError)
    expect(await rejection(client.rotateKeys(untyped({ kye: 1 })))).toBeInstanceOf(ValidationError)
  })
})

describe('a backup with its keys apart', () => {
  /** A store of 20, a backup of it, and five of them deleted since. */
  async function forgetting() {
    const { client, path, vectors } = await filled(20)
    const backups = directory()
    const file = join(backups, 'monday.vecbak')
    const made = await client.createBackup(file, { keys: 'apart' })
    const gone = vectors.slice(0, 5)
    await client.batchDelete(
      'a secret name',
      gone.map(({ id }) => id),
    )
    return { client, path, vectors, backups, file, made, gone }
  }

  test('cannot be read alone, and what is deleted since does not come back from it', async () => {
    const { client, path, vectors, backups, file, made, gone } = await forgetting()
    expect(made).toMatchObject({ file, keys: `${file}.keys`, collections: 1, vectors: 20 })
    expect(plain(backups, vectors.flatMap(traces))).toStrictEqual([])
    const newest = await client.exportKeys(join(backups, 'tuesday.keys'))
    expect(newest).toMatchObject({ file: join(backups, 'tuesday.keys'), collections: 1, vectors: 15 })
    for (const keys of [newest.file, path]) {
      const to = join(directory(), 'restored')
      const report = await VectorizerClient.restoreBackup(file, to, { keys })
      expect(report).toMatchObject({ path: to, collections: 1, vectors: 15, erased: 5 })
      const restored = opened({ path: to })
      const left = vectors.slice(5).map(({ id }) => id)
      expect(await idsOf(restored, 'a secret name')).toStrictEqual(left)
      await restored.close()
      expect(present(to, gone.flatMap(traces))).toStrictEqual([])
    }
  })

  test('from before the key has changed is opened with the key of then, and its keys with that of now', async () => {
    const [first, second] = [{ key: randomBytes(32) }, { key: randomBytes(32) }]
    const { encryption } = service()
    const changes: [EncryptionKey | KeyService | undefined, EncryptionKey | KeyService, RestoreOptions][] = [
      [first, second, { encryption: first, keysEncryption: second }],
      [undefined, second, { keysEncryption: second }],
      [encryption, encryption, { encryption }],
    ]
    for (const [before, after, options] of changes) {
      const { client, path } = await filled(20, before && { encryption: before })
      const file = join(directory(), 'backup')
      await client.createBackup(file, { keys: 'apart' })
      await client.rotateKeys(after === second ? second : {})
      await client.deleteByFilter('a secret name', { none: { $exists: false } })
      const { file: exported } = await client.exportKeys(`${file}.newest`)
      await client.close()
      for (const keys of [path, exported]) {
        const to = join(directory(), 'restored')
        const report = await VectorizerClient.restoreBackup(file, to, { keys, ...options })
        expect(report).toMatchObject({ vectors: 0, erased: 20 })
        expect(await opened({ path: to, encryption: after }).count('a secret name')).toBe(0)
      }
    }
  })

  test('is refused without keys, and with those from before it', async () => {
    const { client, file, backups } = await forgetting()
    const { file: early } = await client.exportKeys(join(backups, 'early.keys'))
    await client.insertVectors('a secret name', secrets(1))
    const later = join(backups, 'later.vecbak')
    await client.createBackup(later, { keys: 'apart' })
    const to = join(directory(), 'restored')
    for (const [backup, options] of [
      [file, {}],
      [later, { keys: early }],
    ] as const) {
      const error = await rejection(VectorizerClient.restoreBackup(backup, to, options))
      expect(error).toBeInstanceOf(EncryptionError)
      expect(error.message).toMatch(/options\.keys|apart/)
      expect(existsSync(to)).toBe(false)
    }
  })

  test('of a store in memory is refused, as are options that make no sense', async () => {
    const client = opened()
    const file = join(directory(), 'backup')
    expect(await rejection(client.createBackup(file, { keys: 'apart' }))).toBeInstanceOf(ValidationError)
    expect(await rejection(client.exportKeys(file))).toBeInstanceOf(ValidationError)
    const wrong = [{ keys: 'outside' }, { collections: 'all' }, { kyes: 'apart' }]
    for (const options of wrong)
      expect(await rejection(client.createBackup(file, untyped(options)))).toBeInstanceOf(ValidationError)
    expect(existsSync(file)).toBe(false)
  })

  test('of chosen collections has these alone', async () => {
    const { client } = await filled(3)
    await client.createCollection('others', { dimension: 2 })
    const file = join(directory(), 'backup')
    const missing = client.createBackup(file, { collections: ['others', 'none'] })
    expect(await rejection(missing)).toBeInstanceOf(CollectionNotFoundError)
    await client.createBackup(file, { collections: ['others'] })
    const path = join(directory(), 'restored')
    expect(await VectorizerClient.restoreBackup(file, path)).toMatchObject({ collections: 1, vectors: 0 })
    const keys = join(directory(), 'keys')
    await client.exportKeys(keys)
    const refused = VectorizerClient.restoreBackup(file, join(path, 'no'), { keys })
    expect(await rejection(refused)).toBeInstanceOf(ValidationError)
    expect(await rejection(client.exportKeys(keys))).toBeInstanceOf(StorageError)
  })
})
