// Applying rules to an open client: for the command, and for a service that has the store open.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CollectionNotFoundError, ValidationError } from 'vectorizer-native'
import { filters, RuleError } from './rules.js'

/** @import { Vectorizer } from 'vectorizer-native' */
/** @import { Rule } from './rules.js' */
/** @typedef {Awaited<ReturnType<typeof lookUp>>} Row A rule, and what became of it. */

/**
 * @param {Vectorizer} client
 * @param {Rule} rule
 * @param {Date} now
 */
async function lookUp(client, rule, now) {
  const { collection } = rule
  const { cutoff, old, due, undated } = filters(rule, now)
  const { matched } = await client.deleteByFilter(collection, due, { dryRun: true })
  return {
    ...rule,
    cutoff,
    due,
    matched,
    excepted: (await client.count(collection, old)) - matched,
    undated: await client.count(collection, undated),
    deleted: 0,
  }
}

/**
 * Looks a rule up; what the store does not understand of it is an error of the rule.
 *
 * @param {Vectorizer} client
 * @param {Rule} rule
 * @param {number} i
 * @param {Date} now
 */
async function understood(client, rule, i, now) {
  try {
    return await lookUp(client, rule, now)
  } catch (error) {
    const refused = error instanceof ValidationError || error instanceof CollectionNotFoundError
    throw refused ? new RuleError(`rules[${i}]: ${error.message}`, { cause: error }) : error
  }
}

/**
 * Looks up what each rule matches, and, with `erase`, deletes it. All rules are looked up
 * before the first deletes, so that one that the store does not understand stops them all.
 * `onRule` is told of each rule when it is done. With `backup`, a folder, what a rule
 * deletes is written to a file there first.
 *
 * @param {Vectorizer} client
 * @param {Rule[]} rules
 * @param {{
 *   now?: Date
 *   erase?: boolean
 *   backup?: string
 *   onRule?: (row: Row, i: number, rows: Row[]) => void
 * }} options
 */
export async function retain(client, rules, { now = new Date(), erase = false, backup, onRule = () => {} }) {
  /** @type {Row[]} */
  const rows = []
  for (const [i, rule] of rules.entries()) rows.push(await understood(client, rule, i, now))
  if (erase && backup) await mkdir(backup, { recursive: true, mode: 0o700 })
  const stamp = now.toISOString().replaceAll(':', '-')
  for (const [i, row] of rows.entries()) {
    if (erase) {
      const options = backup ? { backup: join(backup, `${stamp}-rule-${i + 1}.vecbak`) } : {}
      row.deleted = (await client.deleteByFilter(row.collection, row.due, options)).deleted
    }
    onRule(row, i, rows)
  }
  return rows
}
