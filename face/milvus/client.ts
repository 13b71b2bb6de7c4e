// The public client, which connects on its first call and lives until it is closed.
import { fail, known, object, read, string, whole } from '../arguments.js'
import { type CallName, type Collection, calls } from '../calls.js'
import { Cancelled, rejectionOf, withoutSignal } from '../cancelling.js'
import { collectionOf } from '../collection.js'
import { asyncDispose } from '../dispose.js'
import { ClientClosedError, toVectorizerError, ValidationError, VectorizerError } from '../errors.js'
import { scanOf } from '../scan.js'
import type { Embedder, OpenCollectionOptions, ScanOptions } from '../types.js'
import { Calls } from './calls.js'
import { Engine, type EngineOptions, type Sdk } from './engine.js'
import { snapshot } from './snapshot.js'
import type {
  MilvusVectorizerClientOptions,
  MilvusVectorizerClient as PublicMilvusVectorizerClient,
} from './types.js'

export type { DeleteProgress, MilvusVectorizerClient, MilvusVectorizerClientOptions } from './types.js'

const SDK = '@zilliz/milvus2-sdk-node'

const DEFAULTS = { timeout: 30_000, maxRetries: 8, retryDelay: 100 }
const OPTIONS = ['address', 'token', 'database', 'tls', 'embedder', ...Object.keys(DEFAULTS)]

function checked(given: unknown): { embedder: Embedder | undefined; options: EngineOptions } {
  const { embedder, ...options }: Record<string, any> = { ...DEFAULTS, ...known(given, 'options', OPTIONS) }
  for (const name of ['address', 'token', 'database']) {
    if (name === 'address' || options[name] !== undefined) string(options[name], `options.${name}`)
  }
  if (options.address === '') throw new ValidationError('options.address: is empty')
  whole(options.timeout, 'options.timeout', 1)
  whole(options.maxRetries, 'options.maxRetries', 0)
  whole(options.retryDelay, 'options.retryDelay', 0)
  if (options.tls !== undefined) object(options.tls, 'options.tls')
  if (embedder !== undefined && typeof embedder !== 'function') {
    fail('options.embedder', 'a function', embedder)
  }
  return { embedder, options: options as EngineOptions }
}

/** Loads the module of the engine's own client. */
function loaded(load: () => Sdk): Sdk {
  try {
    return load()
  } catch (cause: any) {
    const absent = cause?.code === 'MODULE_NOT_FOUND' && cause.message.includes(`'${SDK}'`)
    if (!absent) throw cause
    const message = `vectorizer-native/milvus needs ${SDK}: npm install ${SDK}`
    throw new VectorizerError(message, cause.code, { cause })
  }
}

/**
 * Creates the class. `load` loads the engine's own client, which takes a while and needs more
 * packages. It is called only when a client is created, since a service that uses the embedded
 * client may import both.
 */
export function milvusClient(load: () => Sdk): typeof PublicMilvusVectorizerClient {
  class MilvusVectorizerClient {
    #engine: Engine | undefined
    #calls!: Calls
    #failure: VectorizerError | undefined
    #running = new Set<Promise<unknown>>()
    #closing: Promise<void> | undefined

    constructor(options: MilvusVectorizerClientOptions) {
      try {
        const { embedder, options: engine } = read(() => checked(options))
        this.#engine = new Engine(loaded(load), engine)
        this.#calls = new Calls(this.#engine, embedder)
      } catch (error) {
        this.#failure = toVectorizerError(error)
      }
    }

    async #call(name: CallName, given: any[]): Promise<unknown> {
      if (this.#failure) throw this.#failure
      if (this.#closing) {
        throw new ClientClosedError('this client is closed: create a new MilvusVectorizerClient')
      }
      const { signal, args } = read(() => withoutSignal(given, calls[name].options))
      if (signal?.aborted) throw new Cancelled(signal.reason)
      const engine: any = signal ? this.#calls.until(signal) : this.#calls
      const call: Promise<unknown> = engine[name](...snapshot(name, args))
      this.#running.add(call)
      try {
        return await call
      } finally {
        this.#running.delete(call)
      }
    }

    static {
      for (const name of Object.keys(calls) as CallName[]) {
        const method = {
          async [name](this: MilvusVectorizerClient, ...args: unknown[]) {
            try {
              return await this.#call(name, args)
            } catch (error) {
              throw rejectionOf(error)
            }
          },
        }
        Object.defineProperty(MilvusVectorizerClient.prototype, name, {
          value: method[name],
          writable: true,
          configurable: true,
        })
      }
    }

    async collection<Meta = any>(name: string, options?: OpenCollectionOptions): Promise<Collection<Meta>> {
      return await collectionOf(this, name, options)
    }

    scan(collection: string, options?: ScanOptions): AsyncGenerator<any, void, undefined> {
      return scanOf(this, collection, options, this.scan)
    }

    async close(): Promise<void> {
      this.#closing ??= (async () => {
        await Promise.allSettled(this.#running)
        await this.#engine?.close()
      })()
      try {
        await this.#closing
      } catch (error) {
        throw toVectorizerError(error)
      }
    }

    [asyncDispose](): Promise<void> {
      return this.close()
    }
  }
  // biome-ignore lint/correctness/noUnusedVariables: the types of the class's methods
  interface MilvusVectorizerClient extends PublicMilvusVectorizerClient {}
  return MilvusVectorizerClient
}
