// Calls that are cancelled while they are at work: of a call whose promise rejects with the
// signal's reason nothing is left, and nothing comes after.
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { migrate, PartialWriteError, VectorizerClient } from '../..'
import { cancelled } from '../support/cancelling'
import { everything, client as opened, things } from '../support/collections'
import { directory, store } from '../support/disk'
import { packagePath, run } from '../support/processes'

// Graphs are built at a lower priority than other work, which takes long on a busy machine.
jest.setTimeout(300_000)

const COUNT = 20_000
const ids = Array.from({ length: COUNT }, (_, i) => `id ${i}`)
const data = Float32Array.from({ length: 2 * COUNT }, (_, i) => 1 + (i % 7))

describe.each(['in memory', 'on disk'])('cancelled at work (%s)', (where) => {
  const open = () => (where === 'on disk' ? store().client : opened())

  const fill = (client: VectorizerClient) =>
    client.insertVectors('things', { ids, data, metadata: ids.map((_, place) => ({ place })) })

  async function filled() {
    const client = open()
    await client.createCollection('things', { dimension: 2, metric: 'euclidean' })
    await fill(client)
    return client
  }

  test('an insert leaves nothing, however far it was', async () => {
    const client = open()
    await client.createCollection('things', { dimension: 2 })
    await cancelled(
      (signal) => client.insertVectors('things', { ids, data }, { signal }),
      () => client.batchDelete('things', ids),
    )
    expect(await client.count('things')).toBe(0)
    await client.flush()
    expect(await client.count('things')).toBe(0)
  })

  test('a delete by filter deletes nothing, and its backup is not left', async () => {
    const client = await filled()
    const backup = join(directory(), 'doomed.vecbak')
    const filter = { place: { $gte: 10 } }
    const anew = () => {
      rmSync(backup, { force: true })
      return fill(client)
    }
    await cancelled((signal) => client.deleteByFilter('things', filter, { signal }), anew)
    await cancelled((signal) => client.deleteByFilter('things', filter, { signal, backup }), anew)
    await cancelled((signal) => client.batchDelete('things', ids, { signal, backup }), anew)
    const rows = ids.slice(10).map((id, i) => ({ id, data: [i, 1], metadata: { place: i + 10 } }))
    await cancelled((signal) => client.replace('things', filter, rows, { signal }), anew)
    // The next write has waited for what they were doing.
    await client.deleteVector('things', 'id 0')
    expect(await client.count('things')).toBe(COUNT - 1)
    await client.close()
    expect(readdirSync(join(backup, '..'))).toStrictEqual([])
  })

  test('reads and work on the index end as well', async () => {
    const client = await filled()
    const queries = data.slice(0, 10_000)
    await cancelled((signal) => client.searchBatch('things', queries, { signal, limit: 100 }))
    await cancelled((signal) => client.search('things', '', { signal, filter: { place: { $gte: 0 } } }))
    await cancelled(
      (signal) => client.optimize('things', { signal }),
      () => fill(client),
    )
    expect(await client.count('things')).toBe(COUNT)
    await client.optimize('things')
  })

  test('a backup leaves no file', async () => {
    const client = await filled()
    const folder = directory()
    const target = join(folder, 'a.vecbak')
    await cancelled(
      (signal) => client.createBackup(target, { signal }),
      () => rmSync(target),
    )
    await client.close()
    expect(readdirSync(folder)).toStrictEqual([])
  })

  test('restoring leaves no store', async () => {
    const client = await filled()
    const folder = directory()
    const { file } = await client.createBackup(folder)
    const path = join(folder, 'store')
    await cancelled(
      (signal) => VectorizerClient.restoreBackup(file, path, { signal }),
      () => rmSync(path, { recursive: true }),
    )
    // It may be cleared away a moment later.
    while (existsSync(path)) await turn()
    expect((await VectorizerClient.restoreBackup(file, path, {})).vectors).toBe(COUNT)
  })

  test('what was done in the call itself is done', async () => {
    const client = open()
    await client.createCollection('things', { dimension: 1 })
    await client.insertVectors('things', [{ id: 'a', data: [1] }])
    const control = new AbortController()
    const done = client.deleteVector('things', 'a', { signal: control.signal })
    const isDone = where === 'in memory'
    if (!isDone) await done
    control.abort()
    expect(await done).toBeUndefined()
    expect(await client.count('things')).toBe(0)
  })
})

test('an insert of texts asks the embedder no further', async () => {
  const control = new AbortController()
  let asked = 0
  const client = opened({
    embedder: async (texts) => {
      asked++
      control.abort()
      return texts.map(() => [1, 2])
    },
  })
  await client.createCollection('things', { dimension: 2 })
  const texts = Array.from({ length: 1000 }, (_, i) => `text ${i}`)
  const done = client.batchInsertText('things', texts, [], { signal: control.signal })
  expect(await done.catch((error) => error)).toBe(control.signal.reason)
  await client.close()
  expect(asked).toBe(1)
})

/** An embedder whose answers the test gives, in the order in which it was asked. */
function slowEmbedder() {
  const asked: ((made: number[][] | Error) => void)[] = []
  const embedder = () =>
    new Promise<number[][]>((resolve, reject) => {
      asked.push((made) => (made instanceof Error ? reject(made) : resolve(made)))
    })
  const isAsked = async (times: number) => {
    while (asked.length < times) await turn()
  }
  return { asked, embedder, isAsked }
}

test.each([[[[1, 2]]], [new Error('too late')]])(
  'a call is cancelled at once, while its embedder takes its time, and what comes of that is ignored (%#)',
  async (made) => {
    const { asked, embedder, isAsked } = slowEmbedder()
    const client = opened({ embedder })
    await client.createCollection('things', { dimension: 2 })
    const control = new AbortController()
    const done = client.insertTexts('things', [{ id: 'a', text: 'a' }], { signal: control.signal })
    await isAsked(1)
    control.abort('enough')
    expect(await done.catch((error) => error)).toBe('enough')
    const other = client.insertText('things', 'b')
    await isAsked(2)
    for (const answer of asked.splice(0, 1)) answer(made)
    for (const answer of asked) answer([[3, 4]])
    const id = await other
    expect((await client.listVectors('things')).vectors.map((vector) => vector.id)).toStrictEqual([id])
  },
)

test('an embedder that fails rejects its call and nothing else, with a signal too', async () => {
  const script = `
    const { VectorizerClient } = require(${JSON.stringify(packagePath)})
    const client = new VectorizerClient({ embedder: async () => { throw new Error('no model') } })
    client.createCollection('things', { dimension: 2 }).then(async () => {
      const options = { signal: new AbortController().signal }
      const error = await client.search('things', 'a text', options).catch((error) => error)
      console.log(error.code)
      await client.close()
    })
  `
  expect(await run(script)).toStrictEqual({ code: 0, signal: null, stderr: '', stdout: 'EMBEDDING_ERROR\n' })
})

test('to close a client does not wait for the embedder of a call that was cancelled', async () => {
  const { embedder, isAsked } = slowEmbedder()
  const client = opened({ embedder })
  await client.createCollection('things', { dimension: 2 })
  const control = new AbortController()
  const done = client.search('things', 'a text', { signal: control.signal })
  await isAsked(1)
  control.abort()
  expect(await done.catch((error) => error)).toBe(control.signal.reason)
  await client.close()
})

test('a client that waits for its key service is waited for no longer', async () => {
  let isAsked = () => {}
  const asked = new Promise<void>((resolve) => {
    isAsked = resolve
  })
  let answer = () => {}
  const wrap = (key: Uint8Array) =>
    new Promise<Uint8Array>((resolve) => {
      answer = () => resolve(key)
      isAsked()
    })
  const client = opened({ path: join(directory(), 'store'), encryption: { wrap, unwrap: (key) => key } })
  await cancelled((signal) => client.createCollection('things', { dimension: 2, signal }))
  await asked
  answer()
  expect(await client.listCollections()).toStrictEqual([])
})

test('a server that was being started is closed', async () => {
  const client = await things()
  await cancelled((signal) => client.serve({ port: 0, signal }))
  const control = new AbortController()
  const server = await client.serve({ port: 0, signal: control.signal })
  control.abort()
  expect((await fetch(`${server.url}/health`)).status).toBe(200)
})

test('progress is told no more once a call is cancelled', async () => {
  const client = await things()
  const control = new AbortController()
  const told: unknown[] = []
  const onProgress = (progress: unknown) => {
    told.push(progress)
    control.abort()
  }
  const done = client.insertVectors('things', { ids, data }, { onProgress, signal: control.signal })
  const outcome = await done.then(
    ({ inserted }) => inserted,
    (error) => (error === control.signal.reason ? 0 : error),
  )
  expect(await client.count('things')).toBe(outcome)
  if (outcome === 0) {
    await client.flush()
    expect(told).toHaveLength(1)
  }
})

describe('a migration that is cancelled', () => {
  async function both() {
    const source = await things()
    await source.insertVectors('things', { ids: ids.slice(0, 3000), data: data.slice(0, 6000) })
    return { source, target: opened() }
  }

  test('before it has begun changes nothing', async () => {
    const { source, target } = await both()
    const signal = AbortSignal.abort('no')
    expect(await migrate(source, target, { signal }).catch((error) => error)).toBe('no')
    expect(await everything(target)).toStrictEqual([])
  })

  test('in the middle says what was done, and goes on when it is called again', async () => {
    const { source, target } = await both()
    const control = new AbortController()
    const onProgress = ({ done }: { done: number }) => {
      if (done >= 1000) control.abort('enough')
    }
    const options = { batchSize: 500, signal: control.signal, onProgress }
    const error = await migrate(source, target, options).catch((error) => error)
    expect(error).toBeInstanceOf(PartialWriteError)
    expect(error.cause).toBe('enough')
    expect(error.report.collections[0].copied).toBeLessThan(3000)
    expect(await target.count('things')).toBe(error.report.collections[0].copied)
    await migrate(source, target)
    expect(await target.count('things')).toBe(3000)
  })
})
