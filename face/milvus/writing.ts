// Writes of many rows are many writes of the engine. Where one fails, the error says what was
// done before, and of what it is not known.
import { Cancelled } from '../cancelling.js'
import { PartialWriteError } from '../errors.js'
import type { DeleteByFilterReport, DeleteReport, DeleteResult } from '../types.js'
import type { EngineCollection } from './collection.js'
import { isInDoubt } from './engine.js'
import { idOf, keyOf } from './names.js'
import { bytesOf, portions, type Row } from './rows.js'

/** Is told how many are done. */
export type Told = (done: number) => void

/** How far a write came. */
interface Progress {
  done: number
  total: number
  unknown: string[]
  verb: string
  report: PartialWriteError['report']
}

/** `error`, or, where something may have been written, one with a report. */
function broken(error: Error, { done, total, unknown, verb, report }: Progress): Error {
  if (done === 0 && unknown.length === 0) return error
  const open = unknown.length > 0 ? `, and of ${unknown.length} it is not known` : ''
  const message =
    `${done} of ${total} vectors were ${verb}${open}, when this happened: ${error.message}. ` +
    'Made again, the call completes what is missing.'
  const cause = Cancelled.reasonOf(error, (other) => other)
  return Object.assign(new PartialWriteError(message, { cause }), { report, unknown })
}

/** Writes rows to a collection; `tell` is told how many are. */
export async function insertRows(collection: EngineCollection, rows: Row[], tell: Told): Promise<void> {
  const ids: string[] = []
  for (const part of portions(rows, bytesOf)) {
    const written = part.map(({ id }) => idOf(id))
    try {
      await collection.upsert(part)
    } catch (error) {
      throw broken(error as Error, {
        done: ids.length,
        total: rows.length,
        unknown: isInDoubt(error as Error) ? written : [],
        verb: 'inserted',
        report: { inserted: ids.length, ids },
      })
    }
    ids.push(...written)
    tell(ids.length)
  }
}

/** Those of some keys that are meant to be deleted. */
type Look = (keys: string[]) => Promise<string[]>

/** Those of some keys that there are. */
const existing =
  (collection: EngineCollection): Look =>
  async (keys) =>
    (await collection.withKeys(keys)).map(({ id }) => id)

/** What became of some keys. */
interface Outcome {
  gone: Set<string>
  missing: Set<string>
  unknown: Set<string>
  error?: Error
}

/**
 * Deletes what there is of some keys, a portion at a time: those that `look` returns of it. Tells
 * what became of them: `gone`; looked up and `missing`; and where it was broken off, the `error`
 * and those of which it is `unknown`.
 */
async function removeKeys(
  collection: EngineCollection,
  keys: string[],
  tell: Told,
  look = existing(collection),
): Promise<Outcome> {
  const outcome: Outcome = { gone: new Set(), missing: new Set(), unknown: new Set() }
  let done = 0
  for (const part of portions(keys, (key) => key.length)) {
    let there: string[] = []
    try {
      there = await look(part)
      if (there.length > 0) await collection.remove(there)
    } catch (error) {
      if (isInDoubt(error as Error)) outcome.unknown = new Set(there)
      return { ...outcome, error: error as Error }
    }
    const found = new Set(there)
    for (const key of part) (found.has(key) ? outcome.gone : outcome.missing).add(key)
    done += part.length
    tell(done)
  }
  return outcome
}

/** What became of one id of a batch, as in the reports of the embedded client. */
function row(
  id: string,
  index: number,
  { gone, missing, unknown, error }: Outcome,
  places: Map<string, number>,
): DeleteResult {
  const key = keyOf(id)
  const first = places.get(id)
  if (first === undefined) places.set(id, index)
  const failure = () => {
    if (missing.has(key)) return 'vector not found'
    if (first !== undefined && gone.has(key)) return `repeated: the same id as at index ${first}`
    if (unknown.has(key)) return `it is not known whether it was deleted: ${(error as Error).message}`
    return gone.has(key) ? undefined : `not deleted: ${(error as Error).message}`
  }
  const message = failure()
  return message === undefined ? { id, index, status: 'ok' } : { id, index, status: 'error', error: message }
}

/** Deletes ids, and reports on each in the order of the request. */
export async function deleteIds(
  collection: EngineCollection,
  ids: readonly string[],
  tell: Told,
): Promise<DeleteReport> {
  const outcome = await removeKeys(collection, [...new Set(ids.map(keyOf))], tell)
  const places = new Map<string, number>()
  const results = ids.map((id, index) => row(id, index, outcome, places))
  const deleted = outcome.gone.size
  const report = {
    collection: collection.name,
    count: ids.length,
    deleted,
    failed: ids.length - deleted,
    results,
  }
  if (!outcome.error) return report
  const unknown = Array.from(outcome.unknown, idOf)
  throw broken(outcome.error, { done: deleted, total: ids.length, unknown, verb: 'deleted', report })
}

/** Deletes the keys that a filter has matched among `scanned` rows, where `look` says so again. */
export async function deleteMatches(
  collection: EngineCollection,
  keys: string[],
  scanned: number,
  tell: Told,
  look: Look,
): Promise<DeleteByFilterReport> {
  const { gone, unknown, error } = await removeKeys(collection, keys, tell, look)
  const results = keys
    .filter((key) => gone.has(key))
    .map((key) => ({ id: idOf(key), status: 'deleted' as const }))
  const report = { scanned, matched: keys.length, deleted: gone.size, results }
  if (!error) return report
  throw broken(error, {
    done: gone.size,
    total: keys.length,
    unknown: Array.from(unknown, idOf),
    verb: 'deleted',
    report,
  })
}
