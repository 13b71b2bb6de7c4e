// The binary comes first: if it cannot be loaded, that must be reported before anything else fails.
import './native.js'

import { callFor } from './caller.js'
import { type CallName, calls, type Vectorizer } from './calls.js'
import { VectorizerClient } from './client.js'
import { native } from './native.js'

export type { Collection, Vectorizer } from './calls.js'
export { VectorizerClient } from './client.js'
export {
  ClientClosedError,
  CollectionExistsError,
  CollectionNotFoundError,
  DimensionMismatchError,
  EmbeddingError,
  EncryptionError,
  type ErrorCode,
  PartialWriteError,
  ServerError,
  SigningError,
  StorageError,
  StoreLockedError,
  TooManyMatchesError,
  UnsupportedError,
  ValidationError,
  VectorizerError,
  VectorNotFoundError,
} from './errors.js'
export type {
  ClauseFilter,
  Condition,
  FieldCondition,
  FieldFilter,
  FieldOperators,
  Filter,
  FilterBound,
  FilterValue,
  MatchValue,
  MetadataPath,
  RangeBounds,
} from './filter.js'
export { migrate } from './migrate.js'
export type * from './types.js'
export { verifyLedger, verifyReceipt } from './verify.js'

/** The client behind this module's functions. */
let current: VectorizerClient | undefined
let closing: Promise<void> | undefined

const onCurrent = (name: CallName | 'collection' | 'scan') => {
  const call = (...args: unknown[]) => {
    current ??= new VectorizerClient()
    const client = current
    return callFor(call, () => (client[name] as (...args: unknown[]) => unknown)(...args))
  }
  return call
}
const functions = Object.fromEntries(
  (Object.keys(calls) as CallName[]).map((name) => [name, onCurrent(name)]),
) as unknown as Pick<Vectorizer, CallName>

/*
 * The client's methods as functions of the module. They share one client in memory, which belongs
 * to the importing JavaScript environment: two Jest test files or two worker threads do not see
 * each other's data. `close` closes it; the next call opens a new one.
 */
export const ready: Vectorizer['ready'] = functions.ready
export const createCollection: Vectorizer['createCollection'] = functions.createCollection
export const listCollections: Vectorizer['listCollections'] = functions.listCollections
export const collection = onCurrent('collection') as Vectorizer['collection']
export const getCollectionInfo: Vectorizer['getCollectionInfo'] = functions.getCollectionInfo
export const getCollection: Vectorizer['getCollection'] = functions.getCollection
export const updateCollection: Vectorizer['updateCollection'] = functions.updateCollection
export const renameCollection: Vectorizer['renameCollection'] = functions.renameCollection
export const reindexCollection: Vectorizer['reindexCollection'] = functions.reindexCollection
export const listEmptyCollections: Vectorizer['listEmptyCollections'] = functions.listEmptyCollections
export const cleanupEmptyCollections: Vectorizer['cleanupEmptyCollections'] =
  functions.cleanupEmptyCollections
export const deleteCollection: Vectorizer['deleteCollection'] = functions.deleteCollection
export const insertVectors: Vectorizer['insertVectors'] = functions.insertVectors
export const insertText: Vectorizer['insertText'] = functions.insertText
export const batchInsertText: Vectorizer['batchInsertText'] = functions.batchInsertText
export const insertTexts: Vectorizer['insertTexts'] = functions.insertTexts
export const getVector: Vectorizer['getVector'] = functions.getVector
export const listVectors: Vectorizer['listVectors'] = functions.listVectors
export const scan = onCurrent('scan') as Vectorizer['scan']
export const scanVectors: Vectorizer['scanVectors'] = functions.scanVectors
export const count: Vectorizer['count'] = functions.count
export const updateVector: Vectorizer['updateVector'] = functions.updateVector
export const batchUpdateVectors: Vectorizer['batchUpdateVectors'] = functions.batchUpdateVectors
export const bulkUpdateMetadata: Vectorizer['bulkUpdateMetadata'] = functions.bulkUpdateMetadata
export const moveToCollection: Vectorizer['moveToCollection'] = functions.moveToCollection
export const copyVectors: Vectorizer['copyVectors'] = functions.copyVectors
export const setVectorExpiry: Vectorizer['setVectorExpiry'] = functions.setVectorExpiry
export const setCollectionTtl: Vectorizer['setCollectionTtl'] = functions.setCollectionTtl
export const resumeExpiry: Vectorizer['resumeExpiry'] = functions.resumeExpiry
export const search: Vectorizer['search'] = functions.search
export const searchVectors: Vectorizer['searchVectors'] = functions.searchVectors
export const searchText: Vectorizer['searchText'] = functions.searchText
export const searchBatch: Vectorizer['searchBatch'] = functions.searchBatch
export const deleteVector: Vectorizer['deleteVector'] = functions.deleteVector
export const batchDelete: Vectorizer['batchDelete'] = functions.batchDelete
export const deleteVectors: Vectorizer['deleteVectors'] = functions.deleteVectors
export const deleteByFilter: Vectorizer['deleteByFilter'] = functions.deleteByFilter
export const replace: Vectorizer['replace'] = functions.replace
export const forget: Vectorizer['forget'] = functions.forget
export const listDeleted: Vectorizer['listDeleted'] = functions.listDeleted
export const undelete: Vectorizer['undelete'] = functions.undelete
export const purgeDeleted: Vectorizer['purgeDeleted'] = functions.purgeDeleted
export const optimize: Vectorizer['optimize'] = functions.optimize
export const verifyErased: Vectorizer['verifyErased'] = functions.verifyErased
export const createBackup: Vectorizer['createBackup'] = functions.createBackup
export const exportKeys: Vectorizer['exportKeys'] = functions.exportKeys
export const getLedger: Vectorizer['getLedger'] = functions.getLedger
export const rotateKeys: Vectorizer['rotateKeys'] = functions.rotateKeys
export const flush: Vectorizer['flush'] = functions.flush
export const serve: Vectorizer['serve'] = functions.serve
export const close: Vectorizer['close'] = async () => {
  if (current) closing = current.close()
  current = undefined
  await closing
}

/** Which binary was loaded. */
export const __napiBindingTarget = native.__napiBindingTarget
