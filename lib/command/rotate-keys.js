// Gives a store other keys.
const { KEY_HELP, LAST_HELP } = require('./help.js')
const { keyIn, keyOf } = require('./key.js')
const { watched } = require('./progress.js')
const { given } = require('./reading.js')
const { withStore } = require('./store.js')

const help = `Usage: vectorizer-native rotate-keys DIR [options]

Gives the store in DIR new keys. Copies of the keys from before open nothing that is
stored after it. What is interrupted goes on at the next opening.

Options:
  --new-key-file FILE  from here on the store opens with the key in this file, in
                       place of the one of --key-file; one that was not encrypted
                       is from here on
${KEY_HELP}${LAST_HELP}`

async function run(values, directory) {
  const { 'new-key-file': file } = values
  const last = keyOf(values)
  const key = file === undefined ? undefined : keyIn(file, '--new-key-file')
  await watched((onProgress) =>
    withStore(directory, last, (client) => client.rotateKeys(given({ key, onProgress }))),
  )
  console.log(
    `${directory}: its keys are new${file === undefined ? '' : `, and it opens with the key in ${file}`}`,
  )
}

module.exports = {
  about: 'give a store new keys, another key, or its first',
  operands: ['DIR'],
  options: { 'new-key-file': { type: 'string' } },
  help,
  run,
}
