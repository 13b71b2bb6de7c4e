// One interface types the embedded client and that of the engine: a service is given either.
// Compiled, never run.
import {
  migrate,
  PartialWriteError,
  TooManyMatchesError,
  type Vectorizer,
  VectorizerClient,
} from 'vectorizer-native'
import { type DeleteProgress, MilvusVectorizerClient } from 'vectorizer-native/milvus'

declare const embedded: VectorizerClient
declare const distributed: MilvusVectorizerClient

/** A service's code, which knows neither. */
async function forget(client: Vectorizer, owner: string) {
  const { deleted, results } = await client.deleteByFilter('notes', { owner }, { dryRun: false })
  const { failed } = await client.batchDelete('notes', ['a', 'b'])
  await client.deleteVector('notes', 'c')
  const [first] = await client.search('notes', 'text', { filter: { owner }, limit: 1 })
  return [deleted, failed, results.length, first?.score]
}
forget(embedded, 'me')
forget(distributed, 'me')
const either: Vectorizer[] = [embedded, distributed]

/** Deletes for a day, if that is possible. */
async function remove(client: Vectorizer, id: string) {
  const { undo } = await client.deleteVector('notes', id, { undo: '1d' })
  return () => client.undelete('notes', undo.token)
}
remove(embedded, 'a')
remove(distributed, 'a')
distributed.batchDelete('notes', ['a'], { undo: '1d' }).then(({ undo }) => undo?.token)
migrate(embedded, distributed, { onProgress: ({ phase, done, total }) => [phase, done / total] })
migrate(distributed, embedded, { collections: ['notes'], prune: true })

// Beside what both have, each has something of its own.
distributed.batchDelete('notes', ['a'], { onProgress: ({ phase }: DeleteProgress) => phase })
new MilvusVectorizerClient({ address: 'localhost:19530', token: 'user:password', database: 'app' })
embedded.serve({ port: 0 })
VectorizerClient.restoreBackup('file', 'path')
// @ts-expect-error An address there must be.
new MilvusVectorizerClient({ token: 'user:password' })
// @ts-expect-error The engine has no path.
new MilvusVectorizerClient({ address: 'localhost:19530', path: './data' })
// @ts-expect-error What is restored is a store on disk.
MilvusVectorizerClient.restoreBackup
// @ts-expect-error No client is without deletes.
const incomplete: Vectorizer = { search: embedded.search.bind(embedded) }

function told(error: unknown) {
  if (error instanceof TooManyMatchesError) {
    if ('inserted' in error.report) return [error.report.deleted, error.report.ids.deleted]
    if ('moved' in error.report) return error.report.results.map(({ id, status }) => [id, status])
    if ('collections' in error.report) return error.report.collections.map(({ ids }) => ids)
    if ('applied' in error.report) return error.report.results.map(({ id, status }) => [id, status])
    const { deleted, results } = error.report
    return [deleted, results.map(({ id, status }) => [id, status === 'matched'])]
  }
  if (!(error instanceof PartialWriteError)) return
  const ids: readonly string[] = error.unknown
  return 'results' in error.report ? [error.report.deleted, ids] : ids
}

export { either, incomplete, told }
