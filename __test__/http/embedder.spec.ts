// A client's own embedder, asked over HTTP.
import type { VectorizerClient } from '../..'
import { refusal, serving } from '../support/http'

type Embedder = NonNullable<NonNullable<ConstructorParameters<typeof VectorizerClient>[0]>['embedder']>

async function servingTexts(embedder: Embedder) {
  const served = await serving({}, { embedder })
  await served.client.createCollection('things', { dimension: 2 })
  return served
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

test('texts that are inserted, searched for, updated and embedded are given to it', async () => {
  const { calls, embedder } = byLength()
  const { ask } = await servingTexts(embedder)
  const answers = [
    await ask('POST', '/collections/things/insert', { id: 'a', text: 'a' }),
    await ask('POST', '/collections/things/batch_insert', {
      vectors: [
        { id: 'b', text: 'bb' },
        { id: 'given', vector: [7, 7], text: 'kept' },
        { id: 'c', text: 'ccc' },
      ],
    }),
    await ask('POST', '/insert', { collection: 'things', id: 'd', text: 'dddd' }),
    await ask('POST', '/insert_texts', { collection: 'things', texts: [{ id: 'e', text: 'eeeee' }] }),
    await ask('PUT', '/collections/things/vectors/a', { text: '6 long' }),
    await ask('PATCH', '/collections/things/vectors/b', { text: '7 bytes' }),
    await ask('POST', '/update', { collection: 'things', id: 'c', text: '8 letter' }),
    await ask('POST', '/collections/things/search', { query: 'search', limit: 1 }),
    await ask('POST', '/collections/things/search/text', { query: 'by text', limit: 1 }),
    await ask('POST', '/search', { collection: 'things', query: '8 letter', limit: 1 }),
    await ask('POST', '/embed', { text: 'embedded' }),
  ]
  expect(answers.map(({ status }) => status)).toStrictEqual(Array(11).fill(200))
  expect(calls).toStrictEqual([
    ['a'],
    ['bb', 'ccc'],
    ['dddd'],
    ['eeeee'],
    ['6 long'],
    ['7 bytes'],
    ['8 letter'],
    ['search'],
    ['by text'],
    ['8 letter'],
    ['embedded'],
  ])
  const { vectors } = (await ask('GET', '/collections/things/vectors')).json
  expect(vectors).toStrictEqual([
    { id: 'a', vector: [1, 6], text: '6 long' },
    { id: 'b', vector: [1, 7], text: '7 bytes' },
    { id: 'given', vector: [7, 7], text: 'kept' },
    { id: 'c', vector: [1, 8], text: '8 letter' },
    { id: 'd', vector: [1, 4], text: 'dddd' },
    { id: 'e', vector: [1, 5], text: 'eeeee' },
  ])
  expect(answers.slice(7, 10).map(({ json }) => json.results[0].id)).toStrictEqual(['a', 'b', 'c'])
  expect(answers[10].json).toStrictEqual({
    embedding: [1, 8],
    model: 'custom',
    text: 'embedded',
    dimension: 2,
    provider: 'vectorizer-native',
  })
})

test('it is given up to 128 texts at a time, in order', async () => {
  const { calls, embedder } = byLength()
  const { ask, client } = await servingTexts(embedder)
  const all = Array.from({ length: 300 }, (_, i) => 'x'.repeat(i + 1))
  const vectors = all.map((text, i) => ({ id: `${i}`, text }))
  expect((await ask('POST', '/collections/things/batch_insert', { vectors })).json.inserted).toBe(300)
  expect(calls.flat()).toStrictEqual(all)
  expect(calls.map(({ length }) => length)).toStrictEqual([128, 128, 44])
  const page = await client.listVectors('things', 0, 300)
  expect(page.vectors.map(({ data }) => data[1])).toStrictEqual(all.map(({ length }) => length))
})

test('it is not asked where there is nothing to embed, or in vain', async () => {
  const { calls, embedder } = byLength()
  const { ask } = await servingTexts(embedder)
  await ask('POST', '/collections/things/insert', { id: 'a', vector: [1, 2], text: 'given with its vector' })
  await ask('PUT', '/collections/things/vectors/a', { vector: [1, 3], text: 'again' })
  await ask('POST', '/collections/things/search', { query: '' })
  await ask('POST', '/collections/things/search', { vector: [1, 2] })
  const vain = [
    await ask('POST', '/collections/nowhere/insert', { text: 'text' }),
    await ask('POST', '/collections/nowhere/search', { query: 'text' }),
    await ask('POST', '/insert_texts', { collection: 'nowhere', texts: [{ id: 'a', text: 'text' }] }),
    await ask('POST', '/collections/things/insert', { text: '' }),
    await ask('POST', '/collections/things/batch_insert', { vectors: [{ text: 'text' }, { text: '' }] }),
    await ask('POST', '/collections/things/batch_insert', { vectors: [{ text: 'text' }, {}] }),
    await ask('POST', '/collections/things/search', { query: 'text', filter: {} }),
    await ask('POST', '/collections/things/search', { query: 'text', limit: 0 }),
    await ask('POST', '/embed', { text: '' }),
  ]
  expect(vain.map(({ status }) => status)).toStrictEqual([404, 404, 404, 400, 400, 400, 400, 400, 400])
  expect(calls).toStrictEqual([])
})

describe('an embedder that', () => {
  const failing: [string, Embedder, number, string, RegExp][] = [
    ['rejects', () => Promise.reject(new Error('model is down')), 502, 'EMBEDDING_ERROR', /model is down/],
    ['rejects with no error', () => Promise.reject('just text'), 502, 'EMBEDDING_ERROR', /just text/],
    ['rejects with nothing', () => Promise.reject(undefined), 502, 'EMBEDDING_ERROR', /embedder failed/],
    [
      'throws',
      () => {
        throw new Error('no model')
      },
      502,
      'EMBEDDING_ERROR',
      /no model/,
    ],
    ['returns too few', async () => [[1, 2]], 502, 'EMBEDDING_ERROR', /1 for 2/],
    ['returns too many', async () => Array(3).fill([1, 2]), 502, 'EMBEDDING_ERROR', /3 for 2/],
    ['returns none', async () => [], 502, 'EMBEDDING_ERROR', /0 for 2/],
    ['returns nothing', (() => undefined) as unknown as Embedder, 502, 'EMBEDDING_ERROR', /undefined/],
    ['returns an object', (() => ({})) as unknown as Embedder, 502, 'EMBEDDING_ERROR', /object/],
    [
      'returns a row that is no vector',
      (() => [[1, 2], 'ab']) as unknown as Embedder,
      502,
      'EMBEDDING_ERROR',
      /\[1\]/,
    ],
    ['returns a hole', (() => Array(2)) as unknown as Embedder, 502, 'EMBEDDING_ERROR', /\[0\]/],
    [
      'returns rows of different lengths',
      async () => [
        [1, 2],
        [1, 2, 3],
      ],
      502,
      'EMBEDDING_ERROR',
      /lengths/,
    ],
    ['returns rows of a wrong length', async () => Array(2).fill([1, 2, 3]), 400, 'DIMENSION_MISMATCH', /3/],
    ['returns empty rows', async () => [[], []], 400, 'DIMENSION_MISMATCH', /0/],
    ['returns NaN', async () => Array(2).fill([1, Number.NaN]), 400, 'VALIDATION_ERROR', /NaN/],
    ['returns zeros', async () => Array(2).fill([0, 0]), 400, 'VALIDATION_ERROR', /zero/],
  ]
  test.each(failing)(
    '%s fails the request, and nothing is inserted',
    async (_, embedder, status, code, message) => {
      const { ask, client } = await servingTexts(embedder)
      const texts = [
        { id: 'a', text: 'one' },
        { id: 'b', text: 'two' },
      ]
      for (const answer of [
        await ask('POST', '/collections/things/batch_insert', { vectors: texts }),
        await ask('POST', '/insert_texts', { collection: 'things', texts }),
      ]) {
        expect(refusal(answer)).toMatchObject({ status, code })
        expect(answer.json.message).toMatch(message)
      }
      expect(await client.count('things')).toBe(0)
      expect((await ask('GET', '/health')).status).toBe(200)
    },
  )

  test('returns a wrong length is told which one, and which is right', async () => {
    const { ask, client } = await servingTexts(async (texts) => texts.map(() => [1, 2, 3]))
    await client.insertVectors('things', [{ id: 'a', data: [1, 2] }])
    const texts = [{ id: 'a', text: 'a' }]
    const vectors = [{ vector: [1, 2] }, { text: 'a' }]
    for (const [place, answer] of [
      ['body.text', await ask('POST', '/collections/things/insert', { text: 'a' })],
      ['body.vectors[1].text', await ask('POST', '/collections/things/batch_insert', { vectors })],
      ['body.texts[0].text', await ask('POST', '/insert_texts', { collection: 'things', texts })],
      ['body.text', await ask('PUT', '/collections/things/vectors/a', { text: 'a' })],
      ['body.query', await ask('POST', '/collections/things/search', { query: 'a' })],
    ] as const) {
      expect(refusal(answer)).toStrictEqual({ status: 400, code: 'DIMENSION_MISMATCH', expected: 2, got: 3 })
      const begin = `what the embedder returned for ${place} has 3 dimensions`
      expect(answer.json.message.slice(0, begin.length)).toBe(begin)
    }
    expect((await client.getVector('things', 'a')).data).toStrictEqual(Float32Array.of(1, 2))
  })

  test('fails in a later portion inserts nothing of the earlier ones', async () => {
    let calls = 0
    const { ask, client } = await servingTexts(async (given) => {
      calls += 1
      if (calls === 2) throw new Error('second')
      return given.map(() => [1, 2])
    })
    const vectors = Array.from({ length: 200 }, (_, i) => ({ text: `text ${i}` }))
    expect((await ask('POST', '/collections/things/batch_insert', { vectors })).status).toBe(502)
    expect(await client.count('things')).toBe(0)
    expect((await ask('POST', '/collections/things/batch_insert', { vectors })).status).toBe(200)
    expect(await client.count('things')).toBe(200)
  })

  test('asks the server it belongs to is answered', async () => {
    const { ask }: Awaited<ReturnType<typeof servingTexts>> = await servingTexts(async (given) => {
      const { json } = await ask('GET', '/stats')
      return given.map(() => [1, json.total_vectors])
    })
    for (let i = 0; i < 3; i++) await ask('POST', '/collections/things/insert', { id: `${i}`, text: 'text' })
    expect((await ask('GET', '/collections/things/vectors/2')).json.vector).toStrictEqual([1, 2])
  })

  test('is busy does not keep other requests waiting', async () => {
    let answer = () => {}
    let tell = () => {}
    const asked = new Promise<void>((resolve) => {
      tell = resolve
    })
    const { ask } = await servingTexts((given) => {
      tell()
      return new Promise((resolve) => {
        answer = () => resolve(given.map(() => [1, 2]))
      })
    })
    const inserting = ask('POST', '/collections/things/insert', { id: 'a', text: 'text' })
    await asked
    for (let i = 0; i < 20; i++) {
      expect((await ask('POST', '/collections/things/insert', { vector: [1, i] })).status).toBe(200)
    }
    expect((await ask('GET', '/collections/things/vectors/a')).status).toBe(404)
    answer()
    expect((await inserting).status).toBe(200)
  })
})

test('the name of the embedder that /embed is asked for has to be its name', async () => {
  const { ask } = await servingTexts(byLength().embedder)
  expect((await ask('POST', '/embed', { text: 'a', model: 'custom' })).status).toBe(200)
  expect(refusal(await ask('POST', '/embed', { text: 'a', model: 'hashed-ngrams' }))).toMatchObject({
    status: 400,
  })
  const { ask: askOther } = await serving()
  expect((await askOther('POST', '/embed', { text: 'a', model: 'hashed-ngrams' })).json).toMatchObject({
    dimension: 512,
    model: 'hashed-ngrams',
  })
  expect(refusal(await askOther('POST', '/embed', { text: 'a', model: 'custom' }))).toMatchObject({
    status: 400,
  })
})
