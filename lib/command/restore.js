// Makes a store of a backup.
const { KEY_HELP, LAST_HELP } = require('./help.js')
const { keyIn, keyOf } = require('./key.js')
const { watched } = require('./progress.js')
const { given, UsageError } = require('./reading.js')
const { encryption, many } = require('./store.js')

const help = `Usage: vectorizer-native restore FILE DIR [options]

Makes a store of the backup in FILE, in DIR, which is empty or does not exist. All of
the backup is verified first.

Options:
  --keys FILE-OR-DIR   for a backup that has its keys apart: the newest file of
                       export-keys, or the directory of the store
  --keys-key-file FILE what opens these keys, where it is another key than the one of
                       --key-file. The store has it from here on
${KEY_HELP}${LAST_HELP}`

async function run(values, file, directory) {
  const { keys, 'keys-key-file': keysFile } = values
  if (keys === '') throw new UsageError('--keys is empty')
  if (keysFile !== undefined && keys === undefined) {
    throw new UsageError('--keys-key-file needs --keys: a backup with its keys within has one key')
  }
  const encrypted = {
    encryption: encryption(keyOf(values)),
    keysEncryption: keysFile === undefined ? undefined : encryption(keyIn(keysFile, '--keys-key-file')),
  }
  const { VectorizerClient } = require('../../index.js')
  const { path, collections, vectors, erased } = await watched((onProgress) =>
    VectorizerClient.restoreBackup(file, directory, given({ keys, ...encrypted, onProgress })),
  )
  console.log(`${path}: ${many(collections, 'collection')}, ${many(vectors, 'vector')}`)
  if (erased !== undefined) console.log(`erased since the backup: ${many(erased, 'vector')}`)
}

module.exports = {
  about: 'make a store of a backup',
  operands: ['FILE', 'DIR'],
  options: { keys: { type: 'string' }, 'keys-key-file': { type: 'string' } },
  help,
  run,
}
