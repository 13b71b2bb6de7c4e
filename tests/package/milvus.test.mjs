// The client of a distributed engine as a service uses it: it differs from the embedded one by one
// line.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { here, node, projectWithoutPeers, temporaryFolder } from './support.mjs'

const root = join(here, '..', '..')
/** Where `scripts/milvus-lite.mjs` installs Milvus Lite, if there is a suitable Python. */
const environment = join(root, 'target', 'milvus-lite')
const python = join(environment, process.platform === 'win32' ? 'Scripts' : 'bin', 'python')

const data = join(temporaryFolder('milvus'), 'data')

/** A server, and a function that stops it. */
async function started() {
  const script = join(root, '__test__', 'milvus', 'server.py')
  const server = spawn(python, [script, data, '0'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(server, 'exit')
  const [port] = await Promise.race([once(server.stdout, 'data'), ended])
  const end = async () => {
    server.stdin.end()
    await ended
  }
  return { address: `127.0.0.1:${Number(port)}`, end }
}

/** What a service does with the client it is given. */
const service = `
export async function lived(client) {
  await client.createCollection('notes', { dimension: 64 })
  await client.insertTexts('notes', [
    { id: 'a', text: 'herons stand in the reeds', metadata: { author: { id: 'u1' }, at: '2024-05-01' } },
    { id: 'b', text: 'a ferry crosses the lake', metadata: { author: { id: 'u2' }, at: '2019-05-01' } },
    { id: 'c', text: 'the reeds are cut in winter', metadata: { author: { id: 'u2' }, at: '2024-06-01' } },
  ])
  const [nearest] = await client.search('notes', 'herons in the reeds', { limit: 1 })
  const old = await client.deleteByFilter('notes', { at: { $lt: new Date('2020-01-01') } })
  const { results } = await client.batchDelete('notes', ['c', 'nobody'])
  const missing = await client.deleteVector('notes', 'c').catch((error) => error.code)
  const left = (await client.listVectors('notes')).vectors.map(({ id }) => id)
  await client.deleteCollection('notes')
  await client.close()
  return JSON.stringify([nearest.id, old, results, missing, left])
}`

/** With the NODE_ENV that Jest sets, the engine's client would log all its arguments. */
const env = { ...process.env, NODE_ENV: 'test' }

/** A program that consists of the service and a line of code that creates its client. */
function program(name, line) {
  const folder = temporaryFolder('service')
  writeFileSync(join(folder, 'service.mjs'), service)
  writeFileSync(join(folder, name), line)
  return node([name], { cwd: folder, env })
}

if (!existsSync(python) && !process.env.CI) {
  test('the client of Milvus', { skip: 'Milvus Lite is not installed: node scripts/milvus-lite.mjs' })
} else {
  describe('a service', () => {
    let address
    let end
    before(async () => {
      ;({ address, end } = await started())
    })
    after(() => end())

    test('does the same with either client, in either format', async () => {
      const of = (make) => `console.log(await lived(${make}))`
      const imports = "import { lived } from './service.mjs'\n"
      const embedded = await program(
        'embedded.mjs',
        `${imports}import { VectorizerClient } from 'vectorizer-native'\n${of('new VectorizerClient()')}`,
      )
      assert.deepEqual([embedded.code, embedded.stderr], [0, ''])
      assert.match(embedded.stdout, /^\["a",\{"scanned":3,"matched":1,"deleted":1/)

      const make = `new MilvusVectorizerClient({ address: '${address}' })`
      const esm = await program(
        'distributed.mjs',
        `${imports}import { MilvusVectorizerClient } from 'vectorizer-native/milvus'\n${of(make)}`,
      )
      assert.deepEqual(esm, embedded)
      const cjs = await program(
        'distributed.cjs',
        `const { MilvusVectorizerClient } = require('vectorizer-native/milvus')
         import('./service.mjs').then(async ({ lived }) => ${of(make)})`,
      )
      assert.deepEqual(cjs, embedded)
    })

    test('that its client is not closed by ends all the same', async () => {
      const ended = await program(
        'open.mjs',
        `import { MilvusVectorizerClient } from 'vectorizer-native/milvus'
         const client = new MilvusVectorizerClient({ address: '${address}' })
         console.log(await client.listCollections())`,
      )
      assert.deepEqual(ended, { code: 0, signal: null, stdout: '[]\n', stderr: '' })
    })

    test('has its LangChain store there as well', async () => {
      const ended = await program(
        'store.mjs',
        `import { FakeEmbeddings } from '@langchain/core/utils/testing'
         import { VectorizerVectorStore } from 'vectorizer-native/langchain'
         import { MilvusVectorizerClient } from 'vectorizer-native/milvus'
         const client = new MilvusVectorizerClient({ address: '${address}' })
         const store = new VectorizerVectorStore(new FakeEmbeddings(), { client, collection: 'documents' })
         await store.addDocuments([
           { id: 'a', pageContent: 'one', metadata: { lang: 'en' } },
           { id: 'b', pageContent: 'zwei', metadata: { lang: 'de' } },
         ])
         await store.delete({ filter: { lang: 'de' } })
         const found = await store.similaritySearch('one', 5)
         console.log(JSON.stringify(found))
         await client.deleteCollection('documents')
         await client.close()`,
      )
      const document = { pageContent: 'one', metadata: { lang: 'en' }, id: 'a' }
      assert.deepEqual([ended.code, ended.stderr], [0, ''])
      assert.deepEqual(JSON.parse(ended.stdout), [document])
    })

    test('as docs/scaling-out.md has it', async () => {
      const folder = temporaryFolder('documented')
      const page = readFileSync(
        join(here, 'node_modules', 'vectorizer-native', 'docs', 'scaling-out.md'),
        'utf8',
      )
      const [, store] = page.match(/```js\n(\/\/ store\.js\n[^`]*)```/)
      writeFileSync(join(folder, 'store.mjs'), store)
      writeFileSync(
        join(folder, 'service.mjs'),
        `import { client } from './store.mjs'
         await client.createCollection('documented', { dimension: 2 })
         console.log(client.constructor.name, await client.count('documented'))
         await client.deleteCollection('documented')
         await client.close()`,
      )
      const distributed = await node(['service.mjs'], {
        cwd: folder,
        env: { ...env, MILVUS_ADDRESS: address },
      })
      assert.deepEqual([distributed.stdout, distributed.stderr], ['MilvusVectorizerClient 0\n', ''])
      const embedded = await node(['service.mjs'], { cwd: folder })
      assert.deepEqual([embedded.stdout, embedded.stderr], ['VectorizerClient 0\n', ''])
    })
  })
}

test('without @zilliz/milvus2-sdk-node, a client says what to install', async () => {
  const script = `
    const { MilvusVectorizerClient } = require('vectorizer-native/milvus')
    const { VectorizerError } = require('vectorizer-native')
    const client = new MilvusVectorizerClient({ address: 'localhost:1' })
    client.ready().catch((error) => console.log(error instanceof VectorizerError, error.code, error.message))`
  const ended = await node(['-e', script], { cwd: projectWithoutPeers() })
  const message =
    'vectorizer-native/milvus needs @zilliz/milvus2-sdk-node: npm install @zilliz/milvus2-sdk-node'
  assert.deepEqual(ended, {
    code: 0,
    signal: null,
    stdout: `true MODULE_NOT_FOUND ${message}\n`,
    stderr: '',
  })
})
