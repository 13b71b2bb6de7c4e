// How the arguments of each method become those of the native method of the same name:
// strings, JSON texts and typed arrays. What JSON would silently change or drop is an
// error here, where it can still be seen.
const { constants } = require('node:buffer')
const { types } = require('node:util')
const { classes, isOurs, messageOf } = require('./errors.js')
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

/** An object literal of any realm: its prototype is at the end of the chain. */
function isPlain(value) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

const object = (value, path) => (isPlain(value) ? value : fail(path, 'a plain object', value))

/** A path as it is written in JavaScript: `vectors[3].metadata`. */
function place(path) {
  return path.map((key, i) => (typeof key === 'number' ? `[${key}]` : i > 0 ? `.${key}` : key)).join('')
}

/**
 * The value, once it is sure that JSON can express it; what it cannot is an error that
 * names its place. A filter is copied, with its dates marked as such: what is sent is
 * then what was checked. `path` leads to the value and is the same array all the way down.
 */
function plain(value, path, inFilter) {
  if (typeof value === 'string') return value.isWellFormed() ? value : string(value, place(path))
  if (typeof value === 'boolean' || value === null) return value
  if (typeof value === 'number') {
    return Number.isFinite(value) ? value : fail(place(path), 'a finite number', value)
  }
  if (typeof value !== 'object') return fail(place(path), 'a JSON value', value)
  if (path.length > 200) throw new ValidationError(`${place(path).slice(0, 80)}…: nested too deeply`)
  if (types.isDate(value)) {
    if (Number.isNaN(value.getTime())) return fail(place(path), 'a valid date', value)
    if (!inFilter) return value
    const date = value.toISOString()
    // Beyond it the year has a sign, and dates of metadata cannot be there.
    if (date.length > 24) {
      throw new ValidationError(`${place(path)}: a date must be of the years 0 to 9999`)
    }
    return { $date: date }
  }
  const inside = (key) => {
    path.push(key)
    const checked = plain(value[key], path, inFilter)
    path.pop()
    return checked
  }
  if (Array.isArray(value)) {
    const copy = inFilter ? [] : value
    // By index: a hole in an array is an undefined value.
    for (let i = 0; i < value.length; i++) {
      const checked = inside(i)
      if (inFilter) copy.push(checked)
    }
    return copy
  }
  if (!isPlain(value)) return fail(place(path), 'a plain object', value)
  if (inFilter && Reflect.ownKeys(value).length > Object.keys(value).length) {
    throw new ValidationError(`${place(path)}: keys that are symbols or not enumerable would be left out`)
  }
  const entries = []
  for (const key of Object.keys(value)) {
    // In metadata an absent value is left out, as JSON does; in a filter it would widen it.
    if (value[key] === undefined && !inFilter) continue
    if (!key.isWellFormed()) string(key, `${place(path)}: a key`)
    const checked = inside(key)
    if (inFilter) entries.push([key, checked])
  }
  return inFilter ? Object.fromEntries(entries) : value
}

const json = (value, path) => JSON.stringify(plain(object(value, path), [path], false))
const filterJson = (filter) => JSON.stringify(plain(object(filter, 'filter'), ['filter'], true))
const strings = (values, path) =>
  JSON.stringify(Array.from(list(values, path), (v, i) => string(v, `${path}[${i}]`)))
const absent = (value) => value === undefined || value === null

/** Metadata of many rows; `path` leads to that of row `i`. */
function metadataJson(values, path = (i) => ['metadata', i]) {
  if (values.every(absent)) return null
  const one = (value, i) =>
    isPlain(value) ? plain(value, path(i), false) : fail(place(path(i)), 'a plain object', value)
  return JSON.stringify(values.map((value, i) => (absent(value) ? null : one(value, i))))
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
  const { onProgress } = known(options, 'options', ['onProgress'])
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
  deleteCollection: name,
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
  createBackup: (_, target, options = {}) => [string(target, 'target'), listener(options)],
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
    const args = [...nameAndId(client, collection, id), json(fields, 'update')]
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

/** The same for static methods. */
const statics = {
  restoreBackup: (_, file, path, options = {}) => [
    string(file, 'file'),
    path === undefined ? fail('path', 'the directory to make the store in', path) : string(path, 'path'),
    listener(options),
  ],
}

module.exports = { fail, isPlain, json, known, list, methods, object, read, statics, string, whole }
