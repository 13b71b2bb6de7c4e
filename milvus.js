// The client of a distributed engine, Milvus.
require('./lib/node-version.js')
const { milvusClient } = require('./lib/milvus/client.js')

exports.MilvusVectorizerClient = milvusClient(() => require('@zilliz/milvus2-sdk-node'))
