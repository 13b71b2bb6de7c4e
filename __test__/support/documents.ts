import { things } from './collections'

/** Metadata in which each document differs from the others by all that a filter can ask. */
export const documents: Record<string, Record<string, unknown> | undefined> = {
  one: {
    n: 1,
    s: 'apple',
    yes: true,
    tags: ['red', 'old'],
    at: '2024-01-01',
    author: { name: 'Ada', born: { year: 1815 } },
  },
  two: {
    n: 2,
    s: 'banana',
    yes: false,
    tags: ['yellow'],
    at: '2024-01-01T12:00:00Z',
    author: { name: 'Bob' },
    parts: [{ n: 1 }, { n: 5 }],
  },
  three: { n: 3, s: '3', yes: null, tags: [], at: '2024-01-02T01:00:00+02:00', author: 'Cy' },
  four: { n: '1', s: 'Apple', tags: 'red', at: 'no date' },
  none: undefined,
}

/** A client with the documents in the collection `things`. */
export async function documented() {
  const client = await things()
  const rows = Object.entries(documents).map(([id, one], i) => ({ id, data: [1, i], metadata: one }))
  await client.insertVectors('things', rows)
  return client
}
