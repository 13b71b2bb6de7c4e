// The calls that are compared over HTTP and in process: the same on both sides.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { K } from '../shared/exact.mjs'
import { idOf } from '../shared/job.mjs'
import { COLLECTION, HOST } from './server.mjs'

export const CONNECTIONS = [1, 16]
export const TOGETHER = 100
export const SEARCHES = 20_000
/**
 * Searches next to slow clients: enough for the server to give up some of them, which takes it some seconds.
 */
export const SEARCHES_BESIDE = 100_000
/** Searches before anything is timed: the first ones of a process find cold caches and uncompiled code. */
export const WARM_UP = 2_000

/**
 * Calls that follow one another on one collection. The single deletes remove all of its rows, so batches get
 * another collection.
 */
export const SEQUENCES = [['search', 'single'], ['batch']]

/** How many calls of a kind there are. */
export function countOf(call, { n }) {
  return { search: SEARCHES, single: n, batch: Math.ceil(n / TOGETHER) }[call]
}

/** The ids of all rows, in the order of their deletes, in lists of the size of a batch delete. */
export function batchesOf({ order }) {
  const batches = []
  for (let start = 0; start < order.length; start += TOGETHER)
    batches.push(order.slice(start, start + TOGETHER).map(idOf))
  return batches
}

/** For each kind of call, a file of complete requests separated by NUL bytes. */
export function writeRequests(folder, job) {
  const at = `/collections/${COLLECTION}`
  const requests = {
    search: job.queries.map((query) => post(`${at}/search`, { vector: [...query], limit: K })),
    single: job.order.map((row) => head('DELETE', `${at}/vectors/${idOf(row)}`)),
    batch: batchesOf(job).map((ids) => post(`${at}/batch_delete`, { ids })),
  }
  const files = {}
  for (const [call, list] of Object.entries(requests)) {
    files[call] = join(folder, `${call}.requests`)
    writeFileSync(files[call], list.join('\0'))
  }
  const bytes = requests.search.reduce((sum, request) => sum + request.length, 0) / requests.search.length
  return { files, searchBytes: bytes }
}

export function post(path, body) {
  const text = JSON.stringify(body)
  const fields = `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n`
  return head('POST', path, fields) + text
}

const head = (method, path, fields = '') => `${method} ${path} HTTP/1.1\r\nHost: ${HOST}\r\n${fields}\r\n`
