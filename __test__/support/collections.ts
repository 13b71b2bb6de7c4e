import { type SimilarityMetric, VectorizerClient } from '../..'
import { atEnd } from './ending'

/** A client that is closed after the test. */
export function client(options?: ConstructorParameters<typeof VectorizerClient>[0]) {
  const opened = new VectorizerClient(options)
  atEnd(() => opened.close())
  return opened
}

/** A client with an empty collection `things`. */
export async function things(dimension = 2, metric: SimilarityMetric = 'cosine') {
  const opened = client()
  await opened.createCollection('things', { dimension, metric })
  return opened
}

/** A client whose collection `things` holds a vector for each id, all different. */
export async function holding(...ids: string[]) {
  const opened = await things()
  await opened.insertVectors(
    'things',
    ids.map((id, i) => ({ id, data: [1, i], metadata: { place: i, name: id } })),
  )
  return opened
}

/** The ids of all vectors in a collection, in order. */
export async function idsOf(opened: VectorizerClient, collection = 'things') {
  const all = await opened.search(collection, '', { limit: 1_000_000 })
  return all.map(({ id }) => id)
}

/** Everything a client can report about its collections, to check that a call changed nothing. */
export async function everything(opened: VectorizerClient) {
  const collections = await opened.listCollections()
  return Promise.all(
    collections.map(async (collection) => ({
      ...collection,
      page: await opened.listVectors(collection.name, 0, 1_000_000),
    })),
  )
}
