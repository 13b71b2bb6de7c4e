// The vector store for LangChain.js. LangChain's classes are passed in by the entry point that was
// imported: @langchain/core exists twice, as CommonJS and as ES modules, and `instanceof` works
// only for classes derived from the caller's copy.
import { randomUUID } from 'node:crypto'
import { types } from 'node:util'
import type { Document, DocumentInterface } from '@langchain/core/documents'
import type { EmbeddingsInterface } from '@langchain/core/embeddings'
import type { maximalMarginalRelevance } from '@langchain/core/utils/math'
import type { MaxMarginalRelevanceSearchOptions, VectorStore } from '@langchain/core/vectorstores'
import { fail, isPlain, known, list, object, read, string } from '../arguments.js'
import { asyncDispose } from '../dispose.js'
import { codeOf } from '../errors.js'
import {
  type CollectionOptions,
  type CreateVectorRequest,
  type Filter,
  type SearchRequest,
  type SearchResult,
  ValidationError,
  type Vectorizer,
  VectorizerClient,
} from '../index.js'
import type {
  AddOptions,
  DeleteParams,
  VectorizerVectorStore,
  VectorizerVectorStoreOptions,
} from './types.js'

/** The parts of LangChain the class is built from. */
interface Core {
  VectorStore: typeof VectorStore
  Document: typeof Document
  maximalMarginalRelevance: typeof maximalMarginalRelevance
}

/** The values of a vector. */
type Values = number[] | Float32Array

/** Options of the client that a store opens for itself. */
const OPENING = ['path', 'fsync', 'shared']

/** Options that LangChain's example selectors pass on to the store along with its own. */
const OF_SELECTORS = ['k', 'exampleKeys', 'inputKeys']

/** Options of a store besides its client. */
const OWN = ['collection', 'metric', 'hnsw', 'plainMetadata']

/** The maximum nesting depth of metadata. */
const DEEPEST = 200

/** The validated options of the constructor. */
function checked(options: unknown): { client: Vectorizer | undefined; rest: Record<string, any> } {
  const { client, ...rest } = known(options, 'options', ['client', ...OWN, ...OPENING])
  string(rest.collection, 'options.collection')
  const { plainMetadata } = rest
  if (plainMetadata !== undefined && typeof plainMetadata !== 'boolean')
    fail('options.plainMetadata', 'a boolean', plainMetadata)
  if (client === undefined) return { client, rest }
  if (typeof client?.insertVectors !== 'function') fail('options.client', 'a VectorizerClient', client)
  const stranger = OPENING.find((key) => rest[key] !== undefined)
  if (stranger !== undefined) {
    throw new ValidationError(`options.${stranger}: is for a client that is opened; this one is`)
  }
  return { client, rest }
}

/** An id for each document: the given one, else its own, else a new one. */
function idsOf(documents: DocumentInterface[], options: AddOptions): string[] {
  const { ids } = known(options, 'options', ['ids'])
  if (ids !== undefined) {
    checkCount(list(ids, 'options.ids'), 'options.ids', documents)
    return Array.from(documents, (_, i) => string(ids[i], `options.ids[${i}]`))
  }
  return Array.from(documents, ({ id }, i) => string(id ?? randomUUID(), `documents[${i}].id`))
}

const textOf = ({ pageContent }: DocumentInterface, i: number) =>
  string(pageContent, `documents[${i}].pageContent`)

function checkCount(values: ArrayLike<unknown>, path: string, documents: DocumentInterface[]) {
  if (values.length === documents.length) return
  throw new ValidationError(`${path}: expected one for each of ${documents.length}, got ${values.length}`)
}

/** The JSON form of a class instance; other values that are not plain objects stay as they are. */
function expressed(value: any): unknown {
  if (typeof value.toJSON === 'function') return value.toJSON()
  if (Object.prototype.toString.call(value) !== '[object Object]') return value
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => typeof inner !== 'function'))
}

/**
 * A metadata value, at `path`, in which every class instance is replaced by a plain object;
 * document loaders leave such instances there. A value without any is returned as it is.
 */
function plainly(value: any, path: string, depth = 0): any {
  if (typeof value !== 'object' || value === null || types.isDate(value)) return value
  if (depth > DEEPEST) throw new ValidationError(`${path}: nested too deeply`)
  const isList = Array.isArray(value)
  if (!isList && !isPlain(value)) {
    const plain = expressed(value)
    return plain === value ? value : plainly(plain, path, depth + 1)
  }
  const entries = Object.entries(value)
  if (isList && entries.length < value.length) return value // not a list of JSON values
  const changed: [string, unknown][] = []
  for (const [key, inner] of entries) {
    const plain = plainly(inner, path, depth + 1)
    if (plain !== inner) changed.push([key, plain])
  }
  if (changed.length === 0) return value
  const changes = Object.fromEntries(changed)
  return isList ? Object.assign([...value], changes) : { ...value, ...changes }
}

/** The vector to insert for a document. A vector without a text represents an empty text. */
function rowOf(
  document: DocumentInterface,
  i: number,
  id: string,
  data: Values,
  isPlainly: boolean,
): CreateVectorRequest {
  const text = textOf(document, i)
  const { metadata: given } = document
  const metadata = isPlainly ? plainly(given, `documents[${i}].metadata`) : given
  return { id, data, metadata, ...(text !== '' && { text }) }
}

/** The common length of vectors, checked before a collection is created for them. */
function dimensionOf(rows: CreateVectorRequest[]): number {
  const dimension = rows[0].data.length
  const other = rows.findIndex(({ data }) => data.length !== dimension)
  if (other === -1) return dimension
  const { length } = rows[other].data
  throw new ValidationError(`vectors[${other}]: ${length} values, where vectors[0] has ${dimension}`)
}

const isMissing = (error: unknown) => codeOf(error) === 'COLLECTION_NOT_FOUND'

/** The result of a call, or `otherwise` while the collection does not exist. */
async function ifAny<T>(call: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await call
  } catch (error) {
    if (isMissing(error)) return otherwise
    throw error
  }
}

/** Creates the class from LangChain's classes and its `maximalMarginalRelevance`. */
export function vectorStore({
  VectorStore,
  Document,
  maximalMarginalRelevance,
}: Core): typeof VectorizerVectorStore {
  const documentOf = ({ id, text = '', metadata }: SearchResult) =>
    new Document({ id, pageContent: text, metadata })

  return class VectorizerVectorStore extends VectorStore {
    declare FilterType: Filter
    declare readonly client: Vectorizer
    declare readonly collection: string
    #creation: Pick<CollectionOptions, 'metric' | 'hnsw'>
    #owned: boolean
    #isPlainly: boolean

    override _vectorstoreType() {
      return 'vectorizer'
    }

    constructor(embeddings: EmbeddingsInterface, options: VectorizerVectorStoreOptions) {
      const { client, rest } = read(() => checked(options))
      super(embeddings, rest) // without the client: LangChain stores this, and may serialise it
      const { collection, metric, hnsw, plainMetadata = true, ...opening } = rest
      this.collection = collection
      this.#isPlainly = plainMetadata
      this.#creation = { metric, hnsw }
      this.#owned = client === undefined
      this.client = client ?? new VectorizerClient(opening)
    }

    override async addDocuments(documents: DocumentInterface[], options: AddOptions = {}): Promise<string[]> {
      // Fails before the model is run in vain.
      const texts = read(() => Array.from(list(documents, 'documents'), textOf))
      const ids = read(() => idsOf(documents, options))
      if (texts.length === 0) return []
      return this.addVectors(await this.embeddings.embedDocuments(texts), documents, { ids })
    }

    override async addVectors(
      vectors: readonly Values[],
      documents: DocumentInterface[],
      options: AddOptions = {},
    ): Promise<string[]> {
      const ids = read(() => idsOf(list(documents, 'documents'), options))
      checkCount(list(vectors, 'vectors'), 'vectors', documents)
      const row = (document: DocumentInterface, i: number) =>
        rowOf(document, i, ids[i], vectors[i], this.#isPlainly)
      const rows = read(() => Array.from(documents, row))
      if (rows.length > 0) await this.#insert(rows)
      return ids
    }

    /**
     * Inserts rows; if the collection does not exist yet, it is created after they have been read.
     */
    async #insert(rows: CreateVectorRequest[]) {
      try {
        await this.client.insertVectors(this.collection, rows)
      } catch (error) {
        if (!isMissing(error)) throw error
        await this.#create(dimensionOf(rows))
        await this.client.insertVectors(this.collection, rows)
      }
    }

    async #create(dimension: number) {
      try {
        await this.client.createCollection(this.collection, { dimension, ...this.#creation })
      } catch (error) {
        // Another call created it first.
        if (codeOf(error) !== 'COLLECTION_EXISTS') throw error
      }
    }

    override async delete(params: DeleteParams): Promise<void> {
      const { ids, filter } = read(() => known(params, 'params', ['ids', 'filter']))
      if (Object.keys(params).length !== 1) throw new ValidationError('params: give either ids or filter')
      const { client, collection } = this
      await ifAny<unknown>(
        'ids' in params ? client.batchDelete(collection, ids) : client.deleteByFilter(collection, filter),
        undefined,
      )
    }

    override async similaritySearchVectorWithScore(
      query: Values,
      k = 4,
      filter: Filter | undefined = undefined,
    ): Promise<[Document, number][]> {
      const found = await this.#search(query, { limit: k, filter })
      return found.map((row) => [documentOf(row), row.score])
    }

    override async maxMarginalRelevanceSearch(
      query: string,
      options: MaxMarginalRelevanceSearchOptions<Filter>,
    ): Promise<Document[]> {
      const { k, fetchK = 20, lambda, filter } = options
      if (lambda !== undefined && !(lambda >= 0 && lambda <= 1)) {
        fail('options.lambda', 'a number from 0 to 1', lambda)
      }
      const vector = await this.embeddings.embedQuery(query)
      const found = await this.#search(vector, { limit: Math.max(k, fetchK), filter, with_vector: true })
      const rows = found.map(({ data }) => data) as ArrayLike<number>[] as number[][]
      return maximalMarginalRelevance(vector, rows, lambda, k).map((i) => documentOf(found[i]))
    }

    async #search(query: Values, options: Omit<SearchRequest, 'query_vector'>): Promise<SearchResult[]> {
      const search = this.client.searchVectors(this.collection, { query_vector: query, ...options })
      return (await ifAny<{ results: SearchResult[] }>(search, { results: [] })).results
    }

    /**
     * Closes the client if the store opened it; a client that was passed in is its owner's to
     * close.
     */
    async close(): Promise<void> {
      if (this.#owned) await this.client.close()
    }

    [asyncDispose](): Promise<void> {
      return this.close()
    }

    static override async fromTexts(
      texts: string[],
      metadatas: object[] | object,
      embeddings: EmbeddingsInterface,
      options: VectorizerVectorStoreOptions,
    ) {
      const given = read(() => Object.entries(object(options, 'options')))
      const own = given.filter(([key]) => !OF_SELECTORS.includes(key))
      const ofEach = Array.isArray(metadatas)
      if (ofEach && metadatas.length > list(texts, 'texts').length)
        throw new ValidationError('metadatas: more objects than texts')
      const documents = Array.from(list(texts, 'texts'), (pageContent, i) => {
        return new Document({ pageContent, metadata: ofEach ? metadatas[i] : metadatas })
      })
      // biome-ignore lint/complexity/noThisInStatic: it may be a class that extends this one
      return this.fromDocuments(
        documents,
        embeddings,
        Object.fromEntries(own) as VectorizerVectorStoreOptions,
      )
    }

    static override async fromDocuments(
      documents: DocumentInterface[],
      embeddings: EmbeddingsInterface,
      options: VectorizerVectorStoreOptions,
    ) {
      const store = new this(embeddings, options)
      try {
        await store.addDocuments(documents)
      } catch (error) {
        await store.close() // nobody else can
        throw error
      }
      return store
    }
  } as typeof VectorizerVectorStore
}

/** The error to throw when LangChain's core could not be imported. */
export function explained(error: any): unknown {
  const absent = /^(ERR_)?MODULE_NOT_FOUND$/.test(error?.code) && /'@langchain\/core[/']/.test(error.message)
  if (!absent) return error
  const message = 'vectorizer-native/langchain needs @langchain/core: npm install @langchain/core'
  return Object.assign(new Error(message, { cause: error }), { code: error.code })
}
