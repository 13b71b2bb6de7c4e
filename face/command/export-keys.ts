// Writes the keys of a store to a file.
import { report } from './backup.js'
import { KEY_HELP, LAST_HELP } from './help.js'
import { keyOf } from './key.js'
import type { Command, Values } from './reading.js'
import { withStore } from './store.js'

const help = `Usage: vectorizer-native export-keys DIR TARGET [options]

Writes the keys of all that is in the store in DIR now to TARGET, a new file, or a
directory in which one is made. With the newest of them, 'restore --keys' brings back
from backups that have their keys apart what is not deleted by then.

Options:
${KEY_HELP}${LAST_HELP}`

const options = {}

async function run(values: Values<typeof options>, directory: string, target: string): Promise<undefined> {
  report(await withStore(directory, keyOf(values), (client) => client.exportKeys(target)))
}

export const exportKeys: Command = {
  about: "write a store's keys, for backups that have them apart",
  operands: ['DIR', 'TARGET'],
  options,
  help,
  run,
}
