import type { VectorizerClient } from '../..'
import { client as opened } from '../support/collections'

type Embedder = NonNullable<NonNullable<ConstructorParameters<typeof VectorizerClient>[0]>['embedder']>

async function texts(embedder: Embedder) {
  const client = opened({ embedder })
  await client.createCollection('things', { dimension: 2 })
  return client
}

describe('an embedder of the client', () => {
  test.each<[string, Embedder]>([
    ['synchronously', (given) => given.map(() => [3, 4])],
    ['with Float32Arrays', async (given) => given.map(() => Float32Array.of(3, 4))],
    ['with Float64Arrays', async (given) => given.map(() => Float64Array.of(3, 4))],
    ['with array-like objects', (given) => given.map(() => ({ length: 2, 0: 3, 1: 4 }))],
  ])('may answer %s', async (_, embedder) => {
    const client = await texts(embedder)
    const id = await client.insertText('things', 'text')
    expect((await client.getVector('things', id)).data).toStrictEqual(Float32Array.of(3, 4))
  })

  test('may use the client it belongs to', async () => {
    const client: VectorizerClient = await texts(async (given) => {
      const known = await client.count('things')
      return given.map(() => [1, known])
    })
    await client.insertText('things', 'one')
    const id = await client.insertText('things', 'two')
    expect((await client.getVector('things', id)).data).toStrictEqual(Float32Array.of(1, 1))
  })
})

test('an embedder may use one buffer for all its answers', async () => {
  const buffer = new Float32Array(256)
  const client = await texts((given) =>
    given.map((text, i) => {
      const row = buffer.subarray(2 * i, 2 * i + 2)
      row.set([1, text.length])
      return row
    }),
  )
  const all = Array.from({ length: 200 }, (_, i) => 'x'.repeat(i + 1))
  await client.batchInsertText('things', all)
  const { vectors } = await client.listVectors('things', 0, 200)
  expect(vectors.map(({ data }) => data[1])).toStrictEqual(all.map(({ length }) => length))
})
