// The store in a directory, which is never made by a path that is misspelt.
const { statSync } = require('node:fs')
const { join } = require('node:path')
const { given } = require('./reading.js')

const encryption = (key) => (key === undefined ? undefined : { key })

function checkStore(directory) {
  if (statSync(join(directory, 'STORE'), { throwIfNoEntry: false }) === undefined) {
    throw new Error(`there is no store in ${directory}`)
  }
}

/** Opens the store in a directory for `use`, and closes it. */
async function withStore(directory, key, use) {
  checkStore(directory)
  const { VectorizerClient } = require('../../index.js')
  const client = new VectorizerClient(given({ path: directory, encryption: encryption(key) }))
  try {
    await client.ready()
    return await use(client)
  } finally {
    await client.close()
  }
}

/** What is in the files of a store, which may be open elsewhere, and stay as they are. */
async function lookedAt(directory, key, wanted, onProgress) {
  checkStore(directory)
  const { ours } = require('../errors.js')
  const native = require('../native.js')
  const options = { ...wanted, encryption: encryption(key?.toString('hex')) }
  const told = onProgress ? (text) => onProgress(JSON.parse(text)) : null
  try {
    return JSON.parse(await native.inspectStore(directory, JSON.stringify(options), told))
  } catch (error) {
    throw ours(error)
  }
}

/** `1 vector`, `2 vectors`. */
const many = (count, one) => `${count} ${one}${count === 1 ? '' : 's'}`

module.exports = { encryption, lookedAt, many, withStore }
