import { readFileSync } from 'node:fs'
import { readAll } from '../../scripts/read-store.mjs'
import { filesIn } from '../shared/folder.mjs'
import { markedRows } from './marked.mjs'

export const KINDS = ['whole vectors', 'first 64 bytes of vectors', 'ids', 'metadata strings', 'texts']

/**
 * Searches every byte of every file below a folder for the marked rows: for each kind of trace, of how
 * many deleted and of how many kept rows there is one. It runs beside the process that has the store open:
 * what it reads is what anybody who may read the files can. What our store seals is opened with the keys
 * that are there, for whoever has its files has them.
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

/** All that can be opened of our stores in a folder, whether their records say that it is deleted or not. */
function* unsealed(folder) {
  for (const { entries } of readAll(folder))
    for (const { row, id, metadata, text } of entries) {
      yield Buffer.from(Float32Array.from(row).buffer)
      yield Buffer.from([id, metadata, text].join('\n'))
    }
}

/** A file that the store removed since it was listed holds nothing any more. */
function contents(path) {
  try {
    return readFileSync(path)
  } catch (error) {
    if (error.code === 'ENOENT') return Buffer.alloc(0)
    throw error
  }
}

/** All the rows' byte strings, looked for in one pass: by their first four bytes, then in full. */
class Traces {
  found = KINDS.map(() => new Set())
  #byStart = new Map()
  /** Which three bytes any of them begins with: nearly all positions of a file are ruled out by this. */
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
