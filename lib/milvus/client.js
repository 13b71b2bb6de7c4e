// The public client: it lives from its first call until it is closed.
const { fail, known, methods, object, read, string, whole } = require('../arguments.js')
const { classes, ours } = require('../errors.js')
const { Calls } = require('./calls.js')
const { Engine } = require('./engine.js')
const { snapshot } = require('./snapshot.js')

const { ClientClosedError, ValidationError, VectorizerError } = classes

const SDK = '@zilliz/milvus2-sdk-node'

const DEFAULTS = { timeout: 30_000, maxRetries: 8, retryDelay: 100 }
const OPTIONS = ['address', 'token', 'database', 'tls', 'embedder', ...Object.keys(DEFAULTS)]

function checked(given) {
  const { embedder, ...options } = { ...DEFAULTS, ...known(given, 'options', OPTIONS) }
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
  return { embedder, options }
}

/** The module of the engine's own client. */
function loaded(load) {
  try {
    return load()
  } catch (cause) {
    const absent = cause?.code === 'MODULE_NOT_FOUND' && cause.message.includes(`'${SDK}'`)
    if (!absent) throw cause
    const message = `vectorizer-native/milvus needs ${SDK}: npm install ${SDK}`
    throw new VectorizerError(message, cause.code, { cause })
  }
}

/**
 * The class. `load` loads the engine's own client, which takes a while and more packages: not
 * before one is made, since a service that is given the embedded client may import both.
 */
function milvusClient(load) {
  class MilvusVectorizerClient {
    #engine
    #calls
    #failure
    #running = new Set()
    #closing

    constructor(options) {
      try {
        const { embedder, options: engine } = read(() => checked(options))
        this.#engine = new Engine(loaded(load), engine)
        this.#calls = new Calls(this.#engine, embedder)
      } catch (error) {
        this.#failure = ours(error)
      }
    }

    async #call(name, args) {
      if (this.#failure) throw this.#failure
      if (this.#closing) {
        throw new ClientClosedError('this client is closed: create a new MilvusVectorizerClient')
      }
      const call = this.#calls[name](...snapshot(name, args))
      this.#running.add(call)
      try {
        return await call
      } finally {
        this.#running.delete(call)
      }
    }

    static {
      for (const name of Object.keys(methods)) {
        const method = {
          async [name](...args) {
            try {
              return await this.#call(name, args)
            } catch (error) {
              throw ours(error)
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

    async close() {
      this.#closing ??= (async () => {
        await Promise.allSettled(this.#running)
        await this.#engine?.close()
      })()
      try {
        await this.#closing
      } catch (error) {
        throw ours(error)
      }
    }

    [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
      return this.close()
    }
  }
  return MilvusVectorizerClient
}

module.exports = { milvusClient }
