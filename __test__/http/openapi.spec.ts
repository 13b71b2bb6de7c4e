// The document of the routes: all of them are there, and it says what is so.
import { directory } from '../support/disk'
import { type Answer, type Ask, refusal, serving } from '../support/http'

/** The routes of the design of the HTTP surface. */
const ROUTES = [
  'DELETE /collections/{collection}/vectors/{id}',
  'POST /collections/{collection}/batch_delete',
  'POST /collections/{collection}/delete_by_filter',
  'POST /collections/{collection}/search',
  'POST /collections/{collection}/insert',
  'POST /collections/{collection}/batch_insert',
  'GET /collections/{collection}/vectors/{id}',
  'PUT /collections/{collection}/vectors/{id}',
  'PATCH /collections/{collection}/vectors/{id}',
  'GET /collections/{collection}/vectors',
  'POST /collections',
  'GET /collections',
  'GET /collections/{collection}',
  'DELETE /collections/{collection}',
  'GET /health',
  'GET /stats',
  'GET /openapi.json',
  // What existing SDK clients call as well.
  'POST /batch_delete',
  'POST /collections/{collection}/vectors/delete_by_filter',
  'GET /collections/{collection}/vectors/delete_by_filter',
  'PUT /collections/{collection}/vectors/delete_by_filter',
  'PATCH /collections/{collection}/vectors/delete_by_filter',
  'DELETE /collections/{collection}/vectors/delete_by_filter',
  'POST /search',
  'POST /collections/{collection}/search/text',
  'POST /insert',
  'POST /insert_texts',
  'POST /insert_vectors',
  'POST /update',
  'PUT /qdrant/collections/{collection}/points',
  'POST /qdrant/collections/{collection}/points/delete',
  'POST /embed',
  // And more.
  'POST /collections/{collection}/scan',
  'POST /collections/{collection}/replace',
  'POST /collections/{collection}/verify_erased',
  'POST /collections/{collection}/optimize',
  'GET /metrics',
  'POST /backups',
  'POST /backups/keys',
  'POST /keys/rotate',
  'PATCH /collections/{collection}/vectors/{id}/expiry',
  'POST /collections/{collection}/ttl',
  'POST /expiry/resume',
  'POST /collections/{collection}/batch_update',
  ...['bulk_update_metadata', 'move', 'copy'].flatMap((name) =>
    ['POST', 'GET', 'PUT', 'PATCH', 'DELETE'].map(
      (method) => `${method} /collections/{collection}/vectors/${name}`,
    ),
  ),
  'POST /forget',
  'GET /ledger',
  'GET /deleted',
  'GET /collections/{collection}/deleted',
  'POST /collections/{collection}/undelete',
  'POST /collections/{collection}/purge',
  'PUT /collections/{collection}',
  'POST /collections/{collection}/rename',
  'POST /collections/{collection}/reindex',
  'GET /collections/empty',
  'PUT /collections/empty',
  'DELETE /collections/empty',
  'GET /collections/cleanup',
  'PUT /collections/cleanup',
  'DELETE /collections/cleanup',
]
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

interface Operation {
  operationId: string
  tags: string[]
  summary: string
  parameters?: { name: string; in: string; required: boolean; schema: Schema }[]
  requestBody?: { required: boolean; content: Content }
  responses: Record<string, { $ref?: string; content: Content; links?: Record<string, Link> }>
}
type Schema = Record<string, unknown>
type Content = Record<string, { schema: Schema; example?: unknown }>
interface Link {
  operationId: string
  parameters: Record<string, string>
}
interface Document {
  openapi: string
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, Schema>; responses: Record<string, { content: Content }> }
}

async function documented() {
  const { ask } = await serving()
  const answer = await ask('GET', '/openapi.json')
  expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } })
  return { ask, document: answer.json as Document }
}

function operations({ paths }: Document) {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  )
}

/** What a reference leads to. */
const at = (document: Document, reference: string) =>
  reference
    .slice(2)
    .split('/')
    .reduce(
      (value: never, key) => value?.[key.replaceAll('~1', '/').replaceAll('~0', '~')],
      document as never,
    )

/** A server in the state that the examples are about. */
async function exemplary(operation = '', path = '') {
  const { ask } = /Backup|Keys|Ledger/.test(operation)
    ? await serving({ backups: directory() }, { path: directory(), ledger: operation === 'getLedger' })
    : await serving()
  if (operation === 'createCollection') return ask
  await ask('POST', '/collections', { name: 'my_collection', dimension: 4 })
  const vectors = [
    { id: 'vec_001', vector: [0.9, 0.1, 0, 0], metadata: { category: 'news' } },
    { id: 'vec_002', vector: [0.8, 0.2, 0, 0], metadata: { category: 'old_docs' } },
    { id: 'vec_003', vector: [0, 0, 1, 0.5], metadata: { category: 'docs' } },
  ]
  const named = path.split('/').at(-1) as string
  if (/^(get|update|patch|delete)(DeleteByFilter|BulkUpdateMetadata|Move|Copy)$/.test(operation)) {
    vectors.push({ ...vectors[0], id: named })
  }
  if (/^(get|update|delete)(Empty|Cleanup)$/.test(operation)) {
    await ask('POST', '/collections', { name: named, dimension: 4 })
  }
  if (/^(moveTo|copyV)/.test(operation)) await ask('POST', '/collections', { name: 'archive', dimension: 4 })
  await ask('POST', '/collections/my_collection/batch_insert', { vectors })
  if (operation === 'verifyErased') await ask('DELETE', '/collections/my_collection/vectors/vec_001')
  if (/^(listDeleted|undelete|purgeDeleted)$/.test(operation))
    await ask('DELETE', '/collections/my_collection/vectors/vec_001?undo=24h')
  if (operation === 'listDeletedCollections') await ask('DELETE', '/collections/my_collection?undo=24h')
  return ask
}

/** Asks as the document shows it. */
function askExample(ask: Ask, method: string, path: string, operation: Operation): Promise<Answer> {
  const query = operation.operationId === 'cleanupEmptyCollections' ? '?dry_run=true' : ''
  const there = path.replace('{collection}', 'my_collection').replace('{id}', 'vec_001') + query
  return ask(method, there, operation.requestBody?.content['application/json'].example)
}

/** The keys of a value and of all that is in it; elements of a list that have the same are one. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return [...new Set(value.map((one) => JSON.stringify(shape(one))))].sort()
  if (typeof value !== 'object' || value === null) return typeof value
  const keys = Object.keys(value).sort() as (keyof typeof value)[]
  return Object.fromEntries(keys.map((key) => [key, shape(value[key])]))
}

test('all routes are there, and no others', async () => {
  const { document } = await documented()
  expect(document.openapi).toMatch(/^3\.1\.\d+$/)
  const all = operations(document).map(({ method, path }) => `${method} ${path}`)
  expect(all.sort()).toStrictEqual([...ROUTES].sort())
})

test('every reference leads somewhere, and every schema and response is referred to', async () => {
  const { document } = await documented()
  const references = new Set<string>()
  const look = (value: unknown) => {
    if (typeof value !== 'object' || value === null) return
    for (const [key, one] of Object.entries(value)) {
      if (key === '$ref') references.add(one)
      look(one)
    }
  }
  look(document)
  for (const reference of references) {
    expect(reference).toMatch(/^#\/components\/(schemas|responses)\//)
    expect([reference, at(document, reference)]).toStrictEqual([reference, expect.any(Object)])
  }
  for (const kind of ['schemas', 'responses'] as const) {
    for (const name of Object.keys(document.components[kind])) {
      expect(references).toContain(`#/components/${kind}/${name}`)
    }
  }
})

test('every operation has a name of its own, parameters for its path, and links that lead on', async () => {
  const { document } = await documented()
  const all = operations(document)
  const byId = new Map(all.map(({ operation }) => [operation.operationId, operation]))
  expect(byId.size).toBe(all.length)
  for (const { path, operation } of all) {
    expect(operation).toMatchObject({
      summary: expect.stringMatching(/./),
      tags: [expect.stringMatching(/./)],
    })
    const { parameters = [] } = operation
    const inPath = parameters.filter((parameter) => parameter.in === 'path')
    expect(inPath.map(({ name }) => `{${name}}`)).toStrictEqual(path.match(/\{\w+\}/g) ?? [])
    expect(inPath.every(({ required }) => required)).toBe(true)
    for (const response of Object.values(operation.responses)) {
      for (const { operationId, parameters: given } of Object.values(response.links ?? {})) {
        const target = byId.get(operationId)?.parameters?.map((parameter) => parameter.name)
        for (const name of Object.keys(given)) expect(target).toContain(name.replace(/^(path|query)\./, ''))
      }
    }
  }
})

test.each(ROUTES)('%s answers its example as the document says', async (route) => {
  const [method, path] = route.split(' ')
  const { document } = await documented()
  const operation = document.paths[path][method.toLowerCase()]
  const success = Object.keys(operation.responses).find((status) => status.startsWith('2')) as string
  const { content } = operation.responses[success]
  const ask = await exemplary(operation.operationId, path)
  const answer = await askExample(ask, method, path, operation)
  expect([answer.status, answer.text]).toStrictEqual([Number(success), answer.text])
  expect(answer.headers['content-type']?.split(';')[0]).toBe(Object.keys(content)[0])

  const { example, schema } = Object.values(content)[0]
  if (example === undefined) return
  expect(shape(answer.json)).toStrictEqual(shape(example))
  // The schema, or one of them, has these keys, and those it requires are there.
  const keys = Object.keys(answer.json)
  const fits = alternatives(document, schema).map(
    ({ properties, required = [] }) =>
      keys.every((key) => key in properties) && required.every((key) => keys.includes(key)),
  )
  expect([keys, fits]).toStrictEqual([keys, expect.arrayContaining([true])])
})

interface ObjectSchema {
  properties: object
  required?: string[]
}

/** The schemas of which a value has one. */
function alternatives(document: Document, schema: Schema): ObjectSchema[] {
  const { anyOf, ...one } = resolved(document, schema)
  if (anyOf === undefined) return [one as unknown as ObjectSchema]
  return (anyOf as Schema[]).flatMap((each) => alternatives(document, each))
}

/** A schema with what it refers to. */
function resolved(document: Document, schema: Schema): Schema {
  return typeof schema.$ref === 'string' ? at(document, schema.$ref) : schema
}

test('every example of a filter is understood', async () => {
  const { document } = await documented()
  const { examples } = document.components.schemas.Filter as { examples: unknown[] }
  expect(examples.length).toBeGreaterThan(0)
  const ask = await exemplary()
  for (const filter of examples) {
    const body = { filter, dry_run: true }
    expect((await ask('POST', '/collections/my_collection/delete_by_filter', body)).status).toBe(200)
  }
})

test('every operation exists, and methods that are not there do not', async () => {
  const { document } = await documented()
  const ask = await exemplary()
  for (const [path, methods] of Object.entries(document.paths)) {
    const there = path.replace('{collection}', 'nowhere').replace('{id}', 'nobody')
    for (const method of METHODS) {
      const answer = await ask(method, there, method.startsWith('P') ? {} : undefined)
      const code = answer.status < 300 ? undefined : refusal(answer).code
      if (method.toLowerCase() in methods) {
        expect([path, method, code === 'NOT_FOUND' || code === 'METHOD_NOT_ALLOWED']).toStrictEqual([
          path,
          method,
          false,
        ])
      } else {
        expect([path, method, code]).toStrictEqual([path, method, 'METHOD_NOT_ALLOWED'])
      }
    }
  }
})

test('every refusal has the schema and one of the statuses that the document tells', async () => {
  const { document } = await documented()
  const ask = await exemplary()
  for (const { method, path, operation } of operations(document)) {
    const there = path.replace('{collection}', 'nowhere').replace('{id}', 'nobody')
    const body = operation.requestBody?.content['application/json'].example
    for (const answer of [
      await ask(
        method,
        there,
        body && JSON.parse(JSON.stringify(body).replaceAll('my_collection', 'nowhere')),
      ),
      await ask(method, `${there}?unknown=1`, body),
      await ask(method, there, body && { ...(body as object), unknown: 1 }),
      await ask(method, there, body && [body]),
      await ask(method, there, body && '{'),
      await ask(method, there, body, { host: 'evil.example' }),
      await ask(method, there, body, { 'content-type': 'text/plain' }),
    ]) {
      const response = operation.responses[answer.status]
      expect([method, path, answer.status, response]).toStrictEqual([
        method,
        path,
        answer.status,
        expect.any(Object),
      ])
      if (answer.status < 300) continue
      refusal(answer)
      const { content } = at(document, response.$ref as string) as { content: Content }
      const { properties } = resolved(document, content['application/json'].schema) as { properties: object }
      expect(Object.keys(properties).sort()).toStrictEqual(['error', 'message'])
    }
  }
})

test('the document is the same for every server', async () => {
  const [one, other] = [await documented(), await documented()]
  expect(one.document).toStrictEqual(other.document)
})
