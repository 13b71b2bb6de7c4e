import { readFileSync } from 'node:fs'
import { readAll } from '../../scripts/read-store.mjs'
import { filesIn } from '../shared/folder.mjs'
import { markedRows } from './marked.mjs'

export const KINDS = ['whole vectors', 'first 64 bytes of vectors', 'ids', 'metadata strings', 'texts']

/**
 * Searches every byte of every file below a folder for the marked rows, and counts, for each kind of trace,
 * the deleted and the kept rows that have left one. It runs in another process than the one that has the
 * store open, so it reads what anyone with access to the files can. What our store has sealed is opened with
 * the keys that are there, since anyone with its files has them too.
 */
export default async function scan({ folder, deleted, ...form }) {
  const traces = new Traces(form)
  for (const path of filesIn(folder)) traces.search(contents(path))
  for (const opened of unsealed(folder)) traces.search(opened)
  const gone = new Set(deleted)
  return traces.found.map((rows) => {
    const kept = [...rows].filter((row) => !gone.has(row)).length
    return { deleted: rows.size - kept, kept }
  })
}

/**
 * Everything that can be opened of our stores in a folder, whether or not their records say it is deleted.
 */
function* unsealed(folder) {
  for (const { entries } of readAll(folder))
    for (const { row, id, metadata, text } of entries) {
      yield Buffer.from(Float32Array.from(row).buffer)
      yield Buffer.from([id, metadata, text].join('\n'))
    }
}

/** A file that the store has removed since it was listed counts as empty. */
function contents(path) {
  try {
    return readFileSync(path)
  } catch (error) {
    if (error.code === 'ENOENT') return Buffer.alloc(0)
    throw error
  }
}

/** The byte strings of all rows, found in one pass: by their first four bytes, then in full. */
class Traces {
  found = KINDS.map(() => new Set())
  #byStart = new Map()
  /** Which three-byte beginnings occur; this rules out nearly all positions of a file. */
  #starts = new Uint8Array(1 << 24)

  constructor(form) {
    const { vectors, ...strings } = markedRows(form)
    const rowBytes = 4 * form.dim
    const bytes = Buffer.from(vectors.buffer)
    for (let row = 0; row < form.n; row++) {
      const whole = bytes.subarray(row * rowBytes, (row + 1) * rowBytes)
      this.#add({ row, kind: 1, bytes: whole.subarray(0, 64), kindOfWhole: 0, whole })
      for (const [i, list] of [strings.ids, strings.summaries, strings.texts].entries())
        this.#add({ row, kind: i + 2, bytes: Buffer.from(list[row]) })
    }
  }

  #add(trace) {
    const start = trace.bytes.readInt32LE(0)
    const others = this.#byStart.get(start)
    if (others) others.push(trace)
    else this.#byStart.set(start, [trace])
    this.#starts[start & 0xffffff] = 1
  }

  search(file) {
    // The four bytes from `at` on, the first in the lowest bits.
    let window = 0
    for (let at = -3; at + 3 < file.length; at++) {
      window = (window >>> 8) | (file[at + 3] << 24)
      if (at < 0 || this.#starts[window & 0xffffff] === 0) continue
      for (const trace of this.#byStart.get(window) ?? []) this.#compare(trace, file, at)
    }
  }

  #compare({ row, kind, bytes, kindOfWhole, whole }, file, at) {
    if (!isAt(bytes, file, at)) return
    this.found[kind].add(row)
    if (whole && isAt(whole, file, at)) this.found[kindOfWhole].add(row)
  }
}

const isAt = (bytes, file, at) => file.subarray(at, at + bytes.length).equals(bytes)
