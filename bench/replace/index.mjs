// A set of documents is ingested again, of which a few chunks have changed: `replace` beside deleting and
// inserting everything, and beside LangChain's indexing.
import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { Document } from '@langchain/core/documents'
import { index } from '@langchain/core/indexing'
import { VectorizerClient } from '../../index.js'
import { VectorizerVectorStore } from '../../langchain.mjs'
import { engineOf, versionOf } from '../engines/index.mjs'
import { textOf } from '../shared/data.mjs'
import { filesIn, inFolder, withFolder } from '../shared/folder.mjs'
import { idOf } from '../shared/job.mjs'
import { digits, MB, machine, publish, say, table } from '../shared/output.mjs'
import { shuffledRows } from '../shared/random.mjs'
import { median } from '../shared/statistics.mjs'
import { Records } from './records.mjs'

const COLLECTION = 'bench'
const CHANGED = 100
/** The files of a collection that calls write to: each of them has a number, which a rewrite changes. */
const KINDS = ['log', 'keys']
const METADATA = { source: 'handbook' }

const insert = (client, rows) => client.insertTexts(COLLECTION, rows)

/** Each way inserts the first rows, and has a list of calls, after each of which the files are looked at. */
const WAYS = {
  '`replace`': () => ({ insert, calls: [(client, rows) => client.replace(COLLECTION, METADATA, rows)] }),
  '`deleteByFilter`, then `insertTexts`': () => ({
    insert,
    calls: [(client) => client.deleteByFilter(COLLECTION, METADATA), insert],
  }),
  "LangChain's `index`": () => {
    const recordManager = new Records()
    const ingest = async (client, rows, embeds) => {
      const vectorStore = new VectorizerVectorStore(embeds, { client, collection: COLLECTION })
      const docsSource = rows.map(({ text, metadata }) => new Document({ pageContent: text, metadata }))
      await index({ docsSource, recordManager, vectorStore, options: { cleanup: 'full' } })
    }
    return { insert: ingest, calls: [ingest] }
  },
}

export default async function replace(options) {
  const versions = chunks(options)
  const names = Object.keys(WAYS)
  const rounds = []
  await withFolder(async (folder) => {
    for (let round = 0; round < options.rounds; round++) {
      say(`round ${round + 1}`)
      const figures = {}
      // They take turns at going first.
      for (const i of names.keys()) {
        const name = names[(i + round) % names.length]
        figures[name] = await inFolder(folder, (own) => measure(WAYS[name](), versions, own, options.dim))
      }
      rounds.push(figures)
    }
  })
  publish('replace.md', report(options, rounds))
}

/** The rows as they are inserted at first, and as they are later. */
function chunks({ n, text, seed }) {
  const changed = new Set(shuffledRows(n, seed).slice(0, CHANGED))
  const rowsOf = (isLater) =>
    Array.from({ length: n }, (_, row) => ({
      id: idOf(row),
      text: textOf(isLater && changed.has(row) ? n + row : row, text),
      metadata: { ...METADATA, part: row },
    }))
  return { first: rowsOf(false), later: rowsOf(true) }
}

/** The texts that are embedded, the bytes that are added to the files, and the seconds, of all calls. */
async function measure({ insert, calls }, { first, later }, path, dim) {
  const model = { texts: 0, seconds: 0 }
  const embedder = (texts) => embed(texts, dim, model)
  const embeds = {
    embedDocuments: async (texts) => embedder(texts),
    embedQuery: async (text) => embedder([text])[0],
  }
  const client = new VectorizerClient({ path, embedder })
  await client.createCollection(COLLECTION, { dimension: dim })
  await insert(client, first, embeds)
  await client.optimize(COLLECTION)
  const { index } = await client.getCollectionInfo(COLLECTION)
  if (index.indexed !== first.length)
    throw new Error(`${index.indexed} rows are in the graph, not ${first.length}`)
  // This builds the index of the field before anything is measured.
  await client.count(COLLECTION, METADATA)
  Object.assign(model, { texts: 0, seconds: 0 })

  let files = filesOf(path)
  let rewrites = 0
  let bytes = 0
  let seconds = 0
  for (const call of calls) {
    const begun = performance.now()
    await call(client, later, embeds)
    seconds += (performance.now() - begun) / 1e3
    const now = filesOf(path)
    const isNew = now.log.number !== files.log.number
    if (isNew) rewrites++
    for (const kind of KINDS) bytes += now[kind].size - (isNew ? 0 : files[kind].size)
    files = now
  }
  const figures = { ...model, bytes, total: seconds, rewrites }
  await check(client, later)
  await client.close()
  return figures
}

/**
 * The number and the size of the log and of its key table. The graph is left out: it is saved in the
 * background, sooner or later.
 */
function filesOf(path) {
  const all = filesIn(path)
  const entries = KINDS.map((kind) => {
    const ofKind = all.map((file) => basename(file).split('.')).filter(([name]) => name === kind)
    // While a log is rewritten, the next one lies beside it.
    const number = Math.min(...ofKind.map(([, text]) => Number(text)))
    const file = all.find((each) => basename(each) === `${kind}.${number}`)
    return [kind, { number, size: statSync(file).size }]
  })
  return Object.fromEntries(entries)
}

/** In place of a model: values that depend on each byte of the text. */
function embed(texts, dim, model) {
  const begun = performance.now()
  const vectors = texts.map((text) => {
    const bytes = createHash('shake256', { outputLength: dim }).update(text).digest()
    return new Float32Array(new Int8Array(bytes.buffer, bytes.byteOffset, dim))
  })
  model.texts += texts.length
  model.seconds += (performance.now() - begun) / 1e3
  return vectors
}

/** Throws unless exactly these texts are there. LangChain gives documents ids of its own. */
async function check(client, rows) {
  const texts = new Set(rows.map(({ text }) => text))
  if (texts.size < rows.length) throw new Error('two rows have the same text')
  for await (const { id, text } of client.scan(COLLECTION)) {
    if (!texts.delete(text)) throw new Error(`${id} is not as it was given`)
  }
  if (texts.size > 0) throw new Error(`${texts.size} rows are missing`)
}

function report({ n, dim, text, seed }, rounds) {
  const rows = Object.keys(WAYS).map((name) => {
    const of = (look) => spread(rounds.map((figures) => look(figures[name])))
    return [
      name,
      of(({ texts }) => texts),
      of(({ bytes }) => bytes / MB),
      of(({ total }) => total),
      of(({ seconds }) => seconds),
      of(({ rewrites }) => rewrites),
    ]
  })
  return [
    '# Ingesting documents again',
    `${machine()}. ${versionOf(engineOf('ours'))}, on disk, fsync everysec (its default). ${n} chunks, each with ${dim} dimensions, a generated text of ${text} bytes and metadata, all in the graph; ${CHANGED} of the texts have changed. ${rounds.length} rounds, seed ${seed}; each way in a store of its own, in turn.`,
    table(
      ['', 'texts embedded', 'MB added to the files', 'seconds', 'of them in the embedder', 'rewrites'],
      rows,
    ),
    `Medians, with the range of the rounds where they differ. In place of a model there is a hash of the text, which takes next to no time: add what your model takes for the texts. A MB is 2²⁰ bytes. The files are the log and its key table, as soon as each call has resolved; nothing waits for background work. They are rewritten when enough in them is unused, and after a delete of everything that may happen at once; new files count in full, and those that they replace not at all. The graph, which the background repairs and saves, is in neither the bytes nor the seconds. The filter's field is indexed. LangChain's \`index\` of @langchain/core ${langchain()} is called with \`cleanup: 'full'\` and its other defaults, on our vector store; which documents it has written is kept in a Map of ours, where an application would have a database.`,
  ].join('\n\n')
}

function langchain() {
  const file = new URL('../../node_modules/@langchain/core/package.json', import.meta.url)
  return JSON.parse(readFileSync(file, 'utf8')).version
}

/** The median and, if there is one, the range. */
function spread(values) {
  const shown = (value) => (Number.isInteger(value) ? String(value) : digits(value))
  const [low, high] = [Math.min(...values), Math.max(...values)].map(shown)
  return low === high ? low : `${shown(median(values))} (${low} to ${high})`
}
