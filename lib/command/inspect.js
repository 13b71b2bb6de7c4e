// Tells what is in a store.
const { basename } = require('node:path')
const { KEY_HELP, LAST_HELP } = require('./help.js')
const { keyOf } = require('./key.js')
const { watched } = require('./progress.js')
const { given } = require('./reading.js')
const { lookedAt, many } = require('./store.js')

const help = `Usage: vectorizer-native inspect DIR [options]

Tells which collections are in the store in DIR, and how many of the records in their
logs have a key. A record without one can be opened by nobody. Nothing is changed, and
the store may be open elsewhere.

Options:
  --ids                the ids of the vectors as well, one on a line
  --json               as JSON
${KEY_HELP}${LAST_HELP}`

/** Everything that a terminal would do something else with than show it. */
const UNPRINTABLE = /[\\\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu
const ESCAPES = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }
const printable = (text) =>
  text.replace(UNPRINTABLE, (one) => ESCAPES[one] ?? `\\u${one.codePointAt(0).toString(16).padStart(4, '0')}`)

function* linesOf({ path, encrypted, collections, damaged }) {
  yield `${path}: ${encrypted ? 'encrypted' : 'not encrypted'}, ${many(collections.length, 'collection')}`
  for (const one of collections) {
    yield ''
    yield `${printable(one.name)} (${basename(one.directory)})`
    yield `  dimension  ${one.dimension}`
    yield `  metric     ${one.metric}`
    yield `  vectors    ${one.live}`
    yield `  records    ${one.entries}: ${one.withKey} with a key, ${one.withoutKey} without`
    yield `  bytes      ${one.bytes}`
    if (one.ids) yield '  ids'
    for (const id of one.ids ?? []) yield `    ${printable(id)}`
    for (const what of one.damaged) yield `  damaged: ${what}`
  }
  for (const what of damaged) yield `damaged: ${what}`
}

async function run(values, directory) {
  const wanted = given({ ids: values.ids })
  const key = keyOf(values)
  const seen = await watched((onProgress) => lookedAt(directory, key, wanted, onProgress))
  console.log(values.json ? JSON.stringify(seen, null, 2) : Array.from(linesOf(seen)).join('\n'))
}

module.exports = {
  about: 'tell what is in a store',
  operands: ['DIR'],
  options: { ids: { type: 'boolean' }, json: { type: 'boolean' } },
  help,
  run,
}
