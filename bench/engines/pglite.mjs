import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { vector } from '@electric-sql/pglite-pgvector'

/** PostgreSQL as WebAssembly, with its data in a folder. */
export async function open({ dim, folder, reopen }) {
  const database = await PGlite.create({ dataDir: join(folder, 'postgres'), extensions: { vector } })
  if (!reopen) {
    await database.exec('create extension vector')
    await database.exec(schema(dim))
  }
  let width
  const text = (embedding) => `[${Array.from(embedding).join(',')}]`
  return {
    settings: 'hnsw (m 16, ef_construction 200), id and year indexed, in a folder',
    async insert({ ids, data, metadata }) {
      const rows = ids.map((id, i) => ({
        key: id,
        embedding: text(data.subarray(i * dim, (i + 1) * dim)),
        ...metadata[i],
        name: metadata[i].id,
      }))
      await database.query(INSERT, [JSON.stringify(rows)])
    },
    async index() {
      await database.exec(
        'create index on rows using hnsw (embedding vector_cosine_ops) with (m = 16, ef_construction = 200)',
      )
      await database.exec('create index on rows (year)')
    },
    query: text,
    async search(query, limit, ef) {
      if (ef !== width) await database.exec(`set hnsw.ef_search = ${ef}`)
      width = ef
      const { rows } = await database.query(NEAREST, [query, limit])
      return rows.map((row) => row.key)
    },
    deleteOne: (id) => database.query('delete from rows where key = $1', [id]),
    deleteMany: (ids) => database.query('delete from rows where key = any($1)', [ids]),
    deleteByFilter: ({ field, below }) => database.query(`delete from rows where ${field} < $1`, [below]),
    async count() {
      const { rows } = await database.query('select count(*)::int as count from rows')
      return rows[0].count
    },
    cleanUp: () => database.exec('vacuum rows'),
    close: () => database.close(),
  }
}

const schema = (dim) => `create table rows (
  key text primary key,
  embedding vector(${dim}) not null,
  name text,
  version text,
  created_at text,
  summary text,
  year integer,
  rank integer
)`

const INSERT = `insert into rows
  select key, embedding::vector, name, version, created_at, summary, year, rank
  from json_to_recordset($1::json)
  as r(key text, embedding text, name text, version text, created_at text, summary text, year int, rank int)`

const NEAREST = 'select key from rows order by embedding <=> $1::vector limit $2'
