// What every answer has, errors above all.
import { refusal, servingThings } from './support/http'

const INSERT = '/collections/things/insert'
const A = '/collections/things/vectors/a'

describe('an answer', () => {
  test.each([
    ['a route that does not exist', 'GET', '/', 404, 'NOT_FOUND'],
    ['a route that does not exist, below one', 'POST', '/collections/things/delete', 404, 'NOT_FOUND'],
    ['a collection that does not exist', 'GET', '/collections/nowhere', 404, 'COLLECTION_NOT_FOUND'],
    ['a vector that does not exist', 'GET', '/collections/things/vectors/none', 404, 'VECTOR_NOT_FOUND'],
    ['a parameter that does not exist', 'GET', '/health?x', 400, 'VALIDATION_ERROR'],
    ['a parameter that is wrong', 'GET', '/collections/things/vectors?limit=0', 400, 'VALIDATION_ERROR'],
    ['a parameter that is no number', 'GET', '/collections/things/vectors?limit=x', 400, 'VALIDATION_ERROR'],
    ['a parameter that is negative', 'GET', '/collections/things/vectors?offset=-1', 400, 'VALIDATION_ERROR'],
    [
      'a parameter that is there twice',
      'GET',
      '/collections/things/vectors?limit=1&limit=2',
      400,
      'VALIDATION_ERROR',
    ],
    ['a body that is missing', 'POST', INSERT, 415, 'UNSUPPORTED_MEDIA_TYPE'],
  ])('to %s is an error in JSON', async (_, method, path, status, code) => {
    const { ask } = await servingThings(['a'])
    expect(refusal(await ask(method, path))).toStrictEqual({ status, code })
  })

  test.each([
    ['DELETE', '/health', 'GET,HEAD'],
    ['DELETE', '/collections', 'GET,HEAD,POST'],
    ['POST', '/collections/things', 'DELETE,GET,HEAD'],
    ['POST', A, 'DELETE,GET,HEAD,PATCH,PUT'],
    ['GET', '/collections/things/batch_delete', 'POST'],
    ['GET', '/search', 'POST'],
    ['OPTIONS', '/collections/things/delete_by_filter', 'POST'],
    ['TRACE', '/stats', 'GET,HEAD'],
    ['BREW', '/metrics', 'GET,HEAD'],
  ])('to %s %s tells which methods there are', async (method, path, allowed) => {
    const { ask } = await servingThings(['a'])
    const answer = await ask(method, path)
    expect(refusal(answer)).toStrictEqual({ status: 405, code: 'METHOD_NOT_ALLOWED' })
    expect(answer.headers.allow?.split(/, ?/).sort().join()).toBe(allowed)
  })

  const long = 'x'.repeat(100_000)
  test.each<[string, string, unknown]>([
    ['an unknown key', '/collections/things/batch_delete', { [long]: 1 }],
    ['a value of the wrong kind', '/collections/things/batch_delete', { ids: long }],
    ['a collection’s name', '/collections', { name: long, dimension: 2 }],
    ['a metric', '/collections', { name: 'a', dimension: 2, metric: long }],
    ['an id', INSERT, { id: long, vector: [1, 2] }],
    ['a model', '/embed', { text: 'a', model: long }],
    ['a field of a filter', '/collections/things/delete_by_filter', { filter: { [long]: {} } }],
    ['an operator', '/collections/things/delete_by_filter', { filter: { [`$${long}`]: 1 } }],
  ])('to %s that is wrong at length is short', async (_, path, body) => {
    const { ask } = await servingThings()
    const answer = await ask('POST', path, body)
    expect(refusal(answer)).toStrictEqual({ status: 400, code: 'VALIDATION_ERROR' })
    expect(answer.json.message.length).toBeLessThan(1000)
  })

  test('to HEAD is that to GET without its body', async () => {
    const { ask } = await servingThings(['a'])
    for (const path of ['/collections/things', A, '/collections/things/vectors/none', '/openapi.json']) {
      const [head, get] = [await ask('HEAD', path), await ask('GET', path)]
      expect(head.status).toBe(get.status)
      expect(head.headers).toMatchObject({
        'content-type': get.headers['content-type'],
        'content-length': get.headers['content-length'],
      })
      expect(head.text).toBe('')
    }
  })

  test('tells its length, its time and its kind, and nothing of what serves it', async () => {
    const { ask } = await servingThings(['a'])
    const { headers, text } = await ask('GET', A)
    const { connection: _, ...rest } = headers
    expect(rest).toStrictEqual({
      'cache-control': 'no-store',
      'content-type': 'application/json',
      'content-length': `${text.length}`,
      date: expect.any(String),
    })
  })
})
