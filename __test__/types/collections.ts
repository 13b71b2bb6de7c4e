// Collections with a type of metadata: what filters, inserts and results know of it. Compiled,
// never run.
import {
  type Collection,
  collection,
  type Filter,
  type MetadataPath,
  type SearchResult,
  VectorizerClient,
} from 'vectorizer-native'
import type { MilvusVectorizerClient } from 'vectorizer-native/milvus'

interface Page {
  year: number
  title: string
  kind?: 'a' | 'b'
  tags: string[]
  open: boolean
  author: { name: string; born?: number | null }
  items: { sku: string; count: number }[]
  anything: any
  unsaid: unknown
  extra: Record<string, number>
  self?: Page
  at: Date | string
  optional?: { deep: { x: number } }
}
type Labels = { lang: 'en' | 'de'; views?: number }

declare const when: Date
declare const page: Page
declare const values: readonly number[]

export const accepted: Filter<Page>[] = [
  { year: 3 },
  { year: { $gt: 3, $lt: 5n }, title: 'x' },
  { title: when },
  { kind: 'a' },
  { kind: ['a', 'b', null] },
  { kind: null },
  { tags: 'x' },
  { tags: { $in: ['x'] } },
  { open: { $ne: false, $exists: true } },
  { 'author.name': 'Ann', 'author.born': { $gte: 3 } },
  { 'items.sku': 'q', 'items.count': [1, 2] },
  { anything: 3, 'anything.below': { $gt: 3 }, unsaid: 'x' },
  { 'extra.foo': 3, extra: { $exists: true } },
  { 'self.self.year': 3 },
  { author: { $exists: true } },
  { author: null },
  { at: { $lt: when } },
  { 'optional.deep.x': 3 },
  { $and: [{ year: 3 }, { $not: { title: 'x' } }], $or: [{ must: [{ has_id: ['a'] }] }] },
  {
    must: [
      { key: 'year', match: { value: 3 } },
      { key: 'tags', match: { any: ['a'] } },
    ],
  },
  { must: [{ key: 'year', range: { gt: 3 } }], must_not: [{ is_empty: { key: 'author' } }] },
  {
    must: [
      { key: 'tags', values_count: { gt: 1 } },
      { key: 'at', range: { lt: when } },
    ],
  },
  { should: [{ type: 'match', key: 'kind', match_value: 'a' }, { is_null: { key: 'author.born' } }] },
]

export const refused: Filter<Page>[] = [
  // @ts-expect-error: no such field
  { yeer: 3 },
  // @ts-expect-error: a number is no text
  { year: 'x' },
  // @ts-expect-error: no such operator
  { year: { $gtt: 3 } },
  // @ts-expect-error: a bound of another type
  { year: { $gt: 'x' } },
  // @ts-expect-error: none of its values
  { kind: 'c' },
  // @ts-expect-error: no order of booleans
  { open: { $gt: true } },
  // @ts-expect-error: a nested field is named by its path
  { author: { name: 'x' } },
  // @ts-expect-error: no such path
  { 'author.nam': 'x' },
  // @ts-expect-error: another type at the end of the path
  { 'items.sku': 3 },
  // @ts-expect-error: another type of any key
  { 'extra.foo': 'x' },
  // @ts-expect-error: no operator
  { year: {} },
  // @ts-expect-error: no value
  { year: undefined },
  // @ts-expect-error: no such field in a clause
  { must: [{ key: 'yeer', match: { value: 3 } }] },
  // @ts-expect-error: another type in a clause
  { must: [{ key: 'year', match: { value: 'x' } }] },
  // @ts-expect-error: no order in a clause
  { must: [{ key: 'open', range: { gt: 3 } }] },
  // @ts-expect-error: a clause and a field
  { must: [{ key: 'year', match: { value: 3 } }], year: 3 },
  // @ts-expect-error: no such field, deep inside
  { $or: [{ year: 3 }, { $not: { yeer: 4 } }] },
]

export const path: MetadataPath<Page> = 'self.author.name'
export const labels: Filter<Labels | undefined> = { lang: 'en' }
// @ts-expect-error: of those that have metadata
export const wrongLabels: Filter<Labels | undefined> = { lang: 'fr' }
export const records: Filter<Record<string, string>> = { anything: 3, 'x.y': 'z' }

export async function typed(client: VectorizerClient) {
  const pages = await client.collection<Page>('pages', { dimension: 3, ifExists: 'open' })
  await pages.insertVectors([{ id: 'a', data: values, metadata: page }] as const)
  await pages.insertVectors({ ids: ['a'], data: values, metadata: [page] })
  await pages.insertText('a text', page)
  await pages.batchInsertText(['a text'], [page])
  await pages.insertText('a text', page, { expires_at: new Date() })
  await pages.insertVectors([{ data: values, metadata: page, expires_at: '2026-12-01T00:00:00Z' }])
  await pages.insertVectors({ ids: ['a'], data: values, metadata: [page], expires_at: [null] })
  await pages.updateVector('a', { expires_at: null })
  const expiry: number | null = (await pages.setVectorExpiry('a', 0)).expires_at
  const ttl: number | null = (await pages.setCollectionTtl(60)).ttl_secs
  const at: number | undefined = (await pages.getVector('a')).expires_at
  // @ts-expect-error: of a whole store
  pages.resumeExpiry
  // @ts-expect-error: of a whole store
  pages.forget
  // @ts-expect-error: it would no longer be the name of this handle
  pages.renameCollection
  await pages.insertTexts([{ id: 'a', text: 'b', metadata: page }])
  // @ts-expect-error: every page has metadata
  await pages.insertVectors([{ id: 'a', data: values }])
  // @ts-expect-error: and all of it
  await pages.insertVectors([{ id: 'a', data: values, metadata: { year: 3 } }])
  // @ts-expect-error: options are not metadata
  await pages.insertText('a text', { expires_at: 0 })
  // @ts-expect-error: of texts too
  await pages.insertText('a text')
  // @ts-expect-error: and in columns
  await pages.insertVectors({ ids: ['a'], data: values })

  const [found] = await pages.search(values, { filter: { year: { $gt: 3 } }, limit: 1 })
  const born: number | null | undefined = found?.metadata.author.born
  const [bare] = await pages.search(values, { include_metadata: false, with_vector: true })
  const none: undefined = bare?.metadata
  const data: Float32Array | undefined = bare?.data
  const response = await pages.searchVectors({ query_vector: values, filter: { kind: 'a' } })
  const years: number[] = response.results.map(({ metadata }) => metadata.year)
  const all: Page[] = (await pages.listVectors()).vectors.map(({ metadata }) => metadata)
  const one: Page = (await pages.getVector('a')).metadata
  const result: SearchResult<false, true, Page> | undefined = found
  // @ts-expect-error: no such field
  await pages.search(values, { filter: { yeer: 3 } })
  // @ts-expect-error: no such field
  await pages.count({ yeer: 3 })
  // @ts-expect-error: no such field
  await pages.deleteByFilter({ yeer: 3 })
  // @ts-expect-error: no such field
  await pages.replace({ yeer: 3 }, [])
  // @ts-expect-error: every page has metadata
  await pages.replace({ year: 3 }, [{ id: 'a', data: values }])
  // @ts-expect-error: and all of it
  await pages.replace({ year: 3 }, [{ id: 'a', text: 'b', metadata: { year: 3 } }])
  // @ts-expect-error: not all of the metadata
  await pages.updateVector('a', { metadata: { year: 3 } })
  // @ts-expect-error: nor of this one
  await pages.batchUpdateVectors([{ id: 'a', metadata: { year: 3 } }])
  // @ts-expect-error: no such field
  await pages.bulkUpdateMetadata({ yeer: 3 }, { year: 4 })
  // @ts-expect-error: nor in the patch
  await pages.bulkUpdateMetadata({ year: 3 }, { yeer: 4 })
  // @ts-expect-error: of another type
  await pages.bulkUpdateMetadata({ year: 3 }, { year: 'x' })
  // @ts-expect-error: none of its values
  await pages.bulkUpdateMetadata({ year: 3 }, { kind: 'c' })
  // @ts-expect-error: of another type, deep inside
  await pages.bulkUpdateMetadata({ year: 3 }, { author: { name: 5 } })
  // @ts-expect-error: a list is replaced as a whole
  await pages.bulkUpdateMetadata({ year: 3 }, { tags: { 0: 'x' } })
  // @ts-expect-error: no such field
  await pages.moveToCollection('more', { filter: { yeer: 3 } })
  // @ts-expect-error: no such field
  await pages.copyVectors('more', { filter: { yeer: 3 } })

  await pages.bulkUpdateMetadata({ year: 3 }, { year: 4, kind: null, author: { born: null, name: 'x' } })
  await pages.bulkUpdateMetadata({ year: 3 }, { items: [], extra: { foo: null, bar: 1 }, at: when })
  await pages.bulkUpdateMetadata(
    { year: 3 },
    { self: { self: { title: 'x' } }, anything: { at: 1 }, unsaid: 1 },
  )
  await pages.batchUpdateVectors([
    { id: 'a', metadata: page },
    { id: 'b', data: values },
  ] as const)
  const moved = await pages.moveToCollection('more', { filter: { year: 3 } }, { receipt: true })
  await pages.copyVectors('more', ['a'])
  await pages.updateCollection({ description: 'pages' })
  await pages.reindexCollection({ m: 24 })

  const labelled = await client.collection<Labels | undefined>('labelled')
  await labelled.bulkUpdateMetadata({ lang: 'en' }, { lang: 'de', views: null })
  // @ts-expect-error: there is none
  await labelled.bulkUpdateMetadata({ lang: 'en' }, undefined)
  await labelled.insertVectors([{ data: values }, { data: values, metadata: { lang: 'en' } }])
  await labelled.insertText('a text')
  await labelled.insertText('a text', null, { expires_at: null })
  const lang: 'en' | 'de' | undefined = (await labelled.getVector('a')).metadata?.lang
  // @ts-expect-error: it may have none
  ;(await labelled.getVector('a')).metadata.lang

  const { rows = [] } = await pages.deleteByFilter({ title: 'x' }, { dryRun: true, rows: 1 })
  const titles: string[] = rows.map(({ metadata }) => metadata.title)
  const { receipt } = await pages.deleteByFilter({ title: 'x' }, { receipt: true })
  const digest: string = receipt.digest
  await pages.replace({ year: 3 }, [{ id: 'a', data: values, metadata: page }] as const)
  const { ids } = await pages.replace({ year: 3 }, [{ id: 'a', text: 'b', metadata: page }], {
    receipt: true,
  })
  const proof = await pages.deleteVector('a', { receipt: true })
  const nothing: void = await pages.deleteVector('b')
  return {
    moved: moved.receipt,
    expiry,
    ttl,
    at,
    born,
    none,
    data,
    years,
    all,
    one,
    result,
    lang,
    titles,
    digest,
    ids,
    proof,
    nothing,
  }
}

export async function untyped(client: MilvusVectorizerClient) {
  const things: Collection = await client.collection('things')
  await things.insertVectors([{ data: values, metadata: page }, { data: values }])
  await things.insertText('a text')
  const metadata: Record<string, unknown> | undefined = (await things.getVector('a')).metadata
  await things.deleteByFilter({ 'whatever.there.is': 3 })
  await things.bulkUpdateMetadata({ 'whatever.there.is': 3 }, { whatever: { there: { is: null } } })
  const pages: Collection<Page> = await collection<Page>('pages')
  // @ts-expect-error: the collection has a dimension
  await client.collection('things', { ifExists: 'open' })
  // @ts-expect-error: one of two
  await client.collection('things', { dimension: 3, ifExists: 'replace' })
  return { metadata, pages }
}

export async function cancellable(client: VectorizerClient, signal: AbortSignal) {
  await client.search('things', values, { signal })
  await client.deleteByFilter('things', { a: 1 }, { signal, dryRun: true })
  await client.createBackup('a.vecbak', { signal })
  await VectorizerClient.restoreBackup('a.vecbak', 'store', { signal })
  const pages = await client.collection<Page>('pages', { dimension: 3, signal })
  await pages.optimize({ signal })
}
