// The command. Exit codes: 0 done, 1 it could not be done, 2 it was not understood and nothing was
// changed.
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { VectorizerClient } from 'vectorizer-native'
import { changes, make } from './changes.js'
import { readMarkdown } from './documents.js'

/** @import { Collection } from 'vectorizer-native' */
/** @import { Change, Chunk } from './changes.js' */

const HELP = `Usage: node sync.js FOLDER STORE [options]

Says what the Markdown files of a folder would change in a store, so that it holds them as
they are now, and nothing of files that are gone.

Options:
  --yes    change it
  --help   this text
`

const COLLECTION = 'documents'
const DIMENSION = 512
const COLUMNS = ['file', 'inserted', 'updated', 'unchanged', 'deleted']

class UsageError extends Error {}

/** @param {unknown} error */
const messageOf = (error) => (error instanceof Error ? error.message : String(error))

/** @param {string[]} args */
function parse(args) {
  try {
    return parseArgs({
      args,
      options: {
        yes: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h' },
      },
      allowPositionals: true,
    })
  } catch (error) {
    throw new UsageError(messageOf(error))
  }
}

/**
 * What is to be done; undefined where help is asked for.
 *
 * @param {string[]} args
 */
function read(args) {
  const { values, positionals } = parse(args)
  if (values.help) return undefined
  const [folder, path, ...more] = positionals
  if (!folder || !path || more.length > 0) throw new UsageError('a folder and a store must be named')
  // Of a folder that is misspelt, all files would seem to be gone.
  if (!existsSync(folder) || !statSync(folder).isDirectory())
    throw new UsageError(`there is no folder ${folder}`)
  return { folder, path, yes: values.yes }
}

/** @param {Change} change */
const cells = ({ source, rows, inserted, updated, unchanged, deleted }) => [
  rows ? source : `${source} (gone)`,
  ...[inserted, updated, unchanged, deleted].map(String),
]

/** @param {string[][]} rows */
function printTable(rows) {
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  for (const row of rows)
    console.log(
      row
        .map((cell, i) => cell.padEnd(widths[i]))
        .join('  ')
        .trimEnd(),
    )
}

/** @param {string[]} args */
async function main(args) {
  const command = read(args)
  if (!command) return process.stdout.write(HELP)
  const { folder, path, yes } = command
  const documents = await readMarkdown(folder)
  // A look makes no store where there is none.
  const client = new VectorizerClient(yes || existsSync(join(path, 'STORE')) ? { path } : {})
  try {
    /** @type {Collection<Chunk>} */
    const collection = await client.collection(COLLECTION, { dimension: DIMENSION, ifExists: 'open' })
    const found = await changes(collection, documents)
    const wanted = found.filter(({ inserted, updated, deleted }) => inserted + updated + deleted > 0)
    if (wanted.length > 0) printTable([COLUMNS, ...wanted.map(cells)])
    if (yes) for (const change of wanted) await make(collection, change)
    const end = yes || wanted.length === 0 ? '' : '; nothing was changed: --yes changes it'
    console.log(`files that change: ${wanted.length} of ${found.length}${end}`)
  } finally {
    await client.close()
  }
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  console.error(messageOf(error))
  process.exitCode = 1
  if (error instanceof UsageError) {
    console.error('nothing was changed')
    process.exitCode = 2
  }
}
