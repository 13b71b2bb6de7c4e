// What the client's embedder makes of texts. It is the caller's: anything may come of it.
import { checkLength, floats, kind } from './arguments.js'
import type { Context } from './calls.js'
import { EmbeddingError, isOurs, messageOf } from './errors.js'
import type { Listener } from './native.js'
import type { Embedder } from './types.js'

/** Texts that an embedder is given at a time. */
const EMBEDDED_AT_ONCE = 128

/** What the caller calls the text at a place, for errors. */
export type TextPlace = (i: number) => string

/** What an embedder made of the `text`, copied: it may use its buffer again for the next. */
function embeddedRow(row: any, text: string): Float32Array {
  try {
    // As the native side says it (`src/collection/name.rs`).
    const path = `what the embedder returned for ${text}`
    const length = typeof row === 'object' && row !== null ? row.length : undefined
    if (!Number.isInteger(length)) return floats(row, path)
    checkLength({ length }, path)
    const values = Array.from({ length }, (_, at) => row[at])
    return floats(values, path, undefined, (at) => `value ${at} of ${path}`)
  } catch (cause) {
    throw new EmbeddingError(messageOf(cause), { cause })
  }
}

function embeddedRows(made: unknown, wanted: number, place: TextPlace): Float32Array[] {
  const count = Array.isArray(made) ? made.length : kind(made)
  if (!Array.isArray(made) || count !== wanted) {
    throw new EmbeddingError(`the embedder returned ${count} for ${wanted} texts; return a vector for each`)
  }
  return Array.from(made, (row, i) => embeddedRow(row, place(i)))
}

/** What an embedder makes of texts. */
export async function embeddedPart(
  embedder: Embedder,
  part: string[],
  place: TextPlace = (i) => `texts[${i}]`,
): Promise<Float32Array[]> {
  let made: unknown
  try {
    made = await embedder(part.slice())
  } catch (cause) {
    throw new EmbeddingError(`the embedder failed: ${messageOf(cause)}`, { cause })
  }
  try {
    return embeddedRows(made, part.length, place)
  } catch (cause) {
    if (isOurs(cause)) throw cause
    throw new EmbeddingError(`what the embedder returned cannot be read: ${messageOf(cause)}`, { cause })
  }
}

/** The vectors of texts for a collection; `listener` is told how far it is. */
export async function embedded(
  { native, embedder, cancelling }: Context & { embedder: Embedder },
  collection: string,
  values: string[],
  place: TextPlace,
  listener?: Listener | null,
): Promise<Float32Array[]> {
  const copy = [...values]
  await native.getCollectionInfo(collection) // before a model is asked in vain
  const rows: Float32Array[] = []
  for (let at = 0; at < copy.length; at += EMBEDDED_AT_ONCE) {
    const part = copy.slice(at, at + EMBEDDED_AT_ONCE)
    rows.push(...(await embeddedPart(embedder, part, (i) => place(at + i))))
    cancelling?.check()
    listener?.(JSON.stringify({ phase: 'embed', done: rows.length, total: copy.length }))
  }
  return rows
}
