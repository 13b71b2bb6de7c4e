// The key of an encrypted store, from a file or the environment; never from the command line, which
// other users of the machine can read.
import { closeSync, openSync, readSync } from 'node:fs'
import { UsageError } from './reading.js'

const KEY_BYTES = 32
/** The maximum size of a key file: base64 text and a two-byte line ending. */
const MOST = 46

/** The first bytes of a file, which may be a pipe or endless. */
function beginning(file: string): Buffer {
  const bytes = Buffer.alloc(MOST + 1)
  const opened = openSync(file, 'r')
  try {
    let length = 0
    for (let more = 1; more > 0 && length < bytes.length; length += more) {
      more = readSync(opened, bytes, length, bytes.length - length, null)
    }
    return bytes.subarray(0, length)
  } finally {
    closeSync(opened)
  }
}

function fromText(text: string): Buffer | undefined {
  const line = text.replace(/\r?\n$/, '')
  const key = Buffer.from(line, 'base64')
  // Buffer.from silently skips characters that are not base64.
  return key.toString('base64') === line ? key : undefined
}

function checked(key: Buffer | undefined, what: string): Buffer {
  if (key?.length === KEY_BYTES) return key
  throw new UsageError(`${what} the base64 text of ${KEY_BYTES} bytes`)
}

/** The key in the file that an option names. */
export function keyIn(file: string, option: string): Buffer {
  if (file === '') throw new UsageError(`${option} is empty`)
  let bytes: Buffer
  try {
    bytes = beginning(file)
  } catch (error) {
    throw new Error(`${option}: ${file} cannot be read: ${(error as Error).message}`)
  }
  const key = bytes.length === KEY_BYTES ? bytes : fromText(bytes.toString('latin1'))
  return checked(key, `${option}: ${file} must hold ${KEY_BYTES} bytes, or`)
}

/** The key given by the options, or else by the environment. */
export function keyOf({ 'key-file': file }: { readonly 'key-file'?: string }): Buffer | undefined {
  if (file !== undefined) return keyIn(file, '--key-file')
  const text = process.env.VECTORIZER_KEY
  return text === undefined ? undefined : checked(fromText(text), 'VECTORIZER_KEY must be')
}
