// Calls the client's embedder. It is user code, so its results are not trusted.
import { checkLength, floats, kind } from './arguments.js'
import type { Context } from './calls.js'
import { EmbeddingError, isVectorizerError, messageOf } from './errors.js'
import type { Listener } from './native.js'
import type { Embedder } from './types.js'

/** The maximum number of texts per call of an embedder. */
const EMBEDDED_AT_ONCE = 128

/** How errors refer to the text at a position. */
export type TextPlace = (i: number) => string

/**
 * A vector returned by an embedder for `text`; copied, because the embedder may reuse its buffer.
 */
function embeddedRow(row: any, text: string): Float32Array {
  try {
    // The same wording as on the native side (`src/collection/name.rs`).
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

/** The vectors an embedder returns for one batch of texts. */
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
    if (isVectorizerError(cause)) throw cause
    throw new EmbeddingError(`what the embedder returned cannot be read: ${messageOf(cause)}`, { cause })
  }
}

/** The vectors of texts for a collection; `listener` is called with the progress. */
export async function embedded(
  { native, embedder, cancelling }: Context & { embedder: Embedder },
  collection: string,
  values: string[],
  place: TextPlace,
  listener?: Listener | null,
): Promise<Float32Array[]> {
  const copy = [...values]
  await native.getCollectionInfo(collection) // fails before the model is run in vain
  const rows: Float32Array[] = []
  for (let at = 0; at < copy.length; at += EMBEDDED_AT_ONCE) {
    const part = copy.slice(at, at + EMBEDDED_AT_ONCE)
    rows.push(...(await embeddedPart(embedder, part, (i) => place(at + i))))
    cancelling?.check()
    listener?.(JSON.stringify({ phase: 'embed', done: rows.length, total: copy.length }))
  }
  return rows
}
