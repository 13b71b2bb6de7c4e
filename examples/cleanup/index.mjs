// A collection of real documents, and the three ways to delete from it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { VectorizerClient, VectorNotFoundError } from 'vectorizer-native'
import { readStore } from '../../scripts/read-store.mjs'
import { documents } from './documents.mjs'

/** @import { Collection } from 'vectorizer-native' */
/** @import { Package } from './documents.mjs' */

const colour = process.stdout.isTTY && !process.env.NO_COLOR
/** @type {(code: number) => (text: string | number) => string} */
const paint = (code) => (text) => (colour ? `\x1b[${code}m${text}\x1b[0m` : String(text))
const [bold, dim, green, cyan] = [1, 2, 32, 36].map(paint)
/** @param {string} text */
const title = (text) => console.log(`\n${bold(text)}`)
/** @param {string} text */
const say = (text) => console.log(`  ${text}`)
/** @param {number} since */
const milliseconds = (since) => dim(`${(performance.now() - since).toFixed(1)} ms`)

/** @param {string} query */
async function show(query) {
  say(`${dim('search')} ${cyan(`“${query}”`)}`)
  const results = await packages.search(query, { limit: 5 })
  for (const { id, score, metadata } of results) {
    say(`  ${score.toFixed(3)}  ${id.padEnd(36)} ${dim(`${metadata.license} ${metadata.created_at ?? ''}`)}`)
  }
  return results
}

/**
 * How many of the documents have a text that somebody can read who has the files of the store.
 *
 * @param {{ text: string }[]} documents
 */
function inFiles(documents) {
  /** @type {{ entries: { text: string }[] }[]} */
  const collections = readStore(data)
  const texts = new Set(collections.flatMap(({ entries }) => entries.map(({ text }) => text)))
  return documents.filter(({ text }) => texts.has(text)).length
}

const data = mkdtempSync(join(tmpdir(), 'vectorizer-native-'))
process.on('exit', () => rmSync(data, { recursive: true, force: true }))
const client = new VectorizerClient({ path: data })

title('Documents')
const folder = fileURLToPath(new URL('../../node_modules', import.meta.url))
const found = await documents(folder)
if (found.length === 0) throw new Error(`no packages under ${folder}: run npm install first`)
/** @type {Collection<Package>} */
const packages = await client.collection('packages', { dimension: 512 })
let begun = performance.now()
await packages.insertTexts(found)
say(`${found.length} packages under node_modules, read, embedded and inserted  ${milliseconds(begun)}`)
/** @type {Record<string, number>} */
const counts = {}
for (const { metadata } of found) counts[metadata.license] = (counts[metadata.license] ?? 0) + 1
const counted = Object.entries(counts).sort(([, a], [, b]) => b - a)
say(dim(counted.map(([name, count]) => `${name} ${count}`).join(', ')))

title('Delete one')
const wanted = 'parse command line arguments'
const [first] = await show(wanted)
begun = performance.now()
await packages.deleteVector(first.id)
say(`${green('deleted')} ${first.id}  ${milliseconds(begun)}`)
const again = await show(wanted)
const missing = await packages.getVector(first.id).catch((error) => error)
if (!(missing instanceof VectorNotFoundError) || again.some(({ id }) => id === first.id)) {
  throw new Error(`${first.id} is still there`)
}
say(`getVector says: ${dim(missing.message)}`)

title('Clean up by age')
const cutoff = '2015-01-01'
const old = await packages.search('', { limit: 10000, filter: { created_at: { $lt: cutoff } } })
say(`${old.length} packages are licensed from before ${cutoff}`)
begun = performance.now()
const report = await packages.batchDelete(old.map(({ id }) => id))
say(`${green('deleted')} ${report.deleted}, failed ${report.failed}  ${milliseconds(begun)}`)
say(`older than ${cutoff} now: ${bold(await packages.count({ created_at: { $lt: cutoff } }))}`)

title('Delete by category')
const filter = { license: ['ISC', 'BSD-2-Clause', 'BSD-3-Clause'] }
const dry = await packages.deleteByFilter(filter, { dryRun: true })
say(
  `a dry run of ${JSON.stringify(filter)} matches ${dry.matched} of ${dry.scanned}, and deletes ${dry.deleted}`,
)
for (const { id } of dry.results.slice(0, 4)) say(dim(`  ${id}`))
if (dry.matched > 4) say(dim(`  and ${dry.matched - 4} more`))
begun = performance.now()
const { matched, deleted, receipt } = await packages.deleteByFilter(filter, { receipt: true })
say(`${green('deleted')} ${deleted} of ${matched}  ${milliseconds(begun)}`)
say(`receipt: ${receipt.bytesErased} bytes erased, SHA-256 of the ids ${dim(receipt.digest.slice(0, 16))}…`)

title('What is left')
const gone = new Set([first.id, ...old.map(({ id }) => id), ...dry.results.map(({ id }) => id)])
const left = await packages.search('', { limit: found.length })
const ranked = await packages.search('package', { limit: found.length })
const residues = [...left, ...ranked].filter(({ id }) => gone.has(id))
say(`${found.length} inserted − ${gone.size} deleted = ${bold(await packages.count())}`)
say(`searching everything finds ${bold(residues.length)} of the ${gone.size} deleted packages`)
const survivors = found.filter(({ id }) => !gone.has(id))
const erased = found.filter(({ id }) => gone.has(id))
const [kept, lingering] = [inFiles(survivors), inFiles(erased)]
say(
  `from the files can be read ${kept} of the ${survivors.length} others, and ${bold(lingering)} of the deleted`,
)
const { verified } = await packages.verifyErased([...gone])
if (residues.length > 0 || lingering > 0 || !verified || kept !== survivors.length) {
  throw new Error('something deleted was found')
}
await client.close()
