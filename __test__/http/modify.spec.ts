// The routes that change many vectors: a patch of metadata, and updates of many ids.
import fc from 'fast-check'
import { everything, idsOf } from '../support/collections'
import { refusal, serving, servingThings } from '../support/http'

const INVALID = { status: 400, code: 'VALIDATION_ERROR' }
const NOWHERE = { status: 404, code: 'COLLECTION_NOT_FOUND' }
const REFUSED = { status: 409, code: 'TOO_MANY_MATCHES' }

/** A time that no test will see. */
const LATER = Date.UTC(2100, 0, 1)

describe('patching metadata', () => {
  const PATH = '/collections/things/vectors/bulk_update_metadata'

  test('merges what is given into what matches', async () => {
    const { client, ask } = await servingThings(['a', 'b', 'c'])
    const a = await client.getVector('things', 'a')
    await client.setVectorExpiry('things', 'b', LATER)
    const body = { filter: { place: { $gte: 1 } }, patch: { seen: { by: 'me' }, name: null, none: null } }
    const { status, json } = await ask('POST', PATH, body)
    expect({ status, json }).toStrictEqual({
      status: 200,
      json: {
        applied: true,
        scanned: 3,
        matched: 2,
        updated: 2,
        unchanged: 0,
        results: [
          { id: 'b', status: 'updated' },
          { id: 'c', status: 'updated' },
        ],
      },
    })
    expect((await client.listVectors('things')).vectors).toStrictEqual([
      a,
      {
        id: 'b',
        data: Float32Array.of(1, 1),
        metadata: { place: 1, seen: { by: 'me' } },
        expires_at: LATER,
      },
      { id: 'c', data: Float32Array.of(1, 2), metadata: { place: 2, seen: { by: 'me' } } },
    ])

    const more = { ...body, patch: { seen: { at: [1, null] }, place: 1 } }
    expect((await ask('POST', PATH, more)).json).toMatchObject({ updated: 2, unchanged: 0 })
    const again = await ask('POST', PATH, { ...more, patch: { seen: { by: 'me' }, place: 1 } })
    expect(again.json).toMatchObject({
      applied: true,
      matched: 2,
      updated: 0,
      unchanged: 2,
      results: [
        { id: 'b', status: 'unchanged' },
        { id: 'c', status: 'unchanged' },
      ],
    })
    const { metadata } = await client.getVector('things', 'c')
    expect(metadata).toStrictEqual({ place: 1, seen: { by: 'me', at: [1, null] } })
  })

  test('reports and leaves what the same call in process does', async () => {
    const { client, ask } = await servingThings()
    await client.createCollection('here', { dimension: 2 })
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom(null, 1, 2, 'x', true),
        fc.array(tie('any'), { maxLength: 2 }),
        tie('object'),
      ),
      object: fc.dictionary(fc.constantFrom('a', 'b', 'é'), tie('any'), {
        noNullPrototype: true,
        maxKeys: 3,
      }),
    }))
    const object = value.object as fc.Arbitrary<Record<string, unknown>>
    const rows = fc.array(fc.option(object, { nil: undefined }), { minLength: 1, maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(rows, object, fc.boolean(), async (all, patch, dryRun) => {
        const vectors = all.map((metadata, i) => ({ id: `${i}`, data: [1, i], metadata }))
        for (const name of ['here', 'things']) await client.insertVectors(name, vectors)
        const filter = { must: [{ has_id: ['0', '1', '2'] }] }
        const { json } = await ask('POST', PATH, { filter, patch, dry_run: dryRun })
        const report = await client.bulkUpdateMetadata('here', filter, patch as never, { dryRun })
        expect(json).toStrictEqual(report)
        const left = (await client.listVectors('things', 0, 100)).vectors
        expect(left).toStrictEqual((await client.listVectors('here', 0, 100)).vectors)
        const ids = left.map(({ id }) => id)
        for (const name of ['here', 'things']) await client.batchDelete(name, ids)
      }),
    )
  })

  test('keeps numbers that it does not touch to the last digit', async () => {
    const { ask } = await servingThings()
    const body = '{"id":"a","vector":[1,2],"metadata":{"n":9007199254740993,"m":1}}'
    expect((await ask('POST', '/collections/things/insert', body)).status).toBe(200)
    const { json } = await ask('POST', PATH, { filter: { m: 1 }, patch: { m: 2, more: {} } })
    expect(json).toMatchObject({ updated: 1 })
    const { text } = await ask('GET', '/collections/things/vectors/a')
    expect(text).toContain('"n":9007199254740993')
    // Not what a float would make of both.
    const near = await ask('POST', PATH, '{"filter":{"m":2},"patch":{"n":9007199254740992}}')
    expect(near.json).toMatchObject({ updated: 1, unchanged: 0 })
  })

  test('tells in a dry run what it would do, and does nothing', async () => {
    const { client, ask } = await servingThings(['a', 'b'])
    const before = await everything(client)
    const filter = { name: ['a', 'b'] }
    expect((await ask('POST', PATH, { filter, patch: { place: 0 }, dry_run: true })).json).toStrictEqual({
      applied: false,
      scanned: 2,
      matched: 2,
      updated: 1,
      unchanged: 1,
      results: [
        { id: 'a', status: 'unchanged' },
        { id: 'b', status: 'updated' },
      ],
    })
    expect(await everything(client)).toStrictEqual(before)
  })

  test('is refused with its report if another number of vectors matches', async () => {
    const { client, ask } = await servingThings(['a', 'b', 'c'])
    const before = await everything(client)
    const body = { filter: { name: ['a', 'b'] }, patch: { place: 0 } }
    for (const guards of [{ at_most: 1 }, { expect: 3 }, { at_most: 2, expect: 1 }]) {
      for (const more of [{}, { dry_run: true }]) {
        const answer = await ask('POST', PATH, { ...body, ...guards, ...more })
        expect(answer.json.message).toMatch(
          /^the filter matches 2 vectors, and body\.(at_most|expect) is \d: nothing was changed; /,
        )
        expect(refusal(answer)).toStrictEqual({
          ...REFUSED,
          report: {
            applied: false,
            scanned: 3,
            matched: 2,
            updated: 1,
            unchanged: 1,
            results: [
              { id: 'a', status: 'unchanged' },
              { id: 'b', status: 'updated' },
            ],
          },
        })
      }
    }
    expect(await everything(client)).toStrictEqual(before)
    const { status, json } = await ask('POST', PATH, { ...body, at_most: 2, expect: 2 })
    expect([status, json.applied, json.matched]).toStrictEqual([200, true, 2])
  })

  test('tells of a field that no vector has', async () => {
    const { ask } = await servingThings(['a', 'b'])
    const filter = { name: 'a', must_not_have: { $exists: false } }
    const { json } = await ask('POST', PATH, { filter, patch: { n: 1 } })
    expect(json).toMatchObject({ matched: 1, unknownFields: ['must_not_have'] })
    const known = await ask('POST', PATH, { filter: { name: 'z' }, patch: { n: 1 } })
    expect(known.json).not.toHaveProperty('unknownFields')
  })

  const filter = { name: 'a' }
  test.each<[string, unknown, RegExp]>([
    ['no filter', { patch: { n: 1 } }, /filter/],
    ['a filter without a condition', { filter: {}, patch: { n: 1 } }, /^filter: /],
    ['no patch', { filter }, /patch/],
    ['null for a patch', { filter, patch: null }, /^body\.patch: /],
    ['a list for a patch', { filter, patch: [{ n: 1 }] }, /^body\.patch: /],
    ['a text for a patch', { filter, patch: '{"n":1}' }, /^body\.patch: /],
    ['a number for a patch', { filter, patch: 1 }, /^body\.patch: /],
    ['a misspelt option', { filter, patch: { n: 1 }, dryRun: true }, /^body\.dryRun: /],
    ['an option of a delete', { filter, patch: { n: 1 }, receipt: true }, /^body\.receipt: /],
    ['a guard below zero', { filter, patch: { n: 1 }, at_most: -1 }, /^body\.at_most: /],
    ['ids beside it', { filter, patch: { n: 1 }, ids: ['a'] }, /^body\.ids: /],
  ])('with %s is refused, and changes nothing', async (_, body, message) => {
    const { client, ask } = await servingThings(['a', 'b'])
    const before = await everything(client)
    const answer = await ask('POST', PATH, body)
    expect(refusal(answer)).toStrictEqual(INVALID)
    expect(answer.json.message).toMatch(message)
    expect(await everything(client)).toStrictEqual(before)
  })

  test('of a collection that does not exist fails', async () => {
    const { ask } = await serving()
    const path = '/collections/nowhere/vectors/bulk_update_metadata'
    expect(refusal(await ask('POST', path, { filter, patch: { n: 1 } }))).toStrictEqual(NOWHERE)
  })
})

describe('updating many', () => {
  const PATH = '/collections/things/batch_update'

  test('replaces what is given of each that is there, and tells of the others', async () => {
    const { client, ask } = await servingThings(['a', 'b', 'c', 'd'])
    const d = await client.getVector('things', 'd')
    const updates = [
      { id: 'c', text: 'a text', metadata: null },
      { id: 'a', vector: [5, 6], metadata: { only: 'this' } },
      { id: 'nobody', metadata: {} },
      { id: 'b', expires_at: LATER },
    ]
    const { status, json } = await ask('POST', PATH, { updates })
    expect({ status, json }).toStrictEqual({
      status: 200,
      json: {
        success: false,
        collection: 'things',
        operation: 'batch_update_vectors',
        total_operations: 4,
        successful_operations: 3,
        failed_operations: 1,
        duration_ms: expect.any(Number),
        errors: [expect.stringContaining("'nobody'")],
        results: [
          { id: 'c', index: 0, status: 'ok' },
          { id: 'a', index: 1, status: 'ok' },
          { id: 'nobody', index: 2, status: 'error', error: 'vector not found' },
          { id: 'b', index: 3, status: 'ok' },
        ],
      },
    })
    await client.insertText('things', 'a text')
    const { vectors } = await client.listVectors('things')
    expect(vectors.slice(0, 4)).toStrictEqual([
      { id: 'a', data: Float32Array.of(5, 6), metadata: { only: 'this' } },
      { id: 'b', data: Float32Array.of(1, 1), metadata: { place: 1, name: 'b' }, expires_at: LATER },
      { id: 'c', data: vectors[4].data, metadata: { place: 2, name: 'c' }, text: 'a text' },
      d,
    ])
    const lifted = await ask('POST', PATH, { updates: [{ id: 'b', expires_at: null }] })
    expect(lifted.json).toMatchObject({ success: true, errors: [] })
    expect(await client.getVector('things', 'b')).not.toHaveProperty('expires_at')
  })

  test('leaves what an update of each does', async () => {
    const { client, ask } = await servingThings()
    await client.createCollection('here', { dimension: 2 })
    const part = fc.record(
      {
        data: fc.constantFrom([1, 5], [3, 4]),
        text: fc.constantFrom('a text', 'another'),
        metadata: fc.constantFrom({}, { n: 1 }),
        expires_at: fc.constantFrom(null, LATER),
      },
      { requiredKeys: [] },
    )
    const update = fc.tuple(
      fc.constantFrom('a', 'b', 'c', 'é'),
      part.filter((one) => Object.keys(one).length > 0),
    )
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(update, { selector: ([id]) => id }), async (all) => {
        const rows = ['a', 'b', 'c'].map((id, i) => ({ id, data: [1, i], metadata: { place: i } }))
        for (const name of ['here', 'things']) await client.insertVectors(name, rows)
        const updates = all.map(([id, { data, ...rest }]) => ({ id, ...rest, ...(data && { vector: data }) }))
        const { json } = await ask('POST', PATH, { updates })
        const statuses: string[] = []
        for (const [id, one] of all) {
          const updated = client.updateVector('here', id, one)
          statuses.push(
            await updated.then(
              () => 'ok',
              () => 'error',
            ),
          )
        }
        expect(json.results.map(({ status }: { status: string }) => status)).toStrictEqual(statuses)
        expect(json.success).toBe(!statuses.includes('error'))
        const left = (await client.listVectors('things')).vectors
        expect(left).toStrictEqual((await client.listVectors('here')).vectors)
      }),
    )
  })

  test("gives a client's own embedder the texts without a vector, in one call", async () => {
    const asked: string[][] = []
    const embedder = async (texts: string[]) => {
      asked.push([...texts])
      return texts.map((text) => [1, text.length])
    }
    const { client, ask } = await serving({}, { embedder })
    await client.createCollection('things', { dimension: 2 })
    await client.insertVectors(
      'things',
      ['a', 'b', 'c', 'd'].map((id) => ({ id, data: [1, 1] })),
    )
    const updates = [
      { id: 'a', text: 'bb' },
      { id: 'b', text: 'ccc', vector: [9, 9] },
      { id: 'c', metadata: {} },
      { id: 'd', text: 'dddd' },
    ]
    const twice = [...updates, { id: 'a', text: 'a' }]
    expect((await ask('POST', PATH, { updates: twice })).status).toBe(400)
    expect(asked).toStrictEqual([])
    expect((await ask('POST', PATH, { updates })).json).toMatchObject({ success: true })
    expect(asked).toStrictEqual([['bb', 'dddd']])
    const { vectors } = await client.listVectors('things')
    expect(vectors.map(({ data }) => [...data])).toStrictEqual([
      [1, 2],
      [9, 9],
      [1, 1],
      [1, 4],
    ])
  })

  test("changes nothing where a client's own embedder fails", async () => {
    const embedder = async () => {
      throw new Error('no')
    }
    const { client, ask } = await serving({}, { embedder })
    await client.createCollection('things', { dimension: 2 })
    const rows = ['a', 'b'].map((id) => ({ id, data: [1, 1] }))
    await client.insertVectors('things', rows)
    const before = await everything(client)
    const updates = [
      { id: 'a', vector: [2, 2] },
      { id: 'b', text: 'b' },
    ]
    const answer = await ask('POST', PATH, { updates })
    expect(refusal(answer)).toMatchObject({ status: 502, code: 'EMBEDDING_ERROR' })
    expect(await everything(client)).toStrictEqual(before)
  })

  const fine = { id: 'a', vector: [5, 6] }
  test.each<[string, unknown, RegExp]>([
    ['no updates', {}, /updates/],
    ['null for updates', { updates: null }, /^body\.updates: /],
    ['an object for updates', { updates: fine }, /^body\.updates: /],
    ['an id that occurs twice', { updates: [fine, fine] }, /^body\.updates\[1\]\.id is that of body\./],
    ['nothing to update', { updates: [fine, { id: 'b' }] }, /^body\.updates\[1\]: there is nothing to/],
    ['no id', { updates: [fine, { metadata: {} }] }, /^body\.updates\[1\]: .*id/],
    ['null for an id', { updates: [fine, { id: null, metadata: {} }] }, /^body\.updates\[1\]\.id: /],
    ['an empty text', { updates: [fine, { id: 'b', text: '' }] }, /^body\.updates\[1\]\.text is empty/],
    ['a vector of zeros', { updates: [fine, { id: 'b', vector: [0, 0] }] }, /^body\.updates\[1\]\.vector is/],
    [
      'a number beyond 32 bits',
      { updates: [fine, { id: 'b', vector: [1, 1e39] }] },
      /^body\.updates\[1\]\.vector\[1\]: number out of range/,
    ],
    ['metadata of a list', { updates: [fine, { id: 'b', metadata: [] }] }, /^body\.updates\[1\]\.metadata: /],
    [
      'an expiry that is none',
      { updates: [fine, { id: 'b', expires_at: 'soon' }] },
      /^body\.updates\[1\]\.expires_at: /,
    ],
    ['a misspelt key', { updates: [fine, { id: 'b', metdata: {} }] }, /^body\.updates\[1\]\.metdata: /],
    ['a key beside the updates', { updates: [fine], dry_run: true }, /^body\.dry_run: /],
  ])('with %s is refused, and changes nothing', async (_, body, message) => {
    const { client, ask } = await servingThings(['a', 'b'])
    const before = await everything(client)
    const answer = await ask('POST', PATH, body)
    expect(refusal(answer)).toStrictEqual(INVALID)
    expect(answer.json.message).toMatch(message)
    expect(await everything(client)).toStrictEqual(before)
  })

  test('with a vector of another length is refused, and changes nothing', async () => {
    const { client, ask } = await servingThings(['a', 'b'])
    const before = await everything(client)
    const answer = await ask('POST', PATH, { updates: [fine, { id: 'b', vector: [1, 2, 3] }] })
    expect(refusal(answer)).toStrictEqual({ status: 400, code: 'DIMENSION_MISMATCH', expected: 2, got: 3 })
    expect(answer.json.message).toMatch(/^body\.updates\[1\]\.vector has 3 dim/)
    const nowhere = await ask('POST', '/collections/nowhere/batch_update', { updates: [fine] })
    expect(refusal(nowhere)).toStrictEqual(NOWHERE)
    expect(await everything(client)).toStrictEqual(before)
  })

  test('takes thousands, and tells of each', async () => {
    const ids = Array.from({ length: 3000 }, (_, i) => `${i}`)
    const { client, ask } = await servingThings(ids)
    const asked = ids.flatMap((id) => [id, `no ${id}`])
    const updates = asked.map((id) => ({ id, metadata: { at: id } }))
    const { json } = await ask('POST', PATH, { updates })
    expect(json).toMatchObject({ total_operations: 6000, successful_operations: 3000 })
    expect(json.errors).toHaveLength(3000)
    expect(json.results.map(({ id }: { id: string }) => id)).toStrictEqual(asked)
    expect(await client.count('things', { at: ['7', '2999'] })).toBe(2)
    expect(await idsOf(client)).toStrictEqual(ids)
  })
})
