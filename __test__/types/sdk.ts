// One interface that types this client and the Vectorizer TypeScript SDK's, so that a service
// is given either. Compiled, never run.
import { type Filter, VectorizerClient } from 'vectorizer-native'

/** What a vector's values can be read as from both: an array there, a Float32Array here. */
type Values = ArrayLike<number> & Iterable<number>

interface ReadVector {
  id: string
  data: Values
  metadata?: Record<string, unknown>
}
interface Found {
  id: string
  score: number
  metadata?: Record<string, unknown>
}
interface CollectionOf {
  name: string
  dimension: number
  similarity_metric: 'cosine' | 'euclidean' | 'dot_product'
}
interface NewCollection {
  name: string
  dimension: number
  similarity_metric?: 'cosine' | 'euclidean' | 'dot_product'
}
interface NewVector {
  id?: string
  data: number[]
  metadata?: Record<string, unknown>
}
interface Ranked<F> {
  limit?: number
  threshold?: number
  include_metadata?: boolean
  filter?: F
}
interface Deleted {
  collection: string
  count: number
  deleted: number
  failed: number
  results: { id: string; index: number; status: 'ok' | 'error'; error?: string }[]
}
interface DeletedByFilter {
  scanned: number
  matched: number
  deleted: number
  results: { id: string; status: string }[]
}
interface TextsInserted {
  success: boolean
  collection: string
  operation: string
  total_operations: number
  successful_operations: number
  failed_operations: number
  duration_ms: number
  errors: string[]
}

/** The SDK's calls with the shapes that it documents; it says nothing of what is in a filter. */
interface SdkCalls<F = Record<string, unknown>> {
  listCollections(): Promise<CollectionOf[]>
  getCollection(collectionName: string): Promise<CollectionOf & { vector_count: number }>
  createCollection(request: NewCollection): Promise<CollectionOf>
  deleteCollection(collectionName: string): Promise<void>
  insertVectors(collectionName: string, vectors: NewVector[]): Promise<{ inserted: number }>
  insertTexts(
    collectionName: string,
    texts: { id: string; text: string; metadata?: Record<string, unknown> }[],
  ): Promise<TextsInserted>
  getVector(collectionName: string, vectorId: string): Promise<ReadVector>
  listVectors(
    collectionName: string,
    page?: number,
    limit?: number,
  ): Promise<{ vectors: ReadVector[]; total: number; limit: number; offset: number }>
  updateVector(
    collectionName: string,
    vectorId: string,
    request: { data?: number[]; metadata?: Record<string, unknown> },
  ): Promise<ReadVector>
  deleteVector(collectionName: string, vectorId: string): Promise<void>
  deleteVectors(collectionName: string, vectorIds: string[]): Promise<Deleted>
  batchDelete(collectionName: string, vectorIds: string[]): Promise<Deleted>
  deleteByFilter(collectionName: string, filter: F): Promise<DeletedByFilter>
  searchVectors(
    collectionName: string,
    request: Ranked<F> & { query_vector: number[] },
  ): Promise<{ results: Found[]; total?: number }>
  searchText(
    collectionName: string,
    request: Ranked<F> & { query: string },
  ): Promise<{ results: Found[]; total?: number }>
}

/** The same as functions, whose parameters are compared strictly: what the SDK takes is taken here. */
type StrictCalls = {
  [Name in keyof SdkCalls]: (...args: Parameters<SdkCalls<Filter>[Name]>) => ReturnType<SdkCalls[Name]>
}

const client = new VectorizerClient()
client satisfies SdkCalls
client satisfies StrictCalls

// @ts-expect-error A call whose result differs is not the SDK's.
client satisfies { deleteVectors(collectionName: string, vectorIds: string[]): Promise<{ erased: number }> }
// @ts-expect-error Nor is one that takes less than the SDK's, where parameters are compared.
client satisfies { deleteVector: (collectionName: string, vectorId: string | number) => Promise<void> }

/** A service as it is written against the interface, the documented way to clean up among it. */
export class Documents {
  constructor(
    private readonly store: SdkCalls,
    private readonly collection: string,
  ) {}

  async forget(category: string): Promise<number> {
    const { deleted } = await this.store.deleteByFilter(this.collection, { category })
    return deleted
  }

  async nearest(query: number[]): Promise<[string, number][]> {
    const { results } = await this.store.searchVectors(this.collection, { query_vector: query, limit: 5 })
    return results.map(({ id, score }) => [id, score])
  }

  async norm(id: string): Promise<number> {
    const { data } = await this.store.getVector(this.collection, id)
    return Math.hypot(...data)
  }
}

declare const remote: SdkCalls
export const services: Documents[] = [new Documents(client, 'docs'), new Documents(remote, 'docs')]
