// The key that a user keeps: given as it is, or wrapped by a service that keeps another.
const { randomBytes } = require('node:crypto')
const { types } = require('node:util')
const { classes, isOurs, messageOf } = require('./errors.js')
const native = require('./native.js')

const { EncryptionError, ValidationError } = classes

const KEY_BYTES = 32
/** What a service may make of a key. */
const MOST_WRAPPED = 65_536

const hex = (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
const isBytes = (value) => types.isUint8Array(value)
const isObject = (value) => typeof value === 'object' && value !== null

/** A key as the native side takes it. */
function keyOnly(value, path) {
  const key = typeof value === 'string' ? Buffer.from(value, 'base64') : value
  // What is no base64 is left out by Buffer.from.
  const isWhole = typeof value !== 'string' || key.toString('base64') === value
  if (isBytes(key) && isWhole && key.length === KEY_BYTES) return { key: hex(key) }
  throw new ValidationError(`${path}: expected ${KEY_BYTES} bytes, or the base64 text of ${KEY_BYTES} bytes`)
}

/** What options say of encryption: a key, or a service. */
function protection(value, path) {
  if (!isObject(value)) throw new ValidationError(`${path}: expected { key }, or { wrap, unwrap }`)
  const { key, wrap, unwrap, ...rest } = value
  const [stranger] = Object.keys(rest)
  if (stranger !== undefined)
    throw new ValidationError(`${path}.${stranger}: unknown; use key, or wrap and unwrap`)
  if (key !== undefined && (wrap !== undefined || unwrap !== undefined))
    throw new ValidationError(`${path}: give a key, or wrap and unwrap, not both`)
  if (wrap === undefined && unwrap === undefined) return { key: keyOnly(key, `${path}.key`) }
  for (const [name, one] of [
    ['wrap', wrap],
    ['unwrap', unwrap],
  ])
    if (typeof one !== 'function') throw new ValidationError(`${path}.${name}: expected a function`)
  return { service: { wrap, unwrap } }
}

/** What a service answers. */
async function asked(what, call) {
  let answer
  try {
    answer = await call()
  } catch (cause) {
    if (isOurs(cause)) throw cause
    throw new EncryptionError(`options.encryption.${what} failed: ${messageOf(cause)}`, { cause })
  }
  if (isBytes(answer)) return answer
  throw new EncryptionError(`options.encryption.${what} must return a Uint8Array`)
}

/** A new key, with what the service makes of it. */
async function anew({ wrap }) {
  const key = randomBytes(KEY_BYTES)
  const wrapped = await asked('wrap', () => wrap(new Uint8Array(key)))
  if (wrapped.length < 1 || wrapped.length > MOST_WRAPPED)
    throw new EncryptionError(
      `options.encryption.wrap returned ${wrapped.length} bytes; 1 to ${MOST_WRAPPED} can be kept`,
    )
  return { key: hex(key), wrapped: hex(wrapped) }
}

/** The key of a store or a backup, or nothing where there is no store yet. */
async function unwrapped({ unwrap }, path) {
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

module.exports = { anew, keyOnly, protection, unwrapped }
