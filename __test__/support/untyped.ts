import type { VectorizerClient } from '../..'

/** A client as plain JavaScript sees it: any method, any arguments. */
export type Untyped = Record<string, (...args: unknown[]) => Promise<unknown>>

export const untyped = (client: VectorizerClient) => client as unknown as Untyped
