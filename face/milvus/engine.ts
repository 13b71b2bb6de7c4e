// Calls the engine, retries when it cannot be reached, and converts its errors to ours. Everything
// that is retried may safely be done twice: deletes by key, upserts, reads.
import { setTimeout as sleep } from 'node:timers/promises'
import { Cancelled } from '../cancelling.js'
import { CollectionNotFoundError, StorageError, type VectorizerError } from '../errors.js'
import type { MilvusVectorizerClientOptions } from './types.js'

/** gRPC status: the server cannot be reached, or the connection was lost. */
const UNAVAILABLE = 14
/** The engine's codes for a collection that does not exist, in its old and new numbering. */
const NOT_FOUND = new Set<unknown>([4, 100, 'CollectionNotExists'])
const NOT_LOADED = new Set<unknown>([101, 'CollectionNotLoaded'])
const LONGEST_PAUSE = 5000
/** The pause between polls while the engine is working, in milliseconds. */
const PAUSE = 100

/** The engine's codes for field types. */
export type DataTypes = Record<'VarChar' | 'FloatVector' | 'JSON' | 'Array', number>

/** The module of the engine's own client, as far as we use it. */
export interface Sdk {
  readonly MilvusClient: new (options: object) => any
  readonly DataType: DataTypes
}

/** How calls are retried. */
type RetryOptions = Record<'timeout' | 'maxRetries' | 'retryDelay', number>

/** How to connect to an engine. */
export type EngineOptions = Pick<MilvusVectorizerClientOptions, 'address' | 'token' | 'database' | 'tls'> &
  RetryOptions

/** The options of a call. */
interface CallOptions {
  collection?: string
  once?: boolean
  optional?: boolean
}

/** The status of an answer: some answers are a status, others contain one. */
const statusOf = (answer: any) => answer?.status ?? answer ?? {}

function isFailure(answer: any): boolean {
  const { error_code: name, code } = statusOf(answer)
  const succeeded = name === undefined || name === 0 || name === '' || name === 'Success'
  return !succeeded || Number(code ?? 0) !== 0
}

const has = (codes: Set<unknown>, { error_code: name, code }: any) => codes.has(name) || codes.has(code)

/** A call that failed. `code` is gRPC's if there was no answer. */
class Failure extends Error {
  readonly answered: boolean
  readonly isNotFound: boolean
  readonly isNotLoaded: boolean
  readonly isTransient: boolean

  constructor(cause: any) {
    const status = statusOf(cause)
    super(status.reason || cause?.details || cause?.message || 'it gave no reason', { cause })
    this.answered = !(cause instanceof Error)
    this.isNotFound = this.answered && has(NOT_FOUND, status)
    this.isNotLoaded = this.answered && has(NOT_LOADED, status)
    this.isTransient = this.answered
      ? status.retriable === true || status.error_code === 'RateLimit'
      : cause.code === UNAVAILABLE
  }
}

/** Errors after which it is unknown whether the engine carried out the request. */
const outcomeUnknown = new WeakSet<object>()
export const isOutcomeUnknown = (error: object): boolean => outcomeUnknown.has(error)
export const withUnknownOutcome = <T extends object>(error: T): T => {
  outcomeUnknown.add(error)
  return error
}

export class Engine {
  readonly #sdk: Sdk
  readonly #client: any
  readonly #options: EngineOptions
  readonly #signal: AbortSignal | undefined
  readonly address: string

  /** `sdk` is the module of the engine's own client. Requests end when the signal is aborted. */
  constructor(sdk: Sdk, options: EngineOptions, client?: unknown, signal?: AbortSignal) {
    this.#sdk = sdk
    this.#options = options
    this.#signal = signal
    this.address = options.address
    this.#client = client ?? this.#connection()
  }

  #connection() {
    const { address, token, database, tls, timeout } = this.#options
    return new this.#sdk.MilvusClient({
      address,
      token,
      database,
      tls,
      timeout,
      maxRetries: 0, // we know which calls may be retried
      telemetry: { enabled: false },
      logLevel: 'error', // at other levels it logs stored data and queries
      __SKIP_CONNECT__: true, // the first call connects
      channelOptions: {
        'grpc.initial_reconnect_backoff_ms': 100,
        'grpc.max_reconnect_backoff_ms': 2000,
      },
    })
  }

  /** This engine for a call with a signal: once it is aborted, no further request is sent. */
  until(signal: AbortSignal): Engine {
    return new Engine(this.#sdk, this.#options, this.#client, signal)
  }

  get types(): DataTypes {
    return this.#sdk.DataType
  }

  /** Makes one call, without retries. */
  async #once(method: string, request: object): Promise<any> {
    let answer: any
    try {
      answer = await this.#client[method]({ timeout: this.#options.timeout, ...request })
    } catch (cause) {
      throw new Failure(cause)
    }
    if (isFailure(answer)) throw new Failure(answer)
    return answer
  }

  async #loaded(method: string, request: any): Promise<any> {
    try {
      return await this.#once(method, request)
    } catch (failure) {
      if (!(failure as Failure).isNotLoaded) throw failure
      await this.#load(request.collection_name)
      return this.#once(method, request)
    }
  }

  async #load(key: string): Promise<void> {
    const of = { collection_name: key }
    await this.#once('loadCollection', of)
    for (;;) {
      const { progress } = await this.#once('getLoadingProgress', of)
      if (!(Number(progress) < 100)) return
      await sleep(PAUSE)
    }
  }

  /**
   * Calls a method of the engine's client. `collection` is the name for errors. Retries with
   * growing pauses while the engine cannot be reached, unless `once` is set. If `optional` is set,
   * it does not matter whether the engine knows the method.
   */
  call(method: string, request: object = {}, options: CallOptions = {}): Promise<any> {
    return this.#repeated(() => this.#loaded(method, request), options)
  }

  /** Makes the engine load a collection for reads, and waits until it has. */
  load(key: string): Promise<void> {
    return this.#repeated(() => this.#load(key), {})
  }

  async #repeated(
    call: () => Promise<any>,
    { collection, once = false, optional = false }: CallOptions,
  ): Promise<any> {
    const { maxRetries, retryDelay } = this.#options
    let answered = true
    for (let tries = 0; ; tries++) {
      if (this.#signal?.aborted) throw new Cancelled(this.#signal.reason)
      try {
        return await call()
      } catch (failure) {
        if (!(failure instanceof Failure)) throw failure
        if (optional && failure.answered && !failure.isTransient) return undefined
        answered &&= failure.answered
        if (!failure.isTransient || once || tries >= maxRetries) {
          const error = this.#explained(failure, collection, tries)
          throw answered ? error : withUnknownOutcome(error)
        }
        // Jitter, so that clients do not all retry at the same moment.
        const pause = Math.min(LONGEST_PAUSE, retryDelay * 2 ** tries) * (0.75 + Math.random() / 2)
        await sleep(pause, undefined, { signal: this.#signal }).catch(() => {})
      }
    }
  }

  #explained(failure: Failure, collection: string | undefined, tries: number): VectorizerError {
    if (failure.isNotFound && collection !== undefined) {
      const advice = 'create it first, or check the name'
      return new CollectionNotFoundError(`collection '${collection}' does not exist: ${advice}`, {
        cause: failure,
      })
    }
    const times = tries > 0 ? ` (tried ${tries + 1} times)` : ''
    const what = failure.answered ? 'refused the call' : 'gave no answer'
    const message = `the engine at ${this.address} ${what}: ${failure.message}${times}`
    return new StorageError(message, { cause: failure.cause })
  }

  close(): Promise<unknown> {
    return this.#client.closeConnection()
  }
}
