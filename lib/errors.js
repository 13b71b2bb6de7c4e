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
const StoreLockedError = errorClass('StoreLockedError', 'STORE_LOCKED')
const ServerError = errorClass('ServerError', 'SERVER_ERROR')
const ClientClosedError = errorClass('ClientClosedError', 'CLIENT_CLOSED')
const UnsupportedError = errorClass('UnsupportedError', 'UNSUPPORTED')
const PartialWriteError = errorClass('PartialWriteError', 'PARTIAL_WRITE')

/** One of our errors for whatever was thrown; native ones carry theirs as JSON. */
function ours(error) {
  if (error instanceof VectorizerError) return error
  try {
    const { code, message, ...details } = JSON.parse(error.message)
    const Class = errors.get(code)
    return Object.assign(Class ? new Class(message) : new VectorizerError(message, code), details)
  } catch {
    return new VectorizerError(String(error?.message ?? error), undefined, { cause: error })
  }
}

module.exports = {
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
    StoreLockedError,
    ServerError,
    ClientClosedError,
    UnsupportedError,
    PartialWriteError,
  },
}
