// How the arguments of each method become those of the native method of the same name:
// strings, JSON texts and typed arrays. What JSON would silently change or drop is an
// error here, where it can still be seen.
const { constants } = require('node:buffer')
const { resolve } = require('node:path')
const { types } = require('node:util')
const { classes, isOurs, messageOf } = require('./errors.js')
const { fits64Bits, isRounded, written } = require('./json.js')
const { anew, keyOnly, protection, unwrapped } = require('./encryption.js')
const { embedding } = require('./server.js')

const { ValidationError, EmbeddingError } = classes

/** Texts that an embedder is given at a time. */
const EMBEDDED_AT_ONCE = 128
/** The most values that a vector has. */
const LARGEST_DIMENSION = 65_535

/** Whether something was thrown because a string or an array would have become too long. */
const isTooLong = (message) =>
  /invalid (string|array|typed array) length|allocation failed|out of memory/i.test(message)

/** What to throw when arguments could not be read: getters, proxies, detached buffers throw. */
function unreadable(cause) {
  if (isOurs(cause)) return cause
  const message = messageOf(cause)
  if (!isTooLong(message)) return new ValidationError(`the arguments cannot be read: ${message}`, { cause })
  const most = constants.MAX_STRING_LENGTH
  const limit = `all ids, all texts, all metadata and a filter take at most ${most} characters of JSON each`
  return new ValidationError(`too much for one call: ${limit}; give less at a time`, { cause })
}

/** What `pack` returns, or one of our errors. */
function read(pack) {
  try {
    return pack()
  } catch (cause) {
    throw unreadable(cause)
  }
}

/** What a value is, in words; of what is no plain object, the name of its kind. */
function kind(value) {
  if (value === null || typeof value === 'number') return String(value)
  if (Array.isArray(value)) return 'an array'
  if (typeof value !== 'object') return typeof value
  const name = Object.prototype.toString.call(value).slice('[object '.length, -1)
  return name === 'Object' ? 'object' : name
}

function fail(path, expected, value) {
  throw new ValidationError(`${path}: expected ${expected}, got ${kind(value)}`)
}

function string(value, path) {
  if (typeof value !== 'string') fail(path, 'a string', value)
  if (!value.isWellFormed()) throw new ValidationError(`${path}: a lone surrogate is not valid Unicode`)
  return value
}

function list(value, path) {
  return Array.isArray(value) ? value : fail(path, 'an array', value)
}

function whole(value, path, least, most = Number.POSITIVE_INFINITY) {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value
  return fail(path, `a whole number from ${least}${Number.isFinite(most) ? ` to ${most}` : ''}`, value)
}

/** Whether a prototype has nothing that an object could inherit but what all objects do. */
function isBare(prototype) {
  if (Object.getPrototypeOf(prototype) !== null) return false
  return Object.hasOwn(prototype, 'isPrototypeOf') || Reflect.ownKeys(prototype).length === 0
}

/** An object literal of any realm. */
function isPlain(value) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype || isBare(prototype)
}

/** Refuses an object that has keys which are left out where `keys` are read. */
function checkHidden(value, keys, path) {
  // Both together, `Reflect.ownKeys`, takes three times as long.
  const count = Object.getOwnPropertyNames(value).length
  if (count === keys.length && Object.getOwnPropertySymbols(value).length === 0) return
  throw new ValidationError(`${place(path)}: keys that are symbols or not enumerable would be left out`)
}

function object(value, path) {
  if (!isPlain(value)) fail(path, 'a plain object', value)
  checkHidden(value, Object.keys(value), [path])
  return value
}

/** A path as it is written in JavaScript: `vectors[3].metadata`. */
function place(path) {
  return path.map((key, i) => (typeof key === 'number' ? `[${key}]` : i > 0 ? `.${key}` : key)).join('')
}

/** Where a filter has bounds, which numbers that were rounded may be. */
const BOUND = /^\$?[gl]te?$/
const isBound = (path) =>
  BOUND.test(path.at(-1)) && (path.at(-1)[0] === '$' || /^(range|values_count)$/.test(path.at(-2)))

/**
 * A copy of what is given as one argument, and the JSON text of it. What JSON would change or
 * leave out is an error that names the place. Everything is read once: what is sent is what was
 * checked.
 */
class Copy {
  /** Leads to the value that is copied, and is the same array all the way down. */
  #path
  /** What it is: `'metadata'`, a `'filter'` or `'options'`. */
  #kind
  /** Whether it holds what JSON.stringify rounds, or cannot write. */
  #isLarge = false

  constructor(path, kind) {
    this.#path = path
    this.#kind = kind
  }

  text(value) {
    const copy = this.#copied(value)
    return this.#isLarge ? written(copy) : JSON.stringify(copy)
  }

  #refuse(why) {
    throw new ValidationError(`${place(this.#path)}: ${why}`)
  }

  #copied(value) {
    if (typeof value === 'string') return value.isWellFormed() ? value : string(value, place(this.#path))
    if (typeof value === 'boolean' || value === null) return value
    if (typeof value === 'number') return this.#number(value)
    if (typeof value === 'bigint' && this.#kind !== 'options') return this.#integer(value)
    if (typeof value !== 'object') return fail(place(this.#path), 'a JSON value', value)
    if (this.#path.length > 200) {
      throw new ValidationError(`${place(this.#path).slice(0, 80)}…: nested too deeply`)
    }
    if (Array.isArray(value)) return this.#list(value)
    if (isPlain(value)) return this.#object(value)
    if (types.isDate(value)) return this.#date(value)
    return fail(place(this.#path), 'a plain object', value)
  }

  #number(value) {
    if (!Number.isFinite(value)) fail(place(this.#path), 'a finite number', value)
    if (Object.is(value, -0) && this.#kind === 'metadata') {
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

  #integer(value) {
    if (!fits64Bits(value)) this.#refuse('a bigint must fit 64 bits, signed or not')
    if (this.#kind === 'metadata' && Number.isSafeInteger(Number(value))) {
      this.#refuse(`${value}n would be read back as the number ${value}: give that, and a bigint beyond 2^53`)
    }
    this.#isLarge = true
    return value
  }

  #date(value) {
    if (Number.isNaN(Date.prototype.getTime.call(value))) fail(place(this.#path), 'a valid date', value)
    checkHidden(value, [], this.#path)
    const date = Date.prototype.toISOString.call(value)
    if (this.#kind !== 'filter') return date
    // Beyond it the year has a sign, and dates of metadata cannot be there.
    if (date.length > 24) this.#refuse('a date must be of the years 0 to 9999')
    return { $date: date }
  }

  #list(value) {
    const copy = []
    const { length } = value
    // What is not enumerable is not looked for: of long lists that takes as long as all the rest.
    if (Object.keys(value).length > length || Object.getOwnPropertySymbols(value).length > 0) {
      this.#refuse('keys of a list beside its items would be left out')
    }
    // By index: a hole in an array is an undefined value.
    for (let i = 0; i < length; i++) {
      this.#path.push(i)
      copy.push(this.#copied(value[i]))
      this.#path.pop()
    }
    return copy
  }

  #object(value) {
    const copy = {}
    const keys = Object.keys(value)
    checkHidden(value, keys, this.#path)
    for (const key of keys) {
      const given = value[key]
      // An absent value is left out, as JSON does; in a filter that would widen it.
      if (given === undefined && this.#kind !== 'filter') continue
      if (!key.isWellFormed()) string(key, `${place(this.#path)}: a key`)
      this.#path.push(key)
      const copied = this.#copied(given)
      this.#path.pop()
      if (key === '__proto__') defineKey(copy, key, copied)
      else copy[key] = copied
    }
    return copy
  }
}

function defineKey(object, key, value) {
  Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true })
}

const json = (value, path, kind = 'options') => new Copy([path], kind).text(object(value, path))
const filterJson = (filter) => json(filter, 'filter', 'filter')
const strings = (values, path) =>
  JSON.stringify(Array.from(list(values, path), (v, i) => string(v, `${path}[${i}]`)))
const absent = (value) => value === undefined || value === null

/** Metadata of many rows; `path` leads to that of row `i`. */
function metadataJson(values, path = (i) => ['metadata', i]) {
  if (values.every(absent)) return null
  const one = (value, i) => {
    if (absent(value)) return 'null'
    if (!isPlain(value)) fail(place(path(i)), 'a plain object', value)
    return new Copy(path(i), 'metadata').text(value)
  }
  return `[${values.map(one).join()}]`
}

/** Texts of many rows, kept as they are; `path` leads to that of row `i`. */
function keptTexts(values, path) {
  if (values.every(absent)) return null
  const one = (value, i) => {
    if (string(value, path(i)) === '') throw new ValidationError(`${path(i)}: is empty`)
    return value
  }
  return JSON.stringify(values.map((value, i) => (absent(value) ? null : one(value, i))))
}

/** That there are no more than `most` values, which is sure before any is looked at. */
function checkLength({ length }, path, most = LARGEST_DIMENSION) {
  if (length <= most) return length
  const limit = `${most === LARGEST_DIMENSION ? 'a vector has' : 'vectors for these ids have'} at most ${most}`
  throw new ValidationError(`${path}: ${length} values, where ${limit}`)
}

/** At most `most` numbers. */
function floats(value, path, most = LARGEST_DIMENSION) {
  if (types.isFloat32Array(value)) {
    checkLength(value, path, most)
    return types.isSharedArrayBuffer(value.buffer) ? new Float32Array(value) : value
  }
  if (!Array.isArray(value)) fail(path, 'an array of numbers or a Float32Array', value)
  const copy = new Float32Array(checkLength(value, path, most))
  for (let i = 0; i < copy.length; i++) {
    if (typeof value[i] !== 'number') fail(`${path}[${i}]`, 'a number', value[i])
    copy[i] = value[i]
  }
  return copy
}

/** Rows laid end to end, and their lengths. */
function laidOut(rows) {
  const lengths = Uint32Array.from(rows, (row) => row.length)
  const data = new Float32Array(lengths.reduce((sum, length) => sum + length, 0))
  let at = 0
  for (const row of rows) {
    data.set(row, at)
    at += row.length
  }
  return [data, lengths]
}

function known(value, path, keys) {
  const stranger = Object.keys(object(value, path)).find((key) => !keys.includes(key))
  if (stranger !== undefined)
    throw new ValidationError(`${path}.${stranger}: unknown; use ${keys.join(', ')}`)
  return value
}

function vectors(value) {
  if (!Array.isArray(value)) {
    const columns = known(value, 'vectors', ['ids', 'data', 'metadata', 'texts'])
    const { ids, data, metadata = [], texts = [] } = columns
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
    return [
      strings(ids, 'vectors.ids'),
      values,
      lengths,
      metadataJson([...given]),
      keptTexts([...kept], (i) => `vectors.texts[${i}]`),
    ]
  }
  const keys = ['id', 'data', 'metadata', 'text']
  const rows = Array.from(value, (row, i) => known(row, `vectors[${i}]`, keys))
  const ids = rows.map(({ id }, i) => (id === undefined ? null : string(id, `vectors[${i}].id`)))
  const [data, lengths] = laidOut(rows.map((row, i) => floats(row.data, `vectors[${i}].data`)))
  const metadata = metadataJson(
    rows.map((row) => row.metadata),
    (i) => ['vectors', i, 'metadata'],
  )
  const texts = keptTexts(
    rows.map((row) => row.text),
    (i) => `vectors[${i}].text`,
  )
  return [JSON.stringify(ids), data, lengths, metadata, texts]
}

/** What an embedder made of a text, copied: it may use its buffer again for the next. */
function embeddedRow(row, i) {
  try {
    const path = `embedder result[${i}]`
    const length = typeof row === 'object' && row !== null ? row.length : undefined
    if (!Number.isInteger(length)) return floats(row, path)
    checkLength({ length }, path)
    return floats(
      Array.from({ length }, (_, at) => row[at]),
      path,
    )
  } catch (cause) {
    throw new EmbeddingError(messageOf(cause), { cause })
  }
}

/** What the client's embedder makes of texts, `at` of which came before. */
async function embeddedPart(client, part, at = 0) {
  let made
  try {
    made = await client.embedder(part.slice())
  } catch (cause) {
    throw new EmbeddingError(`the embedder failed: ${messageOf(cause)}`, { cause })
  }
  try {
    return embeddedRows(made, part.length, at)
  } catch (cause) {
    if (isOurs(cause)) throw cause
    throw new EmbeddingError(`what the embedder returned cannot be read: ${messageOf(cause)}`, { cause })
  }
}

function embeddedRows(made, wanted, at) {
  const count = Array.isArray(made) ? made.length : kind(made)
  if (count !== wanted) {
    throw new EmbeddingError(`the embedder returned ${count} for ${wanted} texts; return a vector for each`)
  }
  return Array.from(made, (row, i) => embeddedRow(row, at + i))
}

/** The vectors of texts by the client's embedder; `listening` is told how far it is. */
async function embedded(client, collection, values, listening) {
  const copy = [...values]
  await client.native.getCollectionInfo(collection) // before a model is asked in vain
  const rows = []
  for (let at = 0; at < copy.length; at += EMBEDDED_AT_ONCE) {
    rows.push(...(await embeddedPart(client, copy.slice(at, at + EMBEDDED_AT_ONCE), at)))
    listening?.(JSON.stringify({ phase: 'embed', done: rows.length, total: copy.length }))
  }
  return rows
}

/** Arguments for texts; where the client has an embedder, with their vectors. */
function texts(client, collection, values, ids, metadatas, listening = null) {
  const all = strings(values, 'texts')
  if (metadatas.length > values.length) throw new ValidationError('metadata: more objects than texts')
  const metadata = metadataJson(Array.from(metadatas))
  if (!client.embedder) return [collection, all, ids, metadata, null, null, listening]
  if (values.includes('')) throw new ValidationError(`texts[${values.indexOf('')}]: is empty`)
  return embedded(client, collection, values, listening).then((rows) =>
    read(() => [collection, all, ids, metadata, ...laidOut(rows), listening]),
  )
}

/** Arguments for a search: a text or a vector, options, a filter. */
function query(client, collection, wanted, options) {
  const { filter, ...rest } = object(options, 'options')
  const common = [json(rest, 'options'), filter === undefined ? null : filterJson(filter)]
  if (typeof wanted !== 'string') return [collection, null, floats(wanted, 'query'), ...common]
  if (!client.embedder || wanted === '') return [collection, string(wanted, 'query'), null, ...common]
  return embedded(client, collection, [string(wanted, 'query')]).then(([row]) => [
    collection,
    null,
    row,
    ...common,
  ])
}

/** Arguments for a batch of searches: a list of texts and vectors, or vectors end to end. */
function queries(client, collection, wanted, options) {
  const { filter, ...rest } = object(options, 'options')
  const common = [json(rest, 'options'), filter === undefined ? null : filterJson(filter)]
  if (types.isFloat32Array(wanted)) {
    return [collection, null, floats(wanted, 'queries', Number.POSITIVE_INFINITY), null, ...common]
  }
  const isText = (one) => typeof one === 'string'
  const all = Array.from(list(wanted, 'queries'), (one, i) =>
    (isText(one) ? string : floats)(one, `queries[${i}]`),
  )
  const args = (given) => {
    const texts = given.some(isText) ? JSON.stringify(given.map((one) => (isText(one) ? one : null))) : null
    return [collection, texts, ...laidOut(given.map((one) => (isText(one) ? [] : one))), ...common]
  }
  const texts = all.filter((one) => isText(one) && one !== '')
  if (!client.embedder || texts.length === 0) return args(all)
  // The caller may change vectors while texts are embedded.
  const copies = all.map((one) => (isText(one) ? one : one.slice()))
  return embedded(client, collection, texts).then((rows) =>
    args(copies.map((one) => (isText(one) && one !== '' ? rows.shift() : one))),
  )
}

const none = () => []
const name = (_, collection) => [string(collection, 'collection')]
const nameAndId = (_, collection, id) => [string(collection, 'collection'), string(id, 'id')]
const nameAndIds = (_, collection, ids) => [string(collection, 'collection'), strings(ids, 'ids')]
const optional = (options) => (options === undefined ? null : json(options, 'options'))

/** A listener as the native side calls it, with a JSON text. */
function listener(options) {
  return heard(known(options, 'options', ['onProgress']).onProgress)
}

function heard(onProgress) {
  if (onProgress === undefined) return null
  if (typeof onProgress !== 'function') fail('options.onProgress', 'a function', onProgress)
  const listening = (text) => {
    try {
      onProgress(JSON.parse(text))
    } catch (error) {
      listening.failure ??= { error }
    }
  }
  return listening
}

/** One of the numbers that `listVectors` takes, in place of options. */
function pageNumber(value, path, least) {
  if (value === null) return null
  if (typeof value === 'object') fail(path, 'a number, as in listVectors(collection, page, limit)', value)
  return whole(value, path, least)
}

const deletion = (_, collection, ids, options) => [
  ...nameAndIds(_, collection, ids),
  ids.length,
  optional(options),
]

/** How each method's arguments become those of the native one of the same name. */
const methods = {
  ready: none,
  listCollections: none,
  getCollectionInfo: name,
  getCollection: name,
  deleteCollection: (_, collection, options) => [...name(_, collection), optional(options)],
  optimize: (_, collection, options = {}) => [string(collection, 'collection'), listener(options)],
  getVector: nameAndId,
  flush: none,
  serve: (client, options = {}) => [
    json(options, 'options'),
    client.embedder ? embedding((texts) => embeddedPart(client, texts)) : null,
  ],
  verifyErased: nameAndIds,
  deleteVector: (_, collection, id, options) => [...nameAndId(_, collection, id), optional(options)],
  batchDelete: deletion,
  deleteVectors: deletion,
  createBackup: (_, target, options = {}) => {
    const { onProgress, ...rest } = object(options, 'options')
    return [string(target, 'target'), json(rest, 'options'), heard(onProgress)]
  },
  exportKeys: (_, target) => [string(target, 'target')],
  rotateKeys: (client, options = {}) => {
    const { key, onProgress } = known(options, 'options', ['key', 'onProgress'])
    const user = key === undefined ? client.service && anew(client.service) : keyOnly(key, 'options.key')
    const args = (given) => [given === undefined ? null : JSON.stringify(given), heard(onProgress)]
    return user instanceof Promise ? user.then(args) : args(user)
  },
  createCollection: (_, given, options) => {
    if (!isPlain(given))
      return [json({ ...object(options, 'options'), name: string(given, 'name') }, 'options')]
    if (options !== undefined) fail('options', 'nothing beside a request', options)
    return [json(given, 'request')]
  },
  insertVectors: (_, collection, given, options = {}) => [
    string(collection, 'collection'),
    ...vectors(given),
    listener(options),
  ],
  insertText: (client, collection, text, metadata) =>
    texts(client, string(collection, 'collection'), [string(text, 'text')], null, [metadata]),
  batchInsertText: (client, collection, given, metadatas = [], options = {}) =>
    texts(
      client,
      string(collection, 'collection'),
      given,
      null,
      list(metadatas, 'metadatas'),
      listener(options),
    ),
  insertTexts: (client, collection, given, options = {}) => {
    const keys = ['id', 'text', 'metadata']
    const rows = Array.from(list(given, 'texts'), (row, i) => known(row, `texts[${i}]`, keys))
    const column = (key) => rows.map((row) => row[key])
    return texts(
      client,
      string(collection, 'collection'),
      column('text'),
      strings(column('id'), 'ids'),
      column('metadata'),
      listener(options),
    )
  },
  listVectors: (_, collection, page = 0, limit = 10) => [
    string(collection, 'collection'),
    JSON.stringify([pageNumber(page, 'page', 0), pageNumber(limit, 'limit', 1)]),
  ],
  count: (_, collection, filter) => [
    string(collection, 'collection'),
    filter === undefined ? null : filterJson(filter),
  ],
  updateVector: (client, collection, id, update) => {
    const { data, ...fields } = known(update, 'update', ['data', 'text', 'metadata'])
    const vector = data === undefined ? null : floats(data, 'data')
    const args = [...nameAndId(client, collection, id), json(fields, 'update', 'metadata')]
    if (vector || !client.embedder || fields.text === undefined) return [...args, vector]
    return embedded(client, collection, [string(fields.text, 'text')]).then(([row]) => [...args, row])
  },
  search: (client, collection, wanted, options = {}) =>
    query(client, string(collection, 'collection'), wanted, options),
  searchVectors: (client, collection, request) => {
    const { query_vector, ...options } = object(request, 'request')
    return query(client, string(collection, 'collection'), floats(query_vector, 'query_vector'), options)
  },
  searchText: (client, collection, request) => {
    const { query: text, ...options } = object(request, 'request')
    return query(client, string(collection, 'collection'), string(text, 'query'), options)
  },
  searchBatch: (client, collection, wanted, options = {}) =>
    queries(client, string(collection, 'collection'), wanted, options),
  deleteByFilter: (_, collection, filter, options = {}) => [
    string(collection, 'collection'),
    filterJson(filter),
    json(options, 'options'),
  ],
}

/** The key of a store or a backup: at once where it was given, or as a promise. */
function keyFor(encryption, place, path) {
  if (encryption === undefined) return undefined
  const { key, service } = protection(encryption, place)
  return key ?? unwrapped(service, path)
}

/** The same for static methods. */
const statics = {
  restoreBackup: (_, file, path, options = {}) => {
    const places = [
      string(file, 'file'),
      path === undefined ? fail('path', 'the directory to make the store in', path) : string(path, 'path'),
    ]
    const { encryption, keysEncryption = encryption, onProgress, ...rest } = object(options, 'options')
    const { keys } = rest
    const kept = [keyFor(encryption, 'options.encryption', file)]
    if (keys !== undefined)
      kept.push(keyFor(keysEncryption, 'options.keysEncryption', string(keys, 'options.keys')))
    // The working directory may be another one when a service has answered.
    const isLater = kept.some((key) => key instanceof Promise)
    const here = (path) => (isLater && path ? resolve(path) : path)
    const at = places.map(here)
    const args = ([encryption, keysEncryption]) => {
      const given = { ...rest, keys: here(keys), encryption, keysEncryption }
      return [...at, json(given, 'options'), heard(onProgress)]
    }
    return isLater ? Promise.all(kept).then(args) : args(kept)
  },
}

module.exports = { fail, isPlain, json, known, list, methods, object, read, statics, string, whole }
