// Many clients at a time, slow ones among them, and what is left when the server is killed or ended.
import { Agent } from 'node:http'
import { join } from 'node:path'
import { client as opened } from '../support/collections'
import { directory } from '../support/disk'
import {
  type Ask,
  asking,
  commandServing,
  connected,
  elsewhereServing,
  ended,
  inFlight,
} from '../support/http'
import { type Random, seeded, whole } from '../support/random'
import { lines, Wire } from '../support/wire'

jest.setTimeout(300_000)

test('a thousand slow clients do not stop a fast one', async () => {
  // So much time that none of the slow ones is given up meanwhile, however slow this machine is.
  const never = 3_600_000
  const { url, ask, running } = await elsewhereServing({
    headerTimeout: never,
    bodyTimeout: never,
    writeTimeout: never,
  })
  await ask('POST', '/collections', { name: 'things', dimension: 2 })
  const metadata = { filler: 'x'.repeat(1 << 20) }
  const large = Array.from({ length: 4 }, (_, i) => ({ id: `large ${i}`, vector: [1, i], metadata }))
  await ask('POST', '/collections/things/batch_insert', { vectors: large })

  const { hostname, port } = new URL(url)
  const endless = { 'content-type': 'application/json', 'content-length': 1_000_000 }
  const slow: Wire[] = []
  for (let i = 0; i < 1000; i++) {
    const wire = await Wire.to({ address: hostname, port: Number(port) })
    slow.push(wire)
    if (i % 3 === 0) wire.say('GET /health HTTP/1.1\r\nx-slow: ')
    if (i % 3 === 1) wire.say(...lines('POST', '/embed', endless))
    // Every third says nothing, but for some that ask for much and do not take it.
    if (i % 60 === 2) wire.say(...lines('GET', '/collections/things/vectors?limit=4')).socket.pause()
  }
  let turn = 0
  const dribbling = setInterval(() => {
    for (let n = 0; n < 20; n++, turn++) if ((turn % 1000) % 3 < 2) slow[turn % 1000].socket.write(' ')
  }, 5)
  try {
    for (let i = 0; i < 300; i++) {
      const id = `${i}`
      const insert = await ask('POST', '/collections/things/insert', { id, vector: [1, i], metadata: { i } })
      const get = await ask('GET', `/collections/things/vectors/${i}`)
      const search = await ask('POST', '/collections/things/search', {
        vector: [1, i],
        limit: 3,
        filter: { i },
      })
      const remove = await ask('DELETE', `/collections/things/vectors/${i}`)
      const list = await ask('GET', '/collections')
      expect([insert, get, search, remove, list].map(({ status }) => status)).toStrictEqual(
        Array(5).fill(200),
      )
      expect(search.json.results[0].id).toBe(id)
    }
    expect(slow.filter(({ closed }) => closed)).toHaveLength(0)
    await connected(url, 1000)
  } finally {
    clearInterval(dribbling)
  }
  expect(running.child.exitCode).toBeNull()
})

type Contents = Map<string, { group: number }>

/** One of several clients, each with ids of its own. It remembers what was acknowledged. */
class Writer {
  /** What is there for sure, where nothing is under way. */
  known: Contents = new Map()
  /** What may be there instead: the request under way was done. */
  wanted: Contents | undefined
  acknowledged = 0
  readonly #random: Random
  #next = 0

  constructor(readonly name: string) {
    this.#random = seeded([...name].reduce((sum, char) => sum * 31 + char.charCodeAt(0), 7))
  }

  /** Writes until it is not answered any more. */
  async write(ask: Ask, told: () => void) {
    for (;;) {
      const [method, path, body, wanted] = this.#step()
      this.wanted = wanted
      const answer = await ask(method, path, body).catch(() => undefined)
      if (answer === undefined) return
      // The server is about to close: it was not done.
      if (answer.status === 503) this.wanted = undefined
      else {
        expect([answer.status, answer.text]).toStrictEqual([200, expect.anything()])
        this.known = wanted
        this.wanted = undefined
        this.acknowledged += 1
      }
      told()
    }
  }

  /** A request, and what is there when it is done. */
  #step(): [string, string, unknown, Contents] {
    const random = this.#random
    const wanted: Contents = new Map(this.known)
    const ids = [...wanted.keys()]
    const group = whole(random, 4)
    const made = (count: number) => Array.from({ length: count }, () => `${this.name} ${this.#next++}`)
    const row = (id: string) => ({ id, vector: [1, group + 1], metadata: { owner: this.name, group } })
    const at = '/collections/things'
    const dice = ids.length > 60 ? 0.5 + random() / 2 : random()
    if (dice < 0.25 || ids.length === 0) {
      const [id] = made(1)
      return ['POST', `${at}/insert`, row(id), wanted.set(id, { group })]
    }
    if (dice < 0.4) {
      const some = made(1 + whole(random, 20))
      for (const id of some) wanted.set(id, { group })
      return ['POST', `${at}/batch_insert`, { vectors: some.map(row) }, wanted]
    }
    if (dice < 0.5) {
      const id = ids[whole(random, ids.length)]
      const { metadata } = row(id)
      return ['PUT', `${at}/vectors/${encodeURIComponent(id)}`, { metadata }, wanted.set(id, { group })]
    }
    if (dice < 0.7) {
      const id = ids[whole(random, ids.length)]
      wanted.delete(id)
      return ['DELETE', `${at}/vectors/${encodeURIComponent(id)}`, undefined, wanted]
    }
    if (dice < 0.85) {
      const some = ids.filter(() => random() < 0.3)
      for (const id of some) wanted.delete(id)
      return ['POST', `${at}/batch_delete`, { ids: some }, wanted]
    }
    for (const [id, one] of wanted) if (one.group === group) wanted.delete(id)
    return ['POST', `${at}/delete_by_filter`, { filter: { owner: this.name, group } }, wanted]
  }

  /** Ids that it made, and that are not there. */
  gone() {
    const ids = Array.from({ length: this.#next }, (_, i) => `${this.name} ${i}`)
    return ids.filter((id) => !this.known.has(id))
  }

  /** Compares with what is there, and goes on from it. */
  check(all: { id: string; metadata: { owner: string; group: number } }[]) {
    const own = all.filter(({ metadata }) => metadata.owner === this.name)
    const found: Contents = new Map(own.map(({ id, metadata }) => [id, { group: metadata.group }]))
    const sorted = (contents: Contents) => [...contents].sort(([a], [b]) => (a < b ? -1 : 1))
    const wasDone = this.wanted !== undefined && same(sorted(found), sorted(this.wanted))
    // The request under way happened as a whole, or not at all; everything before it did.
    if (!wasDone) expect(sorted(found)).toStrictEqual(sorted(this.known))
    this.known = found
    this.wanted = undefined
  }
}

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)
const COUNT = 1_000_000

/** All writers at once, each on a connection of its own, until the server is gone; `told` at each answer. */
async function writeAll(url: string, writers: Writer[], told: () => void) {
  const agents = writers.map(() => new Agent({ keepAlive: true, maxSockets: 1 }))
  await Promise.all(writers.map((writer, i) => writer.write(asking(url, agents[i]), told)))
  for (const agent of agents) agent.destroy()
}

const writersOf = (count: number) => Array.from({ length: count }, (_, i) => new Writer(`writer${i}`))

test.each(['everysec', 'always'])(
  'a server that is killed under load has lost nothing that it acknowledged (fsync %s)',
  async (fsync) => {
    const data = join(directory(), 'store')
    const writers = writersOf(6)
    const random = seeded(fsync.length)
    for (let round = 0; round < 8; round++) {
      const { running, url, ask } = await commandServing(['--data', data, '--fsync', fsync])
      if (round === 0) await ask('POST', '/collections', { name: 'things', dimension: 2 })
      else {
        const { json } = await ask('POST', '/collections/things/search', { query: '', limit: COUNT })
        for (const writer of writers) writer.check(json.results)
      }
      // At some moment of the work, in the middle of requests.
      let left = 20 + whole(random, 300)
      await writeAll(url, writers, () => {
        left -= 1
        if (left === 0) running.child.kill('SIGKILL')
      })
      expect(await running.ended).toMatchObject({ signal: 'SIGKILL' })
    }
    const client = opened({ path: data })
    const rest = await client.search('things', '', { limit: COUNT })
    for (const writer of writers) {
      writer.check(rest as never)
      expect(writer.acknowledged).toBeGreaterThan(8)
    }
    // And nothing is left of what was deleted, whenever that was interrupted.
    const gone = writers.flatMap((writer) => writer.gone())
    expect(gone.length).toBeGreaterThan(8)
    expect(await client.verifyErased('things', gone)).toStrictEqual({ verified: true, residues: [] })
  },
)

test.each(['SIGTERM', 'SIGINT'] as const)('%s under load loses nothing that was answered', async (signal) => {
  const data = join(directory(), 'store')
  const writers = writersOf(6)
  for (let round = 0; round < 3; round++) {
    const { running, url, ask } = await commandServing(['--data', data])
    if (round === 0) await ask('POST', '/collections', { name: 'things', dimension: 2 })
    let left = 100 + 50 * round
    await writeAll(url, writers, () => {
      left -= 1
      if (left === 0) running.child.kill(signal)
    })
    expect(await running.ended).toMatchObject({ code: 0, signal: null, stderr: '' })
    // The lock is released: the store can be opened here.
    const client = opened({ path: data })
    const all = await client.search('things', '', { limit: COUNT })
    for (const writer of writers) writer.check(all as never)
    await client.close()
  }
})

test.each(['SIGTERM', 'SIGINT'] as const)('%s lets every request under way be answered', async (signal) => {
  const data = join(directory(), 'store')
  const { running, url, ask } = await commandServing(['--data', data])
  await ask('POST', '/collections', { name: 'things', dimension: 2 })
  const { hostname, port } = new URL(url)
  const ids = Array.from({ length: 40 }, (_, i) => `${i}`)
  const bodies = ids.map((id, i) => JSON.stringify({ id, vector: [1, i] }))
  const wires = await Promise.all(
    ids.map(async (_, i) => {
      const wire = await Wire.to({ address: hostname, port: Number(port) })
      const head = { 'content-type': 'application/json', 'content-length': bodies[i].length }
      return wire.say(...lines('POST', '/collections/things/insert', head, bodies[i].slice(0, i % 5)))
    }),
  )
  await inFlight(url, 40)
  running.child.kill(signal)
  await ended(url)
  for (const [i, wire] of wires.entries()) wire.say(bodies[i].slice(i % 5))
  const answers = await Promise.all(wires.map((wire) => wire.answer()))
  expect(answers.map((answer) => answer?.json)).toStrictEqual(ids.map((id) => ({ id, status: 'inserted' })))
  expect(await running.ended).toMatchObject({ code: 0, signal: null, stderr: '' })
  expect(await opened({ path: data }).count('things')).toBe(40)
})
