// Rotates the keys of a store.
import { KEY_HELP, LAST_HELP } from './help.js'
import { keyIn, keyOf } from './key.js'
import { withProgress } from './progress.js'
import { type Command, given, type Options, type Values } from './reading.js'
import { withStore } from './store.js'

const help = `Usage: vectorizer-native rotate-keys DIR [options]

Gives the store in DIR new keys. Copies of the keys from before open nothing that is
stored after it. What is interrupted goes on at the next opening.

Options:
  --new-key-file FILE  from here on the store opens with the key in this file, in
                       place of the one of --key-file; one that was not encrypted
                       is from here on
${KEY_HELP}${LAST_HELP}`

const options = { 'new-key-file': { type: 'string' } } as const satisfies Options

async function run(values: Values<typeof options>, directory: string): Promise<undefined> {
  const { 'new-key-file': file } = values
  const last = keyOf(values)
  const key = file === undefined ? undefined : keyIn(file, '--new-key-file')
  await withProgress((onProgress) =>
    withStore(directory, last, (client) => client.rotateKeys(given({ key, onProgress }))),
  )
  console.log(
    `${directory}: its keys are new${file === undefined ? '' : `, and it opens with the key in ${file}`}`,
  )
}

export const rotateKeys: Command = {
  about: 'give a store new keys, another key, or its first',
  operands: ['DIR'],
  options,
  help,
  run,
}
