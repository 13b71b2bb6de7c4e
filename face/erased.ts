// What a ledger says was erased from the collections of a store, to leave it out of what is migrated.
import { createHmac } from 'node:crypto'
import { StorageError } from './errors.js'
import { DIGEST, type LedgerEntry, LedgerFile } from './ledger.js'

function* digestsIn(ids: string) {
  for (let at = 0; at < ids.length; at += DIGEST) yield ids.slice(at, at + DIGEST)
}

/** A name of a collection, from the entry with which it is known to have it. */
interface Named {
  name: string
  /** The entry with which it had this name no longer, and when that was. */
  until?: { entry: number; at: number }
}

/** The entry with which an id was erased from a collection, or moved to the one of this random name. */
interface Fate {
  entry: number
  to?: string
  /** Whether it was erased in the end, once that is known. */
  isErased?: boolean
}

/** The first of these after an entry. */
function after(fates: Fate[], entry: number): Fate | undefined {
  let [low, high] = [0, fates.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (fates[middle].entry > entry) high = middle
    else low = middle + 1
  }
  return fates[low]
}

/** A collection that a ledger is about, or the bin of one. */
interface Known {
  /** In the order in which it had them. */
  readonly names: Named[]
  /** The digests of ids, by the entry with which they were erased. */
  readonly erased: Map<number, string>
  /** The same of those that were moved, with the random name of the collection that has them then. */
  readonly moved: Map<number, { ids: string; to: string }>
  /** The entry with which it was deleted as a whole, and when. */
  deleted?: { entry: number; at: number }
  /** The fates of its ids, by their digests, once somebody has asked for them. */
  fates?: Map<string, Fate[]>
}

/** What was erased from the collections that have, had or were given a name. */
export interface Erased {
  /** Whether the collection was deleted as a whole. */
  readonly isWhole: boolean
  /** Whether a vector with this id was erased. */
  has(id: string): boolean
}

/** What a ledger says was erased. */
export class LedgerErasures {
  /** By their random names. */
  readonly #collections = new Map<string, Known>()
  #salt = Buffer.alloc(0)

  /** Reads a ledger, or that of the store in a directory. Rejects unless it is what was written. */
  static async read(path: string, signal: AbortSignal | undefined): Promise<LedgerErasures> {
    return await LedgerFile.with(path, signal, async (file) => {
      const erasures = new LedgerErasures()
      const { header, problems } = await file.check((_, __, entry) => {
        if (entry) erasures.#take(entry)
      })
      const [first] = problems
      if (first)
        throw new StorageError(`${file.path} is not as it was written: line ${first.line}: ${first.problem}`)
      erasures.#salt = Buffer.from(header?.salt ?? '', 'hex')
      return erasures
    })
  }

  #known(id: string, name: string): Known {
    const known: Known = this.#collections.get(id) ?? { names: [], erased: new Map(), moved: new Map() }
    if (known.names.length === 0) this.#collections.set(id, known)
    if (known.names.at(-1)?.name !== name) known.names.push({ name })
    return known
  }

  #take(entry: LedgerEntry) {
    const place = { entry: entry.entry, at: Date.parse(entry.at) }
    if (entry.kind === 'renamed') {
      const { names } = this.#known(entry.id, entry.collection)
      const last = names.at(-1)
      if (last) last.until = place
      names.push({ name: entry.to })
    } else if (entry.kind === 'undone') {
      for (const known of this.#collections.values()) {
        known.erased.delete(entry.begin)
        known.moved.delete(entry.begin)
        if (known.deleted?.entry === entry.begin) delete known.deleted
      }
    } else if (entry.kind === 'begin') {
      // It counts before it is known to have happened: most likely it has, and this is asked for
      // because it was wanted.
      for (const { id, collection, ids, to } of entry.collections) {
        const known = this.#known(id, collection)
        if (ids === undefined) known.deleted = place
        else if (to === undefined) known.erased.set(entry.entry, ids)
        else known.moved.set(entry.entry, { ids, to })
      }
    }
  }

  /** What was erased from the collection of this name, which was created at this time. */
  of(name: string, createdAt: string): Erased {
    const created = Date.parse(createdAt)
    const digests = new Set<string>()
    let isWhole = false
    for (const { names, erased, moved, deleted } of this.#collections.values()) {
      for (const named of names) {
        if (named.name !== name) continue
        const until = named.until ?? deleted
        // It cannot be this one if it had the name no longer when the source's was created.
        const isThis = until === undefined || !(created >= until.at)
        isWhole ||= deleted !== undefined && isThis
        const counts = (entry: number) => isThis || !named.until || entry < named.until.entry
        for (const [entry, ids] of erased)
          if (counts(entry)) for (const one of digestsIn(ids)) digests.add(one)
        for (const [entry, { ids, to }] of moved)
          if (counts(entry))
            for (const one of digestsIn(ids)) if (this.#isErased(one, entry, to)) digests.add(one)
      }
    }
    return { isWhole, has: (id) => digests.size > 0 && digests.has(this.#digest(id)) }
  }

  /** Whether an id that an entry has moved to a collection was erased there later, or where it went from there. */
  #isErased(one: string, entry: number, to: string): boolean {
    const followed: Fate[] = []
    let isErased = false
    for (let [at, known] = [entry, this.#collections.get(to)]; known; ) {
      const next = after(this.#fatesIn(known).get(one) ?? [], at)
      const whole = known.deleted?.entry ?? 0
      const isGone = whole > at && !(next && next.entry < whole)
      isErased = isGone || (next?.isErased ?? (next !== undefined && next.to === undefined))
      if (isGone || !next || next.isErased !== undefined) break
      followed.push(next)
      at = next.entry
      known = next.to === undefined ? undefined : this.#collections.get(next.to)
    }
    for (const fate of followed) fate.isErased = isErased
    return isErased
  }

  /** What became of the ids in a collection, in the order of the entries. */
  #fatesIn(known: Known): Map<string, Fate[]> {
    if (known.fates) return known.fates
    const fates = new Map<string, Fate[]>()
    const add = (ids: string, fate: Fate) => {
      for (const one of digestsIn(ids)) {
        const those = fates.get(one)
        if (those) those.push({ ...fate })
        else fates.set(one, [{ ...fate }])
      }
    }
    for (const [entry, ids] of known.erased) add(ids, { entry })
    for (const [entry, { ids, to }] of known.moved) add(ids, { entry, to })
    for (const those of fates.values()) those.sort((a, b) => a.entry - b.entry)
    known.fates = fates
    return fates
  }

  #digest(id: string): string {
    return createHmac('sha256', this.#salt).update(id).digest('hex').slice(0, DIGEST)
  }
}
