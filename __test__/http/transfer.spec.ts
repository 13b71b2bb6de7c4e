// The routes that move and copy vectors from one collection to another.
import fc from 'fast-check'
import type { SimilarityMetric } from '../..'
import { everything, idsOf } from '../support/collections'
import { digest } from '../support/digest'
import { store } from '../support/disk'
import { asking, refusal, serving, servingThings } from '../support/http'

const INVALID = { status: 400, code: 'VALIDATION_ERROR' }
const NOWHERE = { status: 404, code: 'COLLECTION_NOT_FOUND' }
const REFUSED = { status: 409, code: 'TOO_MANY_MATCHES' }

/** A time that no test will see. */
const LATER = Date.UTC(2100, 0, 1)

/** A server with three vectors in `things`, and one in `others` that has the id of one of them. */
async function servingBoth(metric: SimilarityMetric = 'cosine') {
  const served = await servingThings(['a', 'b', 'c'])
  await served.client.createCollection('others', { dimension: 2, metric })
  await served.client.insertVectors('others', [{ id: 'c', data: [9, 9] }])
  return served
}

const MISSING = { id: 'nobody', status: 'missing_in_src' }
const TAKEN = {
  id: 'c',
  status: 'dst_insert_failed',
  error: 'the destination has a vector with this id',
}

describe.each([
  ['move', 'moved'],
  ['copy', 'copied'],
])('%s', (route, done) => {
  const PATH = `/collections/things/vectors/${route}`
  const isMove = route === 'move'

  test('takes those that are there and not in the destination, and tells of the others', async () => {
    const { client, ask } = await servingBoth()
    const [a, b, c] = (await client.listVectors('things')).vectors
    const body = { destination: 'others', ids: ['b', 'nobody', 'c', 'b', 'a'] }
    const { status, json } = await ask('POST', PATH, body)
    expect({ status, json }).toStrictEqual({
      status: 200,
      json: {
        src: 'things',
        dst: 'others',
        requested: 5,
        [done]: 2,
        failed: 3,
        applied: true,
        results: [
          { id: 'b', status: 'ok' },
          MISSING,
          TAKEN,
          { id: 'b', status: 'dst_insert_failed', error: 'repeated: the same id as at index 0' },
          { id: 'a', status: 'ok' },
        ],
      },
    })
    expect((await client.listVectors('things')).vectors).toStrictEqual(isMove ? [c] : [a, b, c])
    const theirs = { id: 'c', data: Float32Array.of(9, 9) }
    expect((await client.listVectors('others')).vectors).toStrictEqual([theirs, b, a])
  })

  test('takes what matches, with its text and its expiry', async () => {
    const { client, ask } = await servingBoth()
    const metadata = { name: 'd', place: 3 }
    const row = { id: 'd', data: [3, 4], metadata, text: 'a text', expires_at: LATER }
    await client.insertVectors('things', [row])
    const d = await client.getVector('things', 'd')
    const body = { destination: 'others', filter: { place: { $gte: 2 } }, overwrite: false }
    expect((await ask('POST', PATH, body)).json).toStrictEqual({
      src: 'things',
      dst: 'others',
      requested: 2,
      [done]: 1,
      failed: 1,
      applied: true,
      results: [TAKEN, { id: 'd', status: 'ok' }],
    })
    expect(await client.getVector('others', 'd')).toStrictEqual(d)
    expect(await idsOf(client)).toStrictEqual(isMove ? ['a', 'b', 'c'] : ['a', 'b', 'c', 'd'])
  })

  test('replaces what the destination has only where that is asked for', async () => {
    const { client, ask } = await servingBoth()
    const c = await client.getVector('things', 'c')
    const body = { destination: 'others', ids: ['c'], overwrite: true }
    expect((await ask('POST', PATH, body)).json).toMatchObject({
      [done]: 1,
      failed: 0,
      results: [{ id: 'c', status: 'ok' }],
    })
    expect((await client.listVectors('others')).vectors).toStrictEqual([c])
    expect(await idsOf(client)).toStrictEqual(isMove ? ['a', 'b'] : ['a', 'b', 'c'])
  })

  test('reports and leaves what the same call in process does', async () => {
    const { client, ask } = await servingThings()
    for (const name of ['others', 'here', 'there']) await client.createCollection(name, { dimension: 2 })
    const id = fc.constantFrom('a', 'b', 'c', 'é')
    const selection = fc.oneof(
      fc.array(id).map((ids) => ({ ids })),
      fc.constantFrom('a', 'b').map((kind) => ({ filter: { kind } })),
    )
    const rows = fc.uniqueArray(fc.tuple(id, fc.constantFrom('a', 'b')), { selector: ([one]) => one })
    const options = fc.record({ overwrite: fc.boolean(), dryRun: fc.boolean() }, { requiredKeys: [] })
    await fc.assert(
      fc.asyncProperty(rows, rows, selection, options, async (ours, theirs, chosen, options) => {
        const vectors = (all: [string, string][], at: number) =>
          all.map(([id, kind], i) => ({ id, data: [at, i], metadata: { kind, at } }))
        for (const name of ['things', 'here']) await client.insertVectors(name, vectors(ours, 1))
        for (const name of ['others', 'there']) await client.insertVectors(name, vectors(theirs, 2))
        const { dryRun, ...rest } = options
        const sent = { ...rest, ...(dryRun === undefined ? {} : { dry_run: dryRun }) }
        const { json } = await ask('POST', PATH, { destination: 'others', ...chosen, ...sent })
        const which = 'ids' in chosen ? chosen.ids : chosen
        const report = isMove
          ? await client.moveToCollection('here', 'there', which, options)
          : await client.copyVectors('here', 'there', which, options)
        expect(json).toStrictEqual({ ...report, src: 'things', dst: 'others' })
        for (const [one, other] of [
          ['things', 'here'],
          ['others', 'there'],
        ]) {
          const left = (await client.listVectors(one, 0, 100)).vectors
          expect(left).toStrictEqual((await client.listVectors(other, 0, 100)).vectors)
          const ids = left.map(({ id }) => id)
          for (const name of [one, other]) await client.batchDelete(name, ids)
        }
      }),
    )
  })

  test('tells in a dry run what it would do, and does nothing', async () => {
    const { client, ask } = await servingBoth()
    const before = await everything(client)
    const body = { destination: 'others', ids: ['a', 'nobody', 'c'], dry_run: true }
    expect((await ask('POST', PATH, body)).json).toStrictEqual({
      src: 'things',
      dst: 'others',
      requested: 3,
      [done]: 0,
      failed: 2,
      applied: false,
      results: [{ id: 'a', status: 'ok' }, MISSING, TAKEN],
    })
    expect(await everything(client)).toStrictEqual(before)
  })

  test(`is refused with its report if another number would be ${done}`, async () => {
    const { client, ask } = await servingBoth()
    const before = await everything(client)
    const body = { destination: 'others', ids: ['a', 'b', 'c', 'nobody'] }
    for (const guards of [{ at_most: 1 }, { expect: 3 }, { at_most: 2, expect: 4 }]) {
      for (const more of [{}, { dry_run: true }]) {
        const answer = await ask('POST', PATH, { ...body, ...guards, ...more })
        expect(answer.json.message).toMatch(/2 vectors.*, and body\.(at_most|expect) is \d: nothing was /)
        expect(answer.json.message).toContain(`nothing was ${done}`)
        expect(refusal(answer)).toStrictEqual({
          ...REFUSED,
          report: {
            src: 'things',
            dst: 'others',
            requested: 4,
            [done]: 0,
            failed: 2,
            applied: false,
            results: [{ id: 'a', status: 'ok' }, { id: 'b', status: 'ok' }, TAKEN, MISSING],
          },
        })
      }
    }
    expect(await everything(client)).toStrictEqual(before)
    const { status, json } = await ask('POST', PATH, { ...body, at_most: 2, expect: 2 })
    expect([status, json[done]]).toStrictEqual([200, 2])
  })

  const ids = ['a']
  const destination = 'others'
  test.each<[string, unknown, RegExp]>([
    ['no destination', { ids }, /destination/],
    ['null for a destination', { ids, destination: null }, /^body\.destination: /],
    ['the same collection as its destination', { ids, destination: 'things' }, /things/],
    ['neither ids nor a filter', { destination }, /^body: give either ids or filter/],
    ['both', { destination, ids, filter: { name: 'a' } }, /^body: give either ids or filter/],
    ['null for ids', { destination, ids: null }, /^body\.ids: /],
    ['null for ids beside a filter', { destination, ids: null, filter: { name: 'a' } }, /^body\.ids: /],
    ['a number among ids', { destination, ids: ['a', 1] }, /^body\.ids\[1\]: /],
    ['a filter without a condition', { destination, filter: {} }, /^filter: /],
    ['null for a filter', { destination, filter: null }, /^filter\b/],
    ['null for overwrite', { destination, ids, overwrite: null }, /^body\.overwrite: /],
    ['a text for overwrite', { destination, ids, overwrite: 'yes' }, /^body\.overwrite: /],
    ['a misspelt option', { destination, ids, dryRun: true }, /^body\.dryRun: /],
    ['a guard below zero', { destination, ids, expect: -1 }, /^body\.expect: /],
    ['null for a receipt', { destination, ids, receipt: null }, /^body\.receipt: /],
  ])('with %s is refused, and changes nothing', async (_, body, message) => {
    const { client, ask } = await servingBoth()
    const before = await everything(client)
    const answer = await ask('POST', PATH, body)
    expect(refusal(answer)).toStrictEqual(INVALID)
    expect(answer.json.message).toMatch(message)
    expect(await everything(client)).toStrictEqual(before)
  })

  test('from or to a collection that does not exist fails, and changes nothing', async () => {
    const { client, ask } = await servingBoth()
    const before = await everything(client)
    for (const more of [{}, { dry_run: true }, { overwrite: true }]) {
      const to = await ask('POST', PATH, { destination: 'nowhere', ids, ...more })
      const from = await ask('POST', `/collections/nowhere/vectors/${route}`, { destination, ids, ...more })
      for (const answer of [to, from]) {
        expect(refusal(answer)).toStrictEqual(NOWHERE)
        expect(answer.json.message).toContain("'nowhere'")
      }
    }
    expect(await everything(client)).toStrictEqual(before)
  })

  test('to a collection of another dimension fails, and changes nothing', async () => {
    const { client, ask } = await servingBoth()
    await client.createCollection('wide', { dimension: 3 })
    const before = await everything(client)
    const answer = await ask('POST', PATH, { destination: 'wide', ids })
    expect(refusal(answer)).toMatchObject({ status: 400, code: 'DIMENSION_MISMATCH' })
    expect(answer.json.message).toContain("'wide'")
    expect(await everything(client)).toStrictEqual(before)
  })

  test('of zeros to a collection with the metric cosine fails, and changes nothing', async () => {
    const { client, ask } = await serving()
    await client.createCollection('things', { dimension: 2, metric: 'euclidean' })
    await client.createCollection('others', { dimension: 2 })
    await client.insertVectors('things', [
      { id: 'a', data: [1, 2] },
      { id: 'zero', data: [0, 0] },
    ])
    const before = await everything(client)
    const answer = await ask('POST', PATH, { destination, ids: ['a', 'zero'] })
    expect(refusal(answer)).toStrictEqual(INVALID)
    expect(await everything(client)).toStrictEqual(before)
    await ask('POST', PATH, { destination, ids: ['a'] })
    expect(await idsOf(client, 'others')).toStrictEqual(['a'])
  })

  test('takes thousands in one step, in the order of the ids', async () => {
    const all = Array.from({ length: 3000 }, (_, i) => `${i}`)
    const { client, ask } = await servingThings(all)
    await client.createCollection('others', { dimension: 2 })
    const chosen = all.filter((_, i) => i % 2 === 1).reverse()
    const { json } = await ask('POST', PATH, { destination, ids: chosen })
    expect(json).toMatchObject({ requested: 1500, [done]: 1500, failed: 0 })
    expect(await idsOf(client, 'others')).toStrictEqual(chosen)
    expect(await client.count('things')).toBe(isMove ? 1500 : 3000)
  })
})

describe('a receipt', () => {
  test('of a move is for what was erased in the source', async () => {
    const { client } = store()
    for (const name of ['things', 'others']) await client.createCollection(name, { dimension: 2 })
    const rows = ['a', 'b', 'é', '😀'].map((id, i) => ({ id, data: [1, i], metadata: { i } }))
    await client.insertVectors('things', rows)
    const ask = asking((await client.serve({ port: 0 })).url)
    const path = '/collections/things/vectors/move'
    const body = { destination: 'others', ids: ['😀', 'nobody', 'é'], receipt: true }
    const { receipt, ...report } = (await ask('POST', path, body)).json
    expect(report).toMatchObject({ moved: 2, failed: 1 })
    expect(receipt).toStrictEqual({
      call: 'moveToCollection',
      collection: 'things',
      deleted: 2,
      bytesErased: expect.any(Number),
      requested: 3,
      logSequence: expect.any(Number),
      completedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/),
      durable: true,
      digest: digest(receipt.logSequence, ['é', '😀']),
      text: expect.stringMatching(/\n/),
    })
    const verify = (await ask('POST', '/collections/things/verify_erased', { ids: ['é', '😀'] })).json
    expect(verify).toStrictEqual({ verified: true, residues: [] })
    expect(await idsOf(client, 'others')).toStrictEqual(['😀', 'é'])
  })

  test('is not given where nobody asks, nor for a dry run', async () => {
    const { client, ask } = await servingBoth()
    const path = '/collections/things/vectors/move'
    const body = { destination: 'others', ids: ['a'] }
    const before = await everything(client)
    const dry = await ask('POST', path, { ...body, dry_run: true, receipt: true })
    expect(refusal(dry)).toStrictEqual(INVALID)
    expect(dry.json.message).toMatch(/^body\.dry_run .*: leave out receipt/)
    expect(await everything(client)).toStrictEqual(before)
    expect((await ask('POST', path, { ...body, receipt: false })).json).not.toHaveProperty('receipt')
  })

  test('is nothing that a copy has', async () => {
    const { client, ask } = await servingBoth()
    const before = await everything(client)
    const body = { destination: 'others', ids: ['a'], receipt: true }
    const answer = await ask('POST', '/collections/things/vectors/copy', body)
    expect(refusal(answer)).toStrictEqual(INVALID)
    expect(answer.json.message).toMatch(/^body\.receipt: /)
    expect(await everything(client)).toStrictEqual(before)
  })
})

test('vectors whose ids are those of the routes are read, updated and deleted like others', async () => {
  const ids = ['move', 'copy', 'bulk_update_metadata']
  const { client, ask } = await servingThings([...ids, 'a'])
  for (const [i, id] of ids.entries()) {
    const path = `/collections/things/vectors/${id}`
    expect((await ask('GET', path)).json).toMatchObject({ id, metadata: { name: id, place: i } })
    expect((await ask('PUT', path, { metadata: { n: 1 } })).json).toMatchObject({ id, metadata: { n: 1 } })
    expect((await ask('PATCH', path, { metadata: { n: 2 } })).json).toMatchObject({ id, metadata: { n: 2 } })
    expect((await ask('DELETE', path)).json).toMatchObject({ success: true })
    expect(refusal(await ask('GET', path))).toStrictEqual({ status: 404, code: 'VECTOR_NOT_FOUND' })
  }
  expect(await idsOf(client)).toStrictEqual(['a'])
})
