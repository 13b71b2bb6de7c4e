import { createRequire } from 'node:module'
import { join } from 'node:path'

// Only this part of the package: the parts that embed, fetch and split documents are not installed.
const { LocalIndex } = createRequire(import.meta.url)('vectra/lib/LocalIndex')

/** A single JSON file, rewritten by each change; a search compares with all items. */
export async function open({ folder, dim, reopen }) {
  const index = new LocalIndex(join(folder, 'vectra'))
  if (!reopen) await index.createIndex({ version: 1, metadata_config: { indexed: ['year'] } })

  async function removeAll(ids) {
    await index.beginUpdate()
    for (const id of ids) await index.deleteItem(id)
    await index.endUpdate()
  }

  return {
    settings: 'exact, a folder, year indexed (kept with the items)',
    insert: ({ ids, data, metadata }) =>
      index.batchInsertItems(
        ids.map((id, i) => ({
          id,
          vector: Array.from(data.subarray(i * dim, (i + 1) * dim)),
          metadata: metadata[i],
        })),
      ),
    query: (vector) => Array.from(vector),
    async search(vector, limit) {
      const found = await index.queryItems(vector, '', limit)
      return found.map(({ item }) => item.id)
    },
    deleteOne: (id) => index.deleteItem(id),
    deleteMany: removeAll,
    async deleteByFilter({ field, below }) {
      const items = await index.listItemsByMetadata({ [field]: { $lt: below } })
      await removeAll(items.map((item) => item.id))
    },
    count: async () => (await index.getIndexStats()).items,
  }
}
