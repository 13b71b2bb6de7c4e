import {
  CollectionNotFoundError,
  DimensionMismatchError,
  EmbeddingError,
  ValidationError,
  type VectorizerClientOptions,
  VectorizerError,
} from '../..'
import { everything } from '../support/collections'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'
import { engines } from './engines'

type Embedder = NonNullable<VectorizerClientOptions['embedder']>

/** Looks only at the length, and remembers what it was called with. */
function byLength() {
  const calls: string[][] = []
  const embedder = async (given: string[]) => {
    calls.push([...given])
    return given.map((text) => [1, text.length])
  }
  return { calls, embedder }
}

describe.each(engines)('texts with the client that is %s', (_, ready) => {
  const engine = ready()

  test('are embedded by the built-in embedder, which gives the same vectors everywhere', async () => {
    const client = await engine.things(8)
    const text = 'Wie man Vektoren löscht – 如何删除向量'
    await client.insertText('things', 'other texts leave no trace')
    const id = await client.insertText('things', text, { n: 1 })
    expect(await client.getVector('things', id)).toStrictEqual({
      id,
      data: await embedded(text, 8),
      text,
      metadata: { n: 1 },
    })
  })

  test('that share words or parts of words come first', async () => {
    const client = await engine.things(256)
    const all = [
      'a recipe for onion soup',
      'how to delete vectors from a collection',
      'the weather in Lisbon in March',
      'deleting many vectors at once',
    ]
    await client.batchInsertText('things', all)
    const found = await client.search('things', 'delete vectors')
    expect(found.map(({ text }) => text).slice(0, 2)).toStrictEqual([all[1], all[3]])
    expect((await client.search('things', all[2]))[0]).toMatchObject({
      text: all[2],
      score: expect.closeTo(1, engine.isEmbedded ? 5 : 4),
    })
    expect((await client.search('things', 'RECIPE'))[0].text).toBe(all[0])
  })

  test.each([1, 2, 3, 1536])('fit a collection of %i dimensions', async (dimension) => {
    const client = await engine.things(dimension)
    await client.batchInsertText('things', ['one text', 'another text', '!'])
    expect(await client.search('things', 'one text')).toHaveLength(3)
  })

  test('insertText resolves with the id, batchInsertText with the ids in order', async () => {
    const client = await engine.things(16)
    const id = await client.insertText('things', 'one', { n: 1 })
    const ids = await client.batchInsertText('things', ['two', 'three', 'four'], [{ n: 2 }, null, { n: 4 }])

    expect(await engine.idsOf(client)).toStrictEqual(engine.arranged([id, ...ids]))
    const read = await Promise.all([id, ...ids].map((one) => client.getVector('things', one)))
    expect(read.map(({ text, metadata }) => [text, metadata])).toStrictEqual([
      ['one', { n: 1 }],
      ['two', { n: 2 }],
      ['three', undefined],
      ['four', { n: 4 }],
    ])
    expect(await client.batchInsertText('things', [])).toStrictEqual([])
  })

  test('insertTexts resolves with a BatchResponse, and replaces', async () => {
    const client = await engine.things(16)
    const rows = [
      { id: 'a', text: 'one', metadata: { n: 1 } },
      { id: 'b', text: 'two' },
    ]
    expect(await client.insertTexts('things', rows)).toStrictEqual({
      success: true,
      collection: 'things',
      operation: expect.any(String),
      total_operations: 2,
      successful_operations: 2,
      failed_operations: 0,
      duration_ms: expect.any(Number),
      errors: [],
    })
    expect(await client.getVector('things', 'a')).toMatchObject({ text: 'one', metadata: { n: 1 } })
    await client.insertTexts('things', [{ id: 'a', text: 'new' }])
    const { text, metadata } = await client.getVector('things', 'a')
    expect([text, metadata]).toStrictEqual(['new', undefined])
    expect(await client.count('things')).toBe(2)
  })

  test('searchText finds what search finds', async () => {
    const client = await engine.things(64)
    await client.batchInsertText('things', ['delete a vector', 'onion soup'], [{ n: 1 }, { n: 2 }])
    const { results, total } = await client.searchText('things', { query: 'deleting vectors', limit: 1 })

    expect(total).toBe(1)
    expect(results).toStrictEqual(await client.search('things', 'deleting vectors', { limit: 1 }))
    expect(results[0]).toMatchObject({ text: 'delete a vector', metadata: { n: 1 } })
    const none = { results: [], total: 0 }
    expect(await client.searchText('things', { query: 'soup', threshold: 0.99 })).toStrictEqual(none)
    const all = await client.searchText('things', { query: '', include_metadata: false, with_vector: true })
    expect(all.total).toBe(2)
    expect(all.results[0]).toStrictEqual({
      id: expect.any(String),
      score: 0,
      text: expect.any(String),
      data: expect.any(Float32Array),
    })
    const filtered = await client.searchText('things', { query: 'delete', filter: { n: 2 } })
    expect(filtered.results.map(({ text }) => text)).toStrictEqual(['onion soup'])
  })

  test('may be any that is not empty', async () => {
    const client = await engine.things(32)
    const short = [' ', '.', '🦀', '\0', '\n\n', 'a', '—', '\u0301', '"\\', '%', "'"]
    for (const text of [...short, 'ß'.repeat(engine.limits.text / 2)]) {
      const id = await client.insertText('things', text)
      expect((await client.getVector('things', id)).text).toBe(text)
      const found = await client.search('things', text, { limit: 1 })
      expect(found[0].score).toBeCloseTo(1, engine.isEmbedded ? 5 : 4)
    }
  })

  test('that are none are refused by their place, with everything inserted beside them', async () => {
    const client = await engine.things(16)
    const calls: [string, () => Promise<unknown>][] = [
      ['text: is empty', () => client.insertText('things', '')],
      ['texts[1]', () => client.batchInsertText('things', ['a', ''])],
      ['texts[1]', () => untyped(client).batchInsertText('things', ['a', 5])],
      ['texts[0]', () => client.batchInsertText('things', ['\ud800'])],
      [
        'texts[1]',
        () =>
          client.insertTexts('things', [
            { id: 'a', text: 'a' },
            { id: 'b', text: '' },
          ]),
      ],
      ['metadata', () => client.batchInsertText('things', ['a'], [{}, {}])],
      ['metadata', () => untyped(client).insertText('things', 'a', [1])],
      ['meta', () => untyped(client).insertTexts('things', [{ id: 'b', text: 'b', meta: {} }])],
      ['text', () => client.insertVectors('things', [{ data: new Float32Array(16).fill(1), text: '' }])],
    ]
    for (const [named, call] of calls) {
      const error = await rejection(call())
      expect(error).toBeInstanceOf(ValidationError)
      expect(error.message).toContain(named)
    }
    expect(await client.count('things')).toBe(0)
  })

  test('that were deleted leave nothing to be read', async () => {
    const client = await engine.things(16)
    const [id] = await client.batchInsertText('things', ['secret words', 'other words'])
    await client.deleteVector('things', id)
    expect(JSON.stringify(await everything(client))).not.toContain('secret')
    expect((await client.search('things', 'secret words')).map(({ text }) => text)).toStrictEqual([
      'other words',
    ])
  })

  /** The vector that the embedded client makes of a text. */
  async function embedded(text: string, dimension: number) {
    const [, make] = engines[0]
    const client = await make().things(dimension)
    return (await client.getVector('things', await client.insertText('things', text))).data
  }
})

describe.each(engines)('an embedder of the client that is %s', (_, ready) => {
  const engine = ready()
  const texts = (embedder: Embedder) => engine.things(2, 'cosine', { embedder })

  test('is called with at most 128 texts at a time, in order', async () => {
    const { calls, embedder } = byLength()
    const client = await texts(embedder)
    const all = Array.from({ length: 300 }, (_, i) => 'x'.repeat(i + 1))
    const told: unknown[] = []
    const onProgress = (progress: unknown) => told.push(progress)
    await client.batchInsertText('things', all, [], { onProgress })

    expect(calls.flat()).toStrictEqual(all)
    expect(calls.map(({ length }) => length)).toStrictEqual([128, 128, 44])
    expect(told).toContainEqual({ phase: 'embed', done: 128, total: 300 })
    expect(told.at(-1)).toStrictEqual({ phase: 'insert', done: 300, total: 300 })
    for (const { data, text } of await engine.vectorsOf(client)) expect(data[1]).toBe(text?.length)
  })

  test('embeds what is searched for, and texts of updates', async () => {
    const { calls, embedder } = byLength()
    const client = await texts(embedder)
    await client.insertTexts('things', [
      { id: 'short', text: 'a' },
      { id: 'long', text: 'aaaa' },
    ])
    const [best] = await client.search('things', 'bbbb')
    expect(best).toMatchObject({ id: 'long', score: expect.closeTo(1, engine.digits) })
    expect((await client.searchText('things', { query: 'b' })).results[0].id).toBe('short')
    expect(await client.updateVector('things', 'short', { text: 'ccc' })).toStrictEqual({
      id: 'short',
      data: Float32Array.of(1, 3),
      text: 'ccc',
    })
    const reused = Float32Array.of(1, 4)
    const searching = client.searchBatch('things', ['bbb', reused, '', 'bbbb'], { limit: 1 })
    reused.set([1, 3])
    const found = await searching
    expect(found.map(([{ id }]) => id)).toStrictEqual(['short', 'long', found[2][0].id, 'long'])
    expect(calls).toStrictEqual([['a', 'aaaa'], ['bbbb'], ['b'], ['ccc'], ['bbb', 'bbbb']])
  })

  test('is not called where there is nothing to embed', async () => {
    const { calls, embedder } = byLength()
    const client = await texts(embedder)
    await client.insertVectors('things', [{ id: 'a', data: [1, 2], text: 'given with its vector' }])
    await client.updateVector('things', 'a', { data: [1, 3], text: 'the same' })
    await client.search('things', '')
    await client.search('things', [1, 2])
    await client.searchBatch('things', ['', [1, 2]])
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
      client.searchBatch('nowhere', ['text']),
      client.updateVector('nowhere', 'a', { text: 'text' }),
      client.updateVector('things', 'nobody', { text: 5 as unknown as string }),
      client.batchInsertText('things', ['text', '']),
    ]
    const outcomes = await Promise.allSettled(vain)
    expect(outcomes.map(({ status }) => status)).toStrictEqual(vain.map(() => 'rejected'))
    expect(await rejection(client.insertText('nowhere', 'text'))).toBeInstanceOf(CollectionNotFoundError)
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
    expect((await engine.vectorsOf(client)).map(({ text }) => text).sort()).toStrictEqual(['aa', 'bb'])
  })

  test('that fails, or returns no vectors, rejects the call and nothing is inserted', async () => {
    let answer: Embedder = () => []
    const client = await texts((given) => answer(given))
    const failing: [Embedder, new (...args: never[]) => VectorizerError, RegExp][] = [
      [() => Promise.reject(new Error('model is down')), EmbeddingError, /model is down/],
      [() => Promise.reject('just text'), EmbeddingError, /just text/],
      [
        () => {
          throw new Error('no model')
        },
        EmbeddingError,
        /no model/,
      ],
      [async () => [[1, 2]], EmbeddingError, /1 for 2/],
      [async () => Array(3).fill([1, 2]), EmbeddingError, /3 for 2/],
      [untyped(() => undefined), EmbeddingError, /undefined/],
      [untyped(() => ({})), EmbeddingError, /object/],
      [untyped(() => [[1, 2], 'ab']), EmbeddingError, /\[1\]/],
      [
        untyped(() => [
          ['1', '2'],
          [1, 2],
        ]),
        EmbeddingError,
        /\[0\]/,
      ],
      [untyped(() => Array(2)), EmbeddingError, /\[0\]/],
      [
        untyped(() => [{ length: 1e9 }, [1, 2]]),
        EmbeddingError,
        /\[0\]: 1000000000 values, where a vector has at most 65535/,
      ],
      [
        untyped(() => [[1, 2], Object.assign([1, 2], { length: 2 ** 32 - 1 })]),
        EmbeddingError,
        /\[1\]: 4294967295 values/,
      ],
      [untyped(() => [{ length: -1 }, [1, 2]]), VectorizerError, /0 dimensions/],
      [untyped(() => [BigInt64Array.of(1n, 2n), [1, 2]]), EmbeddingError, /\[0\]/],
      [
        async () => [
          [1, 2],
          [1, 2, 3],
        ],
        DimensionMismatchError,
        /3/,
      ],
      [
        async () => [
          [1, 2],
          [1, Number.NaN],
        ],
        VectorizerError,
        /NaN/,
      ],
      [
        async () => [
          [1, 2],
          [0, 0],
        ],
        VectorizerError,
        /zero/,
      ],
    ]
    for (const [one, Class, message] of failing) {
      answer = one
      const error = await rejection(client.batchInsertText('things', ['one', 'two']))
      expect(error).toBeInstanceOf(Class)
      expect(error.code).not.toBe('INTERNAL_ERROR')
      expect(error.message).toMatch(message)
      const rows = ['one', 'two'].map((text) => ({ id: text, text }))
      await expect(client.insertTexts('things', rows)).rejects.toBeInstanceOf(Class)
    }
    expect(await client.count('things')).toBe(0)
  })

  test('that makes what cannot be kept is told with the text that it was given', async () => {
    const client = await texts((given) => given.map((text) => (text === 'bad' ? [1, 2, 3] : [1, 2])))
    await client.insertVectors('things', [{ id: 'a', data: [1, 2] }])
    const calls: [string, () => Promise<unknown>][] = [
      ['text', () => client.insertText('things', 'bad')],
      ['texts[1]', () => client.batchInsertText('things', ['good', 'bad'])],
      ['texts[0].text', () => client.insertTexts('things', [{ id: 'b', text: 'bad' }])],
      ['update.text', () => client.updateVector('things', 'a', { text: 'bad' })],
      ['query', () => client.search('things', 'bad')],
      ['query', () => client.searchText('things', { query: 'bad' })],
      ['queries[3]', () => client.searchBatch('things', [[1, 2], 'good', '', 'bad'])],
    ]
    for (const [place, call] of calls) {
      const error = await rejection(call())
      expect(error).toMatchObject({ code: 'DIMENSION_MISMATCH', expected: 2, got: 3 })
      const message = `what the embedder returned for ${place} has 3 dimensions where the collection has 2`
      expect(error.message).toBe(message)
      expect(error.stack).toContain(message)
    }
    expect(await client.count('things')).toBe(1)
  })

  test('that fails is the cause of the error', async () => {
    const cause = new Error('model is down')
    const client = await texts(() => Promise.reject(cause))
    await client.insertVectors('things', [{ id: 'a', data: [1, 2] }])
    expect((await rejection(client.insertText('things', 'one'))).cause).toBe(cause)
    expect((await rejection(client.search('things', 'one'))).cause).toBe(cause)
    const batch = await rejection(client.searchBatch('things', [[1, 2], 'one']))
    expect(batch).toBeInstanceOf(EmbeddingError)
    expect(batch.cause).toBe(cause)
    expect((await rejection(client.updateVector('things', 'a', { text: 'one' }))).cause).toBe(cause)
  })

  test('that fails at a later portion inserts nothing of the earlier ones', async () => {
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
})
