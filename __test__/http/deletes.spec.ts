// The routes that delete: what they report, what they refuse, and what they leave.
import fc from 'fast-check'
import { everything, idsOf } from '../support/collections'
import { digest } from '../support/digest'
import { store } from '../support/disk'
import { asking, refusal, servingThings } from '../support/http'
import { seeded, shuffled } from '../support/random'

const INVALID = { status: 400, code: 'VALIDATION_ERROR' }
const MISSING = { status: 404, code: 'VECTOR_NOT_FOUND' }
const NOWHERE = { status: 404, code: 'COLLECTION_NOT_FOUND' }
const REFUSED = { status: 409, code: 'TOO_MANY_MATCHES' }

describe('deleting one vector', () => {
  test('deletes it once', async () => {
    const { client, ask } = await servingThings(['a', 'b', 'c'])
    expect(await ask('DELETE', '/collections/things/vectors/b')).toMatchObject({
      status: 200,
      json: { success: true, message: "vector 'b' deleted from collection 'things'" },
    })
    expect(await idsOf(client)).toStrictEqual(['a', 'c'])
    expect(refusal(await ask('DELETE', '/collections/things/vectors/b'))).toStrictEqual(MISSING)
    expect(refusal(await ask('GET', '/collections/things/vectors/b'))).toStrictEqual(MISSING)
    expect(refusal(await ask('DELETE', '/collections/nowhere/vectors/a'))).toStrictEqual(NOWHERE)
    expect(await idsOf(client)).toStrictEqual(['a', 'c'])
  })

  test.each([
    ['DELETE', '/collections/things/vectors/b', ['b']],
    ['DELETE', '/collections/things', ['a', 'b', 'c']],
  ])('is proved where that is asked for: %s %s', async (method, path, ids) => {
    const { ask } = await servingThings(['a', 'b', 'c'])
    const { status, json } = await ask(method, `${path}?receipt=true`)
    const { receipt, ...done } = json
    expect({ status, done }).toStrictEqual({
      status: 200,
      done: { success: true, message: expect.stringMatching(/deleted/) },
    })
    expect(receipt).toMatchObject({ collection: 'things', deleted: ids.length, durable: false })
    expect(receipt.digest).toBe(digest(receipt.logSequence, ids))
  })

  test.each(['', '?receipt=false'])('is not proved where nobody asks: %s', async (query) => {
    const { ask } = await servingThings(['a'])
    const one = await ask('DELETE', `/collections/things/vectors/a${query}`)
    const all = await ask('DELETE', `/collections/things${query}`)
    for (const { status, json } of [one, all]) {
      expect([status, Object.keys(json)]).toStrictEqual([200, ['success', 'message']])
    }
  })

  const queries = ['?receipt=yes', '?receipt', '?receipt=', '?receipt=1', '?receipt=true&receipt=true']
  test.each([...queries, '?b', '?dry_run=true', '?b=c', '?=', '?%3F', '?a&b', '?collection=other'])(
    'with the query %s deletes nothing',
    async (query) => {
      const { client, ask } = await servingThings(['a', 'b'])
      expect(refusal(await ask('DELETE', `/collections/things/vectors/a${query}`))).toStrictEqual(INVALID)
      expect(refusal(await ask('DELETE', `/collections/things${query}`))).toStrictEqual(INVALID)
      expect(
        refusal(await ask('POST', `/collections/things/delete_by_filter${query}`, { filter: { name: 'a' } })),
      ).toStrictEqual(INVALID)
      expect(await idsOf(client)).toStrictEqual(['a', 'b'])
    },
  )

  test('at the same time from many sides succeeds exactly once', async () => {
    const ids = Array.from({ length: 20 }, (_, i) => `${i}`)
    const { client, ask } = await servingThings(ids)
    const asked = shuffled(seeded(1), [...ids, ...ids, ...ids, ...ids, ...ids])
    const answers = await Promise.all(asked.map((id) => ask('DELETE', `/collections/things/vectors/${id}`)))
    for (const id of ids) {
      const statuses = answers.filter((_, i) => asked[i] === id).map(({ status }) => status)
      expect(statuses.sort()).toStrictEqual([200, 404, 404, 404, 404])
    }
    expect(await client.count('things')).toBe(0)
  })

  test('at the same time by every way there is happens once', async () => {
    const { client, ask } = await servingThings()
    for (let round = 0; round < 20; round++) {
      await client.insertVectors('things', [{ id: 'a', data: [1, round], metadata: { round } }])
      const [one, many, matching, inCode] = await Promise.all([
        ask('DELETE', '/collections/things/vectors/a'),
        ask('POST', '/collections/things/batch_delete', { ids: ['a'] }),
        ask('POST', '/collections/things/delete_by_filter', { filter: { round } }),
        client.batchDelete('things', ['a']),
      ])
      const deleted = [one.status === 200 ? 1 : 0, many.json.deleted, matching.json.deleted, inCode.deleted]
      expect(deleted.reduce((sum, count) => sum + count, 0)).toBe(1)
      expect(await client.count('things')).toBe(0)
    }
  })
})

describe.each([
  ['/collections/things/batch_delete', {}],
  ['/batch_delete', { collection: 'things' }],
])('deleting many by %s', (path, more) => {
  test('reports and leaves what the same call in process does', async () => {
    const { client, ask } = await servingThings()
    await client.createCollection('here', { dimension: 2 })
    const id = fc.constantFrom('a', 'b', 'c', 'd', 'é', '')
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(id), fc.array(id), async (there, asked) => {
        const rows = there.filter((id) => id !== '').map((id, i) => ({ id, data: [1, i] }))
        for (const name of ['here', 'things']) await client.insertVectors(name, rows)
        const { json } = await ask('POST', path, { ...more, ids: asked })
        const report = await client.batchDelete('here', asked)
        expect(json).toStrictEqual({ ...report, collection: 'things' })
        const left = await idsOf(client)
        expect(left).toStrictEqual(await idsOf(client, 'here'))
        for (const name of ['here', 'things']) await client.batchDelete(name, left)
      }),
    )
  })

  test('deletes thousands, and tells of each', async () => {
    const ids = Array.from({ length: 5000 }, (_, i) => `${i}`)
    const { client, ask } = await servingThings([...ids, 'left'])
    const asked = shuffled(seeded(2), [...ids, ...ids.map((id) => `no ${id}`)])
    const { json } = await ask('POST', path, { ...more, ids: asked })
    expect(json).toMatchObject({ count: 10_000, deleted: 5000, failed: 5000 })
    const rows = asked.map((id, index) =>
      id.startsWith('no')
        ? { id, index, status: 'error', error: 'vector not found' }
        : { id, index, status: 'ok' },
    )
    expect(json.results).toStrictEqual(rows)
    expect(await idsOf(client)).toStrictEqual(['left'])
  })

  test.each([
    ['no list', { ids: 'a' }, /^body\.ids: /],
    ['no ids', {}, /ids/],
    ['null', { ids: null }, /^body\.ids: /],
    ['an object', { ids: { 0: 'a' } }, /^body\.ids: /],
    ['a number among them', { ids: ['a', 1] }, /^body\.ids\[1\]: /],
    ['null among them', { ids: ['a', null] }, /^body\.ids\[1\]: /],
    ['a list among them', { ids: ['a', ['b']] }, /^body\.ids\[1\]: /],
    ['a misspelt option', { ids: ['a'], reciept: true }, /^body\.reciept: /],
    ['an option of another delete', { ids: ['a'], dry_run: true }, /^body\.dry_run: /],
    ['an option that is no boolean', { ids: ['a'], receipt: 'yes' }, /^body\.receipt: /],
    ['a filter beside them', { ids: ['a'], filter: { n: 1 } }, /^body\.filter: /],
  ])('with ids that are %s deletes nothing', async (_, body, message) => {
    const { client, ask } = await servingThings(['a', 'b'])
    const before = await everything(client)
    const answer = await ask('POST', path, { ...more, ...body })
    expect(refusal(answer)).toStrictEqual(INVALID)
    expect(answer.json.message).toMatch(message)
    expect(await everything(client)).toStrictEqual(before)
  })
})

describe('deleting by filter', () => {
  const path = '/collections/things/delete_by_filter'

  test('deletes nothing with dry_run, and reports what it would', async () => {
    const { client, ask } = await servingThings(['a', 'b', 'c'])
    const before = await everything(client)
    const filter = { place: { $gte: 1 } }
    expect((await ask('POST', path, { filter, dry_run: true })).json).toStrictEqual({
      scanned: 3,
      matched: 2,
      deleted: 0,
      results: [
        { id: 'b', status: 'matched' },
        { id: 'c', status: 'matched' },
      ],
    })
    expect(await everything(client)).toStrictEqual(before)
    for (const body of [{ filter }, { filter, dry_run: false }, { filter, dry_run: false, receipt: false }]) {
      const { json } = await ask('POST', path, body)
      expect(json).toMatchObject({ scanned: json.matched + 1, deleted: json.matched })
    }
    expect(await idsOf(client)).toStrictEqual(['a'])
  })

  test.each([
    ['dryRun', { dryRun: true }],
    ['dry-run', { 'dry-run': true }],
    ['DRY_RUN', { DRY_RUN: true }],
    ['a dry_run that is no boolean', { dry_run: 'true' }],
    ['a dry_run that is a number', { dry_run: 1 }],
    ['a dry_run with a receipt', { dry_run: true, receipt: true }],
    ['a limit', { limit: 1 }],
    ['ids beside it', { ids: ['a'] }],
    ['a collection beside it', { collection: 'things' }],
    ['a backup, which is a file of the server', { backup: '/tmp/x' }],
  ])('with %s deletes nothing', async (_, more) => {
    const { client, ask } = await servingThings(['a', 'b'])
    for (const one of [path, '/collections/things/vectors/delete_by_filter']) {
      expect(refusal(await ask('POST', one, { filter: { name: 'a' }, ...more }))).toStrictEqual(INVALID)
    }
    expect(await idsOf(client)).toStrictEqual(['a', 'b'])
  })
})

test.each(['/collections/things/delete_by_filter', '/collections/things/vectors/delete_by_filter'])(
  'a field that no vector has is told by %s',
  async (path) => {
    const { ask } = await servingThings(['a', 'b'])
    const filter = { name: 'a', must_not_have: { $exists: false } }
    for (const body of [{ filter, dry_run: true }, { filter }]) {
      const { json } = await ask('POST', path, body)
      expect(json).toMatchObject({ matched: 1, unknownFields: ['must_not_have'] })
    }
    expect((await ask('POST', path, { filter: { name: 'z' } })).json).not.toHaveProperty('unknownFields')
    const document = (await ask('GET', '/openapi.json')).json
    const { properties, required } = document.components.schemas.DeleteByFilterReport
    expect(properties.unknownFields).toMatchObject({ type: 'array', items: { type: 'string' } })
    expect(required).not.toContain('unknownFields')
  },
)

describe.each(['/collections/things/delete_by_filter', '/collections/things/vectors/delete_by_filter'])(
  'the rows of a dry run by %s',
  (path) => {
    const filter = { must: [{ has_id: ['a', 'b', 'c'] }] }

    test('are those of the same call in process', async () => {
      const { client, ask } = await servingThings(['a', 'b'])
      const text = '😀'.repeat(201)
      await client.insertVectors('things', [{ id: 'c', data: [1, 2], text }])
      const before = await everything(client)
      const { status, json } = await ask('POST', path, { filter, dry_run: true, rows: 1000 })
      expect([status, json.rows]).toStrictEqual([
        200,
        [
          { id: 'a', metadata: { name: 'a', place: 0 } },
          { id: 'b', metadata: { name: 'b', place: 1 } },
          { id: 'c', text: '😀'.repeat(200) },
        ],
      ])
      expect(json).toStrictEqual(await client.deleteByFilter('things', filter, { dryRun: true, rows: 1000 }))
      const two = await ask('POST', path, { filter, dry_run: true, rows: 2, expect: 3 })
      expect(two.json).toStrictEqual({ ...json, rows: json.rows.slice(0, 2) })
      expect((await ask('POST', path, { filter, dry_run: true })).json).not.toHaveProperty('rows')
      expect(await everything(client)).toStrictEqual(before)
    })

    test('are in the report of a dry run that guards refuse', async () => {
      const { ask } = await servingThings(['a', 'b'])
      const answer = await ask('POST', path, { filter, dry_run: true, rows: 1, at_most: 1 })
      expect(answer.status).toBe(409)
      expect(answer.json.error.report.rows).toStrictEqual([{ id: 'a', metadata: { name: 'a', place: 0 } }])
    })

    test.each([
      [{ rows: 1 }, 'body.rows is for a dry run only: set dry_run to true, or leave out rows'],
      [
        { rows: 1, dry_run: false },
        'body.rows is for a dry run only: set dry_run to true, or leave out rows',
      ],
      [{ rows: 0, dry_run: true }, 'body.rows is 0; it must be between 1 and 1000'],
      [{ rows: 1001, dry_run: true }, 'body.rows is 1001; it must be between 1 and 1000'],
      [{ rows: -1, dry_run: true }, 'body.rows: '],
      [{ rows: 1.5, dry_run: true }, 'body.rows: '],
      [{ rows: '1', dry_run: true }, 'body.rows: '],
      [{ rows: 1e300, dry_run: true }, 'body.rows: '],
      [{ rows: [1], dry_run: true }, 'body.rows: '],
    ])('with %j are refused, and nothing is deleted', async (options, message) => {
      const { client, ask } = await servingThings(['a', 'b'])
      const answer = await ask('POST', path, { filter, ...options })
      expect(refusal(answer)).toStrictEqual(INVALID)
      expect(answer.json.message.startsWith(message)).toBe(true)
      expect(await idsOf(client)).toStrictEqual(['a', 'b'])
    })

    test('are described', async () => {
      const { ask } = await servingThings([])
      const { schemas } = (await ask('GET', '/openapi.json')).json.components
      expect(schemas.ByFilter.properties.rows).toMatchObject({ type: 'integer', minimum: 1, maximum: 1000 })
      expect(schemas.ByFilter.required).not.toContain('rows')
      expect(schemas.DeleteByFilterReport.properties).toHaveProperty('rows')
      expect(schemas.DeleteByFilterReport.required).not.toContain('rows')
      expect(schemas.ShownVector.required).toStrictEqual(['id'])
    })
  },
)

describe('guards of a delete', () => {
  test.each(['/collections/things/delete_by_filter', '/collections/things/vectors/delete_by_filter'])(
    'by %s',
    async (path) => {
      const { client, ask } = await servingThings(['a', 'b', 'c'])
      const filter = { name: ['a', 'c'] }
      for (const guards of [{ at_most: 1 }, { expect: 3 }, { at_most: 2, expect: 1.0 }]) {
        for (const more of [{}, { receipt: true }, { dry_run: true }]) {
          const answer = await ask('POST', path, { filter, ...guards, ...more })
          expect(answer.json.message).toMatch(
            /^the filter matches 2 vectors, and body\.(at_most|expect) is \d: nothing was deleted; /,
          )
          const report = {
            scanned: 3,
            matched: 2,
            deleted: 0,
            results: [
              { id: 'a', status: 'matched' },
              { id: 'c', status: 'matched' },
            ],
          }
          expect(refusal(answer)).toStrictEqual({ ...REFUSED, report })
        }
      }
      expect(await idsOf(client)).toStrictEqual(['a', 'b', 'c'])
      const { status, json } = await ask('POST', path, { filter, at_most: 2, expect: 2 })
      expect([status, json.deleted]).toStrictEqual([200, 2])
    },
  )

  test.each([
    ['/collections/things/batch_delete', {}],
    ['/batch_delete', { collection: 'things' }],
  ])('by %s', async (path, more) => {
    const { client, ask } = await servingThings(['a', 'b'])
    const ids = ['a', 'nobody', 'a']
    for (const guards of [{ at_most: 0 }, { expect: 2 }, { at_most: 0, receipt: true }]) {
      const answer = await ask('POST', path, { ...more, ids, ...guards })
      expect(answer.json.message).toMatch(
        /^the ids are those of 1 vector, and body\.(at_most|expect) is \d: /,
      )
      const report = {
        collection: 'things',
        count: 3,
        deleted: 0,
        failed: 2,
        results: [
          { id: 'a', index: 0, status: 'matched' },
          { id: 'nobody', index: 1, status: 'error', error: 'vector not found' },
          { id: 'a', index: 2, status: 'error', error: 'repeated: the same id as at index 0' },
        ],
      }
      expect(refusal(answer)).toStrictEqual({ ...REFUSED, report })
    }
    expect(await idsOf(client)).toStrictEqual(['a', 'b'])
    const { status, json } = await ask('POST', path, { ...more, ids, at_most: 1, expect: 1 })
    expect([status, json.deleted]).toStrictEqual([200, 1])
  })

  test.each([
    ['at_most', null],
    ['at_most', -1],
    ['at_most', 0.5],
    ['at_most', '1'],
    ['at_most', 1e300],
    ['expect', null],
    ['expect', true],
    ['expect', [1]],
  ])('that say no number delete nothing: %s, %j', async (name, value) => {
    const { client, ask } = await servingThings(['a'])
    for (const [path, body] of [
      ['/collections/things/delete_by_filter', { filter: { name: 'a' } }],
      ['/collections/things/batch_delete', { ids: ['a'] }],
      ['/batch_delete', { collection: 'things', ids: ['a'] }],
    ] as const) {
      const answer = await ask('POST', path, { ...body, [name]: value })
      expect(refusal(answer)).toStrictEqual(INVALID)
      expect(answer.json.message).toContain(`body.${name}`)
    }
    expect(await idsOf(client)).toStrictEqual(['a'])
  })

  test.each(['atMost', 'at-most', 'expected', 'max'])('of another name are refused: %s', async (name) => {
    const { client, ask } = await servingThings(['a'])
    for (const [path, body] of [
      ['/collections/things/delete_by_filter', { filter: { name: 'a' } }],
      ['/collections/things/batch_delete', { ids: ['a'] }],
    ] as const) {
      expect(refusal(await ask('POST', path, { ...body, [name]: 1 }))).toStrictEqual(INVALID)
    }
    expect(await idsOf(client)).toStrictEqual(['a'])
  })

  test('are described with the error that they are answered with', async () => {
    const { ask } = await servingThings([])
    const { paths, components } = (await ask('GET', '/openapi.json')).json
    for (const name of ['ByFilter', 'Ids', 'IdsOfCollection']) {
      const { properties, required } = components.schemas[name]
      for (const guard of ['at_most', 'expect']) {
        expect(properties[guard]).toMatchObject({ type: 'integer', minimum: 0 })
        expect(required).not.toContain(guard)
      }
    }
    for (const path of [
      '/collections/{collection}/delete_by_filter',
      '/collections/{collection}/vectors/delete_by_filter',
      '/collections/{collection}/batch_delete',
      '/batch_delete',
    ]) {
      expect(paths[path].post.responses).toHaveProperty('409')
    }
    expect(components.schemas.ErrorDetails.properties).toHaveProperty('report')
  })
})

describe('deleting points', () => {
  const path = '/qdrant/collections/things/points/delete'

  test('deletes those that are there; numbers are their digits', async () => {
    const { client, ask } = await servingThings(['a', '1', '2', '18446744073709551615', 'b'])
    const answer = await ask('POST', path, '{"points":["a",1,"nobody",18446744073709551615],"wait":true}')
    expect(answer.json).toMatchObject({ result: { status: 'completed' }, status: 'ok' })
    expect(await idsOf(client)).toStrictEqual(['2', 'b'])
    await ask('POST', path, { filter: { must: [{ key: 'name', match: { value: 'b' } }] } })
    expect(await idsOf(client)).toStrictEqual(['2'])
  })

  test.each([
    ['nothing', '{}'],
    ['null', '{"points":null}'],
    ['neither', '{"points":null,"wait":true}'],
    ['both', '{"points":["a"],"filter":{"name":"b"}}'],
    ['both, one of them null', '{"points":["a"],"filter":null}'],
    ['both, the other one null', '{"points":null,"filter":{}}'],
    ['a fraction', '{"points":["a",1.5]}'],
    ['a negative number', '{"points":["a",-1]}'],
    ['a number that is too large', '{"points":["a",18446744073709551616]}'],
    ['a boolean', '{"points":["a",true]}'],
    ['an empty filter', '{"filter":{}}'],
  ])('that are %s deletes nothing', async (_, text) => {
    const { client, ask } = await servingThings(['a', 'b', '1'])
    expect(refusal(await ask('POST', path, text))).toStrictEqual(INVALID)
    expect(await idsOf(client)).toStrictEqual(['a', 'b', '1'])
  })
})

test.each([
  ['a key twice', '{"ids":["a"],"ids":["b"]}'],
  ['a key twice, one of them empty', '{"ids":[],"ids":["a","b"]}'],
  ['a key twice, spelt in two ways', '{"ids":["a"],"\\u0069ds":["b"]}'],
  ['something behind the JSON', '{"ids":["a"]} x'],
  ['another JSON behind it', '{"ids":["a"]}{"ids":["b"]}'],
  ['a bracket too many', '{"ids":["a"]}}'],
  ['a bracket too few', '{"ids":["a"]'],
  ['a comma too many', '{"ids":["a",]}'],
  ['a comment', '{"ids":["a"]/* all */}'],
  ['other quotes', "{'ids':['a']}"],
  ['a lone surrogate', '{"ids":["a","\\ud800"]}'],
  ['a control character', '{"ids":["a","\n"]}'],
  ['a list for an object', '[["a"]]'],
  ['a text for an object', '"a"'],
  ['a byte order mark', '\ufeff{"ids":["a"]}'],
  ['nothing', ''],
  ['nothing but spaces', '  \n'],
])('a body with %s deletes nothing', async (_, text) => {
  const { client, ask } = await servingThings(['a', 'b'])
  const headers = { 'content-type': 'application/json' }
  for (const [path, body] of [
    ['/collections/things/batch_delete', text],
    ['/batch_delete', text.replace('{', '{"collection":"things",')],
    [
      '/collections/things/delete_by_filter',
      text.replace('"ids":[', '"filter":{"name":[').replace(']', ']}'),
    ],
    ['/qdrant/collections/things/points/delete', text.replace('"ids"', '"points"')],
  ]) {
    expect(refusal(await ask('POST', path, body, headers))).toStrictEqual(INVALID)
    expect(await idsOf(client)).toStrictEqual(['a', 'b'])
  }
})

describe('what a delete proves', () => {
  test('is a receipt, whose digest can be computed by anybody', async () => {
    const { client, ask } = await servingThings(['a', 'b', 'é', '😀', '\uffee', 'left'])
    const many = await ask('POST', '/collections/things/batch_delete', {
      ids: ['b', 'nobody', 'a'],
      receipt: true,
    })
    const from = await ask('POST', '/batch_delete', { collection: 'things', ids: ['nobody'], receipt: true })
    const filter = { name: ['é', '😀', '\uffee'] }
    const matching = await ask('POST', '/collections/things/delete_by_filter', { filter, receipt: true })
    const receipts = [many, from, matching].map(({ json }) => json.receipt)
    const asked = [
      { call: 'batchDelete', requested: 3 },
      { call: 'batchDelete', requested: 1 },
      { call: 'deleteByFilter', filter },
    ]
    for (const [i, ids] of [['b', 'a'], [], ['é', '😀', '\uffee']].entries()) {
      expect(receipts[i]).toStrictEqual({
        ...asked[i],
        collection: 'things',
        deleted: ids.length,
        bytesErased: expect.any(Number),
        logSequence: expect.any(Number),
        completedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/),
        durable: false,
        digest: digest(receipts[i].logSequence, ids),
        text: expect.stringMatching(/\n/),
      })
    }
    expect(receipts[2].logSequence).toBeGreaterThan(receipts[0].logSequence)
    expect(await idsOf(client)).toStrictEqual(['left'])
  })

  test('is that nothing is left of it on disk, and the file’s place is not told', async () => {
    const { client, path } = store()
    await client.createCollection('things', { dimension: 2 })
    const { url } = await client.serve({ port: 0 })
    const ask = asking(url)
    const verify = async (ids: string[]) =>
      (await ask('POST', '/collections/things/verify_erased', { ids })).json
    const vectors = ['a', 'b', 'c'].map((id, i) => ({ id, vector: [1, i], metadata: { name: id } }))
    await ask('POST', '/collections/things/batch_insert', { vectors })
    const there = await verify(['a', 'b'])
    expect(there.verified).toBe(false)
    expect(there.residues.map(({ id }: { id: string }) => id)).toContain('a')
    expect(JSON.stringify(there)).not.toContain(path)

    await ask('DELETE', '/collections/things/vectors/a')
    await ask('POST', '/collections/things/delete_by_filter', { filter: { name: 'b' } })
    expect(await verify(['a', 'b'])).toStrictEqual({ verified: true, residues: [] })
    expect((await verify(['c'])).verified).toBe(false)
    const refused = await ask('POST', '/collections/things/verify_erased', { ids: ['a'], all: true })
    expect(refusal(refused)).toStrictEqual(INVALID)
  })
})
