/*
 * The vector store for LangChain.js. langchain.d.ts and langchain.d.mts are the same, for
 * CommonJS and ES modules: LangChain's types differ between the two.
 */

import type { Callbacks } from '@langchain/core/callbacks/manager'
import type { Document, DocumentInterface } from '@langchain/core/documents'
import type { EmbeddingsInterface } from '@langchain/core/embeddings'
import type { MaxMarginalRelevanceSearchOptions, VectorStore } from '@langchain/core/vectorstores'
import type { Filter, HnswOptions, SimilarityMetric, Vectorizer, VectorizerClientOptions } from '../index.js'

/** What a collection is like that the store makes. One that exists stays as it is. */
interface OfCollection {
  /** The collection's name. It is made when the first documents are added. */
  collection: string
  /** Default `cosine`. */
  metric?: SimilarityMetric
  hnsw?: HnswOptions
  /**
   * Default true: an instance of a class in the metadata is kept as the plain object that JSON
   * makes of it, since loaders leave some there. With false it rejects, as everywhere else.
   */
  plainMetadata?: boolean
}

/** Over a client, which remains its owner's to close. */
interface OverClient extends OfCollection {
  client: Vectorizer
  path?: undefined
  fsync?: undefined
  shared?: undefined
}

/** Over a client that the store opens, and closes in `close`. */
interface Opened extends OfCollection, Pick<VectorizerClientOptions, 'path' | 'fsync' | 'shared'> {
  client?: undefined
}

/** Where documents are kept: in a client's collection, or in that of a client that is opened. */
export type VectorizerVectorStoreOptions = OverClient | Opened

/** How documents are added. */
export interface AddOptions {
  /**
   * An id for each document, in place of its own. A document whose id exists replaces it
   * whole.
   */
  ids?: string[]
}

/** Which documents to delete: by ids, or by their metadata. */
export type DeleteParams = { ids: readonly string[]; filter?: never } | { filter: Filter; ids?: never }

/**
 * LangChain documents in a collection: the text as the vector's text, the metadata as its
 * metadata, unchanged but for `plainMetadata`. Errors are those of `vectorizer-native`, and of the embeddings.
 */
export declare class VectorizerVectorStore<
  Metadata extends Record<string, any> = Record<string, any>,
> extends VectorStore {
  FilterType: Filter
  /** The client that has the collection. */
  readonly client: Vectorizer
  /** The collection's name. */
  readonly collection: string

  /** Throws `ValidationError` where the options are not of this form. */
  constructor(embeddings: EmbeddingsInterface, options: VectorizerVectorStoreOptions)
  _vectorstoreType(): string

  /** Embeds documents and adds them: all of them or none. Resolves with their ids in order. */
  addDocuments(documents: DocumentInterface<Metadata>[], options?: AddOptions): Promise<string[]>
  /**
   * Adds documents with their vectors: all of them or none. Resolves with their ids in order.
   * The first vectors make the collection, where there is none.
   */
  addVectors(
    vectors: readonly (number[] | Float32Array)[],
    documents: DocumentInterface<Metadata>[],
    options?: AddOptions,
  ): Promise<string[]>

  /**
   * Deletes the documents with these ids, or all that match the filter, at once. Ids that do
   * not exist are passed over. When it resolves, vectors, texts, metadata and ids are gone.
   *
   * A filter that is not understood, or has no condition, rejects with `ValidationError` and
   * deletes nothing; so does anything else than either ids or a filter.
   */
  delete(params: DeleteParams): Promise<void>

  /**
   * The `k` documents most alike to a vector, best first, with their scores. Scores are higher
   * for what is more alike: the cosine, the dot product, or `1 / (1 + Euclidean distance)`.
   */
  similaritySearchVectorWithScore(
    query: number[] | Float32Array,
    k?: number,
    filter?: Filter,
  ): Promise<[Document<Metadata>, number][]>
  similaritySearch(
    query: string,
    k?: number,
    filter?: Filter,
    callbacks?: Callbacks,
  ): Promise<Document<Metadata>[]>
  similaritySearchWithScore(
    query: string,
    k?: number,
    filter?: Filter,
    callbacks?: Callbacks,
  ): Promise<[Document<Metadata>, number][]>
  /**
   * Of the `fetchK` documents most alike to a text (20, or `k` where that is more), `k` that
   * are alike to it and not to each other, by the cosine. `lambda` weighs the two: from 0,
   * which is for variety, to 1; default 0.5.
   */
  maxMarginalRelevanceSearch(
    query: string,
    options: MaxMarginalRelevanceSearchOptions<Filter>,
  ): Promise<Document<Metadata>[]>

  /** Closes the client that the store has opened, and none that it was given. */
  close(): Promise<void>
  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>

  /** A store with these texts. `metadatas` is one object for each, or one for all. */
  static fromTexts<Metadata extends Record<string, any> = Record<string, any>>(
    texts: string[],
    metadatas: object[] | object,
    embeddings: EmbeddingsInterface,
    options: VectorizerVectorStoreOptions,
  ): Promise<VectorizerVectorStore<Metadata>>
  /** A store with these documents. */
  static fromDocuments<Metadata extends Record<string, any> = Record<string, any>>(
    documents: DocumentInterface[],
    embeddings: EmbeddingsInterface,
    options: VectorizerVectorStoreOptions,
  ): Promise<VectorizerVectorStore<Metadata>>
}
