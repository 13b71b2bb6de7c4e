// Writes of many rows are many writes to the engine. If one fails, the error says what was done
// before it, and for which rows the outcome is unknown.
import { Cancelled } from '../cancelling.js'
import { PartialWriteError } from '../errors.js'
import type { DeleteByFilterReport, DeleteReport, DeleteResult } from '../types.js'
import type { EngineCollection } from './collection.js'
import { isOutcomeUnknown } from './engine.js'
import { checkCount, type Guards, hasGuards } from './guards.js'
import { idOf, keyOf } from './names.js'
import { bytesOf, portions, type Row } from './rows.js'

/** Called with the number done so far. */
export type ProgressCallback = (done: number) => void

/** The progress of a write. */
interface Progress {
  done: number
  total: number
  unknown: string[]
  verb: string
  report: PartialWriteError['report']
}

/** Returns `error` or, if something may have been written, an error with a report. */
function interruptedError(error: Error, { done, total, unknown, verb, report }: Progress): Error {
  if (done === 0 && unknown.length === 0) return error
  const open = unknown.length > 0 ? `, and of ${unknown.length} it is not known` : ''
  const message =
    `${done} of ${total} vectors were ${verb}${open}, when this happened: ${error.message}. ` +
    'Made again, the call completes what is missing.'
  const cause = Cancelled.reasonOf(error, (other) => other)
  return Object.assign(new PartialWriteError(message, { cause }), { report, unknown })
}

/** Writes rows to a collection; `reportProgress` is called with the number written. */
export async function insertRows(
  collection: EngineCollection,
  rows: Row[],
  reportProgress: ProgressCallback,
): Promise<void> {
  const ids: string[] = []
  for (const part of portions(rows, bytesOf)) {
    const written = part.map(({ id }) => idOf(id))
    try {
      await collection.upsert(part)
    } catch (error) {
      throw interruptedError(error as Error, {
        done: ids.length,
        total: rows.length,
        unknown: isOutcomeUnknown(error as Error) ? written : [],
        verb: 'inserted',
        report: { inserted: ids.length, ids },
      })
    }
    ids.push(...written)
    reportProgress(ids.length)
  }
}

/** Returns which of the given keys should be deleted. */
type Look = (keys: string[]) => Promise<string[]>

/** Returns which of the given keys exist. */
const existing =
  (collection: EngineCollection): Look =>
  async (keys) =>
    (await collection.withKeys(keys)).map(({ id }) => id)

/** The outcome for a set of keys. */
interface Outcome {
  gone: Set<string>
  missing: Set<string>
  unknown: Set<string>
  error?: Error
}

/**
 * Deletes those of the given keys that `look` returns, a portion at a time. Reports the outcome:
 * keys that are `gone`; keys that were looked up and are `missing`; and, if it was interrupted, the
 * `error` and the keys whose outcome is `unknown`.
 */
async function removeKeys(
  collection: EngineCollection,
  keys: string[],
  reportProgress: ProgressCallback,
  look: Look,
): Promise<Outcome> {
  const outcome: Outcome = { gone: new Set(), missing: new Set(), unknown: new Set() }
  let done = 0
  for (const part of portions(keys, (key) => key.length)) {
    let there: string[] = []
    try {
      there = await look(part)
      if (there.length > 0) await collection.remove(there)
    } catch (error) {
      if (isOutcomeUnknown(error as Error)) outcome.unknown = new Set(there)
      return { ...outcome, error: error as Error }
    }
    const found = new Set(there)
    for (const key of part) (found.has(key) ? outcome.gone : outcome.missing).add(key)
    done += part.length
    reportProgress(done)
  }
  return outcome
}

/** The result for one id of a batch, as in the reports of the embedded client. */
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

/** The results for all ids of a batch. */
function rows(ids: readonly string[], outcome: Outcome): DeleteResult[] {
  const places = new Map<string, number>()
  return ids.map((id, index) => row(id, index, outcome, places))
}

/** Looks up which of the keys exist, and checks that so many may be deleted. */
async function guarded(
  collection: EngineCollection,
  ids: readonly string[],
  keys: string[],
  guards: Guards,
): Promise<Look> {
  const look = existing(collection)
  const found = new Set<string>()
  for (const part of portions(keys, (key) => key.length)) {
    for (const key of await look(part)) found.add(key)
  }
  checkCount(guards, found.size, 'ids', () => {
    const missing = new Set(keys.filter((key) => !found.has(key)))
    const results = rows(ids, { gone: found, missing, unknown: new Set() })
    return {
      collection: collection.name,
      count: ids.length,
      deleted: 0,
      failed: ids.length - found.size,
      results: results.map((one) => ({ ...one, status: one.status === 'ok' ? 'matched' : 'error' })),
    }
  })
  // What has been inserted since is kept.
  return async (part) => (await look(part)).filter((key) => found.has(key))
}

/** Deletes ids if the guards allow it, and reports on each in the order of the request. */
export async function deleteIds(
  collection: EngineCollection,
  ids: readonly string[],
  reportProgress: ProgressCallback,
  guards: Guards = {},
): Promise<DeleteReport> {
  const keys = [...new Set(ids.map(keyOf))]
  const look = hasGuards(guards) ? await guarded(collection, ids, keys, guards) : existing(collection)
  const outcome = await removeKeys(collection, keys, reportProgress, look)
  const results = rows(ids, outcome)
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
  throw interruptedError(outcome.error, {
    done: deleted,
    total: ids.length,
    unknown,
    verb: 'deleted',
    report,
  })
}

/** Deletes keys that a filter matched among `scanned` rows, if `look` confirms them again. */
export async function deleteMatches(
  collection: EngineCollection,
  keys: string[],
  scanned: number,
  reportProgress: ProgressCallback,
  look: Look,
): Promise<DeleteByFilterReport> {
  const { gone, unknown, error } = await removeKeys(collection, keys, reportProgress, look)
  const results = keys
    .filter((key) => gone.has(key))
    .map((key) => ({ id: idOf(key), status: 'deleted' as const }))
  const report = { scanned, matched: keys.length, deleted: gone.size, results }
  if (!error) return report
  throw interruptedError(error, {
    done: gone.size,
    total: keys.length,
    unknown: Array.from(unknown, idOf),
    verb: 'deleted',
    report,
  })
}
