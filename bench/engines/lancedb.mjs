import { connect, Index } from '@lancedb/lancedb'
import {
  Field,
  FixedSizeList,
  Float32,
  Int32,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  Utf8,
  vectorFromArray,
} from 'apache-arrow'

/** The most ids in one predicate. */
const CHUNK = 10_000

/**
 * A table with the index that its documentation recommends for high recall, compacted before it is indexed.
 */
export async function open({ dim, folder, reopen }) {
  const database = await connect(folder)
  const schema = columns(dim)
  const table = reopen ? await database.openTable('rows') : await database.createEmptyTable('rows', schema)
  const compact = () => table.optimize({ cleanupOlderThan: new Date() })
  return {
    settings: 'IVF_HNSW_SQ, M 16, ef_construction 200, id and year indexed (BTREE)',
    insert: (rows) => table.add(arrowTable(schema, rows)),
    async index() {
      // Each batch is a separate fragment, and an index over many fragments is slower to read.
      await compact()
      const hnsw = Index.hnswSq({ distanceType: 'cosine', numPartitions: 1, m: 16, efConstruction: 200 })
      await table.createIndex('embedding', { config: hnsw })
      for (const column of ['id', 'year']) await table.createIndex(column, { config: Index.btree() })
    },
    async search(vector, limit, ef) {
      const query = table.query().nearestTo(vector).distanceType('cosine').ef(ef)
      // Selecting the distance explicitly avoids a warning at each search that it is added.
      const found = await query.limit(limit).select(['id', '_distance']).toArray()
      return found.map((row) => row.id)
    },
    deleteOne: (id) => table.delete(`id = '${id}'`),
    async deleteMany(ids) {
      for (let i = 0; i < ids.length; i += CHUNK) {
        const list = ids.slice(i, i + CHUNK).map((id) => `'${id}'`)
        await table.delete(`id IN (${list.join(', ')})`)
      }
    },
    deleteByFilter: ({ field, below }) => table.delete(`${field} < ${below}`),
    count: () => table.countRows(),
    cleanUp: compact,
    async close() {
      table.close()
      database.close()
    },
  }
}

function columns(dim) {
  const embedding = new FixedSizeList(dim, new Field('item', new Float32(), true))
  return new Schema([
    new Field('id', new Utf8(), false),
    new Field('embedding', embedding, false),
    new Field('name', new Utf8(), false),
    new Field('version', new Utf8(), false),
    new Field('created_at', new Utf8(), false),
    new Field('summary', new Utf8(), false),
    new Field('year', new Int32(), false),
    new Field('rank', new Int32(), true),
  ])
}

/** Inserts the vectors as they are, without creating an array of numbers for each. */
function arrowTable(schema, { ids, data, metadata }) {
  const length = ids.length
  const values = makeData({ type: new Float32(), data })
  const [, { type: list }] = schema.fields
  const column = (type, value) => vectorFromArray(metadata.map(value), type).data[0]
  const children = [
    vectorFromArray(ids, new Utf8()).data[0],
    makeData({ type: list, length, nullCount: 0, child: values }),
    ...['id', 'version', 'created_at', 'summary'].map((key) => column(new Utf8(), (row) => row[key])),
    column(new Int32(), (row) => row.year),
    column(new Int32(), (row) => row.rank ?? null),
  ]
  const struct = makeData({ type: new Struct(schema.fields), length, nullCount: 0, children })
  return new Table(schema, [new RecordBatch(schema, struct)])
}
