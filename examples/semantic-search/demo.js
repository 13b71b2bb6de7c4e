// Finds by meaning, then replaces a document, then deletes it.
import { show, start } from './start.js'

const NOTE = 'note.md'
const WHEN = 'When can I eat?'
const WHERE = 'Where do I leave my car?'

const first = `
# Canteen

Lunch is served between noon and two o'clock.

# Garage

Vehicles are parked behind the building.`

const second = `
# Canteen

Meals are only served on Mondays, from one to three in the afternoon.`

const { library } = await start()

/**
 * @param {boolean} condition
 * @param {string} text
 */
function expect(condition, text) {
  if (!condition) throw new Error(`not as it should be: ${text}`)
}
/** @param {Awaited<ReturnType<typeof show>>} found */
const ofNote = (found) => found.filter(({ source }) => source === NOTE)

await show(library, 'What happens to my data when the electricity goes off?')
await show(library, 'Could somebody still recover information that I removed?')

console.log(`\nadded ${NOTE}: ${await library.put(NOTE, first)} chunks`)
expect(ofNote(await show(library, WHEN)).length > 0, 'the note is found')
expect(ofNote(await show(library, WHERE)).length > 0, 'the note is found')

console.log(`\nreplaced ${NOTE} by a version with ${await library.put(NOTE, second)} chunk`)
const [meal, ...others] = ofNote(await show(library, WHEN))
expect(meal?.text.includes('Mondays') && others.length === 0, 'there is the new version alone')

console.log(`\ndeleted ${NOTE}: ${await library.remove(NOTE)} chunk`)
expect(ofNote(await show(library, WHEN)).length === 0, 'the note is not found')

await library.close()
