// The vector store for LangChain.js, for ES modules. LangChain's are imported dynamically:
// where they are missing, a static import fails before anything can say what to install.
import './lib/node-version.js'
import { explained, vectorStore } from './lib/langchain/store.js'

async function core() {
  try {
    return {
      ...(await import('@langchain/core/documents')),
      ...(await import('@langchain/core/utils/math')),
      ...(await import('@langchain/core/vectorstores')),
    }
  } catch (error) {
    throw explained(error)
  }
}

export const VectorizerVectorStore = vectorStore(await core())
