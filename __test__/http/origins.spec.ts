// Pages of other origins, which ask by way of a browser.
import { idsOf } from '../support/collections'
import { directory } from '../support/disk'
import { refusal, serving, servingThings } from '../support/http'

const KEY = 'key'
const UNAUTHORIZED = { status: 401, code: 'UNAUTHORIZED' }

describe('pages of other origins', () => {
  const origin = 'https://app.example.org'
  const preflight = {
    origin,
    'access-control-request-method': 'DELETE',
    'access-control-request-headers': 'content-type,x-api-key',
  }
  const cors = (headers: object) => Object.keys(headers).filter((name) => name.startsWith('access-control'))

  test('are told nothing by default', async () => {
    const { ask } = await servingThings(['a'])
    const asked = await ask('OPTIONS', '/collections/things/vectors/a', undefined, preflight)
    expect(asked.status).toBe(405)
    expect(cors(asked.headers)).toStrictEqual([])
    expect(cors((await ask('GET', '/collections', undefined, { origin })).headers)).toStrictEqual([])
  })

  test.each([
    ['an origin', [origin], origin],
    ['several origins', ['https://other.example', origin], origin],
    ['any origin', ['*'], '*'],
  ])('may ask where %s is allowed', async (_, allowed, told) => {
    const { ask } = await servingThings(['a'], { cors: allowed, apiKey: KEY })
    const asked = await ask('OPTIONS', '/collections/things/vectors/a', undefined, preflight)
    expect(asked.status).toBe(200)
    expect(asked.headers['access-control-allow-origin']).toBe(told)
    if (told !== '*') expect(asked.headers.vary).toMatch(/\borigin\b/i)
    // A page has to see why it was refused.
    const refused = await ask('GET', '/collections', undefined, { origin })
    expect(refusal(refused)).toStrictEqual(UNAUTHORIZED)
    expect(refused.headers['access-control-allow-origin']).toBe(told)
    const answer = await ask('GET', '/collections', undefined, { origin, 'x-api-key': KEY })
    expect(answer).toMatchObject({ status: 200, headers: { 'access-control-allow-origin': told } })
    expect(answer.headers).not.toHaveProperty('access-control-allow-credentials')
  })

  test.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])(
    'may ask with %s, a body and the key in either header',
    async (method) => {
      const { ask } = await serving({ cors: [origin], apiKey: KEY })
      const wanted = ['content-type', 'x-api-key', 'authorization']
      const { headers } = await ask('OPTIONS', '/collections', undefined, {
        origin,
        'access-control-request-method': method,
        'access-control-request-headers': wanted.join(),
      })
      const list = (name: string) =>
        String(headers[name])
          .toLowerCase()
          .split(/\s*,\s*/)
      const [methods, allowed] = [list('access-control-allow-methods'), list('access-control-allow-headers')]
      expect(methods.includes('*') || methods.includes(method.toLowerCase())).toBe(true)
      // To a browser, `*` is any header but Authorization, which has to be named.
      const refused = wanted.filter(
        (name) => !allowed.includes(name) && (name === 'authorization' || !allowed.includes('*')),
      )
      expect(refused).toStrictEqual([])
    },
  )

  test('that are not of the list are told nothing', async () => {
    const { ask } = await serving({ cors: [origin] })
    for (const other of [
      'https://evil.example',
      `${origin}.evil.example`,
      'http://app.example.org',
      'null',
    ]) {
      const asked = await ask('OPTIONS', '/collections', undefined, { ...preflight, origin: other })
      expect(asked.headers).not.toHaveProperty('access-control-allow-origin')
      const answer = await ask('GET', '/collections', undefined, { origin: other })
      expect(answer.headers).not.toHaveProperty('access-control-allow-origin')
    }
  })

  test('cannot delete by what browsers send without asking', async () => {
    const { client, ask } = await servingThings(['a'])
    for (const kind of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
    ]) {
      const body = JSON.stringify({ ids: ['a'] })
      const answer = await ask('POST', '/collections/things/batch_delete', body, {
        origin,
        'content-type': kind,
      })
      expect(refusal(answer)).toStrictEqual({ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' })
    }
    expect(await idsOf(client)).toStrictEqual(['a'])
  })

  const bodiless = ['/collections/things/optimize', '/backups/keys', '/keys/rotate', '/expiry/resume']
  test.each(bodiless)('cannot make a server work by what browsers send without asking: %s', async (path) => {
    const { client, ask } = await serving({ backups: directory() }, { path: directory() })
    await client.createCollection('things', { dimension: 2 })
    const post = (headers: Record<string, string>) => ask('POST', path, undefined, headers)
    const kinds = ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']
    const unasked: Record<string, string>[] = [
      { origin },
      { origin: 'null' },
      ...kinds.map((kind) => ({ 'content-type': kind })),
      ...kinds.map((kind) => ({ origin, 'content-type': kind })),
    ]
    for (const headers of unasked) {
      const answer = await post(headers)
      expect(refusal(answer)).toStrictEqual({ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' })
    }
    // Who is no browser, and a page that its browser has asked for.
    const asked: Record<string, string>[] = [{}, { 'content-type': 'application/json' }]
    for (const headers of asked) {
      expect((await post(headers)).status).toBe(200)
      expect((await post({ ...headers, 'sec-fetch-mode': 'cors' })).status).toBe(200)
    }
    expect((await post({ origin, 'content-type': 'application/json' })).status).toBe(200)
  })

  test('have no route to change anything by that takes no body, but those that browsers ask for', async () => {
    const { ask } = await serving()
    const { paths } = (await ask('GET', '/openapi.json')).json
    const all = Object.entries<Record<string, { requestBody?: object }>>(paths).flatMap(([path, { post }]) =>
      post && !post.requestBody ? [path] : [],
    )
    const routes = ['/backups/keys', '/collections/{collection}/optimize', '/expiry/resume', '/keys/rotate']
    expect(all.sort()).toStrictEqual(routes)
  })
})
