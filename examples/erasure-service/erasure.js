// The right to erasure: everything of one user, in every collection.
import { randomUUID } from 'node:crypto'

/** @import { ForgetReceipt, ForgottenCount, Vectorizer } from 'vectorizer-native' */
/** @import { Audit } from './audit.js' */

/**
 * What was erased of one user: the receipt, without the user, and whether the bytes are gone
 * from each collection.
 *
 * @typedef {ForgottenCount & { verified: boolean }} Row
 * @typedef {Omit<ForgetReceipt, 'collections'> & {
 *   certificate: string
 *   requestedAt: string
 *   collections: Row[]
 *   verified: boolean
 * }} Certificate
 */

/**
 * With an operator: a value that is no single value is then an error of the filter.
 *
 * @param {string} userId
 */
export const ownedBy = (userId) => ({ userId: { $eq: userId } })

/**
 * What an erasure would erase.
 *
 * @param {Vectorizer} client
 * @param {string} userId
 */
export async function plan(client, userId) {
  const { matched, collections } = await client.forget({ filter: ownedBy(userId) }, { dryRun: true })
  const concerned = collections.filter((each) => each.matched > 0)
  return {
    documents: matched,
    collections: concerned.map(({ collection, matched }) => ({ collection, documents: matched })),
  }
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
  /** @type {Certificate | undefined} */
  let done
  try {
    const report = await client.forget({ filter: ownedBy(userId) })
    const receipt = /** @type {ForgetReceipt} */ (report.receipt) // only a dry run has none
    const rows = receipt.collections.map((row) => ({ ...row, verified: false }))
    done = { ...begun, ...receipt, collections: rows, verified: false } // the verification may fail
    for (const { collection, ids } of report.collections) {
      const row = rows.find((each) => each.collection === collection)
      if (row) row.verified = (await client.verifyErased(collection, ids)).verified
    }
    // What arrived meanwhile is not erased.
    const left = await plan(client, userId)
    done.verified = left.documents === 0 && rows.every((row) => row.verified)
  } catch (error) {
    await audit.write({ event: 'failed', subject, ...begun, ...done })
    throw error
  }
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
