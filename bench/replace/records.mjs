/**
 * A record manager for LangChain's `index`: which documents it has written, and when. In memory, and so
 * faster than those for databases.
 */
export class Records {
  #written = new Map()

  async getTime() {
    return performance.now()
  }

  async exists(keys) {
    return keys.map((key) => this.#written.has(key))
  }

  async update(keys, { groupIds } = {}) {
    const time = performance.now()
    for (const [i, key] of keys.entries()) {
      const group = groupIds?.[i] ?? this.#written.get(key)?.group
      this.#written.set(key, { time, group })
    }
  }

  async listKeys({ before = Infinity, limit = Infinity }) {
    const old = [...this.#written].filter(([, { time }]) => time < before)
    return old.slice(0, limit).map(([key]) => key)
  }

  async deleteKeys(keys) {
    for (const key of keys) this.#written.delete(key)
  }
}
