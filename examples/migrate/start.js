// Moves collections from memory to a store on disk, and once more when something has changed:
// node start.js [STORE]
import { StorageError, VectorizerClient } from 'vectorizer-native'
import { move } from './move.js'

const [path = 'data'] = process.argv.slice(2)
const [subjects, verbs, places] = [
  ['The cat', 'A ferry', 'My neighbour', 'The accountant', 'A gardener'],
  ['sleeps', 'waits', 'sings', 'counts the days'],
  ['on the sofa', 'at the pier', 'in spring', 'behind the house', 'after the rain'],
]
const sentences = subjects.flatMap((who) =>
  verbs.flatMap((does) => places.map((where) => [who, does, where])),
)

const source = new VectorizerClient()
const target = new VectorizerClient({ path })
try {
  await source.createCollection('sentences', { dimension: 256 })
  const rows = sentences.map((words, i) => ({
    id: `sentence-${i}`,
    text: words.join(' '),
    metadata: { subject: words[0] },
  }))
  await source.insertTexts('sentences', rows)

  console.log('All of it:')
  await move(source, target, { batchSize: 25, prune: true })

  await source.deleteByFilter('sentences', { subject: 'A ferry' })
  await source.insertTexts('sentences', [{ id: 'new', text: 'A heron stands in the reeds' }])

  console.log('\nWhat has changed since:')
  try {
    await move(source, target)
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    console.log(error.message)
  }

  console.log('\nWith what was deleted:')
  await move(source, target, { prune: true })
  const [found] = await target.search('sentences', 'a heron in the reeds', { limit: 1 })
  console.log(`\nfound in ${path}: ${found.text}`)
} finally {
  await source.close()
  await target.close()
}
