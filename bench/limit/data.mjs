import { yearOfATenth } from '../shared/comparison/plan.mjs'
import { loadData } from '../shared/data.mjs'
import { exactScores } from '../shared/exact.mjs'
import { writeStream } from '../shared/stream.mjs'

/** How many deleted vectors are looked for in the files, and how many of those left are read back. */
const SAMPLE = 200

/** Creates the job in a separate process. A filter deletes about a tenth of the rows. */
export default function limitData({ shared, ...options }) {
  const data = loadData(options)
  const below = yearOfATenth(data.metadata)
  const lifetimes = data.metadata.map(({ year }) => (year < below ? 1 : 2))
  const rows = (lifetime) => [...lifetimes.keys()].filter((row) => lifetimes[row] === lifetime)
  const [gone, left] = [rows(1), rows(2)]
  const filter = { field: 'year', below, matches: gone.length }
  const samples = { gone: sample(gone), left: sample(left) }
  writeStream(shared, data, { ...exactScores(data, lifetimes), lifetimes, filter, samples })
  return { description: data.description, deleted: gone.length }
}

/** Some of the rows, evenly spread. */
const sample = (rows) => rows.filter((_, i) => i % Math.ceil(rows.length / SAMPLE) === 0)
