// Forms of arguments that are documented beside the first, and what results have by what was asked
// for. Compiled, never run.
import {
  batchDelete,
  type CollectionOptions,
  createCollection,
  deleteByFilter,
  deleteVector,
  type ErasureReceipt,
  insertTexts,
  insertVectors,
  replace,
  search,
  searchBatch,
  searchText,
  searchVectors,
  VectorizerError,
} from 'vectorizer-native'

interface Meta {
  lang: string
  year?: number
}
declare const meta: Meta
declare const maybe: boolean
declare const values: readonly number[]
declare const error: unknown

export async function forms() {
  await search('docs', values, { threshold: 0.5 })
  await createCollection('docs', { dimension: 3, similarity_metric: 'euclidean' })
  await createCollection({ name: 'docs', dimension: 3, metric: 'euclidean' })
  await insertVectors('docs', [{ id: 'a', data: values, metadata: null, text: null }])
  await insertVectors('docs', [{ id: 'a', data: [1, 2, 3], metadata: meta }] as const)
  await insertVectors('docs', { ids: ['a'], data: [1, 2, 3], metadata: [meta], texts: [null] })
  await insertVectors('docs', { ids: ['a'] as const, data: values })
  await insertTexts('docs', [{ id: 'a', text: 'b', metadata: meta }] as const)
  await searchBatch('docs', ['a', values] as const)

  const [bare] = await search('docs', values)
  const [whole] = await search('docs', values, { with_vector: true })
  const [either] = await search('docs', values, { with_vector: maybe, include_metadata: false })
  const data: Float32Array | undefined = whole?.data
  const sure: Float32Array[] = (await search('docs', values, { with_vector: true })).map(({ data }) => data)
  const unsure: Float32Array | undefined = either?.data
  const none: undefined = bare?.data
  const unasked: undefined = either?.metadata
  const asked: Record<string, unknown> | undefined = bare?.metadata
  const request = { query_vector: values, with_vector: true } as const
  const first: Float32Array[] = (await searchVectors('docs', request)).results.map((row) => row.data)
  const text = (await searchText('docs', { query: 'a', include_metadata: false })).results[0]
    ?.metadata satisfies undefined
  const lists: Float32Array[][] = (await searchBatch('docs', [values], { with_vector: true })).map((rows) =>
    rows.map((row) => row.data),
  )
  // @ts-expect-error: the values were not asked for
  const missing: Float32Array = (await search('docs', values)).map(({ data }) => data)[0]
  // @ts-expect-error: the option is with_vector
  await search('docs', values, { limit: 5, with_vectors: true })

  const proofs: ErasureReceipt[] = [
    (await deleteVector('docs', 'a', { receipt: true })).receipt,
    (await batchDelete('docs', ['a'], { receipt: true })).receipt,
    (await deleteByFilter('docs', { year: 3 }, { receipt: true })).receipt,
    (await replace('docs', { year: 3 }, [], { receipt: true })).receipt,
  ]
  // @ts-expect-error: no receipt was asked for
  const unproved: ErasureReceipt = (await batchDelete('docs', ['a'])).receipt
  return [data, sure, unsure, none, unasked, asked, first, text, lists, missing, proofs, unproved]
}

if (error instanceof VectorizerError && error.code === 'STORE_LOCKED') throw error
// @ts-expect-error: no such code
if (error instanceof VectorizerError && error.code === 'STORE_LOKED') throw error

export const options: CollectionOptions = { dimension: 3, metric: 'cosine' }
