// The command's log: a line for each request, with nothing of what is in it.
import { once } from 'node:events'
import { type Answer, commandServing } from '../support/http'
import { Wire } from '../support/wire'

/** Words that are in ids, texts, metadata, filters, queries, headers and names, and nowhere else. */
const SECRETS = ['Zaphod', 'Trillian', 'Marvin', 'Slartibartfast', 'Eddie', 'Deepthought', 'Magrathea']
const [ID, TEXT, VALUE, FIELD, QUERY, KEY, NAME] = SECRETS
const headers = {
  'x-api-key': KEY,
  'user-agent': `agent ${VALUE}`,
  referer: `http://${NAME}/`,
  cookie: `c=${ID}`,
}

/** Asks for all that can be asked for, and tells what the log is to say of it. */
async function everything(ask: Awaited<ReturnType<typeof commandServing>>['ask']) {
  const asked: [string, string, number][] = []
  const at = `/collections/${NAME}`
  const one = async (method: string, path: string, route: string, body?: unknown): Promise<Answer> => {
    const answer = await ask(method, path, body, headers)
    asked.push([method, route, answer.status])
    return answer
  }
  const metadata = { [FIELD]: VALUE, nested: { [FIELD]: [VALUE] } }
  const filter = { [FIELD]: VALUE }
  const collection = '/collections/{collection}'
  await one('POST', '/collections', '/collections', { name: NAME, dimension: 2 })
  await one('POST', '/collections', '/collections', { name: NAME, dimension: 2 })
  await one('POST', `${at}/insert`, `${collection}/insert`, { id: ID, vector: [1, 2], text: TEXT, metadata })
  await one('POST', `${at}/insert`, `${collection}/insert`, {
    id: ID,
    vector: [1, 2, 3],
    text: TEXT,
    metadata,
  })
  await one('POST', `${at}/insert`, `${collection}/insert`, { [ID]: TEXT })
  await one('POST', `${at}/insert`, `${collection}/insert`, `{"${ID}`)
  await one('POST', `${at}/batch_insert`, `${collection}/batch_insert`, {
    vectors: [{ id: `${ID} 2`, text: TEXT, metadata }],
  })
  await one('GET', `${at}/vectors/${ID}`, `${collection}/vectors/{id}`)
  await one('GET', `${at}/vectors/${ID}?${QUERY}`, `${collection}/vectors/{id}`)
  await one('GET', `${at}/vectors?ids=${ID},${QUERY}`, `${collection}/vectors`)
  await one('PUT', `${at}/vectors/${ID}`, `${collection}/vectors/{id}`, { metadata })
  await one('POST', `${at}/search`, `${collection}/search`, { query: QUERY, filter })
  await one('POST', `${at}/search`, `${collection}/search`, {
    query: QUERY,
    filter: { [FIELD]: { $x: VALUE } },
  })
  await one('POST', `${at}/search/text`, `${collection}/search/text`, { query: QUERY })
  await one('POST', '/search', '/search', { collection: NAME, query: QUERY })
  await one('POST', '/embed', '/embed', { text: TEXT })
  await one('GET', `/${NAME}/${ID}?${QUERY}`, 'none')
  await one(ID.toUpperCase(), at, collection)
  await one('DELETE', `${at}/vectors/${ID}`, `${collection}/vectors/{id}`)
  await one('DELETE', `${at}/vectors/${ID}`, `${collection}/vectors/{id}`)
  await one('POST', `${at}/batch_delete`, `${collection}/batch_delete`, {
    ids: [ID, `${ID} 2`],
    receipt: true,
    reason: TEXT,
  })
  await one('POST', `${at}/replace`, `${collection}/replace`, {
    filter,
    texts: [{ id: ID, text: TEXT, metadata }],
  })
  await one('POST', `${at}/vectors/bulk_update_metadata`, `${collection}/vectors/bulk_update_metadata`, {
    filter,
    patch: { [FIELD]: VALUE, more: TEXT },
  })
  await one('POST', `${at}/batch_update`, `${collection}/batch_update`, {
    updates: [
      { id: ID, text: TEXT, metadata },
      { id: `${ID} 3`, metadata },
    ],
  })
  for (const route of ['move', 'copy']) {
    await one('POST', `${at}/vectors/${route}`, `${collection}/vectors/${route}`, {
      destination: `${NAME} 2`,
      ids: [ID],
    })
  }
  await one('POST', '/forget', '/forget', { filter: { [FIELD]: QUERY }, reason: TEXT })
  await one('DELETE', `${at}/vectors/${ID}?undo=1h&reason=${TEXT}`, `${collection}/vectors/{id}`)
  await one('GET', '/deleted', '/deleted')
  await one('GET', `/deleted?${QUERY}`, '/deleted')
  await one('GET', `${at}/deleted?limit=${QUERY}`, `${collection}/deleted`)
  await one('POST', `${at}/purge`, `${collection}/purge`, { token: VALUE, reason: TEXT })
  await one('POST', `${at}/undelete`, `${collection}/undelete`, { ids: [ID] })
  await one('GET', '/ledger', '/ledger')
  await one('GET', `/ledger?${QUERY}`, '/ledger')
  await one('PUT', at, collection, { description: TEXT })
  await one('POST', `${at}/rename`, `${collection}/rename`, { new_name: `${NAME}/${ID}` })
  await one('POST', `${at}/reindex`, `${collection}/reindex`, { [FIELD]: VALUE })
  await one('GET', `/collections/empty?${QUERY}`, '/collections/empty')
  await one('DELETE', `/collections/cleanup?dry_run=${QUERY}`, '/collections/cleanup')
  await one('POST', `${at}/delete_by_filter`, `${collection}/delete_by_filter`, { filter })
  await one('POST', `${at}/verify_erased`, `${collection}/verify_erased`, { ids: [ID] })
  await one('DELETE', `${at}/vectors/${ID}?reason=${TEXT}&${QUERY}`, `${collection}/vectors/{id}`)
  await one('DELETE', `${at}?receipt=true&reason=${TEXT}`, collection)
  await one('GET', '/metrics', '/metrics')
  return asked
}

async function logged(format: string[]) {
  const { running, url, ask } = await commandServing([...format, '--api-key', KEY])
  const asked = await everything(ask)
  // A wrong key, and what is no request, are no secrets less.
  const wrong = await ask('GET', `/collections/${NAME}`, undefined, { 'x-api-key': VALUE })
  asked.push(['GET', '/collections/{collection}', wrong.status])
  const { hostname, port } = new URL(url)
  const wire = await Wire.to({ address: hostname, port: Number(port) })
  wire.say(`${ID} ${TEXT}\r\n\r\n`)
  await wire.end()
  running.child.kill('SIGTERM')
  const { code, stdout, stderr } = await running.ended
  expect(code).toBe(0)
  return { asked, stdout, stderr, lines: stderr.split('\n').slice(0, -1) }
}

/** Methods that are not known are not told apart. */
const known = (method: string) => (method === ID.toUpperCase() ? 'other' : method)

test('JSON lines tell when, how, which route, with which status and how long, and nothing else', async () => {
  const { asked, lines } = await logged(['--log-format', 'json'])
  const entries = lines.map((line) => JSON.parse(line))
  for (const entry of entries) {
    expect(entry).toStrictEqual({
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/),
      level: 'INFO',
      message: 'request',
      method: expect.any(String),
      route: expect.any(String),
      status: expect.any(Number),
      duration_ms: expect.any(Number),
    })
    expect(entry.duration_ms).toBeGreaterThanOrEqual(0)
  }
  expect(entries.map(({ method, route, status }) => [method, route, status])).toStrictEqual(
    asked.map(([method, route, status]) => [known(method), route, status]),
  )
})

test('text lines tell the same', async () => {
  const { asked, lines } = await logged(['--log'])
  const parts = lines.map((line) =>
    /^\S+Z +INFO request method="(\S+)" route="(\S+)" status=(\d+) duration_ms=[\d.e-]+$/
      .exec(line)
      ?.slice(1),
  )
  expect(parts).toStrictEqual(asked.map(([method, route, status]) => [known(method), route, `${status}`]))
})

test.each([[['--log']], [['--log-format', 'text']], [['--log-format', 'json']], [[]]])(
  'nothing of what is in requests is in any output with %j',
  async (format) => {
    const { stdout, stderr, asked } = await logged(format)
    expect(asked.map(([, , status]) => status)).toContain(200)
    for (const secret of SECRETS) {
      for (const one of [secret, secret.toLowerCase(), secret.toUpperCase()]) {
        expect(stdout).not.toContain(one)
        expect(stderr).not.toContain(one)
      }
    }
  },
)

test('there is no log where none is asked for', async () => {
  expect((await logged([])).stderr).toBe('')
})

test('a log that nobody reads stops neither requests nor the end', async () => {
  const { running, ask } = await commandServing(['--log'])
  running.child.stderr?.pause()
  // Much more than fits into a pipe.
  for (let i = 0; i < 3000; i++) expect((await ask('GET', '/health')).status).toBe(200)
  const exited = once(running.child, 'exit')
  running.child.kill('SIGTERM')
  expect(await exited).toStrictEqual([0, null])
})

test('a log whose reader is gone stops neither requests nor the end', async () => {
  const { running, ask } = await commandServing(['--log'])
  running.child.stderr?.destroy()
  for (let i = 0; i < 100; i++) expect((await ask('GET', '/health')).status).toBe(200)
  running.child.kill('SIGTERM')
  expect(await running.ended).toMatchObject({ code: 0, signal: null })
})
