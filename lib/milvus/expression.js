// From the plan of a filter (`src/filter/terms`) to an expression of the engine. Two things
// are asked of it: whether an array of strings has one of some, and how two strings compare.
// What stands in quotes is made by us of letters, digits and little else: `quoted` sees to it.
const { keyOf } = require('./names.js')

const EVERY = 'id != ""'
const NONE = 'id == ""'

function quoted(text) {
  if (!/^[A-Za-z0-9_.:/@%-]*$/.test(text)) throw new Error('a text that would need quoting')
  return `"${text}"`
}

const list = (texts) => `[${texts.map(quoted).join(',')}]`
const withKeys = (keys) => `id in ${list(keys)}`
const withTerms = (terms) => `array_contains_any(terms, ${list(terms)})`
const all = (parts) => (parts.length === 1 ? parts[0] : parts.map((part) => `(${part})`).join(' and '))
const any = (parts) => (parts.length === 1 ? parts[0] : parts.map((part) => `(${part})`).join(' or '))

function written(node) {
  if (node === true) return EVERY
  if (node === false) return NONE
  const [[kind, of]] = Object.entries(node)
  if (kind === 'and') return all(of.map(written))
  if (kind === 'or') return any(of.map(written))
  if (kind === 'any') return withTerms(of)
  if (kind === 'none') return `not ${withTerms(of)}`
  if (kind === 'ids') return withKeys(of.map(keyOf))
  if (kind === 'notIds') return `id not in ${list(of.map(keyOf))}`
  const [key, operator, value] = node.compare
  return `ranges[${quoted(key)}] ${operator} ${quoted(value)}`
}

/** All rows, or those of an expression, that come behind a key. */
const after = (key, expression) => all([`id > ${quoted(key)}`, ...(expression ? [expression] : [])])

module.exports = { EVERY, after, withKeys, withTerms, written }
