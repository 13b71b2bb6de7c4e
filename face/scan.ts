// Reading all vectors of a collection, one batch after the other.
import { known, read, string, whole } from './arguments.js'
import { callFor, locate } from './caller.js'
import type { Vectorizer } from './calls.js'
import { toVectorizerError } from './errors.js'
import { keys } from './keys.js'
import type { ScannedVector } from './types.js'

type Scanning = Pick<Vectorizer, 'scanVectors'>

/** The options of each batch. */
function batchOptions(collection: unknown, options: unknown): object {
  string(collection, 'collection')
  const { batchSize, ...rest } = known(options, 'options', keys.scan)
  return batchSize === undefined ? rest : { ...rest, limit: whole(batchSize, 'options.batchSize', 1) }
}

async function* batches(
  client: Scanning,
  collection: string,
  options: object,
  failure: unknown,
): AsyncGenerator<ScannedVector, void, undefined> {
  if (failure) throw failure
  let cursor: string | undefined
  do {
    const batch = await client.scanVectors(
      collection,
      cursor === undefined ? options : { ...options, cursor },
    )
    yield* batch.vectors
    cursor = batch.cursor
  } while (cursor !== undefined)
}

/**
 * The vectors of a scan. The options are read now, and the first vectors when they are asked for;
 * an error is reported there.
 */
export function scanOf(client: Scanning, collection: string, options: unknown = {}, caller: unknown) {
  try {
    const given = read(() => batchOptions(collection, options))
    return batches(client, collection, given, undefined)
  } catch (error) {
    const failure = toVectorizerError(error)
    callFor(caller, () => locate(failure, caller))
    return batches(client, collection, {}, failure)
  }
}
