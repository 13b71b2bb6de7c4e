// Tells, where it can be told, that a store is on a file system that keeps what is overwritten.
import { statfs } from 'node:fs'
import { dirname, resolve } from 'node:path'

/** What `statfs` of Linux calls file systems that write zeros to another place. */
const COPYING = new Map([
  [0x9123683e, 'btrfs'],
  [0x2fc12fc1, 'ZFS'],
  [0xca451a4e, 'bcachefs'],
])

const told = new Set<string>()

function look(path: string, directory: string) {
  statfs(directory, (error, system) => {
    const above = dirname(directory)
    // The directory may be made a moment later.
    if (error?.code === 'ENOENT' && above !== directory) return look(path, above)
    const name = error ? undefined : COPYING.get(system.type)
    if (name === undefined || told.has(path)) return
    told.add(path)
    process.emitWarning(
      `${path} is on ${name}, which copies on write: the keys that a delete overwrites may be kept in ` +
        'old blocks and in snapshots. Encrypt the volume, or use another file system; ' +
        'docs/erasure.md of the package says more',
      { type: 'VectorizerWarning', code: 'VECTORIZER_COPY_ON_WRITE' },
    )
  })
}

/** Warns of the file system of a store, once for each; not in tests, whose stores do not last. */
export function warnOfCopies(given: string) {
  if (process.platform !== 'linux' || process.env.NODE_ENV === 'test' || typeof statfs !== 'function') return
  try {
    const path = resolve(given)
    if (!told.has(path)) look(path, path)
  } catch {
    // It is no path, or there is no working directory any more: opening the store says so.
  }
}
