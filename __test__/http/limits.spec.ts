// What bodies may take of the server: bytes, and time.
import { inFlight, refusal, servingThings } from '../support/http'
import { lines, Wire } from '../support/wire'

const JSON_KIND = { 'content-type': 'application/json' }
const TOO_LARGE = { status: 413, code: 'PAYLOAD_TOO_LARGE' }

/** A text of a request body of so many bytes. */
const bodyOf = (bytes: number, id = 'a') => {
  const body = JSON.stringify({ id, vector: [1, 2], metadata: { filler: '' } })
  return body.replace('""', `"${'x'.repeat(bytes - body.length)}"`)
}

const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`
const path = '/collections/things/insert'

describe('a body', () => {
  test('may have as many bytes as are allowed, and not one more', async () => {
    const { client, ask } = await servingThings([], { maxBodyBytes: 1000, maxBufferedBytes: 1000 })
    expect((await ask('POST', path, bodyOf(1000, 'whole'))).status).toBe(200)
    const answer = await ask('POST', path, bodyOf(1001))
    expect(refusal(answer)).toStrictEqual(TOO_LARGE)
    expect(answer.json.message).toContain('1000')
    expect((await client.listVectors('things')).vectors.map(({ id }) => id)).toStrictEqual(['whole'])
  })

  test('is refused by its announced length, before it is sent or asked for', async () => {
    const { server } = await servingThings([], { maxBodyBytes: 1000 })
    for (const expect100 of [{}, { expect: '100-continue' }]) {
      for (const length of ['1001', '67108864', '9007199254740993']) {
        const wire = await Wire.to(server)
        wire.say(...lines('POST', path, { ...JSON_KIND, 'content-length': length, ...expect100 }))
        expect(refusal((await wire.answer()) as never)).toStrictEqual(TOO_LARGE)
      }
    }
  })

  test('is refused in the middle where no length is announced', async () => {
    const { client, server } = await servingThings([], { maxBodyBytes: 1000 })
    const chunked = { ...JSON_KIND, 'transfer-encoding': 'chunked' }
    const whole = await Wire.to(server)
    const text = bodyOf(1000, 'whole')
    whole.say(...lines('POST', path, chunked, chunk(text.slice(0, 500)) + chunk(text.slice(500)) + chunk('')))
    expect((await whole.answer())?.status).toBe(200)

    const endless = await Wire.to(server)
    endless.say(...lines('POST', path, chunked, chunk(bodyOf(600).slice(0, 600))))
    await inFlight(server.url, 1)
    endless.say(chunk('x'.repeat(600)))
    expect(refusal((await endless.answer()) as never)).toStrictEqual(TOO_LARGE)
    expect(await client.count('things')).toBe(1)
  })

  const withKey = { 'x-api-key': 'key' }
  test.each<[string, number, string, string, Record<string, string>]>([
    ['is too large', 413, 'POST', path, { ...JSON_KIND, ...withKey }],
    ['is of another kind', 415, 'POST', path, { 'content-type': 'text/plain', ...withKey }],
    ['comes without the key', 401, 'POST', path, JSON_KIND],
    ['goes nowhere', 404, 'POST', '/no/such/route', { ...JSON_KIND, ...withKey }],
    ['has another method', 405, 'PUT', path, { ...JSON_KIND, ...withKey }],
  ])(
    'that %s is refused so that who sends it all before reading is told',
    async (_, status, method, to, headers) => {
      const { server } = await servingThings([], { maxBodyBytes: 1000, apiKey: 'key' })
      // More than fits into the buffers of a connection.
      const bytes = new Uint8Array(8 << 20).fill(0x20)
      // With its length announced, and in chunks.
      for (const body of [bytes, new Blob([bytes]).stream()]) {
        const sent = { method, headers, body, duplex: 'half' } as RequestInit
        const told = await fetch(server.url + to, sent).then(
          (answer) => answer.status,
          ({ cause }) => cause.code,
        )
        expect(told).toBe(status)
      }
    },
  )

  test('of up to 64 MiB is taken by default', async () => {
    const { ask, server } = await servingThings()
    const size = 64 * 2 ** 20
    expect((await ask('POST', path, bodyOf(size))).status).toBe(200)
    const wire = await Wire.to(server)
    wire.say(...lines('POST', path, { ...JSON_KIND, 'content-length': size + 1 }))
    expect((await wire.answer())?.status).toBe(413)
  })

  test.each([
    ['no kind', {}],
    ['an empty kind', { 'content-type': '' }],
    ['text', { 'content-type': 'text/plain' }],
    ['text that says JSON', { 'content-type': 'text/json' }],
    ['almost JSON', { 'content-type': 'application/jsonx' }],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['bytes', { 'content-type': 'application/octet-stream' }],
    ['a parameter that is JSON', { 'content-type': 'text/plain; application/json' }],
  ])('of %s is refused unread', async (_, kind) => {
    const { client, server } = await servingThings()
    const wire = await Wire.to(server)
    wire.say(...lines('POST', path, { ...kind, 'content-length': 100, expect: '100-continue' }))
    expect(refusal((await wire.answer()) as never)).toStrictEqual({
      status: 415,
      code: 'UNSUPPORTED_MEDIA_TYPE',
    })
    expect(await client.count('things')).toBe(0)
  })

  test.each([
    'application/json',
    'application/json; charset=utf-8',
    'Application/JSON',
    'application/json ;x="y"',
  ])('of the kind %s is read', async (kind) => {
    const { ask } = await servingThings()
    expect((await ask('POST', path, { vector: [1, 2] }, { 'content-type': kind })).status).toBe(200)
  })

  test('that is awaited is asked for', async () => {
    const { server } = await servingThings()
    const wire = await Wire.to(server)
    const text = bodyOf(200)
    wire.say(...lines('POST', path, { ...JSON_KIND, 'content-length': 200, expect: '100-continue' }))
    expect((await wire.answer())?.status).toBe(100)
    wire.say(text)
    expect((await wire.answer())?.status).toBe(200)
  })

  test('that comes too slowly is given up, though something comes all the time', async () => {
    const { client, server } = await servingThings([], { bodyTimeout: 300 })
    const wire = await Wire.to(server)
    wire.say(...lines('POST', path, { ...JSON_KIND, 'content-length': 1_000_000 }))
    const dribbling = setInterval(() => wire.say(' '), 10)
    const answer = await wire.answer()
    clearInterval(dribbling)
    expect(refusal(answer as never)).toStrictEqual({ status: 408, code: 'REQUEST_TIMEOUT' })
    expect(answer?.headers.connection).toBe('close')
    await wire.end()
    expect(await client.count('things')).toBe(0)
  })

  test('that ends too early inserts nothing', async () => {
    const { client, server } = await servingThings()
    const wire = await Wire.to(server)
    wire.say(...lines('POST', path, { ...JSON_KIND, 'content-length': 1000 }, bodyOf(100)))
    await inFlight(server.url, 1)
    wire.socket.end()
    expect([undefined, 400]).toContain((await wire.answer())?.status)
    expect(await client.count('things')).toBe(0)
  })

  test.each([
    ['is not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ['is UTF-16', Buffer.from('{"vector":[1,2]}', 'utf16le')],
    ['is compressed', Buffer.from([0x1f, 0x8b, 0x08, 0x00])],
    ['nests 100,000 deep', Buffer.from(`{"metadata":${'['.repeat(100_000)}`)],
    ['nests in what is not known', Buffer.from(`{"other":${'{"a":'.repeat(100_000)}`)],
    ['has a number that is too large', Buffer.from('{"vector":[1,1e400]}')],
    ['has a number that a vector cannot hold', Buffer.from('{"vector":[1,1e39]}')],
    ['has NaN', Buffer.from('{"vector":[1,NaN]}')],
    ['has a limit that is too large', Buffer.from('{"vector":[1,2],"id":99999999999999999999}')],
  ])('that %s is refused, and the server goes on', async (_, bytes) => {
    const { client, ask, server } = await servingThings()
    const wire = await Wire.to(server)
    wire.say(...lines('POST', path, { ...JSON_KIND, 'content-length': bytes.length }))
    wire.socket.write(bytes)
    expect(refusal((await wire.answer()) as never)).toStrictEqual({ status: 400, code: 'VALIDATION_ERROR' })
    expect((await ask('GET', '/health')).status).toBe(200)
    expect(await client.count('things')).toBe(0)
  })
})

describe('all bodies together', () => {
  test('have so much space: who comes too late is told to try again', async () => {
    const { server, ask } = await servingThings([], { maxBodyBytes: 64 << 10, maxBufferedBytes: 64 << 10 })
    const small = () => ask('POST', path, bodyOf(8 << 10))
    const large = bodyOf(64 << 10, 'large')
    const begun = lines(
      'POST',
      path,
      { ...JSON_KIND, 'content-length': large.length },
      large.slice(0, 60 << 10),
    )
    let wire = (await Wire.to(server)).say(...begun)
    let answer = await small()
    // Until the server has read it all. The small one may be in its way: then it is sent again.
    while (answer.status === 200) {
      if (wire.received !== '') wire = (await Wire.to(server)).say(...begun)
      answer = await small()
    }
    expect(refusal(answer)).toStrictEqual({ status: 503, code: 'OVERLOADED' })
    expect(answer.headers['retry-after']).toMatch(/^[1-9]\d*$/)
    // What has no body, or a small one, is served.
    expect((await ask('GET', '/health')).status).toBe(200)
    expect((await ask('POST', path, bodyOf(200))).status).toBe(200)

    wire.say(large.slice(60 << 10))
    expect((await wire.answer())?.status).toBe(200)
    expect((await small()).status).toBe(200)
  })

  test('get their space back from clients that go away, are refused, or are done', async () => {
    const { server, ask } = await servingThings([], { maxBodyBytes: 64 << 10, maxBufferedBytes: 64 << 10 })
    const large = bodyOf(64 << 10)
    // Each round needs the whole space.
    for (let round = 0; round < 30; round++) {
      const announced =
        round % 3 === 0 ? { 'content-length': large.length } : { 'transfer-encoding': 'chunked' }
      const sent = round % 3 === 0 ? large.slice(0, 60 << 10) : chunk(large)
      const begun = lines('POST', path, { ...JSON_KIND, ...announced }, sent)
      const begin = async () => (await Wire.to(server)).say(...begun)
      let wire = await begin()
      if (round % 3 === 2) {
        let refused = await wire.say(chunk('x')).answer()
        // What the round before sent last may be read only now, and have the space for a moment.
        while (refused?.status === 503) {
          wire = await begin()
          refused = await wire.say(chunk('x')).answer()
        }
        expect(refused).toMatchObject({ status: 413 })
      }
      wire.socket.destroy()
      let answer = await ask('POST', path, large)
      while (answer.status === 503) answer = await ask('POST', path, large)
      expect(answer.status).toBe(200)
    }
  })
})
