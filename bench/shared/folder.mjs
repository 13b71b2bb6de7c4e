import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Runs the work with a temporary folder, which is removed when the work is done or interrupted. */
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

/** Runs the work with an empty folder of its own, which is removed when the work is done. */
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

/**
 * The disk space that the files below a folder take up, without holes in sparse files if the system reports
 * them.
 */
export function diskBytes(folder) {
  return filesIn(folder).reduce((sum, path) => {
    const { blocks, size } = statSync(path)
    // The unit of `blocks` is 512 bytes whatever the file system's block size.
    return sum + (process.platform === 'win32' ? size : blocks * 512)
  }, 0)
}
