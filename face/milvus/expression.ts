// Converts the plan of a filter (`src/filter/terms`) to an expression of the engine. It relies on
// two things only: whether an array of strings contains any of some, and how two strings compare.
// Quoted strings are built by us from letters, digits and little else, which `quoted` ensures.
import { keyOf } from './names.js'

/** The node of a plan. */
export type Node =
  | boolean
  | { and: Node[] }
  | { or: Node[] }
  | { any: string[] }
  | { none: string[] }
  | { ids: string[] }
  | { notIds: string[] }
  | { compare: [key: string, operator: string, value: string] }

export const EVERY = 'id != ""'
const NONE = 'id == ""'

function quoted(text: string): string {
  if (!/^[A-Za-z0-9_.:/@%-]*$/.test(text)) throw new Error('a text that would need quoting')
  return `"${text}"`
}

const list = (texts: string[]) => `[${texts.map(quoted).join(',')}]`
export const withKeys = (keys: string[]): string => `id in ${list(keys)}`
export const withTerms = (terms: string[]): string => `array_contains_any(terms, ${list(terms)})`
const all = (parts: string[]) =>
  parts.length === 1 ? parts[0] : parts.map((part) => `(${part})`).join(' and ')
const any = (parts: string[]) =>
  parts.length === 1 ? parts[0] : parts.map((part) => `(${part})`).join(' or ')

export function written(node: Node): string {
  if (node === true) return EVERY
  if (node === false) return NONE
  if ('and' in node) return all(node.and.map(written))
  if ('or' in node) return any(node.or.map(written))
  if ('any' in node) return withTerms(node.any)
  if ('none' in node) return `not ${withTerms(node.none)}`
  if ('ids' in node) return withKeys(node.ids.map(keyOf))
  if ('notIds' in node) return `id not in ${list(node.notIds.map(keyOf))}`
  const [key, operator, value] = node.compare
  return `ranges[${quoted(key)}] ${operator} ${quoted(value)}`
}

/** All rows, or those that match an expression, whose keys come after a given one. */
export const after = (key: string, expression?: string): string =>
  all([`id > ${quoted(key)}`, ...(expression ? [expression] : [])])
