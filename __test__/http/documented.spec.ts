// The curl lines of the documentation page "Deleting Vectors", as they are written there, in a shell.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { idsOf } from '../support/collections'
import { commandServing, serving } from '../support/http'

const DELETE_ONE = `curl -X DELETE http://localhost:15002/collections/my_collection/vectors/vec_001`

const DELETE_MANY = `curl -X POST http://localhost:15002/collections/my_collection/batch_delete \\
  -H "Content-Type: application/json" \\
  -d '{
    "ids": ["vec_001", "vec_002", "vec_003"]
  }'`

const DELETE_BY_FILTER = `curl -X POST http://localhost:15002/collections/my_collection/delete_by_filter \\
  -H "Content-Type: application/json" \\
  -d '{
    "filter": {
      "category": "old_docs"
    }
  }'`

const vectors = [
  { id: 'vec_001', vector: [0.9, 0.1, 0, 0], metadata: { category: 'news' } },
  { id: 'vec_002', vector: [0.8, 0.2, 0, 0], metadata: { category: 'old_docs' } },
  { id: 'vec_003', vector: [0, 0, 1, 0.5], metadata: { category: 'old_docs' } },
  { id: 'vec_004', vector: [0, 1, 1, 0.5], metadata: { category: 'docs' } },
]

/** Runs a line in a shell, with nothing changed but where the server is. */
async function shell(line: string, port: number | string) {
  const there = line.replaceAll('localhost:15002', `localhost:${port}`)
  const child = spawn('bash', ['-c', there], { stdio: ['ignore', 'pipe', 'ignore'] })
  let stdout = ''
  child.stdout.on('data', (part) => {
    stdout += part
  })
  const [code] = await once(child, 'close')
  return { code, answer: JSON.parse(stdout) }
}

async function documented() {
  const { client, server } = await serving()
  await client.createCollection('my_collection', { dimension: 4 })
  const rows = vectors.map(({ vector, ...rest }) => ({ ...rest, data: vector }))
  await client.insertVectors('my_collection', rows)
  return { client, port: server.port, left: () => idsOf(client, 'my_collection') }
}

describe('the documented line to', () => {
  test('delete a single vector deletes it, and fails to do so twice', async () => {
    const { client, port, left } = await documented()
    expect(await shell(DELETE_ONE, port)).toStrictEqual({
      code: 0,
      answer: { success: true, message: "vector 'vec_001' deleted from collection 'my_collection'" },
    })
    expect(await left()).toStrictEqual(['vec_002', 'vec_003', 'vec_004'])
    await expect(client.getVector('my_collection', 'vec_001')).rejects.toMatchObject({
      code: 'VECTOR_NOT_FOUND',
    })

    const again = await shell(DELETE_ONE, port)
    expect(again).toMatchObject({ code: 0, answer: { error: { code: 'VECTOR_NOT_FOUND' } } })
    expect(await left()).toStrictEqual(['vec_002', 'vec_003', 'vec_004'])
  })

  test('delete multiple vectors deletes each of them, and says so row by row', async () => {
    const { port, left } = await documented()
    expect(await shell(DELETE_MANY, port)).toStrictEqual({
      code: 0,
      answer: {
        collection: 'my_collection',
        count: 3,
        deleted: 3,
        failed: 0,
        results: [
          { id: 'vec_001', index: 0, status: 'ok' },
          { id: 'vec_002', index: 1, status: 'ok' },
          { id: 'vec_003', index: 2, status: 'ok' },
        ],
      },
    })
    expect(await left()).toStrictEqual(['vec_004'])
  })

  test('delete multiple vectors after one of them tells that it was missing', async () => {
    const { port, left } = await documented()
    await shell(DELETE_ONE, port)
    expect(await shell(DELETE_MANY, port)).toMatchObject({
      code: 0,
      answer: {
        deleted: 2,
        failed: 1,
        results: [
          { id: 'vec_001', index: 0, status: 'error', error: 'vector not found' },
          { id: 'vec_002', status: 'ok' },
          { id: 'vec_003', status: 'ok' },
        ],
      },
    })
    expect(await left()).toStrictEqual(['vec_004'])
  })

  test('delete by filter deletes what matches, and nothing else', async () => {
    const { client, port, left } = await documented()
    expect(await shell(DELETE_BY_FILTER, port)).toStrictEqual({
      code: 0,
      answer: {
        scanned: 4,
        matched: 2,
        deleted: 2,
        results: [
          { id: 'vec_002', status: 'deleted' },
          { id: 'vec_003', status: 'deleted' },
        ],
      },
    })
    expect(await left()).toStrictEqual(['vec_001', 'vec_004'])
    expect(await client.count('my_collection', { category: 'old_docs' })).toBe(0)

    expect(await shell(DELETE_BY_FILTER, port)).toStrictEqual({
      code: 0,
      answer: { scanned: 2, matched: 0, deleted: 0, results: [] },
    })
  })
})

test('the documented lines work in a row with the package’s command', async () => {
  const { url, ask } = await commandServing()
  const { port } = new URL(url)
  await ask('POST', '/collections', { name: 'my_collection', dimension: 4 })
  await ask('POST', '/collections/my_collection/batch_insert', { vectors })
  const answers = []
  for (const line of [DELETE_ONE, DELETE_BY_FILTER, DELETE_MANY]) answers.push(await shell(line, port))
  expect(answers).toMatchObject([
    { code: 0, answer: { success: true } },
    { code: 0, answer: { scanned: 3, matched: 2, deleted: 2 } },
    { code: 0, answer: { count: 3, deleted: 0, failed: 3 } },
  ])
  const { json } = await ask('GET', '/collections/my_collection/vectors')
  expect(json.vectors.map(({ id }: { id: string }) => id)).toStrictEqual(['vec_004'])
})

test('these are the lines of the page, and all of them', () => {
  const page = join(__dirname, '..', '..', '..', 'shared', 'seed', '000_b0708269d1d242d0.txt')
  // The page is not part of the package.
  if (!existsSync(page)) return
  const blocks = readFileSync(page, 'utf8').matchAll(/^```bash\n(.*?)\n```$/gms)
  expect(Array.from(blocks, ([, block]) => block)).toStrictEqual([DELETE_ONE, DELETE_MANY, DELETE_BY_FILTER])
})
