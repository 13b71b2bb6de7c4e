import { DimensionMismatchError, EmbeddingError, type VectorizerClient, VectorizerError } from '../..'
import { client as opened } from '../support/collections'
import { rejection } from '../support/rejection'

type Embedder = NonNullable<NonNullable<ConstructorParameters<typeof VectorizerClient>[0]>['embedder']>

async function texts(embedder: Embedder) {
  const client = opened({ embedder })
  await client.createCollection('things', { dimension: 2 })
  return client
}

/** Looks only at the length, and remembers what it was called with. */
function byLength() {
  const calls: string[][] = []
  const embedder = async (given: string[]) => {
    calls.push([...given])
    return given.map((text) => [1, text.length])
  }
  return { calls, embedder }
}

describe('an embedder of the client', () => {
  test('is called with at most 128 texts at a time, in order', async () => {
    const { calls, embedder } = byLength()
    const client = await texts(embedder)
    const all = Array.from({ length: 300 }, (_, i) => 'x'.repeat(i + 1))
    await client.batchInsertText('things', all)

    expect(calls.flat()).toStrictEqual(all)
    expect(calls.map(({ length }) => length)).toStrictEqual([128, 128, 44])
    const { vectors } = await client.listVectors('things', 0, 300)
    expect(vectors.map(({ data }) => data[1])).toStrictEqual(all.map(({ length }) => length))
  })

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

  test('embeds what is searched for, and texts of updates', async () => {
    const { calls, embedder } = byLength()
    const client = await texts(embedder)
    await client.insertTexts('things', [
      { id: 'short', text: 'a' },
      { id: 'long', text: 'aaaa' },
    ])

    expect((await client.search('things', 'bbbb'))[0]).toMatchObject({
      id: 'long',
      score: expect.closeTo(1, 9),
    })
    expect((await client.searchText('things', { query: 'b' })).results[0].id).toBe('short')
    expect(await client.updateVector('things', 'short', { text: 'ccc' })).toStrictEqual({
      id: 'short',
      data: Float32Array.of(1, 3),
      text: 'ccc',
    })
    expect(calls).toStrictEqual([['a', 'aaaa'], ['bbbb'], ['b'], ['ccc']])
  })

  test('is not called where there is nothing to embed', async () => {
    const { calls, embedder } = byLength()
    const client = await texts(embedder)
    await client.insertVectors('things', [{ id: 'a', data: [1, 2] }])
    await client.updateVector('things', 'a', { data: [1, 3], text: 'given with its vector' })
    await client.search('things', '')
    await client.batchInsertText('things', [])
    expect(calls).toStrictEqual([])
  })

  test('is not asked in vain: no such collection, a wrong argument', async () => {
    const { calls, embedder } = byLength()
    const client = await texts(embedder)
    const vain = [
      client.insertText('nowhere', 'text'),
      client.batchInsertText('nowhere', ['text']),
      client.insertTexts('nowhere', [{ id: 'a', text: 'text' }]),
      client.search('nowhere', 'text'),
      client.updateVector('nowhere', 'a', { text: 'text' }),
      client.updateVector('things', 'nobody', { text: 5 as unknown as string }),
      client.batchInsertText('things', ['text', '']),
    ]
    const outcomes = await Promise.allSettled(vain)
    expect(outcomes.map(({ status }) => status)).toStrictEqual(vain.map(() => 'rejected'))
    expect(calls).toStrictEqual([])
  })

  test('sees the texts as they were when the call was made', async () => {
    const { calls, embedder } = byLength()
    const client = await texts(embedder)
    const all = ['aa', 'bb']
    const inserting = client.batchInsertText('things', all)
    all[0] = 'changed'
    await inserting
    expect(calls).toStrictEqual([['aa', 'bb']])
  })

  const failing: [string, Embedder, new (...args: never[]) => VectorizerError, RegExp][] = [
    ['rejects', () => Promise.reject(new Error('model is down')), EmbeddingError, /model is down/],
    ['rejects with no error', () => Promise.reject('just text'), EmbeddingError, /just text/],
    [
      'throws',
      () => {
        throw new Error('no model')
      },
      EmbeddingError,
      /no model/,
    ],
    ['returns too few', async () => [[1, 2]], EmbeddingError, /1 for 2/],
    [
      'returns too many',
      async () => [
        [1, 2],
        [1, 2],
        [1, 2],
      ],
      EmbeddingError,
      /3 for 2/,
    ],
    ['returns nothing', (() => undefined) as unknown as Embedder, EmbeddingError, /undefined/],
    ['returns an object', (() => ({})) as unknown as Embedder, EmbeddingError, /object/],
    [
      'returns a row that is no vector',
      (() => [[1, 2], 'ab']) as unknown as Embedder,
      EmbeddingError,
      /\[1\]/,
    ],
    [
      'returns a row of strings',
      (() => [
        ['1', '2'],
        [1, 2],
      ]) as unknown as Embedder,
      EmbeddingError,
      /\[0\]/,
    ],
    ['returns a hole', (() => Array(2)) as unknown as Embedder, EmbeddingError, /\[0\]/],
    [
      'returns a row that only says that it is long',
      (() => [{ length: 1e9 }, [1, 2]]) as unknown as Embedder,
      EmbeddingError,
      /\[0\]: 1000000000 values, where a vector has at most 65535/,
    ],
    [
      'returns a row without end',
      (() => [[1, 2], Object.assign([1, 2], { length: 2 ** 32 - 1 })]) as unknown as Embedder,
      EmbeddingError,
      /\[1\]: 4294967295 values/,
    ],
    [
      'returns a row of less than no values',
      (() => [{ length: -1 }, [1, 2]]) as unknown as Embedder,
      VectorizerError,
      /0 dimensions/,
    ],
    [
      'returns bigints',
      (() => [BigInt64Array.of(1n, 2n), [1, 2]]) as unknown as Embedder,
      EmbeddingError,
      /\[0\]/,
    ],
    [
      'returns a wrong dimension',
      async () => [
        [1, 2],
        [1, 2, 3],
      ],
      DimensionMismatchError,
      /3/,
    ],
    [
      'returns NaN',
      async () => [
        [1, 2],
        [1, Number.NaN],
      ],
      VectorizerError,
      /NaN/,
    ],
    [
      'returns a zero vector',
      async () => [
        [1, 2],
        [0, 0],
      ],
      VectorizerError,
      /zero/,
    ],
  ]
  test.each(failing)(
    'that %s rejects the call, and nothing is inserted',
    async (_, embedder, Class, message) => {
      const client = await texts(embedder)
      const error = await rejection(client.batchInsertText('things', ['one', 'two']))
      expect(error).toBeInstanceOf(Class)
      expect(error.code).not.toBe('INTERNAL_ERROR')
      expect(error.message).toMatch(message)
      const rows = [
        { id: 'a', text: 'one' },
        { id: 'b', text: 'two' },
      ]
      await expect(client.insertTexts('things', rows)).rejects.toBeInstanceOf(Class)
      expect(await client.count('things')).toBe(0)
    },
  )

  test('the error of a failing embedder has its error as the cause', async () => {
    const cause = new Error('model is down')
    const client = await texts(() => Promise.reject(cause))
    expect((await rejection(client.insertText('things', 'one'))).cause).toBe(cause)
    expect((await rejection(client.search('things', 'one'))).cause).toBe(cause)
  })

  test('a failure in a later portion inserts nothing of the earlier ones', async () => {
    let calls = 0
    const client = await texts(async (given) => {
      calls += 1
      if (calls === 2) throw new Error('second')
      return given.map(() => [1, 2])
    })
    const all = Array.from({ length: 200 }, (_, i) => `text ${i}`)
    await expect(client.batchInsertText('things', all)).rejects.toBeInstanceOf(EmbeddingError)
    expect(await client.count('things')).toBe(0)
    await client.batchInsertText('things', all)
    expect(await client.count('things')).toBe(200)
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
