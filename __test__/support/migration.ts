// Helpers for migrations between any two clients: their contents, clients that misbehave, and a
// property that must hold for every two.
import fc from 'fast-check'
import { type MigratedCollection, migrate, type Vectorizer } from '../..'

type Next = () => Promise<unknown>
/** Decides what becomes of a call: `next` performs it, and may be called at any time, or never. */
export type Around = (call: string, next: Next, args: unknown[]) => unknown

/** A client in which every call goes through `around`. */
export function wrapped(client: Vectorizer, around: Around): Vectorizer {
  return new Proxy(client, {
    get(_, name) {
      const value = Reflect.get(client, name)
      if (typeof value !== 'function') return value
      return async (...args: unknown[]) => around(String(name), () => value.apply(client, args), args)
    },
  })
}

/** A client that calls `act` before its n-th call of one kind, counted from 1. */
export function acting(client: Vectorizer, kind: string, n: number, act: () => unknown) {
  let calls = 0
  return wrapped(client, async (call, next) => {
    if (call === kind && ++calls === n) await act()
    return next()
  })
}

/**
 * A client whose n-th call of one kind, or of any, is rejected, either undone or done without an
 * answer.
 */
export function failing(client: Vectorizer, error: unknown, n: number, kind?: string, isDone = false) {
  let calls = 0
  return wrapped(client, async (call, next) => {
    if ((kind !== undefined && call !== kind) || ++calls !== n) return next()
    if (isDone) await next()
    throw error
  })
}

/** A client, and the names of the calls made on it. */
export function recorded(client: Vectorizer): [Vectorizer, string[]] {
  const calls: string[] = []
  const seen = wrapped(client, (call, next) => {
    calls.push(call)
    return next()
  })
  return [seen, calls]
}

/** All vectors of a collection, in the order of their ids. */
export async function vectorsOf(client: Vectorizer, collection: string) {
  const { vectors } = await client.listVectors(collection, 0, 100_000)
  return vectors.sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** Everything that a migration copies. */
export async function contentsOf(client: Vectorizer) {
  const all = []
  for (const { name } of await client.listCollections()) {
    const { dimension, similarity_metric, hnsw, ttl_secs } = await client.getCollectionInfo(name)
    all.push({ name, dimension, similarity_metric, hnsw, ttl_secs, vectors: await vectorsOf(client, name) })
  }
  return all
}

/** How many vectors of a collection the target lacks, has unchanged, and has in addition. */
async function differences(source: Vectorizer, target: Vectorizer, collection: string) {
  const isThere = (await target.listCollections()).some(({ name }) => name === collection)
  const held = isThere ? await vectorsOf(target, collection) : []
  const wanted = await vectorsOf(source, collection)
  // `-0` differs from 0, which JSON does not show.
  const text = ({ data, ...rest }: (typeof held)[number]) =>
    JSON.stringify([
      Array.from(new Uint32Array(data.buffer)),
      rest.id,
      rest.text,
      rest.metadata,
      rest.expires_at,
    ])
  const texts = new Set(held.map(text))
  const ids = new Set(wanted.map(({ id }) => id))
  const unchanged = wanted.filter((vector) => texts.has(text(vector))).length
  return {
    copied: wanted.length - unchanged,
    unchanged,
    pruned: held.filter(({ id }) => !ids.has(id)).length,
  }
}

const value = fc.constantFrom(1, 2, -1, 0.1, -0, 1e-30, 3e37)
const vector = fc.record(
  {
    id: fc.constantFrom(...'abcdefghijklm', 'ä/b', '"', ' '),
    // Never all zeros, which the cosine metric rejects.
    data: fc.tuple(value, value, fc.constantFrom(1, 2, -3)),
    metadata: fc.constantFrom({}, { a: 1 }, { a: [1, { b: null }], 'c.d': 'e' }, { a: '1' }),
    text: fc.constantFrom('one', 'other', 'ä\n'),
    expires_at: fc.constantFrom(8e12, 8e12 + 1),
  },
  { requiredKeys: ['id', 'data'] },
)
const rows = fc.uniqueArray(vector, { selector: ({ id }) => id, maxLength: 12 })
const collection = fc.record({
  metric: fc.constantFrom('cosine' as const, 'euclidean' as const, 'dot_product' as const),
  source: rows,
  target: fc.option(rows),
})
const failure = fc.record({
  isOfSource: fc.boolean(),
  n: fc.integer({ min: 1, max: 40 }),
  isDone: fc.boolean(),
})

/**
 * Checks that a migration between the two empty clients returned by `open` leaves the source's
 * contents in the target; and that, wherever it is interrupted, another one completes it and writes
 * only what was missing. `close` is called with both at the end.
 */
export async function expectToComplete(
  open: () => Promise<[source: Vectorizer, target: Vectorizer]>,
  close: (clients: Vectorizer[]) => Promise<void>,
  numRuns: number,
) {
  const given = { collections: fc.array(collection, { minLength: 1, maxLength: 3 }), failure }
  const property = fc.asyncProperty(
    fc.record({ ...given, batchSize: fc.integer({ min: 1, max: 5 }) }),
    async ({ collections, failure: { isOfSource, n, isDone }, batchSize }) => {
      const [source, target] = await open()
      try {
        const names = collections.map((_, i) => `collection ${i}`)
        for (const [i, { metric, ...rows }] of collections.entries()) {
          await source.createCollection(names[i], { dimension: 3, metric })
          await source.insertVectors(names[i], rows.source)
          if (!rows.target) continue
          await target.createCollection(names[i], { dimension: 3, metric })
          await target.insertVectors(names[i], rows.target)
        }
        const before = await contentsOf(source)
        const options = { prune: true, batchSize, sample: 3 }
        const cause = new Error('broken on purpose')
        const broken = (client: Vectorizer) => failing(client, cause, n, undefined, isDone)
        const first = isOfSource
          ? migrate(broken(source), target, options)
          : migrate(source, broken(target), options)
        const failed = await first.then(
          () => undefined,
          (error) => error,
        )
        if (failed) expect(failed.cause).toBe(cause)
        else expect(await contentsOf(target)).toStrictEqual(before)

        const expected = await Promise.all(names.map((name) => differences(source, target, name)))
        const report = await migrate(source, target, options)
        const done = report.collections.map(({ copied, unchanged, pruned }: MigratedCollection) => ({
          copied,
          unchanged,
          pruned,
        }))
        expect(done).toStrictEqual(expected)
        expect(await contentsOf(target)).toStrictEqual(before)
        expect(await contentsOf(source)).toStrictEqual(before)
      } finally {
        await close([source, target])
      }
    },
  )
  await fc.assert(property, { seed: 7, numRuns })
}
