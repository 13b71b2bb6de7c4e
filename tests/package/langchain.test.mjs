// The vector store for LangChain.js: what @langchain/core itself and its users expect of one.
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import * as vectorizer from 'vectorizer-native'
import { readAll } from '../../scripts/read-store.mjs'
import { fixture, here, node, projectWithoutPeers, temporaryFolder } from './support.mjs'

const { ClientClosedError, DimensionMismatchError, ValidationError, VectorizerClient } = vectorizer

const parts = [
  '@langchain/core/documents',
  '@langchain/core/embeddings',
  '@langchain/core/example_selectors',
  '@langchain/core/indexing',
  '@langchain/core/runnables',
  '@langchain/core/utils/testing',
  '@langchain/core/vectorstores',
  'vectorizer-native/langchain',
]
const require = createRequire(import.meta.url)
const formats = {
  'ES modules': Object.assign({}, ...(await Promise.all(parts.map((name) => import(name))))),
  CommonJS: Object.assign({}, ...parts.map((name) => require(name))),
}
const folder = temporaryFolder('langchain')
const newFolder = () => mkdtempSync(join(folder, 'store-'))
const places = {
  'in memory': () => ({ collection: 'docs' }),
  'on disk': () => ({ collection: 'docs', path: newFolder() }),
}

/** The vector of a text: how often it contains each letter. */
function letters(text) {
  const counts = new Array(27).fill(0)
  counts[26] = 0.1 // so that the empty text has a direction
  for (const letter of text.toLowerCase()) {
    const at = letter.charCodeAt(0) - 97
    if (at >= 0 && at < 26) counts[at] += 1
  }
  return counts
}

/** Deterministic embeddings that extend the base class of a module format. */
function embeddingsOf({ Embeddings }, embed = letters) {
  return new (class extends Embeddings {
    asked = []

    async embedDocuments(texts) {
      this.asked.push(...texts)
      return texts.map(embed)
    }

    async embedQuery(text) {
      return embed(text)
    }
  })({})
}

function frozen(value) {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(frozen)
  return value
}

/**
 * Everything that anyone with the files below a folder can read: every byte, and what is sealed with keys
 * there.
 */
function bytesBelow(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const bytes = files.map((file) => readFileSync(join(file.parentPath ?? file.path, file.name)))
  const vectors = readAll(folder).flatMap((collection) => collection.entries)
  const known = vectors.map(({ id, metadata, text }) => Buffer.from(`${id} ${metadata} ${text}`))
  return Buffer.concat([...bytes, ...known])
}

/** What LangChain's indexing records about indexed documents, with a clock that only this object advances. */
function recordManager() {
  const records = new Map()
  let now = 0
  return {
    records,
    async createSchema() {},
    async getTime() {
      now += 1
      return now
    },
    async update(keys, { groupIds = [] } = {}) {
      now += 1
      for (const [i, key] of keys.entries()) {
        records.set(key, { at: now, group: groupIds[i] ?? records.get(key)?.group ?? null })
      }
    },
    async exists(keys) {
      return keys.map((key) => records.has(key))
    },
    async listKeys({ before = Infinity, after = -1, groupIds, limit } = {}) {
      const found = [...records].filter(
        ([, { at, group }]) => at < before && at > after && (groupIds?.includes(group) ?? true),
      )
      return found.map(([key]) => key).slice(0, limit)
    },
    async deleteKeys(keys) {
      for (const key of keys) records.delete(key)
    },
  }
}

/** Repeatable random numbers, from 0 to below 1. */
function random(seed) {
  let state = seed
  return () => {
    state = (state * 1664525 + 1013904223) % 2 ** 32
    return state / 2 ** 32
  }
}

const animals = [
  { id: 'cat', pageContent: 'a cat sleeps', metadata: { legs: 4, lang: 'en' } },
  { id: 'dog', pageContent: 'the dog barks', metadata: { legs: 4, lang: 'en', tags: ['pet', 'loud'] } },
  { id: 'ant', pageContent: 'ants work', metadata: { legs: 6, lang: 'en', seen: { year: 2019 } } },
  { id: 'owl', pageContent: 'die eule fliegt', metadata: { legs: 2, lang: 'de', seen: { year: 2024 } } },
]
const ids = (documents) => documents.map(({ id }) => id)
const sorted = (values) => [...values].sort()

for (const [format, core] of Object.entries(formats)) {
  for (const [place, options] of Object.entries(places)) {
    describe(`a vector store ${place}, by ${format}`, () => behaves(core, options))
  }
}

function behaves(core, options) {
  const { Document, VectorStore, VectorizerVectorStore, index } = core
  const stores = []
  after(() => Promise.all(stores.map((store) => store.close())))

  function empty(more = {}, embeddings = embeddingsOf(core)) {
    const store = new VectorizerVectorStore(embeddings, { ...options(), ...more })
    stores.push(store)
    return store
  }

  async function filled(more) {
    const store = empty(more)
    await store.addDocuments(animals.map((animal) => new Document(animal)))
    return store
  }

  const all = async (store, filter) => sorted(ids(await store.similaritySearch('a', 100, filter)))

  test('it is a VectorStore of the importing copy of LangChain, and gives its Documents', async () => {
    const store = await filled()
    assert.ok(store instanceof VectorStore)
    assert.equal(store._vectorstoreType(), 'vectorizer')
    const [[found, score]] = await store.similaritySearchWithScore('cats sleep', 1)
    assert.ok(found instanceof Document)
    assert.deepEqual({ ...found }, animals[0])
    assert.ok(score > 0.8 && score <= 1)
  })

  test('it is empty at first: searches find nothing, and deletes have nothing to do', async () => {
    const store = empty()
    assert.deepEqual(await store.similaritySearch('a', 4), [])
    assert.deepEqual(await store.similaritySearchWithScore('a', 4, { lang: 'en' }), [])
    assert.deepEqual(await store.maxMarginalRelevanceSearch('a', { k: 4 }), [])
    assert.deepEqual(await store.asRetriever().invoke('a'), [])
    await store.delete({ ids: ['cat'] })
    await store.delete({ filter: { lang: 'en' } })
    assert.deepEqual(await store.addDocuments([]), [])
    assert.deepEqual(await store.client.listCollections(), [])
  })

  test('documents come back as they were given, whatever their metadata is', async () => {
    const store = empty()
    const metadata = {
      z: 1,
      a: { text: 'x', pageContent: 'y', nested: [{ b: null }, [], {}, ''] },
      text: 'mine',
      pageContent: 'mine too',
      id: 'not the id',
      metadata: { metadata: true },
      $text: 0.1,
      'dotted.key': 'ä😀',
      _: -1e300,
    }
    const given = frozen([
      { id: '1', pageContent: 'full', metadata },
      { id: '2', pageContent: '', metadata: { empty: true } },
      { id: '3', pageContent: 'none', metadata: {} },
      { id: '4', pageContent: ' \n\u0000 ü', metadata: { blank: true } },
    ])
    await store.addDocuments(given)
    const found = await store.similaritySearch('full', 10)
    assert.deepEqual(
      sorted(found.map((document) => JSON.stringify([document.id, document.pageContent, document.metadata]))),
      given.map((document) => JSON.stringify([document.id, document.pageContent, document.metadata])),
    )
    // The result of a search belongs to the caller, and is not part of the store.
    found.forEach((document) => {
      document.metadata.changed = true
    })
    assert.deepEqual(await all(store, { changed: true }), [])
  })

  test("adding resolves with the ids: the given ones, else the documents' own, else new ones", async () => {
    const store = empty()
    const [dog, made, ...rest] = await store.addDocuments([animals[1], { pageContent: 'b', metadata: {} }])
    assert.deepEqual([dog, rest], ['dog', []])
    assert.match(made, /^[0-9a-f-]{36}$/)
    assert.deepEqual(await store.addDocuments([animals[1]], { ids: ['hound'] }), ['hound'])
    assert.deepEqual(await all(store), sorted(['dog', 'hound', made]))
    const twice = await store.addVectors(
      [letters('a'), letters('b')],
      [animals[0], { ...animals[1], id: 'cat' }],
    )
    assert.deepEqual(twice, ['cat', 'cat'])
    const [cat] = await store.similaritySearch('b', 1, { must: [{ has_id: ['cat'] }] })
    assert.equal(cat.pageContent, animals[1].pageContent)
  })

  test('adding again under the same ids replaces, and adds nothing', async () => {
    const store = await filled()
    await store.addDocuments(animals)
    assert.deepEqual(await all(store), ['ant', 'cat', 'dog', 'owl'])
    await store.addDocuments([{ pageContent: 'zzz', metadata: { new: true } }], { ids: ['cat'] })
    assert.equal(await store.client.count('docs'), 4)
    const [cat] = await store.similaritySearch('zzz', 1)
    assert.deepEqual({ ...cat }, { id: 'cat', pageContent: 'zzz', metadata: { new: true } })
    assert.deepEqual(await all(store, { legs: 4 }), ['dog'])
  })

  test('adds at once make one collection, and lose nothing', async () => {
    const store = empty()
    const other = new VectorizerVectorStore(store.embeddings, { client: store.client, collection: 'docs' })
    const adds = Array.from({ length: 12 }, (_, i) =>
      (i % 2 ? store : other).addDocuments([{ id: `${i}`, pageContent: `${i}`, metadata: { i } }]),
    )
    assert.deepEqual(
      await Promise.all(adds),
      Array.from(adds, (_, i) => [`${i}`]),
    )
    assert.equal((await all(store)).length, 12)
  })

  test('an add that is refused changes nothing, and makes no collection', async () => {
    const store = empty()
    const refused = [
      [() => store.addDocuments(animals, { ids: ['a'] }), /options\.ids: expected one for each of 4, got 1/],
      [() => store.addDocuments([animals[0]], { ids: [undefined] }), /options\.ids\[0\]: expected a string/],
      [() => store.addDocuments([animals[0]], { id: ['a'] }), /options\.id: unknown; use ids/],
      [() => store.addDocuments([{ ...animals[0], id: 7 }]), /documents\[0\]\.id: expected a string, got 7/],
      [() => store.addDocuments([{ metadata: {} }]), /documents\[0\]\.pageContent: expected a string/],
      [() => store.addDocuments('cat'), /documents: expected an array/],
      [() => store.addVectors([[1]], animals), /vectors: expected one for each of 4, got 1/],
      [
        () => store.addVectors([[1, 2], [1]], animals.slice(0, 2)),
        /vectors\[1\]: 1 values, where vectors\[0\] has 2/,
      ],
      [() => store.addVectors([['1']], [animals[0]]), /vectors\[0\]\.data\[0\]: expected a number/],
      [
        () => store.addDocuments([{ pageContent: 'a', metadata: { at: 1n } }]),
        /metadata\.at: 1n would be read back as the number 1/,
      ],
      [
        () => store.addDocuments([{ pageContent: 'a', metadata: { of: new Map() } }]),
        /of: expected a plain object/,
      ],
      [() => store.addDocuments([{ pageContent: '\ud800', metadata: {} }]), /lone surrogate/],
    ]
    for (const [call, message] of refused) {
      await assert.rejects(call, (error) => error instanceof ValidationError && message.test(error.message))
    }
    assert.deepEqual(await store.client.listCollections(), [])
    await store.addDocuments(animals)
    await assert.rejects(
      store.addVectors([[1, 2]], [{ pageContent: 'a', metadata: {} }]),
      DimensionMismatchError,
    )
    await assert.rejects(store.similaritySearchVectorWithScore([1, 2], 4), DimensionMismatchError)
    await assert.rejects(store.similaritySearchVectorWithScore('cat', 4), ValidationError)
    assert.equal((await all(store)).length, 4)
  })

  test('instances of classes in metadata are kept as JSON has them', async () => {
    class Info {
      #private = 1
      title = 'Report'
      inner = [new Info.Inner()]
      method = () => this.#private
      static Inner = class {
        n = 1
      }
    }
    class Told {
      toJSON() {
        return { told: [new Info.Inner()], at: new URL('https://example.org/a') }
      }
    }
    const at = new Date('2024-05-01T12:00:00Z')
    const own = JSON.parse('{ "__proto__": { "a": 1 } }')
    const metadata = frozen({ pdf: { info: new Info(), pages: [1, new Told()] }, at, own, none: undefined })
    const expected = {
      pdf: {
        info: { title: 'Report', inner: [{ n: 1 }] },
        pages: [1, { told: [{ n: 1 }], at: 'https://example.org/a' }],
      },
      at: at.toISOString(),
      own,
    }
    const store = empty()
    await store.addDocuments([{ id: 'a', pageContent: 'a', metadata }])
    await store.addVectors([letters('b')], [{ id: 'b', pageContent: 'b', metadata: new Told() }])
    const found = new Map((await store.similaritySearch('a', 2)).map((one) => [one.id, one.metadata]))
    assert.deepEqual(found.get('a'), expected)
    assert.deepEqual(found.get('b'), expected.pdf.pages[1])
    await store.delete({ filter: { 'pdf.info.title': 'Report' } })
    assert.deepEqual(await all(store), ['b'])

    const strict = empty({ plainMetadata: false })
    await assert.rejects(strict.addDocuments([{ pageContent: 'a', metadata }]), (error) => {
      return error instanceof ValidationError && /info: expected a plain object/.test(error.message)
    })
    await strict.addDocuments([{ pageContent: 'a', metadata: expected }])
    assert.deepEqual((await strict.similaritySearch('a'))[0].metadata, expected)
  })

  test('metadata that lead back to themselves, or throw when they are read, are refused', async () => {
    const circle = new (class Circle {
      one = this
      other = this
    })()
    const unreadable = {
      get of() {
        throw Symbol('unreadable')
      },
    }
    for (const [metadata, message] of [
      [circle, /documents\[0\]\.metadata: nested too deeply/],
      [{ circle }, /nested too deeply/],
      [unreadable, /cannot be read: Symbol\(unreadable\)/],
      [{ many: Object.assign([], { length: 2 ** 32 - 1 }) }, /many\[0\]: expected a JSON value/],
    ]) {
      await assert.rejects(empty().addDocuments([{ pageContent: 'a', metadata }]), (error) => {
        return error instanceof ValidationError && message.test(error.message)
      })
    }
    const documents = Object.assign([], { length: 2 ** 32 - 1 })
    await assert.rejects(empty().addDocuments(documents), ValidationError)
  })

  test('the model is not asked for documents that are refused', async () => {
    const store = empty()
    await assert.rejects(store.addDocuments([animals[0], { pageContent: 1, metadata: {} }]), ValidationError)
    await assert.rejects(store.addDocuments(animals, { ids: [] }), ValidationError)
    assert.deepEqual(store.embeddings.asked, [])
    await store.addDocuments(animals)
    assert.deepEqual(
      store.embeddings.asked,
      animals.map(({ pageContent }) => pageContent),
    )
  })

  test('what the embeddings throw comes through', async () => {
    const failing = {
      embedDocuments: async () => assert.fail('no model'),
      embedQuery: async () => assert.fail('none'),
    }
    const store = empty({}, failing)
    await assert.rejects(store.addDocuments(animals), /no model/)
    await assert.rejects(store.similaritySearch('a'), /none/)
    const short = empty({}, { embedDocuments: async () => [[1, 2]] })
    await assert.rejects(short.addDocuments(animals), /vectors: expected one for each of 4, got 1/)
  })

  test("a filter addresses the metadata by the fields' own names", async () => {
    const store = await filled()
    assert.deepEqual(await all(store, { lang: 'en' }), ['ant', 'cat', 'dog'])
    assert.deepEqual(await all(store, { tags: 'loud' }), ['dog'])
    assert.deepEqual(await all(store, { 'seen.year': { $gte: 2019, $lt: 2024 } }), ['ant'])
    assert.deepEqual(await all(store, { $or: [{ legs: 2 }, { legs: { $gt: 4 } }] }), ['ant', 'owl'])
    assert.deepEqual(await all(store, { must_not: [{ key: 'lang', match: { value: 'en' } }] }), ['owl'])
    assert.deepEqual(await all(store, { 'metadata.lang': 'en' }), [])
    for (const filter of [{}, { legs: { $near: 4 } }, { legs: undefined }, () => true, null]) {
      await assert.rejects(store.similaritySearch('a', 4, filter), ValidationError)
    }
  })

  test('a search returns k documents, the most alike first', async () => {
    const store = await filled()
    const found = await store.similaritySearchWithScore('the dog barks', 3)
    assert.equal(found[0][0].id, 'dog')
    const scores = found.map(([, score]) => score)
    assert.deepEqual(
      scores,
      [...scores].sort((a, b) => b - a),
    )
    assert.equal(scores.length, 3)
    await store.addDocuments([{ pageContent: 'a fifth', metadata: {} }])
    assert.equal((await store.similaritySearchVectorWithScore(Float32Array.from(letters('a')))).length, 4)
  })

  test('the collection is made as the options say', async () => {
    const store = await filled({ metric: 'euclidean', hnsw: { m: 8 } })
    const info = await store.client.getCollectionInfo('docs')
    assert.deepEqual([info.dimension, info.similarity_metric, info.hnsw.m], [27, 'euclidean', 8])
    const [[, score]] = await store.similaritySearchWithScore('a cat sleeps', 1)
    assert.equal(score, 1)
  })

  test('deleting by ids deletes those that are there, and passes over others', async () => {
    const store = await filled()
    await store.delete({ ids: ['cat', 'nobody', 'ant', 'cat'] })
    assert.deepEqual(await all(store), ['dog', 'owl'])
    await store.delete({ ids: ['cat'] })
    await store.delete({ ids: [] })
    assert.deepEqual(await all(store), ['dog', 'owl'])
    await store.delete({ ids: ['dog', 'owl'] })
    assert.deepEqual(await all(store), [])
    await store.addDocuments(animals)
    assert.equal((await all(store)).length, 4)
  })

  test('deleting by filter deletes what matches', async () => {
    const store = await filled()
    await store.delete({ filter: { legs: { $gt: 4 } } })
    assert.deepEqual(await all(store), ['cat', 'dog', 'owl'])
    await store.delete({ filter: { must: [{ key: 'lang', match: { any: ['en', 'fr'] } }] } })
    assert.deepEqual(await all(store), ['owl'])
    await store.delete({ filter: { lang: 'en' } })
    assert.deepEqual(await all(store), ['owl'])
  })

  test('a delete that is not understood deletes nothing', async () => {
    const refused = [
      undefined,
      null,
      {},
      ['cat'],
      'cat',
      { ids: undefined },
      { ids: 'cat' },
      { ids: ['cat', undefined] },
      { filter: undefined },
      { filter: null },
      { filter: {} },
      { filter: () => true },
      { filter: { lang: undefined } },
      { filter: { lang: { $is: 'en' } } },
      { ids: ['cat'], filter: { lang: 'en' } },
      { ids: ['cat'], filter: undefined },
      { ids: undefined, filter: { lang: 'en' } },
      { deleteAll: true },
      { ids: ['cat'], namespace: 'a' },
    ]
    const store = await filled()
    for (const params of refused) {
      await assert.rejects(store.delete(params), ValidationError)
      await assert.rejects(empty().delete(params), ValidationError)
    }
    assert.deepEqual(await all(store), ['ant', 'cat', 'dog', 'owl'])
  })

  test('the search for marginal relevance prefers what is unlike the others', async () => {
    const directions = { query: [1, 0.2], near: [1, 0], nearer: [1, 0.05], far: [0.2, 1], out: [-1, 0] }
    const store = empty(
      {},
      embeddingsOf(core, (text) => directions[text]),
    )
    await store.addDocuments(
      ['near', 'nearer', 'far', 'out'].map((text) => ({ id: text, pageContent: text, metadata: { text } })),
    )
    assert.deepEqual(ids(await store.similaritySearch('query', 2)), ['nearer', 'near'])
    const mmr = (more) => store.maxMarginalRelevanceSearch('query', { k: 2, ...more })
    assert.deepEqual(ids(await mmr({})), ['nearer', 'far'])
    assert.deepEqual(ids(await mmr({ lambda: 1 })), ['nearer', 'near'])
    assert.deepEqual(ids(await mmr({ lambda: 0 })), ['nearer', 'out'])
    assert.deepEqual(ids(await mmr({ lambda: 0, fetchK: 2 })), ['nearer', 'near'])
    assert.deepEqual(ids(await mmr({ k: 3, fetchK: 1, lambda: 1 })), ['nearer', 'near', 'far'])
    assert.deepEqual(ids(await mmr({ lambda: 0, filter: { text: { $ne: 'out' } } })), ['nearer', 'far'])
    const [found] = await mmr({ k: 1 })
    assert.ok(found instanceof Document)
    assert.deepEqual({ ...found }, { id: 'nearer', pageContent: 'nearer', metadata: { text: 'nearer' } })
    const searchKwargs = { lambda: 0, fetchK: 3 }
    const retriever = store.asRetriever({
      k: 2,
      searchType: 'mmr',
      searchKwargs,
      filter: { text: { $ne: 'near' } },
    })
    assert.deepEqual(ids(await retriever.invoke('query')), ['nearer', 'out'])
    await assert.rejects(mmr({ filter: {} }), ValidationError)
  })

  test('as a retriever it is a Runnable, with k, a filter, tags and callbacks', async () => {
    const store = await filled()
    const filter = { lang: 'en' }
    assert.deepEqual(ids(await store.asRetriever(2, filter).invoke('ants')), ['ant', 'cat'])
    const retriever = store.asRetriever({ k: 1, filter, tags: ['mine'], metadata: { from: 'test' } })
    const told = []
    const callbacks = [
      {
        handleRetrieverStart: (serialized, query, _run, _parent, tags, metadata) =>
          told.push({ serialized: JSON.stringify(serialized), query, tags, from: metadata.from }),
        handleRetrieverEnd: (documents) => told.push(ids(documents)),
        handleRetrieverError: (error) => told.push(error.name),
      },
    ]
    await retriever.invoke('the dog barks', { callbacks, tags: ['call'] })
    const [{ serialized, ...start }, end] = told
    assert.deepEqual(start, { query: 'the dog barks', tags: ['call', 'mine', 'vectorizer'], from: 'test' })
    assert.deepEqual(end, ['dog'])
    assert.ok(!/client|embeddings/.test(serialized))
    const texts = retriever.pipe(new core.RunnableLambda({ func: (found) => found[0].pageContent }))
    assert.equal(await texts.invoke('cats sleep'), 'a cat sleeps')
    assert.deepEqual(await texts.batch(['cats sleep', 'ants']), ['a cat sleeps', 'ants work'])
    const streamed = []
    for await (const part of await retriever.stream('ants')) streamed.push(...ids(part))
    assert.deepEqual(streamed, ['ant'])
    const strict = store.asRetriever({ filter: { lang: { $is: 'en' } } })
    await assert.rejects(strict.invoke('a', { callbacks }), ValidationError)
    assert.equal(told.at(-1), 'ValidationError')
    await retriever.addDocuments([{ pageContent: 'a bee', metadata: filter }], { ids: ['bee'] })
    assert.deepEqual(ids(await retriever.invoke('a bee')), ['bee'])
  })

  test('fromTexts and fromDocuments make a store', async () => {
    const embeddings = embeddingsOf(core)
    const texts = await VectorizerVectorStore.fromTexts(
      ['a', 'b', 'c'],
      [{ n: 1 }, { n: 2 }],
      embeddings,
      options(),
    )
    const common = await VectorizerVectorStore.fromTexts(['a', 'b'], { n: 3 }, embeddings, options())
    const documents = await VectorizerVectorStore.fromDocuments(animals, embeddings, options())
    stores.push(texts, common, documents)
    assert.deepEqual((await texts.similaritySearch('c', 1))[0].metadata, {})
    assert.deepEqual((await texts.similaritySearch('b', 1))[0].metadata, { n: 2 })
    assert.equal((await common.similaritySearch('b', 5, { n: 3 })).length, 2)
    assert.deepEqual(await all(documents), ['ant', 'cat', 'dog', 'owl'])
    assert.ok(documents instanceof VectorizerVectorStore)
    const none = await VectorizerVectorStore.fromTexts([], [], embeddings, options())
    stores.push(none)
    assert.deepEqual(await all(none), [])
    const more = VectorizerVectorStore.fromTexts(['a'], [{}, {}], embeddings, options())
    await assert.rejects(more, /metadatas: more objects than texts/)
    class Mine extends VectorizerVectorStore {}
    const mine = await Mine.fromTexts(['a'], {}, embeddings, options())
    stores.push(mine)
    assert.ok(mine instanceof Mine)
  })

  test('an example selector selects by it', async () => {
    const examples = [
      { input: 'happy', output: 'sad' },
      { input: 'tall', output: 'short' },
      { input: 'windy', output: 'calm' },
    ]
    const selector = await core.SemanticSimilarityExampleSelector.fromExamples(
      examples,
      embeddingsOf(core),
      VectorizerVectorStore,
      { ...options(), k: 1, inputKeys: ['input'], exampleKeys: ['input', 'output'] },
    )
    stores.push(selector.vectorStoreRetriever.vectorStore)
    assert.deepEqual(await selector.selectExamples({ input: 'tally' }), [examples[1]])
    await selector.addExample({ input: 'xxx', output: 'yyy' })
    assert.deepEqual(await selector.selectExamples({ input: 'xx' }), [{ input: 'xxx', output: 'yyy' }])
  })

  test('it works with the embeddings that LangChain tests with', async () => {
    const store = empty({}, new core.SyntheticEmbeddings({ vectorSize: 16 }))
    await store.addDocuments(animals)
    assert.equal((await store.similaritySearch('the dog barks', 1))[0].id, 'dog')
    const same = empty({}, new core.FakeEmbeddings())
    await same.addDocuments(animals)
    assert.deepEqual(ids(await same.similaritySearch('any')), ids(animals))
  })

  test('indexing adds what is new, skips what is known, and deletes as the cleanup says', async () => {
    const page = (text, source) => new Document({ pageContent: text, metadata: { source } })
    const before = [page('one', 'a'), page('two', 'a'), page('three', 'b'), page('one', 'a')]
    const later = [page('one', 'a'), page('two, changed', 'a')]
    const text = async (store) =>
      sorted((await store.similaritySearch('o', 100)).map((found) => found.pageContent))
    const expected = {
      none: [
        { numAdded: 1, numSkipped: 1, numUpdated: 0, numDeleted: 0 },
        ['one', 'three', 'two', 'two, changed'],
      ],
      incremental: [
        { numAdded: 1, numSkipped: 1, numUpdated: 0, numDeleted: 1 },
        ['one', 'three', 'two, changed'],
      ],
      full: [{ numAdded: 1, numSkipped: 1, numUpdated: 0, numDeleted: 2 }, ['one', 'two, changed']],
    }
    for (const [mode, [counts, texts]] of Object.entries(expected)) {
      const vectorStore = empty()
      const manager = recordManager()
      const cleanup = mode === 'none' ? undefined : mode
      const run = (docsSource, more) =>
        index({
          docsSource,
          recordManager: manager,
          vectorStore,
          options: { cleanup, sourceIdKey: 'source', ...more },
        })
      assert.deepEqual(await run(before), { numAdded: 3, numSkipped: 0, numUpdated: 0, numDeleted: 0 })
      assert.deepEqual(await run(before), { numAdded: 0, numSkipped: 3, numUpdated: 0, numDeleted: 0 })
      const known = new Set(manager.records.keys())
      assert.deepEqual(await run(later), counts, mode)
      assert.deepEqual(await text(vectorStore), texts, mode)
      const gone = [...known].filter((key) => !manager.records.has(key))
      assert.equal(gone.length, counts.numDeleted)
      assert.deepEqual(await vectorStore.client.verifyErased('docs', gone), { verified: true, residues: [] })
      assert.equal(await vectorStore.client.count('docs'), texts.length)
      assert.equal((await run(later, { forceUpdate: true })).numUpdated, 2)
      assert.deepEqual(await text(vectorStore), texts, mode)
    }
  })

  test('indexing goes on where a document is gone already', async () => {
    const vectorStore = empty()
    const manager = recordManager()
    const run = (docsSource) =>
      index({ docsSource, recordManager: manager, vectorStore, options: { cleanup: 'full', batchSize: 1 } })
    await run(animals.slice(0, 2).map(({ pageContent, metadata }) => ({ pageContent, metadata })))
    await vectorStore.delete({ ids: [...manager.records.keys()].slice(0, 1) })
    assert.deepEqual(await run([]), { numAdded: 0, numDeleted: 2, numUpdated: 0, numSkipped: 0 })
    assert.equal(await vectorStore.client.count('docs'), 0)
  })

  test('nothing of the client is written out', async () => {
    const store = await filled()
    assert.equal(JSON.parse(JSON.stringify(store)).type, 'not_implemented')
    assert.deepEqual(store.lc_namespace, ['langchain', 'vectorstores', 'vectorizer'])
    assert.deepEqual(store.lc_id, ['langchain', 'vectorstores', 'vectorizer', 'VectorizerVectorStore'])
    class Serialized extends VectorizerVectorStore {
      lc_serializable = true
    }
    const other = new Serialized(store.embeddings, {
      client: store.client,
      collection: 'docs',
      metric: 'cosine',
    })
    assert.deepEqual(other.toJSON().kwargs, { collection: 'docs', metric: 'cosine' })
  })

  test('what the client inserts is found as documents, and what the store adds by the client', async () => {
    const store = await filled()
    const { client } = store
    await client.insertVectors('docs', [{ id: 'bare', data: letters('xyz') }])
    const texted = { id: 'text', data: letters('qqq'), text: 'qqq', metadata: { by: 'client' } }
    await client.insertVectors('docs', [texted])
    const [bare] = await store.similaritySearch('xyz', 1)
    assert.deepEqual({ ...bare }, { id: 'bare', pageContent: '', metadata: {} })
    const [text] = await store.similaritySearch('qqq', 1)
    assert.deepEqual({ ...text }, { id: 'text', pageContent: 'qqq', metadata: { by: 'client' } })
    const { data, ...cat } = await client.getVector('docs', 'cat')
    assert.deepEqual(cat, { id: 'cat', metadata: animals[0].metadata, text: animals[0].pageContent })
    await client.deleteVector('docs', 'cat')
    assert.ok(!(await all(store)).includes('cat'))
  })

  test('a client that is given stays open, and one that was opened is closed', async () => {
    const client = new VectorizerClient()
    const given = new VectorizerVectorStore(embeddingsOf(core), { client, collection: 'a' })
    assert.equal(given.client, client)
    await given.addDocuments(animals)
    await given.close()
    assert.equal(await client.count('a'), 4)
    await client.close()
    const own = await filled()
    await own[Symbol.asyncDispose]()
    await own.close()
    await assert.rejects(own.similaritySearch('a'), ClientClosedError)
    await assert.rejects(own.addDocuments(animals), ClientClosedError)
    await assert.rejects(own.delete({ ids: ['cat'] }), ClientClosedError)
  })

  test('options that are not understood are refused', () => {
    const client = new VectorizerClient()
    const refused = [
      [undefined, /options: expected a plain object/],
      [{}, /options\.collection: expected a string/],
      [{ collection: 7 }, /options\.collection: expected a string, got 7/],
      [{ collection: 'a', paht: './data' }, /options\.paht: unknown; use client, collection/],
      [{ collection: 'a', client: {} }, /options\.client: expected a VectorizerClient/],
      [{ collection: 'a', client, path: './data' }, /options\.path/],
      [{ collection: 'a', client, shared: 'x' }, /options\.shared/],
      [{ collection: 'a', plainMetadata: 'no' }, /options\.plainMetadata: expected a boolean/],
    ]
    for (const [given, message] of refused) {
      assert.throws(
        () => new VectorizerVectorStore(embeddingsOf(core), given),
        (error) => error instanceof ValidationError && message.test(error.message),
      )
    }
  })

  test('after any adds and deletes it holds what a map of documents does', async () => {
    const store = empty()
    const model = new Map()
    const next = random(20)
    const pick = (count) => Math.floor(next() * count)
    const id = () => `id-${pick(30)}`
    const document = () => ({
      id: id(),
      pageContent: String.fromCharCode(...Array.from({ length: pick(9) }, () => 97 + pick(26))),
      metadata: { group: pick(5), odd: { n: pick(2) === 1 } },
    })
    const steps = [
      async () => {
        const added = Array.from({ length: 1 + pick(6) }, document)
        assert.deepEqual(await store.addDocuments(added), ids(added))
        for (const one of added) model.set(one.id, one)
      },
      async () => {
        const gone = Array.from({ length: pick(4) }, id)
        await store.delete({ ids: gone })
        for (const one of gone) model.delete(one)
      },
      async () => {
        const group = pick(5)
        await store.delete({ filter: { group, 'odd.n': true } })
        for (const [key, { metadata }] of model)
          if (metadata.group === group && metadata.odd.n) model.delete(key)
      },
    ]
    for (let i = 0; i < 200; i++) {
      await steps[pick(10) < 6 ? 0 : 1 + pick(2)]()
      const found = await store.similaritySearch('a', 100)
      assert.deepEqual(
        found.map((one) => ({ ...one })).sort((a, b) => (a.id < b.id ? -1 : 1)),
        [...model.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
        `step ${i}`,
      )
      const group = pick(5)
      const expected = [...model.values()].filter(({ metadata }) => metadata.group === group)
      assert.deepEqual(await all(store, { group }), sorted(ids(expected)), `step ${i}`)
    }
  })
}

describe('a vector store on disk', () => {
  const { VectorizerVectorStore } = formats['ES modules']
  const embeddings = embeddingsOf(formats['ES modules'])

  test('documents are there when it is opened again', async () => {
    const path = newFolder()
    const store = await VectorizerVectorStore.fromDocuments(animals, embeddings, { collection: 'docs', path })
    await store.close()
    const again = new VectorizerVectorStore(embeddings, { collection: 'docs', path })
    assert.deepEqual({ ...(await again.similaritySearch('a cat sleeps', 1))[0] }, animals[0])
    await again.close()
  })

  test('a delete erases text, metadata and id from the files, and so does replacing', async () => {
    const path = newFolder()
    const secret = (n) => ({ id: `ID-${n}`, pageContent: `TEXT-${n}`, metadata: { of: `META-${n}` } })
    const documents = [1, 2, 3, 4].map(secret)
    const store = await VectorizerVectorStore.fromDocuments(documents, embeddings, {
      collection: 'docs',
      path,
    })
    const kept = (n) => ['ID', 'TEXT', 'META'].filter((word) => bytesBelow(path).includes(`${word}-${n}`))
    assert.deepEqual(kept(1), ['ID', 'TEXT', 'META'])
    await store.delete({ ids: ['ID-1'] })
    await store.delete({ filter: { of: 'META-2' } })
    await store.addDocuments([{ pageContent: 'new', metadata: {} }], { ids: ['ID-3'] })
    assert.deepEqual([1, 2, 3, 4].map(kept), [[], [], ['ID'], ['ID', 'TEXT', 'META']])
    assert.deepEqual(await store.client.verifyErased('docs', ['ID-1', 'ID-2']), {
      verified: true,
      residues: [],
    })
    await store.close()
    assert.deepEqual([1, 2, 3, 4].map(kept), [[], [], ['ID'], ['ID', 'TEXT', 'META']])
  })

  test('a store that could not be made is closed again', async () => {
    const path = newFolder()
    const wrong = [{ pageContent: 'a', metadata: { of: new Map() } }]
    const making = VectorizerVectorStore.fromDocuments(wrong, embeddings, { collection: 'docs', path })
    await assert.rejects(making, ValidationError)
    const open = `new (require('vectorizer-native').VectorizerClient)({ path: ${JSON.stringify(path)} }).ready()`
    const { code, stderr } = await node(['-e', open], { cwd: here })
    assert.deepEqual([code, stderr], [0, ''])
  })
})

test('the two formats have a class each, over one client', async () => {
  const { 'ES modules': esm, CommonJS: cjs } = formats
  assert.notEqual(esm.VectorizerVectorStore, cjs.VectorizerVectorStore)
  const client = new VectorizerClient()
  const one = await esm.VectorizerVectorStore.fromDocuments(animals, embeddingsOf(esm), {
    client,
    collection: 'a',
  })
  const two = new cjs.VectorizerVectorStore(embeddingsOf(cjs), { client, collection: 'a' })
  assert.ok((await one.similaritySearch('a', 1))[0] instanceof esm.Document)
  assert.ok((await two.similaritySearch('a', 1))[0] instanceof cjs.Document)
  await client.close()
})

test('without @langchain/core, importing says what to install', async () => {
  const alone = projectWithoutPeers()
  const said = /needs @langchain\/core: npm install @langchain\/core/
  for (const [script, code] of [
    ["require('vectorizer-native/langchain')", 'MODULE_NOT_FOUND'],
    ["import('vectorizer-native/langchain')", 'ERR_MODULE_NOT_FOUND'],
  ]) {
    const ended = await node(['-e', script], { cwd: alone })
    assert.equal(ended.code, 1)
    assert.match(ended.stderr, said)
    assert.match(ended.stderr, new RegExp(`code: '${code}'`))
  }
  const rest = await node(['-e', "require('vectorizer-native')"], { cwd: alone })
  assert.deepEqual([rest.code, rest.stderr], [0, ''])
})

describe('the typings', () => {
  test('are the same for both formats', () => {
    const [commonjs, esm] = ['langchain.d.ts', 'langchain.d.mts'].map((name) =>
      readFileSync(join(here, 'node_modules', 'vectorizer-native', name), 'utf8'),
    )
    assert.equal(esm, commonjs)
  })

  // LangChain's own typings for CommonJS fail under node16, so only ES modules are tested there.
  const compilations = [
    ['nodenext', 'nodenext', ['use.mts', 'use.cts']],
    ['node16', 'node16', ['use.mts']],
    ['esnext', 'bundler', ['use.mts']],
  ]
  for (const typescript of ['typescript-5', 'typescript', 'typescript-7']) {
    test(`allow what works and nothing else, by ${typescript}`, async () => {
      const folder = fixture('langchain-types')
      for (const name of ['use.mts', 'use.cts']) cpSync(join(folder, 'use.ts'), join(folder, name))
      const tsc = join(here, 'node_modules', typescript, 'bin', 'tsc')
      for (const [module, resolution, files] of compilations) {
        const modes = [
          '--module',
          module,
          '--moduleResolution',
          resolution,
          '--target',
          'es2022',
          '--types',
          'node',
        ]
        const { code, stdout } = await node(
          [tsc, '--noEmit', '--strict', '--skipLibCheck', 'false', ...modes, ...files],
          { cwd: folder },
        )
        assert.deepEqual([code, stdout], [0, ''], resolution)
      }
    })
  }
})
