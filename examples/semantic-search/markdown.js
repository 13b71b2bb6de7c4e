// Markdown files, and the chunks into which they are cut.
import { readdir, readFile } from 'node:fs/promises'
import { join, sep } from 'node:path'

/** The longest chunk in characters: about as much as has one subject. */
const CHUNK = 500

/** A text in parts of at most a chunk's length, cut after a sentence where there is one. */
const PARTS = new RegExp(`.{1,${CHUNK}}(?:(?<=[.!?])(?= )|$)|.{1,${CHUNK}}`, 'gu')

/**
 * Every Markdown file below a folder, by its path in it, with `/` on every system.
 *
 * @param {string} folder
 */
export async function readMarkdown(folder) {
  const names = (await readdir(folder, { recursive: true })).map((name) => name.split(sep))
  const wanted = names.filter((name) => /\.md$/i.test(name.join('/')) && !name.includes('node_modules'))
  /** @type {Map<string, string>} */
  const documents = new Map()
  for (const name of wanted.sort())
    documents.set(name.join('/'), await readFile(join(folder, ...name), 'utf8'))
  return documents
}

/** @typedef {{ heading: string, text: string }} Passage */

/**
 * Paragraphs, items of lists and rows of tables, each with the headings above it.
 *
 * @param {string} markdown
 */
function passages(markdown) {
  /** @type {Passage[]} */
  const found = []
  /** @type {string[]} */
  const headings = []
  /** @type {string[]} */
  let lines = []
  const end = () => {
    const text = lines.join(' ').trim()
    if (text !== '') found.push({ heading: headings.filter(Boolean).join(' / '), text })
    lines = []
  }
  // The model is one of prose: code is left out, and the line below a table's head.
  const prose = markdown.replace(/^ *(```|~~~)[\s\S]*?^ *\1.*$/gm, '').replace(/^ *\|[ |:-]+$/gm, '')
  for (const line of prose.split(/\r?\n/)) {
    const [, marks, heading] = /^(#{1,6}) +(.*)/.exec(line) ?? []
    if (marks || /^\s*([-*+|]|\d+\.|$)/.test(line)) end()
    if (marks) {
      headings.length = marks.length - 1
      headings.push(heading)
    } else {
      lines.push(line.trim())
    }
  }
  end()
  return found
}

/**
 * The chunks of a document: neighbouring passages under one heading, up to a chunk's length.
 *
 * @param {string} markdown
 */
export function chunks(markdown) {
  /** @type {Passage[]} */
  const made = []
  for (const { heading, text } of passages(markdown)) {
    for (const part of (text.match(PARTS) ?? []).map((each) => each.trim())) {
      const last = made.at(-1)
      if (last?.heading === heading && last.text.length + part.length < CHUNK) last.text += ` ${part}`
      else made.push({ heading, text: part })
    }
  }
  return made
}
