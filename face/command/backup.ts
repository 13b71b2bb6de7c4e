// Backs up a store.
import type { BackupReport } from '../index.js'
import { KEY_HELP, LAST_HELP } from './help.js'
import { keyOf } from './key.js'
import { withProgress } from './progress.js'
import { type Command, given, type Options, UsageError, type Values } from './reading.js'
import { many, withStore } from './store.js'

const help = `Usage: vectorizer-native backup DIR TARGET [options]

Writes the store in DIR to TARGET, a new file, or a directory in which one is made.
A server that has the store open has to be ended first.

Options:
  --keys WHERE         within: the file restores alone (within). apart: its keys are
                       in a file beside it, and of keys only the newest need be
                       kept: what is deleted later does not come back from it
  --collection NAME    back up this collection (repeatable); without it, all
${KEY_HELP}${LAST_HELP}`

const options = {
  keys: { type: 'string' },
  collection: { type: 'string', multiple: true },
} as const satisfies Options

/** Prints the report of a backup or of a key export. */
export function report({ file, keys, collections, vectors, bytes, leftovers }: BackupReport) {
  console.log(
    `${file}: ${many(collections, 'collection')}, ${many(vectors, 'vector')}, ${many(bytes, 'byte')}`,
  )
  if (keys !== undefined) console.log(`its keys are in ${keys}`)
  for (const one of leftovers) console.log(`removed ${one}, which was never finished`)
}

async function run(values: Values<typeof options>, directory: string, target: string): Promise<undefined> {
  const { keys, collection: collections } = values
  if (keys !== undefined && keys !== 'within' && keys !== 'apart') {
    throw new UsageError(`--keys must be within or apart, not '${keys}'`)
  }
  const key = keyOf(values)
  const made = await withProgress((onProgress) =>
    withStore(directory, key, (client) =>
      client.createBackup(target, given({ keys, collections, onProgress })),
    ),
  )
  report(made)
}

export const backup: Command = {
  about: 'back up a store, or some of its collections',
  operands: ['DIR', 'TARGET'],
  options,
  help,
  run,
}
