// Prints a receipt, and verifies it.
import type { FiledReceipt } from '../index.js'
import { LAST_HELP } from './help.js'
import { checkNoKey, publicKeysIn, receiptIn } from './proof.js'
import { type Command, given, type Options, UsageError, type Values } from './reading.js'
import { printable } from './store.js'

const help = `Usage: vectorizer-native receipt FILE [options]

Prints the receipt in FILE, the JSON of a receipt or of a report with one, as text, and
what of it has been verified, a line for each. Exits with 1 where something is wrong.

Options:
  --ledger FILE        the ledger that it must be in, or the directory of its store,
                       which may be open elsewhere. It is verified as well
  --public-key FILE    the key that belongs to the one the entry is signed with, as PEM
                       text or DER bytes (repeatable, if it has changed)
${LAST_HELP}`

const options = {
  ledger: { type: 'string' },
  'public-key': { type: 'string', multiple: true },
} as const satisfies Options

/** The text of a receipt, or its members where it has been filed without one. */
const textOf = ({ text, ...members }: FiledReceipt) =>
  (typeof text === 'string' ? text : JSON.stringify(members, null, 2))
    .trimEnd()
    .split('\n')
    .map((line) => `  ${printable(line)}`.trimEnd())
    .join('\n')

/** What has been verified, if nothing is wrong. */
function* verifiedOf({ entry }: FiledReceipt, ledger: string | undefined, isSigned: boolean) {
  const { entry: number, at, call, deleted } = JSON.parse(entry as string)
  const said = `${call}, ${deleted} deleted, at ${at}`
  yield `verified: the receipt is what entry ${number} says: ${said}`
  yield 'not verified: the text above, which is for people'
  yield isSigned
    ? 'verified: the entry is signed by this key'
    : 'not verified: a signature, without --public-key'
  yield ledger === undefined
    ? 'not verified: that the entry is in a ledger, without --ledger'
    : `verified: the entry is in ${ledger}, in which no problems were found`
}

async function run(values: Values<typeof options>, file: string): Promise<number> {
  checkNoKey(values)
  const { ledger } = values
  if (ledger === '') throw new UsageError('--ledger is empty')
  const receipt = receiptIn(file, 'FILE')
  const publicKey = publicKeysIn(values['public-key'])
  const { verifyReceipt } = require('../verify.js') as typeof import('../verify.js')
  const { verified, problems } = await verifyReceipt(receipt, given({ publicKey, ledger }))
  console.log(`${textOf(receipt)}\n`)
  if (verified) console.log(Array.from(verifiedOf(receipt, ledger, publicKey !== undefined)).join('\n'))
  for (const problem of problems) console.log(printable(`wrong: ${problem}`))
  return verified ? 0 : 1
}

export const receipt: Command = {
  about: 'print a receipt, and verify it',
  operands: ['FILE'],
  options,
  help,
  run,
}
