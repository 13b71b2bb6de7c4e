// Reads the ledger of a store and checks that it is what was written (`src/storage/ledger.rs` writes
// it, and docs/format.md has its format). None of it is done by the addon, so that what wrote a ledger
// is not what verifies it.
import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { isPlain } from './arguments.js'
import { Cancelled } from './cancelling.js'
import { codeOf, messageOf, StorageError } from './errors.js'
import type { LedgerProblem } from './types.js'

/** The name of the file in a store's directory, and how its first line begins. */
const LEDGER = 'LEDGER'
const WRITTEN_BY = 'vectorizer-native'
const VERSION = 1

/** How many problems are reported. */
const MOST_PROBLEMS = 100
/** How much is read at a time, in bytes. */
const PORTION = 1 << 20
/** How long, in milliseconds, and how often to wait for the rest of a line that is being written. */
const PATIENCE = { wait: 20, times: 10 }
/** The digest of an id in hexadecimal digits. */
export const DIGEST = 32

/** One collection of an erasure. */
interface ErasedIn {
  collection: string
  /** The random name of the collection, in hexadecimal. */
  id: string
  sequence: number
  deleted: number
  numbers?: string
  /** The digests of the ids, concatenated. */
  ids?: string
  /** The random name of the collection that they were moved to, if they were. */
  to?: string
  all?: true
}

/** What every line but the first has. */
interface Entry {
  entry: number
  previous: string
  at: string
  open?: number[]
}

/** What an erasure is, when it begins and when it has happened. */
interface Erasure extends Entry {
  call: string
  reason?: string
  collections: ErasedIn[]
  deleted: number
  bytes: number
  digest: string
}

export type LedgerEntry =
  | (Erasure & { kind: 'begin' })
  | (Erasure & { kind: 'erased'; begin: number })
  | (Entry & { kind: 'undone'; begin: number })
  | (Entry & { kind: 'signed'; signs: number; signature: string })
  | (Entry & { kind: 'renamed'; collection: string; to: string; id: string })
export type ErasedEntry = Extract<LedgerEntry, { kind: 'erased' }>

/** The first line. */
export interface LedgerHeader {
  store: string
  salt: string
  at: string
}

type Check = (value: unknown) => boolean
/** A member of an object: its name, what it must be, and whether it may be left out. */
type Member = [name: string, check: Check, isOptional?: true]

const isText: Check = (value) => typeof value === 'string' && value !== ''
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0
const isNumber: Check = (value) => isCount(value) && value !== 0
const matches =
  (pattern: RegExp): Check =>
  (value) =>
    typeof value === 'string' && pattern.test(value)
const is =
  (wanted: unknown): Check =>
  (value) =>
    value === wanted
const isHash = matches(/^[\da-f]{64}$/)
const isName = matches(/^[\da-f]{32}$/)
// These may be many megabytes, for which a pattern with a repeated group has no stack.
const isDigests: Check = (value) =>
  typeof value === 'string' && value.length % DIGEST === 0 && !/[^\da-f]/.test(value)
const isRanges: Check = (value) => {
  if (typeof value !== 'string') return false
  const range = /\d+(?:-\d+)?(?:,(?=\d)|$)/y
  while (range.lastIndex < value.length) if (!range.test(value)) return false
  return true
}
const isTimeLike = matches(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
const isTime: Check = (value) => {
  const at = isTimeLike(value) ? Date.parse(value as string) : Number.NaN
  // Of a day that its month does not have, Date makes one of the next month.
  return !Number.isNaN(at) && new Date(at).toISOString() === value
}
/** Whether a text is base64 of at least one byte, and the only one of its bytes. */
const isBase64: Check = (value) =>
  isText(value) && Buffer.from(value as string, 'base64').toString('base64') === value
const isListOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check)
const isObjectOf =
  (...forms: Member[][]): Check =>
  (value) =>
    isPlain(value) && forms.some((members) => misfit(value, members) === undefined)

/** What is wrong with the members of an object, or their order. */
function misfit(value: Record<string, unknown>, members: Member[]): string | undefined {
  const names = Object.keys(value)
  let at = 0
  for (const [name, check, isOptional] of members) {
    if (names[at] === name) at++
    else if (isOptional) continue
    else return `its member ${name} is missing, or in another place`
    if (!check(value[name])) return `its member ${name} is not what it must be`
  }
  return at < names.length ? `its member ${names[at]} is unknown, or in another place` : undefined
}

const WHERE: Member[] = [
  ['collection', isText],
  ['id', isName],
  ['sequence', isCount],
  ['deleted', isCount],
]
const VECTORS: Member[] = [...WHERE, ['numbers', isRanges], ['ids', isDigests], ['to', isName, true]]
const WHOLE: Member[] = [...WHERE, ['all', is(true)]]

const HEADER: Member[] = [
  ['ledger', is(WRITTEN_BY)],
  ['version', is(VERSION)],
  ['store', matches(/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/)],
  ['salt', isName],
  ['at', isTime],
]
const ENTRY: Member[] = [
  ['entry', isNumber],
  ['previous', isHash],
  ['at', isTime],
  ['kind', isText],
  ['open', isListOf(isNumber), true],
]
const erasure = (...forms: Member[][]): Member[] => [
  ['call', isText],
  ['reason', isText, true],
  ['collections', isListOf(isObjectOf(...forms))],
  ['deleted', isCount],
  ['bytes', isCount],
  ['digest', isHash],
]
const KINDS: Record<LedgerEntry['kind'], Member[]> = {
  begin: [...ENTRY, ...erasure(VECTORS, WHOLE)],
  erased: [...ENTRY, ['begin', isNumber], ...erasure(WHERE)],
  undone: [...ENTRY, ['begin', isNumber]],
  signed: [...ENTRY, ['signs', isNumber], ['signature', isBase64]],
  renamed: [...ENTRY, ['collection', isText], ['to', isText], ['id', isName]],
}

/** Whether digests of ids are sorted. */
function areSorted(ids: string): boolean {
  for (let at = DIGEST; at < ids.length; at += DIGEST)
    if (ids.slice(at - DIGEST, at) > ids.slice(at, at + DIGEST)) return false
  return true
}

/** What is wrong with the numbers of an erasure. */
function miscount({ collections, deleted }: Erasure): string | undefined {
  for (const one of collections) {
    if (one.ids === undefined) continue
    if (one.ids.length !== DIGEST * one.deleted) return 'it has not as many ids as it deleted vectors'
    if (!areSorted(one.ids)) return 'its ids are not sorted'
  }
  const sum = collections.reduce((all, one) => all + one.deleted, 0)
  return sum === deleted ? undefined : `it deleted ${deleted} vectors, but ${sum} in its collections`
}

/** A line of JSON as an object, or what is wrong with it. */
function parsed(line: Buffer): Record<string, unknown> | string {
  if (!isUtf8(line)) return 'is not UTF-8'
  let value: unknown
  let text: string
  let isAsWritten: boolean
  try {
    text = line.toString()
    value = JSON.parse(text)
    // This finds blanks and repeated members as well, of which others may read the first.
    isAsWritten = JSON.stringify(value) === text
  } catch {
    return 'is not JSON'
  }
  if (!isPlain(value)) return 'is not a JSON object'
  return isAsWritten ? value : 'is JSON, but not as a ledger is written'
}

function headerIn(line: Buffer): LedgerHeader | string {
  const value = parsed(line)
  if (typeof value === 'string') return value
  if (value.ledger === WRITTEN_BY && value.version !== VERSION)
    return `is of version ${JSON.stringify(value.version)}, where ${VERSION} is the one that is known`
  const wrong = misfit(value, HEADER)
  return wrong === undefined
    ? (value as unknown as LedgerHeader)
    : `is not the first line of a ledger: ${wrong}`
}

/** The entry in a line, or what is wrong with it. */
export function entryIn(line: Buffer): LedgerEntry | string {
  const value = parsed(line)
  if (typeof value === 'string') return value
  const { kind } = value
  if (typeof kind !== 'string' || !Object.hasOwn(KINDS, kind))
    return 'is not an entry of a kind that is known'
  const wrong = misfit(value, KINDS[kind as LedgerEntry['kind']])
  if (wrong !== undefined) return `is not an entry of the kind ${kind}: ${wrong}`
  const entry = value as unknown as LedgerEntry
  const miscounted = entry.kind === 'begin' || entry.kind === 'erased' ? miscount(entry) : undefined
  return miscounted === undefined ? entry : `is not an erasure: ${miscounted}`
}

const hashOf = (line: Uint8Array): string => createHash('sha256').update(line).digest('hex')

/** What an erasure is about, as its begin and its end must say it alike. */
const essence = ({ call, reason, collections, deleted, bytes, digest }: Erasure) =>
  JSON.stringify([
    call,
    reason,
    collections.map((one) => [one.collection, one.id, one.sequence, one.deleted]),
    deleted,
    bytes,
    digest,
  ])

/** An erasure that has begun. */
interface Begun {
  offset: number
  essence: string
}

/** Checks the lines of a ledger, one after another, and counts what is in it. */
export class Chain {
  header: LedgerHeader | undefined
  readonly problems: LedgerProblem[] = []
  /** The number of whole lines. */
  lines = 0
  /** The hash of the last line. */
  hash: string | undefined
  lastAt: string | null = null
  erasures = 0
  deleted = 0
  undone = 0
  signatures = 0
  signedEntry: number | null = null
  /** The places of the lines of erasures that have happened, by their numbers. */
  readonly erased = new Map<number, { offset: number; length: number }>()
  /** The erasures that have begun, and have neither happened nor been undone. */
  readonly #begun = new Map<number, Begun>()
  #offset = 0
  /** The number that the next entry must have. */
  #next = 1

  get unfinished(): number {
    return this.#begun.size
  }

  report(line: number, problem: string) {
    if (this.problems.length < MOST_PROBLEMS) this.problems.push({ line, problem })
  }

  /** Takes the next line; returns its entry if it can be understood. */
  take(line: Buffer): LedgerEntry | undefined {
    const offset = this.#offset
    this.#offset += line.length + 1
    this.lines++
    try {
      return this.lines === 1 ? this.#begin(line) : this.#take(line, offset)
    } finally {
      this.hash = hashOf(line)
    }
  }

  #begin(line: Buffer): undefined {
    const header = headerIn(line)
    if (typeof header === 'string') return this.report(1, header) as undefined
    this.header = header
    this.lastAt = header.at
  }

  #take(line: Buffer, offset: number): LedgerEntry | undefined {
    const number = this.lines
    const entry = entryIn(line)
    if (typeof entry === 'string') {
      this.report(number, entry)
      this.#next++
      return undefined
    }
    if (entry.entry !== this.#next) {
      const wanted = `is entry ${entry.entry}, where entry ${this.#next} belongs`
      this.report(number, `${wanted}: lines are missing, repeated or in another order`)
    } else if (entry.previous !== this.hash) {
      const changed = 'is not the line that the next one was written after'
      this.report(number - 1, `${changed}: one of the two was changed, or lines are missing between them`)
    }
    this.#next = entry.entry + 1
    this.lastAt = entry.at
    const wrong = this.#follow(entry, offset, line.length)
    if (wrong !== undefined) this.report(number, wrong)
    return entry
  }

  /** Follows what becomes of erasures; returns what is wrong. */
  #follow(entry: LedgerEntry, offset: number, length: number): string | undefined {
    const open = () => {
      // Where lines are missing, every offset after them is another.
      if (this.problems.length > 0) return undefined
      const offsets = Array.from(this.#begun.values(), (begun) => begun.offset)
      const isTrue = JSON.stringify(entry.open ?? []) === JSON.stringify(offsets)
      return isTrue ? undefined : 'does not name the erasures that are unfinished'
    }
    if (entry.kind === 'begin') {
      const wrong = open()
      this.#begun.set(entry.entry, { offset, essence: essence(entry) })
      return wrong
    }
    if (entry.kind === 'signed') {
      this.signatures++
      if (!this.erased.has(entry.signs)) return `signs entry ${entry.signs}, which is no erasure before it`
      this.signedEntry = Math.max(this.signedEntry ?? 0, entry.signs)
    } else if (entry.kind !== 'renamed') {
      const begun = this.#begun.get(entry.begin)
      const unbegun = `ends the erasure that began with entry ${entry.begin}, which is not one that is unfinished`
      if (entry.kind === 'erased') {
        this.erasures++
        this.deleted += entry.deleted
        this.erased.set(entry.entry, { offset, length })
      } else this.undone++
      this.#begun.delete(entry.begin)
      if (!begun) return unbegun
      if (entry.kind === 'erased' && begun.essence !== essence(entry))
        return `differs from entry ${entry.begin}, with which this erasure began`
    }
    return open()
  }

  /** Ends with what comes after the last line feed. */
  end(rest: Buffer) {
    const line = this.lines + 1
    if (rest.length > 0) {
      const ways = 'the process was ended while it wrote it, or it was cut'
      this.report(line, `the last line is not complete: ${ways}`)
    } else if (this.lines === 0) this.report(line, 'the file is empty')
    this.problems.sort((a, b) => a.line - b.line)
  }
}

const unreadable = (file: string, cause: unknown) =>
  new StorageError(`${file} cannot be read: ${messageOf(cause)}`, { cause })

/** The file of a ledger: `path`, or the one in it if that is the directory of a store. */
async function fileAt(path: string): Promise<string> {
  const file = resolve(path)
  const kindOf = async (one: string) => {
    try {
      return await stat(one)
    } catch (error) {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined
      throw unreadable(one, error)
    }
  }
  const there = await kindOf(file)
  if (!there) throw new StorageError(`there is no ledger at ${file}`)
  const within = there.isDirectory() ? join(file, LEDGER) : file
  const found = within === file ? there : await kindOf(within)
  if (!found) throw new StorageError(`the store in ${file} has no ledger`)
  if (!found.isFile()) throw new StorageError(`${within} is not a file`)
  return within
}

export function checkSignal(signal: AbortSignal | undefined) {
  if (signal?.aborted) throw new Cancelled(signal.reason)
}

/** An open ledger. */
export class LedgerFile {
  readonly path: string
  readonly #file: FileHandle
  readonly #signal: AbortSignal | undefined

  private constructor(path: string, file: FileHandle, signal: AbortSignal | undefined) {
    this.path = path
    this.#file = file
    this.#signal = signal
  }

  /** Opens a ledger for `use`, then closes it. */
  static async with<T>(
    path: string,
    signal: AbortSignal | undefined,
    use: (ledger: LedgerFile) => Promise<T>,
  ): Promise<T> {
    checkSignal(signal)
    const file = await fileAt(path)
    let handle: FileHandle
    try {
      handle = await open(file)
    } catch (error) {
      throw unreadable(file, error)
    }
    try {
      return await use(new LedgerFile(file, handle, signal))
    } finally {
      await handle.close().catch(() => {}) // It was only read.
    }
  }

  /** The bytes at a place, fewer at the end of the file. */
  async read(offset: number, length: number): Promise<Buffer> {
    checkSignal(this.#signal)
    const bytes = Buffer.allocUnsafeSlow(length)
    let done = 0
    try {
      for (;;) {
        const { bytesRead } = await this.#file.read(bytes, done, length - done, offset + done)
        done += bytesRead
        if (bytesRead === 0 || done === length) return bytes.subarray(0, done)
      }
    } catch (error) {
      throw unreadable(this.path, error)
    }
  }

  /**
   * Checks all lines; `visit` is called with each whole one, once it is checked, and with its entry if
   * that can be understood. Works while the store is open.
   */
  async check(visit: (chain: Chain, line: Buffer, entry?: LedgerEntry) => unknown): Promise<Chain> {
    const chain = new Chain()
    /** The parts of a line whose end has not been read yet. */
    let parts: Buffer[] = []
    let patience = PATIENCE.times
    for (let offset = 0; ; ) {
      const bytes = await this.read(offset, PORTION)
      if (bytes.length === 0) {
        // It may be in the middle of being written.
        if (parts.length === 0 || patience-- === 0) break
        await setTimeout(PATIENCE.wait)
        continue
      }
      patience = PATIENCE.times
      offset += bytes.length
      let begin = 0
      for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, begin)) {
        const last = bytes.subarray(begin, end)
        const line = parts.length > 0 ? Buffer.concat([...parts, last]) : last
        parts = []
        begin = end + 1
        const visited = visit(chain, line, chain.take(line))
        if (visited instanceof Promise) await visited
      }
      if (begin < bytes.length) parts.push(bytes.subarray(begin))
    }
    chain.end(Buffer.concat(parts))
    return chain
  }
}
