// The routes that change a collection itself: its description, its name, its graph; and those for
// collections that are empty.
import { setTimeout as sleep } from 'node:timers/promises'
import { everything, idsOf } from '../support/collections'
import { refusal, serving, servingThings } from '../support/http'

const INVALID = { status: 400, code: 'VALIDATION_ERROR' }
const NOWHERE = { status: 404, code: 'COLLECTION_NOT_FOUND' }
const at = '/collections/things'

describe('a description', () => {
  test('is given, read, changed and removed', async () => {
    const { client, ask } = await serving()
    const text = 'One\n\t"two" é 😀'
    const made = await ask('POST', '/collections', { name: 'things', dimension: 2, description: text })
    expect([made.status, made.json.description]).toStrictEqual([201, text])
    expect((await ask('GET', at)).json.description).toBe(text)
    expect((await client.getCollectionInfo('things')).description).toBe(text)

    const changed = await ask('PUT', at, { description: 'another' })
    expect(changed).toMatchObject({ status: 200, json: { name: 'things', description: 'another' } })
    expect(changed.json).toStrictEqual((await ask('GET', at)).json)
    const removed = await ask('PUT', at, { description: null })
    expect(removed.json).not.toHaveProperty('description')
    expect(removed.json).toStrictEqual((await ask('GET', at)).json)
    expect((await ask('PUT', at, { description: null })).status).toBe(200)
    expect(await client.getCollectionInfo('things')).not.toHaveProperty('description')
  })

  test('is absent where none is given', async () => {
    const { ask } = await serving()
    const made = await ask('POST', '/collections', { name: 'things', dimension: 2 })
    const all = await ask('GET', '/collections')
    for (const one of [made.json, all.json.collections[0], (await ask('GET', at)).json])
      expect(one).not.toHaveProperty('description')
  })

  test('may have up to 1,024 bytes', async () => {
    const { client, ask } = await servingThings(['a'])
    for (const description of ['x', 'x'.repeat(1024), 'é'.repeat(512), '\n'.repeat(1024)]) {
      expect((await ask('PUT', at, { description })).json.description).toBe(description)
      expect((await client.getCollection('things')).description).toBe(description)
    }
  })

  test.each<[string, unknown]>([
    ['an empty text', ''],
    ['1,025 bytes', 'x'.repeat(1025)],
    ['513 characters of two bytes', 'é'.repeat(513)],
    ['a carriage return', 'a\r\nb'],
    ['a null character', 'a\0'],
    ['a control character of two bytes', '\u0085'],
    ['a number', 7],
    ['a list', ['a']],
  ])('that is %s is refused, and changes nothing', async (_, description) => {
    const { client, ask } = await servingThings(['a'])
    await ask('PUT', at, { description: 'as it was' })
    const before = await everything(client)
    const made = await ask('POST', '/collections', { name: 'new', dimension: 2, description })
    for (const answer of [made, await ask('PUT', at, { description })]) {
      expect(refusal(answer)).toStrictEqual(INVALID)
      expect(answer.json.message).toMatch(/description/)
    }
    expect(await everything(client)).toStrictEqual(before)
    expect((await client.getCollectionInfo('things')).description).toBe('as it was')
  })

  test('has to be told: nothing is removed by mistake', async () => {
    const { client, ask } = await servingThings(['a'])
    await ask('PUT', at, { description: 'as it was' })
    for (const body of [
      {},
      { Description: null },
      { description: null, name: 'x' },
      { dimension: 3 },
      [null],
    ])
      expect(refusal(await ask('PUT', at, body))).toStrictEqual(INVALID)
    const nowhere = await ask('PUT', '/collections/nowhere', { description: 'a' })
    expect(refusal(nowhere)).toStrictEqual(NOWHERE)
    expect((await client.getCollectionInfo('things')).description).toBe('as it was')
  })
})

describe('renaming a collection', () => {
  const PATH = `${at}/rename`

  test('leaves all that it is and has under the new name', async () => {
    const { client, ask } = await servingThings(['a', 'b'])
    await ask('PUT', at, { description: 'a text' })
    await client.setCollectionTtl('things', 3600)
    const { vectors } = await client.listVectors('things')
    const { name: _, updated_at: __, size_bytes: ___, ...before } = (await ask('GET', at)).json
    const { status, json } = await ask('POST', PATH, { new_name: 'é 😀' })
    expect({ status, json }).toStrictEqual({
      status: 200,
      json: { old_name: 'things', new_name: 'é 😀', status: 'renamed' },
    })
    for (const [method, path] of [
      ['GET', at],
      ['GET', `${at}/vectors/a`],
      ['DELETE', `${at}/vectors/a`],
    ])
      expect(refusal(await ask(method, path))).toStrictEqual(NOWHERE)
    const there = `/collections/${encodeURIComponent('é 😀')}`
    const { json: after } = await ask('GET', there)
    expect(after).toMatchObject({ ...before, name: 'é 😀' })
    expect((await client.listVectors('é 😀')).vectors).toStrictEqual(vectors)
    expect((await client.listCollections()).map(({ name }) => name)).toStrictEqual(['é 😀'])
    expect((await ask('DELETE', `${there}/vectors/a`)).status).toBe(200)

    // The old name is free.
    expect((await ask('POST', '/collections', { name: 'things', dimension: 3 })).status).toBe(201)
    expect(await client.count('é 😀')).toBe(1)
  })

  test('to its own name changes nothing', async () => {
    const { client, ask } = await servingThings(['a'])
    const before = await everything(client)
    const { status, json } = await ask('POST', PATH, { new_name: 'things' })
    expect({ status, json }).toStrictEqual({
      status: 200,
      json: { old_name: 'things', new_name: 'things', status: 'unchanged' },
    })
    expect(await everything(client)).toStrictEqual(before)
    const nowhere = await ask('POST', '/collections/nowhere/rename', { new_name: 'nowhere' })
    expect(refusal(nowhere)).toStrictEqual(NOWHERE)
  })

  test('to a name that is taken fails, and changes nothing', async () => {
    const { client, ask } = await servingThings(['a'])
    await client.createCollection('others', { dimension: 2 })
    const before = await everything(client)
    const answer = await ask('POST', PATH, { new_name: 'others' })
    expect(refusal(answer)).toStrictEqual({ status: 409, code: 'COLLECTION_EXISTS' })
    expect(answer.json.message).toContain("'others'")
    expect(await everything(client)).toStrictEqual(before)
  })

  test.each<[string, unknown, RegExp]>([
    ['no name', {}, /new_name/],
    ['null', { new_name: null }, /^body\.new_name: /],
    ['a number', { new_name: 7 }, /^body\.new_name: /],
    ['an empty name', { new_name: '' }, /name/],
    ['a name that is too long', { new_name: 'x'.repeat(256) }, /name/],
    ['a path', { new_name: 'a/b' }, /name/],
    ['the parent folder', { new_name: '..' }, /name/],
    ['a name of control characters', { new_name: 'a\nb' }, /name/],
    ['another key', { name: 'new' }, /name/],
    ['a key beside the name', { new_name: 'new', overwrite: true }, /^body\.overwrite: /],
    ['a list', ['new'], /^body: /],
  ])('with %s is refused, and changes nothing', async (_, body, message) => {
    const { client, ask } = await servingThings(['a'])
    const before = await everything(client)
    const answer = await ask('POST', PATH, body)
    expect(refusal(answer)).toStrictEqual(INVALID)
    expect(answer.json.message).toMatch(message)
    expect(await everything(client)).toStrictEqual(before)
  })
})

describe('reindexing', () => {
  const PATH = `${at}/reindex`

  test('builds the graph with what is given, and keeps the rest', async () => {
    const { client, ask } = await serving()
    const hnsw = { m: 16, ef_construction: 50, ef_search: 40, builder: 'own' } as const
    await client.createCollection('things', { dimension: 2, metric: 'euclidean', hnsw })
    const rows = Array.from({ length: 2000 }, (_, i) => ({
      id: `${i}`,
      data: [Math.floor(i / 50), i % 50],
    }))
    await client.insertVectors('things', rows)
    await ask('POST', `${at}/optimize`)
    const { status, json } = await ask('POST', PATH, { m: 8, ef_search: 30 })
    expect({ status, json }).toStrictEqual({
      status: 200,
      json: {
        job_id: expect.stringMatching(/./),
        collection: 'things',
        state: expect.stringMatching(/^(running|completed)$/),
        progress: expect.any(Number),
        params: { m: 8, ef_construction: 50, ef_search: 30 },
      },
    })
    expect(json.progress).toBeGreaterThanOrEqual(0)
    expect(json.progress).toBeLessThanOrEqual(1)
    // Searches go on meanwhile.
    const nearest = async (i: number) => {
      const { results } = (await ask('POST', `${at}/search`, { vector: rows[i].data, limit: 1 })).json
      return results.map(({ id }: { id: string }) => id)
    }
    for (const i of [0, 777, 1999]) expect(await nearest(i)).toStrictEqual([`${i}`])
    expect((await ask('POST', `${at}/optimize`)).status).toBe(200)
    const { json: info } = await ask('GET', at)
    expect(info).toMatchObject({
      hnsw: { ...hnsw, m: 8, ef_search: 30 },
      index: { indexed: 2000, pending: 0, deleted: 0 },
    })
    for (const i of [0, 777, 1999]) expect(await nearest(i)).toStrictEqual([`${i}`])
  })

  test('for other searches alone has nothing to build', async () => {
    const { ask } = await servingThings(['a'])
    const { json } = await ask('POST', PATH, { ef_search: 7 })
    expect(json).toMatchObject({
      state: 'completed',
      progress: 1,
      params: { m: 16, ef_construction: 100, ef_search: 7 },
    })
    expect((await ask('GET', at)).json.hnsw).toStrictEqual({
      m: 16,
      ef_construction: 100,
      ef_search: 7,
      builder: 'own',
    })
  })

  test.each<[unknown, RegExp]>([
    [{ m: 3 }, /\bm\b/],
    [{ m: 129 }, /\bm\b/],
    [{ m: 8.5 }, /^body\.m: /],
    [{ m: null }, /^body\.m: /],
    [{ m: '8' }, /^body\.m: /],
    [{ ef_construction: 7 }, /ef_construction/],
    [{ ef_construction: 4097 }, /ef_construction/],
    [{ ef_search: 0 }, /ef_search/],
    [{ ef_search: 4097 }, /ef_search/],
    [{ efSearch: 8 }, /^body\.efSearch: /],
    [{ builder: 'own' }, /^body\.builder: /],
    [{ hnsw: { m: 8 } }, /^body\.hnsw: /],
    [[8], /^body: /],
  ])('with %j is refused, and changes nothing', async (body, message) => {
    const { ask } = await servingThings(['a'])
    const { hnsw } = (await ask('GET', at)).json
    const answer = await ask('POST', PATH, body)
    expect(refusal(answer)).toStrictEqual(INVALID)
    expect(answer.json.message).toMatch(message)
    expect((await ask('GET', at)).json.hnsw).toStrictEqual(hnsw)
  })

  test('of a collection that does not exist fails', async () => {
    const { ask } = await serving()
    expect(refusal(await ask('POST', '/collections/nowhere/reindex', { m: 8 }))).toStrictEqual(NOWHERE)
  })
})

/** A server with a collection that has a vector, and two that have none. */
async function servingEmpty() {
  const served = await servingThings(['a'])
  for (const name of ['void', 'bare']) await served.client.createCollection(name, { dimension: 2 })
  return served
}

const namesOf = async ({ client }: Awaited<ReturnType<typeof servingThings>>) =>
  (await client.listCollections()).map(({ name }) => name)

describe('empty collections', () => {
  test('are listed by name', async () => {
    const { client, ask } = await servingEmpty()
    const listed = async () => (await ask('GET', '/collections/empty')).json
    expect(await listed()).toStrictEqual({ collections: ['bare', 'void'] })
    await client.insertVectors('bare', [{ id: 'a', data: [1, 2] }])
    await client.deleteVector('things', 'a')
    expect(await listed()).toStrictEqual({ collections: ['things', 'void'] })
    await client.insertVectors('things', [{ id: 'a', data: [1, 2], expires_at: 1 }])
    // Until it is erased, the collection is not empty.
    while ((await client.getCollectionInfo('things')).expired > 0) await sleep(10)
    expect(await listed()).toStrictEqual({ collections: ['things', 'void'] })
    for (const query of ['?x', '?dry_run=true'])
      expect(refusal(await ask('GET', `/collections/empty${query}`))).toStrictEqual(INVALID)
  })

  test('are not listed where a collection has that name: it is described', async () => {
    const { client, ask } = await servingEmpty()
    await client.createCollection('empty', { dimension: 3 })
    const { json } = await ask('GET', '/collections/empty')
    expect(json).toMatchObject({ name: 'empty', dimension: 3, vector_count: 0 })
    const { similarity_metric: metric, ...info } = await client.getCollectionInfo('empty')
    expect(json).toStrictEqual({ ...info, metric, size_bytes: expect.any(Number) })
    await client.deleteCollection('empty')
    expect((await ask('GET', '/collections/empty')).json).toStrictEqual({ collections: ['bare', 'void'] })
  })

  test('are deleted where a dry run is asked for or not, and nothing else is', async () => {
    const served = await servingEmpty()
    const { ask } = served
    await served.client.insertVectors('bare', [{ id: 'a', data: [1, 2] }])
    await served.client.createCollection('more', { dimension: 2 })
    const dry = await ask('DELETE', '/collections/cleanup?dry_run=true')
    const collections = ['more', 'void']
    expect([dry.status, dry.json]).toStrictEqual([200, { collections, applied: false }])
    expect(await namesOf(served)).toStrictEqual(['bare', 'more', 'things', 'void'])
    const done = await ask('DELETE', '/collections/cleanup?dry_run=false')
    expect([done.status, done.json]).toStrictEqual([200, { collections, applied: true }])
    expect(await namesOf(served)).toStrictEqual(['bare', 'things'])
    const again = await ask('DELETE', '/collections/cleanup?dry_run=false')
    expect(again.json).toStrictEqual({ collections: [], applied: true })
    expect(await idsOf(served.client)).toStrictEqual(['a'])
  })

  test.each([
    ...['?dry_run', '?dry_run=', '?dry_run=1', '?dry_run=yes', '?dry_run=null', '?dryRun=true', '?x'],
    ...['?dry_run=true&dry_run=false', '?dry_run=false&receipt=true', '?dry_run=true&receipt=false'],
    ...['?dry_run=false&reason=x', '?reason=', '?reason=x&reason=x'],
    ...['?dry_run=false&undo=1h', '?dry_run=true&undo=1h', '?undo=', '?undo=1h&receipt=true'],
  ])('are not deleted with the query %s', async (query) => {
    const served = await servingEmpty()
    await served.client.createCollection('cleanup', { dimension: 2 })
    const answer = await served.ask('DELETE', `/collections/cleanup${query}`)
    expect(refusal(answer)).toStrictEqual(INVALID)
    expect(await namesOf(served)).toStrictEqual(['bare', 'cleanup', 'things', 'void'])
  })

  test('are not deleted by any other route that has such a query', async () => {
    const served = await servingEmpty()
    for (const path of ['/collections/empty', '/collections/void', '/collections'])
      for (const query of ['?dry_run=true', '?dry_run=false'])
        expect(refusal(await served.ask('DELETE', `${path}${query}`)).status).toBeGreaterThanOrEqual(400)
    expect(await namesOf(served)).toStrictEqual(['bare', 'things', 'void'])
  })
})

test('without a dry run, the collection named cleanup is deleted, and no other', async () => {
  const served = await servingEmpty()
  const { client, ask } = served
  expect(refusal(await ask('DELETE', '/collections/cleanup'))).toStrictEqual(NOWHERE)
  expect(await namesOf(served)).toStrictEqual(['bare', 'things', 'void'])
  await client.createCollection('cleanup', { dimension: 2 })
  await client.insertVectors('cleanup', [{ id: 'a', data: [1, 2] }])
  expect((await ask('DELETE', '/collections/cleanup?dry_run=true')).json).toStrictEqual({
    collections: ['bare', 'void'],
    applied: false,
  })
  const { json } = await ask('DELETE', '/collections/cleanup?receipt=true&reason=a%20request')
  expect(json).toMatchObject({ success: true, message: "collection 'cleanup' deleted" })
  expect(json.receipt).toMatchObject({ collection: 'cleanup', deleted: 1, reason: 'a request' })
  expect(await namesOf(served)).toStrictEqual(['bare', 'things', 'void'])
})

test.each(['empty', 'cleanup'])('a collection named %s is one like any other', async (name) => {
  const served = await servingThings(['a'])
  const { client, ask } = served
  const path = `/collections/${name}`
  for (const [method, body] of [
    ['PUT', { description: 'a text' }],
    ['DELETE', undefined],
  ] as const)
    expect(refusal(await ask(method, path, body))).toStrictEqual(NOWHERE)
  await ask('POST', '/collections', { name, dimension: 2 })
  expect((await ask('PUT', path, { description: 'a text' })).json).toMatchObject({ name })
  expect((await ask('GET', path)).json).toMatchObject({ name, description: 'a text', vector_count: 0 })
  expect((await ask('POST', `${path}/insert`, { id: 'b', vector: [1, 2] })).status).toBe(200)
  expect((await ask('GET', `${path}/vectors/b`)).json.id).toBe('b')
  expect((await ask('POST', `${path}/reindex`, { m: 8 })).json).toMatchObject({ collection: name })
  const back = await ask('POST', `${path}/rename`, { new_name: 'new' })
  expect(back.json).toStrictEqual({ old_name: name, new_name: 'new', status: 'renamed' })
  expect((await ask('POST', '/collections/new/rename', { new_name: name })).status).toBe(200)
  const deleted = await ask('DELETE', path)
  expect(deleted.json).toStrictEqual({ success: true, message: `collection '${name}' deleted` })
  expect((await client.listCollections()).map((one) => one.name)).toStrictEqual(['things'])
})
