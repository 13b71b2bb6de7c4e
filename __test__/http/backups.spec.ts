// Backups, keys and rotation of a store that a server has open.
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ValidationError, VectorizerClient } from '../..'
import { client as opened } from '../support/collections'
import { bytes, directory, present } from '../support/disk'
import { commandServing, refusal, serving } from '../support/http'
import { rejection } from '../support/rejection'

/** A server of a store on disk with a collection `things`, and its directory for backups. */
async function served() {
  const [path, backups] = [directory(), directory()]
  const { client, ask } = await serving({ backups }, { path })
  await client.createCollection('things', { dimension: 2 })
  const rows = ['a', 'b', 'c'].map((id, i) => ({ id, data: [1, i] }))
  await client.insertVectors('things', rows)
  return { client, ask, path, backups }
}

test('a backup of a running server restores alone, and names no directory of the server', async () => {
  const { client, ask, backups } = await served()
  await client.createCollection('others', { dimension: 2 })
  const { status, json } = await ask('POST', '/backups', { collections: ['things'] })
  expect({ status, json }).toStrictEqual({
    status: 200,
    json: {
      file: expect.stringMatching(/^backup-[\w-]+\.vecbak$/),
      collections: 1,
      vectors: 3,
      bytes: expect.any(Number),
      leftovers: [],
    },
  })
  expect(readdirSync(backups)).toStrictEqual([json.file])
  const target = join(directory(), 'restored')
  await VectorizerClient.restoreBackup(join(backups, json.file), target)
  expect(await opened({ path: target }).count('things')).toBe(3)
})

test('what is deleted after a backup with its keys apart does not come back with the newest keys', async () => {
  const { ask, backups } = await served()
  const made = (await ask('POST', '/backups', { keys: 'apart' })).json
  expect(readdirSync(backups).sort()).toStrictEqual([made.file, made.keys].sort())
  await ask('DELETE', '/collections/things/vectors/b')
  const newest = (await ask('POST', '/backups/keys')).json
  expect(newest).toMatchObject({ file: expect.stringMatching(/\.keys$/), vectors: 2 })
  const target = join(directory(), 'restored')
  const report = await VectorizerClient.restoreBackup(join(backups, made.file), target, {
    keys: join(backups, newest.file),
  })
  expect(report).toMatchObject({ vectors: 2, erased: 1 })
  const { vectors } = await opened({ path: target }).listVectors('things')
  expect(vectors.map(({ id }) => id)).toStrictEqual(['a', 'c'])
})

test('keys are rotated while the server goes on', async () => {
  const { client, ask, path } = await served()
  expect(await ask('POST', '/keys/rotate')).toMatchObject({
    status: 200,
    json: { success: true, message: 'the keys of the store are new' },
  })
  expect((await ask('GET', '/collections/things/vectors/b')).status).toBe(200)
  await ask('DELETE', '/collections/things/vectors/b')
  const { data } = (await client.getVector('things', 'a')) as { data: Float32Array }
  expect(present(path, [bytes(data)])).toStrictEqual([bytes(data)])
  await client.close()
  expect(await opened({ path }).count('things')).toBe(2)
})

test('a server that was given no directory for backups writes none, and says why', async () => {
  const { ask } = await serving({}, { path: directory() })
  for (const [path, body] of [
    ['/backups', {}],
    ['/backups/keys', undefined],
  ] as const) {
    const answer = await ask('POST', path, body)
    expect(refusal(answer)).toStrictEqual({ status: 501, code: 'UNSUPPORTED' })
    expect(answer.json.message).toMatch(/--backups DIR/)
  }
})

test('a store in memory is backed up too, and has no keys', async () => {
  const backups = directory()
  const { client, ask } = await serving({ backups })
  await client.createCollection('things', { dimension: 2 })
  expect(await ask('POST', '/backups', {})).toMatchObject({ status: 200, json: { collections: 1 } })
  for (const [path, body] of [
    ['/backups', { keys: 'apart' }],
    ['/backups/keys', undefined],
    ['/keys/rotate', undefined],
  ] as const) {
    expect(refusal(await ask('POST', path, body))).toStrictEqual({ status: 400, code: 'VALIDATION_ERROR' })
  }
  expect(readdirSync(backups)).toHaveLength(1)
})

test.each([
  ['keys that are elsewhere', { keys: 'elsewhere' }, /^body\.keys: /],
  ['a path', { file: '/etc/passwd' }, /^body\.file: /],
  ['a target', { target: '../x' }, /^body\.target: /],
  ['no list', { collections: 'things' }, /^body\.collections: /],
  ['a list', [], /^body: /],
])('a backup with %s is refused, and nothing is written', async (_, body, message) => {
  const { ask, backups } = await served()
  const answer = await ask('POST', '/backups', body)
  expect(refusal(answer)).toStrictEqual({ status: 400, code: 'VALIDATION_ERROR' })
  expect(answer.json.message).toMatch(message)
  expect(readdirSync(backups)).toStrictEqual([])
})

test('a collection that is not there is told, and nothing is written', async () => {
  const { ask, backups } = await served()
  const answer = await ask('POST', '/backups', { collections: ['things', 'nowhere'] })
  expect(refusal(answer)).toStrictEqual({ status: 404, code: 'COLLECTION_NOT_FOUND' })
  expect(readdirSync(backups)).toStrictEqual([])
})

test('where a key is required, it is for these routes too', async () => {
  const backups = directory()
  const { ask } = await serving({ backups, apiKey: 'secret' }, { path: directory() })
  for (const [path, body] of [
    ['/backups', {}],
    ['/backups/keys', undefined],
    ['/keys/rotate', undefined],
  ] as const) {
    expect(refusal(await ask('POST', path, body))).toStrictEqual({ status: 401, code: 'UNAUTHORIZED' })
    expect((await ask('POST', path, body, { 'x-api-key': 'secret' })).status).toBe(200)
  }
  expect(readdirSync(backups)).toHaveLength(2)
})

test.each(['', 'nowhere', 'a file'])(
  'a directory for backups that is %j is refused when the server starts',
  async (what) => {
    const folder = directory()
    writeFileSync(join(folder, 'a file'), '')
    const backups = what === '' ? '' : join(folder, what)
    const error = await rejection(opened().serve({ port: 0, backups }))
    expect(error).toBeInstanceOf(ValidationError)
    expect(error.message).toMatch(/^options\.backups: there is no directory .*: make it first$/)
  },
)

test('the command takes the directory', async () => {
  const backups = directory()
  const { ask } = await commandServing(['--data', directory(), '--backups', backups])
  const { json } = await ask('POST', '/backups', {})
  expect(readdirSync(backups)).toStrictEqual([json.file])
})
