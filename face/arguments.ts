// Checks arguments and converts them to strings, JSON texts and typed arrays. Anything that JSON
// would silently change or drop is reported as an error here, where it can still be detected.
import { constants } from 'node:buffer'
import { types } from 'node:util'
import { isVectorizerError, messageOf, ValidationError, type VectorizerError } from './errors.js'
import { fits64Bits, isRounded, written } from './json.js'

/** The largest dimension of a vector. */
const LARGEST_DIMENSION = 65_535

/** The last instant of a Date, in milliseconds since 1970. */
const LAST_INSTANT = 8_640_000_000_000_000
/** A time in RFC 3339 with an offset: its date, and fractions of a second. */
const TIME =
  /^(\d{4}-\d{2}-\d{2})T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/i

/** Whether an error was thrown because a string or an array would have become too long. */
const isTooLong = (message: string) =>
  /invalid (string|array|typed array) length|allocation failed|out of memory/i.test(message)

/**
 * The error for arguments that could not be read: getters, proxies and detached buffers can throw.
 */
function unreadable(cause: unknown): VectorizerError {
  if (isVectorizerError(cause)) return cause
  const message = messageOf(cause)
  if (!isTooLong(message)) return new ValidationError(`the arguments cannot be read: ${message}`, { cause })
  const most = constants.MAX_STRING_LENGTH
  const limit = `all ids, all texts, all metadata and a filter take at most ${most} characters of JSON each`
  return new ValidationError(`too much for one call: ${limit}; give less at a time`, { cause })
}

/** Returns the result of `pack`, or throws one of our errors. */
export function read<T>(pack: () => T): T {
  try {
    return pack()
  } catch (cause) {
    throw unreadable(cause)
  }
}

/** Describes a value in words; for an object that is not plain, the name of its class. */
export function kind(value: unknown): string {
  if (value === null || typeof value === 'number') return String(value)
  if (Array.isArray(value)) return 'an array'
  if (typeof value !== 'object') return typeof value
  const name = Object.prototype.toString.call(value).slice('[object '.length, -1)
  return name === 'Object' ? 'object' : name
}

export function fail(path: string, expected: string, value: unknown): never {
  throw new ValidationError(`${path}: expected ${expected}, got ${kind(value)}`)
}

export function string(value: unknown, path: string): string {
  if (typeof value !== 'string') fail(path, 'a string', value)
  if (!value.isWellFormed()) throw new ValidationError(`${path}: a lone surrogate is not valid Unicode`)
  return value
}

/** A string that is not empty. */
export function filled(value: unknown, path: string): string {
  if (string(value, path) !== '') return value as string
  throw new ValidationError(`${path}: is empty`)
}

export function list(value: unknown, path: string): any[] {
  return Array.isArray(value) ? value : fail(path, 'an array', value)
}

export function whole(value: unknown, path: string, least: number, most = Number.POSITIVE_INFINITY): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most)
    return value
  return fail(path, `a whole number from ${least}${Number.isFinite(most) ? ` to ${most}` : ''}`, value)
}

/** Whether a value is left out: in an insert, null is as good as undefined. */
const absent = (value: unknown): value is null | undefined => value === undefined || value === null

/** Milliseconds since 1970 of a time in RFC 3339; what is finer is cut off. NaN if it is none. */
function parsedTime(text: string): number {
  const [, date, fraction = ''] = TIME.exec(text) ?? []
  if (date === undefined) return Number.NaN
  // Of a day that its month does not have, Date makes one of the next month.
  const day = new Date(date)
  if (Number.isNaN(day.getTime()) || !day.toISOString().startsWith(date)) return Number.NaN
  return Date.parse(text.replace(fraction, fraction.slice(0, 4)).toUpperCase())
}

function earliest(at: number, path: string): number {
  if (at >= 0) return at
  throw new ValidationError(`${path}: is before 1970`)
}

/** An instant in whole milliseconds since 1970, from any form that callers may give it in. */
export function instant(value: unknown, path: string): number {
  if (typeof value === 'number') {
    if (Number.isInteger(value) && value >= 0 && value <= LAST_INSTANT) return value || 0 // not -0
    return fail(path, `whole milliseconds since 1970, from 0 to ${LAST_INSTANT}`, value)
  }
  if (typeof value === 'string') {
    const at = parsedTime(value)
    if (!Number.isNaN(at)) return earliest(at, path)
    throw new ValidationError(`${path}: is no time in RFC 3339 with an offset, such as 2026-12-01T00:00:00Z`)
  }
  if (!types.isDate(value)) {
    return fail(path, 'a Date, a time in RFC 3339, milliseconds since 1970, or null', value)
  }
  // Whatever its class or its realm.
  const at = Date.prototype.getTime.call(value)
  if (Number.isNaN(at)) throw new ValidationError(`${path}: is an invalid Date`)
  return earliest(at, path)
}

/** When something expires, or null for never. */
export const expiry = (value: unknown, path: string): number | null =>
  absent(value) ? null : instant(value, path)

/**
 * When each of many rows expires; `others` is for those that do not say it themselves. `path`
 * returns the path to what row `i` says.
 */
export function expiriesJson(
  values: unknown[],
  others: number | null,
  path: (i: number) => string,
): string | null {
  if (others === null && values.every(absent)) return null
  return JSON.stringify(values.map((value, i) => expiry(value, path(i)) ?? others))
}

/**
 * What many rows say about when they expire: an instant, null for never, or false for nothing;
 * `others` is for those that do not say it themselves. Null if none of them says anything.
 */
export function expiryChangesJson(
  values: unknown[],
  others: number | null | false,
  path: (i: number) => string,
): string | null {
  if (others === false && values.every((value) => value === undefined)) return null
  return JSON.stringify(values.map((value, i) => (value === undefined ? others : expiry(value, path(i)))))
}

/** Whether objects with this prototype inherit nothing beyond what every object inherits. */
function isBare(prototype: object): boolean {
  if (Object.getPrototypeOf(prototype) !== null) return false
  return Object.hasOwn(prototype, 'isPrototypeOf') || Reflect.ownKeys(prototype).length === 0
}

/** Whether a value is an object literal, of any realm. */
export function isPlain(value: unknown): value is Record<string, any> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype || isBare(prototype)
}

/** Rejects an object that has keys which reading `keys` alone would miss. */
function checkHidden(value: object, keys: string[], path: Path) {
  // `Reflect.ownKeys`, which returns both together, takes three times as long.
  const count = Object.getOwnPropertyNames(value).length
  if (count === keys.length && Object.getOwnPropertySymbols(value).length === 0) return
  throw new ValidationError(`${place(path)}: keys that are symbols or not enumerable would be left out`)
}

export function object(value: unknown, path: string): Record<string, any> {
  if (!isPlain(value)) fail(path, 'a plain object', value)
  checkHidden(value, Object.keys(value), [path])
  return value
}

/** The path to a value: `['vectors', 3, 'metadata']`. */
type Path = (string | number)[]

/** A path in JavaScript notation: `vectors[3].metadata`. */
function place(path: Path): string {
  return path.map((key, i) => (typeof key === 'number' ? `[${key}]` : i > 0 ? `.${key}` : key)).join('')
}

/** The keys in a filter that hold bounds, which may be rounded numbers. */
const BOUND = /^\$?[gl]te?$/
const isBound = (path: Path) => {
  const [last, before] = [String(path.at(-1)), String(path.at(-2))]
  return BOUND.test(last) && (last[0] === '$' || /^(range|values_count)$/.test(before))
}

/** The kind of an argument. A patch is of metadata. */
type Kind = 'metadata' | 'patch' | 'filter' | 'options'

/**
 * Copies an argument and returns its JSON text. Anything that JSON would change or leave out is an
 * error that names its path. Each value is read only once, so what is sent is what was checked.
 */
class Copy {
  /** The path to the value being copied; the same array is used at every depth. */
  #path: Path
  #kind: Kind
  /** Whether what it contains is stored and read back. */
  #isStored: boolean
  /** Whether it contains a number that JSON.stringify rounds, or a value it cannot write. */
  #isLarge = false

  constructor(path: Path, kind: Kind) {
    this.#path = path
    this.#kind = kind
    this.#isStored = kind === 'metadata' || kind === 'patch'
  }

  text(value: unknown): string {
    const copy = this.#copied(value)
    return this.#isLarge ? written(copy) : JSON.stringify(copy)
  }

  #refuse(why: string): never {
    throw new ValidationError(`${place(this.#path)}: ${why}`)
  }

  #copied(value: unknown): unknown {
    if (typeof value === 'string') return value.isWellFormed() ? value : string(value, place(this.#path))
    if (typeof value === 'boolean' || value === null) return value
    if (typeof value === 'number') return this.#number(value)
    if (typeof value === 'bigint' && this.#kind !== 'options') return this.#integer(value)
    if (typeof value !== 'object') return fail(place(this.#path), 'a JSON value', value)
    // What a patch makes of metadata may be nested as deeply as what `vectors[0].metadata` may be.
    if (this.#path.length > (this.#kind === 'patch' ? 198 : 200)) {
      throw new ValidationError(`${place(this.#path).slice(0, 80)}…: nested too deeply`)
    }
    if (Array.isArray(value)) return this.#list(value)
    if (isPlain(value)) return this.#object(value)
    if (types.isDate(value)) return this.#date(value)
    return fail(place(this.#path), 'a plain object', value)
  }

  #number(value: number): number {
    if (!Number.isFinite(value)) fail(place(this.#path), 'a finite number', value)
    if (Object.is(value, -0) && this.#isStored) {
      this.#refuse('-0 would be read back as 0: give 0')
    }
    if (isRounded(value) && this.#kind !== 'options') {
      if (this.#kind === 'filter' && !isBound(this.#path)) {
        this.#refuse(
          `${value} is beyond 2^53, where numbers have been rounded: give a bigint to compare with`,
        )
      }
      this.#isLarge = true
    }
    return value
  }

  #integer(value: bigint): bigint {
    if (!fits64Bits(value)) this.#refuse('a bigint must fit 64 bits, signed or not')
    if (this.#isStored && Number.isSafeInteger(Number(value))) {
      this.#refuse(`${value}n would be read back as the number ${value}: give that, and a bigint beyond 2^53`)
    }
    this.#isLarge = true
    return value
  }

  #date(value: Date): unknown {
    if (Number.isNaN(Date.prototype.getTime.call(value))) fail(place(this.#path), 'a valid date', value)
    checkHidden(value, [], this.#path)
    const date = Date.prototype.toISOString.call(value)
    if (this.#kind !== 'filter') return date
    // Outside these years ISO dates have a sign, and dates in metadata cannot have one.
    if (date.length > 24) this.#refuse('a date must be of the years 0 to 9999')
    return { $date: date }
  }

  #list(value: unknown[]): unknown[] {
    const copy: unknown[] = []
    const { length } = value
    // Non-enumerable keys are not checked: for long lists that takes as long as everything else.
    if (Object.keys(value).length > length || Object.getOwnPropertySymbols(value).length > 0) {
      this.#refuse('keys of a list beside its items would be left out')
    }
    // By index, so that a hole in an array is an undefined value.
    for (let i = 0; i < length; i++) {
      this.#path.push(i)
      copy.push(this.#copied(value[i]))
      this.#path.pop()
    }
    return copy
  }

  #object(value: Record<string, unknown>): object {
    const copy: Record<string, unknown> = {}
    const keys = Object.keys(value)
    checkHidden(value, keys, this.#path)
    for (const key of keys) {
      const given = value[key]
      // Undefined values are left out, as in JSON; in a filter that would widen it.
      if (given === undefined && this.#kind !== 'filter' && this.#kind !== 'patch') continue
      if (!key.isWellFormed()) string(key, `${place(this.#path)}: a key`)
      this.#path.push(key)
      // It may be meant to remove the member.
      if (given === undefined && this.#kind === 'patch')
        this.#refuse('undefined would change nothing: give null to remove it, or leave it out')
      const copied = this.#copied(given)
      this.#path.pop()
      if (key === '__proto__') defineKey(copy, key, copied)
      else copy[key] = copied
    }
    return copy
  }
}

function defineKey(object: object, key: string, value: unknown) {
  Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true })
}

export const json = (value: unknown, path: string, kind: Kind = 'options'): string =>
  new Copy([path], kind).text(object(value, path))
export const filterJson = (filter: unknown): string => json(filter, 'filter', 'filter')
/** A selection of vectors, by ids or by a filter. */
export const selectionJson = ({ ids, filter }: { ids?: unknown; filter?: unknown }): string =>
  ids === undefined ? `{"filter":${filterJson(filter)}}` : `{"ids":${strings(ids, 'ids')}}`
export const strings = (values: unknown, path: string): string =>
  JSON.stringify(Array.from(list(values, path), (v, i) => string(v, `${path}[${i}]`)))

/** The metadata of many rows; `path` returns the path to that of row `i`. */
export function metadataJson(values: unknown[], path: (i: number) => Path): string | null {
  if (values.every(absent)) return null
  const one = (value: unknown, i: number) => {
    if (absent(value)) return 'null'
    if (!isPlain(value)) fail(place(path(i)), 'a plain object', value)
    return new Copy(path(i), 'metadata').text(value)
  }
  return `[${values.map(one).join()}]`
}

/** The texts of many rows, stored as they are; `path` returns the path to that of row `i`. */
function keptTexts(values: unknown[], path: (i: number) => string): string | null {
  if (values.every(absent)) return null
  return JSON.stringify(values.map((value, i) => (absent(value) ? null : filled(value, path(i)))))
}

/** Checks that there are at most `most` values, before any of them is read. */
export function checkLength({ length }: { length: number }, path: string, most = LARGEST_DIMENSION): number {
  if (length <= most) return length
  const limit = `${most === LARGEST_DIMENSION ? 'a vector has' : 'vectors for these ids have'} at most ${most}`
  throw new ValidationError(`${path}: ${length} values, where ${limit}`)
}

/** At most `most` numbers; `place` returns the path to one of them. */
export function floats(
  value: unknown,
  path: string,
  most = LARGEST_DIMENSION,
  place = (i: number) => `${path}[${i}]`,
): Float32Array {
  if (types.isFloat32Array(value)) {
    checkLength(value, path, most)
    return types.isSharedArrayBuffer(value.buffer) ? new Float32Array(value) : value
  }
  if (!Array.isArray(value)) fail(path, 'an array of numbers or a Float32Array', value)
  const copy = new Float32Array(checkLength(value, path, most))
  for (let i = 0; i < copy.length; i++) {
    if (typeof value[i] !== 'number') fail(place(i), 'a number', value[i])
    copy[i] = value[i]
  }
  return copy
}

/** Concatenates rows, and returns their lengths as well. */
export function concatenated(rows: ArrayLike<number>[]): [data: Float32Array, lengths: Uint32Array] {
  const lengths = Uint32Array.from(rows, (row) => row.length)
  const data = new Float32Array(lengths.reduce((sum, length) => sum + length, 0))
  let at = 0
  for (const row of rows) {
    data.set(row, at)
    at += row.length
  }
  return [data, lengths]
}

/** Checks that a value is an object with no keys other than these. */
export function known(value: unknown, path: string, keys: readonly string[]): Record<string, any> {
  const given = object(value, path)
  const stranger = Object.keys(given).find((key) => !keys.includes(key))
  if (stranger !== undefined)
    throw new ValidationError(`${path}.${stranger}: unknown; use ${keys.join(', ')}`)
  return given
}

/**
 * The vectors of an insert as columns, and whether they were passed as columns. `others` is when
 * those expire that do not say it themselves.
 */
export function vectors(
  value: unknown,
  others: number | null,
): [
  ids: string,
  data: Float32Array,
  lengths: Uint32Array,
  metadata: string | null,
  texts: string | null,
  areColumns: boolean,
  expiresAt: string | null,
] {
  if (!Array.isArray(value)) {
    const columns = known(value, 'vectors', ['ids', 'data', 'metadata', 'texts', 'expires_at'])
    const { ids, data, metadata = [], texts = [], expires_at = [] } = columns
    const { length: count } = list(ids, 'vectors.ids')
    const values = floats(data, 'vectors.data', Math.max(1, count) * LARGEST_DIMENSION)
    const length = values.length / count
    if (ids.length > 0 && !Number.isInteger(length)) {
      throw new ValidationError(
        `vectors.data: ${values.length} values are no whole rows for ${ids.length} ids`,
      )
    }
    const lengths = Uint32Array.of(ids.length > 0 ? length : 0)
    const given = list(metadata, 'vectors.metadata')
    if (given.length > ids.length) throw new ValidationError('vectors.metadata: longer than vectors.ids')
    const kept = list(texts, 'vectors.texts')
    if (kept.length > ids.length) throw new ValidationError('vectors.texts: longer than vectors.ids')
    const sent = strings(ids, 'vectors.ids')
    const said = list(expires_at, 'vectors.expires_at')
    if (said.length > ids.length) throw new ValidationError('vectors.expires_at: longer than vectors.ids')
    const rows = others === null ? said.length : ids.length
    return [
      sent,
      values,
      lengths,
      metadataJson([...given], (i) => ['vectors', 'metadata', i]),
      keptTexts([...kept], (i) => `vectors.texts[${i}]`),
      true,
      expiriesJson(
        Array.from({ length: rows }, (_, i) => said[i]),
        others,
        (i) => `vectors.expires_at[${i}]`,
      ),
    ]
  }
  const rows = vectorRows(value, 'vectors')
  const ids = rows.map(({ id }, i) => (id === undefined ? null : string(id, `vectors[${i}].id`)))
  const expiries = expiriesJson(
    rows.map((row) => row.expires_at),
    others,
    (i) => `vectors[${i}].expires_at`,
  )
  return [JSON.stringify(ids), ...columnsOf(rows, 'vectors'), false, expiries]
}

/** The rows of a list of vectors. `name` is what errors call the list. */
export function vectorRows(value: unknown, name: string): Record<string, any>[] {
  const keys = ['id', 'data', 'metadata', 'text', 'expires_at']
  return Array.from(list(value, name), (row, i) => known(row, `${name}[${i}]`, keys))
}

/** Rows of vectors as columns, without their ids. */
export function columnsOf(
  rows: Record<string, any>[],
  name: string,
): [data: Float32Array, lengths: Uint32Array, metadata: string | null, texts: string | null] {
  const [data, lengths] = concatenated(rows.map((row, i) => floats(row.data, `${name}[${i}].data`)))
  const metadata = metadataJson(
    rows.map((row) => row.metadata),
    (i) => [name, i, 'metadata'],
  )
  const texts = keptTexts(
    rows.map((row) => row.text),
    (i) => `${name}[${i}].text`,
  )
  return [data, lengths, metadata, texts]
}
