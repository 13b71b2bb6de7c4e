import { createRequire } from 'node:module'
import { join } from 'node:path'

const require = createRequire(import.meta.url)
const Database = require('better-sqlite3')
const sqliteVec = require('sqlite-vec')

/** It has no index: each search compares with all rows. Its calls are synchronous. */
export function open({ dim, folder, reopen }) {
  const database = new Database(join(folder, 'rows.db'))
  sqliteVec.load(database)
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = NORMAL')
  if (!reopen) database.exec(schema(dim))
  const secureDelete = database.pragma('secure_delete', { simple: true })
  const insert = database.prepare('insert into rows values (?, ?, ?, ?, ?, ?, ?, ?)')
  const nearest = database.prepare('select id from rows where embedding match ? and k = ?').pluck()
  const remove = database.prepare('delete from rows where id = ?')
  const counter = database.prepare('select count(*) from rows').pluck()
  const all = (work) => database.transaction(work)()
  const searchSync = (vector, limit) => nearest.all(vector, limit)
  return {
    settings: `exact, vec0 table, WAL, synchronous NORMAL, secure_delete ${secureDelete} (its default)`,
    async insert({ ids, data, metadata }) {
      all(() => {
        for (const [i, id] of ids.entries()) {
          const { id: name, version, created_at, summary, year, rank } = metadata[i]
          const embedding = data.subarray(i * dim, (i + 1) * dim)
          // A vec0 table treats a number as a float; an integer must be a BigInt.
          insert.run(
            id,
            embedding,
            BigInt(year),
            name,
            version,
            created_at,
            summary,
            rank ? BigInt(rank) : null,
          )
        }
      })
    },
    search: async (vector, limit) => searchSync(vector, limit),
    searchSync,
    async deleteOne(id) {
      remove.run(id)
    },
    async deleteMany(batch) {
      all(() => {
        for (const id of batch) remove.run(id)
      })
    },
    async deleteByFilter({ field, below }) {
      database.prepare(`delete from rows where ${field} < ?`).run(BigInt(below))
    },
    count: async () => counter.get(),
    async cleanUp() {
      database.exec('vacuum')
      // The write-ahead log holds the old pages until it is emptied.
      database.pragma('wal_checkpoint(TRUNCATE)')
    },
    async close() {
      database.close()
    },
  }
}

/**
 * Columns that searches and deletes filter by and, with a plus sign, those that are only stored.
 */
const schema = (dim) => `create virtual table rows using vec0(
  id text primary key,
  embedding float[${dim}] distance_metric=cosine,
  year integer,
  +name text,
  +version text,
  +created_at text,
  +summary text,
  +rank integer
)`
