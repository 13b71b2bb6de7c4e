import { holding } from '../support/collections'

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
})
