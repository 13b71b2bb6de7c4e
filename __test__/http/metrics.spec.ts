// What the server tells of itself: /metrics, /stats, /health.
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { version } from '../../package.json'
import { client as opened } from '../support/collections'
import { directory, store } from '../support/disk'
import {
  type Ask,
  asking,
  commandServing,
  connected,
  inFlight,
  refusal,
  serving,
  servingThings,
} from '../support/http'
import { parse, sampleOf } from '../support/openmetrics'
import { jsonLines, lines, Wire } from '../support/wire'

async function metrics(ask: Ask) {
  const { status, headers, text } = await ask('GET', '/metrics')
  expect(status).toBe(200)
  expect(headers['content-type']).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8')
  const families = parse(text)
  return {
    text,
    families,
    value: (name: string, labels = {}) => sampleOf(families, `vectorizer_${name}`, labels),
  }
}

describe('/metrics', () => {
  test('is OpenMetrics, before anything has happened and after', async () => {
    const { ask } = await servingThings(['a'])
    const before = await metrics(ask)
    for (const path of ['/health', '/collections/things', '/no/such/route']) await ask('GET', path)
    const after = await metrics(ask)
    const names = [...after.families.keys()]
    expect(names).toStrictEqual(expect.arrayContaining([...before.families.keys()]))
    expect(names.filter((name) => !name.startsWith('vectorizer_'))).toStrictEqual([])
    for (const { type, help } of after.families.values()) {
      expect(type).toMatch(/^(counter|gauge|histogram)$/)
      expect(help).toMatch(/./)
    }
  })

  test('counts each request once, by its method, its route and its status', async () => {
    const { ask } = await servingThings(['a', 'b', 'c'])
    const asked: [string, string, unknown?][] = [
      ...Array(3).fill(['GET', '/collections/things/vectors/a']),
      ...Array(2).fill(['GET', '/collections/things/vectors/none']),
      ['DELETE', '/collections/things/vectors/a'],
      ['DELETE', '/collections/things/vectors/a'],
      ['DELETE', '/collections/things/vectors/delete_by_filter'],
      ['POST', '/collections/things/batch_delete', { ids: ['b'] }],
      ['POST', '/collections/things/batch_delete', { ids: 'b' }],
      ...Array(4).fill(['GET', '/no/such/route']),
      ['BREW', '/health'],
    ]
    for (const [method, path, body] of asked) await ask(method, path, body)
    const { families } = await metrics(ask)
    const counted = families
      .get('vectorizer_http_requests')
      ?.samples.map(({ labels, value }) => [...[labels.method, labels.route, labels.status], value])
    const vector = '/collections/{collection}/vectors/{id}'
    expect(counted?.sort()).toStrictEqual(
      [
        ['GET', vector, '200', 3],
        ['GET', vector, '404', 2],
        ['DELETE', vector, '200', 1],
        ['DELETE', vector, '404', 1],
        ['DELETE', '/collections/{collection}/vectors/delete_by_filter', '404', 1],
        ['POST', '/collections/{collection}/batch_delete', '200', 1],
        ['POST', '/collections/{collection}/batch_delete', '400', 1],
        ['GET', 'none', '404', 4],
        ['other', '/health', '405', 1],
      ].sort(),
    )
    const durations = families.get('vectorizer_http_request_duration_seconds')
    const timed = durations?.samples.filter(({ name }) => name.endsWith('_count'))
    expect(timed?.reduce((sum, { value }) => sum + value, 0)).toBe(asked.length)
  })

  test('counts requests that are refused by their key or host', async () => {
    const { ask } = await serving({ apiKey: 'key' })
    for (let i = 0; i < 3; i++) await ask('GET', '/stats')
    expect((await ask('GET', '/metrics')).status).toBe(401)
    const { text } = await ask('GET', '/metrics', undefined, { 'x-api-key': 'key' })
    const labels = { method: 'GET', route: '/stats', status: '401' }
    expect(sampleOf(parse(text), 'vectorizer_http_requests_total', labels)).toBe(3)
  })

  test('tells how many vectors live, were deleted, and what that erased', async () => {
    const { client, ask } = await servingThings(['a', 'b', 'c', 'd', 'e'])
    await client.createCollection('others', { dimension: 3 })
    const things = { collection: 'things' }
    let { value } = await metrics(ask)
    expect(value('vectors', things)).toBe(5)
    expect(value('deleted_vectors_total', things)).toBe(0)
    expect(value('erased_bytes_total', things)).toBe(0)

    await ask('DELETE', '/collections/things/vectors/a')
    const many = await ask('POST', '/collections/things/batch_delete', { ids: ['b', 'none'], receipt: true })
    const filter = { place: { $lt: 4 } }
    await ask('POST', '/collections/things/delete_by_filter', { filter, dry_run: true })
    const matching = await ask('POST', '/collections/things/delete_by_filter', { filter, receipt: true })
    value = (await metrics(ask)).value
    expect(value('vectors', things)).toBe(1)
    expect(value('deleted_vectors_total', things)).toBe(4)
    // Each takes two floats, its id and its metadata; `a` is as long as `b`.
    const [b, rest] = [many.json.receipt.bytesErased, matching.json.receipt.bytesErased]
    expect(value('erased_bytes_total', things)).toBe(2 * b + rest)
    for (const name of ['vectors', 'deleted_vectors_total', 'erased_bytes_total']) {
      expect(value(name, { collection: 'others' })).toBe(0)
    }
    const { json } = await ask('GET', '/stats')
    expect(json).toMatchObject({ total_vectors: 1, deleted_vectors: 4, erased_bytes: 2 * b + rest })
  })

  test('counts what replacing a vector erases', async () => {
    const { ask } = await servingThings(['a'])
    await ask('PUT', '/collections/things/vectors/a', { metadata: {} })
    await ask('POST', '/collections/things/insert', { id: 'a', vector: [1, 2] })
    const { value } = await metrics(ask)
    expect(value('erased_bytes_total', { collection: 'things' })).toBeGreaterThan(0)
    expect(value('deleted_vectors_total', { collection: 'things' })).toBe(0)
    expect(value('vectors', { collection: 'things' })).toBe(1)
  })

  test('tells which connections are open and which requests are under way', async () => {
    const { server } = await servingThings()
    const wires = await Promise.all(Array.from({ length: 3 }, () => Wire.to(server)))
    for (const wire of wires) wire.say(...jsonLines('POST', '/embed', { text: 'a' }).slice(0, -1), '')
    await inFlight(server.url, 3)
    await connected(server.url, 3)
    wires[0].say(JSON.stringify({ text: 'a' }))
    expect((await wires[0].answer())?.status).toBe(200)
    await inFlight(server.url, 2)
    // Who goes away has no request under way any more.
    for (const wire of wires) wire.socket.destroy()
    await inFlight(server.url, 0)
    await connected(server.url, 0)
  })

  test('escapes what collections are called', async () => {
    const { client, ask } = await serving()
    const names = [
      '"',
      '"}',
      'a "quoted" name',
      'é',
      '集合',
      '😀',
      '\u2028',
      '{x="y"} 1',
      '# EOF',
      ' ',
      ',',
      "'",
    ]
    for (const name of names) {
      await client.createCollection(name, { dimension: 2 })
      await client.insertVectors(name, [{ id: 'a', data: [1, 2] }])
    }
    const { families } = await metrics(ask)
    const vectors = families.get('vectorizer_vectors')
    expect(vectors?.samples.map(({ labels }) => labels.collection).sort()).toStrictEqual(names.sort())
    expect(vectors?.samples.every(({ value }) => value === 1)).toBe(true)
    // What would have to be escaped otherwise is in no name.
    for (const name of ['a\nb', 'a\\b', 'a\u0000b', 'a\u0085b']) {
      expect(refusal(await ask('POST', '/collections', { name, dimension: 2 })).status).toBe(400)
    }
  })

  test('does not tell of collections that are gone, or of what was in requests', async () => {
    const { client, ask } = await servingThings(['Zaphod'])
    await ask('GET', '/collections/Trillian/vectors/Marvin?Eddie')
    await ask('GET', '/Trillian')
    await ask('SLARTIBARTFAST', '/health')
    await ask('POST', '/collections/things/search', { query: 'Deepthought', filter: { name: 'Zaphod' } })
    await ask('DELETE', '/collections/things/vectors/Zaphod')
    const { text } = await metrics(ask)
    expect(text).not.toMatch(/zaphod|trillian|marvin|eddie|slartibartfast|deepthought/i)
    expect(text).toContain('collection="things"')
    await client.deleteCollection('things')
    expect((await metrics(ask)).text).not.toContain('collection="things"')
  })

  test('does not grow with what clients think of', async () => {
    const { ask, server } = await servingThings()
    await ask('GET', '/no/such/route')
    await ask('BREW', '/no/such/route')
    const lengthOf = async () =>
      [...(await metrics(ask)).families.values()].flatMap(({ samples }) => samples).length
    await lengthOf() // counts itself from now on
    const before = await lengthOf()
    for (let i = 0; i < 50; i++) {
      const wire = await Wire.to(server)
      wire.say(...lines(`METHOD${i}`, `/no/such/route/${i}`, { [`x-${i}`]: i }))
      expect((await wire.answer())?.status).toBe(404)
    }
    expect(await lengthOf()).toBe(before)
  })
})

describe('/stats', () => {
  test('is of all collections together', async () => {
    const { client, ask } = await servingThings(['a', 'b'])
    await client.createCollection('others', { dimension: 3 })
    await client.insertVectors('others', [{ id: 'a', data: [1, 2, 3] }])
    expect((await ask('GET', '/stats')).json).toStrictEqual({
      collections: 2,
      total_vectors: 3,
      uptime_seconds: expect.any(Number),
      version,
      memory_bytes: expect.any(Number),
      deleted_vectors: 0,
      erased_bytes: 0,
    })
    await client.deleteCollection('things')
    expect((await ask('GET', '/stats')).json).toMatchObject({ collections: 1, total_vectors: 1 })
  })

  test('tells the size of the files where there are files', async () => {
    const { client } = store()
    await client.createCollection('things', { dimension: 2 })
    await client.insertVectors('things', [{ id: 'a', data: [1, 2] }])
    const ask = asking((await client.serve({ port: 0 })).url)
    const { disk_bytes } = await client.getCollectionInfo('things')
    expect((await ask('GET', '/stats')).json.disk_bytes).toBe(disk_bytes)
    expect((await metrics(ask)).value('disk_bytes', { collection: 'things' })).toBe(disk_bytes)
    expect((await ask('GET', '/collections/things')).json.disk_bytes).toBe(disk_bytes)
  })

  test('tells how many vectors cannot be read from the files', async () => {
    const { client, path } = store()
    await client.createCollection('things', { dimension: 2 })
    await client.insertVectors('things', [{ data: [1, 2] }, { data: [2, 1] }])
    await client.close()
    const log = join(path, 'collection-1', 'log.1')
    const bytes = readFileSync(log)
    // The last byte belongs to the values of the last vector.
    bytes[bytes.length - 1] ^= 1
    writeFileSync(log, bytes)
    const ask = asking((await opened({ path }).serve({ port: 0 })).url)
    const damaged = async () => (await metrics(ask)).value('damaged_vectors', { collection: 'things' })
    const scrubbed = async () =>
      (await metrics(ask)).value('scrub_finished_timestamp_seconds', { collection: 'things' })
    while ((await scrubbed()) === 0) await sleep(20)
    expect(await scrubbed()).toBeGreaterThan(Date.parse('2026-01-01') / 1000)
    expect(await damaged()).toBe(1)
    expect((await ask('GET', '/collections/things')).json.scrub).toMatchObject({ damaged: 1 })
  })
})

describe('/health', () => {
  test('tells that all is well, with and without a key', async () => {
    for (const options of [{}, { apiKey: 'key' }]) {
      const { ask } = await serving(options)
      const { status, json } = await ask('GET', '/health')
      expect(status).toBe(200)
      expect(json).toStrictEqual({
        status: 'ok',
        version,
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/),
        uptime: expect.any(Number),
      })
    }
  })

  test('tells that the store takes no writes any more', async () => {
    const data = join(directory(), 'store')
    const { ask, running } = await commandServing(['--data', data])
    await ask('POST', '/collections', { name: 'things', dimension: 2 })
    for (const id of ['0', '1']) await ask('POST', '/collections/things/insert', { id, vector: [1, 2] })
    expect((await ask('GET', '/health')).status).toBe(200)
    // Whoever moves its directory takes the store from the server.
    renameSync(data, `${data}-moved`)
    const collection = { name: 'others', dimension: 2 }
    const failed = { status: 500, code: 'STORAGE_ERROR' }
    expect(refusal(await ask('POST', '/collections', collection))).toStrictEqual(failed)
    expect(refusal(await ask('GET', '/health'))).toStrictEqual(failed)
    // Reads go on, deletes are refused, and nothing is lost.
    expect((await ask('GET', '/collections/things/vectors/0')).status).toBe(200)
    expect(refusal(await ask('DELETE', '/collections/things/vectors/0'))).toStrictEqual(failed)
    expect((await ask('GET', '/stats')).json.total_vectors).toBe(2)
    expect((await metrics(ask)).value('vectors', { collection: 'things' })).toBe(2)
    running.child.kill('SIGTERM')
    await running.ended
    const again = await commandServing(['--data', `${data}-moved`])
    expect((await again.ask('GET', '/health')).status).toBe(200)
    expect((await again.ask('GET', '/stats')).json.total_vectors).toBe(2)
  })

  test('is well after a write that found no room, and deletes are answered', async () => {
    const data = join(directory(), 'store')
    // No file may grow beyond 2 MiB.
    const { ask } = await commandServing(['--data', data], {}, '-f 2048')
    await ask('POST', '/collections', { name: 'things', dimension: 2 })
    const metadata = { filler: 'x'.repeat(100_000) }
    let inserted = 0
    for (;;) {
      const row = { id: `${inserted}`, vector: [1, 2], metadata }
      const answer = await ask('POST', '/collections/things/insert', row)
      if (answer.status !== 200) {
        expect(refusal(answer)).toStrictEqual({ status: 500, code: 'STORAGE_ERROR' })
        break
      }
      inserted += 1
    }
    expect(inserted).toBeGreaterThan(10)
    expect((await ask('GET', '/health')).status).toBe(200)
    expect((await ask('DELETE', '/collections/things/vectors/0')).status).toBe(200)
    expect((await ask('GET', '/stats')).json.total_vectors).toBe(inserted - 1)
  })
})
