// The right to erasure: everything of one user, in every collection.
import { randomUUID } from 'node:crypto'
import { SigningError } from 'vectorizer-native'

/** @import { ForgetReceipt, ForgetReport, ForgottenCount, Vectorizer } from 'vectorizer-native' */
/** @import { Audit } from './audit.js' */

/**
 * What was erased of one user: the receipt, without its filter and its text, which name the
 * user, and whether the bytes are gone from each collection.
 *
 * @typedef {ForgottenCount & { verified: boolean }} Row
 * @typedef {Omit<ForgetReceipt, 'collections' | 'filter' | 'text'> & {
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
 * @param {{ certificate: string, requestedAt: string }} begun
 * @param {ForgetReceipt} receipt
 * @returns {Certificate}
 */
function certificateOf(begun, { filter, text, ...receipt }) {
  const collections = receipt.collections.map((row) => ({ ...row, verified: false }))
  return { ...begun, ...receipt, collections, verified: false } // the verification may fail
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
    // The ledger has the reason in plain text, so it is not the user.
    const report = await client.forget({ filter: ownedBy(userId) }, { reason: begun.certificate })
    done = certificateOf(begun, /** @type {ForgetReceipt} */ (report.receipt)) // only a dry run has none
    for (const { collection, ids } of report.collections) {
      const row = done.collections.find((each) => each.collection === collection)
      if (row) row.verified = (await client.verifyErased(collection, ids)).verified
    }
    // What arrived meanwhile is not erased.
    const left = await plan(client, userId)
    done.verified = left.documents === 0 && done.collections.every((row) => row.verified)
  } catch (error) {
    if (error instanceof SigningError) {
      // The documents are gone: only the signature is missing, and the next one covers it.
      const { receipt } = /** @type {ForgetReport} */ (error.report)
      done = certificateOf(begun, /** @type {ForgetReceipt} */ (receipt))
    }
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
