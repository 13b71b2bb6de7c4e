import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Vector, VectorizerClientOptions } from '../..'
import { client } from './collections'
import { atEnd } from './ending'
import { type Random, whole } from './random'

export const MODES = ['always', 'everysec', 'no'] as const

/** A new directory that is removed after the test. */
export function directory() {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'spec-vectorizer-')))
  atEnd(() => rmSync(path, { recursive: true, force: true, maxRetries: 5 }))
  return path
}

/** A client of a new store on disk, and the store's directory. */
export function store(options?: VectorizerClientOptions) {
  const path = join(directory(), 'store')
  return { path, client: client({ path, ...options }) }
}

/** Every file in a directory and those below it. */
export function files(path: string): string[] {
  const entries = readdirSync(path, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

/** The contents of all files of a directory, read again where one gets another name meanwhile. */
export function contents(path: string): Buffer[] {
  for (;;) {
    try {
      return files(path).map((file) => readFileSync(file))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
}

/** Those of the values that are somewhere in the files of a directory, as a whole. */
export function present(path: string, values: readonly Buffer[]): Buffer[] {
  const all = contents(path)
  return values.filter((value) => all.some((bytes) => bytes.includes(value)))
}

const PIECE = 8
/** Pieces of a value, so many that eleven bytes of it in a row hold at least one. */
export function pieces(value: Buffer): Buffer[] {
  const count = Math.floor((value.length - PIECE) / 4) + 1
  return Array.from({ length: count }, (_, i) => value.subarray(4 * i, 4 * i + PIECE))
}

/** How numbers are written to disk. */
export function bytes(data: Float32Array | number[]): Buffer {
  return Buffer.from(Float32Array.from(data).buffer)
}

/** A text that nothing else contains. */
export const secret = (random: Random) =>
  Array.from({ length: 32 }, () => whole(random, 16).toString(16)).join('')

/** All that is written to disk of a vector whose metadata is one secret. */
export function traces({ id, data, metadata, text }: Vector): Buffer[] {
  const texts = [id, metadata?.secret as string | undefined, text]
  return [bytes(data), ...texts.filter((one) => one !== undefined).map((one) => Buffer.from(one))]
}
