import { createHash } from 'node:crypto'

/** The digest of a receipt, computed as documented. */
export function digest(logSequence: number, ids: string[]) {
  const sorted = [...ids].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  return createHash('sha256')
    .update(JSON.stringify([logSequence, sorted]))
    .digest('hex')
}
