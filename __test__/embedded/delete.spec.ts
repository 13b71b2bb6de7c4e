import { ValidationError, VectorNotFoundError } from '../..'
import { everything, holding, idsOf, things } from '../support/collections'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'

describe('deleteVector', () => {
  test('a deleted vector is found by no read', async () => {
    const client = await holding('a', 'b', 'c')
    await client.deleteVector('things', 'b')

    await expect(client.getVector('things', 'b')).rejects.toBeInstanceOf(VectorNotFoundError)
    expect((await client.search('things', [1, 1])).map(({ id }) => id)).toStrictEqual(['c', 'a'])
    expect((await client.search('things', '')).map(({ id }) => id)).toStrictEqual(['a', 'c'])
    expect((await client.listVectors('things')).total).toBe(2)
    expect(await client.count('things')).toBe(2)
    expect((await client.getCollectionInfo('things')).vector_count).toBe(2)
  })

  test('deleting what is not there rejects, also the second time', async () => {
    const client = await holding('a')
    await expect(client.deleteVector('things', 'b')).rejects.toThrow(VectorNotFoundError)
    await client.deleteVector('things', 'a')
    await expect(client.deleteVector('things', 'a')).rejects.toThrow(VectorNotFoundError)
  })

  test('a deleted id can be inserted again, and comes last in the order', async () => {
    const client = await holding('a', 'b', 'c')
    await client.deleteVector('things', 'a')
    await client.insertVectors('things', [{ id: 'a', data: [0, 1] }])

    expect(await client.getVector('things', 'a')).toStrictEqual({ id: 'a', data: Float32Array.of(0, 1) })
    expect(await idsOf(client)).toStrictEqual(['b', 'c', 'a'])
  })

  test('a collection can be emptied and filled over and over', async () => {
    const client = await things()
    for (let round = 0; round < 50; round++) {
      await client.insertVectors('things', [
        { id: 'a', data: [1, round], metadata: { round } },
        { id: `b${round}`, data: [round, 1] },
      ])
      expect((await client.getVector('things', 'a')).metadata).toStrictEqual({ round })
      await client.deleteVector('things', 'a')
      await client.deleteVector('things', `b${round}`)
    }
    expect(await client.search('things', [1, 1])).toStrictEqual([])
    expect(await client.count('things')).toBe(0)
  })
})

describe.each(['batchDelete', 'deleteVectors'] as const)('%s', (batchDelete) => {
  test('the report has a row for each id in the order of the request', async () => {
    const client = await holding('a', 'b', 'c', 'd')

    expect(await client[batchDelete]('things', ['c', 'nobody', 'a', 'c', 'a'])).toStrictEqual({
      collection: 'things',
      count: 5,
      deleted: 2,
      failed: 3,
      results: [
        { id: 'c', index: 0, status: 'ok' },
        { id: 'nobody', index: 1, status: 'error', error: expect.stringMatching(/not found/) },
        { id: 'a', index: 2, status: 'ok' },
        { id: 'c', index: 3, status: 'error', error: expect.stringMatching(/repeated.*\b0$/) },
        { id: 'a', index: 4, status: 'error', error: expect.stringMatching(/repeated.*\b2$/) },
      ],
    })
    expect(await idsOf(client)).toStrictEqual(['b', 'd'])
  })

  test('an empty list deletes nothing and resolves with zeros', async () => {
    const client = await holding('a')

    expect(await client[batchDelete]('things', [])).toStrictEqual({
      collection: 'things',
      count: 0,
      deleted: 0,
      failed: 0,
      results: [],
    })
    expect(await client.count('things')).toBe(1)
  })

  test('an id that no vector can have is missing like any other', async () => {
    const client = await holding('a')
    const ids = ['', 'x'.repeat(2000), 'a']
    const report = await client[batchDelete]('things', ids)

    expect(report.results.map(({ id, status }) => [id, status])).toStrictEqual([
      ['', 'error'],
      ['x'.repeat(2000), 'error'],
      ['a', 'ok'],
    ])
  })

  test.each([
    ['a number', 7],
    ['null', null],
    ['undefined', undefined],
    ['an object', { id: 'a' }],
    ['a list', ['a']],
    ['a String object', Object('a')],
    ['a symbol', Symbol('a')],
  ])('where an entry is %s, its index is named and nothing is deleted', async (_, entry) => {
    const client = await holding('a', 'b', 'c')
    const error = await rejection(untyped(client)[batchDelete]('things', ['a', 'b', entry]))

    expect(error).toBeInstanceOf(ValidationError)
    expect(error.message).toContain('[2]')
    expect(await idsOf(client)).toStrictEqual(['a', 'b', 'c'])
  })

  test('a hole in the list is an entry that is no string', async () => {
    const client = await holding('a')
    const ids = ['a']
    ids[2] = 'b'
    expect((await rejection(client[batchDelete]('things', ids))).message).toContain('[1]')
    expect(await client.count('things')).toBe(1)
  })

  test('ten thousand ids are deleted in one call, with a row for each', async () => {
    const client = await things()
    const ids = Array.from({ length: 10_000 }, (_, i) => `id ${i}`)
    await client.insertVectors('things', { ids, data: new Float32Array(20_000).fill(1) })
    const odd = ids.filter((_, i) => i % 2 === 1)
    const report = await client[batchDelete]('things', odd)

    expect(report.deleted).toBe(5000)
    expect(report.results).toStrictEqual(odd.map((id, index) => ({ id, index, status: 'ok' })))
    expect(await idsOf(client)).toStrictEqual(ids.filter((_, i) => i % 2 === 0))
  })
})

describe('deleteByFilter', () => {
  test('the report has what was considered, and what matched in insertion order', async () => {
    const client = await holding('d', 'c', 'b', 'a')

    expect(await client.deleteByFilter('things', { place: { $gte: 1, $lt: 3 } })).toStrictEqual({
      scanned: 4,
      matched: 2,
      deleted: 2,
      results: [
        { id: 'c', status: 'deleted' },
        { id: 'b', status: 'deleted' },
      ],
    })
    expect(await idsOf(client)).toStrictEqual(['d', 'a'])
    expect(await client.count('things', { place: { $gte: 1, $lt: 3 } })).toBe(0)
  })

  test('a dry run reports the same with status "matched", and deletes nothing', async () => {
    const client = await holding('a', 'b', 'c')
    const before = await everything(client)

    expect(await client.deleteByFilter('things', { name: ['a', 'c'] }, { dryRun: true })).toStrictEqual({
      scanned: 3,
      matched: 2,
      deleted: 0,
      results: [
        { id: 'a', status: 'matched' },
        { id: 'c', status: 'matched' },
      ],
    })
    expect(await everything(client)).toStrictEqual(before)
  })

  test('dryRun: false deletes', async () => {
    const client = await holding('a', 'b')
    const report = await client.deleteByFilter('things', { name: 'a' }, { dryRun: false })
    expect(report.deleted).toBe(1)
    expect(await idsOf(client)).toStrictEqual(['b'])
  })

  test('no match resolves with zeros', async () => {
    const client = await holding('a', 'b')

    expect(await client.deleteByFilter('things', { name: 'z' })).toStrictEqual({
      scanned: 2,
      matched: 0,
      deleted: 0,
      results: [],
    })
    expect(await client.count('things')).toBe(2)
  })

  test.each([
    ['dry_run', { dry_run: true }],
    ['dryrun', { dryrun: true }],
    ['limit', { dryRun: true, limit: 1 }],
    ['dryRun', { dryRun: 'yes' }],
    ['dryRun', { dryRun: 1 }],
    ['dryRun', { dryRun: null }],
    ['receipt', { receipt: null }],
    ['backup', { backup: null }],
  ])('an option that is not understood (%s) is named and deletes nothing', async (named, options) => {
    const client = await holding('a', 'b')
    const error = await rejection(untyped(client).deleteByFilter('things', { name: 'a' }, options))

    expect(error).toBeInstanceOf(ValidationError)
    expect(error.message).toContain(named)
    expect(await client.count('things')).toBe(2)
  })

  test.each([
    ['{}', {}],
    ['null', null],
    ['undefined', undefined],
    ['a list', []],
    ['a string', 'name'],
  ])('%s is no filter, and never wipes a collection', async (_, filter) => {
    const client = await holding('a', 'b')
    await expect(untyped(client).deleteByFilter('things', filter)).rejects.toBeInstanceOf(ValidationError)
    expect(await client.count('things')).toBe(2)
  })

  test('what was deleted by filter can be inserted again', async () => {
    const client = await holding('a', 'b')
    await client.deleteByFilter('things', { name: 'a' })
    await client.insertVectors('things', [{ id: 'a', data: [3, 4], metadata: { name: 'new' } }])

    expect(await client.count('things', { name: 'a' })).toBe(0)
    expect(await client.count('things', { name: 'new' })).toBe(1)
  })
})

describe('fields of a filter that no vector has', () => {
  test('are told however much it matches', async () => {
    const client = await holding('a', 'b', 'c')
    const filter = { $not: { nmae: 'a' } }
    const matching = await client.deleteByFilter('things', filter, { dryRun: true })
    expect(matching).toMatchObject({ matched: 3, unknownFields: ['nmae'] })
    const clauses = {
      must: [{ key: 'name', match: { value: 'a' } }],
      must_not: [{ is_null: { key: 'd.e' } }],
    }
    const deleting = await client.deleteByFilter('things', clauses, { receipt: true })
    expect(deleting).toMatchObject({ deleted: 1, unknownFields: ['d.e'] })
  })

  test('are those that were missing before the delete', async () => {
    const client = await holding('a', 'b')
    await client.updateVector('things', 'a', { metadata: { only: 1 } })
    expect(await client.deleteByFilter('things', { only: 1 })).not.toHaveProperty('unknownFields')
    expect(await client.deleteByFilter('things', { only: 1 })).toMatchObject({ unknownFields: ['only'] })
    await client.updateVector('things', 'b', { metadata: { only: null } })
    expect(await client.deleteByFilter('things', { only: 1 })).not.toHaveProperty('unknownFields')
  })

  test('are told beyond the fields that have an index, too', async () => {
    const client = await holding('a', 'b')
    for (let i = 0; i < 70; i++) {
      const filter = { [`field ${i}`]: 1, name: 'a' }
      const report = await client.deleteByFilter('things', filter, { dryRun: true })
      expect(report).toMatchObject({ matched: 0, unknownFields: [`field ${i}`] })
    }
  })

  test('are not there for a filter of ids', async () => {
    const client = await holding('a', 'b')
    const report = await client.deleteByFilter('things', { must: [{ has_id: ['z'] }] })
    expect(report).toStrictEqual({ scanned: 2, matched: 0, deleted: 0, results: [] })
  })
})

test('a delete in one collection leaves the same id in another', async () => {
  const client = await holding('a')
  await client.createCollection('others', { dimension: 2 })
  await client.insertVectors('others', [{ id: 'a', data: [1, 1] }])
  await client.deleteVector('things', 'a')

  expect(await idsOf(client, 'others')).toStrictEqual(['a'])
  await client.deleteCollection('things')
  expect((await client.listCollections()).map(({ name }) => name)).toStrictEqual(['others'])
})

test('a deleted collection is gone, and its name is free', async () => {
  const client = await holding('a')
  expect(await client.deleteCollection('things')).toBeUndefined()
  await expect(client.count('things')).rejects.toThrow("'things' does not exist")

  await client.createCollection('things', { dimension: 3 })
  expect(await client.count('things')).toBe(0)
})
