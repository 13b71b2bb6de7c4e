// Writes of many rows are many writes of the engine. Where one fails, the error says what was
// done before, and of what it is not known.
const { classes } = require('../errors.js')
const { isInDoubt } = require('./engine.js')
const { idOf, keyOf } = require('./names.js')
const { bytesOf, portions } = require('./rows.js')

const { PartialWriteError } = classes

/** `error`, or, where something may have been written, one with a report. */
function broken(error, { done, total, unknown, verb, report }) {
  if (done === 0 && unknown.length === 0) return error
  const open = unknown.length > 0 ? `, and of ${unknown.length} it is not known` : ''
  const message =
    `${done} of ${total} vectors were ${verb}${open}, when this happened: ${error.message}. ` +
    'Made again, the call completes what is missing.'
  return Object.assign(new PartialWriteError(message, { cause: error }), { report, unknown })
}

/** Writes rows to a collection; `tell` is told how many are. */
async function insertRows(collection, rows, tell) {
  const ids = []
  for (const part of portions(rows, bytesOf)) {
    const written = part.map(({ id }) => idOf(id))
    try {
      await collection.upsert(part)
    } catch (error) {
      throw broken(error, {
        done: ids.length,
        total: rows.length,
        unknown: isInDoubt(error) ? written : [],
        verb: 'inserted',
        report: { inserted: ids.length, ids },
      })
    }
    ids.push(...written)
    tell(ids.length)
  }
}

/** Those of some keys that there are. */
const existing = (collection) => async (keys) => (await collection.withKeys(keys)).map(({ id }) => id)

/**
 * Deletes what there is of some keys, a portion at a time: those that `look` returns of it. Tells
 * what became of them: `gone`; looked up and `missing`; and where it was broken off, the `error`
 * and those of which it is `unknown`.
 */
async function removeKeys(collection, keys, tell, look = existing(collection)) {
  const outcome = { gone: new Set(), missing: new Set(), unknown: new Set() }
  let done = 0
  for (const part of portions(keys, (key) => key.length)) {
    let there = []
    try {
      there = await look(part)
      if (there.length > 0) await collection.remove(there)
    } catch (error) {
      if (isInDoubt(error)) outcome.unknown = new Set(there)
      return { ...outcome, error }
    }
    const found = new Set(there)
    for (const key of part) (found.has(key) ? outcome.gone : outcome.missing).add(key)
    done += part.length
    tell(done)
  }
  return outcome
}

/** What became of one id of a batch, as in the reports of the embedded client. */
function row(id, index, { gone, missing, unknown, error }, places) {
  const key = keyOf(id)
  const first = places.get(id)
  if (first === undefined) places.set(id, index)
  const failure = () => {
    if (missing.has(key)) return 'vector not found'
    if (first !== undefined && gone.has(key)) return `repeated: the same id as at index ${first}`
    if (unknown.has(key)) return `it is not known whether it was deleted: ${error.message}`
    return gone.has(key) ? undefined : `not deleted: ${error.message}`
  }
  const message = failure()
  return message === undefined ? { id, index, status: 'ok' } : { id, index, status: 'error', error: message }
}

/** Deletes ids, and reports on each in the order of the request. */
async function deleteIds(collection, ids, tell) {
  const outcome = await removeKeys(collection, [...new Set(ids.map(keyOf))], tell)
  const places = new Map()
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
async function deleteMatches(collection, keys, scanned, tell, look) {
  const { gone, unknown, error } = await removeKeys(collection, keys, tell, look)
  const results = keys.filter((key) => gone.has(key)).map((key) => ({ id: idOf(key), status: 'deleted' }))
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

module.exports = { deleteIds, deleteMatches, insertRows }
