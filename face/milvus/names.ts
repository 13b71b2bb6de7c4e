// The names of ids and collections in the engine. Whatever an id contains, its key is made of
// characters that need no quoting, so that it cannot break out of an expression.
import { UnsupportedError } from '../errors.js'

/** The longest collection name the engine accepts. */
const LONGEST_NAME = 255

const hex = (byte: number) => byte.toString(16).padStart(2, '0')

/** Keeps letters, digits and a little punctuation; other bytes become `%` and two digits. */
export function keyOf(id: string): string {
  const escaped = (part: string) => Array.from(Buffer.from(part), (byte) => `%${hex(byte)}`).join('')
  return id.replace(/[^A-Za-z0-9_.:/@-]+/g, escaped)
}

export const idOf = (key: string): string => decodeURIComponent(key)

/** Keeps what the engine accepts in a name; other bytes become `__` and two digits. */
export function collectionKey(name: string): string {
  let key = ''
  const bytes = Buffer.from(name)
  for (const [i, byte] of bytes.entries()) {
    const char = String.fromCharCode(byte)
    const isLetter = /[A-Za-z]/.test(char)
    const follows = i + 1 < bytes.length && /[A-Za-z0-9]/.test(String.fromCharCode(bytes[i + 1]))
    const taken = isLetter || (/[0-9]/.test(char) && i > 0) || (char === '_' && follows)
    key += taken ? char : `__${hex(byte)}`
  }
  if (key.length > LONGEST_NAME) {
    const limit = `the engine takes ${LONGEST_NAME} characters, of which others than letters and digits need four`
    throw new UnsupportedError(`the collection name is too long: ${limit}`)
  }
  return key
}
