// Verifies ledgers and receipts: with node:crypto and the file alone, without the addon.
import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { isDeepStrictEqual, types } from 'node:util'
import { fail, filled, isPlain, known, list, read, string, whole } from './arguments.js'
import { rejectionOf, signalOf } from './cancelling.js'
import { messageOf, ValidationError } from './errors.js'
import { keys } from './keys.js'
import { type Chain, checkSignal, type ErasedEntry, entryIn, LedgerFile } from './ledger.js'
import type {
  FiledReceipt,
  LedgerHead,
  LedgerReport,
  ReceiptReport,
  VerifyLedgerOptions,
  VerifyReceiptOptions,
} from './types.js'

/** How many lines of erasures are kept, because their signatures will most likely follow. */
const KEPT = 64

/** A public key in any of its forms. */
function publicKey(value: unknown, path: string): KeyObject {
  const isBytes = types.isUint8Array(value)
  if (typeof value !== 'string' && !isBytes && !types.isKeyObject(value))
    fail(path, 'PEM text, DER bytes or a KeyObject', value)
  try {
    if (types.isKeyObject(value)) {
      const given = value as unknown as KeyObject
      return given.type === 'public' ? given : createPublicKey(given as never)
    }
    if (!isBytes) return createPublicKey(value as string)
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    // A file of PEM text, as it was read.
    if (bytes.toString('latin1', 0, 5) === '-----') return createPublicKey(bytes)
    return createPublicKey({ key: bytes, format: 'der', type: 'spki' })
  } catch (cause) {
    throw new ValidationError(`${path}: is no public key: ${messageOf(cause)}`, { cause })
  }
}

/** The keys of an option that may be one or several. */
function publicKeys(value: unknown): KeyObject[] | undefined {
  if (value === undefined) return undefined
  if (!Array.isArray(value)) return [publicKey(value, 'options.publicKey')]
  if (value.length === 0) throw new ValidationError('options.publicKey: is empty')
  return Array.from(value, (one, i) => publicKey(one, `options.publicKey[${i}]`))
}

/** Whether a signature in base64 of these bytes is by one of the keys. */
function isSigned(line: Uint8Array, signature: string, by: KeyObject[]): boolean {
  const bytes = Buffer.from(signature, 'base64')
  return by.some((key) => {
    try {
      return verify(null, line, key, bytes)
    } catch {
      return false // Not even of the form of one.
    }
  })
}

function headOf(value: unknown): LedgerHead | undefined {
  if (value === undefined) return undefined
  const { entry, hash } = known(value, 'options.head', keys.ledgerHead)
  whole(entry, 'options.head.entry', 0)
  if (!/^[\da-f]{64}$/.test(string(hash, 'options.head.hash')))
    throw new ValidationError('options.head.hash: is not SHA-256 in lower-case hexadecimal')
  return { entry, hash }
}

/** A receipt to verify: what it says, and the line of the ledger that it has. */
interface Given {
  /** How problems refer to it. */
  name: string
  receipt: Record<string, unknown>
  line: Buffer | undefined
  entry: ErasedEntry | undefined
  /** What is wrong with its `entry`. */
  wrong: string | undefined
}

function receiptOf(value: unknown, path: string, name: string): Given {
  if (!isPlain(value)) fail(path, 'a receipt', value)
  const { entry: text, signature, store } = value
  for (const [key, one] of Object.entries({ entry: text, signature, store }))
    if (one !== undefined) string(one, `${path}.${key}`)
  const none = { name, receipt: value, line: undefined, entry: undefined }
  if (text === undefined)
    return { ...none, wrong: 'has no entry: there was no ledger, or nothing was erased' }
  const line = Buffer.from(text)
  const entry = entryIn(line)
  if (typeof entry === 'string') return { ...none, line, wrong: `its entry ${entry}` }
  if (entry.kind !== 'erased') return { ...none, line, wrong: 'its entry is not that of an erasure' }
  return { ...none, line, entry, wrong: undefined }
}

/** What an entry says of the collections, in the form of a receipt. */
const countsOf = ({ collections }: ErasedEntry) =>
  collections.map(({ collection, deleted, sequence }) => ({ collection, deleted, logSequence: sequence }))

/** The members of a receipt, as its entry says them. */
function expected(entry: ErasedEntry): Record<string, unknown> {
  const { call, reason, deleted, bytes, digest } = entry
  const [first] = countsOf(entry)
  const all = { call, reason, digest, bytesErased: bytes }
  if (call === 'forget') return { ...all, deleted, collections: countsOf(entry) }
  const one = { ...all, collection: first?.collection, logSequence: first?.logSequence }
  // The receipt of a replace is of the former versions of what it updated as well, the entry is not.
  return call === 'replace' ? one : { ...one, deleted }
}

/** Whether two JSON values are the same, in whatever order their members are. */
const isSame = (a: unknown, b: unknown) => {
  try {
    return isDeepStrictEqual(JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b)))
  } catch {
    return false // It is no JSON.
  }
}

/** What is wrong with a receipt by itself. */
function* faultsOf({ receipt, line, entry, wrong }: Given, by: KeyObject[] | undefined) {
  if (wrong !== undefined) yield wrong
  for (const [name, value] of entry ? Object.entries(expected(entry)) : []) {
    // Whoever files it may have left out what does not belong there.
    const isThere = Object.hasOwn(receipt, name) && receipt[name] !== undefined
    if (isThere && !isSame(receipt[name], value)) yield `its ${name} is not what its entry says`
  }
  const { deleted = entry?.deleted } = receipt
  if (entry?.call === 'replace' && !((deleted as number) >= entry.deleted))
    yield 'its deleted is less than its entry says'
  const { signature } = receipt
  if (!line || !by) return
  if (typeof signature !== 'string') yield 'has no signature'
  else if (!isSigned(line, signature, by)) yield 'its signature is not one of its entry by this key'
}

/** Verifies the signatures of a ledger while it is read. */
class Signatures {
  readonly #file: LedgerFile
  readonly #keys: KeyObject[]
  /** The last lines of erasures, by their numbers. */
  readonly #lines = new Map<number, Buffer>()

  constructor(file: LedgerFile, keys: KeyObject[]) {
    this.#file = file
    this.#keys = keys
  }

  keep(entry: number, line: Buffer) {
    // A copy: the line is a view of much more.
    this.#lines.set(entry, Buffer.from(line))
    if (this.#lines.size <= KEPT) return
    for (const [first] of this.#lines) {
      this.#lines.delete(first)
      break
    }
  }

  async check(chain: Chain, signs: number, signature: string) {
    const number = chain.lines
    const place = chain.erased.get(signs)
    if (!place) return // Reported already.
    const line = this.#lines.get(signs) ?? (await this.#file.read(place.offset, place.length))
    if (!isSigned(line, signature, this.#keys))
      chain.report(number, `its signature is not one of entry ${signs} by the key that was given`)
  }
}

/** What to look for in a ledger. */
interface Wanted {
  publicKeys: KeyObject[] | undefined
  receipts: Given[]
  head: LedgerHead | undefined
}

/** Reports the receipts and the head that are not in a ledger. */
class Search {
  /** By the numbers of their entries. */
  readonly #receipts = new Map<number, Given[]>()
  readonly #head: LedgerHead | undefined
  #hasHead: boolean

  constructor({ receipts, head }: Wanted) {
    for (const one of receipts) {
      if (!one.entry) continue
      const { entry } = one.entry
      this.#receipts.set(entry, [...(this.#receipts.get(entry) ?? []), one])
    }
    this.#head = head
    this.#hasHead = head === undefined
  }

  look(chain: Chain, line: Buffer) {
    const number = chain.lines - 1
    if (this.#head?.entry === number) this.#hasHead = chain.hash === this.#head.hash
    const left = this.#receipts.get(number)?.filter((one) => !one.line?.equals(line)) ?? []
    if (left.length > 0) this.#receipts.set(number, left)
    else this.#receipts.delete(number)
  }

  report(chain: Chain) {
    for (const [entry, left] of this.#receipts) {
      for (const { name } of left)
        chain.report(
          entry + 1,
          `${name}: its entry ${entry} is not in the ledger: it was cut, or written anew`,
        )
    }
    if (this.#head && !this.#hasHead) {
      const { entry } = this.#head
      chain.report(
        entry + 1,
        `the head that was given, entry ${entry}, is not in the ledger: it was cut, or written anew`,
      )
    }
  }
}

async function verified(
  path: string,
  wanted: Wanted,
  signal: AbortSignal | undefined,
): Promise<LedgerReport> {
  return await LedgerFile.with(path, signal, async (file) => {
    const signatures = wanted.publicKeys && new Signatures(file, wanted.publicKeys)
    const search = new Search(wanted)
    const chain = await file.check((chain, line, entry) => {
      search.look(chain, line)
      if (entry?.kind === 'erased') signatures?.keep(entry.entry, line)
      return entry?.kind === 'signed' ? signatures?.check(chain, entry.signs, entry.signature) : undefined
    })
    search.report(chain)
    if (signatures && chain.erasures > 0 && chain.signatures === 0)
      chain.report(0, 'nothing in it is signed: it may have been written anew by anybody')
    for (const one of wanted.receipts) {
      const number = one.entry ? one.entry.entry + 1 : 0
      const by = one.receipt.signature === undefined ? undefined : wanted.publicKeys
      for (const fault of faultsOf(one, by)) chain.report(number, `${one.name}: ${fault}`)
      const { store } = one.receipt
      if (store !== undefined && chain.header && store !== chain.header.store)
        chain.report(number, `${one.name}: is of the store ${store}`)
    }
    chain.problems.sort((a, b) => a.line - b.line)
    const { problems, header, lines, hash, erasures, deleted, unfinished, undone } = chain
    return {
      verified: problems.length === 0,
      problems,
      store: header?.store ?? null,
      entries: Math.max(0, lines - 1),
      erasures,
      deleted,
      unfinished,
      undone,
      signatures: chain.signatures,
      signedEntry: chain.signedEntry,
      head: hash === undefined ? null : { entry: lines - 1, hash },
      firstAt: header?.at ?? null,
      lastAt: chain.lastAt,
    }
  })
}

/**
 * Verifies the ledger of a store: `file` is the ledger, or the directory of the store, which may be
 * open meanwhile, by any process. It reads the whole file once, and needs nothing but `node:crypto`;
 * docs/format.md has the format for those who would rather write it themselves.
 *
 * It finds lines that were changed, removed, inserted, repeated or put in another order, and erasures
 * that do not add up. Without the key of somebody else's signatures, it cannot find a ledger that was
 * written anew as a whole; and lines that are missing at the end, only if a receipt or an earlier head
 * is given that they had.
 *
 * Resolves with what it has found, whatever that is. Rejects with `ValidationError` if an option is not
 * what it must be, and with `StorageError` if there is no ledger or it cannot be read.
 */
export async function verifyLedger(file: string, options: VerifyLedgerOptions = {}): Promise<LedgerReport> {
  try {
    const { path, wanted, signal } = read(() => {
      const { publicKey, receipts = [], head, signal } = known(options, 'options', keys.verifyLedger)
      const given = Array.from(list(receipts, 'options.receipts'), (one, i) =>
        receiptOf(one, `options.receipts[${i}]`, `receipts[${i}]`),
      )
      const wanted = { publicKeys: publicKeys(publicKey), receipts: given, head: headOf(head) }
      return { path: filled(file, 'file'), wanted, signal: signalOf(signal) }
    })
    return await verified(path, wanted, signal)
  } catch (error) {
    throw rejectionOf(error)
  }
}

/**
 * Verifies a receipt of an erasure: that its members are what its entry in the ledger says, with a
 * `publicKey` that the entry is signed, and with a `ledger` that the entry is in it and that the ledger
 * is what was written. The receipt may lack members that do not belong where it is filed: only `entry`
 * is needed. Its `text`, `requested`, `filter`, `completedAt` and `durable` are in no entry, and are not
 * verified.
 *
 * Resolves with what it has found, whatever that is. Rejects with `ValidationError` if an argument is
 * not what it must be, and with `StorageError` if there is no ledger or it cannot be read.
 */
export async function verifyReceipt(
  receipt: FiledReceipt,
  options: VerifyReceiptOptions = {},
): Promise<ReceiptReport> {
  try {
    const { given, by, ledger, signal } = read(() => {
      const { publicKey, ledger, signal } = known(options, 'options', keys.verifyReceipt)
      return {
        given: receiptOf(receipt, 'receipt', 'the receipt'),
        by: publicKeys(publicKey),
        ledger: ledger === undefined ? undefined : filled(ledger, 'options.ledger'),
        signal: signalOf(signal),
      }
    })
    checkSignal(signal)
    const problems = [...faultsOf(given, by)]
    if (ledger !== undefined && given.entry) {
      // Whatever else is wrong with it has been found.
      const looked = { ...given, receipt: { store: given.receipt.store } }
      const report = await verified(ledger, { publicKeys: by, receipts: [looked], head: undefined }, signal)
      problems.push(...report.problems.map(({ line, problem }) => `the ledger, line ${line}: ${problem}`))
    }
    return { verified: problems.length === 0, problems }
  } catch (error) {
    throw rejectionOf(error)
  }
}
