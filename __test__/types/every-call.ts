// Uses every call as its typings promise. Compiled, never run.
import {
  type BackupOptions,
  type BackupProgress,
  type BackupReport,
  type BatchUpdateReport,
  batchDelete,
  batchInsertText,
  batchUpdateVectors,
  bulkUpdateMetadata,
  type ChangeProgress,
  type CleanupReport,
  ClientClosedError,
  CollectionExistsError,
  type CollectionInfo,
  CollectionNotFoundError,
  type CollectionSummary,
  type CollectionTtl,
  type CopyReport,
  cleanupEmptyCollections,
  close,
  collection,
  copyVectors,
  count,
  createBackup,
  createCollection,
  type DeleteByFilterReport,
  type DeletedCollection,
  type DeletedList,
  type DeletedVector,
  type DeleteReport,
  type DeleteVectorOptions,
  DimensionMismatchError,
  deleteByFilter,
  deleteCollection,
  deleteVector,
  deleteVectors,
  EmbeddingError,
  EncryptionError,
  type EncryptionKey,
  type ErasureReceipt,
  type ExpiryInput,
  exportKeys,
  type Filter,
  type ForgetOptions,
  type ForgetReceipt,
  type ForgetReport,
  type ForgetSelection,
  flush,
  forget,
  getCollection,
  getCollectionInfo,
  getLedger,
  getVector,
  type HttpServer,
  type InsertProgress,
  type InsertReport,
  insertText,
  insertTexts,
  insertVectors,
  type KeyService,
  type LedgerHead,
  type LedgerInfo,
  type LedgerReport,
  type LedgerSigning,
  type ListDeletedOptions,
  listCollections,
  listDeleted,
  listEmptyCollections,
  listVectors,
  type MetadataPatch,
  type MigrationReport,
  type MoveOptions,
  type MoveReport,
  migrate,
  moveToCollection,
  type OptimizeProgress,
  optimize,
  type PatchOptions,
  type PatchReport,
  type Proof,
  type PublicKey,
  type PublicKeyObject,
  type PurgeOptions,
  type PurgeReport,
  purgeDeleted,
  type ReceiptReport,
  type ReindexJob,
  type RenameReport,
  type ReplacementText,
  type ReplacementVector,
  type ReplaceReport,
  type RestoreOptions,
  type RestoreReport,
  type RotateOptions,
  type RotateProgress,
  ready,
  reindexCollection,
  renameCollection,
  replace,
  resumeExpiry,
  rotateKeys,
  type ScanBatch,
  type SearchResult,
  type ServeOptions,
  ServerError,
  type ShownVector,
  SigningError,
  StorageError,
  StoreLockedError,
  scan,
  scanVectors,
  search,
  searchBatch,
  searchText,
  searchVectors,
  serve,
  setCollectionTtl,
  setVectorExpiry,
  TooManyMatchesError,
  type UndeleteOptions,
  type UndeleteReport,
  type Undo,
  type UndoPeriod,
  undelete,
  updateCollection,
  updateVector,
  ValidationError,
  type Vector,
  type VectorExpiry,
  VectorizerClient,
  VectorizerError,
  VectorNotFoundError,
  type VectorPage,
  type VectorSelection,
  type VectorUpdate,
  type VerifyLedgerOptions,
  type VerifyReceiptOptions,
  verifyErased,
  verifyLedger,
  verifyReceipt,
} from 'vectorizer-native'

export async function everyMethod(client: VectorizerClient): Promise<unknown[]> {
  await client.ready()
  const created: CollectionSummary = await client.createCollection('docs', {
    dimension: 3,
    metric: 'euclidean',
  })
  await client.createCollection({ name: 'more', dimension: 3, similarity_metric: 'dot_product' })
  await client.createCollection('tuned', { dimension: 3, hnsw: { m: 8, ef_construction: 64, ef_search: 32 } })
  const all: CollectionSummary[] = await client.listCollections()
  const info: CollectionInfo = await client.getCollectionInfo(created.name)
  const numbers: number[] = [info.vector_count, info.size_bytes, info.hnsw.m, info.index.pending, all.length]
  const same: CollectionInfo = await client.getCollection('docs')

  const report: InsertReport = await client.insertVectors('docs', [
    { id: 'a', data: [1, 2, 3], metadata: { nested: { list: [1, null] } } },
    { data: new Float32Array(3), text: 'a text' },
  ])
  await client.insertVectors('docs', {
    ids: report.ids,
    data: new Float32Array(6),
    metadata: [{ a: 1 }, null],
    texts: [undefined, 'a text'],
  })
  const id: string = await client.insertText('docs', 'a text', { lang: 'en' })
  const ids: string[] = await client.batchInsertText('docs', ['a', 'b'], [undefined, { lang: 'en' }])
  const { duration_ms } = await client.insertTexts('docs', [{ id, text: 'a', metadata: {} }])

  const vector: Vector = await client.getVector('docs', id)
  const values: Float32Array = vector.data
  const page: VectorPage = await client.listVectors('docs', 0, 100)
  const scanned: string[] = []
  for await (const { id, data } of client.scan('docs', { with_vector: true, batchSize: 100 }))
    scanned.push(`${id} ${data.length}`)
  const { vectors, cursor }: ScanBatch<false, true> = await client.scanVectors('docs', { limit: 10 })
  if (cursor !== undefined) await client.scanVectors('docs', { cursor, filter: { lang: 'en' } })
  scanned.push(...vectors.map(({ id }) => id))
  await client.updateVector('docs', id, { text: 'another', metadata: { lang: 'de' } })
  const updated: Vector = await client.updateVector('docs', id, { data: values })

  const results: SearchResult[] = await client.search('docs', 'a text', { limit: 5, with_vector: true })
  await client.search('docs', [1, 2, 3], {
    similarity_threshold: 0.5,
    include_metadata: false,
    ef_search: 200,
  })
  await client.search('docs', values, { filter: { lang: 'en' } })
  const { results: rows, total } = await client.searchVectors('docs', {
    query_vector: [1, 2, 3],
    threshold: 0.1,
  })
  const lists: SearchResult[][] = await client.searchBatch('docs', ['a text', [1, 2, 3], values], {
    limit: 5,
  })
  await client.searchBatch('docs', new Float32Array(6))
  await client.searchText('docs', { query: 'a text', limit: 3, filter: { lang: { $in: ['en', 'de'] } } })
  const scores: number[] = [...results, ...rows].map(({ score }) => score)

  const nothing: undefined = (await client.deleteVector('docs', 'a')) as undefined
  const deleted: DeleteReport = await client.batchDelete('docs', ids)
  await client.deleteVectors('docs', ['a'] as const)
  const byFilter: DeleteByFilterReport = await client.deleteByFilter('docs', { lang: 'en' }, { dryRun: true })
  const statuses: Array<'ok' | 'error' | 'deleted' | 'matched'> = [
    ...deleted.results.map(({ status }) => status),
    ...byFilter.results.map(({ status }) => status),
  ]
  await client.batchDelete('docs', ids, { atMost: 10, expect: 2 })
  await client.deleteByFilter('docs', { lang: 'en' }, { atMost: 10, dryRun: true })
  const dry = await client.deleteByFilter('docs', { lang: 'en' }, { dryRun: true, rows: 10 })
  const shown: ShownVector[] = dry.rows ?? []
  const texts: [string, string | undefined][] = shown.map(({ id, text }) => [id, text])
  const replacing: ReplacementVector[] = [{ id: 'a', data: [1, 2, 3], text: null, metadata: { lang: 'en' } }]
  const replaced: ReplaceReport = await client.replace('docs', { lang: 'en' }, replacing)
  const changed: string[] = [...replaced.ids.inserted, ...replaced.ids.updated, ...replaced.ids.deleted]
  const chunks: ReplacementText[] = [{ id: 'a', text: 'a text', metadata: { lang: 'en' } }]
  await client.replace('docs', { lang: 'en' }, chunks)
  await client.replace('docs', { lang: 'en' }, [], { dryRun: true, atMost: 10, expect: 2 })
  const left: number = await client.count('docs', { $not: { lang: 'en' } })
  await client.optimize('docs')
  const told: [string, number, number][] = []
  const onProgress = ({ phase, done, total }: InsertProgress | OptimizeProgress) =>
    told.push([phase, done, total])
  await client.optimize('docs', { onProgress })
  await client.insertVectors('docs', { ids: [], data: new Float32Array(0) }, { onProgress })
  await client.batchInsertText('docs', ['a'], [], { onProgress })
  await client.insertTexts('docs', [{ id, text: 'a' }], { onProgress })
  await client.replace('docs', { a: 1 }, [], { onProgress })
  await client.deleteCollection('docs')
  await client[Symbol.asyncDispose]()
  await client.close()
  return [
    numbers,
    same,
    duration_ms,
    page.total,
    updated,
    total,
    scores,
    nothing,
    statuses,
    texts,
    changed,
    left,
    lists,
    told,
  ]
}

export async function everythingThatExpires(client: VectorizerClient): Promise<unknown[]> {
  const times: ExpiryInput[] = [new Date(), '2026-12-01T00:00:00Z', 1_796_083_200_000, null]
  const [expires_at = null] = times
  const data = [1, 2, 3]
  await client.insertVectors('docs', [{ data, expires_at }, { data }], { expires_at })
  const columns = { ids: ['a', 'b', 'c'], data: new Float32Array(9) }
  await client.insertVectors('docs', { ...columns, expires_at: times })
  await client.insertVectors('docs', { ...columns, expires_at: [undefined, new Date()] as const })
  const id: string = await client.insertText('docs', 'a text', undefined, { expires_at })
  await client.batchInsertText('docs', ['a text'], [], { expires_at })
  await client.insertTexts('docs', [{ id, text: 'a', expires_at }], { expires_at })
  const updated: number | undefined = (await client.updateVector('docs', id, { expires_at })).expires_at
  await client.replace('docs', { a: 1 }, [{ id, data, expires_at }], { expires_at })
  await client.replace('docs', { a: 1 }, [{ id, text: 'a', expires_at: null }])

  const one: VectorExpiry = await client.setVectorExpiry('docs', id, new Date())
  const own: [string, string, number | null, 'updated'] = [one.id, one.collection, one.expires_at, one.status]
  const ttl: CollectionTtl = await client.setCollectionTtl('docs', 3600)
  await client.setCollectionTtl('docs', null)
  const all: [string, number | null, 'updated'] = [ttl.collection, ttl.ttl_secs, ttl.status]
  const nothing: undefined = (await client.resumeExpiry()) as undefined
  const { ttl_secs, expired }: CollectionInfo = await client.getCollectionInfo('docs')
  const counts: [number | null, number] = [ttl_secs, expired]

  const [found] = await client.search('docs', 'a text')
  const [scanned] = (await client.scanVectors('docs')).vectors
  const [listed] = (await client.listVectors('docs')).vectors
  const dry = await client.deleteByFilter('docs', { a: 1 }, { dryRun: true, rows: 1 })
  const read: (number | undefined)[] = [found, scanned, listed, dry.rows?.[0]].map((row) => row?.expires_at)
  return [updated, own, all, nothing, counts, read]
}

export async function everythingThatChanges(
  client: VectorizerClient,
  signal: AbortSignal,
): Promise<unknown[]> {
  const told: [string, number, number][] = []
  const onProgress = ({ phase, done, total }: ChangeProgress | InsertProgress) =>
    told.push([phase, done, total])
  const patch: MetadataPatch = { owner: 'bob', draft: null, deep: { at: new Date(), list: [1, null] } }
  const careful: PatchOptions = { dryRun: true, atMost: 10, expect: 2, onProgress, signal }
  const patched: PatchReport = await client.bulkUpdateMetadata('docs', { owner: 'ann' }, patch)
  await client.bulkUpdateMetadata('docs', { owner: 'ann' }, { owner: 'bob' }, careful)
  const statuses: Array<'updated' | 'unchanged'> = patched.results.map(({ status }) => status)
  const counts: number[] = [patched.scanned, patched.matched, patched.updated, patched.unchanged]

  const updates: VectorUpdate[] = [
    { id: 'a', data: [1, 2, 3], metadata: { lang: 'en' } },
    { id: 'b', text: 'a text', expires_at: null },
  ]
  const updated: BatchUpdateReport = await client.batchUpdateVectors('docs', updates)
  await client.batchUpdateVectors('docs', { updates }, { onProgress, signal })
  const rows: [string, number, string | undefined][] = updated.results.map((row) => [
    row.id,
    row.index,
    row.status === 'ok' ? row.status : row.error,
  ])

  const filter: Filter = { done: true }
  const selected: VectorSelection[] = [['a', 'b'], { filter }]
  const moving: MoveOptions = { overwrite: true, dryRun: false, atMost: 10, expect: 2, onProgress, signal }
  for (const some of selected) await client.moveToCollection('inbox', 'archive', some, moving)
  const moved: MoveReport = await client.moveToCollection('inbox', 'archive', ['a'] as const)
  const proved = await client.moveToCollection('inbox', 'archive', ['a'], { receipt: true })
  const copied: CopyReport = await client.copyVectors('inbox', 'archive', ['a'], { overwrite: true })
  const fates: Array<'ok' | 'missing_in_src' | 'dst_insert_failed'> = [
    ...moved.results,
    ...copied.results,
  ].map(({ status }) => status)
  const ends: [string, string, number, number] = [moved.src, moved.dst, moved.moved, copied.copied]

  const selections: ForgetSelection[] = [{ filter: { user: 'u1' } }, { ids: ['a'] }]
  const why: ForgetOptions = { collections: ['docs'], reason: 'request 4711', atMost: 10, onProgress }
  for (const one of selections) await client.forget(one, why)
  const report: ForgetReport = await client.forget({ ids: ['a'] as const }, { dryRun: true })
  const found: [string, number, string[]][] = report.collections.map((one) => [
    one.collection,
    one.matched,
    one.ids,
  ])
  const receipt: ForgetReceipt | undefined = report.receipt
  const numbers: number[] | undefined = receipt?.collections.map(({ logSequence }) => logSequence)

  const renamed: RenameReport = await client.renameCollection('docs', 'manuals')
  const names: [string, string, 'renamed' | 'unchanged'] = [
    renamed.old_name,
    renamed.new_name,
    renamed.status,
  ]
  await client.createCollection('new', { dimension: 3, description: 'manuals' })
  const info: CollectionInfo = await client.updateCollection('new', { description: null })
  const description: string | undefined = info.description
  const job: ReindexJob = await client.reindexCollection('new', { m: 24, ef_construction: 200, signal })
  await client.reindexCollection('new')
  const state: ['running' | 'completed', number, number] = [job.state, job.progress, job.params.ef_search]
  const empty: string[] = await client.listEmptyCollections()
  const cleaned: CleanupReport = await client.cleanupEmptyCollections({ dryRun: true, signal })
  await client.cleanupEmptyCollections()

  const guarded = await client.forget({ ids: [] }, { expect: 1 }).catch((error) => error)
  const refused = guarded instanceof TooManyMatchesError ? guarded.report : undefined
  const applied: boolean | undefined = refused && 'applied' in refused ? refused.applied : undefined
  return [
    statuses,
    counts,
    rows,
    proved.receipt.digest,
    fates,
    ends,
    found,
    receipt?.reason,
    numbers,
    names,
    description,
    state,
    empty,
    cleaned.applied,
    applied,
    told,
  ]
}

export async function everythingThatIsUndone(
  client: VectorizerClient,
  signal: AbortSignal,
): Promise<unknown[]> {
  const periods: UndoPeriod[] = ['500ms', '30s', '5m', '24h', '7d', 86_400_000]
  const [undo = '1h'] = periods
  const reason = 'request 4711'
  const one: { undo: Undo } = await client.deleteVector('docs', 'a', { undo, reason, signal })
  const whole: { undo: Undo } = await client.deleteCollection('docs', { undo: '7d', reason })
  const maybe: [string, number] = [one.undo.token, whole.undo.until]
  const none: undefined = (await client.deleteVector('docs', 'a', { reason })) as undefined
  const wide: DeleteVectorOptions = { undo }
  const either = await client.deleteVector('docs', 'a', wide)
  const of: Proof | { undo: Undo } | void = either
  const undos: (Undo | undefined)[] = [
    (await client.batchDelete('docs', ['a'], { undo })).undo,
    (await client.deleteVectors('docs', ['a'], { undo: 3_600_000 })).undo,
    (await client.deleteByFilter('docs', { a: 1 }, { undo: '24h' })).undo,
    (await client.replace('docs', { a: 1 }, [], { undo: '24h' })).undo,
  ]
  const paging: ListDeletedOptions = { offset: 0, limit: 1000, signal }
  const list: DeletedList = await client.listDeleted('docs', paging)
  await client.listDeleted()
  const gone: DeletedCollection[] = list.collections
  const waiting: DeletedVector[] = list.vectors
  const numbers: (number | undefined)[] = [
    list.total,
    gone[0]?.vectors,
    gone[0]?.deleted_at,
    waiting[0]?.until,
  ]
  const metadata: Record<string, unknown> | undefined = waiting[0]?.metadata

  const told: [string, number, number][] = []
  const onProgress = ({ phase, done, total }: ChangeProgress) => told.push([phase, done, total])
  const how: UndeleteOptions = { onProgress, signal }
  const back: UndeleteReport = await client.undelete('docs', ['a'] as const, how)
  await client.undelete('docs', one.undo.token)
  const rows: [string, 'undeleted' | 'not_found' | 'id_in_use' | 'repeated'][] = back.results.map(
    ({ id, status }) => [id, status],
  )
  const why: PurgeOptions = { receipt: false, reason, signal }
  const purged: PurgeReport = await client.purgeDeleted('docs', ['a'], why)
  await client.purgeDeleted('docs', { all: true })
  const proof: ErasureReceipt = (await client.purgeDeleted('docs', 'token', { receipt: true })).receipt
  const fates: Array<'purged' | 'not_found' | 'repeated'> = purged.results.map(({ status }) => status)
  const { undoable }: CollectionInfo = await client.getCollectionInfo('docs')
  const forgotten = await client.forget({ ids: ['a'] })
  const isWaiting: (true | undefined)[] = forgotten.collections.map(({ undoable }) => undoable)

  const docs = await client.collection<{ lang: string }>('docs')
  const langs: string[] = (await docs.listDeleted()).vectors.map(({ metadata }) => metadata.lang)
  const again: { undo: Undo } = await docs.deleteVector('a', { undo: '1h' })
  await docs.undelete(again.undo.token)
  await docs.purgeDeleted({ all: true }, { reason })
  return [maybe, none, of, undos, numbers, metadata, told, rows, proof, fates, undoable, isWaiting, langs]
}

export async function everythingOfALedger(
  client: VectorizerClient,
  key: PublicKeyObject,
  signal: AbortSignal,
): Promise<unknown[]> {
  const reason = 'request 4711'
  const proofs: ErasureReceipt[] = [
    (await client.deleteVector('docs', 'a', { receipt: true, reason })).receipt,
    (await client.batchDelete('docs', ['a'], { receipt: true, reason })).receipt,
    (await client.deleteVectors('docs', ['a'], { receipt: true, reason })).receipt,
    (await client.deleteByFilter('docs', { a: 1 }, { receipt: true, reason })).receipt,
    (await client.replace('docs', { a: 1 }, [], { receipt: true, reason })).receipt,
    (await client.moveToCollection('docs', 'more', ['a'], { receipt: true, reason })).receipt,
    (await client.deleteCollection('docs', { receipt: true, reason })).receipt,
  ]
  const told: [string, number | undefined, Filter | undefined, string | undefined][] = proofs.map(
    ({ call, requested, filter, reason }) => [call, requested, filter, reason],
  )
  const kept: (string | undefined)[] = proofs.flatMap((one) => [
    one.store,
    one.entry,
    one.signature,
    one.text,
  ])
  const calls: ErasureReceipt['call'][] = [
    'deleteVector',
    'batchDelete',
    'deleteByFilter',
    'deleteCollection',
  ]
  const { receipt }: ForgetReport = await client.forget({ ids: ['a'] }, { reason })
  const forgotten: ['forget', string | undefined] | undefined = receipt && [receipt.call, receipt.entry]

  const info: LedgerInfo | null = await client.getLedger()
  const head: LedgerHead = info?.head ?? { entry: 0, hash: '' }
  const keys: PublicKey[] = [key, 'PEM text', new Uint8Array(32)]
  const options: VerifyLedgerOptions = { publicKey: keys, receipts: proofs, head, signal }
  const report: LedgerReport = await verifyLedger(info?.path ?? './data', options)
  await verifyLedger('./data', {
    publicKey: key,
    receipts: receipt ? [...proofs, receipt] : [{ entry: 'a' }],
  })
  await verifyLedger('./data')
  const problems: [number, string][] = report.problems.map(({ line, problem }) => [line, problem])
  const counts: number[] = [report.entries, report.erasures, report.deleted, report.unfinished, report.undone]
  const ends: (string | number | null | undefined)[] = [
    report.store,
    report.signatures,
    report.signedEntry,
    report.head?.entry,
    report.firstAt,
    report.lastAt,
  ]
  const by: VerifyReceiptOptions = { publicKey: key, ledger: './data', signal }
  const [proof] = proofs
  const verified: ReceiptReport = await verifyReceipt(proof ?? {}, by)
  await verifyReceipt({ entry: proof?.entry, signature: proof?.signature })

  const restored: RestoreReport = await VectorizerClient.restoreBackup('a', 'b', { ledger: './data' })
  const migrated: MigrationReport = await migrate(client, new VectorizerClient(), { ledger: './data' })
  const left: (number | undefined)[] = [restored.leftOut, migrated.leftOut]
  const thrown = await client.deleteVector('docs', 'a', { receipt: true }).catch((error) => error)
  const happened = thrown instanceof SigningError ? thrown.report?.receipt?.deleted : undefined
  return [told, kept, calls, forgotten, problems, counts, ends, verified.problems, left, happened]
}

const signing: LedgerSigning = { sign: (entry) => entry }

export const clients: VectorizerClient[] = [
  new VectorizerClient({ path: './data', ledger: true }),
  new VectorizerClient({ path: './data', ledger: false }),
  new VectorizerClient({ path: './data', ledger: signing }),
  new VectorizerClient({
    path: './data',
    ledger: { sign: async (entry: Uint8Array) => new Uint8Array(entry) },
  }),
  new VectorizerClient(),
  new VectorizerClient({ path: './data' }),
  new VectorizerClient({ shared: 'catalogue', embedder: async (texts) => texts.map(() => [1, 2, 3]) }),
  new VectorizerClient({ embedder: (texts) => texts.map(() => new Float32Array(3)) }),
  new VectorizerClient({ path: './data', encryption: { key: new Uint8Array(32) } }),
  new VectorizerClient({ path: './data', encryption: { wrap: (key) => key, unwrap: async (key) => key } }),
]

const key: EncryptionKey = { key: 'the base64 text of 32 bytes' }
const service: KeyService = {
  wrap: async (plain: Uint8Array) => new Uint8Array(plain),
  unwrap: (wrapped: Uint8Array) => wrapped,
}

export async function everythingOfKeys(): Promise<unknown[]> {
  const client = new VectorizerClient({ path: './data', encryption: service })
  const told: RotateProgress[] = []
  const rotation: RotateOptions = { key: new Uint8Array(32), onProgress: (progress) => told.push(progress) }
  const nothing: undefined = (await client.rotateKeys()) as undefined
  await client.rotateKeys({ key: key.key })
  await client.rotateKeys(rotation)
  const phases: Array<'rotate'> = told.map(({ phase }) => phase)
  const numbers: number[] = told.map(({ done, total }) => done / total)

  const options: BackupOptions = { keys: 'apart', collections: ['docs'] as const }
  const backup: BackupReport = await client.createBackup('./backups', options)
  await client.createBackup('./backups', { keys: 'within', onProgress: ({ phase }: BackupProgress) => phase })
  const keys: string | undefined = backup.keys
  const exported: BackupReport = await client.exportKeys('./keys')
  const restoring: RestoreOptions = { keys: exported.file, encryption: service }
  const restored: RestoreReport = await VectorizerClient.restoreBackup(backup.file, './restored', restoring)
  await VectorizerClient.restoreBackup(backup.file, './other', { keys: './data', encryption: key })
  const erased: number | undefined = restored.erased
  return [nothing, phases, numbers, keys, backup.leftovers, erased]
}

export const filters: Filter[] = [
  { category: 'old_docs', lang: ['en', 'de'], draft: false, parent: null },
  { created_at: { $lt: new Date() }, $or: [{ a: 1 }, { 'b.c': { $in: [1, '2'], $exists: true } }] },
  { $and: [{ a: { $gte: 1, $lte: 5 } }], $not: { tag: { $nin: ['x'] } } },
  { user: 1234567890123456789n, other: [1n, 2], at: { $ne: 3n, $gt: 1n, $lte: 2 } },
  {
    must: [
      { key: 'a', match: { value: 1 } },
      { key: 'b', match: { any: ['x', 'y'] } },
    ],
    should: [{ key: 'n', range: { gt: 1, lte: 5 } }, { is_empty: { key: 'c' } }, { is_null: { key: 'd' } }],
    must_not: [
      { has_id: ['v1'] },
      { key: 'list', values_count: { gte: 2 } },
      { key: 'z', match: { except: [1] } },
      { type: 'match', key: 'k', match_value: 'v' },
      { type: 'range', key: 'when', range: { lt: new Date() } },
      { key: 'user', range: { gte: 1234567890123456789n, lt: 2e18 } },
      { key: 'user', match: { any: [1234567890123456789n] } },
      { must: [{ key: 'deep', match: { value: true } }] },
    ],
  },
]

export async function everyMethodOfAStoreOnDisk(): Promise<unknown[]> {
  const client = new VectorizerClient({ path: './data', fsync: 'always' })
  await client.flush()
  await client.deleteVector('docs', 'a', { backup: './a.vecbak' })
  const one: { receipt: ErasureReceipt } = await client.deleteVector('docs', 'a', { receipt: true })
  const all: { receipt: ErasureReceipt } = await client.deleteCollection('docs', { receipt: true })
  const wanted: boolean = one.receipt.durable
  const perhaps: { receipt: ErasureReceipt } | undefined =
    (await client.deleteVector('docs', 'a', { receipt: wanted })) ?? all
  const { receipt } = await client.batchDelete('docs', ['b'], { receipt: true, backup: './b.vecbak' })
  const proof: [string, number, number, number, string, boolean, string] | undefined = receipt && [
    receipt.collection,
    receipt.deleted,
    receipt.bytesErased,
    receipt.logSequence,
    receipt.completedAt,
    receipt.durable,
    receipt.digest,
  ]
  const byFilter = await client.deleteByFilter('docs', { old: true }, { receipt: true })
  const { verified, residues } = await client.verifyErased('docs', ['a', 'b'])
  const left: Array<[string | null, string | null, number, number, string]> = residues.map((residue) => [
    residue.id,
    residue.file,
    residue.offset,
    residue.length,
    residue.reason,
  ])
  const seen: [string, number, number][] = []
  const onProgress = ({ phase, done, total }: BackupProgress) => seen.push([phase, done, total])
  const backup: BackupReport = await client.createBackup('./backups', { onProgress })
  const restored: RestoreReport = await VectorizerClient.restoreBackup(backup.file, './restored', {
    onProgress,
  })
  const { disk_bytes: bytes, scrub }: CollectionInfo = await client.getCollectionInfo('docs')
  const unreadable: [number, string[], string | undefined] | undefined = scrub && [
    scrub.damaged,
    scrub.damaged_ids,
    scrub.finished_at,
  ]
  return [
    perhaps,
    proof,
    byFilter.receipt?.digest,
    verified,
    left,
    restored.path,
    backup.vectors,
    bytes,
    unreadable,
    seen,
  ]
}

export const serving: ServeOptions[] = [
  {},
  { host: '::1', port: 0, apiKey: 'key', log: 'json', cors: ['*'], allowedHosts: ['vectors.example.org'] },
  { maxBodyBytes: 1 << 20, maxBufferedBytes: 1 << 24, maxConnections: 100 },
  { headerTimeout: 1000, bodyTimeout: 1000, writeTimeout: 1000, shutdownTimeout: 0 },
]

export async function everythingOfAServer(client: VectorizerClient): Promise<unknown[]> {
  const server: HttpServer = await client.serve({ port: 0 })
  const other: HttpServer = await serve()
  const told: [string, number, string] = [server.address, server.port, server.url]
  const closing: Promise<void> = server.close()
  const closed: Promise<void> = server.closed
  await other[Symbol.asyncDispose]()
  return [told, await Promise.all([closing, closed])]
}

/** The functions of the module have the methods' types. */
export const functions: Pick<VectorizerClient, keyof typeof named> = {
  ready,
  createCollection,
  listCollections,
  collection,
  getCollectionInfo,
  getCollection,
  updateCollection,
  renameCollection,
  reindexCollection,
  listEmptyCollections,
  cleanupEmptyCollections,
  deleteCollection,
  insertVectors,
  insertText,
  batchInsertText,
  insertTexts,
  getVector,
  listVectors,
  scan,
  scanVectors,
  count,
  updateVector,
  batchUpdateVectors,
  bulkUpdateMetadata,
  moveToCollection,
  copyVectors,
  setVectorExpiry,
  setCollectionTtl,
  resumeExpiry,
  search,
  searchVectors,
  searchText,
  searchBatch,
  deleteVector,
  batchDelete,
  deleteVectors,
  deleteByFilter,
  replace,
  forget,
  listDeleted,
  undelete,
  purgeDeleted,
  optimize,
  verifyErased,
  createBackup,
  exportKeys,
  getLedger,
  rotateKeys,
  flush,
  serve,
  close,
}
declare const named: Omit<VectorizerClient, typeof Symbol.asyncDispose>

export function handle(error: unknown): string {
  if (error instanceof DimensionMismatchError) return `${error.expected} ${error.got}`
  const classes = [
    ValidationError,
    CollectionNotFoundError,
    CollectionExistsError,
    VectorNotFoundError,
    EmbeddingError,
    StorageError,
    EncryptionError,
    StoreLockedError,
    ServerError,
    ClientClosedError,
    SigningError,
  ]
  if (classes.some((Class) => error instanceof Class)) return 'ours'
  return error instanceof VectorizerError ? `${error.code} ${error.errorCode}` : 'not ours'
}
