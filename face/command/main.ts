// Selects and runs a command. Each command has a file of its own, with a description (`about`), its
// `operands` and `options`, its `help`, and `run`, which may return an exit code.
import { backup } from './backup.js'
import { exportKeys } from './export-keys.js'
import { KEY_HELP, LAST_HELP } from './help.js'
import { inspect } from './inspect.js'
import { ledger } from './ledger.js'
import { type Command, commandIn, operandsOf, read, UsageError } from './reading.js'
import { receipt } from './receipt.js'
import { restore } from './restore.js'
import { rotateKeys } from './rotate-keys.js'
import { serve } from './serve.js'
import { verify } from './verify.js'

const { version }: { version: string } = require('../../package.json')

const commands = new Map<string, Command>(
  Object.entries({
    serve,
    backup,
    restore,
    'export-keys': exportKeys,
    'rotate-keys': rotateKeys,
    inspect,
    verify,
    receipt,
    ledger,
  }),
)

const HELP = `Usage: vectorizer-native COMMAND [options]

Collections of vectors in a directory, where deleted means deleted.

Commands:
${Array.from(commands, ([name, { about }]) => `  ${name.padEnd(20)} ${about}\n`).join('')}
Options of all of them:
${KEY_HELP}${LAST_HELP}
'vectorizer-native COMMAND --help' lists the options of a command.
`

/** Names of options in error messages, and their equivalents on the command line. */
const NAMES: [RegExp, string][] = [
  [/\boptions\.encryption\b/g, '--key-file or VECTORIZER_KEY'],
  [/\boptions\.keysEncryption\b/g, '--keys-key-file'],
  [/\boptions\.keys\b/g, '--keys'],
  [/\boptions\.ledger\b/g, '--ledger'],
  [/\boptions\.publicKey\b/g, '--public-key'],
  [/\bexportKeys\b/g, 'export-keys'],
  [/\brotateKeys\b/g, 'rotate-keys'],
]
const inOurWords = (message: string) =>
  NAMES.reduce((text, [call, name]) => text.replaceAll(call, name), message)

async function done(args: string[], name: string | undefined) {
  const command = name === undefined ? undefined : commands.get(name)
  const { values, positionals } = read(args, command?.options)
  if (values.help) process.stdout.write(command?.help ?? HELP)
  else if (values.version) console.log(version)
  else if (command === undefined) {
    throw new UsageError(`what is to be done? Try: ${Array.from(commands.keys()).join(', ')}`)
  } else process.exitCode = await command.run(values, ...operandsOf(positionals.slice(1), command.operands))
}

export async function main(args: string[]) {
  // The reader may have seen enough: `vectorizer-native inspect DIR --ids | head`.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
  let name: string | undefined
  try {
    name = commandIn(args, commands)
    await done(args, name)
  } catch (error: any) {
    const misused = error instanceof UsageError || error.code === 'VALIDATION_ERROR'
    console.error(`vectorizer-native: ${inOurWords(error.message)}`)
    if (misused) console.error(`Try 'vectorizer-native ${name === undefined ? '' : `${name} `}--help'.`)
    process.exitCode = misused ? 2 : 1
  }
}
