/*
 * The vector store for LangChain.js. langchain.d.ts and langchain.d.mts are the same, for CommonJS
 * and ES modules: LangChain's types differ between the two.
 */

import type { Callbacks } from '@langchain/core/callbacks/manager'
import type { Document, DocumentInterface } from '@langchain/core/documents'
import type { EmbeddingsInterface } from '@langchain/core/embeddings'
import type { MaxMarginalRelevanceSearchOptions, VectorStore } from '@langchain/core/vectorstores'
import type { Filter, HnswOptions, SimilarityMetric, Vectorizer, VectorizerClientOptions } from '../index.js'

/** The collection a store uses and, if the store creates it, its settings. */
interface OfCollection {
  /** The name of the collection. It is created when the first documents are added. */
  collection: string
  /** Default `cosine`. */
  metric?: SimilarityMetric
  hnsw?: HnswOptions
  /**
   * By default (true), class instances in the metadata, which loaders leave there, are stored as
   * the plain objects that JSON makes of them. With false, they are rejected, as everywhere else.
   */
  plainMetadata?: boolean
}

/** A store over an existing client, which its owner must close. */
interface OverClient extends OfCollection {
  client: Vectorizer
  path?: undefined
  fsync?: undefined
  shared?: undefined
}

/** A store with a client of its own, which `close` closes. */
interface Opened extends OfCollection, Pick<VectorizerClientOptions, 'path' | 'fsync' | 'shared'> {
  client?: undefined
}

/** Where to store documents: in a collection of an existing client, or of a client to open. */
export type VectorizerVectorStoreOptions = OverClient | Opened

/** Options for adding documents. */
export interface AddOptions {
  /**
   * An id for each document, in place of its own. A document with an existing id replaces the old
   * one entirely.
   */
  ids?: string[]
}

/** Which documents to delete: by ids, or by a filter on their metadata. */
export type DeleteParams = { ids: readonly string[]; filter?: never } | { filter: Filter; ids?: never }

/**
 * Stores LangChain documents in a collection: the page content is stored as the vector's text, and
 * the metadata as its metadata, unchanged except for `plainMetadata`. Errors are those of
 * `vectorizer-native` and of the embeddings.
 */
export declare class VectorizerVectorStore<
  Metadata extends Record<string, any> = Record<string, any>,
> extends VectorStore {
  FilterType: Filter
  /** The client that has the collection. */
  readonly client: Vectorizer
  /** The collection's name. */
  readonly collection: string

  /** Throws `ValidationError` if the options are invalid. */
  constructor(embeddings: EmbeddingsInterface, options: VectorizerVectorStoreOptions)
  _vectorstoreType(): string

  /** Embeds documents and adds them, either all or none. Resolves with their ids in order. */
  addDocuments(documents: DocumentInterface<Metadata>[], options?: AddOptions): Promise<string[]>
  /**
   * Adds documents with their vectors, either all of them or none. Resolves with their ids in
   * order. If the collection does not exist, it is created for the first vectors.
   */
  addVectors(
    vectors: readonly (number[] | Float32Array)[],
    documents: DocumentInterface<Metadata>[],
    options?: AddOptions,
  ): Promise<string[]>

  /**
   * Deletes the documents with these ids, or all that match the filter, at once. Ids that do not
   * exist are ignored. When it resolves, vectors, texts, metadata and ids are gone.
   *
   * A filter that is invalid, or has no condition, rejects with `ValidationError` and deletes
   * nothing; so does anything other than either ids or a filter.
   */
  delete(params: DeleteParams): Promise<void>

  /**
   * Returns the `k` documents most similar to a vector, best first, with their scores. Higher
   * scores are more similar: the cosine, the dot product, or `1 / (1 + Euclidean distance)`.
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
   * From the `fetchK` documents most similar to a text (20, or `k` if that is more), selects `k`
   * that are similar to it but not to each other, by the cosine. `lambda` weighs the two, from 0
   * for maximum diversity to 1 for maximum relevance; default 0.5.
   */
  maxMarginalRelevanceSearch(
    query: string,
    options: MaxMarginalRelevanceSearchOptions<Filter>,
  ): Promise<Document<Metadata>[]>

  /** Closes the client if the store opened it, but not one that was passed in. */
  close(): Promise<void>
  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>

  /** Creates a store with these texts. `metadatas` is one object per text, or one for all. */
  static fromTexts<Metadata extends Record<string, any> = Record<string, any>>(
    texts: string[],
    metadatas: object[] | object,
    embeddings: EmbeddingsInterface,
    options: VectorizerVectorStoreOptions,
  ): Promise<VectorizerVectorStore<Metadata>>
  /** Creates a store with these documents. */
  static fromDocuments<Metadata extends Record<string, any> = Record<string, any>>(
    documents: DocumentInterface[],
    embeddings: EmbeddingsInterface,
    options: VectorizerVectorStoreOptions,
  ): Promise<VectorizerVectorStore<Metadata>>
}
