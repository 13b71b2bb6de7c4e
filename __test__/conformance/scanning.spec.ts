import {
  ClientClosedError,
  CollectionNotFoundError,
  type ScanBatch,
  type ScannedVector,
  ValidationError,
  type Vectorizer,
} from '../..'
import { seeded, shuffled, vector } from '../support/random'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'
import { engines } from './engines'

async function read(vectors: AsyncIterable<ScannedVector>): Promise<ScannedVector[]> {
  const all: ScannedVector[] = []
  for await (const one of vectors) all.push(one)
  return all
}

const ids = (vectors: { id: string }[]) => vectors.map(({ id }) => id)
const numbered = (count: number) => Array.from({ length: count }, (_, i) => `id ${100 + i}`)

describe.each(engines)('a scan with the client that is %s', (_, ready) => {
  const engine = ready()

  test.each([1, 3, 7, 12, 13, 1000])('in batches of %i yields all vectors, each once', async (batchSize) => {
    const client = await engine.holding(...numbered(12))
    const scanned = await read(client.scan('things', { batchSize }))
    expect(engine.arranged(ids(scanned))).toStrictEqual(numbered(12))
    expect(ids(scanned)).toStrictEqual(ids((await client.listVectors('things', 0, 12)).vectors))
    const things = await client.collection('things')
    expect(await read(things.scan({ batchSize }))).toStrictEqual(scanned)
  })

  test('yields what is asked for: metadata, texts, and vectors only with with_vector', async () => {
    const client = await engine.things()
    await client.insertVectors('things', [
      { id: 'a', data: [1, 2], metadata: { n: 1 }, text: 'one' },
      { id: 'b', data: [3, 4] },
    ])
    const all = async (options: object) => engine.arranged(await read(client.scan('things', options)))
    expect(await all({})).toStrictEqual([{ id: 'a', metadata: { n: 1 }, text: 'one' }, { id: 'b' }])
    expect(await all({ include_metadata: false })).toStrictEqual([{ id: 'a', text: 'one' }, { id: 'b' }])
    expect(await all({ with_vector: true })).toStrictEqual([
      { id: 'a', data: Float32Array.of(1, 2), metadata: { n: 1 }, text: 'one' },
      { id: 'b', data: Float32Array.of(3, 4) },
    ])
  })

  test('with a filter yields what matches', async () => {
    const client = await engine.holding(...numbered(20))
    const filters: [object, (place: number) => boolean][] = [
      [{ place: { $gte: 5, $lt: 15 } }, (place) => place >= 5 && place < 15],
      [{ name: numbered(20).filter((_, i) => i % 3 === 0) }, (place) => place % 3 === 0],
      [{ must: [{ has_id: numbered(20).slice(3, 9) }] }, (place) => place >= 3 && place < 9],
      [{ place: 99 }, () => false],
    ]
    for (const [filter, matches] of filters) {
      const expected = numbered(20).filter((_, place) => matches(place))
      for (const batchSize of [1, 4, 100]) {
        const scanned = await read(client.scan('things', { filter, batchSize }))
        expect(engine.arranged(ids(scanned))).toStrictEqual(expected)
      }
    }
    expect(await read((await client.collection('things')).scan({ filter: { place: 3 } }))).toHaveLength(1)
  })

  test('is not disturbed by what is deleted, replaced and updated meanwhile', async () => {
    const client = await engine.things()
    const random = seeded(23)
    const all = numbered(engine.isEmbedded ? 200 : 40)
    const row = (id: string) => ({ id, data: vector(random, 2), metadata: { version: 1 } })
    await client.insertVectors('things', all.map(row))
    // Whatever has been replaced before has another place in memory.
    for (const id of shuffled(random, all).slice(0, 10)) await client.insertVectors('things', [row(id)])
    const seen: string[] = []
    const left = new Set(all)
    const changed = new Set<string>()
    for await (const { id, metadata } of client.scan('things', { batchSize: 3 })) {
      seen.push(id)
      left.delete(id)
      expect(metadata).toStrictEqual({ version: changed.has(id) ? 2 : 1 })
      // Of those that are not read yet, as far as the next batches.
      const later = [...left].slice(6)
      const other = shuffled(random, later)[0]
      if (other === undefined) continue
      const dice = random()
      if (dice < 0.3) {
        await client.deleteVector('things', other)
        left.delete(other)
      } else if (dice < 0.6) {
        await client.updateVector('things', other, { metadata: { version: 2 } })
        changed.add(other)
      } else if (dice < 0.8) {
        await client.insertVectors('things', [{ ...row(other), metadata: { version: 2 } }])
        changed.add(other)
      } else await client.optimize('things')
    }
    expect(new Set(seen).size).toBe(seen.length)
    expect([...left]).toStrictEqual([])
  })

  test('of the embedded client has nothing that was inserted after it began', async () => {
    const client = await engine.holding(...numbered(5))
    const scanned: string[] = []
    for await (const { id } of client.scan('things', { batchSize: 2 })) {
      scanned.push(id)
      await client.insertVectors('things', [{ id: `new ${scanned.length}`, data: [2, scanned.length] }])
      if (scanned.length > 100) break
    }
    if (engine.isEmbedded) expect(scanned).toStrictEqual(numbered(5))
    else expect(scanned).toStrictEqual(expect.arrayContaining(numbered(5)))
  })

  test('reads nothing before it is asked, and nothing more when it is left', async () => {
    const client = await engine.holding(...numbered(9))
    const scanVectors = jest.spyOn(client, 'scanVectors')
    try {
      const scan = client.scan('things', { batchSize: 3 })
      expect(scanVectors).not.toHaveBeenCalled()
      for await (const _ of scan) break
      expect(scanVectors).toHaveBeenCalledTimes(1)
      expect(await scan.next()).toStrictEqual({ done: true, value: undefined })
      expect(scanVectors).toHaveBeenCalledTimes(1)
    } finally {
      scanVectors.mockRestore()
    }
  })

  test('goes on with the cursor of a batch, by whichever client', async () => {
    const client = await engine.holding(...numbered(7))
    const batches: ScanBatch[] = []
    for (let cursor: string | undefined = ''; cursor !== undefined; cursor = batches.at(-1)?.cursor)
      batches.push(await client.scanVectors('things', { limit: 3, ...(cursor && { cursor }) }))
    expect(batches.map(({ vectors }) => vectors.length)).toStrictEqual([3, 3, 1])
    expect(batches.map(({ cursor }) => typeof cursor)).toStrictEqual(['string', 'string', 'undefined'])
    expect(engine.arranged(ids(batches.flatMap(({ vectors }) => vectors)))).toStrictEqual(numbered(7))
    // A cursor may be used again.
    const [{ cursor }, second] = batches
    expect(await client.scanVectors('things', { limit: 3, ...(cursor && { cursor }) })).toStrictEqual(second)
  })

  test('ends with the collection, even where another one has its name', async () => {
    const client = await engine.holding(...numbered(5))
    const scan = client.scan('things', { batchSize: 2 })
    expect((await scan.next()).done).toBe(false)
    await client.deleteCollection('things')
    await client.createCollection('things', { dimension: 2 })
    await client.insertVectors('things', [{ id: 'other', data: [1, 2] }])
    expect((await scan.next()).done).toBe(false) // of the batch that was read
    expect(await rejection(scan.next())).toBeInstanceOf(CollectionNotFoundError)
    expect(await scan.next()).toStrictEqual({ done: true, value: undefined })
    expect(await rejection(read(client.scan('nowhere')))).toBeInstanceOf(CollectionNotFoundError)
  })

  test('rejects with what is wrong with its options', async () => {
    const client = untyped(await engine.holding('a'))
    const wrong: [object | null | string, string][] = [
      [{ batchSize: 0 }, 'options.batchSize'],
      [{ batchSize: 1.5 }, 'options.batchSize'],
      [{ batchsize: 1 }, 'batchsize'],
      [{ limit: 1 }, 'limit'],
      [{ filter: {} }, 'filter'],
      [{ filter: { a: { $gtt: 1 } } }, 'filter'],
      [{ with_vector: 'yes' }, 'with_vector'],
      [null, 'options'],
      ['all', 'options'],
    ]
    for (const [options, what] of wrong) {
      const scan: any = client.scan('things', options)
      const error = await rejection(scan.next())
      expect(error).toBeInstanceOf(ValidationError)
      expect(error.message).toContain(what)
    }
    for (const cursor of ['', 'x', '1-2', '1-2-3-4', '["a"]', '[1,2]', 'ffffffffffffffffff-0-0', 7, null]) {
      const error = await rejection(client.scanVectors('things', { cursor }))
      expect(error).toBeInstanceOf(ValidationError)
      expect(error.message).toContain('cursor')
    }
    expect(await rejection(client.scanVectors('things', { limit: 0 }))).toBeInstanceOf(ValidationError)
    expect(await rejection((client.scan(7) as any).next())).toBeInstanceOf(ValidationError)
  })

  test('is ended by a signal, and by the end of the client', async () => {
    const client = await engine.holding(...numbered(6))
    const controller = new AbortController()
    const scan = client.scan('things', { batchSize: 2, signal: controller.signal })
    await scan.next()
    await scan.next()
    controller.abort(new Error('enough'))
    await expect(scan.next()).rejects.toThrow('enough')
    const last = client.scan('things', { batchSize: 2 })
    await last.next()
    await last.next()
    await (client as Vectorizer).close()
    expect(await rejection(last.next())).toBeInstanceOf(ClientClosedError)
  })
})
