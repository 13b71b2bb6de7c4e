// What the commands that verify a ledger and receipts have in common.
import { readFileSync, statSync } from 'node:fs'
import { isPlain } from '../arguments.js'
import type { FiledReceipt } from '../index.js'
import { UsageError } from './reading.js'

/** The maximum size of a file with a receipt or a public key: a report may name many ids. */
const MOST = 256 << 20

function contentOf(file: string, option: string): Buffer {
  if (file === '') throw new UsageError(`${option} is empty`)
  try {
    const kind = statSync(file)
    if (!kind.isFile()) throw new Error('it is not a file')
    if (kind.size > MOST) throw new Error(`it has ${kind.size} bytes, where ${MOST} is the most`)
    return readFileSync(file)
  } catch (error) {
    throw new Error(`${option}: ${file} cannot be read: ${(error as Error).message}`)
  }
}

/** The receipt in a file: the JSON of a receipt, or of a report with one. */
export function receiptIn(file: string, option: string): FiledReceipt {
  const content = contentOf(file, option).toString()
  let value: unknown
  try {
    value = JSON.parse(content)
  } catch {
    // What the parser says has a part of the file.
    throw new Error(`${option}: ${file} is not JSON`)
  }
  const receipt = isPlain(value) && isPlain(value.receipt) ? value.receipt : value
  if (isPlain(receipt) && ('entry' in receipt || 'digest' in receipt)) return receipt
  throw new Error(`${option}: ${file} is neither a receipt nor a report with one`)
}

/** The public keys in files. */
export const publicKeysIn = (files: string[] | undefined): Buffer[] | undefined =>
  files?.map((file) => contentOf(file, '--public-key'))

/** Refuses the option for the key of a store. */
export function checkNoKey({ 'key-file': file }: { readonly 'key-file'?: string }) {
  if (file !== undefined)
    throw new UsageError('--key-file is of no use here: neither a ledger nor a receipt is encrypted')
}
