// The key that signs the ledger: in a file of its own, outside of the store.
import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'

/** @import { KeyObject } from 'node:crypto' */

/** @param {string} file */
export const publicKeyFile = (file) => `${file}.pub`

/**
 * The private key in a file. If there is none, a new one is made, with its public key beside it.
 *
 * @param {string} file
 */
export async function signingKey(file) {
  /** @type {KeyObject} */
  let privateKey
  try {
    privateKey = createPrivateKey(await readFile(file))
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT') throw error
    const pair = generateKeyPairSync('ed25519')
    privateKey = pair.privateKey
    await writeFile(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { flag: 'wx', mode: 0o600 })
    await writeFile(publicKeyFile(file), pair.publicKey.export({ type: 'spki', format: 'pem' }))
  }
  return privateKey
}

/**
 * The option `ledger` of a client that signs with this key.
 *
 * @param {KeyObject} privateKey
 */
export const signedWith = (privateKey) => ({
  /** @param {Uint8Array} entry */
  sign: (entry) => sign(null, entry, privateKey),
})
