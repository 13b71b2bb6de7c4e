import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Gives the work a temporary folder, which is removed when it is done or interrupted. */
export async function withFolder(work) {
  const folder = mkdtempSync(join(tmpdir(), 'vectorizer-bench-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  const interrupted = () => {
    remove()
    process.exit(130)
  }
  process.once('SIGINT', interrupted)
  try {
    return await work(folder)
  } finally {
    process.off('SIGINT', interrupted)
    remove()
  }
}

/** Gives the work a folder of its own, empty, which is removed when it is done. */
export async function inFolder(parent, work) {
  const own = mkdtempSync(join(parent, 'engine-'))
  try {
    return await work(own)
  } finally {
    rmSync(own, { recursive: true, force: true })
  }
}

/** Every file below a folder. */
export function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
}

/** What the files below a folder take up: holes of sparse files do not count where the system tells them. */
export function diskBytes(folder) {
  return filesIn(folder).reduce((sum, path) => {
    const { blocks, size } = statSync(path)
    // The unit of `blocks` is 512 bytes whatever the file system's own.
    return sum + (process.platform === 'win32' ? size : blocks * 512)
  }, 0)
}
