// Makes a store of documents of different ages, to try the rules on: node sample.js STORE [NOW]
import { VectorizerClient } from 'vectorizer-native'

const DAY = 86_400_000

/**
 * Documents of the given ages in days; `metadata` makes theirs of a date.
 *
 * @param {string} name
 * @param {number[]} ages
 * @param {(date: string, age: number) => object} metadata
 * @returns {(now: Date) => { id: string, text: string, metadata: object }[]}
 */
function aged(name, ages, metadata) {
  return (now) =>
    ages.map((age) => ({
      id: `${name}-${age}`,
      text: `${name} of ${age} days ago`,
      metadata: metadata(new Date(now.getTime() - age * DAY).toISOString(), age),
    }))
}

const samples = {
  chats: aged('chat', [1, 30, 364, 366, 900], (created_at) => ({ created_at })),
  tickets: aged('ticket', [10, 700, 800, 1_000, 2_000], (at, age) => ({
    closed: { at },
    legal_hold: age === 1_000,
  })),
}

/** Neither of them says when it was closed, though one has a text there, so that no rule is about them. */
const undated = [
  { id: 'ticket-open', text: 'a ticket that is open', metadata: {} },
  { id: 'ticket-unknown', text: 'a ticket of old', metadata: { closed: { at: '(unknown)' } } },
]

/**
 * @param {string} path
 * @param {Date} now
 */
async function createSampleStore(path, now) {
  const client = new VectorizerClient({ path })
  try {
    for (const [collection, documents] of Object.entries(samples)) {
      await client.createCollection(collection, { dimension: 64 })
      await client.insertTexts(collection, documents(now))
    }
    await client.insertTexts('tickets', undated)
  } finally {
    await client.close()
  }
}

const [path = 'store', now] = process.argv.slice(2)
await createSampleStore(path, now ? new Date(now) : new Date())
console.log(`${path} has chats and tickets of different ages`)
