// Filters over HTTP: as strict as in code, and with the same meaning.
import fc from 'fast-check'
import type { Filter, VectorizerClient } from '../..'
import { everything } from '../support/collections'
import { documents } from '../support/documents'
import { asClauses, asOperators, metadata, tree } from '../support/filtering'
import { refusal, serving } from '../support/http'
import { nested, refused, rounded } from '../support/refusals'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'

/** The documents in the collection `things`, and a server for them. */
async function servingDocuments() {
  const served = await serving()
  await served.client.createCollection('things', { dimension: 2 })
  const rows = Object.entries(documents).map(([id, one], i) => ({ id, data: [1, i], metadata: one }))
  await served.client.insertVectors('things', rows)
  return served
}

/** The routes that delete or change by filter, with the body for a filter's text. */
const routes: [string, (filter: string) => string][] = [
  ['/collections/things/delete_by_filter', (filter) => `{"filter":${filter}}`],
  ['/collections/things/delete_by_filter', (filter) => `{"filter":${filter},"dry_run":true}`],
  ['/collections/things/vectors/delete_by_filter', (filter) => `{"filter":${filter}}`],
  ['/qdrant/collections/things/points/delete', (filter) => `{"filter":${filter}}`],
  ['/collections/things/replace', (filter) => `{"filter":${filter},"vectors":[]}`],
  [
    '/collections/things/vectors/bulk_update_metadata',
    (filter) => `{"filter":${filter},"patch":{"seen":true}}`,
  ],
  ['/collections/things/vectors/move', (filter) => `{"filter":${filter},"destination":"others"}`],
  ['/collections/things/vectors/copy', (filter) => `{"filter":${filter},"destination":"others"}`],
  ['/forget', (filter) => `{"filter":${filter}}`],
]

/** The routes that read by filter. */
const searches: [string, (filter: string) => string][] = [
  ['/collections/things/search', (filter) => `{"query":"","filter":${filter}}`],
  ['/collections/things/search', (filter) => `{"vector":[1,1],"filter":${filter}}`],
  ['/collections/things/search/text', (filter) => `{"query":"","filter":${filter}}`],
  ['/search', (filter) => `{"collection":"things","vector":[1,1],"filter":${filter}}`],
  ['/collections/things/scan', (filter) => `{"filter":${filter}}`],
]

describe('a filter', () => {
  test('gives the same report and leaves the same vectors as in process', async () => {
    const { client, ask } = await serving()
    const written = fc.constantFrom(asOperators, asClauses)
    const documents = fc.array(fc.option(metadata, { nil: undefined }), { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(documents, tree, written, async (all, one, write) => {
        const filter = write(one)
        const rows = all.map((metadata, i) => ({ id: `${i}`, data: [1, i], metadata }))
        for (const name of ['here', 'there']) await client.createCollection(name, { dimension: 2 })
        await client.insertVectors('here', rows)
        const vectors = rows.map(({ data, ...rest }) => ({ ...rest, vector: data }))
        await ask('POST', '/collections/there/batch_insert', { vectors })

        const path = '/collections/there/delete_by_filter'
        const dry = await ask('POST', path, { filter, dry_run: true })
        expect(dry.json).toStrictEqual(await client.deleteByFilter('here', filter, { dryRun: true }))
        const wanted = { query: '', filter, limit: 100 }
        const found = (await ask('POST', '/collections/there/search', wanted)).json.results
        expect(found).toStrictEqual(await client.search('here', '', { filter, limit: 100 }))

        const done = await ask('POST', path, { filter })
        expect(done.json).toStrictEqual(await client.deleteByFilter('here', filter))
        expect(done.json.deleted).toBe(dry.json.matched)
        expect(await ids(client, 'there')).toStrictEqual(await ids(client, 'here'))
        for (const name of ['here', 'there']) await client.deleteCollection(name)
      }),
      { numRuns: 150 },
    )
  })

  test('is understood or refused as in process, whatever JSON it is', async () => {
    const { client, ask } = await servingDocuments()
    await fc.assert(
      fc.asyncProperty(almost, async (filter) => {
        const answer = await ask('POST', '/collections/things/delete_by_filter', { filter, dry_run: true })
        const outcome = await untyped(client)
          .deleteByFilter('things', filter, { dryRun: true })
          .catch((error) => error)
        if (!(outcome instanceof Error)) return expect(answer.json).toStrictEqual(outcome)
        expect(refusal(answer)).toStrictEqual({ status: 400, code: 'VALIDATION_ERROR' })
        expect(answer.json.message).toBe(outcome.message)
      }),
      { numRuns: 1000 },
    )
  })

  test('that is null, a list or no object at all is none, and deletes nothing', async () => {
    const { client, ask } = await servingDocuments()
    const before = await everything(client)
    for (const text of ['null', 'true', '0', '""', '"n"', '[]', '[{"n":1}]', '{}', '[null]']) {
      for (const [path, body] of [...routes, ...searches]) {
        const answer = await ask('POST', path, body(text))
        expect(refusal(answer)).toStrictEqual({ status: 400, code: 'VALIDATION_ERROR' })
        expect(answer.json.message).toMatch(/^filter\b/)
      }
    }
    expect(await everything(client)).toStrictEqual(before)
  })

  test('that is missing deletes nothing', async () => {
    const { client, ask } = await servingDocuments()
    const before = await everything(client)
    for (const body of [
      '{}',
      '{"dry_run":false}',
      'null',
      '[]',
      '{"Filter":{"n":1}}',
      '{"filters":{"n":1}}',
    ]) {
      for (const [path] of routes) {
        expect(refusal(await ask('POST', path, body))).toStrictEqual({
          status: 400,
          code: 'VALIDATION_ERROR',
        })
      }
    }
    expect(await everything(client)).toStrictEqual(before)
  })

  test.each([
    ['the filter', '{"n":1},"filter":{"n":2}'],
    ['a field', '{"n":1,"n":2}'],
    ['a field, the same', '{"n":1,"n":1}'],
    ['a field, spelt in another way', '{"n":1,"\\u006e":2}'],
    ['an operator', '{"n":{"$gt":1,"$gt":0}}'],
    ['a clause', '{"must":[{"key":"n","match":{"value":1}}],"must":[{"key":"n","match":{"value":2}}]}'],
    ['a key of a condition', '{"must":[{"key":"n","key":"s","match":{"value":1}}]}'],
    ['a value of a match', '{"must":[{"key":"n","match":{"value":1,"value":2}}]}'],
    ['a field in a filter in a filter', '{"$not":{"$or":[{"n":1,"n":2}]}}'],
  ])('in which %s is given twice deletes nothing', async (_, text) => {
    const { client, ask } = await servingDocuments()
    const before = await everything(client)
    for (const [path, body] of [...routes, ...searches]) {
      expect(refusal(await ask('POST', path, body(text)))).toStrictEqual({
        status: 400,
        code: 'VALIDATION_ERROR',
      })
    }
    expect(await everything(client)).toStrictEqual(before)
  })

  test('may nest as deep as in process, and no deeper', async () => {
    const { client, ask } = await servingDocuments()
    for (const depth of [1, 59, 60, 64, 65, 66, 100, 1000, 100_000]) {
      const text = `${'{"$not":'.repeat(depth - 1)}{"n":1}${'}'.repeat(depth - 1)}`
      const answer = await ask(
        'POST',
        '/collections/things/delete_by_filter',
        `{"filter":${text},"dry_run":true}`,
      )
      const outcome = await client
        .deleteByFilter('things', nested(depth), { dryRun: true })
        .catch((error) => error)
      expect([depth, answer.status]).toStrictEqual([depth, outcome instanceof Error ? 400 : 200])
    }
    const lists = `{"n":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
    expect(
      refusal(await ask('POST', '/collections/things/delete_by_filter', `{"filter":${lists}}`)),
    ).toMatchObject({
      status: 400,
    })
  })
})

const expressible = refused.filter((one) => {
  if (rounded.includes(one)) return false
  const [, filter] = one
  try {
    expect(JSON.parse(JSON.stringify(filter))).toStrictEqual(filter)
    return Reflect.ownKeys(filter as object).length === Object.keys(filter as object).length
  } catch {
    return false
  }
})

test.each(expressible)(
  '%s is refused by the same path as in process, and deletes nothing',
  async (_, filter) => {
    const { client, ask } = await servingDocuments()
    const before = await everything(client)
    const { message } = await rejection(untyped(client).deleteByFilter('things', filter))
    const path = /^filter[^:]*/.exec(message)?.[0]
    for (const [route, body] of [...routes, ...searches]) {
      const answer = await ask('POST', route, body(JSON.stringify(filter)))
      expect(refusal(answer)).toStrictEqual({ status: 400, code: 'VALIDATION_ERROR' })
      const told: string = answer.json.message
      expect(told).toMatch(/^filter\b/)
      expect(/^filter[^:]*/.exec(told)?.[0]).toBe(path)
      expect(told.length).toBeLessThan(1000)
    }
    expect(await everything(client)).toStrictEqual(before)
  },
)

async function ids(client: VectorizerClient, collection: string) {
  return (await client.search(collection, '', { limit: 100 })).map(({ id }) => id)
}

/** JSON made of the words of filters: hardly ever a filter, but often almost one. */
const word = fc.constantFrom(
  ...['n', 's', 'yes', 'tags', 'author.name', 'parts.n', 'nowhere', 'a..b', '', '.', '$date', '$regex'],
  ...['$eq', '$ne', '$gt', '$lte', '$in', '$nin', '$exists', '$and', '$or', '$not'],
  ...['must', 'should', 'must_not', 'key', 'match', 'range', 'value', 'any', 'except', 'gt', 'lte'],
  ...['is_empty', 'is_null', 'has_id', 'values_count', 'type', 'match_value'],
)
const leaf = fc.constantFrom(
  1,
  2,
  'apple',
  '2024-01-01',
  'red',
  'n',
  'one',
  'match',
  'range',
  true,
  false,
  null,
)
const almost = fc.oneof(
  fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      leaf,
      fc.array(tie('value'), { maxLength: 2 }),
      fc.dictionary(word, tie('value'), { maxKeys: 3 }),
    ),
    filter: fc.dictionary(word, tie('value'), { minKeys: 1, maxKeys: 2 }),
  })).filter,
  fc.object({ key: word, values: [leaf], maxDepth: 3 }),
  tree.map(asOperators).map(spoilt),
  tree.map(asClauses).map(spoilt),
)

/** The filter, on fields of the documents, with its last value of another kind every other time. */
function spoilt(filter: Filter): Filter {
  const text = JSON.stringify(filter).replaceAll('"a"', '"n"').replaceAll('"b"', '"tags"')
  if (text.length % 2 === 0) return JSON.parse(text)
  return JSON.parse(text.replace(/:(true|false|-?[\d.e+]+|"[^"]*")(?=[}\]]*$)/, ':[$1]'))
}
