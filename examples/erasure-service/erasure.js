// The right to erasure: everything of one user, in every collection.
import { randomUUID } from 'node:crypto'

/** @import { ErasureReceipt, Vectorizer } from 'vectorizer-native' */
/** @import { Audit } from './audit.js' */

/**
 * What was erased of one user: a receipt for each collection, without the user.
 *
 * @typedef {ErasureReceipt & { verified: boolean }} Row
 * @typedef {{
 *   certificate: string
 *   requestedAt: string
 *   completedAt: string
 *   documents: number
 *   verified: boolean
 *   collections: Row[]
 * }} Certificate
 */

/**
 * With an operator: a value that is no single value is then an error of the filter.
 *
 * @param {string} userId
 */
export const ownedBy = (userId) => ({ userId: { $eq: userId } })

/**
 * Those that the store has, and not those that this version of the service knows.
 *
 * @param {Vectorizer} client
 */
async function collectionNames(client) {
  return (await client.listCollections()).map(({ name }) => name)
}

/**
 * What an erasure would erase.
 *
 * @param {Vectorizer} client
 * @param {string} userId
 */
export async function plan(client, userId) {
  const collections = []
  for (const collection of await collectionNames(client)) {
    const { matched } = await client.deleteByFilter(collection, ownedBy(userId), { dryRun: true })
    if (matched > 0) collections.push({ collection, documents: matched })
  }
  return { documents: collections.reduce((sum, { documents }) => sum + documents, 0), collections }
}

/**
 * @param {Vectorizer} client
 * @param {string} collection
 * @param {string} userId
 * @param {Row[]} erased
 */
async function eraseFrom(client, collection, userId, erased) {
  const { results, receipt } = await client.deleteByFilter(collection, ownedBy(userId), { receipt: true })
  if (receipt.deleted === 0) return
  const row = { ...receipt, verified: false }
  erased.push(row) // before the verification, which may fail
  const ids = results.map(({ id }) => id)
  row.verified = (await client.verifyErased(collection, ids)).verified
}

/**
 * Erases everything of a user, looks whether it is gone, and resolves with the
 * certificate. The audit log has an entry before and one after, so that an erasure that
 * was interrupted shows as one that has no end.
 *
 * @param {Vectorizer} client
 * @param {Audit} audit
 * @param {string} userId
 */
export async function erase(client, audit, userId) {
  const subject = audit.subject(userId)
  const begun = { certificate: randomUUID(), requestedAt: new Date().toISOString() }
  await audit.write({ event: 'requested', subject, ...begun })
  /** @type {Row[]} */
  const collections = []
  let verified = false
  /** @returns {Certificate} */
  const certificate = () => ({
    ...begun,
    completedAt: new Date().toISOString(),
    documents: collections.reduce((sum, { deleted }) => sum + deleted, 0),
    verified,
    collections,
  })
  try {
    for (const name of await collectionNames(client)) await eraseFrom(client, name, userId, collections)
    // What arrived meanwhile is not erased.
    const left = await plan(client, userId)
    verified = left.documents === 0 && collections.every((row) => row.verified)
  } catch (error) {
    await audit.write({ event: 'failed', subject, ...certificate() })
    throw error
  }
  const done = certificate()
  await audit.write({ event: 'erased', subject, ...done })
  return done
}

/**
 * The certificates of a user's erasures.
 *
 * @param {Audit} audit
 * @param {string} userId
 */
export async function certificates(audit, userId) {
  const entries = await audit.of(userId)
  return entries
    .filter(({ event }) => event === 'erased')
    .map(({ event, subject, ...certificate }) => certificate)
}
