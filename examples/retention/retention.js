// The command. Exit codes: 0 done, 1 it could not be done, 2 it was not understood and nothing
// was deleted, 3 another process has the store open.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { StoreLockedError, VectorizerClient } from 'vectorizer-native'
import { retain } from './retain.js'
import { RuleError, readRules } from './rules.js'

/** @import { Row } from './retain.js' */

const HELP = `Usage: node retention.js STORE --rules FILE [options]

Says which vectors of a store are older than the rules let them be.

Options:
  --rules FILE     the rules, as JSON
  --delete         delete them
  --backup FOLDER  write what is deleted to files in this folder first
  --now DATE       the time from which age is counted, as 2026-01-31T12:00:00Z;
                   without it the clock's
  --help           this text
`

const COLUMNS = ['rule', 'collection', 'field', 'before', 'matched', 'deleted', 'excepted', 'undated']

class UsageError extends Error {}

/** @param {unknown} error */
const messageOf = (error) => (error instanceof Error ? error.message : String(error))

/** @param {string | undefined} text */
function time(text) {
  const date = text === undefined ? new Date() : new Date(text)
  const isWhole = text === undefined || /^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?Z)?$/.test(text)
  if (!isWhole || Number.isNaN(date.getTime())) throw new UsageError(`--now: '${text}' is no date`)
  return date
}

/** @param {string[]} args */
function parse(args) {
  try {
    return parseArgs({
      args,
      options: {
        rules: { type: 'string' },
        delete: { type: 'boolean', default: false },
        backup: { type: 'string' },
        now: { type: 'string' },
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
  const [path, ...more] = positionals
  if (path === undefined || more.length > 0) throw new UsageError('one store must be named')
  if (values.rules === undefined) throw new UsageError('--rules is missing')
  // A client would make a store where there is none.
  if (!existsSync(join(path, 'STORE'))) throw new UsageError(`there is no store in ${path}`)
  if (values.backup === '') throw new UsageError('--backup is empty')
  if (values.backup !== undefined && !values.delete) throw new UsageError('--backup needs --delete')
  const { delete: erase, backup } = values
  return { path, rules: values.rules, options: { erase, backup, now: time(values.now) } }
}

/** @param {string} path */
function readFile(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new UsageError(`the rules cannot be read: ${messageOf(error)}`)
  }
}

/**
 * @param {Row} row
 * @param {number} i
 * @param {number} count
 */
function cells({ collection, field, cutoff, matched, deleted, excepted, undated }, i, count) {
  const numbers = [matched, deleted, excepted, undated].map(String)
  return [`${i + 1}/${count}`, collection, field, cutoff.toISOString(), ...numbers]
}

/**
 * Prints rows of a table as they are done; how wide it is, is known from the beginning.
 *
 * @returns {(row: Row, i: number, rows: Row[]) => void}
 */
function printer() {
  /** @type {number[]} */
  let widths
  /** @param {string[]} row */
  const line = (row) => row.map((cell, i) => cell.padEnd(widths[i])).join('  ')
  return (row, i, rows) => {
    if (!widths) {
      const all = [COLUMNS, ...rows.map((each, j) => cells(each, j, rows.length))]
      widths = COLUMNS.map((_, column) => Math.max(...all.map((each) => each[column].length)))
      console.log(line(COLUMNS).trimEnd())
    }
    console.log(line(cells(row, i, rows.length)).trimEnd())
  }
}

/** @param {string[]} args */
async function main(args) {
  const command = read(args)
  if (!command) return process.stdout.write(HELP)
  const { path, rules: file, options } = command
  const rules = readRules(readFile(file))
  const client = new VectorizerClient({ path })
  try {
    const rows = await retain(client, rules, { ...options, onRule: printer() })
    /** @param {'matched' | 'deleted'} name */
    const sum = (name) => rows.reduce((total, row) => total + row[name], 0)
    if (options.erase) console.log(`deleted: ${sum('deleted')}`)
    else console.log(`matched: ${sum('matched')}; nothing was deleted: --delete deletes`)
  } finally {
    await client.close()
  }
}

/** @param {unknown} error */
function report(error) {
  if (error instanceof StoreLockedError) {
    console.error(`process ${error.pid ?? '(unknown)'} has the store open: try again when it has ended`)
    return 3
  }
  console.error(messageOf(error))
  if (!(error instanceof UsageError || error instanceof RuleError)) return 1
  console.error('nothing was deleted')
  return 2
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  process.exitCode = report(error)
}
