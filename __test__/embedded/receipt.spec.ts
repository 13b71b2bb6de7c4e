// What a delete proves: documented in full, so that anybody can check it.
import { type ErasureReceipt, ValidationError, type VectorizerClient } from '../..'
import { holding, client as opened } from '../support/collections'
import { digest } from '../support/digest'
import { store } from '../support/disk'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'

const bytesOf = (text: string) => Buffer.byteLength(text)

describe.each(['in memory', 'on disk'])('%s', (where) => {
  async function things() {
    const client = where === 'on disk' ? store().client : opened()
    await client.createCollection('things', { dimension: 2 })
    return client
  }

  test('a receipt is what is documented, and its digest can be computed by anybody', async () => {
    const client = await things()
    const metadata = { name: 'é', tags: ['a', 1] }
    await client.insertVectors('things', [
      { id: 'a', data: [1, 2], metadata },
      { id: 'b', data: [3, 4] },
      { id: 'c', data: [5, 6], metadata: {} },
    ])
    await client.insertTexts('things', [{ id: 'd', text: 'ein Stück Text' }])
    const begun = Date.now()
    const report = await client.batchDelete('things', ['d', 'b', 'nobody', 'b', 'a'], { receipt: true })
    const receipt = report.receipt as ErasureReceipt

    expect(receipt).toStrictEqual({
      call: 'batchDelete',
      requested: 5,
      text: expect.any(String),
      collection: 'things',
      deleted: 3,
      bytesErased: 3 * 8 + 3 + bytesOf(JSON.stringify(metadata)) + bytesOf('ein Stück Text'),
      logSequence: expect.any(Number),
      completedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/),
      durable: where === 'on disk',
      digest: digest(receipt.logSequence, ['a', 'b', 'd']),
    })
    expect(report).toMatchObject({ count: 5, deleted: 3, failed: 2 })
    expect(Date.parse(receipt.completedAt)).toBeGreaterThanOrEqual(begun)
    expect(Date.parse(receipt.completedAt)).toBeLessThanOrEqual(Date.now())
  })

  test('the digest of any ids is that of their JSON text', async () => {
    const client = await things()
    const ids = [
      'plain',
      'Plain',
      '"quoted" \\ /',
      'line\nfeed\r\ttab\b\f',
      '\u0000\u0001\u001f\u007f\u0080',
      '\u2028\u2029',
      '😀',
      '\uffee', // after 😀 by UTF-16, before it by UTF-8
      '\u00e9',
      'e\u0301', // the same to the eye
      '<script>',
      '1',
      '10',
      '9',
      'x'.repeat(1024),
    ]
    await client.insertVectors(
      'things',
      ids.map((id, i) => ({ id, data: [1, i] })),
    )
    const { receipt } = await client.deleteByFilter('things', { must: [{ has_id: ids }] }, { receipt: true })
    expect(receipt).toMatchObject({
      deleted: ids.length,
      digest: digest(receipt?.logSequence as number, ids),
    })
    expect(await client.count('things')).toBe(0)
  })

  test('each receipt has a higher number than those before', async () => {
    const client = await things()
    const numbers: number[] = []
    for (let i = 0; i < 4; i++) {
      await client.insertVectors('things', [
        { id: 'a', data: [1, i] },
        { id: 'b', data: [1, i], metadata: { b: true } },
      ])
      const one = await client.deleteVectors('things', ['a'], { receipt: true })
      const other = await client.deleteByFilter('things', { b: true }, { receipt: true })
      numbers.push(one.receipt?.logSequence as number, other.receipt?.logSequence as number)
    }
    expect(numbers).toStrictEqual([...new Set(numbers)].sort((a, b) => a - b))
  })

  test('the delete of one vector, and that of a collection, are proved as those of many are', async () => {
    const client = await things()
    const metadata = { name: 'é' }
    await client.insertVectors('things', [
      { id: 'a', data: [1, 2], metadata },
      { id: 'b', data: [3, 4] },
      { id: 'c', data: [5, 6] },
    ])
    const first = (await client.batchDelete('things', ['c'], { receipt: true })).receipt as ErasureReceipt
    const { receipt: one } = await client.deleteVector('things', 'a', { receipt: true })
    expect(one).toStrictEqual({
      call: 'deleteVector',
      requested: 1,
      text: expect.any(String),
      collection: 'things',
      deleted: 1,
      bytesErased: 8 + 1 + bytesOf(JSON.stringify(metadata)),
      logSequence: first.logSequence + 1,
      completedAt: expect.any(String),
      durable: where === 'on disk',
      digest: digest(one.logSequence, ['a']),
    })
    await client.insertTexts('things', [{ id: 'd', text: 'ein Stück Text' }])
    const begun = Date.now()
    const { receipt: all } = await client.deleteCollection('things', { receipt: true })
    expect(all).toStrictEqual({
      call: 'deleteCollection',
      text: expect.any(String),
      collection: 'things',
      deleted: 2,
      bytesErased: 2 * 8 + 2 + bytesOf('ein Stück Text'),
      logSequence: one.logSequence + 2,
      completedAt: expect.any(String),
      durable: where === 'on disk',
      digest: digest(all.logSequence, ['b', 'd']),
    })
    expect(Date.parse(all.completedAt)).toBeGreaterThanOrEqual(begun)
    expect(await client.listCollections()).toStrictEqual([])
  })

  test('the delete of an empty collection is proved', async () => {
    const client = await things()
    const { receipt } = await client.deleteCollection('things', { receipt: true })
    expect(receipt).toMatchObject({ deleted: 0, bytesErased: 0, digest: digest(receipt.logSequence, []) })
  })

  test('where nothing was deleted the receipt says so', async () => {
    const client = await things()
    await client.insertVectors('things', [{ id: 'a', data: [1, 2] }])
    for (const report of [
      await client.batchDelete('things', [], { receipt: true }),
      await client.batchDelete('things', ['nobody'], { receipt: true }),
      await client.deleteByFilter('things', { no: 'such' }, { receipt: true }),
    ]) {
      const receipt = report.receipt as ErasureReceipt
      expect(receipt).toMatchObject({ collection: 'things', deleted: 0, bytesErased: 0 })
      expect(receipt.digest).toBe(digest(receipt.logSequence, []))
    }
  })
})

test('the numbers go on after the store is opened again', async () => {
  const { client, path } = store()
  await client.createCollection('things', { dimension: 2 })
  let one: VectorizerClient = client
  let last = 0
  for (let i = 0; i < 4; i++) {
    await one.insertVectors('things', [{ id: 'a', data: [1, i] }])
    const { receipt } = await one.batchDelete('things', ['a'], { receipt: true })
    expect(receipt?.logSequence).toBeGreaterThan(last)
    expect(receipt?.digest).toBe(digest(receipt?.logSequence as number, ['a']))
    last = receipt?.logSequence as number
    if (i % 2 === 1) await one.optimize('things')
    await one.close()
    one = opened({ path })
  }
})

test('the numbers of deletes at the same time are all different', async () => {
  const ids = Array.from({ length: 40 }, (_, i) => `${i}`)
  const client = await holding(...ids)
  const reports = await Promise.all(ids.map((id) => client.batchDelete('things', [id], { receipt: true })))
  expect(new Set(reports.map(({ receipt }) => receipt?.logSequence)).size).toBe(40)
  for (const [i, { receipt }] of reports.entries())
    expect(receipt?.digest).toBe(digest(receipt?.logSequence as number, [ids[i]]))
})

test.each([undefined, {}, { receipt: false }])(
  'there is no receipt where nobody asks: %j',
  async (options) => {
    const client = await holding('a', 'b')
    expect(await client.batchDelete('things', ['a'], options)).not.toHaveProperty('receipt')
    expect(await client.deleteByFilter('things', { name: 'b' }, options)).not.toHaveProperty('receipt')
    await client.insertVectors('things', [{ id: 'c', data: [1, 2] }])
    expect(await client.deleteVector('things', 'c', options)).toBeUndefined()
    expect(await client.deleteCollection('things', options)).toBeUndefined()
  },
)

test('a dry run with a receipt is refused', async () => {
  const client = await holding('a', 'b')
  const options = { dryRun: true, receipt: true }
  const error = await rejection(untyped(client).deleteByFilter('things', { name: 'a' }, options))
  expect(error).toBeInstanceOf(ValidationError)
  expect(error.message).toMatch(/dryRun.*receipt/)
  expect(await client.count('things')).toBe(2)
})
