// What both commands begin with: options, the model, the documents of a folder in the library.
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { Library } from './library.js'
import { readMarkdown } from './markdown.js'

/** @import { Model } from './library.js' */

/** Documents that every installation has. */
function installed() {
  return join(dirname(createRequire(import.meta.url).resolve('vectorizer-native/package.json')), 'docs')
}

/** The library with the documents of `--docs` in it, and the arguments that are no options. */
export async function start() {
  const { values, positionals } = parseArgs({
    options: {
      docs: { type: 'string', default: installed() },
      data: { type: 'string', default: 'data' },
      model: { type: 'string', default: fileURLToPath(new URL('model.js', import.meta.url)) },
    },
    allowPositionals: true,
  })
  /** @type {Model} */
  const model = await import(pathToFileURL(resolve(values.model)).href)
  const library = await Library.open(values.data, model)
  const report = await library.sync(await readMarkdown(values.docs), (source, count) => {
    console.log(`embedded ${source}: ${count} chunks`)
  })
  const { embedded, unchanged, removed } = report
  console.log(`documents: ${embedded} embedded, ${unchanged} unchanged, ${removed} removed`)
  return { library, positionals }
}

/**
 * Asks, and prints what was found.
 *
 * @param {Library} library
 * @param {string} question
 */
export async function show(library, question) {
  console.log(`\n${question}`)
  const found = await library.ask(question)
  for (const { score, source, heading, text } of found) {
    const begin = text.length > 90 ? `${text.slice(0, 89)}…` : text
    console.log(`  ${score.toFixed(3)}  ${source}  ${heading}\n         ${begin}`)
  }
  return found
}
