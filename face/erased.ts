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

/** A collection that a ledger is about. */
interface Known {
  /** In the order in which it had them. */
  readonly names: Named[]
  /** The digests of ids, by the entry with which they were erased. */
  readonly erased: Map<number, string>
  /** The same of those that were moved, with the random name of the collection that has them then. */
  readonly moved: Map<number, { ids: string; to: string }>
  /** The entry with which it was deleted as a whole, and when. */
  deleted?: { entry: number; at: number }
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
  #last: Map<string, number> | undefined

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
        // What was moved is not erased, unless it was erased later wherever it was.
        for (const [entry, { ids }] of moved) {
          if (!counts(entry)) continue
          for (const one of digestsIn(ids)) if ((this.#lastErased().get(one) ?? 0) > entry) digests.add(one)
        }
      }
    }
    return { isWhole, has: (id) => digests.size > 0 && digests.has(this.#digest(id)) }
  }

  /** The last entries with which ids were erased, from any collection, or with one that they were moved to. */
  #lastErased(): Map<string, number> {
    if (this.#last) return this.#last
    const last = new Map<string, number>()
    const add = (one: string, entry: number) => last.set(one, Math.max(entry, last.get(one) ?? 0))
    for (const { erased, moved } of this.#collections.values()) {
      for (const [entry, ids] of erased) for (const one of digestsIn(ids)) add(one, entry)
      for (const [entry, { ids, to }] of moved) {
        const there = this.#collections.get(to)
        if (!there?.deleted || there.deleted.entry < entry) continue
        const left = new Set<string>()
        for (const [later, { ids }] of there.moved)
          if (later > entry) for (const one of digestsIn(ids)) left.add(one)
        for (const one of digestsIn(ids)) if (!left.has(one)) add(one, there.deleted.entry)
      }
    }
    this.#last = last
    return last
  }

  #digest(id: string): string {
    return createHmac('sha256', this.#salt).update(id).digest('hex').slice(0, DIGEST)
  }
}
