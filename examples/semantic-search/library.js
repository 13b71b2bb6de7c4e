// Documents that are found by meaning. A document is embedded when it is new or has changed.
import { createHash } from 'node:crypto'
import { VectorizerClient } from 'vectorizer-native'
import { chunks } from './markdown.js'

/** @import { Collection, Embedder } from 'vectorizer-native' */

/**
 * What makes vectors of texts. Its name is that of its collection.
 *
 * @typedef {{ name: string, dimension: number, embed: Embedder }} Model
 */

/**
 * What is kept of a chunk beside its text: its document, the heading above it, the SHA-256 of the
 * version of the document, and its number in it.
 *
 * @typedef {{ source: string, heading: string, hash: string, chunk: number }} Chunk
 */

/** @param {string} text */
const hashOf = (text) => createHash('sha256').update(text).digest('hex')

export class Library {
  #client
  #chunks

  /**
   * @param {VectorizerClient} client
   * @param {Collection<Chunk>} chunks
   */
  constructor(client, chunks) {
    this.#client = client
    this.#chunks = chunks
  }

  /**
   * Opens the store in `path`.
   *
   * @param {string} path
   * @param {Model} model
   */
  static async open(path, { name, dimension, embed }) {
    const client = new VectorizerClient({ path, embedder: embed })
    // Vectors of another model cannot be compared, and would keep what is deleted here.
    for (const other of await client.listCollections()) {
      if (other.name !== name) await client.deleteCollection(other.name)
    }
    return new Library(client, await client.collection(name, { dimension, ifExists: 'open' }))
  }

  /** Each document in the store, with the hashes of the versions of which there are chunks. */
  async #known() {
    const limit = await this.#chunks.count()
    const all = limit > 0 ? await this.#chunks.search('', { limit }) : []
    /** @type {Map<string, Set<string>>} */
    const known = new Map()
    for (const { metadata } of all) {
      const { source, hash } = metadata
      known.set(source, (known.get(source) ?? new Set()).add(hash))
    }
    return known
  }

  /**
   * Makes the library hold these documents, a `Map` of texts by name, and no others.
   * `onEmbedded` is told the name and the number of chunks of each that was embedded.
   *
   * @param {Map<string, string>} documents
   * @param {(source: string, chunks: number) => void} onEmbedded
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

  /**
   * Adds a document, or replaces it with all its chunks. Resolves with the number of chunks.
   *
   * @param {string} source
   * @param {string} markdown
   */
  async put(source, markdown) {
    const hash = hashOf(markdown)
    const texts = chunks(markdown).map(({ heading, text }, chunk) => ({
      id: `${source}:${chunk}`,
      text: `${heading}\n${text}`,
      metadata: { source, heading, hash, chunk },
    }))
    // All chunks or none. Those of the old version with the same numbers are erased by it.
    await this.#chunks.insertTexts(texts)
    // The old version may have had more.
    await this.#chunks.deleteByFilter({ source, chunk: { $gte: texts.length } })
    return texts.length
  }

  /**
   * Deletes a document, and resolves with the number of chunks that it had.
   *
   * @param {string} source
   */
  async remove(source) {
    return (await this.#chunks.deleteByFilter({ source })).deleted
  }

  /**
   * The chunks that are nearest to a question: `{ score, source, heading, text }`.
   *
   * @param {string} question
   */
  async ask(question, limit = 3) {
    const found = await this.#chunks.search(question, { limit })
    return found.map(({ score, text = '', metadata: { source, heading } }) => {
      return { score, source, heading, text: text.slice(heading.length + 1) }
    })
  }

  async close() {
    await this.#client.close()
  }
}
