// The error classes of the importing realm.

class VectorizerError extends Error {
  constructor(message, code = 'INTERNAL_ERROR', options = undefined) {
    super(message, options)
    this.code = this.errorCode = code
  }
}
const errors = new Map()
function errorClass(name, code) {
  const { [name]: made } = {
    [name]: class extends VectorizerError {
      constructor(message, options) {
        super(message, code, options)
      }
    },
  }
  made.prototype.name = name
  errors.set(code, made)
  return made
}
VectorizerError.prototype.name = 'VectorizerError'
const ValidationError = errorClass('ValidationError', 'VALIDATION_ERROR')
const CollectionNotFoundError = errorClass('CollectionNotFoundError', 'COLLECTION_NOT_FOUND')
const CollectionExistsError = errorClass('CollectionExistsError', 'COLLECTION_EXISTS')
const VectorNotFoundError = errorClass('VectorNotFoundError', 'VECTOR_NOT_FOUND')
const DimensionMismatchError = errorClass('DimensionMismatchError', 'DIMENSION_MISMATCH')
const EmbeddingError = errorClass('EmbeddingError', 'EMBEDDING_ERROR')
const StorageError = errorClass('StorageError', 'STORAGE_ERROR')
const EncryptionError = errorClass('EncryptionError', 'ENCRYPTION_ERROR')
const StoreLockedError = errorClass('StoreLockedError', 'STORE_LOCKED')
const ServerError = errorClass('ServerError', 'SERVER_ERROR')
const ClientClosedError = errorClass('ClientClosedError', 'CLIENT_CLOSED')
const UnsupportedError = errorClass('UnsupportedError', 'UNSUPPORTED')
const PartialWriteError = errorClass('PartialWriteError', 'PARTIAL_WRITE')

// Anything can be thrown by what a caller gives: a symbol, an object without a prototype, a
// proxy. What is looked up there may throw again.

/** What `look` finds in something that was thrown, if it can be looked at. */
function found(thrown, look) {
  try {
    return look(thrown)
  } catch {
    return undefined
  }
}

const isOurs = (thrown) => found(thrown, (it) => it instanceof VectorizerError) === true
const codeOf = (thrown) => found(thrown, (it) => it?.code)
const messageOf = (thrown) =>
  found(thrown, (it) => String(it?.message ?? it)) ?? 'something was thrown that cannot be read'

/** The details of an error of the native side, which are its message in JSON. */
function detailsOf(thrown) {
  const details = found(thrown, (it) => JSON.parse(it.message))
  return typeof details?.code === 'string' && typeof details.message === 'string' ? details : undefined
}

/** One of our errors for whatever was thrown. */
function ours(thrown) {
  if (isOurs(thrown)) return thrown
  const details = detailsOf(thrown)
  if (!details) return new VectorizerError(messageOf(thrown), undefined, { cause: thrown })
  const { code, message, ...rest } = details
  const Class = errors.get(code)
  return Object.assign(Class ? new Class(message) : new VectorizerError(message, code), rest)
}

module.exports = {
  codeOf,
  isOurs,
  messageOf,
  ours,
  classes: {
    VectorizerError,
    ValidationError,
    CollectionNotFoundError,
    CollectionExistsError,
    VectorNotFoundError,
    DimensionMismatchError,
    EmbeddingError,
    StorageError,
    EncryptionError,
    StoreLockedError,
    ServerError,
    ClientClosedError,
    UnsupportedError,
    PartialWriteError,
  },
}
