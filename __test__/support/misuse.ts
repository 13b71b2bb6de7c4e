/**
 * Every call on a collection, with arguments that are valid if `things` holds `a` and `others` is a
 * collection of the same kind.
 */
export const calls: Record<string, unknown[]> = {
  createCollection: ['new', { dimension: 2 }],
  getCollectionInfo: ['things'],
  getCollection: ['things'],
  updateCollection: ['things', { description: null }],
  renameCollection: ['things', 'new'],
  reindexCollection: ['things', { m: 8 }],
  deleteCollection: ['things'],
  insertVectors: ['things', [{ id: 'n', data: [1, 2] }], { onProgress: () => {} }],
  insertText: ['things', 'text', { a: 1 }, { expires_at: null }],
  batchInsertText: ['things', ['text'], [{ a: 1 }]],
  insertTexts: ['things', [{ id: 'n', text: 'text' }]],
  getVector: ['things', 'a'],
  listVectors: ['things', 0, 10],
  scanVectors: ['things', { limit: 3 }],
  count: ['things', { name: 'a' }],
  updateVector: ['things', 'a', { data: [3, 4] }],
  batchUpdateVectors: ['things', [{ id: 'a', data: [3, 4] }], { onProgress: () => {} }],
  bulkUpdateMetadata: ['things', { name: 'a' }, { name: 'b' }, { atMost: 1 }],
  moveToCollection: ['things', 'others', ['a'], { atMost: 1 }],
  copyVectors: ['things', 'others', { filter: { name: 'a' } }, { overwrite: true }],
  setVectorExpiry: ['things', 'a', null],
  setCollectionTtl: ['things', null],
  search: ['things', [1, 2], { limit: 3 }],
  searchVectors: ['things', { query_vector: [1, 2] }],
  searchText: ['things', { query: 'text' }],
  searchBatch: ['things', [[1, 2], 'text'], { limit: 3 }],
  deleteVector: ['things', 'a'],
  batchDelete: ['things', ['a'], { atMost: 1 }],
  deleteVectors: ['things', ['a'], { expect: 1 }],
  deleteByFilter: ['things', { name: 'a' }, { dryRun: false, atMost: 1, expect: 1 }],
  replace: ['things', { name: 'a' }, [{ id: 'a', data: [1, 2], metadata: { name: 'a' } }], { atMost: 1 }],
  optimize: ['things', { onProgress: () => {} }],
}

class Instance {
  id = 'a'
  name = 'a'
}

/** Values that are valid arguments of hardly any call. */
export const wrong: Record<string, unknown> = {
  undefined: undefined,
  null: null,
  'a number': 5,
  NaN: Number.NaN,
  'a string': 'wrong',
  'an array': [{}],
  'an object': { wrong: {} },
  'a function': () => 'a',
  'a symbol': Symbol('a'),
  'a bigint': 5n,
  'a class instance': new Instance(),
  'a Map': new Map([['name', 'a']]),
}

/** The exceptions, in which such a value is valid: left out, another form, or a name not in use. */
export const allowed = new Set([
  'createCollection 0 a string',
  'renameCollection 1 a string',
  'reindexCollection 1 undefined',
  'insertText 1 a string',
  'insertText 2 undefined',
  'insertText 2 null',
  'insertText 2 an object',
  'insertText 3 undefined',
  'batchInsertText 2 undefined',
  'listVectors 1 undefined',
  'listVectors 2 undefined',
  'listVectors 1 null',
  'listVectors 2 null',
  'listVectors 1 a number',
  'listVectors 2 a number',
  'scanVectors 1 undefined',
  'count 1 undefined',
  'batchUpdateVectors 2 undefined',
  'bulkUpdateMetadata 2 an object',
  'bulkUpdateMetadata 3 undefined',
  'moveToCollection 3 undefined',
  'copyVectors 3 undefined',
  'setVectorExpiry 2 null',
  'setVectorExpiry 2 a number',
  'setCollectionTtl 1 null',
  'setCollectionTtl 1 a number',
  'search 1 a string',
  'search 2 undefined',
  'searchBatch 2 undefined',
  'insertVectors 2 undefined',
  'optimize 1 undefined',
  'batchInsertText 2 an array',
  'batchDelete 2 undefined',
  'deleteVectors 2 undefined',
  'deleteByFilter 2 undefined',
  'replace 3 undefined',
])
