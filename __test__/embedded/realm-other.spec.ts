// Another file of tests, realm.spec.ts, has a collection of the same name at the same time.
import { close, count, createCollection, insertVectors, listCollections, listVectors } from '../..'

const NAME = 'in both files'

afterEach(() => close())

test('the default client belongs to this file', async () => {
  expect(await listCollections()).toStrictEqual([])
  await createCollection(NAME, { dimension: 3 })
  for (let i = 0; i < 100; i++) {
    await insertVectors(NAME, [{ id: `there ${i}`, data: [1, 2, i] }])
    const { vectors } = await listVectors(NAME, 0, 1000)
    expect(vectors.map(({ id }) => id)).toStrictEqual(Array.from({ length: i + 1 }, (_, n) => `there ${n}`))
  }
  expect(await count(NAME)).toBe(100)
})

test('every import in this file has the same default client', async () => {
  await createCollection(NAME, { dimension: 1 })
  expect(await require('../..').listCollections()).toMatchObject([{ name: NAME, dimension: 1 }])
  expect(await require('../..').count(NAME)).toBe(0)
})
