// Writes a ledger as docs/format.md has it, independently of what writes those of stores.
import { createHash, createHmac, generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { directory } from './disk'

const hash = (line: string) => createHash('sha256').update(line).digest('hex')

/** What an erasure deletes from one collection: vectors, or all. */
export interface Part {
  collection: string
  id: string
  sequence: number
  ids: string[]
  /** The random name of the collection that they are moved to, if they are. */
  to?: string
  all?: boolean
}

/** A ledger as text. */
export class Written {
  readonly store = randomUUID()
  readonly salt = 'ab'.repeat(16)
  readonly lines: string[] = []
  readonly #begun = new Map<number, number>()
  #bytes = 0
  /** In milliseconds; each line is written one later. */
  at = Date.parse('2026-12-01T00:00:00Z')

  constructor() {
    this.#add({
      ledger: 'vectorizer-native',
      version: 1,
      store: this.store,
      salt: this.salt,
      at: this.#now(),
    })
  }

  #now() {
    return new Date(this.at++).toISOString()
  }

  #add(line: object) {
    const text = JSON.stringify(line)
    this.lines.push(text)
    this.#bytes += Buffer.byteLength(text) + 1
    return text
  }

  /** Adds an entry; returns its line. */
  entry(kind: string, members: object) {
    const open = [...this.#begun.values()]
    return this.#add({
      entry: this.lines.length,
      previous: hash(this.lines.at(-1) as string),
      at: this.#now(),
      kind,
      ...(open.length > 0 && { open }),
      ...members,
    })
  }

  digest(id: string) {
    return createHmac('sha256', Buffer.from(this.salt, 'hex')).update(id).digest('hex').slice(0, 32)
  }

  /** Begins an erasure; returns the number of its entry, and the members of its end. */
  begin(call: string, parts: Part[], reason?: string) {
    const deleted = parts.reduce((sum, { ids }) => sum + ids.length, 0)
    const rest = { deleted, bytes: 8 * deleted, digest: hash(JSON.stringify(parts)) }
    const collections = parts.map(({ ids, to, all, ...part }) => ({
      ...part,
      deleted: ids.length,
      ids,
      to,
      all,
    }))
    const what = (own: (part: (typeof collections)[number]) => object) => ({
      call,
      ...(reason !== undefined && { reason }),
      collections: collections.map((part) => {
        const { collection, id, sequence, deleted } = part
        return { collection, id, sequence, deleted, ...own(part) }
      }),
      ...rest,
    })
    const place = this.#bytes
    const begin = this.lines.length
    this.entry(
      'begin',
      what(({ ids, to, all }) =>
        all
          ? { all: true }
          : {
              numbers: ids.length > 1 ? `0-${ids.length - 1}` : '0',
              ids: ids
                .map((id) => this.digest(id))
                .sort()
                .join(''),
              ...(to !== undefined && { to }),
            },
      ),
    )
    this.#begun.set(begin, place)
    return { begin, end: { begin, ...what(() => ({})) } }
  }

  /** Ends an erasure; returns the line, which is the entry of its receipt. */
  end({ begin, end }: ReturnType<Written['begin']>) {
    this.#begun.delete(begin)
    return this.entry('erased', end)
  }

  undo({ begin }: ReturnType<Written['begin']>) {
    this.#begun.delete(begin)
    return this.entry('undone', { begin })
  }

  erase(call: string, parts: Part[], reason?: string) {
    return this.end(this.begin(call, parts, reason))
  }

  sign(line: string, signature: Uint8Array) {
    return this.entry('signed', {
      signs: JSON.parse(line).entry,
      signature: Buffer.from(signature).toString('base64'),
    })
  }

  rename(collection: string, to: string, id: string) {
    return this.entry('renamed', { collection, to, id })
  }

  get head() {
    return { entry: this.lines.length - 1, hash: hash(this.lines.at(-1) as string) }
  }

  get text() {
    return this.lines.map((line) => `${line}\n`).join('')
  }

  /** Writes it to a new file. */
  file(text: string | Uint8Array = this.text) {
    const file = join(directory(), 'LEDGER')
    writeFileSync(file, text)
    return file
  }
}

/** One collection of an erasure. */
export const part = (collection: string, ids: string[], id = '1', sequence = 1): Part => ({
  collection,
  id: id.repeat(32),
  sequence,
  ids,
})

/** What a receipt of an erasure says, of one collection or of several. */
export function receiptOf(line: string, store: string) {
  const { call, reason, collections, deleted, bytes, digest } = JSON.parse(line)
  const counts = collections.map(({ collection, deleted, sequence }: any) => ({
    collection,
    deleted,
    logSequence: sequence,
  }))
  const where = call === 'forget' ? { collections: counts } : counts[0]
  return {
    call,
    ...where,
    deleted,
    bytesErased: bytes,
    ...(reason !== undefined && { reason }),
    digest,
    store,
    entry: line,
  }
}

/** A pair of keys, and how it signs. */
export function signer() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  return { publicKey, sign: (entry: Uint8Array) => sign(null, entry, privateKey) }
}

/** A small ledger with entries of every kind, all its receipts, and the key that it is signed with. */
export function small() {
  const written = new Written()
  const { publicKey, sign } = signer()
  const first = written.erase('batchDelete', [part('docs', ['a', 'b'])], 'request 4711: "ä"')
  written.sign(first, sign(Buffer.from(first)))
  const begun = written.begin('forget', [part('docs', ['c'], '1', 2), part('notes', ['d', 'e'], '2')])
  const expired = written.begin('expiry', [part('docs', ['f'], '1', 2)])
  const lines = [first, written.end(expired), written.end(begun)]
  written.rename('docs', 'manuals', '1'.repeat(32))
  written.undo(written.begin('deleteByFilter', [part('notes', ['g'], '2', 2)]))
  lines.push(written.erase('deleteCollection', [{ ...part('manuals', ['h'], '1', 3), all: true }]))
  const last = lines.at(-1) as string
  written.sign(last, sign(Buffer.from(last)))
  return { written, lines, publicKey, receipts: lines.map((line) => receiptOf(line, written.store)) }
}
