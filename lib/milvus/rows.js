// Vectors as rows of the engine, and back.
const native = require('../native.js')
const { classes } = require('../errors.js')
const { read, written } = require('../json.js')
const { idOf, keyOf } = require('./names.js')

const { UnsupportedError } = classes

/** What a row may hold, in bytes: the engine's own limits. */
const LONGEST_TEXT = 65_535
const LARGEST_METADATA = 65_536
/** How many terms a row may have, and how long one is: `src/filter/terms`. */
const MOST_TERMS = 4096
const TERM_LENGTH = 32
/** A key has at most three characters for each byte of an id. */
const LONGEST_KEY = 3 * 1024
const LARGEST_DIMENSION = 32_768

/** How much is written, deleted or read at a time. */
const ROWS_AT_ONCE = 1000
const KEYS_AT_ONCE = 10_000
const BYTES_AT_ONCE = 4 * 1024 * 1024

/** The fields of a collection; `types` are the engine client's. */
const fieldsOf = (types, dimension) => [
  { name: 'id', data_type: types.VarChar, is_primary_key: true, max_length: LONGEST_KEY },
  { name: 'vector', data_type: types.FloatVector, dim: dimension },
  { name: 'metadata', data_type: types.JSON, nullable: true },
  { name: 'text', data_type: types.VarChar, max_length: LONGEST_TEXT, nullable: true },
  {
    name: 'terms',
    data_type: types.Array,
    element_type: types.VarChar,
    max_capacity: MOST_TERMS,
    max_length: TERM_LENGTH,
  },
  { name: 'ranges', data_type: types.JSON },
]

/** Whether there is a bigint in a JSON value, which the engine's client cannot write. */
function hasBigInt(value) {
  if (typeof value === 'bigint') return true
  return typeof value === 'object' && value !== null && Object.values(value).some(hasBigInt)
}

/**
 * Metadata as they are kept: themselves, or, where they hold a bigint, a list with their text. The
 * text alone is read as what it stands for by some engines.
 */
const kept = (metadata) => (hasBigInt(metadata) ? [written(metadata)] : metadata)

/** The text of metadata that were kept. */
const metadataText = (metadata) => (Array.isArray(metadata) ? metadata[0] : written(metadata ?? null))

/** Rows for vectors as they are read from a client. */
async function rowsOf(vectors) {
  const all = vectors.map(({ metadata = null }) => kept(metadata))
  for (const [i, { text = '' }] of vectors.entries()) {
    const largest = [
      ['metadata', Buffer.byteLength(JSON.stringify(all[i])), LARGEST_METADATA],
      ['text', Buffer.byteLength(text), LONGEST_TEXT],
    ]
    for (const [name, size, limit] of largest) {
      if (size <= limit) continue
      throw new UnsupportedError(`vectors[${i}].${name}: ${size} bytes, where the engine takes ${limit}`)
    }
  }
  const derived = JSON.parse(await native.rowTerms(`[${all.map(metadataText).join()}]`))
  return vectors.map(({ id, data, text = null }, i) => ({
    id: keyOf(id),
    vector: data,
    metadata: all[i],
    text,
    ...derived[i],
  }))
}

/** The vector of a row that was read; what was not asked for of it is left out. */
function vectorOf({ id, vector, metadata, text }) {
  const made = { id: idOf(id) }
  if (metadata != null) made.metadata = Array.isArray(metadata) ? read(metadata[0]) : metadata
  if (text != null) made.text = text
  if (vector !== undefined) made.data = Float32Array.from(vector)
  return made
}

/** About how much a row takes on its way to the engine. */
const bytesOf = (row) =>
  row.vector.length * 4 +
  row.terms.length * TERM_LENGTH +
  JSON.stringify([row.metadata, row.text, row.ranges]).length

/** Parts of a list that the engine takes at once. */
function portions(values, size = () => 0) {
  const parts = []
  let room = 0
  for (const value of values) {
    const bytes = size(value)
    if (parts.length === 0 || parts.at(-1).length >= ROWS_AT_ONCE || bytes > room) {
      parts.push([])
      room = BYTES_AT_ONCE
    }
    parts.at(-1).push(value)
    room -= bytes
  }
  return parts
}

module.exports = {
  KEYS_AT_ONCE,
  LARGEST_DIMENSION,
  ROWS_AT_ONCE,
  bytesOf,
  fieldsOf,
  metadataText,
  portions,
  rowsOf,
  vectorOf,
}
