// Searching over HTTP, beside the same searches in process.
import fc from 'fast-check'
import { refusal, servingThings } from '../support/http'

const INVALID = { status: 400, code: 'VALIDATION_ERROR' }
const at = '/collections/things'

describe('searching', () => {
  const options = fc.record(
    {
      limit: fc.integer({ min: 1, max: 12 }),
      similarity_threshold: fc.constantFrom(-1, 0, 0.5, 0.9),
      ef_search: fc.constantFrom(1, 100, 4096),
      with_vector: fc.boolean(),
      include_metadata: fc.boolean(),
      filter: fc.constantFrom({ place: { $lt: 5 } }, { name: ['1', '3'] }, { must: [{ has_id: ['2'] }] }),
    },
    { requiredKeys: [] },
  )
  const query = fc.oneof(
    fc.constantFrom('', 'some text'),
    fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer()),
  )

  test('finds what the same search in process does, by every route', async () => {
    const { client, ask } = await servingThings(Array.from({ length: 10 }, (_, i) => `${i}`))
    await fc.assert(
      fc.asyncProperty(query, options, async (wanted, given) => {
        const found = await client.search('things', wanted, given)
        const results = found.map(({ data, ...rest }) => ({ ...rest, ...(data && { vector: [...data] }) }))
        const what = typeof wanted === 'string' ? { query: wanted } : { vector: wanted }
        const expected = { results, total: results.length }
        expect((await ask('POST', `${at}/search`, { ...what, ...given })).json).toStrictEqual(expected)
        expect(
          (await ask('POST', '/search', { collection: 'things', ...what, ...given })).json,
        ).toStrictEqual(expected)
        const { similarity_threshold, ...others } = given
        for (const alias of ['threshold', 'score_threshold']) {
          const body = { ...what, ...others, [alias]: similarity_threshold }
          expect((await ask('POST', `${at}/search`, body)).json).toStrictEqual(expected)
        }
        if (typeof wanted !== 'string') return
        expect((await ask('POST', `${at}/search/text`, { ...what, ...given })).json).toStrictEqual(expected)
      }),
    )
  })

  test.each<[string, object]>([
    ['neither a query nor a vector', {}],
    ['both', { query: 'a', vector: [1, 2] }],
    ['a limit of 0', { query: '', limit: 0 }],
    ['a limit that is a fraction', { query: '', limit: 1.5 }],
    ['a limit that is negative', { query: '', limit: -1 }],
    ['a limit that is a text', { query: '', limit: '5' }],
    ['an ef_search of 0', { vector: [1, 2], ef_search: 0 }],
    ['an ef_search of 4,097', { vector: [1, 2], ef_search: 4097 }],
    ['a threshold that is a text', { query: '', threshold: '0.5' }],
    ['two thresholds', { query: '', threshold: 0, similarity_threshold: 0 }],
    ['an option of another name', { query: '', top_k: 5 }],
  ])('with %s is refused', async (_, body) => {
    const { ask } = await servingThings(['a'])
    expect(refusal(await ask('POST', `${at}/search`, body))).toStrictEqual(INVALID)
    expect(refusal(await ask('POST', '/search', { collection: 'things', ...body }))).toStrictEqual(INVALID)
  })

  test('takes whole numbers as JSON has them', async () => {
    const { ask } = await servingThings(['a', 'b', 'c'])
    for (const limit of ['2', '2.0', '2e0', '0.2e1']) {
      expect((await ask('POST', `${at}/search`, `{"query":"","limit":${limit}}`)).json.total).toBe(2)
    }
  })
})
