// Worker threads, processes that end in the middle of work, clients that nobody holds.
import { once } from 'node:events'
import { idsOf, client as opened } from '../support/collections'
import { answer, packagePath, run, work } from '../support/processes'

test('workers on one store each leave exactly what they did', async () => {
  const shared = 'threads.spec model'
  const client = opened({ shared })
  await client.createCollection('things', { dimension: 4 })
  // Each worker has ids of its own, and all of them fight over one.
  const script = `
    const client = new vectorizer.VectorizerClient({ shared: workerData.shared })
    const model = {}
    let state = workerData.me + 1
    const random = (below) => (state = (state * 48271) % 2147483647) % below
    for (let step = 0; step < 400; step++) {
      const id = workerData.me + ' ' + random(50)
      const kind = random(5)
      if (kind < 2) {
        await client.insertVectors('things', [{ id, data: [1, 2, 3, step], metadata: { step } }])
        model[id] = step
      } else if (kind === 2) {
        const { deleted } = await client.batchDelete('things', [id])
        if (deleted !== (id in model ? 1 : 0)) throw new Error('wrong report')
        delete model[id]
      } else if (kind === 3) {
        await client.insertVectors('things', [{ id: 'all', data: [1, 1, 1, workerData.me + 1], metadata: { me: workerData.me } }])
      } else {
        const found = await client.search('things', [1, 2, 3, step], { limit: 100 })
        for (const one of found) {
          if (one.id.startsWith(workerData.me + ' ') && model[one.id] !== one.metadata.step) throw new Error('stale')
        }
      }
    }
    await client.close()
    parentPort.postMessage(model)
  `
  const workers = [0, 1, 2, 3].map((me) => work(script, { shared, me }))
  const models = await Promise.all(workers.map(answer))

  const all = await client.search('things', '', { limit: 1000, with_vector: true })
  const contended = all.find(({ id }) => id === 'all')
  const steps = all.filter(({ id }) => id !== 'all').map(({ id, metadata }) => [id, metadata?.step])
  expect(Object.fromEntries(steps)).toStrictEqual(Object.assign({}, ...models))
  expect(contended?.data?.[3]).toBe((contended?.metadata?.me as number) + 1)
})

test('a vector deleted by one thread is at once found by no other', async () => {
  const shared = 'threads.spec visible'
  const client = opened({ shared })
  await client.createCollection('things', { dimension: 2 })
  const worker = work(
    `
    const client = new vectorizer.VectorizerClient({ shared: workerData })
    parentPort.on('message', async (id) => {
      if (id === 'end') return parentPort.close()
      await client.deleteVector('things', id)
      parentPort.postMessage(id)
    })
  `,
    shared,
  )
  for (let i = 0; i < 200; i++) {
    await client.insertVectors('things', [{ id: `${i}`, data: [1, i] }])
    worker.postMessage(`${i}`)
    await once(worker, 'message')
    expect(await client.count('things')).toBe(0)
    expect(await client.search('things', [1, i])).toStrictEqual([])
  }
  const exited = once(worker, 'exit')
  worker.postMessage('end')
  expect(await exited).toStrictEqual([0])
})

test('the default clients of two threads do not see each other', async () => {
  const script = `
    await vectorizer.createCollection('things', { dimension: 2 })
    await vectorizer.insertVectors('things', [{ id: String(workerData), data: [1, 2] }])
    const found = await vectorizer.search('things', '')
    parentPort.postMessage(found.map(({ id }) => id))
  `
  const answers = await Promise.all([1, 2, 3].map((me) => answer(work(script, me))))
  expect(answers).toStrictEqual([['1'], ['2'], ['3']])
})

test('a worker that is terminated in the middle of work leaves whole batches, and the others go on', async () => {
  const shared = 'threads.spec terminate'
  const client = opened({ shared })
  await client.createCollection('things', { dimension: 64 })
  for (let round = 0; round < 4; round++) {
    const worker = work(
      `
      const client = new vectorizer.VectorizerClient({ shared: workerData })
      for (let i = 0; ; i++) {
        const ids = Array.from({ length: 300 }, (_, n) => workerData + i + ' ' + n)
        const inserting = client.insertVectors('things', { ids, data: new Float32Array(300 * 64).fill(i + 1) })
        client.search('things', new Float32Array(64).fill(1), { with_vector: true })
        client.batchDelete('things', ids.slice(0, 0))
        client.optimize('things').catch(() => {})
        if (i % 2 === 1) await inserting
        if (i === 2 + 2 * ${round}) parentPort.postMessage('busy')
      }
    `,
      shared,
    )
    await once(worker, 'message')
    await worker.terminate()
    expect((await client.count('things')) % 300).toBe(0)
    await client.insertVectors('things', [{ id: 'after', data: new Float32Array(64).fill(1) }])
    await client.deleteVector('things', 'after')
  }
  await client.optimize('things')
  expect((await idsOf(client)).length % 300).toBe(0)
})

test('calls of a client that nobody holds any more are settled', async () => {
  const script = `
    const { setFlagsFromString } = require('node:v8')
    setFlagsFromString('--expose-gc')
    const collect = require('node:vm').runInNewContext('gc')
    const { VectorizerClient } = require(${JSON.stringify(packagePath)})
    async function begin() {
      const client = new VectorizerClient()
      await client.createCollection('things', { dimension: 64 })
      const ids = Array.from({ length: 1500 }, (_, i) => String(i))
      const data = Float32Array.from({ length: 1500 * 64 }, Math.random)
      await client.insertVectors('things', { ids, data })
      return { calls: [
        client.insertVectors('things', { ids, data }),
        client.search('things', data.slice(0, 64)),
        client.batchDelete('things', ids.slice(0, 1000)),
        client.listVectors('things', 0, 3000),
        client.optimize('things'),
      ] }
    }
    ;(async () => {
      for (let round = 0; round < 3; round++) {
        const { calls } = await begin()
        collect()
        const outcomes = await Promise.allSettled(calls)
        collect()
        const wrong = outcomes.filter((one) => one.status === 'rejected' && one.reason.code !== 'CLIENT_CLOSED')
        console.log(outcomes.length, wrong.map((one) => one.reason.message).join())
      }
    })()
  `
  expect(await run(script)).toStrictEqual({ code: 0, signal: null, stdout: '5 \n'.repeat(3), stderr: '' })
})

test.each([
  ['inserts', "client.insertVectors('things', { ids, data })", 0],
  ['the building of an index', "client.optimize('things')", 30],
  ['searches', "client.search('things', data.slice(0, 64), { limit: 5000, with_vector: true })", 0],
  ['deletes', "client.deleteByFilter('things', { none: { $exists: false } })", 0],
  ['reading a large list', "client.listVectors('things', 0, 5000)", 3],
])('process.exit in the middle of %s exits with its code', async (_, call, wait) => {
  const script = `
    const { VectorizerClient } = require(${JSON.stringify(packagePath)})
    const client = new VectorizerClient()
    const ids = Array.from({ length: 5000 }, (_, i) => String(i))
    const data = Float32Array.from({ length: 5000 * 64 }, Math.random)
    ;(async () => {
      await client.createCollection('things', { dimension: 64 })
      await client.insertVectors('things', { ids, data })
      for (let i = 0; i < 10; i++) ${call}
      setTimeout(() => process.exit(7), ${wait})
    })()
  `
  expect(await run(script)).toStrictEqual({ code: 7, signal: null, stdout: '', stderr: '' })
})

test('a worker that exits in the middle of work does not take the process with it', async () => {
  const code = `
    const { VectorizerClient } = require(${JSON.stringify(packagePath)})
    const client = new VectorizerClient()
    client.createCollection('things', { dimension: 64 }).then(() => {
      const ids = Array.from({ length: 3000 }, (_, i) => String(i))
      client.insertVectors('things', { ids, data: new Float32Array(3000 * 64).fill(1) })
      client.optimize('things')
      process.exit(5)
    })
  `
  const script = `
    const { Worker } = require('node:worker_threads')
    let left = 6
    for (let i = 0; i < 6; i++) {
      new Worker(${JSON.stringify(code)}, { eval: true }).on('exit', (code) => {
        left -= 1
        if (code !== 5 || left === 0) console.log(code, left)
      })
    }
  `
  expect(await run(script)).toStrictEqual({ code: 0, signal: null, stdout: '5 0\n', stderr: '' })
})
