// Real documents that every installation has: the packages under node_modules.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * What is kept of a package beside its text. The year of its licence is when the work began: the
 * only date that a package carries.
 *
 * @typedef {{
 *   name: string
 *   version: string
 *   license: string
 *   keywords: string[]
 *   words: number
 *   author?: string
 *   created_at?: string
 * }} Package
 */

/**
 * Every package below `folder`, with the text and the metadata to insert.
 *
 * @param {string} folder
 */
export async function documents(folder) {
  /** @type {Map<string, { id: string, text: string, metadata: Package }>} */
  const found = new Map()
  for await (const path of packages(folder)) {
    const document = await read(path)
    if (document) found.set(document.id, document)
  }
  return [...found.values()]
}

/**
 * @param {string} folder
 * @returns {AsyncGenerator<string>}
 */
async function* packages(folder) {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  for (const entry of entries) {
    const path = join(folder, entry.name)
    if (!entry.isDirectory() || entry.name.startsWith('.')) continue
    if (entry.name.startsWith('@')) {
      yield* packages(path)
    } else {
      yield path
      yield* packages(join(path, 'node_modules'))
    }
  }
}

/** @param {string} path */
async function read(path) {
  const files = await readdir(path).catch(() => [])
  /** @param {RegExp} pattern */
  const open = async (pattern) => {
    const name = files.find((file) => pattern.test(file))
    return name ? readFile(join(path, name), 'utf8').catch(() => '') : ''
  }
  let about
  try {
    about = JSON.parse(await open(/^package\.json$/))
  } catch {
    return undefined
  }
  if (!about.name || !about.version) return undefined
  const readme = await open(/^readme(\.md)?$/i)
  const year = /copyright[^\d]{0,20}(\d{4})/i.exec(await open(/^licen[cs]e/i))?.[1]
  /** @type {Package} */
  const metadata = {
    name: about.name,
    version: about.version,
    license: typeof about.license === 'string' ? about.license : (about.license?.type ?? 'unknown'),
    keywords: Array.isArray(about.keywords) ? about.keywords : [],
    words: readme.split(/\s+/).length,
  }
  const author = typeof about.author === 'string' ? about.author : about.author?.name
  if (author) metadata.author = author.replace(/\s*[<(].*/, '')
  if (year) metadata.created_at = `${year}-01-01`
  const keywords = metadata.keywords.join(' ')
  const text = `${about.name}. ${about.description ?? ''} ${keywords} ${readme.slice(0, 4000)}`
  return { id: `${about.name}@${about.version}`, text: text.toWellFormed(), metadata }
}
