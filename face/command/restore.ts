// Restores a backup into a new store.
import { KEY_HELP, LAST_HELP } from './help.js'
import { keyIn, keyOf } from './key.js'
import { withProgress } from './progress.js'
import { type Command, given, type Options, UsageError, type Values } from './reading.js'
import { encryption, many } from './store.js'

const help = `Usage: vectorizer-native restore FILE DIR [options]

Makes a store of the backup in FILE, in DIR, which is empty or does not exist. All of
the backup is verified first.

Options:
  --keys FILE-OR-DIR   for a backup that has its keys apart: the newest file of
                       export-keys, or the directory of the store
  --ledger FILE-OR-DIR leave out what this ledger, or that of the store in this
                       directory, says was erased after the backup was made
  --keys-key-file FILE what opens these keys, where it is another key than the one of
                       --key-file. The store has it from here on
${KEY_HELP}${LAST_HELP}`

const options = {
  keys: { type: 'string' },
  'keys-key-file': { type: 'string' },
  ledger: { type: 'string' },
} as const satisfies Options

async function run(values: Values<typeof options>, file: string, directory: string): Promise<undefined> {
  const { keys, 'keys-key-file': keysFile, ledger } = values
  if (keys === '') throw new UsageError('--keys is empty')
  if (ledger === '') throw new UsageError('--ledger is empty')
  if (keysFile !== undefined && keys === undefined) {
    throw new UsageError('--keys-key-file needs --keys: a backup with its keys within has one key')
  }
  const encrypted = {
    encryption: encryption(keyOf(values)),
    keysEncryption: keysFile === undefined ? undefined : encryption(keyIn(keysFile, '--keys-key-file')),
  }
  const { VectorizerClient } = require('../index.js') as typeof import('../index.js')
  const { path, collections, vectors, erased, leftOut } = await withProgress((onProgress) =>
    VectorizerClient.restoreBackup(file, directory, given({ keys, ledger, ...encrypted, onProgress })),
  )
  console.log(`${path}: ${many(collections, 'collection')}, ${many(vectors, 'vector')}`)
  if (erased !== undefined) console.log(`erased since the backup: ${many(erased, 'vector')}`)
  if (leftOut !== undefined) console.log(`left out, erased since by the ledger: ${many(leftOut, 'vector')}`)
}

export const restore: Command = {
  about: 'make a store of a backup',
  operands: ['FILE', 'DIR'],
  options,
  help,
  run,
}
