// The event loop beside calls: those that are done at once let it turn, and long ones keep no short
// one waiting.
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { availableParallelism } from 'node:os'
import { type VectorizerClient, VectorNotFoundError } from '../..'
import { client as opened, things } from '../support/collections'
import { atEnd } from '../support/ending'

/** More calls than can be made in any turn. */
const MANY = 100_000

describe('however many calls are awaited, timers and sockets get their turn between', () => {
  const row = (id: string, i: number) => ({ id, data: [1, i], metadata: { i } })
  const calls: Record<string, (client: VectorizerClient, i: number) => Promise<unknown>> = {
    ready: (client) => client.ready(),
    listCollections: (client) => client.listCollections(),
    'insertVectors, of one': (client, i) => client.insertVectors('things', [row('b', i)]),
    'insertVectors, of some': (client, i) =>
      client.insertVectors('things', [row('b', i), row('c', i), row('d', i)]),
    getVector: (client) => client.getVector('things', 'a'),
    count: (client) => client.count('things'),
    updateVector: (client, i) => client.updateVector('things', 'a', { metadata: { i } }),
    'updateVector with a text': (client) => client.updateVector('things', 'a', { text: 'a few words' }),
    search: (client) => client.search('things', [1, 1]),
    'deleteVector of what is not there': (client) =>
      expect(client.deleteVector('things', 'x')).rejects.toThrow(VectorNotFoundError),
    'batchDelete, of some': (client) => client.batchDelete('things', ['x', 'y']),
    'batchDelete, of many': (client) => client.batchDelete('things', Array(100).fill('x')),
    'calls of two clients': (client, i) => (i % 2 ? client : other).count('things'),
  }
  let other: VectorizerClient

  test.each(Object.keys(calls))('%s', async (name) => {
    const client = await things()
    other = await things()
    await client.insertVectors('things', [row('a', 1)])
    const server = createServer((socket) => socket.end('said'))
    atEnd(() => void server.close())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')

    const happened = new Set<string>()
    socket.on('data', () => happened.add('socket'))
    setTimeout(() => happened.add('timer'), 0)
    for (let i = 0; i < MANY && happened.size < 2; i++) await calls[name](client, i)
    expect([...happened].sort()).toStrictEqual(['socket', 'timer'])
    socket.destroy()
  })
})

test('calls that are not awaited are all done, and answered for what they did', async () => {
  const client = await things()
  // One turn of the event loop has time for a few hundred.
  const ids = Array.from({ length: 4000 }, (_, i) => `${i}`)
  await client.insertVectors('things', { ids, data: new Float32Array(8000).fill(1) })
  const wanted = [...ids, ...ids.slice(0, 1000)]
  const outcomes = await Promise.allSettled(wanted.map((id) => client.deleteVector('things', id)))
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(4000)
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
  expect(refused.every(({ reason }) => reason instanceof VectorNotFoundError)).toBe(true)
  expect(await client.count('things')).toBe(0)
})

test('long work keeps no short call of this or another client waiting', async () => {
  const [client, other] = [await things(256), opened()]
  await other.createCollection('others', { dimension: 2 })
  await client.insertVectors('things', [{ id: 'a', data: Array(256).fill(1), metadata: { k: 1 } }])
  const text = 'some words and more '.repeat(100_000)
  const ended: string[] = []
  const told = (name: string) => () => void ended.push(name)
  const each = Array.from({ length: availableParallelism() })
  const long = each.flatMap(() => [
    client.search('things', text).then(told('long')),
    client.searchText('things', { query: text }).then(told('long')),
    client.insertText('things', text).then(told('long')),
    client.updateVector('things', 'a', { text }).then(told('long')),
  ])
  await Promise.all([
    client.count('things').then(told('short')),
    other.listVectors('others').then(told('short')),
    other.search('others', 'a few words').then(told('short')),
    other.getCollectionInfo('others').then(told('short')),
  ])
  expect(ended).toStrictEqual(Array(4).fill('short'))
  await Promise.all(long)
})
