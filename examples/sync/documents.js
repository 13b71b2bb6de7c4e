// The Markdown files of a folder, and the chunks into which they are cut.
import { readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'

/**
 * Every Markdown file below a folder, by its path in it, with `/` on every system.
 *
 * @param {string} folder
 */
export async function readMarkdown(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && /\.md$/i.test(entry.name))
  const paths = files.map(({ parentPath, name }) => relative(folder, join(parentPath, name)))
  /** @type {Map<string, string>} */
  const documents = new Map()
  for (const path of paths.sort())
    documents.set(path.replaceAll(sep, '/'), await readFile(join(folder, path), 'utf8'))
  return documents
}

/**
 * The chunks of a document: each heading with what is below it, and what is above the first.
 *
 * @param {string} markdown
 */
export function chunks(markdown) {
  /** @type {string[][]} */
  const sections = [[]]
  /** @type {string | undefined} */
  let fence
  for (const line of markdown.split(/\r?\n/)) {
    const [, mark] = /^ {0,3}(`{3,}|~{3,})/.exec(line) ?? []
    if (fence === undefined) fence = mark
    else if (mark?.startsWith(fence)) fence = undefined
    // Within a block of code it would be a comment.
    if (fence === undefined && /^#{1,6} /.test(line)) sections.push([])
    sections.at(-1)?.push(line)
  }
  return sections.map((lines) => lines.join('\n').trim()).filter((text) => text !== '')
}
