// Verifies the ledger of a store.
import type { LedgerHead, LedgerReport } from '../index.js'
import { LAST_HELP } from './help.js'
import { checkNoKey, publicKeysIn, receiptIn } from './proof.js'
import { type Command, given, type Options, UsageError, type Values } from './reading.js'
import { many, printable } from './store.js'

const help = `Usage: vectorizer-native ledger FILE [options]

Verifies the ledger in FILE, or of the store in the directory FILE, which may be open
elsewhere: that no entry was changed, removed or inserted. Tells what is in it, and what
is wrong, a line for each. Exits with 1 where something is.

Options:
  --public-key FILE    the key that belongs to the one the entries are signed with, as
                       PEM text or DER bytes (repeatable, if it has changed)
  --receipt FILE       a receipt that must be in it: the JSON of a receipt, or of a
                       report with one (repeatable)
  --head ENTRY:HASH    an earlier head that must be in it. What is missing at the end
                       only a receipt or a head can tell
  --json               as JSON
${LAST_HELP}`

const options = {
  'public-key': { type: 'string', multiple: true },
  receipt: { type: 'string', multiple: true },
  head: { type: 'string' },
  json: { type: 'boolean' },
} as const satisfies Options

function headOf(text: string | undefined): LedgerHead | undefined {
  if (text === undefined) return undefined
  const [, entry, hash] = /^(\d{1,15}):([\da-f]{64})$/.exec(text) ?? []
  if (entry === undefined || hash === undefined)
    throw new UsageError(`--head must be ENTRY:HASH, as this command prints it, not '${text}'`)
  return { entry: Number(entry), hash }
}

function* linesOf(report: LedgerReport, hasKey: boolean) {
  const { store, entries, erasures, deleted, unfinished, undone, signatures, signedEntry, head } = report
  yield `store      ${store ?? 'unknown'}`
  yield `entries    ${entries}${entries > 0 ? `, from ${report.firstAt} to ${report.lastAt}` : ''}`
  yield `erasures   ${erasures}, of ${many(deleted, 'vector')}`
  if (unfinished > 0) yield `unfinished ${unfinished}: the next opening of the store tells`
  if (undone > 0) yield `undone     ${undone}`
  const verified = hasKey ? '' : ', not verified without --public-key'
  if (signatures > 0)
    yield `signed     up to entry ${signedEntry}: ${many(signatures, 'signature')}${verified}`
  else yield 'signed     no'
  if (head) yield `head       ${head.entry}:${head.hash}`
}

async function run(values: Values<typeof options>, file: string): Promise<number> {
  checkNoKey(values)
  const { receipt: files, 'public-key': keys, json } = values
  const receipts = files?.map((one) => receiptIn(one, '--receipt'))
  const publicKey = publicKeysIn(keys)
  const { verifyLedger } = require('../verify.js') as typeof import('../verify.js')
  const report = await verifyLedger(file, given({ publicKey, receipts, head: headOf(values.head) }))
  const named = report.problems.map(({ line, problem }) => ({
    line,
    problem: problem.replace(/^receipts\[(\d+)\]/, (_, i) => files?.[i] ?? ''),
  }))
  if (json) console.log(JSON.stringify({ ...report, problems: named }, null, 2))
  else {
    console.log(Array.from(linesOf(report, publicKey !== undefined)).join('\n'))
    for (const { line, problem } of named)
      console.log(printable(line === 0 ? problem : `line ${line}: ${problem}`))
    if (report.verified) console.log('no problems found')
  }
  return report.verified ? 0 : 1
}

export const ledger: Command = {
  about: 'verify the ledger of a store',
  operands: ['FILE'],
  options,
  help,
  run,
}
