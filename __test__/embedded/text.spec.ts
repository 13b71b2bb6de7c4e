import { ValidationError } from '../..'
import { everything, idsOf, client as opened } from '../support/collections'

async function texts(dimension = 256) {
  const client = opened()
  await client.createCollection('things', { dimension })
  return client
}

describe('the built-in embedder', () => {
  test('gives the same vector for the same text in every client', async () => {
    const text = 'Wie man Vektoren löscht – 如何删除向量'
    const [one, other] = [await texts(), await texts()]
    await other.insertText('things', 'other texts leave no trace')
    const first = await one.getVector('things', await one.insertText('things', text))
    const second = await other.getVector('things', await other.insertText('things', text))

    expect(second.data).toStrictEqual(first.data)
    expect(first.text).toBe(text)
  })

  test('ranks texts that share words or parts of words first', async () => {
    const client = await texts()
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
      score: expect.closeTo(1, 5),
    })
    expect((await client.search('things', 'RECIPE'))[0].text).toBe(all[0])
  })

  test.each([' ', '.', '🦀', '\0', '\n\n', 'a', '—', '\u0301', 'ß'.repeat(50_000)])(
    'takes any text that is not empty (case %#)',
    async (text) => {
      const client = await texts()
      const id = await client.insertText('things', text)
      expect((await client.getVector('things', id)).text).toBe(text)
      expect((await client.search('things', text))[0]).toMatchObject({ id, score: expect.closeTo(1, 5) })
    },
  )

  test.each([1, 2, 3, 1536])('fits a collection of %i dimensions', async (dimension) => {
    const client = await texts(dimension)
    await client.batchInsertText('things', ['one text', 'another text', '!'])
    expect(await client.search('things', 'one text')).toHaveLength(3)
  })

  test('the empty text is refused, with everything inserted beside it', async () => {
    const client = await texts()
    await expect(client.insertText('things', '')).rejects.toBeInstanceOf(ValidationError)
    await expect(client.batchInsertText('things', ['a', ''])).rejects.toThrow(/texts\[1\]/)
    const rows = [
      { id: 'a', text: 'a' },
      { id: 'b', text: '' },
    ]
    await expect(client.insertTexts('things', rows)).rejects.toThrow(/texts\[1\]/)
    expect(await client.count('things')).toBe(0)
  })
})

describe('inserting texts', () => {
  test('insertText resolves with the id, batchInsertText with the ids in order', async () => {
    const client = await texts()
    const id = await client.insertText('things', 'one', { n: 1 })
    const ids = await client.batchInsertText('things', ['two', 'three', 'four'], [{ n: 2 }, null, { n: 4 }])

    expect(await idsOf(client)).toStrictEqual([id, ...ids])
    const { vectors } = await client.listVectors('things')
    expect(vectors.map(({ text, metadata }) => [text, metadata])).toStrictEqual([
      ['one', { n: 1 }],
      ['two', { n: 2 }],
      ['three', undefined],
      ['four', { n: 4 }],
    ])
    expect(await client.batchInsertText('things', [])).toStrictEqual([])
  })

  test('insertTexts resolves with a BatchResponse', async () => {
    const client = await texts()
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
    expect((await client.getVector('things', 'a')).metadata).toBeUndefined()
  })

  test('more metadata than texts is refused', async () => {
    const client = await texts()
    const call = client.batchInsertText('things', ['one'], [{}, {}])
    await expect(call).rejects.toBeInstanceOf(ValidationError)
    expect(await client.count('things')).toBe(0)
  })

  test('a deleted text leaves nothing behind', async () => {
    const client = await texts()
    const [id] = await client.batchInsertText('things', ['secret words', 'other words'])
    await client.deleteVector('things', id)
    expect(JSON.stringify(await everything(client))).not.toContain('secret')
    expect((await client.search('things', 'secret words')).map(({ text }) => text)).toStrictEqual([
      'other words',
    ])
  })
})
