// The service: routes, errors, logs.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import Fastify, { LogController } from 'fastify'
import {
  ClientClosedError,
  CollectionExistsError,
  CollectionNotFoundError,
  StorageError,
  StoreLockedError,
  ValidationError,
  VectorizerClient,
  VectorNotFoundError,
} from 'vectorizer-native'
import { Audit } from './audit.js'
import { certificates, erase, ownedBy, plan } from './erasure.js'
import * as schemas from './schemas.js'
import { signedWith } from './signing.js'

/** @import { KeyObject } from 'node:crypto' */
/** @import { FastifyError, FastifyInstance, FastifyReply, FastifyRequest, FastifyServerOptions } from 'fastify' */

/**
 * What the schemas let through.
 *
 * @typedef {{ collection: string }} InCollection
 * @typedef {{ userId: string }} OfUser
 * @typedef {{ text: string, metadata: OfUser & Record<string, string | number | boolean> }} NewDocument
 * @typedef {{ query: string, limit: number, userId?: string }} Search
 */

const DIMENSION = 512

/** @type {[Function, number][]} */
const statuses = [
  [ValidationError, 400],
  [CollectionNotFoundError, 404],
  [VectorNotFoundError, 404],
  [StorageError, 503],
  [StoreLockedError, 503],
  [ClientClosedError, 503],
]

/**
 * An error as the one who asked may see it: one that nobody expected says nothing.
 *
 * @param {FastifyError} error
 */
function answerTo(error) {
  const known = statuses.find(([kind]) => error.constructor === kind)
  const status = known?.[1] ?? error.statusCode ?? 500
  if (status === 500) return { status, code: 'INTERNAL_ERROR', message: 'internal error' }
  return { status, code: error.code, message: error.message }
}

/**
 * @param {FastifyReply} reply
 * @param {{ status: number, code: string, message: string }} answer
 */
function refuse(reply, { status, code, message }) {
  reply.code(status).send({ error: { code, message } })
}

/**
 * An error as the log may keep it. Messages can hold what was in a request; those of the
 * storage name files and nothing else.
 *
 * @param {FastifyError} error
 */
function logged(error) {
  const frames = error.stack?.split('\n').filter((line) => /^\s+at /.test(line))
  const message = error instanceof StorageError || error instanceof StoreLockedError ? error.message : ''
  return { name: error.name, code: error.code, message, frames }
}

/**
 * @param {string} path
 * @param {string[]} collections
 * @param {KeyObject} [signingKey]
 */
async function openStore(path, collections, signingKey) {
  const ledger = signingKey ? signedWith(signingKey) : true
  const client = new VectorizerClient({ path, fsync: 'always', ledger })
  for (const name of collections) {
    await client.createCollection(name, { dimension: DIMENSION }).catch((error) => {
      if (!(error instanceof CollectionExistsError)) throw error
    })
  }
  return client
}

/**
 * @param {FastifyInstance} app
 * @param {VectorizerClient} client
 * @param {Audit} audit
 */
function addRoutes(app, client, audit) {
  app.post(
    '/collections/:collection/documents',
    { schema: schemas.insert },
    /** @param {FastifyRequest<{ Params: InCollection, Body: NewDocument }>} request */
    async ({ params, body }, reply) => {
      // The store makes the id, at random: one that was chosen could name its user.
      const id = await client.insertText(params.collection, body.text, body.metadata)
      return reply.code(201).send({ id })
    },
  )

  app.get(
    '/collections/:collection/documents/:id',
    { schema: schemas.read },
    /** @param {FastifyRequest<{ Params: InCollection & { id: string } }>} request */
    async ({ params }) => {
      const { id, text, metadata } = await client.getVector(params.collection, params.id)
      return { id, text, metadata }
    },
  )

  app.post(
    '/collections/:collection/search',
    { schema: schemas.search },
    /** @param {FastifyRequest<{ Params: InCollection, Body: Search }>} request */
    async ({ params, body: { query, limit, userId } }) => {
      const filter = userId === undefined ? undefined : ownedBy(userId)
      return { results: await client.search(params.collection, query, { limit, filter }) }
    },
  )

  app.get(
    '/users/:userId/erasure',
    { schema: schemas.user },
    /** @param {FastifyRequest<{ Params: OfUser }>} request */
    ({ params }) => plan(client, params.userId),
  )

  app.get(
    '/users/:userId/certificates',
    { schema: schemas.user },
    /** @param {FastifyRequest<{ Params: OfUser }>} request */
    async ({ params }) => ({ certificates: await certificates(audit, params.userId) }),
  )

  app.delete(
    '/users/:userId',
    { schema: schemas.erase },
    /** @param {FastifyRequest<{ Params: OfUser, Querystring: { dryRun?: 'true' | 'false' } }>} request */
    async ({ params, query }, reply) => {
      if (query.dryRun === 'true') return plan(client, params.userId)
      const certificate = await erase(client, audit, params.userId)
      return reply.code(certificate.verified ? 200 : 500).send(certificate)
    },
  )
}

/**
 * The service, ready to listen. `folder` has the store and the audit log, `auditKey` is
 * the secret with which users are named in the latter, `signingKey` the private key that
 * signs the store's ledger, `logger` is Fastify's.
 *
 * @param {{
 *   folder: string
 *   auditKey: string | undefined
 *   signingKey?: KeyObject
 *   collections?: string[]
 *   logger?: FastifyServerOptions['logger']
 * }} options
 */
export async function build({
  folder,
  auditKey,
  signingKey,
  collections = ['notes', 'messages'],
  logger = false,
}) {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const audit = await Audit.open(join(folder, 'audit.jsonl'), auditKey)
  const client = await openStore(join(folder, 'store'), collections, signingKey).catch(async (error) => {
    await audit.close()
    throw error
  })

  const app = Fastify({
    logger,
    // Fastify's lines for a request hold its path, and so the user's id, and who sent it.
    logController: new LogController({ disableRequestLogging: true }),
    // Nothing is made to fit: by default ["ann"] becomes "ann", and unknown keys are dropped.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
    frameworkErrors: (error, _request, reply) => {
      refuse(reply, { status: error.statusCode ?? 400, code: error.code, message: 'the path cannot be read' })
    },
  })
  app.addHook('onResponse', async (request, reply) => {
    const { method, routeOptions, log } = request
    log.info({ method, route: routeOptions.url, status: reply.statusCode, ms: reply.elapsedTime }, 'request')
  })
  app.setNotFoundHandler((_request, reply) => {
    refuse(reply, { status: 404, code: 'NOT_FOUND', message: 'there is no such route' })
  })
  app.setErrorHandler(
    /** @param {FastifyError} error */
    (error, request, reply) => {
      const answer = answerTo(error)
      if (answer.status >= 500) request.log.error({ error: logged(error) }, 'failed')
      refuse(reply, answer)
    },
  )
  // When the requests under way have been answered.
  app.addHook('onClose', async () => {
    await client.close()
    await audit.close()
  })
  addRoutes(app, client, audit)
  return app
}
