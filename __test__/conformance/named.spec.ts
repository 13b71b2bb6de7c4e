import {
  CollectionExistsError,
  CollectionNotFoundError,
  DimensionMismatchError,
  type OpenCollectionOptions,
  ValidationError,
} from '../..'
import { rejection } from '../support/rejection'
import { untyped } from '../support/untyped'
import { engines } from './engines'

interface Page {
  place: number
  name: string
}

describe.each(engines)('one collection of the client that is %s', (_, ready) => {
  const engine = ready()

  test('has the calls of the client that are about it, with the same answers', async () => {
    const client = await engine.open()
    const things = await client.collection<Page>('things', { dimension: 2, metric: 'euclidean' })
    expect(things.name).toBe('things')
    const rows = ['a', 'b', 'c', 'd', 'e'].map((id, place) => ({
      id,
      data: [1, place],
      metadata: { place, name: id },
    }))
    expect(await things.insertVectors(rows)).toStrictEqual({
      inserted: 5,
      ids: ['a', 'b', 'c', 'd', 'e'],
    })

    // A collection on disk may have been scrubbed in between.
    const { scrub: _, ...info } = await client.getCollectionInfo('things')
    expect(await things.getCollectionInfo()).toMatchObject(info)
    expect(await things.getCollection()).toMatchObject({ similarity_metric: 'euclidean', vector_count: 5 })
    expect(await things.getVector('b')).toStrictEqual(await client.getVector('things', 'b'))
    expect(await things.listVectors(1, 2)).toStrictEqual(await client.listVectors('things', 1, 2))
    expect([await things.count(), await things.count({ place: { $gte: 3 } })]).toStrictEqual([5, 2])
    const options = { limit: 2, filter: { name: ['b', 'c'] } }
    const found = await client.search('things', [1, 1], options)
    expect(await things.search([1, 1], options)).toStrictEqual(found)
    expect(found.map(({ id }) => id)).toStrictEqual(['b', 'c'])
    expect(await things.searchVectors({ query_vector: [1, 1], ...options })).toStrictEqual({
      results: found,
      total: 2,
    })
    expect(await things.searchText({ query: '', ...options })).toStrictEqual(
      await client.searchText('things', { query: '', ...options }),
    )
    expect(await things.searchBatch([[1, 1]], options)).toStrictEqual([found])

    const changed = await things.updateVector('a', { metadata: { place: 9, name: 'z' } })
    expect(changed.metadata.place).toBe(9)
    const reason = 'a request'
    expect(await things.deleteVector('a', { reason })).toBeUndefined()
    expect(await things.batchDelete(['b', 'b'], { reason })).toMatchObject({
      collection: 'things',
      deleted: 1,
      failed: 1,
    })
    expect(await things.deleteVectors(['c'])).toMatchObject({ deleted: 1 })
    expect(await things.deleteByFilter({ name: 'd' }, { dryRun: true })).toMatchObject({
      matched: 1,
      deleted: 0,
    })
    expect(await things.deleteByFilter({ name: 'd' }, { reason })).toMatchObject({ scanned: 2, deleted: 1 })
    if (engine.isEmbedded) {
      const rows = [{ id: 'e', data: [1, 4], metadata: { place: 4, name: 'e' } }]
      expect(await things.replace({ name: 'e' }, rows, { reason })).toMatchObject({
        applied: true,
        unchanged: 1,
      })
      const others = await client.collection<Page>('others', { dimension: 2, metric: 'euclidean' })
      const patched = await things.bulkUpdateMetadata({ name: 'e' }, { place: 5 })
      expect(patched).toMatchObject({ applied: true, matched: 1, updated: 1 })
      const updates = [{ id: 'e', metadata: { place: 4, name: 'e' } }]
      expect(await things.batchUpdateVectors(updates)).toMatchObject({ success: true, collection: 'things' })
      const copied = { src: 'things', dst: 'others', copied: 1 }
      expect(await things.copyVectors('others', ['e'])).toMatchObject(copied)
      const moved = { src: 'others', dst: 'things', moved: 1 }
      const back = others.moveToCollection('things', { filter: { place: 4 } }, { overwrite: true, reason })
      expect(await back).toMatchObject(moved)
      expect(await others.updateCollection({ description: 'of others' })).toMatchObject({ name: 'others' })
      expect(await others.reindexCollection()).toMatchObject({ collection: 'others' })
      await others.deleteCollection()
    }
    expect(await engine.idsOf(client)).toStrictEqual(['e'])
    expect(await things.optimize()).toBeUndefined()
    expect(await things.deleteCollection({ reason })).toBeUndefined()
    expect(await rejection(things.count())).toBeInstanceOf(CollectionNotFoundError)
  })

  test('takes texts like the client', async () => {
    const client = await engine.open()
    const texts = await client.collection('texts', { dimension: 64 })
    const id = await texts.insertText('red apples', { kind: 'fruit' })
    const [second] = await texts.batchInsertText(['green pears'], [{ kind: 'fruit' }])
    await texts.insertTexts([{ id: 'c', text: 'blue cars', metadata: { kind: 'machine' } }])
    expect(await texts.count({ kind: 'fruit' })).toBe(2)
    expect((await texts.search('red apples', { limit: 1 }))[0]).toMatchObject({ id, text: 'red apples' })
    expect(await texts.getVector(second ?? '')).toMatchObject({ metadata: { kind: 'fruit' } })
  })

  test('is opened without options where it is there, and not made where it is not', async () => {
    const client = await engine.holding('a')
    expect(await (await client.collection('things')).count()).toBe(1)
    expect(await rejection(client.collection('others'))).toBeInstanceOf(CollectionNotFoundError)
    expect((await client.listCollections()).map(({ name }) => name)).toStrictEqual(['things'])
  })

  test('is made with options, and opened where it is there only if that is asked for', async () => {
    const client = await engine.open()
    const options = { dimension: 2, metric: 'dot_product', hnsw: { m: 8 } } as const
    const open = (more: Partial<OpenCollectionOptions> = {}) =>
      client.collection('things', { ...options, ifExists: 'open', ...more })
    await (await open()).insertVectors([{ id: 'a', data: [1, 2] }])
    expect(await rejection(client.collection('things', options))).toBeInstanceOf(CollectionExistsError)
    const explicit = client.collection('things', { ...options, ifExists: 'error' })
    expect(await rejection(explicit)).toBeInstanceOf(CollectionExistsError)
    expect(await (await open()).count()).toBe(1)
    // What is not given may be as it is.
    expect(await (await client.collection('things', { dimension: 2, ifExists: 'open' })).count()).toBe(1)

    const wrong = await rejection(open({ dimension: 3 }))
    expect(wrong).toBeInstanceOf(DimensionMismatchError)
    expect(wrong).toMatchObject({ expected: 2, got: 3 })
    expect(wrong.message).toBe("collection 'things' exists and has dimension 2, not 3")
    for (const [more, part] of [
      [{ metric: 'cosine' }, 'metric dot_product, not cosine'],
      [{ metric: undefined, similarity_metric: 'euclidean' }, 'metric dot_product, not euclidean'],
      [{ hnsw: { m: 16 } }, 'hnsw.m 8, not 16'],
    ] as [object, string][]) {
      const error = await rejection(open(more))
      expect(error).toBeInstanceOf(ValidationError)
      expect(error.message).toContain(part)
    }
    expect(await engine.idsOf(client)).toStrictEqual(['a'])
  })

  test('is made once by many that open it at the same time', async () => {
    const client = await engine.open()
    const options = { dimension: 2, ifExists: 'open' } as const
    const all = await Promise.all(Array.from({ length: 5 }, () => client.collection('things', options)))
    await all[0]?.insertVectors([{ id: 'a', data: [1, 2] }])
    expect(await Promise.all(all.map((one) => one.count()))).toStrictEqual([1, 1, 1, 1, 1])
  })

  test('rejects what is no name and no options', async () => {
    const client = await engine.open()
    for (const args of [
      [3],
      [''],
      ['things', null],
      ['things', []],
      ['things', {}],
      ['things', { dimension: 2, ifExists: true }],
      ['things', { dimension: 2, ifexists: 'open' }],
      ['things', { ifExists: 'open' }],
    ]) {
      const error = await rejection(untyped(client).collection(...args))
      expect(error).toBeInstanceOf(ValidationError)
    }
    expect(await client.listCollections()).toStrictEqual([])
  })
})
