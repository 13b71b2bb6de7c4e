/** Metadata for an engine that stores none, kept as its users would have to keep it. */
export class Metadata {
  #byId = new Map()

  /**
   * Copies the metadata as an engine would: the benchmark's own objects are not the engine's
   * memory.
   */
  insert(ids, metadata) {
    for (const [i, id] of ids.entries()) this.#byId.set(id, JSON.parse(JSON.stringify(metadata[i])))
  }

  delete(id) {
    this.#byId.delete(id)
  }

  /** The ids that match; those already returned may be deleted during the iteration. */
  *matches({ field, below }) {
    for (const [id, metadata] of this.#byId) if (metadata[field] < below) yield id
  }
}
