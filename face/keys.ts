// The keys that each call's options may have. An error about an unknown key lists all of them,
// whether the options are read here or in Rust. They are checked against the types: one key too
// many or too few does not compile.
import type {
  BackupOptions,
  BatchDeleteOptions,
  Carried,
  CollectionOptions,
  DeleteByFilterOptions,
  DeleteCollectionOptions,
  DeleteVectorOptions,
  InsertOptions,
  InsertTextOptions,
  OptimizeOptions,
  ReplaceOptions,
  RestoreOptions,
  RotateOptions,
  ScanOptions,
  ScanVectorsOptions,
  SearchOptions,
  ServeOptions,
  VectorizerClientOptions,
} from './types.js'

/** The keys of options of type `T`, in the order in which errors list them. */
const keysOf = <T>(keys: Record<keyof T, true>): readonly string[] => Object.keys(keys)

const creation = keysOf<CollectionOptions>({
  dimension: true,
  metric: true,
  similarity_metric: true,
  hnsw: true,
  signal: true,
})

const search = keysOf<SearchOptions>({
  limit: true,
  filter: true,
  similarity_threshold: true,
  threshold: true,
  ef_search: true,
  with_vector: true,
  include_metadata: true,
  signal: true,
})

/** What the results of searches and scans include. */
const contents = keysOf<Carried<boolean, boolean>>({ with_vector: true, include_metadata: true })

export const keys = {
  client: keysOf<VectorizerClientOptions>({
    path: true,
    fsync: true,
    shared: true,
    encryption: true,
    embedder: true,
  }),
  collection: [...creation, 'ifExists'],
  createCollection: creation,
  createCollectionRequest: ['name', ...creation],
  deleteCollection: keysOf<DeleteCollectionOptions>({ receipt: true, signal: true }),
  insert: keysOf<InsertOptions>({ onProgress: true, expires_at: true, signal: true }),
  insertText: keysOf<InsertTextOptions>({ expires_at: true, signal: true }),
  search,
  scan: [...keysOf<ScanOptions>({ filter: true, batchSize: true, signal: true }), ...contents],
  scanVectors: [
    ...keysOf<ScanVectorsOptions>({ cursor: true, limit: true, filter: true, signal: true }),
    ...contents,
  ],
  searchVectors: ['query_vector', ...search],
  searchText: ['query', ...search],
  deleteVector: keysOf<DeleteVectorOptions>({ receipt: true, backup: true, signal: true }),
  batchDelete: keysOf<BatchDeleteOptions>({
    receipt: true,
    backup: true,
    atMost: true,
    expect: true,
    signal: true,
  }),
  deleteByFilter: keysOf<DeleteByFilterOptions>({
    dryRun: true,
    rows: true,
    receipt: true,
    backup: true,
    atMost: true,
    expect: true,
    signal: true,
  }),
  replace: keysOf<ReplaceOptions>({
    dryRun: true,
    receipt: true,
    atMost: true,
    expect: true,
    onProgress: true,
    signal: true,
  }),
  optimize: keysOf<OptimizeOptions>({ onProgress: true, signal: true }),
  createBackup: keysOf<BackupOptions>({ keys: true, collections: true, onProgress: true, signal: true }),
  restoreBackup: keysOf<RestoreOptions>({
    keys: true,
    encryption: true,
    keysEncryption: true,
    onProgress: true,
    signal: true,
  }),
  rotateKeys: keysOf<RotateOptions>({ key: true, onProgress: true, signal: true }),
  serve: keysOf<ServeOptions>({
    host: true,
    port: true,
    apiKey: true,
    maxBodyBytes: true,
    maxBufferedBytes: true,
    maxConnections: true,
    headerTimeout: true,
    bodyTimeout: true,
    writeTimeout: true,
    shutdownTimeout: true,
    cors: true,
    allowedHosts: true,
    log: true,
    backups: true,
    signal: true,
  }),
}
