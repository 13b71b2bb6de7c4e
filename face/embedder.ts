// What the client's embedder makes of texts. It is the caller's: anything may come of it.
import { checkLength, floats, kind } from './arguments.js'
import type { Context } from './calls.js'
import { EmbeddingError, isOurs, messageOf } from './errors.js'
import type { Listener } from './native.js'
import type { Embedder } from './types.js'

/** Texts that an embedder is given at a time. */
const EMBEDDED_AT_ONCE = 128

/** What an embedder made of a text, copied: it may use its buffer again for the next. */
function embeddedRow(row: any, i: number): Float32Array {
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

function embeddedRows(made: unknown, wanted: number, at: number): Float32Array[] {
  const count = Array.isArray(made) ? made.length : kind(made)
  if (!Array.isArray(made) || count !== wanted) {
    throw new EmbeddingError(`the embedder returned ${count} for ${wanted} texts; return a vector for each`)
  }
  return Array.from(made, (row, i) => embeddedRow(row, at + i))
}

/** What an embedder makes of texts, `at` of which came before. */
export async function embeddedPart(embedder: Embedder, part: string[], at = 0): Promise<Float32Array[]> {
  let made: unknown
  try {
    made = await embedder(part.slice())
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

/** The vectors of texts for a collection; `listener` is told how far it is. */
export async function embedded(
  { native, embedder, cancelling }: Context & { embedder: Embedder },
  collection: string,
  values: string[],
  listener?: Listener | null,
): Promise<Float32Array[]> {
  const copy = [...values]
  await native.getCollectionInfo(collection) // before a model is asked in vain
  const rows: Float32Array[] = []
  for (let at = 0; at < copy.length; at += EMBEDDED_AT_ONCE) {
    rows.push(...(await embeddedPart(embedder, copy.slice(at, at + EMBEDDED_AT_ONCE), at)))
    cancelling?.check()
    listener?.(JSON.stringify({ phase: 'embed', done: rows.length, total: copy.length }))
  }
  return rows
}
