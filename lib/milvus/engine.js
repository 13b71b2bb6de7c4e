// Calls of the engine: repeated where it could not be reached, and what goes wrong as one of
// our errors. Everything that is repeated may be done twice: deletes by key, upserts, reads.
const { setTimeout: sleep } = require('node:timers/promises')
const { classes } = require('../errors.js')

const { CollectionNotFoundError, StorageError } = classes

/** gRPC: the server is not there, or went away. */
const UNAVAILABLE = 14
/** The engine's own: there is no such collection, in its old and its new numbering. */
const NOT_FOUND = new Set([4, 100, 'CollectionNotExists'])
const NOT_LOADED = new Set([101, 'CollectionNotLoaded'])
const LONGEST_PAUSE = 5000
/** How long the engine is left to work before it is asked again, in milliseconds. */
const PAUSE = 100

/** What an answer says of itself; some are a status, others have one. */
const statusOf = (answer) => answer?.status ?? answer ?? {}

function isFailure(answer) {
  const { error_code: name, code } = statusOf(answer)
  const succeeded = name === undefined || name === 0 || name === '' || name === 'Success'
  return !succeeded || Number(code ?? 0) !== 0
}

const has = (codes, { error_code: name, code }) => codes.has(name) || codes.has(code)

/** A call that did not succeed. `code` is gRPC's, where it got no answer. */
class Failure extends Error {
  constructor(cause) {
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

/** Errors of calls of which it is not known whether the engine did what was asked. */
const inDoubt = new WeakSet()
const isInDoubt = (error) => inDoubt.has(error)
const doubting = (error) => {
  inDoubt.add(error)
  return error
}

class Engine {
  #sdk
  #client
  #options

  /** `sdk` is the module of the engine's own client. */
  constructor(sdk, options) {
    const { address, token, database, tls, ...rest } = options
    this.#sdk = sdk
    this.#options = rest
    this.address = address
    this.#client = new sdk.MilvusClient({
      address,
      token,
      database,
      tls,
      timeout: rest.timeout,
      maxRetries: 0, // we know which calls may be repeated
      telemetry: { enabled: false },
      logLevel: 'error', // beyond that it logs what is stored and searched for
      __SKIP_CONNECT__: true, // the first call connects
      channelOptions: {
        'grpc.initial_reconnect_backoff_ms': 100,
        'grpc.max_reconnect_backoff_ms': 2000,
      },
    })
  }

  get types() {
    return this.#sdk.DataType
  }

  /** One call, once. */
  async #once(method, request) {
    let answer
    try {
      answer = await this.#client[method]({ timeout: this.#options.timeout, ...request })
    } catch (cause) {
      throw new Failure(cause)
    }
    if (isFailure(answer)) throw new Failure(answer)
    return answer
  }

  async #loaded(method, request) {
    try {
      return await this.#once(method, request)
    } catch (failure) {
      if (!failure.isNotLoaded) throw failure
      await this.#load(request.collection_name)
      return this.#once(method, request)
    }
  }

  async #load(key) {
    const of = { collection_name: key }
    await this.#once('loadCollection', of)
    for (;;) {
      const { progress } = await this.#once('getLoadingProgress', of)
      if (!(Number(progress) < 100)) return
      await sleep(PAUSE)
    }
  }

  /**
   * Calls a method of the engine's client. `collection` is the name for errors. Repeated with
   * growing pauses while the engine cannot be reached, unless `once`. Of one that is `optional`
   * it does not matter whether the engine knows it.
   */
  call(method, request = {}, options = {}) {
    return this.#repeated(() => this.#loaded(method, request), options)
  }

  /** Has the engine make a collection ready for reads, and waits until it is. */
  load(key) {
    return this.#repeated(() => this.#load(key), {})
  }

  async #repeated(call, { collection, once = false, optional = false }) {
    const { maxRetries, retryDelay } = this.#options
    let answered = true
    for (let tries = 0; ; tries++) {
      try {
        return await call()
      } catch (failure) {
        if (!(failure instanceof Failure)) throw failure
        if (optional && failure.answered && !failure.isTransient) return undefined
        answered &&= failure.answered
        if (!failure.isTransient || once || tries >= maxRetries) {
          const error = this.#explained(failure, collection, tries)
          throw answered ? error : doubting(error)
        }
        // Not all clients at the same moment.
        await sleep(Math.min(LONGEST_PAUSE, retryDelay * 2 ** tries) * (0.75 + Math.random() / 2))
      }
    }
  }

  #explained(failure, collection, tries) {
    if (failure.isNotFound && collection !== undefined) {
      const advice = 'create it with createCollection, or check the name'
      return new CollectionNotFoundError(`collection '${collection}' does not exist: ${advice}`, {
        cause: failure,
      })
    }
    const times = tries > 0 ? ` (tried ${tries + 1} times)` : ''
    const what = failure.answered ? 'refused the call' : 'gave no answer'
    const message = `the engine at ${this.address} ${what}: ${failure.message}${times}`
    return new StorageError(message, { cause: failure.cause })
  }

  close() {
    return this.#client.closeConnection()
  }
}

module.exports = { Engine, doubting, isInDoubt }
