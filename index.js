// What has to belong to the importing realm: error classes, promises, results, the default
// client. Everything else is in the native addon; nothing here knows of collections.
// The binary first: a bundle that cannot load it has to say so before anything else fails.
const native = require('./lib/native.js')
const { resolve } = require('node:path')
const { classes, ours } = require('./lib/errors.js')
const { fail, json, methods, object, read, statics } = require('./lib/arguments.js')
const { anew, protection, unwrapped } = require('./lib/encryption.js')
const { warnOfCopies } = require('./lib/file-system.js')
const { answeredLater, unfolded } = require('./lib/replies.js')
const { httpServer } = require('./lib/server.js')

/** Methods whose result is the one row of a list. */
const single = new Set(['getVector', 'updateVector'])

/** The server that a client starts; `close` waits for it, to end it. */
async function serve(client, values) {
  const starting = client.native.serve(...values)
  client.waiting.add(starting)
  try {
    return httpServer(await starting, client)
  } finally {
    client.waiting.delete(starting)
  }
}

/**
 * Begins a call of `target` when its arguments are there. `close` waits for what is before
 * that, of which the native side does not know.
 */
async function begin(target, name, packed, client) {
  client.waiting.add(packed)
  try {
    const values = await packed
    // In one turn with the end of the waiting: nothing can come between.
    return [values, target[name](...values)]
  } finally {
    client.waiting.delete(packed)
  }
}

/** Makes the arguments, calls `target`, and makes the result. */
async function call(target, name, pack, client, args) {
  const packed = read(() => pack(client, ...args))
  if (name === 'serve') return serve(client, packed)
  const [values, begun] = Array.isArray(packed)
    ? [packed, target[name](...packed)]
    : await begin(target, name, packed, client)
  let reply = await begun
  if (Array.isArray(reply)) reply = await answeredLater(reply)
  const result = await unfolded(reply, name)
  const listening = values.find((value) => typeof value === 'function')
  if (listening) {
    await native.turn() // for what is still on its way to the listener
    if (listening.failure) throw listening.failure.error
  }
  return single.has(name) ? result[0] : result
}

class VectorizerClient {
  #client = { servers: new Set(), waiting: new Set() }
  #failure

  constructor(options = {}) {
    try {
      const [embedder, { key, service }, rest] = read(() => {
        const { embedder, encryption, ...rest } = object(options, 'options')
        if (embedder !== undefined && typeof embedder !== 'function')
          fail('options.embedder', 'a function', embedder)
        const kept = encryption === undefined ? {} : protection(encryption, 'options.encryption')
        if (kept.service) {
          if (typeof rest.path !== 'string') fail('options.encryption', 'a path beside it', rest.path)
          // The working directory may be another one when the service has answered.
          rest.path &&= resolve(rest.path)
        }
        return [embedder, kept, rest]
      })
      if (typeof rest.path === 'string' && rest.path !== '') warnOfCopies(rest.path)
      Object.assign(this.#client, { embedder, service })
      const open = (encryption) => {
        const given = read(() => json(encryption ? { ...rest, encryption } : rest, 'options'))
        this.#client.native = new native.VectorizerClient(given)
      }
      if (service) this.#client.opening = this.#unlock(service, rest.path).then(open)
      else open(key)
      // Whoever calls is told.
      this.#client.opening?.catch(() => {})
    } catch (error) {
      this.#failure = ours(error)
    }
  }

  static {
    for (const [name, pack] of Object.entries(methods)) {
      const method = {
        async [name](...args) {
          try {
            if (this.#failure) throw this.#failure
            if (this.#client.closing)
              throw new classes.ClientClosedError('this client is closed: create a new VectorizerClient')
            if (this.#client.opening) await this.#opened()
            return await call(this.#client.native, name, pack, this.#client, args)
          } catch (error) {
            throw ours(error)
          }
        },
      }
      Object.defineProperty(VectorizerClient.prototype, name, {
        value: method[name],
        writable: true,
        configurable: true,
      })
    }
  }

  /** The key of the store at `path`, which a service has wrapped or wraps now. */
  async #unlock(service, path) {
    return (await unwrapped(service, path)) ?? anew(service)
  }

  async #opened() {
    await this.#client.opening
    this.#client.opening = undefined
  }

  /** The end of everything that this client has begun, and of the client. */
  async #end() {
    await this.#client.opening?.catch(() => {})
    const { servers, waiting } = this.#client
    const stopped = () => Array.from(servers, (server) => server.close())
    if (servers.size + waiting.size > 0) {
      await Promise.allSettled([...stopped(), ...waiting])
      // Those that were being started.
      await Promise.all(stopped())
    }
    // Where there was nothing to wait for this is in the call: nobody may get to the next
    // turn of the event loop.
    await this.#client.native?.close()
  }

  async close() {
    try {
      this.#client.closing ??= this.#end()
      await this.#client.closing
    } catch (error) {
      throw ours(error)
    }
  }

  static async restoreBackup(...args) {
    try {
      return await call(
        native.VectorizerClient,
        'restoreBackup',
        statics.restoreBackup,
        { waiting: new Set() },
        args,
      )
    } catch (error) {
      throw ours(error)
    }
  }

  [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    return this.close()
  }
}

/** The client behind the functions of this module. */
let current
function onCurrent(name) {
  return (...args) => {
    current ??= new VectorizerClient()
    return current[name](...args)
  }
}

// Written out, so that Node's ESM loader sees the names.
exports.VectorizerClient = VectorizerClient
exports.VectorizerError = classes.VectorizerError
exports.ValidationError = classes.ValidationError
exports.CollectionNotFoundError = classes.CollectionNotFoundError
exports.CollectionExistsError = classes.CollectionExistsError
exports.VectorNotFoundError = classes.VectorNotFoundError
exports.DimensionMismatchError = classes.DimensionMismatchError
exports.EmbeddingError = classes.EmbeddingError
exports.StorageError = classes.StorageError
exports.EncryptionError = classes.EncryptionError
exports.StoreLockedError = classes.StoreLockedError
exports.ServerError = classes.ServerError
exports.ClientClosedError = classes.ClientClosedError
exports.UnsupportedError = classes.UnsupportedError
exports.PartialWriteError = classes.PartialWriteError
exports.migrate = require('./lib/migrate.js').migrate
exports.ready = onCurrent('ready')
exports.createCollection = onCurrent('createCollection')
exports.listCollections = onCurrent('listCollections')
exports.getCollectionInfo = onCurrent('getCollectionInfo')
exports.getCollection = onCurrent('getCollection')
exports.deleteCollection = onCurrent('deleteCollection')
exports.insertVectors = onCurrent('insertVectors')
exports.insertText = onCurrent('insertText')
exports.batchInsertText = onCurrent('batchInsertText')
exports.insertTexts = onCurrent('insertTexts')
exports.getVector = onCurrent('getVector')
exports.listVectors = onCurrent('listVectors')
exports.count = onCurrent('count')
exports.updateVector = onCurrent('updateVector')
exports.search = onCurrent('search')
exports.searchVectors = onCurrent('searchVectors')
exports.searchText = onCurrent('searchText')
exports.searchBatch = onCurrent('searchBatch')
exports.deleteVector = onCurrent('deleteVector')
exports.batchDelete = onCurrent('batchDelete')
exports.deleteVectors = onCurrent('deleteVectors')
exports.deleteByFilter = onCurrent('deleteByFilter')
exports.optimize = onCurrent('optimize')
exports.verifyErased = onCurrent('verifyErased')
exports.createBackup = onCurrent('createBackup')
exports.exportKeys = onCurrent('exportKeys')
exports.rotateKeys = onCurrent('rotateKeys')
exports.flush = onCurrent('flush')
exports.serve = onCurrent('serve')
// Which binary was loaded: the generated typings name it.
exports.__napiBindingTarget = native.__napiBindingTarget
let closing
exports.close = async () => {
  if (current) closing = current.close()
  current = undefined
  await closing
}
