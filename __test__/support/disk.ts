import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads'
import type { Vector, VectorizerClientOptions } from '../..'
import { client } from './collections'
import { atEnd } from './ending'
import { type Random, whole } from './random'

export const MODES = ['always', 'everysec', 'no'] as const

/** A new directory that is removed after the test. */
export function directory() {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'spec-vectorizer-')))
  atEnd(() => rmSync(path, { recursive: true, force: true, maxRetries: 5 }))
  return path
}

/** A client of a new store on disk, and the store's directory. */
export function store(options?: VectorizerClientOptions) {
  const path = join(directory(), 'store')
  return { path, client: client({ path, ...options }) }
}

/** Prints everything that somebody with access to the files of a store or a backup can read. */
export const reader = join(__dirname, '..', '..', 'scripts', 'read-store.mjs')

/** Every file in a directory and its subdirectories; or the path itself if it is a file. */
export function files(path: string): string[] {
  if (statSync(path).isFile()) return [path]
  const entries = readdirSync(path, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

/** Reads a directory, and starts over if a file in it is renamed in the meantime. */
function undisturbed<T>(read: () => T): T {
  for (;;) {
    try {
      return read()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
}

/** A copy of a store's files as they are now, except for the space reserved for deletes. */
export function taken(path: string): string {
  return undisturbed(() => {
    const copy = join(directory(), 'copy')
    for (const file of files(path).filter((name) => !name.endsWith('RESERVE'))) {
      const target = join(copy, relative(path, file))
      const bytes = readFileSync(file)
      mkdirSync(dirname(target), { recursive: true })
      writeFileSync(target, bytes)
    }
    return copy
  })
}

/** The contents of all files of a directory. */
const contents = (path: string) => undisturbed(() => files(path).map((file) => readFileSync(file)))

/** What the reader can open of a collection, as far as vectors are concerned. */
interface Opened {
  name: string | null
  entries: { row: number[]; id: string; metadata: string | null; text: string | null }[]
}

/** Code of a thread that runs the reader: starting a process takes longer than reading a small store. */
const READING = `
  const { parentPort, workerData: { done, port, reader } } = require('node:worker_threads')
  // Otherwise the reader checks whether it is the script being run.
  process.argv.length = 1
  parentPort.on('message', async (path) => {
    const said = []
    try {
      const { readAll } = await import(reader)
      const opened = readAll(path, { tell: (what) => said.push(what) })
      port.postMessage({ opened, said })
    } catch (error) {
      port.postMessage({ error, said })
    }
    Atomics.store(done, 0, 1)
    Atomics.notify(done, 0)
  })
`
let read: ((path: string) => { opened: Opened[]; error?: Error; said: string[] }) | undefined
let reading: Worker | undefined
afterAll(() => reading?.terminate())

/** Starts the thread that reads, and returns a function that waits for its answer. */
function startReading() {
  const done = new Int32Array(new SharedArrayBuffer(4))
  const { port1, port2 } = new MessageChannel()
  const workerData = { done, port: port2, reader: pathToFileURL(reader).href }
  const worker = new Worker(READING, { eval: true, workerData, transferList: [port2] })
  worker.unref()
  reading = worker
  return (path: string) => {
    worker.postMessage(path)
    Atomics.wait(done, 0, 0)
    Atomics.store(done, 0, 0)
    return receiveMessageOnPort(port1)?.message
  }
}

/**
 * What the keys in a directory can open: the names of collections and, for each vector, dead or
 * alive, everything known about it.
 */
function unsealed(path: string): Buffer[] {
  read ??= startReading()
  for (;;) {
    const { opened, error, said } = read(path)
    if (error) throw error
    // A file was renamed in the meantime.
    if (said.some((one) => one.includes('ENOENT'))) continue
    return opened.flatMap(({ name, entries }) => [
      Buffer.from(name ?? ''),
      ...entries.map(({ row, id, metadata, text }) =>
        Buffer.concat([bytes(row), Buffer.from(id + (metadata ?? '') + (text ?? ''))]),
      ),
    ])
  }
}

/** The values that occur, whole, somewhere in the given bytes. One pass looks for all: there are hundreds. */
function among(all: Buffer[], values: readonly Buffer[]): Buffer[] {
  const starting = new Map<number, Buffer[]>()
  const starts = new Uint8Array(0x10000)
  for (const value of values) {
    if (value.length < 3) throw new Error('a value must have at least three bytes')
    const start = value.readUInt16LE()
    starts[start] = 1
    starting.set(start, [...(starting.get(start) ?? []), value])
  }
  const found = new Set<Buffer>()
  for (const bytes of all) {
    for (let at = 0; at + 1 < bytes.length; at++) {
      const start = bytes[at] | (bytes[at + 1] << 8)
      if (starts[start] === 0) continue
      for (const value of starting.get(start) ?? []) {
        if (bytes[at + 2] !== value[2] || found.has(value)) continue
        const end = at + value.length
        if (end <= bytes.length && bytes.compare(value, 0, value.length, at, end) === 0) found.add(value)
      }
    }
  }
  return values.filter((value) => found.has(value))
}

/** The values that occur unencrypted in the files of a directory. */
export const plain = (path: string, values: readonly Buffer[]) => among(contents(path), values)

/**
 * The values that somebody with access to the files of a directory can find: unencrypted, or sealed
 * with a key that is there.
 */
export const present = (path: string, values: readonly Buffer[]) =>
  among([...contents(path), ...unsealed(path)], values)

const PIECE = 8
/** Pieces of a value, so many that any eleven consecutive bytes of it contain at least one. */
export function pieces(value: Buffer): Buffer[] {
  const count = Math.floor((value.length - PIECE) / 4) + 1
  return Array.from({ length: count }, (_, i) => value.subarray(4 * i, 4 * i + PIECE))
}

/** How numbers are written to disk. */
export function bytes(data: Float32Array | number[]): Buffer {
  return Buffer.from(Float32Array.from(data).buffer)
}

/** A text that nothing else contains. */
export const secret = (random: Random) =>
  Array.from({ length: 32 }, () => whole(random, 16).toString(16)).join('')

/** Everything written to disk about a vector whose metadata is one secret. */
export function traces({ id, data, metadata, text }: Vector): Buffer[] {
  const texts = [id, metadata?.secret as string | undefined, text]
  return [bytes(data), ...texts.filter((one) => one !== undefined).map((one) => Buffer.from(one))]
}
