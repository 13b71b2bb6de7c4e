// How servers end: with what is under way, with their process, with their thread.
import { once } from 'node:events'
import { createServer } from 'node:net'
import { idsOf } from '../support/collections'
import { ask, ended, inFlight, scripted, serving, servingThings } from '../support/http'
import { work } from '../support/processes'
import { jsonLines, lines, Wire } from '../support/wire'

describe('a server that is closed', () => {
  test('answers what is under way before it has closed', async () => {
    const { server, client } = await servingThings()
    const wires = await Promise.all(Array.from({ length: 5 }, () => Wire.to(server)))
    for (const [i, wire] of wires.entries()) {
      const all = jsonLines('POST', '/collections/things/insert', { id: `${i}`, vector: [1, i] })
      wire.say(...all.slice(0, -1), '')
    }
    await inFlight(server.url, 5)
    const closing = server.close()
    await ended(server.url)
    for (const [i, wire] of wires.entries()) wire.say(JSON.stringify({ id: `${i}`, vector: [1, i] }))
    const answers = await Promise.all(wires.map((wire) => wire.answer()))
    expect(answers.map((answer) => answer?.status)).toStrictEqual(Array(5).fill(200))
    await closing
    expect((await idsOf(client)).sort()).toStrictEqual(['0', '1', '2', '3', '4'])
  })

  test('gives up after shutdownTimeout on what is under way', async () => {
    const { server, client } = await servingThings([], { shutdownTimeout: 50 })
    const wire = await Wire.to(server)
    wire.say(
      ...lines('POST', '/collections/things/insert', {
        'content-type': 'application/json',
        'content-length': 9,
      }),
    )
    await inFlight(server.url, 1)
    await server.close()
    expect(await wire.answer()).toBeUndefined()
    expect(await client.count('things')).toBe(0)
  })

  test('gives up after shutdownTimeout on an embedder that never answers', async () => {
    const { server, client, ask } = await serving(
      { shutdownTimeout: 50 },
      { embedder: () => new Promise(() => {}) },
    )
    const outcome = ask('POST', '/embed', { text: 'a' }).catch((error) => error)
    await inFlight(server.url, 1)
    await server.close()
    expect(await outcome).toMatchObject({ code: 'ECONNRESET' })
    await client.close()
  })

  test('by the embedder that it asks still answers', async () => {
    let closing: Promise<unknown> | undefined
    const { client, ask }: Awaited<ReturnType<typeof serving>> = await serving(
      {},
      {
        embedder: (texts) => {
          closing = client.close()
          return texts.map(() => [1, 2])
        },
      },
    )
    expect((await ask('POST', '/embed', { text: 'a' })).json).toMatchObject({ embedding: [1, 2] })
    await closing
  })

  test('closes connections on which nothing is under way', async () => {
    const { server } = await serving()
    const wire = await Wire.to(server)
    wire.say(...lines('GET', '/health'))
    expect((await wire.answer())?.status).toBe(200)
    await server.close()
    await wire.end()
  })
})

describe('a process', () => {
  const clean = { code: 0, signal: null, stderr: '' }

  test('lives until its server is closed, and no longer', async () => {
    const running = scripted(`
      client.serve({ port: 0 }).then(({ url }) => console.log(url))
      process.once('SIGUSR2', () => client.close())
    `)
    const url = await running.url()
    for (let i = 0; i < 20; i++) expect((await ask(url, 'GET', '/health')).status).toBe(200)
    running.child.kill('SIGUSR2')
    expect(await running.ended).toMatchObject(clean)
  })

  test('lives though nobody holds its server and its client any more', async () => {
    const running = scripted(`
      require('node:v8').setFlagsFromString('--expose-gc')
      const collect = require('node:vm').runInNewContext('gc')
      const embedder = () => { collect(); return [[1, 2]] }
      new VectorizerClient({ embedder }).serve({ port: 0 }).then(({ url }) => console.log(url))
    `)
    const url = await running.url()
    for (let i = 0; i < 10; i++) {
      expect(await ask(url, 'POST', '/embed', { text: 'collect' })).toMatchObject({
        status: 200,
        json: { embedding: [1, 2] },
      })
    }
    expect(running.child.exitCode).toBeNull()
  })

  test('ends when the last of its servers is closed', async () => {
    const running = scripted(`
      const serving = [0, 0, 0].map((port) => client.serve({ port }))
      Promise.all(serving).then(async (servers) => {
        for (const server of servers) {
          await server.close()
          console.log('closed')
        }
      })
    `)
    expect(await running.ended).toMatchObject({ ...clean, stdout: 'closed\n'.repeat(3) })
  })

  test('ends though an embedder never answers', async () => {
    const running = scripted(`
      const embedder = () => new Promise(() => {})
      const served = new VectorizerClient({ embedder })
      served.serve({ port: 0, shutdownTimeout: 50 }).then(({ url }) => console.log(url))
      process.once('SIGUSR2', () => served.close())
    `)
    const url = await running.url()
    const outcome = ask(url, 'POST', '/embed', { text: 'a' }).catch((error) => error)
    await inFlight(url, 1)
    running.child.kill('SIGUSR2')
    expect(await running.ended).toMatchObject(clean)
    expect(await outcome).toMatchObject({ code: 'ECONNRESET' })
  })

  test('ends where serving failed', async () => {
    const running = scripted(`
      client.serve({ port: 0, host: '0.0.0.0' }).catch(({ code }) => console.log(code))
    `)
    expect(await running.ended).toMatchObject({ ...clean, stdout: 'VALIDATION_ERROR\n' })
  })

  test.each([
    ['inserts', "ask('/collections/things/insert', JSON.stringify({ vector }))"],
    [
      'searches',
      "ask('/collections/things/search', JSON.stringify({ vector, limit: 5000, with_vector: true }))",
    ],
    ['deletes', `ask('/collections/things/delete_by_filter', '{"filter":{"none":{"$exists":false}}}')`],
    ['embeddings', `ask('/embed', '{"text":"a"}')`],
  ])('that exits in the middle of %s exits with its code', async (_, asked) => {
    const running = scripted(`
      const { request } = require('node:http')
      const vector = Array(64).fill(0.5)
      const data = Float32Array.from({ length: 5000 * 64 }, Math.random)
      const ids = Array.from({ length: 5000 }, (_, i) => String(i))
      const embedder = async (texts) => texts.map(() => vector)
      const served = new VectorizerClient({ embedder })
      served.createCollection('things', { dimension: 64 }).then(async () => {
        await served.insertVectors('things', { ids, data })
        const { port } = await served.serve({ port: 0 })
        let answered = 0
        const ask = (path, body) => {
          const headers = { 'content-type': 'application/json' }
          const asking = request({ port, host: '127.0.0.1', method: 'POST', path, headers }, (response) => {
            response.resume()
            if (++answered === 5) process.exit(7)
          })
          asking.on('error', () => {})
          asking.end(body)
        }
        for (let i = 0; i < 50; i++) ${asked}
      })
    `)
    expect(await running.ended).toStrictEqual({ code: 7, signal: null, stdout: '', stderr: '' })
  })
})

describe('a worker thread', () => {
  const serve = `
    const client = new vectorizer.VectorizerClient({ embedder: (texts) => texts.map(() => [1, 2]) })
    const { url } = await client.serve({ port: 0 })
    parentPort.postMessage(url)
  `

  test('that is terminated frees the ports of its servers, also under load', async () => {
    for (let round = 0; round < 5; round++) {
      const worker = work(serve)
      const [url] = await once(worker, 'message')
      const asked = Array.from({ length: 50 }, () =>
        ask(url, 'POST', '/embed', { text: 'a' }).catch(() => undefined),
      )
      await asked[0]
      await worker.terminate()
      await Promise.all(asked)
      await ended(url)
      await once(
        createServer()
          .listen(Number(new URL(url).port), '127.0.0.1')
          .unref(),
        'listening',
      )
    }
  })

  test('that exits takes its servers with it, and not those of others', async () => {
    const worker = work(`${serve}; parentPort.once('message', () => process.exit(3))`)
    const [url] = await once(worker, 'message')
    const { ask: askOther } = await serving()
    const exited = once(worker, 'exit')
    worker.postMessage('exit')
    expect(await exited).toStrictEqual([3])
    await ended(url)
    expect((await askOther('GET', '/health')).status).toBe(200)
  })
})
