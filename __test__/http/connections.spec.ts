// Connections: how long one may do nothing, and how many there may be.
import { once } from 'node:events'
import { connect } from 'node:net'
import { connected, serving } from '../support/http'
import { jsonLines, lines, Wire } from '../support/wire'

describe('a connection', () => {
  test.each([
    ['says nothing', []],
    ['says half a head', ['GET /health HTTP/1.1', 'host: local']],
    ['says one byte', ['G']],
  ])('on which a client %s is closed', async (_, said) => {
    const { server } = await serving({ headerTimeout: 200 })
    const wire = await Wire.to(server)
    wire.say(...said)
    await wire.end()
  })

  test('on which a head comes byte by byte is closed', async () => {
    const { server } = await serving({ headerTimeout: 200 })
    const wire = await Wire.to(server)
    wire.say('GET /health HTTP/1.1\r\nx-dribble: ')
    const dribbling = setInterval(() => wire.socket.write('x'), 10)
    await wire.end()
    clearInterval(dribbling)
  })

  test('that is idle after an answer is closed', async () => {
    const { server } = await serving({ headerTimeout: 200 })
    const asked = async () => (await Wire.to(server)).say(...lines('GET', '/health'))
    let wire = await asked()
    let answer = await wire.answer()
    // It may be idle for too long before it is used.
    while (answer === undefined) {
      wire = await asked()
      answer = await wire.answer()
    }
    expect(answer.status).toBe(200)
    await wire.end()
  })

  test('on which the answer is not taken is closed', async () => {
    const { client, server } = await serving({ writeTimeout: 200 })
    await client.createCollection('things', { dimension: 1 })
    const metadata = { filler: 'x'.repeat(1 << 20) }
    await client.insertVectors(
      'things',
      Array.from({ length: 24 }, (_, i) => ({ id: `${i}`, data: [1], metadata })),
    )
    // 24 MB, which no buffers of sockets hold.
    const socket = connect(server.port, server.address)
    socket.pause()
    await once(socket, 'connect')
    socket.write(lines('GET', '/collections/things/vectors?limit=24').join('\r\n'))
    await connected(server.url, 0)
    let received = 0
    socket.on('data', (part) => {
      received += part.length
    })
    socket.on('error', () => {})
    socket.resume()
    await once(socket, 'close')
    expect(received).toBeLessThan(24 << 20)
  })

  test('waits for room where there is none, and is then served', async () => {
    const { server } = await serving({ maxConnections: 2 })
    const [first, second] = [await Wire.to(server), await Wire.to(server)]
    for (const wire of [first, second]) {
      wire.say(...lines('GET', '/health'))
      expect((await wire.answer())?.status).toBe(200)
    }
    const third = await Wire.to(server)
    third.say(...lines('GET', '/health'))
    for (let i = 0; i < 50; i++) {
      first.say(...lines('GET', '/metrics'))
      expect((await first.answer())?.text).toContain('\nvectorizer_http_connections 2\n')
      expect(third.received).toBe('')
    }
    second.socket.destroy()
    expect((await third.answer())?.status).toBe(200)
  })

  test('that waits for room is closed with the server', async () => {
    const { server } = await serving({ maxConnections: 1 })
    const first = await Wire.to(server)
    first.say(...lines('GET', '/health'))
    await first.answer()
    const second = await Wire.to(server)
    second.say(...jsonLines('POST', '/embed', { text: 'a' }))
    await server.close()
    await Promise.all([first.end(), second.end()])
  })
})
