// The user's key: given directly, or wrapped by a key service.
import { randomBytes } from 'node:crypto'
import { types } from 'node:util'
import { EncryptionError, isVectorizerError, messageOf, ValidationError } from './errors.js'
import { native } from './native.js'
import type { KeyService } from './types.js'

/**
 * A key in the form the native side expects: in hexadecimal, with its wrapped form if it has one.
 */
export interface Key {
  key: string
  wrapped?: string
}

const KEY_BYTES = 32
/** The maximum size of a wrapped key in bytes. */
const MOST_WRAPPED = 65_536

const hex = (bytes: Uint8Array) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
const isBytes = (value: unknown): value is Uint8Array => types.isUint8Array(value)
const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** A key given directly, in the form the native side expects. */
export function parseKey(value: unknown, path: string): Key {
  const decoded = typeof value === 'string' ? Buffer.from(value, 'base64') : undefined
  const key = decoded ?? value
  // Buffer.from silently skips characters that are not base64.
  const isWhole = decoded === undefined || decoded.toString('base64') === value
  if (isBytes(key) && isWhole && key.length === KEY_BYTES) return { key: hex(key) }
  throw new ValidationError(`${path}: expected ${KEY_BYTES} bytes, or the base64 text of ${KEY_BYTES} bytes`)
}

/** Reads the encryption options: a key, or a service. */
export function encryptionOptions(value: unknown, path: string): { key?: Key; service?: KeyService } {
  if (!isObject(value)) throw new ValidationError(`${path}: expected { key }, or { wrap, unwrap }`)
  const { key, wrap, unwrap, ...rest } = value as Record<string, any>
  const [stranger] = Object.keys(rest)
  if (stranger !== undefined)
    throw new ValidationError(`${path}.${stranger}: unknown; use key, or wrap and unwrap`)
  if (key !== undefined && (wrap !== undefined || unwrap !== undefined))
    throw new ValidationError(`${path}: give a key, or wrap and unwrap, not both`)
  if (wrap === undefined && unwrap === undefined) return { key: parseKey(key, `${path}.key`) }
  for (const [name, one] of [
    ['wrap', wrap],
    ['unwrap', unwrap],
  ])
    if (typeof one !== 'function') throw new ValidationError(`${path}.${name}: expected a function`)
  return { service: { wrap, unwrap } }
}

/** Calls a key service and checks its answer. */
async function asked(what: string, call: () => unknown): Promise<Uint8Array> {
  let answer: unknown
  try {
    answer = await call()
  } catch (cause) {
    if (isVectorizerError(cause)) throw cause
    throw new EncryptionError(`options.encryption.${what} failed: ${messageOf(cause)}`, { cause })
  }
  if (isBytes(answer)) return answer
  throw new EncryptionError(`options.encryption.${what} must return a Uint8Array`)
}

/** A new key and its wrapped form. */
export async function newWrappedKey({ wrap }: KeyService): Promise<Key> {
  const key = randomBytes(KEY_BYTES)
  const wrapped = await asked('wrap', () => wrap(new Uint8Array(key)))
  if (wrapped.length < 1 || wrapped.length > MOST_WRAPPED)
    throw new EncryptionError(
      `options.encryption.wrap returned ${wrapped.length} bytes; 1 to ${MOST_WRAPPED} can be kept`,
    )
  return { key: hex(key), wrapped: hex(wrapped) }
}

/** The unwrapped key of a store or a backup, or undefined if there is no store yet. */
export async function unwrapped({ unwrap }: KeyService, path: string): Promise<Key | undefined> {
  const kept = await native.wrappedKey(path)
  if (typeof kept !== 'string') return undefined
  if (kept === '')
    throw new EncryptionError(
      `${path} has no key that a service has wrapped: give options.encryption.key, or leave encryption out`,
    )
  const key = await asked('unwrap', () => unwrap(new Uint8Array(Buffer.from(kept, 'hex'))))
  if (key.length !== KEY_BYTES)
    throw new EncryptionError(
      `options.encryption.unwrap returned ${key.length} bytes; a key has ${KEY_BYTES}`,
    )
  return { key: hex(key), wrapped: kept }
}
