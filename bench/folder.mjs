import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

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
