// HTTP as it is on the wire: what is malformed, and what comes in a row.
import { idsOf } from '../support/collections'
import { inFlight, servingThings } from '../support/http'
import { jsonLines, lines, Wire } from '../support/wire'

const INSERT = '/collections/things/insert'
const A = '/collections/things/vectors/a'
const JSON_KIND = { 'content-type': 'application/json' }

describe('what is not HTTP', () => {
  test.each([
    ['noise', ['\u0001\u0002\u0003', '', '']],
    ['a greeting', ['EHLO localhost', '', '']],
    ['TLS', ['\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003', '', '']],
    ['HTTP/2', ['PRI * HTTP/2.0', '', 'SM', '', '']],
    ['a version that does not exist', [`DELETE ${A} HTTP/9.9`, 'host: localhost', '', '']],
    ['no version', [`DELETE ${A}`, 'host: localhost', '', '']],
    ['a method of two words', [`DELETE NOW ${A} HTTP/1.1`, 'host: localhost', '', '']],
    ['a header without a colon', [`DELETE ${A} HTTP/1.1`, 'host localhost', '', '']],
    ['a header without a name', [`DELETE ${A} HTTP/1.1`, ': x', 'host: localhost', '', '']],
    ['a header with a space in its name', [`DELETE ${A} HTTP/1.1`, 'ho st: localhost', '', '']],
    ['a folded header', [`DELETE ${A} HTTP/1.1`, 'host: localhost', 'x: 1', ' 2', '', '']],
    ['a null in a header', [`DELETE ${A} HTTP/1.1`, 'host: local\u0000host', '', '']],
  ])('such as %s is refused, the connection is closed, and nothing happens', async (_, said) => {
    const { client, server, ask } = await servingThings(['a'])
    const wire = await Wire.to(server)
    wire.say(...said)
    expect([undefined, 400]).toContain((await wire.answer())?.status)
    await wire.end()
    expect(await idsOf(client)).toStrictEqual(['a'])
    expect((await ask('GET', '/health')).status).toBe(200)
  })

  test.each([
    ['no number', { 'content-length': 'ten' }],
    ['a negative length', { 'content-length': '-1' }],
    ['a sign', { 'content-length': '+10' }],
    ['hexadecimal', { 'content-length': '0x10' }],
    ['more than can be counted', { 'content-length': '99999999999999999999' }],
    ['two lengths', { 'content-length': '10', 'Content-Length': '20' }],
    ['two lengths in one', { 'content-length': '10, 20' }],
    ['an unknown coding', { 'transfer-encoding': 'gzip' }],
    ['a coding behind chunked', { 'transfer-encoding': 'chunked, gzip' }],
  ])('such as a length that is %s is refused', async (_, headers) => {
    const { client, server } = await servingThings(['a'])
    const wire = await Wire.to(server)
    wire.say(...lines('POST', INSERT, { ...JSON_KIND, ...headers }, '{"id":"b","vector":[1,2]}'))
    expect([undefined, 400, 501]).toContain((await wire.answer())?.status)
    await wire.end()
    expect(await idsOf(client)).toStrictEqual(['a'])
  })

  test.each([
    ['no number', 'x\r\n{"id":"b"}\r\n0\r\n\r\n'],
    ['too many digits', `${'f'.repeat(17)}\r\n{}\r\n0\r\n\r\n`],
    ['a negative number', '-5\r\n{}\r\n0\r\n\r\n'],
    ['too short', '2\r\n{"id":"b","vector":[1,2]}\r\n0\r\n\r\n'],
  ])('such as a chunk whose length is %s is refused', async (_, body) => {
    const { client, server, ask } = await servingThings(['a'])
    const wire = await Wire.to(server)
    wire.say(...lines('POST', INSERT, { ...JSON_KIND, 'transfer-encoding': 'chunked' }, body))
    expect([undefined, 400]).toContain((await wire.answer())?.status)
    await wire.end()
    expect(await idsOf(client)).toStrictEqual(['a'])
    expect((await ask('GET', '/health')).status).toBe(200)
  })
})

describe('a head', () => {
  test.each([
    ['a header of a megabyte', { 'x-large': 'x'.repeat(1 << 20) }],
    ['a header without end', { 'x-large': 'x'.repeat(4 << 20) }],
    ['a thousand headers', Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`x-${i}`, 'x']))],
  ])('with %s is refused', async (_, headers) => {
    const { client, server, ask } = await servingThings(['a'])
    const wire = await Wire.to(server)
    wire.say(...lines('DELETE', A, headers))
    expect([undefined, 431]).toContain((await wire.answer())?.status)
    await wire.end()
    expect(await idsOf(client)).toStrictEqual(['a'])
    expect((await ask('GET', '/health')).status).toBe(200)
  })

  test('with a path of a megabyte is refused', async () => {
    const { server, ask } = await servingThings()
    const wire = await Wire.to(server)
    wire.say(...lines('DELETE', `/collections/things/vectors/${'x'.repeat(1 << 20)}`))
    expect([undefined, 414, 431]).toContain((await wire.answer())?.status)
    await wire.end()
    expect((await ask('GET', '/health')).status).toBe(200)
  })

  test('may come in pieces of one byte', async () => {
    const { client, server } = await servingThings(['a', 'b'])
    const wire = await Wire.to(server)
    wire.socket.setNoDelay(true)
    for (const byte of lines('DELETE', A).join('\r\n')) {
      await new Promise<void>((resolve) => wire.socket.write(byte, () => resolve()))
    }
    expect((await wire.answer())?.status).toBe(200)
    expect(await idsOf(client)).toStrictEqual(['b'])
  })
})

describe('requests on one connection', () => {
  test('are answered one after another, whatever the answer was', async () => {
    const { client, server } = await servingThings(['a'])
    const wire = await Wire.to(server)
    const asked: [string[], number][] = [
      [lines('GET', '/health'), 200],
      [lines('GET', '/no/such/route'), 404],
      [lines('DELETE', '/health'), 405],
      [lines('DELETE', `${A}?b`), 400],
      [jsonLines('POST', INSERT, { vector: [1, 2, 3] }), 400],
      [jsonLines('POST', INSERT, { id: 'b', vector: [1, 2] }), 200],
      [lines('DELETE', A), 200],
      [lines('DELETE', A), 404],
      [lines('GET', '/health', { host: 'evil.example' }), 403],
    ]
    for (const [said, status] of asked) {
      wire.say(...said)
      const answer = await wire.answer()
      expect(answer?.status).toBe(status)
      expect(answer?.headers).not.toHaveProperty('connection')
    }
    expect(await idsOf(client)).toStrictEqual(['b'])
  })

  test('may be sent before the answers are there, and are answered in order', async () => {
    const { client, server } = await servingThings()
    const wire = await Wire.to(server)
    const ids = Array.from({ length: 100 }, (_, i) => `${i}`)
    const all = ids.flatMap((id, i) => [
      jsonLines('POST', INSERT, { id, vector: [1, i] }),
      lines('GET', `/collections/things/vectors/${id}`),
      lines('DELETE', `/collections/things/vectors/${id}`),
      lines('DELETE', `/collections/things/vectors/${id}`),
    ])
    wire.say(all.map((said) => said.join('\r\n')).join(''))
    for (const [i, id] of ids.entries()) {
      expect((await wire.answer())?.json).toStrictEqual({ id, status: 'inserted' })
      expect((await wire.answer())?.json).toMatchObject({ id, vector: [1, i] })
      expect((await wire.answer())?.json.message).toContain(`'${id}' deleted`)
      expect((await wire.answer())?.json.error.code).toBe('VECTOR_NOT_FOUND')
    }
    expect(await client.count('things')).toBe(0)
  })

  test('are done as a whole or not at all where the client goes away', async () => {
    const { client, server } = await servingThings()
    const ids = Array.from({ length: 100 }, (_, i) => `${i}`)
    const vectors = ids.map((id) => ({ id, vector: [1, 2] }))
    for (let round = 0; round < 30; round++) {
      const wire = await Wire.to(server)
      wire.say(...jsonLines('POST', '/collections/things/batch_insert', { vectors }))
      wire.say(...jsonLines('POST', '/collections/things/batch_delete', { ids }))
      wire.socket.destroySoon()
      expect([0, 100]).toContain(await client.count('things'))
    }
    await inFlight(server.url, 0)
    expect([0, 100]).toContain(await client.count('things'))
  })

  test('end with the connection where the client wants it, and in HTTP/1.0', async () => {
    const { server } = await servingThings()
    for (const said of [lines('GET', '/health', { connection: 'close' }), ['GET /health HTTP/1.0', '', '']]) {
      const wire = await Wire.to(server)
      wire.say(...said)
      expect((await wire.answer())?.json.status).toBe('ok')
      await wire.end()
    }
  })

  /** A delete of `a`, as it may be hidden in what is no request. */
  const hidden = lines('DELETE', A).join('\r\n')
  test.each<[string, string[]]>([
    [
      'a route that takes no body',
      lines('DELETE', '/collections/things/vectors/b', { 'content-length': hidden.length }, hidden),
    ],
    ['a route that is none', lines('POST', '/no/such/route', { 'content-length': hidden.length }, hidden)],
    ['a GET', lines('GET', '/health', { 'content-length': hidden.length }, hidden)],
    ['a method that is not allowed', lines('POST', '/health', { 'content-length': hidden.length }, hidden)],
    [
      'a body that is no JSON',
      lines('POST', INSERT, { ...JSON_KIND, 'content-length': hidden.length }, hidden),
    ],
    ['a body of another kind', lines('POST', INSERT, { 'content-length': hidden.length }, hidden)],
    [
      'chunks',
      lines(
        'GET',
        '/health',
        { 'transfer-encoding': 'chunked' },
        `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`,
      ),
    ],
    [
      'a query that is wrong',
      lines('DELETE', '/collections/things/vectors/b?x', { 'content-length': hidden.length }, hidden),
    ],
  ])('are never what is in a body: that of %s', async (_, said) => {
    const { client, server } = await servingThings(['a', 'b'])
    const wire = await Wire.to(server)
    wire.say(...said)
    expect(await wire.answer()).toBeDefined()
    wire.say(...lines('GET', '/collections/things/vectors/none', { connection: 'close' }))
    const next = await wire.answer()
    // The connection was closed, or goes on where the body ends.
    expect([undefined, 'VECTOR_NOT_FOUND']).toContain(next?.json.error.code)
    await wire.end()
    expect(await idsOf(client)).toContain('a')
  })

  test('are never what is behind a chunked body that also has a length', async () => {
    const { client, server } = await servingThings(['a', 'b'])
    const wire = await Wire.to(server)
    const both = { ...JSON_KIND, 'content-length': 5, 'transfer-encoding': 'chunked' }
    wire.say(...lines('POST', INSERT, both, `0\r\n\r\n${hidden}`))
    await wire.answer()
    wire.say(...lines('GET', '/health', { connection: 'close' }))
    await wire.end()
    expect(await idsOf(client)).toStrictEqual(['a', 'b'])
  })
})
