// What was asked of the engine is asked of an embedded client first, that holds nothing but a
// collection of the same kind: it checks the arguments, refuses what is wrong of them in the
// same words, embeds texts, and makes of every form of a vector the same.
import { VectorizerClient } from '../client.js'
import type { Embedder } from '../types.js'
import type { EngineCollection } from './collection.js'

/** Calls `work` with an embedded client that has `collection`, where that is given. */
export async function withScratch<T>(
  embedder: Embedder | undefined,
  collection: EngineCollection | null,
  work: (scratch: VectorizerClient) => Promise<T>,
): Promise<T> {
  const scratch = new VectorizerClient({ embedder })
  try {
    if (collection) {
      const { name, dimension, metric } = collection
      await scratch.createCollection(name, { dimension, metric })
    }
    return await work(scratch)
  } finally {
    await scratch.close()
  }
}
