// Migrates collections from one client to another, whatever engines are behind them: it uses only
// calls that every client has, and keeps no state besides the two stores. It looks up and compares
// what the target already holds, so a run continues where an earlier one was interrupted.
import { fail, filled, known, list, read, string, whole } from './arguments.js'
import type { Vectorizer } from './calls.js'
import { Cancelled, rejectionOf, signalOf } from './cancelling.js'
import { type Erased, LedgerErasures } from './erased.js'
import {
  codeOf,
  messageOf,
  PartialWriteError,
  StorageError,
  ValidationError,
  type VectorizerError,
} from './errors.js'
import { listening } from './listening.js'
import type {
  Carried,
  CollectionOptions,
  Found,
  MigratedCollection,
  MigrationOptions,
  MigrationProgress,
  MigrationReport,
  ScanBatch,
  ScannedVector,
  SearchOptions,
  SimilarityMetric,
  Vector,
} from './types.js'

/** How often a collection is read if it keeps changing. */
const PASSES = 3
/** The minimum agreement of search results. */
const AGREEMENT = 0.9
/** Nearly exact, so that neighbours a graph misses are not mistaken for missing vectors. */
const SEARCH = { limit: 10, ef_search: 4096, include_metadata: false }
/** How much two engines may differ in the same score, and in the same value. */
const SCORE_ROUNDING = 1e-4
const VALUE_ROUNDING = 1e-6
/** The maximum batch size and sample size. */
const MOST_AT_ONCE = 10_000

/** The calls used on a source, and on a target. */
const READS = ['listCollections', 'getCollectionInfo', 'scanVectors', 'count', 'search']
const WRITES = [
  ...READS,
  'createCollection',
  'setCollectionTtl',
  'insertVectors',
  'batchDelete',
  'optimize',
  'flush',
]

/** Codes of errors after which nothing has changed. */
const REFUSALS = new Set<unknown>([
  'VALIDATION_ERROR',
  'DIMENSION_MISMATCH',
  'UNSUPPORTED',
  'COLLECTION_NOT_FOUND',
  'CLIENT_CLOSED',
])

function checkClient(client: any, path: string, calls: string[]) {
  if ((typeof client !== 'object' && typeof client !== 'function') || client === null)
    fail(path, 'a client', client)
  for (const call of calls) {
    if (typeof client[call] !== 'function') fail(`${path}.${call}`, 'a function of a client', client[call])
  }
}

/** The names of collections, without repetitions. */
function namesOf(values: unknown): Set<string> {
  const name = (value: unknown, i: number) => string(value, `options.collections[${i}]`)
  return new Set(Array.from(list(values, 'options.collections'), name))
}

const KEYS = ['collections', 'batchSize', 'prune', 'sample', 'ledger', 'onProgress', 'signal']

/** The validated options. */
interface Settings {
  names: Set<string> | undefined
  batchSize: number
  prune: boolean
  sample: number
  ledger: string | undefined
  signal: AbortSignal | undefined
  onProgress: ((progress: MigrationProgress) => void) | undefined
}

function settingsOf(options: unknown): Settings {
  const given = known(options, 'options', KEYS)
  const { collections, batchSize = 500, prune = false, sample = 20, ledger, signal, onProgress } = given
  if (typeof prune !== 'boolean') fail('options.prune', 'a boolean', prune)
  if (onProgress !== undefined && typeof onProgress !== 'function')
    fail('options.onProgress', 'a function', onProgress)
  return {
    names: collections === undefined ? undefined : namesOf(collections),
    batchSize: whole(batchSize, 'options.batchSize', 1, MOST_AT_ONCE),
    prune,
    sample: whole(sample, 'options.sample', 0, MOST_AT_ONCE),
    ledger: ledger === undefined ? undefined : filled(ledger, 'options.ledger'),
    signal: signalOf(signal),
    onProgress,
  }
}

function checkSignal({ signal }: Settings) {
  if (signal?.aborted) throw new Cancelled(signal.reason)
}

/** Called with the number done and the total. */
type ProgressCallback = (done: number, total: number) => void

/**
 * The vectors of a collection, batch by batch, as a scan reads them: whatever is deleted meanwhile,
 * no other vector is missed. `reportProgress` is called with the progress.
 */
async function* batches<V extends boolean>(
  client: Vectorizer,
  name: string,
  options: { limit: number } & Carried<V, boolean>,
  reportProgress: ProgressCallback,
): AsyncGenerator<ScannedVector<V>[], void, undefined> {
  let total = await client.count(name)
  let done = 0
  let cursor: string | undefined
  reportProgress(done, total)
  do {
    const batch: ScanBatch<V> = await client.scanVectors(
      name,
      cursor === undefined ? options : { ...options, cursor },
    )
    if (batch.vectors.length > 0) yield batch.vectors
    done += batch.vectors.length
    cursor = batch.cursor
    // Vectors may have been deleted since they were counted, or inserted.
    const known = cursor === undefined ? done : Math.max(done, total)
    if (batch.vectors.length > 0 || known !== total) reportProgress(done, known)
    total = known
  } while (cursor !== undefined)
}

/** The same for a list. */
function* parts<T>(values: T[], size: number, reportProgress: ProgressCallback = () => {}) {
  reportProgress(0, values.length)
  for (let at = 0; at < values.length; at += size) {
    yield values.slice(at, at + size)
    reportProgress(Math.min(at + size, values.length), values.length)
  }
}

/** Looks up vectors by id; returns those the collection holds. */
async function lookUp(
  client: Vectorizer,
  name: string,
  ids: string[],
  options: SearchOptions,
): Promise<Map<string, Vector>> {
  if (ids.length === 0) return new Map()
  const filter = { must: [{ has_id: ids }] }
  const found = await client.search(name, '', { filter, limit: ids.length, ...options })
  return new Map(found.map((vector) => [vector.id, vector as Vector]))
}

/** Whether two JSON values are equal, whatever the order of keys. Accepts values of any realm. */
function alike(a: any, b: any): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  return keys.every((key) => Object.hasOwn(b, key) && alike(a[key], b[key]))
}

/** Whether the text and the metadata are equal. */
const isLabelledLike = (a: Vector, b: Vector) =>
  (a.text ?? null) === (b.text ?? null) && alike(a.metadata ?? null, b.metadata ?? null)

const lengthOf = (data: Float32Array) => Math.sqrt(data.reduce((sum, value) => sum + value * value, 0))
const bitsOf = ({ buffer, byteOffset, length }: Float32Array) => new Uint32Array(buffer, byteOffset, length)

/** Whether `held` expires when `vector` does, or by the TTL of a target that has one. */
const isDatedLike = (vector: Vector, held: Vector, hasTtl: boolean) =>
  vector.expires_at === held.expires_at || (vector.expires_at === undefined && hasTtl)

/** Whether `held` exists and equals `vector` in every part but its expiry. */
function isSame(vector: Vector, held: Vector | undefined): boolean {
  if (!held || held.data.length !== vector.data.length || !isLabelledLike(vector, held)) return false
  const bits = bitsOf(held.data)
  return bitsOf(vector.data).every((value, i) => value === bits[i])
}

/** The same, except that an engine may have rounded or normalised the values. */
function isNear(vector: Vector, held: Vector | undefined, metric: SimilarityMetric): boolean {
  if (!held || held.data.length !== vector.data.length || !isLabelledLike(vector, held)) return false
  const [a, b] = [vector.data, held.data]
  const scale = metric === 'cosine' ? lengthOf(a) / lengthOf(b) : 1
  const most = VALUE_ROUNDING * a.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0)
  return a.every((value, i) => Math.abs(value - scale * (b[i] ?? Number.NaN)) <= most)
}

/**
 * How many of `expected` were also found. When the list is full, any of the results that tie for
 * the last place may be in it, so one that scores the same as the last one found is counted.
 */
function countFound(expected: Found[], found: Found[]): number {
  const ids = new Set(found.map(({ id }) => id))
  const last = found[expected.length - 1]?.score ?? Number.NaN
  const isTie = (score: number) => Math.abs(score - last) <= SCORE_ROUNDING * Math.max(1, Math.abs(last))
  return expected.filter(({ id, score }) => ids.has(id) || isTie(score)).length
}

/** A few ids, for a message. */
function named(ids: string[]): string {
  const few = ids.slice(0, 3).map((id) => `'${id}'`)
  return `${few.join(', ')}${ids.length > few.length ? ', …' : ''}`
}

/** What to do for one collection. */
interface Plan {
  name: string
  metric: SimilarityMetric
  /** The settings to create the collection with, or undefined if it exists. */
  settings: CollectionOptions | undefined
  /** The TTL in the source. */
  ttl: number | null
  /** What a ledger says was erased from it: as if the source did not have it. */
  erased: Erased | undefined
}

/** How many ids were last seen in this pass. */
function seenIn(ids: Map<string, number>, pass: number): number {
  let count = 0
  for (const last of ids.values()) if (last === pass) count++
  return count
}

/** The migration of one collection. */
class CollectionMigration {
  /** Whether the target may have been changed. */
  hasBegun = false
  /** What is still wrong with the target at the end. */
  fault: string | undefined
  readonly #source: Vectorizer
  readonly #target: Vectorizer
  readonly #plan: Plan
  readonly #settings: Settings
  readonly #progressCallback: (phase: MigrationProgress['phase']) => ProgressCallback
  /** Whether the target was empty at the start, so that everything in it was copied. */
  #wasEmpty = false
  /**
   * The ids for which both stores hold the same vector, with the pass in which that was last seen.
   */
  #same = new Map<string, number>()
  /** The ids among them that this run wrote. */
  #copied = new Set<string>()
  /** The ids in the target that the source does not have, and that are not deleted. */
  #beside: string[] = []
  /** Whether the target stores values bit for bit; undefined until that matters. */
  #keepsBits: boolean | undefined
  /** Whether vectors expire by the TTL of the target; undefined until that matters. */
  #hasTtl: boolean | undefined
  /** When those vectors of the source expire that do, in milliseconds since 1970. */
  #expiries = new Map<string, number>()
  /** The ids of the source that were erased, with the pass in which they were last seen. */
  #leftOut = new Map<string, number>()
  #pruned = 0
  #sampled = 0
  /** How many results the source had for the sample, and how many of them the target had too. */
  #wanted = 0
  #found = 0
  /** The current step, for the message if the run is interrupted. */
  #at = 'at its beginning'
  /** The ids of the write in progress. */
  #underWay: string[] = []

  constructor(
    source: Vectorizer,
    target: Vectorizer,
    plan: Plan,
    settings: Settings,
    reportProgress: (progress: MigrationProgress) => void,
  ) {
    this.#source = source
    this.#target = target
    this.#plan = plan
    this.#settings = settings
    this.#progressCallback = (phase) => (done, total) => {
      this.#at = `in phase '${phase}' at ${done} of ${total}`
      checkSignal(settings)
      reportProgress({ collection: plan.name, phase, done, total })
    }
  }

  get report(): MigratedCollection {
    return {
      name: this.#plan.name,
      vectors: this.#same.size,
      copied: this.#copied.size,
      unchanged: this.#same.size - this.#copied.size,
      pruned: this.#pruned,
      sampled: this.#sampled,
      agreement: this.#agreement,
    }
  }

  /** How many vectors of the source were left out. */
  get leftOut(): number {
    return this.#leftOut.size
  }

  get #agreement(): number {
    return this.#wanted === 0 ? 1 : this.#found / this.#wanted
  }

  async run() {
    const { name, settings, ttl } = this.#plan
    if (settings) {
      await this.#target.createCollection(name, settings)
      this.hasBegun = true
    }
    this.#wasEmpty = (await this.#target.count(name)) === 0
    if (this.#wasEmpty && ttl !== null) await this.#setTtl(ttl)
    this.fault = await this.#settle()
    // Searches would be correct without it, but the index compared should be the one used later.
    if (this.#copied.size + this.#pruned > 0) await this.#target.optimize(name)
    this.fault ??= await this.#verify()
    if (this.fault) this.fault = `collection '${name}': ${this.fault}`
  }

  /**
   * Copies and sweeps until both stores hold the same; resolves with what is still wrong at the
   * end.
   *
   * Deletes need no other pass: none makes a scan miss another vector, and the sweep finds what is
   * gone. Another pass reads what was inserted after the scan began, and what was updated after it
   * was read. A source that reports when it was last written to is read again after any write.
   *
   * Counts are enough to compare, although they cannot tell when one vector has gone and another has
   * come. Let S be the ids of the source at the end, T those of the target without `#beside`, and C
   * those compared in this pass that the sweep did not find gone. Each id of C was read from the
   * source and is in T. Each id of T was looked up in the source after that. So C ⊆ T ⊆ S; and as
   * |C| = |T| = |S|, all three are equal. If the source reports when it was last written to, no
   * vector of C has changed since it was read either. If it does not, such a change may be missed,
   * and so may what happens in the last moments, just as if it had happened a moment later.
   */
  async #settle(): Promise<string | undefined> {
    const { name } = this.#plan
    for (let pass = 1; ; pass++) {
      const before = await this.#lastWrite()
      await this.#copy(pass)
      await this.#sweep()
      const held = (await this.#target.count(name)) - this.#beside.length
      const count = (await this.#source.count(name)) - seenIn(this.#leftOut, pass)
      this.#leaveOutExpired()
      const isStill = before === (await this.#lastWrite()) && seenIn(this.#same, pass) === count
      if (isStill && held === count) return this.#besideFault()
      if (pass < PASSES) continue
      if (!isStill) return `the source has changed in each of ${PASSES} passes: stop what writes to it`
      return `all ${count} vectors were written, but the target holds ${held}`
    }
  }

  /** What has expired meanwhile is in neither store any more. */
  #leaveOutExpired() {
    const now = Date.now()
    for (const [id, at] of this.#expiries) if (at <= now) this.#leaveOut(id)
  }

  #leaveOut(id: string) {
    this.#same.delete(id)
    this.#copied.delete(id)
    this.#expiries.delete(id)
  }

  #besideFault(): string | undefined {
    const count = this.#beside.length
    if (count === 0) return undefined
    const beside = `the target holds ${count} vectors that the source does not (${named(this.#beside)})`
    return `${beside}: prune: true deletes them`
  }

  /** Gives an empty target the source's TTL, unless it has one of its own. */
  async #setTtl(seconds: number) {
    const { name } = this.#plan
    if (((await this.#target.getCollectionInfo(name)).ttl_secs ?? null) !== null) return
    this.hasBegun = true
    await this.#target.setCollectionTtl(name, seconds)
  }

  /** When the source was last written to, if it reports that. */
  async #lastWrite(): Promise<string> {
    return (await this.#source.getCollectionInfo(this.#plan.name)).updated_at
  }

  /** Writes the vectors of the source that the target does not hold. */
  async #copy(pass: number) {
    const { name } = this.#plan
    const options = { limit: this.#settings.batchSize, with_vector: true } as const
    const reportProgress = this.#progressCallback('copy')
    for await (const read of batches(this.#source, name, options, reportProgress)) {
      const vectors = this.#kept(read, pass)
      await this.#write(await this.#differing(vectors))
      for (const { id, expires_at } of vectors) {
        this.#same.set(id, pass)
        if (expires_at === undefined) this.#expiries.delete(id)
        else this.#expiries.set(id, expires_at)
      }
    }
  }

  /** The vectors that no ledger says were erased. */
  #kept(vectors: Vector[], pass: number): Vector[] {
    const { erased } = this.#plan
    if (!erased) return vectors
    const kept = vectors.filter(({ id }) => !erased.has(id))
    for (const { id } of vectors) if (erased.has(id)) this.#leftOut.set(id, pass)
    return kept
  }

  #held(ids: string[]) {
    return lookUp(this.#target, this.#plan.name, ids, { with_vector: true })
  }

  /** The source's vectors that the target lacks or holds differently. */
  async #differing(vectors: Vector[]): Promise<Vector[]> {
    const ids = vectors.map(({ id }) => id)
    const held = await this.#held(this.#wasEmpty ? ids.filter((id) => this.#copied.has(id)) : ids)
    const dated = await this.#dated(vectors, held)
    const differing = vectors.filter((vector) => !isSame(vector, dated.get(vector.id)))
    const near = differing.filter((vector) => isNear(vector, dated.get(vector.id), this.#plan.metric))
    const [first] = near
    if (first === undefined) return differing
    // For an engine that normalises or rounds, every run would otherwise write all of them again.
    if (this.#keepsBits === undefined) {
      await this.#write([first])
      this.#keepsBits = isSame(first, (await this.#held([first.id])).get(first.id))
    }
    const right = new Set(this.#keepsBits ? [] : near)
    return differing.filter((vector) => !right.has(vector))
  }

  /** Those of the target's vectors that expire when the source's do. */
  async #dated(vectors: Vector[], held: Map<string, Vector>): Promise<Map<string, Vector>> {
    const dated = new Map(held)
    for (const vector of vectors) {
      const other = held.get(vector.id)
      if (!other || isDatedLike(vector, other, false)) continue
      this.#hasTtl ??= ((await this.#target.getCollectionInfo(this.#plan.name)).ttl_secs ?? null) !== null
      if (!isDatedLike(vector, other, this.#hasTtl)) dated.delete(vector.id)
    }
    return dated
  }

  async #write(vectors: Vector[]) {
    if (vectors.length === 0) return
    const rows = vectors.map(({ id, data, metadata, text, expires_at }) => ({
      id,
      data,
      metadata,
      text,
      expires_at,
    }))
    await this.#change(
      rows.map(({ id }) => id),
      () => this.#target.insertVectors(this.#plan.name, rows),
      (report) => {
        for (const id of report.ids) {
          this.#copied.add(id)
          if (!this.#same.has(id)) this.#same.set(id, 0)
        }
      },
    )
  }

  /** Deletes from the target what is gone from the source, if it was copied or is to be pruned. */
  async #sweep() {
    const { name } = this.#plan
    const { batchSize, prune } = this.#settings
    const gone: string[] = []
    for await (const ids of this.#targetIds(this.#progressCallback('prune'))) {
      const there = await lookUp(this.#source, name, ids, { include_metadata: false })
      gone.push(...ids.filter((id) => !there.has(id) || this.#plan.erased?.has(id)))
    }
    const isDoomed = (id: string) => prune || this.#copied.has(id)
    for (const ids of parts(gone.filter(isDoomed), batchSize)) {
      await this.#change(
        ids,
        () => this.#target.batchDelete(name, ids),
        ({ deleted }) => {
          this.#pruned += deleted
        },
      )
    }
    this.#beside = gone.filter((id) => !isDoomed(id))
    for (const id of gone) this.#leaveOut(id)
  }

  async *#targetIds(reportProgress: ProgressCallback) {
    const { batchSize } = this.#settings
    if (this.#wasEmpty) return yield* parts([...this.#copied], batchSize, reportProgress)
    const options = { limit: batchSize, include_metadata: false }
    for await (const vectors of batches(this.#target, this.#plan.name, options, reportProgress))
      yield vectors.map(({ id }) => id)
  }

  /** Performs a write to the target. `done` receives its report, even if it was interrupted. */
  async #change<T>(ids: string[], write: () => Promise<T>, done: (report: T) => void) {
    this.hasBegun = true
    this.#underWay = ids
    try {
      done(await write())
    } catch (error) {
      if (codeOf(error) === 'PARTIAL_WRITE') done((error as { report: T }).report)
      throw error
    }
    this.#underWay = []
  }

  /** Searches both stores for a sample; resolves with what is wrong. */
  async #verify(): Promise<string | undefined> {
    const { name } = this.#plan
    const ids = [...this.#same.keys()]
    const count = Math.min(this.#settings.sample, ids.length)
    const sample = Array.from({ length: count }, (_, i) => ids[Math.floor((i * ids.length) / count)] ?? '')
    for (const part of parts(sample, 1, this.#progressCallback('verify'))) {
      const [vector] = (await lookUp(this.#source, name, part, { with_vector: true })).values()
      if (!vector) continue // deleted in the meantime
      const expected = await this.#expected(vector.data)
      this.#found += countFound(expected, await this.#target.search(name, vector.data, SEARCH))
      this.#wanted += expected.length
      this.#sampled++
    }
    if (this.#agreement >= AGREEMENT) return undefined
    const found = `of what the source finds for ${this.#sampled} vectors, the target finds ${this.#agreement.toFixed(3)}`
    return `${found}, where ${AGREEMENT} is the least`
  }

  /** What the source finds, but for what was erased. */
  async #expected(data: Float32Array): Promise<Found[]> {
    const { name, erased } = this.#plan
    for (let { limit } = SEARCH; ; limit *= 4) {
      const found = await this.#source.search(name, data, { ...SEARCH, limit })
      if (!erased) return found
      const kept = found.filter(({ id }) => !erased.has(id))
      const isAll = found.length < limit || 4 * limit > MOST_AT_ONCE
      if (kept.length >= SEARCH.limit || isAll) return kept.slice(0, SEARCH.limit)
    }
  }

  /** The error to throw when `cause` ends the migration here. */
  interruptedError(cause: any, report: MigrationReport): VectorizerError {
    const message = `broken off in collection '${this.#plan.name}', ${this.#at}: ${messageOf(cause)}. Called again, it goes on.`
    const code = codeOf(cause)
    const unknown = code === 'PARTIAL_WRITE' ? cause.unknown : REFUSALS.has(code) ? [] : this.#underWay
    const origin = Cancelled.reasonOf(cause, (other) => other)
    return Object.assign(new PartialWriteError(message, { cause: origin }), {
      report,
      unknown: [...unknown],
    })
  }
}

/** The plan for each collection, after checking that all of them can be carried out. */
async function plansFor(
  source: Vectorizer,
  target: Vectorizer,
  names: Set<string> | undefined,
  erasures: LedgerErasures | undefined,
): Promise<{ plans: Plan[]; leftOut: number }> {
  const wanted = names ?? (await source.listCollections()).map(({ name }) => name)
  const there = new Map((await target.listCollections()).map((collection) => [collection.name, collection]))
  const plans: Plan[] = []
  /** How many vectors there are in collections that were deleted. */
  let leftOut = 0
  for (const name of wanted) {
    const info = await source.getCollectionInfo(name)
    const erased = erasures?.of(name, info.created_at)
    if (erased?.isWhole) {
      leftOut += await source.count(name)
      continue
    }
    const { dimension, similarity_metric: metric, hnsw, description, ttl_secs: ttl = null } = info
    const said = description === undefined ? {} : { description }
    const held = there.get(name)
    const kind = (dimension: number, metric: SimilarityMetric) =>
      `${dimension} dimensions and the metric '${metric}'`
    if (held && (held.dimension !== dimension || held.similarity_metric !== metric)) {
      const theirs = kind(held.dimension, held.similarity_metric)
      throw new ValidationError(
        `collection '${name}' has ${theirs} in the target, and ${kind(dimension, metric)} in the source`,
      )
    }
    plans.push({
      name,
      metric,
      settings: held ? undefined : { dimension, metric, hnsw, ...said },
      ttl,
      erased,
    })
  }
  return { plans, leftOut }
}

async function migrateAll(
  source: Vectorizer,
  target: Vectorizer,
  options: MigrationOptions,
): Promise<MigrationReport> {
  const settings = read(() => {
    checkClient(source, 'source', READS)
    checkClient(target, 'target', WRITES)
    if (source === target) throw new ValidationError('target: is the source itself')
    return settingsOf(options)
  })
  const begin = performance.now()
  const { reportProgress, finish } = listening<MigrationProgress>(settings)
  const migrations: CollectionMigration[] = []
  const { ledger, signal } = settings
  const erasures = ledger === undefined ? undefined : await LedgerErasures.read(ledger, signal)
  let ofDeleted = 0
  const report = (): MigrationReport => ({
    collections: migrations.map((migration) => migration.report),
    ...(erasures && { leftOut: migrations.reduce((sum, one) => sum + one.leftOut, ofDeleted) }),
    duration_ms: performance.now() - begin,
  })
  try {
    const { plans, leftOut } = await plansFor(source, target, settings.names, erasures)
    ofDeleted = leftOut
    for (const plan of plans) {
      checkSignal(settings)
      const migration = new CollectionMigration(source, target, plan, settings, reportProgress)
      migrations.push(migration)
      await migration.run()
    }
    if (migrations.some(({ hasBegun }) => hasBegun)) await target.flush()
  } catch (cause) {
    throw migrations.some(({ hasBegun }) => hasBegun)
      ? migrations.at(-1)?.interruptedError(cause, report())
      : cause
  }
  // A collection that differs from its source does not hold up the others.
  const faults = migrations.map(({ fault }) => fault).filter(Boolean)
  if (faults.length > 0) throw new StorageError(faults.join('; '))
  return finish(report())
}

/**
 * Copies collections from one client to another and verifies the copy: every vector is compared
 * with the one in the target and written if it differs, then the counts are compared, and the
 * results of searches for a sample. The source is only read.
 *
 * A collection that the target does not have is created there, with its description. Vectors expire
 * in the target when they do in the source. A target that is empty and has no TTL is
 * given the source's; any other keeps its own, which applies to vectors that do not expire in the
 * source. One that cannot let vectors expire rejects with `UnsupportedError`.
 *
 * With `ledger`, what was erased since the source was copied from another store is left out.
 *
 * If it is interrupted, it rejects with `PartialWriteError`; when called again, it continues with
 * what is missing. Vectors that have been deleted from the source since are detected, and deleted
 * from the target with `prune`.
 *
 * Rejects with `ValidationError` if a collection of the target has a different dimension or metric,
 * and with `StorageError` if the target differs from the source at the end, or if the ledger is not what
 * was written.
 */
export async function migrate(
  source: Vectorizer,
  target: Vectorizer,
  options: MigrationOptions = {},
): Promise<MigrationReport> {
  try {
    return await migrateAll(source, target, options)
  } catch (error) {
    throw rejectionOf(error)
  }
}
