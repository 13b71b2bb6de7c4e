// Everything here is wrong and must not compile. A line that does compile is an error of
// its own: its directive is unused.
import {
  type ClauseFilter,
  deleteByFilter,
  type FieldOperators,
  type HttpServer,
  ValidationError,
  VectorizerClient,
} from 'vectorizer-native'

const client = new VectorizerClient()
declare const server: HttpServer
declare const variable: string | undefined

// @ts-expect-error: an id is a string
client.deleteVector('docs', 1)
// @ts-expect-error: the id is missing
client.deleteVector('docs')
// @ts-expect-error: ids are strings
client.batchDelete('docs', ['a', 2])
// @ts-expect-error: ids are an array
client.batchDelete('docs', 'a')
// @ts-expect-error: there is no delete without a filter
deleteByFilter('docs')
// @ts-expect-error: undefined would widen the filter
client.deleteByFilter('docs', { category: undefined })
// @ts-expect-error: no such operator
export const operators: FieldOperators = { $before: 1 }
// @ts-expect-error: a clause is a list
export const clause: ClauseFilter = { must: { key: 'a', match: { value: 1 } } }
// @ts-expect-error: a condition needs a test
export const condition: ClauseFilter = { must: [{ key: 'a' }] }
// @ts-expect-error: a function is no value
client.deleteByFilter('docs', { category: () => 'old' })
// @ts-expect-error: the option is dryRun
client.deleteByFilter('docs', { a: 1 }, { dry_run: true })
// @ts-expect-error: dryRun is a boolean
client.deleteByFilter('docs', { a: 1 }, { dryRun: 'yes' })
// @ts-expect-error: rows is a number
client.deleteByFilter('docs', { a: 1 }, { dryRun: true, rows: '1' })
// @ts-expect-error: there may be none
client.deleteByFilter('docs', { a: 1 }, { dryRun: true, rows: 1 }).then(({ rows }) => rows.length)
// @ts-expect-error: a batch has no dry run
client.batchDelete('docs', ['a'], { rows: 1 })
// @ts-expect-error: the option is atMost
client.deleteByFilter('docs', { a: 1 }, { at_most: 1 })
// @ts-expect-error: atMost is a number
client.batchDelete('docs', ['a'], { atMost: '1' })
// @ts-expect-error: null is no number
client.batchDelete('docs', ['a'], { expect: null })
// @ts-expect-error: one vector has no guards
client.deleteVector('docs', 'a', { expect: 1 })
// @ts-expect-error: the rows are missing
client.replace('docs', { a: 1 })
// @ts-expect-error: a row has an id
client.replace('docs', { a: 1 }, [{ data: [1], metadata: { a: 1 } }])
// @ts-expect-error: a row has values or a text
client.replace('docs', { a: 1 }, [{ id: 'a', metadata: { a: 1 } }])
const mixed = [
  { id: 'a', data: [1] },
  { id: 'b', text: 'b' },
]
// @ts-expect-error: all rows have values, or none
client.replace('docs', { a: 1 }, mixed)
// @ts-expect-error: an expiry of a row is a time, be it of a text
client.replace('docs', { a: 1 }, [{ id: 'a', text: 'a', expires_at: true }])
// @ts-expect-error: or of a vector
client.replace('docs', { a: 1 }, [{ id: 'a', data: [1], expires_at: 5n }])
// @ts-expect-error: or of the call
client.replace('docs', { a: 1 }, [], { expires_at: {} })
// @ts-expect-error: undefined would widen the filter
client.replace('docs', { a: undefined }, [])
// @ts-expect-error: rows are a list, and not an option
client.replace('docs', { a: 1 }, { dryRun: true })
// @ts-expect-error: it makes no backup
client.replace('docs', { a: 1 }, [], { backup: 'a.vecbak' })
// @ts-expect-error: the patch is missing
client.bulkUpdateMetadata('docs', { a: 1 })
// @ts-expect-error: a patch is an object
client.bulkUpdateMetadata('docs', { a: 1 }, 'a')
// @ts-expect-error: undefined would widen the filter
client.bulkUpdateMetadata('docs', { a: undefined }, { a: 2 })
// @ts-expect-error: a patch has no receipt
client.bulkUpdateMetadata('docs', { a: 1 }, { a: 2 }, { receipt: true })
// @ts-expect-error: an update has an id
client.batchUpdateVectors('docs', [{ data: [1] }])
// @ts-expect-error: the field is data
client.batchUpdateVectors('docs', [{ id: 'a', vector: [1] }])
// @ts-expect-error: updates have no dry run
client.batchUpdateVectors('docs', [], { dryRun: true })
// @ts-expect-error: the destination is missing
client.moveToCollection('docs', ['a'])
// @ts-expect-error: ids are an array
client.moveToCollection('docs', 'more', 'a')
// @ts-expect-error: a filter has a key of its own
client.copyVectors('docs', 'more', { a: 1 })
// @ts-expect-error: a copy erases nothing that a receipt could prove
client.copyVectors('docs', 'more', ['a'], { receipt: true })
// @ts-expect-error: a filter or ids
client.forget({})
// @ts-expect-error: and not both
client.forget({ filter: { a: 1 }, ids: ['a'] })
// @ts-expect-error: a filter has a key of its own
client.forget({ user: 'u1' })
// @ts-expect-error: collections are a list
client.forget({ ids: ['a'] }, { collections: 'docs' })
// @ts-expect-error: a receipt is there without asking
client.forget({ ids: ['a'] }, { receipt: true })
// @ts-expect-error: a reason is a text
client.deleteVector('docs', 'a', { reason: 4711 })
// @ts-expect-error: a period has a unit
client.deleteVector('docs', 'a', { undo: '24' })
// @ts-expect-error: which is one of those
client.deleteVector('docs', 'a', { undo: '24 hours' })
// @ts-expect-error: a period is no switch
client.batchDelete('docs', ['a'], { undo: true })
// @ts-expect-error: a period is no Date
client.deleteByFilter('docs', { a: 1 }, { undo: new Date() })
// @ts-expect-error: what is forgotten is gone
client.forget({ ids: ['a'] }, { undo: '24h' })
// @ts-expect-error: what is moved is there
client.moveToCollection('docs', 'more', ['a'], { undo: '24h' })
// @ts-expect-error: without undo there is none
client.deleteVector('docs', 'a').then(({ undo }) => undo)
// @ts-expect-error: nor of a collection
client.deleteCollection('docs', { reason: 'a' }).then(({ undo }) => undo)
// @ts-expect-error: there may be none, if nothing was deleted
client.batchDelete('docs', ['a'], { undo: '24h' }).then(({ undo }) => undo.token)
// @ts-expect-error: with undo there is no receipt
client.deleteVector('docs', 'a', { undo: '24h' }).then(({ receipt }) => receipt)
// @ts-expect-error: what is to be undeleted is missing
client.undelete('docs')
// @ts-expect-error: ids or a token
client.undelete('docs', { ids: ['a'] })
// @ts-expect-error: what comes back erases nothing
client.undelete('docs', ['a'], { receipt: true })
// @ts-expect-error: what is to be purged is missing
client.purgeDeleted('docs')
// @ts-expect-error: a purge has no dry run
client.purgeDeleted('docs', ['a'], { dryRun: true })
// @ts-expect-error: a receipt is asked for
client.purgeDeleted('docs', { all: true }).then(({ receipt }) => receipt.digest)
// @ts-expect-error: a part is an option
client.listDeleted('docs', 100)
// @ts-expect-error: the names of collections are not in options
client.listDeleted({ limit: 100 })
// @ts-expect-error: an update erases nothing for a reason
client.bulkUpdateMetadata('docs', { a: 1 }, { a: 2 }, { reason: 'a' })
// @ts-expect-error: empty collections have no reason
client.cleanupEmptyCollections({ reason: 'a' })
// @ts-expect-error: a ledger is signed by a function
new VectorizerClient({ path: './data', ledger: { key: 'a' } })
// @ts-expect-error: which returns bytes
new VectorizerClient({ path: './data', ledger: { sign: () => 'a' } })
// @ts-expect-error: the ledger is a file
client.getLedger('./data')
// @ts-expect-error: the new name is missing
client.renameCollection('docs')
// @ts-expect-error: a description is given or removed
client.updateCollection('docs', {})
// @ts-expect-error: nothing else can be changed
client.updateCollection('docs', { description: 'a', metric: 'cosine' })
// @ts-expect-error: no description of a new collection is none
client.createCollection('docs', { dimension: 3, description: null })
// @ts-expect-error: the parameter is ef_construction
client.reindexCollection('docs', { efConstruction: 200 })
// @ts-expect-error: a graph keeps its builder
client.reindexCollection('docs', { builder: 'own' })
// @ts-expect-error: the option is dryRun
client.cleanupEmptyCollections({ dry_run: true })
// @ts-expect-error: the dimension is missing
client.createCollection('docs', {})
// @ts-expect-error: the options are missing
client.createCollection('docs')
// @ts-expect-error: no such metric
client.createCollection('docs', { dimension: 3, metric: 'manhattan' })
// @ts-expect-error: a vector is numbers
client.insertVectors('docs', [{ data: ['1', '2'] }])
// @ts-expect-error: the data are missing
client.insertVectors('docs', [{ id: 'a' }])
// @ts-expect-error: metadata is an object
client.insertText('docs', 'text', 'metadata')
// @ts-expect-error: a time is a Date, a text or a number
client.insertVectors('docs', [{ data: [1], expires_at: 5n }])
// @ts-expect-error: a column is a list
client.insertVectors('docs', { ids: ['a'], data: [1], expires_at: new Date() })
// @ts-expect-error: one expiry is an option
client.insertText('docs', 'text', {}, new Date())
// @ts-expect-error: one text has no progress
client.insertText('docs', 'text', {}, { onProgress: () => {} })
// @ts-expect-error: never is null
client.setVectorExpiry('docs', 'a', undefined)
// @ts-expect-error: the expiry is missing
client.setVectorExpiry('docs', 'a')
// @ts-expect-error: a TTL is a number of seconds
client.setCollectionTtl('docs', '1h')
// @ts-expect-error: no TTL is null
client.setCollectionTtl('docs')
// @ts-expect-error: what is told is a number
export const told: Date = (await client.getVector('docs', 'a')).expires_at
// @ts-expect-error: the option is limit
client.search('docs', [1], { top: 5 })
// @ts-expect-error: a query is a text or a vector
client.search('docs', { text: 'a' })
// @ts-expect-error: a batch is a list of queries
client.searchBatch('docs', 'a')
// @ts-expect-error: a query is no number
client.searchBatch('docs', [1, 2])
// @ts-expect-error: a listener is a function
client.insertVectors('docs', [], { onProgress: true })
// @ts-expect-error: the field is query_vector
client.searchVectors('docs', { vector: [1] })
// @ts-expect-error: an embedder returns vectors
new VectorizerClient({ embedder: async (texts) => texts })
// @ts-expect-error: no such option
new VectorizerClient({ url: 'http://localhost' })
// @ts-expect-error: a key is bytes or a text
new VectorizerClient({ path: './data', encryption: { key: 7 } })
// @ts-expect-error: a key has a name
new VectorizerClient({ path: './data', encryption: 'a key' })
// @ts-expect-error: what is wrapped must be unwrapped
new VectorizerClient({ path: './data', encryption: { wrap: (key) => key } })
// @ts-expect-error: a service returns bytes
new VectorizerClient({ path: './data', encryption: { wrap: () => 'text', unwrap: (key) => key } })
// @ts-expect-error: a variable may not be set
new VectorizerClient({ path: './data', encryption: { key: variable } })
// @ts-expect-error: a key is an option
client.rotateKeys(new Uint8Array(32))
// @ts-expect-error: keys are within or apart
client.createBackup('./backups', { keys: 'outside' })
// @ts-expect-error: collections are a list
client.createBackup('./backups', { collections: 'docs' })
// @ts-expect-error: keys are exported to somewhere
client.exportKeys()
// @ts-expect-error: keys are in a file or a directory
VectorizerClient.restoreBackup('file', 'path', { keys: new Uint8Array(32) })
// @ts-expect-error: scores are read from results, which must be awaited
client.search('docs', [1]).length
// @ts-expect-error: a delete resolves with nothing
export const report: { deleted: number } = await client.deleteVector('docs', 'a')
// @ts-expect-error: a port is a number
client.serve({ port: '15002' })
// @ts-expect-error: a port is an option
client.serve(15002)
// @ts-expect-error: the option is apiKey
client.serve({ api_key: 'key' })
// @ts-expect-error: no such kind of log
client.serve({ log: 'xml' })
// @ts-expect-error: origins are a list
client.serve({ cors: 'https://app.example.org' })
// @ts-expect-error: a server must be awaited
client.serve().close()
// @ts-expect-error: a server keeps its port
server.port = 80
// @ts-expect-error: closing a server tells nothing
export const outcome: boolean = await server.close()
// @ts-expect-error: a code cannot be changed
new ValidationError('').code = 'X'
