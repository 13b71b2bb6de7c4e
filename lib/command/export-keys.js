// Writes the keys of a store to a file.
const { report } = require('./backup.js')
const { KEY_HELP, LAST_HELP } = require('./help.js')
const { keyOf } = require('./key.js')
const { withStore } = require('./store.js')

const help = `Usage: vectorizer-native export-keys DIR TARGET [options]

Writes the keys of all that is in the store in DIR now to TARGET, a new file, or a
directory in which one is made. With the newest of them, 'restore --keys' brings back
from backups that have their keys apart what is not deleted by then.

Options:
${KEY_HELP}${LAST_HELP}`

async function run(values, directory, target) {
  report(await withStore(directory, keyOf(values), (client) => client.exportKeys(target)))
}

module.exports = {
  about: "write a store's keys, for backups that have them apart",
  operands: ['DIR', 'TARGET'],
  options: {},
  help,
  run,
}
