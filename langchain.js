// The vector store for LangChain.js, for CommonJS.
require('./lib/node-version.js')
const { explained, vectorStore } = require('./lib/langchain/store.js')

function core() {
  try {
    return {
      ...require('@langchain/core/documents'),
      ...require('@langchain/core/utils/math'),
      ...require('@langchain/core/vectorstores'),
    }
  } catch (error) {
    throw explained(error)
  }
}

exports.VectorizerVectorStore = vectorStore(core())
