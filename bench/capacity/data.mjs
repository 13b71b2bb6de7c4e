import { generated } from '../shared/data.mjs'
import { exactScores } from '../shared/exact.mjs'
import { Random, shuffledRows } from '../shared/random.mjs'
import { writeStream } from '../shared/stream.mjs'

/** One row in this many is deleted, all of them as one batch. */
export const ONE_IN = 100

/** Creates the job in a separate process, so that its memory does not count in another. */
export default function capacityData({ shared, n, dim, queries, seed }) {
  const data = generated(n, dim, queries, new Random(seed))
  const batch = shuffledRows(n, seed).slice(0, Math.ceil(n / ONE_IN))
  const metadataBytes = writeStream(shared, data, { ...exactScores(data), batch })
  return { description: data.description, metadataBytes }
}
