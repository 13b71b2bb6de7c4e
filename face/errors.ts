// The error classes of the importing realm.
import type {
  CopyReport,
  DeleteByFilterReport,
  DeleteReport,
  ForgetReport,
  InsertReport,
  MigrationReport,
  MoveReport,
  PatchReport,
  Proof,
  PurgeReport,
  RefusedDeleteReport,
  ReplaceReport,
} from './types.js'

/** Error codes, for programs to test. */
export type ErrorCode =
  | 'VALIDATION_ERROR'
  | 'COLLECTION_NOT_FOUND'
  | 'COLLECTION_EXISTS'
  | 'VECTOR_NOT_FOUND'
  | 'DIMENSION_MISMATCH'
  | 'EMBEDDING_ERROR'
  | 'STORAGE_ERROR'
  | 'ENCRYPTION_ERROR'
  | 'STORE_LOCKED'
  | 'SERVER_ERROR'
  | 'CLIENT_CLOSED'
  | 'UNSUPPORTED'
  | 'PARTIAL_WRITE'
  | 'TOO_MANY_MATCHES'
  | 'SIGNING_ERROR'
  | 'INTERNAL_ERROR'

/** The base class of every rejection. */
export class VectorizerError extends Error {
  /** Stable, for programs: `VALIDATION_ERROR`, `COLLECTION_NOT_FOUND`, … */
  readonly code: ErrorCode
  /** The same as `code`, by the SDK's name. */
  readonly errorCode: ErrorCode
  constructor(message: string, code: ErrorCode = 'INTERNAL_ERROR', options?: { cause?: unknown }) {
    super(message, options)
    this.code = this.errorCode = code
  }
}

/** An argument does not have the documented form; nothing was changed. `VALIDATION_ERROR` */
export class ValidationError extends VectorizerError {
  declare readonly code: 'VALIDATION_ERROR'
  declare readonly errorCode: 'VALIDATION_ERROR'
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, 'VALIDATION_ERROR', options)
  }
}

/** The collection does not exist. `COLLECTION_NOT_FOUND` */
export class CollectionNotFoundError extends VectorizerError {
  declare readonly code: 'COLLECTION_NOT_FOUND'
  declare readonly errorCode: 'COLLECTION_NOT_FOUND'
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, 'COLLECTION_NOT_FOUND', options)
  }
}

/** A collection with this name already exists. `COLLECTION_EXISTS` */
export class CollectionExistsError extends VectorizerError {
  declare readonly code: 'COLLECTION_EXISTS'
  declare readonly errorCode: 'COLLECTION_EXISTS'
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, 'COLLECTION_EXISTS', options)
  }
}

/** There is no vector with this id. `VECTOR_NOT_FOUND` */
export class VectorNotFoundError extends VectorizerError {
  declare readonly code: 'VECTOR_NOT_FOUND'
  declare readonly errorCode: 'VECTOR_NOT_FOUND'
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, 'VECTOR_NOT_FOUND', options)
  }
}

/** The number of values differs from the collection's dimension. `DIMENSION_MISMATCH` */
export class DimensionMismatchError extends VectorizerError {
  declare readonly code: 'DIMENSION_MISMATCH'
  declare readonly errorCode: 'DIMENSION_MISMATCH'
  declare readonly expected: number
  declare readonly got: number
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, 'DIMENSION_MISMATCH', options)
  }
}

/** The client's embedder failed, or returned something other than vectors. `EMBEDDING_ERROR` */
export class EmbeddingError extends VectorizerError {
  declare readonly code: 'EMBEDDING_ERROR'
  declare readonly errorCode: 'EMBEDDING_ERROR'
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, 'EMBEDDING_ERROR', options)
  }
}

/** The store could not be opened, read or written. `STORAGE_ERROR` */
export class StorageError extends VectorizerError {
  declare readonly code: 'STORAGE_ERROR'
  declare readonly errorCode: 'STORAGE_ERROR'
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, 'STORAGE_ERROR', options)
  }
}

/** A key is missing, or does not open the store or the backup. `ENCRYPTION_ERROR` */
export class EncryptionError extends VectorizerError {
  declare readonly code: 'ENCRYPTION_ERROR'
  declare readonly errorCode: 'ENCRYPTION_ERROR'
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, 'ENCRYPTION_ERROR', options)
  }
}

/** Another process has the store open. `STORE_LOCKED` */
export class StoreLockedError extends VectorizerError {
  declare readonly code: 'STORE_LOCKED'
  declare readonly errorCode: 'STORE_LOCKED'
  /** The process id of the owner, if it can be determined. */
  declare readonly pid?: number
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, 'STORE_LOCKED', options)
  }
}

/** The HTTP server could not be started. `SERVER_ERROR` */
export class ServerError extends VectorizerError {
  declare readonly code: 'SERVER_ERROR'
  declare readonly errorCode: 'SERVER_ERROR'
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, 'SERVER_ERROR', options)
  }
}

/** The client was closed. `CLIENT_CLOSED` */
export class ClientClosedError extends VectorizerError {
  declare readonly code: 'CLIENT_CLOSED'
  declare readonly errorCode: 'CLIENT_CLOSED'
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, 'CLIENT_CLOSED', options)
  }
}

/**
 * The engine behind a client cannot do what was asked, or cannot do it exactly; nothing was
 * changed. `UNSUPPORTED`
 */
export class UnsupportedError extends VectorizerError {
  declare readonly code: 'UNSUPPORTED'
  declare readonly errorCode: 'UNSUPPORTED'
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, 'UNSUPPORTED', options)
  }
}

/**
 * A write that is not atomic on the engine behind a client was interrupted. Repeating it completes
 * it. `PARTIAL_WRITE`
 */
export class PartialWriteError extends VectorizerError {
  declare readonly code: 'PARTIAL_WRITE'
  declare readonly errorCode: 'PARTIAL_WRITE'
  /**
   * What was done before the interruption, in the format the call resolves with: that of
   * `insertVectors` for every insert, and that of `batchDelete` for `deleteVector`.
   */
  declare readonly report: InsertReport | DeleteReport | DeleteByFilterReport | MigrationReport
  /** The ids for which it is unknown whether they were written: the engine did not answer. */
  declare readonly unknown: readonly string[]
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, 'PARTIAL_WRITE', options)
  }
}

/**
 * A delete, a change, a move or a copy would have been one of more vectors than its option `atMost`,
 * or of another number than its option `expect`; nothing was changed. `TOO_MANY_MATCHES`
 */
export class TooManyMatchesError extends VectorizerError {
  declare readonly code: 'TOO_MANY_MATCHES'
  declare readonly errorCode: 'TOO_MANY_MATCHES'
  /**
   * What the call would have resolved with, except that nothing was deleted: `deleted` is 0, and the
   * vectors that it found have the status `matched`. There is no receipt. Of a call whose report says
   * whether it was `applied`, it is the report of a dry run.
   */
  declare readonly report:
    | RefusedDeleteReport
    | DeleteByFilterReport
    | ReplaceReport
    | PatchReport
    | MoveReport
    | CopyReport
    | ForgetReport
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, 'TOO_MANY_MATCHES', options)
  }
}

/**
 * An erasure has happened, and is in the ledger, but its entry could not be signed: the client's `sign`
 * failed or returned no bytes, or the signature could not be written. The next signature covers the
 * entry as well. `SIGNING_ERROR`
 */
export class SigningError extends VectorizerError {
  declare readonly code: 'SIGNING_ERROR'
  declare readonly errorCode: 'SIGNING_ERROR'
  /** What the call would have resolved with. Absent if it was `close`. */
  declare readonly report?:
    | Proof
    | DeleteReport
    | DeleteByFilterReport
    | ReplaceReport
    | MoveReport
    | ForgetReport
    | PurgeReport
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, 'SIGNING_ERROR', options)
  }
}

const classes = {
  VALIDATION_ERROR: ValidationError,
  COLLECTION_NOT_FOUND: CollectionNotFoundError,
  COLLECTION_EXISTS: CollectionExistsError,
  VECTOR_NOT_FOUND: VectorNotFoundError,
  DIMENSION_MISMATCH: DimensionMismatchError,
  EMBEDDING_ERROR: EmbeddingError,
  STORAGE_ERROR: StorageError,
  ENCRYPTION_ERROR: EncryptionError,
  STORE_LOCKED: StoreLockedError,
  SERVER_ERROR: ServerError,
  CLIENT_CLOSED: ClientClosedError,
  UNSUPPORTED: UnsupportedError,
  PARTIAL_WRITE: PartialWriteError,
  TOO_MANY_MATCHES: TooManyMatchesError,
  SIGNING_ERROR: SigningError,
}

/** The class names, set explicitly because bundlers may shorten them in the code. */
const names = {
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
  TooManyMatchesError,
  SigningError,
}
for (const [name, { prototype }] of Object.entries(names)) prototype.name = name

// User code can throw anything: a symbol, an object without a prototype, a proxy. Reading its
// properties may throw again.

/** The result of `look` for a thrown value, or undefined if it cannot be inspected. */
function found<T>(thrown: unknown, look: (it: any) => T): T | undefined {
  try {
    return look(thrown)
  } catch {
    return undefined
  }
}

export const isVectorizerError = (thrown: unknown): thrown is VectorizerError =>
  found(thrown, (it) => it instanceof VectorizerError) === true
export const codeOf = (thrown: unknown): unknown => found(thrown, (it) => it?.code)
export const messageOf = (thrown: unknown): string =>
  found(thrown, (it) => String(it?.message ?? it)) ?? 'something was thrown that cannot be read'

/** Throws the error about a call that did not meet its guards, if its report says so. */
export function checkGuards({
  refused,
  ...report
}: TooManyMatchesError['report'] & { refused?: string }): void {
  if (refused !== undefined) throw Object.assign(new TooManyMatchesError(refused), { report })
}

/** The details of a native error, which are encoded as JSON in its message. */
function detailsOf(thrown: unknown): { code: string; message: string } | undefined {
  const details = found(thrown, (it) => JSON.parse(it.message))
  return typeof details?.code === 'string' && typeof details.message === 'string' ? details : undefined
}

/** Converts whatever was thrown to one of our errors. */
export function toVectorizerError(thrown: unknown): VectorizerError {
  if (isVectorizerError(thrown)) return thrown
  const details = detailsOf(thrown)
  if (!details) return new VectorizerError(messageOf(thrown), undefined, { cause: thrown })
  const { code, message, ...rest } = details
  const Class = Object.hasOwn(classes, code) ? classes[code as keyof typeof classes] : undefined
  return Object.assign(Class ? new Class(message) : new VectorizerError(message, code as ErrorCode), rest)
}
