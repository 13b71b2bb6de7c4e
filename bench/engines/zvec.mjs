import { createRequire } from 'node:module'
import { join } from 'node:path'

const zvec = createRequire(import.meta.url)('@zvec/zvec')
const { ZVecDataType: type, ZVecIndexType: kind } = zvec
zvec.ZVecInitialize({ logLevel: zvec.ZVecLogLevel.ERROR })

/** It has no collections in memory: this one is in a temporary folder, memory-mapped (its default). */
export function open({ dim, folder, reopen, texts: withTexts }) {
  const path = join(folder, 'zvec')
  const collection = reopen ? zvec.ZVecOpen(path) : zvec.ZVecCreateAndOpen(path, schema(dim, withTexts))
  const request = (vector, topk, ef) => ({
    fieldName: 'embedding',
    vector,
    topk,
    outputFields: [],
    params: { indexType: kind.HNSW, ef },
  })
  const idsOf = (documents) => documents.map((document) => document.id)
  return {
    settings: 'M 16, ef_construction 200, year indexed, on disk',
    async insert({ ids, data, metadata, texts }) {
      const documents = ids.map((id, i) => {
        const { id: name, ...fields } = metadata[i]
        return {
          id,
          vectors: { embedding: data.subarray(i * dim, (i + 1) * dim) },
          fields: { name, ...fields, ...(withTexts && { text: texts[i] }) },
        }
      })
      check(collection.insertSync(documents))
    },
    index: () => collection.optimize(),
    search: async (vector, limit, ef) => idsOf(await collection.query(request(vector, limit, ef))),
    searchSync: (vector, limit, ef) => idsOf(collection.querySync(request(vector, limit, ef))),
    // Deletes by id exist only as synchronous calls.
    async deleteOne(id) {
      check([collection.deleteSync(id)])
    },
    async deleteMany(batch) {
      check(collection.deleteSync(batch))
    },
    async deleteByFilter({ field, below }) {
      check([await collection.deleteByFilter(`${field} < ${below}`)])
    },
    async get(id) {
      const { vectors, fields } = collection.fetchSync(id)[id]
      return { data: vectors.embedding, text: fields.text }
    },
    count: async () => collection.stats.docCount,
    cleanUp: () => collection.optimize(),
    async close() {
      collection.closeSync()
    },
  }
}

function schema(dimension, withTexts) {
  const indexed = { indexParams: { indexType: kind.INVERT } }
  return new zvec.ZVecCollectionSchema({
    name: 'bench',
    vectors: {
      name: 'embedding',
      dataType: type.VECTOR_FP32,
      dimension,
      indexParams: {
        indexType: kind.HNSW,
        metricType: zvec.ZVecMetricType.COSINE,
        m: 16,
        efConstruction: 200,
      },
    },
    fields: [
      { name: 'name', dataType: type.STRING },
      { name: 'version', dataType: type.STRING },
      { name: 'created_at', dataType: type.STRING },
      { name: 'summary', dataType: type.STRING },
      { name: 'year', dataType: type.INT32, ...indexed },
      { name: 'rank', dataType: type.INT32, nullable: true },
      ...(withTexts ? [{ name: 'text', dataType: type.STRING }] : []),
    ],
  })
}

function check(statuses) {
  const failed = statuses.find((status) => !status.ok)
  if (failed) throw new Error(`zvec: ${failed.code} ${failed.message}`)
}
