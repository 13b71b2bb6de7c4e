// What has to belong to the importing realm: error classes, promises, results, the default
// client. Everything else is in the native addon; nothing here knows of collections.
const native = require('./lib/native.js')
const { classes, ours } = require('./lib/errors.js')
const { fail, json, methods, object, read, statics } = require('./lib/arguments.js')
const { unfolded } = require('./lib/replies.js')
const { httpServer } = require('./lib/server.js')

/** Methods whose result is the one row of a list. */
const single = new Set(['getVector', 'updateVector'])

/** Makes the arguments, calls `target`, and makes the result. */
async function call(target, name, pack, client, args) {
  const packed = read(() => pack(client, ...args))
  const values = Array.isArray(packed) ? packed : await packed
  const reply = await target[name](...values)
  if (name === 'serve') return httpServer(reply, client)
  const result = await unfolded(reply, name)
  const listening = values.find((value) => typeof value === 'function')
  if (listening) {
    await native.turn() // for what is still on its way to the listener
    if (listening.failure) throw listening.failure.error
  }
  return single.has(name) ? result[0] : result
}

class VectorizerClient {
  #client = {}
  #failure

  constructor(options = {}) {
    try {
      const [embedder, given] = read(() => {
        const { embedder, ...rest } = object(options, 'options')
        if (embedder !== undefined && typeof embedder !== 'function')
          fail('options.embedder', 'a function', embedder)
        return [embedder, json(rest, 'options')]
      })
      const made = new native.VectorizerClient(given)
      this.#client = { embedder, native: made, servers: new Set() }
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

  async close() {
    try {
      this.#client.closing = true
      const servers = Array.from(this.#client.servers ?? [], (server) => server.close())
      // Without one, no call may begin from here on.
      if (servers.length > 0) await Promise.all(servers)
      await this.#client.native?.close()
    } catch (error) {
      throw ours(error)
    }
  }

  static async restoreBackup(...args) {
    try {
      return await call(native.VectorizerClient, 'restoreBackup', statics.restoreBackup, {}, args)
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
exports.flush = onCurrent('flush')
exports.serve = onCurrent('serve')
// Which binary was loaded: the generated typings name it.
exports.__napiBindingTarget = native.__napiBindingTarget
exports.close = async () => {
  const closing = current
  current = undefined
  await closing?.close()
}
