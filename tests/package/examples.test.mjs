// The examples, each copied to a separate folder and run as a user would run it.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { VectorizerClient } from 'vectorizer-native'
import { readAll } from '../../scripts/read-store.mjs'
import { here, node, run, temporaryFolder } from './support.mjs'
import { typeErrors } from './types.mjs'

const examples = join(here, '..', '..', 'examples')
const projects = ['erasure-service', 'migrate', 'retention', 'semantic-search', 'sync']
const read = (...path) => readFileSync(join(...path), 'utf8')
const readJson = (...path) => JSON.parse(read(...path))

/** A copy of an example in a new folder. */
function copied(name) {
  const folder = temporaryFolder(name)
  cpSync(join(examples, name), folder, {
    recursive: true,
    filter: (path) => !/[\\/](node_modules|data|store|backups)$/.test(path),
  })
  return folder
}

const load = (folder, file) => import(pathToFileURL(join(folder, file)))

/** The code blocks of a Markdown text in one language. */
function blocks(markdown, language) {
  return [...markdown.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)]
    .filter(([, name]) => name === language)
    .map(([, , code]) => code)
}

/**
 * The files below a folder that contain one of the texts, and the vectors in its stores that do.
 */
function holding(folder, ...texts) {
  const files = readdirSync(folder, { recursive: true }).filter((name) => {
    const path = join(folder, name)
    if (!statSync(path).isFile()) return false
    const bytes = readFileSync(path)
    return texts.some((text) => bytes.includes(text))
  })
  const vectors = readAll(folder).flatMap(({ entries }) => entries)
  const known = vectors.map(({ id, metadata, text }) => `${id} ${metadata} ${text}`)
  return [...files, ...known.filter((all) => texts.some((text) => all.includes(text)))]
}

/** The result of `ask` for a client of a store, which is closed afterwards. */
async function inStore(path, ask, options = {}) {
  const client = new VectorizerClient({ path, ...options })
  try {
    return await ask(client)
  } finally {
    await client.close()
  }
}

/** The ids in a collection of a store. */
const idsIn = (path, collection) =>
  inStore(path, async (client) => (await client.listVectors(collection, 0, 100)).vectors.map(({ id }) => id))

/** A package in the `node_modules` of a folder: its typings or its code. */
function installed(folder, name, file, code) {
  const path = join(folder, 'node_modules', name)
  mkdirSync(path, { recursive: true })
  writeFileSync(join(path, 'package.json'), '{ "type": "module", "exports": "./index.js" }')
  writeFileSync(join(path, file), code)
}

describe('the types', () => {
  /** The JavaScript in a folder and in its README, by file. */
  function sourcesOf(folder) {
    const files = readdirSync(folder).filter((file) => /\.m?js$/.test(file))
    const readme = existsSync(join(folder, 'README.md')) ? read(folder, 'README.md') : ''
    return [
      ...files.map((file) => ({ file, code: read(folder, file) })),
      ...blocks(readme, 'js').map((code, i) => ({
        file: /^\/\/ (\S+\.js)$/m.exec(code)?.[1] ?? `readme-${i}.js`,
        code,
      })),
    ]
  }

  test('of cleanup are sound', () => {
    const folder = join(examples, 'cleanup')
    assert.deepEqual(typeErrors(folder, sourcesOf(folder)), [])
  })

  for (const name of projects) {
    test(`of ${name} are sound`, () => {
      const folder = copied(name)
      installed(
        folder,
        '@huggingface/transformers',
        'index.d.ts',
        `export type FeatureExtractionPipeline = (
           texts: string[],
           options: { pooling: 'mean'; normalize: boolean },
         ) => Promise<{ tolist(): any[] }>
         export function pipeline(task: 'feature-extraction', model: string): Promise<FeatureExtractionPipeline>`,
      )
      assert.deepEqual(typeErrors(folder, sourcesOf(folder)), [])
    })
  }

  test('are those of JavaScript that is held to be TypeScript', () => {
    const folder = copied('migrate')
    const code = 'export const length = (text) => text.length\n'
    assert.deepEqual(typeErrors(folder, [{ file: 'loose.js', code }]), [
      { file: 'loose.js', line: 1, message: "TS7006: Parameter 'text' implicitly has an 'any' type." },
    ])
  })
})

describe('the projects', () => {
  const { devDependencies } = readJson(here, 'package.json')

  test('every folder is in the list of examples', () => {
    const folders = readdirSync(examples, { withFileTypes: true }).filter((entry) => entry.isDirectory())
    const listed = [...read(examples, 'README.md').matchAll(/^\| \[[\w-]+\]\(([\w-]+)\)/gm)]
    assert.deepEqual(
      listed.map(([, name]) => name),
      folders.map(({ name }) => name),
    )
  })

  for (const name of projects) {
    const manifest = readJson(examples, name, 'package.json')
    const readme = read(examples, name, 'README.md')

    test(`${name} asks for the versions that are tested here`, () => {
      const { 'vectorizer-native': own, ...others } = manifest.dependencies
      assert.equal(own, `^${readJson(here, '..', '..', 'package.json').version}`)
      for (const [dependency, range] of Object.entries(others)) {
        assert.equal(range, devDependencies[dependency], dependency)
      }
      assert.equal(manifest.private, true)
      assert.equal(manifest.type, 'module')
    })

    test(`${name} imports what it asks for and nothing else`, () => {
      const sources = readdirSync(join(examples, name)).filter((file) => file.endsWith('.js'))
      const imported = sources.flatMap((file) =>
        [...read(examples, name, file).matchAll(/ from '((?:@[\w-]+\/)?[\w-]+)'/g)].map(([, from]) => from),
      )
      const peers = name === 'semantic-search' ? ['@energetic-ai/core'] : []
      const expected = Object.keys(manifest.dependencies).filter((each) => !peers.includes(each))
      assert.deepEqual([...new Set(imported)].sort(), expected.sort())
    })

    test(`the commands in the README of ${name} are there`, () => {
      const lines = blocks(readme, 'sh').join('').split('\n')
      const scripts = lines.flatMap((line) => /^npm (?:run )?(start|[\w:-]+)/.exec(line)?.[1] ?? [])
      assert.ok(scripts.includes('start'))
      for (const script of scripts.filter((each) => each !== 'install')) {
        assert.ok(script in manifest.scripts, script)
      }
      const files = [...lines, ...Object.values(manifest.scripts)].flatMap(
        (line) => /^node ([\w.-]+)/.exec(line)?.[1] ?? [],
      )
      for (const file of files) assert.ok(existsSync(join(examples, name, file)), file)
    })

    test(`the links in the README of ${name} lead somewhere`, () => {
      const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, link]) => link)
      assert.ok(links.length > 0 || name === 'retention')
      for (const link of links) assert.ok(existsSync(join(examples, name, link)), link)
    })
  }
})

describe('erasure-service', () => {
  const AUDIT_KEY = 'a key that is long enough for the log'
  const ANN = 'ann@example.org'
  const SECRET = 'Ann is allergic to peanuts'

  /** The command that starts the service, from its package.json. */
  function command(folder) {
    const [program, ...args] = readJson(folder, 'package.json').scripts.start.split(' ')
    assert.equal(program, 'node')
    return [process.execPath, ...args]
  }

  /** The service as a process, once it listens; `before` is a shell command to run first. */
  async function started(folder, { before = 'true', port = 0 } = {}) {
    const child = spawn('sh', ['-c', `${before}; exec "$@"`, 'sh', ...command(folder)], {
      cwd: folder,
      env: { ...process.env, AUDIT_KEY, PORT: String(port) },
    })
    after(() => child.kill('SIGKILL'))
    const closed = once(child, 'close')
    const service = { pid: child.pid, log: '' }
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (part) => {
        service.log += part
      })
    }
    const listening = () => /Server listening at (http:[^"]+)/.exec(service.log)?.[1]
    while (!listening() && child.exitCode === null) {
      await Promise.race([once(child.stdout, 'data'), closed])
    }
    assert.ok(listening(), service.log)
    return Object.assign(service, {
      url: listening(),
      async stop() {
        child.kill('SIGTERM')
        const [code, signal] = await closed
        assert.deepEqual({ code, signal }, { code: 0, signal: null }, service.log)
      },
    })
  }

  /** A request, with the status and JSON of the response. */
  async function ask({ url }, method, path, body) {
    const json = { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }
    const answer = await fetch(url + path, { method, ...(body === undefined ? {} : json) })
    return { status: answer.status, body: await answer.json() }
  }

  async function post(service, collection, userId, text) {
    const metadata = { userId, lang: 'en' }
    const { status, body } = await ask(service, 'POST', `/collections/${collection}/documents`, {
      text,
      metadata,
    })
    assert.equal(status, 201)
    return body.id
  }

  const document = (service, collection, id) =>
    ask(service, 'GET', `/collections/${collection}/documents/${id}`)

  test('documents are found by text and user, and survive an end by SIGTERM', async () => {
    const folder = copied('erasure-service')
    let service = await started(folder)
    const id = await post(service, 'notes', ANN, SECRET)
    await post(service, 'notes', 'bob', 'Bob is allergic to peanuts')
    await service.stop()

    service = await started(folder)
    const { body } = await document(service, 'notes', id)
    assert.deepEqual(body, { id, text: SECRET, metadata: { userId: ANN, lang: 'en' } })
    const search = (request) => ask(service, 'POST', '/collections/notes/search', request)
    const all = await search({ query: 'Ann, allergic to peanuts' })
    assert.deepEqual(
      all.body.results.map(({ metadata }) => metadata.userId),
      [ANN, 'bob'],
    )
    const bobs = await search({ query: 'Ann, allergic to peanuts', userId: 'bob' })
    assert.deepEqual(
      bobs.body.results.map(({ metadata }) => metadata.userId),
      ['bob'],
    )
    await service.stop()
  })

  test('an erasure leaves the text and the id of the user in no file and no log', async () => {
    const folder = copied('erasure-service')
    const data = join(folder, 'data')
    let service = await started(folder)
    const ids = []
    for (const text of [SECRET, 'Ann moves in May']) ids.push(await post(service, 'notes', ANN, text))
    const message = await post(service, 'messages', ANN, 'Where is my parcel?')
    const other = await post(service, 'notes', 'bob', 'Bob drinks coffee')
    assert.ok(holding(data, ANN).length > 0)

    const planned = {
      documents: 3,
      collections: [
        { collection: 'messages', documents: 1 },
        { collection: 'notes', documents: 2 },
      ],
    }
    assert.deepEqual((await ask(service, 'GET', `/users/${ANN}/erasure`)).body, planned)
    assert.deepEqual((await ask(service, 'DELETE', `/users/${ANN}?dryRun=true`)).body, planned)
    assert.equal((await document(service, 'notes', ids[0])).status, 200)

    const { status, body: certificate } = await ask(service, 'DELETE', `/users/${ANN}`)
    assert.equal(status, 200)
    const { deleted, verified, durable, digest, bytesErased, collections } = certificate
    assert.deepEqual({ deleted, verified, durable }, { deleted: 3, verified: true, durable: true })
    assert.ok(bytesErased > 512 * 4 * deleted)
    assert.deepEqual(
      collections.map(({ collection, deleted, verified }) => [collection, deleted, verified]),
      [
        ['messages', 1, true],
        ['notes', 2, true],
      ],
    )
    const erased = { messages: [message], notes: [...ids].sort() }
    const covered = collections.map(({ collection, logSequence }) => [
      collection,
      logSequence,
      erased[collection],
    ])
    assert.equal(digest, createHash('sha256').update(JSON.stringify(covered)).digest('hex'))

    const gone = [ANN, 'ann@', SECRET, 'Ann moves', 'my parcel', ...ids, message]
    for (const text of gone) assert.ok(!JSON.stringify(certificate).includes(text), text)
    assert.deepEqual(holding(data, ...gone), [])
    for (const [collection, id] of [
      ['notes', ids[0]],
      ['messages', message],
    ]) {
      assert.equal((await document(service, collection, id)).status, 404)
    }
    const { body } = await ask(service, 'POST', '/collections/notes/search', { query: SECRET })
    assert.deepEqual(
      body.results.map(({ id }) => id),
      [other],
    )
    assert.deepEqual((await ask(service, 'GET', `/users/${ANN}/erasure`)).body.documents, 0)
    await service.stop()
    const { log } = service
    assert.equal(log.split('"msg":"request"').length - 1, 12)
    for (const text of gone.slice(0, 5)) assert.ok(!log.includes(text), text)

    service = await started(folder)
    assert.equal((await document(service, 'notes', ids[0])).status, 404)
    assert.equal((await document(service, 'notes', other)).body.text, 'Bob drinks coffee')
    const { certificates } = (await ask(service, 'GET', `/users/${ANN}/certificates`)).body
    assert.deepEqual(certificates, [certificate])
    assert.deepEqual((await ask(service, 'GET', '/users/bob/certificates')).body, { certificates: [] })
    await service.stop()
    assert.deepEqual(holding(data, ...gone), [])
  })

  test('the audit log names a user by a keyed hash alone', async () => {
    const folder = copied('erasure-service')
    const service = await started(folder)
    await post(service, 'notes', ANN, SECRET)
    await ask(service, 'DELETE', `/users/${ANN}`)
    await service.stop()
    const lines = read(folder, 'data', 'audit.jsonl').trimEnd().split('\n').map(JSON.parse)
    assert.deepEqual(
      lines.map(({ event }) => event),
      ['requested', 'erased'],
    )
    const subject = createHmac('sha256', AUDIT_KEY).update(ANN).digest('hex')
    for (const line of lines) assert.equal(line.subject, subject)
    assert.equal(lines[0].certificate, lines[1].certificate)
    assert.deepEqual(holding(join(folder, 'data'), createHash('sha256').update(ANN).digest('hex')), [])
  })

  test('the ledger verifies, until a byte of it changes or an erasure is cut off', async () => {
    const folder = copied('erasure-service')
    const verified = () => node(['verify.js'], { cwd: folder })
    const service = await started(folder)
    for (const user of [ANN, 'bob', 'nobody']) {
      if (user !== 'nobody') await post(service, 'notes', user, SECRET)
      const { body } = await ask(service, 'DELETE', `/users/${user}`)
      assert.equal(typeof body.signature, user === 'nobody' ? 'undefined' : 'string')
    }
    const running = await verified()
    assert.deepEqual([running.code, running.stderr], [0, ''])
    assert.match(running.stdout, /^2 erasures of 2 documents, 2 certificates\nhead \d+ [\da-f]{64}\n$/)
    await service.stop()
    assert.equal((await verified()).stdout, running.stdout)

    const key = join(folder, 'signing-key.pem')
    if (process.platform !== 'win32') assert.equal(statSync(key).mode & 0o777, 0o600)
    const file = join(folder, 'data', 'store', 'LEDGER')
    const ledger = read(file)
    assert.ok(!ledger.includes(ANN))
    assert.ok(ledger.includes(JSON.parse(read(folder, 'data', 'audit.jsonl').split('\n')[0]).certificate))
    // The last three lines are the beginning of an erasure, its end, and its signature.
    const lines = ledger.split('\n').slice(0, -1)
    for (const changed of [
      ledger.replace('"deleted":1', '"deleted":2'),
      `${lines.slice(0, -3).join('\n')}\n`,
    ]) {
      writeFileSync(file, changed)
      const { code, stderr } = await verified()
      assert.equal(code, 1, changed)
      assert.match(stderr, /^line \d+: /)
    }
  })

  test('no request makes a filter of a user, and what is refused is not logged', async () => {
    const folder = copied('erasure-service')
    const service = await started(folder)
    const kept = [
      await post(service, 'notes', ANN, SECRET),
      await post(service, 'notes', 'bob', 'Bob drinks coffee'),
    ]
    const paths = [
      '/users',
      '/users/',
      '/users/%20',
      '/users/undefined',
      '/users/null',
      '/users/NaN',
      '/users/__proto__',
      `/users/${encodeURIComponent('[object Object]')}`,
      `/users/${encodeURIComponent('{"$ne":null}')}`,
      `/users/${encodeURIComponent('["bob"]')}`,
      '/users/%7B%22%24exists%22%3Atrue%7D',
      '/users/%2524ne',
      '/users/*',
      '/users/%zz',
      `/users/${ANN}%00`,
      `/users/${ANN}%0A`,
      `/users/${ANN}/`,
      `/users/${ANN},bob`,
      `/users/${'a'.repeat(65)}`,
      `/users/${'a'.repeat(300)}`,
      '/users/2024-01-01T00:00:00Z',
      '/users/bob?userId[$ne]=x',
      '/users/bob?dryrun=true',
      '/users/bob?dryRun',
      '/users/bob?dryRun=yes',
      '/users/bob?dryRun=true&dryRun=false',
    ]
    for (const path of paths) {
      const { status, body } = await ask(service, 'DELETE', path)
      assert.ok([400, 404, 414].includes(status), `${path} ${status}`)
      assert.match(body.error.code, /^[A-Z_]+$/)
    }
    for (const body of [{ dryRun: true }, { userId: { $ne: null } }, []]) {
      assert.equal((await ask(service, 'DELETE', '/users/bob', body)).status, 400)
    }
    // `constructor` is a key of every prototype, but the user of that name has nothing.
    assert.equal((await ask(service, 'DELETE', '/users/constructor')).body.deleted, 0)

    const users = [
      '',
      ' ',
      null,
      1,
      true,
      ['bob'],
      [],
      {},
      { $ne: null },
      { $eq: 'bob' },
      '\ud800',
      undefined,
    ]
    for (const userId of users) {
      const text = 'a text'
      const insert = await ask(service, 'POST', '/collections/notes/documents', {
        text,
        metadata: { userId },
      })
      assert.equal(insert.status, 400, JSON.stringify(userId))
      if (userId === undefined) continue
      const search = await ask(service, 'POST', '/collections/notes/search', { query: text, userId })
      assert.equal(search.status, 400, JSON.stringify(userId))
    }
    const raw = async (body) =>
      (
        await fetch(`${service.url}/collections/notes/documents`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body,
        })
      ).status
    const polluted = `{"text":"${SECRET}","metadata":{"__proto__":{"userId":"${ANN}"}}}`
    const constructed = `{"text":"a","metadata":{"userId":"bob","constructor":{"prototype":{"a":1}}}}`
    for (const body of [polluted, constructed, `{"text":"${SECRET}`, `"${ANN}"`, 'null', '[]']) {
      assert.equal(await raw(body), 400, body)
    }

    for (const id of kept) assert.equal((await document(service, 'notes', id)).status, 200)
    await service.stop()
    for (const text of [ANN, 'ann@', SECRET, '$ne', 'aaaaaaaa', 'object Object']) {
      assert.ok(!service.log.includes(text), text)
    }
    // Refused before anything was begun: the only erasure is that of `constructor`.
    assert.equal(read(folder, 'data', 'audit.jsonl').trimEnd().split('\n').length, 2)
  })

  test('errors of the store become statuses', async () => {
    const folder = copied('erasure-service')
    const { build } = await load(folder, 'app.js')
    const app = await build({ folder: join(folder, 'data'), auditKey: AUDIT_KEY })
    const ask = async (method, url, payload) => {
      const answer = await app.inject({ method, url, payload })
      return [answer.statusCode, answer.json().error.code]
    }
    const metadata = { userId: ANN }
    const missing = '01a214cf-0304-7584-8eeb-65d891e8fb70'
    const noCollection = await ask('POST', '/collections/nope/documents', { text: 'a', metadata })
    assert.deepEqual(noCollection, [404, 'COLLECTION_NOT_FOUND'])
    const noVector = await ask('GET', `/collections/notes/documents/${missing}`)
    assert.deepEqual(noVector, [404, 'VECTOR_NOT_FOUND'])
    const loneSurrogate = await ask('POST', '/collections/notes/search', { query: '\ud800' })
    assert.deepEqual(loneSurrogate, [400, 'VALIDATION_ERROR'])
    assert.deepEqual(await ask('GET', '/nowhere'), [404, 'NOT_FOUND'])
    await app.close()
  })

  test('on a disk that takes no more an insert is 503, and a user is erased all the same', async () => {
    const folder = copied('erasure-service')
    // Limits the files of this process to this many blocks of 512 bytes.
    const service = await started(folder, { before: 'ulimit -f 64' })
    const id = await post(service, 'notes', ANN, SECRET)
    const insert = () =>
      ask(service, 'POST', '/collections/notes/documents', {
        text: 'Bob drinks coffee. '.repeat(400),
        metadata: { userId: 'bob' },
      })
    let answer = await insert()
    for (let i = 0; answer.status === 201 && i < 20; i++) answer = await insert()
    assert.equal(answer.status, 503)
    assert.equal(answer.body.error.code, 'STORAGE_ERROR')
    assert.equal((await document(service, 'notes', id)).status, 200)
    assert.equal((await ask(service, 'DELETE', `/users/${ANN}`)).status, 200)
    assert.equal((await document(service, 'notes', id)).status, 404)
    await service.stop()
    assert.match(service.log, /"code":"STORAGE_ERROR","message":"[^"]*log\.1/)
    for (const text of [ANN, SECRET, 'coffee']) assert.ok(!service.log.includes(text), text)
    const events = read(folder, 'data', 'audit.jsonl').trimEnd().split('\n').map(JSON.parse)
    assert.deepEqual(
      events.map(({ event, deleted }) => [event, deleted]),
      [
        ['requested', undefined],
        ['erased', 1],
      ],
    )
  })

  test('it does not start beside another that has the store, nor without a key', async () => {
    const folder = copied('erasure-service')
    const [program, ...args] = command(folder)
    const start = (env) => run(program, args, { cwd: folder, env: { ...process.env, PORT: '0', ...env } })
    const without = await start({ AUDIT_KEY: '' })
    assert.equal(without.code, 1)
    assert.match(without.stderr, /the key of the audit log/)

    const service = await started(folder)
    const second = await start({ AUDIT_KEY })
    assert.equal(second.code, 1)
    assert.match(second.stderr, new RegExp(`\\b${service.pid}\\b`))
    await service.stop()
  })

  test('an erasure that fails is in the audit log, with the receipt if there is one', async () => {
    const folder = copied('erasure-service')
    const [{ erase, certificates }, { Audit }] = [
      await load(folder, 'erasure.js'),
      await load(folder, 'audit.js'),
    ]
    const file = join(folder, 'audit.jsonl')
    writeFileSync(file, '{"event":"erased","subj') // what a crash has left
    const audit = await Audit.open(file, AUDIT_KEY)
    const client = new VectorizerClient()
    for (const name of ['a', 'b']) {
      await client.createCollection(name, { dimension: 8 })
      await client.insertVectors(name, [{ data: Array(8).fill(1), metadata: { userId: ANN } }])
    }
    const forget = (...args) => client.forget(...args)
    const refusing = { forget: () => Promise.reject(new Error('refused')) }
    await assert.rejects(erase(refusing, audit, ANN), /refused/)
    const unreadable = {
      forget,
      verifyErased: (name, ids) =>
        name === 'b' ? Promise.reject(new Error('broken')) : client.verifyErased(name, ids),
    }
    await assert.rejects(erase(unreadable, audit, ANN), /broken/)
    const entries = await audit.of(ANN)
    assert.deepEqual(
      entries.map(({ event, deleted, verified }) => [event, deleted, verified]),
      [
        ['requested', undefined, undefined],
        ['failed', undefined, undefined],
        ['requested', undefined, undefined],
        ['failed', 2, false],
      ],
    )
    assert.deepEqual(
      entries[3].collections.map(({ collection, verified }) => [collection, verified]),
      [
        ['a', true],
        ['b', false],
      ],
    )
    assert.deepEqual(await certificates(audit, ANN), [])
    const again = await erase(client, audit, ANN)
    assert.deepEqual([again.deleted, again.verified], [0, true])
    assert.deepEqual(await certificates(audit, ANN), [again])
    await audit.close()
  })

  test('a document that arrives while its user is erased leaves the erasure unverified', async () => {
    const folder = copied('erasure-service')
    const [{ erase }, { Audit }] = [await load(folder, 'erasure.js'), await load(folder, 'audit.js')]
    const audit = await Audit.open(join(folder, 'audit.jsonl'), AUDIT_KEY)
    const client = new VectorizerClient()
    await client.createCollection('a', { dimension: 1 })
    const insert = () => client.insertVectors('a', [{ data: [1], metadata: { userId: ANN } }])
    await insert()
    const racing = {
      forget: (...args) => client.forget(...args),
      verifyErased: async (...args) => {
        await insert()
        return client.verifyErased(...args)
      },
    }
    const { deleted, verified, collections } = await erase(racing, audit, ANN)
    assert.deepEqual([deleted, verified, collections[0].verified], [1, false, true])
    await audit.close()
  })

  test('the lines of curl in its README do what they say', async () => {
    const folder = copied('erasure-service')
    const service = await started(folder)
    const lines = blocks(read(folder, 'README.md'), 'sh')
      .join('')
      .split('\n')
      .filter((line) => line.startsWith('curl '))
    const answers = []
    for (const line of lines) {
      const command = line.replace('http://127.0.0.1:3000', service.url).replace('curl ', 'curl -sS ')
      answers.push(JSON.parse((await run('sh', ['-c', command])).stdout))
    }
    const [ann, , , all, bobs, plan, certificate, { certificates }] = answers
    assert.equal(all.results[0].id, ann.id)
    assert.equal(bobs.results.length, 1)
    assert.equal(plan.documents, 2)
    assert.deepEqual([certificate.deleted, certificate.verified], [2, true])
    assert.deepEqual(certificates, [certificate])
    const [promised] = blocks(read(folder, 'README.md'), 'json').map(JSON.parse)
    assert.deepEqual(Object.keys(promised), Object.keys(certificate))
    assert.deepEqual(Object.keys(promised.collections[0]), Object.keys(certificate.collections[0]))
    await service.stop()
  })
})

describe('migrate', () => {
  test('npm start moves all, then what has changed, and can be started again', async () => {
    const folder = copied('migrate')
    for (let run = 0; run < 2; run++) {
      const { code, stdout, stderr } = await node(['start.js'], { cwd: folder })
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
      assert.match(stdout, /^sentences copy 100\/100$/m)
      assert.match(stdout, /the target holds 20 vectors that the source does not .*prune: true/)
      assert.match(stdout, /^sentences: 81 vectors, 0 copied, 81 unchanged, 20 deleted; 20 searches/m)
      assert.match(stdout, /^found in data: A heron stands in the reeds$/m)
    }
    assert.deepEqual(holding(join(folder, 'data'), 'A ferry'), [])
  })
})

describe('retention', () => {
  const NOW = '2026-01-31T12:00:00Z'

  /** A copy of the example with a sample store, as of `NOW`. */
  async function sampled() {
    const folder = copied('retention')
    const { code, stderr } = await node(['sample.js', 'store', NOW], { cwd: folder })
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
    return folder
  }

  const job = (folder, ...args) =>
    node(['retention.js', 'store', '--rules', 'rules.json', '--now', NOW, ...args], { cwd: folder })

  const all = async (folder) => ({
    chats: await idsIn(join(folder, 'store'), 'chats'),
    tickets: await idsIn(join(folder, 'store'), 'tickets'),
  })

  const untouched = {
    chats: ['chat-1', 'chat-30', 'chat-364', 'chat-366', 'chat-900'],
    tickets: [
      ...['ticket-10', 'ticket-700', 'ticket-800', 'ticket-1000', 'ticket-2000'],
      ...['ticket-open', 'ticket-unknown'],
    ],
  }

  test('without --delete it prints the table of the README, and deletes nothing', async () => {
    const folder = await sampled()
    const { code, stdout, stderr } = await job(folder)
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
    assert.equal(stdout, blocks(read(folder, 'README.md'), '')[0])
    assert.deepEqual(await all(folder), untouched)
  })

  test('with --delete what is due is gone, and what is excepted or has no date is kept', async () => {
    const folder = await sampled()
    const { code, stdout } = await job(folder, '--delete')
    assert.equal(code, 0)
    assert.match(stdout, /^1\/2 +chats .* 2 +2 +0 +0\n2\/2 +tickets .* 2 +2 +1 +2\ndeleted: 4\n$/m)
    assert.deepEqual(await all(folder), {
      chats: ['chat-1', 'chat-30', 'chat-364'],
      tickets: ['ticket-10', 'ticket-700', 'ticket-1000', 'ticket-open', 'ticket-unknown'],
    })
    const store = join(folder, 'store')
    assert.deepEqual(holding(store, 'chat-900', 'ticket-2000', 'ticket of 800 days ago'), [])
    assert.ok(holding(store, 'ticket of 1000 days ago').length > 0)
    const again = await job(folder, '--delete')
    assert.equal(again.code, 0)
    assert.match(again.stdout, /deleted: 0\n$/)
  })

  test('the clock is asked where --now is not given', async () => {
    const folder = copied('retention')
    for (const script of ['sample', 'start']) {
      const { code, stdout } = await run('npm', ['run', '--silent', script], { cwd: folder })
      assert.equal(code, 0)
      if (script === 'start') assert.match(stdout, /^matched: 4;/m)
    }
  })

  test('a backup holds what was deleted, and without one that can be written nothing is', async () => {
    const folder = await sampled()
    writeFileSync(join(folder, 'taken'), '')
    const refused = await job(folder, '--delete', '--backup', 'taken')
    assert.equal(refused.code, 1)
    assert.deepEqual(await all(folder), untouched)

    const { code } = await job(folder, '--delete', '--backup', 'backups')
    assert.equal(code, 0)
    const files = readdirSync(join(folder, 'backups')).sort()
    const restored = []
    for (const file of files) {
      const path = join(folder, file.replace('.vecbak', ''))
      await VectorizerClient.restoreBackup(join(folder, 'backups', file), path)
      restored.push(
        await inStore(path, async (client) => {
          const [{ name }] = await client.listCollections()
          return (await client.listVectors(name, 0, 10)).vectors.map(({ id }) => id)
        }),
      )
    }
    assert.deepEqual(restored, [
      ['chat-366', 'chat-900'],
      ['ticket-800', 'ticket-2000'],
    ])
  })

  test('a rule that is not understood deletes nothing, nor does any other', async () => {
    const folder = await sampled()
    const good = { collection: 'chats', field: 'created_at', olderThan: '365d' }
    const refused = [
      [{ ...good, olderThan: '365' }, /rules\[1\]\.olderThan/],
      [{ ...good, olderThan: '1y' }, /rules\[1\]\.olderThan/],
      [{ ...good, olderThan: '0d' }, /rules\[1\]\.olderThan/],
      [{ ...good, olderThan: '-1d' }, /rules\[1\]\.olderThan/],
      [{ ...good, olderThan: ['365d'] }, /rules\[1\]\.olderThan/],
      [{ ...good, olderThan: 365 }, /rules\[1\]\.olderThan/],
      [{ collection: 'chats', field: 'created_at' }, /rules\[1\]\.olderThan/],
      [{ ...good, excpet: { legal_hold: true } }, /rules\[1\]\.excpet: unknown/],
      [{ ...good, except: {} }, /rules\[1\]\.except/],
      [{ ...good, except: null }, /rules\[1\]\.except/],
      [{ ...good, except: { legal_hold: [] } }, /rules\[1\]: filter/],
      [{ ...good, field: '$or' }, /rules\[1\]\.field/],
      [{ ...good, field: 'must' }, /rules\[1\]: filter\.must/],
      [{ ...good, field: ['created_at'] }, /rules\[1\]\.field/],
      [{ ...good, collection: 'chat' }, /rules\[1\]: collection 'chat' does not exist/],
      [{ ...good, collection: '' }, /rules\[1\]\.collection/],
      ['365d', /rules\[1\]: must be an object/],
      [null, /rules\[1\]: must be an object/],
    ]
    const unknownOperator = { ...good, except: { legal_hold: { $is: true } } }
    refused.push([unknownOperator, /rules\[1\]: filter.*\$is/])
    const { readRules } = await load(folder, 'rules.js')
    const { retain } = await load(folder, 'retain.js')
    await inStore(join(folder, 'store'), async (client) => {
      for (const [rule, message] of refused) {
        const text = JSON.stringify([good, rule])
        await assert.rejects(async () => retain(client, readRules(text), { erase: true }), { message }, text)
      }
    })
    for (const text of ['', '[]', '{}', 'null', '[{', JSON.stringify([good, unknownOperator])]) {
      writeFileSync(join(folder, 'rules.json'), text)
      const { code, stdout, stderr } = await job(folder, '--delete')
      assert.deepEqual({ code, stdout }, { code: 2, stdout: '' }, text)
      assert.match(stderr, /^rules.*\nnothing was deleted\n$/s)
    }
    assert.deepEqual(await all(folder), untouched)
  })

  test('a command that is not understood deletes nothing and makes no store', async () => {
    const folder = await sampled()
    const rules = ['--rules', 'rules.json']
    const commands = [
      [],
      ['store'],
      ['store', 'other', ...rules],
      ['stroe', ...rules, '--delete'],
      ['store', '--rules', 'absent.json', '--delete'],
      ['store', ...rules, '--delte'],
      ['store', ...rules, '--delete=false'],
      ['store', ...rules, '--delete', '--now', 'tomorrow'],
      ['store', ...rules, '--delete', '--now', '2026-13-01'],
      ['store', ...rules, '--backup', 'backups'],
    ]
    for (const args of commands) {
      const { code, stderr } = await node(['retention.js', ...args], { cwd: folder })
      assert.equal(code, 2, args.join(' '))
      assert.match(stderr, /nothing was deleted\n$/)
    }
    assert.ok(!existsSync(join(folder, 'stroe')))
    assert.deepEqual(await all(folder), untouched)
    const { code, stdout } = await node(['retention.js', '--help'], { cwd: folder })
    assert.equal(code, 0)
    for (const option of ['--rules', '--delete', '--backup', '--now']) assert.ok(stdout.includes(option))
  })

  test('a store that another process has open is left alone, and its process is named', async () => {
    const folder = await sampled()
    await inStore(join(folder, 'store'), async (client) => {
      await client.ready()
      const { code, stderr } = await job(folder, '--delete')
      assert.equal(code, 3)
      assert.match(stderr, new RegExp(`process ${process.pid} has the store open`))
    })
    assert.deepEqual(await all(folder), untouched)
  })

  test('a damaged store is exit code 1', async () => {
    const folder = await sampled()
    const log = join(folder, 'store', 'collection-1', 'log.1')
    const bytes = readFileSync(log)
    // The header of the first record.
    bytes[12_288 + 20] ^= 0xff
    writeFileSync(log, bytes)
    const { code, stderr } = await job(folder, '--delete')
    assert.equal(code, 1)
    assert.match(stderr, /log\.1/)
    assert.deepEqual(readFileSync(log), bytes)
  })

  test('a service applies rules with the client it has, as the README shows', async () => {
    const folder = await sampled()
    const [program] = blocks(read(folder, 'README.md'), 'js')
    writeFileSync(join(folder, 'service.js'), program)
    const { code, stdout, stderr } = await node(['service.js'], { cwd: folder })
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
    assert.match(stdout, /^chats \d\ntickets \d\n$/)
    const [json] = blocks(read(folder, 'README.md'), 'json')
    assert.deepEqual(JSON.parse(json), readJson(folder, 'rules.json'))
  })
})

describe('semantic-search', () => {
  /** Texts for a question that shares no word with them. */
  const notes = {
    'bicycles.md': '# Bicycles\n\nPump up the tyres every second week and oil the chain after rain.\n',
    'house/pets.md': '# Pets\n\nThe veterinarian vaccinates puppies and kittens on weekday mornings.\n',
    'house/plants.md': '# Greenery\n\nOur gardener waters the ferns on Tuesdays.\n',
    'money.md':
      '# Invoices\n\nPayments are refunded within fourteen days of the purchase.\n\n# Taxes\n\nThe accountant files the declaration every spring.\n',
  }
  const QUESTION = 'Where can my dog see a doctor?'
  const ANSWER = 'house/pets.md'

  /** A copy of the example with the notes in the folder `notes`. */
  function withNotes() {
    const folder = copied('semantic-search')
    mkdirSync(join(folder, 'notes', 'house'), { recursive: true })
    for (const [name, text] of Object.entries(notes)) writeFileSync(join(folder, 'notes', name), text)
    return folder
  }

  async function ask(folder, ...args) {
    const command = ['ask.js', '--docs', 'notes', '--data', 'data', ...args]
    const { code, stdout, stderr } = await node(command, { cwd: folder })
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
    const [, counts] = /^documents: (.*)$/m.exec(stdout)
    return { counts, sources: [...stdout.matchAll(/^ {2}-?\d\.\d{3} {2}(\S+)/gm)].map(([, name]) => name) }
  }

  /** A quick model that derives vectors from the words of texts, and records its calls. */
  const stub = `
    import { appendFileSync } from 'node:fs'
    export const name = 'stub'
    export const dimension = 16
    export function embed(texts) {
      for (const text of texts) appendFileSync(new URL('asked.txt', import.meta.url), text + '\\n\\n')
      return texts.map((text) => {
        const vector = Array(16).fill(0.01)
        for (const letter of text) vector[letter.codePointAt(0) % 16]++
        return vector
      })
    }`
  const asked = (folder) => (existsSync(join(folder, 'asked.txt')) ? read(folder, 'asked.txt') : '')

  test('it finds by meaning what the words alone do not find', async () => {
    const words = (text) => new Set(text.toLowerCase().match(/\w+/g))
    const shared = [...words(QUESTION)].filter((word) => words(notes[ANSWER]).has(word))
    assert.deepEqual(shared, [])

    const folder = withNotes()
    const { counts, sources } = await ask(folder, QUESTION)
    assert.equal(counts, '4 embedded, 0 unchanged, 0 removed')
    assert.equal(sources.length, 3)
    assert.equal(sources[0], ANSWER)

    const client = new VectorizerClient()
    await client.createCollection('words', { dimension: 512 })
    await client.insertTexts(
      'words',
      Object.entries(notes).map(([id, text]) => ({ id, text })),
    )
    const [byWords] = await client.search('words', QUESTION, { limit: 1 })
    assert.notEqual(byWords.id, ANSWER)
    await client.close()
  })

  test('a second start asks the model for nothing but the question', async () => {
    const folder = withNotes()
    writeFileSync(join(folder, 'stub.js'), stub)
    await ask(folder, '--model', 'stub.js')
    assert.ok(asked(folder).includes('veterinarian'))
    rmSync(join(folder, 'asked.txt'))
    const { counts } = await ask(folder, '--model', 'stub.js', QUESTION)
    assert.equal(counts, '0 embedded, 4 unchanged, 0 removed')
    assert.equal(asked(folder), `${QUESTION}\n\n`)
  })

  test('only a changed file is embedded again, and its old text is in no file of the store', async () => {
    const folder = withNotes()
    writeFileSync(join(folder, 'stub.js'), stub)
    await ask(folder, '--model', 'stub.js')
    rmSync(join(folder, 'asked.txt'))
    writeFileSync(join(folder, 'notes', 'money.md'), '# Invoices\n\nNothing is given back.\n')
    rmSync(join(folder, 'notes', ANSWER))
    const { counts, sources } = await ask(folder, '--model', 'stub.js', QUESTION)
    assert.equal(counts, '1 embedded, 2 unchanged, 1 removed')
    assert.equal(asked(folder), `Invoices\nNothing is given back.\n\n${QUESTION}\n\n`)
    assert.ok(!sources.includes(ANSWER))
    assert.deepEqual((await idsIn(join(folder, 'data'), 'stub')).sort(), [
      'bicycles.md:0',
      'house/plants.md:0',
      'money.md:0',
    ])
    const data = join(folder, 'data')
    assert.deepEqual(holding(data, 'veterinarian', 'refunded', 'accountant', ANSWER), [])
    assert.ok(holding(data, 'given back').length > 0)
  })

  test('a file that has lost its text, and one whose replacement was interrupted, are put right', async () => {
    const folder = withNotes()
    writeFileSync(join(folder, 'stub.js'), stub)
    await ask(folder, '--model', 'stub.js')
    writeFileSync(join(folder, 'notes', 'bicycles.md'), '# Bicycles\n\n```\ncode alone\n```\n')
    const { embed } = await load(folder, 'stub.js')
    await inStore(
      join(folder, 'data'),
      (client) =>
        client.insertTexts('stub', [
          {
            id: 'money.md:7',
            text: 'left over',
            metadata: { source: 'money.md', hash: 'another', chunk: 7 },
          },
        ]),
      { embedder: embed },
    )
    const { counts } = await ask(folder, '--model', 'stub.js')
    assert.equal(counts, '1 embedded, 2 unchanged, 1 removed')
    assert.deepEqual(holding(join(folder, 'data'), 'left over', 'tyres'), [])
  })

  test('npm start finds, replaces and deletes with the real model', async () => {
    const folder = copied('semantic-search')
    const docs = join(here, 'node_modules', 'vectorizer-native', 'docs')
    for (const name of ['durability.md', 'erasure.md']) {
      cpSync(join(docs, name), join(folder, 'pages', name), { recursive: true })
    }
    const { code, stdout, stderr } = await run('npm', ['start', '--silent', '--', '--docs', 'pages'], {
      cwd: folder,
    })
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
    assert.match(stdout, /^documents: 2 embedded, 0 unchanged, 0 removed$/m)
    assert.match(stdout, /electricity goes off\?\n {2}\d\.\d{3} {2}durability\.md .* loss of power/)
    assert.deepEqual(holding(join(folder, 'data'), 'Vehicles are parked', 'Mondays', 'note.md'), [])
    const again = await node(['ask.js', '--docs', 'pages'], { cwd: folder })
    assert.equal(again.stdout, 'documents: 0 embedded, 2 unchanged, 0 removed\n')
  })

  test('without --docs the library is the documents of the installed package', async () => {
    const folder = copied('semantic-search')
    writeFileSync(join(folder, 'stub.js'), stub)
    const { stdout } = await node(['ask.js', '--model', 'stub.js'], { cwd: folder })
    const pages = readdirSync(join(here, 'node_modules', 'vectorizer-native', 'docs'), { recursive: true })
    for (const page of pages.filter((name) => name.endsWith('.md'))) {
      assert.match(stdout, new RegExp(`^embedded ${page}: \\d+ chunks$`, 'm'))
    }
  })

  test('chunks have their headings, no code, and at most 500 characters', async () => {
    const { chunks } = await load(copied('semantic-search'), 'markdown.js')
    const sentence = 'This sentence is one of very many. '
    const markdown = [
      'Before.',
      '# One',
      'First line\nsecond line.',
      '```sh\n# no heading\n```',
      '## Inner',
      '- item\n- item',
      '| a | b |\n| --- | --- |\n| c | d |',
      '# Two',
      sentence.repeat(40),
      'x'.repeat(1_200),
    ]
    for (const end of ['\n', '\r\n']) {
      const made = chunks(markdown.join('\n\n').replaceAll('\n', end))
      assert.deepEqual(made.slice(0, 3), [
        { heading: '', text: 'Before.' },
        { heading: 'One', text: 'First line second line.' },
        { heading: 'One / Inner', text: '- item - item | a | b | | c | d |' },
      ])
      const rest = made.slice(3)
      assert.ok(rest.every(({ heading, text }) => heading === 'Two' && text.length <= 500))
      assert.ok(rest.slice(0, 2).every(({ text }) => text.endsWith('many.')))
      const whole = rest.map(({ text }) => text).join('')
      assert.equal(whole.replaceAll(' ', ''), (sentence.repeat(40) + 'x'.repeat(1_200)).replaceAll(' ', ''))
    }
    assert.deepEqual(chunks('```\nonly code\n```'), [])
  })

  describe('the other models of the README', () => {
    const models = Object.fromEntries(
      blocks(read(examples, 'semantic-search', 'README.md'), 'js').map((code) => [
        /^\/\/ (\S+)/.exec(code)[1],
        code,
      ]),
    )
    const vector = (text, length) => Array.from({ length }, (_, i) => (i === text.length % 7 ? 1 : 0.1))

    /** A server that answers requests with JSON, and the requests it received. */
    async function answering(reply) {
      const requests = []
      const server = createServer(async (request, response) => {
        let body = ''
        for await (const part of request.setEncoding('utf8')) body += part
        requests.push({ path: request.url, headers: request.headers, body: JSON.parse(body) })
        response.end(JSON.stringify(reply(requests.at(-1).body.input)))
      })
      server.listen(0, '127.0.0.1')
      after(() => server.close())
      await once(server, 'listening')
      return { requests, url: `http://127.0.0.1:${server.address().port}` }
    }

    /** Embeds the notes with a model from the README, next to a library made with the stub. */
    async function library(file, env = {}) {
      const folder = withNotes()
      writeFileSync(join(folder, 'stub.js'), stub)
      await ask(folder, '--model', 'stub.js')
      writeFileSync(join(folder, file), models[file])
      installed(
        folder,
        '@huggingface/transformers',
        'index.js',
        `export const pipeline = async (task, model) => async (texts, { pooling, normalize }) => ({
           tolist: () => {
             if (task !== 'feature-extraction' || !model || pooling !== 'mean' || !normalize) throw task
             return texts.map((text) => Array(384).fill(text.length))
           },
         })`,
      )
      const args = ['ask.js', '--docs', 'notes', '--data', 'data', '--model', file, QUESTION]
      const { code, stdout, stderr } = await node(args, { cwd: folder, env: { ...process.env, ...env } })
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
      assert.match(stdout, /^documents: 4 embedded, 0 unchanged, 0 removed$/m)
      const { name, dimension } = await load(folder, file)
      const collections = await inStore(join(folder, 'data'), (client) => client.listCollections())
      assert.deepEqual(
        collections.map((each) => [each.name, each.dimension, each.vector_count]),
        [[name, dimension, 5]],
      )
    }

    test('are three', () => {
      assert.deepEqual(Object.keys(models), ['ollama.js', 'openai.js', 'minilm.js'])
    })

    test('Ollama', async () => {
      const server = await answering((input) => ({ embeddings: input.map((text) => vector(text, 768)) }))
      await library('ollama.js', { OLLAMA_URL: server.url })
      const [{ path, body }] = server.requests
      assert.equal(path, '/api/embed')
      assert.equal(body.model, 'nomic-embed-text')
      assert.deepEqual(server.requests.at(-1).body.input, [QUESTION])
    })

    test('OpenAI', async () => {
      const server = await answering((input) => ({
        data: input.map((text, index) => ({ index, embedding: vector(text, 1536) })),
      }))
      await library('openai.js', { OPENAI_BASE_URL: `${server.url}/v1`, OPENAI_API_KEY: 'a-key' })
      const [{ path, headers, body }] = server.requests
      assert.equal(path, '/v1/embeddings')
      assert.equal(headers.authorization, 'Bearer a-key')
      assert.equal(body.model, 'text-embedding-3-small')
    })

    test('Transformers.js', () => library('minilm.js'))
  })
})

describe('sync', () => {
  const sync = (folder, ...args) => node(['sync.js', 'notes', 'store', ...args], { cwd: folder })

  /** A copy of the example whose notes have been synced, and have changed since. */
  async function changed() {
    const folder = copied('sync')
    assert.equal((await sync(folder, '--yes')).code, 0)
    const canteen = read(folder, 'notes', 'canteen.md').replace('noon and two', 'one and three')
    writeFileSync(join(folder, 'notes', 'canteen.md'), canteen.slice(0, canteen.indexOf('## Coffee')))
    rmSync(join(folder, 'notes', 'garden', 'plants.md'))
    return folder
  }

  const synced = (folder) => idsIn(join(folder, 'store'), 'documents')
  const all = [...[0, 1, 2].map((n) => `canteen.md:${n}`), 'garden/plants.md:0', 'garden/plants.md:1']

  test('without --yes it prints the table of the README, and makes no store', async () => {
    const folder = copied('sync')
    const { code, stdout, stderr } = await sync(folder)
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
    assert.equal(stdout, blocks(read(folder, 'README.md'), '')[0])
    assert.ok(!existsSync(join(folder, 'store')))
  })

  test('with --yes the store holds the chunks of every file, and a second time nothing changes', async () => {
    const folder = copied('sync')
    const { code, stdout } = await sync(folder, '--yes')
    assert.equal(code, 0)
    assert.match(stdout, /^files that change: 2 of 2$/m)
    assert.deepEqual(await synced(folder), all)
    const [found] = await inStore(join(folder, 'store'), (client) =>
      client.search('documents', 'when is lunch served', { limit: 1 }),
    )
    assert.equal(found.id, 'canteen.md:1')
    assert.equal(found.text, "## Lunch\n\nLunch is served between noon and two o'clock.")
    assert.deepEqual(found.metadata, { source: 'canteen.md' })
    for (const args of [[], ['--yes']]) {
      assert.equal((await sync(folder, ...args)).stdout, 'files that change: 0 of 2\n')
    }
  })

  test('what has changed is shown as in the README, and only then changed', async () => {
    const folder = await changed()
    const { stdout } = await sync(folder)
    assert.equal(stdout, blocks(read(folder, 'README.md'), '')[1])
    assert.deepEqual(await synced(folder), all)

    const done = await sync(folder, '--yes')
    assert.equal(done.code, 0)
    assert.match(done.stdout, /^canteen\.md +0 +1 +1 +1\ngarden\/plants\.md \(gone\) +0 +0 +0 +2\n/m)
    assert.deepEqual(await synced(folder), all.slice(0, 2))
    const store = join(folder, 'store')
    assert.deepEqual(holding(store, 'noon and two', 'takes coins', 'waters the ferns', 'garden/plants'), [])
    assert.ok(holding(store, 'one and three').length > 0)
  })

  test('a chunk that came in after the look is not deleted unseen', async () => {
    const folder = await changed()
    const { changes, make } = await load(folder, 'changes.js')
    const { readMarkdown } = await load(folder, 'documents.js')
    const documents = await readMarkdown(join(folder, 'notes'))
    await inStore(join(folder, 'store'), async (client) => {
      const collection = await client.collection('documents')
      const found = await changes(collection, documents)
      assert.deepEqual(
        found.map(({ source, rows, deleted }) => [source, rows?.length, deleted]),
        [
          ['canteen.md', 2, 1],
          ['garden/plants.md', undefined, 2],
        ],
      )
      for (const { source } of found) {
        await collection.insertTexts([{ id: `${source} more`, text: 'more', metadata: { source } }])
      }
      for (const change of found) {
        await assert.rejects(make(collection, change), { code: 'TOO_MANY_MATCHES' })
      }
      assert.equal(await collection.count(), all.length + 2)
      for (const change of await changes(collection, documents)) await make(collection, change)
      assert.equal(await collection.count(), 2)
    })
  })

  test('chunks begin at headings, but not in blocks of code, and none is empty', async () => {
    const folder = copied('sync')
    const { chunks } = await load(folder, 'documents.js')
    assert.deepEqual(chunks(''), [])
    assert.deepEqual(chunks('\n\n'), [])
    assert.deepEqual(chunks('above\n# One\ntext\r\n## Two\n#no heading\n### '), [
      'above',
      '# One\ntext',
      '## Two\n#no heading',
      '###',
    ])
    const code = '# One\n~~~\n# a\n```\n# b\n~~~\n# Two\n````\n```\n# c\n'
    assert.deepEqual(chunks(code), ['# One\n~~~\n# a\n```\n# b\n~~~', '# Two\n````\n```\n# c'])
  })

  test('a file without text has no chunks any more', async () => {
    const folder = await changed()
    writeFileSync(join(folder, 'notes', 'canteen.md'), '\n')
    assert.equal((await sync(folder, '--yes')).code, 0)
    assert.deepEqual(await synced(folder), [])
  })

  test('a command that is not understood changes nothing', async () => {
    const folder = await changed()
    const commands = [
      [],
      ['notes'],
      ['notes', 'store', 'more', '--yes'],
      ['note', 'store', '--yes'],
      [join('notes', 'canteen.md'), 'store', '--yes'],
      [join('notes', 'canteen.md', 'more'), 'store', '--yes'],
      ['notes', 'store', '--yse'],
      ['notes', 'store', '--yes=true'],
    ]
    for (const args of commands) {
      const { code, stderr } = await node(['sync.js', ...args], { cwd: folder })
      assert.equal(code, 2, args.join(' '))
      assert.match(stderr, /nothing was changed\n$/)
    }
    assert.deepEqual(await synced(folder), all)
    const { code, stdout } = await node(['sync.js', '--help'], { cwd: folder })
    assert.equal(code, 0)
    assert.ok(stdout.includes('--yes'))
  })

  test('a store that another process has open is left alone', async () => {
    const folder = await changed()
    await inStore(join(folder, 'store'), async (client) => {
      await client.ready()
      const { code, stderr } = await sync(folder, '--yes')
      assert.equal(code, 1)
      assert.match(stderr, new RegExp(`\\b${process.pid}\\b`))
    })
    assert.deepEqual(await synced(folder), all)
  })
})
