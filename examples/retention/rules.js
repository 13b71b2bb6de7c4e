// Retention rules: what they may be, and the filters that they mean.

/** @import { Filter } from 'vectorizer-native' */

/**
 * A rule that was read. `age` is in milliseconds.
 *
 * @typedef {{ collection: string, field: string, age: number, except?: Filter }} Rule
 */

/** @type {Record<string, number>} */
const HOURS = { h: 1, d: 24, w: 24 * 7 }
const KEYS = ['collection', 'field', 'olderThan', 'except']

/** A rule, or the whole file, says something that is not understood. */
export class RuleError extends Error {}

/**
 * @param {string} place
 * @param {string} text
 * @returns {never}
 */
function fail(place, text) {
  throw new RuleError(`${place}: ${text}`)
}

/** @type {(value: unknown) => value is Record<string, unknown>} */
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * The groups of a pattern in a string: of another value a pattern would read its text.
 *
 * @type {(pattern: RegExp, value: unknown) => string[]}
 */
const match = (pattern, value) => (typeof value === 'string' && pattern.exec(value)) || []

/**
 * @param {unknown} text
 * @param {string} place
 */
function milliseconds(text, place) {
  const [, count, unit] = match(/^([1-9]\d{0,4})([hdw])$/, text)
  if (!unit) fail(place, `${JSON.stringify(text)} is no number of hours, days or weeks, such as 730d`)
  return Number(count) * HOURS[unit] * 3_600_000
}

/**
 * @param {unknown} rule
 * @param {string} place
 * @returns {Rule}
 */
function readRule(rule, place) {
  if (!isObject(rule)) fail(place, 'must be an object')
  const stranger = Object.keys(rule).find((key) => !KEYS.includes(key))
  if (stranger !== undefined) fail(`${place}.${stranger}`, `unknown; use ${KEYS.join(', ')}`)
  const { collection, field, olderThan, except } = rule
  if (typeof collection !== 'string' || collection === '') fail(`${place}.collection`, 'must be a name')
  // A field is a key of the filter below, where $or or must would be an operator.
  const [path] = match(/^[A-Za-z_][\w-]*(\.[\w-]+)*$/, field)
  if (path === undefined) fail(`${place}.field`, 'must be a path such as closed.at')
  if ('except' in rule && !(isObject(except) && Object.keys(except).length > 0)) {
    fail(`${place}.except`, 'must be a filter with at least one condition')
  }
  const age = milliseconds(olderThan, `${place}.olderThan`)
  // What is in it, the store will say.
  return { collection, field: path, age, except: /** @type {Filter | undefined} */ (except) }
}

/**
 * The rules of a file's text. All of them are understood, or there is a `RuleError`.
 *
 * @param {string} text
 */
export function readRules(text) {
  let rules
  try {
    rules = JSON.parse(text)
  } catch (error) {
    fail('rules', error instanceof Error ? error.message : String(error))
  }
  if (!Array.isArray(rules) || rules.length === 0) fail('rules', 'must be a list of at least one rule')
  return rules.map((rule, i) => readRule(rule, `rules[${i}]`))
}

/**
 * What a rule is about at a moment, as filters.
 *
 * @param {Rule} rule
 * @param {Date} now
 */
export function filters({ field, age, except }, now) {
  const cutoff = new Date(now.getTime() - age)
  // A Date is compared with dates only: a text such as '(unknown)' is never old.
  const old = { [field]: { $lt: cutoff } }
  /** @type {Filter} */
  const due = except ? { $and: [old, { $not: except }] } : old
  const undated = { $not: { [field]: { $lt: new Date('9999-12-31T23:59:59Z') } } }
  return { cutoff, old, due, undated }
}
