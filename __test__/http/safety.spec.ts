// Who may ask: the key, and the hosts that are answered for.
import { ValidationError } from '../..'
import { idsOf, client as opened } from '../support/collections'
import { type Ask, ask, commandServing, refusal, serving, servingThings } from '../support/http'
import { rejection } from '../support/rejection'
import { jsonLines, lines, Wire } from '../support/wire'

const KEY = 'correct horse battery staple'
const UNAUTHORIZED = { status: 401, code: 'UNAUTHORIZED' }
const FORBIDDEN = { status: 403, code: 'FORBIDDEN' }

/** A request to every kind of route. */
const everywhere: [string, string, unknown?][] = [
  ['GET', '/stats'],
  ['GET', '/metrics'],
  ['GET', '/openapi.json'],
  ['GET', '/collections'],
  ['POST', '/collections', { name: 'more', dimension: 2 }],
  ['DELETE', '/collections/things'],
  ['GET', '/collections/things/vectors/a'],
  ['POST', '/collections/things/scan', {}],
  ['DELETE', '/collections/things/vectors/a'],
  ['POST', '/collections/things/batch_delete', { ids: ['a'] }],
  ['POST', '/collections/things/delete_by_filter', { filter: { name: 'a' } }],
  ['POST', '/collections/things/insert', { id: 'b', vector: [1, 2] }],
  ['PATCH', '/collections/things/vectors/a/expiry', { expires_at: 1 }],
  ['POST', '/collections/things/ttl', { ttl_secs: 1 }],
  ['POST', '/expiry/resume'],
  ['POST', '/collections/things/batch_update', { updates: [{ id: 'a', metadata: {} }] }],
  ['POST', '/collections/things/vectors/bulk_update_metadata', { filter: { name: 'a' }, patch: { n: 1 } }],
  ['POST', '/collections/things/vectors/move', { destination: 'others', ids: ['a'] }],
  ['POST', '/collections/things/vectors/copy', { destination: 'others', ids: ['a'] }],
  ['POST', '/forget', { ids: ['a'] }],
  ['GET', '/ledger'],
  ['DELETE', '/collections/things?undo=1h'],
  ['DELETE', '/collections/things/vectors/a?undo=1h'],
  ['GET', '/deleted'],
  ['GET', '/collections/things/deleted'],
  ['POST', '/collections/things/undelete', { ids: ['a'] }],
  ['POST', '/collections/things/purge', { all: true }],
  ['PUT', '/collections/things', { description: 'a text' }],
  ['POST', '/collections/things/rename', { new_name: 'new' }],
  ['POST', '/collections/things/reindex', { m: 8 }],
  ['GET', '/collections/empty'],
  ['DELETE', '/collections/cleanup?dry_run=false'],
  ['POST', '/embed', { text: 'a' }],
  ['GET', '/no/such/route'],
  ['PUT', '/stats'],
]

describe('a server with a key', () => {
  const rights: [string, Record<string, string>][] = [
    ['as Authorization', { authorization: `Bearer ${KEY}` }],
    ['as Authorization in small letters', { authorization: `bearer ${KEY}` }],
    ['as X-API-Key', { 'x-api-key': KEY }],
    ['in both', { authorization: `Bearer ${KEY}`, 'x-api-key': KEY }],
    ['beside a wrong one', { authorization: 'Bearer wrong', 'x-api-key': KEY }],
    ['beside another scheme', { authorization: 'Basic d3Jvbmc=', 'x-api-key': KEY }],
    ['beside a wrong X-API-Key', { authorization: `Bearer ${KEY}`, 'x-api-key': 'wrong' }],
  ]
  test.each(rights)('answers who sends the key %s', async (_, headers) => {
    const { client, ask } = await servingThings(['a'], { apiKey: KEY })
    expect((await ask('DELETE', '/collections/things/vectors/a', undefined, headers)).status).toBe(200)
    expect((await ask('GET', '/stats', undefined, headers)).json).toMatchObject({ total_vectors: 0 })
    expect((await ask('GET', '/no/such/route', undefined, headers)).status).toBe(404)
    expect(await client.count('things')).toBe(0)
  })

  test.each<[string, Record<string, string>]>([
    ['no key', {}],
    ['an empty key', { 'x-api-key': '' }],
    ['an empty Authorization', { authorization: '' }],
    ['a scheme without a key', { authorization: 'Bearer ' }],
    ['a wrong key', { 'x-api-key': 'wrong' }],
    ['the beginning of the key', { 'x-api-key': KEY.slice(0, -1) }],
    ['the key and more', { 'x-api-key': `${KEY}x` }],
    ['the key in capitals', { 'x-api-key': KEY.toUpperCase() }],
    ['the key without its scheme', { authorization: KEY }],
    ['the key in another scheme', { authorization: `Basic ${KEY}` }],
    ['the key with its scheme in X-API-Key', { 'x-api-key': `Bearer ${KEY}` }],
    ['the key in another header', { 'api-key': KEY }],
    ['the key as a cookie', { cookie: `api_key=${KEY}` }],
  ])('refuses who sends %s, everywhere, and nothing happens', async (_, headers) => {
    const { client, ask } = await servingThings(['a'], { apiKey: KEY })
    for (const [method, path, body] of everywhere) {
      const answer = await ask(method, path, body, headers)
      expect(refusal(answer)).toStrictEqual(UNAUTHORIZED)
      expect(answer.headers['www-authenticate']).toBe('Bearer')
      expect(answer.text).not.toContain(KEY)
    }
    expect(
      refusal(await ask('GET', `/stats?api_key=${encodeURIComponent(KEY)}`, undefined, headers)),
    ).toStrictEqual(UNAUTHORIZED)
    expect(await idsOf(client)).toStrictEqual(['a'])
    expect(await client.listCollections()).toHaveLength(1)
    expect((await ask('GET', '/health', undefined, headers)).json).toMatchObject({ status: 'ok' })
  })

  test('refuses without reading, or asking for, a body', async () => {
    const { server } = await servingThings([], { apiKey: KEY })
    const wire = await Wire.to(server)
    const much = { 'content-type': 'application/json', 'content-length': 60_000_000, expect: '100-continue' }
    wire.say(...lines('POST', '/collections/things/batch_insert', much))
    const answer = await wire.answer()
    expect(refusal(answer as never)).toStrictEqual(UNAUTHORIZED)
  })

  test('takes nothing in a refused body for a request', async () => {
    const { client, server } = await servingThings(['a', 'b'], { apiKey: KEY })
    const hidden = lines('DELETE', '/collections/things/vectors/a', { 'x-api-key': KEY }).join('\r\n')
    const wire = await Wire.to(server)
    wire.say(...lines('POST', '/collections/things/insert', { 'content-length': hidden.length }, hidden))
    expect((await wire.answer())?.status).toBe(401)
    wire.say(...lines('GET', '/health', { connection: 'close' }))
    // On this connection or not at all.
    const next = await wire.answer()
    expect([undefined, 200]).toContain(next?.status)
    await wire.end()
    expect(await idsOf(client)).toStrictEqual(['a', 'b'])
  })

  test('tells the document of its routes that there is one', async () => {
    const { ask } = await serving({ apiKey: KEY })
    const { json } = await ask('GET', '/openapi.json', undefined, { 'x-api-key': KEY })
    expect(Object.keys(json.components.securitySchemes).sort()).toStrictEqual(['apiKey', 'bearer'])
    expect(json.security).toStrictEqual([{ bearer: [] }, { apiKey: [] }])
  })

  test('answers for any host', async () => {
    const { ask } = await serving({ apiKey: KEY })
    const headers = { host: 'vectors.example.org', 'x-api-key': KEY }
    expect((await ask('GET', '/collections', undefined, headers)).status).toBe(200)
    expect(refusal(await ask('GET', '/collections', undefined, { host: 'evil.example' }))).toStrictEqual(
      UNAUTHORIZED,
    )
  })

  test('may listen where other machines reach it; one without may not', async () => {
    for (const host of ['0.0.0.0', '::', '::ffff:0.0.0.0']) {
      const client = opened()
      const error = await rejection(client.serve({ host, port: 0 }))
      expect(error).toBeInstanceOf(ValidationError)
      expect(error.message).toMatch(/API key/)
    }
    const { server } = await serving({ host: '0.0.0.0', apiKey: KEY })
    expect(server.address).toBe('0.0.0.0')
    const url = `http://127.0.0.1:${server.port}`
    expect(refusal(await ask(url, 'GET', '/stats'))).toStrictEqual(UNAUTHORIZED)
    expect((await ask(url, 'GET', '/stats', undefined, { 'x-api-key': KEY })).status).toBe(200)
  })

  test('is what the command makes of its environment', async () => {
    const { ask } = await commandServing(['--host', '0.0.0.0'], { VECTORIZER_API_KEY: KEY })
    expect(refusal(await ask('GET', '/collections'))).toStrictEqual(UNAUTHORIZED)
    expect((await ask('GET', '/collections', undefined, { 'x-api-key': KEY })).status).toBe(200)
  })
})

describe('a server without a key', () => {
  const asHost = (ask: Ask, host: string) =>
    ask('DELETE', '/collections/things/vectors/a', undefined, { host })

  test.each([
    'localhost',
    'LOCALHOST:80',
    '127.0.0.1',
    '127.0.0.1:15002',
    '127.1.2.3',
    '[::1]',
    '[::1]:15002',
  ])('answers for this machine as %s', async (host) => {
    const { ask } = await servingThings(['a'])
    expect((await asHost(ask, host)).status).toBe(200)
  })

  test.each([
    'evil.example',
    'evil.example:15002',
    'localhost.evil.example',
    'localhost:15002.evil.example',
    '127.0.0.1.evil.example',
    '127.0.0.1@evil.example',
    'evil.example#localhost',
    '0.0.0.0',
    '10.0.0.1',
    '[2001:db8::1]',
    '',
  ])('refuses requests for the host %j, and nothing happens', async (host) => {
    const { client, server } = await servingThings(['a'])
    const wire = await Wire.to(server)
    for (const [method, path, body] of everywhere) {
      wire.say(
        ...(body === undefined ? lines(method, path, { host }) : jsonLines(method, path, body, { host })),
      )
      const answer = await wire.answer()
      expect(refusal(answer as never)).toStrictEqual(FORBIDDEN)
    }
    wire.say(...lines('GET', '/health', { host }))
    expect((await wire.answer())?.status).toBe(403)
    expect(await idsOf(client)).toStrictEqual(['a'])
  })

  test('goes by the host of the request itself where it names one', async () => {
    const { client, server } = await servingThings(['a', 'b'])
    const wire = await Wire.to(server)
    wire.say(...lines('DELETE', 'http://evil.example/collections/things/vectors/a'))
    expect(refusal((await wire.answer()) as never)).toStrictEqual(FORBIDDEN)
    wire.say(...lines('DELETE', 'http://localhost/collections/things/vectors/b', { host: 'evil.example' }))
    expect((await wire.answer())?.status).toBe(200)
    expect(await idsOf(client)).toStrictEqual(['a'])
  })

  test('answers for the hosts that it is told', async () => {
    const { client, ask } = await servingThings(['a'], {
      allowedHosts: ['vectors.example.org', 'other:8080'],
    })
    for (const host of [
      'example.org',
      'x.vectors.example.org',
      'vectors.example.org.evil',
      'other',
      'other:80',
    ]) {
      expect(refusal(await asHost(ask, host))).toStrictEqual(FORBIDDEN)
    }
    for (const host of ['vectors.example.org', 'Vectors.Example.ORG:443', 'other:8080', 'localhost']) {
      await client.insertVectors('things', [{ id: 'a', data: [1, 2] }])
      expect((await asHost(ask, host)).status).toBe(200)
    }
  })

  test('does not speak of a key in the document of its routes', async () => {
    const { ask } = await serving()
    expect((await ask('GET', '/openapi.json')).text).not.toMatch(/security|X-API-Key|"401"|Unauthorized/)
  })
})
