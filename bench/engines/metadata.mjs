/** Metadata beside an engine that keeps none, as its users have to. */
export class Metadata {
  #byId = new Map()

  /** A copy, as an engine makes: the benchmark's own metadata are not the engine's memory. */
  insert(ids, metadata) {
    for (const [i, id] of ids.entries()) this.#byId.set(id, JSON.parse(JSON.stringify(metadata[i])))
  }

  delete(id) {
    this.#byId.delete(id)
  }

  /** The ids that match; what has been returned may be deleted meanwhile. */
  *matches({ field, below }) {
    for (const [id, metadata] of this.#byId) if (metadata[field] < below) yield id
  }
}
