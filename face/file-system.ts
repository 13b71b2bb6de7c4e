// Detects, where possible, that a store is on a copy-on-write file system, which keeps old data.
import { statfs } from 'node:fs'
import { dirname, resolve } from 'node:path'

/** File systems that write overwritten data to a new place, by their Linux `statfs` type. */
const COPYING = new Map([
  [0x9123683e, 'btrfs'],
  [0x2fc12fc1, 'ZFS'],
  [0xca451a4e, 'bcachefs'],
])

const warned = new Set<string>()

function look(path: string, directory: string) {
  statfs(directory, (error, system) => {
    const above = dirname(directory)
    // The directory may not have been created yet.
    if (error?.code === 'ENOENT' && above !== directory) return look(path, above)
    const name = error ? undefined : COPYING.get(system.type)
    if (name === undefined || warned.has(path)) return
    warned.add(path)
    process.emitWarning(
      `${path} is on ${name}, which copies on write: the keys that a delete overwrites may be kept in ` +
        'old blocks and in snapshots. Encrypt the volume, or use another file system; ' +
        'docs/erasure.md of the package says more',
      { type: 'VectorizerWarning', code: 'VECTORIZER_COPY_ON_WRITE' },
    )
  })
}

/** Warns once per store about its file system; not in tests, whose stores are temporary. */
export function warnOfCopies(given: string) {
  if (process.platform !== 'linux' || process.env.NODE_ENV === 'test' || typeof statfs !== 'function') return
  try {
    const path = resolve(given)
    if (!warned.has(path)) look(path, path)
  } catch {
    // An invalid path, or no working directory: opening the store reports it.
  }
}
