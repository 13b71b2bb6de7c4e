// Converts vectors to rows of the engine, and back.
import { UnsupportedError } from '../errors.js'
import { read, written } from '../json.js'
import { native } from '../native.js'
import type { Vector } from '../types.js'
import type { DataTypes } from './engine.js'
import { idOf, keyOf } from './names.js'

/** The engine's limits for the fields of a row, in bytes. */
const LONGEST_TEXT = 65_535
const LARGEST_METADATA = 65_536
/** The number of terms of a row, and the length of each: `src/filter/terms`. */
const MOST_TERMS = 4096
const TERM_LENGTH = 32
/** A key has at most three characters for each byte of an id. */
const LONGEST_KEY = 3 * 1024
export const LARGEST_DIMENSION = 32_768

/** How much is written, deleted or read at a time. */
export const ROWS_AT_ONCE = 1000
export const KEYS_AT_ONCE = 10_000
const BYTES_AT_ONCE = 4 * 1024 * 1024

/** A row to write. */
export interface Row {
  id: string
  vector: Float32Array
  metadata: unknown
  text: string | null
  terms: string[]
  ranges: Record<string, string>
}

/** A row that was read, with the requested fields. */
export interface ReadRow {
  id: string
  vector?: ArrayLike<number>
  metadata?: any
  text?: string | null
}

/** The fields of a collection; `types` come from the engine's client. */
export const fieldsOf = (types: DataTypes, dimension: number) => [
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

/** Whether a JSON value contains a bigint, which the engine's client cannot write. */
function hasBigInt(value: unknown): boolean {
  if (typeof value === 'bigint') return true
  return typeof value === 'object' && value !== null && Object.values(value).some(hasBigInt)
}

/**
 * Metadata in the form it is stored: unchanged or, if it contains a bigint, as a list with its JSON
 * text. Some engines would parse a text that is not in a list.
 */
const kept = (metadata: unknown) => (hasBigInt(metadata) ? [written(metadata)] : metadata)

/** The JSON text of stored metadata. */
export const metadataText = (metadata: unknown): string =>
  Array.isArray(metadata) ? metadata[0] : written(metadata ?? null)

/** Rows for vectors as they are read from a client. */
export async function rowsOf(vectors: Vector[]): Promise<Row[]> {
  const all = vectors.map(({ metadata = null }) => kept(metadata))
  for (const [i, { text = '' }] of vectors.entries()) {
    const largest: [name: string, size: number, limit: number][] = [
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

/** The vector in a row that was read; fields that were not requested are left out. */
export function vectorOf({ id, vector, metadata, text }: ReadRow): Vector {
  const made = { id: idOf(id) } as Vector
  if (metadata != null) {
    made.metadata = Array.isArray(metadata) ? (read(metadata[0]) as Record<string, unknown>) : metadata
  }
  if (text != null) made.text = text
  if (vector !== undefined) made.data = Float32Array.from(vector)
  return made
}

/** The approximate size of a row in a request. */
export const bytesOf = (row: Row): number =>
  row.vector.length * 4 +
  row.terms.length * TERM_LENGTH +
  JSON.stringify([row.metadata, row.text, row.ranges]).length

/** Splits a list into portions that the engine accepts. */
export function portions<T>(values: T[], size: (value: T) => number = () => 0): T[][] {
  const parts: T[][] = []
  let part: T[] = []
  let room = 0
  for (const value of values) {
    const bytes = size(value)
    if (parts.length === 0 || part.length >= ROWS_AT_ONCE || bytes > room) {
      part = []
      parts.push(part)
      room = BYTES_AT_ONCE
    }
    part.push(value)
    room -= bytes
  }
  return parts
}
