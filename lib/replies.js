// What the native side answers, made values of the importing realm: numbers, JSON texts,
// or reports taken a portion a turn of the event loop (`src/bindings/reply.rs`).
const native = require('./native.js')
const { read } = require('./json.js')

/** The turn of the event loop that the calls of this one wait for, if some do. */
let turning
async function turn() {
  try {
    await native.turn()
  } catch {
    // What was done is done, and is answered all the same.
  } finally {
    turning = undefined
  }
}

/**
 * The answer of a call that was done in a turn whose time is used up (`src/bindings/turn.rs`):
 * it comes as a list of the reply, or of nothing and the error, and is given in a later turn.
 */
async function answeredLater([reply, error]) {
  turning ??= turn()
  await turning
  if (error !== undefined) throw new Error(error)
  return reply
}

/** Rows of deletes are sent in short: as ids, with an error where there was one. */
const outcome = (sent, index) =>
  typeof sent === 'string'
    ? { id: sent, index, status: 'ok' }
    : { id: sent[0], index, status: 'error', error: sent[1] }
const match = (id, _, { deleted }) => ({ id, status: deleted > 0 ? 'deleted' : 'matched' })
const short = { batchDelete: outcome, deleteVectors: outcome, deleteByFilter: match }

/** The vectors of the next portion, added to the last of the lists. */
function takeItems(reply, { scored, dimension }, lists) {
  const scores = scored ? native.rowsScores(reply) : null
  const data = dimension > 0 ? native.rowsData(reply) : null
  const sent = JSON.parse(native.rowsNext(reply))
  let rows = lists.at(-1)
  for (let next = 0, at = 0; next < sent.length; ) {
    const id = sent[next++]
    if (id === 0) {
      rows = []
      lists.push(rows)
      continue
    }
    const row = scored ? { id, score: scores[at] } : { id }
    const metadata = sent[next++]
    // As a text, where JSON.parse would round an integer.
    if (metadata !== 0) row.metadata = typeof metadata === 'string' ? read(metadata) : metadata
    const text = sent[next++]
    if (text !== 0) row.text = text
    if (data) row.data = new Float32Array(data.subarray(at * dimension, (at + 1) * dimension))
    at += 1
    rows.push(row)
  }
}

/** The value of a native reply to the method `name`. */
async function unfolded(reply, name) {
  const row = short[name] ?? ((sent) => sent)
  if (typeof reply === 'string') {
    const report = JSON.parse(reply)
    if (name in short) report.results = report.results.map((sent, i) => row(sent, i, report))
    return report
  }
  if (typeof reply !== 'object') return reply
  const { head, key, portions, items, ...form } = JSON.parse(native.rowsHead(reply))
  const lists = [[]]
  const [rows] = lists
  for (let i = 0; i < portions; i++) {
    if (i > 0) await native.turn()
    if (items) takeItems(reply, form, lists)
    else for (const sent of JSON.parse(native.rowsNext(reply))) rows.push(row(sent, rows.length, head))
  }
  if (form.lists) return lists.slice(0, -1)
  return key === null ? rows : Object.assign(head, { [key]: rows })
}

module.exports = { answeredLater, unfolded }
