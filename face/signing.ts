// Signs the entries that a client's erasures have in the ledger of its store.
import { types } from 'node:util'
import { fail, kind, known } from './arguments.js'
import { messageOf, SigningError } from './errors.js'
import { keys } from './keys.js'
import { decodeReply, deferredReply } from './replies.js'
import type { LedgerSigning } from './types.js'

/** The maximum size of a signature in bytes; in base64, what a ledger takes (`src/storage/ledger.rs`). */
const MOST_SIGNED = 12_288

export type Sign = LedgerSigning['sign']

/** What is needed to sign: how the native side is asked, and the client's function. */
export interface Signing {
  readonly native: { ledger(): unknown; signEntry(entry: number, signature: string): unknown }
  readonly sign: Sign
}

/** Reads the option `ledger`: whether there is one to be, and how its entries are signed. */
export function ledgerOption(value: unknown): { ledger?: true; sign?: Sign } {
  if (value === undefined || value === false) return {}
  if (value === true) return { ledger: true }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    fail('options.ledger', 'a boolean, or an object with the function sign', value)
  const { sign } = known(value, 'options.ledger', keys.ledger)
  if (typeof sign !== 'function') fail('options.ledger.sign', 'a function', sign)
  return { ledger: true, sign }
}

/** The value of a native reply, which may be delivered in a later tick. */
async function answered(reply: unknown): Promise<any> {
  const answer = await reply
  return decodeReply(
    Array.isArray(answer) ? await deferredReply(answer as never) : (answer as never),
    undefined,
  )
}

/** Calls the client's function, and returns the signature in base64. */
async function signatureOf(sign: Sign, line: string): Promise<string> {
  const bytes: unknown = await sign(Buffer.from(line))
  const length = types.isUint8Array(bytes) ? bytes.length : undefined
  if (length === undefined) throw new Error(`it returned ${kind(bytes)}; return a Uint8Array`)
  if (length < 1 || length > MOST_SIGNED)
    throw new Error(`it returned ${length} bytes; a signature has 1 to ${MOST_SIGNED}`)
  const { buffer, byteOffset } = bytes as Uint8Array
  return Buffer.from(buffer, byteOffset, length).toString('base64')
}

/**
 * Signs an entry: calls the client's function, tells `done` the signature, and appends it to the
 * ledger. If any of it fails, the erasure has happened all the same.
 */
async function signLine(
  { native, sign }: Signing,
  entry: number,
  line: string,
  done: (signature: string) => void,
): Promise<void> {
  const failed = (why: string, cause: unknown) =>
    new SigningError(
      `the erasure has happened, and is entry ${entry} of the ledger, but ${why}: ${messageOf(cause)}. ` +
        'The next signature covers it as well',
      { cause },
    )
  let signature: string
  try {
    signature = await signatureOf(sign, line)
  } catch (cause) {
    throw failed('it is not signed, because options.ledger.sign failed', cause)
  }
  done(signature)
  try {
    await answered(native.signEntry(entry, signature))
  } catch (cause) {
    throw failed('its signature could not be written', cause)
  }
}

/** Signs the entry of the receipt in the result of a call, if it has one. */
export async function signReceipt(signing: Signing, result: any): Promise<void> {
  const line: unknown = result?.receipt?.entry
  if (typeof line !== 'string') return
  try {
    await signLine(signing, JSON.parse(line).entry, line, (signature) => {
      result.receipt.signature = signature
    })
  } catch (error) {
    throw Object.assign(error as SigningError, { report: result })
  }
}

/** Signs the last erasure of the store, unless it is signed; resolves with the error if that failed. */
export async function signLast(signing: Signing): Promise<unknown> {
  let unsigned: { entry: number; line: string } | undefined
  try {
    unsigned = (await answered(signing.native.ledger()))?.unsigned
  } catch {
    return undefined // The store is not open: there is nothing to sign, and whoever called it has been told.
  }
  try {
    if (unsigned) await signLine(signing, unsigned.entry, unsigned.line, () => {})
    return undefined
  } catch (error) {
    return error
  }
}
