// The client of a distributed engine, Milvus.
const { milvusClient } = require('./lib/milvus/client.js')

exports.MilvusVectorizerClient = milvusClient(() => require('@zilliz/milvus2-sdk-node'))
