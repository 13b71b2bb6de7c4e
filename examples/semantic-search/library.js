// Documents that are found by meaning. A document is embedded when it is new or has changed.
import { createHash } from 'node:crypto'
import { VectorizerClient } from 'vectorizer-native'
import { chunks } from './markdown.js'

const hashOf = (text) => createHash('sha256').update(text).digest('hex')

export class Library {
  #client
  #collection

  constructor(client, collection) {
    this.#client = client
    this.#collection = collection
  }

  /** Opens the store in `path`. A model has a `name`, a `dimension`, and `embed(texts)`. */
  static async open(path, model) {
    const client = new VectorizerClient({ path, embedder: model.embed })
    const names = (await client.listCollections()).map(({ name }) => name)
    // Vectors of another model cannot be compared, and would keep what is deleted here.
    for (const name of names) if (name !== model.name) await client.deleteCollection(name)
    if (!names.includes(model.name)) {
      await client.createCollection(model.name, { dimension: model.dimension })
    }
    return new Library(client, model.name)
  }

  /** Each document in the store, with the hashes of the versions of which there are chunks. */
  async #known() {
    const limit = await this.#client.count(this.#collection)
    const all = limit > 0 ? await this.#client.search(this.#collection, '', { limit }) : []
    const known = new Map()
    for (const { metadata } of all) {
      if (!known.has(metadata.source)) known.set(metadata.source, new Set())
      known.get(metadata.source).add(metadata.hash)
    }
    return known
  }

  /**
   * Makes the library hold these documents, a `Map` of texts by name, and no others.
   * `onEmbedded` is told the name and the number of chunks of each that was embedded.
   */
  async sync(documents, onEmbedded = () => {}) {
    const known = await this.#known()
    const report = { embedded: 0, unchanged: 0, removed: 0 }
    for (const [source, markdown] of documents) {
      const hashes = known.get(source)
      // With more than one, a replacement was interrupted.
      if (hashes?.size === 1 && hashes.has(hashOf(markdown))) {
        report.unchanged++
      } else if (chunks(markdown).length > 0) {
        onEmbedded(source, await this.put(source, markdown))
        report.embedded++
      } else {
        continue // it has no text, and what it had before is removed below
      }
      known.delete(source)
    }
    for (const source of known.keys()) {
      await this.remove(source)
      report.removed++
    }
    return report
  }

  /** Adds a document, or replaces it with all its chunks. Resolves with the number of chunks. */
  async put(source, markdown) {
    const hash = hashOf(markdown)
    const texts = chunks(markdown).map(({ heading, text }, chunk) => ({
      id: `${source}:${chunk}`,
      text: `${heading}\n${text}`,
      metadata: { source, heading, hash, chunk },
    }))
    // All chunks or none. Those of the old version with the same numbers are erased by it.
    await this.#client.insertTexts(this.#collection, texts)
    // The old version may have had more.
    await this.#client.deleteByFilter(this.#collection, { source, chunk: { $gte: texts.length } })
    return texts.length
  }

  /** Deletes a document, and resolves with the number of chunks that it had. */
  async remove(source) {
    return (await this.#client.deleteByFilter(this.#collection, { source })).deleted
  }

  /** The chunks that are nearest to a question: `{ score, source, heading, text }`. */
  async ask(question, limit = 3) {
    const found = await this.#client.search(this.#collection, question, { limit })
    return found.map(({ score, text, metadata: { source, heading } }) => {
      return { score, source, heading, text: text.slice(heading.length + 1) }
    })
  }

  async close() {
    await this.#client.close()
  }
}
