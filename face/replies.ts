// Converts native replies to values of the importing realm: numbers, JSON texts, or reports read
// one portion per tick of the event loop (`src/bindings/reply.rs`).
import { read } from './json.js'
import { type DeferredReply, type HeldRows, native, type Reply } from './native.js'

/** Expands a row of a report that was sent in a short form. */
export type Row = (sent: any, index: number, report: any) => unknown

/** The next tick of the event loop, if calls made in this one are waiting for it. */
let turning: Promise<void> | undefined
async function turn() {
  try {
    await native.turn()
  } catch {
    // The work is done, and its result is delivered regardless.
  } finally {
    turning = undefined
  }
}

/**
 * The reply of a call made in a tick whose time is used up (`src/bindings/turn.rs`). It arrives as
 * a list of the reply, or of nothing and an error, and is delivered in a later tick.
 */
export async function deferredReply([reply, error]: DeferredReply): Promise<Reply> {
  turning ??= turn()
  await turning
  if (error !== undefined) throw new Error(error)
  return reply
}

interface Form {
  scored: boolean
  /** Whether any of the vectors expires. */
  expiring: boolean
  dimension: number
}

/** Adds what a vector has to `row`: its metadata and its text, which are sent as 0 if there are none. */
export function addContents(row: Record<string, unknown>, metadata: unknown, text: unknown): void {
  // Sent as a text if JSON.parse would round an integer.
  if (metadata !== 0) row.metadata = typeof metadata === 'string' ? read(metadata) : metadata
  if (text !== 0) row.text = text
}

/** Adds the vectors of the next portion to the last of the lists. */
function takeItems(reply: HeldRows, { scored, expiring, dimension }: Form, lists: unknown[][]) {
  const scores = scored ? native.rowsScores(reply) : null
  const expiries = expiring ? native.rowsExpiries(reply) : null
  const data = dimension > 0 ? native.rowsData(reply) : null
  const sent = JSON.parse(native.rowsNext(reply))
  let rows = lists[lists.length - 1] ?? []
  for (let next = 0, at = 0; next < sent.length; ) {
    const id = sent[next++]
    if (id === 0) {
      rows = []
      lists.push(rows)
      continue
    }
    const row: Record<string, unknown> = scores ? { id, score: scores[at] } : { id }
    addContents(row, sent[next++], sent[next++])
    // NaN if it does not expire.
    if (expiries && expiries[at] >= 0) row.expires_at = expiries[at]
    if (data) row.data = new Float32Array(data.subarray(at * dimension, (at + 1) * dimension))
    at += 1
    rows.push(row)
  }
}

/**
 * The value of a native reply; `row` expands rows that are sent in a short form. If it `isExact`, no
 * integer in a JSON text is rounded.
 */
export async function decodeReply(reply: Reply, row: Row | undefined, isExact = false): Promise<any> {
  if (typeof reply === 'string') {
    const report: any = isExact && /\d{16}/.test(reply) ? read(reply) : JSON.parse(reply)
    if (row) report.results = report.results.map((sent: unknown, i: number) => row(sent, i, report))
    return report
  }
  if (typeof reply !== 'object') return reply
  const { head, key, portions, items, ...form } = JSON.parse(native.rowsHead(reply))
  const rows: unknown[] = []
  const lists = [rows]
  for (let i = 0; i < portions; i++) {
    if (i > 0) await native.turn()
    if (items) takeItems(reply, form, lists)
    else
      for (const sent of JSON.parse(native.rowsNext(reply)))
        rows.push(row ? row(sent, rows.length, head) : sent)
  }
  if (form.lists) return lists.slice(0, -1)
  return key === null ? rows : Object.assign(head, { [key]: rows })
}
