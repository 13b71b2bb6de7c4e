import { constants } from 'node:buffer'
import { ValidationError } from '../..'
import { holding, idsOf, client as opened, things } from '../support/collections'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'

test('the largest and smallest 32-bit floats are fine', async () => {
  const client = await things()
  const data = Float32Array.of(3.4028234663852886e38, 1e-45)
  await client.insertVectors('things', [{ id: 'a', data }])
  expect((await client.getVector('things', 'a')).data).toStrictEqual(data)
  expect((await client.search('things', data))[0].score).toBeCloseTo(1, 6)
})

test('a large insert keeps what the arguments were when it was called', async () => {
  const client = await things(64)
  const data = new Float32Array(64 * 2000).fill(1)
  const ids = Array.from({ length: 2000 }, (_, i) => `id ${i}`)
  const inserting = client.insertVectors('things', { ids, data })
  data.fill(2)
  ids.fill('after')
  await inserting

  const { vectors } = await client.listVectors('things', 0, 2000)
  expect(vectors.filter((one) => one.data.some((value) => value !== 1))).toStrictEqual([])
  expect(vectors.map(({ id }) => id)).toStrictEqual(Array.from({ length: 2000 }, (_, i) => `id ${i}`))
})

describe('lengths are compared before anything is copied', () => {
  const endless = (...first: unknown[]) => Object.assign(first, { length: 2 ** 32 - 1 })
  const long = new Float32Array(65_536).fill(1)

  test('a vector that no collection could hold is refused in the call', async () => {
    const client = untyped(await holding('a'))
    for (const data of [long, Array.from(long), endless(1, 2)]) {
      const { length } = data as unknown[]
      const calls = [
        client.insertVectors('things', [{ id: 'b', data }]),
        client.insertVectors('things', { ids: ['b'], data }),
        client.updateVector('things', 'a', { data }),
        client.search('things', data),
        client.searchVectors('things', { query_vector: data }),
        client.searchBatch('things', [data]),
      ]
      for (const error of await Promise.all(calls.map(rejection))) {
        expect(error).toBeInstanceOf(ValidationError)
        expect(error.message).toContain(`: ${length} values, where`)
      }
    }
    expect(await idsOf(client as never)).toStrictEqual(['a'])
  })

  test('lists without end are refused', async () => {
    const client = untyped(await holding('a'))
    const data = Float32Array.of(1, 2)
    const row = { id: 'b', data }
    const calls: Record<string, () => Promise<unknown>> = {
      rows: () => client.insertVectors('things', endless(row)),
      'ids of columns': () => client.insertVectors('things', { ids: endless('b'), data }),
      'metadata of columns': () =>
        client.insertVectors('things', { ids: ['b'], data, metadata: endless({}) }),
      'texts of columns': () => client.insertVectors('things', { ids: ['b'], data, texts: endless('b') }),
      texts: () => client.batchInsertText('things', endless('text')),
      'metadata of texts': () => client.batchInsertText('things', ['text'], endless({})),
      'texts with ids': () => client.insertTexts('things', endless({ id: 'b', text: 'text' })),
      'no texts with ids': () => client.insertTexts('things', endless()),
      queries: () => client.searchBatch('things', endless('text')),
      ids: () => client.batchDelete('things', endless('a')),
      'ids of a look': () => client.verifyErased('things', endless('a')),
      'a filter': () => client.deleteByFilter('things', { name: endless('a') }),
      metadata: () => client.insertVectors('things', [{ ...row, metadata: { list: endless(1) } }]),
    }
    for (const [name, call] of Object.entries(calls)) {
      const error = await rejection(call())
      expect([name, error.code]).toStrictEqual([name, 'VALIDATION_ERROR'])
    }
    expect(await idsOf(client as never)).toStrictEqual(['a'])
  })
})

test('what is beyond the longest string is refused by its limit, before a model is asked', async () => {
  let asked = 0
  const client = opened({
    embedder: (texts) => {
      asked += texts.length
      return texts.map(() => [1, 2])
    },
  })
  await client.createCollection('things', { dimension: 2 })
  const long = 'x'.repeat(constants.MAX_STRING_LENGTH >> 5)
  const error = await rejection(client.batchInsertText('things', Array(33).fill(long)))
  expect(error).toBeInstanceOf(ValidationError)
  expect(error.message).toMatch(/^too much for one call: .* 536870888 characters .*; give less at a time$/)
  expect([asked, await client.count('things')]).toStrictEqual([0, 0])
})

test('options in place of the number of a page are told from one', async () => {
  const client = untyped(await holding('a'))
  const error = await rejection(client.listVectors('things', { limit: 5 }))
  expect(error).toBeInstanceOf(ValidationError)
  expect(error.message).toBe(
    'page: expected a number, as in listVectors(collection, page, limit), got object',
  )
})
