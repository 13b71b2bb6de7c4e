// Each call is first made on an embedded client that has nothing but a collection of the same kind.
// It validates the arguments, rejects invalid ones with the same messages, embeds texts, and
// converts every form of a vector to the same one.
import { VectorizerClient } from '../client.js'
import type { Embedder } from '../types.js'
import type { EngineCollection } from './collection.js'

/** Calls `work` with an embedded client that has `collection`, if one is given. */
export async function withScratchClient<T>(
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
