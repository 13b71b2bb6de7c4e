// What a listener is told of a long insert, and of the work on an index.
import type { InsertProgress, OptimizeProgress } from '../..'
import { client as opened, things } from '../support/collections'
import { directory } from '../support/disk'
import { rejection } from '../support/rejection'

const COUNT = 5000
const ids = Array.from({ length: COUNT }, (_, i) => `id ${i}`)
const data = new Float32Array(2 * COUNT).fill(1)

/** That each phase goes on to its end, one after the other. */
function expectPhases(seen: InsertProgress[], phases: [InsertProgress['phase'], number][]) {
  const order = seen.map(({ phase }) => phase).filter((phase, i, all) => phase !== all[i - 1])
  expect(order).toStrictEqual(phases.map(([phase]) => phase))
  for (const [phase, total] of phases) {
    const part = seen.filter((one) => one.phase === phase)
    expect(part.every((one) => one.total === total)).toBe(true)
    expect(part.map(({ done }) => done)).toStrictEqual(part.map(({ done }) => done).sort((a, b) => a - b))
    expect(part.at(-1)).toStrictEqual({ phase, done: total, total })
  }
}

describe('an insert', () => {
  test.each(['in memory', 'on disk'])(
    'tells how many vectors are prepared, and stored (%s)',
    async (where) => {
      const client = opened(where === 'on disk' ? { path: directory() } : {})
      await client.createCollection('things', { dimension: 2 })
      const seen: InsertProgress[] = []
      const onProgress = (progress: InsertProgress) => seen.push(progress)
      await client.insertVectors('things', { ids, data }, { onProgress })
      expectPhases(seen, [
        ['prepare', COUNT],
        ['insert', COUNT],
      ])
      expect(seen.length).toBeGreaterThan(6)
    },
  )

  test('of few vectors, or none, tells its end; an id that occurs twice is stored once', async () => {
    const client = await things()
    const seen: InsertProgress[] = []
    const onProgress = (progress: InsertProgress) => seen.push(progress)
    const twice = [
      { id: 'a', data: [1, 2] },
      { id: 'a', data: [3, 4] },
    ]
    await client.insertVectors('things', twice, { onProgress })
    expectPhases(seen.splice(0), [
      ['prepare', 2],
      ['insert', 1],
    ])
    await client.insertVectors('things', [], { onProgress })
    expectPhases(seen, [
      ['prepare', 0],
      ['insert', 0],
    ])
  })

  test('of texts tells of its embedder too', async () => {
    const client = opened({ embedder: async (texts) => texts.map((text) => [1, text.length]) })
    await client.createCollection('things', { dimension: 2 })
    const seen: InsertProgress[] = []
    const onProgress = (progress: InsertProgress) => seen.push(progress)
    await client.batchInsertText('things', ids.slice(0, 300), [], { onProgress })
    expect(seen.filter(({ phase }) => phase === 'embed').map(({ done }) => done)).toStrictEqual([
      128, 256, 300,
    ])
    expectPhases(seen.splice(0), [
      ['embed', 300],
      ['prepare', 300],
      ['insert', 300],
    ])
    await client.insertTexts('things', [{ id: 'a', text: 'a' }], { onProgress })
    expectPhases(seen, [
      ['embed', 1],
      ['prepare', 1],
      ['insert', 1],
    ])
  })

  test('with the built-in embedder tells of what is prepared, and stored', async () => {
    const client = await things()
    const seen: InsertProgress[] = []
    const onProgress = (progress: InsertProgress) => seen.push(progress)
    await client.batchInsertText('things', ['a', 'b'], undefined, { onProgress })
    expectPhases(seen, [
      ['prepare', 2],
      ['insert', 2],
    ])
  })

  test('that is refused tells nothing of being stored', async () => {
    const client = await things()
    const seen: InsertProgress[] = []
    const onProgress = (progress: InsertProgress) => seen.push(progress)
    const wrong = data.with(2 * COUNT - 1, Number.NaN)
    await expect(client.insertVectors('things', { ids, data: wrong }, { onProgress })).rejects.toThrow(
      'vectors.data[9999]',
    )
    expect(seen.every(({ phase, done }) => phase === 'prepare' && done < COUNT)).toBe(true)
    expect(await client.count('things')).toBe(0)
  })

  test('rejects with what its listener throws, and is done all the same', async () => {
    const client = await things()
    let told = 0
    const onProgress = () => {
      told += 1
      throw new RangeError(`thrown, time ${told}`)
    }
    const error = await rejection(client.insertVectors('things', { ids, data }, { onProgress }))
    expect(error.message).toBe('thrown, time 1')
    expect(await client.count('things')).toBe(COUNT)
  })
})

describe('optimize', () => {
  test('tells where it begins and where it ends', async () => {
    const client = await things()
    await client.insertVectors('things', { ids, data: data.map((_, i) => 1 + (i % 97)) })
    const seen: OptimizeProgress[] = []
    await client.optimize('things', { onProgress: (progress) => seen.push(progress) })

    expect(seen.length).toBeGreaterThanOrEqual(2)
    for (const { phase, done, total } of seen) {
      expect(['repair', 'insert', 'build', 'rewrite']).toContain(phase)
      expect(done).toBeLessThanOrEqual(total)
    }
    expect(seen.at(-1)).toMatchObject({ done: COUNT, total: COUNT })
  })

  test('rejects with what its listener throws, and is done all the same', async () => {
    const client = await things()
    await client.insertVectors('things', { ids, data })
    const onProgress = () => {
      throw new RangeError('thrown by the listener')
    }
    const error = await rejection(client.optimize('things', { onProgress }))
    expect(error.message).toBe('thrown by the listener')
    expect((await client.getCollectionInfo('things')).index.pending).toBe(0)
  })
})
