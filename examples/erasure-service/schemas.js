// What a request may be. Everything else is refused before any call is made.

/**
 * A user's id. A text and nothing else: as a filter's value an object would be operators
 * (`{ "$ne": null }` is everybody) and an array would be any of its elements. No colon: a
 * filter compares dates as instants, so that two ways to write one time of day would be
 * the same user. And not what a caller's missing value becomes in a path.
 */
const userId = {
  type: 'string',
  pattern: '^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$',
  not: { enum: ['undefined', 'null', 'NaN'] },
}

const collection = { type: 'string', pattern: '^[a-z][a-z0-9_-]{0,31}$' }

/**
 * @param {Record<string, object>} properties
 * @param {string[]} required
 */
function object(properties, required = Object.keys(properties)) {
  return { type: 'object', properties, required, additionalProperties: false }
}

/** The part of a route's path that names the user. */
const params = object({ userId })

export const insert = {
  params: object({ collection }),
  body: object({
    text: { type: 'string', minLength: 1, maxLength: 10_000 },
    metadata: {
      type: 'object',
      properties: { userId },
      required: ['userId'],
      maxProperties: 20,
      additionalProperties: { anyOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }] },
    },
  }),
}

export const read = { params: object({ collection, id: { type: 'string', format: 'uuid' } }) }

export const search = {
  params: object({ collection }),
  body: object(
    {
      query: { type: 'string', minLength: 1, maxLength: 1_000 },
      limit: { type: 'integer', minimum: 1, maximum: 100, default: 10 },
      userId,
    },
    ['query'],
  ),
}

export const user = { params, querystring: object({}) }

/** A key that is not known is refused, and so is a body: a misspelt dry run must not erase. */
export const erase = {
  params,
  querystring: object({ dryRun: { enum: ['true', 'false'] } }, []),
  body: { type: 'null' },
}
