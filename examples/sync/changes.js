// What a folder's files change in a collection: found by dry runs, and then made.
import { chunks } from './documents.js'

/** @import { Collection, ReplacementText } from 'vectorizer-native' */

/**
 * What is kept of a chunk beside its text: the path of its file.
 *
 * @typedef {{ source: string }} Chunk
 */

/**
 * What becomes of one file's chunks. Without `rows`, the file is gone.
 *
 * @typedef {{
 *   source: string
 *   rows?: ReplacementText<Chunk>[]
 *   inserted: number
 *   updated: number
 *   unchanged: number
 *   deleted: number
 * }} Change
 */

/**
 * The paths of all files of which there are chunks.
 *
 * @param {Collection<Chunk>} collection
 */
async function sources(collection) {
  /** @type {Set<string>} */
  const found = new Set()
  for await (const { metadata } of collection.scan()) found.add(metadata.source)
  return found
}

/**
 * What a collection lacks to hold these documents, a `Map` of texts by path, and no others.
 * Nothing is changed.
 *
 * @param {Collection<Chunk>} collection
 * @param {Map<string, string>} documents
 */
export async function changes(collection, documents) {
  /** @type {Change[]} */
  const found = []
  for (const [source, markdown] of documents) {
    const rows = chunks(markdown).map((text, n) => ({ id: `${source}:${n}`, text, metadata: { source } }))
    const report = await collection.replace({ source }, rows, { dryRun: true })
    const { inserted, updated, unchanged, deleted } = report
    found.push({ source, rows, inserted, updated, unchanged, deleted })
  }
  for (const source of await sources(collection)) {
    if (documents.has(source)) continue
    const { matched } = await collection.deleteByFilter({ source }, { dryRun: true })
    found.push({ source, inserted: 0, updated: 0, unchanged: 0, deleted: matched })
  }
  return found
}

/**
 * Makes a change, one file at once: no search finds some chunks of the old version and some of the
 * new one. If it would now delete another number of chunks than was found, it rejects with a
 * `TooManyMatchesError`, and this file's chunks stay as they are.
 *
 * @param {Collection<Chunk>} collection
 * @param {Change} change
 */
export async function make(collection, { source, rows, deleted }) {
  const guard = { expect: deleted }
  if (rows) await collection.replace({ source }, rows, guard)
  else await collection.deleteByFilter({ source }, guard)
}
