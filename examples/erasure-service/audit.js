// The audit log: which erasures there were, without keeping whose.
import { createHmac } from 'node:crypto'
import { open, readFile } from 'node:fs/promises'

/** @import { FileHandle } from 'node:fs/promises' */
/** @import { Certificate } from './erasure.js' */

/**
 * A line of the log: an erasure that begins, or one that has ended, with its certificate.
 *
 * @typedef {{ event: 'requested' | 'erased' | 'failed', subject: string } & Partial<Certificate>} Entry
 */

/**
 * The entries of lines of JSON; a line that a crash has cut short is none.
 *
 * @param {string} text
 * @returns {Entry[]}
 */
export function entriesOf(text) {
  return text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line)]
    } catch {
      return []
    }
  })
}

export class Audit {
  #file
  #handle
  #key

  /**
   * @param {string} file
   * @param {FileHandle} handle
   * @param {string} key
   */
  constructor(file, handle, key) {
    this.#file = file
    this.#handle = handle
    this.#key = key
  }

  /**
   * @param {string} file
   * @param {string | undefined} key
   */
  static async open(file, key) {
    if (typeof key !== 'string' || key.length < 32) {
      throw new Error('the key of the audit log must have 32 characters or more: openssl rand -hex 32')
    }
    const handle = await open(file, 'a', 0o600)
    const text = await readFile(file, 'utf8')
    if (text !== '' && !text.endsWith('\n')) await handle.appendFile('\n')
    return new Audit(file, handle, key)
  }

  /**
   * A user's name in the log. A plain hash of an id can be found by trying all ids; this
   * one only by who has the key. Without the key nobody can tell whose entry it is.
   *
   * @param {string} userId
   */
  subject(userId) {
    return createHmac('sha256', this.#key).update(userId).digest('hex')
  }

  /**
   * Resolves when the entry is on the disk.
   *
   * @param {Entry} entry
   */
  async write(entry) {
    await this.#handle.appendFile(`${JSON.stringify(entry)}\n`)
    await this.#handle.datasync()
  }

  /**
   * What the log says of a user.
   *
   * @param {string} userId
   */
  async of(userId) {
    const wanted = this.subject(userId)
    return entriesOf(await readFile(this.#file, 'utf8')).filter(({ subject }) => subject === wanted)
  }

  async close() {
    await this.#handle.close()
  }
}
