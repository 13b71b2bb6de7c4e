import type { VectorizerClient } from '../..'

/** A client as plain JavaScript sees it: any method, any arguments. */
export type Untyped = Record<string, (...args: unknown[]) => Promise<unknown>>

export function untyped(client: VectorizerClient): Untyped
/** A value as plain JavaScript could pass it, in place of any other. */
export function untyped(value: unknown): never
export function untyped(value: unknown) {
  return value
}
