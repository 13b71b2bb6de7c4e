// Shows what is in a store.
import { basename } from 'node:path'
import { KEY_HELP, LAST_HELP } from './help.js'
import { keyOf } from './key.js'
import { withProgress } from './progress.js'
import { type Command, given, type Options, type Values } from './reading.js'
import { type Inspection, inspectStore, many, printable } from './store.js'

const help = `Usage: vectorizer-native inspect DIR [options]

Tells which collections are in the store in DIR, and how many of the records in their
logs have a key. A record without one can be opened by nobody. Nothing is changed, and
the store may be open elsewhere.

Options:
  --ids                the ids of the vectors as well, one on a line
  --json               as JSON
${KEY_HELP}${LAST_HELP}`

const options = { ids: { type: 'boolean' }, json: { type: 'boolean' } } as const satisfies Options

const waiting = (undoable: string | undefined) => (undoable ? `: ${undoable} deleted with undo` : '')

function* linesOf({ path, encrypted, collections, damaged }: Inspection) {
  yield `${path}: ${encrypted ? 'encrypted' : 'not encrypted'}, ${many(collections.length, 'collection')}`
  for (const one of collections) {
    yield ''
    yield `${printable(one.name)} (${basename(one.directory)})${waiting(one.undoable)}`
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

async function run(values: Values<typeof options>, directory: string): Promise<undefined> {
  const wanted = given({ ids: values.ids })
  const key = keyOf(values)
  const seen = await withProgress((onProgress) => inspectStore(directory, key, wanted, onProgress))
  console.log(values.json ? JSON.stringify(seen, null, 2) : Array.from(linesOf(seen)).join('\n'))
}

export const inspect: Command = {
  about: 'tell what is in a store',
  operands: ['DIR'],
  options,
  help,
  run,
}
