// Opens or inspects the store in a directory, and never creates one because a path is misspelt.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Vectorizer } from '../index.js'
import type { Listener } from './progress.js'
import { given } from './reading.js'

/** What an inspection found in the files of a store. */
export interface Inspection {
  path: string
  encrypted: boolean
  collections: Inspected[]
  /** Collections that could not be read at all, and why. */
  damaged: string[]
}

/** What an inspection found in a collection. */
interface Inspected {
  directory: string
  name: string
  /** What was deleted with `undo` and waits in it: vectors of the collection of this name, or that itself. */
  undoable?: 'vectors' | 'collection'
  dimension: number
  metric: string
  entries: number
  live: number
  withKey: number
  withoutKey: number
  bytes: number
  /** Present if they were requested. */
  ids?: string[]
  damaged: string[]
}

export const encryption = <K>(key: K | undefined): { key: K } | undefined =>
  key === undefined ? undefined : { key }

function checkStore(directory: string) {
  if (statSync(join(directory, 'STORE'), { throwIfNoEntry: false }) === undefined) {
    throw new Error(`there is no store in ${directory}`)
  }
}

/** Opens the store in a directory for `use`, then closes it. */
export async function withStore<T>(
  directory: string,
  key: Buffer | undefined,
  use: (client: Vectorizer) => Promise<T>,
): Promise<T> {
  checkStore(directory)
  const { VectorizerClient } = require('../index.js') as typeof import('../index.js')
  const client = new VectorizerClient(given({ path: directory, encryption: encryption(key) }))
  try {
    await client.ready()
    return await use(client)
  } finally {
    await client.close()
  }
}

/** Inspects the files of a store, which may be open elsewhere. Nothing is changed. */
export async function inspectStore(
  directory: string,
  key: Buffer | undefined,
  wanted: { ids?: boolean; verify?: boolean },
  onProgress: Listener | undefined,
): Promise<Inspection> {
  checkStore(directory)
  const { toVectorizerError } = require('../errors.js') as typeof import('../errors.js')
  const { native } = require('../native.js') as typeof import('../native.js')
  const options = { ...wanted, encryption: encryption(key?.toString('hex')) }
  const listener = onProgress ? (text: string) => onProgress(JSON.parse(text)) : null
  try {
    return JSON.parse(await native.inspectStore(directory, JSON.stringify(options), listener))
  } catch (error) {
    throw toVectorizerError(error)
  }
}

/** `1 vector`, `2 vectors`. */
export const many = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`

/** Characters that a terminal would interpret instead of showing. */
const UNPRINTABLE = /[\\\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu
const ESCAPES: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }
/** A text as it can be shown. */
export const printable = (text: string) =>
  text.replace(
    UNPRINTABLE,
    (one) => ESCAPES[one] ?? `\\u${one.codePointAt(0)?.toString(16).padStart(4, '0')}`,
  )
